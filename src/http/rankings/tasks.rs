//! What requests ask for, as shares, for callers with a key.

use std::collections::BTreeMap;
use std::sync::Arc;

use app::components::format::approximate;
use app::types::Envelope;
use app::types::labels::{TASK_KINDS, task_name};
use app::types::tasks::{TaskKindShare, TaskModelShare, TaskShare, TaskShares};
use axum::Json;
use axum::extract::State;
use serde::Deserialize;

use super::one_of;
use crate::App;
use crate::clock::{MS_PER_DAY, date_of_day};
use crate::error::Result;
use crate::http::caller::Caller;
use crate::http::input::Query;

/// Days that count, the current one not among them.
const WINDOW: u32 = 7;
/// Models of a task.
const MODELS: usize = 10;

/// The only query there is.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct TaskQuery {
    pub window: Option<String>,
}

/// Requests and tokens.
#[derive(Clone, Copy, Debug, Default)]
struct Sums {
    requests: i64,
    tokens: i64,
}

impl Sums {
    fn add(&mut self, requests: i64, tokens: i64) {
        self.requests += requests;
        self.tokens += tokens;
    }

    /// The shares of the whole, of requests and of tokens.
    fn of(self, whole: Self) -> (f64, f64) {
        let share = |part: i64, all: i64| if all > 0 { approximate(part) / approximate(all) } else { 0.0 };
        (share(self.requests, whole.requests), share(self.tokens, whole.tokens))
    }
}

/// `GET /api/v1/classifications/task`: shares of the last seven whole days.
///
/// # Errors
/// 400 for another window, 401 without a key.
pub async fn show_tasks(
    State(app): State<Arc<App>>,
    _: Caller,
    Query(query): Query<TaskQuery>,
) -> Result<Json<Envelope<TaskShares>>> {
    one_of("window", query.window.as_ref(), &["7d"])?;
    let today = app.clock.now_ms().div_euclid(MS_PER_DAY);
    let rows = app.store.public_names_by_model("task", today - i64::from(WINDOW), today).await?;
    let catalog = app.catalog();
    let slug = |id: &str| catalog.model(id).map_or_else(|| id.to_owned(), |model| model.canonical_slug.clone());
    let data = TaskShares { as_of: date_of_day(today - 1), window_days: WINDOW, ..shares(&rows, &slug) };
    Ok(Json(Envelope { data }))
}

/// Shares of rows of task, model, requests and tokens.
fn shares(rows: &[(String, String, i64, i64)], slug: &dyn Fn(&str) -> String) -> TaskShares {
    let mut all = Sums::default();
    let mut kinds: BTreeMap<&str, Sums> = BTreeMap::new();
    let mut tasks: BTreeMap<&str, (Sums, BTreeMap<String, Sums>)> = BTreeMap::new();
    for (task, model, requests, tokens) in rows {
        all.add(*requests, *tokens);
        kinds.entry(kind_of(task)).or_default().add(*requests, *tokens);
        let (sums, models) = tasks.entry(task).or_default();
        sums.add(*requests, *tokens);
        models.entry(slug(model)).or_default().add(*requests, *tokens);
    }
    let mut tasks: Vec<_> = tasks.into_iter().collect();
    tasks.sort_by_key(|(_, (sums, _))| std::cmp::Reverse(sums.requests));
    let classifications = tasks
        .into_iter()
        .map(|(task, (sums, models))| {
            let kind = kind_of(task);
            let (usage_share, token_share) = sums.of(all);
            let of_kind = sums.of(kinds.get(kind).copied().unwrap_or_default());
            TaskShare {
                tag: task.to_owned(),
                display_name: task_name(task).unwrap_or(task).to_owned(),
                macro_category: kind.to_owned(),
                usage_share,
                token_share,
                category_usage_share: of_kind.0,
                category_token_share: of_kind.1,
                models: models_of(models, sums),
            }
        })
        .collect();
    let kind = |(key, label): (&str, &str)| {
        let (usage_share, token_share) = kinds.get(key)?.of(all);
        Some(TaskKindShare { key: key.to_owned(), label: label.to_owned(), usage_share, token_share })
    };
    TaskShares {
        classifications,
        macro_categories: TASK_KINDS.into_iter().filter_map(kind).collect(),
        ..TaskShares::default()
    }
}

fn models_of(models: BTreeMap<String, Sums>, task: Sums) -> Vec<TaskModelShare> {
    let mut models: Vec<_> = models.into_iter().collect();
    models.sort_by_key(|(_, sums)| std::cmp::Reverse(sums.requests));
    models.truncate(MODELS);
    let shown = |(id, sums): (String, Sums)| {
        let (tag_usage_share, tag_token_share) = sums.of(task);
        TaskModelShare { id, tag_usage_share, tag_token_share }
    };
    models.into_iter().map(shown).collect()
}

/// The part of a task's label before the colon.
fn kind_of(task: &str) -> &str {
    task.split(':').next().unwrap_or(task)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_add_up_within_tasks_and_kinds() {
        let row = |task: &str, model: &str, requests, tokens| (task.to_owned(), model.to_owned(), requests, tokens);
        let rows = [
            row("code:sql", "a/x", 3, 100),
            row("code:sql", "a/y", 1, 300),
            row("code:debugging", "a/x", 4, 400),
            row("general:math", "a/x", 2, 200),
        ];
        let shares = shares(&rows, &|id| id.to_uppercase());
        let tags: Vec<_> = shares.classifications.iter().map(|one| (one.tag.as_str(), one.usage_share)).collect();
        assert_eq!(tags, [("code:debugging", 0.4), ("code:sql", 0.4), ("general:math", 0.2)]);
        let sql = &shares.classifications[1];
        assert_eq!((sql.category_usage_share, sql.category_token_share, sql.token_share), (0.5, 0.5, 0.4));
        assert_eq!(
            (sql.models[0].id.as_str(), sql.models[0].tag_usage_share, sql.models[0].tag_token_share),
            ("A/X", 0.75, 0.25)
        );
        let kinds: Vec<_> = shares.macro_categories.iter().map(|one| (one.key.as_str(), one.usage_share)).collect();
        assert_eq!(kinds, [("code", 0.8), ("general", 0.2)]);
    }
}
