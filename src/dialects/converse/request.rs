//! The request body.

use serde::Serialize;
use serde_json::{Value, json};

use super::blocks::{cache_point, text};
use super::family::Family;
use super::history::{History, Turn, history};
use super::untranslatable;
use crate::dialects::inference::{Inference, ResponseFormat, Tool, ToolChoice};
use crate::dialects::{Target, Untranslatable};

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Body<'a> {
    messages: Vec<Turn>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    system: Vec<Value>,
    inference_config: Settings<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tool_config: Option<Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    output_config: Option<Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    additional_model_request_fields: Option<Value>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Settings<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    max_tokens: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    temperature: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    top_p: Option<f64>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    stop_sequences: Vec<&'a str>,
}

pub(super) fn body(target: &Target<'_>, inference: &Inference) -> Result<Vec<u8>, Untranslatable> {
    if inference.sampling.n.is_some_and(|n| n > 1) {
        return Err(untranslatable("n", "Bedrock gives one answer per request"));
    }
    let family = Family::of(target.model);
    let mut history = history(&inference.messages, family.caches())?;
    if matches!(inference.response_format, Some(ResponseFormat::JsonObject)) {
        history.system.push(text("Answer with one JSON object and nothing else."));
    }
    if let Some(mark) = inference.cache_control.as_ref().filter(|_| family.caches())
        && let Some(turn) = history.turns.iter_mut().rev().find(|turn| turn.role == "user")
    {
        turn.content.push(cache_point(mark));
    }
    let max_tokens = max_tokens(target, inference);
    let thinks = family.thinks(inference) && !history.is_thoughtless_loop();
    let sampling = &inference.sampling;
    let may_sample = family.may_sample(thinks);
    let temperature = sampling.temperature.filter(|_| may_sample).map(|temperature| temperature.min(1.0));
    let body = Body {
        inference_config: Settings {
            max_tokens,
            temperature,
            top_p: sampling.top_p.filter(|_| may_sample && !(temperature.is_some() && family.wants_one_sampler())),
            // Sequences of white space alone are refused.
            stop_sequences: sampling.stop.iter().map(String::as_str).filter(|stop| !stop.trim().is_empty()).collect(),
        },
        tool_config: tool_config(inference, &history, family, thinks)?,
        output_config: output_config(inference)?,
        additional_model_request_fields: family.own_fields(inference, max_tokens, thinks),
        messages: history.turns,
        system: history.system,
    };
    serde_json::to_vec(&body).map_err(|error| untranslatable("body", error))
}

fn max_tokens(target: &Target<'_>, inference: &Inference) -> Option<u64> {
    let limit = target.max_output_tokens.and_then(|limit| u64::try_from(limit).ok()).filter(|limit| *limit > 0);
    match (inference.max_tokens(), limit) {
        (Some(wish), Some(limit)) => Some(wish.min(limit)),
        (wish, limit) => wish.or(limit),
    }
}

fn output_config(inference: &Inference) -> Result<Option<Value>, Untranslatable> {
    match &inference.response_format {
        Some(ResponseFormat::JsonSchema { name, schema, .. }) => {
            // The schema goes as text.
            let structure = json!({ "jsonSchema": { "name": name, "schema": schema.to_string() } });
            Ok(Some(json!({ "textFormat": { "type": "json_schema", "structure": structure } })))
        }
        Some(ResponseFormat::Other(_)) => Err(untranslatable("response_format", "Bedrock knows JSON schemas only")),
        Some(ResponseFormat::Text | ResponseFormat::JsonObject) | None => Ok(None),
    }
}

fn tool_config(
    inference: &Inference,
    history: &History,
    family: Family,
    thinks: bool,
) -> Result<Option<Value>, Untranslatable> {
    let mut tools = Vec::with_capacity(inference.tools.len());
    for (index, tool) in inference.tools.iter().enumerate() {
        if tool.other.is_some() {
            return Err(untranslatable(format!("tools[{index}].type"), "only functions can be translated for Bedrock"));
        }
        tools.push(spec(tool));
        tools.extend(tool.cache_control.as_ref().filter(|_| family.caches()).map(cache_point));
    }
    let is_refused = inference.tool_choice == Some(ToolChoice::None);
    if is_refused && history.called.is_empty() {
        // There is no word for "none": what is not offered is not called.
        return Ok(None);
    }
    if tools.is_empty() {
        // Blocks of tools in the history are refused when no tools are declared.
        let schema = json!({ "json": { "type": "object" } });
        let declare = |name: &String| json!({ "toolSpec": { "name": name, "inputSchema": schema } });
        tools.extend(history.called.iter().map(declare));
    }
    if tools.is_empty() {
        return Ok(None);
    }
    let choice = match inference.tool_choice.as_ref().filter(|_| !inference.tools.is_empty()) {
        Some(ToolChoice::Required) if !thinks => Some(json!({ "any": {} })),
        Some(ToolChoice::Function(name)) if !thinks => Some(json!({ "tool": { "name": name } })),
        // A forced call leaves no time to think, which Claude refuses.
        Some(ToolChoice::Auto | ToolChoice::Required | ToolChoice::Function(_)) => Some(json!({ "auto": {} })),
        Some(ToolChoice::None) | None => None,
    };
    let mut config = json!({ "tools": tools });
    if let Some(choice) = choice {
        config["toolChoice"] = choice;
    }
    Ok(Some(config))
}

fn spec(tool: &Tool) -> Value {
    let mut schema = tool.parameters.clone().unwrap_or_else(|| json!({ "type": "object", "properties": {} }));
    if let Some(fields) = schema.as_object_mut()
        && !fields.contains_key("type")
    {
        fields.insert("type".to_owned(), Value::from("object"));
    }
    let mut spec = json!({ "name": tool.name, "inputSchema": { "json": schema } });
    // An empty description is refused.
    if let Some(description) = tool.description.as_deref().filter(|text| !text.is_empty()) {
        spec["description"] = Value::from(description);
    }
    json!({ "toolSpec": spec })
}
