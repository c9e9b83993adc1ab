//! The catalog: search, filters, prices.

use crate::components::deferred::deferred;
use crate::components::title::PageTitle;
use leptos::prelude::*;
use leptos_router::hooks::use_query_map;

use super::failed;
use crate::api::{ModelQuery, use_api};
use crate::components::badge::SimulatedBadge;
use crate::components::format;
use crate::components::notice::Empty;
use crate::components::pager::Pager;
use crate::components::price::per_million;
use crate::islands::model_search::ModelSearch;
use crate::types::models::Model;

/// Models on a page.
const PAGE: u32 = 50;

const SORTS: [(&str, &str); 7] = [
    ("", "Most used"),
    ("newest", "Newest"),
    ("pricing-low-to-high", "Price, lowest first"),
    ("pricing-high-to-low", "Price, highest first"),
    ("context-high-to-low", "Longest context"),
    ("throughput-high-to-low", "Highest throughput"),
    ("latency-low-to-high", "Lowest latency"),
];
const INPUTS: [(&str, &str); 5] = [
    ("", "Any input"),
    ("image", "Reads images"),
    ("file", "Reads files"),
    ("audio", "Hears audio"),
    ("video", "Sees video"),
];
const PARAMETERS: [(&str, &str); 6] = [
    ("", "Any parameters"),
    ("tools", "Tools"),
    ("reasoning", "Reasoning"),
    ("structured_outputs", "Structured output"),
    ("response_format", "JSON mode"),
    ("seed", "Seed"),
];

/// `/models`
#[component]
pub fn Models() -> impl IntoView {
    let api = use_api();
    let map = use_query_map().get_untracked();
    let text = |name: &str| map.get(name).unwrap_or_default();
    let query = ModelQuery {
        q: text("q"),
        sort: text("sort"),
        category: text("category"),
        supported_parameters: text("supported_parameters"),
        input_modalities: text("input_modalities"),
        output_modalities: text("output_modalities"),
        is_free: map.get("max_price").is_some_and(|price| price == "0"),
        providers: text("providers"),
        limit: PAGE,
        offset: text("offset").parse().unwrap_or_default(),
    };
    deferred(async move {
        let list = match api.models(&query).await {
            Ok(list) => list,
            Err(error) => return failed(error),
        };
        let count = match list.total_count {
            1 => "1 model".to_owned(),
            count => format!("{} models", format::grouped(i64::try_from(count).unwrap_or(i64::MAX))),
        };
        let body = if list.data.is_empty() {
            view! {
                <Empty title="No model fits.">
                    <p>"Try fewer letters, or "<a href="/models">"clear all filters"</a>"."</p>
                </Empty>
            }
            .into_any()
        } else {
            view! { <ModelTable models=list.data/> }.into_any()
        };
        let (offset, total) = (query.offset, list.total_count);
        let paged = ModelQuery { offset: 0, limit: 0, ..query.clone() }.to_query_string();
        view! {
            <PageTitle text="Models"/>
            <section class="page">
                <div class="page-head">
                    <h1>"Models"</h1>
                    <p class="count">{count}</p>
                </div>
                <Filters query/>
                {body}
                <Pager offset limit=PAGE total href=page_href query=paged/>
            </section>
        }
        .into_any()
    })
}

fn page_href(query: &str, offset: u32) -> String {
    match (query.is_empty(), offset) {
        (true, 0) => "/models".to_owned(),
        (true, _) => format!("/models?offset={offset}"),
        (false, 0) => format!("/models{query}"),
        (false, _) => format!("/models{query}&offset={offset}"),
    }
}

#[component]
fn Filters(query: ModelQuery) -> impl IntoView {
    let provider = (!query.providers.is_empty()).then(|| {
        view! {
            <label class="check">
                <input type="checkbox" name="providers" value=query.providers.clone() checked=true/>
                <span>{format!("Served by {}", format::plain(&query.providers))}</span>
            </label>
        }
    });
    let category = (!query.category.is_empty()).then(|| {
        view! {
            <label class="check">
                <input type="checkbox" name="category" value=query.category.clone() checked=true/>
                <span>{format::plain(&query.category)}</span>
            </label>
        }
    });
    view! {
        <form class="filters" method="get" action="/models" role="search">
            <ModelSearch value=query.q/>
            <Choice name="sort" label="Sort by" options=&SORTS chosen=query.sort/>
            <Choice name="input_modalities" label="Input" options=&INPUTS chosen=query.input_modalities/>
            <Choice name="supported_parameters" label="Parameters" options=&PARAMETERS chosen=query.supported_parameters/>
            <label class="check">
                <input type="checkbox" name="max_price" value="0" checked=query.is_free/>
                <span>"Free"</span>
            </label>
            {provider}
            {category}
            <button class="button" type="submit">"Apply"</button>
        </form>
    }
}

#[component]
fn Choice(
    name: &'static str,
    label: &'static str,
    options: &'static [(&'static str, &'static str)],
    chosen: String,
) -> impl IntoView {
    let options = options
        .iter()
        .map(|(value, text)| view! { <option value=*value selected=*value == chosen>{*text}</option> })
        .collect_view();
    view! {
        <label class="choice">
            <span class="visually-hidden">{label}</span>
            <select class="input" name=name>{options}</select>
        </label>
    }
}

#[component]
fn ModelTable(models: Vec<Model>) -> impl IntoView {
    let rows = models.into_iter().map(|model| view! { <ModelRow model/> }).collect_view();
    view! {
        <div class="table-scroll" tabindex="0" role="region" aria-label="Models">
            <table class="table table-cards model-table">
                <caption class="visually-hidden">"Models, prices in US dollars per million tokens"</caption>
                <thead>
                    <tr>
                        <th scope="col">"Model"</th>
                        <th scope="col" class="number">"Input "<small>"/ M"</small></th>
                        <th scope="col" class="number">"Output "<small>"/ M"</small></th>
                        <th scope="col" class="number">"Context"</th>
                        <th scope="col" class="number">"Providers"</th>
                        <th scope="col" class="number">"Released"</th>
                    </tr>
                </thead>
                <tbody>{rows}</tbody>
            </table>
        </div>
    }
}

#[component]
fn ModelRow(model: Model) -> impl IntoView {
    let reads: Vec<_> = model
        .architecture
        .input_modalities
        .iter()
        .filter(|kind| *kind != "text")
        .map(|kind| view! { " " <span class="badge">{format::plain(kind)}</span> })
        .collect();
    let context = model.context_length.map_or_else(|| "–".to_owned(), format::compact);
    view! {
        <tr>
            <th scope="row" class="model-cell">
                <a href=format!("/models/{}", model.id)>{format::plain(&model.name)}</a>
                {model.is_simulated.then(|| view! { " " <SimulatedBadge/> })}
                {reads}
                <code>{model.id.clone()}</code>
            </th>
            <td class="number" data-label="Input / M">{per_million(model.pricing.prompt)}</td>
            <td class="number" data-label="Output / M">{per_million(model.pricing.completion)}</td>
            <td class="number" data-label="Context">{context}</td>
            <td class="number" data-label="Providers">{model.endpoint_count}</td>
            <td class="number" data-label="Released">{format::day(&format::day_of_epoch(model.created))}</td>
        </tr>
    }
}
