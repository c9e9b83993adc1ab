//! The frame around every page: banner, header with navigation, footer.

use leptos::prelude::*;

use super::session;
use crate::components::deferred::deferred;
use crate::components::form::CallForm;
use crate::components::format;
use crate::components::icon::{Icon, Mark, Shape};
use crate::islands::palette::CommandPalette;
use crate::islands::theme_switch::ThemeSwitch;
use crate::types::admin::Announcement;
use crate::types::roles::Permission;
use crate::types::session::{Session, User};

const PLACES: [(&str, &str); 6] = [
    ("/models", "Models"),
    ("/chat", "Chat"),
    ("/rankings", "Rankings"),
    ("/apps", "Apps"),
    ("/providers", "Providers"),
    ("/docs", "Docs"),
];
/// What the footer has besides.
const MORE: [(&str, &str); 4] =
    [("/collections", "Collections"), ("/compare", "Compare"), ("/status", "Status"), ("/llms.txt", "llms.txt")];
const ACCOUNT: [(&str, &str); 10] = [
    ("/activity", "Activity"),
    ("/keys", "Keys"),
    ("/credits", "Credits"),
    ("/organization", "Organization"),
    ("/workspaces", "Workspaces"),
    ("/provider-keys", "Provider keys"),
    ("/guardrails", "Guardrails"),
    ("/presets", "Presets"),
    ("/observability", "Observability"),
    ("/settings", "Settings"),
];

/// Says that nothing here is real, where that is so.
#[component]
pub fn DemoBanner() -> impl IntoView {
    view! {
        <aside class="banner" aria-label="Demo mode">
            <strong>"Demo mode"</strong>
            <span>"Simulated providers, seeded traffic."</span>
        </aside>
    }
}

/// What the operators tell everybody.
#[component]
pub fn Announcements(all: Vec<Announcement>) -> impl IntoView {
    let lines = all
        .into_iter()
        .map(|one| {
            let class = if one.is_warning { "announcement announcement-warning" } else { "announcement" };
            view! { <p class=class>{format::plain(&one.text)}</p> }
        })
        .collect::<Vec<_>>();
    (!lines.is_empty()).then(|| view! { <aside class="announcements" aria-label="Announcements">{lines}</aside> })
}

/// The header: where one can go, and who is signed in.
#[component]
pub fn Header(session: Session, path: String, theme: String) -> impl IntoView {
    let user = session.user.clone();
    let places = places(&session);
    view! {
        <header class="site-header">
            <div class="site-header-inner">
                <a class="brand" href="/" aria-current=current("/", &path)><Mark/>"Patchbay"</a>
                <nav class="wide-nav" aria-label="Main">
                    <ul>{links(&places, &path)}</ul>
                </nav>
                <div class="header-end">
                    <CommandPalette pages=goals(session.user.is_some(), &places) has_keys=session.user.as_ref().is_some_and(|user| user.may(Permission::ManageOwnKeys))/>
                    <ThemeSwitch theme/>
                    {match user {
                        Some(user) => AccountMenu(AccountMenuProps { user, path: path.clone() }).into_any(),
                        None => view! { <a class="button button-small sign-in-link" href="/sign-in">"Sign in"</a> }.into_any(),
                    }}
                    <details class="phone-menu" name="header-menu">
                        <summary><Icon shape=Shape::Menu/><span class="visually-hidden">"Menu"</span></summary>
                        <nav class="menu-panel" aria-label="Menu">
                            <ul>{links(&places, &path)}</ul>
                        </nav>
                    </details>
                </div>
            </div>
        </header>
    }
}

/// Where one can go now.
fn places(session: &Session) -> Vec<(&'static str, &'static str)> {
    PLACES.into_iter().filter(|(href, _)| *href != "/chat" || session.has_chat_room).collect()
}

/// What the command palette leads to besides models.
fn goals(is_member: bool, places: &[(&str, &str)]) -> Vec<(String, String)> {
    const OTHERS: [(&str, &str); 7] = [
        ("/collections", "Collections"),
        ("/rankings/quality", "Quality rankings"),
        ("/compare", "Compare models"),
        ("/status", "Status"),
        ("/docs/routing", "Routing guide"),
        ("/docs/sdks", "SDKs"),
        ("/docs/api", "API reference"),
    ];
    let account: &[(&str, &str)] = if is_member { &ACCOUNT } else { &[("/sign-in", "Sign in")] };
    places.iter().chain(account).chain(&OTHERS).map(|(href, name)| ((*href).to_owned(), (*name).to_owned())).collect()
}

#[component]
fn AccountMenu(user: User, path: String) -> impl IntoView {
    let initial = user.name.chars().chain(user.email.chars()).next().unwrap_or('?').to_uppercase().to_string();
    let others = user
        .organizations
        .clone()
        .into_iter()
        .filter(|one| !one.is_current)
        .map(|one| {
            let label = format!("Switch to {}", one.name);
            view! {
                <li>
                    <CallForm method="POST" path="/api/v1/organizations/switch" next="/activity" done="" class="menu-form">
                        <input type="hidden" name="organization_id" value=one.id/>
                        <button class="menu-button" type="submit" aria-label=label>{one.name}</button>
                    </CallForm>
                </li>
            }
        })
        .collect::<Vec<_>>();
    let switch = (!others.is_empty()).then(|| {
        view! { <div class="menu-switch"><p>"Switch to"</p><ul>{others}</ul></div> }
    });
    let operators = user.is_operator.then(|| {
        let current = current("/admin", &path);
        view! { <div class="menu-switch"><ul><li><a href="/admin" aria-current=current>"Operators"</a></li></ul></div> }
    });
    view! {
        <a class="balance" href="/credits" title="Credit left">{user.available.dollars()}</a>
        <details class="account-menu" name="header-menu">
            <summary>
                <span class="avatar" aria-hidden="true">{initial}</span>
                <span class="visually-hidden">"Account"</span>
            </summary>
            <div class="menu-panel">
                <p class="menu-who"><strong>{user.name}</strong><br/>{user.organization_name}</p>
                <nav aria-label="Account"><ul>{links(&ACCOUNT, &path)}</ul></nav>
                {operators}
                {switch}
                <form method="post" action="/sign-out"><button class="menu-button" type="submit">"Sign out"</button></form>
            </div>
        </details>
    }
}

/// The footer.
#[component]
pub fn Footer() -> impl IntoView {
    let places = deferred(async { links(&places(&session().await), "") });
    view! {
        <footer class="site-footer">
            <div class="site-footer-inner">
                <p class="brand"><Mark/>"Patchbay"</p>
                <p>"An open model marketplace that runs on your own machine. Times are UTC, prices in US dollars."</p>
                <nav aria-label="Footer">
                    <ul>{places}{links(&MORE, "")}</ul>
                </nav>
            </div>
        </footer>
    }
}

fn links(places: &[(&'static str, &'static str)], path: &str) -> impl IntoView + use<> {
    places
        .iter()
        .map(|(href, name)| {
            let current = current(href, path);
            view! { <li><a href=*href aria-current=current>{*name}</a></li> }
        })
        .collect_view()
}

/// `page` on the place itself, `true` on what lies below it.
fn current(href: &str, path: &str) -> Option<&'static str> {
    if path == href {
        return Some("page");
    }
    let below = path.strip_prefix(href)?;
    (href != "/" && below.starts_with('/')).then_some("true")
}
