//! Credit an operator gave from the command line, waiting for who owns the ledger.

use app::types::Money;
use sqlx::FromRow;

use super::organizations::AuditRow;
use super::{Store, is_duplicate};

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

    /// Writes what an operator did into the organization's audit log, once.
    ///
    /// # Errors
    /// Any database error.
    pub async fn note_operator_deed(&self, request: &GrantRequest, now_ms: i64) -> sqlx::Result<()> {
        let (action, amount) = match request.kind.as_str() {
            "freeze" => ("organization.freeze", None),
            "thaw" => ("organization.thaw", None),
            "invoice" => ("credit.invoice", Some(request.amount_nanos)),
            _ => ("credit.grant", Some(request.amount_nanos)),
        };
        let amount = amount.map(|amount| format!("{}: ", Money(amount).dollars_short())).unwrap_or_default();
        let row = AuditRow {
            id: request.id.clone(),
            organization_id: request.organization_id.clone(),
            created_at: now_ms,
            actor_kind: "operator".to_owned(),
            actor_name: "The operator of this server".to_owned(),
            action: action.to_owned(),
            target: request.organization_id.clone(),
            detail: format!("{amount}{}", request.reason),
            ..AuditRow::default()
        };
        match self.insert_audit(&row).await {
            Err(error) if is_duplicate(&error) => Ok(()),
            written => written,
        }
    }

    /// Forgets a grant that was booked.
    ///
    /// # Errors
    /// Any database error.
    pub async fn delete_grant_request(&self, id: &str) -> sqlx::Result<()> {
        sqlx::query("DELETE FROM grant_requests WHERE id = $1").bind(id).execute(self.pool()).await.map(|_| ())
    }
}
