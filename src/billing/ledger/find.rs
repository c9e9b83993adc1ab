//! What the database knows of the rows a batch touches.

use std::collections::BTreeSet;

use foldhash::HashMap;
use sqlx::AnyConnection;

use super::apply::{Accounts, floor_of, touched};
use super::{HoldOp, Op, Stake};
use crate::store::ledger::{self, TransferRow};

/// What the holds that these operations resolve amount to, after their rows were locked;
/// after a commit without an answer also those it may have written.
pub(super) async fn stored_amounts(
    connection: &mut AnyConnection,
    ops: &[Op],
    is_retry: bool,
) -> sqlx::Result<HashMap<String, Stake>> {
    let resolved = |op: &Op| match op {
        Op::Settle(op) => Some(op.id.clone()),
        Op::Hold(HoldOp { row, .. }) if is_retry => Some(row.id.clone()),
        Op::Grow { id, .. } if is_retry => Some(id.clone()),
        _ => None,
    };
    let ids: Vec<String> = ops.iter().filter_map(resolved).collect();
    let rows = ledger::find_holds(connection, &ids).await?;
    Ok(rows.into_iter().map(|row| (row.id.clone(), row.stake())).collect())
}

/// Locks every row the operations touch, in sorted order.
pub(super) async fn lock(connection: &mut AnyConnection, ops: &[Op]) -> sqlx::Result<Accounts> {
    let (mut accounts, mut keys) = (Vec::new(), Vec::new());
    for op in ops {
        touched(op, &mut accounts, &mut keys);
    }
    let accounts: BTreeSet<&str> = accounts.into_iter().collect();
    let keys: BTreeSet<&str> = keys.into_iter().filter(|id| !id.is_empty()).collect();
    let mut locked = Accounts::default();
    for account_id in accounts {
        let mut row = ledger::lock_balance(connection, account_id).await?;
        if row.is_none() {
            ledger::ensure_rows(connection, &[(account_id, floor_of(account_id))], &[]).await?;
            row = ledger::lock_balance(connection, account_id).await?;
        }
        locked.balances.extend(row.map(|row| (row.account_id.clone(), row)));
    }
    for key_id in keys {
        let mut row = ledger::lock_key_usage(connection, key_id).await?;
        if row.is_none() {
            ledger::ensure_rows(connection, &[], &[key_id]).await?;
            row = ledger::lock_key_usage(connection, key_id).await?;
        }
        locked.keys.extend(row.map(|row| (row.key_id.clone(), row)));
    }
    Ok(locked)
}

/// The transfers among `ids` that exist.
pub(super) async fn existing(
    connection: &mut AnyConnection,
    ids: &[String],
) -> sqlx::Result<HashMap<String, TransferRow>> {
    let rows = ledger::find_transfers(connection, ids).await?;
    Ok(rows.into_iter().map(|row| (row.id.clone(), row)).collect())
}

/// Ids whose transfers may exist: always those that come from outside, and those
/// of settlements where another node or a lost commit may have written them.
pub(super) fn ids_to_look_up(ops: &[Op], with_settlements: bool) -> Vec<String> {
    let mut ids = Vec::new();
    for op in ops {
        match op {
            Op::Transfer { rows, .. } => ids.extend(rows.iter().map(|row| row.id.clone())),
            Op::Settle(op) if with_settlements => {
                ids.push(op.id.clone());
                ids.push(format!("{}:late", op.id));
            }
            _ => {}
        }
    }
    ids
}
