//! Faults beyond the benchmark's sixteen, and what protects the providers.

use std::io::Write as _;
use std::time::Duration;

use app::types::Money;
use serde_json::json;

use super::{
    Stage, WORDS, asked, canonical, cheap_price, dear_price, expect_whole, first_words, then, whole_stream, words,
};
use crate::support::wire::{Act, Wire, finish, refusal, usage};
use crate::support::{Database, TestApp, Upstream};

#[tokio::test(flavor = "multi_thread")]
async fn a_cut_after_any_word_is_never_a_whole_answer_and_never_charged() {
    let stage = Stage::with(|config| config.resilience.failures_in_a_row = 1_000).await;
    let member = stage.app.member(Money::from_dollars(10)).await;
    let key = member.key().await;
    for cut in 1..=WORDS {
        stage.cheap.script([first_words(cut)]);
        let fields = json!({ "provider": { "only": ["cheap"] } });
        let stream = key.stream(fields).await;
        assert_eq!(stream.content(), words()[..cut].concat(), "after {cut}: {}", stream.text);
        assert!(stream.error().is_some() && !stream.is_done(), "after {cut}: {}", stream.text);
        assert_eq!(stream.chunks().last().unwrap()["choices"][0]["finish_reason"], "error", "after {cut}");
    }
    assert_eq!(member.available().await, Money::from_dollars(10));
    stage.app.finish().await;
}

/// A small body that grows to 64 MiB when it is unpacked.
fn gzip_bomb() -> Vec<Act> {
    let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    for _ in 0..64 {
        packed.write_all(&vec![b' '; 1 << 20]).unwrap();
    }
    let packed = packed.finish().unwrap();
    let head = format!(
        "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-encoding: gzip\r\ncontent-length: {}\r\n\
         connection: close\r\n\r\n",
        packed.len()
    );
    vec![Act::text(&head), Act::Send(packed)]
}

#[tokio::test(flavor = "multi_thread")]
async fn nonsense_of_every_kind_moves_on_and_costs_nothing() {
    let page =
        "HTTP/1.1 200 OK\r\ncontent-type: text/html\r\ncontent-length: 15\r\nconnection: close\r\n\r\n<html>no</html>";
    let cases = [
        ("garbage for a head", vec![Act::Send((0..=255).collect())]),
        ("garbage for a body", vec![Act::Head, Act::Send((0..=255).collect())]),
        ("another content type", vec![Act::text(page)]),
        ("a line of 10 MiB", vec![Act::Head, Act::text("data: "), Act::Repeat(vec![b'x'; 1 << 20], 10)]),
        ("a gzip bomb", gzip_bomb()),
        ("our credential: 401", refusal(401, "", "bad key", "invalid_api_key")),
        ("our credential: 402", refusal(402, "", "no money", "insufficient_quota")),
        ("our credential: 403", refusal(403, "", "forbidden", "forbidden")),
        ("closed at once", vec![]),
        ("nothing but comments", vec![Act::Head, Act::Repeat(b": ping\n\n".to_vec(), 1_000)]),
    ];
    for (case, script) in cases {
        let stage = Stage::new().await;
        let member = stage.app.member(Money::from_dollars(10)).await;
        let key = member.key().await;
        stage.cheap.script([script]);
        expect_whole(&key, &member, json!({}), dear_price(60), case).await;
        assert_eq!(stage.cheap.count(), 1, "{case}");
        stage.app.finish().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_provider_whose_name_leads_nowhere_is_passed_over() {
    let dear = Wire::start(whole_stream()).await;
    let mut dead = Upstream::with_prices("dead", "1", "1").await;
    dead.url = "http://nobody.invalid/v1".to_owned();
    let mut alive = Upstream::with_prices("dear", "2", "3").await;
    alive.url.clone_from(&dear.url);
    let app = TestApp::start(Database::sqlite(), &[&dead, &alive]).await;
    let member = app.member(Money::from_dollars(10)).await;
    expect_whole(&member.key().await, &member, json!({}), dear_price(60), "dead DNS").await;
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn odd_endings_and_counts_are_charged_for_what_was_delivered() {
    let body = first_words(60);
    let with = |text: String| then(body.clone(), Act::text(&text));
    let done = "data: [DONE]\n\n";
    let cases = [
        ("two endings", with(format!("{}{}{}{done}", finish(), finish(), usage(10, 60))), Some(cheap_price(60))),
        ("usage twice", with(format!("{}{}{}{done}", finish(), usage(3, 4), usage(10, 60))), Some(cheap_price(60))),
        ("negative usage", with(format!("{}{}{done}", finish(), usage(-5, -7))), None),
        ("huge usage", with(format!("{}{}{done}", finish(), usage(i64::MAX, i64::MAX))), None),
        ("no usage", with(format!("{}{done}", finish())), None),
    ];
    for (case, script, price) in cases {
        let stage = Stage::new().await;
        let member = stage.app.member(Money::from_dollars(10)).await;
        let key = member.key().await;
        stage.cheap.script([script]);
        let stream = key.stream(asked(&json!({}))).await;
        assert_eq!(stream.content(), canonical(), "{case}: {}", stream.text);
        assert!(stream.is_done(), "{case}");
        let endings = stream.chunks().iter().filter(|c| c["choices"][0]["finish_reason"].is_string()).count();
        assert_eq!(endings, 1, "{case}: one finish chunk");
        let charged = Money::from_dollars(10).0 - member.available().await.0;
        match price {
            Some(price) => assert_eq!(charged, price.0, "{case}"),
            // Counted here: about what 60 words of five to seven letters come to.
            None => assert!((60_000..300_000).contains(&charged), "{case}: {charged}"),
        }
        stage.app.finish().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_slow_drip_is_delivered_whole() {
    let stage = Stage::with(|config| config.timeouts.idle_ms = 20_000).await;
    let member = stage.app.member(Money::from_dollars(10)).await;
    let key = member.key().await;
    let answer: Vec<u8> = whole_stream()
        .into_iter()
        .filter_map(|act| if let Act::Send(bytes) = act { Some(bytes) } else { None })
        .flatten()
        .collect();
    let mut acts = vec![Act::Head];
    for piece in answer.chunks(97) {
        acts.extend([Act::Send(piece.to_vec()), Act::Pause(Duration::from_millis(1))]);
    }
    stage.cheap.script([acts]);
    expect_whole(&key, &member, json!({}), cheap_price(60), "a slow drip").await;
    stage.app.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_provider_is_let_go_as_soon_as_the_caller_has_left() {
    let stage = Stage::with(|config| config.timeouts.idle_ms = 60_000).await;
    stage.let_all_cancel().await;
    let member = stage.app.member(Money::from_dollars(10)).await;
    let key = member.key().await;
    stage.cheap.script([then(first_words(5), Act::Hang)]);
    let body = crate::support::question(asked(&json!({ "stream": true })));
    let request = key.request(reqwest::Method::POST, "/api/v1/chat/completions").json(&body);
    let mut response = request.send().await.unwrap();
    assert!(response.chunk().await.unwrap().is_some());
    drop(response);
    stage.cheap.closed().await;
    stage.app.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_only_endpoint_of_a_model_gets_a_second_chance_and_a_short_wait() {
    let wire = Wire::start(whole_stream()).await;
    let app = Stage::app(&[(&wire, "dear", "2", "3")], |_| {}).await;
    let member = app.member(Money::from_dollars(10)).await;
    let key = member.key().await;
    for script in [
        refusal(503, "", "busy", "server_error"),
        vec![Act::Reset],
        refusal(429, "retry-after: 1\r\n", "slow down", "rate_limit_exceeded"),
    ] {
        wire.script([script]);
        expect_whole(&key, &member, json!({}), dear_price(60), "one endpoint").await;
    }
    wire.script([refusal(429, "retry-after: 60\r\n", "slow down", "rate_limit_exceeded")]);
    let response = key.ask(json!({})).await;
    assert_eq!(response.status(), 429, "nobody waits a minute");
    assert_eq!(response.headers()["retry-after"], "60");
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_retry_storm_stays_within_its_budget() {
    let (one, two) = (Wire::start(refusal(503, "", "busy", "x")).await, Wire::start(whole_stream()).await);
    // Both endpoints belong to one provider in all but name: neither works.
    two.always(refusal(503, "", "busy", "x"));
    let app = Stage::app(&[(&one, "one", "1", "1"), (&two, "two", "1", "1")], |_| {}).await;
    let member = app.member(Money::from_dollars(10)).await;
    let key = member.key().await;
    let began = std::time::Instant::now();
    for _ in 0..200 {
        assert_eq!(key.ask(json!({})).await.status(), 503);
    }
    let attempts = one.count() + two.count();
    let allowed = 240 + 10 * usize::try_from(began.elapsed().as_secs() + 1).unwrap();
    assert!(attempts <= allowed, "{attempts} attempts for 200 requests");
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_endpoint_comes_back_after_its_outage_through_a_check_and_one_try() {
    let stage = Stage::with(|config| config.resilience.open_ms = 1).await;
    let member = stage.app.member(Money::from_dollars(10)).await;
    let key = member.key().await;
    stage.cheap.script((0..5).map(|_| refusal(500, "", "boom", "x")));
    for _ in 0..8 {
        expect_whole(&key, &member, json!({}), dear_price(60), "in the outage").await;
    }
    assert_eq!(stage.cheap.count(), 5, "five failures are an outage, and nobody is sent there unchecked");
    while !stage.app.app.health.due(stage.app.app.clock.now_ms()).is_empty() {
        patchbay::gateway::probe::check_due(&stage.app.app).await;
    }
    expect_whole(&key, &member, json!({}), cheap_price(60), "after the check").await;
    stage.app.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_endpoint_that_is_full_gives_way_and_the_last_one_refuses_with_a_time() {
    let stage = Stage::with(|config| {
        config.resilience.concurrency = 1;
        config.resilience.concurrency_least = 1;
        config.resilience.concurrency_most = 1;
        config.resilience.queue_ms = 20;
        config.timeouts.idle_ms = 60_000;
    })
    .await;
    stage.let_all_cancel().await;
    let member = stage.app.member(Money::from_dollars(10)).await;
    let key = member.key().await;
    let mut open = Vec::new();
    for wire in [&stage.cheap, &stage.dear] {
        wire.script([then(first_words(1), Act::Hang)]);
        let body = crate::support::question(asked(&json!({ "stream": true })));
        let request = key.request(reqwest::Method::POST, "/api/v1/chat/completions").json(&body);
        let mut response = request.send().await.unwrap();
        assert!(response.chunk().await.unwrap().is_some());
        open.push(response);
    }
    assert_eq!((stage.cheap.count(), stage.dear.count()), (1, 1), "the second request went to the second endpoint");
    let response = key.ask(asked(&json!({}))).await;
    assert_eq!(response.status(), 503);
    let wait: u64 = response.headers()["retry-after"].to_str().unwrap().parse().unwrap();
    assert!((1..=3).contains(&wait));
    assert_eq!((stage.cheap.count(), stage.dear.count()), (1, 1), "nothing was sent");
    drop(open);
    stage.cheap.closed().await;
    stage.dear.closed().await;
    stage.app.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn of_two_endpoints_at_one_price_the_less_busy_one_is_asked() {
    let (one, two) = (Wire::start(whole_stream()).await, Wire::start(whole_stream()).await);
    let app = Stage::app(&[(&one, "one", "1", "1"), (&two, "two", "1", "1")], |config| {
        config.timeouts.idle_ms = 600_000;
    })
    .await;
    sqlx::query("UPDATE providers SET supports_cancel = 1").execute(app.app.store.pool()).await.unwrap();
    app.app.reload_catalog().await.unwrap();
    let member = app.member(Money::from_dollars(10)).await;
    let key = member.key().await;
    for wire in [&one, &two] {
        wire.always(then(first_words(1), Act::Hang));
    }
    let body = crate::support::question(json!({ "stream": true }));
    let request = key.request(reqwest::Method::POST, "/api/v1/chat/completions").json(&body);
    let mut busy = request.send().await.unwrap();
    assert!(busy.chunk().await.unwrap().is_some());
    let (taken, idle) = if one.count() == 1 { (&one, &two) } else { (&two, &one) };
    for wire in [&one, &two] {
        wire.always(whole_stream());
    }
    for _ in 0..12 {
        assert_eq!(key.stream(json!({})).await.status, 200);
    }
    assert_eq!((taken.count(), idle.count()), (1, 12));
    drop(busy);
    taken.closed().await;
    app.finish().await;
}
