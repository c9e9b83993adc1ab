//! Requests.

use serde_json::{Value, json};

use super::*;
use crate::dialects::chat_completions::parse::parse;

fn encoded(body: &Value) -> Result<Value, Untranslatable> {
    let quirks = Quirks::default();
    let target = Target { model: "qwen3", max_output_tokens: None, quirks: &quirks };
    let request = Ollama.encode(&target, &parse(body.to_string().as_bytes()).unwrap())?;
    assert_eq!(request.path, "/chat");
    Ok(serde_json::from_slice(&request.body).unwrap())
}

fn ask(text: &str) -> Value {
    json!({ "model": "m", "messages": [{ "role": "user", "content": text }] })
}

#[test]
fn the_context_is_always_larger_than_the_prompt() {
    let short = encoded(&ask("hi")).unwrap();
    assert_eq!((&short["options"]["num_ctx"], &short["stream"]), (&json!(4_096), &json!(false)));
    assert_eq!(short["truncate"], json!(false), "what does not fit is an error");
    let long = encoded(&ask(&"word ".repeat(20_000))).unwrap();
    assert_eq!(long["options"]["num_ctx"], json!(65_536));
}

#[test]
fn results_name_their_tool_and_arguments_are_objects() {
    let body = encoded(&json!({ "model": "m", "messages": [
        { "role": "user", "content": [{ "type": "text", "text": "a" },
                                      { "type": "image_url", "image_url": { "url": "data:image/png;base64,QUFB" } }] },
        { "role": "assistant", "tool_calls": [{ "id": "c1", "type": "function", "function": { "name": "f", "arguments": "{\"x\":1}" } }] },
        { "role": "tool", "tool_call_id": "c1", "content": "b" },
    ] }))
    .unwrap();
    assert_eq!(body["messages"][0]["images"], json!(["QUFB"]), "bare base64");
    assert_eq!(body["messages"][1]["tool_calls"][0]["function"]["arguments"], json!({ "x": 1 }));
    assert_eq!(body["messages"][2]["tool_name"], "f");
}

#[test]
fn options_stand_apart_and_a_schema_is_the_format() {
    let mut body = ask("hi");
    body["max_tokens"] = json!(7);
    body["stop"] = json!(["END"]);
    body["reasoning"] = json!({ "effort": "high" });
    body["response_format"] =
        json!({ "type": "json_schema", "json_schema": { "name": "S", "schema": { "type": "object" } } });
    let sent = encoded(&body).unwrap();
    assert_eq!((&sent["options"]["num_predict"], &sent["options"]["stop"]), (&json!(7), &json!(["END"])));
    assert_eq!((&sent["format"], &sent["think"]), (&json!({ "type": "object" }), &json!("high")));
    body["reasoning"] = json!({ "enabled": true });
    assert_eq!(encoded(&body).unwrap()["think"], json!(true));
}

#[test]
fn logprobs_are_asked_for_and_come_in_openais_shape() {
    use app::types::sse::ServerSentEvent;
    let mut body = ask("hi");
    body["logprobs"] = json!(true);
    body["top_logprobs"] = json!(1);
    let sent = encoded(&body).unwrap();
    assert_eq!((&sent["logprobs"], &sent["top_logprobs"]), (&json!(true), &json!(1)));
    assert_eq!(encoded(&ask("hi")).unwrap().get("logprobs"), None);
    let token = json!({ "token": "Hi", "logprob": -0.25, "bytes": [72, 105],
        "top_logprobs": [{ "token": "Hi", "logprob": -0.25, "bytes": [72, 105] }] });
    let data = json!({ "model": "m", "message": { "content": "Hi" }, "logprobs": [token], "done": false }).to_string();
    let (mut decoder, mut out) = (Ollama.decoder(&Quirks::default()), Vec::new());
    decoder.event(&ServerSentEvent { name: String::new(), data }, &mut out).unwrap();
    assert!(out.contains(&Delta::Logprobs { choice: 0, logprobs: json!({ "content": [token] }) }), "{out:?}");
}

#[test]
fn an_error_in_the_middle_is_a_fault() {
    use app::types::sse::ServerSentEvent;
    let mut decoder = Ollama.decoder(&Quirks::default());
    let data = "{\"error\":\"an error was encountered while running the model\"}".to_owned();
    let fault = decoder.event(&ServerSentEvent { name: String::new(), data }, &mut Vec::new()).unwrap_err();
    assert_eq!(fault.message, "an error was encountered while running the model");
}
