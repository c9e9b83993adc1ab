//! The conversation as Gemini takes it: turns of parts, each function result
//! under the name of its function, and thought signatures where they were.

use std::borrow::Cow;

use serde::Serialize;
use serde_json::Value;
use serde_json::value::RawValue;

use super::untranslatable;
use crate::dialects::inference::{Message, Part, Role, ToolCall};
use crate::dialects::{Untranslatable, arguments, media, reasoning};

/// Stands for a signature that another model's history cannot have. Source:
/// Google's documentation of thought signatures.
pub(super) const NO_SIGNATURE: &str = "skip_thought_signature_validator";

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Turn<'a> {
    pub(super) role: &'static str,
    pub(super) parts: Vec<WirePart<'a>>,
}

#[derive(Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct WirePart<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) text: Option<Cow<'a, str>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    inline_data: Option<Blob<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    file_data: Option<FileUri<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    function_call: Option<Call<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    function_response: Option<Answer<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    thought_signature: Option<String>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Blob<'a> {
    mime_type: Cow<'a, str>,
    data: &'a str,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct FileUri<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    mime_type: Option<&'static str>,
    file_uri: &'a str,
}

#[derive(Debug, Serialize)]
struct Call<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<&'a str>,
    name: &'a str,
    args: Box<RawValue>,
}

#[derive(Debug, Serialize)]
struct Answer<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<&'a str>,
    name: &'a str,
    response: Box<RawValue>,
}

pub(super) struct Contents<'a> {
    pub(super) system: Vec<WirePart<'a>>,
    pub(super) turns: Vec<Turn<'a>>,
}

/// `needs_signatures` says that the model refuses calls without one.
pub(super) fn contents(messages: &[Message], needs_signatures: bool) -> Result<Contents<'_>, Untranslatable> {
    let mut contents = Contents { system: Vec::new(), turns: Vec::new() };
    let mut calls: &[ToolCall] = &[];
    let mut rest = messages;
    while let Some((message, after)) = rest.split_first() {
        let index = messages.len().saturating_sub(rest.len());
        rest = after;
        match message.role {
            Role::System | Role::Developer if contents.turns.is_empty() => {
                contents.system.extend(parts(message, index)?);
            }
            // Later ones have no place of their own; their place in the order matters more.
            Role::System | Role::Developer | Role::User => contents.push("user", parts(message, index)?),
            Role::Assistant => {
                calls = &message.tool_calls;
                contents.push("model", assistant(message, index, needs_signatures)?);
            }
            Role::Tool => {
                // All results of a turn go together.
                let count = after.iter().take_while(|message| message.role == Role::Tool).count();
                let (more, others) = after.split_at_checked(count).unwrap_or((after, &[]));
                rest = others;
                contents.results(calls, std::iter::once(message).chain(more), index)?;
            }
        }
    }
    // A conversation needs a turn, even if the caller sent instructions alone.
    if contents.turns.is_empty() {
        let parts = std::mem::take(&mut contents.system);
        contents.push("user", parts);
    }
    Ok(contents)
}

impl<'a> Contents<'a> {
    fn push(&mut self, role: &'static str, parts: Vec<WirePart<'a>>) {
        if parts.is_empty() {
            return;
        }
        match self.turns.last_mut() {
            // A turn of function results holds nothing else.
            Some(turn) if turn.role == role && turn.parts.iter().all(|part| part.function_response.is_none()) => {
                turn.parts.extend(parts);
            }
            _ => self.turns.push(Turn { role, parts }),
        }
    }

    /// One turn of results in the order of the calls, then one of what they show.
    fn results(
        &mut self,
        calls: &'a [ToolCall],
        messages: impl Iterator<Item = &'a Message>,
        first: usize,
    ) -> Result<(), Untranslatable> {
        let mut answers: Vec<(usize, WirePart<'a>)> = Vec::new();
        let mut shown = Vec::new();
        for (offset, message) in messages.enumerate() {
            let id = message.tool_call_id.as_deref().unwrap_or_default();
            let place = calls.iter().position(|call| call.id == id);
            let name = place.and_then(|place| calls.get(place)).map(|call| call.name.as_str());
            let mut text = String::new();
            for (number, part) in message.content.iter().enumerate() {
                match part {
                    Part::Text { text: piece, .. } => text.push_str(piece),
                    other => shown.extend(wire_part(other, first.saturating_add(offset), number)?),
                }
            }
            let answer = Answer {
                id: own_id(id),
                name: name.or(message.name.as_deref()).unwrap_or(id),
                response: arguments::object_or_wrapped(&text, if message.is_error { "error" } else { "result" }),
            };
            let part = WirePart { function_response: Some(answer), ..WirePart::default() };
            answers.push((place.unwrap_or(usize::MAX), part));
        }
        answers.sort_by_key(|(place, _)| *place);
        self.turns.push(Turn { role: "user", parts: answers.into_iter().map(|(_, part)| part).collect() });
        if !shown.is_empty() {
            self.turns.push(Turn { role: "user", parts: shown });
        }
        Ok(())
    }
}

fn parts(message: &Message, index: usize) -> Result<Vec<WirePart<'_>>, Untranslatable> {
    let mut parts = Vec::with_capacity(message.content.len());
    for (number, part) in message.content.iter().enumerate() {
        parts.extend(wire_part(part, index, number)?);
    }
    Ok(parts)
}

/// What was said, then the calls, each with the signature it came with.
fn assistant(message: &Message, index: usize, needs_signatures: bool) -> Result<Vec<WirePart<'_>>, Untranslatable> {
    let details = reasoning::replayable(message, reasoning::GEMINI);
    let signature = |id: Option<&str>| {
        let is_it = |detail: &&Value| {
            detail.get("type").is_some_and(|kind| kind == "reasoning.encrypted")
                && detail.get("id").and_then(Value::as_str) == id
        };
        details.iter().find(is_it)?.get("data")?.as_str().map(str::to_owned)
    };
    let mut wire = parts(message, index)?;
    if let Some(refusal) = message.refusal.as_deref().filter(|refusal| !refusal.is_empty()) {
        wire.push(WirePart { text: Some(refusal.into()), ..WirePart::default() });
    }
    if let Some(signature) = signature(None) {
        match wire.last_mut() {
            Some(part) => part.thought_signature = Some(signature),
            // It came in a part of its own, with empty text.
            None => {
                wire.push(WirePart {
                    text: Some("".into()),
                    thought_signature: Some(signature),
                    ..WirePart::default()
                });
            }
        }
    }
    for (number, call) in message.tool_calls.iter().enumerate() {
        let given = signature(Some(&call.id));
        // Of parallel calls only the first is signed.
        let missing = (number == 0 && needs_signatures).then(|| NO_SIGNATURE.to_owned());
        let function_call = Call { id: own_id(&call.id), name: &call.name, args: arguments::object(&call.arguments) };
        wire.push(WirePart {
            function_call: Some(function_call),
            thought_signature: given.or(missing),
            ..WirePart::default()
        });
    }
    Ok(wire)
}

/// Gemini's own ids have eight characters; it does not want to hear others.
fn own_id(id: &str) -> Option<&str> {
    (id.len() == 8 && id.bytes().all(|byte| byte.is_ascii_alphanumeric())).then_some(id)
}

fn wire_part(part: &Part, message: usize, number: usize) -> Result<Option<WirePart<'_>>, Untranslatable> {
    let field = || format!("messages[{message}].content[{number}]");
    Ok(Some(match part {
        Part::Text { text, .. } if text.is_empty() => return Ok(None),
        Part::Text { text, .. } => WirePart { text: Some(text.as_str().into()), ..WirePart::default() },
        Part::Image { url, .. } => by_url(url, Some("image/jpeg")),
        Part::Video { url } => by_url(url, None),
        Part::Audio { data, format } => {
            let blob = Blob { mime_type: format!("audio/{format}").into(), data };
            WirePart { inline_data: Some(blob), ..WirePart::default() }
        }
        Part::File { data: Some(url), .. } => by_url(url, Some("application/pdf")),
        Part::File { .. } => {
            return Err(untranslatable(
                format!("{}.file.file_id", field()),
                "files are sent to Gemini by URL or data URL",
            ));
        }
        Part::Other(_) => return Err(untranslatable(field(), "Gemini has no part of this kind")),
    }))
}

/// Inline for a data URL, by reference for any other; `fallback` is the media
/// type where the file's name tells none.
fn by_url<'a>(url: &'a str, fallback: Option<&'static str>) -> WirePart<'a> {
    if let Some((media_type, data)) = media::split_data_url(url) {
        let blob = Blob { mime_type: media_type.into(), data };
        return WirePart { inline_data: Some(blob), ..WirePart::default() };
    }
    let file = FileUri { mime_type: media::media_type_of(url).or(fallback), file_uri: url };
    WirePart { file_data: Some(file), ..WirePart::default() }
}
