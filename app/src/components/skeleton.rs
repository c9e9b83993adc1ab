//! The place of what is still on its way.

use leptos::prelude::*;

/// Lines that will be there soon; `label` says of what, to those who do not see them.
#[component]
pub fn Skeleton(label: &'static str, #[prop(default = 3)] rows: usize) -> impl IntoView {
    let lines = (0..rows).map(|_| view! { <i></i> }).collect_view();
    view! { <div class="skeleton" role="status"><span class="visually-hidden">{label}</span>{lines}</div> }
}
