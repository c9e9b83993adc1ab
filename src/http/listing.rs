//! The list of models in the shape of the client that asks: the original's,
//! Anthropic's or Google's.

use std::sync::Arc;

use axum::Json;
use axum::body::Body;
use axum::extract::{FromRequestParts, OriginalUri, Path, State};
use axum::http::{HeaderMap, Request};
use axum::response::{IntoResponse as _, Response};
use chrono::{DateTime, SecondsFormat};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use super::input::Query;
use super::models::{self, model_on_wire};
use super::{feed, gemini, messages};
use crate::App;
use crate::catalog::filter::ModelsQuery;
use crate::catalog::{Catalog, Model};
use crate::dialects::answer::Inbound;
use crate::dialects::gemini::inbound::Gemini;
use crate::dialects::messages::inbound::Messages;
use crate::error::{Error, Result};

/// Models on a page of Anthropic's and of Google's list by default, and at most.
const ANTHROPIC_PAGE: usize = 20;
const GOOGLE_PAGE: usize = 50;
const MOST: usize = 1_000;

/// Whose client asks, told by the headers only it sends.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Client {
    Anthropic,
    Google,
    Any,
}

impl Client {
    fn of(headers: &HeaderMap) -> Self {
        if headers.contains_key("anthropic-version") {
            Self::Anthropic
        } else if headers.contains_key("x-goog-api-key") || headers.contains_key("x-goog-api-client") {
            Self::Google
        } else {
            Self::Any
        }
    }

    fn refuse(self, error: Error) -> Response {
        match self {
            Self::Anthropic => error.respond(|body| Messages::default().error(body)),
            Self::Google => error.respond(|body| Gemini::default().error(body)),
            Self::Any => error.into_response(),
        }
    }
}

/// `GET /api/v1/models` (public).
pub async fn list_models(state: State<Arc<App>>, uri: OriginalUri, request: Request<Body>) -> Response {
    let client = Client::of(request.headers());
    let answer = match client {
        Client::Anthropic => {
            query(request, &state.0).await.map(|query| Json(anthropic_page(&state.0, &query)).into_response())
        }
        Client::Google => {
            query(request, &state.0).await.map(|query| Json(google_page(&state.0, &query)).into_response())
        }
        Client::Any => match query(request, &state.0).await {
            Ok(query) => list(state, uri, query).await,
            Err(error) => Err(error),
        },
    };
    answer.unwrap_or_else(|error| client.refuse(error))
}

async fn list(state: State<Arc<App>>, uri: OriginalUri, query: ModelsQuery) -> Result<Response> {
    if query.is_feed()? {
        return feed::models_feed(&state.0, query);
    }
    models::list_models(state, uri, Query(query)).await.map(axum::response::IntoResponse::into_response)
}

async fn query<T: DeserializeOwned>(request: Request<Body>, app: &Arc<App>) -> Result<T> {
    let (mut parts, _) = request.into_parts();
    let Query(query) = <Query<T> as FromRequestParts<Arc<App>>>::from_request_parts(&mut parts, app).await?;
    Ok(query)
}

/// `GET /api/v1/models/{id}` (public): for any other client in OpenAI's shape, with
/// the original's fields.
pub async fn show_model(State(app): State<Arc<App>>, Path(id): Path<String>, headers: HeaderMap) -> Response {
    show(&app, &id, Client::of(&headers))
}

/// `GET /api/v1/models/{author}/{slug}` (public): the same.
pub async fn show_model_by_author(
    State(app): State<Arc<App>>,
    Path((author, slug)): Path<(String, String)>,
    headers: HeaderMap,
) -> Response {
    show(&app, &format!("{author}/{slug}"), Client::of(&headers))
}

/// `GET /api/v1beta/models` (public), in Google's shape.
pub async fn list_google_models(State(app): State<Arc<App>>, request: Request<Body>) -> Response {
    match query(request, &app).await {
        Ok(query) => Json(google_page(&app, &query)).into_response(),
        Err(error) => Client::Google.refuse(error),
    }
}

/// `GET /api/v1beta/models/{model}` (public), in Google's shape.
pub async fn show_google_model(State(app): State<Arc<App>>, Path(name): Path<String>) -> Response {
    show(&app, &name, Client::Google)
}

fn show(app: &App, id: &str, client: Client) -> Response {
    let catalog = app.catalog();
    let found = match client {
        Client::Anthropic => catalog.native_model(messages::AUTHOR, id).map(|model| anthropic(model)),
        Client::Google => catalog.native_model(gemini::AUTHOR, id).map(|model| google(model)),
        Client::Any => catalog.model(id).map(|model| {
            let mut fields = json!(model_on_wire(model));
            fields["object"] = json!("model");
            fields["owned_by"] = json!(model.id.split('/').next());
            fields
        }),
    };
    match found {
        Some(model) => Json(model).into_response(),
        None => {
            client.refuse(Error::not_found(format!("No model is called `{id}`. GET /api/v1/models lists them all.")))
        }
    }
}

/// The models that answer in text, newest first.
fn in_order(catalog: &Catalog) -> Vec<&Arc<Model>> {
    let writes = |model: &&Arc<Model>| model.architecture.output_modalities.iter().any(|modality| modality == "text");
    let mut models: Vec<&Arc<Model>> = catalog.models.values().filter(writes).collect();
    models.sort_by(|a, b| b.created.cmp(&a.created).then_with(|| a.id.cmp(&b.id)));
    models
}

#[derive(Deserialize)]
struct AnthropicQuery {
    limit: Option<usize>,
    before_id: Option<String>,
    after_id: Option<String>,
}

fn anthropic_page(app: &App, query: &AnthropicQuery) -> Value {
    let catalog = app.catalog();
    let models = in_order(&catalog);
    let place = |id: &Option<String>| id.as_ref().and_then(|id| models.iter().position(|model| model.id == *id));
    let limit = query.limit.unwrap_or(ANTHROPIC_PAGE).clamp(1, MOST);
    let (from, to) = match (place(&query.after_id), place(&query.before_id)) {
        (Some(after), _) => (after.saturating_add(1), models.len()),
        (None, Some(before)) => (before.saturating_sub(limit), before),
        (None, None) => (0, models.len()),
    };
    let to = to.min(from.saturating_add(limit));
    let shown = models.get(from..to).unwrap_or_default();
    let has_more = if query.before_id.is_some() { from > 0 } else { to < models.len() };
    json!({
        "data": shown.iter().map(|model| anthropic(model)).collect::<Vec<_>>(),
        "has_more": has_more,
        "first_id": shown.first().map(|model| &model.id),
        "last_id": shown.last().map(|model| &model.id),
    })
}

fn anthropic(model: &Model) -> Value {
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

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct GoogleQuery {
    page_size: Option<usize>,
    page_token: Option<String>,
}

fn google_page(app: &App, query: &GoogleQuery) -> Value {
    let catalog = app.catalog();
    let models = in_order(&catalog);
    let after = query.page_token.as_ref().and_then(|token| models.iter().position(|model| model.id == *token));
    let from = after.map_or(0, |place| place.saturating_add(1));
    let to = from.saturating_add(query.page_size.unwrap_or(GOOGLE_PAGE).clamp(1, MOST)).min(models.len());
    let shown = models.get(from..to).unwrap_or_default();
    let mut body = json!({ "models": shown.iter().map(|model| google(model)).collect::<Vec<_>>() });
    if let Some(last) = shown.last().filter(|_| to < models.len()) {
        body["nextPageToken"] = json!(last.id);
    }
    body
}

fn google(model: &Model) -> Value {
    json!({
        "name": format!("models/{}", model.id),
        "baseModelId": model.id,
        "version": model.canonical_slug.rsplit('/').next(),
        "displayName": model.name,
        "description": model.description.clone().unwrap_or_default(),
        "inputTokenLimit": model.context_length,
        "outputTokenLimit": model.endpoints.first().and_then(|endpoint| endpoint.max_output_tokens),
        "supportedGenerationMethods": gemini::METHODS,
        "thinking": model.supported_parameters.iter().any(|parameter| parameter == "reasoning"),
    })
}
