//! The conversation in Bedrock's order: system text on top, user and assistant
//! in turns, all results of a turn together in the next user turn.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::Serialize;
use serde_json::{Value, json};

use super::OPAQUE;
use super::blocks::{from_part, text};
use crate::dialects::inference::{Message, Role};
use crate::dialects::{Untranslatable, arguments, reasoning};

/// Stands for a user turn that the caller left out: Bedrock insists on one, and
/// on words beside a document.
const SILENCE: &str = ".";

#[derive(Debug, Serialize)]
pub(super) struct Turn {
    pub(super) role: &'static str,
    pub(super) content: Vec<Value>,
}

#[derive(Debug, Default)]
pub(super) struct History {
    pub(super) system: Vec<Value>,
    pub(super) turns: Vec<Turn>,
    /// Names of the tools that were called.
    pub(super) called: Vec<String>,
}

pub(super) fn history(messages: &[Message], caches: bool) -> Result<History, Untranslatable> {
    let mut history = History::default();
    for (index, message) in messages.iter().enumerate() {
        let field = format!("messages[{index}]");
        match message.role {
            Role::System | Role::Developer if history.turns.is_empty() => {
                history.system.extend(blocks(message, &field, caches)?);
            }
            // Later ones have no place of their own; their place in the order matters more.
            Role::System | Role::Developer | Role::User => {
                let blocks = blocks(message, &field, caches)?;
                history.push("user", blocks);
            }
            Role::Assistant => {
                let content = assistant(message, &field, caches)?;
                for call in &message.tool_calls {
                    if !history.called.contains(&call.name) {
                        history.called.push(call.name.clone());
                    }
                }
                history.push("assistant", content);
            }
            Role::Tool => {
                let id = tool_id(message.tool_call_id.as_deref().unwrap_or_default());
                let content = blocks(message, &field, false)?;
                let result = json!({ "toolResult": { "toolUseId": id, "content": content } });
                history.push_result(result);
            }
        }
    }
    history.settle();
    Ok(history)
}

impl History {
    fn push(&mut self, role: &'static str, content: Vec<Value>) {
        if content.is_empty() {
            return;
        }
        match self.turns.last_mut() {
            Some(turn) if turn.role == role => turn.content.extend(content),
            _ => self.turns.push(Turn { role, content }),
        }
    }

    /// Results stand at the front of their turn, in the order they came.
    fn push_result(&mut self, result: Value) {
        match self.turns.last_mut() {
            Some(turn) if turn.role == "user" => {
                let place = turn.content.iter().position(|block| block.get("toolResult").is_none());
                turn.content.insert(place.unwrap_or(turn.content.len()), result);
            }
            _ => self.turns.push(Turn { role: "user", content: vec![result] }),
        }
    }

    fn settle(&mut self) {
        if self.turns.first().is_none_or(|turn| turn.role != "user") {
            self.turns.insert(0, Turn { role: "user", content: vec![text(SILENCE)] });
        }
        for turn in &mut self.turns {
            settle_documents(&mut turn.content);
        }
        // A last assistant turn is a prefill, which must not end in white space.
        let Some(last) = self.turns.last_mut().filter(|turn| turn.role == "assistant") else { return };
        if let Some(words) = last.content.last_mut().and_then(|block| block.get_mut("text")) {
            *words = Value::from(words.as_str().unwrap_or_default().trim_end());
        }
    }

    /// The running tool loop began without thinking, or its thinking got lost:
    /// Claude refuses to think in the middle of it.
    pub(super) fn is_thoughtless_loop(&self) -> bool {
        let [.., asked, answered] = self.turns.as_slice() else { return false };
        answered.content.iter().any(|block| block.get("toolResult").is_some())
            && asked.content.first().is_none_or(|block| block.get("reasoningContent").is_none())
    }
}

/// Names of documents are told apart, and words stand beside them.
fn settle_documents(content: &mut Vec<Value>) {
    let mut seen: BTreeMap<String, u32> = BTreeMap::new();
    for block in content.iter_mut() {
        let Some(name) = block.pointer_mut("/document/name") else { continue };
        let plain = name.as_str().unwrap_or_default().to_owned();
        let count = seen.entry(plain.clone()).or_default();
        *count = count.saturating_add(1);
        if *count > 1 {
            *name = Value::from(format!("{plain} ({count})"));
        }
    }
    if !seen.is_empty() && !content.iter().any(|block| block.get("text").is_some()) {
        content.push(text(SILENCE));
    }
}

fn blocks(message: &Message, field: &str, caches: bool) -> Result<Vec<Value>, Untranslatable> {
    let mut blocks = Vec::with_capacity(message.content.len());
    for (index, part) in message.content.iter().enumerate() {
        blocks.extend(from_part(part, &format!("{field}.content[{index}]"), caches)?);
    }
    Ok(blocks)
}

/// Thinking first, then what was said, then the calls.
fn assistant(message: &Message, field: &str, caches: bool) -> Result<Vec<Value>, Untranslatable> {
    let mut content: Vec<Value> =
        reasoning::replayable(message, reasoning::ANTHROPIC).iter().filter_map(thinking).collect();
    for detail in reasoning::replayable(message, OPAQUE) {
        if let Some(data) = detail.get("data") {
            content.push(json!({ "reasoningContent": { "redactedContent": data } }));
        }
    }
    content.extend(blocks(message, field, caches)?);
    if let Some(refusal) = message.refusal.as_deref().filter(|refusal| !refusal.trim().is_empty()) {
        content.push(text(refusal));
    }
    content.extend(message.tool_calls.iter().map(|call| {
        let input = arguments::object(&call.arguments);
        json!({ "toolUse": { "toolUseId": tool_id(&call.id), "name": call.name, "input": input } })
    }));
    Ok(content)
}

fn thinking(detail: &Value) -> Option<Value> {
    let field = |key: &str| detail.get(key).and_then(Value::as_str);
    match detail.get("type")?.as_str()? {
        // Bedrock wraps Anthropic's text in base64 once more.
        "reasoning.encrypted" => {
            let data = STANDARD.encode(field("data")?);
            Some(json!({ "reasoningContent": { "redactedContent": data } }))
        }
        // Thinking without its signature is not accepted.
        "reasoning.text" => {
            let (words, signature) = (field("text").unwrap_or_default(), field("signature")?);
            Some(json!({ "reasoningContent": { "reasoningText": { "text": words, "signature": signature } } }))
        }
        _ => None,
    }
}

/// The same id in the letters Bedrock allows, at most 64 of them, for the call
/// and its result alike.
fn tool_id(id: &str) -> String {
    use std::hash::{DefaultHasher, Hash as _, Hasher as _};
    let is_allowed = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
    let plain: String = id.chars().map(|c| if is_allowed(c) { c } else { '_' }).collect();
    if plain.len() <= 64 {
        return plain;
    }
    let mut hasher = DefaultHasher::new();
    id.hash(&mut hasher);
    let start: String = plain.chars().take(40).collect();
    format!("{start}_{:016x}", hasher.finish())
}
