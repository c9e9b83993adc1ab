//! People and organizations.

use leptos::prelude::*;
use leptos_router::hooks::use_query_map;

use super::{Area, number, operator, turns};
use crate::api::{encode, use_api};
use crate::components::deferred::deferred;
use crate::components::form::CallForm;
use crate::components::format;
use crate::components::notice::Empty;
use crate::pages::failed;
use crate::types::admin::{AdminOrganization, AdminUser};

const HERE: &str = "/admin/people";

/// `/admin/people?query=&offset=`
#[component]
pub fn AdminPeoplePage() -> impl IntoView {
    let api = use_api();
    let asked = use_query_map().get_untracked();
    deferred(async move {
        let query = asked.get("query").unwrap_or_default();
        let offset = number(asked.get("offset"));
        let body = match operator(HERE).await {
            Err(refusal) => refusal,
            Ok(()) => {
                match futures::try_join!(api.admin_users(&query, offset), api.admin_organizations(&query, offset)) {
                    Err(error) => failed(error),
                    Ok((users, organizations)) => {
                        let filter = format!("query={}&", encode(&query));
                        let here = format!("{HERE}?{filter}offset={offset}");
                        let shown = users.len().max(organizations.len());
                        view! {
                            <form class="inline-form" method="get" action=HERE>
                                <label class="field"><span>"Address, name or id"</span><input class="input" type="search" name="query" value=query maxlength="200"/></label>
                                <button class="button" type="submit">"Find"</button>
                            </form>
                            <h2 id="organizations">"Organizations"</h2>
                            <Organizations organizations/>
                            <h2 id="users">"People"</h2>
                            <Users users here/>
                            {turns(HERE, &filter, offset, shown)}
                        }
                        .into_any()
                    }
                }
            }
        };
        view! { <Area title="People and organizations" here=HERE>{body}</Area> }
    })
}

#[component]
fn Organizations(organizations: Vec<AdminOrganization>) -> impl IntoView {
    if organizations.is_empty() {
        return view! { <Empty title="No organization found."><p>"Search for a part of its name or of a member's address."</p></Empty> }.into_any();
    }
    let rows = organizations
        .into_iter()
        .map(|one| {
            let href = format!("/admin/organizations/{}", encode(&one.id));
            view! {
                <tr>
                    <th scope="row" data-label="Name"><a href=href>{format::plain(&one.name)}</a>" "{one.is_frozen.then(|| view! { <span class="badge badge-caution">"Frozen"</span> })}</th>
                    <td data-label="Members" class="number">{one.members}</td>
                    <td data-label="Credit" class="number">{one.left.dollars()}</td>
                    <td data-label="Since">{format::moment(&one.created_at)}</td>
                </tr>
            }
        })
        .collect_view();
    view! {
        <div class="table-scroll" tabindex="0" role="region" aria-labelledby="organizations">
            <table class="table table-cards">
                <caption class="visually-hidden">"Organizations, newest first"</caption>
                <thead><tr><th scope="col">"Name"</th><th scope="col" class="number">"Members"</th><th scope="col" class="number">"Credit"</th><th scope="col">"Since"</th></tr></thead>
                <tbody>{rows}</tbody>
            </table>
        </div>
    }
    .into_any()
}

#[component]
fn Users(users: Vec<AdminUser>, here: String) -> impl IntoView {
    if users.is_empty() {
        return view! { <Empty title="Nobody found."><p>"Search for a part of an address or a name."</p></Empty> }
            .into_any();
    }
    let rows = users
        .into_iter()
        .map(|one| {
            let is_suspended = one.suspended_at.is_some();
            let (verb, label) = if is_suspended { ("restore", "Let in again") } else { ("suspend", "Suspend") };
            let path = format!("/api/v1/admin/users/{}/{verb}", encode(&one.id));
            let whom = format!("{label}: {}", format::plain(&one.email));
            let action = (!one.is_operator).then(|| {
                view! {
                    <CallForm method="POST" path next=here.clone() done="" class="inline-form">
                        <button class="button button-small" type="submit" aria-label=whom>{label}</button>
                    </CallForm>
                }
            });
            view! {
                <tr>
                    <th scope="row" data-label="Person">{format::plain(&one.email)}<br/><small>{format::plain(&one.name)}</small></th>
                    <td data-label="State">
                        {one.is_operator.then(|| view! { <span class="badge badge-accent">"Operator"</span>" " })}
                        {is_suspended.then(|| view! { <span class="badge badge-caution">"Suspended"</span>" " })}
                        {(!one.is_verified).then(|| view! { <span class="badge">"Not confirmed"</span>" " })}
                        {one.has_second_factor.then(|| view! { <span class="badge badge-good">"Second step"</span> })}
                    </td>
                    <td data-label="Organizations" class="number">{one.organizations}</td>
                    <td data-label="Since">{format::moment(&one.created_at)}</td>
                    <td data-label="">{action}</td>
                </tr>
            }
        })
        .collect_view();
    view! {
        <p class="soft">"Suspended people are signed out and cannot sign in. Keys belong to organizations: freeze those to stop their requests."</p>
        <div class="table-scroll" tabindex="0" role="region" aria-labelledby="users">
            <table class="table table-cards">
                <caption class="visually-hidden">"People, newest first"</caption>
                <thead><tr><th scope="col">"Person"</th><th scope="col">"State"</th><th scope="col" class="number">"Organizations"</th><th scope="col">"Since"</th><th scope="col"><span class="visually-hidden">"Actions"</span></th></tr></thead>
                <tbody>{rows}</tbody>
            </table>
        </div>
    }
    .into_any()
}
