//! Anthropic's API: `POST /messages` and token counts.

use std::sync::Arc;

use axum::Json;
use axum::body::Body;
use axum::extract::State;
use axum::http::request::Parts;
use axum::http::{HeaderMap, Request};
use axum::response::{IntoResponse as _, Response};
use serde_json::json;

use super::caller::Caller;
use super::inference::{answer, read_question};
use crate::App;
use crate::catalog::Model;
use crate::dialects::answer::Inbound;
use crate::dialects::messages::inbound::{Messages, parse};
use crate::dialects::{BadField, Inference};
use crate::error::{Error, Result};
use crate::gateway::estimate;

/// Whose models Anthropic's clients name without an author.
pub(super) const AUTHOR: &str = "anthropic";

/// `POST /api/v1/messages`
pub async fn create_message(State(app): State<Arc<App>>, caller: Result<Caller>, request: Request<Body>) -> Response {
    let read = |parts: &Parts, body: &[u8]| {
        let inference = read(&app, &parts.headers, body)?;
        let inbound: Arc<dyn Inbound> = Arc::new(Messages::of(&inference));
        Ok((inference, inbound))
    };
    answer(&app, caller, request, &Messages::default(), "completions", read).await
}

/// `POST /api/v1/messages/count_tokens`: the tokens of a prompt, counted for
/// OpenAI's models and estimated for the others.
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
    let body = read_question(body, &app.config).await?;
    let inference = read(app, &parts.headers, &body).map_err(|bad| Error::bad_request(bad.field, bad.message))?;
    let model = known_model(app, &inference)?;
    Ok(estimate::count_prompt_tokens(&model.id, inference).await)
}

/// The first of the models that the catalog knows.
pub(super) fn known_model(app: &App, inference: &Inference) -> Result<Arc<Model>> {
    let catalog = app.catalog();
    if let Some(model) = inference.models.iter().find_map(|name| catalog.model(name)) {
        return Ok(Arc::clone(model));
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
