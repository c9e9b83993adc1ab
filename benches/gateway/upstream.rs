//! The fake provider: answers at once, or streams one token every 20 ms. Each
//! token says when it was sent, so that its way can be timed.

use std::net::SocketAddr;
use std::sync::LazyLock;
use std::time::{Duration, Instant};

use tokio::io::AsyncWriteExt as _;
use tokio::net::{TcpListener, TcpStream};
use tokio::time::{MissedTickBehavior, interval_at};

use crate::wire::{Inbox, find};

/// Tokens of a stream.
pub const TOKENS: usize = 50;
/// Between two tokens.
const PACE: Duration = Duration::from_millis(20);

static BEGIN: LazyLock<Instant> = LazyLock::new(Instant::now);

/// Nanoseconds since the process began.
pub fn now_ns() -> u64 {
    u64::try_from(BEGIN.elapsed().as_nanos()).unwrap_or(u64::MAX)
}

/// Serves on a free port for as long as the process lives.
pub async fn start() -> anyhow::Result<SocketAddr> {
    now_ns();
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let address = listener.local_addr()?;
    tokio::task::spawn_local(async move {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::task::spawn_local(async move {
                if let Err(error) = serve(stream).await {
                    eprintln!("the fake provider lost a connection: {error:#}");
                }
            });
        }
    });
    Ok(address)
}

async fn serve(mut stream: TcpStream) -> anyhow::Result<()> {
    stream.set_nodelay(true)?;
    let whole = whole_answer();
    let mut inbox = Inbox::default();
    while let Ok(Some(head)) = inbox.head(&mut stream).await {
        let length = head.body_length.unwrap_or(0);
        inbox.need(&mut stream, length).await?;
        let is_streamed = find(inbox.pending().get(..length).unwrap_or_default(), b"\"stream\":true").is_some();
        inbox.consume(length);
        if is_streamed {
            send_stream(&mut stream).await?;
        } else {
            stream.write_all(&whole).await?;
        }
    }
    Ok(())
}

const USAGE: &str = r#""usage":{"prompt_tokens":70,"completion_tokens":50,"total_tokens":120,"prompt_tokens_details":{"cached_tokens":0,"audio_tokens":0},"completion_tokens_details":{"reasoning_tokens":0,"audio_tokens":0,"accepted_prediction_tokens":0,"rejected_prediction_tokens":0}}"#;

fn whole_answer() -> Vec<u8> {
    let text = "A gateway takes a request, finds who may answer it, and passes the answer on. ".repeat(3);
    let body = format!(
        r#"{{"id":"chatcmpl-bench","object":"chat.completion","created":1790000000,"model":"bench-1","choices":[{{"index":0,"message":{{"role":"assistant","content":"{text}","refusal":null}},"logprobs":null,"finish_reason":"stop"}}],{USAGE},"service_tier":"default","system_fingerprint":"fp_bench"}}"#
    );
    format!("HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}", body.len())
        .into_bytes()
}

async fn send_stream(stream: &mut TcpStream) -> anyhow::Result<()> {
    stream
        .write_all(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n")
        .await?;
    // The first token goes at once: a clock of whole milliseconds would hide what is measured.
    let mut pace = interval_at(tokio::time::Instant::now() + PACE, PACE);
    // Time lost on a busy core is not made up with a burst.
    pace.set_missed_tick_behavior(MissedTickBehavior::Delay);
    for token in 0..TOKENS {
        if token > 0 {
            pace.tick().await;
        }
        let role = if token == 0 { r#""role":"assistant","# } else { "" };
        let choice = format!(
            r#"{{"index":0,"delta":{{{role}"content":"t{} "}},"logprobs":null,"finish_reason":null}}"#,
            now_ns()
        );
        send_event(stream, &chunk(&choice, "")).await?;
    }
    send_event(stream, &chunk(r#"{"index":0,"delta":{},"logprobs":null,"finish_reason":"stop"}"#, "")).await?;
    send_event(stream, &chunk("", &format!(",{USAGE}"))).await?;
    send_event(stream, "[DONE]").await?;
    stream.write_all(b"0\r\n\r\n").await?;
    Ok(())
}

fn chunk(choice: &str, more: &str) -> String {
    format!(
        r#"{{"id":"chatcmpl-bench","object":"chat.completion.chunk","created":1790000000,"model":"bench-1","service_tier":"default","system_fingerprint":"fp_bench","choices":[{choice}]{more}}}"#
    )
}

async fn send_event(stream: &mut TcpStream, data: &str) -> std::io::Result<()> {
    let event = format!("data: {data}\n\n");
    stream.write_all(format!("{:x}\r\n{event}\r\n", event.len()).as_bytes()).await
}
