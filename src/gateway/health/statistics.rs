//! How an endpoint's attempts went, counted minute by minute and hour by hour:
//! percentiles of 5 and 30 minutes, uptime up to a day, soundness of tool calls.
//!
//! Counting costs the same for an endpoint with a million requests a minute as for
//! one with ten. What other nodes counted comes in through the store.

use std::collections::BTreeMap;

use app::types::models::Percentiles;

/// Counts of this many minutes are kept, the current one included.
const MINUTES: i64 = 31;
/// Counts of this many hours are kept, the current one included.
const HOURS: i64 = 25;
const MS_PER_MINUTE: i64 = 60_000;
const MS_PER_HOUR: i64 = 3_600_000;
/// Percentiles are worked out again at most so often, ms …
const STALE_MS: i64 = 1_000;
/// … unless so few attempts were counted that it costs nothing.
const FEW: u64 = 64;
/// Answers from which on a percentile means something.
const ENOUGH: u64 = 20;

/// What the API shows of an endpoint's last half hour.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Statistics {
    /// Per cent of attempts that succeeded.
    pub uptime_5m: Option<f64>,
    pub uptime_30m: Option<f64>,
    pub uptime_1d: Option<f64>,
    /// Seconds to the first token, of the last half hour.
    pub latency: Option<Percentiles>,
    /// Tokens per second, of the last half hour.
    pub throughput: Option<Percentiles>,
    /// The same of the last five minutes.
    pub latency_5m: Option<Percentiles>,
    pub throughput_5m: Option<Percentiles>,
    /// The share of answers with tool calls whose calls named a tool of the request and
    /// had arguments that read as JSON, of the last day; `None` when too few say.
    pub tool_calls: Option<f64>,
}

/// Counts by size: eight classes from one power of two to the next, so that a value
/// is off by 4.5 % at the most.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Histogram(BTreeMap<u8, u32>);

impl Histogram {
    /// What the lowest class begins with.
    const LEAST: f64 = 0.01;
    const PER_OCTAVE: f64 = 8.0;

    pub(super) fn add(&mut self, value: f64) {
        let count = self.0.entry(class(value)).or_default();
        *count = count.saturating_add(1);
    }

    fn merge(&mut self, other: &Self) {
        for (class, more) in &other.0 {
            let count = self.0.entry(*class).or_default();
            *count = count.saturating_add(*more);
        }
    }

    fn total(&self) -> u64 {
        self.0.values().copied().map(u64::from).sum()
    }

    /// The nearest-rank percentile.
    fn percentile(&self, percent: u64) -> Option<f64> {
        let rank = (self.total() * percent).div_ceil(100).max(1);
        let mut below = 0;
        let (class, _) = self.0.iter().find(|(_, count)| {
            below += u64::from(**count);
            below >= rank
        })?;
        Some(Self::LEAST * ((f64::from(*class) + 0.5) / Self::PER_OCTAVE).exp2())
    }

    fn percentiles(&self, unit: f64) -> Option<Percentiles> {
        let at = |percent| Some((self.percentile(percent)? / unit * 1_000.0).round() / 1_000.0);
        Some(Percentiles { p50: at(50)?, p75: at(75)?, p90: at(90)?, p99: at(99)? })
    }

    /// `class:count,…`, as the store keeps it.
    #[must_use]
    pub fn to_text(&self) -> String {
        let pairs: Vec<String> = self.0.iter().map(|(class, count)| format!("{class}:{count}")).collect();
        pairs.join(",")
    }

    /// The opposite; what cannot be read is left out.
    #[must_use]
    pub fn from_text(text: &str) -> Self {
        let pair = |pair: &str| {
            let (class, count) = pair.split_once(':')?;
            Some((class.parse().ok()?, count.parse().ok()?))
        };
        Self(text.split(',').filter_map(pair).collect())
    }
}

#[expect(clippy::as_conversions, clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "within 0 to 255")]
fn class(value: f64) -> u8 {
    let octaves = (value.max(Histogram::LEAST) / Histogram::LEAST).log2();
    (octaves * Histogram::PER_OCTAVE).floor().clamp(0.0, 255.0) as u8
}

/// The attempts of one minute or hour.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    pub successes: u64,
    pub failures: u64,
    /// Answers whose tool calls were sound, and those whose were not.
    pub sound_calls: u64,
    pub unsound_calls: u64,
    /// ms to the first token. Minutes only.
    pub latency: Histogram,
    /// Tokens per second. Minutes only.
    pub throughput: Histogram,
}

impl Counts {
    fn merge(&mut self, other: &Self) {
        self.successes += other.successes;
        self.failures += other.failures;
        self.sound_calls += other.sound_calls;
        self.unsound_calls += other.unsound_calls;
        self.latency.merge(&other.latency);
        self.throughput.merge(&other.throughput);
    }

    fn uptime(&self) -> Option<f64> {
        let all = self.successes + self.failures;
        (all > 0).then(|| as_f64(self.successes) * 100.0 / as_f64(all))
    }
}

/// Counts with the minutes or hours (since the epoch) they are of.
pub(super) type Periods = Vec<(i64, Counts)>;

/// One endpoint's counts.
#[derive(Debug, Default)]
pub(super) struct Counted {
    minutes: BTreeMap<i64, Counts>,
    hours: BTreeMap<i64, Counts>,
    /// Of other nodes, by minute and node.
    others: BTreeMap<(i64, String), Counts>,
    /// Of other nodes, the last day.
    others_day: Counts,
    /// Something was counted since it was last written, in or after this minute.
    unwritten_since: Option<i64>,
    /// Attempts counted since the start.
    total: u64,
    worked_out: WorkedOut,
}

/// Figures that cost something, and when they were worked out, epoch ms.
#[derive(Clone, Copy, Debug, Default)]
struct WorkedOut {
    at_ms: i64,
    total: u64,
    statistics: Statistics,
    slow_ms: Option<f64>,
}

impl Counted {
    /// Notes a complete answer. `throughput` of zero says nothing.
    pub(super) fn succeeded(&mut self, now_ms: i64, latency_ms: f64, throughput: f64) {
        let (minute, hour) = self.current(now_ms);
        minute.successes += 1;
        minute.latency.add(latency_ms);
        if throughput > 0.0 {
            minute.throughput.add(throughput);
        }
        hour.successes += 1;
    }

    pub(super) fn failed(&mut self, now_ms: i64) {
        let (minute, hour) = self.current(now_ms);
        minute.failures += 1;
        hour.failures += 1;
    }

    /// Notes whether an answer's tool calls were sound.
    pub(super) fn called(&mut self, now_ms: i64, is_sound: bool) {
        let (_, hour) = self.current(now_ms);
        let count = if is_sound { &mut hour.sound_calls } else { &mut hour.unsound_calls };
        *count += 1;
    }

    /// The counts of this minute and this hour.
    fn current(&mut self, now_ms: i64) -> (&mut Counts, &mut Counts) {
        let (minute, hour) = (now_ms.div_euclid(MS_PER_MINUTE), now_ms.div_euclid(MS_PER_HOUR));
        self.unwritten_since = Some(self.unwritten_since.map_or(minute, |since| since.min(minute)));
        self.total += 1;
        (of_period(&mut self.minutes, minute, MINUTES), of_period(&mut self.hours, hour, HOURS))
    }

    /// All figures, as of a second ago at the most.
    pub(super) fn statistics(&mut self, now_ms: i64) -> Statistics {
        self.work_out(now_ms);
        self.worked_out.statistics
    }

    /// The 95th percentile of the time to the first token of the last half hour, ms.
    pub(super) fn slow_ms(&mut self, now_ms: i64) -> Option<f64> {
        self.work_out(now_ms);
        self.worked_out.slow_ms
    }

    fn work_out(&mut self, now_ms: i64) {
        let last = &self.worked_out;
        let is_fresh = (last.at_ms..last.at_ms + STALE_MS).contains(&now_ms);
        if is_fresh && (self.total == last.total || self.total > FEW) {
            return;
        }
        let (minute, hour) = (now_ms.div_euclid(MS_PER_MINUTE), now_ms.div_euclid(MS_PER_HOUR));
        self.others.retain(|(at, _), _| *at > minute - MINUTES);
        let (five, thirty) = (self.since(minute - 5), self.since(minute - 30));
        let mut day = self.others_day.clone();
        for counts in self.hours.range(hour - HOURS + 1..).map(|(_, counts)| counts) {
            day.merge(counts);
        }
        let calls = day.sound_calls + day.unsound_calls;
        let statistics = Statistics {
            uptime_5m: five.uptime(),
            uptime_30m: thirty.uptime(),
            uptime_1d: day.uptime(),
            latency: thirty.latency.percentiles(1_000.0),
            throughput: thirty.throughput.percentiles(1.0),
            latency_5m: five.latency.percentiles(1_000.0),
            throughput_5m: five.throughput.percentiles(1.0),
            tool_calls: (calls >= ENOUGH).then(|| as_f64(day.sound_calls) / as_f64(calls)),
        };
        let slow_ms = thirty.latency.percentile(95).filter(|_| thirty.latency.total() >= ENOUGH);
        self.worked_out = WorkedOut { at_ms: now_ms, total: self.total, statistics, slow_ms };
    }

    /// What every node counted from the minute after this one on.
    fn since(&self, minute: i64) -> Counts {
        let mut sum = Counts::default();
        for counts in self.minutes.range(minute + 1..).map(|(_, counts)| counts) {
            sum.merge(counts);
        }
        for counts in self.others.range((minute + 1, String::new())..).map(|(_, counts)| counts) {
            sum.merge(counts);
        }
        sum
    }

    /// Minutes and hours counted anew since the last call: whole counts, not differences.
    pub(super) fn unwritten(&mut self) -> (Periods, Periods) {
        let Some(since) = self.unwritten_since.take() else { return Default::default() };
        let hour = since.div_euclid(MS_PER_HOUR / MS_PER_MINUTE);
        let from = |counts: &BTreeMap<i64, Counts>, first: i64| {
            counts.range(first..).map(|(at, counts)| (*at, counts.clone())).collect::<Vec<_>>()
        };
        (from(&self.minutes, since), from(&self.hours, hour))
    }

    /// What was taken by [`Self::unwritten`] could not be written.
    pub(super) fn write_again(&mut self, since: i64) {
        self.unwritten_since = Some(self.unwritten_since.map_or(since, |own| own.min(since)));
    }

    /// Takes over what another node counted in a minute.
    pub(super) fn take_minute(&mut self, minute: i64, node_id: &str, counts: Counts) {
        self.others.insert((minute, node_id.to_owned()), counts);
        self.worked_out.at_ms = i64::MIN / 2;
    }

    /// Takes over what other nodes counted in the last day.
    pub(super) fn take_day(&mut self, counts: Counts) {
        self.others_day = counts;
    }
}

/// The counts of a period; those of long before go.
fn of_period(all: &mut BTreeMap<i64, Counts>, period: i64, most: i64) -> &mut Counts {
    while all.first_key_value().is_some_and(|(at, _)| *at <= period - most) {
        all.pop_first();
    }
    all.entry(period).or_default()
}

#[expect(clippy::as_conversions, clippy::cast_precision_loss, reason = "counts far below 2^52")]
pub(super) const fn as_f64(count: u64) -> f64 {
    count as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: i64 = 1_000 * MS_PER_HOUR;

    fn is_near(value: Option<f64>, wanted: f64) -> bool {
        value.is_some_and(|value| (value / wanted - 1.0).abs() < 0.05)
    }

    #[test]
    fn percentiles_of_any_number_of_answers_are_off_by_less_than_five_per_cent() {
        let mut counted = Counted::default();
        for n in 1..=100_000_i32 {
            counted.succeeded(NOW, f64::from(n) / 10.0, f64::from(n % 100 + 1));
        }
        let shown = counted.statistics(NOW + 2_000);
        let latency = shown.latency.unwrap();
        assert!(is_near(Some(latency.p50), 5.0) && is_near(Some(latency.p99), 9.9), "{latency:?}");
        assert!(is_near(shown.throughput.map(|t| t.p90), 90.0), "{shown:?}");
        assert!(is_near(counted.slow_ms(NOW + 2_000), 9_500.0));
        assert_eq!(shown.latency, shown.latency_5m);
    }

    #[test]
    fn what_is_old_no_longer_counts() {
        let mut counted = Counted::default();
        counted.failed(NOW);
        counted.succeeded(NOW + 10 * MS_PER_MINUTE, 100.0, 50.0);
        let shown = counted.statistics(NOW + 10 * MS_PER_MINUTE);
        assert_eq!((shown.uptime_5m, shown.uptime_30m, shown.uptime_1d), (Some(100.0), Some(50.0), Some(50.0)));
        let shown = counted.statistics(NOW + 50 * MS_PER_MINUTE);
        assert_eq!((shown.uptime_30m, shown.latency, shown.uptime_1d), (None, None, Some(50.0)));
        assert_eq!(counted.statistics(NOW + 26 * MS_PER_HOUR), Statistics::default());
    }

    #[test]
    fn what_other_nodes_counted_counts_once() {
        let (mut here, mut there) = (Counted::default(), Counted::default());
        for _ in 0..30 {
            here.succeeded(NOW, 1_000.0, 10.0);
        }
        there.succeeded(NOW, 100.0, 10.0);
        for _ in 0..2 {
            // The same minute comes again and again, with all it counted.
            for (minute, counts) in here.minutes.clone() {
                let text = counts.latency.to_text();
                let counts = Counts { latency: Histogram::from_text(&text), ..counts };
                there.take_minute(minute, "here", counts);
            }
        }
        let shown = there.statistics(NOW + 2_000);
        assert!(is_near(shown.latency.map(|l| l.p50), 1.0), "{shown:?}");
        assert_eq!(there.since(NOW / MS_PER_MINUTE - 1).successes, 31);
    }

    #[test]
    fn only_what_changed_is_written() {
        let mut counted = Counted::default();
        counted.succeeded(NOW, 100.0, 10.0);
        let (minutes, hours) = counted.unwritten();
        assert_eq!((minutes.len(), hours.len()), (1, 1));
        assert_eq!(counted.unwritten(), (vec![], vec![]));
        counted.succeeded(NOW + MS_PER_MINUTE, 100.0, 10.0);
        let (minutes, hours) = counted.unwritten();
        assert_eq!((minutes.len(), hours[0].1.successes), (1, 2), "an hour is written whole");
    }

    #[test]
    fn few_tool_calls_say_nothing() {
        let mut counted = Counted::default();
        for n in 0..40 {
            assert_eq!(counted.statistics(NOW).tool_calls.is_some(), n >= 20);
            counted.called(NOW, n % 4 != 0);
        }
        assert_eq!(counted.statistics(NOW).tool_calls, Some(0.75));
    }
}
