//! Google Vertex's `predict`, the protocol of its embedding models.

use serde_json::{Value, json};

use super::gemini::task_type;
use super::{Embed, Found, counted, numbers, text_of};
use crate::dialects::{Untranslatable, Usage};

pub(super) fn embed(model: &str, embed: &Embed) -> Result<(String, Value), Untranslatable> {
    let kind = embed.input_type.as_deref().and_then(task_type);
    let instances = embed.inputs.iter().enumerate().map(|(index, input)| {
        let mut instance = json!({ "content": text_of(input, index)? });
        if let Some(kind) = &kind {
            instance["task_type"] = json!(kind);
        }
        Ok(instance)
    });
    let mut body = json!({ "instances": instances.collect::<Result<Value, Untranslatable>>()? });
    // A text that is too long is an error, not a shorter text.
    body["parameters"] = json!({ "autoTruncate": false });
    if let Some(dimensions) = embed.dimensions {
        body["parameters"]["outputDimensionality"] = json!(dimensions);
    }
    Ok((format!("/models/{model}:predict"), body))
}

/// Gemini's own embedding model takes one text in each request there; the older ones take many.
pub(super) fn takes_one(model: &str) -> bool {
    model.starts_with("gemini-embedding")
}

pub(super) fn vectors(answer: &Value) -> Option<(Found, Usage)> {
    let list = answer.get("predictions")?.as_array()?;
    let vectors = list.iter().map(|entry| numbers(entry.pointer("/embeddings/values")?)).collect::<Option<_>>()?;
    let counts = list.iter().map(|entry| entry.pointer("/embeddings/statistics/token_count")?.as_u64());
    let tokens = counts.sum::<Option<u64>>();
    Some((Found::Vectors(vectors), counted(tokens)))
}
