//! Sign-up, sign-in and sign-out as plain forms, and who is signed in.

use std::sync::Arc;

use app::types::Envelope;
use app::types::Money;
use app::types::locale::Locale;
use app::types::session::{IdentityProvider, Notice, Session as SessionView, User};
use axum::Json;
use axum::extract::{Request, State};
use axum::http::request::Parts;
use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse as _, Redirect, Response};
use tower_sessions::Session;
use url::form_urlencoded::byte_serialize;

use super::address::{self, Origin};
use super::caller::{Caller, ORGANIZATION_ID, PROVED_AT, is_own_site, person};
use super::forms::{NOTICE, formats_cookie};
use super::inference::read_body;
use super::members::open_invitation;
use super::second_factor::{note_own, take_code};
use super::{account, organizations, passkey_forms as passkeys};
use crate::App;
use crate::accounts::second_factor::in_use;
use crate::accounts::sessions::{ADDRESS, OPENED_AT, USER_AGENT, USER_ID};
use crate::accounts::users::{SignInError, normal_email, welcome_reason};
use crate::billing::ledger::credit_account;
use crate::error::{Error, Result};
use crate::flags::Flag;
use crate::store::accounts::UserRow;

/// The largest form, bytes.
const FORM_BYTES: u64 = 16 << 10;
/// Where in a session stands who gave the right password and owes a code, and since when.
const ASKED: &str = "asked";
/// How long a given password waits for its code.
const CODE_WAITS_MS: i64 = 600_000;

#[derive(Debug, Default)]
pub(super) struct SignInForm {
    name: String,
    email: String,
    password: String,
    /// Of the second step.
    code: String,
    pub next: String,
    /// The secret of an invitation's link.
    invitation: String,
    /// What a passkey is asked for, and what it answered.
    pub purpose: String,
    pub credential: String,
}

/// `POST /sign-in`
///
/// # Errors
/// 403 for a form of another site; a wrong password redirects back to the page.
pub async fn sign_in(State(app): State<Arc<App>>, request: Request) -> Result<Response> {
    let (session, origin, form) = read_form(&app, request).await?;
    if !app.users.admit_address(&household(&origin)) {
        return back("/sign-in", SignInError::Throttled, &form);
    }
    match app.users.sign_in(&form.email, &form.password).await {
        Ok(user) if app.config.confirm_sign_up && user.verified_at.is_none() => {
            // Told in a letter only: whoever signed up for somebody else's address learns nothing here.
            account::post_verification(&app, &user).await?;
            back("/sign-in", SignInError::Invalid, &form)
        }
        Ok(user) if in_use(&app.store, &user.id).await?.is_some() => {
            ask_code(&app, &session, &user.id, &form.next).await
        }
        Ok(user) => open_session(&app, &session, &user.id, &origin, &form.next).await,
        Err(error) => back("/sign-in", error, &form),
    }
}

/// Remembers who gave the right password, and asks for the code.
///
/// # Errors
/// When the session cannot be kept.
pub async fn ask_code(app: &App, session: &Session, user_id: &str, next: &str) -> Result<Response> {
    // Nobody is signed in until the code is right, nor still as somebody else.
    session.flush().await?;
    session.insert(ASKED, (user_id, app.clock.now_ms())).await?;
    Ok(see_other(&format!("/sign-in/code?next={}", quoted(&safe_next(next)))))
}

/// Who gave the right password in this session a while ago, and owes a code.
///
/// # Errors
/// Any database error.
pub(super) async fn asked_user(app: &App, session: &Session) -> Result<Option<UserRow>> {
    let asked = session.get::<(String, i64)>(ASKED).await?;
    match asked.filter(|(_, then)| then + CODE_WAITS_MS > app.clock.now_ms()) {
        Some((user_id, _)) => Ok(app.store.user(&user_id).await?),
        None => Ok(None),
    }
}

/// `POST /sign-in/code`: the second step.
///
/// # Errors
/// 403 for a form of another site; a wrong code redirects back to the page.
pub async fn give_code(State(app): State<Arc<App>>, request: Request) -> Result<Response> {
    let (session, origin, form) = read_form(&app, request).await?;
    if !app.users.admit_address(&household(&origin)) {
        return back("/sign-in/code", SignInError::Throttled, &form);
    }
    let Some(user) = asked_user(&app, &session).await? else {
        return Ok(see_other(&format!("/sign-in?error=too_late&next={}", quoted(&safe_next(&form.next)))));
    };
    match take_code(&app, &user, &form.code, &origin).await {
        Ok(()) => open_session(&app, &session, &user.id, &origin, &form.next).await,
        Err(Error::TooManyRequests { .. }) => back("/sign-in/code", SignInError::Throttled, &form),
        Err(Error::BadRequest { .. }) => back("/sign-in/code", SignInError::Invalid, &form),
        Err(error) => Err(error),
    }
}

/// `POST /sign-up`
///
/// # Errors
/// 403 for a form of another site; what cannot be taken redirects back to the page.
pub async fn sign_up(State(app): State<Arc<App>>, request: Request) -> Result<Response> {
    let (session, origin, form) = read_form(&app, request).await?;
    // Who was invited may come in where strangers may not, under the invited address.
    let is_invited = !form.invitation.is_empty()
        && open_invitation(&app, &form.invitation)
            .await
            .is_ok_and(|row| normal_email(&form.email).as_deref() == Some(row.email.as_str()));
    if !app.flags.is_on(Flag::SignUp) && !is_invited {
        return Ok(Redirect::to("/sign-up?error=closed").into_response());
    }
    if !app.users.admit_address(&household(&origin)) {
        return back("/sign-up", SignInError::Throttled, &form);
    }
    // Who was invited is known to have an account or not by the one who invited him.
    let is_silent = app.config.confirm_sign_up && !is_invited;
    match app.users.sign_up(&form.name, &form.email, &form.password, false).await {
        Ok(account) => {
            let gift = app.config.sign_up_credit;
            if gift.0 > 0 {
                let id = format!("welcome:{}", account.organization_id);
                app.ledger.grant(&id, &account.organization_id, gift, &welcome_reason(gift)).await;
            }
            account::post_verification(&app, &account.user).await?;
            if is_silent {
                return Ok(see_other(SENT));
            }
            open_session(&app, &session, &account.user.id, &origin, &form.next).await
        }
        Err(SignInError::Taken) if is_silent => {
            account::post_reminder(&app, &form.email).await?;
            Ok(see_other(SENT))
        }
        Err(error) => back("/sign-up", error, &form),
    }
}

/// Where a sign-up leads that a letter has to confirm: the same for every address.
const SENT: &str = "/sign-up?sent=1";

/// `POST /sign-out`
///
/// # Errors
/// 403 for a form of another site.
pub async fn sign_out(State(app): State<Arc<App>>, request: Request) -> Result<Response> {
    let (session, _, _) = read_form(&app, request).await?;
    session.flush().await?;
    Ok(Redirect::to("/").into_response())
}

/// `POST /confirm`: the password once more, for what needs it fresh.
///
/// # Errors
/// 403 for a form of another site, 401 when nobody is signed in.
pub async fn confirm(State(app): State<Arc<App>>, request: Request) -> Result<Response> {
    let (parts, body) = request.into_parts();
    let caller = person(&parts, &app).await?;
    let (session, origin, form) = read_form(&app, Request::from_parts(parts, body)).await?;
    let Some(Caller::Person { user, .. }) = caller else { return Ok(see_other("/sign-in")) };
    if !app.users.admit_address(&household(&origin)) {
        return back("/confirm", SignInError::Throttled, &form);
    }
    match app.users.sign_in(&user.email, &form.password).await {
        Ok(_) => prove(&app, &session, &form.next).await,
        Err(error) => back("/confirm", error, &form),
    }
}

/// Notes that the signed-in person has just shown who it is.
///
/// # Errors
/// When the session cannot be kept.
pub(super) async fn prove(app: &App, session: &Session, next: &str) -> Result<Response> {
    session.cycle_id().await?;
    session.insert(PROVED_AT, app.clock.now_ms()).await?;
    Ok(see_other(&safe_next(next)))
}

/// `GET /api/v1/session` (ours): who looks at the page. Never 401.
///
/// # Errors
/// Any database error.
pub async fn show_session(State(app): State<Arc<App>>, request: Request) -> Result<Json<Envelope<SessionView>>> {
    let (parts, _) = request.into_parts();
    let mut data = SessionView {
        user: None,
        is_demo: app.is_demo,
        allows_sign_up: app.flags.is_on(Flag::SignUp),
        has_chat_room: app.flags.is_on(Flag::ChatRoom),
        has_blind_votes: app.flags.is_on(Flag::BlindVotes),
        base_url: app.config.public_url(),
        notice: take_notice(&parts).await,
        announcements: app.announcements(),
        identity_providers: app
            .identities
            .names()
            .into_iter()
            .map(|(slug, name)| IdentityProvider { slug, name })
            .collect(),
        has_passkeys: passkeys::site(&app).is_some(),
        may_give_passkey: passkeys::is_asked(&app, &parts).await?,
    };
    if let Some(Caller::Person { user, membership }) = person(&parts, &app).await? {
        // What an organization has is shown only where it may be used.
        let available = if membership.policy.admits(address::of(&parts, &app)) {
            app.ledger.balance(&credit_account(&membership.organization_id)).await?.available
        } else {
            Money::ZERO
        };
        let organizations = app.store.organizations_of(&user.id).await?;
        let current = membership.organization_id.as_str();
        data.user = Some(User {
            organizations: organizations.into_iter().map(|row| organizations::shown(row, current)).collect(),
            role: membership.role,
            workspace_id: membership.workspace_id,
            is_verified: user.verified_at.is_some(),
            is_operator: user.is_operator == 1,
            id: user.id,
            email: user.email,
            name: user.name,
            organization_id: membership.organization_id,
            organization_name: membership.organization_name,
            available,
        });
    }
    Ok(Json(Envelope { data }))
}

/// What came of the last form; told once.
async fn take_notice(parts: &Parts) -> Option<Notice> {
    if !is_own_site(&parts.headers, &parts.method) {
        return None;
    }
    let session = parts.extensions.get::<Session>()?;
    session.get_value(NOTICE).await.ok()??;
    session.remove::<Notice>(NOTICE).await.ok().flatten()
}

/// What tries are counted under.
pub fn household(origin: &Origin) -> String {
    origin.address.map(address::household).unwrap_or_default()
}

pub(super) async fn read_form(app: &App, request: Request) -> Result<(Session, Origin, SignInForm)> {
    let (mut parts, body): (Parts, _) = request.into_parts();
    if !is_own_site(&parts.headers, &parts.method) {
        return Err(Error::Forbidden("This form may only be sent from this site's own pages.".to_owned()));
    }
    let origin = Origin::read(&parts, app);
    let session = parts.extensions.remove::<Session>();
    let session = session.ok_or_else(|| Error::Internal("the session layer is missing".to_owned()))?;
    let bytes = read_body(body, FORM_BYTES).await?;
    let mut form = SignInForm::default();
    for (name, value) in url::form_urlencoded::parse(&bytes) {
        match &*name {
            "name" => form.name = value.into_owned(),
            "email" => form.email = value.into_owned(),
            "password" => form.password = value.into_owned(),
            "code" => form.code = value.into_owned(),
            "next" => form.next = value.into_owned(),
            "invitation" => form.invitation = value.into_owned(),
            "for" => form.purpose = value.into_owned(),
            "credential" => form.credential = value.into_owned(),
            _ => {}
        }
    }
    Ok((session, origin, form))
}

/// Signs a person in.
///
/// # Errors
/// When the session cannot be kept.
pub async fn open_session(
    app: &App,
    session: &Session,
    user_id: &str,
    origin: &Origin,
    next: &str,
) -> Result<Response> {
    // A new id, so that one planted before the sign-in is worth nothing (ASVS 7.2.4).
    session.cycle_id().await?;
    let now = app.clock.now_ms();
    session.insert(USER_ID, user_id).await?;
    session.insert(OPENED_AT, now).await?;
    session.insert(PROVED_AT, now).await?;
    session.insert(ADDRESS, origin.address()).await?;
    session.insert(USER_AGENT, &origin.user_agent).await?;
    session.remove_value(ORGANIZATION_ID).await?;
    session.remove_value(ASKED).await?;
    if let Some(user) = app.store.user(user_id).await? {
        note_own(app, &user, origin, "session.open", "").await?;
    }
    let mut response = see_other(&safe_next(next));
    // What the person chose once holds in every browser.
    if let Some(locale) = Locale::of(&app.store.formats(user_id).await?) {
        response.headers_mut().append(header::SET_COOKIE, formats_cookie(Some(locale)));
    }
    Ok(response)
}

fn back(page: &str, error: SignInError, form: &SignInForm) -> Result<Response> {
    if let SignInError::Database(error) = error {
        return Err(error.into());
    }
    if matches!(error, SignInError::Busy) {
        return Err(Error::Busy { retry_after_s: 2 });
    }
    let next = safe_next(&form.next);
    Ok(see_other(&format!("{page}?error={error}&email={}&next={}", quoted(&form.email), quoted(&next))))
}

/// A text within a query string.
pub fn quoted(text: &str) -> String {
    byte_serialize(text.as_bytes()).collect()
}

/// Leads a form on.
pub fn see_other(target: &str) -> Response {
    let mut response = Redirect::to("/").into_response();
    if let Ok(value) = HeaderValue::from_str(target) {
        response.headers_mut().insert(axum::http::header::LOCATION, value);
    }
    response
}

/// A path of this site, or the start page: never another host.
pub fn safe_next(next: &str) -> String {
    let is_path = next.starts_with('/') && !next.starts_with("//") && !next.contains(['\\', '\t', '\n', '\r']);
    let base = url::Url::parse("http://own.invalid/").ok();
    let is_own = base
        .and_then(|base| base.join(next).ok())
        .is_some_and(|url| url.host_str() == Some("own.invalid") && url.username().is_empty());
    if is_path && is_own && !next.starts_with("/sign-") && !next.starts_with("/confirm") {
        next.to_owned()
    } else {
        "/activity".to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn after_signing_in_nobody_is_sent_to_another_site() {
        assert_eq!(safe_next("/keys?x=1"), "/keys?x=1");
        for bad in ["", "keys", "//evil", "/\\evil", "http://evil", "/\t/evil", "javascript:1", "/sign-in"] {
            assert_eq!(safe_next(bad), "/activity", "{bad}");
        }
    }
}
