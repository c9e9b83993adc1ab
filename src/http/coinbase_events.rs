//! `POST /webhooks/coinbase`: what became of a payment with coins.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::State;
use axum::http::{Request, StatusCode};

use super::inference::read_body;
use crate::App;
use crate::billing::coinbase::Event;
use crate::error::{Error, Result};

/// The largest event, bytes.
const EVENT_BYTES: u64 = 256 << 10;

/// Takes an event; 2xx only once what it tells is durable.
///
/// # Errors
/// 400 for a forged event, 404 where coins are not taken, 5xx when it must come again.
pub async fn receive_event(State(app): State<Arc<App>>, request: Request<Body>) -> Result<StatusCode> {
    let (parts, body) = request.into_parts();
    let Some(crypto) = &app.payments.crypto else { return Err(Error::not_found("This server takes no coins.")) };
    let body = read_body(body, EVENT_BYTES).await?;
    let header = parts.headers.get("x-cc-webhook-signature").and_then(|value| value.to_str().ok());
    if !crypto.has_signed(&body, header.unwrap_or_default()) {
        tracing::warn!("An event about coins was refused: its signature does not fit");
        return Err(Error::bad_request("x-cc-webhook-signature", "This event is not believed."));
    }
    let event: Event = serde_json::from_slice(&body)
        .map_err(|error| Error::bad_request("body", format!("This is no event: {error}")))?;
    let task = tokio::spawn({
        let app = Arc::clone(&app);
        async move {
            match &app.payments.crypto {
                Some(crypto) => crypto.settle_charge(&app, event.code()).await,
                None => Ok(()),
            }
        }
    });
    task.await.map_err(|error| Error::Internal(error.to_string()))??;
    Ok(StatusCode::OK)
}
