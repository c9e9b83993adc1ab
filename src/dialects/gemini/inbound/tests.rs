//! Google's clients, where the recordings do not reach.

use serde_json::{Value, json};

use super::*;
use crate::dialects::answer::Heading;
use crate::dialects::inference::{Part, ResponseFormat, ToolChoice};
use crate::dialects::{Delta, Dialect, FinishReason, Quirks, Target, reasoning};

fn parsed(body: &Value) -> Inference {
    parse(body.to_string().as_bytes(), "m", false).unwrap()
}

fn ask(extra: &Value) -> Value {
    let mut body = json!({ "contents": [{ "role": "user", "parts": [{ "text": "hi" }] }] });
    body.as_object_mut().unwrap().extend(extra.as_object().unwrap().clone());
    body
}

#[test]
fn both_spellings_and_both_alphabets_are_understood() {
    let inference = parsed(&json!({ "system_instruction": "s", "contents": [{ "parts": [
            { "inline_data": { "mime_type": "audio/mpeg", "data": "-_8" } },
            { "fileData": { "fileUri": "https://youtu.be/x" } },
            { "file_data": { "mime_type": "application/pdf", "file_uri": "https://a.example/d" } },
            { "executableCode": { "code": "1" } }] }],
        "generation_config": { "max_output_tokens": "50", "stop_sequences": ["E"], "response_modalities": ["IMAGE"],
            "thinking_config": { "thinking_level": "HIGH", "include_thoughts": true }, "imageConfig": { "aspectRatio": "1:1" } } }));
    let content = &inference.messages[1].content;
    assert!(matches!(&content[0], Part::Audio { data, format } if data == "+/8=" && format == "mp3"));
    assert!(matches!(&content[1], Part::Video { .. }));
    assert!(matches!(&content[2], Part::File { data: Some(url), .. } if url == "https://a.example/d"));
    assert!(matches!(&content[3], Part::Other(_)));
    assert_eq!((inference.max_tokens(), inference.modalities), (Some(50), vec!["image".to_owned()]));
    assert_eq!(inference.reasoning.unwrap().effort.as_deref(), Some("high"));
    assert_eq!(inference.image_config, Some(json!({ "aspect_ratio": "1:1" })));
}

#[test]
fn tools_and_the_form_of_the_answer_are_understood() {
    let inference = parsed(&ask(&json!({
        "tools": [{ "functionDeclarations": [{ "name": "f" }, { "name": "g" }, { "name": "h" }] }, { "codeExecution": {} }],
        "toolConfig": { "functionCallingConfig": { "mode": "ANY", "allowedFunctionNames": ["f", "g"] } },
        "generationConfig": { "responseSchema": { "type": "ARRAY", "items": { "type": "STRING" }, "minItems": "2" } } })));
    let names: Vec<&str> = inference.tools.iter().map(|tool| tool.name.as_str()).collect();
    assert_eq!(names, ["f", "g"], "a choice among some is an offer of only those");
    assert_eq!(inference.tool_choice, Some(ToolChoice::Required));
    let Some(ResponseFormat::JsonSchema { schema, .. }) = inference.response_format else { panic!() };
    assert_eq!(schema, json!({ "type": "array", "items": { "type": "string" }, "minItems": 2 }));
    let json = parsed(&ask(&json!({ "generationConfig": { "responseMimeType": "application/json" } })));
    assert_eq!(json.response_format, Some(ResponseFormat::JsonObject));
}

#[test]
fn every_refusal_names_the_field() {
    for (extra, field) in [
        (json!({ "contents": 7 }), "contents"),
        (json!({ "contents": [{ "role": "wizard", "parts": [] }] }), "contents[0].role"),
        (json!({ "contents": [{ "parts": [{ "functionCall": {} }] }] }), "contents[0].parts[0].functionCall.name"),
        (
            json!({ "contents": [{ "parts": [{ "inlineData": { "data": "AA" } }] }] }),
            "contents[0].parts[0].inlineData.mimeType",
        ),
        (json!({ "generationConfig": { "temperature": "hot" } }), "generationConfig.temperature"),
        (
            json!({ "generationConfig": { "thinkingConfig": { "thinkingBudget": -2 } } }),
            "generationConfig.thinkingConfig.thinkingBudget",
        ),
        (
            json!({ "toolConfig": { "functionCallingConfig": { "mode": "MUST" } } }),
            "toolConfig.functionCallingConfig.mode",
        ),
        (json!({ "tools": [{ "functionDeclarations": [{}] }] }), "tools[0].functionDeclarations[0].name"),
    ] {
        let error = parse(ask(&extra).to_string().as_bytes(), "m", false).unwrap_err();
        assert_eq!(error.field, field, "{extra}");
    }
}

fn whole(wish: Gemini, deltas: &[Delta]) -> Value {
    let mut answer = Answer::ordered();
    for delta in deltas {
        answer.add(delta.clone());
    }
    serde_json::from_slice(&wish.whole(&Heading::default(), &answer, &UsageReport::default())).unwrap()
}

#[test]
fn claudes_thinking_travels_through_googles_clients() {
    let text = reasoning::text_detail("hm", reasoning::ANTHROPIC, 0);
    let signature = reasoning::signature_detail("sig", reasoning::ANTHROPIC, 0);
    let mut deltas: Vec<Delta> = [text, signature].map(|detail| Delta::ReasoningDetail { choice: 0, detail }).into();
    deltas.push(Delta::ToolCall {
        choice: 0,
        index: 0,
        id: Some("toolu_1".into()),
        name: Some("f".into()),
        arguments: "{\"x\":1.0}".into(),
    });
    let wish = Gemini { shows_thoughts: true, is_array: false };
    let answer = whole(wish, &deltas);
    let content = &answer["candidates"][0]["content"];
    assert_eq!(content["parts"][0], json!({ "text": "hm", "thought": true }));
    assert_eq!(content["parts"][2]["functionCall"]["args"], json!({ "x": 1.0 }));
    let result = json!({ "role": "user", "parts": [{ "functionResponse": { "name": "f", "id": "toolu_1", "response": { "output": "r" } } }] });
    let inference = parsed(&json!({ "contents": [{ "role": "user", "parts": [{ "text": "u" }] }, content, result],
        "generationConfig": { "thinkingConfig": { "thinkingBudget": 2000 } } }));
    let quirks = Quirks::default();
    let sent = |dialect: Dialect, model: &str| -> Value {
        let target = Target { model, max_output_tokens: Some(8000), quirks: &quirks };
        serde_json::from_slice(&dialect.upstream().encode(&target, &inference).unwrap().body).unwrap()
    };
    let claude = sent(Dialect::AnthropicMessages, "claude-sonnet-4-5");
    assert_eq!(
        claude["messages"][1]["content"][0],
        json!({ "type": "thinking", "thinking": "hm", "signature": "sig" })
    );
    assert_eq!(claude["messages"][2]["content"][0]["content"][0]["text"], "r");
    let gemini = sent(Dialect::Gemini, "gemini-3-pro-preview");
    let parts = gemini["contents"][1]["parts"].as_array().unwrap();
    assert_eq!(parts.len(), 2, "the part that held only a foreign signature is gone");
    assert_eq!(parts[1]["thoughtSignature"], "skip_thought_signature_validator");
}

#[test]
fn thoughts_are_shown_only_to_those_who_ask() {
    let deltas = [Delta::Reasoning { choice: 0, text: "hm".into() }, Delta::Text { choice: 0, text: "a".into() }];
    let parts = |wish: Gemini| whole(wish, &deltas)["candidates"][0]["content"]["parts"].clone();
    assert_eq!(parts(Gemini::default()), json!([{ "text": "a" }]));
    let asked = parsed(&ask(&json!({ "generationConfig": { "thinkingConfig": { "include_thoughts": true } } })));
    assert_eq!(parts(Gemini::of(&asked, false))[0], json!({ "text": "hm", "thought": true }));
}

#[test]
fn several_candidates_and_their_reasons_are_kept_apart() {
    let mut deltas = Vec::new();
    for (choice, text, reason) in [(0, "a", FinishReason::Stop), (1, "b", FinishReason::Length)] {
        deltas.push(Delta::Text { choice, text: text.into() });
        deltas.push(Delta::Finish { choice, reason, native: Some("x".into()) });
    }
    let answer = whole(Gemini::default(), &deltas);
    let said = |index: usize| {
        let candidate = &answer["candidates"][index];
        (candidate["content"]["parts"][0]["text"].clone(), candidate["finishReason"].clone())
    };
    assert_eq!(said(0), (json!("a"), json!("STOP")));
    assert_eq!(said(1), (json!("b"), json!("MAX_TOKENS")));
}
