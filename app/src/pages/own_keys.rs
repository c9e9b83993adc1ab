//! Provider credentials of the organization: bring your own key.

use leptos::prelude::*;
use serde_json::json;

use super::links::asked;
use super::{failed, member};
use crate::api::{encode, use_api};
use crate::components::deferred::deferred;
use crate::components::form::{CallForm, undo};
use crate::components::format;
use crate::components::notice::Empty;
use crate::components::title::PageTitle;
use crate::components::workspace_choice::WorkspaceChoice;
use crate::types::byok::OwnKey;
use crate::types::models::Provider;
use crate::types::roles::Permission;

const HERE: &str = "/provider-keys";

/// `/provider-keys`
#[component]
pub fn OwnKeys() -> impl IntoView {
    let api = use_api();
    let workspace = asked("workspace");
    deferred(async move {
        let body = match member("use your own provider keys", HERE).await {
            Err(invitation) => invitation,
            Ok(session) if !session.user.as_ref().is_some_and(|user| user.may(Permission::ManageAllKeys)) => view! {
                <Empty title="Owners and admins manage these.">
                    <p>"Requests of this workspace use the provider keys they have set up."</p>
                </Empty>
            }
            .into_any(),
            Ok(_) => match futures::try_join!(api.workspaces(), api.own_keys(&workspace), api.providers()) {
                Ok((workspaces, keys, providers)) => {
                    let chosen = workspace.clone();
                    view! {
                        <WorkspaceChoice path=HERE workspaces=workspaces.data chosen/>
                        <List keys/>
                        <Add providers workspace/>
                    }
                    .into_any()
                }
                Err(error) => failed(error),
            },
        };
        view! {
            <PageTitle text="Provider keys"/>
            <section class="page">
                <h1>"Provider keys"</h1>
                <p class="lead">"Requests of this workspace go to a provider with your own key there. The provider bills you; here only a fee on the list price is charged, beyond a free amount each month."</p>
                {body}
            </section>
        }
    })
}

#[component]
fn List(keys: Vec<OwnKey>) -> impl IntoView {
    if keys.is_empty() {
        return view! {
            <Empty title="No provider key yet.">
                <p>"Add the key of an account you have at a provider. It is encrypted, and never shown again."</p>
            </Empty>
        }
        .into_any();
    }
    let rows = keys.into_iter().map(row).collect_view();
    view! {
        <div class="table-scroll" tabindex="0" role="region" aria-label="Provider keys">
            <table class="table table-cards">
                <caption class="visually-hidden">"Provider keys of this workspace, in the order they are tried"</caption>
                <thead><tr><th scope="col">"Provider"</th><th scope="col">"Key"</th><th scope="col">"Used"</th><th scope="col"><span class="visually-hidden">"Actions"</span></th></tr></thead>
                <tbody>{rows}</tbody>
            </table>
        </div>
    }
    .into_any()
}

fn row(key: OwnKey) -> impl IntoView {
    let path = format!("/api/v1/byok/{}", key.id);
    let name = key.name.clone().unwrap_or_else(|| key.provider.clone());
    let when = match (key.disabled, key.is_byok_only, key.is_required, key.is_fallback) {
        (true, ..) => "not at all",
        (_, true, ..) => "always, nothing else",
        (_, _, true, _) => "always, for its models",
        (.., true) => "when shared capacity fails",
        _ => "first",
    };
    let kept = match key.declared_zdr {
        Some(true) => Some("keeps no data"),
        Some(false) => Some("keeps data"),
        None => None,
    };
    let (switch, to) = if key.disabled { ("Enable", "") } else { ("Disable", "1") };
    let back = undo("PATCH", &path, &json!({ "disabled": key.disabled }));
    let of = |act: &str| format!("{act} {}", format::plain(&name));
    let (test, turn, remove) = (of("Test"), of(switch), of("Remove"));
    view! {
        <tr>
            <th scope="row" data-label="Provider">{format::plain(&key.provider)}{key.name.map(|name| view! { <br/><small>{format::plain(&name)}</small> })}</th>
            <td data-label="Key"><code>{key.label}</code></td>
            <td data-label="Used">{when}{kept.map(|text| view! { <br/><small>{text}</small> })}</td>
            <td data-label="">
                <div class="button-row">
                    <CallForm method="POST" path=format!("{path}/test") next=HERE done="" class="inline-form">
                        <button class="button button-small" type="submit" aria-label=test>"Test"</button>
                    </CallForm>
                    <CallForm method="PATCH" path=path.clone() next=HERE done="Changed." class="inline-form" undo=Some(back)>
                        <input type="hidden" name="disabled:flag" value=to/>
                        <button class="button button-small" type="submit" aria-label=turn>{switch}</button>
                    </CallForm>
                    <CallForm method="DELETE" path=path.clone() next=HERE done="The provider key is removed." class="inline-form">
                        <button class="button button-small button-danger" type="submit" aria-label=remove>"Remove"</button>
                    </CallForm>
                </div>
            </td>
        </tr>
    }
}

#[component]
fn Add(providers: Vec<Provider>, workspace: String) -> impl IntoView {
    let next = if workspace.is_empty() { HERE.to_owned() } else { format!("{HERE}?workspace={}", encode(&workspace)) };
    let options = providers
        .into_iter()
        .filter(|provider| !provider.is_simulated)
        .map(|provider| view! { <option value=provider.slug>{format::plain(&provider.name)}</option> })
        .collect_view();
    view! {
        <h2>"Add a provider key"</h2>
        <CallForm method="POST" path="/api/v1/byok" next done="The provider key is kept. Test it above.">
            <input type="hidden" name="workspace_id:optional" value=workspace/>
            <label class="field"><span>"Provider"</span><select class="input" name="provider" required=true>{options}</select></label>
            <label class="field">
                <span>"Key "<small>"(or JSON, for Amazon, Azure and Google's service accounts)"</small></span>
                <textarea class="input" name="key" rows="3" required=true autocomplete="off" spellcheck="false" maxlength="16000"></textarea>
            </label>
            <label class="field"><span>"Name "<small>"(optional)"</small></span><input class="input" name="name:optional" maxlength="255"/></label>
            <label class="check"><input type="checkbox" name="is_fallback:flag" value="1"/><span>"Only when shared capacity fails"</span></label>
            <label class="check"><input type="checkbox" name="is_required:flag" value="1"/><span>"Never use shared capacity for the models it serves"</span></label>
            <label class="check"><input type="checkbox" name="declared_zdr:flag" value="1"/><span>"My account there keeps no data (you say so; it is not checked)"</span></label>
            <label class="check"><input type="checkbox" name="is_byok_only:flag" value="1"/><span>"Never use shared capacity of this provider"</span></label>
            <button class="button button-primary" type="submit">"Add provider key"</button>
        </CallForm>
    }
}
