//! Hourly and daily totals of organizations; [`super::fold`] makes them.

use sqlx::FromRow;

use super::Store;
use super::page_totals::Spent;

/// Totals of one day (or hour), model and endpoint, grouped further by the query that made them.
#[derive(Clone, Debug, Default, PartialEq, Eq, FromRow)]
pub struct UsageRow {
    /// Days (or hours) since the epoch.
    pub period: i64,
    pub model_id: String,
    pub endpoint_id: String,
    pub provider_name: String,
    /// Empty unless asked for.
    pub workspace_id: String,
    pub requests: i64,
    pub prompt_tokens: i64,
    pub completion_tokens: i64,
    pub reasoning_tokens: i64,
    pub cached_tokens: i64,
    pub cost_nanos: i64,
    /// At list price, what providers billed to own keys.
    pub own_cost_nanos: i64,
}

/// What usage is added up by.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum UsageBy {
    #[default]
    Model,
    Key,
    App,
    Provider,
    /// By who made the key.
    Member,
}

impl UsageBy {
    /// The dimension of [`super::page_totals`]; members are known by their keys.
    #[must_use]
    pub const fn dimension(self) -> &'static str {
        match self {
            Self::Model => "model",
            Self::Key | Self::Member => "key",
            Self::App => "app",
            Self::Provider => "provider",
        }
    }
}

/// Whose usage, and when.
#[derive(Clone, Copy, Debug, Default)]
pub struct UsageScope<'a> {
    pub organization_id: &'a str,
    /// Empty for all keys.
    pub key_id: &'a str,
    /// Only what keys of this user did; empty for everybody's.
    pub user_id: &'a str,
    /// Minutes or hours since the epoch, the last one excluded.
    pub from: i64,
    pub to: i64,
    pub is_hourly: bool,
    pub by: UsageBy,
}

/// Whose days, and which.
#[derive(Clone, Copy, Debug, Default)]
pub struct DailyScope<'a> {
    pub organization_id: &'a str,
    /// Empty for all keys.
    pub key_id: &'a str,
    /// Only what keys of this user did; empty for everybody's. Requests without a key are
    /// not told apart by user.
    pub user_id: &'a str,
    /// Empty for all workspaces.
    pub workspace_id: &'a str,
    /// Days since the epoch, the last one excluded.
    pub from: i64,
    pub to: i64,
    /// A row for each workspace.
    pub is_by_workspace: bool,
}

/// The sums of a table by a column.
macro_rules! usage_by {
    ($requests:literal, $from:literal, $column:literal) => {
        concat!(
            "SELECT ",
            $from,
            " AS period, ",
            $column,
            " AS id, ",
            $requests,
            " AS requests, CAST(SUM(prompt_tokens + completion_tokens) AS BIGINT) AS tokens, \
             CAST(SUM(cost_nanos) AS BIGINT) AS cost_nanos FROM "
        )
    };
    (hourly, $column:literal) => {
        concat!(
            usage_by!("CAST(SUM(requests) AS BIGINT)", "hour", $column),
            "usage_hourly WHERE organization_id = $1 AND ($2 = '' OR key_id = $2) AND hour >= $3 AND hour < $4 AND ($5 = '' \
             OR key_id IN (SELECT id FROM api_keys WHERE organization_id = $1 AND creator_user_id = $5)) GROUP BY 1, 2"
        )
    };
    (minutes, $column:literal) => {
        concat!(
            usage_by!("COUNT(*)", "created_at / 60000", $column),
            "generations WHERE organization_id = $1 AND ($2 = '' OR key_id = $2) AND created_at >= $3 * 60000 \
             AND created_at < $4 * 60000 AND ($5 = '' OR key_id IN \
             (SELECT id FROM api_keys WHERE organization_id = $1 AND creator_user_id = $5)) GROUP BY 1, 2"
        )
    };
}

impl Store {
    /// An organization's usage by hour (or minute) and by what the scope says.
    ///
    /// # Errors
    /// Any database error.
    pub async fn usage(&self, scope: &UsageScope<'_>) -> sqlx::Result<Vec<Spent>> {
        let text = match (scope.is_hourly, scope.by) {
            (true, UsageBy::Model) => usage_by!(hourly, "model_id"),
            (true, UsageBy::Key | UsageBy::Member) => usage_by!(hourly, "key_id"),
            (true, UsageBy::App) => usage_by!(hourly, "app_title"),
            (true, UsageBy::Provider) => usage_by!(hourly, "provider_name"),
            (false, UsageBy::Model) => usage_by!(minutes, "model_id"),
            (false, UsageBy::Key | UsageBy::Member) => usage_by!(minutes, "key_id"),
            (false, UsageBy::App) => usage_by!(minutes, "app_title"),
            (false, UsageBy::Provider) => usage_by!(minutes, "provider_name"),
        };
        sqlx::query_as(text)
            .bind(scope.organization_id)
            .bind(scope.key_id)
            .bind(scope.from)
            .bind(scope.to)
            .bind(scope.user_id)
            .fetch_all(self.pool())
            .await
    }

    /// Requests of an organization to free variants of models on a day since the epoch.
    ///
    /// # Errors
    /// Any database error.
    pub async fn free_requests(&self, organization_id: &str, day: i64) -> sqlx::Result<u64> {
        let count: i64 = sqlx::query_scalar(
            "SELECT CAST(COALESCE(SUM(requests), 0) AS BIGINT) FROM usage_daily \
             WHERE organization_id = $1 AND day = $2 AND model_id LIKE '%:free'",
        )
        .bind(organization_id)
        .bind(day)
        .fetch_one(self.pool())
        .await?;
        Ok(u64::try_from(count).unwrap_or(0))
    }

    /// An organization's days by model and endpoint. What was asked without a key belongs
    /// to the default workspace.
    ///
    /// # Errors
    /// Any database error.
    pub async fn daily_usage(&self, scope: &DailyScope<'_>) -> sqlx::Result<Vec<UsageRow>> {
        sqlx::query_as(
            "SELECT day AS period, model_id, endpoint_id, MAX(provider_name) AS provider_name, \
             CASE WHEN $7 = 1 THEN workspace_id ELSE '' END AS workspace_id, \
             CAST(SUM(requests) AS BIGINT) AS requests, CAST(SUM(prompt_tokens) AS BIGINT) AS prompt_tokens, \
             CAST(SUM(completion_tokens) AS BIGINT) AS completion_tokens, \
             CAST(SUM(reasoning_tokens) AS BIGINT) AS reasoning_tokens, \
             CAST(SUM(cached_tokens) AS BIGINT) AS cached_tokens, CAST(SUM(cost_nanos) AS BIGINT) AS cost_nanos, \
             CAST(SUM(own_cost_nanos) AS BIGINT) AS own_cost_nanos FROM \
             (SELECT u.*, COALESCE(k.creator_user_id, '') AS user_id, COALESCE(k.workspace_id, w.id, '') AS workspace_id \
             FROM usage_daily u LEFT JOIN api_keys k ON k.id = u.key_id \
             LEFT JOIN workspaces w ON w.organization_id = u.organization_id AND w.is_default = 1 \
             WHERE u.organization_id = $1 AND ($2 = '' OR u.key_id = $2) AND u.day >= $3 AND u.day < $4) AS days \
             WHERE ($5 = '' OR user_id = $5) AND ($6 = '' OR workspace_id = $6) \
             GROUP BY 1, 2, 3, 5 ORDER BY 1 DESC, 2, 3, 5",
        )
        .bind(scope.organization_id)
        .bind(scope.key_id)
        .bind(scope.from)
        .bind(scope.to)
        .bind(scope.user_id)
        .bind(scope.workspace_id)
        .bind(i64::from(scope.is_by_workspace))
        .fetch_all(self.pool())
        .await
    }
}
