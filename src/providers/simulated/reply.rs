//! Sends an answer piece by piece, or plays a fault.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::io;
use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use serde_json::Value;

use super::fault::Fault;
use super::{Simulator, answer};

/// How one protocol says things.
pub trait Protocol: Send + Sync {
    /// The whole answer.
    fn whole(&self, ask: &answer::Ask, answer: &answer::Answer) -> Value;
    /// The answer as the frames of a stream.
    fn frames(&self, ask: &answer::Ask, answer: &answer::Answer) -> Vec<String>;
    /// How many frames at the end say that it is the end.
    fn closing_frames(&self) -> usize;
    /// The body of an error.
    fn error(&self, status: u16, kind: &str, message: &str) -> Value;
    /// An error in the middle of a stream.
    fn error_frame(&self, error: &Value) -> String;
}

/// What happens next on the wire.
enum Step {
    Frame(String),
    Wait(Duration),
    Stall,
    Cut,
}

impl Simulator {
    pub async fn reply(&self, protocol: &dyn Protocol, ask: &answer::Ask, fault: Option<Fault>) -> Response {
        match fault {
            Some(Fault::Hang) => {
                self.shutdown.cancelled().await;
                return StatusCode::SERVICE_UNAVAILABLE.into_response();
            }
            Some(Fault::Status { code, retry_after_s }) => return refusal(protocol, code, retry_after_s),
            Some(Fault::Invalid(message)) => return bad_request(protocol, "invalid_request", message),
            Some(Fault::ContextLength) => {
                let message = "prompt is too long: this model's maximum context length is 8192 tokens; \
                               reduce the length of the messages";
                return bad_request(protocol, "context_length", message);
            }
            Some(Fault::SlowFirstToken) => self.pause(self.options.slow_first_token).await,
            _ => self.pause(self.options.first_token).await,
        }
        let mut answer = answer::answer(ask);
        if fault == Some(Fault::Empty) {
            (answer.text, answer.reasoning) = (String::new(), None);
            answer.calls.clear();
            answer.stop = answer::Stop::End;
            (answer.usage.completion, answer.usage.reasoning) = (0, 0);
        }
        if ask.is_streamed { self.stream(protocol, ask, &answer, fault) } else { whole(protocol, ask, &answer, fault) }
    }

    async fn pause(&self, time: Duration) {
        if !time.is_zero() {
            tokio::time::sleep(time).await;
        }
    }

    fn stream(
        &self,
        protocol: &dyn Protocol,
        ask: &answer::Ask,
        answer: &answer::Answer,
        fault: Option<Fault>,
    ) -> Response {
        let mut frames = protocol.frames(ask, answer);
        let mut last = None;
        match fault {
            Some(Fault::CutAfter(count)) => {
                frames.truncate(count);
                last = Some(Step::Cut);
            }
            Some(Fault::StallAfter(count)) => {
                frames.truncate(count);
                last = Some(Step::Stall);
            }
            Some(Fault::NoDone) => frames.truncate(frames.len().saturating_sub(protocol.closing_frames())),
            Some(Fault::Garbage) => {
                frames.truncate(2);
                frames.push("data: {\"this is\": no JSON\n\n".to_owned());
            }
            Some(Fault::ErrorChunk) => {
                frames.truncate(4);
                let error = protocol.error(503, "overloaded", "The simulated provider broke off on request.");
                frames.push(protocol.error_frame(&error));
            }
            _ => {}
        }
        let mut steps: VecDeque<Step> = VecDeque::new();
        for frame in frames {
            steps.push_back(Step::Frame(frame));
            if !self.options.pace.is_zero() {
                steps.push_back(Step::Wait(self.options.pace));
            }
        }
        steps.extend(last);
        let shutdown = self.shutdown.clone();
        let stream = futures::stream::unfold(steps, move |mut steps| {
            let shutdown = shutdown.clone();
            async move {
                loop {
                    match steps.pop_front()? {
                        Step::Frame(frame) => return Some((Ok(Bytes::from(frame)), steps)),
                        Step::Wait(time) => tokio::time::sleep(time).await,
                        Step::Stall => shutdown.cancelled().await,
                        Step::Cut => return Some((Err(io::Error::other("cut on request")), steps)),
                    }
                }
            }
        });
        let headers = [(header::CONTENT_TYPE, "text/event-stream; charset=utf-8"), (header::CACHE_CONTROL, "no-cache")];
        (headers, Body::from_stream(stream)).into_response()
    }
}

fn whole(protocol: &dyn Protocol, ask: &answer::Ask, answer: &answer::Answer, fault: Option<Fault>) -> Response {
    let json = [(header::CONTENT_TYPE, "application/json")];
    let body = protocol.whole(ask, answer).to_string();
    match fault {
        Some(Fault::Garbage) => (json, "{\"this is\": no JSON").into_response(),
        Some(Fault::ErrorChunk) => {
            let error = protocol.error(503, "overloaded", "The simulated provider broke off on request.");
            (json, error.to_string()).into_response()
        }
        Some(Fault::CutAfter(_) | Fault::StallAfter(_) | Fault::NoDone) => {
            let half: String = body.chars().take(body.chars().count() / 2).collect();
            let parts = [Ok(Bytes::from(half)), Err(io::Error::other("cut on request"))];
            (json, Body::from_stream(futures::stream::iter(parts))).into_response()
        }
        _ => (json, body).into_response(),
    }
}

fn refusal(protocol: &dyn Protocol, code: u16, retry_after_s: Option<u64>) -> Response {
    let kind = match code {
        401 => "authentication",
        402 => "billing",
        403 => "permission",
        404 => "not_found",
        408 | 504 => "timeout",
        413 => "too_large",
        429 => "rate_limit",
        400..500 => "invalid_request",
        503 | 529 => "overloaded",
        _ => "server",
    };
    let error = protocol.error(code, kind, &format!("The simulated provider fails with {code} on request."));
    let status = StatusCode::from_u16(code).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let mut response = (status, axum::Json(error)).into_response();
    if let Some(seconds) = retry_after_s {
        response.headers_mut().insert(header::RETRY_AFTER, seconds.into());
    }
    response
}

fn bad_request(protocol: &dyn Protocol, kind: &str, message: &str) -> Response {
    (StatusCode::BAD_REQUEST, axum::Json(protocol.error(400, kind, message))).into_response()
}

/// Words with the space before them: about a token each.
pub fn pieces(text: &str) -> Vec<String> {
    let mut pieces: Vec<String> = Vec::new();
    let mut in_word = false;
    for letter in text.chars() {
        let is_space = letter.is_whitespace();
        match pieces.last_mut() {
            Some(piece) if !(is_space && in_word) => piece.push(letter),
            _ => pieces.push(letter.to_string()),
        }
        in_word = !is_space;
    }
    pieces
}

/// The arguments of a call, broken as models break them: anywhere.
pub fn fragments(arguments: &Value) -> Vec<String> {
    let letters: Vec<char> = arguments.to_string().chars().collect();
    letters.chunks(6).map(|letters| letters.iter().collect()).collect()
}

/// A server-sent event without a name.
pub fn data(value: &Value) -> String {
    format!("data: {value}\n\n")
}

/// Reads a JSON body; what is none becomes null, which every protocol refuses.
pub struct JsonBody(pub Value);

impl<S: Send + Sync> axum::extract::FromRequest<S> for JsonBody {
    type Rejection = Infallible;

    async fn from_request(request: axum::extract::Request, _: &S) -> Result<Self, Infallible> {
        let bytes = axum::body::to_bytes(request.into_body(), 64 << 20).await.unwrap_or_default();
        Ok(Self(serde_json::from_slice(&bytes).unwrap_or(Value::Null)))
    }
}
