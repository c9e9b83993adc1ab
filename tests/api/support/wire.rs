//! A provider below HTTP: it reads a request and then does to the connection what a
//! test says, byte by byte.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use parking_lot::Mutex;
use serde_json::json;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;

/// What is done to a connection, one thing after the other; then it is closed.
#[derive(Clone, Debug)]
pub enum Act {
    Send(Vec<u8>),
    /// The head of a streamed answer.
    Head,
    /// So many times these bytes.
    Repeat(Vec<u8>, usize),
    /// Reset, not closed. What was sent before may be lost with it.
    Reset,
    /// Silence until the other side is gone.
    Hang,
    Pause(Duration),
}

impl Act {
    pub fn text(text: &str) -> Self {
        Self::Send(text.as_bytes().to_vec())
    }
}

/// A whole streamed answer of these words, with usage and the terminator.
pub fn stream_of(words: &[&str]) -> Vec<Act> {
    let mut acts = vec![Act::Head];
    acts.extend(words.iter().map(|word| Act::text(&word_of(word))));
    acts.push(Act::text(&end_of(words.len())));
    acts
}

pub fn word_of(word: &str) -> String {
    let chunk = json!({ "id": "up-1", "object": "chat.completion.chunk", "created": 1, "model": "m",
        "choices": [{ "index": 0, "delta": { "role": "assistant", "content": word }, "finish_reason": null }] });
    format!("data: {chunk}\n\n")
}

pub fn finish() -> String {
    let chunk = json!({ "id": "up-1", "object": "chat.completion.chunk", "created": 1, "model": "m",
        "choices": [{ "index": 0, "delta": {}, "finish_reason": "stop" }] });
    format!("data: {chunk}\n\n")
}

pub fn usage(prompt: i64, completion: i64) -> String {
    let chunk = json!({ "id": "up-1", "object": "chat.completion.chunk", "created": 1, "model": "m", "choices": [],
        "usage": { "prompt_tokens": prompt, "completion_tokens": completion } });
    format!("data: {chunk}\n\n")
}

pub fn end_of(words: usize) -> String {
    format!("{}{}data: [DONE]\n\n", finish(), usage(10, i64::try_from(words).expect("few words")))
}

/// An HTTP error with this JSON and these header lines.
pub fn refusal(status: u16, headers: &str, message: &str, code: &str) -> Vec<Act> {
    let body = json!({ "error": { "message": message, "type": "x", "code": code } }).to_string();
    let length = body.len();
    vec![Act::text(&format!(
        "HTTP/1.1 {status} X\r\ncontent-type: application/json\r\ncontent-length: {length}\r\n{headers}\
         connection: close\r\n\r\n{body}"
    ))]
}

/// The provider.
#[derive(Clone)]
pub struct Wire {
    pub url: String,
    scripts: Arc<Mutex<VecDeque<Vec<Act>>>>,
    usual: Arc<Mutex<Vec<Act>>>,
    bodies: Arc<Mutex<Vec<serde_json::Value>>>,
    count: Arc<AtomicUsize>,
    closed: Arc<Semaphore>,
}

impl Wire {
    pub async fn start(usual: Vec<Act>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let wire = Self {
            url: format!("http://{}/v1", listener.local_addr().expect("an address")),
            scripts: Arc::default(),
            usual: Arc::new(Mutex::new(usual)),
            bodies: Arc::default(),
            count: Arc::default(),
            closed: Arc::new(Semaphore::new(0)),
        };
        let own = wire.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let own = own.clone();
                tokio::spawn(async move { own.serve(stream).await });
            }
        });
        wire
    }

    /// What the next requests get, in order; then the usual.
    pub fn script(&self, scripts: impl IntoIterator<Item = Vec<Act>>) {
        self.scripts.lock().extend(scripts);
    }

    pub fn always(&self, acts: Vec<Act>) {
        *self.usual.lock() = acts;
    }

    /// Requests to models that came.
    pub fn count(&self) -> usize {
        self.count.load(Ordering::SeqCst)
    }

    pub fn last_body(&self) -> serde_json::Value {
        self.bodies.lock().last().cloned().expect("a request")
    }

    /// Waits until the other side has left a connection that hung.
    pub async fn closed(&self) {
        self.closed.acquire().await.expect("open").forget();
    }

    async fn serve(&self, mut stream: TcpStream) -> Option<()> {
        let (is_check, body) = request(&mut stream).await?;
        if is_check {
            let answer = "HTTP/1.1 200 OK\r\ncontent-length: 2\r\nconnection: close\r\n\r\n{}";
            return stream.write_all(answer.as_bytes()).await.ok();
        }
        self.count.fetch_add(1, Ordering::SeqCst);
        self.bodies.lock().push(body);
        let acts = self.scripts.lock().pop_front().unwrap_or_else(|| self.usual.lock().clone());
        for act in acts {
            match act {
                Act::Send(bytes) => stream.write_all(&bytes).await.ok()?,
                Act::Head => {
                    let head = "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\nconnection: close\r\n\r\n";
                    stream.write_all(head.as_bytes()).await.ok()?;
                }
                Act::Repeat(bytes, times) => {
                    for _ in 0..times {
                        stream.write_all(&bytes).await.ok()?;
                    }
                }
                Act::Reset => {
                    stream.set_zero_linger().ok()?;
                    return None;
                }
                Act::Hang => {
                    let mut rest = [0; 64];
                    while matches!(stream.read(&mut rest).await, Ok(read) if read > 0) {}
                    self.closed.add_permits(1);
                }
                Act::Pause(time) => tokio::time::sleep(time).await,
            }
        }
        stream.shutdown().await.ok()
    }
}

/// Reads one request: whether it only asks for the models, and its JSON.
async fn request(stream: &mut TcpStream) -> Option<(bool, serde_json::Value)> {
    let mut bytes = Vec::new();
    let end = loop {
        if let Some(end) = bytes.windows(4).position(|four| four == b"\r\n\r\n") {
            break end + 4;
        }
        if stream.read_buf(&mut bytes).await.ok()? == 0 {
            return None;
        }
    };
    let head = String::from_utf8_lossy(&bytes[..end]).to_lowercase();
    let length = head.lines().find_map(|line| line.strip_prefix("content-length:"));
    let length: usize = length.map_or(0, |length| length.trim().parse().expect("a length"));
    while bytes.len() < end + length {
        if stream.read_buf(&mut bytes).await.ok()? == 0 {
            return None;
        }
    }
    Some((head.starts_with("get "), serde_json::from_slice(&bytes[end..]).unwrap_or_default()))
}
