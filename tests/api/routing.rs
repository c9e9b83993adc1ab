//! Which endpoint gets a request, and how the caller learns why.

use app::types::Money;
use serde_json::{Value, json};

use crate::support::{Database, KeyHolder, Script, TestApp, Upstream, question, read};

async fn provider_of(key: &KeyHolder<'_>, fields: Value) -> String {
    let (status, body) = read(key.ask(fields).await).await;
    assert_eq!(status, 200, "{body}");
    body["provider"].as_str().unwrap().to_owned()
}

/// Makes `Provider slow` cheap and slow and `Provider quick` dear and quick, as measured.
fn measure(app: &TestApp) {
    let now = app.app.clock.now_ms();
    for _ in 0..20 {
        app.app.health.succeeded("slow:acme/one", now, 4_000.0, 100, 10_000.0);
        app.app.health.succeeded("quick:acme/one", now, 200.0, 100, 1_000.0);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_variant_orders_the_endpoints_of_its_model() {
    let (slow, quick) = (Upstream::with_prices("slow", "1", "1").await, Upstream::with_prices("quick", "9", "9").await);
    let app = TestApp::start(Database::sqlite(), &[&slow, &quick]).await;
    let key = app.member(Money::from_dollars(5)).await.key().await;
    measure(&app);
    for _ in 0..5 {
        assert_eq!(provider_of(&key, json!({ "model": "acme/one:nitro" })).await, "Provider quick");
        assert_eq!(provider_of(&key, json!({ "model": "acme/one:exacto" })).await, "Provider quick");
        assert_eq!(provider_of(&key, json!({ "model": "acme/one:floor" })).await, "Provider slow");
        // What the request itself says wins.
        let both = json!({ "model": "acme/one:nitro", "provider": { "sort": "price" } });
        assert_eq!(provider_of(&key, both).await, "Provider slow");
    }
    let (_, body) = read(key.ask(json!({ "model": "acme/one:nitro" })).await).await;
    assert_eq!(body["model"], "acme/one", "the answer names what really served");
    for unknown in ["acme/one:turbo", "acme/two:nitro", "acme/one:"] {
        let (status, body) = read(key.ask(json!({ "model": unknown })).await).await;
        assert_eq!(status, 400, "{unknown}: {body}");
    }
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn endpoints_that_miss_a_wish_come_later_but_are_not_left_out() {
    let (slow, quick) = (Upstream::with_prices("slow", "1", "1").await, Upstream::with_prices("quick", "9", "9").await);
    let app = TestApp::start(Database::sqlite(), &[&slow, &quick]).await;
    let key = app.member(Money::from_dollars(5)).await.key().await;
    measure(&app);
    for wish in [
        json!({ "sort": "price", "preferred_max_latency": 1 }),
        json!({ "sort": "price", "preferred_max_latency": { "p99": 1 } }),
        json!({ "sort": "price", "preferred_min_throughput": 50 }),
    ] {
        assert_eq!(provider_of(&key, json!({ "provider": wish })).await, "Provider quick", "{wish}");
    }
    assert_eq!(
        provider_of(&key, json!({ "provider": { "sort": "price", "preferred_max_latency": 9 } })).await,
        "Provider slow"
    );
    let only_slow = json!({ "provider": { "only": ["slow"], "preferred_max_latency": 1 } });
    assert_eq!(provider_of(&key, only_slow).await, "Provider slow");
    let (status, body) = read(key.ask(json!({ "provider": { "preferred_max_latency": "quick" } })).await).await;
    assert_eq!(status, 400);
    assert!(body["error"]["message"].as_str().unwrap().contains("provider.preferred_max_latency"), "{body}");
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn endpoints_of_several_models_are_ordered_together_on_request() {
    let dear = Upstream::with_prices("dear", "9", "9").await.offering(&["acme/big"]);
    let cheap = Upstream::with_prices("cheap", "1", "1").await.offering(&["acme/small"]);
    let app = TestApp::start(Database::sqlite(), &[&dear, &cheap]).await;
    let key = app.member(Money::from_dollars(5)).await.key().await;
    let ask = |sort: Value| json!({ "model": "acme/big", "models": ["acme/small"], "provider": { "sort": sort } });
    assert_eq!(provider_of(&key, ask(json!("price"))).await, "Provider dear");
    assert_eq!(provider_of(&key, ask(json!({ "by": "price", "partition": "model" }))).await, "Provider dear");
    assert_eq!(provider_of(&key, ask(json!({ "by": "price", "partition": "none" }))).await, "Provider cheap");
    let (status, _) = read(key.ask(ask(json!({ "by": "price", "partition": "all" }))).await).await;
    assert_eq!(status, 400);
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_newest_of_a_family_and_any_free_model_can_be_asked_for() {
    let paid = Upstream::start("paid").await;
    let paid = paid
        .offering_since("acme/opal-1", "2025-01-01")
        .offering_since("acme/opal-2", "2026-06-01")
        .offering_since("acme/opal-mini-3", "2026-09-01")
        .offering_since("other/opal-9", "2026-10-01");
    let free = Upstream::with_prices("gratis", "0", "0").await.offering(&["acme/gift"]);
    let app = TestApp::start(Database::sqlite(), &[&paid, &free]).await;
    let key = app.member(Money::from_dollars(5)).await.key().await;
    let asked = |model: &str| json!({ "model": model });
    let cases = [
        ("~acme/opal-latest", "acme/opal-mini-3"),
        ("~acme/opal-mini-latest", "acme/opal-mini-3"),
        ("~other/opal-latest", "other/opal-9"),
        ("openrouter/free", "acme/gift"),
    ];
    for (name, expected) in cases {
        let (status, body) = read(key.ask(asked(name)).await).await;
        assert_eq!((status, &body["model"]), (200, &json!(expected)), "{name}: {body}");
    }
    for unknown in ["~acme/ruby-latest", "~nobody/opal-latest", "~acme/opal"] {
        assert_eq!(read(key.ask(asked(unknown)).await).await.0, 400, "{unknown}");
    }
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_answer_tells_how_it_was_routed_when_asked() {
    let (cheap, dear) = (Upstream::with_prices("cheap", "1", "1").await, Upstream::with_prices("dear", "9", "9").await);
    let app = TestApp::start(Database::sqlite(), &[&cheap, &dear]).await;
    let key = app.member(Money::from_dollars(5)).await.key().await;
    let send = async |is_streamed: bool, level: &str| {
        cheap.script([Script::fail(503, "busy")]);
        let body = question(json!({ "stream": is_streamed, "provider": { "sort": "price" } }));
        let request = key.request(reqwest::Method::POST, "/api/v1/chat/completions");
        request.header("X-OpenRouter-Metadata", level).json(&body).send().await.unwrap().text().await.unwrap()
    };
    let whole: Value = serde_json::from_str(&send(false, "enabled").await).unwrap();
    let stream = send(true, "enabled").await;
    let last = stream.lines().rev().find(|line| line.starts_with("data: {")).unwrap();
    let last: Value = serde_json::from_str(last.trim_start_matches("data: ")).unwrap();
    for answer in [whole, last] {
        let metadata = &answer["openrouter_metadata"];
        assert_eq!(metadata["requested"], "acme/one");
        assert_eq!((&metadata["strategy"], &metadata["attempt"]), (&json!("direct"), &json!(2)), "{metadata}");
        let statuses: Vec<&Value> = metadata["attempts"].as_array().unwrap().iter().map(|a| &a["status"]).collect();
        assert_eq!(statuses, [&json!(503), &json!(200)]);
        assert_eq!(metadata["endpoints"]["total"], 2);
        let selected = metadata["endpoints"]["available"].as_array().unwrap().iter().find(|e| e["selected"] == true);
        assert_eq!(selected.unwrap()["provider"], "Provider dear");
    }
    assert!(!send(true, "disabled").await.contains("openrouter_metadata"));

    // Callers of the other APIs, and those who get no answer, are told, too.
    let other = async |path: &str, body: Value| {
        let request = key.request(reqwest::Method::POST, path).header("X-OpenRouter-Metadata", "enabled");
        request.json(&body).send().await.unwrap().text().await.unwrap()
    };
    let messages = json!({ "model": "acme/one", "max_tokens": 50, "messages": [{ "role": "user", "content": "Hi" }] });
    let responses = json!({ "model": "acme/one", "input": "Hi" });
    for (path, mut body) in [("/api/v1/messages", messages), ("/api/v1/responses", responses)] {
        let whole: Value = serde_json::from_str(&other(path, body.clone()).await).unwrap();
        assert_eq!(whole["openrouter_metadata"]["requested"], "acme/one", "{path}: {whole}");
        body["stream"] = json!(true);
        let stream = other(path, body).await;
        let told: Vec<&str> = stream.lines().filter(|line| line.contains("openrouter_metadata")).collect();
        assert_eq!(told.len(), 1, "{path}: told once, in the last event: {stream}");
    }
    cheap.always(Script::fail(503, "busy"));
    dear.always(Script::fail(503, "busy"));
    let failed: Value = serde_json::from_str(&send(false, "enabled").await).unwrap();
    assert_eq!(failed["openrouter_metadata"]["attempts"].as_array().unwrap().len(), 2, "{failed}");
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_does_not_know_a_parameter_is_not_chosen_where_it_is_required() {
    let able = Upstream::with_prices("able", "9", "9").await;
    let plain = Upstream::with_prices("plain", "1", "1").await.without_schemas();
    let app = TestApp::start(Database::sqlite(), &[&able, &plain]).await;
    let key = app.member(Money::from_dollars(5)).await.key().await;
    let required = json!({ "require_parameters": true });
    let schema = json!({ "type": "json_schema", "json_schema": { "name": "n", "schema": { "type": "object" } } });
    able.always(Script::words(&["{}"]));
    for _ in 0..5 {
        let fields = json!({ "response_format": schema, "provider": required });
        assert_eq!(provider_of(&key, fields).await, "Provider able");
    }
    let only = json!({ "require_parameters": true, "only": ["plain"] });
    let (status, body) = read(key.ask(json!({ "response_format": schema, "provider": only })).await).await;
    assert_eq!(status, 404, "{body}");
    let excluded = body["error"]["availability"]["excluded_by"].as_array().unwrap();
    assert!(excluded.contains(&json!("require_parameters")), "{body}");
    // Nothing says that anyone here can bias tokens.
    let (status, body) = read(key.ask(json!({ "logit_bias": { "1": 5 }, "provider": required })).await).await;
    assert_eq!(status, 404, "{body}");
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failure_brings_what_the_provider_really_said() {
    let upstream = Upstream::start("blunt").await;
    let app = TestApp::start(Database::sqlite(), &[&upstream]).await;
    let key = app.member(Money::from_dollars(5)).await.key().await;
    let own = json!({ "error": { "message": "Bad penalty", "type": "x", "code": null, "hint": "use 0..2" } });
    upstream.script([Script::Fail { status: 400, body: own.clone() }]);
    let (status, body) = read(key.ask(json!({})).await).await;
    assert_eq!((status, &body["error"]["message"]), (400, &json!("Bad penalty")), "{body}");
    assert_eq!(body["error"]["metadata"]["raw"], own.to_string());
    // The same in the middle of a stream, too long to arrive at once.
    let words = crate::support::upstream::word_frame(&"One".repeat(1_000)).repeat(500);
    let frames = format!("{words}data: {own}\n\n");
    upstream.always(Script::Raw { content_type: "text/event-stream", body: frames });
    let stream = key.stream(json!({})).await;
    let error = stream.error().unwrap();
    assert!(error["metadata"]["raw"].as_str().unwrap().contains("use 0..2"), "{error}");
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_conversation_with_signed_reasoning_returns_to_who_can_read_it() {
    let other = Upstream::with_prices("other", "1", "1").await;
    let issuer = Upstream::with_prices("issuer", "3", "3").await.speaking_messages();
    let answer = json!({ "id": "msg_1", "type": "message", "role": "assistant", "model": "m",
        "content": [{ "type": "text", "text": "Hi" }], "stop_reason": "end_turn",
        "usage": { "input_tokens": 3, "output_tokens": 1 } });
    issuer.always(Script::Raw { content_type: "application/json", body: answer.to_string() });
    let app = TestApp::start(Database::sqlite(), &[&other, &issuer]).await;
    let key = app.member(Money::from_dollars(5)).await.key().await;
    let thought = json!({ "type": "reasoning.text", "text": "Hm.", "signature": "sig",
                          "format": "anthropic-claude-v1", "index": 0 });
    let messages = json!([{ "role": "user", "content": "a" },
        { "role": "assistant", "content": "b", "reasoning_details": [thought] }, { "role": "user", "content": "c" }]);
    // The drawing of lots favours the cheap one nine to one.
    for _ in 0..8 {
        let fields = json!({ "messages": messages, "provider": { "allow_fallbacks": true }, "max_tokens": 50 });
        assert_eq!(provider_of(&key, fields).await, "Provider issuer");
    }
    assert_eq!(issuer.last_request()["messages"][1]["content"][0]["signature"], "sig");
    let wished = json!({ "messages": messages, "provider": { "order": ["other"] }, "max_tokens": 50 });
    assert_eq!(provider_of(&key, wished).await, "Provider other", "an order given wins");
    app.finish().await;
}
