//! One JSON document per line.

use app::types::sse::ServerSentEvent;

use super::Broken;

/// Turns bytes into lines.
#[derive(Debug)]
pub struct Lines {
    line: Vec<u8>,
    /// The longest line accepted, bytes.
    most: usize,
}

impl Lines {
    pub(super) const fn new(most: usize) -> Self {
        Self { line: Vec::new(), most }
    }

    pub(super) fn push(&mut self, mut bytes: &[u8], out: &mut Vec<ServerSentEvent>) -> Result<(), Broken> {
        while let Some(end) = bytes.iter().position(|&byte| byte == b'\n') {
            let (head, tail) = bytes.split_at(end);
            self.extend(head)?;
            self.finish(out);
            bytes = tail.get(1..).unwrap_or_default();
        }
        self.extend(bytes)
    }

    /// Ends the line, if there is one.
    pub(super) fn finish(&mut self, out: &mut Vec<ServerSentEvent>) {
        let line = std::mem::take(&mut self.line);
        let text = String::from_utf8_lossy(&line);
        let text = text.trim();
        if !text.is_empty() {
            out.push(ServerSentEvent { name: String::new(), data: text.to_owned() });
        }
    }

    fn extend(&mut self, bytes: &[u8]) -> Result<(), Broken> {
        if self.line.len().saturating_add(bytes.len()) > self.most {
            return Err(Broken::TooLong);
        }
        self.line.extend_from_slice(bytes);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(pieces: &[&[u8]]) -> Vec<String> {
        let (mut lines, mut out) = (Lines::new(4 << 20), Vec::new());
        for piece in pieces {
            lines.push(piece, &mut out).unwrap();
        }
        lines.finish(&mut out);
        out.into_iter().map(|event| event.data).collect()
    }

    #[test]
    fn lines_cut_anywhere_are_the_same_lines() {
        let text = "{\"a\":\"grün\"}\r\n\n{\"b\":2}\n{\"last\":\"without an end\"}".as_bytes();
        let expected = ["{\"a\":\"grün\"}", "{\"b\":2}", "{\"last\":\"without an end\"}"];
        for cut in 0..=text.len() {
            let (head, tail) = text.split_at(cut);
            assert_eq!(read(&[head, tail]), expected, "cut at {cut}");
        }
    }

    #[test]
    fn a_line_without_an_end_in_sight_is_refused() {
        let (mut lines, mut out) = (Lines::new(4 << 20), Vec::new());
        let megabyte = vec![b'x'; 1 << 20];
        let outcomes: Vec<_> = (0..5).map(|_| lines.push(&megabyte, &mut out)).collect();
        assert_eq!(outcomes.last(), Some(&Err(Broken::TooLong)));
    }
}
