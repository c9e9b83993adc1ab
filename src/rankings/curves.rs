//! Counts of speeds → percentiles over time; counts of failures → uptime.

use std::collections::BTreeMap;

use app::types::models::Percentiles;

use crate::store::statistics::{HealthRow, SpeedRow};
use crate::store::tally::middle;

/// Answers by bucket.
#[derive(Clone, Debug, Default)]
pub struct Histogram(BTreeMap<i64, i64>);

impl Histogram {
    pub fn add(&mut self, bucket: i64, answers: i64) {
        *self.0.entry(bucket).or_default() += answers;
    }

    /// How many answers there are.
    #[must_use]
    pub fn answers(&self) -> i64 {
        self.0.values().sum()
    }

    /// The percentiles in units of `unit`, where there is an answer. `is_speed` counts from the
    /// fast end: nine of ten answers are at least as fast as p90.
    #[must_use]
    pub fn percentiles(&self, unit: f64, is_speed: bool) -> Option<Percentiles> {
        let total = self.answers();
        (total > 0).then(|| {
            let at = |percent: i64| {
                let percent = if is_speed { 100 - percent } else { percent };
                // The first bucket with which so many of a hundred are counted.
                let wanted = (total * percent).div_euclid(100).max(1);
                let mut seen = 0;
                let found = self.0.iter().find(|(_, answers)| {
                    seen += **answers;
                    seen >= wanted
                });
                found.map_or(0.0, |(bucket, _)| rounded(middle(*bucket) / unit))
            };
            Percentiles { p50: at(50), p75: at(75), p90: at(90), p99: at(99) }
        })
    }
}

fn rounded(value: f64) -> f64 {
    if value < 10.0 { (value * 100.0).round() / 100.0 } else { value.round() }
}

/// Units of a bucket's value: ms and tenths of tokens per second.
pub const LATENCY_UNIT: f64 = 1_000.0;
pub const THROUGHPUT_UNIT: f64 = 10.0;

/// Percentiles slot by slot of what `is_meant`.
#[must_use]
pub fn curve(
    rows: &[SpeedRow],
    measure: &str,
    first_slot: i64,
    slots: usize,
    is_meant: &dyn Fn(&str) -> bool,
) -> Vec<Option<Percentiles>> {
    let mut histograms = vec![Histogram::default(); slots];
    for row in rows.iter().filter(|row| row.measure == measure && is_meant(&row.id)) {
        let slot = usize::try_from(row.slot - first_slot).ok();
        if let Some(histogram) = slot.and_then(|slot| histograms.get_mut(slot)) {
            histogram.add(row.bucket, row.answers);
        }
    }
    let is_speed = measure == "throughput";
    let unit = if is_speed { THROUGHPUT_UNIT } else { LATENCY_UNIT };
    histograms.iter().map(|histogram| histogram.percentiles(unit, is_speed)).collect()
}

/// Per cent of the requests of each hour that did not fail; `None` where there was none.
#[must_use]
pub fn uptime(rows: &[HealthRow], id: &str, first_hour: i64, hours: usize) -> Vec<Option<f64>> {
    let mut sums = vec![(0_i64, 0_i64); hours];
    for row in rows.iter().filter(|row| row.id == id) {
        let hour = usize::try_from(row.hour - first_hour).ok();
        if let Some(sum) = hour.and_then(|hour| sums.get_mut(hour)) {
            sum.0 += row.requests;
            sum.1 += row.failures;
        }
    }
    sums.into_iter().map(|(requests, failures)| super::percent(requests - failures, requests)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::tally::bucket;

    #[test]
    fn percentiles_count_from_the_right_end() {
        let mut histogram = Histogram::default();
        for (ms, answers) in [(200, 50), (400, 40), (4_000, 10)] {
            histogram.add(bucket(ms), answers);
        }
        let slow = histogram.percentiles(LATENCY_UNIT, false).unwrap();
        assert!(slow.p50 < 0.25 && slow.p90 < 0.5 && slow.p99 > 3.0, "{slow:?}");
        let fast = histogram.percentiles(LATENCY_UNIT, true).unwrap();
        assert!(fast.p50 < 0.25 && fast.p99 < 0.25, "{fast:?}");
        assert!(Histogram::default().percentiles(1.0, false).is_none());
    }

    #[test]
    fn an_hour_without_requests_has_no_uptime() {
        let row = |hour, requests, failures| HealthRow { hour, id: "x".to_owned(), requests, failures };
        assert_eq!(uptime(&[row(10, 4, 1), row(12, 2, 0)], "x", 10, 3), [Some(75.0), None, Some(100.0)]);
    }
}
