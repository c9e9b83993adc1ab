//! The balance and what moved it.

use serde::{Deserialize, Serialize};

use super::Money;

/// `GET /api/v1/credits`, inside `data`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ssr", derive(utoipa::ToSchema))]
pub struct Credits {
    /// Everything ever credited.
    pub total_credits: Money,
    /// Everything ever charged.
    pub total_usage: Money,
    /// Ours: set aside for requests under way.
    pub held: Money,
    /// Ours: what a new request may spend.
    pub available: Money,
}

/// `GET /api/v1/ledger` (ours), one of `data`, newest first.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ssr", derive(utoipa::ToSchema))]
pub struct LedgerEntry {
    pub id: String,
    /// `grant`, `post`, `purchase`, `refund`, `correction`.
    pub kind: String,
    /// Positive adds to the balance.
    pub amount: Money,
    /// What a person would call it: the model of a charge, the reason of a grant.
    pub description: String,
    /// RFC 3339.
    pub created_at: String,
}

/// What buying credit costs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ssr", derive(utoipa::ToSchema))]
pub struct FeeRate {
    /// Hundredths of a per cent of the credit.
    pub basis_points: i64,
    /// The fee is never less.
    pub least: Money,
}

/// A cent in nano-USD.
const CENT: i64 = 10_000_000;

impl FeeRate {
    /// The fee on `credit`, in whole cents, rounded up.
    #[must_use]
    pub fn fee(self, credit: Money) -> Money {
        let share = i128::from(credit.0.max(0)) * i128::from(self.basis_points);
        let cents = share.saturating_add(i128::from(CENT) * 10_000 - 1) / (i128::from(CENT) * 10_000);
        Money::from_cents(i64::try_from(cents).unwrap_or(i64::MAX)).max(self.least)
    }

    /// The credit that `paid` buys, and the fee in it: for who paid more or less than was asked.
    #[must_use]
    pub fn split(self, paid: Money) -> (Money, Money) {
        let paid = paid.0.max(0);
        let exact = i128::from(paid) * 10_000 / i128::from(10_000 + self.basis_points.max(0));
        let mut credit = i64::try_from(exact).unwrap_or(0).min(paid.saturating_sub(self.least.0)).max(0);
        // The fee is rounded up to a cent, so up to a cent less may fit.
        while credit > 0 && credit.saturating_add(self.fee(Money(credit)).0) > paid {
            credit = credit.saturating_sub(CENT).max(0);
        }
        (Money(credit), Money(paid - credit))
    }

    /// For people: `5.5 %`.
    #[must_use]
    pub fn percent(self) -> String {
        let (whole, part) = (self.basis_points / 100, self.basis_points % 100);
        let decimals = format!("{part:02}");
        let decimals = decimals.trim_end_matches('0');
        if decimals.is_empty() { format!("{whole} %") } else { format!("{whole}.{decimals} %") }
    }
}

/// A way to pay.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ssr", derive(utoipa::ToSchema))]
pub struct PaymentMethod {
    /// `card` or `crypto`.
    pub method: String,
    pub fee: FeeRate,
}

/// When and by how much credit is bought automatically.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ssr", derive(utoipa::ToSchema))]
pub struct TopUp {
    pub enabled: bool,
    /// Below this balance.
    pub threshold: Money,
    pub amount: Money,
}

/// Whom receipts name.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ssr", derive(utoipa::ToSchema))]
#[serde(default)]
pub struct ReceiptAddress {
    pub name: String,
    pub address: String,
    pub tax_id: String,
}

/// `GET /api/v1/billing` (ours), inside `data`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ssr", derive(utoipa::ToSchema))]
#[expect(clippy::struct_excessive_bools, reason = "each says what a page shows, whatever the others say")]
pub struct Billing {
    /// Empty when this server sells no credit.
    pub methods: Vec<PaymentMethod>,
    /// The operator sells none at the moment.
    pub is_paused: bool,
    pub least: Money,
    pub most: Money,
    pub refund_hours: u32,
    /// Below this the balance is low.
    pub low_balance: Money,
    /// Payments are played, not made.
    pub is_simulated: bool,
    /// The caller may buy and change settings.
    pub may_buy: bool,
    /// A payment is in dispute: nothing can be spent or bought.
    pub is_frozen: bool,
    /// What of the balance was a gift: spent first, never refunded.
    pub promotional: Money,
    /// The saved card: `Visa •••• 4242`.
    pub card: Option<String>,
    pub top_up: TopUp,
    /// Why the last automatic purchase failed.
    pub top_up_problem: Option<String>,
    pub receipt: ReceiptAddress,
    /// Where a statement goes after each month.
    pub statements_to: Option<String>,
}

/// `PATCH /api/v1/billing` (ours). What is left out stays.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ssr", derive(utoipa::ToSchema))]
#[serde(default, deny_unknown_fields)]
pub struct UpdateBilling {
    pub top_up: Option<TopUp>,
    pub receipt: Option<ReceiptAddress>,
    /// An address for monthly statements; empty switches them off.
    pub statements_to: Option<String>,
    /// When letters say that credit runs low: less than this is left; 0 for never, `null` for what the server takes for low.
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "super::keys::present")]
    #[cfg_attr(feature = "ssr", schema(value_type = Option<Money>))]
    pub low_balance: Option<Option<Money>>,
    /// `true` forgets the saved card and stops automatic purchases.
    pub forget_card: bool,
}

/// `POST /api/v1/credits/purchases` (ours).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ssr", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct CreatePurchase {
    /// The credit to buy, US dollars in whole cents, without the fee.
    pub amount: Money,
    /// `card` (default) or `crypto`.
    #[serde(default)]
    pub method: Option<String>,
    /// Keep the card for automatic purchases.
    #[serde(default)]
    pub save_card: bool,
}

/// One purchase, newest first in `GET /api/v1/credits/purchases` (ours).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ssr", derive(utoipa::ToSchema))]
pub struct Purchase {
    pub id: String,
    /// `pending`, `paid`, `failed` or `expired`.
    pub state: String,
    pub method: String,
    pub credit: Money,
    pub fee: Money,
    pub total: Money,
    pub refunded: Money,
    /// What would be paid back now.
    pub refundable: Money,
    pub is_automatic: bool,
    /// Where to pay, while that is possible.
    pub checkout_url: Option<String>,
    pub problem: Option<String>,
    /// RFC 3339.
    pub created_at: String,
    pub paid_at: Option<String>,
}

/// Names a purchase, in `POST /api/v1/credits/refund` (ours).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ssr", derive(utoipa::ToSchema))]
pub struct PurchaseId {
    pub id: String,
}

/// `POST /api/v1/credits/promo` (ours).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ssr", derive(utoipa::ToSchema))]
pub struct RedeemPromo {
    pub code: String,
}

/// What a promo code gave.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ssr", derive(utoipa::ToSchema))]
pub struct Redeemed {
    pub amount: Money,
}

#[cfg(test)]
mod tests {
    use super::*;

    const CARD: FeeRate = FeeRate { basis_points: 550, least: Money(800_000_000) };

    #[test]
    fn the_fee_is_five_and_a_half_per_cent_and_at_least_eighty_cents() {
        let fee = |cents| CARD.fee(Money::from_cents(cents));
        assert_eq!(fee(2_000), Money::from_cents(110));
        assert_eq!(fee(500), Money::from_cents(80));
        assert_eq!(fee(1_454), Money::from_cents(80));
        assert_eq!(fee(1_455), Money::from_cents(81), "80.025 is rounded up");
        assert_eq!(fee(2_500_000), Money::from_cents(137_500));
        assert_eq!(CARD.percent(), "5.5 %");
        assert_eq!(FeeRate { basis_points: 500, least: Money::ZERO }.percent(), "5 %");
    }

    #[test]
    fn what_was_paid_splits_into_the_credit_and_the_fee_that_were_asked_for() {
        for cents in (500..200_000).step_by(7) {
            let credit = Money::from_cents(cents);
            let (split, fee) = CARD.split(credit.plus(CARD.fee(credit)));
            assert!(split.plus(CARD.fee(split)) <= credit.plus(CARD.fee(credit)));
            assert!(credit.minus(split).0.abs() < CENT, "{cents}: {split}");
            assert_eq!(split.plus(fee), credit.plus(CARD.fee(credit)));
        }
        assert_eq!(CARD.split(Money::from_cents(50)), (Money::ZERO, Money::from_cents(50)));
    }
}
