//! What attackers try against people and their sessions, each with how often it was tried.

use app::types::Money;
use patchbay::http::openapi;
use reqwest::{Method, Response};
use serde_json::json;

use crate::on_both_databases;
use crate::security::mailed;
use crate::support::person::{PASSWORD, Person};
use crate::support::{Database, TestApp, read};

/// What a browser says of a request that another site's page makes it send.
const ELSEWHERE: [&[(&str, &str)]; 5] = [
    &[("sec-fetch-site", "cross-site")],
    &[("sec-fetch-site", "same-site")],
    &[("origin", "https://evil.example")],
    &[("origin", "null")],
    &[("sec-fetch-site", "cross-site"), ("origin", "https://evil.example"), ("referer", "https://evil.example/")],
];

fn cookie_of(response: &Response) -> String {
    let cookie = response.headers()["set-cookie"].to_str().unwrap();
    cookie.split(';').next().unwrap().to_owned()
}

async fn sign_in(app: &TestApp, email: &str, password: &str, cookie: &str) -> Response {
    let mut form = url::form_urlencoded::Serializer::new(String::new());
    form.extend_pairs([("email", email), ("password", password)]);
    let request = app.request(Method::POST, "/sign-in").header("sec-fetch-site", "same-origin");
    let request = request.header("content-type", "application/x-www-form-urlencoded").header("cookie", cookie);
    request.body(form.finish()).send().await.unwrap()
}

fn encoded(text: &str) -> String {
    url::form_urlencoded::byte_serialize(text.as_bytes()).collect()
}

async fn status_with(app: &TestApp, cookie: &str) -> u16 {
    let request = app.request(Method::GET, "/api/v1/account").header("cookie", cookie);
    request.header("sec-fetch-site", "same-origin").send().await.unwrap().status().as_u16()
}

#[tokio::test(flavor = "multi_thread")]
async fn no_other_sites_page_changes_anything_with_a_visitors_cookie() {
    let app = TestApp::start(Database::sqlite(), &[]).await;
    app.app.users.sign_up("Ann", "ann@example.org", PASSWORD, false).await.unwrap();
    let cookie = cookie_of(&sign_in(&app, "ann@example.org", PASSWORD, "").await);
    assert_eq!(status_with(&app, &cookie).await, 200);

    let (mut tried, mut operations) = (0, 0);
    let document = serde_json::to_value(openapi::document()).unwrap();
    for (path, methods) in document["paths"].as_object().unwrap() {
        for method in methods.as_object().unwrap().keys().filter(|method| *method != "get") {
            let method: Method = method.to_uppercase().parse().unwrap();
            let real = format!("/api/v1{}", path.replace(['{', '}'], ""));
            let ask = || app.request(method.clone(), &real).json(&json!({ "name": "x" }));
            // What takes no caller takes no cookie either.
            if ask().send().await.unwrap().status() != 401 {
                continue;
            }
            operations += 1;
            for headers in ELSEWHERE {
                let request = headers
                    .iter()
                    .fold(ask().header("cookie", &cookie), |ask, (name, value)| ask.header(*name, *value));
                let status = request.send().await.unwrap().status().as_u16();
                assert_eq!(status, 401, "{method} {path} with {headers:?}");
                tried += 1;
            }
        }
    }
    for path in [
        "/form",
        "/confirm",
        "/auth/approve",
        "/sign-in",
        "/sign-in/code",
        "/sign-in/passkey",
        "/sign-in/passkey/begin",
        "/sign-up",
        "/sign-out",
        "/credits/purchase",
        "/credits/refund",
        "/credits/promo",
        "/credits/top-up",
        "/credits/receipt-address",
        "/credits/forget-card",
    ] {
        operations += 1;
        for headers in ELSEWHERE {
            let request = app.request(Method::POST, path).header("cookie", &cookie);
            let request =
                request.header("content-type", "application/x-www-form-urlencoded").body("email=a%40b.c&next=%2F");
            let request = headers.iter().fold(request, |request, (name, value)| request.header(*name, *value));
            let status = request.send().await.unwrap().status().as_u16();
            assert!([401, 403].contains(&status), "{path} with {headers:?} answers {status}");
            tried += 1;
        }
    }
    assert!(operations >= 75 && tried == operations * ELSEWHERE.len(), "{operations} operations, {tried} tries");
    assert_eq!(status_with(&app, &cookie).await, 200, "nobody was signed out either");
    println!("{tried} forged requests to {operations} operations changed nothing");
    app.finish().await;
}

on_both_databases! {
    async fn a_session_known_before_signing_in_is_worth_nothing_after(database: Database) {
        let app = TestApp::start(database, &[]).await;
        app.app.users.sign_up("Ann", "ann@example.org", PASSWORD, false).await.unwrap();
        // The attacker's own, which he made somebody's browser take.
        app.app.users.sign_up("Eve", "eve@example.org", PASSWORD, false).await.unwrap();
        let own = cookie_of(&sign_in(&app, "eve@example.org", PASSWORD, "").await);
        let planted = [
            own,
            "sid=AAAAAAAAAAAAAAAAAAAAAA".to_owned(),
            "sid=".to_owned(),
            "sid=../../etc/passwd".to_owned(),
        ];
        let tried = planted.len();
        for cookie in planted {
            let fresh = cookie_of(&sign_in(&app, "ann@example.org", PASSWORD, &cookie).await);
            assert_ne!(fresh, cookie);
            assert_eq!((status_with(&app, &fresh).await, status_with(&app, &cookie).await), (200, 401), "{cookie}");
            // Signing in again does not keep the session either.
            let again = cookie_of(&sign_in(&app, "ann@example.org", PASSWORD, &fresh).await);
            assert_ne!(again, fresh);
            assert_eq!((status_with(&app, &again).await, status_with(&app, &fresh).await), (200, 401), "{cookie}");
        }
        assert_eq!(tried, 4);
        app.finish().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn whether_there_is_an_account_is_told_neither_by_words_nor_by_work() {
    let app = TestApp::start(Database::sqlite(), &[]).await;
    for name in ["ann", "suspended"] {
        app.app.users.sign_up(name, &format!("{name}@example.org"), PASSWORD, false).await.unwrap();
    }
    sqlx::query("UPDATE users SET suspended_at = 1 WHERE email = 'suspended@example.org'")
        .execute(app.app.store.pool())
        .await
        .unwrap();
    let mut tried = 0;
    for (email, nobody) in [("ann@example.org", "ann@example.com"), ("suspended@example.org", "unheard-of@example.org")]
    {
        // The free tries and the first ones that have to wait.
        for round in 0..7 {
            let mut seen = Vec::new();
            for address in [email, nobody] {
                let before = app.app.users.hashes_worked_out();
                let answer = sign_in(&app, address, "a wrong password", "").await;
                let place = answer.headers()["location"].to_str().unwrap().replace(&encoded(address), "");
                seen.push((answer.status().as_u16(), place, app.app.users.hashes_worked_out() - before));
                tried += 1;
            }
            assert_eq!(seen[0], seen[1], "round {round} of {email}");
            assert_eq!(seen[0].2, u64::from(round < 5), "a hash for each try that counts: {seen:?}");
        }
    }
    // Thirty forms a minute may come from one network address.
    assert_eq!(tried, 28);
    let mut answers = Vec::new();
    for address in ["ann@example.org", "nobody@example.org", "no address"] {
        let before = app.app.users.hashes_worked_out();
        let request = app.request(Method::POST, "/api/v1/account/password-reset").json(&json!({ "email": address }));
        answers.push((read(request.send().await.unwrap()).await, app.app.users.hashes_worked_out() - before));
    }
    assert!(answers.iter().all(|answer| *answer == answers[0]) && answers.len() == 3, "{answers:?}");
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn whether_an_address_has_an_account_is_not_told_by_signing_up_either() {
    let app = TestApp::start_with(Database::sqlite(), &[], |config| config.confirm_sign_up = true).await;
    app.app.users.sign_up("Ann", "ann@example.org", PASSWORD, false).await.unwrap();
    let sign_up = async |email: &str| {
        let before = app.app.users.hashes_worked_out();
        let form = [("name", "X"), ("email", email), ("password", "another long one")];
        let answer = Person::visitor(&app).form("/sign-up", &form).await;
        let headers: Vec<String> = answer.headers().keys().map(ToString::to_string).collect();
        let place = answer.headers()["location"].to_str().unwrap().to_owned();
        (answer.status().as_u16(), place, headers, app.app.users.hashes_worked_out() - before)
    };
    let mut answers = Vec::new();
    for email in ["ann@example.org", "bob@example.org", "ANN@example.org", "cy@example.org"] {
        answers.push(sign_up(email).await);
    }
    assert!(answers.iter().all(|answer| *answer == answers[0]), "{answers:?}");
    assert_eq!((answers[0].1.as_str(), answers[0].3), ("/sign-up?sent=1", 1));
    let told: Vec<(String, String)> =
        sqlx::query_as("SELECT recipient, subject FROM letters ORDER BY recipient, created_at")
            .fetch_all(app.app.store.pool())
            .await
            .unwrap();
    let told: Vec<(&str, &str)> = told.iter().map(|(to, subject)| (to.as_str(), subject.as_str())).collect();
    let (known, new) = ("You have an account already", "Confirm your address");
    let expected =
        [("ann@example.org", known), ("ann@example.org", known), ("bob@example.org", new), ("cy@example.org", new)];
    assert_eq!(told, expected);
    // Nor by signing in with what was just chosen.
    let place = async |email: &str, password: &str| {
        let answer = sign_in(&app, email, password, "").await;
        assert!(answer.headers().get("set-cookie").is_none(), "{email}");
        answer.headers()["location"].to_str().unwrap().replace(&encoded(email), "")
    };
    assert!(place("ann@example.org", "another long one").await.starts_with("/sign-in?error=invalid"));
    assert!(place("bob@example.org", "another long one").await.starts_with("/sign-in?error=invalid"));
    let body = json!({ "token": mailed(&app, "bob@example.org").await });
    let finish = app.request(Method::POST, "/api/v1/account/verification/finish").json(&body);
    assert_eq!(finish.send().await.unwrap().status(), 200);
    let cookie = cookie_of(&sign_in(&app, "bob@example.org", "another long one", "").await);
    assert_eq!(status_with(&app, &cookie).await, 200);
    app.finish().await;
}

on_both_databases! {
    async fn nothing_that_works_once_works_twice(database: Database) {
        let app = TestApp::start(database, &[]).await;
        let ann = Person::new(&app, "ann@example.org").await;
        let mut refused = 0;
        let post = async |path: &str, body: serde_json::Value| {
            app.request(Method::POST, path).json(&body).send().await.unwrap().status().as_u16()
        };

        // The link that confirms an address.
        assert_eq!(ann.call(Method::POST, "/api/v1/account/verification", json!({})).await.0, 200);
        let body = json!({ "token": mailed(&app, "ann@example.org").await });
        assert_eq!(post("/api/v1/account/verification/finish", body.clone()).await, 200);
        for _ in 0..3 {
            assert_eq!(post("/api/v1/account/verification/finish", body.clone()).await, 400);
            refused += 1;
        }

        // An invitation.
        assert_eq!(ann.call(Method::POST, "/api/v1/organizations", json!({ "name": "Acme" })).await.0, 201);
        let invite = json!({ "email": "bob@example.org", "role": "member" });
        let (_, invited) = ann.call(Method::POST, "/api/v1/organization/invitations", invite).await;
        let token = invited["link"].as_str().unwrap().rsplit_once('=').unwrap().1.to_owned();
        let bob = Person::new(&app, "bob@example.org").await;
        let body = json!({ "token": token });
        assert_eq!(bob.call(Method::POST, "/api/v1/invitations/accept", body.clone()).await.0, 200);
        let eve = Person::new(&app, "eve@example.org").await;
        for person in [&bob, &eve, &ann] {
            let (status, _) = person.call(Method::POST, "/api/v1/invitations/accept", body.clone()).await;
            assert!((400..500).contains(&status), "{status}");
            refused += 1;
        }

        // An app's code: showing it again also ends the key.
        let wish = json!({ "callback_url": "https://app.example.org/back", "code_challenge": "v", "code_challenge_method": "plain" });
        let (_, code) = ann.call(Method::POST, "/api/v1/auth/keys/code", wish).await;
        let body = json!({ "code": code["data"]["id"], "code_verifier": "v", "code_challenge_method": "plain" });
        let request = app.request(Method::POST, "/api/v1/auth/keys").json(&body);
        let (status, made) = read(request.send().await.unwrap()).await;
        assert_eq!(status, 200, "{made}");
        for _ in 0..3 {
            assert_eq!(post("/api/v1/auth/keys", body.clone()).await, 403);
            refused += 1;
        }
        let key = app.request(Method::GET, "/api/v1/key").bearer_auth(made["key"].as_str().unwrap());
        assert_eq!(key.send().await.unwrap().status(), 401, "the key of a stolen code is ended");

        // The link to a new password, also for a password nobody would refuse.
        assert_eq!(post("/api/v1/account/password-reset", json!({ "email": "ann@example.org" })).await, 200);
        let body = json!({ "token": mailed(&app, "ann@example.org").await, "new_password": "another long one" });
        assert_eq!(post("/api/v1/account/password-reset/finish", body.clone()).await, 200);
        for _ in 0..3 {
            assert_eq!(post("/api/v1/account/password-reset/finish", body.clone()).await, 400);
            refused += 1;
        }

        // The cookie of a session that was signed out.
        let cookie = cookie_of(&sign_in(&app, "ann@example.org", "another long one", "").await);
        let out = app.request(Method::POST, "/sign-out").header("sec-fetch-site", "same-origin").header("cookie", &cookie);
        assert_eq!(out.send().await.unwrap().status(), 303);
        for _ in 0..3 {
            assert_eq!(status_with(&app, &cookie).await, 401);
            refused += 1;
        }
        assert_eq!(refused, 15);
        assert_eq!(app.member(Money::ZERO).await.available().await, Money::ZERO);
        app.finish().await;
    }
}
