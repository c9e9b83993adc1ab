//! The caller's request: bytes to [`Inference`].

use serde_json::{Map, Value};

use super::{items, tools};
use crate::dialects::inference::{Inference, Message, Native, Part, RawFields, Reasoning, Role, Sampling};
use crate::dialects::read::Object;
use crate::dialects::{BadField, Dialect};

const USER_LIMIT: usize = 256;
const SESSION_LIMIT: usize = 256;
const EFFORTS: [&str; 7] = ["max", "xhigh", "high", "medium", "low", "minimal", "none"];
const LOGPROBS: &str = "message.output_text.logprobs";

/// Reads the body of `POST /responses`.
///
/// # Errors
/// [`BadField`] names the first field that is missing or wrong, and the remedy.
pub fn parse(body: &[u8]) -> Result<Inference, BadField> {
    let unreadable = |error: serde_json::Error| BadField {
        field: "body".to_owned(),
        message: format!("The request body must be one JSON object: {error}"),
    };
    let sent: Map<String, Value> = serde_json::from_slice(body).map_err(unreadable)?;
    let mut inference = typed(Object(&sent))?;
    let fields: RawFields = serde_json::from_slice(body).map_err(unreadable)?;
    inference.native = Some(Native { dialect: Dialect::OpenaiResponses, fields, headers: Vec::new() });
    Ok(inference)
}

fn typed(fields: Object<'_>) -> Result<Inference, BadField> {
    refuse_state(fields)?;
    let models = fields.models()?;
    if models.is_empty() {
        return Err(BadField::new("model", "is required: name a model such as \"openai/gpt-5\", or give `models`"));
    }
    let mut messages = Vec::new();
    if let Some(text) = fields.text("instructions")?.filter(|text| !text.is_empty()) {
        messages.push(Message { role: Role::System, content: vec![Part::text(text)], ..Message::default() });
    }
    items::parse(fields, &mut messages)?;
    let (tools, tool_choice) = tools::parse(fields)?;
    Ok(Inference {
        models,
        is_streamed: fields.boolean("stream")?.unwrap_or(false),
        messages,
        tools,
        tool_choice,
        parallel_tool_calls: fields.boolean("parallel_tool_calls")?,
        sampling: sampling(fields)?,
        response_format: tools::response_format(fields)?,
        reasoning: reasoning(fields)?,
        provider: fields.provider()?,
        user: fields.limited_text("user", USER_LIMIT)?,
        session_id: fields.limited_text("session_id", SESSION_LIMIT)?,
        cache_control: fields.get("cache_control").cloned(),
        modalities: fields.texts("modalities")?,
        image_config: fields.get("image_config").cloned(),
        ..Inference::default()
    })
}

/// This server keeps no responses: what would need one is refused, not ignored.
fn refuse_state(fields: Object<'_>) -> Result<(), BadField> {
    for (name, remedy) in [
        ("store", "must be false: responses are not stored here, send the whole conversation in `input`"),
        ("background", "must be false: responses are not stored here, so there would be nothing to fetch later"),
    ] {
        if fields.boolean(name)? == Some(true) {
            return Err(BadField::new(name, remedy));
        }
    }
    for (name, remedy) in [
        ("previous_response_id", "is not supported: responses are not stored here, send the earlier items in `input`"),
        ("conversation", "is not supported: conversations are not stored here, send the earlier items in `input`"),
        ("prompt", "is not supported: prompt templates are not stored here, send `instructions` and `input`"),
    ] {
        if fields.get(name).is_some() {
            return Err(BadField::new(name, remedy));
        }
    }
    Ok(())
}

fn sampling(fields: Object<'_>) -> Result<Sampling, BadField> {
    let include = fields.texts("include")?;
    let top_logprobs = fields.count("top_logprobs", 0)?;
    if top_logprobs.is_some_and(|count| count > 20) {
        return Err(BadField::new("top_logprobs", "must be an integer from 0 to 20"));
    }
    Ok(Sampling {
        max_tokens: fields.count("max_output_tokens", 1)?,
        temperature: fields.number("temperature", 0.0, 2.0)?,
        top_p: fields.number("top_p", 0.0, 1.0)?,
        top_k: fields.count("top_k", 0)?,
        min_p: fields.number("min_p", 0.0, 1.0)?,
        frequency_penalty: fields.number("frequency_penalty", -2.0, 2.0)?,
        presence_penalty: fields.number("presence_penalty", -2.0, 2.0)?,
        repetition_penalty: fields.number("repetition_penalty", 0.0, 2.0)?,
        seed: fields.integer("seed", i64::MIN)?,
        logprobs: include.iter().any(|name| name == LOGPROBS).then_some(true),
        top_logprobs,
        ..Sampling::default()
    })
}

fn reasoning(fields: Object<'_>) -> Result<Option<Reasoning>, BadField> {
    let Some(object) = fields.object("reasoning")? else { return Ok(None) };
    let within = |error: BadField| error.within("reasoning");
    let effort = object.text("effort").map_err(within)?.map(str::to_owned);
    if effort.as_deref().is_some_and(|effort| !EFFORTS.contains(&effort)) {
        return Err(within(BadField::new("effort", format!("must be one of {}", EFFORTS.join(", ")))));
    }
    let mut wish = Reasoning {
        effort,
        max_tokens: object.count("max_tokens", 1).map_err(within)?,
        exclude: object.boolean("exclude").map_err(within)?,
        enabled: object.boolean("enabled").map_err(within)?,
    };
    // Who asks for a summary asks for thinking.
    let wants_summary = object.text("summary").map_err(within)?.is_some();
    if wants_summary && wish == Reasoning::default() {
        wish.enabled = Some(true);
    }
    Ok((wish != Reasoning::default()).then_some(wish))
}
