//! Which letters a person and an organization get.

use leptos::prelude::*;

use super::{failed, member};
use crate::api::use_api;
use crate::components::deferred::deferred;
use crate::components::form::{CallForm, undo};
use crate::components::title::PageTitle;
use crate::types::account::Notifications;
use crate::types::credits::Billing;

const HERE: &str = "/settings/notifications";
const OWN: &str = "/api/v1/account/notifications";

/// `/settings/notifications`
#[component]
pub fn NotificationsPage() -> impl IntoView {
    let api = use_api();
    deferred(async move {
        let body = match member("choose your letters", HERE).await {
            Err(invitation) => invitation,
            Ok(_) => match api.notifications().await {
                // Who may not see how the organization pays has no say in its letters either.
                Ok(choices) => {
                    let billing = api.billing().await.ok().filter(|billing| billing.may_buy);
                    view! { <Own choices/> {billing.map(|billing| view! { <Organization billing/> })} <Always/> }
                        .into_any()
                }
                Err(error) => failed(error),
            },
        };
        view! {
            <PageTitle text="Notifications"/>
            <section class="page page-narrow">
                <p class="eyebrow"><a href="/settings">"Settings"</a></p>
                <h1>"Notifications"</h1>
                {body}
            </section>
        }
    })
}

#[component]
fn Own(choices: Notifications) -> impl IntoView {
    let switch = |name: &'static str, is_on: bool, title: &'static str, text: &'static str| {
        view! {
            <li>
                <input type="hidden" name=name value="0"/>
                <label class="check">
                    <input type="checkbox" name=name value="1" checked=is_on/>
                    <span><strong>{title}</strong>" "<small>{text}</small></span>
                </label>
            </li>
        }
    };
    let back = undo("PATCH", OWN, &serde_json::to_value(&choices).unwrap_or_default());
    view! {
        <h2>"Letters to you"</h2>
        <p>"Letters about money go to owners, admins and billing members of an organization."</p>
        <CallForm method="PATCH" path=OWN next=HERE done="Your choice is kept." undo=Some(back)>
            <ul class="choices">
                {switch("low_balance:flag", choices.low_balance, "Low balance", "Credit is about to run out.")}
                {switch("key_limits:flag", choices.key_limits, "Key limits", "A key has used 80 % or all of its limit.")}
                {switch("receipts:flag", choices.receipts, "Receipts", "Credit was bought.")}
                {switch("announcements:flag", choices.announcements, "Announcements", "What operators tell everybody; it is on every page, too.")}
            </ul>
            <p><button class="button button-primary" type="submit">"Save"</button></p>
        </CallForm>
    }
}

/// What the organization is told, whoever reads it.
#[component]
fn Organization(billing: Billing) -> impl IntoView {
    let low = billing.low_balance.to_string();
    view! {
        <h2>"Letters to the organization"</h2>
        <CallForm method="PATCH" path="/api/v1/billing" next=HERE done="The sum is changed.">
            <label class="field">
                <span>"Credit is low when less than this is left, US dollars "<small>"(0: never; empty: what this server takes for low)"</small></span>
                <input class="input" name="low_balance:number" inputmode="decimal" autocomplete="off" value=low/>
            </label>
            <p><button class="button" type="submit">"Change the sum"</button></p>
        </CallForm>
        <CallForm method="PATCH" path="/api/v1/billing" next=HERE done="The address of statements is changed.">
            <label class="field">
                <span>"Send a statement after each month to "<small>"(empty: no statements)"</small></span>
                <input class="input" type="email" name="statements_to" value=billing.statements_to.unwrap_or_default() maxlength="254" autocomplete="email"/>
            </label>
            <p><button class="button" type="submit">"Change the address"</button></p>
        </CallForm>
    }
}

#[component]
fn Always() -> impl IntoView {
    view! {
        <h2>"Always sent"</h2>
        <p>"Letters about the security of your account and about payments that fail: links that confirm your address or set a new password, invitations, and what an automatic purchase could not do."</p>
    }
}
