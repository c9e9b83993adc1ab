//! How the model did: curves of speed, tokens by day, apps, prices.

use leptos::prelude::*;

use crate::api::encode;
use crate::components::badge::SimulatedBadge;
use crate::components::chart::StackedColumns;
use crate::components::format;
use crate::components::line_chart::{Curve, LineChart, series};
use crate::components::price::per_million;
use crate::types::models::Percentiles;
use crate::types::statistics::{AppShare, ModelStatistics, PriceChange};

/// Value, name.
pub const PERIODS: [(&str, &str); 3] = [("day", "24 hours"), ("week", "7 days"), ("month", "30 days")];
/// Endpoints with a curve of their own.
const CURVES: usize = 8;

/// Everything over time.
#[component]
pub fn Charts(
    /// The page's own address.
    path: String,
    period: &'static str,
    statistics: ModelStatistics,
) -> impl IntoView {
    let ModelStatistics { slots, latency, throughput, endpoints, .. } = statistics.clone();
    let by_endpoint = |pick: fn(&crate::types::statistics::EndpointStatistics) -> &Vec<Option<f64>>| {
        endpoints
            .iter()
            .filter(|endpoint| pick(endpoint).iter().any(Option::is_some))
            .take(CURVES)
            .map(|endpoint| Curve { name: format::plain(&endpoint.provider_name), values: pick(endpoint).clone() })
            .collect::<Vec<_>>()
    };
    let periods = PERIODS
        .into_iter()
        .map(|(value, name)| {
            let current = (value == period).then_some("page");
            view! { <a href=format!("{path}?period={value}#performance") aria-current=current>{name}</a> }
        })
        .collect_view();
    let per_day =
        [series("Prompt", &statistics.daily_prompt_tokens), series("Completion", &statistics.daily_completion_tokens)];
    view! {
        <section class="stack" aria-labelledby="performance">
            <div class="page-head">
                <h2 id="performance">"Performance"{statistics.has_simulated.then(|| view! { " " <SimulatedBadge/> })}</h2>
                <nav class="segments page-head-end" aria-label="Period">{periods}</nav>
            </div>
            <div class="chart-grid">
                <LineChart title="Latency, seconds to the first token" times=slots.clone() curves=percentiles(&latency) format=seconds/>
                <LineChart title="Throughput, tokens per second" times=slots.clone() curves=percentiles(&throughput) format=whole/>
                <LineChart title="Median latency by provider" times=slots.clone() curves=by_endpoint(|e| &e.latency) format=seconds/>
                <LineChart title="Median throughput by provider" times=slots curves=by_endpoint(|e| &e.throughput) format=whole/>
            </div>
        </section>
        <section class="stack" aria-labelledby="volume">
            <h2 id="volume">"Tokens per day"</h2>
            <StackedColumns title="Tokens per day, last 30 days" days=statistics.days series=per_day.to_vec() format=tokens/>
        </section>
        <div class="split">
            <section aria-labelledby="apps"><h2 id="apps">"Top apps"</h2><Apps apps=statistics.apps/></section>
            <section><h2 id="prices">"Price history"</h2><Prices prices=statistics.prices/></section>
        </div>
    }
}

fn percentiles(points: &[Option<Percentiles>]) -> Vec<Curve> {
    let curve = |name: &str, pick: fn(&Percentiles) -> f64| Curve {
        name: name.to_owned(),
        values: points.iter().map(|point| point.as_ref().map(pick)).collect(),
    };
    vec![curve("p50", |p| p.p50), curve("p75", |p| p.p75), curve("p90", |p| p.p90), curve("p99", |p| p.p99)]
}

fn seconds(value: f64) -> String {
    format!("{value:.2} s")
}

fn whole(value: f64) -> String {
    format!("{value:.0}")
}

#[expect(clippy::cast_possible_truncation, clippy::as_conversions, reason = "token counts are far below 2^63")]
fn tokens(value: f64) -> String {
    format::compact(value.round() as i64)
}

#[component]
fn Apps(apps: Vec<AppShare>) -> impl IntoView {
    if apps.is_empty() {
        return view! {
            <p class="section-note">"No app has named itself in a request of the last 30 days. An app does so with the headers HTTP-Referer and X-OpenRouter-Title."</p>
        }
        .into_any();
    }
    let rows = apps
        .into_iter()
        .zip(1..)
        .map(|(app, rank)| {
            let href = format!("/app?url={}", encode(&app.url));
            view! {
                <li>
                    <a class="top-model" href=href>
                        <span class="top-rank">{rank}</span>
                        <span class="top-name">{format::plain(&app.title)}</span>
                        <span></span>
                        <span class="top-tokens">{format::compact(app.tokens)}</span>
                    </a>
                </li>
            }
        })
        .collect_view();
    view! { <ol class="top-models">{rows}</ol> }.into_any()
}

#[component]
fn Prices(prices: Vec<PriceChange>) -> impl IntoView {
    if prices.is_empty() {
        return view! { <p class="section-note">"No price is known."</p> }.into_any();
    }
    let rows = prices
        .into_iter()
        .rev()
        .map(|price| {
            let from = if price.from.as_str() <= "1970-01-02" { "the beginning".to_owned() } else { format::day(&price.from) };
            view! {
                <tr>
                    <th scope="row" data-label="Provider">{format::plain(&price.provider_name)}<code>{price.tag}</code></th>
                    <td data-label="From">{from}</td>
                    <td class="number" data-label="Input / M">{per_million(price.prompt)}</td>
                    <td class="number" data-label="Output / M">{per_million(price.completion)}</td>
                </tr>
            }
        })
        .collect_view();
    view! {
        <div class="table-scroll table-tall" tabindex="0" role="region" aria-label="Price history">
            <table class="table table-cards">
                <caption class="visually-hidden">"Prices by provider, newest first"</caption>
                <thead><tr>
                    <th scope="col">"Provider"</th><th scope="col">"From"</th>
                    <th scope="col" class="number">"Input / M"</th><th scope="col" class="number">"Output / M"</th>
                </tr></thead>
                <tbody>{rows}</tbody>
            </table>
        </div>
    }
    .into_any()
}
