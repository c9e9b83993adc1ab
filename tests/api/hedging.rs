//! A second endpoint asked while the first is slow to begin.

use app::types::Money;
use patchbay::config::Config;
use serde_json::{Value, json};

use crate::support::{Database, Script, TestApp, Upstream, read};

/// Providers that are known to stop when they are told to.
const SLOW: &str = "deepinfra";
const QUICK: &str = "nebius";
const SLOW_ID: &str = "deepinfra:acme/one";

/// A server that may hedge so many of a hundred requests, and knows that the slow
/// provider nearly always begins at once.
async fn hedging(slow: &Upstream, quick: &Upstream, percent: u32) -> TestApp {
    let addresses = [slow, quick].map(|upstream| (upstream.slug.clone(), upstream.url.clone()));
    let change = |config: &mut Config| {
        config.resilience.hedge_percent = percent;
        for (slug, url) in addresses {
            config.providers.entry(slug).or_default().base_url = Some(url);
        }
    };
    let app = TestApp::start_with(Database::sqlite(), &[slow, quick], change).await;
    for _ in 0..30 {
        app.app.health.succeeded(SLOW_ID, app.app.clock.now_ms(), 5.0, 3, 10.0);
    }
    app
}

fn in_order() -> Value {
    json!({ "provider": { "order": [SLOW, QUICK] } })
}

#[tokio::test(flavor = "multi_thread")]
async fn a_beginning_slower_than_usual_is_overtaken_and_only_the_answer_is_charged() {
    let (slow, quick) = (Upstream::with_prices(SLOW, "100", "200").await, Upstream::start(QUICK).await);
    slow.always(Script::Hang { frames: vec![] });
    let app = hedging(&slow, &quick, 100).await;
    let member = app.member(Money::from_dollars(5)).await;
    let key = member.key().await;
    let stream = key.stream(in_order()).await;
    assert_eq!((stream.content().as_str(), stream.is_done()), ("Hello, world", true));
    // Its provider was told to stop, and nobody waited for a time to run out.
    slow.closed().await;
    assert_eq!(member.available().await, Money(5_000_000_000 - 16_000), "10 tokens at 1 and 3 at 2 USD per million");
    let id = stream.chunks()[0]["id"].as_str().unwrap().to_owned();
    let (_, generation) = read(key.get(&format!("/api/v1/generation?id={id}")).await).await;
    let tried = generation["data"]["provider_responses"].as_array().unwrap().clone();
    let tried: Vec<(&Value, &Value)> = tried.iter().map(|one| (&one["provider_name"], &one["status"])).collect();
    assert_eq!(tried, [(&json!("DeepInfra"), &Value::Null), (&json!("Nebius Token Factory"), &json!(200))]);
    assert_eq!(slow.count(), 1);
    let failures = app.app.health.statistics(SLOW_ID, app.app.clock.now_ms());
    assert_eq!(failures.uptime_5m, Some(100.0), "nothing failed");
    let now = app.app.clock.now_ms();
    assert!(!app.app.health.is_down(SLOW_ID, now), "being slow once is no failure");
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn where_the_second_fails_the_first_is_waited_for() {
    let (slow, quick) = (Upstream::start(SLOW).await, Upstream::start(QUICK).await);
    slow.hold_back();
    quick.always(Script::fail(500, "broken"));
    let app = hedging(&slow, &quick, 100).await;
    let key = app.member(Money::from_dollars(5)).await.key().await;
    let (stream, ()) = tokio::join!(key.stream(in_order()), async {
        while quick.count() == 0 {
            tokio::task::yield_now().await;
        }
        slow.release();
    });
    let seen = (stream.content(), slow.count(), quick.count());
    assert_eq!(seen, ("Hello, world".to_owned(), 1, 1), "{}", stream.text);
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_is_asked_beside_unless_the_operator_wants_it() {
    let (slow, quick) = (Upstream::start(SLOW).await, Upstream::start(QUICK).await);
    let app = hedging(&slow, &quick, 0).await;
    // Even at once is slower than usual.
    for _ in 0..1_000 {
        app.app.health.succeeded(SLOW_ID, app.app.clock.now_ms(), 0.001, 3, 10.0);
    }
    let key = app.member(Money::from_dollars(5)).await.key().await;
    assert_eq!(key.stream(in_order()).await.content(), "Hello, world");
    assert_eq!((slow.count(), quick.count()), (1, 0));
    app.finish().await;
}
