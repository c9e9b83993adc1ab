//! Features that operators switch.

use std::sync::Arc;

use app::types::Envelope;
use app::types::admin::{FeatureFlag, SetFlag};
use app::types::error::ErrorBody;
use axum::Json;
use axum::extract::{Path, State};

use super::Operator;
use crate::App;
use crate::clock::rfc3339;
use crate::error::{Error, Result};
use crate::flags::Flag;
use crate::http::audit::Deed;
use crate::http::input::Body;
use crate::store::flags::FlagRow;

fn shown(app: &App, flag: Flag, rows: &[FlagRow]) -> FeatureFlag {
    let chosen = rows.iter().find(|row| row.name == flag.name());
    FeatureFlag {
        name: flag.name().to_owned(),
        about: flag.about().to_owned(),
        is_on: app.flags.is_on(flag),
        is_on_by_default: app.flags.is_on_by_default(flag),
        changed_at: chosen.map(|row| rfc3339(row.updated_at)),
    }
}

/// Lists the features that can be switched.
#[utoipa::path(get, path = "/admin/flags", tag = "operators",
    responses((status = 200, body = Envelope<Vec<FeatureFlag>>), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody)))]
pub async fn list_flags(State(app): State<Arc<App>>, _: Operator) -> Result<Json<Envelope<Vec<FeatureFlag>>>> {
    let rows = app.store.flags().await?;
    Ok(Json(Envelope { data: Flag::ALL.into_iter().map(|flag| shown(&app, flag, &rows)).collect() }))
}

/// Switches a feature on or off, or leaves it to the settings again; on every node within a second.
#[utoipa::path(patch, path = "/admin/flags/{name}", tag = "operators", params(("name" = String, Path)),
    request_body = SetFlag,
    responses((status = 200, body = Envelope<FeatureFlag>), (status = 400, body = ErrorBody), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody),
        (status = 404, body = ErrorBody)))]
pub async fn set_flag(
    State(app): State<Arc<App>>,
    operator: Operator,
    Path(name): Path<String>,
    Body(wanted): Body<SetFlag>,
) -> Result<Json<Envelope<FeatureFlag>>> {
    operator.check_recent(&app)?;
    let Some(flag) = Flag::named(&name) else {
        let names = Flag::ALL.map(Flag::name).join(", ");
        return Err(Error::not_found(format!("No feature has this name. There are: {names}.")));
    };
    let is_on = match wanted.state.as_str() {
        "on" => Some(true),
        "off" => Some(false),
        "default" => None,
        _ => return Err(Error::bad_request("state", "state must be on, off or default")),
    };
    app.store.set_flag(flag.name(), is_on, app.clock.now_ms()).await?;
    app.refresh_topics().await?;
    operator.note(&app, Deed { action: "flag.set", target: flag.name(), detail: &wanted.state }).await?;
    Ok(Json(Envelope { data: shown(&app, flag, &app.store.flags().await?) }))
}
