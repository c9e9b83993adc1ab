//! Public leaderboards.

use std::sync::Arc;

use app::types::Envelope;
use app::types::rankings::{Board, BoardKind};
use axum::Json;
use axum::extract::State;
use serde::Deserialize;

use super::input::Query;
use crate::App;
use crate::clock::MS_PER_DAY;
use crate::error::{Error, Result};
use crate::rankings;

/// Query of `GET /rankings`.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct RankingsQuery {
    pub by: Option<String>,
    pub period: Option<String>,
}

/// `GET /api/v1/rankings` (ours, public): tokens by model, author, provider or app.
///
/// # Errors
/// 400 naming the values there are.
pub async fn show_rankings(
    State(app): State<Arc<App>>,
    Query(query): Query<RankingsQuery>,
) -> Result<Json<Envelope<Board>>> {
    let kind = match query.by.as_deref() {
        None | Some("" | "model") => BoardKind::Model,
        Some("author") => BoardKind::Author,
        Some("provider") => BoardKind::Provider,
        Some("app") => BoardKind::App,
        Some(_) => return Err(Error::bad_request("by", "by must be model, author, provider or app")),
    };
    let days = match query.period.as_deref() {
        Some("day") => 1,
        None | Some("" | "week") => 7,
        Some("month") => 30,
        Some("year") => 365,
        Some(_) => return Err(Error::bad_request("period", "period must be day, week, month or year")),
    };
    let to = app.clock.now_ms().div_euclid(MS_PER_DAY) + 1;
    let from = to - days;
    let rows = match kind {
        BoardKind::Model | BoardKind::Author => app.store.board_by_model(from - days, to).await?,
        BoardKind::Provider => app.store.board_by_provider(from - days, to).await?,
        BoardKind::App => app.store.board_by_app(from - days, to).await?,
    };
    let catalog = app.catalog();
    let name = |id: &str, title: &str| match kind {
        BoardKind::Model => catalog.model(id).map_or_else(|| id.to_owned(), |model| model.name.clone()),
        _ if !title.is_empty() => title.to_owned(),
        _ => id.to_owned(),
    };
    Ok(Json(Envelope { data: rankings::board(kind, &rows, from, to, &name) }))
}
