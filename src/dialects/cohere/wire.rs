//! Cohere's answer: lists in one piece, single objects in a stream.

use serde::Deserialize;
use serde_json::Value;

use crate::dialects::lenient::counts_or_absent;
use crate::dialects::{FinishReason, Usage};

/// An event of the stream, or a whole answer.
#[derive(Default, Deserialize)]
#[serde(default)]
pub(super) struct Event {
    #[serde(rename = "type")]
    pub(super) kind: String,
    pub(super) id: Option<String>,
    pub(super) index: u32,
    pub(super) delta: Option<EventDelta>,
    pub(super) logprobs: Option<Value>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
pub(super) struct EventDelta {
    pub(super) message: Option<Message>,
    pub(super) finish_reason: Option<String>,
    #[serde(default, deserialize_with = "counts_or_absent")]
    pub(super) usage: Option<WireUsage>,
    pub(super) error: Option<Value>,
    pub(super) error_type: Option<String>,
}

/// A whole answer.
#[derive(Deserialize)]
pub(super) struct Answer {
    pub(super) id: Option<String>,
    pub(super) message: Option<Message>,
    pub(super) finish_reason: Option<String>,
    #[serde(default, deserialize_with = "counts_or_absent")]
    pub(super) usage: Option<WireUsage>,
    pub(super) logprobs: Option<Value>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
pub(super) struct Message {
    pub(super) content: OneOrMany<Content>,
    pub(super) tool_plan: Option<String>,
    pub(super) tool_calls: OneOrMany<Call>,
    pub(super) citations: OneOrMany<Value>,
}

/// A list, an object, or nothing.
#[derive(Deserialize)]
#[serde(untagged)]
pub(super) enum OneOrMany<T> {
    Many(Vec<T>),
    One(T),
    Nothing(()),
}

impl<T> Default for OneOrMany<T> {
    fn default() -> Self {
        Self::Nothing(())
    }
}

impl<T> OneOrMany<T> {
    pub(super) fn into_list(self) -> Vec<T> {
        match self {
            Self::Many(items) => items,
            Self::One(item) => vec![item],
            Self::Nothing(()) => Vec::new(),
        }
    }
}

#[derive(Deserialize)]
pub(super) struct Content {
    pub(super) text: Option<String>,
    pub(super) thinking: Option<String>,
}

#[derive(Deserialize)]
pub(super) struct Call {
    pub(super) id: Option<String>,
    pub(super) function: Option<Function>,
}

#[derive(Deserialize)]
pub(super) struct Function {
    pub(super) name: Option<String>,
    pub(super) arguments: Option<String>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct WireUsage {
    tokens: Option<Counts>,
    billed_units: Option<Counts>,
    cached_tokens: Option<f64>,
}

/// The API writes whole numbers as floats now and then.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
struct Counts {
    #[serde(rename = "input_tokens")]
    input: Option<f64>,
    #[serde(rename = "output_tokens")]
    output: Option<f64>,
    #[serde(rename = "reasoning_tokens")]
    reasoning: Option<f64>,
}

impl WireUsage {
    pub(super) fn counts(&self) -> Usage {
        let tokens = self.tokens.as_ref().or(self.billed_units.as_ref());
        let whole = |pick: fn(&Counts) -> Option<f64>| tokens.and_then(pick).and_then(whole);
        let billed = |pick: fn(&Counts) -> Option<f64>| self.billed_units.as_ref().and_then(pick).and_then(self::whole);
        Usage {
            prompt_tokens: whole(|counts| counts.input),
            completion_tokens: whole(|counts| counts.output),
            cached_tokens: self.cached_tokens.and_then(self::whole),
            reasoning_tokens: whole(|counts| counts.reasoning),
            billed_prompt_tokens: billed(|counts| counts.input),
            billed_completion_tokens: billed(|counts| counts.output),
            ..Usage::default()
        }
    }
}

fn whole(count: f64) -> Option<u64> {
    // No cast: a count is no larger than what its digits say.
    format!("{:.0}", count.max(0.0)).parse().ok()
}

pub(super) fn finish_reason(native: &str, has_calls: bool) -> FinishReason {
    match native {
        "MAX_TOKENS" | "ERROR_LIMIT" => FinishReason::Length,
        "TOOL_CALL" => FinishReason::ToolCalls,
        "ERROR_TOXIC" => FinishReason::ContentFilter,
        "STOP_SEQUENCE" => FinishReason::Stop,
        _ if has_calls => FinishReason::ToolCalls,
        _ => FinishReason::Stop,
    }
}
