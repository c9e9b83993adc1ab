//! Passkeys as a way in: instead of e-mail and password, of the code, and of the password once more.
//!
//! Both steps come from the small script of those pages; the second is a plain form, so that
//! what follows is the same as after a password.

use std::sync::Arc;

use app::types::Envelope;
use app::types::account::PasskeySetup;
use axum::Json;
use axum::extract::{Request, State};
use axum::http::request::Parts;
use axum::response::Response;
use serde::{Deserialize, Serialize};
use time::Duration;
use tower_sessions::{Expiry, Session};

use super::account::refusal;
use super::address::Origin;
use super::caller::{Caller, person};
use super::second_factor::{note_own, patience, tell};
use super::sign_in::{asked_user, household, open_session, prove, quoted, read_form, safe_next, see_other};
use crate::App;
use crate::accounts::passkeys::{self, LASTS_MS, PasskeyError, Site};
use crate::accounts::sessions::USER_ID;
use crate::accounts::users::SignInError;
use crate::error::{Error, Result};
use crate::store::accounts::UserRow;
use crate::store::passkeys::PasskeyRow;

/// Where in a session the challenge stands.
const CHALLENGE: &str = "passkey";

/// What a passkey is made or asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Purpose {
    Make,
    SignIn,
    /// In place of the second step's code.
    Code,
    /// In place of the password once more.
    Confirm,
}

impl Purpose {
    /// As the page's form says it.
    fn of(text: &str) -> Self {
        match text {
            "code" => Self::Code,
            "confirm" => Self::Confirm,
            _ => Self::SignIn,
        }
    }

    const fn page(self) -> &'static str {
        match self {
            Self::Code => "/sign-in/code",
            Self::Confirm => "/confirm",
            Self::Make | Self::SignIn => "/sign-in",
        }
    }
}

/// A challenge that waits for its answer.
#[derive(Debug, Serialize, Deserialize)]
pub struct Pending {
    purpose: Purpose,
    /// Who answers, where that is known.
    pub user_id: Option<String>,
    pub state: String,
    began_at: i64,
}

/// Where passkeys of this server are valid, if anywhere.
pub fn site(app: &App) -> Option<Site> {
    Site::at(&app.config.public_url())
}

/// As [`site`], for what cannot go on without.
///
/// # Errors
/// 400 that says what the operator has to do.
pub fn needed_site(app: &App) -> Result<Site> {
    site(app).ok_or_else(|| {
        let here = app.config.public_url();
        let message = format!(
            "Browsers know passkeys only over https under a name, or at http://localhost, and this server is set up as \
             {here}. Its operator changes that with `base_url`."
        );
        Error::bad_request("", message)
    })
}

/// Keeps a challenge in the session; the one before is worth nothing.
///
/// # Errors
/// When the session cannot be kept.
pub async fn keep(app: &App, session: &Session, purpose: Purpose, user_id: Option<&str>, state: String) -> Result<()> {
    let pending = Pending { purpose, user_id: user_id.map(str::to_owned), state, began_at: app.clock.now_ms() };
    Ok(session.insert(CHALLENGE, pending).await?)
}

/// Takes the challenge out, so that it is answered once; `None` when it is old or for something else.
///
/// # Errors
/// When the session cannot be kept.
pub async fn take(app: &App, session: &Session, purpose: Purpose) -> Result<Option<Pending>> {
    let pending = session.remove::<Pending>(CHALLENGE).await?;
    let now = app.clock.now_ms();
    Ok(pending.filter(|one| one.purpose == purpose && one.began_at + LASTS_MS > now))
}

/// Whether who owes a code in this session has a passkey to give instead.
///
/// # Errors
/// Any database error.
pub async fn is_asked(app: &App, parts: &Parts) -> Result<bool> {
    let Some(session) = parts.extensions.get::<Session>() else { return Ok(false) };
    if site(app).is_none() {
        return Ok(false);
    }
    match asked_user(app, session).await? {
        Some(user) => Ok(!app.store.passkeys_of(&user.id).await?.is_empty()),
        None => Ok(false),
    }
}

/// Who has to answer: nobody knows at sign-in.
async fn expected(app: &Arc<App>, parts: &Parts, session: &Session, purpose: Purpose) -> Result<Option<UserRow>> {
    match purpose {
        Purpose::Make | Purpose::SignIn => Ok(None),
        Purpose::Code => asked_user(app, session).await,
        Purpose::Confirm => Ok(match person(parts, app).await? {
            Some(Caller::Person { user, .. }) => Some(user),
            _ => None,
        }),
    }
}

/// `POST /sign-in/passkey/begin`: what `navigator.credentials.get()` takes. The field `for` is
/// `code`, `confirm`, or nothing.
///
/// # Errors
/// 403 for a form of another site, 400 where there is no passkey to ask for, 429 after too many.
pub async fn begin(State(app): State<Arc<App>>, request: Request) -> Result<Json<Envelope<PasskeySetup>>> {
    let (parts, body) = request.into_parts();
    let (session, origin, form) = read_form(&app, Request::from_parts(parts.clone(), body)).await?;
    let site = needed_site(&app)?;
    if !app.users.admit_address(&format!("passkey:{}", household(&origin))) {
        return Err(refusal(SignInError::Throttled, ""));
    }
    let purpose = Purpose::of(&form.purpose);
    let user = expected(&app, &parts, &session, purpose).await?;
    let known = match &user {
        Some(user) => Some(app.store.passkeys_of(&user.id).await?),
        None if purpose == Purpose::SignIn => None,
        None => return Err(Error::bad_request("for", "Sign in first, then try again.")),
    };
    if known.as_ref().is_some_and(Vec::is_empty) {
        return Err(Error::bad_request("for", "You have no passkey here. Add one on /settings/passkeys."));
    }
    let begun = passkeys::begin_proof(&site, known.as_deref()).map_err(|error| Error::Internal(error.to_string()))?;
    keep(&app, &session, purpose, user.as_ref().map(|user| user.id.as_str()), begun.state).await?;
    if purpose == Purpose::SignIn && session.get_value(USER_ID).await?.is_none() {
        // A visitor who only looks at the page leaves nothing behind for long.
        session.set_expiry(Some(Expiry::OnInactivity(Duration::milliseconds(2 * LASTS_MS))));
    }
    Ok(Json(Envelope { data: PasskeySetup { options: begun.options } }))
}

/// `POST /sign-in/passkey`: the browser's answer.
///
/// # Errors
/// 403 for a form of another site; what cannot be taken redirects back to the page.
pub async fn finish(State(app): State<Arc<App>>, request: Request) -> Result<Response> {
    let (parts, body) = request.into_parts();
    let (session, origin, form) = read_form(&app, Request::from_parts(parts.clone(), body)).await?;
    let site = needed_site(&app)?;
    let purpose = Purpose::of(&form.purpose);
    let back = |code: &str| {
        let next = quoted(&safe_next(&form.next));
        Ok(see_other(&format!("{}?error={code}&next={next}", purpose.page())))
    };
    if !app.users.admit_address(&household(&origin)) {
        return back("throttled");
    }
    let Some(pending) = take(&app, &session, purpose).await? else { return back("passkey_late") };
    // Still who it was when the challenge was given.
    let user = expected(&app, &parts, &session, purpose).await?;
    if user.as_ref().map(|user| &user.id) != pending.user_id.as_ref() {
        return back("passkey_late");
    }
    let patience = user.as_ref().map(|user| patience(&user.id));
    if let Some(patience) = &patience {
        if app.users.check_patience(patience).is_err() {
            return back("throttled");
        }
        app.users.note_failure(patience);
    }
    let state = (pending.state.as_str(), purpose == Purpose::SignIn);
    let proof = passkeys::finish_proof(&app.store, &site, state, &form.credential, app.clock.now_ms()).await;
    let row = match proof {
        Ok(row) => row,
        Err(PasskeyError::Database(error)) => return Err(error.into()),
        Err(PasskeyError::Copied(row)) => {
            warn(&app, &origin, &row).await?;
            return back("passkey_copied");
        }
        Err(error) => {
            tracing::info!(%error, "A passkey was not accepted");
            return back("passkey");
        }
    };
    if user.as_ref().is_some_and(|user| user.id != row.user_id) {
        return back("passkey");
    }
    // Nobody who is suspended, nor whose account has ended.
    let Some(user) = app.store.user(&row.user_id).await? else { return back("passkey") };
    if let Some(patience) = &patience {
        app.users.forget_failures(patience);
    }
    if purpose == Purpose::Confirm {
        return prove(&app, &session, &form.next).await;
    }
    open_session(&app, &session, &user.id, &origin, &form.next).await
}

/// Somebody used what may be a copy: its owner must know.
async fn warn(app: &App, origin: &Origin, row: &PasskeyRow) -> Result<()> {
    let Some(user) = app.store.user(&row.user_id).await? else { return Ok(()) };
    note_own(app, &user, origin, "passkey.refuse", &format!("{}: its counter went back", row.name)).await?;
    let what = format!(
        "Somebody tried to sign in with the passkey \"{}\" and was refused: it counts its uses, and the count went back, \
         as if there were a copy of it. Remove it if you cannot say why.",
        row.name
    );
    tell(app, &user, "A passkey was refused", &what).await
}
