//! Traps on the way back from the provider.

use serde_json::{Value, json};

use super::{candidate, chunk, completion, read, stream};
use crate::dialects::answer::{Answer, Heading, Inbound as _, UsageReport};
use crate::dialects::{Delta, Dialect, FaultKind, FinishReason, Quirks, Usage};

fn usage(deltas: &[Delta]) -> Usage {
    let mut usage = Usage::default();
    for delta in deltas {
        if let Delta::Usage(newer) = delta {
            usage.merge(newer);
        }
    }
    usage
}

fn ending(deltas: &[Delta]) -> (FinishReason, Option<String>) {
    let find = |delta: &Delta| match delta {
        Delta::Finish { reason, native, .. } => Some((*reason, native.clone())),
        _ => None,
    };
    deltas.iter().rev().find_map(find).unwrap()
}

fn text(deltas: &[Delta]) -> String {
    deltas
        .iter()
        .filter_map(|delta| if let Delta::Text { text, .. } = delta { Some(text.as_str()) } else { None })
        .collect()
}

fn claude_events(stop: &str, usage: &Value) -> Vec<Value> {
    vec![
        json!({ "type": "message_start", "message": { "id": "m", "usage": { "input_tokens": 43, "output_tokens": 8 } } }),
        json!({ "type": "content_block_start", "index": 0, "content_block": { "type": "text", "text": "" } }),
        json!({ "type": "ping" }),
        json!({ "type": "content_block_delta", "index": 0, "delta": { "type": "text_delta", "text": "a" } }),
        json!({ "type": "content_block_stop", "index": 0 }),
        json!({ "type": "message_delta", "delta": { "stop_reason": stop }, "usage": usage }),
        json!({ "type": "message_stop" }),
    ]
}

#[test]
fn a_reason_nobody_has_heard_of_is_an_ordinary_end_in_its_own_words() {
    let claude =
        stream(Dialect::AnthropicMessages, &claude_events("new_reason", &json!({ "output_tokens": 5 }))).unwrap();
    assert_eq!(ending(&claude), (FinishReason::Stop, Some("new_reason".into())));
    let gemini = stream(Dialect::Gemini, &[candidate(&json!([{ "text": "a" }]), Some("NEW"))]).unwrap();
    assert_eq!(ending(&gemini), (FinishReason::Stop, Some("NEW".into())));
    let delta = json!([{ "index": 0, "delta": { "content": "a" }, "finish_reason": "eos" }]);
    assert_eq!(
        ending(&stream(Dialect::OpenaiChat, &[chunk(&delta)]).unwrap()),
        (FinishReason::Stop, Some("eos".into()))
    );
}

#[test]
fn gemini_says_stop_when_it_calls_functions() {
    let parts = json!([{ "functionCall": { "name": "f", "args": {} } }]);
    let deltas = stream(Dialect::Gemini, &[candidate(&parts, Some("STOP"))]).unwrap();
    assert_eq!(ending(&deltas).0, FinishReason::ToolCalls);
}

#[test]
fn usage_that_comes_twice_or_in_every_chunk_is_never_added_up() {
    let counts = json!({ "prompt_tokens": 10, "completion_tokens": 5, "total_tokens": 15 });
    let mut first = chunk(&json!([{ "index": 0, "delta": { "content": "a" }, "finish_reason": "stop" }]));
    first["usage"] = counts.clone();
    first["x_groq"] = json!({ "usage": counts });
    let mut second = chunk(&json!([]));
    second["usage"] = counts;
    let groq = usage(&stream(Dialect::OpenaiChat, &[first, second]).unwrap());
    assert_eq!((groq.prompt_tokens, groq.completion_tokens), (Some(10), Some(5)));
    let event = |count: u64, reason: Option<&str>| {
        let mut event = candidate(&json!([{ "text": "a" }]), reason);
        event["usageMetadata"] =
            json!({ "promptTokenCount": 7, "candidatesTokenCount": count, "thoughtsTokenCount": 2 });
        event
    };
    let gemini = usage(&stream(Dialect::Gemini, &[event(1, None), event(3, Some("STOP"))]).unwrap());
    assert_eq!((gemini.prompt_tokens, gemini.completion_tokens), (Some(7), Some(5)), "thoughts are output, too");
}

#[test]
fn the_first_count_of_claude_is_a_placeholder_and_the_last_input_wins() {
    let last = json!({ "input_tokens": 61, "cache_read_input_tokens": 10, "cache_creation_input_tokens": 4, "output_tokens": 20,
        "cache_creation": { "ephemeral_5m_input_tokens": 1, "ephemeral_1h_input_tokens": 3 } });
    let counts = usage(&stream(Dialect::AnthropicMessages, &claude_events("end_turn", &last)).unwrap());
    assert_eq!(counts.prompt_tokens, Some(75), "what the cache read and wrote is part of the prompt");
    assert_eq!(counts.completion_tokens, Some(20));
    assert_eq!((counts.cache_write_tokens, counts.cache_write_1h_tokens), (Some(4), Some(3)));
    // Some final events have only the output.
    let short =
        usage(&stream(Dialect::AnthropicMessages, &claude_events("end_turn", &json!({ "output_tokens": 5 }))).unwrap());
    assert_eq!((short.prompt_tokens, short.completion_tokens), (Some(43), Some(5)));
}

#[test]
fn xai_counts_reasoning_beside_the_completion() {
    let mut event = chunk(&json!([{ "index": 0, "delta": { "content": "a" }, "finish_reason": "stop" }]));
    event["usage"] = json!({ "prompt_tokens": 10, "completion_tokens": 5, "total_tokens": 35,
        "completion_tokens_details": { "reasoning_tokens": 20 } });
    let quirks = Quirks { reasoning_outside_completion: true, ..Quirks::default() };
    let counts = usage(&read(Dialect::OpenaiChat, &quirks, &format!("data: {event}\n\ndata: [DONE]\n\n")).unwrap());
    assert_eq!((counts.completion_tokens, counts.reasoning_tokens), (Some(25), Some(20)));
}

#[test]
fn framing_is_read_in_all_its_forms() {
    let one = chunk(&json!([{ "index": 0, "delta": { "role": "assistant", "content": null }, "obfuscation": "x" }]));
    let two = chunk(&json!([{ "index": 0, "delta": { "content": "é" }, "finish_reason": "stop", "p": "abc" }]));
    let wire = format!(": PROCESSING\n\n\n: keep-alive\n\ndata:{one}\r\n\r\ndata: {two}   ");
    let deltas = read(Dialect::OpenaiChat, &Quirks::default(), &wire).unwrap();
    assert_eq!(text(&deltas), "é", "no blank line and no [DONE] at the end");
}

#[test]
fn null_empty_and_absent_are_the_same_content() {
    for content in [Some(json!(null)), Some(json!("")), None] {
        let mut message = json!({ "role": "assistant", "tool_calls": [
            { "id": "c", "type": "function", "function": { "name": "f", "arguments": "{}" } }] });
        if let Some(content) = content {
            message["content"] = content;
        }
        let body = json!({ "id": "x", "choices": [{ "index": 0, "message": message, "finish_reason": "tool_calls" }] });
        let upstream = Dialect::OpenaiChat.upstream();
        let deltas = upstream.decode_whole(&Quirks::default(), body.to_string().as_bytes()).unwrap();
        assert_eq!(completion(&deltas)["choices"][0]["message"]["content"], Value::Null);
    }
}

#[test]
fn a_refusal_is_told_apart_from_an_empty_answer() {
    let refused = json!([{ "index": 0, "delta": { "role": "assistant", "refusal": "No." }, "finish_reason": "stop" }]);
    let openai = completion(&stream(Dialect::OpenaiChat, &[chunk(&refused)]).unwrap());
    assert_eq!(openai["choices"][0]["message"]["refusal"], "No.");
    assert_eq!(openai["choices"][0]["finish_reason"], "stop", "OpenAI's own reason is left alone");
    let stop = json!({ "type": "message_delta", "usage": { "output_tokens": 1 },
        "delta": { "stop_reason": "refusal", "stop_details": { "type": "refusal", "explanation": "No." } } });
    let claude = completion(&stream(Dialect::AnthropicMessages, &[stop, json!({ "type": "message_stop" })]).unwrap());
    assert_eq!(claude["choices"][0]["finish_reason"], "content_filter");
    assert_eq!(claude["choices"][0]["message"]["refusal"], "No.");
    let blocked = json!({ "promptFeedback": { "blockReason": "SAFETY" }, "usageMetadata": { "promptTokenCount": 3 } });
    let gemini = completion(&stream(Dialect::Gemini, &[blocked]).unwrap());
    assert_eq!(gemini["choices"][0]["finish_reason"], "content_filter");
    assert!(gemini["choices"][0]["message"]["refusal"].as_str().unwrap().contains("SAFETY"));
}

#[test]
fn calls_are_counted_apart_from_the_blocks_around_them() {
    let tool = |index: u32, id: &str| json!({ "type": "content_block_start", "index": index, "content_block": { "type": "tool_use", "id": id, "name": "f", "input": {} } });
    let stop =
        json!({ "type": "message_delta", "delta": { "stop_reason": "tool_use" }, "usage": { "output_tokens": 1 } });
    let events = [
        json!({ "type": "content_block_start", "index": 0, "content_block": { "type": "redacted_thinking", "data": "blob" } }),
        json!({ "type": "content_block_stop", "index": 0 }),
        tool(1, "toolu_1"),
        json!({ "type": "content_block_stop", "index": 1 }),
        tool(2, "toolu_2"),
        json!({ "type": "content_block_stop", "index": 2 }),
        stop,
        json!({ "type": "message_stop" }),
    ];
    let deltas = stream(Dialect::AnthropicMessages, &events).unwrap();
    let indexes: Vec<u32> = deltas
        .iter()
        .filter_map(|delta| if let Delta::ToolCall { index, .. } = delta { Some(*index) } else { None })
        .collect();
    assert_eq!(indexes, [0, 1]);
    let message = &completion(&deltas)["choices"][0]["message"];
    assert_eq!(message["tool_calls"][1]["function"]["arguments"], "{}", "a call without arguments is valid JSON");
    assert_eq!(message["reasoning_details"][0]["data"], "blob", "it comes whole with its block and has no delta");
}

#[test]
fn a_pause_is_an_end_with_its_own_word() {
    let deltas =
        stream(Dialect::AnthropicMessages, &claude_events("pause_turn", &json!({ "output_tokens": 1 }))).unwrap();
    assert_eq!(ending(&deltas), (FinishReason::Stop, Some("pause_turn".into())));
}

#[test]
fn a_signature_in_an_empty_last_part_is_kept() {
    let events = [
        candidate(&json!([{ "text": "a" }]), None),
        candidate(&json!([{ "text": "", "thoughtSignature": "sig" }]), Some("STOP")),
    ];
    let message = completion(&stream(Dialect::Gemini, &events).unwrap())["choices"][0]["message"].clone();
    assert_eq!((&message["content"], &message["reasoning_details"][0]["data"]), (&json!("a"), &json!("sig")));
}

#[test]
fn only_the_last_of_many_finish_reasons_counts() {
    let events =
        [candidate(&json!([{ "text": "a" }]), Some("STOP")), candidate(&json!([{ "text": "b" }]), Some("MAX_TOKENS"))];
    let deltas = stream(Dialect::Gemini, &events).unwrap();
    assert_eq!((text(&deltas).as_str(), ending(&deltas).0), ("ab", FinishReason::Length));
}

#[test]
fn mistral_changes_the_type_of_its_content_in_the_middle() {
    let delta = |content: Value| chunk(&json!([{ "index": 0, "delta": { "content": content } }]));
    let thinking = json!({ "type": "thinking", "thinking": [{ "type": "text", "text": "hm" }], "closed": true });
    let end = chunk(&json!([{ "index": 0, "delta": { "content": "" }, "finish_reason": "stop" }]));
    let events = [
        delta(json!("")),
        delta(json!([thinking])),
        delta(json!([thinking, { "type": "text", "text": "a" }])),
        delta(json!("b")),
        end,
    ];
    let message = completion(&stream(Dialect::OpenaiChat, &events).unwrap())["choices"][0]["message"].clone();
    assert_eq!((&message["content"], &message["reasoning"]), (&json!("ab"), &json!("hmhm")));
}

#[test]
fn an_empty_name_in_a_later_piece_does_not_rename_the_call() {
    let piece = |id: Option<&str>, name: &str, arguments: &str| {
        chunk(&json!([{ "index": 0, "delta": { "tool_calls": [
            { "index": 0, "id": id, "function": { "name": name, "arguments": arguments } }] } }]))
    };
    let end = chunk(&json!([{ "index": 0, "delta": {}, "finish_reason": "tool_calls" }]));
    let deltas = stream(Dialect::OpenaiChat, &[piece(Some("c"), "f", "{\"a\""), piece(None, "", ":1}"), end]).unwrap();
    let function = &completion(&deltas)["choices"][0]["message"]["tool_calls"][0]["function"];
    assert_eq!(*function, json!({ "name": "f", "arguments": "{\"a\":1}" }));
}

#[test]
fn azure_begins_with_a_chunk_that_says_nothing() {
    let first = json!({ "id": "", "model": "", "choices": [], "prompt_filter_results": [] });
    let filtered = chunk(&json!([{ "index": 0, "content_filter_results": {}, "content_filter_offsets": {} }]));
    let rest = chunk(&json!([{ "index": 0, "delta": { "content": "a" }, "finish_reason": "stop" }]));
    let deltas = stream(Dialect::OpenaiChat, &[first, filtered, rest]).unwrap();
    assert!(matches!(&deltas[0], Delta::Start { upstream_id: Some(id), .. } if id == "c"));
    assert_eq!(text(&deltas), "a");
}

#[test]
fn pages_that_were_cited_become_annotations() {
    let cite =
        json!({ "type": "web_search_result_location", "url": "https://a.example", "title": "A", "cited_text": "t" });
    let mut events = claude_events("end_turn", &json!({ "output_tokens": 1 }));
    events.insert(
        4,
        json!({ "type": "content_block_delta", "index": 0, "delta": { "type": "citations_delta", "citation": cite } }),
    );
    let mut gemini = candidate(&json!([{ "text": "a" }]), Some("STOP"));
    gemini["candidates"][0]["groundingMetadata"] =
        json!({ "groundingChunks": [{ "web": { "uri": "https://a.example", "title": "A" } }] });
    for deltas in [stream(Dialect::AnthropicMessages, &events), stream(Dialect::Gemini, &[gemini])] {
        let annotation = &completion(&deltas.unwrap())["choices"][0]["message"]["annotations"][0];
        assert_eq!(
            (&annotation["type"], &annotation["url_citation"]["url"]),
            (&json!("url_citation"), &json!("https://a.example"))
        );
    }
}

#[test]
fn failures_in_the_middle_are_failures_in_every_dress() {
    let begun = format!("data: {}\n\n", chunk(&json!([{ "index": 0, "delta": { "content": "a" } }])));
    let dressed = chunk(&json!([{ "index": 0, "delta": { "content": "" }, "finish_reason": null }]));
    let mut dressed = dressed;
    dressed["error"] = json!({ "code": 502, "message": "gone" });
    let cases = [
        (Dialect::OpenaiChat, format!("{begun}event: error\ndata: {{\"error\":{{\"message\":\"bad\",\"status_code\":400}}}}\n\n")),
        (Dialect::OpenaiChat, format!("{begun}data: {{\"error\":{{\"message\":\"bad\",\"type\":\"server_error\"}}}}\n\n")),
        (Dialect::OpenaiChat, format!("{begun}data: {dressed}\n\n")),
        (Dialect::OpenaiChat, begun),
        (Dialect::AnthropicMessages,
            "event: error\ndata: {\"type\":\"error\",\"error\":{\"type\":\"overloaded_error\",\"message\":\"busy\"}}\n\n".to_owned()),
        (Dialect::Gemini, format!("data: {}\r\n\r\n{{\n \"error\": {{\"code\": 499, \"message\": \"gone\", \"status\": \"CANCELLED\"}}\n}}\n",
            candidate(&json!([{ "text": "a" }]), None))),
    ];
    for (dialect, wire) in cases {
        assert!(read(dialect, &Quirks::default(), &wire).is_err(), "{wire}");
    }
}

#[test]
fn a_key_of_ours_that_was_refused_is_never_the_callers_fault() {
    for (dialect, status, body) in [
        (
            Dialect::Gemini,
            400,
            json!({ "error": { "code": 400, "message": "API key not valid", "status": "INVALID_ARGUMENT",
            "details": [{ "reason": "API_KEY_INVALID" }] } }),
        ),
        (Dialect::OpenaiChat, 400, json!({ "code": "invalid-argument", "error": "Incorrect API key provided" })),
        (
            Dialect::AnthropicMessages,
            401,
            json!({ "type": "error", "error": { "type": "authentication_error", "message": "x" } }),
        ),
    ] {
        let fault = dialect.upstream().decode_error(status, &|_| None, body.to_string().as_bytes());
        assert_eq!(fault.kind, FaultKind::OurCredential, "{body}");
        assert!(![401, 403].contains(&fault.kind.status()));
    }
}

#[test]
fn probabilities_of_gemini_are_told_as_openai_tells_them_and_the_other_way_round() {
    let chosen = |token: &str, value: f64| json!({ "token": token, "tokenId": 7, "logProbability": value });
    let event = json!({ "candidates": [{ "content": { "parts": [{ "text": "Hé" }] }, "finishReason": "STOP",
        "logprobsResult": { "chosenCandidates": [chosen("Hé", -0.25)],
            "topCandidates": [{ "candidates": [chosen("Hé", -0.25), chosen("Ho", -2.5)] }] } }] });
    let deltas = stream(Dialect::Gemini, &[event]).unwrap();
    let content = &completion(&deltas)["choices"][0]["logprobs"]["content"];
    assert_eq!((&content[0]["token"], &content[0]["logprob"]), (&json!("Hé"), &json!(-0.25)));
    assert_eq!(content[0]["bytes"], json!([72, 195, 169]));
    assert_eq!(content[0]["top_logprobs"][1]["token"], "Ho");

    let token = json!({ "token": "a", "logprob": -0.5, "bytes": [97],
                        "top_logprobs": [{ "token": "b", "logprob": -1.0, "bytes": [98] }] });
    let chunk = json!({ "choices": [{ "index": 0, "delta": { "content": "a" }, "finish_reason": "stop",
                                      "logprobs": { "content": [token] } }] });
    let deltas = stream(Dialect::OpenaiChat, &[chunk]).unwrap();
    let mut answer = Answer::ordered();
    for delta in deltas {
        answer.add(delta);
    }
    let inbound = crate::dialects::gemini::inbound::Gemini::default();
    let body = inbound.whole(&Heading::default(), &answer, &UsageReport::default());
    let body: Value = serde_json::from_slice(&body).unwrap();
    let result = &body["candidates"][0]["logprobsResult"];
    assert_eq!(result["chosenCandidates"][0], json!({ "token": "a", "logProbability": -0.5 }));
    assert_eq!(result["topCandidates"][0]["candidates"][0]["token"], "b");
}
