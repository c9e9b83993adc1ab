//! Authenticator apps and recovery codes.

use sqlx::{AnyConnection, FromRow};

use super::Store;

/// What an authenticator app shares with this server. Times are epoch ms.
#[derive(Clone, Debug, PartialEq, Eq, FromRow)]
pub struct AuthenticatorRow {
    pub user_id: String,
    /// Sealed.
    pub secret: String,
    pub created_at: i64,
    /// `None` until a first code was given.
    pub confirmed_at: Option<i64>,
    /// The last period of 30 s whose code was taken.
    pub last_step: i64,
}

impl Store {
    /// # Errors
    /// Any database error.
    pub async fn authenticator(&self, user_id: &str) -> sqlx::Result<Option<AuthenticatorRow>> {
        sqlx::query_as(
            "SELECT user_id, secret, created_at, confirmed_at, last_step FROM authenticators WHERE user_id = $1",
        )
        .bind(user_id)
        .fetch_optional(self.pool())
        .await
    }

    /// Everybody's.
    ///
    /// # Errors
    /// Any database error.
    pub async fn all_authenticators(&self) -> sqlx::Result<Vec<AuthenticatorRow>> {
        sqlx::query_as("SELECT user_id, secret, created_at, confirmed_at, last_step FROM authenticators")
            .fetch_all(self.pool())
            .await
    }

    /// Begins, or begins anew what was not confirmed. False when one is in use.
    ///
    /// # Errors
    /// Any database error.
    pub async fn begin_authenticator(&self, user_id: &str, secret: &str, now: i64) -> sqlx::Result<bool> {
        sqlx::query(
            "INSERT INTO authenticators (user_id, secret, created_at) VALUES ($1, $2, $3) \
             ON CONFLICT (user_id) DO UPDATE SET secret = excluded.secret, created_at = excluded.created_at \
             WHERE authenticators.confirmed_at IS NULL",
        )
        .bind(user_id)
        .bind(secret)
        .bind(now)
        .execute(self.pool())
        .await
        .map(|done| done.rows_affected() == 1)
    }

    /// Puts the same secret under another key in its place.
    ///
    /// # Errors
    /// Any database error.
    pub async fn rewrap_authenticator(&self, user_id: &str, old: &str, new: &str) -> sqlx::Result<()> {
        sqlx::query("UPDATE authenticators SET secret = $3 WHERE user_id = $1 AND secret = $2")
            .bind(user_id)
            .bind(old)
            .bind(new)
            .execute(self.pool())
            .await
            .map(|_| ())
    }

    /// Asks for codes from now on; `hashes` are the recovery codes. False when what was
    /// begun is another one by now.
    ///
    /// # Errors
    /// Any database error.
    pub async fn confirm_authenticator(
        &self,
        begun: &AuthenticatorRow,
        step: i64,
        now: i64,
        hashes: &[String],
    ) -> sqlx::Result<bool> {
        let mut tx = self.begin_write().await?;
        let done = sqlx::query(
            "UPDATE authenticators SET confirmed_at = $3, last_step = $4 \
             WHERE user_id = $1 AND secret = $2 AND confirmed_at IS NULL",
        )
        .bind(begun.user_id.as_str())
        .bind(begun.secret.as_str())
        .bind(now)
        .bind(step)
        .execute(&mut *tx)
        .await?;
        if done.rows_affected() != 1 {
            return Ok(false);
        }
        put_codes(&mut tx, &begun.user_id, hashes).await?;
        tx.commit().await?;
        Ok(true)
    }

    /// Takes the code of a period. False when it, or a later one, was taken before.
    ///
    /// # Errors
    /// Any database error.
    pub async fn use_step(&self, user_id: &str, step: i64) -> sqlx::Result<bool> {
        sqlx::query(
            "UPDATE authenticators SET last_step = $2 \
             WHERE user_id = $1 AND last_step < $2 AND confirmed_at IS NOT NULL",
        )
        .bind(user_id)
        .bind(step)
        .execute(self.pool())
        .await
        .map(|done| done.rows_affected() == 1)
    }

    /// Uses a recovery code once.
    ///
    /// # Errors
    /// Any database error.
    pub async fn use_recovery_code(&self, user_id: &str, code_hash: &str, now: i64) -> sqlx::Result<bool> {
        sqlx::query("UPDATE recovery_codes SET used_at = $3 WHERE user_id = $1 AND code_hash = $2 AND used_at IS NULL")
            .bind(user_id)
            .bind(code_hash)
            .bind(now)
            .execute(self.pool())
            .await
            .map(|done| done.rows_affected() == 1)
    }

    /// How many recovery codes can still be used.
    ///
    /// # Errors
    /// Any database error.
    pub async fn recovery_codes_left(&self, user_id: &str) -> sqlx::Result<i64> {
        sqlx::query_scalar("SELECT COUNT(*) FROM recovery_codes WHERE user_id = $1 AND used_at IS NULL")
            .bind(user_id)
            .fetch_one(self.pool())
            .await
    }

    /// New recovery codes; the old ones are worth nothing.
    ///
    /// # Errors
    /// Any database error.
    pub async fn replace_recovery_codes(&self, user_id: &str, hashes: &[String]) -> sqlx::Result<()> {
        let mut tx = self.begin_write().await?;
        put_codes(&mut tx, user_id, hashes).await?;
        tx.commit().await
    }

    /// Asks for no codes any more. False when none were asked for.
    ///
    /// # Errors
    /// Any database error.
    pub async fn delete_authenticator(&self, user_id: &str) -> sqlx::Result<bool> {
        let mut tx = self.begin_write().await?;
        sqlx::query("DELETE FROM recovery_codes WHERE user_id = $1").bind(user_id).execute(&mut *tx).await?;
        let done = sqlx::query("DELETE FROM authenticators WHERE user_id = $1").bind(user_id).execute(&mut *tx).await?;
        tx.commit().await?;
        Ok(done.rows_affected() == 1)
    }
}

async fn put_codes(connection: &mut AnyConnection, user_id: &str, hashes: &[String]) -> sqlx::Result<()> {
    sqlx::query("DELETE FROM recovery_codes WHERE user_id = $1").bind(user_id).execute(&mut *connection).await?;
    for hash in hashes {
        sqlx::query("INSERT INTO recovery_codes (user_id, code_hash) VALUES ($1, $2)")
            .bind(user_id)
            .bind(hash.as_str())
            .execute(&mut *connection)
            .await?;
    }
    Ok(())
}
