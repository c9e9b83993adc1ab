//! Gemini's `generateContent` as a client dialect: the caller's request, and the
//! answer in the shape Google's SDKs read.

mod answer;
mod conversation;
mod parse;
mod parts;
mod tools;

pub use parse::parse;

use app::types::error::ErrorBody;
use serde_json::{Value, json};

use self::answer::ResponseWriter;
use crate::dialects::Inference;
use crate::dialects::answer::{Answer, Heading, Inbound, UsageReport, Writer};

/// Gemini's API, as one request wants it.
#[derive(Clone, Copy, Debug, Default)]
pub struct Gemini {
    /// The caller wants to see thoughts.
    pub shows_thoughts: bool,
    /// The stream is one JSON array instead of events.
    pub is_array: bool,
}

impl Gemini {
    /// What the answer to this request has to respect.
    #[must_use]
    pub fn of(inference: &Inference, is_array: bool) -> Self {
        let native = inference.native.as_ref();
        let field = |name: &str| native.and_then(|native| native.fields.get(name));
        let config = field("generationConfig").or_else(|| field("generation_config"));
        let config: Value = config.and_then(|raw| serde_json::from_str(raw.get()).ok()).unwrap_or_default();
        let find = |value: &Value, names: [&str; 2]| names.iter().find_map(|name| value.get(name).cloned());
        let thinking = find(&config, ["thinkingConfig", "thinking_config"]).unwrap_or_default();
        let is_shown = find(&thinking, ["includeThoughts", "include_thoughts"]);
        Self { shows_thoughts: is_shown == Some(Value::Bool(true)), is_array }
    }
}

impl Inbound for Gemini {
    fn writer(&self, heading: &Heading) -> Box<dyn Writer> {
        Box::new(ResponseWriter::new(heading, *self))
    }

    fn whole(&self, heading: &Heading, answer: &Answer, report: &UsageReport) -> Vec<u8> {
        answer::whole(heading, *self, answer, report)
    }

    fn error(&self, error: &ErrorBody) -> Value {
        let error = &error.error;
        let mut metadata = serde_json::Map::new();
        // Google's metadata are texts.
        for (name, value) in error.metadata.iter().filter_map(Value::as_object).flatten() {
            metadata.insert(name.clone(), value.as_str().map_or_else(|| json!(value.to_string()), |text| json!(text)));
        }
        if let Some(availability) = &error.availability {
            metadata.insert("availability".to_owned(), json!(availability.to_string()));
        }
        let reason = metadata.get("error_type").and_then(Value::as_str).unwrap_or_default().to_uppercase();
        let details = json!([{ "@type": "type.googleapis.com/google.rpc.ErrorInfo", "reason": reason,
                               "domain": "patchbay", "metadata": metadata }]);
        json!({ "error": { "code": error.code, "message": error.message, "status": status_word(error.code),
                           "details": details } })
    }

    fn wants_order(&self) -> bool {
        true
    }

    /// An empty line means nothing, between events and inside an array.
    fn keep_alive(&self) -> &'static [u8] {
        b"\r\n"
    }

    fn stream_type(&self) -> &'static str {
        if self.is_array { "application/json; charset=utf-8" } else { "text/event-stream; charset=utf-8" }
    }
}

/// Google's word for a status.
fn status_word(status: u16) -> &'static str {
    match status {
        401 => "UNAUTHENTICATED",
        402 => "FAILED_PRECONDITION",
        403 => "PERMISSION_DENIED",
        404 => "NOT_FOUND",
        408 | 504 => "DEADLINE_EXCEEDED",
        429 => "RESOURCE_EXHAUSTED",
        500 => "INTERNAL",
        501.. => "UNAVAILABLE",
        _ => "INVALID_ARGUMENT",
    }
}

#[cfg(test)]
mod tests;
