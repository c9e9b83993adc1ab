//! The chain over the transfers of a node: who changes one row breaks it.

use std::fmt::Write as _;

use sha2::{Digest as _, Sha256};

use crate::store::ledger::{SealRow, TransferRow};

/// The digest of these transfers behind `previous`, in hex.
#[must_use]
pub fn digest(previous: &str, transfers: &[TransferRow]) -> String {
    let mut hash = Sha256::new();
    hash.update(previous.as_bytes());
    for row in transfers {
        let texts = [&row.id, &row.kind, &row.debit_account_id, &row.credit_account_id, &row.description];
        for text in texts {
            // The length first, so that no two rows read the same.
            hash.update(text.len().to_be_bytes());
            hash.update(text.as_bytes());
        }
        for number in [row.amount_nanos, row.hold_nanos, row.promo_nanos, row.created_at] {
            hash.update(number.to_be_bytes());
        }
    }
    hash.finalize().iter().fold(String::with_capacity(64), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// The next link of a chain.
#[must_use]
pub fn next(last: &SealRow, transfers: &[TransferRow], now_ms: i64) -> Option<SealRow> {
    if transfers.is_empty() {
        return None;
    }
    let ids: Vec<&str> = transfers.iter().map(|row| row.id.as_str()).collect();
    Some(SealRow {
        node_id: last.node_id.clone(),
        number: last.number + 1,
        previous: last.digest.clone(),
        digest: digest(&last.digest, transfers),
        transfer_ids: ids.join("\n"),
        created_at: now_ms,
    })
}
