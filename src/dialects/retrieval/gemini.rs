//! Gemini's `batchEmbedContents`: one request for each vector.

use serde_json::{Value, json};

use super::{Embed, Found, Input, counted, numbers, untranslatable};
use crate::dialects::inference::Part;
use crate::dialects::media;
use crate::dialects::{Untranslatable, Usage};

pub(super) fn embed(model: &str, embed: &Embed) -> Result<(String, Value), Untranslatable> {
    let name = model.strip_prefix("models/").unwrap_or(model);
    let requests = embed.inputs.iter().enumerate().map(|(index, input)| {
        let mut request = json!({ "model": format!("models/{name}"), "content": { "parts": parts(input, index)? } });
        if let Some(kind) = embed.input_type.as_deref().and_then(task_type) {
            request["taskType"] = json!(kind);
        }
        if let Some(dimensions) = embed.dimensions {
            request["outputDimensionality"] = json!(dimensions);
        }
        Ok(request)
    });
    let body = json!({ "requests": requests.collect::<Result<Value, Untranslatable>>()? });
    Ok((format!("/models/{name}:batchEmbedContents"), body))
}

pub(super) fn task_type(input_type: &str) -> Option<String> {
    Some(match input_type {
        "search_query" | "query" | "retrieval.query" => "RETRIEVAL_QUERY".to_owned(),
        "search_document" | "document" | "passage" | "retrieval.passage" => "RETRIEVAL_DOCUMENT".to_owned(),
        "classification" => "CLASSIFICATION".to_owned(),
        "clustering" => "CLUSTERING".to_owned(),
        // Google's own words; others have no meaning there.
        own if own.bytes().all(|byte| byte.is_ascii_uppercase() || byte == b'_') => own.to_owned(),
        _ => return None,
    })
}

fn parts(input: &Input, index: usize) -> Result<Value, Untranslatable> {
    let refusal = |why: &str| untranslatable(format!("input[{index}]"), why);
    match input {
        Input::Text(text) => Ok(json!([{ "text": text }])),
        Input::Tokens(_) => Err(refusal("token numbers mean something else to Gemini")),
        Input::Parts(parts) => parts
            .iter()
            .map(|part| match part {
                Part::Text { text, .. } => Ok(json!({ "text": text })),
                Part::Image { url, .. } | Part::Video { url } | Part::File { data: Some(url), .. } => {
                    let inline = |(media_type, data)| json!({ "inlineData": { "mimeType": media_type, "data": data } });
                    let by_address =
                        || json!({ "fileData": { "mimeType": media::media_type_of(url), "fileUri": url } });
                    Ok(media::split_data_url(url).map_or_else(by_address, inline))
                }
                Part::Audio { data, format } => {
                    Ok(json!({ "inlineData": { "mimeType": format!("audio/{format}"), "data": data } }))
                }
                Part::File { .. } | Part::Other(_) => Err(refusal("Gemini has no part of this kind")),
            })
            .collect(),
    }
}

pub(super) fn vectors(answer: &Value) -> Option<(Found, Usage)> {
    let list = answer.get("embeddings")?.as_array()?;
    let vectors = list.iter().map(|entry| numbers(entry.get("values")?)).collect::<Option<_>>()?;
    // Older models count nothing.
    let tokens = answer.pointer("/usageMetadata/promptTokenCount").and_then(Value::as_u64);
    Some((Found::Vectors(vectors), counted(tokens)))
}
