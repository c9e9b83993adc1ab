//! A person's own account: profile, password, sessions, export and end.

use std::sync::Arc;

use app::types::Envelope;
use app::types::account::{
    DeleteAccount, Email, NewPassword, OpenSession, PasswordReset, Profile, Said, UpdateProfile,
};
use app::types::keys::Deleted;
use app::types::locale::{LOCALES, Locale};
use app::types::organizations::LinkToken;
use app::types::roles::Role;
use axum::extract::{Path, State};
use axum::{Extension, Json};
use serde_json::{Value, json};
use tower_sessions::Session;

use super::address::Origin;
use super::caller::{Caller, PROVED_AT};
use super::input::Body;
use super::organizations::{checked_name, user_of};
use super::second_factor::{note_own, tell};
use crate::App;
use crate::accounts::second_factor::in_use;
use crate::accounts::sessions::digest;
use crate::accounts::users::{SignInError, normal_email};
use crate::accounts::{keys, new_secret};
use crate::clock::{MS_PER_DAY, MS_PER_HOUR, rfc3339};
use crate::error::{Error, Result};
use crate::store::accounts::UserRow;
use crate::store::keys::KeyScope;
use crate::store::letters::Letter;

const RESET: &str = "password-reset";
const VERIFY: &str = "verify-email";
/// How long a link to a new password works.
const RESET_LASTS_MS: i64 = MS_PER_HOUR / 2;

fn said(message: &str) -> Json<Envelope<Said>> {
    Json(Envelope { data: Said { message: message.to_owned() } })
}

/// What keeps a password from being taken, as a caller reads it.
#[must_use]
pub fn refusal(error: SignInError, field: &str) -> Error {
    match error {
        SignInError::WeakPassword => Error::bad_request(
            field,
            format!("{field} must have 8 to 256 characters and not be on the lists of common or stolen passwords"),
        ),
        SignInError::Throttled => Error::TooManyRequests {
            message: "Too many wrong tries. Wait a few minutes, then try again.".to_owned(),
            retry_after_s: 60,
            limit: 5,
        },
        SignInError::Busy => Error::Busy { retry_after_s: 2 },
        SignInError::Database(error) => error.into(),
        _ => Error::bad_request(field, "The password is wrong."),
    }
}

/// `GET /api/v1/account` (ours).
///
/// # Errors
/// 403 for a key.
pub async fn show_account(State(app): State<Arc<App>>, caller: Caller) -> Result<Json<Envelope<Profile>>> {
    Ok(Json(Envelope { data: profile(&app, user_of(&caller)?).await? }))
}

async fn profile(app: &App, user: &UserRow) -> Result<Profile> {
    Ok(Profile {
        formats: app.store.formats(&user.id).await?,
        id: user.id.clone(),
        name: user.name.clone(),
        email: user.email.clone(),
        is_verified: user.verified_at.is_some(),
        created_at: rfc3339(user.created_at),
    })
}

/// `PATCH /api/v1/account` (ours).
///
/// # Errors
/// 400 naming the field, 403 for a key.
pub async fn update_account(
    State(app): State<Arc<App>>,
    caller: Caller,
    Body(change): Body<UpdateProfile>,
) -> Result<Json<Envelope<Profile>>> {
    let mut user = user_of(&caller)?.clone();
    if let Some(name) = change.name {
        user.name = checked_name(&name)?;
        app.store.set_user_name(&user.id, &user.name).await?;
    }
    if let Some(formats) = change.formats {
        if !formats.is_empty() && Locale::of(&formats).is_none() {
            let known: Vec<&str> = LOCALES.iter().map(|locale| locale.tag).collect();
            let message = format!("formats must be empty or one of {}", known.join(", "));
            return Err(Error::bad_request("formats", message));
        }
        app.store.set_formats(&user.id, &formats).await?;
    }
    Ok(Json(Envelope { data: profile(&app, &user).await? }))
}

/// `POST /api/v1/account/password` (ours): ends every other session.
///
/// # Errors
/// 400 for a wrong or a weak password, 403 for a key.
pub async fn change_password(
    State(app): State<Arc<App>>,
    Extension(session): Extension<Session>,
    caller: Caller,
    origin: Origin,
    Body(wanted): Body<NewPassword>,
) -> Result<Json<Envelope<Said>>> {
    let user = user_of(&caller)?;
    let proof = app.users.sign_in(&user.email, &wanted.current_password).await;
    proof.map_err(|error| refusal(error, "current_password"))?;
    let done = app.users.set_password(user, &wanted.new_password).await;
    done.map_err(|error| refusal(error, "new_password"))?;
    let own = session.id().map(digest).unwrap_or_default();
    app.store.end_other_sessions(&user.id, &own).await?;
    session.insert(PROVED_AT, app.clock.now_ms()).await?;
    note_own(&app, user, &origin, "password.change", "").await?;
    tell(&app, user, "Your password was changed", "The password of your account was changed.").await?;
    Ok(said("The password is changed, and every other session is signed out."))
}

/// `GET /api/v1/account/sessions` (ours).
///
/// # Errors
/// 403 for a key.
pub async fn list_sessions(
    State(app): State<Arc<App>>,
    Extension(session): Extension<Session>,
    caller: Caller,
) -> Result<Json<Envelope<Vec<OpenSession>>>> {
    let own = session.id().map(digest).unwrap_or_default();
    let rows = app.store.sessions_of(&user_of(&caller)?.id, app.clock.now_ms()).await?;
    let data = rows
        .into_iter()
        .map(|row| OpenSession {
            is_current: row.id == own,
            id: row.id,
            opened_at: rfc3339(row.opened_at),
            expires_at: rfc3339(row.expires_at),
            address: row.address,
            user_agent: row.user_agent,
        })
        .collect();
    Ok(Json(Envelope { data }))
}

/// `DELETE /api/v1/account/sessions/{id}` (ours): signs it out. `others` means all but
/// the calling one.
///
/// # Errors
/// 403 for a key, 404 for a session of nobody or of somebody else.
pub async fn end_session(
    State(app): State<Arc<App>>,
    Extension(session): Extension<Session>,
    caller: Caller,
    origin: Origin,
    Path(id): Path<String>,
) -> Result<Json<Deleted>> {
    let user = user_of(&caller)?;
    if id == "others" {
        let own = session.id().map(digest).unwrap_or_default();
        app.store.end_other_sessions(&user.id, &own).await?;
    } else if !app.store.end_session(&user.id, &id).await? {
        return Err(Error::not_found("No session of yours has this id."));
    }
    let detail = if id == "others" { "all others" } else { "one" };
    note_own(&app, user, &origin, "session.end", detail).await?;
    Ok(Json(Deleted { deleted: true }))
}

/// `POST /api/v1/account/password-reset` (ours): the same answer for every address.
///
/// # Errors
/// 429 after too many.
pub async fn ask_reset(
    State(app): State<Arc<App>>,
    origin: Origin,
    Body(wanted): Body<Email>,
) -> Result<Json<Envelope<Said>>> {
    let address = origin.address.map(super::address::household).unwrap_or_default();
    if !app.users.admit_address(&format!("reset:{address}")) {
        return Err(refusal(SignInError::Throttled, "email"));
    }
    let user = match normal_email(&wanted.email) {
        Some(email) => app.store.user_by_email(&email).await?,
        None => None,
    };
    if let Some(user) = user {
        let link = link(&app, &user, RESET, "/reset-password", RESET_LASTS_MS).await?;
        let text = format!(
            "Somebody, perhaps you, asked for a new password for {}.\n\nOpen this link within half an hour to choose \
             one:\n\n{link}\n\nIf it was not you, ignore this letter: nothing has changed.\n",
            user.email
        );
        app.mail.post(&Letter { to: user.email, subject: "Choose a new password".to_owned(), text }).await?;
    }
    Ok(said("If somebody has an account with this address, a letter with a link is on its way."))
}

/// `POST /api/v1/account/password-reset/finish` (ours): signs every session out.
///
/// # Errors
/// 400 for a weak password or a link that does not work.
pub async fn finish_reset(
    State(app): State<Arc<App>>,
    origin: Origin,
    Body(wanted): Body<PasswordReset>,
) -> Result<Json<Envelope<Said>>> {
    // Looked at first: a weak password must not use the link up.
    let is_fine = app.users.check_password(&wanted.new_password, "").await;
    is_fine.map_err(|error| refusal(error, "new_password"))?;
    let user = used_link(&app, &wanted.token, RESET).await?;
    let done = app.users.set_password(&user, &wanted.new_password).await;
    done.map_err(|error| refusal(error, "new_password"))?;
    app.store.end_other_sessions(&user.id, "").await?;
    // Who read the letter has the address.
    app.store.set_verified(&user.id, app.clock.now_ms()).await?;
    note_own(&app, &user, &origin, "password.reset", "").await?;
    tell(&app, &user, "Your password was changed", "A new password was chosen with the link of a letter.").await?;
    Ok(said("The new password holds. Sign in with it."))
}

/// `POST /api/v1/account/verification` (ours): sends the link again.
///
/// # Errors
/// 403 for a key.
pub async fn ask_verification(State(app): State<Arc<App>>, caller: Caller) -> Result<Json<Envelope<Said>>> {
    let user = user_of(&caller)?;
    if user.verified_at.is_some() {
        return Ok(said("This address is confirmed already."));
    }
    if !app.users.admit_address(&format!("verify:{}", user.id)) {
        return Err(refusal(SignInError::Throttled, "email"));
    }
    post_verification(&app, user).await?;
    Ok(said("A letter with a link is on its way."))
}

/// Sends the link that confirms an address.
///
/// # Errors
/// Any database error.
pub async fn post_verification(app: &App, user: &UserRow) -> Result<()> {
    let link = link(app, user, VERIFY, "/verify-email", MS_PER_DAY).await?;
    let text = format!(
        "Confirm that {} is your address: open this link within a day.\n\n{link}\n\nIf you opened no account, ignore \
         this letter.\n",
        user.email
    );
    let letter = Letter { to: user.email.clone(), subject: "Confirm your address".to_owned(), text };
    Ok(app.mail.post(&letter).await?)
}

/// Tells who has an account that somebody wanted to open another one.
///
/// # Errors
/// Any database error.
pub async fn post_reminder(app: &App, email: &str) -> Result<()> {
    let Some(to) = normal_email(email) else { return Ok(()) };
    let site = app.config.public_url();
    let text = format!(
        "Somebody, perhaps you, wanted to open an account for {to}. There is one already.\n\nSign in at \
         {site}/sign-in, or ask for a new password at {site}/forgot-password.\n\nIf it was not you, ignore this \
         letter.\n"
    );
    let letter = Letter { to, subject: "You have an account already".to_owned(), text };
    Ok(app.mail.post(&letter).await?)
}

/// `POST /api/v1/account/verification/finish` (ours).
///
/// # Errors
/// 400 for a link that does not work.
pub async fn finish_verification(
    State(app): State<Arc<App>>,
    Body(wanted): Body<LinkToken>,
) -> Result<Json<Envelope<Said>>> {
    let user = used_link(&app, &wanted.token, VERIFY).await?;
    app.store.set_verified(&user.id, app.clock.now_ms()).await?;
    Ok(said("Thank you: the address is confirmed."))
}

async fn link(app: &App, user: &UserRow, purpose: &str, page: &str, lasts_ms: i64) -> Result<String> {
    let (secret, token_hash) = new_secret();
    let now = app.clock.now_ms();
    app.store.insert_link(&token_hash, purpose, &user.id, now, now + lasts_ms).await?;
    Ok(format!("{}{page}?token={secret}", app.config.public_url()))
}

async fn used_link(app: &App, token: &str, purpose: &str) -> Result<UserRow> {
    let remedy = || Error::bad_request("token", "This link was used already or is too old. Ask for a new one.");
    let user_id = app.store.use_link(&keys::hash(token), purpose, app.clock.now_ms()).await?.ok_or_else(remedy)?;
    app.store.user(&user_id).await?.ok_or_else(remedy)
}

/// `GET /api/v1/account/export` (ours): everything stored about the person.
///
/// # Errors
/// 403 for a key.
pub async fn export_account(State(app): State<Arc<App>>, caller: Caller) -> Result<Json<Value>> {
    caller.check_recent(&app)?;
    let user = user_of(&caller)?;
    let now = app.clock.now_ms();
    let mut organizations = Vec::new();
    for row in app.store.organizations_of(&user.id).await? {
        let scope = KeyScope { creator_user_id: user.id.clone(), ..KeyScope::default() };
        let keys = app.store.keys_of(&row.id, &scope, 10_000, 0).await?;
        let generations = app.store.generations(&row.id, &user.id, None, 100_000).await?;
        let kept = super::prompt_logs::exported(&app, &row.id, &user.id).await?;
        organizations.push(json!({
            "prompts": kept, "id": row.id, "name": row.name, "role": row.role,
            "keys": keys.iter().map(|key| json!({
                "name": key.name, "label": key.label, "hash": key.hash, "created_at": rfc3339(key.created_at),
            })).collect::<Vec<_>>(),
            "generations": generations.iter().map(|row| json!({
                "id": row.id, "created_at": rfc3339(row.created_at), "model": row.model_id,
                "provider": row.provider_name, "app": row.app_title, "prompt_tokens": row.prompt_tokens,
                "completion_tokens": row.completion_tokens, "cost": app::types::Money(row.cost_nanos),
                "task": row.task, "category": row.category, "language": row.language,
            })).collect::<Vec<_>>(),
        }));
    }
    let sessions = app.store.sessions_of(&user.id, now).await?;
    let passkeys = app.store.passkeys_of(&user.id).await?;
    Ok(Json(json!({
        "profile": profile(&app, user).await?,
        "has_second_factor": in_use(&app.store, &user.id).await?.is_some(),
        "passkeys": passkeys.iter().map(|row| json!({
            "name": row.name, "created_at": rfc3339(row.created_at),
            "last_used_at": row.last_used_at.map(rfc3339), "is_synced": row.is_synced == 1,
        })).collect::<Vec<_>>(),
        "sessions": sessions.iter().map(|row| json!({
            "opened_at": rfc3339(row.opened_at), "address": row.address, "user_agent": row.user_agent,
        })).collect::<Vec<_>>(),
        "organizations": organizations,
    })))
}

/// `POST /api/v1/account/delete` (ours): the account and its personal organization end.
///
/// # Errors
/// 400 for a wrong password, or for the last owner of an organization of several.
pub async fn delete_account(
    State(app): State<Arc<App>>,
    Extension(session): Extension<Session>,
    caller: Caller,
    Body(wanted): Body<DeleteAccount>,
) -> Result<Json<Deleted>> {
    let user = user_of(&caller)?;
    let proof = app.users.sign_in(&user.email, &wanted.password).await;
    proof.map_err(|error| refusal(error, "password"))?;
    let organizations = app.store.organizations_of(&user.id).await?;
    for row in organizations.iter().filter(|row| row.is_personal == 0) {
        let members = app.store.members(&row.id).await?;
        let owners = members.iter().filter(|member| member.role == Role::Owner.as_str());
        if row.role == Role::Owner.as_str() && owners.count() == 1 {
            let message = format!("You are the last owner of {}: hand it over or delete it first.", row.name);
            return Err(Error::bad_request("", message));
        }
    }
    let now = app.clock.now_ms();
    app.store.delete_user(&user.id, now).await?;
    for row in &organizations {
        app.keys.forget_organization(&row.id, now).await?;
    }
    session.flush().await?;
    Ok(Json(Deleted { deleted: true }))
}
