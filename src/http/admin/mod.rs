//! The operators' area: who may enter, the figures of the whole server, and the log of
//! what operators did.

pub mod catalog;
pub mod flags;
pub mod notices;
pub mod people;

use std::collections::BTreeMap;
use std::sync::Arc;

use app::types::Envelope;
use app::types::Money;
use app::types::admin::{AdminMonth, AdminOverview};
use app::types::error::ErrorBody;
use app::types::organizations::AuditEvent;
use axum::extract::{FromRequestParts, State};
use axum::http::request::Parts;
use axum::routing::{delete, get, patch, post};
use axum::{Json, Router};
use chrono::{DateTime, Datelike as _, Months};
use serde::Deserialize;
use utoipa::OpenApi;

use super::address::Origin;
use super::audit::{self, AuditQuery, Deed, note_as};
use super::caller::Caller;
use super::input::Query;
use super::organizations::user_of;
use crate::App;
use crate::clock::MS_PER_DAY;
use crate::error::{Error, Result};
use crate::store::accounts::UserRow;
use crate::store::operators::{DayMoneyRow, PLATFORM};

/// Lines on one page of a list.
const PAGE: i64 = 50;

/// The part of the API's description that is about operators.
#[derive(OpenApi)]
#[openapi(
    paths(
        show_overview, list_operators_log, catalog::list_admin_providers, catalog::check_provider,
        catalog::list_admin_endpoints, catalog::edit_endpoint, catalog::import_catalog, people::list_users,
        people::suspend_user, people::restore_user, people::list_admin_organizations,
        people::show_admin_organization, people::freeze_organization, people::thaw_organization,
        people::give_credit, people::refund_purchase, notices::list_announcements,
        notices::create_announcement, notices::delete_announcement,
        flags::list_flags, flags::set_flag
    ),
    tags((name = "operators", description = "For the people who run this server; keys cannot use it"))
)]
pub struct Description;

/// The routes below `/api/v1`.
pub fn routes() -> Router<Arc<App>> {
    Router::new()
        .route("/admin", get(show_overview))
        .route("/admin/log", get(list_operators_log))
        .route("/admin/providers", get(catalog::list_admin_providers))
        .route("/admin/providers/{slug}/check", post(catalog::check_provider))
        .route("/admin/endpoints", get(catalog::list_admin_endpoints))
        .route("/admin/endpoints/edit", post(catalog::edit_endpoint))
        .route("/admin/catalog/import", post(catalog::import_catalog))
        .route("/admin/flags", get(flags::list_flags))
        .route("/admin/flags/{name}", patch(flags::set_flag))
        .route("/admin/users", get(people::list_users))
        .route("/admin/users/{id}/suspend", post(people::suspend_user))
        .route("/admin/users/{id}/restore", post(people::restore_user))
        .route("/admin/organizations", get(people::list_admin_organizations))
        .route("/admin/organizations/{id}", get(people::show_admin_organization))
        .route("/admin/organizations/{id}/freeze", post(people::freeze_organization))
        .route("/admin/organizations/{id}/thaw", post(people::thaw_organization))
        .route("/admin/organizations/{id}/credit", post(people::give_credit))
        .route("/admin/purchases/{id}/refund", post(people::refund_purchase))
        .route("/admin/announcements", get(notices::list_announcements).post(notices::create_announcement))
        .route("/admin/announcements/{id}", delete(notices::delete_announcement))
}

/// A signed-in person who runs this server.
pub struct Operator {
    user: UserRow,
    caller: Caller,
    origin: Origin,
}

impl FromRequestParts<Arc<App>> for Operator {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, app: &Arc<App>) -> Result<Self> {
        let caller = Caller::from_request_parts(parts, app).await?;
        let user = user_of(&caller)?.clone();
        if user.is_operator != 1 {
            let message = "This is for the operators of this server. One of them can make you one on the command \
                           line: patchbay user operator --email …";
            return Err(Error::Forbidden(message.to_owned()));
        }
        Ok(Self { user, caller, origin: Origin::read(parts, app) })
    }
}

impl Operator {
    /// Passes who gave the password within the last minutes.
    fn check_recent(&self, app: &App) -> Result<()> {
        self.caller.check_recent(app)
    }

    /// A line in the operators' log.
    async fn note(&self, app: &App, deed: Deed<'_>) -> Result<()> {
        note_as(app, PLATFORM, ("operator", &self.user.id, &self.user.email), &self.origin, deed).await
    }

    /// A line in the operators' log, and one in that of the organization it was done to,
    /// which does not say which of the operators it was.
    async fn note_in(&self, app: &App, organization_id: &str, deed: Deed<'_>) -> Result<()> {
        let whole = format!("{organization_id}: {}", deed.detail);
        self.note(app, Deed { detail: &whole, ..deed }).await?;
        note_as(app, organization_id, ("operator", "", "The operator"), &Origin::default(), deed).await
    }
}

/// Query of the lists.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct ListQuery {
    query: String,
    offset: i64,
    /// Only offers that operators changed.
    edited: bool,
}

impl ListQuery {
    fn checked(&self) -> Result<&Self> {
        if self.offset < 0 {
            return Err(Error::bad_request("offset", "offset must be 0 or more"));
        }
        if self.query.len() > 200 {
            return Err(Error::bad_request("query", "query must have at most 200 bytes"));
        }
        Ok(self)
    }
}

/// Shows how much there is of everything, and the money of the last twelve months.
#[utoipa::path(get, path = "/admin", tag = "operators",
    responses((status = 200, body = Envelope<AdminOverview>), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody)))]
pub async fn show_overview(State(app): State<Arc<App>>, _: Operator) -> Result<Json<Envelope<AdminOverview>>> {
    let counts = app.store.platform_counts().await?;
    let catalog = app.catalog();
    let months = last_months(app.clock.now_ms());
    let since = months.last().map_or(0, |(_, from)| *from);
    let rows = app.store.money_by_day(since).await?;
    Ok(Json(Envelope {
        data: AdminOverview {
            users: counts.users,
            organizations: counts.organizations,
            models: catalog.models.len(),
            endpoints: catalog.endpoint_count(),
            providers: catalog.providers.len(),
            owed: Money(counts.owed_nanos),
            months: by_month(&months, &rows),
        },
    }))
}

/// The last twelve UTC months, newest first: name and first moment, epoch ms.
fn last_months(now_ms: i64) -> Vec<(String, i64)> {
    let now = DateTime::from_timestamp_millis(now_ms).unwrap_or_default().date_naive();
    let first = now.with_day(1).unwrap_or(now);
    (0..12)
        .filter_map(|back| first.checked_sub_months(Months::new(back)))
        .map(|month| {
            (month.format("%Y-%m").to_string(), month.and_time(chrono::NaiveTime::MIN).and_utc().timestamp_millis())
        })
        .collect()
}

fn by_month(months: &[(String, i64)], rows: &[DayMoneyRow]) -> Vec<AdminMonth> {
    let empty = |(name, _): &(String, i64)| AdminMonth { month: name.clone(), ..AdminMonth::default() };
    let mut found: Vec<AdminMonth> = months.iter().map(empty).collect();
    let place: BTreeMap<i64, usize> = months.iter().enumerate().map(|(index, (_, from))| (*from, index)).collect();
    for row in rows {
        let moment = row.day.saturating_mul(MS_PER_DAY);
        let Some((_, index)) = place.range(..=moment).next_back() else { continue };
        let Some(month) = found.get_mut(*index) else { continue };
        let amount = Money(row.amount_nanos);
        match row.kind.as_str() {
            "purchase" => month.sold = month.sold.plus(amount),
            "fee" => month.fees = month.fees.plus(amount),
            // A fee that went back to the payer was none.
            "refund_fee" => {
                month.fees = month.fees.minus(amount);
                month.returned = month.returned.plus(amount);
            }
            "invoice" => month.invoiced = month.invoiced.plus(amount),
            "refund" | "dispute" => month.returned = month.returned.plus(amount),
            "refund_failed" | "dispute_won" => month.returned = month.returned.minus(amount),
            "grant" => month.granted = month.granted.plus(amount),
            "usage" => month.usage = month.usage.plus(amount),
            "post" => month.own_key_fees = month.own_key_fees.plus(amount),
            "overrun" => month.lost = month.lost.plus(amount),
            _ => {}
        }
    }
    found
}

/// Lists what operators did, newest first.
#[utoipa::path(get, path = "/admin/log", tag = "operators",
    params(("action" = Option<String>, Query), ("from" = Option<String>, Query), ("to" = Option<String>, Query),
        ("before" = Option<String>, Query), ("limit" = Option<i64>, Query)),
    responses((status = 200, body = Envelope<Vec<AuditEvent>>), (status = 400, body = ErrorBody), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody)))]
pub async fn list_operators_log(
    State(app): State<Arc<App>>,
    _: Operator,
    Query(query): Query<AuditQuery>,
) -> Result<Json<Envelope<Vec<AuditEvent>>>> {
    let rows = app.store.audit(PLATFORM, &query.filter()?).await?;
    Ok(Json(Envelope { data: rows.into_iter().map(audit::shown).collect() }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::parse_rfc3339;

    #[test]
    fn money_falls_into_its_month() {
        let now = parse_rfc3339("2026-03-31T12:00:00Z").unwrap();
        let months = last_months(now);
        let names: Vec<&str> = months.iter().map(|(name, _)| name.as_str()).collect();
        assert_eq!((names.len(), names[0], names[1], names[11]), (12, "2026-03", "2026-02", "2025-04"));
        let row = |time: &str, kind: &str, amount_nanos| DayMoneyRow {
            day: parse_rfc3339(time).unwrap() / MS_PER_DAY,
            kind: kind.to_owned(),
            amount_nanos,
        };
        let rows = [
            row("2026-02-28T00:00:00Z", "purchase", 5),
            row("2026-02-01T00:00:00Z", "refund", 2),
            row("2026-03-01T00:00:00Z", "fee", 3),
            row("2024-03-01T00:00:00Z", "fee", 3),
        ];
        let found = by_month(&months, &rows);
        assert_eq!((found[1].sold, found[1].returned, found[0].fees), (Money(5), Money(2), Money(3)));
    }
}
