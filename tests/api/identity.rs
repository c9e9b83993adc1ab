//! Signing in with an account elsewhere, against an issuer on a socket of its own.

use std::collections::HashMap;
use std::sync::Arc;

use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse as _, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as BASE64;
use parking_lot::Mutex;
use patchbay::config::{Config, IdentityKind, IdentitySettings};
use reqwest::Method;
use ring::rand::SystemRandom;
use ring::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair as _};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use tokio::net::TcpListener;
use url::Url;

use crate::on_both_databases;
use crate::support::person::Person;
use crate::support::{Database, TestApp};

type Pairs = HashMap<String, String>;

/// OpenID Connect and GitHub's OAuth in one.
struct Issuer {
    url: String,
    key: EcdsaKeyPair,
    /// What the way there asked for, by the code that was given for it.
    asked: Mutex<HashMap<String, Pairs>>,
    /// What is said of the person, over what is said of everybody.
    person: Mutex<Value>,
}

impl Issuer {
    async fn start() -> Arc<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let random = SystemRandom::new();
        let pkcs8 = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &random).unwrap();
        let key = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, pkcs8.as_ref(), &random).unwrap();
        let person = json!({ "sub": "7", "email": "Ann@example.org", "email_verified": true, "name": "Ann" });
        let issuer = Arc::new(Self { url, key, asked: Mutex::default(), person: Mutex::new(person) });
        let router = Router::new()
            .route("/.well-known/openid-configuration", get(discovery))
            .route("/keys", get(keys))
            .route("/token", post(token))
            .route("/login/oauth/access_token", post(token))
            .route("/api/v3/user", get(|| async { Json(json!({ "id": 42, "login": "ann", "name": null })) }))
            .route("/api/v3/user/emails", get(emails))
            .with_state(Arc::clone(&issuer));
        tokio::spawn(async move { axum::serve(listener, router).await });
        issuer
    }

    fn configure(&self, config: &mut Config) {
        let settings = IdentitySettings {
            name: "Test".to_owned(),
            issuer: self.url.clone(),
            client_id: "us".to_owned(),
            client_secret: "our secret".to_owned(),
            ..IdentitySettings::default()
        };
        config
            .identity
            .insert("github".to_owned(), IdentitySettings { kind: IdentityKind::Github, ..settings.clone() });
        config.identity.insert("test".to_owned(), settings);
    }

    fn say(&self, name: &str, value: Value) {
        self.person.lock()[name] = value;
    }

    fn id_token(&self, nonce: &str) -> String {
        let now = patchbay::clock::Clock::system().now_ms() / 1_000;
        let mut body = json!({ "iss": self.url, "aud": "us", "exp": now + 300, "iat": now, "nonce": nonce });
        for (name, value) in self.person.lock().as_object().unwrap() {
            body[name] = value.clone();
        }
        let head = BASE64.encode(json!({ "alg": "ES256", "kid": "one" }).to_string());
        let signed = format!("{head}.{}", BASE64.encode(body.to_string()));
        let mark = self.key.sign(&SystemRandom::new(), signed.as_bytes()).unwrap();
        format!("{signed}.{}", BASE64.encode(mark.as_ref()))
    }
}

async fn discovery(State(issuer): State<Arc<Issuer>>) -> Json<Value> {
    let url = &issuer.url;
    Json(
        json!({ "issuer": url, "authorization_endpoint": format!("{url}/authorize"), "jwks_uri": format!("{url}/keys"),
        "token_endpoint": format!("{url}/token"), "token_endpoint_auth_methods_supported": ["client_secret_post"] }),
    )
}

async fn keys(State(issuer): State<Arc<Issuer>>) -> Json<Value> {
    let point = issuer.key.public_key().as_ref();
    let (x, y) = (BASE64.encode(&point[1..33]), BASE64.encode(&point[33..]));
    Json(json!({ "keys": [{ "kty": "RSA", "kid": "other", "n": "AQAB", "e": "AQAB" },
        { "kty": "EC", "kid": "one", "use": "sig", "crv": "P-256", "x": x, "y": y }] }))
}

async fn emails(State(issuer): State<Arc<Issuer>>, headers: HeaderMap) -> Json<Value> {
    assert_eq!(headers["authorization"], "Bearer access");
    let person = issuer.person.lock();
    Json(json!([{ "email": "spam@example.org", "primary": false, "verified": true },
        { "email": person["email"], "primary": true, "verified": person["email_verified"] }]))
}

async fn token(State(issuer): State<Arc<Issuer>>, body: String) -> Response {
    let form: Pairs = url::form_urlencoded::parse(body.as_bytes()).into_owned().collect();
    // A code counts once.
    let Some(asked) = issuer.asked.lock().remove(&form["code"]) else { return StatusCode::BAD_REQUEST.into_response() };
    let challenge = BASE64.encode(Sha256::digest(form["code_verifier"].as_bytes()));
    let is_right = form["client_id"] == "us"
        && form["client_secret"] == "our secret"
        && form["redirect_uri"] == asked["redirect_uri"]
        && challenge == asked["code_challenge"];
    if !is_right {
        return StatusCode::UNAUTHORIZED.into_response();
    }
    let nonce = asked.get("nonce").cloned().unwrap_or_default();
    Json(json!({ "access_token": "access", "token_type": "Bearer", "id_token": issuer.id_token(&nonce) }))
        .into_response()
}

fn location(response: &reqwest::Response) -> String {
    response.headers()["location"].to_str().unwrap().to_owned()
}

/// Goes there; what was asked for.
async fn there(visitor: &Person<'_>, provider: &str) -> Pairs {
    let to = location(&visitor.open(&format!("/sign-in/with/{provider}?next=/keys")).await);
    Url::parse(&to).unwrap().query_pairs().into_owned().collect()
}

/// Goes there and comes back with a code; where that led.
async fn sign_in(issuer: &Issuer, visitor: &Person<'_>, provider: &str) -> String {
    let asked = there(visitor, provider).await;
    let back = format!("/sign-in/with/{provider}/callback?code=c1&state={}", asked["state"]);
    issuer.asked.lock().insert("c1".to_owned(), asked);
    location(&visitor.open(&back).await)
}

on_both_databases! {
    async fn a_stranger_gets_an_account_and_finds_it_again(database: Database) {
        let issuer = Issuer::start().await;
        let app = TestApp::start_with(database, &[], |config| issuer.configure(config)).await;
        let visitor = Person::visitor(&app);
        let asked = there(&visitor, "test").await;
        assert_eq!((asked["response_type"].as_str(), asked["code_challenge_method"].as_str()), ("code", "S256"));
        assert_eq!(asked["redirect_uri"], format!("{}/sign-in/with/test/callback", app.url));
        assert!(asked["scope"].contains("openid") && asked["nonce"].len() >= 32 && asked["state"].len() >= 32);
        assert_eq!(sign_in(&issuer, &visitor, "test").await, "/keys");
        let (_, account) = visitor.get("/api/v1/account").await;
        assert_eq!((&account["data"]["email"], &account["data"]["is_verified"]), (&json!("ann@example.org"), &json!(true)));
        // The address changes there; the person stays the same.
        issuer.say("email", json!("new@example.org"));
        let again = Person::visitor(&app);
        assert_eq!(sign_in(&issuer, &again, "test").await, "/keys");
        assert_eq!(again.get("/api/v1/account").await.1["data"]["id"], account["data"]["id"]);
        assert!(app.app.users.sign_in("ann@example.org", "").await.is_err(), "there is no password");
        let (_, linked) = again.get("/api/v1/account/identities").await;
        assert_eq!((&linked["data"][0]["provider"], &linked["data"][0]["name"]), (&json!("test"), &json!("Test")));
        let path = "/api/v1/account/identities/test";
        assert_eq!(again.call(Method::DELETE, path, json!({})).await.0, 400, "nobody locks himself out");
        assert!(app.get("/sign-in").await.text().await.unwrap().contains("Continue with Test"));
        app.finish().await;
    }
}

on_both_databases! {
    async fn an_account_is_linked_only_by_an_address_both_sides_confirmed(database: Database) {
        let issuer = Issuer::start().await;
        let app = TestApp::start_with(database, &[], |config| issuer.configure(config)).await;
        let ann = Person::new(&app, "ann@example.org").await;
        let visitor = Person::visitor(&app);
        assert!(sign_in(&issuer, &visitor, "test").await.starts_with("/sign-in?error=unconfirmed"), "the one here may be a trap");
        assert_eq!(visitor.get("/api/v1/account").await.0, 401);
        let id = ann.get("/api/v1/account").await.1["data"]["id"].as_str().unwrap().to_owned();
        app.app.store.set_verified(&id, 1).await.unwrap();
        issuer.say("email_verified", json!(false));
        assert!(sign_in(&issuer, &visitor, "test").await.starts_with("/sign-in?error=elsewhere_email"));
        issuer.say("email_verified", json!(true));
        assert_eq!(sign_in(&issuer, &visitor, "test").await, "/keys");
        assert_eq!(visitor.get("/api/v1/account").await.1["data"]["id"], id.as_str());
        assert_eq!(sign_in(&issuer, &Person::visitor(&app), "github").await, "/keys", "and by another provider, too");
        let (_, linked) = ann.get("/api/v1/account/identities").await;
        assert_eq!(linked["data"].as_array().unwrap().len(), 2);
        assert_eq!(ann.call(Method::DELETE, "/api/v1/account/identities/test", json!({})).await.0, 200);
        let (_, log) = ann.get("/api/v1/organization/audit-log?action=identity.").await;
        assert_eq!(log["data"].as_array().unwrap().len(), 3);

        app.app.store.set_suspended(&id, Some(1)).await.unwrap();
        assert!(sign_in(&issuer, &Person::visitor(&app), "github").await.starts_with("/sign-in?error=suspended"));
        app.finish().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_that_is_not_ours_signs_nobody_in() {
    let issuer = Issuer::start().await;
    let app = TestApp::start_with(Database::sqlite(), &[], |config| issuer.configure(config)).await;
    let visitor = Person::visitor(&app);
    assert_eq!(visitor.open("/sign-in/with/nobody").await.status(), 404);

    // Of another browser, with a wrong state, twice, or with a refusal.
    let asked = there(&Person::visitor(&app), "test").await;
    issuer.asked.lock().insert("c1".to_owned(), asked.clone());
    let back = format!("/sign-in/with/test/callback?code=c1&state={}", asked["state"]);
    assert!(location(&visitor.open(&back).await).starts_with("/sign-in?error=too_late"));
    there(&visitor, "test").await;
    let wrong = "/sign-in/with/test/callback?code=c1&state=guessed";
    assert!(location(&visitor.open(wrong).await).starts_with("/sign-in?error=too_late"));
    let asked = there(&visitor, "test").await;
    let no = format!("/sign-in/with/test/callback?error=access_denied&state={}", asked["state"]);
    assert!(location(&visitor.open(&no).await).starts_with("/sign-in?error=elsewhere_refused"));
    let asked = there(&visitor, "test").await;
    let mixed = format!("/sign-in/with/test/callback?code=c1&iss=https://evil.example&state={}", asked["state"]);
    issuer.asked.lock().insert("c1".to_owned(), asked);
    assert!(location(&visitor.open(&mixed).await).starts_with("/sign-in?error=elsewhere&"));

    // A token for somebody else, of another sign-in, or that has expired.
    for (name, value) in
        [("aud", json!("them")), ("nonce", json!("other")), ("exp", json!(1)), ("iss", json!("https://x"))]
    {
        issuer.say(name, value);
        let there = sign_in(&issuer, &visitor, "test").await;
        assert!(there.starts_with("/sign-in?error=elsewhere&"), "{name}: {there}");
        issuer.person.lock().as_object_mut().unwrap().remove(name);
    }
    assert_eq!(visitor.get("/api/v1/account").await.0, 401);
    assert_eq!(sign_in(&issuer, &visitor, "test").await, "/keys");
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_closed_to_strangers_stays_closed() {
    let issuer = Issuer::start().await;
    let app = TestApp::start_with(Database::sqlite(), &[], |config| {
        issuer.configure(config);
        config.allow_sign_up = false;
    })
    .await;
    assert!(sign_in(&issuer, &Person::visitor(&app), "test").await.starts_with("/sign-in?error=closed"));
    // The second step is asked for here as well.
    let ann = Person::new(&app, "ann@example.org").await;
    let id = ann.get("/api/v1/account").await.1["data"]["id"].as_str().unwrap().to_owned();
    app.app.store.set_verified(&id, 1).await.unwrap();
    app.app.store.begin_authenticator(&id, "sealed", 1).await.unwrap();
    let row = app.app.store.authenticator(&id).await.unwrap().unwrap();
    app.app.store.confirm_authenticator(&row, 1, 1, &[]).await.unwrap();
    let visitor = Person::visitor(&app);
    assert_eq!(sign_in(&issuer, &visitor, "test").await, "/sign-in/code?next=%2Fkeys");
    assert_eq!(visitor.get("/api/v1/account").await.0, 401);
    app.finish().await;
}
