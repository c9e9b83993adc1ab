//! The API reference, made from the description the API gives of itself.

use leptos::prelude::*;
use serde_json::Value;

use super::guide::DocsNav;
use crate::api::use_api;
use crate::components::deferred::deferred;
use crate::components::markdown;
use crate::components::title::PageTitle;
use crate::pages::failed;

const METHODS: [&str; 5] = ["get", "post", "put", "patch", "delete"];

/// One operation.
struct Operation<'a> {
    method: &'static str,
    path: &'a str,
    tag: &'a str,
    value: &'a Value,
}

/// `/docs/api`
#[component]
pub fn ApiReference() -> impl IntoView {
    let api = use_api();
    deferred(async move {
        let document = match api.description().await {
            Ok(document) => document,
            Err(error) => return failed(error),
        };
        let operations = operations(&document);
        let mut tags: Vec<(String, String)> = Vec::new();
        for tag in document["tags"].as_array().into_iter().flatten() {
            let text = |name: &str| tag[name].as_str().unwrap_or_default().to_owned();
            tags.push((text("name"), text("description")));
        }
        let sections = tags
            .into_iter()
            .map(|(name, about)| {
                let own: Vec<_> = operations.iter().filter(|operation| operation.tag == name).map(card).collect();
                let title = name.chars().next().map(|first| first.to_uppercase().collect::<String>() + name.get(1..).unwrap_or_default());
                view! { <section class="stack" aria-labelledby=name.clone()><h2 id=name.clone()>{title}</h2><p class="section-note">{about}</p>{own}</section> }
            })
            .collect_view();
        view! {
            <PageTitle text="API reference · Docs"/>
            <div class="page docs">
                <DocsNav current="api"/>
                <article class="docs-text stack">
                    <h1>"API reference"</h1>
                    <p>"Every operation, from "<a href="/api/v1/openapi.json">"the OpenAPI description"</a>" this server gives of itself. Addresses begin with "<code>"/api/v1"</code>"."</p>
                    {sections}
                </article>
            </div>
        }
        .into_any()
    })
}

fn operations(document: &Value) -> Vec<Operation<'_>> {
    let paths = document["paths"].as_object().into_iter().flatten();
    paths
        .flat_map(|(path, methods)| {
            METHODS.into_iter().filter_map(move |method| {
                let value = methods.get(method)?;
                Some(Operation { method, path, tag: value["tags"][0].as_str().unwrap_or_default(), value })
            })
        })
        .collect()
}

fn card(operation: &Operation<'_>) -> impl IntoView + use<> {
    let value = operation.value;
    let text = |name: &str| value[name].as_str().unwrap_or_default().to_owned();
    let about = markdown::to_html(&text("description"));
    let is_open = value["security"]
        .as_array()
        .is_some_and(|all| all.iter().any(|one| one.as_object().is_some_and(serde_json::Map::is_empty)));
    let parameters: Vec<_> = value["parameters"]
        .as_array()
        .into_iter()
        .flatten()
        .map(|parameter| {
            let said = |name: &str| parameter[name].as_str().unwrap_or_default().to_owned();
            view! {
                <tr><th scope="row" data-label="Name"><code>{said("name")}</code></th><td data-label="In">{said("in")}</td><td data-label="Meaning">{said("description")}</td></tr>
            }
        })
        .collect();
    let body = value["requestBody"]["content"].as_object().and_then(|content| content.values().next()).map(|content| {
        let about = value["requestBody"]["description"].as_str().unwrap_or_default().to_owned();
        let schema = schema_name(&content["schema"]);
        view! { <p>"Body: "<code>{schema}</code>" "{about}</p> }
    });
    let responses: Vec<_> = value["responses"]
        .as_object()
        .into_iter()
        .flatten()
        .map(|(status, response)| {
            let about = response["description"].as_str().unwrap_or_default().to_owned();
            let schema = response["content"].as_object().and_then(|content| content.values().next()).map(|content| schema_name(&content["schema"]));
            view! { <li><code>{status.clone()}</code>" "{about}" "{schema.map(|name| view! { <small>{name}</small> })}</li> }
        })
        .collect();
    let table = (!parameters.is_empty()).then(|| {
        view! {
            <div class="table-scroll" tabindex="0" role="region" aria-label="Parameters">
                <table class="table table-cards table-text">
                    <thead><tr><th scope="col">"Parameter"</th><th scope="col">"In"</th><th scope="col">"Meaning"</th></tr></thead>
                    <tbody>{parameters}</tbody>
                </table>
            </div>
        }
    });
    view! {
        <details class="operation">
            <summary>
                <span class=format!("method method-{}", operation.method)>{operation.method.to_uppercase()}</span>
                <code>{operation.path.to_owned()}</code>
                <span class="operation-about">{text("summary")}</span>
                {is_open.then(|| view! { <span class="badge badge-good">"No key"</span> })}
            </summary>
            <div class="operation-more">
                <div class="prose" inner_html=about></div>
                {table}
                {body}
                <ul class="plain-list">{responses}</ul>
            </div>
        </details>
    }
}

/// What a schema is called.
fn schema_name(schema: &Value) -> String {
    if let Some(name) = schema["$ref"].as_str() {
        return name.rsplit('/').next().unwrap_or_default().to_owned();
    }
    match schema["type"].as_str() {
        Some("array") => format!("list of {}", schema_name(&schema["items"])),
        Some(kind) => kind.to_owned(),
        None => "object".to_owned(),
    }
}
