//! OpenAI as a provider, quirks included.

use app::types::sse::ServerSentEvent;
use serde_json::{Value, json};

use super::*;
use crate::dialects::chat_completions::parse::parse;
use crate::dialects::inference::{Message, Part, Role, ToolCall};
use crate::dialects::{FaultKind, FinishReason, Usage};

fn sent(quirks: &Quirks, inference: &Inference) -> Value {
    let target = Target { model: "their-name", max_output_tokens: Some(1000), quirks };
    serde_json::from_slice(&ChatCompletions.encode(&target, inference).unwrap().body).unwrap()
}

fn asked(quirks: &Quirks, body: &Value) -> Value {
    sent(quirks, &parse(body.to_string().as_bytes()).unwrap())
}

fn with(change: impl FnOnce(&mut Quirks)) -> Quirks {
    let mut quirks = Quirks::default();
    change(&mut quirks);
    quirks
}

fn streamed(events: &[&str]) -> Result<Vec<Delta>, Fault> {
    let (mut decoder, mut out) = (ChatCompletions.decoder(&Quirks::default()), Vec::new());
    for data in events {
        decoder.event(&ServerSentEvent { name: String::new(), data: (*data).to_owned() }, &mut out)?;
    }
    decoder.finish("", &mut out)?;
    Ok(out)
}

#[test]
fn the_callers_fields_pass_verbatim_and_the_gateways_stay_behind() {
    let body = br#"{"model":"a/b","models":["c"],"messages":[{"role":"user","content":"\u00e9 "}],"provider":{},
        "temperature":0.70,"x_new":{"b":1.00,"a":2},"session_id":"s","max_tokens":5000,"stream":true,"user":null,
        "reasoning":{"max_tokens":500}}"#;
    let target = Target { model: "their-name", max_output_tokens: Some(1000), quirks: &Quirks::default() };
    let request = ChatCompletions.encode(&target, &parse(body).unwrap()).unwrap();
    assert_eq!(request.path, "/chat/completions");
    assert_eq!(
        String::from_utf8(request.body.to_vec()).unwrap(),
        r#"{"model":"their-name","messages":[{"role":"user","content":"\u00e9 "}],"temperature":0.70,"x_new":{"b":1.00,"a":2},"max_tokens":1000,"reasoning_effort":"minimal","stream":true,"stream_options":{"include_usage":true}}"#
    );
}

#[test]
fn quirks_rename_drop_and_replace() {
    let quirks = with(|quirks| {
        quirks.max_completion_tokens = true;
        quirks.no_stream_options = true;
        quirks.tool_choice_any = true;
        quirks.drops = vec!["user".into(), "reasoning_effort".into()];
        quirks.renames = vec![("seed".into(), "random_seed".into())];
    });
    let body = json!({"model": "m", "messages": [{"role": "user", "content": "a"}], "seed": 1, "user": "u",
        "max_tokens": 9, "stream": true, "tool_choice": "required", "reasoning_effort": "high"});
    assert_eq!(
        asked(&quirks, &body),
        json!({"model": "their-name", "messages": [{"role": "user", "content": "a"}], "random_seed": 1,
            "tool_choice": "any", "max_completion_tokens": 9, "stream": true})
    );
}

#[test]
fn the_history_is_rewritten_where_it_would_offend() {
    let body = json!({"model": "m", "messages": [
        {"role": "developer", "content": [{"type": "text", "text": "s", "cache_control": {"type": "ephemeral"}}]},
        {"role": "assistant", "content": "", "reasoning": "hm", "reasoning_details": [], "annotations": [], "x": 1.50,
            "tool_calls": [{"id": "toolu_01", "type": "function", "function": {"name": "f", "arguments": "{}"}}]},
        {"role": "tool", "tool_call_id": "toolu_01", "content": [
            {"type": "text", "text": "see"}, {"type": "image_url", "image_url": {"url": "https://x/a.png"}}]},
        {"role": "user", "content": "and?"}]});
    let quirks = with(|quirks| {
        quirks.no_developer_role = true;
        quirks.short_tool_ids = true;
        quirks.wants_reasoning_content = true;
        quirks.drops_message_fields = vec!["annotations".into()];
    });
    let messages = asked(&quirks, &body)["messages"].clone();
    assert_eq!(messages[0], json!({"role": "system", "content": [{"type": "text", "text": "s"}]}));
    let id = messages[1]["tool_calls"][0]["id"].as_str().unwrap().to_owned();
    assert!(id.len() == 9 && id.bytes().all(|byte| byte.is_ascii_alphanumeric()), "{id}");
    assert_eq!(messages[1]["reasoning_content"], "hm");
    assert_eq!(messages[1]["x"].to_string(), "1.5");
    assert!(messages[1].get("annotations").is_none() && messages[1].get("reasoning").is_none());
    assert_eq!(messages[2], json!({"role": "tool", "tool_call_id": id, "content": "see"}));
    assert_eq!(messages[3]["content"][0]["image_url"]["url"], "https://x/a.png");
    assert_eq!(messages[4]["content"], "and?");

    let router = with(|quirks| quirks.keeps_reasoning_object = true);
    assert_eq!(asked(&router, &body)["messages"], body["messages"]);
}

#[test]
fn an_inference_from_another_client_dialect_is_composed() {
    let inference = Inference {
        messages: vec![
            Message { role: Role::System, content: vec![Part::text("s")], ..Message::default() },
            Message {
                role: Role::Assistant,
                tool_calls: vec![ToolCall { id: "c".into(), name: "f".into(), arguments: "{}".into() }],
                ..Message::default()
            },
        ],
        ..Inference::default()
    };
    assert_eq!(
        sent(&Quirks::default(), &inference)["messages"],
        json!([{"role": "system", "content": "s"},
            {"role": "assistant", "content": null,
             "tool_calls": [{"id": "c", "type": "function", "function": {"name": "f", "arguments": "{}"}}]}])
    );
}

fn calls(deltas: &[Delta]) -> Vec<(u32, Option<String>, Option<String>, String)> {
    let one = |delta: &Delta| match delta {
        Delta::ToolCall { index, id, name, arguments, .. } => {
            Some((*index, id.clone(), name.clone(), arguments.clone()))
        }
        _ => None,
    };
    deltas.iter().filter_map(one).collect()
}

#[test]
fn tool_calls_are_told_apart_however_they_are_numbered() {
    let piece = |call: Value| json!({"choices": [{"index": 0, "delta": {"tool_calls": [call]}}]}).to_string();
    let end = r#"{"choices":[{"index":0,"delta":{},"finish_reason":"tool_calls"}]}"#;
    // Parallel calls that share an index, as some routers send them.
    let shared = [
        piece(json!({"index": 0, "id": "a", "function": {"name": "f", "arguments": "{}"}})),
        piece(json!({"index": 0, "id": "b", "function": {"name": "g", "arguments": "{}"}})),
    ];
    let deltas = streamed(&[&shared[0], &shared[1], end]).unwrap();
    assert_eq!(calls(&deltas).iter().map(|call| call.0).collect::<Vec<_>>(), [0, 1]);
    // No index at all, an object for arguments, and an empty name later on.
    let bare = [
        piece(json!({"id": "a", "function": {"name": "f", "arguments": ""}})),
        piece(json!({"function": {"name": "", "arguments": "{\"x\":"}})),
        piece(json!({"id": "", "function": {"name": "", "arguments": "1}"}})),
        piece(json!({"id": "b", "function": {"name": "g", "arguments": {"y": 2}}})),
    ];
    let deltas = streamed(&[&bare[0], &bare[1], &bare[2], &bare[3], end]).unwrap();
    let joined: Vec<_> = calls(&deltas).into_iter().map(|(index, _, name, text)| (index, name, text)).collect();
    assert_eq!(joined[0], (0, Some("f".to_owned()), String::new()));
    assert_eq!(joined[2], (0, None, "1}".to_owned()));
    assert_eq!(joined[3], (1, Some("g".to_owned()), "{\"y\":2}".to_owned()));
    // Indexes from 1, and a name that comes late.
    let late = [
        piece(json!({"index": 1, "id": "a", "function": {"arguments": "{"}})),
        piece(json!({"index": 1, "function": {"name": "f", "arguments": "}"}})),
    ];
    let deltas = streamed(&[&late[0], &late[1], end]).unwrap();
    assert_eq!(calls(&deltas), [(0, Some("a".to_owned()), Some("f".to_owned()), "{}".to_owned())]);
}

#[test]
fn a_cut_stream_is_a_fault_and_a_missing_done_is_not() {
    let text = r#"{"choices":[{"index":0,"delta":{"content":"a"}}]}"#;
    let end = r#"{"choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}"#;
    assert!(streamed(&[text]).is_err());
    assert!(streamed(&[]).is_err());
    assert!(streamed(&["[DONE]"]).is_err());
    assert!(streamed(&[text, end]).is_ok());
    assert!(streamed(&[text, "[DONE]"]).is_ok());
}

#[test]
fn failures_inside_a_stream_are_faults_in_every_dress() {
    for event in [
        r#"{"error":{"message":"x","type":"server_error"}}"#,
        r#"{"id":"g","error":{"code":502,"message":"x"},"choices":[{"index":0,"delta":{},"finish_reason":"error"}]}"#,
        r#"{"object":"error","message":"x","type":"InternalServerError","code":500}"#,
        r#"{"error":"x"}"#,
        "{broken",
    ] {
        assert_eq!(streamed(&[event]).unwrap_err().kind, FaultKind::Unavailable, "{event}");
    }
    let mut decoder = ChatCompletions.decoder(&Quirks::default());
    let named = ServerSentEvent { name: "error".into(), data: r#"{"error":{"message":"x"}}"#.into() };
    assert!(decoder.event(&named, &mut Vec::new()).is_err());
}

#[test]
fn finish_reasons_are_mapped_and_kept_in_the_providers_words() {
    for (native, reason) in [
        ("eos", FinishReason::Stop),
        ("model_length", FinishReason::Length),
        ("function_call", FinishReason::ToolCalls),
        ("insufficient_system_resource", FinishReason::Error),
    ] {
        let event = format!(r#"{{"choices":[{{"delta":{{}},"finish_reason":"{native}"}}]}}"#);
        let expected = Delta::Finish { choice: 0, reason, native: Some(native.to_owned()) };
        assert_eq!(streamed(&[&event]).unwrap(), [expected]);
    }
}

#[test]
fn reasoning_outside_the_completion_is_added_where_the_total_says_so() {
    let usage = |total: u64| {
        let body = json!({"choices": [{"message": {"content": "a"}, "finish_reason": "stop"}], "usage": {"prompt_tokens": 10,
            "completion_tokens": 2, "total_tokens": total, "completion_tokens_details": {"reasoning_tokens": 5}}});
        let deltas = ChatCompletions.decode_whole(&Quirks::default(), body.to_string().as_bytes()).unwrap();
        let find = |delta: &Delta| {
            if let Delta::Usage(Usage { completion_tokens, .. }) = delta { *completion_tokens } else { None }
        };
        deltas.iter().find_map(find)
    };
    assert_eq!(usage(17), Some(7));
    assert_eq!(usage(12), Some(2));
}

#[test]
fn a_whole_body_may_follow_blank_lines_or_be_an_error_in_disguise() {
    let body = b"\n\n {\"choices\":[{\"message\":{\"content\":\"a\"},\"finish_reason\":\"stop\"}]}";
    assert_eq!(ChatCompletions.decode_whole(&Quirks::default(), body).unwrap().len(), 2);
    for body in [&br#"{"error":{"message":"x"}}"#[..], b"{}", b"", b"<html>"] {
        assert!(ChatCompletions.decode_whole(&Quirks::default(), body).is_err());
    }
}
