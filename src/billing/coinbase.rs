//! Coins, through a hosted charge of Coinbase Commerce or a service that speaks its
//! API: USDC on Ethereum, Polygon or Base. What is confirmed on the chain is credited,
//! each transaction once, whatever was asked for.

use std::collections::HashMap;
use std::time::Duration;

use app::types::Money;
use ring::hmac;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value, json};

use super::payments::{CRYPTO, Checkout, Note, Payment, PaymentError};
use super::purchase;
use crate::App;
use crate::config::CoinbaseSettings;
use crate::error::Result;
use crate::store::purchases::PurchaseRow;

/// Where the service sends its events.
pub const WEBHOOK_PATH: &str = "/webhooks/coinbase";
const API_VERSION: &str = "2018-03-22";
const PATIENCE: Duration = Duration::from_secs(30);

/// The client.
pub struct Coinbase {
    settings: CoinbaseSettings,
    client: reqwest::Client,
}

#[derive(Debug, Deserialize)]
struct Envelope<T> {
    data: T,
}

/// A charge, as far as it is read.
#[derive(Debug, Deserialize)]
struct Charge {
    code: String,
    hosted_url: String,
    #[serde(default)]
    metadata: HashMap<String, String>,
    #[serde(default)]
    payments: Vec<Received>,
    #[serde(default)]
    timeline: Vec<Moment>,
}

#[derive(Debug, Deserialize)]
struct Moment {
    status: String,
}

/// One transaction on a chain.
#[derive(Debug, Deserialize)]
struct Received {
    network: String,
    transaction_id: String,
    status: String,
    value: Worth,
}

#[derive(Debug, Deserialize)]
struct Worth {
    local: Amount,
    crypto: Amount,
}

#[derive(Debug, Deserialize)]
struct Amount {
    amount: String,
    currency: String,
}

/// An event: only which charge it is about.
#[derive(Debug, Deserialize)]
pub struct Event {
    event: Inner,
}

#[derive(Debug, Deserialize)]
struct Inner {
    data: Named,
}

#[derive(Debug, Deserialize)]
struct Named {
    code: String,
}

impl Event {
    /// The charge it is about.
    #[must_use]
    pub fn code(&self) -> &str {
        &self.event.data.code
    }
}

impl Received {
    /// US dollars, of what has been confirmed. A USDC is a dollar; for other coins the
    /// service's own value counts.
    fn dollars(&self) -> Option<Money> {
        if !self.status.eq_ignore_ascii_case("confirmed") {
            return None;
        }
        let worth = &self.value;
        let amount = if worth.crypto.currency == "USDC" { &worth.crypto } else { &worth.local };
        let is_dollars = ["USDC", "USD"].contains(&amount.currency.as_str());
        amount.amount.parse().ok().filter(|money: &Money| is_dollars && money.0 > 0)
    }
}

impl Coinbase {
    pub(super) const fn new(settings: CoinbaseSettings, client: reqwest::Client) -> Self {
        Self { settings, client }
    }

    /// Whether the service sent a body: HMAC-SHA-256 over it, in hex.
    #[must_use]
    pub fn has_signed(&self, body: &[u8], header: &str) -> bool {
        let key = hmac::Key::new(hmac::HMAC_SHA256, self.settings.webhook_secret.as_bytes());
        super::stripe::signature::unhex(header.trim()).is_some_and(|tag| hmac::verify(&key, body, &tag).is_ok())
    }

    /// Opens a hosted page where a purchase is paid.
    ///
    /// # Errors
    /// [`PaymentError`]
    pub async fn open_checkout(&self, purchase: &PurchaseRow, site: &str) -> Result<Checkout, PaymentError> {
        let total = Money(purchase.credit_nanos).plus(Money(purchase.fee_nanos));
        let metadata: Map<String, Value> =
            Note::of(purchase).pairs().into_iter().map(|(name, value)| (name.to_owned(), json!(value))).collect();
        let body = json!({
            "name": "Credit", "description": format!("{} of credit", Money(purchase.credit_nanos).dollars_short()),
            "pricing_type": "fixed_price", "local_price": { "amount": total.to_string(), "currency": "USD" },
            "metadata": metadata, "redirect_url": format!("{site}/credits?result=pending"),
            "cancel_url": format!("{site}/credits/return"),
        });
        let url = format!("{}/charges", self.settings.base_url.trim_end_matches('/'));
        let request = self.client.post(url).header("content-type", "application/json").body(body.to_string());
        let charge: Envelope<Charge> = self.call(request).await?;
        Ok(Checkout { session_id: charge.data.code, url: charge.data.hosted_url })
    }

    /// Reads a charge and credits every confirmed transaction, each once.
    ///
    /// # Errors
    /// As [`purchase::credit`], and 503 when the service does not answer.
    pub async fn settle_charge(&self, app: &App, code: &str) -> Result<()> {
        let is_plain = code.chars().all(|letter| letter.is_ascii_alphanumeric() || letter == '-');
        if code.is_empty() || !is_plain {
            return Ok(());
        }
        let url = format!("{}/charges/{code}", self.settings.base_url.trim_end_matches('/'));
        let charge: Envelope<Charge> =
            self.call(self.client.get(url)).await.map_err(|error| purchase::unavailable(&error))?;
        let charge = charge.data;
        for received in &charge.payments {
            let Some(amount) = received.dollars() else { continue };
            if !self.takes(&received.network) {
                self.refuse(app, &charge, received).await?;
                continue;
            }
            let payment = Payment {
                id: format!("{}:{}", received.network, received.transaction_id),
                method: CRYPTO,
                received: amount,
                note: Note::read(|name| charge.metadata.get(name).cloned()),
                ..Payment::default()
            };
            purchase::credit(app, &payment).await?;
        }
        let is_over = charge.timeline.last().is_some_and(|moment| moment.status.eq_ignore_ascii_case("expired"));
        if let (true, Some(known)) = (is_over, app.store.purchase_by_session(&charge.code).await?) {
            let text = "Nothing was sent in time.";
            app.store.end_purchase(&known.id, "expired", text, app.clock.now_ms()).await?;
        }
        Ok(())
    }

    /// Whether coins on a network are taken.
    fn takes(&self, network: &str) -> bool {
        self.settings.networks.split(',').any(|taken| taken.trim().eq_ignore_ascii_case(network))
    }

    /// Coins came over a network that is not taken: the operator has to look.
    async fn refuse(&self, app: &App, charge: &Charge, received: &Received) -> Result<()> {
        let Received { network, transaction_id, .. } = received;
        tracing::error!(charge = %charge.code, %network, %transaction_id, "Coins came over a network that is not taken");
        if let Some(known) = app.store.purchase_by_session(&charge.code).await? {
            let text = format!(
                "Coins came over {network}, which is not taken here ({} are). Write to the operator of this server.",
                self.settings.networks
            );
            app.store.end_purchase(&known.id, "failed", &text, app.clock.now_ms()).await?;
        }
        Ok(())
    }

    async fn call<T: DeserializeOwned>(&self, request: reqwest::RequestBuilder) -> Result<T, PaymentError> {
        let unreachable = |error: reqwest::Error| PaymentError::Unreachable(error.without_url().to_string());
        let request = request.header("x-cc-api-key", &self.settings.api_key).header("x-cc-version", API_VERSION);
        let response = request.timeout(PATIENCE).send().await.map_err(unreachable)?;
        let status = response.status().as_u16();
        let body = response.bytes().await.map_err(unreachable)?;
        match status {
            200..300 => serde_json::from_slice(&body)
                .map_err(|error| PaymentError::Refused(format!("the answer was not understood: {error}"))),
            429 | 500.. => Err(PaymentError::Unreachable(format!("status {status}"))),
            _ => Err(PaymentError::Refused(format!("status {status}"))),
        }
    }
}
