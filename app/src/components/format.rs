//! Numbers, dates and names as people read them, written as the reader's [`crate::types::locale`] has it.

use crate::types::locale::current;

/// A whole number as a float, for drawing and shares; never for money that is charged.
#[must_use]
#[expect(clippy::cast_precision_loss, clippy::as_conversions, reason = "a picture needs no more than 52 bits")]
pub const fn approximate(number: i64) -> f64 {
    number as f64
}

/// `950`, `1.2K`, `34.5M`, `1.20B`: three digits are enough to compare.
#[must_use]
pub fn compact(number: i64) -> String {
    const STEPS: [(f64, &str); 4] = [(1e12, "T"), (1e9, "B"), (1e6, "M"), (1e3, "K")];
    let size = approximate(number).abs();
    // What would round up to 1000 of a unit is shown in the next one.
    let Some((unit, suffix)) = STEPS.into_iter().find(|(unit, _)| size >= unit * 0.9995) else {
        return number.to_string();
    };
    let value = approximate(number) / unit;
    let decimals = match value.abs() {
        value if value < 9.995 => 2,
        value if value < 99.95 => 1,
        _ => 0,
    };
    let text = format!("{value:.decimals$}");
    let text = if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.') } else { &text };
    format!("{}{suffix}", current().decimal(text))
}

/// `12,345`.
#[must_use]
pub fn grouped(number: i64) -> String {
    let sign = if number < 0 { "-" } else { "" };
    format!("{sign}{}", current().grouped(&number.unsigned_abs().to_string()))
}

/// `12.3%`, `0.04%`.
#[must_use]
pub fn percent(value: f64) -> String {
    let decimals = if value.abs() < 0.1 && value != 0.0 { 2 } else { 1 };
    current().decimal(&format!("{value:.decimals$}%"))
}

/// Percent of the time something was up, rounded down: what failed once is not "100%".
#[must_use]
pub fn uptime(value: f64) -> String {
    let shown = (value.clamp(0.0, 100.0) * 100.0).floor() / 100.0;
    let text = format!("{shown:.2}");
    current().decimal(&format!("{}%", text.trim_end_matches('0').trim_end_matches('.')))
}

/// `850 ms`, `1.9 s`.
#[must_use]
pub fn duration(ms: i64) -> String {
    if ms < 1000 { format!("{ms} ms") } else { current().decimal(&format!("{:.1} s", approximate(ms) / 1000.0)) }
}

/// Tokens per second of an answer that took `ms`.
#[must_use]
pub fn throughput(tokens: i64, ms: i64) -> Option<String> {
    (ms > 0 && tokens > 1).then(|| format!("{:.0} tokens/s", approximate(tokens) * 1000.0 / approximate(ms)))
}

/// The UTC day of an epoch second: `2026-11-21`.
#[must_use]
pub fn day_of_epoch(seconds: i64) -> String {
    // Howard Hinnant, "chrono-compatible low-level date algorithms": days to a proleptic Gregorian date.
    let shifted = seconds.div_euclid(86_400).saturating_add(719_468);
    let era = shifted.div_euclid(146_097);
    let day_of_era = shifted.rem_euclid(146_097);
    let year_of_era = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_index = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month_index + 2) / 5 + 1;
    let month = if month_index < 10 { month_index + 3 } else { month_index - 9 };
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    format!("{year:04}-{month:02}-{day:02}")
}

/// `2026-11-21` as `21 Nov 2026`; what is no date stays as it is.
#[must_use]
pub fn day(date: &str) -> String {
    split_day(date).map_or_else(|| date.to_owned(), |(year, month, day)| current().day(Some(year), month, day))
}

/// `2026-11-21` as `21 Nov`.
#[must_use]
pub fn day_short(date: &str) -> String {
    split_day(date).map_or_else(|| date.to_owned(), |(_, month, day)| current().day(None, month, day))
}

/// An RFC 3339 time as `21 Nov 2026, 14:03`. The pages say once that times are UTC.
#[must_use]
pub fn moment(time: &str) -> String {
    let Some((date, clock)) = time.split_once('T') else { return day(time) };
    let minutes = clock.get(..5).unwrap_or(clock);
    format!("{}, {minutes}", day(date))
}

/// An RFC 3339 time as `21 Nov, 14:03`, for lists of what is recent.
#[must_use]
pub fn moment_short(time: &str) -> String {
    let Some((date, clock)) = time.split_once('T') else { return day_short(time) };
    format!("{}, {}", day_short(date), clock.get(..5).unwrap_or(clock))
}

/// A day as a day, a time as a time.
#[must_use]
pub fn when(text: &str) -> String {
    if text.contains('T') { moment_short(text) } else { day(text) }
}

/// Year, month by number and name, day.
fn split_day(date: &str) -> Option<(&str, (usize, &'static str), u32)> {
    const MONTHS: [&str; 12] = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
    let mut parts = date.get(..10)?.split('-');
    let (year, month, day) = (parts.next()?, parts.next()?, parts.next()?);
    let number = month.parse::<usize>().ok()?;
    Some((year, (number, MONTHS.get(number.checked_sub(1)?)?), day.parse().ok()?))
}

/// A name from outside without what would let it pose as another or turn the line around:
/// bidirectional overrides, tag characters, zero-width and control characters.
#[must_use]
pub fn plain(text: &str) -> String {
    text.chars().filter(|character| !is_deceptive(*character)).collect()
}

/// Characters that are never seen but change what is.
#[must_use]
pub const fn is_deceptive(character: char) -> bool {
    matches!(character,
        '\u{202A}'..='\u{202E}' | '\u{2066}'..='\u{2069}' | '\u{E0000}'..='\u{E007F}'
        | '\u{200B}' | '\u{2060}' | '\u{FEFF}' | '\u{0}'..='\u{8}' | '\u{B}'..='\u{1F}' | '\u{7F}')
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::types::Money;
    use crate::types::locale::{Locale, Within};

    fn written(tag: &str) -> [String; 6] {
        let work = async {
            [
                grouped(-1_234_567),
                Money::from_cents(123_450).dollars(),
                day("2026-11-05"),
                moment_short("2026-11-05T14:03:00Z"),
                compact(1_234),
                percent(12.34),
            ]
        };
        futures::executor::block_on(Within::new(Locale::of(tag).unwrap(), work))
    }

    #[test]
    fn each_place_writes_in_its_own_way_and_nobody_else_does() {
        let cases = [
            ("en", ["-1,234,567", "$1,234.50", "5 Nov 2026", "5 Nov, 14:03", "1.23K", "12.3%"]),
            ("en-US", ["-1,234,567", "$1,234.50", "Nov 5, 2026", "Nov 5, 14:03", "1.23K", "12.3%"]),
            ("de-AT", ["-1.234.567", "1.234,50\u{A0}$", "05.11.2026", "05.11., 14:03", "1,23K", "12,3%"]),
            ("hi", ["-12,34,567", "$1,234.50", "05/11/2026", "05/11, 14:03", "1.23K", "12.3%"]),
            (
                "sv",
                ["-1\u{202F}234\u{202F}567", "1\u{202F}234,50\u{A0}$", "2026-11-05", "11-05, 14:03", "1,23K", "12,3%"],
            ),
        ];
        for (tag, expected) in cases {
            assert_eq!(written(tag), expected, "{tag}");
        }
        assert_eq!(day("2026-11-05"), "5 Nov 2026", "it ended with the page");
    }

    #[test]
    fn large_numbers_are_told_in_three_digits() {
        let cases = [
            (0, "0"),
            (999, "999"),
            (1_000, "1K"),
            (1_234, "1.23K"),
            (128_000, "128K"),
            (1_048_576, "1.05M"),
            (999_999, "1M"),
            (2_340_000_000, "2.34B"),
            (-45_600, "-45.6K"),
            (7_000_000_000_000, "7T"),
        ];
        for (number, text) in cases {
            assert_eq!(compact(number), text, "{number}");
        }
        assert_eq!(grouped(-1_234_567), "-1,234,567");
    }

    #[test]
    fn one_failure_keeps_uptime_below_a_hundred() {
        assert_eq!([uptime(100.0), uptime(99.999), uptime(99.5), uptime(0.0)], ["100%", "99.99%", "99.5%", "0%"]);
    }

    #[test]
    fn days_follow_the_calendar() {
        assert_eq!(day_of_epoch(0), "1970-01-01");
        assert_eq!(day_of_epoch(951_782_400), "2000-02-29");
        assert_eq!(day_of_epoch(1_795_219_199), "2026-11-20");
        assert_eq!(day("2026-11-02"), "2 Nov 2026");
        assert_eq!(day("soon"), "soon");
        assert_eq!(moment_short("2026-11-20T14:03:59Z"), "20 Nov, 14:03");
        assert_eq!(moment("2026-11-20T14:03:59.123Z"), "20 Nov 2026, 14:03");
    }

    #[test]
    fn names_cannot_turn_the_line_around() {
        assert_eq!(plain("abc\u{202E}txt.exe\u{E0041}\u{200B}"), "abctxt.exe");
        assert_eq!(plain("Schön 模型 🎛"), "Schön 模型 🎛");
    }
}
