//! Google's API: `generateContent` and its relatives, and the catalog in Google's shape.

use std::sync::Arc;

use axum::Json;
use axum::body::Body;
use axum::extract::{Path, State};
use axum::http::Request;
use axum::http::request::Parts;
use axum::response::{IntoResponse as _, Response};
use serde::Deserialize;
use serde_json::{Value, json};

use super::caller::Caller;
use super::inference::{answer, read_body};
use super::input::Query;
use super::messages::check_models;
use crate::App;
use crate::catalog::Model;
use crate::dialects::answer::Inbound;
use crate::dialects::gemini::inbound::{Gemini, parse};
use crate::dialects::{BadField, Inference};
use crate::error::{Error, Result};
use crate::gateway::estimate;

/// Whose models Google's clients name without an author.
const AUTHOR: &str = "google";
/// Models on a page of the list, by default and at most.
const PAGE: (usize, usize) = (50, 1_000);
const METHODS: [&str; 3] = ["generateContent", "streamGenerateContent", "countTokens"];

/// `POST /api/v1beta/models/{model}:{method}`; a model's name may hold slashes and colons.
pub async fn call_model(
    State(app): State<Arc<App>>,
    Path(call): Path<String>,
    caller: Result<Caller>,
    request: Request<Body>,
) -> Response {
    let (model, method) = call.rsplit_once(':').unwrap_or((&call, ""));
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
    let body = read_body(request.into_body(), app.config.limits.inference_body_bytes).await?;
    // The prompt, or a whole request around it.
    let wrapped = serde_json::from_slice::<Value>(&body).ok().and_then(|mut value| {
        let names = ["generateContentRequest", "generate_content_request"];
        names.iter().find_map(|name| value.get_mut(*name).map(Value::take))
    });
    let inner = wrapped.filter(Value::is_object).map(|request| request.to_string().into_bytes());
    let inference = read(app, inner.as_deref().unwrap_or(&body), model, false)
        .map_err(|bad| Error::bad_request(bad.field, bad.message))?;
    check_models(app, &inference)?;
    Ok(estimate::prompt_tokens(&inference))
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ListQuery {
    page_size: Option<usize>,
    page_token: Option<String>,
}

/// `GET /api/v1beta/models` (public): the models that answer in text, newest first.
pub async fn list_models(State(app): State<Arc<App>>, query: Result<Query<ListQuery>, Error>) -> Response {
    let query = match query {
        Ok(Query(query)) => query,
        Err(error) => return refuse(error),
    };
    let catalog = app.catalog();
    let mut models: Vec<&Arc<Model>> = catalog
        .models
        .values()
        .filter(|model| model.architecture.output_modalities.iter().any(|modality| modality == "text"))
        .collect();
    models.sort_by(|a, b| b.created.cmp(&a.created).then_with(|| a.id.cmp(&b.id)));
    let after = query.page_token.as_ref().and_then(|token| models.iter().position(|model| model.id == *token));
    let from = after.map_or(0, |place| place.saturating_add(1));
    let to = from.saturating_add(query.page_size.unwrap_or(PAGE.0).clamp(1, PAGE.1)).min(models.len());
    let shown = models.get(from..to).unwrap_or_default();
    let mut body = json!({ "models": shown.iter().map(|model| on_wire(model)).collect::<Vec<_>>() });
    if let Some(last) = shown.last().filter(|_| to < models.len()) {
        body["nextPageToken"] = json!(last.id);
    }
    Json(body).into_response()
}

/// `GET /api/v1beta/models/{model}` (public).
pub async fn show_model(State(app): State<Arc<App>>, Path(name): Path<String>) -> Response {
    let name = name.strip_prefix("models/").unwrap_or(&name);
    match app.catalog().native_model(AUTHOR, name) {
        Some(model) => Json(on_wire(model)).into_response(),
        None => {
            refuse(Error::not_found(format!("No model is called `{name}`. GET /api/v1beta/models lists them all.")))
        }
    }
}

fn on_wire(model: &Model) -> Value {
    let top = model.endpoints.first();
    json!({
        "name": format!("models/{}", model.id),
        "baseModelId": model.id,
        "version": model.canonical_slug.rsplit('/').next(),
        "displayName": model.name,
        "description": model.description.clone().unwrap_or_default(),
        "inputTokenLimit": model.context_length,
        "outputTokenLimit": top.and_then(|endpoint| endpoint.max_output_tokens),
        "supportedGenerationMethods": METHODS,
        "thinking": model.supported_parameters.iter().any(|parameter| parameter == "reasoning"),
    })
}
