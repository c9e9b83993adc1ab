//! `POST /responses`.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::State;
use axum::http::Request;
use axum::http::request::Parts;
use axum::response::Response;

use super::caller::Caller;
use super::inference::answer;
use crate::App;
use crate::dialects::answer::Inbound;
use crate::dialects::responses::inbound::{Responses, parse};
use crate::error::Result;

/// `POST /api/v1/responses`
pub async fn create_response(State(app): State<Arc<App>>, caller: Result<Caller>, request: Request<Body>) -> Response {
    let read = |_: &Parts, body: &[u8]| {
        let inference = parse(body)?;
        let inbound: Arc<dyn Inbound> = Arc::new(Responses::of(&inference, app.clock.clone()));
        Ok((inference, inbound))
    };
    answer(&app, caller, request, &Responses::default(), "completions", read).await
}
