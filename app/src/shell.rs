//! The HTML document around every page.

use std::sync::Arc;
use std::sync::atomic::{AtomicU16, Ordering};

use futures::FutureExt as _;
use futures::future::{BoxFuture, Shared};
use leptos::config::LeptosOptions;
use leptos::hydration::HydrationScripts;
use leptos::prelude::*;
use leptos_meta::{MetaTags, provide_meta_context};

use crate::api::{Api, ApiResult};
use crate::routes::App;
use crate::types::locale::Locale;
use crate::types::session::Session;

/// What one page request brings to its page.
#[derive(Clone)]
pub struct PageRequest {
    pub api: Api,
    /// `auto`, `light` or `dark`: the visitor's choice.
    pub theme: String,
    /// How numbers and days are written.
    pub locale: &'static Locale,
    /// The visitor chose that; else the browser did.
    pub is_locale_chosen: bool,
    /// Where the stylesheet is.
    pub style_href: String,
    /// The browser's half is there to be loaded.
    pub has_script: bool,
    /// The smaller ones for pages without a chat room are there, too.
    pub has_small_scripts: bool,
    /// The path of the page.
    pub path: String,
    /// The status of the answer, which the page may change.
    pub status: PageStatus,
}

/// The HTTP status of the page being rendered.
#[derive(Clone, Debug)]
pub struct PageStatus(Arc<AtomicU16>);

impl Default for PageStatus {
    fn default() -> Self {
        Self(Arc::new(AtomicU16::new(200)))
    }
}

impl PageStatus {
    #[must_use]
    pub fn get(&self) -> u16 {
        self.0.load(Ordering::Relaxed)
    }

    pub fn set(&self, status: u16) {
        self.0.store(status, Ordering::Relaxed);
    }
}

/// How the visitor wants numbers and days, if that was said.
#[derive(Clone, Copy, Debug, Default)]
pub struct ChosenLocale(pub Option<&'static Locale>);

/// The visitor's session, asked for once per page however many parts need it.
#[derive(Clone)]
pub struct SharedSession(Shared<BoxFuture<'static, ApiResult<Session>>>);

impl SharedSession {
    fn new(api: Api) -> Self {
        Self(async move { api.session().await }.boxed().shared())
    }

    /// The session; a visitor's when it cannot be told.
    pub async fn get(&self) -> Session {
        self.0.clone().await.unwrap_or_default()
    }
}

/// The smallest script that has all islands of a page.
fn script(path: &str) -> &'static str {
    match path.split('/').nth(1) {
        Some("chat") => "patchbay",
        _ if is_for_reading(path) => "reading",
        _ => "desk",
    }
}

fn is_for_reading(path: &str) -> bool {
    const PLACES: [&str; 15] = [
        "models",
        "compare",
        "collections",
        "providers",
        "rankings",
        "apps",
        "app",
        "status",
        "docs",
        "shared",
        "sign-in",
        "sign-up",
        "forgot-password",
        "reset-password",
        "verify-email",
    ];
    path == "/" || path.split('/').nth(1).is_some_and(|place| PLACES.contains(&place))
}

/// The whole document of one page.
pub fn document(request: PageRequest) -> AnyView {
    provide_meta_context();
    provide_context(SharedSession::new(request.api.clone()));
    provide_context(request.api);
    provide_context(request.status);
    provide_context(ChosenLocale(request.is_locale_chosen.then_some(request.locale)));
    let theme = request.theme.clone();
    let scripts = request.has_script.then(|| {
        let name = if request.has_small_scripts { script(&request.path) } else { "patchbay" };
        let options = LeptosOptions::builder().output_name(name).build();
        view! { <HydrationScripts options islands=true/> }
    });
    view! {
        <!DOCTYPE html>
        <html lang="en" data-theme=request.theme data-formats=request.locale.tag>
            <head>
                <meta charset="utf-8"/>
                <meta name="viewport" content="width=device-width, initial-scale=1"/>
                <meta name="color-scheme" content="light dark"/>
                <link rel="stylesheet" href=request.style_href/>
                <link rel="icon" href="/favicon.svg" type="image/svg+xml"/>
                {scripts}
                <MetaTags/>
            </head>
            <body>
                <a class="skip-link" href="#main">"Skip to the content"</a>
                <App theme/>
            </body>
        </html>
    }
    .into_any()
}
