//! A streamed answer: `chat.completion.chunk` events.

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::{Value, json};

use super::usage::UsageBody;
use crate::dialects::answer::{CallIds, Ending, Failure, Heading, UsageReport, Writer, append_json, ending_or_default};
use crate::dialects::{Delta, FinishReason, reasoning};

/// The last event of every stream.
pub const DONE: &[u8] = b"data: [DONE]\n\n";

#[derive(Serialize)]
struct Choice<'a> {
    index: u32,
    delta: Body<'a>,
    finish_reason: Option<FinishReason>,
    native_finish_reason: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    logprobs: Option<&'a Value>,
}

#[derive(Default, Serialize)]
struct Body<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    role: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    content: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    refusal: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reasoning: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reasoning_details: Option<[Detail<'a>; 1]>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tool_calls: Option<[Call<'a>; 1]>,
    #[serde(skip_serializing_if = "Option::is_none")]
    images: Option<[&'a Value; 1]>,
    #[serde(skip_serializing_if = "Option::is_none")]
    audio: Option<&'a Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    annotations: Option<[&'a Value; 1]>,
}

/// An entry of `reasoning_details`: as the provider gave it, or made from plain words.
#[derive(Serialize)]
#[serde(untagged)]
enum Detail<'a> {
    Given(&'a Value),
    Plain {
        #[serde(rename = "type")]
        kind: &'static str,
        text: &'a str,
        format: &'static str,
        index: u32,
    },
}

#[derive(Serialize)]
struct Call<'a> {
    index: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<&'a str>,
    #[serde(rename = "type", skip_serializing_if = "Option::is_none")]
    kind: Option<&'static str>,
    function: Function<'a>,
}

#[derive(Serialize)]
struct Function<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<&'a str>,
    arguments: &'a str,
}

#[derive(Debug, Default)]
struct ChoiceState {
    has_role: bool,
    ending: Ending,
    /// By index: whether arguments have come.
    calls: BTreeMap<u32, bool>,
}

/// Turns deltas into events of the caller's stream.
#[derive(Debug)]
pub struct ChunkWriter {
    /// `data: {"id":…,"provider":…,`, the same for every chunk.
    head: Vec<u8>,
    /// `,"service_tier":…` after `choices`.
    tail: Vec<u8>,
    choices: BTreeMap<u32, ChoiceState>,
    ids: CallIds,
    /// Goes with the usage.
    metadata: Option<Value>,
}

impl Writer for ChunkWriter {
    fn write(&mut self, delta: &Delta, out: &mut Vec<u8>) {
        match delta {
            Delta::Text { text, .. } | Delta::Reasoning { text, .. } | Delta::Refusal { text, .. }
                if text.is_empty() => {}
            Delta::Text { choice, text } => {
                self.chunk(*choice, Body { content: Some(text), ..Body::default() }, None, out);
            }
            Delta::Reasoning { choice, text } => {
                let detail = Detail::Plain { kind: "reasoning.text", text, format: reasoning::UNKNOWN, index: 0 };
                let body = Body { reasoning: Some(text), reasoning_details: Some([detail]), ..Body::default() };
                self.chunk(*choice, body, None, out);
            }
            Delta::ReasoningDetail { choice, detail } => {
                let body = Body {
                    reasoning: reasoning::words(detail),
                    reasoning_details: Some([Detail::Given(detail)]),
                    ..Body::default()
                };
                self.chunk(*choice, body, None, out);
            }
            Delta::Refusal { choice, text } => {
                self.chunk(*choice, Body { refusal: Some(text), ..Body::default() }, None, out);
            }
            Delta::ToolCall { choice, index, id, name, arguments } => {
                self.tool_call(*choice, *index, (id.as_deref(), name.as_deref()), arguments, out);
            }
            Delta::Image { choice, image } => {
                self.chunk(*choice, Body { images: Some([image]), ..Body::default() }, None, out);
            }
            Delta::Audio { choice, audio } => {
                self.chunk(*choice, Body { audio: Some(audio), ..Body::default() }, None, out);
            }
            Delta::Annotation { choice, annotation } => {
                self.chunk(*choice, Body { annotations: Some([annotation]), ..Body::default() }, None, out);
            }
            Delta::Logprobs { choice, logprobs } => self.chunk(*choice, Body::default(), Some(logprobs), out),
            Delta::Finish { choice, reason, native } => {
                self.choice(*choice).ending = Some((*reason, native.clone()));
            }
            Delta::Extra { key, value } if !value.is_null() => self.keep(key, value),
            Delta::Start { .. } | Delta::Usage(_) | Delta::Native { .. } | Delta::Found(_) | Delta::Extra { .. } => {}
        }
    }

    fn resumed(&mut self, metadata: Value) {
        self.metadata = Some(metadata);
    }

    fn finish(&mut self, report: &UsageReport, out: &mut Vec<u8>) {
        self.choice(0);
        for (index, state) in std::mem::take(&mut self.choices) {
            // A call without arguments would be text that is no JSON.
            for (call, _) in state.calls.iter().filter(|(_, has_arguments)| !**has_arguments) {
                let function = Function { name: None, arguments: "{}" };
                let call = Call { index: *call, id: None, kind: None, function };
                let delta = Body { tool_calls: Some([call]), ..Body::default() };
                let choice = Choice { index, delta, finish_reason: None, native_finish_reason: None, logprobs: None };
                self.frame(&choice, out);
            }
            let role = (!state.has_role).then_some("assistant");
            let (reason, native) = ending_or_default(&state.ending, !state.calls.is_empty());
            let choice = Choice {
                index,
                delta: Body { role, content: Some(""), ..Body::default() },
                finish_reason: Some(reason),
                native_finish_reason: native,
                logprobs: None,
            };
            self.frame(&choice, out);
        }
        out.extend_from_slice(&self.head);
        out.extend_from_slice(b"\"choices\":[]");
        out.extend_from_slice(&self.tail);
        out.extend_from_slice(b",\"usage\":");
        append_json(out, &UsageBody::from(report));
        if let Some(metadata) = &self.metadata {
            out.extend_from_slice(b",\"openrouter_metadata\":");
            append_json(out, metadata);
        }
        out.extend_from_slice(b"}\n\n");
        out.extend_from_slice(DONE);
    }

    fn fail(&mut self, failure: &Failure, report: Option<&UsageReport>, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.head);
        out.extend_from_slice(b"\"error\":");
        append_json(out, &failure.body());
        out.extend_from_slice(b",\"choices\":[");
        let choice = Choice {
            index: 0,
            delta: Body { content: Some(""), ..Body::default() },
            finish_reason: Some(FinishReason::Error),
            native_finish_reason: failure.provider_code.as_deref(),
            logprobs: None,
        };
        append_json(out, &choice);
        out.extend_from_slice(b"]");
        if let Some(report) = report {
            out.extend_from_slice(b",\"usage\":");
            append_json(out, &UsageBody::from(report));
        }
        out.extend_from_slice(b"}\n\n");
    }
}

impl ChunkWriter {
    #[must_use]
    pub fn new(heading: &Heading) -> Self {
        Self {
            head: frame_head(heading),
            tail: Vec::new(),
            choices: BTreeMap::new(),
            ids: CallIds::new(&heading.id),
            metadata: heading.metadata.clone(),
        }
    }

    fn tool_call(
        &mut self,
        choice: u32,
        index: u32,
        (id, name): (Option<&str>, Option<&str>),
        arguments: &str,
        out: &mut Vec<u8>,
    ) {
        let state = self.choice(choice);
        let is_first = !state.calls.contains_key(&index);
        *state.calls.entry(index).or_default() |= !arguments.is_empty();
        let id = is_first.then(|| self.ids.claim(id));
        if !is_first && arguments.is_empty() && name.is_none() {
            return;
        }
        let call = Call {
            index,
            id: id.as_deref(),
            kind: is_first.then_some("function"),
            function: Function { name: if is_first { Some(name.unwrap_or_default()) } else { name }, arguments },
        };
        self.chunk(choice, Body { tool_calls: Some([call]), ..Body::default() }, None, out);
    }

    /// Appends the chunk that carries `body`; the first of a choice also carries the role.
    fn chunk(&mut self, index: u32, mut body: Body<'_>, logprobs: Option<&Value>, out: &mut Vec<u8>) {
        if !std::mem::replace(&mut self.choice(index).has_role, true) {
            body.role = Some("assistant");
            body.content.get_or_insert("");
        }
        let choice = Choice { index, delta: body, finish_reason: None, native_finish_reason: None, logprobs };
        self.frame(&choice, out);
    }

    fn frame(&self, choice: &Choice<'_>, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.head);
        out.extend_from_slice(b"\"choices\":[");
        append_json(out, choice);
        out.extend_from_slice(b"]");
        out.extend_from_slice(&self.tail);
        out.extend_from_slice(b"}\n\n");
    }

    fn choice(&mut self, index: u32) -> &mut ChoiceState {
        self.choices.entry(index).or_default()
    }

    fn keep(&mut self, key: &str, value: &Value) {
        self.tail.extend_from_slice(b",");
        append_json(&mut self.tail, &key);
        self.tail.extend_from_slice(b":");
        append_json(&mut self.tail, value);
    }
}

fn frame_head(heading: &Heading) -> Vec<u8> {
    let fields = json!({
        "id": heading.id,
        "object": "chat.completion.chunk",
        "created": heading.created,
        "model": heading.model,
        "provider": heading.provider,
    });
    let mut head = b"data: ".to_vec();
    append_json(&mut head, &fields);
    head.pop();
    head.push(b',');
    head
}
