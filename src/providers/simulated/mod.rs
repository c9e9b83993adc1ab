//! Providers that need no network: real HTTP servers on loopback that speak the
//! real protocols and make their answers up. Every text says that it is simulated.
//!
//! One server speaks all: OpenAI chat at `/v1/chat/completions`, Anthropic
//! Messages at `/v1/messages`, Gemini at `/v1beta/models/…`, what is in `retrieval`, and Exa's
//! search at `/search`. How to make it fail is in `fault`.

mod answer;
mod chat;
mod fault;
mod gemini;
mod messages;
mod reply;
mod retrieval;
mod schema;
mod search;

use std::collections::VecDeque;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, Uri};
use axum::routing::{get, post};
use axum::serve::ListenerExt as _;
use axum::{Json, Router};
use parking_lot::Mutex;
use serde::Serialize;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use self::fault::Fault;

/// How a simulated provider behaves.
#[derive(Clone, Debug)]
pub struct SimulatorOptions {
    /// Between two pieces of a streamed answer.
    pub pace: Duration,
    /// Before the first byte of any answer.
    pub first_token: Duration,
    /// Before the first byte with fault `slow-first-token`.
    pub slow_first_token: Duration,
}

impl Default for SimulatorOptions {
    /// About as quick as a real provider.
    fn default() -> Self {
        Self {
            pace: Duration::from_millis(12),
            first_token: Duration::from_millis(120),
            slow_first_token: Duration::from_secs(5),
        }
    }
}

impl SimulatorOptions {
    /// Without any waiting, for tests.
    #[must_use]
    pub const fn instant() -> Self {
        Self { pace: Duration::ZERO, first_token: Duration::ZERO, slow_first_token: Duration::from_millis(500) }
    }
}

/// A request that came in.
#[derive(Clone, Debug, Serialize)]
pub struct Seen {
    /// Path and query.
    pub path: String,
    pub model: String,
    pub is_streamed: bool,
    /// A credential of any kind was sent; which is not kept.
    pub has_credential: bool,
    /// The fault played, if any.
    pub fault: Option<String>,
    pub body: Value,
}

/// Requests remembered.
const REMEMBERED: usize = 200;

#[derive(Debug, Default)]
struct Log {
    count: u64,
    recent: VecDeque<Seen>,
    /// Requests of `flaky-N` so far, by path, model and fault.
    flaky: std::collections::HashMap<String, u64>,
}

/// A running server; it stops when this is dropped.
#[derive(Debug)]
pub struct Handle {
    pub addr: SocketAddr,
    log: Arc<Mutex<Log>>,
    shutdown: CancellationToken,
}

impl Handle {
    /// `http://127.0.0.1:port`.
    #[must_use]
    pub fn origin(&self) -> String {
        format!("http://{}", self.addr)
    }

    /// The last requests, oldest first.
    #[must_use]
    pub fn requests(&self) -> Vec<Seen> {
        self.log.lock().recent.iter().cloned().collect()
    }

    /// Requests since the start.
    #[must_use]
    pub fn request_count(&self) -> u64 {
        self.log.lock().count
    }

    /// Stops it; open answers are cut.
    pub fn shutdown(&self) {
        self.shutdown.cancel();
    }
}

impl Drop for Handle {
    fn drop(&mut self) {
        self.shutdown.cancel();
    }
}

/// What the handlers share.
#[derive(Clone)]
struct Simulator {
    options: Arc<SimulatorOptions>,
    log: Arc<Mutex<Log>>,
    shutdown: CancellationToken,
}

/// Serves on `listener` until the handle is dropped.
///
/// # Errors
/// When the listener has no address.
pub fn spawn(listener: TcpListener, options: SimulatorOptions) -> io::Result<Handle> {
    let addr = listener.local_addr()?;
    let log = Arc::new(Mutex::new(Log::default()));
    let shutdown = CancellationToken::new();
    let simulator = Simulator { options: Arc::new(options), log: Arc::clone(&log), shutdown: shutdown.clone() };
    let router = router(simulator);
    let listener = listener.tap_io(|stream| {
        if let Err(error) = stream.set_nodelay(true) {
            tracing::debug!(%error, "Could not set TCP_NODELAY");
        }
    });
    let stopped = shutdown.clone();
    tokio::spawn(async move {
        tokio::select! {
            () = stopped.cancelled() => {}
            result = axum::serve(listener, router) => {
                if let Err(error) = result {
                    tracing::error!(%error, "A simulated provider stopped");
                }
            }
        }
    });
    Ok(Handle { addr, log, shutdown })
}

/// The server's routes.
fn router(simulator: Simulator) -> Router {
    Router::new()
        .route("/v1/chat/completions", post(chat::complete))
        .route("/v1/embeddings", post(retrieval::embed))
        .route("/v1/rerank", post(retrieval::rerank))
        .route("/v1/messages", post(messages::create))
        .route("/v1/models", get(list_models))
        .route("/v1beta/models", get(list_gemini_models))
        .route("/v1beta/models/{*call}", post(gemini::generate))
        .route("/search", post(search::search))
        .route("/simulator/requests", get(show_log).delete(clear_log))
        .with_state(simulator)
}

/// `GET /simulator/requests`: what came in, for tests in other languages.
async fn show_log(State(simulator): State<Simulator>) -> Json<Value> {
    let log = simulator.log.lock();
    Json(json!({ "count": log.count, "requests": log.recent }))
}

async fn clear_log(State(simulator): State<Simulator>) -> StatusCode {
    *simulator.log.lock() = Log::default();
    StatusCode::NO_CONTENT
}

const MODELS: [&str; 3] = ["simulated-large", "simulated-small", "simulated-reasoning"];

async fn list_models() -> Json<Value> {
    let models = MODELS.map(|id| json!({ "id": id, "object": "model", "created": 0, "owned_by": "simulated" }));
    Json(json!({ "object": "list", "data": models }))
}

async fn list_gemini_models() -> Json<Value> {
    let models = MODELS.map(|id| json!({ "name": format!("models/{id}"), "displayName": id }));
    Json(json!({ "models": models }))
}

impl Log {
    fn push(&mut self, seen: Seen) {
        self.count += 1;
        if self.recent.len() == REMEMBERED {
            self.recent.pop_front();
        }
        self.recent.push_back(seen);
    }
}

impl Simulator {
    /// Notes a request that cannot be made to fail.
    fn note(&self, seen: Seen) {
        self.log.lock().push(seen);
    }

    /// Notes the request and finds the fault it asks for.
    fn admit(&self, uri: &Uri, headers: &HeaderMap, ask: &answer::Ask, body: Value) -> Option<Fault> {
        let name = fault::asked_for(&ask.model, headers, &ask.last_user_text());
        let mut log = self.log.lock();
        let mut fault = name.as_deref().and_then(Fault::read);
        if let Some(Fault::Flaky(times)) = fault {
            let count = log
                .flaky
                .entry(format!("{} {} {}", uri.path(), ask.model, name.as_deref().unwrap_or_default()))
                .or_default();
            *count += 1;
            fault = (*count <= times).then_some(Fault::Status { code: 500, retry_after_s: None });
        }
        let credentials = ["authorization", "x-api-key", "x-goog-api-key"];
        log.push(Seen {
            path: uri.to_string(),
            model: ask.model.clone(),
            is_streamed: ask.is_streamed,
            has_credential: credentials.iter().any(|name| headers.contains_key(*name)),
            fault: name,
            body,
        });
        fault
    }
}

#[cfg(test)]
mod tests;
