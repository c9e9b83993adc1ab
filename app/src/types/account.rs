//! A person's own account.

use serde::{Deserialize, Serialize};

/// `GET /api/v1/account` (ours).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ssr", derive(utoipa::ToSchema))]
pub struct Profile {
    pub id: String,
    pub name: String,
    pub email: String,
    /// The address was shown to be theirs.
    pub is_verified: bool,
    /// RFC 3339.
    pub created_at: String,
    /// How numbers and days are written for them, such as `de`; empty leaves it to the browser.
    #[serde(default)]
    pub formats: String,
}

/// `GET /api/v1/account/notifications` (ours): which letters a person gets. Those about security, such as
/// a new password or a payment that failed, are always sent.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ssr", derive(utoipa::ToSchema))]
#[expect(clippy::struct_excessive_bools, reason = "one switch for each kind of letter")]
pub struct Notifications {
    pub receipts: bool,
    pub low_balance: bool,
    /// A key has used 80 or 100 per cent of its limit.
    pub key_limits: bool,
    pub announcements: bool,
}

/// `PATCH /api/v1/account/notifications` (ours): what is left out stays.
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "ssr", derive(utoipa::ToSchema))]
#[serde(default, deny_unknown_fields)]
pub struct UpdateNotifications {
    pub receipts: Option<bool>,
    pub low_balance: Option<bool>,
    pub key_limits: Option<bool>,
    pub announcements: Option<bool>,
}

/// `PATCH /api/v1/account`: what is left out stays.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
#[cfg_attr(feature = "ssr", derive(utoipa::ToSchema))]
pub struct UpdateProfile {
    pub name: Option<String>,
    /// How numbers and days are to be written, such as `de`; empty leaves it to the browser.
    pub formats: Option<String>,
}

/// `POST /api/v1/account/password`.
#[derive(Clone, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "ssr", derive(utoipa::ToSchema))]
pub struct NewPassword {
    pub current_password: String,
    pub new_password: String,
}

/// `POST /api/v1/account/password-reset`.
#[derive(Clone, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "ssr", derive(utoipa::ToSchema))]
pub struct Email {
    pub email: String,
}

/// `POST /api/v1/account/password-reset/finish`.
#[derive(Clone, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "ssr", derive(utoipa::ToSchema))]
pub struct PasswordReset {
    pub token: String,
    pub new_password: String,
}

/// `POST /api/v1/account/delete`.
#[derive(Clone, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "ssr", derive(utoipa::ToSchema))]
pub struct DeleteAccount {
    pub password: String,
}

/// One of `GET /api/v1/account/sessions`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ssr", derive(utoipa::ToSchema))]
pub struct OpenSession {
    /// Names the session, never opens it.
    pub id: String,
    /// RFC 3339.
    pub opened_at: String,
    pub expires_at: String,
    pub address: String,
    pub user_agent: String,
    /// The calling one.
    pub is_current: bool,
}

/// A sentence for the person.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ssr", derive(utoipa::ToSchema))]
pub struct Said {
    pub message: String,
}

/// `GET /api/v1/account/second-factor` (ours).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ssr", derive(utoipa::ToSchema))]
pub struct SecondFactor {
    /// Signing in asks for a code.
    pub is_on: bool,
    /// RFC 3339; since when.
    pub since: Option<String>,
    pub recovery_codes_left: i64,
    /// What was begun and waits for a first code.
    pub setup: Option<SecondFactorSetup>,
}

/// What an authenticator app needs. Shown until a first code is given, never afterwards.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ssr", derive(utoipa::ToSchema))]
pub struct SecondFactorSetup {
    /// Base32.
    pub secret: String,
    /// The same as an `otpauth://` address.
    pub uri: String,
    /// The address as a QR code: modules on a side, and its dark ones as the data of an SVG path.
    pub qr_size: i32,
    pub qr_path: String,
}

impl std::fmt::Debug for SecondFactorSetup {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("SecondFactorSetup")
    }
}

/// `POST /api/v1/account/second-factor/confirm` and `…/recovery-codes`.
#[derive(Clone, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "ssr", derive(utoipa::ToSchema))]
pub struct SecondFactorCode {
    /// Six digits of the app, or a recovery code.
    pub code: String,
}

/// `POST /api/v1/account/second-factor/off`.
#[derive(Clone, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "ssr", derive(utoipa::ToSchema))]
pub struct EndSecondFactor {
    pub password: String,
    /// Six digits of the app, or a recovery code.
    pub code: String,
}

/// Codes for the day the app is lost; each works once. Shown this once.
#[derive(Clone, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "ssr", derive(utoipa::ToSchema))]
pub struct RecoveryCodes {
    pub message: String,
    pub recovery_codes: Vec<String>,
}

/// One of `GET /api/v1/account/identities`: an account elsewhere that opens this one.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ssr", derive(utoipa::ToSchema))]
pub struct Identity {
    pub provider: String,
    pub name: String,
    /// As it was when it was linked.
    pub email: String,
    /// RFC 3339.
    pub since: String,
}

/// One of `GET /api/v1/account/passkeys`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ssr", derive(utoipa::ToSchema))]
pub struct Passkey {
    pub id: String,
    /// What its owner calls it.
    pub name: String,
    /// RFC 3339.
    pub created_at: String,
    /// `None` until it has opened something.
    pub last_used_at: Option<String>,
    /// A password manager keeps copies of it; else it is on one device only.
    pub is_synced: bool,
}

/// `POST /api/v1/account/passkeys/begin`: what `navigator.credentials.create()` takes, as JSON.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ssr", derive(utoipa::ToSchema))]
pub struct PasskeySetup {
    /// `PublicKeyCredentialCreationOptionsJSON` of Web Authentication.
    #[cfg_attr(feature = "ssr", schema(value_type = Object))]
    pub options: serde_json::Value,
}

/// `POST /api/v1/account/passkeys`.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "ssr", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct NewPasskey {
    /// What to call it.
    pub name: String,
    /// `RegistrationResponseJSON` of Web Authentication: what the browser made, as it says it.
    #[cfg_attr(feature = "ssr", schema(value_type = Object))]
    pub credential: serde_json::Value,
}

/// `PATCH /api/v1/account/passkeys/{id}`.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "ssr", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct RenamePasskey {
    pub name: String,
}
