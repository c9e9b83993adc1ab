//! A request's prompt and answer as JSON, in the shape of the original's chat API.
//! Files are named, not kept.

use serde_json::{Map, Value, json};

use crate::dialects::Inference;
use crate::dialects::answer::Answer;
use crate::dialects::inference::{Message, Part};

/// What stands where a text was cut.
const CUT: &str = "… [cut]";

/// What was asked, in at most about `room` bytes.
#[must_use]
pub fn input(inference: &Inference, room: usize) -> Value {
    let mut messages = Value::Array(inference.messages.iter().map(message).collect());
    let mut left = room;
    cut(&mut messages, &mut left);
    json!({ "messages": messages })
}

/// What was answered, in at most about `room` bytes.
#[must_use]
pub fn output(answer: Option<&Answer>, room: usize) -> Value {
    let said = |text: &str| (!text.is_empty()).then(|| text.to_owned());
    let first = answer.and_then(Answer::first);
    let calls: Vec<Value> = first
        .into_iter()
        .flat_map(|choice| choice.calls.values())
        .map(|call| json!({ "name": call.name, "arguments": call.arguments() }))
        .collect();
    let mut output = json!({
        "completion": first.and_then(|choice| said(&choice.text).or_else(|| said(&choice.refusal))),
        "reasoning": first.and_then(|choice| said(&choice.reasoning)),
    });
    if !calls.is_empty() {
        output["tool_calls"] = Value::Array(calls);
    }
    let others: Vec<Value> = answer
        .into_iter()
        .flat_map(|answer| answer.choices.values().skip(1))
        .map(|choice| json!(choice.text))
        .collect();
    if !others.is_empty() {
        output["other_completions"] = Value::Array(others);
    }
    let mut left = room;
    cut(&mut output, &mut left);
    output
}

fn message(message: &Message) -> Value {
    let mut fields = Map::new();
    fields.insert("role".to_owned(), json!(message.role));
    let content = match message.content.as_slice() {
        [Part::Text { text, .. }] => json!(text),
        parts => Value::Array(parts.iter().map(part).collect()),
    };
    fields.insert("content".to_owned(), content);
    if let Some(name) = &message.name {
        fields.insert("name".to_owned(), json!(name));
    }
    if let Some(reasoning) = &message.reasoning {
        fields.insert("reasoning".to_owned(), json!(reasoning));
    }
    if let Some(id) = &message.tool_call_id {
        fields.insert("tool_call_id".to_owned(), json!(id));
    }
    if !message.tool_calls.is_empty() {
        let call = |call: &crate::dialects::inference::ToolCall| json!({ "id": call.id, "type": "function", "function": { "name": call.name, "arguments": call.arguments } });
        fields.insert("tool_calls".to_owned(), message.tool_calls.iter().map(call).collect());
    }
    Value::Object(fields)
}

fn part(part: &Part) -> Value {
    match part {
        Part::Text { text, .. } => json!({ "type": "text", "text": text }),
        Part::Image { url, .. } => json!({ "type": "image_url", "image_url": { "url": address(url) } }),
        Part::Video { url } => json!({ "type": "video_url", "video_url": { "url": address(url) } }),
        Part::Audio { data, format } => {
            json!({ "type": "input_audio", "input_audio": { "format": format, "data": not_kept(data) } })
        }
        Part::File { name, data, file_id, .. } => {
            let data = data.as_deref().map(address);
            json!({ "type": "file", "file": { "filename": name, "file_data": data, "file_id": file_id } })
        }
        Part::Other(value) => json!({ "type": value.get("type") }),
    }
}

/// An address as it is, and what kind of file a data URL holds.
fn address(url: &str) -> String {
    match url.split_once(',') {
        Some((head, data)) if url.starts_with("data:") => format!("{head},{}", not_kept(data)),
        _ => url.to_owned(),
    }
}

fn not_kept(data: &str) -> String {
    format!("[{} characters, not kept]", data.len())
}

/// Shortens texts once there is no more room.
fn cut(value: &mut Value, room: &mut usize) {
    match value {
        Value::String(text) if text.len() <= *room => *room -= text.len(),
        Value::String(text) => {
            let end = (0..=*room).rev().find(|end| text.is_char_boundary(*end)).unwrap_or(0);
            text.truncate(end);
            text.push_str(CUT);
            *room = 0;
        }
        Value::Array(items) => items.iter_mut().for_each(|item| cut(item, room)),
        Value::Object(fields) => fields.values_mut().for_each(|field| cut(field, room)),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use crate::dialects::Delta;
    use crate::dialects::inference::Role;

    use super::*;

    #[test]
    fn files_are_named_and_long_texts_cut() {
        let image = Part::Image { url: "data:image/png;base64,AAAABBBB".to_owned(), detail: None, cache_control: None };
        let content = vec![Part::text("Grüße an alle"), image];
        let inference = Inference {
            messages: vec![Message { role: Role::User, content, ..Message::default() }],
            ..Inference::default()
        };
        let kept = input(&inference, 10_000);
        assert_eq!(kept["messages"][0]["content"][0]["text"], "Grüße an alle");
        let url = kept["messages"][0]["content"][1]["image_url"]["url"].as_str().unwrap();
        assert_eq!(url, "data:image/png;base64,[8 characters, not kept]");

        let mut answer = Answer::default();
        answer.add(Delta::Text { choice: 0, text: "ä".repeat(40) });
        let kept = output(Some(&answer), 21);
        assert_eq!(kept["completion"], format!("{}{CUT}", "ä".repeat(10)));
        assert_eq!(output(None, 10), json!({ "completion": null, "reasoning": null }));
    }
}
