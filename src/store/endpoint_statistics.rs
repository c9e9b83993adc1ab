//! How attempts at endpoints went, minute by minute and hour by hour, by node.

use std::sync::LazyLock;

use sqlx::FromRow;

use super::Store;
use super::bulk::Bulk;

/// One minute of one endpoint, as one node counted it.
#[derive(Clone, Debug, Default, PartialEq, Eq, FromRow)]
pub struct EndpointMinute {
    pub endpoint_id: String,
    /// Minutes since the epoch.
    pub period: i64,
    pub node_id: String,
    pub successes: i64,
    pub failures: i64,
    /// Distributions, in a form only their reader knows.
    pub latency: String,
    pub throughput: String,
}

/// One hour of one endpoint.
#[derive(Clone, Debug, Default, PartialEq, Eq, FromRow)]
pub struct EndpointHour {
    pub endpoint_id: String,
    /// Hours since the epoch.
    pub period: i64,
    pub successes: i64,
    pub failures: i64,
    pub sound_calls: i64,
    pub unsound_calls: i64,
}

static MINUTES: LazyLock<Bulk> = LazyLock::new(|| {
    Bulk::insert(
        "INSERT INTO endpoint_minutes (endpoint_id, period, node_id, successes, failures, latency, throughput)",
        7,
        "ON CONFLICT (period, endpoint_id, node_id) DO UPDATE SET successes = excluded.successes, \
         failures = excluded.failures, latency = excluded.latency, throughput = excluded.throughput",
    )
});
static HOURS: LazyLock<Bulk> = LazyLock::new(|| {
    Bulk::insert(
        "INSERT INTO endpoint_hours \
         (endpoint_id, period, node_id, successes, failures, sound_calls, unsound_calls)",
        7,
        "ON CONFLICT (period, endpoint_id, node_id) DO UPDATE SET successes = excluded.successes, \
         failures = excluded.failures, sound_calls = excluded.sound_calls, unsound_calls = excluded.unsound_calls",
    )
});

impl Store {
    /// Writes what a node counted, in place of what it wrote before.
    ///
    /// # Errors
    /// Any database error; nothing is written then.
    pub async fn write_endpoint_statistics(
        &self,
        node_id: &str,
        minutes: &[EndpointMinute],
        hours: &[EndpointHour],
    ) -> sqlx::Result<()> {
        let mut transaction = self.begin_write().await?;
        MINUTES
            .execute(&mut transaction, minutes, |query, row| {
                let query = query.bind(&*row.endpoint_id).bind(row.period).bind(node_id);
                query.bind(row.successes).bind(row.failures).bind(&*row.latency).bind(&*row.throughput)
            })
            .await?;
        HOURS
            .execute(&mut transaction, hours, |query, row| {
                let query = query.bind(&*row.endpoint_id).bind(row.period).bind(node_id);
                query.bind(row.successes).bind(row.failures).bind(row.sound_calls).bind(row.unsound_calls)
            })
            .await?;
        transaction.commit().await
    }

    /// What other nodes counted since a minute (since the epoch), this one included.
    ///
    /// # Errors
    /// Any database error.
    pub async fn endpoint_minutes(&self, since: i64, but_node: &str) -> sqlx::Result<Vec<EndpointMinute>> {
        sqlx::query_as(
            "SELECT endpoint_id, period, node_id, successes, failures, latency, throughput \
             FROM endpoint_minutes WHERE period >= $1 AND node_id <> $2",
        )
        .bind(since)
        .bind(but_node)
        .fetch_all(self.pool())
        .await
    }

    /// What other nodes counted since an hour (since the epoch), one row for each endpoint.
    ///
    /// # Errors
    /// Any database error.
    pub async fn endpoint_hours(&self, since: i64, but_node: &str) -> sqlx::Result<Vec<EndpointHour>> {
        sqlx::query_as(
            "SELECT endpoint_id, MAX(period) AS period, CAST(SUM(successes) AS BIGINT) AS successes, \
             CAST(SUM(failures) AS BIGINT) AS failures, CAST(SUM(sound_calls) AS BIGINT) AS sound_calls, \
             CAST(SUM(unsound_calls) AS BIGINT) AS unsound_calls \
             FROM endpoint_hours WHERE period >= $1 AND node_id <> $2 GROUP BY endpoint_id",
        )
        .bind(since)
        .bind(but_node)
        .fetch_all(self.pool())
        .await
    }

    /// Forgets counts before a minute and an hour, since the epoch.
    ///
    /// # Errors
    /// Any database error.
    pub async fn forget_endpoint_statistics(&self, minute: i64, hour: i64) -> sqlx::Result<()> {
        sqlx::query("DELETE FROM endpoint_minutes WHERE period < $1").bind(minute).execute(self.pool()).await?;
        sqlx::query("DELETE FROM endpoint_hours WHERE period < $1").bind(hour).execute(self.pool()).await?;
        Ok(())
    }
}
