//! How endpoints have been doing, in memory: outages, latency, throughput.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

use app::types::models::Percentiles;
use parking_lot::{Mutex, RwLock};

use crate::dialects::FaultKind;

/// Attempts remembered per endpoint.
const WINDOW: usize = 500;
/// An endpoint that failed this recently is tried after the others.
const OUTAGE_MS: i64 = 30_000;
/// Failures in a row that count as an outage.
const CONSECUTIVE: u32 = 3;
const MS_5M: i64 = 300_000;
const MS_30M: i64 = 1_800_000;
const MS_1D: i64 = 86_400_000;

/// One finished attempt.
#[derive(Clone, Copy, Debug)]
struct Sample {
    at_ms: i64,
    is_success: bool,
    /// Time to the first token, ms.
    latency_ms: f64,
    /// Tokens per second; zero when too short to say.
    throughput: f64,
}

#[derive(Debug, Default)]
struct Record {
    samples: VecDeque<Sample>,
    failures_in_a_row: u32,
    last_failure_ms: i64,
    /// Epoch ms until which the provider asked to be left alone.
    parked_until_ms: i64,
}

/// What the API shows of an endpoint's last half hour.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Statistics {
    /// Per cent of attempts that succeeded.
    pub uptime_5m: Option<f64>,
    pub uptime_30m: Option<f64>,
    pub uptime_1d: Option<f64>,
    /// Seconds to the first token.
    pub latency: Option<Percentiles>,
    /// Tokens per second.
    pub throughput: Option<Percentiles>,
}

/// Every endpoint's record, by endpoint id.
#[derive(Debug, Default)]
pub struct Health {
    records: RwLock<HashMap<String, Arc<Mutex<Record>>>>,
}

impl Health {
    /// Notes a complete answer.
    pub fn succeeded(&self, endpoint_id: &str, now_ms: i64, latency_ms: f64, tokens: u64, generation_ms: f64) {
        let throughput =
            if generation_ms >= 1.0 && tokens > 1 { as_f64(tokens) * 1_000.0 / generation_ms } else { 0.0 };
        let record = self.record(endpoint_id);
        let mut record = record.lock();
        record.failures_in_a_row = 0;
        record.push(Sample { at_ms: now_ms, is_success: true, latency_ms, throughput });
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
            let wait = i64::try_from(wait.min(300_000)).unwrap_or(300_000);
            record.parked_until_ms = record.parked_until_ms.max(now_ms + wait);
        }
        if kind == FaultKind::RateLimited {
            record.parked_until_ms = record.parked_until_ms.max(now_ms + 1_000);
            return;
        }
        record.failures_in_a_row = record.failures_in_a_row.saturating_add(1);
        record.last_failure_ms = now_ms;
        record.push(Sample { at_ms: now_ms, is_success: false, latency_ms: 0.0, throughput: 0.0 });
    }

    /// Whether an endpoint should be tried only after the others.
    #[must_use]
    pub fn is_down(&self, endpoint_id: &str, now_ms: i64) -> bool {
        let Some(record) = self.records.read().get(endpoint_id).cloned() else { return false };
        let record = record.lock();
        record.parked_until_ms > now_ms
            || (record.failures_in_a_row >= CONSECUTIVE && now_ms - record.last_failure_ms < OUTAGE_MS)
    }

    /// The statistics of an endpoint, all `None` without traffic.
    #[must_use]
    pub fn statistics(&self, endpoint_id: &str, now_ms: i64) -> Statistics {
        self.statistics_of(endpoint_id, now_ms, MS_30M)
    }

    /// The same, with latency and throughput of the last `window_ms`.
    #[must_use]
    pub fn statistics_of(&self, endpoint_id: &str, now_ms: i64, window_ms: i64) -> Statistics {
        let Some(record) = self.records.read().get(endpoint_id).cloned() else { return Statistics::default() };
        let record = record.lock();
        let recent: Vec<&Sample> =
            record.samples.iter().filter(|s| s.is_success && now_ms - s.at_ms <= window_ms).collect();
        Statistics {
            uptime_5m: record.uptime(now_ms, MS_5M),
            uptime_30m: record.uptime(now_ms, MS_30M),
            uptime_1d: record.uptime(now_ms, MS_1D),
            latency: percentiles(recent.iter().map(|s| s.latency_ms / 1_000.0).collect()),
            throughput: percentiles(recent.iter().map(|s| s.throughput).filter(|&t| t > 0.0).collect()),
        }
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
        Arc::clone(self.records.write().entry(endpoint_id.to_owned()).or_default())
    }
}

impl Record {
    fn push(&mut self, sample: Sample) {
        if self.samples.len() == WINDOW {
            self.samples.pop_front();
        }
        self.samples.push_back(sample);
    }

    fn uptime(&self, now_ms: i64, window_ms: i64) -> Option<f64> {
        let (mut all, mut good) = (0_u64, 0_u64);
        for sample in self.samples.iter().filter(|sample| now_ms - sample.at_ms <= window_ms) {
            all += 1;
            good += u64::from(sample.is_success);
        }
        (all > 0).then(|| as_f64(good) * 100.0 / as_f64(all))
    }
}

/// Nearest-rank percentiles, `None` of nothing.
fn percentiles(mut values: Vec<f64>) -> Option<Percentiles> {
    values.sort_by(f64::total_cmp);
    let at = |percent: usize| {
        let rank = (values.len() * percent).div_ceil(100).max(1) - 1;
        values.get(rank).copied().map(|value| (value * 1_000.0).round() / 1_000.0)
    };
    Some(Percentiles { p50: at(50)?, p75: at(75)?, p90: at(90)?, p99: at(99)? })
}

#[expect(clippy::as_conversions, clippy::cast_precision_loss, reason = "counts far below 2^52")]
const fn as_f64(count: u64) -> f64 {
    count as f64
}

#[cfg(test)]
mod tests {
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
    fn statistics_cover_their_windows() {
        let health = Health::default();
        for n in 1..=100_i32 {
            health.succeeded("a", 1_000, f64::from(n) * 10.0, 100, 1_000.0);
        }
        health.failed("a", 2_000, FaultKind::Timeout, None);
        let shown = health.statistics("a", 3_000);
        assert_eq!(shown.latency, Some(Percentiles { p50: 0.5, p75: 0.75, p90: 0.9, p99: 0.99 }));
        assert_eq!(shown.throughput.map(|t| t.p50), Some(100.0));
        assert!((shown.uptime_30m.unwrap() - 99.01).abs() < 0.01);
        assert_eq!(health.statistics("a", 3_000 + MS_30M).latency, None);
    }
}
