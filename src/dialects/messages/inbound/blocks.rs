//! Deltas as Anthropic's content blocks: what begins, grows and ends.

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::{Map, Value, json};

use crate::dialects::answer::{CallIds, Ending};
use crate::dialects::{Delta, Dialect, FinishReason, reasoning};

/// One step of the content. The number is the block's index.
pub(super) enum Step<'a> {
    Start(usize, Value),
    Grow(usize, Change<'a>),
    Stop(usize),
}

/// How a block grows, as `content_block_delta` shows it.
#[derive(Serialize)]
#[serde(tag = "type")]
pub(super) enum Change<'a> {
    #[serde(rename = "text_delta")]
    Text { text: &'a str },
    #[serde(rename = "input_json_delta")]
    Input { partial_json: &'a str },
    #[serde(rename = "thinking_delta")]
    Thinking { thinking: &'a str },
    #[serde(rename = "signature_delta")]
    Signature { signature: &'a str },
    #[serde(rename = "citations_delta")]
    Citation { citation: Value },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Text,
    /// By the index of the reasoning; `None` for plain words.
    Thinking(Option<u64>),
    Call(u32),
}

/// Sorts the deltas of one answer into blocks.
#[derive(Debug)]
pub(super) struct Blocks {
    count: usize,
    open: Option<(usize, Kind)>,
    /// Whole blocks that came while a call was open, to follow it.
    later: Vec<Value>,
    /// The block of each call.
    calls: BTreeMap<u32, usize>,
    ids: CallIds,
    omits_thinking: bool,
    /// The answer comes from Anthropic: its own citations and details count.
    is_native: bool,
    /// Anthropic's own fields of the block that begins next.
    fields: Map<String, Value>,
    /// Anthropic's own fields of the message, from before and behind its content.
    pub(super) start: Map<String, Value>,
    pub(super) end: Map<String, Value>,
    pub(super) refusal: String,
    /// The service tier that served, in the provider's word.
    pub(super) tier: Option<String>,
    pub(super) ending: Ending,
}

type Sink<'s> = &'s mut dyn FnMut(Step<'_>);

impl Blocks {
    pub(super) fn new(heading_id: &str, omits_thinking: bool) -> Self {
        Self {
            count: 0,
            open: None,
            later: Vec::new(),
            calls: BTreeMap::new(),
            ids: CallIds::new(heading_id),
            omits_thinking,
            is_native: false,
            fields: Map::new(),
            start: Map::new(),
            end: Map::new(),
            refusal: String::new(),
            tier: None,
            ending: None,
        }
    }

    pub(super) fn has_calls(&self) -> bool {
        !self.calls.is_empty()
    }

    /// Takes the next delta. Anthropic gives one answer: further choices have no place.
    pub(super) fn take(&mut self, delta: &Delta, sink: Sink<'_>) {
        match delta {
            Delta::Text { choice: 0, text } if !text.is_empty() => self.text(text, sink),
            Delta::Refusal { choice: 0, text } => {
                self.refusal.push_str(text);
                // Anthropic's own explanation is no part of the content.
                if !self.is_native && !text.is_empty() {
                    self.text(text, sink);
                }
            }
            Delta::Reasoning { choice: 0, text } if !text.is_empty() => self.think(None, text, sink),
            Delta::ReasoningDetail { choice: 0, detail } => self.detail(detail, sink),
            Delta::ToolCall { choice: 0, index, id, name, arguments } => {
                let block = self.call(*index, id.as_deref(), name.as_deref(), sink);
                if !arguments.is_empty() {
                    sink(Step::Grow(block, Change::Input { partial_json: arguments }));
                }
            }
            Delta::Extra { key: "service_tier", value } => self.tier = value.as_str().map(str::to_owned),
            Delta::Image { choice: 0, image } => {
                let url = image.pointer("/image_url/url").and_then(Value::as_str).unwrap_or_default();
                self.whole(json!({ "type": "image", "source": image_source(url) }), sink);
            }
            Delta::Audio { choice: 0, audio } => {
                if let Some(words) = audio.get("transcript").and_then(Value::as_str) {
                    self.text(words, sink);
                }
            }
            Delta::Annotation { choice: 0, annotation } if !self.is_native => {
                if let Some(citation) = citation(annotation) {
                    self.cite(citation, sink);
                }
            }
            Delta::Native { choice: 0, dialect: Dialect::AnthropicMessages, piece } => self.native(piece, sink),
            Delta::Finish { choice: 0, reason, native } => self.ending = Some((*reason, native.clone())),
            _ => {}
        }
    }

    /// Ends the block that is open.
    pub(super) fn close(&mut self, sink: Sink<'_>) {
        if let Some((index, _)) = self.open.take() {
            sink(Step::Stop(index));
        }
        for block in std::mem::take(&mut self.later) {
            self.whole(block, sink);
        }
    }

    /// What Anthropic itself counted, the later word over the earlier.
    pub(super) fn own_usage(&self) -> Option<Value> {
        let mut usage = self.start.get("usage")?.as_object()?.clone();
        let newer = self.end.get("usage").and_then(Value::as_object).into_iter().flatten();
        usage.extend(newer.filter(|(_, value)| !value.is_null()).map(|(name, value)| (name.clone(), value.clone())));
        Some(usage.into())
    }

    fn begin(&mut self, kind: Kind, mut block: Value, sink: Sink<'_>) -> usize {
        self.close(sink);
        if let Some(fields) = block.as_object_mut() {
            fields.append(&mut self.fields);
        }
        let index = self.count;
        self.count = self.count.saturating_add(1);
        self.open = Some((index, kind));
        sink(Step::Start(index, block));
        index
    }

    fn whole(&mut self, block: Value, sink: Sink<'_>) {
        // The rest of a call may still come.
        if matches!(self.open, Some((_, Kind::Call(_)))) {
            return self.later.push(block);
        }
        self.close(sink);
        sink(Step::Start(self.count, block));
        sink(Step::Stop(self.count));
        self.count = self.count.saturating_add(1);
    }

    fn text_block(&mut self, sink: Sink<'_>) -> usize {
        match self.open {
            Some((index, Kind::Text)) => index,
            _ => self.begin(Kind::Text, json!({ "type": "text", "text": "", "citations": null }), sink),
        }
    }

    fn text(&mut self, text: &str, sink: Sink<'_>) {
        let index = self.text_block(sink);
        sink(Step::Grow(index, Change::Text { text }));
    }

    fn cite(&mut self, citation: Value, sink: Sink<'_>) {
        let index = self.text_block(sink);
        sink(Step::Grow(index, Change::Citation { citation }));
    }

    fn thinking_block(&mut self, number: Option<u64>, sink: Sink<'_>) -> usize {
        match self.open {
            Some((index, Kind::Thinking(open))) if open == number => index,
            _ => {
                let block = json!({ "type": "thinking", "thinking": "", "signature": "" });
                self.begin(Kind::Thinking(number), block, sink)
            }
        }
    }

    fn think(&mut self, number: Option<u64>, words: &str, sink: Sink<'_>) {
        let index = self.thinking_block(number, sink);
        if !self.omits_thinking {
            sink(Step::Grow(index, Change::Thinking { thinking: words }));
        }
    }

    fn detail(&mut self, detail: &Value, sink: Sink<'_>) {
        let text = |key: &str| detail.get(key).and_then(Value::as_str).filter(|text| !text.is_empty());
        let number = detail.get("index").and_then(Value::as_u64);
        if let Some(words) = reasoning::words(detail) {
            self.think(number, words, sink);
        }
        let is_own = text("format") == Some(reasoning::ANTHROPIC);
        match (text("signature"), text("data")) {
            (Some(signature), _) if is_own => {
                let index = self.thinking_block(number, sink);
                sink(Step::Grow(index, Change::Signature { signature }));
            }
            (_, Some(data)) if is_own => self.whole(json!({ "type": "redacted_thinking", "data": data }), sink),
            // What another company signed comes back to it through this client.
            (Some(_), _) | (_, Some(_)) => {
                let mut kept = detail.clone();
                if let Some(fields) = kept.as_object_mut() {
                    fields.shift_remove("text");
                }
                self.whole(json!({ "type": "redacted_thinking", "data": reasoning::wrapped(&kept) }), sink);
            }
            (None, None) => {}
        }
    }

    fn call(&mut self, index: u32, id: Option<&str>, name: Option<&str>, sink: Sink<'_>) -> usize {
        if let Some(block) = self.calls.get(&index) {
            return *block;
        }
        let id = self.ids.claim(id);
        let block = json!({ "type": "tool_use", "id": id, "name": name.unwrap_or_default(), "input": {} });
        let block = self.begin(Kind::Call(index), block, sink);
        self.calls.insert(index, block);
        block
    }

    fn native(&mut self, piece: &Value, sink: Sink<'_>) {
        self.is_native = true;
        for (kind, value) in piece.as_object().into_iter().flatten() {
            match (kind.as_str(), value) {
                ("start", Value::Object(fields)) => {
                    self.start.extend(fields.clone());
                    self.start.entry("usage").or_insert_with(|| json!({}));
                }
                ("end", Value::Object(fields)) => self.end.extend(fields.clone()),
                ("fields", Value::Object(fields)) => {
                    self.close(sink);
                    self.fields.clone_from(fields);
                }
                ("split", _) => self.close(sink),
                ("block", block) => self.whole(block.clone(), sink),
                ("citation", citation) => self.cite(citation.clone(), sink),
                _ => {}
            }
        }
    }
}

/// OpenAI's annotation as a citation of Anthropic's web search.
fn citation(annotation: &Value) -> Option<Value> {
    let cited = annotation.get("url_citation")?;
    let text = |key: &str| cited.get(key).and_then(Value::as_str).unwrap_or_default();
    Some(json!({
        "type": "web_search_result_location",
        "url": text("url"),
        "title": text("title"),
        "cited_text": text("content"),
        "encrypted_index": "",
    }))
}

fn image_source(url: &str) -> Value {
    match crate::dialects::media::split_data_url(url) {
        Some((media_type, data)) => json!({ "type": "base64", "media_type": media_type, "data": data }),
        None => json!({ "type": "url", "url": url }),
    }
}

/// Anthropic's word for the reason a choice ended.
pub(super) fn stop_reason(reason: FinishReason, native: Option<&str>) -> &'static str {
    match (reason, native) {
        (FinishReason::Stop, Some("stop_sequence")) => "stop_sequence",
        (FinishReason::Stop, Some("pause_turn")) => "pause_turn",
        (FinishReason::Stop | FinishReason::Error, _) => "end_turn",
        (FinishReason::Length, Some("model_context_window_exceeded")) => "model_context_window_exceeded",
        (FinishReason::Length, _) => "max_tokens",
        (FinishReason::ToolCalls, _) => "tool_use",
        (FinishReason::ContentFilter, _) => "refusal",
    }
}
