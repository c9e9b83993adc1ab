//! Links to what each workspace of an organization has.

use leptos::prelude::*;

use crate::api::encode;
use crate::components::format;
use crate::types::organizations::Workspace;

/// A link for each workspace to the same page, where there are several. The one in
/// `chosen` (its id or slug; empty for the caller's own) is marked.
#[component]
pub fn WorkspaceChoice(
    /// The page.
    path: &'static str,
    workspaces: Vec<Workspace>,
    chosen: String,
) -> impl IntoView {
    if workspaces.len() < 2 {
        return ().into_any();
    }
    let own = (String::new(), "The current workspace".to_owned(), chosen.is_empty());
    let others = workspaces.into_iter().map(|workspace| {
        let is_chosen = chosen == workspace.slug || chosen == workspace.id;
        (workspace.slug, workspace.name, is_chosen)
    });
    let links = std::iter::once(own)
        .chain(others)
        .map(|(slug, name, is_chosen)| {
            let href = if slug.is_empty() { path.to_owned() } else { format!("{path}?workspace={}", encode(&slug)) };
            view! { <a href=href aria-current=is_chosen.then_some("page")>{format::plain(&name)}</a> }
        })
        .collect_view();
    view! { <nav class="segments" aria-label="Workspaces">{links}</nav> }.into_any()
}
