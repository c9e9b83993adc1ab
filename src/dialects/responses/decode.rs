//! Events and whole answers of this API to deltas.

use std::collections::BTreeMap;

use app::types::sse::ServerSentEvent;
use serde_json::value::RawValue;
use serde_json::{Map, Value, json};

use super::wire::{Event, Response};
use crate::dialects::text::{Text, lossy};
use crate::dialects::{Decoder, Delta, Fault, FinishReason, arguments, complaint, reasoning};

/// This API gives one answer.
const CHOICE: u32 = 0;

/// Reads one streamed answer. Items are told apart by `output_index`: some
/// gateways change an item's id on the way.
#[derive(Debug, Default)]
pub(super) struct EventDecoder {
    /// Of the provider's encrypted reasoning.
    format: String,
    has_started: bool,
    items: BTreeMap<u32, Item>,
    calls: u32,
    thoughts: u32,
    searches: u64,
    has_stopped: bool,
}

/// What has come of one item.
#[derive(Debug, Default)]
#[expect(clippy::struct_excessive_bools, reason = "each is a claim of its own")]
struct Item {
    /// Its number among the tool calls.
    call: Option<u32>,
    /// Its number among the reasoning items.
    thought: Option<u32>,
    has_text: bool,
    has_refusal: bool,
    has_summary: bool,
    has_words: bool,
    has_arguments: bool,
    has_annotations: bool,
}

impl EventDecoder {
    pub(super) fn new(format: &str) -> Self {
        Self { format: format.to_owned(), ..Self::default() }
    }
}

impl Decoder for EventDecoder {
    fn event(&mut self, event: &ServerSentEvent, out: &mut Vec<Delta>) -> Result<(), Fault> {
        let data = event.data.trim();
        if data.is_empty() || data == "[DONE]" || self.has_stopped {
            return Ok(());
        }
        let nonsense = || complaint::nonsense("The provider sent an event that cannot be read", data);
        let wire: Event<'_> =
            serde_json::from_str(data).map_err(|_| complaint::in_band(data).unwrap_or_else(nonsense))?;
        let index = wire.output_index.unwrap_or(0);
        match wire.kind.as_ref().map_or("", Text::as_str) {
            "response.created" | "response.in_progress" | "response.queued" => {
                if let Some(response) = wire.response.and_then(read::<Response>) {
                    self.start(response.id, response.model, out);
                }
            }
            "response.output_item.added" => {
                if let Some(item) = wire.item.and_then(read) {
                    self.open(index, &item, out);
                }
            }
            "response.output_item.done" => {
                if let Some(item) = wire.item.and_then(read) {
                    self.close(index, &item, out);
                }
            }
            "response.completed" | "response.incomplete" | "response.failed" | "response.cancelled" => {
                let response = wire.response.and_then(read::<Response>).ok_or_else(nonsense)?;
                self.end(response, data, out)?;
            }
            "error" => {
                let fault = complaint::in_band(data);
                return Err(fault.unwrap_or_else(|| complaint::nonsense("The provider reported a failure", data)));
            }
            // A bare error object without a type, as some servers of this API send it.
            "" => return complaint::in_band(data).map_or(Ok(()), Err),
            kind => self.piece(kind, &wire, out),
        }
        Ok(())
    }

    fn finish(&mut self, stray: &str, _: &mut Vec<Delta>) -> Result<(), Fault> {
        match complaint::in_band(stray) {
            Some(fault) => Err(fault),
            None if self.has_stopped => Ok(()),
            None => Err(complaint::cut()),
        }
    }

    fn is_done(&self) -> bool {
        self.has_stopped
    }
}

impl EventDecoder {
    fn start(&mut self, upstream_id: Option<String>, model: Option<String>, out: &mut Vec<Delta>) {
        if !std::mem::replace(&mut self.has_started, true) {
            out.push(Delta::Start { upstream_id, model });
        }
    }

    /// The next piece of an item.
    fn piece(&mut self, kind: &str, wire: &Event<'_>, out: &mut Vec<Delta>) {
        let index = wire.output_index.unwrap_or(0);
        let delta = || wire.delta.and_then(read::<String>).filter(|delta| !delta.is_empty());
        let id = || wire.item_id.as_ref().map(|id| id.as_str().to_owned());
        match kind {
            "response.output_text.delta" => {
                self.item(index).has_text = true;
                out.extend(delta().map(|text| Delta::Text { choice: CHOICE, text }));
                let logprobs: Option<Vec<Value>> = wire.logprobs.and_then(read);
                out.extend(logprobs.as_deref().and_then(logprobs_delta));
            }
            "response.refusal.delta" => {
                self.item(index).has_refusal = true;
                out.extend(delta().map(|text| Delta::Refusal { choice: CHOICE, text }));
            }
            "response.reasoning_summary_text.delta" => {
                self.item(index).has_summary = true;
                let part = wire.summary_index.unwrap_or(0);
                out.extend(delta().map(|words| self.thought(index, id(), ("reasoning.summary", part, words))));
            }
            "response.reasoning_text.delta" => {
                self.item(index).has_words = true;
                let part = wire.content_index.unwrap_or(0);
                out.extend(delta().map(|words| self.thought(index, id(), ("reasoning.text", part, words))));
            }
            "response.function_call_arguments.delta" | "response.custom_tool_call_input.delta" => {
                // The input of a custom tool is text, not JSON; it comes with the finished item.
                if kind.contains("custom") {
                    return;
                }
                let item = self.item(index);
                if let (Some(call), Some(piece)) = (item.call, delta()) {
                    item.has_arguments = true;
                    out.push(arguments_delta(call, piece));
                }
            }
            "response.output_text.annotation.added" => {
                self.item(index).has_annotations = true;
                out.extend(wire.annotation.and_then(read).and_then(|own| annotation_delta(&own)));
            }
            // New kinds of events are additions.
            _ => {}
        }
    }

    fn open(&mut self, index: u32, item: &Value, out: &mut Vec<Delta>) {
        let kind = text(item, "type");
        if matches!(kind, Some("function_call" | "custom_tool_call")) {
            self.call(index, item, out);
        }
    }

    /// The number of the call at `index`, announced when it is new.
    fn call(&mut self, index: u32, item: &Value, out: &mut Vec<Delta>) -> u32 {
        if let Some(call) = self.item(index).call {
            return call;
        }
        let call = self.calls;
        self.calls = self.calls.saturating_add(1);
        self.item(index).call = Some(call);
        out.push(Delta::ToolCall {
            choice: CHOICE,
            index: call,
            id: text(item, "call_id").or_else(|| text(item, "id")).map(str::to_owned),
            name: Some(text(item, "name").unwrap_or_default().to_owned()),
            arguments: String::new(),
        });
        call
    }

    /// A finished item: what its pieces have not said already.
    fn close(&mut self, index: u32, item: &Value, out: &mut Vec<Delta>) {
        match text(item, "type").unwrap_or_default() {
            "message" => self.close_message(index, item, out),
            "reasoning" => self.close_thought(index, item, out),
            "function_call" => {
                let call = self.call(index, item, out);
                if !std::mem::replace(&mut self.item(index).has_arguments, true) {
                    let whole = text(item, "arguments").unwrap_or_default();
                    out.extend((!whole.is_empty()).then(|| arguments_delta(call, whole.to_owned())));
                }
            }
            "custom_tool_call" => {
                let call = self.call(index, item, out);
                if !std::mem::replace(&mut self.item(index).has_arguments, true) {
                    let input = text(item, "input").unwrap_or_default();
                    let whole = arguments::object_or_wrapped(input, "input").get().to_owned();
                    out.push(arguments_delta(call, whole));
                }
            }
            "image_generation_call" => out.extend(image_delta(item)),
            "web_search_call" => {
                // Opening a page that was found costs nothing by itself.
                let action = item.get("action").and_then(|action| text(action, "type"));
                if action.is_none_or(|action| action == "search") {
                    self.searches = self.searches.saturating_add(1);
                }
            }
            // Tools the provider ran itself; what they found is in the text.
            _ => {}
        }
    }

    fn close_message(&mut self, index: u32, item: &Value, out: &mut Vec<Delta>) {
        let Item { has_text, has_refusal, has_annotations, .. } = *self.item(index);
        for part in list(item, "content") {
            match text(part, "type").unwrap_or_default() {
                "output_text" | "text" => {
                    let words = text(part, "text").filter(|words| !has_text && !words.is_empty());
                    out.extend(words.map(|words| Delta::Text { choice: CHOICE, text: words.to_owned() }));
                    if !has_text {
                        out.extend(logprobs_delta(list(part, "logprobs")));
                    }
                    if !has_annotations {
                        out.extend(list(part, "annotations").iter().filter_map(annotation_delta));
                    }
                }
                "refusal" if !has_refusal => {
                    let words = text(part, "refusal").filter(|words| !words.is_empty());
                    out.extend(words.map(|words| Delta::Refusal { choice: CHOICE, text: words.to_owned() }));
                }
                "output_audio" => {
                    let audio = json!({ "data": part.get("data"), "transcript": part.get("transcript") });
                    out.push(Delta::Audio { choice: CHOICE, audio });
                }
                _ => {}
            }
        }
    }

    /// Only now the encrypted content is the one that may be sent back.
    fn close_thought(&mut self, index: u32, item: &Value, out: &mut Vec<Delta>) {
        let id = || text(item, "id").map(str::to_owned);
        let Item { has_summary, has_words, .. } = *self.item(index);
        for (key, kind, is_known) in
            [("summary", "reasoning.summary", has_summary), ("content", "reasoning.text", has_words)]
        {
            for (part, words) in list(item, key).iter().filter_map(|part| text(part, "text")).enumerate() {
                if !is_known && !words.is_empty() {
                    let part = u32::try_from(part).unwrap_or(u32::MAX);
                    out.push(self.thought(index, id(), (kind, part, words.to_owned())));
                }
            }
        }
        if let Some(data) = text(item, "encrypted_content").filter(|data| !data.is_empty()) {
            let number = self.thought_number(index);
            let detail = reasoning::encrypted_detail(data, &self.format, number, id().as_deref());
            out.push(Delta::ReasoningDetail { choice: CHOICE, detail });
        }
    }

    /// Words of a reasoning item. `part` tells the paragraphs of a summary apart.
    fn thought(&mut self, index: u32, id: Option<String>, (kind, part, words): (&str, u32, String)) -> Delta {
        let number = self.thought_number(index);
        let mut fields = Map::new();
        fields.insert("type".to_owned(), Value::from(kind));
        fields.insert(kind.trim_start_matches("reasoning.").to_owned(), Value::from(words));
        fields.insert("format".to_owned(), Value::from(self.format.as_str()));
        fields.insert("index".to_owned(), Value::from(number));
        if let Some(id) = id {
            fields.insert("id".to_owned(), Value::from(id));
        }
        if part > 0 {
            fields.insert("part".to_owned(), Value::from(part));
        }
        Delta::ReasoningDetail { choice: CHOICE, detail: Value::Object(fields) }
    }

    fn thought_number(&mut self, index: u32) -> u32 {
        let next = self.thoughts;
        let item = self.item(index);
        if let Some(number) = item.thought {
            return number;
        }
        item.thought = Some(next);
        self.thoughts = self.thoughts.saturating_add(1);
        next
    }

    fn end(&mut self, response: Response, data: &str, out: &mut Vec<Delta>) -> Result<(), Fault> {
        self.start(response.id, response.model, out);
        // A provider that streams no items at all still has them here.
        if self.items.is_empty() {
            for (index, item) in response.output.iter().flatten().enumerate() {
                self.close(u32::try_from(index).unwrap_or(u32::MAX), item, out);
            }
        }
        if let Some(usage) = response.usage {
            out.push(Delta::Usage(usage.counts(self.searches)));
        }
        if let Some(tier) = response.service_tier {
            out.push(Delta::Extra { key: "service_tier", value: tier });
        }
        let status = response.status.unwrap_or_else(|| "completed".to_owned());
        if let Some(error) = response.error.filter(|error| !error.is_null()) {
            let text = json!({ "error": error }).to_string();
            return Err(complaint::in_band(&text)
                .unwrap_or_else(|| complaint::nonsense("The provider reported a failure", data)));
        }
        match status.as_str() {
            "failed" | "cancelled" => {
                return Err(complaint::nonsense("The provider reported a failure without a reason", data));
            }
            "queued" | "in_progress" => {
                return Err(complaint::nonsense("The provider's answer is not finished", data));
            }
            _ => {}
        }
        let cause = response.incomplete_details.and_then(|details| details.reason);
        let reason = match cause.as_deref() {
            Some("content_filter") => FinishReason::ContentFilter,
            Some(_) => FinishReason::Length,
            None if status == "incomplete" => FinishReason::Length,
            None if self.calls > 0 => FinishReason::ToolCalls,
            None => FinishReason::Stop,
        };
        out.push(Delta::Finish { choice: CHOICE, reason, native: Some(cause.unwrap_or(status)) });
        self.has_stopped = true;
        Ok(())
    }

    fn item(&mut self, index: u32) -> &mut Item {
        self.items.entry(index).or_default()
    }
}

/// A whole answer as deltas.
pub(super) fn whole(format: &str, body: &[u8]) -> Result<Vec<Delta>, Fault> {
    let text = lossy(body);
    let text = text.trim();
    let nonsense = || {
        complaint::in_band(text).unwrap_or_else(|| complaint::nonsense("The provider's answer cannot be read", text))
    };
    let response: Response = serde_json::from_str(text).map_err(|_| nonsense())?;
    if response.output.is_none() {
        return Err(nonsense());
    }
    let (mut decoder, mut out) = (EventDecoder::new(format), Vec::new());
    decoder.end(response, text, &mut out)?;
    Ok(out)
}

fn read<'a, T: serde::Deserialize<'a>>(raw: &'a RawValue) -> Option<T> {
    serde_json::from_str(raw.get()).ok()
}

fn text<'a>(value: &'a Value, key: &str) -> Option<&'a str> {
    value.get(key).and_then(Value::as_str)
}

fn list<'a>(value: &'a Value, key: &str) -> &'a [Value] {
    value.get(key).and_then(Value::as_array).map_or(&[], Vec::as_slice)
}

fn arguments_delta(index: u32, arguments: String) -> Delta {
    Delta::ToolCall { choice: CHOICE, index, id: None, name: None, arguments }
}

fn logprobs_delta(tokens: &[Value]) -> Option<Delta> {
    (!tokens.is_empty()).then(|| Delta::Logprobs { choice: CHOICE, logprobs: json!({ "content": tokens }) })
}

/// Flat here, nested in chat completions. Citations of files have no word there.
fn annotation_delta(annotation: &Value) -> Option<Delta> {
    if text(annotation, "type") != Some("url_citation") {
        return None;
    }
    let citation = json!({
        "url": text(annotation, "url")?,
        "title": text(annotation, "title").unwrap_or_default(),
        "content": text(annotation, "content").unwrap_or_default(),
        "start_index": annotation.get("start_index").and_then(Value::as_u64).unwrap_or(0),
        "end_index": annotation.get("end_index").and_then(Value::as_u64).unwrap_or(0),
    });
    let annotation = json!({ "type": "url_citation", "url_citation": citation });
    Some(Delta::Annotation { choice: CHOICE, annotation })
}

fn image_delta(item: &Value) -> Option<Delta> {
    let data = text(item, "result").filter(|data| !data.is_empty())?;
    let format = text(item, "output_format").unwrap_or("png");
    let url = format!("data:image/{format};base64,{data}");
    Some(Delta::Image { choice: CHOICE, image: json!({ "type": "image_url", "image_url": { "url": url } }) })
}
