//! Presets: keeping the settings of a request, and using them in others.

use std::borrow::Cow;
use std::sync::Arc;

use app::types::Envelope;
use app::types::error::ErrorBody;
use app::types::keys::Deleted;
use app::types::presets::{Preset, PresetList, PresetVersion, PresetVersionList, PresetWithVersion};
use app::types::roles::Permission;
use axum::Json;
use axum::extract::{Path, State};
use serde::Deserialize;
use serde_json::{Map, Value};
use utoipa::{OpenApi, ToSchema};

use super::address::Origin;
use super::audit::{Deed, note};
use super::caller::Caller;
use super::input::{Body, Query, Said, said};
use super::place::{PlaceQuery, chosen_workspace};
use crate::App;
use crate::accounts::new_uuid;
use crate::accounts::presets::{Kept, Style, apply, kept, take_name};
use crate::clock::rfc3339;
use crate::error::{Error, Result};
use crate::gateway::Requester;
use crate::store::presets::{PresetRow, PresetVersionRow};

const STATUSES: [&str; 3] = ["active", "disabled", "archived"];
/// The most a preset's settings may take, bytes.
const MOST_BYTES: usize = 256 << 10;

/// The part of the API's description that is about presets.
#[derive(OpenApi)]
#[openapi(
    paths(
        list_presets, show_preset, update_preset, delete_preset, list_preset_versions, show_preset_version,
        keep_chat_preset, keep_messages_preset, keep_responses_preset
    ),
    tags((name = "presets", description = "Named, versioned request settings, used as `@preset/<slug>`"))
)]
pub struct Description;

/// Query of the lists.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct PageQuery {
    offset: Option<u64>,
    limit: Option<u64>,
}

impl PageQuery {
    /// # Errors
    /// 400 for a limit that is not 1 to 100.
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

/// What can change of a preset.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(default)]
pub struct UpdatePreset {
    name: Option<String>,
    #[serde(deserialize_with = "said")]
    #[schema(value_type = Option<String>)]
    description: Option<Said<String>>,
    /// `active`, `disabled` or `archived`.
    status: Option<String>,
    /// The number of the version to use from now on.
    designated_version: Option<i64>,
}

/// The body with the settings of the preset it names, if it names one.
///
/// # Errors
/// 400 for a body that is no object, 404 for a preset that is not there or not active.
pub async fn applied<'a>(app: &App, requester: &Requester, path: &str, body: &'a [u8]) -> Result<Cow<'a, [u8]>> {
    let is_named = |word: &[u8]| memchr::memmem::find(body, word).is_some();
    let Some(style) = Style::of_path(path).filter(|_| is_named(b"@preset/") || is_named(b"\"preset\"")) else {
        return Ok(Cow::Borrowed(body));
    };
    // What is no JSON object is refused in the dialect's own words.
    let Ok(mut fields) = serde_json::from_slice::<Map<String, Value>>(body) else { return Ok(Cow::Borrowed(body)) };
    let Some(slug) = take_name(&mut fields) else { return Ok(Cow::Borrowed(body)) };
    let missing =
        || Error::not_found(format!("This workspace has no preset `{slug}`. GET /api/v1/presets lists them."));
    let row = app.store.preset(&requester.organization_id, &requester.workspace_id, &slug).await?;
    let row = row.ok_or_else(missing)?;
    if row.status != "active" {
        return Err(Error::Forbidden(format!("The preset `{slug}` is {}. Activate it to use it.", row.status)));
    }
    let version = app.store.preset_version(&row.id, row.designated_version).await?.ok_or_else(missing)?;
    let config = serde_json::from_str(&version.config).unwrap_or_default();
    apply(&mut fields, &Kept { system_prompt: version.system_prompt, config }, style);
    serde_json::to_vec(&fields).map(Cow::Owned).map_err(|error| Error::Internal(error.to_string()))
}

/// Lists a workspace's presets, the latest changed first.
///
/// # Errors
/// 400 naming the field.
#[utoipa::path(get, path = "/presets", tag = "presets",
    params(("offset" = Option<u64>, Query), ("limit" = Option<u64>, Query), PlaceQuery),
    responses((status = 200, body = PresetList), (status = 400, body = ErrorBody), (status = 401, body = ErrorBody),
        (status = 403, body = ErrorBody), (status = 404, body = ErrorBody)))]
pub async fn list_presets(
    State(app): State<Arc<App>>,
    caller: Caller,
    Query(query): Query<PageQuery>,
    Query(place): Query<PlaceQuery>,
) -> Result<Json<PresetList>> {
    let workspace_id = chosen_workspace(&app, &caller, place.workspace_id.as_deref()).await?;
    let rows = app.store.presets(caller.organization_id(), &workspace_id).await?;
    let (rows, total_count) = query.page(rows)?;
    let mut data = Vec::with_capacity(rows.len());
    for row in rows {
        let version = app.store.preset_version(&row.id, row.designated_version).await?;
        data.push(shown(row, version.as_ref()));
    }
    Ok(Json(PresetList { data, total_count }))
}

/// Shows a preset with the version in use.
///
/// # Errors
/// 404 for a preset that is not there.
#[utoipa::path(get, path = "/presets/{slug}", tag = "presets", params(("slug" = String, Path), PlaceQuery),
    responses((status = 200, body = Envelope<PresetWithVersion>), (status = 401, body = ErrorBody),
        (status = 404, body = ErrorBody), (status = 400, body = ErrorBody), (status = 403, body = ErrorBody)))]
pub async fn show_preset(
    State(app): State<Arc<App>>,
    caller: Caller,
    Path(slug): Path<String>,
    Query(place): Query<PlaceQuery>,
) -> Result<Json<Envelope<PresetWithVersion>>> {
    let row = find(&app, &caller, &place, &slug).await?;
    whole(&app, row).await
}

/// Changes the name, the description, the status or the version in use.
///
/// # Errors
/// 400 naming the field, 404.
#[utoipa::path(patch, path = "/presets/{slug}", tag = "presets", params(("slug" = String, Path), PlaceQuery), request_body = UpdatePreset,
    responses((status = 200, body = Envelope<PresetWithVersion>), (status = 400, body = ErrorBody),
        (status = 401, body = ErrorBody), (status = 404, body = ErrorBody), (status = 403, body = ErrorBody)))]
pub async fn update_preset(
    State(app): State<Arc<App>>,
    caller: Caller,
    origin: Origin,
    Path(slug): Path<String>,
    Query(place): Query<PlaceQuery>,
    Body(wanted): Body<UpdatePreset>,
) -> Result<Json<Envelope<PresetWithVersion>>> {
    check_keeps(&caller)?;
    let mut row = find(&app, &caller, &place, &slug).await?;
    let now = app.clock.now_ms();
    if let Some(name) = wanted.name {
        let name = name.trim();
        if name.is_empty() || name.chars().count() > 100 {
            return Err(Error::bad_request("name", "name must have 1 to 100 characters"));
        }
        name.clone_into(&mut row.name);
    }
    if let Some(Said(description)) = wanted.description {
        if description.as_ref().is_some_and(|text| text.chars().count() > 1_000) {
            return Err(Error::bad_request("description", "description may have 1,000 characters at the most"));
        }
        row.description = description.filter(|text| !text.is_empty());
    }
    if let Some(status) = wanted.status {
        if !STATUSES.contains(&status.as_str()) {
            return Err(Error::bad_request("status", "status must be active, disabled or archived"));
        }
        row.status = status;
        row.status_updated_at = Some(now);
    }
    if let Some(version) = wanted.designated_version {
        let known = app.store.preset_version(&row.id, version).await?.is_some();
        if !known {
            let remedy = format!("designated_version: `{slug}` has no version {version}");
            return Err(Error::bad_request("designated_version", remedy));
        }
        row.designated_version = version;
    }
    row.updated_at = now;
    app.store.update_preset(&row).await?;
    let detail = format!("{}, version {}, {}", row.name, row.designated_version, row.status);
    note(&app, &caller, &origin, Deed { action: "preset.update", target: &row.slug, detail: &detail }).await?;
    whole(&app, row).await
}

/// Forgets a preset with all its versions.
///
/// # Errors
/// 404 for a preset that is not there.
#[utoipa::path(delete, path = "/presets/{slug}", tag = "presets", params(("slug" = String, Path), PlaceQuery),
    responses((status = 200, body = Deleted), (status = 401, body = ErrorBody), (status = 404, body = ErrorBody), (status = 400, body = ErrorBody), (status = 403, body = ErrorBody)))]
pub async fn delete_preset(
    State(app): State<Arc<App>>,
    caller: Caller,
    origin: Origin,
    Path(slug): Path<String>,
    Query(place): Query<PlaceQuery>,
) -> Result<Json<Deleted>> {
    check_keeps(&caller)?;
    let row = find(&app, &caller, &place, &slug).await?;
    app.store.delete_preset(&row.id).await?;
    note(&app, &caller, &origin, Deed { action: "preset.delete", target: &row.slug, detail: &row.name }).await?;
    Ok(Json(Deleted { deleted: true }))
}

/// Lists the versions, oldest first.
///
/// # Errors
/// 400 naming the field, 404.
#[utoipa::path(get, path = "/presets/{slug}/versions", tag = "presets",
    params(("slug" = String, Path), ("offset" = Option<u64>, Query), ("limit" = Option<u64>, Query), PlaceQuery),
    responses((status = 200, body = PresetVersionList), (status = 400, body = ErrorBody), (status = 401, body = ErrorBody),
        (status = 404, body = ErrorBody), (status = 403, body = ErrorBody)))]
pub async fn list_preset_versions(
    State(app): State<Arc<App>>,
    caller: Caller,
    Path(slug): Path<String>,
    Query(query): Query<PageQuery>,
    Query(place): Query<PlaceQuery>,
) -> Result<Json<PresetVersionList>> {
    let row = find(&app, &caller, &place, &slug).await?;
    let (versions, total_count) = query.page(app.store.preset_versions(&row.id).await?)?;
    Ok(Json(PresetVersionList { data: versions.into_iter().map(version_shown).collect(), total_count }))
}

/// Shows one version.
///
/// # Errors
/// 400 for a version that is no number, 404 for a preset or version that is not there.
#[utoipa::path(get, path = "/presets/{slug}/versions/{version}", tag = "presets",
    params(("slug" = String, Path), ("version" = i64, Path), PlaceQuery),
    responses((status = 200, body = Envelope<PresetVersion>), (status = 401, body = ErrorBody),
        (status = 404, body = ErrorBody), (status = 400, body = ErrorBody), (status = 403, body = ErrorBody)))]
pub async fn show_preset_version(
    State(app): State<Arc<App>>,
    caller: Caller,
    Path((slug, version)): Path<(String, String)>,
    Query(place): Query<PlaceQuery>,
) -> Result<Json<Envelope<PresetVersion>>> {
    let row = find(&app, &caller, &place, &slug).await?;
    let number = version.parse().map_err(|_| Error::bad_request("version", "version must be a number"))?;
    let found = app.store.preset_version(&row.id, number).await?;
    let found = found.ok_or_else(|| Error::not_found(format!("The preset `{slug}` has no version {version}.")))?;
    Ok(Json(Envelope { data: version_shown(found) }))
}

/// Keeps the settings of a chat completion request as a new version.
///
/// # Errors
/// 400 naming the field.
#[utoipa::path(post, path = "/presets/{slug}/chat/completions", tag = "presets", params(("slug" = String, Path), PlaceQuery),
    request_body(content = Object, content_type = "application/json"),
    responses((status = 200, body = Envelope<PresetWithVersion>), (status = 400, body = ErrorBody),
        (status = 401, body = ErrorBody), (status = 403, body = ErrorBody), (status = 404, body = ErrorBody)))]
pub async fn keep_chat_preset(
    State(app): State<Arc<App>>,
    caller: Caller,
    origin: Origin,
    Path(slug): Path<String>,
    Query(place): Query<PlaceQuery>,
    Body(body): Body<Map<String, Value>>,
) -> Result<Json<Envelope<PresetWithVersion>>> {
    keep(&app, (&caller, &origin), &place, &slug, &body, Style::Chat).await
}

/// Keeps the settings of a request to Anthropic's API as a new version.
///
/// # Errors
/// 400 naming the field.
#[utoipa::path(post, path = "/presets/{slug}/messages", tag = "presets", params(("slug" = String, Path), PlaceQuery),
    request_body(content = Object, content_type = "application/json"),
    responses((status = 200, body = Envelope<PresetWithVersion>), (status = 400, body = ErrorBody),
        (status = 401, body = ErrorBody), (status = 403, body = ErrorBody), (status = 404, body = ErrorBody)))]
pub async fn keep_messages_preset(
    State(app): State<Arc<App>>,
    caller: Caller,
    origin: Origin,
    Path(slug): Path<String>,
    Query(place): Query<PlaceQuery>,
    Body(body): Body<Map<String, Value>>,
) -> Result<Json<Envelope<PresetWithVersion>>> {
    keep(&app, (&caller, &origin), &place, &slug, &body, Style::Messages).await
}

/// Keeps the settings of a request to the Responses API as a new version.
///
/// # Errors
/// 400 naming the field.
#[utoipa::path(post, path = "/presets/{slug}/responses", tag = "presets", params(("slug" = String, Path), PlaceQuery),
    request_body(content = Object, content_type = "application/json"),
    responses((status = 200, body = Envelope<PresetWithVersion>), (status = 400, body = ErrorBody),
        (status = 401, body = ErrorBody), (status = 403, body = ErrorBody), (status = 404, body = ErrorBody)))]
pub async fn keep_responses_preset(
    State(app): State<Arc<App>>,
    caller: Caller,
    origin: Origin,
    Path(slug): Path<String>,
    Query(place): Query<PlaceQuery>,
    Body(body): Body<Map<String, Value>>,
) -> Result<Json<Envelope<PresetWithVersion>>> {
    keep(&app, (&caller, &origin), &place, &slug, &body, Style::Responses).await
}

async fn keep(
    app: &App,
    (caller, origin): (&Caller, &Origin),
    place: &PlaceQuery,
    slug: &str,
    body: &Map<String, Value>,
    style: Style,
) -> Result<Json<Envelope<PresetWithVersion>>> {
    check_keeps(caller)?;
    let is_slug = (1..=64).contains(&slug.len())
        && slug.bytes().all(|b| matches!(b, b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_'))
        && !slug.starts_with('-');
    if !is_slug {
        let remedy = "slug must have 1 to 64 lower-case letters, digits, `-` or `_`";
        return Err(Error::bad_request("slug", remedy));
    }
    let kept = kept(body, style);
    if kept.config.is_empty() && kept.system_prompt.is_none() {
        let remedy = "The body has nothing a preset keeps, such as model, temperature, tools or a system prompt";
        return Err(Error::bad_request("body", remedy));
    }
    let config = serde_json::to_string(&kept.config).map_err(|error| Error::Internal(error.to_string()))?;
    if config.len() + kept.system_prompt.as_deref().map_or(0, str::len) > MOST_BYTES {
        return Err(Error::bad_request("body", format!("A preset may take {MOST_BYTES} bytes at the most")));
    }
    let now = app.clock.now_ms();
    let creator = caller.user_id().map(str::to_owned);
    let wanted = PresetRow {
        id: new_uuid(now),
        organization_id: caller.organization_id().to_owned(),
        workspace_id: chosen_workspace(app, caller, place.workspace_id.as_deref()).await?,
        slug: slug.to_owned(),
        name: slug.to_owned(),
        status: "active".to_owned(),
        creator_user_id: creator.clone(),
        created_at: now,
        updated_at: now,
        ..PresetRow::default()
    };
    let version = PresetVersionRow {
        id: new_uuid(now),
        creator_id: creator.unwrap_or_default(),
        system_prompt: kept.system_prompt,
        config,
        created_at: now,
        ..PresetVersionRow::default()
    };
    let (row, kept) = app.store.add_preset_version(wanted, version).await?;
    let detail = format!("version {}", kept.version);
    note(app, caller, origin, Deed { action: "preset.keep", target: &row.slug, detail: &detail }).await?;
    whole(app, row).await
}

/// Passes keys of the workspace, and people who use models.
fn check_keeps(caller: &Caller) -> Result<()> {
    if caller.role().is_some() { caller.check(Permission::UseModels) } else { Ok(()) }
}

async fn find(app: &App, caller: &Caller, place: &PlaceQuery, slug: &str) -> Result<PresetRow> {
    let workspace_id = chosen_workspace(app, caller, place.workspace_id.as_deref()).await?;
    let row = app.store.preset(caller.organization_id(), &workspace_id, slug).await?;
    row.ok_or_else(|| Error::not_found(format!("This workspace has no preset `{slug}`.")))
}

async fn whole(app: &App, row: PresetRow) -> Result<Json<Envelope<PresetWithVersion>>> {
    let version = app.store.preset_version(&row.id, row.designated_version).await?;
    let preset = shown(row, version.as_ref());
    Ok(Json(Envelope { data: PresetWithVersion { preset, designated_version: version.map(version_shown) } }))
}

fn shown(row: PresetRow, version: Option<&PresetVersionRow>) -> Preset {
    Preset {
        id: row.id,
        slug: row.slug,
        name: row.name,
        description: row.description,
        status: row.status,
        creator_user_id: row.creator_user_id,
        workspace_id: Some(row.workspace_id),
        designated_version_id: version.map(|version| version.id.clone()),
        created_at: rfc3339(row.created_at),
        updated_at: rfc3339(row.updated_at),
        status_updated_at: row.status_updated_at.map(rfc3339),
    }
}

fn version_shown(row: PresetVersionRow) -> PresetVersion {
    PresetVersion {
        id: row.id,
        preset_id: row.preset_id,
        creator_id: row.creator_id,
        version: row.version,
        system_prompt: row.system_prompt,
        config: serde_json::from_str(&row.config).unwrap_or_default(),
        created_at: rfc3339(row.created_at),
        updated_at: rfc3339(row.created_at),
    }
}
