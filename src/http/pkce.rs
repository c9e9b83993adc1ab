//! Keys for apps: a person agrees on `/auth`, the app exchanges the code for a key
//! (OAuth with PKCE, as the original's clients speak it).

use std::net::IpAddr;
use std::sync::Arc;

use app::types::Envelope;
use app::types::Money;
use app::types::keys::LimitReset;
use app::types::pkce::{AuthCode, AuthKey, CreateCode, ExchangeCode};
use app::types::roles::Permission;
use axum::Json;
use axum::extract::{Request, State};
use axum::http::{HeaderValue, header};
use axum::response::{Html, IntoResponse as _, Response};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sha2::{Digest as _, Sha256};
use subtle::ConstantTimeEq as _;
use url::Url;

use super::address::Origin;
use super::audit::{Deed, note, note_as};
use super::caller::{Caller, admitted, is_own_site};
use super::inference::read_body;
use super::input::Body;
use super::place::chosen_workspace;
use super::sign_in::{quoted, see_other};
use crate::App;
use crate::accounts::{keys, new_id, new_secret};
use crate::clock::{parse_rfc3339, rfc3339};
use crate::error::{Error, Result};
use crate::flags::Flag;
use crate::store::codes::CodeRow;
use crate::store::keys::KeyRow;

/// How long a code waits for its app.
const CODE_LASTS_MS: i64 = 600_000;
const FORM_BYTES: u64 = 16 << 10;

/// Where a code may be sent: `https`, or plain `http` to this machine.
///
/// # Errors
/// 400 that says what is wrong with it.
pub fn checked_callback(text: &str) -> Result<Url> {
    let refuse = |why: &str| Error::bad_request("callback_url", format!("callback_url {why}"));
    if text.len() > 2_048 || text.contains(|c: char| c.is_control() || c.is_whitespace() || c == '\\') {
        return Err(refuse("must be one address of at most 2048 characters"));
    }
    let url = Url::parse(text).map_err(|_| refuse("must be an address such as https://app.example.org/callback"))?;
    let is_loopback = match url.host() {
        Some(url::Host::Domain(name)) => name == "localhost" || name.ends_with(".localhost"),
        Some(url::Host::Ipv4(address)) => IpAddr::from(address).is_loopback(),
        Some(url::Host::Ipv6(address)) => IpAddr::from(address).is_loopback(),
        None => return Err(refuse("must name a host")),
    };
    match url.scheme() {
        "https" => {}
        "http" if is_loopback => {}
        _ => return Err(refuse("must be https, or http on localhost")),
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err(refuse("must not hold a user name or password"));
    }
    if url.fragment().is_some() {
        return Err(refuse("must not have a fragment (#…)"));
    }
    Ok(url)
}

/// `POST /api/v1/auth/keys/code`: a code for the caller's organization.
///
/// # Errors
/// 400 naming the field, 403 without the right to make keys.
pub async fn create_code(
    State(app): State<Arc<App>>,
    caller: Caller,
    origin: Origin,
    Body(wanted): Body<CreateCode>,
) -> Result<Json<Envelope<AuthCode>>> {
    caller.check_recent(&app)?;
    Ok(Json(Envelope { data: issue(&app, &caller, &origin, wanted).await? }))
}

/// Passes while apps may ask for keys.
fn check_open(app: &App) -> Result<()> {
    if app.flags.is_on(Flag::AppKeys) {
        return Ok(());
    }
    let message =
        "Apps get no keys at the moment: the operator of this server has switched it off. Make a key on /keys instead.";
    Err(Error::Forbidden(message.to_owned()))
}

async fn issue(app: &App, caller: &Caller, origin: &Origin, wanted: CreateCode) -> Result<AuthCode> {
    caller.check(Permission::ManageOwnKeys)?;
    check_open(app)?;
    let url = checked_callback(&wanted.callback_url)?;
    let method = wanted.code_challenge_method.as_deref().unwrap_or("S256");
    let challenge = wanted.code_challenge.unwrap_or_default();
    if !["S256", "plain"].contains(&method) {
        return Err(Error::bad_request("code_challenge_method", "code_challenge_method must be S256 or plain"));
    }
    if challenge.len() > 256 || challenge.contains(|c: char| !c.is_ascii_graphic()) {
        return Err(Error::bad_request("code_challenge", "code_challenge must be at most 256 printable characters"));
    }
    if wanted.limit.is_some_and(|limit| limit.0 < 0) {
        return Err(Error::bad_request("limit", "limit must be 0 or more US dollars"));
    }
    let now = app.clock.now_ms();
    let key_expires_at = match wanted.expires_at.as_deref().filter(|text| !text.is_empty()) {
        None => None,
        Some(text) => {
            let remedy = "expires_at must be a future time such as 2027-01-31T00:00:00Z";
            let at = parse_rfc3339(text).filter(|at| *at > now);
            Some(at.ok_or_else(|| Error::bad_request("expires_at", remedy))?)
        }
    };
    let label = wanted.key_label.as_deref().map(str::trim).filter(|label| !label.is_empty());
    let key_name: String = label.map_or_else(|| url.host_str().unwrap_or("App").to_owned(), str::to_owned);
    let (code, code_hash) = new_secret();
    let row = CodeRow {
        code_hash,
        organization_id: caller.organization_id().to_owned(),
        workspace_id: chosen_workspace(app, caller, wanted.workspace_id.as_deref()).await?,
        user_id: caller.user_id().unwrap_or_default().to_owned(),
        callback_url: url.to_string(),
        challenge_method: if challenge.is_empty() { String::new() } else { method.to_owned() },
        challenge,
        key_name: key_name.chars().filter(|c| !c.is_control()).take(100).collect(),
        limit_nanos: wanted.limit.map(|limit| limit.0),
        limit_reset: wanted.usage_limit_type.map(|reset| reset.as_str().to_owned()),
        key_expires_at,
        created_at: now,
        expires_at: now + CODE_LASTS_MS,
        used_at: None,
        key_hash: None,
    };
    app.store.insert_code(&row).await?;
    let target = url.origin().ascii_serialization();
    note(app, caller, origin, Deed { action: "app.authorize", target: &target, detail: &row.key_name }).await?;
    // The original counts its apps; here the origin is the app.
    Ok(AuthCode { id: code, app_id: 0, created_at: rfc3339(now) })
}

/// `POST /api/v1/auth/keys`: a code for a key, once. A code shown a second time also
/// ends the key made of it: somebody has stolen it.
///
/// # Errors
/// 400 naming the field, 403 for a code or verifier that is wrong, used or too old.
pub async fn exchange_code(
    State(app): State<Arc<App>>,
    origin: Origin,
    Body(wanted): Body<ExchangeCode>,
) -> Result<Json<AuthKey>> {
    check_open(&app)?;
    let refuse = |why: &str| Error::Forbidden(why.to_owned());
    let row = app.store.code(&keys::hash(&wanted.code)).await?;
    let row = row.ok_or_else(|| refuse("Invalid code. Ask the person to agree again."))?;
    if let Some(hash) = row.key_hash.as_deref().filter(|_| row.used_at.is_some()) {
        revoke(&app, &row, hash, &origin).await?;
        return Err(refuse("This code was used before; the key made of it is ended. Ask the person to agree again."));
    }
    let now = app.clock.now_ms();
    if row.expires_at <= now {
        return Err(refuse("This code has expired. Ask the person to agree again."));
    }
    check_verifier(&row, &wanted)?;
    // Who agreed may have left since.
    let place = app.store.membership(&row.user_id, &row.organization_id, &row.workspace_id).await?;
    if !row.user_id.is_empty() && place.is_none() {
        return Err(refuse("The person who agreed does not belong to the organization any more."));
    }
    let fresh = keys::generate();
    if !app.store.use_code(&row.code_hash, &fresh.hash, now).await? {
        return Err(refuse("This code was used before. Ask the person to agree again."));
    }
    let user_id = Some(row.user_id.clone()).filter(|id| !id.is_empty());
    let key = KeyRow {
        id: new_id(now),
        hash: fresh.hash,
        label: fresh.label,
        name: row.key_name.clone(),
        organization_id: row.organization_id.clone(),
        workspace_id: row.workspace_id.clone(),
        creator_user_id: user_id.clone(),
        limit_nanos: row.limit_nanos,
        limit_reset: row.limit_reset.clone(),
        expires_at: row.key_expires_at,
        created_at: now,
        updated_at: now,
        ..KeyRow::default()
    };
    app.store.insert_key(&key).await?;
    let deed = Deed { action: "key.create", target: &key.hash, detail: &format!("{} (app)", key.name) };
    let actor = ("system", row.user_id.as_str(), row.callback_url.as_str());
    note_as(&app, &row.organization_id, actor, &origin, deed).await?;
    Ok(Json(AuthKey { key: fresh.text, user_id }))
}

async fn revoke(app: &App, row: &CodeRow, hash: &str, origin: &Origin) -> Result<()> {
    let Some(mut key) = app.store.key_by_hash(hash).await? else { return Ok(()) };
    let now = app.clock.now_ms();
    (key.deleted_at, key.updated_at) = (Some(now), now);
    app.store.update_key(&key).await?;
    app.keys.forget(hash);
    let deed = Deed { action: "key.delete", target: hash, detail: "its code was shown a second time" };
    note_as(app, &row.organization_id, ("system", "", &row.callback_url), origin, deed).await
}

fn check_verifier(row: &CodeRow, wanted: &ExchangeCode) -> Result<()> {
    if let Some(method) = wanted.code_challenge_method.as_deref() {
        if !["S256", "plain"].contains(&method) {
            return Err(Error::bad_request("code_challenge_method", "code_challenge_method must be S256 or plain"));
        }
        if !row.challenge_method.is_empty() && method != row.challenge_method {
            let message = "code_challenge_method is not the one the code was asked for with";
            return Err(Error::bad_request("code_challenge_method", message));
        }
    }
    if row.challenge.is_empty() {
        return Ok(());
    }
    let verifier = wanted.code_verifier.as_deref().unwrap_or_default();
    let shown = match row.challenge_method.as_str() {
        "S256" => URL_SAFE_NO_PAD.encode(Sha256::digest(verifier.as_bytes())),
        _ => verifier.to_owned(),
    };
    if bool::from(shown.as_bytes().ct_eq(row.challenge.trim_end_matches('=').as_bytes())) {
        return Ok(());
    }
    Err(Error::Forbidden("Invalid code_verifier: it does not fit the challenge.".to_owned()))
}

/// `POST /auth/approve`: the person agrees; the browser goes to the app with the code.
///
/// # Errors
/// 403 for a form of another site, 400 naming the field.
pub async fn approve(State(app): State<Arc<App>>, request: Request) -> Result<Response> {
    let (parts, body) = request.into_parts();
    if !is_own_site(&parts.headers, &parts.method) {
        return Err(Error::Forbidden("This form may only be sent from this site's own pages.".to_owned()));
    }
    let origin = Origin::read(&parts, &app);
    let Some(caller) = admitted(&parts, &app).await? else { return Ok(see_other("/sign-in")) };
    let bytes = read_body(body, FORM_BYTES).await?;
    let mut wanted = CreateCode::default();
    let (mut state, mut again) = (None, String::from("/auth?"));
    for (name, value) in url::form_urlencoded::parse(&bytes) {
        let value = value.into_owned();
        if value.is_empty() {
            continue;
        }
        again = format!("{again}{}={}&", quoted(&name), quoted(&value));
        match &*name {
            "callback_url" => wanted.callback_url = value,
            "code_challenge" => wanted.code_challenge = Some(value),
            "code_challenge_method" => wanted.code_challenge_method = Some(value),
            "key_label" => wanted.key_label = Some(value),
            "expires_at" => wanted.expires_at = Some(value),
            "workspace_id" => wanted.workspace_id = Some(value),
            "usage_limit_type" => wanted.usage_limit_type = value.parse::<LimitReset>().ok(),
            "state" => state = Some(value),
            "limit" => {
                let amount = value.trim_start_matches('$').parse::<Money>();
                wanted.limit = Some(amount.map_err(|_| Error::bad_request("limit", "limit must be US dollars"))?);
            }
            _ => {}
        }
    }
    if caller.check_recent(&app).is_err() {
        return Ok(see_other(&format!("/confirm?next={}", quoted(&again))));
    }
    let mut url = checked_callback(&wanted.callback_url)?;
    let code = issue(&app, &caller, &origin, wanted).await?;
    url.query_pairs_mut().append_pair("code", &code.id);
    if let Some(state) = state {
        url.query_pairs_mut().append_pair("state", &state);
    }
    Ok(lead_away(&url))
}

/// A page that leads on by itself: `form-action` of our pages forbids a redirect to
/// another site as the answer to a form.
fn lead_away(url: &Url) -> Response {
    let target = escaped(url.as_str());
    let page = format!(
        "<!DOCTYPE html><html lang=\"en\"><head><meta charset=\"utf-8\"><title>Back to the app</title>\
         <meta http-equiv=\"refresh\" content=\"0;url={target}\"></head>\
         <body><p>Going back to the app. <a href=\"{target}\">Go now</a></p></body></html>"
    );
    let policy = "default-src 'none'; form-action 'none'; frame-ancestors 'none'; base-uri 'none'";
    let headers = [
        (header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(policy)),
        (header::REFERRER_POLICY, HeaderValue::from_static("no-referrer")),
        (header::CACHE_CONTROL, HeaderValue::from_static("no-store")),
    ];
    (headers, Html(page)).into_response()
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('"', "&quot;").replace('<', "&lt;").replace('>', "&gt;").replace('\'', "&#39;")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_go_to_https_or_to_this_machine() {
        for good in ["https://app.example/cb?x=1", "http://localhost:3000/cb", "http://127.0.0.1:9/", "http://[::1]/"] {
            assert!(checked_callback(good).is_ok(), "{good}");
        }
        for bad in [
            "",
            "http://app.example/cb",
            "javascript:alert(1)",
            "https://user@app.example/",
            "https://app.example/#x",
            "//app.example",
            "http://localhost.evil.example/",
            "https://app.example\\@evil/",
            "data:text/html,x",
        ] {
            assert!(checked_callback(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_verifier_must_fit_its_challenge() {
        // The example of RFC 7636, appendix B.
        let row = CodeRow {
            challenge: "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM".into(),
            challenge_method: "S256".into(),
            ..CodeRow::default()
        };
        let with =
            |verifier: &str| ExchangeCode { code_verifier: Some(verifier.to_owned()), ..ExchangeCode::default() };
        assert!(check_verifier(&row, &with("dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk")).is_ok());
        assert!(check_verifier(&row, &with("another")).is_err());
        assert!(check_verifier(&row, &ExchangeCode::default()).is_err());
    }
}
