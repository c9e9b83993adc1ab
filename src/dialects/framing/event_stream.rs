//! Amazon's binary event stream. Source: the event stream encoding in the
//! documentation of Amazon Transcribe and of the Smithy protocol.
//!
//! A message is a prelude (total length, header length, checksum of both),
//! headers, a payload and a checksum of all before it; numbers are big-endian.

use app::types::sse::ServerSentEvent;
use serde_json::json;

use super::Broken;

/// Prelude and its checksum.
const PRELUDE_BYTES: usize = 12;
/// The checksum at the end.
const CHECKSUM_BYTES: usize = 4;

/// Turns bytes into messages.
#[derive(Debug)]
pub struct Messages {
    buffer: Vec<u8>,
    /// The longest message accepted, bytes.
    most: usize,
}

impl Messages {
    pub(super) const fn new(most: usize) -> Self {
        Self { buffer: Vec::new(), most }
    }

    pub(super) fn push(&mut self, bytes: &[u8], out: &mut Vec<ServerSentEvent>) -> Result<(), Broken> {
        self.buffer.extend_from_slice(bytes);
        let mut read = 0;
        while let Some(rest) = self.buffer.get(read..)
            && let Some(length) = message_length(rest, self.most)?
        {
            let Some(message) = rest.get(..length) else { break };
            out.push(event(message)?);
            read = read.saturating_add(length);
        }
        self.buffer.drain(..read);
        Ok(())
    }
}

/// The length of the message that begins here, once its prelude is there.
fn message_length(bytes: &[u8], most: usize) -> Result<Option<usize>, Broken> {
    let Some(prelude) = bytes.get(..PRELUDE_BYTES) else { return Ok(None) };
    let (head, checksum) = prelude.split_at(8);
    if crc32fast::hash(head) != number(checksum)? {
        return Err(Broken::Damaged);
    }
    let length = usize::try_from(number(head)?).map_err(|_| Broken::TooLong)?;
    if length > most {
        return Err(Broken::TooLong);
    }
    if length < PRELUDE_BYTES.saturating_add(CHECKSUM_BYTES) { Err(Broken::Damaged) } else { Ok(Some(length)) }
}

/// One whole message as an event. An exception is an event of that name whose
/// data is an error as other providers write it.
fn event(message: &[u8]) -> Result<ServerSentEvent, Broken> {
    let (body, checksum) = message.split_last_chunk::<CHECKSUM_BYTES>().ok_or(Broken::Damaged)?;
    if crc32fast::hash(body) != u32::from_be_bytes(*checksum) {
        return Err(Broken::Damaged);
    }
    let header_bytes = usize::try_from(number(body.get(4..).unwrap_or_default())?).map_err(|_| Broken::Damaged)?;
    let rest = body.get(PRELUDE_BYTES..).ok_or(Broken::Damaged)?;
    let (headers, payload) = rest.split_at_checked(header_bytes).ok_or(Broken::Damaged)?;
    let headers = texts(headers)?;
    let header = |name: &str| headers.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str());
    let payload = String::from_utf8_lossy(payload);
    Ok(match header(":message-type") {
        Some("exception") => {
            let kind = header(":exception-type").unwrap_or("exception");
            let cause = serde_json::from_str::<serde_json::Value>(&payload).ok();
            let said = cause.as_ref().and_then(|cause| cause.get("message")?.as_str()).unwrap_or(&payload);
            failure(kind, said)
        }
        Some("error") => {
            failure(header(":error-code").unwrap_or("error"), header(":error-message").unwrap_or_default())
        }
        _ => ServerSentEvent { name: header(":event-type").unwrap_or_default().to_owned(), data: payload.into_owned() },
    })
}

fn failure(kind: &str, message: &str) -> ServerSentEvent {
    let data = json!({ "error": { "type": kind, "message": message } }).to_string();
    ServerSentEvent { name: "exception".to_owned(), data }
}

/// The headers that are text; the others are stepped over.
fn texts(mut bytes: &[u8]) -> Result<Vec<(String, String)>, Broken> {
    let mut found = Vec::new();
    while let Some((&length, rest)) = bytes.split_first() {
        let (name, rest) = rest.split_at_checked(usize::from(length)).ok_or(Broken::Damaged)?;
        let (&kind, rest) = rest.split_first().ok_or(Broken::Damaged)?;
        let size = match kind {
            // True and false have no value.
            0 | 1 => 0,
            2 => 1,
            3 => 2,
            4 => 4,
            5 | 8 => 8,
            9 => 16,
            // Bytes and text say how long they are.
            6 | 7 => {
                let (length, _) = rest.split_first_chunk::<2>().ok_or(Broken::Damaged)?;
                usize::from(u16::from_be_bytes(*length)).saturating_add(2)
            }
            _ => return Err(Broken::Damaged),
        };
        let (value, rest) = rest.split_at_checked(size).ok_or(Broken::Damaged)?;
        if kind == 7 {
            let text = String::from_utf8_lossy(value.get(2..).unwrap_or_default()).into_owned();
            found.push((String::from_utf8_lossy(name).into_owned(), text));
        }
        bytes = rest;
    }
    Ok(found)
}

/// The number that begins here.
fn number(bytes: &[u8]) -> Result<u32, Broken> {
    bytes.first_chunk::<4>().map(|bytes| u32::from_be_bytes(*bytes)).ok_or(Broken::Damaged)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A message with text headers.
    fn message(headers: &[(&str, &str)], payload: &[u8]) -> Vec<u8> {
        let mut head = Vec::new();
        for (name, value) in headers {
            head.push(u8::try_from(name.len()).unwrap());
            head.extend(name.as_bytes());
            head.push(7);
            head.extend(u16::try_from(value.len()).unwrap().to_be_bytes());
            head.extend(value.as_bytes());
        }
        let total = u32::try_from(head.len() + payload.len() + 16).unwrap();
        let mut bytes = total.to_be_bytes().to_vec();
        bytes.extend(u32::try_from(head.len()).unwrap().to_be_bytes());
        bytes.extend(crc32fast::hash(&bytes).to_be_bytes());
        bytes.extend(head);
        bytes.extend(payload);
        bytes.extend(crc32fast::hash(&bytes).to_be_bytes());
        bytes
    }

    fn read(pieces: &[&[u8]]) -> Result<Vec<ServerSentEvent>, Broken> {
        let (mut messages, mut out) = (Messages::new(4 << 20), Vec::new());
        for piece in pieces {
            messages.push(piece, &mut out)?;
        }
        Ok(out)
    }

    fn two() -> Vec<u8> {
        let event = [(":event-type", "chunk"), (":message-type", "event")];
        let exception = [(":exception-type", "throttlingException"), (":message-type", "exception")];
        [message(&event, b"{\"p\":1}"), message(&exception, b"{\"message\":\"Slow down\"}")].concat()
    }

    #[test]
    fn messages_cut_anywhere_are_the_same_messages() {
        let bytes = two();
        for cut in 0..=bytes.len() {
            let (head, tail) = bytes.split_at(cut);
            let events = read(&[head, tail]).unwrap();
            assert_eq!((events[0].name.as_str(), events[0].data.as_str()), ("chunk", "{\"p\":1}"), "cut at {cut}");
            assert_eq!(events[1].name, "exception");
            assert_eq!(events[1].data, r#"{"error":{"type":"throttlingException","message":"Slow down"}}"#);
        }
    }

    #[test]
    fn a_damaged_message_is_noticed_at_every_byte() {
        let bytes = two();
        for place in 0..bytes.len() {
            let mut damaged = bytes.clone();
            damaged[place] ^= 0x20;
            assert_ne!(read(&[&damaged]).ok().map(|events| events.len()), Some(2), "byte {place}");
        }
    }

    #[test]
    fn a_message_of_absurd_length_is_not_waited_for() {
        let mut prelude = u32::MAX.to_be_bytes().to_vec();
        prelude.extend(0_u32.to_be_bytes());
        prelude.extend(crc32fast::hash(&prelude).to_be_bytes());
        assert_eq!(read(&[&prelude]), Err(Broken::TooLong));
        assert_eq!(read(&[&[0; 64]]), Err(Broken::Damaged));
    }
}
