//! API keys: the calling one, and managing all of them.

use std::sync::Arc;

use app::types::Envelope;
use app::types::keys::{CreateKey, CreatedKey, CurrentKey, Deleted, Key, RateLimit, UpdateKey};
use app::types::money::Money;
use axum::Json;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use serde::Deserialize;

use super::caller::Caller;
use super::input::{Body, Query};
use crate::App;
use crate::accounts::{keys, new_id};
use crate::billing::ledger::KeyUsage;
use crate::clock::{parse_rfc3339, rfc3339};
use crate::error::{Error, Result};
use crate::store::keys::KeyRow;

/// `GET /api/v1/key` and `/api/v1/auth/key`: the calling key.
///
/// # Errors
/// 401 without a key.
pub async fn show_current_key(State(app): State<Arc<App>>, caller: Caller) -> Result<Json<Envelope<CurrentKey>>> {
    let Caller::Key(key) = &caller else {
        return Err(Error::Unauthenticated("This shows the calling API key; send one."));
    };
    let usage = app.ledger.key_usage(&key.id).await?;
    let balance = app.ledger.balance(&crate::billing::ledger::credit_account(&key.organization_id)).await?;
    let is_free_tier = balance.credited < Money::from_dollars(10);
    let data = CurrentKey {
        label: key.label.clone(),
        limit: key.limit,
        limit_remaining: remaining(key.limit, usage.in_window(key.limit_reset)),
        limit_reset: key.limit_reset,
        include_byok_in_limit: key.include_byok_in_limit,
        usage: usage.total,
        usage_daily: usage.daily,
        usage_weekly: usage.weekly,
        usage_monthly: usage.monthly,
        byok_usage: Money::ZERO,
        byok_usage_daily: Money::ZERO,
        byok_usage_weekly: Money::ZERO,
        byok_usage_monthly: Money::ZERO,
        is_free_tier,
        is_management_key: key.is_management,
        is_provisioning_key: key.is_management,
        creator_user_id: key.creator_user_id.clone(),
        organization_id: Some(key.organization_id.clone()),
        workspace_id: Some(key.workspace_id.clone()),
        expires_at: key.expires_at.map(rfc3339),
        rate_limit: RateLimit {
            interval: "10s".to_owned(),
            note: "Deprecated and safe to ignore.".to_owned(),
            requests: -1,
        },
        allowed_data_regions: vec!["global".to_owned()],
        free_model_daily_requests: app.rate_limits.free_quota(&app, &key.organization_id).await?,
        budgets: Vec::new(),
        effective_budget: None,
    };
    Ok(Json(Envelope { data }))
}

/// Query of `GET /keys`.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct KeysQuery {
    pub offset: Option<i64>,
    pub include_disabled: Option<String>,
}

/// `GET /api/v1/keys`, 100 at a time.
///
/// # Errors
/// 403 for an inference key.
pub async fn list_keys(
    State(app): State<Arc<App>>,
    caller: Caller,
    Query(query): Query<KeysQuery>,
) -> Result<Json<Envelope<Vec<Key>>>> {
    caller.check_manages()?;
    let offset = query.offset.unwrap_or(0);
    if offset < 0 {
        return Err(Error::bad_request("offset", "offset must be 0 or more"));
    }
    let hides_disabled = query.include_disabled.as_deref() == Some("false");
    let rows = app.store.keys_of(caller.organization_id(), 100, offset).await?;
    let mut data = Vec::with_capacity(rows.len());
    for row in rows.into_iter().filter(|row| !hides_disabled || row.is_disabled == 0) {
        data.push(shown(&app, row).await?);
    }
    Ok(Json(Envelope { data }))
}

/// `POST /api/v1/keys`: the only answer that holds the key itself.
///
/// # Errors
/// 400 naming the field, 403 for an inference key.
pub async fn create_key(
    State(app): State<Arc<App>>,
    caller: Caller,
    Body(wanted): Body<CreateKey>,
) -> Result<(StatusCode, Json<CreatedKey>)> {
    caller.check_manages()?;
    let name = checked_name(&wanted.name)?;
    check_limit(wanted.limit)?;
    let now = app.clock.now_ms();
    let expires_at = match wanted.expires_at.as_deref() {
        None | Some("") => None,
        Some(text) => {
            let remedy = "expires_at must be a future time such as 2027-01-31T00:00:00Z";
            let at = parse_rfc3339(text).filter(|at| *at > now);
            Some(at.ok_or_else(|| Error::bad_request("expires_at", remedy))?)
        }
    };
    let is_management = wanted.is_management_key == Some(true);
    if is_management && matches!(caller, Caller::Key(_)) {
        return Err(Error::Forbidden("Only a signed-in person can make a management key.".to_owned()));
    }
    let fresh = keys::generate();
    let row = KeyRow {
        id: new_id(now),
        hash: fresh.hash,
        label: fresh.label,
        name,
        organization_id: caller.organization_id().to_owned(),
        workspace_id: caller.workspace_id().to_owned(),
        creator_user_id: caller.user_id().map(str::to_owned),
        is_management: i64::from(is_management),
        is_disabled: 0,
        limit_nanos: wanted.limit.map(|limit| limit.0),
        limit_reset: wanted.limit_reset.map(|reset| reset.as_str().to_owned()),
        include_byok_in_limit: i64::from(wanted.include_byok_in_limit.unwrap_or(false)),
        expires_at,
        created_at: now,
        updated_at: now,
        deleted_at: None,
    };
    app.store.insert_key(&row).await?;
    Ok((StatusCode::CREATED, Json(CreatedKey { data: shown(&app, row).await?, key: fresh.text })))
}

/// `GET /api/v1/keys/{hash}`
///
/// # Errors
/// 404 for a key of nobody or of another organization.
pub async fn show_key(
    State(app): State<Arc<App>>,
    caller: Caller,
    Path(hash): Path<String>,
) -> Result<Json<Envelope<Key>>> {
    let row = own_key(&app, &caller, &hash).await?;
    Ok(Json(Envelope { data: shown(&app, row).await? }))
}

/// `PATCH /api/v1/keys/{hash}`: takes effect at once.
///
/// # Errors
/// 400 naming the field, 404 for a key of nobody or of another organization.
pub async fn update_key(
    State(app): State<Arc<App>>,
    caller: Caller,
    Path(hash): Path<String>,
    Body(change): Body<UpdateKey>,
) -> Result<Json<Envelope<Key>>> {
    let mut row = own_key(&app, &caller, &hash).await?;
    if let Some(name) = &change.name {
        row.name = checked_name(name)?;
    }
    if let Some(disabled) = change.disabled {
        row.is_disabled = i64::from(disabled);
    }
    if let Some(limit) = change.limit {
        check_limit(limit)?;
        row.limit_nanos = limit.map(|limit| limit.0);
    }
    if let Some(reset) = change.limit_reset {
        row.limit_reset = reset.map(|reset| reset.as_str().to_owned());
    }
    if let Some(includes) = change.include_byok_in_limit {
        row.include_byok_in_limit = i64::from(includes);
    }
    store_change(&app, &mut row).await?;
    Ok(Json(Envelope { data: shown(&app, row).await? }))
}

/// `DELETE /api/v1/keys/{hash}`: the key stops working at once.
///
/// # Errors
/// 404 for a key of nobody or of another organization.
pub async fn delete_key(
    State(app): State<Arc<App>>,
    caller: Caller,
    Path(hash): Path<String>,
) -> Result<Json<Deleted>> {
    let mut row = own_key(&app, &caller, &hash).await?;
    row.deleted_at = Some(app.clock.now_ms());
    store_change(&app, &mut row).await?;
    Ok(Json(Deleted { deleted: true }))
}

async fn store_change(app: &App, row: &mut KeyRow) -> Result<()> {
    row.updated_at = app.clock.now_ms();
    let is_there = app.store.update_key(row).await?;
    app.keys.forget(&row.hash);
    if is_there { Ok(()) } else { Err(no_key()) }
}

async fn own_key(app: &App, caller: &Caller, hash: &str) -> Result<KeyRow> {
    caller.check_manages()?;
    let row = app.store.key_by_hash(hash).await?;
    row.filter(|row| row.organization_id == caller.organization_id()).ok_or_else(no_key)
}

fn no_key() -> Error {
    Error::not_found("No key of yours has this hash. GET /api/v1/keys lists them.")
}

fn checked_name(name: &str) -> Result<String> {
    let name = name.trim();
    if name.is_empty() || name.chars().count() > 100 {
        return Err(Error::bad_request("name", "name must have 1 to 100 characters"));
    }
    Ok(name.to_owned())
}

fn check_limit(limit: Option<Money>) -> Result<()> {
    match limit {
        Some(limit) if limit.0 < 0 => Err(Error::bad_request("limit", "limit must be 0 or more US dollars, or null")),
        _ => Ok(()),
    }
}

fn remaining(limit: Option<Money>, used: Money) -> Option<Money> {
    limit.map(|limit| limit.minus(used).max(Money::ZERO))
}

async fn shown(app: &App, row: KeyRow) -> Result<Key> {
    let usage: KeyUsage = app.ledger.key_usage(&row.id).await?;
    let limit_reset = row.limit_reset.as_deref().and_then(|reset| reset.parse().ok());
    let limit = row.limit_nanos.map(Money);
    Ok(Key {
        limit_remaining: remaining(limit, usage.in_window(limit_reset)),
        limit,
        limit_reset,
        hash: row.hash,
        name: row.name,
        label: row.label,
        disabled: row.is_disabled != 0,
        include_byok_in_limit: row.include_byok_in_limit != 0,
        usage: usage.total,
        usage_daily: usage.daily,
        usage_weekly: usage.weekly,
        usage_monthly: usage.monthly,
        byok_usage: Money::ZERO,
        byok_usage_daily: Money::ZERO,
        byok_usage_weekly: Money::ZERO,
        byok_usage_monthly: Money::ZERO,
        created_at: rfc3339(row.created_at),
        updated_at: (row.updated_at != row.created_at).then(|| rfc3339(row.updated_at)),
        expires_at: row.expires_at.map(rfc3339),
        last_used_at: usage.last_used_at.map(rfc3339),
        creator_user_id: row.creator_user_id,
        workspace_id: row.workspace_id,
        external_user: None,
        is_management_key: row.is_management != 0,
    })
}
