//! Buying credit: how much, what it costs with the fee, and how it goes on by itself.

use leptos::prelude::*;

use crate::components::markdown::escape;
use crate::types::Money;
use crate::types::credits::{Billing, PaymentMethod, ReceiptAddress};

/// Amounts to choose with one click, US dollars.
const USUAL: [i64; 5] = [10, 20, 50, 100, 500];

/// First how much, then what it costs, then the page of the payment service.
#[component]
pub fn Buy(billing: Billing, amount: String, method: String, account: String) -> impl IntoView {
    if billing.methods.is_empty() {
        return view! {
            <section class="notice" aria-labelledby="add-credit">
                <h2 id="add-credit">"Add credit"</h2>
                <p>"This server sells no credit. Its operator grants it on the command line:"</p>
                <p><code>{format!("patchbay credit grant --email {account} --amount 10")}</code></p>
                <PromoCode/>
            </section>
        }
        .into_any();
    }
    if billing.is_paused {
        return view! {
            <section class="notice" aria-labelledby="add-credit">
                <h2 id="add-credit">"Add credit"</h2>
                <p>"No credit is sold at the moment: the operator of this server has switched it off. Automatic purchases wait, too; what you have can be spent."</p>
                <PromoCode/>
            </section>
        }
        .into_any();
    }
    if !billing.may_buy {
        return view! {
            <section class="notice" aria-labelledby="add-credit">
                <h2 id="add-credit">"Add credit"</h2>
                <p>"Ask an owner, an admin or a billing member of your organization to add credit."</p>
            </section>
        }
        .into_any();
    }
    let chosen = wanted(&amount, &billing);
    let problem = chosen.as_ref().err().cloned().filter(|_| !amount.is_empty());
    let picked = billing.methods.iter().find(|offered| offered.method == method).or(billing.methods.first()).cloned();
    let quote = chosen.ok().zip(picked.clone()).map(|(credit, method)| view! { <Quote credit method/> });
    let is_simulated = billing.is_simulated.then(|| {
        view! { <p class="notice">"Demo: the payment is simulated. No card is charged and no money is moved."</p> }
    });
    let usual = USUAL
        .into_iter()
        .map(Money::from_dollars)
        .filter(|usual| *usual >= billing.least && *usual <= billing.most)
        .map(|usual| {
            let href = format!("/credits?buy={usual}#add-credit");
            view! { <a class="button" href=href>{usual.dollars_short().trim_end_matches(".00").to_owned()}</a> }
        })
        .collect_view();
    let methods = (billing.methods.len() > 1).then(|| view! { <Methods methods=billing.methods.clone() picked/> });
    let range = format!("US dollars, {} to {}", billing.least.dollars_short(), billing.most.dollars_short());
    let rates = billing.methods.iter().map(rate).collect::<Vec<_>>().join("; ");
    view! {
        <section class="panel" aria-labelledby="add-credit">
            <h2 id="add-credit">"Add credit"</h2>
            {is_simulated}
            {problem.map(|text| view! { <p class="notice notice-bad" role="alert">{text}</p> })}
            <div class="button-row">{usual}</div>
            <form class="form" method="get" action="/credits#add-credit">
                <label class="field">
                    <span>"Amount "<small>{format!("({range})")}</small></span>
                    <input class="input" type="text" inputmode="decimal" name="buy" value=amount required=true/>
                </label>
                {methods}
                <button class="button" type="submit">"Show the price"</button>
            </form>
            <p class="fact-note">{format!("Fee: {rates}. Models cost what their providers ask.")}</p>
            {quote}
            <PromoCode/>
        </section>
    }
    .into_any()
}

fn rate(offered: &PaymentMethod) -> String {
    let least = offered.fee.least;
    let least = if least > Money::ZERO { format!(", at least {}", least.dollars_short()) } else { String::new() };
    format!("{} {}{least}", offered.fee.percent(), name_of(&offered.method))
}

fn name_of(method: &str) -> &'static str {
    if method == "crypto" { "with coins (USDC)" } else { "by card" }
}

/// The amount somebody typed, or what is wrong with it.
fn wanted(text: &str, billing: &Billing) -> Result<Money, String> {
    let digits: String = text.chars().filter(|letter| !"$, ".contains(*letter)).collect();
    let amount: Money =
        digits.parse().map_err(|_| "Write the amount as US dollars, such as 20 or 20.50.".to_owned())?;
    if amount < billing.least || amount > billing.most {
        return Err(format!("Choose {} to {}.", billing.least.dollars_short(), billing.most.dollars_short()));
    }
    if amount.0 % Money::from_cents(1).0 != 0 {
        return Err("Choose whole cents, such as 20 or 20.50.".to_owned());
    }
    Ok(amount)
}

#[component]
fn Methods(methods: Vec<PaymentMethod>, picked: Option<PaymentMethod>) -> impl IntoView {
    let options = methods
        .into_iter()
        .map(|offered| {
            let is_picked = picked.as_ref().is_some_and(|picked| picked.method == offered.method);
            view! {
                <label class="check">
                    <input type="radio" name="method" value=offered.method.clone() checked=is_picked/>
                    {format!("Pay {}", name_of(&offered.method))}
                </label>
            }
        })
        .collect_view();
    view! { <fieldset class="field"><legend>"How to pay"</legend>{options}</fieldset> }
}

/// What it costs, before anybody pays.
#[component]
fn Quote(credit: Money, method: PaymentMethod) -> impl IntoView {
    let fee = method.fee.fee(credit);
    let total = credit.plus(fee).dollars_short();
    let keeps_card = (method.method == "card").then(|| {
        view! {
            <label class="check">
                <input type="checkbox" name="save_card" value="1"/>
                "Keep the card, to buy credit automatically"
            </label>
        }
    });
    view! {
        <form class="form bill-form" method="post" action="/credits/purchase">
            <input type="hidden" name="amount" value=credit.to_string()/>
            <input type="hidden" name="method" value=method.method/>
            <dl class="bill">
                <div><dt>"Credit"</dt><dd>{credit.dollars_short()}</dd></div>
                <div><dt>"Fee"</dt><dd>{fee.dollars_short()}</dd></div>
                <div><dt>"To pay"</dt><dd><strong>{total.clone()}</strong></dd></div>
            </dl>
            {keeps_card}
            <button class="button button-primary" type="submit">{format!("Pay {total}")}</button>
        </form>
    }
}

#[component]
fn PromoCode() -> impl IntoView {
    view! {
        <details class="more">
            <summary>"Have a promo code?"</summary>
            <form class="form form-row" method="post" action="/credits/promo">
                <label class="field">
                    <span>"Code"</span>
                    <input class="input" type="text" name="code" required=true maxlength="40" autocomplete="off"/>
                </label>
                <button class="button" type="submit">"Use code"</button>
            </form>
        </details>
    }
}

/// Automatic purchases, what receipts name and where statements go.
#[component]
pub fn Settings(billing: Billing) -> impl IntoView {
    if !billing.may_buy {
        return ().into_any();
    }
    let papers = view! { <Papers receipt=billing.receipt.clone() statements_to=billing.statements_to.clone()/> };
    if billing.methods.is_empty() {
        // Nothing is sold here, but credit given by the operator has statements, too.
        return papers.into_any();
    }
    let top_up = match &billing.card {
        Some(card) => view! { <TopUpForm billing=billing.clone() card=card.clone()/> }.into_any(),
        None => view! {
            <p>"Buy credit once and keep the card; then it can be charged whenever your credit runs low."</p>
        }
        .into_any(),
    };
    view! {
        <div>
            <section class="panel" aria-labelledby="top-up">
                <h2 id="top-up">"Automatic purchases"</h2>
                {top_up}
            </section>
            {papers}
        </div>
    }
    .into_any()
}

#[component]
fn Papers(receipt: ReceiptAddress, statements_to: Option<String>) -> impl IntoView {
    view! {
        <section class="panel" aria-labelledby="papers">
            <h2 id="papers">"Receipts and statements"</h2>
            <details class="more">
                <summary>"Who they name, and where they go"</summary>
                <form class="form" method="post" action="/credits/receipt-address">
                    <label class="field">
                        <span>"Company or name"</span>
                        <input class="input" type="text" name="name" value=receipt.name maxlength="200" autocomplete="organization"/>
                    </label>
                    <label class="field">
                        <span>"Address"</span>
                        <textarea class="input" name="address" rows="3" maxlength="500" inner_html=escape(&receipt.address)></textarea>
                    </label>
                    <label class="field">
                        <span>"Tax id"</span>
                        <input class="input" type="text" name="tax_id" value=receipt.tax_id maxlength="100"/>
                    </label>
                    <label class="field">
                        <span>"Send a statement after each month to "<small>"(empty: no statements)"</small></span>
                        <input class="input" type="email" name="statements_to" value=statements_to maxlength="254" autocomplete="email"/>
                    </label>
                    <button class="button" type="submit">"Save"</button>
                </form>
            </details>
        </section>
    }
}

#[component]
fn TopUpForm(billing: Billing, card: String) -> impl IntoView {
    let shown = |amount: Money, usual: i64| {
        if amount > Money::ZERO { amount.to_string() } else { Money::from_dollars(usual).to_string() }
    };
    let threshold = shown(billing.top_up.threshold, 5);
    let amount = shown(billing.top_up.amount, 20);
    view! {
        <form class="form" method="post" action="/credits/top-up">
            <label class="check">
                <input type="checkbox" name="enabled" value="1" checked=billing.top_up.enabled/>
                {format!("Charge {card} automatically")}
            </label>
            <label class="field">
                <span>"When less than this is left "<small>"(US dollars)"</small></span>
                <input class="input" type="text" inputmode="decimal" name="threshold" value=threshold required=true/>
            </label>
            <label class="field">
                <span>"Buy this much credit "<small>"(US dollars, the fee is added)"</small></span>
                <input class="input" type="text" inputmode="decimal" name="amount" value=amount required=true/>
            </label>
            <button class="button" type="submit">"Save"</button>
        </form>
        <form method="post" action="/credits/forget-card">
            <button class="button" type="submit">{format!("Forget {card}")}</button>
        </form>
    }
}
