//! A whole server on a real socket, the people who use it, and a provider that
//! does what a test says.

pub mod authenticator;
pub mod payments;
pub mod person;
pub mod postgres;
pub mod redis;
pub mod upstream;
pub mod wire;

use std::sync::Arc;

use app::types::Money;
use patchbay::App;
use patchbay::accounts::{keys, new_id};
use patchbay::billing::audit;
use patchbay::billing::ledger::{WriterTask, credit_account};
use patchbay::catalog::import;
use patchbay::clock::Clock;
use patchbay::config::{Config, Demo, ProviderSettings};
use patchbay::gateway::rerate;
use patchbay::http::{router, server};
use patchbay::store::Store;
use patchbay::store::accounts::NewAccount;
use patchbay::store::keys::KeyRow;
use reqwest::{Client, Method, RequestBuilder, Response};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

pub use upstream::{Script, Upstream};

/// How much of a long test is wanted: `LONG_TEST_<name>`, or this much.
pub fn asked_for(name: &str, usual: u32) -> u32 {
    let text = std::env::var_os(format!("LONG_TEST_{name}"));
    text.map_or(usual, |text| text.to_str().and_then(|text| text.parse().ok()).expect("a number"))
}

/// A database for one test.
pub struct Database {
    pub url: String,
    pub _folder: Option<TempDir>,
}

impl Database {
    pub fn sqlite() -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let url = format!("sqlite:{}", folder.path().join("patchbay.db").display());
        Self { url, _folder: Some(folder) }
    }

    pub async fn postgres() -> Self {
        Self { url: postgres::fresh_database().await, _folder: None }
    }
}

/// Makes one test of a body for each database.
#[macro_export]
macro_rules! on_both_databases {
    ($(#[$note:meta])* async fn $name:ident($database:ident: Database) $body:block) => {
        mod $name {
            use super::*;

            async fn body($database: Database) $body

            $(#[$note])*
            #[tokio::test(flavor = "multi_thread")]
            async fn on_sqlite() {
                body(Database::sqlite()).await;
            }

            $(#[$note])*
            #[tokio::test(flavor = "multi_thread")]
            async fn on_postgres() {
                body(Database::postgres().await).await;
            }
        }
    };
}

/// A running server.
pub struct TestApp {
    pub app: Arc<App>,
    pub url: String,
    pub database: Database,
    client: Client,
    server: JoinHandle<()>,
    writer: Option<WriterTask>,
}

impl TestApp {
    /// A server on this database whose only providers are these.
    pub async fn start(database: Database, upstreams: &[&Upstream]) -> Self {
        Self::start_with(database, upstreams, |_| {}).await
    }

    pub async fn start_with(database: Database, upstreams: &[&Upstream], change: impl FnOnce(&mut Config)) -> Self {
        // For the tests' own HTTP client; a second installation is refused and not needed.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let store = Store::open(&database.url).await.expect("opens");
        store.migrate().await.expect("migrates");
        let mut config = Config { demo: Demo::Off, find_local_servers: false, ..Config::default() };
        config.database_url.clone_from(&database.url);
        // The same for every start on one database.
        "QUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUE=".clone_into(&mut config.secrets.key);
        let mut providers = serde_json::Map::new();
        for upstream in upstreams {
            providers.insert(upstream.slug.clone(), upstream.as_models_dev());
            let settings = ProviderSettings { api_key: Some("upstream-key".to_owned()), ..ProviderSettings::default() };
            config.providers.insert(upstream.slug.clone(), settings);
        }
        if !providers.is_empty() {
            let list = import::read(Value::Object(providers).to_string().as_bytes()).expect("a list of models");
            let (changes, report) = import::plan(&store.load_catalog().await.expect("loads"), list, 0);
            assert_eq!(report.skipped, [], "the test's own list is whole");
            store.apply_catalog(&changes).await.expect("applies");
        }
        change(&mut config);
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        config.listen = listener.local_addr().expect("an address");
        let (app, writer) = App::start(config, Clock::system(), store, false).await.expect("starts");
        let url = format!("http://{}", app.config.listen);
        let served = Arc::clone(&app);
        let server = tokio::spawn(async move { server::serve(listener, router(&served), &served).await });
        let client =
            Client::builder().no_proxy().redirect(reqwest::redirect::Policy::none()).build().expect("a client");
        Self { app, url, database, client, server, writer: Some(writer) }
    }

    /// Ends the server as a signal would, and checks the books.
    pub async fn finish(mut self) -> Database {
        self.app.shutdown.cancel();
        drop(std::mem::replace(&mut self.client, Client::builder().no_proxy().build().expect("a client")));
        (&mut self.server).await.expect("the server ends");
        self.app.requests.close();
        self.app.requests.wait().await;
        self.writer.take().expect("a writer").finish().await;
        let store = &self.app.store;
        assert_eq!(audit::differences(store).await.expect("adds up"), Vec::<String>::new());
        assert_eq!(rerate::differences(store).await.expect("works out"), Vec::<String>::new());
        let holds = self.app.store.holds().await.expect("reads");
        assert_eq!(holds, [], "no hold is left (I13)");
        self.app.store.close().await;
        self.database
    }

    /// Opens an account with this much credit.
    pub async fn member(&self, credit: Money) -> Member<'_> {
        let email = format!("{}@example.org", new_id(self.app.clock.now_ms()));
        let account = self.app.users.sign_up("Ann", &email, "a long enough one", false).await.expect("signs up");
        if credit.0 > 0 {
            let id = account.organization_id.clone();
            self.app.ledger.grant(&id, &account.organization_id, credit, "for a test").await.expect("grants");
        }
        Member { app: self, account }
    }

    pub fn request(&self, method: Method, path: &str) -> RequestBuilder {
        self.client.request(method, format!("{}{path}", self.url))
    }

    pub async fn get(&self, path: &str) -> Response {
        self.request(Method::GET, path).send().await.expect("answers")
    }
}

/// A person with an organization of his own.
pub struct Member<'a> {
    app: &'a TestApp,
    pub account: NewAccount,
}

impl<'a> Member<'a> {
    pub async fn key(&self) -> KeyHolder<'a> {
        self.key_with(|_| {}).await
    }

    pub async fn key_with(&self, change: impl FnOnce(&mut KeyRow)) -> KeyHolder<'a> {
        let now = self.app.app.clock.now_ms();
        let fresh = keys::generate();
        let mut row = KeyRow {
            id: new_id(now),
            hash: fresh.hash.clone(),
            label: fresh.label,
            name: "test".to_owned(),
            organization_id: self.account.organization_id.clone(),
            workspace_id: self.account.workspace_id.clone(),
            creator_user_id: Some(self.account.user.id.clone()),
            created_at: now,
            updated_at: now,
            ..KeyRow::default()
        };
        change(&mut row);
        self.app.app.store.insert_key(&row).await.expect("stores the key");
        KeyHolder { app: self.app, text: fresh.text, hash: fresh.hash }
    }

    pub async fn management_key(&self) -> KeyHolder<'a> {
        self.key_with(|row| row.is_management = 1).await
    }

    /// What may still be spent.
    pub async fn available(&self) -> Money {
        self.balance().await.available
    }

    pub async fn balance(&self) -> patchbay::billing::ledger::Balance {
        let account = credit_account(&self.account.organization_id);
        self.app.app.ledger.balance(&account).await.expect("reads")
    }
}

/// A program with an API key.
pub struct KeyHolder<'a> {
    pub app: &'a TestApp,
    pub text: String,
    pub hash: String,
}

impl KeyHolder<'_> {
    pub fn request(&self, method: Method, path: &str) -> RequestBuilder {
        self.app.request(method, path).bearer_auth(&self.text)
    }

    pub async fn get(&self, path: &str) -> Response {
        self.request(Method::GET, path).send().await.expect("answers")
    }

    pub async fn send(&self, method: Method, path: &str, body: &Value) -> Response {
        self.request(method, path).json(body).send().await.expect("answers")
    }

    /// Asks with these fields over a model and one message.
    pub async fn ask(&self, fields: Value) -> Response {
        self.send(Method::POST, "/api/v1/chat/completions", &question(fields)).await
    }

    /// Asks for a stream and reads it to its end.
    pub async fn stream(&self, mut fields: Value) -> Stream {
        fields["stream"] = json!(true);
        let response = self.ask(fields).await;
        let status = response.status().as_u16();
        let generation_id = response.headers().get("x-generation-id").map(|v| v.to_str().expect("text").to_owned());
        Stream { status, generation_id, text: response.text().await.unwrap_or_default() }
    }
}

/// A request body: what is not given is filled in.
pub fn question(fields: Value) -> Value {
    let mut body = json!({ "model": "acme/one", "messages": [{ "role": "user", "content": "Hello there" }] });
    for (name, value) in fields.as_object().expect("an object") {
        body[name] = value.clone();
    }
    body
}

/// A stream that was read to its end.
pub struct Stream {
    pub status: u16,
    pub generation_id: Option<String>,
    pub text: String,
}

impl Stream {
    pub fn chunks(&self) -> Vec<Value> {
        self.text
            .lines()
            .filter_map(|line| line.strip_prefix("data: "))
            .filter(|data| *data != "[DONE]")
            .map(|data| serde_json::from_str(data).expect("JSON"))
            .collect()
    }

    pub fn content(&self) -> String {
        self.chunks()
            .iter()
            .filter_map(|chunk| chunk["choices"][0]["delta"]["content"].as_str().map(str::to_owned))
            .collect()
    }

    pub fn is_done(&self) -> bool {
        self.text.trim_end().ends_with("data: [DONE]")
    }

    pub fn error(&self) -> Option<Value> {
        self.chunks().into_iter().find_map(|chunk| chunk.get("error").cloned())
    }
}

/// The JSON of an answer, with its status.
pub async fn read(response: Response) -> (u16, Value) {
    let status = response.status().as_u16();
    let text = response.text().await.expect("a body");
    (status, serde_json::from_str(&text).unwrap_or(Value::String(text)))
}
