//! Leaderboards from the roll-ups.

use serde::{Deserialize, Serialize};

/// What a leaderboard counts by.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[cfg_attr(feature = "ssr", derive(utoipa::ToSchema))]
pub enum BoardKind {
    #[default]
    Model,
    Author,
    Provider,
    App,
}

/// `GET /api/v1/rankings?by=model&period=week` (ours), inside `data`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "ssr", derive(utoipa::ToSchema))]
pub struct Board {
    /// Every day of the window in order, `YYYY-MM-DD`.
    pub days: Vec<String>,
    /// Most tokens first.
    pub rows: Vec<BoardRow>,
    /// Tokens of everything, also what is below the last row.
    pub total_tokens: i64,
    /// Some of the traffic was simulated.
    pub has_simulated: bool,
}

/// One line of a leaderboard.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "ssr", derive(utoipa::ToSchema))]
pub struct BoardRow {
    pub rank: u32,
    /// Model id, author slug, provider name or app URL.
    pub id: String,
    pub name: String,
    pub tokens: i64,
    pub requests: i64,
    /// Percent of all tokens.
    pub share: f64,
    /// Percent against the window before; `None` when it was not there.
    pub change: Option<f64>,
    /// Tokens per day of the window.
    pub daily_tokens: Vec<i64>,
}
