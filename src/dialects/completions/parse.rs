//! The caller's request: a chat of one message, with the other fields as they came.

use serde_json::{Map, Value, json};

use super::Completions;
use crate::dialects::chat_completions::parse::parse as parse_chat;
use crate::dialects::read::Object;
use crate::dialects::{BadField, Inference};

/// Fields of this API alone.
const OWN: [&str; 6] = ["prompt", "echo", "suffix", "best_of", "logprobs", "messages"];
/// The most alternatives a token may have.
const MOST_LOGPROBS: u64 = 20;

/// Reads the body of `POST /completions`.
///
/// # Errors
/// [`BadField`] names the first field that is missing, wrong or not served, and the remedy.
pub fn parse(body: &[u8]) -> Result<(Inference, Completions), BadField> {
    let mut sent: Map<String, Value> = serde_json::from_slice(body).map_err(|error| BadField {
        field: "body".to_owned(),
        message: format!("The request body must be one JSON object: {error}"),
    })?;
    let fields = Object(&sent);
    refuse(fields)?;
    let prompt = prompt(fields)?;
    let prefix = if fields.boolean("echo")? == Some(true) { prompt.clone() } else { String::new() };
    let logprobs = match fields.get("logprobs") {
        // Some clients send the newer API's switch.
        Some(Value::Bool(wanted)) => wanted.then_some(0),
        _ => fields.count("logprobs", 0)?,
    };
    if logprobs.is_some_and(|count| count > MOST_LOGPROBS) {
        return Err(BadField::new("logprobs", format!("must be an integer from 0 to {MOST_LOGPROBS}")));
    }
    sent.retain(|name, _| !OWN.contains(&name.as_str()));
    sent.insert("messages".to_owned(), json!([{ "role": "user", "content": prompt }]));
    if let Some(count) = logprobs {
        sent.insert("logprobs".to_owned(), json!(true));
        if count > 0 {
            sent.insert("top_logprobs".to_owned(), json!(count));
        }
    }
    let chat = serde_json::to_vec(&sent).map_err(|error| BadField::new("body", error))?;
    Ok((parse_chat(&chat)?, Completions { prefix }))
}

fn refuse(fields: Object<'_>) -> Result<(), BadField> {
    if fields.text("suffix")?.is_some_and(|suffix| !suffix.is_empty()) {
        return Err(BadField::new("suffix", "is not supported: models here continue a text, they do not fill a gap"));
    }
    let (n, best_of) = (fields.count("n", 1)?.unwrap_or(1), fields.count("best_of", 1)?);
    if best_of.is_some_and(|best_of| best_of != n) {
        return Err(BadField::new("best_of", "must equal n: every answer that is made is returned"));
    }
    Ok(())
}

fn prompt(fields: Object<'_>) -> Result<String, BadField> {
    let remedy = "is required: a string, or an array that holds one";
    match fields.get("prompt") {
        Some(Value::String(text)) if !text.is_empty() => Ok(text.clone()),
        Some(Value::Array(prompts)) => match prompts.as_slice() {
            [Value::String(text)] if !text.is_empty() => Ok(text.clone()),
            [Value::String(_), _, ..] => {
                Err(BadField::new("prompt", "must be one prompt: send one request for each of several"))
            }
            [Value::Number(_) | Value::Array(_), ..] => {
                Err(BadField::new("prompt", "must be text: token numbers mean something else to every model"))
            }
            _ => Err(BadField::new("prompt", remedy)),
        },
        _ => Err(BadField::new("prompt", remedy)),
    }
}
