//! The conversation: contents and their parts, as messages. Google's calls may
//! have no ids: their results are found by name.

use serde_json::Value;

use crate::dialects::inference::{Message, Part, Role, ToolCall};
use crate::dialects::read::Object;
use crate::dialects::{BadField, media, reasoning};

/// `systemInstruction`: a content, or a string.
pub(super) fn system(fields: Object<'_>) -> Result<Option<Message>, BadField> {
    let Some(value) = fields.get("systemInstruction") else { return Ok(None) };
    let mut reading = Reading::default();
    reading.content(value, Some(Role::System)).map_err(|error| error.within("systemInstruction"))?;
    Ok(reading.messages.pop().filter(|message| !message.content.is_empty()))
}

pub(super) fn messages(fields: Object<'_>) -> Result<Vec<Message>, BadField> {
    let mut reading = Reading::default();
    match fields.get("contents") {
        Some(Value::Array(contents)) if !contents.is_empty() => {
            for (index, content) in contents.iter().enumerate() {
                reading.content(content, None).map_err(|error| error.within(&format!("contents[{index}]")))?;
            }
        }
        Some(content @ (Value::Object(_) | Value::String(_))) => {
            reading.content(content, None).map_err(|error| error.within("contents"))?;
        }
        _ => return Err(BadField::new("contents", "must hold at least one content")),
    }
    Ok(reading.messages)
}

#[derive(Default)]
struct Reading {
    messages: Vec<Message>,
    /// Calls of the last model turn that have no result yet: id and name.
    open: Vec<(String, String)>,
    /// Calls so far, for the ids of those that have none.
    calls: usize,
    /// Words of a thought whose signature has not come yet.
    thought: String,
}

impl Reading {
    fn content(&mut self, value: &Value, role: Option<Role>) -> Result<(), BadField> {
        if let Value::String(text) = value {
            let content = vec![Part::text(text.as_str())];
            self.messages.push(Message { role: role.unwrap_or(Role::User), content, ..Message::default() });
            return Ok(());
        }
        let fields = Object::of(value, "parts")?;
        let role = match (role, fields.text("role")?) {
            (Some(role), _) => role,
            (None, Some("model")) => Role::Assistant,
            (None, Some("user" | "function" | "tool" | "") | None) => Role::User,
            (None, Some("system")) => Role::System,
            (None, Some(_)) => return Err(BadField::new("role", "must be user or model")),
        };
        let single;
        let parts = match fields.get("parts") {
            Some(part @ Value::Object(_)) => {
                single = [part.clone()];
                &single[..]
            }
            _ => fields.list("parts")?,
        };
        let mut message = Message { role, ..Message::default() };
        for (index, part) in parts.iter().enumerate() {
            self.part(part, &mut message).map_err(|error| error.within(&format!("parts[{index}]")))?;
        }
        if !self.thought.is_empty() {
            let index = number(message.reasoning_details.len());
            let words = std::mem::take(&mut self.thought);
            message.reasoning_details.push(reasoning::text_detail(&words, reasoning::GEMINI, index));
        }
        if role == Role::Assistant {
            self.open = message.tool_calls.iter().map(|call| (call.id.clone(), call.name.clone())).collect();
        }
        let is_silent = message.content.is_empty() && role != Role::Assistant;
        if !is_silent {
            self.messages.push(message);
        }
        Ok(())
    }

    fn part(&mut self, value: &Value, message: &mut Message) -> Result<(), BadField> {
        if let Value::String(text) = value {
            message.content.push(Part::text(text.as_str()));
            return Ok(());
        }
        let fields = Object::of(value, "text")?;
        let signature = fields.text("thoughtSignature")?.filter(|signature| !signature.is_empty());
        if let Some(call) = fields.object("functionCall")? {
            let within = |error: BadField| error.within("functionCall");
            let id = call.text("id").map_err(within)?.filter(|id| !id.is_empty()).map(str::to_owned);
            let id = id.unwrap_or_else(|| format!("call_{}", self.calls));
            self.calls = self.calls.saturating_add(1);
            self.signature(signature, Some(&id), message);
            message.tool_calls.push(ToolCall {
                id,
                name: call.required_text("name").map_err(within)?.to_owned(),
                arguments: call.get("args").map_or_else(String::new, Value::to_string),
            });
            return Ok(());
        }
        if let Some(answer) = fields.object("functionResponse")? {
            let result = self.result(answer).map_err(|error| error.within("functionResponse"))?;
            self.messages.push(result);
            return Ok(());
        }
        match fields.text("text")? {
            Some(text) if fields.boolean("thought")? == Some(true) => {
                message.reasoning.get_or_insert_default().push_str(text);
                self.thought.push_str(text);
            }
            Some("") => {}
            Some(text) => message.content.push(Part::text(text)),
            None => message.content.push(media_part(value, fields)?),
        }
        self.signature(signature, None, message);
        Ok(())
    }

    /// Keeps the signature of a part: Google's own, or another company's in disguise.
    fn signature(&mut self, signature: Option<&str>, id: Option<&str>, message: &mut Message) {
        let Some(signature) = signature else { return };
        let index = number(message.reasoning_details.len());
        let mut detail = reasoning::unwrapped(signature)
            .unwrap_or_else(|| reasoning::encrypted_detail(signature, reasoning::GEMINI, index, id));
        let has_words = !self.thought.is_empty() && detail.get("type").is_some_and(|kind| kind == "reasoning.text");
        if let Some(fields) = detail.as_object_mut().filter(|_| has_words) {
            fields.insert("text".to_owned(), Value::from(std::mem::take(&mut self.thought)));
        }
        message.reasoning_details.push(detail);
    }

    fn result(&mut self, answer: Object<'_>) -> Result<Message, BadField> {
        let name = answer.required_text("name")?;
        let id = answer.text("id")?.filter(|id| !id.is_empty());
        let place = match id {
            Some(id) => self.open.iter().position(|(open, _)| open == id),
            None => self.open.iter().position(|(_, open)| open == name),
        };
        let found = place.map(|place| self.open.remove(place).0);
        let (text, is_error) = said(answer.get("response").unwrap_or(&Value::Null));
        let mut content: Vec<Part> = Some(text).filter(|text| !text.is_empty()).map(Part::text).into_iter().collect();
        for (index, part) in answer.list("parts")?.iter().enumerate() {
            let within = |error: BadField| error.within(&format!("parts[{index}]"));
            let part = Object::of(part, "inlineData").and_then(|fields| media_part(part, fields)).map_err(within)?;
            content.push(part);
        }
        Ok(Message {
            role: Role::Tool,
            content,
            name: Some(name.to_owned()),
            tool_call_id: found.or_else(|| id.map(str::to_owned)).or_else(|| Some(name.to_owned())),
            is_error,
            ..Message::default()
        })
    }
}

/// What a function answered: text that Google's protocol had to wrap is unwrapped.
fn said(response: &Value) -> (String, bool) {
    let only = response.as_object().filter(|fields| fields.len() == 1).and_then(|fields| fields.iter().next());
    match only {
        Some((name, Value::String(text))) if matches!(name.as_str(), "result" | "output" | "content") => {
            (text.clone(), false)
        }
        Some((name, Value::String(text))) if name == "error" => (text.clone(), true),
        Some((name, other)) if name == "error" => (other.to_string(), true),
        _ if response.is_null() => (String::new(), false),
        _ => (response.to_string(), false),
    }
}

fn media_part(value: &Value, fields: Object<'_>) -> Result<Part, BadField> {
    if let Some(blob) = fields.object("inlineData")? {
        let within = |error: BadField| error.within("inlineData");
        let media_type = blob.required_text("mimeType").map_err(within)?;
        let data = standard(blob.required_text("data").map_err(within)?);
        return Ok(match media_type.split_once('/') {
            Some(("audio", kind)) => Part::Audio { data, format: audio_format(kind).to_owned() },
            Some((kind, _)) => by_kind(kind, format!("data:{media_type};base64,{data}")),
            None => return Err(BadField::new("inlineData.mimeType", "must be a media type: image/png")),
        });
    }
    if let Some(file) = fields.object("fileData")? {
        let url = file.required_text("fileUri").map_err(|error| error.within("fileData"))?.to_owned();
        let media_type = file.text("mimeType").map_err(|error| error.within("fileData"))?;
        let is_video = url.contains("youtube.com/") || url.contains("youtu.be/");
        let media_type = media_type.or_else(|| media::media_type_of(&url)).unwrap_or_default();
        let kind = media_type.split('/').next().unwrap_or_default();
        return Ok(by_kind(if is_video { "video" } else { kind }, url));
    }
    Ok(Part::Other(value.clone()))
}

fn by_kind(kind: &str, url: String) -> Part {
    match kind {
        "image" => Part::Image { url, detail: None, cache_control: None },
        "video" => Part::Video { url },
        _ => Part::File { name: None, data: Some(url), file_id: None, cache_control: None },
    }
}

fn audio_format(kind: &str) -> &str {
    match kind {
        "mpeg" | "mpeg3" => "mp3",
        "x-wav" | "wave" | "vnd.wave" => "wav",
        "mp4" | "x-m4a" => "m4a",
        other => other,
    }
}

/// Base64 in the standard alphabet, padded: Google's clients use either.
fn standard(data: &str) -> String {
    let letters = data.trim_end_matches('=').chars().map(|letter| match letter {
        '-' => '+',
        '_' => '/',
        other => other,
    });
    let mut text: String = letters.collect();
    while !text.len().is_multiple_of(4) {
        text.push('=');
    }
    text
}

fn number(length: usize) -> u32 {
    u32::try_from(length).unwrap_or(u32::MAX)
}
