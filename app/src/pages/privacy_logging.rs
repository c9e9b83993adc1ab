//! Whether workspaces keep what is asked and answered: the part of the privacy page about prompt logging.

use leptos::prelude::*;

use crate::components::format;
use crate::types::organizations::Workspace;

/// Each workspace with its switch.
#[component]
pub fn PromptLogging(workspaces: Vec<Workspace>) -> impl IntoView {
    let rows = workspaces
        .into_iter()
        .map(|workspace| {
            let badge = if workspace.is_observability_io_logging_enabled {
                view! { <span class="badge badge-caution">"Kept"</span> }
            } else {
                view! { <span class="badge badge-good">"Not kept"</span> }
            };
            let href = format!("/workspaces/{}", workspace.id);
            view! { <li><a href=href>{format::plain(&workspace.name)}</a>" "{badge}</li> }
        })
        .collect_view();
    view! {
        <h2>"Prompts and answers"</h2>
        <p>"Whether requests to the API are kept with their words, by workspace. Requests that are not kept are gone when they are answered."</p>
        <ul class="plain-points">{rows}</ul>
    }
}
