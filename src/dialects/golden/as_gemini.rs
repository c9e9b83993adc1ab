//! Recorded exchanges as a caller sees them who speaks Gemini's protocol.

use app::types::sse;
use serde_json::{Value, json};

use super::digest::{Said, of_deltas};
use super::{id, recordings, streamed, translated};
use crate::dialects::answer::{Answer, Heading, Inbound, UsageReport};
use crate::dialects::gemini::inbound::{Gemini, parse};
use crate::dialects::{Delta, Dialect, FinishReason, Quirks, Target, Usage};

fn heading() -> Heading {
    Heading { id: "golden".into(), model: "m".into(), ..Heading::default() }
}

fn report(deltas: &[Delta]) -> UsageReport {
    let mut usage = Usage::default();
    for delta in deltas {
        if let Delta::Usage(newer) = delta {
            usage.merge(newer);
        }
    }
    UsageReport { usage, ..UsageReport::default() }
}

fn as_stream(deltas: &[Delta], is_array: bool) -> Vec<u8> {
    let wish = Gemini { shows_thoughts: true, is_array };
    let (mut writer, mut out) = (wish.writer(&heading()), Vec::new());
    for delta in deltas {
        writer.write(delta, &mut out);
    }
    writer.finish(&report(deltas), &mut out);
    out
}

fn as_whole(deltas: &[Delta]) -> Value {
    let mut answer = Answer::ordered();
    for delta in deltas {
        answer.add(delta.clone());
    }
    let wish = Gemini { shows_thoughts: true, is_array: false };
    serde_json::from_slice(&wish.whole(&heading(), &answer, &report(deltas))).unwrap()
}

fn events(stream: &[u8]) -> Vec<Value> {
    let (mut reader, mut events) = (sse::Decoder::default(), Vec::new());
    reader.push(stream, &mut events).unwrap();
    reader.finish(&mut events).unwrap();
    events.iter().map(|event| serde_json::from_str(&event.data).unwrap()).collect()
}

/// The responses of a stream as one, the way a reader adds them up.
fn assembled(responses: &[Value]) -> Value {
    let mut whole = json!({});
    let mut parts: Vec<Value> = Vec::new();
    for response in responses {
        for (name, value) in response.as_object().unwrap() {
            if name != "candidates" {
                whole[name] = value.clone();
            }
        }
        for candidate in response["candidates"].as_array().into_iter().flatten() {
            if whole["candidates"].is_null() {
                whole["candidates"] = json!([{ "content": {} }]);
            }
            parts.extend(candidate["content"]["parts"].as_array().cloned().unwrap_or_default());
            for (name, value) in candidate.as_object().unwrap() {
                whole["candidates"][0][name] = value.clone();
            }
        }
    }
    if whole["candidates"].is_array() {
        whole["candidates"][0]["content"]["parts"] = parts.into();
    }
    whole
}

/// Parts without what reads the same: ids we add, empty texts, texts in pieces.
fn parts(candidate: &Value) -> Vec<Value> {
    let mut found: Vec<Value> = Vec::new();
    for part in candidate["content"]["parts"].as_array().into_iter().flatten() {
        let mut part = part.clone();
        if let Some(call) = part.get_mut("functionCall").and_then(Value::as_object_mut) {
            call.shift_remove("id");
            call.entry("args").or_insert_with(|| json!({}));
        }
        let is_text = part["text"].is_string();
        if is_text && part["text"] == "" && part.get("thoughtSignature").is_none() {
            continue;
        }
        if let Some(last) = found.last_mut().filter(|last| is_text && last["text"].is_string())
            && last["thought"] == part["thought"]
            && last.get("thoughtSignature").is_none()
        {
            let text = format!("{}{}", last["text"].as_str().unwrap(), part["text"].as_str().unwrap());
            last["text"] = json!(text);
            if let Some(signature) = part.get("thoughtSignature") {
                last["thoughtSignature"] = signature.clone();
            }
            continue;
        }
        found.push(part);
    }
    found
}

#[test]
fn a_caller_of_geminis_own_protocol_loses_nothing_of_the_answer() {
    let mut count = 0;
    for recording in recordings().iter().filter(|recording| recording["protocol"] == "gemini") {
        let (deltas, fault) = translated(recording);
        // Arguments in pieces come out whole.
        let is_partial = recording["response"]["body_text"].as_str().is_some_and(|text| text.contains("partialArgs"));
        if fault.is_some() || is_partial {
            continue;
        }
        let original = match recording["response"]["body_text"].as_str() {
            Some(stream) => assembled(&events(stream.as_bytes())),
            None => recording["response"]["body"].clone(),
        };
        for ours in [assembled(&events(&as_stream(&deltas, false))), as_whole(&deltas)] {
            let (candidate, expected) = (&ours["candidates"][0], &original["candidates"][0]);
            assert_eq!(parts(candidate), parts(expected), "{}", id(recording));
            assert_eq!(ours["promptFeedback"], original["promptFeedback"], "{}", id(recording));
            for (name, value) in expected.as_object().into_iter().flatten() {
                if !matches!(name.as_str(), "content" | "index") {
                    assert_eq!(&candidate[name], value, "{}: {name}", id(recording));
                }
            }
            for (name, value) in original["usageMetadata"].as_object().into_iter().flatten() {
                assert_eq!(&ours["usageMetadata"][name], value, "{}: usageMetadata.{name}", id(recording));
            }
        }
        count += 1;
    }
    eprintln!("{count} answers");
}

#[test]
fn a_request_in_geminis_own_protocol_reaches_gemini_as_it_was() {
    let mut count = 0;
    for recording in recordings().iter().filter(|recording| recording["protocol"] == "gemini") {
        let body = &recording["request"]["body"];
        if !body.is_object() {
            continue;
        }
        let model = recording["model"].as_str().unwrap();
        let inference = parse(body.to_string().as_bytes(), model, false)
            .unwrap_or_else(|error| panic!("{}: {error}", id(recording)));
        let quirks = Quirks::default();
        let target = Target { model, max_output_tokens: None, quirks: &quirks };
        let request = Dialect::Gemini.upstream().encode(&target, &inference).unwrap();
        let sent: Value = serde_json::from_slice(&request.body).unwrap();
        // A call nobody signed is excused to the models that insist.
        let excused = sent.to_string().replace(",\"thoughtSignature\":\"skip_thought_signature_validator\"", "");
        assert_eq!(serde_json::from_str::<Value>(&excused).unwrap(), *body, "{}", id(recording));
        for (dialect, model) in [(Dialect::OpenaiChat, "gpt-5"), (Dialect::AnthropicMessages, "claude-sonnet-4-5")] {
            let target = Target { model, max_output_tokens: Some(8192), quirks: &quirks };
            match dialect.upstream().encode(&target, &inference) {
                Ok(request) => {
                    let sent: Value = serde_json::from_slice(&request.body).unwrap();
                    assert!(sent["messages"].is_array());
                }
                Err(error) => assert!(
                    error.field.starts_with("tools[") || error.field.starts_with("messages["),
                    "{}: {error}",
                    id(recording)
                ),
            }
        }
        count += 1;
    }
    eprintln!("{count} requests");
}

#[test]
fn every_recorded_answer_can_be_read_as_geminis() {
    for recording in recordings() {
        let (deltas, fault) = translated(&recording);
        let is_error = |delta: &Delta| matches!(delta, Delta::Finish { reason: FinishReason::Error, .. });
        if fault.is_some() || deltas.iter().any(is_error) {
            continue;
        }
        let expected = of_deltas(&deltas);
        let array: Value = serde_json::from_slice(&as_stream(&deltas, true)).unwrap();
        assert_eq!(array, Value::from(events(&as_stream(&deltas, false))), "{}", id(&recording));
        let (again, fault) = streamed(Dialect::Gemini.upstream(), &[&as_stream(&deltas, false)]);
        assert_eq!(fault, None, "{}", id(&recording));
        let again = of_deltas(&again);
        let counts = |usage: [Option<u64>; 4]| usage.map(|count| count.unwrap_or(0));
        assert_eq!(counts(again.usage), counts(expected.usage), "{}", id(&recording));
        let refusal: String = deltas
            .iter()
            .filter_map(|delta| if let Delta::Refusal { text, .. } = delta { Some(text.as_str()) } else { None })
            .collect();
        let is_own = recording["protocol"] == "gemini";
        let text = if is_own { expected.text.clone() } else { format!("{}{refusal}", expected.text) };
        let finish = if refusal.is_empty() { expected.finish } else { Some(FinishReason::ContentFilter) };
        let finish = finish.or(Some(FinishReason::Stop));
        let has_calls = !expected.calls.is_empty() && finish == Some(FinishReason::Stop);
        let finish = if has_calls { Some(FinishReason::ToolCalls) } else { finish };
        let wanted = Said { text, finish, native: None, usage: [None; 4], ..expected };
        assert_eq!(Said { native: None, usage: [None; 4], ..again }, wanted, "{}", id(&recording));
    }
}
