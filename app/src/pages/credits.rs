//! The balance and what moved it.

use crate::components::deferred::deferred;
use crate::components::title::PageTitle;
use leptos::prelude::*;

use super::{failed, member};
use crate::api::use_api;
use crate::components::format;
use crate::components::notice::Empty;
use crate::types::Money;
use crate::types::credits::{Credits, LedgerEntry};

/// Entries shown.
const ENTRIES: u32 = 50;

/// `/credits`
#[component]
pub fn CreditsPage() -> impl IntoView {
    let api = use_api();
    deferred(async move {
        let body = match member("see your credit", "/credits").await {
            Err(invitation) => invitation,
            Ok(session) => match futures::try_join!(api.credits(), api.ledger(ENTRIES)) {
                Ok((credits, entries)) => {
                    let account = session.user.map(|user| user.email).unwrap_or_default();
                    view! {
                        <Balance credits/>
                        <section class="notice" aria-labelledby="add-credit">
                            <h2 id="add-credit">"Add credit"</h2>
                            <p>"The operator of this server grants credit on its command line:"</p>
                            <p><code>{format!("patchbay credit grant {account} 10")}</code></p>
                        </section>
                        <h2>"Ledger"</h2>
                        <Ledger entries/>
                    }
                    .into_any()
                }
                Err(error) => failed(error),
            },
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

#[component]
fn Balance(credits: Credits) -> impl IntoView {
    let facts = [
        ("Available", credits.available, "what a new request may spend"),
        ("Held", credits.held, "set aside for requests under way"),
        ("Used", credits.total_usage, "since the beginning"),
        ("Credited", credits.total_credits, "since the beginning"),
    ];
    let facts = facts
        .into_iter()
        .map(|(label, amount, note)| {
            view! { <div class="fact"><dt>{label}</dt><dd>{amount.dollars_short()}</dd><dd class="fact-note">{note}</dd></div> }
        })
        .collect_view();
    view! { <dl class="facts-grid facts-large">{facts}</dl> }
}

#[component]
fn Ledger(entries: Vec<LedgerEntry>) -> impl IntoView {
    if entries.is_empty() {
        return view! {
            <Empty title="Nothing has moved yet.">
                <p>"Every grant and every charge will be listed here."</p>
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
        "refund" => "Refund".to_owned(),
        "correction" => "Correction".to_owned(),
        other => format::plain(other),
    }
}
