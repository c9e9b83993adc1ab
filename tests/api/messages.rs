//! Anthropic's Messages API over the wire, for providers of its own and of other protocols.

use app::types::Money;
use patchbay::catalog::import;
use patchbay::config::ProviderSettings;
use patchbay::providers::simulated::{self, SimulatorOptions};
use reqwest::{Method, Response};
use serde_json::{Value, json};
use tokio::net::TcpListener;

use crate::support::upstream::word_frame;
use crate::support::{Database, KeyHolder, Script, TestApp, Upstream, read};

async fn ask(key: &KeyHolder<'_>, fields: Value) -> Response {
    let mut body = json!({ "model": "acme/one", "max_tokens": 500,
                           "messages": [{ "role": "user", "content": "Hello there" }] });
    for (name, value) in fields.as_object().unwrap() {
        body[name] = value.clone();
    }
    let request = key.app.request(Method::POST, "/api/v1/messages");
    request.header("x-api-key", &key.text).header("anthropic-version", "2023-06-01").json(&body).send().await.unwrap()
}

fn events(text: &str) -> Vec<Value> {
    let mut found = Vec::new();
    let mut name = "";
    for line in text.lines() {
        if let Some(event) = line.strip_prefix("event: ") {
            name = event;
        } else if let Some(data) = line.strip_prefix("data: ") {
            let data: Value = serde_json::from_str(data).unwrap();
            assert_eq!(data["type"], name, "the event and its data have the same type");
            found.push(data);
        }
    }
    found
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_has_every_event_once_and_in_order() {
    let upstream = Upstream::start("one").await;
    let app = TestApp::start(Database::sqlite(), &[&upstream]).await;
    let member = app.member(Money::from_dollars(1)).await;
    let key = member.key().await;
    let response = ask(&key, json!({ "stream": true })).await;
    assert_eq!(response.headers()["content-type"], "text/event-stream; charset=utf-8");
    let id = response.headers()["x-generation-id"].to_str().unwrap().to_owned();
    let events = events(&response.text().await.unwrap());
    let kinds: Vec<&str> = events.iter().map(|event| event["type"].as_str().unwrap()).collect();
    assert_eq!(kinds[..2], ["message_start", "content_block_start"]);
    assert_eq!(kinds[kinds.len() - 3..], ["content_block_stop", "message_delta", "message_stop"]);
    assert!(kinds[2..kinds.len() - 3].iter().all(|kind| *kind == "content_block_delta"));
    assert_eq!(events[0]["message"]["id"], json!(id));
    assert_eq!(events[0]["message"]["content"], json!([]));
    let text: String = events.iter().filter_map(|event| event["delta"]["text"].as_str()).collect();
    assert_eq!(text, "Hello, world");
    let last = &events[events.len() - 2];
    assert_eq!(last["delta"]["stop_reason"], "end_turn");
    assert_eq!((&last["usage"]["input_tokens"], &last["usage"]["output_tokens"]), (&json!(10), &json!(3)));
    assert!(last["usage"]["cost"].as_f64().unwrap() > 0.0);
    let (_, generation) = read(key.get(&format!("/api/v1/generation?id={id}")).await).await;
    assert_eq!(generation["data"]["total_cost"], last["usage"]["cost"]);
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn tools_and_their_results_reach_a_provider_that_speaks_openai() {
    let upstream = Upstream::start("one").await;
    let call = json!({ "id": "c1", "object": "chat.completion", "created": 1, "model": "m", "choices": [{ "index": 0,
        "message": { "role": "assistant", "content": null, "tool_calls": [{ "id": "call_1", "type": "function",
        "function": { "name": "weather", "arguments": "{\"city\":\"Oslo\"}" } }] }, "finish_reason": "tool_calls" }],
        "usage": { "prompt_tokens": 5, "completion_tokens": 5, "total_tokens": 10 } });
    upstream.script([Script::Raw { content_type: "application/json", body: call.to_string() }]);
    let app = TestApp::start(Database::sqlite(), &[&upstream]).await;
    let member = app.member(Money::from_dollars(1)).await;
    let key = member.key().await;
    let tools = json!([{ "name": "weather", "description": "d", "input_schema": { "type": "object" } }]);
    let choice = json!({ "type": "any", "disable_parallel_tool_use": true });
    let (status, body) = read(ask(&key, json!({ "tools": tools, "tool_choice": choice })).await).await;
    assert_eq!((status, &body["stop_reason"]), (200, &json!("tool_use")));
    assert_eq!(
        body["content"],
        json!([{ "type": "tool_use", "id": "call_1", "name": "weather", "input": { "city": "Oslo" } }])
    );
    let sent = upstream.last_request();
    assert_eq!((&sent["tool_choice"], &sent["parallel_tool_calls"]), (&json!("required"), &json!(false)));
    assert_eq!(sent["tools"][0]["function"]["name"], "weather");
    let result =
        json!({ "type": "tool_result", "tool_use_id": "call_1", "content": [{ "type": "text", "text": "rain" }] });
    let history = json!([{ "role": "user", "content": "Weather?" }, { "role": "assistant", "content": body["content"] },
        { "role": "user", "content": [result, { "type": "text", "text": "So?" }] }]);
    let fields = json!({ "messages": history, "tools": tools, "system": "Be brief.", "stop_sequences": ["END"],
                         "metadata": { "user_id": "u-1" } });
    assert_eq!(read(ask(&key, fields).await).await.0, 200);
    let sent = upstream.last_request();
    let roles: Vec<&str> = sent["messages"].as_array().unwrap().iter().map(|m| m["role"].as_str().unwrap()).collect();
    assert_eq!(roles, ["system", "user", "assistant", "tool", "user"]);
    assert_eq!((&sent["stop"], &sent["user"]), (&json!(["END"]), &json!("u-1")));
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn mistakes_and_failures_come_in_anthropics_words() {
    let upstream = Upstream::start("one").await;
    let app = TestApp::start(Database::sqlite(), &[&upstream]).await;
    let member = app.member(Money::from_dollars(1)).await;
    let (key, manager) = (member.key().await, member.management_key().await);
    let cases = [
        (json!({ "messages": [] }), 400, "invalid_request_error", "messages"),
        (json!({ "model": "acme/none" }), 400, "invalid_request_error", "acme/none"),
        (json!({ "tool_choice": { "type": "required" } }), 400, "invalid_request_error", "tool_choice.type"),
        (json!({ "thinking": { "type": "enabled" } }), 400, "invalid_request_error", "thinking.budget_tokens"),
        (
            json!({ "tools": [{ "type": "web_search_20250305", "name": "web_search" }] }),
            400,
            "invalid_request_error",
            "tools[0]",
        ),
        (json!({ "provider": { "only": ["elsewhere"] } }), 404, "not_found_error", "excluded"),
    ];
    for (fields, expected, kind, word) in cases {
        let (status, body) = read(ask(&key, fields.clone()).await).await;
        assert_eq!(
            (status, &body["type"], &body["error"]["type"]),
            (expected, &json!("error"), &json!(kind)),
            "{body}"
        );
        assert!(body["error"]["message"].as_str().unwrap().contains(word), "{fields}: {body}");
    }
    assert_eq!(upstream.count(), 0);
    upstream.script([Script::fail(529, "busy"), Script::fail(529, "busy")]);
    let (status, body) = read(ask(&key, json!({})).await).await;
    assert_eq!((status, &body["error"]["type"]), (503, &json!("overloaded_error")));
    let (status, body) = read(ask(&manager, json!({})).await).await;
    assert_eq!((status, &body["error"]["type"]), (403, &json!("permission_error")));
    let poor = app.member(Money::ZERO).await;
    let (status, body) = read(ask(&poor.key().await, json!({})).await).await;
    assert_eq!((status, &body["error"]["type"]), (402, &json!("billing_error")));
    let (status, body) =
        read(app.request(Method::POST, "/api/v1/messages").json(&json!({})).send().await.unwrap()).await;
    assert_eq!((status, &body["error"]["type"]), (401, &json!("authentication_error")));
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cut_answer_ends_with_an_error_event_and_no_stop() {
    let upstream = Upstream::start("one").await;
    upstream.script([Script::Cut { frames: vec![word_frame("Hel"), word_frame("lo")] }]);
    let app = TestApp::start(Database::sqlite(), &[&upstream]).await;
    let member = app.member(Money::from_dollars(1)).await;
    let text = ask(&member.key().await, json!({ "stream": true })).await.text().await.unwrap();
    let events = events(&text);
    let last = events.last().unwrap();
    assert_eq!((&last["type"], &last["error"]["type"]), (&json!("error"), &json!("api_error")));
    assert!(!text.contains("message_stop"));
    app.finish().await;
}

/// A server whose only provider is the simulated Anthropic.
async fn with_anthropic() -> (TestApp, simulated::Handle) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let simulator = simulated::spawn(listener, SimulatorOptions::instant()).unwrap();
    let base = format!("{}/v1", simulator.origin());
    let app = TestApp::start_with(Database::sqlite(), &[], |config| {
        config.providers.insert(
            "anthropic".to_owned(),
            ProviderSettings { api_key: Some("k".to_owned()), base_url: Some(base), ..ProviderSettings::default() },
        );
    })
    .await;
    let model = json!({ "id": "claude-haiku-4-5", "name": "Claude Haiku", "attachment": true, "reasoning": true,
        "tool_call": true, "structured_output": true, "temperature": true,
        "limit": { "context": 200_000, "output": 64_000 }, "cost": { "input": 1, "output": 5 },
        "modalities": { "input": ["text", "image"], "output": ["text"] } });
    let provider = json!({ "id": "anthropic", "name": "Anthropic", "npm": "@ai-sdk/anthropic",
        "env": ["TEST_UNSET_KEY"], "models": { "claude-haiku-4-5": model } });
    let list = import::read(json!({ "anthropic": provider }).to_string().as_bytes()).unwrap();
    let (changes, _) = import::plan(&app.app.store.load_catalog().await.unwrap(), list, 0);
    app.app.store.apply_catalog(&changes).await.unwrap();
    app.app.reload_catalog().await.unwrap();
    (app, simulator)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_to_anthropic_itself_goes_as_it_came() {
    let (app, simulator) = with_anthropic().await;
    let member = app.member(Money::from_dollars(1)).await;
    let key = member.key().await;
    let block = json!({ "type": "text", "text": "Hello", "cache_control": { "type": "ephemeral", "ttl": "1h" } });
    let fields = json!({
        "model": "claude-haiku-4-5", "max_tokens": 2000, "messages": [{ "role": "user", "content": [block] }],
        "context_management": { "edits": [{ "type": "clear_thinking_20251015" }] }, "x_new": { "kept": [1.0, null] },
        "tools": [{ "type": "web_search_20250305", "name": "web_search", "max_uses": 2 }],
        "provider": { "only": ["anthropic"] }, "session_id": "s", "stream": true,
    });
    let text = ask(&key, fields.clone()).await.text().await.unwrap();
    assert!(text.ends_with("data: {\"type\":\"message_stop\"}\n\n"), "{text}");
    let sent = simulator.requests().last().unwrap().body.clone();
    for name in ["max_tokens", "messages", "context_management", "x_new", "tools", "stream"] {
        assert_eq!(sent[name], fields[name], "{name}");
    }
    assert_eq!(sent["model"], "claude-haiku-4-5");
    assert!(sent.get("provider").is_none() && sent.get("session_id").is_none());
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_list_of_models_and_the_count_of_tokens_are_anthropics() {
    let upstream = Upstream::start("one").await.offering(&["acme/one", "acme/two", "acme/three"]);
    let app = TestApp::start(Database::sqlite(), &[&upstream]).await;
    let member = app.member(Money::from_dollars(1)).await;
    let key = member.key().await;
    let get = |path: &str| key.request(Method::GET, path).header("anthropic-version", "2023-06-01").send();
    let (_, first) = read(get("/api/v1/models?limit=2").await.unwrap()).await;
    assert_eq!((first["data"].as_array().unwrap().len(), &first["has_more"]), (2, &json!(true)));
    assert_eq!(first["data"][0]["type"], "model");
    let last = first["last_id"].as_str().unwrap();
    let (_, second) = read(get(&format!("/api/v1/models?limit=2&after_id={last}")).await.unwrap()).await;
    assert_ne!(second["first_id"], first["last_id"]);
    let back = second["first_id"].as_str().unwrap();
    let (_, again) = read(get(&format!("/api/v1/models?limit=2&before_id={back}")).await.unwrap()).await;
    assert_eq!(again["data"], first["data"]);
    let (status, model) = read(get("/api/v1/models/acme%2Fone").await.unwrap()).await;
    assert_eq!((status, &model["id"]), (200, &json!("acme/one")));
    let (status, missing) = read(get("/api/v1/models/acme/none").await.unwrap()).await;
    assert_eq!((status, &missing["error"]["type"]), (404, &json!("not_found_error")));
    let body = json!({ "model": "acme/one", "messages": [{ "role": "user", "content": "word ".repeat(100) }] });
    let (status, count) = read(key.send(Method::POST, "/api/v1/messages/count_tokens", &body).await).await;
    assert_eq!(status, 200);
    assert!((100..200).contains(&count["input_tokens"].as_u64().unwrap()), "{count}");
    let body = json!({ "model": "acme/none", "messages": body["messages"] });
    let (status, error) = read(key.send(Method::POST, "/api/v1/messages/count_tokens", &body).await).await;
    assert_eq!((status, &error["type"]), (400, &json!("error")));
    // Other clients see the list they know.
    let (_, plain) = read(app.get("/api/v1/models").await).await;
    assert!(plain["data"][0]["pricing"].is_object());
    app.finish().await;
}
