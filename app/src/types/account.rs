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
}

/// `PATCH /api/v1/account`.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "ssr", derive(utoipa::ToSchema))]
pub struct UpdateProfile {
    pub name: String,
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
