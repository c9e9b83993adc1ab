//! What the fuzz targets do with their bytes. A parser may refuse anything; it
//! may not panic, hang, or write what its reader cannot read.

pub mod answers;
pub mod framing;
pub mod lists;
pub mod requests;
pub mod structured;

use serde::de::IgnoredAny;

/// Fails unless `bytes` are one JSON document.
fn must_be_json(bytes: &[u8], what: &str) {
    if let Err(error) = serde_json::from_slice::<IgnoredAny>(bytes) {
        panic!("{what} is no JSON ({error}): {}", String::from_utf8_lossy(bytes));
    }
}

/// Takes the first byte off; `default` stands in where there is none.
fn first(data: &[u8], default: u8) -> (u8, &[u8]) {
    data.split_first().map_or((default, data), |(byte, rest)| (*byte, rest))
}

/// The same bytes in pieces whose sizes `pace` decides.
fn pieces(data: &[u8], pace: u8) -> Vec<&[u8]> {
    let (mut rest, mut state, mut found) = (data, u32::from(pace) + 1, Vec::new());
    while !rest.is_empty() {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        let size = usize::try_from(state >> 16).unwrap_or(1) % (usize::from(pace) + 1) + 1;
        let (head, tail) = rest.split_at(size.min(rest.len()));
        found.push(head);
        rest = tail;
    }
    found
}
