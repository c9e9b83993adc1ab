//! The pages, one file each. They are rendered on the server and complete without a script.

pub mod activity;
pub mod admin;
pub mod apps;
pub mod audit;
pub mod chat;
pub mod code;
pub mod collections;
pub mod compare;
pub mod credits;
pub mod credits_buy;
pub mod credits_history;
pub mod docs;
pub mod frame;
pub mod generation;
mod generation_content;
pub mod guardrails;
pub mod home;
pub mod keys;
pub mod links;
pub mod model;
pub mod models;
pub mod not_found;
pub mod notifications;
pub mod observability;
pub mod organization;
pub mod own_keys;
pub mod passkeys;
pub mod presets;
pub mod privacy;
pub mod privacy_logging;
pub mod provider;
pub mod providers;
pub mod quality;
pub mod rankings;
pub mod roles;
pub mod second_factor;
pub mod settings;
pub mod shared;
pub mod sign_in;
pub mod status;
mod workspace_privacy;
pub mod workspaces;

use leptos::prelude::*;

use crate::api::ApiError;
use crate::components::notice::{Failure, FailureProps, SignInInvitation};
use crate::shell::{PageStatus, SharedSession};
use crate::types::session::Session;

/// Sets the HTTP status of the page being rendered.
fn set_status(status: u16) {
    if let Some(page) = use_context::<PageStatus>() {
        page.set(status);
    }
}

/// The page's session.
async fn session() -> Session {
    let session = use_context::<SharedSession>();
    match session {
        Some(session) => session.get().await,
        None => Session::default(),
    }
}

/// What a page shows instead of what could not be loaded.
fn failed(error: ApiError) -> AnyView {
    if error.is_not_found() {
        return not_found::NotFound().into_any();
    }
    set_status(if error.status >= 500 {
        502
    } else if error.status == 0 {
        503
    } else {
        error.status
    });
    Failure(FailureProps { error }).into_any()
}

/// The session of a person, or the invitation to sign in "to `purpose`" and come back to `next`.
async fn member(purpose: &str, next: &str) -> Result<Session, AnyView> {
    let session = session().await;
    if session.user.is_some() {
        return Ok(session);
    }
    Err(invitation(&session, purpose, next))
}

fn invitation(session: &Session, purpose: &str, next: &str) -> AnyView {
    let allows_sign_up = session.allows_sign_up;
    view! { <SignInInvitation purpose next allows_sign_up/> }.into_any()
}
