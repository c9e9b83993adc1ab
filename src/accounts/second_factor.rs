//! The second step at sign-in: an authenticator app, and recovery codes for the day it is
//! lost. No code counts twice.

use rand::Rng as _;
use ring::hmac;

use super::keys::hex;
use super::totp;
use crate::store::Store;
use crate::store::second_factor::AuthenticatorRow;
use crate::vault::{Vault, VaultError};

/// How many recovery codes there are at once.
pub const RECOVERY_CODES: usize = 10;
/// Letters of a recovery code: 80 bits.
const CODE_LETTERS: usize = 16;

/// Why a code was not taken or nothing was begun.
#[derive(Debug, thiserror::Error)]
pub enum FactorError {
    /// Wrong, used before, or of another time.
    #[error("this code is wrong, too old or was used before")]
    Wrong,
    #[error("no second step is on or begun")]
    Off,
    #[error("the second step is on already")]
    On,
    #[error(transparent)]
    Vault(#[from] VaultError),
    #[error(transparent)]
    Database(#[from] sqlx::Error),
}

/// With what a second step was passed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Proof {
    App,
    RecoveryCode,
}

/// Where a secret is sealed for.
#[must_use]
pub fn place(user_id: &str) -> String {
    format!("authenticators/{user_id}")
}

/// Begins: a new secret, which counts for nothing until [`confirm`].
///
/// # Errors
/// [`FactorError::On`], or that nothing can be sealed.
pub async fn begin(store: &Store, vault: &Vault, user_id: &str, now: i64) -> Result<(), FactorError> {
    let mut secret = [0_u8; totp::SECRET];
    rand::rng().fill_bytes(&mut secret);
    let sealed = vault.seal(&totp::base32(&secret), &place(user_id))?;
    if store.begin_authenticator(user_id, &sealed, now).await? { Ok(()) } else { Err(FactorError::On) }
}

/// The secret of an authenticator, as apps take it.
///
/// # Errors
/// That it cannot be opened.
pub fn secret_text(vault: &Vault, row: &AuthenticatorRow) -> Result<String, FactorError> {
    Ok(vault.open(&row.secret, &place(&row.user_id))?)
}

fn secret_of(vault: &Vault, row: &AuthenticatorRow) -> Result<Vec<u8>, FactorError> {
    totp::from_base32(&secret_text(vault, row)?).ok_or(FactorError::Vault(VaultError::Damaged))
}

/// Switches it on with a first code, and gives the recovery codes.
///
/// # Errors
/// [`FactorError`].
pub async fn confirm(
    store: &Store,
    vault: &Vault,
    user_id: &str,
    given: &str,
    now: i64,
) -> Result<Vec<String>, FactorError> {
    let row = store.authenticator(user_id).await?.ok_or(FactorError::Off)?;
    if row.confirmed_at.is_some() {
        return Err(FactorError::On);
    }
    let secret = secret_of(vault, &row)?;
    let step = totp::matching_step(&secret, &normal(given), now).ok_or(FactorError::Wrong)?;
    let (codes, hashes) = fresh_codes(&secret);
    if store.confirm_authenticator(&row, step, now, &hashes).await? { Ok(codes) } else { Err(FactorError::Wrong) }
}

/// Takes a code of the app or a recovery code.
///
/// # Errors
/// [`FactorError`].
pub async fn check(store: &Store, vault: &Vault, user_id: &str, given: &str, now: i64) -> Result<Proof, FactorError> {
    let row = in_use(store, user_id).await?.ok_or(FactorError::Off)?;
    let secret = secret_of(vault, &row)?;
    let given = normal(given);
    if let Some(step) = totp::matching_step(&secret, &given, now) {
        return if store.use_step(user_id, step).await? { Ok(Proof::App) } else { Err(FactorError::Wrong) };
    }
    if given.len() == CODE_LETTERS && store.use_recovery_code(user_id, &hash(&secret, &given), now).await? {
        return Ok(Proof::RecoveryCode);
    }
    Err(FactorError::Wrong)
}

/// The authenticator that is asked for at sign-in.
///
/// # Errors
/// Any database error.
pub async fn in_use(store: &Store, user_id: &str) -> sqlx::Result<Option<AuthenticatorRow>> {
    Ok(store.authenticator(user_id).await?.filter(|row| row.confirmed_at.is_some()))
}

/// New recovery codes in place of the old ones.
///
/// # Errors
/// [`FactorError`].
pub async fn replace_codes(store: &Store, vault: &Vault, user_id: &str) -> Result<Vec<String>, FactorError> {
    let row = in_use(store, user_id).await?.ok_or(FactorError::Off)?;
    let (codes, hashes) = fresh_codes(&secret_of(vault, &row)?);
    store.replace_recovery_codes(user_id, &hashes).await?;
    Ok(codes)
}

/// As a person may type it: with blanks and dashes, in small letters.
fn normal(given: &str) -> String {
    given.chars().filter(char::is_ascii_alphanumeric).take(64).map(|sign| sign.to_ascii_uppercase()).collect()
}

/// Under the authenticator's own secret: a stolen table gives nothing to try words on.
fn hash(secret: &[u8], code: &str) -> String {
    hex(hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, secret), code.as_bytes()).as_ref())
}

fn fresh_codes(secret: &[u8]) -> (Vec<String>, Vec<String>) {
    let fresh = |_| {
        let mut random = [0_u8; 10];
        rand::rng().fill_bytes(&mut random);
        totp::base32(&random)
    };
    let codes: Vec<String> = (0..RECOVERY_CODES).map(fresh).collect();
    let hashes = codes.iter().map(|code| hash(secret, code)).collect();
    let shown = codes.iter().map(|code| {
        let letters: Vec<char> = code.to_lowercase().chars().collect();
        letters.chunks(4).map(|part| part.iter().collect::<String>()).collect::<Vec<_>>().join("-")
    });
    (shown.collect(), hashes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn every_code_counts_once() {
        let (store, _folder) = Store::for_test().await;
        let vault = Vault::new([Vault::fresh_key().as_str()]).unwrap();
        let clock = crate::clock::Clock::fixed(0);
        let users = super::super::users::Users::new(store.clone(), clock);
        let account = users.sign_up("Ann", "ann@example.org", "a long enough one", false).await.unwrap();
        let id = account.user.id.as_str();
        let now = 3_000_000;
        let step = totp::step_at(now);
        begin(&store, &vault, id, now).await.unwrap();
        let row = store.authenticator(id).await.unwrap().unwrap();
        let secret = secret_of(&vault, &row).unwrap();
        assert!(matches!(check(&store, &vault, id, &totp::code(&secret, step), now).await, Err(FactorError::Off)));
        assert!(matches!(confirm(&store, &vault, id, "000", now).await, Err(FactorError::Wrong)));
        let codes = confirm(&store, &vault, id, &totp::code(&secret, step), now).await.unwrap();
        assert_eq!(codes.len(), RECOVERY_CODES);
        assert!(matches!(begin(&store, &vault, id, now).await, Err(FactorError::On)));

        for step in [step, step - 1] {
            let again = check(&store, &vault, id, &totp::code(&secret, step), now).await;
            assert!(matches!(again, Err(FactorError::Wrong)), "used, or older than what was used");
        }
        let next = totp::code(&secret, step + 1);
        assert_eq!(check(&store, &vault, id, &next, now).await.unwrap(), Proof::App);
        assert!(check(&store, &vault, id, &next, now).await.is_err());

        assert_eq!(check(&store, &vault, id, &codes[0].to_uppercase(), now).await.unwrap(), Proof::RecoveryCode);
        assert!(check(&store, &vault, id, &codes[0], now).await.is_err());
        assert_eq!(store.recovery_codes_left(id).await.unwrap(), 9);
        let new = replace_codes(&store, &vault, id).await.unwrap();
        assert!(check(&store, &vault, id, &codes[1], now).await.is_err());
        assert_eq!(check(&store, &vault, id, &new[1], now).await.unwrap(), Proof::RecoveryCode);
        assert!(store.delete_authenticator(id).await.unwrap());
        assert!(in_use(&store, id).await.unwrap().is_none());
    }
}
