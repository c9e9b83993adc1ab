//! The caller's request: bytes to [`Inference`].
//!
//! The top level is split into raw fields first, so that a provider of the same
//! dialect gets them back byte for byte; only what the gateway or a translation
//! has to understand is read further.

mod fields;
mod messages;
mod tools;

use serde_json::Value;

use crate::dialects::BadField;
use crate::dialects::inference::{Inference, ProviderPreferences, RawFields, Reasoning, Sampling};
use fields::{Fields, read};

/// Characters a caller's own name for the user may have.
const USER_LIMIT: usize = 128;
const SESSION_LIMIT: usize = 256;
const EFFORTS: [&str; 7] = ["max", "xhigh", "high", "medium", "low", "minimal", "none"];

/// Reads the body of `POST /chat/completions`.
///
/// # Errors
/// [`BadField`] names the first field that is missing or wrong, and the remedy.
pub fn parse(body: &[u8]) -> Result<Inference, BadField> {
    let raw: RawFields = serde_json::from_slice(body).map_err(|error| BadField {
        field: "body".to_owned(),
        message: format!("The request body must be one JSON object: {error}"),
    })?;
    let mut inference = typed(&Fields(&raw))?;
    inference.raw = raw;
    Ok(inference)
}

fn typed(fields: &Fields<'_>) -> Result<Inference, BadField> {
    refuse_functions(fields)?;
    Ok(Inference {
        models: models(fields)?,
        is_streamed: fields.boolean("stream")?.unwrap_or(false),
        messages: messages::parse(fields.require("messages", "is required: an array of messages")?)?,
        tools: tools::parse(fields)?,
        tool_choice: tools::choice(fields)?,
        parallel_tool_calls: fields.boolean("parallel_tool_calls")?,
        sampling: sampling(fields)?,
        response_format: tools::response_format(fields)?,
        reasoning: reasoning(fields)?,
        provider: provider(fields)?,
        user: fields.text("user", USER_LIMIT)?,
        session_id: fields.text("session_id", SESSION_LIMIT)?,
        cache_control: fields.typed::<Value>("cache_control", "must be an object")?,
        modalities: fields.typed("modalities", "must be an array of strings")?.unwrap_or_default(),
        image_config: fields.typed("image_config", "must be an object")?,
        resumes: fields.boolean("stream_resume")?.unwrap_or(false),
        raw: RawFields::default(),
        native: None,
        web_search: None,
        retrieval: None,
    })
}

fn refuse_functions(fields: &Fields<'_>) -> Result<(), BadField> {
    for (name, instead) in [("functions", "tools"), ("function_call", "tool_choice")] {
        if fields.get(name).is_some() {
            return Err(BadField::new(name, format!("is no longer supported: use `{instead}`")));
        }
    }
    Ok(())
}

/// The model, then the fallbacks, each once.
fn models(fields: &Fields<'_>) -> Result<Vec<String>, BadField> {
    let first: Option<String> = fields.typed("model", "must be a string such as \"openai/gpt-5\"")?;
    let rest: Option<Vec<String>> = fields.typed("models", "must be an array of model names")?;
    let mut models: Vec<String> = Vec::new();
    for name in first.into_iter().chain(rest.unwrap_or_default()) {
        if name.trim().is_empty() {
            return Err(BadField::new("model", "must not be empty: name a model such as \"openai/gpt-5\""));
        }
        if !models.contains(&name) {
            models.push(name);
        }
    }
    if models.is_empty() {
        return Err(BadField::new("model", "is required: name a model such as \"openai/gpt-5\", or give `models`"));
    }
    Ok(models)
}

fn sampling(fields: &Fields<'_>) -> Result<Sampling, BadField> {
    let max_tokens = fields.integer("max_tokens", 1, u64::MAX)?;
    let max_completion_tokens = fields.integer("max_completion_tokens", 1, u64::MAX)?;
    Ok(Sampling {
        max_tokens: max_completion_tokens.or(max_tokens),
        temperature: fields.number("temperature", 0.0, 2.0)?,
        top_p: fields.number("top_p", 0.0, 1.0)?,
        top_k: fields.integer("top_k", 0, u64::MAX)?,
        min_p: fields.number("min_p", 0.0, 1.0)?,
        frequency_penalty: fields.number("frequency_penalty", -2.0, 2.0)?,
        presence_penalty: fields.number("presence_penalty", -2.0, 2.0)?,
        repetition_penalty: fields.number("repetition_penalty", 0.0, 2.0)?,
        seed: fields.typed("seed", "must be an integer")?,
        stop: stop(fields)?,
        n: fields.integer("n", 1, 128)?,
        logprobs: fields.boolean("logprobs")?,
        top_logprobs: fields.integer("top_logprobs", 0, 20)?,
    })
}

fn stop(fields: &Fields<'_>) -> Result<Vec<String>, BadField> {
    let Some(raw) = fields.get("stop") else { return Ok(Vec::new()) };
    if raw.get().starts_with('"') {
        return Ok(vec![read(raw, "stop", "must be a string")?]);
    }
    read(raw, "stop", "must be a string or an array of strings")
}

/// `reasoning`, its shorthand `reasoning_effort`, and the older `include_reasoning`.
fn reasoning(fields: &Fields<'_>) -> Result<Option<Reasoning>, BadField> {
    let shorthand: Option<String> = fields.typed("reasoning_effort", "must be a string")?;
    let is_included = fields.boolean("include_reasoning")?;
    let object: Option<Reasoning> = fields.typed(
        "reasoning",
        "must be an object with effort (string), max_tokens (integer), exclude and enabled (booleans)",
    )?;
    for (name, effort) in [
        ("reasoning_effort", shorthand.as_deref()),
        ("reasoning.effort", object.as_ref().and_then(|object| object.effort.as_deref())),
    ] {
        if effort.is_some_and(|effort| !EFFORTS.contains(&effort)) {
            return Err(BadField::new(name, format!("must be one of {}", EFFORTS.join(", "))));
        }
    }
    if object.is_none() && shorthand.is_none() && is_included.is_none() {
        return Ok(None);
    }
    let mut reasoning = object.unwrap_or_default();
    if let Some(shorthand) = shorthand {
        if reasoning.effort.as_ref().is_some_and(|effort| *effort != shorthand) {
            return Err(BadField::new("reasoning_effort", "contradicts reasoning.effort: send only one of the two"));
        }
        reasoning.effort = Some(shorthand);
    }
    if reasoning.max_tokens == Some(0) {
        return Err(BadField::new(
            "reasoning.max_tokens",
            "must be at least 1; to switch off thinking set effort \"none\"",
        ));
    }
    if let Some(is_included) = is_included {
        reasoning.exclude.get_or_insert(!is_included);
    }
    Ok(Some(reasoning))
}

fn provider(fields: &Fields<'_>) -> Result<ProviderPreferences, BadField> {
    let Some(raw) = fields.get("provider") else { return Ok(ProviderPreferences::default()) };
    let preferences: ProviderPreferences = serde_json::from_str(raw.get())
        .map_err(|error| BadField::new("provider", format!("must be an object of routing preferences: {error}")))?;
    if preferences.data_collection.as_deref().is_some_and(|value| !matches!(value, "allow" | "deny")) {
        return Err(BadField::new("provider.data_collection", "must be \"allow\" or \"deny\""));
    }
    Ok(preferences)
}

#[cfg(test)]
mod tests;
