//! The caller's requests: `POST /embeddings` and `POST /rerank`.

use std::sync::Arc;

use serde_json::{Map, Value};

use super::{Document, Embed, EmbeddingsBody, Input, Rerank, RerankBody, Retrieval};
use crate::dialects::BadField;
use crate::dialects::inference::{Inference, Message, Part};
use crate::dialects::read::Object;

const USER_LIMIT: usize = 256;
const ENCODINGS: &str = "must be \"float\" or \"base64\"";

/// Reads the body of `POST /embeddings`.
///
/// # Errors
/// [`BadField`] names the first field that is missing or wrong, and the remedy.
pub fn parse_embeddings(body: &[u8]) -> Result<(Inference, EmbeddingsBody), BadField> {
    let sent = object(body)?;
    let fields = Object(&sent);
    let is_base64 = match fields.text("encoding_format")?.unwrap_or("float") {
        "float" => false,
        "base64" => true,
        _ => return Err(BadField::new("encoding_format", ENCODINGS)),
    };
    let embed = Embed {
        inputs: inputs(fields.get("input"))?,
        dimensions: fields.count("dimensions", 1)?,
        input_type: fields.text("input_type")?.map(str::to_owned),
        user: fields.limited_text("user", USER_LIMIT)?,
        is_base64,
    };
    let messages = embed.inputs.iter().map(|input| said(parts_of(input))).collect();
    let inference = inference(fields, Retrieval::Embed(embed), messages)?;
    Ok((inference, EmbeddingsBody { is_base64 }))
}

/// Reads the body of `POST /rerank`.
///
/// # Errors
/// [`BadField`] names the first field that is missing or wrong, and the remedy.
pub fn parse_rerank(body: &[u8]) -> Result<(Inference, RerankBody), BadField> {
    let sent = object(body)?;
    let fields = Object(&sent);
    let query = fields.required_text("query")?.to_owned();
    let documents = fields.list("documents")?;
    if documents.is_empty() {
        return Err(BadField::new("documents", "is required: an array of strings or of {text, image}"));
    }
    let documents: Vec<Document> =
        documents.iter().enumerate().map(|(index, value)| document(value, index)).collect::<Result<_, _>>()?;
    // Voyage calls it `top_k`.
    let top_n = fields.count("top_n", 1)?.or(fields.count("top_k", 1)?);
    // A ranker reads the query anew with each document.
    let messages = documents
        .iter()
        .map(|document| {
            let text = document.text.iter().map(|text| Part::text(text.as_str()));
            let image = document.image.iter().map(|url| picture(url));
            said(std::iter::once(Part::text(query.as_str())).chain(text).chain(image).collect())
        })
        .collect();
    let answer = RerankBody { documents: Arc::new(documents.clone()) };
    let inference = inference(fields, Retrieval::Rerank(Rerank { query, documents, top_n }), messages)?;
    Ok((inference, answer))
}

fn object(body: &[u8]) -> Result<Map<String, Value>, BadField> {
    serde_json::from_slice(body).map_err(|error| BadField {
        field: "body".to_owned(),
        message: format!("The request body must be one JSON object: {error}"),
    })
}

/// What routing, limits and the hold have to know: the model, who asks, how much
/// there is to read, and that nothing is written.
fn inference(fields: Object<'_>, retrieval: Retrieval, messages: Vec<Message>) -> Result<Inference, BadField> {
    let models = fields.models()?;
    if models.is_empty() {
        return Err(BadField::new("model", "is required: name a model such as \"openai/text-embedding-3-small\""));
    }
    let mut inference = Inference {
        models,
        messages,
        provider: fields.provider()?,
        user: fields.limited_text("user", USER_LIMIT)?,
        session_id: fields.limited_text("session_id", USER_LIMIT)?,
        retrieval: Some(Arc::new(retrieval)),
        ..Inference::default()
    };
    inference.sampling.max_tokens = Some(0);
    Ok(inference)
}

fn said(content: Vec<Part>) -> Message {
    Message { content, ..Message::default() }
}

fn parts_of(input: &Input) -> Vec<Part> {
    match input {
        Input::Text(text) => vec![Part::text(text.as_str())],
        Input::Tokens(tokens) => vec![Part::Other(Value::from(tokens.clone()))],
        Input::Parts(parts) => parts.clone(),
    }
}

/// A text, texts, token numbers, lists of them, or content of several kinds.
fn inputs(value: Option<&Value>) -> Result<Vec<Input>, BadField> {
    let remedy = "is required: a string, or an array of strings, of token numbers or of {content}";
    match value {
        Some(Value::String(text)) => Ok(vec![text_input(text, "input")?]),
        Some(Value::Array(items)) if !items.is_empty() => {
            if items.first().is_some_and(Value::is_number) {
                return Ok(vec![Input::Tokens(tokens(items, "input")?)]);
            }
            items.iter().enumerate().map(|(index, item)| input(item, &format!("input[{index}]"))).collect()
        }
        _ => Err(BadField::new("input", remedy)),
    }
}

fn text_input(text: &str, name: &str) -> Result<Input, BadField> {
    if text.is_empty() { Err(BadField::new(name, "must not be empty")) } else { Ok(Input::Text(text.to_owned())) }
}

fn input(value: &Value, name: &str) -> Result<Input, BadField> {
    match value {
        Value::String(text) => text_input(text, name),
        Value::Array(items) => Ok(Input::Tokens(tokens(items, name)?)),
        Value::Object(fields) => {
            let content = Object(fields).list("content").map_err(|error| error.within(name))?;
            if content.is_empty() {
                return Err(BadField::new(format!("{name}.content"), "is required: an array of parts"));
            }
            let parts = content
                .iter()
                .enumerate()
                .map(|(index, own)| part(own).map_err(|error| error.within(&format!("{name}.content[{index}]"))));
            Ok(Input::Parts(parts.collect::<Result<_, _>>()?))
        }
        _ => Err(BadField::new(name, "must be a string, an array of token numbers, or {content}")),
    }
}

fn tokens(items: &[Value], name: &str) -> Result<Vec<u64>, BadField> {
    let tokens: Option<Vec<u64>> = items.iter().map(Value::as_u64).collect();
    tokens.filter(|tokens| !tokens.is_empty()).ok_or_else(|| BadField::new(name, "must be an array of token numbers"))
}

fn part(value: &Value) -> Result<Part, BadField> {
    let fields = Object::of(value, "content")?;
    let url = |name: &str| {
        let object = fields.object(name)?.ok_or_else(|| BadField::new(name, "is required: {url}"))?;
        Ok::<_, BadField>(object.required_text("url").map_err(|error| error.within(name))?.to_owned())
    };
    Ok(match fields.required_text("type")? {
        "text" => Part::text(fields.required_text("text")?),
        "image_url" => Part::Image { url: url("image_url")?, detail: None, cache_control: None },
        "video_url" | "input_video" => Part::Video { url: url("video_url")? },
        "input_audio" => {
            let audio = fields.object("input_audio")?.unwrap_or(fields);
            Part::Audio {
                data: audio.required_text("data")?.to_owned(),
                format: audio.required_text("format")?.to_owned(),
            }
        }
        "file" => {
            let file = fields.object("file")?.unwrap_or(fields);
            Part::File {
                name: file.text("filename")?.map(str::to_owned),
                data: Some(file.required_text("file_data")?.to_owned()),
                file_id: None,
                cache_control: None,
            }
        }
        _ => return Err(BadField::new("type", "must be text, image_url, input_audio, input_video or file")),
    })
}

fn document(value: &Value, index: usize) -> Result<Document, BadField> {
    let name = format!("documents[{index}]");
    match value {
        Value::String(text) => Ok(Document { text: Some(text.clone()), image: None }),
        Value::Object(fields) => {
            let fields = Object(fields);
            let text = fields.text("text").map_err(|error| error.within(&name))?.map(str::to_owned);
            let image = fields.text("image").map_err(|error| error.within(&name))?.map(str::to_owned);
            if text.is_none() && image.is_none() {
                return Err(BadField::new(name, "must have text or image"));
            }
            Ok(Document { text, image })
        }
        _ => Err(BadField::new(name, "must be a string or {text, image}")),
    }
}

fn picture(url: &str) -> Part {
    Part::Image { url: url.to_owned(), detail: None, cache_control: None }
}
