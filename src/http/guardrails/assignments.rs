//! For which keys and members a guardrail holds.

use std::sync::Arc;

use app::types::error::ErrorBody;
use app::types::guardrails::{AssignmentList, KeyAssignment, MemberAssignment};
use axum::Json;
use axum::extract::{Path, State};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{ListQuery, MOST_ENTRIES, find};
use crate::App;
use crate::accounts::new_uuid;
use crate::clock::rfc3339;
use crate::error::{Error, Result};
use crate::http::address::Origin;
use crate::http::audit::{Deed, note};
use crate::http::caller::Caller;
use crate::http::input::{Body, Query};
use crate::store::guardrails::{AssignmentRow, GuardrailRow};

/// Keys or members that a line of the audit log names.
const MOST_TOLD: usize = 10;

/// Keys by their hashes.
#[derive(Debug, Deserialize, ToSchema)]
pub struct KeyHashes {
    key_hashes: Vec<String>,
}

/// Members by their users.
#[derive(Debug, Deserialize, ToSchema)]
pub struct MemberIds {
    member_user_ids: Vec<String>,
}

/// How many are assigned now.
#[derive(Debug, Serialize, ToSchema)]
pub struct Assigned {
    assigned_count: u64,
}

/// How many are no longer assigned.
#[derive(Debug, Serialize, ToSchema)]
pub struct Unassigned {
    unassigned_count: u64,
}

/// Lists which keys have which guardrail.
///
/// # Errors
/// 400 naming the field, 403.
#[utoipa::path(get, path = "/guardrails/assignments/keys", tag = "guardrails",
    params(("offset" = Option<u64>, Query), ("limit" = Option<u64>, Query)),
    responses((status = 200, body = AssignmentList<KeyAssignment>), (status = 400, body = ErrorBody),
        (status = 401, body = ErrorBody), (status = 403, body = ErrorBody)))]
pub async fn list_key_assignments(
    State(app): State<Arc<App>>,
    caller: Caller,
    Query(query): Query<ListQuery>,
) -> Result<Json<AssignmentList<KeyAssignment>>> {
    caller.check_manages()?;
    assigned_keys(&app, &caller, None, &query).await
}

/// Lists which members have which guardrail.
///
/// # Errors
/// 400 naming the field, 403.
#[utoipa::path(get, path = "/guardrails/assignments/members", tag = "guardrails",
    params(("offset" = Option<u64>, Query), ("limit" = Option<u64>, Query)),
    responses((status = 200, body = AssignmentList<MemberAssignment>), (status = 400, body = ErrorBody),
        (status = 401, body = ErrorBody), (status = 403, body = ErrorBody)))]
pub async fn list_member_assignments(
    State(app): State<Arc<App>>,
    caller: Caller,
    Query(query): Query<ListQuery>,
) -> Result<Json<AssignmentList<MemberAssignment>>> {
    caller.check_manages()?;
    assigned_members(&app, &caller, None, &query).await
}

/// Lists the keys a guardrail holds for.
///
/// # Errors
/// 400 naming the field, 403, 404.
#[utoipa::path(get, path = "/guardrails/{id}/assignments/keys", tag = "guardrails",
    params(("id" = String, Path), ("offset" = Option<u64>, Query), ("limit" = Option<u64>, Query)),
    responses((status = 200, body = AssignmentList<KeyAssignment>), (status = 400, body = ErrorBody),
        (status = 401, body = ErrorBody), (status = 403, body = ErrorBody), (status = 404, body = ErrorBody)))]
pub async fn list_assigned_keys(
    State(app): State<Arc<App>>,
    caller: Caller,
    Path(id): Path<String>,
    Query(query): Query<ListQuery>,
) -> Result<Json<AssignmentList<KeyAssignment>>> {
    let row = find(&app, &caller, &id).await?;
    assigned_keys(&app, &caller, Some(&row.id), &query).await
}

/// Makes a guardrail hold for keys, in place of the one each had.
///
/// # Errors
/// 400 naming a key that is not the organization's, 403, 404.
#[utoipa::path(post, path = "/guardrails/{id}/assignments/keys", tag = "guardrails", params(("id" = String, Path)),
    request_body = KeyHashes,
    responses((status = 200, body = Assigned), (status = 400, body = ErrorBody), (status = 401, body = ErrorBody),
        (status = 403, body = ErrorBody), (status = 404, body = ErrorBody)))]
pub async fn assign_keys(
    State(app): State<Arc<App>>,
    caller: Caller,
    origin: Origin,
    Path(id): Path<String>,
    Body(wanted): Body<KeyHashes>,
) -> Result<Json<Assigned>> {
    let row = find(&app, &caller, &id).await?;
    caller.check_recent(&app)?;
    check_count("key_hashes", wanted.key_hashes.len())?;
    for hash in &wanted.key_hashes {
        let key = app.store.key_by_hash(hash).await?;
        if key.is_none_or(|key| key.organization_id != row.organization_id || key.deleted_at.is_some()) {
            return Err(Error::bad_request("key_hashes", format!("key_hashes: this organization has no key `{hash}`")));
        }
    }
    assign(&app, (&caller, &origin), &row, "key", wanted.key_hashes).await
}

/// Ends a guardrail for keys.
///
/// # Errors
/// 400 naming the field, 403, 404.
#[utoipa::path(post, path = "/guardrails/{id}/assignments/keys/remove", tag = "guardrails", params(("id" = String, Path)),
    request_body = KeyHashes,
    responses((status = 200, body = Unassigned), (status = 400, body = ErrorBody), (status = 401, body = ErrorBody),
        (status = 403, body = ErrorBody), (status = 404, body = ErrorBody)))]
pub async fn unassign_keys(
    State(app): State<Arc<App>>,
    caller: Caller,
    origin: Origin,
    Path(id): Path<String>,
    Body(wanted): Body<KeyHashes>,
) -> Result<Json<Unassigned>> {
    let row = find(&app, &caller, &id).await?;
    caller.check_recent(&app)?;
    check_count("key_hashes", wanted.key_hashes.len())?;
    unassign(&app, (&caller, &origin), &row, "key", &wanted.key_hashes).await
}

/// Lists the members a guardrail holds for.
///
/// # Errors
/// 400 naming the field, 403, 404.
#[utoipa::path(get, path = "/guardrails/{id}/assignments/members", tag = "guardrails",
    params(("id" = String, Path), ("offset" = Option<u64>, Query), ("limit" = Option<u64>, Query)),
    responses((status = 200, body = AssignmentList<MemberAssignment>), (status = 400, body = ErrorBody),
        (status = 401, body = ErrorBody), (status = 403, body = ErrorBody), (status = 404, body = ErrorBody)))]
pub async fn list_assigned_members(
    State(app): State<Arc<App>>,
    caller: Caller,
    Path(id): Path<String>,
    Query(query): Query<ListQuery>,
) -> Result<Json<AssignmentList<MemberAssignment>>> {
    let row = find(&app, &caller, &id).await?;
    assigned_members(&app, &caller, Some(&row.id), &query).await
}

/// Makes a guardrail hold for members, in place of the one each had.
///
/// # Errors
/// 400 naming a user who is no member, 403, 404.
#[utoipa::path(post, path = "/guardrails/{id}/assignments/members", tag = "guardrails", params(("id" = String, Path)),
    request_body = MemberIds,
    responses((status = 200, body = Assigned), (status = 400, body = ErrorBody), (status = 401, body = ErrorBody),
        (status = 403, body = ErrorBody), (status = 404, body = ErrorBody)))]
pub async fn assign_members(
    State(app): State<Arc<App>>,
    caller: Caller,
    origin: Origin,
    Path(id): Path<String>,
    Body(wanted): Body<MemberIds>,
) -> Result<Json<Assigned>> {
    let row = find(&app, &caller, &id).await?;
    caller.check_recent(&app)?;
    check_count("member_user_ids", wanted.member_user_ids.len())?;
    for user_id in &wanted.member_user_ids {
        if !app.store.is_member(&row.organization_id, user_id).await? {
            let remedy = format!("member_user_ids: `{user_id}` is no member of this organization");
            return Err(Error::bad_request("member_user_ids", remedy));
        }
    }
    assign(&app, (&caller, &origin), &row, "member", wanted.member_user_ids).await
}

/// Ends a guardrail for members.
///
/// # Errors
/// 400 naming the field, 403, 404.
#[utoipa::path(post, path = "/guardrails/{id}/assignments/members/remove", tag = "guardrails",
    params(("id" = String, Path)), request_body = MemberIds,
    responses((status = 200, body = Unassigned), (status = 400, body = ErrorBody), (status = 401, body = ErrorBody),
        (status = 403, body = ErrorBody), (status = 404, body = ErrorBody)))]
pub async fn unassign_members(
    State(app): State<Arc<App>>,
    caller: Caller,
    origin: Origin,
    Path(id): Path<String>,
    Body(wanted): Body<MemberIds>,
) -> Result<Json<Unassigned>> {
    let row = find(&app, &caller, &id).await?;
    caller.check_recent(&app)?;
    check_count("member_user_ids", wanted.member_user_ids.len())?;
    unassign(&app, (&caller, &origin), &row, "member", &wanted.member_user_ids).await
}

fn check_count(field: &str, count: usize) -> Result<()> {
    if (1..=MOST_ENTRIES).contains(&count) {
        return Ok(());
    }
    Err(Error::bad_request(field, format!("{field} must name 1 to {MOST_ENTRIES}")))
}

/// What is written of a change: the guardrail, and for whom it is.
fn detail(row: &GuardrailRow, kind: &str, subjects: &[String]) -> String {
    let shown: Vec<&str> = subjects.iter().take(MOST_TOLD).map(String::as_str).collect();
    let more = if subjects.len() > MOST_TOLD { ", …" } else { "" };
    format!("{}, for {} {kind}s: {}{more}", row.name, subjects.len(), shown.join(", "))
}

async fn assign(
    app: &App,
    (caller, origin): (&Caller, &Origin),
    row: &GuardrailRow,
    kind: &str,
    subjects: Vec<String>,
) -> Result<Json<Assigned>> {
    let now = app.clock.now_ms();
    let assignment = |subject: String| AssignmentRow {
        id: new_uuid(now),
        organization_id: row.organization_id.clone(),
        guardrail_id: row.id.clone(),
        kind: kind.to_owned(),
        subject,
        assigned_by: caller.user_id().map(str::to_owned),
        created_at: now,
    };
    let detail = detail(row, kind, &subjects);
    let rows: Vec<AssignmentRow> = subjects.into_iter().map(assignment).collect();
    app.store.assign_guardrail(&rows).await?;
    app.refresh_topics().await?;
    note(app, caller, origin, Deed { action: "guardrail.assign", target: &row.id, detail: &detail }).await?;
    Ok(Json(Assigned { assigned_count: u64::try_from(rows.len()).unwrap_or(u64::MAX) }))
}

async fn unassign(
    app: &App,
    (caller, origin): (&Caller, &Origin),
    row: &GuardrailRow,
    kind: &str,
    subjects: &[String],
) -> Result<Json<Unassigned>> {
    let unassigned_count = app.store.unassign_guardrail(&row.id, kind, subjects).await?;
    app.refresh_topics().await?;
    let detail = detail(row, kind, subjects);
    note(app, caller, origin, Deed { action: "guardrail.unassign", target: &row.id, detail: &detail }).await?;
    Ok(Json(Unassigned { unassigned_count }))
}

async fn assignments(app: &App, caller: &Caller, of: Option<&str>, kind: &str) -> Result<Vec<AssignmentRow>> {
    let mut rows = app.store.guardrail_assignments(Some(caller.organization_id())).await?;
    rows.retain(|row| row.kind == kind && of.is_none_or(|id| id == row.guardrail_id));
    Ok(rows)
}

async fn assigned_keys(
    app: &App,
    caller: &Caller,
    of: Option<&str>,
    query: &ListQuery,
) -> Result<Json<AssignmentList<KeyAssignment>>> {
    let (rows, total_count) = query.page(assignments(app, caller, of, "key").await?)?;
    let mut data = Vec::with_capacity(rows.len());
    for row in rows {
        let key = app.store.key_by_hash(&row.subject).await?;
        let (key_label, key_name) = key.map(|key| (key.label, key.name)).unwrap_or_default();
        data.push(KeyAssignment {
            id: row.id,
            guardrail_id: row.guardrail_id,
            key_hash: row.subject,
            key_label,
            key_name,
            assigned_by: row.assigned_by,
            created_at: rfc3339(row.created_at),
        });
    }
    Ok(Json(AssignmentList { data, total_count }))
}

async fn assigned_members(
    app: &App,
    caller: &Caller,
    of: Option<&str>,
    query: &ListQuery,
) -> Result<Json<AssignmentList<MemberAssignment>>> {
    let (rows, total_count) = query.page(assignments(app, caller, of, "member").await?)?;
    let shown = |row: AssignmentRow| MemberAssignment {
        id: row.id,
        guardrail_id: row.guardrail_id,
        organization_id: row.organization_id,
        user_id: row.subject,
        assigned_by: row.assigned_by,
        created_at: rfc3339(row.created_at),
    };
    Ok(Json(AssignmentList { data: rows.into_iter().map(shown).collect(), total_count }))
}
