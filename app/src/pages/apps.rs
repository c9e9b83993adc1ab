//! The apps that say who they are, and one of them.

use leptos::prelude::*;
use leptos_router::hooks::use_query_map;

use super::{failed, not_found};
use crate::api::{BoardQuery, Period, use_api};
use crate::components::badge::SimulatedBadge;
use crate::components::board::{BoardChart, BoardTable, Exports};
use crate::components::deferred::deferred;
use crate::components::format;
use crate::components::notice::Empty;
use crate::components::title::PageTitle;
use crate::types::labels::{APP_CATEGORIES, APP_GROUPS, app_categories_in, app_category_name};
use crate::types::rankings::BoardKind;

/// `/apps?sort=trending&period=&app_category=`
#[component]
pub fn Apps() -> impl IntoView {
    let api = use_api();
    let map = use_query_map().get_untracked();
    let is_trending = map.get("sort").as_deref() == Some("trending");
    let period = map.get("period").map_or(Period::Month, |period| Period::from_query(&period));
    let category = map.get("app_category").filter(|name| !app_categories_in(name).is_empty()).unwrap_or_default();
    deferred(async move {
        let sort = if is_trending { "trending" } else { "" };
        let query = BoardQuery {
            by: "app".to_owned(),
            sort: sort.to_owned(),
            period,
            app_category: category.clone(),
            ..BoardQuery::default()
        };
        let board = match api.board(&query).await {
            Ok(board) => board,
            Err(error) => return failed(error),
        };
        let sorts = [(false, "", "Most tokens"), (true, "trending", "Growing most")]
            .into_iter()
            .map(|(is_it, key, name)| {
                let current = (is_it == is_trending).then_some("page");
                view! { <a href=address(key, period, &category) aria-current=current>{name}</a> }
            })
            .collect_view();
        let periods = Period::ALL
            .into_iter()
            .map(|other| {
                let current = (other == period).then_some("page");
                view! { <a href=address(sort, other, &category) aria-current=current>{other.as_str()}</a> }
            })
            .collect_view();
        let simulated = board.has_simulated.then(|| view! { " " <SimulatedBadge/> });
        let body = if board.rows.is_empty() && !category.is_empty() {
            view! {
                <Empty title="No app of this kind.">
                    <p>"An app says what it is for in the header "<code>"X-OpenRouter-Categories"</code>", for example "<code>"cli-agent"</code>". "<a href=address(sort, period, "")>"Show all apps"</a></p>
                </Empty>
            }
            .into_any()
        } else if board.rows.is_empty() {
            view! {
                <Empty title="No app has named itself.">
                    <p>"An app is listed when it sends the headers "<code>"HTTP-Referer"</code>" (its address) and "<code>"X-OpenRouter-Title"</code>" (its name) with its requests. "<a href="/docs">"How to"</a></p>
                </Empty>
            }
            .into_any()
        } else {
            view! { <BoardTable board kind=BoardKind::App/> }.into_any()
        };
        view! {
            <PageTitle text="Apps"/>
            <section class="page">
                <h1>"Apps"{simulated}</h1>
                <p class="lead">"Programs that use this server and say so, by the tokens they move."</p>
                <div class="switches">
                    <nav class="segments" aria-label="Order">{sorts}</nav>
                    <nav class="segments" aria-label="Period">{periods}</nav>
                </div>
                {kinds(sort, period, &category)}
                {body}
            </section>
        }
        .into_any()
    })
}

fn address(sort: &str, period: Period, category: &str) -> String {
    format!("/apps?sort={sort}&period={}&app_category={category}", period.as_str())
}

/// What apps are for: all groups, and the parts of the chosen one.
fn kinds(sort: &str, period: Period, chosen: &str) -> impl IntoView + use<> {
    let link = |name: &'static str, title: &'static str| {
        let current = (name == chosen).then_some("page");
        view! { <a href=address(sort, period, name) aria-current=current>{title}</a> }
    };
    let groups: Vec<_> =
        std::iter::once(("", "All kinds")).chain(APP_GROUPS).map(|(name, title)| link(name, title)).collect();
    let group = APP_CATEGORIES.iter().find(|(name, _, group)| *name == chosen || *group == chosen);
    let parts = group.map(|(_, _, group)| {
        let parts: Vec<_> =
            APP_CATEGORIES.iter().filter(|(.., of)| of == group).map(|(name, title, _)| link(name, title)).collect();
        view! { <nav class="segments" aria-label="Part">{parts}</nav> }
    });
    view! {
        <div class="switches">
            <nav class="segments" aria-label="Kind">{groups}</nav>
            {parts}
        </div>
    }
}

/// `/app?url=`
#[component]
pub fn AppPage() -> impl IntoView {
    let api = use_api();
    let map = use_query_map().get_untracked();
    let url = map.get("url").unwrap_or_default();
    let period = map.get("period").map_or(Period::Month, |period| Period::from_query(&period));
    deferred(async move {
        let query = BoardQuery { app: url.clone(), period, ..BoardQuery::default() };
        let board = match api.board(&query).await {
            Ok(board) => board,
            Err(error) => return failed(error),
        };
        let Some(title) = board.title.clone().filter(|_| !url.is_empty()) else {
            super::set_status(404);
            return not_found::NotFound().into_any();
        };
        let title = if title.is_empty() { url.clone() } else { title };
        let title = format::plain(&title);
        let periods = Period::ALL
            .into_iter()
            .map(|other| {
                let current = (other == period).then_some("page");
                let href = format!("/app?url={}&period={}", crate::api::encode(&url), other.as_str());
                view! { <a href=href aria-current=current>{other.as_str()}</a> }
            })
            .collect_view();
        // Only a web address may become a link.
        let link = (url.starts_with("https://") || url.starts_with("http://")).then(|| {
            view! { <a href=url.clone() rel="noopener noreferrer nofollow" target="_blank">{url.clone()}</a> }
        });
        let kinds: Vec<_> = board
            .categories
            .iter()
            .filter_map(|name| Some((name.clone(), app_category_name(name)?)))
            .map(|(name, title)| view! { <a class="badge" href=address("", period, &name)>{title}</a> " " })
            .collect();
        let kinds = (!kinds.is_empty()).then(|| view! { <p>{kinds}</p> });
        let simulated = board.has_simulated.then(|| view! { " " <SimulatedBadge/> });
        let total = format!("{} tokens", format::compact(board.total_tokens));
        let body = if board.rows.is_empty() {
            view! { <Empty title="No requests in this period."><p>"Choose a longer one."</p></Empty> }.into_any()
        } else {
            view! {
                <BoardChart board=board.clone() is_by_week={period == Period::Year}/>
                <Exports query/>
                <h2>"Models it uses"</h2>
                <BoardTable board kind=BoardKind::Model/>
            }
            .into_any()
        };
        view! {
            <PageTitle text=title.clone()/>
            <section class="page">
                <p class="eyebrow"><a href="/apps">"Apps"</a></p>
                <div class="page-head"><h1>{title}{simulated}</h1><p class="count">{total}</p></div>
                {link}
                {kinds}
                <nav class="segments" aria-label="Period">{periods}</nav>
                {body}
            </section>
        }
        .into_any()
    })
}
