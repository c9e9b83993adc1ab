//! What people said was wrong with single requests.

use sqlx::FromRow;

use super::Store;

/// One remark.
#[derive(Clone, Debug, Default, PartialEq, Eq, FromRow)]
pub struct FeedbackRow {
    pub id: String,
    pub generation_id: String,
    pub organization_id: String,
    pub user_id: String,
    pub category: String,
    pub comment: String,
    pub created_at: i64,
}

impl Store {
    /// # Errors
    /// Any database error.
    pub async fn insert_feedback(&self, row: &FeedbackRow) -> sqlx::Result<()> {
        sqlx::query(
            "INSERT INTO generation_feedback (id, generation_id, organization_id, user_id, category, comment, created_at) \
             VALUES ($1, $2, $3, $4, $5, $6, $7)",
        )
        .bind(row.id.as_str())
        .bind(row.generation_id.as_str())
        .bind(row.organization_id.as_str())
        .bind(row.user_id.as_str())
        .bind(row.category.as_str())
        .bind(row.comment.as_str())
        .bind(row.created_at)
        .execute(self.pool())
        .await
        .map(|_| ())
    }

    /// What was said of a request of an organization, the oldest first.
    ///
    /// # Errors
    /// Any database error.
    pub async fn feedback(&self, organization_id: &str, generation_id: &str) -> sqlx::Result<Vec<FeedbackRow>> {
        sqlx::query_as(
            "SELECT id, generation_id, organization_id, user_id, category, comment, created_at FROM generation_feedback \
             WHERE generation_id = $1 AND organization_id = $2 ORDER BY created_at, id LIMIT 100",
        )
        .bind(generation_id)
        .bind(organization_id)
        .fetch_all(self.pool())
        .await
    }

    /// How much an organization said since a time.
    ///
    /// # Errors
    /// Any database error.
    pub async fn count_feedback(&self, organization_id: &str, since_ms: i64) -> sqlx::Result<i64> {
        sqlx::query_scalar("SELECT COUNT(*) FROM generation_feedback WHERE organization_id = $1 AND created_at >= $2")
            .bind(organization_id)
            .bind(since_ms)
            .fetch_one(self.pool())
            .await
    }
}
