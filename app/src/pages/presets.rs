//! Presets: settings of requests that are kept under a name.

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
use crate::types::presets::Preset;

const HERE: &str = "/presets";

/// `/presets`
#[component]
pub fn Presets() -> impl IntoView {
    let api = use_api();
    let workspace = asked("workspace");
    deferred(async move {
        let (body, url) = match member("see presets", HERE).await {
            Err(invitation) => (invitation, String::new()),
            Ok(session) => match futures::try_join!(api.workspaces(), api.presets(&workspace)) {
                Ok((workspaces, presets)) => {
                    let chosen = workspace.clone();
                    let body = view! { <WorkspaceChoice path=HERE workspaces=workspaces.data chosen/><List presets workspace/> };
                    (body.into_any(), session.base_url)
                }
                Err(error) => (failed(error), session.base_url),
            },
        };
        let example = format!(
            "curl {url}/api/v1/presets/terse/chat/completions \\\n  -H \"Authorization: Bearer $KEY\" -H \"Content-Type: application/json\" \\\n  -d '{{\"model\": \"openrouter/auto\", \"temperature\": 0.2,\n       \"messages\": [{{\"role\": \"system\", \"content\": \"Answer in one sentence.\"}}]}}'"
        );
        view! {
            <PageTitle text="Presets"/>
            <section class="page">
                <h1>"Presets"</h1>
                <p class="lead">"A preset keeps a model, a system prompt, tools and parameters under a name. Use it in every client API as model "<code>"@preset/name"</code>"; what a request says itself wins."</p>
                {body}
                <h2>"Keep a preset"</h2>
                <p>"Send a request's body to the preset instead of to the model. Nothing is asked; its settings become the next version."</p>
                <pre class="code" tabindex="0"><code>{example}</code></pre>
            </section>
        }
    })
}

#[component]
fn List(presets: Vec<Preset>, workspace: String) -> impl IntoView {
    if presets.is_empty() {
        return view! { <Empty title="No preset yet."><p>"The example below makes one called terse."</p></Empty> }
            .into_any();
    }
    let rows = presets.into_iter().map(|preset| row(preset, &workspace)).collect_view();
    view! {
        <div class="table-scroll" tabindex="0" role="region" aria-label="Presets">
            <table class="table table-cards">
                <caption class="visually-hidden">"Presets of this workspace, the latest changed first"</caption>
                <thead><tr><th scope="col">"Name"</th><th scope="col">"Model to ask for"</th><th scope="col">"Changed"</th><th scope="col"><span class="visually-hidden">"Actions"</span></th></tr></thead>
                <tbody>{rows}</tbody>
            </table>
        </div>
    }
    .into_any()
}

fn row(preset: Preset, workspace: &str) -> impl IntoView {
    let place = if workspace.is_empty() { String::new() } else { encode(workspace) };
    let path = format!("/api/v1/presets/{}?workspace_id={place}", preset.slug);
    let here = format!("{HERE}?workspace={place}");
    let (switch, to) = if preset.status == "active" { ("Disable", "disabled") } else { ("Activate", "active") };
    let back = undo("PATCH", &path, &json!({ "status": preset.status }));
    let name = format::plain(&preset.name);
    let (turn, delete) = (format!("{switch} {name}"), format!("Delete {name}"));
    view! {
        <tr>
            <th scope="row" data-label="Name">{name}</th>
            <td data-label="Model to ask for"><code>{format!("@preset/{}", preset.slug)}</code></td>
            <td data-label="Changed"><time datetime=preset.updated_at.clone()>{format::moment(&preset.updated_at)}</time></td>
            <td data-label="">
                <div class="button-row">
                    <CallForm method="PATCH" path=path.clone() next=here.clone() done="Changed." class="inline-form" undo=Some(back)>
                        <input type="hidden" name="status" value=to/>
                        <button class="button button-small" type="submit" aria-label=turn>{switch}</button>
                    </CallForm>
                    <CallForm method="DELETE" path=path next=here done="The preset is gone." class="inline-form">
                        <button class="button button-small button-danger" type="submit" aria-label=delete>"Delete"</button>
                    </CallForm>
                </div>
            </td>
        </tr>
    }
}
