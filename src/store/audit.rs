//! What is read to check the books.

use app::types::Money;
use sqlx::Row as _;

use super::Store;
use super::catalog::PriceRow;
use super::ledger::{self, SealRow, TransferRow};

impl Store {
    /// Every version of every price.
    ///
    /// # Errors
    /// Any database error.
    pub async fn price_versions(&self) -> sqlx::Result<Vec<PriceRow>> {
        sqlx::query_as("SELECT * FROM prices").fetch_all(self.pool()).await
    }

    /// What requests cost beyond hold and balance, by generation.
    ///
    /// # Errors
    /// Any database error.
    pub async fn overruns(&self) -> sqlx::Result<Vec<(String, i64)>> {
        let rows: Vec<(String, i64)> = sqlx::query_as("SELECT id, amount_nanos FROM transfers WHERE kind = 'overrun'")
            .fetch_all(self.pool())
            .await?;
        let generation = |id: &str| id.split(':').next().unwrap_or_default().to_owned();
        Ok(rows.into_iter().map(|(id, amount)| (generation(&id), amount)).collect())
    }

    /// How many transfers there are.
    ///
    /// # Errors
    /// Any database error.
    pub async fn count_transfers(&self) -> sqlx::Result<i64> {
        sqlx::query_scalar("SELECT COUNT(*) FROM transfers").fetch_one(self.pool()).await
    }

    /// Links of the chains behind this one, by node and number.
    ///
    /// # Errors
    /// Any database error.
    pub async fn seals_after(&self, node_id: &str, number: i64, limit: i64) -> sqlx::Result<Vec<SealRow>> {
        sqlx::query_as(
            "SELECT node_id, number, previous, digest, transfer_ids, created_at FROM seals \
             WHERE node_id > $1 OR (node_id = $1 AND number > $2) ORDER BY node_id, number LIMIT $3",
        )
        .bind(node_id)
        .bind(number)
        .bind(limit)
        .fetch_all(self.pool())
        .await
    }

    /// The transfers among `ids` that exist, in no order.
    ///
    /// # Errors
    /// Any database error.
    pub async fn transfers_by_id(&self, ids: &[String]) -> sqlx::Result<Vec<TransferRow>> {
        let mut connection = self.pool().acquire().await?;
        ledger::find_transfers(&mut connection, ids).await
    }

    /// What does not add up: a sentence for each account whose stored balance
    /// differs from its transfers and holds, and for the books as a whole.
    ///
    /// # Errors
    /// Any database error.
    pub async fn ledger_differences(&self) -> sqlx::Result<Vec<String>> {
        let mut found = Vec::new();
        let rows = sqlx::query(
            "SELECT b.account_id, b.credited_nanos, b.debited_nanos, b.held_nanos, \
             CAST(COALESCE((SELECT SUM(amount_nanos) FROM transfers t WHERE t.credit_account_id = b.account_id), 0) AS BIGINT), \
             CAST(COALESCE((SELECT SUM(amount_nanos) FROM transfers t WHERE t.debit_account_id = b.account_id), 0) AS BIGINT), \
             CAST(COALESCE((SELECT SUM(amount_nanos) FROM holds h WHERE h.account_id = b.account_id), 0) AS BIGINT), \
             b.promo_nanos, \
             CAST(COALESCE((SELECT SUM(promo_nanos) FROM transfers t WHERE t.credit_account_id = b.account_id), 0) \
             - COALESCE((SELECT SUM(promo_nanos) FROM transfers t WHERE t.debit_account_id = b.account_id), 0) AS BIGINT) \
             FROM balances b",
        )
        .fetch_all(self.pool())
        .await?;
        let (mut credited, mut debited) = (0_i128, 0_i128);
        for row in rows {
            let account: String = row.try_get(0)?;
            let stored: [i64; 4] = [row.try_get(1)?, row.try_get(2)?, row.try_get(3)?, row.try_get(7)?];
            let derived: [i64; 4] = [row.try_get(4)?, row.try_get(5)?, row.try_get(6)?, row.try_get(8)?];
            credited += i128::from(stored[0]);
            debited += i128::from(stored[1]);
            for ((name, stored), derived) in ["credits", "debits", "holds", "gifts"].iter().zip(stored).zip(derived) {
                if stored != derived {
                    let (stored, derived) = (Money(stored), Money(derived));
                    found.push(format!("{account}: {name} stored as {stored} USD but add up to {derived} USD"));
                }
            }
        }
        if credited != debited {
            found.push(format!("all credits are {credited} nano-USD but all debits {debited}"));
        }
        let charged: i64 = sqlx::query_scalar("SELECT CAST(COALESCE(SUM(cost_nanos), 0) AS BIGINT) FROM generations")
            .fetch_one(self.pool())
            .await?;
        let posted: i64 = sqlx::query_scalar(
            "SELECT CAST(COALESCE(SUM(amount_nanos), 0) AS BIGINT) FROM transfers WHERE kind = 'post'",
        )
        .fetch_one(self.pool())
        .await?;
        if charged != posted {
            let (charged, posted) = (Money(charged), Money(posted));
            found.push(format!("generations say {charged} USD was charged but the ledger posted {posted} USD"));
        }
        Ok(found)
    }
}
