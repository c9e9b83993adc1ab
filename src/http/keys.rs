//! API keys: the calling one, and managing all of them.

use std::sync::Arc;

use app::types::Envelope;
use app::types::keys::{CreateKey, CreatedKey, CurrentKey, Deleted, Key, KeyBudget, RateLimit, UpdateKey};
use app::types::money::Money;
use app::types::roles::Permission;
use axum::Json;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use serde::Deserialize;

use super::address::Origin;
use super::audit::{Deed, note};
use super::caller::Caller;
use super::input::{Body, Query};
use super::organizations::checked_networks;
use super::workspaces::workspace;
use crate::App;
use crate::accounts::policy::{Policy, words};
use crate::accounts::{keys, new_id};
use crate::billing::ledger::KeyUsage;
use crate::clock::{parse_rfc3339, rfc3339};
use crate::error::{Error, Result};
use crate::store::keys::{KeyRow, KeyScope};

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
    let budgets = budgets(&app, &key.policy).await?;
    let is_free_tier = balance.credited < Money::from_dollars(10);
    let data = CurrentKey {
        label: key.label.clone(),
        limit: key.limit,
        limit_remaining: remaining(key.limit, usage.in_window(key.limit_reset).counted(key.include_byok_in_limit)),
        limit_reset: key.limit_reset,
        include_byok_in_limit: key.include_byok_in_limit,
        usage: usage.total.credit,
        usage_daily: usage.daily.credit,
        usage_weekly: usage.weekly.credit,
        usage_monthly: usage.monthly.credit,
        byok_usage: usage.total.own,
        byok_usage_daily: usage.daily.own,
        byok_usage_weekly: usage.weekly.own,
        byok_usage_monthly: usage.monthly.own,
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
        effective_budget: budgets.iter().min_by_key(|budget| budget.limit_remaining).cloned(),
        budgets,
    };
    Ok(Json(Envelope { data }))
}

/// What is left of each budget the key is subject to.
async fn budgets(app: &App, policy: &Policy) -> Result<Vec<KeyBudget>> {
    let mut budgets = Vec::with_capacity(policy.caps.len());
    for cap in &policy.caps {
        let used = app.ledger.key_usage(&cap.counter).await?.in_window(cap.reset).counted(cap.includes_byok);
        budgets.push(KeyBudget {
            name: cap.name.clone(),
            limit: cap.limit,
            limit_remaining: cap.limit.minus(used).max(Money::ZERO),
            limit_reset: cap.reset,
            usage: used,
        });
    }
    Ok(budgets)
}

/// Query of `GET /keys`.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct KeysQuery {
    pub offset: Option<i64>,
    pub include_disabled: Option<String>,
    /// The workspace's id or slug.
    pub workspace_id: Option<String>,
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
    caller.check(Permission::ManageOwnKeys)?;
    let offset = query.offset.unwrap_or(0);
    if offset < 0 {
        return Err(Error::bad_request("offset", "offset must be 0 or more"));
    }
    let workspace_id = match query.workspace_id.as_deref().filter(|id| !id.is_empty()) {
        Some(id) => workspace(&app, &caller, id).await?.id,
        None => String::new(),
    };
    let scope = KeyScope {
        workspace_id,
        creator_user_id: own_keys_of(&caller).unwrap_or_default().to_owned(),
        hides_disabled: query.include_disabled.as_deref() == Some("false"),
    };
    let rows = app.store.keys_of(caller.organization_id(), &scope, 100, offset).await?;
    let mut data = Vec::with_capacity(rows.len());
    for row in rows {
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
    origin: Origin,
    Body(wanted): Body<CreateKey>,
) -> Result<(StatusCode, Json<CreatedKey>)> {
    caller.check(Permission::ManageOwnKeys)?;
    caller.check_recent(&app)?;
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
    if is_management {
        caller.check(Permission::ManageAllKeys)?;
    }
    let workspace_id = match wanted.workspace_id.as_deref().filter(|id| !id.is_empty()) {
        Some(id) => workspace(&app, &caller, id).await?.id,
        None => caller.workspace_id().to_owned(),
    };
    let creator_user_id = creator(&app, &caller, wanted.creator_user_id).await?;
    let fresh = keys::generate();
    let row = KeyRow {
        id: new_id(now),
        hash: fresh.hash,
        label: fresh.label,
        name,
        organization_id: caller.organization_id().to_owned(),
        workspace_id,
        creator_user_id,
        is_management: i64::from(is_management),
        is_disabled: 0,
        limit_nanos: wanted.limit.map(|limit| limit.0),
        limit_reset: wanted.limit_reset.map(|reset| reset.as_str().to_owned()),
        include_byok_in_limit: i64::from(wanted.include_byok_in_limit.unwrap_or(false)),
        expires_at,
        created_at: now,
        updated_at: now,
        deleted_at: None,
        allowed_models: checked_words("allowed_models", wanted.allowed_models.unwrap_or_default())?,
        allowed_providers: checked_words("allowed_providers", wanted.allowed_providers.unwrap_or_default())?,
        allowed_networks: checked_networks(&wanted.allowed_networks.unwrap_or_default())?.join(" "),
    };
    app.store.insert_key(&row).await?;
    let detail = format!("{}{}", row.name, if is_management { " (management)" } else { "" });
    note(&app, &caller, &origin, Deed { action: "key.create", target: &row.hash, detail: &detail }).await?;
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
    origin: Origin,
    Path(hash): Path<String>,
    Body(change): Body<UpdateKey>,
) -> Result<Json<Envelope<Key>>> {
    let mut row = own_key(&app, &caller, &hash).await?;
    caller.check_recent(&app)?;
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
    if let Some(list) = change.allowed_models {
        row.allowed_models = checked_words("allowed_models", list)?;
    }
    if let Some(list) = change.allowed_providers {
        row.allowed_providers = checked_words("allowed_providers", list)?;
    }
    if let Some(list) = change.allowed_networks {
        row.allowed_networks = checked_networks(&list)?.join(" ");
    }
    store_change(&app, &mut row).await?;
    let state = if row.is_disabled != 0 { "disabled" } else { "enabled" };
    let detail =
        format!("{}: {state}, limit {}", row.name, row.limit_nanos.map_or("none".into(), |l| Money(l).dollars()));
    note(&app, &caller, &origin, Deed { action: "key.update", target: &row.hash, detail: &detail }).await?;
    Ok(Json(Envelope { data: shown(&app, row).await? }))
}

/// `DELETE /api/v1/keys/{hash}`: the key stops working at once.
///
/// # Errors
/// 404 for a key of nobody or of another organization.
pub async fn delete_key(
    State(app): State<Arc<App>>,
    caller: Caller,
    origin: Origin,
    Path(hash): Path<String>,
) -> Result<Json<Deleted>> {
    let mut row = own_key(&app, &caller, &hash).await?;
    caller.check_recent(&app)?;
    row.deleted_at = Some(app.clock.now_ms());
    store_change(&app, &mut row).await?;
    note(&app, &caller, &origin, Deed { action: "key.delete", target: &row.hash, detail: &row.name }).await?;
    Ok(Json(Deleted { deleted: true }))
}

async fn store_change(app: &App, row: &mut KeyRow) -> Result<()> {
    row.updated_at = app.clock.now_ms();
    let is_there = app.store.update_key(row).await?;
    app.keys.forget(&row.hash);
    if is_there { Ok(()) } else { Err(no_key()) }
}

async fn own_key(app: &App, caller: &Caller, hash: &str) -> Result<KeyRow> {
    caller.check(Permission::ManageOwnKeys)?;
    let row = app.store.key_by_hash(hash).await?;
    let only = own_keys_of(caller);
    row.filter(|row| row.organization_id == caller.organization_id())
        .filter(|row| only.is_none_or(|user_id| row.creator_user_id.as_deref() == Some(user_id)))
        .ok_or_else(no_key)
}

/// Whose keys the caller may see, when not all.
fn own_keys_of(caller: &Caller) -> Option<&str> {
    if caller.may(Permission::ManageAllKeys) { None } else { Some(caller.user_id().unwrap_or_default()) }
}

/// The member a new key counts for.
async fn creator(app: &App, caller: &Caller, wanted: Option<String>) -> Result<Option<String>> {
    let own = caller.user_id().map(str::to_owned);
    let Some(wanted) = wanted.filter(|wanted| Some(wanted) != own.as_ref()) else { return Ok(own) };
    caller.check(Permission::ManageAllKeys)?;
    let members = app.store.members(caller.organization_id()).await?;
    if members.iter().any(|member| member.user_id == wanted) {
        return Ok(Some(wanted));
    }
    Err(Error::bad_request("creator_user_id", "creator_user_id must be the id of a member of this organization"))
}

/// Words without spaces, as they are stored.
fn checked_words(field: &str, list: Vec<String>) -> Result<String> {
    let words: Vec<String> =
        list.into_iter().map(|word| word.trim().to_owned()).filter(|word| !word.is_empty()).collect();
    if words.len() > 200 || words.iter().any(|word| word.len() > 200 || word.contains(char::is_whitespace)) {
        return Err(Error::bad_request(field, format!("{field} must be at most 200 names without spaces")));
    }
    Ok(words.join(" "))
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
    let includes_byok = row.include_byok_in_limit != 0;
    Ok(Key {
        limit_remaining: remaining(limit, usage.in_window(limit_reset).counted(includes_byok)),
        limit,
        limit_reset,
        hash: row.hash,
        name: row.name,
        label: row.label,
        disabled: row.is_disabled != 0,
        include_byok_in_limit: includes_byok,
        usage: usage.total.credit,
        usage_daily: usage.daily.credit,
        usage_weekly: usage.weekly.credit,
        usage_monthly: usage.monthly.credit,
        byok_usage: usage.total.own,
        byok_usage_daily: usage.daily.own,
        byok_usage_weekly: usage.weekly.own,
        byok_usage_monthly: usage.monthly.own,
        created_at: rfc3339(row.created_at),
        updated_at: (row.updated_at != row.created_at).then(|| rfc3339(row.updated_at)),
        expires_at: row.expires_at.map(rfc3339),
        last_used_at: usage.last_used_at.map(rfc3339),
        creator_user_id: row.creator_user_id,
        workspace_id: row.workspace_id,
        external_user: None,
        is_management_key: row.is_management != 0,
        allowed_models: words(&row.allowed_models),
        allowed_providers: words(&row.allowed_providers),
        allowed_networks: words(&row.allowed_networks),
    })
}
