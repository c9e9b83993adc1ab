//! Settings of metrics and traces.

use std::fmt;

use serde::{Deserialize, Serialize};

/// Who may watch this server.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct TelemetrySettings {
    /// Address of the private listener; empty: none.
    pub listen: String,
    /// Empty: no traces.
    pub otlp_endpoint: String,
    /// `name=value`, separated by commas.
    pub otlp_headers: String,
    pub sample_percent: u32,
}

impl Default for TelemetrySettings {
    fn default() -> Self {
        Self { listen: String::new(), otlp_endpoint: String::new(), otlp_headers: String::new(), sample_percent: 100 }
    }
}

impl fmt::Debug for TelemetrySettings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TelemetrySettings")
            .field("listen", &self.listen)
            .field("otlp_endpoint", &self.otlp_endpoint)
            .field("otlp_headers", &if self.otlp_headers.is_empty() { "" } else { "set" })
            .field("sample_percent", &self.sample_percent)
            .finish()
    }
}
