//! Server-sent events: decoded incrementally from bytes, encoded to text.
//!
//! The decoder accepts what providers really send: `\n`, `\r\n` and `\r` line
//! ends, comments, events without a blank line at the end of the stream, and
//! bytes cut anywhere, also inside a UTF-8 character.

/// One event. `name` is empty when the stream did not name it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ServerSentEvent {
    pub name: String,
    pub data: String,
}

/// The stream broke a limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EventTooLong;

/// The longest event accepted where nothing else is said, in bytes.
const MAX_EVENT_BYTES: usize = 4 << 20;

/// Turns bytes into events, however the bytes are cut.
#[derive(Debug)]
pub struct Decoder {
    line: Vec<u8>,
    event: ServerSentEvent,
    has_data: bool,
    after_carriage_return: bool,
    stray: String,
    /// The longest event accepted, in bytes.
    most: usize,
}

impl Default for Decoder {
    fn default() -> Self {
        Self::new(MAX_EVENT_BYTES)
    }
}

impl Decoder {
    /// A decoder that accepts events of up to `most` bytes.
    #[must_use]
    pub const fn new(most: usize) -> Self {
        Self {
            line: Vec::new(),
            event: ServerSentEvent { name: String::new(), data: String::new() },
            has_data: false,
            after_carriage_return: false,
            stray: String::new(),
            most,
        }
    }

    /// Adds bytes and appends every event they complete to `out`.
    ///
    /// # Errors
    /// [`EventTooLong`] when a line or an event is longer than accepted.
    pub fn push(&mut self, mut bytes: &[u8], out: &mut Vec<ServerSentEvent>) -> Result<(), EventTooLong> {
        // Whatever comes next, only the first byte of it can belong to the line end.
        if !bytes.is_empty() && std::mem::take(&mut self.after_carriage_return) {
            bytes = bytes.strip_prefix(b"\n").unwrap_or(bytes);
        }
        while let Some(end) = bytes.iter().position(|&b| b == b'\n' || b == b'\r') {
            let (head, tail) = bytes.split_at(end);
            self.line.extend_from_slice(head);
            self.end_line(out)?;
            bytes = match tail {
                [b'\r'] => {
                    self.after_carriage_return = true;
                    &[]
                }
                [b'\r', b'\n', rest @ ..] | [_, rest @ ..] => rest,
                [] => &[],
            };
        }
        self.line.extend_from_slice(bytes);
        if self.line.len() > self.most { Err(EventTooLong) } else { Ok(()) }
    }

    /// Ends the stream: the last event, if it came without its blank line.
    ///
    /// # Errors
    /// [`EventTooLong`] as for [`Decoder::push`].
    pub fn finish(&mut self, out: &mut Vec<ServerSentEvent>) -> Result<(), EventTooLong> {
        if !self.line.is_empty() {
            self.end_line(out)?;
        }
        self.dispatch(out);
        Ok(())
    }

    /// Lines that are no part of an event: a JSON error some providers write
    /// straight into the stream. Empty when there were none.
    #[must_use]
    pub fn stray_text(&self) -> &str {
        &self.stray
    }

    fn end_line(&mut self, out: &mut Vec<ServerSentEvent>) -> Result<(), EventTooLong> {
        let line = std::mem::take(&mut self.line);
        let text = String::from_utf8_lossy(&line);
        // Some servers write a byte order mark in front of everything.
        let text = text.strip_prefix('\u{feff}').unwrap_or(&text);
        if text.is_empty() {
            self.dispatch(out);
        } else if let Some(value) = field(text, "data") {
            if self.has_data {
                self.event.data.push('\n');
            }
            self.event.data.push_str(value);
            self.has_data = true;
        } else if let Some(value) = field(text, "event") {
            self.event.name.clear();
            self.event.name.push_str(value);
        } else if !text.starts_with(':') && field(text, "id").is_none() && field(text, "retry").is_none() {
            self.stray.push_str(text);
            self.stray.push('\n');
        }
        // Keep the allocation for the next line.
        self.line = line;
        self.line.clear();
        if self.event.data.len() > self.most || self.stray.len() > self.most {
            return Err(EventTooLong);
        }
        Ok(())
    }

    fn dispatch(&mut self, out: &mut Vec<ServerSentEvent>) {
        let event = std::mem::take(&mut self.event);
        if std::mem::take(&mut self.has_data) {
            out.push(event);
        }
    }
}

fn field<'a>(line: &'a str, name: &str) -> Option<&'a str> {
    let rest = line.strip_prefix(name)?.strip_prefix(':')?;
    Some(rest.strip_prefix(' ').unwrap_or(rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decode(parts: &[&[u8]]) -> Vec<ServerSentEvent> {
        let (mut decoder, mut out) = (Decoder::default(), Vec::new());
        for part in parts {
            decoder.push(part, &mut out).unwrap();
        }
        decoder.finish(&mut out).unwrap();
        out
    }

    #[test]
    fn a_stream_cut_at_any_byte_gives_the_same_events() {
        let stream =
            ": hello\r\n\r\nevent: a\r\ndata: {\"é\":1}\r\n\r\ndata:two\ndata: lines\n\n\rdata: x\r\rdata: last"
                .as_bytes();
        let whole = decode(&[stream]);
        assert_eq!(whole.len(), 4);
        assert_eq!(whole[0], ServerSentEvent { name: "a".into(), data: "{\"é\":1}".into() });
        assert_eq!(whole[1].data, "two\nlines");
        assert_eq!(whole[3].data, "last");
        for cut in 0..stream.len() {
            assert_eq!(decode(&[&stream[..cut], &stream[cut..]]), whole, "cut at {cut}");
        }
    }

    #[test]
    fn a_line_end_in_two_pieces_swallows_no_blank_line_behind_it() {
        let whole = decode(&[b"data: 1\r\n\ndata: 2\n\n"]);
        assert_eq!(whole.len(), 2);
        assert_eq!(decode(&[b"data: 1\r", b"", b"\n", b"\n", b"data: 2\n\n"]), whole);
    }

    #[test]
    fn a_byte_order_mark_in_front_of_the_stream_is_nothing() {
        assert_eq!(decode(&["\u{feff}data: 1\n\n".as_bytes()]), decode(&[b"data: 1\n\n"]));
    }

    #[test]
    fn text_outside_events_is_kept_as_stray() {
        let mut decoder = Decoder::default();
        let mut out = Vec::new();
        decoder.push(b"data: 1\n\n{\n  \"error\": {}\n}\n", &mut out).unwrap();
        assert_eq!(out.len(), 1);
        assert_eq!(decoder.stray_text(), "{\n  \"error\": {}\n}\n");
    }

    #[test]
    fn an_endless_line_is_refused() {
        let mut decoder = Decoder::default();
        assert_eq!(decoder.push(&vec![b'x'; MAX_EVENT_BYTES + 1], &mut Vec::new()), Err(EventTooLong));
    }
}
