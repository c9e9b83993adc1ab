//! Anthropic's API: `POST /messages`, token counts, and the catalog in Anthropic's shape.

use std::sync::Arc;

use axum::Json;
use axum::body::Body;
use axum::extract::{Path, State};
use axum::http::request::Parts;
use axum::http::{HeaderMap, Request};
use axum::response::{IntoResponse as _, Response};
use chrono::{DateTime, SecondsFormat};
use serde::Deserialize;
use serde_json::{Value, json};

use super::caller::Caller;
use super::inference::{answer, read_body};
use super::input::Query;
use super::models::{list_models, model_on_wire};
use crate::App;
use crate::catalog::Model;
use crate::catalog::filter::ModelsQuery;
use crate::dialects::answer::Inbound;
use crate::dialects::messages::inbound::{Messages, parse};
use crate::dialects::{BadField, Inference};
use crate::error::{Error, Result};
use crate::gateway::estimate;

/// Whose models Anthropic's clients name without an author.
const AUTHOR: &str = "anthropic";
/// Models on a page of the list, by default and at most.
const PAGE: (usize, usize) = (20, 1_000);

/// `POST /api/v1/messages`
pub async fn create_message(State(app): State<Arc<App>>, caller: Result<Caller>, request: Request<Body>) -> Response {
    let read = |parts: &Parts, body: &[u8]| {
        let inference = read(&app, &parts.headers, body)?;
        let inbound: Arc<dyn Inbound> = Arc::new(Messages::of(&inference));
        Ok((inference, inbound))
    };
    answer(&app, caller, request, &Messages::default(), "completions", read).await
}

/// `POST /api/v1/messages/count_tokens`: the tokens of a prompt, estimated.
pub async fn count_message_tokens(
    State(app): State<Arc<App>>,
    caller: Result<Caller>,
    request: Request<Body>,
) -> Response {
    match count(&app, caller, request).await {
        Ok(tokens) => Json(json!({ "input_tokens": tokens })).into_response(),
        Err(error) => error.respond(|body| Messages::default().error(body)),
    }
}

async fn count(app: &App, caller: Result<Caller>, request: Request<Body>) -> Result<u64> {
    caller?.requester()?;
    let (parts, body) = request.into_parts();
    let body = read_body(body, app.config.limits.inference_body_bytes).await?;
    let inference = read(app, &parts.headers, &body).map_err(|bad| Error::bad_request(bad.field, bad.message))?;
    check_models(app, &inference)?;
    Ok(estimate::prompt_tokens(&inference))
}

/// Passes when the catalog knows one of the models.
pub(super) fn check_models(app: &App, inference: &Inference) -> Result<()> {
    let catalog = app.catalog();
    if inference.models.iter().any(|name| catalog.model(name).is_some()) {
        return Ok(());
    }
    let model = inference.models.first().cloned().unwrap_or_default();
    let message = format!("No model is called `{model}`. GET /api/v1/models lists them all.");
    Err(Error::UnknownModel { model, message })
}

fn read(app: &App, headers: &HeaderMap, body: &[u8]) -> Result<Inference, BadField> {
    let betas = headers.get("anthropic-beta").and_then(|value| value.to_str().ok()).map(str::to_owned);
    let mut inference = parse(body, betas)?;
    let catalog = app.catalog();
    for name in &mut inference.models {
        if let Some(model) = catalog.native_model(AUTHOR, name) {
            name.clone_from(&model.id);
        }
    }
    Ok(inference)
}

/// The request comes from a client that speaks Anthropic's protocol.
pub fn is_anthropic(headers: &HeaderMap) -> bool {
    headers.contains_key("anthropic-version")
}

#[derive(Deserialize)]
pub struct ListQuery {
    limit: Option<usize>,
    before_id: Option<String>,
    after_id: Option<String>,
}

/// `GET /api/v1/models` (public): in Anthropic's shape for its clients.
///
/// # Errors
/// 400 naming the field and what it takes.
pub async fn list_models_for_caller(
    state: State<Arc<App>>,
    uri: axum::extract::OriginalUri,
    headers: HeaderMap,
    request: Request<Body>,
) -> Response {
    let (mut parts, _) = request.into_parts();
    if !is_anthropic(&headers) {
        let query = match parse_query::<ModelsQuery>(&mut parts, &state.0).await {
            Ok(query) => query,
            Err(error) => return error.into_response(),
        };
        return list_models(state, uri, query).await.into_response();
    }
    match parse_query::<ListQuery>(&mut parts, &state.0).await {
        Ok(Query(query)) => Json(page(&state.0, &query)).into_response(),
        Err(error) => error.respond(|body| Messages::default().error(body)),
    }
}

async fn parse_query<T: serde::de::DeserializeOwned>(parts: &mut Parts, app: &Arc<App>) -> Result<Query<T>> {
    <Query<T> as axum::extract::FromRequestParts<Arc<App>>>::from_request_parts(parts, app).await
}

/// A page of the models that answer in text, newest first.
fn page(app: &App, query: &ListQuery) -> Value {
    let catalog = app.catalog();
    let mut models: Vec<&Arc<Model>> = catalog
        .models
        .values()
        .filter(|model| model.architecture.output_modalities.iter().any(|modality| modality == "text"))
        .collect();
    models.sort_by(|a, b| b.created.cmp(&a.created).then_with(|| a.id.cmp(&b.id)));
    let place = |id: &Option<String>| id.as_ref().and_then(|id| models.iter().position(|model| model.id == *id));
    let limit = query.limit.unwrap_or(PAGE.0).clamp(1, PAGE.1);
    let (from, to) = match (place(&query.after_id), place(&query.before_id)) {
        (Some(after), _) => (after.saturating_add(1), models.len()),
        (None, Some(before)) => (before.saturating_sub(limit), before),
        (None, None) => (0, models.len()),
    };
    let to = to.min(from.saturating_add(limit));
    let shown = models.get(from..to).unwrap_or_default();
    let has_more = if query.before_id.is_some() { from > 0 } else { to < models.len() };
    json!({
        "data": shown.iter().map(|model| on_wire(model)).collect::<Vec<_>>(),
        "has_more": has_more,
        "first_id": shown.first().map(|model| &model.id),
        "last_id": shown.last().map(|model| &model.id),
    })
}

fn on_wire(model: &Model) -> Value {
    let created = DateTime::from_timestamp(model.created, 0).unwrap_or_default();
    json!({
        "type": "model",
        "id": model.id,
        "display_name": model.name,
        "created_at": created.to_rfc3339_opts(SecondsFormat::Secs, true),
        "max_input_tokens": model.context_length,
        "max_tokens": model.endpoints.first().and_then(|endpoint| endpoint.max_output_tokens),
    })
}

/// `GET /api/v1/models/{id}` (public): one model in Anthropic's shape for its
/// clients, else in OpenAI's with the original's fields.
pub async fn show_model_for_caller(
    State(app): State<Arc<App>>,
    Path(id): Path<String>,
    headers: HeaderMap,
) -> Response {
    show(&app, &id, &headers)
}

/// The same for `GET /api/v1/models/{author}/{slug}`.
pub async fn show_model_by_author(
    State(app): State<Arc<App>>,
    Path((author, slug)): Path<(String, String)>,
    headers: HeaderMap,
) -> Response {
    show(&app, &format!("{author}/{slug}"), &headers)
}

fn show(app: &App, id: &str, headers: &HeaderMap) -> Response {
    let catalog = app.catalog();
    let is_anthropic = is_anthropic(headers);
    let found = if is_anthropic { catalog.native_model(AUTHOR, id) } else { catalog.model(id) };
    match found {
        Some(model) if is_anthropic => Json(on_wire(model)).into_response(),
        Some(model) => {
            let mut fields = json!(model_on_wire(model));
            fields["object"] = json!("model");
            fields["owned_by"] = json!(model.id.split('/').next());
            Json(fields).into_response()
        }
        None => {
            let error = Error::not_found(format!("No model is called `{id}`. GET /api/v1/models lists them all."));
            if is_anthropic { error.respond(|body| Messages::default().error(body)) } else { error.into_response() }
        }
    }
}
