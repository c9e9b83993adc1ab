//! Presets: what of a request is kept, and how it is put back into another one.
//!
//! Settings are kept in the vocabulary of chat completions and worded anew for a
//! request of another API. What the request says itself wins.

use serde_json::{Map, Value, json};

/// The client API a body belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Style {
    Chat,
    Messages,
    Responses,
}

impl Style {
    /// By the end of the request's path; `None` where presets have no meaning.
    #[must_use]
    pub fn of_path(path: &str) -> Option<Self> {
        match path.trim_end_matches('/') {
            path if path.ends_with("/chat/completions") || path.ends_with("/v1/route") => Some(Self::Chat),
            path if path.ends_with("/messages") => Some(Self::Messages),
            path if path.ends_with("/responses") => Some(Self::Responses),
            _ => None,
        }
    }

    /// This API's name of a setting.
    fn name(self, setting: &str) -> &str {
        match (self, setting) {
            (Self::Responses, "max_tokens") => "max_output_tokens",
            (Self::Messages, "stop") => "stop_sequences",
            _ => setting,
        }
    }
}

/// Settings that every API words alike, or only by another name.
const SETTINGS: [&str; 26] = [
    "model",
    "models",
    "provider",
    "temperature",
    "top_p",
    "top_k",
    "top_a",
    "min_p",
    "frequency_penalty",
    "presence_penalty",
    "repetition_penalty",
    "logit_bias",
    "logprobs",
    "top_logprobs",
    "max_tokens",
    "max_completion_tokens",
    "stop",
    "seed",
    "reasoning",
    "reasoning_effort",
    "parallel_tool_calls",
    "response_format",
    "plugins",
    "verbosity",
    "modalities",
    "tool_choice",
];

/// Settings whose wording differs so much that they stay with the API they came from.
const OWN_WORDING: [&str; 4] = ["response_format", "tool_choice", "logprobs", "reasoning_effort"];

/// What a preset keeps.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Kept {
    pub system_prompt: Option<String>,
    /// In the vocabulary of chat completions.
    pub config: Map<String, Value>,
}

/// What of a request's body is kept.
#[must_use]
pub fn kept(body: &Map<String, Value>, style: Style) -> Kept {
    let mut config = Map::new();
    for setting in SETTINGS {
        if style != Style::Chat && OWN_WORDING.contains(&setting) {
            continue;
        }
        if let Some(value) = body.get(style.name(setting)).filter(|value| !value.is_null()) {
            config.insert(setting.to_owned(), value.clone());
        }
    }
    let tools: Vec<Value> =
        body.get("tools").and_then(Value::as_array).into_iter().flatten().map(|tool| chat_tool(tool, style)).collect();
    if !tools.is_empty() {
        config.insert("tools".to_owned(), Value::Array(tools));
    }
    let system_prompt = match style {
        Style::Responses => body.get("instructions").and_then(text_of),
        Style::Messages => body.get("system").and_then(text_of),
        Style::Chat => {
            let messages = body.get("messages").and_then(Value::as_array);
            let first = messages.and_then(|messages| messages.first());
            first.filter(|message| is_system(message)).and_then(|message| text_of(&message["content"]))
        }
    };
    Kept { system_prompt, config }
}

/// Puts kept settings into a request: fields it has itself stay, tools are united.
pub fn apply(body: &mut Map<String, Value>, kept: &Kept, style: Style) {
    for (setting, value) in &kept.config {
        let is_foreign = style != Style::Chat && OWN_WORDING.contains(&setting.as_str());
        if setting == "tools" || is_foreign {
            continue;
        }
        // `models` is a list of fallbacks for the kept model, not for another.
        let is_taken = body.contains_key(style.name(setting)) || (setting == "models" && body.contains_key("model"));
        if !is_taken || body.get(style.name(setting)).is_some_and(Value::is_null) {
            body.insert(style.name(setting).to_owned(), value.clone());
        }
    }
    unite_tools(body, kept, style);
    if let Some(prompt) = &kept.system_prompt {
        add_system_prompt(body, prompt, style);
    }
}

fn unite_tools(body: &mut Map<String, Value>, kept: &Kept, style: Style) {
    let Some(Value::Array(tools)) = kept.config.get("tools") else { return };
    let own = body.entry("tools").or_insert_with(|| json!([]));
    if own.is_null() {
        *own = json!([]);
    }
    let Some(own) = own.as_array_mut() else { return };
    let names: Vec<String> = own.iter().map(identity).collect();
    let more = tools.iter().map(|tool| styled_tool(tool, style)).filter(|tool| !names.contains(&identity(tool)));
    own.extend(more.collect::<Vec<_>>());
}

fn add_system_prompt(body: &mut Map<String, Value>, prompt: &str, style: Style) {
    match style {
        Style::Responses => {
            body.entry("instructions").or_insert_with(|| json!(prompt));
        }
        Style::Messages => {
            body.entry("system").or_insert_with(|| json!(prompt));
        }
        Style::Chat => {
            let Some(messages) = body.get_mut("messages").and_then(Value::as_array_mut) else { return };
            if !messages.iter().any(is_system) {
                messages.insert(0, json!({ "role": "system", "content": prompt }));
            }
        }
    }
}

fn is_system(message: &Value) -> bool {
    matches!(message["role"].as_str(), Some("system" | "developer"))
}

/// A text, or the texts of a list of parts.
fn text_of(value: &Value) -> Option<String> {
    let text = match value {
        Value::String(text) => text.clone(),
        Value::Array(parts) => {
            let texts: Vec<&str> = parts.iter().filter_map(|part| part["text"].as_str()).collect();
            texts.join("\n")
        }
        _ => return None,
    };
    (!text.is_empty()).then_some(text)
}

/// Functions are the same by name, other tools by type.
fn identity(tool: &Value) -> String {
    let name = tool["function"]["name"].as_str().or_else(|| tool["name"].as_str());
    name.or_else(|| tool["type"].as_str()).unwrap_or_default().to_owned()
}

/// A tool in the wording of chat completions.
fn chat_tool(tool: &Value, style: Style) -> Value {
    let is_function = match style {
        Style::Chat => false,
        Style::Messages => tool.get("input_schema").is_some(),
        Style::Responses => tool["type"] == "function",
    };
    if !is_function {
        return tool.clone();
    }
    let mut function = Map::new();
    for (name, own) in [("name", "name"), ("description", "description"), ("strict", "strict")] {
        if let Some(value) = tool.get(own).filter(|value| !value.is_null()) {
            function.insert(name.to_owned(), value.clone());
        }
    }
    let schema = if style == Style::Messages { "input_schema" } else { "parameters" };
    if let Some(value) = tool.get(schema) {
        function.insert("parameters".to_owned(), value.clone());
    }
    json!({ "type": "function", "function": function })
}

/// The opposite of [`chat_tool`].
fn styled_tool(tool: &Value, style: Style) -> Value {
    let Some(function) = tool.get("function").and_then(Value::as_object).filter(|_| style != Style::Chat) else {
        return tool.clone();
    };
    let mut own = function.clone();
    if style == Style::Responses {
        own.insert("type".to_owned(), json!("function"));
    } else {
        let schema = own.shift_remove("parameters").unwrap_or_else(|| json!({ "type": "object" }));
        own.shift_remove("strict");
        own.insert("input_schema".to_owned(), schema);
    }
    Value::Object(own)
}

/// The preset a body names, taken out of it: `model: "@preset/slug"`,
/// `model: "author/model@preset/slug"` or `preset: "slug"`.
pub fn take_name(body: &mut Map<String, Value>) -> Option<String> {
    let field = body.shift_remove("preset").and_then(|value| value.as_str().map(str::to_owned));
    let model = body.get("model").and_then(Value::as_str).map(str::to_owned);
    let in_model = model.and_then(|model| {
        let (model, slug) = model.split_once("@preset/")?;
        if model.is_empty() {
            body.shift_remove("model");
        } else {
            body.insert("model".to_owned(), json!(model));
        }
        Some(slug.to_owned())
    });
    in_model.or(field).map(|name| name.trim_start_matches("@preset/").to_owned()).filter(|name| !name.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn object(value: Value) -> Map<String, Value> {
        let Value::Object(fields) = value else { panic!("an object") };
        fields
    }

    #[test]
    fn what_is_kept_of_one_api_serves_the_others() {
        let body = object(json!({
            "model": "acme/one", "temperature": 0.2, "max_output_tokens": 100, "instructions": "Be brief.",
            "input": "Hi", "stream": true,
            "tools": [{ "type": "function", "name": "weather", "parameters": { "type": "object" } }]
        }));
        let kept = kept(&body, Style::Responses);
        assert_eq!(kept.system_prompt.as_deref(), Some("Be brief."));
        assert!(!kept.config.contains_key("input") && !kept.config.contains_key("stream"));

        let mut chat = object(json!({ "messages": [{ "role": "user", "content": "Hello" }], "temperature": 1 }));
        apply(&mut chat, &kept, Style::Chat);
        assert_eq!((&chat["temperature"], &chat["max_tokens"]), (&json!(1), &json!(100)), "the request wins");
        assert_eq!(chat["messages"][0], json!({ "role": "system", "content": "Be brief." }));
        assert_eq!(chat["tools"][0]["function"]["name"], "weather");

        let mut messages =
            object(json!({ "messages": [], "max_tokens": 5, "tools": [{ "name": "own", "input_schema": {} }] }));
        apply(&mut messages, &kept, Style::Messages);
        assert_eq!((&messages["system"], &messages["max_tokens"]), (&json!("Be brief."), &json!(5)));
        let expected =
            json!([{ "name": "own", "input_schema": {} }, { "name": "weather", "input_schema": { "type": "object" } }]);
        assert_eq!(messages["tools"], expected);
    }

    #[test]
    fn a_tool_of_the_request_replaces_the_presets_of_the_same_name() {
        let tool = |text: &str| json!({ "type": "function", "function": { "name": "weather", "description": text } });
        let kept = kept(&object(json!({ "tools": [tool("old")] })), Style::Chat);
        let mut body = object(json!({ "messages": [], "tools": [tool("new")] }));
        apply(&mut body, &kept, Style::Chat);
        assert_eq!(body["tools"], json!([tool("new")]));
    }

    #[test]
    fn a_preset_is_named_in_three_ways() {
        for (body, slug, model) in [
            (json!({ "model": "@preset/terse" }), Some("terse"), None),
            (json!({ "model": "acme/one@preset/terse" }), Some("terse"), Some("acme/one")),
            (json!({ "model": "acme/one", "preset": "terse" }), Some("terse"), Some("acme/one")),
            (json!({ "model": "acme/one", "preset": "@preset/terse" }), Some("terse"), Some("acme/one")),
            (json!({ "model": "acme/one" }), None, Some("acme/one")),
        ] {
            let mut body = object(body);
            assert_eq!(take_name(&mut body).as_deref(), slug);
            assert_eq!(body.get("model").and_then(Value::as_str), model);
            assert!(!body.contains_key("preset"));
        }
    }
}
