//! Why a provider's answer was no answer, classified once for every dialect.

use serde::{Deserialize, Serialize};

/// Whose fault it was, and so what to do next.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FaultKind {
    /// The caller's request is wrong: no other endpoint would take it.
    InvalidRequest,
    /// This provider's dialect has no words for the request; another's may.
    Untranslatable,
    /// The prompt does not fit the model's context window.
    ContextLength,
    /// The provider refused the content.
    ContentPolicy,
    /// Too large for the provider (413).
    TooLarge,
    /// The provider does not know the model.
    UnknownModel,
    /// Our credential was refused, or our account there is out of money.
    OurCredential,
    /// The provider limits our rate.
    RateLimited,
    /// The provider is overloaded.
    Overloaded,
    /// Time-out at or before the provider.
    Timeout,
    /// The provider failed, was unreachable, or sent nonsense.
    Unavailable,
}

impl FaultKind {
    /// Another endpoint may do better.
    #[must_use]
    pub const fn is_retriable(self) -> bool {
        match self {
            Self::InvalidRequest | Self::ContextLength | Self::ContentPolicy | Self::TooLarge => false,
            Self::Untranslatable
            | Self::UnknownModel
            | Self::OurCredential
            | Self::RateLimited
            | Self::Overloaded
            | Self::Timeout
            | Self::Unavailable => true,
        }
    }

    /// The HTTP status the caller gets when this is the last word. Never 401 or
    /// 403: the caller would think his own key is bad.
    #[must_use]
    pub const fn status(self) -> u16 {
        match self {
            Self::InvalidRequest | Self::Untranslatable | Self::ContextLength | Self::ContentPolicy => 400,
            Self::TooLarge => 413,
            Self::RateLimited => 429,
            Self::Overloaded => 503,
            Self::Timeout => 504,
            Self::UnknownModel | Self::OurCredential | Self::Unavailable => 502,
        }
    }

    /// The original's `error_type`.
    #[must_use]
    pub const fn error_type(self) -> &'static str {
        match self {
            Self::InvalidRequest | Self::Untranslatable => "invalid_request",
            Self::ContextLength => "context_length_exceeded",
            Self::ContentPolicy => "content_policy_violation",
            Self::TooLarge => "payload_too_large",
            Self::RateLimited => "rate_limit_exceeded",
            Self::Overloaded => "provider_overloaded",
            Self::Timeout => "timeout",
            Self::UnknownModel | Self::OurCredential | Self::Unavailable => "provider_unavailable",
        }
    }
}

/// A failure of one attempt.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct Fault {
    pub kind: FaultKind,
    /// The provider's readable cause.
    pub message: String,
    /// The provider's HTTP status; `None` when there was no answer.
    pub status: Option<u16>,
    /// The provider's own code: `insufficient_quota`, `overloaded_error`.
    pub code: Option<String>,
    /// The body as it came, cut at 4 KiB.
    pub raw: Option<String>,
    /// How long the provider asked to be left alone, ms.
    pub retry_after_ms: Option<u64>,
}

impl Fault {
    #[must_use]
    pub fn new(kind: FaultKind, message: impl Into<String>) -> Self {
        Self { kind, message: message.into(), status: None, code: None, raw: None, retry_after_ms: None }
    }
}
