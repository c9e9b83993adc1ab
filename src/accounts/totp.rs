//! Codes of authenticator apps: six digits from a shared secret and the time (RFC 6238,
//! HMAC-SHA-1, periods of 30 s, which is what every app can do).

use ring::hmac;

/// Bytes of a secret: the length of the digest, as RFC 4226 asks.
pub const SECRET: usize = 20;
const PERIOD_MS: i64 = 30_000;
const ALPHABET: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";

/// The period a moment lies in.
#[must_use]
pub const fn step_at(now_ms: i64) -> i64 {
    now_ms.div_euclid(PERIOD_MS)
}

/// The code of a period.
#[must_use]
pub fn code(secret: &[u8], step: i64) -> String {
    let key = hmac::Key::new(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, secret);
    let tag = hmac::sign(&key, &step.to_be_bytes());
    let bytes = tag.as_ref();
    let offset = usize::from(bytes.last().copied().unwrap_or(0) & 0xf);
    let word = bytes.get(offset..offset + 4).and_then(|part| <[u8; 4]>::try_from(part).ok()).unwrap_or_default();
    format!("{:06}", (u32::from_be_bytes(word) & 0x7fff_ffff) % 1_000_000)
}

/// The period whose code this is: the present one or, for clocks that differ, one beside it.
#[must_use]
pub fn matching_step(secret: &[u8], given: &str, now_ms: i64) -> Option<i64> {
    let now = step_at(now_ms);
    let mut found = None;
    // All three are compared, so that the time taken tells nothing.
    for step in [now - 1, now, now + 1] {
        if subtle::ConstantTimeEq::ct_eq(code(secret, step).as_bytes(), given.as_bytes()).into() {
            found = Some(step);
        }
    }
    found
}

/// Base32 (RFC 4648) without padding, as people type it.
#[must_use]
pub fn base32(bytes: &[u8]) -> String {
    let mut out = String::with_capacity(bytes.len().div_ceil(5) * 8);
    let (mut buffer, mut bits) = (0_u32, 0_u32);
    for byte in bytes {
        buffer = ((buffer & 0x1f) << 8) | u32::from(*byte);
        bits += 8;
        while bits >= 5 {
            bits -= 5;
            out.push(letter(buffer >> bits));
        }
    }
    if bits > 0 {
        out.push(letter(buffer << (5 - bits)));
    }
    out
}

fn letter(value: u32) -> char {
    let place = usize::try_from(value & 0x1f).unwrap_or(0);
    ALPHABET.get(place).map_or('A', |letter| char::from(*letter))
}

/// The bytes of [`base32`]; `None` where a letter is none of its own.
#[must_use]
pub fn from_base32(text: &str) -> Option<Vec<u8>> {
    let mut out = Vec::with_capacity(text.len() * 5 / 8);
    let (mut buffer, mut bits) = (0_u32, 0_u32);
    for sign in text.bytes() {
        let value = ALPHABET.iter().position(|letter| *letter == sign)?;
        buffer = ((buffer & 0xff) << 5) | u32::try_from(value).ok()?;
        bits += 5;
        if bits >= 8 {
            bits -= 8;
            out.push(u8::try_from((buffer >> bits) & 0xff).ok()?);
        }
    }
    Some(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_codes_are_those_of_the_standard() {
        // RFC 6238, appendix B, the last six of its eight digits.
        let secret = b"12345678901234567890";
        for (seconds, expected) in [
            (59, "287082"),
            (1_111_111_109, "081804"),
            (1_111_111_111, "050471"),
            (1_234_567_890, "005924"),
            (2_000_000_000, "279037"),
            (20_000_000_000, "353130"),
        ] {
            assert_eq!(code(secret, step_at(seconds * 1_000)), expected);
        }
    }

    #[test]
    fn a_code_counts_in_its_period_and_beside_it() {
        let secret = [7_u8; SECRET];
        let now = 1_000 * PERIOD_MS;
        for step in 998..=1_002 {
            let found = matching_step(&secret, &code(&secret, step), now);
            assert_eq!(found, (999..=1_001).contains(&step).then_some(step));
        }
        assert_eq!(matching_step(&secret, "", now), None);
    }

    #[test]
    fn secrets_are_written_as_apps_read_them() {
        for (bytes, text) in [("", ""), ("f", "MY"), ("foo", "MZXW6"), ("foobar", "MZXW6YTBOI")] {
            assert_eq!(base32(bytes.as_bytes()), text);
            assert_eq!(from_base32(text).as_deref(), Some(bytes.as_bytes()));
        }
        assert_eq!(from_base32("M1"), None);
    }
}
