//! An answer in one piece, gathered from its deltas.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use super::Ending;
use crate::dialects::retrieval::Found;
use crate::dialects::{Delta, reasoning};

/// A whole answer.
#[derive(Clone, Debug, Default)]
pub struct Answer {
    /// By index.
    pub choices: BTreeMap<u32, AnsweredChoice>,
    /// Top-level fields worth keeping: `service_tier`, `system_fingerprint`, `citations`.
    pub extras: Map<String, Value>,
    /// Everything in the order it came, for client APIs that show it; `None`
    /// unless [`Answer::ordered`] was asked for.
    pub pieces: Option<Vec<Delta>>,
    /// The answer to a retrieval.
    pub found: Option<Found>,
}

/// One choice of an answer.
#[derive(Clone, Debug, Default)]
pub struct AnsweredChoice {
    pub text: String,
    pub refusal: String,
    /// Reasoning in words, also when it came in details.
    pub reasoning: String,
    /// Entries of `reasoning_details`, joined.
    pub details: Vec<Value>,
    /// By index.
    pub calls: BTreeMap<u32, AnsweredCall>,
    pub images: Vec<Value>,
    pub audio: Option<Value>,
    pub annotations: Vec<Value>,
    pub logprobs: Option<Value>,
    pub ending: Ending,
}

/// A tool call. The arguments of a call without any are empty.
#[derive(Clone, Debug, Default)]
pub struct AnsweredCall {
    /// The provider's id, see [`super::CallIds`].
    pub id: Option<String>,
    pub name: String,
    pub arguments: String,
}

impl AnsweredCall {
    /// The arguments as JSON text.
    #[must_use]
    pub fn arguments(&self) -> &str {
        if self.arguments.is_empty() { "{}" } else { &self.arguments }
    }
}

impl Answer {
    /// An answer that remembers the order of its pieces.
    #[must_use]
    pub fn ordered() -> Self {
        Self { pieces: Some(Vec::new()), ..Self::default() }
    }

    /// Takes the next piece of the answer.
    pub fn add(&mut self, delta: Delta) {
        if let Some(pieces) = &mut self.pieces {
            keep(pieces, &delta);
        }
        match delta {
            Delta::Text { choice, text } => self.choice(choice).text.push_str(&text),
            Delta::Refusal { choice, text } => self.choice(choice).refusal.push_str(&text),
            Delta::Reasoning { choice, text } => {
                let gathered = self.choice(choice);
                gathered.reasoning.push_str(&text);
                if !text.is_empty() {
                    let detail = reasoning::text_detail(&text, reasoning::UNKNOWN, 0);
                    reasoning::append(&mut gathered.details, detail);
                }
            }
            Delta::ReasoningDetail { choice, detail } => {
                let gathered = self.choice(choice);
                gathered.reasoning.push_str(reasoning::words(&detail).unwrap_or_default());
                reasoning::append(&mut gathered.details, detail);
            }
            Delta::ToolCall { choice, index, id, name, arguments } => {
                let call = self.choice(choice).calls.entry(index).or_default();
                call.id = call.id.take().or(id);
                call.name.push_str(name.as_deref().unwrap_or_default());
                call.arguments.push_str(&arguments);
            }
            Delta::Image { choice, image } => self.choice(choice).images.push(image),
            Delta::Audio { choice, audio } => join_audio(&mut self.choice(choice).audio, audio),
            Delta::Annotation { choice, annotation } => self.choice(choice).annotations.push(annotation),
            Delta::Logprobs { choice, logprobs } => join_logprobs(&mut self.choice(choice).logprobs, logprobs),
            Delta::Finish { choice, reason, native } => self.choice(choice).ending = Some((reason, native)),
            Delta::Extra { key, value } if !value.is_null() => {
                self.extras.insert(key.to_owned(), value);
            }
            Delta::Found(found) => self.found = Some(found),
            Delta::Start { .. } | Delta::Usage(_) | Delta::Native { .. } | Delta::Extra { .. } => {}
        }
    }

    /// The first choice; `None` when nothing came.
    #[must_use]
    pub fn first(&self) -> Option<&AnsweredChoice> {
        self.choices.values().next()
    }

    fn choice(&mut self, index: u32) -> &mut AnsweredChoice {
        self.choices.entry(index).or_default()
    }
}

/// Appends `delta`; texts and arguments in pieces become one.
fn keep(pieces: &mut Vec<Delta>, delta: &Delta) {
    match (pieces.last_mut(), delta) {
        (Some(Delta::Text { choice: old, text }), Delta::Text { choice, text: more }) if old == choice => {
            text.push_str(more);
        }
        (
            Some(Delta::ToolCall { choice: old, index: place, arguments, .. }),
            Delta::ToolCall { choice, index, arguments: more, id: None, name: None },
        ) if old == choice && place == index => arguments.push_str(more),
        _ => pieces.push(delta.clone()),
    }
}

/// `data` and `transcript` grow; the other fields come once.
fn join_audio(whole: &mut Option<Value>, piece: Value) {
    let (Some(Value::Object(whole)), Value::Object(piece)) = (whole.as_mut(), &piece) else {
        *whole = Some(piece);
        return;
    };
    for (key, value) in piece {
        match (whole.get_mut(key), value) {
            (Some(Value::String(before)), Value::String(more)) if key == "data" || key == "transcript" => {
                before.push_str(more);
            }
            _ => {
                whole.insert(key.clone(), value.clone());
            }
        }
    }
}

/// The lists `content` and `refusal` grow.
fn join_logprobs(whole: &mut Option<Value>, piece: Value) {
    let (Some(Value::Object(whole)), Value::Object(piece)) = (whole.as_mut(), &piece) else {
        *whole = Some(piece);
        return;
    };
    for (key, value) in piece {
        match (whole.get_mut(key), value) {
            (Some(Value::Array(before)), Value::Array(more)) => before.extend(more.iter().cloned()),
            (_, Value::Null) => {}
            _ => {
                whole.insert(key.clone(), value.clone());
            }
        }
    }
}
