//! `POST /webhooks/stripe`: Stripe tells what became of a payment.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::State;
use axum::http::{Request, StatusCode};

use super::inference::read_body;
use crate::App;
use crate::billing::stripe::events::Event;
use crate::billing::stripe::signature;
use crate::error::{Error, Result};

/// The largest event, bytes.
const EVENT_BYTES: u64 = 256 << 10;

/// Takes an event. 2xx only once everything it calls for is durable; after anything
/// else it is sent again, for three days.
///
/// # Errors
/// 400 for a forged event, 404 where cards are not taken, 5xx when it must come again.
pub async fn receive_event(State(app): State<Arc<App>>, request: Request<Body>) -> Result<StatusCode> {
    let (parts, body) = request.into_parts();
    let Some(card) = &app.payments.card else { return Err(Error::not_found("This server takes no cards.")) };
    let body = read_body(body, EVENT_BYTES).await?;
    let header = parts.headers.get("stripe-signature").and_then(|value| value.to_str().ok()).unwrap_or_default();
    let now_s = app.clock.now_ms() / 1_000;
    signature::check(header, &body, &card.webhook_secrets(), now_s).map_err(|forged| {
        tracing::warn!(%forged, "An event was refused");
        Error::bad_request("stripe-signature", format!("This event is not believed: {forged}."))
    })?;
    let event = Event::read(&body)?;
    // The work goes on when the connection is lost.
    let task = tokio::spawn({
        let app = Arc::clone(&app);
        async move {
            let Some(card) = &app.payments.card else { return Ok(()) };
            let done = card.apply(&app, &event).await;
            if let Err(error) = &done {
                tracing::error!(event.id = %event.id, event.kind = %event.kind, %error, "An event was not applied; it will come again");
            }
            done
        }
    });
    task.await.map_err(|error| Error::Internal(error.to_string()))??;
    Ok(StatusCode::OK)
}
