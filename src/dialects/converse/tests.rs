//! Requests.

use serde_json::{Value, json};

use super::*;
use crate::dialects::chat_completions::parse::parse;

const CLAUDE: &str = "us.anthropic.claude-sonnet-4-5-20250929-v1:0";

fn encoded(model: &str, body: &Value) -> Result<(String, Value), Untranslatable> {
    let quirks = Quirks::default();
    let target = Target { model, max_output_tokens: Some(64_000), quirks: &quirks };
    let request = Converse.encode(&target, &parse(body.to_string().as_bytes()).unwrap())?;
    Ok((request.path, serde_json::from_slice(&request.body).unwrap()))
}

fn sent(body: &Value) -> Value {
    encoded(CLAUDE, body).unwrap().1
}

#[test]
fn the_model_stands_in_the_address_with_its_colon_escaped() {
    let body = json!({ "model": "m", "stream": true, "messages": [{ "role": "user", "content": "hi" }] });
    let (path, body) = encoded(CLAUDE, &body).unwrap();
    assert_eq!(path, "/model/us.anthropic.claude-sonnet-4-5-20250929-v1%3A0/converse-stream");
    assert_eq!(body["messages"], json!([{ "role": "user", "content": [{ "text": "hi" }] }]));
}

#[test]
fn results_of_parallel_calls_share_one_user_turn_in_front_of_the_text() {
    let body = sent(&json!({ "model": "m", "messages": [
        { "role": "user", "content": "Weather?" },
        { "role": "assistant", "content": null, "tool_calls": [
            { "id": "call:1", "type": "function", "function": { "name": "w", "arguments": "{\"city\":\"Rome\"}" } },
            { "id": "call:2", "type": "function", "function": { "name": "w", "arguments": "" } } ] },
        { "role": "tool", "tool_call_id": "call:1", "content": "sunny" },
        { "role": "tool", "tool_call_id": "call:2", "content": "rain" },
        { "role": "user", "content": "And?" },
    ] }));
    let turns = body["messages"].as_array().unwrap();
    assert_eq!(turns.len(), 3);
    assert_eq!(turns[1]["content"][1]["toolUse"], json!({ "toolUseId": "call_2", "name": "w", "input": {} }));
    assert_eq!(turns[2]["content"][0]["toolResult"]["toolUseId"], "call_1");
    assert_eq!(turns[2]["content"][1]["toolResult"]["content"], json!([{ "text": "rain" }]));
    assert_eq!(turns[2]["content"][2], json!({ "text": "And?" }));
    assert_eq!(body["toolConfig"]["tools"][0]["toolSpec"]["name"], "w", "blocks of tools want tools declared");
}

#[test]
fn marks_of_the_prompt_cache_stand_behind_what_they_mark() {
    let request = json!({ "model": "m", "messages": [
        { "role": "system", "content": [{ "type": "text", "text": "Long.", "cache_control": { "type": "ephemeral", "ttl": "1h" } }] },
        { "role": "user", "content": "hi" } ] });
    let point = json!({ "cachePoint": { "type": "default", "ttl": "1h" } });
    assert_eq!(sent(&request)["system"], json!([{ "text": "Long." }, point]));
    let (_, other) = encoded("meta.llama3-3-70b-instruct-v1:0", &request).unwrap();
    assert_eq!(other["system"], json!([{ "text": "Long." }]), "Llama does not know them");
}

#[test]
fn thinking_goes_into_the_makers_own_fields_and_excludes_what_claude_refuses_beside_it() {
    let body = json!({ "model": "m", "messages": [{ "role": "user", "content": "hi" }], "temperature": 0.3,
        "max_tokens": 10_000, "reasoning": { "max_tokens": 2_000 }, "tool_choice": "required",
        "tools": [{ "type": "function", "function": { "name": "f" } }] });
    let claude = sent(&body);
    let own = &claude["additionalModelRequestFields"];
    assert_eq!(own["thinking"], json!({ "type": "enabled", "budget_tokens": 2_000 }));
    assert!(claude["inferenceConfig"].get("temperature").is_none());
    assert_eq!(claude["toolConfig"]["toolChoice"], json!({ "auto": {} }));
    let (_, oss) = encoded("openai.gpt-oss-120b-1:0", &body).unwrap();
    assert_eq!(oss["additionalModelRequestFields"], json!({ "reasoning_effort": "low" }));
    assert_eq!(oss["toolConfig"]["toolChoice"], json!({ "any": {} }));
    assert_eq!(oss["inferenceConfig"]["temperature"], 0.3);
}

#[test]
fn schemas_go_as_text_and_refused_tools_not_at_all() {
    let schema = json!({ "type": "object", "properties": {} });
    let body = sent(&json!({ "model": "m", "messages": [{ "role": "user", "content": "hi" }], "tool_choice": "none",
        "tools": [{ "type": "function", "function": { "name": "f" } }],
        "response_format": { "type": "json_schema", "json_schema": { "name": "S", "schema": schema } } }));
    let format = &body["outputConfig"]["textFormat"];
    assert_eq!(format["structure"]["jsonSchema"]["schema"], schema.to_string());
    assert!(body.get("toolConfig").is_none());
}

#[test]
fn media_are_sent_as_bytes_and_documents_never_alone() {
    let body = sent(&json!({ "model": "m", "messages": [{ "role": "user", "content": [
        { "type": "file", "file": { "filename": "a_b.pdf", "file_data": "data:application/pdf;base64,QUFB" } },
        { "type": "file", "file": { "filename": "a_b.pdf", "file_data": "data:application/pdf;base64,QUFB" } },
        { "type": "image_url", "image_url": { "url": "data:image/png;base64,QUFB" } },
    ] }] }));
    let content = body["messages"][0]["content"].as_array().unwrap();
    assert_eq!(content[0]["document"], json!({ "format": "pdf", "name": "a b", "source": { "bytes": "QUFB" } }));
    assert_eq!(content[1]["document"]["name"], "a b (2)");
    assert_eq!(content[2]["image"]["format"], "png");
    assert_eq!(content[3], json!({ "text": "." }));
    let url = json!({ "model": "m", "messages": [{ "role": "user", "content": [
        { "type": "image_url", "image_url": { "url": "https://example.com/a.png" } } ] }] });
    assert_eq!(encoded(CLAUDE, &url).unwrap_err().field, "messages[0].content[0].image_url");
}

#[test]
fn ids_longer_than_bedrock_takes_stay_the_same_for_call_and_result() {
    let id = "x".repeat(100);
    let body = sent(&json!({ "model": "m", "messages": [
        { "role": "user", "content": "a" },
        { "role": "assistant", "tool_calls": [{ "id": id, "type": "function", "function": { "name": "f", "arguments": "{}" } }] },
        { "role": "tool", "tool_call_id": id, "content": "b" } ] }));
    let call = &body["messages"][1]["content"][0]["toolUse"]["toolUseId"];
    assert_eq!(*call, body["messages"][2]["content"][0]["toolResult"]["toolUseId"]);
    assert!(call.as_str().unwrap().len() <= 64);
}

#[test]
fn an_exception_in_the_stream_is_a_fault_of_its_kind() {
    use crate::dialects::FaultKind;
    use app::types::sse::ServerSentEvent;
    // Written down from Amazon's documentation; none was recorded.
    for (kind, expected) in [
        ("throttlingException", FaultKind::RateLimited),
        ("modelStreamErrorException", FaultKind::Unavailable),
        ("validationException", FaultKind::InvalidRequest),
        ("internalServerException", FaultKind::Unavailable),
        ("serviceUnavailableException", FaultKind::Overloaded),
    ] {
        let data = json!({ "error": { "type": kind, "message": "Something happened" } }).to_string();
        let event = ServerSentEvent { name: "exception".to_owned(), data };
        let fault = Converse.decoder(&Quirks::default()).event(&event, &mut Vec::new()).unwrap_err();
        assert_eq!((fault.kind, fault.code.as_deref()), (expected, Some(kind)));
        assert_eq!(fault.message, "Something happened");
    }
}

#[test]
fn the_class_of_an_error_is_in_a_header() {
    use crate::dialects::FaultKind;
    for (status, class, expected) in [
        (403, "AccessDeniedException", FaultKind::OurCredential),
        (403, "ExpiredTokenException", FaultKind::OurCredential),
        (400, "UnrecognizedClientException", FaultKind::OurCredential),
        (429, "ThrottlingException", FaultKind::RateLimited),
        (429, "ModelNotReadyException", FaultKind::Overloaded),
        (400, "ServiceQuotaExceededException", FaultKind::RateLimited),
        (408, "ModelTimeoutException", FaultKind::Timeout),
        (424, "ModelErrorException", FaultKind::Unavailable),
        (404, "ResourceNotFoundException", FaultKind::UnknownModel),
        (503, "ServiceUnavailableException", FaultKind::Overloaded),
        (400, "ValidationException", FaultKind::InvalidRequest),
    ] {
        let header =
            |name: &str| (name == "x-amzn-errortype").then(|| format!("{class}:http://internal.amazon.com/coral/"));
        let fault = Converse.decode_error(status, &header, b"{\"message\":\"No.\"}");
        assert_eq!((fault.kind, fault.code.as_deref()), (expected, Some(class)), "{class}");
    }
}
