//! Converse's answer: blocks, events and counts.

use serde::Deserialize;
use serde_json::Value;
use serde_json::value::RawValue;

use crate::dialects::lenient::counts_or_absent;
use crate::dialects::{FinishReason, Usage};

/// A whole answer.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Answer<'a> {
    #[serde(borrow)]
    pub(super) output: Option<Output<'a>>,
    pub(super) stop_reason: Option<String>,
    #[serde(default, deserialize_with = "counts_or_absent")]
    pub(super) usage: Option<WireUsage>,
}

#[derive(Deserialize)]
pub(super) struct Output<'a> {
    #[serde(borrow)]
    pub(super) message: Option<Message<'a>>,
}

#[derive(Deserialize)]
pub(super) struct Message<'a> {
    #[serde(borrow)]
    pub(super) content: Option<Vec<Block<'a>>>,
}

/// A block of a whole answer; what is absent is a block of another kind.
#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct Block<'a> {
    pub(super) text: Option<String>,
    #[serde(borrow)]
    pub(super) tool_use: Option<ToolUse<'a>>,
    pub(super) reasoning_content: Option<Thought>,
    pub(super) citations_content: Option<CitedText>,
    pub(super) image: Option<Picture>,
}

/// What an event of the stream carries, whatever its name.
#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct Event<'a> {
    pub(super) content_block_index: u32,
    #[serde(borrow)]
    pub(super) start: Option<Start<'a>>,
    #[serde(borrow)]
    pub(super) delta: Option<BlockDelta<'a>>,
    pub(super) stop_reason: Option<String>,
    #[serde(default, deserialize_with = "counts_or_absent")]
    pub(super) usage: Option<WireUsage>,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct Start<'a> {
    #[serde(borrow)]
    pub(super) tool_use: Option<ToolUse<'a>>,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct BlockDelta<'a> {
    pub(super) text: Option<String>,
    #[serde(borrow)]
    pub(super) tool_use: Option<ToolUse<'a>>,
    pub(super) reasoning_content: Option<Thought>,
    pub(super) citation: Option<Value>,
    pub(super) image: Option<Picture>,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct ToolUse<'a> {
    #[serde(rename = "toolUseId")]
    pub(super) id: String,
    pub(super) name: String,
    /// An object in one piece, text in a stream.
    #[serde(borrow)]
    pub(super) input: Option<&'a RawValue>,
    #[serde(rename = "type")]
    pub(super) kind: Option<String>,
}

impl ToolUse<'_> {
    /// A tool the provider runs itself.
    pub(super) fn is_server_tool(&self) -> bool {
        self.kind.as_deref() == Some("server_tool_use")
    }
}

/// Thinking: nested in one piece, flat in a stream.
#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct Thought {
    pub(super) reasoning_text: Option<ThoughtText>,
    pub(super) text: Option<String>,
    pub(super) signature: Option<String>,
    pub(super) redacted_content: Option<String>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
pub(super) struct ThoughtText {
    pub(super) text: Option<String>,
    pub(super) signature: Option<String>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
pub(super) struct CitedText {
    pub(super) content: Vec<Words>,
    pub(super) citations: Vec<Value>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
pub(super) struct Words {
    pub(super) text: String,
}

#[derive(Deserialize)]
pub(super) struct Picture {
    pub(super) format: Option<String>,
    pub(super) source: Option<Source>,
}

#[derive(Deserialize)]
pub(super) struct Source {
    pub(super) bytes: Option<String>,
}

/// Counts as Bedrock keeps them: input without what the cache read or wrote.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct WireUsage {
    input_tokens: Option<u64>,
    output_tokens: Option<u64>,
    cache_read_input_tokens: Option<u64>,
    cache_write_input_tokens: Option<u64>,
    /// How long each part of what the cache wrote is kept.
    cache_details: Value,
}

impl WireUsage {
    pub(super) fn counts(&self) -> Usage {
        let mut details = self.cache_details.as_array().into_iter().flatten();
        let hour = details.find(|detail| detail.get("ttl").is_some_and(|ttl| ttl == "1h"));
        let (cached, written) = (self.cache_read_input_tokens, self.cache_write_input_tokens);
        let all = |input: u64| input.saturating_add(cached.unwrap_or(0)).saturating_add(written.unwrap_or(0));
        Usage {
            prompt_tokens: self.input_tokens.map(all),
            completion_tokens: self.output_tokens,
            cached_tokens: cached,
            cache_write_tokens: written,
            cache_write_1h_tokens: hour.and_then(|detail| detail.get("inputTokens")?.as_u64()),
            ..Usage::default()
        }
    }
}

pub(super) fn finish_reason(native: &str, has_calls: bool) -> FinishReason {
    match native {
        "max_tokens" | "model_context_window_exceeded" => FinishReason::Length,
        "guardrail_intervened" | "content_filtered" => FinishReason::ContentFilter,
        "tool_use" => FinishReason::ToolCalls,
        "malformed_model_output" | "malformed_tool_use" => FinishReason::Error,
        "stop_sequence" => FinishReason::Stop,
        _ if has_calls => FinishReason::ToolCalls,
        _ => FinishReason::Stop,
    }
}
