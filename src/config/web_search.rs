//! Settings of this server's own search on the web.

use std::fmt;

use app::types::Money;
use serde::{Deserialize, Serialize};

/// Who searches for models whose provider does not.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum SearchEngine {
    /// Nobody.
    #[default]
    Off,
    /// Exa, with a key of the operator.
    Exa,
    /// A SearXNG of the operator, with its JSON format switched on.
    Searxng,
}

impl SearchEngine {
    /// As requests name it and `/generation` shows it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Off => "off",
            Self::Exa => "exa",
            Self::Searxng => "searxng",
        }
    }
}

/// Where is searched, and what it costs callers.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct WebSearchSettings {
    pub engine: SearchEngine,
    /// Empty: the engine's public address, where it has one.
    pub base_url: String,
    pub api_key: String,
    /// USD for one search with up to ten results.
    #[serde(with = "super::dollars")]
    pub price_per_request: Money,
    /// USD for each result beyond.
    #[serde(with = "super::dollars")]
    pub price_per_result: Money,
}

impl Default for WebSearchSettings {
    /// The prices are what Exa asks.
    fn default() -> Self {
        Self {
            engine: SearchEngine::Off,
            base_url: String::new(),
            api_key: String::new(),
            price_per_request: Money(7_000_000),
            price_per_result: Money(1_000_000),
        }
    }
}

impl WebSearchSettings {
    /// Results that the price of one search covers.
    const COVERED: u64 = 10;

    /// Where the engine is asked, without a slash at the end.
    #[must_use]
    pub fn address(&self) -> &str {
        match (self.base_url.trim_end_matches('/'), self.engine) {
            ("", SearchEngine::Exa) => "https://api.exa.ai",
            (address, _) => address,
        }
    }

    /// What one search with so many results costs.
    #[must_use]
    pub fn price(&self, results: u64) -> Money {
        let more = i64::try_from(results.saturating_sub(Self::COVERED)).unwrap_or(i64::MAX);
        self.price_per_request.plus(Money(self.price_per_result.0.saturating_mul(more)))
    }

    /// What is wrong with the settings: the place and the cause.
    pub(super) fn wrong(&self) -> Option<(&'static str, &'static str)> {
        if self.price_per_request.0 < 0 {
            return Some(("web_search.price_per_request", "must not be negative"));
        }
        if self.price_per_result.0 < 0 {
            return Some(("web_search.price_per_result", "must not be negative"));
        }
        match self.engine {
            SearchEngine::Exa if self.api_key.is_empty() => Some(("web_search.api_key", "is needed for Exa")),
            SearchEngine::Searxng if self.base_url.is_empty() => {
                Some(("web_search.base_url", "is needed: the address of your SearXNG"))
            }
            _ => None,
        }
    }
}

impl fmt::Debug for WebSearchSettings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WebSearchSettings")
            .field("engine", &self.engine)
            .field("base_url", &self.base_url)
            .field("api_key", &(!self.api_key.is_empty()).then_some("set"))
            .field("price_per_request", &self.price_per_request)
            .field("price_per_result", &self.price_per_result)
            .finish()
    }
}
