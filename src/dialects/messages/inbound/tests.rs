//! Anthropic's clients, where the recordings do not reach.

use serde_json::{Value, json};

use super::*;
use crate::dialects::answer::{Answer, Failure, Heading};
use crate::dialects::inference::{Part, ResponseFormat, Role};
use crate::dialects::{Delta, Dialect, FinishReason, Inference, Quirks, Target, Usage, reasoning};

fn parsed(body: &Value) -> Inference {
    parse(body.to_string().as_bytes(), None).unwrap()
}

fn ask(extra: &Value) -> Value {
    let mut body = json!({ "model": "m", "max_tokens": 100, "messages": [{ "role": "user", "content": "hi" }] });
    body.as_object_mut().unwrap().extend(extra.as_object().unwrap().clone());
    body
}

#[test]
fn every_kind_of_block_is_understood_or_kept() {
    let inference = parsed(&ask(
        &json!({ "system": [{ "type": "text", "text": "s", "cache_control": { "type": "ephemeral" } }],
        "messages": [
            { "role": "user", "content": [
                { "type": "image", "source": { "type": "base64", "media_type": "image/png", "data": "AA" } },
                { "type": "image", "source": { "type": "url", "url": "https://a.example/p.png" } },
                { "type": "document", "title": "T", "source": { "type": "text", "media_type": "text/plain", "data": "abc" } },
                { "type": "document", "source": { "type": "content", "content": [{ "type": "text", "text": "d" }] } },
                { "type": "document", "source": { "type": "file", "file_id": "file_1" } },
                { "type": "search_result", "title": "R", "source": "https://r.example", "content": [{ "type": "text", "text": "r" }] },
                { "type": "container_upload", "file_id": "f" }] },
            { "role": "assistant", "content": [
                { "type": "thinking", "thinking": "hm", "signature": "sig" },
                { "type": "redacted_thinking", "data": "blob" },
                { "type": "text", "text": "t" },
                { "type": "server_tool_use", "id": "s", "name": "web_search", "input": {} },
                { "type": "tool_use", "id": "c", "name": "f", "input": { "x": 1.10 } }] },
            { "role": "user", "content": [{ "type": "text", "text": "first" },
                { "type": "tool_result", "tool_use_id": "c", "is_error": true, "content": [{ "type": "image",
                    "source": { "type": "base64", "media_type": "image/png", "data": "AA" } }] }] }] }),
    ));
    let [system, user, assistant, result, rest] = inference.messages.as_slice() else { panic!() };
    assert!(matches!(&system.content[0], Part::Text { cache_control: Some(_), .. }));
    assert!(matches!(&user.content[0], Part::Image { url, .. } if url == "data:image/png;base64,AA"));
    assert!(matches!(&user.content[1], Part::Image { url, .. } if url == "https://a.example/p.png"));
    assert!(matches!(&user.content[2], Part::File { name: Some(name), data: Some(data), .. }
        if name == "T" && data == "data:text/plain;base64,YWJj"));
    assert!(matches!(&user.content[3], Part::Text { text, .. } if text == "d"));
    assert!(matches!(&user.content[4], Part::Other(_)) && matches!(&user.content[6], Part::Other(_)));
    assert!(matches!(&user.content[5], Part::Text { text, .. } if text == "R\nhttps://r.example\nr"));
    assert_eq!(assistant.reasoning_details[0]["signature"], "sig");
    assert_eq!(assistant.reasoning_details[1]["data"], "blob");
    assert_eq!(assistant.reasoning.as_deref(), Some("hm"));
    assert!(matches!(&assistant.content[1], Part::Other(_)));
    assert_eq!(assistant.tool_calls[0].arguments, "{\"x\":1.1}");
    assert_eq!((result.role, result.tool_call_id.as_deref(), result.is_error), (Role::Tool, Some("c"), true));
    assert_eq!(rest.content, [Part::text("first")]);
}

#[test]
fn settings_are_understood() {
    let inference = parsed(&ask(&json!({ "thinking": { "type": "adaptive" }, "output_config": { "effort": "low",
            "format": { "type": "json_schema", "schema": { "type": "object" } } },
        "models": ["n", "m"], "top_k": 5, "metadata": { "user_id": "u" }, "user": "other",
        "tools": [{ "name": "f", "input_schema": { "type": "object" } }, { "type": "bash_20250124", "name": "bash" }] })));
    assert_eq!(inference.models, ["m", "n"]);
    assert_eq!(inference.reasoning.as_ref().unwrap().effort.as_deref(), Some("low"));
    assert!(matches!(inference.response_format, Some(ResponseFormat::JsonSchema { .. })));
    assert_eq!(inference.user.as_deref(), Some("u"));
    assert!(inference.tools[0].other.is_none() && inference.tools[1].other.is_some());
    let fallback = parsed(&ask(&json!({ "fallbacks": [{ "model": "n" }], "thinking": { "type": "disabled" } })));
    assert_eq!(fallback.models, ["m", "n"]);
    assert!(!fallback.reasoning.unwrap().is_on());
}

#[test]
fn every_refusal_names_the_field() {
    for (extra, field) in [
        (json!({ "model": null }), "model"),
        (json!({ "max_tokens": 0 }), "max_tokens"),
        (json!({ "system": 7 }), "system"),
        (json!({ "stop_sequences": "END" }), "stop_sequences"),
        (json!({ "models": ["a"], "fallbacks": [{ "model": "b" }] }), "fallbacks"),
        (json!({ "thinking": { "type": "hard" } }), "thinking.type"),
        (json!({ "output_config": { "effort": "minimal" } }), "output_config.effort"),
        (json!({ "tools": [{ "name": "f", "input_schema": [] }] }), "tools[0].input_schema"),
        (json!({ "tools": [{ "type": "openrouter:web_search" }] }), "tools[0].type"),
        (json!({ "tool_choice": { "type": "tool" } }), "tool_choice.name"),
        (
            json!({ "messages": [{ "role": "user", "content": [{ "type": "image" }] }] }),
            "messages[0].content[0].source",
        ),
        (json!({ "messages": [{ "role": "user", "content": [{ "text": "a" }] }] }), "messages[0].content[0].type"),
        (
            json!({ "messages": [{ "role": "user", "content": [{ "type": "tool_result" }] }] }),
            "messages[0].content[0].tool_use_id",
        ),
    ] {
        let error = parse(ask(&extra).to_string().as_bytes(), None).unwrap_err();
        assert_eq!(error.field, field, "{extra}");
        assert!(error.message.starts_with(field), "{}", error.message);
    }
    for body in ["", "[]", "null", "{"] {
        assert_eq!(parse(body.as_bytes(), None).unwrap_err().field, "body");
    }
}

fn written(deltas: &[Delta]) -> Vec<Value> {
    let (mut writer, mut out) =
        (Messages::default().writer(&Heading { id: "gen-1-x".into(), ..Heading::default() }), Vec::new());
    for delta in deltas {
        writer.write(delta, &mut out);
    }
    writer.finish(&UsageReport::default(), &mut out);
    let text = String::from_utf8(out).unwrap();
    text.lines()
        .filter_map(|line| line.strip_prefix("data: "))
        .map(|data| serde_json::from_str(data).unwrap())
        .collect()
}

fn whole(wish: Messages, deltas: &[Delta]) -> Value {
    let mut answer = Answer::ordered();
    for delta in deltas {
        answer.add(delta.clone());
    }
    serde_json::from_slice(&wish.whole(&Heading::default(), &answer, &UsageReport::default())).unwrap()
}

fn call(index: u32, id: Option<&str>, arguments: &str) -> Delta {
    let name = id.map(|_| "f".to_owned());
    Delta::ToolCall { choice: 0, index, id: id.map(str::to_owned), name, arguments: arguments.into() }
}

#[test]
fn what_another_company_signed_comes_back_to_it_and_never_reaches_anthropic() {
    let signed = reasoning::encrypted_detail("sig", reasoning::GEMINI, 0, Some("c1"));
    let words = Delta::Reasoning { choice: 0, text: "hm".into() };
    let detail = Delta::ReasoningDetail { choice: 0, detail: signed.clone() };
    let message = whole(Messages::default(), &[words, call(0, Some("c1"), "{}"), detail]);
    let kinds: Vec<&str> =
        message["content"].as_array().unwrap().iter().map(|block| block["type"].as_str().unwrap()).collect();
    assert_eq!(kinds, ["thinking", "tool_use", "redacted_thinking"]);
    let result = json!({ "type": "tool_result", "tool_use_id": "c1", "content": "r" });
    let inference = parsed(&ask(&json!({ "thinking": { "type": "enabled", "budget_tokens": 1024 }, "messages": [
        { "role": "user", "content": "u" }, { "role": "assistant", "content": message["content"] },
        { "role": "user", "content": [result] }] })));
    assert!(inference.messages[1].reasoning_details.contains(&signed));
    let quirks = Quirks::default();
    let sent = |dialect: Dialect, model: &str| -> Value {
        let target = Target { model, max_output_tokens: None, quirks: &quirks };
        serde_json::from_slice(&dialect.upstream().encode(&target, &inference).unwrap().body).unwrap()
    };
    let gemini = sent(Dialect::Gemini, "gemini-3-pro-preview");
    assert_eq!(gemini["contents"][1]["parts"][0]["thoughtSignature"], "sig");
    let claude = sent(Dialect::AnthropicMessages, "claude-sonnet-4-5");
    assert_eq!(claude["messages"][1]["content"].as_array().unwrap().len(), 1, "{claude}");
    assert!(claude.get("thinking").is_none(), "a loop whose thinking is gone cannot go on thinking");
}

#[test]
fn a_caller_who_wants_no_words_of_thinking_still_gets_the_signature() {
    let body = ask(&json!({ "thinking": { "type": "adaptive", "display": "omitted" } }));
    let text = reasoning::text_detail("hm", reasoning::ANTHROPIC, 0);
    let signature = reasoning::signature_detail("sig", reasoning::ANTHROPIC, 0);
    let deltas = [text, signature].map(|detail| Delta::ReasoningDetail { choice: 0, detail });
    let block = whole(Messages::of(&parsed(&body)), &deltas)["content"][0].clone();
    assert_eq!(block, json!({ "type": "thinking", "thinking": "", "signature": "sig" }));
}

#[test]
fn calls_are_blocks_of_their_own_with_distinct_ids() {
    let events = written(&[
        Delta::Text { choice: 0, text: "a".into() },
        call(0, Some("c"), "{\"x\""),
        call(0, None, ":1}"),
        call(1, Some("c"), ""),
        Delta::Finish { choice: 0, reason: FinishReason::ToolCalls, native: None },
    ]);
    let starts: Vec<&Value> = events.iter().filter(|event| event["type"] == "content_block_start").collect();
    assert_eq!(starts.len(), 3);
    assert_ne!(starts[1]["content_block"]["id"], starts[2]["content_block"]["id"]);
    assert_eq!(starts[2]["content_block"]["input"], json!({}));
    let stops: Vec<u64> = events
        .iter()
        .filter(|event| event["type"] == "content_block_stop")
        .filter_map(|event| event["index"].as_u64())
        .collect();
    assert_eq!(stops, [0, 1, 2]);
    assert_eq!(events[events.len() - 2]["delta"]["stop_reason"], "tool_use");
}

#[test]
fn a_refusal_and_a_cited_page_have_their_places() {
    let cited =
        json!({ "type": "url_citation", "url_citation": { "url": "https://a.example", "title": "A", "content": "t" } });
    let message = whole(
        Messages::default(),
        &[
            Delta::Refusal { choice: 0, text: "No.".into() },
            Delta::Annotation { choice: 0, annotation: cited },
            Delta::Finish { choice: 0, reason: FinishReason::Stop, native: Some("stop".into()) },
        ],
    );
    assert_eq!(message["stop_reason"], "refusal");
    assert_eq!(message["stop_details"]["explanation"], "No.");
    assert_eq!(message["content"][0]["text"], "No.");
    assert_eq!(message["content"][0]["citations"][0]["url"], "https://a.example");
}

#[test]
fn usage_leaves_out_what_the_cache_read_and_wrote() {
    let usage = Usage {
        prompt_tokens: Some(100),
        completion_tokens: Some(7),
        cached_tokens: Some(60),
        cache_write_tokens: Some(30),
        cache_write_1h_tokens: Some(10),
        ..Usage::default()
    };
    let report = UsageReport { usage, ..UsageReport::default() };
    let body: Value =
        serde_json::from_slice(&Messages::default().whole(&Heading::default(), &Answer::ordered(), &report)).unwrap();
    let usage = &body["usage"];
    assert_eq!((&usage["input_tokens"], &usage["cache_read_input_tokens"]), (&json!(10), &json!(60)));
    assert_eq!(usage["cache_creation"], json!({ "ephemeral_5m_input_tokens": 20, "ephemeral_1h_input_tokens": 10 }));
    assert_eq!(body["content"], json!([]), "no content is legal");
}

#[test]
fn a_failure_is_one_event_in_anthropics_words() {
    let (mut writer, mut out) = (Messages::default().writer(&Heading::default()), Vec::new());
    let failure = Failure {
        code: 503,
        message: "busy".into(),
        error_type: "provider_overloaded",
        provider_code: None,
        raw: None,
    };
    writer.fail(&failure, None, &mut out);
    let text = String::from_utf8(out).unwrap();
    let data = text.strip_prefix("event: error\ndata: ").unwrap();
    let body: Value = serde_json::from_str(data).unwrap();
    assert_eq!(
        body["error"],
        json!({ "type": "overloaded_error", "message": "busy", "error_type": "provider_overloaded" })
    );
}
