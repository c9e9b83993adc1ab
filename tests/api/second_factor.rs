//! The second step at sign-in.

use patchbay::accounts::totp;
use reqwest::Method;
use serde_json::{Value, json};

use crate::on_both_databases;
use crate::support::person::{PASSWORD, Person};
use crate::support::{Database, TestApp};

const EMAIL: &str = "ann@example.org";
const PATH: &str = "/api/v1/account/second-factor";

/// An authenticator app: each code is of a later period than the one before, whatever the time.
struct Phone {
    secret: Vec<u8>,
    last: i64,
}

impl Phone {
    fn code(&mut self, app: &TestApp) -> String {
        self.last = (self.last + 1).max(totp::step_at(app.app.clock.now_ms()));
        totp::code(&self.secret, self.last)
    }
}

async fn switch_on(app: &TestApp, person: &Person<'_>) -> (Phone, Vec<String>) {
    let (status, setup) = person.call(Method::POST, PATH, json!({})).await;
    assert_eq!(status, 200, "{setup}");
    let secret = totp::from_base32(setup["data"]["secret"].as_str().unwrap()).unwrap();
    let mut phone = Phone { secret, last: 0 };
    let code = phone.code(app);
    let (status, codes) = person.call(Method::POST, &format!("{PATH}/confirm"), json!({ "code": code })).await;
    assert_eq!(status, 200, "{codes}");
    let codes = codes["data"]["recovery_codes"].as_array().unwrap();
    (phone, codes.iter().map(|code| code.as_str().unwrap().to_owned()).collect())
}

/// Gives password and code, and says where that led.
async fn sign_in(person: &Person<'_>, password: &str, code: &str) -> String {
    let first = person.form("/sign-in", &[("email", EMAIL), ("password", password), ("next", "/keys")]).await;
    let first = first.headers()["location"].to_str().unwrap().to_owned();
    if !first.starts_with("/sign-in/code") {
        return first;
    }
    assert_eq!(person.get("/api/v1/account").await.0, 401, "the password alone lets nobody in");
    let second = person.form("/sign-in/code", &[("code", code), ("next", "/keys")]).await;
    second.headers()["location"].to_str().unwrap().to_owned()
}

async fn actions(person: &Person<'_>) -> Vec<String> {
    let (_, log) = person.get("/api/v1/organization/audit-log").await;
    log["data"].as_array().unwrap().iter().map(|line| line["action"].as_str().unwrap().to_owned()).collect()
}

on_both_databases! {
    async fn signing_in_asks_for_a_code_that_counts_once(database: Database) {
        let app = TestApp::start(database, &[]).await;
        let ann = Person::new(&app, EMAIL).await;
        let elsewhere = Person::sign_in(&app, EMAIL).await;
        assert_eq!(ann.get(PATH).await.1["data"]["is_on"], false);
        let (mut phone, codes) = switch_on(&app, &ann).await;
        assert_eq!(codes.len(), 10);
        assert_eq!(elsewhere.get("/api/v1/account").await.0, 401, "other sessions were opened without a code");
        let (_, state) = ann.get(PATH).await;
        assert_eq!((&state["data"]["is_on"], &state["data"]["setup"]), (&json!(true), &Value::Null));

        let visitor = Person::visitor(&app);
        assert!(sign_in(&visitor, PASSWORD, "000000").await.starts_with("/sign-in/code?error=invalid"));
        let code = phone.code(&app);
        assert_eq!(sign_in(&visitor, PASSWORD, &code).await, "/keys");
        assert_eq!(visitor.get("/api/v1/account").await.0, 200);
        assert!(sign_in(&visitor, PASSWORD, &code).await.contains("error=invalid"), "a code that was seen is worth nothing");

        assert_eq!(sign_in(&visitor, PASSWORD, &codes[3]).await, "/keys");
        assert!(sign_in(&visitor, PASSWORD, &codes[3]).await.contains("error=invalid"), "a recovery code works once");
        assert_eq!(ann.get(PATH).await.1["data"]["recovery_codes_left"], 9);
        let actions = actions(&ann).await;
        assert!(actions.contains(&"second-factor.on".to_owned()) && actions.contains(&"recovery-code.use".to_owned()), "{actions:?}");
        let stored: Vec<String> = sqlx::query_scalar("SELECT secret FROM authenticators UNION SELECT code_hash FROM recovery_codes")
            .fetch_all(app.app.store.pool()).await.unwrap();
        let secret = totp::base32(&phone.secret);
        assert!(stored.iter().all(|text| !text.contains(&secret) && !codes.contains(text)), "nothing of it is readable at rest");
        app.finish().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_password_does_not_get_around_the_second_step() {
    let app = TestApp::start(Database::sqlite(), &[]).await;
    let ann = Person::new(&app, EMAIL).await;
    let (_, codes) = switch_on(&app, &ann).await;
    ann.call(Method::POST, "/api/v1/account/password-reset", json!({ "email": EMAIL })).await;
    let text: String = sqlx::query_scalar("SELECT text FROM letters WHERE subject = 'Choose a new password'")
        .fetch_one(app.app.store.pool())
        .await
        .unwrap();
    let token = text.split_once("token=").unwrap().1.split_whitespace().next().unwrap();
    let body = json!({ "token": token, "new_password": "another long one" });
    let visitor = Person::visitor(&app);
    assert_eq!(visitor.call(Method::POST, "/api/v1/account/password-reset/finish", body).await.0, 200);
    assert!(sign_in(&visitor, "another long one", "123456").await.starts_with("/sign-in/code?error=invalid"));
    assert_eq!(sign_in(&visitor, "another long one", &codes[0]).await, "/keys");
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn guessing_codes_has_to_wait_and_a_lone_code_is_worth_nothing() {
    let app = TestApp::start(Database::sqlite(), &[]).await;
    let ann = Person::new(&app, EMAIL).await;
    let (mut phone, _) = switch_on(&app, &ann).await;
    let visitor = Person::visitor(&app);
    let lone = visitor.form("/sign-in/code", &[("code", &phone.code(&app)), ("next", "/keys")]).await;
    assert!(lone.headers()["location"].to_str().unwrap().starts_with("/sign-in?error=too_late"));
    let mut throttled = 0;
    for _ in 0..20 {
        let there = sign_in(&visitor, PASSWORD, "111111").await;
        throttled += usize::from(there.contains("error=throttled"));
    }
    assert!(throttled >= 10, "{throttled} of 20 guesses had to wait");
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn switching_it_off_takes_password_and_code() {
    let app = TestApp::start(Database::sqlite(), &[]).await;
    let ann = Person::new(&app, EMAIL).await;
    let (mut phone, codes) = switch_on(&app, &ann).await;
    let off = async |password: &str, code: &str| {
        ann.call(Method::POST, &format!("{PATH}/off"), json!({ "password": password, "code": code })).await.0
    };
    assert_eq!(off("wrong", &phone.code(&app)).await, 400);
    assert_eq!(off(PASSWORD, "000000").await, 400);
    let (_, again) = ann.call(Method::POST, PATH, json!({})).await;
    assert!(again["error"]["message"].as_str().unwrap().contains("on already"), "{again}");
    let fresh = ann.call(Method::POST, &format!("{PATH}/recovery-codes"), json!({ "code": codes[0] })).await;
    assert_eq!(fresh.0, 200);
    assert_eq!(off(PASSWORD, &codes[1]).await, 400, "the old recovery codes are gone");
    let new = fresh.1["data"]["recovery_codes"][0].as_str().unwrap().to_owned();
    assert_eq!(off(PASSWORD, &new).await, 200);
    assert_eq!(sign_in(&Person::visitor(&app), PASSWORD, "").await, "/keys");
    assert!(actions(&ann).await.contains(&"second-factor.off".to_owned()));
    app.finish().await;
}
