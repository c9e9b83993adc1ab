//! What the list of models can be narrowed to: a form that works without a script.

use leptos::prelude::*;

use super::Shape;
use crate::api::ModelQuery;
use crate::components::format;
use crate::types::models::{Facet, Facets};

const SORTS: [(&str, &str); 9] = [
    ("", "Most used"),
    ("top-weekly", "Most used this week"),
    ("newest", "Newest"),
    ("pricing-low-to-high", "Price, lowest first"),
    ("pricing-high-to-low", "Price, highest first"),
    ("context-high-to-low", "Longest context"),
    ("throughput-high-to-low", "Highest throughput"),
    ("latency-low-to-high", "Lowest latency"),
    ("coding-high-to-low", "Best coding score"),
];
const CONTEXTS: [(&str, &str); 6] = [
    ("", "Any length"),
    ("32000", "32K or more"),
    ("128000", "128K or more"),
    ("200000", "200K or more"),
    ("1000000", "1M or more"),
    ("2000000", "2M or more"),
];
const AGES: [(&str, &str); 5] =
    [("", "Any time"), ("7", "Last week"), ("30", "Last month"), ("90", "Last three months"), ("365", "Last year")];
const VIEWS: [(&str, &str); 2] = [("", "Table"), ("list", "List")];
/// Values of a facet shown before "all".
const SHORT: usize = 8;

/// The form. Its answers are the page's address.
#[component]
pub fn Filters(query: ModelQuery, facets: Facets, shape: Shape) -> impl IntoView {
    let chosen = |list: &str| list.split(',').map(str::to_owned).filter(|item| !item.is_empty()).collect::<Vec<_>>();
    let is_narrow = !query.is_everything();
    view! {
        <form id="model-filters" class="facets" method="get" action="/models" role="search">
            <label class="visually-hidden" for="model-search">"Search models"</label>
            <input
                id="model-search"
                class="input facet-search"
                type="search"
                name="q"
                placeholder="Search models"
                autocomplete="off"
                value=query.q
            />
            <div class="facet-row">
                <Choice name="sort" label="Sort by" options=&SORTS chosen=query.sort/>
                <Choice name="view" label="View" options=&VIEWS chosen=shape.as_str().to_owned()/>
            </div>
            // Where there is room the style sheet shows what is folded here.
            <details class="facet-fold">
                <summary>"Filters"</summary>
                <fieldset class="facet">
                    <legend>"Terms"</legend>
                    <Check name="free" value="true" text="Free" count=facets.free is_chosen=query.is_free/>
                    <Check name="zdr" value="true" text="Keeps no prompts" count=facets.zdr is_chosen=query.is_zdr/>
                </fieldset>
                <Facet name="input_modalities" title="Reads" facets=facets.input_modalities chosen=chosen(&query.input_modalities)/>
                <Facet name="output_modalities" title="Writes" facets=facets.output_modalities chosen=chosen(&query.output_modalities)/>
                <fieldset class="facet">
                    <legend>"Dollars per M input tokens"</legend>
                    <div class="facet-range">
                        <Amount name="min_price" label="At least" value=query.min_price/>
                        <Amount name="max_price" label="At most" value=if query.is_free { String::new() } else { query.max_price }/>
                    </div>
                </fieldset>
                <fieldset class="facet">
                    <legend>"Context and age"</legend>
                    <Choice name="context" label="Context" options=&CONTEXTS chosen=query.context/>
                    <Choice name="max_age_days" label="Released" options=&AGES chosen=query.max_age_days/>
                </fieldset>
                <Facet name="supported_parameters" title="Parameters" facets=facets.supported_parameters chosen=chosen(&query.supported_parameters)/>
                <Facet name="providers" title="Providers" facets=facets.providers chosen=chosen(&query.providers)/>
                <Facet name="model_authors" title="Authors" facets=facets.authors chosen=chosen(&query.model_authors)/>
                <Category facets=facets.categories chosen=query.category/>
            </details>
            <p class="button-row facet-actions">
                <button class="button" type="submit">"Apply"</button>
                {is_narrow.then(|| view! { <a class="button" href="/models">"Clear all"</a> })}
            </p>
        </form>
    }
}

#[component]
fn Facet(name: &'static str, title: &'static str, facets: Vec<Facet>, chosen: Vec<String>) -> impl IntoView {
    if facets.len() < 2 && chosen.is_empty() {
        return ().into_any();
    }
    // What is chosen stays in sight.
    let (first, rest): (Vec<_>, Vec<_>) = facets
        .into_iter()
        .enumerate()
        .map(|(index, facet)| (index < SHORT || chosen.contains(&facet.value), facet))
        .partition(|(is_shown, _)| *is_shown);
    let checks = |list: Vec<(bool, Facet)>| {
        list.into_iter()
            .map(|(_, facet)| {
                let is_chosen = chosen.contains(&facet.value);
                let text = format::plain(&facet.name);
                view! { <Check name value=facet.value text count=facet.count is_chosen/> }
            })
            .collect_view()
    };
    let more = rest.len();
    let (shown, hidden) = (checks(first), checks(rest));
    view! {
        <fieldset class="facet">
            <legend>{title}</legend>
            {shown}
            {(more > 0).then(|| view! {
                <details class="facet-more"><summary>{format!("{more} more")}</summary><div class="facet-list">{hidden}</div></details>
            })}
        </fieldset>
    }
    .into_any()
}

#[component]
fn Category(facets: Vec<Facet>, chosen: String) -> impl IntoView {
    let options = facets
        .into_iter()
        .map(|facet| {
            let text = format!("{} ({})", facet.name, facet.count);
            let is_chosen = facet.value == chosen;
            view! { <option value=facet.value selected=is_chosen>{text}</option> }
        })
        .collect_view();
    view! {
        <fieldset class="facet">
            <legend>"Used for"</legend>
            <label class="choice">
                <span class="visually-hidden">"Category"</span>
                <select class="input" name="category"><option value="">"Anything"</option>{options}</select>
            </label>
        </fieldset>
    }
}

#[component]
fn Check(
    name: &'static str,
    #[prop(into)] value: String,
    #[prop(into)] text: String,
    count: u32,
    is_chosen: bool,
) -> impl IntoView {
    view! {
        <label class="check facet-check">
            <input type="checkbox" name=name value=value checked=is_chosen/>
            <span>{text}</span>
            <small>{count}</small>
        </label>
    }
}

#[component]
fn Amount(name: &'static str, label: &'static str, value: String) -> impl IntoView {
    view! {
        <label class="field">
            <small>{label}</small>
            <input class="input" name=name inputmode="decimal" autocomplete="off" value=value/>
        </label>
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
