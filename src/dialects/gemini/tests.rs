//! Gemini, where the recordings do not reach.

use app::types::sse::ServerSentEvent;
use serde_json::{Value, json};

use super::*;
use crate::dialects::chat_completions::parse::parse;
use crate::dialects::{FaultKind, FinishReason};

fn encoded(model: &str, body: &Value) -> Result<(String, Value), Untranslatable> {
    let quirks = Quirks::default();
    let target = Target { model, max_output_tokens: Some(8000), quirks: &quirks };
    let request = Gemini.encode(&target, &parse(body.to_string().as_bytes()).unwrap())?;
    Ok((request.path, serde_json::from_slice(&request.body).unwrap()))
}

fn sent(model: &str, body: &Value) -> Value {
    encoded(model, body).unwrap().1
}

fn ask(extra: &Value) -> Value {
    let mut body = json!({"model": "m", "messages": [{"role": "user", "content": "hi"}]});
    body.as_object_mut().unwrap().extend(extra.as_object().unwrap().clone());
    body
}

fn conversation(details: &Value) -> Value {
    let call = |id: &str, name: &str| json!({"id": id, "type": "function", "function": {"name": name, "arguments": "{\"a\":1.0}"}});
    json!({"model": "m", "messages": [
        {"role": "system", "content": "s"},
        {"role": "user", "content": [{"type": "text", "text": "see"},
            {"type": "image_url", "image_url": {"url": "data:image/png;base64,AA"}},
            {"type": "video_url", "video_url": {"url": "https://youtu.be/x"}}]},
        {"role": "assistant", "content": null, "reasoning_details": details,
            "tool_calls": [call("call_1", "f"), call("ab12cd34", "g")]},
        {"role": "tool", "tool_call_id": "ab12cd34", "content": "{\"k\": 1}"},
        {"role": "tool", "tool_call_id": "call_1", "content": "sunny"},
        {"role": "user", "content": "so?"}]})
}

#[test]
fn a_conversation_becomes_turns_with_named_results_in_the_order_of_the_calls() {
    let body = sent("gemini-2.5-flash", &conversation(&json!([])));
    assert_eq!(body["systemInstruction"], json!({"parts": [{"text": "s"}]}));
    assert_eq!(
        body["contents"][0],
        json!({"role": "user", "parts": [{"text": "see"}, {"inlineData": {"mimeType": "image/png", "data": "AA"}},
            {"fileData": {"fileUri": "https://youtu.be/x"}}]})
    );
    assert_eq!(
        body["contents"][1],
        json!({"role": "model", "parts": [{"functionCall": {"name": "f", "args": {"a": 1.0}}},
            {"functionCall": {"id": "ab12cd34", "name": "g", "args": {"a": 1.0}}}]})
    );
    assert_eq!(
        body["contents"][2],
        json!({"role": "user", "parts": [{"functionResponse": {"name": "f", "response": {"result": "sunny"}}},
            {"functionResponse": {"id": "ab12cd34", "name": "g", "response": {"k": 1}}}]})
    );
    assert_eq!(body["contents"][3], json!({"role": "user", "parts": [{"text": "so?"}]}));
}

#[test]
fn signatures_return_to_their_calls_and_the_missing_one_is_excused() {
    let signed = json!([{"type": "reasoning.encrypted", "data": "sig", "id": "call_1", "format": "google-gemini-v1", "index": 0}]);
    let parts = sent("gemini-3-pro-preview", &conversation(&signed))["contents"][1]["parts"].clone();
    assert_eq!(parts[0]["thoughtSignature"], "sig");
    assert!(parts[1].get("thoughtSignature").is_none());
    let foreign = json!([{"type": "reasoning.text", "text": "t", "signature": "a", "format": "anthropic-claude-v1"}]);
    let parts = sent("gemini-3-pro-preview", &conversation(&foreign))["contents"][1]["parts"].clone();
    assert_eq!(parts[0]["thoughtSignature"], "skip_thought_signature_validator");
}

#[test]
fn parameters_are_translated_or_refused() {
    let (path, body) = encoded(
        "models/gemini-2.5-pro",
        &ask(&json!({"stream": true, "max_tokens": 9000, "temperature": 0.5, "stop": "END", "n": 2, "seed": 3,
            "modalities": ["image", "text"], "reasoning": {"effort": "low"},
            "response_format": {"type": "json_schema", "json_schema": {"name": "n", "schema": {"type": "object"}}},
            "tools": [{"type": "function", "function": {"name": "f", "parameters": {"type": "object", "properties": {}}}},
                {"type": "function", "function": {"name": "g", "parameters": {"type": "object", "properties": {"a": {"type": "string"}}}}}],
            "tool_choice": {"type": "function", "function": {"name": "g"}}})),
    )
    .unwrap();
    assert_eq!(path, "/models/gemini-2.5-pro:streamGenerateContent?alt=sse");
    assert_eq!(
        body["generationConfig"],
        json!({"temperature": 0.5, "maxOutputTokens": 8000, "stopSequences": ["END"], "candidateCount": 2, "seed": 3,
            "responseMimeType": "application/json", "responseJsonSchema": {"type": "object"},
            "responseModalities": ["IMAGE", "TEXT"], "thinkingConfig": {"thinkingBudget": 1600, "includeThoughts": true}})
    );
    assert_eq!(body["tools"][0]["functionDeclarations"][0], json!({"name": "f"}));
    assert!(body["tools"][0]["functionDeclarations"][1]["parametersJsonSchema"].is_object());
    assert_eq!(body["toolConfig"], json!({"functionCallingConfig": {"mode": "ANY", "allowedFunctionNames": ["g"]}}));
    assert_eq!(
        encoded("gemini-2.5-pro", &ask(&json!({"stop": ["1", "2", "3", "4", "5", "6"]}))).unwrap_err().field,
        "stop"
    );
    assert_eq!(encoded("gemini-2.5-pro", &ask(&json!({}))).unwrap().0, "/models/gemini-2.5-pro:generateContent");
}

#[test]
fn thinking_follows_the_generation_of_the_model() {
    let config = |model: &str, reasoning: Value| {
        sent(model, &ask(&json!({ "reasoning": reasoning })))["generationConfig"]["thinkingConfig"].clone()
    };
    let high = json!({"effort": "high"});
    assert_eq!(config("gemini-3-pro-preview", high.clone())["thinkingLevel"], "high");
    assert_eq!(config("gemini-3-flash", json!({"effort": "medium"}))["thinkingLevel"], "medium");
    assert_eq!(config("gemini-2.5-flash", high.clone())["thinkingBudget"], 6400);
    assert_eq!(config("gemini-2.5-flash", json!({"enabled": false}))["thinkingBudget"], 0);
    assert_eq!(config("gemini-2.5-pro", json!({"effort": "none"}))["thinkingBudget"], 128);
    assert_eq!(config("gemini-2.0-flash", high), Value::Null);
    assert_eq!(config("gemini-2.5-pro", json!({"effort": "low", "exclude": true}))["includeThoughts"], false);
}

fn events(lines: &[Value]) -> Result<Vec<Delta>, Fault> {
    let (mut decoder, mut out) = (Gemini.decoder(&Quirks::default()), Vec::new());
    for line in lines {
        decoder.event(&ServerSentEvent { name: String::new(), data: line.to_string() }, &mut out)?;
    }
    decoder.finish("", &mut out)?;
    Ok(out)
}

fn candidate(fields: &Value) -> Value {
    json!({ "candidates": [fields] })
}

#[test]
fn finish_reasons_come_as_words_and_as_numbers() {
    for (native, reason) in [
        (json!("STOP"), FinishReason::Stop),
        (json!(1), FinishReason::Stop),
        (json!(2), FinishReason::Length),
        (json!("SPII"), FinishReason::ContentFilter),
        (json!("NEW_REASON"), FinishReason::Stop),
    ] {
        let out =
            events(&[candidate(&json!({"content": {"parts": [{"text": "a"}]}, "finishReason": native}))]).unwrap();
        assert!(matches!(out.last(), Some(Delta::Finish { reason: found, .. }) if *found == reason), "{native}");
    }
}

#[test]
fn a_failed_call_without_output_is_a_fault_and_with_a_call_it_is_one() {
    let failed = candidate(&json!({"finishReason": "MALFORMED_FUNCTION_CALL", "finishMessage": "bad call"}));
    let fault = events(std::slice::from_ref(&failed)).unwrap_err();
    assert_eq!((fault.kind, fault.message.as_str()), (FaultKind::Unavailable, "bad call"));
    let text = candidate(&json!({"content": {"parts": [{"text": "a"}]}}));
    let out = events(&[text, failed]).unwrap();
    assert!(matches!(out.last(), Some(Delta::Finish { reason: FinishReason::Error, .. })));
    let unexpected = candidate(
        &json!({"content": {"parts": [{"functionCall": {"name": "f"}}]}, "finishReason": "UNEXPECTED_TOOL_CALL"}),
    );
    let out = events(&[unexpected]).unwrap();
    assert!(matches!(out.last(), Some(Delta::Finish { reason: FinishReason::ToolCalls, .. })));
    assert!(out.iter().any(|delta| matches!(delta, Delta::ToolCall { arguments, .. } if arguments == "{}")));
}

#[test]
fn a_signature_names_its_call() {
    let out = events(&[candidate(&json!({"content": {"parts": [{"text": "hm", "thought": true},
        {"functionCall": {"name": "f", "args": {}}, "thoughtSignature": "s"}]}, "finishReason": "STOP"}))])
    .unwrap();
    let id =
        out.iter().find_map(|delta| if let Delta::ToolCall { id, .. } = delta { id.clone() } else { None }).unwrap();
    let details: Vec<&Value> = out
        .iter()
        .filter_map(|delta| if let Delta::ReasoningDetail { detail, .. } = delta { Some(detail) } else { None })
        .collect();
    assert_eq!(details[0], &json!({"type": "reasoning.text", "text": "hm", "format": "google-gemini-v1", "index": 0}));
    assert_eq!(
        details[1],
        &json!({"type": "reasoning.encrypted", "data": "s", "format": "google-gemini-v1", "index": 1, "id": id})
    );
}

#[test]
fn an_error_may_come_outside_events_and_a_stream_may_be_cut() {
    let mut decoder = Gemini.decoder(&Quirks::default());
    let stray = "{\n \"error\": {\"code\": 503, \"message\": \"busy\", \"status\": \"UNAVAILABLE\"}\n}\n";
    assert_eq!(decoder.finish(stray, &mut Vec::new()).unwrap_err().kind, FaultKind::Overloaded);
    assert!(events(&[candidate(&json!({"content": {"parts": [{"text": "a"}]}}))]).is_err());
    assert!(Gemini.decode_whole(&Quirks::default(), b"{}").is_err());
    let list = json!([
        candidate(&json!({"content": {"parts": [{"text": "a"}]}})),
        candidate(&json!({"finishReason": "STOP"}))
    ]);
    assert_eq!(Gemini.decode_whole(&Quirks::default(), list.to_string().as_bytes()).unwrap().len(), 3);
}
