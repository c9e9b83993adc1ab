//! Models by what one needs them for: each collection is a search of the catalog.

use leptos::prelude::*;

use crate::api::{ModelQuery, use_api};
use crate::components::deferred::deferred;
use crate::components::format;
use crate::components::price::per_million;
use crate::components::title::PageTitle;
use crate::types::models::{Model, ModelList};

/// Models of a collection that are shown.
const SHOWN: u32 = 5;

/// Title, what it is for, the search.
fn collections() -> Vec<(&'static str, &'static str, ModelQuery)> {
    let text = str::to_owned;
    let any = ModelQuery::default;
    vec![
        (
            "Programming",
            "Write and change code, call tools, hold a code base in mind.",
            ModelQuery { category: text("programming"), ..any() },
        ),
        ("Free", "Cost nothing, within daily limits.", ModelQuery { is_free: true, ..any() }),
        ("Private", "Served by a provider that keeps no prompts.", ModelQuery { is_zdr: true, ..any() }),
        ("Long documents", "Read a million tokens or more at once.", ModelQuery { context: text("1000000"), ..any() }),
        ("Pictures", "See images next to text.", ModelQuery { input_modalities: text("image"), ..any() }),
        ("Sound", "Hear speech and other audio.", ModelQuery { input_modalities: text("audio"), ..any() }),
        ("Reasoning", "Think before they answer.", ModelQuery { supported_parameters: text("reasoning"), ..any() }),
        (
            "Cheap and quick",
            "Under a quarter of a dollar per million tokens read, fastest first.",
            ModelQuery { max_price: text("0.25"), sort: text("throughput-high-to-low"), ..any() },
        ),
        ("Roleplay", "Tell stories and stay in character.", ModelQuery { category: text("roleplay"), ..any() }),
        (
            "Embeddings",
            "Turn texts into vectors for search.",
            ModelQuery { output_modalities: text("embeddings"), ..any() },
        ),
        (
            "New this quarter",
            "Released in the last 90 days.",
            ModelQuery { max_age_days: text("90"), sort: text("newest"), ..any() },
        ),
    ]
}

/// `/collections`
#[component]
pub fn Collections() -> impl IntoView {
    let api = use_api();
    deferred(async move {
        let all = collections();
        let queries: Vec<ModelQuery> =
            all.iter().map(|(.., query)| ModelQuery { limit: SHOWN, ..query.clone() }).collect();
        let lists = futures::future::join_all(queries.iter().map(|query| api.models(query))).await;
        let cards = all
            .into_iter()
            .zip(lists)
            .filter_map(|((title, about, query), list)| {
                let list = list.ok().filter(|list| !list.data.is_empty())?;
                Some(card(title, about, &query, list))
            })
            .collect_view();
        view! {
            <PageTitle text="Collections"/>
            <section class="page">
                <h1>"Collections"</h1>
                <p class="lead">"Models by what one needs them for, most used first."</p>
                <div class="collections">{cards}</div>
            </section>
        }
    })
}

fn card(title: &'static str, about: &'static str, query: &ModelQuery, list: ModelList) -> impl IntoView + use<> {
    let href = format!("/models{}", query.to_query_string());
    let all = format!("All {}", list.total_count);
    let label = format!("{all} of {title}");
    let rows = list.data.into_iter().map(line).collect_view();
    view! {
        <section class="collection">
            <h2>{title}</h2>
            <p class="section-note">{about}</p>
            <ul class="plain-list">{rows}</ul>
            <p><a href=href aria-label=label>{all}</a></p>
        </section>
    }
}

fn line(model: Model) -> impl IntoView {
    view! {
        <li class="collection-line">
            <a href=format!("/models/{}", model.id)>{format::plain(&model.name)}</a>
            <span class="count">{per_million(model.pricing.prompt)}</span>
        </li>
    }
}
