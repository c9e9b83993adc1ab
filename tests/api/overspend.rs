//! Several processes on one database spend no more than there is (I11).
//!
//! `make overspend` runs it for longer.

use app::types::Money;
use futures::future::join_all;
use reqwest::Client;
use serde_json::json;
use tokio::process::Child;

use crate::crash::serve;
use crate::support::{Database, Script, TestApp, Upstream, asked_for, question};

/// Processes that serve from one PostgreSQL.
struct Processes {
    running: Vec<Child>,
    urls: Vec<String>,
}

impl Processes {
    async fn start(count: u32, database_url: &str) -> Self {
        let (mut running, mut urls) = (Vec::new(), Vec::new());
        for _ in 0..count {
            let (child, url, _output) = serve(database_url).await;
            running.push(child);
            urls.push(url);
        }
        Self { running, urls }
    }
}

/// With a balance for exactly `k` requests, `clients` at each process get exactly `k` answers.
async fn trial(app: &TestApp, upstream: &Upstream, urls: &[String], k: i64, clients: u32) {
    let member = app.member(Money::from_cents(k)).await;
    let key = member.key().await.text;
    let before = upstream.count();
    let client = Client::builder().no_proxy().build().unwrap();
    let mut requests = Vec::new();
    for url in urls {
        let address = format!("{url}/api/v1/chat/completions");
        let body = question(json!({ "max_tokens": 100 }));
        requests.extend((0..clients).map(|_| client.post(&address).bearer_auth(&key).json(&body).send()));
    }
    let answers = join_all(requests).await;
    let statuses: Vec<u16> = answers.into_iter().map(|answer| answer.unwrap().status().as_u16()).collect();
    let count = |status| statuses.iter().filter(|other| **other == status).count();
    let expected = (usize::try_from(k).unwrap(), statuses.len() - usize::try_from(k).unwrap());
    assert_eq!((count(200), count(402)), expected, "{clients} clients at each of {} processes", urls.len());
    assert_eq!(upstream.count() - before, expected.0, "a refused request is never sent");
    assert_eq!(member.available().await, Money::ZERO);
}

async fn run(processes: u32, trials: &[(i64, u32)]) {
    // One cent a request, held and charged alike.
    let upstream = Upstream::with_prices("dear", "0", "100").await;
    upstream.always(Script::Answer { words: vec!["yes".into()], prompt_tokens: 10, completion_tokens: 100 });
    let app = TestApp::start(Database::postgres().await, &[&upstream]).await;
    let mut processes = Processes::start(processes, &app.database.url).await;
    for (number, (k, clients)) in trials.iter().enumerate() {
        trial(&app, &upstream, &processes.urls, *k, *clients).await;
        if number % 10 == 9 {
            println!("{} trials: exactly as many requests were admitted as were paid for", number + 1);
        }
    }
    for child in &mut processes.running {
        let id = i32::try_from(child.id().unwrap()).unwrap();
        // An orderly end, without a balancer to wait for: what is queued is written.
        let _ = std::process::Command::new("kill").args(["-INT", &id.to_string()]).status();
        assert!(child.wait().await.unwrap().success());
    }
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn processes_that_share_a_balance_spend_it_exactly_once() {
    run(2, &[(7, 20), (1, 10), (33, 40)]).await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "the long form: make overspend"]
async fn up_to_five_hundred_clients_at_four_processes_spend_a_balance_exactly_once() {
    let most = asked_for("CLIENTS", 500);
    let crowds = [10, 25, 50, 100, most / 2, most];
    let trials: Vec<(i64, u32)> = (0..asked_for("TRIALS", 200) as usize)
        .map(|number| (i64::try_from(number * 7 % 40).unwrap() + 1, crowds[number % crowds.len()].min(most)))
        .collect();
    run(asked_for("PROCESSES", 4), &trials).await;
    println!("{} trials at {} processes, up to {most} clients each", trials.len(), asked_for("PROCESSES", 4));
}
