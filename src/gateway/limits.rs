//! How often a caller may ask: per key, per organization, and for free models.
//!
//! The buckets are in memory, so each node grants them anew. The day's count of
//! free requests starts from what the totals say, so that a restart does not
//! grant it again. Source of the free tier's numbers: the original's guide on limits.

use std::collections::HashMap;
use std::num::NonZeroU32;
use std::time::Duration;

use app::types::Money;
use app::types::keys::FreeRequests;
use governor::clock::Clock as BucketClock;
use governor::middleware::NoOpMiddleware;
use governor::nanos::Nanos;
use governor::state::keyed::HashMapStateStore;
use governor::{Quota, RateLimiter};
use parking_lot::Mutex;

use super::Requester;
use crate::App;
use crate::billing::ledger::credit_account;
use crate::clock::{Clock, MS_PER_DAY};
use crate::config::RateLimits as Settings;
use crate::error::{Error, Result};

/// From this much credit on, an organization is no longer in the free tier, USD.
const FREE_TIER_ENDS_AT: i64 = 10;
const MS_PER_MINUTE: u64 = 60_000;

#[derive(Clone)]
struct Ticks(Clock);

impl BucketClock for Ticks {
    type Instant = Nanos;

    fn now(&self) -> Nanos {
        Duration::from_millis(u64::try_from(self.0.now_ms()).unwrap_or(0)).into()
    }
}

type Buckets = RateLimiter<String, HashMapStateStore<String>, Ticks, NoOpMiddleware<Nanos>>;

/// A bucket for each name, all refilled to the same number within a minute.
struct PerMinute {
    buckets: Buckets,
    limit: NonZeroU32,
}

impl PerMinute {
    /// Zero is no limit.
    fn new(limit: u32, clock: &Clock) -> Option<Self> {
        let limit = NonZeroU32::new(limit)?;
        let quota = Quota::per_minute(limit);
        Some(Self { buckets: RateLimiter::new(quota, HashMapStateStore::default(), Ticks(clock.clone())), limit })
    }

    fn check(&self, name: &str, who: &str) -> Result<()> {
        self.buckets.check_key(&name.to_owned()).map_err(|refusal| {
            let wait = refusal.wait_time_from(self.buckets.clock().now());
            let retry_after_s = wait.as_millis().div_ceil(1_000).max(1);
            let limit = u64::from(self.limit.get());
            let retry_after_s = u64::try_from(retry_after_s).unwrap_or(MS_PER_MINUTE);
            let message = format!(
                "Rate limit exceeded: {who} may send {limit} requests a minute. Try again in {retry_after_s} s."
            );
            Error::TooManyRequests { message, retry_after_s, limit }
        })
    }
}

/// All limits of this node.
pub struct RateLimits {
    settings: Settings,
    keys: Option<PerMinute>,
    organizations: Option<PerMinute>,
    free: Option<PerMinute>,
    /// By organization: the UTC day and the requests to free models in it.
    free_today: Mutex<HashMap<String, (i64, u64)>>,
}

impl RateLimits {
    #[must_use]
    pub fn new(settings: Settings, clock: &Clock) -> Self {
        Self {
            settings,
            keys: PerMinute::new(settings.key_per_minute, clock),
            organizations: PerMinute::new(settings.organization_per_minute, clock),
            free: PerMinute::new(settings.free_per_minute, clock),
            free_today: Mutex::default(),
        }
    }

    /// Forgets callers whose buckets are full again.
    pub fn forget_idle(&self) {
        for limit in [&self.keys, &self.organizations, &self.free].into_iter().flatten() {
            limit.buckets.retain_recent();
        }
    }

    /// Counts a request before anything is done for it.
    ///
    /// # Errors
    /// 429 that says how often the key or organization may ask.
    pub fn admit(&self, requester: &Requester) -> Result<()> {
        if let (Some(limit), Some(key)) = (&self.keys, &requester.key) {
            limit.check(&key.id, "this key")?;
        }
        if let Some(limit) = &self.organizations {
            limit.check(&requester.organization_id, "this organization")?;
        }
        Ok(())
    }

    /// Counts a request to a free variant (`:free`) of a model.
    ///
    /// # Errors
    /// 429 for the minute or the day; any database error while the day's first count is read.
    pub async fn admit_free(&self, app: &App, organization_id: &str) -> Result<()> {
        if let Some(limit) = &self.free {
            limit.check(organization_id, "an organization using free models")?;
        }
        let quota = self.free_quota(app, organization_id).await?;
        let Some(limit) = u64::try_from(quota.limit).ok().filter(|limit| *limit > 0) else { return Ok(()) };
        let now_ms = app.clock.now_ms();
        let mut days = self.free_today.lock();
        let (_, used) = days.entry(organization_id.to_owned()).or_insert((now_ms.div_euclid(MS_PER_DAY), 0));
        if *used >= limit {
            let left_ms = MS_PER_DAY - now_ms.rem_euclid(MS_PER_DAY);
            let retry_after_s = u64::try_from(left_ms).unwrap_or(0).div_ceil(1_000);
            let message = format!(
                "Rate limit exceeded: {limit} requests a day to free models. The count starts again at 00:00 UTC; \
                 an organization that has bought ${FREE_TIER_ENDS_AT} of credit gets {} a day.",
                self.settings.free_per_day_after_purchase
            );
            return Err(Error::TooManyRequests { message, retry_after_s, limit });
        }
        *used += 1;
        Ok(())
    }

    /// What an organization has left of today's requests to free models. A limit of 0 is none.
    ///
    /// # Errors
    /// Any database error.
    pub async fn free_quota(&self, app: &App, organization_id: &str) -> Result<FreeRequests> {
        let credited = app.ledger.balance(&credit_account(organization_id)).await?.credited;
        let limit = if credited < Money::from_dollars(FREE_TIER_ENDS_AT) {
            self.settings.free_per_day
        } else {
            self.settings.free_per_day_after_purchase
        };
        let today = app.clock.now_ms().div_euclid(MS_PER_DAY);
        let known = self.free_today.lock().get(organization_id).filter(|(day, _)| *day == today).map(|(_, used)| *used);
        let used = if let Some(used) = known {
            used
        } else {
            let counted = app.store.free_requests(organization_id, today).await?;
            let mut days = self.free_today.lock();
            let entry = days.entry(organization_id.to_owned()).or_insert((today, counted));
            if entry.0 != today {
                *entry = (today, counted);
            }
            entry.1
        };
        let (limit, used) = (i64::from(limit), i64::try_from(used).unwrap_or(i64::MAX));
        Ok(FreeRequests { limit, remaining: limit.saturating_sub(used).max(0), used })
    }
}
