//! People, their organizations and their keys.

pub mod keys;
pub mod passwords;
pub mod sessions;
pub mod users;

use rand::Rng as _;

/// A random id: 26 characters that sort by the time they were made.
#[must_use]
pub fn new_id(now_ms: i64) -> String {
    let mut random = [0_u8; 16];
    rand::rng().fill_bytes(&mut random);
    let ms = u64::try_from(now_ms).unwrap_or(0);
    ulid::Ulid::from_parts(ms, u128::from_be_bytes(random)).to_string().to_lowercase()
}
