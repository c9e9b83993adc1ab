//! Models, their endpoints and the providers that serve them, as the catalog API shows them.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::Price;

/// `GET /api/v1/models`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "ssr", derive(utoipa::ToSchema))]
pub struct ModelList {
    pub data: Vec<Model>,
    pub total_count: u64,
    pub links: PageLinks,
}

/// Where the next page is.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ssr", derive(utoipa::ToSchema))]
pub struct PageLinks {
    pub next: Option<String>,
}

/// A model, with the prices of its cheapest endpoint.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "ssr", derive(utoipa::ToSchema))]
pub struct Model {
    /// `author/slug`.
    pub id: String,
    pub canonical_slug: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hugging_face_id: Option<String>,
    /// `Author: Name`.
    pub name: String,
    /// Epoch seconds.
    pub created: i64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// Tokens.
    pub context_length: Option<i64>,
    pub architecture: Architecture,
    pub pricing: Pricing,
    pub top_provider: TopProvider,
    pub per_request_limits: Option<Value>,
    pub supported_parameters: Vec<String>,
    pub supported_voices: Option<Vec<String>>,
    pub default_parameters: Option<Value>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub knowledge_cutoff: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expiration_date: Option<String>,
    pub links: ModelLinks,
    /// Ours: how many endpoints serve it.
    #[serde(default)]
    pub endpoint_count: u32,
    /// Ours: every endpoint is a simulated provider.
    #[serde(default)]
    pub is_simulated: bool,
}

/// What goes in and comes out.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ssr", derive(utoipa::ToSchema))]
pub struct Architecture {
    /// `text+image->text`.
    pub modality: Option<String>,
    pub input_modalities: Vec<String>,
    pub output_modalities: Vec<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tokenizer: Option<String>,
    pub instruct_type: Option<String>,
}

/// Unit prices in USD per token (per image, per request) as decimal strings.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ssr", derive(utoipa::ToSchema))]
pub struct Pricing {
    pub prompt: Price,
    pub completion: Price,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub request: Option<Price>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub image: Option<Price>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub audio: Option<Price>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub internal_reasoning: Option<Price>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub input_cache_read: Option<Price>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub input_cache_write: Option<Price>,
    /// Per token written to be kept for an hour.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub input_cache_write_1h: Option<Price>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub web_search: Option<Price>,
}

impl Pricing {
    /// Nothing about it costs anything.
    #[must_use]
    pub fn is_free(&self) -> bool {
        self.prompt.is_zero() && self.completion.is_zero() && self.request.is_none_or(Price::is_zero)
    }
}

/// Limits of the endpoint shown first.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ssr", derive(utoipa::ToSchema))]
pub struct TopProvider {
    pub context_length: Option<i64>,
    pub max_completion_tokens: Option<i64>,
    pub is_moderated: bool,
}

/// Where more about a model is.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ssr", derive(utoipa::ToSchema))]
pub struct ModelLinks {
    /// Path of the endpoints of this model.
    pub details: String,
}

/// `GET /api/v1/models/count`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ssr", derive(utoipa::ToSchema))]
pub struct ModelCount {
    pub count: u64,
}

/// `GET /api/v1/models/{author}/{slug}/endpoints`, inside `data`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "ssr", derive(utoipa::ToSchema))]
pub struct ModelEndpoints {
    pub id: String,
    pub name: String,
    /// Epoch seconds.
    pub created: i64,
    pub description: String,
    pub architecture: Architecture,
    pub endpoints: Vec<Endpoint>,
}

/// One provider's offer of a model.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "ssr", derive(utoipa::ToSchema))]
#[expect(clippy::struct_excessive_bools, reason = "the original's fields")]
pub struct Endpoint {
    /// `Provider | author/slug`.
    pub name: String,
    pub model_id: String,
    pub model_name: String,
    /// Tokens.
    pub context_length: i64,
    pub pricing: Pricing,
    pub provider_name: String,
    /// Provider slug, with a variant where there is one: `deepinfra/fp8`.
    pub tag: String,
    pub quantization: Option<String>,
    pub max_completion_tokens: Option<i64>,
    pub max_prompt_tokens: Option<i64>,
    pub supported_parameters: Vec<String>,
    /// 0 is normal; below zero is degraded or out.
    pub status: i32,
    /// Percent.
    pub uptime_last_5m: Option<f64>,
    pub uptime_last_30m: Option<f64>,
    pub uptime_last_1d: Option<f64>,
    pub supports_implicit_caching: bool,
    /// Time to first token in seconds.
    pub latency_last_30m: Option<Percentiles>,
    /// Of the last five minutes, as is `throughput_last_5m`. Ours.
    #[serde(default)]
    pub latency_last_5m: Option<Percentiles>,
    #[serde(default)]
    pub throughput_last_5m: Option<Percentiles>,
    /// Tokens per second.
    pub throughput_last_30m: Option<Percentiles>,
    pub supports_tool_choice: ToolChoiceSupport,
    pub native_tools: Value,
    pub service_tier: Option<String>,
    pub supports_diarization: bool,
    /// Ours: answers are made up by a program, not by a model.
    #[serde(default)]
    pub is_simulated: bool,
    /// Ours: this server has a credential for the provider.
    #[serde(default)]
    pub is_available: bool,
    /// Ours: what the provider does with prompts.
    #[serde(default)]
    pub data_policy: DataPolicy,
}

/// Which forms of `tool_choice` an endpoint understands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ssr", derive(utoipa::ToSchema))]
#[expect(clippy::struct_excessive_bools, reason = "the original's fields")]
pub struct ToolChoiceSupport {
    pub auto: bool,
    pub none: bool,
    pub required: bool,
    pub function: bool,
}

/// Percentiles of a statistic.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "ssr", derive(utoipa::ToSchema))]
pub struct Percentiles {
    pub p50: f64,
    pub p75: f64,
    pub p90: f64,
    pub p99: f64,
}

/// What a provider does with prompts. Unknown counts as "yes".
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ssr", derive(utoipa::ToSchema))]
pub struct DataPolicy {
    pub trains_on_prompts: Option<bool>,
    pub retains_prompts: Option<bool>,
}

/// `GET /api/v1/providers`, one of `data`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ssr", derive(utoipa::ToSchema))]
pub struct Provider {
    pub name: String,
    pub slug: String,
    pub privacy_policy_url: Option<String>,
    pub terms_of_service_url: Option<String>,
    pub status_page_url: Option<String>,
    pub headquarters: Option<String>,
    #[serde(default)]
    pub datacenters: Vec<String>,
    /// Ours: this server can send requests to it.
    #[serde(default)]
    pub is_available: bool,
    /// Ours: a program that makes up answers.
    #[serde(default)]
    pub is_simulated: bool,
    /// Ours.
    #[serde(default)]
    pub model_count: u32,
}

/// `GET /api/v1/models/facets` (ours), inside `data`: what the list of models can be narrowed to.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ssr", derive(utoipa::ToSchema))]
pub struct Facets {
    pub authors: Vec<Facet>,
    pub providers: Vec<Facet>,
    pub supported_parameters: Vec<Facet>,
    pub input_modalities: Vec<Facet>,
    pub output_modalities: Vec<Facet>,
    pub categories: Vec<Facet>,
    /// Models that cost nothing.
    pub free: u32,
    /// Models with an endpoint that keeps no prompts.
    pub zdr: u32,
}

/// A value the list can be narrowed to, and how many models have it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ssr", derive(utoipa::ToSchema))]
pub struct Facet {
    /// As the query takes it.
    pub value: String,
    /// As people read it.
    pub name: String,
    pub count: u32,
}
