//! Anthropic Messages as a client dialect: the caller's request, and the answer
//! in the shape Anthropic's SDKs read.

mod answer;
mod blocks;
mod conversation;
mod parse;
mod tools;
mod usage;

pub use parse::parse;

use app::types::error::ErrorBody;
use serde_json::{Value, json};

use self::answer::EventWriter;
use crate::dialects::answer::{Answer, Heading, Inbound, UsageReport, Writer};

/// Anthropic Messages, as one request wants it.
#[derive(Clone, Copy, Debug, Default)]
pub struct Messages {
    /// The caller wants thinking without its words (`display: "omitted"`).
    pub omits_thinking: bool,
}

impl Messages {
    /// What the answer to this request has to respect.
    #[must_use]
    pub fn of(inference: &crate::dialects::Inference) -> Self {
        let thinking = inference.native.as_ref().and_then(|native| native.fields.get("thinking"));
        let thinking: Value = thinking.and_then(|raw| serde_json::from_str(raw.get()).ok()).unwrap_or_default();
        Self { omits_thinking: thinking.get("display").is_some_and(|display| display == "omitted") }
    }
}

impl Inbound for Messages {
    fn writer(&self, heading: &Heading) -> Box<dyn Writer> {
        Box::new(EventWriter::new(heading, self.omits_thinking))
    }

    fn whole(&self, heading: &Heading, answer: &Answer, report: &UsageReport) -> Vec<u8> {
        answer::whole(heading, self.omits_thinking, answer, report)
    }

    fn error(&self, error: &ErrorBody) -> Value {
        let error = &error.error;
        let metadata = error.metadata.as_ref();
        let mut detail = json!({ "type": error_kind(error.code), "message": error.message });
        if let Some(kind) = metadata.and_then(|metadata| metadata.get("error_type")) {
            detail["error_type"] = kind.clone();
        }
        if let Some(metadata) = metadata {
            detail["metadata"] = metadata.clone();
        }
        if let Some(availability) = &error.availability {
            detail["availability"] = availability.clone();
        }
        json!({ "type": "error", "error": detail, "request_id": null })
    }

    fn wants_order(&self) -> bool {
        true
    }

    fn keep_alive(&self) -> &'static [u8] {
        b"event: ping\ndata: {\"type\":\"ping\"}\n\n"
    }
}

/// Anthropic's word for the kind of error behind a status.
fn error_kind(status: u16) -> &'static str {
    match status {
        401 => "authentication_error",
        402 => "billing_error",
        403 => "permission_error",
        404 => "not_found_error",
        408 | 504 => "timeout_error",
        413 => "request_too_large",
        429 => "rate_limit_error",
        503 | 529 => "overloaded_error",
        500.. => "api_error",
        _ => "invalid_request_error",
    }
}

#[cfg(test)]
mod tests;
