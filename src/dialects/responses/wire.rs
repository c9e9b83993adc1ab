//! The answer of this API: events, items, counts.

use serde::Deserialize;
use serde_json::Value;
use serde_json::value::RawValue;

use crate::dialects::Usage;
use crate::dialects::lenient::counts_or_absent;
use crate::dialects::text::Text;

/// One event of a stream. Only what is understood; the rest is ignored.
#[derive(Deserialize)]
pub(super) struct Event<'a> {
    #[serde(rename = "type", borrow)]
    pub(super) kind: Option<Text<'a>>,
    pub(super) output_index: Option<u32>,
    pub(super) summary_index: Option<u32>,
    pub(super) content_index: Option<u32>,
    #[serde(borrow)]
    pub(super) item_id: Option<Text<'a>>,
    #[serde(borrow)]
    pub(super) delta: Option<&'a RawValue>,
    #[serde(borrow)]
    pub(super) logprobs: Option<&'a RawValue>,
    #[serde(borrow)]
    pub(super) annotation: Option<&'a RawValue>,
    #[serde(borrow)]
    pub(super) item: Option<&'a RawValue>,
    #[serde(borrow)]
    pub(super) response: Option<&'a RawValue>,
}

/// A response object. Items stay raw: new kinds keep coming.
#[derive(Deserialize)]
pub(super) struct Response {
    pub(super) id: Option<String>,
    pub(super) model: Option<String>,
    pub(super) status: Option<String>,
    pub(super) error: Option<Value>,
    pub(super) incomplete_details: Option<Incomplete>,
    pub(super) output: Option<Vec<Value>>,
    pub(super) service_tier: Option<Value>,
    #[serde(default, deserialize_with = "counts_or_absent")]
    pub(super) usage: Option<WireUsage>,
}

#[derive(Deserialize)]
pub(super) struct Incomplete {
    pub(super) reason: Option<String>,
}

#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct WireUsage {
    input_tokens: Option<u64>,
    output_tokens: Option<u64>,
    input_tokens_details: Option<InputDetails>,
    output_tokens_details: Option<OutputDetails>,
}

#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(default)]
#[expect(clippy::struct_field_names, reason = "the names on the wire")]
struct InputDetails {
    cached_tokens: Option<u64>,
    cache_write_tokens: Option<u64>,
    audio_tokens: Option<u64>,
}

#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(default)]
struct OutputDetails {
    reasoning_tokens: Option<u64>,
    audio_tokens: Option<u64>,
}

impl WireUsage {
    /// Reasoning is inside the output with every provider of this API.
    pub(super) fn counts(&self, web_search_requests: u64) -> Usage {
        let input = self.input_tokens_details.unwrap_or_default();
        let output = self.output_tokens_details.unwrap_or_default();
        Usage {
            prompt_tokens: self.input_tokens,
            completion_tokens: self.output_tokens,
            cached_tokens: input.cached_tokens,
            cache_write_tokens: input.cache_write_tokens,
            reasoning_tokens: output.reasoning_tokens,
            prompt_audio_tokens: input.audio_tokens,
            completion_audio_tokens: output.audio_tokens,
            web_search_requests: (web_search_requests > 0).then_some(web_search_requests),
            ..Usage::default()
        }
    }
}
