//! Sign-up, sign-in and sign-out as plain forms, and who is signed in.

use std::sync::Arc;

use app::types::Envelope;
use app::types::session::{Session as SessionView, User};
use axum::Json;
use axum::extract::{Request, State};
use axum::http::HeaderValue;
use axum::http::request::Parts;
use axum::response::{IntoResponse as _, Redirect, Response};
use serde::Deserialize;
use tower_sessions::Session;
use url::form_urlencoded::byte_serialize;

use super::caller::{Caller, is_own_site, person};
use super::inference::read_body;
use crate::App;
use crate::accounts::sessions::USER_ID;
use crate::accounts::users::{SignInError, welcome_reason};
use crate::billing::ledger::credit_account;
use crate::error::{Error, Result};

/// The largest form, bytes.
const FORM_BYTES: u64 = 4 << 10;

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct SignInForm {
    name: String,
    email: String,
    password: String,
    next: String,
}

/// `POST /sign-in`
///
/// # Errors
/// 403 for a form of another site; a wrong password redirects back to the page.
pub async fn sign_in(State(app): State<Arc<App>>, request: Request) -> Result<Response> {
    let (session, form) = read_form(request).await?;
    match app.users.sign_in(&form.email, &form.password).await {
        Ok(user) => open_session(&session, &user.id, &form.next).await,
        Err(error) => back("/sign-in", error, &form),
    }
}

/// `POST /sign-up`
///
/// # Errors
/// 403 for a form of another site; what cannot be taken redirects back to the page.
pub async fn sign_up(State(app): State<Arc<App>>, request: Request) -> Result<Response> {
    let (session, form) = read_form(request).await?;
    if !app.config.allow_sign_up {
        return Ok(Redirect::to("/sign-up?error=closed").into_response());
    }
    match app.users.sign_up(&form.name, &form.email, &form.password, false).await {
        Ok(account) => {
            let gift = app.config.sign_up_credit;
            if gift.0 > 0 {
                let id = format!("welcome:{}", account.organization_id);
                app.ledger.grant(&id, &account.organization_id, gift, &welcome_reason(gift)).await;
            }
            open_session(&session, &account.user.id, &form.next).await
        }
        Err(error) => back("/sign-up", error, &form),
    }
}

/// `POST /sign-out`
///
/// # Errors
/// 403 for a form of another site.
pub async fn sign_out(request: Request) -> Result<Response> {
    let (session, _) = read_form(request).await?;
    session.flush().await.map_err(|error| Error::Internal(error.to_string()))?;
    Ok(Redirect::to("/").into_response())
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
        allows_sign_up: app.config.allow_sign_up,
        base_url: app.config.public_url(),
    };
    if let Some(Caller::Person { user, membership }) = person(&parts, &app).await? {
        let balance = app.ledger.balance(&credit_account(&membership.organization_id)).await?;
        data.user = Some(User {
            id: user.id,
            email: user.email,
            name: user.name,
            organization_id: membership.organization_id,
            organization_name: membership.organization_name,
            available: balance.available,
        });
    }
    Ok(Json(Envelope { data }))
}

async fn read_form(request: Request) -> Result<(Session, SignInForm)> {
    let (mut parts, body): (Parts, _) = request.into_parts();
    if !is_own_site(&parts.headers, &parts.method) {
        return Err(Error::Forbidden("This form may only be sent from this site's own pages.".to_owned()));
    }
    let session = parts.extensions.remove::<Session>();
    let session = session.ok_or_else(|| Error::Internal("the session layer is missing".to_owned()))?;
    let bytes = read_body(body, FORM_BYTES).await?;
    let mut form = SignInForm::default();
    for (name, value) in url::form_urlencoded::parse(&bytes) {
        match &*name {
            "name" => form.name = value.into_owned(),
            "email" => form.email = value.into_owned(),
            "password" => form.password = value.into_owned(),
            "next" => form.next = value.into_owned(),
            _ => {}
        }
    }
    Ok((session, form))
}

async fn open_session(session: &Session, user_id: &str, next: &str) -> Result<Response> {
    let internal = |error: tower_sessions::session::Error| Error::Internal(error.to_string());
    // A new id, so that one planted before the sign-in is worth nothing (ASVS 7.2.4).
    session.cycle_id().await.map_err(internal)?;
    session.insert(USER_ID, user_id).await.map_err(internal)?;
    Ok(see_other(&safe_next(next)))
}

fn back(page: &str, error: SignInError, form: &SignInForm) -> Result<Response> {
    if let SignInError::Database(error) = error {
        return Err(error.into());
    }
    if matches!(error, SignInError::Busy) {
        return Err(Error::Busy { retry_after_s: 2 });
    }
    let quoted = |text: &str| byte_serialize(text.as_bytes()).collect::<String>();
    let next = safe_next(&form.next);
    Ok(see_other(&format!("{page}?error={error}&email={}&next={}", quoted(&form.email), quoted(&next))))
}

fn see_other(target: &str) -> Response {
    let mut response = Redirect::to("/").into_response();
    if let Ok(value) = HeaderValue::from_str(target) {
        response.headers_mut().insert(axum::http::header::LOCATION, value);
    }
    response
}

/// A path of this site, or the start page: never another host.
fn safe_next(next: &str) -> String {
    let is_path = next.starts_with('/') && !next.starts_with("//") && !next.contains(['\\', '\t', '\n', '\r']);
    let base = url::Url::parse("http://own.invalid/").ok();
    let is_own = base
        .and_then(|base| base.join(next).ok())
        .is_some_and(|url| url.host_str() == Some("own.invalid") && url.username().is_empty());
    if is_path && is_own && !next.starts_with("/sign-") { next.to_owned() } else { "/activity".to_owned() }
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
