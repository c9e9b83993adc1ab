//! Answers as the caller gets them.

use app::types::Money;
use serde_json::{Value, json};

use super::*;
use crate::dialects::answer::{Failure, Tally};
use crate::dialects::{Delta, FinishReason, Usage, reasoning};

fn heading() -> Heading {
    Heading { id: "gen-1-abc".into(), created: 7, model: "a/b".into(), provider: "P".into(), ..Heading::default() }
}

fn report() -> UsageReport {
    UsageReport {
        usage: Usage { prompt_tokens: Some(3), completion_tokens: Some(2), cached_tokens: Some(1), ..Usage::default() },
        cost: Money(1_500),
        prompt_cost: Money(1_000),
        completion_cost: Money(500),
        ..UsageReport::default()
    }
}

fn call(index: u32, id: Option<&str>, name: Option<&str>, arguments: &str) -> Delta {
    let (id, name) = (id.map(str::to_owned), name.map(str::to_owned));
    Delta::ToolCall { choice: 0, index, id, name, arguments: arguments.to_owned() }
}

fn text(text: &str) -> Delta {
    Delta::Text { choice: 0, text: text.to_owned() }
}

fn end(reason: FinishReason, native: &str) -> Delta {
    Delta::Finish { choice: 0, reason, native: Some(native.to_owned()) }
}

fn stream(deltas: &[Delta]) -> Vec<Value> {
    let mut writer = ChunkWriter::new(&heading());
    let mut out = Vec::new();
    for delta in deltas {
        writer.write(delta, &mut out);
    }
    writer.finish(&report(), &mut out);
    let stream = String::from_utf8(out).unwrap();
    let body = stream.strip_suffix("data: [DONE]\n\n").unwrap();
    body.split_terminator("\n\n")
        .map(|event| serde_json::from_str(event.strip_prefix("data: ").unwrap()).unwrap())
        .collect()
}

fn whole(deltas: &[Delta]) -> Value {
    let mut answer = Answer::default();
    deltas.iter().cloned().for_each(|delta| answer.add(delta));
    serde_json::from_slice(&ChatCompletions.whole(&heading(), &answer, &report())).unwrap()
}

#[test]
fn a_stream_has_one_role_one_finish_and_one_usage_chunk() {
    let chunks = stream(&[
        text("Hel"),
        text(""),
        end(FinishReason::Stop, "end_turn"),
        text("lo"),
        end(FinishReason::Stop, "end_turn"),
        Delta::Extra { key: "service_tier", value: json!("default") },
    ]);
    assert_eq!(chunks.len(), 4);
    assert_eq!(chunks[0]["choices"][0]["delta"], json!({"role": "assistant", "content": "Hel"}));
    assert_eq!(chunks[0]["provider"], "P");
    assert_eq!(chunks[1]["choices"][0]["delta"], json!({"content": "lo"}));
    assert_eq!(chunks[1]["choices"][0]["finish_reason"], Value::Null);
    assert_eq!(chunks[2]["choices"][0]["finish_reason"], "stop");
    assert_eq!(chunks[2]["choices"][0]["native_finish_reason"], "end_turn");
    assert_eq!(chunks[3]["choices"], json!([]));
    assert_eq!(chunks[3]["usage"]["total_tokens"], 5);
    assert_eq!(chunks[3]["usage"]["cost"].to_string(), "1.5e-6");
    assert_eq!(chunks[3]["service_tier"], "default");
    for chunk in &chunks {
        assert!(chunk.get("error").is_none());
        assert!(chunk.get("usage").is_none_or(Value::is_object));
    }
}

#[test]
fn an_empty_answer_still_has_its_role_and_its_finish() {
    let chunks = stream(&[]);
    assert_eq!(chunks[0]["choices"][0]["delta"], json!({"role": "assistant", "content": ""}));
    assert_eq!(chunks[0]["choices"][0]["finish_reason"], "stop");
    let answer = whole(&[]);
    assert_eq!(answer["choices"][0]["message"]["content"], "");
}

#[test]
fn tool_calls_get_distinct_ids_and_valid_arguments() {
    let deltas = [
        call(0, Some("same"), Some("f"), ""),
        call(0, None, None, "{\"a\":1}"),
        call(1, Some("same"), Some("g"), ""),
        call(2, None, Some("h"), "{}"),
        end(FinishReason::ToolCalls, "tool_use"),
    ];
    let calls: Vec<Value> = stream(&deltas)
        .iter()
        .filter_map(|chunk| chunk["choices"][0]["delta"]["tool_calls"][0].as_object().cloned())
        .map(Value::Object)
        .collect();
    assert_eq!(
        calls[0],
        json!({"index": 0, "id": "same", "type": "function", "function": {"name": "f", "arguments": ""}})
    );
    assert_eq!(calls[1], json!({"index": 0, "function": {"arguments": "{\"a\":1}"}}));
    assert_eq!(calls[2]["id"], "call_1abc1");
    assert_eq!(calls[3]["id"], "call_1abc2");
    assert_eq!(calls[4], json!({"index": 1, "function": {"arguments": "{}"}}));

    let answer = whole(&deltas);
    let message = &answer["choices"][0]["message"];
    assert_eq!(message["content"], Value::Null);
    assert_eq!(message["tool_calls"][1]["function"]["arguments"], "{}");
    assert_eq!(message["tool_calls"][1]["id"], "call_1abc1");
    assert_eq!(answer["choices"][0]["finish_reason"], "tool_calls");
}

#[test]
fn reasoning_comes_as_words_and_as_details_and_counts() {
    let deltas = [
        Delta::Reasoning { choice: 0, text: "Hm".into() },
        Delta::Reasoning { choice: 0, text: "m".into() },
        Delta::ReasoningDetail { choice: 0, detail: reasoning::encrypted_detail("x", reasoning::GEMINI, 1, Some("c")) },
        text("ok"),
    ];
    let first = &stream(&deltas)[0]["choices"][0]["delta"];
    assert_eq!(first["reasoning"], "Hm");
    assert_eq!(first["reasoning_details"][0]["text"], "Hm");
    let message = &whole(&deltas)["choices"][0]["message"];
    assert_eq!(message["reasoning"], "Hmm");
    assert_eq!(message["reasoning_details"].as_array().map(Vec::len), Some(2));
    let mut tally = Tally::default();
    for delta in &deltas {
        tally.note(delta);
    }
    assert_eq!(tally.characters, 5);
}

#[test]
fn a_whole_answer_has_the_keys_the_sdks_require() {
    let answer = whole(&[text("hi"), end(FinishReason::Length, "max_tokens")]);
    assert_eq!(answer["object"], "chat.completion");
    assert!(answer.get("system_fingerprint").is_some_and(Value::is_null));
    assert_eq!(
        answer["usage"]["cost_details"],
        json!({"upstream_inference_cost": null, "upstream_inference_prompt_cost": 1e-6, "upstream_inference_completions_cost": 5e-7})
    );
    let message = answer["choices"][0]["message"].as_object().unwrap();
    assert!(!message.contains_key("tool_calls") && !message.contains_key("images"));
    assert_eq!(message["refusal"], Value::Null);
}

#[test]
fn a_failure_after_the_first_byte_is_a_full_chunk() {
    let failure = Failure {
        code: 502,
        message: "gone".into(),
        error_type: "provider_unavailable",
        provider_code: None,
        raw: None,
    };
    let mut out = Vec::new();
    ChunkWriter::new(&heading()).fail(&failure, Some(&report()), &mut out);
    let chunk: Value = serde_json::from_slice(out.strip_prefix(b"data: ").unwrap()).unwrap();
    assert_eq!(
        chunk["error"],
        json!({"code": 502, "message": "gone", "metadata": {"error_type": "provider_unavailable"}})
    );
    assert_eq!(chunk["choices"][0]["finish_reason"], "error");
    assert_eq!(chunk["object"], "chat.completion.chunk");
}

#[test]
fn choices_are_kept_apart() {
    let deltas = [
        Delta::Text { choice: 1, text: "b".into() },
        text("a"),
        Delta::Finish { choice: 1, reason: FinishReason::Length, native: None },
    ];
    let answer = whole(&deltas);
    assert_eq!(answer["choices"][0]["message"]["content"], "a");
    assert_eq!(answer["choices"][1]["finish_reason"], "length");
    assert_eq!(stream(&deltas).iter().filter(|chunk| !chunk["choices"][0]["finish_reason"].is_null()).count(), 2);
}
