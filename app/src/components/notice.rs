//! What a page says when it has nothing to show, and why.

use leptos::prelude::*;

use crate::api::ApiError;

/// Nothing here yet, and how to change that.
#[component]
pub fn Empty(#[prop(into)] title: String, children: Children) -> impl IntoView {
    view! {
        <div class="empty">
            <svg class="empty-art" viewBox="0 0 120 40" fill="none" aria-hidden="true">
                <circle cx="16" cy="20" r="9"></circle>
                <circle cx="60" cy="20" r="9"></circle>
                <circle cx="104" cy="20" r="9"></circle>
            </svg>
            <p class="empty-title">{title}</p>
            <div class="empty-text">{children()}</div>
        </div>
    }
}

/// Something failed; what it was and what to do.
#[component]
pub fn Failure(error: ApiError) -> impl IntoView {
    view! {
        <div class="notice notice-bad" role="alert">
            <p><strong>"This could not be loaded."</strong></p>
            <p>{error.message}</p>
            <p><a href="">"Try again"</a></p>
        </div>
    }
}

/// The page is for those who have an account.
#[component]
pub fn SignInInvitation(
    /// What the visitor will find here, as the end of "Sign in to …".
    #[prop(into)]
    purpose: String,
    /// The path to come back to.
    #[prop(into)]
    next: String,
    allows_sign_up: bool,
) -> impl IntoView {
    let next = crate::api::encode(&next);
    let sign_up = allows_sign_up.then(|| {
        view! { <a class="button" href=format!("/sign-up?next={next}")>"Create an account"</a> }
    });
    view! {
        <Empty title=format!("Sign in to {purpose}.")>
            <p class="button-row">
                <a class="button button-primary" href=format!("/sign-in?next={next}")>"Sign in"</a>
                {sign_up}
            </p>
        </Empty>
    }
}
