//! Numbers that follow what happens while the page is open.

use std::time::Duration;

use leptos::prelude::*;
use leptos::task::spawn_local;

use super::browser;

/// How often the numbers are read again while somebody looks.
const EVERY: Duration = Duration::from_secs(10);

/// Reads the part of this page with the id `target` again and again, until it is told to pause: what moves by
/// itself must be possible to stop (WCAG 2.2.2).
#[island]
pub fn LiveNumbers(target: String) -> impl IntoView {
    let is_on = RwSignal::new(true);
    let is_ready = RwSignal::new(false);
    Effect::new(move || {
        is_ready.set(true);
        let target = target.clone();
        set_interval(
            move || {
                if is_on.get_untracked() && !document().hidden() {
                    spawn_local(refresh(target.clone(), is_on));
                }
            },
            EVERY,
        );
    });
    view! {
        <button
            type="button"
            class="live-switch"
            class:is-ready=is_ready
            aria-pressed=move || is_on.get().to_string()
            title="The numbers are read again every ten seconds"
            on:click=move |_| is_on.update(|is_on| *is_on = !*is_on)
        >
            "Live"
        </button>
    }
}

/// What was shown stays when the server does not answer.
async fn refresh(target: String, is_on: RwSignal<bool>) {
    let address = window().location().pathname().unwrap_or_default();
    let html = browser::page_part(&address, &target).await;
    let part = document().get_element_by_id(&target);
    if let (Some(html), true, Some(part)) = (html, is_on.get_untracked(), part)
        && part.inner_html() != html
    {
        part.set_inner_html(&html);
    }
}
