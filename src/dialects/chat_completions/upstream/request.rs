//! The request body. The caller's fields go out as they came in; only those the
//! gateway keeps to itself, or the provider calls otherwise, are touched.

use std::borrow::Cow;

use serde::Serialize;

use super::{compose, history};
use crate::dialects::inference::{Inference, RawFields, Reasoning, ResponseFormat, ToolChoice};
use crate::dialects::{Quirks, Target, Untranslatable, reasoning};

/// Fields that are meant for the gateway, not for the provider.
/// The last two change the provider's bill in ways no price of the catalog covers.
const GATEWAY_FIELDS: [&str; 16] = [
    "models",
    "provider",
    "plugins",
    "route",
    "transforms",
    "usage",
    "session_id",
    "trace",
    "debug",
    "preset",
    "cache_control",
    "stop_server_tools_when",
    "image_config",
    "stream_resume",
    "service_tier",
    "web_search_options",
];

/// Fields written from what was understood, not as they came.
const REWRITTEN: [&str; 9] = [
    "model",
    "stream",
    "stream_options",
    "max_tokens",
    "max_completion_tokens",
    "reasoning",
    "reasoning_effort",
    "include_reasoning",
    "messages",
];

pub(super) fn body(target: &Target<'_>, inference: &Inference) -> Result<Vec<u8>, Untranslatable> {
    let quirks = target.quirks;
    compose::check(inference)?;
    let raw =
        if inference.raw.is_empty() { Cow::Owned(compose::fields(inference)) } else { Cow::Borrowed(&inference.raw) };
    let mut body = Object::new(quirks, raw.values().map(|value| value.get().len()).sum());
    body.field("model", &target.model)?;
    match raw.get("messages") {
        Some(messages) => body.verbatim("messages", &history::messages(quirks, inference, messages)?),
        None => return Err(untranslatable("messages", "is missing")),
    }
    passed_through(quirks, inference, &raw, &mut body)?;
    if let Some(search) = &inference.web_search {
        body.field("web_search_options", &search.as_chat_options())?;
    }
    if let Some(max_tokens) = inference.sampling.max_tokens {
        let max_tokens = clamped(max_tokens, target.max_output_tokens);
        body.field(if quirks.max_completion_tokens { "max_completion_tokens" } else { "max_tokens" }, &max_tokens)?;
    }
    if quirks.keeps_reasoning_object {
        for name in ["reasoning", "reasoning_effort", "include_reasoning"] {
            if let Some(value) = raw.get(name) {
                body.verbatim(name, value.get());
            }
        }
    } else if let Some(effort) = inference.reasoning.as_ref().and_then(|wish| effort(wish, inference.max_tokens())) {
        body.field("reasoning_effort", &effort)?;
    }
    if inference.is_streamed {
        body.field("stream", &true)?;
        if !quirks.no_stream_options {
            body.verbatim("stream_options", r#"{"include_usage":true}"#);
        }
    }
    Ok(body.close())
}

fn passed_through(
    quirks: &Quirks,
    inference: &Inference,
    raw: &RawFields,
    body: &mut Object<'_>,
) -> Result<(), Untranslatable> {
    for (name, value) in raw {
        let name = name.as_str();
        if value.get() == "null" || REWRITTEN.contains(&name) {
            continue;
        }
        let is_kept = (name == "cache_control" && quirks.takes_cache_control())
            // Another router knows the original's way to ask for images.
            || (name == "image_config" && quirks.keeps_reasoning_object);
        if GATEWAY_FIELDS.contains(&name) && !is_kept {
            continue;
        }
        if name == "response_format"
            && quirks.json_object_schema
            && let Some(ResponseFormat::JsonSchema { schema, .. }) = &inference.response_format
        {
            body.field(name, &serde_json::json!({ "type": "json_object", "schema": schema }))?;
        } else if name == "tool_choice" && quirks.tool_choice_any && inference.tool_choice == Some(ToolChoice::Required)
        {
            body.field(name, &"any")?;
        } else if name == "tools" && !quirks.takes_cache_control() && value.get().contains("\"cache_control\"") {
            body.verbatim(name, &history::without_cache_marks(value)?);
        } else {
            body.verbatim(name, value.get());
        }
    }
    Ok(())
}

/// A cap above what the endpoint produces is refused by some providers.
fn clamped(max_tokens: u64, limit: Option<i64>) -> u64 {
    let limit = limit.and_then(|limit| u64::try_from(limit).ok()).filter(|limit| *limit > 0);
    limit.map_or(max_tokens, |limit| max_tokens.min(limit))
}

/// OpenAI's word for the effort; `None` leaves the provider's default.
fn effort(wish: &Reasoning, max_tokens: Option<u64>) -> Option<&str> {
    if reasoning::is_off(wish) {
        return Some("none");
    }
    if !wish.is_on() {
        return None;
    }
    // OpenAI has no word above `xhigh`.
    Some(match reasoning::effort(wish, max_tokens) {
        "max" => "xhigh",
        other => other,
    })
}

pub(super) fn untranslatable(field: &str, reason: impl std::fmt::Display) -> Untranslatable {
    Untranslatable { field: field.to_owned(), reason: reason.to_string() }
}

/// A JSON object written field by field, under the provider's names.
struct Object<'q> {
    quirks: &'q Quirks,
    bytes: Vec<u8>,
}

impl<'q> Object<'q> {
    fn new(quirks: &'q Quirks, size: usize) -> Self {
        let mut bytes = Vec::with_capacity(size.saturating_add(512));
        bytes.push(b'{');
        Self { quirks, bytes }
    }

    fn field(&mut self, name: &str, value: &impl Serialize) -> Result<(), Untranslatable> {
        let json = serde_json::to_string(value).map_err(|error| untranslatable(name, error))?;
        self.verbatim(name, &json);
        Ok(())
    }

    fn verbatim(&mut self, name: &str, json: &str) {
        if self.quirks.drops.iter().any(|dropped| dropped == name) {
            return;
        }
        let renamed = self.quirks.renames.iter().find(|(from, _)| from == name).map_or(name, |(_, to)| to);
        if self.bytes.len() > 1 {
            self.bytes.push(b',');
        }
        let start = self.bytes.len();
        // A caller may send any key; it has to be quoted again. Writing to memory does not fail.
        if serde_json::to_writer(&mut self.bytes, renamed).is_err() {
            self.bytes.truncate(start);
            return;
        }
        self.bytes.push(b':');
        self.bytes.extend_from_slice(json.as_bytes());
    }

    fn close(mut self) -> Vec<u8> {
        self.bytes.push(b'}');
        self.bytes
    }
}
