//! A reasoning item while it is written: summary, words, what is sealed.

use serde_json::{Value, json};

use super::events::{Events, Place, SummaryDelta, WordsDelta};
use crate::dialects::reasoning;
use crate::dialects::responses::thoughts;

/// A reasoning item that still grows.
#[derive(Debug)]
pub(super) struct Thought {
    pub(super) id: String,
    pub(super) index: usize,
    /// Which entries belong to it.
    pub(super) key: String,
    details: Vec<Value>,
    /// The part that grows, and its words.
    open: Option<(Kind, String)>,
    /// Finished parts of each kind.
    summaries: usize,
    texts: usize,
    /// Tells the paragraphs of the summary apart, as the provider numbers them.
    paragraph: Option<u64>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Summary,
    Words,
}

impl Thought {
    /// Announces a new item.
    pub(super) fn begin(id: String, index: usize, key: String, events: &mut Events, out: &mut Vec<u8>) -> Self {
        let item = json!({ "type": "reasoning", "id": id, "status": "in_progress", "summary": [] });
        events.send("response.output_item.added", &json!({ "output_index": index, "item": item }), out);
        Self { id, index, key, details: Vec::new(), open: None, summaries: 0, texts: 0, paragraph: None }
    }

    /// The next entry of `reasoning_details`, or the next piece of one.
    pub(super) fn detail(&mut self, detail: &Value, events: &mut Events, out: &mut Vec<u8>) {
        if let Some(words) = reasoning::words(detail) {
            let is_summary = detail.get("type").is_some_and(|kind| kind == "reasoning.summary");
            let kind = if is_summary { Kind::Summary } else { Kind::Words };
            let paragraph = detail.get("part").and_then(Value::as_u64);
            if self.open.as_ref().is_none_or(|(open, _)| *open != kind) || self.paragraph != paragraph {
                self.close_part(events, out);
                self.paragraph = paragraph;
                self.open_part(kind, events, out);
            }
            self.words(words, events, out);
        }
        reasoning::append(&mut self.details, detail.clone());
    }

    /// The finished item, announced.
    pub(super) fn end(mut self, events: &mut Events, out: &mut Vec<u8>) -> Value {
        self.close_part(events, out);
        let item = thoughts::item(&self.id, "completed", &self.details);
        events.send("response.output_item.done", &json!({ "output_index": self.index, "item": item }), out);
        item
    }

    fn words(&mut self, words: &str, events: &mut Events, out: &mut Vec<u8>) {
        let Some((kind, text)) = &mut self.open else { return };
        text.push_str(words);
        let (item_id, output_index) = (self.id.as_str(), self.index);
        match kind {
            Kind::Summary => {
                let delta = SummaryDelta { item_id, output_index, summary_index: self.summaries, delta: words };
                events.send("response.reasoning_summary_text.delta", &delta, out);
            }
            Kind::Words => {
                let place = Place { item_id, output_index, content_index: self.texts };
                events.send("response.reasoning_text.delta", &WordsDelta { place, delta: words }, out);
            }
        }
    }

    fn open_part(&mut self, kind: Kind, events: &mut Events, out: &mut Vec<u8>) {
        self.open = Some((kind, String::new()));
        self.part_events(
            kind,
            "",
            ["response.reasoning_summary_part.added", "response.content_part.added"],
            events,
            out,
        );
    }

    fn close_part(&mut self, events: &mut Events, out: &mut Vec<u8>) {
        let Some((kind, text)) = self.open.take() else { return };
        let mut done = json!({ "item_id": self.id, "output_index": self.index, "text": text });
        match kind {
            Kind::Summary => {
                done["summary_index"] = Value::from(self.summaries);
                events.send("response.reasoning_summary_text.done", &done, out);
            }
            Kind::Words => {
                done["content_index"] = Value::from(self.texts);
                events.send("response.reasoning_text.done", &done, out);
            }
        }
        self.part_events(
            kind,
            &text,
            ["response.reasoning_summary_part.done", "response.content_part.done"],
            events,
            out,
        );
        let count = match kind {
            Kind::Summary => &mut self.summaries,
            Kind::Words => &mut self.texts,
        };
        *count = count.saturating_add(1);
    }

    /// The begin or the end of a part: `names` for a summary and for words.
    fn part_events(&self, kind: Kind, text: &str, names: [&str; 2], events: &mut Events, out: &mut Vec<u8>) {
        let [of_summary, of_words] = names;
        let (name, position, index, part) = match kind {
            Kind::Summary => (of_summary, "summary_index", self.summaries, "summary_text"),
            Kind::Words => (of_words, "content_index", self.texts, "reasoning_text"),
        };
        let part = json!({ "type": part, "text": text });
        let mut event = json!({ "item_id": self.id, "output_index": self.index, "part": part });
        event[position] = Value::from(index);
        events.send(name, &event, out);
    }
}
