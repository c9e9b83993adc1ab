//! What operators tell everybody.

use std::sync::Arc;

use app::types::Envelope;
use app::types::admin::{Announcement, CreateAnnouncement};
use app::types::error::ErrorBody;
use app::types::keys::Deleted;
use axum::Json;
use axum::extract::{Path, State};
use axum::http::StatusCode;

use super::Operator;
use crate::App;
use crate::accounts::new_id;
use crate::billing::letters;
use crate::clock::{parse_rfc3339, rfc3339};
use crate::error::{Error, Result};
use crate::http::audit::Deed;
use crate::http::input::Body;
use crate::store::announcements::AnnouncementRow;

/// Characters of an announcement.
const MOST: usize = 500;

/// An announcement on the wire.
#[must_use]
pub fn shown(row: &AnnouncementRow) -> Announcement {
    Announcement {
        id: row.id.clone(),
        text: row.text.clone(),
        is_warning: row.is_warning == 1,
        created_at: rfc3339(row.created_at),
        ends_at: row.ends_at.map(rfc3339),
    }
}

/// Lists the announcements, those that are over too.
#[utoipa::path(get, path = "/admin/announcements", tag = "operators",
    responses((status = 200, body = Envelope<Vec<Announcement>>), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody)))]
pub async fn list_announcements(State(app): State<Arc<App>>, _: Operator) -> Result<Json<Envelope<Vec<Announcement>>>> {
    let rows = app.store.announcements().await?;
    Ok(Json(Envelope { data: rows.iter().map(shown).collect() }))
}

/// Tells everybody something, on every page.
#[utoipa::path(post, path = "/admin/announcements", tag = "operators",
    request_body = CreateAnnouncement,
    responses((status = 201, body = Envelope<Announcement>), (status = 400, body = ErrorBody), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody)))]
pub async fn create_announcement(
    State(app): State<Arc<App>>,
    operator: Operator,
    Body(wanted): Body<CreateAnnouncement>,
) -> Result<(StatusCode, Json<Envelope<Announcement>>)> {
    operator.check_recent(&app)?;
    let text = wanted.text.trim();
    if text.is_empty() || text.chars().count() > MOST || text.contains(char::is_control) {
        return Err(Error::bad_request("text", format!("text must be one line of 1 to {MOST} characters")));
    }
    let now = app.clock.now_ms();
    let ends_at = match wanted.ends_at.as_deref().filter(|text| !text.is_empty()) {
        None => None,
        Some(text) => {
            let whole = if text.len() == 10 { format!("{text}T00:00:00Z") } else { text.to_owned() };
            let remedy = "ends_at must be a time to come, such as 2027-01-31T00:00:00Z or the day 2027-01-31";
            let time = parse_rfc3339(&whole).filter(|time| *time > now);
            Some(time.ok_or_else(|| Error::bad_request("ends_at", remedy))?)
        }
    };
    let row = AnnouncementRow {
        id: new_id(now),
        text: text.to_owned(),
        is_warning: i64::from(wanted.is_warning),
        created_at: now,
        ends_at,
    };
    app.store.insert_announcement(&row).await?;
    app.refresh_topics().await?;
    letters::announce(&app, &row).await?;
    operator.note(&app, Deed { action: "announcement.create", target: &row.id, detail: text }).await?;
    Ok((StatusCode::CREATED, Json(Envelope { data: shown(&row) })))
}

/// Takes an announcement back.
#[utoipa::path(delete, path = "/admin/announcements/{id}", tag = "operators", params(("id" = String, Path)),
    responses((status = 200, body = Deleted), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody), (status = 404, body = ErrorBody)))]
pub async fn delete_announcement(
    State(app): State<Arc<App>>,
    operator: Operator,
    Path(id): Path<String>,
) -> Result<Json<Deleted>> {
    operator.check_recent(&app)?;
    if !app.store.delete_announcement(&id).await? {
        return Err(Error::not_found("No announcement has this id."));
    }
    app.refresh_topics().await?;
    operator.note(&app, Deed { action: "announcement.delete", target: &id, detail: "" }).await?;
    Ok(Json(Deleted { deleted: true }))
}
