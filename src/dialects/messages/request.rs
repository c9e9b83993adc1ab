//! The request body.

use serde::Serialize;
use serde_json::{Value, json};

use super::blocks::Block;
use super::claude::Version;
use super::history::{History, Turn, history};
use super::untranslatable;
use crate::dialects::inference::{Inference, ResponseFormat, Tool, ToolChoice};
use crate::dialects::{Target, Untranslatable, reasoning};

/// The least the API accepts, and the most the original asks for, in tokens.
const THINKING_BUDGET: (u64, u64) = (1024, 128_000);
/// What every Claude since 3.5 can produce, for a model whose limit is unknown;
/// the API insists on a number.
const OUTPUT_LIMIT: u64 = 8192;

#[derive(Serialize)]
struct Body<'a> {
    model: &'a str,
    max_tokens: u64,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    system: &'a [Block<'a>],
    messages: &'a [Turn<'a>],
    #[serde(skip_serializing_if = "Vec::is_empty")]
    tools: Vec<AnyTool<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tool_choice: Option<Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    thinking: Option<Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    output_config: Option<Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    temperature: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    top_p: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    top_k: Option<u64>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    stop_sequences: Vec<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    metadata: Option<Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    cache_control: Option<&'a Value>,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    stream: bool,
}

/// A tool on the wire.
#[derive(Serialize)]
#[serde(untagged)]
enum AnyTool<'a> {
    Function(WireTool<'a>),
    /// One that Anthropic runs itself.
    Hosted(Value),
}

#[derive(Serialize)]
struct WireTool<'a> {
    name: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    description: Option<&'a str>,
    input_schema: Value,
    #[serde(skip_serializing_if = "Option::is_none")]
    cache_control: Option<&'a Value>,
}

/// How this request thinks.
struct Thinking {
    wish: Option<Value>,
    effort: Option<&'static str>,
    is_on: bool,
}

pub(super) fn body(target: &Target<'_>, inference: &Inference) -> Result<Vec<u8>, Untranslatable> {
    if inference.sampling.n.is_some_and(|n| n > 1) {
        return Err(untranslatable("n", "Claude gives one answer per request"));
    }
    let version = Version::of(target.model);
    let mut history = history(&inference.messages)?;
    if matches!(inference.response_format, Some(ResponseFormat::JsonObject)) {
        history.system.push(Block::text("Answer with one JSON object and nothing else."));
    }
    if history.is_prefilled() && version.refuses_prefill() {
        let last = inference.messages.len().saturating_sub(1);
        let reason = "this generation of Claude does not continue an answer that was begun for it";
        return Err(untranslatable(format!("messages[{last}]"), reason));
    }
    let max_tokens = max_tokens(target, inference);
    let thought = thinking(version, inference, max_tokens, &history);
    let mut output_config = schema(version, inference)?;
    if let Some(effort) = thought.effort {
        output_config.get_or_insert_with(|| json!({}))["effort"] = Value::from(effort);
    }
    let (tools, mut tool_choice) = tools(inference, &history, thought.is_on)?;
    let mut tools: Vec<AnyTool<'_>> = tools.into_iter().map(AnyTool::Function).collect();
    if let Some(search) = &inference.web_search {
        tools.push(AnyTool::Hosted(search.as_anthropic_tool()));
        if inference.tools.is_empty() {
            tool_choice = None;
        }
    }
    let sampling = &inference.sampling;
    let may_sample = !thought.is_on && !version.refuses_samplers();
    let temperature = sampling.temperature.filter(|_| may_sample).map(|temperature| temperature.min(1.0));
    let body = Body {
        model: target.model,
        max_tokens,
        system: &history.system,
        messages: &history.turns,
        tools,
        tool_choice,
        thinking: thought.wish,
        output_config,
        temperature,
        top_p: sampling.top_p.filter(|_| may_sample && !(temperature.is_some() && version.wants_one_sampler())),
        top_k: sampling.top_k.filter(|_| may_sample),
        // Sequences of white space alone are refused.
        stop_sequences: sampling.stop.iter().map(String::as_str).filter(|stop| !stop.trim().is_empty()).collect(),
        metadata: inference.user.as_ref().map(|user| json!({ "user_id": user })),
        cache_control: inference.cache_control.as_ref(),
        stream: inference.is_streamed,
    };
    serde_json::to_vec(&body).map_err(|error| untranslatable("body", error))
}

pub(super) fn max_tokens(target: &Target<'_>, inference: &Inference) -> u64 {
    let limit = target.max_output_tokens.and_then(|limit| u64::try_from(limit).ok()).filter(|limit| *limit > 0);
    match (inference.max_tokens(), limit) {
        (Some(wish), Some(limit)) => wish.min(limit),
        (Some(wish), None) => wish,
        (None, limit) => limit.unwrap_or(OUTPUT_LIMIT),
    }
}

fn thinking(version: Version, inference: &Inference, max_tokens: u64, history: &History<'_>) -> Thinking {
    let off = Thinking { wish: None, effort: None, is_on: false };
    let Some(wish) = &inference.reasoning else { return off };
    if reasoning::is_off(wish) && version.thinks_adaptively() {
        return Thinking { wish: Some(json!({ "type": "disabled" })), ..off };
    }
    // What was begun for the model leaves it no time to think before.
    if !wish.is_on() || history.is_thoughtless_loop() || history.is_prefilled() {
        return off;
    }
    if version.thinks_adaptively() {
        let effort = version.effort(reasoning::effort(wish, Some(max_tokens)));
        return Thinking { wish: Some(json!({ "type": "adaptive" })), effort: Some(effort), is_on: true };
    }
    let (least, most) = THINKING_BUDGET;
    let budget = reasoning::budget(wish, max_tokens).clamp(least, most).min(max_tokens.saturating_sub(1));
    // The caller's cap leaves no room to think.
    if budget < least {
        return off;
    }
    Thinking { wish: Some(json!({ "type": "enabled", "budget_tokens": budget })), effort: None, is_on: true }
}

fn schema(version: Version, inference: &Inference) -> Result<Option<Value>, Untranslatable> {
    match &inference.response_format {
        Some(ResponseFormat::JsonSchema { .. }) if !version.has_schemas() => {
            Err(untranslatable("response_format", "this generation of Claude cannot be held to a schema"))
        }
        Some(ResponseFormat::JsonSchema { schema, .. }) => {
            Ok(Some(json!({ "format": { "type": "json_schema", "schema": schema } })))
        }
        Some(ResponseFormat::Other(_)) => Err(untranslatable("response_format", "Anthropic knows JSON schemas only")),
        Some(ResponseFormat::Text | ResponseFormat::JsonObject) | None => Ok(None),
    }
}

fn tools<'a>(
    inference: &'a Inference,
    history: &History<'a>,
    is_thinking: bool,
) -> Result<(Vec<WireTool<'a>>, Option<Value>), Untranslatable> {
    let mut tools = Vec::with_capacity(inference.tools.len());
    for (index, tool) in inference.tools.iter().enumerate() {
        if tool.other.is_some() {
            return Err(untranslatable(
                format!("tools[{index}].type"),
                "only functions can be translated for Anthropic",
            ));
        }
        tools.push(WireTool {
            name: &tool.name,
            description: tool.description.as_deref(),
            input_schema: input_schema(tool),
            cache_control: tool.cache_control.as_ref(),
        });
    }
    if tools.is_empty() {
        // Blocks of tools in the history are refused when no tools are declared.
        tools.extend(history.called_tools().into_iter().map(|name| WireTool {
            name,
            description: None,
            input_schema: json!({ "type": "object" }),
            cache_control: None,
        }));
        let choice = (!tools.is_empty()).then(|| json!({ "type": "none" }));
        return Ok((tools, choice));
    }
    let is_single = inference.parallel_tool_calls == Some(false);
    let mut choice = match &inference.tool_choice {
        Some(ToolChoice::None) => Some(json!({ "type": "none" })),
        // A forced call leaves no time to think, which the API refuses.
        Some(ToolChoice::Required | ToolChoice::Function(_)) if is_thinking => Some(json!({ "type": "auto" })),
        Some(ToolChoice::Required) => Some(json!({ "type": "any" })),
        Some(ToolChoice::Function(name)) => Some(json!({ "type": "tool", "name": name })),
        Some(ToolChoice::Auto) => Some(json!({ "type": "auto" })),
        None => is_single.then(|| json!({ "type": "auto" })),
    };
    if let Some(Value::Object(fields)) = &mut choice
        && is_single
        && fields.get("type").is_some_and(|kind| kind != "none")
    {
        fields.insert("disable_parallel_tool_use".to_owned(), Value::from(true));
    }
    Ok((tools, choice))
}

/// The schema must say that it is an object.
fn input_schema(tool: &Tool) -> Value {
    let mut schema = tool.parameters.clone().unwrap_or_else(|| json!({ "type": "object", "properties": {} }));
    if let Some(fields) = schema.as_object_mut()
        && !fields.contains_key("type")
    {
        fields.insert("type".to_owned(), Value::from("object"));
    }
    schema
}
