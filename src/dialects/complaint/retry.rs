//! How long a provider wants to be left alone.

use chrono::DateTime;
use serde_json::Value;

/// A quota counted by the day does not come back within the minute the
/// provider names beside it.
const DAILY_QUOTA_MS: u64 = 60 * 60 * 1000;

/// From `retry-after-ms`, or `retry-after` as seconds or as a date. A date is
/// read against the answer's own `date`, so that no clock is needed.
pub(super) fn from_headers(headers: &dyn Fn(&str) -> Option<String>) -> Option<u64> {
    if let Some(ms) = headers("retry-after-ms").and_then(|value| value.trim().parse::<u64>().ok()) {
        return Some(ms);
    }
    let value = headers("retry-after")?;
    if let Some(ms) = seconds(value.trim()) {
        return Some(ms);
    }
    let until = DateTime::parse_from_rfc2822(value.trim()).ok()?;
    let now = DateTime::parse_from_rfc2822(headers("date")?.trim()).ok()?;
    Some(u64::try_from((until - now).num_milliseconds()).unwrap_or(0))
}

/// From Google's `RetryInfo` and `QuotaFailure`.
pub(super) fn from_details(details: &[Value]) -> Option<u64> {
    let is_daily = details
        .iter()
        .filter_map(|detail| detail.get("violations")?.as_array())
        .flatten()
        .any(|violation| violation.get("quotaId").and_then(Value::as_str).is_some_and(|id| id.contains("PerDay")));
    if is_daily {
        return Some(DAILY_QUOTA_MS);
    }
    let delay = details.iter().find_map(|detail| detail.get("retryDelay")?.as_str())?;
    seconds(delay.strip_suffix('s')?)
}

/// Decimal seconds as whole milliseconds, without floats.
fn seconds(text: &str) -> Option<u64> {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    let whole: u64 = if whole.is_empty() { 0 } else { whole.parse().ok()? };
    let digits: String = fraction.chars().chain("000".chars()).take(3).collect();
    let ms: u64 = digits.parse().ok()?;
    whole.checked_mul(1000)?.checked_add(ms)
}
