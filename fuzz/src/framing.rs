//! Streams as bytes: events, lines, binary messages. The first byte says which,
//! the second how the stream is cut.

use patchbay::dialects::Framing;
use patchbay::dialects::framing::Frames;

use crate::{first, pieces};

/// One stream.
pub fn stream(data: &[u8]) {
    let (kind, data) = first(data, 0);
    let (pace, data) = first(data, 0);
    let (framing, bytes) = match kind % 4 {
        0 => (Framing::ServerSentEvents, data.to_vec()),
        1 => (Framing::JsonLines, data.to_vec()),
        2 => (Framing::AwsEventStream, data.to_vec()),
        _ => (Framing::AwsEventStream, checksummed(data)),
    };
    let whole = read(framing, &[&bytes]);
    let cut = read(framing, &pieces(&bytes, pace));
    assert!(whole == cut, "the cut changes the events: {whole:?} / {cut:?}");
}

type Read = (Vec<(String, String)>, String, bool);

fn read(framing: Framing, pieces: &[&[u8]]) -> Read {
    let (mut frames, mut events, mut is_broken) = (Frames::new(framing, 4 << 20), Vec::new(), false);
    for piece in pieces {
        if frames.push(piece, &mut events).is_err() {
            is_broken = true;
            break;
        }
    }
    if !is_broken {
        is_broken = frames.finish(&mut events).is_err();
    }
    let stray = frames.stray_text().to_owned();
    (events.into_iter().map(|event| (event.name, event.data)).collect(), stray, is_broken)
}

/// Messages with right checksums and anything at all between them: a byte for
/// the length of the headers, one for that of the payload, then both.
fn checksummed(mut data: &[u8]) -> Vec<u8> {
    let mut stream = Vec::new();
    while let [headers, payload, rest @ ..] = data {
        let (headers, rest) = rest.split_at(usize::from(*headers).min(rest.len()));
        let (payload, rest) = rest.split_at(usize::from(*payload).min(rest.len()));
        stream.extend(with_checksums(headers, payload));
        data = rest;
    }
    stream
}

/// A message with these text headers.
pub(crate) fn aws_message(headers: &[(&[u8], &[u8])], payload: &[u8]) -> Vec<u8> {
    let mut head = Vec::new();
    for (name, value) in headers {
        let (name, value) = (&name[..name.len().min(255)], &value[..value.len().min(60_000)]);
        head.push(u8::try_from(name.len()).unwrap_or(u8::MAX));
        head.extend(name);
        head.push(7);
        head.extend(u16::try_from(value.len()).unwrap_or(u16::MAX).to_be_bytes());
        head.extend(value);
    }
    with_checksums(&head, payload)
}

fn with_checksums(headers: &[u8], payload: &[u8]) -> Vec<u8> {
    let length = |length: usize| u32::try_from(length).unwrap_or(u32::MAX).to_be_bytes();
    let mut message = length(headers.len() + payload.len() + 16).to_vec();
    message.extend(length(headers.len()));
    message.extend(crc32fast::hash(&message).to_be_bytes());
    message.extend(headers);
    message.extend(payload);
    message.extend(crc32fast::hash(&message).to_be_bytes());
    message
}

/// What stands before the first space, and what behind it.
pub(crate) fn without_name(line: &[u8]) -> (&[u8], &[u8]) {
    match line.iter().position(|byte| *byte == b' ') {
        Some(place) => (&line[..place], &line[place + 1..]),
        None => (line, b""),
    }
}
