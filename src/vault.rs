//! Secrets at rest: envelope encryption with XChaCha20-Poly1305.
//!
//! Every secret has a key of its own, which is wrapped by the operator's key. So
//! the operator's key can be changed without touching what it protects. Each sealed
//! text is bound to its place: copied to another row it does not open.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD as BASE64};
use chacha20poly1305::aead::{Aead as _, Payload};
use chacha20poly1305::{Key, KeyInit as _, XChaCha20Poly1305, XNonce};
use rand::Rng as _;
use sha2::{Digest as _, Sha256};

const NONCE: usize = 24;
const KEY: usize = 32;

/// The operator's keys, the current one first.
pub struct Vault {
    keys: Vec<Wrapping>,
}

struct Wrapping {
    /// Eight hex digits of the key's digest.
    id: String,
    cipher: XChaCha20Poly1305,
}

/// Why something was not sealed or opened.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum VaultError {
    #[error("this server has no key to keep secrets with: its operator has to set secrets.key")]
    NoKey,
    #[error("the key this secret was kept with is not among secrets.key and secrets.old_keys")]
    OtherKey,
    #[error("the kept secret is damaged or was moved")]
    Damaged,
}

impl Vault {
    /// From base64 of 32 bytes each, the current key first.
    ///
    /// # Errors
    /// The place in the list of the first that is none.
    pub fn new<'a>(keys: impl IntoIterator<Item = &'a str>) -> Result<Self, usize> {
        let wrapping = |(place, text): (usize, &str)| {
            let bytes = STANDARD.decode(text.trim()).ok().filter(|bytes| bytes.len() == KEY).ok_or(place)?;
            let digest = Sha256::digest(&bytes);
            let id = digest.iter().take(4).fold(String::new(), |id, byte| id + &format!("{byte:02x}"));
            Ok::<Wrapping, usize>(Wrapping { id, cipher: cipher(&bytes).ok_or(place)? })
        };
        Ok(Self { keys: keys.into_iter().enumerate().map(wrapping).collect::<Result<_, _>>()? })
    }

    /// A new random key, in base64.
    #[must_use]
    pub fn fresh_key() -> String {
        STANDARD.encode(random::<KEY>())
    }

    /// Whether secrets can be kept.
    #[must_use]
    pub const fn has_key(&self) -> bool {
        !self.keys.is_empty()
    }

    /// Seals a text for one place, such as `own_keys/<organization>/<row>`.
    ///
    /// # Errors
    /// [`VaultError::NoKey`].
    pub fn seal(&self, text: &str, place: &str) -> Result<String, VaultError> {
        let own = random::<KEY>();
        let inner = encrypt(&cipher(&own).ok_or(VaultError::Damaged)?, text.as_bytes(), place)?;
        Ok(format!("{}.{}", self.wrap(&own, place)?, BASE64.encode(inner)))
    }

    /// Opens what was sealed for this place.
    ///
    /// # Errors
    /// [`VaultError`].
    pub fn open(&self, sealed: &str, place: &str) -> Result<String, VaultError> {
        let (_, inner) = sealed.rsplit_once('.').ok_or(VaultError::Damaged)?;
        let own = self.unwrap_key(sealed, place)?;
        let inner = BASE64.decode(inner).map_err(|_| VaultError::Damaged)?;
        let text = decrypt(&cipher(&own).ok_or(VaultError::Damaged)?, &inner, place)?;
        String::from_utf8(text).map_err(|_| VaultError::Damaged)
    }

    /// The same secret under the current key; `None` where it is already.
    ///
    /// # Errors
    /// [`VaultError`].
    pub fn rewrap(&self, sealed: &str, place: &str) -> Result<Option<String>, VaultError> {
        let current = self.keys.first().ok_or(VaultError::NoKey)?;
        if sealed.split('.').nth(1) == Some(&current.id) {
            return Ok(None);
        }
        let (_, inner) = sealed.rsplit_once('.').ok_or(VaultError::Damaged)?;
        let own = self.unwrap_key(sealed, place)?;
        Ok(Some(format!("{}.{inner}", self.wrap(&own, place)?)))
    }

    fn wrap(&self, own: &[u8], place: &str) -> Result<String, VaultError> {
        let current = self.keys.first().ok_or(VaultError::NoKey)?;
        Ok(format!("v1.{}.{}", current.id, BASE64.encode(encrypt(&current.cipher, own, place)?)))
    }

    fn unwrap_key(&self, sealed: &str, place: &str) -> Result<Vec<u8>, VaultError> {
        let mut parts = sealed.split('.');
        let (Some("v1"), Some(id), Some(wrapped)) = (parts.next(), parts.next(), parts.next()) else {
            return Err(VaultError::Damaged);
        };
        let key = self.keys.iter().find(|key| key.id == id).ok_or(VaultError::OtherKey)?;
        decrypt(&key.cipher, &BASE64.decode(wrapped).map_err(|_| VaultError::Damaged)?, place)
    }
}

fn random<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    rand::rng().fill_bytes(&mut bytes);
    bytes
}

fn cipher(key: &[u8]) -> Option<XChaCha20Poly1305> {
    Key::try_from(key).ok().map(|key| XChaCha20Poly1305::new(&key))
}

/// Nonce and ciphertext.
fn encrypt(cipher: &XChaCha20Poly1305, message: &[u8], place: &str) -> Result<Vec<u8>, VaultError> {
    let nonce = random::<NONCE>();
    let payload = Payload { msg: message, aad: place.as_bytes() };
    let sealed = cipher.encrypt(&XNonce::from(nonce), payload).map_err(|_| VaultError::Damaged)?;
    Ok([&nonce[..], &sealed].concat())
}

fn decrypt(cipher: &XChaCha20Poly1305, sealed: &[u8], place: &str) -> Result<Vec<u8>, VaultError> {
    let (nonce, message) = sealed.split_first_chunk::<NONCE>().ok_or(VaultError::Damaged)?;
    let payload = Payload { msg: message, aad: place.as_bytes() };
    cipher.decrypt(&XNonce::from(*nonce), payload).map_err(|_| VaultError::Damaged)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_opens_only_where_it_was_sealed() {
        let vault = Vault::new([Vault::fresh_key().as_str()]).unwrap();
        let sealed = vault.seal("sk-secret", "own_keys/acme/1").unwrap();
        assert!(!sealed.contains("sk-secret"));
        assert_ne!(sealed, vault.seal("sk-secret", "own_keys/acme/1").unwrap(), "never twice the same");
        assert_eq!(vault.open(&sealed, "own_keys/acme/1").as_deref(), Ok("sk-secret"));
        for place in ["own_keys/other/1", "own_keys/acme/2", ""] {
            assert_eq!(vault.open(&sealed, place), Err(VaultError::Damaged), "{place}");
        }
        let mut broken = sealed.clone();
        let last = if broken.pop() == Some('A') { 'B' } else { 'A' };
        broken.push(last);
        assert!(vault.open(&broken, "own_keys/acme/1").is_err());
        assert_eq!(vault.open("nonsense", "x"), Err(VaultError::Damaged));
    }

    #[test]
    fn the_operators_key_can_be_changed() {
        let (old, new) = (Vault::fresh_key(), Vault::fresh_key());
        let before = Vault::new([old.as_str()]).unwrap();
        let sealed = before.seal("sk-secret", "p").unwrap();
        let both = Vault::new([new.as_str(), old.as_str()]).unwrap();
        let rewrapped = both.rewrap(&sealed, "p").unwrap().expect("wrapped anew");
        let after = Vault::new([new.as_str()]).unwrap();
        assert_eq!(after.open(&sealed, "p"), Err(VaultError::OtherKey));
        assert_eq!(after.open(&rewrapped, "p").as_deref(), Ok("sk-secret"));
        assert_eq!(after.rewrap(&rewrapped, "p"), Ok(None));
    }

    #[test]
    fn without_a_key_nothing_is_kept_and_a_wrong_key_is_named() {
        let none = Vault::new([]).unwrap();
        assert_eq!(none.seal("x", "p"), Err(VaultError::NoKey));
        assert_eq!(Vault::new([Vault::fresh_key().as_str(), "short"]).err(), Some(1));
    }
}
