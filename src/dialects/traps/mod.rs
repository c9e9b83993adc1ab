//! Facts about the providers' protocols that translations get wrong, each with a
//! test of its own: first what is sent, then what comes back.

mod answers;
mod requests;

use app::types::sse;
use serde_json::{Value, json};

use super::answer::{Answer, Heading, Inbound, UsageReport};
use super::chat_completions::encode::ChatCompletions;
use super::chat_completions::parse::parse;
use super::{Delta, Dialect, Fault, Quirks, Target, Untranslatable};

/// What a provider of this dialect is sent for a chat request.
fn encoded(dialect: Dialect, model: &str, quirks: &Quirks, body: &Value) -> Result<Value, Untranslatable> {
    let target = Target { model, max_output_tokens: Some(64_000), quirks };
    let request = dialect.upstream().encode(&target, &parse(body.to_string().as_bytes()).unwrap())?;
    Ok(serde_json::from_slice(&request.body).unwrap())
}

fn openai(quirks: &Quirks, body: &Value) -> Value {
    encoded(Dialect::OpenaiChat, "gpt-5", quirks, body).unwrap()
}

fn claude(body: &Value) -> Value {
    encoded(Dialect::AnthropicMessages, "claude-sonnet-4-5", &Quirks::default(), body).unwrap()
}

fn gemini(body: &Value) -> Value {
    encoded(Dialect::Gemini, "gemini-3-pro-preview", &Quirks::default(), body).unwrap()
}

/// A chat with these messages.
fn chat(messages: &Value) -> Value {
    json!({ "model": "m", "messages": messages })
}

/// Reads a stream as it stands on the wire.
fn read(dialect: Dialect, quirks: &Quirks, wire: &str) -> Result<Vec<Delta>, Fault> {
    let (mut events, mut reader) = (Vec::new(), sse::Decoder::default());
    let (mut decoder, mut out) = (dialect.upstream().decoder(quirks), Vec::new());
    reader.push(wire.as_bytes(), &mut events).unwrap();
    reader.finish(&mut events).unwrap();
    for event in &events {
        decoder.event(event, &mut out)?;
    }
    decoder.finish(reader.stray_text(), &mut out)?;
    Ok(out)
}

/// Reads these JSON bodies as the events of a stream.
fn stream(dialect: Dialect, events: &[Value]) -> Result<Vec<Delta>, Fault> {
    let frames: Vec<String> = events.iter().map(|event| format!("data: {event}\n\n")).collect();
    let wire = frames.concat();
    read(dialect, &Quirks::default(), &wire)
}

/// The `chat.completion` a caller gets for these deltas.
fn completion(deltas: &[Delta]) -> Value {
    let mut answer = Answer::default();
    let mut usage = super::Usage::default();
    for delta in deltas {
        if let Delta::Usage(newer) = delta {
            usage.merge(newer);
        }
        answer.add(delta.clone());
    }
    let report = UsageReport { usage, ..UsageReport::default() };
    let heading = Heading { id: "gen-1".into(), ..Heading::default() };
    serde_json::from_slice(&ChatCompletions.whole(&heading, &answer, &report)).unwrap()
}

fn chunk(choices: &Value) -> Value {
    json!({ "id": "c", "object": "chat.completion.chunk", "created": 1, "model": "m", "choices": choices })
}

fn candidate(parts: &Value, reason: Option<&str>) -> Value {
    json!({ "candidates": [{ "index": 0, "content": { "parts": parts, "role": "model" }, "finishReason": reason }] })
}
