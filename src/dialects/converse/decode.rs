//! Reading Converse's answer: event by event, or whole.

use std::collections::BTreeMap;

use app::types::sse::ServerSentEvent;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use super::OPAQUE;
use super::wire::{Answer, Block, BlockDelta, Event, Picture, Thought, ToolUse, finish_reason};
use crate::dialects::text::lossy;
use crate::dialects::{Decoder, Delta, Fault, FaultKind, FinishReason, arguments, complaint, reasoning};

/// Bedrock gives one answer.
const CHOICE: u32 = 0;

/// Reads one streamed answer.
#[derive(Debug, Default)]
pub(super) struct EventDecoder {
    /// Tool calls by block; `None` for tools the provider runs itself.
    calls: BTreeMap<u32, Option<u32>>,
    call_count: u32,
    /// Block → entry of the reasoning details.
    thoughts: BTreeMap<u32, u32>,
    /// Characters of text so far, where citations point to.
    text_length: usize,
    has_content: bool,
    has_stopped: bool,
    is_done: bool,
}

impl Decoder for EventDecoder {
    fn event(&mut self, event: &ServerSentEvent, out: &mut Vec<Delta>) -> Result<(), Fault> {
        let data = event.data.trim();
        let known = ["contentBlockStart", "contentBlockDelta", "contentBlockStop", "messageStop", "metadata"];
        if event.name == "messageStart" {
            out.push(Delta::Start { upstream_id: None, model: None });
        }
        if event.name == "exception" {
            let fault = complaint::in_band(data);
            return Err(fault.unwrap_or_else(|| complaint::nonsense("The provider reported a failure", data)));
        }
        if !known.contains(&event.name.as_str()) {
            return Ok(());
        }
        let wire: Event<'_> = serde_json::from_str(data)
            .map_err(|_| complaint::nonsense("The provider sent an event that cannot be read", data))?;
        let index = wire.content_block_index;
        if let Some(call) = wire.start.and_then(|start| start.tool_use) {
            self.call(index, call, String::new(), out);
        }
        if let Some(delta) = wire.delta {
            self.delta(index, delta, out);
        }
        if let Some(native) = wire.stop_reason {
            self.stop(native, out)?;
        }
        if event.name == "metadata" {
            out.extend(wire.usage.map(|usage| Delta::Usage(usage.counts())));
            // Nothing follows the counts; they follow the stop reason.
            self.is_done = self.has_stopped;
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
        self.is_done
    }
}

impl EventDecoder {
    fn delta(&mut self, index: u32, delta: BlockDelta<'_>, out: &mut Vec<Delta>) {
        if let Some(words) = delta.text {
            self.text(words, out);
        }
        if let Some(piece) = delta.tool_use.and_then(|call| call.input)
            && let Some(Some(call)) = self.calls.get(&index)
        {
            let (id, name, arguments) = (None, None, arguments::text(piece));
            out.push(Delta::ToolCall { choice: CHOICE, index: *call, id, name, arguments });
        }
        if let Some(thought) = delta.reasoning_content {
            self.think(index, thought, out);
        }
        if let Some(citation) = delta.citation {
            out.extend(annotation(&citation, self.text_length, self.text_length));
        }
        if let Some(picture) = delta.image {
            self.picture(picture, out);
        }
    }

    fn block(&mut self, index: u32, block: Block<'_>, out: &mut Vec<Delta>) {
        if let Some(words) = block.text {
            self.text(words, out);
        }
        if let Some(call) = block.tool_use {
            let arguments = call.input.map_or_else(|| "{}".to_owned(), arguments::text);
            self.call(index, call, arguments, out);
        }
        if let Some(thought) = block.reasoning_content {
            self.think(index, thought, out);
        }
        if let Some(cited) = block.citations_content {
            let start = self.text_length;
            cited.content.into_iter().for_each(|words| self.text(words.text, out));
            let end = self.text_length;
            out.extend(cited.citations.iter().filter_map(|citation| annotation(citation, start, end)));
        }
        if let Some(picture) = block.image {
            self.picture(picture, out);
        }
    }

    fn text(&mut self, text: String, out: &mut Vec<Delta>) {
        if !text.is_empty() {
            self.has_content = true;
            self.text_length = self.text_length.saturating_add(text.chars().count());
            out.push(Delta::Text { choice: CHOICE, text });
        }
    }

    fn call(&mut self, block: u32, call: ToolUse<'_>, arguments: String, out: &mut Vec<Delta>) {
        if call.is_server_tool() {
            self.calls.insert(block, None);
            return;
        }
        let index = self.call_count;
        self.call_count = self.call_count.saturating_add(1);
        self.calls.insert(block, Some(index));
        self.has_content = true;
        let (id, name) = (Some(call.id), Some(call.name));
        out.push(Delta::ToolCall { choice: CHOICE, index, id, name, arguments });
    }

    fn think(&mut self, block: u32, thought: Thought, out: &mut Vec<Delta>) {
        let next = u32::try_from(self.thoughts.len()).unwrap_or(u32::MAX);
        let index = *self.thoughts.entry(block).or_insert(next);
        let nested = thought.reasoning_text.unwrap_or_default();
        let mut push = |detail| out.push(Delta::ReasoningDetail { choice: CHOICE, detail });
        if let Some(words) = nested.text.or(thought.text).filter(|words| !words.is_empty()) {
            push(reasoning::text_detail(&words, reasoning::ANTHROPIC, index));
        }
        if let Some(signature) = nested.signature.or(thought.signature).filter(|signature| !signature.is_empty()) {
            push(reasoning::signature_detail(&signature, reasoning::ANTHROPIC, index));
        }
        if let Some(blob) = thought.redacted_content {
            // Base64 of the text that Anthropic itself calls `data`.
            let data = STANDARD.decode(&blob).ok().and_then(|bytes| String::from_utf8(bytes).ok());
            push(match data {
                Some(data) => reasoning::encrypted_detail(&data, reasoning::ANTHROPIC, index, None),
                None => reasoning::encrypted_detail(&blob, OPAQUE, index, None),
            });
        }
    }

    fn picture(&mut self, picture: Picture, out: &mut Vec<Delta>) {
        let Some(bytes) = picture.source.and_then(|source| source.bytes) else { return };
        let format = picture.format.as_deref().unwrap_or("png");
        let url = format!("data:image/{format};base64,{bytes}");
        self.has_content = true;
        out.push(Delta::Image { choice: CHOICE, image: json!({ "type": "image_url", "image_url": { "url": url } }) });
    }

    fn stop(&mut self, native: String, out: &mut Vec<Delta>) -> Result<(), Fault> {
        self.has_stopped = true;
        let reason = finish_reason(&native, self.call_count > 0);
        // Nothing has reached the caller yet: another try may do better.
        if reason == FinishReason::Error && !self.has_content {
            let message = format!("The model failed to answer: {native}");
            return Err(Fault { code: Some(native), ..Fault::new(FaultKind::Unavailable, message) });
        }
        out.push(Delta::Finish { choice: CHOICE, reason, native: Some(native) });
        Ok(())
    }
}

fn annotation(citation: &Value, start: usize, end: usize) -> Option<Delta> {
    let text = |pointer: &str| citation.pointer(pointer).and_then(Value::as_str);
    let url = text("/location/web/url").or(text("/source"))?;
    let annotation = json!({
        "type": "url_citation",
        "url_citation": {
            "url": url,
            "title": text("/title").unwrap_or_default(),
            "content": text("/sourceContent/0/text").unwrap_or_default(),
            "start_index": start,
            "end_index": end,
        },
    });
    Some(Delta::Annotation { choice: CHOICE, annotation })
}

/// A whole answer as deltas.
pub(super) fn whole(body: &[u8]) -> Result<Vec<Delta>, Fault> {
    let text = lossy(body);
    let nonsense = || {
        complaint::in_band(&text).unwrap_or_else(|| complaint::nonsense("The provider's answer cannot be read", &text))
    };
    let answer: Answer<'_> = serde_json::from_str(text.trim()).map_err(|_| nonsense())?;
    let message = answer.output.and_then(|output| output.message).ok_or_else(nonsense)?;
    let (mut decoder, mut out) = (EventDecoder::default(), vec![Delta::Start { upstream_id: None, model: None }]);
    for (index, block) in (0..).zip(message.content.unwrap_or_default()) {
        decoder.block(index, block, &mut out);
    }
    out.extend(answer.usage.map(|usage| Delta::Usage(usage.counts())));
    decoder.stop(answer.stop_reason.ok_or_else(nonsense)?, &mut out)?;
    Ok(out)
}
