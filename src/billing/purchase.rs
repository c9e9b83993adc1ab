//! Buying credit: from the wish over the payment to the ledger, once.
//!
//! A purchase is written before anybody is asked to pay. Whoever learns of the
//! money first — webhook, the buyer's return, the job that looks after open
//! purchases — calls [`credit`], which the ledger lets happen once per payment.

use app::types::Money;

use super::ledger::{FEE_REVENUE, Leg, TransferOutcome, cash_account, credit_account};
use super::letters;
use super::payments::{CARD, CRYPTO, Note, Payment, PaymentError};
use crate::App;
use crate::clock::{MS_PER_DAY, MS_PER_HOUR};
use crate::error::{Error, Result};
use crate::store::purchases::PurchaseRow;

/// Open purchases are looked after for so long; the payment service tries no longer.
const LOOKED_AFTER_MS: i64 = 3 * MS_PER_DAY;
/// A person gets so long to pay before somebody looks.
const PATIENCE_MS: i64 = 5 * 60_000;

/// What somebody wants to buy.
#[derive(Clone, Debug)]
pub struct Wish {
    /// The id of the purchase.
    pub id: String,
    pub organization_id: String,
    pub user_id: String,
    pub email: String,
    pub credit: Money,
    pub method: String,
    pub saves_card: bool,
}

/// Opens a purchase; the row says where to pay.
///
/// # Errors
/// 400 naming what is wrong with the wish, 403 while frozen, 429 after too many,
/// 503 when the payment service does not answer.
pub async fn begin(app: &App, wish: &Wish) -> Result<PurchaseRow> {
    check(app, wish).await?;
    let fee = app.payments.fee_rate(&wish.method).fee(wish.credit);
    let now = app.clock.now_ms();
    let mut row = PurchaseRow {
        id: wish.id.clone(),
        organization_id: wish.organization_id.clone(),
        user_id: wish.user_id.clone(),
        method: wish.method.clone(),
        state: "pending".to_owned(),
        credit_nanos: wish.credit.0,
        fee_nanos: fee.0,
        created_at: now,
        updated_at: now,
        ..PurchaseRow::default()
    };
    app.store.insert_purchase(&row).await?;
    let site = app.config.public_url();
    let opened = match (&app.payments.card, &app.payments.crypto) {
        (_, Some(crypto)) if wish.method == CRYPTO => crypto.open_checkout(&row, &site).await,
        (Some(card), _) if wish.method == CARD => {
            let profile = app.store.billing_profile(&wish.organization_id).await?;
            let customer = match profile.customer_id.as_str() {
                "" => card.create_customer(&wish.organization_id, &wish.email).await,
                known => Ok(known.to_owned()),
            };
            match customer {
                Ok(customer) => {
                    app.store.set_customer(&wish.organization_id, &customer).await?;
                    card.open_checkout(&row, &customer, wish.saves_card, &site).await
                }
                Err(error) => Err(error),
            }
        }
        _ => Err(PaymentError::Refused("this way of paying is not set up".to_owned())),
    };
    let checkout = match opened {
        Ok(checkout) => checkout,
        Err(error) => {
            app.store.end_purchase(&row.id, "failed", &error.to_string(), now).await?;
            return Err(unavailable(&error));
        }
    };
    app.store.open_purchase(&row.id, &checkout.session_id, &checkout.url, now).await?;
    (row.session_id, row.pay_url) = (Some(checkout.session_id), Some(checkout.url));
    Ok(row)
}

async fn check(app: &App, wish: &Wish) -> Result<()> {
    let settings = &app.config.billing;
    let methods = app.payments.methods();
    if methods.is_empty() {
        return Err(Error::bad_request("method", "This server sells no credit; its operator can grant some."));
    }
    if methods.iter().all(|method| method.method != wish.method) {
        let names: Vec<&str> = methods.iter().map(|method| method.method.as_str()).collect();
        return Err(Error::bad_request("method", format!("method must be one of: {}", names.join(", "))));
    }
    let (least, most) = (settings.least_purchase, settings.most_purchase);
    if wish.credit < least || wish.credit > most {
        let text = format!("amount must be {} to {}", least.dollars(), most.dollars());
        return Err(Error::bad_request("amount", text));
    }
    if wish.credit.0 % Money::from_cents(1).0 != 0 {
        return Err(Error::bad_request("amount", "amount must be whole cents, such as 20 or 20.50"));
    }
    if app.ledger.balance(&credit_account(&wish.organization_id)).await?.is_frozen {
        let text = "This organization is frozen because a payment was disputed. Write to the operator of this server.";
        return Err(Error::Forbidden(text.to_owned()));
    }
    let since = app.clock.now_ms() - MS_PER_HOUR;
    let limit = i64::from(settings.purchases_per_hour);
    if app.store.count_purchases_since(&wish.organization_id, since).await? >= limit {
        return Err(Error::TooManyRequests {
            message: format!("{limit} purchases were begun in the last hour and not paid. Pay one of them, or wait."),
            retry_after_s: 3_600,
            limit: u64::try_from(limit).unwrap_or(0),
        });
    }
    Ok(())
}

/// What the caller sees of a payment service's trouble.
#[must_use]
pub fn unavailable(error: &PaymentError) -> Error {
    match error {
        PaymentError::Declined { message, .. } => Error::InsufficientCredits(message.clone()),
        PaymentError::Unreachable(_) => {
            tracing::warn!(%error, "A payment service is unavailable");
            Error::Busy { retry_after_s: 10 }
        }
        PaymentError::Refused(_) => Error::Internal(error.to_string()),
    }
}

/// Credits money that came, once. Whoever repeats it gets the same purchase.
///
/// # Errors
/// [`Error::Internal`] for money nobody here asked for; ask again later.
pub async fn credit(app: &App, payment: &Payment) -> Result<PurchaseRow> {
    let purchase = match find(app, payment).await? {
        Some(purchase) => purchase,
        None => recover(app, payment).await?,
    };
    if purchase.state == "paid" && purchase.payment_id.as_deref() == Some(&payment.id) {
        return Ok(purchase);
    }
    let asked = (Money(purchase.credit_nanos), Money(purchase.fee_nanos));
    let (credited, fee) = if asked.0.plus(asked.1) == payment.received {
        asked
    } else {
        app.payments.fee_rate(payment.method).split(payment.received)
    };
    let cash = cash_account(payment.method);
    let leg = |id: String, kind, account: String, amount, description: &str| Leg {
        id,
        kind,
        debit: cash.clone(),
        credit: account,
        amount,
        promotional: Money::ZERO,
        description: description.to_owned(),
    };
    let id = format!("payment:{}", payment.id);
    let how = if payment.method == CRYPTO { "Credit bought with coins" } else { "Credit bought by card" };
    let legs = [
        leg(id.clone(), "purchase", credit_account(&purchase.organization_id), credited, how),
        leg(format!("{id}:fee"), "fee", FEE_REVENUE.to_owned(), fee, "Fee on bought credit"),
    ];
    match app.ledger.book(&legs, false).await {
        Some(TransferOutcome::Created | TransferOutcome::Exists) => {}
        Some(outcome) => return Err(Error::Internal(format!("payment {} was not booked: {outcome:?}", payment.id))),
        None => return Err(Error::Busy { retry_after_s: 5 }),
    }
    keep_card(app, &purchase.organization_id, payment).await?;
    let now = app.clock.now_ms();
    let paid = PurchaseRow { credit_nanos: credited.0, fee_nanos: fee.0, ..purchase };
    // The mark comes last: whatever is cut off before it is done again, and each step is done once.
    letters::receipt(app, &paid).await?;
    if app.store.pay_purchase(&paid.id, &payment.id, credited.0, fee.0, now).await? {
        tracing::info!(purchase.id = %paid.id, credit_nanos = paid.credit_nanos, "Credit was bought");
    }
    let paid = app.store.purchase(&paid.id).await?.unwrap_or(paid);
    Ok(paid)
}

async fn find(app: &App, payment: &Payment) -> Result<Option<PurchaseRow>> {
    if let Some(purchase) = app.store.purchase_by_payment(&payment.id).await? {
        return Ok(Some(purchase));
    }
    if let Some(session_id) = &payment.session_id
        && let Some(purchase) = app.store.purchase_by_session(session_id).await?
    {
        return Ok(Some(purchase));
    }
    let noted = app.store.purchase(&payment.note.purchase_id).await?;
    // Other money under the same note is a purchase of its own.
    Ok(noted.filter(|purchase| purchase.payment_id.as_deref().is_none_or(|id| id == payment.id)))
}

/// Makes the row again that this money belongs to, from the note it carries.
async fn recover(app: &App, payment: &Payment) -> Result<PurchaseRow> {
    let Note { organization_id, user_id, credit, fee, .. } = payment.note.clone();
    if organization_id.is_empty() || app.store.organization_name(&organization_id).await?.is_none() {
        return Err(Error::Internal(format!("payment {} belongs to no purchase and no organization here", payment.id)));
    }
    tracing::error!(payment.id = %payment.id, "A payment belongs to no purchase; it is taken over from its note");
    let (credit, fee) = match (credit, fee) {
        (Some(credit), Some(fee)) => (credit, fee),
        _ => app.payments.fee_rate(payment.method).split(payment.received),
    };
    let now = app.clock.now_ms();
    let row = PurchaseRow {
        id: format!("payment-{}", payment.id),
        organization_id,
        user_id,
        method: payment.method.to_owned(),
        state: "pending".to_owned(),
        credit_nanos: credit.0,
        fee_nanos: fee.0,
        session_id: payment.session_id.clone(),
        created_at: now,
        updated_at: now,
        ..PurchaseRow::default()
    };
    if let Err(error) = app.store.insert_purchase(&row).await {
        // Somebody else was quicker.
        return app.store.purchase(&row.id).await?.ok_or(Error::Database(error));
    }
    Ok(row)
}

async fn keep_card(app: &App, organization_id: &str, payment: &Payment) -> Result<()> {
    if let Some(customer_id) = &payment.customer_id {
        app.store.set_customer(organization_id, customer_id).await?;
    }
    if let Some((card_id, label)) = &payment.card {
        app.store.set_card(organization_id, card_id, label).await?;
    }
    Ok(())
}

/// Looks after purchases whose news may have been lost on the way.
///
/// # Errors
/// Any database error; what is left is looked after the next time.
pub async fn look_after_open(app: &App) -> sqlx::Result<()> {
    let now = app.clock.now_ms();
    for purchase in app.store.pending_purchases(now - LOOKED_AFTER_MS, now - PATIENCE_MS).await? {
        if let Err(error) = look_up(app, &purchase).await {
            tracing::warn!(%error, purchase.id = %purchase.id, "An open purchase could not be looked up");
        }
    }
    Ok(())
}

/// Asks the payment service how a purchase stands, and credits what came.
///
/// # Errors
/// As [`credit`], and 503 when the service does not answer.
pub async fn look_up(app: &App, purchase: &PurchaseRow) -> Result<()> {
    let Some(session_id) = &purchase.session_id else { return Ok(()) };
    match (&app.payments.card, &app.payments.crypto) {
        (_, Some(crypto)) if purchase.method == CRYPTO => crypto.settle_charge(app, session_id).await,
        (Some(card), _) if purchase.method == CARD => card.settle_session(app, session_id).await.map(|_| ()),
        _ => Ok(()),
    }
}
