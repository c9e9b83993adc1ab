//! Totals → leaderboards and usage charts. Reads roll-ups only.

pub mod app_categories;
pub mod curves;
pub mod ratings;

use std::collections::HashMap;

use app::types::Money;
use app::types::activity::{Usage, UsageSeries};
use app::types::rankings::{Board, BoardRow};

use crate::clock::date_of_day;
use crate::store::page_totals::{BoardDay, BoardTotals, Spent};

/// What grew most, beside a leaderboard.
const MOVERS: usize = 10;
/// Rows of a leaderboard.
const BOARD_ROWS: usize = 50;
/// Lines of a usage chart; the rest is added up as `other`.
const SERIES: usize = 8;

/// A leaderboard before its days are known.
#[derive(Debug, Default)]
pub struct Ranks {
    lines: Vec<Line>,
    movers: Vec<Line>,
    total_tokens: i64,
    has_simulated: bool,
}

#[derive(Clone, Debug, Default)]
struct Line {
    id: String,
    title: String,
    tokens: i64,
    requests: i64,
    before: i64,
    /// The names it is made of.
    parts: Vec<String>,
}

/// Ranks names; with `is_trending` only what grew, by how much. With `by_author` models
/// count as their authors.
#[must_use]
pub fn ranks(totals: Vec<BoardTotals>, by_author: bool, is_trending: bool) -> Ranks {
    let mut ranks = Ranks::default();
    let mut lines: HashMap<String, Line> = HashMap::new();
    for row in totals {
        ranks.total_tokens += row.tokens;
        ranks.has_simulated |= row.is_simulated != 0;
        let id = if by_author { author_of(&row.id).to_owned() } else { row.id.clone() };
        let line = lines.entry(id.clone()).or_insert_with(|| Line { id, title: row.title, ..Line::default() });
        line.tokens += row.tokens;
        line.requests += row.requests;
        line.before += row.tokens_before;
        line.parts.push(row.id);
    }
    let lines: Vec<Line> = lines.into_values().filter(|line| line.requests > 0).collect();
    let gain = |line: &Line| line.tokens - line.before;
    ranks.movers = lines.iter().filter(|line| gain(line) > 0).cloned().collect();
    sort_by(&mut ranks.movers, &gain);
    if is_trending {
        ranks.lines.clone_from(&ranks.movers);
    } else {
        ranks.lines = lines;
        sort_by(&mut ranks.lines, &|line| line.tokens);
    }
    ranks.lines.truncate(BOARD_ROWS);
    ranks.movers.truncate(MOVERS);
    ranks
}

fn sort_by(lines: &mut [Line], score: &dyn Fn(&Line) -> i64) {
    lines.sort_by(|a, b| score(b).cmp(&score(a)).then_with(|| a.id.cmp(&b.id)));
}

impl Ranks {
    /// The names whose days the board shows.
    #[must_use]
    pub fn names(&self) -> Vec<String> {
        self.lines.iter().flat_map(|line| line.parts.iter().cloned()).collect()
    }

    /// The board of the days from `from_day` to before `to_day`. `name` makes an id readable.
    #[must_use]
    pub fn board(self, days: &[BoardDay], from_day: i64, to_day: i64, name: &dyn Fn(&str, &str) -> String) -> Board {
        let length = usize::try_from(to_day - from_day).unwrap_or(0);
        let places: HashMap<&str, usize> = (self.lines.iter().enumerate())
            .flat_map(|(place, line)| line.parts.iter().map(move |part| (part.as_str(), place)))
            .collect();
        let mut daily = vec![vec![0; length]; self.lines.len()];
        for day in days {
            let place = places.get(day.id.as_str()).and_then(|place| daily.get_mut(*place));
            let column = usize::try_from(day.day - from_day).ok();
            if let Some(tokens) = place.zip(column).and_then(|(line, column)| line.get_mut(column)) {
                *tokens += day.tokens;
            }
        }
        let row = |((line, daily_tokens), rank): ((Line, Vec<i64>), u32)| BoardRow {
            rank,
            name: name(&line.id, &line.title),
            tokens: line.tokens,
            tokens_before: line.before,
            requests: line.requests,
            share: percent(line.tokens, self.total_tokens).unwrap_or(0.0),
            change: percent(line.tokens - line.before, line.before),
            daily_tokens,
            id: line.id,
        };
        Board {
            days: (from_day..to_day).map(date_of_day).collect(),
            rows: self.lines.into_iter().zip(daily).zip(1..).map(row).collect(),
            movers: self.movers.into_iter().map(|line| (line, Vec::new())).zip(1..).map(row).collect(),
            total_tokens: self.total_tokens,
            has_simulated: self.has_simulated,
            title: None,
            categories: Vec::new(),
        }
    }
}

/// The names of a usage chart, most spend first; what else there is counts as `other`.
#[must_use]
pub fn most_spent(totals: &[Spent], label: &dyn Fn(&str) -> String) -> Vec<String> {
    let mut spent: HashMap<String, (i64, i64)> = HashMap::new();
    for row in totals {
        let sum = spent.entry(label(&row.id)).or_default();
        sum.0 += row.cost_nanos;
        sum.1 += row.requests;
    }
    let mut names: Vec<(String, (i64, i64))> = spent.into_iter().collect();
    names.sort_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
    if names.len() > SERIES {
        names.truncate(SERIES);
        names.push(("other".to_owned(), (0, 0)));
    }
    names.into_iter().map(|(name, _)| name).collect()
}

/// An organization's spending by name and period. `names` are those of [`most_spent`], `days` their
/// periods, `all` the periods of everything; `starts` are the periods in order, `label` reads an id.
#[must_use]
pub fn usage(names: &[String], days: &[Spent], all: &[Spent], starts: &[i64], label: &dyn Fn(&str) -> String) -> Usage {
    let length = starts.len();
    let empty = |name: &String| UsageSeries {
        name: name.clone(),
        cost: vec![Money::ZERO; length],
        tokens: vec![0; length],
        requests: vec![0; length],
    };
    let mut usage = Usage { series: names.iter().map(empty).collect(), ..Usage::default() };
    let mut add = |place: usize, row: &Spent, sign: i64| {
        let Ok(column) = starts.binary_search(&row.period) else { return };
        let Some(series) = usage.series.get_mut(place) else { return };
        if let (Some(cost), Some(tokens), Some(requests)) =
            (series.cost.get_mut(column), series.tokens.get_mut(column), series.requests.get_mut(column))
        {
            *cost = cost.plus(Money(row.cost_nanos * sign));
            *tokens += row.tokens * sign;
            *requests += row.requests * sign;
        }
    };
    let rest = names.iter().position(|name| name == "other").filter(|place| *place == SERIES);
    for row in all {
        if let Some(rest) = rest {
            add(rest, row, 1);
        }
    }
    for row in days {
        let name = label(&row.id);
        // What has no line of its own stays in the rest.
        let Some(place) = names.iter().position(|other| *other == name).filter(|place| Some(*place) != rest) else {
            continue;
        };
        add(place, row, 1);
        if let Some(rest) = rest {
            add(rest, row, -1);
        }
    }
    for row in all {
        usage.total_cost = usage.total_cost.plus(Money(row.cost_nanos));
        usage.total_requests += row.requests;
        usage.total_tokens += row.tokens;
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

    fn totals(id: &str, tokens: i64, tokens_before: i64) -> BoardTotals {
        BoardTotals {
            id: id.to_owned(),
            tokens,
            tokens_before,
            requests: i64::from(tokens > 0),
            ..BoardTotals::default()
        }
    }

    #[test]
    fn a_board_ranks_by_tokens_and_compares_with_the_window_before() {
        let all = || vec![totals("a/x", 150, 100), totals("b/y", 300, 0), totals("a/z", 50, 0), totals("c/gone", 0, 9)];
        let day = |day, id: &str, tokens| BoardDay { day, id: id.to_owned(), tokens };
        let days = [day(10, "a/x", 150), day(11, "b/y", 300), day(11, "a/z", 50)];
        let board = ranks(all(), false, false).board(&days, 10, 12, &|id, _| id.to_uppercase());
        assert_eq!(board.total_tokens, 500);
        assert_eq!(board.days, ["1970-01-11", "1970-01-12"]);
        let shown: Vec<_> = board.rows.iter().map(|r| (r.rank, r.name.as_str(), r.share, r.change)).collect();
        assert_eq!(shown, [(1, "B/Y", 60.0, None), (2, "A/X", 30.0, Some(50.0)), (3, "A/Z", 10.0, None)]);
        assert_eq!(board.rows[1].daily_tokens, [150, 0]);
        let authors = ranks(all(), true, false).board(&days, 10, 12, &|id, _| id.to_owned());
        assert_eq!((authors.rows[1].tokens, &*authors.rows[1].daily_tokens), (200, &[150, 50][..]));
        assert_eq!(board.movers.iter().map(|row| row.id.as_str()).collect::<Vec<_>>(), ["b/y", "a/x", "a/z"]);
        let growing = ranks(all(), false, true).names();
        assert_eq!(growing, ["b/y", "a/x", "a/z"].map(str::to_owned));
    }

    #[test]
    fn usage_keeps_every_cent_also_of_models_beyond_the_chart() {
        let row = |n: i64, period: i64, id: String| Spent { period, id, requests: 1, tokens: 5, cost_nanos: 100 + n };
        let days: Vec<Spent> = (0..12).map(|n| row(n, 10 + n % 3, format!("m{n}"))).collect();
        let all: Vec<Spent> = (0..12).map(|n| row(n, 10 + n % 3, String::new())).collect();
        let label = |id: &str| id.to_owned();
        let names = most_spent(&days, &label);
        assert_eq!((names.len(), names[0].as_str(), names[8].as_str()), (9, "m11", "other"), "most spend first");
        let usage = usage(&names, &days, &all, &[10, 11, 12], &label);
        let sum: i64 = usage.series.iter().flat_map(|series| &series.cost).map(|cost| cost.0).sum();
        assert_eq!(sum, usage.total_cost.0);
        assert_eq!(usage.total_cost.0, (0..12).map(|n| 100 + n).sum::<i64>());
        assert_eq!(usage.series[8].requests.iter().sum::<i64>(), 4);
    }
}
