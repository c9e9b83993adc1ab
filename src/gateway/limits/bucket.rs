//! One bucket for each name, all refilled to the same number within a minute: in the
//! memory of this node, or in a server that all nodes share.

use std::num::NonZeroU32;
use std::time::Duration;

use governor::clock::Clock as BucketClock;
use governor::middleware::NoOpMiddleware;
use governor::nanos::Nanos;
use governor::state::keyed::HashMapStateStore;
use governor::{Quota, RateLimiter};

use super::shared::Shared;
use crate::clock::Clock;
use crate::error::{Error, Result};

#[derive(Clone)]
struct Ticks(Clock);

impl BucketClock for Ticks {
    type Instant = Nanos;

    fn now(&self) -> Nanos {
        Duration::from_millis(u64::try_from(self.0.now_ms()).unwrap_or(0)).into()
    }
}

type Buckets = RateLimiter<String, HashMapStateStore<String>, Ticks, NoOpMiddleware<Nanos>>;

/// The buckets of one kind of limit.
pub(super) struct PerMinute {
    /// What the names are: `key`, `organization`.
    kind: &'static str,
    local: Buckets,
    limit: NonZeroU32,
    shared: Option<Shared>,
}

impl PerMinute {
    /// Zero is no limit.
    pub(super) fn new(kind: &'static str, limit: u32, clock: &Clock, shared: Option<&Shared>) -> Option<Self> {
        let limit = NonZeroU32::new(limit)?;
        let quota = Quota::per_minute(limit);
        let local = RateLimiter::new(quota, HashMapStateStore::default(), Ticks(clock.clone()));
        Some(Self { kind, local, limit, shared: shared.cloned() })
    }

    /// Takes one of `name`'s bucket. `who` may not do so more often, as the message says it.
    ///
    /// # Errors
    /// 429 when the bucket is empty.
    pub(super) async fn take(&self, name: &str, who: &str) -> Result<()> {
        if let Some(shared) = &self.shared
            && let Some(wait) = Box::pin(shared.take(self.kind, name, self.limit)).await
        {
            return if wait.is_zero() { Ok(()) } else { Err(self.refusal(wait, who)) };
        }
        self.local.check_key(&name.to_owned()).map_err(|refusal| {
            let wait = refusal.wait_time_from(self.local.clock().now());
            self.refusal(wait, who)
        })
    }

    /// Forgets names whose buckets are full again.
    pub(super) fn forget_idle(&self) {
        self.local.retain_recent();
    }

    fn refusal(&self, wait: Duration, who: &str) -> Error {
        let retry_after_s = u64::try_from(wait.as_millis().div_ceil(1_000).max(1)).unwrap_or(60);
        let limit = u64::from(self.limit.get());
        let message =
            format!("Rate limit exceeded: {who} may send {limit} requests a minute. Try again in {retry_after_s} s.");
        Error::TooManyRequests { message, retry_after_s, limit }
    }
}
