//! Money that goes back: refunds somebody asks for, refunds the operator makes at
//! the payment service, and disputes.

use app::types::Money;

use super::ledger::{DISPUTE_LOSS, FEE_REVENUE, Leg, REFUSED, TransferOutcome, cash_account, credit_account};
use super::payments::{CARD, PaymentError};
use super::purchase::unavailable;
use crate::App;
use crate::clock::MS_PER_HOUR;
use crate::error::{Error, Result};
use crate::store::purchases::{DisputeRow, PurchaseRow};

/// A refund as the payment service has it.
#[derive(Clone, Debug)]
pub struct Refund {
    pub id: String,
    pub amount: Money,
    pub has_failed: bool,
    /// The transfer it was asked for with, for one of our own.
    pub transfer_id: Option<String>,
}

/// Where a dispute stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DisputeState {
    Open,
    Won,
    Lost,
}

/// What would be paid back of a purchase now: what is left of its credit and
/// neither spent nor a gift.
///
/// # Errors
/// Any database error.
pub async fn refundable(app: &App, purchase: &PurchaseRow) -> sqlx::Result<Money> {
    let window = i64::from(app.config.billing.refund_hours) * MS_PER_HOUR;
    let is_young = purchase.paid_at.is_some_and(|paid_at| app.clock.now_ms() - paid_at <= window);
    if is_young { refundable_at_any_age(app, purchase).await } else { Ok(Money::ZERO) }
}

/// The same for operators, whom no time limits.
///
/// # Errors
/// Any database error.
pub async fn refundable_at_any_age(app: &App, purchase: &PurchaseRow) -> sqlx::Result<Money> {
    // Coins are never paid back.
    if purchase.state != "paid" || purchase.method != CARD {
        return Ok(Money::ZERO);
    }
    let balance = app.ledger.balance(&credit_account(&purchase.organization_id)).await?;
    let unspent = balance.available.minus(balance.promotional);
    let left = purchase.credit_nanos - purchase.refunded_nanos;
    // The bank pays whole cents.
    let cents = left.min(unspent.0).max(0) / Money::from_cents(1).0;
    Ok(if balance.is_frozen { Money::ZERO } else { Money::from_cents(cents) })
}

/// Pays back the unused credit of a purchase; the fee is kept. Returns how much.
///
/// # Errors
/// 400 when nothing can be paid back, 503 when the payment service does not answer:
/// asking again is safe.
pub async fn refund(app: &App, purchase: &PurchaseRow) -> Result<Money> {
    refund_up_to(app, purchase, refundable(app, purchase).await?).await
}

/// The same for operators, whom no time limits.
///
/// # Errors
/// As [`refund`].
pub async fn refund_at_any_age(app: &App, purchase: &PurchaseRow) -> Result<Money> {
    refund_up_to(app, purchase, refundable_at_any_age(app, purchase).await?).await
}

async fn refund_up_to(app: &App, purchase: &PurchaseRow, refundable: Money) -> Result<Money> {
    let nothing = || {
        let hours = app.config.billing.refund_hours;
        let text = format!("Nothing of this purchase can be paid back: only unused credit can, within {hours} hours.");
        Error::bad_request("id", text)
    };
    let (Some(card), Some(payment_id)) = (&app.payments.card, &purchase.payment_id) else { return Err(nothing()) };
    let (id, begun) = next_refund(app, purchase).await?;
    let amount = if let Some(amount) = begun {
        amount
    } else {
        let amount = refundable;
        if amount <= Money::ZERO {
            return Err(nothing());
        }
        // Out of the balance first, so that it cannot be spent meanwhile.
        match app.ledger.book(&[leg(purchase, &id, amount)], false).await {
            Some(TransferOutcome::Created | TransferOutcome::Exists) => amount,
            Some(_) => return Err(nothing()),
            None => return Err(Error::Busy { retry_after_s: 5 }),
        }
    };
    let now = app.clock.now_ms();
    match card.refund(payment_id, amount, &id).await {
        Ok(()) => {
            app.store.note_refunds(&purchase.id, now).await?;
            tracing::info!(purchase.id = %purchase.id, amount_nanos = amount.0, "Credit was paid back");
            Ok(amount)
        }
        Err(error @ PaymentError::Unreachable(_)) => Err(unavailable(&error)),
        Err(error) => {
            give_back(app, purchase, &id, amount).await?;
            Err(unavailable(&error))
        }
    }
}

/// The transfer of the next refund, and its amount if it was booked and the payment
/// service has not confirmed it.
async fn next_refund(app: &App, purchase: &PurchaseRow) -> Result<(String, Option<Money>)> {
    let mut confirmed = purchase.refunded_nanos;
    for number in 1.. {
        let id = format!("refund:{}:{number}", purchase.id);
        let Some(row) = app.store.transfer(&id).await? else { return Ok((id, None)) };
        if row.kind == REFUSED || app.store.transfer(&format!("{id}:failed")).await?.is_some() {
            continue;
        }
        if confirmed < row.amount_nanos {
            return Ok((id, Some(Money(row.amount_nanos))));
        }
        confirmed -= row.amount_nanos;
    }
    Err(Error::Internal("refunds are numbered without end".to_owned()))
}

fn leg(purchase: &PurchaseRow, id: &str, amount: Money) -> Leg {
    Leg {
        id: id.to_owned(),
        kind: "refund",
        debit: credit_account(&purchase.organization_id),
        credit: cash_account(&purchase.method),
        amount,
        promotional: Money::ZERO,
        description: description(purchase),
    }
}

fn description(purchase: &PurchaseRow) -> String {
    format!("Refund of purchase {}", purchase.id)
}

/// A refund did not reach the payer: its credit comes back.
async fn give_back(app: &App, purchase: &PurchaseRow, id: &str, amount: Money) -> Result<()> {
    let back = Leg {
        id: format!("{id}:failed"),
        kind: "refund_failed",
        debit: cash_account(&purchase.method),
        credit: credit_account(&purchase.organization_id),
        amount,
        promotional: Money::ZERO,
        description: description(purchase),
    };
    booked(app.ledger.book(&[back], false).await)?;
    app.store.note_refunds(&purchase.id, app.clock.now_ms()).await?;
    Ok(())
}

/// Books the refunds the payment service knows of, each once, in any order.
///
/// # Errors
/// 503 when the ledger does not answer.
pub async fn note_refunds(app: &App, purchase: &PurchaseRow, refunds: &[Refund]) -> Result<()> {
    for refund in refunds {
        let id = refund.transfer_id.clone().unwrap_or_else(|| format!("refund:{}", refund.id));
        let earlier = app.store.transfer(&id).await?;
        let amount = earlier.as_ref().map_or(refund.amount, |row| Money(row.amount_nanos));
        if earlier.is_none() && !refund.has_failed {
            // Made at the payment service itself. What goes beyond the credit was our fee.
            let now = app.store.purchase(&purchase.id).await?.unwrap_or_else(|| purchase.clone());
            let credit = refund.amount.0.min(now.credit_nanos - now.refunded_nanos).max(0);
            let mut legs = vec![leg(purchase, &id, Money(credit))];
            legs.push(Leg {
                id: format!("{id}:fee"),
                kind: "refund_fee",
                debit: FEE_REVENUE.to_owned(),
                amount: Money(refund.amount.0 - credit),
                ..leg(purchase, &id, Money::ZERO)
            });
            booked(app.ledger.book(&legs, true).await)?;
            app.store.note_refunds(&purchase.id, app.clock.now_ms()).await?;
        } else if earlier.is_some() && refund.has_failed {
            give_back(app, purchase, &id, amount).await?;
        }
    }
    app.store.note_refunds(&purchase.id, app.clock.now_ms()).await?;
    Ok(())
}

/// Books where a dispute stands and freezes or thaws the organization.
///
/// # Errors
/// 503 when the ledger does not answer.
pub async fn note_dispute(
    app: &App,
    purchase: &PurchaseRow,
    id: &str,
    amount: Money,
    state: DisputeState,
) -> Result<()> {
    let organization_id = &purchase.organization_id;
    let account = credit_account(organization_id);
    let cash = cash_account(&purchase.method);
    let credit = Money(amount.0.min(purchase.credit_nanos));
    let legs = |phase: &str, takes: bool| {
        let leg = |part: &str, own: &str, amount: Money| {
            let (debit, credit) = if takes { (own, cash.as_str()) } else { (cash.as_str(), own) };
            Leg {
                id: format!("dispute:{id}{phase}{part}"),
                kind: if takes { "dispute" } else { "dispute_won" },
                debit: debit.to_owned(),
                credit: credit.to_owned(),
                amount,
                promotional: Money::ZERO,
                description: format!("Dispute about purchase {}", purchase.id),
            }
        };
        [leg("", &account, credit), leg(":loss", DISPUTE_LOSS, amount.minus(credit))]
    };
    let now = app.clock.now_ms();
    booked(app.ledger.book(&legs("", true), true).await)?;
    let row = |state: &str| DisputeRow {
        id: id.to_owned(),
        purchase_id: purchase.id.clone(),
        organization_id: organization_id.clone(),
        amount_nanos: amount.0,
        state: state.to_owned(),
        created_at: now,
        updated_at: now,
    };
    app.store.write_dispute(&row("open")).await?;
    match state {
        DisputeState::Open => {}
        DisputeState::Lost => app.store.write_dispute(&row("lost")).await?,
        DisputeState::Won => {
            booked(app.ledger.book(&legs(":won", false), false).await)?;
            app.store.write_dispute(&row("won")).await?;
        }
    }
    // A dispute that is won undoes no operator's decision.
    let is_frozen = app.store.count_open_disputes(organization_id).await? > 0
        || app.store.is_frozen_by_operator(organization_id).await?;
    let frozen = app.ledger.freeze(organization_id, is_frozen).await;
    frozen.ok_or(Error::Busy { retry_after_s: 5 })?;
    tracing::warn!(dispute.id = id, organization.id = %organization_id, ?state, "A payment is disputed");
    Ok(())
}

fn booked(outcome: Option<TransferOutcome>) -> Result<()> {
    match outcome {
        Some(TransferOutcome::Created | TransferOutcome::Exists) => Ok(()),
        Some(TransferOutcome::Conflict) => {
            // Two of us were at it at once and split it differently: one of them counts.
            tracing::error!("A refund or dispute was booked before with other amounts");
            Ok(())
        }
        Some(TransferOutcome::Insufficient) => Err(Error::Internal("a forced transfer was refused".to_owned())),
        None => Err(Error::Busy { retry_after_s: 5 }),
    }
}
