//! Google's Gemini API over the wire.

use app::types::Money;
use reqwest::{Method, Response};
use serde_json::{Value, json};

use crate::support::upstream::word_frame;
use crate::support::{Database, KeyHolder, Script, TestApp, Upstream, read};

async fn ask(key: &KeyHolder<'_>, call: &str, fields: Value) -> Response {
    let mut body = json!({ "contents": [{ "role": "user", "parts": [{ "text": "Hello there" }] }] });
    for (name, value) in fields.as_object().unwrap() {
        body[name] = value.clone();
    }
    let request = key.app.request(Method::POST, &format!("/api/v1beta/models/{call}"));
    request.header("x-goog-api-key", &key.text).json(&body).send().await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_comes_whole_as_events_and_as_an_array() {
    let upstream = Upstream::start("one").await;
    let app = TestApp::start(Database::sqlite(), &[&upstream]).await;
    let member = app.member(Money::from_dollars(1)).await;
    let key = member.key().await;
    let (status, whole) = read(ask(&key, "acme/one:generateContent", json!({})).await).await;
    assert_eq!(status, 200);
    let candidate = &whole["candidates"][0];
    assert_eq!(candidate["content"], json!({ "parts": [{ "text": "Hello, world" }], "role": "model" }));
    assert_eq!(candidate["finishReason"], "STOP");
    assert_eq!(whole["usageMetadata"]["promptTokenCount"], json!(10));
    assert_eq!(whole["usageMetadata"]["totalTokenCount"], json!(13));
    assert_eq!(whole["modelVersion"], "acme/one");

    let events = ask(&key, "acme/one:streamGenerateContent?alt=sse", json!({})).await;
    assert_eq!(events.headers()["content-type"], "text/event-stream; charset=utf-8");
    let text = events.text().await.unwrap();
    let events: Vec<Value> = text
        .lines()
        .filter_map(|line| line.strip_prefix("data: "))
        .map(|data| serde_json::from_str(data).unwrap())
        .collect();
    let array = ask(&key, "acme/one:streamGenerateContent", json!({})).await;
    assert_eq!(array.headers()["content-type"], "application/json; charset=utf-8");
    let array: Vec<Value> = array.json().await.unwrap();
    for responses in [&events, &array] {
        let said =
            |response: &Value| response["candidates"][0]["content"]["parts"][0]["text"].as_str().map(str::to_owned);
        assert_eq!(responses.iter().filter_map(said).collect::<String>(), "Hello, world");
        let finished: Vec<_> = responses.iter().filter(|r| r["candidates"][0]["finishReason"].is_string()).collect();
        assert_eq!(finished.len(), 1);
        assert_eq!(finished[0]["usageMetadata"]["candidatesTokenCount"], json!(3));
    }
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn functions_and_settings_reach_a_provider_that_speaks_openai() {
    let upstream = Upstream::start("one").await;
    let app = TestApp::start(Database::sqlite(), &[&upstream]).await;
    let member = app.member(Money::from_dollars(1)).await;
    let key = member.key().await;
    let schema = json!({ "type": "OBJECT", "properties": { "city": { "type": "STRING", "nullable": true } } });
    let fields = json!({
        "systemInstruction": { "parts": [{ "text": "Be brief." }] },
        "contents": [
            { "role": "user", "parts": [{ "text": "Weather?" },
                { "inline_data": { "mime_type": "image/png", "data": "__79-_8=" } }] },
            { "role": "model", "parts": [{ "functionCall": { "name": "f", "args": { "city": "Oslo" } } },
                { "functionCall": { "name": "f", "args": { "city": "Rome" } } }] },
            { "role": "user", "parts": [{ "functionResponse": { "name": "f", "response": { "result": "rain" } } },
                { "functionResponse": { "name": "f", "response": { "error": "no data" } } }, { "text": "So?" }] },
        ],
        "tools": [{ "functionDeclarations": [{ "name": "f", "parameters": schema }] }],
        "toolConfig": { "functionCallingConfig": { "mode": "ANY", "allowedFunctionNames": ["f"] } },
        "generationConfig": { "maxOutputTokens": 99, "stopSequences": ["END"], "temperature": 0.5, "topP": 0.9, "seed": 7,
            "responseMimeType": "application/json", "responseSchema": { "type": "OBJECT" } },
    });
    let (status, body) = read(ask(&key, "acme/one:generateContent", fields).await).await;
    assert_eq!(status, 200, "{body}");
    let sent = upstream.last_request();
    let messages = sent["messages"].as_array().unwrap();
    let roles: Vec<&str> = messages.iter().map(|message| message["role"].as_str().unwrap()).collect();
    assert_eq!(roles, ["system", "user", "assistant", "tool", "tool", "user"]);
    assert_eq!(messages[1]["content"][1]["image_url"]["url"], "data:image/png;base64,//79+/8=");
    assert_eq!(messages[2]["tool_calls"][0]["id"], messages[3]["tool_call_id"]);
    assert_eq!(messages[2]["tool_calls"][1]["id"], messages[4]["tool_call_id"]);
    assert_ne!(messages[3]["tool_call_id"], messages[4]["tool_call_id"]);
    assert_eq!((&messages[3]["content"], &messages[4]["content"]), (&json!("rain"), &json!("no data")));
    let parameters = &sent["tools"][0]["function"]["parameters"];
    assert_eq!(*parameters, json!({ "type": "object", "properties": { "city": { "type": ["string", "null"] } } }));
    assert_eq!(sent["tool_choice"]["function"]["name"], "f");
    assert_eq!(sent["response_format"]["json_schema"]["schema"], json!({ "type": "object" }));
    assert_eq!((&sent["max_tokens"], &sent["stop"], &sent["seed"]), (&json!(99), &json!(["END"]), &json!(7)));
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn mistakes_and_failures_come_in_googles_words() {
    let upstream = Upstream::start("one").await;
    let app = TestApp::start(Database::sqlite(), &[&upstream]).await;
    let member = app.member(Money::from_dollars(1)).await;
    let key = member.key().await;
    let cases = [
        ("acme/one:generateContent", json!({ "contents": [] }), 400, "INVALID_ARGUMENT", "contents"),
        (
            "acme/one:generateContent",
            json!({ "generationConfig": { "topP": 2 } }),
            400,
            "INVALID_ARGUMENT",
            "generationConfig.topP",
        ),
        ("acme/one:generateContent", json!({ "tools": [{ "googleSearch": {} }] }), 400, "INVALID_ARGUMENT", "tools[0]"),
        ("acme/none:generateContent", json!({}), 400, "INVALID_ARGUMENT", "acme/none"),
        ("acme/one:meditate", json!({}), 404, "NOT_FOUND", "meditate"),
    ];
    for (call, fields, expected, word, part) in cases {
        let (status, body) = read(ask(&key, call, fields).await).await;
        let error = &body["error"];
        assert_eq!((status, &error["code"], &error["status"]), (expected, &json!(expected), &json!(word)), "{body}");
        assert!(error["message"].as_str().unwrap().contains(part), "{body}");
    }
    let cut = || Script::Cut { frames: vec![word_frame("Hel")] };
    upstream.script([cut(), cut()]);
    let text = ask(&key, "acme/one:streamGenerateContent?alt=sse", json!({})).await.text().await.unwrap();
    let last: Value = serde_json::from_str(text.trim().rsplit("data: ").next().unwrap()).unwrap();
    assert_eq!(last["error"]["status"], "UNAVAILABLE");
    assert!(!text.contains("finishReason"));
    let array: Vec<Value> = ask(&key, "acme/one:streamGenerateContent", json!({})).await.json().await.unwrap();
    assert_eq!(array.last().unwrap()["error"]["code"], json!(502));
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_key_may_come_in_the_address_and_models_are_listed() {
    let upstream = Upstream::start("one").await.offering(&["acme/one", "acme/two", "acme/three"]);
    let app = TestApp::start(Database::sqlite(), &[&upstream]).await;
    let member = app.member(Money::from_dollars(1)).await;
    let key = member.key().await;
    let body = json!({ "contents": [{ "parts": [{ "text": "word ".repeat(100) }] }] });
    for path in ["v1beta/models/acme/one", "v1/models/acme/one", "v1beta/models/models/acme/one"] {
        let path = format!("/api/{path}:countTokens?key={}", key.text);
        let (status, count) = read(app.request(Method::POST, &path).json(&body).send().await.unwrap()).await;
        assert_eq!(status, 200, "{path}: {count}");
        assert!((100..200).contains(&count["totalTokens"].as_u64().unwrap()));
    }
    let (status, _) = read(app.get(&format!("/api/v1/key?key={}", key.text)).await).await;
    assert_eq!(status, 401, "elsewhere a key in the address does not count");
    let (_, page) = read(app.get("/api/v1beta/models?pageSize=2").await).await;
    assert_eq!(page["models"].as_array().unwrap().len(), 2);
    let token = page["nextPageToken"].as_str().unwrap();
    let (_, next) = read(app.get(&format!("/api/v1beta/models?pageSize=2&pageToken={token}")).await).await;
    assert_ne!(next["models"][0], page["models"][1]);
    let (status, model) = read(app.get("/api/v1beta/models/acme/one").await).await;
    assert_eq!((status, &model["name"]), (200, &json!("models/acme/one")));
    let (status, body) = read(app.get("/api/v1beta/models/acme/none").await).await;
    assert_eq!((status, &body["error"]["status"]), (404, &json!("NOT_FOUND")));
    app.finish().await;
}
