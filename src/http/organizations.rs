//! Organizations: opening, switching, renaming and ending them.

use std::sync::Arc;

use app::types::Envelope;
use app::types::keys::Deleted;
use app::types::organizations::{CreateOrganization, Organization, SwitchOrganization, UpdateOrganization};
use app::types::roles::Permission;
use axum::extract::State;
use axum::http::StatusCode;
use axum::{Extension, Json};
use tower_sessions::Session;

use super::address::Origin;
use super::audit::{Deed, note};
use super::caller::{Caller, ORGANIZATION_ID, WORKSPACE_ID};
use super::input::Body;
use crate::App;
use crate::accounts::policy::{network, words};
use crate::accounts::{new_id, new_uuid};
use crate::error::{Error, Result};
use crate::store::organizations::OrganizationRow;

const ONLY_PEOPLE: &str = "This acts for a person: sign in on the site. A key belongs to one organization.";
/// Organizations one person may own.
const MOST_OWNED: usize = 50;

/// The signed-in person.
///
/// # Errors
/// 403 for a key.
pub fn user_of(caller: &Caller) -> Result<&crate::store::accounts::UserRow> {
    match caller {
        Caller::Person { user, .. } => Ok(user),
        Caller::Key(_) => Err(Error::Forbidden(ONLY_PEOPLE.to_owned())),
    }
}

/// What every list of organizations shows.
#[must_use]
pub fn shown(row: OrganizationRow, current: &str) -> Organization {
    Organization {
        is_current: row.id == current,
        role: row.role.parse().unwrap_or_default(),
        is_personal: row.is_personal != 0,
        allowed_networks: words(&row.allowed_networks),
        labels_prompts: row.labels_prompts != 0,
        id: row.id,
        name: row.name,
    }
}

/// `GET /api/v1/organizations` (ours): where the person belongs.
///
/// # Errors
/// 403 for a key.
pub async fn list_organizations(
    State(app): State<Arc<App>>,
    caller: Caller,
) -> Result<Json<Envelope<Vec<Organization>>>> {
    let rows = app.store.organizations_of(&user_of(&caller)?.id).await?;
    Ok(Json(Envelope { data: rows.into_iter().map(|row| shown(row, caller.organization_id())).collect() }))
}

/// `POST /api/v1/organizations` (ours): opens one and goes there.
///
/// # Errors
/// 400 naming the field, 403 for a key.
pub async fn create_organization(
    State(app): State<Arc<App>>,
    Extension(session): Extension<Session>,
    caller: Caller,
    origin: Origin,
    Body(wanted): Body<CreateOrganization>,
) -> Result<(StatusCode, Json<Envelope<Organization>>)> {
    let user = user_of(&caller)?;
    let name = checked_name(&wanted.name)?;
    if app.store.organizations_of(&user.id).await?.len() >= MOST_OWNED {
        let message = format!("You belong to {MOST_OWNED} organizations; leave one before you open another.");
        return Err(Error::bad_request("name", message));
    }
    let now = app.clock.now_ms();
    let id = new_id(now);
    app.store.create_organization(&id, &name, &new_uuid(now), &user.id, now).await?;
    choose(&session, &id, "").await?;
    let actor = ("user", user.id.as_str(), user.email.as_str());
    let deed = Deed { action: "organization.create", target: &id, detail: &name };
    super::audit::note_as(&app, &id, actor, &origin, deed).await?;
    let rows = app.store.organizations_of(&user.id).await?;
    let row = rows.into_iter().find(|row| row.id == id).ok_or_else(no_organization)?;
    Ok((StatusCode::CREATED, Json(Envelope { data: shown(row, &id) })))
}

/// `POST /api/v1/organizations/switch` (ours): the session acts there from now on.
///
/// # Errors
/// 404 for one the person does not belong to.
pub async fn switch_organization(
    State(app): State<Arc<App>>,
    Extension(session): Extension<Session>,
    caller: Caller,
    Body(wanted): Body<SwitchOrganization>,
) -> Result<Json<Envelope<Organization>>> {
    let user = user_of(&caller)?;
    let rows = app.store.organizations_of(&user.id).await?;
    let row = rows.into_iter().find(|row| row.id == wanted.organization_id).ok_or_else(no_organization)?;
    let workspace_id = wanted.workspace_id.unwrap_or_default();
    if !workspace_id.is_empty() {
        let place = app.store.membership(&user.id, &row.id, &workspace_id).await?;
        place.filter(|place| place.workspace_id == workspace_id).ok_or_else(no_organization)?;
    }
    choose(&session, &row.id, &workspace_id).await?;
    let id = row.id.clone();
    Ok(Json(Envelope { data: shown(row, &id) }))
}

/// Lets the session act in an organization.
///
/// # Errors
/// When the session cannot be stored.
pub async fn choose(session: &Session, organization_id: &str, workspace_id: &str) -> Result<()> {
    session.insert(ORGANIZATION_ID, organization_id).await?;
    Ok(session.insert(WORKSPACE_ID, workspace_id).await?)
}

/// `GET /api/v1/organization` (ours): the caller's.
///
/// # Errors
/// 403 for an inference key.
pub async fn show_organization(State(app): State<Arc<App>>, caller: Caller) -> Result<Json<Envelope<Organization>>> {
    caller.check(Permission::SeeMembers)?;
    Ok(Json(Envelope { data: own(&app, &caller).await? }))
}

async fn own(app: &App, caller: &Caller) -> Result<Organization> {
    let id = caller.organization_id();
    let (name, is_personal, networks) = app.store.organization(id).await?.ok_or_else(no_organization)?;
    Ok(Organization {
        id: id.to_owned(),
        name,
        role: caller.role().unwrap_or_default(),
        is_personal: is_personal != 0,
        is_current: true,
        allowed_networks: words(&networks),
        labels_prompts: app.store.labels_prompts(id).await?,
    })
}

/// `PATCH /api/v1/organization` (ours).
///
/// # Errors
/// 400 naming the field, 403 without the right.
pub async fn update_organization(
    State(app): State<Arc<App>>,
    caller: Caller,
    origin: Origin,
    Body(change): Body<UpdateOrganization>,
) -> Result<Json<Envelope<Organization>>> {
    caller.check(Permission::ManageOrganization)?;
    caller.check_recent(&app)?;
    let mut organization = own(&app, &caller).await?;
    let mut done = Vec::new();
    if let Some(name) = change.name {
        organization.name = checked_name(&name)?;
        done.push(format!("name {}", organization.name));
    }
    if let Some(list) = change.allowed_networks {
        organization.allowed_networks = checked_networks(&list)?;
        let has_caller = |address| {
            let mut networks = organization.allowed_networks.iter().filter_map(|text| network(text).ok());
            networks.any(|network| network.contains(&address))
        };
        if !organization.allowed_networks.is_empty() && !origin.address.is_some_and(has_caller) {
            let message = format!(
                "allowed_networks must contain the address you come from now ({}), or you would lock yourself out",
                origin.address()
            );
            return Err(Error::bad_request("allowed_networks", message));
        }
        done.push(format!("networks {}", organization.allowed_networks.join(" ")));
    }
    if let Some(labels) = change.labels_prompts {
        organization.labels_prompts = labels;
        done.push(format!("labels of requests {}", if labels { "on" } else { "off" }));
    }
    let networks = organization.allowed_networks.join(" ");
    let labels = organization.labels_prompts;
    app.store.update_organization(&organization.id, &organization.name, &networks, labels).await?;
    app.keys.forget_organization(&organization.id, app.clock.now_ms()).await?;
    let deed = Deed { action: "organization.update", target: &organization.id, detail: &done.join(", ") };
    note(&app, &caller, &origin, deed).await?;
    Ok(Json(Envelope { data: organization }))
}

/// `DELETE /api/v1/organization` (ours): its keys stop at once.
///
/// # Errors
/// 400 for a personal one, 403 for anybody but an owner.
pub async fn delete_organization(State(app): State<Arc<App>>, caller: Caller, origin: Origin) -> Result<Json<Deleted>> {
    caller.check(Permission::ManageOwners)?;
    caller.check_recent(&app)?;
    let organization = own(&app, &caller).await?;
    if organization.is_personal {
        return Err(Error::bad_request("", "A personal organization ends with its account: delete that instead."));
    }
    let deed = Deed { action: "organization.delete", target: &organization.id, detail: &organization.name };
    note(&app, &caller, &origin, deed).await?;
    let now = app.clock.now_ms();
    app.store.delete_organization(&organization.id, now).await?;
    app.keys.forget_organization(&organization.id, now).await?;
    Ok(Json(Deleted { deleted: true }))
}

fn no_organization() -> Error {
    Error::not_found("You belong to no organization with this id. GET /api/v1/organizations lists yours.")
}

/// A name people read.
///
/// # Errors
/// 400 when it is empty or too long.
pub fn checked_name(name: &str) -> Result<String> {
    let name: String = name.trim().chars().filter(|c| !c.is_control()).collect();
    if name.is_empty() || name.chars().count() > 100 {
        return Err(Error::bad_request("name", "name must have 1 to 100 characters"));
    }
    Ok(name)
}

/// Networks in CIDR, each once.
///
/// # Errors
/// 400 naming the first that is none.
pub fn checked_networks(list: &[String]) -> Result<Vec<String>> {
    let texts = list.iter().flat_map(|text| text.split([',', ' ', '\n', '\r', '\t'])).filter(|text| !text.is_empty());
    let mut networks = Vec::new();
    for text in texts {
        let network = network(text).map_err(|text| {
            let message = format!("`{text}` is no address and no network; write 203.0.113.7 or 10.0.0.0/8");
            Error::bad_request("allowed_networks", message)
        })?;
        networks.push(network.to_string());
    }
    networks.sort();
    networks.dedup();
    if networks.len() > 100 {
        return Err(Error::bad_request("allowed_networks", "allowed_networks may have at most 100 entries"));
    }
    Ok(networks)
}
