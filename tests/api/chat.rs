//! `POST /chat/completions` as clients see it.

use app::types::Money;
use serde_json::{Value, json};

use crate::on_both_databases;
use crate::support::{Database, Script, TestApp, Upstream, read};

on_both_databases! {
    async fn a_stream_has_one_finish_one_usage_and_done(database: Database) {
        let upstream = Upstream::start("one").await;
        let app = TestApp::start(database, &[&upstream]).await;
        let member = app.member(Money::from_dollars(1)).await;
        let stream = member.key().await.stream(json!({})).await;
        assert_eq!(stream.status, 200);
        assert_eq!(stream.content(), "Hello, world");
        assert!(stream.is_done());
        let chunks = stream.chunks();
        let id = stream.generation_id.clone().unwrap();
        assert!(id.starts_with("gen-"));
        for chunk in &chunks {
            assert_eq!(chunk["id"], json!(id));
            assert_eq!(chunk["object"], "chat.completion.chunk");
            assert_eq!(chunk["model"], "acme/one");
            assert_eq!(chunk["provider"], "Provider one");
            assert!(chunk.get("error").is_none());
        }
        let finished: Vec<&Value> = chunks.iter().filter(|chunk| chunk["choices"][0]["finish_reason"].is_string()).collect();
        assert_eq!(finished.len(), 1);
        assert_eq!(finished[0]["choices"][0]["native_finish_reason"], "stop");
        let with_usage: Vec<&Value> = chunks.iter().filter(|chunk| chunk.get("usage").is_some()).collect();
        assert_eq!(with_usage.len(), 1);
        assert_eq!(with_usage[0]["choices"], json!([]));
        assert_eq!(with_usage[0]["usage"]["total_tokens"], json!(13));
        assert_eq!(upstream.last_request()["model"], "acme/one");
        assert_eq!(upstream.last_headers()["authorization"], "Bearer upstream-key");
        app.finish().await;
    }
}

on_both_databases! {
    async fn a_whole_answer_has_every_required_field_and_is_in_the_records_at_once(database: Database) {
        let upstream = Upstream::start("one").await;
        let app = TestApp::start(database, &[&upstream]).await;
        let member = app.member(Money::from_dollars(1)).await;
        let key = member.key().await;
        let request = key
            .request(reqwest::Method::POST, "/api/v1/chat/completions")
            .header("HTTP-Referer", "https://foxglove.example/some/page?q=1")
            .header("X-Title", "Foxglove")
            .json(&crate::support::question(json!({ "user": "u-1", "x_unknown": { "kept": true } })));
        let (status, body) = read(request.send().await.unwrap()).await;
        assert_eq!(status, 200);
        assert_eq!(body["object"], "chat.completion");
        assert_eq!(body["choices"][0]["message"]["content"], "Hello, world");
        assert_eq!(body["choices"][0]["finish_reason"], "stop");
        assert!(body.as_object().unwrap().contains_key("system_fingerprint"));
        assert!(body["choices"][0]["message"].get("tool_calls").is_none());
        assert_eq!(upstream.last_request()["x_unknown"]["kept"], json!(true), "unknown fields reach the provider");

        let id = body["id"].as_str().unwrap();
        let (status, generation) = read(key.get(&format!("/api/v1/generation?id={id}")).await).await;
        assert_eq!(status, 200);
        assert_eq!(generation["data"]["external_user"], "u-1");
        assert_eq!(generation["data"]["origin"], "https://foxglove.example");
        assert_eq!(generation["data"]["provider_responses"][0]["status"], json!(200));
        let other = app.member(Money::ZERO).await;
        let (status, _) = read(other.key().await.get(&format!("/api/v1/generation?id={id}")).await).await;
        assert_eq!(status, 404, "nobody else can see it");
        app.finish().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn mistakes_are_answered_with_the_field_and_the_remedy() {
    let upstream = Upstream::start("one").await;
    let app = TestApp::start(Database::sqlite(), &[&upstream]).await;
    let member = app.member(Money::from_dollars(1)).await;
    let key = member.key().await;
    let cases = [
        (json!({ "messages": [] }), 400, "messages"),
        (json!({ "messages": [{ "role": "wizard", "content": "x" }] }), 400, "messages[0].role"),
        (json!({ "temperature": 9 }), 400, "temperature"),
        (json!({ "max_tokens": 0 }), 400, "max_tokens"),
        (json!({ "provider": { "sort": "fastest" } }), 400, "provider.sort"),
        (json!({ "provider": { "max_price": { "prompt": "cheap" } } }), 400, "provider.max_price.prompt"),
    ];
    for (fields, expected, field) in cases {
        let (status, body) = read(key.ask(fields.clone()).await).await;
        assert_eq!(status, expected, "{fields}: {body}");
        assert_eq!(body["error"]["code"], json!(expected));
        let message = body["error"]["message"].as_str().unwrap();
        assert!(message.contains(field), "{fields}: {message}");
        assert_eq!(body["error"]["metadata"]["error_type"], "invalid_request");
    }
    let (status, body) = read(key.ask(json!({ "model": "acme/none" })).await).await;
    assert_eq!((status, &body["error"]["availability"]["code"]), (400, &json!("model_not_found")));
    let (status, body) = read(key.ask(json!({ "provider": { "only": ["elsewhere"] } })).await).await;
    assert_eq!((status, &body["error"]["availability"]["excluded_by"]), (404, &json!(["allowed_providers"])));
    let broken =
        key.request(reqwest::Method::POST, "/api/v1/chat/completions").body("{\"model\":").send().await.unwrap();
    assert_eq!(read(broken).await.0, 400);
    assert_eq!(upstream.count(), 0);
    assert_eq!(member.available().await, Money::from_dollars(1));
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_has_no_valid_key_is_refused_in_the_documented_shape() {
    let upstream = Upstream::start("one").await;
    let app = TestApp::start(Database::sqlite(), &[&upstream]).await;
    let member = app.member(Money::from_dollars(1)).await;
    let manager = member.management_key().await;
    let expired = member.key_with(|row| row.expires_at = Some(1)).await;
    let disabled = member.key_with(|row| row.is_disabled = 1).await;
    for text in ["", "sk-or-v1-nonsense", "Bearer", &expired.text, &disabled.text] {
        let request = app.request(reqwest::Method::POST, "/api/v1/chat/completions").bearer_auth(text);
        let (status, body) = read(request.json(&crate::support::question(json!({}))).send().await.unwrap()).await;
        assert_eq!((status, &body["error"]["code"]), (401, &json!(401)), "{text}");
    }
    let (status, body) = read(manager.ask(json!({})).await).await;
    assert_eq!(status, 403, "{body}");
    assert_eq!(upstream.count(), 0);
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn tool_calls_and_their_results_pass_both_ways() {
    let upstream = Upstream::start("one").await;
    let call = json!({ "id": "c1", "object": "chat.completion", "created": 1, "model": "m", "choices": [{ "index": 0,
        "message": { "role": "assistant", "content": null, "tool_calls": [{ "id": "call_1", "type": "function",
        "function": { "name": "weather", "arguments": "{\"city\":\"Oslo\"}" } }] }, "finish_reason": "tool_calls" }],
        "usage": { "prompt_tokens": 5, "completion_tokens": 5, "total_tokens": 10 } });
    upstream.script([Script::Raw { content_type: "application/json", body: call.to_string() }]);
    let app = TestApp::start(Database::sqlite(), &[&upstream]).await;
    let member = app.member(Money::from_dollars(1)).await;
    let key = member.key().await;
    let tools = json!([{ "type": "function", "function": { "name": "weather",
        "parameters": { "type": "object", "properties": { "city": { "type": "string" } } } } }]);
    let (_, body) = read(key.ask(json!({ "tools": tools })).await).await;
    let message = &body["choices"][0]["message"];
    assert_eq!(message["tool_calls"][0]["function"]["arguments"], "{\"city\":\"Oslo\"}");
    assert_eq!(body["choices"][0]["finish_reason"], "tool_calls");
    let history = json!([{ "role": "user", "content": "Weather?" }, message,
        { "role": "tool", "tool_call_id": "call_1", "content": "rain" }]);
    let (status, _) = read(key.ask(json!({ "messages": history, "tools": tools })).await).await;
    assert_eq!(status, 200);
    assert_eq!(upstream.last_request()["messages"][2]["content"], "rain");
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_that_is_too_large_is_refused_before_it_is_read() {
    let upstream = Upstream::start("one").await;
    let app =
        TestApp::start_with(Database::sqlite(), &[&upstream], |config| config.limits.inference_body_bytes = 1_000)
            .await;
    let key_holder = app.member(Money::from_dollars(1)).await;
    let (status, body) = read(
        key_holder.key().await.ask(json!({ "messages": [{ "role": "user", "content": "x".repeat(2_000) }] })).await,
    )
    .await;
    assert_eq!(status, 413, "{body}");
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn when_the_server_is_full_the_next_request_is_told_when_to_come_back() {
    let upstream = Upstream::start("one").await;
    upstream.hold_back();
    let app = TestApp::start_with(Database::sqlite(), &[&upstream], |config| config.limits.in_flight = 1).await;
    let member = app.member(Money::from_dollars(1)).await;
    let key = member.key().await;
    let first = async { key.ask(json!({})).await.status() };
    let second = async {
        while upstream.count() == 0 {
            tokio::task::yield_now().await;
        }
        let answer = key.ask(json!({})).await;
        upstream.release();
        (answer.status().as_u16(), answer.headers().contains_key("retry-after"))
    };
    let (first, second) = tokio::join!(first, second);
    assert_eq!(first, 200);
    assert_eq!(second, (503, true));
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn reasoning_is_hidden_on_request_and_still_paid_for() {
    let upstream = Upstream::start("one").await;
    let app = TestApp::start(Database::sqlite(), &[&upstream]).await;
    let key = app.member(Money::from_dollars(1)).await.key().await;
    // A provider that does not count: what it wrote is estimated, thinking included.
    let body = json!({ "id": "up-1", "object": "chat.completion", "choices": [{ "index": 0, "finish_reason": "stop",
        "message": { "role": "assistant", "content": "Four.", "reasoning": "Two and two are four. ".repeat(20) } }] });
    upstream.always(Script::Raw { content_type: "application/json", body: body.to_string() });
    for is_hidden in [false, true] {
        let (status, body) = read(key.ask(json!({ "reasoning": { "exclude": is_hidden } })).await).await;
        assert_eq!(status, 200, "{body}");
        let message = &body["choices"][0]["message"];
        assert_eq!(message["content"], "Four.");
        assert_eq!(message["reasoning"].is_null(), is_hidden, "{message}");
        assert_eq!(message.get("reasoning_details").is_none(), is_hidden, "{message}");
        assert!(body["usage"]["completion_tokens"].as_u64().unwrap() > 100, "{body}");
        let stream = key.stream(json!({ "reasoning": { "exclude": is_hidden } })).await;
        let thoughts = stream.chunks().iter().filter(|c| c["choices"][0]["delta"]["reasoning"].is_string()).count();
        assert_eq!((thoughts == 0, stream.content().as_str()), (is_hidden, "Four."));
    }
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_built_like_no_request_is_refused_before_it_is_read() {
    let upstream = Upstream::start("one").await;
    let app = TestApp::start(Database::sqlite(), &[&upstream]).await;
    let member = app.member(Money::from_dollars(1)).await;
    let key = member.key().await;
    let many = vec![0; 100_001];
    let (status, body) = read(key.ask(json!({ "made_up": many })).await).await;
    assert_eq!(status, 400, "{body}");
    assert!(body["error"]["message"].as_str().unwrap().contains("more than 100000 elements"), "{body}");
    let as_many_as_may_be = vec![0; 100_000];
    let (status, body) = read(key.ask(json!({ "made_up": as_many_as_may_be })).await).await;
    assert_eq!(status, 200, "{body}");
    app.finish().await;
}
