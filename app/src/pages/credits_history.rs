//! Purchases with their receipts and refunds, and everything that moved the balance.

use leptos::prelude::*;

use crate::api::encode;
use crate::components::format;
use crate::components::notice::Empty;
use crate::types::Money;
use crate::types::credits::{LedgerEntry, Purchase};

/// The history of purchases.
#[component]
pub fn Purchases(purchases: Vec<Purchase>, refund_hours: u32, may_buy: bool) -> impl IntoView {
    let heading = view! { <h2 id="purchases">"Purchases"</h2> };
    if purchases.is_empty() {
        return view! {
            {heading}
            <Empty title="Nothing was bought yet.">
                <p>"Every purchase will be listed here with its receipt. "
                {format!("Unused credit is paid back within {refund_hours} hours; the fee is kept.")}</p>
            </Empty>
        }
        .into_any();
    }
    let rows = purchases.into_iter().map(|purchase| view! { <Row purchase may_buy/> }).collect_view();
    view! {
        {heading}
        <p><a href="/credits/purchases.csv" download="purchases.csv">"Export as CSV"</a></p>
        <div class="table-scroll" tabindex="0" role="region" aria-label="Purchases">
            <table class="table table-cards">
                <caption class="visually-hidden">"Purchases, newest first"</caption>
                <thead>
                    <tr>
                        <th scope="col">"Time"</th>
                        <th scope="col">"State"</th>
                        <th scope="col" class="number">"Credit"</th>
                        <th scope="col" class="number">"Fee"</th>
                        <th scope="col" class="number">"Paid"</th>
                        <th scope="col">"What to do"</th>
                    </tr>
                </thead>
                <tbody>{rows}</tbody>
            </table>
        </div>
    }
    .into_any()
}

#[component]
fn Row(purchase: Purchase, may_buy: bool) -> impl IntoView {
    let state = match purchase.state.as_str() {
        "paid" if purchase.refunded >= purchase.credit => "Refunded".to_owned(),
        "paid" if purchase.refunded > Money::ZERO => format!("Paid, {} back", purchase.refunded.dollars_short()),
        "paid" => "Paid".to_owned(),
        "pending" => "Not paid yet".to_owned(),
        "expired" => "Expired".to_owned(),
        _ => "Failed".to_owned(),
    };
    let state = if purchase.is_automatic { format!("{state}, automatic") } else { state };
    let receipt = (purchase.state == "paid").then(|| {
        let href = format!("/credits/receipt?id={}", encode(&purchase.id));
        view! { <a href=href>"Receipt"</a>" " }
    });
    let pay = purchase.checkout_url.clone().filter(|_| may_buy).map(|url| view! { <a href=url>"Go on to pay"</a>" " });
    let refund = (may_buy && purchase.refundable > Money::ZERO).then(|| {
        view! {
            <form class="inline" method="post" action="/credits/refund">
                <input type="hidden" name="id" value=purchase.id.clone()/>
                <button class="button button-small" type="submit">
                    {format!("Refund {}", purchase.refundable.dollars_short())}
                </button>
            </form>
        }
    });
    let total = if purchase.state == "paid" { purchase.total.dollars_short() } else { "–".to_owned() };
    let problem = purchase.problem.map(|problem| view! { <span class="fact-note">{problem}</span> });
    view! {
        <tr>
            <td data-label="Time"><time datetime=purchase.created_at.clone()>{format::moment(&purchase.created_at)}</time></td>
            <th scope="row" data-label="State">{state}</th>
            <td class="number" data-label="Credit">{purchase.credit.dollars_short()}</td>
            <td class="number" data-label="Fee">{purchase.fee.dollars_short()}</td>
            <td class="number" data-label="Paid">{total}</td>
            <td data-label="What to do">{receipt}{pay}{refund}{problem}</td>
        </tr>
    }
}

/// What moved the balance.
#[component]
pub fn Ledger(entries: Vec<LedgerEntry>) -> impl IntoView {
    let month = entries.first().and_then(|entry| entry.created_at.get(..7)).map(|month| {
        let href = format!("/credits/statement?month={month}");
        view! { <p><a href=href>{format!("Statement of {month} (PDF)")}</a></p> }
    });
    let heading = view! { <h2>"Ledger"</h2>{month} };
    if entries.is_empty() {
        return view! {
            {heading}
            <Empty title="Nothing has moved yet.">
                <p>"Every purchase, grant and charge will be listed here."</p>
            </Empty>
        }
        .into_any();
    }
    let rows = entries
        .into_iter()
        .map(|entry| {
            let (sign, class) = if entry.amount > Money::ZERO { ("+", "number change-up") } else { ("", "number") };
            view! {
                <tr>
                    <td data-label="Time"><time datetime=entry.created_at.clone()>{format::moment(&entry.created_at)}</time></td>
                    <td data-label="Kind"><span class="badge">{kind(&entry.kind)}</span></td>
                    <th scope="row" data-label="For">{format::plain(&entry.description)}</th>
                    <td class=class data-label="Amount">{sign}{entry.amount.dollars()}</td>
                </tr>
            }
        })
        .collect_view();
    view! {
        {heading}
        <div class="table-scroll" tabindex="0" role="region" aria-label="Ledger">
            <table class="table table-cards">
                <caption class="visually-hidden">"What moved the balance, newest first"</caption>
                <thead>
                    <tr>
                        <th scope="col">"Time"</th>
                        <th scope="col">"Kind"</th>
                        <th scope="col">"For"</th>
                        <th scope="col" class="number">"Amount"</th>
                    </tr>
                </thead>
                <tbody>{rows}</tbody>
            </table>
        </div>
    }
    .into_any()
}

fn kind(name: &str) -> String {
    match name {
        "post" => "Charge".to_owned(),
        "grant" => "Grant".to_owned(),
        "purchase" => "Purchase".to_owned(),
        "invoice" => "Invoice".to_owned(),
        "refund" => "Refund".to_owned(),
        "refund_failed" => "Refund failed".to_owned(),
        "dispute" => "Dispute".to_owned(),
        "dispute_won" => "Dispute won".to_owned(),
        "byok_fee" => "Own-key fee".to_owned(),
        "correction" => "Correction".to_owned(),
        other => format::plain(other),
    }
}
