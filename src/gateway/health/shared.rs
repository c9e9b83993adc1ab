//! Figures between nodes, and from before a restart: each node writes what it
//! counted and reads what the others did.

use super::Health;
use super::statistics::{Counts, Histogram};
use crate::store::Store;
use crate::store::endpoint_statistics::{EndpointHour, EndpointMinute};

const MS_PER_MINUTE: i64 = 60_000;
const MINUTES_PER_HOUR: i64 = 60;
/// What a node that writes late may still change, minutes.
const OVERLAP: i64 = 3;
/// Minutes that are kept in the store.
const KEPT_MINUTES: i64 = 45;
/// Hours that are kept in the store: three days, as the pages show.
const KEPT_HOURS: i64 = 73;

impl Health {
    /// Writes what was counted since the last call.
    ///
    /// # Errors
    /// Any database error; it is written with the next call then.
    pub async fn write(&self, store: &Store, node_id: &str) -> sqlx::Result<()> {
        let (mut minutes, mut hours) = (Vec::new(), Vec::new());
        let records: Vec<_> = self.records.read().iter().map(|(id, record)| (id.clone(), record.clone())).collect();
        // What was seen with an organization's own credential is nobody else's concern.
        for (endpoint_id, record) in records.iter().filter(|(id, _)| !id.contains('#')) {
            let (counted_minutes, counted_hours) = record.lock().counted.unwritten();
            minutes
                .extend(counted_minutes.into_iter().map(|(period, counts)| minute_row(endpoint_id, period, &counts)));
            hours.extend(counted_hours.into_iter().map(|(period, counts)| hour_row(endpoint_id, period, &counts)));
        }
        if minutes.is_empty() && hours.is_empty() {
            return Ok(());
        }
        // In one order on all nodes, so that no two wait for each other.
        minutes.sort_by(|a, b| (a.period, &a.endpoint_id).cmp(&(b.period, &b.endpoint_id)));
        hours.sort_by(|a, b| (a.period, &a.endpoint_id).cmp(&(b.period, &b.endpoint_id)));
        let written = store.write_endpoint_statistics(node_id, &minutes, &hours).await;
        if written.is_err() {
            for row in &minutes {
                self.record(&row.endpoint_id).lock().counted.write_again(row.period);
            }
        }
        written
    }

    /// Takes over what other nodes counted: in the last minutes, or in the whole half hour.
    ///
    /// # Errors
    /// Any database error; the old figures stay.
    pub async fn read(&self, store: &Store, node_id: &str, now_ms: i64, is_whole: bool) -> sqlx::Result<()> {
        let minute = now_ms.div_euclid(MS_PER_MINUTE);
        let since = minute - if is_whole { 30 } else { OVERLAP };
        for row in store.endpoint_minutes(since, node_id).await? {
            let counts = Counts {
                successes: positive(row.successes),
                failures: positive(row.failures),
                latency: Histogram::from_text(&row.latency),
                throughput: Histogram::from_text(&row.throughput),
                ..Counts::default()
            };
            self.record(&row.endpoint_id).lock().counted.take_minute(row.period, &row.node_id, counts);
        }
        for row in store.endpoint_hours(minute.div_euclid(MINUTES_PER_HOUR) - 24, node_id).await? {
            let counts = Counts {
                successes: positive(row.successes),
                failures: positive(row.failures),
                sound_calls: positive(row.sound_calls),
                unsound_calls: positive(row.unsound_calls),
                ..Counts::default()
            };
            self.record(&row.endpoint_id).lock().counted.take_day(counts);
        }
        Ok(())
    }

    /// Forgets what is too old to be shown.
    ///
    /// # Errors
    /// Any database error.
    pub async fn forget_old(&self, store: &Store, now_ms: i64) -> sqlx::Result<()> {
        let minute = now_ms.div_euclid(MS_PER_MINUTE);
        let hour = minute.div_euclid(MINUTES_PER_HOUR);
        store.forget_endpoint_statistics(minute - KEPT_MINUTES, hour - KEPT_HOURS).await
    }
}

fn minute_row(endpoint_id: &str, period: i64, counts: &Counts) -> EndpointMinute {
    EndpointMinute {
        endpoint_id: endpoint_id.to_owned(),
        period,
        node_id: String::new(),
        successes: signed(counts.successes),
        failures: signed(counts.failures),
        latency: counts.latency.to_text(),
        throughput: counts.throughput.to_text(),
    }
}

fn hour_row(endpoint_id: &str, period: i64, counts: &Counts) -> EndpointHour {
    EndpointHour {
        endpoint_id: endpoint_id.to_owned(),
        period,
        successes: signed(counts.successes),
        failures: signed(counts.failures),
        sound_calls: signed(counts.sound_calls),
        unsound_calls: signed(counts.unsound_calls),
    }
}

fn signed(count: u64) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}

fn positive(count: i64) -> u64 {
    u64::try_from(count).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dialects::FaultKind;

    const NOW: i64 = 1_000 * 3_600_000 + 5 * MS_PER_MINUTE;

    #[tokio::test]
    async fn a_node_knows_what_another_saw_and_what_it_saw_before_a_restart() {
        let (store, _folder) = Store::for_test().await;
        let one = Health::default();
        for _ in 0..30 {
            one.succeeded("e", NOW, 2_000.0, 100, 1_000.0);
            one.called("e", NOW, true);
        }
        one.failed("e", NOW, FaultKind::Timeout, None);
        one.write(&store, "one").await.unwrap();
        one.succeeded("e", NOW, 2_000.0, 100, 1_000.0);
        one.write(&store, "one").await.unwrap();

        let two = Health::default();
        two.read(&store, "two", NOW + 1_000, true).await.unwrap();
        two.read(&store, "two", NOW + 2_000, false).await.unwrap();

        let (own, theirs) = (one.statistics("e", NOW + 9_000), two.statistics("e", NOW + 9_000));
        assert_eq!(own, theirs);
        assert!((theirs.uptime_1d.unwrap() - 3_100.0 / 32.0).abs() < 0.01, "{theirs:?}");
        assert_eq!(theirs.tool_calls, Some(1.0));
        assert!(two.slow_first_token_ms("e", NOW + 9_000).is_some());

        two.forget_old(&store, NOW + 4 * 86_400_000).await.unwrap();
        let three = Health::default();
        three.read(&store, "three", NOW, true).await.unwrap();
        assert_eq!(three.statistics("e", NOW).uptime_1d, None);
    }
}
