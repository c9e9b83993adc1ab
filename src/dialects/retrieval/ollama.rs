//! Ollama's own `/api/embed`.

use serde_json::{Value, json};

use super::{Embed, Found, counted, numbers, texts};
use crate::dialects::{Untranslatable, Usage};

pub(super) fn embed(model: &str, embed: &Embed) -> Result<Value, Untranslatable> {
    let mut body = json!({ "model": model, "input": texts(embed)? });
    if let Some(dimensions) = embed.dimensions {
        body["dimensions"] = json!(dimensions);
    }
    Ok(body)
}

pub(super) fn vectors(answer: &Value) -> Option<(Found, Usage)> {
    let vectors = answer.get("embeddings")?.as_array()?.iter().map(numbers).collect::<Option<_>>()?;
    Some((Found::Vectors(vectors), counted(answer.get("prompt_eval_count").and_then(Value::as_u64))))
}
