//! Reads the books again: every balance from its transfers, every link of the chains.

use std::collections::HashMap;

use super::ledger::seal::digest;
use crate::store::Store;

/// Links read at once.
const CHUNK: i64 = 500;

/// A sentence for everything that does not add up.
///
/// # Errors
/// Any database error.
pub async fn differences(store: &Store) -> sqlx::Result<Vec<String>> {
    let mut found = store.ledger_differences().await?;
    found.extend(broken_links(store).await?);
    Ok(found)
}

/// Transfers that were changed, taken out or put in beside the ledger.
async fn broken_links(store: &Store) -> sqlx::Result<Vec<String>> {
    let mut found = Vec::new();
    let mut ends: HashMap<String, (i64, String)> = HashMap::new();
    let mut sealed = 0_i64;
    let mut after = (String::new(), 0);
    loop {
        let seals = store.seals_after(&after.0, after.1, CHUNK).await?;
        let Some(last) = seals.last() else { break };
        after = (last.node_id.clone(), last.number);
        for seal in &seals {
            let name = format!("link {} of {}", seal.number, seal.node_id);
            match ends.get(&seal.node_id) {
                Some((number, end)) if seal.number != number + 1 || seal.previous != *end => {
                    found.push(format!("{name} does not continue the one before"));
                }
                None if seal.number != 1 => found.push(format!("{name} is the first there is")),
                _ => {}
            }
            let ids: Vec<String> = seal.transfer_ids.lines().map(str::to_owned).collect();
            let mut rows = store.transfers_by_id(&ids).await?;
            rows.sort_by_key(|row| ids.iter().position(|id| *id == row.id));
            if rows.len() != ids.len() {
                found.push(format!("{name} names transfers that are not there"));
            } else if digest(&seal.previous, &rows) != seal.digest {
                found.push(format!("{name} does not fit its transfers: one of them was changed"));
            }
            sealed += i64::try_from(ids.len()).unwrap_or(0);
            ends.insert(seal.node_id.clone(), (seal.number, seal.digest.clone()));
        }
    }
    let written = store.count_transfers().await?;
    if written != sealed {
        found.push(format!("{written} transfers are written, but the chains hold {sealed}"));
    }
    Ok(found)
}
