//! The request body.

use serde_json::{Map, Value, json};

use super::{FORMAT, untranslatable};
use crate::dialects::inference::{Inference, Message, Part, Reasoning, ResponseFormat, Role, Tool, ToolChoice};
use crate::dialects::{Target, Untranslatable, media, reasoning};

/// Cohere takes no more stop sequences.
const STOP_LIMIT: usize = 5;

pub(super) fn body(target: &Target<'_>, inference: &Inference) -> Result<Vec<u8>, Untranslatable> {
    let sampling = &inference.sampling;
    if sampling.n.is_some_and(|n| n > 1) {
        return Err(untranslatable("n", "Cohere gives one answer per request"));
    }
    if sampling.stop.len() > STOP_LIMIT {
        return Err(untranslatable("stop", format!("Cohere takes at most {STOP_LIMIT} sequences")));
    }
    let (messages, documents) = history(&inference.messages)?;
    let (tools, tool_choice) = tools(inference)?;
    let limit = target.max_output_tokens.and_then(|limit| u64::try_from(limit).ok()).filter(|limit| *limit > 0);
    let max_tokens = sampling.max_tokens.map(|wish| limit.map_or(wish, |limit| wish.min(limit)));
    let stop: Vec<&str> = sampling.stop.iter().map(String::as_str).collect();
    let is_strict = inference.tools.iter().any(|tool| tool.strict == Some(true));
    let fields = [
        ("model", Some(Value::from(target.model))),
        ("messages", Some(messages.into())),
        // Without it the API streams or not by its own taste.
        ("stream", Some(inference.is_streamed.into())),
        ("documents", list(documents)),
        ("tools", list(tools)),
        ("tool_choice", tool_choice.map(Value::from)),
        ("strict_tools", is_strict.then(|| true.into())),
        ("response_format", response_format(inference)?),
        ("max_tokens", max_tokens.map(Value::from)),
        ("temperature", sampling.temperature.map(Value::from)),
        // The penalties and the share end at 1 here and at 0.99.
        ("p", sampling.top_p.map(|p| p.clamp(0.01, 0.99).into())),
        ("k", sampling.top_k.map(|k| k.min(500).into())),
        ("frequency_penalty", sampling.frequency_penalty.map(|penalty| penalty.clamp(0.0, 1.0).into())),
        ("presence_penalty", sampling.presence_penalty.map(|penalty| penalty.clamp(0.0, 1.0).into())),
        // Negative seeds are refused.
        ("seed", sampling.seed.map(|seed| seed.unsigned_abs().into())),
        ("stop_sequences", (!stop.is_empty()).then(|| stop.into())),
        ("logprobs", sampling.logprobs.filter(|wanted| *wanted).map(Value::from)),
        ("thinking", inference.reasoning.as_ref().and_then(|wish| thinking(wish, max_tokens.or(limit)))),
    ];
    let fields: Map<String, Value> =
        fields.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?))).collect();
    serde_json::to_vec(&fields).map_err(|error| untranslatable("body", error))
}

fn list(items: Vec<Value>) -> Option<Value> {
    (!items.is_empty()).then(|| items.into())
}

fn thinking(wish: &Reasoning, room: Option<u64>) -> Option<Value> {
    if reasoning::is_off(wish) {
        return Some(json!({ "type": "disabled" }));
    }
    if !wish.is_on() {
        return None;
    }
    let budget = room.map(|room| reasoning::budget(wish, room)).or(wish.max_tokens);
    Some(match budget {
        Some(budget) => json!({ "type": "enabled", "token_budget": budget }),
        None => json!({ "type": "enabled" }),
    })
}

fn response_format(inference: &Inference) -> Result<Option<Value>, Untranslatable> {
    match &inference.response_format {
        Some(ResponseFormat::JsonObject) => Ok(Some(json!({ "type": "json_object" }))),
        Some(ResponseFormat::JsonSchema { schema, .. }) => {
            Ok(Some(json!({ "type": "json_object", "json_schema": schema })))
        }
        Some(ResponseFormat::Other(_)) => Err(untranslatable("response_format", "Cohere knows JSON schemas only")),
        Some(ResponseFormat::Text) | None => Ok(None),
    }
}

/// The tools offered, and Cohere's word for the choice. One function cannot be
/// forced: it is the only one offered then.
fn tools(inference: &Inference) -> Result<(Vec<Value>, Option<&'static str>), Untranslatable> {
    let mut tools = Vec::with_capacity(inference.tools.len());
    for (index, tool) in inference.tools.iter().enumerate() {
        if tool.other.is_some() {
            return Err(untranslatable(format!("tools[{index}].type"), "only functions can be translated for Cohere"));
        }
        if !matches!(&inference.tool_choice, Some(ToolChoice::Function(name)) if *name != tool.name) {
            tools.push(declaration(tool));
        }
    }
    let choice = match inference.tool_choice.as_ref().filter(|_| !tools.is_empty()) {
        Some(ToolChoice::Required | ToolChoice::Function(_)) => Some("REQUIRED"),
        Some(ToolChoice::None) => Some("NONE"),
        Some(ToolChoice::Auto) | None => None,
    };
    Ok((tools, choice))
}

fn declaration(tool: &Tool) -> Value {
    let schema = tool.parameters.clone().unwrap_or_else(|| json!({ "type": "object", "properties": {} }));
    let mut function = json!({ "name": tool.name, "parameters": schema });
    if let Some(description) = &tool.description {
        function["description"] = Value::from(description.as_str());
    }
    json!({ "type": "function", "function": function })
}

/// The messages, and the files among them as documents to cite from.
fn history(messages: &[Message]) -> Result<(Vec<Value>, Vec<Value>), Untranslatable> {
    let (mut history, mut documents) = (Vec::with_capacity(messages.len()), Vec::new());
    // What tools showed goes behind their results, which must stay together.
    let mut shown: Vec<Value> = Vec::new();
    for (index, message) in messages.iter().enumerate() {
        if message.role != Role::Tool && !shown.is_empty() {
            history.push(json!({ "role": "user", "content": std::mem::take(&mut shown) }));
        }
        let field = format!("messages[{index}]");
        match message.role {
            Role::System | Role::Developer => {
                history.push(json!({ "role": "system", "content": text_of(message) }));
            }
            Role::User => {
                let content = content(message, &field, &mut documents)?;
                history.push(json!({ "role": "user", "content": content }));
            }
            Role::Assistant => history.push(assistant(message)),
            Role::Tool => {
                let id = message.tool_call_id.as_deref().unwrap_or_default();
                history.push(json!({ "role": "tool", "tool_call_id": id, "content": text_of(message) }));
                for (number, part) in message.content.iter().enumerate() {
                    if !matches!(part, Part::Text { .. }) {
                        shown.extend(self::part(part, &format!("{field}.content[{number}]"), &mut documents)?);
                    }
                }
            }
        }
    }
    if !shown.is_empty() {
        history.push(json!({ "role": "user", "content": shown }));
    }
    Ok((history, documents))
}

fn text_of(message: &Message) -> String {
    let texts = message.content.iter().filter_map(|part| match part {
        Part::Text { text, .. } => Some(text.as_str()),
        _ => None,
    });
    texts.collect::<Vec<_>>().join("\n")
}

fn content(message: &Message, field: &str, documents: &mut Vec<Value>) -> Result<Value, Untranslatable> {
    if message.content.iter().all(|part| matches!(part, Part::Text { .. })) {
        return Ok(text_of(message).into());
    }
    let mut parts = Vec::with_capacity(message.content.len());
    for (number, part) in message.content.iter().enumerate() {
        parts.extend(self::part(part, &format!("{field}.content[{number}]"), documents)?);
    }
    Ok(parts.into())
}

fn part(part: &Part, field: &str, documents: &mut Vec<Value>) -> Result<Option<Value>, Untranslatable> {
    Ok(Some(match part {
        Part::Text { text, .. } if text.is_empty() => return Ok(None),
        Part::Text { text, .. } => json!({ "type": "text", "text": text }),
        Part::Image { url, detail, .. } => {
            let mut image = json!({ "url": url });
            if let Some(detail) = detail {
                image["detail"] = Value::from(detail.as_str());
            }
            json!({ "type": "image_url", "image_url": image })
        }
        Part::File { name, data, .. } => {
            documents.push(document(name.as_deref(), data.as_deref(), documents.len(), field)?);
            return Ok(None);
        }
        Part::Audio { .. } => return Err(untranslatable(format!("{field}.input_audio"), "Cohere takes no audio")),
        Part::Video { .. } => return Err(untranslatable(format!("{field}.video_url"), "Cohere takes no video")),
        Part::Other(_) => return Err(untranslatable(field, "Cohere has no part of this kind")),
    }))
}

fn document(name: Option<&str>, data: Option<&str>, index: usize, field: &str) -> Result<Value, Untranslatable> {
    let text = data
        .and_then(media::split_data_url)
        .and_then(|(media_type, data)| media::text_of(media_type, data))
        .ok_or_else(|| untranslatable(format!("{field}.file"), "Cohere takes files of plain text only"))?;
    let title = name.unwrap_or("document");
    Ok(json!({ "id": format!("doc-{index}"), "data": { "title": title, "text": text } }))
}

fn assistant(message: &Message) -> Value {
    let details = reasoning::replayable(message, FORMAT);
    let of_kind = |kind: &str| {
        let words = details.iter().filter(|detail| detail.get("type").is_some_and(|found| found == kind));
        words.filter_map(reasoning::words).collect::<Vec<_>>().join("\n")
    };
    let (thinking, plan) = (of_kind("reasoning.text"), of_kind("reasoning.summary"));
    let mut text = text_of(message);
    if let Some(refusal) = message.refusal.as_deref().filter(|_| text.is_empty()) {
        refusal.clone_into(&mut text);
    }
    let mut fields = json!({ "role": "assistant" });
    if !thinking.is_empty() {
        let mut content = vec![json!({ "type": "thinking", "thinking": thinking })];
        content.extend((!text.is_empty()).then(|| json!({ "type": "text", "text": text })));
        fields["content"] = content.into();
    } else if !text.is_empty() || message.tool_calls.is_empty() {
        fields["content"] = text.into();
    }
    if !message.tool_calls.is_empty() {
        if !plan.is_empty() {
            fields["tool_plan"] = plan.into();
        }
        let call = |call: &crate::dialects::inference::ToolCall| {
            let arguments = if call.arguments.trim().is_empty() { "{}" } else { &call.arguments };
            json!({ "id": call.id, "type": "function", "function": { "name": call.name, "arguments": arguments } })
        };
        fields["tool_calls"] = message.tool_calls.iter().map(call).collect();
    }
    fields
}
