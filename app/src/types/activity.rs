//! What was asked, what it used and what it cost.

use serde::{Deserialize, Serialize};

use super::Money;

/// `GET /api/v1/activity`, one of `data`: a completed UTC day of one model at one provider.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ssr", derive(utoipa::ToSchema))]
pub struct ActivityItem {
    /// `YYYY-MM-DD`.
    pub date: String,
    pub model: String,
    pub model_permaslug: String,
    pub endpoint_id: String,
    pub provider_name: String,
    /// Only where the rows are wanted by workspace.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub workspace_id: Option<String>,
    pub usage: Money,
    pub byok_usage_inference: Money,
    pub requests: i64,
    pub prompt_tokens: i64,
    pub completion_tokens: i64,
    pub reasoning_tokens: i64,
    pub cached_tokens: i64,
}

/// `GET /api/v1/usage?days=30` (ours), inside `data`: spend per day and model, today included.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ssr", derive(utoipa::ToSchema))]
pub struct Usage {
    /// Every day of the window in order, `YYYY-MM-DD`, also the empty ones.
    pub days: Vec<String>,
    /// The models with most spend first, the rest as `other`.
    pub series: Vec<UsageSeries>,
    pub total_cost: Money,
    pub total_requests: i64,
    pub total_tokens: i64,
}

/// One line of [`Usage`], a value for every day.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ssr", derive(utoipa::ToSchema))]
pub struct UsageSeries {
    pub name: String,
    pub cost: Vec<Money>,
    pub tokens: Vec<i64>,
    pub requests: Vec<i64>,
}

/// `GET /api/v1/generations?limit=50&before=<id>` (ours), one of `data`, newest first.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "ssr", derive(utoipa::ToSchema))]
pub struct GenerationSummary {
    pub id: String,
    /// RFC 3339.
    pub created_at: String,
    pub model: String,
    pub provider_name: String,
    pub is_simulated: bool,
    pub app_title: Option<String>,
    /// Name of the key, or "Chat" for a request from the chatroom.
    pub key_name: String,
    pub prompt_tokens: i64,
    pub completion_tokens: i64,
    pub cost: Money,
    /// Time to first token, ms.
    pub latency_ms: Option<i64>,
    /// From the first to the last token, ms.
    pub generation_ms: Option<i64>,
    pub finish_reason: Option<String>,
    pub is_streamed: bool,
    /// How many endpoints were tried.
    pub attempts: i64,
    /// Set when the answer failed: what the caller was told.
    pub error: Option<String>,
}

/// `GET /api/v1/generation?id=`, inside `data`. Field names are the original's.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "ssr", derive(utoipa::ToSchema))]
pub struct Generation {
    pub id: String,
    pub upstream_id: Option<String>,
    pub total_cost: Money,
    pub cache_discount: Option<Money>,
    pub upstream_inference_cost: Option<Money>,
    pub created_at: String,
    pub model: String,
    pub app_id: Option<i64>,
    pub streamed: Option<bool>,
    pub cancelled: Option<bool>,
    pub provider_name: Option<String>,
    /// ms.
    pub latency: Option<i64>,
    pub moderation_latency: Option<i64>,
    /// ms.
    pub generation_time: Option<i64>,
    pub finish_reason: Option<String>,
    pub tokens_prompt: Option<i64>,
    pub tokens_completion: Option<i64>,
    pub native_tokens_prompt: Option<i64>,
    pub native_tokens_completion: Option<i64>,
    pub native_tokens_completion_images: Option<i64>,
    pub native_tokens_reasoning: Option<i64>,
    pub native_tokens_cached: Option<i64>,
    pub num_media_prompt: Option<i64>,
    pub num_input_audio_prompt: Option<i64>,
    pub num_media_completion: Option<i64>,
    pub num_search_results: Option<i64>,
    pub num_fetches: Option<i64>,
    pub origin: String,
    pub usage: Money,
    pub is_byok: bool,
    pub native_finish_reason: Option<String>,
    pub external_user: Option<String>,
    pub api_type: Option<String>,
    pub router: Option<String>,
    pub provider_responses: Option<Vec<ProviderResponse>>,
    pub user_agent: Option<String>,
    pub http_referer: Option<String>,
    pub service_tier: Option<String>,
    pub session_id: Option<String>,
    pub request_id: Option<String>,
    pub web_search_engine: Option<String>,
    pub preset_id: Option<String>,
    pub data_region: String,
    pub response_cache_source_id: Option<String>,
    /// Ours: which endpoints could have been tried, in order, and which not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub routing: Option<Routing>,
    /// Ours: what was let off of the list price because the text may be used.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub data_discount: Option<Money>,
    /// Ours: what was asked for, as the rankings count it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub task: Option<String>,
    /// Ours: what it was about, as the rankings count it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub category: Option<String>,
    /// Ours: the language of the question, by its ISO 639-1 code.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub language: Option<String>,
    /// Not in the specification; its clients insist on it.
    pub workspace_id: String,
}

/// `GET /api/v1/generation/content?id=`, inside `data`: what a workspace had kept.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "ssr", derive(utoipa::ToSchema))]
pub struct GenerationContent {
    /// `messages` in the form of the chat API.
    pub input: serde_json::Value,
    pub output: ContentOutput,
    pub error: Option<ContentError>,
}

/// What was answered.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "ssr", derive(utoipa::ToSchema))]
pub struct ContentOutput {
    pub completion: Option<String>,
    pub reasoning: Option<String>,
    /// Ours: functions the model called.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tool_calls: Vec<serde_json::Value>,
    /// Ours: the choices after the first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub other_completions: Vec<String>,
}

/// Why a request failed.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "ssr", derive(utoipa::ToSchema))]
pub struct ContentError {
    pub status: Option<i64>,
    pub message: Option<String>,
    pub provider_name: Option<String>,
    pub raw: Option<String>,
    pub previous_errors: Vec<ContentAttempt>,
}

/// One attempt that failed.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "ssr", derive(utoipa::ToSchema))]
pub struct ContentAttempt {
    pub code: i64,
    pub message: String,
    pub provider_name: Option<String>,
    pub raw: Option<String>,
}

/// How a request was routed.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "ssr", derive(utoipa::ToSchema))]
pub struct Routing {
    /// Why a router chose these models.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub router: Option<String>,
    /// First those that could be tried, in order.
    pub candidates: Vec<RoutingCandidate>,
}

/// An endpoint of a model that was asked for.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "ssr", derive(utoipa::ToSchema))]
pub struct RoutingCandidate {
    pub model: String,
    pub provider: String,
    pub tag: String,
    /// It could be tried.
    pub is_taken: bool,
    /// What the order went by: a chance to be first, a price, a speed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub score: Option<f64>,
    pub reason: String,
}

/// One attempt at one endpoint.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ssr", derive(utoipa::ToSchema))]
pub struct ProviderResponse {
    pub endpoint_id: Option<String>,
    pub provider_name: Option<String>,
    pub model_permaslug: Option<String>,
    /// HTTP status, or null when there was no answer.
    pub status: Option<u16>,
    /// ms until the first token or the failure.
    pub latency: Option<i64>,
    pub is_byok: bool,
}

/// What can be wrong with a request.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "ssr", derive(utoipa::ToSchema))]
pub enum FeedbackCategory {
    Latency,
    Incoherence,
    IncorrectResponse,
    Formatting,
    Billing,
    ApiError,
    #[default]
    Other,
}

impl FeedbackCategory {
    /// All of them, in the order people choose from.
    pub const ALL: [Self; 7] = [
        Self::IncorrectResponse,
        Self::Incoherence,
        Self::Formatting,
        Self::Latency,
        Self::ApiError,
        Self::Billing,
        Self::Other,
    ];

    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Latency => "latency",
            Self::Incoherence => "incoherence",
            Self::IncorrectResponse => "incorrect_response",
            Self::Formatting => "formatting",
            Self::Billing => "billing",
            Self::ApiError => "api_error",
            Self::Other => "other",
        }
    }

    /// As people say it.
    #[must_use]
    pub const fn label(self) -> &'static str {
        match self {
            Self::Latency => "Too slow",
            Self::Incoherence => "Makes no sense",
            Self::IncorrectResponse => "Wrong answer",
            Self::Formatting => "Wrong format",
            Self::Billing => "Wrong charge",
            Self::ApiError => "An error of the API",
            Self::Other => "Something else",
        }
    }
}

impl std::str::FromStr for FeedbackCategory {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        Self::ALL.into_iter().find(|category| category.as_str() == text).ok_or(())
    }
}

/// `POST /api/v1/generation/feedback`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ssr", derive(utoipa::ToSchema))]
pub struct GiveFeedback {
    pub generation_id: String,
    pub category: FeedbackCategory,
    /// At most 1,000 characters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub comment: Option<String>,
}

/// The answer to [`GiveFeedback`], inside `data`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ssr", derive(utoipa::ToSchema))]
pub struct FeedbackKept {
    pub success: bool,
}

/// One of `GET /api/v1/generation/feedback?id=` (ours).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ssr", derive(utoipa::ToSchema))]
pub struct Feedback {
    pub category: FeedbackCategory,
    pub comment: String,
    /// RFC 3339.
    pub created_at: String,
}
