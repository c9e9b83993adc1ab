//! The people of an organization: list, role, limit, removal, and invitations.

use std::sync::Arc;

use app::types::Money;
use app::types::keys::Deleted;
use app::types::organizations::{
    Counted, CreateInvitation, CreatedInvitation, Invitation, InvitationView, LinkToken, OrganizationMember,
    UpdateMember,
};
use app::types::roles::{Permission, Role};
use app::types::{Envelope, organizations::Organization};
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::{Extension, Json};
use serde::Deserialize;
use tower_sessions::Session;

use super::address::Origin;
use super::audit::{Deed, note, note_as};
use super::caller::Caller;
use super::input::{Body, Query};
use super::organizations::{choose, shown as shown_organization, user_of};
use crate::App;
use crate::accounts::policy::member_counter;
use crate::accounts::users::normal_email;
use crate::accounts::{keys, new_id, new_secret};
use crate::clock::{MS_PER_DAY, rfc3339};
use crate::error::{Error, Result};
use crate::store::letters::Letter;
use crate::store::organizations::{InvitationRow, MemberRow};

/// How long a link of an invitation works.
const INVITATION_LASTS_MS: i64 = 7 * MS_PER_DAY;
/// Invitations that may wait at once.
const MOST_INVITED: usize = 200;

/// A page of a list.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct PageQuery {
    pub offset: Option<i64>,
    pub limit: Option<i64>,
}

impl PageQuery {
    /// The part of a list that was asked for, and how long the list is.
    ///
    /// # Errors
    /// 400 naming the field.
    pub fn cut<T>(&self, all: Vec<T>) -> Result<Counted<T>> {
        let (offset, limit) = (self.offset.unwrap_or(0), self.limit.unwrap_or(50));
        let offset = usize::try_from(offset).map_err(|_| Error::bad_request("offset", "offset must be 0 or more"))?;
        let limit = usize::try_from(limit).ok().filter(|limit| (1..=100).contains(limit));
        let limit = limit.ok_or_else(|| Error::bad_request("limit", "limit must be 1 to 100"))?;
        let total_count = i64::try_from(all.len()).unwrap_or(i64::MAX);
        Ok(Counted { data: all.into_iter().skip(offset).take(limit).collect(), total_count })
    }
}

/// `GET /api/v1/organization/members`
///
/// # Errors
/// 400 naming the field, 403 for an inference key.
pub async fn list_members(
    State(app): State<Arc<App>>,
    caller: Caller,
    Query(query): Query<PageQuery>,
) -> Result<Json<Counted<OrganizationMember>>> {
    caller.check(Permission::SeeMembers)?;
    let page = query.cut(app.store.members(caller.organization_id()).await?)?;
    let mut data = Vec::with_capacity(page.data.len());
    for row in page.data {
        data.push(shown(&app, caller.organization_id(), row).await?);
    }
    Ok(Json(Counted { data, total_count: page.total_count }))
}

async fn shown(app: &App, organization_id: &str, row: MemberRow) -> Result<OrganizationMember> {
    let role: Role = row.role.parse().unwrap_or_default();
    let usage = app.ledger.key_usage(&member_counter(organization_id, &row.user_id)).await?;
    let (first, last) = match row.name.split_once(' ') {
        Some((first, last)) => (first.to_owned(), Some(last.to_owned())),
        None => (row.name, None),
    };
    let is_admin = matches!(role, Role::Owner | Role::Admin);
    Ok(OrganizationMember {
        id: row.user_id,
        first_name: Some(first),
        last_name: last,
        email: row.email,
        role: if is_admin { "org:admin" } else { "org:member" }.to_owned(),
        organization_role: role,
        monthly_limit: row.monthly_limit_nanos.map(Money),
        usage_monthly: usage.monthly.credit,
        joined_at: rfc3339(row.created_at),
    })
}

async fn member(app: &App, caller: &Caller, user_id: &str) -> Result<MemberRow> {
    let rows = app.store.members(caller.organization_id()).await?;
    rows.into_iter()
        .find(|row| row.user_id == user_id)
        .ok_or_else(|| Error::not_found("No member has this id. GET /api/v1/organization/members lists them."))
}

/// `PATCH /api/v1/organization/members/{id}` (ours): role and monthly limit.
///
/// # Errors
/// 400 for the last owner, 403 without the right, 404 for a stranger.
pub async fn update_member(
    State(app): State<Arc<App>>,
    caller: Caller,
    origin: Origin,
    Path(user_id): Path<String>,
    Body(change): Body<UpdateMember>,
) -> Result<Json<Envelope<OrganizationMember>>> {
    caller.check(Permission::ManageMembers)?;
    caller.check_recent(&app)?;
    let mut row = member(&app, &caller, &user_id).await?;
    let mut done = Vec::new();
    if let Some(role) = change.role {
        if role == Role::Owner || row.role == Role::Owner.as_str() {
            caller.check(Permission::ManageOwners)?;
        }
        done.push(format!("role {} to {}", row.role, role.as_str()));
        role.as_str().clone_into(&mut row.role);
    }
    if let Some(limit) = change.monthly_limit {
        if limit.is_some_and(|limit| limit.0 < 0) {
            let message = "monthly_limit must be 0 or more US dollars, or null for none";
            return Err(Error::bad_request("monthly_limit", message));
        }
        row.monthly_limit_nanos = limit.map(|limit| limit.0);
        done.push(limit.map_or_else(|| "no limit".to_owned(), |limit| format!("limit {} a month", limit.dollars())));
    }
    let id = caller.organization_id();
    if !app.store.update_member(id, &user_id, &row.role, row.monthly_limit_nanos).await? {
        return Err(last_owner());
    }
    app.keys.forget_organization(id, app.clock.now_ms()).await?;
    let detail = format!("{}: {}", row.email, done.join(", "));
    note(&app, &caller, &origin, Deed { action: "member.update", target: &user_id, detail: &detail }).await?;
    Ok(Json(Envelope { data: shown(&app, id, row).await? }))
}

/// `DELETE /api/v1/organization/members/{id}` (ours): removes a member, or leaves. The
/// keys he made are switched off.
///
/// # Errors
/// 400 for the last owner, 403 without the right, 404 for a stranger.
pub async fn remove_member(
    State(app): State<Arc<App>>,
    caller: Caller,
    origin: Origin,
    Path(user_id): Path<String>,
) -> Result<Json<Deleted>> {
    let is_self = matches!(&caller, Caller::Person { user, .. } if user.id == user_id);
    if !is_self {
        caller.check(Permission::ManageMembers)?;
        caller.check_recent(&app)?;
    }
    let row = member(&app, &caller, &user_id).await?;
    if row.role == Role::Owner.as_str() {
        caller.check(Permission::ManageOwners)?;
    }
    let (id, now) = (caller.organization_id(), app.clock.now_ms());
    if !app.store.remove_member(id, &user_id, now).await? {
        return Err(last_owner());
    }
    app.keys.forget_organization(id, now).await?;
    let action = if is_self { "member.leave" } else { "member.remove" };
    note(&app, &caller, &origin, Deed { action, target: &user_id, detail: &row.email }).await?;
    Ok(Json(Deleted { deleted: true }))
}

fn last_owner() -> Error {
    Error::bad_request("role", "An organization needs an owner: make somebody else owner first.")
}

/// `GET /api/v1/organization/invitations` (ours): those without an answer.
///
/// # Errors
/// 403 without the right.
pub async fn list_invitations(State(app): State<Arc<App>>, caller: Caller) -> Result<Json<Envelope<Vec<Invitation>>>> {
    caller.check(Permission::ManageMembers)?;
    let rows = app.store.invitations(caller.organization_id(), app.clock.now_ms()).await?;
    Ok(Json(Envelope { data: rows.iter().map(shown_invitation).collect() }))
}

fn shown_invitation(row: &InvitationRow) -> Invitation {
    Invitation {
        id: row.id.clone(),
        email: row.email.clone(),
        role: row.role.parse().unwrap_or_default(),
        created_at: rfc3339(row.created_at),
        expires_at: rfc3339(row.expires_at),
    }
}

/// `POST /api/v1/organization/invitations` (ours): sends a link, and shows it once.
///
/// # Errors
/// 400 naming the field, 403 without the right.
pub async fn create_invitation(
    State(app): State<Arc<App>>,
    caller: Caller,
    origin: Origin,
    Body(wanted): Body<CreateInvitation>,
) -> Result<(StatusCode, Json<CreatedInvitation>)> {
    caller.check(Permission::ManageMembers)?;
    caller.check_recent(&app)?;
    if wanted.role == Role::Owner {
        caller.check(Permission::ManageOwners)?;
    }
    let id = caller.organization_id();
    let (name, is_personal, _) =
        app.store.organization(id).await?.ok_or_else(|| Error::not_found("This organization is gone."))?;
    if is_personal != 0 {
        let message = "A personal organization has one member. Open an organization to work with others.";
        return Err(Error::bad_request("email", message));
    }
    let email = normal_email(&wanted.email)
        .ok_or_else(|| Error::bad_request("email", "email must be an address such as ann@example.org"))?;
    if app.store.members(id).await?.iter().any(|row| row.email == email) {
        return Err(Error::bad_request("email", format!("{email} is a member already")));
    }
    let now = app.clock.now_ms();
    let waiting = app.store.invitations(id, now).await?;
    if waiting.len() >= MOST_INVITED {
        return Err(Error::bad_request("email", format!("{MOST_INVITED} invitations wait already; withdraw some")));
    }
    // A second invitation replaces the first, whose link may be lost.
    for old in waiting.iter().filter(|old| old.email == email) {
        app.store.revoke_invitation(id, &old.id, now).await?;
    }
    let (secret, token_hash) = new_secret();
    let row = InvitationRow {
        id: new_id(now),
        organization_id: id.to_owned(),
        email,
        role: wanted.role.as_str().to_owned(),
        token_hash,
        invited_by: caller.user_id().unwrap_or_default().to_owned(),
        created_at: now,
        expires_at: now + INVITATION_LASTS_MS,
    };
    app.store.insert_invitation(&row).await?;
    let link = format!("{}/invitation?token={secret}", app.config.public_url());
    app.mail.post(&letter(&row, &name, &link)).await?;
    let detail = format!("{} as {}", row.email, row.role);
    note(&app, &caller, &origin, Deed { action: "member.invite", target: &row.id, detail: &detail }).await?;
    let answer = CreatedInvitation { data: shown_invitation(&row), link, is_mailed: app.mail.is_sent() };
    Ok((StatusCode::CREATED, Json(answer)))
}

fn letter(row: &InvitationRow, organization: &str, link: &str) -> Letter {
    Letter {
        to: row.email.clone(),
        subject: format!("You are invited to {organization}"),
        text: format!(
            "You are invited to join the organization {organization} as {}.\n\nOpen this link within seven days to \
             accept:\n\n{link}\n\nIf you do not know what this is about, ignore this letter.\n",
            row.role
        ),
    }
}

/// `DELETE /api/v1/organization/invitations/{id}` (ours): the link stops working.
///
/// # Errors
/// 403 without the right, 404 for one of nobody or of another organization.
pub async fn revoke_invitation(
    State(app): State<Arc<App>>,
    caller: Caller,
    origin: Origin,
    Path(id): Path<String>,
) -> Result<Json<Deleted>> {
    caller.check(Permission::ManageMembers)?;
    caller.check_recent(&app)?;
    if !app.store.revoke_invitation(caller.organization_id(), &id, app.clock.now_ms()).await? {
        return Err(Error::not_found("No invitation of yours waits under this id."));
    }
    note(&app, &caller, &origin, Deed { action: "member.uninvite", target: &id, detail: "" }).await?;
    Ok(Json(Deleted { deleted: true }))
}

/// `POST /api/v1/invitations/show` (ours): what the holder of a link is invited to.
///
/// # Errors
/// 404 when the link is wrong, used, withdrawn or too old.
pub async fn show_invitation(
    State(app): State<Arc<App>>,
    Body(link): Body<LinkToken>,
) -> Result<Json<Envelope<InvitationView>>> {
    let row = open_invitation(&app, &link.token).await?;
    let organization = app.store.organization(&row.organization_id).await?.ok_or_else(no_invitation)?;
    let data = InvitationView {
        organization_name: organization.0,
        has_account: app.store.user_by_email(&row.email).await?.is_some(),
        role: row.role.parse().unwrap_or_default(),
        email: row.email,
    };
    Ok(Json(Envelope { data }))
}

/// The invitation behind a link's secret.
///
/// # Errors
/// 404 when there is no open one.
pub async fn open_invitation(app: &App, token: &str) -> Result<InvitationRow> {
    let row = app.store.invitation_by_hash(&keys::hash(token), app.clock.now_ms()).await?;
    row.ok_or_else(no_invitation)
}

fn no_invitation() -> Error {
    Error::not_found("This invitation is used, withdrawn or older than seven days. Ask for a new one.")
}

/// `POST /api/v1/invitations/accept` (ours): the signed-in person joins and goes there.
///
/// # Errors
/// 403 for another address than the invited one, 404 for a link that does not work.
pub async fn accept_invitation(
    State(app): State<Arc<App>>,
    Extension(session): Extension<Session>,
    caller: Caller,
    origin: Origin,
    Body(link): Body<LinkToken>,
) -> Result<Json<Envelope<Organization>>> {
    let user = user_of(&caller)?;
    let row = open_invitation(&app, &link.token).await?;
    if user.email != row.email {
        return Err(Error::Forbidden(format!(
            "This invitation is for {}; you are signed in as {}. Sign in with that address.",
            row.email, user.email
        )));
    }
    if !app.store.accept_invitation(&row, &user.id, app.clock.now_ms()).await? {
        return Err(no_invitation());
    }
    choose(&session, &row.organization_id, "").await?;
    let actor = ("user", user.id.as_str(), user.email.as_str());
    let deed = Deed { action: "member.join", target: &user.id, detail: &row.role };
    note_as(&app, &row.organization_id, actor, &origin, deed).await?;
    let rows = app.store.organizations_of(&user.id).await?;
    let joined = rows.into_iter().find(|one| one.id == row.organization_id).ok_or_else(no_invitation)?;
    Ok(Json(Envelope { data: shown_organization(joined, &row.organization_id) }))
}
