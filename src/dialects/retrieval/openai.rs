//! OpenAI's `/embeddings`, and the `/rerank` that Jina, Voyage, Together and others share.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use super::{Embed, Found, Input, Rerank, numbers, untranslatable};
use crate::dialects::inference::Part;
use crate::dialects::{Untranslatable, Usage};

pub(super) fn embed(model: &str, embed: &Embed) -> Result<Value, Untranslatable> {
    let inputs = embed.inputs.iter().enumerate().map(|(index, own)| input(own, index));
    let mut body = json!({ "model": model, "input": inputs.collect::<Result<Value, _>>()? });
    let optional = [
        ("dimensions", embed.dimensions.map(Value::from)),
        ("input_type", embed.input_type.as_deref().map(Value::from)),
        ("user", embed.user.as_deref().map(Value::from)),
    ];
    for (name, value) in optional {
        if let Some(value) = value {
            body[name] = value;
        }
    }
    Ok(body)
}

fn input(input: &Input, index: usize) -> Result<Value, Untranslatable> {
    Ok(match input {
        Input::Text(text) => json!(text),
        Input::Tokens(tokens) => json!(tokens),
        Input::Parts(parts) => match parts.as_slice() {
            [Part::Text { text, .. }] => json!(text),
            // The original's own form; other routers know it.
            parts => json!({ "content": parts.iter().map(|own| part(own, index)).collect::<Result<Value, _>>()? }),
        },
    })
}

fn part(part: &Part, index: usize) -> Result<Value, Untranslatable> {
    Ok(match part {
        Part::Text { text, .. } => json!({ "type": "text", "text": text }),
        Part::Image { url, .. } => json!({ "type": "image_url", "image_url": { "url": url } }),
        Part::Audio { data, format } => {
            json!({ "type": "input_audio", "input_audio": { "data": data, "format": format } })
        }
        Part::Video { url } => json!({ "type": "input_video", "video_url": { "url": url } }),
        Part::File { name, data, .. } => {
            json!({ "type": "file", "file": { "filename": name, "file_data": data } })
        }
        Part::Other(_) => return Err(untranslatable(format!("input[{index}]"), "has a part of an unknown kind")),
    })
}

pub(super) fn vectors(answer: &Value) -> Option<(Found, Usage)> {
    let data = answer.get("data")?.as_array()?;
    let mut vectors: Vec<(u64, Vec<f64>)> = Vec::with_capacity(data.len());
    for (position, entry) in data.iter().enumerate() {
        let index = entry.get("index").and_then(Value::as_u64).or_else(|| u64::try_from(position).ok())?;
        vectors.push((index, vector(entry.get("embedding")?)?));
    }
    vectors.sort_by_key(|(index, _)| *index);
    Some((Found::Vectors(vectors.into_iter().map(|(_, vector)| vector).collect()), usage(answer)))
}

/// Numbers, or base64 of little-endian floats.
fn vector(embedding: &Value) -> Option<Vec<f64>> {
    let Some(text) = embedding.as_str() else { return numbers(embedding) };
    let bytes = STANDARD.decode(text).ok()?;
    let (floats, []) = bytes.as_chunks::<4>() else { return None };
    Some(floats.iter().map(|bytes| exact(f32::from_le_bytes(*bytes))).collect())
}

/// The number as it would be written: 0.1, not 0.10000000149.
fn exact(number: f32) -> f64 {
    number.to_string().parse().unwrap_or_else(|_| f64::from(number))
}

fn usage(answer: &Value) -> Usage {
    let count = |pointer: &str| answer.pointer(pointer).and_then(Value::as_u64);
    Usage { prompt_tokens: count("/usage/prompt_tokens").or_else(|| count("/usage/total_tokens")), ..Usage::default() }
}

pub(super) fn rerank(model: &str, rerank: &Rerank) -> Value {
    let documents: Vec<Value> = rerank
        .documents
        .iter()
        .map(|document| match (&document.text, &document.image) {
            (Some(text), None) => json!(text),
            (None, Some(image)) => json!({ "image": image }),
            (text, image) => json!({ "text": text, "image": image }),
        })
        .collect();
    let mut body = json!({ "model": model, "query": rerank.query, "documents": documents });
    if let Some(top_n) = rerank.top_n {
        body["top_n"] = json!(top_n);
    }
    body
}

/// `results` at most providers, `data` at Voyage.
pub(super) fn order(answer: &Value) -> Option<(Found, Usage)> {
    let results = answer.get("results").or_else(|| answer.get("data"))?.as_array()?;
    let mut order = Vec::with_capacity(results.len());
    for result in results {
        let score = result.get("relevance_score").or_else(|| result.get("score"))?.as_f64()?;
        order.push((result.get("index")?.as_u64()?, score));
    }
    order.sort_by(|(_, a), (_, b)| b.total_cmp(a));
    let count = |pointer: &str| answer.pointer(pointer).and_then(Value::as_u64);
    let searches = ["/meta/billed_units/search_units", "/usage/search_units"].into_iter().find_map(count);
    let tokens =
        ["/usage/total_tokens", "/usage/prompt_tokens", "/meta/tokens/input_tokens"].into_iter().find_map(count);
    // Who bills searches counts no tokens.
    let prompt_tokens = tokens.or(searches.map(|_| 0));
    Some((Found::Order(order), Usage { prompt_tokens, searches, ..Usage::default() }))
}
