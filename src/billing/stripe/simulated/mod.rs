//! A stand-in for Stripe with its protocol: sessions, payments, refunds, disputes,
//! a hosted checkout page, signed events. For demo mode, tests and trials; no money
//! is moved.
//!
//! Cards: 4242 4242 4242 4242 pays, 4000 0000 0000 0002 is declined,
//! 4000 0025 0000 3155 pays once and wants its holder when charged later,
//! 4000 0000 0000 0341 pays once and is declined when charged later.

mod api;
mod page;
mod world;

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::routing::{get, post};
use parking_lot::Mutex;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

use self::world::World;
use super::signature;
use crate::clock::Clock;

/// Tries of a delivery, with a second between them.
const DELIVERIES: u32 = 5;

/// How it runs.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// Where programs reach it, without a slash at the end.
    pub base_url: String,
    /// Where people do.
    pub page_url: String,
    pub secret_key: String,
    pub webhook_secret: String,
    /// Where events go at once; without it they wait for [`Simulated::take_events`].
    pub webhook_url: Option<String>,
}

/// The simulator. Cheap to clone.
#[derive(Clone)]
pub struct Simulated {
    inner: Arc<Inner>,
}

struct Inner {
    options: Options,
    clock: Clock,
    client: reqwest::Client,
    world: Mutex<World>,
}

impl Simulated {
    /// A world in which nothing has happened yet.
    #[must_use]
    pub fn new(options: Options, clock: Clock, client: reqwest::Client) -> Self {
        Self { inner: Arc::new(Inner { options, clock, client, world: Mutex::default() }) }
    }

    /// What it answers: the API below `/v1`, the checkout page below `/pay`.
    pub fn router(&self) -> Router {
        Router::new()
            .route("/v1/customers", post(api::create_customer))
            .route("/v1/checkout/sessions", post(api::create_session))
            .route("/v1/checkout/sessions/{id}", get(api::show_session))
            .route("/v1/payment_intents", post(api::create_intent))
            .route("/v1/payment_intents/{id}", get(api::show_intent))
            .route("/v1/payment_methods/{id}/detach", post(api::detach_method))
            .route("/v1/refunds", post(api::create_refund).get(api::list_refunds))
            .route("/v1/disputes/{id}", get(api::show_dispute))
            .route("/pay/{id}", get(page::show).post(page::pay))
            .with_state(self.clone())
    }

    /// Serves it on a socket of its own, until the task is aborted.
    pub fn serve(&self, listener: TcpListener) -> JoinHandle<()> {
        let router = self.router();
        tokio::spawn(async move {
            if let Err(error) = axum::serve(listener, router).await {
                tracing::error!(%error, "The simulated payment service ended");
            }
        })
    }

    /// Pays a session with a card, as the page does.
    ///
    /// # Errors
    /// What the bank says.
    pub fn pay(&self, session_id: &str, card_number: &str) -> Result<(), String> {
        let events = self.inner.world.lock().pay(session_id, card_number)?;
        self.emit(events);
        Ok(())
    }

    /// Lets a session run out.
    pub fn expire(&self, session_id: &str) {
        let events = self.inner.world.lock().expire(session_id);
        self.emit(events);
    }

    /// Pays back on the operator's side. `None` for an unknown payment.
    pub fn refund(&self, intent_id: &str, cents: i64) -> Option<String> {
        let (refund, events) = self.inner.world.lock().refund(intent_id, cents, &json!({})).ok()?;
        self.emit(events);
        refund["id"].as_str().map(str::to_owned)
    }

    /// The payer's bank wants its money back, or has decided: `needs_response`, `won`,
    /// `lost`. Gives the dispute's id.
    pub fn dispute(&self, intent_id: &str, status: &str) -> Option<String> {
        let (id, events) = self.inner.world.lock().dispute(intent_id, status)?;
        self.emit(events);
        Some(id)
    }

    /// Every payment that succeeded: id, cents and the organization it was noted for.
    #[must_use]
    pub fn paid(&self) -> Vec<(String, i64, String)> {
        self.inner.world.lock().paid()
    }

    /// Events nobody has seen, oldest first.
    #[must_use]
    pub fn take_events(&self) -> Vec<Value> {
        std::mem::take(&mut self.inner.world.lock().events)
    }

    /// Sends an event now; the status of the answer, 0 without one.
    pub async fn deliver(&self, event: &Value, webhook_url: &str) -> u16 {
        let body = event.to_string();
        let now_s = self.inner.clock.now_ms() / 1_000;
        let header = signature::sign(body.as_bytes(), &self.inner.options.webhook_secret, now_s);
        let request = self.inner.client.post(webhook_url).header("stripe-signature", header);
        let request = request.header("content-type", "application/json").timeout(Duration::from_secs(30));
        request.body(body).send().await.map_or(0, |response| response.status().as_u16())
    }

    fn emit(&self, events: Vec<Value>) {
        let Some(url) = self.inner.options.webhook_url.clone() else {
            self.inner.world.lock().events.extend(events);
            return;
        };
        let simulated = self.clone();
        tokio::spawn(async move {
            for event in events {
                for _ in 0..DELIVERIES {
                    if (200..300).contains(&simulated.deliver(&event, &url).await) {
                        break;
                    }
                    tokio::time::sleep(Duration::from_secs(1)).await;
                }
            }
        });
    }
}
