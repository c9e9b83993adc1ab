//! Hourly and daily totals, folded from generations exactly once.

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

macro_rules! fold {
    ($table:literal, $period:literal, $length:literal) => {
        concat!(
            "INSERT INTO ",
            $table,
            " (",
            $period,
            ", organization_id, key_id, model_id, endpoint_id, provider_name, app_url, app_title, is_simulated, \
             requests, failures, prompt_tokens, completion_tokens, reasoning_tokens, cached_tokens, cost_nanos) \
             SELECT created_at / ",
            $length,
            ", organization_id, key_id, model_id, endpoint_id, MAX(provider_name), app_url, MAX(app_title), \
             MAX(is_simulated), COUNT(*), CAST(SUM(CASE WHEN error IS NULL THEN 0 ELSE 1 END) AS BIGINT), \
             CAST(SUM(prompt_tokens) AS BIGINT), CAST(SUM(completion_tokens) AS BIGINT), \
             CAST(SUM(reasoning_tokens) AS BIGINT), CAST(SUM(cached_tokens) AS BIGINT), \
             CAST(SUM(cost_nanos) AS BIGINT) \
             FROM generations WHERE node_id = $1 AND seq > $2 AND seq <= $3 \
             GROUP BY 1, organization_id, key_id, model_id, endpoint_id, app_url \
             ORDER BY 1, organization_id, key_id, model_id, endpoint_id, app_url \
             ON CONFLICT (",
            $period,
            ", organization_id, key_id, model_id, endpoint_id, app_url) DO UPDATE SET \
             requests = ",
            $table,
            ".requests + excluded.requests, failures = ",
            $table,
            ".failures + excluded.failures, prompt_tokens = ",
            $table,
            ".prompt_tokens + excluded.prompt_tokens, completion_tokens = ",
            $table,
            ".completion_tokens + excluded.completion_tokens, reasoning_tokens = ",
            $table,
            ".reasoning_tokens + excluded.reasoning_tokens, cached_tokens = ",
            $table,
            ".cached_tokens + excluded.cached_tokens, cost_nanos = ",
            $table,
            ".cost_nanos + excluded.cost_nanos, app_title = excluded.app_title"
        )
    };
}

/// Nodes with generations that are not folded yet, and the newest of each. Steps
/// from node to node through the index: reading all generations would take longer
/// with each of them.
const BEHIND: &str = "WITH RECURSIVE nodes (node_id) AS ( \
     SELECT MIN(node_id) FROM generations UNION ALL \
     SELECT (SELECT MIN(g.node_id) FROM generations g WHERE g.node_id > n.node_id) FROM nodes n \
     WHERE n.node_id IS NOT NULL), \
     newest (node_id, seq) AS ( \
     SELECT n.node_id, (SELECT MAX(g.seq) FROM generations g WHERE g.node_id = n.node_id) FROM nodes n \
     WHERE n.node_id IS NOT NULL) \
     SELECT newest.node_id, CAST(newest.seq AS BIGINT) FROM newest \
     LEFT JOIN rollup_watermarks w ON w.node_id = newest.node_id \
     WHERE newest.seq > COALESCE(w.seq, 0) ORDER BY newest.node_id";

/// At most this many generations in one transaction: charges wait while it runs.
const FOLD_LIMIT: i64 = 2_000;

impl Store {
    /// Folds what is new into the totals and moves the watermarks, all in one
    /// transaction a node. Returns how many generations were folded.
    ///
    /// # Errors
    /// Any database error; nothing was folded for that node then.
    pub async fn fold_generations(&self) -> sqlx::Result<i64> {
        let behind: Vec<(String, i64)> = sqlx::query_as(BEHIND).fetch_all(self.pool()).await?;
        let mut folded = 0;
        for (node_id, newest) in behind {
            folded += self.fold_node(&node_id, newest).await?;
        }
        Ok(folded)
    }

    async fn fold_node(&self, node_id: &str, newest: i64) -> sqlx::Result<i64> {
        let mut tx = self.begin_write().await?;
        // The write locks the watermark, so two nodes cannot fold the same rows.
        let from: i64 = sqlx::query_scalar(
            "INSERT INTO rollup_watermarks (node_id, seq) VALUES ($1, 0) \
             ON CONFLICT (node_id) DO UPDATE SET seq = rollup_watermarks.seq RETURNING seq",
        )
        .bind(node_id)
        .fetch_one(&mut *tx)
        .await?;
        let to = newest.min(from.saturating_add(FOLD_LIMIT));
        if to <= from {
            return Ok(0);
        }
        for text in [fold!("usage_hourly", "hour", "3600000"), fold!("usage_daily", "day", "86400000")] {
            sqlx::query(text).bind(node_id).bind(from).bind(to).execute(&mut *tx).await?;
        }
        sqlx::query("UPDATE rollup_watermarks SET seq = $2 WHERE node_id = $1")
            .bind(node_id)
            .bind(to)
            .execute(&mut *tx)
            .await?;
        tx.commit().await?;
        Ok(to - from)
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
