//! The models that fit. Nothing here is an island, so that the part can be replaced while one types.

use leptos::prelude::*;

use super::{PAGE, Shape};
use crate::api::ModelQuery;
use crate::components::badge::SimulatedBadge;
use crate::components::notice::Empty;
use crate::components::pager::Pager;
use crate::components::price::per_million;
use crate::components::{format, markdown};
use crate::types::models::{Model, ModelList};

/// Letters of a description in the list.
const SUMMARY: usize = 220;

/// The count, the models, the pager.
#[component]
pub fn Results(list: ModelList, query: ModelQuery, shape: Shape) -> impl IntoView {
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
    } else if shape == Shape::List {
        let cards = list.data.into_iter().map(|model| view! { <Card model/> }).collect_view();
        view! { <ul class="model-list">{cards}</ul> }.into_any()
    } else {
        view! { <ModelTable models=list.data/> }.into_any()
    };
    let (offset, total) = (query.offset, list.total_count);
    let mut paged = ModelQuery { offset: 0, limit: 0, ..query }.to_query_string();
    if shape == Shape::List {
        paged.push_str(if paged.is_empty() { "?view=list" } else { "&view=list" });
    }
    view! {
        <p class="count">{count}</p>
        {body}
        <Pager offset limit=PAGE total href=page_href query=paged/>
    }
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
                        <th scope="col">"Compare"</th>
                    </tr>
                </thead>
                <tbody>{rows}</tbody>
            </table>
        </div>
    }
}

#[component]
fn ModelRow(model: Model) -> impl IntoView {
    let context = model.context_length.map_or_else(|| "–".to_owned(), format::compact);
    view! {
        <tr>
            <th scope="row" class="model-cell">
                <a href=format!("/models/{}", model.id)>{format::plain(&model.name)}</a>
                {model.is_simulated.then(|| view! { " " <SimulatedBadge/> })}
                {inputs(&model)}
                <code>{model.id.clone()}</code>
            </th>
            <td class="number" data-label="Input / M">{per_million(model.pricing.prompt)}</td>
            <td class="number" data-label="Output / M">{per_million(model.pricing.completion)}</td>
            <td class="number" data-label="Context">{context}</td>
            <td class="number" data-label="Providers">{model.endpoint_count}</td>
            <td class="number" data-label="Released">{format::day(&format::day_of_epoch(model.created))}</td>
            <td data-label="Compare">{pick(&model)}</td>
        </tr>
    }
}

#[component]
fn Card(model: Model) -> impl IntoView {
    let text = model.description.as_deref().map(markdown::to_text).unwrap_or_default();
    let mut summary: String = format::plain(&text).chars().take(SUMMARY).collect();
    if text.chars().count() > SUMMARY {
        summary.push('…');
    }
    let context = model.context_length.map(|tokens| format!("{} context", format::compact(tokens)));
    let price = if model.pricing.is_free() {
        "Free".to_owned()
    } else {
        let [prompt, completion] = [model.pricing.prompt, model.pricing.completion].map(per_million);
        format!("{prompt} in, {completion} out per M tokens")
    };
    let providers = match model.endpoint_count {
        1 => "1 provider".to_owned(),
        count => format!("{count} providers"),
    };
    view! {
        <li class="model-card">
            <h2 class="model-card-name">
                <a href=format!("/models/{}", model.id)>{format::plain(&model.name)}</a>
                {model.is_simulated.then(|| view! { " " <SimulatedBadge/> })}
                {inputs(&model)}
            </h2>
            <p>{summary}</p>
            <p class="model-card-facts">
                <code>{model.id.clone()}</code>
                <span>{price}</span>
                {context.map(|text| view! { <span>{text}</span> })}
                <span>{providers}</span>
                <span>{format::day(&format::day_of_epoch(model.created))}</span>
                {pick(&model)}
            </p>
        </li>
    }
}

/// What it reads besides text.
fn inputs(model: &Model) -> Vec<impl IntoView + use<>> {
    model
        .architecture
        .input_modalities
        .iter()
        .filter(|kind| *kind != "text")
        .map(|kind| view! { " " <span class="badge">{format::plain(kind)}</span> })
        .collect()
}

/// Chooses the model for the comparison, which is a form of its own.
fn pick(model: &Model) -> impl IntoView + use<> {
    let label = format!("Compare {}", format::plain(&model.name));
    view! {
        <input class="compare-pick" type="checkbox" name="models" value=model.id.clone() form="compare-form" aria-label=label/>
    }
}
