//! What those who watch this server see: requests on their way through, and the private
//! listener with the metrics.

use std::sync::Arc;
use std::time::Instant;

use axum::Router;
use axum::extract::{MatchedPath, Request, State};
use axum::http::{HeaderValue, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};
use axum::routing::get;
use tokio::net::TcpListener;

use crate::App;
use crate::accounts::new_id;
use crate::telemetry::metrics::Gauge;
use crate::telemetry::traces::Exchange;

/// Counts and traces a request. Only where somebody watches: see the router.
pub async fn watch(State(app): State<Arc<App>>, request: Request, next: Next) -> Response {
    let (began_at, began) = (app.clock.now_ms(), Instant::now());
    let method = request.method().clone();
    let route = request.extensions().get::<MatchedPath>().cloned();
    let parent = request.headers().get("traceparent").cloned();
    let response = next.run(request).await;
    // What no route knows is one thing: callers must not make up new names.
    let route = route.as_ref().map_or("none", MatchedPath::as_str);
    let method = if method.as_str().len() > 7 { "other" } else { method.as_str() };
    let status = response.status().as_u16();
    let took_ms = i64::try_from(began.elapsed().as_millis()).unwrap_or(i64::MAX);
    if let Some(metrics) = &app.telemetry.metrics {
        metrics.note_request(method, route, status, took_ms);
    }
    if let Some(traces) = &app.telemetry.traces {
        let generation_id = response.headers().get("x-generation-id").and_then(|value| value.to_str().ok());
        let parent = parent.as_ref().and_then(|value| value.to_str().ok());
        let nonce = new_id(began_at);
        let exchange = Exchange { method, route, status, began_at, took_ms, generation_id, parent, nonce: &nonce };
        traces.note_exchange(&exchange);
    }
    response
}

/// Serves the metrics and the two checks until every request is over.
pub async fn serve(listener: TcpListener, app: Arc<App>) {
    let end = app.over.clone().cancelled_owned();
    let router = Router::new()
        .route("/metrics", get(show_metrics))
        .route("/healthz", get(super::show_health))
        .route("/readyz", get(super::show_readiness))
        .with_state(app);
    if let Err(error) = axum::serve(listener, router).with_graceful_shutdown(end).await {
        tracing::error!(%error, "The private listener ended");
    }
}

async fn show_metrics(State(app): State<Arc<App>>) -> Response {
    let Some(metrics) = &app.telemetry.metrics else { return StatusCode::NOT_FOUND.into_response() };
    let kind = HeaderValue::from_static("text/plain; version=0.0.4; charset=utf-8");
    ([(header::CONTENT_TYPE, kind)], metrics.text(&gauges(&app))).into_response()
}

fn gauges(app: &App) -> Vec<Gauge> {
    let count = |number: usize| i64::try_from(number).unwrap_or(i64::MAX);
    let one = |name, help, value| Gauge { name, help, values: vec![(String::new(), value)] };
    let catalog = app.catalog();
    let now = app.clock.now_ms();
    let endpoints = || catalog.models.values().flat_map(|model| &model.endpoints);
    let resting = endpoints().filter(|endpoint| app.health.is_open(&endpoint.id, now)).count();
    let pool = app.store.pool();
    let open = usize::try_from(pool.size()).unwrap_or(0);
    let version = format!("version=\"{}\"", env!("CARGO_PKG_VERSION"));
    let dropped = app.telemetry.traces.as_ref().map_or(0, crate::telemetry::traces::Traces::dropped);
    vec![
        Gauge { name: "patchbay_build", help: "The version that runs", values: vec![(version, 1)] },
        one("patchbay_inferences_under_way", "Requests to models that are not over", count(app.requests.len())),
        one("patchbay_models", "Models on offer", count(catalog.models.len())),
        Gauge {
            name: "patchbay_endpoints",
            help: "Endpoints on offer, and those left alone after failures",
            values: vec![
                ("state=\"offered\"".to_owned(), count(endpoints().count())),
                ("state=\"resting\"".to_owned(), count(resting)),
            ],
        },
        Gauge {
            name: "patchbay_database_connections",
            help: "Connections of the pool",
            values: vec![
                ("state=\"open\"".to_owned(), count(open)),
                ("state=\"idle\"".to_owned(), count(pool.num_idle())),
            ],
        },
        one("patchbay_dropped_spans", "Spans lost because too many waited", i64::try_from(dropped).unwrap_or(i64::MAX)),
    ]
}
