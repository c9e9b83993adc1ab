//! Logs, metrics and traces. Never a prompt, a key or a token.

pub mod metrics;
pub mod traces;

use tokio_util::sync::CancellationToken;
use tracing_subscriber::EnvFilter;

use crate::config::{Config, LogFormat};

use self::metrics::Metrics;
use self::traces::Traces;

/// One request to a model, when it is over.
#[derive(Clone, Copy, Debug, Default)]
pub struct Answer<'a> {
    pub generation_id: &'a str,
    pub api: &'a str,
    /// Empty when no endpoint was found.
    pub model: &'a str,
    pub provider: &'a str,
    /// Epoch ms.
    pub began_at: i64,
    pub first_token_ms: Option<i64>,
    pub total_ms: i64,
    pub status: i64,
    pub is_cancelled: bool,
    pub error: Option<&'a str>,
    pub prompt_tokens: i64,
    pub completion_tokens: i64,
    pub reasoning_tokens: i64,
    pub cached_tokens: i64,
    pub charged_nanos: i64,
    pub attempts: &'a [Attempt],
}

/// One try at an endpoint.
#[derive(Clone, Debug)]
pub struct Attempt {
    pub provider: String,
    pub endpoint_id: String,
    /// `None` where no answer came.
    pub status: Option<u16>,
    pub took_ms: i64,
}

/// What is told to those who watch this server; nothing unless the settings say so.
#[derive(Default)]
pub struct Telemetry {
    pub metrics: Option<Metrics>,
    pub traces: Option<Traces>,
}

impl Telemetry {
    /// As the settings want it. Traces leave through `client` until `shutdown`.
    ///
    /// # Errors
    /// A sentence naming the setting that is wrong.
    pub fn new(
        config: &Config,
        node_id: &str,
        client: &reqwest::Client,
        shutdown: &CancellationToken,
    ) -> Result<Self, String> {
        let settings = &config.telemetry;
        let metrics = if settings.listen.is_empty() {
            None
        } else {
            Some(Metrics::new().map_err(|error| format!("telemetry.listen: {error}"))?)
        };
        let traces = if settings.otlp_endpoint.is_empty() {
            None
        } else {
            Some(Traces::start(settings, node_id, client.clone(), shutdown.clone())?)
        };
        Ok(Self { metrics, traces })
    }

    /// Somebody watches.
    #[must_use]
    pub const fn is_on(&self) -> bool {
        self.metrics.is_some() || self.traces.is_some()
    }

    /// Counts and traces one request to a model.
    pub fn note(&self, answer: &Answer<'_>) {
        if let Some(metrics) = &self.metrics {
            metrics.note(answer);
        }
        if let Some(traces) = &self.traces {
            traces.note(answer);
        }
    }
}

/// Starts logging to standard error.
///
/// # Errors
/// A sentence naming the setting when the filter cannot be read.
pub fn start(config: &Config) -> Result<(), String> {
    let filter = EnvFilter::try_new(&config.log).map_err(|error| format!("log: {error}"))?;
    let builder = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).with_target(false);
    let started = match config.log_format {
        LogFormat::Text => builder.with_ansi(false).try_init(),
        LogFormat::Json => builder.json().try_init(),
    };
    started.map_err(|error| format!("log: {error}"))
}
