//! Which endpoint is chosen and why: router models, sticky conversations, and what the
//! server tells of its choice.

use app::types::Money;
use patchbay::dialects::Inference;
use patchbay::dialects::chat_completions::parse::parse;
use patchbay::gateway::route;
use serde_json::{Value, json};

use crate::support::{Database, KeyHolder, Script, TestApp, Upstream, question, read};

async fn asked(key: &KeyHolder<'_>, fields: Value) -> Value {
    let body = question(fields);
    let request = key.request(reqwest::Method::POST, "/api/v1/chat/completions");
    let (status, answer) =
        read(request.header("x-openrouter-metadata", "enabled").json(&body).send().await.unwrap()).await;
    assert_eq!(status, 200, "{answer}");
    answer
}

#[tokio::test(flavor = "multi_thread")]
async fn auto_chooses_for_the_task_within_the_band_and_says_why() {
    let cheap = Upstream::with_prices("cheap", "0.1", "0.1").await.offering(&["acme/small", "acme/coder"]);
    let dear = Upstream::with_prices("dear", "50", "50").await.offering(&["acme/large", "other/huge"]);
    let app = TestApp::start(Database::sqlite(), &[&cheap, &dear]).await;
    let member = app.member(Money::from_dollars(50)).await;
    let key = member.key().await;
    let answer = asked(&key, json!({ "model": "openrouter/auto" })).await;
    let (model, metadata) = (answer["model"].as_str().unwrap(), &answer["openrouter_metadata"]);
    assert_ne!(model, "openrouter/auto", "the answer names the model that served");
    assert_eq!((&metadata["strategy"], &metadata["requested"]), (&json!("auto"), &json!("openrouter/auto")));
    let stage = &metadata["pipeline"][0];
    assert_eq!((&stage["name"], &stage["data"]["task_type"]), (&json!("auto-router"), &json!("chat")), "{stage}");
    assert_eq!(stage["data"]["chosen"][0], *model);
    let (_, record) = read(key.get(&format!("/api/v1/generation?id={}", answer["id"].as_str().unwrap())).await).await;
    let routing = &record["data"]["routing"];
    assert!(routing["router"].as_str().unwrap().contains("task=chat"), "{routing}");
    assert_eq!(
        (&routing["candidates"][0]["model"], &routing["candidates"][0]["is_taken"]),
        (&json!(model), &json!(true))
    );

    let plugin = |options: Value| {
        let mut plugin = json!({ "id": "auto-router" });
        for (name, value) in options.as_object().unwrap() {
            plugin[name] = value.clone();
        }
        json!({ "model": "openrouter/auto", "plugins": [plugin] })
    };
    for (options, expected) in [
        (json!({ "allowed_models": ["other/*"] }), "other/huge"),
        (json!({ "allowed_models": ["acme/*"], "excluded_models": ["*coder", "*large"] }), "acme/small"),
    ] {
        assert_eq!(asked(&key, plugin(options.clone())).await["model"], expected, "{options}");
    }
    // The model of the last answer stays for the turns to come.
    let mut pinned = plugin(json!({ "pin_model": true }));
    pinned["messages"] = json!([
        { "role": "user", "content": "Hi" },
        { "role": "assistant", "content": "Hello", "model": "other/huge" },
        { "role": "user", "content": "Again" }
    ]);
    assert_eq!(asked(&key, pinned).await["model"], "other/huge");

    let (status, body) = read(key.ask(plugin(json!({ "allowed_models": ["nobody/*"] }))).await).await;
    assert_eq!((status, body["error"]["availability"]["code"].as_str()), (404, Some("constraint_filtered")), "{body}");
    assert!(body["error"]["message"].as_str().unwrap().contains("allowed_models"), "{body}");
    let (status, body) = read(key.ask(plugin(json!({ "cost_tier": "cheap" }))).await).await;
    assert_eq!(status, 400, "{body}");
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_route_is_explained_without_sending_anything() {
    let (one, two) = (Upstream::with_prices("one", "1", "1").await, Upstream::with_prices("two", "2", "2").await);
    let app = TestApp::start(Database::sqlite(), &[&one, &two]).await;
    let member = app.member(Money::from_dollars(5)).await;
    let key = member.key().await;
    let explain = async |fields: Value| {
        let response = key.send(reqwest::Method::POST, "/api/v1/route", &question(fields)).await;
        read(response).await
    };
    let (status, body) = explain(json!({})).await;
    assert_eq!(status, 200, "{body}");
    let chance = |slug: &str| {
        let candidates = body["data"]["candidates"].as_array().unwrap();
        let own = candidates.iter().find(|candidate| candidate["provider"] == format!("Provider {slug}")).unwrap();
        own["first_choice_probability"].as_f64().unwrap()
    };
    assert!((chance("one") - 0.8).abs() < 0.001 && (chance("two") - 0.2).abs() < 0.001, "1/price²: {body}");

    for _ in 0..5 {
        app.app.health.failed("one:acme/one", app.app.clock.now_ms(), patchbay::dialects::FaultKind::Unavailable, None);
    }
    let (_, body) = explain(json!({ "provider": { "max_price": { "prompt": 1.5 } } })).await;
    let (first, out) = (&body["data"]["candidates"][0], &body["data"]["excluded"][0]);
    assert_eq!((&first["provider"], &first["state"]), (&json!("Provider one"), &json!("left_alone")), "{body}");
    assert_eq!((&out["provider"], &out["excluded_by"]), (&json!("Provider two"), &json!("max_price")), "{body}");
    assert!(out["reason"].as_str().unwrap().contains("provider.max_price"), "{out}");

    let (status, _) = explain(json!({ "model": "acme/none" })).await;
    assert_eq!(status, 400);
    assert_eq!((one.count(), two.count()), (0, 0), "nothing was sent");
    assert_eq!(member.available().await, Money::from_dollars(5), "nothing was charged");
    assert_eq!(
        app.request(reqwest::Method::POST, "/api/v1/route").json(&question(json!({}))).send().await.unwrap().status(),
        401
    );
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_left_out_is_named_one_by_one() {
    let (one, two) = (Upstream::with_prices("one", "1", "1").await, Upstream::with_prices("two", "2", "2").await);
    let app = TestApp::start(Database::sqlite(), &[&one, &two]).await;
    let key = app.member(Money::from_dollars(5)).await.key().await;
    let fields = json!({ "provider": { "ignore": ["one"], "max_price": { "prompt": 1.5 } } });
    let (status, body) = read(key.ask(fields).await).await;
    assert_eq!(status, 404);
    let availability = &body["error"]["availability"];
    let mut named: Vec<(String, String)> = availability["candidates"]
        .as_array()
        .unwrap()
        .iter()
        .map(|own| (own["provider"].as_str().unwrap().to_owned(), own["excluded_by"].as_str().unwrap().to_owned()))
        .collect();
    named.sort();
    let expected = [("Provider one", "allowed_providers"), ("Provider two", "max_price")];
    assert_eq!(named, expected.map(|(provider, why)| (provider.to_owned(), why.to_owned())), "{availability}");
    assert_eq!(availability["affected_providers"], json!(["Provider one", "Provider two"]));
    let (_, body) = read(key.ask(json!({ "provider": { "enforce_distillable_text": true } })).await).await;
    assert_eq!(body["error"]["availability"]["excluded_by"], json!(["data_policy:distillation"]), "{body}");
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_stays_with_the_endpoint_whose_cache_knows_it() {
    let one = Upstream::with_prices("one", "1", "1").await.with_cache_price("0.1");
    let two = Upstream::with_prices("two", "1", "1").await.with_cache_price("0.1");
    let app = TestApp::start(Database::sqlite(), &[&one, &two]).await;
    let key = app.member(Money::from_dollars(5)).await.key().await;
    let first = asked(&key, json!({ "session_id": "s-1" })).await["provider"].clone();
    for _ in 0..20 {
        assert_eq!(asked(&key, json!({ "session_id": "s-1" })).await["provider"], first);
    }
    let other = if first == "Provider one" { "two" } else { "one" };
    let elsewhere = json!({ "session_id": "s-1", "provider": { "order": [other] } });
    assert_eq!(asked(&key, elsewhere).await["provider"], format!("Provider {other}"), "the caller's own order wins");
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn variants_that_cannot_be_served_say_so_and_thinking_switches_reasoning_on() {
    let one = Upstream::start("one").await;
    let app = TestApp::start(Database::sqlite(), &[&one]).await;
    let key = app.member(Money::from_dollars(5)).await.key().await;
    for fields in [json!({ "model": "acme/one:online" }), json!({ "plugins": [{ "id": "web" }] })] {
        let (status, body) = read(key.ask(fields).await).await;
        assert_eq!(status, 404);
        assert!(body["error"]["message"].as_str().unwrap().contains("searches the web"), "{body}");
    }
    assert_eq!(one.count(), 0);
    assert_eq!(asked(&key, json!({ "model": "acme/one:extended" })).await["model"], "acme/one");
    assert_eq!(asked(&key, json!({ "model": "acme/one:thinking" })).await["model"], "acme/one");
    app.finish().await;
}

fn inference(provider: &Value, max_tokens: Option<u64>) -> Inference {
    let mut body = question(json!({ "provider": provider }));
    if let Some(max_tokens) = max_tokens {
        body["max_tokens"] = json!(max_tokens);
    }
    parse(body.to_string().as_bytes()).unwrap()
}

/// Constraints drawn from a number: a bit for each.
fn constraints(bits: u32) -> (Value, Option<u64>) {
    let mut provider = json!({});
    let is_set = |bit: u32| bits & (1 << bit) != 0;
    if is_set(0) {
        provider["only"] = json!(["p1", "p2", "p4"]);
    }
    if is_set(1) {
        provider["ignore"] = json!(["p2"]);
    }
    if is_set(2) {
        provider["max_price"] = json!({ "prompt": 3, "completion": 4 });
    }
    if is_set(3) {
        provider["zdr"] = json!(true);
    }
    if is_set(4) {
        provider["data_collection"] = json!("deny");
    }
    if is_set(5) {
        provider["quantizations"] = json!(["unknown"]);
    }
    if is_set(6) {
        provider["require_parameters"] = json!(true);
    }
    (provider, is_set(7).then_some(9_000))
}

#[tokio::test(flavor = "multi_thread")]
async fn hard_constraints_always_hold_and_relaxing_one_never_removes_a_candidate() {
    let mut upstreams = Vec::new();
    for n in 1..=6 {
        let price = n.to_string();
        upstreams.push(Upstream::with_prices(&format!("p{n}"), &price, &price).await);
    }
    let all: Vec<&Upstream> = upstreams.iter().collect();
    let app = TestApp::start(Database::sqlite(), &all).await;
    let chosen = |bits: u32| -> Vec<String> {
        let (provider, max_tokens) = constraints(bits);
        let survey = route::survey(&app.app, &route::Terms::default(), &inference(&provider, max_tokens), 100).unwrap();
        let looked_at = survey.plan.candidates.len() + survey.plan.refused.len();
        assert_eq!(looked_at, 6, "each endpoint is a candidate or refused");
        let mut slugs: Vec<String> =
            survey.plan.candidates.iter().map(|candidate| candidate.provider.slug.clone()).collect();
        slugs.sort();
        slugs
    };
    for bits in 0..256_u32 {
        let own = chosen(bits);
        for slug in &own {
            let number: u32 = slug[1..].parse().unwrap();
            assert!(bits & 1 == 0 || [1, 2, 4].contains(&number), "{bits:b}: {slug} is not in `only`");
            assert!(bits & 2 == 0 || number != 2, "{bits:b}: {slug} is ignored");
            assert!(bits & 4 == 0 || number <= 3, "{bits:b}: {slug} is too dear");
            assert!(bits & (8 | 16) == 0, "{bits:b}: nothing is known of {slug}'s policy");
            assert!(bits & 128 == 0, "{bits:b}: {slug} gives 8,000 tokens at the most");
        }
        for bit in 0..8 {
            let relaxed = chosen(bits & !(1 << bit));
            assert!(own.iter().all(|slug| relaxed.contains(slug)), "{bits:b} without {bit}: {own:?}, {relaxed:?}");
        }
    }
    app.finish().await;
}

/// An answer with a call of `weather` that has these arguments.
fn call(arguments: &str) -> Script {
    let message = json!({ "role": "assistant", "content": null, "tool_calls": [
        { "id": "c1", "type": "function", "function": { "name": "weather", "arguments": arguments } }] });
    let body = json!({ "id": "up-1", "object": "chat.completion", "created": 1, "model": "m",
        "choices": [{ "index": 0, "message": message, "finish_reason": "tool_calls" }],
        "usage": { "prompt_tokens": 10, "completion_tokens": 5, "total_tokens": 15 } });
    Script::Raw { content_type: "application/json", body: body.to_string() }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_with_tools_avoids_endpoints_that_call_them_wrongly_on_every_node() {
    let (sloppy, sound) = (Upstream::with_prices("sloppy", "0.1", "0.1").await, Upstream::start("sound").await);
    sloppy.always(call("{\"city\": "));
    sound.always(call("{\"city\": \"Rome\"}"));
    let app = TestApp::start(Database::sqlite(), &[&sloppy, &sound]).await;
    let member = app.member(Money::from_dollars(5)).await;
    let key = member.key().await;
    let tools = json!([{ "type": "function", "function": { "name": "weather", "parameters": { "type": "object" } } }]);
    for _ in 0..25 {
        let only = json!({ "tools": tools, "provider": { "only": ["sloppy"] } });
        assert_eq!(read(key.ask(only).await).await.0, 200);
    }

    for fields in [json!({ "tools": tools }), json!({ "tools": tools, "model": "acme/one:exacto" })] {
        for _ in 0..10 {
            let answer = asked(&key, fields.clone()).await;
            assert_eq!(answer["provider"], "Provider sound", "although ten times as dear");
        }
    }
    assert_eq!(asked(&key, json!({ "provider": { "sort": "price" } })).await["provider"], "Provider sloppy");

    // Another node knows it through the store.
    app.app.health.write(&app.app.store, &app.app.node_id).await.unwrap();
    let other = patchbay::gateway::health::Health::default();
    let now = app.app.clock.now_ms();
    other.read(&app.app.store, "another", now, true).await.unwrap();
    let seen = other.statistics("sloppy:acme/one", now);
    assert_eq!((seen.tool_calls, seen.uptime_1d), (Some(0.0), Some(100.0)), "{seen:?}");
    app.finish().await;
}
