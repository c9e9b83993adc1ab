//! Two to five models side by side.

use leptos::prelude::*;
use leptos_router::hooks::use_query_map;

use super::failed;
use crate::api::{Api, ApiError, encode, use_api};
use crate::components::badge::SimulatedBadge;
use crate::components::deferred::deferred;
use crate::components::format;
use crate::components::notice::Empty;
use crate::components::price::per_million;
use crate::components::title::PageTitle;
use crate::types::models::{Endpoint, Model};

/// Columns there is room for.
const MOST: usize = 5;

/// A model with those who serve it.
struct Column {
    model: Model,
    endpoints: Vec<Endpoint>,
}

/// One line of the comparison: a value for each model, and which of them is best.
struct Line {
    name: &'static str,
    values: Vec<String>,
    best: Option<usize>,
}

/// `/compare?models=a/b,c/d`
#[component]
pub fn Compare() -> impl IntoView {
    let api = use_api();
    let map = use_query_map().get_untracked();
    let asked = map.get_all("models").unwrap_or_default().join(",");
    let mut ids: Vec<String> = Vec::new();
    for id in asked.split(',').map(str::trim).filter(|id| !id.is_empty()) {
        if ids.len() < MOST && !ids.iter().any(|other| other == id) {
            ids.push(id.to_owned());
        }
    }
    deferred(async move {
        let found = futures::future::join_all(ids.iter().map(|id| column(&api, id))).await;
        let mut columns = Vec::new();
        let mut unknown = Vec::new();
        for (id, answer) in ids.into_iter().zip(found) {
            match answer {
                Ok(column) => columns.push(column),
                Err(error) if error.is_not_found() => unknown.push(id),
                Err(error) => return failed(error),
            }
        }
        let ids: Vec<String> = columns.iter().map(|column| column.model.id.clone()).collect();
        let unknown = (!unknown.is_empty()).then(|| {
            let names = format::plain(&unknown.join(", "));
            view! { <p class="notice">{format!("Not in the catalog: {names}.")}</p> }
        });
        let body = if columns.len() < 2 {
            view! {
                <Empty title="Choose two to five models.">
                    <p>"Tick models in "<a href="/models">"the catalog"</a>", or add them here by their id."</p>
                </Empty>
            }
            .into_any()
        } else {
            table(&columns).into_any()
        };
        view! {
            <PageTitle text="Compare models"/>
            <section class="page">
                <h1>"Compare models"</h1>
                {unknown}
                {body}
                <AddForm ids/>
            </section>
        }
        .into_any()
    })
}

async fn column(api: &Api, id: &str) -> Result<Column, ApiError> {
    let (author, slug) = id.split_once('/').unwrap_or((id, ""));
    let (model, endpoints) = futures::join!(api.model(author, slug), api.model_endpoints(author, slug));
    Ok(Column { model: model?, endpoints: endpoints.map(|list| list.endpoints).unwrap_or_default() })
}

#[component]
fn AddForm(ids: Vec<String>) -> impl IntoView {
    let is_full = ids.len() >= MOST;
    let hidden = ids.into_iter().map(|id| view! { <input type="hidden" name="models" value=id/> }).collect_view();
    (!is_full).then(|| {
        view! {
            <form class="add-form" method="get" action="/compare">
                {hidden}
                <label class="field">
                    <span>"Add a model by its id"</span>
                    <input class="input" name="models" placeholder="author/model" autocomplete="off" required/>
                </label>
                <button class="button" type="submit">"Add"</button>
            </form>
        }
    })
}

fn table(columns: &[Column]) -> impl IntoView + use<> {
    let ids: Vec<&str> = columns.iter().map(|column| column.model.id.as_str()).collect();
    let heads = columns
        .iter()
        .map(|column| {
            let model = &column.model;
            let others: Vec<&str> = ids.iter().copied().filter(|id| *id != model.id).collect();
            let without = format!("/compare?models={}", encode(&others.join(",")));
            let label = format!("Leave out {}", format::plain(&model.name));
            view! {
                <th scope="col">
                    <a href=format!("/models/{}", model.id)>{format::plain(&model.name)}</a>
                    {model.is_simulated.then(|| view! { " " <SimulatedBadge/> })}
                    <span class="compare-links">
                        <a href=format!("/chat?model={}", encode(&model.id))>"Chat"</a>
                        <a href=without aria-label=label>"Leave out"</a>
                    </span>
                </th>
            }
        })
        .collect_view();
    let rows = lines(columns)
        .into_iter()
        .map(|line| {
            let best = line.best;
            let cells = line
                .values
                .into_iter()
                .enumerate()
                .map(|(index, value)| {
                    let is_best = best == Some(index);
                    let class = if is_best { "compare-best" } else { "" };
                    let mark = is_best.then(|| view! { <span class="visually-hidden">" (best)"</span> });
                    view! { <td class=class>{value}{mark}</td> }
                })
                .collect_view();
            view! { <tr><th scope="row">{line.name}</th>{cells}</tr> }
        })
        .collect_view();
    let together = format!("/chat?models={}", encode(&ids.join(",")));
    view! {
        <p class="button-row"><a class="button button-primary" href=together>"Ask them all the same"</a></p>
        <div class="table-scroll" tabindex="0" role="region" aria-label="Comparison">
            <table class="table compare-table">
                <caption class="visually-hidden">"Models side by side; the best value of a line is marked"</caption>
                <thead><tr><td></td>{heads}</tr></thead>
                <tbody>{rows}</tbody>
            </table>
        </div>
    }
}

fn lines(columns: &[Column]) -> Vec<Line> {
    let words = |name: &'static str, value: &dyn Fn(&Column) -> String| Line {
        name,
        values: columns.iter().map(value).collect(),
        best: None,
    };
    let dash = || "–".to_owned();
    // The best is the highest number here; ties have no winner.
    let number =
        |name: &'static str, value: &dyn Fn(&Column) -> Option<f64>, show: &dyn Fn(f64) -> String, sign: f64| {
            let numbers: Vec<Option<f64>> = columns.iter().map(value).collect();
            let highest = numbers.iter().flatten().map(|number| number * sign).fold(f64::NEG_INFINITY, f64::max);
            let is_best = |number: &Option<f64>| number.is_some_and(|number| (number * sign - highest).abs() < 1e-12);
            let best = numbers.iter().position(is_best).filter(|_| numbers.iter().filter(|n| is_best(n)).count() == 1);
            Line { name, values: numbers.iter().map(|number| number.map_or_else(dash, show)).collect(), best }
        };
    let per_million_line = |name: &'static str, value: fn(&Column) -> Option<crate::types::Price>| {
        let cheap =
            number(name, &|column| value(column).map(|price| format::approximate(price.0)), &|_| String::new(), -1.0);
        let values = columns.iter().map(|column| value(column).map_or_else(dash, per_million)).collect();
        Line { values, ..cheap }
    };
    let tokens = |value: f64| format::compact(whole(value));
    let fastest = |column: &Column, pick: fn(&Endpoint) -> Option<f64>, take: fn(f64, f64) -> f64| {
        column.endpoints.iter().filter_map(pick).reduce(take)
    };
    let list = |names: &[String]| format::plain(&names.join(", "));
    vec![
        words("Id", &|column| column.model.id.clone()),
        per_million_line("Input / M tokens", |column| Some(column.model.pricing.prompt)),
        per_million_line("Output / M tokens", |column| Some(column.model.pricing.completion)),
        per_million_line("Cache read / M tokens", |column| column.model.pricing.input_cache_read),
        number("Context", &|column| column.model.context_length.map(format::approximate), &tokens, 1.0),
        number(
            "Longest answer",
            &|column| column.endpoints.iter().filter_map(|e| e.max_completion_tokens).max().map(format::approximate),
            &tokens,
            1.0,
        ),
        number("Providers", &|column| Some(f64::from(column.model.endpoint_count)), &tokens, 1.0),
        number(
            "Latency, best median",
            &|column| fastest(column, |e| e.latency_last_30m.map(|p| p.p50), f64::min),
            &|seconds| format!("{seconds:.2} s"),
            -1.0,
        ),
        number(
            "Throughput, best median",
            &|column| fastest(column, |e| e.throughput_last_30m.map(|p| p.p50), f64::max),
            &|speed| format!("{speed:.0} tokens/s"),
            1.0,
        ),
        number(
            "Uptime of a day, best",
            &|column| fastest(column, |e| e.uptime_last_1d, f64::max),
            &|percent| format::uptime(percent),
            1.0,
        ),
        words("Reads", &|column| list(&column.model.architecture.input_modalities)),
        words("Writes", &|column| list(&column.model.architecture.output_modalities)),
        words("Keeps no prompts", &|column| {
            let keeps_none = |endpoint: &Endpoint| endpoint.data_policy.retains_prompts == Some(false);
            if column.endpoints.iter().any(keeps_none) { "at a provider".to_owned() } else { "–".to_owned() }
        }),
        words("Knowledge until", &|column| column.model.knowledge_cutoff.as_deref().map_or_else(dash, format::day)),
        words("Released", &|column| format::day(&format::day_of_epoch(column.model.created))),
        words("Parameters", &|column| list(&column.model.supported_parameters)),
    ]
}

#[expect(clippy::cast_possible_truncation, clippy::as_conversions, reason = "token counts are far below 2^63")]
fn whole(value: f64) -> i64 {
    value.round() as i64
}
