//! Browser sessions. The caller gives the hash of the session's id, never the id.

use sqlx::FromRow;

use super::Store;

/// A session as it is stored.
#[derive(Clone, Debug, Default)]
pub struct SessionRow {
    pub id_hash: String,
    pub data: String,
    pub expires_at: i64,
    pub user_id: Option<String>,
    pub opened_at: i64,
    pub address: String,
    pub user_agent: String,
}

/// A session as its owner sees it.
#[derive(Clone, Debug, PartialEq, Eq, FromRow)]
pub struct OpenSessionRow {
    pub id: String,
    pub opened_at: i64,
    pub expires_at: i64,
    pub address: String,
    pub user_agent: String,
}

macro_rules! insert {
    () => {
        "INSERT INTO sessions (id, data, expires_at, user_id, opened_at, address, user_agent) \
         VALUES ($1, $2, $3, $4, $5, $6, $7) "
    };
}

impl Store {
    /// A person's sessions that have not expired, newest first.
    ///
    /// # Errors
    /// Any database error.
    pub async fn sessions_of(&self, user_id: &str, now_ms: i64) -> sqlx::Result<Vec<OpenSessionRow>> {
        sqlx::query_as(
            "SELECT id, opened_at, expires_at, address, user_agent FROM sessions \
             WHERE user_id = $1 AND expires_at > $2 ORDER BY opened_at DESC, id",
        )
        .bind(user_id)
        .bind(now_ms)
        .fetch_all(self.pool())
        .await
    }

    /// Ends one session of a person. False when he has no such session.
    ///
    /// # Errors
    /// Any database error.
    pub async fn end_session(&self, user_id: &str, id_hash: &str) -> sqlx::Result<bool> {
        sqlx::query("DELETE FROM sessions WHERE user_id = $1 AND id = $2")
            .bind(user_id)
            .bind(id_hash)
            .execute(self.pool())
            .await
            .map(|done| done.rows_affected() == 1)
    }

    /// Ends all sessions of a person but this one. Returns how many.
    ///
    /// # Errors
    /// Any database error.
    pub async fn end_other_sessions(&self, user_id: &str, kept_id_hash: &str) -> sqlx::Result<u64> {
        sqlx::query("DELETE FROM sessions WHERE user_id = $1 AND id <> $2")
            .bind(user_id)
            .bind(kept_id_hash)
            .execute(self.pool())
            .await
            .map(|done| done.rows_affected())
    }

    /// Stores a new session. False when the id is taken.
    ///
    /// # Errors
    /// Any database error.
    pub async fn create_session(&self, row: &SessionRow) -> sqlx::Result<bool> {
        sqlx::query(concat!(insert!(), "ON CONFLICT (id) DO NOTHING"))
            .bind(row.id_hash.as_str())
            .bind(row.data.as_str())
            .bind(row.expires_at)
            .bind(row.user_id.as_deref())
            .bind(row.opened_at)
            .bind(row.address.as_str())
            .bind(row.user_agent.as_str())
            .execute(self.pool())
            .await
            .map(|done| done.rows_affected() == 1)
    }

    /// Stores a session that may exist.
    ///
    /// # Errors
    /// Any database error.
    pub async fn save_session(&self, row: &SessionRow) -> sqlx::Result<()> {
        sqlx::query(concat!(
            insert!(),
            "ON CONFLICT (id) DO UPDATE SET data = excluded.data, expires_at = excluded.expires_at, \
             user_id = excluded.user_id, opened_at = excluded.opened_at, address = excluded.address, \
             user_agent = excluded.user_agent"
        ))
        .bind(row.id_hash.as_str())
        .bind(row.data.as_str())
        .bind(row.expires_at)
        .bind(row.user_id.as_deref())
        .bind(row.opened_at)
        .bind(row.address.as_str())
        .bind(row.user_agent.as_str())
        .execute(self.pool())
        .await
        .map(|_| ())
    }

    /// A session that has not expired.
    ///
    /// # Errors
    /// Any database error.
    pub async fn load_session(&self, id_hash: &str, now_ms: i64) -> sqlx::Result<Option<String>> {
        sqlx::query_scalar("SELECT data FROM sessions WHERE id = $1 AND expires_at > $2")
            .bind(id_hash)
            .bind(now_ms)
            .fetch_optional(self.pool())
            .await
    }

    /// # Errors
    /// Any database error.
    pub async fn delete_session(&self, id_hash: &str) -> sqlx::Result<()> {
        sqlx::query("DELETE FROM sessions WHERE id = $1").bind(id_hash).execute(self.pool()).await.map(|_| ())
    }

    /// Forgets sessions that expired. Returns how many.
    ///
    /// # Errors
    /// Any database error.
    pub async fn delete_expired_sessions(&self, now_ms: i64) -> sqlx::Result<u64> {
        sqlx::query("DELETE FROM sessions WHERE expires_at <= $1")
            .bind(now_ms)
            .execute(self.pool())
            .await
            .map(|done| done.rows_affected())
    }
}
