//! How much memory this process has of what it may have.

use std::sync::atomic::{AtomicU32, Ordering};

/// Where the kernel tells of this process.
const OWN: &str = "/proc/self/statm";
/// What the machine has.
const MACHINE: &str = "/proc/meminfo";
/// What a container has: version 2 of control groups, then version 1.
const CONTAINER: [&str; 2] = ["/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes"];
/// Bytes of a page in `statm`; the same on every platform this runs on in production.
const PAGE: u64 = 4_096;

/// Used memory in per cent of what may be used, as of the last look.
#[derive(Debug)]
pub struct Memory {
    /// Bytes; 0 where nobody knows.
    most: u64,
    percent: AtomicU32,
}

impl Memory {
    /// `most` bytes may be used; 0: what the container or the machine has.
    #[must_use]
    pub fn new(most: u64) -> Self {
        let most = if most == 0 { of_container().or_else(of_machine).unwrap_or(0) } else { most };
        Self { most, percent: AtomicU32::new(0) }
    }

    /// Looks anew.
    pub fn look(&self) {
        let used = std::fs::read_to_string(OWN).ok().and_then(|text| resident(&text)).unwrap_or(0);
        let percent = used.saturating_mul(100).checked_div(self.most).unwrap_or(0);
        self.percent.store(u32::try_from(percent).unwrap_or(u32::MAX), Ordering::Relaxed);
    }

    /// Per cent in use.
    #[must_use]
    pub fn percent(&self) -> usize {
        usize::try_from(self.percent.load(Ordering::Relaxed)).unwrap_or(usize::MAX)
    }
}

/// Bytes in memory, of `statm`: pages in all, then those in memory.
fn resident(statm: &str) -> Option<u64> {
    statm.split_whitespace().nth(1)?.parse::<u64>().ok()?.checked_mul(PAGE)
}

fn of_machine() -> Option<u64> {
    total(&std::fs::read_to_string(MACHINE).ok()?)
}

/// Bytes of the line `MemTotal:  24000000 kB`.
fn total(meminfo: &str) -> Option<u64> {
    let line = meminfo.lines().find_map(|line| line.strip_prefix("MemTotal:"))?;
    line.split_whitespace().next()?.parse::<u64>().ok()?.checked_mul(1_024)
}

fn of_container() -> Option<u64> {
    CONTAINER.iter().find_map(|path| limit(&std::fs::read_to_string(path).ok()?))
}

/// Bytes of a container's limit; none is the word `max`, or more than any machine has.
fn limit(text: &str) -> Option<u64> {
    text.trim().parse::<u64>().ok().filter(|bytes| *bytes < 1 << 60)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_kernels_words_are_understood() {
        assert_eq!(resident("144700 33431 8358 7000 0 60000 0\n"), Some(33_431 * 4_096));
        assert_eq!(total("MemTotal:       24632832 kB\nMemFree: 1 kB\n"), Some(24_632_832 * 1_024));
        assert_eq!(limit("536870912\n"), Some(536_870_912));
        assert_eq!(limit("max\n"), None);
        assert_eq!(limit("9223372036854771712\n"), None, "no limit in the older form");
    }

    #[test]
    fn what_is_used_is_told_in_per_cent_of_what_may_be() {
        let small = Memory::new(1 << 20);
        small.look();
        assert!(small.percent() > 100, "this test alone needs more than a mebibyte");
        let large = Memory::new(1 << 60);
        large.look();
        assert_eq!(large.percent(), 0);
    }
}
