//! What has happened, as Stripe's own objects.

use std::collections::HashMap;

use serde_json::{Value, json};

/// A card that is declined.
const DECLINED: &str = "4000000000000002";
/// Pays once; later its holder has to be there.
const AUTHENTICATES: &str = "4000002500003155";
/// Pays once; later it is declined.
const DECLINED_LATER: &str = "4000000000000341";

/// Why a call is refused, in Stripe's words.
#[derive(Debug)]
pub struct Refusal {
    pub status: u16,
    pub kind: &'static str,
    pub code: &'static str,
    pub message: String,
}

impl Refusal {
    pub fn new(message: impl Into<String>) -> Self {
        Self { status: 400, kind: "invalid_request_error", code: "", message: message.into() }
    }

    pub fn missing(what: &str) -> Self {
        Self { status: 404, code: "resource_missing", ..Self::new(format!("No such {what}")) }
    }

    fn card(code: &'static str, message: &str) -> Self {
        Self { status: 402, kind: "card_error", code, message: message.to_owned() }
    }
}

/// Everything there is, by id.
#[derive(Debug, Default)]
pub struct World {
    pub sessions: HashMap<String, Value>,
    pub intents: HashMap<String, Value>,
    pub refunds: Vec<Value>,
    pub disputes: HashMap<String, Value>,
    pub events: Vec<Value>,
    /// Answers by idempotency key, with what was asked.
    pub answered: HashMap<String, (String, Value)>,
}

/// An id nobody has used.
pub fn fresh(prefix: &str) -> String {
    format!("{prefix}_sim_{:016x}", rand::random::<u64>())
}

pub fn event(kind: &str, object: &Value) -> Value {
    json!({ "id": fresh("evt"), "object": "event", "type": kind, "livemode": false, "data": { "object": object } })
}

fn text<'a>(value: &'a Value, name: &str) -> &'a str {
    value[name].as_str().unwrap_or_default()
}

/// A card as a payment method; its id says how it behaves, so that it outlives this process.
fn method_of(number: &str) -> Value {
    let behaviour = match number {
        AUTHENTICATES => "authenticates",
        DECLINED_LATER => "declined",
        _ => "pays",
    };
    let last4: String = number.chars().skip(number.chars().count().saturating_sub(4)).collect();
    let id = format!("{}-{behaviour}-{last4}", fresh("pm"));
    json!({ "id": id, "object": "payment_method", "type": "card", "card": { "brand": "visa", "last4": last4 } })
}

/// The payment method behind an id.
pub fn method_by_id(id: &str) -> Value {
    let last4 = id.rsplit('-').next().unwrap_or("0000");
    json!({ "id": id, "object": "payment_method", "type": "card", "card": { "brand": "visa", "last4": last4 } })
}

impl World {
    /// Pays a session; the events it causes.
    pub fn pay(&mut self, session_id: &str, card_number: &str) -> Result<Vec<Value>, String> {
        let number: String = card_number.chars().filter(char::is_ascii_digit).collect();
        let session = self.sessions.get_mut(session_id).ok_or("There is no such checkout page.")?;
        if text(session, "status") != "open" {
            return Err("This checkout page was used already.".to_owned());
        }
        if number.len() < 12 {
            return Err("Your card number is incomplete.".to_owned());
        }
        if number == DECLINED {
            return Err("Your card was declined.".to_owned());
        }
        let method = method_of(&number);
        let intent = json!({
            "id": fresh("pi"), "object": "payment_intent", "status": "succeeded", "currency": "usd",
            "amount": session["amount_total"], "amount_received": session["amount_total"],
            "customer": session["customer"], "metadata": session["intent_metadata"],
            "setup_future_usage": session["setup_future_usage"], "payment_method": method["id"],
            "amount_refunded": 0,
        });
        session["status"] = json!("complete");
        session["payment_status"] = json!("paid");
        session["payment_intent"] = intent["id"].clone();
        let session = session.clone();
        let mut events = self.succeed(intent);
        events.push(event("checkout.session.completed", &session));
        Ok(events)
    }

    /// Keeps a payment that succeeded; the events of it.
    pub fn succeed(&mut self, intent: Value) -> Vec<Value> {
        let charge = json!({
            "id": fresh("ch"), "object": "charge", "payment_intent": intent["id"], "amount": intent["amount"],
            "paid": true, "status": "succeeded",
        });
        let events = vec![
            event("payment_intent.created", &intent),
            event("charge.succeeded", &charge),
            event("payment_intent.succeeded", &intent),
            event("charge.updated", &charge),
        ];
        self.intents.insert(text(&intent, "id").to_owned(), intent);
        events
    }

    /// Charges a saved card without its holder.
    pub fn charge(method_id: &str) -> Result<(), Refusal> {
        match method_id.rsplit('-').nth(1) {
            Some("pays") => Ok(()),
            Some("authenticates") => {
                Err(Refusal::card("authentication_required", "This payment requires the cardholder's confirmation."))
            }
            Some("declined") => Err(Refusal::card("card_declined", "Your card was declined.")),
            _ => Err(Refusal::missing("payment_method")),
        }
    }

    pub fn expire(&mut self, session_id: &str) -> Vec<Value> {
        let Some(session) = self.sessions.get_mut(session_id).filter(|it| text(it, "status") == "open") else {
            return Vec::new();
        };
        session["status"] = json!("expired");
        vec![event("checkout.session.expired", session)]
    }

    pub fn refund(&mut self, intent_id: &str, cents: i64, metadata: &Value) -> Result<(Value, Vec<Value>), Refusal> {
        let intent = self.intents.get_mut(intent_id).ok_or_else(|| Refusal::missing("payment_intent"))?;
        let number = |name: &str| intent[name].as_i64().unwrap_or(0);
        let after = number("amount_refunded") + cents;
        if cents <= 0 || after > number("amount_received") {
            return Err(Refusal::new("Refund amount is greater than unrefunded amount on charge"));
        }
        intent["amount_refunded"] = json!(after);
        let refund = json!({
            "id": fresh("re"), "object": "refund", "amount": cents, "currency": "usd", "status": "succeeded",
            "payment_intent": intent_id, "metadata": metadata,
        });
        self.refunds.push(refund.clone());
        let charge = json!({ "id": fresh("ch"), "object": "charge", "payment_intent": intent_id, "refunded": true });
        let events = vec![event("refund.created", &refund), event("charge.refunded", &charge)];
        Ok((refund, events))
    }

    pub fn dispute(&mut self, intent_id: &str, status: &str) -> Option<(String, Vec<Value>)> {
        let amount = self.intents.get(intent_id)?["amount_received"].clone();
        let known = self.disputes.values().find(|dispute| text(dispute, "payment_intent") == intent_id);
        let id = known.map_or_else(|| fresh("dp"), |dispute| text(dispute, "id").to_owned());
        let is_new = known.is_none();
        let dispute = json!({
            "id": id, "object": "dispute", "amount": amount, "currency": "usd", "status": status,
            "payment_intent": intent_id,
        });
        let mut events = Vec::new();
        if is_new {
            events.push(event("charge.dispute.created", &dispute));
        }
        if matches!(status, "won" | "lost") {
            events.push(event("charge.dispute.closed", &dispute));
        }
        self.disputes.insert(id.clone(), dispute);
        Some((id, events))
    }

    pub fn paid(&self) -> Vec<(String, i64, String)> {
        let paid = self.intents.values().filter(|intent| text(intent, "status") == "succeeded");
        paid.map(|intent| {
            let organization_id = text(&intent["metadata"], "organization_id");
            (text(intent, "id").to_owned(), intent["amount_received"].as_i64().unwrap_or(0), organization_id.to_owned())
        })
        .collect()
    }
}
