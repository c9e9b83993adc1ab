//! Where events of requests are sent to, and those on their way.

use sqlx::FromRow;

use super::Store;
use super::own_keys::revise;

/// One destination. Columns are described in the migration.
#[derive(Clone, Debug, Default, PartialEq, Eq, FromRow)]
pub struct DestinationRow {
    pub id: String,
    pub organization_id: String,
    pub workspace_id: String,
    pub kind: String,
    pub name: String,
    /// Sealed.
    pub config: String,
    pub is_enabled: i64,
    pub is_private: i64,
    pub per_myriad: i64,
    pub key_hashes: Option<String>,
    pub filter_rules: Option<String>,
    pub tells_cost: i64,
    pub tells_identity: i64,
    pub tells_context: i64,
    pub sent: i64,
    pub lost: i64,
    pub last_sent_at: Option<i64>,
    pub last_error: Option<String>,
    pub last_error_at: Option<i64>,
    pub created_at: i64,
    pub updated_at: i64,
}

/// An event on its way.
#[derive(Clone, Debug, PartialEq, Eq, FromRow)]
pub struct EventRow {
    pub id: String,
    pub destination_id: String,
    pub organization_id: String,
    pub sealed: String,
    /// Those before this one.
    pub tries: i64,
    pub created_at: i64,
}

/// The topic of destinations.
pub const TOPIC: &str = "observability";

macro_rules! columns {
    () => {
        "id, organization_id, workspace_id, kind, name, config, is_enabled, is_private, per_myriad, key_hashes, \
         filter_rules, tells_cost, tells_identity, tells_context, sent, lost, last_sent_at, last_error, \
         last_error_at, created_at, updated_at"
    };
}

impl Store {
    /// Destinations of an organization's workspace, of all its workspaces, or of everybody.
    ///
    /// # Errors
    /// Any database error.
    pub async fn destinations(&self, organization_id: &str, workspace_id: &str) -> sqlx::Result<Vec<DestinationRow>> {
        sqlx::query_as(concat!(
            "SELECT ",
            columns!(),
            " FROM observability_destinations WHERE deleted_at IS NULL AND ($1 = '' OR organization_id = $1) \
             AND ($2 = '' OR workspace_id = $2) ORDER BY created_at, id"
        ))
        .bind(organization_id)
        .bind(workspace_id)
        .fetch_all(self.pool())
        .await
    }

    /// Writes a new destination or all that its owners can change of an old one.
    ///
    /// # Errors
    /// Any database error.
    pub async fn put_destination(&self, row: &DestinationRow) -> sqlx::Result<()> {
        let mut transaction = self.begin_write().await?;
        sqlx::query(
            "INSERT INTO observability_destinations (id, organization_id, workspace_id, kind, name, config, is_enabled, \
             is_private, per_myriad, key_hashes, filter_rules, tells_cost, tells_identity, tells_context, created_at, \
             updated_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16) \
             ON CONFLICT (id) DO UPDATE SET name = excluded.name, config = excluded.config, \
             is_enabled = excluded.is_enabled, is_private = excluded.is_private, per_myriad = excluded.per_myriad, \
             key_hashes = excluded.key_hashes, filter_rules = excluded.filter_rules, \
             tells_cost = excluded.tells_cost, tells_identity = excluded.tells_identity, \
             tells_context = excluded.tells_context, updated_at = excluded.updated_at",
        )
        .bind(row.id.as_str())
        .bind(row.organization_id.as_str())
        .bind(row.workspace_id.as_str())
        .bind(row.kind.as_str())
        .bind(row.name.as_str())
        .bind(row.config.as_str())
        .bind(row.is_enabled)
        .bind(row.is_private)
        .bind(row.per_myriad)
        .bind(row.key_hashes.as_deref())
        .bind(row.filter_rules.as_deref())
        .bind(row.tells_cost)
        .bind(row.tells_identity)
        .bind(row.tells_context)
        .bind(row.created_at)
        .bind(row.updated_at)
        .execute(&mut *transaction)
        .await?;
        revise(&mut transaction, TOPIC).await?;
        transaction.commit().await
    }

    /// Lets a workspace's events go to its destinations. False when they do already.
    ///
    /// # Errors
    /// Any database error.
    pub async fn switch_broadcasts(&self, organization_id: &str, workspace_id: &str) -> sqlx::Result<bool> {
        sqlx::query("UPDATE workspaces SET broadcasts = 1 WHERE id = $1 AND organization_id = $2 AND broadcasts = 0")
            .bind(workspace_id)
            .bind(organization_id)
            .execute(self.pool())
            .await
            .map(|done| done.rows_affected() == 1)
    }

    /// Ends a destination: its secrets and what waits for it are gone. False when there was none.
    ///
    /// # Errors
    /// Any database error.
    pub async fn delete_destination(&self, organization_id: &str, id: &str, now: i64) -> sqlx::Result<bool> {
        let mut transaction = self.begin_write().await?;
        let done = sqlx::query(
            "UPDATE observability_destinations SET deleted_at = $3, config = '' \
             WHERE organization_id = $1 AND id = $2 AND deleted_at IS NULL",
        )
        .bind(organization_id)
        .bind(id)
        .bind(now)
        .execute(&mut *transaction)
        .await?;
        sqlx::query("DELETE FROM observability_outbox WHERE destination_id = $1 AND organization_id = $2")
            .bind(id)
            .bind(organization_id)
            .execute(&mut *transaction)
            .await?;
        revise(&mut transaction, TOPIC).await?;
        transaction.commit().await?;
        Ok(done.rows_affected() == 1)
    }

    /// Puts an event on its way unless `most` wait for its destination already. False then.
    ///
    /// # Errors
    /// Any database error.
    pub async fn post_event(&self, row: &EventRow, most: i64) -> sqlx::Result<bool> {
        let done = sqlx::query(
            "INSERT INTO observability_outbox (id, destination_id, organization_id, sealed, tries, next_at, created_at) \
             SELECT $1, $2, $3, $4, 0, $5, $5 WHERE \
             (SELECT COUNT(*) FROM observability_outbox WHERE destination_id = $2) < $6",
        )
        .bind(row.id.as_str())
        .bind(row.destination_id.as_str())
        .bind(row.organization_id.as_str())
        .bind(row.sealed.as_str())
        .bind(row.created_at)
        .bind(most)
        .execute(self.pool())
        .await?;
        Ok(done.rows_affected() == 1)
    }

    /// Takes events that are due, for so long that nobody else takes them.
    ///
    /// # Errors
    /// Any database error.
    pub async fn take_events(&self, now: i64, until: i64, limit: i64) -> sqlx::Result<Vec<EventRow>> {
        sqlx::query_as(
            "UPDATE observability_outbox SET next_at = $2, tries = tries + 1 WHERE next_at <= $1 AND id IN \
             (SELECT id FROM observability_outbox WHERE next_at <= $1 ORDER BY next_at, id LIMIT $3) \
             RETURNING id, destination_id, organization_id, sealed, tries - 1 AS tries, created_at",
        )
        .bind(now)
        .bind(until)
        .bind(limit)
        .fetch_all(self.pool())
        .await
    }

    /// Events on their way to a destination.
    ///
    /// # Errors
    /// Any database error.
    pub async fn waiting_events(&self, destination_id: &str) -> sqlx::Result<i64> {
        sqlx::query_scalar("SELECT COUNT(*) FROM observability_outbox WHERE destination_id = $1")
            .bind(destination_id)
            .fetch_one(self.pool())
            .await
    }

    /// Events that arrived, or that are given up.
    ///
    /// # Errors
    /// Any database error.
    pub async fn end_events(&self, ids: &[String]) -> sqlx::Result<()> {
        let mut transaction = self.begin_write().await?;
        for id in ids {
            sqlx::query("DELETE FROM observability_outbox WHERE id = $1")
                .bind(id.as_str())
                .execute(&mut *transaction)
                .await?;
        }
        transaction.commit().await
    }

    /// Events that are to be tried again at a time.
    ///
    /// # Errors
    /// Any database error.
    pub async fn delay_event(&self, id: &str, next_at: i64) -> sqlx::Result<()> {
        sqlx::query("UPDATE observability_outbox SET next_at = $2 WHERE id = $1")
            .bind(id)
            .bind(next_at)
            .execute(self.pool())
            .await
            .map(|_| ())
    }

    /// Notes what became of events: how many arrived, how many are lost, and what went wrong.
    ///
    /// # Errors
    /// Any database error.
    pub async fn note_delivery(
        &self,
        id: &str,
        sent: i64,
        lost: i64,
        error: Option<&str>,
        now: i64,
    ) -> sqlx::Result<()> {
        sqlx::query(
            "UPDATE observability_destinations SET sent = sent + $2, lost = lost + $3, \
             last_sent_at = CASE WHEN $2 > 0 THEN $5 ELSE last_sent_at END, \
             last_error = CASE WHEN $6 = 1 THEN $4 ELSE NULL END, \
             last_error_at = CASE WHEN $6 = 1 THEN $5 ELSE NULL END WHERE id = $1",
        )
        .bind(id)
        .bind(sent)
        .bind(lost)
        .bind(error.unwrap_or_default())
        .bind(now)
        .bind(i64::from(error.is_some()))
        .execute(self.pool())
        .await
        .map(|_| ())
    }

    /// Every event on its way, after an id, for their encryption under another key.
    ///
    /// # Errors
    /// Any database error.
    pub async fn all_events(&self, after: &str, limit: i64) -> sqlx::Result<Vec<EventRow>> {
        sqlx::query_as(
            "SELECT id, destination_id, organization_id, sealed, tries, created_at FROM observability_outbox \
             WHERE id > $1 ORDER BY id LIMIT $2",
        )
        .bind(after)
        .bind(limit)
        .fetch_all(self.pool())
        .await
    }

    /// The same event under another key.
    ///
    /// # Errors
    /// Any database error.
    pub async fn rewrap_event(&self, id: &str, sealed: &str) -> sqlx::Result<()> {
        sqlx::query("UPDATE observability_outbox SET sealed = $2 WHERE id = $1")
            .bind(id)
            .bind(sealed)
            .execute(self.pool())
            .await
            .map(|_| ())
    }
}
