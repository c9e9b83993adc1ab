//! Signing up, in and out with plain forms.

use app::types::Money;
use reqwest::{Method, Response};
use serde_json::json;

use crate::on_both_databases;
use crate::support::{Database, TestApp, read};

async fn post_form(app: &TestApp, path: &str, fields: &[(&str, &str)], cookie: Option<&str>) -> Response {
    let mut body = url::form_urlencoded::Serializer::new(String::new());
    body.extend_pairs(fields);
    let mut request = app
        .request(Method::POST, path)
        .header("content-type", "application/x-www-form-urlencoded")
        .header("sec-fetch-site", "same-origin")
        .body(body.finish());
    if let Some(cookie) = cookie {
        request = request.header("cookie", cookie);
    }
    request.send().await.expect("answers")
}

fn cookie_of(response: &Response) -> String {
    let cookie = response.headers()["set-cookie"].to_str().unwrap();
    assert!(cookie.contains("HttpOnly") && cookie.contains("SameSite=Lax"), "{cookie}");
    cookie.split(';').next().unwrap().to_owned()
}

fn location(response: &Response) -> String {
    response.headers()["location"].to_str().unwrap().to_owned()
}

on_both_databases! {
    async fn a_person_signs_up_sees_his_account_and_signs_out(database: Database) {
        let app = TestApp::start_with(database, &[], |config| config.sign_up_credit = Money::from_dollars(2)).await;
        let fields = [("name", "Ann"), ("email", "ann@example.org"), ("password", "a long enough one"), ("next", "/keys")];
        let response = post_form(&app, "/sign-up", &fields, None).await;
        assert_eq!((response.status().as_u16(), location(&response).as_str()), (303, "/keys"));
        let cookie = cookie_of(&response);

        let session = |cookie: String| {
            let request = app.request(Method::GET, "/api/v1/session").header("cookie", cookie);
            async move { read(request.header("sec-fetch-site", "same-origin").send().await.unwrap()).await.1 }
        };
        let seen = session(cookie.clone()).await;
        assert_eq!(seen["data"]["user"]["email"], "ann@example.org");
        assert_eq!(seen["data"]["user"]["available"].to_string(), "2");

        let from_elsewhere = app
            .request(Method::POST, "/api/v1/keys")
            .header("cookie", &cookie)
            .header("sec-fetch-site", "cross-site")
            .json(&json!({ "name": "stolen" }));
        assert_eq!(from_elsewhere.send().await.unwrap().status(), 401, "another site's page cannot use the cookie");
        let own = app
            .request(Method::POST, "/api/v1/keys")
            .header("cookie", &cookie)
            .header("sec-fetch-site", "same-origin")
            .json(&json!({ "name": "mine" }));
        assert_eq!(own.send().await.unwrap().status(), 201);

        let response = post_form(&app, "/sign-out", &[], Some(&cookie)).await;
        assert_eq!(response.status(), 303);
        assert_eq!(session(cookie).await["data"]["user"], json!(null), "the old cookie is worth nothing");

        let response = post_form(&app, "/sign-in", &fields, None).await;
        assert_eq!(response.status(), 303);
        let again = cookie_of(&response);
        assert_eq!(session(again).await["data"]["user"]["name"], "Ann");
        app.finish().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_taken_leads_back_with_the_reason() {
    let app = TestApp::start(Database::sqlite(), &[]).await;
    let sign_up = async |email: &str, password: &str| {
        location(&post_form(&app, "/sign-up", &[("email", email), ("password", password)], None).await)
    };
    assert!(
        sign_up("ann@example.org", "short").await.starts_with("/sign-up?error=weak_password&email=ann%40example.org")
    );
    assert!(sign_up("nonsense", "a long enough one").await.contains("error=bad_email"));
    assert_eq!(sign_up("ann@example.org", "a long enough one").await, "/activity");
    assert!(sign_up("ANN@example.org", "a long enough one").await.contains("error=taken"));
    let wrong = post_form(&app, "/sign-in", &[("email", "ann@example.org"), ("password", "wrong")], None).await;
    let unknown = post_form(&app, "/sign-in", &[("email", "bob@example.org"), ("password", "wrong")], None).await;
    assert_eq!(location(&wrong).replace("ann", "bob"), location(&unknown), "who exists is not told");
    let elsewhere = app
        .request(Method::POST, "/sign-in")
        .header("sec-fetch-site", "cross-site")
        .header("content-type", "application/x-www-form-urlencoded")
        .body("email=ann%40example.org&password=a+long+enough+one");
    assert_eq!(elsewhere.send().await.unwrap().status(), 403);
    app.finish().await;
}
