//! Sums made into rows: whole weeks and months, metrics, labels, order and limits.

use std::cmp::Ordering;
use std::collections::{BTreeMap, HashMap};

use app::types::Money;
use serde_json::{Map, Value, json};

use super::ask::{Order, Question};
use crate::App;
use crate::clock::{MS_PER_DAY, MS_PER_HOUR, rfc3339};
use crate::error::Result;
use crate::http::rankings::datasets::period_start;
use crate::rankings::percent;
use crate::store::analytics::{AnalyticsRow, Dimension};

/// What can be asked for.
#[derive(Debug)]
pub struct Metric {
    pub name: &'static str,
    pub label: &'static str,
    pub format: &'static str,
    value: fn(&AnalyticsRow) -> Value,
}

/// A share of 0 to 1; nothing of nothing is null.
fn share(part: i64, whole: i64) -> Value {
    percent(part, whole).map_or(Value::Null, |percent| json!(percent / 100.0))
}

/// Every metric.
pub static METRICS: [Metric; 11] = [
    Metric { name: "request_count", label: "Requests", format: "number", value: |row| json!(row.requests) },
    Metric {
        name: "failed_request_count",
        label: "Failed requests",
        format: "number",
        value: |row| json!(row.failures),
    },
    Metric {
        name: "error_rate",
        label: "Error rate",
        format: "percent",
        value: |row| share(row.failures, row.requests),
    },
    Metric { name: "total_usage", label: "Spend", format: "currency", value: |row| json!(Money(row.cost_nanos)) },
    Metric {
        name: "usage_byok",
        label: "Billed to own keys by providers",
        format: "currency",
        value: |row| json!(Money(row.own_cost_nanos)),
    },
    Metric {
        name: "tokens_total",
        label: "Tokens",
        format: "number",
        value: |row| json!(row.prompt_tokens.saturating_add(row.completion_tokens)),
    },
    Metric { name: "tokens_prompt", label: "Prompt tokens", format: "number", value: |row| json!(row.prompt_tokens) },
    Metric {
        name: "tokens_completion",
        label: "Completion tokens",
        format: "number",
        value: |row| json!(row.completion_tokens),
    },
    Metric {
        name: "reasoning_tokens",
        label: "Reasoning tokens",
        format: "number",
        value: |row| json!(row.reasoning_tokens),
    },
    Metric { name: "tokens_cached", label: "Cached tokens", format: "number", value: |row| json!(row.cached_tokens) },
    Metric {
        name: "cache_hit_rate",
        label: "Cache hit rate",
        format: "percent",
        value: |row| share(row.cached_tokens, row.prompt_tokens),
    },
];

/// Names by id, for each dimension that has them.
pub async fn labels(app: &App, organization_id: &str, question: &Question) -> Result<[HashMap<String, String>; 2]> {
    let mut all = [HashMap::new(), HashMap::new()];
    for (names, dimension) in all.iter_mut().zip(&question.dimensions) {
        *names = match dimension {
            Some((_, Dimension::Key)) => app.store.key_names(organization_id).await?.into_iter().collect(),
            Some((_, Dimension::User)) => {
                let members = app.store.members(organization_id).await?;
                members
                    .into_iter()
                    .map(|row| (row.user_id, if row.name.is_empty() { row.email } else { row.name }))
                    .collect()
            }
            Some((_, Dimension::Workspace)) => {
                app.store.workspaces(organization_id).await?.into_iter().map(|row| (row.id, row.name)).collect()
            }
            _ => HashMap::new(),
        };
    }
    Ok(all)
}

fn add(total: &mut AnalyticsRow, more: &AnalyticsRow) {
    total.requests += more.requests;
    total.failures += more.failures;
    total.prompt_tokens += more.prompt_tokens;
    total.completion_tokens += more.completion_tokens;
    total.reasoning_tokens += more.reasoning_tokens;
    total.cached_tokens += more.cached_tokens;
    total.cost_nanos += more.cost_nanos;
    total.own_cost_nanos += more.own_cost_nanos;
}

/// When a row's period begins, epoch ms.
fn start(question: &Question, period: i64) -> i64 {
    match question.granularity {
        Some("hour") => period * MS_PER_HOUR,
        Some(granularity) => {
            let day = if question.is_hourly { period.div_euclid(24) } else { period };
            period_start(granularity, day) * MS_PER_DAY
        }
        None => 0,
    }
}

/// The rows of the answer, and whether there would be more.
pub fn answer(
    question: &Question,
    rows: Vec<AnalyticsRow>,
    labels: &[HashMap<String, String>; 2],
) -> (Vec<Map<String, Value>>, bool) {
    let mut sums: BTreeMap<(i64, String, String), AnalyticsRow> = BTreeMap::new();
    for row in rows {
        let at = start(question, row.period);
        let total = sums.entry((at, row.first.clone(), row.second.clone()));
        match total {
            std::collections::btree_map::Entry::Occupied(mut known) => add(known.get_mut(), &row),
            std::collections::btree_map::Entry::Vacant(free) => {
                free.insert(AnalyticsRow { period: at, ..row });
            }
        }
    }
    let mut rows: Vec<AnalyticsRow> = sums.into_values().collect();
    rows.sort_by(|a, b| {
        let order = compare(question.order, a, b);
        if question.is_descending { order.reverse() } else { order }
    });
    let before = rows.len();
    let mut groups: HashMap<(String, String), usize> = HashMap::new();
    let has_groups = question.dimensions.iter().any(Option::is_some);
    rows.retain(|row| {
        let count = groups.entry((row.first.clone(), row.second.clone())).or_default();
        *count += 1;
        !has_groups || *count <= question.group_limit
    });
    rows.truncate(question.limit);
    let truncated = rows.len() < before;
    (rows.iter().map(|row| shown(question, row, labels)).collect(), truncated)
}

fn compare(order: Order, a: &AnalyticsRow, b: &AnalyticsRow) -> Ordering {
    match order {
        Order::Date => a.period.cmp(&b.period),
        Order::Dimension(0) => a.first.cmp(&b.first),
        Order::Dimension(_) => a.second.cmp(&b.second),
        Order::Metric(metric) => {
            let number = |row| (metric.value)(row).as_f64().unwrap_or(-1.0);
            number(a).total_cmp(&number(b))
        }
    }
}

fn shown(question: &Question, row: &AnalyticsRow, labels: &[HashMap<String, String>; 2]) -> Map<String, Value> {
    let mut map = Map::new();
    if let Some(granularity) = question.granularity {
        map.insert(format!("date__{granularity}"), json!(rfc3339(row.period)));
    }
    let ids = [&row.first, &row.second];
    for ((dimension, id), names) in question.dimensions.iter().zip(ids).zip(labels) {
        let Some((name, dimension)) = dimension else { continue };
        let label = match dimension {
            _ if id.is_empty() => Value::Null,
            Dimension::App if !row.title.is_empty() => json!(row.title),
            _ => json!(names.get(id).unwrap_or(id)),
        };
        map.insert((*name).to_owned(), label);
    }
    for metric in &question.metrics {
        map.insert(metric.name.to_owned(), (metric.value)(row));
    }
    map
}
