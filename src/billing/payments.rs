//! The ways to pay, behind one set of words: what a purchase needs to know of them.

use app::types::Money;
use app::types::credits::{FeeRate, PaymentMethod};

use super::coinbase::Coinbase;
use super::stripe::simulated::{Options, Simulated};
use super::stripe::{Stripe, WEBHOOK_PATH};
use crate::clock::Clock;
use crate::config::BillingSettings;
use crate::store::purchases::PurchaseRow;

/// Where the simulated service is, in demo mode.
pub const SIMULATED_PATH: &str = "/simulated-payments";
/// By card, on the payment service's own page.
pub const CARD: &str = "card";
/// With coins.
pub const CRYPTO: &str = "crypto";

/// Where somebody pays.
#[derive(Clone, Debug)]
pub struct Checkout {
    pub session_id: String,
    pub url: String,
}

/// Money that came.
#[derive(Clone, Debug, Default)]
pub struct Payment {
    /// What the payment service calls it: it is credited once for ever.
    pub id: String,
    pub method: &'static str,
    pub received: Money,
    pub session_id: Option<String>,
    /// What our own purchase left with it.
    pub note: Note,
    pub customer_id: Option<String>,
    /// The card to keep and how to call it.
    pub card: Option<(String, String)>,
}

/// What a purchase leaves with the payment service, so that money finds its way
/// back even if our own row is lost.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Note {
    pub purchase_id: String,
    pub organization_id: String,
    pub user_id: String,
    pub credit: Option<Money>,
    pub fee: Option<Money>,
}

impl Note {
    /// Of this purchase.
    #[must_use]
    pub fn of(purchase: &PurchaseRow) -> Self {
        Self {
            purchase_id: purchase.id.clone(),
            organization_id: purchase.organization_id.clone(),
            user_id: purchase.user_id.clone(),
            credit: Some(Money(purchase.credit_nanos)),
            fee: Some(Money(purchase.fee_nanos)),
        }
    }

    /// Names and values.
    #[must_use]
    pub fn pairs(&self) -> Vec<(&'static str, String)> {
        let amount = |amount: Option<Money>| amount.unwrap_or_default().to_string();
        vec![
            ("purchase_id", self.purchase_id.clone()),
            ("organization_id", self.organization_id.clone()),
            ("user_id", self.user_id.clone()),
            ("credit_usd", amount(self.credit)),
            ("fee_usd", amount(self.fee)),
        ]
    }

    /// Reads what [`Note::pairs`] wrote.
    #[must_use]
    pub fn read(value: impl Fn(&str) -> Option<String>) -> Self {
        let text = |name: &str| value(name).unwrap_or_default();
        let amount = |name: &str| value(name).and_then(|text| text.parse().ok());
        Self {
            purchase_id: text("purchase_id"),
            organization_id: text("organization_id"),
            user_id: text("user_id"),
            credit: amount("credit_usd"),
            fee: amount("fee_usd"),
        }
    }
}

/// Why a payment service did not do what was asked.
#[derive(Clone, Debug, thiserror::Error)]
pub enum PaymentError {
    /// The bank said no.
    #[error("{message}")]
    Declined { message: String, needs_authentication: bool },
    /// The service was reached and will not do this.
    #[error("the payment service refuses: {0}")]
    Refused(String),
    /// Nobody knows whether it was done; the same call may be made again.
    #[error("the payment service does not answer: {0}")]
    Unreachable(String),
}

/// The payment services this server uses.
pub struct Payments {
    pub card: Option<Stripe>,
    pub crypto: Option<Coinbase>,
    /// Stands in for the service in demo mode.
    pub simulated: Option<Simulated>,
    methods: Vec<PaymentMethod>,
    card_fee: FeeRate,
    crypto_fee: FeeRate,
}

impl Payments {
    /// The services that are configured.
    #[must_use]
    pub fn new(settings: &BillingSettings, client: &reqwest::Client, clock: &Clock, own_url: &str) -> Self {
        let card = settings.stripe.is_on().then(|| Stripe::new(settings.stripe.clone(), client.clone()));
        let crypto = settings.coinbase.is_on().then(|| Coinbase::new(settings.coinbase.clone(), client.clone()));
        let simulated = settings.is_simulated.then(|| {
            let options = Options {
                base_url: settings.stripe.base_url.clone(),
                secret_key: settings.stripe.secret_key.clone(),
                webhook_secret: settings.stripe.webhook_secret.clone(),
                page_url: format!("{own_url}{SIMULATED_PATH}"),
                webhook_url: Some(settings.stripe.base_url.replace(SIMULATED_PATH, WEBHOOK_PATH)),
            };
            Simulated::new(options, clock.clone(), client.clone())
        });
        let (card_fee, crypto_fee) = (settings.card_fee(), settings.crypto_fee());
        let offered = [(CARD, card.is_some(), card_fee), (CRYPTO, crypto.is_some(), crypto_fee)];
        let methods = offered.into_iter().filter(|(_, is_on, _)| *is_on);
        let methods = methods.map(|(method, _, fee)| PaymentMethod { method: method.to_owned(), fee }).collect();
        Self { card, crypto, simulated, methods, card_fee, crypto_fee }
    }

    /// The ways to pay and their fees.
    #[must_use]
    pub fn methods(&self) -> &[PaymentMethod] {
        &self.methods
    }

    /// The fee of a way to pay.
    #[must_use]
    pub fn fee_rate(&self, method: &str) -> FeeRate {
        if method == CRYPTO { self.crypto_fee } else { self.card_fee }
    }
}
