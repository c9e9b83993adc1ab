//! Figures in Prometheus' text format.

use std::fmt::Write as _;

use prometheus::{
    Encoder as _, HistogramOpts, HistogramVec, IntCounter, IntCounterVec, Opts, Registry, Result, TextEncoder,
};

use super::Answer;

/// Upper bounds of waits, seconds.
const WAITS: [f64; 13] = [0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0];

/// What is counted while the server runs.
pub struct Metrics {
    registry: Registry,
    requests: HistogramVec,
    answers: IntCounterVec,
    first_token: HistogramVec,
    duration: HistogramVec,
    tokens: IntCounterVec,
    charged: IntCounter,
    failed_attempts: IntCounterVec,
}

/// What is measured when somebody looks: name, meaning, and value by label.
pub struct Gauge {
    pub name: &'static str,
    pub help: &'static str,
    /// Labels as they are written (`state="idle"`), and the value.
    pub values: Vec<(String, i64)>,
}

impl Metrics {
    /// # Errors
    /// When two of them have one name.
    pub fn new() -> Result<Self> {
        let registry = Registry::new();
        let histogram = |name: &str, help: &str, labels: &[&str]| -> Result<HistogramVec> {
            let made = HistogramVec::new(HistogramOpts::new(name, help).buckets(WAITS.to_vec()), labels)?;
            registry.register(Box::new(made.clone()))?;
            Ok(made)
        };
        let counter = |name: &str, help: &str, labels: &[&str]| -> Result<IntCounterVec> {
            let made = IntCounterVec::new(Opts::new(name, help), labels)?;
            registry.register(Box::new(made.clone()))?;
            Ok(made)
        };
        let charged = IntCounter::new("patchbay_charged_nanodollars_total", "What requests to models were charged")?;
        registry.register(Box::new(charged.clone()))?;
        Ok(Self {
            requests: histogram(
                "patchbay_http_request_seconds",
                "From the head of a request to the head of its answer",
                &["method", "route", "status"],
            )?,
            answers: counter(
                "patchbay_inferences_total",
                "Requests to models that are over",
                &["api", "provider", "outcome"],
            )?,
            first_token: histogram(
                "patchbay_first_token_seconds",
                "From a request to the first token of its answer",
                &["provider"],
            )?,
            duration: histogram(
                "patchbay_inference_seconds",
                "From a request to the end of its answer",
                &["provider"],
            )?,
            tokens: counter("patchbay_tokens_total", "Tokens of requests to models", &["model", "provider", "kind"])?,
            failed_attempts: counter(
                "patchbay_failed_attempts_total",
                "Tries at endpoints that failed, by the status they answered",
                &["provider", "status"],
            )?,
            charged,
            registry,
        })
    }

    pub(super) fn note(&self, answer: &Answer<'_>) {
        let provider = if answer.provider.is_empty() { "none" } else { answer.provider };
        let outcome = match answer {
            Answer { error: Some(_), .. } => "error",
            Answer { is_cancelled: true, .. } => "cancelled",
            _ => "ok",
        };
        self.answers.with_label_values(&[answer.api, provider, outcome]).inc();
        if let Some(wait) = answer.first_token_ms {
            self.first_token.with_label_values(&[provider]).observe(seconds(wait));
        }
        self.duration.with_label_values(&[provider]).observe(seconds(answer.total_ms));
        let counts = [
            ("prompt", answer.prompt_tokens),
            ("completion", answer.completion_tokens),
            ("reasoning", answer.reasoning_tokens),
            ("cached", answer.cached_tokens),
        ];
        for (kind, count) in counts {
            if let Some(count) = u64::try_from(count).ok().filter(|count| *count > 0) {
                self.tokens.with_label_values(&[answer.model, provider, kind]).inc_by(count);
            }
        }
        self.charged.inc_by(u64::try_from(answer.charged_nanos).unwrap_or(0));
        for attempt in answer.attempts {
            if attempt.status.is_none_or(|status| status >= 400) {
                let status = attempt.status.map_or_else(|| "none".to_owned(), |status| status.to_string());
                self.failed_attempts.with_label_values(&[attempt.provider.as_str(), &status]).inc();
            }
        }
    }

    /// Counts an answered request. `route` is a pattern, never what a caller wrote.
    pub fn note_request(&self, method: &str, route: &str, status: u16, took_ms: i64) {
        self.requests.with_label_values(&[method, route, &status.to_string()]).observe(seconds(took_ms));
    }

    /// Everything that was counted, and these gauges.
    #[must_use]
    pub fn text(&self, gauges: &[Gauge]) -> String {
        let mut bytes = Vec::new();
        if let Err(error) = TextEncoder::new().encode(&self.registry.gather(), &mut bytes) {
            tracing::error!(%error, "The metrics could not be written");
        }
        let mut text = String::from_utf8_lossy(&bytes).into_owned();
        for Gauge { name, help, values } in gauges {
            let _ = writeln!(text, "# HELP {name} {help}\n# TYPE {name} gauge");
            for (labels, value) in values {
                let braced = if labels.is_empty() { String::new() } else { format!("{{{labels}}}") };
                let _ = writeln!(text, "{name}{braced} {value}");
            }
        }
        text
    }
}

fn seconds(ms: i64) -> f64 {
    f64::from(u32::try_from(ms.max(0)).unwrap_or(u32::MAX)) / 1_000.0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_happened_is_in_the_text() {
        let metrics = Metrics::new().unwrap();
        metrics.note(&Answer {
            api: "chat",
            model: "acme/one",
            provider: "One",
            total_ms: 1_500,
            prompt_tokens: 10,
            charged_nanos: 42,
            ..Answer::default()
        });
        metrics.note_request("GET", "/models", 200, 3);
        let gauge = Gauge { name: "patchbay_up", help: "It runs", values: vec![("a=\"b\"".to_owned(), 1)] };
        let text = metrics.text(&[gauge]);
        for line in [
            "patchbay_inferences_total{api=\"chat\",outcome=\"ok\",provider=\"One\"} 1",
            "patchbay_tokens_total{kind=\"prompt\",model=\"acme/one\",provider=\"One\"} 10",
            "patchbay_charged_nanodollars_total 42",
            "patchbay_inference_seconds_sum{provider=\"One\"} 1.5",
            "patchbay_http_request_seconds_count{method=\"GET\",route=\"/models\",status=\"200\"} 1",
            "patchbay_up{a=\"b\"} 1",
        ] {
            assert!(text.contains(line), "{line} in {text}");
        }
    }
}
