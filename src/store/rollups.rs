//! Hourly and daily totals, as pages read them; [`super::fold`] makes them.

use sqlx::FromRow;

use super::Store;
use super::statistics::PublicRow;

/// Totals of one day (or hour), model and endpoint, grouped further by the query that made them.
#[derive(Clone, Debug, Default, PartialEq, Eq, FromRow)]
pub struct UsageRow {
    /// Days (or hours) since the epoch.
    pub period: i64,
    pub model_id: String,
    pub endpoint_id: String,
    pub provider_name: String,
    pub requests: i64,
    pub prompt_tokens: i64,
    pub completion_tokens: i64,
    pub reasoning_tokens: i64,
    pub cached_tokens: i64,
    pub cost_nanos: i64,
}

/// Tokens of one day under one name, over all organizations.
#[derive(Clone, Debug, Default, PartialEq, Eq, FromRow)]
pub struct BoardDayRow {
    pub day: i64,
    /// Model id, provider name or app URL.
    pub id: String,
    pub title: String,
    pub tokens: i64,
    pub requests: i64,
    pub is_simulated: i64,
}

/// What usage is added up by.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum UsageBy {
    #[default]
    Model,
    Key,
    App,
    Provider,
}

/// Whose usage, and when.
#[derive(Clone, Copy, Debug, Default)]
pub struct UsageScope<'a> {
    pub organization_id: &'a str,
    /// Empty for all keys.
    pub key_id: &'a str,
    /// Hours or days since the epoch, the last one excluded.
    pub from: i64,
    pub to: i64,
    pub is_hourly: bool,
    pub by: UsageBy,
}

/// The sums of a table by a column, which takes the place of the model.
macro_rules! usage_by {
    ($table:literal, $period:literal, $column:literal) => {
        concat!(
            "SELECT ",
            $period,
            " AS period, ",
            $column,
            " AS model_id, '' AS endpoint_id, '' AS provider_name, CAST(SUM(requests) AS BIGINT) AS requests, \
             CAST(SUM(prompt_tokens) AS BIGINT) AS prompt_tokens, \
             CAST(SUM(completion_tokens) AS BIGINT) AS completion_tokens, \
             CAST(SUM(reasoning_tokens) AS BIGINT) AS reasoning_tokens, \
             CAST(SUM(cached_tokens) AS BIGINT) AS cached_tokens, CAST(SUM(cost_nanos) AS BIGINT) AS cost_nanos FROM ",
            $table,
            " WHERE organization_id = $1 AND ($2 = '' OR key_id = $2) AND ",
            $period,
            " >= $3 AND ",
            $period,
            " < $4 GROUP BY 1, 2"
        )
    };
}

impl Store {
    /// An organization's usage by period and by what the scope says, whose name stands in `model_id`.
    ///
    /// # Errors
    /// Any database error.
    pub async fn usage(&self, scope: &UsageScope<'_>) -> sqlx::Result<Vec<UsageRow>> {
        let text = match (scope.is_hourly, scope.by) {
            (false, UsageBy::Model) => usage_by!("usage_daily", "day", "model_id"),
            (false, UsageBy::Key) => usage_by!("usage_daily", "day", "key_id"),
            (false, UsageBy::App) => usage_by!("usage_daily", "day", "app_title"),
            (false, UsageBy::Provider) => usage_by!("usage_daily", "day", "provider_name"),
            (true, UsageBy::Model) => usage_by!("usage_hourly", "hour", "model_id"),
            (true, UsageBy::Key) => usage_by!("usage_hourly", "hour", "key_id"),
            (true, UsageBy::App) => usage_by!("usage_hourly", "hour", "app_title"),
            (true, UsageBy::Provider) => usage_by!("usage_hourly", "hour", "provider_name"),
        };
        sqlx::query_as(text)
            .bind(scope.organization_id)
            .bind(scope.key_id)
            .bind(scope.from)
            .bind(scope.to)
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

    /// An organization's days from `from_day` to before `to_day`, by model and endpoint.
    /// An empty `key_id` means all keys.
    ///
    /// # Errors
    /// Any database error.
    pub async fn daily_usage(
        &self,
        organization_id: &str,
        key_id: &str,
        from_day: i64,
        to_day: i64,
    ) -> sqlx::Result<Vec<UsageRow>> {
        sqlx::query_as(
            "SELECT day AS period, model_id, endpoint_id, MAX(provider_name) AS provider_name, \
             CAST(SUM(requests) AS BIGINT) AS requests, CAST(SUM(prompt_tokens) AS BIGINT) AS prompt_tokens, \
             CAST(SUM(completion_tokens) AS BIGINT) AS completion_tokens, \
             CAST(SUM(reasoning_tokens) AS BIGINT) AS reasoning_tokens, \
             CAST(SUM(cached_tokens) AS BIGINT) AS cached_tokens, CAST(SUM(cost_nanos) AS BIGINT) AS cost_nanos \
             FROM usage_daily WHERE organization_id = $1 AND ($2 = '' OR key_id = $2) AND day >= $3 AND day < $4 \
             GROUP BY day, model_id, endpoint_id ORDER BY day DESC, model_id, endpoint_id",
        )
        .bind(organization_id)
        .bind(key_id)
        .bind(from_day)
        .bind(to_day)
        .fetch_all(self.pool())
        .await
    }

    /// Tokens per day and model over all organizations.
    ///
    /// # Errors
    /// Any database error.
    pub async fn board_by_model(&self, from_day: i64, to_day: i64) -> sqlx::Result<Vec<BoardDayRow>> {
        Ok(self.public_days_by_model("model", "", from_day, to_day).await?.into_iter().map(BoardDayRow::from).collect())
    }

    /// Tokens per day and provider over all organizations.
    ///
    /// # Errors
    /// Any database error.
    pub async fn board_by_provider(&self, from_day: i64, to_day: i64) -> sqlx::Result<Vec<BoardDayRow>> {
        Ok(self.public_days("provider", "", from_day, to_day).await?.into_iter().map(BoardDayRow::from).collect())
    }

    /// Tokens per day and app over all organizations; requests that name no app are left out.
    ///
    /// # Errors
    /// Any database error.
    pub async fn board_by_app(&self, from_day: i64, to_day: i64) -> sqlx::Result<Vec<BoardDayRow>> {
        Ok(self.public_days("app", "", from_day, to_day).await?.into_iter().map(BoardDayRow::from).collect())
    }
}

impl From<PublicRow> for BoardDayRow {
    fn from(row: PublicRow) -> Self {
        Self {
            day: row.day,
            id: row.id,
            title: row.title,
            tokens: row.prompt_tokens + row.completion_tokens,
            requests: row.requests,
            is_simulated: row.is_simulated,
        }
    }
}
