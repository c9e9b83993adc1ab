//! What a recording says, from its own digest and from our translation.

use serde_json::Value;

use crate::dialects::{Delta, Fault, FinishReason, Usage};

/// The content of one answer, choice 0 only.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Said {
    pub(super) text: String,
    pub(super) reasoning: String,
    /// Name and parsed arguments.
    pub(super) calls: Vec<(String, Value)>,
    pub(super) finish: Option<FinishReason>,
    pub(super) native: Option<String>,
    /// Prompt, completion, cached, reasoning.
    pub(super) usage: [Option<u64>; 4],
}

/// What the deltas of a translation add up to.
pub(super) fn of_deltas(deltas: &[Delta]) -> Said {
    let mut said = Said::default();
    let mut calls: Vec<(String, String)> = Vec::new();
    let mut usage = Usage::default();
    for delta in deltas {
        match delta {
            Delta::Text { choice: 0, text } => said.text.push_str(text),
            Delta::Reasoning { choice: 0, text } => said.reasoning.push_str(text),
            Delta::ReasoningDetail { choice: 0, detail } => {
                said.reasoning.push_str(crate::dialects::reasoning::words(detail).unwrap_or_default());
            }
            Delta::ToolCall { choice: 0, index, name, arguments, .. } => {
                let index = usize::try_from(*index).unwrap();
                assert!(index <= calls.len(), "indexes count from 0 without gaps");
                if index == calls.len() {
                    calls.push((name.clone().expect("the first delta of a call has its name"), String::new()));
                }
                calls[index].1.push_str(arguments);
            }
            Delta::Finish { choice: 0, reason, native } => {
                (said.finish, said.native) = (Some(*reason), native.clone());
            }
            Delta::Usage(newer) => usage.merge(newer),
            _ => {}
        }
    }
    said.calls = calls.into_iter().map(|(name, arguments)| (name, parsed(&arguments))).collect();
    said.usage = [usage.prompt_tokens, usage.completion_tokens, usage.cached_tokens, usage.reasoning_tokens];
    said
}

/// What a `chat.completion` of ours says.
pub(super) fn of_completion(answer: &Value) -> Said {
    let choice = &answer["choices"][0];
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let calls = choice["message"]["tool_calls"].as_array().cloned().unwrap_or_default();
    let ids: std::collections::HashSet<_> = calls.iter().map(|call| call["id"].as_str().unwrap()).collect();
    assert_eq!(ids.len(), calls.len(), "tool call ids are distinct");
    Said {
        text: text(&choice["message"]["content"]),
        reasoning: text(&choice["message"]["reasoning"]),
        calls: calls
            .iter()
            .map(|call| (text(&call["function"]["name"]), parsed(call["function"]["arguments"].as_str().unwrap())))
            .collect(),
        finish: serde_json::from_value(choice["finish_reason"].clone()).ok(),
        native: choice["native_finish_reason"].as_str().map(str::to_owned),
        usage: [None; 4],
    }
}

/// What the recording's digest says, in our words.
pub(super) fn of_recording(recording: &Value) -> Said {
    let digest = &recording["digest"];
    let text = |key: &str| digest[key].as_str().unwrap_or_default().to_owned();
    let calls: Vec<(String, Value)> = digest["tool_calls"]
        .as_array()
        .unwrap()
        .iter()
        .map(|call| (call["name"].as_str().unwrap().to_owned(), call["arguments"].clone()))
        .collect();
    // Cohere's word for a failure is no reason to finish.
    let native = digest["stop_reason"].as_str().or(digest["block_reason"].as_str()).filter(|word| *word != "ERROR");
    Said {
        text: text("text"),
        reasoning: text("tool_plan") + &text("reasoning"),
        finish: match native {
            // Ollama has no word for it.
            Some("stop") if recording["protocol"] == "ollama-native" && !calls.is_empty() => {
                Some(FinishReason::ToolCalls)
            }
            native => native.map(|native| finish(native, !calls.is_empty())),
        },
        native: behind_the_router(recording).or_else(|| native.map(str::to_owned)),
        usage: usage(recording, &digest["usage"]),
        calls,
    }
}

/// A router passes on what the provider behind it said; the digest has its own word only.
fn behind_the_router(recording: &Value) -> Option<String> {
    let response = &recording["response"];
    let events = response["body_text"].as_str().into_iter().flat_map(str::lines);
    let events = events.filter_map(|line| serde_json::from_str::<Value>(line.strip_prefix("data: ")?).ok());
    let all: Vec<Value> = events.chain([response["body"].clone()]).collect();
    all.iter().rev().find_map(|answer| Some(answer["choices"][0]["native_finish_reason"].as_str()?.to_owned()))
}

fn finish(native: &str, has_calls: bool) -> FinishReason {
    match native {
        "tool_calls" | "tool_use" | "TOOL_CALL" => FinishReason::ToolCalls,
        "STOP" | "UNEXPECTED_TOOL_CALL" if has_calls => FinishReason::ToolCalls,
        "stop" | "STOP" | "COMPLETE" | "end_turn" | "stop_sequence" | "pause_turn" => FinishReason::Stop,
        "length" | "max_tokens" | "MAX_TOKENS" => FinishReason::Length,
        "content_filter" | "guardrail_intervened" | "refusal" | "SAFETY" | "RECITATION" | "MODEL_ARMOR" => {
            FinishReason::ContentFilter
        }
        other => panic!("a stop reason without an expectation: {other}"),
    }
}

/// The usage map of each protocol.
fn usage(recording: &Value, usage: &Value) -> [Option<u64>; 4] {
    let count = |path: &str| usage.pointer(path).and_then(Value::as_u64);
    let sum = |paths: &[&str]| paths.iter().filter_map(|path| count(path)).reduce(|a, b| a + b);
    let protocol = recording["protocol"].as_str().unwrap();
    if let Some(usage) = super::hosted::usage(protocol, usage) {
        return usage;
    }
    match protocol {
        "anthropic-messages" | "bedrock-invoke-anthropic" => [
            sum(&["/input_tokens", "/cache_creation_input_tokens", "/cache_read_input_tokens"]),
            count("/output_tokens"),
            count("/cache_read_input_tokens"),
            count("/output_tokens_details/thinking_tokens"),
        ],
        "gemini" => [
            sum(&["/promptTokenCount", "/toolUsePromptTokenCount"]),
            sum(&["/candidatesTokenCount", "/thoughtsTokenCount"]),
            count("/cachedContentTokenCount"),
            count("/thoughtsTokenCount"),
        ],
        _ => {
            let reasoning = count("/completion_tokens_details/reasoning_tokens");
            let is_outside = recording["provider"] == "xai";
            let completion = count("/completion_tokens");
            [
                count("/prompt_tokens"),
                if is_outside { completion.map(|inside| inside + reasoning.unwrap_or(0)) } else { completion },
                count("/prompt_tokens_details/cached_tokens")
                    .or(count("/num_cached_tokens"))
                    .or(count("/prompt_cache_hit_tokens"))
                    .or(count("/cached_tokens")),
                reasoning,
            ]
        }
    }
}

fn parsed(arguments: &str) -> Value {
    let text = if arguments.is_empty() { "{}" } else { arguments };
    serde_json::from_str(text).unwrap_or_else(|_| Value::from(text))
}

/// How a translation ended: all deltas, and the failure if there was one.
pub(super) type Outcome = (Vec<Delta>, Option<Fault>);
