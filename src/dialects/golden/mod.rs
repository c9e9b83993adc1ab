//! Recorded exchanges with real providers: every answer must say in our words
//! what its digest says in the provider's. Skipped, loudly, where the
//! recordings are not beside the checkout.

mod as_gemini;
mod as_messages;
mod cuts;
mod digest;
mod hosted;
mod opaque;
mod responses;
mod retrieval;
mod strange;
mod variants;

use std::path::Path;

use serde_json::{Value, json};

use super::answer::{Answer, Heading, Inbound as _, UsageReport, Writer as _};
use super::chat_completions::encode::{ChatCompletions, ChunkWriter};
use super::chat_completions::parse::parse;
use super::framing::Frames;
use super::{Delta, Dialect, FaultKind, FinishReason, Quirks, Target, Upstream};
use digest::{Outcome, Said, of_completion, of_deltas, of_recording};

/// Answers that are no success, and what they mean.
const FAULTS: [(&str, FaultKind); 18] = [
    ("anthropic-messages-json-error-741cb", FaultKind::OurCredential),
    ("anthropic-messages-json-error-a4e79", FaultKind::ContextLength),
    ("azure-openai-chat-json-error-33178", FaultKind::RateLimited),
    ("bedrock-converse-json-error-1461b", FaultKind::UnknownModel),
    ("bedrock-converse-json-error-bec02", FaultKind::ContextLength),
    // An invalid call came inside a 200.
    ("cohere-v2-stream-midstream-error-9aeba", FaultKind::Unavailable),
    ("gemini-json-error-cf0f0", FaultKind::RateLimited),
    ("gemini-json-error-f1e32", FaultKind::OurCredential),
    // The operation was cancelled at Google: bare JSON behind the events.
    ("gemini-stream-midstream-error-87640", FaultKind::Unavailable),
    ("groq-openai-chat-json-error-d008f", FaultKind::Unavailable),
    ("groq-openai-chat-stream-midstream-error-009fa", FaultKind::Unavailable),
    ("mistral-chat-json-error-4c7fe", FaultKind::OurCredential),
    ("ollama-openai-chat-json-error-a4931", FaultKind::ContextLength),
    ("openai-chat-json-error-1f8d6", FaultKind::UnknownModel),
    ("openai-chat-json-error-21f83", FaultKind::InvalidRequest),
    ("openai-chat-json-error-9916f", FaultKind::InvalidRequest),
    ("openrouter-openai-chat-json-error-bd399", FaultKind::RateLimited),
    ("openrouter-openai-chat-stream-midstream-error-0f3a9", FaultKind::InvalidRequest),
];

/// Where our words differ from the digest on purpose: recording, field, reason.
const EXCEPTIONS: [(&str, &str, &str); 1] =
    [("gemini-json-empty-output-02246", "finish", "a blocked prompt is a content filter even without a reason")];

fn recordings() -> Vec<Value> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/recordings");
    let Ok(providers) = std::fs::read_dir(&folder) else {
        eprintln!("SKIPPED: no recordings in {}", folder.display());
        return Vec::new();
    };
    let mut paths: Vec<_> = providers
        .filter_map(|entry| std::fs::read_dir(entry.unwrap().path()).ok())
        .flatten()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "json"))
        .collect();
    paths.sort();
    let read = |path| serde_json::from_slice::<Value>(&std::fs::read(path).unwrap()).unwrap();
    paths.into_iter().map(read).filter(|recording| dialect(recording).is_some()).collect()
}

fn dialect(recording: &Value) -> Option<Dialect> {
    match recording["protocol"].as_str()? {
        "openai-chat" | "mistral-chat" => Some(Dialect::OpenaiChat),
        "anthropic-messages" => Some(Dialect::AnthropicMessages),
        "gemini" => Some(Dialect::Gemini),
        other => hosted::dialect(other),
    }
}

fn id(recording: &Value) -> &str {
    recording["id"].as_str().unwrap()
}

fn upstream(recording: &Value) -> &'static dyn Upstream {
    dialect(recording).unwrap().upstream()
}

/// Decodes a stream that arrives in the given pieces.
fn streamed(upstream: &dyn Upstream, pieces: &[&[u8]]) -> Outcome {
    let (mut events, mut reader, mut decoder) =
        (Vec::new(), Frames::new(upstream.framing(), 4 << 20), upstream.decoder(&Quirks::default()));
    for piece in pieces {
        reader.push(piece, &mut events).unwrap();
    }
    reader.finish(&mut events).unwrap();
    let mut out = Vec::new();
    for event in &events {
        if let Err(fault) = decoder.event(event, &mut out) {
            return (out, Some(fault));
        }
    }
    let ended = decoder.finish(reader.stray_text(), &mut out);
    (out, ended.err())
}

fn translated(recording: &Value) -> Outcome {
    let (upstream, response) = (upstream(recording), &recording["response"]);
    let status = u16::try_from(response["status"].as_u64().unwrap()).unwrap();
    let body = hosted::body(recording);
    if status != 200 {
        let header = |name: &str| response["headers"][name].as_str().map(str::to_owned);
        return (Vec::new(), Some(upstream.decode_error(status, &header, &body)));
    }
    if recording["streaming"] == true {
        return streamed(upstream, &[&body]);
    }
    match upstream.decode_whole(&Quirks::default(), &body) {
        Ok(deltas) => (deltas, None),
        Err(fault) => (Vec::new(), Some(fault)),
    }
}

/// The fields in which `said` differs from the digest.
fn differences(said: &Said, expected: &Said) -> Vec<(&'static str, String)> {
    let mut found = Vec::new();
    let mut compare = |name, is_same: bool, both: String| {
        if !is_same {
            found.push((name, both));
        }
    };
    compare("text", said.text == expected.text, format!("{:?} / {:?}", said.text, expected.text));
    compare(
        "reasoning",
        said.reasoning == expected.reasoning,
        format!("{:?} / {:?}", said.reasoning, expected.reasoning),
    );
    compare("calls", said.calls == expected.calls, format!("{:?} / {:?}", said.calls, expected.calls));
    compare("finish", said.finish == expected.finish, format!("{:?} / {:?}", said.finish, expected.finish));
    compare("native", said.native == expected.native, format!("{:?} / {:?}", said.native, expected.native));
    compare("usage", said.usage == expected.usage, format!("{:?} / {:?}", said.usage, expected.usage));
    found
}

#[test]
fn every_recorded_answer_says_what_its_digest_says() {
    let (mut answers, mut faults, mut wrong) = (0, 0, Vec::new());
    for recording in recordings() {
        let name = id(&recording);
        let (deltas, fault) = translated(&recording);
        let expected_fault = FAULTS.iter().find(|(id, _)| *id == name).map(|(_, kind)| *kind);
        if fault.as_ref().map(|fault| fault.kind) != expected_fault {
            wrong.push(format!("{name}: {fault:?}, not {expected_fault:?}"));
        }
        faults += usize::from(fault.is_some());
        if recording.get("digest").is_none() {
            continue;
        }
        answers += 1;
        let found = differences(&of_deltas(&deltas), &of_recording(&recording));
        let excused: Vec<&str> = EXCEPTIONS.iter().filter(|(id, ..)| *id == name).map(|(_, field, _)| *field).collect();
        for field in &excused {
            assert!(found.iter().any(|(name, _)| name == field), "{name}: the exception for {field} is not needed");
        }
        wrong.extend(
            found
                .iter()
                .filter(|(field, _)| !excused.contains(field))
                .map(|(field, both)| format!("{name}: {field}: {both}")),
        );
    }
    eprintln!("{answers} answers, {faults} faults, {} exceptions", EXCEPTIONS.len());
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn every_recorded_answer_reaches_the_caller_whole_and_in_chunks() {
    let heading = Heading { id: "gen-golden".into(), ..Heading::default() };
    for recording in recordings() {
        let (deltas, fault) = translated(&recording);
        if fault.is_some() {
            continue;
        }
        let expected = Said { usage: [None; 4], ..of_deltas(&deltas) };
        let (mut gathered, mut writer, mut chunks) = (Answer::default(), ChunkWriter::new(&heading), Vec::new());
        for delta in &deltas {
            writer.write(delta, &mut chunks);
            gathered.add(delta.clone());
        }
        writer.finish(&UsageReport::default(), &mut chunks);
        let answer: Value =
            serde_json::from_slice(&ChatCompletions.whole(&heading, &gathered, &UsageReport::default())).unwrap();
        let whole = of_completion(&answer);
        let normal = Said { finish: expected.finish.or(Some(FinishReason::Stop)), ..expected };
        assert_eq!(whole, normal, "{}", id(&recording));

        // Our own stream, read by our own reader.
        let (again, fault) = streamed(Dialect::OpenaiChat.upstream(), &[&chunks]);
        assert_eq!(fault, None, "{}", id(&recording));
        let again = of_deltas(&again);
        assert_eq!(Said { usage: [None; 4], native: normal.native.clone(), ..again }, normal, "{}", id(&recording));
    }
}

#[test]
fn a_stream_cut_anywhere_means_the_same() {
    for recording in recordings() {
        if recording["streaming"] != true {
            continue;
        }
        let stream = hosted::body(&recording);
        let stream = stream.as_slice();
        let upstream = upstream(&recording);
        let expected = streamed(upstream, &[stream]);
        let step = if stream.len() <= 2_500 { 1 } else { stream.len() / 40 };
        for cut in (0..stream.len()).step_by(step) {
            let (head, tail) = stream.split_at(cut);
            assert_eq!(streamed(upstream, &[head, tail]), expected, "{} cut at {cut}", id(&recording));
        }
        // A stream that ends early is never taken for a whole answer.
        let early = streamed(upstream, &[&stream[..stream.len() / 3]]);
        assert!(
            early.1.is_some() || early.0.iter().any(|delta| matches!(delta, Delta::Finish { .. })),
            "{}",
            id(&recording)
        );
    }
}

#[test]
fn every_recorded_openai_request_is_accepted_and_translated() {
    let mut count = 0;
    for recording in recordings() {
        let body = &recording["request"]["body"];
        if recording["protocol"] != "openai-chat" || !body.is_object() {
            continue;
        }
        // In Azure's older addresses the deployment names the model.
        let mut body = body.clone();
        body.as_object_mut().unwrap().entry("model").or_insert_with(|| json!("deployment"));
        let inference =
            parse(body.to_string().as_bytes()).unwrap_or_else(|error| panic!("{}: {error}", id(&recording)));
        count += 1;
        assert_eq!(inference.messages.len(), body["messages"].as_array().unwrap().len());
        for (dialect, model) in [
            (Dialect::OpenaiChat, "gpt-5"),
            (Dialect::AnthropicMessages, "claude-sonnet-4-5"),
            (Dialect::Gemini, "gemini-3-pro-preview"),
            (Dialect::BedrockConverse, "us.anthropic.claude-sonnet-4-5-20250929-v1:0"),
            (Dialect::BedrockAnthropic, "us.anthropic.claude-sonnet-4-5-20250929-v1:0"),
            (Dialect::VertexAnthropic, "claude-sonnet-4-5@20250929"),
            (Dialect::CohereV2, "command-a-03-2025"),
            (Dialect::Ollama, "qwen3"),
        ] {
            let target = Target { model, max_output_tokens: Some(8192), quirks: &Quirks::default() };
            match dialect.upstream().encode(&target, &inference) {
                Ok(request) => {
                    let body: Value = serde_json::from_slice(&request.body).unwrap();
                    assert!(body["messages"].is_array() || body["contents"].is_array());
                }
                // Claude hears nothing, and files stored at OpenAI are out of others' reach.
                Err(error) => assert!(
                    ["input_audio", "file_id"].iter().any(|end| error.field.ends_with(end))
                        || hosted::is_beyond(dialect, &error.field),
                    "{}: {error}",
                    id(&recording)
                ),
            }
        }
    }
    eprintln!("{count} requests");
}
