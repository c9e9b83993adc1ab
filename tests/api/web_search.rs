//! Search on the web: by this server, with an engine over a socket, and by providers.

use app::types::Money;
use patchbay::config::{Config, SearchEngine};
use patchbay::providers::simulated::{self, Handle, SimulatorOptions};
use reqwest::Method;
use serde_json::{Value, json};
use tokio::net::TcpListener;

use crate::on_both_databases;
use crate::support::{Database, Script, TestApp, Upstream, read};

/// A search engine.
async fn engine() -> Handle {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    simulated::spawn(listener, SimulatorOptions::instant()).unwrap()
}

fn searching(engine: &Handle) -> impl FnOnce(&mut Config) {
    let origin = engine.origin();
    move |config| {
        config.web_search.engine = SearchEngine::Exa;
        config.web_search.base_url = origin;
        "engine-key".clone_into(&mut config.web_search.api_key);
    }
}

fn citations(message: &Value) -> Vec<Value> {
    message["annotations"].as_array().unwrap().iter().map(|one| one["url_citation"].clone()).collect()
}

on_both_databases! {
    async fn a_model_asked_online_answers_from_what_this_server_found(database: Database) {
        let (engine, upstream) = (engine().await, Upstream::start("plain").await);
        let app = TestApp::start_with(database, &[&upstream], searching(&engine)).await;
        let member = app.member(Money::from_dollars(5)).await;
        let key = member.key().await;
        upstream.script([Script::words(&["As ", "[simulated.example](https://simulated.example/2)", " says."])]);
        let question = json!({ "model": "acme/one:online", "messages": [{ "role": "user", "content": "Which tide?" }] });
        let (status, body) = read(key.ask(question).await).await;
        assert_eq!(status, 200, "{body}");
        assert_eq!(engine.requests()[0].body["query"], "Which tide?");
        let told = upstream.last_request()["messages"][0]["content"].as_str().unwrap().to_owned();
        assert!(told.contains("[5] Simulated page 5\nhttps://simulated.example/5"), "{told}");
        assert!(told.ends_with("Which tide?"), "{told}");
        let cited = citations(&body["choices"][0]["message"]);
        assert_eq!(cited.len(), 5);
        assert_eq!((&cited[1]["start_index"], &cited[1]["end_index"]), (&json!(3), &json!(51)), "{cited:?}");
        // 10 tokens at 1 and 3 at 2 USD per million, and the search.
        assert_eq!(body["usage"]["cost"], json!(0.007_016));
        assert_eq!(body["usage"]["cost_details"]["server_tool_cost"], json!(0.007));
        assert_eq!(member.available().await, Money(5_000_000_000 - 7_016_000));
        let id = body["id"].as_str().unwrap();
        let (_, generation) = read(key.get(&format!("/api/v1/generation?id={id}")).await).await;
        assert_eq!(generation["data"]["web_search_engine"], "exa");
        assert_eq!(generation["data"]["num_search_results"], 5);
        assert_eq!(generation["data"]["total_cost"], json!(0.007_016));
        app.finish().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_plugin_searches_in_streams_and_for_callers_of_other_apis() {
    let (engine, upstream) = (engine().await, Upstream::start("plain").await);
    let app = TestApp::start_with(Database::sqlite(), &[&upstream], searching(&engine)).await;
    let key = app.member(Money::from_dollars(5)).await.key().await;
    let plugin = json!({ "id": "web", "max_results": 12, "search_prompt": "Mind these.", "include_domains": ["simulated.example"] });
    let stream = key.stream(json!({ "plugins": [plugin], "provider": { "sort": "price" } })).await;
    let chunks = stream.chunks();
    let annotated = chunks.iter().filter(|chunk| chunk["choices"][0]["delta"]["annotations"].is_array()).count();
    assert_eq!(annotated, 12, "{chunks:?}");
    let finish = chunks.iter().position(|chunk| chunk["choices"][0]["finish_reason"] == "stop").unwrap();
    let last = chunks.iter().rposition(|chunk| chunk["choices"][0]["delta"]["annotations"].is_array()).unwrap();
    assert!(last < finish && stream.is_done());
    let usage = &chunks.last().unwrap()["usage"];
    assert_eq!(usage["cost_details"]["server_tool_cost"], json!(0.009), "ten results and two more: {usage}");
    let sent = upstream.last_request();
    assert!(sent.get("plugins").is_none() && sent.to_string().contains("Mind these."), "{sent}");
    assert_eq!(engine.requests()[0].body["includeDomains"], json!(["simulated.example"]));

    let question =
        json!({ "model": "acme/one:online", "max_tokens": 50, "messages": [{ "role": "user", "content": "hi" }] });
    let (status, body) = read(key.send(Method::POST, "/api/v1/messages", &question).await).await;
    assert_eq!(status, 200, "{body}");
    assert!(upstream.last_request().to_string().contains("Simulated page 5"));
    let question = json!({ "model": "acme/one:online", "input": "hi" });
    let (status, body) = read(key.send(Method::POST, "/api/v1/responses", &question).await).await;
    assert_eq!(status, 200, "{body}");
    assert!(body.to_string().contains("https://simulated.example/1"), "{body}");
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn providers_that_search_are_asked_in_their_own_words_and_paid_for_each_search() {
    let (engine, plain) = (engine().await, Upstream::start("plain").await);
    let native = Upstream::with_prices("native", "0.5", "1").await.speaking_messages().with_search_price(0.01);
    let app = TestApp::start_with(Database::sqlite(), &[&plain, &native], searching(&engine)).await;
    let key = app.member(Money::from_dollars(5)).await.key().await;
    let answer = json!({ "id": "m", "type": "message", "role": "assistant", "model": "m", "stop_reason": "end_turn",
        "content": [{ "type": "text", "text": "found" }],
        "usage": { "input_tokens": 10, "output_tokens": 3, "server_tool_use": { "web_search_requests": 2 } } });
    let whole = || Script::Raw { content_type: "application/json", body: answer.to_string() };
    native.script([whole(), whole()]);
    for engine_named in [json!("native"), json!("auto")] {
        let plugin = json!({ "id": "web", "engine": engine_named, "max_uses": 3, "exclude_domains": ["a.example"] });
        let fields = json!({ "plugins": [plugin], "provider": { "sort": "price" } });
        let (status, body) = read(key.ask(fields).await).await;
        assert_eq!(status, 200, "{body}");
        let tools = native.last_request()["tools"].clone();
        let tool = json!([{ "type": "web_search_20250305", "name": "web_search", "max_uses": 3, "blocked_domains": ["a.example"] }]);
        assert_eq!(tools, tool);
        assert_eq!(body["usage"]["cost"], json!(0.020_008), "two searches, 10 and 3 tokens");
        assert_eq!(body["usage"]["server_tool_use_details"]["web_search_requests"], 2);
    }
    assert_eq!((engine.request_count(), plain.count()), (0, 0));

    // Where the first choice does not search, this server does, for all of them.
    let fields = json!({ "plugins": [{ "id": "web" }], "provider": { "order": ["plain"] } });
    assert_eq!(key.ask(fields).await.status(), 200);
    assert_eq!((engine.request_count(), plain.count()), (1, 1));
    // Options alone tell a provider how to search; nobody else minds them.
    let fields = json!({ "web_search_options": { "search_context_size": "low" }, "provider": { "only": ["plain"] } });
    assert_eq!(key.ask(fields).await.status(), 200);
    assert_eq!(plain.last_request().get("web_search_options"), None);
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_search_there_is_no_answer_and_no_charge() {
    let upstream = Upstream::start("plain").await;
    let app = TestApp::start(Database::sqlite(), &[&upstream]).await;
    let key = app.member(Money::from_dollars(5)).await.key().await;
    let (status, body) = read(key.ask(json!({ "model": "acme/one:online" })).await).await;
    assert_eq!((status, &body["error"]["availability"]["excluded_by"]), (404, &json!(["web_search"])), "{body}");
    for (plugin, word) in [
        (json!({ "id": "web", "engine": "exa" }), "no search engine"),
        (json!({ "id": "web", "max_results": 100 }), "plugins[0].max_results"),
    ] {
        let (status, body) = read(key.ask(json!({ "plugins": [plugin] })).await).await;
        assert_eq!(status, 400, "{body}");
        assert!(body["error"]["message"].as_str().unwrap().contains(word), "{body}");
    }
    app.finish().await;

    let engine = engine().await;
    let app = TestApp::start_with(Database::sqlite(), &[&upstream], searching(&engine)).await;
    let member = app.member(Money::from_dollars(5)).await;
    let key = member.key().await;
    let (status, body) = read(key.ask(json!({ "plugins": [{ "id": "web", "engine": "firecrawl" }] })).await).await;
    assert_eq!(status, 400, "{body}");
    assert!(body["error"]["message"].as_str().unwrap().contains("`exa`"), "{body}");
    drop(engine);
    let (status, body) = read(key.ask(json!({ "model": "acme/one:online" })).await).await;
    assert_eq!(status, 502, "{body}");
    assert!(body["error"]["message"].as_str().unwrap().contains("The web search failed"), "{body}");
    assert_eq!((upstream.count(), member.balance().await.debited), (0, Money::ZERO));
    // Who cannot pay for the search is told before it is made.
    let poor = app.member(Money(5_000_000)).await.key().await;
    assert_eq!(poor.ask(json!({ "model": "acme/one:online" })).await.status(), 402);
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_search_is_not_counted_as_billed_to_a_key_of_ones_own() {
    let (engine, upstream) = (engine().await, Upstream::start("plain").await);
    let app = TestApp::start_with(Database::sqlite(), &[&upstream], searching(&engine)).await;
    let member = app.member(Money::from_dollars(5)).await;
    let (key, manager) = (member.key().await, member.management_key().await);
    let own = json!({ "provider": "plain", "key": "own-credential-0001" });
    assert_eq!(manager.send(Method::POST, "/api/v1/byok", &own).await.status(), 201);
    let question = json!({ "model": "acme/one:online", "messages": [{ "role": "user", "content": "Which tide?" }] });
    let (status, body) = read(key.ask(question).await).await;
    assert_eq!((status, &body["usage"]["is_byok"]), (200, &json!(true)), "{body}");
    let billed = &body["usage"]["cost_details"]["upstream_inference_cost"];
    assert!(billed.as_f64().unwrap() < 0.007, "the search is not in it: {body}");
    let (_, generation) = read(key.get(&format!("/api/v1/generation?id={}", body["id"].as_str().unwrap())).await).await;
    assert_eq!(&generation["data"]["upstream_inference_cost"], billed);
    let yesterday = app.app.clock.now_ms() - 86_400_000;
    sqlx::query("UPDATE generations SET created_at = $1").bind(yesterday).execute(app.app.store.pool()).await.unwrap();
    app.app.store.fold_generations().await.unwrap();
    let (_, activity) = read(manager.get("/api/v1/activity").await).await;
    assert_eq!(&activity["data"][0]["byok_usage_inference"], billed, "{activity}");
    app.finish().await;
}
