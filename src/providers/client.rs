//! Connection pools to providers, and the credentials sent over them.

use std::collections::{BTreeMap, HashMap};
use std::time::Duration;

use bytes::Bytes;
use http::Request;
use http_body_util::Full;
use reqwest::header::{self, HeaderMap, HeaderName, HeaderValue};
use reqwest::redirect::Policy;

use crate::config::{ProviderSettings, Timeouts, environment_value};
use crate::dialects::{Fault, FaultKind, UpstreamRequest};
use crate::providers::transport::{Answering, Transport};

const USER_AGENT: &str = concat!("patchbay/", env!("CARGO_PKG_VERSION"));

/// The HTTP clients: one for inference, one for everything else.
#[derive(Clone, Debug)]
pub struct Upstreams {
    transport: Transport,
    client: reqwest::Client,
}

/// The client could not be made.
#[derive(Debug, thiserror::Error)]
#[error("cannot set up the HTTP client: {0}")]
pub struct SetupError(String);

impl Upstreams {
    /// # Errors
    /// [`SetupError`] when TLS cannot be set up.
    pub fn new(timeouts: &Timeouts) -> Result<Self, SetupError> {
        let provider = rustls::crypto::ring::default_provider();
        // Clients made elsewhere in the process use the same; the first one stays.
        let _ = provider.clone().install_default();
        let provider = std::sync::Arc::new(provider);
        let roots = rustls::RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.to_vec() };
        let tls = rustls::ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(|error| SetupError(error.to_string()))?
            .with_root_certificates(roots)
            .with_no_client_auth();
        let transport = Transport::new(tls.clone(), timeouts);
        let client = reqwest::Client::builder()
            .tls_backend_preconfigured(tls)
            .connect_timeout(Duration::from_millis(timeouts.connect_ms))
            // A redirect would take the credential to another host.
            .redirect(Policy::none())
            .no_proxy()
            .user_agent(USER_AGENT)
            .build()
            .map_err(|error| SetupError(error.to_string()))?;
        Ok(Self { transport, client })
    }

    /// Sends a request and waits for the head of the answer. `credential` is the
    /// header, name and value, that carries the provider's key.
    ///
    /// # Errors
    /// [`Fault`] when there is no answer: refused, reset, not found, timed out.
    pub async fn send(
        &self,
        base_url: &str,
        credential: Option<(String, String)>,
        request: UpstreamRequest,
    ) -> Result<Answering, Fault> {
        let url = format!("{base_url}{}", request.path);
        let mut headers = HeaderMap::with_capacity(request.headers.len() + 3);
        headers.insert(header::USER_AGENT, HeaderValue::from_static(USER_AGENT));
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
        for (name, value) in request.headers {
            if let Ok(value) = HeaderValue::from_str(&value) {
                headers.insert(HeaderName::from_static(name), value);
            }
        }
        if let Some((name, value)) = credential {
            let malformed =
                || Fault::new(FaultKind::OurCredential, "the provider's key has characters no header may have");
            let name = HeaderName::from_bytes(name.as_bytes()).map_err(|_| malformed())?;
            let mut value = HeaderValue::from_str(&value).map_err(|_| malformed())?;
            value.set_sensitive(true);
            headers.insert(name, value);
        }
        let no_address = |_| Fault::new(FaultKind::Unavailable, "the provider's address is no URL");
        let mut sent = Request::post(url).body(Full::new(request.body)).map_err(no_address)?;
        *sent.headers_mut() = headers;
        self.transport.send(sent).await
    }

    /// A small JSON document of a local server, or `None` when nobody answers in `wait`.
    pub async fn probe(&self, url: &str, wait: Duration) -> Option<Bytes> {
        let response = self.client.get(url).timeout(wait).send().await.ok()?;
        if !response.status().is_success() || response.content_length().is_some_and(|length| length > 1 << 20) {
            return None;
        }
        response.bytes().await.ok()
    }

    /// Asks a provider for its models with our key; the HTTP status it answers.
    ///
    /// # Errors
    /// [`Fault`] when there is no answer.
    pub async fn check(&self, base_url: &str, credential: Option<(String, String)>) -> Result<u16, Fault> {
        let mut request = self.client.get(format!("{base_url}/models")).timeout(Duration::from_secs(10));
        if let Some((name, value)) = credential {
            request = request.header(name, value);
        }
        request.send().await.map(|response| response.status().as_u16()).map_err(|error| fault_of(&error))
    }

    /// Downloads a document the operator named, at most `limit` bytes.
    ///
    /// # Errors
    /// A sentence that says what went wrong.
    pub async fn download(&self, url: &str, limit: usize) -> Result<Vec<u8>, String> {
        let request = self.client.get(url).timeout(Duration::from_mins(1));
        let mut response = request.send().await.map_err(|error| format!("cannot fetch {url}: {error}"))?;
        if !response.status().is_success() {
            return Err(format!("{url} answered {}", response.status()));
        }
        let mut body = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(|error| format!("{url} was cut off: {error}"))? {
            body.extend_from_slice(&chunk);
            if body.len() > limit {
                return Err(format!("{url} is larger than {limit} bytes"));
            }
        }
        Ok(body)
    }
}

/// What a failed connection means.
fn fault_of(error: &reqwest::Error) -> Fault {
    if error.is_timeout() {
        Fault::new(FaultKind::Timeout, "the provider did not answer in time")
    } else if error.is_connect() {
        Fault::new(FaultKind::Unavailable, "the provider could not be reached")
    } else {
        Fault::new(FaultKind::Unavailable, "the connection to the provider broke")
    }
}

/// Keys of the providers, by slug. Never printed.
#[derive(Clone, Default)]
pub struct Credentials {
    keys: HashMap<String, String>,
    /// Slugs whose address the operator changed.
    base_urls: HashMap<String, String>,
    disabled: Vec<String>,
}

impl Credentials {
    /// Keys from the settings, then from each provider's usual environment variables.
    #[must_use]
    pub fn gather<'a>(
        settings: &BTreeMap<String, ProviderSettings>,
        providers: impl Iterator<Item = (&'a str, &'a [String])>,
    ) -> Self {
        let mut credentials = Self::default();
        for (slug, variables) in providers {
            let configured = settings.get(slug).and_then(|provider| provider.api_key.clone());
            // Only variables that name a key: a project or region alone is no credential.
            let mut names = variables.iter().filter(|name| name.ends_with("KEY") || name.ends_with("TOKEN"));
            if let Some(key) = configured.or_else(|| names.find_map(|name| environment_value(name))) {
                credentials.keys.insert(slug.to_owned(), key);
            }
        }
        for (slug, provider) in settings {
            if provider.enabled == Some(false) {
                credentials.disabled.push(slug.clone());
            }
            if let Some(base_url) = &provider.base_url {
                credentials.base_urls.insert(slug.clone(), base_url.trim_end_matches('/').to_owned());
            }
        }
        credentials
    }

    #[must_use]
    pub fn key(&self, slug: &str) -> Option<&str> {
        self.keys.get(slug).map(String::as_str)
    }

    /// The operator's address for a provider, where it differs from the catalog's.
    #[must_use]
    pub fn base_url(&self, slug: &str) -> Option<&str> {
        self.base_urls.get(slug).map(String::as_str)
    }

    #[must_use]
    pub fn is_disabled(&self, slug: &str) -> bool {
        self.disabled.iter().any(|disabled| disabled == slug)
    }

    /// Some provider can be paid.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.keys.is_empty()
    }
}
