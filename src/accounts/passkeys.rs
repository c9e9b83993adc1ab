//! Passkeys: the two ceremonies of WebAuthn, making one and proving that one has it.
//!
//! Each has two steps. What is kept between them is a text for the visitor's session: it holds
//! the challenge and counts once, within [`LASTS_MS`]. The device always asks its owner for a
//! finger, a face or a PIN, so a passkey is two factors in one.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use serde_json::Value;
use url::{Host, Url};
use webauthn_rp::bin::{Decode as _, Encode as _};
use webauthn_rp::request::auth::{AllowedCredentials, AuthenticationVerificationOptions};
use webauthn_rp::request::register::{
    CredProtect, PublicKeyCredentialUserEntity, RegistrationVerificationOptions, USER_HANDLE_MAX_LEN, UserHandle,
    Username,
};
use webauthn_rp::request::{
    AsciiDomain, Credentials as _, PublicKeyCredentialDescriptor, RpId, UserVerificationRequirement,
};
use webauthn_rp::response::auth::error::AuthCeremonyErr;
use webauthn_rp::response::register::{DynamicState, StaticState};
use webauthn_rp::response::{AuthTransports, Backup, CredentialId};
use webauthn_rp::{
    AuthenticatedCredential, DiscoverableAuthentication64, DiscoverableAuthenticationServerState,
    DiscoverableCredentialRequestOptions, NonDiscoverableAuthentication64, NonDiscoverableAuthenticationServerState,
    NonDiscoverableCredentialRequestOptions, PublicKeyCredentialCreationOptions, Registration, RegistrationServerState,
};

use crate::store::Store;
use crate::store::accounts::UserRow;
use crate::store::passkeys::PasskeyRow;

/// How long a challenge can be answered.
pub const LASTS_MS: i64 = 300_000;
/// How many passkeys a person has at most.
pub const MOST: i64 = 20;

/// Why an answer was not taken.
#[derive(Debug, thiserror::Error)]
pub enum PasskeyError {
    /// Not what was asked for, or not by whom.
    #[error("this passkey was not accepted: {0}")]
    Refused(String),
    /// Its counter went back: somebody else uses it, too.
    #[error("this passkey's counter went back")]
    Copied(Box<PasskeyRow>),
    #[error("this passkey is known already, or there are too many")]
    Known,
    #[error(transparent)]
    Database(#[from] sqlx::Error),
}

fn refused(reason: impl std::fmt::Display) -> PasskeyError {
    PasskeyError::Refused(reason.to_string())
}

/// Where passkeys of this server are valid.
#[derive(Clone, Debug)]
pub struct Site {
    id: RpId,
    origin: String,
}

impl Site {
    /// The site at this address. `None` where browsers know no passkeys: they want https and a
    /// name, or `localhost`.
    #[must_use]
    pub fn at(public_url: &str) -> Option<Self> {
        let url = Url::parse(public_url).ok()?;
        let Host::Domain(host) = url.host()? else { return None };
        let is_local = host == "localhost" || host.ends_with(".localhost");
        if url.scheme() != "https" && !(url.scheme() == "http" && is_local) {
            return None;
        }
        let id = RpId::Domain(AsciiDomain::try_from(host.to_owned()).ok()?);
        Some(Self { id, origin: url.origin().ascii_serialization() })
    }
}

/// A first step: what the browser is given, and what is kept meanwhile.
#[derive(Debug)]
pub struct Begun {
    pub options: Value,
    pub state: String,
}

impl Begun {
    fn new(options: &impl serde::Serialize, state: impl AsRef<[u8]>) -> Result<Self, PasskeyError> {
        Ok(Self { options: serde_json::to_value(options).map_err(refused)?, state: STANDARD.encode(state) })
    }
}

/// What devices call a person: nothing that says who it is.
fn handle(user_id: &str) -> Result<UserHandle<USER_HANDLE_MAX_LEN>, PasskeyError> {
    let digest = ring::digest::digest(&ring::digest::SHA512, format!("passkey:{user_id}").as_bytes());
    let bytes: [u8; USER_HANDLE_MAX_LEN] = digest.as_ref().try_into().map_err(refused)?;
    UserHandle::decode(bytes).map_err(refused)
}

fn descriptors(known: &[PasskeyRow]) -> Vec<PublicKeyCredentialDescriptor<Vec<u8>>> {
    let of = |row: &PasskeyRow| {
        let id = CredentialId::decode(URL_SAFE_NO_PAD.decode(&row.credential_id).ok()?).ok()?;
        let transports = AuthTransports::decode(u8::try_from(row.transports).ok()?).ok()?;
        Some(PublicKeyCredentialDescriptor { id, transports })
    };
    known.iter().filter_map(of).collect()
}

/// Begins to make a passkey; `known` ones are not made again.
///
/// # Errors
/// Hardly any.
pub fn begin_making(site: &Site, user: &UserRow, known: &[PasskeyRow]) -> Result<Begun, PasskeyError> {
    let handle = handle(&user.id)?;
    // A name outside the rules for names of accounts is shown as the id.
    let name = Username::try_from(user.email.as_str()).or_else(|_| Username::try_from(user.id.as_str()));
    let entity = PublicKeyCredentialUserEntity {
        name: name.map_err(refused)?,
        id: &handle,
        display_name: user.name.as_str().try_into().ok(),
    };
    let mut options = PublicKeyCredentialCreationOptions::passkey(&site.id, entity, descriptors(known));
    // Browsers refuse devices that do not know this extension, and most do not; every answer is
    // asked to show that the device knew its owner.
    options.extensions.cred_protect = CredProtect::None;
    let (server, client) = options.start_ceremony().map_err(refused)?;
    Begun::new(&client, server.encode().map_err(refused)?)
}

/// Makes a passkey of the browser's answer. The row has no name, owner nor id yet.
///
/// # Errors
/// [`PasskeyError::Refused`].
pub fn finish_making(site: &Site, state: &str, answer: &str) -> Result<PasskeyRow, PasskeyError> {
    let state = STANDARD.decode(state).map_err(refused)?;
    let server = RegistrationServerState::<USER_HANDLE_MAX_LEN>::decode(&state).map_err(refused)?;
    let answer = Registration::from_json_relaxed(answer.as_bytes()).map_err(refused)?;
    let origins = [site.origin.as_str()];
    let options = RegistrationVerificationOptions::<&str, &str> {
        allowed_origins: &origins,
        // A password manager may say more than it was asked.
        error_on_unsolicited_extensions: false,
        ..RegistrationVerificationOptions::default()
    };
    let made = server.verify(&site.id, &answer, &options).map_err(refused)?;
    let (id, transports, _, public, dynamic, _) = made.into_parts();
    Ok(PasskeyRow {
        credential_id: URL_SAFE_NO_PAD.encode(id),
        public_key: STANDARD.encode(public.encode().map_err(refused)?),
        state: encoded(dynamic),
        transports: i64::from(transports.encode().unwrap_or_default()),
        is_synced: is_synced(dynamic),
        ..PasskeyRow::default()
    })
}

fn encoded(state: DynamicState) -> String {
    state.encode().map_or_else(|never| match never {}, |bytes| STANDARD.encode(bytes))
}

fn is_synced(state: DynamicState) -> i64 {
    i64::from(matches!(state.backup, Backup::Exists))
}

/// Begins to ask for a passkey: any, or one of these.
///
/// # Errors
/// Hardly any.
pub fn begin_proof(site: &Site, of: Option<&[PasskeyRow]>) -> Result<Begun, PasskeyError> {
    let Some(known) = of else {
        let options = DiscoverableCredentialRequestOptions::passkey(&site.id);
        let (server, client) = options.start_ceremony().map_err(refused)?;
        return Begun::new(&client, server.encode().map_err(refused)?);
    };
    let mut allowed = AllowedCredentials::with_capacity(known.len());
    for one in descriptors(known) {
        allowed.push(one.into());
    }
    let mut options = NonDiscoverableCredentialRequestOptions::second_factor(&site.id, allowed).map_err(refused)?;
    options.options().user_verification = UserVerificationRequirement::Required;
    let (server, client) = options.start_ceremony().map_err(refused)?;
    Begun::new(&client, server.encode().map_err(refused)?)
}

/// Whose passkey answered. `is_any` says whether any was asked for; the passkey's counter and
/// last use are written down.
///
/// # Errors
/// [`PasskeyError`].
pub async fn finish_proof(
    store: &Store,
    site: &Site,
    (state, is_any): (&str, bool),
    answer: &str,
    now: i64,
) -> Result<PasskeyRow, PasskeyError> {
    let state = STANDARD.decode(state).map_err(refused)?;
    let (row, after) = if is_any {
        let server = DiscoverableAuthenticationServerState::decode(&state).map_err(refused)?;
        let answer = DiscoverableAuthentication64::from_json_relaxed(answer.as_bytes()).map_err(refused)?;
        let row = known(store, answer.raw_id()).await?;
        let handle = handle(&row.user_id)?;
        let mut credential = credential(&row, answer.raw_id(), &handle)?;
        let origins = [site.origin.as_str()];
        let done = server.verify(&site.id, &answer, &mut credential, &strictness(&origins));
        let after = credential.dynamic_state();
        (checked(row, done)?, after)
    } else {
        let server = NonDiscoverableAuthenticationServerState::decode(&state).map_err(refused)?;
        let answer = NonDiscoverableAuthentication64::from_json_relaxed(answer.as_bytes()).map_err(refused)?;
        let row = known(store, answer.raw_id()).await?;
        let handle = handle(&row.user_id)?;
        let mut credential = credential(&row, answer.raw_id(), &handle)?;
        let origins = [site.origin.as_str()];
        let done = server.verify(&site.id, &answer, &mut credential, &strictness(&origins));
        let after = credential.dynamic_state();
        (checked(row, done)?, after)
    };
    if store.use_passkey(&row, &encoded(after), is_synced(after), now).await? {
        Ok(row)
    } else {
        Err(refused("it was used elsewhere at the same moment"))
    }
}

async fn known(store: &Store, id: CredentialId<&[u8]>) -> Result<PasskeyRow, PasskeyError> {
    let id = URL_SAFE_NO_PAD.encode(id);
    store.passkey_by_credential(&id).await?.ok_or_else(|| refused("nobody here has it"))
}

/// The public key of a stored passkey, as its library reads it.
type PublicKey = webauthn_rp::response::register::CompressedPubKey<[u8; 32], [u8; 32], [u8; 48], Vec<u8>>;

fn credential<'a>(
    row: &PasskeyRow,
    id: CredentialId<&'a [u8]>,
    handle: &'a UserHandle<USER_HANDLE_MAX_LEN>,
) -> Result<AuthenticatedCredential<'a, 'a, USER_HANDLE_MAX_LEN, PublicKey>, PasskeyError> {
    let public = STANDARD.decode(&row.public_key).map_err(refused)?;
    let state = STANDARD.decode(&row.state).map_err(refused)?;
    let state = <[u8; 7]>::try_from(state).map_err(|_| refused("what is stored of it is damaged"))?;
    let public = StaticState::decode(&public).map_err(refused)?;
    let state = DynamicState::decode(state).map_err(refused)?;
    AuthenticatedCredential::new(id, handle, public, state).map_err(refused)
}

fn strictness<'a>(origins: &'a [&'a str]) -> AuthenticationVerificationOptions<'a, 'a, &'a str, &'a str> {
    AuthenticationVerificationOptions {
        allowed_origins: origins,
        error_on_unsolicited_extensions: false,
        ..AuthenticationVerificationOptions::default()
    }
}

/// The passkey, if what it signed holds.
fn checked(row: PasskeyRow, done: Result<bool, AuthCeremonyErr>) -> Result<PasskeyRow, PasskeyError> {
    match done {
        Ok(_) => Ok(row),
        // The signature was right: it is the key that is in two places.
        Err(AuthCeremonyErr::SignatureCounter) => Err(PasskeyError::Copied(Box::new(row))),
        Err(error) => Err(refused(error)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn passkeys_need_a_name_and_a_safe_way() {
        for (url, origin) in [
            ("https://patchbay.example", "https://patchbay.example"),
            ("https://patchbay.example:8443/base", "https://patchbay.example:8443"),
            ("http://localhost:3000", "http://localhost:3000"),
            ("http://lab.localhost:3000", "http://lab.localhost:3000"),
        ] {
            assert_eq!(Site::at(url).map(|site| site.origin).as_deref(), Some(origin), "{url}");
        }
        for url in ["http://patchbay.example", "http://127.0.0.1:3000", "https://[::1]", "https://10.0.0.1", "nothing"]
        {
            assert!(Site::at(url).is_none(), "{url}");
        }
    }
}
