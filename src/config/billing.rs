//! Settings of money: buying credit, receipts, letters about balances.

use std::fmt;

use app::types::Money;
use app::types::credits::FeeRate;
use serde::{Deserialize, Serialize};

use super::dollars;

/// Buying credit.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct BillingSettings {
    /// USD.
    #[serde(with = "dollars")]
    pub least_purchase: Money,
    /// USD.
    #[serde(with = "dollars")]
    pub most_purchase: Money,
    pub fee_basis_points: u32,
    /// USD.
    #[serde(with = "dollars")]
    pub least_fee: Money,
    pub refund_hours: u32,
    pub purchases_per_hour: u32,
    pub top_ups_per_day: u32,
    /// USD.
    #[serde(with = "dollars")]
    pub low_balance: Money,
    pub company_name: String,
    pub company_address: String,
    pub company_tax_id: String,
    pub stripe: StripeSettings,
    pub coinbase: CoinbaseSettings,
    /// Cards are charged by a simulator inside this server: demo mode, never a setting.
    #[serde(skip)]
    pub is_simulated: bool,
}

/// Cards.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct StripeSettings {
    pub secret_key: String,
    pub webhook_secret: String,
    pub previous_webhook_secret: String,
    pub base_url: String,
    pub checkout_origin: String,
}

/// Coins.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct CoinbaseSettings {
    pub api_key: String,
    pub webhook_secret: String,
    pub base_url: String,
    pub checkout_origin: String,
    pub networks: String,
    pub fee_basis_points: u32,
}

impl Default for BillingSettings {
    fn default() -> Self {
        Self {
            least_purchase: Money::from_dollars(5),
            most_purchase: Money::from_dollars(25_000),
            fee_basis_points: 550,
            least_fee: Money::from_cents(80),
            refund_hours: 24,
            purchases_per_hour: 10,
            top_ups_per_day: 20,
            low_balance: Money::from_dollars(1),
            company_name: String::new(),
            company_address: String::new(),
            company_tax_id: String::new(),
            stripe: StripeSettings::default(),
            coinbase: CoinbaseSettings::default(),
            is_simulated: false,
        }
    }
}

impl Default for StripeSettings {
    fn default() -> Self {
        Self {
            secret_key: String::new(),
            webhook_secret: String::new(),
            previous_webhook_secret: String::new(),
            base_url: "https://api.stripe.com".to_owned(),
            checkout_origin: "https://checkout.stripe.com".to_owned(),
        }
    }
}

impl Default for CoinbaseSettings {
    fn default() -> Self {
        Self {
            api_key: String::new(),
            webhook_secret: String::new(),
            base_url: "https://api.commerce.coinbase.com".to_owned(),
            checkout_origin: "https://commerce.coinbase.com".to_owned(),
            networks: "ethereum, polygon, base".to_owned(),
            fee_basis_points: 500,
        }
    }
}

impl fmt::Debug for StripeSettings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StripeSettings").field("base_url", &self.base_url).finish_non_exhaustive()
    }
}

impl fmt::Debug for CoinbaseSettings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CoinbaseSettings").field("base_url", &self.base_url).finish_non_exhaustive()
    }
}

impl StripeSettings {
    /// Whether cards can be charged.
    #[must_use]
    pub const fn is_on(&self) -> bool {
        !self.secret_key.is_empty()
    }
}

impl CoinbaseSettings {
    /// Whether coins can be paid with.
    #[must_use]
    pub const fn is_on(&self) -> bool {
        !self.api_key.is_empty()
    }
}

impl BillingSettings {
    /// What a purchase by card costs.
    #[must_use]
    pub fn card_fee(&self) -> FeeRate {
        FeeRate { basis_points: i64::from(self.fee_basis_points), least: self.least_fee }
    }

    /// What a purchase with coins costs.
    #[must_use]
    pub fn crypto_fee(&self) -> FeeRate {
        FeeRate { basis_points: i64::from(self.coinbase.fee_basis_points), least: Money::ZERO }
    }

    /// Charges cards nowhere but in the simulator at `base_url`.
    pub fn simulate(&mut self, base_url: String, secret: &str) {
        self.is_simulated = true;
        self.stripe.base_url = base_url;
        self.stripe.secret_key = format!("simulated-{secret}");
        self.stripe.webhook_secret = format!("simulated-events-{secret}");
    }

    /// Whether nothing can be paid with.
    #[must_use]
    pub const fn methods_are_off(&self) -> bool {
        !self.stripe.is_on() && !self.coinbase.is_on()
    }

    /// Other sites a form of ours may lead to.
    #[must_use]
    pub fn checkout_origins(&self) -> Vec<String> {
        let card = (self.stripe.is_on() && !self.is_simulated).then(|| self.stripe.checkout_origin.clone());
        let crypto = self.coinbase.is_on().then(|| self.coinbase.checkout_origin.clone());
        card.into_iter().chain(crypto).collect()
    }

    /// The place and the cause of what cannot work.
    pub(super) fn wrong(&self) -> Option<(&'static str, &'static str)> {
        if self.stripe.is_on() && self.stripe.webhook_secret.is_empty() {
            return Some(("billing.stripe.webhook_secret", "is needed beside the secret key"));
        }
        if self.coinbase.is_on() && self.coinbase.webhook_secret.is_empty() {
            return Some(("billing.coinbase.webhook_secret", "is needed beside the API key"));
        }
        if self.least_purchase.0 < 1 || self.most_purchase < self.least_purchase {
            return Some(("billing.least_purchase", "must be more than 0 and no more than billing.most_purchase"));
        }
        if self.fee_basis_points > 10_000 || self.coinbase.fee_basis_points > 10_000 {
            return Some(("billing.fee_basis_points", "must be at most 10000"));
        }
        None
    }
}
