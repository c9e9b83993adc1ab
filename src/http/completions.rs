//! `POST /completions`.

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
use crate::dialects::completions::{Completions, parse};
use crate::error::Result;

/// `POST /api/v1/completions`
pub async fn complete(State(app): State<Arc<App>>, caller: Result<Caller>, request: Request<Body>) -> Response {
    let read = |_: &Parts, body: &[u8]| {
        let (inference, completions) = parse(body)?;
        let inbound: Arc<dyn Inbound> = Arc::new(completions);
        Ok((inference, inbound))
    };
    answer(&app, caller, request, &Completions::default(), "completions", read).await
}
