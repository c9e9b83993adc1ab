//! Plain forms for every call of the API: what a page can do without a script.
//!
//! A form posts to `/form` which call to make (`_method`, `_path`), its fields, and
//! where to go afterwards (`_next`). What came of it is shown once, on the next page.

use std::sync::Arc;

use app::types::locale::Locale;
use app::types::session::{Notice, Undo};
use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::{Request, State};
use axum::http::request::Parts;
use axum::http::{HeaderValue, Method, StatusCode, header};
use axum::response::Response;
use axum::routing::post;
use serde_json::{Map, Value, json};
use tower::ServiceExt as _;
use tower_sessions::Session;

use super::caller::is_own_site;
use super::inference::read_body;
use super::sign_in::{quoted, safe_next, see_other};
use crate::error::{Error, Result};

/// The largest form, bytes.
const FORM_BYTES: u64 = 64 << 10;
/// The largest answer that is looked at, bytes.
const ANSWER_BYTES: usize = 4 << 20;
/// Where in a session the outcome waits for the next page.
pub const NOTICE: &str = "notice";

/// What the handler shares.
struct Forms {
    api: Router,
}

/// The routes; `api` is called in process, as the visitor.
pub fn router(api: Router) -> Router {
    Router::new()
        .route("/form", post(submit))
        .route("/formats", post(choose_formats))
        .with_state(Arc::new(Forms { api }))
}

/// A form, read.
#[derive(Debug, Default, PartialEq)]
struct Form {
    method: String,
    path: String,
    next: String,
    done: String,
    /// JSON of the [`Undo`] that the next page offers.
    undo: String,
    body: Map<String, Value>,
}

impl Form {
    /// A field's name may end in what it is: `limit:number`, `names:list`, `on:flag`,
    /// `ids:array` (one field each), `text:optional` and `names:optional-list` (empty is
    /// null), `rules:json`. One with a dot is a field of an object: `config.url`.
    fn read(bytes: &[u8]) -> Self {
        let mut form = Self::default();
        for (name, value) in url::form_urlencoded::parse(bytes) {
            let value = value.into_owned();
            match &*name {
                "_method" => form.method = value,
                "_path" => form.path = value,
                "_next" => form.next = value,
                "_done" => form.done = value,
                "_undo" => form.undo = value,
                // The whole body, as whoever wrote the form knew it.
                "_body" => form.body.extend(serde_json::from_str::<Map<String, Value>>(&value).unwrap_or_default()),
                _ => form.field(&name, value),
            }
        }
        form
    }

    fn field(&mut self, name: &str, value: String) {
        let (name, kind) = name.split_once(':').unwrap_or((name, ""));
        let value = match kind {
            "optional" | "optional-list" | "number" if value.trim().is_empty() => Value::Null,
            "number" => serde_json::from_str(value.trim().trim_start_matches('$')).unwrap_or(Value::String(value)),
            "json" => serde_json::from_str(&value).unwrap_or(Value::String(value)),
            "flag" => Value::Bool(!matches!(value.as_str(), "" | "0" | "false")),
            "list" | "optional-list" => {
                value.split([',', ' ', '\n', '\r', '\t']).filter(|word| !word.is_empty()).collect()
            }
            "array" => {
                let list = self.body.entry(name).or_insert_with(|| Value::Array(Vec::new()));
                if let Value::Array(list) = list {
                    list.push(Value::String(value));
                }
                return;
            }
            _ => Value::String(value),
        };
        match name.split_once('.') {
            Some((object, name)) => {
                let object = self.body.entry(object).or_insert_with(|| Value::Object(Map::new()));
                if let Value::Object(object) = object {
                    object.insert(name.to_owned(), value);
                }
            }
            None => {
                self.body.insert(name.to_owned(), value);
            }
        }
    }
}

/// `POST /form`
///
/// # Errors
/// 403 for a form of another site, 400 for one that names no call of the API.
async fn submit(State(forms): State<Arc<Forms>>, request: Request) -> Result<Response> {
    let (mut parts, body) = request.into_parts();
    if !is_own_site(&parts.headers, &parts.method) {
        return Err(Error::Forbidden("This form may only be sent from this site's own pages.".to_owned()));
    }
    let form = Form::read(&read_body(body, FORM_BYTES).await?);
    let method = match form.method.as_str() {
        "PATCH" => Method::PATCH,
        "PUT" => Method::PUT,
        "DELETE" => Method::DELETE,
        _ => Method::POST,
    };
    if !form.path.starts_with("/api/v1/") || form.path.contains(['\r', '\n', ' ']) {
        return Err(Error::bad_request("_path", "This form names no call of the API."));
    }
    let answer = call(&forms, &parts, method, &form.path, &Value::Object(form.body)).await?;
    let (head, body) = answer.into_parts();
    let body = to_bytes(body, ANSWER_BYTES).await.map_err(|error| Error::Internal(error.to_string()))?;
    let next = safe_next(&form.next);
    let next_quoted = quoted(&next);
    let answer: Value = serde_json::from_slice(&body).unwrap_or_default();
    if head.status == StatusCode::UNAUTHORIZED {
        return Ok(see_other(&format!("/sign-in?next={next_quoted}")));
    }
    let kind = answer.pointer("/error/metadata/error_type").and_then(Value::as_str);
    if kind == Some("confirmation_required") {
        return Ok(see_other(&format!("/confirm?next={next_quoted}")));
    }
    let mut response = see_other(&next);
    // A call that only wrote into the session leaves it where it was.
    let known = parts.headers.get(header::COOKIE).and_then(|cookies| cookies.to_str().ok()).unwrap_or_default();
    let is_known = |cookie: &HeaderValue| {
        let pair = cookie.to_str().ok().and_then(|text| text.split(';').next()).unwrap_or_default();
        known.split(';').any(|own| own.trim() == pair)
    };
    let cookies = head.headers.get_all(header::SET_COOKIE).iter().filter(|cookie| !is_known(cookie)).cloned();
    let cookies: Vec<HeaderValue> = cookies.collect();
    if !cookies.is_empty() {
        // The call opened or ended a session: there is nowhere to leave a notice.
        for cookie in cookies {
            response.headers_mut().append(header::SET_COOKIE, cookie);
        }
        return Ok(response);
    }
    let session = parts.extensions.remove::<Session>();
    let session = session.ok_or_else(|| Error::Internal("the session layer is missing".to_owned()))?;
    let mut notice = outcome(&answer, form.done);
    if !notice.is_problem {
        let undo = serde_json::from_str(&form.undo).ok();
        notice.undo = undo.map(|undo: Undo| Undo { next: next.clone(), ..undo });
    }
    session.insert(NOTICE, notice).await?;
    Ok(response)
}

/// Calls the API as who sent the form.
async fn call(forms: &Forms, parts: &Parts, method: Method, path: &str, body: &Value) -> Result<Response> {
    let mut call = axum::http::Request::builder().method(method).uri(path);
    for name in [header::COOKIE, header::HOST, header::USER_AGENT, header::HeaderName::from_static("x-forwarded-for")] {
        if let Some(value) = parts.headers.get(&name) {
            call = call.header(name, value.clone());
        }
    }
    let call = call.header("sec-fetch-site", "same-origin").header(header::CONTENT_TYPE, "application/json");
    let mut call = call
        .body(Body::from(body.to_string()))
        .map_err(|_| Error::bad_request("_path", "This form names no call of the API."))?;
    if let Some(peer) = parts.extensions.get::<super::address::Peer>() {
        call.extensions_mut().insert(*peer);
    }
    let Ok(answer) = forms.api.clone().oneshot(call).await;
    Ok(answer)
}

/// The cookie that says how numbers and days are written; without a locale, one that ends it.
#[must_use]
pub fn formats_cookie(locale: Option<&Locale>) -> HeaderValue {
    let gone = "formats=; Path=/; Max-Age=0; SameSite=Lax";
    let text = locale.map(|locale| format!("formats={}; Path=/; Max-Age=31536000; SameSite=Lax", locale.tag));
    text.and_then(|text| HeaderValue::from_str(&text).ok()).unwrap_or(HeaderValue::from_static(gone))
}

/// `POST /formats`: how this browser's visitor writes numbers and days; anything unknown is as the browser says.
/// For a person who is signed in it is kept with the account, too.
///
/// # Errors
/// 403 for a form of another site.
async fn choose_formats(State(forms): State<Arc<Forms>>, request: Request) -> Result<Response> {
    let (parts, body) = request.into_parts();
    if !is_own_site(&parts.headers, &parts.method) {
        return Err(Error::Forbidden("This form may only be sent from this site's own pages.".to_owned()));
    }
    let mut form = Form::read(&read_body(body, FORM_BYTES).await?);
    let chosen = form.body.remove("formats");
    let locale = chosen.as_ref().and_then(Value::as_str).and_then(Locale::of);
    let change = json!({ "formats": locale.map_or("", |locale| locale.tag) });
    // A visitor has no account to keep it with, and is refused.
    call(&forms, &parts, Method::PATCH, "/api/v1/account", &change).await?;
    let mut response = see_other(&safe_next(&form.next));
    response.headers_mut().append(header::SET_COOKIE, formats_cookie(locale));
    Ok(response)
}

/// What the next page says.
fn outcome(answer: &Value, done: String) -> Notice {
    if let Some(problem) = answer.pointer("/error/message").and_then(Value::as_str) {
        return Notice { is_problem: true, text: problem.to_owned(), secrets: Vec::new(), undo: None };
    }
    let text = |name: &str| answer.get(name).and_then(Value::as_str).map(str::to_owned);
    let mut secrets: Vec<String> = ["key", "link"].into_iter().filter_map(text).collect();
    if let Some(codes) = answer.pointer("/data/recovery_codes").and_then(Value::as_array) {
        secrets.extend(codes.iter().filter_map(Value::as_str).map(str::to_owned));
    }
    let said = answer.pointer("/data/message").and_then(Value::as_str).map(str::to_owned);
    let fallback = if done.is_empty() { "Done.".to_owned() } else { done };
    Notice { is_problem: false, text: said.unwrap_or(fallback), secrets, undo: None }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_become_what_their_names_say() {
        let form = Form::read(
            b"_method=PUT&_path=/api/v1/x&limit:number=1.5&other:number=&names:list=a,b+c&on:flag=1&ids:array=x&ids:array=y&plain=z&in.a=1&in.b:flag=1",
        );
        let expected = json!({ "limit": 1.5, "other": null, "names": ["a", "b", "c"], "on": true, "ids": ["x", "y"],
            "plain": "z", "in": { "a": "1", "b": true } });
        assert_eq!((form.method.as_str(), Value::Object(form.body)), ("PUT", expected));
    }
}
