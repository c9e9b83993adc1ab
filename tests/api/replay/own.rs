//! The same recordings, for callers who speak Anthropic's or Google's protocol.

use app::types::Money;
use reqwest::Method;
use serde_json::{Value, json};

use super::said::{parsed, string};
use super::{EXCEPTIONS, FAULTS, Player, id, recordings, slug, start};
use crate::support::KeyHolder;

/// Text, calls, and why the answer ended, in the chat API's words.
#[derive(Debug, Default, PartialEq)]
struct Said {
    text: String,
    calls: Vec<(String, Value)>,
    finish: String,
}

fn expected(recording: &Value) -> Said {
    let said = super::expected(recording);
    let refusal = string(&recording["digest"]["refusal"]);
    let is_anthropic = recording["protocol"] == "anthropic-messages";
    // A refusal in words of its own is part of the text for other companies' callers.
    let text = if is_anthropic { said.text } else { format!("{}{refusal}", said.text) };
    let is_excused = EXCEPTIONS.iter().any(|(name, field, _)| *name == id(recording) && *field == "finish");
    let is_refused = !refusal.is_empty() || is_excused;
    let calls = said.calls;
    let finish = match said.finish.as_str() {
        _ if is_refused => "content_filter",
        // Who made calls has not just stopped.
        "stop" if !calls.is_empty() => "tool_calls",
        other => other,
    };
    Said { text, finish: finish.to_owned(), calls }
}

/// An answer that was blocked may say so where the provider said nothing.
fn is_same(said: &Said, expected: &Said) -> bool {
    let is_explained = expected.finish == "content_filter" && expected.text.is_empty();
    let text = if is_explained { &expected.text } else { &said.text };
    Said { text: text.clone(), calls: said.calls.clone(), finish: said.finish.clone() } == *expected
}

/// The JSON of every event.
fn events(text: &str) -> Vec<Value> {
    text.lines()
        .filter_map(|line| line.strip_prefix("data: "))
        .map(|data| serde_json::from_str(data).unwrap())
        .collect()
}

async fn of_messages(key: &KeyHolder<'_>, body: &Value) -> Result<Said, Value> {
    let response = key.send(Method::POST, "/api/v1/messages", body).await;
    let is_stream = response.headers()["content-type"].to_str().unwrap().starts_with("text/event-stream");
    let text = response.text().await.unwrap();
    let mut said = Said::default();
    let mut reason = Value::Null;
    if is_stream {
        let mut inputs: Vec<(String, String)> = Vec::new();
        for event in events(&text) {
            if event["type"] == "error" {
                return Err(event);
            }
            if event["content_block"]["type"] == "tool_use" {
                inputs.push((string(&event["content_block"]["name"]), String::new()));
            }
            said.text += event["delta"]["text"].as_str().unwrap_or_default();
            if let Some(piece) = event["delta"]["partial_json"].as_str()
                && let Some((_, input)) = inputs.last_mut()
            {
                // The input of a tool the provider ran stands in its own block.
                input.push_str(piece);
            }
            if event["type"] == "message_delta" {
                reason = event["delta"]["stop_reason"].clone();
            }
        }
        said.calls = inputs.into_iter().map(|(name, input)| (name, parsed(&input))).collect();
    } else {
        let body: Value = serde_json::from_str(&text).unwrap();
        if body["type"] == "error" {
            return Err(body);
        }
        for block in body["content"].as_array().unwrap() {
            match block["type"].as_str().unwrap() {
                "text" => said.text += block["text"].as_str().unwrap(),
                "tool_use" => said.calls.push((string(&block["name"]), block["input"].clone())),
                _ => {}
            }
        }
        reason = body["stop_reason"].clone();
    }
    let finish = match reason.as_str().unwrap() {
        "end_turn" | "stop_sequence" | "pause_turn" if !said.calls.is_empty() => "tool_calls",
        "end_turn" | "stop_sequence" | "pause_turn" => "stop",
        "max_tokens" => "length",
        "tool_use" => "tool_calls",
        "refusal" => "content_filter",
        other => panic!("{other}"),
    };
    finish.clone_into(&mut said.finish);
    Ok(said)
}

async fn of_gemini(key: &KeyHolder<'_>, body: &Value, is_streamed: bool) -> Result<Said, Value> {
    let method = if is_streamed { "streamGenerateContent?alt=sse" } else { "generateContent" };
    let response = key.send(Method::POST, &format!("/api/v1beta/models/acme/one:{method}"), body).await;
    let text = response.text().await.unwrap();
    let responses = if text.starts_with('{') { vec![serde_json::from_str(&text).unwrap()] } else { events(&text) };
    let mut said = Said::default();
    let mut reason = None;
    for response in &responses {
        if response["error"].is_object() {
            return Err(response.clone());
        }
        if response["promptFeedback"].is_object() {
            reason = Some("SAFETY".to_owned());
        }
        let candidate = &response["candidates"][0];
        for part in candidate["content"]["parts"].as_array().into_iter().flatten() {
            if part["thought"] != true {
                said.text += part["text"].as_str().unwrap_or_default();
            }
            if let Some(call) = part.get("functionCall") {
                said.calls.push((string(&call["name"]), call["args"].clone()));
            }
        }
        reason = candidate["finishReason"].as_str().map(str::to_owned).or(reason);
    }
    let finish = match reason.as_deref().unwrap() {
        "STOP" | "UNEXPECTED_TOOL_CALL" if !said.calls.is_empty() => "tool_calls",
        "STOP" => "stop",
        "MAX_TOKENS" => "length",
        _ => "content_filter",
    };
    finish.clone_into(&mut said.finish);
    Ok(said)
}

/// The recording's own request where it is in this protocol, else a plain question.
/// Files out on the net stay there.
fn asked(recording: &Value, protocol: &str, plain: Value) -> Value {
    let own = &recording["request"]["body"];
    let mut body = if recording["protocol"] == protocol && own.is_object() { own.clone() } else { plain };
    body["provider"] = json!({ "only": [slug(recording)] });
    for content in body["contents"].as_array_mut().into_iter().flatten() {
        for part in content["parts"].as_array_mut().into_iter().flatten() {
            if let Some(file) = part.get("fileData").or_else(|| part.get("file_data")) {
                let mime = file.get("mimeType").or_else(|| file.get("mime_type")).cloned();
                *part = json!({ "inlineData": { "mimeType": mime, "data": "AAAA" } });
            }
        }
    }
    body
}

#[tokio::test(flavor = "multi_thread")]
async fn callers_of_other_protocols_get_the_same_answers() {
    let (player, url) = Player::start().await;
    let app = start(&url).await;
    let member = app.member(Money::from_dollars(1_000)).await;
    let key = member.key().await;
    let mut wrong = Vec::new();
    for recording in &recordings() {
        *player.on.lock() = recording.clone();
        let name = id(recording);
        let is_fault = FAULTS.iter().any(|(fault, _)| *fault == name);
        let is_streamed = recording["streaming"] == true;
        let plain = json!({ "max_tokens": 500, "messages": [{ "role": "user", "content": "Hello there" }] });
        let mut body = asked(recording, "anthropic-messages", plain);
        body["model"] = json!("acme/one");
        body["stream"] = json!(is_streamed);
        let messages = of_messages(&key, &body).await;
        let plain = json!({ "contents": [{ "parts": [{ "text": "Hello there" }] }] });
        let body = asked(recording, "gemini", plain);
        let gemini = of_gemini(&key, &body, is_streamed).await;
        for (protocol, outcome) in [("messages", messages), ("gemini", gemini)] {
            match (outcome, is_fault) {
                (Err(error), true) if error["error"]["message"].as_str().is_some_and(|text| text.len() > 5) => {}
                (Ok(said), false) if is_same(&said, &expected(recording)) => {}
                (Ok(said), false) => {
                    wrong.push(format!("{name}, {protocol}: {said:?}\n  not {:?}", expected(recording)));
                }
                (outcome, _) => wrong.push(format!("{name}, {protocol}: {outcome:?}")),
            }
        }
    }
    assert!(wrong.is_empty(), "{} differences:\n{}", wrong.len(), wrong.join("\n"));
    app.finish().await;
}
