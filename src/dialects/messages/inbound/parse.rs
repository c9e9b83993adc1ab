//! The caller's request: bytes to [`Inference`].

use serde_json::Value;
use serde_json::value::RawValue;

use super::conversation;
use super::tools;
use crate::dialects::inference::{Inference, Native, RawFields, Reasoning, ResponseFormat, Sampling};
use crate::dialects::read::Object;
use crate::dialects::{BadField, Dialect};

/// Fallbacks a request may name beside its model.
const FALLBACK_LIMIT: usize = 3;
const SESSION_LIMIT: usize = 256;

/// Reads the body of `POST /messages`. `betas` is the header `anthropic-beta`.
///
/// # Errors
/// [`BadField`] names the first field that is missing or wrong, and the remedy.
pub fn parse(body: &[u8], betas: Option<String>) -> Result<Inference, BadField> {
    let broken = |error: serde_json::Error| BadField {
        field: "body".to_owned(),
        message: format!("The request body must be one JSON object: {error}"),
    };
    let raw: RawFields = serde_json::from_slice(body).map_err(broken)?;
    let value: Value = serde_json::from_slice(body).map_err(broken)?;
    let mut inference = typed(Object::of(&value, "body")?)?;
    if let Some(messages) = raw.get("messages") {
        verbatim(messages, &mut inference);
    }
    let headers = betas.map(|betas| ("anthropic-beta", betas)).into_iter().collect();
    inference.native = Some(Native { dialect: Dialect::AnthropicMessages, fields: raw, headers });
    Ok(inference)
}

/// Arguments as they were written: a number read and written again may differ in its last digit.
fn verbatim(messages: &RawValue, inference: &mut Inference) {
    #[derive(serde::Deserialize)]
    struct Turn<'a> {
        #[serde(borrow)]
        content: &'a RawValue,
    }
    #[derive(serde::Deserialize)]
    struct Block<'a> {
        #[serde(borrow)]
        input: Option<&'a RawValue>,
    }
    let Ok(turns) = serde_json::from_str::<Vec<Turn<'_>>>(messages.get()) else { return };
    let blocks = turns.iter().filter_map(|turn| serde_json::from_str::<Vec<Block<'_>>>(turn.content.get()).ok());
    let mut inputs = blocks.flatten().filter_map(|block| block.input);
    for call in inference.messages.iter_mut().flat_map(|message| &mut message.tool_calls) {
        if call.arguments.is_empty() {
            continue;
        }
        // Blocks of tools the provider ran have inputs, too, but are no calls of ours.
        let written = inputs.find(|input| is_same(input, &call.arguments));
        if let Some(written) = written {
            written.get().clone_into(&mut call.arguments);
        }
    }
}

fn is_same(raw: &RawValue, written: &str) -> bool {
    let value = serde_json::from_str::<Value>(raw.get()).map(|value| value.to_string());
    value.is_ok_and(|value| value == written)
}

fn typed(fields: Object<'_>) -> Result<Inference, BadField> {
    let mut messages: Vec<_> = conversation::system(fields)?.into_iter().collect();
    messages.extend(conversation::messages(fields)?);
    let metadata = fields.object("metadata")?;
    let user = metadata.map(|metadata| metadata.text("user_id")).transpose()?.flatten();
    let (tool_choice, parallel_tool_calls) = tools::choice(fields)?;
    Ok(Inference {
        models: models(fields)?,
        is_streamed: fields.boolean("stream")?.unwrap_or(false),
        messages,
        tools: tools::parse(fields)?,
        tool_choice,
        parallel_tool_calls,
        sampling: Sampling {
            max_tokens: fields.count("max_tokens", 1)?,
            temperature: fields.number("temperature", 0.0, 2.0)?,
            top_p: fields.number("top_p", 0.0, 1.0)?,
            top_k: fields.count("top_k", 0)?,
            stop: fields.texts("stop_sequences")?,
            ..Sampling::default()
        },
        response_format: format(fields)?,
        reasoning: reasoning(fields)?,
        provider: fields.provider()?,
        user: match user {
            Some(user) => Some(user.to_owned()),
            None => fields.limited_text("user", SESSION_LIMIT)?,
        },
        session_id: fields.limited_text("session_id", SESSION_LIMIT)?,
        cache_control: fields.get("cache_control").cloned(),
        ..Inference::default()
    })
}

fn models(fields: Object<'_>) -> Result<Vec<String>, BadField> {
    let mut models = fields.models()?;
    let fallbacks = fields.list("fallbacks")?;
    if !fallbacks.is_empty() && fields.get("models").is_some() {
        return Err(BadField::new("fallbacks", "cannot be combined with models: send only one of the two"));
    }
    if fallbacks.len() > FALLBACK_LIMIT {
        return Err(BadField::new("fallbacks", format!("must not hold more than {FALLBACK_LIMIT} models")));
    }
    for (index, fallback) in fallbacks.iter().enumerate() {
        let within = |error: BadField| error.within(&format!("fallbacks[{index}]"));
        let model = Object::of(fallback, "model").and_then(|fallback| fallback.required_text("model"));
        let model = model.map_err(within)?.to_owned();
        if !models.contains(&model) {
            models.push(model);
        }
    }
    if models.is_empty() {
        Err(BadField::new("model", "is required: a model of GET /api/v1/models"))
    } else {
        Ok(models)
    }
}

/// `thinking` says whether and how much, `output_config.effort` how hard.
fn reasoning(fields: Object<'_>) -> Result<Option<Reasoning>, BadField> {
    let within = |error: BadField| error.within("output_config");
    let config = fields.object("output_config")?;
    let effort = config.map(|config| config.text("effort")).transpose().map_err(within)?.flatten();
    if effort.is_some_and(|effort| !matches!(effort, "low" | "medium" | "high" | "xhigh" | "max")) {
        return Err(BadField::new("output_config.effort", "must be one of low, medium, high, xhigh, max"));
    }
    let effort = effort.map(str::to_owned);
    let Some(thinking) = fields.object("thinking")? else {
        return Ok(effort.map(|effort| Reasoning { effort: Some(effort), ..Reasoning::default() }));
    };
    let within = |error: BadField| error.within("thinking");
    match thinking.required_text("type").map_err(within)? {
        "disabled" => Ok(Some(Reasoning { enabled: Some(false), ..Reasoning::default() })),
        "adaptive" => {
            let effort = effort.or_else(|| Some("high".to_owned()));
            Ok(Some(Reasoning { effort, enabled: Some(true), ..Reasoning::default() }))
        }
        "enabled" => {
            let budget = thinking.count("budget_tokens", 1).map_err(within)?;
            if budget.is_none() {
                return Err(BadField::new("thinking.budget_tokens", "is required: tokens to think with"));
            }
            Ok(Some(Reasoning { max_tokens: budget, effort, enabled: Some(true), exclude: None }))
        }
        _ => Err(BadField::new("thinking.type", "must be enabled, adaptive or disabled")),
    }
}

/// `output_config.format`, or `output_format`, its name while it was a beta.
fn format(fields: Object<'_>) -> Result<Option<ResponseFormat>, BadField> {
    let config = fields.object("output_config")?.and_then(|config| config.get("format"));
    let (value, name) = match (config, fields.get("output_format")) {
        (Some(value), _) => (value, "output_config.format"),
        (None, Some(value)) => (value, "output_format"),
        (None, None) => return Ok(None),
    };
    let format = Object::of(value, name)?;
    if format.get("type").and_then(Value::as_str) != Some("json_schema") {
        return Ok(Some(ResponseFormat::Other(value.clone())));
    }
    let remedy = || BadField::new(format!("{name}.schema"), "must be a JSON Schema object");
    let schema = format.get("schema").filter(|schema| schema.is_object()).ok_or_else(remedy)?;
    Ok(Some(ResponseFormat::JsonSchema { name: "response".to_owned(), schema: schema.clone(), strict: Some(true) }))
}
