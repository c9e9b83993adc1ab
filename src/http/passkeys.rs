//! A person's passkeys: made, listed, renamed and removed.

use std::sync::Arc;

use app::types::Envelope;
use app::types::account::{NewPasskey, Passkey, PasskeySetup, RenamePasskey};
use app::types::error::ErrorBody;
use app::types::keys::Deleted;
use axum::extract::{Path, State};
use axum::{Extension, Json};
use tower_sessions::Session;
use utoipa::OpenApi;

use super::address::Origin;
use super::audit::{Deed, note};
use super::caller::Caller;
use super::input::Body;
use super::organizations::{checked_name, user_of};
use super::passkey_forms::{Purpose, keep, needed_site, take};
use super::second_factor::tell;
use crate::App;
use crate::accounts::new_id;
use crate::accounts::passkeys::{self, MOST, PasskeyError};
use crate::clock::rfc3339;
use crate::error::{Error, Result};
use crate::store::accounts::UserRow;
use crate::store::passkeys::PasskeyRow;

/// The part of the API's description that is about passkeys.
#[derive(OpenApi)]
#[openapi(paths(list_passkeys, begin_passkey, create_passkey, rename_passkey, delete_passkey))]
pub struct Description;

fn missing() -> Error {
    Error::not_found("You have no passkey of this id.")
}

fn shown(row: PasskeyRow) -> Passkey {
    Passkey {
        id: row.id,
        name: row.name,
        created_at: rfc3339(row.created_at),
        last_used_at: row.last_used_at.map(rfc3339),
        is_synced: row.is_synced == 1,
    }
}

/// Lists the person's passkeys.
#[utoipa::path(get, path = "/account/passkeys", tag = "account",
    responses((status = 200, body = Envelope<Vec<Passkey>>), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody)))]
pub async fn list_passkeys(State(app): State<Arc<App>>, caller: Caller) -> Result<Json<Envelope<Vec<Passkey>>>> {
    let rows = app.store.passkeys_of(&user_of(&caller)?.id).await?;
    Ok(Json(Envelope { data: rows.into_iter().map(shown).collect() }))
}

/// Begins to make a passkey: gives what the browser needs. Good for five minutes, once.
#[utoipa::path(post, path = "/account/passkeys/begin", tag = "account",
    responses((status = 200, body = Envelope<PasskeySetup>), (status = 400, body = ErrorBody), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody)))]
pub async fn begin_passkey(
    State(app): State<Arc<App>>,
    Extension(session): Extension<Session>,
    caller: Caller,
) -> Result<Json<Envelope<PasskeySetup>>> {
    let user = user_of(&caller)?;
    caller.check_recent(&app)?;
    let site = needed_site(&app)?;
    let known = app.store.passkeys_of(&user.id).await?;
    let begun = passkeys::begin_making(&site, user, &known).map_err(complaint)?;
    keep(&app, &session, Purpose::Make, Some(&user.id), begun.state).await?;
    Ok(Json(Envelope { data: PasskeySetup { options: begun.options } }))
}

/// Keeps the passkey that the browser made.
#[utoipa::path(post, path = "/account/passkeys", tag = "account",
    request_body = NewPasskey,
    responses((status = 201, body = Envelope<Passkey>), (status = 400, body = ErrorBody), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody)))]
pub async fn create_passkey(
    State(app): State<Arc<App>>,
    Extension(session): Extension<Session>,
    caller: Caller,
    origin: Origin,
    Body(given): Body<NewPasskey>,
) -> Result<(axum::http::StatusCode, Json<Envelope<Passkey>>)> {
    let user = user_of(&caller)?;
    caller.check_recent(&app)?;
    let site = needed_site(&app)?;
    let name = checked_name(&given.name)?;
    let pending = take(&app, &session, Purpose::Make).await?;
    let pending = pending.filter(|pending| pending.user_id.as_deref() == Some(user.id.as_str()));
    let pending = pending.ok_or_else(|| {
        Error::bad_request(
            "credential",
            "credential: this took longer than five minutes or was sent before. Begin anew.",
        )
    })?;
    let made = passkeys::finish_making(&site, &pending.state, &given.credential.to_string()).map_err(complaint)?;
    let now = app.clock.now_ms();
    let row = PasskeyRow { id: new_id(now), user_id: user.id.clone(), name, created_at: now, ..made };
    if !app.store.insert_passkey(&row, MOST).await? {
        return Err(complaint(PasskeyError::Known));
    }
    note(&app, &caller, &origin, Deed { action: "passkey.add", target: &row.id, detail: &row.name }).await?;
    let what = format!("The passkey \"{}\" can sign in to your account from now on.", row.name);
    tell(&app, user, "A passkey was added", &what).await?;
    Ok((axum::http::StatusCode::CREATED, Json(Envelope { data: shown(row) })))
}

/// Calls a passkey something else.
#[utoipa::path(patch, path = "/account/passkeys/{id}", tag = "account", params(("id" = String, Path)),
    request_body = RenamePasskey,
    responses((status = 200, body = Envelope<Passkey>), (status = 400, body = ErrorBody), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody), (status = 404, body = ErrorBody)))]
pub async fn rename_passkey(
    State(app): State<Arc<App>>,
    caller: Caller,
    origin: Origin,
    Path(id): Path<String>,
    Body(given): Body<RenamePasskey>,
) -> Result<Json<Envelope<Passkey>>> {
    let user = user_of(&caller)?;
    let name = checked_name(&given.name)?;
    let before = own(&app, user, &id).await?;
    if !app.store.rename_passkey(&user.id, &id, &name).await? {
        return Err(missing());
    }
    let detail = format!("{} → {name}", before.name);
    note(&app, &caller, &origin, Deed { action: "passkey.rename", target: &id, detail: &detail }).await?;
    Ok(Json(Envelope { data: shown(PasskeyRow { name, ..before }) }))
}

async fn own(app: &App, user: &UserRow, id: &str) -> Result<PasskeyRow> {
    app.store.passkeys_of(&user.id).await?.into_iter().find(|row| row.id == id).ok_or_else(missing)
}

/// Removes a passkey: it opens nothing any more.
#[utoipa::path(delete, path = "/account/passkeys/{id}", tag = "account", params(("id" = String, Path)),
    responses((status = 200, body = Deleted), (status = 400, body = ErrorBody), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody), (status = 404, body = ErrorBody)))]
pub async fn delete_passkey(
    State(app): State<Arc<App>>,
    caller: Caller,
    origin: Origin,
    Path(id): Path<String>,
) -> Result<Json<Deleted>> {
    let user = user_of(&caller)?;
    caller.check_recent(&app)?;
    let row = own(&app, user, &id).await?;
    if is_last_way_in(&app, user).await? {
        let message = "This passkey is your only way in: ask for a link on /forgot-password and set a password first.";
        return Err(Error::bad_request("id", message));
    }
    if !app.store.delete_passkey(&user.id, &id).await? {
        return Err(missing());
    }
    note(&app, &caller, &origin, Deed { action: "passkey.remove", target: &id, detail: &row.name }).await?;
    let what = format!("The passkey \"{}\" no longer signs in to your account.", row.name);
    tell(&app, user, "A passkey was removed", &what).await?;
    Ok(Json(Deleted { deleted: true }))
}

/// No password, no account elsewhere that still counts, and one passkey.
async fn is_last_way_in(app: &App, user: &UserRow) -> Result<bool> {
    if !user.password_hash.is_empty() || app.store.passkeys_of(&user.id).await?.len() > 1 {
        return Ok(false);
    }
    let elsewhere = app.store.identities_of(&user.id).await?;
    Ok(!elsewhere.iter().any(|one| app.identities.has(&one.provider)))
}

/// What keeps a passkey from being made, as a caller reads it.
fn complaint(error: PasskeyError) -> Error {
    match error {
        PasskeyError::Database(error) => error.into(),
        PasskeyError::Known => Error::bad_request(
            "credential",
            format!("credential: this passkey is known already, or you have {MOST}: remove one first."),
        ),
        PasskeyError::Refused(reason) => {
            Error::bad_request("credential", format!("credential: this passkey cannot be kept: {reason}. Begin anew."))
        }
        PasskeyError::Copied(_) => Error::bad_request("credential", "credential: this passkey was copied."),
    }
}
