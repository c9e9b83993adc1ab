//! Recorded exchanges with real providers, played back to the whole gateway: what
//! a caller gets must say what the recording says. Skipped, loudly, where the
//! recordings are not beside the checkout.

mod own;
mod said;

use std::path::Path;
use std::sync::Arc;

use app::types::Money;
use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, Uri};
use axum::response::Response;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use parking_lot::Mutex;
use patchbay::catalog::import;
use patchbay::config::ProviderSettings;
use patchbay::dialects::FaultKind;
use reqwest::Method;
use serde_json::{Value, json};
use tokio::net::TcpListener;

use said::{differences, expected, of_chunks, of_completion, string};

use crate::support::{Database, KeyHolder, Stream, TestApp, question, read};

/// Fewer than these were once there: some would be missing.
const AT_LEAST: usize = 136;

/// A provider a recording came from: its name in the recordings, the protocol,
/// its slug in models.dev's list, its slug here, and the client package that
/// tells the protocol of a provider this server does not know by itself.
const PROVIDERS: [(&str, &str, &str, &str, &str); 18] = [
    ("openai", "openai-chat", "openai", "openai", ""),
    ("anthropic", "anthropic-messages", "anthropic", "anthropic", ""),
    ("gemini", "gemini", "google", "google-ai-studio", ""),
    ("mistral", "mistral-chat", "mistral", "mistral", ""),
    ("groq", "openai-chat", "groq", "groq", ""),
    ("deepseek", "openai-chat", "deepseek", "deepseek", ""),
    ("together", "openai-chat", "togetherai", "together", ""),
    ("xai", "openai-chat", "xai", "xai", ""),
    ("openrouter", "openai-chat", "openrouter", "openrouter", ""),
    ("azure", "openai-chat", "my-azure", "my-azure", "@ai-sdk/openai-compatible"),
    ("ollama", "openai-chat", "my-ollama", "my-ollama", "@ai-sdk/openai-compatible"),
    ("llamacpp", "openai-chat", "my-llamacpp", "my-llamacpp", "@ai-sdk/openai-compatible"),
    ("vertex", "gemini", "google-vertex", "google-vertex", ""),
    ("vertex", "anthropic-messages", "google-vertex-anthropic", "google-vertex-anthropic", ""),
    ("bedrock", "bedrock-converse", "amazon-bedrock", "amazon-bedrock", ""),
    ("bedrock", "bedrock-invoke-anthropic", "amazon-bedrock-anthropic", "amazon-bedrock-anthropic", ""),
    ("cohere", "cohere-v2", "cohere", "cohere", ""),
    ("ollama", "ollama-native", "ollama-cloud", "ollama-cloud", ""),
];

/// Answers that are no success, and what they mean.
const FAULTS: [(&str, FaultKind); 18] = [
    ("anthropic-messages-json-error-741cb", FaultKind::OurCredential),
    ("anthropic-messages-json-error-a4e79", FaultKind::ContextLength),
    ("azure-openai-chat-json-error-33178", FaultKind::RateLimited),
    ("bedrock-converse-json-error-1461b", FaultKind::UnknownModel),
    ("bedrock-converse-json-error-bec02", FaultKind::ContextLength),
    ("cohere-v2-stream-midstream-error-9aeba", FaultKind::Unavailable),
    ("gemini-json-error-cf0f0", FaultKind::RateLimited),
    ("gemini-json-error-f1e32", FaultKind::OurCredential),
    ("gemini-stream-midstream-error-87640", FaultKind::Unavailable),
    ("groq-openai-chat-json-error-d008f", FaultKind::Unavailable),
    ("groq-openai-chat-stream-midstream-error-009fa", FaultKind::Unavailable),
    ("mistral-chat-json-error-4c7fe", FaultKind::OurCredential),
    ("ollama-openai-chat-json-error-a4931", FaultKind::ContextLength),
    ("openai-chat-json-error-1f8d6", FaultKind::UnknownModel),
    ("openai-chat-json-error-21f83", FaultKind::InvalidRequest),
    ("openai-chat-json-error-9916f", FaultKind::InvalidRequest),
    ("openrouter-openai-chat-json-error-bd399", FaultKind::RateLimited),
    ("openrouter-openai-chat-stream-midstream-error-0f3a9", FaultKind::InvalidRequest),
];

/// Where an answer differs from the recording's digest on purpose: recording, field, reason.
const EXCEPTIONS: [(&str, &str, &str); 1] =
    [("gemini-json-empty-output-02246", "finish", "a blocked prompt is a content filter even without a reason")];

/// A provider that answers every request with the recording that is on.
#[derive(Clone, Default)]
struct Player {
    on: Arc<Mutex<Value>>,
    /// Path with query, key and body of the last request.
    heard: Arc<Mutex<(String, String, Value)>>,
}

impl Player {
    async fn start() -> (Self, String) {
        let player = Self::default();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let router = Router::new().fallback(play).with_state(player.clone());
        tokio::spawn(async move { axum::serve(listener, router).await });
        (player, url)
    }
}

async fn play(State(player): State<Player>, uri: Uri, headers: HeaderMap, body: Bytes) -> Response {
    let key = ["authorization", "x-api-key", "x-goog-api-key"].into_iter().find_map(|name| headers.get(name));
    let key = key.map(|key| key.to_str().unwrap().trim_start_matches("Bearer ").to_owned()).unwrap_or_default();
    *player.heard.lock() = (uri.to_string(), key, serde_json::from_slice(&body).unwrap());
    let recording = player.on.lock().clone();
    let (response, is_streamed) = (&recording["response"], recording["streaming"] == true);
    let usual = match recording["protocol"].as_str() {
        Some("ollama-native") if is_streamed => "application/x-ndjson",
        _ if is_streamed => "text/event-stream",
        _ => "application/json",
    };
    let mut builder = Response::builder()
        .status(StatusCode::from_u16(status(&recording)).unwrap())
        .header("content-type", response["headers"]["content-type"].as_str().unwrap_or(usual));
    if let Some(wait) = response["headers"]["retry-after"].as_str() {
        builder = builder.header("retry-after", wait);
    }
    let text = match (response["body_text"].as_str(), response["body_base64"].as_str()) {
        (Some(text), _) => text.as_bytes().to_vec(),
        (_, Some(data)) => STANDARD.decode(data).unwrap(),
        _ => response["body"].to_string().into_bytes(),
    };
    if !is_streamed {
        return builder.body(Body::from(text)).unwrap();
    }
    // Pieces end where they like: inside lines, inside characters.
    let pieces: Vec<Bytes> = text.chunks(text.len() / 7 + 1).map(Bytes::copy_from_slice).collect();
    let stream = futures::stream::unfold(pieces.into_iter(), |mut pieces| async {
        // A pause in the body makes the server send what it has.
        tokio::task::yield_now().await;
        pieces.next().map(|piece| (Ok::<_, std::io::Error>(piece), pieces))
    });
    builder.body(Body::from_stream(stream)).unwrap()
}

fn recordings() -> Vec<Value> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/recordings");
    let Ok(providers) = std::fs::read_dir(&folder) else {
        eprintln!("SKIPPED: no recordings in {}", folder.display());
        return Vec::new();
    };
    let mut paths: Vec<_> = providers
        .filter_map(|entry| std::fs::read_dir(entry.unwrap().path()).ok())
        .flatten()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "json"))
        .collect();
    paths.sort();
    let read = |path| serde_json::from_slice::<Value>(&std::fs::read(path).unwrap()).unwrap();
    let is_spoken = |recording: &Value| {
        let protocol = recording["protocol"].as_str().unwrap();
        PROVIDERS.iter().any(|(_, spoken, ..)| *spoken == protocol)
    };
    paths.into_iter().map(read).filter(is_spoken).collect()
}

fn id(recording: &Value) -> &str {
    recording["id"].as_str().unwrap()
}

fn status(recording: &Value) -> u16 {
    u16::try_from(recording["response"]["status"].as_u64().unwrap()).unwrap()
}

/// Our slug of the provider a recording came from.
fn slug(recording: &Value) -> &'static str {
    let (name, protocol) = (&recording["provider"], &recording["protocol"]);
    let known = PROVIDERS.iter().find(|(n, p, ..)| name == n && protocol == p);
    known.unwrap_or_else(|| panic!("{}: no provider is set up for it", id(recording))).3
}

/// A server that knows all these providers at one address, each offering one model.
async fn start(url: &str) -> TestApp {
    let app = TestApp::start_with(Database::sqlite(), &[], |config| {
        for (.., slug, _) in PROVIDERS {
            let settings = ProviderSettings {
                api_key: Some(format!("key-of-{slug}")),
                base_url: Some(format!("{url}/{slug}")),
                ..ProviderSettings::default()
            };
            config.providers.insert(slug.to_owned(), settings);
        }
    })
    .await;
    let model = json!({ "id": "acme/one", "name": "One", "attachment": true, "reasoning": true, "tool_call": true,
        "structured_output": true, "temperature": true, "limit": { "context": 1_000_000, "output": 200_000 },
        "cost": { "input": 1, "output": 2 },
        "modalities": { "input": ["text", "image", "audio", "video", "pdf"], "output": ["text"] } });
    let list: serde_json::Map<String, Value> = PROVIDERS
        .iter()
        .map(|(_, _, listed, _, npm)| {
            let provider = json!({ "id": listed, "name": listed, "npm": npm, "api": "http://127.0.0.1:9/elsewhere",
                                   "env": ["TEST_REPLAY_UNSET_KEY"], "models": { "acme/one": model } });
            ((*listed).to_owned(), provider)
        })
        .collect();
    let list = import::read(Value::Object(list).to_string().as_bytes()).unwrap();
    let store = &app.app.store;
    let (changes, report) = import::plan(&store.load_catalog().await.unwrap(), list, 0);
    assert_eq!(report.skipped, []);
    store.apply_catalog(&changes).await.unwrap();
    app.app.reload_catalog().await.unwrap();
    app
}

/// What was asked when the recording was made, where we speak that protocol to
/// callers, and a plain question where not.
fn request(recording: &Value) -> Value {
    let own = &recording["request"]["body"];
    let is_chat = matches!(recording["protocol"].as_str(), Some("openai-chat" | "mistral-chat"));
    let mut body = if is_chat && own.is_object() { own.clone() } else { question(json!({})) };
    body["model"] = json!("acme/one");
    body["stream"] = recording["streaming"].clone();
    body["provider"] = json!({ "only": [slug(recording)] });
    body
}

/// What is wrong with an error a caller got.
fn wrong_error(error: &Value, status: u16, kind: FaultKind) -> Option<String> {
    let message = error["message"].as_str().unwrap_or_default();
    let is_readable = message.len() > 5 && !message.starts_with(['{', '[', '<']);
    let is_right = error["code"] == json!(kind.status()) && (status == 200 || status == kind.status()) && is_readable;
    (!is_right).then(|| format!("status {status}, {error}, not {kind:?}"))
}

/// Plays one recording; what is wrong with what the caller got.
async fn differences_of(recording: &Value, key: &KeyHolder<'_>) -> Vec<String> {
    let fault = FAULTS.iter().find(|(name, _)| *name == id(recording)).map(|(_, kind)| *kind);
    let response = key.send(Method::POST, "/api/v1/chat/completions", &request(recording)).await;
    let status = response.status().as_u16();
    let is_stream = response.headers()["content-type"].to_str().unwrap().starts_with("text/event-stream");
    let (said, error) = if is_stream {
        let stream = Stream { status, generation_id: None, text: response.text().await.unwrap() };
        if stream.is_done() == stream.error().is_some() {
            return vec![format!("a stream is either done or broken: {}", stream.text)];
        }
        (of_chunks(&stream.chunks()), stream.error())
    } else {
        let (_, body) = read(response).await;
        (of_completion(&body), body.get("error").cloned())
    };
    match (fault, error) {
        (None, None) => {}
        (None, Some(error)) => return vec![format!("unexpected error: {error}")],
        (Some(kind), None) => return vec![format!("{kind:?} was expected, not an answer: {said:?}")],
        (Some(kind), Some(error)) => {
            let mut wrong: Vec<_> = wrong_error(&error, status, kind).into_iter().collect();
            // What came before the failure was delivered.
            let text = string(&recording["digest"]["text"]);
            if said.text != text {
                wrong.push(format!("text: {:?} / {text:?}", said.text));
            }
            return wrong;
        }
    }
    let found = differences(&said, &expected(recording));
    let excused: Vec<&str> =
        EXCEPTIONS.iter().filter(|(name, ..)| *name == id(recording)).map(|(_, f, _)| *f).collect();
    let unneeded = excused.iter().filter(|field| !found.iter().any(|(name, _)| name == *field));
    let mut wrong: Vec<_> = unneeded.map(|field| format!("the exception for {field} is not needed")).collect();
    wrong
        .extend(found.iter().filter(|(name, _)| !excused.contains(name)).map(|(name, both)| format!("{name}: {both}")));
    wrong
}

/// What is wrong with what the provider was sent.
fn wrong_request(recording: &Value, heard: &(String, String, Value)) -> Option<String> {
    let (path, key, body) = heard;
    let is_streamed = recording["streaming"] == true;
    let (end, is_asked) = match recording["protocol"].as_str().unwrap() {
        "gemini" if is_streamed => (":streamGenerateContent?alt=sse", true),
        "gemini" => (":generateContent", true),
        "anthropic-messages" if recording["provider"] == "vertex" => {
            (":streamRawPredict", body["anthropic_version"] == "vertex-2023-10-16")
        }
        "bedrock-converse" if is_streamed => ("/converse-stream", body["messages"].is_array()),
        "bedrock-converse" => ("/converse", body["messages"].is_array()),
        "bedrock-invoke-anthropic" => {
            ("/invoke-with-response-stream", body["anthropic_version"] == "bedrock-2023-05-31")
        }
        "cohere-v2" | "ollama-native" => ("/chat", body["stream"].as_bool() == Some(is_streamed)),
        "anthropic-messages" => ("/messages", body["stream"].as_bool().unwrap_or(false) == is_streamed),
        _ => ("/chat/completions", body["stream"].as_bool().unwrap_or(false) == is_streamed),
    };
    let slug = slug(recording);
    let is_right = path.starts_with(&format!("/{slug}/")) && path.ends_with(end) && *key == format!("key-of-{slug}");
    (!is_right || !is_asked).then(|| format!("the provider was sent {path} with {key}: {body}"))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_caller_gets_what_real_providers_once_said() {
    let recordings = recordings();
    if recordings.is_empty() {
        return;
    }
    let (player, url) = Player::start().await;
    let app = start(&url).await;
    let member = app.member(Money::from_dollars(1_000)).await;
    let key = member.key().await;
    let mut wrong = Vec::new();
    for recording in &recordings {
        *player.on.lock() = recording.clone();
        *player.heard.lock() = Default::default();
        let mut found = differences_of(recording, &key).await;
        found.extend(wrong_request(recording, &player.heard.lock()));
        wrong.extend(found.into_iter().map(|what| format!("{}: {what}", id(recording))));
    }
    for (name, field, reason) in EXCEPTIONS {
        eprintln!("exception: {name}, {field}: {reason}");
    }
    eprintln!("{} recordings, {} of them failures", recordings.len(), FAULTS.len());
    assert!(wrong.is_empty(), "{} differences:\n{}", wrong.len(), wrong.join("\n"));
    assert!(recordings.len() >= AT_LEAST, "only {} of {AT_LEAST} recordings are there", recordings.len());
    app.finish().await;
}
