//! The one failure a caller can see, and how it looks on the wire.

use app::types::error::{ErrorBody, ErrorDetail};
use axum::Json;
use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::{Map, Value, json};

use crate::dialects::Fault;

pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Every way a request can fail, named for what the caller can do about it.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The message names the field and the remedy.
    #[error("{message}")]
    BadRequest { field: String, message: String },
    #[error("{message}")]
    UnknownModel { model: String, message: String },
    #[error("{0}")]
    Unauthenticated(&'static str),
    #[error("{0}")]
    Forbidden(String),
    /// A signed-in person must give the password again first.
    #[error("This needs your password once more: give it at /confirm, then try again.")]
    Unproved,
    /// A guardrail's filters do not let the request pass.
    #[error("{message}")]
    Guardrail { message: String, patterns: Vec<String> },
    #[error("{0}")]
    InsufficientCredits(String),
    #[error("{0}")]
    NotFound(String),
    #[error("{0}")]
    Gone(String),
    /// No endpoint is left; `availability` says what excluded the candidates.
    #[error("{message}")]
    NothingRoutable { message: String, availability: Value },
    #[error("The request body is larger than {limit_bytes} bytes")]
    TooLarge { limit_bytes: u64 },
    #[error("{message}")]
    TooManyRequests {
        message: String,
        retry_after_s: u64,
        /// Requests the period allows.
        limit: u64,
    },
    #[error("The server is busy; try again in {retry_after_s} s")]
    Busy { retry_after_s: u64 },
    /// Every attempt failed; this was the last word.
    #[error("{}", fault.message)]
    Upstream {
        fault: Box<Fault>,
        provider_name: String,
        previous: Vec<Value>,
        /// How it was routed, for callers who asked.
        routed: Option<Box<Value>>,
    },
    /// What was delivered until then is charged.
    #[error("The request took longer than {limit_s} s. What was delivered is charged; ask for less at once.")]
    OutOfTime { limit_s: u64 },
    /// What was delivered until then is charged.
    #[error("This server is being stopped before the answer was complete. Send the request again.")]
    Stopped,
    /// The body did not arrive in time.
    #[error("The request body came too slowly and was given up after {after_s} s")]
    SlowBody { after_s: u64 },
    #[error("method not allowed: {0}")]
    MethodNotAllowed(String),
    #[error(transparent)]
    Database(#[from] sqlx::Error),
    #[error("{0}")]
    Internal(String),
}

impl From<tower_sessions::session::Error> for Error {
    /// A session that cannot be kept or read.
    fn from(error: tower_sessions::session::Error) -> Self {
        Self::Internal(error.to_string())
    }
}

impl Error {
    /// A 400 that names the field and the remedy.
    #[must_use]
    pub fn bad_request(field: impl Into<String>, message: impl Into<String>) -> Self {
        Self::BadRequest { field: field.into(), message: message.into() }
    }

    #[must_use]
    pub fn not_found(message: impl Into<String>) -> Self {
        Self::NotFound(message.into())
    }

    #[must_use]
    pub fn status(&self) -> StatusCode {
        match self {
            Self::BadRequest { .. } | Self::UnknownModel { .. } => StatusCode::BAD_REQUEST,
            Self::Unauthenticated(_) => StatusCode::UNAUTHORIZED,
            Self::Forbidden(_) | Self::Guardrail { .. } | Self::Unproved => StatusCode::FORBIDDEN,
            Self::InsufficientCredits(_) => StatusCode::PAYMENT_REQUIRED,
            Self::NotFound(_) | Self::NothingRoutable { .. } => StatusCode::NOT_FOUND,
            Self::Gone(_) => StatusCode::GONE,
            Self::MethodNotAllowed(_) => StatusCode::METHOD_NOT_ALLOWED,
            Self::TooLarge { .. } => StatusCode::PAYLOAD_TOO_LARGE,
            Self::TooManyRequests { .. } => StatusCode::TOO_MANY_REQUESTS,
            Self::Busy { .. } | Self::Stopped => StatusCode::SERVICE_UNAVAILABLE,
            Self::OutOfTime { .. } => StatusCode::GATEWAY_TIMEOUT,
            Self::SlowBody { .. } => StatusCode::REQUEST_TIMEOUT,
            Self::Upstream { fault, .. } => {
                StatusCode::from_u16(fault.kind.status()).unwrap_or(StatusCode::BAD_GATEWAY)
            }
            Self::Database(_) | Self::Internal(_) => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }

    /// The original's word for it, in `metadata.error_type`.
    #[must_use]
    pub fn error_type(&self) -> &'static str {
        match self {
            Self::BadRequest { .. } | Self::MethodNotAllowed(_) => "invalid_request",
            Self::UnknownModel { .. } | Self::NotFound(_) | Self::Gone(_) | Self::NothingRoutable { .. } => "not_found",
            Self::Unauthenticated(_) => "authentication",
            Self::Forbidden(_) | Self::Guardrail { .. } => "permission_denied",
            Self::Unproved => "confirmation_required",
            Self::InsufficientCredits(_) => "payment_required",
            Self::TooLarge { .. } => "payload_too_large",
            Self::TooManyRequests { .. } => "rate_limit_exceeded",
            Self::Busy { .. } => "provider_overloaded",
            Self::OutOfTime { .. } | Self::SlowBody { .. } => "timeout",
            Self::Upstream { fault, .. } => fault.kind.error_type(),
            Self::Stopped | Self::Database(_) | Self::Internal(_) => "server",
        }
    }

    /// What the caller may read. The cause of a 500 is for our log only.
    #[must_use]
    pub fn public_message(&self) -> String {
        match self {
            Self::Database(_) | Self::Internal(_) => "Internal server error".to_owned(),
            other => other.to_string(),
        }
    }

    /// The body of the answer.
    #[must_use]
    pub fn body(&self) -> ErrorBody {
        let mut metadata = Map::new();
        metadata.insert("error_type".into(), self.error_type().into());
        let mut availability = None;
        match self {
            Self::BadRequest { field, .. } if !field.is_empty() => {
                metadata.insert("field".into(), field.as_str().into());
            }
            Self::Guardrail { patterns, .. } => {
                metadata.insert("patterns".into(), patterns.clone().into());
            }
            Self::UnknownModel { model, .. } => {
                availability =
                    Some(json!({ "code": "model_not_found", "retryable": false, "requested_models": [model],
                                 "docs_url": "/docs" }));
            }
            Self::NothingRoutable { availability: why, .. } => availability = Some(why.clone()),
            Self::Upstream { fault, provider_name, previous, .. } => {
                metadata.insert("provider_name".into(), provider_name.as_str().into());
                let optional = [("provider_code", &fault.code), ("raw", &fault.raw)];
                for (name, value) in optional {
                    if let Some(value) = value {
                        metadata.insert(name.into(), value.as_str().into());
                    }
                }
                if !previous.is_empty() {
                    metadata.insert("previous_errors".into(), previous.clone().into());
                }
            }
            _ => {}
        }
        ErrorBody {
            error: ErrorDetail {
                code: self.status().as_u16(),
                message: self.public_message(),
                metadata: Some(Value::Object(metadata)),
                availability,
            },
        }
    }

    fn retry_after_s(&self) -> Option<u64> {
        match self {
            Self::TooManyRequests { retry_after_s, .. } | Self::Busy { retry_after_s } => Some(*retry_after_s),
            Self::Upstream { fault, .. } => fault.retry_after_ms.map(|ms| ms.div_ceil(1_000).min(300)),
            _ => None,
        }
    }
}

impl Error {
    /// The answer, with the body in the words of the API that was called.
    pub fn respond(self, body: impl FnOnce(&ErrorBody) -> Value) -> Response {
        if matches!(self, Self::Database(_) | Self::Internal(_)) {
            tracing::error!(error = ?self, "Request failed");
        }
        let mut shown = body(&self.body());
        if let (Self::Upstream { routed: Some(routed), .. }, Some(fields)) = (&self, shown.as_object_mut()) {
            fields.insert("openrouter_metadata".to_owned(), routed.as_ref().clone());
        }
        let mut response = (self.status(), Json(shown)).into_response();
        if let Some(seconds) = self.retry_after_s() {
            response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        if let Self::TooManyRequests { retry_after_s, limit, .. } = self {
            let headers = [
                ("x-ratelimit-limit", limit),
                ("x-ratelimit-remaining", 0),
                // Seconds from now: a clock of the caller's that is wrong does no harm.
                ("x-ratelimit-reset", retry_after_s),
            ];
            for (name, value) in headers {
                response.headers_mut().insert(HeaderName::from_static(name), HeaderValue::from(value));
            }
        }
        response
    }
}

impl IntoResponse for Error {
    fn into_response(self) -> Response {
        self.respond(|body| json!(body))
    }
}
