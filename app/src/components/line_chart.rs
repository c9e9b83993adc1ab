//! Curves over time and bars of uptime, as SVG drawn on the server.

use leptos::prelude::*;

use super::chart_maths::{Series, ticks};
use super::format;

const WIDTH: f64 = 1000.0;
const HEIGHT: f64 = 260.0;

/// One curve; `None` leaves a gap.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Curve {
    pub name: String,
    pub values: Vec<Option<f64>>,
}

/// Curves over the same points in time.
#[component]
pub fn LineChart(
    /// What the chart shows, as its accessible name and the caption of its table.
    #[prop(into)]
    title: String,
    /// The points in time, RFC 3339 or `YYYY-MM-DD`.
    times: Vec<String>,
    curves: Vec<Curve>,
    /// How a value is written.
    format: fn(f64) -> String,
) -> impl IntoView {
    let highest = curves.iter().flat_map(|curve| &curve.values).flatten().copied().fold(0.0, f64::max);
    if highest <= 0.0 {
        return view! { <p class="chart-empty">{format!("{title}: nothing measured in this time.")}</p> }.into_any();
    }
    let ticks = ticks(highest);
    let top = ticks.last().copied().unwrap_or(1.0);
    let last = u32::try_from(times.len().saturating_sub(1).max(1)).unwrap_or(u32::MAX);
    let place = |index: u32, value: f64| (f64::from(index) / f64::from(last) * WIDTH, HEIGHT - value / top * HEIGHT);
    let drawn = curves
        .iter()
        .enumerate()
        .map(|(number, curve)| {
            runs(&curve.values)
                .into_iter()
                .map(|run| {
                    let points: Vec<String> = run
                        .into_iter()
                        .map(|(index, value)| {
                            let (x, y) = place(index, value);
                            format!("{x:.1},{y:.1}")
                        })
                        .collect();
                    let points = match points.as_slice() {
                        // A single point is a dot: a line of no length with a round end.
                        [only] => format!("{only} {only}"),
                        _ => points.join(" "),
                    };
                    view! { <polyline class=format!("curve series-{}", number % 10) points=points></polyline> }
                })
                .collect_view()
        })
        .collect_view();
    // Invisible columns that say the values where the pointer is.
    let step = WIDTH / f64::from(last.saturating_add(1));
    let columns = times
        .iter()
        .zip(0_u32..)
        .map(|(time, index)| {
            let told: Vec<String> = curves
                .iter()
                .filter_map(|curve| {
                    let value = curve.values.get(usize::try_from(index).ok()?).copied().flatten()?;
                    Some(format!("{}: {}", curve.name, format(value)))
                })
                .collect();
            let told = format!("{}: {}", format::moment_short(time), told.join(", "));
            view! {
                <rect class="chart-column" x=format!("{:.1}", f64::from(index) * step) y="0" width=format!("{step:.1}") height=HEIGHT.to_string()>
                    <title>{told}</title>
                </rect>
            }
        })
        .collect_view();
    let grid = (0..=4_u32)
        .map(|line| {
            let y = format!("{:.1}", f64::from(line) / 4.0 * HEIGHT);
            view! { <line class="chart-line" x1="0" x2=WIDTH.to_string() y1=y.clone() y2=y></line> }
        })
        .collect_view();
    let scale = ticks.iter().rev().map(|tick| view! { <li>{format(*tick)}</li> }).collect_view();
    let marks = [times.first(), times.get(times.len() / 2), times.last()]
        .into_iter()
        .flatten()
        .map(|time| view! { <li>{format::moment_short(time)}</li> })
        .collect_view();
    let legend = legend(curves.iter().map(|curve| curve.name.clone()));
    let label = title.clone();
    view! {
        <figure class="chart">
            <figcaption class="chart-title">{title.clone()}</figcaption>
            <div class="chart-frame">
                <ol class="chart-scale" aria-hidden="true">{scale}</ol>
                <svg class="chart-plot chart-plot-small" viewBox=format!("0 0 {WIDTH} {HEIGHT}") preserveAspectRatio="none" role="img" aria-label=label.clone()>
                    {grid}{drawn}{columns}
                </svg>
                <ol class="chart-days" aria-hidden="true">{marks}</ol>
            </div>
            {legend}
            <details class="chart-table">
                <summary>"Show the numbers"</summary>
                <div class="table-scroll" tabindex="0" role="region" aria-label=label>
                    {table(&title, &times, &curves, format)}
                </div>
            </details>
        </figure>
    }
    .into_any()
}

/// The keys of a chart's colours.
pub fn legend(names: impl Iterator<Item = String>) -> impl IntoView {
    let items = names
        .enumerate()
        .map(|(index, name)| {
            view! {
                <li>
                    <svg class="swatch" viewBox="0 0 8 8" aria-hidden="true"><circle class=format!("series-{}", index % 10) cx="4" cy="4" r="4"></circle></svg>
                    {name}
                </li>
            }
        })
        .collect_view();
    view! { <ul class="chart-legend">{items}</ul> }
}

fn table(title: &str, times: &[String], curves: &[Curve], format: fn(f64) -> String) -> impl IntoView + use<> {
    let head =
        curves.iter().map(|curve| view! { <th scope="col" class="number">{curve.name.clone()}</th> }).collect_view();
    let rows = times
        .iter()
        .enumerate()
        .rev()
        .map(|(index, time)| {
            let cells = curves
                .iter()
                .map(|curve| {
                    let value = curve.values.get(index).copied().flatten();
                    view! { <td class="number">{value.map_or_else(|| "–".to_owned(), format)}</td> }
                })
                .collect_view();
            view! { <tr><th scope="row">{format::moment_short(time)}</th>{cells}</tr> }
        })
        .collect_view();
    view! {
        <table>
            <caption class="visually-hidden">{title.to_owned()}</caption>
            <thead><tr><th scope="col">"Time"</th>{head}</tr></thead>
            <tbody>{rows}</tbody>
        </table>
    }
}

/// The values without their gaps, run by run, each with its place.
fn runs(values: &[Option<f64>]) -> Vec<Vec<(u32, f64)>> {
    let mut out: Vec<Vec<(u32, f64)>> = Vec::new();
    let mut is_running = false;
    for (value, index) in values.iter().zip(0_u32..) {
        match (value, out.last_mut()) {
            (Some(value), Some(run)) if is_running => run.push((index, *value)),
            (Some(value), _) => out.push(vec![(index, *value)]),
            (None, _) => {}
        }
        is_running = value.is_some();
    }
    out
}

/// A bar for every hour: how much of what was asked was answered.
#[component]
pub fn UptimeBars(
    /// Whose uptime.
    #[prop(into)]
    name: String,
    /// Per cent; `None` where nothing was asked.
    values: Vec<Option<f64>>,
) -> impl IntoView {
    let count = values.len();
    let asked: Vec<f64> = values.iter().flatten().copied().collect();
    let worst = asked.iter().copied().fold(100.0, f64::min);
    let label = if asked.is_empty() {
        format!("{name}: nothing asked in {count} hours")
    } else {
        format!("{name}: the worst of {} hours had {}", asked.len(), format::uptime(worst))
    };
    let bars = values
        .iter()
        .zip(0_u32..)
        .map(|(value, index)| {
            let (class, told) = match value {
                None => ("hour hour-none", "nothing asked".to_owned()),
                Some(value) if *value >= 99.0 => ("hour hour-good", format::uptime(*value)),
                Some(value) if *value >= 80.0 => ("hour hour-fair", format::uptime(*value)),
                Some(value) => ("hour hour-poor", format::uptime(*value)),
            };
            let ago = count.saturating_sub(usize::try_from(index).unwrap_or(0)).saturating_sub(1);
            view! {
                <rect class=class x=(index * 4).to_string() y="0" width="3" height="20">
                    <title>{if ago == 0 { format!("this hour: {told}") } else { format!("{ago} h ago: {told}") }}</title>
                </rect>
            }
        })
        .collect_view();
    view! {
        <svg class="uptime-bars" viewBox=format!("0 0 {} 20", count * 4) preserveAspectRatio="none" role="img" aria-label=label>{bars}</svg>
    }
}

/// Whole numbers as a series of a stacked chart.
#[must_use]
pub fn series(name: &str, values: &[i64]) -> Series {
    Series { name: name.to_owned(), values: values.iter().copied().map(format::approximate).collect() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_gap_parts_a_curve() {
        let values = [Some(1.0), Some(2.0), None, Some(3.0), None];
        assert_eq!(runs(&values), [vec![(0, 1.0), (1, 2.0)], vec![(3, 3.0)]]);
    }
}
