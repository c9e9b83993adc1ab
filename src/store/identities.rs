//! Accounts elsewhere that people sign in with.

use sqlx::FromRow;

use super::Store;

/// An account elsewhere.
#[derive(Clone, Debug, Default, PartialEq, Eq, FromRow)]
pub struct IdentityRow {
    pub provider: String,
    /// What the provider calls the person for ever.
    pub subject: String,
    pub user_id: String,
    pub email: String,
    pub created_at: i64,
}

impl Store {
    /// Whose account this is here.
    ///
    /// # Errors
    /// Any database error.
    pub async fn identity(&self, provider: &str, subject: &str) -> sqlx::Result<Option<IdentityRow>> {
        sqlx::query_as(
            "SELECT provider, subject, user_id, email, created_at FROM identities WHERE provider = $1 AND subject = $2",
        )
        .bind(provider)
        .bind(subject)
        .fetch_optional(self.pool())
        .await
    }

    /// Where else a person has an account that opens this one.
    ///
    /// # Errors
    /// Any database error.
    pub async fn identities_of(&self, user_id: &str) -> sqlx::Result<Vec<IdentityRow>> {
        sqlx::query_as(
            "SELECT provider, subject, user_id, email, created_at FROM identities WHERE user_id = $1 ORDER BY created_at",
        )
        .bind(user_id)
        .fetch_all(self.pool())
        .await
    }

    /// # Errors
    /// A unique violation when it is somebody's already.
    pub async fn insert_identity(&self, row: &IdentityRow) -> sqlx::Result<()> {
        sqlx::query(
            "INSERT INTO identities (provider, subject, user_id, email, created_at) VALUES ($1, $2, $3, $4, $5)",
        )
        .bind(row.provider.as_str())
        .bind(row.subject.as_str())
        .bind(row.user_id.as_str())
        .bind(row.email.as_str())
        .bind(row.created_at)
        .execute(self.pool())
        .await
        .map(|_| ())
    }

    /// The person no longer signs in with it. False when he did not.
    ///
    /// # Errors
    /// Any database error.
    pub async fn delete_identities(&self, user_id: &str, provider: &str) -> sqlx::Result<bool> {
        sqlx::query("DELETE FROM identities WHERE user_id = $1 AND provider = $2")
            .bind(user_id)
            .bind(provider)
            .execute(self.pool())
            .await
            .map(|done| done.rows_affected() > 0)
    }
}
