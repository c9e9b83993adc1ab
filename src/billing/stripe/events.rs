//! What an event makes us do. Events come in any order and more than once: each only
//! says what to read again, and what is read decides.

use serde::Deserialize;

use super::Stripe;
use crate::App;
use crate::billing::purchase::unavailable;
use crate::billing::{refund, top_up};
use crate::error::{Error, Result};
use crate::store::purchases::PurchaseRow;

/// What is read of an event.
#[derive(Debug, Deserialize)]
pub struct Event {
    pub id: String,
    #[serde(rename = "type")]
    pub kind: String,
    pub data: EventData,
}

#[derive(Debug, Deserialize)]
pub struct EventData {
    pub object: Object,
}

/// The object an event is about, as far as it names others.
#[derive(Debug, Deserialize)]
pub struct Object {
    pub id: String,
    #[serde(default)]
    pub payment_intent: Option<String>,
}

impl Event {
    /// Reads an event whose signature was checked.
    ///
    /// # Errors
    /// 400 when it is none.
    pub fn read(body: &[u8]) -> Result<Self> {
        serde_json::from_slice(body).map_err(|error| Error::bad_request("body", format!("This is no event: {error}")))
    }
}

impl Stripe {
    /// Does what an event calls for. Doing it again changes nothing.
    ///
    /// # Errors
    /// Whatever should make Stripe send the event again.
    pub async fn apply(&self, app: &App, event: &Event) -> Result<()> {
        let object = &event.data.object;
        match event.kind.as_str() {
            "checkout.session.completed"
            | "checkout.session.async_payment_succeeded"
            | "checkout.session.async_payment_failed"
            | "checkout.session.expired" => {
                self.settle_session(app, &object.id).await?;
                if event.kind == "checkout.session.async_payment_failed"
                    && let Some(purchase) = app.store.purchase_by_session(&object.id).await?
                {
                    let now = app.clock.now_ms();
                    app.store.end_purchase(&purchase.id, "failed", "The bank did not pay.", now).await?;
                }
            }
            "payment_intent.succeeded" => {
                if let Some(paid) = self.settle_intent(app, &object.id, None).await? {
                    top_up::note_paid(app, &paid).await?;
                }
            }
            "charge.succeeded" | "charge.updated" => {
                if let Some(intent_id) = &object.payment_intent {
                    self.settle_intent(app, intent_id, None).await?;
                }
            }
            "charge.refunded" | "refund.created" | "refund.updated" | "refund.failed" | "charge.refund.updated" => {
                if let Some(intent_id) = &object.payment_intent
                    && let Some(purchase) = self.paid(app, intent_id).await?
                {
                    let refunds = self.refunds_of(intent_id).await.map_err(|error| unavailable(&error))?;
                    refund::note_refunds(app, &purchase, &refunds).await?;
                }
            }
            kind if kind.starts_with("charge.dispute.") => self.apply_dispute(app, &object.id).await?,
            _ => {}
        }
        Ok(())
    }

    async fn apply_dispute(&self, app: &App, dispute_id: &str) -> Result<()> {
        let dispute = self.dispute(dispute_id).await.map_err(|error| unavailable(&error))?;
        let (Some(state), Some(intent_id)) = (dispute.state(), &dispute.payment_intent) else { return Ok(()) };
        let Some(purchase) = self.paid(app, intent_id).await? else { return Ok(()) };
        let amount = super::amount_of(dispute.amount);
        refund::note_dispute(app, &purchase, &dispute.id, amount, state).await
    }

    /// The purchase this payment paid for, which is credited first if it was not. `None`
    /// for a payment that did not succeed.
    async fn paid(&self, app: &App, intent_id: &str) -> Result<Option<PurchaseRow>> {
        match app.store.purchase_by_payment(intent_id).await? {
            Some(purchase) => Ok(Some(purchase)),
            None => self.settle_intent(app, intent_id, None).await,
        }
    }
}
