//! What may become of what is said: providers, what this server keeps, and what a person can take along.

use leptos::prelude::*;

use super::privacy_logging::{PromptLogging, PromptLoggingProps};
use super::{failed, member};
use crate::api::use_api;
use crate::components::deferred::deferred;
use crate::components::form::CallForm;
use crate::components::format;
use crate::components::title::PageTitle;
use crate::types::guardrails::Guardrail;
use crate::types::organizations::Workspace;
use crate::types::roles::Permission;

const HERE: &str = "/settings/privacy";

/// `/settings/privacy`
#[component]
pub fn PrivacyPage() -> impl IntoView {
    let api = use_api();
    deferred(async move {
        let body = match member("see your privacy settings", HERE).await {
            Err(invitation) => invitation,
            Ok(session) => match api.workspaces().await {
                Err(error) => failed(error),
                Ok(workspaces) => {
                    let user = session.user.unwrap_or_default();
                    let guardrails =
                        if user.may(Permission::ManageAllKeys) { api.guardrails().await.ok() } else { None };
                    let providers = providers(&workspaces.data, guardrails);
                    let logging = PromptLogging(PromptLoggingProps { workspaces: workspaces.data });
                    let labels = if user.may(Permission::ManageOrganization) {
                        api.organization().await.ok().map(|one| labels(one.labels_prompts))
                    } else {
                        None
                    };
                    view! { {providers} {logging} {labels} <Kept/> }.into_any()
                }
            },
        };
        view! {
            <PageTitle text="Privacy"/>
            <section class="page page-narrow">
                <p class="eyebrow"><a href="/settings">"Settings"</a></p>
                <h1>"Privacy"</h1>
                {body}
            </section>
        }
    })
}

/// Which providers may be asked, by what they do with prompts.
fn providers(workspaces: &[Workspace], guardrails: Option<Vec<Guardrail>>) -> AnyView {
    let Some(guardrails) = guardrails else {
        return view! {
            <h2>"Providers"</h2>
            <p>"Owners and admins of your organization say which providers may be asked. A single request can demand more: "<code>"provider.data_collection"</code>" and "<code>"provider.zdr"</code>", see "<a href="/docs/routing">"Routing"</a>"."</p>
        }
        .into_any();
    };
    let forms = workspaces
        .iter()
        .map(|workspace| {
            let own = guardrails
                .iter()
                .find(|one| one.is_default && one.workspace_id.as_deref() == Some(workspace.id.as_str()));
            form(workspace, own)
        })
        .collect_view();
    view! {
        <h2>"Providers"</h2>
        <p>"Requests go only to providers whose policy allows what is chosen here. The choice is the part of the workspace's "<a href="/guardrails">"guardrail"</a>" that is about data; a single request can demand more, see "<a href="/docs/routing">"Routing"</a>"."</p>
        {forms}
    }
    .into_any()
}

fn form(workspace: &Workspace, guardrail: Option<&Guardrail>) -> impl IntoView + use<> {
    let rules = guardrail.map(|one| one.rules.clone()).unwrap_or_default();
    let name = format::plain(&workspace.name);
    let (method, path) = match guardrail {
        Some(one) => ("PATCH", format!("/api/v1/guardrails/{}", one.id)),
        None => ("POST", "/api/v1/guardrails".to_owned()),
    };
    let fresh = guardrail.is_none().then(|| {
        view! {
            <input type="hidden" name="name" value="Privacy"/>
            <input type="hidden" name="workspace_id" value=workspace.id.clone()/>
            <input type="hidden" name="is_default:flag" value="1"/>
        }
    });
    let zdr = rules.enforce_zdr == Some(true);
    let (paid, free) =
        (rules.enable_paid_model_training != Some(false), rules.enable_free_model_training != Some(false));
    view! {
        <CallForm method path next=HERE done=format!("The data policy of {name} is changed.")>
            <fieldset class="fieldset">
                <legend>{name.clone()}</legend>
                {fresh}
                {choice("enforce_zdr:flag", "Providers that keep prompts", zdr, [("", "May be asked"), ("1", "Are never asked")])}
                {choice("enable_paid_model_training:flag", "Providers that train on prompts, for models that cost something", paid, [("", "Are never asked"), ("1", "May be asked")])}
                {choice("enable_free_model_training:flag", "Providers that train on prompts, for free models", free, [("", "Are never asked"), ("1", "May be asked")])}
                <p><button class="button" type="submit" aria-label=format!("Change the data policy of {name}")>"Change"</button></p>
            </fieldset>
        </CallForm>
    }
}

fn choice(
    name: &'static str,
    label: &'static str,
    is_on: bool,
    options: [(&'static str, &'static str); 2],
) -> impl IntoView {
    let options = options
        .into_iter()
        .map(|(value, text)| view! { <option value=value selected=(value == "1") == is_on>{text}</option> })
        .collect_view();
    view! { <label class="field"><span>{label}</span><select class="input" name=name>{options}</select></label> }
}

/// Whether requests are labelled for the public rankings.
fn labels(is_on: bool) -> impl IntoView {
    view! {
        <h2>"Rankings"</h2>
        <p>"The public "<a href="/rankings?by=task">"rankings"</a>" tell what requests ask for, what they are about and in which language. This server guesses it from the first words of a question when it is answered and keeps three words of it, such as “Debugging”, “Programming” and “German”, with the request in your "<a href="/activity">"activity"</a>"; the question itself is not kept for this."</p>
        <CallForm method="PATCH" path="/api/v1/organization" next=HERE done="The choice is stored.">
            {choice("labels_prompts:flag", "Requests of this organization", is_on, [("", "Get no labels"), ("1", "Get a task, a category and a language")])}
            <p><button class="button" type="submit">"Store the choice"</button></p>
        </CallForm>
    }
}

/// What else is kept, and how to take it along or have it deleted.
#[component]
fn Kept() -> impl IntoView {
    view! {
        <h2>"What this server keeps"</h2>
        <ul class="plain-points">
            <li>"Of every request: time, model, provider, key, tokens, cost and durations, in your "<a href="/activity">"activity"</a>"."</li>
            <li>"Conversations of the "<a href="/chat">"chat room"</a>" only where you choose it: on your device or here, with their files, until you delete them."</li>
            <li>"What you do in an organization, in its audit log, with the address it came from."</li>
        </ul>
        <p class="button-row">
            <a class="button" href="/api/v1/account/export" download="patchbay-account.json">"Export as JSON"</a>
            <a class="button" href="/settings#your-data">"Delete this account"</a>
        </p>
    }
}
