//! Requests.

use serde_json::{Value, json};

use super::*;
use crate::dialects::chat_completions::parse::parse;

fn encoded(body: &Value) -> Result<Value, Untranslatable> {
    let quirks = Quirks::default();
    let target = Target { model: "command-a-03-2025", max_output_tokens: Some(8_000), quirks: &quirks };
    let request = Cohere.encode(&target, &parse(body.to_string().as_bytes()).unwrap())?;
    assert_eq!(request.path, "/chat");
    Ok(serde_json::from_slice(&request.body).unwrap())
}

#[test]
fn parameters_have_coheres_names_and_limits() {
    let body = encoded(&json!({ "model": "m", "messages": [{ "role": "user", "content": "hi" }], "top_p": 1.0,
        "top_k": 900, "stop": "END", "max_tokens": 99_000, "frequency_penalty": -1.0, "seed": -3,
        "response_format": { "type": "json_schema", "json_schema": { "name": "S", "schema": { "type": "object" } } } }))
    .unwrap();
    assert_eq!((&body["p"], &body["k"], &body["max_tokens"]), (&json!(0.99), &json!(500), &json!(8_000)));
    assert_eq!((&body["stop_sequences"], &body["stream"]), (&json!(["END"]), &json!(false)));
    assert_eq!((&body["frequency_penalty"], &body["seed"]), (&json!(0.0), &json!(3)));
    assert_eq!(body["response_format"], json!({ "type": "json_object", "json_schema": { "type": "object" } }));
}

#[test]
fn one_forced_function_is_the_only_one_offered() {
    let tool = |name: &str| json!({ "type": "function", "function": { "name": name } });
    let body = encoded(&json!({ "model": "m", "messages": [{ "role": "user", "content": "hi" }],
        "tools": [tool("a"), tool("b")], "tool_choice": { "type": "function", "function": { "name": "b" } } }))
    .unwrap();
    assert_eq!(body["tools"].as_array().unwrap().len(), 1);
    assert_eq!((&body["tools"][0]["function"]["name"], &body["tool_choice"]), (&json!("b"), &json!("REQUIRED")));
}

#[test]
fn the_plan_before_calls_goes_back_as_the_plan() {
    let plan = json!({ "type": "reasoning.summary", "summary": "I will look.", "format": "cohere-v2", "index": 0 });
    let body = encoded(&json!({ "model": "m", "messages": [
        { "role": "user", "content": "hi" },
        { "role": "assistant", "content": null, "reasoning_details": [plan],
          "tool_calls": [{ "id": "f_1", "type": "function", "function": { "name": "f", "arguments": "" } }] },
        { "role": "tool", "tool_call_id": "f_1", "content": [
            { "type": "text", "text": "done" },
            { "type": "image_url", "image_url": { "url": "data:image/png;base64,QUFB" } } ] },
    ] }))
    .unwrap();
    assert_eq!(body["messages"][1]["tool_plan"], "I will look.");
    assert_eq!(body["messages"][1]["tool_calls"][0]["function"]["arguments"], "{}");
    assert_eq!(body["messages"][2]["content"], "done");
    assert_eq!(body["messages"][3]["content"][0]["type"], "image_url", "what a tool shows follows its result");
}

#[test]
fn files_of_text_become_documents_to_cite_from() {
    let file = |data: &str| {
        json!({ "model": "m", "messages": [{ "role": "user", "content": [
            { "type": "text", "text": "Read." },
            { "type": "file", "file": { "filename": "a.txt", "file_data": data } } ] }] })
    };
    let body = encoded(&file("data:text/plain;base64,aGVsbG8=")).unwrap();
    assert_eq!(body["documents"], json!([{ "id": "doc-0", "data": { "title": "a.txt", "text": "hello" } }]));
    let error = encoded(&file("data:application/pdf;base64,QUFB")).unwrap_err();
    assert_eq!(error.field, "messages[0].content[1].file");
}
