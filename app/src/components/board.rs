//! A leaderboard: its chart, its table, and where to take it from.

use leptos::prelude::*;

use super::chart::{ShareBar, StackedColumns};
use super::chart_maths::{Series, grouped};
use super::format;
use crate::api::{BoardQuery, encode};
use crate::types::rankings::{Board, BoardKind, BoardRow};

/// Rows with a colour of their own; the rest is drawn together.
const COLOURS: usize = 9;

/// Tokens over time, stacked.
#[component]
pub fn BoardChart(board: Board, is_by_week: bool) -> impl IntoView {
    let (days, series) = series(&board);
    let (days, series) = if days.len() > 92 { grouped(&days, &series, 7) } else { (days, series) };
    let name = format!("Tokens per {}, stacked", if is_by_week { "week" } else { "day" });
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

/// Links to the same chart as numbers and as a picture.
#[component]
pub fn Exports(query: BoardQuery) -> impl IntoView {
    let text = query.to_query_string();
    let embed = format!("<img src=\"/api/v1/rankings.svg{text}\" alt=\"Tokens, stacked\">");
    view! {
        <p class="chart-exports">
            <a href=query.to_page_address()>"Link to this chart"</a>
            <a href=format!("/api/v1/rankings.csv{text}") download>"CSV"</a>
            <a href=format!("/api/v1/rankings.svg{text}")>"SVG to embed"</a>
            <a href=format!("/api/v1/rankings{text}")>"JSON"</a>
            <code class="visually-hidden">{embed}</code>
        </p>
    }
}

/// The ranks.
#[component]
pub fn BoardTable(board: Board, kind: BoardKind) -> impl IntoView {
    let rows = board.rows.into_iter().map(|row| view! { <BoardLine row kind/> }).collect_view();
    view! {
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
    let (change, class) = match row.change {
        None => ("new".to_owned(), "number"),
        Some(change) if change > 0.0 => (format!("+{}", format::percent(change)), "number change-up"),
        Some(change) if change < 0.0 => (format!("−{}", format::percent(-change)), "number change-down"),
        Some(_) => ("0%".to_owned(), "number"),
    };
    view! {
        <tr>
            <td class="number rank" data-label="Rank">{row.rank}</td>
            <th scope="row" data-label="Name"><a href=page_of(kind, &row.id)>{format::plain(&row.name)}</a></th>
            <td class="number" data-label="Tokens">{format::compact(row.tokens)}</td>
            <td class="number" data-label="Requests">{format::compact(row.requests)}</td>
            <td class="number" data-label="Share">{format::percent(row.share)}<ShareBar percent=row.share/></td>
            <td class=class data-label="Change">{change}</td>
        </tr>
    }
}

/// Where there is more about a line.
#[must_use]
pub fn page_of(kind: BoardKind, id: &str) -> String {
    match kind {
        BoardKind::Model => format!("/models/{id}"),
        BoardKind::Author => format!("/models?model_authors={}", encode(id)),
        BoardKind::Provider => format!("/models?providers={}", encode(id)),
        BoardKind::App => format!("/app?url={}", encode(id)),
        BoardKind::Task => format!("/rankings?task={}", encode(id)),
        BoardKind::Category => format!("/rankings?category={}", encode(id)),
        BoardKind::Language => format!("/rankings?language={}", encode(id)),
    }
}
