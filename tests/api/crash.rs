//! Killing the process at random moments loses and doubles nothing (I8, I10, I13).
//!
//! `make kill-rounds` runs it for longer.

use std::collections::HashSet;
use std::process::Stdio;
use std::sync::Arc;
use std::time::Duration;

use app::types::Money;
use futures::StreamExt as _;
use futures::stream::FuturesUnordered;
use parking_lot::Mutex;
use patchbay::store::Store;
use rand::RngExt as _;
use reqwest::Client;
use serde_json::json;
use tokio::io::{AsyncBufReadExt as _, BufReader, Lines};
use tokio::process::{Child, ChildStdout, Command};
use tokio::sync::Notify;

use crate::support::{Database, TestApp, Upstream, asked_for, question};

/// What the clients saw complete.
#[derive(Default)]
struct Seen {
    complete: Mutex<HashSet<String>>,
    news: Notify,
}

#[tokio::test(flavor = "multi_thread")]
async fn a_process_killed_at_any_moment_loses_and_doubles_no_charge() {
    kill(30).await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "the long form: make kill-rounds"]
async fn a_thousand_kills_lose_and_double_no_charge() {
    const ON_ONE_DATABASE: u32 = 50;
    let (mut left, mut complete) = (asked_for("ROUNDS", 1_000), 0);
    let rounds = left;
    while left > 0 {
        let now = left.min(ON_ONE_DATABASE);
        complete += kill(now).await;
        left -= now;
    }
    println!("killed {rounds} times, {complete} answers seen whole: each is charged once");
}

/// Kills the server this often; how many answers the clients saw whole.
async fn kill(rounds: u32) -> usize {
    let upstream = Upstream::start("one").await;
    let app = TestApp::start(Database::sqlite(), &[&upstream]).await;
    let member = app.member(Money::from_dollars(1_000)).await;
    let key = member.key().await.text;
    let organization_id = member.account.organization_id.clone();
    let database = app.finish().await;
    let seen = Arc::new(Seen::default());

    for round in 0..rounds {
        let (mut server, url, _output) = serve(&database.url).await;
        let stop = tokio_util::sync::CancellationToken::new();
        let clients: FuturesUnordered<_> =
            (0..8).map(|n| ask_until(stop.clone(), url.clone(), key.clone(), n % 2 == 0, Arc::clone(&seen))).collect();
        let clients = tokio::spawn(clients.collect::<Vec<()>>());
        // After some more answers, at any moment between two of them.
        let wanted = seen.complete.lock().len() + rand::rng().random_range(1..12);
        while seen.complete.lock().len() < wanted {
            tokio::select! {
                () = seen.news.notified() => {}
                ended = server.wait() => panic!("the server ended by itself: {ended:?}"),
            }
        }
        tokio::time::sleep(Duration::from_micros(rand::rng().random_range(0..20_000))).await;
        server.start_kill().unwrap();
        server.wait().await.unwrap();
        stop.cancel();
        clients.await.unwrap();
        check(&database, &organization_id, &seen, round).await;
    }
    // After one more start and an orderly end nothing is held.
    let (mut server, ..) = serve(&database.url).await;
    server.start_kill().unwrap();
    server.wait().await.unwrap();
    let store = Store::open(&database.url).await.unwrap();
    assert_eq!(store.holds().await.unwrap(), []);
    let complete = seen.complete.lock().len();
    assert!(complete >= rounds as usize, "too few requests came through to prove anything");
    complete
}

/// Starts the real program on this database and waits until it listens.
pub async fn serve(database_url: &str) -> (Child, String, Lines<BufReader<ChildStdout>>) {
    let mut server = Command::new(env!("CARGO_BIN_EXE_patchbay"))
        .arg("serve")
        .env("PATCHBAY_DATABASE_URL", database_url)
        .env("PATCHBAY_LISTEN", "127.0.0.1:0")
        .env("PATCHBAY_DEMO", "off")
        .env("PATCHBAY_FIND_LOCAL_SERVERS", "false")
        .env("PATCHBAY_LOG", "error")
        .env("TEST_UPSTREAM_UNSET_KEY", "upstream-key")
        .stdout(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(server.stdout.take().unwrap()).lines();
    while let Some(line) = lines.next_line().await.unwrap() {
        if let Some(url) = line.trim().strip_prefix("Site") {
            return (server, url.trim().to_owned(), lines);
        }
    }
    panic!("the server ended before it listened");
}

async fn ask_until(
    stop: tokio_util::sync::CancellationToken,
    url: String,
    key: String,
    is_streamed: bool,
    seen: Arc<Seen>,
) {
    let client = Client::builder().no_proxy().build().unwrap();
    while !stop.is_cancelled() {
        let request = client.post(format!("{url}/api/v1/chat/completions")).bearer_auth(&key);
        let body = question(json!({ "stream": is_streamed }));
        let Ok(response) = request.json(&body).send().await else { continue };
        if response.status() != 200 {
            continue;
        }
        let id = response.headers()["x-generation-id"].to_str().unwrap().to_owned();
        let Ok(text) = response.text().await else { continue };
        if !is_streamed || text.ends_with("data: [DONE]\n\n") {
            seen.complete.lock().insert(id);
            seen.news.notify_one();
        }
    }
}

async fn check(database: &Database, organization_id: &str, seen: &Seen, round: u32) {
    let store = Store::open(&database.url).await.unwrap();
    assert_eq!(patchbay::billing::audit::differences(&store).await.unwrap(), Vec::<String>::new(), "round {round}");
    let charged: Vec<(String, i64)> = sqlx::query_as("SELECT id, amount_nanos FROM transfers WHERE kind = 'post'")
        .fetch_all(store.pool())
        .await
        .unwrap();
    let ids: HashSet<&str> = charged.iter().map(|(id, _)| id.as_str()).collect();
    assert_eq!(ids.len(), charged.len());
    for id in &*seen.complete.lock() {
        assert!(ids.contains(id.as_str()), "round {round}: {id} was answered and not charged");
    }
    for (id, amount) in &charged {
        let row = store.generation(organization_id, id).await.unwrap();
        assert_eq!(row.map(|row| row.cost_nanos), Some(*amount), "round {round}: {id}");
        assert_eq!(*amount, 16_000, "10 × 1 + 3 × 2 USD per million");
    }
    store.close().await;
}
