//! Offers: hide them, give them prices of their own, import lists.

use leptos::prelude::*;
use leptos_router::hooks::use_query_map;

use super::{Area, number, operator, turns};
use crate::api::{encode, use_api};
use crate::components::deferred::deferred;
use crate::components::form::CallForm;
use crate::components::notice::Empty;
use crate::pages::failed;
use crate::types::admin::{AdminEndpoint, TokenPrices};
use crate::types::money::Money;

const HERE: &str = "/admin/catalog";

/// `/admin/catalog?query=&edited=&offset=`
#[component]
pub fn AdminCatalogPage() -> impl IntoView {
    let api = use_api();
    let asked = use_query_map().get_untracked();
    deferred(async move {
        let query = asked.get("query").unwrap_or_default();
        let edited = asked.get("edited").as_deref() == Some("true");
        let offset = number(asked.get("offset"));
        let body = match operator(HERE).await {
            Err(refusal) => refusal,
            Ok(()) => match api.admin_endpoints(&query, edited, offset).await {
                Err(error) => failed(error),
                Ok(offers) => {
                    let filter = format!("query={}&edited={edited}&", encode(&query));
                    let here = format!("{HERE}?{filter}offset={offset}");
                    let shown = offers.len();
                    view! {
                        <form class="inline-form" method="get" action=HERE>
                            <label class="field"><span>"Model, provider or id"</span><input class="input" type="search" name="query" value=query maxlength="200"/></label>
                            <label class="check"><input type="checkbox" name="edited" value="true" checked=edited/><span>"Changed here only"</span></label>
                            <button class="button" type="submit">"Find"</button>
                        </form>
                        <Offers offers here/>
                        {turns(HERE, &filter, offset, shown)}
                        <Import/>
                    }
                    .into_any()
                }
            },
        };
        view! { <Area title="Catalog" here=HERE>{body}</Area> }
    })
}

#[component]
fn Offers(offers: Vec<AdminEndpoint>, here: String) -> impl IntoView {
    if offers.is_empty() {
        return view! {
            <Empty title="Nothing found."><p>"Search for a part of a model's name or of a provider's. An offer changed here stays changed when a list is imported again."</p></Empty>
        }
        .into_any();
    }
    let all = offers.into_iter().map(|offer| view! { <Offer offer here=here.clone()/> }).collect_view();
    view! { <ul class="offers">{all}</ul> }.into_any()
}

#[component]
fn Offer(offer: AdminEndpoint, here: String) -> impl IntoView {
    const CALL: &str = "/api/v1/admin/endpoints/edit";
    let id = offer.id;
    let hide = if offer.is_hidden { ("false", "Show it again") } else { ("true", "Hide it") };
    let price = offer.price.as_ref().map_or_else(|| "no price: nothing is sent there".to_owned(), said);
    let list = offer
        .list_price
        .as_ref()
        .filter(|_| offer.has_own_price)
        .map(|price| format!("The list says {}.", said(price)));
    let field = |name: &'static str, label: &'static str, amount: Option<Money>| {
        let value = amount.map(|amount| amount.to_string()).unwrap_or_default();
        view! { <label class="field"><span>{label}</span><input class="input" name=name inputmode="decimal" value=value/></label> }
    };
    let prices = offer.price.clone().unwrap_or_default();
    let is_priced = offer.price.is_some();
    let (same, priced, hidden) = (id.clone(), id.clone(), id.clone());
    let back = offer.has_own_price.then(|| {
        view! {
            <CallForm method="POST" path=CALL next=here.clone() done="The list's price is in force again." class="inline-form">
                <input type="hidden" name="endpoint_id" value=same/>
                <input type="hidden" name="use_list_price:flag" value="true"/>
                <button class="button button-small" type="submit">"Back to the list's price"</button>
            </CallForm>
        }
    });
    view! {
        <li class="offer">
            <details class="more">
                <summary>
                    <strong>{offer.model_id}</strong>" at "{offer.provider_slug}" · "{price}" "
                    {offer.is_hidden.then(|| view! { <span class="badge badge-caution">"Hidden"</span>" " })}
                    {offer.has_own_price.then(|| view! { <span class="badge badge-accent">"Own price"</span>" " })}
                    {(!offer.is_listed).then(|| view! { <span class="badge">"Withdrawn"</span> })}
                </summary>
                <p class="soft"><code>{id}</code>" asks for "<code>{offer.upstream_model}</code>". "{list}</p>
                <CallForm method="POST" path=CALL next=here.clone() done="The new price is in force." class="inline-form">
                    <input type="hidden" name="endpoint_id" value=priced/>
                    {field("prompt:number", "Input, $ per million", is_priced.then_some(prices.prompt))}
                    {field("completion:number", "Output, $ per million", is_priced.then_some(prices.completion))}
                    {field("cache_read:number", "Cache read", prices.cache_read)}
                    {field("cache_write:number", "Cache write", prices.cache_write)}
                    <button class="button" type="submit">"Set the price"</button>
                </CallForm>
                <div class="button-row">
                    <CallForm method="POST" path=CALL next=here.clone() done="Done." class="inline-form">
                        <input type="hidden" name="endpoint_id" value=hidden/>
                        <input type="hidden" name="hidden:flag" value=hide.0/>
                        <button class="button button-small" type="submit">{hide.1}</button>
                    </CallForm>
                    {back}
                </div>
            </details>
        </li>
    }
}

fn said(price: &TokenPrices) -> String {
    format!("{} / {} per million", price.prompt.dollars(), price.completion.dollars())
}

#[component]
fn Import() -> impl IntoView {
    view! {
        <h2>"Import a list"</h2>
        <p class="soft">"models.dev's api.json, or the answer of GET /api/v1/models of a server like this one. Changed prices are new versions; what you hid or priced here stays so."</p>
        <CallForm method="POST" path="/api/v1/admin/catalog/import" next=HERE done="" class="inline-form">
            <label class="field"><span>"Address"</span><input class="input" type="url" name="url" value="https://models.dev/api.json" required=true/></label>
            <button class="button" type="submit">"Import"</button>
        </CallForm>
    }
}
