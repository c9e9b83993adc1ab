//! OpenAI's older text completions, as a client dialect: a prompt in, a text out.
//! Models of today chat, so the prompt is asked as a user's message.

mod parse;

pub use parse::parse;

use std::collections::BTreeMap;

use app::types::error::ErrorBody;
use serde_json::{Map, Value, json};

use crate::dialects::answer::{
    Answer, Ending, Failure, Heading, Inbound, UsageReport, Writer, append_json, ending_or_default,
};
use crate::dialects::chat_completions::encode::{DONE, UsageBody};
use crate::dialects::{Delta, reasoning};

/// Text completions, as one request wants them.
#[derive(Clone, Debug, Default)]
pub struct Completions {
    /// The prompt, if the caller wants it before the answer (`echo`).
    prefix: String,
}

impl Completions {
    fn head(heading: &Heading) -> Map<String, Value> {
        let fields = [
            ("id", json!(heading.id)),
            ("object", json!("text_completion")),
            ("created", json!(heading.created)),
            ("model", json!(heading.model)),
            ("provider", json!(heading.provider)),
        ];
        fields.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
    }
}

impl Inbound for Completions {
    fn writer(&self, heading: &Heading) -> Box<dyn Writer> {
        Box::new(Chunks { head: Self::head(heading), prefix: self.prefix.clone(), choices: BTreeMap::new() })
    }

    fn whole(&self, heading: &Heading, answer: &Answer, report: &UsageReport) -> Vec<u8> {
        let choices: Vec<Value> = answer
            .choices
            .iter()
            .map(|(index, said)| {
                let text = format!("{}{}{}", self.prefix, said.text, said.refusal);
                let offset = self.prefix.chars().count();
                let logprobs = said.logprobs.as_ref().map(|logprobs| old_logprobs(logprobs, offset).0);
                let mut choice = choice(*index, &text, logprobs.as_ref());
                let (reason, native) = ending_or_default(&said.ending, false);
                choice["finish_reason"] = json!(reason);
                choice["native_finish_reason"] = json!(native);
                if !said.reasoning.is_empty() {
                    choice["reasoning"] = json!(said.reasoning);
                }
                choice
            })
            .collect();
        let mut body = Self::head(heading);
        body.insert("choices".to_owned(), Value::from(choices));
        body.insert("usage".to_owned(), json!(UsageBody::from(report)));
        let mut out = Vec::new();
        append_json(&mut out, &body);
        out
    }

    fn error(&self, error: &ErrorBody) -> Value {
        serde_json::to_value(error).unwrap_or_default()
    }
}

/// One streamed answer.
struct Chunks {
    head: Map<String, Value>,
    prefix: String,
    choices: BTreeMap<u32, Choice>,
}

#[derive(Default)]
struct Choice {
    /// Characters so far, where token probabilities point to.
    length: usize,
    has_begun: bool,
    ending: Ending,
}

impl Writer for Chunks {
    fn write(&mut self, delta: &Delta, out: &mut Vec<u8>) {
        match delta {
            Delta::Text { choice, text } | Delta::Refusal { choice, text } if !text.is_empty() => {
                self.text(*choice, text, out);
            }
            Delta::Reasoning { choice: index, text } => {
                let mut chunk = choice(*index, "", None);
                chunk["reasoning"] = json!(text);
                self.frame(&chunk, out);
            }
            Delta::ReasoningDetail { choice: index, detail } => {
                if let Some(words) = reasoning::words(detail) {
                    let mut chunk = choice(*index, "", None);
                    chunk["reasoning"] = json!(words);
                    self.frame(&chunk, out);
                }
            }
            Delta::Logprobs { choice: index, logprobs } => {
                let offset = self.choices.entry(*index).or_default().length;
                let (logprobs, length) = old_logprobs(logprobs, 0);
                let logprobs = moved(logprobs, offset.saturating_sub(length));
                self.frame(&choice(*index, "", Some(&logprobs)), out);
            }
            Delta::Finish { choice, reason, native } => {
                self.choices.entry(*choice).or_default().ending = Some((*reason, native.clone()));
            }
            _ => {}
        }
    }

    fn finish(&mut self, report: &UsageReport, out: &mut Vec<u8>) {
        self.choices.entry(0).or_default();
        for (index, state) in std::mem::take(&mut self.choices) {
            let text = if state.has_begun { "" } else { &self.prefix };
            let mut last = choice(index, text, None);
            let (reason, native) = ending_or_default(&state.ending, false);
            last["finish_reason"] = json!(reason);
            last["native_finish_reason"] = json!(native);
            self.frame(&last, out);
        }
        let mut body = self.head.clone();
        body.insert("choices".to_owned(), json!([]));
        body.insert("usage".to_owned(), json!(UsageBody::from(report)));
        send(&body, out);
        out.extend_from_slice(DONE);
    }

    fn fail(&mut self, failure: &Failure, report: Option<&UsageReport>, out: &mut Vec<u8>) {
        let mut body = self.head.clone();
        let mut last = choice(0, "", None);
        last["finish_reason"] = json!("error");
        body.insert("error".to_owned(), json!(failure.body()));
        body.insert("choices".to_owned(), json!([last]));
        if let Some(report) = report {
            body.insert("usage".to_owned(), json!(UsageBody::from(report)));
        }
        send(&body, out);
        out.extend_from_slice(DONE);
    }
}

impl Chunks {
    fn text(&mut self, index: u32, text: &str, out: &mut Vec<u8>) {
        let state = self.choices.entry(index).or_default();
        let chunk = if std::mem::replace(&mut state.has_begun, true) {
            state.length = state.length.saturating_add(text.chars().count());
            choice(index, text, None)
        } else {
            let text = format!("{}{text}", self.prefix);
            state.length = text.chars().count();
            choice(index, &text, None)
        };
        self.frame(&chunk, out);
    }

    fn frame(&self, choice: &Value, out: &mut Vec<u8>) {
        let mut body = self.head.clone();
        body.insert("choices".to_owned(), json!([choice]));
        send(&body, out);
    }
}

fn send(body: &Map<String, Value>, out: &mut Vec<u8>) {
    out.extend_from_slice(b"data: ");
    append_json(out, body);
    out.extend_from_slice(b"\n\n");
}

fn choice(index: u32, text: &str, logprobs: Option<&Value>) -> Value {
    json!({ "index": index, "text": text, "logprobs": logprobs, "finish_reason": null })
}

/// Token probabilities as this API lists them: four columns. The text they cover
/// begins `offset` characters into the answer; its length comes second.
fn old_logprobs(logprobs: &Value, offset: usize) -> (Value, usize) {
    let (mut tokens, mut values, mut tops, mut offsets) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    let mut length = 0_usize;
    for token in logprobs.get("content").and_then(Value::as_array).into_iter().flatten() {
        let word = token.get("token").and_then(Value::as_str).unwrap_or_default();
        let others = token.get("top_logprobs").and_then(Value::as_array).into_iter().flatten();
        let top: Map<String, Value> = others
            .filter_map(|other| Some((other.get("token")?.as_str()?.to_owned(), other.get("logprob")?.clone())))
            .collect();
        tokens.push(json!(word));
        values.push(token.get("logprob").cloned().unwrap_or_default());
        tops.push(Value::Object(top));
        offsets.push(json!(offset.saturating_add(length)));
        length = length.saturating_add(word.chars().count());
    }
    let columns = json!({
        "tokens": tokens,
        "token_logprobs": values,
        "top_logprobs": tops,
        "text_offset": offsets,
    });
    (columns, length)
}

/// The same with the text beginning `offset` characters later.
fn moved(mut logprobs: Value, offset: usize) -> Value {
    for place in logprobs.get_mut("text_offset").and_then(Value::as_array_mut).into_iter().flatten() {
        let moved = place.as_u64().and_then(|place| usize::try_from(place).ok()).map(|own| own.saturating_add(offset));
        *place = json!(moved);
    }
    logprobs
}

#[cfg(test)]
mod tests;
