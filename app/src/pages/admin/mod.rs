//! The operators' area: figures of the whole server, its providers, offers and people.

pub mod announcements;
pub mod catalog;
pub mod flags;
pub mod log;
pub mod organization;
pub mod people;
pub mod providers;

use leptos::prelude::*;

use super::{failed, member};
use crate::api::use_api;
use crate::components::deferred::deferred;
use crate::components::notice::Empty;
use crate::components::title::PageTitle;
use crate::types::admin::AdminMonth;
use crate::types::money::Money;

const PLACES: [(&str, &str); 7] = [
    ("/admin", "Overview"),
    ("/admin/providers", "Providers"),
    ("/admin/catalog", "Catalog"),
    ("/admin/people", "People"),
    ("/admin/announcements", "Announcements"),
    ("/admin/flags", "Features"),
    ("/admin/log", "Log"),
];

/// Passes operators; others read who may come here.
async fn operator(here: &str) -> Result<(), AnyView> {
    let session = member("run this server", here).await?;
    if session.user.is_some_and(|user| user.is_operator) {
        return Ok(());
    }
    Err(view! {
        <Empty title="For operators.">
            <p>"This part of the site is for the people who run the server. One of them can make you one: "<code>"patchbay user operator --email …"</code></p>
        </Empty>
    }
    .into_any())
}

/// Heading and places of the area around a page of it.
#[component]
fn Area(title: &'static str, here: &'static str, children: Children) -> impl IntoView {
    let links = PLACES
        .into_iter()
        .map(|(href, name)| {
            let current = (href == here).then_some("page");
            view! { <li><a href=href aria-current=current>{name}</a></li> }
        })
        .collect_view();
    view! {
        <PageTitle text=title/>
        <section class="page">
            <nav class="area-nav" aria-label="Operators"><ul>{links}</ul></nav>
            <h1>{title}</h1>
            {children()}
        </section>
    }
}

/// A number in a query string.
fn number(text: Option<String>) -> u32 {
    text.and_then(|text| text.parse().ok()).unwrap_or(0)
}

/// Links between the pages of a list of which only the length of this page is known.
fn turns(path: &str, query: &str, offset: u32, shown: usize) -> AnyView {
    const PAGE: u32 = 50;
    let is_full = u32::try_from(shown).is_ok_and(|shown| shown >= PAGE);
    let link = |offset: u32| format!("{path}?{query}offset={offset}");
    let back = (offset > 0).then(|| {
        view! { <a class="button" rel="prev" href=link(offset.saturating_sub(PAGE))>"Previous"</a> }
    });
    let on = is_full.then(|| {
        view! { <a class="button" rel="next" href=link(offset.saturating_add(PAGE))>"Next"</a> }
    });
    view! { <nav class="pager" aria-label="Pages">{back}{on}</nav> }.into_any()
}

/// `/admin`
#[component]
pub fn AdminPage() -> impl IntoView {
    let api = use_api();
    deferred(async move {
        let body = match operator("/admin").await {
            Err(refusal) => refusal,
            Ok(()) => match api.admin_overview().await {
                Err(error) => failed(error),
                Ok(all) => view! {
                    <dl class="facts-grid">
                        <Figure name="People" value=all.users.to_string()/>
                        <Figure name="Organizations" value=all.organizations.to_string()/>
                        <Figure name="Models" value=all.models.to_string()/>
                        <Figure name="Endpoints" value=all.endpoints.to_string()/>
                        <Figure name="Providers" value=all.providers.to_string()/>
                        <Figure name="Credit owed" value=all.owed.dollars()/>
                    </dl>
                    <h2 id="money">"Money by month"</h2>
                    <Months months=all.months/>
                }
                .into_any(),
            },
        };
        view! { <Area title="Operators" here="/admin">{body}</Area> }
    })
}

#[component]
fn Figure(name: &'static str, value: String) -> impl IntoView {
    view! { <div class="fact"><dt>{name}</dt><dd>{value}</dd></div> }
}

#[component]
fn Months(months: Vec<AdminMonth>) -> impl IntoView {
    let rows = months
        .into_iter()
        .map(|month| {
            let cell = |label: &'static str, amount: Money| view! { <td class="number" data-label=label>{amount.dollars()}</td> };
            view! {
                <tr>
                    <th scope="row" data-label="Month">{month.month}</th>
                    {cell("Sold", month.sold)}
                    {cell("Fees", month.fees)}
                    {cell("Invoiced", month.invoiced)}
                    {cell("Paid back", month.returned)}
                    {cell("Given", month.granted)}
                    {cell("Usage", month.usage)}
                    {cell("Own-key fees", month.own_key_fees)}
                    {cell("Overruns", month.lost)}
                </tr>
            }
        })
        .collect_view();
    view! {
        <div class="table-scroll" tabindex="0" role="region" aria-labelledby="money">
            <table class="table table-cards">
                <caption class="visually-hidden">"Money by UTC month, newest first"</caption>
                <thead><tr>
                    <th scope="col">"Month"</th><th scope="col" class="number">"Sold"</th><th scope="col" class="number">"Fees"</th>
                    <th scope="col" class="number">"Invoiced"</th><th scope="col" class="number">"Paid back"</th><th scope="col" class="number">"Given"</th>
                    <th scope="col" class="number">"Usage"</th><th scope="col" class="number">"Own-key fees"</th><th scope="col" class="number">"Overruns"</th>
                </tr></thead>
                <tbody>{rows}</tbody>
            </table>
        </div>
        <p class="soft">"Sold is credit bought by card and coins, without the fees on it; usage is what requests were charged, own-key fees are a part of it; overruns are what requests cost beyond their holds."</p>
    }
}
