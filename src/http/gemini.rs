//! Google's API: `generateContent` and its relatives. Google's clients look for it
//! under `/api/v1beta` or `/api/v1`.

use std::sync::Arc;

use axum::Json;
use axum::body::Body;
use axum::extract::{Path, State};
use axum::http::Request;
use axum::http::request::Parts;
use axum::response::{IntoResponse as _, Response};
use serde_json::{Value, json};

use super::caller::Caller;
use super::inference::{answer, read_question};
use super::messages::known_model;
use crate::App;
use crate::dialects::answer::Inbound;
use crate::dialects::gemini::inbound::{Gemini, parse};
use crate::dialects::{BadField, Inference};
use crate::error::{Error, Result};
use crate::gateway::estimate;

/// Whose models Google's clients name without an author.
pub(super) const AUTHOR: &str = "google";
pub(super) const METHODS: [&str; 3] = ["generateContent", "streamGenerateContent", "countTokens"];

/// `POST /api/v1beta/models/{model}:{method}`; a model's name may hold slashes and colons.
pub async fn call_model(
    State(app): State<Arc<App>>,
    Path(call): Path<String>,
    caller: Result<Caller>,
    request: Request<Body>,
) -> Response {
    call_method(app, &call, caller, request).await
}

/// The same where the author of the model is a step of the path.
pub async fn call_model_by_author(
    State(app): State<Arc<App>>,
    Path((author, call)): Path<(String, String)>,
    caller: Result<Caller>,
    request: Request<Body>,
) -> Response {
    call_method(app, &format!("{author}/{call}"), caller, request).await
}

async fn call_method(app: Arc<App>, call: &str, caller: Result<Caller>, request: Request<Body>) -> Response {
    let (model, method) = call.rsplit_once(':').unwrap_or((call, ""));
    let model = model.strip_prefix("models/").unwrap_or(model).to_owned();
    match method {
        "generateContent" | "streamGenerateContent" => {
            let is_streamed = method == "streamGenerateContent";
            let is_array = is_streamed && !asks_for_events(&request);
            let wish = Gemini { is_array, ..Gemini::default() };
            let read = |_: &Parts, body: &[u8]| {
                let inference = read(&app, body, &model, is_streamed)?;
                let inbound: Arc<dyn Inbound> = Arc::new(Gemini::of(&inference, is_array));
                Ok((inference, inbound))
            };
            answer(&app, caller, request, &wish, "completions", read).await
        }
        "countTokens" => match count(&app, caller, &model, request).await {
            Ok(tokens) => Json(json!({ "totalTokens": tokens })).into_response(),
            Err(error) => refuse(error),
        },
        _ => refuse(Error::not_found(format!(
            "There is no method `{method}` of models here: use one of {}",
            METHODS.join(", ")
        ))),
    }
}

fn refuse(error: Error) -> Response {
    error.respond(|body| Gemini::default().error(body))
}

fn asks_for_events(request: &Request<Body>) -> bool {
    let query = request.uri().query().unwrap_or_default();
    url::form_urlencoded::parse(query.as_bytes()).any(|(name, value)| name == "alt" && value == "sse")
}

fn read(app: &App, body: &[u8], model: &str, is_streamed: bool) -> Result<Inference, BadField> {
    let mut inference = parse(body, model, is_streamed)?;
    let catalog = app.catalog();
    for name in &mut inference.models {
        if let Some(model) = catalog.native_model(AUTHOR, name) {
            name.clone_from(&model.id);
        }
    }
    Ok(inference)
}

async fn count(app: &App, caller: Result<Caller>, model: &str, request: Request<Body>) -> Result<u64> {
    caller?.requester()?;
    let body = read_question(request.into_body(), &app.config).await?;
    // The prompt, or a whole request around it.
    let wrapped = serde_json::from_slice::<Value>(&body).ok().and_then(|mut value| {
        let names = ["generateContentRequest", "generate_content_request"];
        names.iter().find_map(|name| value.get_mut(*name).map(Value::take))
    });
    let inner = wrapped.filter(Value::is_object).map(|request| request.to_string().into_bytes());
    let inference = read(app, inner.as_deref().unwrap_or(&body), model, false)
        .map_err(|bad| Error::bad_request(bad.field, bad.message))?;
    let model = known_model(app, &inference)?;
    Ok(estimate::count_prompt_tokens(&model.id, inference).await)
}
