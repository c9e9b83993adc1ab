//! How models and providers did, for everybody.

use std::collections::HashMap;
use std::sync::Arc;

use app::types::Envelope;
use app::types::models::Percentiles;
use app::types::statistics::{
    AppShare, EndpointStatistics, Incident, ModelStatistics, PriceChange, ProviderHealth, Status,
};
use axum::Json;
use axum::extract::{Path, State};
use serde::Deserialize;

use super::input::Query;
use super::models::find;
use crate::App;
use crate::catalog::{Catalog, Model};
use crate::clock::{MS_PER_HOUR, date_of_day, rfc3339};
use crate::error::{Error, Result};
use crate::rankings::curves::{curve, uptime};
use crate::store::statistics::{HealthRow, PublicRow};

/// Hours whose uptime is shown.
const HOURS: i64 = 72;
/// Days whose tokens and apps are shown.
const DAYS: i64 = 30;
/// Apps of a model.
const APPS: usize = 10;
/// An hour with fewer requests tells nothing.
const TELLING: i64 = 3;
/// Below this share of successes an hour belongs to an incident, per cent.
const POOR: i64 = 80;

/// Query of `GET /models/{author}/{slug}/statistics`.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct StatisticsQuery {
    pub period: Option<String>,
}

impl StatisticsQuery {
    /// Slots and hours in each.
    fn window(&self) -> Result<(i64, i64)> {
        match self.period.as_deref() {
            Some("day") => Ok((24, 1)),
            None | Some("" | "week") => Ok((28, 6)),
            Some("month") => Ok((30, 24)),
            Some(_) => Err(Error::bad_request("period", "period must be day, week or month")),
        }
    }
}

/// `GET /api/v1/models/{author}/{slug}/statistics` (ours, public).
///
/// # Errors
/// 400 naming the periods there are, 404 when no model has that name.
pub async fn show_statistics(
    State(app): State<Arc<App>>,
    Path((author, slug)): Path<(String, String)>,
    Query(query): Query<StatisticsQuery>,
) -> Result<Json<Envelope<ModelStatistics>>> {
    let (count, step) = query.window()?;
    let catalog = app.catalog();
    let model = find(&catalog, &author, &slug)?;
    let hour = app.clock.now_ms().div_euclid(MS_PER_HOUR) + 1;
    let (day, last) = (hour.div_euclid(24) + 1, (hour - 1).div_euclid(step));
    let (first, slots) = (last - count + 1, usize::try_from(count).unwrap_or(0));
    let speeds = app.store.speeds(&model.id, first * step, hour, step).await?;
    let health = app.store.model_health(&model.id, hour - HOURS, hour).await?;
    let days = app.store.public_days("model", &model.id, day - DAYS, day).await?;
    let apps = app.store.public_days("app", &model.id, day - DAYS, day).await?;
    let median = |points: Vec<Option<Percentiles>>| points.into_iter().map(|point| Some(point?.p50)).collect();
    let endpoints = model.endpoints.iter().map(|endpoint| {
        let is_it = |id: &str| id == endpoint.id;
        EndpointStatistics {
            tag: endpoint.tag.clone(),
            provider_name: provider_name(&catalog, &endpoint.provider_slug),
            latency: median(curve(&speeds, "latency", first, slots, &is_it)),
            throughput: median(curve(&speeds, "throughput", first, slots, &is_it)),
            uptime: uptime(&health, &endpoint.id, hour - HOURS, usize::try_from(HOURS).unwrap_or(0)),
        }
    });
    let data = ModelStatistics {
        slots: (first..=last).map(|slot| rfc3339(slot * step * MS_PER_HOUR)).collect(),
        latency: curve(&speeds, "latency", first, slots, &|_| true),
        throughput: curve(&speeds, "throughput", first, slots, &|_| true),
        endpoints: endpoints.collect(),
        days: (day - DAYS..day).map(date_of_day).collect(),
        daily_prompt_tokens: daily(&days, day, |row| row.prompt_tokens),
        daily_completion_tokens: daily(&days, day, |row| row.completion_tokens),
        daily_requests: daily(&days, day, |row| row.requests),
        apps: shares(apps),
        prices: prices(&app, &catalog, model).await?,
        benchmarks: model.benchmarks.clone(),
        has_simulated: days.iter().any(|row| row.is_simulated != 0),
    };
    Ok(Json(Envelope { data }))
}

fn provider_name(catalog: &Catalog, slug: &str) -> String {
    catalog.provider(slug).map_or_else(|| slug.to_owned(), |provider| provider.name.clone())
}

fn daily(rows: &[PublicRow], to_day: i64, value: fn(&PublicRow) -> i64) -> Vec<i64> {
    (to_day - DAYS..to_day).map(|day| rows.iter().filter(|row| row.day == day).map(value).sum()).collect()
}

fn shares(rows: Vec<PublicRow>) -> Vec<AppShare> {
    let mut apps: HashMap<String, AppShare> = HashMap::new();
    for row in rows {
        let share = apps.entry(row.id.clone()).or_insert_with(|| AppShare { url: row.id, ..AppShare::default() });
        share.title = if row.title.is_empty() { share.url.clone() } else { row.title };
        share.tokens += row.prompt_tokens + row.completion_tokens;
        share.requests += row.requests;
    }
    let mut apps: Vec<AppShare> = apps.into_values().collect();
    apps.sort_by(|a, b| b.tokens.cmp(&a.tokens).then_with(|| a.url.cmp(&b.url)));
    apps.truncate(APPS);
    apps
}

async fn prices(app: &App, catalog: &Catalog, model: &Model) -> Result<Vec<PriceChange>> {
    let mut changes = Vec::new();
    for endpoint in &model.endpoints {
        for row in app.store.price_history(&endpoint.id).await? {
            changes.push(PriceChange {
                tag: endpoint.tag.clone(),
                provider_name: provider_name(catalog, &endpoint.provider_slug),
                from: date_of_day(row.valid_from.div_euclid(MS_PER_HOUR * 24)),
                prompt: app::types::Price(row.prompt),
                completion: app::types::Price(row.completion),
            });
        }
    }
    changes.sort_by(|a, b| a.from.cmp(&b.from).then_with(|| a.tag.cmp(&b.tag)));
    Ok(changes)
}

/// `GET /api/v1/status` (ours, public): the providers in the last 72 hours.
///
/// # Errors
/// Any database error.
pub async fn show_status(State(app): State<Arc<App>>) -> Result<Json<Envelope<Status>>> {
    let now_ms = app.clock.now_ms();
    let hour = now_ms.div_euclid(MS_PER_HOUR) + 1;
    let (first, hours) = (hour - HOURS, usize::try_from(HOURS).unwrap_or(0));
    let rows = app.store.provider_health(first, hour).await?;
    let catalog = app.catalog();
    let slugs: HashMap<&str, &str> =
        catalog.providers.values().map(|provider| (provider.name.as_str(), provider.slug.as_str())).collect();
    let mut names: Vec<&str> = rows.iter().map(|row| row.id.as_str()).filter(|name| !name.is_empty()).collect();
    names.sort_unstable();
    names.dedup();
    let endpoints = || catalog.models.values().flat_map(|model| &model.endpoints);
    let mut providers: Vec<ProviderHealth> = names
        .iter()
        .map(|name| {
            let slug = slugs.get(name).copied().unwrap_or_default();
            let own = || rows.iter().filter(|row| row.id == *name);
            let (requests, failures) = own().fold((0, 0), |sum, row| (sum.0 + row.requests, sum.1 + row.failures));
            ProviderHealth {
                name: (*name).to_owned(),
                slug: slug.to_owned(),
                requests,
                uptime: crate::rankings::percent(requests - failures, requests),
                hourly: uptime(&rows, name, first, hours),
                is_down: endpoints().any(|e| e.provider_slug == slug && app.health.is_down(&e.id, now_ms)),
            }
        })
        .collect();
    providers.sort_by(|a, b| b.requests.cmp(&a.requests).then_with(|| a.name.cmp(&b.name)));
    let mut incidents: Vec<Incident> = names.iter().flat_map(|name| incidents(&rows, name, hour)).collect();
    incidents.sort_by(|a, b| b.from.cmp(&a.from).then_with(|| a.provider_name.cmp(&b.provider_name)));
    let hours = (first..hour).map(|hour| rfc3339(hour * MS_PER_HOUR)).collect();
    Ok(Json(Envelope { data: Status { hours, providers, incidents } }))
}

/// Runs of poor hours of a provider. Hours without telling traffic neither end nor lengthen one.
fn incidents(rows: &[HealthRow], name: &str, now_hour: i64) -> Vec<Incident> {
    let mut own: Vec<&HealthRow> = rows.iter().filter(|row| row.id == name && row.requests >= TELLING).collect();
    own.sort_by_key(|row| row.hour);
    let mut found: Vec<Incident> = Vec::new();
    let mut is_open = false;
    for row in own {
        let is_poor = (row.requests - row.failures) * 100 < row.requests * POOR;
        let end = rfc3339((row.hour + 1) * MS_PER_HOUR);
        match (is_poor, is_open, found.last_mut()) {
            (true, true, Some(incident)) => {
                incident.requests += row.requests;
                incident.failures += row.failures;
                incident.to = Some(end);
            }
            (true, ..) => found.push(Incident {
                provider_name: name.to_owned(),
                from: rfc3339(row.hour * MS_PER_HOUR),
                to: Some(end),
                requests: row.requests,
                failures: row.failures,
            }),
            (false, ..) => {}
        }
        is_open = is_poor;
    }
    // The hour that runs has no end yet.
    let now = rfc3339(now_hour * MS_PER_HOUR);
    if let Some(last) = found.last_mut().filter(|last| last.to.as_deref() == Some(now.as_str())) {
        last.to = None;
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn poor_hours_in_a_row_are_one_incident() {
        let row = |hour, failures| HealthRow { hour, id: "x".to_owned(), requests: 10, failures };
        let rows = [row(1, 0), row(2, 5), row(3, 9), row(4, 1), row(9, 10)];
        let found = incidents(&rows, "x", 10);
        assert_eq!(found.len(), 2);
        assert_eq!((found[0].requests, found[0].failures), (20, 14));
        assert_eq!(found[0].to.as_deref(), Some("1970-01-01T04:00:00.000Z"));
        assert_eq!(found[1].to, None, "it goes on");
    }
}
