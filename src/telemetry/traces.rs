//! Traces in the JSON form of OTLP over HTTP: a span for each request that was answered
//! here, below it one for the answer of a model and one for each try at an endpoint.
//!
//! Ids are digests of the generation's id, so that the parts need not know of each other.

use std::fmt::Write as _;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use reqwest::header::{CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use super::Answer;
use crate::config::TelemetrySettings;

/// Spans that wait to be sent; more are dropped and counted.
const MOST_WAITING: usize = 8_192;
/// Spans in one message.
const BATCH: usize = 512;
const PAUSE: Duration = Duration::from_secs(1);
const PATIENCE: Duration = Duration::from_secs(10);
/// How often a message is tried.
const TRIES: u32 = 4;
/// The numbers OTLP has for kinds of spans.
const INTERNAL: u8 = 1;
const SERVER: u8 = 2;
const CLIENT: u8 = 3;

/// Where spans go.
pub struct Traces {
    queue: mpsc::Sender<Value>,
    dropped: AtomicU64,
    sample_percent: u32,
}

/// A request that was answered.
pub struct Exchange<'a> {
    pub method: &'a str,
    /// A pattern, such as `/api/v1/keys/{hash}`.
    pub route: &'a str,
    pub status: u16,
    /// Epoch ms.
    pub began_at: i64,
    pub took_ms: i64,
    pub generation_id: Option<&'a str>,
    /// The caller's `traceparent`.
    pub parent: Option<&'a str>,
    /// Something of this request alone.
    pub nonce: &'a str,
}

impl Traces {
    /// # Errors
    /// A sentence naming the setting that is wrong.
    pub fn start(
        settings: &TelemetrySettings,
        node_id: &str,
        client: reqwest::Client,
        shutdown: CancellationToken,
    ) -> Result<Self, String> {
        let base = url::Url::parse(&settings.otlp_endpoint)
            .ok()
            .filter(|url| matches!(url.scheme(), "http" | "https") && url.has_host())
            .ok_or("telemetry.otlp_endpoint: write an address such as http://127.0.0.1:4318")?;
        let base = base.as_str().trim_end_matches('/');
        let url = if base.ends_with("/v1/traces") { base.to_owned() } else { format!("{base}/v1/traces") };
        let headers = headers(&settings.otlp_headers)?;
        if settings.sample_percent > 100 {
            return Err("telemetry.sample_percent: write 0 to 100".to_owned());
        }
        let (queue, waiting) = mpsc::channel(MOST_WAITING);
        let resource = json!({ "attributes": [
            text("service.name", "patchbay"),
            text("service.version", env!("CARGO_PKG_VERSION")),
            text("service.instance.id", node_id),
        ] });
        let exporter = Exporter { client, url, headers, resource };
        tokio::spawn(exporter.run(waiting, shutdown));
        Ok(Self { queue, dropped: AtomicU64::new(0), sample_percent: settings.sample_percent })
    }

    /// Spans that were dropped because too many waited.
    pub fn dropped(&self) -> u64 {
        self.dropped.load(Ordering::Relaxed)
    }

    /// A request that was answered. One with a `traceparent` belongs to its caller's trace.
    pub fn note_exchange(&self, exchange: &Exchange<'_>) {
        let own = exchange.generation_id.unwrap_or(exchange.nonce);
        let caller = exchange.parent.and_then(parent_of);
        if !self.is_sampled(own) && caller.is_none() {
            return;
        }
        let mut attributes = vec![
            text("http.request.method", exchange.method),
            text("http.route", exchange.route),
            number("http.response.status_code", i64::from(exchange.status)),
        ];
        let mut span = json!({ "traceId": id("trace", own, 16), "spanId": id("http", own, 8) });
        if let Some((trace, parent)) = caller {
            span = json!({ "traceId": trace, "spanId": id("http", own, 8), "parentSpanId": parent });
            if let Some(generation) = exchange.generation_id {
                let link = json!({ "traceId": id("trace", generation, 16), "spanId": id("generation", generation, 8) });
                span["links"] = json!([link]);
            }
        }
        attributes.extend(exchange.generation_id.map(|generation| text("generation.id", generation)));
        let name = format!("{} {}", exchange.method, exchange.route);
        let failed = (exchange.status >= 500).then_some("");
        self.push(finished(span, &name, SERVER, (exchange.began_at, exchange.took_ms), attributes, failed));
    }

    pub(super) fn note(&self, answer: &Answer<'_>) {
        let generation = answer.generation_id;
        if !self.is_sampled(generation) {
            return;
        }
        let trace = id("trace", generation, 16);
        let own = id("generation", generation, 8);
        let attributes = vec![
            text("generation.id", generation),
            text("gen_ai.operation.name", answer.api),
            text("gen_ai.request.model", answer.model),
            text("gen_ai.provider.name", answer.provider),
            number("gen_ai.usage.input_tokens", answer.prompt_tokens),
            number("gen_ai.usage.output_tokens", answer.completion_tokens),
            number("patchbay.charged_nanodollars", answer.charged_nanos),
            json!({ "key": "patchbay.cancelled", "value": { "boolValue": answer.is_cancelled } }),
        ];
        let span = json!({ "traceId": trace, "spanId": own, "parentSpanId": id("http", generation, 8) });
        let name = format!("inference {}", answer.model);
        let time = (answer.began_at, answer.total_ms);
        self.push(finished(span, &name, INTERNAL, time, attributes, answer.error));
        let mut began_at = answer.began_at;
        for (number_of, attempt) in answer.attempts.iter().enumerate() {
            let span = json!({ "traceId": trace, "parentSpanId": own,
                "spanId": id(&format!("attempt {number_of}"), generation, 8) });
            let mut attributes = vec![text("endpoint.id", &attempt.endpoint_id)];
            attributes.extend(attempt.status.map(|status| number("http.response.status_code", i64::from(status))));
            let failed = attempt.status.is_none_or(|status| status >= 400).then_some("the endpoint failed");
            let name = format!("attempt {}", attempt.provider);
            self.push(finished(span, &name, CLIENT, (began_at, attempt.took_ms), attributes, failed));
            began_at = began_at.saturating_add(attempt.took_ms);
        }
    }

    fn is_sampled(&self, of: &str) -> bool {
        let digest = Sha256::digest(of.as_bytes());
        let word = digest.first_chunk::<4>().map_or(0, |bytes| u32::from_be_bytes(*bytes));
        word % 100 < self.sample_percent
    }

    fn push(&self, span: Value) {
        if self.queue.try_send(span).is_err() {
            self.dropped.fetch_add(1, Ordering::Relaxed);
        }
    }
}

fn headers(text: &str) -> Result<HeaderMap, String> {
    let mut headers = HeaderMap::new();
    for pair in text.split(',').map(str::trim).filter(|pair| !pair.is_empty()) {
        let parts = pair.split_once('=').and_then(|(name, value)| {
            let name: HeaderName = name.trim().parse().ok()?;
            let mut value = HeaderValue::from_str(value.trim()).ok()?;
            value.set_sensitive(true);
            Some((name, value))
        });
        let (name, value) = parts.ok_or("telemetry.otlp_headers: write name=value, separated by commas")?;
        headers.insert(name, value);
    }
    Ok(headers)
}

/// Trace and span of a W3C `traceparent`.
fn parent_of(header: &str) -> Option<(String, String)> {
    let mut parts = header.trim().split('-');
    let (version, trace, span) = (parts.next()?, parts.next()?, parts.next()?);
    let is_hex = |text: &str, length: usize| {
        text.len() == length
            && text.bytes().all(|sign| sign.is_ascii_digit() || (b'a'..=b'f').contains(&sign))
            && text.bytes().any(|sign| sign != b'0')
    };
    (version.len() == 2 && version != "ff" && is_hex(trace, 32) && is_hex(span, 16))
        .then(|| (trace.to_owned(), span.to_owned()))
}

fn id(kind: &str, of: &str, bytes: usize) -> String {
    let digest = Sha256::digest(format!("{kind}:{of}").as_bytes());
    digest.iter().take(bytes).fold(String::with_capacity(2 * bytes), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

fn text(key: &str, value: &str) -> Value {
    json!({ "key": key, "value": { "stringValue": value } })
}

/// Whole numbers are texts in OTLP's JSON.
fn number(key: &str, value: i64) -> Value {
    json!({ "key": key, "value": { "intValue": value.to_string() } })
}

fn finished(
    mut span: Value,
    name: &str,
    kind: u8,
    (began_at, took_ms): (i64, i64),
    attributes: Vec<Value>,
    error: Option<&str>,
) -> Value {
    let nanos = |ms: i64| (i128::from(ms) * 1_000_000).to_string();
    span["name"] = json!(name);
    span["kind"] = json!(kind);
    span["startTimeUnixNano"] = json!(nanos(began_at));
    span["endTimeUnixNano"] = json!(nanos(began_at.saturating_add(took_ms.max(0))));
    span["attributes"] = Value::Array(attributes);
    if let Some(message) = error {
        span["status"] = json!({ "code": 2, "message": message });
    }
    span
}

struct Exporter {
    client: reqwest::Client,
    url: String,
    headers: HeaderMap,
    resource: Value,
}

impl Exporter {
    async fn run(self, mut waiting: mpsc::Receiver<Value>, shutdown: CancellationToken) {
        loop {
            let mut spans = Vec::new();
            let count = tokio::select! {
                count = waiting.recv_many(&mut spans, BATCH) => count,
                () = shutdown.cancelled() => break,
            };
            if count == 0 {
                return;
            }
            self.send(spans, TRIES).await;
            // More in one message, where little happens.
            if waiting.is_empty() {
                tokio::select! {
                    () = tokio::time::sleep(PAUSE) => {}
                    () = shutdown.cancelled() => {}
                }
            }
        }
        // What is left is tried once: the server is to end.
        let mut spans = Vec::new();
        while let Ok(span) = waiting.try_recv() {
            spans.push(span);
        }
        if !spans.is_empty() {
            self.send(spans, 1).await;
        }
    }

    async fn send(&self, spans: Vec<Value>, tries: u32) {
        let count = spans.len();
        let scope = json!({ "scope": { "name": "patchbay" }, "spans": spans });
        let message = json!({ "resourceSpans": [{ "resource": self.resource, "scopeSpans": [scope] }] }).to_string();
        for number_of in 1..=tries {
            let request = self.client.post(&self.url).headers(self.headers.clone()).timeout(PATIENCE);
            let request = request.header(CONTENT_TYPE, "application/json").body(message.clone());
            match request.send().await {
                Ok(answer) if answer.status().is_success() => return,
                // It will not take this message later either.
                Ok(answer) if answer.status().is_client_error() && answer.status().as_u16() != 429 => {
                    tracing::warn!(status = answer.status().as_u16(), count, "telemetry.otlp_endpoint refused spans");
                    return;
                }
                _ if number_of < tries => tokio::time::sleep(PAUSE * number_of).await,
                _ => tracing::warn!(count, "telemetry.otlp_endpoint does not answer: spans are lost"),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_callers_trace_is_taken_over_only_when_it_is_one() {
        let (trace, span) = ("4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7");
        assert_eq!(parent_of(&format!("00-{trace}-{span}-01")), Some((trace.to_owned(), span.to_owned())));
        let zero = "0".repeat(32);
        for bad in ["", "00-x-y-01", &format!("ff-{trace}-{span}-01"), &format!("00-{zero}-{span}-01")] {
            assert_eq!(parent_of(bad), None, "{bad}");
        }
        assert!(headers("a=b, x-key = c").is_ok_and(|headers| headers.len() == 2));
        assert!(headers("nonsense").is_err());
    }
}
