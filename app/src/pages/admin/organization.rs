//! One organization: its credit, its members, its purchases.

use leptos::prelude::*;
use leptos_router::hooks::use_params_map;

use super::{Area, operator};
use crate::api::{encode, use_api};
use crate::components::deferred::deferred;
use crate::components::form::CallForm;
use crate::components::format;
use crate::components::notice::Empty;
use crate::pages::failed;
use crate::types::admin::{AdminOrganizationDetail, AdminPurchase};

/// `/admin/organizations/:id`
#[component]
pub fn AdminOrganizationPage() -> impl IntoView {
    let api = use_api();
    let id = use_params_map().get_untracked().get("id").unwrap_or_default();
    deferred(async move {
        let body = match operator(&format!("/admin/organizations/{}", encode(&id))).await {
            Err(refusal) => refusal,
            Ok(()) => match api.admin_organization(&id).await {
                // The area has its heading already.
                Err(error) if error.is_not_found() => {
                    view! { <Empty title="No organization has this id."><p><a href="/admin/people">"Find one"</a></p></Empty> }.into_any()
                }
                Err(error) => failed(error),
                Ok(detail) => shown(detail),
            },
        };
        view! { <Area title="Organization" here="/admin/organizations">{body}</Area> }
    })
}

fn shown(detail: AdminOrganizationDetail) -> AnyView {
    let one = detail.organization;
    let here = format!("/admin/organizations/{}", encode(&one.id));
    let call = |verb: &str| format!("/api/v1/admin/organizations/{}/{verb}", encode(&one.id));
    let (verb, label, class) =
        if one.is_frozen { ("thaw", "Thaw", "button") } else { ("freeze", "Freeze", "button button-danger") };
    let members = detail
        .members
        .into_iter()
        .map(|member| {
            let href = format!("/admin/people?query={}", encode(&member.email));
            view! { <li><a href=href>{format::plain(&member.email)}</a>" · "{member.role}</li> }
        })
        .collect_view();
    view! {
        <p><strong>{format::plain(&one.name)}</strong>" "{one.is_frozen.then(|| view! { <span class="badge badge-caution">"Frozen"</span> })}<br/><code>{one.id.clone()}</code></p>
        <dl class="facts-grid">
            <div class="fact"><dt>"Credit"</dt><dd>{one.left.dollars()}</dd></div>
            <div class="fact"><dt>"Of it given"</dt><dd>{detail.promotional.dollars()}</dd></div>
            <div class="fact"><dt>"Since"</dt><dd>{format::moment(&one.created_at)}</dd></div>
        </dl>
        <h2>"Give credit"</h2>
        <CallForm method="POST" path=call("credit") next=here.clone() done="" class="inline-form">
            <input type="hidden" name="request_id" value=detail.request_id/>
            <label class="field"><span>"US dollars"</span><input class="input" name="amount:number" inputmode="decimal" required=true/></label>
            <label class="field"><span>"Reason, for the books"</span><input class="input" name="reason" required=true maxlength="300"/></label>
            <label class="check"><input type="checkbox" name="is_invoice:flag" value="true"/><span>"Paid by invoice, not a gift"</span></label>
            <button class="button button-primary" type="submit">"Give credit"</button>
        </CallForm>
        <h2>{format!("{label} it")}</h2>
        <p class="soft">"A frozen organization keeps its credit, and every request of its keys and members is refused."</p>
        <CallForm method="POST" path=call(verb) next=here.clone() done="" class="inline-form">
            <label class="field"><span>"Reason, which its admins read"</span><input class="input" name="reason" maxlength="300"/></label>
            <button class=class type="submit">{label}</button>
        </CallForm>
        <h2>"Members"</h2>
        <ul class="plain-list">{members}</ul>
        <h2 id="purchases">"Purchases"</h2>
        <Purchases purchases=detail.purchases here/>
    }
    .into_any()
}

#[component]
fn Purchases(purchases: Vec<AdminPurchase>, here: String) -> impl IntoView {
    if purchases.is_empty() {
        return view! { <Empty title="Nothing bought yet."><p>"Purchases by card and coins show here, and what of them can be paid back."</p></Empty> }.into_any();
    }
    let rows = purchases
        .into_iter()
        .map(|one| {
            let refund = (!one.refundable.is_zero()).then(|| {
                let path = format!("/api/v1/admin/purchases/{}/refund", encode(&one.id));
                view! {
                    <CallForm method="POST" path next=here.clone() done="" class="inline-form">
                        <button class="button button-small" type="submit">{format!("Pay back {}", one.refundable.dollars())}</button>
                    </CallForm>
                }
            });
            view! {
                <tr>
                    <th scope="row" data-label="When">{format::moment(&one.created_at)}</th>
                    <td data-label="By">{one.method}" · "{one.state}</td>
                    <td data-label="Credit" class="number">{one.credit.dollars()}</td>
                    <td data-label="Fee" class="number">{one.fee.dollars()}</td>
                    <td data-label="Paid back" class="number">{one.refunded.dollars()}</td>
                    <td data-label="">{refund}</td>
                </tr>
            }
        })
        .collect_view();
    view! {
        <div class="table-scroll" tabindex="0" role="region" aria-labelledby="purchases">
            <table class="table table-cards">
                <caption class="visually-hidden">"Purchases, newest first"</caption>
                <thead><tr><th scope="col">"When"</th><th scope="col">"By"</th><th scope="col" class="number">"Credit"</th><th scope="col" class="number">"Fee"</th><th scope="col" class="number">"Paid back"</th><th scope="col"><span class="visually-hidden">"Actions"</span></th></tr></thead>
                <tbody>{rows}</tbody>
            </table>
        </div>
    }
    .into_any()
}
