//! More requests than a provider carries, over sockets: `make overload`.
//!
//! The limit that follows a provider's overload is tried without sockets and clocks in
//! `gateway::health`; this is the same with everything in between, by the clock.

use std::sync::Arc;
use std::time::Duration;

use app::types::Money;
use axum::Router;
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Response};
use axum::routing::{get, post};
use serde_json::json;
use tokio::net::TcpListener;
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tokio::time::Instant;

use crate::support::{Database, TestApp, Upstream, question};

/// Requests the provider carries at once, and how long each takes: 100 a second.
const SLOTS: usize = 20;
const SERVICE: Duration = Duration::from_millis(200);
const CAPACITY: u32 = 100;

/// A provider that refuses what it cannot carry. Returns its address.
async fn provider() -> String {
    let slots = Arc::new(Semaphore::new(SLOTS));
    let answer = move || {
        let slots = Arc::clone(&slots);
        async move {
            let Ok(_slot) = slots.try_acquire() else {
                let body = json!({ "error": { "message": "overloaded", "code": "overloaded" } });
                return (StatusCode::SERVICE_UNAVAILABLE, axum::Json(body)).into_response();
            };
            tokio::time::sleep(SERVICE).await;
            whole()
        }
    };
    let router =
        Router::new().route("/v1/chat/completions", post(answer)).route("/v1/models", get(|| async { StatusCode::OK }));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/v1", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, router).await });
    url
}

fn whole() -> Response {
    axum::Json(json!({ "id": "up", "object": "chat.completion", "created": 1, "model": "m",
        "choices": [{ "index": 0, "message": { "role": "assistant", "content": "hi" }, "finish_reason": "stop" }],
        "usage": { "prompt_tokens": 10, "completion_tokens": 1, "total_tokens": 11 } }))
    .into_response()
}

/// Sends so many requests a second for so long, whether or not the earlier are answered;
/// the answers of each second.
async fn load(url: &str, key: &str, per_second: u32, seconds: u32) -> Vec<u32> {
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    let start = Instant::now();
    let mut requests = JoinSet::new();
    for number in 0..per_second * seconds {
        tokio::time::sleep_until(start + Duration::from_secs(1) * number / per_second).await;
        let ask = client.post(format!("{url}/api/v1/chat/completions")).bearer_auth(key).json(&question(json!({})));
        requests.spawn(async move {
            let status = ask.send().await.unwrap().status();
            assert!(status == 200 || status == 503, "{status}");
            (status == 200).then(|| usize::try_from(start.elapsed().as_secs()).unwrap())
        });
    }
    let mut answers = vec![0; seconds as usize];
    for second in requests.join_all().await.into_iter().flatten() {
        if let Some(count) = answers.get_mut(second) {
            *count += 1;
        }
    }
    answers
}

#[ignore = "takes 40 s and the machine for itself: make overload"]
#[tokio::test(flavor = "multi_thread")]
async fn three_times_what_a_provider_carries_leaves_nine_tenths_of_its_work_and_it_recovers() {
    let (busy, url) = (Upstream::start("busy").await, provider().await);
    let change = |config: &mut patchbay::config::Config| {
        config.providers.get_mut("busy").unwrap().base_url = Some(url);
    };
    let app = TestApp::start_with(Database::sqlite(), &[&busy], change).await;
    let key = app.member(Money::from_dollars(500)).await.key().await;
    let ask = async |per_second, seconds| load(&app.url, &key.text, per_second, seconds).await;
    let usual = ask(CAPACITY * 9 / 10, 8).await;
    let over = ask(CAPACITY * 3, 15).await;
    let after = ask(CAPACITY / 2, 10).await;
    println!("usual {usual:?}\nover  {over:?}\nafter {after:?}");
    let peak = CAPACITY;
    let kept: u32 = over[2..].iter().sum::<u32>() / 13;
    println!("{kept} of {peak} answers a second at three times the capacity");
    assert!(kept * 10 >= peak * 9);
    assert!(after[5..].iter().all(|second| *second + 2 >= CAPACITY / 2));
    app.finish().await;
}
