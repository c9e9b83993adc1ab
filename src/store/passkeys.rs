//! Passkeys.

use sqlx::FromRow;

use super::Store;
use super::accounts::take_turn;

/// A passkey as it is stored. Times are epoch ms.
#[derive(Clone, Debug, Default, PartialEq, Eq, FromRow)]
pub struct PasskeyRow {
    pub id: String,
    pub user_id: String,
    /// What the device calls it, in base64url.
    pub credential_id: String,
    pub name: String,
    /// In base64.
    pub public_key: String,
    /// What changes when it is used, in base64.
    pub state: String,
    pub transports: i64,
    pub is_synced: i64,
    pub created_at: i64,
    pub last_used_at: Option<i64>,
}

macro_rules! select {
    ($rest:literal) => {
        concat!(
            "SELECT id, user_id, credential_id, name, public_key, state, transports, is_synced, created_at, \
             last_used_at FROM passkeys ",
            $rest
        )
    };
}

impl Store {
    /// A person's passkeys, oldest first.
    ///
    /// # Errors
    /// Any database error.
    pub async fn passkeys_of(&self, user_id: &str) -> sqlx::Result<Vec<PasskeyRow>> {
        sqlx::query_as(select!("WHERE user_id = $1 ORDER BY created_at, id")).bind(user_id).fetch_all(self.pool()).await
    }

    /// Whosever it is.
    ///
    /// # Errors
    /// Any database error.
    pub async fn passkey_by_credential(&self, credential_id: &str) -> sqlx::Result<Option<PasskeyRow>> {
        sqlx::query_as(select!("WHERE credential_id = $1")).bind(credential_id).fetch_optional(self.pool()).await
    }

    /// False when the credential is known already, or the person has this many.
    ///
    /// # Errors
    /// Any database error.
    pub async fn insert_passkey(&self, row: &PasskeyRow, most: i64) -> sqlx::Result<bool> {
        let mut tx = self.begin_write().await?;
        take_turn(&mut tx, &row.user_id).await?;
        let done = sqlx::query(
            "INSERT INTO passkeys (id, user_id, credential_id, name, public_key, state, transports, is_synced, \
             created_at) SELECT $1, $2, $3, $4, $5, $6, $7, $8, $9 \
             WHERE (SELECT COUNT(*) FROM passkeys WHERE user_id = $2) < $10 ON CONFLICT DO NOTHING",
        )
        .bind(row.id.as_str())
        .bind(row.user_id.as_str())
        .bind(row.credential_id.as_str())
        .bind(row.name.as_str())
        .bind(row.public_key.as_str())
        .bind(row.state.as_str())
        .bind(row.transports)
        .bind(row.is_synced)
        .bind(row.created_at)
        .bind(most)
        .execute(&mut *tx)
        .await?;
        tx.commit().await?;
        Ok(done.rows_affected() == 1)
    }

    /// Writes down that it was used, with the state it has now. False when it was used
    /// elsewhere meanwhile, or is gone.
    ///
    /// # Errors
    /// Any database error.
    pub async fn use_passkey(&self, before: &PasskeyRow, state: &str, is_synced: i64, now: i64) -> sqlx::Result<bool> {
        sqlx::query("UPDATE passkeys SET state = $3, is_synced = $4, last_used_at = $5 WHERE id = $1 AND state = $2")
            .bind(before.id.as_str())
            .bind(before.state.as_str())
            .bind(state)
            .bind(is_synced)
            .bind(now)
            .execute(self.pool())
            .await
            .map(|done| done.rows_affected() == 1)
    }

    /// False when the person has none of this id.
    ///
    /// # Errors
    /// Any database error.
    pub async fn rename_passkey(&self, user_id: &str, id: &str, name: &str) -> sqlx::Result<bool> {
        sqlx::query("UPDATE passkeys SET name = $3 WHERE user_id = $1 AND id = $2")
            .bind(user_id)
            .bind(id)
            .bind(name)
            .execute(self.pool())
            .await
            .map(|done| done.rows_affected() == 1)
    }

    /// False when the person has none of this id.
    ///
    /// # Errors
    /// Any database error.
    pub async fn delete_passkey(&self, user_id: &str, id: &str) -> sqlx::Result<bool> {
        sqlx::query("DELETE FROM passkeys WHERE user_id = $1 AND id = $2")
            .bind(user_id)
            .bind(id)
            .execute(self.pool())
            .await
            .map(|done| done.rows_affected() == 1)
    }
}
