//! Questions about what an organization used, in the asker's own words: which metrics, by what
//! and when. They are answered from the totals of hours and days, and from single requests where
//! those do not tell (tasks and languages).

mod ask;
mod table;

use std::sync::Arc;
use std::time::Instant;

use app::types::Envelope;
use app::types::analytics::{
    Analytics, AnalyticsFacts, AnalyticsMeta, AnalyticsMetric, AnalyticsName, AnalyticsOperator, AnalyticsQuery,
};
use app::types::error::ErrorBody;
use axum::Json;
use axum::extract::State;
use utoipa::OpenApi;

use super::caller::Caller;
use super::input::Body;
use crate::App;
use crate::error::{Error, Result};
use crate::store::analytics::AnalyticsScope;
use ask::{DIMENSIONS, GRANULARITIES, Question};
use table::METRICS;

/// Groups that are looked at for one answer.
const MOST_GROUPS: i64 = 100_000;

/// The part of the API's description that is about analytics.
#[derive(OpenApi)]
#[openapi(paths(show_analytics_meta, query_analytics))]
pub struct Description;

/// Lists what a query may name.
#[utoipa::path(get, path = "/analytics/meta", tag = "usage",
    responses((status = 200, body = Envelope<AnalyticsMeta>), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody)))]
pub async fn show_analytics_meta(caller: Caller) -> Result<Json<Envelope<AnalyticsMeta>>> {
    caller.activity_of()?;
    let named = |(name, label): &(&str, &str)| AnalyticsName { name: (*name).into(), display_label: (*label).into() };
    let operators = [("eq", "scalar"), ("neq", "scalar"), ("in", "array"), ("not_in", "array")];
    let data = AnalyticsMeta {
        metrics: METRICS
            .iter()
            .map(|metric| AnalyticsMetric {
                name: metric.name.to_owned(),
                display_label: metric.label.to_owned(),
                is_rate: metric.format == "percent",
                display_format: metric.format.to_owned(),
            })
            .collect(),
        dimensions: DIMENSIONS.iter().map(|(name, label, _)| named(&(*name, *label))).collect(),
        operators: operators
            .iter()
            .map(|(name, kind)| AnalyticsOperator { name: (*name).to_owned(), value_type: (*kind).to_owned() })
            .collect(),
        granularities: GRANULARITIES.iter().map(named).collect(),
    };
    Ok(Json(Envelope { data }))
}

/// Answers a question about what was used. Who sees only their own activity is answered about that.
#[utoipa::path(post, path = "/analytics/query", tag = "usage", request_body = AnalyticsQuery,
    responses((status = 200, body = Envelope<Analytics>), (status = 400, body = ErrorBody), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody)))]
pub async fn query_analytics(
    State(app): State<Arc<App>>,
    caller: Caller,
    Body(query): Body<AnalyticsQuery>,
) -> Result<Json<Envelope<Analytics>>> {
    let began = Instant::now();
    let user_id = caller.activity_of()?.unwrap_or_default();
    let organization_id = caller.organization_id();
    let question = Question::read(&app, organization_id, &query).await?;
    let scope = AnalyticsScope {
        organization_id,
        user_id,
        is_hourly: question.is_hourly,
        is_detailed: question.is_detailed,
        is_by_period: question.granularity.is_some(),
        from: question.from,
        to: question.to,
        dimensions: question.dimensions.map(|one| one.map(|(_, dimension)| dimension)),
        filters: &question.filters,
        most: MOST_GROUPS + 1,
    };
    let rows = app.store.analytics(&scope).await?;
    if i64::try_from(rows.len()).unwrap_or(i64::MAX) > MOST_GROUPS {
        let message = format!("time_range: these are more than {MOST_GROUPS} groups. Shorten it, or drop a dimension.");
        return Err(Error::bad_request("time_range", message));
    }
    let labels = table::labels(&app, organization_id, &question).await?;
    let (data, truncated) = table::answer(&question, rows, &labels);
    let query_time_ms = i64::try_from(began.elapsed().as_millis()).unwrap_or(i64::MAX);
    let metadata = AnalyticsFacts { query_time_ms, row_count: data.len(), truncated };
    Ok(Json(Envelope { data: Analytics { data, metadata, warnings: question.warnings } }))
}
