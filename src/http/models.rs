//! stub
use crate::App;
use axum::extract::State;
use std::sync::Arc;
pub async fn list_models(State(_app): State<Arc<App>>) {}
pub async fn count_models(State(_app): State<Arc<App>>) {}
pub async fn show_model(State(_app): State<Arc<App>>) {}
pub async fn list_endpoints(State(_app): State<Arc<App>>) {}
pub async fn list_providers(State(_app): State<Arc<App>>) {}
