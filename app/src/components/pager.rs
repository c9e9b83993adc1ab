//! Links to the page before and the page after.

use leptos::prelude::*;

/// Where the reader is in a long list. Hidden when everything fits on one page.
#[component]
pub fn Pager(
    /// First item shown, from 0.
    offset: u32,
    /// Items on a page.
    limit: u32,
    total: u64,
    /// The address of the page that starts at an offset.
    href: fn(&str, u32) -> String,
    /// What `href` needs besides the offset.
    query: String,
) -> impl IntoView {
    let end = u64::from(offset).saturating_add(u64::from(limit)).min(total);
    let previous = (offset > 0).then(|| href(&query, offset.saturating_sub(limit)));
    let next = (end < total).then(|| href(&query, offset.saturating_add(limit)));
    (previous.is_some() || next.is_some()).then(|| {
        view! {
            <nav class="pager" aria-label="Pages">
                {previous.map(|href| view! { <a class="button" rel="prev" href=href>"Previous"</a> })}
                <span>{format!("{}–{end} of {total}", u64::from(offset).saturating_add(1))}</span>
                {next.map(|href| view! { <a class="button" rel="next" href=href>"Next"</a> })}
            </nav>
        }
    })
}
