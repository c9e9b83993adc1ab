//! The way in: requests for the busiest route pass few layers, all others every one.
//!
//! A layer of the router costs each request a copy of the service and a future on
//! the heap. A completion asked for with a key needs neither session nor
//! compression nor a search through all routes.

use std::convert::Infallible;
use std::net::IpAddr;
use std::sync::Arc;
use std::task::{Context, Poll};

use axum::Router;
use axum::body::HttpBody;
use axum::http::{HeaderMap, Request, header};
use axum::middleware::from_fn_with_state;
use axum::response::Response;
use axum::routing::future::RouteFuture;
use axum::routing::post;
use bytes::Bytes;
use tower::{Service, ServiceBuilder};
use tower_http::catch_panic::CatchPanicLayer;

use super::address::{self, Peer};
use super::{answer_panic, cors, inference, no_sniff, observe};
use crate::App;

/// What a connection is served by.
#[derive(Clone)]
pub struct Front {
    /// For requests that bring a key.
    keyed: Router,
    all: Router,
    /// The other side of the connection.
    peer: Option<Peer>,
}

impl Front {
    /// What one connection is served by.
    #[must_use]
    pub fn of(&self, peer: IpAddr) -> Self {
        Self { peer: Some(Peer(peer)), ..self.clone() }
    }

    pub(super) fn new(app: &Arc<App>, all: Router) -> Self {
        let layers = ServiceBuilder::new().layer(no_sniff()).layer(CatchPanicLayer::custom(answer_panic)).layer(cors());
        let mut keyed = Router::new().route("/api/v1/chat/completions", post(inference::chat_completions));
        if app.rate_limits.counts_addresses() {
            keyed = keyed.layer(from_fn_with_state(Arc::clone(app), address::limit));
        }
        if app.telemetry.is_on() {
            keyed = keyed.layer(from_fn_with_state(Arc::clone(app), observe::watch));
        }
        let keyed = keyed.with_state(Arc::clone(app)).layer(layers).fallback_service(all.clone());
        Self { keyed, all, peer: None }
    }
}

impl<B> Service<Request<B>> for Front
where
    B: HttpBody<Data = Bytes> + Send + 'static,
    B::Error: Into<axum::BoxError>,
{
    type Response = Response;
    type Error = Infallible;
    type Future = RouteFuture<Infallible>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, mut request: Request<B>) -> Self::Future {
        if let Some(peer) = self.peer {
            request.extensions_mut().insert(peer);
        }
        // Whoever shows a session instead may be the chat page.
        if has_key(request.headers()) { self.keyed.call(request) } else { self.all.call(request) }
    }
}

fn has_key(headers: &HeaderMap) -> bool {
    headers.contains_key(header::AUTHORIZATION)
}
