//! Running inference: what every client dialect shares, and `POST /chat/completions`.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use axum::body::Body;
use axum::extract::State;
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderName, HeaderValue, Request, header};
use axum::response::{IntoResponse as _, Response};
use bytes::Bytes;
use futures::Stream;
use http_body_util::{BodyExt as _, Limited};
use tokio::time::{Instant, Sleep, sleep, timeout_at};

use super::caller::Caller;
use super::{presets, shape};
use crate::App;
use crate::accounts::policy::Policy;
use crate::config::{Config, StreamSettings};
use crate::dialects::answer::Inbound;
use crate::dialects::chat_completions::encode::ChatCompletions;
use crate::dialects::chat_completions::parse;
use crate::dialects::{BadField, Inference};
use crate::error::{Error, Result};
use crate::flags::Flag;
use crate::gateway::{self, Attribution, Job, Reply, Requester, frames};
use crate::rankings::app_categories;

static GENERATION_ID: HeaderName = HeaderName::from_static("x-generation-id");
static HTTP_REFERER: HeaderName = HeaderName::from_static("http-referer");
static OPENROUTER_TITLE: HeaderName = HeaderName::from_static("x-openrouter-title");
static TITLE: HeaderName = HeaderName::from_static("x-title");
static CATEGORIES: HeaderName = HeaderName::from_static("x-openrouter-categories");
static SESSION_ID: HeaderName = HeaderName::from_static("x-session-id");
static STREAM_RESUME: HeaderName = HeaderName::from_static("x-stream-resume");
static METADATA: HeaderName = HeaderName::from_static("x-openrouter-metadata");
static EXPERIMENTAL_METADATA: HeaderName = HeaderName::from_static("x-openrouter-experimental-metadata");

/// `POST /api/v1/chat/completions`
pub async fn chat_completions(State(app): State<Arc<App>>, caller: Result<Caller>, request: Request<Body>) -> Response {
    let inbound: Arc<dyn Inbound> = Arc::new(ChatCompletions);
    let read = |_: &Parts, body: &[u8]| Ok((parse::parse(body)?, Arc::clone(&inbound)));
    answer(&app, caller, request, &*inbound, "completions", read).await
}

/// What a client dialect reads from a request: what is asked, and how the answer will look.
pub type Asked = (Inference, Arc<dyn Inbound>);

/// Serves one request of a client dialect: `read` understands it, and `refuser`
/// words what is refused before the answer begins. Later failures are in the stream.
pub async fn answer(
    app: &Arc<App>,
    caller: Result<Caller>,
    request: Request<Body>,
    refuser: &dyn Inbound,
    api_type: &'static str,
    read: impl Fn(&Parts, &[u8]) -> Result<Asked, BadField> + Send,
) -> Response {
    match try_answer(app, caller, request, api_type, read).await {
        Ok(response) => response,
        Err(error) => error.respond(|body| refuser.error(body)),
    }
}

async fn try_answer(
    app: &Arc<App>,
    caller: Result<Caller>,
    request: Request<Body>,
    api_type: &'static str,
    read: impl Fn(&Parts, &[u8]) -> Result<Asked, BadField> + Send,
) -> Result<Response> {
    let caller = caller?;
    if matches!(caller, Caller::Person { .. }) && !app.flags.is_on(Flag::ChatRoom) {
        let message = "The operator of this server has closed the chat room; send the request with an API key.";
        return Err(Error::Forbidden(message.to_owned()));
    }
    let requester = caller.requester()?;
    let (parts, body) = request.into_parts();
    let body = read_question(body, &app.config).await?;
    let body = presets::applied(app, &requester, parts.uri.path(), &body).await?;
    let job = Box::new(understood(requester, &parts, &body, api_type, read)?);
    let (stream_type, keep_alive) = (job.inbound.stream_type(), job.inbound.keep_alive());
    let categories = parts.headers.get(&CATEGORIES).and_then(|list| list.to_str().ok());
    let of_app = categories.filter(|_| !job.attribution.app_url.is_empty()).map(|_| job.attribution.app_url.clone());
    let reply = gateway::serve(app, job).await?;
    if let (Some(list), Some(url)) = (categories, of_app) {
        Box::pin(app_categories::note(app, &url, list)).await;
    }
    Ok(match reply {
        Reply::Whole { id, body } => {
            let headers = [
                (header::CONTENT_TYPE, HeaderValue::from_static("application/json")),
                (GENERATION_ID.clone(), id_value(&id)),
            ];
            (headers, body).into_response()
        }
        Reply::Stream { id, frames, is_late } => {
            let headers = [
                (header::CONTENT_TYPE, HeaderValue::from_static(stream_type)),
                (header::CACHE_CONTROL, HeaderValue::from_static("no-cache, no-transform")),
                (HeaderName::from_static("x-accel-buffering"), HeaderValue::from_static("no")),
                (GENERATION_ID.clone(), id_value(&id)),
            ];
            let frames = KeptAlive::new(frames, keep_alive, is_late, &app.config.streams);
            (headers, Body::from_stream(frames)).into_response()
        }
    })
}

/// What a request asks for.
fn understood(
    requester: Requester,
    parts: &Parts,
    body: &[u8],
    api_type: &'static str,
    read: impl Fn(&Parts, &[u8]) -> Result<Asked, BadField>,
) -> Result<Job> {
    let asked = match read(parts, body) {
        // The workspace's default model stands in for one that was not named.
        Err(bad) if bad.field == "model" => match with_default_model(&requester.policy, body) {
            Some(body) => read(parts, &body),
            None => Err(bad),
        },
        asked => asked,
    };
    let (inference, inbound) = asked.map_err(|bad| Error::BadRequest { field: bad.field, message: bad.message })?;
    Ok(Job { requester, attribution: attribution(&parts.headers), inference, inbound, api_type })
}

/// The body with the workspace's default model, where it names none.
fn with_default_model(policy: &Policy, body: &[u8]) -> Option<Vec<u8>> {
    let model = policy.default_model.as_deref()?;
    let mut body: serde_json::Map<String, serde_json::Value> = serde_json::from_slice(body).ok()?;
    if body.get("model").is_some_and(|model| !model.is_null()) {
        return None;
    }
    body.insert("model".to_owned(), model.into());
    serde_json::to_vec(&body).ok()
}

/// The whole body of a request to a model.
///
/// # Errors
/// As for [`read_body`], and 400 for what is built like no request.
pub async fn read_question(body: Body, config: &Config) -> Result<Bytes> {
    let server = &config.server;
    let pace = Pace {
        most: Duration::from_millis(server.body_ms),
        start: Duration::from_millis(server.body_start_ms),
        rate: server.body_bytes_per_second,
    };
    let body = read_body_within(body, config.limits.inference_body_bytes, pace).await?;
    shape::check(&body, &config.limits)?;
    Ok(body)
}

/// The whole body of a small request.
///
/// # Errors
/// 413 beyond `limit` bytes, 408 when it takes too long, 400 when the connection broke.
pub async fn read_body(body: Body, limit: u64) -> Result<Bytes> {
    read_body_within(body, limit, Pace::SMALL).await
}

async fn read_body_within(body: Body, limit: u64, pace: Pace) -> Result<Bytes> {
    let (began, most) = (Instant::now(), usize::try_from(limit).unwrap_or(usize::MAX));
    let mut body = Limited::new(body, most);
    let mut whole: Vec<Bytes> = Vec::new();
    let mut length = 0_u64;
    loop {
        let until = began + pace.allows(length);
        let slow = |_| Error::SlowBody { after_s: began.elapsed().as_secs() };
        let Some(frame) = timeout_at(until, body.frame()).await.map_err(slow)? else { break };
        let frame = frame.map_err(|error| {
            if error.is::<http_body_util::LengthLimitError>() {
                Error::TooLarge { limit_bytes: limit }
            } else {
                Error::bad_request("", "The request body was cut off")
            }
        })?;
        // Trailers say nothing we need.
        if let Ok(data) = frame.into_data() {
            length = length.saturating_add(u64::try_from(data.len()).unwrap_or(u64::MAX));
            whole.push(data);
        }
    }
    // Nearly always there is one piece, which is not copied.
    Ok(if whole.len() <= 1 { whole.pop().unwrap_or_default() } else { whole.concat().into() })
}

/// How a body must come.
#[derive(Clone, Copy, Debug)]
struct Pace {
    most: Duration,
    /// A connection that has just begun to send has its time.
    start: Duration,
    /// Bytes a second, after that; 0 is any.
    rate: u64,
}

impl Pace {
    /// For a body that is no request to a model.
    const SMALL: Self = Self { most: Duration::from_mins(1), start: Duration::ZERO, rate: 0 };

    /// How long after its beginning a body of which `length` bytes came may go on without more.
    fn allows(self, length: u64) -> Duration {
        let millis = length.saturating_mul(1_000).checked_div(self.rate);
        millis.map_or(self.most, |millis| (self.start + Duration::from_millis(millis)).min(self.most))
    }
}

fn id_value(id: &str) -> HeaderValue {
    HeaderValue::from_str(id).unwrap_or(HeaderValue::from_static(""))
}

/// What a request says of the app it comes from.
fn attribution(headers: &HeaderMap) -> Attribution {
    // What can be read of a header is ASCII.
    let text = |name: &HeaderName, longest: usize| {
        let value = headers.get(name)?.to_str().ok()?.trim();
        (!value.is_empty()).then(|| value.get(..longest).unwrap_or(value).to_owned())
    };
    let is_enabled = |name: &HeaderName| text(name, 16).as_deref() == Some("enabled");
    // Only the origin names the app: paths and queries may hold anything.
    let app_url = text(&HTTP_REFERER, 2_048)
        .or_else(|| text(&header::REFERER, 2_048))
        .and_then(|referer| url::Url::parse(&referer).ok())
        .map(|url| url.origin().ascii_serialization())
        .filter(|origin| origin != "null");
    Attribution {
        app_url: app_url.unwrap_or_default(),
        app_title: text(&OPENROUTER_TITLE, 100).or_else(|| text(&TITLE, 100)).unwrap_or_default(),
        user_agent: text(&header::USER_AGENT, 256),
        session_id: text(&SESSION_ID, 256),
        wants_resume: is_enabled(&STREAM_RESUME),
        wants_metadata: is_enabled(&METADATA) || is_enabled(&EXPERIMENTAL_METADATA),
    }
}

/// Frames of the driver, with a comment whenever nothing came for a while.
struct KeptAlive {
    frames: frames::Receiver,
    /// When the silence is looked at again.
    look: Pin<Box<Sleep>>,
    /// When the last frame came.
    heard: Option<Instant>,
    /// How long the silence may be before the first frame, and after one.
    before: Duration,
    between: Duration,
    /// Sent in the silence.
    comment: &'static [u8],
}

impl KeptAlive {
    /// `is_late` of an answer whose caller has waited so long already that the first comment is due.
    fn new(frames: frames::Receiver, comment: &'static [u8], is_late: bool, settings: &StreamSettings) -> Self {
        let before = Duration::from_millis(settings.comment_ms);
        let between = Duration::from_millis(settings.idle_comment_ms);
        let look = Box::pin(sleep(if is_late { Duration::ZERO } else { before }));
        Self { frames, look, heard: None, before, between, comment }
    }
}

impl Stream for KeptAlive {
    type Item = Result<Bytes, std::convert::Infallible>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        if let Poll::Ready(frame) = self.frames.poll_recv(context) {
            let now = Instant::now();
            if self.heard.replace(now).is_none() {
                let until = now + self.between;
                self.look.as_mut().reset(until);
            }
            return Poll::Ready(frame.map(Ok));
        }
        loop {
            ready!(self.look.as_mut().poll(context));
            // The timer is not moved with each frame: there are many frames, and few silences.
            let now = Instant::now();
            let due = self.heard.map_or(now, |heard| heard + self.between);
            if due > now {
                self.look.as_mut().reset(due);
                continue;
            }
            let pause = if self.heard.is_some() { self.between } else { self.before };
            self.look.as_mut().reset(now + pause);
            return Poll::Ready(Some(Ok(Bytes::from_static(self.comment))));
        }
    }
}

#[cfg(test)]
mod tests {
    use futures::{FutureExt as _, StreamExt as _};

    use super::*;

    #[test]
    fn a_body_has_a_moment_to_begin_and_then_must_come_at_its_rate() {
        let pace = Pace { most: Duration::from_mins(1), start: Duration::from_secs(5), rate: 16 << 10 };
        assert_eq!(pace.allows(0), Duration::from_secs(5));
        assert_eq!(pace.allows(160 << 10), Duration::from_secs(15));
        assert_eq!(pace.allows(1 << 30), Duration::from_mins(1), "and all of it within the time");
        assert_eq!(Pace { rate: 0, ..pace }.allows(0), Duration::from_mins(1));
    }

    fn kept_alive(is_late: bool, comment_ms: u64, idle_comment_ms: u64) -> (frames::Sender, KeptAlive) {
        let settings = StreamSettings { comment_ms, idle_comment_ms, ..StreamSettings::default() };
        let (sender, frames) = frames::channel(&settings);
        (sender, KeptAlive::new(frames, b": still here\n\n", is_late, &settings))
    }

    #[tokio::test]
    async fn a_caller_who_has_waited_for_the_status_gets_a_comment_with_it() {
        const AGES: u64 = 3_600_000;
        let (sender, mut late) = kept_alive(true, AGES, AGES);
        assert_eq!(late.next().await.unwrap().unwrap(), ": still here\n\n");
        assert!(late.next().now_or_never().is_none(), "and one only");
        sender.try_send(Bytes::from_static(b"data")).unwrap();
        assert_eq!(late.next().await.unwrap().unwrap(), "data");
        drop(sender);
        assert!(late.next().await.is_none());
    }

    #[tokio::test]
    async fn silence_before_the_first_token_and_between_two_has_each_its_rhythm() {
        const AGES: u64 = 3_600_000;
        let (sender, mut thinking) = kept_alive(false, 2, AGES);
        for _ in 0..3 {
            assert_eq!(thinking.next().await.unwrap().unwrap(), ": still here\n\n");
        }
        sender.try_send(Bytes::from_static(b"data")).unwrap();
        assert_eq!(thinking.next().await.unwrap().unwrap(), "data");
        // Another's silence of the same length as before has passed twice.
        let (_other, mut other) = kept_alive(false, 2, AGES);
        for _ in 0..2 {
            other.next().await.unwrap().unwrap();
            assert!(thinking.next().now_or_never().is_none(), "now only after the longer time");
        }
        let (sender, mut pausing) = kept_alive(false, AGES, 2);
        sender.try_send(Bytes::from_static(b"data")).unwrap();
        assert_eq!(pausing.next().await.unwrap().unwrap(), "data");
        assert_eq!(pausing.next().await.unwrap().unwrap(), ": still here\n\n");
    }

    #[tokio::test]
    async fn a_body_that_does_not_come_is_given_up() {
        let silent = Body::from_stream(futures::stream::pending::<Result<Bytes, std::io::Error>>());
        let pace = Pace { most: Duration::ZERO, start: Duration::ZERO, rate: 16 << 10 };
        assert!(matches!(read_body_within(silent, 10, pace).await, Err(Error::SlowBody { .. })));
    }

    #[tokio::test]
    async fn a_body_in_pieces_is_put_together_up_to_its_limit() {
        let pieces = || {
            let pieces =
                ["one ", "two ", "three"].map(|piece| Ok::<_, std::io::Error>(Bytes::from_static(piece.as_bytes())));
            Body::from_stream(futures::stream::iter(pieces))
        };
        assert_eq!(read_body(pieces(), 13).await.unwrap(), "one two three");
        assert!(matches!(read_body(pieces(), 12).await, Err(Error::TooLarge { limit_bytes: 12 })));
        assert_eq!(read_body(Body::empty(), 12).await.unwrap(), "");
    }
}
