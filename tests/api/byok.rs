//! Bring your own key: an organization's credentials at providers.

use app::types::Money;
use futures::future::join_all;
use patchbay::billing::ledger::{BYOK_REVENUE, REVENUE};
use patchbay::store::rollups::DailyScope;
use reqwest::Method;
use serde_json::{Value, json};

use crate::on_both_databases;
use crate::support::{Database, KeyHolder, Member, Script, TestApp, Upstream, read};

/// Keeps a credential and returns its id.
async fn keep(manager: &KeyHolder<'_>, fields: Value) -> String {
    let mut body = json!({ "provider": "alpha", "key": "own-secret-credential-1" });
    for (name, value) in fields.as_object().unwrap() {
        body[name] = value.clone();
    }
    let (status, answer) = read(manager.send(Method::POST, "/api/v1/byok", &body).await).await;
    assert_eq!(status, 201, "{answer}");
    assert!(!answer.to_string().contains("own-secret"), "never shown again: {answer}");
    answer["data"]["id"].as_str().unwrap().to_owned()
}

async fn change(manager: &KeyHolder<'_>, id: &str, fields: Value) {
    let (status, answer) = read(manager.send(Method::PATCH, &format!("/api/v1/byok/{id}"), &fields).await).await;
    assert_eq!(status, 200, "{answer}");
}

fn credential(upstream: &Upstream) -> String {
    upstream.last_headers()["authorization"].to_str().unwrap().to_owned()
}

async fn usage(key: &KeyHolder<'_>, fields: Value) -> Value {
    let (status, answer) = read(key.ask(fields).await).await;
    assert_eq!(status, 200, "{answer}");
    let id = answer["id"].as_str().unwrap();
    let (_, record) = read(key.get(&format!("/api/v1/generation?id={id}")).await).await;
    assert_eq!(record["data"]["is_byok"], answer["usage"]["is_byok"], "{record}");
    assert_eq!(record["data"]["total_cost"], answer["usage"]["cost"], "{record}");
    answer["usage"].clone()
}

on_both_databases! {
    async fn an_own_credential_serves_without_credit_and_costs_nothing_within_the_allowance(database: Database) {
        let upstream = Upstream::start("alpha").await;
        let app = TestApp::start(database, &[&upstream]).await;
        let member = app.member(Money::ZERO).await;
        let (key, manager) = (member.key().await, member.management_key().await);
        assert_eq!(key.ask(json!({})).await.status(), 402, "nothing to spend");

        let id = keep(&manager, json!({ "name": "Ours" })).await;
        let used = usage(&key, json!({})).await;
        assert_eq!(credential(&upstream), "Bearer own-secret-credential-1");
        assert_eq!((&used["is_byok"], &used["cost"]), (&json!(true), &json!(0)), "{used}");
        // Ten tokens of the prompt at $1 and three of the answer at $2 a million.
        assert_eq!(used["cost_details"]["upstream_inference_cost"], json!(0.000_016), "{used}");
        let streamed = key.stream(json!({})).await;
        assert!(streamed.is_done(), "{}", streamed.text);

        // At rest it is not readable.
        let row = &app.app.store.own_keys(&member.account.organization_id, None).await.unwrap()[0];
        assert!(!format!("{row:?}").contains("own-secret"), "{row:?}");

        let (_, list) = read(manager.get("/api/v1/byok").await).await;
        assert_eq!((&list["total_count"], &list["data"][0]["name"]), (&json!(1), &json!("Ours")), "{list}");
        change(&manager, &id, json!({ "disabled": true })).await;
        assert_eq!(key.ask(json!({})).await.status(), 402);
        change(&manager, &id, json!({ "disabled": false })).await;
        assert_eq!(key.ask(json!({})).await.status(), 200);
        let deleted = manager.request(Method::DELETE, &format!("/api/v1/byok/{id}")).send().await.unwrap();
        assert_eq!(deleted.status(), 200);
        assert_eq!(key.ask(json!({})).await.status(), 402);
        app.finish().await;
    }
}

on_both_databases! {
    async fn beyond_the_allowance_five_per_cent_of_the_list_price_is_charged(database: Database) {
        let upstream = Upstream::start("alpha").await;
        let app = TestApp::start_with(database, &[&upstream], |config| config.own_keys.free_per_month = Money(20_000)).await;
        let member = app.member(Money::from_dollars(1)).await;
        let (key, manager) = (member.key().await, member.management_key().await);
        let id = keep(&manager, json!({})).await;
        let costs = [usage(&key, json!({})).await, usage(&key, json!({})).await, usage(&key, json!({})).await];
        // $0.000016 each: the first is free, a quarter of the second, nothing of the third.
        let costs = costs.map(|used| used["cost"].clone());
        assert_eq!(costs, [json!(0), json!(0.000_000_6), json!(0.000_000_8)]);
        assert_eq!(member.available().await, Money(1_000_000_000 - 1_400));
        // What was used is known after a restart, too.
        app.app.recount_own_keys().await.unwrap();
        assert_eq!(usage(&key, json!({})).await["cost"], json!(0.000_000_8));

        // The books tell the fees from what requests with the server's own keys brought in.
        change(&manager, &id, json!({ "disabled": true })).await;
        assert_eq!(usage(&key, json!({})).await["cost"], json!(0.000_016));
        let taken: Vec<(String, i64)> = sqlx::query_as(
            "SELECT credit_account_id, CAST(SUM(amount_nanos) AS BIGINT) FROM transfers WHERE kind = 'post' \
             GROUP BY credit_account_id ORDER BY credit_account_id",
        )
        .fetch_all(app.app.store.pool())
        .await
        .unwrap();
        assert_eq!(taken, [(BYOK_REVENUE.to_owned(), 600 + 800 + 800), (REVENUE.to_owned(), 16_000)]);
        app.finish().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn own_credentials_come_first_or_last_or_alone_as_their_owner_wants() {
    let (alpha, beta) = (Upstream::with_prices("alpha", "5", "5").await, Upstream::with_prices("beta", "1", "1").await);
    let app = TestApp::start(Database::sqlite(), &[&alpha, &beta]).await;
    let member = app.member(Money::from_dollars(5)).await;
    let (key, manager) = (member.key().await, member.management_key().await);
    let id = keep(&manager, json!({})).await;
    let order = json!({ "provider": { "order": ["beta"] } });
    let used = usage(&key, order.clone()).await;
    assert_eq!((&used["is_byok"], beta.count()), (&json!(true), 0), "before the order asked for");

    change(&manager, &id, json!({ "is_fallback": true })).await;
    assert_eq!(usage(&key, order.clone()).await["is_byok"], false);
    beta.always(Script::fail(503, "down"));
    alpha.script([Script::fail(503, "down")]);
    let used = usage(&key, order).await;
    assert_eq!(used["is_byok"], true, "when the shared capacity fails");
    assert_eq!(credential(&alpha), "Bearer own-secret-credential-1");
    assert_eq!(alpha.count(), 3, "the operator's account was tried before");

    // The provider refuses the own credential: the shared one serves, unless it may not.
    change(&manager, &id, json!({ "is_fallback": false })).await;
    alpha.script([Script::fail(401, "bad key")]);
    let only = json!({ "provider": { "only": ["alpha"] } });
    let used = usage(&key, only.clone()).await;
    assert_eq!((&used["is_byok"], credential(&alpha).as_str()), (&json!(false), "Bearer upstream-key"));
    change(&manager, &id, json!({ "is_required": true })).await;
    alpha.script([Script::fail(401, "bad key")]);
    let (status, body) = read(key.ask(only.clone()).await).await;
    assert!(status >= 400, "{body}");
    assert_eq!(credential(&alpha), "Bearer own-secret-credential-1", "nothing else was tried");

    change(&manager, &id, json!({ "allowed_models": ["acme/other"] })).await;
    assert_eq!(usage(&key, only.clone()).await["is_byok"], false, "not for this model");
    change(&manager, &id, json!({ "is_byok_only": true })).await;
    assert!(key.ask(only.clone()).await.status().as_u16() >= 400, "the provider is closed to every other model, too");
    change(&manager, &id, json!({ "is_byok_only": false })).await;
    change(&manager, &id, json!({ "allowed_models": null, "allowed_api_key_hashes": ["0".repeat(64)] })).await;
    assert_eq!(usage(&key, only.clone()).await["is_byok"], false, "not for this key");
    change(&manager, &id, json!({ "allowed_api_key_hashes": [key.hash] })).await;
    assert_eq!(usage(&key, only).await["is_byok"], true);
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_else_uses_sees_or_changes_a_credential() {
    let upstream = Upstream::start("alpha").await;
    let app = TestApp::start(Database::sqlite(), &[&upstream]).await;
    let (ann, bob): (Member<'_>, Member<'_>) =
        (app.member(Money::from_dollars(5)).await, app.member(Money::from_dollars(5)).await);
    let id = keep(&ann.management_key().await, json!({})).await;
    let (key, manager) = (bob.key().await, bob.management_key().await);
    assert_eq!(usage(&key, json!({})).await["is_byok"], false);
    let path = format!("/api/v1/byok/{id}");
    for (method, path) in [
        (Method::GET, path.clone()),
        (Method::PATCH, path.clone()),
        (Method::DELETE, path.clone()),
        (Method::POST, format!("{path}/test")),
    ] {
        assert_eq!(manager.send(method.clone(), &path, &json!({})).await.status(), 404, "{method} {path}");
        assert_eq!(ann.key().await.send(method, &path, &json!({})).await.status(), 403, "an inference key");
    }
    let (_, list) = read(manager.get("/api/v1/byok").await).await;
    assert_eq!(list, json!({ "data": [], "total_count": 0 }));
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_credential_is_tested_and_a_wrong_one_is_refused_in_words() {
    let upstream = Upstream::start("alpha").await;
    let app = TestApp::start(Database::sqlite(), &[&upstream]).await;
    let member = app.member(Money::ZERO).await;
    let manager = member.management_key().await;
    let test = async |key: &str| {
        let id = keep(&manager, json!({ "key": key })).await;
        read(manager.send(Method::POST, &format!("/api/v1/byok/{id}/test"), &json!({})).await).await.1
    };
    assert_eq!(test("upstream-key").await["data"]["is_accepted"], true);
    let refused = test("revoked-key").await;
    assert_eq!(refused["data"]["is_accepted"], false, "{refused}");
    assert!(refused["data"]["message"].as_str().unwrap().contains("Provider alpha"), "{refused}");

    for (fields, field) in [
        (json!({ "provider": "nobody", "key": "k" }), "provider"),
        (json!({ "provider": "alpha", "key": "" }), "key"),
        (json!({ "provider": "alpha", "key": "two words" }), "key"),
        (json!({ "provider": "alpha", "key": "{\"variables\":{}}" }), "key"),
        (json!({ "provider": "alpha", "key": "k", "allowed_models": [] }), "allowed_models"),
        (json!({ "provider": "alpha", "key": "k", "is_fallback": true, "is_byok_only": true }), "is_byok_only"),
        (json!({ "provider": "alpha", "key": "k", "declared_region": "mars" }), "declared_region"),
        (json!({ "provider": "alpha", "key": "k", "allowed_api_key_hashes": ["xyz"] }), "allowed_api_key_hashes"),
    ] {
        let (status, body) = read(manager.send(Method::POST, "/api/v1/byok", &fields).await).await;
        assert_eq!(status, 400, "{fields}: {body}");
        assert!(body["error"]["message"].as_str().unwrap().contains(field), "{fields}: {body}");
    }
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_operator_changes_the_key_that_credentials_are_kept_with() {
    let upstream = Upstream::start("alpha").await;
    let app = TestApp::start(Database::sqlite(), &[&upstream]).await;
    let member = app.member(Money::ZERO).await;
    keep(&member.management_key().await, json!({})).await;
    let old = app.app.config.secrets.key.clone();
    let organization_id = member.account.organization_id.clone();
    let database = app.finish().await;

    let new = patchbay::vault::Vault::fresh_key();
    let rotate = |old_keys: &str| {
        std::process::Command::new(env!("CARGO_BIN_EXE_patchbay"))
            .args(["secrets", "rotate"])
            .env("PATCHBAY_DATABASE_URL", &database.url)
            .env("PATCHBAY_SECRETS__KEY", &new)
            .env("PATCHBAY_SECRETS__OLD_KEYS", old_keys)
            .output()
            .unwrap()
    };
    assert!(!rotate("").status.success(), "the old key is needed once more");
    let done = rotate(&old);
    assert!(String::from_utf8_lossy(&done.stdout).contains("1 of 1"), "{done:?}");
    let app = TestApp::start_with(database, &[&upstream], |config| config.secrets.key = new).await;
    assert_eq!(app.app.store.own_keys(&organization_id, None).await.unwrap().len(), 1);
    let requester = patchbay::gateway::Requester {
        policy: std::sync::Arc::default(),
        organization_id,
        workspace_id: app.app.store.all_own_keys().await.unwrap()[0].workspace_id.clone(),
        key: None,
        user_id: None,
    };
    assert_eq!(app.app.own_keys.of(&requester).len(), 1, "it opens with the new key alone");
    app.finish().await;
}

/// A cent a request at list price, held and billed alike.
async fn dear() -> Upstream {
    let upstream = Upstream::with_prices("alpha", "0", "100").await;
    upstream.always(Script::Answer { words: vec!["yes".into()], prompt_tokens: 10, completion_tokens: 100 });
    upstream
}

on_both_databases! {
    async fn own_keys_count_in_a_keys_usage_and_in_its_limit_where_it_says_so(database: Database) {
        let upstream = dear().await;
        let app = TestApp::start(database, &[&upstream]).await;
        let member = app.member(Money::from_dollars(1)).await;
        let (key, manager) = (member.key().await, member.management_key().await);
        keep(&manager, json!({})).await;
        let path = format!("/api/v1/keys/{}", key.hash);
        let change = async |fields: Value| read(manager.send(Method::PATCH, &path, &fields).await).await;
        assert_eq!(change(json!({ "limit": 0.5, "limit_reset": "daily" })).await.0, 200);
        let ask = || key.ask(json!({ "max_tokens": 100 }));
        let statuses = async |count: usize| {
            let answers = join_all((0..count).map(|_| ask())).await;
            let mut statuses: Vec<u16> = answers.into_iter().map(|answer| answer.status().as_u16()).collect();
            statuses.sort_unstable();
            statuses
        };
        assert_eq!(statuses(8).await, [200; 8]);
        let (_, shown) = read(key.get("/api/v1/key").await).await;
        let amounts = |data: &Value, names: [&str; 5]| names.map(|name| data[name].clone());
        let names = ["usage", "byok_usage", "byok_usage_daily", "byok_usage_weekly", "byok_usage_monthly"];
        let expected = [json!(0), json!(0.08), json!(0.08), json!(0.08), json!(0.08)];
        assert_eq!(amounts(&shown["data"], names), expected, "{shown}");
        assert_eq!(shown["data"]["limit_remaining"], json!(0.5), "own keys do not count: {shown}");

        let (_, changed) = change(json!({ "include_byok_in_limit": true, "limit": 0.15 })).await;
        assert_eq!(amounts(&changed["data"], names), expected, "{changed}");
        assert_eq!(changed["data"]["limit_remaining"], json!(0.07), "{changed}");
        let sent = upstream.count();
        let mut both = vec![200; 7];
        both.extend([403; 13]);
        assert_eq!(statuses(20).await, both, "exactly as many as the limit leaves");
        assert_eq!(upstream.count() - sent, 7, "a refused request is never sent");
        let (status, refusal) = read(ask().await).await;
        let message = refusal["error"]["message"].as_str().unwrap();
        assert!(status == 403 && message.contains("This key's limit leaves $0") && message.contains("own provider keys count"), "{message}");
        assert_eq!(member.available().await, Money::from_dollars(1), "nothing was charged");

        // The totals of days say the same.
        while app.app.store.fold_generations().await.unwrap() > 0 {}
        let today = app.app.clock.now_ms() / 86_400_000;
        let organization_id = &member.account.organization_id;
        let scope = DailyScope { organization_id, from: today - 1, to: today + 1, ..DailyScope::default() };
        let days = app.app.store.daily_usage(&scope).await.unwrap();
        assert_eq!(days.iter().map(|row| row.own_cost_nanos).sum::<i64>(), 150_000_000);
        app.finish().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn own_keys_count_in_a_workspaces_budgets_where_it_says_so() {
    let upstream = dear().await;
    let app = TestApp::start(Database::sqlite(), &[&upstream]).await;
    let member = app.member(Money::from_dollars(1)).await;
    let (key, manager) = (member.key().await, member.management_key().await);
    keep(&manager, json!({})).await;
    let path = format!("/api/v1/workspaces/{}/budgets/daily", member.account.workspace_id);
    let set = async |fields: Value| read(manager.send(Method::PUT, &path, &fields).await).await;
    assert_eq!(set(json!({ "limit_usd": 0.02 })).await.0, 200);
    let ask = || key.ask(json!({ "max_tokens": 100 }));
    for _ in 0..3 {
        assert_eq!(ask().await.status(), 200, "own keys do not count");
    }
    let (_, set) = set(json!({ "limit_usd": 0.04, "include_byok_in_budgets": true })).await;
    assert_eq!(set["data"]["used_usd"], json!(0.03), "{set}");
    assert_eq!(ask().await.status(), 200);
    let (status, refusal) = read(ask().await).await;
    assert_eq!(status, 403, "{refusal}");
    assert!(refusal["error"]["message"].as_str().unwrap().contains("The daily budget"), "{refusal}");
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_says_that_his_account_keeps_nothing_is_believed_and_who_says_it_does_too() {
    let upstream = Upstream::start("alpha").await;
    let app = TestApp::start(Database::sqlite(), &[&upstream]).await;
    let member = app.member(Money::from_dollars(5)).await;
    let (key, manager) = (member.key().await, member.management_key().await);
    let id = keep(&manager, json!({})).await;
    let private = json!({ "provider": { "zdr": true } });
    let (status, refused) = read(key.ask(private.clone()).await).await;
    assert_eq!(status, 404, "nobody knows what the provider keeps: {refused}");
    change(&manager, &id, json!({ "declared_zdr": true, "declared_region": "europe" })).await;
    assert_eq!(usage(&key, private.clone()).await["is_byok"], true);
    change(&manager, &id, json!({ "declared_zdr": false })).await;
    assert_eq!(key.ask(private).await.status(), 404);
    let (_, shown) = read(manager.get(&format!("/api/v1/byok/{id}")).await).await;
    assert_eq!((&shown["data"]["declared_zdr"], &shown["data"]["declared_region"]), (&json!(false), &json!("europe")));
    app.finish().await;
}
