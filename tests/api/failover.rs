//! What happens when providers misbehave.

use app::types::Money;
use serde_json::json;

use crate::on_both_databases;
use crate::support::upstream::word_frame;
use crate::support::{Database, Script, TestApp, Upstream, read};

/// A cheap provider, which is tried first, and a dear one.
async fn two() -> (Upstream, Upstream) {
    (Upstream::with_prices("cheap", "0.001", "0.001").await, Upstream::with_prices("dear", "50", "50").await)
}

fn cheapest_first() -> serde_json::Value {
    json!({ "provider": { "sort": "price" } })
}

on_both_databases! {
    async fn before_the_first_token_the_next_endpoint_answers_and_nobody_notices(database: Database) {
        let faults = [
            Script::fail(500, "boom"),
            Script::fail(503, "busy"),
            Script::fail(401, "bad key"),
            Script::fail(402, "no money"),
            Script::fail(404, "no such model"),
            Script::Raw { content_type: "text/html", body: "<html>oops</html>".to_owned() },
            Script::Raw { content_type: "text/event-stream", body: "data: {nonsense\n\n".to_owned() },
            Script::Raw { content_type: "text/event-stream", body: "data: {\"error\":{\"message\":\"x\",\"code\":500}}\n\n".to_owned() },
            Script::Raw { content_type: "text/event-stream", body: String::new() },
            Script::Cut { frames: vec![] },
            Script::Cut { frames: vec![": ping\n\n".to_owned()] },
            Script::fail(429, "slow down"),
        ];
        let (cheap, dear) = two().await;
        // As many failures as these would be an outage.
        let app = TestApp::start_with(database, &[&cheap, &dear], |config| config.resilience.success_percent = 0).await;
        let member = app.member(Money::from_dollars(10)).await;
        let key = member.key().await;
        for fault in faults {
            let before = (cheap.count(), dear.count());
            cheap.script([fault.clone()]);
            let stream = key.stream(cheapest_first()).await;
            assert_eq!(stream.content(), "Hello, world", "{fault:?}: {}", stream.text);
            assert!(stream.is_done() && stream.error().is_none(), "{fault:?}");
            assert_eq!((cheap.count(), dear.count()), (before.0 + 1, before.1 + 1), "{fault:?}");
            let id = stream.generation_id.unwrap();
            let (_, body) = read(key.get(&format!("/api/v1/generation?id={id}")).await).await;
            assert_eq!(body["data"]["provider_name"], "Provider dear");
            assert_eq!(body["data"]["provider_responses"].as_array().unwrap().len(), 2);
            // A success in between: it is no outage.
            assert_eq!(key.ask(cheapest_first()).await.status(), 200);
        }
        app.finish().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_slow_first_token_moves_on() {
    let (cheap, dear) = two().await;
    let app =
        TestApp::start_with(Database::sqlite(), &[&cheap, &dear], |config| config.timeouts.first_token_ms = 200).await;
    let member = app.member(Money::from_dollars(10)).await;
    let key = member.key().await;
    for fault in [Script::Silence, Script::Hang { frames: vec![] }, Script::Hang { frames: vec![word_frame("")] }] {
        cheap.script([fault.clone()]);
        let stream = key.stream(cheapest_first()).await;
        assert_eq!(stream.content(), "Hello, world", "{fault:?}: {}", stream.text);
        cheap.closed().await;
    }
    app.finish().await;
}

on_both_databases! {
    async fn after_the_first_token_a_cut_is_an_error_and_costs_nothing(database: Database) {
        let (cheap, dear) = two().await;
        let app = TestApp::start(database, &[&cheap, &dear]).await;
        let member = app.member(Money::from_dollars(10)).await;
        let key = member.key().await;
        let cuts = [
            Script::Cut { frames: vec![word_frame("Half a")] },
            Script::Raw { content_type: "text/event-stream", body: word_frame("Half a") },
        ];
        for cut in cuts {
            cheap.script([cut.clone()]);
            let stream = key.stream(cheapest_first()).await;
            assert_eq!(stream.status, 200);
            assert!(stream.content().starts_with("Half a"), "{cut:?}: {}", stream.text);
            assert!(!stream.is_done(), "a cut answer never looks complete: {}", stream.text);
            let chunks = stream.chunks();
            let last = chunks.last().unwrap();
            assert!(last["error"]["code"].is_u64(), "{last}");
            assert_eq!(last["choices"][0]["finish_reason"], "error");
            assert!(last["id"].is_string() && last["created"].is_u64() && last["model"].is_string());
        }
        assert_eq!(dear.count(), 0, "nothing is retried after the first token");
        assert_eq!(member.available().await, Money::from_dollars(10));
        app.finish().await;
    }
}

on_both_databases! {
    async fn when_all_fail_the_cause_is_told_and_the_providers_401_is_not_the_callers(database: Database) {
        let (cheap, dear) = two().await;
        let app = TestApp::start(database, &[&cheap, &dear]).await;
        let member = app.member(Money::from_dollars(10)).await;
        let key = member.key().await;
        cheap.always(Script::fail(500, "first cause"));
        dear.always(Script::fail(401, "second cause"));
        for stream in [false, true] {
            let mut fields = cheapest_first();
            fields["stream"] = json!(stream);
            let (status, body) = read(key.ask(fields).await).await;
            assert_eq!(status, 502, "{body}");
            assert_eq!(body["error"]["metadata"]["provider_name"], "Provider dear");
            assert_eq!(body["error"]["metadata"]["previous_errors"][0]["code"], json!(500));
        }
        assert_eq!(member.available().await, Money::from_dollars(10));
        app.finish().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_callers_own_mistake_is_not_tried_elsewhere() {
    let (cheap, dear) = two().await;
    let app = TestApp::start(Database::sqlite(), &[&cheap, &dear]).await;
    let member = app.member(Money::from_dollars(10)).await;
    let key = member.key().await;
    cheap.script([Script::fail(400, "tools[0].function.parameters is not a schema")]);
    let (status, body) = read(key.ask(cheapest_first()).await).await;
    assert_eq!(status, 400);
    assert!(body["error"]["message"].as_str().unwrap().contains("is not a schema"), "{body}");
    assert_eq!(dear.count(), 0);
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_endpoint_in_an_outage_is_tried_last() {
    let (cheap, dear) = two().await;
    let app = TestApp::start(Database::sqlite(), &[&cheap, &dear]).await;
    let member = app.member(Money::from_dollars(10)).await;
    let key = member.key().await;
    cheap.always(Script::fail(500, "down"));
    for _ in 0..12 {
        assert_eq!(key.ask(json!({})).await.status(), 200);
    }
    assert_eq!(cheap.count(), 3, "three failures in a row are an outage");
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_fallback_model_answers_and_is_named() {
    let (one, two) = (Upstream::start("one").await, Upstream::start("two").await.offering(&["acme/two"]));
    let app = TestApp::start(Database::sqlite(), &[&one, &two]).await;
    let member = app.member(Money::from_dollars(10)).await;
    one.always(Script::fail(503, "busy"));
    let (status, body) = read(member.key().await.ask(json!({ "models": ["acme/two"] })).await).await;
    assert_eq!((status, &body["model"]), (200, &json!("acme/two")));
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_in_one_piece_to_a_stream_is_streamed_on() {
    let upstream = Upstream::start("one").await;
    let body = json!({ "id": "x", "object": "chat.completion", "created": 1, "model": "m",
        "choices": [{ "index": 0, "message": { "role": "assistant", "content": "All at once" }, "finish_reason": "stop" }],
        "usage": { "prompt_tokens": 1, "completion_tokens": 3, "total_tokens": 4 } });
    upstream.script([Script::Raw { content_type: "application/json", body: body.to_string() }]);
    let app = TestApp::start(Database::sqlite(), &[&upstream]).await;
    let member = app.member(Money::from_dollars(10)).await;
    let stream = member.key().await.stream(json!({})).await;
    assert_eq!(stream.content(), "All at once");
    assert!(stream.is_done());
    app.finish().await;
}
