//! Hourly and daily totals, as pages read them; [`super::fold`] makes them.

use sqlx::FromRow;

use super::Store;

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

impl Store {
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
    /// An empty `key_id` means all keys, an empty `user_id` everybody's; requests without a
    /// key are not told apart by user.
    ///
    /// # Errors
    /// Any database error.
    pub async fn daily_usage(
        &self,
        organization_id: &str,
        key_id: &str,
        user_id: &str,
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
             AND ($5 = '' OR key_id IN (SELECT id FROM api_keys WHERE organization_id = $1 AND creator_user_id = $5)) \
             GROUP BY day, model_id, endpoint_id ORDER BY day DESC, model_id, endpoint_id",
        )
        .bind(organization_id)
        .bind(key_id)
        .bind(from_day)
        .bind(to_day)
        .bind(user_id)
        .fetch_all(self.pool())
        .await
    }

    /// Tokens per day and model over all organizations.
    ///
    /// # Errors
    /// Any database error.
    pub async fn board_by_model(&self, from_day: i64, to_day: i64) -> sqlx::Result<Vec<BoardDayRow>> {
        sqlx::query_as(
            "SELECT day, model_id AS id, '' AS title, \
             CAST(SUM(prompt_tokens + completion_tokens) AS BIGINT) AS tokens, \
             CAST(SUM(requests) AS BIGINT) AS requests, MAX(is_simulated) AS is_simulated \
             FROM usage_daily WHERE day >= $1 AND day < $2 GROUP BY day, model_id",
        )
        .bind(from_day)
        .bind(to_day)
        .fetch_all(self.pool())
        .await
    }

    /// Tokens per day and provider over all organizations.
    ///
    /// # Errors
    /// Any database error.
    pub async fn board_by_provider(&self, from_day: i64, to_day: i64) -> sqlx::Result<Vec<BoardDayRow>> {
        sqlx::query_as(
            "SELECT day, provider_name AS id, '' AS title, \
             CAST(SUM(prompt_tokens + completion_tokens) AS BIGINT) AS tokens, \
             CAST(SUM(requests) AS BIGINT) AS requests, MAX(is_simulated) AS is_simulated \
             FROM usage_daily WHERE day >= $1 AND day < $2 AND provider_name <> '' GROUP BY day, provider_name",
        )
        .bind(from_day)
        .bind(to_day)
        .fetch_all(self.pool())
        .await
    }

    /// Tokens per day and app over all organizations; requests that name no app are left out.
    ///
    /// # Errors
    /// Any database error.
    pub async fn board_by_app(&self, from_day: i64, to_day: i64) -> sqlx::Result<Vec<BoardDayRow>> {
        sqlx::query_as(
            "SELECT day, app_url AS id, MAX(app_title) AS title, \
             CAST(SUM(prompt_tokens + completion_tokens) AS BIGINT) AS tokens, \
             CAST(SUM(requests) AS BIGINT) AS requests, MAX(is_simulated) AS is_simulated \
             FROM usage_daily WHERE day >= $1 AND day < $2 AND app_url <> '' GROUP BY day, app_url",
        )
        .bind(from_day)
        .bind(to_day)
        .fetch_all(self.pool())
        .await
    }
}
