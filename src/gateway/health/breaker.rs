//! When an endpoint is left alone, and how it comes back.
//!
//! Closed, it counts failures. It opens after some in a row or when too few of the
//! last half minute's attempts succeeded, and stays open twice as long each time. A
//! cheap check then lets exactly one request try it, and only its success closes it.

use rand::RngExt as _;

use crate::config::Resilience;

/// A piece of the window the ratio is taken over: exact counts, so that an outage
/// between two bursts is not averaged away.
#[derive(Clone, Debug, Default)]
struct Bucket {
    /// Which piece of time it counts.
    piece: i64,
    good: u64,
    all: u64,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum State {
    #[default]
    Closed,
    /// Left alone; from `until_ms` on it is to be checked.
    Open { until_ms: i64 },
    /// The check went well; one request at a time may try.
    HalfOpen { is_probing: bool },
}

/// One endpoint's breaker. Times are epoch ms.
#[derive(Debug, Default)]
pub(super) struct Breaker {
    state: State,
    in_a_row: u32,
    buckets: Vec<Bucket>,
    /// How often it opened since it last closed.
    opened: u32,
    /// When it closed after it had been open.
    recovered_at_ms: Option<i64>,
}

impl Breaker {
    /// Whether nothing but a last resort may be sent.
    pub(super) const fn is_open(&self) -> bool {
        matches!(self.state, State::Open { .. } | State::HalfOpen { is_probing: true })
    }

    /// When it will be checked; 0 while requests may pass.
    pub(super) const fn opens_until_ms(&self) -> i64 {
        match self.state {
            State::Open { until_ms } => until_ms,
            State::Closed | State::HalfOpen { .. } => 0,
        }
    }

    /// A check is due.
    pub(super) const fn is_due(&self, now_ms: i64) -> bool {
        matches!(self.state, State::Open { until_ms } if until_ms <= now_ms)
    }

    /// Lets a request pass, or not. True in the second place for the one that probes.
    pub(super) const fn enter(&mut self) -> (bool, bool) {
        match &mut self.state {
            State::Closed => (true, false),
            State::Open { .. } | State::HalfOpen { is_probing: true } => (false, false),
            State::HalfOpen { is_probing } => {
                *is_probing = true;
                (true, true)
            }
        }
    }

    /// The probing request ended without a verdict.
    pub(super) const fn release(&mut self) {
        if let State::HalfOpen { is_probing } = &mut self.state {
            *is_probing = false;
        }
    }

    /// A cheap check went well or not.
    pub(super) fn checked(&mut self, is_alive: bool, now_ms: i64, settings: &Resilience) {
        if !self.is_due(now_ms) {
            return;
        }
        if is_alive {
            self.state = State::HalfOpen { is_probing: false };
        } else {
            self.open(now_ms, settings);
        }
    }

    pub(super) fn succeeded(&mut self, now_ms: i64, settings: &Resilience) {
        self.in_a_row = 0;
        self.count(now_ms, settings, true);
        if self.state != State::Closed {
            self.state = State::Closed;
            self.opened = 0;
            self.recovered_at_ms = Some(now_ms);
            self.buckets.clear();
        }
    }

    pub(super) fn failed(&mut self, now_ms: i64, settings: &Resilience) {
        self.in_a_row = self.in_a_row.saturating_add(1);
        self.count(now_ms, settings, false);
        let is_too_bad = self.in_a_row >= settings.failures_in_a_row || self.has_low_ratio(now_ms, settings);
        match self.state {
            State::HalfOpen { .. } => self.open(now_ms, settings),
            State::Closed if is_too_bad => self.open(now_ms, settings),
            State::Closed | State::Open { .. } => {}
        }
    }

    /// The share of its usual traffic an endpoint gets that has just come back, from
    /// the least share to 1.
    pub(super) fn share(&self, now_ms: i64, settings: &Resilience) -> f64 {
        let least = f64::from(settings.slow_start_percent) / 100.0;
        match (self.state, self.recovered_at_ms) {
            (State::HalfOpen { .. }, _) => least,
            (_, Some(at)) if now_ms - at < i64::from(settings.slow_start_ms) => {
                let passed = i32::try_from(now_ms - at).map_or(0.0, f64::from);
                (passed / f64::from(settings.slow_start_ms)).clamp(least, 1.0)
            }
            _ => 1.0,
        }
    }

    fn open(&mut self, now_ms: i64, settings: &Resilience) {
        let longest = u64::from(settings.open_most_ms);
        let wait = (u64::from(settings.open_ms) << self.opened.min(16)).min(longest);
        // Half of it for certain, the rest by chance, so that nodes do not come back together.
        let wait = wait / 2 + rand::rng().random_range(0..=wait.div_ceil(2));
        self.opened = self.opened.saturating_add(1);
        self.in_a_row = 0;
        self.recovered_at_ms = None;
        self.state = State::Open { until_ms: now_ms.saturating_add(i64::try_from(wait).unwrap_or(i64::MAX)) };
    }

    fn count(&mut self, now_ms: i64, settings: &Resilience, is_good: bool) {
        let piece = Self::piece(now_ms, settings);
        let pieces = settings.ratio_pieces.max(1);
        self.buckets.resize_with(usize::try_from(pieces).unwrap_or(1), Bucket::default);
        let index = usize::try_from(piece.rem_euclid(pieces.into())).unwrap_or(0);
        if let Some(bucket) = self.buckets.get_mut(index) {
            if bucket.piece != piece {
                *bucket = Bucket { piece, ..Bucket::default() };
            }
            bucket.all += 1;
            bucket.good += u64::from(is_good);
        }
    }

    fn has_low_ratio(&self, now_ms: i64, settings: &Resilience) -> bool {
        let oldest = Self::piece(now_ms, settings) - i64::from(settings.ratio_pieces.max(1));
        let recent = self.buckets.iter().filter(|bucket| bucket.piece > oldest);
        let (good, all) = recent.fold((0, 0), |(good, all), bucket| (good + bucket.good, all + bucket.all));
        all >= u64::from(settings.ratio_requests) && good * 100 < all * u64::from(settings.success_percent)
    }

    fn piece(now_ms: i64, settings: &Resilience) -> i64 {
        now_ms.div_euclid((i64::from(settings.ratio_window_ms) / i64::from(settings.ratio_pieces.max(1))).max(1))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: i64 = 1_000_000;

    #[test]
    fn it_opens_after_failures_in_a_row_and_each_time_for_longer() {
        let (mut breaker, settings) = (Breaker::default(), Resilience::default());
        for _ in 0..4 {
            breaker.failed(NOW, &settings);
        }
        breaker.succeeded(NOW, &settings);
        for _ in 0..4 {
            breaker.failed(NOW, &settings);
        }
        assert!(!breaker.is_open(), "a success in between begins the row anew");
        breaker.failed(NOW, &settings);
        let mut now = NOW;
        for longest in [5_000, 10_000, 20_000, 40_000, 80_000, 160_000, 300_000, 300_000] {
            let wait = breaker.opens_until_ms() - now;
            assert!((longest / 2..=longest).contains(&wait), "{wait} of {longest}");
            assert!(!breaker.is_due(now + wait - 1) && breaker.is_due(now + wait));
            now += wait;
            breaker.checked(false, now, &settings);
        }
    }

    #[test]
    fn it_opens_when_too_few_of_many_succeed() {
        let (mut breaker, settings) = (Breaker::default(), Resilience::default());
        for n in 0..19 {
            if n % 3 == 0 { breaker.failed(NOW, &settings) } else { breaker.succeeded(NOW, &settings) }
        }
        assert!(!breaker.is_open(), "nineteen say too little");
        breaker.failed(NOW + 26_000, &settings);
        assert!(breaker.is_open());
        let mut old = Breaker::default();
        for n in 0..19 {
            if n % 3 == 0 { old.failed(NOW, &settings) } else { old.succeeded(NOW, &settings) }
        }
        old.failed(NOW + 31_000, &settings);
        assert!(!old.is_open(), "what is older than the window does not count");
    }

    #[test]
    fn a_window_of_fewer_pieces_forgets_in_larger_steps() {
        let settings = Resilience { ratio_pieces: 2, failures_in_a_row: 100, ..Resilience::default() };
        let mut breaker = Breaker::default();
        // The window of 30 s has two pieces of 15 s: the first is forgotten when the third begins.
        for _ in 0..19 {
            breaker.failed(15_000, &settings);
        }
        breaker.failed(45_000, &settings);
        assert!(!breaker.is_open());
        for _ in 0..18 {
            breaker.failed(45_000, &settings);
        }
        breaker.failed(74_999, &settings);
        assert!(breaker.is_open(), "twenty within two pieces");
    }

    #[test]
    fn one_request_probes_and_its_success_brings_the_traffic_back_slowly() {
        let (mut breaker, settings) = (Breaker::default(), Resilience::default());
        for _ in 0..5 {
            breaker.failed(NOW, &settings);
        }
        assert_eq!(breaker.enter(), (false, false));
        let now = breaker.opens_until_ms();
        breaker.checked(true, now, &settings);
        assert_eq!(breaker.enter(), (true, true));
        assert_eq!(breaker.enter(), (false, false), "only one at a time");
        breaker.release();
        assert_eq!(breaker.enter(), (true, true));
        breaker.succeeded(now, &settings);
        assert!(!breaker.is_open());
        for (ms, share) in [(0, 0.1), (3_000, 0.1), (15_000, 0.5), (30_000, 1.0)] {
            assert!((breaker.share(now + ms, &settings) - share).abs() < 1e-9, "after {ms} ms");
        }
    }

    #[test]
    fn a_probe_that_fails_opens_it_again_at_once() {
        let (mut breaker, settings) = (Breaker::default(), Resilience::default());
        for _ in 0..5 {
            breaker.failed(NOW, &settings);
        }
        let now = breaker.opens_until_ms();
        breaker.checked(true, now, &settings);
        assert_eq!(breaker.enter(), (true, true));
        breaker.failed(now, &settings);
        assert!(breaker.opens_until_ms() >= now + 5_000, "the second time is twice as long");
    }
}
