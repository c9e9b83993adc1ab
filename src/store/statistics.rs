//! Public statistics, as pages read them; [`super::tally`] makes them.

use sqlx::FromRow;

use super::Store;

/// How an endpoint (or a provider) did in an hour.
#[derive(Clone, Debug, Default, PartialEq, Eq, FromRow)]
pub struct HealthRow {
    /// Hours since the epoch.
    pub hour: i64,
    /// Endpoint id or provider name.
    pub id: String,
    pub requests: i64,
    pub failures: i64,
}

/// How many answers of a slot of hours were so fast.
#[derive(Clone, Debug, Default, PartialEq, Eq, FromRow)]
pub struct SpeedRow {
    /// Slots since the epoch.
    pub slot: i64,
    pub id: String,
    /// `latency` or `throughput`.
    pub measure: String,
    pub bucket: i64,
    pub answers: i64,
}

/// Totals of one day under one name.
#[derive(Clone, Debug, Default, PartialEq, Eq, FromRow)]
pub struct PublicRow {
    pub day: i64,
    pub id: String,
    pub title: String,
    pub requests: i64,
    pub prompt_tokens: i64,
    pub completion_tokens: i64,
    pub is_simulated: i64,
}

impl Store {
    /// Hours of the endpoints of a model.
    ///
    /// # Errors
    /// Any database error.
    pub async fn model_health(&self, model_id: &str, from_hour: i64, to_hour: i64) -> sqlx::Result<Vec<HealthRow>> {
        sqlx::query_as(
            "SELECT hour, endpoint_id AS id, requests, failures FROM endpoint_hourly \
             WHERE model_id = $1 AND hour >= $2 AND hour < $3",
        )
        .bind(model_id)
        .bind(from_hour)
        .bind(to_hour)
        .fetch_all(self.pool())
        .await
    }

    /// Hours of the providers.
    ///
    /// # Errors
    /// Any database error.
    pub async fn provider_health(&self, from_hour: i64, to_hour: i64) -> sqlx::Result<Vec<HealthRow>> {
        sqlx::query_as(
            "SELECT hour, provider_name AS id, CAST(SUM(requests) AS BIGINT) AS requests, \
             CAST(SUM(failures) AS BIGINT) AS failures FROM endpoint_hourly \
             WHERE hour >= $1 AND hour < $2 GROUP BY hour, provider_name",
        )
        .bind(from_hour)
        .bind(to_hour)
        .fetch_all(self.pool())
        .await
    }

    /// Speeds of the endpoints of a model, or of all models when it is empty,
    /// in slots of `step` hours; over all models by model.
    ///
    /// # Errors
    /// Any database error.
    pub async fn speeds(&self, model_id: &str, from_hour: i64, to_hour: i64, step: i64) -> sqlx::Result<Vec<SpeedRow>> {
        let text = if model_id.is_empty() {
            "SELECT hour / $4 AS slot, model_id AS id, measure, bucket, CAST(SUM(answers) AS BIGINT) AS answers \
             FROM speed_hourly WHERE $1 = '' AND hour >= $2 AND hour < $3 GROUP BY 1, model_id, measure, bucket"
        } else {
            "SELECT hour / $4 AS slot, endpoint_id AS id, measure, bucket, CAST(SUM(answers) AS BIGINT) AS answers \
             FROM speed_hourly WHERE model_id = $1 AND hour >= $2 AND hour < $3 GROUP BY 1, endpoint_id, measure, bucket"
        };
        sqlx::query_as(text).bind(model_id).bind(from_hour).bind(to_hour).bind(step.max(1)).fetch_all(self.pool()).await
    }

    /// Days along a dimension by name, over all models or (when it is not empty) of one.
    ///
    /// # Errors
    /// Any database error.
    pub async fn public_days(
        &self,
        dimension: &str,
        model_id: &str,
        from_day: i64,
        to_day: i64,
    ) -> sqlx::Result<Vec<PublicRow>> {
        sqlx::query_as(
            "SELECT day, name AS id, MAX(title) AS title, CAST(SUM(requests) AS BIGINT) AS requests, \
             CAST(SUM(prompt_tokens) AS BIGINT) AS prompt_tokens, \
             CAST(SUM(completion_tokens) AS BIGINT) AS completion_tokens, MAX(is_simulated) AS is_simulated \
             FROM public_daily WHERE dimension = $1 AND ($2 = '' OR model_id = $2) AND day >= $3 AND day < $4 \
             GROUP BY day, name",
        )
        .bind(dimension)
        .bind(model_id)
        .bind(from_day)
        .bind(to_day)
        .fetch_all(self.pool())
        .await
    }

    /// Days along a dimension by model, over all names or (when it is not empty) under one.
    ///
    /// # Errors
    /// Any database error.
    pub async fn public_days_by_model(
        &self,
        dimension: &str,
        name: &str,
        from_day: i64,
        to_day: i64,
    ) -> sqlx::Result<Vec<PublicRow>> {
        sqlx::query_as(
            "SELECT day, model_id AS id, '' AS title, CAST(SUM(requests) AS BIGINT) AS requests, \
             CAST(SUM(prompt_tokens) AS BIGINT) AS prompt_tokens, \
             CAST(SUM(completion_tokens) AS BIGINT) AS completion_tokens, MAX(is_simulated) AS is_simulated \
             FROM public_daily WHERE dimension = $1 AND ($2 = '' OR name = $2) AND day >= $3 AND day < $4 \
             GROUP BY day, model_id",
        )
        .bind(dimension)
        .bind(name)
        .bind(from_day)
        .bind(to_day)
        .fetch_all(self.pool())
        .await
    }

    /// Requests and tokens along a dimension in some days: name, model, requests, tokens.
    ///
    /// # Errors
    /// Any database error.
    pub async fn public_names_by_model(
        &self,
        dimension: &str,
        from_day: i64,
        to_day: i64,
    ) -> sqlx::Result<Vec<(String, String, i64, i64)>> {
        sqlx::query_as(
            "SELECT name, model_id, CAST(SUM(requests) AS BIGINT), \
             CAST(SUM(prompt_tokens + completion_tokens) AS BIGINT) FROM public_daily \
             WHERE dimension = $1 AND day >= $2 AND day < $3 GROUP BY name, model_id",
        )
        .bind(dimension)
        .bind(from_day)
        .bind(to_day)
        .fetch_all(self.pool())
        .await
    }

    /// What the app at an address called itself last.
    ///
    /// # Errors
    /// Any database error.
    pub async fn app_title(&self, url: &str) -> sqlx::Result<Option<String>> {
        sqlx::query_scalar(
            "SELECT title FROM public_daily WHERE dimension = 'app' AND name = $1 ORDER BY day DESC LIMIT 1",
        )
        .bind(url)
        .fetch_optional(self.pool())
        .await
    }
}
