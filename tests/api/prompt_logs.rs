//! Prompts and answers are kept only where a workspace wants it, encrypted and for a time.

use app::types::Money;
use patchbay::clock::{Clock, MS_PER_DAY};
use reqwest::Method;
use serde_json::{Value, json};

use crate::on_both_databases;
use crate::support::person::{PASSWORD, Person};
use crate::support::{Database, KeyHolder, Member, Script, TestApp, Upstream, read};

const SECRET: &str = "the canary sings at noon";

async fn switch(manager: &KeyHolder<'_>, fields: Value) -> Value {
    let (_, list) = read(manager.get("/api/v1/workspaces").await).await;
    let id = list["data"][0]["id"].as_str().unwrap().to_owned();
    let (status, answer) = read(manager.send(Method::PATCH, &format!("/api/v1/workspaces/{id}"), &fields).await).await;
    assert_eq!(status, 200, "{answer}");
    answer["data"].clone()
}

fn on() -> Value {
    json!({ "is_observability_io_logging_enabled": true })
}

fn says(text: &str) -> Value {
    json!({ "messages": [{ "role": "user", "content": text }] })
}

/// Asks, and waits until what is left behind is written.
async fn ask(app: &TestApp, key: &KeyHolder<'_>, fields: Value) -> String {
    let response = key.ask(fields).await;
    let id = response.headers()["x-generation-id"].to_str().unwrap().to_owned();
    let (status, answer) = read(response).await;
    assert_eq!(status, 200, "{answer}");
    written(app).await;
    id
}

async fn written(app: &TestApp) {
    app.app.requests.close();
    app.app.requests.wait().await;
    app.app.requests.reopen();
}

async fn content(manager: &KeyHolder<'_>, id: &str) -> (u16, Value) {
    read(manager.get(&format!("/api/v1/generation/content?id={id}")).await).await
}

async fn cast<'a>(app: &'a TestApp) -> (Member<'a>, KeyHolder<'a>, KeyHolder<'a>) {
    let member = app.member(Money::from_dollars(5)).await;
    let (key, manager) = (member.key().await, member.management_key().await);
    (member, key, manager)
}

on_both_databases! {
    async fn nothing_is_kept_until_a_workspace_wants_it_and_then_it_is_encrypted(database: Database) {
        let upstream = Upstream::start("alpha").await;
        upstream.always(Script::words(&["It ", "is ", "yellow."]));
        let app = TestApp::start(database, &[&upstream]).await;
        let (member, key, manager) = cast(&app).await;
        let before = ask(&app, &key, says(SECRET)).await;
        assert_eq!(content(&manager, &before).await.0, 404);

        let workspace = switch(&manager, on()).await;
        assert_eq!(workspace["is_observability_io_logging_enabled"], true);
        assert_eq!((&workspace["io_logging_sampling_rate"], &workspace["io_logging_retention_days"]), (&json!(1.0), &json!(90)));
        let whole = ask(&app, &key, says(SECRET)).await;
        let stream = key.stream(says(SECRET)).await;
        let streamed = stream.chunks()[0]["id"].as_str().unwrap().to_owned();
        written(&app).await;
        for id in [&whole, &streamed] {
            let (status, answer) = content(&manager, id).await;
            assert_eq!(status, 200, "{answer}");
            let expected = json!({ "data": {
                "input": { "messages": [{ "role": "user", "content": SECRET }] },
                "output": { "completion": "It is yellow.", "reasoning": null },
                "error": null,
            } });
            assert_eq!(answer, expected);
            let row = app.app.store.prompt_log(&member.account.organization_id, id).await.unwrap().unwrap();
            assert!(!row.sealed.contains("canary") && !row.sealed.contains("yellow"), "{row:?}");
            assert!(app.app.vault.open(&row.sealed, "prompt_logs/other/row").is_err(), "bound to its row");
        }
        assert_eq!(content(&key, &whole).await.0, 403, "an inference key reads none");
        let stranger = app.member(Money::ZERO).await.management_key().await;
        assert_eq!(content(&stranger, &whole).await.0, 404);

        switch(&manager, json!({ "is_observability_io_logging_enabled": false })).await;
        let after = ask(&app, &key, says(SECRET)).await;
        assert_eq!((content(&manager, &after).await.0, content(&manager, &whole).await.0), (404, 200));
        let path = format!("/api/v1/workspaces/{}/prompts", workspace["id"].as_str().unwrap());
        let (status, said) = read(manager.request(Method::DELETE, &path).send().await.unwrap()).await;
        assert_eq!((status, &said["data"]["message"]), (200, &json!("What was kept of 2 requests is deleted.")));
        assert_eq!(content(&manager, &whole).await.0, 404);
        app.finish().await;
    }
}

on_both_databases! {
    async fn whoever_lets_the_operator_use_the_text_pays_a_discounted_price_to_the_nano_dollar(database: Database) {
        let upstream = Upstream::with_prices("alpha", "1.23", "4.57").await;
        let app = TestApp::start_with(database, &[&upstream], |config| config.prompt_logs.discount = true).await;
        let (member, key, manager) = cast(&app).await;
        let list = read(key.ask(json!({})).await).await.1["usage"]["cost"].clone();
        switch(&manager, on()).await;
        let kept = read(key.ask(json!({})).await).await.1["usage"]["cost"].clone();
        assert_eq!(kept, list, "keeping alone costs the same");
        let workspace = switch(&manager, json!({ "is_data_discount_logging_enabled": true })).await;
        assert_eq!(workspace["io_logging_terms"]["discount_percent"], 1.0);
        let (status, answer) = read(key.ask(json!({})).await).await;
        assert_eq!(status, 200, "{answer}");
        // Ten tokens at $1.23 and three at $4.57 a million are 26,010 nano-dollars; 1 % is 260.
        assert_eq!((&list, &answer["usage"]["cost"]), (&json!(0.000_026_01), &json!(0.000_025_75)));
        let (_, record) = read(key.get(&format!("/api/v1/generation?id={}", answer["id"].as_str().unwrap())).await).await;
        assert_eq!(record["data"]["total_cost"], answer["usage"]["cost"]);
        assert_eq!(record["data"]["data_discount"], json!(0.000_000_26));
        assert_eq!(member.available().await, Money(5_000_000_000 - 26_010 - 26_010 - 25_750));
        // A request under zero retention is not kept, so it costs what it costs.
        let (_, refused) = read(key.ask(json!({ "provider": { "data_collection": "deny" } })).await).await;
        assert!(refused["usage"]["cost"].is_null() || refused["usage"]["cost"] == list, "{refused}");
        // Closing compares every charge with its quantities and the discount that was in force.
        app.finish().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn requests_that_forbid_it_are_not_kept_and_the_key_filter_holds() {
    let upstream = Upstream::start("alpha").await;
    let app = TestApp::start(Database::sqlite(), &[&upstream]).await;
    let (member, key, manager) = cast(&app).await;
    let other = member.key().await;
    let (_, keys) = read(manager.get("/api/v1/keys").await).await;
    assert!(keys["data"].as_array().unwrap().len() >= 2, "{keys}");
    let hash = patchbay::accounts::keys::hash(&key.text);
    let mut wish = on();
    wish["io_logging_api_key_hashes"] = json!([hash]);
    let workspace = switch(&manager, wish).await;
    let number = workspace["io_logging_api_key_ids"][0].as_i64().unwrap();
    assert_eq!(
        switch(&manager, json!({ "io_logging_api_key_ids": [number] })).await["io_logging_api_key_hashes"],
        json!([hash])
    );
    let kept = ask(&app, &key, json!({})).await;
    let not_kept = ask(&app, &other, json!({})).await;
    assert_eq!((content(&manager, &kept).await.0, content(&manager, &not_kept).await.0), (200, 404));

    switch(&manager, json!({ "io_logging_api_key_ids": null })).await;
    for provider in [json!({ "zdr": true }), json!({ "data_collection": "deny" })] {
        let response = key.ask(json!({ "provider": provider })).await;
        let id = response.headers().get("x-generation-id").map(|id| id.to_str().unwrap().to_owned());
        written(&app).await;
        if let Some(id) = id {
            assert_eq!(content(&manager, &id).await.0, 404);
        }
    }
    let rail = json!({ "name": "ZDR", "enforce_zdr": true, "is_default": true });
    let (status, rail) = read(manager.send(Method::POST, "/api/v1/guardrails", &rail).await).await;
    assert_eq!(status, 201, "{rail}");
    let response = key.ask(json!({})).await;
    let id = response.headers().get("x-generation-id").map(|id| id.to_str().unwrap().to_owned());
    written(&app).await;
    if let Some(id) = id {
        assert_eq!(content(&manager, &id).await.0, 404);
    }
    for (field, value) in [
        ("io_logging_sampling_rate", json!(0)),
        ("io_logging_sampling_rate", json!(1.5)),
        ("io_logging_retention_days", json!(0)),
        ("io_logging_retention_days", json!(366)),
        ("io_logging_api_key_ids", json!([7])),
        ("io_logging_api_key_hashes", json!(["nobody"])),
    ] {
        let path = format!("/api/v1/workspaces/{}", workspace["id"].as_str().unwrap());
        let (status, answer) = read(manager.send(Method::PATCH, &path, &json!({ field: value })).await).await;
        assert_eq!(status, 400, "{answer}");
        assert!(answer["error"]["message"].as_str().unwrap().contains(field), "{answer}");
    }
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_kept_ends_with_its_days_and_with_the_account() {
    let upstream = Upstream::start("alpha").await;
    let app = TestApp::start(Database::sqlite(), &[&upstream]).await;
    let person = Person::new(&app, "ann@example.com").await;
    let (_, organization) = person.get("/api/v1/organization").await;
    let organization = organization["data"]["id"].as_str().unwrap().to_owned();
    app.app.ledger.grant("g", &organization, Money::from_dollars(5), "test").await.unwrap();
    let (_, workspaces) = person.get("/api/v1/workspaces").await;
    let path = format!("/api/v1/workspaces/{}", workspaces["data"][0]["id"].as_str().unwrap());
    let wish = json!({ "is_observability_io_logging_enabled": true, "io_logging_retention_days": 7 });
    assert_eq!(person.call(Method::PATCH, &path, wish).await.0, 200);
    let body = crate::support::question(says(SECRET));
    let (status, answer) = person.call(Method::POST, "/api/v1/chat/completions", body.clone()).await;
    assert_eq!(status, 200, "{answer}");
    written(&app).await;
    let id = answer["id"].as_str().unwrap();
    let (_, export) = person.get("/api/v1/account/export").await;
    assert!(export["organizations"][0]["prompts"].to_string().contains(SECRET), "{export}");
    let page = person.open(&format!("/activity/{id}")).await.text().await.unwrap();
    assert!(page.contains(SECRET), "the request's page shows it");

    let row = app.app.store.prompt_log(&organization, id).await.unwrap().unwrap();
    assert_eq!(row.expires_at, row.created_at + 7 * MS_PER_DAY);
    let now = Clock::system().now_ms();
    assert_eq!(app.app.store.delete_expired_prompt_logs(now + 6 * MS_PER_DAY).await.unwrap(), 0);
    // Fewer days hold for what is kept already.
    assert_eq!(person.call(Method::PATCH, &path, json!({ "io_logging_retention_days": 2 })).await.0, 200);
    assert_eq!(app.app.store.delete_expired_prompt_logs(now + 3 * MS_PER_DAY).await.unwrap(), 1);

    let (_, answer) = person.call(Method::POST, "/api/v1/chat/completions", body).await;
    written(&app).await;
    let id = answer["id"].as_str().unwrap();
    assert!(app.app.store.prompt_log(&organization, id).await.unwrap().is_some());
    let (status, answer) = person.call(Method::POST, "/api/v1/account/delete", json!({ "password": PASSWORD })).await;
    assert_eq!(status, 200, "{answer}");
    assert!(app.app.store.prompt_log(&organization, id).await.unwrap().is_none());
    app.finish().await;
}
