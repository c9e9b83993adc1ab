//! Credit an operator gave from the command line, waiting for who owns the ledger.

use sqlx::FromRow;

use super::Store;

/// Credit an operator granted from outside the process that owns the ledger.
#[derive(Clone, Debug, Default, PartialEq, Eq, FromRow)]
pub struct GrantRequest {
    pub id: String,
    pub organization_id: String,
    /// `grant`, `invoice`, `freeze` or `thaw`.
    pub kind: String,
    pub amount_nanos: i64,
    pub reason: String,
    pub created_at: i64,
}

impl Store {
    /// Notes credit to be granted by whoever owns the ledger.
    ///
    /// # Errors
    /// Any database error.
    pub async fn request_grant(&self, request: &GrantRequest) -> sqlx::Result<()> {
        sqlx::query(
            "INSERT INTO grant_requests (id, organization_id, kind, amount_nanos, reason, created_at) \
             VALUES ($1, $2, $3, $4, $5, $6)",
        )
        .bind(request.id.as_str())
        .bind(request.organization_id.as_str())
        .bind(request.kind.as_str())
        .bind(request.amount_nanos)
        .bind(request.reason.as_str())
        .bind(request.created_at)
        .execute(self.pool())
        .await
        .map(|_| ())
    }

    /// Grants that were asked for and not booked yet.
    ///
    /// # Errors
    /// Any database error.
    pub async fn grant_requests(&self) -> sqlx::Result<Vec<GrantRequest>> {
        sqlx::query_as(
            "SELECT id, organization_id, kind, amount_nanos, reason, created_at FROM grant_requests ORDER BY created_at",
        )
        .fetch_all(self.pool())
        .await
    }

    /// Forgets a grant that was booked.
    ///
    /// # Errors
    /// Any database error.
    pub async fn delete_grant_request(&self, id: &str) -> sqlx::Result<()> {
        sqlx::query("DELETE FROM grant_requests WHERE id = $1").bind(id).execute(self.pool()).await.map(|_| ())
    }
}
