//! Workspaces of an organization: settings, budgets and members.

use std::sync::Arc;

use app::types::Envelope;
use app::types::Money;
use app::types::keys::Deleted;
use app::types::organizations::{
    BudgetWish, Counted, RemovedMembers, UserIds, Workspace, WorkspaceBudget, WorkspaceBudgets, WorkspaceMember,
    WorkspaceWish,
};
use app::types::roles::Permission;
use axum::Json;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use serde_json::{Value, json};

use super::address::Origin;
use super::audit::{Deed, note};
use super::caller::Caller;
use super::input::{Body, Query};
use super::members::PageQuery;
use super::workspace_settings::{apply, retention_days, shown, slug_of};
use crate::App;
use crate::accounts::new_uuid;
use crate::accounts::policy::workspace_counter;
use crate::clock::{MS_PER_DAY, rfc3339};
use crate::error::{Error, Result};
use crate::store::is_duplicate;
use crate::store::workspaces::{BudgetRow, WorkspaceMemberRow, WorkspaceRow};

/// The periods of budgets, the narrowest first.
const PERIODS: [&str; 4] = ["daily", "weekly", "monthly", "lifetime"];

/// The workspaces the caller may see: all for those who manage them, else his own.
async fn visible(app: &App, caller: &Caller) -> Result<Vec<WorkspaceRow>> {
    caller.check(Permission::SeeMembers)?;
    let mut rows = app.store.workspaces(caller.organization_id()).await?;
    if let Caller::Person { user, .. } = caller
        && !caller.may(Permission::ManageWorkspaces)
    {
        let own = app.store.workspaces_of_user(caller.organization_id(), &user.id).await?;
        rows.retain(|row| own.contains(&row.id));
    }
    Ok(rows)
}

/// A workspace by id or slug.
///
/// # Errors
/// 404 for one of nobody, of another organization, or that the caller may not see.
pub async fn workspace(app: &App, caller: &Caller, id: &str) -> Result<WorkspaceRow> {
    let rows = visible(app, caller).await?;
    rows.into_iter()
        .find(|row| row.id == id || row.slug == id)
        .ok_or_else(|| Error::not_found("No workspace of yours has this id. GET /api/v1/workspaces lists them."))
}

pub(super) async fn managed(app: &App, caller: &Caller, id: &str) -> Result<WorkspaceRow> {
    caller.check(Permission::ManageWorkspaces)?;
    workspace(app, caller, id).await
}

/// `GET /api/v1/workspaces`
///
/// # Errors
/// 400 naming the field, 403 for an inference key.
pub async fn list_workspaces(
    State(app): State<Arc<App>>,
    caller: Caller,
    Query(query): Query<PageQuery>,
) -> Result<Json<Counted<Workspace>>> {
    let page = query.cut(visible(&app, &caller).await?)?;
    Ok(Json(Counted {
        data: page.data.into_iter().map(|row| shown(&app, row)).collect(),
        total_count: page.total_count,
    }))
}

/// `POST /api/v1/workspaces`
///
/// # Errors
/// 400 naming the field, 403 without the right.
pub async fn create_workspace(
    State(app): State<Arc<App>>,
    caller: Caller,
    origin: Origin,
    Body(wanted): Body<WorkspaceWish>,
) -> Result<(StatusCode, Json<Envelope<Workspace>>)> {
    caller.check(Permission::ManageWorkspaces)?;
    if app.store.workspaces(caller.organization_id()).await?.len() >= 200 {
        return Err(Error::bad_request("name", "An organization may have 200 workspaces; delete one first."));
    }
    let now = app.clock.now_ms();
    let mut row = WorkspaceRow {
        id: new_uuid(now),
        organization_id: caller.organization_id().to_owned(),
        created_by: caller.user_id().map(str::to_owned),
        created_at: now,
        io_per_myriad: 10_000,
        ..WorkspaceRow::default()
    };
    let name = wanted.name.clone().unwrap_or_default();
    let slug = wanted.slug.clone().unwrap_or_else(|| slug_of(&name));
    let logging =
        apply(&app, &caller, &mut row, WorkspaceWish { name: Some(name), slug: Some(slug), ..wanted }).await?;
    app.store.insert_workspace(&row).await.map_err(taken)?;
    if let Caller::Person { user, .. } = &caller {
        add(&app, &row.id, &user.id, "admin").await?;
    }
    note(&app, &caller, &origin, Deed { action: "workspace.create", target: &row.id, detail: &row.name }).await?;
    if let Some(detail) = logging {
        note(&app, &caller, &origin, Deed { action: "workspace.logging", target: &row.id, detail: &detail }).await?;
    }
    Ok((StatusCode::CREATED, Json(Envelope { data: shown(&app, row) })))
}

/// `GET /api/v1/workspaces/{id}`
///
/// # Errors
/// 404 for one the caller may not see.
pub async fn show_workspace(
    State(app): State<Arc<App>>,
    caller: Caller,
    Path(id): Path<String>,
) -> Result<Json<Envelope<Workspace>>> {
    Ok(Json(Envelope { data: shown(&app, workspace(&app, &caller, &id).await?) }))
}

/// `PATCH /api/v1/workspaces/{id}`: holds for the next request.
///
/// # Errors
/// 400 naming the field, 403 without the right, 404 for one of nobody.
pub async fn update_workspace(
    State(app): State<Arc<App>>,
    caller: Caller,
    origin: Origin,
    Path(id): Path<String>,
    Body(change): Body<WorkspaceWish>,
) -> Result<Json<Envelope<Workspace>>> {
    let mut row = managed(&app, &caller, &id).await?;
    let logging = apply(&app, &caller, &mut row, change).await?;
    row.updated_at = Some(app.clock.now_ms());
    app.store.update_workspace(&row).await.map_err(taken)?;
    changed(&app, &caller, &origin, &row.id, "workspace.update", &row.name).await?;
    if let Some(detail) = logging {
        app.store.retain_prompt_logs(&row.id, retention_days(&app, &row).saturating_mul(MS_PER_DAY)).await?;
        note(&app, &caller, &origin, Deed { action: "workspace.logging", target: &row.id, detail: &detail }).await?;
    }
    Ok(Json(Envelope { data: shown(&app, row) }))
}

/// `DELETE /api/v1/workspaces/{id}`: its keys stop at once.
///
/// # Errors
/// 400 for the default one, 403 without the right, 404 for one of nobody.
pub async fn delete_workspace(
    State(app): State<Arc<App>>,
    caller: Caller,
    origin: Origin,
    Path(id): Path<String>,
) -> Result<Json<Deleted>> {
    let row = managed(&app, &caller, &id).await?;
    caller.check_recent(&app)?;
    if row.is_default != 0 {
        return Err(Error::bad_request("id", "The default workspace stays as long as its organization."));
    }
    app.store.delete_workspace(caller.organization_id(), &row.id, app.clock.now_ms()).await?;
    changed(&app, &caller, &origin, &row.id, "workspace.delete", &row.name).await?;
    Ok(Json(Deleted { deleted: true }))
}

/// Lets keys see a change, and writes it down.
pub(super) async fn changed(
    app: &App,
    caller: &Caller,
    origin: &Origin,
    target: &str,
    action: &str,
    detail: &str,
) -> Result<()> {
    app.keys.forget_organization(caller.organization_id(), app.clock.now_ms()).await?;
    note(app, caller, origin, Deed { action, target, detail }).await
}

fn taken(error: sqlx::Error) -> Error {
    if is_duplicate(&error) {
        return Error::bad_request("slug", "Another workspace of this organization has this slug; choose another.");
    }
    error.into()
}

async fn shown_budget(app: &App, row: BudgetRow, includes_byok: bool) -> Result<WorkspaceBudget> {
    let reset_interval = (row.period != "lifetime").then(|| row.period.clone());
    let usage = app.ledger.key_usage(&workspace_counter(&row.workspace_id)).await?;
    Ok(WorkspaceBudget {
        used_usd: usage.in_window(row.period.parse().ok()).counted(includes_byok),
        reset_interval,
        id: row.id,
        workspace_id: row.workspace_id,
        limit_usd: Money(row.limit_nanos),
        created_at: rfc3339(row.created_at),
        updated_at: rfc3339(row.updated_at),
    })
}

/// `GET /api/v1/workspaces/{id}/budgets`
///
/// # Errors
/// 404 for a workspace the caller may not see.
pub async fn list_budgets(
    State(app): State<Arc<App>>,
    caller: Caller,
    Path(id): Path<String>,
) -> Result<Json<WorkspaceBudgets>> {
    let row = workspace(&app, &caller, &id).await?;
    let mut data = Vec::new();
    for budget in app.store.budgets(&row.id).await? {
        data.push(shown_budget(&app, budget, row.include_byok_in_budgets != 0).await?);
    }
    Ok(Json(WorkspaceBudgets { data, include_byok_in_budgets: row.include_byok_in_budgets != 0 }))
}

fn checked_period(period: &str) -> Result<&str> {
    if PERIODS.contains(&period) {
        return Ok(period);
    }
    Err(Error::bad_request("interval", format!("interval must be one of {}", PERIODS.join(", "))))
}

/// `GET /api/v1/workspaces/{id}/budgets/{interval}`
///
/// # Errors
/// 400 for another interval, 404 when there is none.
pub async fn show_budget(
    State(app): State<Arc<App>>,
    caller: Caller,
    Path((id, period)): Path<(String, String)>,
) -> Result<Json<Envelope<WorkspaceBudget>>> {
    let row = workspace(&app, &caller, &id).await?;
    let period = checked_period(&period)?;
    let budget = app.store.budgets(&row.id).await?.into_iter().find(|budget| budget.period == period);
    let budget = budget.ok_or_else(|| no_budget(period))?;
    Ok(Json(Envelope { data: shown_budget(&app, budget, row.include_byok_in_budgets != 0).await? }))
}

fn no_budget(period: &str) -> Error {
    Error::not_found(format!("This workspace has no {period} budget."))
}

/// `PUT /api/v1/workspaces/{id}/budgets/{interval}`: new or changed, it holds at once.
///
/// # Errors
/// 400 when it is not larger than the budgets of shorter periods, 403 without the right.
pub async fn put_budget(
    State(app): State<Arc<App>>,
    caller: Caller,
    origin: Origin,
    Path((id, period)): Path<(String, String)>,
    Body(wanted): Body<BudgetWish>,
) -> Result<Json<Envelope<WorkspaceBudget>>> {
    let mut row = managed(&app, &caller, &id).await?;
    caller.check_recent(&app)?;
    let period = checked_period(&period)?;
    if wanted.limit_usd.0 <= 0 {
        return Err(Error::bad_request("limit_usd", "limit_usd must be more than 0 US dollars"));
    }
    let others = app.store.budgets(&row.id).await?;
    let place = |name: &str| PERIODS.iter().position(|period| *period == name);
    for other in others.iter().filter(|other| other.period != period) {
        let (own, theirs) = (wanted.limit_usd, Money(other.limit_nanos));
        let is_right = if place(&other.period) < place(period) { theirs < own } else { own < theirs };
        if !is_right {
            let message = format!(
                "A longer period needs the larger budget: the {} budget is {}, so a {period} budget of {} never counts",
                other.period,
                theirs.dollars(),
                own.dollars()
            );
            return Err(Error::bad_request("limit_usd", message));
        }
    }
    if let Some(includes) = wanted.include_byok_in_budgets {
        row.include_byok_in_budgets = i64::from(includes);
        app.store.update_workspace(&row).await?;
    }
    let now = app.clock.now_ms();
    let known = others.into_iter().find(|other| other.period == period);
    let budget = BudgetRow {
        id: known.as_ref().map_or_else(|| new_uuid(now), |known| known.id.clone()),
        workspace_id: row.id.clone(),
        period: period.to_owned(),
        limit_nanos: wanted.limit_usd.0,
        created_at: known.map_or(now, |known| known.created_at),
        updated_at: now,
    };
    app.store.put_budget(&budget).await?;
    let detail = format!("{}: {period} {}", row.name, wanted.limit_usd.dollars());
    changed(&app, &caller, &origin, &row.id, "budget.set", &detail).await?;
    Ok(Json(Envelope { data: shown_budget(&app, budget, row.include_byok_in_budgets != 0).await? }))
}

/// `DELETE /api/v1/workspaces/{id}/budgets/{interval}`
///
/// # Errors
/// 400 for another interval, 403 without the right, 404 when there is none.
pub async fn delete_budget(
    State(app): State<Arc<App>>,
    caller: Caller,
    origin: Origin,
    Path((id, period)): Path<(String, String)>,
) -> Result<Json<Deleted>> {
    let row = managed(&app, &caller, &id).await?;
    caller.check_recent(&app)?;
    let period = checked_period(&period)?;
    if !app.store.delete_budget(&row.id, period).await? {
        return Err(no_budget(period));
    }
    changed(&app, &caller, &origin, &row.id, "budget.delete", &format!("{}: {period}", row.name)).await?;
    Ok(Json(Deleted { deleted: true }))
}

fn shown_member(row: WorkspaceMemberRow) -> WorkspaceMember {
    WorkspaceMember {
        id: row.id,
        workspace_id: row.workspace_id,
        user_id: row.user_id,
        role: row.role,
        created_at: rfc3339(row.created_at),
    }
}

async fn add(app: &App, workspace_id: &str, user_id: &str, role: &str) -> Result<WorkspaceMemberRow> {
    let now = app.clock.now_ms();
    let row = WorkspaceMemberRow {
        id: new_uuid(now),
        workspace_id: workspace_id.to_owned(),
        user_id: user_id.to_owned(),
        role: role.to_owned(),
        created_at: now,
    };
    app.store.add_workspace_member(&row).await?;
    Ok(row)
}

/// `GET /api/v1/workspaces/{id}/members`. Everybody belongs to the default workspace.
///
/// # Errors
/// 404 for a workspace the caller may not see.
pub async fn list_workspace_members(
    State(app): State<Arc<App>>,
    caller: Caller,
    Path(id): Path<String>,
    Query(query): Query<PageQuery>,
) -> Result<Json<Counted<WorkspaceMember>>> {
    let row = workspace(&app, &caller, &id).await?;
    let mut rows = app.store.workspace_members(&row.id).await?;
    if row.is_default != 0 {
        for member in app.store.members(caller.organization_id()).await? {
            if !rows.iter().any(|known| known.user_id == member.user_id) {
                rows.push(WorkspaceMemberRow {
                    id: format!("{}:{}", row.id, member.user_id),
                    workspace_id: row.id.clone(),
                    user_id: member.user_id,
                    role: if matches!(member.role.as_str(), "owner" | "admin") { "admin" } else { "member" }.to_owned(),
                    created_at: member.created_at,
                });
            }
        }
    }
    let page = query.cut(rows)?;
    Ok(Json(Counted { data: page.data.into_iter().map(shown_member).collect(), total_count: page.total_count }))
}

fn checked_ids(wanted: UserIds) -> Result<Vec<String>> {
    if (1..=100).contains(&wanted.user_ids.len()) {
        return Ok(wanted.user_ids);
    }
    Err(Error::bad_request("user_ids", "user_ids must have 1 to 100 entries"))
}

/// `POST /api/v1/workspaces/{id}/members/add`
///
/// # Errors
/// 400 for somebody who is not in the organization, 403 without the right.
pub async fn add_workspace_members(
    State(app): State<Arc<App>>,
    caller: Caller,
    origin: Origin,
    Path(id): Path<String>,
    Body(wanted): Body<UserIds>,
) -> Result<Json<Value>> {
    let row = managed(&app, &caller, &id).await?;
    caller.check_recent(&app)?;
    let ids = checked_ids(wanted)?;
    let members = app.store.members(caller.organization_id()).await?;
    if let Some(stranger) = ids.iter().find(|id| !members.iter().any(|member| member.user_id == **id)) {
        let message = format!("user_ids: `{stranger}` is no member of this organization; invite them first");
        return Err(Error::bad_request("user_ids", message));
    }
    let mut data = Vec::new();
    for user_id in &ids {
        data.push(shown_member(add(&app, &row.id, user_id, "member").await?));
    }
    changed(&app, &caller, &origin, &row.id, "workspace.add_members", &ids.join(", ")).await?;
    Ok(Json(json!({ "data": data, "added_count": data.len() })))
}

/// `POST /api/v1/workspaces/{id}/members/remove`
///
/// # Errors
/// 400 naming the field, 403 without the right.
pub async fn remove_workspace_members(
    State(app): State<Arc<App>>,
    caller: Caller,
    origin: Origin,
    Path(id): Path<String>,
    Body(wanted): Body<UserIds>,
) -> Result<Json<RemovedMembers>> {
    let row = managed(&app, &caller, &id).await?;
    caller.check_recent(&app)?;
    let ids = checked_ids(wanted)?;
    let mut removed_count = 0;
    for user_id in &ids {
        removed_count += u64::from(app.store.remove_workspace_member(&row.id, user_id).await?);
    }
    changed(&app, &caller, &origin, &row.id, "workspace.remove_members", &ids.join(", ")).await?;
    Ok(Json(RemovedMembers { removed_count }))
}
