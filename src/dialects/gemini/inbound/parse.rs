//! The caller's request: bytes to [`Inference`].

use serde_json::value::RawValue;
use serde_json::{Value, json};

use super::{conversation, tools};
use crate::dialects::inference::{Inference, Native, RawFields, Reasoning, ResponseFormat, Sampling};
use crate::dialects::read::Object;
use crate::dialects::{BadField, Dialect};

const NAME_LIMIT: usize = 256;

/// Reads the body of `POST /models/{model}:generateContent`. The address says
/// which model is asked and whether it shall stream.
///
/// # Errors
/// [`BadField`] names the first field that is missing or wrong, and the remedy.
pub fn parse(body: &[u8], model: &str, is_streamed: bool) -> Result<Inference, BadField> {
    let broken = |error: serde_json::Error| BadField {
        field: "body".to_owned(),
        message: format!("The request body must be one JSON object: {error}"),
    };
    let raw: RawFields = serde_json::from_slice(body).map_err(broken)?;
    let value: Value = serde_json::from_slice(body).map_err(broken)?;
    let mut inference = typed(Object::of(&value, "body")?)?;
    if let Some(contents) = raw.get("contents") {
        verbatim(contents, &mut inference);
    }
    inference.models.retain(|other| other != model);
    inference.models.insert(0, model.to_owned());
    inference.is_streamed = is_streamed;
    inference.native = Some(Native { dialect: Dialect::Gemini, fields: raw, headers: Vec::new() });
    Ok(inference)
}

/// Arguments as they were written: a number read and written again may differ in its last digit.
fn verbatim(contents: &RawValue, inference: &mut Inference) {
    #[derive(serde::Deserialize)]
    struct Content<'a> {
        #[serde(borrow)]
        parts: Option<Vec<Part<'a>>>,
    }
    #[derive(serde::Deserialize)]
    struct Part<'a> {
        #[serde(borrow, alias = "functionCall")]
        function_call: Option<Call<'a>>,
    }
    #[derive(serde::Deserialize)]
    struct Call<'a> {
        #[serde(borrow)]
        args: Option<&'a RawValue>,
    }
    let Ok(contents) = serde_json::from_str::<Vec<Content<'_>>>(contents.get()) else { return };
    let parts = contents.into_iter().filter_map(|content| content.parts).flatten();
    let mut written = parts.filter_map(|part| part.function_call?.args);
    for call in inference.messages.iter_mut().flat_map(|message| &mut message.tool_calls) {
        if !call.arguments.is_empty()
            && let Some(raw) = written.next()
        {
            raw.get().clone_into(&mut call.arguments);
        }
    }
}

fn typed(fields: Object<'_>) -> Result<Inference, BadField> {
    let mut messages: Vec<_> = conversation::system(fields)?.into_iter().collect();
    messages.extend(conversation::messages(fields)?);
    let empty = serde_json::Map::new();
    let config = fields.object("generationConfig")?.unwrap_or(Object(&empty));
    let within = |error: BadField| error.within("generationConfig");
    let (tools, tool_choice) = tools::parse(fields)?;
    Ok(Inference {
        models: fields.texts("models")?,
        messages,
        tools,
        tool_choice,
        sampling: sampling(config).map_err(within)?,
        response_format: format(config).map_err(within)?,
        reasoning: reasoning(config).map_err(within)?,
        modalities: config
            .texts("responseModalities")
            .map_err(within)?
            .iter()
            .map(|modality| modality.to_lowercase())
            .collect(),
        image_config: config.object("imageConfig").map_err(within)?.map(image_config),
        provider: fields.provider()?,
        user: fields.limited_text("user", NAME_LIMIT)?,
        session_id: fields.limited_text("session_id", NAME_LIMIT)?,
        ..Inference::default()
    })
}

fn sampling(config: Object<'_>) -> Result<Sampling, BadField> {
    Ok(Sampling {
        max_tokens: config.count("maxOutputTokens", 1)?,
        temperature: config.number("temperature", 0.0, 2.0)?,
        top_p: config.number("topP", 0.0, 1.0)?,
        top_k: config.count("topK", 0)?,
        frequency_penalty: config.number("frequencyPenalty", -2.0, 2.0)?,
        presence_penalty: config.number("presencePenalty", -2.0, 2.0)?,
        seed: config.integer("seed", i64::MIN)?,
        stop: config.texts("stopSequences")?,
        n: config.count("candidateCount", 1)?,
        logprobs: config.boolean("responseLogprobs")?,
        top_logprobs: config.count("logprobs", 0)?,
        ..Sampling::default()
    })
}

fn format(config: Object<'_>) -> Result<Option<ResponseFormat>, BadField> {
    let schema = match (config.get("responseJsonSchema"), config.get("responseSchema")) {
        (Some(schema), _) => Some(schema.clone()),
        (None, Some(schema)) => Some(tools::json_schema(schema)),
        (None, None) => None,
    };
    let media_type = config.text("responseMimeType")?;
    Ok(match (media_type, schema) {
        (_, Some(schema)) if !schema.is_object() => {
            return Err(BadField::new("responseSchema", "must be a schema object"));
        }
        (Some("application/json") | None, Some(schema)) => {
            Some(ResponseFormat::JsonSchema { name: "response".to_owned(), schema, strict: Some(true) })
        }
        (Some("application/json"), None) => Some(ResponseFormat::JsonObject),
        (Some("text/plain") | None, _) => None,
        (Some(other), schema) => Some(ResponseFormat::Other(json!({ "type": other, "schema": schema }))),
    })
}

/// `thinkingConfig`. Whether thoughts are shown is for the answer to respect: their
/// signatures come in any case.
fn reasoning(config: Object<'_>) -> Result<Option<Reasoning>, BadField> {
    let within = |error: BadField| error.within("thinkingConfig");
    let Some(thinking) = config.object("thinkingConfig")? else { return Ok(None) };
    let budget = thinking.integer("thinkingBudget", -1).map_err(within)?;
    let level = thinking.text("thinkingLevel").map_err(within)?.map(str::to_lowercase);
    let is_shown = thinking.boolean("includeThoughts").map_err(within)?;
    let mut reasoning =
        Reasoning { effort: level.filter(|level| level != "thinking_level_unspecified"), ..Reasoning::default() };
    match budget {
        Some(0) => reasoning.enabled = Some(false),
        // The model decides.
        Some(-1) => reasoning.enabled = Some(true),
        Some(budget) => {
            reasoning.max_tokens = u64::try_from(budget).ok();
            reasoning.enabled = Some(true);
        }
        None if is_shown == Some(true) => reasoning.enabled = Some(true),
        None => {}
    }
    Ok(Some(reasoning))
}

/// Under the names of the original's `image_config`.
fn image_config(config: Object<'_>) -> Value {
    let names = [("aspectRatio", "aspect_ratio"), ("imageSize", "image_size")];
    names
        .into_iter()
        .filter_map(|(theirs, ours)| Some((ours.to_owned(), config.get(theirs)?.clone())))
        .collect::<serde_json::Map<_, _>>()
        .into()
}
