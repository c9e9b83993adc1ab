//! Who looks at the page, and what kind of site this is.

use serde::{Deserialize, Serialize};

use super::Money;
use super::admin::Announcement;
use super::organizations::Organization;
use super::roles::{Permission, Role};

/// `GET /api/v1/session` (ours), inside `data`. Never fails: a visitor has no `user`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ssr", derive(utoipa::ToSchema))]
#[expect(clippy::struct_excessive_bools, reason = "each says what a page shows, whatever the others say")]
pub struct Session {
    pub user: Option<User>,
    /// Providers are simulated and the traffic is seeded.
    pub is_demo: bool,
    /// Strangers may open an account.
    pub allows_sign_up: bool,
    /// People talk to models on the site.
    pub has_chat_room: bool,
    /// People compare two answers blindly.
    pub has_blind_votes: bool,
    /// Where this server is reached, without a slash at the end: `http://127.0.0.1:3000`.
    pub base_url: String,
    /// What came of the form sent last; told once.
    #[serde(default)]
    pub notice: Option<Notice>,
    /// What the operators tell everybody now.
    #[serde(default)]
    pub announcements: Vec<Announcement>,
    /// Where else people may have the account they sign in with.
    #[serde(default)]
    pub identity_providers: Vec<IdentityProvider>,
    /// This server is reached as browsers want it for passkeys.
    #[serde(default)]
    pub has_passkeys: bool,
    /// Who gave the password and owes a code may give a passkey instead.
    #[serde(default)]
    pub may_give_passkey: bool,
}

/// A provider of identities.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ssr", derive(utoipa::ToSchema))]
pub struct IdentityProvider {
    pub slug: String,
    /// For the button.
    pub name: String,
}

/// What came of a form.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ssr", derive(utoipa::ToSchema))]
pub struct Notice {
    pub is_problem: bool,
    pub text: String,
    /// Shown this once: a key, a link, codes.
    pub secrets: Vec<String>,
    /// What takes it back.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub undo: Option<Undo>,
}

/// A call that takes the last one back.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ssr", derive(utoipa::ToSchema))]
pub struct Undo {
    pub method: String,
    pub path: String,
    /// JSON of an object.
    pub body: String,
    /// The page to come back to.
    #[serde(default)]
    pub next: String,
}

/// The person signed in, with the organization that pays.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ssr", derive(utoipa::ToSchema))]
pub struct User {
    pub id: String,
    pub email: String,
    pub name: String,
    pub organization_id: String,
    pub organization_name: String,
    pub available: Money,
    #[serde(default)]
    pub role: Role,
    /// The workspace the session acts in.
    #[serde(default)]
    pub workspace_id: String,
    #[serde(default)]
    pub is_verified: bool,
    /// Runs this server.
    #[serde(default)]
    pub is_operator: bool,
    /// Where the person belongs, for the switch in the header.
    #[serde(default)]
    pub organizations: Vec<Organization>,
}

impl User {
    /// Whether the table of roles grants this in the current organization.
    #[must_use]
    pub fn may(&self, permission: Permission) -> bool {
        self.role.may(permission)
    }
}
