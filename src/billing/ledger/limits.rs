//! What a request counts in, and up to what.

use std::sync::Arc;

use app::types::Money;
use app::types::keys::LimitReset;

use super::HoldError;
use crate::clock::Windows;
use crate::store::ledger::{GrownHold, HoldRow, KeyUsageRow};

/// What a request sets aside or has spent.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Stake {
    /// Of the balance.
    pub credit: Money,
    /// List price that a provider bills to the organization's own key: it moves nothing
    /// here, and counts in limits that include it.
    pub own: Money,
}

impl From<Money> for Stake {
    fn from(credit: Money) -> Self {
        Self { credit, own: Money::ZERO }
    }
}

impl Stake {
    #[must_use]
    pub const fn plus(self, more: Self) -> Self {
        Self { credit: self.credit.plus(more.credit), own: self.own.plus(more.own) }
    }

    #[must_use]
    pub const fn minus(self, less: Self) -> Self {
        Self { credit: self.credit.minus(less.credit), own: self.own.minus(less.own) }
    }

    /// What of it counts in a limit.
    #[must_use]
    pub const fn counted(self, includes_byok: bool) -> Money {
        if includes_byok { self.credit.plus(self.own) } else { self.credit }
    }

    pub(super) const fn negated(self) -> Self {
        Self { credit: Money(-self.credit.0), own: Money(-self.own.0) }
    }

    pub(super) fn at_least_zero(self) -> Self {
        Self { credit: self.credit.max(Money::ZERO), own: self.own.max(Money::ZERO) }
    }
}

impl HoldRow {
    pub(super) const fn stake(&self) -> Stake {
        Stake { credit: Money(self.amount_nanos), own: Money(self.own_nanos) }
    }

    pub(super) const fn grow(&mut self, by: Stake) {
        self.amount_nanos = self.amount_nanos.saturating_add(by.credit.0);
        self.own_nanos = self.own_nanos.saturating_add(by.own.0);
    }
}

impl GrownHold {
    pub(super) fn of(id: &str, by: Stake) -> Self {
        Self { id: id.to_owned(), amount_nanos: by.credit.0, own_nanos: by.own.0 }
    }

    pub(super) const fn stake(&self) -> Stake {
        Stake { credit: Money(self.amount_nanos), own: Money(self.own_nanos) }
    }
}

impl KeyUsageRow {
    pub(super) const fn held(&self) -> Stake {
        Stake { credit: Money(self.held_nanos), own: Money(self.own_held_nanos) }
    }
}

/// Who pays for a request and up to what.
#[derive(Clone, Debug, Default)]
pub struct Payer {
    pub account_id: String,
    /// What the request counts in: the key first, then whatever else may have a
    /// budget, separated by spaces. Empty for a request that counts nowhere.
    pub key_id: String,
    /// The key's limit in its window.
    pub limit: Option<Money>,
    pub limit_reset: Option<LimitReset>,
    /// What providers bill to own keys counts against the key's limit, too.
    pub includes_byok: bool,
    /// Limits of the other counters, the broadest first.
    pub budgets: Arc<[Budget]>,
}

/// What one counter may reach in its window.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Budget {
    /// One of the words of [`Payer::key_id`].
    pub counter: String,
    /// As a refusal names it: `the daily budget of workspace "Research"`.
    pub name: String,
    pub limit: Money,
    pub reset: Option<LimitReset>,
    /// What providers bill to own keys counts, too.
    pub includes_byok: bool,
}

/// The counters in [`Payer::key_id`].
pub(crate) fn counters(key_id: &str) -> impl Iterator<Item = &str> {
    key_id.split(' ').filter(|counter| !counter.is_empty())
}

impl Payer {
    /// Whether every limit leaves `amount`. `used` tells what a counter has spent and
    /// holds in a window.
    pub(super) fn check(
        &self,
        amount: Stake,
        mut used: impl FnMut(&str, Option<LimitReset>) -> Stake,
    ) -> Result<(), HoldError> {
        let mut left = |limit: Money, counter: &str, reset, includes_byok| {
            let left = limit.minus(used(counter, reset).counted(includes_byok));
            (left < amount.counted(includes_byok) || left <= Money::ZERO).then(|| left.max(Money::ZERO))
        };
        if let (Some(limit), Some(key)) = (self.limit, counters(&self.key_id).next())
            && let Some(remaining) = left(limit, key, self.limit_reset, self.includes_byok)
        {
            return Err(HoldError::KeyLimit { remaining });
        }
        for (index, budget) in self.budgets.iter().enumerate() {
            if let Some(remaining) = left(budget.limit, &budget.counter, budget.reset, budget.includes_byok) {
                return Err(HoldError::Budget { index, remaining });
            }
        }
        Ok(())
    }
}

/// A key's spending, window by window.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct KeyUsage {
    pub total: Stake,
    pub daily: Stake,
    pub weekly: Stake,
    pub monthly: Stake,
    /// Epoch ms; `None` when never used.
    pub last_used_at: Option<i64>,
}

impl KeyUsage {
    pub(super) fn of(row: &KeyUsageRow, now: Windows) -> Self {
        let stake = |credit: i64, own: i64| Stake { credit: Money(credit), own: Money(own) };
        let within = |is_current: bool, credit, own| if is_current { stake(credit, own) } else { Stake::default() };
        Self {
            total: stake(row.total_nanos, row.own_total_nanos),
            daily: within(row.day == now.day, row.day_nanos, row.own_day_nanos),
            weekly: within(row.week == now.week, row.week_nanos, row.own_week_nanos),
            monthly: within(row.month == now.month, row.month_nanos, row.own_month_nanos),
            last_used_at: (row.last_used_at > 0).then_some(row.last_used_at),
        }
    }

    /// What counts against a limit with this reset.
    #[must_use]
    pub const fn in_window(&self, reset: Option<LimitReset>) -> Stake {
        match reset {
            None => self.total,
            Some(LimitReset::Daily) => self.daily,
            Some(LimitReset::Weekly) => self.weekly,
            Some(LimitReset::Monthly) => self.monthly,
        }
    }
}
