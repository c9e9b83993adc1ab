//! Sixteen ways a provider fails, after the public failover benchmark, and more of
//! our own. Passed is only a whole answer, in bounded time, charged right.

use std::io::Write as _;
use std::time::Duration;

use app::types::Money;
use serde_json::{Value, json};

use crate::support::wire::{Act, Wire, end_of, finish, refusal, stream_of, usage, word_of};
use crate::support::{Database, KeyHolder, Member, TestApp, Upstream, read};

/// The answer everybody gives: so long that a cut shows.
const WORDS: usize = 60;

fn words() -> Vec<String> {
    (0..WORDS).map(|n| format!("word{n} ")).collect()
}

fn canonical() -> String {
    words().concat()
}

fn whole_stream() -> Vec<Act> {
    let words = words();
    stream_of(&words.iter().map(String::as_str).collect::<Vec<_>>())
}

/// The head and the first words.
fn first_words(count: usize) -> Vec<Act> {
    let mut acts = vec![Act::Head];
    acts.extend(words().iter().take(count).map(|word| Act::text(&word_of(word))));
    acts
}

fn then(mut acts: Vec<Act>, more: Act) -> Vec<Act> {
    acts.push(more);
    acts
}

/// Two endpoints of one model: the first is cheaper, and so asked first.
struct Stage {
    cheap: Wire,
    dear: Wire,
    app: TestApp,
}

impl Stage {
    async fn new() -> Self {
        Self::with(|_| {}).await
    }

    async fn with(change: impl FnOnce(&mut patchbay::config::Config)) -> Self {
        let (cheap, dear) = (Wire::start(whole_stream()).await, Wire::start(whole_stream()).await);
        let app = Self::app(&[(&cheap, "cheap", "1", "1"), (&dear, "dear", "2", "3")], change).await;
        Self { cheap, dear, app }
    }

    /// The providers stop working, and billing, when the connection is closed.
    async fn let_all_cancel(&self) {
        let all = sqlx::query("UPDATE providers SET supports_cancel = 1");
        all.execute(self.app.app.store.pool()).await.unwrap();
        self.app.app.reload_catalog().await.unwrap();
    }

    async fn app(
        providers: &[(&Wire, &str, &str, &str)],
        change: impl FnOnce(&mut patchbay::config::Config),
    ) -> TestApp {
        let mut upstreams = Vec::new();
        for (wire, slug, input, output) in providers {
            let mut upstream = Upstream::with_prices(slug, input, output).await;
            upstream.url.clone_from(&wire.url);
            upstreams.push(upstream);
        }
        let upstreams: Vec<&Upstream> = upstreams.iter().collect();
        TestApp::start_with(Database::sqlite(), &upstreams, |config| {
            config.timeouts.first_token_ms = 300;
            config.timeouts.first_token_least_ms = 300;
            config.timeouts.idle_ms = 300;
            change(config);
        })
        .await
    }
}

/// What ten prompt tokens and these output tokens cost at the dear endpoint.
fn dear_price(completion: i64) -> Money {
    Money(10 * 2_000 + completion * 3_000)
}

fn cheap_price(completion: i64) -> Money {
    Money(10 * 1_000 + completion * 1_000)
}

fn asked(more: &Value) -> Value {
    let mut fields = json!({ "provider": { "sort": "price" } });
    for (name, value) in more.as_object().unwrap() {
        fields[name] = value.clone();
    }
    fields
}

/// Asks both ways, streamed and not, and expects the whole answer at this price.
async fn expect_whole(key: &KeyHolder<'_>, member: &Member<'_>, more: Value, price: Money, case: &str) {
    let before = member.available().await;
    let stream = key.stream(asked(&more)).await;
    assert_eq!(stream.content(), canonical(), "{case}: {}", stream.text);
    assert!(stream.is_done() && stream.error().is_none(), "{case}");
    assert_eq!(before.0 - member.available().await.0, price.0, "{case}: the charge of the stream");
}

async fn expect_whole_unstreamed(key: &KeyHolder<'_>, member: &Member<'_>, price: Money, case: &str) {
    let before = member.available().await;
    let (status, body) = read(key.ask(asked(&json!({}))).await).await;
    assert_eq!(
        (status, body["choices"][0]["message"]["content"].as_str()),
        (200, Some(&*canonical())),
        "{case}: {body}"
    );
    assert_eq!(before.0 - member.available().await.0, price.0, "{case}: the charge");
}

#[tokio::test(flavor = "multi_thread")]
async fn s01_to_s07_before_the_first_token_another_endpoint_answers_in_time() {
    let rate_limited = refusal(429, "retry-after: 2\r\n", "slow down", "rate_limit_exceeded");
    let cases = [
        ("S01 429 with Retry-After", rate_limited.clone()),
        ("S03 500 once", refusal(500, "", "boom", "server_error")),
        ("S05 reset before the head", vec![Act::Reset]),
        ("S06 no answer", vec![Act::Hang]),
        ("S07 a late first token", then(vec![Act::Head], Act::Hang)),
    ];
    for (case, script) in cases {
        let stage = Stage::new().await;
        let member = stage.app.member(Money::from_dollars(10)).await;
        let key = member.key().await;
        stage.cheap.script([script.clone()]);
        expect_whole(&key, &member, json!({}), dear_price(60), case).await;
        assert_eq!((stage.cheap.count(), stage.dear.count()), (1, 1), "{case}");
        // For callers who do not stream the same holds.
        let other = Stage::new().await;
        let member = other.app.member(Money::from_dollars(10)).await;
        let key = member.key().await;
        other.cheap.script([script]);
        expect_whole_unstreamed(&key, &member, dear_price(60), case).await;
        stage.app.finish().await;
        other.app.finish().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn s02_and_s04_a_provider_that_stays_away_costs_nobody_an_answer_and_is_soon_left_alone() {
    for (case, script, most) in [
        ("S02 429 for good", refusal(429, "", "slow down", "rate_limit_exceeded"), 5),
        ("S04 503 for good", refusal(503, "", "busy", "server_error"), 5),
    ] {
        let stage = Stage::new().await;
        let member = stage.app.member(Money::from_dollars(10)).await;
        let key = member.key().await;
        stage.cheap.always(script);
        for _ in 0..12 {
            expect_whole(&key, &member, json!({}), dear_price(60), case).await;
        }
        assert!(stage.cheap.count() <= most, "{case}: asked {} times", stage.cheap.count());
        stage.app.finish().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn s08_to_s10_a_broken_stream_is_completed_by_another_endpoint_for_those_who_ask() {
    let cases = [
        ("S08 cut at 40 of 60", first_words(40)),
        ("S09 stalled", then(first_words(40), Act::Hang)),
        ("S10 a malformed chunk", then(first_words(40), Act::text("data: {\"choices\":[{\"delta\":{\"cont\n\n"))),
        (
            "S08 cut with an error",
            then(first_words(40), Act::text("data: {\"error\":{\"message\":\"x\",\"code\":502}}\n\n")),
        ),
    ];
    for (case, script) in cases {
        let stage = Stage::new().await;
        let member = stage.app.member(Money::from_dollars(10)).await;
        let key = member.key().await;
        stage.cheap.script([script.clone()]);
        expect_whole(&key, &member, json!({ "stream_resume": true }), dear_price(60), case).await;
        assert!(stage.dear.last_body().get("stream_resume").is_none(), "the field is ours");

        // Without asking, the stream ends with an error and is not charged.
        stage.cheap.script([script.clone()]);
        let before = member.available().await;
        let stream = key.stream(asked(&json!({}))).await;
        let charged = before.0 - member.available().await.0;
        if stream.error().is_some() {
            assert!(!stream.is_done() && canonical().starts_with(&stream.content()), "{case}: {}", stream.text);
            assert_eq!(charged, 0, "{case}");
        } else {
            // Words and fault came at once: nothing was delivered before it was noticed.
            assert_eq!((stream.content(), charged), (canonical(), dear_price(60).0), "{case}");
        }

        // Who does not stream has seen nothing of it, and gets the whole answer.
        stage.cheap.script([script]);
        expect_whole_unstreamed(&key, &member, dear_price(60), case).await;
        stage.app.finish().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_completed_stream_says_so_and_never_glues_two_different_answers() {
    let stage = Stage::new().await;
    let member = stage.app.member(Money::from_dollars(10)).await;
    let key = member.key().await;
    stage.cheap.script([first_words(40)]);
    let body = crate::support::question(asked(&json!({ "stream": true })));
    let request = key.request(reqwest::Method::POST, "/api/v1/chat/completions").header("x-stream-resume", "enabled");
    let text = request.json(&body).send().await.unwrap().text().await.unwrap();
    let chunks: Vec<Value> = text
        .lines()
        .filter_map(|line| line.strip_prefix("data: ").filter(|data| *data != "[DONE]"))
        .map(|data| serde_json::from_str(data).unwrap())
        .collect();
    let resumed = &chunks.iter().find_map(|chunk| chunk.get("openrouter_metadata")).expect("metadata")["resumed"];
    assert_eq!(
        (&resumed["from"], &resumed["by"], &resumed["technique"]),
        (&json!("Provider cheap"), &json!("Provider dear"), &json!("repetition")),
        "{resumed}"
    );

    stage.cheap.script([first_words(40)]);
    stage.dear.script([stream_of(&["Something ", "else ", "altogether"])]);
    let before = member.available().await;
    let stream = key.stream(asked(&json!({ "stream_resume": true }))).await;
    assert!(stream.error().is_some() && !stream.is_done(), "{}", stream.text);
    assert!(canonical().starts_with(&stream.content()), "{}", stream.text);
    assert_eq!(member.available().await, before);
    stage.app.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn s11_an_answer_that_says_it_is_finished_is_whole_without_a_terminator() {
    let stage = Stage::new().await;
    let member = stage.app.member(Money::from_dollars(10)).await;
    let key = member.key().await;
    stage.cheap.script([then(then(first_words(60), Act::text(&finish())), Act::text(&usage(10, 60)))]);
    expect_whole(&key, &member, json!({}), cheap_price(60), "S11").await;
    assert_eq!(stage.dear.count(), 0);
    stage.app.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn s12_a_prompt_that_is_too_long_goes_where_there_is_more_room_and_only_there() {
    let (short, long) = (Wire::start(whole_stream()).await, Wire::start(whole_stream()).await);
    let mut first = Upstream::with_prices("short", "1", "1").await;
    first.url.clone_from(&short.url);
    let mut second = Upstream::with_prices("long", "2", "3").await.offering(&["acme/two"]).with_context(400_000);
    second.url.clone_from(&long.url);
    let app = TestApp::start(Database::sqlite(), &[&first, &second]).await;
    let member = app.member(Money::from_dollars(10)).await;
    let key = member.key().await;
    let too_long = refusal(400, "", "maximum context length is 100000 tokens", "context_length_exceeded");
    short.script([too_long.clone()]);
    expect_whole(&key, &member, json!({ "models": ["acme/two"] }), dear_price(60), "S12").await;
    // Nobody else has more room: the caller is told.
    short.script([too_long]);
    let (status, body) = read(key.ask(json!({})).await).await;
    assert_eq!(status, 400, "{body}");
    assert_eq!(body["error"]["metadata"]["error_type"], "context_length_exceeded", "{body}");
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn s13_a_refused_content_is_not_carried_to_another_provider() {
    let stage = Stage::new().await;
    let member = stage.app.member(Money::from_dollars(10)).await;
    let key = member.key().await;
    stage.cheap.script([refusal(400, "", "The prompt was filtered", "content_filter")]);
    let (status, body) = read(key.ask(asked(&json!({}))).await).await;
    assert_eq!((status, stage.dear.count()), (400, 0), "{body}");
    assert_eq!(body["error"]["metadata"]["error_type"], "content_policy_violation", "{body}");
    assert_eq!(member.available().await, Money::from_dollars(10));
    stage.app.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn s14_a_fallback_that_takes_no_prefill_completes_the_stream_all_the_same() {
    let stage = Stage::with(|config| {
        let dear = config.providers.get_mut("dear").unwrap();
        dear.quirks = Some(toml::from_str("marks_prefill = true").unwrap());
    })
    .await;
    let member = stage.app.member(Money::from_dollars(10)).await;
    let key = member.key().await;
    stage.cheap.script([first_words(40)]);
    stage.dear.script([refusal(400, "", "the last message must be the user's", "invalid_request")]);
    expect_whole(&key, &member, json!({ "stream_resume": true }), dear_price(60), "S14").await;
    assert_eq!(stage.dear.count(), 2);

    // Where it is taken, only the rest is asked for.
    stage.cheap.script([first_words(40)]);
    let rest = words().split_off(40);
    stage.dear.script([stream_of(&rest.iter().map(String::as_str).collect::<Vec<_>>())]);
    expect_whole(&key, &member, json!({ "stream_resume": true }), dear_price(20), "a prefill").await;
    let messages = stage.dear.last_body()["messages"].clone();
    let last = messages.as_array().unwrap().last().unwrap().clone();
    assert_eq!((&last["role"], &last["prefix"]), (&json!("assistant"), &json!(true)), "{last}");
    assert_eq!(last["content"].as_str().unwrap(), words()[..40].concat().trim_end());
    stage.app.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn s15_a_flapping_provider_costs_nobody_an_answer() {
    let stage = Stage::new().await;
    let member = stage.app.member(Money::from_dollars(10)).await;
    let key = member.key().await;
    for round in 0..60 {
        if round % 2 == 0 {
            stage.cheap.script([refusal(503, "", "flap", "server_error")]);
        }
        let stream = key.stream(asked(&json!({}))).await;
        assert_eq!(stream.content(), canonical(), "round {round}: {}", stream.text);
    }
    assert!(stage.cheap.count() < 60, "half of all failing is an outage");
    stage.app.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn s16_what_failed_is_not_charged_and_the_record_names_every_attempt() {
    let stage = Stage::new().await;
    let member = stage.app.member(Money::from_dollars(10)).await;
    let key = member.key().await;
    stage.cheap.script([refusal(500, "", "boom", "server_error")]);
    let stream = key.stream(asked(&json!({}))).await;
    let usage = stream.chunks().iter().find_map(|chunk| chunk.get("usage").cloned()).unwrap();
    let cost = usage["cost"].as_f64().unwrap();
    assert!((cost - 0.0002).abs() < 1e-12, "{usage}");
    let id = stream.generation_id.unwrap();
    let (_, body) = read(key.get(&format!("/api/v1/generation?id={id}")).await).await;
    let record = &body["data"];
    assert_eq!(record["provider_name"], "Provider dear");
    assert!((record["total_cost"].as_f64().unwrap() - cost).abs() < 1e-12, "{record}");
    let attempts: Vec<_> = record["provider_responses"].as_array().unwrap().iter().map(|a| &a["status"]).collect();
    assert_eq!(attempts, [&json!(500), &json!(200)]);
    assert_eq!(Money::from_dollars(10).0 - member.available().await.0, dear_price(60).0);
    stage.app.finish().await;
}

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

#[test]
fn the_canonical_answer_ends_as_it_should() {
    assert!(canonical().ends_with("word59 ") && end_of(60).ends_with("[DONE]\n\n"));
}
