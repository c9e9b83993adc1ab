//! OpenAI chat completions.

use axum::extract::State;
use axum::http::{HeaderMap, Uri};
use axum::response::Response;
use serde_json::{Value, json};

use super::Simulator;
use super::answer::{Answer, Ask, Call, Role, Stop, Tool, ToolChoice, Turn, Usage};
use super::fault::Fault;
use super::reply::{JsonBody, Protocol, data, fragments, pieces};

pub async fn complete(
    State(simulator): State<Simulator>,
    uri: Uri,
    headers: HeaderMap,
    JsonBody(body): JsonBody,
) -> Response {
    let ask = read(&body);
    let protocol = Chat { wants_usage: body.pointer("/stream_options/include_usage") == Some(&Value::Bool(true)) };
    let is_valid = !ask.model.is_empty() && body.get("messages").is_some_and(Value::is_array);
    let fault = simulator.admit(&uri, &headers, &ask, body);
    let fault = if is_valid { fault } else { Some(Fault::Status { code: 400, retry_after_s: None }) };
    simulator.reply(&protocol, &ask, fault).await
}

fn read(body: &Value) -> Ask {
    let text = |pointer: &str| body.pointer(pointer).and_then(Value::as_str);
    let format = text("/response_format/type");
    let effort = text("/reasoning_effort").or_else(|| text("/reasoning/effort"));
    let model = text("/model").unwrap_or_default();
    Ask {
        model: model.to_owned(),
        is_streamed: body.get("stream") == Some(&Value::Bool(true)),
        turns: list(body, "messages").iter().map(turn).collect(),
        tools: list(body, "tools").iter().filter_map(tool).collect(),
        tool_choice: match body.get("tool_choice") {
            Some(Value::String(choice)) if choice == "none" => ToolChoice::None,
            Some(Value::String(choice)) if choice == "required" || choice == "any" => ToolChoice::Required,
            Some(choice @ Value::Object(_)) => choice
                .pointer("/function/name")
                .and_then(Value::as_str)
                .map_or(ToolChoice::Required, |name| ToolChoice::Named(name.to_owned())),
            _ => ToolChoice::Auto,
        },
        schema: body.pointer("/response_format/json_schema/schema").filter(|_| format == Some("json_schema")).cloned(),
        wants_json: format == Some("json_object"),
        wants_reasoning: effort.is_some_and(|effort| effort != "none") || model.contains("reasoning"),
        max_tokens: ["max_completion_tokens", "max_tokens"].iter().find_map(|name| body.get(*name)?.as_u64()),
        stop: match body.get("stop") {
            Some(Value::String(one)) => vec![one.clone()],
            Some(Value::Array(many)) => many.iter().filter_map(Value::as_str).map(str::to_owned).collect(),
            _ => Vec::new(),
        },
    }
}

pub fn list<'a>(body: &'a Value, name: &str) -> &'a [Value] {
    body.get(name).and_then(Value::as_array).map_or(&[], Vec::as_slice)
}

fn turn(message: &Value) -> Turn {
    let role = match message.get("role").and_then(Value::as_str) {
        Some("system" | "developer") => Role::System,
        Some("assistant") => Role::Assistant,
        Some("tool") => Role::Tool,
        _ => Role::User,
    };
    match message.get("content") {
        Some(Value::String(text)) => Turn { role, text: text.clone(), images: 0 },
        Some(Value::Array(parts)) => Turn {
            role,
            text: parts.iter().filter_map(|part| part.get("text")?.as_str()).collect::<Vec<_>>().join("\n"),
            images: parts.iter().filter(|part| part.get("image_url").is_some()).count(),
        },
        _ => Turn { role, ..Turn::default() },
    }
}

fn tool(tool: &Value) -> Option<Tool> {
    let function = tool.get("function")?;
    let schema = function.get("parameters").cloned().unwrap_or_else(|| json!({ "type": "object" }));
    Some(Tool { name: function.get("name")?.as_str()?.to_owned(), schema })
}

pub struct Chat {
    pub wants_usage: bool,
}

impl Protocol for Chat {
    fn whole(&self, ask: &Ask, answer: &Answer) -> Value {
        let mut message = json!({ "role": "assistant", "content": content(answer), "refusal": null });
        if let Some(reasoning) = &answer.reasoning {
            message["reasoning_content"] = json!(reasoning);
        }
        if !answer.calls.is_empty() {
            message["tool_calls"] = answer.calls.iter().map(call).collect();
        }
        json!({
            "id": format!("chatcmpl-{}", answer.fingerprint), "object": "chat.completion", "created": 1_767_225_600,
            "model": ask.model, "system_fingerprint": "fp_simulated",
            "choices": [{ "index": 0, "message": message, "logprobs": null, "finish_reason": reason(answer.stop) }],
            "usage": usage(&answer.usage),
        })
    }

    fn frames(&self, ask: &Ask, answer: &Answer) -> Vec<String> {
        let chunk = |choices: Value| {
            json!({
                "id": format!("chatcmpl-{}", answer.fingerprint), "object": "chat.completion.chunk",
                "created": 1_767_225_600, "model": ask.model, "system_fingerprint": "fp_simulated", "choices": choices,
            })
        };
        let delta = |delta: Value, reason: Value| {
            data(&chunk(json!([{ "index": 0, "delta": delta, "logprobs": null, "finish_reason": reason }])))
        };
        let mut frames = vec![delta(json!({ "role": "assistant", "content": "" }), Value::Null)];
        for piece in pieces(answer.reasoning.as_deref().unwrap_or_default()) {
            frames.push(delta(json!({ "reasoning_content": piece }), Value::Null));
        }
        for piece in pieces(&answer.text) {
            frames.push(delta(json!({ "content": piece }), Value::Null));
        }
        for (index, made) in answer.calls.iter().enumerate() {
            let head = json!({ "index": index, "id": made.id, "type": "function",
                               "function": { "name": made.name, "arguments": "" } });
            frames.push(delta(json!({ "tool_calls": [head] }), Value::Null));
            for piece in fragments(&made.arguments) {
                let tail = json!({ "index": index, "function": { "arguments": piece } });
                frames.push(delta(json!({ "tool_calls": [tail] }), Value::Null));
            }
        }
        frames.push(delta(json!({}), json!(reason(answer.stop))));
        if self.wants_usage {
            let mut last = chunk(json!([]));
            last["usage"] = usage(&answer.usage);
            frames.push(data(&last));
        }
        frames.push("data: [DONE]\n\n".to_owned());
        frames
    }

    fn closing_frames(&self) -> usize {
        1
    }

    fn error(&self, _: u16, kind: &str, message: &str) -> Value {
        let (kind, code) = match kind {
            "context_length" => ("invalid_request_error", json!("context_length_exceeded")),
            "authentication" => ("invalid_request_error", json!("invalid_api_key")),
            "not_found" => ("invalid_request_error", json!("model_not_found")),
            "rate_limit" => ("requests", json!("rate_limit_exceeded")),
            "server" | "overloaded" | "timeout" => ("server_error", Value::Null),
            "billing" => ("insufficient_quota", json!("insufficient_quota")),
            _ => ("invalid_request_error", Value::Null),
        };
        json!({ "error": { "message": message, "type": kind, "param": null, "code": code } })
    }

    fn error_frame(&self, error: &Value) -> String {
        data(error)
    }
}

fn content(answer: &Answer) -> Value {
    if answer.text.is_empty() && !answer.calls.is_empty() { Value::Null } else { json!(answer.text) }
}

fn call(call: &Call) -> Value {
    json!({ "id": call.id, "type": "function",
            "function": { "name": call.name, "arguments": call.arguments.to_string() } })
}

fn reason(stop: Stop) -> &'static str {
    match stop {
        Stop::End => "stop",
        Stop::Length => "length",
        Stop::Tools => "tool_calls",
    }
}

fn usage(usage: &Usage) -> Value {
    json!({
        "prompt_tokens": usage.prompt, "completion_tokens": usage.completion,
        "total_tokens": usage.prompt.saturating_add(usage.completion),
        "prompt_tokens_details": { "cached_tokens": usage.cached, "audio_tokens": 0 },
        "completion_tokens_details": { "reasoning_tokens": usage.reasoning, "audio_tokens": 0 },
    })
}
