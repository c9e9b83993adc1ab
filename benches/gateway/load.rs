//! The callers: each has one connection and asks again when its answer is complete.

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::time::{Duration, Instant};

use anyhow::{bail, ensure};
use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpStream;
use tokio::task::JoinHandle;

use crate::lanes::Lane;
use crate::upstream::{TOKENS, now_ns};
use crate::wire::{Inbox, find};

/// Answers in one piece, on a number of connections.
pub struct Whole {
    state: Rc<State>,
    callers: Vec<JoinHandle<anyhow::Result<()>>>,
}

#[derive(Default)]
struct State {
    is_measuring: Cell<bool>,
    is_over: Cell<bool>,
    latencies: RefCell<Vec<Duration>>,
}

impl Whole {
    pub fn new(lane: &Lane, connections: usize) -> Self {
        let state = Rc::new(State::default());
        let callers = (0..connections)
            .map(|_| {
                let (state, address, request) = (Rc::clone(&state), lane.address, lane.request(false));
                let answered = Rc::clone(&lane.answered);
                tokio::task::spawn_local(async move {
                    let mut stream = TcpStream::connect(address).await?;
                    stream.set_nodelay(true)?;
                    let mut inbox = Inbox::default();
                    while !state.is_over.get() {
                        let began = Instant::now();
                        stream.write_all(&request).await?;
                        read_whole(&mut inbox, &mut stream).await?;
                        answered.set(answered.get() + 1);
                        if state.is_measuring.get() {
                            state.latencies.borrow_mut().push(began.elapsed());
                        }
                    }
                    Ok(())
                })
            })
            .collect();
        Self { state, callers }
    }

    pub async fn run_for(&self, duration: Duration) {
        tokio::time::sleep(duration).await;
    }

    pub async fn measure_for(&self, duration: Duration) {
        self.state.is_measuring.set(true);
        tokio::time::sleep(duration).await;
        self.state.is_measuring.set(false);
    }

    /// Waits for the last answers. Sorted times from the request's first to the answer's last byte.
    pub async fn finish(self) -> anyhow::Result<Vec<Duration>> {
        self.state.is_over.set(true);
        for caller in self.callers {
            caller.await??;
        }
        let mut latencies = self.state.latencies.take();
        latencies.sort_unstable();
        Ok(latencies)
    }
}

async fn read_whole(inbox: &mut Inbox, stream: &mut TcpStream) -> anyhow::Result<()> {
    let Some(head) = inbox.head(stream).await? else { bail!("the connection was closed") };
    if let Some(length) = head.body_length {
        inbox.need(stream, length).await?;
        let body = String::from_utf8_lossy(inbox.pending().get(..length).unwrap_or_default()).into_owned();
        ensure!(head.status == 200, "status {}: {body}", head.status);
        inbox.consume(length);
        return Ok(());
    }
    ensure!(head.status == 200, "status {}", head.status);
    loop {
        let size = inbox.chunk(stream).await?;
        inbox.consume(size + 2);
        if size == 0 {
            return Ok(());
        }
    }
}

/// Sorted times to the first token of each stream, and of each token's way from
/// provider to caller.
pub async fn streams(lane: &Lane, count: usize, rounds: usize) -> anyhow::Result<(Vec<Duration>, Vec<Duration>)> {
    let mut callers = Vec::new();
    for _ in 0..count {
        let (address, request, answered) = (lane.address, lane.request(true), Rc::clone(&lane.answered));
        callers.push(tokio::task::spawn_local(async move {
            let mut stream = TcpStream::connect(address).await?;
            stream.set_nodelay(true)?;
            let mut inbox = Inbox::default();
            let (mut first, mut each) = (Vec::new(), Vec::new());
            for _ in 0..rounds {
                one_stream(&mut inbox, &mut stream, &request, &mut first, &mut each).await?;
                answered.set(answered.get() + 1);
            }
            anyhow::Ok((first, each))
        }));
        // Callers come one after another, as they do.
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    let (mut first, mut each) = (Vec::new(), Vec::new());
    for caller in callers {
        let (f, e) = caller.await??;
        first.extend(f);
        each.extend(e);
    }
    first.sort_unstable();
    each.sort_unstable();
    Ok((first, each))
}

async fn one_stream(
    inbox: &mut Inbox,
    stream: &mut TcpStream,
    request: &[u8],
    first: &mut Vec<Duration>,
    each: &mut Vec<Duration>,
) -> anyhow::Result<()> {
    let began = Instant::now();
    stream.write_all(request).await?;
    let Some(head) = inbox.head(stream).await? else { bail!("the connection was closed") };
    ensure!(head.status == 200, "status {}", head.status);
    let (mut tokens, mut is_done) = (0, false);
    loop {
        let size = inbox.chunk(stream).await?;
        let mut text = inbox.pending().get(..size).unwrap_or_default();
        while let Some(sent_ns) = next_token(&mut text) {
            if tokens == 0 {
                first.push(began.elapsed());
            }
            tokens += 1;
            each.push(Duration::from_nanos(now_ns().saturating_sub(sent_ns)));
        }
        is_done |= find(text, b"[DONE]").is_some();
        inbox.consume(size + 2);
        if size == 0 {
            break;
        }
    }
    ensure!(tokens == TOKENS && is_done, "a stream of {TOKENS} tokens came with {tokens}, done: {is_done}");
    Ok(())
}

/// When the next token in `text` was sent; `text` goes on behind it.
fn next_token(text: &mut &[u8]) -> Option<u64> {
    const MARK: &[u8] = b"\"content\":\"t";
    let start = find(text, MARK)? + MARK.len();
    let rest = text.get(start..)?;
    let length = rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
    let sent = std::str::from_utf8(rest.get(..length)?).ok()?.parse().ok()?;
    *text = rest.get(length..)?;
    Some(sent)
}
