//! ID tokens of OpenID Connect: signature, issuer, audience, time and nonce.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as BASE64;
use ring::signature::{self, RsaPublicKeyComponents, UnparsedPublicKey};
use serde::Deserialize;
use serde_json::Value;
use subtle::ConstantTimeEq as _;

/// How far clocks may differ, s.
const LEEWAY_S: i64 = 60;

/// A public key of an issuer (RFC 7517). Others than these two kinds are not used.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct PublicKey {
    pub kty: String,
    pub kid: Option<String>,
    #[serde(rename = "use")]
    pub purpose: Option<String>,
    pub crv: String,
    pub n: String,
    pub e: String,
    pub x: String,
    pub y: String,
}

/// The keys of an issuer.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct PublicKeys {
    pub keys: Vec<PublicKey>,
}

/// What a token is checked against.
#[derive(Clone, Copy, Debug)]
pub struct Expected<'a> {
    pub issuer: &'a str,
    pub client_id: &'a str,
    pub nonce: &'a str,
    pub now_s: i64,
    /// Whoever is to prove himself anew must have done so since.
    pub proved_since_s: Option<i64>,
}

/// What a token says of a person.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Claims {
    pub subject: String,
    pub email: Option<String>,
    pub is_email_verified: bool,
    pub name: String,
}

/// Which key of an issuer a token wants; `None` when it is no token that is taken.
#[must_use]
pub fn key_id(token: &str) -> Option<Option<String>> {
    let head = part(token.split('.').next()?)?;
    is_known(head.get("alg")?.as_str()?).then(|| head.get("kid").and_then(Value::as_str).map(str::to_owned))
}

fn is_known(algorithm: &str) -> bool {
    matches!(algorithm, "RS256" | "ES256")
}

/// Checks a token and reads it.
///
/// # Errors
/// What is wrong with it.
pub fn read(token: &str, keys: &PublicKeys, expected: &Expected<'_>) -> Result<Claims, &'static str> {
    let (signed, mark) = token.rsplit_once('.').ok_or("it is no token")?;
    let (head, body) = signed.split_once('.').ok_or("it is no token")?;
    let head = part(head).ok_or("its head cannot be read")?;
    let mark = BASE64.decode(mark).map_err(|_| "its signature cannot be read")?;
    let algorithm = head.get("alg").and_then(Value::as_str).unwrap_or_default();
    if !is_known(algorithm) {
        return Err("it is signed in a way that is not taken (RS256 and ES256 are)");
    }
    let kid = head.get("kid").and_then(Value::as_str);
    let fits = |key: &&PublicKey| {
        (kid.is_none() || key.kid.as_deref() == kid) && key.purpose.as_deref().is_none_or(|purpose| purpose == "sig")
    };
    if !keys.keys.iter().filter(fits).any(|key| is_signed(key, algorithm, signed.as_bytes(), &mark)) {
        return Err("its signature is of nobody the issuer names");
    }
    let body = part(body).ok_or("its body cannot be read")?;
    check(&body, expected)?;
    Ok(claims(&body))
}

fn is_signed(key: &PublicKey, algorithm: &str, message: &[u8], mark: &[u8]) -> bool {
    let bytes = |text: &str| BASE64.decode(text.trim_end_matches('=')).unwrap_or_default();
    match (algorithm, key.kty.as_str()) {
        ("RS256", "RSA") => {
            let (n, e) = (bytes(&key.n), bytes(&key.e));
            let parts = RsaPublicKeyComponents { n: &n, e: &e };
            parts.verify(&signature::RSA_PKCS1_2048_8192_SHA256, message, mark).is_ok()
        }
        ("ES256", "EC") if key.crv == "P-256" => {
            let (x, y) = (bytes(&key.x), bytes(&key.y));
            if x.len() != 32 || y.len() != 32 {
                return false;
            }
            let point = [&[4_u8][..], &x, &y].concat();
            UnparsedPublicKey::new(&signature::ECDSA_P256_SHA256_FIXED, point).verify(message, mark).is_ok()
        }
        _ => false,
    }
}

/// OpenID Connect Core 3.1.3.7.
fn check(body: &Value, expected: &Expected<'_>) -> Result<(), &'static str> {
    let text = |name: &str| body.get(name).and_then(Value::as_str);
    if text("iss") != Some(expected.issuer) {
        return Err("it is of another issuer");
    }
    let (is_ours, is_for_others) = match body.get("aud") {
        Some(Value::String(one)) => (one == expected.client_id, false),
        Some(Value::Array(all)) => (all.iter().any(|one| one == expected.client_id), all.len() > 1),
        _ => (false, false),
    };
    if !is_ours {
        return Err("it is for somebody else");
    }
    let party = text("azp");
    if party.is_some_and(|party| party != expected.client_id) || (is_for_others && party.is_none()) {
        return Err("it was made for somebody else");
    }
    let time = |name: &str| body.get(name).and_then(Value::as_i64);
    if time("exp").is_none_or(|end| end + LEEWAY_S <= expected.now_s) {
        return Err("it has expired");
    }
    if time("iat").is_none_or(|then| then - LEEWAY_S > expected.now_s) {
        return Err("it is of a time to come: is a clock wrong?");
    }
    // Not every issuer says it, and a private one may ignore `max_age`.
    if let (Some(since), Some(then)) = (expected.proved_since_s, time("auth_time"))
        && then + LEEWAY_S < since
    {
        return Err("its person was signed in there before and did not prove it again");
    }
    let nonce = text("nonce").unwrap_or_default();
    if nonce.is_empty() || !bool::from(nonce.as_bytes().ct_eq(expected.nonce.as_bytes())) {
        return Err("it answers another sign-in");
    }
    if text("sub").is_none_or(|subject| subject.is_empty() || subject.len() > 255) {
        return Err("it names nobody");
    }
    Ok(())
}

/// What a token's body, or the answer of a userinfo endpoint, says.
#[must_use]
pub fn claims(body: &Value) -> Claims {
    let text = |name: &str| body.get(name).and_then(Value::as_str).map(str::to_owned);
    Claims {
        subject: text("sub").unwrap_or_default(),
        email: text("email"),
        // Some issuers write it as a text.
        is_email_verified: body.get("email_verified").is_some_and(|flag| flag == true || flag == "true"),
        name: text("name").unwrap_or_default(),
    }
}

fn part(text: &str) -> Option<Value> {
    serde_json::from_slice(&BASE64.decode(text).ok()?).ok()
}

#[cfg(test)]
mod tests {
    use ring::rand::SystemRandom;
    use ring::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair as _};
    use serde_json::json;

    use super::*;

    const EXPECTED: Expected<'_> = Expected {
        issuer: "https://id.example",
        client_id: "us",
        nonce: "n",
        now_s: 1_000_000,
        proved_since_s: Some(999_900),
    };

    struct Issuer(EcdsaKeyPair);

    impl Issuer {
        fn new() -> Self {
            let random = SystemRandom::new();
            let pkcs8 = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &random).unwrap();
            Self(EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, pkcs8.as_ref(), &random).unwrap())
        }

        fn keys(&self) -> PublicKeys {
            let point = self.0.public_key().as_ref();
            let key = PublicKey {
                kty: "EC".to_owned(),
                kid: Some("k".to_owned()),
                crv: "P-256".to_owned(),
                x: BASE64.encode(&point[1..33]),
                y: BASE64.encode(&point[33..]),
                ..PublicKey::default()
            };
            PublicKeys { keys: vec![key] }
        }

        fn token(&self, head: &Value, body: &Value) -> String {
            let signed = format!("{}.{}", BASE64.encode(head.to_string()), BASE64.encode(body.to_string()));
            let mark = self.0.sign(&SystemRandom::new(), signed.as_bytes()).unwrap();
            format!("{signed}.{}", BASE64.encode(mark.as_ref()))
        }
    }

    #[test]
    fn only_a_token_for_this_sign_in_is_taken() {
        let issuer = Issuer::new();
        let keys = issuer.keys();
        let head = json!({ "alg": "ES256", "kid": "k" });
        let body = json!({ "iss": "https://id.example", "aud": "us", "sub": "7", "nonce": "n", "exp": 1_000_300,
            "iat": 1_000_000, "email": "ann@example.org", "email_verified": true, "name": "Ann" });
        let good = issuer.token(&head, &body);
        assert_eq!(key_id(&good), Some(Some("k".to_owned())));
        let claims = read(&good, &keys, &EXPECTED).unwrap();
        assert_eq!((claims.subject.as_str(), claims.is_email_verified), ("7", true));

        let changed = [
            ("iss", json!("https://evil.example")),
            ("aud", json!("them")),
            ("aud", json!(["us", "them"])),
            ("azp", json!("them")),
            ("exp", json!(999_900)),
            ("exp", Value::Null),
            ("iat", json!(1_000_100)),
            ("nonce", json!("m")),
            ("nonce", Value::Null),
            ("sub", json!("")),
        ];
        for (name, value) in changed {
            let mut other = body.clone();
            other[name] = value;
            assert!(read(&issuer.token(&head, &other), &keys, &EXPECTED).is_err(), "{name}: {}", other[name]);
        }
        // Asked to prove himself anew, he must not come back with an old proof.
        for (proved_at, is_taken) in [(999_839, false), (999_841, true), (1_000_000, true)] {
            let mut other = body.clone();
            other["auth_time"] = json!(proved_at);
            assert_eq!(read(&issuer.token(&head, &other), &keys, &EXPECTED).is_ok(), is_taken, "{proved_at}");
            let calm = Expected { proved_since_s: None, ..EXPECTED };
            assert!(read(&issuer.token(&head, &other), &keys, &calm).is_ok(), "nobody asked for a fresh one");
        }
        for algorithm in ["none", "HS256", "RS256", "es256"] {
            let head = json!({ "alg": algorithm, "kid": "k" });
            assert!(read(&issuer.token(&head, &body), &keys, &EXPECTED).is_err(), "{algorithm}");
        }
        let (signed, _) = good.rsplit_once('.').unwrap();
        assert!(read(&format!("{signed}."), &keys, &EXPECTED).is_err(), "without a signature");
        assert!(read(&Issuer::new().token(&head, &body), &keys, &EXPECTED).is_err(), "another's signature");
        let mut unknown = keys.clone();
        unknown.keys[0].kid = Some("old".to_owned());
        assert!(read(&good, &unknown, &EXPECTED).is_err(), "a key the issuer does not name");
    }

    /// Made with OpenSSL; its private key is nowhere.
    const RSA_MODULUS: &str = "0Wc-t3o_ltJkC8sJyrAUddTTCS8vaD2pW9k5vgv_H9h-fOkKv2A7QAOW-DX60kgtIuPf-3227Bd0ZnyFmDoexF2jzTYbVFnueLnn\
         VK2rLVY1om7lFusXNTGnOZPoPLJ2RxvHjzOSoKOV9utfyK90IfLruav5okycCJL8rmxt_9o2j8u_c5dmJgOhrAZTRkdUK0Ra6mH8\
         WkQ_dvz9ttJbM9MYBi7E2rnGqUu1IZ6Y6paGnADlOl-NdLZE6TM0RDXsodJdDCijNI4NZ3You4SWgq_4BZzIh_D5i24EXubV8PJF\
         dUiLLoERYxI-PfVW3i4gORljXeBAfg5d-Drkm-FIEQ";
    const RSA_TOKEN: &str = "eyJhbGciOiJSUzI1NiIsImtpZCI6InIifQ.eyJpc3MiOiJodHRwczovL2lkLmV4YW1wbGUiLCJhdWQiOiJ1cyIsInN1YiI6IjciL\
         CJub25jZSI6Im4iLCJleHAiOjEwMDAzMDAsImlhdCI6MTAwMDAwMH0.w3dniQxPvnXzgkHxQEVRjZrTA_Gu154k4XotHY8TitI-E\
         BhKD0xNg4DpXYLLPGb3Kk8WIxWIM5okn-5LOBrZi8uiFA618HDDxaHKWQHxGTc5iAC81IZ2k_5WAO8grxsKQCfgj0Mz87Jogu-Z_\
         ugf5CiH_-Pzlf8doNltFpXcHqAfFJ2Szge-t1tGm2am6h2VKBUo1CbhS2ApNLTkSYKBAuNfZtX2Y5jzeZ2IPrHEKPWB4j0yvokhl\
         _FHdtRDCEVuaqgCxFjZwfMq1H03NU_b11qvQ9059O5g3UqtIXyXTZIaH1s6gGmOP-s9_1kizV-DPax8_16I2KbkgBTgljpqjQ";

    #[test]
    fn a_token_signed_by_rsa_is_taken_as_it_is_and_in_no_other_form() {
        let key = PublicKey {
            kty: "RSA".to_owned(),
            kid: Some("r".to_owned()),
            n: RSA_MODULUS.to_owned(),
            e: "AQAB".to_owned(),
            ..PublicKey::default()
        };
        let keys = PublicKeys { keys: vec![key] };
        assert_eq!(read(RSA_TOKEN, &keys, &EXPECTED).unwrap().subject, "7");
        let (signed, mark) = RSA_TOKEN.rsplit_once('.').unwrap();
        let (head, _) = signed.split_once('.').unwrap();
        let other = BASE64.encode(
            json!({ "iss": "https://id.example", "aud": "us", "sub": "8", "nonce": "n",
            "exp": 1_000_300, "iat": 1_000_000 })
            .to_string(),
        );
        assert!(read(&format!("{head}.{other}.{mark}"), &keys, &EXPECTED).is_err(), "another's body");
        assert!(read(RSA_TOKEN, &Issuer::new().keys(), &EXPECTED).is_err(), "a key of another kind");
    }
}
