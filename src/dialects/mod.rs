//! Provider and client APIs as pure translation; no I/O.
//!
//! A client dialect turns bytes into an [`Inference`] and [`Delta`]s back into
//! bytes; a provider dialect does the opposite. Deadlines, retries, metering and
//! logging are written once, in the gateway.

pub mod answer;
mod arguments;
pub mod chat_completions;
pub mod cohere;
mod complaint;
pub mod completions;
pub mod continuation;
pub mod converse;
pub mod fault;
pub mod framing;
pub mod gemini;
#[cfg(test)]
mod golden;
pub mod hosted_claude;
pub mod inference;
mod lenient;
mod media;
pub mod messages;
pub mod ollama;
mod read;
pub mod reasoning;
pub mod responses;
mod restrict;
pub mod retrieval;
#[cfg(test)]
mod round_trip;
pub mod structured;
mod text;
#[cfg(test)]
mod traps;
pub mod web_search;

pub use fault::{Fault, FaultKind};
pub use framing::Framing;
pub use inference::Inference;
pub use media::MediaKind;
pub use text::{head, path_segment};
pub use web_search::WebSearch;

use app::types::sse::ServerSentEvent;
use bytes::Bytes;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// A field of the caller's request that cannot be served as it stands.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct BadField {
    /// Where it is: `messages[2].role`.
    pub field: String,
    /// Names the field and the remedy.
    pub message: String,
}

impl BadField {
    /// `remedy` continues the sentence that begins with the field: "must be …".
    #[must_use]
    pub fn new(field: impl Into<String>, remedy: impl std::fmt::Display) -> Self {
        let field = field.into();
        Self { message: format!("{field} {remedy}"), field }
    }

    /// The same complaint, seen from the object that holds `self.field`.
    #[must_use]
    pub fn within(self, parent: &str) -> Self {
        let dot = if self.field.starts_with('[') { "" } else { "." };
        Self { field: format!("{parent}{dot}{}", self.field), message: format!("{parent}{dot}{}", self.message) }
    }
}

/// The wire protocol a provider speaks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Dialect {
    /// OpenAI chat completions and everything compatible with it.
    #[default]
    OpenaiChat,
    /// Anthropic Messages.
    AnthropicMessages,
    /// Gemini `generateContent`.
    Gemini,
    /// OpenAI Responses.
    OpenaiResponses,
    /// Amazon Bedrock's Converse.
    BedrockConverse,
    /// Anthropic Messages inside Amazon Bedrock's InvokeModel.
    BedrockAnthropic,
    /// Anthropic Messages on Google Vertex.
    VertexAnthropic,
    /// Cohere's second chat API.
    CohereV2,
    /// Ollama's own chat API.
    Ollama,
}

/// Every protocol.
const ALL: [Dialect; 9] = [
    Dialect::OpenaiChat,
    Dialect::AnthropicMessages,
    Dialect::Gemini,
    Dialect::OpenaiResponses,
    Dialect::BedrockConverse,
    Dialect::BedrockAnthropic,
    Dialect::VertexAnthropic,
    Dialect::CohereV2,
    Dialect::Ollama,
];

impl Dialect {
    /// The translation for this protocol.
    #[must_use]
    pub fn upstream(self) -> &'static dyn Upstream {
        match self {
            Self::OpenaiChat => &chat_completions::upstream::ChatCompletions,
            Self::AnthropicMessages => &messages::Messages,
            Self::Gemini => &gemini::Gemini,
            Self::OpenaiResponses => &responses::Responses,
            Self::BedrockConverse => &converse::Converse,
            Self::BedrockAnthropic => &hosted_claude::HostedClaude::Bedrock,
            Self::VertexAnthropic => &hosted_claude::HostedClaude::Vertex,
            Self::CohereV2 => &cohere::Cohere,
            Self::Ollama => &ollama::Ollama,
        }
    }

    /// The name in configuration files and the catalog table.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::OpenaiChat => "openai-chat",
            Self::AnthropicMessages => "anthropic-messages",
            Self::Gemini => "gemini",
            Self::OpenaiResponses => "openai-responses",
            Self::BedrockConverse => "bedrock-converse",
            Self::BedrockAnthropic => "bedrock-anthropic",
            Self::VertexAnthropic => "vertex-anthropic",
            Self::CohereV2 => "cohere-v2",
            Self::Ollama => "ollama",
        }
    }
}

impl std::str::FromStr for Dialect {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        ALL.into_iter().find(|dialect| dialect.as_str() == text).ok_or(())
    }
}

/// What differs between providers of one dialect. All off is plain OpenAI.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[expect(clippy::struct_excessive_bools, reason = "each is a claim of its own")]
pub struct Quirks {
    /// Wants `max_completion_tokens` (OpenAI itself) where others know only `max_tokens`.
    pub max_completion_tokens: bool,
    /// Rejects `stream_options`; usage comes by itself (Mistral).
    pub no_stream_options: bool,
    /// Top-level request fields to leave out.
    pub drops: Vec<String>,
    /// Top-level request fields to rename: `seed` → `random_seed`.
    pub renames: Vec<(String, String)>,
    /// Message fields in the history to leave out: `reasoning`, `reasoning_content`, `refusal`, `annotations`.
    pub drops_message_fields: Vec<String>,
    /// `completion_tokens` excludes reasoning (xAI chat).
    pub reasoning_outside_completion: bool,
    /// Tool call ids must be nine alphanumerics (Mistral).
    pub short_tool_ids: bool,
    /// Call `required` tool choice `any` (Mistral).
    pub tool_choice_any: bool,
    /// The `reasoning` object of the original is understood as it is (OpenRouter).
    pub keeps_reasoning_object: bool,
    /// Does not know role `developer`.
    pub no_developer_role: bool,
    /// Understands `cache_control` on parts and tools (Alibaba). Whoever keeps
    /// the reasoning object does, too.
    pub keeps_cache_control: bool,
    /// The history carries reasoning as `reasoning_content`, and every assistant
    /// turn that calls tools must have it, even empty (DeepSeek).
    pub wants_reasoning_content: bool,
    /// A last assistant message, which the answer continues, is marked `prefix` (Mistral).
    pub marks_prefill: bool,
    /// The history carries reasoning as a part of the content (Mistral).
    pub wants_thinking_parts: bool,
    /// The format of encrypted reasoning (Responses): `xai-responses-v1`. Only
    /// reasoning of the same format is sent back.
    pub reasoning_format: Option<String>,
    /// How vectors and rankings are asked for, where the dialect does not say it.
    pub retrieval: retrieval::Protocol,
    /// A schema for the answer goes as `{"type":"json_object","schema":…}` (llama-cpp-python).
    pub json_object_schema: bool,
}

impl Quirks {
    /// The marks of the prompt cache reach the provider.
    #[must_use]
    pub const fn takes_cache_control(&self) -> bool {
        self.keeps_cache_control || self.keeps_reasoning_object
    }
}

/// Where and as what a request is sent.
#[derive(Clone, Debug)]
pub struct Target<'a> {
    /// The provider's own name of the model.
    pub model: &'a str,
    /// The most output tokens this endpoint produces, where known.
    pub max_output_tokens: Option<i64>,
    pub quirks: &'a Quirks,
}

/// An HTTP request without host and credential.
#[derive(Clone, Debug)]
pub struct UpstreamRequest {
    /// Appended to the provider's base URL: `/chat/completions`.
    pub path: String,
    /// Beyond `content-type: application/json` and the credential.
    pub headers: Vec<(&'static str, String)>,
    pub body: Bytes,
}

/// This request cannot be said in that dialect without changing its meaning.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{field}: {reason}")]
pub struct Untranslatable {
    /// The request field: `messages[2].content[0].input_audio`.
    pub field: String,
    pub reason: String,
}

/// One provider API, as pure translation. Implementations do no I/O.
pub trait Upstream: Send + Sync {
    /// The HTTP request that asks `target` for `inference`; streamed if the inference is.
    ///
    /// # Errors
    /// [`Untranslatable`] when the dialect has no words for it.
    fn encode(&self, target: &Target<'_>, inference: &Inference) -> Result<UpstreamRequest, Untranslatable>;

    /// How the provider cuts its stream into events.
    fn framing(&self) -> Framing {
        Framing::ServerSentEvents
    }

    /// Whether the provider fetches media from this URL by itself. Where it does
    /// not, the gateway puts them into the request before it is encoded.
    fn takes_url(&self, _kind: MediaKind, _url: &str) -> bool {
        true
    }

    /// A fresh reader of one streamed answer.
    fn decoder(&self, quirks: &Quirks) -> Box<dyn Decoder>;

    /// A whole (not streamed) answer with a 2xx status as the deltas a stream would have brought.
    ///
    /// # Errors
    /// [`Fault`] when the body is no answer: malformed, or an error in disguise.
    fn decode_whole(&self, quirks: &Quirks, body: &[u8]) -> Result<Vec<Delta>, Fault>;

    /// What an answer with a non-2xx status means. `headers` yields lower-case names.
    fn decode_error(&self, status: u16, headers: &dyn Fn(&str) -> Option<String>, body: &[u8]) -> Fault;
}

/// Reads one streamed answer. State lives here (block indexes, open tool calls).
pub trait Decoder: Send {
    /// Appends what one event means to `out`: usually one delta, sometimes none.
    ///
    /// # Errors
    /// [`Fault`] when the provider reports a failure in-band or the event is malformed.
    fn event(&mut self, event: &ServerSentEvent, out: &mut Vec<Delta>) -> Result<(), Fault>;

    /// The connection ended. `stray` is text that came outside events.
    ///
    /// # Errors
    /// [`Fault`] when the answer was cut: no terminal event and no finish reason came.
    fn finish(&mut self, stray: &str, out: &mut Vec<Delta>) -> Result<(), Fault>;

    /// The protocol's terminal event has come; nothing of meaning can follow.
    fn is_done(&self) -> bool;
}

/// A piece of an answer. `choice` is the index of `choices`.
#[derive(Clone, Debug, PartialEq)]
pub enum Delta {
    /// The provider's own id of the answer and the model it says it used.
    Start {
        upstream_id: Option<String>,
        model: Option<String>,
    },
    Text {
        choice: u32,
        text: String,
    },
    /// Reasoning in words, from a provider that gives words only.
    Reasoning {
        choice: u32,
        text: String,
    },
    /// One entry of `reasoning_details`, or the next piece of one. Words in it
    /// come here only, never in [`Delta::Reasoning`] as well; see
    /// [`reasoning::words`].
    ReasoningDetail {
        choice: u32,
        detail: Value,
    },
    Refusal {
        choice: u32,
        text: String,
    },
    /// `index` counts this answer's tool calls from 0. `id` and `name` come with
    /// the first delta of a call only; `arguments` is the next piece of JSON text.
    ToolCall {
        choice: u32,
        index: u32,
        id: Option<String>,
        name: Option<String>,
        arguments: String,
    },
    /// A generated image: `{"type":"image_url","image_url":{"url":…}}`.
    Image {
        choice: u32,
        image: Value,
    },
    /// `delta.audio` as OpenAI shapes it.
    Audio {
        choice: u32,
        audio: Value,
    },
    /// One entry of `annotations`.
    Annotation {
        choice: u32,
        annotation: Value,
    },
    /// `logprobs` of these tokens as OpenAI shapes it.
    Logprobs {
        choice: u32,
        logprobs: Value,
    },
    /// The choice is complete. The last one wins if a provider sends several.
    Finish {
        choice: u32,
        reason: FinishReason,
        native: Option<String>,
    },
    /// Cumulative counts; the last one wins.
    Usage(Usage),
    /// What only a caller of the provider's own protocol understands: one key
    /// that says which kind of piece it is, and the piece. Other callers never
    /// see it; what it means to them comes in the other deltas.
    Native {
        choice: u32,
        dialect: Dialect,
        piece: Value,
    },
    /// Vectors, or documents in order: the whole answer to a retrieval.
    Found(retrieval::Found),
    /// Top-level fields worth keeping: `service_tier`, `system_fingerprint`, `citations`.
    Extra {
        key: &'static str,
        value: Value,
    },
}

impl Delta {
    /// Thinking, which a caller may ask to be hidden.
    #[must_use]
    pub const fn is_reasoning(&self) -> bool {
        matches!(self, Self::Reasoning { .. } | Self::ReasoningDetail { .. })
    }

    /// Something of the answer itself: after the first of these nothing is retried.
    #[must_use]
    pub fn is_content(&self) -> bool {
        match self {
            Self::Text { text, .. } | Self::Reasoning { text, .. } | Self::Refusal { text, .. } => !text.is_empty(),
            // A tool the provider ran itself has done something.
            Self::Native { piece, .. } => piece.get("block").or_else(|| piece.get("part")).is_some(),
            Self::ReasoningDetail { .. }
            | Self::ToolCall { .. }
            | Self::Image { .. }
            | Self::Audio { .. }
            | Self::Annotation { .. }
            | Self::Found(_) => true,
            Self::Start { .. } | Self::Logprobs { .. } | Self::Finish { .. } | Self::Usage(_) | Self::Extra { .. } => {
                false
            }
        }
    }
}

/// Why a choice ended, in the original's five words.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FinishReason {
    Stop,
    Length,
    ToolCalls,
    ContentFilter,
    Error,
}

impl FinishReason {
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Stop => "stop",
            Self::Length => "length",
            Self::ToolCalls => "tool_calls",
            Self::ContentFilter => "content_filter",
            Self::Error => "error",
        }
    }
}

/// Token counts in OpenAI's accounting: `prompt` includes cached and cache-write
/// tokens, `completion` includes reasoning. `None` is "not said", never zero.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Usage {
    pub prompt_tokens: Option<u64>,
    pub completion_tokens: Option<u64>,
    /// Read from the provider's prompt cache; part of `prompt_tokens`.
    pub cached_tokens: Option<u64>,
    /// Written to the provider's prompt cache; part of `prompt_tokens`.
    pub cache_write_tokens: Option<u64>,
    /// The part of `cache_write_tokens` that is kept for an hour, which costs more.
    pub cache_write_1h_tokens: Option<u64>,
    /// Part of `completion_tokens`.
    pub reasoning_tokens: Option<u64>,
    pub prompt_audio_tokens: Option<u64>,
    pub completion_audio_tokens: Option<u64>,
    pub web_search_requests: Option<u64>,
    /// Searches in a ranking: each costs the price per request.
    pub searches: Option<u64>,
    /// What the provider bills where that is not what the model read (Cohere).
    pub billed_prompt_tokens: Option<u64>,
    /// Likewise of what the model wrote.
    pub billed_completion_tokens: Option<u64>,
}

impl Usage {
    /// Takes over what `newer` says; what it does not say stays.
    pub fn merge(&mut self, newer: &Self) {
        fn take(old: &mut Option<u64>, new: Option<u64>) {
            if new.is_some() {
                *old = new;
            }
        }
        take(&mut self.prompt_tokens, newer.prompt_tokens);
        take(&mut self.completion_tokens, newer.completion_tokens);
        take(&mut self.cached_tokens, newer.cached_tokens);
        take(&mut self.cache_write_tokens, newer.cache_write_tokens);
        take(&mut self.cache_write_1h_tokens, newer.cache_write_1h_tokens);
        take(&mut self.reasoning_tokens, newer.reasoning_tokens);
        take(&mut self.prompt_audio_tokens, newer.prompt_audio_tokens);
        take(&mut self.completion_audio_tokens, newer.completion_audio_tokens);
        take(&mut self.web_search_requests, newer.web_search_requests);
        take(&mut self.searches, newer.searches);
        take(&mut self.billed_prompt_tokens, newer.billed_prompt_tokens);
        take(&mut self.billed_completion_tokens, newer.billed_completion_tokens);
    }
}
