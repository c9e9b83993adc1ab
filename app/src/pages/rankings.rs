//! Leaderboards: who answers most, who grows, who is fast.

use leptos::prelude::*;
use leptos_router::hooks::use_query_map;

use super::failed;
use crate::api::{BoardQuery, Period, use_api};
use crate::components::badge::SimulatedBadge;
use crate::components::board::{BoardChart, BoardTable, Exports, page_of};
use crate::components::deferred::deferred;
use crate::components::format;
use crate::components::notice::Empty;
use crate::components::title::PageTitle;
use crate::types::labels::{CATEGORIES, LANGUAGES, TASKS, app_categories_in};
use crate::types::rankings::{BoardKind, BoardRow, SpeedLine};

const KINDS: [(&str, &str); 7] = [
    ("model", "Models"),
    ("author", "Authors"),
    ("provider", "Providers"),
    ("app", "Apps"),
    ("task", "Tasks"),
    ("category", "Categories"),
    ("language", "Languages"),
];
const MODALITIES: [(&str, &str); 7] = [
    ("", "All requests"),
    ("tool_calling", "Answers that call tools"),
    ("image_prompts", "Questions with images"),
    ("image", "Models that see images"),
    ("image_output", "Models that draw"),
    ("audio", "Models that hear"),
    ("text", "Models that write"),
];
const LENGTHS: [(&str, &str); 6] = [
    ("", "Prompts of any length"),
    ("1K", "Prompts under 1K tokens"),
    ("10K", "1K to 10K"),
    ("100K", "10K to 100K"),
    ("1M", "100K to 1M"),
    ("10M", "Over 1M"),
];
/// Lines of the side boards.
const SIDE: usize = 10;

/// `/rankings?by=&period=&category=&modality=&length=&task=&language=&app_category=`
#[component]
pub fn Rankings() -> impl IntoView {
    let api = use_api();
    let map = use_query_map().get_untracked();
    let asked = BoardQuery::read(&|name| map.get(name).unwrap_or_default());
    deferred(async move {
        let query = tidy(asked);
        let (board, speed) = futures::join!(api.board(&query), api.speed_board());
        let board = match board {
            Ok(board) => board,
            Err(error) => return failed(error),
        };
        let simulated = board.has_simulated.then(|| view! { " " <SimulatedBadge/> });
        let total = format!("{} tokens", format::compact(board.total_tokens));
        let kind = query.kind();
        let movers = board.movers.clone();
        let body = if board.rows.is_empty() {
            view! {
                <Empty title="No traffic of this kind.">
                    <p>"Every request through this server counts here within a second. "<a href="/chat">"Send the first one"</a>", or "<a href="/rankings">"show everything"</a>"."</p>
                </Empty>
            }
            .into_any()
        } else {
            view! {
                <BoardChart board=board.clone() is_by_week={query.period == Period::Year}/>
                <Exports query=query.clone()/>
                <h2>"Leaderboard"</h2>
                <BoardTable board kind/>
            }
            .into_any()
        };
        view! {
            <PageTitle text="Rankings"/>
            <section class="page">
                <div class="page-head">
                    <h1>"Rankings"{simulated}</h1>
                    <p class="count">{total}</p>
                    <a class="page-head-end" href="/rankings/quality">"Which answers people prefer"</a>
                </div>
                <Switches query=query.clone()/>
                {body}
                <div class="split">
                    <section aria-labelledby="movers">
                        <h2 id="movers">"Growing most"</h2>
                        <Movers rows=movers kind/>
                    </section>
                    <section aria-labelledby="fastest">
                        <h2 id="fastest">"Fastest in 24 hours"</h2>
                        <Speed lines=speed.unwrap_or_default()/>
                    </section>
                </div>
            </section>
        }
        .into_any()
    })
}

/// What the page cannot show is taken for what it shows first.
fn tidy(query: BoardQuery) -> BoardQuery {
    let known = |value: String, list: &[(&str, &str)]| {
        if list.iter().any(|(key, _)| *key == value) { value } else { String::new() }
    };
    let by = known(query.by, &KINDS);
    let is_of_models = matches!(by.as_str(), "" | "model" | "author");
    let mut tidy = BoardQuery { by, period: query.period, ..BoardQuery::default() };
    if tidy.by == "app" && !app_categories_in(&query.app_category).is_empty() {
        tidy.app_category.clone_from(&query.app_category);
    }
    if is_of_models {
        tidy.modality = known(query.modality, &MODALITIES);
        // A request is counted by one of these at a time; of several the first is shown.
        let mut is_narrow = matches!(tidy.modality.as_str(), "tool_calling" | "image_prompts");
        for (kept, value, list) in [
            (&mut tidy.length, query.length, &LENGTHS[..]),
            (&mut tidy.task, query.task, &TASKS[..]),
            (&mut tidy.category, query.category, &CATEGORIES[..]),
            (&mut tidy.language, query.language, &LANGUAGES[..]),
        ] {
            if !is_narrow {
                *kept = known(value, list);
                is_narrow = !kept.is_empty();
            }
        }
    }
    tidy
}

#[component]
fn Switches(query: BoardQuery) -> impl IntoView {
    let kind = query.kind();
    let is_of_models = matches!(kind, BoardKind::Model | BoardKind::Author);
    let kinds = KINDS
        .into_iter()
        .map(|(key, name)| {
            let other = tidy(BoardQuery { by: key.to_owned(), ..query.clone() });
            let current = (key == query.by || (query.by.is_empty() && key == "model")).then_some("page");
            view! { <a href=other.to_page_address() aria-current=current>{name}</a> }
        })
        .collect_view();
    let periods = Period::ALL
        .into_iter()
        .map(|period| {
            let current = (period == query.period).then_some("page");
            let href = BoardQuery { period, ..query.clone() }.to_page_address();
            view! { <a href=href aria-current=current>{title(period)}</a> }
        })
        .collect_view();
    let with_any = |any: &'static str, list: &[(&'static str, &'static str)]| {
        std::iter::once(("", any)).chain(list.iter().copied()).collect::<Vec<_>>()
    };
    let tasks = with_any("Whatever is asked for", &TASKS);
    let categories = with_any("Questions about anything", &CATEGORIES);
    let languages = with_any("Questions in any language", &LANGUAGES);
    let period = query.period.as_str();
    let filters = is_of_models.then(|| {
        view! {
            <form class="filters" method="get" action="/rankings">
                <input type="hidden" name="by" value=query.by.clone()/>
                <input type="hidden" name="period" value=period/>
                <Choice name="modality" label="Kind of request" options=MODALITIES.to_vec() chosen=query.modality.clone()/>
                <Choice name="length" label="Prompt length" options=LENGTHS.to_vec() chosen=query.length.clone()/>
                <Choice name="task" label="Task" options=tasks chosen=query.task.clone()/>
                <Choice name="category" label="Category" options=categories chosen=query.category.clone()/>
                <Choice name="language" label="Language" options=languages chosen=query.language.clone()/>
                <button class="button" type="submit">"Apply"</button>
            </form>
        }
    });
    view! {
        <div class="switches">
            <nav class="segments" aria-label="Count by">{kinds}</nav>
            <nav class="segments" aria-label="Period">{periods}</nav>
        </div>
        {filters}
    }
}

#[component]
fn Choice(
    name: &'static str,
    label: &'static str,
    options: Vec<(&'static str, &'static str)>,
    chosen: String,
) -> impl IntoView {
    let options = options
        .into_iter()
        .map(|(value, text)| view! { <option value=value selected=value == chosen>{text}</option> })
        .collect_view();
    view! {
        <label class="choice">
            <span class="visually-hidden">{label}</span>
            <select class="input" name=name>{options}</select>
        </label>
    }
}

const fn title(period: Period) -> &'static str {
    match period {
        Period::Day => "Day",
        Period::Week => "Week",
        Period::Month => "Month",
        Period::Year => "Year",
    }
}

#[component]
fn Movers(rows: Vec<BoardRow>, kind: BoardKind) -> impl IntoView {
    if rows.is_empty() {
        return view! { <p class="section-note">"Nothing grew against the period before."</p> }.into_any();
    }
    let lines = rows
        .into_iter()
        .take(SIDE)
        .map(|row| {
            let gain = format!("+{}", format::compact(row.tokens.saturating_sub(row.tokens_before)));
            let change = row.change.map_or_else(|| "new".to_owned(), |change| format!("+{}", format::percent(change)));
            view! {
                <li>
                    <a class="top-model" href=page_of(kind, &row.id)>
                        <span class="top-rank">{gain}</span>
                        <span class="top-name">{format::plain(&row.name)}</span>
                        <span></span>
                        <span class="top-tokens change-up">{change}</span>
                    </a>
                </li>
            }
        })
        .collect_view();
    view! { <ol class="top-models movers">{lines}</ol> }.into_any()
}

#[component]
fn Speed(lines: Vec<SpeedLine>) -> impl IntoView {
    if lines.is_empty() {
        return view! { <p class="section-note">"Too few answers in the last 24 hours to tell."</p> }.into_any();
    }
    let rows = lines
        .into_iter()
        .take(SIDE)
        .map(|line| {
            let speed = line.throughput.map_or_else(|| "–".to_owned(), |speed| format!("{:.0}", speed.p50));
            view! {
                <tr>
                    <th scope="row" data-label="Model"><a href=format!("/models/{}", line.id)>{format::plain(&line.name)}</a></th>
                    <td class="number" data-label="Tokens/s">{speed}</td>
                    <td class="number" data-label="First token">{format!("{:.2} s", line.latency.p50)}</td>
                </tr>
            }
        })
        .collect_view();
    view! {
        <div class="table-scroll" tabindex="0" role="region" aria-label="Fastest models">
            <table class="table table-cards">
                <caption class="visually-hidden">"Medians of the last 24 hours"</caption>
                <thead><tr>
                    <th scope="col">"Model"</th><th scope="col" class="number">"Tokens/s"</th><th scope="col" class="number">"First token"</th>
                </tr></thead>
                <tbody>{rows}</tbody>
            </table>
        </div>
    }
    .into_any()
}
