//! Puts a text on the clipboard.

use std::time::Duration;

use leptos::prelude::*;
use leptos::task::spawn_local;

use super::browser;

/// Copies `text`, and says so.
#[island]
pub fn CopyButton(text: String) -> impl IntoView {
    view! { <CopyControl text=Signal::stored(text)/> }
}

/// The button itself, for use inside other islands.
#[component]
pub fn CopyControl(#[prop(into)] text: Signal<String>) -> impl IntoView {
    let label = RwSignal::new("Copy");
    let copy = move |_| {
        let text = text.get_untracked();
        spawn_local(async move {
            let said = if browser::copy_text(&text).await { "Copied" } else { "Press Ctrl+C" };
            label.set(said);
            set_timeout(
                move || {
                    label.try_set("Copy");
                },
                Duration::from_secs(2),
            );
        });
    };
    view! { <button type="button" class="code-copy" on:click=copy aria-live="polite">{label}</button> }
}
