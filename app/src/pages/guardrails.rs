//! Guardrails: what requests of the workspace may ask, of whom, and for how much.

use leptos::prelude::*;
use serde_json::json;

use super::{failed, member};
use crate::api::use_api;
use crate::components::deferred::deferred;
use crate::components::form::{CallForm, undo};
use crate::components::format;
use crate::components::notice::Empty;
use crate::components::title::PageTitle;
use crate::types::guardrails::{Guardrail, Rules};
use crate::types::roles::Permission;

const HERE: &str = "/guardrails";
/// What the forms offer for personal data.
const REDACT: &str = r#"[{"slug":"email","action":"redact"},{"slug":"phone","action":"redact"},{"slug":"ssn","action":"redact"},{"slug":"credit-card","action":"redact"},{"slug":"ip-address","action":"redact"}]"#;
const BLOCK: &str = r#"[{"slug":"email","action":"block"},{"slug":"phone","action":"block"},{"slug":"ssn","action":"block"},{"slug":"credit-card","action":"block"},{"slug":"ip-address","action":"block"}]"#;

/// `/guardrails`
#[component]
pub fn Guardrails() -> impl IntoView {
    let api = use_api();
    deferred(async move {
        let body = match member("see guardrails", HERE).await {
            Err(invitation) => invitation,
            Ok(session) if !session.user.as_ref().is_some_and(|user| user.may(Permission::ManageAllKeys)) => view! {
                <Empty title="Owners and admins manage these.">
                    <p>"A request that a guardrail refuses says which one, and why."</p>
                </Empty>
            }
            .into_any(),
            Ok(_) => match api.guardrails().await {
                Ok(guardrails) => view! { <List guardrails/><Add/> }.into_any(),
                Err(error) => failed(error),
            },
        };
        view! {
            <PageTitle text="Guardrails"/>
            <section class="page">
                <h1>"Guardrails"</h1>
                <p class="lead">"A guardrail says which models and providers may be asked, what may be said, and what may be spent. It holds for a whole workspace, or by the API for single keys and members."</p>
                {body}
            </section>
        }
    })
}

#[component]
fn List(guardrails: Vec<Guardrail>) -> impl IntoView {
    if guardrails.is_empty() {
        return view! {
            <Empty title="No guardrail yet.">
                <p>"Without one, every model and provider may be asked anything the balance allows."</p>
            </Empty>
        }
        .into_any();
    }
    let held: Vec<(Option<String>, String)> =
        guardrails.iter().filter(|one| one.is_default).map(|one| (one.workspace_id.clone(), one.id.clone())).collect();
    let rows = guardrails.into_iter().map(|one| row(one, &held)).collect_view();
    view! {
        <div class="table-scroll" tabindex="0" role="region" aria-label="Guardrails">
            <table class="table table-cards">
                <caption class="visually-hidden">"Guardrails of this organization"</caption>
                <thead><tr><th scope="col">"Name"</th><th scope="col">"Demands"</th><th scope="col">"Holds for"</th><th scope="col"><span class="visually-hidden">"Actions"</span></th></tr></thead>
                <tbody>{rows}</tbody>
            </table>
        </div>
    }
    .into_any()
}

/// `held` are the workspaces with the guardrails that hold for them.
fn row(guardrail: Guardrail, held: &[(Option<String>, String)]) -> impl IntoView + use<> {
    let path = format!("/api/v1/guardrails/{}", guardrail.id);
    // One that held before steps back for another, so it is the one to hold again.
    let before = held.iter().find(|(workspace, id)| *workspace == guardrail.workspace_id && *id != guardrail.id);
    let back = match before {
        Some((_, id)) => undo("PATCH", &format!("/api/v1/guardrails/{id}"), &json!({ "is_default": true })),
        None => undo("PATCH", &path, &json!({ "is_default": guardrail.is_default })),
    };
    let demands = demands(&guardrail.rules).join("; ");
    let (holds, switch, to) = if guardrail.is_default {
        ("the whole workspace", "Lift", "")
    } else {
        ("keys and members it is assigned to", "Hold for workspace", "1")
    };
    let name = format::plain(&guardrail.name);
    let (turn, delete) = (format!("{switch}: {name}"), format!("Delete {name}"));
    view! {
        <tr>
            <th scope="row" data-label="Name">{name}</th>
            <td data-label="Demands">{if demands.is_empty() { "nothing yet".to_owned() } else { format::plain(&demands) }}</td>
            <td data-label="Holds for">{holds}</td>
            <td data-label="">
                <div class="button-row">
                    <CallForm method="PATCH" path=path.clone() next=HERE done="Changed." class="inline-form" undo=Some(back)>
                        <input type="hidden" name="is_default:flag" value=to/>
                        <button class="button button-small" type="submit" aria-label=turn>{switch}</button>
                    </CallForm>
                    <CallForm method="DELETE" path=path next=HERE done="The guardrail is gone." class="inline-form">
                        <button class="button button-small button-danger" type="submit" aria-label=delete>"Delete"</button>
                    </CallForm>
                </div>
            </td>
        </tr>
    }
}

/// The rules in words.
fn demands(rules: &Rules) -> Vec<String> {
    let mut out = Vec::new();
    let lists = [
        ("only models ", &rules.allowed_models),
        ("not models ", &rules.ignored_models),
        ("only providers ", &rules.allowed_providers),
        ("not providers ", &rules.ignored_providers),
    ];
    for (what, list) in lists {
        out.extend(list.as_ref().map(|list| format!("{what}{}", list.join(", "))));
    }
    if let Some(limit) = rules.limit_usd {
        let often = rules.reset_interval.map_or("in all", |reset| reset.as_str());
        out.push(format!("{} {often}", limit.dollars_short()));
    }
    if rules.enforce_zdr == Some(true) {
        out.push("no provider that keeps data".to_owned());
    }
    if rules.enable_paid_model_training == Some(false) {
        out.push("no provider that trains on data".to_owned());
    }
    let filters =
        rules.content_filters.as_ref().map_or(0, Vec::len) + rules.content_filter_builtins.as_ref().map_or(0, Vec::len);
    if filters > 0 {
        out.push(format!("{filters} content filters"));
    }
    out
}

#[component]
fn Add() -> impl IntoView {
    view! {
        <h2>"Make a guardrail"</h2>
        <CallForm method="POST" path="/api/v1/guardrails" next=HERE done="The guardrail is made.">
            <label class="field"><span>"Name"</span><input class="input" name="name" required=true maxlength="200"/></label>
            <label class="field"><span>"Only these providers "<small>"(slugs, separated by commas; empty is all)"</small></span><input class="input" name="allowed_providers:optional-list"/></label>
            <label class="field"><span>"Only these models "<small>"(ids, separated by commas; empty is all)"</small></span><input class="input" name="allowed_models:optional-list"/></label>
            <label class="field"><span>"Spend at most, US dollars "<small>"(empty is no limit)"</small></span><input class="input" name="limit_usd:number" inputmode="decimal"/></label>
            <label class="field">
                <span>"The budget starts anew"</span>
                <select class="input" name="reset_interval:optional">
                    <option value="">"Never"</option>
                    <option value="daily">"Each day"</option>
                    <option value="weekly">"Each week"</option>
                    <option value="monthly">"Each month"</option>
                </select>
            </label>
            <label class="field">
                <span>"Personal data in what people write"</span>
                <select class="input" name="content_filter_builtins:json">
                    <option value="null">"Leave it"</option>
                    <option value=REDACT>"Redact it"</option>
                    <option value=BLOCK>"Refuse the request"</option>
                </select>
            </label>
            <label class="check"><input type="checkbox" name="enforce_zdr:flag" value="1"/><span>"Only providers that keep no data"</span></label>
            <label class="check"><input type="checkbox" name="is_default:flag" value="1" checked=true/><span>"Holds for the whole workspace"</span></label>
            <button class="button button-primary" type="submit">"Make guardrail"</button>
        </CallForm>
    }
}
