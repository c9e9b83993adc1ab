//! Who answers fastest.

use std::collections::HashMap;
use std::sync::Arc;

use app::types::Envelope;
use app::types::rankings::SpeedLine;
use axum::Json;
use axum::extract::State;

use crate::App;
use crate::clock::MS_PER_HOUR;
use crate::error::Result;
use crate::rankings::curves::{Histogram, LATENCY_UNIT, THROUGHPUT_UNIT};

/// The window, hours.
const HOURS: i64 = 24;
/// With fewer answers a median is chance.
const TELLING: i64 = 5;
const LINES: usize = 50;

/// `GET /api/v1/rankings/speed` (ours, public): medians of the last 24 hours, fastest writer first.
///
/// # Errors
/// Any database error.
pub async fn show_speed_board(State(app): State<Arc<App>>) -> Result<Json<Envelope<Vec<SpeedLine>>>> {
    let hour = app.clock.now_ms().div_euclid(MS_PER_HOUR) + 1;
    let mut models: HashMap<String, (Histogram, Histogram)> = HashMap::new();
    for row in app.store.speeds("", hour - HOURS, hour, HOURS).await? {
        let (latency, throughput) = models.entry(row.id).or_default();
        let histogram = if row.measure == "latency" { latency } else { throughput };
        histogram.add(row.bucket, row.answers);
    }
    let catalog = app.catalog();
    let mut lines: Vec<SpeedLine> = models
        .into_iter()
        .filter(|(_, (latency, _))| latency.answers() >= TELLING)
        .filter_map(|(id, (latency, throughput))| {
            Some(SpeedLine {
                name: catalog.model(&id).map_or_else(|| id.clone(), |model| model.name.clone()),
                answers: latency.answers(),
                latency: latency.percentiles(LATENCY_UNIT, false)?,
                throughput: throughput.percentiles(THROUGHPUT_UNIT, true),
                id,
            })
        })
        .collect();
    let speed = |line: &SpeedLine| line.throughput.map_or(0.0, |speed| speed.p50);
    lines.sort_by(|a, b| speed(b).total_cmp(&speed(a)).then_with(|| a.id.cmp(&b.id)));
    lines.truncate(LINES);
    Ok(Json(Envelope { data: lines }))
}
