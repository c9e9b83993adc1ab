//! Anthropic Messages, where the recordings do not reach.

use serde_json::{Value, json};

use super::*;
use crate::dialects::chat_completions::parse::parse;
use crate::dialects::{FaultKind, FinishReason};
use app::types::sse::ServerSentEvent;

fn encoded(model: &str, body: &Value) -> Result<Value, Untranslatable> {
    let quirks = Quirks::default();
    let target = Target { model, max_output_tokens: Some(64_000), quirks: &quirks };
    let request = Messages.encode(&target, &parse(body.to_string().as_bytes()).unwrap())?;
    assert_eq!(request.path, "/messages");
    assert_eq!(request.headers, [("anthropic-version", "2023-06-01".to_owned())]);
    Ok(serde_json::from_slice(&request.body).unwrap())
}

fn sent(body: &Value) -> Value {
    encoded("claude-sonnet-4-5", body).unwrap()
}

fn ask(extra: &Value) -> Value {
    let mut body = json!({"model": "m", "messages": [{"role": "user", "content": "hi"}]});
    body.as_object_mut().unwrap().extend(extra.as_object().unwrap().clone());
    body
}

#[test]
fn results_come_first_and_turns_of_one_speaker_are_one() {
    let call = |id: &str| json!({"id": id, "type": "function", "function": {"name": "f", "arguments": ""}});
    let body = sent(&json!({"model": "m", "messages": [
        {"role": "system", "content": [{"type": "text", "text": "s", "cache_control": {"type": "ephemeral"}}]},
        {"role": "developer", "content": "d"},
        {"role": "user", "content": ""},
        {"role": "user", "content": "a"},
        {"role": "assistant", "content": "", "tool_calls": [call("c:1"), call("c2")]},
        {"role": "user", "content": "wait"},
        {"role": "tool", "tool_call_id": "c:1", "content": "1"},
        {"role": "tool", "tool_call_id": "c2", "content": [{"type": "image_url", "image_url": {"url": "data:image/png;base64,AA"}}]},
        {"role": "system", "content": "later"}]}));
    assert_eq!(
        body["system"],
        json!([{"type": "text", "text": "s", "cache_control": {"type": "ephemeral"}}, {"type": "text", "text": "d"}])
    );
    assert_eq!(body["messages"][0], json!({"role": "user", "content": [{"type": "text", "text": "a"}]}));
    assert_eq!(body["messages"][1]["content"][0], json!({"type": "tool_use", "id": "c_1", "name": "f", "input": {}}));
    assert_eq!(
        body["messages"][2]["content"],
        json!([{"type": "tool_result", "tool_use_id": "c_1", "content": [{"type": "text", "text": "1"}]},
            {"type": "tool_result", "tool_use_id": "c2", "content":
                [{"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "AA"}}]},
            {"type": "text", "text": "wait"}, {"type": "text", "text": "later"}])
    );
    // The tools of the history are declared, but not to be called.
    assert_eq!(body["tools"][0]["name"], "f");
    assert_eq!(body["tool_choice"], json!({"type": "none"}));
    assert_eq!(body["max_tokens"], 64_000);
}

#[test]
fn the_first_turn_is_the_users_and_a_prefill_is_trimmed() {
    let body = sent(&json!({"model": "m", "messages": [
        {"role": "assistant", "content": "Hello"}, {"role": "user", "content": "a"}, {"role": "assistant", "content": "So \n"}]}));
    assert_eq!(body["messages"][0]["role"], "user");
    assert_eq!(body["messages"][3]["content"][0]["text"], "So");
}

#[test]
fn thinking_follows_the_generation_of_the_model() {
    let asked = ask(
        &json!({"reasoning": {"effort": "high"}, "max_tokens": 10_000, "temperature": 0.5, "tool_choice": "required",
        "tools": [{"type": "function", "function": {"name": "f"}}]}),
    );
    let older = encoded("claude-3-7-sonnet-20250219", &asked).unwrap();
    assert_eq!(older["thinking"], json!({"type": "enabled", "budget_tokens": 8000}));
    assert_eq!(older["tool_choice"], json!({"type": "auto"}));
    assert!(older.get("temperature").is_none());
    let newer = encoded("claude-opus-4-7", &asked).unwrap();
    assert_eq!(newer["thinking"], json!({"type": "adaptive"}));
    assert_eq!(newer["output_config"], json!({"effort": "high"}));
    let budget = ask(&json!({"reasoning": {"max_tokens": 200}, "max_tokens": 4000}));
    assert_eq!(sent(&budget)["thinking"]["budget_tokens"], 1024);
    let narrow = ask(&json!({"reasoning": {"effort": "high"}, "max_tokens": 500}));
    assert!(sent(&narrow).get("thinking").is_none());
    let off = ask(&json!({"reasoning": {"effort": "none"}}));
    assert!(sent(&off).get("thinking").is_none());
    assert_eq!(encoded("claude-opus-4-7", &off).unwrap()["thinking"], json!({"type": "disabled"}));
}

#[test]
fn signed_thinking_is_replayed_first_and_foreign_signatures_are_not() {
    let history = |details: Value| {
        json!({"model": "m", "reasoning": {"effort": "low"}, "messages": [{"role": "user", "content": "a"},
            {"role": "assistant", "content": "b", "reasoning_details": details,
             "tool_calls": [{"id": "c", "type": "function", "function": {"name": "f", "arguments": "{\"x\":1.0}"}}]},
            {"role": "tool", "tool_call_id": "c", "content": "r"}]})
    };
    let format = "anthropic-claude-v1";
    let body = sent(&history(json!([
        {"type": "reasoning.text", "text": "Let ", "format": format, "index": 0},
        {"type": "reasoning.text", "text": "me", "format": format, "index": 0},
        {"type": "reasoning.text", "signature": "sig", "format": format, "index": 0},
        {"type": "reasoning.encrypted", "data": "blob", "format": format, "index": 1},
        {"type": "reasoning.encrypted", "data": "google", "format": "google-gemini-v1", "index": 2}])));
    let content = &body["messages"][1]["content"];
    assert_eq!(content[0], json!({"type": "thinking", "thinking": "Let me", "signature": "sig"}));
    assert_eq!(content[1], json!({"type": "redacted_thinking", "data": "blob"}));
    assert_eq!(content[2]["type"], "text");
    assert_eq!(content[3]["input"].to_string(), "{\"x\":1.0}");
    assert_eq!(body["thinking"]["type"], "enabled");
    // Without its thinking a running tool loop cannot go on thinking.
    let lost = sent(&history(json!([{"type": "reasoning.text", "text": "unsigned", "index": 0}])));
    assert_eq!(lost["messages"][1]["content"][0]["type"], "text");
    assert!(lost.get("thinking").is_none());
}

#[test]
fn parameters_are_translated_or_refused() {
    let body = sent(&ask(
        &json!({"temperature": 1.7, "top_p": 0.9, "stop": ["END", "\n"], "user": "u", "stream": true,
        "cache_control": {"type": "ephemeral"}, "parallel_tool_calls": false,
        "response_format": {"type": "json_schema", "json_schema": {"name": "n", "schema": {"type": "object"}}},
        "tools": [{"type": "function", "function": {"name": "f", "parameters": {"properties": {}}}, "cache_control": {"type": "ephemeral"}}]}),
    ));
    assert_eq!(body["temperature"], 1.0);
    assert!(body.get("top_p").is_none());
    assert_eq!(body["stop_sequences"], json!(["END"]));
    assert_eq!(body["metadata"], json!({"user_id": "u"}));
    assert_eq!(body["cache_control"], json!({"type": "ephemeral"}));
    assert_eq!(body["stream"], true);
    assert_eq!(body["tool_choice"], json!({"type": "auto", "disable_parallel_tool_use": true}));
    assert_eq!(body["output_config"], json!({"format": {"type": "json_schema", "schema": {"type": "object"}}}));
    assert_eq!(
        body["tools"],
        json!([{"name": "f", "input_schema": {"properties": {}, "type": "object"}, "cache_control": {"type": "ephemeral"}}])
    );
    for (extra, field) in [
        (json!({"n": 2}), "n"),
        (json!({"tools": [{"type": "web_search"}]}), "tools[0].type"),
        (
            json!({"messages": [{"role": "user", "content": [{"type": "input_audio", "input_audio": {"data": "", "format": "wav"}}]}]}),
            "messages[0].content[0].input_audio",
        ),
        (
            json!({"messages": [{"role": "user", "content": [{"type": "image_url", "image_url": {"url": "data:image/bmp;base64,AA"}}]}]}),
            "messages[0].content[0].image_url",
        ),
    ] {
        assert_eq!(encoded("claude-sonnet-4-5", &ask(&extra)).unwrap_err().field, field);
    }
}

fn events(lines: &[Value]) -> Result<Vec<Delta>, Fault> {
    let (mut decoder, mut out) = (Messages.decoder(&Quirks::default()), Vec::new());
    for line in lines {
        decoder.event(&ServerSentEvent { name: String::new(), data: line.to_string() }, &mut out)?;
    }
    decoder.finish("", &mut out)?;
    Ok(out)
}

#[test]
fn a_call_without_arguments_and_a_servers_own_call_are_told_apart() {
    let out = events(&[
        json!({"type": "content_block_start", "index": 0, "content_block": {"type": "server_tool_use", "id": "srvtoolu_1", "name": "web_search", "input": {}}}),
        json!({"type": "content_block_delta", "index": 0, "delta": {"type": "input_json_delta", "partial_json": "{}"}}),
        json!({"type": "content_block_stop", "index": 0}),
        json!({"type": "content_block_start", "index": 1, "content_block": {"type": "tool_use", "id": "toolu_1", "name": "f", "input": {}}}),
        json!({"type": "content_block_delta", "index": 1, "delta": {"type": "input_json_delta", "partial_json": ""}}),
        json!({"type": "content_block_stop", "index": 1}),
        json!({"type": "message_delta", "delta": {"stop_reason": "end_turn"}, "usage": {"output_tokens": 5}}),
        json!({"type": "message_stop"}),
    ])
    .unwrap();
    let out: Vec<&Delta> = out.iter().filter(|delta| !matches!(delta, Delta::Native { .. })).collect();
    assert_eq!(out.len(), 3);
    assert!(matches!(out[0], Delta::ToolCall { index: 0, name: Some(name), .. } if name == "f"));
    assert!(matches!(out[2], Delta::Finish { reason: FinishReason::ToolCalls, .. }));
}

#[test]
fn an_overload_in_the_middle_and_a_cut_are_faults() {
    let start =
        json!({"type": "message_start", "message": {"id": "m", "usage": {"input_tokens": 1, "output_tokens": 1}}});
    let error = json!({"type": "error", "error": {"type": "overloaded_error", "message": "Overloaded"}});
    assert_eq!(events(&[start.clone(), error]).unwrap_err().kind, FaultKind::Overloaded);
    assert_eq!(events(&[start]).unwrap_err().kind, FaultKind::Unavailable);
}
