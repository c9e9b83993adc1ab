//! Our own accept loop: how long a head may take, how long an idle connection is
//! kept, how many an address may have, keep-alives on HTTP/2, none of which
//! `axum::serve` sets; and no delay of small packets.

mod doors;
mod patience;

use std::convert::Infallible;
use std::future::Future;
use std::net::SocketAddr;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use axum::http::Request;
use axum::response::Response;
use hyper::body::Incoming;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto::Builder;
use hyper_util::server::graceful::GracefulShutdown;
use hyper_util::service::TowerToHyperService;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio::time::timeout;
use tower::Service;

use self::doors::Doors;
use self::patience::{Call, Calls, Patience, Patient};
use super::Front;
use crate::App;
use crate::config::ServerSettings;

/// How often it is told that connections are refused.
const TELL_EVERY: Duration = Duration::from_mins(1);
/// For the error frames of the streams that are ended.
const LAST_WORDS: Duration = Duration::from_secs(5);

/// Serves until `app.shutdown`, then lets open requests end for the drain time. Those
/// that do not are told to by `app.cut`.
pub async fn serve(listener: TcpListener, front: Front, app: &App) {
    let settings = &app.config.server;
    let graceful = GracefulShutdown::new();
    let permits = Arc::new(Semaphore::new(usize::try_from(settings.connections).unwrap_or(usize::MAX)));
    let doors = Doors::new(settings.connections_per_address, app.rate_limits.trusted_proxies());
    let patience = Patience { header: ms(settings.header_ms), idle: ms(settings.keep_alive_ms) };
    let builder = builder(settings);
    let mut told = None;
    loop {
        let permit = tokio::select! {
            permit = Arc::clone(&permits).acquire_owned() => permit,
            () = app.shutdown.cancelled() => break,
        };
        let Ok(permit) = permit else { break };
        let Some((stream, peer)) = accept(&listener, app).await else { break };
        let Ok(entered) = doors.enter(peer.ip()) else {
            if told.is_none_or(|told: Instant| told.elapsed() > TELL_EVERY) {
                told = Some(Instant::now());
                tracing::warn!(
                    address = %peer.ip(),
                    "An address has as many connections open as one may (server.connections_per_address). \
                     If it is a proxy, name it in limits.trusted_proxies"
                );
            }
            continue;
        };
        let calls = Arc::new(Calls::default());
        let service = TowerToHyperService::new(Counting { front: front.of(peer.ip()), calls: Arc::clone(&calls) });
        let stream = TokioIo::new(Patient::new(stream, calls, patience));
        let connection = builder.serve_connection_with_upgrades(stream, service).into_owned();
        let connection = graceful.watch(connection);
        tokio::spawn(async move {
            let _places = (permit, entered);
            if let Err(error) = connection.await {
                tracing::debug!(%error, "A connection broke");
            }
        });
    }
    drop(listener);
    let mut ended = std::pin::pin!(graceful.shutdown());
    tokio::select! {
        () = &mut ended => return,
        () = tokio::time::sleep(ms(app.config.timeouts.drain_ms)) => {
            tracing::warn!("Some requests were still under way after the drain time and are ended");
        }
        () = app.cut.cancelled() => {}
    }
    app.cut.cancel();
    if timeout(LAST_WORDS, ended).await.is_err() {
        tracing::warn!("Some connections were still open and are cut");
    }
}

/// The next connection, with what it comes from; `None` when no more are taken.
async fn accept(listener: &TcpListener, app: &App) -> Option<(TcpStream, SocketAddr)> {
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            () = app.shutdown.cancelled() => return None,
        };
        match accepted {
            Ok((stream, peer)) => {
                if let Err(error) = stream.set_nodelay(true) {
                    tracing::debug!(%error, "Could not switch off the delay of small packets");
                }
                return Some((stream, peer));
            }
            Err(error) => {
                // Out of file handles, or a connection that broke while it waited.
                tracing::warn!(%error, "Could not accept a connection");
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        }
    }
}

fn builder(settings: &ServerSettings) -> Builder<TokioExecutor> {
    let mut builder = Builder::new(TokioExecutor::new());
    builder
        .http1()
        .timer(TokioTimer::new())
        // [`Patient`] keeps both times; hyper would take this one for idle connections, too.
        .header_read_timeout(None)
        .max_headers(settings.headers)
        .keep_alive(true);
    builder
        .http2()
        .timer(TokioTimer::new())
        .keep_alive_interval(ms(settings.h2_ping_ms))
        .keep_alive_timeout(ms(settings.h2_ping_timeout_ms))
        .max_concurrent_streams(settings.h2_streams)
        .max_pending_accept_reset_streams(settings.h2_resets)
        .max_local_error_reset_streams(settings.h2_mistakes)
        .max_header_list_size(settings.h2_header_bytes)
        .initial_stream_window_size(settings.h2_stream_window_bytes)
        .initial_connection_window_size(settings.h2_window_bytes);
    builder
}

const fn ms(time: u64) -> Duration {
    Duration::from_millis(time)
}

/// Counts the requests of a connection.
#[derive(Clone)]
struct Counting {
    front: Front,
    calls: Arc<Calls>,
}

impl Service<Request<Incoming>> for Counting {
    type Response = Response;
    type Error = Infallible;
    type Future = Counted<<Front as Service<Request<Incoming>>>::Future>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        <Front as Service<Request<Incoming>>>::poll_ready(&mut self.front, context)
    }

    fn call(&mut self, request: Request<Incoming>) -> Self::Future {
        Counted { _call: self.calls.begin(), answer: self.front.call(request) }
    }
}

pin_project_lite::pin_project! {
    /// A request until the head of its answer.
    struct Counted<F> {
        _call: Call,
        #[pin]
        answer: F,
    }
}

impl<F: Future> Future for Counted<F> {
    type Output = F::Output;

    fn poll(self: std::pin::Pin<&mut Self>, context: &mut Context<'_>) -> Poll<F::Output> {
        self.project().answer.poll(context)
    }
}
