//! The beginning of the chains over all transfers.

use std::collections::HashSet;

use sqlx::AnyConnection;

use super::Store;

impl Store {
    /// Whether the transfers that are older than the chains were taken into one.
    ///
    /// # Errors
    /// Any database error.
    pub async fn has_chain_start(&self) -> sqlx::Result<bool> {
        let found: i64 = sqlx::query_scalar("SELECT COUNT(*) FROM chain_starts").fetch_one(self.pool()).await?;
        Ok(found > 0)
    }
}

/// Takes the right to begin; it holds when the transaction commits. `false` when another has it.
///
/// # Errors
/// Any database error.
pub async fn start(connection: &mut AnyConnection, now_ms: i64) -> sqlx::Result<bool> {
    sqlx::query("INSERT INTO chain_starts (id, transfers, created_at) VALUES (1, 0, $1) ON CONFLICT (id) DO NOTHING")
        .bind(now_ms)
        .execute(connection)
        .await
        .map(|done| done.rows_affected() > 0)
}

/// Notes how many transfers were taken in.
///
/// # Errors
/// Any database error.
pub async fn note(connection: &mut AnyConnection, transfers: i64) -> sqlx::Result<()> {
    sqlx::query("UPDATE chain_starts SET transfers = $1").bind(transfers).execute(connection).await.map(|_| ())
}

/// Ids of transfers no chain holds, oldest first.
///
/// # Errors
/// Any database error.
pub async fn unsealed(connection: &mut AnyConnection) -> sqlx::Result<Vec<String>> {
    // The transfers first: whatever another node writes later, it seals itself.
    let mut ids: Vec<String> =
        sqlx::query_scalar("SELECT id FROM transfers ORDER BY created_at, id").fetch_all(&mut *connection).await?;
    let seals: Vec<String> = sqlx::query_scalar("SELECT transfer_ids FROM seals").fetch_all(&mut *connection).await?;
    let sealed: HashSet<&str> = seals.iter().flat_map(|ids| ids.lines()).collect();
    ids.retain(|id| !sealed.contains(id.as_str()));
    Ok(ids)
}
