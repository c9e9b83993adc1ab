//! What workspaces have kept of their prompts and answers.

use std::sync::Arc;

use app::types::Envelope;
use app::types::account::Said;
use app::types::activity::GenerationContent;
use app::types::error::ErrorBody;
use app::types::roles::Permission;
use axum::Json;
use axum::extract::{Path, State};
use serde_json::Value;
use utoipa::OpenApi;

use super::accounting::GenerationQuery;
use super::address::Origin;
use super::audit::{Deed, note};
use super::caller::Caller;
use super::input::Query;
use super::workspaces::managed;
use crate::App;
use crate::error::{Error, Result};
use crate::gateway::keep::place;
use crate::store::prompt_logs::PromptLogRow;

/// Rows read at once for an export.
const CHUNK: i64 = 200;

/// The part of the API's description that is about kept prompts.
#[derive(OpenApi)]
#[openapi(paths(show_content, delete_content))]
pub struct Description;

/// Shows the prompt and the answer of a request, where its workspace had them kept.
///
/// # Errors
/// 400 without an id, 403 without the right, 404 for what is not kept.
#[utoipa::path(get, path = "/generation/content", tag = "accounting", params(("id" = String, Query)),
    responses((status = 200, body = Envelope<GenerationContent>), (status = 400, body = ErrorBody), (status = 401, body = ErrorBody),
        (status = 403, body = ErrorBody), (status = 404, body = ErrorBody)))]
pub async fn show_content(
    State(app): State<Arc<App>>,
    caller: Caller,
    Query(query): Query<GenerationQuery>,
) -> Result<Json<Envelope<GenerationContent>>> {
    let id = query.id.filter(|id| !id.is_empty());
    let id = id.ok_or_else(|| Error::bad_request("id", "id is missing: pass ?id=gen-…"))?;
    caller.check(Permission::SeePrompts)?;
    let now = app.clock.now_ms();
    let row = app.store.prompt_log(caller.organization_id(), &id).await?.filter(|row| row.expires_at > now);
    let missing = || {
        Error::not_found(format!(
            "Nothing is kept of `{id}`: prompts and answers are kept only for workspaces that switched it on, and only for a time."
        ))
    };
    let opened = opened(&app, &row.ok_or_else(missing)?)?;
    let content = serde_json::from_value(opened).map_err(|error| Error::Internal(error.to_string()))?;
    Ok(Json(Envelope { data: content }))
}

/// What a row holds.
///
/// # Errors
/// 500 when it cannot be opened.
fn opened(app: &App, row: &PromptLogRow) -> Result<Value> {
    let place = place(&row.organization_id, &row.generation_id);
    let text = app.vault.open(&row.sealed, &place).map_err(|error| Error::Internal(error.to_string()))?;
    serde_json::from_str(&text).map_err(|error| Error::Internal(error.to_string()))
}

/// All that an organization has kept of a person's requests, for the export of his data.
///
/// # Errors
/// Any database error; what cannot be opened is left out, and logged.
pub async fn exported(app: &App, organization_id: &str, user_id: &str) -> Result<Vec<Value>> {
    let mut all = Vec::new();
    let mut after = String::new();
    loop {
        let rows = app.store.prompt_logs_of(organization_id, user_id, &after, CHUNK).await?;
        let Some(last) = rows.last() else { return Ok(all) };
        after.clone_from(&last.generation_id);
        for row in &rows {
            match opened(app, row) {
                Ok(content) => all.push(serde_json::json!({ "id": row.generation_id, "content": content })),
                Err(error) => {
                    tracing::warn!(generation.id = %row.generation_id, %error, "A kept text could not be exported");
                }
            }
        }
    }
}

/// Deletes all that a workspace has kept of prompts and answers, at once.
///
/// # Errors
/// 403 without the right, 404 for a workspace of nobody.
#[utoipa::path(delete, path = "/workspaces/{id}/prompts", tag = "workspaces", params(("id" = String, Path)),
    responses((status = 200, body = Envelope<Said>), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody),
        (status = 404, body = ErrorBody)))]
pub async fn delete_content(
    State(app): State<Arc<App>>,
    caller: Caller,
    origin: Origin,
    Path(id): Path<String>,
) -> Result<Json<Envelope<Said>>> {
    let row = managed(&app, &caller, &id).await?;
    caller.check_recent(&app)?;
    let count = app.store.delete_prompt_logs(caller.organization_id(), &row.id).await?;
    let detail = format!("{}: {count}", row.name);
    note(&app, &caller, &origin, Deed { action: "workspace.prompts.delete", target: &row.id, detail: &detail }).await?;
    Ok(Json(Envelope { data: Said { message: format!("What was kept of {count} requests is deleted.") } }))
}
