//! Recorded exchanges as a caller sees them who speaks Anthropic's protocol.

use app::types::sse;
use serde_json::{Value, json};

use super::digest::{Said, of_deltas};
use super::{id, recordings, streamed, translated};
use crate::dialects::answer::{Answer, Heading, Inbound, UsageReport};
use crate::dialects::messages::inbound::{Messages, parse};
use crate::dialects::{Delta, Dialect, FinishReason, Quirks, Target, Usage};

fn heading() -> Heading {
    Heading { id: "gen-golden".into(), model: "m".into(), ..Heading::default() }
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

fn as_stream(deltas: &[Delta]) -> Vec<u8> {
    let (mut writer, mut out) = (Messages::default().writer(&heading()), Vec::new());
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
    serde_json::from_slice(&Messages::default().whole(&heading(), &answer, &report(deltas))).unwrap()
}

/// The message that Anthropic's SDKs put together from a stream.
fn assembled(stream: &[u8]) -> Value {
    let (mut reader, mut events) = (sse::Decoder::default(), Vec::new());
    reader.push(stream, &mut events).unwrap();
    reader.finish(&mut events).unwrap();
    let mut message = Value::Null;
    let mut inputs: Vec<String> = Vec::new();
    for event in events {
        let event: Value = serde_json::from_str(&event.data).unwrap();
        let index = usize::try_from(event["index"].as_u64().unwrap_or(0)).unwrap();
        match event["type"].as_str().unwrap() {
            "message_start" => message = event["message"].clone(),
            "content_block_start" => {
                assert_eq!(inputs.len(), index, "blocks begin in order");
                message["content"].as_array_mut().unwrap().push(event["content_block"].clone());
                inputs.push(String::new());
            }
            "content_block_delta" => {
                let (delta, block) = (&event["delta"], &mut message["content"][index]);
                let mut grow = |name: &str| {
                    let more = delta[name].as_str().unwrap();
                    block[name] = json!(format!("{}{more}", block[name].as_str().unwrap_or_default()));
                };
                match delta["type"].as_str().unwrap() {
                    "text_delta" => grow("text"),
                    "thinking_delta" => grow("thinking"),
                    "signature_delta" => grow("signature"),
                    "input_json_delta" => inputs[index] += delta["partial_json"].as_str().unwrap(),
                    "citations_delta" => {
                        let mut citations = block["citations"].as_array().cloned().unwrap_or_default();
                        citations.push(delta["citation"].clone());
                        block["citations"] = citations.into();
                    }
                    other => panic!("{other}"),
                }
            }
            "message_delta" => {
                for (name, value) in event["delta"].as_object().unwrap() {
                    message[name] = value.clone();
                }
                for (name, value) in event["usage"].as_object().unwrap() {
                    message["usage"][name] = value.clone();
                }
            }
            _ => {}
        }
    }
    for (index, input) in inputs.iter().enumerate().filter(|(_, input)| !input.is_empty()) {
        message["content"][index]["input"] = serde_json::from_str(input).unwrap();
    }
    message
}

/// `null` and absent are the same to a reader.
fn plain(value: &Value) -> Value {
    match value {
        Value::Object(fields) => fields
            .iter()
            .filter(|(_, value)| !value.is_null() && **value != json!([]))
            .map(|(name, value)| (name.clone(), plain(value)))
            .collect(),
        Value::Array(items) => items.iter().map(plain).collect(),
        other => other.clone(),
    }
}

/// The content as the recording has it; empty texts are no content.
fn content(message: &Value) -> Value {
    let blocks = message["content"].as_array().unwrap();
    let is_something = |block: &&Value| block["type"] != "text" || block["text"] != "" || block["citations"].is_array();
    blocks.iter().filter(is_something).map(plain).collect()
}

#[test]
fn a_caller_of_anthropics_own_protocol_loses_nothing_of_the_answer() {
    let mut count = 0;
    for recording in recordings().iter().filter(|recording| recording["protocol"] == "anthropic-messages") {
        let (deltas, fault) = translated(recording);
        if fault.is_some() {
            continue;
        }
        let original = match recording["response"]["body_text"].as_str() {
            Some(stream) => assembled(stream.as_bytes()),
            None => recording["response"]["body"].clone(),
        };
        for ours in [assembled(&as_stream(&deltas)), as_whole(&deltas)] {
            assert_eq!(content(&ours), content(&original), "{}", id(recording));
            for name in ["stop_reason", "stop_sequence", "stop_details", "container", "context_management"] {
                assert_eq!(plain(&ours[name]), plain(&original[name]), "{}: {name}", id(recording));
            }
            for (name, value) in original["usage"].as_object().unwrap().iter().filter(|(_, value)| !value.is_null()) {
                assert_eq!(&ours["usage"][name], value, "{}: usage.{name}", id(recording));
            }
        }
        count += 1;
    }
    eprintln!("{count} answers");
}

#[test]
fn a_request_in_anthropics_own_protocol_reaches_anthropic_as_it_was() {
    let mut count = 0;
    for recording in recordings().iter().filter(|recording| recording["protocol"] == "anthropic-messages") {
        let mut body = recording["request"]["body"].clone();
        let Some(fields) = body.as_object_mut() else { continue };
        fields.entry("model").or_insert_with(|| json!("claude-sonnet-4-5"));
        let inference = parse(body.to_string().as_bytes(), Some("a-beta".into()))
            .unwrap_or_else(|error| panic!("{}: {error}", id(recording)));
        let quirks = Quirks::default();
        let target = Target { model: body["model"].as_str().unwrap(), max_output_tokens: None, quirks: &quirks };
        let request = Dialect::AnthropicMessages.upstream().encode(&target, &inference).unwrap();
        assert!(request.headers.contains(&("anthropic-beta", "a-beta".to_owned())));
        let mut sent: Value = serde_json::from_slice(&request.body).unwrap();
        if body["stream"] == false {
            sent["stream"] = json!(false);
        }
        assert_eq!(sent, body, "{}", id(recording));
        // Others get a translation, or a refusal that names what they cannot take.
        for (dialect, model) in [(Dialect::OpenaiChat, "gpt-5"), (Dialect::Gemini, "gemini-3-pro-preview")] {
            let target = Target { model, max_output_tokens: Some(8192), quirks: &quirks };
            match dialect.upstream().encode(&target, &inference) {
                Ok(request) => {
                    let sent: Value = serde_json::from_slice(&request.body).unwrap();
                    assert!(sent["messages"].is_array() || sent["contents"].is_array());
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
fn every_recorded_answer_can_be_read_as_anthropics() {
    for recording in recordings() {
        let (deltas, fault) = translated(&recording);
        let is_error = |delta: &Delta| matches!(delta, Delta::Finish { reason: FinishReason::Error, .. });
        if fault.is_some() || deltas.iter().any(is_error) {
            continue;
        }
        let expected = of_deltas(&deltas);
        let stream = as_stream(&deltas);
        let (again, fault) = streamed(Dialect::AnthropicMessages.upstream(), &[&stream]);
        assert_eq!(fault, None, "{}", id(&recording));
        let again = of_deltas(&again);
        let counts = |usage: [Option<u64>; 4]| {
            let [prompt, completion, cached, reasoning] = usage.map(|count| count.unwrap_or(0));
            // A provider may claim to have read more from the cache than there was.
            [prompt, completion, cached.min(prompt), reasoning]
        };
        assert_eq!(counts(again.usage), counts(expected.usage), "{}", id(&recording));
        let is_refusal = deltas.iter().any(|delta| matches!(delta, Delta::Refusal { .. }));
        let refusal: String = deltas
            .iter()
            .filter_map(|delta| if let Delta::Refusal { text, .. } = delta { Some(text.as_str()) } else { None })
            .collect();
        let is_own = recording["protocol"] == "anthropic-messages";
        let text = if is_own { expected.text.clone() } else { format!("{}{refusal}", expected.text) };
        let finish = if is_refusal { Some(FinishReason::ContentFilter) } else { expected.finish };
        let finish = finish.or(Some(FinishReason::Stop));
        // A called tool is what an ordinary end means here.
        let has_calls = !expected.calls.is_empty() && finish == Some(FinishReason::Stop);
        let finish = if has_calls { Some(FinishReason::ToolCalls) } else { finish };
        let wanted = Said { text, finish, native: None, usage: [None; 4], ..expected };
        assert_eq!(Said { native: None, usage: [None; 4], ..again }, wanted, "{}", id(&recording));
    }
}
