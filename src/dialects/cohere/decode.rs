//! Reading Cohere's answer: event by event, or whole.

use std::collections::BTreeMap;

use app::types::sse::ServerSentEvent;
use serde_json::{Value, json};

use super::FORMAT;
use super::wire::{Answer, Call, Content, Event, EventDelta, Message, finish_reason};
use crate::dialects::text::lossy;
use crate::dialects::{Decoder, Delta, Fault, FaultKind, complaint, reasoning};

/// Cohere gives one answer.
const CHOICE: u32 = 0;

/// Reads one streamed answer.
#[derive(Debug, Default)]
pub(super) struct EventDecoder {
    /// Cohere's index of a call → ours.
    calls: BTreeMap<u32, u32>,
    /// Where thinking and plan stand among the reasoning details.
    thoughts: u32,
    has_finished: bool,
    is_done: bool,
}

impl Decoder for EventDecoder {
    fn event(&mut self, event: &ServerSentEvent, out: &mut Vec<Delta>) -> Result<(), Fault> {
        let data = event.data.trim();
        if data.is_empty() || self.is_done {
            return Ok(());
        }
        if data == "[DONE]" {
            self.is_done = true;
            return Ok(());
        }
        let wire: Event = serde_json::from_str(data).map_err(|_| {
            complaint::in_band(data)
                .unwrap_or_else(|| complaint::nonsense("The provider sent an event that cannot be read", data))
        })?;
        out.extend(wire.logprobs.as_ref().and_then(logprobs));
        match wire.kind.as_str() {
            "message-start" => out.push(Delta::Start { upstream_id: wire.id, model: None }),
            "message-end" => self.end(wire.delta.unwrap_or_default(), data, out)?,
            "" => {
                if let Some(fault) = complaint::in_band(data) {
                    return Err(fault);
                }
            }
            _ => {
                if let Some(message) = wire.delta.and_then(|delta| delta.message) {
                    self.message(wire.index, message, out);
                }
            }
        }
        Ok(())
    }

    fn finish(&mut self, stray: &str, _: &mut Vec<Delta>) -> Result<(), Fault> {
        match complaint::in_band(stray) {
            Some(fault) => Err(fault),
            None if self.has_finished => Ok(()),
            None => Err(complaint::cut()),
        }
    }

    fn is_done(&self) -> bool {
        self.is_done
    }
}

impl EventDecoder {
    fn message(&mut self, index: u32, message: Message, out: &mut Vec<Delta>) {
        if let Some(plan) = message.tool_plan.filter(|plan| !plan.is_empty()) {
            let detail =
                json!({ "type": "reasoning.summary", "summary": plan, "format": FORMAT, "index": self.thoughts });
            out.push(Delta::ReasoningDetail { choice: CHOICE, detail });
        }
        for content in message.content.into_list() {
            self.content(content, out);
        }
        for (offset, call) in (0..).zip(message.tool_calls.into_list()) {
            self.call(index.saturating_add(offset), call, out);
        }
        for citation in message.citations.into_list() {
            out.extend(annotations(&citation));
        }
    }

    fn content(&mut self, content: Content, out: &mut Vec<Delta>) {
        if let Some(words) = content.thinking.filter(|words| !words.is_empty()) {
            let detail = reasoning::text_detail(&words, FORMAT, 0);
            self.thoughts = 1;
            out.push(Delta::ReasoningDetail { choice: CHOICE, detail });
        }
        if let Some(text) = content.text.filter(|text| !text.is_empty()) {
            out.push(Delta::Text { choice: CHOICE, text });
        }
    }

    fn call(&mut self, theirs: u32, call: Call, out: &mut Vec<Delta>) {
        let Some(function) = call.function else { return };
        let next = u32::try_from(self.calls.len()).unwrap_or(u32::MAX);
        let is_new = !self.calls.contains_key(&theirs);
        let index = *self.calls.entry(theirs).or_insert(next);
        let name = function.name.filter(|_| is_new);
        if is_new && name.is_none() {
            self.calls.remove(&theirs);
            return;
        }
        let arguments = function.arguments.unwrap_or_default();
        out.push(Delta::ToolCall { choice: CHOICE, index, id: call.id.filter(|_| is_new), name, arguments });
    }

    fn end(&mut self, delta: EventDelta, data: &str, out: &mut Vec<Delta>) -> Result<(), Fault> {
        self.has_finished = true;
        out.extend(delta.usage.map(|usage| Delta::Usage(usage.counts())));
        let native = delta.finish_reason.unwrap_or_else(|| "COMPLETE".to_owned());
        if let Some(fault) = failure(&native, delta.error.as_ref(), delta.error_type, data) {
            return Err(fault);
        }
        let reason = finish_reason(&native, !self.calls.is_empty());
        out.push(Delta::Finish { choice: CHOICE, reason, native: Some(native) });
        Ok(())
    }
}

/// A reason that is a failure in disguise.
fn failure(native: &str, error: Option<&Value>, code: Option<String>, data: &str) -> Option<Fault> {
    let said = error.map(|error| error.as_str().map_or_else(|| error.to_string(), str::to_owned));
    let kind = match native {
        "TIMEOUT" => FaultKind::Timeout,
        // The model wrote a call that does not fit the tool: another try may succeed.
        "ERROR" => FaultKind::Unavailable,
        _ => return None,
    };
    let message = said.unwrap_or_else(|| format!("The model failed to answer: {native}"));
    let nonsense = complaint::nonsense("", data);
    Some(Fault { kind, message, code: code.or_else(|| Some(native.to_owned())), ..nonsense })
}

/// What a passage rests on, one annotation for each source.
fn annotations(citation: &Value) -> Vec<Delta> {
    let number = |key: &str| citation.get(key).and_then(Value::as_u64).unwrap_or_default();
    let sources = citation.get("sources").and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
    let annotation = |source: &Value| {
        let said = source.get("document").or(source.get("tool_output"));
        let text = |key: &str| said.and_then(|said| said.get(key)?.as_str());
        let id = source.get("id").and_then(Value::as_str);
        let annotation = json!({
            "type": "url_citation",
            "url_citation": {
                "url": text("url").or(id).unwrap_or_default(),
                "title": text("title").unwrap_or_default(),
                "content": text("text").or(text("snippet")).unwrap_or_default(),
                "start_index": number("start"),
                "end_index": number("end"),
            },
        });
        Delta::Annotation { choice: CHOICE, annotation }
    };
    sources.iter().map(annotation).collect()
}

/// Cohere's probabilities of chunks as OpenAI's of tokens.
fn logprobs(said: &Value) -> Option<Delta> {
    let chunks = said.as_array().map_or_else(|| std::slice::from_ref(said), Vec::as_slice);
    let content: Vec<Value> = chunks
        .iter()
        .filter_map(|chunk| {
            let text = chunk.get("text")?.as_str()?;
            let sum: f64 = chunk.get("logprobs")?.as_array()?.iter().filter_map(Value::as_f64).sum();
            Some(json!({ "token": text, "logprob": sum, "bytes": text.as_bytes(), "top_logprobs": [] }))
        })
        .collect();
    (!content.is_empty())
        .then(|| Delta::Logprobs { choice: CHOICE, logprobs: json!({ "content": content, "refusal": null }) })
}

/// A whole answer as deltas.
pub(super) fn whole(body: &[u8]) -> Result<Vec<Delta>, Fault> {
    let text = lossy(body);
    let nonsense = || {
        complaint::in_band(&text).unwrap_or_else(|| complaint::nonsense("The provider's answer cannot be read", &text))
    };
    let answer: Answer = serde_json::from_str(text.trim()).map_err(|_| nonsense())?;
    let message = answer.message.ok_or_else(nonsense)?;
    let (mut decoder, mut out) = (EventDecoder::default(), Vec::new());
    out.push(Delta::Start { upstream_id: answer.id, model: None });
    decoder.message(0, message, &mut out);
    out.extend(answer.logprobs.as_ref().and_then(logprobs));
    let delta = EventDelta { finish_reason: answer.finish_reason, usage: answer.usage, ..EventDelta::default() };
    decoder.end(delta, &text, &mut out)?;
    Ok(out)
}
