//! Leaderboards: who answers most.

use crate::components::deferred::deferred;
use crate::components::title::PageTitle;
use leptos::prelude::*;
use leptos_router::hooks::use_query_map;

use super::failed;
use crate::api::{Period, use_api};
use crate::components::badge::SimulatedBadge;
use crate::components::chart::{ShareBar, StackedColumns};
use crate::components::chart_maths::{Series, grouped};
use crate::components::format;
use crate::components::notice::Empty;
use crate::types::rankings::{Board, BoardKind, BoardRow};

const KINDS: [(BoardKind, &str, &str); 4] = [
    (BoardKind::Model, "model", "Models"),
    (BoardKind::Author, "author", "Authors"),
    (BoardKind::Provider, "provider", "Providers"),
    (BoardKind::App, "app", "Apps"),
];
/// Rows with a colour of their own; the rest is drawn together.
const COLOURS: usize = 9;

/// `/rankings?by=&period=`
#[component]
pub fn Rankings() -> impl IntoView {
    let api = use_api();
    let query = use_query_map().get_untracked();
    let asked = query.get("by").unwrap_or_default();
    let (kind, by, _) = KINDS.into_iter().find(|(_, by, _)| *by == asked).unwrap_or(KINDS[0]);
    let period = Period::from_query(&query.get("period").unwrap_or_default());
    deferred(async move {
        let board = match api.rankings(kind, period).await {
            Ok(board) => board,
            Err(error) => return failed(error),
        };
        let simulated = board.has_simulated.then(|| view! { " " <SimulatedBadge/> });
        let total = format!("{} tokens", format::compact(board.total_tokens));
        let body = if board.rows.is_empty() {
            view! {
                <Empty title="No traffic in this period.">
                    <p>"Every request through this server counts here within a second. "<a href="/chat">"Send the first one."</a></p>
                </Empty>
            }
            .into_any()
        } else {
            view! { <BoardChart board=board.clone() period/><BoardTable board kind/> }.into_any()
        };
        view! {
            <PageTitle text="Rankings"/>
            <section class="page">
                <div class="page-head">
                    <h1>"Rankings"{simulated}</h1>
                    <p class="count">{total}</p>
                </div>
                <div class="switches">
                    <nav class="segments" aria-label="Count by">
                        {KINDS.into_iter().map(|(_, key, name)| {
                            let current = (key == by).then_some("page");
                            view! { <a href=href(key, period) aria-current=current>{name}</a> }
                        }).collect_view()}
                    </nav>
                    <nav class="segments" aria-label="Period">
                        {Period::ALL.into_iter().map(|other| {
                            let current = (other == period).then_some("page");
                            view! { <a href=href(by, other) aria-current=current>{title(other)}</a> }
                        }).collect_view()}
                    </nav>
                </div>
                {body}
            </section>
        }
        .into_any()
    })
}

fn href(by: &str, period: Period) -> String {
    format!("/rankings?by={by}&period={}", period.as_str())
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
fn BoardChart(board: Board, period: Period) -> impl IntoView {
    let (days, series) = series(&board);
    let (days, series) = if days.len() > 92 { grouped(&days, &series, 7) } else { (days, series) };
    let name = format!("Tokens per {}, stacked", if period == Period::Year { "week" } else { "day" });
    view! { <StackedColumns title=name days series format=tokens/> }
}

/// The first rows each for themselves, everything else as one.
fn series(board: &Board) -> (Vec<String>, Vec<Series>) {
    let values = |row: &BoardRow| row.daily_tokens.iter().copied().map(format::approximate).collect::<Vec<_>>();
    let mut series: Vec<Series> = board
        .rows
        .iter()
        .take(COLOURS)
        .map(|row| Series { name: format::plain(&row.name), values: values(row) })
        .collect();
    let mut rest = vec![0.0; board.days.len()];
    for row in board.rows.iter().skip(COLOURS) {
        for (sum, value) in rest.iter_mut().zip(values(row)) {
            *sum += value;
        }
    }
    if rest.iter().any(|value| *value > 0.0) {
        series.push(Series { name: "Everything else".to_owned(), values: rest });
    }
    (board.days.clone(), series)
}

#[expect(clippy::cast_possible_truncation, clippy::as_conversions, reason = "token counts are far below 2^63")]
fn tokens(value: f64) -> String {
    format::compact(value.round() as i64)
}

#[component]
fn BoardTable(board: Board, kind: BoardKind) -> impl IntoView {
    let rows = board.rows.into_iter().map(|row| view! { <BoardLine row kind/> }).collect_view();
    view! {
        <h2>"Leaderboard"</h2>
        <div class="table-scroll" tabindex="0" role="region" aria-label="Leaderboard">
            <table class="table table-cards">
                <caption class="visually-hidden">"Leaderboard by tokens"</caption>
                <thead>
                    <tr>
                        <th scope="col" class="number">"Rank"</th>
                        <th scope="col">"Name"</th>
                        <th scope="col" class="number">"Tokens"</th>
                        <th scope="col" class="number">"Requests"</th>
                        <th scope="col" class="number">"Share"</th>
                        <th scope="col" class="number">"Change"</th>
                    </tr>
                </thead>
                <tbody>{rows}</tbody>
            </table>
        </div>
    }
}

#[component]
fn BoardLine(row: BoardRow, kind: BoardKind) -> impl IntoView {
    let name = format::plain(&row.name);
    let name = match kind {
        BoardKind::Model => view! { <a href=format!("/models/{}", row.id)>{name}</a> }.into_any(),
        BoardKind::App if row.id.starts_with("https://") || row.id.starts_with("http://") => {
            view! { <a href=row.id.clone() rel="noopener noreferrer nofollow" target="_blank">{name}</a> }.into_any()
        }
        _ => name.into_any(),
    };
    let (change, class) = match row.change {
        None => ("new".to_owned(), "number"),
        Some(change) if change > 0.0 => (format!("+{}", format::percent(change)), "number change-up"),
        Some(change) if change < 0.0 => (format!("−{}", format::percent(-change)), "number change-down"),
        Some(_) => ("0%".to_owned(), "number"),
    };
    view! {
        <tr>
            <td class="number rank" data-label="Rank">{row.rank}</td>
            <th scope="row" data-label="Name">{name}</th>
            <td class="number" data-label="Tokens">{format::compact(row.tokens)}</td>
            <td class="number" data-label="Requests">{format::compact(row.requests)}</td>
            <td class="number" data-label="Share">{format::percent(row.share)}<ShareBar percent=row.share/></td>
            <td class=class data-label="Change">{change}</td>
        </tr>
    }
}
