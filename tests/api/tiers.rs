//! Service tiers, and endpoints that cannot read what a request brings.

use app::types::Money;
use reqwest::Method;
use serde_json::{Value, json};

use crate::support::{Database, KeyHolder, Script, TestApp, Upstream, read};

async fn answer(key: &KeyHolder<'_>, fields: Value) -> Value {
    let (status, body) = read(key.ask(fields).await).await;
    assert_eq!(status, 200, "{body}");
    body
}

#[tokio::test(flavor = "multi_thread")]
async fn a_service_tier_is_asked_of_the_provider_and_billed_at_its_own_price() {
    // The usual answer: 10 tokens of prompt and 3 of output.
    let upstream = Upstream::with_prices("tiered", "1", "2").await;
    let upstream = upstream.with_tiers(&[("priority", 10.0, 20.0), ("flex", 0.5, 1.0)]);
    let app = TestApp::start(Database::sqlite(), &[&upstream]).await;
    let key = app.member(Money::from_dollars(5)).await.key().await;
    for (fields, tier, cost) in [
        (json!({}), json!(null), 0.000_016),
        (json!({ "service_tier": "auto" }), json!(null), 0.000_016),
        (json!({ "service_tier": "priority" }), json!("priority"), 0.000_16),
        (json!({ "service_tier": "fast" }), json!("priority"), 0.000_16),
        (json!({ "service_tier": "flex" }), json!("flex"), 0.000_008),
        (json!({ "model": "acme/one:floor" }), json!("flex"), 0.000_008),
        (json!({ "provider": { "only": ["tiered/priority"] } }), json!("priority"), 0.000_16),
        (json!({ "provider": { "only": ["tiered"] } }), json!(null), 0.000_016),
    ] {
        let body = answer(&key, fields.clone()).await;
        assert_eq!(upstream.last_request()["service_tier"], tier, "{fields}");
        assert_eq!(body["usage"]["cost"], json!(cost), "{fields}");
    }
    let (status, body) = read(key.ask(json!({ "service_tier": "warp" })).await).await;
    assert_eq!(status, 400);
    assert!(body["error"]["message"].as_str().unwrap().contains("service_tier must be"), "{body}");
    let (_, body) = read(app.get("/api/v1/models/acme/one/endpoints").await).await;
    let listed: Vec<(&Value, &Value)> =
        body["data"]["endpoints"].as_array().unwrap().iter().map(|e| (&e["tag"], &e["service_tier"])).collect();
    assert_eq!(listed[0], (&json!("tiered"), &Value::Null), "the ordinary offer is the list price");
    assert!(listed.contains(&(&json!("tiered/priority"), &json!("priority"))), "{listed:?}");
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_provider_without_room_in_the_tier_is_paid_its_ordinary_price() {
    let upstream = Upstream::with_prices("tiered", "1", "2").await.with_tiers(&[("priority", 10.0, 20.0)]);
    let app = TestApp::start(Database::sqlite(), &[&upstream]).await;
    let key = app.member(Money::from_dollars(5)).await.key().await;
    let answered = json!({ "id": "up-1", "object": "chat.completion", "created": 1, "model": "m", "service_tier": "default",
        "choices": [{ "index": 0, "message": { "role": "assistant", "content": "hi" }, "finish_reason": "stop" }],
        "usage": { "prompt_tokens": 10, "completion_tokens": 3, "total_tokens": 13 } });
    upstream.script([Script::Raw { content_type: "application/json", body: answered.to_string() }]);
    let body = answer(&key, json!({ "service_tier": "priority" })).await;
    assert_eq!((&body["service_tier"], &body["usage"]["cost"]), (&json!("default"), &json!(0.000_016)));

    // A caller of Anthropic's API asks in its words and is told in them.
    for (served, told, cost) in [("priority", "priority", 0.000_16), ("default", "standard", 0.000_016)] {
        let mut answer = answered.clone();
        answer["service_tier"] = json!(served);
        upstream.script([Script::Raw { content_type: "application/json", body: answer.to_string() }]);
        let question = json!({ "model": "acme/one", "max_tokens": 50, "speed": "fast",
            "messages": [{ "role": "user", "content": "hi" }] });
        let (status, body) = read(key.send(Method::POST, "/api/v1/messages", &question).await).await;
        assert_eq!((status, &upstream.last_request()["service_tier"]), (200, &json!("priority")), "{body}");
        assert_eq!((&body["usage"]["service_tier"], &body["usage"]["cost"]), (&json!(told), &json!(cost)));
    }
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_waits_to_save_is_not_served_at_the_ordinary_price() {
    let upstream = Upstream::start("plain").await;
    let app = TestApp::start(Database::sqlite(), &[&upstream]).await;
    let key = app.member(Money::from_dollars(5)).await.key().await;
    let (status, body) = read(key.ask(json!({ "service_tier": "flex" })).await).await;
    assert_eq!(status, 404, "{body}");
    assert_eq!(body["error"]["availability"]["excluded_by"], json!(["service_tier"]), "{body}");
    // Who wants to be served first is served anyhow.
    answer(&key, json!({ "service_tier": "priority" })).await;
    assert_eq!(upstream.last_request()["service_tier"], Value::Null);
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_picture_goes_to_no_model_that_reads_only_text() {
    let (blind, seeing) =
        (Upstream::with_prices("blind", "1", "1").await.reading_text(), Upstream::start("seeing").await);
    let app = TestApp::start(Database::sqlite(), &[&blind, &seeing]).await;
    let key = app.member(Money::from_dollars(5)).await.key().await;
    let picture = json!([{ "role": "user", "content": [{ "type": "text", "text": "what is it?" },
        { "type": "image_url", "image_url": { "url": "data:image/png;base64,iVBORw0KGgo=" } }] }]);
    for _ in 0..5 {
        let body = answer(&key, json!({ "messages": picture, "provider": { "sort": "price" } })).await;
        assert_eq!(body["provider"], "Provider seeing");
    }
    let (status, body) = read(key.ask(json!({ "messages": picture, "provider": { "only": ["blind"] } })).await).await;
    assert_eq!(status, 404, "{body}");
    assert!(body["error"]["message"].as_str().unwrap().contains("takes this kind of input"), "{body}");
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_most_a_caller_pays_for_pictures_and_sound_is_kept() {
    let upstream = Upstream::start("plain").await.with_audio_price(40.0);
    let app = TestApp::start(Database::sqlite(), &[&upstream]).await;
    let key = app.member(Money::from_dollars(5)).await.key().await;
    answer(&key, json!({ "provider": { "max_price": { "image": "0.001", "audio": "0.00004" } } })).await;
    let (status, body) = read(key.ask(json!({ "provider": { "max_price": { "audio": "0.00003" } } })).await).await;
    assert_eq!(status, 404, "{body}");
    assert_eq!(body["error"]["availability"]["excluded_by"], json!(["max_price"]), "{body}");
    for field in ["image", "audio"] {
        let (status, body) = read(key.ask(json!({ "provider": { "max_price": { field: "much" } } })).await).await;
        assert_eq!(status, 400);
        assert!(body["error"]["message"].as_str().unwrap().contains(&format!("max_price.{field}")), "{body}");
    }
    app.finish().await;
}
