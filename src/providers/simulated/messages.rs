//! Anthropic Messages.

use axum::extract::State;
use axum::http::{HeaderMap, Uri};
use axum::response::Response;
use serde_json::{Value, json};

use super::Simulator;
use super::answer::{Answer, Ask, Role, Stop, Tool, ToolChoice, Turn, Usage};
use super::chat::list;
use super::fault::Fault;
use super::reply::{JsonBody, Protocol, fragments, pieces};

pub async fn create(
    State(simulator): State<Simulator>,
    uri: Uri,
    headers: HeaderMap,
    JsonBody(body): JsonBody,
) -> Response {
    let ask = read(&body);
    // The real one insists on these as well.
    let is_valid = !ask.model.is_empty() && ask.max_tokens.is_some() && headers.contains_key("anthropic-version");
    let objection = objection(&body).map(Fault::Invalid);
    let fault = simulator.admit(&uri, &headers, &ask, body);
    let fault = if is_valid { objection.or(fault) } else { Some(Fault::Status { code: 400, retry_after_s: None }) };
    simulator.reply(&Messages, &ask, fault).await
}

/// Signs every thought.
const SIGNATURE: &str = "c2ltdWxhdGVk";

/// What the real one does not take either while it thinks: a tool loop without the
/// thoughts that began it, foreign signatures, a forced tool.
pub(super) fn objection(body: &Value) -> Option<&'static str> {
    let messages = list(body, "messages");
    let thoughts = messages.iter().flat_map(|message| list(message, "content")).filter(|b| b["type"] == "thinking");
    if thoughts.into_iter().any(|thought| thought["signature"] != SIGNATURE) {
        return Some("Invalid `signature` in `thinking` block");
    }
    let thinking = body.pointer("/thinking/type").and_then(Value::as_str);
    if !matches!(thinking, Some("enabled" | "adaptive")) {
        return None;
    }
    if matches!(body.pointer("/tool_choice/type").and_then(Value::as_str), Some("any" | "tool")) {
        return Some("Thinking may not be enabled when tool_choice forces tool use.");
    }
    let is_loop = messages.last().is_some_and(|last| list(last, "content").iter().any(|b| b["type"] == "tool_result"));
    let asked = messages.iter().rfind(|message| message["role"] == "assistant")?;
    let opens = list(asked, "content").first().and_then(|block| block["type"].as_str()).unwrap_or("text");
    let is_lost = is_loop && thinking == Some("enabled") && !matches!(opens, "thinking" | "redacted_thinking");
    is_lost.then_some("Expected `thinking` or `redacted_thinking`, but found another block. When `thinking` is enabled, a final `assistant` message must start with a thinking block.")
}

fn read(body: &Value) -> Ask {
    let text = |pointer: &str| body.pointer(pointer).and_then(Value::as_str);
    let mut turns: Vec<Turn> = Vec::new();
    if let Some(system) = body.get("system") {
        turns.push(Turn { role: Role::System, text: flat(system), images: 0 });
    }
    turns.extend(list(body, "messages").iter().map(turn));
    let tools = list(body, "tools").iter().filter_map(|tool| {
        Some(Tool { name: tool.get("name")?.as_str()?.to_owned(), schema: tool.get("input_schema")?.clone() })
    });
    let format = ["/output_config/format/schema", "/output_format/schema"];
    Ask {
        model: text("/model").unwrap_or_default().to_owned(),
        is_streamed: body.get("stream") == Some(&Value::Bool(true)),
        turns,
        tools: tools.collect(),
        tool_choice: match text("/tool_choice/type") {
            Some("none") => ToolChoice::None,
            Some("any") => ToolChoice::Required,
            Some("tool") => ToolChoice::Named(text("/tool_choice/name").unwrap_or_default().to_owned()),
            _ => ToolChoice::Auto,
        },
        schema: format.iter().find_map(|pointer| body.pointer(pointer)).cloned(),
        wants_json: false,
        wants_reasoning: matches!(text("/thinking/type"), Some("enabled" | "adaptive")),
        max_tokens: body.get("max_tokens").and_then(Value::as_u64),
        stop: list(body, "stop_sequences").iter().filter_map(Value::as_str).map(str::to_owned).collect(),
    }
}

fn flat(content: &Value) -> String {
    match content {
        Value::String(text) => text.clone(),
        Value::Array(blocks) => {
            let texts = blocks.iter().filter_map(|block| block.get("text").and_then(Value::as_str));
            texts.collect::<Vec<_>>().join("\n")
        }
        _ => String::new(),
    }
}

fn turn(message: &Value) -> Turn {
    let content = message.get("content").unwrap_or(&Value::Null);
    let is = |kind: &str| list(message, "content").iter().filter(|b| b["type"] == kind).collect::<Vec<_>>();
    let results = is("tool_result");
    if let Some(result) = results.last() {
        return Turn { role: Role::Tool, text: flat(result.get("content").unwrap_or(&Value::Null)), images: 0 };
    }
    let is_assistant = message.get("role").and_then(Value::as_str) == Some("assistant");
    let role = if is_assistant { Role::Assistant } else { Role::User };
    Turn { role, text: flat(content), images: is("image").len() }
}

struct Messages;

impl Protocol for Messages {
    fn whole(&self, ask: &Ask, answer: &Answer) -> Value {
        let mut message = head(ask, answer);
        message["content"] = blocks(answer).into();
        message["stop_reason"] = json!(reason(answer.stop));
        message["usage"] = usage(&answer.usage, answer.usage.completion);
        message
    }

    fn frames(&self, ask: &Ask, answer: &Answer) -> Vec<String> {
        let mut message = head(ask, answer);
        message["usage"] = usage(&answer.usage, 1);
        let mut frames = vec![event("message_start", json!({ "message": message })), event("ping", json!({}))];
        for (index, block) in blocks(answer).into_iter().enumerate() {
            let mut empty = block.clone();
            let mut deltas: Vec<Value> = Vec::new();
            let words = |name: &str| pieces(block[name].as_str().unwrap_or_default());
            match block["type"].as_str() {
                Some("thinking") => {
                    (empty["thinking"], empty["signature"]) = (json!(""), json!(""));
                    deltas.extend(words("thinking").iter().map(|p| json!({ "type": "thinking_delta", "thinking": p })));
                    deltas.push(json!({ "type": "signature_delta", "signature": block["signature"] }));
                }
                Some("tool_use") => {
                    empty["input"] = json!({});
                    let input = fragments(&block["input"]);
                    deltas.extend(input.iter().map(|p| json!({ "type": "input_json_delta", "partial_json": p })));
                }
                _ => {
                    empty["text"] = json!("");
                    deltas.extend(words("text").iter().map(|p| json!({ "type": "text_delta", "text": p })));
                }
            }
            frames.push(event("content_block_start", json!({ "index": index, "content_block": empty })));
            for delta in deltas {
                frames.push(event("content_block_delta", json!({ "index": index, "delta": delta })));
            }
            frames.push(event("content_block_stop", json!({ "index": index })));
        }
        let end = json!({ "delta": { "stop_reason": reason(answer.stop), "stop_sequence": null },
                          "usage": usage(&answer.usage, answer.usage.completion) });
        frames.push(event("message_delta", end));
        frames.push(event("message_stop", json!({})));
        frames
    }

    fn closing_frames(&self) -> usize {
        1
    }

    fn error(&self, _: u16, kind: &str, message: &str) -> Value {
        let kind = match kind {
            "authentication" => "authentication_error",
            "billing" => "billing_error",
            "permission" => "permission_error",
            "not_found" => "not_found_error",
            "rate_limit" => "rate_limit_error",
            "too_large" => "request_too_large",
            "overloaded" => "overloaded_error",
            "timeout" => "timeout_error",
            "server" => "api_error",
            _ => "invalid_request_error",
        };
        json!({ "type": "error", "error": { "type": kind, "message": message }, "request_id": "req_simulated" })
    }

    fn error_frame(&self, error: &Value) -> String {
        format!("event: error\ndata: {error}\n\n")
    }
}

fn head(ask: &Ask, answer: &Answer) -> Value {
    json!({ "id": format!("msg_{}", answer.fingerprint), "type": "message", "role": "assistant", "model": ask.model,
            "content": [], "stop_reason": null, "stop_sequence": null })
}

fn blocks(answer: &Answer) -> Vec<Value> {
    let mut blocks = Vec::new();
    if let Some(thinking) = &answer.reasoning {
        blocks.push(json!({ "type": "thinking", "thinking": thinking, "signature": SIGNATURE }));
    }
    if !answer.text.is_empty() {
        blocks.push(json!({ "type": "text", "text": answer.text }));
    }
    for call in &answer.calls {
        let id = call.id.replace("call_", "toolu_");
        blocks.push(json!({ "type": "tool_use", "id": id, "name": call.name, "input": call.arguments }));
    }
    blocks
}

fn event(kind: &str, mut fields: Value) -> String {
    fields["type"] = json!(kind);
    format!("event: {kind}\ndata: {fields}\n\n")
}

fn reason(stop: Stop) -> &'static str {
    match stop {
        Stop::End => "end_turn",
        Stop::Length => "max_tokens",
        Stop::Tools => "tool_use",
    }
}

/// `input_tokens` leaves the cached ones out here.
fn usage(usage: &Usage, output: u64) -> Value {
    json!({ "input_tokens": usage.prompt.saturating_sub(usage.cached), "cache_creation_input_tokens": 0,
            "cache_read_input_tokens": usage.cached, "output_tokens": output,
            "output_tokens_details": { "thinking_tokens": usage.reasoning.min(output) } })
}
