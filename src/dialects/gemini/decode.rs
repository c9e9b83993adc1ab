//! Reading Gemini's answer: event by event, or whole.

use std::collections::BTreeMap;
use std::hash::{DefaultHasher, Hash, Hasher};

use app::types::sse::ServerSentEvent;
use serde_json::json;

use super::partial::Assembly;
use super::wire::{Answer, Call, Candidate, Part, PromptFeedback, WireUsage, finish_reason, reason_word};
use super::{opaque, request};
use crate::dialects::text::{lossy, non_empty};
use crate::dialects::{Decoder, Delta, Fault, FaultKind, FinishReason, Usage, complaint, reasoning};

/// Reads one answer. There is no terminal event: the connection just ends.
#[derive(Debug, Default)]
#[expect(clippy::struct_excessive_bools, reason = "each is a fact of its own")]
pub(super) struct ResponseDecoder {
    has_started: bool,
    has_finished: bool,
    has_content: bool,
    /// Tells the ids we make apart from those of other answers.
    seed: u64,
    usage: WireUsage,
    /// How the model's searches are billed.
    pays_per_query: bool,
    choices: BTreeMap<u32, Choice>,
}

#[derive(Debug, Default)]
struct Choice {
    calls: u32,
    details: u32,
    /// Whether the last entry of reasoning was words, so that more words belong to it.
    is_thinking: bool,
    open: Option<OpenCall>,
}

/// A call whose arguments are still arriving.
#[derive(Debug)]
struct OpenCall {
    index: u32,
    arguments: Assembly,
}

impl ResponseDecoder {
    fn response(&mut self, text: &str, out: &mut Vec<Delta>) -> Result<(), Fault> {
        let response: Answer<'_> = serde_json::from_str(text).map_err(|_| {
            complaint::in_band(text)
                .unwrap_or_else(|| complaint::nonsense("The provider sent an event that cannot be read", text))
        })?;
        if response.error.is_some_and(|error| error.get() != "null")
            && let Some(fault) = complaint::in_band(text)
        {
            return Err(fault);
        }
        let before = out.len();
        let has_feedback = response.prompt_feedback.is_some();
        self.start(&response, text, out);
        if let Some(usage) = response.usage_metadata {
            self.usage.merge(usage);
            out.push(Delta::Usage(self.usage.counts()));
        }
        let candidates = response.candidates.unwrap_or_default();
        if let Some(feedback) = response.prompt_feedback
            && (feedback.block_reason.is_some() || (candidates.is_empty() && !self.has_content))
        {
            self.blocked(feedback, out);
        }
        let mut is_last = has_feedback;
        for raw in candidates {
            let candidate: Candidate<'_> = parsed(raw)?;
            is_last |= candidate.finish_reason.is_some();
            out.extend(opaque::candidate(candidate.index.unwrap_or(0), raw));
            self.candidate(candidate, before, out)?;
        }
        if is_last {
            out.extend(opaque::response(text));
        }
        self.has_content |= out.iter().skip(before).any(Delta::is_content);
        Ok(())
    }

    fn start(&mut self, response: &Answer<'_>, text: &str, out: &mut Vec<Delta>) {
        if self.has_started {
            return;
        }
        let upstream_id = non_empty(response.response_id.as_ref()).map(str::to_owned);
        let mut hasher = DefaultHasher::new();
        upstream_id.as_deref().unwrap_or(text).hash(&mut hasher);
        self.seed = hasher.finish();
        self.has_started = true;
        let model = non_empty(response.model_version.as_ref()).map(str::to_owned);
        self.pays_per_query = model.as_deref().is_some_and(request::pays_per_query);
        out.push(Delta::Start { upstream_id, model });
    }

    /// The prompt was refused: a 200 without an answer.
    fn blocked(&mut self, feedback: PromptFeedback, out: &mut Vec<Delta>) {
        let native = feedback.block_reason;
        let text = feedback.block_reason_message.unwrap_or_else(|| match &native {
            Some(native) => format!("The prompt was blocked: {native}"),
            None => "The prompt was blocked".to_owned(),
        });
        self.has_finished = true;
        out.push(Delta::Refusal { choice: 0, text });
        out.push(Delta::Finish { choice: 0, reason: FinishReason::ContentFilter, native });
    }

    fn candidate(&mut self, candidate: Candidate<'_>, before: usize, out: &mut Vec<Delta>) -> Result<(), Fault> {
        let index = candidate.index.unwrap_or(0);
        let choice = self.choices.entry(index).or_default();
        for raw in candidate.content.and_then(|content| content.parts).unwrap_or_default() {
            let part: Part<'_> = parsed(raw)?;
            if part.is_unknown() {
                out.extend(opaque::part(index, raw));
            }
            choice.part(index, part, self.seed, out);
        }
        if let Some(grounding) = candidate.grounding_metadata {
            let web_search_requests = grounding.searches(self.pays_per_query);
            if web_search_requests.is_some() {
                out.push(Delta::Usage(Usage { web_search_requests, ..Usage::default() }));
            }
            let annotations = grounding.annotations();
            out.extend(annotations.map(|annotation| Delta::Annotation { choice: index, annotation }));
        }
        let logprobs = candidate.logprobs_result.and_then(|found| found.to_openai());
        out.extend(logprobs.map(|logprobs| Delta::Logprobs { choice: index, logprobs }));
        let Some(native) = candidate.finish_reason.and_then(reason_word) else { return Ok(()) };
        choice.close(index, out);
        let reason = finish_reason(&native, choice.calls > 0);
        let is_empty = !self.has_content && !out.iter().skip(before).any(Delta::is_content);
        // Nothing has reached the caller yet: another try may do better.
        if reason == FinishReason::Error && is_empty {
            let message = candidate.finish_message.unwrap_or_else(|| format!("The model failed to answer: {native}"));
            return Err(Fault { code: Some(native), ..Fault::new(FaultKind::Unavailable, message) });
        }
        if reason == FinishReason::ContentFilter
            && let Some(text) = candidate.finish_message
        {
            out.push(Delta::Refusal { choice: index, text });
        }
        self.has_finished = true;
        out.push(Delta::Finish { choice: index, reason, native: Some(native) });
        Ok(())
    }
}

impl Decoder for ResponseDecoder {
    fn event(&mut self, event: &ServerSentEvent, out: &mut Vec<Delta>) -> Result<(), Fault> {
        let data = event.data.trim();
        if data.is_empty() || data == "[DONE]" {
            return Ok(());
        }
        self.response(data, out)
    }

    fn finish(&mut self, stray: &str, out: &mut Vec<Delta>) -> Result<(), Fault> {
        if let Some(fault) = complaint::in_band(stray) {
            return Err(fault);
        }
        if !self.has_finished {
            return Err(complaint::cut());
        }
        for (index, choice) in &mut self.choices {
            choice.close(*index, out);
        }
        Ok(())
    }

    fn is_done(&self) -> bool {
        false
    }
}

impl Choice {
    fn part(&mut self, choice: u32, part: Part<'_>, seed: u64, out: &mut Vec<Delta>) {
        let signature = non_empty(part.thought_signature.as_ref());
        if let Some(call) = part.function_call {
            let id = self.call(choice, call, seed, out);
            self.signature(choice, signature, id.as_deref(), out);
            return;
        }
        if let Some(text) = part.text.filter(|text| !text.as_str().is_empty()) {
            if part.thought == Some(true) {
                let detail = reasoning::text_detail(text.as_str(), reasoning::GEMINI, self.details);
                self.is_thinking = true;
                out.push(Delta::ReasoningDetail { choice, detail });
            } else {
                self.end_thought();
                out.push(Delta::Text { choice, text: text.0.into_owned() });
            }
        }
        if let Some(blob) = part.inline_data {
            let (mime_type, data) = (blob.mime_type.as_str(), blob.data.as_str());
            out.push(if mime_type.starts_with("audio/") {
                Delta::Audio { choice, audio: json!({ "data": data }) }
            } else {
                let url = format!("data:{mime_type};base64,{data}");
                Delta::Image { choice, image: json!({ "type": "image_url", "image_url": { "url": url } }) }
            });
        }
        self.signature(choice, signature, None, out);
    }

    /// Returns the id of the call that this part begins.
    fn call(&mut self, choice: u32, call: Call<'_>, seed: u64, out: &mut Vec<Delta>) -> Option<String> {
        let mut begun = None;
        if let Some(name) = non_empty(call.name.as_ref()) {
            self.close(choice, out);
            let index = self.calls;
            self.calls = self.calls.saturating_add(1);
            let id = non_empty(call.id.as_ref()).map_or_else(|| format!("call_{seed:016x}{index}"), str::to_owned);
            let goes_on = call.will_continue == Some(true);
            let is_whole = !goes_on && call.partial_args.is_none();
            let arguments = match call.args {
                Some(arguments) if is_whole && arguments.get() != "null" => arguments.get().to_owned(),
                _ if is_whole => "{}".to_owned(),
                _ => String::new(),
            };
            let name = Some(name.to_owned());
            out.push(Delta::ToolCall { choice, index, id: Some(id.clone()), name, arguments });
            begun = Some(id);
            if !is_whole {
                self.open = Some(OpenCall { index, arguments: Assembly::default() });
            }
        }
        if let Some(open) = &mut self.open {
            call.partial_args.into_iter().flatten().for_each(|piece| open.arguments.add(piece));
            if call.will_continue != Some(true) {
                self.close(choice, out);
            }
        }
        begun
    }

    fn close(&mut self, choice: u32, out: &mut Vec<Delta>) {
        if let Some(OpenCall { index, arguments }) = self.open.take() {
            out.push(Delta::ToolCall { choice, index, id: None, name: None, arguments: arguments.into_json() });
        }
    }

    fn signature(&mut self, choice: u32, signature: Option<&str>, id: Option<&str>, out: &mut Vec<Delta>) {
        let Some(signature) = signature else { return };
        self.end_thought();
        let detail = reasoning::encrypted_detail(signature, reasoning::GEMINI, self.details, id);
        self.details = self.details.saturating_add(1);
        out.push(Delta::ReasoningDetail { choice, detail });
    }

    fn end_thought(&mut self) {
        if std::mem::take(&mut self.is_thinking) {
            self.details = self.details.saturating_add(1);
        }
    }
}

fn parsed<'a, T: serde::Deserialize<'a>>(raw: &'a serde_json::value::RawValue) -> Result<T, Fault> {
    serde_json::from_str(raw.get())
        .map_err(|_| complaint::nonsense("The provider sent a piece of an answer that cannot be read", raw.get()))
}

/// A whole answer as deltas. Without `alt=sse` a stream is a list of answers.
pub(super) fn whole(body: &[u8]) -> Result<Vec<Delta>, Fault> {
    let text = lossy(body);
    let text = text.trim();
    let (mut decoder, mut out) = (ResponseDecoder::default(), Vec::new());
    if text.starts_with('[') {
        let responses: Vec<&serde_json::value::RawValue> = serde_json::from_str(text)
            .map_err(|_| complaint::nonsense("The provider's answer cannot be read", text))?;
        for response in responses {
            decoder.response(response.get(), &mut out)?;
        }
    } else {
        decoder.response(text, &mut out)?;
    }
    if !decoder.has_finished && !decoder.has_content {
        return Err(complaint::nonsense("The provider's answer is empty", text));
    }
    for (index, choice) in &mut decoder.choices {
        choice.close(*index, &mut out);
    }
    Ok(out)
}
