//! The web site: Leptos pages rendered over the API in process, the browser's half, the stylesheet.
//!
//! Pages reach the API through its own router, as the visitor: [`pages`] copies
//! the cookie. Files are embedded in the binary: [`assets`].

mod assets;
#[cfg(test)]
mod fake;
#[cfg(test)]
mod fake_admin;
#[cfg(test)]
mod fake_people;
mod headers;
mod llms;
mod pages;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use axum::Router;
use axum::middleware::from_fn;
use axum::routing::get;
use tower_http::CompressionLevel;
use tower_http::compression::CompressionLayer;

/// What the handlers of the site share.
struct Site {
    api: Router,
    style_href: String,
    has_script: bool,
    /// Other sites our forms may lead to, as the policy of a page names them.
    form_targets: String,
    has_small_scripts: bool,
}

/// The routes of the site. `api` is only called in process; it is not part of the answer.
///
/// The fallback answers what no route knows: a page with status 404, or JSON below `/api/`.
///
/// Forms may lead to `origins`, where people pay.
pub fn router(api: Router, origins: &[String]) -> Router {
    // Rendering needs an executor; it may have been set by another router of this process.
    let _ = any_spawner::Executor::init_tokio();
    let has_script = assets::has_script("patchbay");
    let has_small_scripts = ["reading", "desk"].into_iter().all(assets::has_script);
    if !has_script {
        tracing::warn!("The browser's half of the site is not embedded: pages work, chat and key dialogs do not");
    }
    let form_targets = origins.iter().flat_map(|origin| [" ", origin]).collect();
    let style_href = assets::style_href();
    let site = Arc::new(Site { api, style_href, has_script, form_targets, has_small_scripts });
    let mut router = Router::new();
    for path in app::routes::PATHS {
        router = router.route(path, get(pages::show));
    }
    router
        .route("/llms.txt", get(llms::show_llms))
        .route("/style.css", get(assets::style))
        .route("/pkg/{*path}", get(assets::package))
        .fallback(pages::fallback)
        .with_state(site)
        // What is embedded compressed passes through as it is.
        .layer(CompressionLayer::new().quality(CompressionLevel::Precise(4)))
        .layer(from_fn(headers::secure))
}
