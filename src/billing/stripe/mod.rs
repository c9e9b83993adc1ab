//! Cards, through Stripe's hosted checkout page: a thin typed client of the seven
//! calls that are needed.
//!
//! The maintained crate for all of Stripe's API generates hundreds of types and
//! adds minutes to every build; what is used here is a few fields of five objects.
//! Every call that changes something carries an idempotency key made of our own
//! ids, so that repeating it after a lost answer does nothing twice.

pub mod events;
pub mod signature;
pub mod simulated;
mod wire;

use std::time::Duration;

use app::types::Money;
use serde::de::DeserializeOwned;
use url::form_urlencoded::Serializer;

use self::wire::{Customer, Dispute, List, PaymentIntent, Problem, Refunded, Session, amount_of, cents_of};
use super::payments::{CARD, Checkout, Note, Payment, PaymentError};
use super::purchase;
use super::refund::Refund;
use crate::App;
use crate::config::StripeSettings;
use crate::error::Result;
use crate::store::purchases::PurchaseRow;

/// Where Stripe sends its events.
pub const WEBHOOK_PATH: &str = "/webhooks/stripe";
/// The version of the API this client was written for.
const API_VERSION: &str = "2025-03-31.basil";
const PATIENCE: Duration = Duration::from_secs(30);
/// Tries of a call whose answer was lost.
const TRIES: u32 = 3;

/// The client.
pub struct Stripe {
    settings: StripeSettings,
    client: reqwest::Client,
}

/// How a charge of a saved card ended.
#[derive(Clone, Debug)]
pub enum Charge {
    Paid(Box<Payment>),
    /// The bank has not decided yet; an event will tell.
    Pending,
}

impl Stripe {
    pub(super) const fn new(settings: StripeSettings, client: reqwest::Client) -> Self {
        Self { settings, client }
    }

    /// The secrets events may be signed with: the present one and the one before.
    #[must_use]
    pub fn webhook_secrets(&self) -> Vec<&str> {
        let all = [self.settings.webhook_secret.as_str(), self.settings.previous_webhook_secret.as_str()];
        all.into_iter().filter(|secret| !secret.is_empty()).collect()
    }

    /// Makes the customer that stands for an organization.
    ///
    /// # Errors
    /// [`PaymentError`]
    pub async fn create_customer(&self, organization_id: &str, email: &str) -> Result<String, PaymentError> {
        let mut form = vec![("metadata[organization_id]".to_owned(), organization_id.to_owned())];
        if !email.is_empty() {
            form.push(("email".to_owned(), email.to_owned()));
        }
        let customer: Customer = self.post("customers", &format!("customer:{organization_id}"), &form).await?;
        Ok(customer.id)
    }

    /// Opens a hosted page where a purchase is paid.
    ///
    /// # Errors
    /// [`PaymentError`]
    pub async fn open_checkout(
        &self,
        purchase: &PurchaseRow,
        customer_id: &str,
        saves_card: bool,
        site: &str,
    ) -> Result<Checkout, PaymentError> {
        let mut form = vec![
            ("mode".to_owned(), "payment".to_owned()),
            ("client_reference_id".to_owned(), purchase.id.clone()),
            ("customer".to_owned(), customer_id.to_owned()),
            ("success_url".to_owned(), format!("{site}/credits/return?session_id={{CHECKOUT_SESSION_ID}}")),
            ("cancel_url".to_owned(), format!("{site}/credits/return")),
        ];
        for (name, value) in Note::of(purchase).pairs() {
            form.push((format!("metadata[{name}]"), value.clone()));
            form.push((format!("payment_intent_data[metadata][{name}]"), value));
        }
        if saves_card {
            form.push(("payment_intent_data[setup_future_usage]".to_owned(), "off_session".to_owned()));
        }
        let lines = [("Credit", purchase.credit_nanos), ("Processing fee", purchase.fee_nanos)];
        for (number, (name, nanos)) in lines.into_iter().enumerate() {
            let price = |part: &str| format!("line_items[{number}][price_data]{part}");
            form.push((price("[currency]"), "usd".to_owned()));
            form.push((price("[product_data][name]"), name.to_owned()));
            form.push((price("[unit_amount]"), cents_of(Money(nanos)).to_string()));
            form.push((format!("line_items[{number}][quantity]"), "1".to_owned()));
        }
        let session: Session = self.post("checkout/sessions", &format!("checkout:{}", purchase.id), &form).await?;
        let url = session.url.ok_or_else(|| PaymentError::Refused("the checkout page has no address".to_owned()))?;
        Ok(Checkout { session_id: session.id, url })
    }

    /// Charges a saved card while nobody is there.
    ///
    /// # Errors
    /// [`PaymentError::Declined`] when the bank says no or wants to see the holder.
    pub async fn charge_saved_card(
        &self,
        purchase: &PurchaseRow,
        customer_id: &str,
        card_id: &str,
    ) -> Result<Charge, PaymentError> {
        let total = Money(purchase.credit_nanos).plus(Money(purchase.fee_nanos));
        let mut form = vec![
            ("amount".to_owned(), cents_of(total).to_string()),
            ("currency".to_owned(), "usd".to_owned()),
            ("customer".to_owned(), customer_id.to_owned()),
            ("payment_method".to_owned(), card_id.to_owned()),
            ("off_session".to_owned(), "true".to_owned()),
            ("confirm".to_owned(), "true".to_owned()),
            ("expand[]".to_owned(), "payment_method".to_owned()),
        ];
        form.extend(Note::of(purchase).pairs().into_iter().map(|(name, value)| (format!("metadata[{name}]"), value)));
        let intent: PaymentIntent = self.post("payment_intents", &format!("charge:{}", purchase.id), &form).await?;
        match intent.status.as_str() {
            "succeeded" => Ok(Charge::Paid(Box::new(payment(intent, None)))),
            "processing" => Ok(Charge::Pending),
            status => Err(PaymentError::Declined {
                message: "The bank wants the card's holder to confirm the payment.".to_owned(),
                needs_authentication: status == "requires_action",
            }),
        }
    }

    /// Pays part of a payment back. `transfer_id` names it once for ever.
    ///
    /// # Errors
    /// [`PaymentError`]
    pub async fn refund(&self, payment_id: &str, amount: Money, transfer_id: &str) -> Result<(), PaymentError> {
        let form = [
            ("payment_intent".to_owned(), payment_id.to_owned()),
            ("amount".to_owned(), cents_of(amount).to_string()),
            ("metadata[transfer_id]".to_owned(), transfer_id.to_owned()),
        ];
        let refund: Refunded = self.post("refunds", transfer_id, &form).await?;
        if refund.has_failed() {
            return Err(PaymentError::Refused(format!("refund {} has failed", refund.id)));
        }
        Ok(())
    }

    /// Forgets a saved card there, too.
    ///
    /// # Errors
    /// [`PaymentError`]
    pub async fn detach_card(&self, card_id: &str) -> Result<(), PaymentError> {
        let path = format!("payment_methods/{card_id}/detach");
        self.post::<serde_json::Value>(&path, &format!("detach:{card_id}"), &[]).await.map(|_| ())
    }

    /// Reads a checkout session and credits what was paid, or notes that it ended.
    ///
    /// # Errors
    /// As [`purchase::credit`], and 503 when Stripe does not answer.
    pub async fn settle_session(&self, app: &App, session_id: &str) -> Result<Option<PurchaseRow>> {
        let session: Session =
            self.get(&format!("checkout/sessions/{session_id}"), &[]).await.map_err(|e| purchase::unavailable(&e))?;
        if session.payment_status == "paid"
            && let Some(intent_id) = &session.payment_intent
        {
            return self.settle_intent(app, intent_id, Some(session.id)).await;
        }
        let known = app.store.purchase_by_session(&session.id).await?;
        if let (Some(known), Some("expired")) = (&known, session.status.as_deref()) {
            let text = "The checkout page was not used in time.";
            app.store.end_purchase(&known.id, "expired", text, app.clock.now_ms()).await?;
            return Ok(app.store.purchase(&known.id).await?);
        }
        Ok(known)
    }

    /// Reads a payment and credits it if it succeeded. `None`: it did not, or not yet.
    ///
    /// # Errors
    /// As [`purchase::credit`], and 503 when Stripe does not answer.
    pub async fn settle_intent(
        &self,
        app: &App,
        intent_id: &str,
        session_id: Option<String>,
    ) -> Result<Option<PurchaseRow>> {
        let expand = [("expand[]", "payment_method")];
        let intent: PaymentIntent =
            self.get(&format!("payment_intents/{intent_id}"), &expand).await.map_err(|e| purchase::unavailable(&e))?;
        if intent.status != "succeeded" || intent.currency != "usd" || intent.amount_received <= 0 {
            return Ok(None);
        }
        purchase::credit(app, &payment(intent, session_id)).await.map(Some)
    }

    /// The refunds of a payment.
    ///
    /// # Errors
    /// [`PaymentError`]
    pub async fn refunds_of(&self, intent_id: &str) -> Result<Vec<Refund>, PaymentError> {
        let query = [("payment_intent", intent_id), ("limit", "100")];
        let list: List<Refunded> = self.get("refunds", &query).await?;
        Ok(list.data.into_iter().map(Refunded::into_refund).collect())
    }

    async fn dispute(&self, id: &str) -> Result<Dispute, PaymentError> {
        self.get(&format!("disputes/{id}"), &[]).await
    }

    async fn get<T: DeserializeOwned>(&self, path: &str, query: &[(&str, &str)]) -> Result<T, PaymentError> {
        let query = Serializer::new(String::new()).extend_pairs(query).finish();
        let url = format!("{}/v1/{path}?{query}", self.settings.base_url.trim_end_matches('/'));
        self.repeat(|| self.client.get(&url)).await
    }

    async fn post<T: DeserializeOwned>(
        &self,
        path: &str,
        idempotency_key: &str,
        form: &[(String, String)],
    ) -> Result<T, PaymentError> {
        let body = Serializer::new(String::new()).extend_pairs(form).finish();
        let url = format!("{}/v1/{path}", self.settings.base_url.trim_end_matches('/'));
        self.repeat(|| {
            self.client
                .post(&url)
                .header("content-type", "application/x-www-form-urlencoded")
                .header("idempotency-key", idempotency_key)
                .body(body.clone())
        })
        .await
    }

    /// Sends a call, again while its answer is lost: its idempotency key makes that safe.
    async fn repeat<T: DeserializeOwned>(
        &self,
        request: impl Fn() -> reqwest::RequestBuilder,
    ) -> Result<T, PaymentError> {
        let mut tries = 0;
        loop {
            tries += 1;
            match self.call(request()).await {
                Err(PaymentError::Unreachable(cause)) if tries < TRIES => {
                    tracing::warn!(cause, tries, "Stripe did not answer; asking again");
                    tokio::time::sleep(Duration::from_millis(200 * u64::from(tries))).await;
                }
                outcome => return outcome,
            }
        }
    }

    async fn call<T: DeserializeOwned>(&self, request: reqwest::RequestBuilder) -> Result<T, PaymentError> {
        let unreachable = |error: reqwest::Error| PaymentError::Unreachable(error.without_url().to_string());
        let request = request.bearer_auth(&self.settings.secret_key).header("stripe-version", API_VERSION);
        let response = request.timeout(PATIENCE).send().await.map_err(unreachable)?;
        let status = response.status().as_u16();
        let body = response.bytes().await.map_err(unreachable)?;
        if (200..300).contains(&status) {
            return serde_json::from_slice(&body)
                .map_err(|error| PaymentError::Refused(format!("the answer was not understood: {error}")));
        }
        let problem = serde_json::from_slice::<Problem>(&body).unwrap_or_default().error;
        Err(match (status, problem.kind.as_str()) {
            (402, _) | (_, "card_error") => PaymentError::Declined {
                needs_authentication: problem.code == "authentication_required",
                message: problem.message,
            },
            // Another call with this key is under way, or it is Stripe that failed.
            (409 | 429 | 500.., _) => PaymentError::Unreachable(format!("status {status}: {}", problem.message)),
            _ => PaymentError::Refused(format!("status {status}: {}", problem.message)),
        })
    }
}

fn payment(intent: PaymentIntent, session_id: Option<String>) -> Payment {
    let keeps_card = intent.setup_future_usage.is_some();
    let card = intent.payment_method.and_then(wire::Method::label).filter(|_| keeps_card);
    Payment {
        id: intent.id,
        method: CARD,
        received: amount_of(intent.amount_received),
        session_id,
        note: Note::read(|name| intent.metadata.get(name).cloned()),
        customer_id: intent.customer,
        card,
    }
}
