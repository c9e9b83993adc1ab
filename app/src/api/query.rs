//! Queries: what a list of models may be asked for, and how it is spelled in a URL.

use std::fmt::Write as _;

use serde::{Deserialize, Serialize};

/// What to list. Empty fields ask for nothing special.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ModelQuery {
    pub q: String,
    pub sort: String,
    pub category: String,
    pub supported_parameters: String,
    pub input_modalities: String,
    pub output_modalities: String,
    /// Only models that cost nothing.
    pub is_free: bool,
    /// Slug of a provider that must serve it.
    pub providers: String,
    pub limit: u32,
    pub offset: u32,
}

impl ModelQuery {
    /// `?q=…&limit=50`, or nothing.
    #[must_use]
    pub fn to_query_string(&self) -> String {
        let mut out = String::new();
        let (limit, offset) = (self.limit.to_string(), self.offset.to_string());
        let pairs = [
            ("q", self.q.as_str()),
            ("sort", &self.sort),
            ("category", &self.category),
            ("supported_parameters", &self.supported_parameters),
            ("input_modalities", &self.input_modalities),
            ("output_modalities", &self.output_modalities),
            ("max_price", if self.is_free { "0" } else { "" }),
            ("max_output_price", if self.is_free { "0" } else { "" }),
            ("providers", &self.providers),
            ("limit", if self.limit == 0 { "" } else { &limit }),
            ("offset", if self.offset == 0 { "" } else { &offset }),
        ];
        for (name, value) in pairs.into_iter().filter(|(_, value)| !value.is_empty()) {
            let separator = if out.is_empty() { '?' } else { '&' };
            let _ = write!(out, "{separator}{name}={}", encode(value));
        }
        out
    }
}

/// The window of a leaderboard.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Period {
    Day,
    #[default]
    Week,
    Month,
    Year,
}

impl Period {
    pub const ALL: [Self; 4] = [Self::Day, Self::Week, Self::Month, Self::Year];

    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Day => "day",
            Self::Week => "week",
            Self::Month => "month",
            Self::Year => "year",
        }
    }

    /// The period a URL names; anything else is a week.
    #[must_use]
    pub fn from_query(text: &str) -> Self {
        Self::ALL.into_iter().find(|period| period.as_str() == text).unwrap_or_default()
    }
}

/// Percent-encodes everything but RFC 3986's unreserved characters and `:`.
#[must_use]
pub fn encode(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~:".contains(&byte) {
            out.push(char::from(byte));
        } else {
            let _ = write!(out, "%{byte:02X}");
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_query_names_only_what_was_asked_for() {
        assert_eq!(ModelQuery::default().to_query_string(), "");
        let query = ModelQuery { q: "a&b c".into(), limit: 50, is_free: true, ..ModelQuery::default() };
        assert_eq!(query.to_query_string(), "?q=a%26b%20c&max_price=0&max_output_price=0&limit=50");
    }

    #[test]
    fn an_unknown_period_is_a_week() {
        assert_eq!(Period::from_query("year"), Period::Year);
        assert_eq!(Period::from_query("<script>"), Period::Week);
    }
}
