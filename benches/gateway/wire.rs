//! As much HTTP/1.1 as load and fake provider need, with as little work as possible.

use anyhow::{Context as _, bail};
use tokio::io::{AsyncRead, AsyncReadExt as _};

/// One message's head.
pub struct Head {
    /// The status of an answer; 0 for a request.
    pub status: u16,
    /// `None`: chunked.
    pub body_length: Option<usize>,
}

/// Bytes read and not consumed yet.
#[derive(Default)]
pub struct Inbox {
    bytes: Vec<u8>,
    start: usize,
}

impl Inbox {
    pub fn pending(&self) -> &[u8] {
        self.bytes.get(self.start..).unwrap_or_default()
    }

    pub fn consume(&mut self, count: usize) {
        self.start += count;
        if self.start >= self.bytes.len() {
            self.bytes.clear();
            self.start = 0;
        }
    }

    /// Reads what there is. False at the end of the connection.
    pub async fn fill(&mut self, from: &mut (impl AsyncRead + Unpin)) -> std::io::Result<bool> {
        if self.start > 0 && self.bytes.len() > 64 << 10 {
            self.bytes.drain(..self.start);
            self.start = 0;
        }
        self.bytes.reserve(8 << 10);
        Ok(from.read_buf(&mut self.bytes).await? > 0)
    }

    /// The next head, consumed; `None` at the end of the connection.
    pub async fn head(&mut self, from: &mut (impl AsyncRead + Unpin)) -> anyhow::Result<Option<Head>> {
        loop {
            if let Some(end) = find(self.pending(), b"\r\n\r\n") {
                let length = end + 4;
                let head = parse(self.pending().get(..length).unwrap_or_default())?;
                self.consume(length);
                return Ok(Some(head));
            }
            if !self.fill(from).await? {
                return Ok(None);
            }
        }
    }

    /// Waits until `count` bytes are there.
    pub async fn need(&mut self, from: &mut (impl AsyncRead + Unpin), count: usize) -> anyhow::Result<()> {
        while self.pending().len() < count {
            if !self.fill(from).await? {
                bail!("the connection ended inside a body");
            }
        }
        Ok(())
    }

    /// The next chunk of a chunked body: its length in the inbox after its size
    /// line was consumed; 0 for the last. Consume it with the two bytes after it.
    pub async fn chunk(&mut self, from: &mut (impl AsyncRead + Unpin)) -> anyhow::Result<usize> {
        let end = loop {
            if let Some(end) = find(self.pending(), b"\r\n") {
                break end;
            }
            if !self.fill(from).await? {
                bail!("the connection ended inside a stream");
            }
        };
        let line = std::str::from_utf8(self.pending().get(..end).unwrap_or_default())?;
        let size = usize::from_str_radix(line.trim(), 16).with_context(|| format!("a chunk of size {line:?}"))?;
        self.consume(end + 2);
        self.need(from, size + 2).await?;
        Ok(size)
    }
}

/// The position of `needle` in `hay`.
pub fn find(hay: &[u8], needle: &[u8]) -> Option<usize> {
    hay.windows(needle.len()).position(|window| window == needle)
}

fn parse(bytes: &[u8]) -> anyhow::Result<Head> {
    let text = std::str::from_utf8(bytes)?;
    let mut lines = text.split("\r\n");
    let first = lines.next().unwrap_or_default();
    let status = match first.strip_prefix("HTTP/1.1 ") {
        Some(rest) => rest.get(..3).unwrap_or_default().parse().with_context(|| format!("the status in {first:?}"))?,
        None => 0,
    };
    let mut body_length = None;
    for line in lines {
        if let Some((name, value)) = line.split_once(':')
            && name.eq_ignore_ascii_case("content-length")
        {
            body_length = Some(value.trim().parse()?);
        }
    }
    Ok(Head { status, body_length })
}
