//! Signing in with an account elsewhere: there, back, and whose account it is here.

use std::sync::Arc;

use app::types::Envelope;
use app::types::account::Identity;
use app::types::error::ErrorBody;
use app::types::keys::Deleted;
use axum::extract::{Path, State};
use axum::response::Response;
use axum::{Extension, Json};
use serde::Deserialize;
use subtle::ConstantTimeEq as _;
use tower_sessions::Session;
use utoipa::OpenApi;

use super::address::Origin;
use super::audit::{Deed, note, note_as};
use super::caller::Caller;
use super::input::Query;
use super::organizations::user_of;
use super::sign_in::{ask_code, household, open_session, quoted, safe_next, see_other};
use crate::App;
use crate::accounts::identity::Flow;
use crate::accounts::identity::token::Claims;
use crate::accounts::second_factor::in_use;
use crate::accounts::sessions::USER_ID;
use crate::accounts::users::{SignInError, normal_email, welcome_reason};
use crate::clock::rfc3339;
use crate::error::{Error, Result};
use crate::flags::Flag;
use crate::store::accounts::UserRow;
use crate::store::identities::IdentityRow;

/// Where in a session a sign-in under way stands.
const FLOW: &str = "flow";
/// How long a visitor may take elsewhere.
const FLOW_LASTS_MS: i64 = 600_000;

/// The part of the API's description that is about accounts elsewhere.
#[derive(OpenApi)]
#[openapi(paths(list_identities, delete_identity))]
pub struct Description;

/// Query of the way there.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Start {
    next: String,
}

/// Query of the way back.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Answer {
    code: String,
    state: String,
    error: String,
    iss: Option<String>,
}

fn refused(code: &str, next: &str) -> Response {
    see_other(&format!("/sign-in?error={code}&next={}", quoted(&safe_next(next))))
}

fn redirect(app: &App, provider: &str) -> String {
    format!("{}/sign-in/with/{provider}/callback", app.config.public_url())
}

fn missing(provider: &str) -> Error {
    Error::not_found(format!("This server knows no provider of identities called `{provider}`."))
}

/// `GET /sign-in/with/{provider}?next=`: leads the visitor there.
///
/// # Errors
/// 404 for a provider nobody set up.
pub async fn start(
    State(app): State<Arc<App>>,
    Extension(session): Extension<Session>,
    origin: Origin,
    Path(provider): Path<String>,
    Query(query): Query<Start>,
) -> Result<Response> {
    if !app.identities.has(&provider) {
        return Err(missing(&provider));
    }
    if !app.users.admit_address(&household(&origin)) {
        return Ok(refused("throttled", &query.next));
    }
    let now = app.clock.now_ms();
    let is_anew = session.get::<String>(USER_ID).await?.is_some();
    let flow = Flow::new(&provider, &safe_next(&query.next), is_anew, now);
    match app.identities.start(&flow, &redirect(&app, &provider), now).await {
        Ok(url) => {
            session.insert(FLOW, &flow).await?;
            Ok(see_other(url.as_str()))
        }
        Err(error) => {
            tracing::warn!(%error, provider, "Signing in elsewhere does not work");
            Ok(refused("elsewhere", &query.next))
        }
    }
}

/// `GET /sign-in/with/{provider}/callback`: the visitor comes back.
///
/// # Errors
/// 404 for a provider nobody set up; what cannot be taken leads back to the page.
pub async fn finish(
    State(app): State<Arc<App>>,
    Extension(session): Extension<Session>,
    origin: Origin,
    Path(provider): Path<String>,
    Query(answer): Query<Answer>,
) -> Result<Response> {
    if !app.identities.has(&provider) {
        return Err(missing(&provider));
    }
    let now = app.clock.now_ms();
    // Taken out, so that an answer counts once.
    let flow = session.remove::<Flow>(FLOW).await?;
    let fits = |flow: &Flow| {
        flow.provider == provider
            && flow.began_at + FLOW_LASTS_MS > now
            && bool::from(flow.state.as_bytes().ct_eq(answer.state.as_bytes()))
    };
    let Some(flow) = flow.filter(fits) else { return Ok(refused("too_late", "")) };
    if !answer.error.is_empty() || answer.code.is_empty() {
        return Ok(refused("elsewhere_refused", &flow.next));
    }
    let done = app.identities.finish(&flow, &answer.code, answer.iss.as_deref(), &redirect(&app, &provider), now).await;
    let claims = match done {
        Ok(claims) => claims,
        Err(error) => {
            tracing::warn!(%error, provider, "Signing in elsewhere failed");
            return Ok(refused("elsewhere", &flow.next));
        }
    };
    match whose(&app, &provider, &claims, &origin).await? {
        Ok(user) if in_use(&app.store, &user.id).await?.is_some() => {
            ask_code(&app, &session, &user.id, &flow.next).await
        }
        Ok(user) => open_session(&app, &session, &user.id, &origin, &flow.next).await,
        Err(code) => Ok(refused(code, &flow.next)),
    }
}

/// Whose account it is here: known, or by its confirmed address, or a new one. Else the
/// code of what to tell the visitor.
async fn whose(app: &App, provider: &str, claims: &Claims, origin: &Origin) -> Result<Result<UserRow, &'static str>> {
    if let Some(known) = app.store.identity(provider, &claims.subject).await? {
        return Ok(app.store.user(&known.user_id).await?.ok_or("suspended"));
    }
    let email = claims.email.as_deref().filter(|_| claims.is_email_verified).and_then(normal_email);
    let Some(email) = email else { return Ok(Err("elsewhere_email")) };
    let user = match app.store.user_by_email(&email).await? {
        Some(user) if user.suspended_at.is_some() => return Ok(Err("suspended")),
        // Whoever opened it has not shown that the address is his: he must not get a share
        // of what its owner does here.
        Some(user) if user.verified_at.is_none() => return Ok(Err("unconfirmed")),
        Some(user) => user,
        None if !app.flags.is_on(Flag::SignUp) => return Ok(Err("closed")),
        None => match open_account(app, &claims.name, &email).await? {
            Some(user) => user,
            None => return Ok(Err("elsewhere")),
        },
    };
    let row = IdentityRow {
        provider: provider.to_owned(),
        subject: claims.subject.clone(),
        user_id: user.id.clone(),
        email: email.clone(),
        created_at: app.clock.now_ms(),
    };
    app.store.insert_identity(&row).await?;
    if let Some(own) = app.store.first_membership(&user.id).await? {
        let deed = Deed { action: "identity.link", target: provider, detail: &email };
        note_as(app, &own.organization_id, ("user", &user.id, &user.email), origin, deed).await?;
    }
    Ok(Ok(user))
}

async fn open_account(app: &App, name: &str, email: &str) -> Result<Option<UserRow>> {
    let account = match app.users.open_confirmed(name, email).await {
        Ok(account) => account,
        Err(SignInError::Database(error)) => return Err(error.into()),
        Err(_) => return Ok(None),
    };
    let gift = app.config.sign_up_credit;
    if gift.0 > 0 {
        let id = format!("welcome:{}", account.organization_id);
        app.ledger.grant(&id, &account.organization_id, gift, &welcome_reason(gift)).await;
    }
    Ok(app.store.user(&account.user.id).await?)
}

/// Lists the accounts elsewhere that open the person's own.
#[utoipa::path(get, path = "/account/identities", tag = "account",
    responses((status = 200, body = Envelope<Vec<Identity>>), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody)))]
pub async fn list_identities(State(app): State<Arc<App>>, caller: Caller) -> Result<Json<Envelope<Vec<Identity>>>> {
    let names = app.identities.names();
    let rows = app.store.identities_of(&user_of(&caller)?.id).await?;
    let data = rows
        .into_iter()
        .map(|row| Identity {
            name: names
                .iter()
                .find(|(slug, _)| *slug == row.provider)
                .map_or_else(|| row.provider.clone(), |(_, name)| name.clone()),
            provider: row.provider,
            email: row.email,
            since: rfc3339(row.created_at),
        })
        .collect();
    Ok(Json(Envelope { data }))
}

/// An account elsewhere no longer opens the person's own.
#[utoipa::path(delete, path = "/account/identities/{provider}", tag = "account", params(("provider" = String, Path)),
    responses((status = 200, body = Deleted), (status = 400, body = ErrorBody), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody), (status = 404, body = ErrorBody)))]
pub async fn delete_identity(
    State(app): State<Arc<App>>,
    caller: Caller,
    origin: Origin,
    Path(provider): Path<String>,
) -> Result<Json<Deleted>> {
    let user = user_of(&caller)?;
    caller.check_recent(&app)?;
    if user.password_hash.is_empty() {
        let message = "You have no password yet: ask for a link on /forgot-password and set one first.";
        return Err(Error::bad_request("provider", message));
    }
    if !app.store.delete_identities(&user.id, &provider).await? {
        return Err(Error::not_found("You do not sign in with an account there."));
    }
    note(&app, &caller, &origin, Deed { action: "identity.unlink", target: &provider, detail: "" }).await?;
    Ok(Json(Deleted { deleted: true }))
}
