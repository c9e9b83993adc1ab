//! Codes that an app exchanges for a key.

use sqlx::FromRow;

use super::Store;

/// A code as it is stored. Times are epoch ms.
#[derive(Clone, Debug, Default, PartialEq, Eq, FromRow)]
pub struct CodeRow {
    pub code_hash: String,
    pub organization_id: String,
    pub workspace_id: String,
    pub user_id: String,
    pub callback_url: String,
    pub challenge: String,
    /// `S256`, `plain`, or empty without a challenge.
    pub challenge_method: String,
    pub key_name: String,
    pub limit_nanos: Option<i64>,
    pub limit_reset: Option<String>,
    pub key_expires_at: Option<i64>,
    pub created_at: i64,
    pub expires_at: i64,
    pub used_at: Option<i64>,
    /// The key that was made of it.
    pub key_hash: Option<String>,
}

macro_rules! columns {
    () => {
        "code_hash, organization_id, workspace_id, user_id, callback_url, challenge, challenge_method, key_name, \
         limit_nanos, limit_reset, key_expires_at, created_at, expires_at, used_at, key_hash"
    };
}

impl Store {
    /// # Errors
    /// Any database error.
    pub async fn insert_code(&self, row: &CodeRow) -> sqlx::Result<()> {
        sqlx::query(concat!(
            "INSERT INTO auth_codes (",
            columns!(),
            ") VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, NULL, NULL)"
        ))
        .bind(row.code_hash.as_str())
        .bind(row.organization_id.as_str())
        .bind(row.workspace_id.as_str())
        .bind(row.user_id.as_str())
        .bind(row.callback_url.as_str())
        .bind(row.challenge.as_str())
        .bind(row.challenge_method.as_str())
        .bind(row.key_name.as_str())
        .bind(row.limit_nanos)
        .bind(row.limit_reset.as_deref())
        .bind(row.key_expires_at)
        .bind(row.created_at)
        .bind(row.expires_at)
        .execute(self.pool())
        .await
        .map(|_| ())
    }

    /// # Errors
    /// Any database error.
    pub async fn code(&self, code_hash: &str) -> sqlx::Result<Option<CodeRow>> {
        sqlx::query_as(concat!("SELECT ", columns!(), " FROM auth_codes WHERE code_hash = $1"))
            .bind(code_hash)
            .fetch_optional(self.pool())
            .await
    }

    /// Uses a code once, for the key with this hash. False when it was used before.
    ///
    /// # Errors
    /// Any database error.
    pub async fn use_code(&self, code_hash: &str, key_hash: &str, now: i64) -> sqlx::Result<bool> {
        sqlx::query("UPDATE auth_codes SET used_at = $3, key_hash = $2 WHERE code_hash = $1 AND used_at IS NULL")
            .bind(code_hash)
            .bind(key_hash)
            .bind(now)
            .execute(self.pool())
            .await
            .map(|done| done.rows_affected() == 1)
    }
}
