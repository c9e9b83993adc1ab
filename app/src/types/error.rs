//! The error body of the API.

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// `{"error": {"code": 400, "message": "…"}}`, the body of every failed call.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "ssr", derive(utoipa::ToSchema))]
pub struct ErrorBody {
    pub error: ErrorDetail,
}

/// What went wrong, for a program (`code`, `metadata`) and a person (`message`).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "ssr", derive(utoipa::ToSchema))]
pub struct ErrorDetail {
    /// The HTTP status, always an integer.
    pub code: u16,
    /// A sentence that says what is wrong and what to do.
    pub message: String,
    /// `error_type`, and where known `provider_name`, `raw`, `previous_errors`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "ssr", schema(value_type = Option<Object>))]
    pub metadata: Option<Value>,
    /// On "nothing routable": what excluded the candidates and what to relax.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "ssr", schema(value_type = Option<Object>))]
    pub availability: Option<Value>,
}
