//! The title of the page.

use leptos::prelude::*;
use leptos_meta::Title;

use super::markdown::escape;

/// Sets the title. `leptos_meta` writes it into the document as it is, so it is escaped here.
#[component]
pub fn PageTitle(#[prop(into)] text: String) -> impl IntoView {
    view! { <Title text=escape(&text)/> }
}
