//! A server that is told to stop, and callers who stop listening.

use app::types::Money;
use reqwest::{Method, Response};
use serde_json::json;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use super::{Stage, asked, canonical, cheap_price, expect_whole, first_words, then};
use crate::support::wire::{Act, end_of, word_of};
use crate::support::{KeyHolder, Stream, read};

/// A stream of which the first words were read.
async fn begun(key: &KeyHolder<'_>) -> Response {
    let body = crate::support::question(asked(&json!({ "stream": true })));
    let mut response = key.request(Method::POST, "/api/v1/chat/completions").json(&body).send().await.unwrap();
    assert!(response.chunk().await.unwrap().is_some());
    response
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_that_outlasts_the_drain_time_ends_with_an_error_and_what_was_delivered_is_charged() {
    let stage = Stage::with(|config| {
        config.timeouts.idle_ms = 600_000;
        config.timeouts.drain_ms = 1;
    })
    .await;
    let member = stage.app.member(Money::from_dollars(10)).await;
    let key = member.key().await;
    stage.cheap.script([then(first_words(5), Act::Hang)]);
    let response = begun(&key).await;
    stage.app.app.shutdown.cancel();
    let rest = Stream { status: 200, generation_id: None, text: response.text().await.unwrap() };
    let error = rest.error().expect("the stream says that it was ended");
    assert_eq!(error["code"], 503, "{error}");
    assert!(error["message"].as_str().unwrap().contains("being stopped"), "{error}");
    assert!(!rest.is_done(), "it does not look complete: {}", rest.text);
    assert!(member.available().await < Money::from_dollars(10), "five words were delivered");
    stage.app.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_in_one_piece_that_outlasts_the_drain_time_is_refused_and_costs_nothing() {
    let stage = Stage::with(|config| {
        config.timeouts.first_token_ms = 600_000;
        config.timeouts.first_token_most_ms = 600_000;
        config.timeouts.idle_ms = 600_000;
        config.timeouts.drain_ms = 1;
    })
    .await;
    let member = stage.app.member(Money::from_dollars(10)).await;
    let key = member.key().await;
    stage.cheap.script([then(first_words(5), Act::Hang)]);
    let stop = async {
        while stage.cheap.count() == 0 {
            tokio::task::yield_now().await;
        }
        stage.app.app.shutdown.cancel();
    };
    let (response, ()) = tokio::join!(key.ask(asked(&json!({}))), stop);
    let (status, body) = read(response).await;
    assert_eq!(status, 503, "{body}");
    assert!(body["error"]["message"].as_str().unwrap().contains("Send the request again"), "{body}");
    assert_eq!(member.available().await, Money::from_dollars(10));
    stage.app.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn before_it_stops_a_server_is_not_ready_and_still_answers() {
    let stage = Stage::new().await;
    let member = stage.app.member(Money::from_dollars(10)).await;
    let key = member.key().await;
    let ready = || async { stage.app.get("/readyz").await.status() };
    assert_eq!(ready().await, 204);
    stage.app.app.leaving.cancel();
    assert_eq!(ready().await, 503);
    assert_eq!(stage.app.get("/healthz").await.status(), 204, "the process lives");
    expect_whole(&key, &member, json!({}), cheap_price(60), "before the end").await;
    stage.app.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_nobody_reads_is_followed_only_while_there_are_places() {
    // A provider that cannot be told to stop bills the whole answer.
    for (places, price) in [(1, Some(cheap_price(60))), (0, None)] {
        let stage = Stage::with(|config| {
            config.timeouts.idle_ms = 600_000;
            config.streams.unread_answers = places;
        })
        .await;
        let member = stage.app.member(Money::from_dollars(10)).await;
        let key = member.key().await;
        let last = if places == 0 { Act::Hang } else { Act::text(&end_of(60)) };
        let script = then(first_words(5), last);
        stage.cheap.script([script]);
        drop(begun(&key).await);
        while !stage.app.app.requests.is_empty() {
            tokio::task::yield_now().await;
        }
        let charged = Money(Money::from_dollars(10).0 - member.available().await.0);
        match price {
            Some(price) => assert_eq!(charged, price, "the provider's own count"),
            None => assert!(charged > Money::ZERO && charged < cheap_price(60), "by estimate: {charged:?}"),
        }
        stage.app.finish().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_large_event_passes_whole_and_one_that_is_too_large_is_no_answer() {
    let stage = Stage::with(|config| config.streams.event_bytes = 8 << 20).await;
    let member = stage.app.member(Money::from_dollars(10)).await;
    let key = member.key().await;
    let large = "x".repeat(6 << 20);
    stage.cheap.script([vec![Act::Head, Act::text(&word_of(&large)), Act::text(&end_of(1))]]);
    let stream = key.stream(asked(&json!({}))).await;
    assert_eq!(stream.content().len(), large.len());
    let larger = "x".repeat(9 << 20);
    stage.cheap.script([vec![Act::Head, Act::text(&word_of(&larger)), Act::text(&end_of(1))]]);
    let stream = key.stream(asked(&json!({}))).await;
    assert_eq!(stream.content(), canonical(), "the other endpoint's");
    stage.app.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_without_end_is_cut_at_the_limit() {
    let stage = Stage::with(|config| config.streams.answer_bytes = 1 << 20).await;
    let member = stage.app.member(Money::from_dollars(10)).await;
    let key = member.key().await;
    let word = word_of(&"y".repeat(1_000));
    stage.cheap.script([vec![Act::Head, Act::Repeat(word.into_bytes(), 4_000)]]);
    let stream = key.stream(asked(&json!({}))).await;
    assert!(stream.content().len() < 1 << 20);
    let error = stream.error().expect("it did not end well");
    assert!(error["message"].as_str().unwrap().contains("larger than this server reads"), "{error}");
    stage.app.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_does_not_end_the_head_of_a_request_is_let_go() {
    let stage = Stage::with(|config| config.server.header_ms = 50).await;
    let mut stream = TcpStream::connect(stage.app.app.config.listen).await.unwrap();
    stream.write_all(b"GET /healthz HTTP/1.1\r\nhost: localhost\r\nx-slow: ").await.unwrap();
    let mut rest = Vec::new();
    stream.read_to_end(&mut rest).await.unwrap();
    assert_eq!(rest, b"", "closed without an answer");
    stage.app.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_connection_on_which_nothing_is_asked_any_more_is_closed() {
    let stage = Stage::with(|config| config.server.keep_alive_ms = 50).await;
    let mut stream = TcpStream::connect(stage.app.app.config.listen).await.unwrap();
    stream.write_all(b"GET /healthz HTTP/1.1\r\nhost: localhost\r\n\r\n").await.unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await.unwrap();
    let answer = String::from_utf8(answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 204"), "{answer}");
    stage.app.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn short_of_memory_the_server_refuses_and_says_when_to_come_again() {
    let stage = Stage::with(|config| config.limits.memory_bytes = 1 << 20).await;
    let member = stage.app.member(Money::from_dollars(10)).await;
    let key = member.key().await;
    stage.app.app.memory.look();
    let response = key.ask(asked(&json!({}))).await;
    assert_eq!(response.status(), 503);
    assert!(response.headers().contains_key("retry-after"));
    assert_eq!(stage.cheap.count(), 0);
    stage.app.finish().await;
}

/// Everything a connection answers to these bytes until it is closed.
async fn answered(stage: &Stage, sent: &str) -> String {
    let mut stream = TcpStream::connect(stage.app.app.config.listen).await.unwrap();
    stream.write_all(sent.as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await.unwrap();
    String::from_utf8(answer).unwrap()
}

/// A proxy in front could read the end of such a request elsewhere than this server
/// does, and let through as its body what is then served as the next request.
#[tokio::test(flavor = "multi_thread")]
async fn no_second_request_is_served_behind_one_that_can_be_read_in_two_ways() {
    let stage = Stage::new().await;
    let hidden = "GET /healthz HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n";
    let plain = format!("GET /healthz HTTP/1.1\r\nhost: localhost\r\n\r\n{hidden}");
    assert_eq!(answered(&stage, &plain).await.matches("HTTP/1.1 204").count(), 2, "two honest requests");
    let both = ["content-length: 5\r\ntransfer-encoding: chunked", "transfer-encoding: chunked\r\ncontent-length: 5"];
    for lengths in both {
        let sent = format!("GET /healthz HTTP/1.1\r\nhost: localhost\r\n{lengths}\r\n\r\n0\r\n\r\n{hidden}");
        let answer = answered(&stage, &sent).await;
        assert_eq!(answer.matches("HTTP/1.1").count(), 1, "{lengths}: {answer}");
    }
    let refused = [
        ("1.1", "transfer-encoding: gzip"),
        ("1.1", "transfer-encoding: chunked, identity"),
        ("1.1", "transfer-encoding : chunked"),
        ("1.1", "x-folded: one\r\n two"),
        ("1.1", "content-length: 0\r\ncontent-length: 5"),
        ("1.1", "content-length: +0"),
        ("1.0", "transfer-encoding: chunked"),
    ];
    for (version, header) in refused {
        let sent = format!("GET /healthz HTTP/{version}\r\nhost: localhost\r\n{header}\r\n\r\n0\r\n\r\n{hidden}");
        let answer = answered(&stage, &sent).await;
        assert!(answer.contains(" 400 ") && answer.matches("HTTP/1.").count() == 1, "{header}: {answer}");
    }
    stage.app.finish().await;
}
