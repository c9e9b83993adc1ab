//! How long a connection may be silent. hyper has one limit for a head that comes
//! slowly and a connection on which nothing is asked; the second must be longer than
//! what proxies in front keep, or they send a request into a connection just closed.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Instant, Sleep, sleep_until};

/// What an HTTP/2 connection begins with. It has its own way to see who is gone.
const PREFACE: &[u8] = b"PRI * HTTP/2";

/// Requests of one connection: how many began, how many were answered.
#[derive(Debug, Default)]
pub(super) struct Calls {
    begun: AtomicU64,
    answered: AtomicU64,
}

impl Calls {
    pub(super) fn begin(self: &Arc<Self>) -> Call {
        self.begun.fetch_add(1, Ordering::Relaxed);
        Call(Arc::clone(self))
    }
}

/// A request being answered, until this is dropped.
#[derive(Debug)]
pub(super) struct Call(Arc<Calls>);

impl Drop for Call {
    fn drop(&mut self) {
        self.0.answered.fetch_add(1, Ordering::Relaxed);
    }
}

/// How long a connection waits.
#[derive(Clone, Copy, Debug)]
pub(super) struct Patience {
    /// From the first byte of a request to its whole head.
    pub(super) header: Duration,
    /// For the first byte of the next request.
    pub(super) idle: Duration,
}

/// A connection whose reads end when the other side is silent for too long.
pub(super) struct Patient<S> {
    stream: S,
    calls: Arc<Calls>,
    patience: Patience,
    /// What came first, while it may still be the beginning of HTTP/2.
    first: Vec<u8>,
    is_h2: bool,
    /// Requests that were answered when the next began to be waited for.
    served: u64,
    /// Bytes of the next request came.
    has_begun: bool,
    /// When something was last sent.
    written: Instant,
    deadline: Pin<Box<Sleep>>,
}

impl<S> Patient<S> {
    pub(super) fn new(stream: S, calls: Arc<Calls>, patience: Patience) -> Self {
        let now = Instant::now();
        // Who opens a connection has something to ask.
        let deadline = Box::pin(sleep_until(now + patience.header));
        Self {
            stream,
            calls,
            patience,
            first: Vec::new(),
            is_h2: false,
            served: 0,
            has_begun: false,
            written: now,
            deadline,
        }
    }

    /// Whether a request is being answered. Where one was answered since the last
    /// look, the next is waited for from now on.
    fn is_answering(&mut self) -> bool {
        let answered = self.calls.answered.load(Ordering::Relaxed);
        if self.calls.begun.load(Ordering::Relaxed) > answered {
            return true;
        }
        if answered != self.served {
            self.served = answered;
            self.has_begun = false;
            self.wait(self.patience.idle);
        }
        false
    }

    fn wait(&mut self, wait: Duration) {
        self.deadline.as_mut().reset(Instant::now() + wait);
    }

    /// Notes that these came: the body of a request under way, or a new head.
    fn note(&mut self, bytes: &[u8]) {
        if self.served == 0 && self.first.len() < PREFACE.len() {
            self.first.extend(bytes.iter().take(PREFACE.len() - self.first.len()));
            self.is_h2 = self.first == PREFACE;
        }
        if !self.is_answering() && !self.has_begun {
            self.has_begun = true;
            self.wait(self.patience.header);
        }
    }

    /// Whether the other side was silent for too long.
    fn poll_silence(&mut self, context: &mut Context<'_>) -> Poll<()> {
        if self.is_h2 || self.is_answering() {
            return Poll::Pending;
        }
        loop {
            ready!(self.deadline.as_mut().poll(context));
            // The rest of an answer is still being sent.
            let since_written = self.written + self.patience.idle;
            if self.has_begun || since_written <= Instant::now() {
                return Poll::Ready(());
            }
            self.deadline.as_mut().reset(since_written);
        }
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Patient<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        match Pin::new(&mut self.stream).poll_read(context, buffer) {
            Poll::Ready(Ok(())) => {
                let new = buffer.filled().get(before..).unwrap_or_default();
                if !new.is_empty() {
                    self.note(new);
                }
                Poll::Ready(Ok(()))
            }
            Poll::Ready(Err(error)) => Poll::Ready(Err(error)),
            Poll::Pending => {
                ready!(self.poll_silence(context));
                Poll::Ready(Err(io::ErrorKind::TimedOut.into()))
            }
        }
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Patient<S> {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let written = ready!(Pin::new(&mut self.stream).poll_write(context, bytes));
        self.written = Instant::now();
        Poll::Ready(written)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let written = ready!(Pin::new(&mut self.stream).poll_write_vectored(context, bytes));
        self.written = Instant::now();
        Poll::Ready(written)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }
}

#[cfg(test)]
mod tests {
    use std::future::poll_fn;

    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, DuplexStream, duplex};

    use super::*;

    const PATIENCE: Patience = Patience { header: Duration::from_secs(10), idle: Duration::from_secs(75) };

    fn connection(patience: Patience) -> (DuplexStream, Patient<DuplexStream>, Arc<Calls>) {
        let (there, here) = duplex(1_024);
        let calls = Arc::new(Calls::default());
        (there, Patient::new(here, Arc::clone(&calls), patience), calls)
    }

    impl Patient<DuplexStream> {
        async fn takes(&mut self, there: &mut DuplexStream, bytes: &[u8]) {
            there.write_all(bytes).await.unwrap();
            let mut buffer = [0; 64];
            assert_eq!(self.read(&mut buffer).await.unwrap(), bytes.len());
        }

        /// Finds nothing to read. Whether the connection is given up for it.
        async fn finds_nothing(&mut self) -> bool {
            let mut space = [0; 64];
            let mut buffer = ReadBuf::new(&mut space);
            poll_fn(|context| match Pin::new(&mut *self).poll_read(context, &mut buffer) {
                Poll::Ready(Err(error)) if error.kind() == io::ErrorKind::TimedOut => Poll::Ready(true),
                Poll::Ready(other) => panic!("{other:?}"),
                Poll::Pending => Poll::Ready(false),
            })
            .await
        }

        /// How long from now it waits, in whole seconds.
        fn waits(&self) -> u64 {
            self.deadline
                .deadline()
                .saturating_duration_since(Instant::now())
                .as_millis()
                .div_ceil(1_000)
                .try_into()
                .unwrap()
        }
    }

    #[tokio::test]
    async fn a_head_that_never_ends_gets_no_more_time_however_it_drips() {
        let (mut there, mut here, _calls) = connection(PATIENCE);
        here.takes(&mut there, b"GET").await;
        let until = here.deadline.deadline();
        assert_eq!(here.waits(), 10);
        here.takes(&mut there, b" /").await;
        assert!(!here.finds_nothing().await);
        assert_eq!(here.deadline.deadline(), until);
    }

    #[tokio::test]
    async fn who_is_silent_for_too_long_is_given_up() {
        let hasty = Patience { header: Duration::ZERO, idle: Duration::ZERO };
        let (mut there, mut here, calls) = connection(hasty);
        let mut buffer = [0; 64];
        assert_eq!(here.read(&mut buffer).await.unwrap_err().kind(), io::ErrorKind::TimedOut);
        let (mut first, mut again, _) = connection(hasty);
        again.takes(&mut first, b"GET /").await;
        assert_eq!(again.read(&mut buffer).await.unwrap_err().kind(), io::ErrorKind::TimedOut);
        here.takes(&mut there, b"GET / HTTP/1.1").await;
        drop(calls.begin());
        assert_eq!(here.read(&mut buffer).await.unwrap_err().kind(), io::ErrorKind::TimedOut);
    }

    #[tokio::test]
    async fn after_an_answer_the_next_request_may_take_its_time_to_begin() {
        let (mut there, mut here, calls) = connection(PATIENCE);
        here.takes(&mut there, b"GET / HTTP/1.1").await;
        drop(calls.begin());
        assert!(!here.finds_nothing().await);
        assert_eq!(here.waits(), 75);
        here.takes(&mut there, b"G").await;
        assert_eq!(here.waits(), 10, "and then it must come");
    }

    #[tokio::test]
    async fn a_long_answer_to_a_request_with_a_body_is_waited_for() {
        let (mut there, mut here, calls) = connection(Patience { header: Duration::ZERO, ..PATIENCE });
        here.takes(&mut there, b"POST / HTTP/1.1").await;
        let call = calls.begin();
        here.takes(&mut there, b"the body").await;
        assert!(!here.finds_nothing().await, "nothing is asked of the caller while he waits");
        drop(call);
        assert!(!here.finds_nothing().await);
        assert_eq!(here.waits(), 75);
    }

    #[tokio::test]
    async fn an_answer_that_is_still_being_sent_keeps_the_connection() {
        let (mut there, mut here, calls) = connection(Patience { idle: Duration::ZERO, ..PATIENCE });
        here.takes(&mut there, b"GET").await;
        // The head of the answer is out; its body comes piece by piece.
        drop(calls.begin());
        here.written = Instant::now() + Duration::from_secs(30);
        while here.waits() != 30 {
            assert!(!here.finds_nothing().await);
            tokio::task::yield_now().await;
        }
        here.written = Instant::now();
        here.deadline.as_mut().reset(Instant::now());
        let mut buffer = [0; 64];
        assert_eq!(here.read(&mut buffer).await.unwrap_err().kind(), io::ErrorKind::TimedOut);
    }

    #[tokio::test]
    async fn http_2_looks_after_itself() {
        let (mut there, mut here, _calls) = connection(Patience { header: Duration::ZERO, idle: Duration::ZERO });
        for piece in [&b"PRI *"[..], b" HTTP/2.0\r\n"] {
            here.takes(&mut there, piece).await;
        }
        assert!(!here.finds_nothing().await);
    }
}
