//! How many requests an endpoint is given at once.
//!
//! Nobody knows what a provider can carry, so the limit begins high and follows what
//! it shows: it shrinks when the provider says that it is overloaded or when answers
//! begin much later than they did, and grows again while it is used and they do not.

use std::collections::VecDeque;

use crate::config::Resilience;

/// Answers the median is taken of.
const WINDOW: usize = 50;
/// Medians that show what is usual.
const MEDIANS: usize = 10;
/// So many times the usual median is a queue at the provider.
const TOLERANCE: f64 = 3.0;
/// Medians below this say nothing about a queue, ms.
const LEAST_MS: f64 = 50.0;
/// What is left of the limit after a sign of overload.
const DECREASE: f64 = 0.9;
/// Signs within this time are one, ms.
const ONE_SIGN_MS: i64 = 500;

/// One endpoint's limit and what is under way.
#[derive(Debug)]
pub(super) struct Capacity {
    limit: f64,
    in_flight: u32,
    /// Times to the first token of the window being filled, ms.
    window: Vec<f64>,
    medians: VecDeque<f64>,
    shrunk_at_ms: i64,
}

impl Capacity {
    pub(super) fn new(settings: &Resilience) -> Self {
        Self {
            limit: f64::from(settings.concurrency),
            in_flight: 0,
            window: Vec::new(),
            medians: VecDeque::new(),
            shrunk_at_ms: i64::MIN / 2,
        }
    }

    pub(super) const fn in_flight(&self) -> u32 {
        self.in_flight
    }

    /// Requests that may be under way at once.
    pub(super) const fn limit(&self) -> f64 {
        self.limit
    }

    pub(super) fn has_room(&self) -> bool {
        f64::from(self.in_flight) < self.limit
    }

    pub(super) const fn enter(&mut self) {
        self.in_flight = self.in_flight.saturating_add(1);
    }

    pub(super) const fn leave(&mut self) {
        self.in_flight = self.in_flight.saturating_sub(1);
    }

    /// An answer began after `latency_ms`.
    pub(super) fn answered(&mut self, now_ms: i64, latency_ms: f64, settings: &Resilience) {
        let is_used = f64::from(self.in_flight) * 2.0 >= self.limit;
        if is_used && now_ms - self.shrunk_at_ms > ONE_SIGN_MS {
            // One more for each in flight doubles the limit in the time of two answers.
            self.limit = (self.limit + 0.5).min(f64::from(settings.concurrency_most));
        }
        self.window.push(latency_ms);
        if self.window.len() < WINDOW {
            return;
        }
        let middle = WINDOW / 2;
        let (_, median, _) = self.window.select_nth_unstable_by(middle, f64::total_cmp);
        let median = *median;
        self.window.clear();
        let usual = self.medians.iter().copied().fold(f64::INFINITY, f64::min);
        if is_used && median > usual.max(LEAST_MS) * TOLERANCE {
            self.shrink(now_ms, settings);
        }
        if self.medians.len() == MEDIANS {
            self.medians.pop_front();
        }
        self.medians.push_back(median);
    }

    /// The provider said it is overloaded.
    pub(super) fn overloaded(&mut self, now_ms: i64, settings: &Resilience) {
        self.shrink(now_ms, settings);
    }

    fn shrink(&mut self, now_ms: i64, settings: &Resilience) {
        if now_ms - self.shrunk_at_ms < ONE_SIGN_MS {
            return;
        }
        // So few are always carried: what is refused among them is refused for another reason.
        if self.in_flight <= settings.concurrency_least {
            return;
        }
        self.shrunk_at_ms = now_ms;
        // What is in flight is what was too much, however high the limit stood.
        let carried = f64::from(self.in_flight).min(self.limit);
        self.limit = (carried * DECREASE).max(f64::from(settings.concurrency_least));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn overload_shrinks_the_limit_to_what_was_carried_and_success_grows_it_again() {
        let settings = Resilience::default();
        let mut capacity = Capacity::new(&settings);
        for _ in 0..100 {
            capacity.enter();
        }
        capacity.overloaded(1_000, &settings);
        assert!((capacity.limit() - 90.0).abs() < 0.1 && !capacity.has_room());
        for _ in 0..50 {
            capacity.overloaded(1_100, &settings);
        }
        assert!((capacity.limit() - 90.0).abs() < 0.1, "a burst of refusals is one sign");
        for _ in 0..100 {
            capacity.answered(2_000, 20.0, &settings);
        }
        assert!(capacity.limit() > 120.0);
        for second in 3..100 {
            capacity.overloaded(second * 1_000, &settings);
            while capacity.in_flight() > 4 {
                capacity.leave();
            }
        }
        assert!((capacity.limit() - 3.0).abs() < 0.1, "it never shrinks to nothing");
    }

    #[test]
    fn a_lone_request_that_is_refused_leaves_room_for_many() {
        let settings = Resilience::default();
        let mut capacity = Capacity::new(&settings);
        for second in 1..10 {
            capacity.enter();
            capacity.overloaded(second * 1_000, &settings);
            capacity.leave();
        }
        assert!((capacity.limit() - f64::from(settings.concurrency)).abs() < 0.1);
    }

    #[test]
    fn answers_that_begin_much_later_than_usual_shrink_it_and_slow_ones_do_not() {
        let settings = Resilience { concurrency: 100, ..Resilience::default() };
        let mut capacity = Capacity::new(&settings);
        for _ in 0..200 {
            capacity.enter();
        }
        for _ in 0..500 {
            capacity.answered(1_000, 900.0, &settings);
        }
        let before = capacity.limit();
        assert!(before >= 100.0, "slow is not overloaded");
        for _ in 0..50 {
            capacity.answered(2_000, 5_000.0, &settings);
        }
        assert!(capacity.limit() < before);
    }

    #[test]
    fn an_endpoint_that_is_hardly_used_keeps_its_limit() {
        let settings = Resilience::default();
        let mut capacity = Capacity::new(&settings);
        capacity.enter();
        for n in 0..500_i32 {
            capacity.answered(1_000, f64::from(n) * 100.0, &settings);
        }
        assert!((capacity.limit() - f64::from(settings.concurrency)).abs() < 0.1);
    }
}
