//! Settings of where else people may have the account they sign in with.

use std::fmt;

use serde::{Deserialize, Serialize};

/// How a provider of identities is asked.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum IdentityKind {
    /// OpenID Connect: everything is found at the issuer.
    #[default]
    Oidc,
    /// GitHub's OAuth, which has no ID tokens.
    Github,
}

/// One provider of identities.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct IdentitySettings {
    pub kind: IdentityKind,
    /// On the button; the slug when empty.
    pub name: String,
    /// As its ID tokens write it. For GitHub empty, or the address of a GitHub of one's own.
    pub issuer: String,
    pub client_id: String,
    pub client_secret: String,
}

impl fmt::Debug for IdentitySettings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("IdentitySettings")
            .field("kind", &self.kind)
            .field("name", &self.name)
            .field("issuer", &self.issuer)
            .field("client_id", &self.client_id)
            .field("client_secret", &if self.client_secret.is_empty() { "" } else { "set" })
            .finish()
    }
}
