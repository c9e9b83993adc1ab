//! Providers' answers: read whole and in pieces, and written in every client's
//! protocol.
//!
//! The first byte says how the answer comes (`w` whole, `e` with an error status,
//! anything else streamed), the second how the stream is cut.

use app::types::Money;
use app::types::sse;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use patchbay::dialects::answer::{Answer, Failure, Heading, Inbound, Tally, UsageReport};
use patchbay::dialects::framing::Frames;
use patchbay::dialects::retrieval::{self, Embed, Input, Rerank, Retrieval};
use patchbay::dialects::{Delta, Dialect, Fault, Framing, Quirks};
use patchbay::dialects::{chat_completions, completions, gemini, messages, responses};

use crate::framing::{aws_message, without_name};
use crate::{first, must_be_json, pieces};

/// One answer of a provider that speaks `dialect`.
pub fn answer(dialect: Dialect, data: &[u8]) {
    let (mode, data) = first(data, b's');
    let (pace, data) = first(data, 0);
    let quirks = Quirks { reasoning_outside_completion: mode & 1 == 1, ..Quirks::default() };
    let upstream = dialect.upstream();
    let (deltas, fault) = match mode {
        b'w' => match upstream.decode_whole(&quirks, data) {
            Ok(deltas) => (deltas, None),
            Err(fault) => (Vec::new(), Some(fault)),
        },
        b'e' => {
            let header = |name: &str| (name == "retry-after").then(|| String::from_utf8_lossy(data).into_owned());
            (Vec::new(), Some(upstream.decode_error(400 + u16::from(pace), &header, data)))
        }
        _ => streamed(dialect, &quirks, pace, data),
    };
    if let Some(fault) = &fault {
        assert!(!fault.message.is_empty(), "{fault:?}");
    }
    write(&deltas, fault.as_ref());
}

/// The vectors or the order a provider found.
pub fn found(data: &[u8]) {
    let (mode, data) = first(data, 0);
    let inputs = vec![Input::Text("a".to_owned()), Input::Text("b".to_owned())];
    let wish = if mode & 1 == 0 {
        Retrieval::Embed(Embed { inputs, is_base64: mode & 2 == 0, ..Embed::default() })
    } else {
        Retrieval::Rerank(Rerank { query: "a".to_owned(), documents: vec![Default::default(); 2], top_n: None })
    };
    for dialect in [Dialect::OpenaiChat, Dialect::Gemini, Dialect::CohereV2, Dialect::Ollama] {
        for protocol in [retrieval::Protocol::Usual, retrieval::Protocol::Cohere, retrieval::Protocol::Ollama] {
            let quirks = Quirks { retrieval: protocol, ..Quirks::default() };
            if let Ok(deltas) = retrieval::decode(dialect, &quirks, &wish, data) {
                let mut answer = Answer::default();
                deltas.into_iter().for_each(|delta| answer.add(delta));
                let inbound = retrieval::EmbeddingsBody { is_base64: mode & 2 == 0 };
                must_be_json(&inbound.whole(&heading(), &answer, &report()), "vectors");
                must_be_json(&retrieval::RerankBody::default().whole(&heading(), &answer, &report()), "an order");
            }
        }
    }
}

fn streamed(dialect: Dialect, quirks: &Quirks, pace: u8, data: &[u8]) -> (Vec<Delta>, Option<Fault>) {
    let framed = match dialect.upstream().framing() {
        Framing::AwsEventStream => aws(dialect, data),
        Framing::ServerSentEvents | Framing::JsonLines => data.to_vec(),
    };
    let whole = read(dialect, quirks, &[&framed]);
    let cut = read(dialect, quirks, &pieces(&framed, pace));
    assert!(whole == cut, "the cut changes the answer: {whole:?} / {cut:?}");
    whole
}

/// Each line is a message: its name, a space, its payload.
fn aws(dialect: Dialect, data: &[u8]) -> Vec<u8> {
    let mut stream = Vec::new();
    for line in data.split(|byte| *byte == b'\n') {
        let (name, payload) = without_name(line);
        let message = match (name, dialect) {
            (b"exception", _) => {
                aws_message(&[(b":message-type", b"exception"), (b":exception-type", b"throttling")], payload)
            }
            (_, Dialect::BedrockAnthropic) => {
                let payload = format!("{{\"bytes\":\"{}\"}}", STANDARD.encode(payload));
                aws_message(&[(b":message-type", b"event"), (b":event-type", b"chunk")], payload.as_bytes())
            }
            _ => aws_message(&[(b":message-type", b"event"), (b":event-type", name)], payload),
        };
        stream.extend(message);
    }
    stream
}

/// As the gateway reads: until the first failure.
fn read(dialect: Dialect, quirks: &Quirks, pieces: &[&[u8]]) -> (Vec<Delta>, Option<Fault>) {
    let upstream = dialect.upstream();
    let (mut frames, mut decoder) = (Frames::new(upstream.framing(), 4 << 20), upstream.decoder(quirks));
    let (mut events, mut out) = (Vec::new(), Vec::new());
    for piece in pieces {
        if frames.push(piece, &mut events).is_err() {
            break;
        }
    }
    let _ = frames.finish(&mut events);
    for event in &events {
        if let Err(fault) = decoder.event(event, &mut out) {
            return (out, Some(fault));
        }
        if decoder.is_done() {
            break;
        }
    }
    let ended = decoder.finish(frames.stray_text(), &mut out);
    (out, ended.err())
}

/// Every way a client may have asked for it.
fn write(deltas: &[Delta], fault: Option<&Fault>) {
    let (_, completions) = completions::parse(br#"{"model":"m","prompt":"p","echo":true,"logprobs":1}"#)
        .unwrap_or_else(|bad| panic!("{bad}"));
    let responses = responses::inbound::Responses::default();
    let list: [(&dyn Inbound, bool); 7] = [
        (&chat_completions::encode::ChatCompletions, true),
        (&completions, true),
        (&responses, true),
        (&messages::inbound::Messages { omits_thinking: false }, true),
        (&messages::inbound::Messages { omits_thinking: true }, true),
        (&gemini::inbound::Gemini { shows_thoughts: true, is_array: false }, true),
        (&gemini::inbound::Gemini { shows_thoughts: false, is_array: true }, false),
    ];
    let mut tally = Tally::default();
    deltas.iter().for_each(|delta| tally.note(delta));
    for (inbound, is_events) in list {
        let (mut writer, mut out) = (inbound.writer(&heading()), Vec::new());
        deltas.iter().for_each(|delta| writer.write(delta, &mut out));
        match fault {
            None => writer.finish(&report(), &mut out),
            Some(fault) => {
                let failure = Failure {
                    code: 502,
                    message: fault.message.clone(),
                    error_type: fault.kind.error_type(),
                    provider_code: fault.code.clone(),
                    raw: fault.raw.clone(),
                };
                writer.fail(&failure, Some(&report()), &mut out);
            }
        }
        if is_events { must_be_events(&out) } else { must_be_json(&out, "an array") }
        let mut answer = if inbound.wants_order() { Answer::ordered() } else { Answer::default() };
        deltas.iter().cloned().for_each(|delta| answer.add(delta));
        must_be_json(&inbound.whole(&heading(), &answer, &report()), "an answer");
    }
}

fn must_be_events(bytes: &[u8]) {
    assert!(std::str::from_utf8(bytes).is_ok() && (bytes.ends_with(b"\n\n") || bytes.ends_with(b"\r\n\r\n")));
    let (mut decoder, mut events) = (sse::Decoder::default(), Vec::new());
    // One event may hold the whole answer of a stream of many.
    if decoder.push(bytes, &mut events).is_err() || decoder.finish(&mut events).is_err() {
        return;
    }
    assert_eq!(decoder.stray_text(), "");
    for event in events.iter().filter(|event| event.data != "[DONE]") {
        must_be_json(event.data.as_bytes(), "an event");
    }
}

fn heading() -> Heading {
    Heading {
        id: "gen-1-a".to_owned(),
        created: 1,
        model: "m".to_owned(),
        provider: "P".to_owned(),
        metadata: None,
    }
}

fn report() -> UsageReport {
    UsageReport { cost: Money(1), ..UsageReport::default() }
}
