//! A whole answer: deltas folded into one `chat.completion`.

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::{Map, Value};

use super::usage::UsageBody;
use super::{CallIds, Ending, ErrorBody, Failure, Heading, UsageReport, append_json, characters, ending_or_default};
use crate::dialects::{Delta, FinishReason, reasoning};

/// Gathers deltas until the answer is complete.
#[derive(Debug, Default)]
pub struct Collector {
    hides_reasoning: bool,
    choices: BTreeMap<u32, Gathered>,
    extras: Map<String, Value>,
    output_characters: u64,
}

#[derive(Debug, Default)]
struct Gathered {
    text: String,
    refusal: String,
    reasoning: String,
    details: Vec<Value>,
    calls: BTreeMap<u32, GatheredCall>,
    images: Vec<Value>,
    audio: Option<Value>,
    annotations: Vec<Value>,
    logprobs: Option<Value>,
    ending: Ending,
}

#[derive(Debug, Default)]
struct GatheredCall {
    id: Option<String>,
    name: String,
    arguments: String,
}

#[derive(Serialize)]
struct Completion<'a> {
    id: &'a str,
    object: &'static str,
    created: i64,
    model: &'a str,
    provider: &'a str,
    /// The key is required, even when nothing is known.
    system_fingerprint: Option<&'a Value>,
    #[serde(flatten)]
    extras: &'a Map<String, Value>,
    choices: Vec<Choice<'a>>,
    usage: UsageBody,
}

#[derive(Serialize)]
struct Choice<'a> {
    index: u32,
    logprobs: Option<&'a Value>,
    finish_reason: FinishReason,
    native_finish_reason: Option<&'a str>,
    message: Message<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<ErrorBody<'a>>,
}

#[derive(Serialize)]
struct Message<'a> {
    role: &'static str,
    content: Option<&'a str>,
    refusal: Option<&'a str>,
    reasoning: Option<&'a str>,
    #[serde(skip_serializing_if = "<[Value]>::is_empty")]
    reasoning_details: &'a [Value],
    #[serde(skip_serializing_if = "Vec::is_empty")]
    tool_calls: Vec<Call<'a>>,
    #[serde(skip_serializing_if = "<[Value]>::is_empty")]
    images: &'a [Value],
    #[serde(skip_serializing_if = "Option::is_none")]
    audio: Option<&'a Value>,
    #[serde(skip_serializing_if = "<[Value]>::is_empty")]
    annotations: &'a [Value],
}

#[derive(Serialize)]
struct Call<'a> {
    index: u32,
    id: String,
    #[serde(rename = "type")]
    kind: &'static str,
    function: Function<'a>,
}

#[derive(Serialize)]
struct Function<'a> {
    name: &'a str,
    arguments: &'a str,
}

impl Collector {
    /// `hides_reasoning` is the caller's `reasoning.exclude`.
    #[must_use]
    pub fn new(hides_reasoning: bool) -> Self {
        Self { hides_reasoning, ..Self::default() }
    }

    /// Characters of text, reasoning and tool calls so far, hidden ones included.
    #[must_use]
    pub fn output_characters(&self) -> u64 {
        self.output_characters
    }

    /// Why the first choice ended, in our word and the provider's; `None` until it has.
    #[must_use]
    pub fn finish_reason(&self) -> Option<(FinishReason, Option<&str>)> {
        let (reason, native) = self.choices.values().next()?.ending.as_ref()?;
        Some((*reason, native.as_deref()))
    }

    /// Takes the next piece of the answer.
    pub fn add(&mut self, delta: Delta) {
        self.output_characters = self.output_characters.saturating_add(characters(&delta));
        match delta {
            Delta::Reasoning { .. } | Delta::ReasoningDetail { .. } if self.hides_reasoning => {}
            Delta::Text { choice, text } => self.choice(choice).text.push_str(&text),
            Delta::Refusal { choice, text } => self.choice(choice).refusal.push_str(&text),
            Delta::Reasoning { choice, text } => {
                let gathered = self.choice(choice);
                gathered.reasoning.push_str(&text);
                if !text.is_empty() {
                    let detail = reasoning::text_detail(&text, reasoning::UNKNOWN, 0);
                    reasoning::append(&mut gathered.details, detail);
                }
            }
            Delta::ReasoningDetail { choice, detail } => {
                let gathered = self.choice(choice);
                gathered.reasoning.push_str(reasoning::words(&detail).unwrap_or_default());
                reasoning::append(&mut gathered.details, detail);
            }
            Delta::ToolCall { choice, index, id, name, arguments } => {
                let call = self.choice(choice).calls.entry(index).or_default();
                call.id = call.id.take().or(id);
                call.name.push_str(name.as_deref().unwrap_or_default());
                call.arguments.push_str(&arguments);
            }
            Delta::Image { choice, image } => self.choice(choice).images.push(image),
            Delta::Audio { choice, audio } => join_audio(&mut self.choice(choice).audio, audio),
            Delta::Annotation { choice, annotation } => self.choice(choice).annotations.push(annotation),
            Delta::Logprobs { choice, logprobs } => join_logprobs(&mut self.choice(choice).logprobs, logprobs),
            Delta::Finish { choice, reason, native } => self.choice(choice).ending = Some((reason, native)),
            Delta::Extra { key, value } if !value.is_null() => {
                self.extras.insert(key.to_owned(), value);
            }
            Delta::Start { .. } | Delta::Usage(_) | Delta::Native { .. } | Delta::Extra { .. } => {}
        }
    }

    /// The body of the response. With `failure` the answer broke off, and what
    /// came before is delivered with finish reason `error`.
    #[must_use]
    pub fn into_json(mut self, heading: &Heading, report: &UsageReport, failure: Option<&Failure>) -> Vec<u8> {
        self.choice(0);
        let fingerprint = self.extras.shift_remove("system_fingerprint");
        let mut ids = CallIds::new(&heading.id);
        let completion = Completion {
            id: &heading.id,
            object: "chat.completion",
            created: heading.created,
            model: &heading.model,
            provider: &heading.provider,
            system_fingerprint: fingerprint.as_ref(),
            extras: &self.extras,
            choices: self.choices.iter().map(|(index, gathered)| gathered.choice(*index, &mut ids, failure)).collect(),
            usage: UsageBody::from(report),
        };
        let mut out = Vec::with_capacity(1024);
        append_json(&mut out, &completion);
        out
    }

    fn choice(&mut self, index: u32) -> &mut Gathered {
        self.choices.entry(index).or_default()
    }
}

impl Gathered {
    fn choice<'a>(&'a self, index: u32, ids: &mut CallIds, failure: Option<&'a Failure>) -> Choice<'a> {
        let (reason, native) = ending_or_default(&self.ending, !self.calls.is_empty());
        let has_other_output = !self.calls.is_empty() || !self.refusal.is_empty() || self.audio.is_some();
        let calls = self.calls.values().zip(0..).map(|(call, index)| Call {
            index,
            id: ids.claim(call.id.as_deref()),
            kind: "function",
            function: Function {
                name: &call.name,
                arguments: if call.arguments.is_empty() { "{}" } else { &call.arguments },
            },
        });
        Choice {
            index,
            logprobs: self.logprobs.as_ref(),
            finish_reason: if failure.is_some() { FinishReason::Error } else { reason },
            native_finish_reason: native,
            message: Message {
                role: "assistant",
                content: (!self.text.is_empty() || !has_other_output).then_some(self.text.as_str()),
                refusal: non_empty(&self.refusal),
                reasoning: non_empty(&self.reasoning),
                reasoning_details: &self.details,
                tool_calls: calls.collect(),
                images: &self.images,
                audio: self.audio.as_ref(),
                annotations: &self.annotations,
            },
            error: failure.map(Failure::body),
        }
    }
}

fn non_empty(text: &str) -> Option<&str> {
    (!text.is_empty()).then_some(text)
}

/// `data` and `transcript` grow; the other fields come once.
fn join_audio(whole: &mut Option<Value>, piece: Value) {
    let (Some(Value::Object(whole)), Value::Object(piece)) = (whole.as_mut(), &piece) else {
        *whole = Some(piece);
        return;
    };
    for (key, value) in piece {
        match (whole.get_mut(key), value) {
            (Some(Value::String(before)), Value::String(more)) if key == "data" || key == "transcript" => {
                before.push_str(more);
            }
            _ => {
                whole.insert(key.clone(), value.clone());
            }
        }
    }
}

/// The lists `content` and `refusal` grow.
fn join_logprobs(whole: &mut Option<Value>, piece: Value) {
    let (Some(Value::Object(whole)), Value::Object(piece)) = (whole.as_mut(), &piece) else {
        *whole = Some(piece);
        return;
    };
    for (key, value) in piece {
        match (whole.get_mut(key), value) {
            (Some(Value::Array(before)), Value::Array(more)) => before.extend(more.iter().cloned()),
            (_, Value::Null) => {}
            _ => {
                whole.insert(key.clone(), value.clone());
            }
        }
    }
}
