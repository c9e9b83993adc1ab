//! Cohere's second version: `/embed` and `/rerank`.

use serde_json::{Value, json};

use super::{Embed, Found, Input, Rerank, counted, numbers, openai, untranslatable};
use crate::dialects::inference::Part;
use crate::dialects::{Untranslatable, Usage};

/// What the vectors are for, which Cohere must know: documents unless said otherwise.
const USUAL_TYPE: &str = "search_document";

pub(super) fn embed(model: &str, embed: &Embed) -> Result<Value, Untranslatable> {
    let input_type = match embed.input_type.as_deref() {
        None => USUAL_TYPE,
        // Voyage's and Jina's words.
        Some("query" | "retrieval.query") => "search_query",
        Some("document" | "passage" | "retrieval.passage") => "search_document",
        Some(own) => own,
    };
    let mut body = json!({ "model": model, "input_type": input_type, "embedding_types": ["float"] });
    let is_text = embed.inputs.iter().all(|input| matches!(input, Input::Text(_)));
    if is_text {
        body["texts"] = json!(super::texts(embed)?);
    } else {
        let inputs = embed.inputs.iter().enumerate().map(|(index, own)| input(own, index));
        body["inputs"] = inputs.collect::<Result<Value, _>>()?;
    }
    if let Some(dimensions) = embed.dimensions {
        body["output_dimension"] = json!(dimensions);
    }
    Ok(body)
}

fn input(input: &Input, index: usize) -> Result<Value, Untranslatable> {
    let text = |text: &str| json!({ "type": "text", "text": text });
    let content: Value = match input {
        Input::Text(own) => json!([text(own)]),
        Input::Parts(parts) => parts
            .iter()
            .map(|part| match part {
                Part::Text { text: own, .. } => Ok(text(own)),
                Part::Image { url, .. } => Ok(json!({ "type": "image_url", "image_url": { "url": url } })),
                _ => Err(untranslatable(format!("input[{index}]"), "Cohere embeds text and images only")),
            })
            .collect::<Result<_, _>>()?,
        Input::Tokens(_) => {
            return Err(untranslatable(format!("input[{index}]"), "token numbers mean something else to Cohere"));
        }
    };
    Ok(json!({ "content": content }))
}

pub(super) fn vectors(answer: &Value) -> Option<(Found, Usage)> {
    let embeddings = answer.get("embeddings")?;
    let list = embeddings.get("float").unwrap_or(embeddings).as_array()?;
    let vectors = list.iter().map(numbers).collect::<Option<_>>()?;
    let billed = |name: &str| answer.pointer(&format!("/meta/billed_units/{name}")).and_then(Value::as_u64);
    let tokens = match (billed("input_tokens"), billed("image_tokens")) {
        (None, None) => None,
        (text, image) => Some(text.unwrap_or(0).saturating_add(image.unwrap_or(0))),
    };
    Some((Found::Vectors(vectors), counted(tokens)))
}

pub(super) fn rerank(model: &str, rerank: &Rerank) -> Result<Value, Untranslatable> {
    if let Some(index) = rerank.documents.iter().position(|document| document.image.is_some()) {
        return Err(untranslatable(format!("documents[{index}].image"), "Cohere ranks text only"));
    }
    Ok(openai::rerank(model, rerank))
}
