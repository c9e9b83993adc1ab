//! Reading Ollama's answer: line by line, or whole. Both have the same form.

use std::hash::{DefaultHasher, Hash as _, Hasher as _};

use app::types::sse::ServerSentEvent;
use serde::Deserialize;
use serde_json::value::RawValue;

use crate::dialects::lenient::counts_or_absent;
use crate::dialects::text::lossy;
use crate::dialects::{Decoder, Delta, Fault, FinishReason, Usage, arguments, complaint};

/// Ollama gives one answer.
const CHOICE: u32 = 0;

#[derive(Deserialize)]
struct Line<'a> {
    model: Option<String>,
    created_at: Option<String>,
    #[serde(borrow)]
    message: Option<Message<'a>>,
    #[serde(default)]
    done: bool,
    done_reason: Option<String>,
    #[serde(default, deserialize_with = "counts_or_absent")]
    prompt_eval_count: Option<u64>,
    #[serde(default, deserialize_with = "counts_or_absent")]
    eval_count: Option<u64>,
    /// Of the tokens in this line, in OpenAI's shape.
    logprobs: Option<Vec<serde_json::Value>>,
    error: Option<serde_json::Value>,
}

#[derive(Deserialize)]
struct Message<'a> {
    content: Option<String>,
    thinking: Option<String>,
    #[serde(borrow)]
    tool_calls: Option<Vec<Call<'a>>>,
}

#[derive(Deserialize)]
struct Call<'a> {
    id: Option<String>,
    #[serde(borrow)]
    function: Option<Function<'a>>,
}

#[derive(Deserialize)]
struct Function<'a> {
    name: Option<String>,
    #[serde(borrow)]
    arguments: Option<&'a RawValue>,
}

/// Reads one streamed answer.
#[derive(Debug, Default)]
pub(super) struct LineDecoder {
    has_started: bool,
    /// Makes up ids where the server gives none.
    seed: u64,
    calls: u32,
    is_done: bool,
}

impl LineDecoder {
    fn line(&mut self, text: &str, out: &mut Vec<Delta>) -> Result<(), Fault> {
        let line: Line<'_> = serde_json::from_str(text)
            .map_err(|_| complaint::nonsense("The provider sent a line that cannot be read", text))?;
        if line.error.is_some() {
            return Err(complaint::in_band(text)
                .unwrap_or_else(|| complaint::nonsense("The provider reported a failure", text)));
        }
        if !self.has_started {
            self.has_started = true;
            let mut hasher = DefaultHasher::new();
            line.created_at.hash(&mut hasher);
            self.seed = hasher.finish();
            out.push(Delta::Start { upstream_id: None, model: line.model });
        }
        if let Some(message) = line.message {
            self.message(message, out);
        }
        if let Some(tokens) = line.logprobs.filter(|tokens| !tokens.is_empty()) {
            out.push(Delta::Logprobs { choice: CHOICE, logprobs: serde_json::json!({ "content": tokens }) });
        }
        if line.done {
            self.is_done = true;
            // The prompt's count is left out when the prompt was cached as a whole.
            let (prompt_tokens, completion_tokens) = (line.prompt_eval_count.unwrap_or(0), line.eval_count);
            out.push(Delta::Usage(Usage { prompt_tokens: Some(prompt_tokens), completion_tokens, ..Usage::default() }));
            let native = line.done_reason.unwrap_or_else(|| "stop".to_owned());
            let reason = match native.as_str() {
                "length" => FinishReason::Length,
                _ if self.calls > 0 => FinishReason::ToolCalls,
                _ => FinishReason::Stop,
            };
            out.push(Delta::Finish { choice: CHOICE, reason, native: Some(native) });
        }
        Ok(())
    }

    fn message(&mut self, message: Message<'_>, out: &mut Vec<Delta>) {
        if let Some(text) = message.thinking.filter(|text| !text.is_empty()) {
            out.push(Delta::Reasoning { choice: CHOICE, text });
        }
        if let Some(text) = message.content.filter(|text| !text.is_empty()) {
            out.push(Delta::Text { choice: CHOICE, text });
        }
        for call in message.tool_calls.unwrap_or_default() {
            let Some(function) = call.function else { continue };
            let index = self.calls;
            self.calls = self.calls.saturating_add(1);
            let id = call.id.filter(|id| !id.is_empty());
            let id = id.unwrap_or_else(|| format!("call_{:016x}{index}", self.seed));
            let arguments = function.arguments.map(arguments::text).filter(|text| !text.is_empty());
            out.push(Delta::ToolCall {
                choice: CHOICE,
                index,
                id: Some(id),
                name: Some(function.name.unwrap_or_default()),
                arguments: arguments.unwrap_or_else(|| "{}".to_owned()),
            });
        }
    }
}

impl Decoder for LineDecoder {
    fn event(&mut self, event: &ServerSentEvent, out: &mut Vec<Delta>) -> Result<(), Fault> {
        let data = event.data.trim();
        if data.is_empty() || self.is_done { Ok(()) } else { self.line(data, out) }
    }

    fn finish(&mut self, stray: &str, _: &mut Vec<Delta>) -> Result<(), Fault> {
        match complaint::in_band(stray) {
            Some(fault) => Err(fault),
            None if self.is_done => Ok(()),
            None => Err(complaint::cut()),
        }
    }

    fn is_done(&self) -> bool {
        self.is_done
    }
}

/// A whole answer as deltas.
pub(super) fn whole(body: &[u8]) -> Result<Vec<Delta>, Fault> {
    let text = lossy(body);
    let (mut decoder, mut out) = (LineDecoder::default(), Vec::new());
    decoder.line(text.trim(), &mut out)?;
    if decoder.is_done { Ok(out) } else { Err(complaint::nonsense("The provider's answer is not complete", &text)) }
}
