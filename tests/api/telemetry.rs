//! What those who watch the server see.

use std::sync::Arc;

use app::types::Money;
use axum::body::Bytes;
use axum::http::HeaderMap;
use patchbay::http::observe;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::sync::mpsc;

use crate::support::{Database, Script, TestApp, Upstream};

/// A collector on a socket; every message with its headers.
async fn collector() -> (String, mpsc::UnboundedReceiver<(HeaderMap, Value)>) {
    let (sender, messages) = mpsc::unbounded_channel();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let take = move |headers: HeaderMap, body: Bytes| {
        let _ = sender.send((headers, serde_json::from_slice(&body).unwrap()));
        std::future::ready("{}")
    };
    let router = axum::Router::new().route("/v1/traces", axum::routing::post(take));
    tokio::spawn(async move { axum::serve(listener, router).await });
    (url, messages)
}

fn spans(message: &Value) -> Vec<Value> {
    message["resourceSpans"][0]["scopeSpans"][0]["spans"].as_array().unwrap().clone()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_private_listener_has_the_metrics_and_the_public_one_has_not() {
    let (bad, good) = (Upstream::with_prices("bad", "0", "0").await, Upstream::with_prices("good", "1", "1").await);
    bad.always(Script::fail(500, "broken"));
    let app = TestApp::start_with(Database::sqlite(), &[&bad, &good], |config| {
        config.telemetry.listen = "127.0.0.1:0".to_owned();
    })
    .await;
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let private = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(observe::serve(listener, Arc::clone(&app.app)));
    let key = app.member(Money::from_dollars(1)).await.key().await;
    assert_eq!(key.ask(json!({ "max_tokens": 9, "provider": { "order": ["bad", "good"] } })).await.status(), 200);
    assert_eq!(app.get("/models").await.status(), 200);
    assert_eq!(app.get("/no/such/page/at/all").await.status(), 404);
    assert_eq!(app.get("/metrics").await.status(), 404, "not for the public");

    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    let get = async |path: &str| client.get(format!("{private}{path}")).send().await.unwrap();
    for path in ["/healthz", "/readyz"] {
        assert_eq!(get(path).await.status(), 204, "{path}");
        assert_eq!(app.get(path).await.status(), 204, "{path}");
    }
    let answer = get("/metrics").await;
    assert!(answer.headers()["content-type"].to_str().unwrap().starts_with("text/plain; version=0.0.4"));
    let text = answer.text().await.unwrap();
    for part in [
        "patchbay_inferences_total{api=",
        "outcome=\"ok\",provider=\"Provider good\"} 1",
        "patchbay_failed_attempts_total{provider=\"Provider bad\",status=\"500\"} ",
        "patchbay_tokens_total{kind=\"prompt\",model=\"acme/one\",provider=\"Provider good\"} 10",
        "patchbay_http_request_seconds_count{method=\"POST\",route=\"/api/v1/chat/completions\",status=\"200\"} 1",
        "patchbay_http_request_seconds_count{method=\"GET\",route=\"/models\",status=\"200\"} 1",
        "patchbay_http_request_seconds_count{method=\"GET\",route=\"none\",status=\"404\"}",
        "patchbay_endpoints{state=\"offered\"} 2",
        "patchbay_build{version=",
    ] {
        assert!(text.contains(part), "{part} in {text}");
    }
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_is_traced_from_its_head_to_each_attempt() {
    let (url, mut messages) = collector().await;
    let (bad, good) = (Upstream::with_prices("bad", "0", "0").await, Upstream::with_prices("good", "1", "1").await);
    bad.always(Script::fail(500, "broken"));
    let app = TestApp::start_with(Database::sqlite(), &[&bad, &good], |config| {
        config.telemetry.otlp_endpoint = url;
        config.telemetry.otlp_headers = "x-token=secret".to_owned();
    })
    .await;
    let key = app.member(Money::from_dollars(1)).await.key().await;
    let words = "a prompt nobody else should read";
    let question = json!({ "max_tokens": 9, "provider": { "order": ["bad", "good"] },
        "messages": [{ "role": "user", "content": words }] });
    let answer = key.ask(question).await;
    let generation = answer.headers()["x-generation-id"].to_str().unwrap().to_owned();
    let mut found: Vec<Value> = Vec::new();
    while found.len() < 4 {
        let (headers, message) = messages.recv().await.unwrap();
        assert_eq!(headers["x-token"], "secret");
        assert!(!message.to_string().contains(words), "prompts are no part of a trace");
        assert_eq!(message["resourceSpans"][0]["resource"]["attributes"][0]["value"]["stringValue"], "patchbay");
        found.extend(spans(&message));
    }
    let named = |start: &str| found.iter().find(|span| span["name"].as_str().unwrap().starts_with(start)).unwrap();
    let (request, inference) = (named("POST /api/v1/chat/completions"), named("inference acme/one"));
    assert_eq!(inference["parentSpanId"], request["spanId"]);
    assert!(inference["attributes"].to_string().contains(&generation));
    for (attempt, is_failed) in [(named("attempt Provider bad"), true), (named("attempt Provider good"), false)] {
        assert_eq!(attempt["parentSpanId"], inference["spanId"]);
        assert_eq!(attempt["traceId"], request["traceId"]);
        assert_eq!(attempt["status"]["code"] == 2, is_failed);
    }
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_callers_trace_goes_on_here() {
    let (url, mut messages) = collector().await;
    let app =
        TestApp::start_with(Database::sqlite(), &[], |config| config.telemetry.otlp_endpoint = format!("{url}/")).await;
    let trace = "4bf92f3577b34da6a3ce929d0e0e4736";
    let request = app.request(reqwest::Method::GET, "/api/v1/models/count");
    let request = request.header("traceparent", format!("00-{trace}-00f067aa0ba902b7-01"));
    assert_eq!(request.send().await.unwrap().status(), 200);
    let (_, message) = messages.recv().await.unwrap();
    let span = &spans(&message)[0];
    assert_eq!((span["traceId"].as_str(), span["parentSpanId"].as_str()), (Some(trace), Some("00f067aa0ba902b7")));
    assert_eq!(span["name"], "GET /api/v1/models/count");
    app.finish().await;
}
