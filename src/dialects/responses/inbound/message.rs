//! A message item while it is written: its parts, and what they say.

use serde_json::{Value, json};

use super::events::{Events, Place, TextDelta, WordsDelta};

/// A message whose parts are still coming.
#[derive(Debug)]
pub(super) struct Message {
    pub(super) id: String,
    pub(super) index: usize,
    /// Finished parts.
    parts: Vec<Value>,
    open: Option<Part>,
    /// Words that wait for their token probabilities, if the caller wants these.
    waiting: Option<String>,
}

/// The part that grows.
#[derive(Debug)]
enum Part {
    Text { text: String, annotations: Vec<Value>, logprobs: Vec<Value> },
    Refusal(String),
}

impl Part {
    fn value(&self) -> Value {
        match self {
            Self::Text { text, annotations, logprobs } => {
                json!({ "type": "output_text", "text": text, "annotations": annotations, "logprobs": logprobs })
            }
            Self::Refusal(refusal) => json!({ "type": "refusal", "refusal": refusal }),
        }
    }
}

impl Message {
    /// Announces a new message.
    pub(super) fn begin(id: String, index: usize, events: &mut Events, out: &mut Vec<u8>) -> Self {
        let message = Self { id, index, parts: Vec::new(), open: None, waiting: None };
        events.send(
            "response.output_item.added",
            &json!({ "output_index": index, "item": message.item("in_progress") }),
            out,
        );
        message
    }

    /// The next words. `waits` holds them back until their probabilities come.
    pub(super) fn text(&mut self, words: &str, waits: bool, events: &mut Events, out: &mut Vec<u8>) {
        self.release(&[], events, out);
        self.open_text(events, out);
        if let Some(Part::Text { text, .. }) = &mut self.open {
            text.push_str(words);
        }
        if waits {
            self.waiting = Some(words.to_owned());
        } else {
            let place = self.place();
            events.send("response.output_text.delta", &TextDelta { place, delta: words, logprobs: &[] }, out);
        }
    }

    /// The probabilities of the words before.
    pub(super) fn logprobs(&mut self, tokens: &[Value], events: &mut Events, out: &mut Vec<u8>) {
        self.open_text(events, out);
        self.release(tokens, events, out);
        if let Some(Part::Text { logprobs, .. }) = &mut self.open {
            logprobs.extend_from_slice(tokens);
        }
    }

    pub(super) fn annotation(&mut self, annotation: &Value, events: &mut Events, out: &mut Vec<u8>) {
        self.release(&[], events, out);
        self.open_text(events, out);
        let Some(Part::Text { annotations, .. }) = &mut self.open else { return };
        annotations.push(annotation.clone());
        let number = annotations.len().saturating_sub(1);
        let Place { item_id, output_index, content_index } = self.place();
        let event = json!({
            "item_id": item_id,
            "output_index": output_index,
            "content_index": content_index,
            "annotation_index": number,
            "annotation": annotation,
        });
        events.send("response.output_text.annotation.added", &event, out);
    }

    pub(super) fn refusal(&mut self, words: &str, events: &mut Events, out: &mut Vec<u8>) {
        self.release(&[], events, out);
        if !matches!(self.open, Some(Part::Refusal(_))) {
            self.close_part(events, out);
            self.open_part(Part::Refusal(String::new()), events, out);
        }
        if let Some(Part::Refusal(refusal)) = &mut self.open {
            refusal.push_str(words);
        }
        let place = self.place();
        events.send("response.refusal.delta", &WordsDelta { place, delta: words }, out);
    }

    /// The finished item, announced.
    pub(super) fn end(mut self, status: &str, events: &mut Events, out: &mut Vec<u8>) -> Value {
        self.close_part(events, out);
        let item = self.item(status);
        events.send("response.output_item.done", &json!({ "output_index": self.index, "item": item }), out);
        item
    }

    fn item(&self, status: &str) -> Value {
        json!({ "type": "message", "id": self.id, "status": status, "role": "assistant", "content": self.parts })
    }

    fn place(&self) -> Place<'_> {
        Place { item_id: &self.id, output_index: self.index, content_index: self.parts.len() }
    }

    /// Sends the words that waited.
    fn release(&mut self, logprobs: &[Value], events: &mut Events, out: &mut Vec<u8>) {
        if let Some(words) = self.waiting.take() {
            let place = self.place();
            events.send("response.output_text.delta", &TextDelta { place, delta: &words, logprobs }, out);
        }
    }

    fn open_text(&mut self, events: &mut Events, out: &mut Vec<u8>) {
        if !matches!(self.open, Some(Part::Text { .. })) {
            self.close_part(events, out);
            let part = Part::Text { text: String::new(), annotations: Vec::new(), logprobs: Vec::new() };
            self.open_part(part, events, out);
        }
    }

    fn open_part(&mut self, part: Part, events: &mut Events, out: &mut Vec<u8>) {
        self.part_event("response.content_part.added", &part.value(), events, out);
        self.open = Some(part);
    }

    fn close_part(&mut self, events: &mut Events, out: &mut Vec<u8>) {
        self.release(&[], events, out);
        let Some(part) = self.open.take() else { return };
        let Place { item_id, output_index, content_index } = self.place();
        let mut done = json!({ "item_id": item_id, "output_index": output_index, "content_index": content_index });
        let kind = match &part {
            Part::Text { text, logprobs, .. } => {
                done["text"] = Value::from(text.as_str());
                done["logprobs"] = Value::from(logprobs.clone());
                "response.output_text.done"
            }
            Part::Refusal(refusal) => {
                done["refusal"] = Value::from(refusal.as_str());
                "response.refusal.done"
            }
        };
        events.send(kind, &done, out);
        let value = part.value();
        self.part_event("response.content_part.done", &value, events, out);
        self.parts.push(value);
    }

    fn part_event(&self, kind: &str, part: &Value, events: &mut Events, out: &mut Vec<u8>) {
        let Place { item_id, output_index, content_index } = self.place();
        let event = json!({
            "item_id": item_id,
            "output_index": output_index,
            "content_index": content_index,
            "part": part,
        });
        events.send(kind, &event, out);
    }
}
