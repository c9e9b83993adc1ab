//! The simulators are read with the same dialects as the real providers.

use app::types::sse;
use bytes::Bytes;
use serde_json::{Value, json};

use super::*;
use crate::config::Config;
use crate::dialects::inference::{
    Inference, Message, Part, Reasoning, ResponseFormat, Role, Sampling, Tool, ToolChoice,
};
use crate::dialects::{Delta, Dialect, Fault as DialectFault, FaultKind, FinishReason, Quirks, Target, Usage};
use crate::providers::client::Upstreams;

const DIALECTS: [(Dialect, &str); 3] =
    [(Dialect::OpenaiChat, "/v1"), (Dialect::AnthropicMessages, "/v1"), (Dialect::Gemini, "/v1beta")];

async fn simulator() -> Handle {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    spawn(listener, SimulatorOptions::instant()).unwrap()
}

fn question(text: &str) -> Inference {
    Inference {
        models: vec!["simulated".to_owned()],
        messages: vec![Message { role: Role::User, content: vec![Part::text(text)], ..Message::default() }],
        ..Inference::default()
    }
}

/// What the dialect makes of the answer.
async fn ask(
    handle: &Handle,
    dialect: Dialect,
    path: &str,
    model: &str,
    inference: &Inference,
) -> Result<Said, DialectFault> {
    let quirks = Quirks::default();
    let target = Target { model, max_output_tokens: Some(4_096), quirks: &quirks };
    let upstream = dialect.upstream();
    let request = upstream.encode(&target, inference).unwrap();
    let upstreams = Upstreams::new(&Config::default()).unwrap();
    let response = upstreams.send(&format!("{}{path}{}", handle.origin(), request.path), Vec::new(), request).await?;
    let status = response.status().as_u16();
    let headers = response.headers().clone();
    if !response.status().is_success() {
        let body = response.read(1 << 20).await.unwrap_or_default();
        let header = |name: &str| headers.get(name).and_then(|value| value.to_str().ok()).map(str::to_owned);
        return Err(upstream.decode_error(status, &header, &body));
    }
    if !inference.is_streamed {
        let body = response.read(1 << 20).await?;
        return Ok(said(&upstream.decode_whole(&quirks, &body)?));
    }
    let (mut events, mut deltas) = (Vec::new(), Vec::new());
    let mut reader = sse::Decoder::default();
    let mut decoder = upstream.decoder(&quirks);
    let mut response = response;
    loop {
        let chunk: Option<Bytes> = response.chunk().await?;
        let Some(chunk) = chunk else { break };
        reader.push(&chunk, &mut events).unwrap();
        for event in events.drain(..) {
            decoder.event(&event, &mut deltas)?;
        }
    }
    decoder.finish(reader.stray_text(), &mut deltas)?;
    Ok(said(&deltas))
}

#[derive(Debug, Default, PartialEq)]
struct Said {
    text: String,
    reasoning: String,
    calls: Vec<(String, String)>,
    finish: Option<FinishReason>,
    usage: Usage,
}

fn said(deltas: &[Delta]) -> Said {
    let mut said = Said::default();
    for delta in deltas {
        match delta {
            Delta::Text { text, .. } => said.text.push_str(text),
            Delta::Reasoning { text, .. } => said.reasoning.push_str(text),
            Delta::ReasoningDetail { detail, .. } => {
                said.reasoning.push_str(detail["text"].as_str().unwrap_or_default());
            }
            Delta::ToolCall { name, arguments, .. } => {
                if let Some(name) = name {
                    said.calls.push((name.clone(), String::new()));
                }
                if let Some(call) = said.calls.last_mut() {
                    call.1.push_str(arguments);
                }
            }
            Delta::Finish { reason, .. } => said.finish = Some(*reason),
            Delta::Usage(usage) => said.usage.merge(usage),
            _ => {}
        }
    }
    said
}

fn weather() -> Tool {
    let schema = json!({ "type": "object", "required": ["city"],
        "properties": { "city": { "type": "string" }, "unit": { "enum": ["celsius", "fahrenheit"] } } });
    Tool {
        name: "get_weather".to_owned(),
        description: Some("The weather in a city".to_owned()),
        parameters: Some(schema),
        strict: None,
        cache_control: None,
        other: None,
    }
}

#[tokio::test]
async fn streamed_and_whole_answers_say_the_same_in_every_protocol() {
    let handle = simulator().await;
    for (dialect, path) in DIALECTS {
        let mut inference = question("Tell me about code, please.");
        let whole = ask(&handle, dialect, path, "big", &inference).await.unwrap();
        inference.is_streamed = true;
        let streamed = ask(&handle, dialect, path, "big", &inference).await.unwrap();
        assert_eq!(whole, streamed, "{dialect:?}");
        assert!(whole.text.starts_with("(Simulated by big)"), "{dialect:?}: {}", whole.text);
        assert_eq!(whole.finish, Some(FinishReason::Stop));
        assert!(whole.usage.prompt_tokens > Some(5) && whole.usage.completion_tokens > Some(20), "{dialect:?}");
    }
    assert_eq!(handle.request_count(), 6);
    assert!(handle.requests().iter().all(|seen| seen.model == "big" && seen.fault.is_none()));
}

#[tokio::test]
async fn tools_are_called_when_the_question_speaks_of_them() {
    let handle = simulator().await;
    for (dialect, path) in DIALECTS {
        for is_streamed in [false, true] {
            let mut inference = question("What is the weather in Paris in fahrenheit?");
            inference.is_streamed = is_streamed;
            inference.tools = vec![weather()];
            let answer = ask(&handle, dialect, path, "big", &inference).await.unwrap();
            assert_eq!(answer.finish, Some(FinishReason::ToolCalls), "{dialect:?}");
            let (name, arguments) = &answer.calls[0];
            let arguments: Value = serde_json::from_str(arguments).unwrap();
            assert_eq!((name.as_str(), arguments), ("get_weather", json!({ "city": "Paris", "unit": "fahrenheit" })));

            inference.tool_choice = Some(ToolChoice::None);
            assert!(ask(&handle, dialect, path, "big", &inference).await.unwrap().calls.is_empty());
        }
    }
}

#[tokio::test]
async fn a_schema_is_kept_to() {
    let handle = simulator().await;
    let schema = json!({ "type": "object", "additionalProperties": false, "required": ["title", "items", "count"],
        "properties": { "title": { "type": "string", "maxLength": 5 }, "count": { "type": "integer", "minimum": 9 },
            "items": { "type": "array", "minItems": 2, "items": { "$ref": "#/$defs/item" } } },
        "$defs": { "item": { "type": "object", "required": ["kind"], "properties": { "kind": { "const": "a" } } } } });
    let mut inference = question("Give me the list.");
    inference.response_format = Some(ResponseFormat::JsonSchema { name: "list".to_owned(), schema, strict: None });
    for (dialect, path) in DIALECTS {
        let answer = ask(&handle, dialect, path, "big", &inference).await.unwrap();
        let value: Value = serde_json::from_str(&answer.text).unwrap();
        assert_eq!(value, json!({ "title": "simul", "count": 9, "items": [{ "kind": "a" }, { "kind": "a" }] }));
    }
}

#[tokio::test]
async fn reasoning_comes_when_asked_for_and_the_limit_of_tokens_holds() {
    let handle = simulator().await;
    for (dialect, path) in DIALECTS {
        let mut inference = question("Think hard.");
        inference.reasoning = Some(Reasoning { effort: Some("high".to_owned()), ..Reasoning::default() });
        let answer = ask(&handle, dialect, path, "claude-sonnet-4-5", &inference).await.unwrap();
        assert!(answer.reasoning.contains("simulated"), "{dialect:?}");

        inference.reasoning = None;
        inference.sampling = Sampling { max_tokens: Some(7), ..Sampling::default() };
        let short = ask(&handle, dialect, path, "big", &inference).await.unwrap();
        assert_eq!((short.finish, short.usage.completion_tokens), (Some(FinishReason::Length), Some(7)), "{dialect:?}");
    }
}

#[tokio::test]
async fn faults_are_seen_as_what_they_are() {
    let handle = simulator().await;
    for (dialect, path) in DIALECTS {
        let inference = question("Hello");
        let fault = |name: &'static str| {
            let (handle, inference) = (&handle, &inference);
            async move { ask(handle, dialect, path, &format!("fault/{name}"), inference).await }
        };
        assert_eq!(fault("429-retry-after").await.unwrap_err().kind, FaultKind::RateLimited, "{dialect:?}");
        assert_eq!(fault("401").await.unwrap_err().kind, FaultKind::OurCredential, "{dialect:?}");
        assert_eq!(fault("context-length").await.unwrap_err().kind, FaultKind::ContextLength, "{dialect:?}");
        assert!(fault("500").await.unwrap_err().kind.is_retriable(), "{dialect:?}");
        assert!(fault("garbage").await.is_err() && fault("cut-after-2").await.is_err(), "{dialect:?}");
        assert!(fault("flaky-1").await.is_err(), "{dialect:?}");
        assert!(fault("flaky-1").await.is_ok(), "{dialect:?}: once is enough");

        let inference = Inference { is_streamed: true, ..inference.clone() };
        for name in ["garbage", "cut-after-3", "error-chunk"] {
            let result = ask(&handle, dialect, path, &format!("fault/{name}"), &inference).await;
            assert!(result.is_err(), "{dialect:?} {name}: {result:?}");
        }
    }
    let inference = question("Hello [[fault:503]]");
    let (dialect, path) = DIALECTS[0];
    assert!(ask(&handle, dialect, path, "big", &inference).await.is_err(), "the prompt can ask for a fault");
}

#[test]
fn a_tool_loop_that_lost_its_thoughts_is_refused_as_the_real_one_does() {
    let body = |asked: Value| {
        let result = json!([{ "type": "tool_result", "tool_use_id": "t", "content": "17" }]);
        json!({ "thinking": { "type": "enabled", "budget_tokens": 1024 }, "messages": [
            { "role": "user", "content": "Paris?" },
            { "role": "assistant", "content": asked },
            { "role": "user", "content": result },
        ] })
    };
    let call = json!({ "type": "tool_use", "id": "t", "name": "f", "input": {} });
    let thought = |signature: &str| json!({ "type": "thinking", "thinking": "Hm.", "signature": signature });
    assert_eq!(messages::objection(&body(json!([thought("c2ltdWxhdGVk"), call]))), None);
    assert!(messages::objection(&body(json!([call]))).is_some_and(|words| words.starts_with("Expected `thinking`")));
    assert!(messages::objection(&body(json!([thought("foreign"), call]))).is_some_and(|w| w.contains("signature")));

    let contents = |signature: Value| {
        json!({ "contents": [
            { "role": "user", "parts": [{ "text": "Paris?" }] },
            { "role": "model", "parts": [{ "functionCall": { "name": "f" }, "thoughtSignature": signature }] },
            { "role": "user", "parts": [{ "functionResponse": { "name": "f", "response": {} } }] },
        ] })
    };
    assert_eq!(gemini::objection(&contents(json!("c2ltdWxhdGVk"))), None);
    assert_eq!(gemini::objection(&contents(json!("skip_thought_signature_validator"))), None);
    assert!(gemini::objection(&contents(Value::Null)).is_some_and(|words| words.contains("missing")));
    assert!(gemini::objection(&contents(json!("foreign"))).is_some_and(|words| words.contains("not valid")));
}

#[test]
fn googles_other_spelling_is_understood_and_names_of_callers_stay() {
    let body = json!({ "tools": [{ "function_declarations": [{ "name": "f",
        "parameters_json_schema": { "properties": { "user_id": {} } } }] }] });
    let camel = json!({ "tools": [{ "functionDeclarations": [{ "name": "f",
        "parametersJsonSchema": { "properties": { "user_id": {} } } }] }] });
    assert_eq!(gemini::camel_cased(body), camel);
}

#[tokio::test]
async fn a_dropped_handle_stops_a_hanging_request() {
    let handle = simulator().await;
    let inference = question("Hello");
    let request = ask(&handle, DIALECTS[0].0, DIALECTS[0].1, "fault/hang", &inference);
    let (result, ()) = tokio::join!(request, async {
        while handle.request_count() == 0 {
            tokio::task::yield_now().await;
        }
        handle.shutdown();
    });
    assert!(result.is_err());
}
