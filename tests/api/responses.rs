//! `POST /responses` and `POST /completions` as clients see them.

use app::types::Money;
use patchbay::config::ProviderSettings;
use reqwest::Method;
use serde_json::{Value, json};

use crate::on_both_databases;
use crate::support::upstream::word_frame;
use crate::support::{Database, KeyHolder, Script, TestApp, Upstream, read};

async fn respond(key: &KeyHolder<'_>, fields: Value) -> (u16, Value) {
    let mut body = json!({ "model": "acme/one", "input": "Hello there" });
    for (name, value) in fields.as_object().unwrap() {
        body[name] = value.clone();
    }
    read(key.send(Method::POST, "/api/v1/responses", &body).await).await
}

/// The events of a stream.
async fn events(key: &KeyHolder<'_>, input: Value) -> Vec<Value> {
    let body = json!({ "model": "acme/one", "input": input, "stream": true });
    let response = key.send(Method::POST, "/api/v1/responses", &body).await;
    assert_eq!(response.status(), 200);
    let text = response.text().await.unwrap();
    text.lines()
        .filter_map(|line| line.strip_prefix("data: "))
        .map(|data| serde_json::from_str(data).unwrap())
        .collect()
}

on_both_databases! {
    async fn a_response_is_answered_priced_and_recorded(database: Database) {
        let upstream = Upstream::start("one").await;
        let app = TestApp::start(database, &[&upstream]).await;
        let member = app.member(Money::from_dollars(1)).await;
        let key = member.key().await;
        let (status, body) = respond(&key, json!({ "instructions": "Be brief.", "metadata": { "k": "v" } })).await;
        assert_eq!(status, 200);
        assert_eq!((&body["object"], &body["status"]), (&json!("response"), &json!("completed")));
        assert_eq!(body["output"][0]["content"][0]["text"], "Hello, world");
        assert_eq!(body["metadata"]["k"], "v");
        assert_eq!(body["usage"]["total_tokens"], 13);
        let messages = &upstream.last_request()["messages"];
        assert_eq!(messages[0], json!({ "role": "system", "content": "Be brief." }));
        assert_eq!(messages[1], json!({ "role": "user", "content": "Hello there" }));
        let (_, generation) =
            read(key.get(&format!("/api/v1/generation?id={}", body["id"].as_str().unwrap())).await).await;
        assert_eq!(generation["data"]["total_cost"], body["usage"]["cost"]);
        app.finish().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_of_events_ends_with_the_whole_response() {
    let upstream = Upstream::start("one").await;
    let app = TestApp::start(Database::sqlite(), &[&upstream]).await;
    let member = app.member(Money::from_dollars(1)).await;
    let key = member.key().await;
    let events = events(&key, json!([{ "role": "user", "content": "hi" }])).await;
    let words: String = events
        .iter()
        .filter(|event| event["type"] == "response.output_text.delta")
        .filter_map(|e| e["delta"].as_str())
        .collect();
    assert_eq!(words, "Hello, world");
    let last = events.last().unwrap();
    assert_eq!(last["type"], "response.completed");
    assert!(last["response"]["usage"]["cost"].as_f64().unwrap() > 0.0);
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_that_breaks_ends_as_a_failed_response() {
    let upstream = Upstream::start("one").await;
    upstream.script([Script::Cut { frames: vec![word_frame("Hel")] }]);
    let app = TestApp::start(Database::sqlite(), &[&upstream]).await;
    let member = app.member(Money::from_dollars(1)).await;
    let events = events(&member.key().await, json!("hi")).await;
    let last = events.last().unwrap();
    assert_eq!(last["type"], "response.failed");
    assert_eq!(last["response"]["error"]["code"], "server_error");
    assert_eq!(last["response"]["output"][0]["content"][0]["text"], "Hel");
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_needs_stored_responses_is_refused_and_failures_have_the_usual_envelope() {
    let upstream = Upstream::start("one").await;
    let app = TestApp::start(Database::sqlite(), &[&upstream]).await;
    let member = app.member(Money::from_dollars(1)).await;
    let key = member.key().await;
    for (fields, word) in [
        (json!({ "store": true }), "store"),
        (json!({ "previous_response_id": "resp_1" }), "previous_response_id"),
        (json!({ "background": true }), "background"),
        (json!({ "conversation": "conv_1" }), "conversation"),
        (json!({ "input": 7 }), "input"),
    ] {
        let (status, body) = respond(&key, fields).await;
        assert_eq!((status, &body["error"]["code"]), (400, &json!(400)));
        assert!(body["error"]["message"].as_str().unwrap().starts_with(word), "{body}");
    }
    assert_eq!(upstream.count(), 0);
    upstream.script([Script::fail(429, "slow down")]);
    let (status, body) = respond(&key, json!({})).await;
    assert_eq!((status, &body["error"]["metadata"]["error_type"]), (429, &json!("rate_limit_exceeded")));
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_provider_of_the_same_api_gets_the_items_and_its_reasoning_back() {
    let upstream = Upstream::start("one").await.speaking_responses();
    let answer = json!({
        "id": "resp_1", "object": "response", "status": "completed", "model": "m",
        "output": [
            { "type": "reasoning", "id": "rs_1", "summary": [{ "type": "summary_text", "text": "Hm." }], "encrypted_content": "gAAA" },
            { "type": "function_call", "id": "fc_1", "call_id": "call_1", "name": "f", "arguments": "{\"a\":1}" },
        ],
        "usage": { "input_tokens": 10, "output_tokens": 5, "output_tokens_details": { "reasoning_tokens": 2 } },
    });
    upstream.always(Script::Raw { content_type: "application/json", body: answer.to_string() });
    let app = TestApp::start_with(Database::sqlite(), &[&upstream], |config| {
        let settings = ProviderSettings { api_key: Some("upstream-key".to_owned()), ..ProviderSettings::default() };
        config.providers.insert("one-responses".to_owned(), settings);
    })
    .await;
    let member = app.member(Money::from_dollars(1)).await;
    let key = member.key().await;
    let tools = json!([{ "type": "function", "name": "f", "parameters": { "type": "object" } }]);
    let (status, first) = respond(&key, json!({ "tools": tools })).await;
    assert_eq!(status, 200, "{first}");
    assert_eq!(first["output"][0]["encrypted_content"], "gAAA");
    assert_eq!(first["output"][1]["call_id"], "call_1");
    let mut input = vec![json!({ "role": "user", "content": "Hello there" })];
    input.extend(first["output"].as_array().unwrap().iter().cloned());
    input.push(json!({ "type": "function_call_output", "call_id": "call_1", "output": "done" }));
    let (status, _) = respond(&key, json!({ "tools": tools, "input": input })).await;
    assert_eq!(status, 200);
    let sent = upstream.last_request();
    assert_eq!(sent["store"], json!(false));
    assert_eq!(
        sent["input"][1],
        json!({ "type": "reasoning", "id": "rs_1", "encrypted_content": "gAAA",
                "summary": [{ "type": "summary_text", "text": "Hm." }] })
    );
    assert_eq!(sent["input"][3]["output"], "done");

    // The same model for a caller who chats.
    let chat = json!({ "tools": [{ "type": "function", "function": { "name": "f" } }] });
    let (status, body) = read(key.ask(chat).await).await;
    assert_eq!(status, 200);
    let message = &body["choices"][0]["message"];
    assert_eq!(message["tool_calls"][0]["id"], "call_1");
    assert_eq!(message["reasoning"], "Hm.");
    assert_eq!(message["reasoning_details"][1]["format"], "openai-responses-v1");
    assert_eq!(body["usage"]["completion_tokens_details"]["reasoning_tokens"], 2);
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_prompt_is_completed_whole_and_streamed() {
    let upstream = Upstream::start("one").await;
    let app = TestApp::start(Database::sqlite(), &[&upstream]).await;
    let member = app.member(Money::from_dollars(1)).await;
    let key = member.key().await;
    let mut body = json!({ "model": "acme/one", "prompt": "Once", "max_tokens": 5 });
    let (status, answer) = read(key.send(Method::POST, "/api/v1/completions", &body).await).await;
    assert_eq!((status, &answer["object"]), (200, &json!("text_completion")));
    assert_eq!(answer["choices"][0]["text"], "Hello, world");
    assert_eq!(upstream.last_request()["messages"], json!([{ "role": "user", "content": "Once" }]));
    assert_eq!(upstream.last_request()["max_tokens"], 5);
    body["stream"] = json!(true);
    let stream = key.send(Method::POST, "/api/v1/completions", &body).await.text().await.unwrap();
    assert!(stream.trim_end().ends_with("data: [DONE]"));
    assert!(stream.contains("\"cost\":"));
    body["suffix"] = json!("end");
    let (status, refusal) = read(key.send(Method::POST, "/api/v1/completions", &body).await).await;
    assert_eq!(status, 400);
    assert!(refusal["error"]["message"].as_str().unwrap().starts_with("suffix"));
    app.finish().await;
}
