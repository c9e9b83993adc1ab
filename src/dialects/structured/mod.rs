//! Answers that fit a schema, from models nobody can hold to one: the schema goes
//! into the instructions, the answer is checked, and repaired once.

mod schema;

use serde_json::value::{RawValue, to_raw_value};
use serde_json::{Value, json};

use super::inference::{Inference, Message, Part, RawFields, ResponseFormat, Role};
use super::{Delta, FinishReason, Usage};

/// The schema an answer to this request has to fit.
#[must_use]
pub fn schema_of(inference: &Inference) -> Option<&Value> {
    match &inference.response_format {
        Some(ResponseFormat::JsonSchema { schema, .. }) => Some(schema),
        _ => None,
    }
}

/// The request with the schema in its instructions instead of its settings.
/// `knows_json` says that the endpoint can be held to some JSON object at least.
#[must_use]
pub fn prompted(inference: &Inference, knows_json: bool) -> Inference {
    let mut prompted = inference.clone();
    let Some(schema) = schema_of(inference) else { return prompted };
    let is_object = schema.get("type").is_none_or(|kind| kind == "object");
    let text = format!(
        "Answer with one JSON value that fits the following JSON Schema, and with nothing else: \
         no explanation, no code fence.\n\n{schema}"
    );
    let place = inference
        .messages
        .iter()
        .position(|message| !matches!(message.role, Role::System | Role::Developer))
        .unwrap_or(inference.messages.len());
    insert(&mut prompted, place, Role::System, &text);
    let format = (knows_json && is_object).then_some(ResponseFormat::JsonObject);
    if format.is_some() && !prompted.raw.is_empty() {
        set_raw(&mut prompted.raw, "response_format", &json!({ "type": "json_object" }));
    } else {
        prompted.raw.shift_remove("response_format");
    }
    prompted.response_format = format;
    prompted.native = None;
    prompted.is_streamed = true;
    if !prompted.raw.is_empty() {
        set_raw(&mut prompted.raw, "stream", &true);
    }
    prompted
}

/// The request that asks again, after an `answer` with something wrong in it.
#[must_use]
pub fn repair(prompted: &Inference, answer: &str, complaint: &str) -> Inference {
    let mut repair = prompted.clone();
    let end = repair.messages.len();
    insert(&mut repair, end, Role::Assistant, answer);
    let text = format!("This does not fit the schema: {complaint}. Answer again with the corrected JSON only.");
    insert(&mut repair, end.saturating_add(1), Role::User, &text);
    repair
}

/// What a checked answer comes to.
#[derive(Clone, Debug, PartialEq)]
pub enum Checked {
    /// It fits, or it is none that could: tool calls, a refusal, a cut.
    Fit(Vec<Delta>),
    Unfit {
        answer: String,
        complaint: String,
    },
}

/// Checks a whole answer. The text of one that fits is the JSON alone.
#[must_use]
pub fn check(schema: &Value, deltas: Vec<Delta>) -> Checked {
    let mut text = String::new();
    let mut is_other = false;
    for delta in &deltas {
        match delta {
            Delta::Text { choice: 0, text: piece } => text.push_str(piece),
            Delta::ToolCall { .. } | Delta::Refusal { .. } => is_other = true,
            Delta::Text { choice, .. } => is_other |= *choice > 0,
            Delta::Finish { reason, .. } => is_other |= !matches!(reason, FinishReason::Stop),
            _ => {}
        }
    }
    if is_other {
        return Checked::Fit(deltas);
    }
    let json = bare(&text);
    let complaint = match serde_json::from_str::<Value>(json) {
        Ok(value) => schema::complaint(schema, &value),
        Err(error) => Some(format!("it is no JSON ({error})")),
    };
    match complaint {
        Some(complaint) => Checked::Unfit { answer: text, complaint },
        None => Checked::Fit(with_text(deltas, json)),
    }
}

/// Adds up what two answers used.
#[must_use]
pub fn both(first: &Usage, second: &Usage) -> Usage {
    let sum = |a: Option<u64>, b: Option<u64>| match (a, b) {
        (None, None) => None,
        _ => Some(a.unwrap_or(0).saturating_add(b.unwrap_or(0))),
    };
    Usage {
        prompt_tokens: sum(first.prompt_tokens, second.prompt_tokens),
        completion_tokens: sum(first.completion_tokens, second.completion_tokens),
        cached_tokens: sum(first.cached_tokens, second.cached_tokens),
        cache_write_tokens: sum(first.cache_write_tokens, second.cache_write_tokens),
        cache_write_1h_tokens: sum(first.cache_write_1h_tokens, second.cache_write_1h_tokens),
        reasoning_tokens: sum(first.reasoning_tokens, second.reasoning_tokens),
        prompt_audio_tokens: sum(first.prompt_audio_tokens, second.prompt_audio_tokens),
        completion_audio_tokens: sum(first.completion_audio_tokens, second.completion_audio_tokens),
        web_search_requests: sum(first.web_search_requests, second.web_search_requests),
        searches: sum(first.searches, second.searches),
        billed_prompt_tokens: sum(first.billed_prompt_tokens, second.billed_prompt_tokens),
        billed_completion_tokens: sum(first.billed_completion_tokens, second.billed_completion_tokens),
    }
}

/// The text without a code fence around it.
fn bare(text: &str) -> &str {
    let text = text.trim();
    let Some(fenced) = text.strip_prefix("```").and_then(|rest| rest.strip_suffix("```")) else { return text };
    // The first line may name the language.
    fenced.split_once('\n').map_or(fenced, |(_, json)| json).trim()
}

fn with_text(deltas: Vec<Delta>, json: &str) -> Vec<Delta> {
    let mut is_written = false;
    let mut out = Vec::with_capacity(deltas.len());
    for delta in deltas {
        if !matches!(delta, Delta::Text { .. }) {
            out.push(delta);
        } else if !std::mem::replace(&mut is_written, true) {
            out.push(Delta::Text { choice: 0, text: json.to_owned() });
        }
    }
    out
}

/// Inserts a message into the typed conversation and into the one as sent alike.
pub(super) fn insert(inference: &mut Inference, place: usize, role: Role, text: &str) {
    let message = Message { role, content: vec![Part::text(text)], ..Message::default() };
    inference.messages.insert(place.min(inference.messages.len()), message);
    let Some(raw) = inference.raw.get("messages") else { return };
    let Ok(mut messages) = serde_json::from_str::<Vec<Box<RawValue>>>(raw.get()) else { return };
    if let Ok(message) = to_raw_value(&json!({ "role": role, "content": text })) {
        messages.insert(place.min(messages.len()), message);
        set_raw(&mut inference.raw, "messages", &messages);
    }
}

fn set_raw(raw: &mut RawFields, name: &str, value: &impl serde::Serialize) {
    if let Ok(value) = to_raw_value(value) {
        raw.insert(name.to_owned(), value);
    }
}

#[cfg(test)]
mod tests;
