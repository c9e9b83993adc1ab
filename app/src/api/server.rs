//! The transport of the server: a call into the API's own router, within the process.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use bytes::Bytes;
use http::{Request, Response};

use super::{ApiError, ApiResult};

/// An answer under way.
pub type Sent = Pin<Box<dyn Future<Output = Result<Response<Bytes>, String>> + Send>>;

/// The API as one page request reaches it.
#[derive(Clone)]
pub struct Api {
    send: Arc<dyn Fn(Request<Bytes>) -> Sent + Send + Sync>,
}

impl Api {
    /// A client that sends through `send`.
    pub fn new(send: impl Fn(Request<Bytes>) -> Sent + Send + Sync + 'static) -> Self {
        Self { send: Arc::new(send) }
    }

    pub(super) async fn send(&self, request: Request<Bytes>) -> ApiResult<Response<Bytes>> {
        (self.send)(request).await.map_err(ApiError::unreachable)
    }
}

/// The client of the page being rendered.
///
/// # Panics
/// When the page was rendered without one, which is a mistake of the server's wiring.
#[must_use]
pub fn use_api() -> Api {
    leptos::prelude::expect_context::<Api>()
}
