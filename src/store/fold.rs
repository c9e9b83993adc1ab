//! Generations into hourly and daily totals, exactly once.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use sqlx::{AnyConnection, FromRow};

use super::bulk::Bulk;
use super::page_totals::{Group as SpentGroup, SpentSums};
use super::{Store, tally};

/// What belongs together: hour (or day) since the epoch, organization, key, model, endpoint, app.
type Group = (i64, String, String, String, String, String);

/// The new requests of one group.
#[derive(Clone, Debug, Default, FromRow)]
struct Totals {
    /// Hours (or days) since the epoch.
    period: i64,
    organization_id: String,
    key_id: String,
    model_id: String,
    endpoint_id: String,
    provider_name: String,
    app_url: String,
    app_title: String,
    is_simulated: i64,
    requests: i64,
    failures: i64,
    prompt_tokens: i64,
    completion_tokens: i64,
    reasoning_tokens: i64,
    cached_tokens: i64,
    cost_nanos: i64,
    /// At list price, what providers billed to own keys.
    own_cost_nanos: i64,
}

impl Totals {
    fn group(&self, period: i64) -> Group {
        let [organization, key, model, endpoint, app] =
            [&self.organization_id, &self.key_id, &self.model_id, &self.endpoint_id, &self.app_url].map(Clone::clone);
        (period, organization, key, model, endpoint, app)
    }

    fn add(&mut self, more: &Self) {
        self.provider_name.clone_from(&more.provider_name);
        self.app_title.clone_from(&more.app_title);
        self.is_simulated = self.is_simulated.max(more.is_simulated);
        self.requests += more.requests;
        self.failures += more.failures;
        self.prompt_tokens += more.prompt_tokens;
        self.completion_tokens += more.completion_tokens;
        self.reasoning_tokens += more.reasoning_tokens;
        self.cached_tokens += more.cached_tokens;
        self.cost_nanos += more.cost_nanos;
        self.own_cost_nanos += more.own_cost_nanos;
    }
}

const NEW: &str = "SELECT created_at / 3600000 AS period, organization_id, key_id, model_id, endpoint_id, \
     MAX(provider_name) AS provider_name, app_url, MAX(app_title) AS app_title, MAX(is_simulated) AS is_simulated, \
     COUNT(*) AS requests, CAST(SUM(CASE WHEN error IS NULL THEN 0 ELSE 1 END) AS BIGINT) AS failures, \
     CAST(SUM(prompt_tokens) AS BIGINT) AS prompt_tokens, CAST(SUM(completion_tokens) AS BIGINT) AS completion_tokens, \
     CAST(SUM(reasoning_tokens) AS BIGINT) AS reasoning_tokens, CAST(SUM(cached_tokens) AS BIGINT) AS cached_tokens, \
     CAST(SUM(cost_nanos) AS BIGINT) AS cost_nanos, \
     CAST(SUM(CASE WHEN own_key_id <> '' AND error IS NULL THEN upstream_cost_nanos ELSE 0 END) AS BIGINT) \
     AS own_cost_nanos FROM generations WHERE node_id = $1 AND seq > $2 AND seq <= $3 \
     GROUP BY 1, organization_id, key_id, model_id, endpoint_id, app_url";

macro_rules! add_to {
    ($table:literal, $period:literal) => {
        Bulk::insert(
            concat!(
                "INSERT INTO ",
                $table,
                " (",
                $period,
                ", organization_id, key_id, model_id, endpoint_id, provider_name, app_url, app_title, is_simulated, \
                 requests, failures, prompt_tokens, completion_tokens, reasoning_tokens, cached_tokens, cost_nanos, \
                 own_cost_nanos)"
            ),
            17,
            concat!(
                "ON CONFLICT (",
                $period,
                ", organization_id, key_id, model_id, endpoint_id, app_url) DO UPDATE SET requests = ",
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
                ".cost_nanos + excluded.cost_nanos, own_cost_nanos = ",
                $table,
                ".own_cost_nanos + excluded.own_cost_nanos, app_title = excluded.app_title"
            ),
        )
    };
}

static ADD_HOURLY: LazyLock<Bulk> = LazyLock::new(|| add_to!("usage_hourly", "hour"));
static ADD_DAILY: LazyLock<Bulk> = LazyLock::new(|| add_to!("usage_daily", "day"));

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

/// At most this many generations of a node in one transaction: charges wait while it runs.
pub const FOLD_LIMIT: i64 = 2_000;

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

    /// Forgets every total, so that they are folded again from the generations.
    ///
    /// # Errors
    /// Any database error; everything is as it was then.
    pub async fn forget_totals(&self) -> sqlx::Result<()> {
        let mut tx = self.begin_write().await?;
        for text in [
            "DELETE FROM rollup_watermarks",
            "DELETE FROM usage_hourly",
            "DELETE FROM usage_daily",
            "DELETE FROM endpoint_hourly",
            "DELETE FROM speed_hourly",
            "DELETE FROM public_daily",
            "DELETE FROM activity_daily",
            "DELETE FROM board_daily",
        ] {
            sqlx::query(text).execute(&mut *tx).await?;
        }
        tx.commit().await
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
        let new: Vec<Totals> = sqlx::query_as(NEW).bind(node_id).bind(from).bind(to).fetch_all(&mut *tx).await?;
        add(&mut tx, &ADD_HOURLY, &new, 1).await?;
        add(&mut tx, &ADD_DAILY, &new, 24).await?;
        spent(&new).add(&mut tx).await?;
        tally::add(&mut tx, node_id, from, to).await?;
        sqlx::query("UPDATE rollup_watermarks SET seq = $2 WHERE node_id = $1")
            .bind(node_id)
            .bind(to)
            .execute(&mut *tx)
            .await?;
        tx.commit().await?;
        Ok(to - from)
    }
}

fn spent(new: &[Totals]) -> SpentSums {
    let mut sums = SpentSums::default();
    for row in new {
        sums.count(SpentGroup {
            organization_id: &row.organization_id,
            key_id: &row.key_id,
            day: row.period.div_euclid(24),
            model_id: &row.model_id,
            app_title: &row.app_title,
            provider_name: &row.provider_name,
            sums: [row.requests, row.prompt_tokens + row.completion_tokens, row.cost_nanos],
        });
    }
    sums
}

/// Adds to the totals of periods of so many hours. Rows are written in sorted
/// order, so that two nodes cannot wait for each other.
async fn add(connection: &mut AnyConnection, bulk: &Bulk, new: &[Totals], hours: i64) -> sqlx::Result<()> {
    let mut groups: BTreeMap<Group, Totals> = BTreeMap::new();
    for row in new {
        let period = row.period.div_euclid(hours);
        groups
            .entry(row.group(period))
            .and_modify(|totals| totals.add(row))
            .or_insert_with(|| Totals { period, ..row.clone() });
    }
    let rows: Vec<Totals> = groups.into_values().collect();
    bulk.execute(connection, &rows, |query, row| {
        query
            .bind(row.period)
            .bind(row.organization_id.as_str())
            .bind(row.key_id.as_str())
            .bind(row.model_id.as_str())
            .bind(row.endpoint_id.as_str())
            .bind(row.provider_name.as_str())
            .bind(row.app_url.as_str())
            .bind(row.app_title.as_str())
            .bind(row.is_simulated)
            .bind(row.requests)
            .bind(row.failures)
            .bind(row.prompt_tokens)
            .bind(row.completion_tokens)
            .bind(row.reasoning_tokens)
            .bind(row.cached_tokens)
            .bind(row.cost_nanos)
            .bind(row.own_cost_nanos)
    })
    .await
}
