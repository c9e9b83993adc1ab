//! Invented requests in great numbers, to measure pages on: made by the database
//! itself, day by day, with the totals that folding would make of them.

use std::fmt::Write as _;
use std::sync::LazyLock;

use sqlx::AnyConnection;

use super::{Store, tally};

/// The node whose requests they are.
pub const NODE: &str = "traffic";
const MS_PER_DAY: i64 = 86_400_000;

/// Whose requests are invented, and when.
#[derive(Clone, Copy, Debug)]
pub struct Traffic<'a> {
    /// Three in ten requests are its own; the others are spread over nine that nobody belongs to.
    pub organization_id: &'a str,
    pub workspace_id: &'a str,
    pub user_id: &'a str,
    /// Days since the epoch.
    pub day: i64,
    /// The first `seq` of the day.
    pub first: i64,
    pub rows: i64,
}

/// The keys of an organization are named after it, so that its own can be made beforehand.
pub const KEYS: i64 = 10;

/// Each key belongs to an app and asks five endpoints, the first one most; products of large
/// numbers stand for chance, so that the same rows are made everywhere.
const ROWS: &str = "INSERT INTO generations (id, node_id, seq, created_at, organization_id, workspace_id, key_id, user_id, \
     requested_model, model_id, endpoint_id, provider_slug, provider_name, is_simulated, price_id, app_url, app_title, \
     api_type, is_streamed, is_cancelled, is_estimated, prompt_tokens, completion_tokens, reasoning_tokens, \
     cached_tokens, cache_write_tokens, cost_nanos, upstream_cost_nanos, finish_reason, latency_ms, generation_ms, \
     attempts, status, error, task, language, category, prompt_images, prompt_media) \
     WITH RECURSIVE n (i) AS (SELECT CAST($1 AS BIGINT) UNION ALL SELECT i + 1 FROM n WHERE i + 1 < CAST($2 AS BIGINT)), \
     draws (i, a, b, c) AS (SELECT i, (i * 2654435761) % 4294967291 / 7, (i * 1597334677) % 4294967291 / 7, \
     (i * 3812015801) % 4294967291 / 7 FROM n), \
     offers (position, endpoint_id, model_id, provider_slug, provider_name) AS ( \
     SELECT ROW_NUMBER() OVER (ORDER BY e.id), e.id, e.model_id, e.provider_slug, p.name \
     FROM endpoints e JOIN providers p ON p.slug = e.provider_slug), \
     size (offers) AS (SELECT COUNT(*) FROM offers), \
     choices AS (SELECT i, a, b, c, CASE WHEN b % 10 < 3 THEN 0 ELSE 1 + b / 10 % 9 END AS organization, c % 10 AS key, \
     CASE WHEN c / 10 % 16 < 8 THEN 0 WHEN c / 10 % 16 < 12 THEN 1 WHEN c / 10 % 16 < 14 THEN 2 \
     WHEN c / 10 % 16 < 15 THEN 3 ELSE 4 END AS choice FROM draws), \
     requests AS (SELECT i, a, b, c, 1 + (organization * 50 + key * 5 + choice) * 7919 % offers AS position, \
     organization = 0 AS is_own, CASE WHEN organization = 0 THEN CAST($3 AS TEXT) ELSE 'traffic-' || organization END AS organization_id, \
     key, 1 + organization * 10 + key AS app, 200 + a / 10000 % 9000 AS prompt_tokens, \
     40 + b / 500 % 2200 AS completion_tokens, c / 90000 % 100 = 0 AS is_failed FROM choices, size) \
     SELECT 'gen-traffic-' || i, 'traffic', i, CAST($4 AS BIGINT) + (i - $1) * 86400000 / ($2 - $1), organization_id, \
     CASE WHEN is_own THEN CAST($5 AS TEXT) ELSE '' END, organization_id || '-key-' || key, \
     CASE WHEN is_own THEN CAST($6 AS TEXT) ELSE '' END, model_id, model_id, endpoint_id, provider_slug, provider_name, 1, '', \
     CASE WHEN app % 4 = 0 THEN '' ELSE 'https://app-' || app || '.example' END, \
     CASE WHEN app % 4 = 0 THEN '' ELSE 'App ' || app END, 'completions', 1, 0, 0, prompt_tokens, \
     CASE WHEN is_failed THEN 0 ELSE completion_tokens END, 0, \
     CASE WHEN c % 3 = 0 THEN prompt_tokens / 2 ELSE 0 END, 0, \
     CASE WHEN is_failed THEN 0 ELSE prompt_tokens * 500 + completion_tokens * 2000 END, 0, \
     CASE WHEN is_failed THEN 'error' WHEN a % 9 = 0 THEN 'tool_calls' ELSE 'stop' END, 180 + b % 12 * 90, \
     180 + b % 12 * 90 + completion_tokens * (5 + c % 4 * 5), '[]', CASE WHEN is_failed THEN 502 ELSE 200 END, \
     CASE WHEN is_failed THEN 'the simulated provider failed' END, \
     CASE WHEN app % 3 = 0 THEN 'code:general_impl' WHEN a % 5 = 0 THEN 'general:translation' ELSE 'general:conversation' END, \
     CASE WHEN b % 4 = 0 THEN 'de' WHEN b % 7 = 0 THEN 'ja' ELSE 'en' END, \
     CASE WHEN app % 3 = 0 THEN 'programming' WHEN a % 5 = 0 THEN 'translation' WHEN c % 11 = 0 THEN 'science' \
     WHEN c % 13 = 0 THEN 'legal' WHEN app % 7 = 1 THEN 'roleplay' ELSE '' END, \
     CASE WHEN a % 12 = 0 THEN 1 ELSE 0 END, CASE WHEN a % 12 = 0 THEN 1 ELSE 0 END \
     FROM requests JOIN offers ON offers.position = requests.position";

macro_rules! usage {
    ($table:literal, $period:literal, $ms:literal) => {
        concat!(
            "INSERT INTO ",
            $table,
            " (",
            $period,
            ", organization_id, key_id, model_id, endpoint_id, provider_name, app_url, app_title, is_simulated, requests, \
             failures, prompt_tokens, completion_tokens, reasoning_tokens, cached_tokens, cost_nanos) \
             SELECT created_at / ",
            $ms,
            ", organization_id, key_id, model_id, endpoint_id, MAX(provider_name), app_url, MAX(app_title), \
             MAX(is_simulated), COUNT(*), CAST(SUM(CASE WHEN error IS NULL THEN 0 ELSE 1 END) AS BIGINT), \
             CAST(SUM(prompt_tokens) AS BIGINT), CAST(SUM(completion_tokens) AS BIGINT), \
             CAST(SUM(reasoning_tokens) AS BIGINT), CAST(SUM(cached_tokens) AS BIGINT), CAST(SUM(cost_nanos) AS BIGINT) \
             FROM generations WHERE node_id = 'traffic' AND seq >= $1 AND seq < $2 \
             GROUP BY 1, organization_id, key_id, model_id, endpoint_id, app_url"
        )
    };
}

const ENDPOINTS: &str = "INSERT INTO endpoint_hourly (hour, model_id, endpoint_id, provider_name, requests, failures) \
     SELECT created_at / 3600000, model_id, endpoint_id, MAX(provider_name), COUNT(*), \
     CAST(SUM(CASE WHEN status >= 500 THEN 1 ELSE 0 END) AS BIGINT) \
     FROM generations WHERE node_id = 'traffic' AND seq >= $1 AND seq < $2 GROUP BY 1, model_id, endpoint_id";

macro_rules! public {
    ($dimension:literal, $name:literal, $title:literal, $if:literal) => {
        concat!(
            "INSERT INTO public_daily (dimension, day, model_id, name, title, is_simulated, requests, prompt_tokens, \
             completion_tokens) SELECT '",
            $dimension,
            "', created_at / 86400000, model_id, ",
            $name,
            ", ",
            $title,
            ", MAX(is_simulated), COUNT(*), CAST(SUM(prompt_tokens) AS BIGINT), CAST(SUM(completion_tokens) AS BIGINT) \
             FROM generations WHERE node_id = 'traffic' AND seq >= $1 AND seq < $2",
            $if,
            " GROUP BY 2, model_id, 4"
        )
    };
}

/// One statement for each table (and dimension) of totals.
const TOTALS: [&str; 12] = [
    usage!("usage_hourly", "hour", "3600000"),
    usage!("usage_daily", "day", "86400000"),
    ENDPOINTS,
    public!("model", "''", "''", ""),
    public!("provider", "provider_name", "''", ""),
    public!("app", "app_url", "MAX(app_title)", " AND app_url <> ''"),
    public!("tools", "''", "''", " AND finish_reason = 'tool_calls'"),
    public!("images", "''", "''", " AND prompt_images > 0"),
    public!(
        "length",
        "CASE WHEN prompt_tokens < 1000 THEN '1K' WHEN prompt_tokens < 10000 THEN '10K' ELSE '100K' END",
        "''",
        ""
    ),
    public!("task", "task", "''", " AND task <> ''"),
    public!("language", "language", "''", " AND language <> ''"),
    public!("category", "category", "''", " AND category <> ''"),
];

macro_rules! activity {
    ($dimension:literal, $name:literal) => {
        concat!(
            "INSERT INTO activity_daily (organization_id, key_id, dimension, day, name, requests, tokens, cost_nanos) \
             SELECT organization_id, key_id, '",
            $dimension,
            "', day, ",
            $name,
            ", CAST(SUM(requests) AS BIGINT), CAST(SUM(prompt_tokens + completion_tokens) AS BIGINT), \
             CAST(SUM(cost_nanos) AS BIGINT) FROM usage_daily WHERE day = $1 GROUP BY organization_id, key_id, day, 5"
        )
    };
}

macro_rules! board {
    ($dimension:literal, $of:literal, $name:literal) => {
        concat!(
            "INSERT INTO board_daily (dimension, day, name, title, is_simulated, requests, tokens) SELECT '",
            $dimension,
            "', day, ",
            $name,
            ", MAX(title), MAX(is_simulated), CAST(SUM(requests) AS BIGINT), \
             CAST(SUM(prompt_tokens + completion_tokens) AS BIGINT) FROM public_daily WHERE dimension = '",
            $of,
            "' AND day = $1 GROUP BY day, 3"
        )
    };
}

/// One statement for each dimension of what pages show.
const PAGES: [&str; 13] = [
    activity!("model", "model_id"),
    activity!("key", "key_id || ''"),
    activity!("app", "app_title"),
    activity!("provider", "provider_name"),
    activity!("all", "''"),
    "INSERT INTO activity_daily (organization_id, key_id, dimension, day, name, requests, tokens, cost_nanos) \
     SELECT organization_id, '*', dimension, day, name, CAST(SUM(requests) AS BIGINT), CAST(SUM(tokens) AS BIGINT), \
     CAST(SUM(cost_nanos) AS BIGINT) FROM activity_daily WHERE day = $1 GROUP BY organization_id, dimension, day, name",
    board!("model", "model", "model_id"),
    board!("author", "model", "RTRIM(RTRIM(model_id, REPLACE(model_id, '/', '')), '/')"),
    board!("provider", "provider", "name"),
    board!("app", "app", "name"),
    board!("task", "task", "name"),
    board!("language", "language", "name"),
    board!("category", "category", "name"),
];

/// Speeds fall into the buckets of [`tally::bucket`], which are listed: SQLite knows no logarithm.
static SPEEDS: LazyLock<String> = LazyLock::new(|| {
    let mut buckets = String::new();
    let mut from = 1;
    for value in 2..200_001 {
        if tally::bucket(value) != tally::bucket(from) {
            let _ = write!(buckets, "({}, {from}, {value}), ", tally::bucket(from));
            from = value;
        }
    }
    let _ = write!(buckets, "({}, {from}, {})", tally::bucket(from), i64::MAX);
    format!(
        "INSERT INTO speed_hourly (model_id, hour, endpoint_id, measure, bucket, answers) \
         WITH buckets (bucket, low, high) AS (VALUES {buckets}), \
         answers (model_id, hour, endpoint_id, measure, speed) AS ( \
         SELECT model_id, created_at / 3600000, endpoint_id, 'latency', latency_ms \
         FROM generations WHERE node_id = 'traffic' AND seq >= $1 AND seq < $2 AND status = 200 UNION ALL \
         SELECT model_id, created_at / 3600000, endpoint_id, 'throughput', completion_tokens * 10000 / generation_ms \
         FROM generations WHERE node_id = 'traffic' AND seq >= $1 AND seq < $2 AND status = 200 AND completion_tokens >= 8) \
         SELECT model_id, hour, endpoint_id, measure, bucket, COUNT(*) \
         FROM answers JOIN buckets ON speed >= low AND speed < high GROUP BY 1, 2, 3, 4, 5"
    )
});

impl Store {
    /// Whether any request was ever made.
    ///
    /// # Errors
    /// Any database error.
    pub async fn has_generations(&self) -> sqlx::Result<bool> {
        let first: Option<String> =
            sqlx::query_scalar("SELECT id FROM generations LIMIT 1").fetch_optional(self.pool()).await?;
        Ok(first.is_some())
    }

    /// Writes the requests of a day and their totals, which must be its only ones.
    ///
    /// # Errors
    /// Any database error; nothing was written then.
    pub async fn invent_day(&self, traffic: &Traffic<'_>) -> sqlx::Result<()> {
        let mut tx = self.begin_write().await?;
        let end = traffic.first + traffic.rows;
        sqlx::query(ROWS)
            .bind(traffic.first)
            .bind(end)
            .bind(traffic.organization_id)
            .bind(traffic.day * MS_PER_DAY)
            .bind(traffic.workspace_id)
            .bind(traffic.user_id)
            .execute(&mut *tx)
            .await?;
        total(&mut tx, traffic.first, end).await?;
        for text in PAGES {
            sqlx::query(text).bind(traffic.day).execute(&mut *tx).await?;
        }
        sqlx::query(
            "INSERT INTO rollup_watermarks (node_id, seq) VALUES ('traffic', $1) \
             ON CONFLICT (node_id) DO UPDATE SET seq = excluded.seq",
        )
        .bind(end - 1)
        .execute(&mut *tx)
        .await?;
        tx.commit().await
    }

    /// Tells the database what its tables hold, so that it finds short ways through them.
    ///
    /// # Errors
    /// Any database error.
    pub async fn analyze(&self) -> sqlx::Result<()> {
        sqlx::query("ANALYZE").execute(&mut *self.write_turn().await?).await.map(|_| ())
    }
}

async fn total(connection: &mut AnyConnection, first: i64, end: i64) -> sqlx::Result<()> {
    for text in TOTALS {
        sqlx::query(text).bind(first).bind(end).execute(&mut *connection).await?;
    }
    sqlx::query(sqlx::AssertSqlSafe(SPEEDS.as_str())).bind(first).bind(end).execute(&mut *connection).await?;
    Ok(())
}
