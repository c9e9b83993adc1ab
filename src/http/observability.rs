//! Observability destinations of workspaces.

use std::sync::Arc;

use app::types::Envelope;
use app::types::account::Said;
use app::types::error::ErrorBody;
use app::types::keys::Deleted;
use app::types::observability::{Delivery, Destination, DestinationList, FilterRules};
use app::types::roles::Permission;
use axum::Json;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use serde::Deserialize;
use serde_json::{Map, Value};
use utoipa::{OpenApi, ToSchema};

use super::address::Origin;
use super::audit::{Deed, note};
use super::caller::Caller;
use super::input::{self, Body, Query};
use super::workspace_settings::per_myriad;
use super::workspaces::workspace;
use crate::App;
use crate::accounts::new_uuid;
use crate::clock::rfc3339;
use crate::error::{Error, Result};
use crate::gateway::broadcast::config::{Target, changed, masked};
use crate::gateway::broadcast::filter::Filter;
use crate::gateway::broadcast::{self, place, send};
use crate::store::keys::KeyScope;
use crate::store::observability::DestinationRow;

/// The longest name, characters.
const LONGEST_NAME: usize = 100;
/// The most that settings may take, bytes.
const MOST_BYTES: usize = 16 << 10;

/// The part of the API's description that is about destinations.
#[derive(OpenApi)]
#[openapi(
    paths(
        list_destinations, create_destination, show_destination, update_destination, delete_destination,
        test_destination
    ),
    tags((name = "observability", description = "Where events of requests are sent to; needs a management key or a signed-in person"))
)]
pub struct Description;

/// Query of the list.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct ListQuery {
    offset: Option<u64>,
    limit: Option<u64>,
    workspace_id: Option<String>,
}

/// What is said of a destination. Of a change only what is given counts.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(default)]
pub struct DestinationWish {
    /// `webhook`, `otel-collector`, `s3` or `langfuse`; it cannot be changed.
    #[serde(rename = "type")]
    kind: Option<String>,
    name: Option<String>,
    #[schema(value_type = Object)]
    config: Option<Map<String, Value>>,
    workspace_id: Option<String>,
    enabled: Option<bool>,
    privacy_mode: Option<bool>,
    /// 0.0001 to 1.
    sampling_rate: Option<f64>,
    #[serde(deserialize_with = "input::said")]
    #[schema(value_type = Option<Vec<String>>)]
    api_key_hashes: Option<input::Said<Vec<String>>>,
    #[serde(deserialize_with = "input::said")]
    #[schema(value_type = Option<FilterRules>)]
    filter_rules: Option<input::Said<FilterRules>>,
    broadcast_generation_cost: Option<bool>,
    broadcast_generation_identity: Option<bool>,
    broadcast_generation_request_context: Option<bool>,
}

/// Lists the destinations of a workspace: the caller's, unless another is named.
///
/// # Errors
/// 400 naming the field, 403 without the right, 404 for a workspace of nobody.
#[utoipa::path(get, path = "/observability/destinations", tag = "observability",
    params(("offset" = Option<u64>, Query), ("limit" = Option<u64>, Query, description = "1 to 100"),
        ("workspace_id" = Option<String>, Query)),
    responses((status = 200, body = DestinationList), (status = 400, body = ErrorBody), (status = 401, body = ErrorBody),
        (status = 403, body = ErrorBody), (status = 404, body = ErrorBody)))]
pub async fn list_destinations(
    State(app): State<Arc<App>>,
    caller: Caller,
    Query(query): Query<ListQuery>,
) -> Result<Json<DestinationList>> {
    caller.check(Permission::ManageWorkspaces)?;
    let limit = query.limit.unwrap_or(50);
    if !(1..=100).contains(&limit) {
        return Err(Error::bad_request("limit", "limit must be 1 to 100"));
    }
    let workspace_id = workspace_of(&app, &caller, query.workspace_id.as_deref()).await?;
    let rows = app.store.destinations(caller.organization_id(), &workspace_id).await?;
    let total_count = u64::try_from(rows.len()).unwrap_or(u64::MAX);
    let offset = usize::try_from(query.offset.unwrap_or(0)).unwrap_or(usize::MAX);
    let mut data = Vec::new();
    for row in rows.into_iter().skip(offset).take(usize::try_from(limit).unwrap_or(100)) {
        data.push(shown(&app, row).await?);
    }
    Ok(Json(DestinationList { data, total_count }))
}

async fn workspace_of(app: &App, caller: &Caller, wanted: Option<&str>) -> Result<String> {
    match wanted.filter(|id| !id.is_empty()) {
        None => Ok(caller.workspace_id().to_owned()),
        Some(id) => workspace(app, caller, id).await.map(|row| row.id),
    }
}

/// Adds a destination. Events go there from the next request on.
///
/// # Errors
/// 400 naming the field, 403 without the right.
#[utoipa::path(post, path = "/observability/destinations", tag = "observability", request_body = DestinationWish,
    responses((status = 201, body = Envelope<Destination>), (status = 400, body = ErrorBody),
        (status = 401, body = ErrorBody), (status = 403, body = ErrorBody), (status = 404, body = ErrorBody)))]
pub async fn create_destination(
    State(app): State<Arc<App>>,
    caller: Caller,
    origin: Origin,
    Body(wish): Body<DestinationWish>,
) -> Result<(StatusCode, Json<Envelope<Destination>>)> {
    caller.check(Permission::ManageWorkspaces)?;
    let missing = |field: &str| Error::bad_request(field, format!("{field} is missing"));
    let kind = wish.kind.clone().ok_or_else(|| missing("type"))?;
    let config = wish.config.clone().ok_or_else(|| missing("config"))?;
    if wish.name.is_none() {
        return Err(missing("name"));
    }
    read(&app, &kind, &config)?;
    let workspace_id = workspace_of(&app, &caller, wish.workspace_id.as_deref()).await?;
    let existing = app.store.destinations(caller.organization_id(), &workspace_id).await?;
    let most = app.config.observability.per_type;
    if existing.iter().filter(|row| row.kind == kind).count() >= usize::try_from(most).unwrap_or(usize::MAX) {
        let message = format!("A workspace has {most} destinations of a type at the most; remove one first.");
        return Err(Error::bad_request("type", message));
    }
    let now = app.clock.now_ms();
    let mut row = DestinationRow {
        id: new_uuid(now),
        organization_id: caller.organization_id().to_owned(),
        workspace_id,
        kind,
        is_enabled: 1,
        per_myriad: 10_000,
        created_at: now,
        updated_at: now,
        ..DestinationRow::default()
    };
    apply(&app, &mut row, &wish).await?;
    caller.check_recent(&app)?;
    seal(&app, &mut row, &config)?;
    app.store.put_destination(&row).await?;
    // A destination that gets nothing would help nobody; the workspace can switch all off.
    if row.is_enabled != 0 && app.store.switch_broadcasts(&row.organization_id, &row.workspace_id).await? {
        app.keys.forget_organization(caller.organization_id(), now).await?;
    }
    finish(&app, &caller, &origin, "destination.create", &row).await?;
    Ok((StatusCode::CREATED, Json(Envelope { data: shown(&app, row).await? })))
}

/// Shows a destination; secrets are masked.
///
/// # Errors
/// 403 without the right, 404 for one of nobody or of another organization.
#[utoipa::path(get, path = "/observability/destinations/{id}", tag = "observability", params(("id" = String, Path)),
    responses((status = 200, body = Envelope<Destination>), (status = 401, body = ErrorBody),
        (status = 403, body = ErrorBody), (status = 404, body = ErrorBody)))]
pub async fn show_destination(
    State(app): State<Arc<App>>,
    caller: Caller,
    Path(id): Path<String>,
) -> Result<Json<Envelope<Destination>>> {
    let row = find(&app, &caller, &id).await?;
    Ok(Json(Envelope { data: shown(&app, row).await? }))
}

/// Changes a destination: what is given. Settings that are still masked stay as they are.
///
/// # Errors
/// 400 naming the field, 403 without the right, 404 for one of nobody.
#[utoipa::path(patch, path = "/observability/destinations/{id}", tag = "observability", params(("id" = String, Path)),
    request_body = DestinationWish,
    responses((status = 200, body = Envelope<Destination>), (status = 400, body = ErrorBody), (status = 401, body = ErrorBody),
        (status = 403, body = ErrorBody), (status = 404, body = ErrorBody)))]
pub async fn update_destination(
    State(app): State<Arc<App>>,
    caller: Caller,
    origin: Origin,
    Path(id): Path<String>,
    Body(wish): Body<DestinationWish>,
) -> Result<Json<Envelope<Destination>>> {
    let mut row = find(&app, &caller, &id).await?;
    if wish.kind.as_ref().is_some_and(|kind| *kind != row.kind) {
        return Err(Error::bad_request("type", "type cannot be changed: add another destination, and remove this one"));
    }
    apply(&app, &mut row, &wish).await?;
    caller.check_recent(&app)?;
    if let Some(change) = wish.config {
        let config = changed(&opened(&app, &row)?, change);
        read(&app, &row.kind, &config)?;
        seal(&app, &mut row, &config)?;
    }
    row.updated_at = app.clock.now_ms();
    app.store.put_destination(&row).await?;
    finish(&app, &caller, &origin, "destination.update", &row).await?;
    Ok(Json(Envelope { data: shown(&app, row).await? }))
}

/// Removes a destination. Its secrets and what waits for it are deleted.
///
/// # Errors
/// 403 without the right, 404 for one of nobody.
#[utoipa::path(delete, path = "/observability/destinations/{id}", tag = "observability", params(("id" = String, Path)),
    responses((status = 200, body = Deleted), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody),
        (status = 404, body = ErrorBody)))]
pub async fn delete_destination(
    State(app): State<Arc<App>>,
    caller: Caller,
    origin: Origin,
    Path(id): Path<String>,
) -> Result<Json<Deleted>> {
    let row = find(&app, &caller, &id).await?;
    caller.check_recent(&app)?;
    app.store.delete_destination(&row.organization_id, &row.id, app.clock.now_ms()).await?;
    finish(&app, &caller, &origin, "destination.delete", &row).await?;
    Ok(Json(Deleted { deleted: true }))
}

/// Sends a destination an event that says it is a test, and tells what came of it.
///
/// # Errors
/// 400 with what went wrong, 403 without the right, 404 for one of nobody.
#[utoipa::path(post, path = "/observability/destinations/{id}/test", tag = "observability", params(("id" = String, Path)),
    responses((status = 200, body = Envelope<Said>), (status = 400, body = ErrorBody), (status = 401, body = ErrorBody),
        (status = 403, body = ErrorBody), (status = 404, body = ErrorBody)))]
pub async fn test_destination(
    State(app): State<Arc<App>>,
    caller: Caller,
    Path(id): Path<String>,
) -> Result<Json<Envelope<Said>>> {
    let row = find(&app, &caller, &id).await?;
    let name = row.name.clone();
    let destination = broadcast::Destination::open(row, &app.vault).map_err(Error::Internal)?;
    match send::test(&app, &destination).await {
        Ok(()) => Ok(Json(Envelope { data: Said { message: format!("{name} took a test event.") } })),
        Err(cause) => Err(Error::bad_request("config", format!("The test event did not arrive at {name}. {cause}"))),
    }
}

async fn find(app: &App, caller: &Caller, id: &str) -> Result<DestinationRow> {
    caller.check(Permission::ManageWorkspaces)?;
    let rows = app.store.destinations(caller.organization_id(), "").await?;
    let missing = "No destination of yours has this id. GET /api/v1/observability/destinations lists them.";
    rows.into_iter().find(|row| row.id == id).ok_or_else(|| Error::not_found(missing))
}

async fn finish(app: &App, caller: &Caller, origin: &Origin, action: &str, row: &DestinationRow) -> Result<()> {
    let detail = format!("{}: {}", row.kind, row.name);
    note(app, caller, origin, Deed { action, target: &row.id, detail: &detail }).await?;
    Ok(app.refresh_topics().await?)
}

/// Looks at the settings of a type.
fn read(app: &App, kind: &str, config: &Map<String, Value>) -> Result<()> {
    let target = Target::read(kind, config).map_err(|(field, message)| Error::bad_request(field, message))?;
    if let Some((field, address)) = target.address() {
        let admitted = app.outgoing.admits(address);
        admitted.map_err(|cause| Error::bad_request(field, format!("{field} {cause}")))?;
    }
    Ok(())
}

fn seal(app: &App, row: &mut DestinationRow, config: &Map<String, Value>) -> Result<()> {
    let text = serde_json::to_string(config).unwrap_or_default();
    if text.len() > MOST_BYTES {
        return Err(Error::bad_request("config", format!("config may have {MOST_BYTES} bytes")));
    }
    let sealed = app.vault.seal(&text, &place(&row.organization_id, &row.id));
    row.config = sealed.map_err(|error| Error::bad_request("config", error.to_string()))?;
    Ok(())
}

fn opened(app: &App, row: &DestinationRow) -> Result<Map<String, Value>> {
    let wrong = |error: String| Error::Internal(format!("a destination cannot be opened: {error}"));
    let text = app.vault.open(&row.config, &place(&row.organization_id, &row.id));
    serde_json::from_str(&text.map_err(|error| wrong(error.to_string()))?).map_err(|error| wrong(error.to_string()))
}

/// Takes over all that is given but the settings.
async fn apply(app: &App, row: &mut DestinationRow, wish: &DestinationWish) -> Result<()> {
    if let Some(name) = &wish.name {
        let name = name.trim();
        if name.is_empty() || name.chars().count() > LONGEST_NAME {
            return Err(Error::bad_request("name", format!("name must have 1 to {LONGEST_NAME} characters")));
        }
        name.clone_into(&mut row.name);
    }
    let set = |flag: &mut i64, wanted: Option<bool>| *flag = wanted.map_or(*flag, i64::from);
    set(&mut row.is_enabled, wish.enabled);
    set(&mut row.is_private, wish.privacy_mode);
    set(&mut row.tells_cost, wish.broadcast_generation_cost);
    set(&mut row.tells_identity, wish.broadcast_generation_identity);
    set(&mut row.tells_context, wish.broadcast_generation_request_context);
    if let Some(rate) = wish.sampling_rate {
        row.per_myriad = per_myriad("sampling_rate", rate)?;
    }
    if let Some(input::Said(rules)) = &wish.filter_rules {
        Filter::new(rules.as_ref()).map_err(|message| Error::bad_request("filter_rules", message))?;
        row.filter_rules = rules.as_ref().map(|rules| serde_json::to_string(rules).unwrap_or_default());
    }
    if let Some(input::Said(hashes)) = &wish.api_key_hashes {
        if hashes.as_ref().is_some_and(Vec::is_empty) {
            let remedy = "api_key_hashes must name at least one key; null stands for all keys";
            return Err(Error::bad_request("api_key_hashes", remedy));
        }
        let scope = KeyScope { workspace_id: row.workspace_id.clone(), ..KeyScope::default() };
        let known = app.store.keys_of(&row.organization_id, &scope, 10_000, 0).await?;
        let is_known = |hash: &&String| known.iter().any(|key| key.hash == **hash);
        if let Some(hash) = hashes.iter().flatten().find(|hash| !is_known(hash)) {
            let message = format!("api_key_hashes: no key of this workspace has the hash `{hash}`");
            return Err(Error::bad_request("api_key_hashes", message));
        }
        row.key_hashes = hashes.as_ref().map(|hashes| serde_json::to_string(hashes).unwrap_or_default());
    }
    Ok(())
}

async fn shown(app: &App, row: DestinationRow) -> Result<Destination> {
    // A destination whose settings cannot be read can still be removed.
    let config = opened(app, &row).map(|config| masked(&config)).unwrap_or_default();
    let waiting = app.store.waiting_events(&row.id).await?;
    Ok(Destination {
        config,
        workspace_id: row.workspace_id,
        name: Some(row.name),
        kind: row.kind,
        enabled: row.is_enabled != 0,
        privacy_mode: row.is_private != 0,
        sampling_rate: f64::from(i32::try_from(row.per_myriad).unwrap_or(10_000)) / 10_000.0,
        api_key_hashes: row.key_hashes.and_then(|list| serde_json::from_str(&list).ok()),
        filter_rules: row.filter_rules.and_then(|rules| serde_json::from_str(&rules).ok()),
        broadcast_generation_cost: row.tells_cost != 0,
        broadcast_generation_identity: row.tells_identity != 0,
        broadcast_generation_request_context: row.tells_context != 0,
        created_at: rfc3339(row.created_at),
        updated_at: rfc3339(row.updated_at),
        delivery: Delivery {
            waiting,
            sent: row.sent,
            lost: row.lost,
            last_sent_at: row.last_sent_at.map(rfc3339),
            last_error: row.last_error,
            last_error_at: row.last_error_at.map(rfc3339),
        },
        id: row.id,
    })
}
