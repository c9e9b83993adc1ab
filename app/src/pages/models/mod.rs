//! The catalog: search, facets, prices, as a table or as a list.

mod filters;
mod results;

use leptos::prelude::*;
use leptos_meta::Link;
use leptos_router::hooks::use_query_map;

use super::failed;
use crate::api::{ModelQuery, use_api};
use crate::components::deferred::deferred;
use crate::components::title::PageTitle;
use crate::islands::compare_tray::CompareTray;
use crate::islands::live_form::LiveForm;
use filters::{Filters, FiltersProps};
use results::{Results, ResultsProps};

/// Models on a page.
const PAGE: u32 = 50;

/// How the models are shown.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Shape {
    #[default]
    Table,
    List,
}

impl Shape {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Table => "",
            Self::List => "list",
        }
    }
}

/// `/models?…`, with the names of the API, and `view=list`
#[component]
pub fn Models() -> impl IntoView {
    let api = use_api();
    let map = use_query_map().get_untracked();
    let mut query = ModelQuery::read(&|name| map.get_all(name).unwrap_or_default());
    query.limit = PAGE;
    let shape = if map.get("view").as_deref() == Some("list") { Shape::List } else { Shape::Table };
    deferred(async move {
        let (list, facets) = futures::join!(api.models(&query), api.model_facets());
        let list = match list {
            Ok(list) => list,
            Err(error) => return failed(error),
        };
        let facets = facets.unwrap_or_default();
        let filters = Filters(FiltersProps { query: query.clone(), facets, shape });
        let feed = ModelQuery { sort: String::new(), limit: 0, offset: 0, ..query.clone() }.to_query_string();
        let feed = if feed.is_empty() {
            "/api/v1/models?use_rss=true".to_owned()
        } else {
            format!("/api/v1/models{feed}&use_rss=true")
        };
        let results = Results(ResultsProps { list, query, shape });
        view! {
            <PageTitle text="Models"/>
            <Link rel="alternate" type_="application/rss+xml" title="New models" href=feed.clone()/>
            <section class="page page-catalog">
                <div class="page-head">
                    <h1>"Models"</h1>
                    <a class="page-head-end" href="/collections">"Collections"</a>
                    <a href=feed>"Feed"</a>
                </div>
                <LiveForm form="model-filters".to_owned() target="model-results".to_owned()/>
                <div class="catalog">
                    {filters}
                    <div id="model-results" class="catalog-results" aria-live="polite">{results}</div>
                </div>
                <form id="compare-form" class="compare-bar" method="get" action="/compare">
                    <CompareTray/>
                    <button class="button button-primary compare-send" type="submit">"Compare the chosen"</button>
                </form>
            </section>
        }
        .into_any()
    })
}
