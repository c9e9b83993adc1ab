//! A leaderboard's chart as one SVG that needs nothing from anywhere.

use std::fmt::Write as _;

use app::components::chart_maths::{Series, grouped, stack};
use app::components::format;
use app::components::markdown::escape;
use app::types::rankings::Board;

const WIDTH: f64 = 960.0;
const HEIGHT: f64 = 480.0;
/// Where the columns stand.
const LEFT: f64 = 64.0;
const TOP: f64 = 52.0;
const PLOT: (f64, f64) = (620.0, 372.0);
/// Names with a colour of their own.
const NAMES: usize = 9;
const LONGEST_NAME: usize = 32;
/// Light, dark: the colours of the site's charts.
const COLOURS: [(&str, &str); 10] = [
    ("#0b6655", "#57c4a9"),
    ("#d98a1f", "#f0a940"),
    ("#31598f", "#7fa8e0"),
    ("#c24f3a", "#ee8570"),
    ("#7f9a3a", "#b3cd6d"),
    ("#5b4a8a", "#a99bdb"),
    ("#3b9fb0", "#6fd0df"),
    ("#9a5f2c", "#cf9a66"),
    ("#b06a94", "#e2a3c8"),
    ("#b9bcb2", "#46534d"),
];

/// The picture.
pub fn draw(board: &Board, site: &str) -> String {
    let (days, series) = series(board);
    let drawn = stack(&series, days.len(), PLOT.0, PLOT.1);
    let mut out = String::with_capacity(32_768);
    let _ = write!(
        out,
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {HEIGHT}\" role=\"img\" font-family=\"system-ui, sans-serif\" font-size=\"13\"><title>Tokens, stacked</title><style>{}</style><rect class=\"paper\" width=\"{WIDTH}\" height=\"{HEIGHT}\"/>",
        style()
    );
    let _ = write!(
        out,
        "<text class=\"ink\" x=\"{LEFT}\" y=\"28\" font-size=\"17\" font-weight=\"600\">{} tokens</text><text class=\"soft\" x=\"{}\" y=\"28\" text-anchor=\"end\">{}</text>",
        format::compact(board.total_tokens),
        WIDTH - 16.0,
        escape(site)
    );
    let lines = f64::from(u32::try_from(drawn.ticks.len().saturating_sub(1).max(1)).unwrap_or(1));
    for (index, tick) in (0_u32..).zip(&drawn.ticks) {
        let y = TOP + PLOT.1 - f64::from(index) / lines * PLOT.1;
        let _ = write!(
            out,
            "<line class=\"line\" x1=\"{LEFT}\" x2=\"{:.0}\" y1=\"{y:.1}\" y2=\"{y:.1}\"/><text class=\"soft\" x=\"{:.0}\" y=\"{:.1}\" text-anchor=\"end\" font-size=\"11\">{}</text>",
            LEFT + PLOT.0,
            LEFT - 8.0,
            y + 4.0,
            tokens(*tick)
        );
    }
    for block in &drawn.blocks {
        let _ = write!(
            out,
            "<rect class=\"s{}\" x=\"{:.1}\" y=\"{:.1}\" width=\"{:.1}\" height=\"{:.1}\"/>",
            block.series.min(NAMES),
            LEFT + block.x,
            TOP + block.y,
            block.width,
            block.height
        );
    }
    for (day, x, anchor) in [(days.first(), LEFT, "start"), (days.last(), LEFT + PLOT.0, "end")] {
        let day = day.map(|day| format::day(day)).unwrap_or_default();
        let y = TOP + PLOT.1 + 22.0;
        let _ = write!(
            out,
            "<text class=\"soft\" x=\"{x}\" y=\"{y}\" text-anchor=\"{anchor}\" font-size=\"11\">{day}</text>"
        );
    }
    for (index, row) in (0_u32..).zip(&series) {
        let y = TOP + 12.0 + f64::from(index) * 26.0;
        let name: String = row.name.chars().take(LONGEST_NAME).collect();
        let _ = write!(
            out,
            "<circle class=\"s{index}\" cx=\"712\" cy=\"{:.0}\" r=\"5\"/><text class=\"ink\" x=\"726\" y=\"{:.0}\">{}</text>",
            y - 4.0,
            y,
            escape(&name)
        );
    }
    out.push_str("</svg>");
    out
}

fn style() -> String {
    let mut light = String::from(".paper{fill:#fffefb}.ink{fill:#17211d}.soft{fill:#4d5a54}.line{stroke:#d9d7cc}");
    let mut dark = String::from(".paper{fill:#161e1b}.ink{fill:#e8ece6}.soft{fill:#a9b5ae}.line{stroke:#2a3531}");
    for (index, (bright, dim)) in COLOURS.iter().enumerate() {
        let _ = write!(light, ".s{index}{{fill:{bright}}}");
        let _ = write!(dark, ".s{index}{{fill:{dim}}}");
    }
    format!("{light}@media(prefers-color-scheme:dark){{{dark}}}")
}

fn series(board: &Board) -> (Vec<String>, Vec<Series>) {
    let values = |daily: &[i64]| daily.iter().copied().map(format::approximate).collect::<Vec<f64>>();
    let mut series: Vec<Series> = board
        .rows
        .iter()
        .take(NAMES)
        .map(|row| Series { name: format::plain(&row.name), values: values(&row.daily_tokens) })
        .collect();
    let mut rest = vec![0.0; board.days.len()];
    for row in board.rows.iter().skip(NAMES) {
        for (sum, value) in rest.iter_mut().zip(values(&row.daily_tokens)) {
            *sum += value;
        }
    }
    if rest.iter().any(|value| *value > 0.0) {
        series.push(Series { name: "Everything else".to_owned(), values: rest });
    }
    if board.days.len() > 92 { grouped(&board.days, &series, 7) } else { (board.days.clone(), series) }
}

#[expect(clippy::cast_possible_truncation, clippy::as_conversions, reason = "token counts are far below 2^63")]
fn tokens(value: f64) -> String {
    format::compact(value.round() as i64)
}

#[cfg(test)]
mod tests {
    use app::types::rankings::BoardRow;

    use super::*;

    #[test]
    fn a_picture_holds_no_markup_of_a_name() {
        let row = BoardRow { name: "<script>\u{202E}x".to_owned(), daily_tokens: vec![5, 9], ..BoardRow::default() };
        let days = vec!["2026-11-20".to_owned(), "2026-11-21".to_owned()];
        let svg = draw(&Board { days, rows: vec![row], total_tokens: 14, ..Board::default() }, "http://x");
        assert!(svg.contains("&lt;script&gt;x") && !svg.contains("<script"), "{svg}");
        assert_eq!(svg.matches("class=\"s0\"").count(), 3, "two columns and a key");
    }
}
