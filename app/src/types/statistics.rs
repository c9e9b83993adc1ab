//! How models and providers did: speed, uptime, volume, prices, over time.

use serde::{Deserialize, Serialize};

use super::Price;
use super::models::Percentiles;

/// `GET /api/v1/models/{author}/{slug}/statistics?period=week` (ours), inside `data`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "ssr", derive(utoipa::ToSchema))]
pub struct ModelStatistics {
    /// Where the points of the curves begin, RFC 3339, in order.
    pub slots: Vec<String>,
    /// Seconds to the first token over all endpoints, a value for every slot.
    pub latency: Vec<Option<Percentiles>>,
    /// Tokens per second.
    pub throughput: Vec<Option<Percentiles>>,
    pub endpoints: Vec<EndpointStatistics>,
    /// The last 30 days, `YYYY-MM-DD`.
    pub days: Vec<String>,
    pub daily_prompt_tokens: Vec<i64>,
    pub daily_completion_tokens: Vec<i64>,
    pub daily_requests: Vec<i64>,
    /// Of the last 30 days, most tokens first.
    pub apps: Vec<AppShare>,
    /// Oldest first.
    pub prices: Vec<PriceChange>,
    /// Published results, as the imported lists tell them.
    #[serde(default)]
    pub benchmarks: Vec<Benchmark>,
    /// Some of the traffic was simulated.
    pub has_simulated: bool,
}

/// A published result of a model.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "ssr", derive(utoipa::ToSchema))]
pub struct Benchmark {
    pub name: String,
    pub score: f64,
    /// What the score counts, such as `resolved`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub metric: Option<String>,
    /// Who says so, a web address.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source: Option<String>,
}

/// How one endpoint did.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "ssr", derive(utoipa::ToSchema))]
pub struct EndpointStatistics {
    pub tag: String,
    pub provider_name: String,
    /// Median seconds to the first token, a value for every slot.
    pub latency: Vec<Option<f64>>,
    /// Median tokens per second.
    pub throughput: Vec<Option<f64>>,
    /// Percent of requests that succeeded in each of the last 72 hours; null without requests.
    pub uptime: Vec<Option<f64>>,
}

/// What an app had of a model's tokens.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ssr", derive(utoipa::ToSchema))]
pub struct AppShare {
    pub url: String,
    pub title: String,
    pub tokens: i64,
    pub requests: i64,
}

/// A price from its first day on.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ssr", derive(utoipa::ToSchema))]
pub struct PriceChange {
    pub tag: String,
    pub provider_name: String,
    /// `YYYY-MM-DD`; `1970-01-01` is from the beginning.
    pub from: String,
    pub prompt: Price,
    pub completion: Price,
}

/// `GET /api/v1/status` (ours), inside `data`: how the providers did in the last 72 hours.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "ssr", derive(utoipa::ToSchema))]
pub struct Status {
    /// Where the hours begin, RFC 3339, in order.
    pub hours: Vec<String>,
    pub providers: Vec<ProviderHealth>,
    /// Newest first.
    pub incidents: Vec<Incident>,
}

/// How a provider did, hour by hour.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "ssr", derive(utoipa::ToSchema))]
pub struct ProviderHealth {
    pub name: String,
    /// Empty for one that has left the catalog.
    pub slug: String,
    pub requests: i64,
    /// Percent over all hours.
    pub uptime: Option<f64>,
    /// Percent in each hour; null without requests.
    pub hourly: Vec<Option<f64>>,
    /// An endpoint of it is being left alone now.
    pub is_down: bool,
}

/// Hours in a row in which too many requests to a provider failed.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "ssr", derive(utoipa::ToSchema))]
pub struct Incident {
    pub provider_name: String,
    /// RFC 3339.
    pub from: String,
    /// RFC 3339; null while it goes on.
    pub to: Option<String>,
    pub requests: i64,
    pub failures: i64,
}
