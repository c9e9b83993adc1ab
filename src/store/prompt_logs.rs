//! Prompts and answers of workspaces that want them kept, sealed.

use sqlx::FromRow;

use super::Store;

/// What is kept of one request.
#[derive(Clone, Debug, PartialEq, Eq, FromRow)]
pub struct PromptLogRow {
    pub generation_id: String,
    pub organization_id: String,
    pub workspace_id: String,
    pub user_id: String,
    /// The operator may use it, too.
    pub is_shared: i64,
    pub sealed: String,
    /// Epoch ms.
    pub created_at: i64,
    /// Epoch ms.
    pub expires_at: i64,
}

macro_rules! columns {
    () => {
        "generation_id, organization_id, workspace_id, user_id, is_shared, sealed, created_at, expires_at"
    };
}

impl Store {
    /// Keeps a prompt and its answer.
    ///
    /// # Errors
    /// Any database error.
    pub async fn insert_prompt_log(&self, row: &PromptLogRow) -> sqlx::Result<()> {
        sqlx::query(concat!("INSERT INTO prompt_logs (", columns!(), ") VALUES ($1, $2, $3, $4, $5, $6, $7, $8)"))
            .bind(row.generation_id.as_str())
            .bind(row.organization_id.as_str())
            .bind(row.workspace_id.as_str())
            .bind(row.user_id.as_str())
            .bind(row.is_shared)
            .bind(row.sealed.as_str())
            .bind(row.created_at)
            .bind(row.expires_at)
            .execute(self.pool())
            .await
            .map(|_| ())
    }

    /// What an organization has kept of a request.
    ///
    /// # Errors
    /// Any database error.
    pub async fn prompt_log(&self, organization_id: &str, generation_id: &str) -> sqlx::Result<Option<PromptLogRow>> {
        sqlx::query_as(concat!(
            "SELECT ",
            columns!(),
            " FROM prompt_logs WHERE generation_id = $1 AND organization_id = $2"
        ))
        .bind(generation_id)
        .bind(organization_id)
        .fetch_optional(self.pool())
        .await
    }

    /// What an organization has kept of one person's requests, oldest first, after an id.
    ///
    /// # Errors
    /// Any database error.
    pub async fn prompt_logs_of(
        &self,
        organization_id: &str,
        user_id: &str,
        after: &str,
        limit: i64,
    ) -> sqlx::Result<Vec<PromptLogRow>> {
        sqlx::query_as(concat!(
            "SELECT ",
            columns!(),
            " FROM prompt_logs WHERE organization_id = $1 AND user_id = $2 AND generation_id > $3 \
             ORDER BY generation_id LIMIT $4"
        ))
        .bind(organization_id)
        .bind(user_id)
        .bind(after)
        .bind(limit)
        .fetch_all(self.pool())
        .await
    }

    /// Everything kept, after an id. With `is_shared` only what the operator may use.
    ///
    /// # Errors
    /// Any database error.
    pub async fn all_prompt_logs(&self, after: &str, is_shared: bool, limit: i64) -> sqlx::Result<Vec<PromptLogRow>> {
        sqlx::query_as(concat!(
            "SELECT ",
            columns!(),
            " FROM prompt_logs WHERE generation_id > $1 AND ($2 = 0 OR is_shared = 1) ORDER BY generation_id LIMIT $3"
        ))
        .bind(after)
        .bind(i64::from(is_shared))
        .bind(limit)
        .fetch_all(self.pool())
        .await
    }

    /// The same text under another key.
    ///
    /// # Errors
    /// Any database error.
    pub async fn rewrap_prompt_log(&self, generation_id: &str, old: &str, new: &str) -> sqlx::Result<()> {
        sqlx::query("UPDATE prompt_logs SET sealed = $3 WHERE generation_id = $1 AND sealed = $2")
            .bind(generation_id)
            .bind(old)
            .bind(new)
            .execute(self.pool())
            .await
            .map(|_| ())
    }

    /// A workspace keeps what it has for another time. Returns nothing; what is over
    /// goes with the next round.
    ///
    /// # Errors
    /// Any database error.
    pub async fn retain_prompt_logs(&self, workspace_id: &str, lasts_ms: i64) -> sqlx::Result<()> {
        sqlx::query("UPDATE prompt_logs SET expires_at = created_at + $2 WHERE workspace_id = $1")
            .bind(workspace_id)
            .bind(lasts_ms)
            .execute(self.pool())
            .await
            .map(|_| ())
    }

    /// Deletes all that a workspace has kept. Returns how much that was.
    ///
    /// # Errors
    /// Any database error.
    pub async fn delete_prompt_logs(&self, organization_id: &str, workspace_id: &str) -> sqlx::Result<u64> {
        sqlx::query("DELETE FROM prompt_logs WHERE organization_id = $1 AND workspace_id = $2")
            .bind(organization_id)
            .bind(workspace_id)
            .execute(self.pool())
            .await
            .map(|done| done.rows_affected())
    }

    /// Deletes what has been kept long enough.
    ///
    /// # Errors
    /// Any database error.
    pub async fn delete_expired_prompt_logs(&self, now: i64) -> sqlx::Result<u64> {
        sqlx::query("DELETE FROM prompt_logs WHERE expires_at <= $1")
            .bind(now)
            .execute(self.pool())
            .await
            .map(|done| done.rows_affected())
    }
}
