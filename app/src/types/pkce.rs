//! Keys for apps, agreed to by a person (OAuth with PKCE).

use serde::{Deserialize, Serialize};

use super::Money;
use super::keys::LimitReset;

/// `POST /api/v1/auth/keys/code`.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
#[cfg_attr(feature = "ssr", derive(utoipa::ToSchema))]
pub struct CreateCode {
    /// `https`, or `http` on this machine.
    pub callback_url: String,
    pub code_challenge: Option<String>,
    /// `S256` (the default) or `plain`.
    pub code_challenge_method: Option<String>,
    pub key_label: Option<String>,
    /// RFC 3339: when the key ends.
    pub expires_at: Option<String>,
    pub limit: Option<Money>,
    pub usage_limit_type: Option<LimitReset>,
    /// The workspace of the key, by id or slug; the caller's own where none is named.
    pub workspace_id: Option<String>,
}

/// A code that waits for its app.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ssr", derive(utoipa::ToSchema))]
pub struct AuthCode {
    pub id: String,
    /// Always 0: apps are known by their origin.
    pub app_id: i64,
    pub created_at: String,
}

/// `POST /api/v1/auth/keys`.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "ssr", derive(utoipa::ToSchema))]
pub struct ExchangeCode {
    pub code: String,
    #[serde(default)]
    pub code_verifier: Option<String>,
    #[serde(default)]
    pub code_challenge_method: Option<String>,
}

/// The answer to [`ExchangeCode`]: the only time the key is shown.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ssr", derive(utoipa::ToSchema))]
pub struct AuthKey {
    pub key: String,
    pub user_id: Option<String>,
}
