//! Browser sessions. The caller gives the hash of the session's id, never the id.

use super::Store;

impl Store {
    /// Stores a new session. False when the id is taken.
    ///
    /// # Errors
    /// Any database error.
    pub async fn create_session(&self, id_hash: &str, data: &str, expires_at: i64) -> sqlx::Result<bool> {
        sqlx::query("INSERT INTO sessions (id, data, expires_at) VALUES ($1, $2, $3) ON CONFLICT (id) DO NOTHING")
            .bind(id_hash)
            .bind(data)
            .bind(expires_at)
            .execute(self.pool())
            .await
            .map(|done| done.rows_affected() == 1)
    }

    /// Stores a session that may exist.
    ///
    /// # Errors
    /// Any database error.
    pub async fn save_session(&self, id_hash: &str, data: &str, expires_at: i64) -> sqlx::Result<()> {
        sqlx::query(
            "INSERT INTO sessions (id, data, expires_at) VALUES ($1, $2, $3) \
             ON CONFLICT (id) DO UPDATE SET data = excluded.data, expires_at = excluded.expires_at",
        )
        .bind(id_hash)
        .bind(data)
        .bind(expires_at)
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
