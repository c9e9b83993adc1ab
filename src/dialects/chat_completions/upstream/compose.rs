//! OpenAI's fields for an inference that came in another client dialect.

use super::request::untranslatable;
use crate::dialects::Untranslatable;
use serde_json::value::to_raw_value;
use serde_json::{Map, Value, json};

use crate::dialects::inference::{Inference, Message, Part, RawFields, ResponseFormat, Tool, ToolCall, ToolChoice};

/// Passes when nothing in the request belongs to another company's protocol alone.
pub(super) fn check(inference: &Inference) -> Result<(), Untranslatable> {
    if inference.native.is_none() {
        return Ok(());
    }
    if let Some(index) = inference.tools.iter().position(|tool| tool.other.is_some()) {
        let field = format!("tools[{index}]");
        return Err(untranslatable(&field, "only functions can be translated for this provider"));
    }
    for (index, message) in inference.messages.iter().enumerate() {
        if let Some(number) = message.content.iter().position(|part| matches!(part, Part::Other(_))) {
            let field = format!("messages[{index}].content[{number}]");
            return Err(untranslatable(&field, "this provider has no part of this kind"));
        }
    }
    Ok(())
}

/// The top-level fields, as a caller who speaks OpenAI would have sent them.
pub(super) fn fields(inference: &Inference) -> RawFields {
    let sampling = &inference.sampling;
    let list = |items: Vec<Value>| (!items.is_empty()).then_some(Value::from(items));
    let stop: Vec<Value> = sampling.stop.iter().map(|stop| Value::from(stop.as_str())).collect();
    let table = [
        ("messages", Some(inference.messages.iter().map(message).collect())),
        ("tools", list(inference.tools.iter().map(tool).collect())),
        ("tool_choice", inference.tool_choice.as_ref().map(tool_choice)),
        ("parallel_tool_calls", inference.parallel_tool_calls.map(Value::from)),
        ("response_format", inference.response_format.as_ref().map(response_format)),
        ("temperature", sampling.temperature.map(Value::from)),
        ("top_p", sampling.top_p.map(Value::from)),
        ("top_k", sampling.top_k.map(Value::from)),
        ("min_p", sampling.min_p.map(Value::from)),
        ("frequency_penalty", sampling.frequency_penalty.map(Value::from)),
        ("presence_penalty", sampling.presence_penalty.map(Value::from)),
        ("repetition_penalty", sampling.repetition_penalty.map(Value::from)),
        ("seed", sampling.seed.map(Value::from)),
        ("stop", list(stop)),
        ("n", sampling.n.map(Value::from)),
        ("logprobs", sampling.logprobs.map(Value::from)),
        ("top_logprobs", sampling.top_logprobs.map(Value::from)),
        ("user", inference.user.as_deref().map(Value::from)),
        ("cache_control", inference.cache_control.clone()),
        ("modalities", list(inference.modalities.iter().map(|kind| Value::from(kind.as_str())).collect())),
        ("image_config", inference.image_config.clone()),
        ("reasoning", inference.reasoning.as_ref().map(|wish| {
            json!({ "effort": wish.effort, "max_tokens": wish.max_tokens, "exclude": wish.exclude, "enabled": wish.enabled })
        })),
    ];
    let raw = |(name, value): (&str, Option<Value>)| Some((name.to_owned(), to_raw_value(&value?).ok()?));
    table.into_iter().filter_map(raw).collect()
}

fn message(message: &Message) -> Value {
    let mut fields = Map::new();
    let content = match message.content.as_slice() {
        [] if message.tool_calls.is_empty() => Value::from(""),
        [] => Value::Null,
        [Part::Text { text, cache_control: None }] => Value::from(text.as_str()),
        parts => parts.iter().map(part).collect(),
    };
    fields.insert("role".to_owned(), json!(message.role));
    fields.insert("content".to_owned(), content);
    let optional = [
        ("name", message.name.as_deref().map(Value::from)),
        ("tool_call_id", message.tool_call_id.as_deref().map(Value::from)),
        ("reasoning", message.reasoning.as_deref().map(Value::from)),
        ("refusal", message.refusal.as_deref().map(Value::from)),
        (
            "reasoning_details",
            (!message.reasoning_details.is_empty()).then(|| Value::from(message.reasoning_details.clone())),
        ),
        ("tool_calls", (!message.tool_calls.is_empty()).then(|| message.tool_calls.iter().map(tool_call).collect())),
    ];
    for (name, value) in optional {
        if let Some(value) = value {
            fields.insert(name.to_owned(), value);
        }
    }
    Value::Object(fields)
}

fn part(part: &Part) -> Value {
    let (mut value, mark) = match part {
        Part::Text { text, cache_control } => (json!({ "type": "text", "text": text }), cache_control),
        Part::Image { url, detail, cache_control } => {
            let mut image = json!({ "url": url });
            if let (Some(detail), Some(fields)) = (detail, image.as_object_mut()) {
                fields.insert("detail".to_owned(), Value::from(detail.as_str()));
            }
            (json!({ "type": "image_url", "image_url": image }), cache_control)
        }
        Part::Audio { data, format } => {
            (json!({ "type": "input_audio", "input_audio": { "data": data, "format": format } }), &None)
        }
        Part::Video { url } => (json!({ "type": "video_url", "video_url": { "url": url } }), &None),
        Part::File { name, data, file_id, cache_control } => {
            let known = [("filename", name), ("file_data", data), ("file_id", file_id)];
            let fields: Map<String, Value> = known
                .into_iter()
                .filter_map(|(key, value)| Some((key.to_owned(), Value::from(value.as_deref()?))))
                .collect();
            (json!({ "type": "file", "file": fields }), cache_control)
        }
        Part::Other(value) => (value.clone(), &None),
    };
    if let (Some(mark), Some(fields)) = (mark, value.as_object_mut()) {
        fields.insert("cache_control".to_owned(), mark.clone());
    }
    value
}

fn tool_call(call: &ToolCall) -> Value {
    json!({ "id": call.id, "type": "function", "function": { "name": call.name, "arguments": call.arguments } })
}

fn tool(tool: &Tool) -> Value {
    if let Some(other) = &tool.other {
        return other.clone();
    }
    let mut function = json!({ "name": tool.name });
    let optional = [
        ("description", tool.description.as_deref().map(Value::from)),
        ("parameters", tool.parameters.clone()),
        ("strict", tool.strict.map(Value::from)),
    ];
    if let Some(fields) = function.as_object_mut() {
        fields.extend(optional.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?))));
    }
    let mut value = json!({ "type": "function", "function": function });
    if let (Some(mark), Some(fields)) = (&tool.cache_control, value.as_object_mut()) {
        fields.insert("cache_control".to_owned(), mark.clone());
    }
    value
}

fn tool_choice(choice: &ToolChoice) -> Value {
    match choice {
        ToolChoice::Auto => json!("auto"),
        ToolChoice::None => json!("none"),
        ToolChoice::Required => json!("required"),
        ToolChoice::Function(name) => json!({ "type": "function", "function": { "name": name } }),
    }
}

fn response_format(format: &ResponseFormat) -> Value {
    match format {
        ResponseFormat::Text => json!({ "type": "text" }),
        ResponseFormat::JsonObject => json!({ "type": "json_object" }),
        ResponseFormat::JsonSchema { name, schema, strict } => {
            let mut value = json!({ "type": "json_schema", "json_schema": { "name": name, "schema": schema } });
            if let (Some(strict), Some(fields)) =
                (strict, value.pointer_mut("/json_schema").and_then(Value::as_object_mut))
            {
                fields.insert("strict".to_owned(), Value::from(*strict));
            }
            value
        }
        ResponseFormat::Other(value) => value.clone(),
    }
}
