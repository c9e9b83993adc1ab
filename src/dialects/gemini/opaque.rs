//! What only a caller who speaks Gemini's protocol understands. The pieces, by
//! key: `part` (of a kind we have no word for), `candidate` and `response`
//! (further fields of these).

use indexmap::IndexMap;
use serde_json::value::RawValue;
use serde_json::{Map, Value, json};

use crate::dialects::{Delta, Dialect};

fn piece(choice: u32, kind: &str, value: Value) -> Delta {
    Delta::Native { choice, dialect: Dialect::Gemini, piece: json!({ kind: value }) }
}

fn without(raw: &str, known: &[&str]) -> Option<Map<String, Value>> {
    let fields: IndexMap<&str, &RawValue> = serde_json::from_str(raw).ok()?;
    let others = fields.into_iter().filter(|(name, value)| !known.contains(name) && value.get() != "null");
    let fields: Map<String, Value> =
        others.filter_map(|(name, raw)| Some((name.to_owned(), serde_json::from_str(raw.get()).ok()?))).collect();
    (!fields.is_empty()).then_some(fields)
}

pub(super) fn response(text: &str) -> Option<Delta> {
    let fields = without(text, &["candidates", "modelVersion", "responseId"])?;
    Some(piece(0, "response", fields.into()))
}

pub(super) fn candidate(choice: u32, raw: &RawValue) -> Option<Delta> {
    Some(piece(choice, "candidate", without(raw.get(), &["content", "index", "finishReason"])?.into()))
}

pub(super) fn part(choice: u32, raw: &RawValue) -> Option<Delta> {
    let fields: Map<String, Value> = serde_json::from_str(raw.get()).ok()?;
    (!fields.is_empty()).then(|| piece(choice, "part", fields.into()))
}
