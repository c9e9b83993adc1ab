//! What an organization spent, over time, by model, key, app or provider.

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
use crate::clock::{MS_PER_DAY, MS_PER_HOUR, date_of_day, rfc3339};
use crate::error::{Error, Result};
use crate::rankings;
use crate::store::rollups::{UsageBy, UsageScope};

/// Query of `GET /usage`. Empty values count as absent.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct UsageQuery {
    pub days: Option<String>,
    pub by: Option<String>,
    pub granularity: Option<String>,
    pub api_key_hash: Option<String>,
}

fn said(value: Option<&String>) -> Option<&str> {
    value.map(|text| text.trim()).filter(|text| !text.is_empty())
}

async fn usage(app: &App, caller: &Caller, query: &UsageQuery) -> Result<Usage> {
    let user_id = caller.activity_of()?.unwrap_or_default();
    let by = match said(query.by.as_ref()) {
        None | Some("model") => UsageBy::Model,
        Some("key") => UsageBy::Key,
        Some("app") => UsageBy::App,
        Some("provider") => UsageBy::Provider,
        Some(_) => return Err(Error::bad_request("by", "by must be model, key, app or provider")),
    };
    let granularity = said(query.granularity.as_ref()).unwrap_or("day");
    if !["hour", "day", "week", "month"].contains(&granularity) {
        return Err(Error::bad_request("granularity", "granularity must be hour, day, week or month"));
    }
    let is_hourly = granularity == "hour";
    let most = if is_hourly { 14 } else { 366 };
    let days = said(query.days.as_ref()).map_or(Some(if is_hourly { 2 } else { 30 }), |text| text.parse().ok());
    let days: i64 = days
        .filter(|days| (1..=most).contains(days))
        .ok_or_else(|| Error::bad_request("days", format!("days must be 1 to {most} by {granularity}")))?;
    let organization_id = caller.organization_id();
    let keys = app.store.key_names(organization_id).await?;
    let key_id = match said(query.api_key_hash.as_ref()) {
        None => String::new(),
        Some(hash) => {
            let key = app.store.key_by_hash(hash).await?;
            let own = key.filter(|key| key.organization_id == organization_id);
            own.ok_or_else(|| Error::not_found("No key of yours has this hash."))?.id
        }
    };
    let (unit, periods) = if is_hourly { (MS_PER_HOUR, days * 24) } else { (MS_PER_DAY, days) };
    let to = app.clock.now_ms().div_euclid(unit) + 1;
    let from = to - periods;
    let scope = UsageScope { organization_id, key_id: &key_id, user_id, from, to, is_hourly, by };
    let mut rows = app.store.usage(&scope).await?;
    let names: HashMap<String, String> = keys.into_iter().collect();
    for row in &mut rows {
        if by == UsageBy::Key {
            row.model_id = match row.model_id.as_str() {
                "" => "Chat".to_owned(),
                id => names.get(id).cloned().unwrap_or_else(|| "Deleted key".to_owned()),
            };
        } else if row.model_id.is_empty() {
            "unnamed".clone_into(&mut row.model_id);
        }
        if !is_hourly {
            row.period = period_start(granularity, row.period);
        }
    }
    let mut starts: Vec<i64> =
        (from..to).map(|period| if is_hourly { period } else { period_start(granularity, period) }).collect();
    starts.dedup();
    let label = |period: i64| if is_hourly { rfc3339(period * MS_PER_HOUR) } else { date_of_day(period) };
    Ok(rankings::usage(&rows, &starts, &label))
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
