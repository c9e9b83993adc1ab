//! The second step at sign-in: switching it on and off, and its codes.

use std::fmt::Write as _;
use std::sync::Arc;

use app::types::Envelope;
use app::types::account::{EndSecondFactor, RecoveryCodes, Said, SecondFactor, SecondFactorCode, SecondFactorSetup};
use app::types::error::ErrorBody;
use axum::extract::State;
use axum::{Extension, Json};
use qrcodegen::{QrCode, QrCodeEcc};
use tower_sessions::Session;
use url::form_urlencoded::byte_serialize;
use utoipa::OpenApi;

use super::account::refusal;
use super::address::Origin;
use super::audit::{Deed, note, note_as};
use super::caller::Caller;
use super::input::Body;
use super::organizations::user_of;
use crate::App;
use crate::accounts::second_factor::{self, FactorError, Proof};
use crate::accounts::sessions::digest;
use crate::accounts::users::SignInError;
use crate::clock::rfc3339;
use crate::error::{Error, Result};
use crate::store::accounts::UserRow;
use crate::store::letters::Letter;
use crate::store::second_factor::AuthenticatorRow;

/// The part of the API's description that is about the second step.
#[derive(OpenApi)]
#[openapi(paths(
    show_second_factor,
    begin_second_factor,
    confirm_second_factor,
    replace_recovery_codes,
    end_second_factor
))]
pub struct Description;

/// What keeps a code from being taken, as a caller reads it.
fn complaint(error: FactorError) -> Error {
    match error {
        FactorError::Wrong => Error::bad_request(
            "code",
            "code: this code is wrong, too old or was used before. Wait for the app's next one; is the phone's clock right?",
        ),
        FactorError::Off => {
            Error::bad_request("", "No second step is on. Begin with POST /api/v1/account/second-factor.")
        }
        FactorError::On => Error::bad_request("", "The second step is on already. Switch it off to change the app."),
        FactorError::Vault(error) => Error::bad_request("", format!("The second step cannot be used: {error}.")),
        FactorError::Database(error) => error.into(),
    }
}

/// What wrong codes are counted under.
pub(super) fn patience(user_id: &str) -> String {
    format!("second-factor:{user_id}")
}

/// Takes a code of a person, at most five wrong ones in a row, and writes down a used
/// recovery code.
///
/// # Errors
/// 400 for a wrong code, 429 after too many.
pub async fn take_code(app: &App, user: &UserRow, code: &str, origin: &Origin) -> Result<()> {
    let patience = patience(&user.id);
    app.users.check_patience(&patience).map_err(|error| refusal(error, "code"))?;
    // Counted before it is looked at, so that many at once are not all free.
    app.users.note_failure(&patience);
    let proof = second_factor::check(&app.store, &app.vault, &user.id, code, app.clock.now_ms()).await;
    let proof = proof.map_err(complaint)?;
    app.users.forget_failures(&patience);
    if proof == Proof::RecoveryCode {
        let left = app.store.recovery_codes_left(&user.id).await?;
        let detail = format!("{left} left");
        note_own(app, user, origin, "recovery-code.use", &detail).await?;
    }
    Ok(())
}

/// A line in the audit log of the organization a person joined first.
pub(super) async fn note_own(app: &App, user: &UserRow, origin: &Origin, action: &str, detail: &str) -> Result<()> {
    let Some(own) = app.store.first_membership(&user.id).await? else { return Ok(()) };
    let deed = Deed { action, target: &user.email, detail };
    note_as(app, &own.organization_id, ("user", &user.id, &user.email), origin, deed).await
}

/// A letter about the security of a person's account; nobody can decline those.
///
/// # Errors
/// Any database error.
pub(super) async fn tell(app: &App, user: &UserRow, subject: &str, what: &str) -> Result<()> {
    let site = app.config.public_url();
    let text = format!(
        "{what}\n\nIf it was not you, choose a new password and look at how your account is opened:\n\n{site}/settings\n"
    );
    Ok(app.mail.post(&Letter { to: user.email.clone(), subject: subject.to_owned(), text }).await?)
}

/// Shows whether signing in asks for a code, and what an app needs while that is begun.
#[utoipa::path(get, path = "/account/second-factor", tag = "account",
    responses((status = 200, body = Envelope<SecondFactor>), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody)))]
pub async fn show_second_factor(State(app): State<Arc<App>>, caller: Caller) -> Result<Json<Envelope<SecondFactor>>> {
    let user = user_of(&caller)?;
    let Some(row) = app.store.authenticator(&user.id).await? else {
        return Ok(Json(Envelope { data: SecondFactor::default() }));
    };
    let data = match row.confirmed_at {
        Some(then) => SecondFactor {
            is_on: true,
            since: Some(rfc3339(then)),
            recovery_codes_left: app.store.recovery_codes_left(&user.id).await?,
            setup: None,
        },
        // The secret is for who has just given the password, on whatever screen.
        None if caller.check_recent(&app).is_ok() => {
            SecondFactor { setup: Some(setup(&app, user, &row)?), ..SecondFactor::default() }
        }
        None => SecondFactor::default(),
    };
    Ok(Json(Envelope { data }))
}

/// Begins: makes the secret that an authenticator app takes over. Nothing changes at
/// sign-in until a first code is given.
#[utoipa::path(post, path = "/account/second-factor", tag = "account",
    responses((status = 200, body = Envelope<SecondFactorSetup>), (status = 400, body = ErrorBody), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody)))]
pub async fn begin_second_factor(
    State(app): State<Arc<App>>,
    caller: Caller,
) -> Result<Json<Envelope<SecondFactorSetup>>> {
    let user = user_of(&caller)?;
    caller.check_recent(&app)?;
    second_factor::begin(&app.store, &app.vault, &user.id, app.clock.now_ms()).await.map_err(complaint)?;
    let row = app.store.authenticator(&user.id).await?.ok_or_else(|| complaint(FactorError::Off))?;
    Ok(Json(Envelope { data: setup(&app, user, &row)? }))
}

/// Switches it on with a first code, gives the recovery codes this once, and signs every
/// other session out.
#[utoipa::path(post, path = "/account/second-factor/confirm", tag = "account",
    request_body = SecondFactorCode,
    responses((status = 200, body = Envelope<RecoveryCodes>), (status = 400, body = ErrorBody), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody), (status = 429, body = ErrorBody)))]
pub async fn confirm_second_factor(
    State(app): State<Arc<App>>,
    Extension(session): Extension<Session>,
    caller: Caller,
    origin: Origin,
    Body(given): Body<SecondFactorCode>,
) -> Result<Json<Envelope<RecoveryCodes>>> {
    let user = user_of(&caller)?;
    caller.check_recent(&app)?;
    let patience = patience(&user.id);
    app.users.check_patience(&patience).map_err(|error| refusal(error, "code"))?;
    app.users.note_failure(&patience);
    let codes = second_factor::confirm(&app.store, &app.vault, &user.id, &given.code, app.clock.now_ms()).await;
    let recovery_codes = codes.map_err(complaint)?;
    app.users.forget_failures(&patience);
    let own = session.id().map(digest).unwrap_or_default();
    app.store.end_other_sessions(&user.id, &own).await?;
    note(&app, &caller, &origin, Deed { action: "second-factor.on", target: &user.email, detail: "" }).await?;
    tell(&app, user, "Your second step is on", "Signing in to your account asks for a code from now on.").await?;
    let message = "Signing in asks for a code from now on, and every other session is signed out. Keep these recovery \
                   codes where you will find them without your phone: each lets you in once, and they are shown only now."
        .to_owned();
    Ok(Json(Envelope { data: RecoveryCodes { message, recovery_codes } }))
}

/// Makes new recovery codes; the old ones stop working.
#[utoipa::path(post, path = "/account/second-factor/recovery-codes", tag = "account",
    request_body = SecondFactorCode,
    responses((status = 200, body = Envelope<RecoveryCodes>), (status = 400, body = ErrorBody), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody), (status = 429, body = ErrorBody)))]
pub async fn replace_recovery_codes(
    State(app): State<Arc<App>>,
    caller: Caller,
    origin: Origin,
    Body(given): Body<SecondFactorCode>,
) -> Result<Json<Envelope<RecoveryCodes>>> {
    let user = user_of(&caller)?;
    caller.check_recent(&app)?;
    take_code(&app, user, &given.code, &origin).await?;
    let codes = second_factor::replace_codes(&app.store, &app.vault, &user.id).await.map_err(complaint)?;
    note(&app, &caller, &origin, Deed { action: "recovery-code.replace", target: &user.email, detail: "" }).await?;
    let message = "These are your new recovery codes, shown only now. The old ones no longer work.".to_owned();
    Ok(Json(Envelope { data: RecoveryCodes { message, recovery_codes: codes } }))
}

/// Switches it off; takes the password and a code.
#[utoipa::path(post, path = "/account/second-factor/off", tag = "account",
    request_body = EndSecondFactor,
    responses((status = 200, body = Envelope<Said>), (status = 400, body = ErrorBody), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody), (status = 429, body = ErrorBody)))]
pub async fn end_second_factor(
    State(app): State<Arc<App>>,
    caller: Caller,
    origin: Origin,
    Body(given): Body<EndSecondFactor>,
) -> Result<Json<Envelope<Said>>> {
    let user = user_of(&caller)?;
    let proof = app.users.sign_in(&user.email, &given.password).await;
    proof.map_err(|error: SignInError| refusal(error, "password"))?;
    take_code(&app, user, &given.code, &origin).await?;
    app.store.delete_authenticator(&user.id).await?;
    note(&app, &caller, &origin, Deed { action: "second-factor.off", target: &user.email, detail: "" }).await?;
    tell(&app, user, "Your second step is off", "Signing in to your account asks for the password alone again.")
        .await?;
    let message = "Signing in asks for your password alone again.".to_owned();
    Ok(Json(Envelope { data: Said { message } }))
}

fn setup(app: &App, user: &UserRow, row: &AuthenticatorRow) -> Result<SecondFactorSetup> {
    let secret = second_factor::secret_text(&app.vault, row).map_err(complaint)?;
    let account: String = byte_serialize(user.email.as_bytes()).collect();
    // Apps read a plus as a plus.
    let account = account.replace('+', "%20");
    let uri = format!("otpauth://totp/Patchbay:{account}?secret={secret}&issuer=Patchbay");
    let (qr_size, qr_path) = drawn(&uri)?;
    Ok(SecondFactorSetup { secret, uri, qr_size, qr_path })
}

/// A QR code as the path of its dark modules, with its quiet zone.
fn drawn(text: &str) -> Result<(i32, String)> {
    /// Light modules that readers want around a code.
    const QUIET: i32 = 4;
    let code = QrCode::encode_text(text, QrCodeEcc::Medium).map_err(|error| Error::Internal(error.to_string()))?;
    let mut path = String::new();
    for y in 0..code.size() {
        for x in (0..code.size()).filter(|x| code.get_module(*x, y)) {
            let _ = write!(path, "M{},{}h1v1h-1z", x + QUIET, y + QUIET);
        }
    }
    Ok((code.size() + 2 * QUIET, path))
}
