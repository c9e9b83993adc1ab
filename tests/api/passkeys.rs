//! Passkeys: made, given, and everything that must not pass.

use futures::future::join_all;
use patchbay::accounts::passkeys::MOST;
use patchbay::accounts::totp;
use patchbay::store::passkeys::PasskeyRow;
use reqwest::Method;
use serde_json::{Value, json};

use crate::on_both_databases;
use crate::support::authenticator::Authenticator;
use crate::support::person::{PASSWORD, Person};
use crate::support::{Database, TestApp};

const PATH: &str = "/api/v1/account/passkeys";
const ORIGIN: &str = "https://patchbay.example";

async fn start(database: Database) -> TestApp {
    TestApp::start_with(database, &[], |config| ORIGIN.clone_into(&mut config.base_url)).await
}

async fn make(person: &Person<'_>, name: &str) -> (Authenticator, Value) {
    let mut device = Authenticator::at(ORIGIN);
    let (status, begun) = person.call(Method::POST, &format!("{PATH}/begin"), json!({})).await;
    assert_eq!(status, 200, "{begun}");
    // Devices that do not know an extension that is enforced are refused by browsers.
    assert_eq!(begun["data"]["options"].pointer("/extensions/enforceCredentialProtectionPolicy"), None, "{begun}");
    let credential = device.make(&begun["data"]["options"]);
    let (status, made) = person.call(Method::POST, PATH, json!({ "name": name, "credential": credential })).await;
    assert_eq!(status, 201, "{made}");
    (device, made["data"].clone())
}

/// The challenge that a page of this purpose asks for.
async fn challenge(person: &Person<'_>, purpose: &str) -> (u16, Value) {
    let answer = person.form("/sign-in/passkey/begin", &[("for", purpose)]).await;
    let (status, begun) = crate::support::read(answer).await;
    (status, begun["data"]["options"].clone())
}

/// Sends an answer, and says where that led.
async fn answer(person: &Person<'_>, purpose: &str, credential: &Value) -> String {
    let credential = credential.to_string();
    let fields = [("for", purpose), ("credential", credential.as_str()), ("next", "/keys")];
    let answer = person.form("/sign-in/passkey", &fields).await;
    assert_eq!(answer.status(), 303);
    answer.headers()["location"].to_str().unwrap().to_owned()
}

async fn give(person: &Person<'_>, device: &mut Authenticator, purpose: &str) -> String {
    let (status, options) = challenge(person, purpose).await;
    assert_eq!(status, 200, "{options}");
    answer(person, purpose, &device.prove(&options)).await
}

async fn is_in(person: &Person<'_>) -> bool {
    person.get("/api/v1/account").await.0 == 200
}

/// Sets this time of every session to long ago.
async fn long_ago(app: &TestApp, name: &str) {
    let change = format!("UPDATE sessions SET data = REPLACE(data, '\"{name}\":', '\"{name}\":0,\"then\":')");
    sqlx::query(sqlx::AssertSqlSafe(change)).execute(app.app.store.pool()).await.unwrap();
}

async fn letters(app: &TestApp) -> Vec<String> {
    sqlx::query_scalar("SELECT subject FROM letters ORDER BY created_at").fetch_all(app.app.store.pool()).await.unwrap()
}

on_both_databases! {
    async fn a_passkey_signs_in_alone_and_is_listed_renamed_and_removed(database: Database) {
        let app = start(database).await;
        let ann = Person::new(&app, "ann@example.org").await;
        let (mut phone, made) = make(&ann, "Phone").await;
        assert_eq!((&made["is_synced"], &made["last_used_at"]), (&json!(false), &Value::Null));
        let (mut laptop, _) = make(&ann, "Laptop").await;

        let visitor = Person::visitor(&app);
        let before = visitor.cookie();
        assert_eq!(give(&visitor, &mut phone, "").await, "/keys");
        assert!(is_in(&visitor).await);
        assert_ne!(visitor.cookie(), before, "the session has a new id");
        let (_, list) = ann.get(PATH).await;
        assert_eq!(list["data"].as_array().unwrap().len(), 2);
        assert!(list["data"][0]["last_used_at"].is_string() && list["data"][1]["last_used_at"].is_null(), "{list}");

        let one = format!("{PATH}/{}", made["id"].as_str().unwrap());
        assert_eq!(ann.call(Method::PATCH, &one, json!({ "name": "Old phone" })).await.1["data"]["name"], "Old phone");
        assert_eq!(ann.call(Method::PATCH, &one, json!({ "name": "" })).await.0, 400);
        let export = ann.get("/api/v1/account/export").await.1;
        assert_eq!(export["passkeys"][0]["name"], "Old phone");
        let names: Vec<&String> = export["passkeys"][0].as_object().unwrap().keys().collect();
        assert_eq!(names, ["name", "created_at", "last_used_at", "is_synced"], "no key material");
        assert_eq!(ann.call(Method::DELETE, &one, json!({})).await.0, 200);
        assert_eq!(ann.call(Method::DELETE, &one, json!({})).await.0, 404);
        assert!(give(&Person::visitor(&app), &mut phone, "").await.contains("error=passkey&"), "it is removed");
        assert_eq!(give(&Person::visitor(&app), &mut laptop, "").await, "/keys");

        let (_, log) = ann.get("/api/v1/organization/audit-log").await;
        for action in ["passkey.add", "passkey.rename", "passkey.remove"] {
            assert!(log.to_string().contains(action), "{action}");
        }
        let letters = letters(&app).await;
        assert_eq!(letters.iter().filter(|subject| subject.starts_with("A passkey was")).count(), 3, "{letters:?}");

        let end = ann.call(Method::POST, "/api/v1/account/delete", json!({ "password": PASSWORD })).await;
        assert_eq!(end.0, 200);
        assert!(give(&Person::visitor(&app), &mut laptop, "").await.contains("error=passkey&"), "the account has ended");
        app.finish().await;
    }
}

on_both_databases! {
    async fn what_is_not_exactly_asked_for_opens_nothing(database: Database) {
        let app = start(database).await;
        let ann = Person::new(&app, "ann@example.org").await;
        let bob = Person::new(&app, "bob@example.org").await;
        let (phone, _) = make(&ann, "Phone").await;
        let (bobs, _) = make(&bob, "Bob's").await;
        let lie = |change: &dyn Fn(&mut Authenticator)| {
            let mut device = phone.clone();
            change(&mut device);
            device
        };
        let liars = [
            ("origin", lie(&|device| "https://patchbay.evil".clone_into(&mut device.origin))),
            ("port", lie(&|device| format!("{ORIGIN}:8443").clone_into(&mut device.origin))),
            ("site", lie(&|device| "evil.example".clone_into(&mut device.site))),
            ("handle", lie(&|device| device.user_handle.clone_from(&bobs.user_handle))),
            ("verification", lie(&|device| device.verifies = false)),
            ("unknown", lie(&|device| device.id = vec![7; 24])),
        ];
        for (what, mut device) in liars {
            let visitor = Person::visitor(&app);
            let there = give(&visitor, &mut device, "").await;
            assert_eq!(there, "/sign-in?error=passkey&next=%2Fkeys", "{what}: one answer for all");
            assert!(!is_in(&visitor).await, "{what}");
        }

        let visitor = Person::visitor(&app);
        let (_, options) = challenge(&visitor, "").await;
        let mut device = phone.clone();
        let mut tampered = device.prove(&options);
        tampered["response"]["signature"] = device.prove(&options)["response"]["signature"].clone();
        assert!(answer(&visitor, "", &tampered).await.contains("error=passkey&"), "another signature");
        assert!(answer(&visitor, "", &json!("nonsense")).await.contains("error=passkey_late"), "a challenge is taken once");
        let (_, options) = challenge(&visitor, "").await;
        let right = device.prove(&options);
        assert_eq!(answer(&visitor, "", &right).await, "/keys");
        let again = answer(&visitor, "", &right).await;
        assert!(again.contains("error=passkey_late"), "replayed: {again}");
        let stranger = Person::visitor(&app);
        let (_, _) = challenge(&stranger, "").await;
        assert!(answer(&stranger, "", &right).await.contains("error=passkey&"), "another challenge");

        let id = ann.get("/api/v1/account").await.1["data"]["id"].as_str().unwrap().to_owned();
        assert!(app.app.store.set_suspended(&id, Some(1)).await.unwrap());
        assert!(give(&Person::visitor(&app), &mut device, "").await.contains("error=passkey&"), "suspended");
        app.finish().await;
    }
}

on_both_databases! {
    async fn many_at_once_make_no_more_than_there_may_be(database: Database) {
        let app = start(database).await;
        let ann = Person::new(&app, "ann@example.org").await;
        let user_id = ann.get("/api/v1/account").await.1["data"]["id"].as_str().unwrap().to_owned();
        for number in 0..MOST - 2 {
            let [id, credential_id] = ["passkey", "credential"].map(|what| format!("{what}-{number}"));
            let row = PasskeyRow { id, credential_id, user_id: user_id.clone(), ..PasskeyRow::default() };
            assert!(app.app.store.insert_passkey(&row, MOST).await.unwrap());
        }
        let mut browsers = Vec::new();
        for _ in 0..8 {
            let browser = Person::sign_in(&app, "ann@example.org").await;
            let (_, begun) = browser.call(Method::POST, &format!("{PATH}/begin"), json!({})).await;
            let credential = Authenticator::at(ORIGIN).make(&begun["data"]["options"]);
            browsers.push((browser, json!({ "name": "Another", "credential": credential })));
        }
        let made = browsers.iter().map(|(browser, body)| browser.call(Method::POST, PATH, body.clone()));
        let made: Vec<u16> = join_all(made).await.into_iter().map(|(status, _)| status).collect();
        assert_eq!(made.iter().filter(|status| **status == 201).count(), 2, "{made:?}");
        assert_eq!(made.iter().filter(|status| **status == 400).count(), 6, "{made:?}");
        let (_, list) = ann.get(PATH).await;
        assert_eq!(list["data"].as_array().map(Vec::len), usize::try_from(MOST).ok());
        app.finish().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_form_that_makes_one_says_so_and_makes_it_once() {
    let app = start(Database::sqlite()).await;
    let ann = Person::new(&app, "ann@example.org").await;
    let (_, begun) = ann.call(Method::POST, &format!("{PATH}/begin"), json!({})).await;
    let credential = Authenticator::at(ORIGIN).make(&begun["data"]["options"]).to_string();
    let fields = [
        ("_method", "POST"),
        ("_path", PATH),
        ("_next", "/settings/passkeys"),
        ("_done", "The passkey is kept."),
        ("name", "Phone"),
        ("credential:json", credential.as_str()),
    ];
    let mut pages = Vec::new();
    for _ in 0..2 {
        assert_eq!(ann.form("/form", &fields).await.status(), 303);
        pages.push(ann.open("/settings/passkeys").await.text().await.unwrap());
    }
    assert!(pages[0].contains("The passkey is kept.") && pages[0].contains("Phone"), "{}", pages[0]);
    assert!(pages[1].contains("Begin anew"), "the challenge was taken: {}", pages[1]);
    assert_eq!(ann.get(PATH).await.1["data"].as_array().map(Vec::len), Some(1));
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_counter_that_goes_back_is_refused_and_told() {
    let app = start(Database::sqlite()).await;
    let ann = Person::new(&app, "ann@example.org").await;
    let (mut phone, _) = make(&ann, "Phone").await;
    let mut copy = phone.clone();
    assert_eq!(give(&Person::visitor(&app), &mut phone, "").await, "/keys");
    let visitor = Person::visitor(&app);
    assert!(give(&visitor, &mut copy, "").await.contains("error=passkey_copied"));
    assert!(!is_in(&visitor).await);
    assert!(letters(&app).await.contains(&"A passkey was refused".to_owned()));
    let (_, log) = ann.get("/api/v1/organization/audit-log").await;
    assert!(log.to_string().contains("passkey.refuse"));
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_passkey_stands_for_the_code_and_for_the_password_once_more() {
    let app = start(Database::sqlite()).await;
    let ann = Person::new(&app, "ann@example.org").await;
    let bob = Person::new(&app, "bob@example.org").await;
    let (mut bobs, _) = make(&bob, "Bob's").await;
    let (mut phone, _) = make(&ann, "Phone").await;
    let (_, setup) = ann.call(Method::POST, "/api/v1/account/second-factor", json!({})).await;
    let secret = totp::from_base32(setup["data"]["secret"].as_str().unwrap()).unwrap();
    let code = totp::code(&secret, totp::step_at(app.app.clock.now_ms()));
    let on = ann.call(Method::POST, "/api/v1/account/second-factor/confirm", json!({ "code": code })).await;
    assert_eq!(on.0, 200, "{}", on.1);

    let visitor = Person::visitor(&app);
    assert_eq!(challenge(&visitor, "code").await.0, 400, "only after the password");
    let fields = [("email", "ann@example.org"), ("password", PASSWORD), ("next", "/keys")];
    let first = visitor.form("/sign-in", &fields).await;
    assert!(first.headers()["location"].to_str().unwrap().starts_with("/sign-in/code"));
    assert_eq!(visitor.get("/api/v1/session").await.1["data"]["may_give_passkey"], true);
    assert!(!is_in(&visitor).await);
    assert!(give(&visitor, &mut bobs, "code").await.starts_with("/sign-in/code?error=passkey&"), "somebody else's");
    assert_eq!(give(&visitor, &mut phone, "code").await, "/keys");
    assert!(is_in(&visitor).await);
    assert_eq!(visitor.get("/api/v1/session").await.1["data"]["may_give_passkey"], false);
    assert_eq!(give(&Person::visitor(&app), &mut phone, "").await, "/keys", "a passkey alone is both factors");

    long_ago(&app, "proved_at").await;
    let begin = format!("{PATH}/begin");
    assert_eq!(visitor.call(Method::POST, &begin, json!({})).await.0, 403, "too long ago");
    assert!(give(&visitor, &mut bobs, "confirm").await.starts_with("/confirm?error=passkey&"));
    assert_eq!(visitor.call(Method::POST, &begin, json!({})).await.0, 403);
    assert_eq!(give(&visitor, &mut phone, "confirm").await, "/keys");
    assert_eq!(visitor.call(Method::POST, &begin, json!({})).await.0, 200);
    assert_eq!(challenge(&Person::visitor(&app), "confirm").await.0, 400, "a visitor has nothing to confirm");
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_challenge_is_good_for_five_minutes_and_for_one_thing() {
    let app = start(Database::sqlite()).await;
    let ann = Person::new(&app, "ann@example.org").await;
    let (mut phone, _) = make(&ann, "Phone").await;
    let visitor = Person::visitor(&app);
    let (_, options) = challenge(&visitor, "").await;
    let right = phone.prove(&options);
    long_ago(&app, "began_at").await;
    assert!(answer(&visitor, "", &right).await.contains("error=passkey_late"));
    let (_, options) = challenge(&ann, "").await;
    assert!(answer(&ann, "confirm", &phone.prove(&options)).await.contains("/confirm?error=passkey_late"));

    let (_, begun) = ann.call(Method::POST, &format!("{PATH}/begin"), json!({})).await;
    let options = &begun["data"]["options"];
    assert_eq!(options["excludeCredentials"].as_array().unwrap().len(), 1, "a device makes no second one");
    let body = |device: &mut Authenticator| json!({ "name": "Second", "credential": device.make(options) });
    let mut second = Authenticator::at(ORIGIN);
    second.verifies = false;
    assert_eq!(ann.call(Method::POST, PATH, body(&mut second)).await.0, 400, "its owner was not asked");
    second.verifies = true;
    let (status, late) = ann.call(Method::POST, PATH, body(&mut second)).await;
    assert_eq!(status, 400, "that challenge was answered");
    assert!(late["error"]["message"].as_str().unwrap().contains("Begin anew"), "{late}");

    let (_, begun) = ann.call(Method::POST, &format!("{PATH}/begin"), json!({})).await;
    let known = json!({ "name": "Again", "credential": phone.make(&begun["data"]["options"]) });
    let (status, refused) = ann.call(Method::POST, PATH, known).await;
    assert_eq!(status, 400, "{refused}");
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn where_browsers_know_no_passkeys_the_reason_is_told() {
    let app = TestApp::start(Database::sqlite(), &[]).await;
    let ann = Person::new(&app, "ann@example.org").await;
    let (status, refused) = ann.call(Method::POST, &format!("{PATH}/begin"), json!({})).await;
    assert_eq!(status, 400);
    assert!(refused["error"]["message"].as_str().unwrap().contains("base_url"), "{refused}");
    assert_eq!(ann.get("/api/v1/session").await.1["data"]["has_passkeys"], false);
    let page = ann.open("/settings/passkeys").await.text().await.unwrap();
    assert!(page.contains("only over https"), "{page}");
    let sign_in = Person::visitor(&app).open("/sign-in").await.text().await.unwrap();
    assert!(!sign_in.contains("passkeys.js"));
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_only_way_in_cannot_be_removed() {
    let app = start(Database::sqlite()).await;
    let ann = Person::new(&app, "ann@example.org").await;
    let (mut phone, made) = make(&ann, "Phone").await;
    sqlx::query("UPDATE users SET password_hash = ''").execute(app.app.store.pool()).await.unwrap();
    let one = format!("{PATH}/{}", made["id"].as_str().unwrap());
    let (status, refused) = ann.call(Method::DELETE, &one, json!({})).await;
    assert_eq!(status, 400, "{refused}");
    assert_eq!(give(&Person::visitor(&app), &mut phone, "").await, "/keys");
    app.finish().await;
}
