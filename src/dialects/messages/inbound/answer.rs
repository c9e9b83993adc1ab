//! The answer: Anthropic's events, or one message.

use serde::Serialize;
use serde_json::{Map, Value, json};

use super::blocks::{Blocks, Change, Step, stop_reason};
use super::{error_kind, usage};
use crate::dialects::answer::{Answer, Failure, Heading, UsageReport, Writer, append_json, ending_or_default};
use crate::dialects::{Delta, FinishReason, Usage, arguments};

/// Writes one streamed answer.
#[derive(Debug)]
pub(super) struct EventWriter {
    heading: Heading,
    blocks: Blocks,
    /// Counts so far, for the head of the message.
    usage: Usage,
    has_started: bool,
}

#[derive(Serialize)]
struct Growth<'a> {
    #[serde(rename = "type")]
    kind: &'static str,
    index: usize,
    delta: &'a Change<'a>,
}

impl EventWriter {
    pub(super) fn new(heading: &Heading, omits_thinking: bool) -> Self {
        Self {
            heading: heading.clone(),
            blocks: Blocks::new(&heading.id, omits_thinking),
            usage: Usage::default(),
            has_started: false,
        }
    }

    /// The head waits for the first content: by then the provider has said what it counted.
    fn start(&mut self, out: &mut Vec<u8>) {
        if std::mem::replace(&mut self.has_started, true) {
            return;
        }
        let usage = Usage { completion_tokens: None, ..self.usage };
        let mut message = message(&self.heading, &self.blocks.start);
        message.insert("content".to_owned(), json!([]));
        let counts = usage::counts(&usage, self.blocks.start.get("usage"), self.blocks.tier.as_deref());
        message.insert("usage".to_owned(), counts.into());
        event("message_start", &json!({ "type": "message_start", "message": message }), out);
    }
}

impl Writer for EventWriter {
    fn write(&mut self, delta: &Delta, out: &mut Vec<u8>) {
        if let Delta::Usage(usage) = delta {
            self.usage.merge(usage);
        }
        let is_content = delta.is_content()
            || matches!(delta, Delta::Native { piece, .. } if piece.get("start").is_none() && piece.get("end").is_none());
        if is_content {
            self.start(out);
        }
        self.blocks.take(delta, &mut |step| write_step(&step, out));
    }

    fn resumed(&mut self, metadata: Value) {
        self.heading.metadata = Some(metadata);
    }

    fn finish(&mut self, report: &UsageReport, out: &mut Vec<u8>) {
        self.start(out);
        self.blocks.close(&mut |step| write_step(&step, out));
        if self.blocks.ending.as_ref().is_some_and(|(reason, _)| *reason == FinishReason::Error) {
            let failure = Failure {
                code: 502,
                message: "The provider failed in the middle of its answer".to_owned(),
                error_type: "provider_unavailable",
                provider_code: self.blocks.ending.as_ref().and_then(|(_, native)| native.clone()),
                raw: None,
            };
            return self.fail(&failure, Some(report), out);
        }
        let mut delta = ending(&self.blocks);
        let further = beside(&mut delta);
        let usage = usage::report(report, self.blocks.own_usage().as_ref(), self.blocks.tier.as_deref());
        let mut fields = json!({ "type": "message_delta", "delta": delta, "usage": usage });
        if let Some(fields) = fields.as_object_mut() {
            fields.extend(further);
        }
        event("message_delta", &fields, out);
        let mut stop = json!({ "type": "message_stop" });
        if let Some(metadata) = &self.heading.metadata {
            stop["openrouter_metadata"] = metadata.clone();
        }
        event("message_stop", &stop, out);
    }

    fn fail(&mut self, failure: &Failure, report: Option<&UsageReport>, out: &mut Vec<u8>) {
        let mut body = json!({ "type": "error", "error": {
            "type": error_kind(failure.code), "message": failure.message, "error_type": failure.error_type } });
        if let Some(code) = &failure.provider_code {
            body["error"]["provider_code"] = json!(code);
        }
        if let Some(raw) = &failure.raw {
            body["error"]["metadata"] = json!({ "raw": raw });
        }
        if let Some(report) = report {
            body["usage"] = usage::report(report, None, self.blocks.tier.as_deref()).into();
        }
        if let Some(metadata) = &self.heading.metadata {
            body["openrouter_metadata"] = metadata.clone();
        }
        event("error", &body, out);
    }
}

fn write_step(step: &Step<'_>, out: &mut Vec<u8>) {
    match step {
        Step::Start(index, block) => {
            let body = json!({ "type": "content_block_start", "index": index, "content_block": block });
            event("content_block_start", &body, out);
        }
        Step::Grow(index, delta) => {
            event("content_block_delta", &Growth { kind: "content_block_delta", index: *index, delta }, out);
        }
        Step::Stop(index) => {
            event("content_block_stop", &json!({ "type": "content_block_stop", "index": index }), out);
        }
    }
}

fn event(name: &str, body: &impl Serialize, out: &mut Vec<u8>) {
    out.extend_from_slice(b"event: ");
    out.extend_from_slice(name.as_bytes());
    out.extend_from_slice(b"\ndata: ");
    append_json(out, body);
    out.extend_from_slice(b"\n\n");
}

/// The message without content and usage.
fn message(heading: &Heading, own: &Map<String, Value>) -> Map<String, Value> {
    let mut fields = own.clone();
    let known = [
        ("id", json!(heading.id)),
        ("type", json!("message")),
        ("role", json!("assistant")),
        ("model", json!(heading.model)),
        ("provider", json!(heading.provider)),
    ];
    for (name, value) in known {
        fields.insert(name.to_owned(), value);
    }
    for name in ["container", "stop_reason", "stop_sequence", "stop_details"] {
        fields.entry(name).or_insert(Value::Null);
    }
    fields
}

/// Why the message ended: Anthropic's own words where it said them.
fn ending(blocks: &Blocks) -> Map<String, Value> {
    let mut fields = blocks.end.clone();
    fields.shift_remove("usage");
    let (reason, native) = ending_or_default(&blocks.ending, blocks.has_calls());
    let is_refused = !blocks.refusal.is_empty() && !blocks.has_calls();
    let reason = if is_refused { FinishReason::ContentFilter } else { reason };
    fields.entry("stop_reason").or_insert_with(|| Value::from(stop_reason(reason, native)));
    fields.entry("stop_sequence").or_insert(Value::Null);
    fields.entry("container").or_insert(Value::Null);
    fields.entry("stop_details").or_insert_with(|| {
        let details = json!({ "type": "refusal", "category": null, "explanation": blocks.refusal });
        if is_refused { details } else { Value::Null }
    });
    fields
}

/// Takes out what stands beside `delta` in `message_delta`, not in it.
fn beside(delta: &mut Map<String, Value>) -> Map<String, Value> {
    let is_inside = |name: &str| matches!(name, "stop_reason" | "stop_sequence" | "stop_details" | "container");
    let (inside, outside) = std::mem::take(delta).into_iter().partition(|(name, _)| is_inside(name));
    *delta = inside;
    outside
}

/// An answer in one piece.
pub(super) fn whole(heading: &Heading, omits_thinking: bool, answer: &Answer, report: &UsageReport) -> Vec<u8> {
    let mut blocks = Blocks::new(&heading.id, omits_thinking);
    let mut content = Content::default();
    for delta in answer.pieces.iter().flatten() {
        blocks.take(delta, &mut |step| content.take(step));
    }
    blocks.close(&mut |step| content.take(step));
    let mut message = message(heading, &blocks.start);
    message.extend(ending(&blocks));
    message.insert("content".to_owned(), content.finish().into());
    // What an answer in one piece says beside its content is in no piece of it.
    let tier = answer.extras.get("service_tier").and_then(Value::as_str);
    message.insert("usage".to_owned(), usage::report(report, blocks.own_usage().as_ref(), tier).into());
    if let Some(metadata) = &heading.metadata {
        message.insert("openrouter_metadata".to_owned(), metadata.clone());
    }
    let mut out = Vec::with_capacity(1024);
    append_json(&mut out, &message);
    out
}

/// The blocks of a whole answer.
#[derive(Default)]
struct Content {
    blocks: Vec<Value>,
    /// The input of each block as it comes; empty for blocks that have none.
    inputs: Vec<String>,
}

impl Content {
    fn take(&mut self, step: Step<'_>) {
        let (index, change) = match step {
            Step::Start(_, block) => {
                self.blocks.push(block);
                self.inputs.push(String::new());
                return;
            }
            Step::Grow(index, change) => (index, change),
            Step::Stop(_) => return,
        };
        let (Some(block), Some(input)) = (self.blocks.get_mut(index), self.inputs.get_mut(index)) else { return };
        match change {
            Change::Text { text } => push(block, "text", text),
            Change::Thinking { thinking } => push(block, "thinking", thinking),
            Change::Signature { signature } => push(block, "signature", signature),
            Change::Input { partial_json } => input.push_str(partial_json),
            Change::Citation { citation } => match block.get_mut("citations") {
                Some(Value::Array(citations)) => citations.push(citation),
                _ => block["citations"] = json!([citation]),
            },
        }
    }

    fn finish(mut self) -> Vec<Value> {
        for (block, input) in self.blocks.iter_mut().zip(&self.inputs).filter(|(_, input)| !input.is_empty()) {
            block["input"] = serde_json::from_str(arguments::object(input).get()).unwrap_or_default();
        }
        self.blocks
    }
}

fn push(block: &mut Value, name: &str, more: &str) {
    match block.get_mut(name) {
        Some(Value::String(text)) => text.push_str(more),
        _ => block[name] = json!(more),
    }
}
