//! What is counted where a provider says nothing, and what an hour in its cache costs.

use app::types::Money;
use reqwest::Method;
use serde_json::{Value, json};

use crate::support::upstream::word_frame;
use crate::support::{Database, KeyHolder, Script, TestApp, Upstream, read};

const FOX: &str = "The quick brown fox jumps over the lazy dog.";

/// The words, an end, and no count of anything.
fn without_usage(words: &[&str]) -> Script {
    let end = json!({ "id": "up-1", "object": "chat.completion.chunk", "created": 1, "model": "m",
        "choices": [{ "index": 0, "delta": {}, "finish_reason": "stop" }] });
    let frames: String = words.iter().map(|word| word_frame(word)).collect();
    Script::Raw { content_type: "text/event-stream", body: format!("{frames}data: {end}\n\ndata: [DONE]\n\n") }
}

/// The usage a caller of this model is shown, and whether it is recorded as an estimate.
async fn usage_of(app: &TestApp, key: &KeyHolder<'_>, organization: &str, model: &str) -> (Value, bool) {
    let messages = json!([{ "role": "user", "content": FOX }]);
    let stream =
        key.stream(json!({ "model": model, "messages": messages, "stream_options": { "include_usage": true } })).await;
    assert!(stream.is_done(), "{}", stream.text);
    let usage = stream.chunks().last().unwrap()["usage"].clone();
    let row = app.app.store.generation(organization, &stream.generation_id.unwrap()).await.unwrap().unwrap();
    (usage, row.is_estimated == 1)
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_silent_provider_used_is_counted_for_openais_models_and_estimated_for_others() {
    let upstream = Upstream::start("silent").await.offering(&["openai/gpt-4o", "acme/one"]);
    upstream.always(without_usage(&["The quick brown fox ", "jumps over the lazy dog."]));
    let app = TestApp::start(Database::sqlite(), &[&upstream]).await;
    let member = app.member(Money::from_dollars(5)).await;
    let (key, organization) = (member.key().await, member.account.organization_id.clone());
    let body = json!({ "model": "openai/gpt-4o", "max_tokens": 9, "messages": [{ "role": "user", "content": FOX }] });
    // Ten tokens by OpenAI's tokenizer, seven for the message around them.
    let (_, count) = read(key.send(Method::POST, "/api/v1/messages/count_tokens", &body).await).await;
    assert_eq!(count["input_tokens"], 17);
    let body = json!({ "contents": [{ "parts": [{ "text": FOX }] }] });
    let path = "/api/v1beta/models/openai/gpt-4o:countTokens";
    let (_, count) = read(key.send(Method::POST, path, &body).await).await;
    assert_eq!(count["totalTokens"], 17);

    let (usage, is_estimated) = usage_of(&app, &key, &organization, "openai/gpt-4o").await;
    assert_eq!((&usage["prompt_tokens"], &usage["completion_tokens"]), (&json!(17), &json!(10)));
    assert!(is_estimated);
    let (usage, is_estimated) = usage_of(&app, &key, &organization, "acme/one").await;
    assert_eq!((&usage["prompt_tokens"], &usage["completion_tokens"]), (&json!(18), &json!(11)));
    assert!(is_estimated);
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_hour_in_the_cache_costs_twice_the_prompt_and_is_recorded() {
    let upstream = Upstream::with_prices("keeper", "10", "100").await.speaking_messages();
    let usage = json!({ "input_tokens": 10, "cache_read_input_tokens": 0, "cache_creation_input_tokens": 3_000,
        "cache_creation": { "ephemeral_5m_input_tokens": 1_000, "ephemeral_1h_input_tokens": 2_000 },
        "output_tokens": 1 });
    let answer = json!({ "id": "msg_1", "type": "message", "role": "assistant", "model": "m", "usage": usage,
        "content": [{ "type": "text", "text": "Hi" }], "stop_reason": "end_turn" });
    upstream.always(Script::Raw { content_type: "application/json", body: answer.to_string() });
    let app = TestApp::start(Database::sqlite(), &[&upstream]).await;
    let member = app.member(Money::from_dollars(5)).await;
    let key = member.key().await;
    let mark = json!({ "type": "ephemeral", "ttl": "1h" });
    let content = json!([{ "type": "text", "text": "Long. ".repeat(2_000), "cache_control": mark }]);
    let messages = json!([{ "role": "user", "content": content }]);
    let (status, body) = read(key.ask(json!({ "messages": messages, "max_tokens": 100 })).await).await;
    assert_eq!(status, 200, "{body}");
    // 10 + 1,000 at $10, 2,000 at $20, one at $100 per million.
    assert_eq!(body["usage"]["cost"].to_string(), "0.0502");
    assert_eq!(body["usage"]["cost_details"]["upstream_inference_prompt_cost"].to_string(), "0.0501");
    assert_eq!(body["usage"]["prompt_tokens_details"]["cache_write_tokens"], 3_000);
    let id = body["id"].as_str().unwrap();
    let row = app.app.store.generation(&member.account.organization_id, id).await.unwrap().unwrap();
    assert_eq!((row.cache_write_tokens, row.cache_write_1h_tokens), (3_000, 2_000));
    assert_eq!(member.available().await, Money::from_dollars(5).minus(Money(50_200_000)));
    app.finish().await;
}
