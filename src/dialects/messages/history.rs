//! The conversation in Anthropic's order: system text on top, user and
//! assistant in turns, and every tool result directly behind its call.

use serde::Serialize;

use super::blocks::{Block, from_part};
use crate::dialects::inference::{Message, Role};
use crate::dialects::{Untranslatable, arguments, reasoning};

/// Stands for a first or only user turn that the caller left out: the API
/// insists on one.
const SILENT_TURN: &str = ".";

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Speaker {
    User,
    Assistant,
}

#[derive(Debug, Serialize)]
pub(super) struct Turn<'a> {
    pub(super) role: Speaker,
    pub(super) content: Vec<Block<'a>>,
}

pub(super) struct History<'a> {
    pub(super) system: Vec<Block<'a>>,
    pub(super) turns: Vec<Turn<'a>>,
}

pub(super) fn history(messages: &[Message]) -> Result<History<'_>, Untranslatable> {
    let mut history = History { system: Vec::new(), turns: Vec::new() };
    for (index, message) in messages.iter().enumerate() {
        let field = format!("messages[{index}]");
        match message.role {
            Role::System | Role::Developer if history.turns.is_empty() => {
                history.system.extend(blocks(message, &field)?);
            }
            // Later ones have no place of their own; their place in the order matters more.
            Role::System | Role::Developer | Role::User => {
                let blocks = blocks(message, &field)?;
                history.push(Speaker::User, blocks);
            }
            Role::Assistant => {
                let blocks = assistant(message, &field)?;
                history.push(Speaker::Assistant, blocks);
            }
            Role::Tool => history.push_result(Block::ToolResult {
                tool_use_id: tool_id(message.tool_call_id.as_deref().unwrap_or_default()),
                content: blocks(message, &field)?,
                is_error: message.is_error,
            }),
        }
    }
    history.settle();
    Ok(history)
}

impl<'a> History<'a> {
    fn push(&mut self, role: Speaker, content: Vec<Block<'a>>) {
        if content.is_empty() {
            return;
        }
        match self.turns.last_mut() {
            Some(turn) if turn.role == role => turn.content.extend(content),
            _ => self.turns.push(Turn { role, content }),
        }
    }

    /// Results stand at the front of their turn, in the order they came.
    fn push_result(&mut self, result: Block<'a>) {
        match self.turns.last_mut() {
            Some(turn) if turn.role == Speaker::User => {
                let is_result = |block: &Block<'_>| matches!(block, Block::ToolResult { .. });
                let place = turn.content.iter().position(|block| !is_result(block)).unwrap_or(turn.content.len());
                turn.content.insert(place, result);
            }
            _ => self.turns.push(Turn { role: Speaker::User, content: vec![result] }),
        }
    }

    fn settle(&mut self) {
        if self.turns.first().is_none_or(|turn| turn.role != Speaker::User) {
            self.turns.insert(0, Turn { role: Speaker::User, content: vec![Block::text(SILENT_TURN)] });
        }
        // A last assistant turn is a prefill, which must not end in white space.
        let Some(last) = self.turns.last_mut().filter(|turn| turn.role == Speaker::Assistant) else { return };
        if let Some(Block::Text { text, .. }) = last.content.last_mut() {
            *text = text.trim_end().to_owned().into();
            if text.is_empty() {
                last.content.pop();
            }
        }
        if last.content.is_empty() {
            self.turns.pop();
        }
    }

    /// Tools have been called: the API then wants them declared.
    pub(super) fn called_tools(&self) -> Vec<&'a str> {
        let mut names = Vec::new();
        for block in self.turns.iter().flat_map(|turn| &turn.content) {
            if let Block::ToolUse { name, .. } = block
                && !names.contains(name)
            {
                names.push(*name);
            }
        }
        names
    }

    /// The running tool loop began without thinking, or its thinking got lost:
    /// the API refuses to think in the middle of it.
    pub(super) fn is_thoughtless_loop(&self) -> bool {
        let [.., Turn { role: Speaker::Assistant, content: asked }, Turn { role: Speaker::User, content: answered }] =
            self.turns.as_slice()
        else {
            return false;
        };
        let is_loop = answered.iter().any(|block| matches!(block, Block::ToolResult { .. }));
        is_loop && !matches!(asked.first(), Some(Block::Thinking { .. } | Block::RedactedThinking { .. }))
    }
}

fn blocks<'a>(message: &'a Message, field: &str) -> Result<Vec<Block<'a>>, Untranslatable> {
    let mut blocks = Vec::with_capacity(message.content.len());
    for (index, part) in message.content.iter().enumerate() {
        blocks.extend(from_part(part, &format!("{field}.content[{index}]"))?);
    }
    Ok(blocks)
}

/// Thinking first, then what was said, then the calls.
fn assistant<'a>(message: &'a Message, field: &str) -> Result<Vec<Block<'a>>, Untranslatable> {
    let mut content: Vec<Block<'a>> =
        reasoning::replayable(message, reasoning::ANTHROPIC).iter().filter_map(thinking).collect();
    content.extend(blocks(message, field)?);
    if let Some(refusal) = message.refusal.as_deref().filter(|refusal| !refusal.is_empty()) {
        content.push(Block::text(refusal));
    }
    content.extend(message.tool_calls.iter().map(|call| Block::ToolUse {
        id: tool_id(&call.id),
        name: &call.name,
        input: arguments::object(&call.arguments),
    }));
    Ok(content)
}

fn thinking<'a>(detail: &serde_json::Value) -> Option<Block<'a>> {
    let text = |key: &str| detail.get(key).and_then(serde_json::Value::as_str).map(str::to_owned);
    match detail.get("type")?.as_str()? {
        "reasoning.encrypted" => Some(Block::RedactedThinking { data: text("data")? }),
        // Thinking without its signature is not accepted.
        "reasoning.text" => {
            Some(Block::Thinking { thinking: text("text").unwrap_or_default(), signature: text("signature")? })
        }
        _ => None,
    }
}

/// The same id in the letters Anthropic allows, for the call and its result alike.
fn tool_id(id: &str) -> String {
    let is_allowed = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
    id.chars().map(|c| if is_allowed(c) { c } else { '_' }).collect()
}
