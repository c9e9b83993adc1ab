//! Who sent an event: HMAC-SHA-256 over the time and the raw body.

use ring::hmac;

/// How far the time of a signature may be from ours, either way.
pub const TOLERANCE_S: i64 = 300;

/// Why an event is not believed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Forged {
    #[error("the signature header is missing or cannot be read")]
    Unreadable,
    #[error("the signature is too old or from the future")]
    Untimely,
    #[error("no signature fits")]
    Wrong,
}

/// Passes a body signed with one of these secrets at about `now_s` (epoch seconds).
/// While a secret is being replaced the header carries several signatures.
///
/// # Errors
/// [`Forged`]
pub fn check(header: &str, body: &[u8], secrets: &[&str], now_s: i64) -> Result<(), Forged> {
    let mut time = None;
    let mut signatures = Vec::new();
    for part in header.split(',') {
        match part.trim().split_once('=') {
            Some(("t", text)) if time.is_none() => time = Some(text),
            Some(("t", _)) => return Err(Forged::Unreadable),
            Some(("v1", text)) => signatures.push(unhex(text)),
            _ => {}
        }
    }
    let time = time.ok_or(Forged::Unreadable)?;
    let signed_at: i64 = time.parse().map_err(|_| Forged::Unreadable)?;
    if now_s.abs_diff(signed_at) > TOLERANCE_S.unsigned_abs() {
        return Err(Forged::Untimely);
    }
    let mut text = Vec::with_capacity(time.len() + 1 + body.len());
    text.extend_from_slice(time.as_bytes());
    text.push(b'.');
    text.extend_from_slice(body);
    // `verify` compares in constant time; every pair is tried, whatever the outcome.
    let mut fits = false;
    for secret in secrets {
        let key = hmac::Key::new(hmac::HMAC_SHA256, secret.as_bytes());
        for signature in signatures.iter().flatten() {
            fits |= hmac::verify(&key, &text, signature).is_ok();
        }
    }
    if fits { Ok(()) } else { Err(Forged::Wrong) }
}

/// The header for a body.
#[must_use]
pub fn sign(body: &[u8], secret: &str, now_s: i64) -> String {
    use std::fmt::Write as _;
    let key = hmac::Key::new(hmac::HMAC_SHA256, secret.as_bytes());
    let mut text = format!("{now_s}.").into_bytes();
    text.extend_from_slice(body);
    let tag = hmac::sign(&key, &text);
    tag.as_ref().iter().fold(format!("t={now_s},v1="), |mut header, byte| {
        let _ = write!(header, "{byte:02x}");
        header
    })
}

/// The 32 bytes of a signature in hex.
pub(in crate::billing) fn unhex(text: &str) -> Option<Vec<u8>> {
    if text.len() != 64 || !text.is_ascii() {
        return None;
    }
    (0..32).map(|at| text.get(at * 2..at * 2 + 2).and_then(|pair| u8::from_str_radix(pair, 16).ok())).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const BODY: &[u8] = br#"{"id":"evt_1"}"#;
    const NOW: i64 = 1_800_000_000;

    #[test]
    fn a_known_signature_fits() {
        // `printf '1800000000.{"id":"evt_1"}' | openssl dgst -sha256 -hmac whsec_test`
        let header = sign(BODY, "whsec_test", NOW);
        assert!(header.starts_with("t=1800000000,v1=") && header.len() == 16 + 64);
        assert_eq!(check(&header, BODY, &["whsec_test"], NOW), Ok(()));
        assert_eq!(check(&header, BODY, &["new", "whsec_test"], NOW + 300), Ok(()), "the secret before counts, too");
    }

    #[test]
    fn several_signatures_may_come_in_any_order() {
        let right = sign(BODY, "b", NOW);
        let wrong = sign(BODY, "a", NOW);
        let both = format!("{wrong},v1={}", right.split_once("v1=").unwrap().1);
        assert_eq!(check(&both, BODY, &["b"], NOW), Ok(()));
        assert_eq!(check(&format!("{both},v0=x, v1=nonsense"), BODY, &["b"], NOW), Ok(()));
    }

    #[test]
    fn seven_kinds_of_forgery_are_refused() {
        let header = sign(BODY, "s", NOW);
        let cases: [(&str, &[u8], &[&str], i64); 7] = [
            ("", BODY, &["s"], NOW),
            ("v1=00", BODY, &["s"], NOW),
            (&header, br#"{"id":"evt_2"}"#, &["s"], NOW),
            (&header, BODY, &["other"], NOW),
            (&header, BODY, &["s"], NOW + 301),
            (&header, BODY, &["s"], NOW - 301),
            (&header.replace("t=1800000000", "t=1800000001"), BODY, &["s"], NOW),
        ];
        for (header, body, secrets, now) in cases {
            assert!(check(header, body, secrets, now).is_err(), "{header} {now}");
        }
        assert!(check(&header.replace("v1=", "v0="), BODY, &["s"], NOW).is_err(), "an older scheme does not count");
        assert!(check(&format!("{header},t=1"), BODY, &["s"], NOW).is_err(), "two times are none");
        assert!(check(&header, BODY, &[], NOW).is_err());
    }
}
