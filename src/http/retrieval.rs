//! `POST /embeddings` and `POST /rerank`, and the models that make embeddings.

use std::sync::Arc;

use app::types::models::ModelList;
use axum::Json;
use axum::body::Body;
use axum::extract::{OriginalUri, State};
use axum::http::Request;
use axum::http::request::Parts;
use axum::response::Response;

use super::caller::Caller;
use super::inference::answer;
use super::input::Query;
use super::models::list_models;
use crate::App;
use crate::catalog::filter::ModelsQuery;
use crate::dialects::answer::Inbound;
use crate::dialects::retrieval::{EmbeddingsBody, RerankBody, parse_embeddings, parse_rerank};
use crate::error::Result;

/// `POST /api/v1/embeddings`
pub async fn embed(State(app): State<Arc<App>>, caller: Result<Caller>, request: Request<Body>) -> Response {
    let read = |_: &Parts, body: &[u8]| {
        let (inference, body) = parse_embeddings(body)?;
        let inbound: Arc<dyn Inbound> = Arc::new(body);
        Ok((inference, inbound))
    };
    answer(&app, caller, request, &EmbeddingsBody::default(), "embeddings", read).await
}

/// `POST /api/v1/rerank`
pub async fn rerank(State(app): State<Arc<App>>, caller: Result<Caller>, request: Request<Body>) -> Response {
    let read = |_: &Parts, body: &[u8]| {
        let (inference, body) = parse_rerank(body)?;
        let inbound: Arc<dyn Inbound> = Arc::new(body);
        Ok((inference, inbound))
    };
    answer(&app, caller, request, &RerankBody::default(), "rerank", read).await
}

/// `GET /api/v1/embeddings/models` (public): the models that make embeddings.
///
/// # Errors
/// 400 naming the field and what it takes.
pub async fn list_embedding_models(
    state: State<Arc<App>>,
    uri: OriginalUri,
    Query(query): Query<ModelsQuery>,
) -> Result<Json<ModelList>> {
    let query = ModelsQuery { output_modalities: Some("embeddings".to_owned()), ..query };
    list_models(state, uri, Query(query)).await
}
