//! `POST /api/v1/route` (ours): how a request would be routed.

use std::sync::Arc;

use app::types::Envelope;
use axum::Json;
use axum::body::Body;
use axum::extract::State;
use axum::http::Request;
use serde_json::Value;

use super::caller::Caller;
use super::inference::read_question;
use crate::App;
use crate::dialects::chat_completions::parse;
use crate::error::{Error, Result};
use crate::gateway::route::Terms;
use crate::gateway::{explain, named, restrict};

/// # Errors
/// As for the request itself before it is sent anywhere.
pub async fn explain_route(
    State(app): State<Arc<App>>,
    caller: Result<Caller>,
    request: Request<Body>,
) -> Result<Json<Envelope<Value>>> {
    let requester = caller?.requester()?;
    let body = read_question(request.into_body(), &app.config).await?;
    let mut inference =
        parse::parse(&body).map_err(|bad| Error::BadRequest { field: bad.field, message: bad.message })?;
    named::apply_variants(&app.catalog(), &mut inference)?;
    restrict::narrow(&requester.policy, &mut inference);
    Ok(Json(Envelope { data: explain::explain(&app, &Terms::of(&app, &requester), &inference)? }))
}
