//! Connection pools to providers.

use std::time::Duration;

use bytes::Bytes;
use http::Request;
use http_body_util::Full;
use reqwest::header::{self, HeaderMap, HeaderName, HeaderValue};
use reqwest::redirect::Policy;

use crate::config::Config;
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

impl SetupError {
    pub(super) fn new(cause: &dyn std::error::Error) -> Self {
        Self(cause.to_string())
    }
}

impl Upstreams {
    /// # Errors
    /// [`SetupError`] when TLS cannot be set up.
    pub fn new(config: &Config) -> Result<Self, SetupError> {
        let connect = Duration::from_millis(config.timeouts.connect_ms);
        let tls = tls()?;
        let transport = Transport::new(tls.clone(), connect, &config.upstream);
        let client = reqwest::Client::builder()
            .tls_backend_preconfigured(tls)
            .connect_timeout(connect)
            // A redirect would take the credential to another host.
            .redirect(Policy::none())
            .no_proxy()
            .user_agent(USER_AGENT)
            .build()
            .map_err(|error| SetupError(error.to_string()))?;
        Ok(Self { transport, client })
    }

    /// The client for everything but inference. It follows no redirects.
    #[must_use]
    pub const fn plain(&self) -> &reqwest::Client {
        &self.client
    }

    /// Sends a request and waits for the head of the answer. `credential` holds the
    /// headers, names and values, that prove who asks.
    ///
    /// # Errors
    /// [`Fault`] when there is no answer: refused, reset, not found, timed out.
    pub async fn send(
        &self,
        url: &str,
        credential: Vec<(String, String)>,
        request: UpstreamRequest,
    ) -> Result<Answering, Fault> {
        let mut headers = HeaderMap::with_capacity(request.headers.len() + credential.len() + 2);
        headers.insert(header::USER_AGENT, HeaderValue::from_static(USER_AGENT));
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
        for (name, value) in request.headers {
            if let Ok(value) = HeaderValue::from_str(&value) {
                headers.insert(HeaderName::from_static(name), value);
            }
        }
        for (name, value) in credential {
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

    /// Posts a form to a token endpoint; status and body of its answer.
    ///
    /// # Errors
    /// [`Fault`] when there is no answer.
    pub async fn post_form(&self, url: &str, form: String) -> Result<(u16, Bytes), Fault> {
        let request = self.client.post(url).timeout(Duration::from_secs(10)).body(form);
        let request = request.header(header::CONTENT_TYPE, "application/x-www-form-urlencoded");
        let response = request.send().await.map_err(|error| fault_of(&error))?;
        let status = response.status().as_u16();
        Ok((status, response.bytes().await.map_err(|error| fault_of(&error))?))
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

/// TLS as every client here speaks it.
pub(super) fn tls() -> Result<rustls::ClientConfig, SetupError> {
    let provider = rustls::crypto::ring::default_provider();
    // Clients made elsewhere in the process use the same; the first one stays.
    let _ = provider.clone().install_default();
    let provider = std::sync::Arc::new(provider);
    let roots = rustls::RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.to_vec() };
    Ok(rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| SetupError::new(&error))?
        .with_root_certificates(roots)
        .with_no_client_auth())
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
