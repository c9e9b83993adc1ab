//! Whose fault a failure was, from the status and what the provider wrote.

use super::Complaint;
use crate::dialects::fault::FaultKind;

/// Sentences with which providers say that a prompt is too long. Only OpenAI
/// and Cohere have a code for it.
const TOO_LONG: [&str; 16] = [
    "context_length_exceeded",
    "exceed_context_size",
    "too_many_tokens",
    "prompt is too long",
    "prompt too long",
    "input is too long",
    "maximum context length",
    "max context length",
    "context window",
    "context length",
    "context size",
    "input token count",
    "input tokens exceeded",
    "reduce the length of the",
    "too many tokens in the prompt",
    "maximum prompt length",
];

const OUT_OF_MONEY: [&str; 7] = [
    "insufficient_quota",
    "insufficient balance",
    "insufficient credits",
    "credit balance is too low",
    "billing_hard_limit",
    "billing_not_active",
    "billing_error",
];

const BAD_KEY: [&str; 12] = [
    "api_key_invalid",
    "api key not valid",
    "invalid api key",
    "incorrect api key",
    "invalid_api_key",
    "authentication_error",
    "unrecognizedclientexception",
    "expiredtokenexception",
    "invalidsignatureexception",
    "incompletesignatureexception",
    "security token included in the request",
    "accessdeniedexception",
];

const JUDGED: [&str; 6] = [
    "content_filter",
    "content_policy",
    "content management policy",
    "responsibleaipolicyviolation",
    "prohibited_content",
    "flagged by moderation",
];

const NO_MODEL: [&str; 9] = [
    "model_not_found",
    "deploymentnotfound",
    "is not a valid model",
    "invalid model:",
    "unknown model",
    "model not found",
    "model identifier is invalid",
    "no such model",
    // Ollama's: model "x" not found, try pulling it first.
    "try pulling it first",
];

pub(super) fn kind(status: Option<u16>, complaint: &Complaint) -> FaultKind {
    let text = [Some(&complaint.message), complaint.code.as_ref(), complaint.kind.as_ref()]
        .into_iter()
        .flatten()
        .map(|text| text.to_lowercase())
        .collect::<Vec<_>>()
        .join("\n");
    let says = |phrases: &[&str]| phrases.iter().any(|phrase| text.contains(phrase));
    let is_rate = says(&[
        "per minute",
        "per day",
        "(tpm)",
        "rate limit",
        "rate_limit",
        "ratelimitreached",
        "resource_exhausted",
        "throttling",
        "quotaexceeded",
    ]);
    let is_client_status = status.is_none_or(|status| (400..500).contains(&status));
    if says(&OUT_OF_MONEY) || status == Some(402) {
        return FaultKind::OurCredential;
    }
    if is_client_status && status != Some(429) && !is_rate && says(&TOO_LONG) {
        return FaultKind::ContextLength;
    }
    if is_client_status && (complaint.is_moderated || says(&JUDGED)) {
        return FaultKind::ContentPolicy;
    }
    if is_client_status && says(&BAD_KEY) {
        return FaultKind::OurCredential;
    }
    if matches!(status, Some(400 | 404 | 422) | None) && says(&NO_MODEL) {
        return FaultKind::UnknownModel;
    }
    // The model wrote a call that does not fit the tool: another try may succeed.
    if says(&["tool_use_failed"]) {
        return FaultKind::Unavailable;
    }
    if says(&["modelnotreadyexception"]) {
        return FaultKind::Overloaded;
    }
    if status == Some(400) && says(&["quotaexceeded", "throttling"]) {
        return FaultKind::RateLimited;
    }
    status.map_or_else(|| by_type(&text, is_rate), |status| by_status(status, is_rate, &text))
}

fn by_status(status: u16, is_rate: bool, text: &str) -> FaultKind {
    match status {
        401 | 403 => FaultKind::OurCredential,
        404 => FaultKind::UnknownModel,
        408 | 504 | 524 => FaultKind::Timeout,
        // Groq answers so when one request is larger than the limit per minute.
        413 if is_rate => FaultKind::RateLimited,
        413 => FaultKind::TooLarge,
        429 => FaultKind::RateLimited,
        498 | 503 | 529 => FaultKind::Overloaded,
        409 | 424 | 425 | 499 => FaultKind::Unavailable,
        400..500 => FaultKind::InvalidRequest,
        _ if text.contains("overloaded") => FaultKind::Overloaded,
        _ => FaultKind::Unavailable,
    }
}

/// For failures in the middle of a stream, which have no status.
fn by_type(text: &str, is_rate: bool) -> FaultKind {
    let table: [(&[&str], FaultKind); 7] = [
        (&["overloaded", "capacity", "unavailable"], FaultKind::Overloaded),
        (&["timeout", "timed out", "deadline_exceeded"], FaultKind::Timeout),
        (&["permission_error", "permission_denied", "unauthenticated"], FaultKind::OurCredential),
        (&["request_too_large"], FaultKind::TooLarge),
        (&["not_found_error"], FaultKind::UnknownModel),
        (&["server_error", "api_error", "internal", "modelstreamerror"], FaultKind::Unavailable),
        (
            &["invalid_request", "invalid_argument", "unsupported_", "failed_precondition", "validationexception"],
            FaultKind::InvalidRequest,
        ),
    ];
    if is_rate {
        return FaultKind::RateLimited;
    }
    let found = table.into_iter().find(|(words, _)| words.iter().any(|word| text.contains(word)));
    found.map_or(FaultKind::Unavailable, |(_, kind)| kind)
}
