//! Buying credit: terms, purchases, refunds, promo codes, receipts.

use std::sync::Arc;

use app::types::credits::{
    Billing, CreatePurchase, Purchase, PurchaseId, ReceiptAddress, RedeemPromo, Redeemed, TopUp, UpdateBilling,
};
use app::types::roles::Permission;
use app::types::{Envelope, Money};
use axum::Json;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use serde::Deserialize;

use super::accounting::ListQuery;
use super::address::Origin;
use super::audit::{Deed, note};
use super::caller::Caller;
use super::input::{Body, Query};
use crate::App;
use crate::accounts::new_id;
use crate::billing::ledger::{TransferOutcome, credit_account};
use crate::billing::payments::CARD;
use crate::billing::purchase::{self, Wish};
use crate::billing::{receipt, refund};
use crate::clock::{Windows, month_bounds, rfc3339};
use crate::error::{Error, Result};
use crate::flags::Flag;
use crate::store::purchases::PurchaseRow;

/// The longest line of a receipt's address.
const ADDRESS_LENGTH: usize = 500;

/// The most that may count as little credit.
const MOST_LOW: Money = Money::from_dollars(1_000_000);

/// Whether a caller may spend the organization's money on credit.
fn may_buy(caller: &Caller) -> bool {
    match caller {
        Caller::Key(key) => key.is_management,
        Caller::Person { membership, .. } => ["owner", "admin", "billing"].contains(&membership.role.as_str()),
    }
}

/// Passes those who may.
///
/// # Errors
/// 403
pub fn check_buys(caller: &Caller) -> Result<()> {
    caller.check(Permission::ManageBilling)?;
    if may_buy(caller) {
        return Ok(());
    }
    Err(Error::Forbidden("Only owners, admins and billing members of the organization may do this.".to_owned()))
}

/// `GET /api/v1/billing` (ours): what can be bought, and how this organization pays.
///
/// # Errors
/// 403 for an inference key.
pub async fn show_billing(State(app): State<Arc<App>>, caller: Caller) -> Result<Json<Envelope<Billing>>> {
    caller.check(Permission::ManageBilling)?;
    Ok(Json(Envelope { data: billing(&app, &caller).await? }))
}

async fn billing(app: &App, caller: &Caller) -> Result<Billing> {
    let organization_id = caller.organization_id();
    let balance = app.ledger.balance(&credit_account(organization_id)).await?;
    let profile = app.store.billing_profile(organization_id).await?;
    let settings = &app.config.billing;
    let non_empty = |text: String| Some(text).filter(|text| !text.is_empty());
    Ok(Billing {
        methods: app.payments.methods().to_vec(),
        is_paused: !app.flags.is_on(Flag::Purchases),
        least: settings.least_purchase,
        most: settings.most_purchase,
        refund_hours: settings.refund_hours,
        low_balance: profile.low_balance_nanos.map_or(settings.low_balance, Money),
        is_simulated: settings.is_simulated,
        may_buy: may_buy(caller),
        is_frozen: balance.is_frozen,
        promotional: balance.promotional,
        card: non_empty(profile.card_label),
        top_up: TopUp {
            enabled: profile.tops_up == 1,
            threshold: Money(profile.threshold_nanos),
            amount: Money(profile.top_up_nanos),
        },
        top_up_problem: non_empty(profile.problem),
        statements_to: non_empty(profile.statements_to),
        receipt: ReceiptAddress { name: profile.name, address: profile.address, tax_id: profile.tax_id },
    })
}

/// `PATCH /api/v1/billing` (ours)
///
/// # Errors
/// 400 naming the field, 403 for who may not.
pub async fn update_billing(
    State(app): State<Arc<App>>,
    caller: Caller,
    origin: Origin,
    Body(change): Body<UpdateBilling>,
) -> Result<Json<Envelope<Billing>>> {
    change_billing(&app, &caller, &origin, change).await?;
    Ok(Json(Envelope { data: billing(&app, &caller).await? }))
}

/// Changes what is given.
///
/// # Errors
/// As [`update_billing`].
pub async fn change_billing(app: &App, caller: &Caller, origin: &Origin, change: UpdateBilling) -> Result<()> {
    check_buys(caller)?;
    caller.check_recent(app)?;
    let detail = changes(&change);
    take_over(app, caller.organization_id(), change).await?;
    note(app, caller, origin, Deed { action: "billing.update", target: caller.organization_id(), detail: &detail })
        .await
}

/// What a change of how an organization pays is about, in words.
fn changes(change: &UpdateBilling) -> String {
    let top_up = change.top_up.as_ref().map(|top_up| {
        if top_up.enabled {
            format!("top-up of {} below {}", top_up.amount.dollars(), top_up.threshold.dollars())
        } else {
            "no top-up".to_owned()
        }
    });
    let parts = [
        change.receipt.as_ref().map(|_| "address of receipts".to_owned()),
        change.statements_to.as_ref().map(|to| format!("statements to {to}")),
        change.low_balance.map(|_| "warning of a low balance".to_owned()),
        top_up,
        change.forget_card.then(|| "card forgotten".to_owned()),
    ];
    parts.into_iter().flatten().collect::<Vec<_>>().join(", ")
}

async fn take_over(app: &App, organization_id: &str, change: UpdateBilling) -> Result<()> {
    let profile = app.store.billing_profile(organization_id).await?;
    if let Some(receipt) = &change.receipt {
        let fields = [("name", &receipt.name), ("address", &receipt.address), ("tax_id", &receipt.tax_id)];
        for (field, text) in fields {
            if text.chars().count() > ADDRESS_LENGTH {
                let message = format!("{field} must have at most {ADDRESS_LENGTH} characters");
                return Err(Error::bad_request(field, message));
            }
        }
        app.store.set_invoice_address(organization_id, &receipt.name, &receipt.address, &receipt.tax_id).await?;
    }
    if let Some(to) = change.statements_to.as_deref().map(str::trim) {
        if !to.is_empty() && (to.len() > ADDRESS_LENGTH || to.parse::<lettre::Address>().is_err()) {
            let remedy = "statements_to must be an e-mail address, or empty for no statements";
            return Err(Error::bad_request("statements_to", remedy));
        }
        app.store.set_statements(organization_id, to, Windows::at(app.clock.now_ms()).month).await?;
    }
    if let Some(low) = change.low_balance {
        if low.is_some_and(|low| !(Money::ZERO..=MOST_LOW).contains(&low)) {
            let remedy = format!("low_balance must be 0 to {} US dollars", MOST_LOW.dollars_short());
            return Err(Error::bad_request("low_balance", remedy));
        }
        app.store.set_low_balance(organization_id, low.map(|low| low.0)).await?;
    }
    if let Some(top_up) = &change.top_up {
        if top_up.enabled {
            check_top_up(app, top_up)?;
            if profile.card_id.is_empty() {
                let text = "Buy credit once and keep the card; it can be charged automatically afterwards.";
                return Err(Error::bad_request("top_up", text));
            }
        }
        let (threshold, amount) = (top_up.threshold.0, top_up.amount.0);
        app.store.set_top_up(organization_id, top_up.enabled, threshold, amount).await?;
    }
    if change.forget_card && !profile.card_id.is_empty() {
        app.store.set_top_up(organization_id, false, profile.threshold_nanos, profile.top_up_nanos).await?;
        app.store.set_card(organization_id, "", "").await?;
        if let Some(card) = &app.payments.card
            && let Err(error) = card.detach_card(&profile.card_id).await
        {
            // Here it is forgotten, which is what was asked for.
            tracing::warn!(%error, "The payment service did not forget a card");
        }
    }
    Ok(())
}

fn check_top_up(app: &App, top_up: &TopUp) -> Result<()> {
    let settings = &app.config.billing;
    if top_up.amount < settings.least_purchase || top_up.amount > settings.most_purchase {
        let (least, most) = (settings.least_purchase.dollars(), settings.most_purchase.dollars());
        return Err(Error::bad_request("top_up.amount", format!("amount must be {least} to {most}")));
    }
    if top_up.amount.0 % Money::from_cents(1).0 != 0 {
        return Err(Error::bad_request("top_up.amount", "amount must be whole cents"));
    }
    if top_up.threshold.0 < 0 || top_up.threshold > settings.most_purchase {
        return Err(Error::bad_request("top_up.threshold", "threshold must be 0 or more, such as 5"));
    }
    Ok(())
}

async fn shown(app: &App, row: PurchaseRow) -> Result<Purchase> {
    let (credit, fee) = (Money(row.credit_nanos), Money(row.fee_nanos));
    Ok(Purchase {
        refundable: refund::refundable(app, &row).await?,
        checkout_url: row.pay_url.filter(|_| row.state == "pending"),
        id: row.id,
        state: row.state,
        method: row.method,
        credit,
        fee,
        total: credit.plus(fee),
        refunded: Money(row.refunded_nanos),
        is_automatic: row.is_automatic == 1,
        problem: row.problem,
        created_at: rfc3339(row.created_at),
        paid_at: row.paid_at.map(rfc3339),
    })
}

/// Opens a purchase for a caller.
///
/// # Errors
/// As [`purchase::begin`], 403 for who may not.
pub async fn begin(app: &App, caller: &Caller, wanted: &CreatePurchase) -> Result<PurchaseRow> {
    check_buys(caller)?;
    if !app.flags.is_on(Flag::Purchases) {
        let message =
            "No credit is sold at the moment: the operator of this server has switched it off. Try again later.";
        return Err(Error::Forbidden(message.to_owned()));
    }
    caller.check_recent(app)?;
    let email = match caller {
        Caller::Person { user, .. } => user.email.clone(),
        Caller::Key(_) => String::new(),
    };
    let wish = Wish {
        id: new_id(app.clock.now_ms()),
        organization_id: caller.organization_id().to_owned(),
        user_id: caller.user_id().unwrap_or_default().to_owned(),
        email,
        credit: wanted.amount,
        method: wanted.method.clone().unwrap_or_else(|| CARD.to_owned()),
        saves_card: wanted.save_card,
    };
    purchase::begin(app, &wish).await
}

/// `POST /api/v1/credits/purchases` (ours): opens a checkout page.
///
/// # Errors
/// As [`begin`].
pub async fn create_purchase(
    State(app): State<Arc<App>>,
    caller: Caller,
    Body(wanted): Body<CreatePurchase>,
) -> Result<(StatusCode, Json<Envelope<Purchase>>)> {
    let row = begin(&app, &caller, &wanted).await?;
    Ok((StatusCode::CREATED, Json(Envelope { data: shown(&app, row).await? })))
}

/// `GET /api/v1/credits/purchases` (ours), newest first.
///
/// # Errors
/// 403 for an inference key.
pub async fn list_purchases(
    State(app): State<Arc<App>>,
    caller: Caller,
    Query(query): Query<ListQuery>,
) -> Result<Json<Envelope<Vec<Purchase>>>> {
    caller.check(Permission::ManageBilling)?;
    let mut data = Vec::new();
    for row in app.store.purchases_of(caller.organization_id(), query.limit()?).await? {
        data.push(shown(&app, row).await?);
    }
    Ok(Json(Envelope { data }))
}

/// `GET /api/v1/credits/purchases.csv` (ours)
///
/// # Errors
/// 403 for an inference key.
pub async fn export_purchases(State(app): State<Arc<App>>, caller: Caller) -> Result<Response> {
    caller.check(Permission::ManageBilling)?;
    let rows = app.store.purchases_of(caller.organization_id(), i64::from(u32::MAX)).await?;
    Ok(file("text/csv; charset=utf-8", "purchases.csv", receipt::csv(&rows).into_bytes()))
}

fn file(content_type: &str, name: &str, bytes: Vec<u8>) -> Response {
    let headers = [
        (header::CONTENT_TYPE, content_type.to_owned()),
        (header::CONTENT_DISPOSITION, format!("attachment; filename=\"{name}\"")),
        (header::CACHE_CONTROL, "no-store".to_owned()),
    ];
    (headers, bytes).into_response()
}

/// Names a purchase.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct PurchaseQuery {
    pub id: Option<String>,
}

async fn own_purchase(app: &App, caller: &Caller, id: Option<&str>) -> Result<PurchaseRow> {
    let id = id.filter(|id| !id.is_empty());
    let id = id.ok_or_else(|| Error::bad_request("id", "id is missing: it names a purchase"))?;
    let row = app.store.purchase(id).await?.filter(|row| row.organization_id == caller.organization_id());
    row.ok_or_else(|| Error::not_found(format!("No purchase of yours is called `{id}`.")))
}

/// `GET /api/v1/credits/receipt?id=` (ours): a PDF.
///
/// # Errors
/// 400 without an id or for what is not paid, 403 for an inference key, 404 for a foreign one.
pub async fn show_receipt(
    State(app): State<Arc<App>>,
    caller: Caller,
    Query(query): Query<PurchaseQuery>,
) -> Result<Response> {
    caller.check(Permission::ManageBilling)?;
    let row = own_purchase(&app, &caller, query.id.as_deref()).await?;
    if row.state != "paid" {
        return Err(Error::bad_request("id", "This purchase is not paid; there is no receipt yet."));
    }
    let organization_id = caller.organization_id();
    let profile = app.store.billing_profile(organization_id).await?;
    let name = app.store.organization_name(organization_id).await?.unwrap_or_default();
    let bytes = receipt::receipt(&app.config.billing, &profile, &name, &row);
    Ok(file("application/pdf", &format!("receipt-{}.pdf", row.id), bytes))
}

/// Names a month.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct StatementQuery {
    /// `YYYY-MM`.
    pub month: Option<String>,
}

/// `GET /api/v1/credits/statement?month=` (ours): a PDF of what moved the balance.
///
/// # Errors
/// 400 without a month, 403 for an inference key.
pub async fn show_statement(
    State(app): State<Arc<App>>,
    caller: Caller,
    Query(query): Query<StatementQuery>,
) -> Result<Response> {
    caller.check(Permission::ManageBilling)?;
    let month = query.month.unwrap_or_default();
    let remedy = "month must be a month, as YYYY-MM";
    let (from, to) = month_bounds(&month).ok_or_else(|| Error::bad_request("month", remedy))?;
    let organization_id = caller.organization_id();
    let account = credit_account(organization_id);
    let before = Money(app.store.balance_at(&account, from).await?);
    let moved = app.store.transfers_between(&account, from, to).await?;
    let profile = app.store.billing_profile(organization_id).await?;
    let name = app.store.organization_name(organization_id).await?.unwrap_or_default();
    let bytes = receipt::statement(&app.config.billing, &profile, &name, &month, &account, &moved, before);
    Ok(file("application/pdf", &format!("statement-{month}.pdf"), bytes))
}

/// Pays back what is unused of a purchase.
///
/// # Errors
/// As [`refund::refund`], 403 for who may not, 404 for a foreign purchase.
pub async fn pay_back(app: &App, caller: &Caller, id: &str) -> Result<(PurchaseRow, Money)> {
    check_buys(caller)?;
    caller.check_recent(app)?;
    let row = own_purchase(app, caller, Some(id)).await?;
    let amount = refund::refund(app, &row).await?;
    Ok((app.store.purchase(&row.id).await?.unwrap_or(row), amount))
}

/// `POST /api/v1/credits/refund` (ours)
///
/// # Errors
/// As [`pay_back`].
pub async fn create_refund(
    State(app): State<Arc<App>>,
    caller: Caller,
    Body(wanted): Body<PurchaseId>,
) -> Result<Json<Envelope<Purchase>>> {
    let (row, _) = pay_back(&app, &caller, &wanted.id).await?;
    Ok(Json(Envelope { data: shown(&app, row).await? }))
}

/// Gives the credit of a promo code, once per organization.
///
/// # Errors
/// 400 for a code that gives nothing, 403 for who may not.
pub async fn redeem(app: &App, caller: &Caller, code: &str) -> Result<Money> {
    check_buys(caller)?;
    let code = code.trim().to_uppercase();
    let organization_id = caller.organization_id();
    let found = app.store.use_promo_code(&code, organization_id, app.clock.now_ms()).await?;
    let nothing = "This code is unknown, used up or over.";
    let promo = found.ok_or_else(|| Error::bad_request("code", nothing))?;
    let amount = Money(promo.amount_nanos);
    let why = format!("Promo code {code}");
    let outcome = app.ledger.grant(&format!("promo:{code}:{organization_id}"), organization_id, amount, &why).await;
    match outcome {
        // Whoever books the grant has redeemed the code, not whoever marked it used: of two
        // at once, or after a crash between the two steps, these are not the same.
        Some(TransferOutcome::Created) => Ok(amount),
        Some(_) => Err(Error::bad_request("code", "Your organization has used this code already.")),
        None => Err(Error::Busy { retry_after_s: 5 }),
    }
}

/// `POST /api/v1/credits/promo` (ours)
///
/// # Errors
/// As [`redeem`].
pub async fn redeem_promo(
    State(app): State<Arc<App>>,
    caller: Caller,
    Body(wanted): Body<RedeemPromo>,
) -> Result<Json<Envelope<Redeemed>>> {
    let amount = redeem(&app, &caller, &wanted.code).await?;
    Ok(Json(Envelope { data: Redeemed { amount } }))
}

/// `POST /api/v1/credits/coinbase`: the original's is gone, too.
///
/// # Errors
/// Always 410.
pub async fn create_coinbase_charge() -> Error {
    Error::Gone("This call is gone. Buy credit with POST /api/v1/credits/purchases.".to_owned())
}
