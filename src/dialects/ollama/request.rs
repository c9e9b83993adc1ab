//! The request body.

use serde_json::{Map, Value, json};

use super::untranslatable;
use crate::dialects::inference::{Inference, Message, Part, Reasoning, ResponseFormat, Role, ToolChoice};
use crate::dialects::{Target, Untranslatable, arguments, media, reasoning};

/// Ollama's own default and so the least that is asked for, tokens.
const LEAST_CONTEXT: usize = 4_096;
/// Room for an answer of unknown length, tokens.
const USUAL_ANSWER: usize = 2_048;
/// What an image takes at the most in the models Ollama serves, tokens.
const IMAGE_TOKENS: usize = 2_048;

pub(super) fn body(target: &Target<'_>, inference: &Inference) -> Result<Vec<u8>, Untranslatable> {
    if inference.sampling.n.is_some_and(|n| n > 1) {
        return Err(untranslatable("n", "Ollama gives one answer per request"));
    }
    let messages = history(&inference.messages)?;
    let tools = tools(inference)?;
    let fields = [
        ("model", Some(Value::from(target.model))),
        ("messages", Some(messages.into())),
        // Ollama streams unless told otherwise.
        ("stream", Some(inference.is_streamed.into())),
        ("tools", (!tools.is_empty()).then(|| tools.into())),
        ("format", format(inference)?),
        ("think", inference.reasoning.as_ref().and_then(|wish| think(wish, inference.max_tokens()))),
        // A prompt that does not fit is an error, not a shorter prompt.
        ("truncate", Some(false.into())),
        ("shift", Some(false.into())),
        ("options", Some(options(target, inference))),
        ("logprobs", inference.sampling.logprobs.filter(|wanted| *wanted).map(Value::from)),
        (
            "top_logprobs",
            inference.sampling.top_logprobs.filter(|_| inference.sampling.logprobs == Some(true)).map(Value::from),
        ),
    ];
    let fields: Map<String, Value> =
        fields.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?))).collect();
    serde_json::to_vec(&fields).map_err(|error| untranslatable("body", error))
}

fn options(target: &Target<'_>, inference: &Inference) -> Value {
    let sampling = &inference.sampling;
    let limit = target.max_output_tokens.and_then(|limit| u64::try_from(limit).ok()).filter(|limit| *limit > 0);
    let max_tokens = sampling.max_tokens.map(|wish| limit.map_or(wish, |limit| wish.min(limit)));
    let stop: Vec<&str> = sampling.stop.iter().map(String::as_str).collect();
    let options = [
        ("num_ctx", Some(context(inference, max_tokens).into())),
        ("num_predict", max_tokens.map(Value::from)),
        ("temperature", sampling.temperature.map(Value::from)),
        ("top_p", sampling.top_p.map(Value::from)),
        ("top_k", sampling.top_k.map(Value::from)),
        ("min_p", sampling.min_p.map(Value::from)),
        ("frequency_penalty", sampling.frequency_penalty.map(Value::from)),
        ("presence_penalty", sampling.presence_penalty.map(Value::from)),
        ("repeat_penalty", sampling.repetition_penalty.map(Value::from)),
        ("seed", sampling.seed.map(Value::from)),
        ("stop", (!stop.is_empty()).then(|| stop.into())),
    ];
    options.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?))).collect::<Map<_, _>>().into()
}

/// Tokens of context to ask for: more than prompt and answer can need, as a power
/// of two, because the model is loaded anew whenever the number changes. Ollama
/// lowers it to what the model can do.
fn context(inference: &Inference, max_tokens: Option<u64>) -> usize {
    let mut bytes = 0_usize;
    let mut images = 0_usize;
    for message in &inference.messages {
        for part in &message.content {
            match part {
                Part::Text { text, .. } => bytes = bytes.saturating_add(text.len()),
                _ => images = images.saturating_add(1),
            }
        }
        let calls: usize = message.tool_calls.iter().map(|call| call.name.len() + call.arguments.len()).sum();
        bytes = bytes.saturating_add(calls).saturating_add(32);
    }
    for tool in &inference.tools {
        let schema = tool.parameters.as_ref().map_or(0, |schema| schema.to_string().len());
        let description = tool.description.as_ref().map_or(0, String::len);
        bytes = bytes.saturating_add(schema).saturating_add(description).saturating_add(64);
    }
    let answer = max_tokens.and_then(|tokens| usize::try_from(tokens).ok()).unwrap_or(USUAL_ANSWER);
    // Two bytes a token is less than any tokenizer makes of prose or code.
    let needed = (bytes / 2).saturating_add(images.saturating_mul(IMAGE_TOKENS)).saturating_add(answer);
    needed.max(LEAST_CONTEXT).checked_next_power_of_two().unwrap_or(usize::MAX)
}

fn think(wish: &Reasoning, max_tokens: Option<u64>) -> Option<Value> {
    if reasoning::is_off(wish) {
        return Some(false.into());
    }
    // A level where one was named; models without levels take it for "yes".
    wish.is_on().then(|| match reasoning::effort(wish, max_tokens) {
        "minimal" | "low" if wish.effort.is_some() => "low".into(),
        "medium" if wish.effort.is_some() => "medium".into(),
        _ if wish.effort.is_some() => "high".into(),
        _ => true.into(),
    })
}

fn format(inference: &Inference) -> Result<Option<Value>, Untranslatable> {
    match &inference.response_format {
        Some(ResponseFormat::JsonObject) => Ok(Some("json".into())),
        Some(ResponseFormat::JsonSchema { schema, .. }) => Ok(Some(schema.clone())),
        Some(ResponseFormat::Other(_)) => Err(untranslatable("response_format", "Ollama knows JSON schemas only")),
        Some(ResponseFormat::Text) | None => Ok(None),
    }
}

fn tools(inference: &Inference) -> Result<Vec<Value>, Untranslatable> {
    match inference.tool_choice {
        Some(ToolChoice::None) => return Ok(Vec::new()),
        Some(ToolChoice::Required | ToolChoice::Function(_)) => {
            return Err(untranslatable("tool_choice", "Ollama cannot be made to call a tool"));
        }
        Some(ToolChoice::Auto) | None => {}
    }
    let mut tools = Vec::with_capacity(inference.tools.len());
    for (index, tool) in inference.tools.iter().enumerate() {
        if tool.other.is_some() {
            return Err(untranslatable(format!("tools[{index}].type"), "only functions can be translated for Ollama"));
        }
        let schema = tool.parameters.clone().unwrap_or_else(|| json!({ "type": "object", "properties": {} }));
        let description = tool.description.as_deref().unwrap_or_default();
        tools.push(json!({
            "type": "function",
            "function": { "name": tool.name, "description": description, "parameters": schema },
        }));
    }
    Ok(tools)
}

fn history(messages: &[Message]) -> Result<Vec<Value>, Untranslatable> {
    let mut history = Vec::with_capacity(messages.len());
    let mut names: Vec<(&str, &str)> = Vec::new();
    for (index, message) in messages.iter().enumerate() {
        let role = match message.role {
            Role::System | Role::Developer => "system",
            Role::User => "user",
            Role::Assistant => "assistant",
            Role::Tool => "tool",
        };
        let (content, images) = content(message, &format!("messages[{index}]"))?;
        let mut fields = json!({ "role": role, "content": content });
        if !images.is_empty() {
            fields["images"] = images.into();
        }
        if message.role == Role::Assistant {
            let own = message.reasoning.as_deref().filter(|words| !words.is_empty());
            if let Some(thinking) = own {
                fields["thinking"] = thinking.into();
            }
            if !message.tool_calls.is_empty() {
                names.extend(message.tool_calls.iter().map(|call| (call.id.as_str(), call.name.as_str())));
                let call = |call: &crate::dialects::inference::ToolCall| {
                    let arguments = arguments::object(&call.arguments);
                    json!({ "id": call.id, "function": { "name": call.name, "arguments": arguments } })
                };
                fields["tool_calls"] = message.tool_calls.iter().map(call).collect();
            }
        }
        if message.role == Role::Tool {
            let id = message.tool_call_id.as_deref().unwrap_or_default();
            let name = names.iter().rev().find(|(known, _)| *known == id).map(|(_, name)| *name);
            fields["tool_name"] = name.or(message.name.as_deref()).unwrap_or(id).into();
            fields["tool_call_id"] = id.into();
        }
        history.push(fields);
    }
    Ok(history)
}

/// The text, and the images as bare base64.
fn content<'a>(message: &'a Message, field: &str) -> Result<(String, Vec<&'a str>), Untranslatable> {
    let (mut texts, mut images) = (Vec::new(), Vec::new());
    for (number, part) in message.content.iter().enumerate() {
        let field = format!("{field}.content[{number}]");
        match part {
            Part::Text { text, .. } => texts.push(text.clone()),
            Part::Image { url, .. } => {
                let (_, data) = media::split_data_url(url).ok_or_else(|| {
                    untranslatable(format!("{field}.image_url"), "Ollama takes base64 data only, no URL")
                })?;
                images.push(data);
            }
            Part::File { name, data, .. } => {
                let data = data.as_deref().and_then(media::split_data_url);
                let text = data.and_then(|(media_type, data)| media::text_of(media_type, data));
                let text = text.ok_or_else(|| {
                    untranslatable(format!("{field}.file"), "Ollama takes images and files of plain text only")
                })?;
                texts.push(format!("{}:\n{text}", name.as_deref().unwrap_or("File")));
            }
            Part::Audio { .. } => return Err(untranslatable(format!("{field}.input_audio"), "Ollama takes no audio")),
            Part::Video { .. } => return Err(untranslatable(format!("{field}.video_url"), "Ollama takes no video")),
            Part::Other(_) => return Err(untranslatable(field, "Ollama has no part of this kind")),
        }
    }
    if let Some(refusal) = message.refusal.as_deref().filter(|_| texts.is_empty()) {
        texts.push(refusal.to_owned());
    }
    Ok((texts.join("\n"), images))
}
