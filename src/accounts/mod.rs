//! People, their organizations and their keys.

pub mod keys;
pub mod passwords;
pub mod policy;
pub mod sessions;
pub mod users;

use rand::Rng as _;

/// A random id in the form of a UUID (version 7), where the API's schema asks for one.
#[must_use]
pub fn new_uuid(now_ms: i64) -> String {
    let mut random = [0_u8; 10];
    rand::rng().fill_bytes(&mut random);
    let mut hex = format!("{:012x}", u64::try_from(now_ms).unwrap_or(0) & 0xffff_ffff_ffff);
    hex.push('7');
    hex.push_str(keys::hex(&random).get(..19).unwrap_or_default());
    // The variant's two bits: one of 8, 9, a, b.
    let variant = char::from(b"89ab"[usize::from(random[9] & 3)]);
    hex.replace_range(16..17, &variant.to_string());
    let part = |from, to| hex.get(from..to).unwrap_or_default();
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
