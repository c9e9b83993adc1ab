//! What is kept of a workspace's prompts and answers: said in words, and switched.

use leptos::prelude::*;

use crate::components::form::CallForm;
use crate::types::organizations::Workspace;

/// The section of a workspace's page. Those who do not manage it only read.
#[component]
pub fn Privacy(workspace: Workspace, manages: bool) -> impl IntoView {
    let terms = workspace.io_logging_terms;
    let is_on = workspace.is_observability_io_logging_enabled;
    let per_cent = workspace.io_logging_sampling_rate * 100.0;
    let state = if is_on {
        let whose =
            if workspace.io_logging_api_key_hashes.is_some() { "of some keys" } else { "of all keys and chats" };
        let shared = if workspace.is_data_discount_logging_enabled {
            " The operator of this server may use them, too."
        } else {
            ""
        };
        format!(
            "Prompts and answers are kept: {per_cent:.4} per cent of the requests {whose}, each for {} days.{shared}",
            workspace.io_logging_retention_days
        )
        .replace(".0000 per cent", " per cent")
    } else {
        "Prompts and answers are not kept: only figures such as tokens, cost and times are.".to_owned()
    };
    let controls = manages.then(|| {
        if terms.is_available {
            view! { <Controls workspace/> }.into_any()
        } else {
            view! { <p>"This server has no key to encrypt them with, so they cannot be kept. Its operator has to set "<code>"secrets.key"</code>"."</p> }.into_any()
        }
    });
    view! {
        <h2 id="privacy">"Prompts and answers"</h2>
        <p class="lead">{state}</p>
        <ul>
            <li>"Kept are the words of the prompt and of the answer, reasoning and calls of tools included; of files only their kind. What a guardrail redacts is kept redacted."</li>
            <li>"They are encrypted. Only owners and admins of this organization and its management keys read them, on a request's page and by the API."</li>
            <li>"Nothing is kept of requests that ask for zero data retention ("<code>"provider.zdr"</code>") or against data collection ("<code>"provider.data_collection: deny"</code>"), nor where a guardrail demands zero retention."</li>
            <li>"They are deleted when their days are over, with the workspace, with the organization and with the account of whoever asked. Everybody finds his own in the export of his data."</li>
        </ul>
        {controls}
    }
}

#[component]
fn Controls(workspace: Workspace) -> impl IntoView {
    let terms = workspace.io_logging_terms;
    let path = format!("/api/v1/workspaces/{}", workspace.id);
    let here = format!("/workspaces/{}", workspace.slug);
    let delete = format!("{path}/prompts");
    let choice = |is_on: bool, on: &'static str, off: &'static str| {
        view! {
            <option value="" selected=!is_on>{off}</option>
            <option value="1" selected=is_on>{on}</option>
        }
    };
    let discount = if terms.discount_percent > 0.0 {
        format!("(each request whose text is kept costs {} % less)", terms.discount_percent)
    } else {
        "(this server grants no discount for it)".to_owned()
    };
    view! {
        <CallForm method="PATCH" path next=here.clone() done="What is kept from now on is stored.">
            <label class="field">
                <span>"Prompts and answers"</span>
                <select class="input" name="is_observability_io_logging_enabled:flag">
                    {choice(workspace.is_observability_io_logging_enabled, "are kept", "are not kept")}
                </select>
            </label>
            <label class="field">
                <span>"Part of the requests "<small>"(0.0001 to 1; 1 is every request)"</small></span>
                <input class="input" name="io_logging_sampling_rate:number" inputmode="decimal" required=true value=workspace.io_logging_sampling_rate.to_string()/>
            </label>
            <label class="field">
                <span>"Days until they are deleted "<small>{format!("(at most {})", terms.most_days)}</small></span>
                <input class="input" name="io_logging_retention_days:number" inputmode="numeric" required=true value=workspace.io_logging_retention_days.to_string()/>
            </label>
            <label class="field">
                <span>"Only of these keys "<small>"(their hashes, separated by commas; empty: all keys and chats)"</small></span>
                <input class="input" name="io_logging_api_key_hashes:optional-list" value=workspace.io_logging_api_key_hashes.unwrap_or_default().join(", ")/>
            </label>
            <label class="field">
                <span>"The operator of this server "<small>{discount}</small></span>
                <select class="input" name="is_data_discount_logging_enabled:flag">
                    {choice(workspace.is_data_discount_logging_enabled, "may read and use what is kept", "may not use what is kept")}
                </select>
            </label>
            <p><button class="button" type="submit">"Store what is kept"</button></p>
        </CallForm>
        <details class="danger">
            <summary>"Delete what is kept"</summary>
            <p>"All prompts and answers of this workspace that are kept are deleted at once, for good."</p>
            <CallForm method="DELETE" path=delete next=here done="Deleted.">
                <p><button class="button button-danger" type="submit">"Delete them"</button></p>
            </CallForm>
        </details>
    }
}
