//! How many second tries one provider is given, so that its outage is not made
//! worse: a share of its first tries, and some each second for those with little traffic.

use crate::config::Resilience;

/// One provider's budget, as a bucket that leaks into nothing.
#[derive(Debug, Default)]
pub(super) struct Budget {
    tokens: f64,
    at_ms: i64,
}

impl Budget {
    /// A request tries the provider for the first time.
    pub(super) fn first(&mut self, now_ms: i64, settings: &Resilience) {
        self.refill(now_ms, settings);
        self.tokens += f64::from(settings.retry_percent) / 100.0;
        self.cap(settings);
    }

    /// Takes one second try, if one is left.
    pub(super) fn take(&mut self, now_ms: i64, settings: &Resilience) -> bool {
        self.refill(now_ms, settings);
        let has = self.tokens >= 1.0;
        if has {
            self.tokens -= 1.0;
        }
        has
    }

    fn refill(&mut self, now_ms: i64, settings: &Resilience) {
        let window = f64::from(settings.retry_window_ms.max(1));
        let passed = i32::try_from((now_ms - self.at_ms).max(0)).map_or(f64::MAX, f64::from).min(window);
        self.at_ms = self.at_ms.max(now_ms);
        // What was saved from first tries runs out with the window.
        self.tokens *= 1.0 - passed / window;
        // A pause saves up no more than a second's worth.
        self.tokens += (passed / 1_000.0).min(1.0) * f64::from(settings.retries_per_second);
        self.cap(settings);
    }

    /// One second's worth, and no less than one try.
    fn cap(&mut self, settings: &Resilience) {
        let most =
            f64::from(settings.retries_per_second).max(1.0) + 1_000.0 * f64::from(settings.retry_percent) / 100.0;
        self.tokens = self.tokens.min(most);
    }
}

/// What a share of requests is counted over, ms.
const SHARE_WINDOW_MS: i64 = 60_000;

/// Something that is granted to a share of requests.
#[derive(Debug, Default)]
pub(super) struct Share {
    requests: u64,
    granted: u64,
    since_ms: i64,
}

impl Share {
    /// A request it could be granted to.
    pub(super) fn count(&mut self, now_ms: i64) {
        if now_ms - self.since_ms > SHARE_WINDOW_MS {
            *self = Self { since_ms: now_ms, ..Self::default() };
        }
        self.requests = self.requests.saturating_add(1);
    }

    /// Grants it once more, if that stays within `percent` of the requests.
    pub(super) fn take(&mut self, percent: u32) -> bool {
        let is_within =
            self.granted.saturating_add(1).saturating_mul(100) <= self.requests.saturating_mul(percent.into());
        self.granted = self.granted.saturating_add(is_within.into());
        is_within
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn second_tries_stay_within_the_share_of_first_ones_and_a_few_a_second() {
        let (settings, mut budget) = (Resilience::default(), Budget::default());
        let (mut first, mut second) = (0_u32, 0_u32);
        for ms in 0..10_000_i64 {
            // 1,000 requests a second, all of them failing.
            budget.first(1_000_000 + ms, &settings);
            first += 1;
            second += u32::from(budget.take(1_000_000 + ms, &settings));
        }
        assert!(second <= first / 5 + 10 * 11, "{second} of {first}");
        assert!(second >= first / 10, "{second} of {first}");
    }

    #[test]
    fn what_first_tries_saved_up_is_gone_with_the_window() {
        let settings = Resilience { retries_per_second: 0, retry_window_ms: 4_000, ..Resilience::default() };
        let saved = || {
            let mut budget = Budget::default();
            for _ in 0..40 {
                budget.first(1_000_000, &settings);
            }
            budget
        };
        let left = |after_ms: i64| {
            let mut budget = saved();
            (0..100).filter(|_| budget.take(1_000_000 + after_ms, &settings)).count()
        };
        assert_eq!([left(0), left(2_000), left(4_000)], [8, 4, 0]);
    }

    #[test]
    fn one_lonely_request_may_be_tried_again() {
        let (settings, mut budget) = (Resilience::default(), Budget::default());
        budget.first(5_000_000, &settings);
        assert!(budget.take(5_000_000, &settings));
    }
}
