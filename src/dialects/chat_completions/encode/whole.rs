//! A whole answer: one `chat.completion`.

use serde::{Serialize, Serializer};
use serde_json::{Map, Value};

use super::usage::UsageBody;
use crate::dialects::FinishReason;
use crate::dialects::answer::{
    Answer, AnsweredCall, AnsweredChoice, CallIds, Heading, UsageReport, append_json, ending_or_default,
};

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
    extras: Others<'a>,
    choices: Vec<Choice<'a>>,
    usage: UsageBody,
    #[serde(skip_serializing_if = "Option::is_none")]
    openrouter_metadata: Option<&'a Value>,
}

const FINGERPRINT: &str = "system_fingerprint";

/// The fields of a provider's own that have no place above.
struct Others<'a>(&'a Map<String, Value>);

impl Serialize for Others<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.iter().filter(|(name, _)| *name != FINGERPRINT))
    }
}

#[derive(Serialize)]
struct Choice<'a> {
    index: u32,
    logprobs: Option<&'a Value>,
    finish_reason: FinishReason,
    native_finish_reason: Option<&'a str>,
    message: Message<'a>,
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

/// The body of the response.
#[must_use]
pub fn whole(heading: &Heading, answer: &Answer, report: &UsageReport) -> Vec<u8> {
    let mut ids = CallIds::new(&heading.id);
    let nothing = AnsweredChoice::default();
    let choices = answer.choices.iter().map(|(index, choice)| (*index, choice));
    let missing = answer.choices.is_empty().then_some((0, &nothing));
    let completion = Completion {
        id: &heading.id,
        object: "chat.completion",
        created: heading.created,
        model: &heading.model,
        provider: &heading.provider,
        system_fingerprint: answer.extras.get(FINGERPRINT),
        extras: Others(&answer.extras),
        choices: choices.chain(missing).map(|(index, choice)| choice_body(choice, index, &mut ids)).collect(),
        usage: UsageBody::from(report),
        openrouter_metadata: heading.metadata.as_ref(),
    };
    let mut out = Vec::with_capacity(1024);
    append_json(&mut out, &completion);
    out
}

fn choice_body<'a>(choice: &'a AnsweredChoice, index: u32, ids: &mut CallIds) -> Choice<'a> {
    let (reason, native) = ending_or_default(&choice.ending, !choice.calls.is_empty());
    let has_other_output = !choice.calls.is_empty() || !choice.refusal.is_empty() || choice.audio.is_some();
    let calls = choice.calls.values().zip(0..).map(|(call, index)| call_body(call, index, ids));
    Choice {
        index,
        logprobs: choice.logprobs.as_ref(),
        finish_reason: reason,
        native_finish_reason: native,
        message: Message {
            role: "assistant",
            content: (!choice.text.is_empty() || !has_other_output).then_some(choice.text.as_str()),
            refusal: non_empty(&choice.refusal),
            reasoning: non_empty(&choice.reasoning),
            reasoning_details: &choice.details,
            tool_calls: calls.collect(),
            images: &choice.images,
            audio: choice.audio.as_ref(),
            annotations: &choice.annotations,
        },
    }
}

fn call_body<'a>(call: &'a AnsweredCall, index: u32, ids: &mut CallIds) -> Call<'a> {
    let function = Function { name: &call.name, arguments: call.arguments() };
    Call { index, id: ids.claim(call.id.as_deref()), kind: "function", function }
}

fn non_empty(text: &str) -> Option<&str> {
    (!text.is_empty()).then_some(text)
}
