//! Charts as SVG, drawn on the server, with a table of the same numbers for those who cannot see them.

use leptos::prelude::*;

use super::chart_maths::{Series, stack};
use super::format;

/// The drawing is stretched to its frame, so its own size only sets the precision.
const WIDTH: f64 = 1000.0;
const HEIGHT: f64 = 300.0;

/// Stacked columns: a colour per series, the first at the bottom.
#[component]
pub fn StackedColumns(
    /// What the chart shows, as its accessible name and the caption of its table.
    #[prop(into)]
    title: String,
    /// The columns' names, `YYYY-MM-DD`.
    days: Vec<String>,
    series: Vec<Series>,
    /// How a value is written.
    format: fn(f64) -> String,
) -> impl IntoView {
    let label = title.clone();
    let drawn = stack(&series, days.len(), WIDTH, HEIGHT);
    let scale: Vec<String> = drawn.ticks.iter().rev().map(|tick| format(*tick)).collect();
    let lines = drawn.ticks.len().saturating_sub(1);
    let blocks = drawn
        .blocks
        .iter()
        .map(|block| {
            let row = series.get(block.series);
            let name = row.map(|row| row.name.clone()).unwrap_or_default();
            let value = row.and_then(|row| row.values.get(block.column)).copied().unwrap_or_default();
            let day = days.get(block.column).map(|day| format::when(day)).unwrap_or_default();
            view! {
                <rect
                    class=colour(&name, block.series)
                    x=tenths(block.x)
                    y=tenths(block.y)
                    width=tenths(block.width)
                    height=tenths(block.height)
                >
                    <title>{format!("{day}: {name}, {}", format(value))}</title>
                </rect>
            }
        })
        .collect_view();
    let legend = series
        .iter()
        .enumerate()
        .map(|(index, row)| {
            view! {
                <li>
                    <svg class="swatch" viewBox="0 0 8 8" aria-hidden="true">
                        <circle class=colour(&row.name, index) cx="4" cy="4" r="4"></circle>
                    </svg>
                    {row.name.clone()}
                </li>
            }
        })
        .collect_view();
    view! {
        <figure class="chart">
            <div class="chart-frame">
                <ol class="chart-scale" aria-hidden="true">
                    {scale.into_iter().map(|tick| view! { <li>{tick}</li> }).collect_view()}
                </ol>
                <svg
                    class="chart-plot"
                    viewBox=format!("0 0 {WIDTH} {HEIGHT}")
                    preserveAspectRatio="none"
                    role="img"
                    aria-label=title.clone()
                >
                    {grid(lines)}
                    {blocks}
                </svg>
                <ol class="chart-days" aria-hidden="true">
                    {marks(&days).into_iter().map(|day| view! { <li>{day}</li> }).collect_view()}
                </ol>
            </div>
            <ul class="chart-legend">{legend}</ul>
            <details class="chart-table">
                <summary>"Show the numbers"</summary>
                <div class="table-scroll" tabindex="0" role="region" aria-label=label>
                    <NumberTable title days series format/>
                </div>
            </details>
        </figure>
    }
}

#[component]
fn NumberTable(title: String, days: Vec<String>, series: Vec<Series>, format: fn(f64) -> String) -> impl IntoView {
    let head = series.iter().map(|row| view! { <th scope="col" class="number">{row.name.clone()}</th> }).collect_view();
    let rows = days
        .into_iter()
        .enumerate()
        .rev()
        .map(|(column, day)| {
            let cells = series
                .iter()
                .map(|row| {
                    let value = row.values.get(column).copied().unwrap_or_default();
                    view! { <td class="number">{format(value)}</td> }
                })
                .collect_view();
            view! { <tr><th scope="row">{format::when(&day)}</th>{cells}</tr> }
        })
        .collect_view();
    view! {
        <table>
            <caption class="visually-hidden">{title}</caption>
            <thead><tr><th scope="col">"Day"</th>{head}</tr></thead>
            <tbody>{rows}</tbody>
        </table>
    }
}

/// A bar that fills `percent` of its cell.
#[component]
pub fn ShareBar(percent: f64) -> impl IntoView {
    view! {
        <svg class="share-bar" viewBox="0 0 100 4" preserveAspectRatio="none" aria-hidden="true">
            <rect class="share-track" width="100" height="4"></rect>
            <rect class="share-fill" width=tenths(percent.clamp(0.0, 100.0)) height="4"></rect>
        </svg>
    }
}

/// The course of a value in a small space, without a scale.
#[component]
pub fn Sparkline(values: Vec<i64>) -> impl IntoView {
    let highest = values.iter().copied().max().unwrap_or_default().max(1);
    let last = u32::try_from(values.len().saturating_sub(1).max(1)).unwrap_or(u32::MAX);
    let points: Vec<String> = values
        .iter()
        .zip(0_u32..)
        .map(|(value, index)| {
            let x = f64::from(index) / f64::from(last) * 100.0;
            let y = 22.0 - format::approximate(*value) / format::approximate(highest) * 20.0;
            format!("{},{}", tenths(x), tenths(y))
        })
        .collect();
    view! {
        <svg class="sparkline" viewBox="0 0 100 24" preserveAspectRatio="none" aria-hidden="true">
            <polyline points=points.join(" ")></polyline>
        </svg>
    }
}

fn grid(lines: usize) -> impl IntoView {
    let count = f64::from(u32::try_from(lines.max(1)).unwrap_or(u32::MAX));
    (0..=u32::try_from(lines).unwrap_or_default())
        .map(|line| {
            let y = tenths(f64::from(line) / count * HEIGHT);
            view! { <line class="chart-line" x1="0" x2=WIDTH.to_string() y1=y.clone() y2=y></line> }
        })
        .collect_view()
}

/// First, middle and last day, or all of a week.
fn marks(days: &[String]) -> Vec<String> {
    let shown: Vec<&String> = if days.len() <= 7 {
        days.iter().collect()
    } else {
        [days.first(), days.get(days.len() / 2), days.last()].into_iter().flatten().collect()
    };
    shown
        .into_iter()
        .map(|day| if day.contains('T') { format::moment_short(day) } else { format::day_short(day) })
        .collect()
}

fn colour(name: &str, index: usize) -> String {
    if name.eq_ignore_ascii_case("other") || name.eq_ignore_ascii_case("everything else") {
        "series-other".to_owned()
    } else {
        format!("series-{}", index % 10)
    }
}

fn tenths(value: f64) -> String {
    format!("{value:.1}")
}
