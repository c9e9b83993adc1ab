//! The connections inference goes over: hyper's pool, without what a general client adds.
//!
//! A request passes here once per attempt, so each layer counts. Everything rare
//! (downloads, probes) uses reqwest.

use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, Request, Response, StatusCode};
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::{TokioExecutor, TokioTimer};

use crate::config::UpstreamSettings;
use crate::dialects::{Fault, FaultKind};

/// A pool of connections per provider. Redirects are not followed: one would take
/// the credential to another host.
#[derive(Clone, Debug)]
pub struct Transport {
    client: Client<HttpsConnector<HttpConnector>, Full<Bytes>>,
}

impl Transport {
    #[must_use]
    pub fn new(tls: rustls::ClientConfig, connect: Duration, settings: &UpstreamSettings) -> Self {
        let mut http = HttpConnector::new();
        http.enforce_http(false);
        http.set_nodelay(true);
        http.set_connect_timeout(Some(connect));
        http.set_keepalive(Some(Duration::from_mins(1)));
        let connector = HttpsConnectorBuilder::new().with_tls_config(tls).https_or_http().enable_all_versions();
        let client = Client::builder(TokioExecutor::new())
            .timer(TokioTimer::new())
            .pool_timer(TokioTimer::new())
            .pool_idle_timeout(Duration::from_millis(settings.pool_idle_ms))
            .pool_max_idle_per_host(settings.pool_idle_per_host)
            .http2_keep_alive_interval(Duration::from_millis(settings.ping_ms))
            .http2_keep_alive_timeout(Duration::from_millis(settings.ping_timeout_ms))
            .http2_adaptive_window(true)
            .build(connector.wrap_connector(http));
        Self { client }
    }

    /// Sends a request and waits for the head of the answer.
    ///
    /// # Errors
    /// [`Fault`] when there is no answer: refused, reset, not found, timed out.
    pub async fn send(&self, request: Request<Full<Bytes>>) -> Result<Answering, Fault> {
        self.client.request(request).await.map(Answering).map_err(|error| {
            if error.is_connect() {
                Fault::new(FaultKind::Unavailable, "the provider could not be reached")
            } else {
                broken()
            }
        })
    }
}

/// An answer whose head has come.
#[derive(Debug)]
pub struct Answering(Response<Incoming>);

impl Answering {
    #[must_use]
    pub fn status(&self) -> StatusCode {
        self.0.status()
    }

    #[must_use]
    pub fn headers(&self) -> &HeaderMap {
        self.0.headers()
    }

    /// What comes next of the body; `None` at its end.
    ///
    /// # Errors
    /// [`Fault`] when the connection broke.
    pub async fn chunk(&mut self) -> Result<Option<Bytes>, Fault> {
        loop {
            let Some(frame) = self.0.frame().await else { return Ok(None) };
            // Trailers say nothing we need.
            if let Ok(data) = frame.map_err(|_| broken())?.into_data() {
                return Ok(Some(data));
            }
        }
    }

    /// The whole body.
    ///
    /// # Errors
    /// [`Fault`] when the connection broke or the body is larger than `limit` bytes.
    pub async fn read(mut self, limit: usize) -> Result<Vec<u8>, Fault> {
        let mut body = Vec::new();
        while let Some(chunk) = self.chunk().await? {
            if body.len() + chunk.len() > limit {
                let message = "the provider's answer is larger than this server reads";
                return Err(Fault::new(FaultKind::Unavailable, message));
            }
            body.extend_from_slice(&chunk);
        }
        Ok(body)
    }
}

fn broken() -> Fault {
    Fault::new(FaultKind::Unavailable, "the connection to the provider broke")
}
