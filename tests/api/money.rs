//! What people are charged, seen from outside.

use app::types::Money;
use futures::future::join_all;
use serde_json::{Value, json};

use crate::on_both_databases;
use crate::support::{Database, Script, TestApp, Upstream, question, read};

on_both_databases! {
    async fn a_balance_for_exactly_k_requests_serves_exactly_k(database: Database) {
        // 100 output tokens at 100 USD per million: one cent a request, held and charged alike.
        let upstream = Upstream::with_prices("dear", "0", "100").await;
        upstream.always(Script::Answer { words: vec!["yes".into()], prompt_tokens: 10, completion_tokens: 100 });
        let app = TestApp::start(database, &[&upstream]).await;
        let member = app.member(Money::from_cents(37)).await;
        let key = member.key().await;
        let mut client_bodies = Vec::new();
        for _ in 0..200 {
            client_bodies.push(key.ask(json!({ "max_tokens": 100 })));
        }
        let answers = join_all(client_bodies).await;
        let served = answers.iter().filter(|answer| answer.status() == 200).count();
        let refused = answers.iter().filter(|answer| answer.status() == 402).count();
        assert_eq!((served, refused), (37, 163));
        assert_eq!(upstream.count(), 37, "a refused request is never sent");
        assert_eq!(member.available().await, Money::ZERO);
        drop(answers);
        app.finish().await;
    }
}

on_both_databases! {
    async fn every_place_shows_the_same_cost(database: Database) {
        let upstream = Upstream::with_prices("exact", "0.15", "0.6").await;
        upstream.always(Script::Answer { words: vec!["a".into(), "b".into()], prompt_tokens: 1_001, completion_tokens: 333 });
        let app = TestApp::start(database, &[&upstream]).await;
        let member = app.member(Money::from_dollars(1)).await;
        let (key, manager) = (member.key().await, member.management_key().await);
        // 1001 × 0.15e-6 + 333 × 0.6e-6 = 0.00034995 USD.
        let expected = Money(349_950);

        let stream = key.stream(json!({})).await;
        let id = stream.generation_id.clone().unwrap();
        let usage = stream.chunks().last().unwrap()["usage"].clone();
        assert_eq!(usage["cost"].to_string(), expected.to_string());
        assert_eq!(usage["cost_details"]["upstream_inference_prompt_cost"].to_string(), "0.00015015");

        let (_, generation) = read(key.get(&format!("/api/v1/generation?id={id}")).await).await;
        assert_eq!(generation["data"]["total_cost"].to_string(), expected.to_string());
        let (_, credits) = read(key.get("/api/v1/credits").await).await;
        assert_eq!(credits["data"]["total_usage"].to_string(), expected.to_string());
        let (_, own) = read(key.get("/api/v1/key").await).await;
        assert_eq!(own["data"]["usage"].to_string(), expected.to_string());
        let (_, ledger) = read(manager.get("/api/v1/ledger").await).await;
        let charge = ledger["data"].as_array().unwrap().iter().find(|row| row["kind"] == "post").unwrap();
        assert_eq!(charge["amount"].to_string(), format!("-{expected}"));
        assert_eq!(charge["id"], json!(id));
        while app.app.store.fold_generations().await.unwrap() > 0 {}
        let (_, usage) = read(manager.get("/api/v1/usage?days=1").await).await;
        assert_eq!(usage["data"]["total_cost"].to_string(), expected.to_string());
        app.finish().await;
    }
}

on_both_databases! {
    async fn without_enough_credit_the_answer_says_what_would_fit(database: Database) {
        let upstream = Upstream::with_prices("dear", "0", "100").await;
        let app = TestApp::start(database, &[&upstream]).await;
        // A cent buys 100 tokens here; less than 256 is not worth starting.
        let member = app.member(Money::from_cents(1)).await;
        let key = member.key().await;
        let (status, body) = read(key.ask(json!({ "max_tokens": 5_000 })).await).await;
        assert_eq!((status, &body["error"]["code"]), (402, &json!(402)));
        let message = body["error"]["message"].as_str().unwrap();
        assert!(message.contains("about 100 output tokens would fit"), "{message}");
        assert_eq!(upstream.count(), 0);
        assert_eq!(member.available().await, Money::from_cents(1));
        app.finish().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_big_max_tokens_does_not_need_a_big_balance_when_streaming() {
    let upstream = Upstream::with_prices("dear", "0", "100").await;
    let app = TestApp::start(Database::sqlite(), &[&upstream]).await;
    let member = app.member(Money::from_cents(15)).await;
    let key = member.key().await;
    // The ceiling would cost 80 cents; a step of 1,024 tokens costs 10.24.
    let stream = key.stream(json!({ "max_tokens": 8_000 })).await;
    assert!(stream.is_done(), "{}", stream.text);
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_stops_when_the_credit_is_used_up_and_only_that_is_charged() {
    let upstream = Upstream::with_prices("dear", "0", "1000").await;
    let word = "x".repeat(400);
    let words: Vec<String> = (0..400).map(|_| word.clone()).collect();
    let frames: Vec<String> = words.iter().map(|word| crate::support::upstream::word_frame(word)).collect();
    upstream.always(Script::Hang { frames });
    let app = TestApp::start(Database::sqlite(), &[&upstream]).await;
    // 40,000 tokens would cost 40 dollars.
    let member = app.member(Money::from_dollars(3)).await;
    let key = member.key().await;
    let stream = key.stream(json!({})).await;
    let error = stream.error().unwrap();
    assert_eq!(error["code"], json!(402));
    assert!(!stream.is_done());
    let balance = member.balance().await;
    assert!(balance.available.0 >= 0 && balance.debited.0 > 0, "{balance:?}");
    upstream.closed().await;
    app.finish().await;
}

on_both_databases! {
    async fn a_key_stops_at_its_limit_and_the_message_names_it(database: Database) {
        let upstream = Upstream::with_prices("dear", "0", "100").await;
        upstream.always(Script::Answer { words: vec!["yes".into()], prompt_tokens: 10, completion_tokens: 100 });
        let app = TestApp::start(database, &[&upstream]).await;
        let member = app.member(Money::from_dollars(1)).await;
        let key = member.key_with(|row| row.limit_nanos = Some(Money::from_cents(3).0)).await;
        let answers = join_all((0..20).map(|_| key.ask(json!({ "max_tokens": 100 })))).await;
        assert_eq!(answers.iter().filter(|answer| answer.status() == 200).count(), 3);
        let refused = answers.into_iter().find(|answer| answer.status() != 200).unwrap();
        let (status, body) = read(refused).await;
        assert_eq!(status, 403);
        assert!(body["error"]["message"].as_str().unwrap().contains("key's limit"), "{body}");
        let (_, own) = read(key.get("/api/v1/key").await).await;
        assert_eq!(own["data"]["limit_remaining"].to_string(), "0");
        app.finish().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_caller_who_leaves_is_charged_for_what_was_made_and_the_provider_is_told() {
    let upstream = Upstream::start("cancels").await;
    let frames = vec![crate::support::upstream::word_frame("Once upon a time there was")];
    upstream.always(Script::Hang { frames });
    let app = TestApp::start_with(Database::sqlite(), &[&upstream], |_| {}).await;
    mark_cancellable(&app, "cancels").await;
    let member = app.member(Money::from_dollars(1)).await;
    let key = member.key().await;
    let mut response = key.ask(json!({ "stream": true })).await;
    let id = response.headers()["x-generation-id"].to_str().unwrap().to_owned();
    assert!(response.chunk().await.unwrap().is_some());
    drop(response);
    upstream.closed().await;
    app.app.requests.close();
    app.app.requests.wait().await;
    let (_, body) = read(key.get(&format!("/api/v1/generation?id={id}")).await).await;
    assert_eq!(body["data"]["cancelled"], json!(true), "{body}");
    assert_eq!(body["data"]["tokens_completion"], json!(7), "26 characters");
    assert!(member.balance().await.debited.0 > 0);
    app.finish().await;
}

async fn mark_cancellable(app: &TestApp, slug: &str) {
    sqlx::query("UPDATE providers SET supports_cancel = 1 WHERE slug = $1")
        .bind(slug)
        .execute(app.app.store.pool())
        .await
        .unwrap();
    app.app.reload_catalog().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn absurd_usage_of_a_provider_is_not_believed() {
    let upstream = Upstream::start("liar").await;
    upstream.always(Script::Answer {
        words: vec!["short".into()],
        prompt_tokens: 10,
        completion_tokens: 9_000_000_000,
    });
    let app = TestApp::start(Database::sqlite(), &[&upstream]).await;
    let member = app.member(Money::from_dollars(5)).await;
    let (status, body): (u16, Value) = read(member.key().await.ask(question(json!({}))).await).await;
    assert_eq!(status, 200);
    assert!(body["usage"]["completion_tokens"].as_u64().unwrap() < 10, "{body}");
    assert!(member.available().await > Money::from_cents(499));
    app.finish().await;
}

/// Far more than any balance here pays for.
fn endless() -> Script {
    let frames = (0..400).map(|_| crate::support::upstream::word_frame(&"x".repeat(400))).collect();
    Script::Hang { frames }
}

on_both_databases! {
    async fn an_answer_in_one_piece_ends_where_the_credit_does(database: Database) {
        let upstream = Upstream::with_prices("dear", "0", "100").await;
        upstream.always(endless());
        let app = TestApp::start(database, &[&upstream]).await;
        let member = app.member(Money::from_cents(3)).await;
        let (status, body) = read(member.key().await.ask(json!({})).await).await;
        assert_eq!((status, &body["choices"][0]["finish_reason"]), (200, &json!("length")), "{body}");
        assert_eq!(body["choices"][0]["native_finish_reason"], json!("insufficient_credits"));
        assert!(body["object"] == "chat.completion" && body["choices"][0]["message"]["content"].is_string());
        upstream.closed().await;
        let balance = member.balance().await;
        assert!(balance.debited > Money::ZERO && balance.debited <= Money::from_cents(3), "{balance:?}");
        assert!(balance.available >= Money::ZERO, "{balance:?}");
        app.finish().await;
    }
}

on_both_databases! {
    async fn several_choices_are_held_for_together(database: Database) {
        let upstream = Upstream::with_prices("dear", "0", "100").await;
        upstream.always(Script::Answer { words: vec!["x".into()], prompt_tokens: 1, completion_tokens: 1_000 });
        let app = TestApp::start(database, &[&upstream]).await;
        let member = app.member(Money::from_dollars(1)).await;
        let key = member.key_with(|row| row.limit_nanos = Some(Money::from_cents(9).0)).await;
        // Ten choices of 100 tokens cost ten cents, which the limit does not cover.
        let (status, _) = read(key.ask(json!({ "max_tokens": 100, "n": 9 })).await).await;
        assert_eq!(status, 200);
        assert_eq!(upstream.last_request().get("stream"), None, "covered as a whole");
        let other = member.key_with(|row| row.limit_nanos = Some(Money::from_cents(9).0)).await;
        read(other.ask(json!({ "max_tokens": 100, "n": 10 })).await).await;
        assert_eq!(upstream.last_request()["stream"], json!(true), "not covered as a whole: read step by step");
        app.finish().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_delivered_before_the_time_ran_out_is_charged() {
    let upstream = Upstream::start("slow").await;
    let frames = vec![crate::support::upstream::word_frame(&"word ".repeat(100))];
    upstream.always(Script::Hang { frames });
    let app = TestApp::start_with(Database::sqlite(), &[&upstream], |config| config.timeouts.total_ms = 400).await;
    let member = app.member(Money::from_dollars(1)).await;
    let stream = member.key().await.stream(json!({})).await;
    assert_eq!(stream.error().unwrap()["code"], json!(504), "{}", stream.text);
    assert!(member.balance().await.debited.0 > 0);
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn fields_that_change_the_providers_price_are_not_passed_on() {
    let upstream = Upstream::start("one").await;
    let app = TestApp::start(Database::sqlite(), &[&upstream]).await;
    let member = app.member(Money::from_dollars(1)).await;
    member.key().await.ask(json!({ "service_tier": "priority", "web_search_options": {}, "seed": 7 })).await;
    let sent = upstream.last_request();
    assert_eq!((sent.get("service_tier"), sent.get("web_search_options")), (None, None));
    assert_eq!(sent["seed"], json!(7));
    app.finish().await;
}
