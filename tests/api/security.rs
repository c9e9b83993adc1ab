//! Passwords, sessions and the end of an account.

use patchbay::accounts::keys;
use reqwest::Method;
use serde_json::json;

use crate::on_both_databases;
use crate::support::person::{PASSWORD, Person};
use crate::support::{Database, TestApp, read};

/// The secret in the newest letter to this address.
pub async fn mailed(app: &TestApp, email: &str) -> String {
    let text: String =
        sqlx::query_scalar("SELECT text FROM letters WHERE recipient = $1 ORDER BY created_at DESC, id DESC LIMIT 1")
            .bind(email)
            .fetch_one(app.app.store.pool())
            .await
            .unwrap();
    text.split_once("token=").unwrap().1.split_whitespace().next().unwrap().to_owned()
}

on_both_databases! {
    async fn a_forgotten_password_is_replaced_once_by_the_letters_link(database: Database) {
        let app = TestApp::start(database, &[]).await;
        let ann = Person::new(&app, "ann@example.org").await;
        let ask = async |email: &str| {
            let request = app.request(Method::POST, "/api/v1/account/password-reset").json(&json!({ "email": email }));
            read(request.send().await.unwrap()).await
        };
        assert_eq!(ask("ann@example.org").await, ask("nobody@example.org").await, "who has an account is not told");
        let token = mailed(&app, "ann@example.org").await;
        let finish = async |password: &str| {
            let body = json!({ "token": token, "new_password": password });
            let request = app.request(Method::POST, "/api/v1/account/password-reset/finish").json(&body);
            request.send().await.unwrap().status().as_u16()
        };
        assert_eq!(finish("password").await, 400, "a common one does not use the link up");
        assert_eq!(finish("another long one").await, 200);
        assert_eq!(finish("yet another long one").await, 400, "the link works once");
        assert_eq!(ann.get("/api/v1/account").await.0, 401, "every session is signed out");
        assert!(app.app.users.sign_in("ann@example.org", PASSWORD).await.is_err());
        assert!(app.app.users.sign_in("ann@example.org", "another long one").await.is_ok());
        let stored: i64 = sqlx::query_scalar("SELECT COUNT(*) FROM link_tokens WHERE token_hash = $1")
            .bind(token.as_str()).fetch_one(app.app.store.pool()).await.unwrap();
        assert_eq!((stored, keys::hash(&token).len()), (0, 64), "only its digest is kept");
        app.finish().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn sessions_are_listed_and_ended() {
    let app = TestApp::start(Database::sqlite(), &[]).await;
    let here = Person::new(&app, "ann@example.org").await;
    let there = Person::sign_in(&app, "ann@example.org").await;
    let eve = Person::new(&app, "eve@example.org").await;
    let (_, list) = here.get("/api/v1/account/sessions").await;
    let sessions = list["data"].as_array().unwrap();
    assert_eq!(sessions.len(), 2);
    let other = sessions.iter().find(|one| one["is_current"] == false).unwrap();
    assert_eq!(other["address"], "127.0.0.1");
    let path = format!("/api/v1/account/sessions/{}", other["id"].as_str().unwrap());
    assert_eq!(eve.call(Method::DELETE, &path, json!({})).await.0, 404);
    assert_eq!(there.get("/api/v1/account").await.0, 200);
    assert_eq!(here.call(Method::DELETE, &path, json!({})).await.0, 200);
    assert_eq!(there.get("/api/v1/account").await.0, 401);
    let there = Person::sign_in(&app, "ann@example.org").await;
    let change = json!({ "current_password": PASSWORD, "new_password": "a new long one" });
    assert_eq!(here.call(Method::POST, "/api/v1/account/password", change).await.0, 200);
    assert_eq!((there.get("/api/v1/account").await.0, here.get("/api/v1/account").await.0), (401, 200));
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn keys_and_members_need_a_fresh_password() {
    let app = TestApp::start(Database::sqlite(), &[]).await;
    let ann = Person::new(&app, "ann@example.org").await;
    assert_eq!(ann.call(Method::POST, "/api/v1/keys", json!({ "name": "a" })).await.0, 201);
    sqlx::query("UPDATE sessions SET data = REPLACE(data, '\"proved_at\":', '\"proved_at\":0,\"then\":')")
        .execute(app.app.store.pool())
        .await
        .unwrap();
    let (status, body) = ann.call(Method::POST, "/api/v1/keys", json!({ "name": "b" })).await;
    assert_eq!((status, body["error"]["metadata"]["error_type"].as_str()), (403, Some("confirmation_required")));
    let fields = [("_method", "POST"), ("_path", "/api/v1/keys"), ("_next", "/keys"), ("name", "b")];
    let response = ann.form("/form", &fields).await;
    assert_eq!(response.headers()["location"], "/confirm?next=%2Fkeys");
    let wrong = ann.form("/confirm", &[("password", "wrong"), ("next", "/keys")]).await;
    assert!(wrong.headers()["location"].to_str().unwrap().starts_with("/confirm?error=invalid"));
    let right = ann.form("/confirm", &[("password", PASSWORD), ("next", "/keys")]).await;
    assert_eq!(right.headers()["location"], "/keys");
    let response = ann.form("/form", &fields).await;
    assert_eq!(response.headers()["location"], "/keys");
    let (_, session) = ann.get("/api/v1/session").await;
    let secret = session["data"]["notice"]["secrets"][0].as_str().unwrap();
    assert!(secret.starts_with("sk-or-v1-"), "a form shows the key once, too");
    assert_eq!(ann.get("/api/v1/session").await.1["data"]["notice"], json!(null));
    app.finish().await;
}

on_both_databases! {
    async fn an_account_can_be_taken_along_and_ended(database: Database) {
        let app = TestApp::start(database, &[]).await;
        let ann = Person::new(&app, "ann@example.org").await;
        let (_, key) = ann.call(Method::POST, "/api/v1/keys", json!({ "name": "mine" })).await;
        let (_, export) = ann.get("/api/v1/account/export").await;
        assert_eq!(export["profile"]["email"], "ann@example.org");
        assert_eq!(export["organizations"][0]["keys"][0]["name"], "mine");
        assert_eq!(ann.call(Method::POST, "/api/v1/account/delete", json!({ "password": "wrong" })).await.0, 400);
        assert_eq!(ann.call(Method::POST, "/api/v1/account/delete", json!({ "password": PASSWORD })).await.0, 200);
        let key = key["key"].as_str().unwrap();
        let request = app.request(Method::GET, "/api/v1/key").bearer_auth(key);
        assert_eq!(request.send().await.unwrap().status(), 401);
        assert_eq!(ann.get("/api/v1/account").await.0, 401);
        assert!(app.app.users.sign_in("ann@example.org", PASSWORD).await.is_err());
        Person::new(&app, "ann@example.org").await;
        app.finish().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_address_is_confirmed_by_the_letters_link() {
    let app = TestApp::start(Database::sqlite(), &[]).await;
    let ann = Person::new(&app, "ann@example.org").await;
    assert_eq!(ann.get("/api/v1/account").await.1["data"]["is_verified"], false);
    assert_eq!(ann.call(Method::POST, "/api/v1/account/verification", json!({})).await.0, 200);
    let token = mailed(&app, "ann@example.org").await;
    let body = json!({ "token": token });
    assert_eq!(ann.call(Method::POST, "/api/v1/account/verification/finish", body.clone()).await.0, 200);
    assert_eq!(ann.call(Method::POST, "/api/v1/account/verification/finish", body).await.0, 400);
    assert_eq!(ann.get("/api/v1/account").await.1["data"]["is_verified"], true);
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_chooses_a_password_that_was_stolen_elsewhere() {
    let folder = tempfile::tempdir().unwrap();
    let list = folder.path().join("stolen.txt");
    // Of "a stolen long one" and of another.
    let lines = ["00000000F5B2F2F1D9C0F2C2D4B1C2A3D4E5F607:3", "STOLEN:12"].join("\r\n");
    std::fs::write(&list, lines.replace("STOLEN", &sha1("a stolen long one"))).unwrap();
    let app = TestApp::start_with(Database::sqlite(), &[], |config| {
        config.breached_passwords = list.to_str().unwrap().to_owned();
    })
    .await;
    let form = [("name", "Ann"), ("email", "ann@example.org"), ("password", "a stolen long one")];
    let refused = Person::visitor(&app).form("/sign-up", &form).await;
    let place = refused.headers()["location"].to_str().unwrap().to_owned();
    assert!(place.starts_with("/sign-up?error=weak_password"), "{place}");
    let ann = Person::new(&app, "ann@example.org").await;
    let change = json!({ "current_password": PASSWORD, "new_password": "a stolen long one" });
    let (status, body) = ann.call(Method::POST, "/api/v1/account/password", change).await;
    assert_eq!(status, 400);
    assert!(body["error"]["message"].as_str().unwrap().contains("stolen"), "{body}");
    app.finish().await;
}

fn sha1(text: &str) -> String {
    let digest = ring::digest::digest(&ring::digest::SHA1_FOR_LEGACY_USE_ONLY, text.as_bytes());
    let letters: Vec<String> = digest.as_ref().iter().map(|byte| format!("{byte:02X}")).collect();
    letters.concat()
}
