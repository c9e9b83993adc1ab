//! How often a caller may ask: per address, key, organization and model, and for
//! free models.
//!
//! The buckets are in memory, or in the server at `redis_url` where several nodes
//! share them. The day's count of free requests starts from what the totals say, so
//! that a restart does not grant it again. Source of the free tier's numbers: the
//! original's guide on limits.

mod bucket;
mod shared;

use std::collections::HashMap;

use app::types::Money;
use app::types::keys::FreeRequests;
use ipnet::IpNet;
use parking_lot::Mutex;

use self::bucket::PerMinute;
use self::shared::Shared;
use super::Requester;
use crate::App;
use crate::clock::{Clock, MS_PER_DAY};
use crate::config::{Config, RateLimits as Settings};
use crate::error::{Error, Result};

/// Who has bought this much credit is no longer in the free tier, USD.
const FREE_TIER_ENDS_AT: i64 = 10;

/// All limits of this node.
pub struct RateLimits {
    settings: Settings,
    addresses: Option<PerMinute>,
    keys: Option<PerMinute>,
    organizations: Option<PerMinute>,
    models: Option<PerMinute>,
    free: Option<PerMinute>,
    trusted_proxies: Vec<IpNet>,
    shared: Option<Shared>,
    /// By organization: the UTC day and the requests to free models in it.
    free_today: Mutex<HashMap<String, (i64, u64)>>,
}

impl RateLimits {
    /// # Errors
    /// What is wrong with `redis_url`.
    pub fn new(config: &Config, trusted_proxies: Vec<IpNet>, clock: &Clock) -> Result<Self, String> {
        let settings = config.rate_limits;
        let url = config.redis_url.as_str();
        let shared = match url {
            "" => None,
            url => Some(Shared::new(url, clock).map_err(|error| format!("redis_url: {error}"))?),
        };
        let per_minute = |kind, limit| PerMinute::new(kind, limit, clock, shared.as_ref());
        Ok(Self {
            settings,
            addresses: per_minute("address", settings.address_per_minute),
            keys: per_minute("key", settings.key_per_minute),
            organizations: per_minute("organization", settings.organization_per_minute),
            models: per_minute("model", settings.model_per_minute),
            free: per_minute("free", settings.free_per_minute),
            trusted_proxies,
            shared,
            free_today: Mutex::default(),
        })
    }

    /// Forgets callers whose buckets are full again.
    pub fn forget_idle(&self) {
        let all = [&self.addresses, &self.keys, &self.organizations, &self.models, &self.free];
        all.into_iter().flatten().for_each(PerMinute::forget_idle);
    }

    /// Proxies whose word on where a request comes from is taken.
    #[must_use]
    pub fn trusted_proxies(&self) -> &[IpNet] {
        &self.trusted_proxies
    }

    /// Whether requests are counted by address.
    #[must_use]
    pub const fn counts_addresses(&self) -> bool {
        self.addresses.is_some()
    }

    /// Counts a request of an address, before it is known whose it is.
    ///
    /// # Errors
    /// 429 that says how often an address may ask.
    pub async fn admit_address(&self, address: &str) -> Result<()> {
        match &self.addresses {
            Some(limit) => limit.take(address, "this network address").await,
            None => Ok(()),
        }
    }

    /// Counts a request before anything is done for it.
    ///
    /// # Errors
    /// 429 that says how often the key or organization may ask.
    pub async fn admit(&self, requester: &Requester) -> Result<()> {
        if let (Some(limit), Some(key)) = (&self.keys, &requester.key) {
            limit.take(&key.id, "this key").await?;
        }
        if let Some(limit) = &self.organizations {
            limit.take(&requester.organization_id, "this organization").await?;
        }
        Ok(())
    }

    /// Counts a request of an organization to one model.
    ///
    /// # Errors
    /// 429 that says how often it may ask this model.
    pub async fn admit_model(&self, organization_id: &str, model_id: &str) -> Result<()> {
        let Some(limit) = &self.models else { return Ok(()) };
        limit.take(&format!("{organization_id}:{model_id}"), &format!("this organization to {model_id}")).await
    }

    /// Counts a request to a free variant (`:free`) of a model.
    ///
    /// # Errors
    /// 429 for the minute or the day; any database error while the day's first count is read.
    pub async fn admit_free(&self, app: &App, organization_id: &str) -> Result<()> {
        if let Some(limit) = &self.free {
            limit.take(organization_id, "an organization using free models").await?;
        }
        let quota = self.free_quota(app, organization_id).await?;
        let Some(limit) = u64::try_from(quota.limit).ok().filter(|limit| *limit > 0) else { return Ok(()) };
        let now_ms = app.clock.now_ms();
        let today = now_ms.div_euclid(MS_PER_DAY);
        let known = u64::try_from(quota.used).unwrap_or(0);
        let counted = match &self.shared {
            Some(shared) => shared.count(organization_id, today, known, limit).await,
            None => None,
        };
        let mut days = self.free_today.lock();
        let (_, used) = days.entry(organization_id.to_owned()).or_insert((today, 0));
        if let Some(counted) = counted {
            // The other nodes' requests are in it; this one, too.
            *used = u64::try_from(counted).map_or(limit, |counted| counted.saturating_sub(1));
        }
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
        // What was given does not count, and what was paid back no longer does.
        let bought = Money(app.store.bought_nanos(organization_id).await?);
        let limit = if bought < Money::from_dollars(FREE_TIER_ENDS_AT) {
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
