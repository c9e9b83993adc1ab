//! Reading OpenAI's answer: one chunk at a time, or whole.

use std::collections::BTreeMap;

use app::types::sse::ServerSentEvent;
use serde_json::Value;
use serde_json::value::RawValue;

use super::wire::{self, Call, Choice, Chunk, Content, Message};
use crate::dialects::text::{lossy, non_empty};
use crate::dialects::{Decoder, Delta, Fault, FinishReason, Quirks, arguments, complaint, reasoning};

/// Top-level fields handed on to the caller.
const FINGERPRINT: &str = "system_fingerprint";
const SERVICE_TIER: &str = "service_tier";
const CITATIONS: &str = "citations";

/// Reads one streamed answer.
#[derive(Default)]
#[expect(clippy::struct_excessive_bools, reason = "independent facts about the stream so far")]
pub(super) struct ChunkDecoder {
    is_reasoning_outside: bool,
    has_started: bool,
    has_finished: bool,
    has_content: bool,
    is_done: bool,
    kept: Vec<&'static str>,
    choices: BTreeMap<u32, Calls>,
}

/// The tool calls of one choice so far.
#[derive(Default)]
struct Calls(Vec<OpenCall>);

/// A call as the provider identifies it. Its place in the list is our index.
struct OpenCall {
    provider_index: Option<u32>,
    id: Option<String>,
    has_name: bool,
    /// Arguments that came before the name.
    early_arguments: String,
}

impl ChunkDecoder {
    pub(super) fn new(quirks: &Quirks) -> Self {
        Self { is_reasoning_outside: quirks.reasoning_outside_completion, ..Self::default() }
    }

    /// Appends what one JSON body means.
    pub(super) fn chunk(&mut self, text: &str, out: &mut Vec<Delta>) -> Result<(), Fault> {
        let chunk: Chunk<'_> = serde_json::from_str(text).map_err(|_| {
            complaint::in_band(text)
                .unwrap_or_else(|| complaint::nonsense("The provider sent a chunk that cannot be read", text))
        })?;
        let before = out.len();
        self.start(&chunk, out);
        let has_choices = chunk.choices.is_some();
        for choice in chunk.choices.unwrap_or_default() {
            self.choice(choice, out);
        }
        for raw in [chunk.x_groq.and_then(|groq| groq.usage), chunk.usage].into_iter().flatten() {
            out.extend(wire::usage(raw, self.is_reasoning_outside).map(Delta::Usage));
        }
        for (key, raw) in
            [(FINGERPRINT, chunk.system_fingerprint), (SERVICE_TIER, chunk.service_tier), (CITATIONS, chunk.citations)]
        {
            self.keep(key, raw, out);
        }
        self.has_content |= out.iter().skip(before).any(Delta::is_content);
        if chunk.error.is_some_and(|error| error.get() != "null") || !has_choices {
            return complaint::in_band(text).map_or(Ok(()), Err);
        }
        Ok(())
    }

    /// The id and the model, once both are known: Azure's first chunk has neither.
    fn start(&mut self, chunk: &Chunk<'_>, out: &mut Vec<Delta>) {
        if self.has_started {
            return;
        }
        let upstream_id = non_empty(chunk.id.as_ref()).map(str::to_owned);
        let model = non_empty(chunk.model.as_ref()).map(str::to_owned);
        if upstream_id.is_some() || model.is_some() {
            self.has_started = true;
            out.push(Delta::Start { upstream_id, model });
        }
    }

    fn keep(&mut self, key: &'static str, raw: Option<&RawValue>, out: &mut Vec<Delta>) {
        let Some(raw) = raw.filter(|raw| raw.get() != "null") else { return };
        if !self.kept.contains(&key)
            && let Ok(value) = serde_json::from_str::<Value>(raw.get())
        {
            self.kept.push(key);
            out.push(Delta::Extra { key, value });
        }
    }

    fn choice(&mut self, choice: Choice<'_>, out: &mut Vec<Delta>) {
        let index = choice.index.unwrap_or(0);
        let calls = self.choices.entry(index).or_default();
        if let Some(logprobs) = choice.logprobs.filter(|raw| raw.get() != "null")
            && let Ok(logprobs) = serde_json::from_str(logprobs.get())
        {
            out.push(Delta::Logprobs { choice: index, logprobs });
        }
        if let Some(message) = choice.delta.or(choice.message) {
            read_message(index, message, calls, out);
        }
        if let Some(reason) = non_empty(choice.finish_reason.as_ref()) {
            self.has_finished = true;
            let native = non_empty(choice.native_finish_reason.as_ref()).unwrap_or(reason);
            let mapped = finish_reason(reason, !calls.0.is_empty());
            out.push(Delta::Finish { choice: index, reason: mapped, native: Some(native.to_owned()) });
        }
    }
}

impl Decoder for ChunkDecoder {
    fn event(&mut self, event: &ServerSentEvent, out: &mut Vec<Delta>) -> Result<(), Fault> {
        let data = event.data.trim();
        if data.is_empty() || self.is_done {
            return Ok(());
        }
        if data == "[DONE]" {
            self.is_done = true;
            return self.ended();
        }
        if event.name == "error" {
            let fault = complaint::in_band(data);
            return Err(fault.unwrap_or_else(|| complaint::nonsense("The provider reported a failure", data)));
        }
        self.chunk(data, out)
    }

    fn finish(&mut self, stray: &str, _: &mut Vec<Delta>) -> Result<(), Fault> {
        if let Some(fault) = complaint::in_band(stray) {
            return Err(fault);
        }
        if self.is_done || self.has_finished { self.ended() } else { Err(complaint::cut()) }
    }

    fn is_done(&self) -> bool {
        self.is_done
    }
}

impl ChunkDecoder {
    /// An end without a word and without a reason is no answer.
    fn ended(&self) -> Result<(), Fault> {
        if self.has_finished || self.has_content { Ok(()) } else { Err(complaint::cut()) }
    }
}

fn read_message(choice: u32, message: Message<'_>, calls: &mut Calls, out: &mut Vec<Delta>) {
    read_reasoning(choice, message.reasoning_details, message.reasoning.or(message.reasoning_content), out);
    match message.content {
        Some(Content::Text(text)) if !text.is_empty() => out.push(Delta::Text { choice, text: text.into_owned() }),
        Some(Content::Parts(parts)) => parts.iter().for_each(|part| read_part(choice, part, out)),
        _ => {}
    }
    if let Some(text) = non_empty(message.refusal.as_ref()) {
        out.push(Delta::Refusal { choice, text: text.to_owned() });
    }
    for call in message.tool_calls.unwrap_or_default() {
        calls.read(choice, &call, out);
    }
    if let Some(function) = message.function_call {
        calls.read(choice, &Call { index: Some(0), id: None, function: Some(function) }, out);
    }
    out.extend(message.images.into_iter().flatten().map(|image| Delta::Image { choice, image }));
    out.extend(message.audio.filter(Value::is_object).map(|audio| Delta::Audio { choice, audio }));
    out.extend(message.annotations.into_iter().flatten().map(|annotation| Delta::Annotation { choice, annotation }));
}

/// Details hold the words too; plain words count only where no detail has any.
fn read_reasoning(choice: u32, details: Option<Vec<Value>>, plain: Option<Content<'_>>, out: &mut Vec<Delta>) {
    let details = details.unwrap_or_default();
    let has_words = details.iter().any(|detail| reasoning::words(detail).is_some());
    out.extend(details.into_iter().map(|detail| Delta::ReasoningDetail { choice, detail }));
    if let Some(Content::Text(text)) = plain
        && !has_words
        && !text.is_empty()
    {
        out.push(Delta::Reasoning { choice, text: text.into_owned() });
    }
}

/// A part of Mistral's `content` list.
fn read_part(choice: u32, part: &Value, out: &mut Vec<Delta>) {
    let text = |part: &Value| part.get("text").and_then(Value::as_str).map(str::to_owned);
    match part.get("type").and_then(Value::as_str) {
        Some("thinking") => {
            let thoughts = match part.get("thinking") {
                Some(Value::Array(parts)) => parts.iter().filter_map(text).collect(),
                Some(Value::String(thought)) => thought.clone(),
                _ => String::new(),
            };
            if !thoughts.is_empty() {
                out.push(Delta::Reasoning { choice, text: thoughts });
            }
        }
        Some("image_url") => out.push(Delta::Image { choice, image: part.clone() }),
        _ => out.extend(text(part).filter(|text| !text.is_empty()).map(|text| Delta::Text { choice, text })),
    }
}

impl Calls {
    fn read(&mut self, choice: u32, call: &Call<'_>, out: &mut Vec<Delta>) {
        let id = non_empty(call.id.as_ref());
        let name = non_empty(call.function.as_ref().and_then(|function| function.name.as_ref()));
        let arguments =
            call.function.as_ref().and_then(|function| function.arguments).map(arguments::text).unwrap_or_default();
        let position = self.position(call.index, id, name);
        let index = u32::try_from(position).unwrap_or(u32::MAX);
        let Some(open) = self.0.get_mut(position) else { return };
        if open.has_name {
            out.push(Delta::ToolCall { choice, index, id: None, name: None, arguments });
            return;
        }
        open.early_arguments.push_str(&arguments);
        open.id = open.id.take().or_else(|| id.map(str::to_owned));
        let Some(name) = name else { return };
        open.has_name = true;
        let arguments = std::mem::take(&mut open.early_arguments);
        out.push(Delta::ToolCall { choice, index, id: open.id.clone(), name: Some(name.to_owned()), arguments });
    }

    /// Which call this piece belongs to. Some providers leave the index out, some
    /// give parallel calls the same one; a new id with a name is a new call.
    fn position(&mut self, index: Option<u32>, id: Option<&str>, name: Option<&str>) -> usize {
        let by_id = id.and_then(|id| self.0.iter().position(|open| open.id.as_deref() == Some(id)));
        let by_index = match index {
            Some(_) => self.0.iter().rposition(|open| open.provider_index == index),
            None => self.0.len().checked_sub(1),
        };
        let is_new = |open: &OpenCall| match (id, &open.id) {
            (Some(id), Some(known)) => id != known && name.is_some(),
            // Without ids, a second name is a second call only where nothing else tells them apart.
            (None, _) => index.is_none() && name.is_some() && open.has_name,
            (Some(_), None) => open.has_name && name.is_some(),
        };
        let by_index = by_index.filter(|position| self.0.get(*position).is_some_and(|open| !is_new(open)));
        let by_id = by_id.filter(|position| {
            self.0.get(*position).is_some_and(|open| index.is_none() || open.provider_index == index)
        });
        by_id.or(by_index).unwrap_or_else(|| {
            self.0.push(OpenCall {
                provider_index: index,
                id: id.map(str::to_owned),
                has_name: false,
                early_arguments: String::new(),
            });
            self.0.len().saturating_sub(1)
        })
    }
}

/// OpenAI's own `stop` beside tool calls passes unchanged: it means that the
/// call was forced.
fn finish_reason(native: &str, has_calls: bool) -> FinishReason {
    match native {
        "stop" => FinishReason::Stop,
        "length" | "max_tokens" | "model_length" => FinishReason::Length,
        "tool_calls" | "function_call" | "tool_use" => FinishReason::ToolCalls,
        "content_filter" | "refusal" | "safety" | "SAFETY" => FinishReason::ContentFilter,
        "error" | "insufficient_system_resource" => FinishReason::Error,
        _ if has_calls => FinishReason::ToolCalls,
        _ => FinishReason::Stop,
    }
}

/// A whole answer as deltas.
pub(super) fn whole(quirks: &Quirks, body: &[u8]) -> Result<Vec<Delta>, Fault> {
    let text = lossy(body);
    let (mut decoder, mut out) = (ChunkDecoder::new(quirks), Vec::new());
    // DeepSeek keeps the connection alive with blank lines before the body.
    decoder.chunk(text.trim(), &mut out)?;
    if decoder.choices.is_empty() {
        return Err(complaint::nonsense("The provider's answer has no choices", &text));
    }
    Ok(out)
}
