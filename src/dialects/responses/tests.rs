//! Requests for a provider of this API, and its answers in uncommon forms.

use app::types::sse::ServerSentEvent;
use serde_json::{Value, json};

use super::*;
use crate::dialects::chat_completions::parse::parse as parse_chat;
use crate::dialects::{FaultKind, FinishReason};

fn sent(inference: &Inference, quirks: &Quirks, model: &str) -> Value {
    let target = Target { model, max_output_tokens: Some(1000), quirks };
    let request = Responses.encode(&target, inference).unwrap();
    assert_eq!(request.path, "/responses");
    serde_json::from_slice(&request.body).unwrap()
}

fn chat(body: &Value) -> Inference {
    parse_chat(body.to_string().as_bytes()).unwrap()
}

fn decoded(events: &[Value]) -> (Vec<Delta>, Option<Fault>) {
    let (mut decoder, mut out) = (Responses.decoder(&Quirks::default()), Vec::new());
    for event in events {
        let event = ServerSentEvent { data: event.to_string(), ..ServerSentEvent::default() };
        if let Err(fault) = decoder.event(&event, &mut out) {
            return (out, Some(fault));
        }
    }
    let end = decoder.finish("", &mut out);
    (out, end.err())
}

#[test]
fn a_chat_becomes_items_and_flat_tools() {
    let body = sent(
        &chat(&json!({
            "model": "x", "stream": true, "max_tokens": 5000, "verbosity": "low", "user": "u",
            "messages": [
                { "role": "system", "content": "Be brief." },
                { "role": "user", "content": [
                    { "type": "text", "text": "Look" },
                    { "type": "image_url", "image_url": { "url": "https://e.example/a.png" } },
                    { "type": "file", "file": { "file_data": "data:application/pdf;base64,AA==" } },
                ] },
                { "role": "assistant", "content": "One moment.", "tool_calls": [
                    { "id": "call_1", "type": "function", "function": { "name": "f", "arguments": "" } },
                ], "reasoning_details": [
                    { "type": "reasoning.summary", "summary": "Hm.", "format": "openai-responses-v1", "id": "rs_1", "index": 0 },
                    { "type": "reasoning.encrypted", "data": "gAAA", "format": "openai-responses-v1", "id": "rs_1", "index": 0 },
                    { "type": "reasoning.text", "text": "x", "signature": "s", "format": "anthropic-claude-v1", "index": 1 },
                ] },
                { "role": "tool", "tool_call_id": "call_1", "content": "1" },
            ],
            "tools": [{ "type": "function", "function": { "name": "f", "parameters": { "type": "object" } } }],
            "tool_choice": { "type": "function", "function": { "name": "f" } },
            "response_format": { "type": "json_schema", "json_schema": { "name": "n", "schema": {}, "strict": true } },
            "reasoning_effort": "high",
        })),
        &Quirks::default(),
        "gpt-5",
    );
    let input = body["input"].as_array().unwrap();
    assert_eq!(input[0], json!({ "role": "system", "content": "Be brief." }));
    assert_eq!(
        input[1]["content"][1],
        json!({ "type": "input_image", "image_url": "https://e.example/a.png", "detail": "auto" })
    );
    assert_eq!(input[1]["content"][2]["filename"], "file.pdf");
    assert_eq!((&input[2]["type"], &input[2]["encrypted_content"]), (&json!("reasoning"), &json!("gAAA")));
    assert_eq!(input[3]["content"], json!([{ "type": "output_text", "text": "One moment." }]));
    assert_eq!(input[4], json!({ "type": "function_call", "call_id": "call_1", "name": "f", "arguments": "{}" }));
    assert_eq!(input[5], json!({ "type": "function_call_output", "call_id": "call_1", "output": "1" }));
    assert_eq!(input.len(), 6, "reasoning of another provider stays behind");
    assert_eq!((&body["tools"][0]["name"], &body["tools"][0]["strict"]), (&json!("f"), &json!(false)));
    assert_eq!(body["tool_choice"], json!({ "type": "function", "name": "f" }));
    assert_eq!(body["text"]["format"]["name"], "n");
    assert_eq!(body["text"]["verbosity"], "low");
    assert_eq!(body["reasoning"], json!({ "effort": "high", "summary": "auto" }));
    assert_eq!(body["include"], json!(["reasoning.encrypted_content"]));
    assert_eq!((&body["store"], &body["stream"]), (&json!(false), &json!(true)));
    assert_eq!(body["max_output_tokens"], 1000);
}

#[test]
fn a_caller_of_this_api_is_passed_through_without_what_is_ours() {
    let request = json!({
        "model": "a/b", "models": ["a/c"], "provider": { "sort": "price" }, "session_id": "s", "service_tier": "priority",
        "input": [
            { "type": "message", "id": "msg_1", "role": "user", "content": "hi" },
            { "type": "web_search_call", "id": "ws_1", "status": "completed" },
            { "type": "reasoning", "id": "rs_1", "summary": [], "encrypted_content": "gAAA", "status": "completed" },
            { "type": "reasoning", "id": "rs_2", "summary": [], "encrypted_content": "details.v1.W10" },
            { "type": "function_call", "id": "fc_1", "call_id": "c", "name": "f", "arguments": "{}" },
            { "type": "function_call_output", "call_id": "c", "output": "1" },
            { "type": "reasoning", "id": "rs_3", "summary": [], "encrypted_content": "gAAB" },
        ],
        "tools": [{ "type": "web_search" }],
        "text": { "verbosity": "low" },
        "reasoning": { "effort": "max", "exclude": false },
    });
    let body = sent(&inbound::parse(request.to_string().as_bytes()).unwrap(), &Quirks::default(), "gpt-5");
    for name in ["models", "provider", "session_id", "service_tier"] {
        assert!(body.get(name).is_none(), "{name}");
    }
    let input = body["input"].as_array().unwrap();
    let kinds: Vec<&str> = input.iter().map(|item| item["type"].as_str().unwrap()).collect();
    assert_eq!(kinds, ["message", "web_search_call", "reasoning", "function_call", "function_call_output"]);
    assert_eq!(input[2], json!({ "type": "reasoning", "id": "rs_1", "summary": [], "encrypted_content": "gAAA" }));
    assert!(input[3].get("id").is_none());
    assert_eq!(body["tools"], request["tools"]);
    assert_eq!(body["reasoning"], json!({ "effort": "xhigh" }));
}

#[test]
fn reasoning_is_sent_back_to_its_own_provider_only() {
    let inference = chat(&json!({ "model": "x", "messages": [
        { "role": "user", "content": "hi" },
        { "role": "assistant", "content": "ho", "reasoning_details": [
            { "type": "reasoning.encrypted", "data": "x", "format": "xai-responses-v1", "id": "rs_1", "index": 0 },
        ] },
        { "role": "user", "content": "and" },
    ] }));
    let xai = Quirks { reasoning_format: Some("xai-responses-v1".into()), ..Quirks::default() };
    assert_eq!(sent(&inference, &xai, "grok-4")["input"][1]["encrypted_content"], "x");
    assert_eq!(sent(&inference, &Quirks::default(), "gpt-4o")["input"].as_array().map(Vec::len), Some(3));
    assert!(sent(&inference, &Quirks::default(), "gpt-4o").get("include").is_none());
}

#[test]
fn what_this_protocol_has_no_words_for_is_said() {
    let several = chat(&json!({ "model": "x", "n": 2, "messages": [{ "role": "user", "content": "hi" }] }));
    let quirks = Quirks::default();
    let target = Target { model: "m", max_output_tokens: None, quirks: &quirks };
    assert_eq!(Responses.encode(&target, &several).unwrap_err().field, "n");
    let video = json!([{ "type": "video_url", "video_url": { "url": "https://e.example/v.mp4" } }]);
    let video = chat(&json!({ "model": "x", "messages": [{ "role": "user", "content": video }] }));
    assert_eq!(Responses.encode(&target, &video).unwrap_err().field, "messages[0].content[0].video_url");
}

#[test]
fn only_the_finished_items_encrypted_content_is_kept() {
    let item = |data: &str| json!({ "type": "reasoning", "id": "rs_1", "summary": [], "encrypted_content": data });
    let (deltas, fault) = decoded(&[
        json!({ "type": "response.output_item.added", "output_index": 0, "item": item("short") }),
        json!({ "type": "response.output_item.done", "output_index": 0, "item": item("long") }),
        json!({ "type": "response.completed", "response": { "id": "r", "status": "completed", "output": [] } }),
    ]);
    assert_eq!(fault, None);
    let sealed: Vec<&Value> = deltas
        .iter()
        .filter_map(|delta| match delta {
            Delta::ReasoningDetail { detail, .. } => Some(&detail["data"]),
            _ => None,
        })
        .collect();
    assert_eq!(sealed, ["long"]);
}

#[test]
fn items_that_were_not_streamed_come_with_their_end() {
    let call = json!({ "type": "function_call", "call_id": "c", "name": "f", "arguments": "{\"a\":1}" });
    let image = json!({ "type": "image_generation_call", "result": "AAAA", "output_format": "webp" });
    let (deltas, fault) = decoded(&[
        json!({ "type": "response.output_item.done", "output_index": 0, "item": call }),
        json!({ "type": "response.output_item.done", "output_index": 1, "item": image }),
        json!({ "type": "response.something.new", "output_index": 2 }),
        json!({ "type": "response.completed", "response": { "status": "completed" } }),
    ]);
    assert_eq!(fault, None);
    assert!(deltas.iter().any(|delta| matches!(delta, Delta::ToolCall { arguments, .. } if arguments == "{\"a\":1}")));
    let url = "data:image/webp;base64,AAAA";
    assert!(deltas.iter().any(|delta| matches!(delta, Delta::Image { image, .. } if image["image_url"]["url"] == url)));
    assert!(matches!(deltas.last(), Some(Delta::Finish { reason: FinishReason::ToolCalls, .. })));
}

#[test]
fn failures_of_either_form_are_failures() {
    let nested = json!({ "type": "error", "error": { "code": "rate_limit_exceeded", "message": "slow down" } });
    let flat = json!({ "type": "error", "code": "rate_limit_exceeded", "message": "slow down", "param": null });
    let failed = json!({ "type": "response.failed", "response":
        { "status": "failed", "error": { "code": "rate_limit_exceeded", "message": "slow down" } } });
    for event in [nested, flat, failed] {
        let (_, fault) = decoded(std::slice::from_ref(&event));
        assert_eq!(
            fault.map(|fault| (fault.kind, fault.message)),
            Some((FaultKind::RateLimited, "slow down".into())),
            "{event}"
        );
    }
    assert!(decoded(&[json!({ "type": "response.created", "response": { "id": "r" } })]).1.is_some(), "cut");
    let queued = json!({ "id": "r", "status": "queued", "output": [] }).to_string();
    assert!(Responses.decode_whole(&Quirks::default(), queued.as_bytes()).is_err());
}
