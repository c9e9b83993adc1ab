//! Files of the site, embedded in the binary: the browser's half, the stylesheet, what is in `public`.

use std::sync::LazyLock;

use axum::body::Body;
use axum::extract::Path;
use axum::http::header::{self, HeaderMap, HeaderValue};
use axum::http::{Response, StatusCode, Uri};
use axum::response::IntoResponse as _;
use rust_embed::{EmbeddedFile, RustEmbed};
use sha2::{Digest as _, Sha256};

use crate::accounts::keys::hex;

/// What `wasm-bindgen` wrote, with compressed copies beside it where the build made them.
#[derive(RustEmbed)]
#[folder = "target/site/pkg"]
#[allow_missing = true]
struct Package;

#[derive(RustEmbed)]
#[folder = "public"]
struct Public;

/// The stylesheet, in the order of the cascade.
const STYLE: &str = concat!(
    include_str!("../../../style/tokens.css"),
    include_str!("../../../style/base.css"),
    include_str!("../../../style/layout.css"),
    include_str!("../../../style/components.css"),
    include_str!("../../../style/charts.css"),
    include_str!("../../../style/pages.css"),
    include_str!("../../../style/credits.css"),
);

static STYLE_HASH: LazyLock<String> = LazyLock::new(|| hex(&Sha256::digest(STYLE)));

/// The files a page needs to come to life are there: `patchbay` is for chat rooms, `desk` for keys,
/// `reading` for the rest.
pub fn has_script(name: &str) -> bool {
    [".js", "_bg.wasm"].iter().all(|end| Package::get(&format!("{name}{end}")).is_some())
}

/// The stylesheet's address, which changes with its content.
pub fn style_href() -> String {
    format!("/style.css?v={}", STYLE_HASH.get(..12).unwrap_or_default())
}

/// `GET /style.css`
pub async fn style(uri: Uri, headers: HeaderMap) -> Response<Body> {
    // Only the address with the hash can be kept for good.
    let is_versioned = style_href().split_once('?').map(|(_, version)| version) == uri.query();
    let cache = if is_versioned { "public, max-age=31536000, immutable" } else { "no-cache" };
    let tag = format!("\"{}\"", STYLE_HASH.as_str());
    reply(&headers, &tag, "text/css; charset=utf-8", cache, None, || Body::from(STYLE))
}

/// `GET /pkg/{path}`: the smallest copy the browser can read.
pub async fn package(Path(path): Path<String>, headers: HeaderMap) -> Response<Body> {
    let is_copy = [".br", ".gz"].iter().any(|end| path.ends_with(end));
    for (encoding, end) in [("br", ".br"), ("gzip", ".gz")] {
        if is_copy || !accepts(&headers, encoding) {
            continue;
        }
        if let Some(file) = Package::get(&format!("{path}{end}")) {
            return serve(&headers, &path, file, Some(encoding));
        }
    }
    match Package::get(&path) {
        Some(file) => serve(&headers, &path, file, None),
        None => StatusCode::NOT_FOUND.into_response(),
    }
}

/// A file of `public`, by its address.
pub fn public(path: &str, headers: &HeaderMap) -> Option<Response<Body>> {
    let name = path.strip_prefix('/')?;
    Some(serve(headers, name, Public::get(name)?, None))
}

fn serve(headers: &HeaderMap, name: &str, file: EmbeddedFile, encoding: Option<&'static str>) -> Response<Body> {
    // Copies differ in bytes and so in their hash.
    let tag = format!("\"{}\"", hex(&file.metadata.sha256_hash()));
    reply(headers, &tag, content_type(name), "no-cache", encoding, move || Body::from(file.data.into_owned()))
}

fn reply(
    request: &HeaderMap,
    tag: &str,
    content_type: &'static str,
    cache: &'static str,
    encoding: Option<&'static str>,
    body: impl FnOnce() -> Body,
) -> Response<Body> {
    let is_known = request
        .get_all(header::IF_NONE_MATCH)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .any(|known| known.trim().trim_start_matches("W/") == tag);
    let mut response = Response::new(if is_known { Body::empty() } else { body() });
    if is_known {
        *response.status_mut() = StatusCode::NOT_MODIFIED;
    }
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(content_type));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static(cache));
    headers.insert(header::VARY, HeaderValue::from_static("accept-encoding"));
    if let Ok(tag) = HeaderValue::from_str(tag) {
        headers.insert(header::ETAG, tag);
    }
    if let Some(encoding) = encoding {
        headers.insert(header::CONTENT_ENCODING, HeaderValue::from_static(encoding));
    }
    response
}

/// The browser names `encoding` and does not rule it out with `q=0`.
fn accepts(headers: &HeaderMap, encoding: &str) -> bool {
    headers
        .get_all(header::ACCEPT_ENCODING)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .any(|offer| {
            let (name, quality) = offer.split_once(';').unwrap_or((offer, "q=1"));
            let quality = quality.trim().strip_prefix("q=").and_then(|number| number.parse::<f32>().ok());
            name.trim().eq_ignore_ascii_case(encoding) && quality.unwrap_or(1.0) > 0.0
        })
}

fn content_type(name: &str) -> &'static str {
    match name.rsplit('.').next().unwrap_or_default() {
        "js" => "text/javascript; charset=utf-8",
        "wasm" => "application/wasm",
        "css" => "text/css; charset=utf-8",
        "svg" => "image/svg+xml",
        "png" => "image/png",
        "ico" => "image/x-icon",
        "json" => "application/json",
        "webmanifest" => "application/manifest+json",
        "woff2" => "font/woff2",
        "txt" => "text/plain; charset=utf-8",
        _ => "application/octet-stream",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asking(encodings: &'static str) -> HeaderMap {
        HeaderMap::from_iter([(header::ACCEPT_ENCODING, HeaderValue::from_static(encodings))])
    }

    #[test]
    fn an_encoding_is_used_only_when_the_browser_takes_it() {
        assert!(accepts(&asking("gzip, deflate, br, zstd"), "br"));
        assert!(accepts(&asking("br;q=0.5"), "br"));
        assert!(!accepts(&asking("gzip, br;q=0"), "br"));
        assert!(!accepts(&HeaderMap::new(), "gzip"));
    }

    #[test]
    fn the_stylesheet_is_not_sent_twice() {
        let tag = format!("\"{}\"", STYLE_HASH.as_str());
        let again = HeaderMap::from_iter([(header::IF_NONE_MATCH, HeaderValue::from_str(&tag).unwrap())]);
        let answer = reply(&again, &tag, "text/css", "no-cache", None, || Body::from(STYLE));
        assert_eq!(answer.status(), StatusCode::NOT_MODIFIED);
        assert!(style_href().starts_with("/style.css?v="));
    }
}
