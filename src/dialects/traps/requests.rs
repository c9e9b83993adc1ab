//! Traps on the way to the provider.

use serde_json::{Value, json};

use super::{chat, claude, encoded, gemini, openai};
use crate::dialects::{Dialect, Quirks};

fn call(id: &str, arguments: &str) -> Value {
    json!({ "id": id, "type": "function", "function": { "name": "f", "arguments": arguments } })
}

fn loop_of(ids: &[&str]) -> Value {
    let calls: Vec<Value> = ids.iter().map(|id| call(id, "{\"a\":7006652.0}")).collect();
    let mut messages = vec![
        json!({ "role": "user", "content": "u" }),
        json!({ "role": "assistant", "content": null, "tool_calls": calls }),
    ];
    messages.extend(
        ids.iter().map(|id| json!({ "role": "tool", "tool_call_id": id, "content": format!("result of {id}") })),
    );
    chat(&messages.into())
}

#[test]
fn ids_of_calls_are_mapped_alike_in_the_call_and_in_its_result() {
    let foreign = loop_of(&["toolu_01ABC:x", "call.2"]);
    let mistral = openai(&Quirks { short_tool_ids: true, ..Quirks::default() }, &foreign);
    for index in 0..2 {
        let id = mistral["messages"][1]["tool_calls"][index]["id"].as_str().unwrap();
        assert_eq!(mistral["messages"][2 + index]["tool_call_id"], id);
        assert!(id.len() == 9 && id.bytes().all(|byte| byte.is_ascii_alphanumeric()), "{id}");
    }
    let anthropic = claude(&foreign);
    for index in 0..2 {
        let id = anthropic["messages"][1]["content"][index]["id"].as_str().unwrap();
        assert_eq!(anthropic["messages"][2]["content"][index]["tool_use_id"], id);
        assert!(id.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-'), "{id}");
    }
}

#[test]
fn numbers_and_keys_of_arguments_are_not_rewritten() {
    let body = loop_of(&["call_1"]);
    assert_eq!(claude(&body)["messages"][1]["content"][0]["input"].to_string(), "{\"a\":7006652.0}");
    let part = &gemini(&body)["contents"][1]["parts"][0]["functionCall"];
    assert_eq!(part["args"].to_string(), "{\"a\":7006652.0}");
}

#[test]
fn arguments_that_are_empty_or_broken_never_fail_a_request() {
    for arguments in ["", "{broken", "\"{}\"", "null"] {
        let message = json!({ "role": "assistant", "content": null, "tool_calls": [call("call_1", arguments)] });
        let result = json!({ "role": "tool", "tool_call_id": "call_1", "content": "" });
        let body = chat(&json!([{ "role": "user", "content": "u" }, message, result]));
        assert!(claude(&body)["messages"][1]["content"][0]["input"].is_object(), "{arguments}");
        assert!(gemini(&body)["contents"][1]["parts"][0]["functionCall"]["args"].is_object(), "{arguments}");
    }
}

#[test]
fn the_developer_is_the_system_where_nobody_knows_him() {
    let body = chat(&json!([{ "role": "developer", "content": "d" }, { "role": "user", "content": "u" }]));
    assert_eq!(openai(&Quirks::default(), &body)["messages"][0]["role"], "developer");
    let strict = Quirks { no_developer_role: true, ..Quirks::default() };
    assert_eq!(openai(&strict, &body)["messages"][0]["role"], "system");
    assert_eq!(claude(&body)["system"][0]["text"], "d");
    assert_eq!(gemini(&body)["systemInstruction"]["parts"][0]["text"], "d");
}

#[test]
fn one_cap_goes_out_under_the_name_the_provider_knows() {
    for (sent, name) in [("max_tokens", "max_completion_tokens"), ("max_completion_tokens", "max_tokens")] {
        let body = json!({ "model": "m", "messages": [{ "role": "user", "content": "u" }], sent: 99 });
        let wants = Quirks { max_completion_tokens: name == "max_completion_tokens", ..Quirks::default() };
        let out = openai(&wants, &body);
        assert_eq!(out[name], json!(99));
        assert!(out.get(sent).is_none(), "{sent} does not stand beside {name}");
    }
}

#[test]
fn a_picture_from_a_tool_follows_in_a_user_message() {
    let image = json!({ "type": "image_url", "image_url": { "url": "data:image/png;base64,AA" } });
    let mut body = loop_of(&["call_1", "call_2"]);
    body["messages"][2]["content"] = json!([{ "type": "text", "text": "see" }, image]);
    let out = openai(&Quirks::default(), &body);
    let roles: Vec<&str> = out["messages"].as_array().unwrap().iter().map(|m| m["role"].as_str().unwrap()).collect();
    assert_eq!(roles, ["user", "assistant", "tool", "tool", "user"], "results stay together, the picture comes after");
    assert_eq!(out["messages"][4]["content"][0]["type"], "image_url");
}

#[test]
fn words_of_the_original_do_not_reach_a_provider_that_would_refuse_them() {
    let body = json!({ "model": "m", "models": ["n"], "provider": {}, "plugins": [], "session_id": "s", "route": "fallback",
        "messages": [{ "role": "user", "content": "u" },
            { "role": "assistant", "content": "a", "reasoning": "hm", "reasoning_details": [], "refusal": null },
            { "role": "user", "content": "v" }] });
    let out = openai(&Quirks::default(), &body);
    for name in ["models", "provider", "plugins", "session_id", "route"] {
        assert!(out.get(name).is_none(), "{name}");
    }
    let keys: Vec<&String> = out["messages"][1].as_object().unwrap().keys().collect();
    assert_eq!(keys, ["role", "content"]);
}

#[test]
fn several_answers_at_once_are_refused_where_there_is_only_one() {
    let body = json!({ "model": "m", "messages": [{ "role": "user", "content": "u" }], "n": 2 });
    let error = encoded(Dialect::AnthropicMessages, "claude-sonnet-4-5", &Quirks::default(), &body).unwrap_err();
    assert_eq!(error.field, "n");
    assert_eq!(gemini(&body)["generationConfig"]["candidateCount"], json!(2));
}

#[test]
fn claude_is_always_told_how_much_it_may_write() {
    let body = chat(&json!([{ "role": "user", "content": "u" }]));
    assert_eq!(claude(&body)["max_tokens"], json!(64_000), "the model's own limit, not a constant");
}

#[test]
fn texts_without_a_letter_are_left_out_for_claude() {
    let messages = json!([{ "role": "system", "content": "" }, { "role": "user", "content": [
        { "type": "text", "text": " \n" }, { "type": "text", "text": "u" }] }]);
    let out = claude(&chat(&messages));
    assert!(out.get("system").is_none());
    assert_eq!(out["messages"][0]["content"], json!([{ "type": "text", "text": "u" }]));
}

#[test]
fn a_tool_without_a_schema_still_has_one_for_claude_and_none_for_gemini() {
    let body = json!({ "model": "m", "messages": [{ "role": "user", "content": "u" }],
        "tools": [{ "type": "function", "function": { "name": "f" } }] });
    assert_eq!(claude(&body)["tools"][0]["input_schema"], json!({ "type": "object", "properties": {} }));
    assert_eq!(gemini(&body)["tools"][0]["functionDeclarations"][0], json!({ "name": "f" }));
}

#[test]
fn a_begun_answer_is_continued_marked_or_refused() {
    let mut body = chat(&json!([{ "role": "user", "content": "u" }, { "role": "assistant", "content": "So \n" }]));
    body["reasoning"] = json!({ "effort": "high" });
    let out = claude(&body);
    assert_eq!(out["messages"][1]["content"][0]["text"], "So", "it must not end in white space");
    assert!(out.get("thinking").is_none(), "thinking and a begun answer exclude each other");
    let newer = encoded(Dialect::AnthropicMessages, "claude-opus-4-6", &Quirks::default(), &body).unwrap_err();
    assert_eq!(newer.field, "messages[1]");
    let mistral = Quirks { marks_prefill: true, ..Quirks::default() };
    assert_eq!(openai(&mistral, &body)["messages"][1]["prefix"], json!(true));
    assert!(openai(&Quirks::default(), &body)["messages"][1].get("prefix").is_none());
}

#[test]
fn mistral_gets_its_thinking_back_in_its_own_form() {
    let quirks = Quirks {
        wants_thinking_parts: true,
        drops_message_fields: vec!["reasoning".into(), "reasoning_details".into()],
        ..Quirks::default()
    };
    let detail = json!({ "type": "reasoning.text", "text": "hm", "format": "unknown", "index": 0 });
    let answer = json!({ "role": "assistant", "content": "a", "reasoning": "hm", "reasoning_details": [detail] });
    let out = openai(
        &quirks,
        &chat(&json!([{ "role": "user", "content": "u" }, answer, { "role": "user", "content": "v" }])),
    );
    assert_eq!(
        out["messages"][1],
        json!({ "role": "assistant", "content": [
            { "type": "thinking", "thinking": [{ "type": "text", "text": "hm" }] }, { "type": "text", "text": "a" }] })
    );
}

#[test]
fn deepseek_gets_reasoning_with_every_call_even_if_the_client_lost_it() {
    let quirks = Quirks { wants_reasoning_content: true, ..Quirks::default() };
    let out = openai(&quirks, &loop_of(&["call_1"]));
    assert_eq!(out["messages"][1]["reasoning_content"], "");
}

#[test]
fn gemini_gets_all_results_in_one_turn_in_the_order_of_the_calls() {
    let mut body = loop_of(&["call_1", "call_2"]);
    body["messages"].as_array_mut().unwrap().swap(2, 3);
    let out = gemini(&body);
    let parts = out["contents"][2]["parts"].as_array().unwrap();
    let said: Vec<&str> =
        parts.iter().map(|part| part["functionResponse"]["response"]["result"].as_str().unwrap()).collect();
    assert_eq!(said, ["result of call_1", "result of call_2"], "text is wrapped, because a response is an object");
}

#[test]
fn a_history_of_another_model_is_excused_to_gemini() {
    let out = gemini(&loop_of(&["call_1", "call_2"]));
    let parts = &out["contents"][1]["parts"];
    assert_eq!(parts[0]["thoughtSignature"], "skip_thought_signature_validator");
    assert!(parts[1].get("thoughtSignature").is_none(), "of parallel calls only the first is signed");
}

#[test]
fn video_and_sound_go_to_gemini_and_are_refused_by_name_for_claude() {
    let messages = json!([{ "role": "user", "content": [
        { "type": "video_url", "video_url": { "url": "data:video/mp4;base64,AA" } },
        { "type": "input_audio", "input_audio": { "data": "AA", "format": "mp3" } }] }]);
    let parts = &gemini(&chat(&messages))["contents"][0]["parts"];
    assert_eq!(parts[0]["inlineData"], json!({ "mimeType": "video/mp4", "data": "AA" }));
    assert_eq!(parts[1]["inlineData"], json!({ "mimeType": "audio/mp3", "data": "AA" }));
    let error = encoded(Dialect::AnthropicMessages, "claude-sonnet-4-5", &Quirks::default(), &chat(&messages));
    assert_eq!(error.unwrap_err().field, "messages[0].content[0].video_url");
}

#[test]
fn a_wish_for_pictures_reaches_gemini_with_its_form() {
    let body = json!({ "model": "m", "messages": [{ "role": "user", "content": "draw" }], "modalities": ["image", "text"],
        "image_config": { "aspect_ratio": "16:9", "image_size": "2K" } });
    let config = &gemini(&body)["generationConfig"];
    assert_eq!(config["responseModalities"], json!(["IMAGE", "TEXT"]));
    assert_eq!(config["imageConfig"], json!({ "aspectRatio": "16:9", "imageSize": "2K" }));
    assert!(openai(&Quirks::default(), &body).get("image_config").is_none());
    let router = Quirks { keeps_reasoning_object: true, ..Quirks::default() };
    assert_eq!(openai(&router, &body)["image_config"]["image_size"], "2K");
}

#[test]
fn a_mark_for_the_cache_reaches_claude_wherever_it_stands() {
    let mark = json!({ "type": "ephemeral", "ttl": "1h" });
    let body = json!({ "model": "m", "cache_control": mark, "messages": [
        { "role": "system", "content": [{ "type": "text", "text": "s", "cache_control": mark }] },
        { "role": "user", "content": [{ "type": "text", "text": "u", "cache_control": mark }] }],
        "tools": [{ "type": "function", "function": { "name": "f" }, "cache_control": mark }] });
    let out = claude(&body);
    for found in [
        &out["cache_control"],
        &out["system"][0]["cache_control"],
        &out["messages"][0]["content"][0]["cache_control"],
        &out["tools"][0]["cache_control"],
    ] {
        assert_eq!(*found, mark);
    }
}

#[test]
fn a_wish_for_probabilities_and_for_a_voice_reaches_gemini() {
    let body = json!({ "model": "m", "logprobs": true, "top_logprobs": 3, "modalities": ["audio"],
        "audio": { "voice": "Kore", "format": "wav" }, "messages": [{ "role": "user", "content": "u" }] });
    let config = &gemini(&body)["generationConfig"];
    assert_eq!((&config["responseLogprobs"], &config["logprobs"]), (&json!(true), &json!(3)));
    assert_eq!(config["responseModalities"], json!(["AUDIO"]));
    assert_eq!(config["speechConfig"]["voiceConfig"]["prebuiltVoiceConfig"]["voiceName"], "Kore");
    let plain = &gemini(&json!({ "model": "m", "messages": [{ "role": "user", "content": "u" }] }))["generationConfig"];
    assert!(plain.get("responseLogprobs").is_none() && plain.get("speechConfig").is_none());
    // OpenAI gets both as they were sent.
    assert_eq!(openai(&Quirks::default(), &body)["audio"], body["audio"]);
    assert_eq!(openai(&Quirks::default(), &body)["top_logprobs"], 3);
}
