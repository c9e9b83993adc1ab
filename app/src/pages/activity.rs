//! What was asked and what it cost.

use crate::components::deferred::deferred;
use crate::components::title::PageTitle;
use leptos::prelude::*;
use leptos_router::hooks::use_query_map;

use super::{failed, member};
use crate::api::{encode, use_api};
use crate::components::badge::{Badge, SimulatedBadge, Tone};
use crate::components::chart::StackedColumns;
use crate::components::chart_maths::Series;
use crate::components::format;
use crate::components::notice::Empty;
use crate::types::activity::{GenerationSummary, Usage};
use crate::types::keys::Key;

const PAGE: u32 = 50;
const NANOS_PER_DOLLAR: f64 = 1e9;
const MEASURES: [(&str, &str); 3] = [("cost", "Spend"), ("tokens", "Tokens"), ("requests", "Requests")];
const GROUPS: [(&str, &str); 5] =
    [("model", "By model"), ("key", "By key"), ("app", "By app"), ("provider", "By provider"), ("member", "By member")];
/// Key in the address, name, days (by the minute hours), granularity.
const WINDOWS: [(&str, &str, u32, &str); 8] = [
    ("1h", "1 hour", 1, "minute"),
    ("6h", "6 hours by minute", 6, "minute"),
    ("1d", "24 hours", 1, "hour"),
    ("7d", "7 days by hour", 7, "hour"),
    ("30d", "30 days", 30, "day"),
    ("90d", "90 days", 90, "day"),
    ("26w", "26 weeks", 182, "week"),
    ("12m", "12 months", 366, "month"),
];
const DEFAULT_WINDOW: usize = 4;

/// What the chart shows.
#[derive(Clone)]
struct Choice {
    measure: &'static str,
    by: &'static str,
    window: &'static str,
    key: String,
}

impl Choice {
    fn href(&self) -> String {
        let key = if self.key.is_empty() { String::new() } else { format!("&key={}", encode(&self.key)) };
        format!("/activity?show={}&by={}&window={}{key}", self.measure, self.by, self.window)
    }

    fn window(&self) -> (&'static str, &'static str, u32, &'static str) {
        WINDOWS.into_iter().find(|(key, ..)| *key == self.window).unwrap_or(WINDOWS[DEFAULT_WINDOW])
    }

    fn to_query(&self) -> String {
        let (.., count, granularity) = self.window();
        let unit = if granularity == "minute" { "hours" } else { "days" };
        let key = if self.key.is_empty() { String::new() } else { format!("&api_key_hash={}", encode(&self.key)) };
        format!("?{unit}={count}&granularity={granularity}&by={}{key}", self.by)
    }
}

/// `/activity?show=cost|tokens|requests&by=&window=&key=&before=`
#[component]
pub fn Activity() -> impl IntoView {
    let api = use_api();
    let query = use_query_map().get_untracked();
    let text = |name: &str| query.get(name).unwrap_or_default();
    let known = |list: &[(&'static str, &str)], asked: &str| {
        list.iter().map(|(key, _)| *key).find(|key| *key == asked).or(list.first().map(|(key, _)| *key)).unwrap_or("")
    };
    let choice = Choice {
        measure: known(&MEASURES, &text("show")),
        by: known(&GROUPS, &text("by")),
        window: WINDOWS.into_iter().map(|(key, ..)| key).find(|key| *key == text("window")).unwrap_or("30d"),
        key: text("key"),
    };
    let before = query.get("before").filter(|id| !id.is_empty());
    deferred(async move {
        let body = if let Err(invitation) = member("see your activity", "/activity").await {
            invitation
        } else {
            let usage = choice.to_query();
            let shown = async { futures::try_join!(api.usage(&usage), api.generations(PAGE, before.as_deref())) };
            let (shown, keys) = futures::join!(shown, api.keys());
            match shown {
                Ok((usage, generations)) => view! {
                    <Controls choice=choice.clone() keys=keys.unwrap_or_default()/>
                    <UsageChart usage choice/>
                    <h2>"Requests"</h2>
                    <Generations generations is_first_page=before.is_none()/>
                }
                .into_any(),
                Err(error) => failed(error),
            }
        };
        view! {
            <PageTitle text="Activity"/>
            <section class="page">
                <h1>"Activity"</h1>
                {body}
            </section>
        }
    })
}

#[component]
fn Controls(choice: Choice, keys: Vec<Key>) -> impl IntoView {
    let measures = MEASURES
        .into_iter()
        .map(|(measure, name)| {
            let current = (measure == choice.measure).then_some("page");
            let href = Choice { measure, ..choice.clone() }.href();
            view! { <a href=href aria-current=current>{name}</a> }
        })
        .collect_view();
    let groups = GROUPS
        .into_iter()
        .map(|(by, name)| {
            let current = (by == choice.by).then_some("page");
            let href = Choice { by, ..choice.clone() }.href();
            view! { <a href=href aria-current=current>{name}</a> }
        })
        .collect_view();
    let windows = WINDOWS
        .into_iter()
        .map(|(value, name, ..)| view! { <option value=value selected=value == choice.window>{name}</option> })
        .collect_view();
    let options = keys
        .into_iter()
        .map(|key| {
            let is_chosen = key.hash == choice.key;
            view! { <option value=key.hash selected=is_chosen>{format::plain(&key.name)}</option> }
        })
        .collect_view();
    view! {
        <div class="switches">
            <nav class="segments" aria-label="What the chart shows">{measures}</nav>
            <nav class="segments" aria-label="What it is added up by">{groups}</nav>
        </div>
        <form class="filters" method="get" action="/activity">
            <input type="hidden" name="show" value=choice.measure/>
            <input type="hidden" name="by" value=choice.by/>
            <label class="choice"><span class="visually-hidden">"Time"</span><select class="input" name="window">{windows}</select></label>
            <label class="choice"><span class="visually-hidden">"Key"</span><select class="input" name="key"><option value="">"All keys"</option>{options}</select></label>
            <button class="button" type="submit">"Apply"</button>
            <a class="page-head-end" href=format!("/api/v1/usage.csv{}", choice.to_query()) download>"CSV"</a>
        </form>
    }
}

#[component]
fn UsageChart(usage: Usage, choice: Choice) -> impl IntoView {
    let (_, window, _, granularity) = choice.window();
    let series = usage
        .series
        .iter()
        .map(|row| {
            let values = match choice.measure {
                "tokens" => row.tokens.iter().copied().map(format::approximate).collect(),
                "requests" => row.requests.iter().copied().map(format::approximate).collect(),
                _ => row.cost.iter().map(|cost| format::approximate(cost.0) / NANOS_PER_DOLLAR).collect(),
            };
            Series { name: format::plain(&row.name), values }
        })
        .collect::<Vec<_>>();
    let format: fn(f64) -> String = if choice.measure == "cost" { dollars } else { whole };
    let name = MEASURES.into_iter().find(|(key, _)| *key == choice.measure).map_or("Spend", |(_, name)| name);
    view! {
        <dl class="facts-grid facts-large">
            <div class="fact"><dt>{format!("Spent in {window}")}</dt><dd>{usage.total_cost.dollars()}</dd></div>
            <div class="fact"><dt>"Requests"</dt><dd>{format::compact(usage.total_requests)}</dd></div>
            <div class="fact"><dt>"Tokens"</dt><dd>{format::compact(usage.total_tokens)}</dd></div>
        </dl>
        <StackedColumns title=format!("{name} per {granularity} and {}, {window}", choice.by) days=usage.days series format/>
    }
}

fn dollars(value: f64) -> String {
    let text = format!("{value:.6}");
    let (whole, decimals) = text.split_once('.').unwrap_or((&text, ""));
    format!("${whole}.{:0<2}", decimals.trim_end_matches('0'))
}

#[expect(clippy::cast_possible_truncation, clippy::as_conversions, reason = "token counts are far below 2^63")]
fn whole(value: f64) -> String {
    format::compact(value.round() as i64)
}

#[component]
fn Generations(generations: Vec<GenerationSummary>, is_first_page: bool) -> impl IntoView {
    if generations.is_empty() && is_first_page {
        return view! {
            <Empty title="No requests yet.">
                <p>"Send one with "<a href="/keys">"a key"</a>" or in "<a href="/chat">"the chat room"</a>"; it is here within a second."</p>
            </Empty>
        }
        .into_any();
    }
    let is_full = u32::try_from(generations.len()).unwrap_or(u32::MAX) >= PAGE;
    let older = generations.last().filter(|_| is_full).map(|last| format!("/activity?before={}", encode(&last.id)));
    let rows = generations.into_iter().map(|generation| view! { <GenerationRow generation/> }).collect_view();
    view! {
        <div class="table-scroll" tabindex="0" role="region" aria-label="Requests">
            <table class="table table-cards table-wide">
                <caption class="visually-hidden">"Requests, newest first"</caption>
                <thead>
                    <tr>
                        <th scope="col">"Time"</th>
                        <th scope="col">"Model"</th>
                        <th scope="col">"Provider"</th>
                        <th scope="col">"Key"</th>
                        <th scope="col" class="number">"Tokens in"</th>
                        <th scope="col" class="number">"Tokens out"</th>
                        <th scope="col" class="number">"Cost"</th>
                        <th scope="col" class="number">"First token"</th>
                        <th scope="col" class="number">"Speed"</th>
                        <th scope="col">"End"</th>
                    </tr>
                </thead>
                <tbody>{rows}</tbody>
            </table>
        </div>
        <nav class="pager" aria-label="Pages">
            {(!is_first_page).then(|| view! { <a class="button" href="/activity">"Newest"</a> })}
            {older.map(|href| view! { <a class="button" rel="next" href=href>"Older"</a> })}
        </nav>
    }
    .into_any()
}

#[component]
fn GenerationRow(generation: GenerationSummary) -> impl IntoView {
    let dash = || "–".to_owned();
    let speed = generation.generation_ms.and_then(|ms| format::throughput(generation.completion_tokens, ms));
    let key = match &generation.app_title {
        Some(title) if *title != generation.key_name => format!("{} · {}", generation.key_name, title),
        _ => generation.key_name.clone(),
    };
    let end = match (&generation.error, generation.finish_reason) {
        (Some(_), _) => ("error".to_owned(), Tone::Bad),
        (None, Some(reason)) if reason == "stop" => (reason, Tone::Good),
        (None, Some(reason)) => (reason, Tone::Plain),
        (None, None) => ("–".to_owned(), Tone::Plain),
    };
    let href = format!("/activity/{}", encode(&generation.id));
    let time = generation.created_at;
    view! {
        <tr>
            <td data-label="Time"><a href=href><time datetime=time.clone()>{format::moment_short(&time)}</time></a></td>
            <th scope="row" data-label="Model"><a href=format!("/models/{}", generation.model)>{generation.model.clone()}</a></th>
            <td data-label="Provider">
                {format::plain(&generation.provider_name)}
                {generation.is_simulated.then(|| view! { " " <SimulatedBadge/> })}
            </td>
            <td data-label="Key">{format::plain(&key)}</td>
            <td class="number" data-label="Tokens in">{format::grouped(generation.prompt_tokens)}</td>
            <td class="number" data-label="Tokens out">{format::grouped(generation.completion_tokens)}</td>
            <td class="number" data-label="Cost">{generation.cost.dollars()}</td>
            <td class="number" data-label="First token">{generation.latency_ms.map_or_else(dash, format::duration)}</td>
            <td class="number" data-label="Speed">{speed.unwrap_or_else(dash)}</td>
            <td data-label="End"><Badge text=end.0 tone=end.1/></td>
        </tr>
    }
}
