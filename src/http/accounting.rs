//! What was spent and on what: credits, ledger, activity, generations.

use std::collections::HashMap;
use std::sync::Arc;

use app::types::activity::{ActivityItem, Generation, GenerationSummary, Routing};
use app::types::credits::{Credits, LedgerEntry};
use app::types::roles::Permission;
use app::types::{Envelope, Money};
use axum::Json;
use axum::extract::State;
use serde::Deserialize;

use super::caller::Caller;
use super::input::Query;
use super::workspaces::workspace;
use crate::App;
use crate::billing::ledger::credit_account;
use crate::clock::{MS_PER_DAY, date_of_day, rfc3339};
use crate::error::{Error, Result};
use crate::gateway::rerate;
use crate::store::generations::GenerationRow;
use crate::store::rollups::DailyScope;

/// `GET /api/v1/credits`
///
/// # Errors
/// 401 without a caller.
pub async fn show_credits(State(app): State<Arc<App>>, caller: Caller) -> Result<Json<Envelope<Credits>>> {
    let balance = app.ledger.balance(&credit_account(caller.organization_id())).await?;
    let data = Credits {
        total_credits: balance.credited,
        total_usage: balance.debited,
        held: balance.held,
        available: balance.available,
    };
    Ok(Json(Envelope { data }))
}

/// A bounded list.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct ListQuery {
    pub limit: Option<i64>,
    /// Id of the last one seen.
    pub before: Option<String>,
}

impl ListQuery {
    /// How many, at most.
    ///
    /// # Errors
    /// 400 out of range.
    pub fn limit(&self) -> Result<i64> {
        let limit = self.limit.unwrap_or(50);
        if (1..=500).contains(&limit) { Ok(limit) } else { Err(Error::bad_request("limit", "limit must be 1 to 500")) }
    }
}

/// `GET /api/v1/ledger` (ours): what moved the balance, newest first.
///
/// # Errors
/// 403 for an inference key.
pub async fn list_ledger(
    State(app): State<Arc<App>>,
    caller: Caller,
    Query(query): Query<ListQuery>,
) -> Result<Json<Envelope<Vec<LedgerEntry>>>> {
    caller.check(Permission::SeeBilling)?;
    let account = credit_account(caller.organization_id());
    let rows = app.store.transfers_of(&account, query.limit()?).await?;
    let data = rows
        .into_iter()
        .map(|row| LedgerEntry {
            amount: Money(if row.credit_account_id == account { row.amount_nanos } else { -row.amount_nanos }),
            id: row.id,
            kind: row.kind,
            description: row.description,
            created_at: rfc3339(row.created_at),
        })
        .collect();
    Ok(Json(Envelope { data }))
}

/// Query of `GET /activity`.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct ActivityQuery {
    /// One of the last 30 days, `YYYY-MM-DD`.
    pub date: Option<String>,
    pub api_key_hash: Option<String>,
    /// Only what keys of this member did.
    pub user_id: Option<String>,
    /// A workspace's id or slug.
    pub workspace_id: Option<String>,
    /// `workspace`: a row for each.
    pub group_by: Option<String>,
}

/// The last 30 complete days since the epoch, or one of them; the second is excluded.
fn days(now_ms: i64, date: Option<&str>) -> Result<(i64, i64)> {
    let today = now_ms.div_euclid(MS_PER_DAY);
    let Some(date) = date else { return Ok((today - 30, today)) };
    let day = (today - 30..today).find(|day| date_of_day(*day) == date);
    let remedy = "date must be one of the last 30 complete UTC days, as YYYY-MM-DD";
    day.map(|day| (day, day + 1)).ok_or_else(|| Error::bad_request("date", remedy))
}

/// `GET /api/v1/activity`: the last 30 complete UTC days by model and endpoint.
///
/// # Errors
/// 400 for a date out of range, 403 for an inference key, 404 for a foreign key or workspace.
pub async fn list_activity(
    State(app): State<Arc<App>>,
    caller: Caller,
    Query(query): Query<ActivityQuery>,
) -> Result<Json<Envelope<Vec<ActivityItem>>>> {
    let own = caller.activity_of()?;
    // Who sees only his own work finds nothing of others.
    let user_id = own.or(query.user_id.as_deref()).unwrap_or_default();
    if own.is_some_and(|own| query.user_id.as_deref().is_some_and(|user_id| user_id != own)) {
        return Ok(Json(Envelope { data: Vec::new() }));
    }
    let is_by_workspace = match query.group_by.as_deref() {
        None | Some("") => false,
        Some("workspace") => true,
        Some(_) => return Err(Error::bad_request("group_by", "group_by must be workspace, or be left out")),
    };
    let workspace_id = match query.workspace_id.as_deref().filter(|id| !id.is_empty()) {
        Some(id) => workspace(&app, &caller, id).await?.id,
        None => String::new(),
    };
    let (from, to) = days(app.clock.now_ms(), query.date.as_deref())?;
    let key_id = match &query.api_key_hash {
        None => String::new(),
        Some(hash) => {
            let key = app.store.key_by_hash(hash).await?;
            let own = key.filter(|key| key.organization_id == caller.organization_id());
            own.ok_or_else(|| Error::not_found("No key of yours has this hash."))?.id
        }
    };
    let organization_id = caller.organization_id();
    let scope = DailyScope {
        organization_id,
        key_id: &key_id,
        user_id,
        workspace_id: &workspace_id,
        from,
        to,
        is_by_workspace,
    };
    let rows = app.store.daily_usage(&scope).await?;
    let data = rows
        .into_iter()
        .map(|row| ActivityItem {
            date: date_of_day(row.period),
            model_permaslug: row.model_id.clone(),
            model: row.model_id,
            endpoint_id: row.endpoint_id,
            provider_name: row.provider_name,
            workspace_id: is_by_workspace.then_some(row.workspace_id),
            usage: Money(row.cost_nanos),
            byok_usage_inference: Money(row.own_cost_nanos),
            requests: row.requests,
            prompt_tokens: row.prompt_tokens,
            completion_tokens: row.completion_tokens,
            reasoning_tokens: row.reasoning_tokens,
            cached_tokens: row.cached_tokens,
        })
        .collect();
    Ok(Json(Envelope { data }))
}

/// `GET /api/v1/generations` (ours): the newest requests.
///
/// # Errors
/// 403 for an inference key, 404 when `before` is unknown.
pub async fn list_generations(
    State(app): State<Arc<App>>,
    caller: Caller,
    Query(query): Query<ListQuery>,
) -> Result<Json<Envelope<Vec<GenerationSummary>>>> {
    let whose = caller.activity_of()?.unwrap_or_default();
    let organization_id = caller.organization_id();
    let before = match &query.before {
        None => None,
        Some(id) => {
            let row = app.store.generation(organization_id, id).await?;
            Some(row.ok_or_else(|| Error::not_found("`before` names no generation of yours."))?)
        }
    };
    let before = before.as_ref().map(|row| (row.created_at, row.id.as_str()));
    let rows = app.store.generations(organization_id, whose, before, query.limit()?).await?;
    let names: HashMap<String, String> = app.store.key_names(organization_id).await?.into_iter().collect();
    Ok(Json(Envelope { data: rows.into_iter().map(|row| summary(row, &names)).collect() }))
}

fn summary(row: GenerationRow, names: &HashMap<String, String>) -> GenerationSummary {
    let key_name = if row.key_id.is_empty() {
        "Chat".to_owned()
    } else {
        names.get(&row.key_id).cloned().unwrap_or_else(|| "Deleted key".to_owned())
    };
    let attempts = serde_json::from_str::<Vec<serde_json::Value>>(&row.attempts).map_or(0, |list| list.len());
    GenerationSummary {
        created_at: rfc3339(row.created_at),
        model: row.model_id,
        provider_name: row.provider_name,
        is_simulated: row.is_simulated != 0,
        app_title: Some(if row.app_title.is_empty() { row.app_url } else { row.app_title }).filter(|t| !t.is_empty()),
        key_name,
        prompt_tokens: row.prompt_tokens,
        completion_tokens: row.completion_tokens,
        cost: Money(row.cost_nanos),
        latency_ms: row.latency_ms,
        generation_ms: row.generation_ms,
        finish_reason: row.finish_reason,
        is_streamed: row.is_streamed != 0,
        attempts: i64::try_from(attempts).unwrap_or(0),
        error: row.error,
        id: row.id,
    }
}

/// Query of `GET /generation`.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct GenerationQuery {
    pub id: Option<String>,
}

impl GenerationQuery {
    /// The id.
    ///
    /// # Errors
    /// 400 without one.
    pub fn checked_id(self) -> Result<String> {
        let id = self.id.filter(|id| !id.is_empty());
        id.ok_or_else(|| Error::bad_request("id", "id is missing: pass ?id=gen-…"))
    }
}

/// A request the caller may know about.
///
/// # Errors
/// 404 for one of nobody, of another organization, or of others where he sees only his own.
pub async fn visible_generation(app: &App, caller: &Caller, id: &str) -> Result<GenerationRow> {
    let row = app.store.generation(caller.organization_id(), id).await?;
    // A person may be restricted to his own; a key shows what its organization asked.
    let only = if caller.role().is_some() { caller.activity_of()? } else { None };
    let row = row.filter(|row| only.is_none_or(|user_id| row.user_id == user_id));
    row.ok_or_else(|| Error::not_found(format!("No generation of yours is called `{id}`.")))
}

/// `GET /api/v1/generation?id=`: readable before the answer's last byte is sent.
///
/// # Errors
/// 400 without an id, 404 for one of nobody or of another organization.
pub async fn show_generation(
    State(app): State<Arc<App>>,
    caller: Caller,
    Query(query): Query<GenerationQuery>,
) -> Result<Json<Envelope<Generation>>> {
    let row = visible_generation(&app, &caller, &query.checked_id()?).await?;
    Ok(Json(Envelope { data: detail(row) }))
}

fn detail(row: GenerationRow) -> Generation {
    let provider_responses = serde_json::from_str(&row.attempts).ok();
    let is_let_off = row.discount_basis_points > 0;
    let routing: Option<Routing> = serde_json::from_str(&row.routing).ok();
    let search = rerate::search_of(&row);
    Generation {
        id: row.id,
        upstream_id: row.upstream_id,
        total_cost: Money(row.cost_nanos),
        cache_discount: None,
        upstream_inference_cost: (!row.own_key_id.is_empty()).then_some(Money(row.upstream_cost_nanos)),
        created_at: rfc3339(row.created_at),
        model: row.model_id,
        app_id: None,
        streamed: Some(row.is_streamed != 0),
        cancelled: Some(row.is_cancelled != 0),
        provider_name: Some(row.provider_name),
        latency: row.latency_ms,
        moderation_latency: None,
        generation_time: row.generation_ms,
        finish_reason: row.finish_reason,
        tokens_prompt: Some(row.prompt_tokens),
        tokens_completion: Some(row.completion_tokens),
        native_tokens_prompt: Some(row.prompt_tokens),
        native_tokens_completion: Some(row.completion_tokens),
        native_tokens_completion_images: None,
        native_tokens_reasoning: Some(row.reasoning_tokens),
        native_tokens_cached: Some(row.cached_tokens),
        num_media_prompt: Some(row.prompt_media),
        num_input_audio_prompt: None,
        num_media_completion: None,
        num_search_results: search.as_ref().and_then(|search| i64::try_from(search.results).ok()),
        num_fetches: None,
        origin: row.app_url,
        usage: Money(row.cost_nanos),
        is_byok: !row.own_key_id.is_empty(),
        native_finish_reason: row.native_finish_reason,
        external_user: row.external_user,
        task: Some(row.task).filter(|label| !label.is_empty()),
        category: Some(row.category).filter(|label| !label.is_empty()),
        language: Some(row.language).filter(|label| !label.is_empty()),
        routing,
        api_type: Some(row.api_type),
        router: None,
        provider_responses,
        user_agent: row.user_agent,
        http_referer: None,
        service_tier: None,
        session_id: row.session_id,
        request_id: None,
        web_search_engine: search.map(|search| search.engine),
        preset_id: None,
        data_region: "global".to_owned(),
        response_cache_source_id: None,
        data_discount: is_let_off.then_some(Money(row.upstream_cost_nanos).minus(Money(row.cost_nanos))),
        workspace_id: row.workspace_id,
    }
}
