//! Providers: can they be called, and do they answer.

use leptos::prelude::*;

use super::{Area, operator};
use crate::api::use_api;
use crate::components::deferred::deferred;
use crate::components::form::CallForm;
use crate::pages::failed;
use crate::types::admin::AdminProvider;

const HERE: &str = "/admin/providers";

/// `/admin/providers`
#[component]
pub fn AdminProvidersPage() -> impl IntoView {
    let api = use_api();
    deferred(async move {
        let body = match operator(HERE).await {
            Err(refusal) => refusal,
            Ok(()) => match api.admin_providers().await {
                Err(error) => failed(error),
                Ok(mut all) => {
                    // Those that are used first.
                    all.sort_by_key(|one| {
                        (one.credential != "set" && one.credential != "not needed", one.slug.clone())
                    });
                    view! {
                        <p class="lead">"A credential is read from the settings or the environment when the server starts. Resting endpoints failed and are left alone until a check finds them well."</p>
                        <Table all/>
                    }
                    .into_any()
                }
            },
        };
        view! { <Area title="Providers in use" here=HERE>{body}</Area> }
    })
}

#[component]
fn Table(all: Vec<AdminProvider>) -> impl IntoView {
    let rows = all
        .into_iter()
        .map(|one| {
            let class = match one.credential.as_str() {
                "set" | "not needed" => "badge badge-good",
                "switched off" => "badge badge-caution",
                _ => "badge",
            };
            let wants = (one.credential == "missing" && !one.variables.is_empty())
                .then(|| view! { " "<small><code>{one.variables.join(", ")}</code></small> });
            let can_check = one.credential == "set" || one.credential == "not needed";
            let check = can_check.then(|| {
                let path = format!("/api/v1/admin/providers/{}/check", one.slug);
                let label = format!("Check {}", one.name);
                view! {
                    <CallForm method="POST" path next=HERE done="" class="inline-form">
                        <button class="button button-small" type="submit" aria-label=label>"Check"</button>
                    </CallForm>
                }
            });
            let uptime = one.uptime.map_or_else(|| "—".to_owned(), |uptime| format!("{uptime:.1} %"));
            let resting = if one.resting > 0 {
                view! { <span class="badge badge-caution">{one.resting.to_string()}</span> }.into_any()
            } else {
                "0".into_any()
            };
            view! {
                <tr>
                    <th scope="row" data-label="Provider">{one.name}<br/><small>{one.dialect.unwrap_or_else(|| "not spoken".to_owned())}</small></th>
                    <td data-label="Credential"><span class=class>{one.credential}</span>{wants}</td>
                    <td data-label="Endpoints" class="number">{one.endpoints}</td>
                    <td data-label="Resting" class="number">{resting}</td>
                    <td data-label="Last half hour" class="number">{uptime}</td>
                    <td data-label="">{check}</td>
                </tr>
            }
        })
        .collect_view();
    view! {
        <div class="table-scroll" tabindex="0" role="region" aria-label="Providers">
            <table class="table table-cards">
                <caption class="visually-hidden">"Providers with the state of their credentials"</caption>
                <thead><tr>
                    <th scope="col">"Provider"</th><th scope="col">"Credential"</th><th scope="col" class="number">"Endpoints"</th>
                    <th scope="col" class="number">"Resting"</th><th scope="col" class="number">"Last half hour"</th><th scope="col"><span class="visually-hidden">"Actions"</span></th>
                </tr></thead>
                <tbody>{rows}</tbody>
            </table>
        </div>
    }
}
