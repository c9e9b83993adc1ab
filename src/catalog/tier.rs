//! Service tiers: offers that answer sooner for more money, or later for less.

use serde_json::value::RawValue;

use super::Endpoint;
use crate::dialects::{Dialect, UpstreamRequest};

/// A tier other than the ordinary one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tier {
    Flex,
    Priority,
}

impl Tier {
    /// The tier of a caller's or a provider's word; `None` is the ordinary one, or no word of ours.
    #[must_use]
    pub fn read(word: &str) -> Option<Self> {
        match word {
            "flex" => Some(Self::Flex),
            "priority" | "fast" => Some(Self::Priority),
            _ => None,
        }
    }

    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Flex => "flex",
            Self::Priority => "priority",
        }
    }

    /// Whether a request in this protocol can ask for the tier.
    #[must_use]
    pub const fn is_known_to(self, dialect: Dialect) -> bool {
        match dialect {
            Dialect::OpenaiChat | Dialect::OpenaiResponses => true,
            Dialect::AnthropicMessages => matches!(self, Self::Priority),
            _ => false,
        }
    }

    /// Asks for the tier in the provider's words. A body that is no object stays as it is.
    pub fn ask(self, dialect: Dialect, request: &mut UpstreamRequest) {
        let field = match dialect {
            Dialect::AnthropicMessages => {
                add_beta(&mut request.headers);
                format!(r#""speed":"{FAST}""#)
            }
            _ => format!(r#""service_tier":"{}""#, self.as_str()),
        };
        let Ok(body) = serde_json::from_slice::<&RawValue>(&request.body) else { return };
        let Some(rest) = body.get().trim().strip_prefix('{') else { return };
        let comma = if rest.trim_start().starts_with('}') { "" } else { "," };
        request.body = format!("{{{field}{comma}{rest}").into();
    }
}

/// Anthropic's word for its quick tier, and the beta that knows it.
const FAST: &str = "fast";
const BETA: (&str, &str) = ("anthropic-beta", "fast-mode-2026-02-01");

fn add_beta(headers: &mut Vec<(&'static str, String)>) {
    match headers.iter_mut().find(|(name, _)| name.eq_ignore_ascii_case(BETA.0)) {
        Some((_, value)) if value.split(',').any(|beta| beta.trim() == BETA.1) => {}
        Some((_, value)) => *value = format!("{value},{}", BETA.1),
        None => headers.push((BETA.0, BETA.1.to_owned())),
    }
}

impl Endpoint {
    /// The tier this offer belongs to: its tag ends in it.
    #[must_use]
    pub fn tier(&self) -> Option<Tier> {
        Tier::read(self.tag.rsplit_once('/')?.1)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;

    #[test]
    fn a_tier_is_asked_for_in_the_words_of_the_provider() {
        let request =
            |headers| UpstreamRequest { path: "/x".to_owned(), headers, body: r#"{"model":"m","messages":[]}"#.into() };
        let mut chat = request(Vec::new());
        Tier::Flex.ask(Dialect::OpenaiChat, &mut chat);
        let body: Value = serde_json::from_slice(&chat.body).unwrap();
        assert_eq!((&body["service_tier"], &body["model"]), (&Value::from("flex"), &Value::from("m")));
        let mut claude = request(vec![("anthropic-beta", "other".to_owned())]);
        Tier::Priority.ask(Dialect::AnthropicMessages, &mut claude);
        let body: Value = serde_json::from_slice(&claude.body).unwrap();
        assert_eq!(body["speed"], "fast");
        assert_eq!(claude.headers, [("anthropic-beta", "other,fast-mode-2026-02-01".to_owned())]);
    }
}
