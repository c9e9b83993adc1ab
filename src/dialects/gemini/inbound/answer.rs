//! The answer: a stream of `GenerateContentResponse`s, or one.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::parts::Parts;
use super::{Gemini, status_word};
use crate::dialects::answer::{Answer, Failure, Heading, UsageReport, Writer, append_json};
use crate::dialects::{Delta, Dialect};

/// Writes one streamed answer.
#[derive(Debug)]
pub(super) struct ResponseWriter {
    heading: Heading,
    wish: Gemini,
    candidates: BTreeMap<u32, Parts>,
    /// Gemini's own fields of the response.
    own: Map<String, Value>,
    /// An array has begun.
    has_begun: bool,
}

impl ResponseWriter {
    pub(super) fn new(heading: &Heading, wish: Gemini) -> Self {
        let heading = heading.clone();
        Self { heading, wish, candidates: BTreeMap::new(), own: Map::new(), has_begun: false }
    }

    fn emit(&mut self, body: &Value, out: &mut Vec<u8>) {
        let is_first = !std::mem::replace(&mut self.has_begun, true);
        out.extend_from_slice(match (self.wish.is_array, is_first) {
            (true, true) => b"[",
            (true, false) => b",\r\n",
            (false, _) => b"data: ",
        });
        append_json(out, body);
        if !self.wish.is_array {
            out.extend_from_slice(b"\r\n\r\n");
        }
    }

    fn end(&self, out: &mut Vec<u8>) {
        if self.wish.is_array {
            out.extend_from_slice(b"]");
        }
    }

    fn response(&self, candidates: &[Value]) -> Value {
        json!({ "candidates": candidates, "modelVersion": self.heading.model, "responseId": self.heading.id })
    }

    fn parts(&mut self, choice: u32) -> &mut Parts {
        let (id, wish) = (&self.heading.id, self.wish);
        self.candidates.entry(choice).or_insert_with(|| Parts::new(id, wish))
    }
}

impl Writer for ResponseWriter {
    fn write(&mut self, delta: &Delta, out: &mut Vec<u8>) {
        keep_response(delta, &mut self.own);
        let Some(choice) = choice_of(delta) else { return };
        let mut parts = Vec::new();
        self.parts(choice).take(delta, &mut parts);
        if !parts.is_empty() {
            let body = self.response(&[candidate(choice, &parts, Map::new())]);
            self.emit(&body, out);
        }
    }

    fn finish(&mut self, report: &UsageReport, out: &mut Vec<u8>) {
        self.parts(0);
        let mut candidates = Vec::new();
        for (choice, mut state) in std::mem::take(&mut self.candidates) {
            let mut parts = Vec::new();
            let fields = state.finish(&mut parts);
            candidates.push(candidate(choice, &parts, fields));
        }
        let body = closed(self.response(&candidates), &self.own, report);
        self.emit(&body, out);
        self.end(out);
    }

    fn fail(&mut self, failure: &Failure, report: Option<&UsageReport>, out: &mut Vec<u8>) {
        let mut metadata = json!({ "error_type": failure.error_type,
            "provider_code": failure.provider_code.as_deref().unwrap_or_default() });
        if let Some(raw) = &failure.raw {
            metadata["raw"] = json!(raw);
        }
        let mut body = json!({ "error": { "code": failure.code, "message": failure.message,
            "status": status_word(failure.code), "details": [{
                "@type": "type.googleapis.com/google.rpc.ErrorInfo",
                "reason": failure.error_type.to_uppercase(), "domain": "patchbay",
                "metadata": metadata }] } });
        if let Some(report) = report {
            body["usageMetadata"] = usage(report, &Map::new()).into();
        }
        self.emit(&body, out);
        self.end(out);
    }
}

fn choice_of(delta: &Delta) -> Option<u32> {
    match delta {
        Delta::Text { choice, .. }
        | Delta::Reasoning { choice, .. }
        | Delta::ReasoningDetail { choice, .. }
        | Delta::Refusal { choice, .. }
        | Delta::ToolCall { choice, .. }
        | Delta::Image { choice, .. }
        | Delta::Audio { choice, .. }
        | Delta::Annotation { choice, .. }
        | Delta::Logprobs { choice, .. }
        | Delta::Finish { choice, .. }
        | Delta::Native { choice, .. } => Some(*choice),
        Delta::Start { .. } | Delta::Usage(_) | Delta::Found(_) | Delta::Extra { .. } => None,
    }
}

fn keep_response(delta: &Delta, own: &mut Map<String, Value>) {
    if let Delta::Native { dialect: Dialect::Gemini, piece, .. } = delta
        && let Some(Value::Object(fields)) = piece.get("response")
    {
        own.extend(fields.clone());
    }
}

fn candidate(choice: u32, parts: &[Value], further: Map<String, Value>) -> Value {
    let mut fields = Map::new();
    fields.insert("content".to_owned(), json!({ "parts": parts, "role": "model" }));
    fields.extend(further);
    fields.insert("index".to_owned(), json!(choice));
    fields.into()
}

/// The last response, with the counts and what Gemini itself said beside them.
fn closed(mut body: Value, own: &Map<String, Value>, report: &UsageReport) -> Value {
    if let Some(fields) = body.as_object_mut() {
        let is_blocked = own.get("promptFeedback").is_some_and(|feedback| {
            feedback.get("blockReason").is_some() || feedback.get("blockReasonMessage").is_some()
        });
        // A refused prompt has no candidates.
        if is_blocked {
            fields.shift_remove("candidates");
        }
        fields.extend(own.clone());
        let counts = own.get("usageMetadata").and_then(Value::as_object).cloned().unwrap_or_default();
        fields.insert("usageMetadata".to_owned(), usage(report, &counts).into());
    }
    body
}

/// Counts in Gemini's accounting, thoughts apart from candidates, and the cost.
fn usage(report: &UsageReport, own: &Map<String, Value>) -> Map<String, Value> {
    let usage = &report.usage;
    let mut fields = own.clone();
    let completion = usage.completion_tokens.unwrap_or(0);
    let thoughts = usage.reasoning_tokens.map(|thoughts| thoughts.min(completion));
    let tools = own.get("toolUsePromptTokenCount").and_then(Value::as_u64).unwrap_or(0);
    let prompt = usage.prompt_tokens.unwrap_or(0);
    let known = [
        ("promptTokenCount", Some(prompt.saturating_sub(tools))),
        ("candidatesTokenCount", Some(completion.saturating_sub(thoughts.unwrap_or(0)))),
        ("thoughtsTokenCount", thoughts.filter(|thoughts| *thoughts > 0)),
        ("cachedContentTokenCount", usage.cached_tokens.filter(|cached| *cached > 0)),
        ("totalTokenCount", Some(prompt.saturating_add(completion))),
    ];
    for (name, count) in known {
        if let Some(count) = count {
            fields.insert(name.to_owned(), json!(count));
        }
    }
    fields.insert("cost".to_owned(), json!(report.cost));
    fields
}

/// An answer in one piece: neighbouring texts are one part.
pub(super) fn whole(heading: &Heading, wish: Gemini, answer: &Answer, report: &UsageReport) -> Vec<u8> {
    let mut writer = ResponseWriter::new(heading, wish);
    let mut gathered: BTreeMap<u32, Vec<Value>> = BTreeMap::new();
    for delta in answer.pieces.iter().flatten() {
        keep_response(delta, &mut writer.own);
        if let Some(choice) = choice_of(delta) {
            let parts = gathered.entry(choice).or_default();
            let before = parts.len();
            writer.parts(choice).take(delta, parts);
            join(parts, before);
        }
    }
    writer.parts(0);
    let mut candidates = Vec::new();
    for (choice, mut state) in std::mem::take(&mut writer.candidates) {
        let mut parts = gathered.remove(&choice).unwrap_or_default();
        let fields = state.finish(&mut parts);
        candidates.push(candidate(choice, &parts, fields));
    }
    let mut out = Vec::with_capacity(1024);
    append_json(&mut out, &closed(writer.response(&candidates), &writer.own, report));
    out
}

/// Joins a new text at `place` with the one before it when neither is signed.
fn join(parts: &mut Vec<Value>, place: usize) {
    let plain = |part: &Value| {
        let fields = part.as_object()?;
        let is_thought = fields.get("thought") == Some(&Value::Bool(true));
        let is_plain = fields.keys().all(|name| name == "text" || name == "thought");
        fields.get("text").and_then(Value::as_str).filter(|_| is_plain).map(|text| (is_thought, text.to_owned()))
    };
    let Some((is_thought, text)) = parts.get(place).and_then(plain) else { return };
    let Some(before) = place.checked_sub(1).and_then(|place| parts.get_mut(place)) else { return };
    if plain(before).is_some_and(|(was_thought, _)| was_thought == is_thought)
        && let Some(Value::String(all)) = before.get_mut("text")
    {
        all.push_str(&text);
        parts.remove(place);
    }
}
