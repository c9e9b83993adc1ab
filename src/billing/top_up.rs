//! Automatic purchases: below a threshold the saved card is charged, one purchase
//! at a time, and rarer the more often the bank says no.

use app::types::Money;

use super::ledger::credit_account;
use super::payments::{CARD, PaymentError};
use super::stripe::Charge;
use super::{letters, purchase};
use crate::App;
use crate::clock::{MS_PER_DAY, MS_PER_HOUR};
use crate::error::Result;
use crate::flags::Flag;
use crate::store::billing::BillingProfile;
use crate::store::purchases::PurchaseRow;

/// How long one try keeps others off, should its process die.
const CLAIM_MS: i64 = 5 * 60_000;
/// Until the next try after the first refusal, the second, the third.
const BACK_OFF_MS: [i64; 3] = [MS_PER_HOUR, 6 * MS_PER_HOUR, MS_PER_DAY];

/// Buys credit for everybody whose balance has fallen below his threshold.
///
/// # Errors
/// Any database error; what is left is bought the next time.
pub async fn buy_due(app: &App) -> sqlx::Result<()> {
    if app.payments.card.is_none() || !app.flags.is_on(Flag::Purchases) {
        return Ok(());
    }
    for profile in app.store.due_top_ups(app.clock.now_ms()).await? {
        let balance = app.ledger.balance(&credit_account(&profile.organization_id)).await?;
        if balance.available.0 >= profile.threshold_nanos || balance.is_frozen || profile.card_id.is_empty() {
            continue;
        }
        if let Err(error) = buy(app, profile).await {
            tracing::error!(%error, "An automatic purchase failed; it will be tried again");
        }
    }
    Ok(())
}

async fn buy(app: &App, profile: BillingProfile) -> Result<()> {
    let now = app.clock.now_ms();
    let unfinished = app.store.purchase(&id_of(&profile, profile.top_ups)).await?;
    // Nobody knows how an unfinished one ended: the same call is made again, and is one.
    let row = if let Some(row) = unfinished.filter(|row| row.state == "pending") {
        row
    } else {
        let today = app.store.count_automatic_since(&profile.organization_id, now - MS_PER_DAY).await?;
        if today >= i64::from(app.config.billing.top_ups_per_day)
            || !app.store.claim_top_up(&profile, now + CLAIM_MS).await?
        {
            return Ok(());
        }
        begin(app, &profile, now).await?
    };
    let Some(card) = &app.payments.card else { return Ok(()) };
    match card.charge_saved_card(&row, &profile.customer_id, &profile.card_id).await {
        Ok(Charge::Paid(payment)) => {
            let paid = purchase::credit(app, &payment).await?;
            note_paid(app, &paid).await
        }
        Ok(Charge::Pending) => Ok(()),
        Err(error @ PaymentError::Unreachable(_)) => {
            tracing::warn!(%error, purchase.id = %row.id, "A saved card could not be charged; trying again");
            Ok(())
        }
        Err(error) => note_refusal(app, profile, &row, &error).await,
    }
}

/// Writes the next automatic purchase.
async fn begin(app: &App, profile: &BillingProfile, now: i64) -> Result<PurchaseRow> {
    let credit = Money(profile.top_up_nanos);
    let row = PurchaseRow {
        id: id_of(profile, profile.top_ups + 1),
        organization_id: profile.organization_id.clone(),
        method: CARD.to_owned(),
        state: "pending".to_owned(),
        credit_nanos: credit.0,
        fee_nanos: app.payments.fee_rate(CARD).fee(credit).0,
        is_automatic: 1,
        created_at: now,
        updated_at: now,
        ..PurchaseRow::default()
    };
    app.store.insert_purchase(&row).await?;
    Ok(row)
}

fn id_of(profile: &BillingProfile, number: i64) -> String {
    format!("auto-{}-{number}", profile.organization_id)
}

/// An automatic purchase was paid: the next may follow at once.
///
/// # Errors
/// Any database error.
pub async fn note_paid(app: &App, paid: &PurchaseRow) -> Result<()> {
    if paid.is_automatic == 1 {
        let mut profile = app.store.billing_profile(&paid.organization_id).await?;
        (profile.failures, profile.next_try_at) = (0, 0);
        profile.problem = String::new();
        app.store.end_top_up(&profile).await?;
    }
    Ok(())
}

async fn note_refusal(app: &App, mut profile: BillingProfile, row: &PurchaseRow, error: &PaymentError) -> Result<()> {
    let now = app.clock.now_ms();
    let needs_person = matches!(error, PaymentError::Declined { needs_authentication: true, .. });
    let problem = error.to_string();
    app.store.end_purchase(&row.id, "failed", &problem, now).await?;
    let back_off = usize::try_from(profile.failures).ok().and_then(|tried| BACK_OFF_MS.get(tried)).copied();
    profile.failures += 1;
    profile.problem.clone_from(&problem);
    profile.next_try_at = now + back_off.unwrap_or(MS_PER_DAY);
    // The bank wants to see the holder, or has said no often enough.
    profile.tops_up = i64::from(!needs_person && profile.failures < 3);
    app.store.end_top_up(&profile).await?;
    letters::top_up_failed(app, row, &problem, profile.tops_up == 1).await?;
    Ok(())
}
