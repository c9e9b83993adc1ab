//! Who is calling: an inference key, a management key, or a person's session.

use std::sync::Arc;

use app::types::roles::{self, Permission, Role};
use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::http::{HeaderMap, Method, Uri, header};
use tower_sessions::Session;

use super::address;
use crate::App;
use crate::accounts::keys::KeyRecord;
use crate::accounts::policy::Policy;
use crate::accounts::sessions::USER_ID;
use crate::error::{Error, Result};
use crate::gateway::Requester;
use crate::store::accounts::UserRow;

/// An authenticated caller.
#[derive(Clone, Debug)]
pub enum Caller {
    Key(Arc<KeyRecord>),
    Person { user: UserRow, membership: Box<Membership> },
}

/// Where a signed-in person acts, and as what.
#[derive(Clone, Debug)]
pub struct Membership {
    pub organization_id: String,
    pub organization_name: String,
    pub workspace_id: String,
    pub role: Role,
    pub policy: Arc<Policy>,
    /// When the password was last given, epoch ms.
    pub proved_at: i64,
}

/// How long a given password counts for what needs a fresh one.
pub const PROOF_LASTS_MS: i64 = 600_000;
/// Where in a session the chosen organization and workspace stand, and when the
/// password was last given.
pub const ORGANIZATION_ID: &str = "organization_id";
pub const WORKSPACE_ID: &str = "workspace_id";
pub const PROVED_AT: &str = "proved_at";

impl Caller {
    #[must_use]
    pub fn organization_id(&self) -> &str {
        match self {
            Self::Key(key) => &key.organization_id,
            Self::Person { membership, .. } => &membership.organization_id,
        }
    }

    #[must_use]
    pub fn workspace_id(&self) -> &str {
        match self {
            Self::Key(key) => &key.workspace_id,
            Self::Person { membership, .. } => &membership.workspace_id,
        }
    }

    #[must_use]
    pub fn user_id(&self) -> Option<&str> {
        match self {
            Self::Key(key) => key.creator_user_id.as_deref(),
            Self::Person { user, .. } => Some(&user.id),
        }
    }

    /// Who pays for an inference.
    ///
    /// # Errors
    /// 403 for a management key.
    pub fn requester(&self) -> Result<Requester> {
        let key = match self {
            Self::Key(key) if key.is_management => {
                return Err(Error::Forbidden(
                    "A management key cannot run inference; use an inference key.".to_owned(),
                ));
            }
            Self::Key(key) => Some(Arc::clone(key)),
            Self::Person { .. } => {
                self.check(Permission::UseModels)?;
                None
            }
        };
        Ok(Requester {
            policy: Arc::clone(self.policy()),
            organization_id: self.organization_id().to_owned(),
            workspace_id: self.workspace_id().to_owned(),
            key,
            user_id: self.user_id().map(str::to_owned),
        })
    }

    /// What the caller is in the organization: a management key has an admin's rights.
    #[must_use]
    pub fn role(&self) -> Option<Role> {
        match self {
            Self::Key(key) => key.is_management.then_some(Role::Admin),
            Self::Person { membership, .. } => Some(membership.role),
        }
    }

    /// What the caller is restricted to.
    #[must_use]
    pub fn policy(&self) -> &Arc<Policy> {
        match self {
            Self::Key(key) => &key.policy,
            Self::Person { membership, .. } => &membership.policy,
        }
    }

    #[must_use]
    pub fn may(&self, permission: Permission) -> bool {
        self.role().is_some_and(|role| role.may(permission))
    }

    /// Passes those to whom the table of roles grants this.
    ///
    /// # Errors
    /// 403 that names the roles, or for an inference key.
    pub fn check(&self, permission: Permission) -> Result<()> {
        let Some(role) = self.role() else {
            return Err(Error::Forbidden("This needs a management key; make one on the keys page.".to_owned()));
        };
        if role.may(permission) {
            return Ok(());
        }
        Err(Error::Forbidden(format!(
            "Your role `{}` in this organization may not {}; that takes one of: {}. Ask an admin or owner.",
            role.as_str(),
            roles::what(permission),
            roles::holders(permission)
        )))
    }

    /// Passes those who manage the organization: its owners and admins, and management keys.
    ///
    /// # Errors
    /// 403 for others.
    pub fn check_manages(&self) -> Result<()> {
        self.check(Permission::ManageAllKeys)
    }

    /// Passes people who gave their password within the last minutes, and keys.
    ///
    /// # Errors
    /// 403 that leads to the page where it is given.
    pub fn check_recent(&self, app: &App) -> Result<()> {
        match self {
            Self::Person { membership, .. } if membership.proved_at + PROOF_LASTS_MS < app.clock.now_ms() => {
                Err(Error::Unproved)
            }
            _ => Ok(()),
        }
    }

    /// Whose activity the caller may see: everybody's (`None`) or only his own.
    ///
    /// # Errors
    /// 403 for an inference key.
    pub fn activity_of(&self) -> Result<Option<&str>> {
        self.check(Permission::SeeOwnActivity)?;
        if self.may(Permission::SeeAllActivity) { Ok(None) } else { Ok(Some(self.user_id().unwrap_or_default())) }
    }
}

const MISSING: &str = "Missing or invalid API key. Send `Authorization: Bearer sk-or-v1-…`.";

impl FromRequestParts<Arc<App>> for Caller {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, app: &Arc<App>) -> Result<Self> {
        let in_query = key_in_query(&parts.uri);
        if let Some(text) = key_of(&parts.headers).or(in_query.as_deref()) {
            let key = app.keys.find(text).await?.ok_or(Error::Unauthenticated(MISSING))?;
            if key.is_disabled {
                return Err(Error::Unauthenticated("This API key is disabled. Enable it on the keys page."));
            }
            if key.is_suspended {
                return Err(Error::Unauthenticated(
                    "Whoever made this API key is suspended on this server. Use a key that somebody else made.",
                ));
            }
            if key.expires_at.is_some_and(|expiry| expiry <= app.clock.now_ms()) {
                return Err(Error::Unauthenticated("This API key has expired. Make a new one on the keys page."));
            }
            check_address(&key.policy, address::of(parts, app), "This API key")?;
            return Ok(Self::Key(key));
        }
        Box::pin(admitted(parts, app)).await?.ok_or(Error::Unauthenticated(MISSING))
    }
}

/// As [`person`], from where the organization may be used.
///
/// # Errors
/// 403 from elsewhere, or any database error.
pub async fn admitted(parts: &Parts, app: &Arc<App>) -> Result<Option<Caller>> {
    let Some(caller) = person(parts, app).await? else { return Ok(None) };
    check_address(caller.policy(), address::of(parts, app), "This organization")?;
    Ok(Some(caller))
}

fn check_address(policy: &Policy, address: Option<std::net::IpAddr>, who: &str) -> Result<()> {
    if policy.admits(address) {
        return Ok(());
    }
    let from = address.map_or_else(|| "an unknown address".to_owned(), |address| address.to_string());
    Err(Error::Forbidden(format!(
        "{who} may not be used from {from}: its allowed networks do not contain it. An admin can change them."
    )))
}

/// The signed-in person, if the request comes from our own pages. For what is the person's own: what is
/// an organization's needs [`admitted`].
///
/// # Errors
/// Any database error.
pub async fn person(parts: &Parts, app: &Arc<App>) -> Result<Option<Caller>> {
    if !is_own_site(&parts.headers, &parts.method) {
        return Ok(None);
    }
    let Some(session) = parts.extensions.get::<Session>() else { return Ok(None) };
    let user_id = session.get::<String>(USER_ID).await?;
    let Some(user_id) = user_id else { return Ok(None) };
    let Some(user) = app.store.user(&user_id).await? else { return Ok(None) };
    let chosen = async |name| session.get::<String>(name).await.ok().flatten().unwrap_or_default();
    let (organization_id, workspace_id) = (chosen(ORGANIZATION_ID).await, chosen(WORKSPACE_ID).await);
    let mut row = None;
    if !organization_id.is_empty() {
        row = app.store.membership(&user.id, &organization_id, &workspace_id).await?;
    }
    // Who was removed from the chosen organization finds himself in his own.
    let row = match row {
        Some(row) => Some(row),
        None => app.store.first_membership(&user.id).await?,
    };
    let Some(row) = row else { return Ok(None) };
    let rows = app.store.policy(&row.organization_id, &row.workspace_id, Some(&user.id)).await?;
    let membership = Box::new(Membership {
        policy: Arc::new(Policy::of(&row.organization_id, Some(&user.id), rows)),
        role: row.role.parse().unwrap_or_default(),
        organization_id: row.organization_id,
        organization_name: row.organization_name,
        workspace_id: row.workspace_id,
        proved_at: session.get::<i64>(PROVED_AT).await.ok().flatten().unwrap_or(0),
    });
    Ok(Some(Caller::Person { user, membership }))
}

/// The key in the headers, wherever clients of the dialects put it.
#[must_use]
pub fn key_of(headers: &HeaderMap) -> Option<&str> {
    let bearer = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
    let token = bearer.and_then(|value| {
        let (scheme, token) = value.split_once(' ')?;
        scheme.eq_ignore_ascii_case("bearer").then_some(token.trim())
    });
    let named = |name: &str| headers.get(name).and_then(|value| value.to_str().ok()).map(str::trim);
    token.or_else(|| named("x-api-key")).or_else(|| named("x-goog-api-key"))
}

/// `?key=`, which Google's clients send; nowhere else, because addresses end up in logs.
#[must_use]
pub fn key_in_query(uri: &Uri) -> Option<String> {
    let methods = [":generateContent", ":streamGenerateContent", ":countTokens"];
    let path = uri.path();
    let is_googles = path.starts_with("/api/v1beta/") || methods.iter().any(|method| path.ends_with(method));
    let mut pairs = url::form_urlencoded::parse(uri.query().filter(|_| is_googles)?.as_bytes());
    pairs.find(|(name, value)| name == "key" && !value.is_empty()).map(|(_, value)| value.into_owned())
}

/// Whether a cookie may be believed: the request was made by our own pages.
/// Fetch Metadata first, the origin where a client sends none (OWASP's order).
#[must_use]
pub fn is_own_site(headers: &HeaderMap, method: &Method) -> bool {
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    match text("sec-fetch-site") {
        Some("same-origin" | "none") => true,
        Some(_) => false,
        None => match text("origin") {
            Some(origin) => {
                let host = origin.split_once("://").map(|(_, host)| host);
                host.is_some() && host == text("host")
            }
            None => method.is_safe(),
        },
    }
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;

    fn headers(pairs: &[(&'static str, &'static str)]) -> HeaderMap {
        pairs.iter().map(|(name, value)| (name.parse().unwrap(), HeaderValue::from_static(value))).collect()
    }

    #[test]
    fn a_cookie_counts_only_on_requests_of_our_own_pages() {
        let post = Method::POST;
        assert!(is_own_site(&headers(&[("sec-fetch-site", "same-origin")]), &post));
        assert!(!is_own_site(
            &headers(&[("sec-fetch-site", "cross-site"), ("origin", "http://a"), ("host", "a")]),
            &post
        ));
        assert!(!is_own_site(&headers(&[("sec-fetch-site", "same-site")]), &post));
        assert!(is_own_site(&headers(&[("origin", "http://a:1"), ("host", "a:1")]), &post));
        assert!(!is_own_site(&headers(&[("origin", "http://b"), ("host", "a")]), &post));
        assert!(!is_own_site(&headers(&[("origin", "null"), ("host", "a")]), &post));
        assert!(!is_own_site(&headers(&[]), &post));
        assert!(is_own_site(&headers(&[]), &Method::GET));
    }

    #[test]
    fn keys_are_read_from_both_headers() {
        assert_eq!(key_of(&headers(&[("authorization", "bearer  abc ")])), Some("abc"));
        assert_eq!(key_of(&headers(&[("x-api-key", "abc")])), Some("abc"));
        assert_eq!(key_of(&headers(&[("x-goog-api-key", "abc")])), Some("abc"));
        assert_eq!(key_of(&headers(&[("authorization", "Basic abc")])), None);
        let uri = |text: &'static str| Uri::from_static(text);
        assert_eq!(key_in_query(&uri("/api/v1beta/models/m:generateContent?alt=sse&key=abc")).as_deref(), Some("abc"));
        assert_eq!(key_in_query(&uri("/api/v1/keys?key=abc")), None);
    }
}
