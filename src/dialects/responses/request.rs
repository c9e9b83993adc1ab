//! The request body: the caller's own fields where he speaks this API, else a
//! translation.

use serde_json::value::to_raw_value;
use serde_json::{Map, Value, json};

use super::{format, thoughts, untranslatable};
use crate::dialects::inference::{Inference, Message, Part, Reasoning, ResponseFormat, Role, Tool, ToolChoice};
use crate::dialects::web_search::with_tool;
use crate::dialects::{Dialect, Target, Untranslatable, media, reasoning};

/// Fields of this API the provider knows; the caller's others are for the gateway,
/// or would change the provider's bill (`service_tier`).
const OWN: [&str; 16] = [
    "input",
    "instructions",
    "tools",
    "tool_choice",
    "parallel_tool_calls",
    "max_tool_calls",
    "text",
    "reasoning",
    "temperature",
    "top_p",
    "top_logprobs",
    "include",
    "metadata",
    "truncation",
    "prompt_cache_key",
    "safety_identifier",
];
/// Fields of a chat request that mean the same here.
const SHARED: [&str; 4] = ["metadata", "prompt_cache_key", "safety_identifier", "prompt_cache_retention"];
const ENCRYPTED: &str = "reasoning.encrypted_content";
const LOGPROBS: &str = "message.output_text.logprobs";

pub(super) fn body(target: &Target<'_>, inference: &Inference) -> Result<Vec<u8>, Untranslatable> {
    if inference.sampling.n.is_some_and(|n| n > 1) {
        return Err(untranslatable("n", "this protocol gives one answer per request"));
    }
    let quirks = target.quirks;
    let mut fields = match inference.native(Dialect::OpenaiResponses) {
        Some(native) => {
            let read = |name: &str| {
                let value: Value = serde_json::from_str(native.fields.get(name)?.get()).ok()?;
                (!value.is_null()).then(|| (name.to_owned(), value))
            };
            let mut fields: Map<String, Value> = OWN.iter().filter_map(|name| read(name)).collect();
            own_input(&mut fields, format(quirks));
            own_reasoning(&mut fields, inference);
            fields
        }
        None => composed(target, inference)?,
    };
    if let Some(most) = inference.max_tokens() {
        let limit = target.max_output_tokens.and_then(|limit| u64::try_from(limit).ok()).filter(|limit| *limit > 0);
        fields.insert("max_output_tokens".to_owned(), Value::from(limit.map_or(most, |limit| most.min(limit))));
    }
    if let Some(search) = &inference.web_search {
        let own = fields.remove("tools").and_then(|tools| to_raw_value(&tools).ok());
        let tools = with_tool(own.as_deref(), search.as_responses_tool());
        fields.insert("tools".to_owned(), tools.map_err(|error| untranslatable("tools", error))?.into());
    }
    include(target, inference, &mut fields);
    fields.insert("model".to_owned(), Value::from(target.model));
    fields.insert("store".to_owned(), Value::from(false));
    if inference.is_streamed {
        fields.insert("stream".to_owned(), Value::from(true));
    }
    for name in &quirks.drops {
        fields.remove(name);
    }
    for (from, to) in &quirks.renames {
        if let Some(value) = fields.remove(from) {
            fields.insert(to.clone(), value);
        }
    }
    serde_json::to_vec(&fields).map_err(|error| untranslatable("body", error))
}

/// Nothing is stored, so reasoning can only go on from what the answer carries.
fn include(target: &Target<'_>, inference: &Inference, fields: &mut Map<String, Value>) {
    let mut wanted: Vec<Value> = fields.get("include").and_then(Value::as_array).cloned().unwrap_or_default();
    let mut want = |name: &str| {
        if !wanted.iter().any(|known| known == name) {
            wanted.push(Value::from(name));
        }
    };
    if thinks(target.model) || inference.reasoning.as_ref().is_some_and(Reasoning::is_on) {
        want(ENCRYPTED);
    }
    if inference.sampling.logprobs == Some(true) {
        want(LOGPROBS);
    }
    if !wanted.is_empty() {
        fields.insert("include".to_owned(), Value::from(wanted));
    }
}

/// Models that reason unasked. Others refuse to include what they have not.
fn thinks(model: &str) -> bool {
    let name = model.rsplit('/').next().unwrap_or(model);
    let is_chat = name.contains("-chat");
    ["o1", "o3", "o4", "gpt-5", "codex", "grok-4"].iter().any(|family| name.starts_with(family)) && !is_chat
}

/// The caller's items without what belongs to this gateway or another provider.
fn own_input(fields: &mut Map<String, Value>, format: &str) {
    let Some(items) = fields.get_mut("input").and_then(Value::as_array_mut) else { return };
    let mut kept = Vec::with_capacity(items.len());
    for (index, mut item) in std::mem::take(items).into_iter().enumerate() {
        let Some(own) = item.as_object_mut() else { continue };
        if own.get("type").is_some_and(|kind| kind == "reasoning") {
            let details = thoughts::details(own, u32::try_from(index).unwrap_or(u32::MAX));
            kept.extend(thoughts::replayed(&details, format));
            continue;
        }
        // Ids name what a provider stores, and it stores nothing.
        own.remove("id");
        kept.push(item);
    }
    drop_orphans(&mut kept);
    fields.insert("input".to_owned(), Value::from(kept));
}

/// The wish without the words only this gateway knows.
fn own_reasoning(fields: &mut Map<String, Value>, inference: &Inference) {
    let (Some(Value::Object(sent)), Some(wish)) = (fields.remove("reasoning"), &inference.reasoning) else { return };
    let mut own: Map<String, Value> =
        sent.into_iter().filter(|(name, _)| !matches!(name.as_str(), "max_tokens" | "enabled" | "exclude")).collect();
    let effort =
        thinking(wish, inference.max_tokens()).and_then(|mut thinking| Some(thinking.get_mut("effort")?.take()));
    own.extend(effort.map(|effort| ("effort".to_owned(), effort)));
    if !own.is_empty() {
        fields.insert("reasoning".to_owned(), Value::Object(own));
    }
}

/// A reasoning item must be followed by what it led to.
fn drop_orphans(items: &mut Vec<Value>) {
    let is_thought = |item: &Value| item.get("type").is_some_and(|kind| kind == "reasoning");
    let is_from_model = |item: &Value| {
        let kind = item.get("type").and_then(Value::as_str).unwrap_or_default();
        kind.ends_with("_call") || item.get("role").is_some_and(|role| role == "assistant")
    };
    let mut has_successor = false;
    let mut kept = Vec::with_capacity(items.len());
    while let Some(item) = items.pop() {
        if is_thought(&item) {
            if has_successor {
                kept.push(item);
            }
        } else {
            has_successor = is_from_model(&item);
            kept.push(item);
        }
    }
    kept.reverse();
    *items = kept;
}

fn composed(target: &Target<'_>, inference: &Inference) -> Result<Map<String, Value>, Untranslatable> {
    let sampling = &inference.sampling;
    let mut input = Vec::new();
    for (index, message) in inference.messages.iter().enumerate() {
        let within = |error: Untranslatable| Untranslatable {
            field: format!("messages[{index}].{}", error.field),
            reason: error.reason,
        };
        items(target, message, &mut input).map_err(within)?;
    }
    drop_orphans(&mut input);
    let mut text = Map::new();
    text.extend(text_format(inference)?.map(|format| ("format".to_owned(), format)));
    let raw = |name: &str| serde_json::from_str::<Value>(inference.raw.get(name)?.get()).ok().filter(|v| !v.is_null());
    text.extend(raw("verbosity").map(|verbosity| ("verbosity".to_owned(), verbosity)));
    let table = [
        ("input", Some(Value::from(input))),
        ("tools", tools(inference)?),
        ("tool_choice", inference.tool_choice.as_ref().map(tool_choice)),
        ("parallel_tool_calls", inference.parallel_tool_calls.map(Value::from)),
        ("text", (!text.is_empty()).then_some(Value::Object(text))),
        ("temperature", sampling.temperature.map(Value::from)),
        ("top_p", sampling.top_p.map(Value::from)),
        ("top_logprobs", sampling.top_logprobs.map(Value::from)),
        ("reasoning", inference.reasoning.as_ref().and_then(|wish| thinking(wish, inference.max_tokens()))),
        ("safety_identifier", inference.user.as_deref().map(Value::from)),
    ];
    let mut fields: Map<String, Value> =
        table.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?))).collect();
    fields.extend(SHARED.iter().filter_map(|name| Some(((*name).to_owned(), raw(name)?))));
    Ok(fields)
}

fn thinking(wish: &Reasoning, max_tokens: Option<u64>) -> Option<Value> {
    if reasoning::is_off(wish) {
        return Some(json!({ "effort": "none" }));
    }
    if !wish.is_on() {
        return None;
    }
    // There is no word above `xhigh`.
    let effort = match reasoning::effort(wish, max_tokens) {
        "max" => "xhigh",
        other => other,
    };
    let is_hidden = wish.exclude == Some(true);
    Some(if is_hidden { json!({ "effort": effort }) } else { json!({ "effort": effort, "summary": "auto" }) })
}

/// The items one message stands for.
fn items(target: &Target<'_>, message: &Message, out: &mut Vec<Value>) -> Result<(), Untranslatable> {
    match message.role {
        Role::Tool => {
            let output = match message.content.as_slice() {
                [] => Value::from(""),
                [Part::Text { text, .. }] => Value::from(text.as_str()),
                parts => parts_of(parts)?,
            };
            let call_id = message.tool_call_id.as_deref().unwrap_or_default();
            out.push(json!({ "type": "function_call_output", "call_id": call_id, "output": output }));
        }
        Role::Assistant => assistant(target, message, out)?,
        role => {
            let is_developer = role == Role::Developer && !target.quirks.no_developer_role;
            let role = match role {
                Role::User => "user",
                _ if is_developer => "developer",
                _ => "system",
            };
            let content = match message.content.as_slice() {
                [Part::Text { text, .. }] => Value::from(text.as_str()),
                parts => parts_of(parts)?,
            };
            out.push(json!({ "role": role, "content": content }));
        }
    }
    Ok(())
}

fn assistant(target: &Target<'_>, message: &Message, out: &mut Vec<Value>) -> Result<(), Untranslatable> {
    out.extend(thoughts::replayed(&message.reasoning_details, format(target.quirks)));
    let (mut content, mut pictures) = (Vec::new(), Vec::new());
    for (index, own) in message.content.iter().enumerate() {
        match own {
            Part::Text { text, .. } => content.push(json!({ "type": "output_text", "text": text })),
            // An answer holds no pictures here: what the model made is shown to it.
            Part::Image { .. } => pictures.push(part(own, index)?),
            _ => return Err(untranslatable(format!("content[{index}]"), "an answer of the assistant is text here")),
        }
    }
    if let Some(refusal) = &message.refusal {
        content.push(json!({ "type": "refusal", "refusal": refusal }));
    }
    if !content.is_empty() {
        out.push(json!({ "role": "assistant", "content": content }));
    }
    out.extend(message.tool_calls.iter().map(|call| {
        let arguments = if call.arguments.is_empty() { "{}" } else { &call.arguments };
        json!({ "type": "function_call", "call_id": call.id, "name": call.name, "arguments": arguments })
    }));
    if !pictures.is_empty() {
        out.push(json!({ "role": "user", "content": pictures }));
    }
    Ok(())
}

fn parts_of(parts: &[Part]) -> Result<Value, Untranslatable> {
    parts.iter().enumerate().map(|(index, own)| part(own, index)).collect()
}

fn part(part: &Part, index: usize) -> Result<Value, Untranslatable> {
    Ok(match part {
        Part::Text { text, .. } => json!({ "type": "input_text", "text": text }),
        Part::Image { url, detail, .. } => {
            json!({ "type": "input_image", "image_url": url, "detail": detail.as_deref().unwrap_or("auto") })
        }
        Part::Audio { data, format } => {
            json!({ "type": "input_audio", "input_audio": { "data": data, "format": format } })
        }
        Part::File { name, data, file_id, .. } => {
            let mut file = json!({ "type": "input_file" });
            let split = data.as_deref().and_then(media::split_data_url);
            let known = match (data, split) {
                (Some(data), Some((media_type, _))) => {
                    let extension = media_type.rsplit('/').next().unwrap_or("bin");
                    let name = name.clone().unwrap_or_else(|| format!("file.{extension}"));
                    [("filename", Some(name)), ("file_data", Some(data.clone()))]
                }
                (Some(url), None) => [("filename", None), ("file_url", Some(url.clone()))],
                (None, _) => [("filename", None), ("file_id", file_id.clone())],
            };
            if let Some(fields) = file.as_object_mut() {
                fields.extend(known.into_iter().filter_map(|(key, value)| Some((key.to_owned(), value?.into()))));
            }
            file
        }
        Part::Video { .. } => return Err(untranslatable(format!("content[{index}].video_url"), "takes no video")),
        Part::Other(_) => {
            return Err(untranslatable(format!("content[{index}]"), "this provider has no part of this kind"));
        }
    })
}

fn tools(inference: &Inference) -> Result<Option<Value>, Untranslatable> {
    let mut tools = Vec::with_capacity(inference.tools.len());
    for (index, Tool { name, description, parameters, strict, other, .. }) in inference.tools.iter().enumerate() {
        if other.is_some() {
            return Err(untranslatable(
                format!("tools[{index}]"),
                "only functions can be translated for this provider",
            ));
        }
        tools.push(json!({
            "type": "function",
            "name": name,
            "description": description,
            "parameters": parameters.clone().unwrap_or_else(|| json!({ "type": "object", "properties": {} })),
            // Here the default is strict, in the other APIs it is not.
            "strict": strict.unwrap_or(false),
        }));
    }
    Ok((!tools.is_empty()).then_some(Value::from(tools)))
}

fn tool_choice(choice: &ToolChoice) -> Value {
    match choice {
        ToolChoice::Auto => json!("auto"),
        ToolChoice::None => json!("none"),
        ToolChoice::Required => json!("required"),
        ToolChoice::Function(name) => json!({ "type": "function", "name": name }),
    }
}

fn text_format(inference: &Inference) -> Result<Option<Value>, Untranslatable> {
    Ok(match &inference.response_format {
        None => None,
        Some(ResponseFormat::Text) => Some(json!({ "type": "text" })),
        Some(ResponseFormat::JsonObject) => Some(json!({ "type": "json_object" })),
        Some(ResponseFormat::JsonSchema { name, schema, strict }) => {
            Some(json!({ "type": "json_schema", "name": name, "schema": schema, "strict": strict.unwrap_or(false) }))
        }
        Some(ResponseFormat::Other(_)) => {
            return Err(untranslatable("response_format", "this provider knows JSON schemas only"));
        }
    })
}
