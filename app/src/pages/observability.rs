//! Where events of a workspace's requests are sent to.

use leptos::prelude::*;

use super::{failed, member};
use crate::api::use_api;
use crate::components::badge::{Badge, Tone};
use crate::components::deferred::deferred;
use crate::components::form::CallForm;
use crate::components::format;
use crate::components::notice::Empty;
use crate::components::title::PageTitle;
use crate::types::observability::Destination;
use crate::types::roles::Permission;

const HERE: &str = "/observability";
const CALL: &str = "/api/v1/observability/destinations";

/// A field of a type's form: its setting, what it is called, whether it is needed, and
/// what stands in it.
type Field = (&'static str, &'static str, bool, &'static str);

/// The types: value, name, what it is, fields.
const KINDS: [(&str, &str, &str, &[Field]); 4] = [
    (
        "webhook",
        "Webhook",
        "Any address of yours. It gets OpenTelemetry spans as JSON.",
        &[("url", "Address", true, "https://example.com/hook")],
    ),
    (
        "otel-collector",
        "OpenTelemetry collector",
        "Anything that takes OTLP over HTTP; “/v1/traces” is added where it is missing.",
        &[("endpoint", "Address", true, "https://otel.example.com:4318")],
    ),
    (
        "langfuse",
        "Langfuse",
        "Langfuse's cloud, or your own.",
        &[
            ("publicKey", "Public key", true, "pk-lf-…"),
            ("secretKey", "Secret key", true, "sk-lf-…"),
            ("baseUrl", "Address", false, "https://us.cloud.langfuse.com"),
        ],
    ),
    (
        "s3",
        "S3 or compatible",
        "An object for every request, at Amazon or another store with its API.",
        &[
            ("bucketName", "Bucket", true, "traces"),
            ("accessKeyId", "Access key id", true, ""),
            ("secretAccessKey", "Secret access key", true, ""),
            ("region", "Region", false, "us-east-1"),
            ("endpoint", "Address (not for Amazon)", false, "https://minio.example.com"),
            ("pathTemplate", "Path", false, "{prefix}/{date}"),
        ],
    ),
];

/// `/observability`
#[component]
pub fn Observability() -> impl IntoView {
    let api = use_api();
    deferred(async move {
        let body = match member("see observability destinations", HERE).await {
            Err(invitation) => invitation,
            Ok(session) if !session.user.as_ref().is_some_and(|user| user.may(Permission::ManageWorkspaces)) => view! {
                <Empty title="Owners and admins manage these.">
                    <p>"They choose where events of this workspace's requests are sent, and whether prompts go along."</p>
                </Empty>
            }
            .into_any(),
            Ok(session) => {
                let workspace_id = session.user.unwrap_or_default().workspace_id;
                match futures::try_join!(api.destinations(), api.workspace(&workspace_id)) {
                    Ok((list, workspace)) => {
                        let is_on = workspace.is_observability_broadcast_enabled;
                        let path = format!("/api/v1/workspaces/{workspace_id}");
                        let switch = (!list.is_empty()).then(|| view! { <Switch path is_on/> });
                        view! { {switch}<List list/><Add/> }.into_any()
                    }
                    Err(error) => failed(error),
                }
            }
        };
        view! {
            <PageTitle text="Observability"/>
            <section class="page">
                <h1>"Observability"</h1>
                <p class="lead">"After every request of this workspace an event goes to its destinations: model, provider, tokens and times, and as you choose its prompt and answer, cost and caller. What does not arrive is tried again for a while."</p>
                <p>"Requests that ask for zero data retention, or against data collection, are sent without their words."</p>
                {body}
            </section>
        }
    })
}

#[component]
fn Switch(path: String, is_on: bool) -> impl IntoView {
    let (state, act, to) =
        if is_on { ("Events are being sent.", "Stop all", "") } else { ("No events are sent.", "Send events", "1") };
    view! {
        <CallForm method="PATCH" path next=HERE done="Changed." class="inline-form">
            <p>{state}</p>
            <input type="hidden" name="is_observability_broadcast_enabled:flag" value=to/>
            <button class="button button-small" type="submit">{act}</button>
        </CallForm>
    }
}

#[component]
fn List(list: Vec<Destination>) -> impl IntoView {
    if list.is_empty() {
        return view! {
            <Empty title="No destination yet.">
                <p>"Add one below, then send it a test event. Its keys are encrypted, and never shown whole again."</p>
            </Empty>
        }
        .into_any();
    }
    let rows = list.into_iter().map(row).collect_view();
    view! {
        <div class="table-scroll" tabindex="0" role="region" aria-label="Destinations">
            <table class="table table-cards">
                <caption class="visually-hidden">"Observability destinations of this workspace"</caption>
                <thead><tr><th scope="col">"Name"</th><th scope="col">"Where"</th><th scope="col">"Told"</th><th scope="col">"State"</th><th scope="col"><span class="visually-hidden">"Actions"</span></th></tr></thead>
                <tbody>{rows}</tbody>
            </table>
        </div>
    }
    .into_any()
}

/// What a destination is told beside figures.
fn told(one: &Destination) -> String {
    let parts = [
        (!one.privacy_mode, "prompts and answers"),
        (one.broadcast_generation_cost, "cost"),
        (one.broadcast_generation_identity, "who asked"),
        (one.broadcast_generation_request_context, "app and client"),
    ];
    let said: Vec<&str> = parts.into_iter().filter_map(|(is_told, what)| is_told.then_some(what)).collect();
    let mut text = if said.is_empty() { "figures only".to_owned() } else { said.join(", ") };
    if one.sampling_rate < 1.0 {
        text = format!("{text}; {} of the requests", one.sampling_rate);
    }
    if one.api_key_hashes.is_some() {
        text.push_str("; of some keys");
    }
    if one.filter_rules.is_some() {
        text.push_str("; as its rules say");
    }
    text
}

fn row(one: Destination) -> impl IntoView {
    let path = format!("{CALL}/{}", one.id);
    let name = one.name.clone().unwrap_or_else(|| one.kind.clone());
    let shown = ["url", "endpoint", "baseUrl", "bucketName"];
    let place = shown.iter().find_map(|field| one.config.get(*field)?.as_str()).unwrap_or_default().to_owned();
    let (switch, to) = if one.enabled { ("Switch off", "") } else { ("Switch on", "1") };
    let of = |act: &str| format!("{act}: {}", format::plain(&name));
    let (test, turn, remove) = (of("Send a test event"), of(switch), of("Remove"));
    let told = told(&one);
    let delivery = one.delivery;
    let (word, tone) = match (one.enabled, &delivery.last_error) {
        (false, _) => ("off", Tone::Plain),
        (true, Some(_)) => ("failing", Tone::Bad),
        (true, None) => ("on", Tone::Good),
    };
    let counts = format!("{} sent, {} waiting, {} lost", delivery.sent, delivery.waiting, delivery.lost);
    let error = delivery.last_error.map(|error| {
        let when = delivery.last_error_at.as_deref().map(format::moment).unwrap_or_default();
        view! { <p class="soft">{format::plain(&error)}" "{when}</p> }
    });
    view! {
        <tr>
            <th scope="row" data-label="Name">{format::plain(&name)}<br/><small>{one.kind}</small></th>
            <td data-label="Where"><code>{format::plain(&place)}</code></td>
            <td data-label="Told">{told}</td>
            <td data-label="State"><Badge text=word.to_owned() tone/><p class="soft">{counts}</p>{error}</td>
            <td data-label="">
                <div class="button-row">
                    <CallForm method="POST" path=format!("{path}/test") next=HERE done="" class="inline-form">
                        <button class="button button-small" type="submit" aria-label=test>"Test"</button>
                    </CallForm>
                    <CallForm method="PATCH" path=path.clone() next=HERE done="Changed." class="inline-form">
                        <input type="hidden" name="enabled:flag" value=to/>
                        <button class="button button-small" type="submit" aria-label=turn>{switch}</button>
                    </CallForm>
                    <CallForm method="DELETE" path=path.clone() next=HERE done="The destination is removed." class="inline-form">
                        <button class="button button-small button-danger" type="submit" aria-label=remove>"Remove"</button>
                    </CallForm>
                </div>
            </td>
        </tr>
    }
}

#[component]
fn Add() -> impl IntoView {
    let forms =
        KINDS.into_iter().map(|(kind, name, what, fields)| view! { <AddOne kind name what fields/> }).collect_view();
    view! {
        <h2>"Add a destination"</h2>
        {forms}
    }
}

#[component]
fn AddOne(kind: &'static str, name: &'static str, what: &'static str, fields: &'static [Field]) -> impl IntoView {
    let fields = fields
        .iter()
        .map(|(setting, label, is_needed, example)| {
            let field = format!("config.{setting}");
            let optional = (!is_needed).then(|| view! { " "<small>"(optional)"</small> });
            let kind = if setting.starts_with("secret") { "password" } else { "text" };
            view! {
                <label class="field">
                    <span>{*label}{optional}</span>
                    <input class="input" name=field type=kind required=*is_needed placeholder=*example autocomplete="off" spellcheck="false" maxlength="2000"/>
                </label>
            }
        })
        .collect_view();
    let flag = |field: &'static str, label: &'static str, yes: &'static str, no: &'static str, is_on: bool| {
        view! {
            <label class="field">
                <span>{label}</span>
                <select class="input" name=format!("{field}:flag")>
                    <option value="" selected=!is_on>{no}</option>
                    <option value="1" selected=is_on>{yes}</option>
                </select>
            </label>
        }
    };
    view! {
        <details class="more">
            <summary>{name}</summary>
            <p class="soft">{what}</p>
            <CallForm method="POST" path=CALL next=HERE done="The destination is added. Send it a test event.">
                <input type="hidden" name="type" value=kind/>
                <label class="field"><span>"Name"</span><input class="input" name="name" required=true maxlength="100" value=name/></label>
                {fields}
                <label class="field">
                    <span>"Headers "<small>"(optional, as JSON)"</small></span>
                    <input class="input" name="config.headers:json" placeholder="{\"authorization\": \"Bearer …\"}" autocomplete="off" spellcheck="false"/>
                </label>
                <label class="field">
                    <span>"Part of the requests "<small>"(0.0001 to 1)"</small></span>
                    <input class="input" name="sampling_rate:number" inputmode="decimal" required=true value="1"/>
                </label>
                {flag("privacy_mode", "Prompts and answers", "are left out", "are sent", true)}
                {flag("broadcast_generation_cost", "Cost", "is sent", "is left out", true)}
                {flag("broadcast_generation_identity", "Who asked, and with which key", "is sent", "is left out", false)}
                {flag("broadcast_generation_request_context", "App and client", "are sent", "are left out", false)}
                <p><button class="button button-primary" type="submit">"Add destination"</button></p>
            </CallForm>
        </details>
    }
}
