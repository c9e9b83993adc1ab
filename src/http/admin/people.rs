//! People, organizations and their credit, for operators.

use std::sync::Arc;

use app::types::account::Said;
use app::types::admin::{
    AdminMember, AdminOrganization, AdminOrganizationDetail, AdminPurchase, AdminUser, GiveCredit, Reason,
};
use app::types::error::ErrorBody;
use app::types::{Envelope, Money};
use axum::Json;
use axum::extract::{Path, State};

use super::{ListQuery, Operator, PAGE};
use crate::App;
use crate::accounts::new_id;
use crate::billing::ledger::{TransferOutcome, credit_account};
use crate::billing::refund;
use crate::clock::rfc3339;
use crate::error::{Error, Result};
use crate::http::audit::Deed;
use crate::http::input::{Body, Query};
use crate::store::operators::{HouseRow, PersonRow};

/// The most credit one call can give: more is a typing error.
const MOST: Money = Money::from_dollars(1_000_000);

fn said(message: String) -> Json<Envelope<Said>> {
    Json(Envelope { data: Said { message } })
}

/// Lists users by a part of their address or name, newest first, at most 50 from `offset`.
#[utoipa::path(get, path = "/admin/users", tag = "operators",
    params(("query" = Option<String>, Query), ("offset" = Option<i64>, Query)),
    responses((status = 200, body = Envelope<Vec<AdminUser>>), (status = 400, body = ErrorBody), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody)))]
pub async fn list_users(
    State(app): State<Arc<App>>,
    _: Operator,
    Query(query): Query<ListQuery>,
) -> Result<Json<Envelope<Vec<AdminUser>>>> {
    let query = query.checked()?;
    let rows = app.store.find_users(&query.query, PAGE, query.offset).await?;
    Ok(Json(Envelope { data: rows.into_iter().map(user).collect() }))
}

fn user(row: PersonRow) -> AdminUser {
    AdminUser {
        id: row.id,
        email: row.email,
        name: row.name,
        created_at: rfc3339(row.created_at),
        is_verified: row.verified_at.is_some(),
        has_second_factor: row.has_second_factor > 0,
        is_operator: row.is_operator == 1,
        suspended_at: row.suspended_at.map(rfc3339),
        organizations: row.organizations,
    }
}

/// Signs somebody out and lets him in no more; the keys he made stop. Other people's keys
/// and the credit of his organizations are another matter: freeze those.
#[utoipa::path(post, path = "/admin/users/{id}/suspend", tag = "operators", params(("id" = String, Path)),
    request_body = Reason,
    responses((status = 200, body = Envelope<Said>), (status = 400, body = ErrorBody), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody), (status = 404, body = ErrorBody)))]
pub async fn suspend_user(
    State(app): State<Arc<App>>,
    operator: Operator,
    Path(id): Path<String>,
    Body(why): Body<Reason>,
) -> Result<Json<Envelope<Said>>> {
    operator.check_recent(&app)?;
    if id == operator.user.id {
        return Err(Error::bad_request("id", "Nobody can suspend himself: ask another operator."));
    }
    set_suspended(&app, &operator, &id, Some(app.clock.now_ms()), &why.reason).await
}

/// Lets somebody in again.
#[utoipa::path(post, path = "/admin/users/{id}/restore", tag = "operators", params(("id" = String, Path)),
    request_body = Reason,
    responses((status = 200, body = Envelope<Said>), (status = 400, body = ErrorBody), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody), (status = 404, body = ErrorBody)))]
pub async fn restore_user(
    State(app): State<Arc<App>>,
    operator: Operator,
    Path(id): Path<String>,
    Body(why): Body<Reason>,
) -> Result<Json<Envelope<Said>>> {
    operator.check_recent(&app)?;
    set_suspended(&app, &operator, &id, None, &why.reason).await
}

async fn set_suspended(
    app: &App,
    operator: &Operator,
    id: &str,
    at: Option<i64>,
    reason: &str,
) -> Result<Json<Envelope<Said>>> {
    if !app.store.set_suspended(id, at).await? {
        return Err(Error::not_found("No user has this id."));
    }
    app.keys.forget_maker(id, app.clock.now_ms()).await?;
    let (action, message) = if at.is_some() {
        ("user.suspend", "The account is suspended: every session is signed out, and the keys it made stop.")
    } else {
        ("user.restore", "The account works again, and so do the keys it made.")
    };
    operator.note(app, Deed { action, target: id, detail: &short(reason) }).await?;
    Ok(said(message.to_owned()))
}

/// A reason as the log keeps it.
fn short(reason: &str) -> String {
    reason.trim().chars().filter(|sign| !sign.is_control()).take(300).collect()
}

/// Lists organizations by a part of their name or a member's address, newest first, at most
/// 50 from `offset`.
#[utoipa::path(get, path = "/admin/organizations", tag = "operators",
    params(("query" = Option<String>, Query), ("offset" = Option<i64>, Query)),
    responses((status = 200, body = Envelope<Vec<AdminOrganization>>), (status = 400, body = ErrorBody), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody)))]
pub async fn list_admin_organizations(
    State(app): State<Arc<App>>,
    _: Operator,
    Query(query): Query<ListQuery>,
) -> Result<Json<Envelope<Vec<AdminOrganization>>>> {
    let query = query.checked()?;
    let rows = app.store.find_organizations(&query.query, PAGE, query.offset).await?;
    Ok(Json(Envelope { data: rows.into_iter().map(house).collect() }))
}

fn house(row: HouseRow) -> AdminOrganization {
    AdminOrganization {
        id: row.id,
        name: row.name,
        is_personal: row.is_personal == 1,
        created_at: rfc3339(row.created_at),
        members: row.members,
        left: Money(row.left_nanos),
        is_frozen: row.is_frozen == 1,
    }
}

async fn organization(app: &App, id: &str) -> Result<HouseRow> {
    let found = app.store.find_organizations(id, PAGE, 0).await?.into_iter().find(|row| row.id == id);
    found.ok_or_else(|| Error::not_found("No organization has this id."))
}

/// Shows an organization with its members, its credit and its purchases.
#[utoipa::path(get, path = "/admin/organizations/{id}", tag = "operators", params(("id" = String, Path)),
    responses((status = 200, body = Envelope<AdminOrganizationDetail>), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody), (status = 404, body = ErrorBody)))]
pub async fn show_admin_organization(
    State(app): State<Arc<App>>,
    _: Operator,
    Path(id): Path<String>,
) -> Result<Json<Envelope<AdminOrganizationDetail>>> {
    let mut organization = house(organization(&app, &id).await?);
    let balance = app.ledger.balance(&credit_account(&id)).await?;
    organization.left = balance.available;
    organization.is_frozen = balance.is_frozen;
    let members = app.store.members(&id).await?;
    let members =
        members.into_iter().map(|row| AdminMember { user_id: row.user_id, email: row.email, role: row.role }).collect();
    let mut purchases = Vec::new();
    for row in app.store.purchases_of(&id, PAGE).await? {
        purchases.push(AdminPurchase {
            refundable: refund::refundable_at_any_age(&app, &row).await?,
            id: row.id,
            created_at: rfc3339(row.created_at),
            method: row.method,
            state: row.state,
            credit: Money(row.credit_nanos),
            fee: Money(row.fee_nanos),
            refunded: Money(row.refunded_nanos),
        });
    }
    let request_id = new_id(app.clock.now_ms());
    let promotional = balance.promotional;
    Ok(Json(Envelope { data: AdminOrganizationDetail { organization, promotional, members, purchases, request_id } }))
}

/// Refuses every request of an organization.
#[utoipa::path(post, path = "/admin/organizations/{id}/freeze", tag = "operators", params(("id" = String, Path)),
    request_body = Reason,
    responses((status = 200, body = Envelope<Said>), (status = 400, body = ErrorBody), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody), (status = 404, body = ErrorBody)))]
pub async fn freeze_organization(
    State(app): State<Arc<App>>,
    operator: Operator,
    Path(id): Path<String>,
    Body(why): Body<Reason>,
) -> Result<Json<Envelope<Said>>> {
    set_frozen(&app, &operator, &id, true, &why.reason).await
}

/// Lets a frozen organization go on.
#[utoipa::path(post, path = "/admin/organizations/{id}/thaw", tag = "operators", params(("id" = String, Path)),
    request_body = Reason,
    responses((status = 200, body = Envelope<Said>), (status = 400, body = ErrorBody), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody), (status = 404, body = ErrorBody)))]
pub async fn thaw_organization(
    State(app): State<Arc<App>>,
    operator: Operator,
    Path(id): Path<String>,
    Body(why): Body<Reason>,
) -> Result<Json<Envelope<Said>>> {
    set_frozen(&app, &operator, &id, false, &why.reason).await
}

async fn set_frozen(
    app: &App,
    operator: &Operator,
    id: &str,
    is_frozen: bool,
    reason: &str,
) -> Result<Json<Envelope<Said>>> {
    operator.check_recent(app)?;
    let organization = organization(app, id).await?;
    app.store.set_frozen(id, is_frozen.then(|| app.clock.now_ms())).await?;
    app.ledger.freeze(id, is_frozen).await.ok_or(Error::Busy { retry_after_s: 5 })?;
    let (action, what) = if is_frozen {
        ("organization.freeze", "Every request of this organization is refused from now on.")
    } else {
        ("organization.thaw", "This organization may go on.")
    };
    operator.note_in(app, id, Deed { action, target: &organization.name, detail: &short(reason) }).await?;
    Ok(said(what.to_owned()))
}

/// Gives an organization credit, as a gift or for an invoice that was paid.
#[utoipa::path(post, path = "/admin/organizations/{id}/credit", tag = "operators", params(("id" = String, Path)),
    request_body = GiveCredit,
    responses((status = 200, body = Envelope<Said>), (status = 400, body = ErrorBody), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody), (status = 404, body = ErrorBody)))]
pub async fn give_credit(
    State(app): State<Arc<App>>,
    operator: Operator,
    Path(id): Path<String>,
    Body(wanted): Body<GiveCredit>,
) -> Result<Json<Envelope<Said>>> {
    operator.check_recent(&app)?;
    let organization = organization(&app, &id).await?;
    if wanted.amount <= Money::ZERO || wanted.amount > MOST {
        return Err(Error::bad_request("amount", format!("amount must be more than 0 and at most {}", MOST.dollars())));
    }
    let reason = short(&wanted.reason);
    if reason.is_empty() {
        return Err(Error::bad_request("reason", "reason must say what the credit is for: it goes into the books"));
    }
    let given = wanted.request_id.as_deref().map(str::trim).filter(|text| !text.is_empty());
    let is_plain =
        |text: &str| text.len() <= 64 && text.bytes().all(|sign| sign.is_ascii_alphanumeric() || sign == b'-');
    if given.is_some_and(|text| !is_plain(text)) {
        return Err(Error::bad_request("request_id", "request_id must have at most 64 letters, digits and dashes"));
    }
    // Bound to the organization: an id used for one gives nothing to another.
    let request = given.map_or_else(|| new_id(app.clock.now_ms()), |text| format!("{id}:{text}"));
    let (outcome, action) = if wanted.is_invoice {
        (app.ledger.invoice(&request, &id, wanted.amount, &reason).await, "credit.invoice")
    } else {
        (app.ledger.grant(&request, &id, wanted.amount, &reason).await, "credit.grant")
    };
    match outcome {
        Some(TransferOutcome::Created) => {}
        Some(TransferOutcome::Exists) => {
            return Ok(said("This credit was given before; nothing was booked twice.".to_owned()));
        }
        Some(_) => {
            let message = "request_id was used for another amount or reason before: load the page again";
            return Err(Error::bad_request("request_id", message));
        }
        None => return Err(Error::Busy { retry_after_s: 5 }),
    }
    let amount = wanted.amount.dollars();
    let detail = format!("{amount}: {reason}");
    operator.note_in(&app, &id, Deed { action, target: &organization.name, detail: &detail }).await?;
    Ok(said(format!("{amount} were credited.")))
}

/// Pays back what is left of a purchase by card, however old.
#[utoipa::path(post, path = "/admin/purchases/{id}/refund", tag = "operators", params(("id" = String, Path)),
    responses((status = 200, body = Envelope<Said>), (status = 400, body = ErrorBody), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody), (status = 404, body = ErrorBody)))]
pub async fn refund_purchase(
    State(app): State<Arc<App>>,
    operator: Operator,
    Path(id): Path<String>,
) -> Result<Json<Envelope<Said>>> {
    operator.check_recent(&app)?;
    let missing = || Error::not_found("No purchase has this id.");
    let purchase = app.store.purchase(&id).await?.ok_or_else(missing)?;
    let amount = refund::refund_at_any_age(&app, &purchase).await?.dollars();
    let deed = Deed { action: "purchase.refund", target: &purchase.id, detail: &amount };
    operator.note_in(&app, &purchase.organization_id, deed).await?;
    Ok(said(format!("{amount} are on their way back to the card.")))
}
