//! OpenAI Responses as a provider dialect and as a client dialect, against every recording of it.

use std::path::Path;

use serde_json::{Value, json};

use super::digest::{Outcome, Said, of_deltas};
use super::{differences, recordings, streamed, translated};
use crate::dialects::answer::{Answer, Heading, Inbound as _, UsageReport};
use crate::dialects::responses::inbound::{Responses, parse};
use crate::dialects::{Delta, Dialect, FaultKind, FinishReason, Quirks, Target};

/// Answers that are no success, and what they mean.
const FAULTS: [(&str, FaultKind); 5] = [
    ("deepseek-openai-responses-json-error-1d05c", FaultKind::InvalidRequest),
    ("openai-responses-json-error-98881", FaultKind::ContextLength),
    ("openai-responses-json-error-f942c", FaultKind::InvalidRequest),
    // Our account there is out of money.
    ("openai-responses-stream-midstream-error-3133e", FaultKind::OurCredential),
    ("xai-openai-responses-json-error-981ed", FaultKind::OurCredential),
];

pub(super) fn exchanges() -> Vec<Value> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/recordings");
    let Ok(providers) = std::fs::read_dir(&folder) else {
        eprintln!("SKIPPED: no recordings in {}", folder.display());
        return Vec::new();
    };
    let mut paths: Vec<_> = providers
        .filter_map(|entry| std::fs::read_dir(entry.unwrap().path()).ok())
        .flatten()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.file_name().is_some_and(|name| name.to_string_lossy().contains("openai-responses-")))
        .collect();
    paths.sort();
    paths.into_iter().map(|path| serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap()).collect()
}

fn id(exchange: &Value) -> &str {
    exchange["id"].as_str().unwrap()
}

pub(super) fn decoded(exchange: &Value) -> Outcome {
    let (upstream, response) = (Dialect::OpenaiResponses.upstream(), &exchange["response"]);
    let status = u16::try_from(response["status"].as_u64().unwrap()).unwrap();
    let body = response["body_text"].as_str().map_or_else(|| response["body"].to_string(), str::to_owned);
    if status != 200 {
        let header = |name: &str| response["headers"][name].as_str().map(str::to_owned);
        return (Vec::new(), Some(upstream.decode_error(status, &header, body.as_bytes())));
    }
    if exchange["streaming"] == true {
        return streamed(upstream, &[body.as_bytes()]);
    }
    match upstream.decode_whole(&Quirks::default(), body.as_bytes()) {
        Ok(deltas) => (deltas, None),
        Err(fault) => (Vec::new(), Some(fault)),
    }
}

/// What the digest says, in our words.
fn expected(exchange: &Value) -> Said {
    let digest = &exchange["digest"];
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let calls: Vec<(String, Value)> = digest["tool_calls"]
        .as_array()
        .into_iter()
        .flatten()
        .map(|call| (text(&call["name"]), call["arguments"].clone()))
        .collect();
    let native = digest["incomplete_reason"].as_str().or_else(|| digest["stop_reason"].as_str());
    let finish = match native {
        Some("max_output_tokens") => FinishReason::Length,
        Some("content_filter") => FinishReason::ContentFilter,
        _ if !calls.is_empty() => FinishReason::ToolCalls,
        _ => FinishReason::Stop,
    };
    let usage = &digest["usage"];
    Said {
        text: text(&digest["text"]),
        reasoning: text(&digest["reasoning"]),
        calls,
        finish: Some(finish),
        native: native.map(str::to_owned),
        usage: [
            usage["input_tokens"].as_u64(),
            usage["output_tokens"].as_u64(),
            usage["input_tokens_details"]["cached_tokens"].as_u64(),
            usage["output_tokens_details"]["reasoning_tokens"].as_u64(),
        ],
    }
}

#[test]
fn every_recorded_response_says_what_its_digest_says() {
    let (mut answers, mut wrong) = (0, Vec::new());
    for exchange in exchanges() {
        let name = id(&exchange);
        let (deltas, fault) = decoded(&exchange);
        let kind = FAULTS.iter().find(|(id, _)| *id == name).map(|(_, kind)| *kind);
        if fault.as_ref().map(|fault| fault.kind) != kind {
            wrong.push(format!("{name}: {fault:?}, not {kind:?}"));
        }
        if exchange.get("digest").is_none() || fault.is_some() {
            continue;
        }
        answers += 1;
        let found = differences(&of_deltas(&deltas), &expected(&exchange));
        wrong.extend(found.iter().map(|(field, both)| format!("{name}: {field}: {both}")));
    }
    eprintln!("{answers} answers");
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn a_response_stream_cut_anywhere_means_the_same() {
    for exchange in exchanges() {
        let Some(stream) = exchange["response"]["body_text"].as_str() else { continue };
        let (stream, upstream) = (stream.as_bytes(), Dialect::OpenaiResponses.upstream());
        let whole = streamed(upstream, &[stream]);
        let step = if stream.len() <= 4_000 { 1 } else { stream.len() / 60 };
        for cut in (0..stream.len()).step_by(step) {
            let (head, tail) = stream.split_at(cut);
            assert_eq!(streamed(upstream, &[head, tail]), whole, "{} cut at {cut}", id(&exchange));
        }
        let (_, fault) = streamed(upstream, &[&stream[..stream.len() / 3]]);
        assert!(fault.is_some(), "{}", id(&exchange));
    }
}

/// Deltas written for a caller of this API, as a stream and in one piece, read by our own reader.
fn through_our_own(deltas: &[Delta]) -> (Said, Said) {
    let heading = Heading { id: "gen-1-golden".into(), ..Heading::default() };
    let (inbound, report) = (Responses::default(), UsageReport::default());
    let (mut writer, mut gathered, mut stream) = (inbound.writer(&heading), Answer::ordered(), Vec::new());
    for delta in deltas {
        writer.write(delta, &mut stream);
        gathered.add(delta.clone());
    }
    writer.finish(&report, &mut stream);
    let upstream = Dialect::OpenaiResponses.upstream();
    let (again, fault) = streamed(upstream, &[&stream]);
    assert_eq!(fault, None);
    let whole = upstream.decode_whole(&Quirks::default(), &inbound.whole(&heading, &gathered, &report)).unwrap();
    (of_deltas(&again), of_deltas(&whole))
}

#[test]
fn every_recorded_answer_of_any_provider_reaches_a_caller_of_responses() {
    let others = recordings().into_iter().map(|recording| (id(&recording).to_owned(), translated(&recording)));
    let own = exchanges().into_iter().map(|exchange| (id(&exchange).to_owned(), decoded(&exchange)));
    for (name, (deltas, fault)) in others.chain(own) {
        if fault.is_some() {
            continue;
        }
        let said = of_deltas(&deltas);
        let (stream, whole) = through_our_own(&deltas);
        assert_eq!(stream, whole, "{name}");
        assert_eq!(
            (&stream.text, &stream.reasoning, &stream.calls),
            (&said.text, &said.reasoning, &said.calls),
            "{name}"
        );
        let finish = match said.finish {
            Some(FinishReason::ToolCalls | FinishReason::Stop) | None if !said.calls.is_empty() => {
                FinishReason::ToolCalls
            }
            Some(FinishReason::ToolCalls) | None => FinishReason::Stop,
            Some(other) => other,
        };
        assert_eq!(stream.finish, Some(finish), "{name}");
    }
}

#[test]
fn every_recorded_request_of_responses_is_accepted_and_translated() {
    let mut count = 0;
    for exchange in exchanges() {
        let mut body = exchange["request"]["body"].clone();
        let Some(fields) = body.as_object_mut() else { continue };
        if fields.get("temperature") == Some(&json!(-1)) {
            assert_eq!(parse(body.to_string().as_bytes()).unwrap_err().field, "temperature");
            continue;
        }
        // Recorded with a provider that stores what it answered.
        fields.remove("previous_response_id");
        fields.insert("store".to_owned(), Value::from(false));
        let text = body.to_string();
        let inference = parse(text.as_bytes()).unwrap_or_else(|error| panic!("{}: {error}", id(&exchange)));
        count += 1;
        for (dialect, model) in [
            (Dialect::OpenaiResponses, "gpt-5"),
            (Dialect::OpenaiChat, "gpt-5"),
            (Dialect::AnthropicMessages, "claude-sonnet-4-5"),
            (Dialect::Gemini, "gemini-3-pro-preview"),
        ] {
            let target = Target { model, max_output_tokens: Some(8192), quirks: &Quirks::default() };
            let translated = dialect.upstream().encode(&target, &inference);
            let has_hosted_tools = inference.tools.iter().any(|tool| tool.other.is_some());
            assert_eq!(
                translated.is_ok(),
                dialect == Dialect::OpenaiResponses || !has_hosted_tools,
                "{} {dialect:?}: {translated:?}",
                id(&exchange)
            );
            if dialect == Dialect::OpenaiResponses {
                let sent: Value = serde_json::from_slice(&translated.unwrap().body).unwrap();
                assert_eq!((&sent["store"], &sent["model"]), (&json!(false), &json!("gpt-5")));
                assert_eq!(sent["tools"], body["tools"], "{}", id(&exchange));
                let items = |body: &Value| body["input"].as_array().map(Vec::len);
                assert_eq!(items(&sent), items(&body), "{}", id(&exchange));
            }
        }
    }
    eprintln!("{count} requests");
}
