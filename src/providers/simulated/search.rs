//! A search engine that speaks Exa's protocol and makes its pages up.

use axum::Json;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse as _, Response};
use serde_json::{Value, json};

use super::reply::JsonBody;
use super::{Seen, Simulator};

/// `POST /search`: as many pages as are asked for, each of which says that it is simulated.
pub async fn search(State(simulator): State<Simulator>, headers: HeaderMap, JsonBody(body): JsonBody) -> Response {
    let has_credential = headers.contains_key("x-api-key");
    let query = body.get("query").and_then(Value::as_str).unwrap_or_default().to_owned();
    let results = body.get("numResults").and_then(Value::as_u64).unwrap_or(10).min(100);
    simulator.note(Seen {
        path: "/search".to_owned(),
        model: String::new(),
        is_streamed: false,
        has_credential,
        fault: None,
        body,
    });
    if !has_credential {
        return (StatusCode::UNAUTHORIZED, Json(json!({ "error": "x-api-key is missing" }))).into_response();
    }
    let page = |number: u64| {
        json!({
            "id": format!("https://simulated.example/{number}"),
            "url": format!("https://simulated.example/{number}"),
            "title": format!("Simulated page {number}"),
            "text": format!("This page is simulated. It stands for what a search engine would find for: {query}"),
        })
    };
    Json(json!({ "requestId": "simulated", "results": (1..=results).map(page).collect::<Vec<_>>() })).into_response()
}
