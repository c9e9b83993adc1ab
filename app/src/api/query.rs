//! Queries: what a list of models may be asked for, and how it is spelled in a URL.

use std::fmt::Write as _;

use serde::{Deserialize, Serialize};

use crate::types::rankings::BoardKind;

/// What to list, as the API's parameters are called. Empty fields ask for nothing special;
/// lists are separated by commas.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ModelQuery {
    pub q: String,
    pub sort: String,
    pub category: String,
    pub supported_parameters: String,
    pub input_modalities: String,
    pub output_modalities: String,
    pub model_authors: String,
    /// Slugs of providers, one of which must serve it.
    pub providers: String,
    /// At least so many tokens.
    pub context: String,
    /// Dollars per million input tokens.
    pub min_price: String,
    pub max_price: String,
    /// Only models that cost nothing.
    pub is_free: bool,
    /// Only models with an endpoint that keeps no prompts.
    pub is_zdr: bool,
    pub max_age_days: String,
    pub limit: u32,
    pub offset: u32,
}

impl ModelQuery {
    /// Reads a page's address; `get` gives all values of a name.
    #[must_use]
    pub fn read(get: &dyn Fn(&str) -> Vec<String>) -> Self {
        let text = |name: &str| {
            let values: Vec<String> = get(name).into_iter().filter(|value| !value.trim().is_empty()).collect();
            values.join(",")
        };
        let is_said = |name: &str| matches!(text(name).as_str(), "1" | "true" | "on");
        Self {
            q: text("q"),
            sort: text("sort"),
            category: text("category"),
            supported_parameters: text("supported_parameters"),
            input_modalities: text("input_modalities"),
            output_modalities: text("output_modalities"),
            model_authors: text("model_authors"),
            providers: text("providers"),
            context: text("context"),
            min_price: text("min_price"),
            max_price: text("max_price"),
            is_free: is_said("free") || text("max_price") == "0",
            is_zdr: is_said("zdr"),
            max_age_days: text("max_age_days"),
            limit: 0,
            offset: text("offset").parse().unwrap_or_default(),
        }
    }

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
            ("model_authors", &self.model_authors),
            ("providers", &self.providers),
            ("context", &self.context),
            ("min_price", if self.is_free { "" } else { &self.min_price }),
            ("max_price", if self.is_free { "0" } else { &self.max_price }),
            ("max_output_price", if self.is_free { "0" } else { "" }),
            ("zdr", if self.is_zdr { "true" } else { "" }),
            ("max_age_days", &self.max_age_days),
            ("limit", if self.limit == 0 { "" } else { &limit }),
            ("offset", if self.offset == 0 { "" } else { &offset }),
        ];
        for (name, value) in pairs.into_iter().filter(|(_, value)| !value.is_empty()) {
            let separator = if out.is_empty() { '?' } else { '&' };
            let _ = write!(out, "{separator}{name}={}", encode(value));
        }
        out
    }

    /// Nothing narrows the list.
    #[must_use]
    pub fn is_everything(&self) -> bool {
        Self { sort: String::new(), limit: 0, offset: 0, ..self.clone() } == Self::default()
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

/// Which leaderboard. Empty fields ask for nothing special.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct BoardQuery {
    /// `model`, `author`, `provider`, `app`, `task`, `category` or `language`.
    pub by: String,
    pub period: Period,
    /// `trending`: by growth against the window before.
    pub sort: String,
    /// Only requests about this: `programming`, …
    pub category: String,
    pub modality: String,
    /// Of prompts: `1K`, `10K`, …
    pub length: String,
    /// Only requests of the app at this address.
    pub app: String,
    /// Only requests to the provider of this name.
    pub provider: String,
    /// Only requests for this task: `code:debugging`, …
    pub task: String,
    /// Only questions in this language: `de`, …
    pub language: String,
    /// Only apps for this: `coding`, `cli-agent`, …
    pub app_category: String,
}

impl BoardQuery {
    /// Reads a page's address.
    #[must_use]
    pub fn read(get: &dyn Fn(&str) -> String) -> Self {
        Self {
            by: get("by"),
            period: Period::from_query(&get("period")),
            sort: get("sort"),
            category: get("category"),
            modality: get("modality"),
            length: get("length"),
            app: get("app"),
            provider: get("provider"),
            task: get("task"),
            language: get("language"),
            app_category: get("app_category"),
        }
    }

    #[must_use]
    pub fn kind(&self) -> BoardKind {
        match self.by.as_str() {
            "author" => BoardKind::Author,
            "provider" => BoardKind::Provider,
            "app" => BoardKind::App,
            "task" => BoardKind::Task,
            "category" => BoardKind::Category,
            "language" => BoardKind::Language,
            _ => BoardKind::Model,
        }
    }

    /// `?by=…&period=week`
    #[must_use]
    pub fn to_query_string(&self) -> String {
        let mut out = format!("?period={}", self.period.as_str());
        let pairs = [
            ("by", &self.by),
            ("sort", &self.sort),
            ("category", &self.category),
            ("modality", &self.modality),
            ("length", &self.length),
            ("app", &self.app),
            ("provider", &self.provider),
            ("task", &self.task),
            ("language", &self.language),
            ("app_category", &self.app_category),
        ];
        for (name, value) in pairs.into_iter().filter(|(_, value)| !value.is_empty()) {
            let _ = write!(out, "&{name}={}", encode(value));
        }
        out
    }

    /// Where people see it.
    #[must_use]
    pub fn to_page_address(&self) -> String {
        if self.app.is_empty() {
            format!("/rankings{}", self.to_query_string())
        } else {
            format!("/app?url={}&period={}", encode(&self.app), self.period.as_str())
        }
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
