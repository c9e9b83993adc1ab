//! What the providers' published schemas allow of a request. Sources: the API
//! references of OpenAI, Anthropic and Google.

use serde_json::Value;

use crate::dialects::Dialect;

/// What the provider would refuse; `None` when it would not.
pub(super) fn complaint(dialect: Dialect, body: &Value) -> Option<String> {
    let outcome = if dialect == Dialect::AnthropicMessages {
        anthropic(body)
    } else if dialect == Dialect::Gemini {
        gemini(body)
    } else {
        openai(body)
    };
    outcome.err()
}

type Outcome = Result<(), String>;

fn only(value: &Value, names: &[&str], place: &str) -> Outcome {
    let fields = value.as_object().ok_or_else(|| format!("{place} is no object"))?;
    match fields.keys().find(|name| !names.contains(&name.as_str())) {
        Some(name) => Err(format!("{place} has an unknown field {name}")),
        None => Ok(()),
    }
}

fn need(is_right: bool, rule: &str) -> Outcome {
    if is_right { Ok(()) } else { Err(rule.to_owned()) }
}

fn list<'a>(value: &'a Value, name: &str) -> &'a [Value] {
    value[name].as_array().map_or(&[], Vec::as_slice)
}

fn anthropic(body: &Value) -> Outcome {
    let fields = [
        "model",
        "max_tokens",
        "system",
        "messages",
        "tools",
        "tool_choice",
        "thinking",
        "output_config",
        "temperature",
        "top_p",
        "top_k",
        "stop_sequences",
        "metadata",
        "cache_control",
        "stream",
    ];
    only(body, &fields, "the body")?;
    need(body["max_tokens"].as_u64().is_some_and(|most| most > 0), "max_tokens is required")?;
    need(body["temperature"].as_f64().is_none_or(|it| (0.0..=1.0).contains(&it)), "temperature is from 0 to 1")?;
    need(body["thinking"].is_null() || body["temperature"].is_null(), "thinking excludes temperature")?;
    let messages = list(body, "messages");
    need(messages.first().is_some_and(|first| first["role"] == "user"), "the first turn is the user's")?;
    let mut has_calls = false;
    let mut open: Vec<&Value> = Vec::new();
    for (index, message) in messages.iter().enumerate() {
        only(message, &["role", "content"], "a message")?;
        let expected = if index % 2 == 0 { "user" } else { "assistant" };
        need(message["role"] == expected, "turns alternate")?;
        let blocks = list(message, "content");
        need(!blocks.is_empty(), "no turn is empty")?;
        let results: Vec<&Value> = blocks
            .iter()
            .take_while(|block| block["type"] == "tool_result")
            .map(|block| &block["tool_use_id"])
            .collect();
        need(results == open, "all results stand first in the next turn")?;
        open = blocks.iter().filter(|block| block["type"] == "tool_use").map(|block| &block["id"]).collect();
        has_calls |= !open.is_empty();
        for block in blocks {
            anthropic_block(block)?;
        }
    }
    need(!has_calls || !list(body, "tools").is_empty(), "tools are declared when they were called")?;
    for tool in list(body, "tools") {
        only(tool, &["name", "description", "input_schema", "cache_control"], "a tool")?;
        need(tool["input_schema"]["type"] == "object", "a schema is an object's")?;
    }
    let choice = &body["tool_choice"];
    need(
        choice.is_null() || matches!(choice["type"].as_str(), Some("auto" | "any" | "tool" | "none")),
        "a known choice",
    )?;
    list(body, "stop_sequences").iter().try_for_each(|stop| {
        need(stop.as_str().is_some_and(|stop| !stop.trim().is_empty()), "stop sequences have letters")
    })
}

fn anthropic_block(block: &Value) -> Outcome {
    match block["type"].as_str() {
        Some("text") => {
            only(block, &["type", "text", "cache_control"], "a text")?;
            need(block["text"].as_str().is_some_and(|text| !text.trim().is_empty()), "no text is empty")
        }
        Some("image" | "document") => {
            only(block, &["type", "source", "title", "cache_control"], "a medium")?;
            let source = &block["source"];
            match source["type"].as_str() {
                Some("base64") => only(source, &["type", "media_type", "data"], "a source"),
                Some("url") => only(source, &["type", "url"], "a source"),
                _ => Err("an unknown source".to_owned()),
            }
        }
        Some("thinking") => only(block, &["type", "thinking", "signature"], "thinking"),
        Some("redacted_thinking") => only(block, &["type", "data"], "thinking"),
        Some("tool_use") => {
            only(block, &["type", "id", "name", "input"], "a call")?;
            need(block["input"].is_object(), "input is an object")?;
            let is_id = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
            need(block["id"].as_str().is_some_and(|id| id.chars().all(is_id)), "an id has plain letters")
        }
        Some("tool_result") => only(block, &["type", "tool_use_id", "content", "is_error"], "a result"),
        other => Err(format!("an unknown block {other:?}")),
    }
}

fn gemini(body: &Value) -> Outcome {
    only(body, &["systemInstruction", "contents", "tools", "toolConfig", "generationConfig"], "the body")?;
    let contents = list(body, "contents");
    need(!contents.is_empty(), "there are contents")?;
    let mut calls = 0;
    for content in contents {
        only(content, &["role", "parts"], "a content")?;
        need(matches!(content["role"].as_str(), Some("user" | "model")), "roles are user and model")?;
        let parts = list(content, "parts");
        need(!parts.is_empty(), "no content is empty")?;
        let results = parts.iter().filter(|part| part["functionResponse"].is_object()).count();
        need(results == 0 || (results == parts.len() && results == calls), "all results of a turn go together")?;
        calls = parts.iter().filter(|part| part["functionCall"].is_object()).count();
        let unsigned = parts.iter().find(|part| part["functionCall"].is_object());
        need(unsigned.is_none_or(|part| part["thoughtSignature"].is_string()), "the first call is signed")?;
        for part in parts {
            let kinds = ["text", "inlineData", "fileData", "functionCall", "functionResponse", "thoughtSignature"];
            only(part, &kinds, "a part")?;
            let is_data = |name: &&&str| **name != "thoughtSignature" && !part[**name].is_null();
            need(kinds.iter().filter(is_data).count() == 1, "a part is of one kind")?;
            let response = &part["functionResponse"];
            need(response.is_null() || response["response"].is_object(), "a response is an object")?;
        }
    }
    let config = [
        "temperature",
        "topP",
        "topK",
        "maxOutputTokens",
        "stopSequences",
        "candidateCount",
        "seed",
        "frequencyPenalty",
        "presencePenalty",
        "responseMimeType",
        "responseJsonSchema",
        "responseModalities",
        "thinkingConfig",
        "imageConfig",
    ];
    only(&body["generationConfig"], &config, "generationConfig")?;
    need(list(&body["generationConfig"], "stopSequences").len() <= 5, "at most five stop sequences")?;
    for function in list(body, "tools").iter().flat_map(|tool| list(tool, "functionDeclarations")) {
        only(function, &["name", "description", "parametersJsonSchema"], "a function")?;
    }
    let calling = &body["toolConfig"]["functionCallingConfig"];
    need(calling.is_null() || matches!(calling["mode"].as_str(), Some("AUTO" | "ANY" | "NONE")), "a known mode")?;
    need(calling["allowedFunctionNames"].is_null() || calling["mode"] == "ANY", "names only with ANY")
}

fn openai(body: &Value) -> Outcome {
    let fields = [
        "model",
        "messages",
        "tools",
        "tool_choice",
        "parallel_tool_calls",
        "response_format",
        "temperature",
        "top_p",
        "top_k",
        "frequency_penalty",
        "presence_penalty",
        "seed",
        "stop",
        "user",
        "max_tokens",
        "stream",
        "stream_options",
        "reasoning_effort",
    ];
    only(body, &fields, "the body")?;
    let mut open: Vec<&Value> = Vec::new();
    for message in list(body, "messages") {
        only(message, &["role", "content", "tool_calls", "tool_call_id", "name", "refusal"], "a message")?;
        if message["role"] == "tool" {
            need(!open.is_empty() && open.remove(0) == &message["tool_call_id"], "results follow their calls")?;
            continue;
        }
        need(open.is_empty(), "every call has its result")?;
        open = list(message, "tool_calls").iter().map(|call| &call["id"]).collect();
        let has_content = message["content"].is_string() || !list(message, "content").is_empty();
        need(has_content || !open.is_empty(), "there is content, or there are calls")?;
        for part in list(message, "content") {
            let kind = part["type"].as_str().unwrap_or_default();
            only(part, &["type", kind], "a part")?;
            need(["text", "image_url", "input_audio", "video_url", "file"].contains(&kind), "a known kind of part")?;
        }
    }
    Ok(())
}
