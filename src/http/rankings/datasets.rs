//! The public data sets: totals by day and model, and of apps, for callers with a key.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use app::types::labels;
use app::types::rankings::{AppRanking, AppRankings, DatasetMeta, ModelDay, RankingsDaily};
use axum::Json;
use axum::extract::State;
use serde::Deserialize;
use sha2::{Digest as _, Sha256};

use super::{IMAGE_PROMPTS, LENGTHS, MODALITIES, TOOL_CALLING, apps_of, has_modality, one_of, said};
use crate::App;
use crate::clock::{MS_PER_DAY, date_of_day, rfc3339};
use crate::error::{Error, Result};
use crate::http::caller::Caller;
use crate::http::input::Query;

/// Models of a day with a row of their own.
const TOP: usize = 50;
/// Days of a window nobody asked otherwise for.
const WINDOW: i64 = 30;
/// The earliest day there can be, 2025-01-01, in days since the epoch.
const EARLIEST: i64 = 20_089;

/// Query of both data sets.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct DatasetQuery {
    pub start_date: Option<String>,
    pub end_date: Option<String>,
    pub period: Option<String>,
    pub modality: Option<String>,
    pub context_bucket: Option<String>,
    pub category: Option<String>,
    pub subcategory: Option<String>,
    pub language_type: Option<String>,
    pub sort: Option<String>,
    pub limit: Option<String>,
    pub offset: Option<String>,
}

impl DatasetQuery {
    /// First and last day, both included; the last complete day ends it by default.
    fn window(&self, now_ms: i64) -> Result<(i64, i64)> {
        let end = day("end_date", self.end_date.as_ref())?.unwrap_or(now_ms.div_euclid(MS_PER_DAY) - 1);
        let start = day("start_date", self.start_date.as_ref())?.unwrap_or(end - WINDOW + 1);
        if start > end {
            return Err(Error::bad_request("start_date", "start_date must not be after end_date"));
        }
        Ok((start, end))
    }
}

fn day(field: &str, value: Option<&String>) -> Result<Option<i64>> {
    let Some(text) = said(value) else { return Ok(None) };
    let date = chrono::NaiveDate::parse_from_str(text, "%Y-%m-%d").ok().filter(|_| text.len() == 10);
    let days = date.and_then(|date| Some(date.and_hms_opt(0, 0, 0)?.and_utc().timestamp().div_euclid(86_400)));
    match days.filter(|days| *days >= EARLIEST) {
        Some(days) => Ok(Some(days)),
        None => Err(Error::bad_request(field, format!("{field} must be a day as YYYY-MM-DD, from 2025-01-01 on"))),
    }
}

fn meta(now_ms: i64, (start, end): (i64, i64)) -> DatasetMeta {
    DatasetMeta {
        as_of: rfc3339(now_ms),
        start_date: date_of_day(start),
        end_date: date_of_day(end),
        version: "v1".to_owned(),
    }
}

/// The first day of the period a day belongs to.
#[must_use]
pub fn period_start(period: &str, day: i64) -> i64 {
    use chrono::Datelike as _;
    match period {
        // The epoch was a Thursday: three days after a Monday.
        "week" => day - (day + 3).rem_euclid(7),
        "month" => chrono::DateTime::from_timestamp(day * 86_400, 0).map_or(day, |date| day - i64::from(date.day0())),
        _ => day,
    }
}

/// `GET /api/v1/datasets/rankings-daily`: the 50 models with most tokens of each day, and the rest.
///
/// # Errors
/// 400 naming the field, 401 without a key.
pub async fn show_rankings_daily(
    State(app): State<Arc<App>>,
    _: Caller,
    Query(query): Query<DatasetQuery>,
) -> Result<Json<RankingsDaily>> {
    let category = one_of("category", query.category.as_ref(), &labels::CATEGORIES.map(|(known, _)| known))?;
    let modality = one_of("modality", query.modality.as_ref(), &MODALITIES)?;
    let length = one_of("context_bucket", query.context_bucket.as_ref(), &LENGTHS)?;
    let language = one_of("language_type", query.language_type.as_ref(), &["natural", "programming"])?;
    if language.is_some() && (category.is_some() || modality.is_some() || length.is_some()) {
        let message = "language_type cannot be combined with category, modality or context_bucket";
        return Err(Error::bad_request("language_type", message));
    }
    if category.is_some() && (modality.is_some() || length.is_some()) {
        return Err(Error::bad_request("category", "category cannot be combined with modality or context_bucket"));
    }
    if let Some(deed @ (TOOL_CALLING | IMAGE_PROMPTS)) = modality.as_deref()
        && length.is_some()
    {
        return Err(Error::bad_request("modality", format!("{deed} cannot be combined with context_bucket")));
    }
    let periods: &[&str] =
        if category.is_some() || language.is_some() { &["week", "month"] } else { &["day", "week", "month"] };
    let period = one_of("period", query.period.as_ref(), periods)?;
    let period = period.as_deref().or(periods.first().copied()).unwrap_or_default();
    let now_ms = app.clock.now_ms();
    let window = query.window(now_ms)?;
    let counted: Vec<(&str, &str)> = match (&length, modality.as_deref(), language.as_deref()) {
        (Some(length), _, _) => vec![("length", length.as_str())],
        (None, Some(TOOL_CALLING), _) => vec![("tools", "")],
        (None, Some(IMAGE_PROMPTS), _) => vec![("images", "")],
        _ if let Some(category) = &category => vec![("category", category.as_str())],
        (_, _, Some("natural")) => vec![("language", "")],
        (_, _, Some(_)) => labels::TASKS
            .iter()
            .filter(|(task, _)| labels::is_about_code(task))
            .map(|(task, _)| ("task", *task))
            .collect(),
        _ => vec![("model", "")],
    };
    let catalog = app.catalog();
    let mut days: BTreeMap<i64, HashMap<String, i64>> = BTreeMap::new();
    let mut rows = Vec::new();
    for (dimension, name) in counted {
        rows.extend(app.store.public_days_by_model(dimension, name, window.0, window.1 + 1).await?);
    }
    for row in rows {
        let model = catalog.model(&row.id);
        let is_meant = modality.as_deref().is_none_or(|kind| model.is_some_and(|model| has_modality(model, kind)));
        if is_meant {
            let slug = model.map_or_else(|| row.id.clone(), |model| model.canonical_slug.clone());
            let date = period_start(period, row.day);
            *days.entry(date).or_default().entry(slug).or_default() += row.prompt_tokens + row.completion_tokens;
        }
    }
    let data = days.into_iter().flat_map(|(day, models)| top_of_day(&date_of_day(day), models)).collect();
    Ok(Json(RankingsDaily { data, meta: meta(now_ms, window) }))
}

/// The rows of a day, most tokens first, everything below them last.
fn top_of_day(date: &str, models: HashMap<String, i64>) -> Vec<ModelDay> {
    let mut models: Vec<(String, i64)> = models.into_iter().collect();
    models.sort_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
    let rest: i64 = models.iter().skip(TOP).map(|(_, tokens)| tokens).sum();
    let has_rest = models.len() > TOP;
    models.truncate(TOP);
    if has_rest {
        models.push(("other".to_owned(), rest));
    }
    models
        .into_iter()
        .map(|(model_permaslug, tokens)| ModelDay {
            date: date.to_owned(),
            model_permaslug,
            total_tokens: tokens.to_string(),
        })
        .collect()
}

/// `GET /api/v1/datasets/app-rankings`: apps by tokens, or by how much they grew.
///
/// # Errors
/// 400 naming the field, 401 without a key.
pub async fn show_app_rankings(
    State(app): State<Arc<App>>,
    _: Caller,
    Query(query): Query<DatasetQuery>,
) -> Result<Json<AppRankings>> {
    let categories = wanted_categories(&query)?;
    let wanted = if categories.is_empty() { None } else { Some(apps_of(&app, &categories).await?) };
    let number = |field: &str, value: Option<&String>, default: usize, least: usize| match said(value) {
        None => Ok(default),
        Some(text) => {
            let number = text.parse::<usize>().ok().filter(|number| (least..=100).contains(number));
            number.ok_or_else(|| Error::bad_request(field, format!("{field} must be {least} to 100")))
        }
    };
    let (limit, offset) =
        (number("limit", query.limit.as_ref(), 50, 1)?, number("offset", query.offset.as_ref(), 0, 0)?);
    let is_trending = one_of("sort", query.sort.as_ref(), &["popular", "trending"])?.as_deref() == Some("trending");
    let now_ms = app.clock.now_ms();
    let window = query.window(now_ms)?;
    let length = window.1 - window.0 + 1;
    let from = if is_trending { window.0 - 3 * length } else { window.0 };
    let mut apps: HashMap<String, (AppRanking, i64, i64)> = HashMap::new();
    for row in app.store.public_days("app", "", from, window.1 + 1).await? {
        if wanted.as_ref().is_some_and(|apps| !apps.contains(&row.id)) {
            continue;
        }
        let (ranking, tokens, before) = apps.entry(row.id.clone()).or_default();
        let sum = row.prompt_tokens + row.completion_tokens;
        if row.day < window.0 {
            *before += sum;
            continue;
        }
        *tokens += sum;
        ranking.total_requests += row.requests;
        ranking.app_name = if row.title.is_empty() { row.id.clone() } else { row.title };
        ranking.app_id = app_id(&row.id);
    }
    // Thrice the growth over the mean of the three windows before, in whole tokens.
    let score = |tokens: i64, before: i64| if is_trending { tokens * 3 - before } else { tokens };
    let mut ranked: Vec<(i64, AppRanking)> = apps
        .into_values()
        .map(|(ranking, tokens, before)| {
            (score(tokens, before), AppRanking { total_tokens: tokens.to_string(), ..ranking })
        })
        .filter(|(score, ranking)| *score > 0 && ranking.total_requests > 0)
        .collect();
    ranked.sort_by(|a, b| b.0.cmp(&a.0).then_with(|| a.1.app_name.cmp(&b.1.app_name)));
    let data = ranked
        .into_iter()
        .zip(1_u32..)
        .skip(offset)
        .take(limit)
        .map(|((_, ranking), rank)| AppRanking { rank, ..ranking })
        .collect();
    Ok(Json(AppRankings { data, meta: meta(now_ms, window) }))
}

/// The categories that `subcategory` and `category` leave; none when neither is said.
fn wanted_categories(query: &DatasetQuery) -> Result<Vec<&'static str>> {
    let group = one_of("category", query.category.as_ref(), &labels::APP_GROUPS.map(|(group, _)| group))?;
    let names = labels::APP_CATEGORIES.map(|(name, ..)| name);
    let subcategory = one_of("subcategory", query.subcategory.as_ref(), &names)?;
    let in_group = group.as_deref().map(labels::app_categories_in);
    let Some(name) = subcategory else { return Ok(in_group.unwrap_or_default()) };
    let found = labels::app_categories_in(&name);
    match in_group {
        Some(group) if !found.iter().all(|name| group.contains(name)) => {
            let message = format!("subcategory must belong to the category, which has {}", group.join(", "));
            Err(Error::bad_request("subcategory", message))
        }
        _ => Ok(found),
    }
}

/// A number for an app that stays the same, small enough for every JSON parser.
fn app_id(url: &str) -> i64 {
    let hash = Sha256::digest(url);
    hash.iter().take(6).fold(0, |id, byte| id << 8 | i64::from(*byte))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_below_the_top_is_last_and_adds_up() {
        let models: HashMap<String, i64> = (0..53).map(|n| (format!("m{n:02}"), 100 + n)).collect();
        let total: i64 = models.values().sum();
        let rows = top_of_day("2026-11-20", models);
        assert_eq!((rows.len(), rows[0].model_permaslug.as_str()), (51, "m52"));
        assert_eq!(rows[50].model_permaslug, "other");
        assert_eq!(rows.iter().map(|row| row.total_tokens.parse::<i64>().unwrap()).sum::<i64>(), total);
    }

    #[test]
    fn periods_begin_on_mondays_and_firsts() {
        let at = |text: &str| day("x", Some(&text.to_owned())).unwrap().unwrap();
        assert_eq!(date_of_day(period_start("week", at("2026-11-21"))), "2026-11-16");
        assert_eq!(date_of_day(period_start("month", at("2026-11-21"))), "2026-11-01");
        assert_eq!(date_of_day(EARLIEST), "2025-01-01");
        assert!(day("x", Some(&"2024-12-31".to_owned())).is_err());
    }
}
