//! The measurements as Markdown tables.

use std::fmt;
use std::time::Duration;

/// Answers in one piece through one lane.
pub struct WholeRow {
    pub lane: &'static str,
    pub connections: usize,
    pub elapsed: Duration,
    /// Sorted.
    pub latencies: Vec<Duration>,
    pub cpu: Duration,
    pub memory_bytes: u64,
}

/// Streams through one lane.
pub struct StreamRow {
    pub lane: &'static str,
    /// Streams at the same time.
    pub at_once: usize,
    /// Sorted times to the first token.
    pub first: Vec<Duration>,
    /// Sorted times of each token's way.
    pub each: Vec<Duration>,
    pub cpu: Duration,
}

#[derive(Default)]
pub struct Report {
    pub whole: Vec<WholeRow>,
    pub streams: Vec<StreamRow>,
}

impl WholeRow {
    fn per_second(&self) -> f64 {
        number(self.latencies.len()) / self.elapsed.as_secs_f64()
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "| Connections | Through | Requests/s | Of nginx | p50 µs | p99 µs | Added p50 | Added p99 | CPU µs/request | Resident MiB |\n\
             |---:|---|---:|---:|---:|---:|---:|---:|---:|---:|"
        )?;
        for row in &self.whole {
            let same = |name: &str| self.whole.iter().find(|r| r.connections == row.connections && r.lane == name);
            let share = same("nginx").map(|nginx| row.per_second() / nginx.per_second());
            let direct = same("direct").map_or(&[][..], |direct| &direct.latencies);
            let is_direct = row.lane == "direct";
            writeln!(
                f,
                "| {} | {} | {:.0} | {} | {:.0} | {:.0} | {} | {} | {} | {} |",
                row.connections,
                row.lane,
                row.per_second(),
                share.map_or_else(|| "–".to_owned(), |share| format!("{share:.2}")),
                micros(&row.latencies, 50),
                micros(&row.latencies, 99),
                added(is_direct, &row.latencies, direct, 50),
                added(is_direct, &row.latencies, direct, 99),
                each(row.cpu, row.latencies.len()),
                mebibytes(row.memory_bytes),
            )?;
        }
        if self.streams.is_empty() {
            return Ok(());
        }
        writeln!(
            f,
            "\n| Streams at once | Through | First token p50 µs | p99 µs | Added p50 | Added p99 | A token's way p50 µs | p99 µs | Added p50 | Added p99 | CPU µs/stream |\n\
             |---:|---|---:|---:|---:|---:|---:|---:|---:|---:|---:|"
        )?;
        for row in &self.streams {
            let direct = self.streams.iter().find(|other| other.at_once == row.at_once && other.lane == "direct");
            let (first, tokens) = direct.map_or((&[][..], &[][..]), |row| (&row.first[..], &row.each[..]));
            let is_direct = row.lane == "direct";
            writeln!(
                f,
                "| {} | {} | {:.0} | {:.0} | {} | {} | {:.0} | {:.0} | {} | {} | {} |",
                row.at_once,
                row.lane,
                micros(&row.first, 50),
                micros(&row.first, 99),
                added(is_direct, &row.first, first, 50),
                added(is_direct, &row.first, first, 99),
                micros(&row.each, 50),
                micros(&row.each, 99),
                added(is_direct, &row.each, tokens, 50),
                added(is_direct, &row.each, tokens, 99),
                each(row.cpu, row.first.len()),
            )?;
        }
        Ok(())
    }
}

fn number(count: usize) -> f64 {
    u32::try_from(count).map_or(f64::MAX, f64::from)
}

/// µs below which so many per cent of the sorted times are.
fn micros(sorted: &[Duration], percent: usize) -> f64 {
    let index = (sorted.len() * percent / 100).min(sorted.len().saturating_sub(1));
    sorted.get(index).map_or(0.0, |time| time.as_secs_f64() * 1e6)
}

fn added(is_direct: bool, times: &[Duration], direct: &[Duration], percent: usize) -> String {
    if is_direct || direct.is_empty() {
        return "–".to_owned();
    }
    format!("{:.0}", micros(times, percent) - micros(direct, percent))
}

fn each(total: Duration, count: usize) -> String {
    if total.is_zero() {
        return "–".to_owned();
    }
    format!("{:.0}", total.as_secs_f64() * 1e6 / number(count.max(1)))
}

fn mebibytes(bytes: u64) -> String {
    if bytes == 0 { "–".to_owned() } else { format!("{}", bytes.div_ceil(1 << 20)) }
}
