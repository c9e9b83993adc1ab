//! What the chat room sends and reads of `POST /api/v1/chat/completions`.

use serde::{Deserialize, Serialize};

use crate::types::Money;
use crate::types::chats::Source;
use crate::types::error::ErrorDetail;

/// One chunk of a streamed answer, as far as the chat room needs it.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
pub struct ChatChunk {
    #[serde(default)]
    pub id: Option<String>,
    #[serde(default)]
    pub model: Option<String>,
    #[serde(default)]
    pub provider: Option<String>,
    #[serde(default)]
    pub choices: Vec<ChatChoice>,
    #[serde(default)]
    pub usage: Option<ChatUsage>,
    #[serde(default)]
    pub error: Option<ErrorDetail>,
}

/// The only choice that is asked for.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
pub struct ChatChoice {
    #[serde(default)]
    pub delta: ChatDelta,
    #[serde(default)]
    pub finish_reason: Option<String>,
}

/// What the chunk adds.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
pub struct ChatDelta {
    #[serde(default)]
    pub content: Option<String>,
    #[serde(default)]
    pub reasoning: Option<String>,
    #[serde(default)]
    pub tool_calls: Vec<ToolCallPart>,
    #[serde(default)]
    pub reasoning_details: Vec<serde_json::Value>,
    #[serde(default)]
    pub annotations: Vec<Annotation>,
}

/// A piece of a call of a tool.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
pub struct ToolCallPart {
    #[serde(default)]
    pub index: usize,
    #[serde(default)]
    pub id: Option<String>,
    #[serde(default)]
    pub function: ToolFunctionPart,
}

/// A piece of what is called, and with what.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
pub struct ToolFunctionPart {
    #[serde(default)]
    pub name: Option<String>,
    #[serde(default)]
    pub arguments: Option<String>,
}

/// A page the answer rests on.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
pub struct Annotation {
    #[serde(default)]
    pub url_citation: Source,
}

/// What the answer used and cost.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChatUsage {
    #[serde(default)]
    pub prompt_tokens: i64,
    #[serde(default)]
    pub completion_tokens: i64,
    #[serde(default)]
    pub cost: Option<Money>,
}

impl ChatChunk {
    /// Reads the data of one event; `None` for `[DONE]` and what is not understood.
    #[must_use]
    pub fn parse(data: &str) -> Option<Self> {
        // From bytes, as all else is read: one reader in the browser's module instead of two.
        serde_json::from_slice(data.as_bytes()).ok()
    }

    /// The text this chunk adds.
    #[must_use]
    pub fn content(&self) -> &str {
        self.choices.first().and_then(|choice| choice.delta.content.as_deref()).unwrap_or_default()
    }

    /// The reasoning this chunk adds.
    #[must_use]
    pub fn reasoning(&self) -> &str {
        self.choices.first().and_then(|choice| choice.delta.reasoning.as_deref()).unwrap_or_default()
    }

    /// Why the answer ended, on its last chunk.
    #[must_use]
    pub fn finish_reason(&self) -> Option<&str> {
        self.choices.first().and_then(|choice| choice.finish_reason.as_deref())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn chunks_give_text_reasoning_usage_and_errors() {
        let text =
            ChatChunk::parse(r#"{"id":"gen-1","choices":[{"delta":{"content":"Hi","reasoning":null}}]}"#).unwrap();
        assert_eq!((text.content(), text.reasoning()), ("Hi", ""));
        let last = ChatChunk::parse(
            r#"{"choices":[],"usage":{"prompt_tokens":3,"completion_tokens":4,"total_tokens":7,"cost":0.0000125}}"#,
        )
        .unwrap();
        assert_eq!(last.usage.unwrap().cost, Some(Money(12_500)));
        let failed = ChatChunk::parse(
            r#"{"error":{"code":502,"message":"Upstream closed"},"choices":[{"delta":{"content":""},"finish_reason":"error"}]}"#,
        )
        .unwrap();
        assert_eq!(failed.error.as_ref().unwrap().message, "Upstream closed");
        assert_eq!(failed.finish_reason(), Some("error"));
        assert_eq!(ChatChunk::parse("[DONE]"), None);
    }
}
