//! Which letters a person gets. Who sends them is in [`crate::billing::letters`].

use std::sync::Arc;

use app::types::Envelope;
use app::types::account::{Notifications, UpdateNotifications};
use app::types::error::ErrorBody;
use axum::Json;
use axum::extract::State;
use utoipa::OpenApi;

use super::caller::Caller;
use super::input::Body;
use super::organizations::user_of;
use crate::App;
use crate::error::Result;
use crate::store::notifications::NotificationChoices;

/// The part of the API's description that is about letters.
#[derive(OpenApi)]
#[openapi(paths(show_notifications, update_notifications))]
pub struct Description;

fn shown(choices: &NotificationChoices) -> Json<Envelope<Notifications>> {
    let data = Notifications {
        receipts: choices.receipts == 1,
        low_balance: choices.low_balance == 1,
        key_limits: choices.key_limits == 1,
        announcements: choices.announcements == 1,
    };
    Json(Envelope { data })
}

/// Shows which letters the signed-in person gets.
#[utoipa::path(get, path = "/account/notifications", tag = "account",
    responses((status = 200, body = Envelope<Notifications>), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody)))]
pub async fn show_notifications(State(app): State<Arc<App>>, caller: Caller) -> Result<Json<Envelope<Notifications>>> {
    Ok(shown(&app.store.notification_choices(&user_of(&caller)?.id).await?))
}

/// Changes which letters the signed-in person gets; those about security are always sent.
#[utoipa::path(patch, path = "/account/notifications", tag = "account", request_body = UpdateNotifications,
    responses((status = 200, body = Envelope<Notifications>), (status = 400, body = ErrorBody), (status = 401, body = ErrorBody),
        (status = 403, body = ErrorBody)))]
pub async fn update_notifications(
    State(app): State<Arc<App>>,
    caller: Caller,
    Body(wanted): Body<UpdateNotifications>,
) -> Result<Json<Envelope<Notifications>>> {
    let user = user_of(&caller)?;
    let mut choices = app.store.notification_choices(&user.id).await?;
    for (field, wish) in [
        (&mut choices.receipts, wanted.receipts),
        (&mut choices.low_balance, wanted.low_balance),
        (&mut choices.key_limits, wanted.key_limits),
        (&mut choices.announcements, wanted.announcements),
    ] {
        *field = wish.map_or(*field, i64::from);
    }
    app.store.set_notification_choices(&user.id, &choices, app.clock.now_ms()).await?;
    Ok(shown(&choices))
}
