//! Workspaces: the list, and one with its budgets, defaults and members.

use leptos::prelude::*;
use leptos_router::hooks::use_params_map;
use serde_json::json;

use super::workspace_privacy::Privacy;
use super::{failed, member};
use crate::api::use_api;
use crate::components::deferred::deferred;
use crate::components::form::{CallForm, undo};
use crate::components::format;
use crate::components::title::PageTitle;
use crate::types::organizations::{OrganizationMember, Workspace, WorkspaceBudget, WorkspaceBudgets, WorkspaceMember};
use crate::types::roles::Permission;
use crate::types::session::User;

const PERIODS: [(&str, &str); 4] =
    [("daily", "each UTC day"), ("weekly", "each week from Monday"), ("monthly", "each month"), ("lifetime", "in all")];
const SORTS: [(&str, &str); 5] = [
    ("", "balanced (the default)"),
    ("price", "price"),
    ("throughput", "throughput"),
    ("latency", "latency"),
    ("exacto", "proper tool calls"),
];

/// `/workspaces`
#[component]
pub fn Workspaces() -> impl IntoView {
    let api = use_api();
    deferred(async move {
        let body = match member("see your workspaces", "/workspaces").await {
            Err(invitation) => invitation,
            Ok(session) => match api.workspaces().await {
                Ok(list) => {
                    let user = session.user.unwrap_or_default();
                    let manages = user.may(Permission::ManageWorkspaces);
                    view! {
                        <List user workspaces=list.data/>
                        {manages.then(|| view! { <Create/> })}
                    }
                    .into_any()
                }
                Err(error) => failed(error),
            },
        };
        view! {
            <PageTitle text="Workspaces"/>
            <section class="page">
                <h1>"Workspaces"</h1>
                <p class="lead">"A workspace has its own keys, budgets and defaults. All of them spend the organization's one balance."</p>
                {body}
            </section>
        }
    })
}

#[component]
fn List(user: User, workspaces: Vec<Workspace>) -> impl IntoView {
    let rows = workspaces
        .into_iter()
        .map(|one| {
            let href = format!("/workspaces/{}", one.slug);
            let is_current = one.id == user.workspace_id;
            let act = if is_current {
                view! { <span class="badge badge-accent">"Chats go here"</span> }.into_any()
            } else {
                let (organization_id, workspace_id) = (user.organization_id.clone(), one.id.clone());
                let label = format!("Chat in {}", one.name);
                view! {
                    <CallForm method="POST" path="/api/v1/organizations/switch" next="/workspaces" done="" class="inline-form">
                        <input type="hidden" name="organization_id" value=organization_id/>
                        <input type="hidden" name="workspace_id" value=workspace_id/>
                        <button class="button button-small" type="submit" aria-label=label>"Chat here"</button>
                    </CallForm>
                }
                .into_any()
            };
            view! {
                <tr>
                    <th scope="row" data-label="Name"><a href=href>{format::plain(&one.name)}</a></th>
                    <td data-label="Slug"><code>{one.slug}</code></td>
                    <td data-label="Default model">{one.default_text_model.unwrap_or_else(|| "none".to_owned())}</td>
                    <td data-label="">{act}</td>
                </tr>
            }
        })
        .collect_view();
    view! {
        <div class="table-scroll" tabindex="0" role="region" aria-label="Workspaces">
            <table class="table table-cards">
                <caption class="visually-hidden">"Workspaces of this organization"</caption>
                <thead><tr><th scope="col">"Name"</th><th scope="col">"Slug"</th><th scope="col">"Default model"</th><th scope="col"><span class="visually-hidden">"Actions"</span></th></tr></thead>
                <tbody>{rows}</tbody>
            </table>
        </div>
    }
}

#[component]
fn Create() -> impl IntoView {
    view! {
        <h2>"Open a workspace"</h2>
        <CallForm method="POST" path="/api/v1/workspaces" next="/workspaces" done="The workspace is open." class="inline-form">
            <label class="field"><span>"Name of the workspace"</span><input class="input" name="name" required=true maxlength="100"/></label>
            <button class="button button-primary" type="submit">"Open workspace"</button>
        </CallForm>
    }
}

/// `/workspaces/:id`
#[component]
pub fn WorkspacePage() -> impl IntoView {
    let api = use_api();
    let id = use_params_map().get_untracked().get("id").unwrap_or_default();
    deferred(async move {
        let here = format!("/workspaces/{id}");
        let body = match member("see your workspaces", &here).await {
            Err(invitation) => view! { <h1>"Workspace"</h1>{invitation} }.into_any(),
            Ok(session) => {
                let found = futures::try_join!(
                    api.workspace(&id),
                    api.budgets(&id),
                    api.workspace_members(&id),
                    api.members(0)
                );
                match found {
                    Ok((workspace, budgets, members, people)) => {
                        let manages = session.user.unwrap_or_default().may(Permission::ManageWorkspaces);
                        let is_default = workspace.is_default;
                        let settings = manages.then(|| view! { <Defaults workspace=workspace.clone()/> });
                        let end = (manages && !is_default).then(|| view! { <End workspace=workspace.clone()/> });
                        view! {
                            <PageTitle text=workspace.name.clone()/>
                            <h1>{format::plain(&workspace.name)}</h1>
                            <p class="button-row"><a class="button" href="/workspaces">"All workspaces"</a><a class="button" href="/keys">"Keys"</a></p>
                            <Budgets workspace=workspace.clone() budgets manages/>
                            <People workspace=workspace.clone() members=members.data people=people.data manages/>
                            <Privacy workspace=workspace.clone() manages/>
                            {settings}
                            {end}
                        }
                        .into_any()
                    }
                    Err(error) => view! { <h1>"Workspace"</h1>{failed(error)} }.into_any(),
                }
            }
        };
        view! { <section class="page">{body}</section> }
    })
}

#[component]
fn Budgets(workspace: Workspace, budgets: WorkspaceBudgets, manages: bool) -> impl IntoView {
    let WorkspaceBudgets { data: budgets, include_byok_in_budgets } = budgets;
    let toggle = budgets.first().cloned().filter(|_| manages);
    let own_keys = toggle
        .map(|budget| view! { <OwnKeysInBudgets slug=workspace.slug.clone() budget counts=include_byok_in_budgets/> });
    let rows = PERIODS
        .into_iter()
        .map(|(period, when)| {
            let own = budgets.iter().find(|budget| budget.reset_interval.as_deref().unwrap_or("lifetime") == period);
            let path = format!("/api/v1/workspaces/{}/budgets/{period}", workspace.id);
            let here = format!("/workspaces/{}", workspace.slug);
            let limit = own.map(|budget| budget.limit_usd.dollars_short());
            let used = own.map_or_else(|| "–".to_owned(), |budget| budget.used_usd.dollars());
            let shown = limit.clone().unwrap_or_else(|| "none".to_owned());
            let has_one = own.is_some();
            let change = manages.then(|| {
                let label = format!("The {period} budget in US dollars");
                let value = own.map(|budget| budget.limit_usd.to_string()).unwrap_or_default();
                let (path_too, here_too) = (path.clone(), here.clone());
                let back = own.map(|budget| undo("PUT", &path, &json!({ "limit_usd": budget.limit_usd })));
                let unset = back.clone().or_else(|| Some(undo("DELETE", &path, &json!({}))));
                let delete = has_one.then(|| view! {
                    <CallForm method="DELETE" path=path_too next=here_too done="The budget is removed." class="inline-form" undo=back>
                        <button class="button button-small" type="submit" aria-label=format!("Remove the {period} budget")>"Remove"</button>
                    </CallForm>
                });
                view! {
                    <CallForm method="PUT" path next=here done="The budget holds from now on." class="inline-form" undo=unset>
                        <input class="input input-small" name="limit_usd:number" inputmode="decimal" required=true aria-label=label value=value/>
                        <button class="button button-small" type="submit" aria-label=format!("Set the {period} budget")>"Set"</button>
                    </CallForm>
                    {delete}
                }
            });
            view! {
                <tr>
                    <th scope="row" data-label="Period">{period}" "<small>{when}</small></th>
                    <td data-label="Used" class="number">{used}</td>
                    <td data-label="Budget" class="number">{shown}</td>
                    <td data-label="">{change}</td>
                </tr>
            }
        })
        .collect_view();
    view! {
        <h2 id="budgets">"Budgets"</h2>
        <p class="lead">"A request that would pass a budget is refused with 403, which names the budget. A longer period needs the larger amount."</p>
        <div class="table-scroll" tabindex="0" role="region" aria-labelledby="budgets">
            <table class="table table-cards">
                <caption class="visually-hidden">"Budgets of this workspace"</caption>
                <thead><tr><th scope="col">"Period"</th><th scope="col" class="number">"Used"</th><th scope="col" class="number">"Budget"</th><th scope="col"><span class="visually-hidden">"Actions"</span></th></tr></thead>
                <tbody>{rows}</tbody>
            </table>
        </div>
        {own_keys}
    }
}

/// Whether what providers bill to the organization's own keys counts in the budgets.
#[component]
fn OwnKeysInBudgets(slug: String, budget: WorkspaceBudget, counts: bool) -> impl IntoView {
    let period = budget.reset_interval.as_deref().unwrap_or("lifetime");
    let path = format!("/api/v1/workspaces/{}/budgets/{period}", budget.workspace_id);
    let (state, action, done) = if counts {
        (
            "What providers bill to your own keys counts in these budgets, at list price.",
            "Leave own keys out",
            "Own keys do not count any more.",
        )
    } else {
        (
            "What providers bill to your own keys does not count in these budgets.",
            "Count own keys",
            "Own keys count from now on.",
        )
    };
    view! {
        <CallForm method="PUT" path next=format!("/workspaces/{slug}") done class="inline-form">
            <span>{state}</span>
            <input type="hidden" name="limit_usd:number" value=budget.limit_usd.to_string()/>
            <input type="hidden" name="include_byok_in_budgets:flag" value=if counts { "false" } else { "true" }/>
            <button class="button button-small" type="submit">{action}</button>
        </CallForm>
    }
}

#[component]
fn People(
    workspace: Workspace,
    members: Vec<WorkspaceMember>,
    people: Vec<OrganizationMember>,
    manages: bool,
) -> impl IntoView {
    if workspace.is_default {
        return view! { <h2>"Members"</h2><p>"Everybody in the organization belongs to the default workspace."</p> }
            .into_any();
    }
    let here = format!("/workspaces/{}", workspace.slug);
    let email =
        |id: &str| people.iter().find(|one| one.id == id).map_or_else(|| id.to_owned(), |one| one.email.clone());
    let items = members
        .iter()
        .map(|one| {
            let path = format!("/api/v1/workspaces/{}/members/remove", workspace.id);
            let (id, email) = (one.user_id.clone(), email(&one.user_id));
            let label = format!("Remove {email} from this workspace");
            let here = here.clone();
            let add = format!("/api/v1/workspaces/{}/members/add", workspace.id);
            let back = Some(undo("POST", &add, &json!({ "user_ids": [id] })));
            let remove = manages.then(|| view! {
                <CallForm method="POST" path next=here done="Removed from the workspace." class="inline-form" undo=back>
                    <input type="hidden" name="user_ids:array" value=id/>
                    <button class="button button-small" type="submit" aria-label=label>"Remove"</button>
                </CallForm>
            });
            view! { <tr><th scope="row" data-label="Member">{email}</th><td data-label="Role">{one.role.clone()}</td><td data-label="">{remove}</td></tr> }
        })
        .collect_view();
    let others: Vec<_> = people
        .iter()
        .filter(|person| members.iter().all(|one| one.user_id != person.id))
        .map(|person| view! { <option value=person.id.clone()>{person.email.clone()}</option> }.into_any())
        .collect();
    let add = (manages && !others.is_empty()).then(|| {
        let path = format!("/api/v1/workspaces/{}/members/add", workspace.id);
        view! {
            <CallForm method="POST" path next=here.clone() done="Added to the workspace." class="inline-form">
                <label class="field"><span>"Add a member"</span><select class="input" name="user_ids:array">{others}</select></label>
                <button class="button" type="submit">"Add"</button>
            </CallForm>
        }
    });
    view! {
        <h2 id="people">"Members"</h2>
        <div class="table-scroll" tabindex="0" role="region" aria-labelledby="people">
            <table class="table table-cards"><caption class="visually-hidden">"Members of this workspace"</caption>
                <thead><tr><th scope="col">"Member"</th><th scope="col">"Role"</th><th scope="col"><span class="visually-hidden">"Actions"</span></th></tr></thead>
                <tbody>{items}</tbody>
            </table>
        </div>
        {add}
    }
    .into_any()
}

#[component]
fn Defaults(workspace: Workspace) -> impl IntoView {
    let path = format!("/api/v1/workspaces/{}", workspace.id);
    let sort = workspace.default_provider_sort.unwrap_or_default();
    let options = SORTS
        .into_iter()
        .map(|(value, name)| view! { <option value=value selected=value == sort>{name}</option> }.into_any())
        .collect::<Vec<_>>();
    view! {
        <h2>"Settings"</h2>
        <CallForm method="PATCH" path next="/workspaces" done="The settings are stored.">
            <label class="field"><span>"Name"</span><input class="input" name="name" value=workspace.name required=true maxlength="100"/></label>
            <label class="field"><span>"Slug"</span><input class="input" name="slug" value=workspace.slug required=true maxlength="50"/></label>
            <label class="field">
                <span>"Default model "<small>"(for requests that name none)"</small></span>
                <input class="input" name="default_text_model:optional" placeholder="author/slug" value=workspace.default_text_model.unwrap_or_default()/>
            </label>
            <label class="field"><span>"Order of providers"</span><select class="input" name="default_provider_sort:optional">{options}</select></label>
            <p><button class="button" type="submit">"Store settings"</button></p>
        </CallForm>
    }
}

#[component]
fn End(workspace: Workspace) -> impl IntoView {
    let path = format!("/api/v1/workspaces/{}", workspace.id);
    view! {
        <details class="danger">
            <summary>"Delete this workspace"</summary>
            <p>"Its keys stop at once, for good."</p>
            <CallForm method="DELETE" path next="/workspaces" done="The workspace is deleted.">
                <p><button class="button button-danger" type="submit">"Delete the workspace"</button></p>
            </CallForm>
        </details>
    }
}
