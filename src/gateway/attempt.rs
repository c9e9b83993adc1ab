//! One try at one endpoint: deadlines, and whose fault a failure was.

use std::borrow::Cow;
use std::time::Instant;

use app::types::sse::ServerSentEvent;
use bytes::Bytes;
use serde_json::{Value, json};
use tokio::time::timeout_at;

use crate::App;
use crate::dialects::framing::{Broken, Frames};
use crate::dialects::retrieval::Retrieval;
use crate::dialects::{Decoder, Delta, Dialect, Fault, FaultKind, Inference, Target, UpstreamRequest, retrieval};
use crate::gateway::route::Candidate;
use crate::gateway::{media, web};
use crate::providers::credentials::address;
use crate::providers::transport::Answering;

/// The most of an error body that is read, bytes.
const MAX_ERROR_BYTES: usize = 64 << 10;

/// A finished attempt, for `/generation` and `metadata.previous_errors`.
#[derive(Clone, Debug)]
pub struct Tried {
    pub endpoint_id: String,
    pub provider_name: String,
    pub model_id: String,
    pub status: Option<u16>,
    /// ms until the first token or the failure.
    pub latency_ms: i64,
    /// Asked with the organization's own credential.
    pub is_byok: bool,
    pub fault: Option<Fault>,
}

impl Tried {
    /// As `metadata.previous_errors` shows it.
    #[must_use]
    pub fn as_previous_error(&self) -> Value {
        let message = self.fault.as_ref().map(|fault| fault.message.as_str());
        json!({ "provider": self.provider_name, "code": self.status, "message": message })
    }
}

/// The requests that stand for one where the model takes one text in each; empty where
/// one does.
#[must_use]
pub fn one_by_one(candidate: &Candidate, inference: &Inference) -> Vec<Retrieval> {
    let (Some(dialect), Some(wish)) = (candidate.provider.dialect, &inference.retrieval) else { return Vec::new() };
    retrieval::one_by_one(dialect, &target(candidate), wish)
}

fn target(candidate: &Candidate) -> Target<'_> {
    Target {
        model: &candidate.endpoint.upstream_model,
        max_output_tokens: candidate.endpoint.max_output_tokens,
        quirks: &candidate.provider.quirks,
    }
}

/// The request as the provider gets it.
fn encoded(candidate: &Candidate, dialect: Dialect, inference: &Inference) -> Result<UpstreamRequest, Fault> {
    let target = target(candidate);
    let mut inference = inference.restricted_to(&candidate.endpoint.supported_parameters);
    if inference.web_search.as_ref().is_some_and(|wish| !web::searches(candidate, wish, !inference.tools.is_empty())) {
        inference.to_mut().web_search = None;
    }
    let encoded = match &inference.retrieval {
        Some(wish) => retrieval::encode(dialect, &target, wish),
        None => dialect.upstream().encode(&target, &inference),
    };
    let mut request = encoded.map_err(|error| Fault::new(FaultKind::Untranslatable, error.to_string()))?;
    if let Some(tier) = candidate.endpoint.tier() {
        tier.ask(dialect, &mut request);
    }
    Ok(request)
}

/// Sends the request and checks the head of the answer. A `deadline` covers all of it.
///
/// # Errors
/// [`Fault`] for anything but a 2xx.
pub async fn open(
    app: &App,
    candidate: &Candidate,
    inference: &Inference,
    deadline: Instant,
) -> Result<Answering, Fault> {
    let Some(dialect) = candidate.provider.dialect else {
        return Err(Fault::new(FaultKind::Unavailable, "this server does not speak the provider's protocol"));
    };
    let mut inlined = None;
    if media::are_needed(dialect.upstream(), inference)? {
        let fetched = timeout_at(deadline.into(), Box::pin(media::inlined(app, dialect.upstream(), inference)));
        inlined = Some(Box::new(fetched.await.unwrap_or_else(|_| Err(too_slow()))?));
    }
    let request = encoded(candidate, dialect, inlined.as_deref().unwrap_or(inference))?;
    let target = target(candidate);
    let shared = app.credentials();
    let credentials = candidate.own.as_ref().map_or(&*shared, |own| &own.key.credentials);
    let slug = candidate.provider.slug.as_str();
    let mut base_url = Cow::Borrowed(credentials.base_url(slug).unwrap_or(&candidate.provider.base_url));
    if inference.retrieval.is_some() {
        base_url = Cow::Owned(retrieval::base_url(dialect, target.quirks, &base_url).into_owned());
    }
    let mut url = address(&base_url, &request.path, target.model);
    let (auth, now_ms) = (&candidate.provider.auth, app.clock.now_ms());
    let send = async {
        let credential = credentials.authorize(&app.upstreams, slug, auth, now_ms, &mut url, &request).await?;
        app.upstreams.send(&url, credential, request).await
    };
    let response = timeout_at(deadline.into(), send).await.unwrap_or_else(|_| Err(too_slow()))?;
    if response.status().is_success() {
        return Ok(response);
    }
    let (status, headers) = (response.status().as_u16(), response.headers().clone());
    let body = match timeout_at(deadline.into(), response.read(MAX_ERROR_BYTES)).await {
        Ok(Ok(body)) => body,
        // The status is known; a body that never comes changes nothing.
        Ok(Err(_)) | Err(_) => Vec::new(),
    };
    let header = |name: &str| headers.get(name).and_then(|value| value.to_str().ok()).map(str::to_owned);
    Err(dialect.upstream().decode_error(status, &header, &body))
}

/// The whole answer.
///
/// # Errors
/// [`Fault`] when it does not come in time, is too large or is no answer.
pub async fn read_whole(
    app: &App,
    candidate: &Candidate,
    inference: &Inference,
    response: Answering,
    deadline: Instant,
) -> Result<Vec<Delta>, Fault> {
    let Some(dialect) = candidate.provider.dialect else { return Err(too_slow()) };
    let read = response.read(app.config.streams.answer_bytes);
    let body = timeout_at(deadline.into(), read).await.unwrap_or_else(|_| Err(too_slow()))?;
    let quirks = &candidate.provider.quirks;
    match &inference.retrieval {
        Some(wish) => retrieval::decode(dialect, quirks, wish, &body),
        None => dialect.upstream().decode_whole(quirks, &body),
    }
}

/// A streamed answer being read.
pub struct Reader {
    response: Answering,
    frames: Frames,
    decoder: Box<dyn Decoder>,
    scratch: Vec<ServerSentEvent>,
    /// The provider answered with one JSON document although a stream was asked for.
    whole: Option<(Candidate, Vec<u8>)>,
    is_over: bool,
    /// Bytes read, and how many may be.
    read: usize,
    most: usize,
}

impl Reader {
    /// # Errors
    /// [`Fault`] when the provider's protocol is not spoken.
    pub fn new(app: &App, candidate: &Candidate, response: Answering) -> Result<Self, Fault> {
        let Some(dialect) = candidate.provider.dialect else { return Err(too_slow()) };
        let is_json = response
            .headers()
            .get(http::header::CONTENT_TYPE)
            .and_then(|value| value.to_str().ok())
            .is_some_and(|value| value.starts_with("application/json"));
        Ok(Self {
            response,
            frames: Frames::new(dialect.upstream().framing(), app.config.streams.event_bytes),
            decoder: dialect.upstream().decoder(&candidate.provider.quirks),
            scratch: Vec::new(),
            whole: is_json.then(|| (candidate.clone(), Vec::new())),
            is_over: false,
            read: 0,
            most: app.config.streams.answer_bytes,
        })
    }

    /// Reads what comes next and appends it to `out`. False when the answer is complete.
    ///
    /// # Errors
    /// [`Fault`] when the provider failed in-band, sent nonsense or cut the stream.
    /// What came before it is in `out`.
    pub async fn next(&mut self, out: &mut Vec<Delta>) -> Result<bool, Fault> {
        if self.is_over {
            return Ok(false);
        }
        let chunk = self.response.chunk().await?;
        self.read = self.read.saturating_add(chunk.as_ref().map_or(0, Bytes::len));
        if self.read > self.most {
            let message = "the provider's answer is larger than this server reads";
            return Err(Fault::new(FaultKind::Unavailable, message));
        }
        if let Some((candidate, body)) = &mut self.whole {
            let Some(chunk) = chunk else {
                self.is_over = true;
                let upstream = candidate.provider.dialect.unwrap_or_default().upstream();
                out.extend(upstream.decode_whole(&candidate.provider.quirks, body)?);
                return Ok(false);
            };
            body.extend_from_slice(&chunk);
            return Ok(true);
        }
        let broken = |broken: Broken| Fault::new(FaultKind::Unavailable, broken.to_string());
        self.scratch.clear();
        match &chunk {
            Some(chunk) => self.frames.push(chunk, &mut self.scratch).map_err(broken)?,
            None => self.frames.finish(&mut self.scratch).map_err(broken)?,
        }
        for event in &self.scratch {
            self.decoder.event(event, out)?;
        }
        if chunk.is_none() || self.decoder.is_done() {
            self.is_over = true;
            if chunk.is_none() {
                self.decoder.finish(self.frames.stray_text(), out)?;
            }
            return Ok(false);
        }
        Ok(true)
    }
}

/// The provider did not answer in time.
#[must_use]
pub fn too_slow() -> Fault {
    Fault::new(FaultKind::Timeout, "the provider did not answer in time")
}
