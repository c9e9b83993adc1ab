//! Balances in memory, where this process owns them: holds are decided here.

use app::types::Money;
use foldhash::{HashMap, HashSet};

use super::{HoldError, KeyUsage, Payer, Stake, counters};
use crate::clock::Windows;
use crate::store::ledger::{BalanceRow, KeyUsageRow};

/// What may still be spent: committed balances less the holds under way.
#[derive(Debug, Default)]
pub struct Live {
    accounts: HashMap<String, i64>,
    keys: HashMap<String, LiveKey>,
    frozen: HashSet<String>,
}

#[derive(Debug, Default)]
struct LiveKey {
    held: Stake,
    usage: KeyUsageRow,
}

impl Live {
    pub fn load(balances: &[BalanceRow], key_usage: &[KeyUsageRow]) -> Self {
        Self {
            accounts: balances.iter().map(|row| (row.account_id.clone(), row.available())).collect(),
            keys: key_usage
                .iter()
                .map(|row| (row.key_id.clone(), LiveKey { held: row.held(), usage: row.clone() }))
                .collect(),
            frozen: balances.iter().filter(|row| row.is_frozen != 0).map(|row| row.account_id.clone()).collect(),
        }
    }

    pub fn available(&self, account_id: &str) -> i64 {
        self.accounts.get(account_id).copied().unwrap_or(0)
    }

    /// Takes `amount` out of what may be spent, or says what is missing.
    pub fn hold(&mut self, payer: &Payer, amount: Stake, now_ms: i64) -> Result<(), HoldError> {
        if self.frozen.contains(&payer.account_id) {
            return Err(HoldError::Frozen);
        }
        let available = self.available(&payer.account_id);
        if available < amount.credit.0 || available < 0 {
            return Err(HoldError::Insufficient { available: Money(available) });
        }
        payer.check(amount, |counter, reset| {
            self.keys.get(counter).map_or(Stake::default(), |key| {
                KeyUsage::of(&key.usage, Windows::at(now_ms)).in_window(reset).plus(key.held)
            })
        })?;
        self.count(&payer.key_id, amount);
        self.accounts.insert(payer.account_id.clone(), available - amount.credit.0);
        Ok(())
    }

    /// Takes `amount` out for a transfer; unless it `is_forced`, only if it is there.
    pub fn withdraw(&mut self, account_id: &str, amount: i64, is_forced: bool) -> bool {
        let available = self.available(account_id);
        if !is_forced && available < amount {
            return false;
        }
        self.accounts.insert(account_id.to_owned(), available.saturating_sub(amount));
        true
    }

    /// Stops new holds of an account, or lets them again.
    pub fn freeze(&mut self, account_id: &str, is_frozen: bool) {
        if is_frozen {
            self.frozen.insert(account_id.to_owned());
        } else {
            self.frozen.remove(account_id);
        }
    }

    /// Takes up to `amount` more for a request that cost more than it held.
    pub fn take(&mut self, payer: &Payer, amount: i64) -> i64 {
        let available = self.available(&payer.account_id);
        let taken = amount.min(available).max(0);
        self.accounts.insert(payer.account_id.clone(), available - taken);
        self.count(&payer.key_id, Money(taken).into());
        taken
    }

    fn count(&mut self, key_id: &str, held: Stake) {
        for counter in counters(key_id) {
            if let Some(key) = self.keys.get_mut(counter) {
                key.held = key.held.plus(held);
            } else {
                self.keys.insert(counter.to_owned(), LiveKey { held, usage: KeyUsageRow::default() });
            }
        }
    }

    /// Gives back what a committed settlement left of its hold.
    pub fn release(&mut self, account_id: &str, amount: i64) {
        if amount != 0 {
            *self.accounts.entry(account_id.to_owned()).or_default() += amount;
        }
    }

    /// Takes over a key's committed counters after a settlement freed `held`.
    pub fn settle_key(&mut self, usage: &KeyUsageRow, held: Stake) {
        let key = self.keys.entry(usage.key_id.clone()).or_default();
        key.held = key.held.plus(held.negated());
        key.usage = usage.clone();
    }

    /// A key's holds under way grew or shrank without a settlement.
    pub fn release_key(&mut self, key_id: &str, held: Stake) {
        for counter in counters(key_id) {
            if let Some(key) = self.keys.get_mut(counter) {
                key.held = key.held.plus(held.negated());
            }
        }
    }
}
