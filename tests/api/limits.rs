//! How often a caller may ask.

use app::types::Money;
use patchbay::billing::ledger::{Leg, credit_account};
use reqwest::Method;
use serde_json::{Value, json};

use crate::on_both_databases;
use crate::support::payments::Till;
use crate::support::redis::Redis;
use crate::support::{Database, KeyHolder, TestApp, Upstream, read};

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
        let (gifted, buyer) = (app.member(Money::from_dollars(50)).await, app.member(Money::ZERO).await);
        app.app.ledger.invoice("i", &buyer.account.organization_id, Money::from_dollars(10), "paid").await.unwrap();
        let (gifted, rich) = (gifted.key().await, buyer.key().await);
        let asked = || json!({ "model": "acme/gift:free" });
        for (key, limit) in [(&poor, 2), (&gifted, 2), (&rich, 3)] {
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

#[tokio::test(flavor = "multi_thread")]
async fn the_free_tier_ends_with_ten_dollars_bought_and_begins_again_with_their_refund() {
    let till = Till::open().await;
    let upstream = Upstream::with_prices("gratis", "0", "0").await.offering(&["acme/gift:free"]);
    let app = TestApp::start_with(Database::sqlite(), &[&upstream], |config| till.configure(config)).await;
    let member = app.member(Money::ZERO).await;
    let (key, manager) = (member.key().await, member.management_key().await);
    let limit = async || {
        let (_, body) = read(key.get("/api/v1/key").await).await;
        body["data"]["free_model_daily_requests"]["limit"].clone()
    };
    assert_eq!(limit().await, json!(50));
    till.buy(&app, &manager, 6).await;
    assert_eq!(limit().await, json!(50));
    let (purchase, _) = till.buy(&app, &manager, 5).await;
    assert_eq!(limit().await, json!(1_000));
    let back = manager.send(Method::POST, "/api/v1/credits/refund", &json!({ "id": purchase })).await;
    assert_eq!(back.status(), 200);
    assert_eq!(limit().await, json!(50));
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn free_models_answer_twenty_times_a_minute_and_not_below_zero() {
    let upstream = Upstream::with_prices("gratis", "0", "0").await.offering(&["acme/gift:free"]);
    assert_eq!(patchbay::config::Config::default().rate_limits.free_per_minute, 20);
    let app =
        TestApp::start_with(Database::sqlite(), &[&upstream], |config| config.rate_limits.free_per_minute = 2).await;
    let member = app.member(Money::ZERO).await;
    let key = member.key().await;
    let asked = || json!({ "model": "acme/gift:free" });
    for _ in 0..2 {
        assert_eq!(read(key.ask(asked()).await).await.0, 200, "without any credit");
    }
    let refused = key.ask(asked()).await;
    assert_eq!(refused.headers()["x-ratelimit-limit"], "2");
    let (status, body) = read(refused).await;
    assert_eq!((status, &body["error"]["metadata"]["error_type"]), (429, &json!("rate_limit_exceeded")), "{body}");

    let debtor = app.member(Money::ZERO).await;
    let leg = Leg {
        id: "recall".to_owned(),
        kind: "refund",
        debit: credit_account(&debtor.account.organization_id),
        credit: "platform:cash:card".to_owned(),
        amount: Money::from_cents(1),
        promotional: Money::ZERO,
        description: String::new(),
    };
    app.app.ledger.book(&[leg], true).await.unwrap();
    let (status, body) = read(debtor.key().await.ask(asked()).await).await;
    assert_eq!((status, &body["error"]["code"]), (402, &json!(402)), "{body}");
    assert_eq!(upstream.count(), 2);
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_address_and_a_model_have_limits_too() {
    let upstream = Upstream::start("one").await.offering(&["acme/one", "acme/two"]);
    let app = TestApp::start_with(Database::sqlite(), &[&upstream], |config| {
        config.rate_limits.address_per_minute = 5;
        config.rate_limits.model_per_minute = 2;
        config.limits.trusted_proxies = "127.0.0.0/8".to_owned();
    })
    .await;
    let member = app.member(Money::from_dollars(1)).await;
    let key = member.key().await;
    let ask = async |model: &str, from: &str| {
        let body = crate::support::question(json!({ "model": model }));
        let request = key.request(reqwest::Method::POST, "/api/v1/chat/completions").header("x-forwarded-for", from);
        read(request.json(&body).send().await.unwrap()).await
    };
    assert_eq!(ask("acme/one", "198.51.100.1").await.0, 200);
    assert_eq!(ask("acme/one", "198.51.100.1").await.0, 200);
    let (status, body) = ask("acme/one", "198.51.100.1").await;
    assert_eq!(status, 429);
    assert!(body["error"]["message"].as_str().unwrap().contains("acme/one"), "{body}");
    assert_eq!(ask("acme/two", "198.51.100.1").await.0, 200, "another model has a bucket of its own");

    // Whoever tries keys or passwords is counted before it is known whose they are.
    let guess = async |from: &str| {
        let request = app.request(reqwest::Method::GET, "/api/v1/key").bearer_auth("sk-or-v1-guess");
        request.header("x-forwarded-for", from).send().await.unwrap().status().as_u16()
    };
    assert_eq!(guess("198.51.100.1").await, 401);
    assert_eq!(guess("198.51.100.1").await, 429);
    assert_eq!(guess("198.51.100.2").await, 401, "another address has a bucket of its own");
    assert_eq!(guess("6.6.6.6, 198.51.100.1").await, 429, "what the caller writes himself does not help");
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nodes_that_share_a_server_count_together_and_alone_when_it_is_gone() {
    let mut redis = Redis::start().await;
    let upstream = Upstream::start("one").await;
    let gift = Upstream::with_prices("gratis", "0", "0").await.offering(&["acme/gift:free"]);
    let url = redis.url.clone();
    let limits = |config: &mut patchbay::config::Config| {
        config.redis_url.clone_from(&url);
        config.rate_limits.organization_per_minute = 4;
        config.rate_limits.free_per_day = 1;
    };
    let database = Database::postgres().await;
    let other = Database { url: database.url.clone(), _folder: None };
    let one = TestApp::start_with(database, &[&upstream, &gift], limits).await;
    let two = TestApp::start_with(other, &[&upstream, &gift], limits).await;
    let member = one.member(Money::from_dollars(1)).await;
    let key = member.key().await;
    let twin = KeyHolder { app: &two, text: key.text.clone(), hash: key.hash.clone() };

    assert_eq!(read(key.ask(json!({ "model": "acme/gift:free" })).await).await.0, 200);
    let (status, body) = read(twin.ask(json!({ "model": "acme/gift:free" })).await).await;
    assert_eq!(status, 429, "the day's free requests are counted on both nodes: {body}");
    assert_eq!(read(key.ask(json!({})).await).await.0, 200);
    assert_eq!(read(twin.ask(json!({})).await).await.0, 200);
    for holder in [&key, &twin] {
        let refused = holder.ask(json!({})).await;
        assert_eq!(refused.status(), 429, "four requests a minute on both nodes together");
        assert!(refused.headers().contains_key("retry-after"));
    }

    redis.stop();
    for _ in 0..4 {
        assert_eq!(read(twin.ask(json!({})).await).await.0, 200, "without the server each node counts for itself");
    }
    assert_eq!(twin.ask(json!({})).await.status(), 429);
    one.finish().await;
    two.finish().await;
}
