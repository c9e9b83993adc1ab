//! Which workspace a call is about.

use serde::Deserialize;
use utoipa::IntoParams;

use super::caller::Caller;
use super::workspaces::workspace;
use crate::App;
use crate::error::Result;

/// Query of a call about what a workspace has.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(default)]
#[into_params(parameter_in = Query)]
pub struct PlaceQuery {
    /// Its id or slug (ours); the caller's own where none is named.
    pub workspace_id: Option<String>,
}

/// The id of the workspace that is named by id or slug, or else of the caller's own.
///
/// # Errors
/// 404 for one of nobody, of another organization, or that the caller may not see.
pub async fn chosen_workspace(app: &App, caller: &Caller, named: Option<&str>) -> Result<String> {
    match named.filter(|id| !id.is_empty() && *id != caller.workspace_id()) {
        Some(id) => Ok(workspace(app, caller, id).await?.id),
        None => Ok(caller.workspace_id().to_owned()),
    }
}
