//! The page for an address where nothing is.

use crate::components::title::PageTitle;
use leptos::prelude::*;

use super::set_status;

/// Status 404, and ways to go on.
#[component]
pub fn NotFound() -> impl IntoView {
    set_status(404);
    view! {
        <PageTitle text="Not found"/>
        <section class="page page-narrow">
            <p class="eyebrow">"404"</p>
            <h1>"Nothing is plugged in here."</h1>
            <p class="lead">"The address may be mistyped, or the model may have left the catalog."</p>
            <p class="button-row">
                <a class="button button-primary" href="/models">"Search the models"</a>
                <a class="button" href="/">"Home"</a>
            </p>
        </section>
    }
}
