//! What of the request a response object repeats. The SDKs want most of it to be there.

use serde_json::{Map, Value, json};

use crate::dialects::Inference;

/// The fields, and what stands there when the caller sent nothing.
fn defaults() -> [(&'static str, Value); 21] {
    [
        ("background", json!(false)),
        ("frequency_penalty", Value::Null),
        ("instructions", Value::Null),
        ("max_output_tokens", Value::Null),
        ("max_tool_calls", Value::Null),
        ("metadata", json!({})),
        ("parallel_tool_calls", json!(true)),
        ("presence_penalty", Value::Null),
        ("previous_response_id", Value::Null),
        ("prompt_cache_key", Value::Null),
        ("reasoning", json!({ "effort": null, "summary": null })),
        ("safety_identifier", Value::Null),
        ("service_tier", Value::Null),
        ("store", json!(false)),
        ("temperature", Value::Null),
        ("text", json!({ "format": { "type": "text" } })),
        ("tool_choice", json!("auto")),
        ("tools", json!([])),
        ("top_p", Value::Null),
        ("truncation", json!("disabled")),
        ("user", Value::Null),
    ]
}

/// The part of the response object that does not change while it is written.
pub(super) fn echo(inference: &Inference) -> Map<String, Value> {
    let sent = |name: &str| {
        let raw = inference.native.as_ref()?.fields.get(name)?;
        serde_json::from_str::<Value>(raw.get()).ok().filter(|value| !value.is_null())
    };
    let mut echo: Map<String, Value> =
        defaults().into_iter().map(|(name, default)| (name.to_owned(), sent(name).unwrap_or(default))).collect();
    if let Some(top_logprobs) = sent("top_logprobs") {
        echo.insert("top_logprobs".to_owned(), top_logprobs);
    }
    complete(&mut echo);
    echo
}

/// Adds what callers may leave out of these objects and readers of the answer rely on.
fn complete(echo: &mut Map<String, Value>) {
    let is_function = |tool: &Value| tool.get("type").is_some_and(|kind| kind == "function");
    if let Some(tools) = echo.get_mut("tools").and_then(Value::as_array_mut) {
        for tool in tools.iter_mut().filter(|tool| is_function(tool)).filter_map(Value::as_object_mut) {
            for name in ["description", "parameters", "strict"] {
                tool.entry(name).or_insert(Value::Null);
            }
        }
    }
    let mut fill = |object: &str, name: &str, value: Value| {
        if let Some(fields) = echo.get_mut(object).and_then(Value::as_object_mut) {
            fields.entry(name).or_insert(value);
        }
    };
    fill("text", "format", json!({ "type": "text" }));
    fill("reasoning", "effort", Value::Null);
    fill("reasoning", "summary", Value::Null);
}
