//! What requests ask for, as shares: `GET /api/v1/classifications/task`.

use serde::{Deserialize, Serialize};

/// Inside `data`. All shares are fractions of 1.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "ssr", derive(utoipa::ToSchema))]
pub struct TaskShares {
    /// The last day that counts, `YYYY-MM-DD`.
    pub as_of: String,
    pub window_days: u32,
    /// Most requests first.
    pub classifications: Vec<TaskShare>,
    pub macro_categories: Vec<TaskKindShare>,
}

/// One task.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "ssr", derive(utoipa::ToSchema))]
pub struct TaskShare {
    pub tag: String,
    pub display_name: String,
    /// `code`, `data`, `agent` or `general`.
    pub macro_category: String,
    /// Of all requests with a task.
    pub usage_share: f64,
    pub token_share: f64,
    /// Of the requests of its kind.
    pub category_usage_share: f64,
    pub category_token_share: f64,
    /// Most requests first.
    pub models: Vec<TaskModelShare>,
}

/// A model among the requests of a task.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "ssr", derive(utoipa::ToSchema))]
pub struct TaskModelShare {
    pub id: String,
    pub tag_usage_share: f64,
    pub tag_token_share: f64,
}

/// A kind of task.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "ssr", derive(utoipa::ToSchema))]
pub struct TaskKindShare {
    pub key: String,
    pub label: String,
    pub usage_share: f64,
    pub token_share: f64,
}
