//! What only a caller who speaks Anthropic's protocol understands: blocks of the
//! tools Anthropic runs itself, its own citations, and fields without a word in
//! the canonical answer.
//!
//! The pieces, by key: `start` (fields of the message before its content),
//! `fields` (further fields of the block that begins next), `split` (the next
//! text is a block of its own), `block` (a whole block), `citation` (of the text
//! block that is open), `end` (fields of the message behind its content, with
//! `usage`).

use indexmap::IndexMap;
use serde_json::value::RawValue;
use serde_json::{Map, Value, json};

use crate::dialects::{Delta, Dialect};

/// Fields of blocks that the canonical answer has words for.
const BLOCK_FIELDS: [&str; 9] = ["type", "text", "citations", "thinking", "signature", "data", "id", "name", "input"];
/// Fields of the message that are ours to write.
const MESSAGE_FIELDS: [&str; 5] = ["id", "type", "role", "model", "content"];

fn piece(kind: &str, value: Value) -> Delta {
    Delta::Native { choice: 0, dialect: Dialect::AnthropicMessages, piece: json!({ kind: value }) }
}

fn without(raw: &str, known: &[&str]) -> Option<Map<String, Value>> {
    let fields: IndexMap<&str, &RawValue> = serde_json::from_str(raw).ok()?;
    let others = fields.into_iter().filter(|(name, value)| !known.contains(name) && value.get() != "null");
    Some(others.filter_map(|(name, raw)| Some((name.to_owned(), serde_json::from_str(raw.get()).ok()?))).collect())
}

/// The fields of `message_start` that are Anthropic's own.
pub(super) fn start(message: &RawValue) -> Option<Delta> {
    Some(piece("start", without(message.get(), &MESSAGE_FIELDS)?.into()))
}

/// The same for a whole answer, whose other fields stand behind the content.
pub(super) fn whole_start(_: &str) -> Option<Delta> {
    Some(piece("start", json!({})))
}

/// What a whole answer says beside its content.
pub(super) fn whole_end(message: &str) -> Option<Delta> {
    Some(piece("end", without(message, &MESSAGE_FIELDS)?.into()))
}

/// What `message_delta` says.
pub(super) fn end_event(event: &str) -> Option<Delta> {
    let mut fields = without(event, &["type"])?;
    if let Some(Value::Object(delta)) = fields.shift_remove("delta") {
        fields.extend(delta.into_iter().filter(|(_, value)| !value.is_null()));
    }
    Some(piece("end", fields.into()))
}

/// Fields of a block beyond those every client dialect gets.
pub(super) fn fields(block: &RawValue) -> Option<Delta> {
    let kind: Kind<'_> = serde_json::from_str(block.get()).ok()?;
    if !matches!(kind.kind, "text" | "thinking" | "redacted_thinking" | "tool_use") {
        return None;
    }
    let fields = without(block.get(), &BLOCK_FIELDS)?;
    (!fields.is_empty()).then(|| piece("fields", fields.into()))
}

#[derive(serde::Deserialize)]
struct Kind<'a> {
    #[serde(rename = "type")]
    kind: &'a str,
}

pub(super) fn split() -> Delta {
    piece("split", Value::from(true))
}

pub(super) fn citation(citation: &Value) -> Delta {
    piece("citation", citation.clone())
}

/// A block of a kind that is handed on as it is.
#[derive(Debug)]
pub(super) struct Opaque {
    block: Value,
    /// Its input, where that comes in pieces.
    input: String,
}

impl Opaque {
    pub(super) fn new(raw: &RawValue) -> Self {
        Self { block: serde_json::from_str(raw.get()).unwrap_or_default(), input: String::new() }
    }

    /// Takes a `content_block_delta`: texts grow, other fields are replaced.
    pub(super) fn add(&mut self, event: &str) {
        let Ok(mut event) = serde_json::from_str::<Value>(event) else { return };
        let Some(Value::Object(delta)) = event.get_mut("delta").map(Value::take) else { return };
        let Some(block) = self.block.as_object_mut() else { return };
        for (name, value) in delta {
            match (name.as_str(), &value) {
                ("type", _) => {}
                ("partial_json", Value::String(piece)) => self.input.push_str(piece),
                (_, Value::String(more)) => match block.get_mut(&name) {
                    Some(Value::String(before)) => before.push_str(more),
                    _ => {
                        block.insert(name, value);
                    }
                },
                _ => {
                    block.insert(name, value);
                }
            }
        }
    }

    pub(super) fn close(mut self) -> Delta {
        if let Ok(input) = serde_json::from_str::<Value>(&self.input)
            && let Some(block) = self.block.as_object_mut()
        {
            block.insert("input".to_owned(), input);
        }
        piece("block", self.block)
    }
}
