//! Amazon Bedrock's InvokeModel: each maker's own body, the model in the address.

use serde_json::{Value, json};

use super::{Embed, Found, Rerank, cohere, counted, numbers, text_of, untranslatable};
use crate::dialects::text::path_segment;
use crate::dialects::{Untranslatable, Usage};

pub(super) fn path(model: &str) -> String {
    format!("/model/{}/invoke", path_segment(model))
}

/// Cohere's models take many texts in a request, Amazon's one.
pub(super) fn takes_one(model: &str) -> bool {
    !model.contains("cohere.")
}

pub(super) fn embed(model: &str, embed: &Embed) -> Result<Value, Untranslatable> {
    if !takes_one(model) {
        return Ok(without_model(cohere::embed(model, embed)?));
    }
    let [input] = embed.inputs.as_slice() else {
        return Err(untranslatable("input", "this model takes one text in each request"));
    };
    let mut body = json!({ "inputText": text_of(input, 0)? });
    if let Some(dimensions) = embed.dimensions {
        body["dimensions"] = json!(dimensions);
    }
    Ok(body)
}

pub(super) fn vectors(answer: &Value) -> Option<(Found, Usage)> {
    let Some(vector) = answer.get("embedding") else { return cohere::vectors(answer) };
    let tokens = answer.get("inputTextTokenCount").and_then(Value::as_u64);
    Some((Found::Vectors(vec![numbers(vector)?]), counted(tokens)))
}

pub(super) fn rerank(model: &str, rerank: &Rerank) -> Result<Value, Untranslatable> {
    let mut body = without_model(cohere::rerank(model, rerank)?);
    if model.contains("cohere.") {
        body["api_version"] = json!(2);
    }
    Ok(body)
}

fn without_model(mut body: Value) -> Value {
    if let Some(fields) = body.as_object_mut() {
        fields.shift_remove("model");
    }
    body
}
