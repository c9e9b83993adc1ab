//! What the day came to: a table, plots as SVG, and where ours is not the best choice.

use std::fmt::Write as _;

use crate::router::Served;
use crate::world::{DAY_MS, HOUR_MS, as_f64, as_f64_u};

/// All days of one router.
pub struct Result {
    name: &'static str,
    is_ours: bool,
    served: Vec<Served>,
}

/// The figures of a table's row.
#[derive(Clone, Copy)]
struct Figures {
    /// USD for a thousand answers.
    cost: f64,
    /// To the last token, ms.
    median_ms: f64,
    p95_ms: f64,
    /// Of a hundred thousand requests.
    failed: f64,
}

impl Result {
    pub const fn new(name: &'static str, is_ours: bool) -> Self {
        Self { name, is_ours, served: Vec::new() }
    }

    pub fn add(&mut self, day: &[Served]) {
        self.served.extend_from_slice(day);
    }

    fn figures(&self) -> Figures {
        figures(self.served.iter())
    }

    pub fn line(&self) -> String {
        let own = self.figures();
        format!("{}: ${:.3}, p95 {:.0} ms, {:.0} of 100,000 failed", self.name, own.cost, own.p95_ms, own.failed)
    }
}

fn figures<'a>(served: impl Iterator<Item = &'a Served>) -> Figures {
    let (mut all, mut cost, mut times) = (0_u64, 0.0, Vec::new());
    for request in served {
        all += 1;
        if let Some(own) = request.cost {
            cost += own;
            times.push(request.took_ms);
        }
    }
    times.sort_unstable();
    let at = |percent: usize| times.get((times.len() * percent / 100).min(times.len().saturating_sub(1)));
    let answered = as_f64_u(u64::try_from(times.len()).unwrap_or(0)).max(1.0);
    let failed = as_f64_u(all) - as_f64_u(u64::try_from(times.len()).unwrap_or(0));
    Figures {
        cost: cost * 1_000.0 / answered,
        median_ms: at(50).copied().map_or(0.0, as_f64),
        p95_ms: at(95).copied().map_or(0.0, as_f64),
        failed: failed * 100_000.0 / as_f64_u(all).max(1.0),
    }
}

/// Whether `one` is no worse than `other` in anything and better in something.
fn is_better(one: &Figures, other: &Figures) -> bool {
    let pairs = [(one.cost, other.cost), (one.p95_ms, other.p95_ms), (one.failed, other.failed)];
    pairs.iter().all(|(a, b)| a <= b) && pairs.iter().any(|(a, b)| a < b)
}

pub fn table(results: &[Result]) -> String {
    let mut out =
        "| Router | $ per 1,000 answers | median ms | p95 ms | failed of 100,000 |\n|---|---:|---:|---:|---:|\n"
            .to_owned();
    for result in results {
        let own = result.figures();
        let _ = writeln!(
            out,
            "| {} | {:.3} | {:.0} | {:.0} | {:.0} |",
            result.name, own.cost, own.median_ms, own.p95_ms, own.failed
        );
    }
    out
}

/// Who is on the frontier of cost, latency and failures, and what beats who is not.
pub fn verdict(results: &[Result]) -> String {
    let mut out = String::new();
    for result in results {
        let own = result.figures();
        let better: Vec<&str> =
            results.iter().filter(|other| is_better(&other.figures(), &own)).map(|other| other.name).collect();
        let _ = if better.is_empty() {
            writeln!(out, "{}: on the frontier; nothing here is cheaper, quicker and safer at once.", result.name)
        } else {
            writeln!(out, "{}: not on the frontier; {} is no worse in anything.", result.name, better.join(", "))
        };
    }
    for result in results.iter().filter(|result| result.is_ours) {
        for (other, figures) in results.iter().filter(|other| !other.is_ours).map(|other| (other, other.figures())) {
            let own = result.figures();
            let worse: Vec<String> = [
                ("cost", own.cost / figures.cost),
                ("p95 latency", own.p95_ms / figures.p95_ms),
                ("failures", own.failed / figures.failed.max(0.1)),
            ]
            .into_iter()
            .filter(|(_, ratio)| *ratio > 1.005)
            .map(|(what, ratio)| format!("{what} {ratio:.2} times"))
            .collect();
            if !worse.is_empty() {
                let _ = writeln!(out, "{} is behind {} in {}.", result.name, other.name, worse.join(", "));
            }
        }
    }
    out
}

/// A name and an SVG each.
pub fn plots(results: &[Result]) -> Vec<(&'static str, String)> {
    vec![
        ("cost-latency", scatter(results)),
        ("p95-by-hour", by_hour(results, "p95 to the last token, s", |own| own.p95_ms / 1_000.0)),
        ("failures-by-hour", by_hour(results, "failed of 100,000", |own| own.failed)),
        ("cost-by-hour", by_hour(results, "$ per 1,000 answers", |own| own.cost)),
    ]
}

const COLOURS: [&str; 7] = ["#0b6e4f", "#2a9d8f", "#3a86ff", "#8338ec", "#d62828", "#f77f00", "#6c757d"];
const WIDTH: f64 = 760.0;
const HEIGHT: f64 = 340.0;
const LEFT: f64 = 60.0;
const BOTTOM: f64 = 40.0;

struct Axes {
    x: (f64, f64),
    y: (f64, f64),
}

impl Axes {
    fn place(&self, x: f64, y: f64) -> (f64, f64) {
        let part = |value: f64, (low, high): (f64, f64)| (value - low) / (high - low).max(1e-9);
        (LEFT + part(x, self.x) * (WIDTH - LEFT - 20.0), HEIGHT - BOTTOM - part(y, self.y) * (HEIGHT - BOTTOM - 20.0))
    }

    fn frame(&self, x_name: &str, y_name: &str) -> String {
        let mut out = format!(
            "<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 {WIDTH} {:.0}' font-family='sans-serif' font-size='12'>\
             <rect width='100%' height='100%' fill='white'/>",
            HEIGHT + 60.0
        );
        for step in 0..=4_i32 {
            let share = f64::from(step) / 4.0;
            let (x, y) = (self.x.0 + share * (self.x.1 - self.x.0), self.y.0 + share * (self.y.1 - self.y.0));
            let (left, up) = self.place(x, y);
            let _ = write!(
                out,
                "<line x1='{LEFT}' x2='{:.0}' y1='{up:.1}' y2='{up:.1}' stroke='#ddd'/>\
                 <text x='{:.0}' y='{:.1}' text-anchor='end'>{y:.2}</text>\
                 <text x='{left:.1}' y='{:.0}' text-anchor='middle'>{x:.2}</text>",
                WIDTH - 20.0,
                LEFT - 6.0,
                up + 4.0,
                HEIGHT - BOTTOM + 16.0
            );
        }
        let _ = write!(
            out,
            "<text x='{:.0}' y='{:.0}' text-anchor='middle'>{x_name}</text><text x='8' y='14'>{y_name}</text>",
            WIDTH / 2.0,
            HEIGHT - 6.0
        );
        out
    }
}

fn legend(results: &[Result]) -> String {
    let mut out = String::new();
    for (index, (result, colour)) in results.iter().zip(COLOURS).enumerate() {
        let column = as_f64_u(u64::try_from(index % 4).unwrap_or(0));
        let row = as_f64_u(u64::try_from(index / 4).unwrap_or(0));
        let (x, y) = (LEFT + column * 175.0, HEIGHT + 14.0 + row * 20.0);
        let _ = write!(
            out,
            "<circle cx='{x}' cy='{y}' r='5' fill='{colour}'/><text x='{}' y='{}'>{}</text>",
            x + 10.0,
            y + 4.0,
            result.name
        );
    }
    out
}

fn span(values: impl Iterator<Item = f64>) -> (f64, f64) {
    let (low, high) = values.fold((f64::INFINITY, 0.0_f64), |(low, high), value| (low.min(value), high.max(value)));
    let margin = ((high - low) * 0.08).max(high * 0.02);
    ((low - margin).max(0.0), high + margin)
}

fn scatter(results: &[Result]) -> String {
    let figures: Vec<Figures> = results.iter().map(Result::figures).collect();
    let axes =
        Axes { x: span(figures.iter().map(|own| own.cost)), y: span(figures.iter().map(|own| own.p95_ms / 1_000.0)) };
    let mut out = axes.frame("$ per 1,000 answers", "p95 to the last token, s; the larger, the more failed");
    for (own, colour) in figures.iter().zip(COLOURS) {
        let (x, y) = axes.place(own.cost, own.p95_ms / 1_000.0);
        let radius = 5.0 + own.failed.sqrt() / 3.0;
        let _ = write!(out, "<circle cx='{x:.1}' cy='{y:.1}' r='{radius:.1}' fill='{colour}' fill-opacity='0.75'/>");
    }
    out + &legend(results) + "</svg>"
}

fn by_hour(results: &[Result], name: &str, value: impl Fn(&Figures) -> f64) -> String {
    let lines: Vec<Vec<f64>> = results
        .iter()
        .map(|result| {
            (0..DAY_MS / HOUR_MS)
                .map(|hour| value(&figures(result.served.iter().filter(|own| own.at_ms / HOUR_MS == hour))))
                .collect()
        })
        .collect();
    let axes = Axes { x: (0.0, 23.0), y: span(lines.iter().flatten().copied().chain([0.0])) };
    let mut out = axes.frame("hour of the day", name);
    for (line, colour) in lines.iter().zip(COLOURS) {
        let points: Vec<String> = line
            .iter()
            .zip(0_i64..)
            .map(|(value, hour)| {
                let (x, y) = axes.place(as_f64(hour), *value);
                format!("{x:.1},{y:.1}")
            })
            .collect();
        let _ = write!(out, "<polyline points='{}' fill='none' stroke='{colour}' stroke-width='2'/>", points.join(" "));
    }
    out + &legend(results) + "</svg>"
}

/// The whole report as one page without a script.
pub fn page(results: &[Result]) -> String {
    let (mut rows, mut figures, mut points) = (String::new(), String::new(), String::new());
    for result in results {
        let own = result.figures();
        let _ = write!(
            rows,
            "<tr><td>{}</td><td>{:.3}</td><td>{:.0}</td><td>{:.0}</td><td>{:.0}</td></tr>",
            result.name, own.cost, own.median_ms, own.p95_ms, own.failed
        );
    }
    for (_, svg) in plots(results) {
        let _ = write!(figures, "<figure>{svg}</figure>");
    }
    for line in verdict(results).lines() {
        let _ = write!(points, "<li>{line}</li>");
    }
    format!(
        "<!doctype html><html lang='en'><meta charset='utf-8'><meta name='viewport' content='width=device-width'>\
         <title>Routing over simulated days</title>\
         <style>body{{font:16px/1.5 sans-serif;max-width:50rem;margin:2rem auto;padding:0 1rem}}\
         td,th{{padding:.2rem .8rem;text-align:right}}td:first-child,th:first-child{{text-align:left}}\
         figure{{margin:2rem 0}}svg{{width:100%;height:auto}}</style>\
         <h1>Routing over simulated days</h1>\
         <p>Twenty endpoints of one model; prices change by the hour, endpoints fail, fall silent, slow down and limit. \
         Every router has three attempts a request and meets the same days.</p>\
         <table><tr><th>Router</th><th>$ per 1,000</th><th>median ms</th><th>p95 ms</th><th>failed of 100,000</th></tr>\
         {rows}</table><h2>Who is on the frontier</h2><ul>{points}</ul>{figures}</html>"
    )
}
