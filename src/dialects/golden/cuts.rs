//! Recorded streams cut at every byte: whatever pieces a connection brings, the
//! deltas are the same.

use app::types::sse::{Decoder, ServerSentEvent};

use super::{id, recordings, streamed, upstream};

fn events(pieces: &[&[u8]]) -> (Vec<ServerSentEvent>, String) {
    let (mut reader, mut events) = (Decoder::default(), Vec::new());
    for piece in pieces {
        reader.push(piece, &mut events).unwrap();
    }
    reader.finish(&mut events).unwrap();
    (events, reader.stray_text().to_owned())
}

/// The stream in stretches that begin and end between events.
fn stretches(stream: &[u8]) -> Vec<&[u8]> {
    let mut found = Vec::new();
    let mut rest = stream;
    while !rest.is_empty() {
        let ends = [&b"\n\n"[..], b"\r\n\r\n"].into_iter().filter_map(|end| {
            let place = rest.windows(end.len()).position(|window| window == end)?;
            Some(place + end.len())
        });
        let (head, tail) = rest.split_at(ends.min().unwrap_or(rest.len()));
        found.push(head);
        rest = tail;
    }
    found
}

#[test]
fn a_stream_cut_at_every_byte_brings_the_same_deltas() {
    let mut cuts = 0;
    for recording in recordings() {
        let Some(stream) = recording["response"]["body_text"].as_str().filter(|_| recording["streaming"] == true)
        else {
            continue;
        };
        let (stream, upstream) = (stream.as_bytes(), upstream(&recording));
        // All cuts at once: byte by byte, and in small pieces of other sizes.
        let expected = streamed(upstream, &[stream]);
        for size in [1, 2, 3, 7, 64] {
            let pieces: Vec<&[u8]> = stream.chunks(size).collect();
            assert_eq!(streamed(upstream, &pieces), expected, "{} in pieces of {size}", id(&recording));
        }
        // Each cut alone, seen by the event it falls into.
        for stretch in stretches(stream) {
            let whole = events(&[stretch]);
            for cut in 0..stretch.len() {
                let (head, tail) = stretch.split_at(cut);
                assert_eq!(events(&[head, tail]), whole, "{}", id(&recording));
                cuts += 1;
            }
        }
    }
    eprintln!("{cuts} cuts");
}

/// The whole stream read again for each cut.
#[test]
#[ignore = "takes minutes: make cuts"]
fn a_stream_cut_at_every_byte_is_read_the_same_from_its_beginning() {
    let mut cuts = 0;
    for recording in recordings() {
        let Some(stream) = recording["response"]["body_text"].as_str().filter(|_| recording["streaming"] == true)
        else {
            continue;
        };
        let (stream, upstream) = (stream.as_bytes(), upstream(&recording));
        let expected = streamed(upstream, &[stream]);
        for cut in 0..stream.len() {
            let (head, tail) = stream.split_at(cut);
            assert_eq!(streamed(upstream, &[head, tail]), expected, "{} cut at {cut}", id(&recording));
            cuts += 1;
        }
    }
    eprintln!("{cuts} cuts");
}
