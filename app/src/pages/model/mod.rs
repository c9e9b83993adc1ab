//! One model: what it is, who serves it on what terms, and how to call it.

mod charts;

use leptos::prelude::*;
use leptos_meta::Meta;
use leptos_router::hooks::{use_params_map, use_query_map};

use self::charts::{Charts, PERIODS};
use super::code::{CodeTabs, chat_samples};
use super::{failed, session};
use crate::api::{encode, use_api};
use crate::components::badge::{Badge, SimulatedBadge, Tone};
use crate::components::deferred::deferred;
use crate::components::line_chart::UptimeBars;
use crate::components::notice::{Empty, Failure};
use crate::components::price::{PriceItem, per_million};
use crate::components::title::PageTitle;
use crate::components::{format, markdown};
use crate::islands::copy_button::CopyButton;
use crate::types::models::{Endpoint, Model, Pricing};
use crate::types::statistics::{Benchmark, ModelStatistics};

/// `/models/{author}/{slug}` and `/{author}/{slug}`
#[component]
pub fn ModelPage() -> impl IntoView {
    let api = use_api();
    let params = use_params_map().get_untracked();
    let (author, slug) = (params.get("author").unwrap_or_default(), params.get("slug").unwrap_or_default());
    let asked = use_query_map().get_untracked().get("period").unwrap_or_default();
    let period = PERIODS.into_iter().map(|(period, _)| period).find(|period| *period == asked).unwrap_or("week");
    deferred(async move {
        let (session, model, endpoints, statistics) = futures::join!(
            session(),
            api.model(&author, &slug),
            api.model_endpoints(&author, &slug),
            api.model_statistics(&author, &slug, period),
        );
        let model = match model {
            Ok(model) => model,
            Err(error) => return failed(error),
        };
        let endpoints = match endpoints {
            Ok(endpoints) => {
                let statistics = statistics.clone().unwrap_or_default();
                view! { <Endpoints endpoints=endpoints.endpoints statistics/> }.into_any()
            }
            Err(error) => view! { <Failure error/> }.into_any(),
        };
        let path = format!("/models/{}", model.id);
        let benchmarks = statistics.as_ref().map(|statistics| statistics.benchmarks.clone()).unwrap_or_default();
        let charts = match statistics {
            Ok(statistics) => view! { <Charts path period statistics/> }.into_any(),
            Err(error) => view! { <Failure error/> }.into_any(),
        };
        let samples = chat_samples(&session.base_url, &model.id);
        let name = format::plain(&model.name);
        view! {
            <PageTitle text=name.clone()/>
            <Meta name="description" content=summary(&model)/>
            <article class="page">
                <Head model=model.clone()/>
                <Facts model=model.clone()/>
                <section aria-labelledby="providers">
                    <h2 id="providers">"Providers"</h2>
                    <p class="section-note">"Prices in US dollars per million tokens. Latency is the time to the first token; both are medians of the last 30 minutes. The bars are the last 72 hours."</p>
                    {endpoints}
                </section>
                {charts}
                <Benchmarks results=benchmarks/>
                <div class="split">
                    <section aria-labelledby="api">
                        <h2 id="api">"Call it"</h2>
                        <CodeTabs id="model-sample" samples/>
                    </section>
                    <section aria-labelledby="parameters">
                        <h2 id="parameters">"Supported parameters"</h2>
                        <Parameters names=model.supported_parameters/>
                    </section>
                </div>
            </article>
        }
        .into_any()
    })
}

fn summary(model: &Model) -> String {
    let text = model.description.as_deref().map(markdown::to_text).unwrap_or_default();
    let first: String = format::plain(&text).chars().take(160).collect();
    if first.is_empty() { format!("{}: prices and providers", format::plain(&model.name)) } else { first }
}

#[component]
fn Head(model: Model) -> impl IntoView {
    let description = model.description.as_deref().map(markdown::to_html).unwrap_or_default();
    let author = model.id.split('/').next().unwrap_or_default().to_owned();
    let by_author = format!("/models?q={}", encode(&author));
    view! {
        <header class="model-head">
            <p class="eyebrow"><a href=by_author>{author}</a></p>
            <h1>
                {format::plain(&model.name)}
                {model.is_simulated.then(|| view! { " " <SimulatedBadge/> })}
            </h1>
            <p class="model-id"><code>{model.id.clone()}</code><CopyButton text=model.id.clone()/></p>
            <div class="prose" inner_html=description></div>
            <p class="button-row">
                <a class="button button-primary" href=format!("/chat?model={}", encode(&model.id))>"Chat with it"</a>
                <a class="button" href="#api">"Call it"</a>
                <a class="button" href=format!("/compare?models={}", encode(&model.id))>"Compare it"</a>
            </p>
        </header>
    }
}

#[component]
fn Facts(model: Model) -> impl IntoView {
    let Pricing { prompt, completion, image, request, input_cache_read, input_cache_write, .. } = model.pricing;
    let context = model
        .context_length
        .map_or_else(|| "not known".to_owned(), |tokens| format!("{} tokens", format::grouped(tokens)));
    let output = model.top_provider.max_completion_tokens.map(|tokens| format!("{} tokens", format::grouped(tokens)));
    let list = |kinds: &[String]| format::plain(&kinds.join(", "));
    view! {
        <dl class="facts-grid">
            <PriceItem label="Input" price=prompt unit="M tokens"/>
            <PriceItem label="Output" price=completion unit="M tokens"/>
            {input_cache_read.map(|price| view! { <PriceItem label="Cache read" price unit="M tokens"/> })}
            {input_cache_write.map(|price| view! { <PriceItem label="Cache write" price unit="M tokens"/> })}
            {image.filter(|price| !price.is_zero()).map(|price| view! { <PriceItem label="Image" price unit="image"/> })}
            {request.filter(|price| !price.is_zero()).map(|price| view! { <PriceItem label="Request" price unit="request"/> })}
            <Fact label="Context" value=context/>
            {output.map(|value| view! { <Fact label="Longest answer" value/> })}
            <Fact label="Reads" value=list(&model.architecture.input_modalities)/>
            <Fact label="Writes" value=list(&model.architecture.output_modalities)/>
            <Fact label="Released" value=format::day(&format::day_of_epoch(model.created))/>
            {model.knowledge_cutoff.as_deref().map(|date| view! { <Fact label="Knowledge until" value=format::day(date)/> })}
            {model.expiration_date.as_deref().map(|date| view! { <Fact label="Leaves on" value=format::day(date)/> })}
        </dl>
    }
}

/// Published results, where a list tells some.
#[component]
fn Benchmarks(results: Vec<Benchmark>) -> impl IntoView {
    let rows = results
        .iter()
        .map(|result| {
            let source = result.source.as_deref().unwrap_or_default();
            let host = source.split('/').nth(2).unwrap_or_default().to_owned();
            // Only a web address may become a link.
            let source = source.starts_with("https://").then(|| {
                view! { <a href=source.to_owned() rel="noopener noreferrer nofollow" target="_blank">{format::plain(&host)}</a> }
            });
            view! {
                <tr>
                    <th scope="row" data-label="Benchmark">{format::plain(&result.name)}</th>
                    <td class="number" data-label="Score">{result.score.to_string()}</td>
                    <td data-label="Counts">{result.metric.as_deref().map(format::plain)}</td>
                    <td data-label="Source">{source}</td>
                </tr>
            }
        })
        .collect_view();
    (!results.is_empty()).then(|| {
        view! {
            <section aria-labelledby="benchmarks">
                <h2 id="benchmarks">"Benchmarks"</h2>
                <p class="section-note">"As published; nobody here has measured them again."</p>
                <div class="table-scroll" tabindex="0" role="region" aria-label="Published results">
                    <table class="table table-cards">
                        <caption class="visually-hidden">"Published results"</caption>
                        <thead><tr>
                            <th scope="col">"Benchmark"</th><th scope="col" class="number">"Score"</th>
                            <th scope="col">"Counts"</th><th scope="col">"Source"</th>
                        </tr></thead>
                        <tbody>{rows}</tbody>
                    </table>
                </div>
            </section>
        }
    })
}

#[component]
fn Fact(label: &'static str, value: String) -> impl IntoView {
    view! { <div class="fact"><dt>{label}</dt><dd>{value}</dd></div> }
}

#[component]
fn Endpoints(endpoints: Vec<Endpoint>, statistics: ModelStatistics) -> impl IntoView {
    if endpoints.is_empty() {
        return view! {
            <Empty title="Nobody serves this model here.">
                <p>"A provider appears as soon as the catalog has an offer of it."</p>
            </Empty>
        }
        .into_any();
    }
    let rows = endpoints
        .into_iter()
        .map(|endpoint| {
            let hours = statistics.endpoints.iter().find(|other| other.tag == endpoint.tag);
            let hours = hours.map(|own| own.uptime.clone()).unwrap_or_default();
            view! { <EndpointRow endpoint hours/> }
        })
        .collect_view();
    view! {
        <div class="table-scroll" tabindex="0" role="region" aria-label="Providers of this model">
            <table class="table table-cards table-wide">
                <caption class="visually-hidden">"Providers of this model"</caption>
                <thead>
                    <tr>
                        <th scope="col">"Provider"</th>
                        <th scope="col" class="number">"Input"</th>
                        <th scope="col" class="number">"Output"</th>
                        <th scope="col" class="number">"Context"</th>
                        <th scope="col" class="number">"Longest answer"</th>
                        <th scope="col" class="number">"Latency"</th>
                        <th scope="col" class="number">"Throughput"</th>
                        <th scope="col" class="number">"Uptime"</th>
                        <th scope="col">"Weights"</th>
                        <th scope="col">"Prompts"</th>
                    </tr>
                </thead>
                <tbody>{rows}</tbody>
            </table>
        </div>
    }
    .into_any()
}

#[component]
fn EndpointRow(endpoint: Endpoint, hours: Vec<Option<f64>>) -> impl IntoView {
    let dash = || "–".to_owned();
    let latency = endpoint.latency_last_30m.map_or_else(dash, |latency| format!("{:.2} s", latency.p50));
    let throughput = endpoint.throughput_last_30m.map_or_else(dash, |speed| format!("{:.0} tokens/s", speed.p50));
    let uptime = endpoint.uptime_last_1d.or(endpoint.uptime_last_30m).map_or_else(dash, format::uptime);
    let bars = (!hours.is_empty()).then(|| {
        let name = format!("Uptime of {}", format::plain(&endpoint.provider_name));
        view! { <UptimeBars name values=hours/> }
    });
    let policy = match (endpoint.data_policy.trains_on_prompts, endpoint.data_policy.retains_prompts) {
        (Some(false), Some(false)) => ("not kept", Tone::Good),
        (Some(false), _) => ("not trained on", Tone::Good),
        (Some(true), _) => ("trained on", Tone::Caution),
        (None, Some(true)) => ("kept", Tone::Caution),
        (None, _) => ("not known", Tone::Plain),
    };
    let state = match (endpoint.is_available, endpoint.status < 0) {
        (false, _) => Some(("No credential", Tone::Plain)),
        (true, true) => Some(("Degraded", Tone::Bad)),
        (true, false) => None,
    };
    view! {
        <tr>
            <th scope="row" data-label="Provider">
                {format::plain(&endpoint.provider_name)}
                {endpoint.is_simulated.then(|| view! { " " <SimulatedBadge/> })}
                {state.map(|(text, tone)| view! { " " <Badge text tone/> })}
                <code>{endpoint.tag}</code>
            </th>
            <td class="number" data-label="Input">{per_million(endpoint.pricing.prompt)}</td>
            <td class="number" data-label="Output">{per_million(endpoint.pricing.completion)}</td>
            <td class="number" data-label="Context">{format::compact(endpoint.context_length)}</td>
            <td class="number" data-label="Longest answer">{endpoint.max_completion_tokens.map_or_else(dash, format::compact)}</td>
            <td class="number" data-label="Latency">{latency}</td>
            <td class="number" data-label="Throughput">{throughput}</td>
            <td class="number uptime-cell" data-label="Uptime">{uptime}{bars}</td>
            <td data-label="Weights">{endpoint.quantization.unwrap_or_else(dash)}</td>
            <td data-label="Prompts"><Badge text=policy.0 tone=policy.1/></td>
        </tr>
    }
}

#[component]
fn Parameters(names: Vec<String>) -> impl IntoView {
    if names.is_empty() {
        return view! { <p>"The catalog does not say."</p> }.into_any();
    }
    let items = names.into_iter().map(|name| view! { <li><code>{name}</code></li> }).collect_view();
    view! { <ul class="parameter-list">{items}</ul> }.into_any()
}
