//! The conversation as this provider takes it. Untouched whenever nothing in it
//! could offend; otherwise message by message, with every other field verbatim.

use std::borrow::Cow;

use indexmap::IndexMap;
use serde_json::value::{RawValue, to_raw_value};
use serde_json::{Value, json};

use super::request::untranslatable;
use crate::dialects::inference::{Inference, Message, Part, Role};
use crate::dialects::{Quirks, Untranslatable, reasoning};

/// Fields of the original's messages that OpenAI does not know.
const EXTENSIONS: [&str; 5] = ["reasoning", "reasoning_content", "reasoning_details", "images", "model"];
const CACHE_MARK: &str = "cache_control";

type Fields<'a> = IndexMap<Cow<'a, str>, Cow<'a, RawValue>>;

/// The JSON of `messages`; `raw` is how the caller wrote it.
pub(super) fn messages<'a>(
    quirks: &Quirks,
    inference: &Inference,
    raw: &'a RawValue,
) -> Result<Cow<'a, str>, Untranslatable> {
    if !needs_rewriting(quirks, inference, raw.get()) {
        return Ok(Cow::Borrowed(raw.get()));
    }
    let items: Vec<IndexMap<Cow<'_, str>, &RawValue>> =
        serde_json::from_str(raw.get()).map_err(|error| untranslatable("messages", error))?;
    let mut out: Vec<Fields<'_>> = Vec::with_capacity(items.len());
    // Images a tool returned, to follow the last answer of its turn.
    let mut images = Vec::new();
    for (item, message) in items.into_iter().zip(&inference.messages) {
        if message.role != Role::Tool {
            flush(&mut images, &mut out)?;
        }
        let mut fields: Fields<'_> = item.into_iter().map(|(key, value)| (key, Cow::Borrowed(value))).collect();
        rewrite(quirks, message, &mut fields, &mut images)?;
        out.push(fields);
    }
    flush(&mut images, &mut out)?;
    if let Some(last) = out.last_mut().filter(|_| quirks.marks_prefill && is_prefilled(inference)) {
        set(last, "prefix", &true)?;
    }
    serde_json::to_string(&out).map(Cow::Owned).map_err(|error| untranslatable("messages", error))
}

fn needs_rewriting(quirks: &Quirks, inference: &Inference, raw: &str) -> bool {
    let is_offending = |message: &Message| {
        (quirks.no_developer_role && message.role == Role::Developer)
            || (quirks.short_tool_ids && (!message.tool_calls.is_empty() || message.role == Role::Tool))
            || (quirks.wants_reasoning_content && message.role == Role::Assistant)
            || (quirks.wants_thinking_parts && thoughts(message).is_some())
            || (!quirks.takes_cache_control() && message.content.iter().any(is_marked))
            || (message.role == Role::Tool && !quirks.keeps_reasoning_object && message.content.iter().any(is_image))
    };
    let has = |name: &str| raw.contains(&format!("\"{name}\""));
    inference.messages.iter().any(is_offending)
        || (quirks.marks_prefill && is_prefilled(inference))
        // Only assistant turns carry what a provider may not know.
        || (inference.messages.iter().any(|message| message.role == Role::Assistant)
            && (quirks.drops_message_fields.iter().any(|name| has(name))
                || (!quirks.keeps_reasoning_object && EXTENSIONS.iter().any(|name| has(name)))))
}

/// The answer is to go on where the last message ends.
fn is_prefilled(inference: &Inference) -> bool {
    inference.messages.last().is_some_and(|last| last.role == Role::Assistant && last.tool_calls.is_empty())
}

/// What an assistant thought aloud. Words another company has signed stay with it.
fn thoughts(message: &Message) -> Option<&str> {
    let is_signed = message
        .reasoning_details
        .iter()
        .any(|detail| detail.get("format").and_then(Value::as_str).is_some_and(|format| format != reasoning::UNKNOWN));
    let words = message.reasoning.as_deref().filter(|words| !words.is_empty());
    words.filter(|_| message.role == Role::Assistant && !is_signed)
}

/// The content as a list that begins with the thinking.
fn with_thoughts(content: Option<&RawValue>, words: &str) -> Result<Vec<Value>, Untranslatable> {
    let thinking = json!({ "type": "thinking", "thinking": [{ "type": "text", "text": words }] });
    let content: Value = match content {
        Some(raw) => serde_json::from_str(raw.get()).map_err(|error| untranslatable("messages", error))?,
        None => Value::Null,
    };
    let rest = match content {
        Value::String(text) if !text.is_empty() => vec![json!({ "type": "text", "text": text })],
        Value::Array(parts) => parts,
        _ => Vec::new(),
    };
    Ok(std::iter::once(thinking).chain(rest).collect())
}

fn is_marked(part: &Part) -> bool {
    matches!(
        part,
        Part::Text { cache_control: Some(_), .. }
            | Part::Image { cache_control: Some(_), .. }
            | Part::File { cache_control: Some(_), .. }
    )
}

fn is_image(part: &Part) -> bool {
    matches!(part, Part::Image { .. })
}

fn rewrite(
    quirks: &Quirks,
    message: &Message,
    fields: &mut Fields<'_>,
    images: &mut Vec<Value>,
) -> Result<(), Untranslatable> {
    let is_extension = |name: &str| !quirks.keeps_reasoning_object && EXTENSIONS.contains(&name);
    fields.retain(|name, value| {
        let is_dropped = is_extension(name) || quirks.drops_message_fields.iter().any(|dropped| dropped == name);
        !is_dropped && (name != "refusal" || value.get() != "null")
    });
    if quirks.no_developer_role && message.role == Role::Developer {
        set(fields, "role", &"system")?;
    }
    if quirks.wants_reasoning_content && message.role == Role::Assistant {
        let words = message.reasoning.as_deref();
        if let Some(words) = words.or((!message.tool_calls.is_empty()).then_some("")) {
            set(fields, "reasoning_content", &words)?;
        }
    }
    if let Some(words) = thoughts(message).filter(|_| quirks.wants_thinking_parts) {
        let content = with_thoughts(fields.get("content").map(|raw| &**raw), words)?;
        set(fields, "content", &content)?;
    }
    if quirks.short_tool_ids {
        shorten_ids(message, fields)?;
    }
    if message.content.iter().any(is_marked)
        && !quirks.takes_cache_control()
        && let Some(content) = fields.get("content")
    {
        let content = without_cache_marks(content)?;
        set(fields, "content", &RawValue::from_string(content).map_err(|error| untranslatable("messages", error))?)?;
    }
    if message.role == Role::Tool && !quirks.keeps_reasoning_object && message.content.iter().any(is_image) {
        move_images(message, fields, images)?;
    }
    Ok(())
}

/// Tool answers are text only: their images go into a user message behind them.
fn move_images(message: &Message, fields: &mut Fields<'_>, images: &mut Vec<Value>) -> Result<(), Untranslatable> {
    let mut text = String::new();
    for part in &message.content {
        match part {
            Part::Text { text: piece, .. } => text.push_str(piece),
            Part::Image { url, .. } => images.push(json!({ "type": "image_url", "image_url": { "url": url } })),
            _ => {}
        }
    }
    set(fields, "content", &if text.is_empty() { "The result is the image below." } else { &text })
}

fn flush(images: &mut Vec<Value>, out: &mut Vec<Fields<'_>>) -> Result<(), Untranslatable> {
    if !images.is_empty() {
        let mut fields = Fields::new();
        set(&mut fields, "role", &"user")?;
        set(&mut fields, "content", &std::mem::take(images))?;
        out.push(fields);
    }
    Ok(())
}

fn shorten_ids(message: &Message, fields: &mut Fields<'_>) -> Result<(), Untranslatable> {
    if let Some(id) = &message.tool_call_id {
        set(fields, "tool_call_id", &short_id(id))?;
    }
    let Some(calls) = fields.get("tool_calls").filter(|calls| calls.get() != "null") else { return Ok(()) };
    let mut calls: Vec<Value> = serde_json::from_str(calls.get()).map_err(|error| untranslatable("messages", error))?;
    for call in calls.iter_mut().filter_map(Value::as_object_mut) {
        if let Some(id) = call.get("id").and_then(Value::as_str).map(short_id) {
            call.insert("id".to_owned(), Value::from(id));
        }
    }
    set(fields, "tool_calls", &calls)
}

/// Nine alphanumerics, the same for the same id: Mistral takes no others.
fn short_id(id: &str) -> String {
    const DIGITS: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
    if id.len() == 9 && id.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
        return id.to_owned();
    }
    // FNV-1a.
    let mut hash: u64 = 0xcbf2_9ce4_8422_2325;
    for byte in id.bytes() {
        hash = (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
    }
    let mut short = String::with_capacity(9);
    for _ in 0..9 {
        let digit = usize::try_from(hash % 62).unwrap_or(0);
        short.push(DIGITS.get(digit).copied().map_or('0', char::from));
        hash /= 62;
    }
    short
}

fn set(fields: &mut Fields<'_>, name: &'static str, value: &impl serde::Serialize) -> Result<(), Untranslatable> {
    let raw = to_raw_value(value).map_err(|error| untranslatable("messages", error))?;
    fields.insert(Cow::Borrowed(name), Cow::Owned(raw));
    Ok(())
}

/// The same JSON without the marks of the prompt cache on its entries.
pub(super) fn without_cache_marks(list: &RawValue) -> Result<String, Untranslatable> {
    if !list.get().starts_with('[') {
        return Ok(list.get().to_owned());
    }
    let mut entries: Vec<IndexMap<Cow<'_, str>, &RawValue>> =
        serde_json::from_str(list.get()).map_err(|error| untranslatable("cache_control", error))?;
    for entry in &mut entries {
        entry.retain(|name, _| name != CACHE_MARK);
    }
    serde_json::to_string(&entries).map_err(|error| untranslatable("cache_control", error))
}
