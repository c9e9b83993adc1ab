//! Holds that a process left behind.

use super::apply::Working;
use super::find::lock;
use super::{Op, SettleOp, seal};
use crate::store::Store;
use crate::store::ledger::{self, HoldRow};

/// Voids holds nobody will resolve any more. A hold resolved meanwhile is left alone.
///
/// # Errors
/// Any database error; nothing was voided then.
pub(super) async fn void_holds(store: &Store, holds: &[HoldRow], node_id: &str, now_ms: i64) -> sqlx::Result<()> {
    if holds.is_empty() {
        return Ok(());
    }
    // Beside the writer, so on a chain of its own.
    let last = store.last_seal(&format!("reaper:{node_id}")).await?;
    let mut tx = store.begin_write().await?;
    let ops: Vec<Op> = holds.iter().map(|row| Op::Settle(Box::new(void_of(row)))).collect();
    let locked = lock(&mut tx, &ops).await?;
    // Another node may have resolved some before we had the locks.
    let ids: Vec<String> = holds.iter().map(|row| row.id.clone()).collect();
    let still_there = ledger::find_holds(&mut tx, &ids).await?;
    let mut working = Working::new(&locked, now_ms);
    for row in &still_there {
        working.settle(&void_of(row), &row.id, Some(row.stake()), 0);
    }
    let mut batch = working.finish();
    batch.seal = seal::next(&last, &batch.transfers, now_ms);
    ledger::write_batch(&mut tx, &batch).await?;
    tx.commit().await?;
    tracing::info!(holds = still_there.len(), "Voided holds of a process that is gone");
    Ok(())
}

fn void_of(row: &HoldRow) -> SettleOp {
    SettleOp {
        id: row.id.clone(),
        account_id: row.account_id.clone(),
        key_id: row.key_id.clone(),
        held: row.stake(),
        charge: 0,
        overrun: 0,
        own: 0,
        generation: None,
        reply: None,
    }
}
