//! Probabilities of tokens: Gemini's lists in OpenAI's form and back.

use serde::Deserialize;
use serde_json::{Value, json};

/// `logprobsResult` of a candidate: what was chosen, and for each step what else there was.
#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct Logprobs {
    chosen_candidates: Vec<Choice>,
    top_candidates: Vec<Step>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Step {
    candidates: Vec<Choice>,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Choice {
    token: String,
    log_probability: f64,
}

impl Choice {
    fn to_openai(&self) -> Value {
        json!({ "token": self.token, "logprob": self.log_probability, "bytes": self.token.as_bytes() })
    }
}

impl Logprobs {
    /// As OpenAI shapes them; `None` when there are none.
    pub(super) fn to_openai(&self) -> Option<Value> {
        let mut steps = self.top_candidates.iter();
        let content: Vec<Value> = self
            .chosen_candidates
            .iter()
            .map(|chosen| {
                let top: Vec<Value> =
                    steps.next().into_iter().flat_map(|step| &step.candidates).map(Choice::to_openai).collect();
                let mut entry = chosen.to_openai();
                entry["top_logprobs"] = top.into();
                entry
            })
            .collect();
        (!content.is_empty()).then(|| json!({ "content": content }))
    }
}

/// Tokens of an answer, with their alternatives, for a caller of Gemini's own protocol.
#[derive(Debug, Default)]
pub(super) struct Gathered {
    chosen: Vec<Value>,
    top: Vec<Value>,
}

impl Gathered {
    /// Adds what OpenAI's form says of some tokens.
    pub(super) fn add(&mut self, logprobs: &Value) {
        let entry = |token: &Value| json!({ "token": token.get("token"), "logProbability": token.get("logprob") });
        for token in logprobs.get("content").and_then(Value::as_array).into_iter().flatten() {
            self.chosen.push(entry(token));
            let others = token.get("top_logprobs").and_then(Value::as_array);
            let others: Vec<Value> = others.into_iter().flatten().map(entry).collect();
            self.top.push(json!({ "candidates": others }));
        }
    }

    /// `logprobsResult`; `None` when there is nothing to say.
    pub(super) fn take(&mut self) -> Option<Value> {
        let Self { chosen, top } = std::mem::take(self);
        (!chosen.is_empty()).then(|| json!({ "topCandidates": top, "chosenCandidates": chosen }))
    }
}
