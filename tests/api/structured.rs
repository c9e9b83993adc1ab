//! Answers in a schema from a provider that cannot be held to one.

use app::types::Money;
use serde_json::{Value, json};

use crate::support::{Database, Script, TestApp, Upstream, read};

fn wanted() -> Value {
    let schema = json!({ "type": "object", "properties": { "n": { "type": "integer" } }, "required": ["n"] });
    json!({ "response_format": { "type": "json_schema", "json_schema": { "name": "number", "strict": true, "schema": schema } } })
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_answer_is_repaired_once_and_both_are_paid() {
    let upstream = Upstream::start("one").await.without_schemas();
    upstream.script([Script::words(&["Sure: ", "seven"]), Script::words(&["```json\n", "{\"n\": 7}", "\n```"])]);
    let app = TestApp::start(Database::sqlite(), &[&upstream]).await;
    let member = app.member(Money::from_dollars(1)).await;
    let key = member.key().await;
    let (status, body) = read(key.ask(wanted()).await).await;
    assert_eq!((status, &body["choices"][0]["message"]["content"]), (200, &json!("{\"n\": 7}")), "{body}");
    assert_eq!((&body["usage"]["prompt_tokens"], &body["usage"]["completion_tokens"]), (&json!(20), &json!(5)));
    assert_eq!(upstream.count(), 2);
    let sent = upstream.last_request();
    assert_eq!(sent["response_format"]["type"], Value::Null);
    let messages = sent["messages"].as_array().unwrap();
    assert!(messages[0]["content"].as_str().unwrap().contains("JSON Schema"));
    assert_eq!(messages[2]["content"], "Sure: seven");
    assert!(messages[3]["content"].as_str().unwrap().contains("no JSON"));
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_delivers_only_what_fits() {
    let upstream = Upstream::start("one").await.without_schemas();
    upstream.script([Script::words(&["{\"n\":", " 1}"])]);
    let app = TestApp::start(Database::sqlite(), &[&upstream]).await;
    let member = app.member(Money::from_dollars(1)).await;
    let key = member.key().await;
    let stream = key.stream(wanted()).await;
    assert_eq!((stream.status, stream.content().as_str(), stream.is_done()), (200, "{\"n\": 1}", true));
    // A model that does not listen is a failed attempt, and costs nothing.
    upstream.always(Script::words(&["never"]));
    let before = member.available().await;
    let (status, body) = read(key.ask(wanted()).await).await;
    assert_eq!(status, 502);
    assert!(body["error"]["message"].as_str().unwrap().contains("does not fit the schema"), "{body}");
    assert_eq!(member.available().await, before);
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_provider_that_knows_schemas_is_asked_natively() {
    let upstream = Upstream::start("one").await;
    let app = TestApp::start(Database::sqlite(), &[&upstream]).await;
    let member = app.member(Money::from_dollars(1)).await;
    let (status, _) = read(member.key().await.ask(wanted()).await).await;
    assert_eq!((status, upstream.count()), (200, 1));
    assert_eq!(upstream.last_request()["response_format"]["type"], "json_schema");
    app.finish().await;
}
