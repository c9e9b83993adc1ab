//! What an operation changes, as arithmetic on rows; no I/O.

use std::collections::BTreeMap;
use std::sync::Arc;

use app::types::Money;
use foldhash::HashMap;

use super::{
    BYOK_REVENUE, HoldError, HoldOp, KeyUsage, OVERRUN_LOSS, Payer, REFUSED, REVENUE, SettleOp, Stake, TransferOutcome,
    counters,
};
use crate::clock::Windows;
use crate::store::generations::Posted;
use crate::store::ledger::{BalanceRow, HoldRow, KeyUsageRow, LedgerBatch, TransferRow};

/// Rows by id: all of them where this process owns them, or those a transaction locked.
#[derive(Clone, Debug, Default)]
pub struct Accounts {
    pub balances: HashMap<String, BalanceRow>,
    pub keys: HashMap<String, KeyUsageRow>,
}

impl Accounts {
    pub fn load(balances: Vec<BalanceRow>, keys: Vec<KeyUsageRow>) -> Self {
        Self {
            balances: balances.into_iter().map(|row| (row.account_id.clone(), row)).collect(),
            keys: keys.into_iter().map(|row| (row.key_id.clone(), row)).collect(),
        }
    }
}

/// An account that must not go below zero by itself: everything but the platform's own.
#[must_use]
pub fn floor_of(account_id: &str) -> Option<i64> {
    account_id.starts_with("org:").then_some(0)
}

/// The rows a transaction touches, and what it will write.
pub struct Working<'a> {
    base: &'a Accounts,
    pub balances: BTreeMap<String, BalanceRow>,
    pub keys: BTreeMap<String, KeyUsageRow>,
    pub batch: LedgerBatch,
    /// By account: holds decided in memory that no transaction has written yet.
    unwritten: HashMap<String, i64>,
    now_ms: i64,
}

impl<'a> Working<'a> {
    pub fn new(base: &'a Accounts, now_ms: i64) -> Self {
        Self {
            base,
            balances: BTreeMap::new(),
            keys: BTreeMap::new(),
            batch: LedgerBatch::default(),
            unwritten: HashMap::default(),
            now_ms,
        }
    }

    /// Reckons with holds that are decided and not written yet.
    #[must_use]
    pub fn with_unwritten(mut self, unwritten: HashMap<String, i64>) -> Self {
        self.unwritten = unwritten;
        self
    }

    fn unwritten_of(&self, account_id: &str) -> i64 {
        self.unwritten.get(account_id).copied().unwrap_or(0)
    }

    fn balance(&mut self, account_id: &str) -> &mut BalanceRow {
        let base = self.base;
        self.balances.entry(account_id.to_owned()).or_insert_with(|| {
            base.balances.get(account_id).cloned().unwrap_or_else(|| BalanceRow {
                account_id: account_id.to_owned(),
                floor_nanos: floor_of(account_id),
                ..BalanceRow::default()
            })
        })
    }

    fn key(&mut self, key_id: &str) -> &mut KeyUsageRow {
        let base = self.base;
        self.keys.entry(key_id.to_owned()).or_insert_with(|| {
            base.keys
                .get(key_id)
                .cloned()
                .unwrap_or_else(|| KeyUsageRow { key_id: key_id.to_owned(), ..KeyUsageRow::default() })
        })
    }

    /// Decides a hold on locked rows (where memory did not).
    pub fn decide(&mut self, payer: &Payer, amount: Stake) -> Result<(), HoldError> {
        let windows = Windows::at(self.now_ms);
        let account = self.balance(&payer.account_id);
        if account.is_frozen != 0 {
            return Err(HoldError::Frozen);
        }
        let available = account.available();
        if available < amount.credit.0 || available < 0 {
            return Err(HoldError::Insufficient { available: Money(available) });
        }
        payer.check(amount, |counter, reset| {
            let key = self.key(counter);
            KeyUsage::of(key, windows).in_window(reset).plus(key.held())
        })
    }

    /// Writes a decided hold.
    pub fn hold(&mut self, row: HoldRow) {
        self.reserve(&row.account_id, &row.key_id, row.stake());
        self.batch.new_holds.push(row);
    }

    /// Adds to what an account and a key hold.
    pub fn reserve(&mut self, account_id: &str, key_id: &str, amount: Stake) {
        self.balance(account_id).held_nanos += amount.credit.0;
        for counter in counters(key_id) {
            let key = self.key(counter);
            key.held_nanos += amount.credit.0;
            key.own_held_nanos += amount.own.0;
        }
    }

    /// Resolves a hold under the transfer id `id`. `stored` is what the hold's own
    /// row says, if it was ever written. Returns what the customer is charged.
    pub fn settle(&mut self, op: &SettleOp, id: &str, stored: Option<Stake>, seq: i64) -> Money {
        if let Some(stored) = stored {
            self.reserve(&op.account_id, &op.key_id, stored.negated());
            self.batch.resolved_holds.push(op.id.clone());
        }
        let unwritten = self.unwritten_of(&op.account_id);
        let account = self.balance(&op.account_id);
        // Where an account is overdrawn, holds of other requests count as if they were written.
        let (available, promo) = (account.available().saturating_sub(unwritten), account.promo_nanos);
        // On owned rows `charge` is covered already; on locked rows this is where it is decided.
        let covered = op.charge.min(available.max(0));
        let overrun = op.overrun + (op.charge - covered);
        let kind = if covered > 0 || op.generation.is_some() { "post" } else { "void" };
        let is_own_key = op.generation.as_ref().is_some_and(|row| !row.own_key_id.is_empty());
        let revenue = if is_own_key { BYOK_REVENUE } else { REVENUE };
        if covered > 0 || stored.is_some() || op.generation.is_some() {
            let description = op.generation.as_ref().map_or_else(String::new, |row| row.model_id.clone());
            self.write_transfer(TransferRow {
                id: id.to_owned(),
                kind: kind.to_owned(),
                debit_account_id: op.account_id.clone(),
                credit_account_id: revenue.to_owned(),
                amount_nanos: covered,
                hold_nanos: op.held.credit.0,
                // What nobody paid for is spent first.
                promo_nanos: covered.min(promo.max(0)),
                description,
                created_at: op.generation.as_ref().filter(|row| row.seq > 0).map_or(self.now_ms, |row| row.created_at),
            });
        }
        if overrun > 0 {
            tracing::warn!(generation.id = %op.id, overrun_nanos = overrun, "A request cost more than it held");
            self.write_transfer(TransferRow {
                id: format!("{id}:overrun"),
                kind: "overrun".to_owned(),
                debit_account_id: OVERRUN_LOSS.to_owned(),
                credit_account_id: revenue.to_owned(),
                amount_nanos: overrun,
                hold_nanos: 0,
                promo_nanos: 0,
                description: "cost beyond hold and balance".to_owned(),
                created_at: self.now_ms,
            });
        }
        if let Some(row) = &op.generation {
            let seq = if row.seq == 0 { seq } else { row.seq };
            self.batch.generations.push(Posted { seq, cost_nanos: covered, row: Arc::clone(row) });
        }
        for counter in counters(&op.key_id) {
            self.spend(counter, covered, op.own);
        }
        Money(covered)
    }

    fn spend(&mut self, key_id: &str, amount: i64, own: i64) {
        let (now_ms, windows) = (self.now_ms, Windows::at(self.now_ms));
        let key = self.key(key_id);
        let add = |window: &mut i64, nanos: &mut i64, own_nanos: &mut i64, current: i64| {
            if *window != current {
                (*window, *nanos, *own_nanos) = (current, 0, 0);
            }
            *nanos = nanos.saturating_add(amount);
            *own_nanos = own_nanos.saturating_add(own);
        };
        add(&mut key.day, &mut key.day_nanos, &mut key.own_day_nanos, windows.day);
        add(&mut key.week, &mut key.week_nanos, &mut key.own_week_nanos, windows.week);
        add(&mut key.month, &mut key.month_nanos, &mut key.own_month_nanos, windows.month);
        key.total_nanos = key.total_nanos.saturating_add(amount);
        key.own_total_nanos = key.own_total_nanos.saturating_add(own);
        key.last_used_at = now_ms;
    }

    /// Moves money, all of it or nothing, if the debited organizations have it and paid for
    /// it. What `is_forced` is booked even where it takes an account below zero.
    pub fn transfer(&mut self, rows: &[TransferRow], is_forced: bool) -> TransferOutcome {
        let mut debits: BTreeMap<&str, (i64, i64)> = BTreeMap::new();
        for row in rows {
            let (sum, promo) = debits.entry(&row.debit_account_id).or_default();
            *sum = sum.saturating_add(row.amount_nanos);
            *promo = promo.saturating_add(row.promo_nanos);
        }
        for (account_id, (amount, promo)) in debits {
            let unwritten = self.unwritten_of(account_id);
            let debited = self.balance(account_id);
            if is_forced {
                debited.floor_nanos = None;
                continue;
            }
            let left = debited.available().saturating_sub(amount).saturating_sub(unwritten);
            // Gifts go nowhere but into requests: what else is taken out must have been paid for (I16).
            let gifts = debited.promo_nanos.saturating_sub(promo).max(0);
            if floor_of(account_id).is_some_and(|floor| left.saturating_sub(gifts) < floor) {
                return TransferOutcome::Insufficient;
            }
        }
        for row in rows {
            self.write_transfer(row.clone());
        }
        for row in rows {
            self.restore_floor(&row.debit_account_id);
            self.restore_floor(&row.credit_account_id);
        }
        TransferOutcome::Created
    }

    /// Keeps the ids of what there were no funds for; nothing moves.
    pub fn refuse(&mut self, rows: &[TransferRow]) {
        for row in rows {
            self.write_transfer(TransferRow {
                kind: REFUSED.to_owned(),
                amount_nanos: 0,
                hold_nanos: row.amount_nanos,
                promo_nanos: 0,
                description: row.kind.clone(),
                ..row.clone()
            });
        }
    }

    /// An account that is above zero again may not go below it once more.
    fn restore_floor(&mut self, account_id: &str) {
        let unwritten = self.unwritten_of(account_id);
        let account = self.balance(account_id);
        if account.floor_nanos.is_none() && account.available() >= unwritten {
            account.floor_nanos = floor_of(account_id);
        }
    }

    /// Stops new holds of an account, or lets them again.
    pub fn freeze(&mut self, account_id: &str, is_frozen: bool) {
        self.balance(account_id).is_frozen = i64::from(is_frozen);
    }

    /// The transfer with this id earlier in the same batch.
    pub fn written(&self, id: &str) -> Option<&TransferRow> {
        self.batch.transfers.iter().find(|row| row.id == id)
    }

    /// What a hold amounts to by now: `stored` before this batch, and what came in it.
    pub fn held(&self, id: &str, stored: Option<Stake>) -> Option<Stake> {
        let new = self.batch.new_holds.iter().find(|row| row.id == id).map(HoldRow::stake);
        let grown = self.batch.grown_holds.iter().filter(|grown| grown.id == id);
        stored.or(new).map(|amount| grown.fold(amount, |sum, grown| sum.plus(grown.stake())))
    }

    fn write_transfer(&mut self, row: TransferRow) {
        let amount = row.amount_nanos;
        let debited = self.balance(&row.debit_account_id);
        debited.debited_nanos = debited.debited_nanos.saturating_add(amount);
        debited.promo_nanos = debited.promo_nanos.saturating_sub(row.promo_nanos);
        let credited = self.balance(&row.credit_account_id);
        credited.credited_nanos = credited.credited_nanos.saturating_add(amount);
        credited.promo_nanos = credited.promo_nanos.saturating_add(row.promo_nanos);
        self.batch.transfers.push(row);
    }

    /// The batch with the touched rows in sorted order, ready to be written.
    pub fn finish(&mut self) -> LedgerBatch {
        self.batch.balances = self.balances.values().cloned().collect();
        self.batch.key_usage = self.keys.values().cloned().collect();
        std::mem::take(&mut self.batch)
    }
}

/// What comes of rows some of whose ids exist already (I5, I6). When it was made does not matter.
#[must_use]
pub fn repeated(rows: &[TransferRow], known: &[Option<TransferRow>]) -> TransferOutcome {
    let all = |is_alike: fn(&TransferRow, &TransferRow) -> bool| {
        rows.iter().zip(known).all(|(row, known)| known.as_ref().is_some_and(|known| is_alike(known, row)))
    };
    if all(is_same) {
        TransferOutcome::Exists
    } else if all(is_refusal_of) {
        TransferOutcome::Insufficient
    } else {
        TransferOutcome::Conflict
    }
}

fn is_same(existing: &TransferRow, wanted: &TransferRow) -> bool {
    existing.kind == wanted.kind
        && existing.amount_nanos == wanted.amount_nanos
        && existing.promo_nanos == wanted.promo_nanos
        && is_between_the_same(existing, wanted)
}

fn is_refusal_of(existing: &TransferRow, wanted: &TransferRow) -> bool {
    existing.kind == REFUSED
        && existing.description == wanted.kind
        && existing.hold_nanos == wanted.amount_nanos
        && is_between_the_same(existing, wanted)
}

fn is_between_the_same(existing: &TransferRow, wanted: &TransferRow) -> bool {
    existing.debit_account_id == wanted.debit_account_id && existing.credit_account_id == wanted.credit_account_id
}

/// Whether holds that are not written yet matter to a batch: where money is moved, and
/// where an account is overdrawn.
#[must_use]
pub fn needs_unwritten(durable: &Accounts, ops: &[super::Op]) -> bool {
    ops.iter().any(|op| match op {
        super::Op::Transfer { .. } => true,
        super::Op::Settle(op) => durable.balances.get(&op.account_id).is_some_and(|row| row.floor_nanos.is_none()),
        _ => false,
    })
}

/// The accounts and keys an operation touches, for locking.
pub fn touched<'o>(op: &'o super::Op, accounts: &mut Vec<&'o str>, keys: &mut Vec<&'o str>) {
    match op {
        super::Op::Hold(HoldOp { row, .. }) => {
            accounts.push(&row.account_id);
            keys.extend(counters(&row.key_id));
        }
        super::Op::Grow { account_id, key_id, .. } => {
            accounts.push(account_id);
            keys.extend(counters(key_id));
        }
        super::Op::Settle(op) => {
            accounts.push(&op.account_id);
            accounts.push(REVENUE);
            accounts.push(BYOK_REVENUE);
            accounts.push(OVERRUN_LOSS);
            keys.extend(counters(&op.key_id));
        }
        super::Op::Transfer { rows, .. } => {
            for row in rows {
                accounts.push(&row.debit_account_id);
                accounts.push(&row.credit_account_id);
            }
        }
        super::Op::Freeze { account_id, .. } => accounts.push(account_id),
    }
}
