//! One page: rendered with the visitor's own rights, and told to the browser with its policy.

use std::sync::Arc;

use app::api::{Api, Sent};
use app::shell::{PageRequest, PageStatus, document};
use app::types::error::{ErrorBody, ErrorDetail};
use app::types::locale::{Locale, Within};
use axum::body::{Body, Bytes, to_bytes};
use axum::extract::{Request, State};
use axum::http::header::{self, HeaderMap, HeaderName, HeaderValue};
use axum::http::{Method, StatusCode};
use axum::response::{IntoResponse as _, Response};
use axum::{Json, Router};
use leptos::nonce::Nonce;
use leptos::prelude::provide_context;
use tokio_util::task::AbortOnDropHandle;
use tower::ServiceExt as _;
use tracing::Instrument as _;

use super::{Site, assets, headers};
use crate::http::address::Peer;

/// The largest answer of the API a page reads, in bytes.
const MAX_ANSWER_BYTES: usize = 32 << 20;

/// What of the visitor's request the API needs to see, to know who asks.
const PASSED_ON: [HeaderName; 4] =
    [header::COOKIE, header::HOST, header::USER_AGENT, HeaderName::from_static("x-forwarded-for")];

/// Renders the page of the requested address.
pub async fn show(State(site): State<Arc<Site>>, request: Request) -> Response {
    let nonce = headers::mint_nonce();
    let status = PageStatus::default();
    let chosen = cookie(request.headers(), "formats=").and_then(Locale::of);
    let accepted = request.headers().get(header::ACCEPT_LANGUAGE).and_then(|value| value.to_str().ok());
    let locale = chosen.or_else(|| Locale::accepted(accepted?)).unwrap_or(Locale::USUAL);
    let has_cookie = request.headers().contains_key(header::COOKIE);
    let page = PageRequest {
        api: Api::new(transport(site.api.clone(), request.headers(), request.extensions().get::<Peer>().copied())),
        theme: theme(request.headers()),
        locale,
        is_locale_chosen: chosen.is_some(),
        style_href: site.style_href.clone(),
        has_script: site.has_script,
        has_small_scripts: site.has_small_scripts,
        path: request.uri().path().to_owned(),
        status: status.clone(),
    };
    let context = {
        let nonce: Arc<str> = nonce.as_str().into();
        move || provide_context(Nonce::from_value(Arc::clone(&nonce)))
    };
    let render = leptos_axum::render_app_async_with_context(context, move || document(page.clone()));
    let mut response = Within::new(locale, render(request)).await;
    if let Ok(status) = StatusCode::from_u16(status.get()) {
        *response.status_mut() = status;
    }
    let cache = if has_cookie { "no-store" } else { "no-cache" };
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static(cache));
    response.headers_mut().insert(header::VARY, HeaderValue::from_static("cookie, accept-language"));
    headers::restrict_page(response.headers_mut(), &nonce, &site.form_targets);
    response
}

/// Answers what no route knows: a public file, or that there is nothing.
pub async fn fallback(state: State<Arc<Site>>, request: Request) -> Response {
    let path = request.uri().path();
    if path.starts_with("/api/") {
        let message = format!("There is nothing at {} {path}", request.method());
        let error = ErrorDetail { code: 404, message, metadata: None, availability: None };
        return (StatusCode::NOT_FOUND, Json(ErrorBody { error })).into_response();
    }
    if !matches!(*request.method(), Method::GET | Method::HEAD) {
        return (StatusCode::METHOD_NOT_ALLOWED, [(header::ALLOW, "GET, HEAD")]).into_response();
    }
    match assets::public(path, request.headers()) {
        Some(file) => file,
        None => show(state, request).await,
    }
}

/// Calls the API's router within the process, as the visitor.
fn transport(
    api: Router,
    visitor: &HeaderMap,
    peer: Option<Peer>,
) -> impl Fn(axum::http::Request<Bytes>) -> Sent + Send + Sync + 'static {
    let passed: Vec<(HeaderName, HeaderValue)> =
        PASSED_ON.iter().filter_map(|name| Some((name.clone(), visitor.get(name)?.clone()))).collect();
    move |request| {
        let mut request = request.map(Body::from);
        for (name, value) in &passed {
            request.headers_mut().insert(name, value.clone());
        }
        if let Some(peer) = peer {
            request.extensions_mut().insert(peer);
        }
        // The call is made by our own page, which is what the API asks before it trusts a cookie.
        request.headers_mut().insert("sec-fetch-site", HeaderValue::from_static("same-origin"));
        let api = api.clone();
        let call = async move {
            let Ok(response) = api.oneshot(request).await;
            let (parts, body) = response.into_parts();
            let body = to_bytes(body, MAX_ANSWER_BYTES).await.map_err(|error| error.to_string())?;
            Ok(Response::from_parts(parts, body))
        };
        // A task of its own: rendering may poll a call once and then wait for another,
        // and a call that stands still would keep its database connection from the rest.
        let call = AbortOnDropHandle::new(tokio::spawn(call.in_current_span()));
        Box::pin(async move { call.await.map_err(|error| error.to_string())? })
    }
}

/// The visitor's choice of colours, which the theme switch keeps in a cookie.
fn theme(headers: &HeaderMap) -> String {
    match cookie(headers, "theme=") {
        Some(theme @ ("light" | "dark")) => theme.to_owned(),
        _ => "auto".to_owned(),
    }
}

fn cookie<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    let cookies = headers.get_all(header::COOKIE).iter().filter_map(|value| value.to_str().ok());
    cookies.flat_map(|value| value.split(';')).find_map(|pair| pair.trim().strip_prefix(name))
}
