//! Provider credentials of an organization: bring your own key.

use std::sync::Arc;

use app::types::Envelope;
use app::types::byok::{OwnKey, OwnKeyList, OwnKeyTest};
use app::types::error::ErrorBody;
use app::types::keys::Deleted;
use axum::Json;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use serde::Deserialize;
use utoipa::{OpenApi, ToSchema};

use super::address::Origin;
use super::audit::{Deed, note};
use super::caller::Caller;
use super::input::{Body, Query, Said, said};
use super::place::chosen_workspace;
use crate::App;
use crate::accounts::new_uuid;
use crate::catalog::Provider;
use crate::clock::rfc3339;
use crate::error::{Error, Result};
use crate::gateway::byok::place;
use crate::store::own_keys::OwnKeyRow;

/// The longest credential, bytes: a service account's file has some 2,500.
const MOST_BYTES: usize = 16 << 10;
/// Entries of a filter list.
const MOST_ALLOWED: usize = 100;
/// Credentials of an organization.
const MOST_KEYS: usize = 500;

/// The part of the API's description that is about own keys.
#[derive(OpenApi)]
#[openapi(
    paths(list_own_keys, create_own_key, show_own_key, update_own_key, delete_own_key, test_own_key),
    tags((name = "byok", description = "Provider credentials of an organization; needs a management key or a signed-in person"))
)]
pub struct Description;

/// Query of the list.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct ListQuery {
    offset: Option<u64>,
    limit: Option<u64>,
    provider: Option<String>,
    workspace_id: Option<String>,
}

/// Body of a new credential.
#[derive(Debug, Deserialize, ToSchema)]
#[expect(clippy::struct_excessive_bools, reason = "the original's fields")]
pub struct CreateOwnKey {
    /// The provider's slug, as `GET /api/v1/providers` has it.
    provider: String,
    /// A plain key, or JSON for providers that need more.
    key: String,
    name: Option<String>,
    #[serde(default)]
    disabled: bool,
    #[serde(default)]
    is_fallback: bool,
    #[serde(default)]
    is_byok_only: bool,
    #[serde(default)]
    is_required: bool,
    declared_zdr: Option<bool>,
    /// `global`, `europe` or `us`.
    declared_region: Option<String>,
    allowed_models: Option<Vec<String>>,
    allowed_api_key_hashes: Option<Vec<String>>,
    allowed_user_ids: Option<Vec<String>>,
    workspace_id: Option<String>,
}

/// What can change of a credential; a list that is `null` is cleared.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(default)]
pub struct UpdateOwnKey {
    key: Option<String>,
    #[serde(deserialize_with = "said")]
    #[schema(value_type = Option<String>)]
    name: Option<Said<String>>,
    disabled: Option<bool>,
    is_fallback: Option<bool>,
    is_byok_only: Option<bool>,
    is_required: Option<bool>,
    #[serde(deserialize_with = "said")]
    #[schema(value_type = Option<bool>)]
    declared_zdr: Option<Said<bool>>,
    #[serde(deserialize_with = "said")]
    #[schema(value_type = Option<String>)]
    declared_region: Option<Said<String>>,
    sort_order: Option<i64>,
    #[serde(deserialize_with = "said")]
    #[schema(value_type = Option<Vec<String>>)]
    allowed_models: Option<Said<Vec<String>>>,
    #[serde(deserialize_with = "said")]
    #[schema(value_type = Option<Vec<String>>)]
    allowed_api_key_hashes: Option<Said<Vec<String>>>,
    #[serde(deserialize_with = "said")]
    #[schema(value_type = Option<Vec<String>>)]
    allowed_user_ids: Option<Said<Vec<String>>>,
}

/// Lists the credentials of a workspace.
///
/// # Errors
/// 400 naming the field, 403 for an inference key, 404 for a workspace that is not there.
#[utoipa::path(get, path = "/byok", tag = "byok",
    params(("offset" = Option<u64>, Query), ("limit" = Option<u64>, Query, description = "1 to 100"),
        ("provider" = Option<String>, Query),
        ("workspace_id" = Option<String>, Query, description = "Id or slug; the caller's own where none is named")),
    responses((status = 200, body = OwnKeyList), (status = 400, body = ErrorBody), (status = 401, body = ErrorBody),
        (status = 403, body = ErrorBody), (status = 404, body = ErrorBody)))]
pub async fn list_own_keys(
    State(app): State<Arc<App>>,
    caller: Caller,
    Query(query): Query<ListQuery>,
) -> Result<Json<OwnKeyList>> {
    caller.check_manages()?;
    let limit = query.limit.unwrap_or(50);
    if !(1..=100).contains(&limit) {
        return Err(Error::bad_request("limit", "limit must be 1 to 100"));
    }
    let workspace_id = chosen_workspace(&app, &caller, query.workspace_id.as_deref()).await?;
    let mut rows = app.store.own_keys(caller.organization_id(), Some(&workspace_id)).await?;
    rows.retain(|row| query.provider.as_ref().is_none_or(|slug| *slug == row.provider_slug));
    let total_count = u64::try_from(rows.len()).unwrap_or(u64::MAX);
    let offset = usize::try_from(query.offset.unwrap_or(0)).unwrap_or(usize::MAX);
    let limit = usize::try_from(limit).unwrap_or(100);
    let data = rows.into_iter().skip(offset).take(limit).map(shown).collect();
    Ok(Json(OwnKeyList { data, total_count }))
}

/// Keeps a credential. It is encrypted and never shown again.
///
/// # Errors
/// 400 naming the field, 403 for an inference key, 404 for a workspace that is not there.
#[utoipa::path(post, path = "/byok", tag = "byok", request_body = CreateOwnKey,
    responses((status = 201, body = Envelope<OwnKey>), (status = 400, body = ErrorBody),
        (status = 401, body = ErrorBody), (status = 403, body = ErrorBody), (status = 404, body = ErrorBody)))]
pub async fn create_own_key(
    State(app): State<Arc<App>>,
    caller: Caller,
    origin: Origin,
    Body(wanted): Body<CreateOwnKey>,
) -> Result<(StatusCode, Json<Envelope<OwnKey>>)> {
    let row = create(&app, &caller, wanted).await?;
    note(&app, &caller, &origin, Deed { action: "provider_key.create", target: &row.id, detail: &row.provider_slug })
        .await?;
    Ok((StatusCode::CREATED, Json(Envelope { data: shown(row) })))
}

async fn create(app: &App, caller: &Caller, wanted: CreateOwnKey) -> Result<OwnKeyRow> {
    caller.check_manages()?;
    caller.check_recent(app)?;
    let organization_id = caller.organization_id();
    let provider = provider(app, &wanted.provider)?;
    let workspace_id = chosen_workspace(app, caller, wanted.workspace_id.as_deref()).await?;
    let existing = app.store.own_keys(organization_id, None).await?;
    if existing.len() >= MOST_KEYS {
        return Err(Error::bad_request(
            "provider",
            format!("An organization keeps {MOST_KEYS} credentials at the most"),
        ));
    }
    let sort_order = existing.iter().map(|row| row.sort_order).max().unwrap_or(-1) + 1;
    let now = app.clock.now_ms();
    let mut row = OwnKeyRow {
        id: new_uuid(now),
        organization_id: organization_id.to_owned(),
        workspace_id,
        provider_slug: provider.slug.clone(),
        name: checked_name(wanted.name)?,
        label: String::new(),
        secret: String::new(),
        is_disabled: i64::from(wanted.disabled),
        is_fallback: i64::from(wanted.is_fallback),
        is_only: i64::from(wanted.is_byok_only),
        is_required: i64::from(wanted.is_required),
        declared_zdr: wanted.declared_zdr.map(i64::from),
        declared_region: checked_region(wanted.declared_region)?,
        sort_order,
        allowed_models: list("allowed_models", wanted.allowed_models)?,
        allowed_keys: hashes(wanted.allowed_api_key_hashes)?,
        allowed_users: list("allowed_user_ids", wanted.allowed_user_ids)?,
        created_by: caller.user_id().map(str::to_owned),
        created_at: now,
        updated_at: now,
    };
    check_order(&row)?;
    seal(app, &provider, &mut row, &wanted.key)?;
    app.store.put_own_key(&row).await?;
    app.refresh_topics().await?;
    Ok(row)
}

/// Shows a credential, masked.
///
/// # Errors
/// 403 for an inference key, 404 for a credential of nobody or of another organization.
#[utoipa::path(get, path = "/byok/{id}", tag = "byok", params(("id" = String, Path)),
    responses((status = 200, body = Envelope<OwnKey>), (status = 401, body = ErrorBody),
        (status = 403, body = ErrorBody), (status = 404, body = ErrorBody)))]
pub async fn show_own_key(
    State(app): State<Arc<App>>,
    caller: Caller,
    Path(id): Path<String>,
) -> Result<Json<Envelope<OwnKey>>> {
    Ok(Json(Envelope { data: shown(find(&app, &caller, &id).await?) }))
}

/// Changes a credential; it takes effect at once.
///
/// # Errors
/// 400 naming the field, 403, 404.
#[utoipa::path(patch, path = "/byok/{id}", tag = "byok", params(("id" = String, Path)), request_body = UpdateOwnKey,
    responses((status = 200, body = Envelope<OwnKey>), (status = 400, body = ErrorBody),
        (status = 401, body = ErrorBody), (status = 403, body = ErrorBody), (status = 404, body = ErrorBody)))]
pub async fn update_own_key(
    State(app): State<Arc<App>>,
    caller: Caller,
    origin: Origin,
    Path(id): Path<String>,
    Body(wanted): Body<UpdateOwnKey>,
) -> Result<Json<Envelope<OwnKey>>> {
    let mut row = find(&app, &caller, &id).await?;
    caller.check_recent(&app)?;
    let set = |flag: &mut i64, wanted: Option<bool>| *flag = wanted.map_or(*flag, i64::from);
    set(&mut row.is_disabled, wanted.disabled);
    set(&mut row.is_fallback, wanted.is_fallback);
    set(&mut row.is_only, wanted.is_byok_only);
    set(&mut row.is_required, wanted.is_required);
    check_order(&row)?;
    if let Some(Said(flag)) = wanted.declared_zdr {
        row.declared_zdr = flag.map(i64::from);
    }
    if let Some(Said(region)) = wanted.declared_region {
        row.declared_region = checked_region(region)?;
    }
    row.sort_order = wanted.sort_order.unwrap_or(row.sort_order);
    if let Some(Said(name)) = wanted.name {
        row.name = checked_name(name)?;
    }
    if let Some(Said(models)) = wanted.allowed_models {
        row.allowed_models = list("allowed_models", models)?;
    }
    if let Some(Said(keys)) = wanted.allowed_api_key_hashes {
        row.allowed_keys = hashes(keys)?;
    }
    if let Some(Said(users)) = wanted.allowed_user_ids {
        row.allowed_users = list("allowed_user_ids", users)?;
    }
    if let Some(key) = wanted.key {
        let provider = provider(&app, &row.provider_slug)?;
        seal(&app, &provider, &mut row, &key)?;
    }
    row.updated_at = app.clock.now_ms();
    app.store.put_own_key(&row).await?;
    note(&app, &caller, &origin, Deed { action: "provider_key.update", target: &row.id, detail: &row.provider_slug })
        .await?;
    app.refresh_topics().await?;
    Ok(Json(Envelope { data: shown(row) }))
}

/// Forgets a credential.
///
/// # Errors
/// 403, 404.
#[utoipa::path(delete, path = "/byok/{id}", tag = "byok", params(("id" = String, Path)),
    responses((status = 200, body = Deleted), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody),
        (status = 404, body = ErrorBody)))]
pub async fn delete_own_key(
    State(app): State<Arc<App>>,
    caller: Caller,
    origin: Origin,
    Path(id): Path<String>,
) -> Result<Json<Deleted>> {
    let row = find(&app, &caller, &id).await?;
    caller.check_recent(&app)?;
    app.store.delete_own_key(&row.organization_id, &row.id).await?;
    note(&app, &caller, &origin, Deed { action: "provider_key.delete", target: &row.id, detail: &row.provider_slug })
        .await?;
    app.refresh_topics().await?;
    Ok(Json(Deleted { deleted: true }))
}

/// Asks the provider whether it takes the credential.
///
/// # Errors
/// 403, 404.
#[utoipa::path(post, path = "/byok/{id}/test", tag = "byok", params(("id" = String, Path)),
    responses((status = 200, body = Envelope<OwnKeyTest>), (status = 400, body = ErrorBody),
        (status = 401, body = ErrorBody), (status = 403, body = ErrorBody), (status = 404, body = ErrorBody)))]
pub async fn test_own_key(
    State(app): State<Arc<App>>,
    caller: Caller,
    Path(id): Path<String>,
) -> Result<Json<Envelope<OwnKeyTest>>> {
    let row = find(&app, &caller, &id).await?;
    let provider = provider(&app, &row.provider_slug)?;
    let place = place(&row.organization_id, &row.id);
    let wrong = |cause: String| Error::bad_request("key", format!("The credential cannot be used: {cause}"));
    let secret = app.vault.open(&row.secret, &place).map_err(|error| wrong(error.to_string()))?;
    let credentials = app.own_credentials(&provider, &secret).map_err(wrong)?;
    let header = credentials.key(&provider.slug).and_then(|key| provider.auth.header(key));
    let data = match header {
        None => OwnKeyTest {
            is_accepted: None,
            message: format!("{} shows only with the first request whether it takes this credential.", provider.name),
        },
        Some(header) => {
            let base_url = credentials.base_url(&provider.slug).unwrap_or(&provider.base_url);
            match app.upstreams.check(base_url, Some(header)).await {
                Ok(status) => verdict(&provider.name, status),
                Err(_) => OwnKeyTest {
                    is_accepted: None,
                    message: format!("{} did not answer; try again later.", provider.name),
                },
            }
        }
    };
    Ok(Json(Envelope { data }))
}

fn verdict(name: &str, status: u16) -> OwnKeyTest {
    let (is_accepted, message) = match status {
        200..=299 => (Some(true), format!("{name} takes this credential.")),
        401 | 403 => (Some(false), format!("{name} refuses this credential (status {status}). Replace it.")),
        status => (None, format!("{name} answered with status {status}, which says nothing about the credential.")),
    };
    OwnKeyTest { is_accepted, message }
}

async fn find(app: &App, caller: &Caller, id: &str) -> Result<OwnKeyRow> {
    caller.check_manages()?;
    let rows = app.store.own_keys(caller.organization_id(), None).await?;
    let row = rows.into_iter().find(|row| row.id == id);
    row.ok_or_else(|| Error::not_found(format!("This organization has no provider credential `{id}`.")))
}

fn provider(app: &App, slug: &str) -> Result<Arc<Provider>> {
    let catalog = app.catalog();
    let provider = catalog.provider(slug).filter(|provider| provider.is_callable()).cloned();
    provider.ok_or_else(|| {
        let remedy = format!("provider: this server knows no provider `{slug}`. GET /api/v1/providers lists them.");
        Error::bad_request("provider", remedy)
    })
}

/// Checks and seals the credential, and notes what may be shown of it.
fn seal(app: &App, provider: &Provider, row: &mut OwnKeyRow, key: &str) -> Result<()> {
    let key = key.trim();
    if key.is_empty() || key.len() > MOST_BYTES {
        return Err(Error::bad_request("key", format!("key must have 1 to {MOST_BYTES} bytes")));
    }
    app.own_credentials(provider, key).map_err(|cause| Error::bad_request("key", format!("key: {cause}")))?;
    let place = place(&row.organization_id, &row.id);
    row.secret = app.vault.seal(key, &place).map_err(|error| Error::bad_request("key", error.to_string()))?;
    row.label = masked(key);
    Ok(())
}

/// The first and last characters of a plain key that is long enough.
fn masked(key: &str) -> String {
    let is_plain = !key.starts_with(['{', '[']) && key.is_ascii();
    match (key.get(..4), key.get(key.len().saturating_sub(4)..)) {
        (Some(start), Some(end)) if is_plain && key.len() >= 20 => format!("{start}…{end}"),
        _ => "••••".to_owned(),
    }
}

fn checked_name(name: Option<String>) -> Result<Option<String>> {
    let name = name.map(|name| name.trim().to_owned()).filter(|name| !name.is_empty());
    if name.as_ref().is_some_and(|name| name.chars().count() > 255) {
        return Err(Error::bad_request("name", "name may have 255 characters at the most"));
    }
    Ok(name)
}

/// A filter list as JSON. An empty one would let nobody in, which `disabled` says better.
fn list(field: &str, wanted: Option<Vec<String>>) -> Result<Option<String>> {
    let Some(wanted) = wanted else { return Ok(None) };
    if wanted.is_empty() || wanted.len() > MOST_ALLOWED {
        let remedy = format!("{field} must name 1 to {MOST_ALLOWED}, or be null for all");
        return Err(Error::bad_request(field, remedy));
    }
    Ok(serde_json::to_string(&wanted).ok())
}

fn hashes(wanted: Option<Vec<String>>) -> Result<Option<String>> {
    let is_hash = |hash: &String| hash.len() == 64 && hash.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
    if wanted.iter().flatten().any(|hash| !is_hash(hash)) {
        let remedy = "allowed_api_key_hashes holds SHA-256 hashes: 64 lower-case hex digits, as GET /api/v1/keys shows";
        return Err(Error::bad_request("allowed_api_key_hashes", remedy));
    }
    list("allowed_api_key_hashes", wanted)
}

/// A credential that stands alone cannot wait for shared capacity to fail.
fn check_order(row: &OwnKeyRow) -> Result<()> {
    if row.is_fallback != 0 && row.is_only != 0 {
        let remedy =
            "is_byok_only cannot be combined with is_fallback: without shared capacity nothing comes before it";
        return Err(Error::bad_request("is_byok_only", remedy));
    }
    Ok(())
}

fn checked_region(region: Option<String>) -> Result<Option<String>> {
    match region.as_deref() {
        None | Some("global" | "europe" | "us") => Ok(region),
        Some(_) => Err(Error::bad_request("declared_region", "declared_region must be global, europe, us or null")),
    }
}

fn shown(row: OwnKeyRow) -> OwnKey {
    let list = |text: Option<String>| text.and_then(|text| serde_json::from_str(&text).ok());
    OwnKey {
        id: row.id,
        provider: row.provider_slug,
        name: row.name,
        label: row.label,
        disabled: row.is_disabled != 0,
        is_fallback: row.is_fallback != 0,
        is_byok_only: row.is_only != 0,
        is_required: row.is_required != 0,
        declared_zdr: row.declared_zdr.map(|flag| flag != 0),
        declared_region: row.declared_region,
        sort_order: row.sort_order,
        allowed_models: list(row.allowed_models),
        allowed_api_key_hashes: list(row.allowed_keys),
        allowed_user_ids: list(row.allowed_users),
        workspace_id: Some(row.workspace_id),
        created_at: rfc3339(row.created_at),
    }
}
