//! The balance, buying credit, and what moved the balance.

use crate::components::deferred::deferred;
use crate::components::title::PageTitle;
use leptos::prelude::*;
use leptos_router::hooks::use_query_map;

use super::credits_buy::{Buy, Settings};
use super::credits_history::{Ledger, Purchases};
use super::{failed, member};
use crate::api::use_api;
use crate::types::Money;
use crate::types::credits::{Billing, Credits};

/// Entries shown.
const ENTRIES: u32 = 50;

/// What the address says besides.
struct Asked {
    result: String,
    problem: String,
    given: Option<Money>,
    amount: String,
    method: String,
}

fn asked() -> Asked {
    let query = use_query_map().get_untracked();
    let text = |name: &str| query.get(name).unwrap_or_default();
    Asked {
        result: text("result"),
        problem: text("problem"),
        given: text("amount").parse().ok(),
        amount: text("buy"),
        method: text("method"),
    }
}

/// `/credits`
#[component]
pub fn CreditsPage() -> impl IntoView {
    let api = use_api();
    let Asked { result, problem, given, amount, method } = asked();
    deferred(async move {
        let body = match member("see your credit", "/credits").await {
            Err(invitation) => invitation,
            Ok(session) => {
                let loaded =
                    futures::try_join!(api.credits(), api.billing(), api.purchases(ENTRIES), api.ledger(ENTRIES));
                match loaded {
                    Ok((credits, billing, purchases, entries)) => {
                        let account = session.user.map(|user| user.email).unwrap_or_default();
                        let refund_hours = billing.refund_hours;
                        let may_buy = billing.may_buy;
                        view! {
                            <Outcome result problem given/>
                            <Warnings credits billing=billing.clone()/>
                            <Balance credits promotional=billing.promotional/>
                            <div class="split split-panels">
                                <Buy billing=billing.clone() amount method account/>
                                <Settings billing/>
                            </div>
                            <Purchases purchases refund_hours may_buy/>
                            <Ledger entries/>
                        }
                        .into_any()
                    }
                    Err(error) => failed(error),
                }
            }
        };
        view! {
            <PageTitle text="Credits"/>
            <section class="page">
                <h1>"Credits"</h1>
                {body}
            </section>
        }
    })
}

/// What the form that was just sent has done.
#[component]
fn Outcome(result: String, problem: String, given: Option<Money>) -> impl IntoView {
    if !problem.is_empty() {
        return view! { <p class="notice notice-bad" role="alert">{problem}</p> }.into_any();
    }
    let amount = given.map(Money::dollars).unwrap_or_default();
    let text = match result.as_str() {
        "bought" => "Thank you. The credit is there, and a receipt is on its way by e-mail.".to_owned(),
        "pending" => "Your bank has not confirmed the payment yet. The credit appears here when it does.".to_owned(),
        "cancelled" => "Nothing was paid.".to_owned(),
        "refunded" => format!("{amount} is on its way back to your card."),
        "redeemed" => format!("The code gave you {amount}."),
        "saved" => "Saved.".to_owned(),
        "forgotten" => "The card is forgotten, and nothing is bought automatically any more.".to_owned(),
        _ => return ().into_any(),
    };
    view! { <p class="notice notice-good" role="status">{text}</p> }.into_any()
}

#[component]
fn Warnings(credits: Credits, billing: Billing) -> impl IntoView {
    let frozen = billing.is_frozen.then(|| {
        view! {
            <p class="notice notice-bad" role="alert">
                "This organization is frozen because a payment was disputed: requests are refused. Write to the operator of this server."
            </p>
        }
    });
    let is_low = credits.available < billing.low_balance && !billing.top_up.enabled;
    let low = is_low.then(|| {
        let text = if credits.available <= Money::ZERO {
            "No credit is left: requests to paid models are refused.".to_owned()
        } else {
            format!("Only {} is left. Requests are refused when nothing is.", credits.available.dollars())
        };
        view! { <p class="notice notice-warn">{text}</p> }
    });
    let failed = billing.top_up_problem.map(|problem| {
        view! { <p class="notice notice-bad" role="alert">"The last automatic purchase failed: "{problem}</p> }
    });
    view! { {frozen}{low}{failed} }
}

#[component]
fn Balance(credits: Credits, promotional: Money) -> impl IntoView {
    let gift = if promotional > Money::ZERO {
        format!("{} of it a gift, spent first", promotional.dollars())
    } else {
        "what a new request may spend".to_owned()
    };
    let facts = [
        ("Available", credits.available, gift),
        ("Held", credits.held, "set aside for requests under way".to_owned()),
        ("Used", credits.total_usage, "since the beginning".to_owned()),
        ("Credited", credits.total_credits, "since the beginning".to_owned()),
    ];
    let facts = facts
        .into_iter()
        .map(|(label, amount, note)| {
            view! { <div class="fact"><dt>{label}</dt><dd>{amount.dollars_short()}</dd><dd class="fact-note">{note}</dd></div> }
        })
        .collect_view();
    view! { <dl class="facts-grid facts-large">{facts}</dl> }
}
