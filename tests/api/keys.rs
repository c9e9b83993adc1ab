//! Making, changing and deleting keys over the API.

use app::types::Money;
use reqwest::Method;
use serde_json::json;

use crate::on_both_databases;
use crate::support::{Database, KeyHolder, TestApp, Upstream, question, read};

on_both_databases! {
    async fn a_key_lives_from_creation_to_deletion(database: Database) {
        let upstream = Upstream::start("one").await;
        let app = TestApp::start(database, &[&upstream]).await;
        let member = app.member(Money::from_dollars(1)).await;
        let manager = member.management_key().await;

        let wanted = json!({ "name": "CI", "limit": 0.1, "limit_reset": "monthly" });
        let (status, created) = read(manager.send(Method::POST, "/api/v1/keys", &wanted).await).await;
        assert_eq!(status, 201, "{created}");
        let text = created["key"].as_str().unwrap().to_owned();
        let hash = created["data"]["hash"].as_str().unwrap().to_owned();
        assert!(text.starts_with("sk-or-v1-"));
        assert_eq!(created["data"]["limit"].to_string(), "0.1");

        let ask = || app.request(Method::POST, "/api/v1/chat/completions").bearer_auth(&text).json(&question(json!({}))).send();
        assert_eq!(ask().await.unwrap().status(), 200);
        let path = format!("/api/v1/keys/{hash}");
        let (_, shown) = read(manager.get(&path).await).await;
        assert_eq!(shown["data"]["usage"].to_string(), "0.000016");
        assert!(shown["data"]["last_used_at"].is_string());
        assert!(!shown.to_string().contains(&text), "the key itself is never shown again");

        let (_, changed) = read(manager.send(Method::PATCH, &path, &json!({ "disabled": true, "limit": null })).await).await;
        assert_eq!((&changed["data"]["disabled"], &changed["data"]["limit"]), (&json!(true), &json!(null)));
        assert_eq!(ask().await.unwrap().status(), 401, "a disabled key stops at once");
        manager.send(Method::PATCH, &path, &json!({ "disabled": false })).await;
        assert_eq!(ask().await.unwrap().status(), 200);
        let (_, deleted) = read(manager.send(Method::DELETE, &path, &json!({})).await).await;
        assert_eq!(deleted, json!({ "deleted": true }));
        assert_eq!(ask().await.unwrap().status(), 401);
        assert_eq!(manager.get(&path).await.status(), 404);
        app.finish().await;
    }
}

on_both_databases! {
    async fn nobody_reaches_another_organizations_keys(database: Database) {
        let app = TestApp::start(database, &[]).await;
        let (ann, bob) = (app.member(Money::ZERO).await, app.member(Money::ZERO).await);
        let (victim, thief) = (ann.key().await, bob.management_key().await);
        let path = format!("/api/v1/keys/{}", victim.hash);
        assert_eq!(thief.get(&path).await.status(), 404);
        assert_eq!(thief.send(Method::PATCH, &path, &json!({ "disabled": true })).await.status(), 404);
        assert_eq!(thief.send(Method::DELETE, &path, &json!({})).await.status(), 404);
        let (_, list) = read(thief.get("/api/v1/keys").await).await;
        assert!(!list.to_string().contains(&victim.hash));
        assert_eq!(victim.get("/api/v1/key").await.status(), 200, "it still works");
        assert_eq!(victim.get("/api/v1/keys").await.status(), 403, "an inference key manages nothing");
        assert_eq!(victim.get("/api/v1/activity").await.status(), 403);
        // The hash names a key in URLs and never authenticates.
        assert_eq!(app.request(Method::GET, "/api/v1/key").bearer_auth(&victim.hash).send().await.unwrap().status(), 401);
        app.finish().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn wrong_wishes_for_a_key_are_explained() {
    let app = TestApp::start(Database::sqlite(), &[]).await;
    let member = app.member(Money::ZERO).await;
    let manager = member.management_key().await;
    let cases = [
        (json!({}), "name"),
        (json!({ "name": " " }), "name"),
        (json!({ "name": "x", "limit": -1 }), "limit"),
        (json!({ "name": "x", "limit": "lots" }), "decimal"),
        (json!({ "name": "x", "limit_reset": "hourly" }), "hourly"),
        (json!({ "name": "x", "expires_at": "yesterday" }), "expires_at"),
        (json!({ "name": "x", "expires_at": "2020-01-01T00:00:00Z" }), "expires_at"),
    ];
    for (wanted, word) in cases {
        let (status, body) = read(manager.send(Method::POST, "/api/v1/keys", &wanted).await).await;
        assert_eq!(status, 400, "{wanted}: {body}");
        assert!(body["error"]["message"].as_str().unwrap().contains(word), "{wanted}: {body}");
    }
    let escalation = json!({ "name": "x", "is_management_key": true });
    assert_eq!(manager.send(Method::POST, "/api/v1/keys", &escalation).await.status(), 403);
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_taken_from_a_key_on_one_node_is_gone_on_the_other() {
    let upstream = Upstream::start("one").await;
    let database = Database::postgres().await;
    let other = Database { url: database.url.clone(), _folder: None };
    let one = TestApp::start(database, &[&upstream]).await;
    let two = TestApp::start(other, &[&upstream]).await;
    let member = one.member(Money::from_dollars(1)).await;
    let manager = member.management_key().await;
    let key = member.key().await;
    let twin = KeyHolder { app: &two, text: key.text.clone(), hash: key.hash.clone() };
    let path = format!("/api/v1/keys/{}", key.hash);
    // What a node does every half second.
    let learn = async || two.app.keys.refresh(two.app.clock.now_ms() - 3_000).await.unwrap();
    assert_eq!(twin.ask(json!({})).await.status(), 200);
    for (change, status) in [
        (json!({ "disabled": true }), 401),
        (json!({ "disabled": false }), 200),
        (json!({ "allowed_models": ["other/model"] }), 403),
        (json!({ "allowed_models": [], "allowed_networks": ["192.0.2.0/24"] }), 403),
        (json!({ "allowed_networks": [] }), 200),
    ] {
        assert_eq!(manager.send(Method::PATCH, &path, &change).await.status(), 200, "{change}");
        learn().await;
        assert_eq!(twin.ask(json!({})).await.status(), status, "{change}");
    }
    let budget = "/api/v1/workspaces/default/budgets/daily";
    assert_eq!(manager.send(Method::PUT, budget, &json!({ "limit_usd": 0.000_000_1 })).await.status(), 200);
    learn().await;
    assert_eq!(twin.ask(json!({})).await.status(), 403, "a workspace's new budget");
    assert_eq!(manager.send(Method::DELETE, &path, &json!({})).await.status(), 200);
    learn().await;
    assert_eq!(twin.ask(json!({})).await.status(), 401);
    two.finish().await;
    one.finish().await;
}
