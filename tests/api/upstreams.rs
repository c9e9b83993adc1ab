//! How providers are reached: signatures, tokens, addresses with parts to fill in,
//! media fetched for those who take no URL.

use std::sync::Arc;

use app::types::Money;
use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, Method, StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use parking_lot::Mutex;
use patchbay::config::ProviderSettings;
use serde_json::{Value, json};
use tokio::net::TcpListener;

use crate::support::{Database, TestApp, read};

/// A key made for this test alone; it opens nothing.
const PEM: &str = include_str!("support/throwaway.pem");

/// A request as a provider saw it.
#[derive(Clone, Debug)]
struct Seen {
    path: String,
    headers: HeaderMap,
    body: String,
}

impl Seen {
    fn header(&self, name: &str) -> &str {
        self.headers.get(name).map(|value| value.to_str().unwrap()).unwrap_or_default()
    }

    fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap()
    }
}

/// Several providers, a token endpoint and a web site at one address.
#[derive(Clone, Default)]
struct World {
    seen: Arc<Mutex<Vec<Seen>>>,
    /// How long the next tokens are good for, seconds.
    token_life_s: Arc<Mutex<i64>>,
}

impl World {
    async fn start() -> (Self, String) {
        let world = Self::default();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let router = Router::new().fallback(answer).with_state(world.clone());
        tokio::spawn(async move { axum::serve(listener, router).await });
        (world, url)
    }

    fn seen(&self, part: &str) -> Vec<Seen> {
        self.seen.lock().iter().filter(|seen| seen.path.contains(part)).cloned().collect()
    }
}

async fn answer(State(world): State<World>, method: Method, uri: Uri, headers: HeaderMap, body: Bytes) -> Response {
    let path = uri.to_string();
    world.seen.lock().push(Seen { path: path.clone(), headers, body: String::from_utf8_lossy(&body).into_owned() });
    let json = |value: Value| ([("content-type", "application/json")], value.to_string()).into_response();
    if method == Method::GET {
        return match path.as_str() {
            "/dot.png" => ([("content-type", "text/plain")], b"\x89PNG\r\n\x1a\nrest".to_vec()).into_response(),
            "/moved" => (StatusCode::FOUND, [("location", "/dot.png")]).into_response(),
            "/round" => (StatusCode::FOUND, [("location", "/round")]).into_response(),
            "/page" => ([("content-type", "image/png")], "<html>no picture</html>").into_response(),
            "/large" => vec![b'x'; 4_096].into_response(),
            _ => StatusCode::NOT_FOUND.into_response(),
        };
    }
    if path == "/token" {
        let number = world.seen("/token").len();
        let life = *world.token_life_s.lock();
        return json(json!({ "access_token": format!("token-{number}"), "expires_in": life, "token_type": "Bearer" }));
    }
    if path.contains("/converse") {
        return json(json!({ "output": { "message": { "role": "assistant", "content": [{ "text": "Hi." }] } },
            "stopReason": "end_turn", "usage": { "inputTokens": 3, "outputTokens": 2, "totalTokens": 5 } }));
    }
    if path.contains(":generateContent") {
        return json(json!({ "candidates": [{ "content": { "role": "model", "parts": [{ "text": "Hi." }] },
            "finishReason": "STOP" }], "usageMetadata": { "promptTokenCount": 3, "candidatesTokenCount": 2 } }));
    }
    json(json!({ "id": "x", "object": "chat.completion", "created": 1, "model": "m",
        "choices": [{ "index": 0, "message": { "role": "assistant", "content": "Hi." }, "finish_reason": "stop" }],
        "usage": { "prompt_tokens": 3, "completion_tokens": 2, "total_tokens": 5 } }))
}

fn provider(base_url: String, api_key: Option<String>, model: &str, variables: &[(&str, &str)]) -> ProviderSettings {
    let variables = variables.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    let models = vec![model.to_owned()];
    ProviderSettings { base_url: Some(base_url), api_key, models, variables, ..ProviderSettings::default() }
}

async fn app_with(slug: &str, settings: ProviderSettings, allows_private: bool) -> TestApp {
    TestApp::start_with(Database::sqlite(), &[], |config| {
        config.media.allow_private_networks = allows_private;
        config.media.max_bytes = 1_024;
        config.providers.insert(slug.to_owned(), settings);
    })
    .await
}

/// Asks a model and returns status and body.
async fn ask(app: &TestApp, model: &str, content: Value) -> (u16, Value) {
    let key = app.member(Money::from_dollars(5)).await.key().await;
    read(key.ask(json!({ "model": model, "messages": [{ "role": "user", "content": content }] })).await).await
}

#[tokio::test(flavor = "multi_thread")]
async fn bedrock_is_asked_with_amazons_signature() {
    let (world, url) = World::start().await;
    let variables = [
        ("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE"),
        ("AWS_SECRET_ACCESS_KEY", "not a real one"),
        ("AWS_SESSION_TOKEN", "for-an-hour"),
        ("AWS_REGION", "eu-central-1"),
    ];
    let settings = provider(url, None, "us.amazon.nova-micro-v1:0", &variables);
    let app = app_with("amazon-bedrock", settings, false).await;
    let (status, body) = ask(&app, "amazon-bedrock/us.amazon.nova-micro-v1:0", json!("hi")).await;
    assert_eq!((status, &body["choices"][0]["message"]["content"]), (200, &json!("Hi.")), "{body}");
    let seen = world.seen("/model/").remove(0);
    assert_eq!(seen.path, "/model/us.amazon.nova-micro-v1%3A0/converse");
    let proof = seen.header("authorization");
    assert!(proof.starts_with("AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/"), "{proof}");
    assert!(proof.contains("/eu-central-1/bedrock/aws4_request") && proof.contains("host;"), "{proof}");
    assert_eq!(seen.header("x-amz-security-token"), "for-an-hour");
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_service_account_is_given_a_token_that_is_kept_until_shortly_before_its_end() {
    let (world, url) = World::start().await;
    let account = json!({ "type": "service_account", "project_id": "my-project", "private_key_id": "k1",
        "private_key": PEM, "client_email": "me@my-project.example", "token_uri": format!("{url}/token") });
    let base =
        format!("{url}/v1/projects/${{GOOGLE_VERTEX_PROJECT}}/locations/${{TEST_PLACE:-global}}/publishers/google");
    let settings = provider(base, Some(account.to_string()), "gemini-2.5-flash", &[]);
    let app = app_with("google-vertex", settings, false).await;
    let model = "google-vertex/gemini-2.5-flash";
    *world.token_life_s.lock() = 60;
    assert_eq!(ask(&app, model, json!("hi")).await.0, 200);
    *world.token_life_s.lock() = 3_600;
    for _ in 0..3 {
        assert_eq!(ask(&app, model, json!("hi")).await.0, 200);
    }
    assert_eq!(world.seen("/token").len(), 2, "the first was about to expire, the second was kept");
    let asked = world.seen(":generateContent");
    let tokens: Vec<&str> = asked.iter().map(|seen| seen.header("authorization")).collect();
    assert_eq!(tokens, ["Bearer token-1", "Bearer token-2", "Bearer token-2", "Bearer token-2"]);
    let place = "/v1/projects/my-project/locations/global/publishers/google/models/gemini-2.5-flash:generateContent";
    assert_eq!(asked[0].path, place);
    let form = &world.seen("/token")[0].body;
    let claim = form.rsplit_once("assertion=").unwrap().1;
    assert!(form.starts_with("grant_type=urn%3Aietf") && claim.split('.').count() == 3, "{form}");
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn azures_older_addresses_name_the_deployment_and_the_version() {
    let (world, url) = World::start().await;
    let base = format!("{url}/openai/deployments/{{model}}?api-version=2024-10-21");
    let app = app_with("azure", provider(base, Some("secret".to_owned()), "my-gpt", &[]), false).await;
    let (status, body) = ask(&app, "azure/my-gpt", json!("hi")).await;
    assert_eq!(status, 200, "{body}");
    let seen = world.seen("/openai/").remove(0);
    assert_eq!(seen.path, "/openai/deployments/my-gpt/chat/completions?api-version=2024-10-21");
    assert_eq!((seen.header("api-key"), seen.header("authorization")), ("secret", ""));
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_address_and_a_model_in_the_settings_are_enough() {
    let (world, url) = World::start().await;
    let app = app_with("my-server", provider(format!("{url}/v1"), None, "org/tiny", &[]), false).await;
    let (status, body) = ask(&app, "my-server/tiny", json!("hi")).await;
    assert_eq!((status, &body["choices"][0]["message"]["content"]), (200, &json!("Hi.")), "{body}");
    assert_eq!(world.seen("/v1/chat/completions")[0].json()["model"], "org/tiny");
    app.finish().await;
}

fn picture(url: &str) -> Value {
    json!([{ "type": "text", "text": "What is it?" }, { "type": "image_url", "image_url": { "url": url } }])
}

#[tokio::test(flavor = "multi_thread")]
async fn media_are_fetched_for_a_provider_that_takes_no_url() {
    let (world, url) = World::start().await;
    let settings = provider(format!("{url}/v1beta"), Some("k".to_owned()), "gemini-2.5-flash", &[]);
    let app = app_with("google-ai-studio", settings, true).await;
    let model = "google-ai-studio/gemini-2.5-flash";
    let (status, body) = ask(&app, model, picture(&format!("{url}/moved"))).await;
    assert_eq!(status, 200, "{body}");
    let part = &world.seen(":generateContent")[0].json()["contents"][0]["parts"][1]["inlineData"];
    assert_eq!((&part["mimeType"], &part["data"]), (&json!("image/png"), &json!("iVBORw0KGgpyZXN0")));
    for (path, cause) in [
        ("/round", "was redirected more than 3 times"),
        ("/page", "leads to text/html, which does not belong here"),
        ("/large", "is larger than the 1024 bytes that are left for media"),
        ("/missing", "cannot be fetched: its server answered 404"),
    ] {
        let (status, body) = ask(&app, model, picture(&format!("{url}{path}"))).await;
        let message = body["error"]["message"].as_str().unwrap();
        assert_eq!(status, 400, "{body}");
        assert!(message.contains(&format!("messages[0].content[1].image_url.url {cause}")), "{message}");
    }
    assert_eq!(world.seen(":generateContent").len(), 1, "nothing else reached the provider");
    app.finish().await;
}

/// Ways to write the address of a machine that not everybody can reach.
const INSIDE: [&str; 30] = [
    "127.0.0.1",
    "127.1",
    "127.9.9.9",
    "2130706433",
    "0x7f000001",
    "0x7f.1",
    "0177.0.0.1",
    "017700000001",
    "%31%32%37.0.0.1",
    "\u{2460}\u{2461}\u{2466}.0.0.1",
    "127\u{3002}0\u{3002}0\u{3002}1",
    "0",
    "0.0.0.0",
    "localhost",
    "LOCALHOST.",
    "10.0.0.1",
    "172.16.0.1",
    "192.168.0.1",
    "100.64.0.1",
    "169.254.169.254",
    "2852039166",
    "168.63.129.16",
    "224.0.0.1",
    "255.255.255.255",
    "[::]",
    "[::1]",
    "[::ffff:127.0.0.1]",
    "[::ffff:a9fe:a9fe]",
    "[64:ff9b::7f00:1]",
    "[fd00:ec2::254]",
];

#[tokio::test(flavor = "multi_thread")]
async fn a_caller_cannot_look_into_the_network_of_the_server() {
    let (world, url) = World::start().await;
    let port = url.rsplit_once(':').unwrap().1.to_owned();
    let settings = provider(format!("{url}/v1beta"), Some("k".to_owned()), "gemini-2.5-flash", &[]);
    let app = app_with("google-ai-studio", settings, false).await;
    let key = app.member(Money::from_dollars(5)).await.key().await;
    let model = "google-ai-studio/gemini-2.5-flash";
    let chat = |part: Value| json!({ "model": model, "messages": [{ "role": "user", "content": [part] }] });
    let mut refused = 0;
    for host in INSIDE {
        let url = format!("http://{host}:{port}/dot.png");
        for (path, body) in [
            ("chat/completions", chat(json!({ "type": "image_url", "image_url": { "url": url } }))),
            ("chat/completions", chat(json!({ "type": "video_url", "video_url": { "url": url } }))),
            ("chat/completions", chat(json!({ "type": "file", "file": { "filename": "a.pdf", "file_data": url } }))),
            (
                "responses",
                json!({ "model": model, "input": [{ "role": "user", "content": [
                    { "type": "input_image", "detail": "auto", "image_url": url }] }] }),
            ),
            (
                "messages",
                json!({ "model": model, "max_tokens": 9, "messages": [{ "role": "user", "content": [
                    { "type": "image", "source": { "type": "url", "url": url } }] }] }),
            ),
        ] {
            let (status, body) = read(key.send(Method::POST, &format!("/api/v1/{path}"), &body).await).await;
            assert_eq!(status, 400, "{path} with {url}: {body}");
            assert!(body.to_string().contains("leads to no public address"), "{path} with {url}: {body}");
            refused += 1;
        }
    }
    assert_eq!(refused, INSIDE.len() * 5);
    for scheme in ["file:///etc/passwd", "ftp://127.0.0.1/a", "gopher://127.0.0.1/_", "http://user:word@127.0.0.1/"] {
        let (status, body) = ask(&app, model, picture(scheme)).await;
        assert_eq!(status, 400, "{scheme}: {body}");
    }
    assert!(world.seen("/").is_empty(), "nobody was asked");
    println!("{refused} addresses inside were refused");
    app.finish().await;
}
