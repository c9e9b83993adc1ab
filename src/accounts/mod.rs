//! People, their organizations and their keys.

pub mod breached;
pub mod common_passwords;
pub mod filters;
pub mod guardrails;
pub mod identity;
pub mod keys;
pub mod passkeys;
pub mod passwords;
pub mod policy;
pub mod presets;
pub mod second_factor;
pub mod sessions;
pub mod totp;
pub mod users;

use rand::Rng as _;

/// A random id in the form of a UUID (version 7), where clients expect one.
#[must_use]
pub fn new_uuid(now_ms: i64) -> String {
    let mut random = [0_u8; 16];
    rand::rng().fill_bytes(&mut random);
    let bits = (u128::from(u64::try_from(now_ms).unwrap_or(0)) << 80) | (u128::from_be_bytes(random) >> 48);
    let bits = (bits & !(0xf << 76) & !(0x3 << 62)) | (0x7 << 76) | (0x2 << 62);
    let hex = format!("{bits:032x}");
    let part = |from: usize, to: usize| hex.get(from..to).unwrap_or_default();
    format!("{}-{}-{}-{}-{}", part(0, 8), part(8, 12), part(12, 16), part(16, 20), part(20, 32))
}

/// A secret for a link or a code, 256 bits, and the digest that is stored.
#[must_use]
pub fn new_secret() -> (String, String) {
    let mut random = [0_u8; 32];
    rand::rng().fill_bytes(&mut random);
    let secret = keys::hex(&random);
    let digest = keys::hash(&secret);
    (secret, digest)
}

/// A random id: 26 characters that sort by the time they were made.
#[must_use]
pub fn new_id(now_ms: i64) -> String {
    let mut random = [0_u8; 16];
    rand::rng().fill_bytes(&mut random);
    let ms = u64::try_from(now_ms).unwrap_or(0);
    ulid::Ulid::from_parts(ms, u128::from_be_bytes(random)).to_string().to_lowercase()
}
