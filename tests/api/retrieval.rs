//! `POST /embeddings` and `POST /rerank` as clients see them.

use app::types::Money;
use reqwest::Method;
use serde_json::{Value, json};

use crate::on_both_databases;
use crate::support::{Database, KeyHolder, Script, TestApp, Upstream, read};

const EMBEDDER: &str = "acme/embed-one";
const RANKER: &str = "acme/rerank-one";

fn vectors(count: usize, tokens: u64) -> Script {
    let data: Vec<Value> = (0..count).map(|index| json!({ "index": index, "embedding": [0.5, -1.0] })).collect();
    let body = json!({ "object": "list", "data": data, "usage": { "prompt_tokens": tokens, "total_tokens": tokens } });
    Script::Raw { content_type: "application/json", body: body.to_string() }
}

async fn post(key: &KeyHolder<'_>, path: &str, body: Value) -> (u16, Value) {
    read(key.send(Method::POST, path, &body).await).await
}

on_both_databases! {
    async fn vectors_are_made_priced_and_recorded(database: Database) {
        let upstream = Upstream::with_prices("one", "0.1", "0").await.offering(&[EMBEDDER]);
        upstream.always(vectors(2, 1_000));
        let app = TestApp::start(database, &[&upstream]).await;
        let member = app.member(Money::from_dollars(1)).await;
        let key = member.key().await;
        let request = json!({ "model": EMBEDDER, "input": ["a", "b"], "dimensions": 2 });
        let (status, body) = post(&key, "/api/v1/embeddings", request.clone()).await;
        assert_eq!((status, &body["object"], &body["model"]), (200, &json!("list"), &json!(EMBEDDER)));
        assert_eq!(body["data"][1], json!({ "object": "embedding", "index": 1, "embedding": [0.5, -1.0] }));
        // 1000 × 0.1e-6 USD.
        assert_eq!(body["usage"]["cost"].to_string(), Money(100_000).to_string());
        assert_eq!(body["usage"]["prompt_tokens"], 1_000);
        assert_eq!(member.available().await, Money::from_dollars(1).minus(Money(100_000)));
        assert_eq!(upstream.last_request(), json!({ "model": EMBEDDER, "input": ["a", "b"], "dimensions": 2 }));

        let id = body["id"].as_str().unwrap();
        let (_, generation) = read(key.get(&format!("/api/v1/generation?id={id}")).await).await;
        assert_eq!(generation["data"]["api_type"], "embeddings");
        assert_eq!(generation["data"]["total_cost"], body["usage"]["cost"]);
        assert_eq!(generation["data"]["tokens_prompt"], 1_000);

        let mut packed = request;
        packed["encoding_format"] = json!("base64");
        let (_, body) = post(&key, "/api/v1/embeddings", packed).await;
        assert_eq!(body["data"][0]["embedding"], "AAAAPwAAgL8=");
        app.finish().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failing_provider_is_replaced_and_a_wrong_answer_costs_nothing() {
    let cheap = Upstream::with_prices("cheap", "0.1", "0").await.offering(&[EMBEDDER]);
    let dear = Upstream::with_prices("dear", "0.2", "0").await.offering(&[EMBEDDER]);
    cheap.always(Script::fail(500, "broken"));
    dear.script([vectors(1, 10)]);
    // One vector for two texts is no answer.
    dear.always(vectors(1, 10));
    let app = TestApp::start(Database::sqlite(), &[&cheap, &dear]).await;
    let member = app.member(Money::from_dollars(1)).await;
    let key = member.key().await;
    let request = json!({ "model": EMBEDDER, "input": "a", "provider": { "order": ["cheap", "dear"] } });
    let (status, body) = post(&key, "/api/v1/embeddings", request).await;
    assert_eq!((status, &body["provider"]), (200, &json!("Provider dear")));
    let before = member.available().await;
    let (status, body) = post(&key, "/api/v1/embeddings", json!({ "model": EMBEDDER, "input": ["a", "b"] })).await;
    assert_eq!(status, 502, "{body}");
    assert_eq!(member.available().await, before);
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn documents_are_ranked_and_given_back_in_order() {
    let upstream = Upstream::with_prices("one", "1", "0").await.offering(&[RANKER]);
    let answer = json!({
        "results": [{ "index": 0, "relevance_score": 0.1 }, { "index": 1, "relevance_score": 0.9 }],
        "usage": { "total_tokens": 50 },
    });
    upstream.always(Script::Raw { content_type: "application/json", body: answer.to_string() });
    let app = TestApp::start(Database::sqlite(), &[&upstream]).await;
    let member = app.member(Money::from_dollars(1)).await;
    let key = member.key().await;
    let request = json!({ "model": RANKER, "query": "capital", "documents": ["x", { "text": "y" }], "top_n": 2 });
    let (status, body) = post(&key, "/api/v1/rerank", request).await;
    assert_eq!(status, 200, "{body}");
    assert_eq!(body["results"][0], json!({ "index": 1, "relevance_score": 0.9, "document": { "text": "y" } }));
    assert_eq!(body["usage"]["cost"].to_string(), Money(50_000).to_string());
    assert_eq!(upstream.last_request()["documents"], json!(["x", "y"]));
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_model_asked_for_what_it_does_not_do_names_the_right_address() {
    let upstream = Upstream::start("one").await.offering(&["acme/one", EMBEDDER, RANKER]);
    let app = TestApp::start(Database::sqlite(), &[&upstream]).await;
    let member = app.member(Money::from_dollars(1)).await;
    let key = member.key().await;
    let embed = |model: &str| json!({ "model": model, "input": "a" });
    let (status, body) = post(&key, "/api/v1/embeddings", embed("acme/one")).await;
    assert_eq!(status, 400);
    assert!(body["error"]["message"].as_str().unwrap().contains("/api/v1/embeddings/models"), "{body}");
    let (status, body) = read(key.ask(json!({ "model": EMBEDDER })).await).await;
    assert_eq!(status, 400);
    assert!(body["error"]["message"].as_str().unwrap().contains("/api/v1/embeddings"), "{body}");
    let (status, body) = read(key.ask(json!({ "model": RANKER })).await).await;
    assert_eq!(status, 400);
    assert!(body["error"]["message"].as_str().unwrap().contains("/api/v1/rerank"), "{body}");
    let (status, _) = post(&key, "/api/v1/embeddings", embed("nobody/nothing")).await;
    assert_eq!(status, 400);
    assert_eq!(upstream.count(), 0);

    let (_, list) = read(app.get("/api/v1/embeddings/models").await).await;
    let ids: Vec<&Value> = list["data"].as_array().unwrap().iter().map(|model| &model["id"]).collect();
    assert_eq!(ids, [EMBEDDER]);
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_empty_account_gets_no_vectors() {
    let upstream = Upstream::start("one").await.offering(&[EMBEDDER]);
    let app = TestApp::start(Database::sqlite(), &[&upstream]).await;
    let member = app.member(Money::ZERO).await;
    let (status, body) =
        post(&member.key().await, "/api/v1/embeddings", json!({ "model": EMBEDDER, "input": "a" })).await;
    assert_eq!(status, 402, "{body}");
    assert_eq!(upstream.count(), 0);
    app.finish().await;
}
