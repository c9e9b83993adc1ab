//! Purchases of credit and what became of them.

use sqlx::FromRow;

use super::Store;

/// Credit somebody buys.
#[derive(Clone, Debug, Default, PartialEq, Eq, FromRow)]
pub struct PurchaseRow {
    pub id: String,
    pub organization_id: String,
    pub user_id: String,
    /// `card` or `crypto`.
    pub method: String,
    /// `pending`, `paid`, `failed` or `expired`.
    pub state: String,
    pub credit_nanos: i64,
    pub fee_nanos: i64,
    pub refunded_nanos: i64,
    pub session_id: Option<String>,
    pub payment_id: Option<String>,
    pub pay_url: Option<String>,
    pub is_automatic: i64,
    pub problem: Option<String>,
    pub created_at: i64,
    pub paid_at: Option<i64>,
    pub updated_at: i64,
}

/// A payment the payer's bank wants back.
#[derive(Clone, Debug, Default, PartialEq, Eq, FromRow)]
pub struct DisputeRow {
    pub id: String,
    pub purchase_id: String,
    pub organization_id: String,
    pub amount_nanos: i64,
    /// `open`, `won` or `lost`.
    pub state: String,
    pub created_at: i64,
    pub updated_at: i64,
}

macro_rules! columns {
    () => {
        "id, organization_id, user_id, method, state, credit_nanos, fee_nanos, refunded_nanos, session_id, payment_id, \
         pay_url, is_automatic, problem, created_at, paid_at, updated_at"
    };
}

impl Store {
    /// Writes a purchase before anybody is asked to pay it.
    ///
    /// # Errors
    /// A unique violation when it is there already.
    pub async fn insert_purchase(&self, row: &PurchaseRow) -> sqlx::Result<()> {
        sqlx::query(concat!(
            "INSERT INTO purchases (",
            columns!(),
            ") VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16)"
        ))
        .bind(row.id.as_str())
        .bind(row.organization_id.as_str())
        .bind(row.user_id.as_str())
        .bind(row.method.as_str())
        .bind(row.state.as_str())
        .bind(row.credit_nanos)
        .bind(row.fee_nanos)
        .bind(row.refunded_nanos)
        .bind(row.session_id.as_deref())
        .bind(row.payment_id.as_deref())
        .bind(row.pay_url.as_deref())
        .bind(row.is_automatic)
        .bind(row.problem.as_deref())
        .bind(row.created_at)
        .bind(row.paid_at)
        .bind(row.updated_at)
        .execute(self.pool())
        .await
        .map(|_| ())
    }

    /// Notes where a purchase is paid.
    ///
    /// # Errors
    /// Any database error.
    pub async fn open_purchase(&self, id: &str, session_id: &str, pay_url: &str, now_ms: i64) -> sqlx::Result<()> {
        sqlx::query("UPDATE purchases SET session_id = $1, pay_url = $2, updated_at = $3 WHERE id = $4")
            .bind(session_id)
            .bind(pay_url)
            .bind(now_ms)
            .bind(id)
            .execute(self.pool())
            .await
            .map(|_| ())
    }

    /// Marks a purchase paid with what was credited. `false` when it was before.
    ///
    /// # Errors
    /// A unique violation when the payment pays for another purchase.
    pub async fn pay_purchase(
        &self,
        id: &str,
        payment_id: &str,
        credit_nanos: i64,
        fee_nanos: i64,
        now_ms: i64,
    ) -> sqlx::Result<bool> {
        sqlx::query(
            "UPDATE purchases SET state = 'paid', payment_id = $1, credit_nanos = $2, fee_nanos = $3, paid_at = $4, \
             updated_at = $4, problem = NULL, pay_url = NULL WHERE id = $5 AND state <> 'paid'",
        )
        .bind(payment_id)
        .bind(credit_nanos)
        .bind(fee_nanos)
        .bind(now_ms)
        .bind(id)
        .execute(self.pool())
        .await
        .map(|done| done.rows_affected() > 0)
    }

    /// Ends or delays a purchase that is not paid. A paid one stays as it is. `false`
    /// when nothing changed.
    ///
    /// # Errors
    /// Any database error.
    pub async fn end_purchase(&self, id: &str, state: &str, problem: &str, now_ms: i64) -> sqlx::Result<bool> {
        sqlx::query(
            "UPDATE purchases SET state = $1, problem = $2, updated_at = $3 \
             WHERE id = $4 AND state <> 'paid' AND state <> $1",
        )
        .bind(state)
        .bind(problem)
        .bind(now_ms)
        .bind(id)
        .execute(self.pool())
        .await
        .map(|done| done.rows_affected() > 0)
    }

    /// Adds up what was paid back of a purchase, from the ledger's own transfers.
    ///
    /// # Errors
    /// Any database error.
    pub async fn note_refunds(&self, purchase_id: &str, now_ms: i64) -> sqlx::Result<()> {
        sqlx::query(
            "UPDATE purchases SET refunded_nanos = CAST(COALESCE((SELECT SUM(CASE kind WHEN 'refund' THEN amount_nanos \
             ELSE -amount_nanos END) FROM transfers WHERE description = $2 \
             AND kind IN ('refund', 'refund_failed')), 0) AS BIGINT), updated_at = $3 WHERE id = $1",
        )
        .bind(purchase_id)
        .bind(format!("Refund of purchase {purchase_id}"))
        .bind(now_ms)
        .execute(self.pool())
        .await
        .map(|_| ())
    }

    /// # Errors
    /// Any database error.
    pub async fn purchase(&self, id: &str) -> sqlx::Result<Option<PurchaseRow>> {
        sqlx::query_as(concat!("SELECT ", columns!(), " FROM purchases WHERE id = $1"))
            .bind(id)
            .fetch_optional(self.pool())
            .await
    }

    /// # Errors
    /// Any database error.
    pub async fn purchase_by_session(&self, session_id: &str) -> sqlx::Result<Option<PurchaseRow>> {
        sqlx::query_as(concat!("SELECT ", columns!(), " FROM purchases WHERE session_id = $1"))
            .bind(session_id)
            .fetch_optional(self.pool())
            .await
    }

    /// # Errors
    /// Any database error.
    pub async fn purchase_by_payment(&self, payment_id: &str) -> sqlx::Result<Option<PurchaseRow>> {
        sqlx::query_as(concat!("SELECT ", columns!(), " FROM purchases WHERE payment_id = $1"))
            .bind(payment_id)
            .fetch_optional(self.pool())
            .await
    }

    /// The purchases of an organization, newest first.
    ///
    /// # Errors
    /// Any database error.
    pub async fn purchases_of(&self, organization_id: &str, limit: i64) -> sqlx::Result<Vec<PurchaseRow>> {
        sqlx::query_as(concat!(
            "SELECT ",
            columns!(),
            " FROM purchases WHERE organization_id = $1 ORDER BY created_at DESC, id DESC LIMIT $2"
        ))
        .bind(organization_id)
        .bind(limit)
        .fetch_all(self.pool())
        .await
    }

    /// Purchases made between these moments that nobody has paid yet, oldest first.
    ///
    /// # Errors
    /// Any database error.
    pub async fn pending_purchases(&self, from_ms: i64, to_ms: i64) -> sqlx::Result<Vec<PurchaseRow>> {
        sqlx::query_as(concat!(
            "SELECT ",
            columns!(),
            " FROM purchases WHERE state = 'pending' AND created_at >= $1 AND created_at < $2 ORDER BY created_at LIMIT 100"
        ))
        .bind(from_ms)
        .bind(to_ms)
        .fetch_all(self.pool())
        .await
    }

    /// How many purchases an organization began since then.
    ///
    /// # Errors
    /// Any database error.
    pub async fn count_purchases_since(&self, organization_id: &str, since_ms: i64) -> sqlx::Result<i64> {
        sqlx::query_scalar(
            "SELECT COUNT(*) FROM purchases WHERE organization_id = $1 AND created_at >= $2 AND state <> 'paid'",
        )
        .bind(organization_id)
        .bind(since_ms)
        .fetch_one(self.pool())
        .await
    }

    /// Automatic purchases of an organization since then.
    ///
    /// # Errors
    /// Any database error.
    pub async fn count_automatic_since(&self, organization_id: &str, since_ms: i64) -> sqlx::Result<i64> {
        sqlx::query_scalar(
            "SELECT COUNT(*) FROM purchases WHERE organization_id = $1 AND created_at >= $2 AND is_automatic = 1",
        )
        .bind(organization_id)
        .bind(since_ms)
        .fetch_one(self.pool())
        .await
    }

    /// Credit an organization has paid for in all, here or by invoice, less what was paid back.
    ///
    /// # Errors
    /// Any database error.
    pub async fn bought_nanos(&self, organization_id: &str) -> sqlx::Result<i64> {
        sqlx::query_scalar(
            "SELECT CAST(COALESCE((SELECT SUM(credit_nanos - refunded_nanos) FROM purchases \
             WHERE organization_id = $1 AND state = 'paid'), 0) + COALESCE((SELECT SUM(amount_nanos) FROM transfers \
             WHERE credit_account_id = $2 AND kind = 'invoice'), 0) AS BIGINT)",
        )
        .bind(organization_id)
        .bind(format!("org:{organization_id}:credit"))
        .fetch_one(self.pool())
        .await
    }

    /// # Errors
    /// Any database error.
    pub async fn dispute(&self, id: &str) -> sqlx::Result<Option<DisputeRow>> {
        sqlx::query_as(
            "SELECT id, purchase_id, organization_id, amount_nanos, state, created_at, updated_at FROM disputes WHERE id = $1",
        )
        .bind(id)
        .fetch_optional(self.pool())
        .await
    }

    /// Disputes of an organization that are not decided.
    ///
    /// # Errors
    /// Any database error.
    pub async fn count_open_disputes(&self, organization_id: &str) -> sqlx::Result<i64> {
        sqlx::query_scalar("SELECT COUNT(*) FROM disputes WHERE organization_id = $1 AND state <> 'won'")
            .bind(organization_id)
            .fetch_one(self.pool())
            .await
    }

    /// Writes a dispute or its outcome; one that is decided stays so.
    ///
    /// # Errors
    /// Any database error.
    pub async fn write_dispute(&self, row: &DisputeRow) -> sqlx::Result<()> {
        sqlx::query(
            "INSERT INTO disputes (id, purchase_id, organization_id, amount_nanos, state, created_at, updated_at) \
             VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT (id) DO UPDATE SET state = excluded.state, \
             updated_at = excluded.updated_at WHERE disputes.state = 'open'",
        )
        .bind(row.id.as_str())
        .bind(row.purchase_id.as_str())
        .bind(row.organization_id.as_str())
        .bind(row.amount_nanos)
        .bind(row.state.as_str())
        .bind(row.created_at)
        .bind(row.updated_at)
        .execute(self.pool())
        .await
        .map(|_| ())
    }
}
