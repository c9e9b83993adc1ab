//! Balances, transfers and holds.

use std::sync::LazyLock;

use sqlx::AnyConnection;
use sqlx::FromRow;

use super::Store;
use super::bulk::Bulk;
use super::generations::{self, Posted};

/// One account. What we owe its owner is `credited - debited`, nano-USD.
#[derive(Clone, Debug, Default, PartialEq, Eq, FromRow)]
pub struct BalanceRow {
    pub account_id: String,
    pub credited_nanos: i64,
    pub debited_nanos: i64,
    pub held_nanos: i64,
    /// The least that may be left; `None` after a refund or dispute took it below zero.
    pub floor_nanos: Option<i64>,
    /// What of it nobody paid for: spent first, never refunded.
    pub promo_nanos: i64,
    /// Nothing new may be held while this is 1.
    pub is_frozen: i64,
}

impl BalanceRow {
    /// What a new request may spend.
    #[must_use]
    pub const fn available(&self) -> i64 {
        self.credited_nanos.saturating_sub(self.debited_nanos).saturating_sub(self.held_nanos)
    }
}

/// A movement between two accounts; never changed.
#[derive(Clone, Debug, Default, PartialEq, Eq, FromRow)]
pub struct TransferRow {
    pub id: String,
    pub kind: String,
    pub debit_account_id: String,
    pub credit_account_id: String,
    pub amount_nanos: i64,
    /// What had been held, for a `post` or `void`.
    pub hold_nanos: i64,
    /// What of the amount was promotional credit.
    pub promo_nanos: i64,
    pub description: String,
    pub created_at: i64,
}

/// Transfers of one transaction, chained to those before: a row changed or taken
/// out later breaks the chain of its node.
#[derive(Clone, Debug, Default, PartialEq, Eq, FromRow)]
pub struct SealRow {
    pub node_id: String,
    /// Counts from 1 on each node.
    pub number: i64,
    /// The digest this one continues.
    pub previous: String,
    pub digest: String,
    /// Ids of the transfers, one a line.
    pub transfer_ids: String,
    pub created_at: i64,
}

/// A hold under way.
#[derive(Clone, Debug, Default, PartialEq, Eq, FromRow)]
pub struct HoldRow {
    pub id: String,
    pub account_id: String,
    /// Empty for a request without a key.
    pub key_id: String,
    pub amount_nanos: i64,
    /// What a provider may bill to an own key.
    pub own_nanos: i64,
    pub node_id: String,
    pub created_at: i64,
    pub expires_at: i64,
}

/// By how much a hold grew.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct GrownHold {
    pub id: String,
    pub amount_nanos: i64,
    pub own_nanos: i64,
}

/// What a key has spent, for ever and in the current windows.
#[derive(Clone, Debug, Default, PartialEq, Eq, FromRow)]
pub struct KeyUsageRow {
    pub key_id: String,
    pub held_nanos: i64,
    pub total_nanos: i64,
    pub day: i64,
    pub day_nanos: i64,
    pub week: i64,
    pub week_nanos: i64,
    pub month: i64,
    pub month_nanos: i64,
    pub last_used_at: i64,
    /// The same of what providers bill to own keys.
    pub own_held_nanos: i64,
    pub own_total_nanos: i64,
    pub own_day_nanos: i64,
    pub own_week_nanos: i64,
    pub own_month_nanos: i64,
}

/// Everything one transaction of the ledger writes. Balances and key usage are
/// absolute values; the caller owns or has locked these rows.
#[derive(Debug, Default)]
pub struct LedgerBatch {
    pub balances: Vec<BalanceRow>,
    pub key_usage: Vec<KeyUsageRow>,
    pub transfers: Vec<TransferRow>,
    pub seal: Option<SealRow>,
    pub new_holds: Vec<HoldRow>,
    pub grown_holds: Vec<GrownHold>,
    pub resolved_holds: Vec<String>,
    pub generations: Vec<Posted>,
}

macro_rules! key_usage_columns {
    () => {
        "key_id, held_nanos, total_nanos, day, day_nanos, week, week_nanos, month, month_nanos, last_used_at, \
         own_held_nanos, own_total_nanos, own_day_nanos, own_week_nanos, own_month_nanos"
    };
}

static INSERT_HOLDS: LazyLock<Bulk> = LazyLock::new(|| {
    Bulk::insert(
        "INSERT INTO holds (id, account_id, key_id, amount_nanos, own_nanos, node_id, created_at, expires_at)",
        8,
        "",
    )
});
static DELETE_HOLDS: LazyLock<Bulk> = LazyLock::new(|| Bulk::in_list("DELETE FROM holds WHERE id", ""));
static INSERT_TRANSFERS: LazyLock<Bulk> = LazyLock::new(|| {
    Bulk::insert(
        "INSERT INTO transfers (id, kind, debit_account_id, credit_account_id, amount_nanos, hold_nanos, promo_nanos, \
         description, created_at)",
        9,
        "",
    )
});
static UPSERT_BALANCES: LazyLock<Bulk> = LazyLock::new(|| {
    Bulk::insert(
        "INSERT INTO balances (account_id, credited_nanos, debited_nanos, held_nanos, floor_nanos, promo_nanos, is_frozen)",
        7,
        "ON CONFLICT (account_id) DO UPDATE SET credited_nanos = excluded.credited_nanos, \
         debited_nanos = excluded.debited_nanos, held_nanos = excluded.held_nanos, floor_nanos = excluded.floor_nanos, \
         promo_nanos = excluded.promo_nanos, is_frozen = excluded.is_frozen",
    )
});
static UPSERT_KEY_USAGE: LazyLock<Bulk> = LazyLock::new(|| {
    Bulk::insert(
        "INSERT INTO key_usage (key_id, held_nanos, total_nanos, day, day_nanos, week, week_nanos, month, \
         month_nanos, last_used_at, own_held_nanos, own_total_nanos, own_day_nanos, own_week_nanos, own_month_nanos)",
        15,
        "ON CONFLICT (key_id) DO UPDATE SET held_nanos = excluded.held_nanos, total_nanos = excluded.total_nanos, \
         day = excluded.day, day_nanos = excluded.day_nanos, week = excluded.week, week_nanos = excluded.week_nanos, \
         month = excluded.month, month_nanos = excluded.month_nanos, last_used_at = excluded.last_used_at, \
         own_held_nanos = excluded.own_held_nanos, own_total_nanos = excluded.own_total_nanos, \
         own_day_nanos = excluded.own_day_nanos, own_week_nanos = excluded.own_week_nanos, \
         own_month_nanos = excluded.own_month_nanos",
    )
});
static FIND_TRANSFERS: LazyLock<Bulk> = LazyLock::new(|| {
    Bulk::in_list(
        "SELECT id, kind, debit_account_id, credit_account_id, amount_nanos, hold_nanos, promo_nanos, description, created_at \
         FROM transfers WHERE id",
        "",
    )
});
static FIND_HOLDS: LazyLock<Bulk> = LazyLock::new(|| {
    Bulk::in_list(
        "SELECT id, account_id, key_id, amount_nanos, own_nanos, node_id, created_at, expires_at FROM holds WHERE id",
        "",
    )
});
// An update that changes nothing locks the row on both databases.
static LOCK_BALANCES: &str = "UPDATE balances SET held_nanos = held_nanos WHERE account_id = $1 \
     RETURNING account_id, credited_nanos, debited_nanos, held_nanos, floor_nanos, promo_nanos, is_frozen";
static LOCK_KEY_USAGE: &str =
    concat!("UPDATE key_usage SET held_nanos = held_nanos WHERE key_id = $1 RETURNING ", key_usage_columns!());

/// Writes a batch. Money first, so that a broken rule fails early.
///
/// # Errors
/// Any database error; the transaction must then be rolled back.
pub async fn write_batch(connection: &mut AnyConnection, batch: &LedgerBatch) -> sqlx::Result<()> {
    INSERT_TRANSFERS
        .execute(connection, &batch.transfers, |query, row| {
            query
                .bind(row.id.as_str())
                .bind(row.kind.as_str())
                .bind(row.debit_account_id.as_str())
                .bind(row.credit_account_id.as_str())
                .bind(row.amount_nanos)
                .bind(row.hold_nanos)
                .bind(row.promo_nanos)
                .bind(row.description.as_str())
                .bind(row.created_at)
        })
        .await?;
    if let Some(seal) = &batch.seal {
        insert_seal(connection, seal).await?;
    }
    INSERT_HOLDS
        .execute(connection, &batch.new_holds, |query, row| {
            query
                .bind(row.id.as_str())
                .bind(row.account_id.as_str())
                .bind(row.key_id.as_str())
                .bind(row.amount_nanos)
                .bind(row.own_nanos)
                .bind(row.node_id.as_str())
                .bind(row.created_at)
                .bind(row.expires_at)
        })
        .await?;
    for grown in &batch.grown_holds {
        sqlx::query("UPDATE holds SET amount_nanos = amount_nanos + $1, own_nanos = own_nanos + $2 WHERE id = $3")
            .bind(grown.amount_nanos)
            .bind(grown.own_nanos)
            .bind(grown.id.as_str())
            .execute(&mut *connection)
            .await?;
    }
    DELETE_HOLDS.execute(connection, &batch.resolved_holds, |query, id| query.bind(id.as_str())).await?;
    UPSERT_BALANCES
        .execute(connection, &batch.balances, |query, row| {
            query
                .bind(row.account_id.as_str())
                .bind(row.credited_nanos)
                .bind(row.debited_nanos)
                .bind(row.held_nanos)
                .bind(row.floor_nanos)
                .bind(row.promo_nanos)
                .bind(row.is_frozen)
        })
        .await?;
    UPSERT_KEY_USAGE
        .execute(connection, &batch.key_usage, |query, row| {
            query
                .bind(row.key_id.as_str())
                .bind(row.held_nanos)
                .bind(row.total_nanos)
                .bind(row.day)
                .bind(row.day_nanos)
                .bind(row.week)
                .bind(row.week_nanos)
                .bind(row.month)
                .bind(row.month_nanos)
                .bind(row.last_used_at)
                .bind(row.own_held_nanos)
                .bind(row.own_total_nanos)
                .bind(row.own_day_nanos)
                .bind(row.own_week_nanos)
                .bind(row.own_month_nanos)
        })
        .await?;
    generations::insert_many(connection, &batch.generations).await
}

/// Adds a link to a chain.
///
/// # Errors
/// Any database error.
pub async fn insert_seal(connection: &mut AnyConnection, seal: &SealRow) -> sqlx::Result<()> {
    sqlx::query(
        "INSERT INTO seals (node_id, number, previous, digest, transfer_ids, created_at) VALUES ($1, $2, $3, $4, $5, $6)",
    )
    .bind(seal.node_id.as_str())
    .bind(seal.number)
    .bind(seal.previous.as_str())
    .bind(seal.digest.as_str())
    .bind(seal.transfer_ids.as_str())
    .bind(seal.created_at)
    .execute(connection)
    .await
    .map(|_| ())
}

/// Lets the transaction's commit return before it is durable; PostgreSQL only.
///
/// # Errors
/// Any database error.
pub async fn commit_lazily(connection: &mut AnyConnection) -> sqlx::Result<()> {
    sqlx::query("SET LOCAL synchronous_commit = off").execute(connection).await.map(|_| ())
}

/// The holds among `ids` that are there, as they are now.
///
/// # Errors
/// Any database error.
pub async fn find_holds(connection: &mut AnyConnection, ids: &[String]) -> sqlx::Result<Vec<HoldRow>> {
    let mut found = Vec::new();
    for (text, chunk) in FIND_HOLDS.chunks(connection, ids) {
        let query = chunk.iter().fold(sqlx::query_as(text), |query, id| query.bind(id.as_str()));
        found.extend(query.fetch_all(&mut *connection).await?);
    }
    Ok(found)
}

/// Locks an account until the transaction ends. Lock in sorted order.
///
/// # Errors
/// Any database error.
pub async fn lock_balance(connection: &mut AnyConnection, account_id: &str) -> sqlx::Result<Option<BalanceRow>> {
    sqlx::query_as(LOCK_BALANCES).bind(account_id).fetch_optional(connection).await
}

/// Locks a key's counters until the transaction ends. Lock in sorted order.
///
/// # Errors
/// Any database error.
pub async fn lock_key_usage(connection: &mut AnyConnection, key_id: &str) -> sqlx::Result<Option<KeyUsageRow>> {
    sqlx::query_as(LOCK_KEY_USAGE).bind(key_id).fetch_optional(connection).await
}

/// Makes rows that can be locked.
///
/// # Errors
/// Any database error.
pub async fn ensure_rows(
    connection: &mut AnyConnection,
    accounts: &[(&str, Option<i64>)],
    key_ids: &[&str],
) -> sqlx::Result<()> {
    for (account_id, floor_nanos) in accounts {
        sqlx::query(
            "INSERT INTO balances (account_id, floor_nanos) VALUES ($1, $2) ON CONFLICT (account_id) DO NOTHING",
        )
        .bind(*account_id)
        .bind(*floor_nanos)
        .execute(&mut *connection)
        .await?;
    }
    for key_id in key_ids {
        sqlx::query("INSERT INTO key_usage (key_id) VALUES ($1) ON CONFLICT (key_id) DO NOTHING")
            .bind(*key_id)
            .execute(&mut *connection)
            .await?;
    }
    Ok(())
}

/// The transfers among `ids` that exist.
///
/// # Errors
/// Any database error.
pub async fn find_transfers(connection: &mut AnyConnection, ids: &[String]) -> sqlx::Result<Vec<TransferRow>> {
    let mut found = Vec::new();
    for (text, chunk) in FIND_TRANSFERS.chunks(connection, ids) {
        let query = chunk.iter().fold(sqlx::query_as(text), |query, id| query.bind(id.as_str()));
        found.extend(query.fetch_all(&mut *connection).await?);
    }
    Ok(found)
}

impl Store {
    /// Every account, every key's counters and every hold.
    ///
    /// # Errors
    /// Any database error.
    pub async fn load_ledger(&self) -> sqlx::Result<(Vec<BalanceRow>, Vec<KeyUsageRow>, Vec<HoldRow>)> {
        let balances =
            sqlx::query_as("SELECT account_id, credited_nanos, debited_nanos, held_nanos, floor_nanos, promo_nanos, is_frozen FROM balances")
                .fetch_all(self.pool())
                .await?;
        let key_usage =
            sqlx::query_as(concat!("SELECT ", key_usage_columns!(), " FROM key_usage")).fetch_all(self.pool()).await?;
        Ok((balances, key_usage, self.holds().await?))
    }

    /// Every hold under way.
    ///
    /// # Errors
    /// Any database error.
    pub async fn holds(&self) -> sqlx::Result<Vec<HoldRow>> {
        sqlx::query_as(
            "SELECT id, account_id, key_id, amount_nanos, own_nanos, node_id, created_at, expires_at FROM holds",
        )
        .fetch_all(self.pool())
        .await
    }

    /// Holds that ran out, or whose node has not been heard of since `silent_since` (epoch ms).
    ///
    /// # Errors
    /// Any database error.
    pub async fn dangling_holds(&self, now_ms: i64, silent_since: i64) -> sqlx::Result<Vec<HoldRow>> {
        sqlx::query_as(
            "SELECT id, account_id, key_id, amount_nanos, own_nanos, node_id, created_at, expires_at FROM holds \
             WHERE expires_at < $1 OR node_id NOT IN (SELECT id FROM nodes WHERE heartbeat_at >= $2) LIMIT 500",
        )
        .bind(now_ms)
        .bind(silent_since)
        .fetch_all(self.pool())
        .await
    }

    /// Says that this node is alive.
    ///
    /// # Errors
    /// Any database error.
    pub async fn heartbeat(&self, node_id: &str, now_ms: i64) -> sqlx::Result<()> {
        sqlx::query(
            "INSERT INTO nodes (id, started_at, heartbeat_at) VALUES ($1, $2, $2) \
             ON CONFLICT (id) DO UPDATE SET heartbeat_at = excluded.heartbeat_at",
        )
        .bind(node_id)
        .bind(now_ms)
        .execute(self.pool())
        .await
        .map(|_| ())
    }

    /// One account.
    ///
    /// # Errors
    /// Any database error.
    pub async fn balance(&self, account_id: &str) -> sqlx::Result<Option<BalanceRow>> {
        sqlx::query_as(
            "SELECT account_id, credited_nanos, debited_nanos, held_nanos, floor_nanos, promo_nanos, is_frozen FROM balances \
             WHERE account_id = $1",
        )
        .bind(account_id)
        .fetch_optional(self.pool())
        .await
    }

    /// One key's counters.
    ///
    /// # Errors
    /// Any database error.
    pub async fn key_usage(&self, key_id: &str) -> sqlx::Result<Option<KeyUsageRow>> {
        sqlx::query_as(concat!("SELECT ", key_usage_columns!(), " FROM key_usage WHERE key_id = $1"))
            .bind(key_id)
            .fetch_optional(self.pool())
            .await
    }

    /// An account's movements, newest first; charges of nothing are left out.
    ///
    /// # Errors
    /// Any database error.
    pub async fn transfers_of(&self, account_id: &str, limit: i64) -> sqlx::Result<Vec<TransferRow>> {
        sqlx::query_as(
            "SELECT id, kind, debit_account_id, credit_account_id, amount_nanos, hold_nanos, promo_nanos, description, created_at \
             FROM (SELECT * FROM transfers WHERE debit_account_id = $1 AND amount_nanos > 0 \
                   UNION ALL SELECT * FROM transfers WHERE credit_account_id = $1 AND amount_nanos > 0) AS both_sides \
             ORDER BY created_at DESC, id DESC LIMIT $2",
        )
        .bind(account_id)
        .bind(limit)
        .fetch_all(self.pool())
        .await
    }

    /// One transfer.
    ///
    /// # Errors
    /// Any database error.
    pub async fn transfer(&self, id: &str) -> sqlx::Result<Option<TransferRow>> {
        sqlx::query_as(
            "SELECT id, kind, debit_account_id, credit_account_id, amount_nanos, hold_nanos, promo_nanos, description, \
             created_at FROM transfers WHERE id = $1",
        )
        .bind(id)
        .fetch_optional(self.pool())
        .await
    }

    /// The last link of a node's chain; for a new chain one without a number that
    /// continues the newest of all others.
    ///
    /// # Errors
    /// Any database error.
    pub async fn last_seal(&self, node_id: &str) -> sqlx::Result<SealRow> {
        let own: Option<SealRow> = sqlx::query_as(
            "SELECT node_id, number, previous, digest, transfer_ids, created_at FROM seals WHERE node_id = $1 \
             ORDER BY number DESC LIMIT 1",
        )
        .bind(node_id)
        .fetch_optional(self.pool())
        .await?;
        if let Some(own) = own {
            return Ok(own);
        }
        let newest: Option<String> =
            sqlx::query_scalar("SELECT digest FROM seals ORDER BY created_at DESC, node_id, number DESC LIMIT 1")
                .fetch_optional(self.pool())
                .await?;
        Ok(SealRow { node_id: node_id.to_owned(), digest: newest.unwrap_or_default(), ..SealRow::default() })
    }
}
