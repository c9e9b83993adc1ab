//! Every setting: name, default, environment variable. `patchbay.example.toml` documents them.

mod billing;
mod gateway;
mod identity;
mod mail;
mod observability;
mod secrets;
mod server;
mod telemetry;
mod web_search;

use std::collections::BTreeMap;
use std::fmt;
use std::net::SocketAddr;
use std::path::Path;

use app::types::Money;
use serde::{Deserialize, Serialize};

pub use self::billing::{BillingSettings, CoinbaseSettings, StripeSettings};
pub use self::gateway::{Holds, Limits, MediaSettings, OwnKeySettings, RateLimits, Resilience, Routing, Timeouts};
pub use self::identity::{IdentityKind, IdentitySettings};
pub use self::mail::MailSettings;
pub use self::observability::{ObservabilitySettings, PromptLogSettings};
pub use self::secrets::Secrets;
pub use self::server::{DatabaseSettings, ServerSettings, StreamSettings, UpstreamSettings};
pub use self::telemetry::TelemetrySettings;
pub use self::web_search::{SearchEngine, WebSearchSettings};

/// The settings of a server.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    pub listen: SocketAddr,
    pub base_url: String,
    pub database_url: String,
    pub demo: Demo,
    /// Days of seeded traffic.
    pub demo_days: u16,
    pub allow_sign_up: bool,
    pub confirm_sign_up: bool,
    /// Empty: only common passwords are refused.
    pub breached_passwords: String,
    /// USD.
    #[serde(with = "dollars")]
    pub sign_up_credit: Money,
    pub log: String,
    pub log_format: LogFormat,
    pub find_local_servers: bool,
    /// Empty: this node is alone.
    pub redis_url: String,
    pub limits: Limits,
    pub server: ServerSettings,
    pub timeouts: Timeouts,
    pub streams: StreamSettings,
    pub upstream: UpstreamSettings,
    pub database: DatabaseSettings,
    pub routing: Routing,
    pub resilience: Resilience,
    pub holds: Holds,
    pub rate_limits: RateLimits,
    pub media: MediaSettings,
    pub mail: MailSettings,
    pub billing: BillingSettings,
    pub secrets: Secrets,
    pub own_keys: OwnKeySettings,
    pub telemetry: TelemetrySettings,
    pub web_search: WebSearchSettings,
    pub prompt_logs: PromptLogSettings,
    pub observability: ObservabilitySettings,
    /// By the name in addresses.
    pub identity: BTreeMap<String, IdentitySettings>,
    /// By provider slug.
    pub providers: BTreeMap<String, ProviderSettings>,
}

/// Whether providers are simulated.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Demo {
    /// When no provider has a key.
    #[default]
    Auto,
    On,
    Off,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LogFormat {
    #[default]
    Text,
    Json,
}

/// What the operator says of one provider.
#[derive(Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ProviderSettings {
    pub api_key: Option<String>,
    pub base_url: Option<String>,
    pub enabled: Option<bool>,
    /// The protocol of a provider the catalog does not know; OpenAI chat without it.
    pub dialect: Option<String>,
    /// Models to offer beside the catalog's, free of charge, as `<slug>/<model>`.
    pub models: Vec<String>,
    /// How it deviates from its protocol; the names are those of `Quirks`.
    pub quirks: Option<toml::Table>,
    /// What stands for `${NAME}` in its address, and the parts of a credential of several.
    pub variables: BTreeMap<String, String>,
}

impl fmt::Debug for ProviderSettings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ProviderSettings")
            .field("api_key", &self.api_key.as_ref().map(|_| "set"))
            .field("base_url", &self.base_url)
            .field("enabled", &self.enabled)
            .field("dialect", &self.dialect)
            .field("models", &self.models)
            .field("quirks", &self.quirks)
            .field("variables", &self.variables.keys())
            .finish()
    }
}

impl Default for Config {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from(([127, 0, 0, 1], 3000)),
            base_url: String::new(),
            database_url: "sqlite:data/patchbay.db".to_owned(),
            demo: Demo::Auto,
            demo_days: 60,
            allow_sign_up: true,
            confirm_sign_up: false,
            breached_passwords: String::new(),
            sign_up_credit: Money::ZERO,
            log: "info".to_owned(),
            log_format: LogFormat::Text,
            find_local_servers: true,
            redis_url: String::new(),
            limits: Limits::default(),
            server: ServerSettings::default(),
            timeouts: Timeouts::default(),
            streams: StreamSettings::default(),
            upstream: UpstreamSettings::default(),
            database: DatabaseSettings::default(),
            routing: Routing::default(),
            resilience: Resilience::default(),
            holds: Holds::default(),
            rate_limits: RateLimits::default(),
            media: MediaSettings::default(),
            mail: MailSettings::default(),
            billing: BillingSettings::default(),
            secrets: Secrets::default(),
            own_keys: OwnKeySettings::default(),
            telemetry: TelemetrySettings::default(),
            web_search: WebSearchSettings::default(),
            prompt_logs: PromptLogSettings::default(),
            observability: ObservabilitySettings::default(),
            identity: BTreeMap::new(),
            providers: BTreeMap::new(),
        }
    }
}

/// A setting that stops the start, with the place and the remedy.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    #[error("cannot read {path}: {cause}\nRemedy: check the path, or start without --config to use the defaults.")]
    Unreadable { path: String, cause: std::io::Error },
    #[error("{place}: {cause}\nRemedy: patchbay.example.toml lists every key with its default.")]
    Wrong { place: String, cause: String },
}

const PREFIX: &str = "PATCHBAY_";

impl Config {
    /// The file's settings (or the defaults), overridden by `PATCHBAY_…` of `environment`.
    ///
    /// # Errors
    /// [`ConfigError`] naming file and line, or the variable, of the first wrong setting.
    pub fn load(file: Option<&Path>, environment: impl Iterator<Item = (String, String)>) -> Result<Self, ConfigError> {
        let mut config = Self::default();
        let mut table = toml::Table::new();
        if let Some(path) = file {
            let place = path.display().to_string();
            let text = std::fs::read_to_string(path)
                .map_err(|cause| ConfigError::Unreadable { path: place.clone(), cause })?;
            config = Self::parse(&text).map_err(|cause| ConfigError::Wrong { place: place.clone(), cause })?;
            table = text
                .parse()
                .map_err(|error: toml::de::Error| ConfigError::Wrong { place, cause: error.to_string() })?;
        }
        let mut variables: Vec<(String, String)> = environment.filter(|(name, _)| name.starts_with(PREFIX)).collect();
        variables.sort();
        for (name, value) in variables {
            let key = name.trim_start_matches(PREFIX).to_lowercase();
            let path: Vec<&str> = key.split("__").collect();
            set(&mut table, &path, &value);
            config = table.clone().try_into().map_err(|error: toml::de::Error| ConfigError::Wrong {
                place: format!("environment variable {name}"),
                cause: error.message().to_owned(),
            })?;
        }
        config.check()?;
        Ok(config)
    }

    /// Reads the text of a file.
    ///
    /// # Errors
    /// A message with line and column of the first wrong key or value.
    pub fn parse(text: &str) -> Result<Self, String> {
        toml::from_str(text).map_err(|error| error.to_string().trim_end().to_owned())
    }

    fn check(&self) -> Result<(), ConfigError> {
        let wrong = |place: &str, cause: String| Err(ConfigError::Wrong { place: place.to_owned(), cause });
        if !(1..=3_650).contains(&self.demo_days) {
            return wrong("demo_days", "must be 1 to 3650".to_owned());
        }
        if self.routing.attempts == 0 {
            return wrong("routing.attempts", "must be at least 1".to_owned());
        }
        if self.holds.step_tokens == 0 {
            return wrong("holds.step_tokens", "must be at least 1".to_owned());
        }
        if self.resilience.concurrency_least == 0 || self.resilience.concurrency < self.resilience.concurrency_least {
            let cause = "must be at least 1, and resilience.concurrency no less".to_owned();
            return wrong("resilience.concurrency_least", cause);
        }
        if self.timeouts.reasoning_factor == 0 {
            return wrong("timeouts.reasoning_factor", "must be at least 1".to_owned());
        }
        if let Some((place, cause)) = self.billing.wrong().or_else(|| self.prompt_logs.wrong()) {
            return wrong(place, cause.to_owned());
        }
        if let Some((place, cause)) = self.server.wrong().or_else(|| self.streams.wrong()) {
            return wrong(place, cause.to_owned());
        }
        if let Some((place, cause)) = self.web_search.wrong() {
            return wrong(place, cause.to_owned());
        }
        if self.limits.in_flight == 0 {
            return wrong("limits.in_flight", "must be at least 1".to_owned());
        }
        if !self.base_url.is_empty() && url::Url::parse(&self.base_url).is_err() {
            return wrong("base_url", format!("`{}` is no URL", self.base_url));
        }
        if !["sqlite:", "postgres:", "postgresql:"].iter().any(|scheme| self.database_url.starts_with(scheme)) {
            return wrong("database_url", "must begin with sqlite: or postgres:".to_owned());
        }
        Ok(())
    }

    /// Charges cards nowhere but in a simulator inside this server, whose address is known.
    pub fn simulate_payments(&mut self) {
        let mut own = self.listen;
        if own.ip().is_unspecified() {
            own.set_ip(std::net::Ipv4Addr::LOCALHOST.into());
        }
        let secret = format!("{:032x}", rand::random::<u128>());
        self.billing.simulate(format!("http://{own}/simulated-payments"), &secret);
    }

    /// Where people reach this server, without a slash at the end.
    #[must_use]
    pub fn public_url(&self) -> String {
        if self.base_url.is_empty() {
            format!("http://{}", self.listen)
        } else {
            self.base_url.trim_end_matches('/').to_owned()
        }
    }
}

/// The process's own environment.
#[must_use]
#[expect(clippy::disallowed_methods, reason = "settings are read here and nowhere else")]
pub fn environment_value(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}

/// Sets a key from the environment; what reads as a TOML value is one, the rest is text.
fn set(table: &mut toml::Table, path: &[&str], value: &str) {
    let [first, rest @ ..] = path else { return };
    if rest.is_empty() {
        let is_text = matches!(
            *first,
            "listen"
                | "base_url"
                | "database_url"
                | "sign_up_credit"
                | "api_key"
                | "log"
                | "redis_url"
                | "trusted_proxies"
                | "least_purchase"
                | "most_purchase"
                | "least_fee"
                | "low_balance"
                | "company_name"
                | "company_address"
                | "company_tax_id"
                | "secret_key"
                | "webhook_secret"
                | "previous_webhook_secret"
                | "client_id"
                | "client_secret"
                | "otlp_headers"
                | "smtp_url"
                | "key"
                | "old_keys"
                | "free_per_month"
                | "price_per_request"
                | "price_per_result"
                | "from"
                | "folder"
        );
        let parsed = (!is_text).then(|| value.parse::<toml::Value>().ok()).flatten();
        let literal = parsed.filter(|v| v.is_integer() || v.is_bool() || v.is_str());
        table.insert((*first).to_owned(), literal.unwrap_or_else(|| toml::Value::String(value.to_owned())));
        return;
    }
    let entry = table.entry((*first).to_owned()).or_insert_with(|| toml::Value::Table(toml::Table::new()));
    if let Some(inner) = entry.as_table_mut() {
        set(inner, rest, value);
    }
}

pub(crate) mod dollars {
    use app::types::Money;
    use serde::{Deserialize, Deserializer, Serializer};

    #[expect(clippy::trivially_copy_pass_by_ref, reason = "serde gives a reference")]
    pub fn serialize<S: Serializer>(money: &Money, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(money)
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Money, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse()
            .map_err(|error| serde::de::Error::custom(format!("`{text}` is {error}; write dollars as text: \"5\"")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn variables(pairs: &[(&str, &str)]) -> impl Iterator<Item = (String, String)> {
        pairs.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect::<Vec<_>>().into_iter()
    }

    #[test]
    fn the_example_file_states_every_default() {
        let text = include_str!("../../patchbay.example.toml");
        assert_eq!(Config::parse(text).unwrap(), Config::default());
        let defaults = toml::Table::try_from(Config::default()).unwrap();
        let shown: toml::Table = text.parse().unwrap();
        for (key, value) in &defaults {
            if ["providers", "identity"].contains(&key.as_str()) {
                continue;
            }
            assert!(shown.contains_key(key), "{key} is missing in patchbay.example.toml");
            for inner in value.as_table().into_iter().flat_map(toml::Table::keys) {
                assert!(shown[key].get(inner).is_some(), "{key}.{inner} is missing in patchbay.example.toml");
            }
        }
    }

    #[test]
    fn a_wrong_key_is_named_with_its_line() {
        let error = Config::parse("listen = \"127.0.0.1:1\"\n[limits]\nbodybytes = 3\n").unwrap_err();
        assert!(error.contains("line 3") && error.contains("bodybytes"), "{error}");
        let error = Config::parse("demo = \"perhaps\"").unwrap_err();
        assert!(error.contains("line 1") && error.contains("`auto`"), "{error}");
    }

    #[test]
    fn the_environment_wins_and_its_mistakes_are_named() {
        let config = Config::load(
            None,
            variables(&[
                ("PATCHBAY_LISTEN", "127.0.0.1:4000"),
                ("PATCHBAY_TIMEOUTS__CONNECT_MS", "77"),
                ("PATCHBAY_ALLOW_SIGN_UP", "false"),
                ("PATCHBAY_SIGN_UP_CREDIT", "2.5"),
                ("PATCHBAY_PROVIDERS__OPENAI__API_KEY", "1234"),
                ("HOME", "x"),
            ]),
        )
        .unwrap();
        assert_eq!(config.listen.port(), 4000);
        assert_eq!(config.timeouts.connect_ms, 77);
        assert!(!config.allow_sign_up);
        assert_eq!(config.sign_up_credit, Money(2_500_000_000));
        assert_eq!(config.providers["openai"].api_key.as_deref(), Some("1234"));
        assert!(!format!("{config:?}").contains("1234"), "a key is never printed");

        let error = Config::load(None, variables(&[("PATCHBAY_LISTN", "x")])).unwrap_err().to_string();
        assert!(error.contains("PATCHBAY_LISTN") && error.contains("listn"), "{error}");
    }
}
