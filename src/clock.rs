//! The time, settable in tests.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use chrono::{DateTime, Datelike as _, SecondsFormat};

/// Where the time comes from. Cheap to clone.
#[derive(Clone, Debug, Default)]
pub struct Clock {
    /// Epoch ms; `None` is the system's clock.
    fixed: Option<Arc<AtomicI64>>,
}

impl Clock {
    #[must_use]
    pub fn system() -> Self {
        Self::default()
    }

    /// A clock that stands until it is set.
    #[must_use]
    pub fn fixed(now_ms: i64) -> Self {
        Self { fixed: Some(Arc::new(AtomicI64::new(now_ms))) }
    }

    /// Sets a fixed clock; a system clock stays as it is.
    pub fn set(&self, now_ms: i64) {
        if let Some(fixed) = &self.fixed {
            fixed.store(now_ms, Ordering::SeqCst);
        }
    }

    /// Epoch ms.
    #[must_use]
    pub fn now_ms(&self) -> i64 {
        match &self.fixed {
            Some(fixed) => fixed.load(Ordering::SeqCst),
            None => system_now_ms(),
        }
    }
}

#[expect(clippy::disallowed_methods, reason = "the one place that reads the system's clock")]
fn system_now_ms() -> i64 {
    chrono::Utc::now().timestamp_millis()
}

pub const MS_PER_MINUTE: i64 = 60_000;
pub const MS_PER_HOUR: i64 = 3_600_000;
pub const MS_PER_DAY: i64 = 86_400_000;

/// The UTC windows a moment lies in, as integers that only grow.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Windows {
    /// Days since the epoch.
    pub day: i64,
    /// ISO weeks (from Monday) since the epoch's week.
    pub week: i64,
    /// Months since year 0.
    pub month: i64,
}

impl Windows {
    #[must_use]
    pub fn at(now_ms: i64) -> Self {
        let day = now_ms.div_euclid(MS_PER_DAY);
        let month = DateTime::from_timestamp_millis(now_ms)
            .map_or(0, |date| i64::from(date.year()) * 12 + i64::from(date.month0()));
        // The epoch was a Thursday: three days after a Monday.
        Self { day, week: (day + 3).div_euclid(7), month }
    }
}

/// RFC 3339 in UTC with milliseconds.
#[must_use]
pub fn rfc3339(ms: i64) -> String {
    DateTime::from_timestamp_millis(ms).unwrap_or_default().to_rfc3339_opts(SecondsFormat::Millis, true)
}

/// `YYYY-MM-DD` of a day counted from the epoch.
#[must_use]
pub fn date_of_day(day: i64) -> String {
    let date = DateTime::from_timestamp_millis(day.saturating_mul(MS_PER_DAY)).unwrap_or_default();
    date.format("%Y-%m-%d").to_string()
}

/// `YYYY-MM` of a month counted from year 0.
#[must_use]
pub fn month_name(month: i64) -> String {
    format!("{:04}-{:02}", month.div_euclid(12), month.rem_euclid(12) + 1)
}

/// Where a month (`YYYY-MM`) begins and the next one does, epoch ms.
#[must_use]
pub fn month_bounds(month: &str) -> Option<(i64, i64)> {
    let (year, number) = month.split_once('-').filter(|(year, number)| year.len() == 4 && number.len() == 2)?;
    let (year, number): (i32, u32) = (year.parse().ok()?, number.parse().ok()?);
    let begin = |year, number| parse_rfc3339(&format!("{year:04}-{number:02}-01T00:00:00Z"));
    let next = if number == 12 { begin(year + 1, 1) } else { begin(year, number + 1) };
    Some((begin(year, number)?, next?))
}

/// Reads RFC 3339 into epoch ms.
#[must_use]
pub fn parse_rfc3339(text: &str) -> Option<i64> {
    DateTime::parse_from_rfc3339(text).ok().map(|date| date.timestamp_millis())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_month_ends_where_the_next_begins() {
        assert_eq!([24_323, 24_312].map(month_name), ["2026-12", "2026-01"]);
        let (from, to) = month_bounds("2026-12").unwrap();
        assert_eq!((rfc3339(from).as_str(), to), ("2026-12-01T00:00:00.000Z", month_bounds("2027-01").unwrap().0));
        for bad in ["", "2026", "2026-13", "2026-1", "26-01", "2026-00", "2026-01-01", "x"] {
            assert_eq!(month_bounds(bad), None, "{bad}");
        }
    }

    #[test]
    fn weeks_turn_on_monday_and_months_on_the_first() {
        let sunday = parse_rfc3339("2026-11-22T23:59:59.999Z").unwrap();
        let monday = sunday + 1;
        assert_eq!(Windows::at(sunday).week + 1, Windows::at(monday).week);
        assert_eq!(Windows::at(sunday).day + 1, Windows::at(monday).day);
        let november = parse_rfc3339("2026-11-30T23:59:59.999Z").unwrap();
        assert_eq!(Windows::at(november).month + 1, Windows::at(november + 1).month);
        assert_eq!(date_of_day(Windows::at(monday).day), "2026-11-23");
        assert_eq!(rfc3339(monday), "2026-11-23T00:00:00.000Z");
    }
}
