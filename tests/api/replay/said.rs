//! What a recording says, from its own digest and from our answer.

use serde_json::{Value, json};

use super::id;

/// The content of an answer, of choice 0.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Said {
    pub(super) text: String,
    /// Name and parsed arguments.
    pub(super) calls: Vec<(String, Value)>,
    pub(super) finish: String,
    /// Prompt, completion, cached, reasoning; `None` is what the provider did not say.
    usage: [Option<u64>; 4],
}

pub(super) fn string(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

pub(super) fn parsed(arguments: &str) -> Value {
    serde_json::from_str(if arguments.is_empty() { "{}" } else { arguments }).unwrap_or_else(|_| json!(arguments))
}

/// What the recording's digest says, in the API's words.
pub(super) fn expected(recording: &Value) -> Said {
    let digest = &recording["digest"];
    let call = |call: &Value| (string(&call["name"]), call["arguments"].clone());
    let calls: Vec<_> = digest["tool_calls"].as_array().unwrap().iter().map(call).collect();
    let native = digest["stop_reason"].as_str().or(digest["block_reason"].as_str());
    let finish = match native {
        Some("tool_calls" | "tool_use" | "TOOL_CALL") => "tool_calls",
        Some("STOP" | "UNEXPECTED_TOOL_CALL") if !calls.is_empty() => "tool_calls",
        Some("stop") if recording["protocol"] == "ollama-native" && !calls.is_empty() => "tool_calls",
        None | Some("stop" | "COMPLETE" | "STOP" | "end_turn" | "stop_sequence" | "pause_turn") => "stop",
        // Cohere's word for a failure, which is compared elsewhere.
        Some("ERROR") => "error",
        Some("length" | "max_tokens" | "MAX_TOKENS") => "length",
        Some("content_filter" | "guardrail_intervened" | "refusal" | "SAFETY" | "RECITATION" | "MODEL_ARMOR") => {
            "content_filter"
        }
        Some(other) => panic!("{}: a stop reason without an expectation: {other}", id(recording)),
    };
    let usage = expected_usage(recording, &digest["usage"]);
    Said { text: string(&digest["text"]), finish: finish.to_owned(), usage, calls }
}

/// The usage map of each protocol.
fn expected_usage(recording: &Value, usage: &Value) -> [Option<u64>; 4] {
    let count = |path: &str| usage.pointer(path).and_then(Value::as_u64);
    let sum = |paths: &[&str]| paths.iter().filter_map(|path| count(path)).reduce(|a, b| a + b);
    match recording["protocol"].as_str().unwrap() {
        "bedrock-converse" => [
            sum(&["/inputTokens", "/cacheReadInputTokens", "/cacheWriteInputTokens"]),
            count("/outputTokens"),
            count("/cacheReadInputTokens"),
            None,
        ],
        "cohere-v2" => [
            count("/tokens/input_tokens"),
            count("/tokens/output_tokens"),
            count("/cached_tokens"),
            count("/tokens/reasoning_tokens"),
        ],
        "ollama-native" => [count("/prompt_eval_count"), count("/eval_count"), None, None],
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
            let inside = ["/completion_tokens"];
            let outside = ["/completion_tokens", "/completion_tokens_details/reasoning_tokens"];
            let cached = [
                "/prompt_tokens_details/cached_tokens",
                "/num_cached_tokens",
                "/prompt_cache_hit_tokens",
                "/cached_tokens",
            ];
            [
                count("/prompt_tokens"),
                if recording["provider"] == "xai" { sum(&outside) } else { sum(&inside) },
                cached.into_iter().find_map(count),
                count("/completion_tokens_details/reasoning_tokens"),
            ]
        }
    }
}

fn usage(usage: &Value) -> [Option<u64>; 4] {
    let paths = [
        "/prompt_tokens",
        "/completion_tokens",
        "/prompt_tokens_details/cached_tokens",
        "/completion_tokens_details/reasoning_tokens",
    ];
    paths.map(|path| usage.pointer(path).and_then(Value::as_u64))
}

pub(super) fn of_completion(answer: &Value) -> Said {
    let choice = &answer["choices"][0];
    let calls = choice["message"]["tool_calls"].as_array().cloned().unwrap_or_default();
    let call = |call: &Value| (string(&call["function"]["name"]), parsed(&string(&call["function"]["arguments"])));
    Said {
        text: string(&choice["message"]["content"]),
        calls: calls.iter().map(call).collect(),
        finish: string(&choice["finish_reason"]),
        usage: usage(&answer["usage"]),
    }
}

pub(super) fn of_chunks(chunks: &[Value]) -> Said {
    let mut said = Said::default();
    let mut calls: Vec<(String, String)> = Vec::new();
    for chunk in chunks {
        if chunk["usage"].is_object() {
            said.usage = usage(&chunk["usage"]);
        }
        let Some(choice) = chunk["choices"].as_array().and_then(|all| all.iter().find(|one| one["index"] == 0)) else {
            continue;
        };
        said.text += choice["delta"]["content"].as_str().unwrap_or_default();
        for call in choice["delta"]["tool_calls"].as_array().into_iter().flatten() {
            let index = usize::try_from(call["index"].as_u64().unwrap()).unwrap();
            calls.resize_with(calls.len().max(index + 1), Default::default);
            calls[index].0 += call["function"]["name"].as_str().unwrap_or_default();
            calls[index].1 += call["function"]["arguments"].as_str().unwrap_or_default();
        }
        if let Some(reason) = choice["finish_reason"].as_str() {
            reason.clone_into(&mut said.finish);
        }
    }
    said.calls = calls.into_iter().map(|(name, arguments)| (name, parsed(&arguments))).collect();
    said
}

/// The fields in which an answer differs from the digest.
pub(super) fn differences(said: &Said, expected: &Said) -> Vec<(&'static str, String)> {
    let names = ["prompt_tokens", "completion_tokens", "cached_tokens", "reasoning_tokens"];
    let mut found = Vec::new();
    for (place, name) in names.into_iter().enumerate() {
        // What the provider did not count is estimated (the first two) or zero.
        let is_same = match expected.usage[place] {
            Some(tokens) => said.usage[place].unwrap_or(0) == tokens,
            None => place < 2 || said.usage[place].unwrap_or(0) == 0,
        };
        if !is_same {
            found.push((name, format!("{:?} / {:?}", said.usage[place], expected.usage[place])));
        }
    }
    let rest = [
        ("text", said.text == expected.text, format!("{:?} / {:?}", said.text, expected.text)),
        ("calls", said.calls == expected.calls, format!("{:?} / {:?}", said.calls, expected.calls)),
        ("finish", said.finish == expected.finish, format!("{} / {}", said.finish, expected.finish)),
    ];
    found.extend(rest.into_iter().filter(|(_, is_same, _)| !is_same).map(|(name, _, both)| (name, both)));
    found
}
