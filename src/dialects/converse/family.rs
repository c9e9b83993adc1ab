//! What differs between the makers of Bedrock's models, read off the model's id.
//!
//! Source: Amazon's documentation of inference parameters, of prompt caching and
//! of reasoning, by model.

use serde_json::{Value, json};

use crate::dialects::inference::{Inference, Reasoning};
use crate::dialects::messages::claude::Version;
use crate::dialects::reasoning;

/// The least Claude accepts, and the most that is asked for, in tokens.
const THINKING_BUDGET: (u64, u64) = (1024, 128_000);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Family {
    Claude(Version),
    Nova,
    GptOss,
    Mistral,
    Cohere,
    Other,
}

impl Family {
    pub(super) fn of(model: &str) -> Self {
        // An inference profile's id holds the model's; a region may stand before it.
        let has = |maker: &str| model.contains(maker);
        if has("anthropic.") || has("claude") {
            let name = model.split_once("claude").map_or(model, |(_, rest)| rest);
            Self::Claude(Version::of(name))
        } else if has("amazon.nova") {
            Self::Nova
        } else if has("openai.") {
            Self::GptOss
        } else if has("mistral.") {
            Self::Mistral
        } else if has("cohere.") {
            Self::Cohere
        } else {
            Self::Other
        }
    }

    /// Marks of the prompt cache are understood.
    pub(super) fn caches(self) -> bool {
        matches!(self, Self::Claude(_) | Self::Nova)
    }

    /// Thinking was asked for and will happen.
    pub(super) fn thinks(self, inference: &Inference) -> bool {
        matches!(self, Self::Claude(_)) && inference.reasoning.as_ref().is_some_and(Reasoning::is_on)
    }

    /// Samplers that are refused beside the others, or altogether.
    pub(super) fn may_sample(self, is_thinking: bool) -> bool {
        match self {
            Self::Claude(version) => !is_thinking && !version.refuses_samplers(),
            _ => true,
        }
    }

    pub(super) fn wants_one_sampler(self) -> bool {
        matches!(self, Self::Claude(version) if version.wants_one_sampler())
    }

    /// Parameters Converse has no word for, in the maker's own.
    pub(super) fn own_fields(self, inference: &Inference, max_tokens: Option<u64>, thinks: bool) -> Option<Value> {
        let mut fields = serde_json::Map::new();
        let mut set = |name: &str, value: Value| fields.insert(name.to_owned(), value);
        if let Some(top_k) = inference.sampling.top_k.filter(|_| self.may_sample(thinks)) {
            match self {
                Self::Claude(_) | Self::Mistral => set("top_k", Value::from(top_k)),
                Self::Nova => set("inferenceConfig", json!({ "topK": top_k })),
                Self::Cohere => set("k", Value::from(top_k)),
                Self::GptOss | Self::Other => None,
            };
        }
        let wish = inference.reasoning.as_ref().filter(|wish| wish.is_on() || reasoning::is_off(wish));
        if let Some(wish) = wish {
            match self {
                Self::Claude(version) => claude(version, wish, max_tokens, thinks, &mut set),
                Self::Nova if wish.is_on() => {
                    let effort = match reasoning::effort(wish, max_tokens) {
                        "minimal" | "low" => "low",
                        "medium" => "medium",
                        _ => "high",
                    };
                    set("reasoningConfig", json!({ "type": "enabled", "maxReasoningEffort": effort }));
                }
                Self::GptOss if wish.is_on() => {
                    let effort = match reasoning::effort(wish, max_tokens) {
                        "minimal" | "low" => "low",
                        "medium" => "medium",
                        _ => "high",
                    };
                    set("reasoning_effort", Value::from(effort));
                }
                _ => {}
            }
        }
        (!fields.is_empty()).then_some(Value::Object(fields))
    }
}

fn claude(
    version: Version,
    wish: &Reasoning,
    max_tokens: Option<u64>,
    thinks: bool,
    set: &mut dyn FnMut(&str, Value) -> Option<Value>,
) {
    if reasoning::is_off(wish) {
        if version.thinks_adaptively() {
            set("thinking", json!({ "type": "disabled" }));
        }
        return;
    }
    if !thinks {
        return;
    }
    if version.thinks_adaptively() {
        set("thinking", json!({ "type": "adaptive" }));
        set("output_config", json!({ "effort": version.effort(reasoning::effort(wish, max_tokens)) }));
        return;
    }
    let (least, most) = THINKING_BUDGET;
    let room = max_tokens.unwrap_or(8192);
    let budget = reasoning::budget(wish, room).clamp(least, most).min(room.saturating_sub(1));
    // The caller's cap may leave no room to think.
    if budget >= least {
        set("thinking", json!({ "type": "enabled", "budget_tokens": budget }));
    }
}
