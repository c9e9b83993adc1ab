//! What an organization spent, over time, by model, key, app, provider or member.

use std::collections::HashMap;
use std::fmt::Write as _;
use std::sync::Arc;

use app::types::Envelope;
use app::types::activity::Usage;
use axum::Json;
use axum::extract::State;
use axum::http::header;
use axum::response::{IntoResponse as _, Response};
use serde::Deserialize;

use super::caller::Caller;
use super::input::Query;
use super::rankings::cell;
use super::rankings::datasets::period_start;
use crate::App;
use crate::clock::{MS_PER_DAY, MS_PER_HOUR, MS_PER_MINUTE, date_of_day, rfc3339};
use crate::error::{Error, Result};
use crate::rankings;
use crate::store::page_totals::{Spent, SpentScope};
use crate::store::rollups::{UsageBy, UsageScope};

/// Query of `GET /usage`. Empty values count as absent.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct UsageQuery {
    pub days: Option<String>,
    pub hours: Option<String>,
    pub by: Option<String>,
    pub granularity: Option<String>,
    pub api_key_hash: Option<String>,
}

fn said(value: Option<&String>) -> Option<&str> {
    value.map(|text| text.trim()).filter(|text| !text.is_empty())
}

/// Periods of an hour and less are read as they are; longer ones from the days that are made for it.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Grain {
    Minute,
    Hour,
    Day,
}

impl Grain {
    const fn ms(self) -> i64 {
        match self {
            Self::Minute => MS_PER_MINUTE,
            Self::Hour => MS_PER_HOUR,
            Self::Day => MS_PER_DAY,
        }
    }
}

/// What is added up, read from the query.
struct Wish<'a> {
    by: UsageBy,
    granularity: &'a str,
    grain: Grain,
    /// Periods of the grain.
    from: i64,
    to: i64,
}

impl<'a> Wish<'a> {
    fn read(query: &'a UsageQuery, now_ms: i64) -> Result<Self> {
        let by = match said(query.by.as_ref()) {
            None | Some("model") => UsageBy::Model,
            Some("key") => UsageBy::Key,
            Some("app") => UsageBy::App,
            Some("provider") => UsageBy::Provider,
            Some("member") => UsageBy::Member,
            Some(_) => return Err(Error::bad_request("by", "by must be model, key, app, provider or member")),
        };
        let granularity = said(query.granularity.as_ref()).unwrap_or("day");
        let (grain, unit, usual, most) = match granularity {
            "minute" => (Grain::Minute, "hours", 1, 6),
            "hour" => (Grain::Hour, "days", 2, 14),
            "day" | "week" | "month" => (Grain::Day, "days", 30, 366),
            _ => {
                let message = "granularity must be minute, hour, day, week or month";
                return Err(Error::bad_request("granularity", message));
            }
        };
        let (other, asked) = if unit == "hours" { (&query.days, &query.hours) } else { (&query.hours, &query.days) };
        if said(other.as_ref()).is_some() {
            let message = format!("by {granularity} the window is told in {unit}");
            return Err(Error::bad_request(unit, message));
        }
        let count = said(asked.as_ref()).map_or(Some(usual), |text| text.parse().ok());
        let count: i64 = count
            .filter(|count| (1..=most).contains(count))
            .ok_or_else(|| Error::bad_request(unit, format!("{unit} must be 1 to {most} by {granularity}")))?;
        let to = now_ms.div_euclid(grain.ms()) + 1;
        let from = to
            - count
                * if grain == Grain::Minute {
                    60
                } else if grain == Grain::Hour {
                    24
                } else {
                    1
                };
        Ok(Self { by, granularity, grain, from, to })
    }

    fn start(&self, period: i64) -> i64 {
        if self.grain == Grain::Day { period_start(self.granularity, period) } else { period }
    }
}

/// Names of the keys, or of who made them, by id.
async fn labels(app: &App, organization_id: &str, by: UsageBy) -> Result<HashMap<String, String>> {
    Ok(match by {
        UsageBy::Key => app.store.key_names(organization_id).await?.into_iter().collect(),
        UsageBy::Member => app.store.key_makers(organization_id).await?.into_iter().collect(),
        _ => HashMap::new(),
    })
}

async fn usage(app: &App, caller: &Caller, query: &UsageQuery) -> Result<Usage> {
    let user_id = caller.activity_of()?.unwrap_or_default();
    let wish = Wish::read(query, app.clock.now_ms())?;
    let organization_id = caller.organization_id();
    let key_id = match said(query.api_key_hash.as_ref()) {
        None => String::new(),
        Some(hash) => {
            let key = app.store.key_by_hash(hash).await?;
            let own = key.filter(|key| key.organization_id == organization_id);
            own.ok_or_else(|| Error::not_found("No key of yours has this hash."))?.id
        }
    };
    let by = wish.by;
    let names = labels(app, organization_id, by).await?;
    let label = move |id: &str| match (by, id) {
        (UsageBy::Key | UsageBy::Member, "") => "Chat".to_owned(),
        (UsageBy::Key, id) => names.get(id).cloned().unwrap_or_else(|| "Deleted key".to_owned()),
        (UsageBy::Member, id) => names.get(id).cloned().unwrap_or_else(|| "Former member".to_owned()),
        (_, "") => "unnamed".to_owned(),
        (_, id) => id.to_owned(),
    };
    let (shown, mut days, mut all);
    if wish.grain == Grain::Day {
        let whose = if key_id.is_empty() { "*" } else { key_id.as_str() };
        let (from, to, dimension) = (wish.from, wish.to, by.dimension());
        let scope = SpentScope { organization_id, key_id: whose, user_id, dimension, from, to };
        let totals = app.store.spent(&scope).await?;
        shown = rankings::most_spent(&totals, &label);
        let is_shown = |row: &Spent| shown.contains(&label(&row.id));
        let ids: Vec<String> = totals.iter().filter(|row| is_shown(row)).map(|row| row.id.clone()).collect();
        days = app.store.spent_days(&scope, &ids).await?;
        all = app.store.spent_days(&SpentScope { dimension: "all", ..scope }, &[String::new()]).await?;
    } else {
        let (from, to) = (wish.from, wish.to);
        let is_hourly = wish.grain == Grain::Hour;
        days =
            app.store.usage(&UsageScope { organization_id, key_id: &key_id, user_id, from, to, is_hourly, by }).await?;
        shown = rankings::most_spent(&days, &label);
        all = days.clone();
    }
    for row in days.iter_mut().chain(&mut all) {
        row.period = wish.start(row.period);
    }
    let mut starts: Vec<i64> = (wish.from..wish.to).map(|period| wish.start(period)).collect();
    starts.dedup();
    let mut usage = rankings::usage(&shown, &days, &all, &starts, &label);
    let ms = wish.grain.ms();
    let name = |start: &i64| if wish.grain == Grain::Day { date_of_day(*start) } else { rfc3339(start * ms) };
    usage.days = starts.iter().map(name).collect();
    Ok(usage)
}

/// `GET /api/v1/usage` (ours): spending over time, now included.
///
/// # Errors
/// 400 for what cannot be shown, 403 for an inference key, 404 for a foreign key.
pub async fn show_usage(
    State(app): State<Arc<App>>,
    caller: Caller,
    Query(query): Query<UsageQuery>,
) -> Result<Json<Envelope<Usage>>> {
    Ok(Json(Envelope { data: usage(&app, &caller, &query).await? }))
}

/// `GET /api/v1/usage.csv` (ours): the same, a line for every period and name.
///
/// # Errors
/// As [`show_usage`].
pub async fn show_usage_csv(
    State(app): State<Arc<App>>,
    caller: Caller,
    Query(query): Query<UsageQuery>,
) -> Result<Response> {
    let usage = usage(&app, &caller, &query).await?;
    let mut out = String::from("period,name,cost_usd,tokens,requests\n");
    for (index, period) in usage.days.iter().enumerate() {
        for series in &usage.series {
            let count = |values: &[i64]| values.get(index).copied().unwrap_or_default();
            let requests = count(&series.requests);
            if requests > 0 {
                let cost = series.cost.get(index).copied().unwrap_or_default();
                let _ = writeln!(out, "{period},{},{cost},{},{requests}", cell(&series.name), count(&series.tokens));
            }
        }
    }
    let headers = [
        (header::CONTENT_TYPE, "text/csv; charset=utf-8"),
        (header::CONTENT_DISPOSITION, "attachment; filename=\"activity.csv\""),
    ];
    Ok((headers, out).into_response())
}
