//! The conversation: turns and their blocks, as messages and parts.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;

use crate::dialects::inference::{Message, Part, Role, ToolCall};
use crate::dialects::read::Object;
use crate::dialects::{BadField, reasoning};

/// `system`: a string or text blocks.
pub(super) fn system(fields: Object<'_>) -> Result<Option<Message>, BadField> {
    let Some(value) = fields.get("system") else { return Ok(None) };
    let mut message = Message { role: Role::System, ..Message::default() };
    match value {
        Value::String(text) if text.is_empty() => return Ok(None),
        Value::String(text) => message.content.push(Part::text(text.as_str())),
        Value::Array(blocks) => {
            for (index, block) in blocks.iter().enumerate() {
                let part = part(block).map_err(|error| error.within(&format!("system[{index}]")))?;
                message.content.extend(part);
            }
        }
        _ => return Err(BadField::new("system", "must be a string or an array of text blocks")),
    }
    Ok((!message.content.is_empty()).then_some(message))
}

pub(super) fn messages(fields: Object<'_>) -> Result<Vec<Message>, BadField> {
    let items = fields.list("messages")?;
    if items.is_empty() {
        return Err(BadField::new("messages", "must hold at least one message"));
    }
    let mut messages = Vec::with_capacity(items.len());
    for (index, item) in items.iter().enumerate() {
        turn(item, &mut messages).map_err(|error| error.within(&format!("messages[{index}]")))?;
    }
    Ok(messages)
}

/// One turn: the results in it are messages of their own, in front of the rest.
fn turn(value: &Value, out: &mut Vec<Message>) -> Result<(), BadField> {
    let fields = Object::of(value, "role")?;
    let role = match fields.text("role")? {
        Some("user") => Role::User,
        Some("assistant") => Role::Assistant,
        Some("system") => Role::System,
        _ => return Err(BadField::new("role", "must be user or assistant")),
    };
    let mut message = Message { role, ..Message::default() };
    match fields.get("content") {
        Some(Value::String(text)) => {
            if !text.is_empty() {
                message.content.push(Part::text(text.as_str()));
            }
        }
        Some(Value::Array(blocks)) => {
            for (index, value) in blocks.iter().enumerate() {
                block(value, &mut message, out).map_err(|error| error.within(&format!("content[{index}]")))?;
            }
        }
        _ => return Err(BadField::new("content", "must be a string or an array of blocks")),
    }
    let is_silent = message.content.is_empty() && message.tool_calls.is_empty() && message.reasoning_details.is_empty();
    // A turn of results alone is no turn of the user's.
    if !is_silent || role == Role::Assistant || out.last().is_none_or(|last| last.role != Role::Tool) {
        out.push(message);
    }
    Ok(())
}

fn block(value: &Value, message: &mut Message, out: &mut Vec<Message>) -> Result<(), BadField> {
    let fields = Object::of(value, "type")?;
    match fields.text("type")? {
        Some("tool_use") if message.role == Role::Assistant => message.tool_calls.push(ToolCall {
            id: fields.required_text("id")?.to_owned(),
            name: fields.required_text("name")?.to_owned(),
            arguments: fields.get("input").map_or_else(String::new, Value::to_string),
        }),
        Some("tool_result") if message.role == Role::User => out.push(result(fields)?),
        Some("thinking") if message.role == Role::Assistant => {
            let words = fields.text("thinking")?.unwrap_or_default();
            let index = u32::try_from(message.reasoning_details.len()).unwrap_or(u32::MAX);
            let signature = fields.text("signature")?.filter(|signature| !signature.is_empty());
            let format = if signature.is_some() { reasoning::ANTHROPIC } else { reasoning::UNKNOWN };
            let mut detail = reasoning::text_detail(words, format, index);
            if let (Some(signature), Some(fields)) = (signature, detail.as_object_mut()) {
                fields.insert("signature".to_owned(), Value::from(signature));
            }
            message.reasoning.get_or_insert_default().push_str(words);
            message.reasoning_details.push(detail);
        }
        Some("redacted_thinking") if message.role == Role::Assistant => {
            let data = fields.text("data")?.unwrap_or_default();
            let index = u32::try_from(message.reasoning_details.len()).unwrap_or(u32::MAX);
            let detail = reasoning::unwrapped(data)
                .unwrap_or_else(|| reasoning::encrypted_detail(data, reasoning::ANTHROPIC, index, None));
            message.reasoning_details.push(detail);
        }
        _ => message.content.extend(part(value)?),
    }
    Ok(())
}

fn result(fields: Object<'_>) -> Result<Message, BadField> {
    let mut message = Message {
        role: Role::Tool,
        tool_call_id: Some(fields.required_text("tool_use_id")?.to_owned()),
        is_error: fields.boolean("is_error")?.unwrap_or(false),
        ..Message::default()
    };
    match fields.get("content") {
        None => {}
        Some(Value::String(text)) => message.content.extend((!text.is_empty()).then(|| Part::text(text.as_str()))),
        Some(Value::Array(blocks)) => {
            for (index, block) in blocks.iter().enumerate() {
                let part = part(block).map_err(|error| error.within(&format!("content[{index}]")))?;
                message.content.extend(part);
            }
        }
        Some(_) => return Err(BadField::new("content", "must be a string or an array of blocks")),
    }
    if let Some(mark) = fields.get("cache_control")
        && let Some(
            Part::Text { cache_control, .. } | Part::Image { cache_control, .. } | Part::File { cache_control, .. },
        ) = message.content.last_mut()
    {
        cache_control.get_or_insert_with(|| mark.clone());
    }
    Ok(message)
}

/// The part a block is; `None` for empty text.
fn part(value: &Value) -> Result<Option<Part>, BadField> {
    let fields = Object::of(value, "type")?;
    let cache_control = fields.get("cache_control").cloned();
    let other = || Ok(Some(Part::Other(value.clone())));
    match fields.text("type")? {
        None => Err(BadField::new("type", "is required on a content block")),
        Some("text") => {
            let text = fields.text("text")?.ok_or_else(|| BadField::new("text", "is required on a text block"))?;
            Ok((!text.is_empty()).then(|| Part::Text { text: text.to_owned(), cache_control }))
        }
        Some("image") => {
            let Some(url) = source(fields)? else { return other() };
            Ok(Some(Part::Image { url, detail: None, cache_control }))
        }
        Some("document") => {
            let name = fields.text("title")?.map(str::to_owned);
            match source(fields)? {
                Some(data) => Ok(Some(Part::File { name, data: Some(data), file_id: None, cache_control })),
                None => match written(fields)? {
                    Some(text) => Ok(Some(Part::Text { text: titled(&[name.as_deref()], &text), cache_control })),
                    None => other(),
                },
            }
        }
        Some("search_result") => {
            let heading = [fields.text("title")?, fields.text("source")?];
            let text = flat(fields.get("content").unwrap_or(&Value::Null));
            Ok(Some(Part::Text { text: titled(&heading, &text), cache_control }))
        }
        Some(_) => other(),
    }
}

/// The address of an image or a document: a URL, or a data URL. `None` for what
/// is stored at Anthropic or written out in blocks.
fn source(fields: Object<'_>) -> Result<Option<String>, BadField> {
    let within = |error: BadField| error.within("source");
    let source = fields.object("source")?.ok_or_else(|| BadField::new("source", "is required"))?;
    match source.text("type").map_err(within)? {
        Some("base64") => {
            let media_type = source.required_text("media_type").map_err(within)?;
            let data = source.required_text("data").map_err(within)?;
            Ok(Some(format!("data:{media_type};base64,{data}")))
        }
        Some("url") => Ok(Some(source.required_text("url").map_err(within)?.to_owned())),
        Some("text") => {
            let data = source.required_text("data").map_err(within)?;
            Ok(Some(format!("data:text/plain;base64,{}", STANDARD.encode(data))))
        }
        Some("content" | "file") => Ok(None),
        _ => Err(BadField::new("source.type", "must be one of base64, url, text, content, file")),
    }
}

/// The text of a document whose source is blocks.
fn written(fields: Object<'_>) -> Result<Option<String>, BadField> {
    let source = fields.object("source")?;
    Ok(source.and_then(|source| source.get("content")).map(flat).filter(|text| !text.is_empty()))
}

fn flat(content: &Value) -> String {
    match content {
        Value::String(text) => text.clone(),
        Value::Array(blocks) => {
            let texts = blocks.iter().filter_map(|block| block.get("text").and_then(Value::as_str));
            texts.collect::<Vec<_>>().join("\n")
        }
        _ => String::new(),
    }
}

fn titled(heading: &[Option<&str>], text: &str) -> String {
    heading.iter().copied().flatten().chain([text]).collect::<Vec<_>>().join("\n")
}
