//! The organization: its members, invitations and settings.

use leptos::prelude::*;
use serde_json::json;

use super::{failed, member};
use crate::api::use_api;
use crate::components::deferred::deferred;
use crate::components::form::{CallForm, CallFormProps, undo};
use crate::components::format;
use crate::components::markdown::escape;
use crate::components::notice::Empty;
use crate::components::title::PageTitle;
use crate::types::Money;
use crate::types::organizations::{Counted, Invitation, Organization, OrganizationMember};
use crate::types::roles::{Permission, Role};
use crate::types::session::User;

const HERE: &str = "/organization";

/// `/organization`
#[component]
pub fn OrganizationPage() -> impl IntoView {
    let api = use_api();
    deferred(async move {
        let body = match member("see your organization", HERE).await {
            Err(invitation) => view! { <h1>"Organization"</h1>{invitation} }.into_any(),
            Ok(session) => {
                let user = session.user.unwrap_or_default();
                match futures::try_join!(api.organization(), api.members(0)) {
                    Err(error) => view! { <h1>"Organization"</h1>{failed(error)} }.into_any(),
                    Ok((organization, members)) => {
                        let invitations = if user.may(Permission::ManageMembers) && !organization.is_personal {
                            api.invitations().await.unwrap_or_default()
                        } else {
                            Vec::new()
                        };
                        whole(&user, organization, members, invitations)
                    }
                }
            }
        };
        view! {
            <PageTitle text="Organization"/>
            <section class="page">{body}</section>
        }
    })
}

fn whole(
    user: &User,
    organization: Organization,
    members: Counted<OrganizationMember>,
    invitations: Vec<Invitation>,
) -> AnyView {
    let may = |permission| user.may(permission);
    let people = if organization.is_personal {
        view! {
            <Empty title="This is your personal account.">
                <p>"To work with others on shared credit, open an organization below, then invite them."</p>
            </Empty>
        }
        .into_any()
    } else {
        let count = members.total_count;
        view! {
            <h2 id="members">"Members "<small>{count}</small></h2>
            <Members user=user.clone() members=members.data/>
            {may(Permission::ManageMembers).then(|| view! { <Invite user=user.clone() invitations/> })}
        }
        .into_any()
    };
    let audit =
        may(Permission::SeeAudit).then(|| view! { <a class="button" href="/organization/audit">"Audit log"</a> });
    let settings = may(Permission::ManageOrganization).then(|| view! { <Settings organization=organization.clone()/> });
    let ends = (may(Permission::ManageOwners) && !organization.is_personal)
        .then(|| view! { <End name=organization.name.clone()/> });
    view! {
        <div class="page-head"><h1>{format::plain(&organization.name)}</h1><p>"You are "<strong>{user.role.as_str()}</strong>"."</p></div>
        <p class="button-row"><a class="button" href="/workspaces">"Workspaces"</a>{audit}<a class="button" href="/docs/roles">"What roles may do"</a></p>
        {people}
        {settings}
        <NewOrganization/>
        {ends}
    }
    .into_any()
}

#[component]
fn Members(user: User, members: Vec<OrganizationMember>) -> impl IntoView {
    let rows = members.into_iter().map(|one| member_row(&user, one)).collect_view();
    view! {
        <div class="table-scroll" tabindex="0" role="region" aria-labelledby="members">
            <table class="table table-cards">
                <caption class="visually-hidden">"Members of this organization"</caption>
                <thead>
                    <tr>
                        <th scope="col">"Name"</th>
                        <th scope="col">"Role"</th>
                        <th scope="col" class="number">"This month"</th>
                        <th scope="col">"Monthly limit"</th>
                        <th scope="col">"Joined"</th>
                        <th scope="col"><span class="visually-hidden">"Actions"</span></th>
                    </tr>
                </thead>
                <tbody>{rows}</tbody>
            </table>
        </div>
    }
}

fn member_row(user: &User, one: OrganizationMember) -> AnyView {
    let name =
        [one.first_name.as_deref(), one.last_name.as_deref()].into_iter().flatten().collect::<Vec<_>>().join(" ");
    let is_self = one.id == user.id;
    let manages = user.may(Permission::ManageMembers)
        && (one.organization_role != Role::Owner || user.may(Permission::ManageOwners));
    let path = format!("/api/v1/organization/members/{}", one.id);
    let role = if manages {
        let options = role_options(user, one.organization_role);
        CallForm(CallFormProps {
            method: "PATCH",
            path: path.clone(),
            next: HERE.to_owned(),
            done: format!("{name}'s role is changed."),
            class: "inline-form",
            undo: Some(undo("PATCH", &path, &json!({ "role": one.organization_role }))),
            children: {
                let label = format!("Role of {name}");
                Box::new(move || {
                    view! {
                        <select class="input input-small" name="role" aria-label=label>{options}</select>
                        <button class="button button-small" type="submit">"Set"</button>
                    }
                    .into_any()
                })
            },
        })
        .into_any()
    } else {
        one.organization_role.as_str().into_any()
    };
    let limit_now = one.monthly_limit.map(Money::dollars_short);
    let limit = if manages {
        let value = one.monthly_limit.map(|limit| limit.to_string()).unwrap_or_default();
        CallForm(CallFormProps {
            method: "PATCH",
            path: path.clone(),
            next: HERE.to_owned(),
            done: format!("{name}'s limit is changed."),
            class: "inline-form",
            undo: Some(undo("PATCH", &path, &json!({ "monthly_limit": one.monthly_limit }))),
            children: {
                let label = format!("Monthly limit of {name} in US dollars, empty for none");
                Box::new(move || {
                    view! {
                        <input class="input input-small" name="monthly_limit:number" inputmode="decimal" placeholder="none" aria-label=label value=value/>
                        <button class="button button-small" type="submit">"Set"</button>
                    }
                    .into_any()
                })
            },
        })
        .into_any()
    } else {
        limit_now.unwrap_or_else(|| "none".to_owned()).into_any()
    };
    let action = (is_self || manages).then(|| {
        let (text, done) = if is_self { ("Leave", "You left.") } else { ("Remove", "Removed.") };
        let label = if is_self { "Leave this organization".to_owned() } else { format!("Remove {name}") };
        view! {
            <CallForm method="DELETE" path next=HERE done class="inline-form">
                <button class="button button-small button-danger" type="submit" aria-label=label>{text}</button>
            </CallForm>
        }
    });
    view! {
        <tr>
            <th scope="row" data-label="Name">{format::plain(&name)}<br/><small>{one.email}</small></th>
            <td data-label="Role">{role}</td>
            <td data-label="This month" class="number">{one.usage_monthly.dollars()}</td>
            <td data-label="Monthly limit">{limit}</td>
            <td data-label="Joined">{format::day(&one.joined_at)}</td>
            <td data-label="">{action}</td>
        </tr>
    }
    .into_any()
}

fn role_options(user: &User, current: Role) -> Vec<AnyView> {
    Role::ALL
        .into_iter()
        .filter(|role| *role != Role::Owner || user.may(Permission::ManageOwners))
        .map(|role| view! { <option value=role.as_str() selected=role == current>{role.as_str()}</option> }.into_any())
        .collect()
}

#[component]
fn Invite(user: User, invitations: Vec<Invitation>) -> impl IntoView {
    let options = role_options(&user, Role::Member);
    let rows = invitations
        .into_iter()
        .map(|one| {
            let path = format!("/api/v1/organization/invitations/{}", one.id);
            let label = format!("Withdraw the invitation of {}", one.email);
            view! {
                <tr>
                    <th scope="row" data-label="Address">{one.email}</th>
                    <td data-label="Role">{one.role.as_str()}</td>
                    <td data-label="Works until">{format::moment(&one.expires_at)}</td>
                    <td data-label="">
                        <CallForm method="DELETE" path next=HERE done="The invitation is withdrawn." class="inline-form">
                            <button class="button button-small" type="submit" aria-label=label>"Withdraw"</button>
                        </CallForm>
                    </td>
                </tr>
            }
        })
        .collect::<Vec<_>>();
    let waiting = (!rows.is_empty()).then(|| {
        view! {
            <div class="table-scroll" tabindex="0" role="region" aria-label="Invitations">
                <table class="table table-cards">
                    <caption class="visually-hidden">"Invitations without an answer"</caption>
                    <thead><tr><th scope="col">"Address"</th><th scope="col">"Role"</th><th scope="col">"Works until"</th><th scope="col"><span class="visually-hidden">"Actions"</span></th></tr></thead>
                    <tbody>{rows}</tbody>
                </table>
            </div>
        }
    });
    view! {
        <h2 id="invite">"Invite somebody"</h2>
        <CallForm method="POST" path="/api/v1/organization/invitations" next=HERE done="The invitation is on its way. You can also pass the link on yourself; it is shown only now:" class="inline-form">
            <label class="field"><span>"E-mail"</span><input class="input" type="email" name="email" required=true/></label>
            <label class="field"><span>"Role"</span><select class="input" name="role">{options}</select></label>
            <button class="button button-primary" type="submit">"Invite"</button>
        </CallForm>
        {waiting}
    }
}

#[component]
fn Settings(organization: Organization) -> impl IntoView {
    let networks = organization.allowed_networks.join("\n");
    view! {
        <h2>"Settings"</h2>
        <CallForm method="PATCH" path="/api/v1/organization" next=HERE done="The settings are stored.">
            <label class="field"><span>"Name"</span><input class="input" name="name" value=organization.name required=true maxlength="100"/></label>
            <label class="field">
                <span>"Allowed networks "<small>"(one per line, such as 203.0.113.0/24; empty allows all)"</small></span>
                <textarea class="input" name="allowed_networks:list" rows="3" inner_html=escape(&networks)></textarea>
            </label>
            <p><button class="button" type="submit">"Store settings"</button></p>
        </CallForm>
    }
}

#[component]
fn NewOrganization() -> impl IntoView {
    view! {
        <h2 id="new">"Open an organization"</h2>
        <p class="lead">"Members share one balance. You become its owner; your personal account stays as it is."</p>
        <CallForm method="POST" path="/api/v1/organizations" next=HERE done="The organization is open." class="inline-form">
            <label class="field"><span>"Name of the organization"</span><input class="input" name="name" required=true maxlength="100"/></label>
            <button class="button button-primary" type="submit">"Open organization"</button>
        </CallForm>
    }
}

#[component]
fn End(name: String) -> impl IntoView {
    view! {
        <details class="danger">
            <summary>"Delete this organization"</summary>
            <p>"All keys of "<strong>{format::plain(&name)}</strong>" stop at once, for good, and credit that is left is lost."</p>
            <CallForm method="DELETE" path="/api/v1/organization" next="/organization" done="The organization is deleted.">
                <p><button class="button button-danger" type="submit">"Delete the organization"</button></p>
            </CallForm>
        </details>
    }
}
