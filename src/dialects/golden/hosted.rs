//! What the recordings of Bedrock, Cohere and Ollama need beside the others:
//! binary bodies, their words for usage, what their protocols cannot say.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use super::{id, recordings, translated};
use crate::dialects::{Delta, Dialect, Inference, Quirks, Target};

pub(super) fn dialect(protocol: &str) -> Option<Dialect> {
    match protocol {
        "bedrock-converse" => Some(Dialect::BedrockConverse),
        "bedrock-invoke-anthropic" => Some(Dialect::BedrockAnthropic),
        "cohere-v2" => Some(Dialect::CohereV2),
        "ollama-native" => Some(Dialect::Ollama),
        _ => None,
    }
}

/// The body of a response, however it was written down.
pub(super) fn body(recording: &Value) -> Vec<u8> {
    let response = &recording["response"];
    match (response["body_text"].as_str(), response["body_base64"].as_str()) {
        (Some(text), _) => text.as_bytes().to_vec(),
        (_, Some(data)) => STANDARD.decode(data).unwrap(),
        _ => response["body"].to_string().into_bytes(),
    }
}

/// The dialect has no words for this field of a recorded request.
pub(super) fn is_beyond(dialect: Dialect, field: &str) -> bool {
    let media = ["image_url", "file_data", "file", "video_url"];
    match dialect {
        // A URL is fetched before a request is encoded.
        Dialect::BedrockConverse => media.iter().any(|end| field.ends_with(end)) || field == "n",
        Dialect::CohereV2 => media.iter().any(|end| field.ends_with(end)) || field == "n",
        Dialect::Ollama => media.iter().any(|end| field.ends_with(end)) || ["n", "tool_choice"].contains(&field),
        _ => field == "n" || field.ends_with("image_url"),
    }
}

/// Prompt, completion, cached and reasoning tokens by the usage map of each protocol.
pub(super) fn usage(protocol: &str, usage: &Value) -> Option<[Option<u64>; 4]> {
    let count = |path: &str| usage.pointer(path).and_then(Value::as_u64);
    let sum = |paths: [&str; 3]| paths.iter().filter_map(|path| count(path)).reduce(|a, b| a + b);
    match protocol {
        "bedrock-converse" => Some([
            sum(["/inputTokens", "/cacheReadInputTokens", "/cacheWriteInputTokens"]),
            count("/outputTokens"),
            count("/cacheReadInputTokens"),
            None,
        ]),
        "cohere-v2" => Some([
            count("/tokens/input_tokens"),
            count("/tokens/output_tokens"),
            count("/cached_tokens"),
            count("/tokens/reasoning_tokens"),
        ]),
        "ollama-native" => Some([Some(count("/prompt_eval_count").unwrap_or(0)), count("/eval_count"), None, None]),
        _ => None,
    }
}

#[test]
fn redacted_thinking_of_bedrock_is_anthropics_own_and_goes_back_as_it_came() {
    let all = recordings();
    let Some(recording) = all.iter().find(|recording| id(recording).contains("stream-redacted-reasoning-51266")) else {
        return;
    };
    let (deltas, fault) = translated(recording);
    assert_eq!(fault, None);
    let details: Vec<Value> = deltas
        .into_iter()
        .filter_map(|delta| match delta {
            Delta::ReasoningDetail { detail, .. } => Some(detail),
            _ => None,
        })
        .collect();
    assert_eq!(details.len(), 2);
    let data = details[0]["data"].as_str().unwrap();
    assert!(data.starts_with("EtkECkgI"), "it was wrapped once more on its way: {data}");
    let body = json!({ "model": "m", "messages": [
        { "role": "user", "content": "a" },
        { "role": "assistant", "content": "b", "reasoning_details": details },
        { "role": "user", "content": "c" },
    ] });
    let inference = crate::dialects::chat_completions::parse::parse(body.to_string().as_bytes()).unwrap();
    let sent = encoded(Dialect::BedrockConverse, &inference);
    let back = sent["messages"][1]["content"][0]["reasoningContent"]["redactedContent"].as_str().unwrap();
    assert_eq!(back, STANDARD.encode(data));
    let direct = encoded(Dialect::BedrockAnthropic, &inference);
    assert_eq!(direct["messages"][1]["content"][0]["data"], data, "the same model directly takes the same text");
}

fn encoded(dialect: Dialect, inference: &Inference) -> Value {
    let quirks = Quirks::default();
    let model = "us.anthropic.claude-3-7-sonnet-20250219-v1:0";
    let target = Target { model, max_output_tokens: Some(8192), quirks: &quirks };
    serde_json::from_slice(&dialect.upstream().encode(&target, inference).unwrap().body).unwrap()
}

#[test]
fn what_cohere_bills_is_kept_beside_what_its_model_read() {
    let mut count = 0;
    for recording in recordings().iter().filter(|recording| recording["protocol"] == "cohere-v2") {
        let billed = &recording["digest"]["usage"]["billed_units"]["input_tokens"];
        let (deltas, _) = translated(recording);
        let usage = deltas.iter().find_map(|delta| match delta {
            Delta::Usage(usage) => usage.billed_prompt_tokens,
            _ => None,
        });
        assert_eq!(usage, billed.as_u64(), "{}", id(recording));
        count += 1;
    }
    eprintln!("{count} answers of Cohere");
}
