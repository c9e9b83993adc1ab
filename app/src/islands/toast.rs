//! What was done a moment ago, and the way back.

use leptos::prelude::*;

/// How long something can be taken back.
pub const TIME: std::time::Duration = std::time::Duration::from_secs(8);

/// Says `text` in the corner, with a button that takes it back.
#[component]
pub fn Toast(#[prop(into)] text: String, #[prop(into)] on_undo: Callback<()>) -> impl IntoView {
    view! {
        <p class="toast" role="status">
            <span>{text}</span>
            <button type="button" class="button button-small" on:click=move |_| on_undo.run(())>"Undo"</button>
        </p>
    }
}
