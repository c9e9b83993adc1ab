//! Presets: settings that are kept once and used in every client API.

use app::types::Money;
use reqwest::Method;
use serde_json::{Value, json};

use crate::on_both_databases;
use crate::support::{Database, KeyHolder, TestApp, Upstream, read};

async fn keep(key: &KeyHolder<'_>, path: &str, body: Value) -> Value {
    let (status, answer) = read(key.send(Method::POST, &format!("/api/v1/presets/{path}"), &body).await).await;
    assert_eq!(status, 200, "{answer}");
    answer["data"].clone()
}

on_both_databases! {
    async fn a_preset_is_kept_versioned_and_used(database: Database) {
        let upstream = Upstream::start("alpha").await;
        let app = TestApp::start(database, &[&upstream]).await;
        let member = app.member(Money::from_dollars(5)).await;
        let key = member.key().await;
        let body = json!({ "model": "acme/one", "temperature": 0.25, "messages": [
            { "role": "system", "content": "Answer in one word." }, { "role": "user", "content": "not kept" }] });
        let kept = keep(&key, "terse/chat/completions", body).await;
        assert_eq!((&kept["slug"], &kept["status"]), (&json!("terse"), &json!("active")), "{kept}");
        let first = &kept["designated_version"];
        assert_eq!((&first["version"], &first["config"]["temperature"]), (&json!(1), &json!(0.25)), "{first}");
        assert!(!kept.to_string().contains("not kept"), "{kept}");

        for model in ["@preset/terse", "acme/one@preset/terse"] {
            assert_eq!(key.ask(json!({ "model": model })).await.status(), 200, "{model}");
            let sent = upstream.last_request();
            assert_eq!((&sent["temperature"], &sent["messages"][0]["content"]), (&json!(0.25), &json!("Answer in one word.")), "{sent}");
        }
        assert_eq!(key.ask(json!({ "preset": "terse", "temperature": 0.9 })).await.status(), 200);
        assert_eq!(upstream.last_request()["temperature"], 0.9, "the request wins");
        let response = json!({ "model": "@preset/terse", "input": "Hello" });
        assert_eq!(key.send(Method::POST, "/api/v1/responses", &response).await.status(), 200);
        assert_eq!(upstream.last_request()["messages"][0]["content"], "Answer in one word.");

        let second = keep(&key, "terse/messages", json!({ "model": "acme/one", "system": "Two words.", "max_tokens": 9 })).await;
        assert_eq!(second["designated_version"]["version"], 2);
        key.ask(json!({ "preset": "terse" })).await;
        assert_eq!(upstream.last_request()["messages"][0]["content"], "Two words.");
        let path = "/api/v1/presets/terse";
        let (_, versions) = read(key.get(&format!("{path}/versions")).await).await;
        assert_eq!((&versions["total_count"], &versions["data"][0]["version"]), (&json!(2), &json!(1)), "{versions}");
        let back = read(key.send(Method::PATCH, path, &json!({ "designated_version": 1 })).await).await.1;
        assert_eq!(back["data"]["designated_version"]["version"], 1, "{back}");
        let (status, _) = read(key.get(&format!("{path}/versions/3")).await).await;
        assert_eq!(status, 404);

        key.send(Method::PATCH, path, &json!({ "status": "disabled" })).await;
        let (status, refused) = read(key.ask(json!({ "preset": "terse" })).await).await;
        assert_eq!(status, 403);
        assert!(refused["error"]["message"].as_str().unwrap().contains("disabled"), "{refused}");
        assert_eq!(key.request(Method::DELETE, path).send().await.unwrap().status(), 200);
        assert_eq!(key.ask(json!({ "preset": "terse" })).await.status(), 404);
        app.finish().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_preset_belongs_to_its_workspace_and_mistakes_are_named() {
    let upstream = Upstream::start("alpha").await;
    let app = TestApp::start(Database::sqlite(), &[&upstream]).await;
    let (ann, bob) = (app.member(Money::from_dollars(5)).await, app.member(Money::from_dollars(5)).await);
    let (ann, bob) = (ann.key().await, bob.key().await);
    keep(&ann, "ours/chat/completions", json!({ "temperature": 0.5 })).await;
    assert_eq!(bob.ask(json!({ "preset": "ours" })).await.status(), 404);
    assert_eq!(bob.get("/api/v1/presets/ours").await.status(), 404);
    assert_eq!(bob.send(Method::PATCH, "/api/v1/presets/ours", &json!({ "name": "x" })).await.status(), 404);
    assert_eq!(read(bob.get("/api/v1/presets").await).await.1, json!({ "data": [], "total_count": 0 }));
    keep(&bob, "ours/chat/completions", json!({ "temperature": 0.7 })).await;
    assert_eq!(read(ann.get("/api/v1/presets").await).await.1["total_count"], 1, "the same name, another preset");

    for (path, body, field) in [
        ("Not%20a%20slug/chat/completions", json!({ "temperature": 1 }), "slug"),
        ("empty/chat/completions", json!({ "messages": [] }), "nothing a preset keeps"),
    ] {
        let (status, answer) = read(ann.send(Method::POST, &format!("/api/v1/presets/{path}"), &body).await).await;
        assert_eq!(status, 400, "{answer}");
        assert!(answer["error"]["message"].as_str().unwrap().contains(field), "{answer}");
    }
    for (body, field) in [
        (json!({ "status": "gone" }), "status"),
        (json!({ "designated_version": 7 }), "designated_version"),
        (json!({ "name": "" }), "name"),
    ] {
        let (status, answer) = read(ann.send(Method::PATCH, "/api/v1/presets/ours", &body).await).await;
        assert_eq!(status, 400, "{answer}");
        assert!(answer["error"]["message"].as_str().unwrap().contains(field), "{answer}");
    }
    app.finish().await;
}
