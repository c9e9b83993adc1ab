//! Deltas as Gemini's parts. A call goes out whole, with the signature that may
//! follow it.

use serde_json::{Map, Value, json};

use super::super::logprobs::Gathered;
use super::Gemini;
use crate::dialects::answer::{CallIds, Ending, ending_or_default};
use crate::dialects::{Delta, Dialect, FinishReason, arguments, media, reasoning};

/// The parts of one candidate.
#[derive(Debug)]
pub(super) struct Parts {
    shows_thoughts: bool,
    calls: Vec<OpenCall>,
    ids: CallIds,
    refusal: String,
    annotations: Vec<Value>,
    audio: String,
    logprobs: Gathered,
    ending: Ending,
    has_called: bool,
    is_native: bool,
    /// Gemini's own fields of the candidate.
    own: Map<String, Value>,
}

#[derive(Debug)]
struct OpenCall {
    index: u32,
    id: String,
    name: String,
    arguments: String,
    signature: Option<String>,
}

impl Parts {
    pub(super) fn new(heading_id: &str, wish: Gemini) -> Self {
        Self {
            shows_thoughts: wish.shows_thoughts,
            calls: Vec::new(),
            ids: CallIds::new(heading_id),
            refusal: String::new(),
            annotations: Vec::new(),
            audio: String::new(),
            logprobs: Gathered::default(),
            ending: None,
            has_called: false,
            is_native: false,
            own: Map::new(),
        }
    }

    /// Appends the parts `delta` means: mostly one, none while a call is arriving.
    pub(super) fn take(&mut self, delta: &Delta, out: &mut Vec<Value>) {
        match delta {
            Delta::Text { text, .. } if !text.is_empty() => {
                self.flush(out);
                out.push(json!({ "text": text }));
            }
            Delta::Refusal { text, .. } => self.refusal.push_str(text),
            Delta::Reasoning { text, .. } if !text.is_empty() => self.thought(text, out),
            Delta::ReasoningDetail { detail, .. } => self.detail(detail, out),
            Delta::ToolCall { index, id, name, arguments, .. } => {
                self.call(*index, id.as_deref(), name.as_deref(), arguments);
            }
            Delta::Image { image, .. } => {
                self.flush(out);
                let url = image.pointer("/image_url/url").and_then(Value::as_str).unwrap_or_default();
                out.push(picture(url));
            }
            Delta::Audio { audio, .. } => {
                self.audio.push_str(audio.get("data").and_then(Value::as_str).unwrap_or_default());
            }
            Delta::Logprobs { logprobs, .. } => self.logprobs.add(logprobs),
            Delta::Annotation { annotation, .. } => self.annotations.push(annotation.clone()),
            Delta::Finish { reason, native, .. } => self.ending = Some((*reason, native.clone())),
            Delta::Native { dialect: Dialect::Gemini, piece, .. } => self.native(piece, out),
            _ => {}
        }
    }

    fn native(&mut self, piece: &Value, out: &mut Vec<Value>) {
        self.is_native = true;
        if let Some(part) = piece.get("part") {
            self.flush(out);
            out.push(part.clone());
        }
        if let Some(Value::Object(fields)) = piece.get("candidate") {
            self.own.extend(fields.clone());
        }
    }

    fn thought(&mut self, words: &str, out: &mut Vec<Value>) {
        if self.shows_thoughts {
            self.flush(out);
            out.push(json!({ "text": words, "thought": true }));
        }
    }

    fn detail(&mut self, detail: &Value, out: &mut Vec<Value>) {
        let text = |key: &str| detail.get(key).and_then(Value::as_str).filter(|text| !text.is_empty());
        if let Some(words) = reasoning::words(detail) {
            self.thought(words, out);
        }
        let (is_own, data) = (text("format") == Some(reasoning::GEMINI), text("data"));
        let signature = match (data, text("signature")) {
            (Some(data), _) if is_own => data.to_owned(),
            // What another company signed comes back to it through this client.
            (Some(_), _) | (None, Some(_)) => {
                let mut kept = detail.clone();
                if let Some(fields) = kept.as_object_mut().filter(|_| self.shows_thoughts) {
                    fields.shift_remove("text");
                }
                reasoning::wrapped(&kept)
            }
            (None, None) => return,
        };
        let call = text("id").and_then(|id| self.calls.iter_mut().find(|call| call.id == id));
        if let Some(call) = call.filter(|call| call.signature.is_none()) {
            call.signature = Some(signature);
            return;
        }
        self.flush(out);
        match out.last_mut().and_then(Value::as_object_mut) {
            Some(part) if is_own && part.contains_key("text") && !part.contains_key("thoughtSignature") => {
                part.insert("thoughtSignature".to_owned(), json!(signature));
            }
            _ => out.push(json!({ "text": "", "thoughtSignature": signature })),
        }
    }

    fn call(&mut self, index: u32, id: Option<&str>, name: Option<&str>, arguments: &str) {
        self.has_called = true;
        if let Some(call) = self.calls.iter_mut().find(|call| call.index == index) {
            call.arguments.push_str(arguments);
            return;
        }
        self.calls.push(OpenCall {
            index,
            id: self.ids.claim(id),
            name: name.unwrap_or_default().to_owned(),
            arguments: arguments.to_owned(),
            signature: None,
        });
    }

    /// Appends the calls that have arrived.
    pub(super) fn flush(&mut self, out: &mut Vec<Value>) {
        for call in std::mem::take(&mut self.calls) {
            let args: Value = serde_json::from_str(arguments::object(&call.arguments).get()).unwrap_or_default();
            let mut part = json!({ "functionCall": { "id": call.id, "name": call.name, "args": args } });
            if let Some(signature) = call.signature {
                part["thoughtSignature"] = json!(signature);
            }
            out.push(part);
        }
    }

    /// The last parts, and the fields of the candidate beside its content.
    pub(super) fn finish(&mut self, out: &mut Vec<Value>) -> Map<String, Value> {
        self.flush(out);
        if !self.audio.is_empty() {
            out.push(json!({ "inlineData": { "mimeType": "audio/wav", "data": std::mem::take(&mut self.audio) } }));
        }
        if !self.refusal.is_empty() && !self.is_native {
            out.push(json!({ "text": self.refusal }));
        }
        let (reason, native) = ending_or_default(&self.ending, self.has_called);
        let mut fields = std::mem::take(&mut self.own);
        let word = native.filter(|_| self.is_native).map_or_else(|| finish_reason(reason), str::to_owned);
        fields.insert(
            "finishReason".to_owned(),
            json!(if self.refusal.is_empty() || self.is_native { word } else { "SAFETY".to_owned() }),
        );
        if !self.refusal.is_empty() {
            fields.entry("finishMessage").or_insert_with(|| json!(self.refusal));
        }
        if !self.annotations.is_empty() {
            fields.entry("groundingMetadata").or_insert_with(|| grounding(&self.annotations));
        }
        if let Some(found) = self.logprobs.take() {
            fields.entry("logprobsResult").or_insert(found);
        }
        fields
    }
}

/// An image by its data or its address.
fn picture(url: &str) -> Value {
    if let Some((media_type, data)) = media::split_data_url(url) {
        return json!({ "inlineData": { "mimeType": media_type, "data": data } });
    }
    json!({ "fileData": { "mimeType": media::media_type_of(url).unwrap_or("image/png"), "fileUri": url } })
}

/// OpenAI's annotations as the pages Gemini's search has found.
fn grounding(annotations: &[Value]) -> Value {
    let chunk = |annotation: &Value| {
        let cited = annotation.get("url_citation")?;
        Some(json!({ "web": { "uri": cited.get("url")?, "title": cited.get("title") } }))
    };
    json!({ "groundingChunks": annotations.iter().filter_map(chunk).collect::<Vec<_>>() })
}

/// Gemini's word for the reason a choice ended.
fn finish_reason(reason: FinishReason) -> String {
    match reason {
        FinishReason::Stop | FinishReason::ToolCalls => "STOP",
        FinishReason::Length => "MAX_TOKENS",
        FinishReason::ContentFilter => "SAFETY",
        FinishReason::Error => "OTHER",
    }
    .to_owned()
}
