//! The description of the API and the API itself.

use app::types::Money;
use patchbay::http::openapi;
use reqwest::Method;

use crate::support::{Database, TestApp, Upstream, read};

#[tokio::test(flavor = "multi_thread")]
async fn every_described_operation_exists_and_answers_as_described() {
    let upstream = Upstream::start("one").await;
    let app = TestApp::start(Database::sqlite(), &[&upstream]).await;
    let member = app.member(Money::from_dollars(1)).await;
    let (key, manager) = (member.key().await, member.management_key().await);
    let document = serde_json::to_value(openapi::document()).unwrap();
    let (_, served) = read(app.get("/api/v1/openapi.json").await).await;
    assert_eq!(served, document);
    let mut operations = 0;
    for (path, methods) in document["paths"].as_object().unwrap() {
        for (method, operation) in methods.as_object().unwrap() {
            let real = path.replace("{author}", "acme").replace("{slug}", "one").replace("{hash}", &key.hash);
            let method: Method = method.to_uppercase().parse().unwrap();
            let caller = if path.contains("keys") { &manager } else { &key };
            let request = caller.request(method.clone(), &format!("/api/v1{real}"));
            let request = if method == Method::GET { request } else { request.body("{}") };
            // Nothing is shared under a made-up link.
            if method == Method::DELETE || path.contains("{share_id}") {
                continue;
            }
            let (status, body) = read(request.send().await.unwrap()).await;
            // Nothing of this name may be there, but the route is.
            let is_route =
                status != 404 || !body["error"]["message"].as_str().unwrap_or_default().starts_with("There is no");
            assert!(is_route && status != 405 && status < 500, "{method} {path} answers {status}");
            let described = operation["responses"].as_object().unwrap();
            assert!(described.contains_key(&status.to_string()), "{method} {path}: {status} is not described");
            operations += 1;
        }
    }
    assert!(operations >= 20, "{operations}");
    let (status, body) = read(app.get("/api/v1/nothing").await).await;
    assert_eq!((status, body["error"]["code"].as_u64()), (404, Some(404)));
    app.finish().await;
}
