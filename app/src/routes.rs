//! Which address shows which page.

use leptos::prelude::*;
use leptos_meta::{Meta, Title};
use leptos_router::components::{FlatRoutes, Route, Router};
use leptos_router::hooks::use_location;
use leptos_router::path;

use crate::components::deferred::deferred;
use crate::components::form::Outcome;
use crate::pages::activity::Activity;
use crate::pages::admin::AdminPage;
use crate::pages::admin::announcements::AdminAnnouncementsPage;
use crate::pages::admin::catalog::AdminCatalogPage;
use crate::pages::admin::flags::AdminFlagsPage;
use crate::pages::admin::log::AdminLogPage;
use crate::pages::admin::organization::AdminOrganizationPage;
use crate::pages::admin::people::AdminPeoplePage;
use crate::pages::admin::providers::AdminProvidersPage;
use crate::pages::apps::{AppPage, Apps};
use crate::pages::audit::AuditPage;
use crate::pages::chat::Chat;
use crate::pages::collections::Collections;
use crate::pages::compare::Compare;
use crate::pages::credits::CreditsPage;
use crate::pages::docs::Docs;
use crate::pages::docs::guide::GuidePage;
use crate::pages::docs::reference::ApiReference;
use crate::pages::frame::{Announcements, DemoBanner, Footer, Header};
use crate::pages::generation::GenerationPage;
use crate::pages::guardrails::Guardrails;
use crate::pages::home::Home;
use crate::pages::keys::Keys;
use crate::pages::links::{AuthPage, ConfirmPage, ForgotPassword, InvitationPage, ResetPassword, VerifyEmail};
use crate::pages::model::ModelPage;
use crate::pages::models::Models;
use crate::pages::not_found::NotFound;
use crate::pages::notifications::NotificationsPage;
use crate::pages::observability::Observability;
use crate::pages::organization::OrganizationPage;
use crate::pages::own_keys::OwnKeys;
use crate::pages::passkeys::PasskeysPage;
use crate::pages::presets::Presets;
use crate::pages::privacy::PrivacyPage;
use crate::pages::provider::ProviderPage;
use crate::pages::providers::Providers;
use crate::pages::quality::Quality;
use crate::pages::rankings::Rankings;
use crate::pages::roles::Roles;
use crate::pages::second_factor::{SecondFactorPage, SignInCode};
use crate::pages::settings::Settings;
use crate::pages::shared::Shared;
use crate::pages::sign_in::{SignIn, SignUp};
use crate::pages::status::StatusPage;
use crate::pages::workspaces::{WorkspacePage, Workspaces};
use crate::shell::SharedSession;

/// The address of every page, in the server's notation: the routes of [`App`] below.
pub const PATHS: [&str; 53] = [
    "/",
    "/models",
    "/models/{author}/{slug}",
    "/compare",
    "/collections",
    "/providers",
    "/providers/{slug}",
    "/rankings",
    "/rankings/quality",
    "/shared/{id}",
    "/apps",
    "/app",
    "/status",
    "/chat",
    "/docs",
    "/docs/api",
    "/docs/{page}",
    "/keys",
    "/credits",
    "/activity",
    "/activity/{id}",
    "/sign-in",
    "/sign-in/code",
    "/sign-up",
    "/organization",
    "/organization/audit",
    "/workspaces",
    "/provider-keys",
    "/guardrails",
    "/presets",
    "/observability",
    "/workspaces/{id}",
    "/admin",
    "/admin/providers",
    "/admin/catalog",
    "/admin/people",
    "/admin/organizations/{id}",
    "/admin/announcements",
    "/admin/flags",
    "/admin/log",
    "/settings",
    "/settings/second-factor",
    "/settings/passkeys",
    "/settings/notifications",
    "/settings/privacy",
    "/invitation",
    "/confirm",
    "/forgot-password",
    "/reset-password",
    "/verify-email",
    "/auth",
    "/docs/roles",
    "/{author}/{slug}",
];

/// Every page, within its frame.
#[component]
pub fn App(theme: String) -> impl IntoView {
    view! {
        <Title formatter=|title: String| if title.is_empty() { "Patchbay".to_owned() } else { format!("{title} · Patchbay") }/>
        <Meta name="description" content="An open AI model marketplace that runs on your own machine: one API, every model, exact prices."/>
        <Router>
            <Top theme/>
            <main id="main" tabindex="-1">
                <FlatRoutes fallback=NotFound>
                    <Route path=path!("/") view=Home/>
                    <Route path=path!("/models") view=Models/>
                    <Route path=path!("/models/:author/:slug") view=ModelPage/>
                    <Route path=path!("/compare") view=Compare/>
                    <Route path=path!("/collections") view=Collections/>
                    <Route path=path!("/providers") view=Providers/>
                    <Route path=path!("/providers/:slug") view=ProviderPage/>
                    <Route path=path!("/rankings") view=Rankings/>
                    <Route path=path!("/rankings/quality") view=Quality/>
                    <Route path=path!("/shared/:id") view=Shared/>
                    <Route path=path!("/apps") view=Apps/>
                    <Route path=path!("/app") view=AppPage/>
                    <Route path=path!("/status") view=StatusPage/>
                    <Route path=path!("/chat") view=Chat/>
                    <Route path=path!("/docs") view=Docs/>
                    <Route path=path!("/docs/api") view=ApiReference/>
                    <Route path=path!("/docs/roles") view=Roles/>
                    <Route path=path!("/docs/:page") view=GuidePage/>
                    <Route path=path!("/keys") view=Keys/>
                    <Route path=path!("/credits") view=CreditsPage/>
                    <Route path=path!("/activity") view=Activity/>
                    <Route path=path!("/activity/:id") view=GenerationPage/>
                    <Route path=path!("/sign-in") view=SignIn/>
                    <Route path=path!("/sign-in/code") view=SignInCode/>
                    <Route path=path!("/sign-up") view=SignUp/>
                    <Route path=path!("/organization") view=OrganizationPage/>
                    <Route path=path!("/organization/audit") view=AuditPage/>
                    <Route path=path!("/workspaces") view=Workspaces/>
                    <Route path=path!("/provider-keys") view=OwnKeys/>
                    <Route path=path!("/guardrails") view=Guardrails/>
                    <Route path=path!("/presets") view=Presets/>
                    <Route path=path!("/observability") view=Observability/>
                    <Route path=path!("/workspaces/:id") view=WorkspacePage/>
                    <Route path=path!("/admin") view=AdminPage/>
                    <Route path=path!("/admin/providers") view=AdminProvidersPage/>
                    <Route path=path!("/admin/catalog") view=AdminCatalogPage/>
                    <Route path=path!("/admin/people") view=AdminPeoplePage/>
                    <Route path=path!("/admin/organizations/:id") view=AdminOrganizationPage/>
                    <Route path=path!("/admin/announcements") view=AdminAnnouncementsPage/>
                    <Route path=path!("/admin/flags") view=AdminFlagsPage/>
                    <Route path=path!("/admin/log") view=AdminLogPage/>
                    <Route path=path!("/settings") view=Settings/>
                    <Route path=path!("/settings/second-factor") view=SecondFactorPage/>
                    <Route path=path!("/settings/passkeys") view=PasskeysPage/>
                    <Route path=path!("/settings/notifications") view=NotificationsPage/>
                    <Route path=path!("/settings/privacy") view=PrivacyPage/>
                    <Route path=path!("/invitation") view=InvitationPage/>
                    <Route path=path!("/confirm") view=ConfirmPage/>
                    <Route path=path!("/forgot-password") view=ForgotPassword/>
                    <Route path=path!("/reset-password") view=ResetPassword/>
                    <Route path=path!("/verify-email") view=VerifyEmail/>
                    <Route path=path!("/auth") view=AuthPage/>
                    <Route path=path!("/:author/:slug") view=ModelPage/>
                </FlatRoutes>
            </main>
            <Footer/>
        </Router>
    }
}

/// Banner and header, which depend on who looks.
#[component]
fn Top(theme: String) -> impl IntoView {
    let session = expect_context::<SharedSession>();
    let path = use_location().pathname.get_untracked();
    deferred(async move {
        let session = session.get().await;
        view! {
            {session.is_demo.then(|| view! { <DemoBanner/> })}
            <Header session=session.clone() path theme/>
            <Announcements all=session.announcements.clone()/>
            {session.notice.clone().map(|notice| view! { <Outcome notice/> })}
        }
    })
}
