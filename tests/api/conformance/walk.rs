//! The calls: each operation with what it is for, and the refusals of its own.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use reqwest::Method;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use super::PROVIDER;
use super::description::Description;
use crate::support::{KeyHolder, Member, TestApp, read};

/// Somebody who calls operations by their names.
struct Caller<'a> {
    described: &'a mut Description,
    manager: &'a KeyHolder<'a>,
    key: &'a KeyHolder<'a>,
}

impl Caller<'_> {
    /// Calls an operation as a manager; `real` is its path with what it names.
    async fn call(&mut self, name: &str, real: &str, body: Value, expected: u16) -> Value {
        let operation = self.described.operation(name);
        let request = self.manager.request(operation.method.clone(), &format!("/api/v1{real}"));
        let request = if operation.takes_a_body() { request.json(&body) } else { request };
        self.described.check(&operation, expected, request.send().await.unwrap()).await
    }

    async fn get(&mut self, name: &str, real: &str) -> Value {
        self.call(&format!("GET {name}"), real, Value::Null, 200).await
    }

    /// Calls an operation with a key that is for inference.
    async fn as_key(&mut self, name: &str, real: &str, body: Value, expected: u16) -> Value {
        let operation = self.described.operation(name);
        let request = self.key.request(operation.method.clone(), &format!("/api/v1{real}"));
        let request = if operation.takes_a_body() { request.json(&body) } else { request };
        self.described.check(&operation, expected, request.send().await.unwrap()).await
    }
}

/// Calls everything once at least.
pub async fn walk(described: &mut Description, app: &TestApp, member: &Member<'_>) {
    let (manager, key) = (member.management_key().await, member.key().await);
    let colleague = app.member(app::types::Money::ZERO).await;
    let user_id = colleague.account.user.id.clone();
    let organization_id = &member.account.organization_id;
    sqlx::query("INSERT INTO members (organization_id, user_id, role, created_at) VALUES ($1, $2, 'member', 1)")
        .bind(organization_id.as_str())
        .bind(user_id.as_str())
        .execute(app.app.store.pool())
        .await
        .unwrap();
    let mut caller = Caller { described, manager: &manager, key: &key };
    keys(&mut caller).await;
    pkce(&mut caller, app).await;
    own_keys(&mut caller).await;
    workspaces(&mut caller, &user_id).await;
    guardrails(&mut caller, &user_id).await;
    presets(&mut caller).await;
    destinations(&mut caller).await;
    usage(&mut caller, app).await;
    analytics(&mut caller).await;
    caller.get("/organization/members", "/organization/members?limit=10").await;
    let operation = caller.described.operation("POST /credits/coinbase");
    let gone = app.request(Method::POST, "/api/v1/credits/coinbase").json(&json!({ "amount": 5 }));
    caller.described.check(&operation, 410, gone.send().await.unwrap()).await;
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_else(|| panic!("no text: {value}")).to_owned()
}

async fn keys(caller: &mut Caller<'_>) {
    caller.as_key("GET /key", "/key", Value::Null, 200).await;
    caller.get("/key", "/key").await;
    let wish = json!({ "name": "CI", "limit": 5.5, "limit_reset": "monthly", "include_byok_in_limit": true,
        "expires_at": "2090-01-01T00:00:00Z" });
    let made = caller.call("POST /keys", "/keys", wish, 201).await;
    let path = format!("/keys/{}", text(&made["data"]["hash"]));
    caller.call("POST /keys", "/keys", json!({ "name": "plain" }), 201).await;
    caller.call("POST /keys", "/keys", json!({ "limit": 5 }), 400).await;
    caller.call("POST /keys", "/keys", json!({ "name": "x", "limit_reset": "hourly" }), 400).await;
    caller.as_key("POST /keys", "/keys", json!({ "name": "x" }), 403).await;
    let list = caller.get("/keys", "/keys?include_disabled=true&offset=0").await;
    assert!(list["data"].as_array().unwrap().len() >= 3, "{list}");
    caller.call("GET /keys", "/keys?offset=-1", Value::Null, 400).await;
    caller.get("/keys/{hash}", &path).await;
    let change = json!({ "name": "CI 2", "disabled": true, "limit": null, "limit_reset": null });
    caller.call("PATCH /keys/{hash}", &path, change, 200).await;
    caller.call("PATCH /keys/{hash}", &path, json!({ "limit": -1 }), 400).await;
    caller.call("DELETE /keys/{hash}", &path, Value::Null, 200).await;
}

async fn pkce(caller: &mut Caller<'_>, app: &TestApp) {
    let verifier = "a-verifier-that-is-long-enough-to-be-one-of-them";
    let challenge = URL_SAFE_NO_PAD.encode(Sha256::digest(verifier));
    let wish = json!({ "callback_url": "https://app.example.org/back", "code_challenge": challenge,
        "code_challenge_method": "S256", "limit": 3, "usage_limit_type": "weekly", "key_label": "An app" });
    let code = caller.call("POST /auth/keys/code", "/auth/keys/code", wish, 200).await;
    let wrong = json!({ "callback_url": "ftp://app.example.org" });
    caller.call("POST /auth/keys/code", "/auth/keys/code", wrong, 400).await;
    let fine = json!({ "callback_url": "https://app.example.org/back" });
    caller.as_key("POST /auth/keys/code", "/auth/keys/code", fine, 403).await;
    let operation = caller.described.operation("POST /auth/keys");
    let exchange = json!({ "code": code["data"]["id"], "code_verifier": verifier, "code_challenge_method": "S256" });
    for (expected, body) in [
        (403, json!({ "code": code["data"]["id"], "code_verifier": "another" })),
        (200, exchange.clone()),
        (403, exchange),
        (400, json!({ "code": 7 })),
    ] {
        let request = app.request(Method::POST, "/api/v1/auth/keys").json(&body);
        caller.described.check(&operation, expected, request.send().await.unwrap()).await;
    }
}

async fn own_keys(caller: &mut Caller<'_>) {
    let wish = json!({ "provider": PROVIDER, "key": "own-credential-0001", "name": "Ours", "is_fallback": true,
        "allowed_models": ["acme/one"], "allowed_user_ids": null });
    let made = caller.call("POST /byok", "/byok", wish, 201).await;
    let path = format!("/byok/{}", text(&made["data"]["id"]));
    caller.call("POST /byok", "/byok", json!({ "provider": PROVIDER, "key": "own-credential-0002" }), 201).await;
    caller.call("POST /byok", "/byok", json!({ "provider": "nobody", "key": "k" }), 400).await;
    caller.as_key("POST /byok", "/byok", json!({ "provider": PROVIDER, "key": "own-credential-3" }), 403).await;
    let list = caller.get("/byok", &format!("/byok?offset=0&limit=1&provider={PROVIDER}")).await;
    assert_eq!((&list["total_count"], list["data"].as_array().unwrap().len()), (&json!(2), 1), "{list}");
    caller.call("GET /byok", "/byok?limit=0", Value::Null, 400).await;
    caller.get("/byok/{id}", &path).await;
    let change = json!({ "disabled": true, "allowed_models": null, "name": null, "is_fallback": false });
    caller.call("PATCH /byok/{id}", &path, change, 200).await;
    caller.call("PATCH /byok/{id}", &path, json!({ "allowed_models": [] }), 400).await;
    caller.call("DELETE /byok/{id}", &path, Value::Null, 200).await;
}

async fn workspaces(caller: &mut Caller<'_>, user_id: &str) {
    let wish = json!({ "name": "Research", "slug": "research", "description": "Ours", "default_text_model": "acme/one",
        "default_provider_sort": "price" });
    let made = caller.call("POST /workspaces", "/workspaces", wish.clone(), 201).await;
    let path = format!("/workspaces/{}", text(&made["data"]["id"]));
    caller.call("POST /workspaces", "/workspaces", wish, 400).await;
    caller.as_key("POST /workspaces", "/workspaces", json!({ "name": "x", "slug": "x" }), 403).await;
    caller.get("/workspaces", "/workspaces?limit=2").await;
    caller.get("/workspaces/{id}", &path).await;
    caller.get("/workspaces/{id}", "/workspaces/research").await;
    caller.call("PATCH /workspaces/{id}", &path, json!({ "name": "Labs", "description": null }), 200).await;
    caller.call("PATCH /workspaces/{id}", &path, json!({ "slug": "Not A Slug" }), 400).await;
    caller.as_key("PATCH /workspaces/{id}", &path, json!({ "name": "x" }), 403).await;

    let budget = "/workspaces/{id}/budgets/{interval}";
    for interval in ["daily", "weekly", "monthly", "lifetime"] {
        let limit = json!({ "limit_usd": 2 + interval.len() * 3, "include_byok_in_budgets": interval == "daily" });
        let name = format!("PUT {budget}");
        caller.call(&name, &format!("{path}/budgets/{interval}"), limit, 200).await;
        caller.get(budget, &format!("{path}/budgets/{interval}")).await;
    }
    caller.get("/workspaces/{id}/budgets", &format!("{path}/budgets")).await;
    let name = format!("PUT {budget}");
    caller.call(&name, &format!("{path}/budgets/daily"), json!({ "limit_usd": 0 }), 400).await;
    caller.call(&name, &format!("{path}/budgets/hourly"), json!({ "limit_usd": 1 }), 400).await;
    caller.call(&format!("GET {budget}"), &format!("{path}/budgets/hourly"), Value::Null, 400).await;
    caller.call(&format!("DELETE {budget}"), &format!("{path}/budgets/daily"), Value::Null, 200).await;
    caller.call(&format!("GET {budget}"), &format!("{path}/budgets/daily"), Value::Null, 404).await;

    let members = "/workspaces/{id}/members";
    let people = json!({ "user_ids": [user_id] });
    caller.call(&format!("POST {members}/add"), &format!("{path}/members/add"), people.clone(), 200).await;
    caller.get(members, &format!("{path}/members")).await;
    caller.call(&format!("POST {members}/add"), &format!("{path}/members/add"), json!({ "user_ids": [] }), 400).await;
    caller.as_key(&format!("POST {members}/add"), &format!("{path}/members/add"), people.clone(), 403).await;
    caller.call(&format!("POST {members}/remove"), &format!("{path}/members/remove"), people, 200).await;
    let key = json!({ "name": "in there", "workspace_id": made["data"]["id"] });
    let key = caller.call("POST /keys", "/keys", key, 201).await;
    assert_eq!(key["data"]["workspace_id"], made["data"]["id"], "{key}");
    caller.get("/keys", &format!("/keys?workspace_id={}", text(&made["data"]["id"]))).await;
    caller.as_key("DELETE /workspaces/{id}", &path, Value::Null, 403).await;
    caller.call("DELETE /keys/{hash}", &format!("/keys/{}", text(&key["data"]["hash"])), Value::Null, 200).await;
    caller.call("DELETE /workspaces/{id}", &path, Value::Null, 200).await;
    caller.call("DELETE /workspaces/{id}", "/workspaces/default", Value::Null, 400).await;
}

async fn guardrails(caller: &mut Caller<'_>, user_id: &str) {
    let wish = json!({ "name": "Careful", "description": "For everybody", "limit_usd": 5, "reset_interval": "monthly",
        "allowed_providers": [PROVIDER], "allowed_models": ["acme/one"], "enforce_zdr_anthropic": true,
        "include_byok_in_budgets": true, "enable_paid_model_training": false,
        "content_filters": [{ "pattern": "secret-[0-9]+", "action": "redact", "label": "[SECRET]" }],
        "content_filter_builtins": [{ "slug": "email", "action": "block" }] });
    let made = caller.call("POST /guardrails", "/guardrails", wish, 201).await;
    let path = format!("/guardrails/{}", text(&made["data"]["id"]));
    caller.call("POST /guardrails", "/guardrails", json!({ "name": "" }), 400).await;
    let lookaround = json!({ "name": "x", "content_filters": [{ "pattern": "(?=x)", "action": "block" }] });
    caller.call("POST /guardrails", "/guardrails", lookaround, 400).await;
    caller.as_key("POST /guardrails", "/guardrails", json!({ "name": "x" }), 403).await;
    caller.get("/guardrails", "/guardrails?offset=0&limit=5").await;
    caller.call("GET /guardrails", "/guardrails?limit=1000", Value::Null, 400).await;
    caller.get("/guardrails/{id}", &path).await;
    let change = json!({ "name": "More careful", "limit_usd": null, "reset_interval": null, "allowed_models": null });
    caller.call("PATCH /guardrails/{id}", &path, change, 200).await;
    caller.call("PATCH /guardrails/{id}", &path, json!({ "limit_usd": -1 }), 400).await;
    for (kind, body) in
        [("keys", json!({ "key_hashes": [caller.key.hash] })), ("members", json!({ "member_user_ids": [user_id] }))]
    {
        let (all, own) = (format!("/guardrails/assignments/{kind}"), format!("/guardrails/{{id}}/assignments/{kind}"));
        let real = format!("{path}/assignments/{kind}");
        caller.call(&format!("POST {own}"), &real, body.clone(), 200).await;
        caller.call(&format!("POST {own}"), &real, json!({}), 400).await;
        caller.get(&all, &all).await;
        caller.get(&own, &real).await;
        caller.call(&format!("POST {own}/remove"), &format!("{real}/remove"), body, 200).await;
        caller.call(&format!("POST {own}/remove"), &format!("{real}/remove"), json!({}), 400).await;
    }
    caller.call("DELETE /guardrails/{id}", &path, Value::Null, 200).await;
}

async fn presets(caller: &mut Caller<'_>) {
    let message = json!([{ "role": "system", "content": "Briefly." }, { "role": "user", "content": "Hello" }]);
    for (kind, body) in [
        ("chat/completions", json!({ "model": "acme/one", "messages": message, "temperature": 0.5 })),
        ("responses", json!({ "model": "acme/one", "input": "Hello", "instructions": "Briefly." })),
        (
            "messages",
            json!({ "model": "acme/one", "max_tokens": 5, "messages": [{ "role": "user", "content": "Hello" }],
                "system": "Briefly." }),
        ),
    ] {
        let name = format!("POST /presets/{{slug}}/{kind}");
        caller.as_key(&name, &format!("/presets/brief/{kind}"), body.clone(), 200).await;
        caller.as_key(&name, &format!("/presets/Not%20A%20Slug/{kind}"), body, 400).await;
    }
    for (name, real) in [
        ("/presets", "/presets?limit=5"),
        ("/presets/{slug}", "/presets/brief"),
        ("/presets/{slug}/versions", "/presets/brief/versions?limit=2"),
        ("/presets/{slug}/versions/{version}", "/presets/brief/versions/2"),
    ] {
        caller.as_key(&format!("GET {name}"), real, Value::Null, 200).await;
        caller.get(name, real).await;
    }
    caller.as_key("GET /presets", "/presets?limit=0", Value::Null, 400).await;
    let (name, real) = ("GET /presets/{slug}/versions/{version}", "/presets/brief/versions/9");
    caller.as_key(name, real, Value::Null, 404).await;
    caller.as_key(name, "/presets/brief/versions/latest", Value::Null, 400).await;
}

async fn usage(caller: &mut Caller<'_>, app: &TestApp) {
    caller.get("/credits", "/credits").await;
    let (status, answer) = read(caller.key.ask(json!({})).await).await;
    assert_eq!(status, 200, "{answer}");
    let id = text(&answer["id"]);
    caller.as_key("GET /generation", &format!("/generation?id={id}"), Value::Null, 200).await;
    let said = json!({ "generation_id": id, "category": "latency", "comment": "Slow." });
    caller.as_key("POST /generation/feedback", "/generation/feedback", said, 200).await;
    let wrong = json!({ "generation_id": id, "category": "boring" });
    caller.as_key("POST /generation/feedback", "/generation/feedback", wrong, 400).await;

    let workspace = json!({ "is_observability_io_logging_enabled": true });
    caller.call("PATCH /workspaces/{id}", "/workspaces/default", workspace, 200).await;
    let (status, answer) = read(caller.key.ask(json!({})).await).await;
    assert_eq!(status, 200, "{answer}");
    app.app.requests.close();
    app.app.requests.wait().await;
    app.app.requests.reopen();
    let kept = caller.get("/generation/content", &format!("/generation/content?id={}", text(&answer["id"]))).await;
    assert_eq!(kept["data"]["input"]["messages"][0]["content"], "Hello there", "{kept}");
    caller.as_key("GET /generation/content", &format!("/generation/content?id={id}"), Value::Null, 403).await;

    // Activity is of days that are over.
    let yesterday = app.app.clock.now_ms() - 86_400_000;
    sqlx::query("UPDATE generations SET created_at = $1").bind(yesterday).execute(app.app.store.pool()).await.unwrap();
    app.app.store.fold_generations().await.unwrap();
    let list = caller.get("/activity", "/activity").await;
    assert_eq!(list["data"].as_array().unwrap().len(), 1, "{list}");
    let hash = caller.key.hash.clone();
    caller.get("/activity", &format!("/activity?api_key_hash={hash}&group_by=workspace")).await;
    caller.call("GET /activity", "/activity?date=2020-01-01", Value::Null, 400).await;
    caller.call("GET /activity", "/activity?group_by=weather", Value::Null, 400).await;
    let nobody = format!("/activity?api_key_hash={}", "0".repeat(64));
    caller.call("GET /activity", &nobody, Value::Null, 404).await;
    caller.as_key("GET /activity", "/activity", Value::Null, 403).await;
}

async fn destinations(caller: &mut Caller<'_>) {
    let (all, one) = ("/observability/destinations", "/observability/destinations/{id}");
    let configs = [
        ("webhook", json!({ "url": "https://hooks.example.org/in", "headers": { "x-token": "token-0001" } })),
        (
            "langfuse",
            json!({ "baseUrl": "https://langfuse.example.org", "publicKey": "pk-0001", "secretKey": "sk-0001" }),
        ),
    ];
    for (kind, config) in configs {
        let wish = json!({ "type": kind, "name": format!("Our {kind}"), "enabled": false, "config": config });
        let made = caller.call(&format!("POST {all}"), all, wish, 201).await;
        let path = format!("{all}/{}", text(&made["data"]["id"]));
        caller.get(one, &path).await;
        caller.call(&format!("PATCH {one}"), &path, json!({ "name": "Renamed", "sampling_rate": 0.5 }), 200).await;
        caller.call(&format!("PATCH {one}"), &path, json!({ "sampling_rate": 7 }), 400).await;
        caller.as_key(&format!("PATCH {one}"), &path, json!({ "name": "x" }), 403).await;
    }
    let unknown = json!({ "type": "pigeon", "name": "x", "config": {} });
    caller.call(&format!("POST {all}"), all, unknown.clone(), 400).await;
    caller.as_key(&format!("POST {all}"), all, unknown, 403).await;
    let list = caller.get(all, &format!("{all}?offset=0&limit=5")).await;
    assert_eq!(list["total_count"], 2, "{list}");
    caller.call(&format!("GET {all}"), &format!("{all}?limit=0"), Value::Null, 400).await;
    for row in list["data"].as_array().unwrap() {
        caller.call(&format!("DELETE {one}"), &format!("{all}/{}", text(&row["id"])), Value::Null, 200).await;
    }
}

async fn analytics(caller: &mut Caller<'_>) {
    let name = "POST /analytics/query";
    let meta = caller.get("/analytics/meta", "/analytics/meta").await;
    caller.as_key("GET /analytics/meta", "/analytics/meta", Value::Null, 403).await;
    let of = |list: &str| -> Vec<String> {
        meta["data"][list].as_array().unwrap().iter().map(|one| text(&one["name"])).collect()
    };
    let metrics = of("metrics");
    for dimension in of("dimensions") {
        for granularity in of("granularities") {
            let body = json!({ "metrics": metrics, "dimensions": [dimension], "granularity": granularity });
            let answer = caller.call(name, "/analytics/query", body, 200).await;
            let row = &answer["data"]["data"][0];
            assert!(row[format!("date__{granularity}")].is_string() && row["request_count"].is_number(), "{answer}");
        }
    }
    caller.call(name, "/analytics/query", json!({ "metrics": ["weather"] }), 400).await;
    caller.as_key(name, "/analytics/query", json!({ "metrics": metrics }), 403).await;
}
