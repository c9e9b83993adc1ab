//! Empties the outbox: events go to their destinations, several in one document where
//! that is possible; what fails is tried again with growing pauses, then given up.

use std::collections::BTreeMap;
use std::sync::Arc;

use futures::StreamExt as _;
use serde_json::Value;

use super::config::Document;
use super::event::{Event, document};
use super::{Destination, event_place};
use crate::App;
use crate::providers::media::Refusal;
use crate::store::generations::GenerationRow;
use crate::store::observability::EventRow;

/// Events taken at once.
const BATCH: i64 = 128;
/// Events in one document.
const MOST_SPANS: usize = 32;
/// Documents under way at once.
const AT_ONCE: usize = 8;
/// The longest pause between two tries, ms.
const LONGEST_PAUSE_MS: i64 = 3_600_000;

/// Sends what is due.
///
/// # Errors
/// Any database error; what was taken is due again when its time is over.
pub async fn send_due(app: &Arc<App>) -> sqlx::Result<()> {
    // Longer than any destination may take, so that nobody else sends the same.
    let patience = i64::try_from(app.config.observability.timeout_ms).unwrap_or(60_000).saturating_mul(20);
    loop {
        let now = app.clock.now_ms();
        let taken = app.store.take_events(now, now.saturating_add(patience.max(60_000)), BATCH).await?;
        if taken.is_empty() {
            return Ok(());
        }
        let mut groups: BTreeMap<String, Vec<EventRow>> = BTreeMap::new();
        for row in taken {
            groups.entry(row.destination_id.clone()).or_default().push(row);
        }
        let mut parcels = Vec::new();
        for (id, rows) in groups {
            let Some(destination) = app.destinations.find(&id) else {
                // Switched off or removed since.
                app.store.end_events(&ids(&rows)).await?;
                continue;
            };
            let most = if destination.target.takes_many() { MOST_SPANS } else { 1 };
            parcels.extend(rows.chunks(most).map(|rows| (Arc::clone(&destination), rows.to_vec())));
        }
        let sent = futures::stream::iter(parcels.into_iter().map(|(destination, rows)| send(app, destination, rows)));
        let outcomes: Vec<sqlx::Result<()>> = sent.buffer_unordered(AT_ONCE).collect().await;
        outcomes.into_iter().collect::<sqlx::Result<()>>()?;
    }
}

fn ids(rows: &[EventRow]) -> Vec<String> {
    rows.iter().map(|row| row.id.clone()).collect()
}

async fn send(app: &Arc<App>, destination: Arc<Destination>, rows: Vec<EventRow>) -> sqlx::Result<()> {
    let spans: Vec<Value> = rows.iter().filter_map(|row| opened(app, row)).collect();
    let outcome = deliver(app, &destination, &spans, false).await;
    let now = app.clock.now_ms();
    let count = i64::try_from(rows.len()).unwrap_or(i64::MAX);
    let Err(refusal) = outcome else {
        app.store.end_events(&ids(&rows)).await?;
        return app.store.note_delivery(&destination.id, count, 0, None, now).await;
    };
    let most = i64::from(app.config.observability.attempts);
    let (over, left): (Vec<EventRow>, Vec<EventRow>) =
        rows.into_iter().partition(|row| refusal.is_final || row.tries + 1 >= most);
    for row in &left {
        let exponent = u32::try_from(row.tries.clamp(0, 20)).unwrap_or(20);
        let pause = 1_000_i64.saturating_mul(1 << exponent).min(LONGEST_PAUSE_MS);
        app.store.delay_event(&row.id, now.saturating_add(pause)).await?;
    }
    app.store.end_events(&ids(&over)).await?;
    let lost = i64::try_from(over.len()).unwrap_or(i64::MAX);
    tracing::info!(destination.id = %destination.id, lost, cause = refusal.cause, "Events did not arrive");
    app.store.note_delivery(&destination.id, 0, lost, Some(&refusal.cause), now).await
}

fn opened(app: &App, row: &EventRow) -> Option<Value> {
    let text = app.vault.open(&row.sealed, &event_place(&row.organization_id, &row.id));
    let text =
        text.inspect_err(|error| tracing::error!(event.id = %row.id, %error, "An event cannot be opened")).ok()?;
    serde_json::from_str(&text).ok()
}

/// Brings spans to a destination now.
async fn deliver(app: &App, destination: &Destination, spans: &[Value], is_test: bool) -> Result<(), Refusal> {
    let Some(first) = spans.first() else { return Ok(()) };
    let trace_id = first.get("traceId").and_then(Value::as_str).unwrap_or_default().to_owned();
    let attributes = first.get("attributes").and_then(Value::as_array);
    let key_name = attributes
        .and_then(|all| all.iter().find(|one| one.get("key").is_some_and(|key| key == "openrouter.api_key_name")))
        .and_then(|one| one.pointer("/value/stringValue")?.as_str())
        .unwrap_or("all-keys")
        .to_owned();
    let now_ms = app.clock.now_ms();
    let parcel = Document { body: document(spans), trace_id: &trace_id, key_name: &key_name, now_ms, is_test };
    let request = destination.target.request(parcel).map_err(|cause| Refusal { is_final: true, cause })?;
    app.outgoing.send(request).await
}

/// Sends an event that says it is a test, and waits for the answer.
///
/// # Errors
/// What went wrong, in words.
pub async fn test(app: &App, destination: &Destination) -> Result<(), String> {
    let now = app.clock.now_ms();
    let row = GenerationRow {
        id: format!("test-{now}"),
        created_at: now,
        requested_model: "patchbay/test".to_owned(),
        model_id: "patchbay/test".to_owned(),
        status: 200,
        ..GenerationRow::default()
    };
    let span = Event::test(&row).span(destination.tells, destination.target.wants_langfuse_names());
    deliver(app, destination, &[span], true).await.map_err(|refusal| refusal.cause)
}
