//! Settings of destinations: what each type takes, what of it is secret, and the
//! request it makes of a document.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use chrono::DateTime;
use serde::Deserialize;
use serde_json::{Map, Value};

use crate::providers::media::Outgoing;
use crate::providers::signing::{AwsKeys, Scope, sigv4};

/// The types this server can send to.
pub const KINDS: [&str; 4] = ["webhook", "otel-collector", "s3", "langfuse"];
/// Settings that are never shown whole.
const SECRETS: [&str; 5] = ["publicKey", "secretKey", "accessKeyId", "secretAccessKey", "sessionToken"];
/// Headers that the request itself has.
const OWN_HEADERS: [&str; 5] = ["host", "content-length", "content-type", "transfer-encoding", "connection"];

/// Where documents go.
#[derive(Clone)]
pub enum Target {
    Webhook(Webhook),
    Collector(Collector),
    S3(S3),
    Langfuse(Langfuse),
}

type Headers = BTreeMap<String, String>;

/// An address of one's own.
#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Webhook {
    url: String,
    #[serde(default = "post")]
    method: String,
    #[serde(default)]
    headers: Headers,
}

/// A collector that takes OTLP over HTTP.
#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Collector {
    endpoint: String,
    #[serde(default)]
    headers: Headers,
}

/// A store with Amazon's S3 API.
#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct S3 {
    bucket_name: String,
    access_key_id: String,
    secret_access_key: String,
    session_token: Option<String>,
    endpoint: Option<String>,
    region: Option<String>,
    #[serde(default = "prefix")]
    prefix: String,
    #[serde(default = "path_template")]
    path_template: String,
    #[serde(default)]
    headers: Headers,
}

/// Langfuse, in its cloud or one's own.
#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Langfuse {
    public_key: String,
    secret_key: String,
    #[serde(default = "langfuse_cloud")]
    base_url: String,
    #[serde(default)]
    headers: Headers,
}

fn post() -> String {
    "POST".to_owned()
}

fn prefix() -> String {
    "openrouter-traces".to_owned()
}

fn path_template() -> String {
    "{prefix}/{date}".to_owned()
}

fn langfuse_cloud() -> String {
    "https://us.cloud.langfuse.com".to_owned()
}

/// A document to be sent.
pub struct Document<'a> {
    pub body: Vec<u8>,
    pub trace_id: &'a str,
    pub key_name: &'a str,
    /// Epoch ms.
    pub now_ms: i64,
    pub is_test: bool,
}

/// A setting and what is wrong with it.
pub type Wrong = (String, String);

impl Target {
    /// Reads the settings of a type.
    ///
    /// # Errors
    /// The field and what is wrong with it.
    pub fn read(kind: &str, config: &Map<String, Value>) -> Result<Self, Wrong> {
        // An empty field of a form is one that was not filled in.
        let said = config.iter().filter(|(_, value)| !value.is_null() && value.as_str() != Some(""));
        let value = Value::Object(said.map(|(name, value)| (name.clone(), value.clone())).collect());
        let wrong = |error: serde_json::Error| ("config".to_owned(), format!("config: {error}"));
        let target = match kind {
            "webhook" => Self::Webhook(serde_json::from_value(value).map_err(wrong)?),
            "otel-collector" => Self::Collector(serde_json::from_value(value).map_err(wrong)?),
            "s3" => Self::S3(serde_json::from_value(value).map_err(wrong)?),
            "langfuse" => Self::Langfuse(serde_json::from_value(value).map_err(wrong)?),
            _ => {
                let message = format!("type `{kind}` is not supported; use one of {}", KINDS.join(", "));
                return Err(("type".to_owned(), message));
            }
        };
        target.check()?;
        Ok(target)
    }

    fn check(&self) -> Result<(), Wrong> {
        let wrong = |field: &str, cause: &str| (format!("config.{field}"), format!("config.{field} {cause}"));
        if let Self::Webhook(own) = self
            && !["POST", "PUT"].contains(&own.method.as_str())
        {
            return Err(wrong("method", "must be POST or PUT"));
        }
        if let Self::S3(own) = self
            && !own.bucket_name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b".-_".contains(&byte))
        {
            return Err(wrong("bucketName", "must have letters, digits, dots and dashes only"));
        }
        for (name, value) in self.headers() {
            let is_name = http::HeaderName::try_from(name.as_str()).is_ok();
            let is_own = OWN_HEADERS.iter().any(|own| name.eq_ignore_ascii_case(own));
            if !is_name || is_own || http::HeaderValue::try_from(value.as_str()).is_err() {
                return Err(wrong("headers", &format!("cannot hold `{name}`")));
            }
        }
        Ok(())
    }

    const fn headers(&self) -> &Headers {
        match self {
            Self::Webhook(own) => &own.headers,
            Self::Collector(own) => &own.headers,
            Self::S3(own) => &own.headers,
            Self::Langfuse(own) => &own.headers,
        }
    }

    /// The setting that holds its address, and the address; none is Amazon's own.
    #[must_use]
    pub fn address(&self) -> Option<(&'static str, &str)> {
        match self {
            Self::Webhook(own) => Some(("config.url", &own.url)),
            Self::Collector(own) => Some(("config.endpoint", &own.endpoint)),
            Self::S3(own) => own.endpoint.as_deref().map(|endpoint| ("config.endpoint", endpoint)),
            Self::Langfuse(own) => Some(("config.baseUrl", &own.base_url)),
        }
    }

    /// Several events fit in one document.
    #[must_use]
    pub const fn takes_many(&self) -> bool {
        !matches!(self, Self::S3(_))
    }

    /// Events also bear the names that Langfuse looks for.
    #[must_use]
    pub const fn wants_langfuse_names(&self) -> bool {
        matches!(self, Self::Langfuse(_))
    }

    /// The request that brings a document.
    ///
    /// # Errors
    /// A sentence that holds no secret.
    pub fn request(&self, document: Document<'_>) -> Result<Outgoing, String> {
        let mut headers: Vec<(String, String)> =
            self.headers().iter().map(|(name, value)| (name.to_ascii_lowercase(), value.clone())).collect();
        headers.push(("content-type".to_owned(), "application/json".to_owned()));
        let trimmed = |address: &str| address.trim_end_matches('/').to_owned();
        let (method, url) = match self {
            Self::Webhook(own) => {
                if document.is_test {
                    headers.push(("x-test-connection".to_owned(), "true".to_owned()));
                }
                (own.method.as_str(), own.url.clone())
            }
            Self::Collector(own) => {
                let base = trimmed(&own.endpoint);
                ("POST", if base.ends_with("/v1/traces") { base } else { format!("{base}/v1/traces") })
            }
            Self::Langfuse(own) => {
                let basic = BASE64.encode(format!("{}:{}", own.public_key, own.secret_key));
                headers.push(("authorization".to_owned(), format!("Basic {basic}")));
                ("POST", format!("{}/api/public/otel/v1/traces", trimmed(&own.base_url)))
            }
            Self::S3(own) => {
                let url = own.object(&document);
                headers.extend(own.signature(&url, &headers, &document)?);
                ("PUT", url)
            }
        };
        Ok(Outgoing { method: method.to_owned(), url, headers, body: document.body })
    }
}

impl S3 {
    fn region(&self) -> &str {
        self.region.as_deref().unwrap_or("us-east-1")
    }

    /// The address of the object that holds a document.
    fn object(&self, document: &Document<'_>) -> String {
        let day = DateTime::from_timestamp_millis(document.now_ms).unwrap_or_default();
        let path = self
            .path_template
            .replace("{prefix}", &self.prefix)
            .replace("{date}", &day.format("%Y-%m-%d").to_string())
            .replace("{year}", &day.format("%Y").to_string())
            .replace("{month}", &day.format("%m").to_string())
            .replace("{day}", &day.format("%d").to_string())
            .replace("{apiKeyName}", document.key_name);
        let path = path.split('/').filter(|part| !matches!(*part, "" | "." | "..")).map(encoded).collect::<Vec<_>>();
        let name = format!("{}-{}.json", document.trace_id, document.now_ms);
        let base = self.endpoint.as_deref().map_or_else(
            || format!("https://s3.{}.amazonaws.com/{}", self.region(), self.bucket_name),
            |endpoint| format!("{}/{}", endpoint.trim_end_matches('/'), self.bucket_name),
        );
        path.into_iter().chain([name]).fold(base, |url, part| format!("{url}/{part}"))
    }

    fn signature(
        &self,
        url: &str,
        headers: &[(String, String)],
        document: &Document<'_>,
    ) -> Result<Vec<(String, String)>, String> {
        let keys = AwsKeys {
            access_key_id: self.access_key_id.clone(),
            secret_access_key: self.secret_access_key.clone(),
            session_token: self.session_token.clone().filter(|token| !token.is_empty()),
        };
        let scope = Scope { region: self.region(), service: "s3", now_ms: document.now_ms };
        let headers = headers.iter().map(|(name, value)| (name.as_str(), value.as_str()));
        sigv4(&keys, scope, "PUT", url, headers, &document.body).map_err(|fault| fault.message)
    }
}

/// A part of a path, as Amazon's signature wants it written.
fn encoded(part: &str) -> String {
    use std::fmt::Write as _;
    part.bytes().fold(String::new(), |mut out, byte| {
        if byte.is_ascii_alphanumeric() || b"-_.~".contains(&byte) {
            out.push(char::from(byte));
        } else {
            let _ = write!(out, "%{byte:02X}");
        }
        out
    })
}

/// The settings as they are shown: secrets masked, headers too.
#[must_use]
pub fn masked(config: &Map<String, Value>) -> Map<String, Value> {
    let mask = |name: &str, value: &Value| match value {
        Value::String(text) if SECRETS.contains(&name) => Value::String(mask(text)),
        Value::Object(headers) if name == "headers" => {
            let own = |(name, value): (&String, &Value)| {
                (name.clone(), Value::String(mask(value.as_str().unwrap_or_default())))
            };
            Value::Object(headers.iter().map(own).collect())
        }
        other => other.clone(),
    };
    config.iter().map(|(name, value)| (name.clone(), mask(name, value))).collect()
}

fn mask(text: &str) -> String {
    let signs: Vec<char> = text.chars().collect();
    match signs.len() {
        0..=11 => "****".to_owned(),
        length => {
            let part = |from: usize, to: usize| signs.get(from..to).unwrap_or_default().iter().collect::<String>();
            format!("{}...{}", part(0, 4), part(length - 4, length))
        }
    }
}

/// What a change makes of settings: fields that still are masked stay as they were, and
/// `null` takes one away.
#[must_use]
pub fn changed(old: &Map<String, Value>, change: Map<String, Value>) -> Map<String, Value> {
    let shown = masked(old);
    let mut new = old.clone();
    for (name, value) in change {
        match value {
            Value::Null => {
                new.remove(&name);
            }
            Value::Object(headers) if name == "headers" => {
                let before = old.get("headers").and_then(Value::as_object).cloned().unwrap_or_default();
                let seen = shown.get("headers").and_then(Value::as_object).cloned().unwrap_or_default();
                let kept = |(name, value): (String, Value)| {
                    let is_masked = seen.get(&name) == Some(&value);
                    let value = before.get(&name).filter(|_| is_masked).cloned().unwrap_or(value);
                    (name, value)
                };
                new.insert(name, Value::Object(headers.into_iter().map(kept).collect()));
            }
            value if shown.get(&name) == Some(&value) => {}
            value => {
                new.insert(name, value);
            }
        }
    }
    new
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn object(value: &Value) -> Map<String, Value> {
        value.as_object().cloned().unwrap_or_default()
    }

    #[test]
    fn secrets_are_masked_and_what_is_masked_stays_as_it_was() {
        let old =
            object(&json!({ "publicKey": "pk-lf-12345678", "secretKey": "sk-lf-87654321", "baseUrl": "https://a",
            "headers": { "x-token": "a-long-secret-token" } }));
        let shown = masked(&old);
        assert_eq!(shown["publicKey"], "pk-l...5678");
        assert!(!json!(shown).to_string().contains("secret-token"));
        let mut change = shown.clone();
        change.insert("baseUrl".to_owned(), json!("https://b"));
        let new = changed(&old, change);
        assert_eq!((&new["secretKey"], &new["baseUrl"]), (&json!("sk-lf-87654321"), &json!("https://b")));
        assert_eq!(new["headers"], old["headers"]);
        assert_eq!(changed(&old, object(&json!({ "secretKey": "another-secret" })))["secretKey"], "another-secret");
    }

    #[test]
    fn mistakes_are_named() {
        let wrong = |kind: &str, config: Value| Target::read(kind, &object(&config)).err().unwrap().1;
        assert!(wrong("datadog", json!({})).contains("use one of webhook, otel-collector, s3, langfuse"));
        assert!(wrong("webhook", json!({})).contains("url"));
        assert!(wrong("webhook", json!({ "url": "https://a", "method": "GET" })).contains("config.method"));
        assert!(wrong("webhook", json!({ "url": "https://a", "headers": { "Host": "x" } })).contains("Host"));
        assert!(wrong("langfuse", json!({ "publicKey": "x", "secretKey": "" })).contains("secretKey"));
        assert!(wrong("otel-collector", json!({ "endpoint": "https://a", "other": 1 })).contains("other"));
    }

    #[test]
    fn objects_are_named_as_the_template_says() {
        let config = json!({ "bucketName": "traces", "accessKeyId": "AKID", "secretAccessKey": "s", "prefix": "p q",
            "endpoint": "https://s3.example.com/", "pathTemplate": "{prefix}/{year}/{month}/../{apiKeyName}" });
        let Ok(Target::S3(own)) = Target::read("s3", &object(&config)) else { panic!("reads") };
        let document =
            Document { body: vec![], trace_id: "ab", key_name: "a/b c", now_ms: 1_440_938_160_000, is_test: false };
        assert_eq!(own.object(&document), "https://s3.example.com/traces/p%20q/2015/08/a/b%20c/ab-1440938160000.json");
    }
}
