//! The parts of Stripe's objects that are read.

use std::collections::HashMap;

use app::types::Money;
use serde::Deserialize;

use crate::billing::refund::{DisputeState, Refund};

/// Nano-USD of a cent.
const CENT: i64 = 10_000_000;

/// Whole cents.
pub(super) const fn cents_of(amount: Money) -> i64 {
    amount.0 / CENT
}

pub(super) const fn amount_of(cents: i64) -> Money {
    Money::from_cents(cents)
}

#[derive(Debug, Deserialize)]
pub(super) struct Customer {
    pub id: String,
}

#[derive(Debug, Deserialize)]
pub(super) struct Session {
    pub id: String,
    pub url: Option<String>,
    pub status: Option<String>,
    pub payment_status: String,
    pub payment_intent: Option<String>,
}

#[derive(Debug, Deserialize)]
pub(super) struct PaymentIntent {
    pub id: String,
    pub status: String,
    #[serde(default)]
    pub amount_received: i64,
    pub currency: String,
    #[serde(default)]
    pub metadata: HashMap<String, String>,
    pub customer: Option<String>,
    pub payment_method: Option<Method>,
    pub setup_future_usage: Option<String>,
}

/// A payment method: its id, or the whole of it where it was asked for.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
pub(super) enum Method {
    Whole { id: String, card: Option<Card> },
    Id(serde::de::IgnoredAny),
}

#[derive(Debug, Deserialize)]
pub(super) struct Card {
    pub brand: String,
    pub last4: String,
}

impl Method {
    /// The id, and how a person calls the card.
    pub fn label(self) -> Option<(String, String)> {
        let Self::Whole { id, card: Some(card) } = self else { return None };
        let mut brand = card.brand;
        if let Some(first) = brand.get_mut(..1) {
            first.make_ascii_uppercase();
        }
        Some((id, format!("{brand} •••• {}", card.last4)))
    }
}

#[derive(Debug, Deserialize)]
pub(super) struct Refunded {
    pub id: String,
    pub amount: i64,
    pub status: Option<String>,
    #[serde(default)]
    pub metadata: Option<HashMap<String, String>>,
}

impl Refunded {
    pub fn has_failed(&self) -> bool {
        matches!(self.status.as_deref(), Some("failed" | "canceled"))
    }

    pub fn into_refund(self) -> Refund {
        Refund {
            has_failed: self.has_failed(),
            amount: amount_of(self.amount),
            transfer_id: self.metadata.unwrap_or_default().remove("transfer_id"),
            id: self.id,
        }
    }
}

#[derive(Debug, Deserialize)]
pub(super) struct Dispute {
    pub id: String,
    pub amount: i64,
    pub status: String,
    pub payment_intent: Option<String>,
}

impl Dispute {
    /// Where it stands; `None` while it is only a question and no money moved.
    pub fn state(&self) -> Option<DisputeState> {
        match self.status.as_str() {
            "won" => Some(DisputeState::Won),
            "lost" => Some(DisputeState::Lost),
            status if status.starts_with("warning_") => None,
            _ => Some(DisputeState::Open),
        }
    }
}

#[derive(Debug, Deserialize)]
pub(super) struct List<T> {
    pub data: Vec<T>,
}

#[derive(Debug, Default, Deserialize)]
pub(super) struct Problem {
    pub error: Detail,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Detail {
    #[serde(rename = "type")]
    pub kind: String,
    pub code: String,
    pub message: String,
}
