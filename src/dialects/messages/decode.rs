//! Reading Anthropic's answer: event by event, or whole.

use std::collections::BTreeMap;

use app::types::sse::ServerSentEvent;
use serde_json::value::RawValue;
use serde_json::{Value, json};

use super::opaque::{self, Opaque};
use super::wire::{Block, BlockDelta, Event, Message, StopDetails, WireUsage, finish_reason};
use crate::dialects::text::{Text, lossy, non_empty};
use crate::dialects::{Decoder, Delta, Fault, complaint, reasoning};

/// Anthropic gives one answer.
const CHOICE: u32 = 0;

/// Reads one streamed answer.
#[derive(Debug, Default)]
pub(super) struct EventDecoder {
    blocks: BTreeMap<u32, Open>,
    calls: u32,
    reasonings: u32,
    /// Characters of text so far, where citations point to.
    text_length: usize,
    usage: WireUsage,
    /// The block before this one was text, too.
    follows_text: bool,
    has_stopped: bool,
    is_done: bool,
}

/// An open block, by what its deltas mean.
#[derive(Debug)]
enum Open {
    Text,
    Thinking {
        index: u32,
    },
    Tool {
        index: u32,
        /// The input at the start is a placeholder, except where no delta follows.
        input: Option<String>,
    },
    /// Tools the provider runs itself, and kinds we do not know.
    Opaque(Opaque),
    /// Whole already.
    Closed,
}

impl Decoder for EventDecoder {
    fn event(&mut self, event: &ServerSentEvent, out: &mut Vec<Delta>) -> Result<(), Fault> {
        let data = event.data.trim();
        if data.is_empty() || self.is_done {
            return Ok(());
        }
        let wire: Event<'_> = serde_json::from_str(data).map_err(|_| {
            complaint::in_band(data)
                .unwrap_or_else(|| complaint::nonsense("The provider sent an event that cannot be read", data))
        })?;
        match wire.kind.as_str() {
            "message_start" => {
                if let Some(raw) = wire.message {
                    self.start(&parsed(raw)?, out);
                    out.extend(opaque::start(raw));
                }
            }
            "content_block_start" => {
                if let Some(raw) = wire.content_block {
                    let open = self.open(raw, out)?;
                    self.blocks.insert(wire.index.unwrap_or(0), open);
                }
            }
            "content_block_delta" => {
                let index = wire.index.unwrap_or(0);
                if let Some(Open::Opaque(block)) = self.blocks.get_mut(&index) {
                    block.add(data);
                } else if let Some(delta) = wire.delta {
                    self.delta(index, delta, out);
                }
            }
            "content_block_stop" => self.close(wire.index.unwrap_or(0), out),
            "message_delta" => {
                if let Some(usage) = wire.usage {
                    out.extend(usage.tier());
                    self.usage.merge(&usage);
                    out.push(Delta::Usage(self.usage.counts()));
                }
                out.extend(opaque::end_event(data));
                if let Some(delta) = wire.delta {
                    self.stop(non_empty(delta.stop_reason.as_ref()), delta.stop_details, out);
                }
            }
            "message_stop" => self.is_done = true,
            "error" => {
                let fault = complaint::in_band(data);
                return Err(fault.unwrap_or_else(|| complaint::nonsense("The provider reported a failure", data)));
            }
            // `ping` may come anywhere; new kinds of events are announced as harmless.
            _ => {}
        }
        Ok(())
    }

    fn finish(&mut self, stray: &str, _: &mut Vec<Delta>) -> Result<(), Fault> {
        match complaint::in_band(stray) {
            Some(fault) => Err(fault),
            None if self.is_done || self.has_stopped => Ok(()),
            None => Err(complaint::cut()),
        }
    }

    fn is_done(&self) -> bool {
        self.is_done
    }
}

impl EventDecoder {
    fn start(&mut self, message: &Message<'_>, out: &mut Vec<Delta>) {
        let owned = |text: Option<&Text<'_>>| non_empty(text).map(str::to_owned);
        out.push(Delta::Start { upstream_id: owned(message.id.as_ref()), model: owned(message.model.as_ref()) });
        if let Some(usage) = message.usage {
            out.extend(usage.tier());
            self.usage.merge(&usage.without_output());
            out.push(Delta::Usage(self.usage.counts()));
        }
    }

    fn open(&mut self, raw: &RawValue, out: &mut Vec<Delta>) -> Result<Open, Fault> {
        let block: Block<'_> = parsed(raw)?;
        let is_text = block.kind.as_str() == "text";
        if is_text && self.follows_text {
            out.push(opaque::split());
        }
        self.follows_text = is_text;
        out.extend(opaque::fields(raw));
        Ok(match block.kind.as_str() {
            "text" => {
                self.text(block.text, out);
                Open::Text
            }
            "thinking" => {
                let index = self.next_reasoning();
                think(index, block.thinking.as_ref(), block.signature.as_ref(), out);
                Open::Thinking { index }
            }
            "redacted_thinking" => {
                let index = self.next_reasoning();
                let data = block.data.as_ref().map_or("", Text::as_str);
                let detail = reasoning::encrypted_detail(data, reasoning::ANTHROPIC, index, None);
                out.push(Delta::ReasoningDetail { choice: CHOICE, detail });
                Open::Closed
            }
            "tool_use" => {
                let index = self.calls;
                self.calls = self.calls.saturating_add(1);
                let owned = |text: Option<&Text<'_>>| text.map(|text| text.as_str().to_owned());
                out.push(Delta::ToolCall {
                    choice: CHOICE,
                    index,
                    id: owned(block.id.as_ref()),
                    name: owned(block.name.as_ref()),
                    arguments: String::new(),
                });
                let input = block.input.map(|input| input.get().to_owned()).filter(|input| input != "{}");
                Open::Tool { index, input }
            }
            _ => Open::Opaque(Opaque::new(raw)),
        })
    }

    fn delta(&mut self, index: u32, delta: BlockDelta<'_>, out: &mut Vec<Delta>) {
        match self.blocks.get_mut(&index) {
            Some(Open::Text) => {
                if let Some(citation) = delta.citation {
                    out.push(opaque::citation(&citation));
                    out.extend(annotation(&citation, self.text_length, self.text_length));
                }
                self.text(delta.text, out);
            }
            Some(Open::Thinking { index }) => {
                think(*index, delta.thinking.as_ref(), delta.signature.as_ref(), out);
            }
            Some(Open::Tool { index, input }) => {
                if let Some(piece) = non_empty(delta.partial_json.as_ref()) {
                    *input = None;
                    out.push(arguments(*index, piece.to_owned()));
                }
            }
            Some(Open::Opaque(_) | Open::Closed) | None => {}
        }
    }

    fn close(&mut self, index: u32, out: &mut Vec<Delta>) {
        match self.blocks.remove(&index) {
            Some(Open::Tool { index, input: Some(input) }) => out.push(arguments(index, input)),
            Some(Open::Opaque(block)) => out.push(block.close()),
            _ => {}
        }
    }

    fn stop(&mut self, native: Option<&str>, details: Option<StopDetails>, out: &mut Vec<Delta>) {
        let Some(native) = native else { return };
        self.has_stopped = true;
        if native == "refusal"
            && let Some(text) = details.and_then(|details| details.explanation)
        {
            out.push(Delta::Refusal { choice: CHOICE, text });
        }
        let reason = finish_reason(native, self.calls > 0);
        out.push(Delta::Finish { choice: CHOICE, reason, native: Some(native.to_owned()) });
    }

    fn text(&mut self, text: Option<Text<'_>>, out: &mut Vec<Delta>) {
        let Some(text) = text.filter(|text| !text.as_str().is_empty()) else { return };
        self.text_length = self.text_length.saturating_add(text.as_str().chars().count());
        out.push(Delta::Text { choice: CHOICE, text: text.0.into_owned() });
    }

    fn next_reasoning(&mut self) -> u32 {
        let index = self.reasonings;
        self.reasonings = self.reasonings.saturating_add(1);
        index
    }
}

fn think(index: u32, words: Option<&Text<'_>>, signature: Option<&Text<'_>>, out: &mut Vec<Delta>) {
    let words = non_empty(words).map(|words| reasoning::text_detail(words, reasoning::ANTHROPIC, index));
    let signature =
        non_empty(signature).map(|signature| reasoning::signature_detail(signature, reasoning::ANTHROPIC, index));
    out.extend(
        [words, signature].into_iter().flatten().map(|detail| Delta::ReasoningDetail { choice: CHOICE, detail }),
    );
}

fn arguments(index: u32, arguments: String) -> Delta {
    Delta::ToolCall { choice: CHOICE, index, id: None, name: None, arguments }
}

/// OpenAI's annotations know web pages only; other citations have no word there.
fn annotation(citation: &Value, start: usize, end: usize) -> Option<Delta> {
    let text = |key: &str| citation.get(key).and_then(Value::as_str);
    let url = text("url").or_else(|| text("source")).filter(|url| url.starts_with("http"))?;
    let annotation = json!({
        "type": "url_citation",
        "url_citation": {
            "url": url,
            "title": text("title").unwrap_or_default(),
            "content": text("cited_text").unwrap_or_default(),
            "start_index": start,
            "end_index": end,
        },
    });
    Some(Delta::Annotation { choice: CHOICE, annotation })
}

fn parsed<'a, T: serde::Deserialize<'a>>(raw: &'a RawValue) -> Result<T, Fault> {
    serde_json::from_str(raw.get())
        .map_err(|_| complaint::nonsense("The provider sent a piece of an answer that cannot be read", raw.get()))
}

/// A whole answer as deltas.
pub(super) fn whole(body: &[u8]) -> Result<Vec<Delta>, Fault> {
    let text = lossy(body);
    let nonsense = || {
        complaint::in_band(&text).unwrap_or_else(|| complaint::nonsense("The provider's answer cannot be read", &text))
    };
    let mut message: Message<'_> = serde_json::from_str(text.trim()).map_err(|_| nonsense())?;
    let blocks = message.content.take().ok_or_else(nonsense)?;
    let (mut decoder, mut out) = (EventDecoder::default(), Vec::new());
    let usage = message.usage.take();
    let stop_reason = message.stop_reason.take();
    let stop_details = message.stop_details.take();
    decoder.start(&message, &mut out);
    out.push(opaque::whole_start());
    for raw in blocks {
        let citations = parsed::<Block<'_>>(raw)?.citations.unwrap_or_default();
        let start = decoder.text_length;
        let open = decoder.open(raw, &mut out)?;
        let end = decoder.text_length;
        for citation in &citations {
            out.push(opaque::citation(citation));
            out.extend(annotation(citation, start, end));
        }
        match open {
            Open::Tool { index, input: Some(input) } => out.push(arguments(index, input)),
            Open::Opaque(block) => out.push(block.close()),
            _ => {}
        }
    }
    out.extend(opaque::whole_end(text.trim()));
    decoder.stop(non_empty(stop_reason.as_ref()), stop_details, &mut out);
    out.extend(usage.and_then(|usage| usage.tier()));
    out.extend(usage.map(|usage| Delta::Usage(usage.counts())));
    Ok(out)
}
