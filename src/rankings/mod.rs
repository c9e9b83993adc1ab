//! Totals → leaderboards and usage charts. Reads roll-ups only.

pub mod curves;
pub mod ratings;

use std::collections::HashMap;

use app::types::Money;
use app::types::activity::{Usage, UsageSeries};
use app::types::rankings::{Board, BoardKind, BoardRow};

use crate::clock::date_of_day;
use crate::store::rollups::{BoardDayRow, UsageRow};

/// Rows of a leaderboard.
const BOARD_ROWS: usize = 50;
/// Lines of a usage chart; the rest is added up as `other`.
const SERIES: usize = 8;

/// A leaderboard of the days from `from_day` to before `to_day`. `rows` reach back
/// one window further, for the change against it. With `is_trending` only what grew is
/// ranked, by how much. `name` makes an id readable.
#[must_use]
pub fn board(
    kind: BoardKind,
    rows: &[BoardDayRow],
    from_day: i64,
    to_day: i64,
    is_trending: bool,
    name: &dyn Fn(&str, &str) -> String,
) -> Board {
    let length = usize::try_from(to_day - from_day).unwrap_or(0);
    let mut lines: HashMap<String, Line> = HashMap::new();
    let (mut total_tokens, mut has_simulated) = (0_i64, false);
    for row in rows {
        let id = if kind == BoardKind::Author { author_of(&row.id).to_owned() } else { row.id.clone() };
        let line = lines.entry(id).or_insert_with(|| Line { daily: vec![0; length], ..Line::default() });
        if !row.title.is_empty() {
            line.title.clone_from(&row.title);
        }
        match usize::try_from(row.day - from_day).ok().and_then(|day| line.daily.get_mut(day)) {
            Some(tokens) => {
                *tokens += row.tokens;
                line.tokens += row.tokens;
                line.requests += row.requests;
                total_tokens += row.tokens;
                has_simulated |= row.is_simulated != 0;
            }
            None => line.before += row.tokens,
        }
    }
    let mut lines: Vec<(String, Line)> = lines.into_iter().filter(|(_, line)| line.requests > 0).collect();
    let score = |line: &Line| if is_trending { line.tokens - line.before } else { line.tokens };
    lines.retain(|(_, line)| !is_trending || score(line) > 0);
    lines.sort_by(|(a_id, a), (b_id, b)| score(b).cmp(&score(a)).then_with(|| a_id.cmp(b_id)));
    let rows = lines
        .into_iter()
        .take(BOARD_ROWS)
        .zip(1..)
        .map(|((id, line), rank)| BoardRow {
            rank,
            name: name(&id, &line.title),
            id,
            tokens: line.tokens,
            tokens_before: line.before,
            requests: line.requests,
            share: percent(line.tokens, total_tokens).unwrap_or(0.0),
            change: percent(line.tokens - line.before, line.before),
            daily_tokens: line.daily,
        })
        .collect();
    let days = (from_day..to_day).map(date_of_day).collect();
    Board { days, rows, total_tokens, has_simulated, title: None }
}

#[derive(Default)]
struct Line {
    title: String,
    tokens: i64,
    requests: i64,
    before: i64,
    daily: Vec<i64>,
}

/// An organization's spending by name (in place of the model) and period; `starts` are the
/// periods in order, `label` tells them.
#[must_use]
pub fn usage(rows: &[UsageRow], starts: &[i64], label: &dyn Fn(i64) -> String) -> Usage {
    let length = starts.len();
    let empty = |name: &str| UsageSeries {
        name: name.to_owned(),
        cost: vec![Money::ZERO; length],
        tokens: vec![0; length],
        requests: vec![0; length],
    };
    let mut spent: HashMap<&str, (i64, i64)> = HashMap::new();
    for row in rows {
        let sum = spent.entry(&row.model_id).or_default();
        sum.0 += row.cost_nanos;
        sum.1 += row.requests;
    }
    let mut models: Vec<(&str, (i64, i64))> = spent.into_iter().collect();
    models.sort_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(b.0)));
    let shown: Vec<&str> = models.iter().take(SERIES).map(|(model, _)| *model).collect();
    let mut usage = Usage { days: starts.iter().map(|start| label(*start)).collect(), ..Usage::default() };
    usage.series = shown.iter().map(|model| empty(model)).collect();
    if models.len() > SERIES {
        usage.series.push(empty("other"));
    }
    for row in rows {
        let tokens = row.prompt_tokens + row.completion_tokens;
        usage.total_cost = usage.total_cost.plus(Money(row.cost_nanos));
        usage.total_requests += row.requests;
        usage.total_tokens += tokens;
        let position = shown.iter().position(|model| *model == row.model_id).unwrap_or(SERIES);
        let Ok(day) = starts.binary_search(&row.period) else { continue };
        let Some(series) = usage.series.get_mut(position) else { continue };
        if let (Some(cost), Some(sum), Some(requests)) =
            (series.cost.get_mut(day), series.tokens.get_mut(day), series.requests.get_mut(day))
        {
            *cost = cost.plus(Money(row.cost_nanos));
            *sum += tokens;
            *requests += row.requests;
        }
    }
    usage
}

/// The part of a model's id before the slash.
#[must_use]
pub fn author_of(model_id: &str) -> &str {
    model_id.split('/').next().unwrap_or(model_id)
}

/// Per cent to a tenth; `None` of nothing.
#[must_use]
pub fn percent(part: i64, whole: i64) -> Option<f64> {
    if whole <= 0 {
        return None;
    }
    // Tenths of a per cent, exact, then one division.
    let tenths = i128::from(part) * 1_000 / i128::from(whole);
    i32::try_from(tenths).ok().map(|tenths| f64::from(tenths) / 10.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(day: i64, id: &str, tokens: i64) -> BoardDayRow {
        BoardDayRow { day, id: id.to_owned(), title: String::new(), tokens, requests: 1, is_simulated: 0 }
    }

    #[test]
    fn a_board_ranks_by_tokens_and_compares_with_the_window_before() {
        let rows = [row(8, "a/x", 100), row(10, "a/x", 150), row(11, "b/y", 300), row(11, "a/z", 50)];
        let board = board(BoardKind::Model, &rows, 10, 12, false, &|id, _| id.to_uppercase());
        assert_eq!(board.total_tokens, 500);
        assert_eq!(board.days, ["1970-01-11", "1970-01-12"]);
        let shown: Vec<_> = board.rows.iter().map(|r| (r.rank, r.name.as_str(), r.share, r.change)).collect();
        assert_eq!(shown, [(1, "B/Y", 60.0, None), (2, "A/X", 30.0, Some(50.0)), (3, "A/Z", 10.0, None)]);
        assert_eq!(board.rows[1].daily_tokens, [150, 0]);
        let authors = super::board(BoardKind::Author, &rows, 10, 12, false, &|id, _| id.to_owned());
        let growing = super::board(BoardKind::Model, &rows, 10, 12, true, &|id, _| id.to_owned());
        assert_eq!(growing.rows.iter().map(|row| row.id.as_str()).collect::<Vec<_>>(), ["b/y", "a/x", "a/z"]);
        assert_eq!(authors.rows[1].tokens, 200);
    }

    #[test]
    fn usage_keeps_every_cent_also_of_models_beyond_the_chart() {
        let rows: Vec<UsageRow> = (0..12)
            .map(|n| UsageRow {
                period: 10 + n % 3,
                model_id: format!("m{n}"),
                requests: 1,
                cost_nanos: 100 + n,
                ..UsageRow::default()
            })
            .collect();
        let usage = usage(&rows, &[10, 11, 12], &|day| day.to_string());
        assert_eq!(usage.series.len(), 9);
        assert_eq!(usage.series[0].name, "m11", "most spend first");
        let sum: i64 = usage.series.iter().flat_map(|series| &series.cost).map(|cost| cost.0).sum();
        assert_eq!(sum, usage.total_cost.0);
        assert_eq!(usage.total_cost.0, (0..12).map(|n| 100 + n).sum::<i64>());
    }
}
