//! The transport of the browser: `fetch`, and answers that arrive in pieces.

use bytes::Bytes;
use futures::StreamExt as _;
use futures::stream::LocalBoxStream;
use gloo_net::http::{Method, RequestBuilder};
use http::{Request, Response};
use send_wrapper::SendWrapper;
use serde_json::Value;
use wasm_bindgen::JsCast as _;
use web_sys::AbortSignal;

use super::{ApiError, ApiResult, ChatChunk};
use crate::types::sse::Decoder;

/// The API as this page's origin offers it.
#[derive(Clone, Copy, Debug)]
pub struct Api;

/// The chunks of an answer as they arrive.
pub type ChatStream = LocalBoxStream<'static, ApiResult<ChatChunk>>;

/// The client of this browser.
#[must_use]
pub fn use_api() -> Api {
    Api
}

impl Api {
    /// One call and its answer. `fetch` stays on its thread, which is the only one there is.
    pub(super) async fn send(&self, request: Request<Bytes>) -> ApiResult<Response<Bytes>> {
        SendWrapper::new(async move {
            let (parts, body) = request.into_parts();
            let method = Method::from_bytes(parts.method.as_str().as_bytes()).map_err(ApiError::unreachable)?;
            let mut builder = RequestBuilder::new(&parts.uri.to_string()).method(method);
            for (name, value) in &parts.headers {
                builder = builder.header(name.as_str(), value.to_str().unwrap_or_default());
            }
            let request = if body.is_empty() {
                builder.build()
            } else {
                builder.body(String::from_utf8_lossy(&body).into_owned())
            }
            .map_err(ApiError::unreachable)?;
            let response = request.send().await.map_err(ApiError::unreachable)?;
            let status = response.status();
            let bytes = response.binary().await.map_err(ApiError::unreachable)?;
            Response::builder().status(status).body(Bytes::from(bytes)).map_err(ApiError::unreachable)
        })
        .await
    }

    /// Sends a request for a streamed answer. The answer ends early when `abort` fires.
    pub async fn chat(&self, body: &Value, abort: &AbortSignal) -> ApiResult<ChatStream> {
        let response = RequestBuilder::new("/api/v1/chat/completions")
            .method(Method::POST)
            .abort_signal(Some(abort))
            .header("x-openrouter-title", "Chat")
            .json(body)
            .map_err(ApiError::unreachable)?
            .send()
            .await
            .map_err(ApiError::unreachable)?;
        if !response.ok() {
            let status = response.status();
            let body = response.binary().await.unwrap_or_default();
            return Err(ApiError::from_answer(status, &body));
        }
        let Some(body) = response.body() else {
            return Err(ApiError::unreachable("the answer was empty"));
        };
        Ok(chunks(wasm_streams::ReadableStream::from_raw(body.unchecked_into())))
    }
}

fn chunks(body: wasm_streams::ReadableStream) -> ChatStream {
    let mut decoder = Decoder::default();
    body.into_stream()
        .map(move |piece| {
            let bytes = match piece {
                Ok(piece) => js_sys::Uint8Array::new(&piece).to_vec(),
                Err(_) => return vec![Err(ApiError::unreachable("the answer broke off"))],
            };
            let mut events = Vec::new();
            if decoder.push(&bytes, &mut events).is_err() {
                return vec![Err(ApiError::unreachable("the answer was too long for one event"))];
            }
            events.iter().filter_map(|event| ChatChunk::parse(&event.data)).map(Ok).collect()
        })
        .flat_map(futures::stream::iter)
        .boxed_local()
}
