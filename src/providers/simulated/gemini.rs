//! Gemini `generateContent` and `streamGenerateContent`.

use axum::extract::{Path, State};
use axum::http::{HeaderMap, Uri};
use axum::response::Response;
use serde_json::{Value, json};

use super::answer::{Answer, Ask, Role, Stop, Tool, ToolChoice, Turn, Usage};
use super::chat::list;
use super::fault::Fault;
use super::reply::{JsonBody, Protocol, data, pieces};
use super::{Simulator, retrieval};

pub async fn generate(
    State(simulator): State<Simulator>,
    Path(call): Path<String>,
    uri: Uri,
    headers: HeaderMap,
    JsonBody(body): JsonBody,
) -> Response {
    let (model, method) = call.rsplit_once(':').unwrap_or((&call, ""));
    if method == "batchEmbedContents" {
        return retrieval::embed_batch(&simulator, &uri, &headers, model, body).await;
    }
    let body = camel_cased(body);
    let ask = read(&body, model, method == "streamGenerateContent");
    let is_known = matches!(method, "generateContent" | "streamGenerateContent");
    let is_valid = body.get("contents").is_some_and(Value::is_array);
    let objection = objection(&body).map(Fault::Invalid);
    let fault = simulator.admit(&uri, &headers, &ask, body);
    let fault = match (is_known, is_valid) {
        (false, _) => Some(Fault::Status { code: 404, retry_after_s: None }),
        (_, false) => Some(Fault::Status { code: 400, retry_after_s: None }),
        _ => objection.or(fault),
    };
    simulator.reply(&Gemini, &ask, fault).await
}

/// Signs every call.
const SIGNATURE: &str = "c2ltdWxhdGVk";

/// What Gemini 3 does not take either: a call of the running turn whose signature
/// is lost or was made elsewhere. The second value is for calls nobody signed.
pub(super) fn objection(body: &Value) -> Option<&'static str> {
    let contents = list(body, "contents");
    let is_result = |content: &Value| list(content, "parts").iter().any(|part| part.get("functionResponse").is_some());
    let turns = contents.iter().rev().take_while(|content| content["role"] == "model" || is_result(content));
    for content in turns {
        let signature = list(content, "parts").iter().find(|part| part.get("functionCall").is_some());
        match signature.map(|part| part["thoughtSignature"].as_str()) {
            Some(None) => return Some("Function call is missing a thought_signature in functionCall parts."),
            Some(Some(SIGNATURE | "skip_thought_signature_validator")) | None => {}
            Some(Some(_)) => return Some("Thought signature is not valid."),
        }
    }
    None
}

fn read(body: &Value, model: &str, is_streamed: bool) -> Ask {
    let config = |name: &str| body.get("generationConfig").and_then(|config| config.get(name));
    let mut turns: Vec<Turn> = Vec::new();
    if let Some(system) = body.get("systemInstruction") {
        turns.push(Turn { role: Role::System, ..turn(system) });
    }
    turns.extend(list(body, "contents").iter().map(turn));
    let functions = list(body, "tools").iter().flat_map(|tool| list(tool, "functionDeclarations"));
    let tools = functions.filter_map(|function| {
        let schema = function.get("parametersJsonSchema").or_else(|| function.get("parameters"));
        let schema = schema.map_or_else(|| json!({ "type": "object" }), lower_types);
        Some(Tool { name: function.get("name")?.as_str()?.to_owned(), schema })
    });
    let calling = body.pointer("/toolConfig/functionCallingConfig");
    let schema = config("responseJsonSchema").or_else(|| config("responseSchema")).map(lower_types);
    Ask {
        model: model.to_owned(),
        is_streamed,
        turns,
        tools: tools.collect(),
        tool_choice: match calling.and_then(|calling| calling.get("mode")?.as_str()) {
            Some("NONE") => ToolChoice::None,
            Some("ANY") => calling
                .and_then(|calling| list(calling, "allowedFunctionNames").first()?.as_str())
                .map_or(ToolChoice::Required, |name| ToolChoice::Named(name.to_owned())),
            _ => ToolChoice::Auto,
        },
        wants_json: schema.is_none() && config("responseMimeType") == Some(&json!("application/json")),
        schema,
        wants_reasoning: config("thinkingConfig").is_some_and(|thinking| thinking["includeThoughts"] == true),
        max_tokens: config("maxOutputTokens").and_then(Value::as_u64),
        stop: config("stopSequences")
            .and_then(Value::as_array)
            .into_iter()
            .flatten()
            .filter_map(Value::as_str)
            .map(str::to_owned)
            .collect(),
    }
}

/// Google takes `snake_case` names as well, and its own clients mix both. What callers
/// name themselves stays as it is.
pub(super) fn camel_cased(body: Value) -> Value {
    const FREE: [&str; 6] =
        ["parameters", "parametersJsonSchema", "responseSchema", "responseJsonSchema", "args", "response"];
    match body {
        Value::Object(fields) => {
            let renamed = fields.into_iter().map(|(name, value)| {
                let mut words = name.split('_');
                let first = words.next().unwrap_or_default().to_owned();
                let name = words.fold(first, |name, word| {
                    let mut letters = word.chars();
                    let capital = letters.next().map(|letter| letter.to_ascii_uppercase());
                    name.chars().chain(capital).chain(letters).collect()
                });
                let value = if FREE.contains(&name.as_str()) { value } else { camel_cased(value) };
                (name, value)
            });
            Value::Object(renamed.collect())
        }
        Value::Array(items) => items.into_iter().map(camel_cased).collect(),
        other => other,
    }
}

/// `STRING` is `string` in JSON Schema.
fn lower_types(schema: &Value) -> Value {
    match schema {
        Value::Object(fields) => {
            let lowered = fields.iter().map(|(name, value)| match value {
                Value::String(kind) if name == "type" => (name.clone(), json!(kind.to_ascii_lowercase())),
                other => (name.clone(), lower_types(other)),
            });
            Value::Object(lowered.collect())
        }
        Value::Array(items) => items.iter().map(lower_types).collect(),
        other => other.clone(),
    }
}

fn turn(content: &Value) -> Turn {
    let parts = list(content, "parts");
    if let Some(result) = parts.iter().rev().find_map(|part| part.get("functionResponse")) {
        return Turn { role: Role::Tool, text: result["response"].to_string(), images: 0 };
    }
    let is_model = content.get("role").and_then(Value::as_str) == Some("model");
    Turn {
        role: if is_model { Role::Assistant } else { Role::User },
        text: parts.iter().filter_map(|part| part.get("text")?.as_str()).collect::<Vec<_>>().join("\n"),
        images: parts.iter().filter(|p| p.get("inlineData").is_some() || p.get("fileData").is_some()).count(),
    }
}

pub struct Gemini;

impl Protocol for Gemini {
    fn whole(&self, ask: &Ask, answer: &Answer) -> Value {
        let mut parts = Vec::new();
        if let Some(thought) = &answer.reasoning {
            parts.push(json!({ "text": thought, "thought": true }));
        }
        if !answer.text.is_empty() {
            parts.push(json!({ "text": answer.text }));
        }
        parts.extend(calls(answer));
        body(ask, answer, &parts, Some(reason(answer.stop)))
    }

    fn frames(&self, ask: &Ask, answer: &Answer) -> Vec<String> {
        let mut parts: Vec<Value> = Vec::new();
        for piece in pieces(answer.reasoning.as_deref().unwrap_or_default()) {
            parts.push(json!({ "text": piece, "thought": true }));
        }
        parts.extend(pieces(&answer.text).into_iter().map(|piece| json!({ "text": piece })));
        parts.extend(calls(answer));
        let last = parts.pop().unwrap_or_else(|| json!({ "text": "" }));
        let mut frames: Vec<String> =
            parts.iter().map(|part| data(&body(ask, answer, std::slice::from_ref(part), None))).collect();
        frames.push(data(&body(ask, answer, &[last], Some(reason(answer.stop)))));
        frames
    }

    fn closing_frames(&self) -> usize {
        1
    }

    fn error(&self, status: u16, kind: &str, message: &str) -> Value {
        let name = match kind {
            "authentication" => "UNAUTHENTICATED",
            "permission" => "PERMISSION_DENIED",
            "not_found" => "NOT_FOUND",
            "rate_limit" | "billing" => "RESOURCE_EXHAUSTED",
            "overloaded" => "UNAVAILABLE",
            "timeout" => "DEADLINE_EXCEEDED",
            "server" => "INTERNAL",
            _ => "INVALID_ARGUMENT",
        };
        json!({ "error": { "code": status, "message": message, "status": name } })
    }

    fn error_frame(&self, error: &Value) -> String {
        data(error)
    }
}

fn calls(answer: &Answer) -> impl Iterator<Item = Value> {
    answer.calls.iter().map(
        |call| json!({ "functionCall": { "name": call.name, "args": call.arguments }, "thoughtSignature": SIGNATURE }),
    )
}

fn body(ask: &Ask, answer: &Answer, parts: &[Value], reason: Option<&str>) -> Value {
    let mut candidate = json!({ "content": { "parts": parts, "role": "model" }, "index": 0 });
    if let Some(reason) = reason {
        candidate["finishReason"] = json!(reason);
    }
    json!({ "candidates": [candidate], "usageMetadata": usage(&answer.usage), "modelVersion": ask.model,
            "responseId": answer.fingerprint })
}

/// Function calls end with `STOP` here too.
fn reason(stop: Stop) -> &'static str {
    match stop {
        Stop::End | Stop::Tools => "STOP",
        Stop::Length => "MAX_TOKENS",
    }
}

/// `candidatesTokenCount` leaves the thoughts out.
fn usage(usage: &Usage) -> Value {
    json!({
        "promptTokenCount": usage.prompt, "cachedContentTokenCount": usage.cached,
        "candidatesTokenCount": usage.completion.saturating_sub(usage.reasoning),
        "thoughtsTokenCount": usage.reasoning,
        "totalTokenCount": usage.prompt.saturating_add(usage.completion),
    })
}
