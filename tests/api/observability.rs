//! Events of requests arrive at the destinations a workspace has, survive failures,
//! and tell no more than they are to.

use std::sync::{Arc, Mutex};

use app::types::Money;
use axum::Router;
use axum::body::Bytes;
use axum::extract::{Request, State};
use axum::http::StatusCode;
use patchbay::gateway::broadcast::send;
use reqwest::Method;
use serde_json::{Value, json};

use crate::on_both_databases;
use crate::support::{Database, KeyHolder, Script, TestApp, Upstream, read};

const SECRET: &str = "the canary sings at noon";

/// One request that came to the receiver.
#[derive(Clone, Debug)]
struct Came {
    line: String,
    headers: axum::http::HeaderMap,
    body: Value,
}

impl Came {
    fn spans(&self) -> Vec<Value> {
        self.body["resourceSpans"][0]["scopeSpans"][0]["spans"].as_array().cloned().unwrap_or_default()
    }

    /// An attribute of its only span, as text.
    fn attribute(&self, name: &str) -> Option<String> {
        let span = self.spans().pop()?;
        let all = span["attributes"].as_array()?.clone();
        let value = all.iter().find(|one| one["key"] == name)?["value"].as_object()?.values().next()?.clone();
        Some(value.as_str().map_or_else(|| value.to_string(), str::to_owned))
    }
}

/// A server that takes everything, or answers with the status it is told.
#[derive(Clone)]
struct Receiver {
    url: String,
    came: Arc<Mutex<Vec<Came>>>,
    status: Arc<Mutex<u16>>,
}

impl Receiver {
    async fn start() -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let receiver = Self { url, came: Arc::default(), status: Arc::new(Mutex::new(200)) };
        let router = Router::new().fallback(take).with_state(receiver.clone());
        tokio::spawn(async move { axum::serve(listener, router).await });
        receiver
    }

    fn answers(&self, status: u16) {
        *self.status.lock().unwrap() = status;
    }

    fn all(&self) -> Vec<Came> {
        std::mem::take(&mut *self.came.lock().unwrap())
    }

    fn one(&self) -> Came {
        let mut all = self.all();
        assert_eq!(all.len(), 1, "{all:?}");
        all.remove(0)
    }
}

async fn take(State(receiver): State<Receiver>, request: Request) -> StatusCode {
    let (parts, body) = request.into_parts();
    let body: Bytes = axum::body::to_bytes(body, 1 << 20).await.unwrap();
    let line = format!("{} {}", parts.method, parts.uri);
    let body = serde_json::from_slice(&body).unwrap_or_default();
    receiver.came.lock().unwrap().push(Came { line, headers: parts.headers, body });
    StatusCode::from_u16(*receiver.status.lock().unwrap()).unwrap()
}

async fn start(database: Database, upstream: &Upstream) -> TestApp {
    TestApp::start_with(database, &[upstream], |config| config.observability.allow_private_networks = true).await
}

async fn add(manager: &KeyHolder<'_>, kind: &str, config: Value, fields: Value) -> Value {
    let mut wish = json!({ "type": kind, "name": kind, "config": config });
    for (name, value) in fields.as_object().unwrap() {
        wish[name] = value.clone();
    }
    let (status, answer) = read(manager.send(Method::POST, "/api/v1/observability/destinations", &wish).await).await;
    assert_eq!(status, 201, "{answer}");
    answer["data"].clone()
}

fn path(destination: &Value) -> String {
    format!("/api/v1/observability/destinations/{}", destination["id"].as_str().unwrap())
}

async fn change(manager: &KeyHolder<'_>, destination: &Value, fields: Value) {
    let (status, answer) = read(manager.send(Method::PATCH, &path(destination), &fields).await).await;
    assert_eq!(status, 200, "{answer}");
}

/// Asks, and sends what that left behind.
async fn ask(app: &TestApp, key: &KeyHolder<'_>, fields: Value) -> Value {
    let (status, answer) = read(key.ask(fields).await).await;
    assert_eq!(status, 200, "{answer}");
    flush(app).await;
    answer
}

async fn flush(app: &TestApp) {
    app.app.requests.close();
    app.app.requests.wait().await;
    app.app.requests.reopen();
    send::send_due(&app.app).await.unwrap();
}

fn says(text: &str) -> Value {
    json!({ "messages": [{ "role": "user", "content": text }] })
}

on_both_databases! {
    async fn all_four_types_get_an_event_in_their_own_way(database: Database) {
        let upstream = Upstream::start("alpha").await;
        upstream.always(Script::words(&["Yellow."]));
        let app = start(database, &upstream).await;
        let member = app.member(Money::from_dollars(5)).await;
        let (key, manager) = (member.key().await, member.management_key().await);
        let receivers = [Receiver::start().await, Receiver::start().await, Receiver::start().await, Receiver::start().await];
        let [hook, collector, langfuse, store] = &receivers;
        add(&manager, "webhook", json!({ "url": format!("{}/hook?x=1", hook.url), "method": "PUT",
            "headers": { "x-token": "a-secret-token-of-mine" } }), json!({})).await;
        add(&manager, "otel-collector", json!({ "endpoint": collector.url, "headers": { "x-axiom": "yes" } }), json!({})).await;
        add(&manager, "langfuse", json!({ "publicKey": "pk-lf-1234567890", "secretKey": "sk-lf-0987654321",
            "baseUrl": langfuse.url }), json!({})).await;
        add(&manager, "s3", json!({ "bucketName": "traces", "accessKeyId": "AKIDEXAMPLE12", "secretAccessKey": "a-very-secret-key",
            "endpoint": store.url, "region": "eu-central-1" }), json!({})).await;

        let answer = ask(&app, &key, says(SECRET)).await;
        let id = answer["id"].as_str().unwrap();
        let came = receivers.each_ref().map(Receiver::one);
        let [at_hook, at_collector, at_langfuse, at_store] = &came;
        assert_eq!(at_hook.line, "PUT /hook?x=1");
        assert_eq!(at_hook.headers["x-token"], "a-secret-token-of-mine");
        assert_eq!((at_collector.line.as_str(), &at_collector.headers["x-axiom"]), ("POST /v1/traces", &"yes".parse().unwrap()));
        assert_eq!(at_langfuse.line, "POST /api/public/otel/v1/traces");
        assert_eq!(at_langfuse.headers["authorization"], "Basic cGstbGYtMTIzNDU2Nzg5MDpzay1sZi0wOTg3NjU0MzIx");
        assert!(at_langfuse.attribute("langfuse.observation.input").unwrap().contains(SECRET));
        assert!(at_store.line.starts_with("PUT /traces/openrouter-traces/20") && at_store.line.ends_with(".json"), "{at_store:?}");
        let signature = at_store.headers["authorization"].to_str().unwrap();
        assert!(signature.starts_with("AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE12/") && signature.contains("/eu-central-1/s3/aws4_request"));
        assert!(at_store.headers.contains_key("x-amz-content-sha256"));
        for one in &came {
            assert_eq!(one.attribute("gen_ai.response.id").as_deref(), Some(id));
            assert_eq!(one.attribute("gen_ai.response.model").as_deref(), Some("acme/one"));
            assert_eq!(one.attribute("gen_ai.usage.input_tokens").as_deref(), Some("10"));
            assert!(one.attribute("gen_ai.prompt").unwrap().contains(SECRET));
            assert!(one.attribute("gen_ai.completion").unwrap().contains("Yellow."));
            assert_eq!(one.attribute("gen_ai.usage.cost"), None, "only where it is wanted");
            assert_eq!(one.attribute("openrouter.api_key_name"), None);
        }
        let (_, list) = read(manager.get("/api/v1/observability/destinations").await).await;
        assert_eq!(list["total_count"], 4);
        for one in list["data"].as_array().unwrap() {
            assert_eq!((&one["delivery"]["sent"], &one["delivery"]["waiting"]), (&json!(1), &json!(0)), "{one}");
        }
        let text = list.to_string();
        for secret in ["a-secret-token-of-mine", "sk-lf-0987654321", "a-very-secret-key"] {
            assert!(!text.contains(secret), "{secret} is shown");
        }
        app.finish().await;
    }
}

on_both_databases! {
    async fn an_event_that_fails_waits_and_arrives_even_after_a_restart(database: Database) {
        let upstream = Upstream::start("alpha").await;
        let receiver = Receiver::start().await;
        let app = start(database, &upstream).await;
        let member = app.member(Money::from_dollars(5)).await;
        let (key, manager) = (member.key().await, member.management_key().await);
        let destination = add(&manager, "webhook", json!({ "url": receiver.url }), json!({})).await;
        receiver.answers(503);
        let asked = ask(&app, &key, json!({})).await;
        assert_eq!(receiver.all().len(), 1);
        let (_, shown) = read(manager.get(&path(&destination)).await).await;
        let delivery = &shown["data"]["delivery"];
        assert_eq!((&delivery["waiting"], &delivery["last_error"]), (&json!(1), &json!("It answered with status 503.")), "{shown}");
        let waiting = app.app.store.all_events("", 10).await.unwrap();
        assert!(!waiting[0].sealed.contains("Hello"), "at rest it is not readable");
        let (text, id) = (manager.text.clone(), waiting[0].id.clone());
        let database = app.finish().await;

        let app = start(database, &upstream).await;
        receiver.answers(200);
        app.app.store.delay_event(&id, 0).await.unwrap();
        send::send_due(&app.app).await.unwrap();
        let manager = KeyHolder { app: &app, text, hash: String::new() };
        let came = receiver.all();
        assert!(came.iter().any(|one| one.attribute("gen_ai.response.id").as_deref() == asked["id"].as_str()), "{came:?}");
        let (_, shown) = read(manager.get(&path(&destination)).await).await;
        let delivery = &shown["data"]["delivery"];
        assert_eq!((&delivery["waiting"], &delivery["sent"], &delivery["last_error"]), (&json!(0), &json!(1), &Value::Null));
        app.finish().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn events_are_given_up_in_the_end_and_the_outbox_is_bounded() {
    let upstream = Upstream::start("alpha").await;
    let receiver = Receiver::start().await;
    let app = TestApp::start_with(Database::sqlite(), &[&upstream], |config| {
        config.observability.allow_private_networks = true;
        config.observability.attempts = 2;
        config.observability.waiting = 1;
    })
    .await;
    let member = app.member(Money::from_dollars(5)).await;
    let (key, manager) = (member.key().await, member.management_key().await);
    let destination = add(&manager, "webhook", json!({ "url": receiver.url }), json!({})).await;
    receiver.answers(500);
    ask(&app, &key, json!({})).await;
    ask(&app, &key, json!({})).await;
    let (_, shown) = read(manager.get(&path(&destination)).await).await;
    assert_eq!(
        (&shown["data"]["delivery"]["waiting"], &shown["data"]["delivery"]["lost"]),
        (&json!(1), &json!(1)),
        "{shown}"
    );
    for row in app.app.store.all_events("", 10).await.unwrap() {
        app.app.store.delay_event(&row.id, 0).await.unwrap();
    }
    send::send_due(&app.app).await.unwrap();
    let (_, shown) = read(manager.get(&path(&destination)).await).await;
    assert_eq!(
        (&shown["data"]["delivery"]["waiting"], &shown["data"]["delivery"]["lost"]),
        (&json!(0), &json!(2)),
        "{shown}"
    );
    assert_eq!(shown["data"]["delivery"]["last_error"], "It answered with status 500.");

    // A body it cannot read is not tried twice.
    receiver.answers(400);
    ask(&app, &key, json!({})).await;
    let (_, shown) = read(manager.get(&path(&destination)).await).await;
    assert_eq!(
        (&shown["data"]["delivery"]["waiting"], &shown["data"]["delivery"]["lost"]),
        (&json!(0), &json!(3)),
        "{shown}"
    );
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_destination_is_told_no_more_than_it_is_to_be() {
    let upstream = Upstream::start("alpha").await;
    let receiver = Receiver::start().await;
    let app = start(Database::sqlite(), &upstream).await;
    let member = app.member(Money::from_dollars(5)).await;
    let (key, other, manager) = (member.key().await, member.key().await, member.management_key().await);
    let destination = add(&manager, "webhook", json!({ "url": receiver.url }), json!({ "privacy_mode": true })).await;
    let mut asked = says(SECRET);
    asked["trace"] = json!({ "trace_id": "my-trace", "generation_name": "step one", "team": "birds" });
    asked["user"] = json!("user-7");
    ask(&app, &key, asked.clone()).await;
    let came = receiver.one();
    assert!(!came.body.to_string().contains("canary"), "privacy mode: {came:?}");
    assert_eq!(came.spans()[0]["name"], "step one");
    assert_eq!(came.attribute("metadata.team").as_deref(), Some("birds"));
    assert_eq!(came.attribute("user.id"), None);

    let all = json!({ "privacy_mode": false, "broadcast_generation_cost": true, "broadcast_generation_identity": true,
        "broadcast_generation_request_context": true });
    change(&manager, &destination, all).await;
    let answer = ask(&app, &key, asked.clone()).await;
    let came = receiver.one();
    assert_eq!(came.attribute("gen_ai.usage.cost"), Some(answer["usage"]["cost"].to_string()));
    assert_eq!(came.attribute("user.id").as_deref(), Some("user-7"));
    assert_eq!(came.attribute("openrouter.api_key_hash").as_deref(), Some(key.hash.as_str()));
    assert_eq!(came.attribute("openrouter.api_type").as_deref(), Some("completions"));
    assert!(came.attribute("gen_ai.prompt").unwrap().contains(SECRET));

    // Who wants nothing kept has no words sent.
    asked["provider"] = json!({ "data_collection": "deny" });
    let (status, _) = read(key.ask(asked).await).await;
    flush(&app).await;
    for one in receiver.all() {
        assert!(!one.body.to_string().contains("canary"), "{status}: {one:?}");
    }

    change(&manager, &destination, json!({ "api_key_hashes": [key.hash] })).await;
    ask(&app, &other, json!({})).await;
    assert_eq!(receiver.all().len(), 0, "another key's request");
    let rule = json!({ "groups": [{ "rules": [{ "field": "total_tokens", "operator": "gt", "value": 1_000_000 }] }] });
    change(&manager, &destination, json!({ "api_key_hashes": null, "filter_rules": rule })).await;
    ask(&app, &other, json!({})).await;
    assert_eq!(receiver.all().len(), 0, "its rules let only large ones pass");
    change(&manager, &destination, json!({ "filter_rules": null, "enabled": false })).await;
    ask(&app, &other, json!({})).await;
    assert_eq!(receiver.all().len(), 0, "it is switched off");
    change(&manager, &destination, json!({ "enabled": true })).await;
    let (_, workspaces) = read(manager.get("/api/v1/workspaces").await).await;
    assert_eq!(workspaces["data"][0]["is_observability_broadcast_enabled"], true);
    let workspace = format!("/api/v1/workspaces/{}", workspaces["data"][0]["id"].as_str().unwrap());
    manager.send(Method::PATCH, &workspace, &json!({ "is_observability_broadcast_enabled": false })).await;
    ask(&app, &other, json!({})).await;
    assert_eq!(receiver.all().len(), 0, "the workspace sends nothing");
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_test_event_says_what_came_of_it_and_mistakes_are_named() {
    let upstream = Upstream::start("alpha").await;
    let receiver = Receiver::start().await;
    let app = start(Database::sqlite(), &upstream).await;
    let manager = app.member(Money::ZERO).await.management_key().await;
    let destination = add(&manager, "webhook", json!({ "url": receiver.url }), json!({})).await;
    let test = format!("{}/test", path(&destination));
    let (status, said) = read(manager.request(Method::POST, &test).send().await.unwrap()).await;
    assert_eq!((status, &said["data"]["message"]), (200, &json!("webhook took a test event.")));
    assert_eq!(receiver.one().headers["x-test-connection"], "true");
    receiver.answers(401);
    let (status, said) = read(manager.request(Method::POST, &test).send().await.unwrap()).await;
    assert!(status == 400 && said["error"]["message"].as_str().unwrap().contains("status 401"), "{said}");

    for (body, field) in [
        (json!({ "type": "datadog", "name": "x", "config": {} }), "use one of webhook, otel-collector, s3, langfuse"),
        (json!({ "type": "webhook", "config": { "url": "https://a.example" } }), "name"),
        (json!({ "type": "webhook", "name": "x" }), "config"),
        (json!({ "type": "webhook", "name": "x", "config": { "url": "file:///etc/passwd" } }), "config.url"),
        (
            json!({ "type": "webhook", "name": "x", "config": { "url": "https://a.example" }, "sampling_rate": 2 }),
            "sampling_rate",
        ),
        (
            json!({ "type": "webhook", "name": "x", "config": { "url": "https://a.example" }, "api_key_hashes": ["no"] }),
            "api_key_hashes",
        ),
        (
            json!({ "type": "webhook", "name": "x", "config": { "url": "https://a.example" }, "filter_rules": { "groups": [{ "rules": [{ "field": "x", "operator": "equals" }] }] } }),
            "filter_rules",
        ),
    ] {
        let (status, answer) =
            read(manager.send(Method::POST, "/api/v1/observability/destinations", &body).await).await;
        assert!(status == 400 && answer["error"]["message"].as_str().unwrap().contains(field), "{field}: {answer}");
    }
    for _ in 0..4 {
        add(&manager, "webhook", json!({ "url": receiver.url }), json!({})).await;
    }
    let sixth = json!({ "type": "webhook", "name": "x", "config": { "url": receiver.url } });
    let (status, answer) = read(manager.send(Method::POST, "/api/v1/observability/destinations", &sixth).await).await;
    assert!(status == 400 && answer["error"]["message"].as_str().unwrap().contains("5 destinations"), "{answer}");
    let (status, _) = read(manager.request(Method::DELETE, &path(&destination)).send().await.unwrap()).await;
    assert_eq!((status, manager.get(&path(&destination)).await.status().as_u16()), (200, 404));
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn addresses_of_this_machine_are_refused_unless_the_operator_allows_them() {
    let app = TestApp::start(Database::sqlite(), &[]).await;
    let manager = app.member(Money::ZERO).await.management_key().await;
    for url in [
        "http://127.0.0.1:1/x",
        "http://[::1]/x",
        "http://169.254.169.254/latest",
        "http://2130706433/",
        "http://10.0.0.1/",
    ] {
        let body = json!({ "type": "webhook", "name": "x", "config": { "url": url } });
        let (status, answer) =
            read(manager.send(Method::POST, "/api/v1/observability/destinations", &body).await).await;
        assert!(
            status == 400 && answer["error"]["message"].as_str().unwrap().contains("no public address"),
            "{url}: {answer}"
        );
    }
    // A name that leads there is found out when it is asked.
    let named = add(&manager, "webhook", json!({ "url": "http://localhost:1/x" }), json!({})).await;
    let (status, said) =
        read(manager.request(Method::POST, &format!("{}/test", path(&named))).send().await.unwrap()).await;
    assert!(status == 400 && said["error"]["message"].as_str().unwrap().contains("no public address"), "{said}");
    app.finish().await;
}
