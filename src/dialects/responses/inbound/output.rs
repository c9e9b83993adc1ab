//! The list `output`: deltas become items, one after the other. The same for a
//! stream, whose events are sent, and for an answer in one piece.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::events::{ArgumentsDelta, Events};
use super::message::Message;
use super::thought::Thought;
use crate::dialects::answer::CallIds;
use crate::dialects::responses::thoughts;
use crate::dialects::{Delta, media, reasoning};

/// This API gives one answer.
const CHOICE: u32 = 0;

/// Items so far, by `output_index`.
#[derive(Debug)]
pub(super) struct Output {
    pub(super) events: Events,
    items: Vec<Value>,
    message: Option<Message>,
    thought: Option<Thought>,
    /// By the call's number. Calls may come interleaved.
    calls: BTreeMap<u32, Call>,
    call_ids: CallIds,
    /// Letters and digits of the generation id, for ids of items.
    seed: String,
    wants_logprobs: bool,
}

#[derive(Debug)]
struct Call {
    index: usize,
    id: String,
    /// What joins it with its output: `call_…`.
    joint: String,
    name: String,
    arguments: String,
    is_done: bool,
}

impl Call {
    fn item(&self, status: &str, arguments: &str) -> Value {
        json!({
            "type": "function_call",
            "id": self.id,
            "status": status,
            "call_id": self.joint,
            "name": self.name,
            "arguments": arguments,
        })
    }

    /// Its arguments are one JSON value: nothing more belongs to it.
    fn is_whole(&self) -> bool {
        serde_json::from_str::<serde::de::IgnoredAny>(&self.arguments).is_ok()
    }
}

impl Output {
    pub(super) fn new(heading_id: &str, wants_logprobs: bool, is_silent: bool) -> Self {
        let seed = heading_id.strip_prefix("gen-").unwrap_or(heading_id);
        Self {
            events: Events { is_silent, ..Events::default() },
            items: Vec::new(),
            message: None,
            thought: None,
            calls: BTreeMap::new(),
            call_ids: CallIds::new(heading_id),
            seed: seed.chars().filter(char::is_ascii_alphanumeric).collect(),
            wants_logprobs,
        }
    }

    /// Takes the next piece of the answer.
    pub(super) fn add(&mut self, delta: &Delta, out: &mut Vec<u8>) {
        match delta {
            Delta::Text { choice: CHOICE, text } if !text.is_empty() => {
                let waits = self.wants_logprobs;
                self.in_message(out, |message, events, out| message.text(text, waits, events, out));
            }
            Delta::Refusal { choice: CHOICE, text } if !text.is_empty() => {
                self.in_message(out, |message, events, out| message.refusal(text, events, out));
            }
            Delta::Annotation { choice: CHOICE, annotation } => {
                let annotation = flat(annotation);
                self.in_message(out, |message, events, out| message.annotation(&annotation, events, out));
            }
            Delta::Logprobs { choice: CHOICE, logprobs } => {
                let tokens = logprobs.get("content").and_then(Value::as_array).cloned().unwrap_or_default();
                if !tokens.is_empty() {
                    self.in_message(out, |message, events, out| message.logprobs(&tokens, events, out));
                }
            }
            Delta::Reasoning { choice: CHOICE, text } if !text.is_empty() => {
                self.think(&reasoning::text_detail(text, reasoning::UNKNOWN, 0), out);
            }
            Delta::ReasoningDetail { choice: CHOICE, detail } => self.think(detail, out),
            Delta::ToolCall { choice: CHOICE, index, id, name, arguments } => {
                self.call(*index, id.as_deref(), name.as_deref(), arguments, out);
            }
            Delta::Image { choice: CHOICE, image } => self.image(image, out),
            Delta::Audio { choice: CHOICE, audio } => self.audio(audio, out),
            _ => {}
        }
    }

    /// Ends what is open. `is_cut`: the answer ended before it was complete.
    pub(super) fn end(&mut self, is_cut: bool, out: &mut Vec<u8>) {
        self.close_thought(out);
        self.close_message(if is_cut { "incomplete" } else { "completed" }, out);
        let open: Vec<u32> = self.calls.keys().copied().collect();
        for number in open {
            self.close_call(number, is_cut, out);
        }
    }

    /// The finished items.
    pub(super) fn items(&self) -> &[Value] {
        &self.items
    }

    fn in_message(&mut self, out: &mut Vec<u8>, write: impl FnOnce(&mut Message, &mut Events, &mut Vec<u8>)) {
        self.close_thought(out);
        self.close_whole_calls(out);
        if self.message.is_none() {
            let (index, id) = self.claim("msg");
            self.message = Some(Message::begin(id, index, &mut self.events, out));
        }
        if let Some(message) = &mut self.message {
            write(message, &mut self.events, out);
        }
    }

    fn think(&mut self, detail: &Value, out: &mut Vec<u8>) {
        let key = thoughts::key_of(detail);
        if self.thought.as_ref().is_none_or(|thought| thought.key != key) {
            self.close_thought(out);
            self.close_message("completed", out);
            self.close_whole_calls(out);
            let (index, mut id) = self.claim("rs");
            // The provider knows its reasoning by its own id.
            if let Some(own) = detail.get("id").and_then(Value::as_str).filter(|own| own.starts_with("rs_")) {
                own.clone_into(&mut id);
            }
            self.thought = Some(Thought::begin(id, index, key, &mut self.events, out));
        }
        if let Some(thought) = &mut self.thought {
            thought.detail(detail, &mut self.events, out);
        }
    }

    fn call(&mut self, number: u32, id: Option<&str>, name: Option<&str>, arguments: &str, out: &mut Vec<u8>) {
        if !self.calls.contains_key(&number) {
            self.close_thought(out);
            self.close_message("completed", out);
            self.close_whole_calls(out);
            let (index, item_id) = self.claim("fc");
            let call = Call {
                index,
                id: item_id,
                joint: self.call_ids.claim(id),
                name: name.unwrap_or_default().to_owned(),
                arguments: String::new(),
                is_done: false,
            };
            let added = json!({ "output_index": index, "item": call.item("in_progress", "") });
            self.events.send("response.output_item.added", &added, out);
            self.calls.insert(number, call);
        }
        let Some(call) = self.calls.get_mut(&number).filter(|call| !call.is_done && !arguments.is_empty()) else {
            return;
        };
        call.arguments.push_str(arguments);
        let delta = ArgumentsDelta { item_id: &call.id, output_index: call.index, delta: arguments };
        self.events.send("response.function_call_arguments.delta", &delta, out);
    }

    fn close_whole_calls(&mut self, out: &mut Vec<u8>) {
        let whole: Vec<u32> =
            self.calls.iter().filter(|(_, call)| !call.is_done && call.is_whole()).map(|(number, _)| *number).collect();
        for number in whole {
            self.close_call(number, false, out);
        }
    }

    fn close_call(&mut self, number: u32, is_cut: bool, out: &mut Vec<u8>) {
        let Some(call) = self.calls.get_mut(&number).filter(|call| !call.is_done) else { return };
        call.is_done = true;
        if call.arguments.is_empty() && !is_cut {
            // A call without arguments would be text that is no JSON.
            "{}".clone_into(&mut call.arguments);
        }
        let status = if is_cut && !call.is_whole() { "incomplete" } else { "completed" };
        let item = call.item(status, &call.arguments);
        let done = json!({
            "item_id": call.id,
            "output_index": call.index,
            "name": call.name,
            "arguments": call.arguments,
        });
        self.events.send("response.function_call_arguments.done", &done, out);
        self.events.send("response.output_item.done", &json!({ "output_index": call.index, "item": item }), out);
        if let Some(slot) = self.items.get_mut(call.index) {
            *slot = item;
        }
    }

    fn image(&mut self, image: &Value, out: &mut Vec<u8>) {
        self.end_all_but_calls(out);
        let url = image.pointer("/image_url/url").and_then(Value::as_str).unwrap_or_default();
        let (format, result) = match media::split_data_url(url) {
            Some((media_type, data)) => (media_type.strip_prefix("image/"), data),
            None => (None, url),
        };
        let (index, id) = self.claim("ig");
        let mut item = json!({ "type": "image_generation_call", "id": id, "status": "in_progress", "result": null });
        self.events.send("response.output_item.added", &json!({ "output_index": index, "item": item }), out);
        let place = json!({ "output_index": index, "item_id": id });
        for step in ["in_progress", "generating", "completed"] {
            self.events.send(&format!("response.image_generation_call.{step}"), &place, out);
        }
        item["status"] = Value::from("completed");
        item["result"] = Value::from(result);
        if let Some(format) = format {
            item["output_format"] = Value::from(format);
        }
        self.events.send("response.output_item.done", &json!({ "output_index": index, "item": item }), out);
        if let Some(slot) = self.items.get_mut(index) {
            *slot = item;
        }
    }

    /// Sound has events of its own and no item.
    fn audio(&mut self, audio: &Value, out: &mut Vec<u8>) {
        for (key, kind) in [("data", "response.audio.delta"), ("transcript", "response.audio.transcript.delta")] {
            if let Some(delta) = audio.get(key).and_then(Value::as_str).filter(|delta| !delta.is_empty()) {
                self.events.send(kind, &json!({ "delta": delta }), out);
            }
        }
    }

    fn end_all_but_calls(&mut self, out: &mut Vec<u8>) {
        self.close_thought(out);
        self.close_message("completed", out);
        self.close_whole_calls(out);
    }

    fn close_message(&mut self, status: &str, out: &mut Vec<u8>) {
        let Some(message) = self.message.take() else { return };
        let index = message.index;
        let item = message.end(status, &mut self.events, out);
        if let Some(slot) = self.items.get_mut(index) {
            *slot = item;
        }
    }

    fn close_thought(&mut self, out: &mut Vec<u8>) {
        let Some(thought) = self.thought.take() else { return };
        let index = thought.index;
        let item = thought.end(&mut self.events, out);
        if let Some(slot) = self.items.get_mut(index) {
            *slot = item;
        }
    }

    /// The place and the id of a new item.
    fn claim(&mut self, prefix: &str) -> (usize, String) {
        let index = self.items.len();
        self.items.push(Value::Null);
        (index, format!("{prefix}_{}{index}", self.seed))
    }
}

/// Nested in chat completions, flat here.
fn flat(annotation: &Value) -> Value {
    let Some(Value::Object(citation)) = annotation.get("url_citation") else { return annotation.clone() };
    let mut flat = citation.clone();
    flat.insert("type".to_owned(), Value::from("url_citation"));
    for (name, least) in [("url", json!("")), ("title", json!("")), ("start_index", json!(0)), ("end_index", json!(0))]
    {
        flat.entry(name.to_owned()).or_insert(least);
    }
    Value::Object(flat)
}
