//! Buckets in a server that speaks Redis's protocol, shared by all nodes.
//!
//! One script takes from a bucket, so that two nodes never take the same. When the
//! server does not answer soon, each node counts for itself: a limit that is kept
//! loosely for a while is better than an outage of everything.

use std::num::NonZeroU32;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, LazyLock};
use std::time::Duration;

use redis::aio::{ConnectionManager, ConnectionManagerConfig};
use redis::{Client, RedisResult, Script};

/// How long an answer is waited for.
const WAIT: Duration = Duration::from_millis(100);
/// Complaints about the server are this far apart, ms.
const COMPLAIN_EVERY_MS: i64 = 60_000;
const MICROS_PER_MINUTE: u64 = 60_000_000;

/// The generic cell rate algorithm. The key holds when the bucket will be full again,
/// µs of the server's own clock. Returns how long to wait, µs.
static TAKE: LazyLock<Script> = LazyLock::new(|| {
    Script::new(
        r"
local interval, depth = tonumber(ARGV[1]), tonumber(ARGV[2])
local time = redis.call('TIME')
local now = tonumber(time[1]) * 1000000 + tonumber(time[2])
local full = math.max(tonumber(redis.call('GET', KEYS[1]) or '0'), now)
local wait = full + interval - depth - now
if wait > 0 then return wait end
full = full + interval
redis.call('SET', KEYS[1], string.format('%.0f', full), 'PX', math.ceil((full - now) / 1000) + 1)
return 0",
    )
});

/// Counts up to a limit within a period. Returns the count, or -1 when it is reached.
static COUNT: LazyLock<Script> = LazyLock::new(|| {
    Script::new(
        r"
redis.call('SET', KEYS[1], ARGV[1], 'NX', 'EX', ARGV[3])
if tonumber(redis.call('GET', KEYS[1])) >= tonumber(ARGV[2]) then return -1 end
return redis.call('INCR', KEYS[1])",
    )
});

/// The server that is shared.
#[derive(Clone)]
pub(super) struct Shared {
    connection: ConnectionManager,
    /// When it last failed, in ms since some moment.
    complained_at_ms: Arc<AtomicI64>,
    clock: crate::clock::Clock,
}

impl Shared {
    /// Connects when it is first needed.
    ///
    /// # Errors
    /// When the address is none. The message shows no password.
    pub(super) fn new(url: &str, clock: &crate::clock::Clock) -> RedisResult<Self> {
        let settings = ConnectionManagerConfig::new()
            .set_connection_timeout(Some(Duration::from_secs(1)))
            .set_response_timeout(Some(WAIT))
            .set_number_of_retries(1)
            .set_max_delay(Duration::from_secs(1));
        let connection = ConnectionManager::new_lazy_with_config(Client::open(url)?, settings)?;
        Ok(Self { connection, complained_at_ms: Arc::new(AtomicI64::new(i64::MIN)), clock: clock.clone() })
    }

    /// Takes one from a bucket of so many a minute: how long to wait, zero when it
    /// was taken; `None` when the server does not say.
    pub(super) async fn take(&self, kind: &str, name: &str, limit: NonZeroU32) -> Option<Duration> {
        let mut connection = self.connection.clone();
        let mut take = TAKE.prepare_invoke();
        take.key(format!("patchbay:rate:{kind}:{name}"));
        take.arg(MICROS_PER_MINUTE / u64::from(limit.get())).arg(MICROS_PER_MINUTE);
        let taken = tokio::time::timeout(WAIT, take.invoke_async::<u64>(&mut connection)).await;
        self.heard(taken).map(Duration::from_micros)
    }

    /// Counts one more of today, starting from what this node knows: the count after
    /// it, or a negative number when `limit` is reached; `None` when the server does not say.
    pub(super) async fn count(&self, name: &str, day: i64, known: u64, limit: u64) -> Option<i64> {
        let mut connection = self.connection.clone();
        let mut count = COUNT.prepare_invoke();
        count.key(format!("patchbay:free:{day}:{name}"));
        count.arg(known).arg(limit).arg(2 * 86_400);
        let counted = tokio::time::timeout(WAIT, count.invoke_async::<i64>(&mut connection)).await;
        self.heard(counted)
    }

    fn heard<T>(&self, answer: Result<RedisResult<T>, tokio::time::error::Elapsed>) -> Option<T> {
        let cause = match answer {
            Ok(Ok(value)) => return Some(value),
            Ok(Err(error)) => error.to_string(),
            Err(_) => "it does not answer in time".to_owned(),
        };
        let now = self.clock.now_ms();
        let last = self.complained_at_ms.load(Ordering::Relaxed);
        if now.saturating_sub(last) >= COMPLAIN_EVERY_MS {
            self.complained_at_ms.store(now, Ordering::Relaxed);
            tracing::warn!(cause, "redis_url: the server cannot be used; this node keeps its rate limits alone");
        }
        None
    }
}
