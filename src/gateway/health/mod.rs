//! How endpoints have been doing, in memory: outages, latency, throughput; and how
//! much may be sent to each now.

mod breaker;
mod budget;
mod capacity;
mod shared;
mod statistics;

use std::sync::Arc;

use foldhash::HashMap;
use parking_lot::{Mutex, RwLock};
use tokio::sync::Notify;

use self::breaker::Breaker;
use self::budget::{Budget, Share};
use self::capacity::Capacity;
pub use self::statistics::Statistics;
use self::statistics::{Counted, as_f64};
use crate::config::Resilience;
use crate::dialects::FaultKind;

#[derive(Debug)]
struct Record {
    counted: Counted,
    breaker: Breaker,
    capacity: Capacity,
    failures_in_a_row: u32,
    last_failure_ms: i64,
    /// Epoch ms until which the provider asked to be left alone.
    parked_until_ms: i64,
}

/// Why an endpoint was not tried.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// It failed again and again, or asked to be left alone; until then, epoch ms.
    Open { until_ms: i64 },
    /// As many requests are under way there as it carries.
    Full,
    /// Its provider had its share of second tries.
    NoBudget,
}

/// Leave to try an endpoint; its place is free again when this is dropped.
#[derive(Debug)]
pub struct Ticket {
    record: Arc<Mutex<Record>>,
    room: Arc<Notify>,
    is_probe: bool,
}

impl Drop for Ticket {
    fn drop(&mut self) {
        let mut record = self.record.lock();
        record.capacity.leave();
        if self.is_probe {
            // Without effect when the probe had a verdict.
            record.breaker.release();
        }
        drop(record);
        self.room.notify_one();
    }
}

/// Every endpoint's record, by endpoint id.
#[derive(Debug, Default)]
pub struct Health {
    settings: Resilience,
    records: RwLock<HashMap<String, Arc<Mutex<Record>>>>,
    /// By provider slug.
    budgets: Mutex<HashMap<String, Budget>>,
    /// How many requests may be sent to two endpoints at once.
    hedges: Mutex<Share>,
    /// Tells who waits that a place is free somewhere.
    room: Arc<Notify>,
}

impl Health {
    #[must_use]
    pub fn new(settings: Resilience) -> Self {
        Self { settings, ..Self::default() }
    }

    /// Leave to try an endpoint now. A `second` try of one request at the same
    /// provider counts against the provider's budget.
    ///
    /// # Errors
    /// [`Refusal`] that says why not.
    pub fn enter(&self, endpoint_id: &str, provider: &str, is_second: bool, now_ms: i64) -> Result<Ticket, Refusal> {
        let record = self.record(endpoint_id);
        let mut own = record.lock();
        if !own.capacity.has_room() {
            return Err(Refusal::Full);
        }
        if own.is_closed_to_all(now_ms) {
            return Err(Refusal::Open { until_ms: own.breaker.opens_until_ms().max(own.parked_until_ms) });
        }
        if !self.spend(provider, is_second, now_ms) {
            return Err(Refusal::NoBudget);
        }
        let (_, is_probe) = own.breaker.enter();
        own.capacity.enter();
        drop(own);
        Ok(Ticket { record, room: Arc::clone(&self.room), is_probe })
    }

    /// Leave to try an endpoint although it is in an outage, since nothing else is left.
    ///
    /// # Errors
    /// [`Refusal::Full`] all the same.
    pub fn enter_anyway(&self, endpoint_id: &str, provider: &str, now_ms: i64) -> Result<Ticket, Refusal> {
        let record = self.record(endpoint_id);
        let mut own = record.lock();
        if !own.capacity.has_room() {
            return Err(Refusal::Full);
        }
        self.spend(provider, false, now_ms);
        let (_, is_probe) = own.breaker.enter();
        own.capacity.enter();
        drop(own);
        Ok(Ticket { record, room: Arc::clone(&self.room), is_probe })
    }

    /// Whether only a last resort would be sent to an endpoint.
    #[must_use]
    pub fn is_open(&self, endpoint_id: &str, now_ms: i64) -> bool {
        let Some(record) = self.records.read().get(endpoint_id).cloned() else { return false };
        let record = record.lock();
        record.is_closed_to_all(now_ms)
    }

    /// Waits until somewhere a place may be free.
    pub async fn room(&self) {
        self.room.notified().await;
    }

    /// Notes the first or a further try of a request at a provider; false when the
    /// provider had its share.
    fn spend(&self, provider: &str, is_second: bool, now_ms: i64) -> bool {
        let mut budgets = self.budgets.lock();
        if !budgets.contains_key(provider) {
            budgets.insert(provider.to_owned(), Budget::default());
        }
        let Some(budget) = budgets.get_mut(provider) else { return true };
        if is_second {
            return budget.take(now_ms, &self.settings);
        }
        budget.first(now_ms, &self.settings);
        true
    }

    /// Counts a request of which a share may be sent to two endpoints at once.
    pub fn count_for_hedging(&self, now_ms: i64) {
        self.hedges.lock().count(now_ms);
    }

    /// Whether one may be now; it counts as done then.
    #[must_use]
    pub fn may_hedge(&self) -> bool {
        self.hedges.lock().take(self.settings.hedge_percent)
    }

    /// Endpoints in an outage whose time is over: to be checked before anybody is
    /// sent there.
    #[must_use]
    pub fn due(&self, now_ms: i64) -> Vec<String> {
        let records = self.records.read();
        let due = records.iter().filter(|(_, record)| record.lock().breaker.is_due(now_ms));
        due.map(|(id, _)| id.clone()).collect()
    }

    /// Notes how the check of an endpoint went.
    pub fn checked(&self, endpoint_id: &str, is_alive: bool, now_ms: i64) {
        self.record(endpoint_id).lock().breaker.checked(is_alive, now_ms, &self.settings);
    }

    /// The share of its usual traffic an endpoint gets now, up to 1: less while it
    /// comes back from an outage.
    #[must_use]
    pub fn share(&self, endpoint_id: &str, now_ms: i64) -> f64 {
        let Some(record) = self.records.read().get(endpoint_id).cloned() else { return 1.0 };
        let record = record.lock();
        record.breaker.share(now_ms, &self.settings)
    }

    /// Requests under way at an endpoint, and how many it is given at the most.
    #[must_use]
    pub fn load(&self, endpoint_id: &str) -> (u32, f64) {
        let record = self.record(endpoint_id);
        let own = record.lock();
        (own.capacity.in_flight(), own.capacity.limit())
    }

    /// The 95th percentile of the time to the first token of the last half hour, ms;
    /// `None` when too few answers say.
    #[must_use]
    pub fn slow_first_token_ms(&self, endpoint_id: &str, now_ms: i64) -> Option<f64> {
        let record = Arc::clone(self.records.read().get(endpoint_id)?);
        record.lock().counted.slow_ms(now_ms)
    }

    /// Notes a complete answer.
    pub fn succeeded(&self, endpoint_id: &str, now_ms: i64, latency_ms: f64, tokens: u64, generation_ms: f64) {
        let throughput =
            if generation_ms >= 1.0 && tokens > 1 { as_f64(tokens) * 1_000.0 / generation_ms } else { 0.0 };
        let record = self.record(endpoint_id);
        let mut record = record.lock();
        record.failures_in_a_row = 0;
        record.breaker.succeeded(now_ms, &self.settings);
        record.capacity.answered(now_ms, latency_ms, &self.settings);
        record.counted.succeeded(now_ms, latency_ms, throughput);
    }

    /// Notes whether an answer's tool calls were such as a client can carry out.
    pub fn called(&self, endpoint_id: &str, now_ms: i64, is_sound: bool) {
        self.record(endpoint_id).lock().counted.called(now_ms, is_sound);
    }

    /// Notes a failure, unless it was the caller's. A rate limit parks the
    /// endpoint for as long as the provider asked and is no outage.
    pub fn failed(&self, endpoint_id: &str, now_ms: i64, kind: FaultKind, retry_after_ms: Option<u64>) {
        if !kind.is_retriable() || kind == FaultKind::Untranslatable {
            return;
        }
        let record = self.record(endpoint_id);
        let mut record = record.lock();
        if let Some(wait) = retry_after_ms {
            let wait = i64::try_from(wait.min(self.settings.retry_after_most_ms)).unwrap_or(i64::from(u32::MAX));
            record.parked_until_ms = record.parked_until_ms.max(now_ms + wait);
        }
        if matches!(kind, FaultKind::RateLimited | FaultKind::Overloaded | FaultKind::Timeout) {
            record.capacity.overloaded(now_ms, &self.settings);
        }
        // While others of ours are served there, it only has too much to do: the limit
        // follows, and nothing is shut.
        let is_busy = record.capacity.in_flight() > self.settings.failures_in_a_row;
        if is_busy && retry_after_ms.is_none() && matches!(kind, FaultKind::RateLimited | FaultKind::Overloaded) {
            return;
        }
        if kind == FaultKind::RateLimited {
            record.parked_until_ms = record.parked_until_ms.max(now_ms + 1_000);
            return;
        }
        record.failures_in_a_row = record.failures_in_a_row.saturating_add(1);
        record.last_failure_ms = now_ms;
        record.breaker.failed(now_ms, &self.settings);
        record.counted.failed(now_ms);
    }

    /// Whether an endpoint should be tried only after the others.
    #[must_use]
    pub fn is_down(&self, endpoint_id: &str, now_ms: i64) -> bool {
        let Some(record) = self.records.read().get(endpoint_id).cloned() else { return false };
        let record = record.lock();
        record.is_closed_to_all(now_ms)
            || (record.failures_in_a_row >= self.settings.outage_failures
                && now_ms - record.last_failure_ms < i64::from(self.settings.outage_ms))
    }

    /// The statistics of an endpoint, all `None` without traffic.
    #[must_use]
    pub fn statistics(&self, endpoint_id: &str, now_ms: i64) -> Statistics {
        let Some(record) = self.records.read().get(endpoint_id).cloned() else { return Statistics::default() };
        record.lock().counted.statistics(now_ms)
    }

    /// Median seconds to the first token, for sorting.
    #[must_use]
    pub fn median_latency(&self, endpoint_id: &str, now_ms: i64) -> Option<f64> {
        self.statistics(endpoint_id, now_ms).latency.map(|latency| latency.p50)
    }

    /// Median tokens per second, for sorting.
    #[must_use]
    pub fn median_throughput(&self, endpoint_id: &str, now_ms: i64) -> Option<f64> {
        self.statistics(endpoint_id, now_ms).throughput.map(|throughput| throughput.p50)
    }

    fn record(&self, endpoint_id: &str) -> Arc<Mutex<Record>> {
        if let Some(record) = self.records.read().get(endpoint_id) {
            return Arc::clone(record);
        }
        let fresh = || Arc::new(Mutex::new(Record::new(&self.settings)));
        Arc::clone(self.records.write().entry(endpoint_id.to_owned()).or_insert_with(fresh))
    }
}

impl Record {
    fn new(settings: &Resilience) -> Self {
        Self {
            counted: Counted::default(),
            breaker: Breaker::default(),
            capacity: Capacity::new(settings),
            failures_in_a_row: 0,
            last_failure_ms: 0,
            parked_until_ms: 0,
        }
    }

    /// Only a last resort would be sent here.
    const fn is_closed_to_all(&self, now_ms: i64) -> bool {
        self.parked_until_ms > now_ms || self.breaker.is_open()
    }
}

#[cfg(test)]
mod tests {
    use std::collections::VecDeque;

    use super::*;

    #[test]
    fn an_outage_ends_with_time_or_success_and_a_rate_limit_parks() {
        let health = Health::default();
        for _ in 0..3 {
            assert!(!health.is_down("a", 1_000));
            health.failed("a", 1_000, FaultKind::Unavailable, None);
        }
        assert!(health.is_down("a", 1_001));
        assert!(!health.is_down("a", 31_001));
        health.failed("b", 1_000, FaultKind::RateLimited, Some(7_000));
        assert!(health.is_down("b", 7_999) && !health.is_down("b", 8_001));
        health.failed("c", 1_000, FaultKind::InvalidRequest, None);
        assert_eq!(health.statistics("c", 1_000), Statistics::default(), "the caller's fault says nothing");
    }

    #[test]
    fn two_endpoints_are_asked_at_once_for_no_more_than_the_share() {
        let health = Health::new(Resilience { hedge_percent: 2, ..Resilience::default() });
        let mut hedges = 0;
        for ms in 0..10_000 {
            health.count_for_hedging(1_000_000 + ms);
            hedges += u32::from(health.may_hedge());
        }
        assert_eq!(hedges, 200);
        let off = Health::default();
        off.count_for_hedging(1_000_000);
        assert!(!off.may_hedge());
    }

    /// An endpoint that carries 50 requests of 200 ms at once and refuses the rest.
    /// Returns the answers of each second under this load, requests a ms.
    fn answers_each_second(load: impl Fn(i64) -> f64, seconds: i64, health: &Health) -> Vec<u64> {
        let mut answers = vec![0; usize::try_from(seconds).unwrap()];
        let mut under_way: VecDeque<(i64, Ticket)> = VecDeque::new();
        let mut due = 0.0;
        for ms in 0..seconds * 1_000 {
            let now = 1_000_000 + ms;
            while under_way.front().is_some_and(|(end, _)| *end <= now) {
                let (_, ticket) = under_way.pop_front().unwrap();
                health.succeeded("a", now, 200.0, 10, 100.0);
                answers[usize::try_from(ms / 1_000).unwrap()] += 1;
                drop(ticket);
            }
            due += load(ms);
            while due >= 1.0 {
                due -= 1.0;
                let Ok(ticket) = health.enter("a", "p", false, now) else { continue };
                if under_way.len() < 50 {
                    under_way.push_back((now + 200, ticket));
                } else {
                    health.failed("a", now, FaultKind::Overloaded, None);
                    drop(ticket);
                }
            }
        }
        answers
    }

    #[test]
    fn three_times_what_an_endpoint_carries_leaves_it_nine_tenths_of_its_work_and_it_recovers() {
        let health = Health::default();
        let answers = answers_each_second(|ms| if ms < 20_000 { 0.75 } else { 0.2 }, 30, &health);
        let under_load: u64 = answers[2..20].iter().sum();
        assert!(under_load * 10 >= 18 * 250 * 9, "{answers:?}");
        assert!(answers[21..].iter().all(|second| (199..=201).contains(second)), "{answers:?}");
        assert!(!health.is_down("a", 1_000_000 + 30_000));
    }
}
