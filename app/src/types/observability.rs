//! Where events of requests are sent to. Field names are the original's.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// One of `GET /api/v1/observability/destinations`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "ssr", derive(utoipa::ToSchema))]
#[expect(clippy::struct_excessive_bools, reason = "the original's fields")]
pub struct Destination {
    pub id: String,
    pub workspace_id: String,
    pub name: Option<String>,
    /// `webhook`, `otel-collector`, `s3` or `langfuse`.
    #[serde(rename = "type")]
    pub kind: String,
    /// As it was given; secrets are masked.
    #[cfg_attr(feature = "ssr", schema(value_type = Object))]
    pub config: Map<String, Value>,
    pub enabled: bool,
    pub privacy_mode: bool,
    pub sampling_rate: f64,
    pub api_key_hashes: Option<Vec<String>>,
    pub filter_rules: Option<FilterRules>,
    pub broadcast_generation_cost: bool,
    pub broadcast_generation_identity: bool,
    pub broadcast_generation_request_context: bool,
    pub created_at: String,
    pub updated_at: String,
    /// Ours: what became of its events.
    #[serde(default)]
    pub delivery: Delivery,
}

/// What became of a destination's events.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ssr", derive(utoipa::ToSchema))]
pub struct Delivery {
    pub waiting: i64,
    pub sent: i64,
    /// Given up, or dropped because too many waited.
    pub lost: i64,
    pub last_sent_at: Option<String>,
    /// What went wrong last; null once an event arrived again.
    pub last_error: Option<String>,
    pub last_error_at: Option<String>,
}

/// A page of destinations.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "ssr", derive(utoipa::ToSchema))]
pub struct DestinationList {
    pub data: Vec<Destination>,
    pub total_count: u64,
}

/// Which events are sent: those that every group lets pass.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "ssr", derive(utoipa::ToSchema))]
pub struct FilterRules {
    #[serde(default = "yes")]
    pub enabled: bool,
    pub groups: Vec<FilterGroup>,
}

/// Rules that belong together.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "ssr", derive(utoipa::ToSchema))]
pub struct FilterGroup {
    /// `and` (the default) or `or`.
    #[serde(default = "and")]
    pub logic: String,
    pub rules: Vec<FilterRule>,
}

/// One condition on an event.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "ssr", derive(utoipa::ToSchema))]
pub struct FilterRule {
    pub field: String,
    pub operator: String,
    /// Text or a number.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "ssr", schema(value_type = Option<Object>))]
    pub value: Option<Value>,
}

const fn yes() -> bool {
    true
}

fn and() -> String {
    "and".to_owned()
}
