//! Transfers that are older than the chains, taken into one: once for each database.

use super::seal;
use crate::store::ledger::{self, SealRow};
use crate::store::{Store, chains};

/// The chain of what was written before there were any.
const CHAIN: &str = "before-the-chains";
/// Transfers of one link.
const LINK: usize = 500;

/// Seals every transfer no chain holds, the first time it is called on a database. Later
/// ones are left for the audit to find.
///
/// # Errors
/// Any database error; nothing was sealed then.
pub async fn adopt(store: &Store, now_ms: i64) -> sqlx::Result<()> {
    if store.has_chain_start().await? {
        return Ok(());
    }
    let mut tx = store.begin_write().await?;
    if !chains::start(&mut tx, now_ms).await? {
        // Another node was quicker.
        return tx.rollback().await;
    }
    let ids = chains::unsealed(&mut tx).await?;
    let mut last = SealRow { node_id: CHAIN.to_owned(), ..SealRow::default() };
    for ids in ids.chunks(LINK) {
        let mut rows = ledger::find_transfers(&mut tx, ids).await?;
        rows.sort_by_key(|row| ids.iter().position(|id| *id == row.id));
        if let Some(next) = seal::next(&last, &rows, now_ms) {
            ledger::insert_seal(&mut tx, &next).await?;
            last = next;
        }
    }
    chains::note(&mut tx, i64::try_from(ids.len()).unwrap_or(i64::MAX)).await?;
    tx.commit().await?;
    if !ids.is_empty() {
        tracing::info!(transfers = ids.len(), "Transfers older than the chains were taken into one");
    }
    Ok(())
}
