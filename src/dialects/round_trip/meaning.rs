//! What a request means, in a form in which two protocols can be compared: ids by
//! order, turns of one speaker joined, and only what the protocol has words for.

use serde_json::{Value, json};

use crate::dialects::inference::{Inference, Message, Part, Reasoning, ResponseFormat, Role, ToolCall, ToolChoice};
use crate::dialects::{Dialect, reasoning};

pub(super) fn meaning(dialect: Dialect, inference: &Inference) -> Value {
    let sampling = &inference.sampling;
    let is_gemini = dialect == Dialect::Gemini;
    let is_claude = dialect == Dialect::AnthropicMessages;
    let mut meaning = json!({
        "streamed": inference.is_streamed,
        "messages": conversation(dialect, &inference.messages),
        "tools": inference.tools.iter().map(|tool| json!([tool.name, tool.description, tool.parameters])).collect::<Vec<_>>(),
        "choice": inference.tool_choice.as_ref().map(choice),
        // Without a cap Claude gets the model's own.
        "max_tokens": sampling.max_tokens.or(is_claude.then_some(64_000)),
        "temperature": sampling.temperature,
        "top_p": sampling.top_p,
        "top_k": sampling.top_k,
        "stop": sampling.stop,
        "schema": match &inference.response_format {
            Some(ResponseFormat::JsonSchema { schema, .. }) => schema.clone(),
            _ => Value::Null,
        },
        "thinks": inference.reasoning.as_ref().is_some_and(Reasoning::is_on),
    });
    if !is_gemini {
        meaning["user"] = json!(inference.user);
        meaning["single"] = json!(inference.parallel_tool_calls == Some(false));
    }
    if is_claude {
        meaning["cache"] = json!(inference.cache_control);
        meaning["marks"] = inference.tools.iter().map(|tool| json!(tool.cache_control)).collect();
    } else {
        meaning["penalties"] = json!([sampling.frequency_penalty, sampling.presence_penalty]);
        meaning["seed"] = json!(sampling.seed);
    }
    meaning
}

fn choice(choice: &ToolChoice) -> Value {
    match choice {
        ToolChoice::Auto => json!("auto"),
        ToolChoice::None => json!("none"),
        ToolChoice::Required => json!("required"),
        ToolChoice::Function(name) => json!({ "function": name }),
    }
}

fn conversation(dialect: Dialect, messages: &[Message]) -> Value {
    let mut turns: Vec<(Role, Vec<Value>)> = Vec::new();
    let mut ids: Vec<&str> = Vec::new();
    for message in messages {
        let role = if message.role == Role::Developer { Role::System } else { message.role };
        let mut items: Vec<Value> = Vec::new();
        if role == Role::Assistant && dialect != Dialect::OpenaiChat {
            items.extend(reasoned(dialect, message));
        }
        items.extend(message.content.iter().map(|part| said(part, dialect)));
        for call in &message.tool_calls {
            ids.push(&call.id);
            items.push(called(call, ids.len()));
        }
        if role == Role::Tool {
            let id = message.tool_call_id.as_deref();
            // The last call of that id: some clients use an id again.
            let number = ids.iter().rposition(|known| Some(*known) == id).map(|place| place + 1);
            items = vec![json!({ "result": number, "says": items, "failed": message.is_error })];
        }
        match turns.last_mut() {
            Some((last, joined)) if *last == role => joined.extend(items),
            _ => turns.push((role, items)),
        }
    }
    turns.into_iter().map(|(role, items)| json!([role, items])).collect()
}

fn called(call: &ToolCall, number: usize) -> Value {
    let arguments: Value = serde_json::from_str(&call.arguments).unwrap_or_default();
    json!({ "call": number, "name": call.name, "arguments": arguments })
}

fn reasoned(dialect: Dialect, message: &Message) -> Vec<Value> {
    let format = if dialect == Dialect::Gemini { reasoning::GEMINI } else { reasoning::ANTHROPIC };
    let detail = |detail: &Value| {
        let is_excuse = detail["data"] == "skip_thought_signature_validator";
        (detail["format"] == format && !is_excuse)
            .then(|| json!({ "text": detail["text"], "signature": detail["signature"], "data": detail["data"] }))
    };
    message.reasoning_details.iter().filter_map(detail).collect()
}

fn said(part: &Part, dialect: Dialect) -> Value {
    let mark = |mark: &Option<Value>| if dialect == Dialect::AnthropicMessages { json!(mark) } else { Value::Null };
    match part {
        // Gemini takes an object for a result, whose spaces mean nothing.
        Part::Text { text, .. } if dialect == Dialect::Gemini && text.starts_with('{') => {
            json!({ "text": serde_json::from_str::<Value>(text).unwrap_or_else(|_| json!(text)), "mark": null })
        }
        Part::Text { text, cache_control } => json!({ "text": text, "mark": mark(cache_control) }),
        Part::Image { url, .. } => json!({ "image": url }),
        Part::Audio { data, format } => json!({ "audio": data, "format": format }),
        Part::Video { url } => json!({ "video": url }),
        Part::File { name, data, .. } => json!({ "file": data, "name": name }),
        Part::Other(value) => json!({ "other": value }),
    }
}
