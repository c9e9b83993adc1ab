//! Guardrails of an organization, and for whom they hold.

pub mod assignments;

use std::sync::Arc;

use app::types::Envelope;
use app::types::error::ErrorBody;
use app::types::guardrails::{Guardrail, GuardrailList, Rules};
use app::types::keys::Deleted;
use axum::Json;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use serde::Deserialize;
use serde_json::{Map, Value};
use utoipa::OpenApi;

use crate::App;
use crate::accounts::filters::builtin_label;
use crate::accounts::guardrails::Guard;
use crate::accounts::new_uuid;
use crate::clock::rfc3339;
use crate::error::{Error, Result};
use crate::http::address::Origin;
use crate::http::audit::{Deed, note};
use crate::http::caller::Caller;
use crate::http::input::{Body, Query};
use crate::http::place::chosen_workspace;
use crate::store::guardrails::GuardrailRow;

/// Guardrails of an organization.
const MOST_GUARDRAILS: usize = 200;
/// Entries of each of a guardrail's lists.
const MOST_ENTRIES: usize = 200;

/// The part of the API's description that is about guardrails.
#[derive(OpenApi)]
#[openapi(
    paths(
        list_guardrails, create_guardrail, show_guardrail, update_guardrail, delete_guardrail, assignments::list_key_assignments,
        assignments::list_member_assignments, assignments::list_assigned_keys, assignments::assign_keys, assignments::unassign_keys, assignments::list_assigned_members, assignments::assign_members,
        assignments::unassign_members
    ),
    tags((name = "guardrails", description = "Rules on what requests may ask, of whom and for how much; needs a management key or a signed-in person"))
)]
pub struct Description;

/// Query of the lists.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct ListQuery {
    offset: Option<u64>,
    limit: Option<u64>,
    workspace_id: Option<String>,
}

impl ListQuery {
    fn page<T>(&self, all: Vec<T>) -> Result<(Vec<T>, u64)> {
        let limit = self.limit.unwrap_or(50);
        if !(1..=100).contains(&limit) {
            return Err(Error::bad_request("limit", "limit must be 1 to 100"));
        }
        let total = u64::try_from(all.len()).unwrap_or(u64::MAX);
        let offset = usize::try_from(self.offset.unwrap_or(0)).unwrap_or(usize::MAX);
        Ok((all.into_iter().skip(offset).take(usize::try_from(limit).unwrap_or(100)).collect(), total))
    }
}

/// Lists the organization's guardrails, newest first.
///
/// # Errors
/// 400 naming the field, 403 for an inference key.
#[utoipa::path(get, path = "/guardrails", tag = "guardrails",
    params(("offset" = Option<u64>, Query), ("limit" = Option<u64>, Query), ("workspace_id" = Option<String>, Query, description = "Id or slug")),
    responses((status = 200, body = GuardrailList), (status = 400, body = ErrorBody), (status = 401, body = ErrorBody),
        (status = 403, body = ErrorBody), (status = 404, body = ErrorBody)))]
pub async fn list_guardrails(
    State(app): State<Arc<App>>,
    caller: Caller,
    Query(query): Query<ListQuery>,
) -> Result<Json<GuardrailList>> {
    caller.check_manages()?;
    let mut rows = app.store.guardrails(Some(caller.organization_id())).await?;
    if let Some(named) = query.workspace_id.as_deref().filter(|id| !id.is_empty()) {
        let workspace_id = chosen_workspace(&app, &caller, Some(named)).await?;
        rows.retain(|row| row.workspace_id == workspace_id);
    }
    let (rows, total_count) = query.page(rows)?;
    Ok(Json(GuardrailList { data: rows.into_iter().map(shown).collect(), total_count }))
}

/// Makes a guardrail. It holds for nothing until it is assigned, or made the workspace's default.
///
/// # Errors
/// 400 naming the field, 403 for an inference key.
#[utoipa::path(post, path = "/guardrails", tag = "guardrails",
    request_body(content = Object, description = "`name`, `description`, `workspace_id`, `is_default` and the rules", content_type = "application/json"),
    responses((status = 201, body = Envelope<Guardrail>), (status = 400, body = ErrorBody), (status = 401, body = ErrorBody),
        (status = 403, body = ErrorBody), (status = 404, body = ErrorBody)))]
pub async fn create_guardrail(
    State(app): State<Arc<App>>,
    caller: Caller,
    origin: Origin,
    Body(wanted): Body<Map<String, Value>>,
) -> Result<(StatusCode, Json<Envelope<Guardrail>>)> {
    caller.check_manages()?;
    caller.check_recent(&app)?;
    if app.store.guardrails(Some(caller.organization_id())).await?.len() >= MOST_GUARDRAILS {
        let remedy = format!("An organization keeps {MOST_GUARDRAILS} guardrails at the most; delete one first");
        return Err(Error::bad_request("name", remedy));
    }
    let workspace_id = match wanted.get("workspace_id") {
        None | Some(Value::Null) => caller.workspace_id().to_owned(),
        Some(Value::String(id)) => chosen_workspace(&app, &caller, Some(id)).await?,
        Some(_) => return Err(Error::bad_request("workspace_id", "workspace_id must be a workspace's id or slug")),
    };
    let now = app.clock.now_ms();
    let mut row = GuardrailRow {
        id: new_uuid(now),
        organization_id: caller.organization_id().to_owned(),
        workspace_id,
        rules: "{}".to_owned(),
        created_at: now,
        updated_at: now,
        ..GuardrailRow::default()
    };
    change(&mut row, &wanted)?;
    app.store.put_guardrail(&row).await?;
    note(&app, &caller, &origin, Deed { action: "guardrail.create", target: &row.id, detail: &row.name }).await?;
    app.refresh_topics().await?;
    Ok((StatusCode::CREATED, Json(Envelope { data: shown(row) })))
}

/// Shows a guardrail.
///
/// # Errors
/// 403, 404.
#[utoipa::path(get, path = "/guardrails/{id}", tag = "guardrails", params(("id" = String, Path)),
    responses((status = 200, body = Envelope<Guardrail>), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody),
        (status = 404, body = ErrorBody)))]
pub async fn show_guardrail(
    State(app): State<Arc<App>>,
    caller: Caller,
    Path(id): Path<String>,
) -> Result<Json<Envelope<Guardrail>>> {
    Ok(Json(Envelope { data: shown(find(&app, &caller, &id).await?) }))
}

/// Changes a guardrail: the fields that are given, each as a whole. It takes effect at once.
///
/// # Errors
/// 400 naming the field, 403, 404.
#[utoipa::path(patch, path = "/guardrails/{id}", tag = "guardrails", params(("id" = String, Path)),
    request_body(content = Object, content_type = "application/json"),
    responses((status = 200, body = Envelope<Guardrail>), (status = 400, body = ErrorBody), (status = 401, body = ErrorBody),
        (status = 403, body = ErrorBody), (status = 404, body = ErrorBody)))]
pub async fn update_guardrail(
    State(app): State<Arc<App>>,
    caller: Caller,
    origin: Origin,
    Path(id): Path<String>,
    Body(wanted): Body<Map<String, Value>>,
) -> Result<Json<Envelope<Guardrail>>> {
    let mut row = find(&app, &caller, &id).await?;
    caller.check_recent(&app)?;
    change(&mut row, &wanted)?;
    row.updated_at = app.clock.now_ms();
    app.store.put_guardrail(&row).await?;
    note(&app, &caller, &origin, Deed { action: "guardrail.update", target: &row.id, detail: &row.name }).await?;
    app.refresh_topics().await?;
    Ok(Json(Envelope { data: shown(row) }))
}

/// Forgets a guardrail; it holds for nobody any more.
///
/// # Errors
/// 403, 404.
#[utoipa::path(delete, path = "/guardrails/{id}", tag = "guardrails", params(("id" = String, Path)),
    responses((status = 200, body = Deleted), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody),
        (status = 404, body = ErrorBody)))]
pub async fn delete_guardrail(
    State(app): State<Arc<App>>,
    caller: Caller,
    origin: Origin,
    Path(id): Path<String>,
) -> Result<Json<Deleted>> {
    let row = find(&app, &caller, &id).await?;
    caller.check_recent(&app)?;
    app.store.delete_guardrail(&row.id).await?;
    note(&app, &caller, &origin, Deed { action: "guardrail.delete", target: &row.id, detail: &row.name }).await?;
    app.refresh_topics().await?;
    Ok(Json(Deleted { deleted: true }))
}

async fn find(app: &App, caller: &Caller, id: &str) -> Result<GuardrailRow> {
    caller.check_manages()?;
    let rows = app.store.guardrails(Some(caller.organization_id())).await?;
    let row = rows.into_iter().find(|row| row.id == id);
    row.ok_or_else(|| Error::not_found(format!("This organization has no guardrail `{id}`.")))
}

/// Takes over the fields that are given.
fn change(row: &mut GuardrailRow, wanted: &Map<String, Value>) -> Result<()> {
    if let Some(name) = wanted.get("name") {
        name.as_str().unwrap_or_default().trim().clone_into(&mut row.name);
    }
    if row.name.is_empty() || row.name.chars().count() > 200 {
        return Err(Error::bad_request("name", "name must have 1 to 200 characters"));
    }
    if let Some(description) = wanted.get("description") {
        row.description = description.as_str().filter(|text| !text.is_empty()).map(str::to_owned);
    }
    if row.description.as_ref().is_some_and(|text| text.chars().count() > 1_000) {
        return Err(Error::bad_request("description", "description may have 1,000 characters at the most"));
    }
    if let Some(flag) = wanted.get("is_default") {
        let flag =
            flag.as_bool().ok_or_else(|| Error::bad_request("is_default", "is_default must be true or false"))?;
        row.is_default = i64::from(flag);
    }
    let mut rules: Map<String, Value> = serde_json::from_str(&row.rules).unwrap_or_default();
    for (field, value) in wanted {
        let is_null_flag = field == "include_byok_in_budgets" && value.is_null();
        if !is_null_flag {
            rules.insert(field.clone(), value.clone());
        }
    }
    let rules: Rules = serde_path(rules)?;
    check(&rules)?;
    Guard::new(row.id.clone(), row.name.clone(), rules.clone())
        .map_err(|(field, cause)| Error::bad_request(field, format!("{field}: {cause}")))?;
    row.rules = serde_json::to_string(&rules).map_err(|error| Error::Internal(error.to_string()))?;
    Ok(())
}

/// Reads the rules one by one, so that a mistake names its field.
fn serde_path(fields: Map<String, Value>) -> Result<Rules> {
    for (field, value) in &fields {
        let alone: Map<String, Value> = std::iter::once((field.clone(), value.clone())).collect();
        if let Err(error) = serde_json::from_value::<Rules>(Value::Object(alone)) {
            return Err(Error::bad_request(field, format!("{field}: {error}")));
        }
    }
    serde_json::from_value(Value::Object(fields)).map_err(|error| Error::bad_request("body", error.to_string()))
}

fn check(rules: &Rules) -> Result<()> {
    let lists = [
        ("allowed_models", &rules.allowed_models),
        ("ignored_models", &rules.ignored_models),
        ("allowed_providers", &rules.allowed_providers),
        ("ignored_providers", &rules.ignored_providers),
    ];
    for (field, list) in lists {
        let Some(list) = list else { continue };
        if list.is_empty() || list.len() > MOST_ENTRIES {
            let remedy = format!("{field} must name 1 to {MOST_ENTRIES}, or be null");
            return Err(Error::bad_request(field, remedy));
        }
    }
    let filters = rules.content_filters.as_ref().map_or(0, Vec::len);
    if filters > 50 {
        return Err(Error::bad_request("content_filters", "content_filters may have 50 patterns at the most"));
    }
    match rules.limit_usd {
        Some(limit) if limit.0 <= 0 => Err(Error::bad_request("limit_usd", "limit_usd must be more than 0, or null")),
        None if rules.reset_interval.is_some() => {
            Err(Error::bad_request("reset_interval", "reset_interval needs limit_usd"))
        }
        _ => Ok(()),
    }
}

fn shown(row: GuardrailRow) -> Guardrail {
    let mut rules: Rules = serde_json::from_str(&row.rules).unwrap_or_default();
    for filter in rules.content_filter_builtins.iter_mut().flatten() {
        filter.label = builtin_label(&filter.slug).map(str::to_owned);
    }
    Guardrail {
        id: row.id,
        name: row.name,
        description: row.description,
        workspace_id: Some(row.workspace_id),
        is_default: row.is_default != 0,
        created_at: rfc3339(row.created_at),
        updated_at: Some(rfc3339(row.updated_at)),
        rules,
    }
}
