//! The conversation: messages, their parts, and the calls they hold.

use serde::Deserialize;
use serde_json::Value;
use serde_json::value::RawValue;

use super::fields::{optional, read};
use crate::dialects::inference::{Message, Part, Role, ToolCall};
use crate::dialects::text::Text;
use crate::dialects::{BadField, arguments};

#[derive(Deserialize)]
struct WireMessage<'a> {
    #[serde(borrow)]
    role: Option<&'a RawValue>,
    #[serde(borrow)]
    content: Option<&'a RawValue>,
    #[serde(borrow)]
    name: Option<&'a RawValue>,
    #[serde(borrow)]
    tool_calls: Option<&'a RawValue>,
    #[serde(borrow)]
    function_call: Option<&'a RawValue>,
    #[serde(borrow)]
    tool_call_id: Option<&'a RawValue>,
    #[serde(borrow)]
    reasoning: Option<&'a RawValue>,
    #[serde(borrow)]
    reasoning_content: Option<&'a RawValue>,
    #[serde(borrow)]
    reasoning_details: Option<&'a RawValue>,
    #[serde(borrow)]
    refusal: Option<&'a RawValue>,
    #[serde(borrow)]
    images: Option<&'a RawValue>,
}

#[derive(Deserialize)]
struct WireCall<'a> {
    id: Option<String>,
    #[serde(borrow)]
    function: Option<WireFunction<'a>>,
}

#[derive(Deserialize)]
struct WireFunction<'a> {
    name: Option<String>,
    #[serde(borrow)]
    arguments: Option<&'a RawValue>,
}

#[derive(Deserialize)]
struct WirePart<'a> {
    #[serde(rename = "type", borrow)]
    kind: Option<Text<'a>>,
    text: Option<String>,
    refusal: Option<String>,
    #[serde(borrow)]
    image_url: Option<&'a RawValue>,
    #[serde(borrow)]
    input_audio: Option<&'a RawValue>,
    #[serde(borrow)]
    video_url: Option<&'a RawValue>,
    #[serde(borrow)]
    input_video: Option<&'a RawValue>,
    #[serde(borrow)]
    file: Option<&'a RawValue>,
    cache_control: Option<Value>,
}

#[derive(Deserialize)]
struct WireImage<'a> {
    #[serde(borrow)]
    image_url: &'a RawValue,
}

#[derive(Deserialize)]
struct WireUrl {
    url: String,
    detail: Option<String>,
}

#[derive(Deserialize)]
struct WireAudio {
    data: String,
    format: String,
}

#[derive(Deserialize)]
struct WireFile {
    filename: Option<String>,
    file_data: Option<String>,
    file_id: Option<String>,
}

pub(super) fn parse(raw: &RawValue) -> Result<Vec<Message>, BadField> {
    let items: Vec<&RawValue> = read(raw, "messages", "must be an array of messages")?;
    if items.is_empty() {
        return Err(BadField::new("messages", "must hold at least one message"));
    }
    let parse_one = |(index, raw)| message(raw).map_err(|error| error.within(&format!("messages[{index}]")));
    items.into_iter().enumerate().map(parse_one).collect()
}

fn message(raw: &RawValue) -> Result<Message, BadField> {
    let wire: WireMessage<'_> =
        serde_json::from_str(raw.get()).map_err(|_| BadField::new("role", "is required: a message is an object"))?;
    let role = role(wire.role)?;
    if wire.function_call.is_some() {
        return Err(BadField::new("function_call", "is no longer supported: use `tool_calls`"));
    }
    let mut message = Message {
        role,
        name: optional(wire.name, "name", "must be a string")?,
        tool_calls: tool_calls(wire.tool_calls)?,
        tool_call_id: optional(wire.tool_call_id, "tool_call_id", "must be a string")?,
        reasoning: optional(wire.reasoning.or(wire.reasoning_content), "reasoning", "must be a string")?,
        reasoning_details: optional(wire.reasoning_details, "reasoning_details", "must be an array of objects")?
            .unwrap_or_default(),
        refusal: optional(wire.refusal, "refusal", "must be a string")?,
        content: Vec::new(),
        is_error: false,
    };
    content(wire.content, &mut message)?;
    let remedy = "must be an array of {image_url: {url}}";
    for image in optional::<Vec<WireImage<'_>>>(wire.images, "images", remedy)?.unwrap_or_default() {
        let WireUrl { url, detail } = url(Some(image.image_url), "images")?;
        message.content.push(Part::Image { url, detail, cache_control: None });
    }
    if role == Role::Tool && message.tool_call_id.as_deref().is_none_or(str::is_empty) {
        return Err(BadField::new("tool_call_id", "is required on a tool message: the id of the call it answers"));
    }
    Ok(message)
}

fn role(raw: Option<&RawValue>) -> Result<Role, BadField> {
    match raw.map(RawValue::get) {
        Some("\"system\"") => Ok(Role::System),
        Some("\"developer\"") => Ok(Role::Developer),
        Some("\"user\"") => Ok(Role::User),
        Some("\"assistant\"") => Ok(Role::Assistant),
        Some("\"tool\"") => Ok(Role::Tool),
        Some("\"function\"") => Err(BadField::new("role", "`function` is no longer supported: use `tool`")),
        _ => Err(BadField::new("role", "must be one of system, developer, user, assistant, tool")),
    }
}

/// A string, an array of parts, or on assistant messages nothing.
fn content(raw: Option<&RawValue>, message: &mut Message) -> Result<(), BadField> {
    let text = raw.map_or("null", RawValue::get);
    match (raw, text.as_bytes().first()) {
        (Some(raw), Some(b'"')) => {
            let text: String = read(raw, "content", "must be a string")?;
            if !text.is_empty() {
                message.content.push(Part::text(text));
            }
        }
        (Some(raw), Some(b'[')) => {
            let items: Vec<&RawValue> = read(raw, "content", "must be an array of parts")?;
            for (index, item) in items.into_iter().enumerate() {
                let part = part(item).map_err(|error| error.within(&format!("content[{index}]")))?;
                match part {
                    Part::Other(value) if value.get("type").is_some_and(|kind| kind == "refusal") => {
                        let refusal = value.get("refusal").and_then(Value::as_str).unwrap_or_default();
                        message.refusal.get_or_insert_default().push_str(refusal);
                    }
                    part => message.content.push(part),
                }
            }
        }
        _ if text == "null" && message.role == Role::Assistant => {}
        _ => return Err(BadField::new("content", "must be a string or an array of parts")),
    }
    Ok(())
}

fn part(raw: &RawValue) -> Result<Part, BadField> {
    let wire: WirePart<'_> = serde_json::from_str(raw.get())
        .map_err(|error| BadField::new("type", format!("is required: a part is an object ({error})")))?;
    let kind = wire.kind.as_ref().map_or("", Text::as_str);
    let cache_control = wire.cache_control;
    Ok(match kind {
        "" => return Err(BadField::new("type", "is required: text, image_url, input_audio, video_url or file")),
        "text" => Part::Text {
            text: wire.text.ok_or_else(|| BadField::new("text", "is required on a text part"))?,
            cache_control,
        },
        "image_url" => {
            let WireUrl { url, detail } = url(wire.image_url, "image_url")?;
            Part::Image { url, detail, cache_control }
        }
        "video_url" | "input_video" => Part::Video { url: url(wire.video_url.or(wire.input_video), "video_url")?.url },
        "input_audio" => {
            let audio: Option<WireAudio> = optional(wire.input_audio, "input_audio", "must hold data and format")?;
            let WireAudio { data, format } =
                audio.ok_or_else(|| BadField::new("input_audio", "is required: {data, format}"))?;
            Part::Audio { data, format }
        }
        "file" => {
            let file: Option<WireFile> = optional(wire.file, "file", "must hold filename and file_data, or file_id")?;
            let file = file.filter(|file| file.file_data.is_some() || file.file_id.is_some());
            let WireFile { filename, file_data, file_id } =
                file.ok_or_else(|| BadField::new("file", "must hold file_data (a URL or data URL) or file_id"))?;
            Part::File { name: filename, data: file_data, file_id, cache_control }
        }
        "refusal" if wire.refusal.is_none() => return Err(BadField::new("refusal", "is required on a refusal part")),
        _ => Part::Other(read(raw, "type", "is not readable")?),
    })
}

/// `{url, detail}`, or the bare URL some clients send.
fn url(raw: Option<&RawValue>, name: &str) -> Result<WireUrl, BadField> {
    let remedy = "must be an object with a url (http, https or data:)";
    let raw = raw.ok_or_else(|| BadField::new(name, remedy))?;
    let wire: WireUrl = if raw.get().starts_with('"') {
        WireUrl { url: read(raw, name, remedy)?, detail: None }
    } else {
        read(raw, name, remedy)?
    };
    if wire.url.is_empty() { Err(BadField::new(format!("{name}.url"), "must not be empty")) } else { Ok(wire) }
}

fn tool_calls(raw: Option<&RawValue>) -> Result<Vec<ToolCall>, BadField> {
    let calls: Option<Vec<WireCall<'_>>> =
        optional(raw, "tool_calls", "must be an array of {id, type, function: {name, arguments}}")?;
    let typed = |(index, call): (usize, WireCall<'_>)| {
        let within = |error: BadField| error.within(&format!("tool_calls[{index}]"));
        let function = call.function.ok_or_else(|| within(BadField::new("function", "is required")))?;
        Ok(ToolCall {
            id: call.id.ok_or_else(|| within(BadField::new("id", "is required")))?,
            name: function.name.ok_or_else(|| within(BadField::new("function.name", "is required")))?,
            arguments: function.arguments.map(arguments::text).unwrap_or_default(),
        })
    };
    calls.unwrap_or_default().into_iter().enumerate().map(typed).collect()
}
