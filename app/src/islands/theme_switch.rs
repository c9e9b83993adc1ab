//! Light, dark, or as the system says. Without a script the system decides.

use leptos::prelude::*;

use super::browser;

/// Changes the colours and remembers the choice in a cookie, so that the server
/// renders the next page with it and nothing flashes.
#[island]
pub fn ThemeSwitch(
    /// `auto`, `light` or `dark`.
    theme: String,
) -> impl IntoView {
    let theme = RwSignal::new(theme);
    let is_ready = RwSignal::new(false);
    Effect::new(move || is_ready.set(true));
    let change = move |_| {
        let next = match theme.read_untracked().as_str() {
            "light" => "dark",
            "dark" => "auto",
            _ => "light",
        };
        theme.set(next.to_owned());
        browser::set_cookie("theme", next);
        if let Some(root) = document().document_element() {
            let _ = root.set_attribute("data-theme", next);
        }
    };
    let drawing = move || match theme.read().as_str() {
        "light" => {
            "M12 8a4 4 0 1 1 0 8 4 4 0 0 1 0-8ZM12 2v2M12 20v2M2 12h2M20 12h2M5 5l1.4 1.4M17.6 17.6 19 19M5 19l1.4-1.4M17.6 6.4 19 5"
        }
        "dark" => "M20 14.5A8.5 8.5 0 0 1 9.5 4 8.5 8.5 0 1 0 20 14.5Z",
        _ => "M12 3a9 9 0 1 0 0 18ZM12 3a9 9 0 0 1 0 18",
    };
    view! {
        <button
            type="button"
            class="icon-button theme-switch"
            class:is-ready=is_ready
            on:click=change
            title=move || format!("Theme: {}", theme.read())
        >
            <svg
                class="icon"
                viewBox="0 0 24 24"
                fill="none"
                stroke="currentColor"
                stroke-width="2"
                stroke-linecap="round"
                stroke-linejoin="round"
                aria-hidden="true"
            >
                <path d=drawing></path>
            </svg>
            <span class="visually-hidden">{move || format!("Theme: {}. Change it", theme.read())}</span>
        </button>
    }
}
