//! What moved an account in a stretch of time.

use super::Store;
use super::ledger::TransferRow;

impl Store {
    /// What an account held at a moment, by its transfers.
    ///
    /// # Errors
    /// Any database error.
    pub async fn balance_at(&self, account_id: &str, at_ms: i64) -> sqlx::Result<i64> {
        sqlx::query_scalar(
            "SELECT CAST(COALESCE((SELECT SUM(amount_nanos) FROM transfers WHERE credit_account_id = $1 \
             AND created_at < $2), 0) - COALESCE((SELECT SUM(amount_nanos) FROM transfers WHERE debit_account_id = $1 \
             AND created_at < $2), 0) AS BIGINT)",
        )
        .bind(account_id)
        .bind(at_ms)
        .fetch_one(self.pool())
        .await
    }

    /// An account's movements in a stretch of time, oldest first.
    ///
    /// # Errors
    /// Any database error.
    pub async fn transfers_between(&self, account_id: &str, from: i64, to: i64) -> sqlx::Result<Vec<TransferRow>> {
        sqlx::query_as(
            "SELECT id, kind, debit_account_id, credit_account_id, amount_nanos, hold_nanos, promo_nanos, description, \
             created_at FROM transfers WHERE (debit_account_id = $1 OR credit_account_id = $1) AND amount_nanos > 0 \
             AND created_at >= $2 AND created_at < $3 ORDER BY created_at, id",
        )
        .bind(account_id)
        .bind(from)
        .bind(to)
        .fetch_all(self.pool())
        .await
    }
}
