//! The forms of the credits page, which work without a script, and the way back
//! from the payment service.

use std::collections::HashMap;
use std::sync::Arc;

use app::types::Money;
use app::types::credits::{CreatePurchase, ReceiptAddress, TopUp, UpdateBilling};
use axum::extract::{Request, State};
use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse as _, Redirect, Response};
use url::form_urlencoded::byte_serialize;

use super::address::Origin;
use super::caller::{Caller, admitted, is_own_site};
use super::inference::read_body;
use super::purchases;
use crate::App;
use crate::error::{Error, Result};

/// The largest form, bytes.
const FORM_BYTES: u64 = 8 << 10;

/// What a form said, and who sent it.
struct Sent {
    caller: Caller,
    origin: Origin,
    fields: HashMap<String, String>,
}

impl Sent {
    fn text(&self, name: &str) -> String {
        self.fields.get(name).map(|text| text.trim().to_owned()).unwrap_or_default()
    }

    /// An amount as people write it: `20`, `$20.50`, `1,000`.
    fn amount(&self, name: &str) -> Result<Money> {
        let text: String = self.text(name).chars().filter(|letter| !"$, ".contains(*letter)).collect();
        let remedy = format!("{name} must be US dollars, such as 20 or 20.50");
        text.parse().map_err(|_| Error::bad_request(name, remedy))
    }

    fn is_on(&self, name: &str) -> bool {
        !self.text(name).is_empty()
    }
}

/// `Err` holds the way to the sign-in page.
async fn read(app: &Arc<App>, request: Request) -> Result<Result<Sent, Response>> {
    let (parts, body) = request.into_parts();
    if !is_own_site(&parts.headers, &parts.method) {
        return Err(Error::Forbidden("This form may only be sent from this site's own pages.".to_owned()));
    }
    let caller = match admitted(&parts, app).await {
        Ok(Some(caller)) => caller,
        Ok(None) => return Ok(Err(see_other("/sign-in?next=/credits"))),
        Err(error) => return Ok(Err(back(Err(error), ""))),
    };
    let bytes = read_body(body, FORM_BYTES).await?;
    let fields = url::form_urlencoded::parse(&bytes).into_owned().collect();
    Ok(Ok(Sent { caller, origin: Origin::read(&parts, app), fields }))
}

fn see_other(target: &str) -> Response {
    let mut response = Redirect::to("/credits").into_response();
    if let Ok(value) = HeaderValue::from_str(target) {
        response.headers_mut().insert(header::LOCATION, value);
    }
    response
}

/// Back to the page, with a word it knows or what went wrong.
fn back(result: Result<&str>, more: &str) -> Response {
    let quoted = |text: &str| byte_serialize(text.as_bytes()).collect::<String>();
    match result {
        Ok(word) => see_other(&format!("/credits?result={word}{more}")),
        // Proved there, the visitor comes back to the page and says again what he wants.
        Err(Error::Unproved) => see_other("/confirm?next=/credits"),
        Err(error @ (Error::Database(_) | Error::Internal(_))) => {
            tracing::error!(%error, "A form of the credits page failed");
            let text = "Something went wrong on this server. Nothing was charged twice; try again in a minute.";
            see_other(&format!("/credits?problem={}", quoted(text)))
        }
        Err(error) => see_other(&format!("/credits?problem={}{more}", quoted(&error.public_message()))),
    }
}

/// `POST /credits/purchase`: to the page where it is paid.
///
/// # Errors
/// 403 for a form of another site.
pub async fn purchase(State(app): State<Arc<App>>, request: Request) -> Result<Response> {
    let sent = match read(&app, request).await? {
        Ok(sent) => sent,
        Err(elsewhere) => return Ok(elsewhere),
    };
    let begun = async {
        let wanted = CreatePurchase {
            amount: sent.amount("amount")?,
            method: Some(sent.text("method")).filter(|method| !method.is_empty()),
            save_card: sent.is_on("save_card"),
        };
        purchases::begin(&app, &sent.caller, &wanted).await
    };
    match begun.await {
        Ok(row) => Ok(see_other(row.pay_url.as_deref().unwrap_or("/credits"))),
        Err(error) => Ok(back(Err(error), "")),
    }
}

/// `GET /credits/return?session_id=`: somebody comes back from paying. What was paid is
/// credited now if the event about it has not arrived yet.
///
/// # Errors
/// Never; what went wrong is shown on the page.
pub async fn return_from_payment(State(app): State<Arc<App>>, request: Request) -> Result<Response> {
    let (parts, _) = request.into_parts();
    // Whoever knows the session's id may come: nothing is shown of it.
    let query = parts.uri.query().unwrap_or_default();
    let mut pairs = url::form_urlencoded::parse(query.as_bytes());
    let session_id = pairs.find(|(name, _)| name == "session_id").map(|(_, value)| value.into_owned());
    let settled = async {
        let Some(session_id) = session_id else { return Ok("cancelled") };
        let Some(known) = app.store.purchase_by_session(&session_id).await? else { return Ok("unknown") };
        crate::billing::purchase::look_up(&app, &known).await?;
        let now = app.store.purchase(&known.id).await?.unwrap_or(known);
        Ok(if now.state == "paid" { "bought" } else { "pending" })
    };
    Ok(back(settled.await, ""))
}

/// `POST /credits/refund`
///
/// # Errors
/// 403 for a form of another site.
pub async fn refund(State(app): State<Arc<App>>, request: Request) -> Result<Response> {
    let sent = match read(&app, request).await? {
        Ok(sent) => sent,
        Err(elsewhere) => return Ok(elsewhere),
    };
    let done = purchases::pay_back(&app, &sent.caller, &sent.text("id")).await;
    let more = done.as_ref().map(|(_, amount)| format!("&amount={amount}")).unwrap_or_default();
    Ok(back(done.map(|_| "refunded"), &more))
}

/// `POST /credits/promo`
///
/// # Errors
/// 403 for a form of another site.
pub async fn promo(State(app): State<Arc<App>>, request: Request) -> Result<Response> {
    let sent = match read(&app, request).await? {
        Ok(sent) => sent,
        Err(elsewhere) => return Ok(elsewhere),
    };
    let done = purchases::redeem(&app, &sent.caller, &sent.text("code")).await;
    let more = done.as_ref().map(|amount| format!("&amount={amount}")).unwrap_or_default();
    Ok(back(done.map(|_| "redeemed"), &more))
}

/// `POST /credits/top-up`
///
/// # Errors
/// 403 for a form of another site.
pub async fn top_up(State(app): State<Arc<App>>, request: Request) -> Result<Response> {
    let sent = match read(&app, request).await? {
        Ok(sent) => sent,
        Err(elsewhere) => return Ok(elsewhere),
    };
    let done = async {
        let top_up = TopUp {
            enabled: sent.is_on("enabled"),
            threshold: sent.amount("threshold")?,
            amount: sent.amount("amount")?,
        };
        let change = UpdateBilling { top_up: Some(top_up), ..UpdateBilling::default() };
        purchases::change_billing(&app, &sent.caller, &sent.origin, change).await
    };
    Ok(back(done.await.map(|()| "saved"), ""))
}

/// `POST /credits/receipt-address`
///
/// # Errors
/// 403 for a form of another site.
pub async fn receipt_address(State(app): State<Arc<App>>, request: Request) -> Result<Response> {
    let sent = match read(&app, request).await? {
        Ok(sent) => sent,
        Err(elsewhere) => return Ok(elsewhere),
    };
    let receipt =
        ReceiptAddress { name: sent.text("name"), address: sent.text("address"), tax_id: sent.text("tax_id") };
    let statements_to = sent.fields.get("statements_to").cloned();
    let change = UpdateBilling { receipt: Some(receipt), statements_to, ..UpdateBilling::default() };
    Ok(back(purchases::change_billing(&app, &sent.caller, &sent.origin, change).await.map(|()| "saved"), ""))
}

/// `POST /credits/forget-card`
///
/// # Errors
/// 403 for a form of another site.
pub async fn forget_card(State(app): State<Arc<App>>, request: Request) -> Result<Response> {
    let sent = match read(&app, request).await? {
        Ok(sent) => sent,
        Err(elsewhere) => return Ok(elsewhere),
    };
    let change = UpdateBilling { forget_card: true, ..UpdateBilling::default() };
    Ok(back(purchases::change_billing(&app, &sent.caller, &sent.origin, change).await.map(|()| "forgotten"), ""))
}
