//! Sixteen ways a provider fails, after the public failover benchmark, and more of
//! our own. Passed is only a whole answer, in bounded time, charged right.

mod own;
mod stopping;

use app::types::Money;
use serde_json::{Value, json};

use crate::support::wire::{Act, Wire, finish, refusal, stream_of, usage, word_of};
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
async fn where_operators_switched_it_off_no_stream_is_completed_by_another() {
    let stage = Stage::new().await;
    let member = stage.app.member(Money::from_dollars(10)).await;
    let key = member.key().await;
    stage.app.app.store.set_flag("stream_resume", Some(false), 1).await.unwrap();
    stage.app.app.refresh_topics().await.unwrap();
    stage.cheap.script([first_words(40)]);
    let stream = key.stream(asked(&json!({ "stream_resume": true }))).await;
    assert!(stream.error().is_some() && !stream.is_done(), "{}", stream.text);
    assert_eq!(stage.dear.count(), 0, "nobody else was asked");
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
