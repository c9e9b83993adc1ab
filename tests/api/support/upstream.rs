//! A provider that speaks OpenAI chat over a socket and does what a script says.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use futures::StreamExt as _;
use parking_lot::Mutex;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::sync::Semaphore;

/// What the next request gets.
#[derive(Clone, Debug)]
pub enum Script {
    /// These words, and usage counts of prompt and completion.
    Answer { words: Vec<String>, prompt_tokens: u64, completion_tokens: u64 },
    /// An HTTP error.
    Fail { status: u16, body: Value },
    /// This body with this content type, status 200.
    Raw { content_type: &'static str, body: String },
    /// These frames, then the connection is reset.
    Cut { frames: Vec<String> },
    /// The head and these frames, then silence until the test ends.
    Hang { frames: Vec<String> },
    /// Not even the head.
    Silence,
}

impl Script {
    pub fn words(words: &[&str]) -> Self {
        let words: Vec<String> = words.iter().map(|word| (*word).to_owned()).collect();
        Self::Answer { prompt_tokens: 10, completion_tokens: words.len() as u64, words }
    }

    pub fn fail(status: u16, message: &str) -> Self {
        Self::Fail { status, body: json!({ "error": { "message": message, "type": "x", "code": null } }) }
    }
}

/// A frame with one word.
pub fn word_frame(word: &str) -> String {
    let chunk = json!({ "id": "up-1", "object": "chat.completion.chunk", "created": 1, "model": "m",
        "choices": [{ "index": 0, "delta": { "role": "assistant", "content": word }, "finish_reason": null }] });
    format!("data: {chunk}\n\n")
}

#[derive(Clone)]
struct Shared {
    scripts: Arc<Mutex<VecDeque<Script>>>,
    fallback: Arc<Mutex<Script>>,
    requests: Arc<Mutex<Vec<Value>>>,
    headers: Arc<Mutex<Vec<HeaderMap>>>,
    count: Arc<AtomicUsize>,
    /// Answers wait here while a test holds the gate.
    gate: Arc<Semaphore>,
    closed: Arc<Semaphore>,
}

/// The provider.
pub struct Upstream {
    pub slug: String,
    pub url: String,
    shared: Shared,
    /// USD per million tokens.
    prices: (String, String),
    models: Vec<String>,
    /// When a model came out, where it matters.
    dates: Vec<(String, &'static str)>,
    /// Can be held to a schema.
    knows_schemas: bool,
    /// Tokens.
    context: u64,
    /// USD per million tokens read from the prompt cache.
    cache_price: Option<String>,
    /// The protocol as models.dev's list names it: `responses`.
    shape: Option<&'static str>,
    /// The client package that tells the protocol.
    package: &'static str,
    /// USD per million tokens of sound.
    audio_price: Option<f64>,
    /// USD for one search on the web.
    search_price: Option<f64>,
    /// Kinds of input.
    reads: Vec<&'static str>,
    /// Service tiers, as models.dev's list writes them.
    modes: Option<Value>,
}

impl Upstream {
    /// A provider of model `one` of author `acme` at 1 and 2 USD per million tokens.
    pub async fn start(slug: &str) -> Self {
        Self::with_prices(slug, "1", "2").await
    }

    pub async fn with_prices(slug: &str, input: &str, output: &str) -> Self {
        let shared = Shared {
            scripts: Arc::default(),
            fallback: Arc::new(Mutex::new(Script::words(&["Hello", ", ", "world"]))),
            requests: Arc::default(),
            headers: Arc::default(),
            count: Arc::default(),
            gate: Arc::new(Semaphore::new(Semaphore::MAX_PERMITS)),
            closed: Arc::new(Semaphore::new(0)),
        };
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let url = format!("http://{}/v1", listener.local_addr().expect("an address"));
        let router = Router::new()
            .route("/v1/chat/completions", post(answer))
            .route("/v1/messages", post(answer))
            .route("/v1/responses", post(answer))
            .route("/v1/models", get(list_models))
            .route("/v1/embeddings", post(answer))
            .route("/v1/rerank", post(answer))
            .with_state(shared.clone());
        tokio::spawn(async move { axum::serve(listener, router).await });
        Self {
            slug: slug.to_owned(),
            url,
            shared,
            prices: (input.to_owned(), output.to_owned()),
            models: vec!["acme/one".to_owned()],
            dates: Vec::new(),
            knows_schemas: true,
            context: 100_000,
            cache_price: None,
            shape: None,
            package: "@ai-sdk/openai-compatible",
            audio_price: None,
            search_price: None,
            reads: vec!["text", "image", "audio", "video", "pdf"],
            modes: None,
        }
    }

    /// Offers these models instead of `acme/one`.
    pub fn offering(mut self, models: &[&str]) -> Self {
        self.models = models.iter().map(|model| (*model).to_owned()).collect();
        self
    }

    /// Offers one more model, that came out on this day.
    pub fn offering_since(mut self, model: &str, date: &'static str) -> Self {
        self.models.push(model.to_owned());
        self.dates.push((model.to_owned(), date));
        self
    }

    /// A context window of so many tokens.
    pub fn with_context(mut self, tokens: u64) -> Self {
        self.context = tokens;
        self
    }

    /// Reads its prompt cache for this much.
    pub fn with_cache_price(mut self, price: &str) -> Self {
        self.cache_price = Some(price.to_owned());
        self
    }

    /// Takes this much for sound.
    pub fn with_audio_price(mut self, price: f64) -> Self {
        self.audio_price = Some(price);
        self
    }

    /// Searches the web by itself, for this much.
    pub fn with_search_price(mut self, price: f64) -> Self {
        self.search_price = Some(price);
        self
    }

    /// Reads nothing but text.
    pub fn reading_text(mut self) -> Self {
        self.reads = vec!["text"];
        self
    }

    /// Has these service tiers: name, USD per million tokens of prompt and answer.
    pub fn with_tiers(mut self, tiers: &[(&str, f64, f64)]) -> Self {
        let mode = |(tier, input, output): &(&str, f64, f64)| {
            let mode = json!({ "cost": { "input": input, "output": output },
                "provider": { "body": { "service_tier": tier } } });
            ((*tier).to_owned(), mode)
        };
        self.modes = Some(Value::Object(tiers.iter().map(mode).collect()));
        self
    }

    /// Cannot be held to a schema.
    pub fn without_schemas(mut self) -> Self {
        self.knows_schemas = false;
        self
    }

    /// Speaks OpenAI Responses; its slug here gets the end `-responses`.
    pub fn speaking_responses(mut self) -> Self {
        self.shape = Some("responses");
        self
    }

    /// Speaks Anthropic Messages.
    pub fn speaking_messages(mut self) -> Self {
        self.package = "@ai-sdk/anthropic";
        self
    }

    /// What the next requests get, in order; then the usual answer.
    pub fn script(&self, scripts: impl IntoIterator<Item = Script>) {
        self.shared.scripts.lock().extend(scripts);
    }

    /// What every request gets that no script is left for.
    pub fn always(&self, script: Script) {
        *self.shared.fallback.lock() = script;
    }

    /// How many requests came.
    pub fn count(&self) -> usize {
        self.shared.count.load(Ordering::SeqCst)
    }

    pub fn last_request(&self) -> Value {
        self.shared.requests.lock().last().cloned().expect("a request")
    }

    pub fn last_headers(&self) -> HeaderMap {
        self.shared.headers.lock().last().cloned().expect("a request")
    }

    /// Waits until the gateway has closed an answer that hung.
    pub async fn closed(&self) {
        self.shared.closed.acquire().await.expect("open").forget();
    }

    /// Keeps answers back until [`Upstream::release`].
    pub fn hold_back(&self) {
        let permits = self.shared.gate.available_permits();
        self.shared.gate.forget_permits(permits);
    }

    pub fn release(&self) {
        self.shared.gate.add_permits(1_000_000);
    }

    pub fn as_models_dev(&self) -> Value {
        let (input, output) = &self.prices;
        let price = |text: &str| serde_json::from_str::<Value>(text).expect("a number");
        let models: serde_json::Map<String, Value> = self
            .models
            .iter()
            .map(|id| {
                let date = self.dates.iter().find(|(dated, _)| dated == id).map_or("2026-01-01", |(_, date)| date);
                let mut model = json!({ "id": id, "name": "One", "release_date": date, "attachment": false,
                    "reasoning": false, "tool_call": true, "structured_output": self.knows_schemas,
                    "temperature": true,
                    "open_weights": false, "limit": { "context": self.context, "output": 8_000 },
                    "cost": { "input": price(input), "output": price(output) },
                    "modalities": { "input": self.reads, "output": ["text"] } });
                if let Some(price) = self.audio_price {
                    model["cost"]["input_audio"] = json!(price);
                }
                if let Some(price) = self.search_price {
                    model["cost"]["web_search"] = json!(price);
                }
                if let Some(modes) = &self.modes {
                    model["experimental"] = json!({ "modes": modes });
                }
                if let Some(cached) = &self.cache_price {
                    model["cost"]["cache_read"] = price(cached);
                }
                if let Some(shape) = self.shape {
                    model["provider"] = json!({ "npm": "@ai-sdk/openai-compatible", "shape": shape });
                }
                (id.clone(), model)
            })
            .collect();
        json!({ "id": self.slug, "name": format!("Provider {}", self.slug), "api": self.url, "doc": "https://x.example",
                "env": ["TEST_UPSTREAM_UNSET_KEY"], "npm": self.package, "models": models })
    }
}

/// The list of models, for whoever has the provider's key.
async fn list_models(headers: HeaderMap) -> StatusCode {
    let is_known = headers.get("authorization").is_some_and(|value| value == "Bearer upstream-key");
    if is_known { StatusCode::OK } else { StatusCode::UNAUTHORIZED }
}

async fn answer(State(shared): State<Shared>, headers: HeaderMap, body: Bytes) -> Response {
    let request: Value = serde_json::from_slice(&body).expect("the gateway sends JSON");
    let is_streamed = request["stream"] == json!(true);
    shared.requests.lock().push(request);
    shared.headers.lock().push(headers);
    shared.count.fetch_add(1, Ordering::SeqCst);
    let script = shared.scripts.lock().pop_front().unwrap_or_else(|| shared.fallback.lock().clone());
    shared.gate.acquire().await.expect("open").forget();
    match script {
        Script::Answer { words, prompt_tokens, completion_tokens } => {
            let usage = json!({ "prompt_tokens": prompt_tokens, "completion_tokens": completion_tokens,
                                "total_tokens": prompt_tokens + completion_tokens });
            if is_streamed { streamed(&words, &usage) } else { whole(&words.concat(), &usage) }
        }
        Script::Fail { status, body } => {
            (StatusCode::from_u16(status).expect("a status"), axum::Json(body)).into_response()
        }
        Script::Raw { content_type, body } => ([("content-type", content_type)], body).into_response(),
        Script::Cut { frames } => {
            let frames = frames.into_iter().map(|frame| Ok(Bytes::from(frame)));
            let broken = futures::stream::once(async {
                // A pause in the body makes the server send what it has.
                tokio::task::yield_now().await;
                Err(std::io::Error::other("cut"))
            });
            event_stream(Body::from_stream(futures::stream::iter(frames).chain(broken)))
        }
        Script::Hang { frames } => {
            let guard = Closed(Arc::clone(&shared.closed));
            let frames =
                futures::stream::iter(frames.into_iter().map(|frame| Ok::<_, std::io::Error>(Bytes::from(frame))));
            let silence = futures::stream::once(async move {
                let _guard = guard;
                std::future::pending().await
            });
            event_stream(Body::from_stream(frames.chain(silence)))
        }
        Script::Silence => {
            let _guard = Closed(Arc::clone(&shared.closed));
            std::future::pending().await
        }
    }
}

struct Closed(Arc<Semaphore>);

impl Drop for Closed {
    fn drop(&mut self) {
        self.0.add_permits(1);
    }
}

fn whole(text: &str, usage: &Value) -> Response {
    axum::Json(json!({ "id": "up-1", "object": "chat.completion", "created": 1, "model": "m",
        "choices": [{ "index": 0, "message": { "role": "assistant", "content": text }, "finish_reason": "stop" }],
        "usage": usage }))
    .into_response()
}

fn streamed(words: &[String], usage: &Value) -> Response {
    let text: String = words.iter().map(|word| word_frame(word)).collect();
    let finish = json!({ "id": "up-1", "object": "chat.completion.chunk", "created": 1, "model": "m",
        "choices": [{ "index": 0, "delta": {}, "finish_reason": "stop" }] });
    let last = json!({ "id": "up-1", "object": "chat.completion.chunk", "created": 1, "model": "m", "choices": [],
        "usage": usage });
    event_stream(Body::from(format!("{text}data: {finish}\n\ndata: {last}\n\ndata: [DONE]\n\n")))
}

fn event_stream(body: Body) -> Response {
    ([("content-type", "text/event-stream")], body).into_response()
}
