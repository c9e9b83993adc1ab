//! How often a caller may ask.

use app::types::Money;
use serde_json::{Value, json};

use crate::on_both_databases;
use crate::support::{Database, TestApp, Upstream, read};

#[tokio::test(flavor = "multi_thread")]
async fn a_key_and_an_organization_have_their_own_limits() {
    let upstream = Upstream::start("one").await;
    let app = TestApp::start_with(Database::sqlite(), &[&upstream], |config| {
        config.rate_limits.key_per_minute = 2;
        config.rate_limits.organization_per_minute = 3;
    })
    .await;
    let member = app.member(Money::from_dollars(1)).await;
    let (first, second) = (member.key().await, member.key().await);
    assert_eq!(read(first.ask(json!({})).await).await.0, 200);
    let answer = first.ask(json!({})).await;
    assert_eq!(answer.status(), 200);
    assert!(answer.headers().get("x-ratelimit-limit").is_none(), "only who is refused needs to know");

    let refused = first.ask(json!({})).await;
    assert_eq!(refused.status(), 429);
    let header = |name: &str| refused.headers()[name].to_str().unwrap().parse::<u64>().unwrap();
    assert_eq!((header("x-ratelimit-limit"), header("x-ratelimit-remaining")), (2, 0));
    assert!((1..=30).contains(&header("retry-after")), "{}", header("retry-after"));
    let body: Value = refused.json().await.unwrap();
    assert_eq!(body["error"]["metadata"]["error_type"], "rate_limit_exceeded");
    assert!(body["error"]["message"].as_str().unwrap().contains("2 requests a minute"), "{body}");

    assert_eq!(read(second.ask(json!({})).await).await.0, 200, "another key has a bucket of its own");
    let (status, body) = read(second.ask(json!({})).await).await;
    assert_eq!(status, 429);
    assert!(body["error"]["message"].as_str().unwrap().contains("organization"), "{body}");
    assert_eq!(upstream.count(), 3);
    let other = app.member(Money::from_dollars(1)).await.key().await;
    assert_eq!(read(other.ask(json!({})).await).await.0, 200);
    app.finish().await;
}

on_both_databases! {
    async fn free_models_are_counted_by_the_day_and_a_restart_does_not_forget(database: Database) {
        let upstream = Upstream::with_prices("gratis", "0", "0").await.offering(&["acme/gift:free"]);
        let limits = |config: &mut patchbay::config::Config| {
            config.rate_limits.free_per_day = 2;
            config.rate_limits.free_per_day_after_purchase = 3;
        };
        let app = TestApp::start_with(database, &[&upstream], limits).await;
        let poor = app.member(Money::from_dollars(1)).await.key().await;
        let rich = app.member(Money::from_dollars(10)).await.key().await;
        let asked = || json!({ "model": "acme/gift:free" });
        for (key, limit) in [(&poor, 2), (&rich, 3)] {
            for used in 0..limit {
                let (_, body) = read(key.get("/api/v1/key").await).await;
                let expected = json!({ "limit": limit, "remaining": limit - used, "used": used });
                assert_eq!(body["data"]["free_model_daily_requests"], expected);
                assert_eq!(read(key.ask(asked()).await).await.0, 200);
            }
            let (status, body) = read(key.ask(asked()).await).await;
            assert_eq!(status, 429, "{body}");
            assert!(body["error"]["message"].as_str().unwrap().contains("a day"), "{body}");
        }
        app.app.store.fold_generations().await.unwrap();
        let text = poor.text.clone();
        let database = app.finish().await;

        let app = TestApp::start_with(database, &[&upstream], limits).await;
        let request = app.request(reqwest::Method::POST, "/api/v1/chat/completions").bearer_auth(&text);
        let (status, body) = read(request.json(&crate::support::question(asked())).send().await.unwrap()).await;
        assert_eq!(status, 429, "{body}");
        app.finish().await;
    }
}
