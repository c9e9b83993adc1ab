//! Leaderboards from the roll-ups.

use serde::{Deserialize, Serialize};

use super::models::Percentiles;

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
    /// By what requests ask for.
    Task,
    /// By what requests are about.
    Category,
    /// By the language of questions.
    Language,
}

/// `GET /api/v1/rankings?by=model&period=week` (ours), inside `data`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "ssr", derive(utoipa::ToSchema))]
pub struct Board {
    /// Every day of the window in order, `YYYY-MM-DD`.
    pub days: Vec<String>,
    /// Most tokens first.
    pub rows: Vec<BoardRow>,
    /// What grew most against the window before, without its days.
    #[serde(default)]
    pub movers: Vec<BoardRow>,
    /// Tokens of everything, also what is below the last row.
    pub total_tokens: i64,
    /// Some of the traffic was simulated.
    pub has_simulated: bool,
    /// What the app of the query calls itself, where one was named and is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// What this app says it is for.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub categories: Vec<String>,
}

/// One line of a leaderboard.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "ssr", derive(utoipa::ToSchema))]
pub struct BoardRow {
    pub rank: u32,
    /// Model id, author slug, provider name, app URL, task, category or language.
    pub id: String,
    pub name: String,
    pub tokens: i64,
    /// Of the window before.
    #[serde(default)]
    pub tokens_before: i64,
    pub requests: i64,
    /// Percent of all tokens.
    pub share: f64,
    /// Percent against the window before; `None` when it was not there.
    pub change: Option<f64>,
    /// Tokens per day of the window.
    pub daily_tokens: Vec<i64>,
}

/// `GET /api/v1/rankings/speed` (ours), one of `data`: a model's speed in the last 24 hours.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "ssr", derive(utoipa::ToSchema))]
pub struct SpeedLine {
    pub id: String,
    pub name: String,
    pub answers: i64,
    /// Seconds to the first token.
    pub latency: Percentiles,
    /// Tokens per second.
    pub throughput: Option<Percentiles>,
}

/// `GET /api/v1/datasets/rankings-daily`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ssr", derive(utoipa::ToSchema))]
pub struct RankingsDaily {
    /// By date, then most tokens first; `other` is the last of its date.
    pub data: Vec<ModelDay>,
    pub meta: DatasetMeta,
}

/// A model's tokens of a day (or week, or month).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ssr", derive(utoipa::ToSchema))]
pub struct ModelDay {
    /// `YYYY-MM-DD`.
    pub date: String,
    /// The dated name, or `other`.
    pub model_permaslug: String,
    /// A whole number as text.
    pub total_tokens: String,
}

/// What a data set covers.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ssr", derive(utoipa::ToSchema))]
pub struct DatasetMeta {
    /// RFC 3339.
    pub as_of: String,
    pub start_date: String,
    pub end_date: String,
    pub version: String,
}

/// `GET /api/v1/datasets/app-rankings`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ssr", derive(utoipa::ToSchema))]
pub struct AppRankings {
    pub data: Vec<AppRanking>,
    pub meta: DatasetMeta,
}

/// An app's place.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ssr", derive(utoipa::ToSchema))]
pub struct AppRanking {
    pub app_id: i64,
    pub app_name: String,
    pub rank: u32,
    pub total_requests: i64,
    /// A whole number as text.
    pub total_tokens: String,
}
