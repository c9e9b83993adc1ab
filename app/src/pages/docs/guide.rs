//! A guide, the results of a search in all of them, and the list beside them.

use leptos::prelude::*;
use leptos_meta::Meta;
use leptos_router::hooks::use_params_map;

use super::render::{GUIDES, Guide};
use crate::api::{ModelQuery, use_api};
use crate::components::deferred::deferred;
use crate::components::title::PageTitle;
use crate::pages::{not_found, session};

/// `/docs/{page}`
#[component]
pub fn GuidePage() -> impl IntoView {
    let api = use_api();
    let slug = use_params_map().get_untracked().get("page").unwrap_or_default();
    deferred(async move {
        let Some(guide) = GUIDES.iter().find(|guide| guide.slug == slug) else {
            crate::pages::set_status(404);
            return not_found::NotFound().into_any();
        };
        let first = ModelQuery { limit: 1, ..ModelQuery::default() };
        let (session, models) = futures::join!(session(), api.models(&first));
        let model = models.ok().and_then(|list| list.data.into_iter().next()).map(|model| model.id);
        let html = guide.to_html(&session.base_url, model.as_deref().unwrap_or("author/model"));
        view! {
            <PageTitle text=format!("{} · Docs", guide.title())/>
            <Meta name="description" content=guide.about/>
            <div class="page docs">
                <DocsNav current=guide.slug/>
                <article class="prose docs-text" inner_html=html></article>
            </div>
        }
        .into_any()
    })
}

/// The list of guides, with the search.
#[component]
pub fn DocsNav(
    /// The slug of the page shown; empty for the quick start.
    current: &'static str,
    /// What was searched for.
    #[prop(optional)]
    words: String,
) -> impl IntoView {
    let link = |href: String, slug: &'static str, title: &'static str| {
        let current = (slug == current).then_some("page");
        view! { <li><a href=href aria-current=current>{title}</a></li> }
    };
    let guides = GUIDES.iter().map(|guide: &Guide| link(format!("/docs/{}", guide.slug), guide.slug, guide.title()));
    view! {
        <nav class="docs-nav" aria-label="Documentation">
            <form method="get" action="/docs" role="search">
                <input class="input" type="search" name="q" value=words placeholder="Search the docs" aria-label="Search the docs"/>
            </form>
            <ul>
                {link("/docs".to_owned(), "", "Quick start")}
                {guides.collect_view()}
                {link("/docs/api".to_owned(), "api", "API reference")}
            </ul>
        </nav>
    }
}

/// What a search found.
#[component]
pub fn Results(words: String) -> impl IntoView {
    let asked: Vec<String> = words.to_lowercase().split_whitespace().map(str::to_owned).collect();
    let found = GUIDES.iter().flat_map(|guide| guide.find(&asked).into_iter().map(move |found| (guide.title(), found)));
    let found: Vec<_> = found.collect();
    let count = match found.len() {
        0 => "Nothing has these words. Try fewer, or look into the API reference.".to_owned(),
        1 => "1 place".to_owned(),
        count => format!("{count} places"),
    };
    let lines = found
        .into_iter()
        .map(|(title, found)| {
            let href = if found.anchor.is_empty() {
                format!("/docs/{}", found.guide)
            } else {
                format!("/docs/{}#{}", found.guide, found.anchor)
            };
            view! {
                <li>
                    <a href=href>{format!("{title}: {}", found.heading)}</a>
                    <p class="section-note">{found.text}</p>
                </li>
            }
        })
        .collect_view();
    view! {
        <PageTitle text="Search · Docs"/>
        <div class="page docs">
            <DocsNav current="-" words/>
            <section class="docs-text"><h1>"Search"</h1><p class="count">{count}</p><ul class="docs-found">{lines}</ul></section>
        </div>
    }
}
