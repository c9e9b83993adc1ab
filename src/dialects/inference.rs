//! The canonical request to a model: OpenAI chat's vocabulary, typed where the
//! gateway or a translation has to understand it, kept as it came where not.

use std::sync::Arc;

use indexmap::IndexMap;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use serde_json::value::RawValue;

use super::Dialect;
use super::retrieval::Retrieval;
use super::web_search::WebSearch;

/// The fields of a JSON object, each exactly as sent, in their order. Strangers choose the names:
/// the hash has a key of its own in every process.
pub type RawFields = IndexMap<String, Box<RawValue>, foldhash::fast::RandomState>;

/// A request to a model.
#[derive(Clone, Debug, Default)]
pub struct Inference {
    /// The model asked for, then the fallbacks, in order; without duplicates.
    pub models: Vec<String>,
    pub is_streamed: bool,
    pub messages: Vec<Message>,
    pub tools: Vec<Tool>,
    pub tool_choice: Option<ToolChoice>,
    pub parallel_tool_calls: Option<bool>,
    pub sampling: Sampling,
    pub response_format: Option<ResponseFormat>,
    pub reasoning: Option<Reasoning>,
    pub provider: ProviderPreferences,
    pub user: Option<String>,
    pub session_id: Option<String>,
    /// Asks for a cache breakpoint to be placed automatically.
    pub cache_control: Option<Value>,
    /// Kinds of output asked for: `text`, `image`, `audio`. Empty is text.
    pub modalities: Vec<String>,
    /// How images are made: `aspect_ratio`, `image_size`.
    pub image_config: Option<Value>,
    /// Should the stream break off, another endpoint is to complete it.
    pub resumes: bool,
    /// Every top-level field exactly as sent, so that a provider of the same
    /// dialect gets its bytes back untouched. Empty for other client dialects.
    pub raw: RawFields,
    /// The same for a caller who speaks a provider's own protocol: a provider
    /// of that protocol gets these fields, not a translation of the others.
    pub native: Option<Native>,
    /// The model's provider is to search the web. What this server searches itself is
    /// in the messages by then.
    pub web_search: Option<WebSearch>,
    /// Vectors or an order are asked for, not an answer in words; then the
    /// messages only show how much there is to read.
    pub retrieval: Option<Arc<Retrieval>>,
}

/// A request as it was written in a provider's own protocol.
#[derive(Clone, Debug)]
pub struct Native {
    pub dialect: Dialect,
    /// Every top-level field exactly as sent.
    pub fields: RawFields,
    /// Headers that belong to the request: `anthropic-beta`.
    pub headers: Vec<(&'static str, String)>,
}

impl Inference {
    /// What the caller wrote, if he wrote in this protocol.
    #[must_use]
    pub fn native(&self, dialect: Dialect) -> Option<&Native> {
        self.native.as_ref().filter(|native| native.dialect == dialect)
    }

    /// A top-level field as the caller sent it, in whichever protocol he speaks.
    #[must_use]
    pub fn field(&self, name: &str) -> Option<Value> {
        let native = self.native.as_ref().and_then(|native| native.fields.get(name));
        serde_json::from_str(self.raw.get(name).or(native)?.get()).ok().filter(|value: &Value| !value.is_null())
    }

    /// The cap on output tokens the caller set.
    #[must_use]
    pub fn max_tokens(&self) -> Option<u64> {
        self.sampling.max_tokens
    }

    /// A part of the prompt is marked to be cached for an hour, which costs more.
    #[must_use]
    pub fn wants_hour_cache(&self) -> bool {
        let is_hour = |mark: &Option<Value>| {
            mark.as_ref().and_then(|mark| mark.get("ttl")?.as_str()).is_some_and(|ttl| ttl != "5m")
        };
        let parts = self.messages.iter().flat_map(|message| &message.content);
        is_hour(&self.cache_control)
            || self.tools.iter().any(|tool| is_hour(&tool.cache_control))
            || parts.into_iter().any(|part| match part {
                Part::Text { cache_control, .. }
                | Part::Image { cache_control, .. }
                | Part::File { cache_control, .. } => is_hour(cache_control),
                Part::Audio { .. } | Part::Video { .. } | Part::Other(_) => false,
            })
    }

    /// The answer is to be JSON.
    #[must_use]
    pub const fn wants_json(&self) -> bool {
        matches!(self.response_format, Some(ResponseFormat::JsonObject | ResponseFormat::JsonSchema { .. }))
    }

    /// The answer is to follow a schema.
    #[must_use]
    pub const fn wants_schema(&self) -> bool {
        matches!(self.response_format, Some(ResponseFormat::JsonSchema { .. }))
    }

    /// Names of the optional parameters in use, in the catalog's vocabulary
    /// (`supported_parameters`): `tools`, `response_format`, `temperature`, …
    #[must_use]
    pub fn parameters_in_use(&self) -> Vec<&'static str> {
        if self.retrieval.is_some() {
            return Vec::new();
        }
        let sampling = &self.sampling;
        let reasons = self.reasoning.as_ref().is_some_and(Reasoning::is_on);
        let table = [
            ("tools", !self.tools.is_empty()),
            ("tool_choice", self.tool_choice.is_some()),
            ("response_format", self.wants_json()),
            ("structured_outputs", self.wants_schema()),
            ("reasoning", reasons),
            ("max_tokens", sampling.max_tokens.is_some()),
            ("temperature", sampling.temperature.is_some()),
            ("top_p", sampling.top_p.is_some()),
            ("top_k", sampling.top_k.is_some()),
            ("min_p", sampling.min_p.is_some()),
            ("frequency_penalty", sampling.frequency_penalty.is_some()),
            ("presence_penalty", sampling.presence_penalty.is_some()),
            ("repetition_penalty", sampling.repetition_penalty.is_some()),
            ("seed", sampling.seed.is_some()),
            ("stop", !sampling.stop.is_empty()),
            ("logprobs", sampling.logprobs == Some(true)),
        ];
        // What only goes through as it was sent.
        let raw = ["logit_bias", "top_a", "verbosity", "web_search_options"];
        let raw = raw.map(|name| (name, self.raw.get(name).is_some_and(|value| value.get() != "null")));
        table.into_iter().chain(raw).filter_map(|(name, is_used)| is_used.then_some(name)).collect()
    }
}

/// One message of the conversation.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Message {
    pub role: Role,
    pub content: Vec<Part>,
    pub name: Option<String>,
    /// Calls the assistant made.
    pub tool_calls: Vec<ToolCall>,
    /// The call a `tool` message answers.
    pub tool_call_id: Option<String>,
    pub reasoning: Option<String>,
    /// Signed or encrypted reasoning of an earlier turn, unchanged.
    pub reasoning_details: Vec<Value>,
    pub refusal: Option<String>,
    /// On a `tool` message: the call failed.
    pub is_error: bool,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    System,
    Developer,
    #[default]
    User,
    Assistant,
    Tool,
}

/// A piece of a message. `cache_control` is kept as sent.
#[derive(Clone, Debug, PartialEq)]
pub enum Part {
    Text {
        text: String,
        cache_control: Option<Value>,
    },
    /// `url` is http(s) or a data URL.
    Image {
        url: String,
        detail: Option<String>,
        cache_control: Option<Value>,
    },
    /// Base64.
    Audio {
        data: String,
        format: String,
    },
    Video {
        url: String,
    },
    /// `data` is http(s) or a data URL.
    File {
        name: Option<String>,
        data: Option<String>,
        file_id: Option<String>,
        cache_control: Option<Value>,
    },
    /// A part of a kind we do not know; only a provider of the same dialect gets it.
    Other(Value),
}

impl Part {
    #[must_use]
    pub fn text(text: impl Into<String>) -> Self {
        Self::Text { text: text.into(), cache_control: None }
    }
}

/// A call the assistant made. `arguments` is JSON text, as it came.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ToolCall {
    pub id: String,
    pub name: String,
    pub arguments: String,
}

/// A function the model may call.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Tool {
    pub name: String,
    pub description: Option<String>,
    /// JSON Schema of the arguments.
    pub parameters: Option<Value>,
    pub strict: Option<bool>,
    pub cache_control: Option<Value>,
    /// A tool that is no function, as sent; only a provider of the same dialect gets it.
    pub other: Option<Value>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ToolChoice {
    Auto,
    None,
    Required,
    Function(String),
}

#[derive(Clone, Debug, PartialEq)]
pub enum ResponseFormat {
    Text,
    JsonObject,
    JsonSchema {
        name: String,
        schema: Value,
        strict: Option<bool>,
    },
    /// A grammar or another kind we do not know; only a provider of the same dialect gets it.
    Other(Value),
}

/// Everything that shapes the sampling of tokens.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Sampling {
    /// From `max_completion_tokens`, else `max_tokens`.
    pub max_tokens: Option<u64>,
    pub temperature: Option<f64>,
    pub top_p: Option<f64>,
    pub top_k: Option<u64>,
    pub min_p: Option<f64>,
    pub frequency_penalty: Option<f64>,
    pub presence_penalty: Option<f64>,
    pub repetition_penalty: Option<f64>,
    pub seed: Option<i64>,
    pub stop: Vec<String>,
    pub n: Option<u64>,
    pub logprobs: Option<bool>,
    pub top_logprobs: Option<u64>,
}

/// How much the model should think.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct Reasoning {
    /// `max`, `xhigh`, `high`, `medium`, `low`, `minimal`, `none`.
    pub effort: Option<String>,
    /// Tokens to think with.
    pub max_tokens: Option<u64>,
    /// Think, but do not show it.
    pub exclude: Option<bool>,
    pub enabled: Option<bool>,
}

impl Reasoning {
    /// Thinking was asked for.
    #[must_use]
    pub fn is_on(&self) -> bool {
        match self.enabled {
            Some(enabled) => enabled,
            None => self.effort.as_deref().is_some_and(|effort| effort != "none") || self.max_tokens.is_some(),
        }
    }
}

/// The `provider` object: which endpoints, in which order.
/// Source: the original's provider-selection guide.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default)]
pub struct ProviderPreferences {
    pub order: Option<Vec<String>>,
    pub allow_fallbacks: Option<bool>,
    pub require_parameters: Option<bool>,
    pub data_collection: Option<String>,
    pub zdr: Option<bool>,
    /// Only models whose author lets others learn from their text.
    pub enforce_distillable_text: Option<bool>,
    pub only: Option<Vec<String>>,
    pub ignore: Option<Vec<String>>,
    pub quantizations: Option<Vec<String>>,
    /// A name, or `{by, partition}`.
    pub sort: Option<Value>,
    /// Tokens per second: a number for the median, or percentiles.
    pub preferred_min_throughput: Option<Value>,
    /// Seconds to the first token, likewise.
    pub preferred_max_latency: Option<Value>,
    pub max_price: Option<MaxPrice>,
}

/// The most a caller will pay: USD per million tokens, or per request or image.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default)]
pub struct MaxPrice {
    pub prompt: Option<Value>,
    pub completion: Option<Value>,
    pub request: Option<Value>,
    pub image: Option<Value>,
    pub audio: Option<Value>,
}
