//! The companies that serve models.

use crate::components::deferred::deferred;
use crate::components::title::PageTitle;
use leptos::prelude::*;

use super::failed;
use crate::api::{encode, use_api};
use crate::components::badge::{Badge, SimulatedBadge, Tone};
use crate::components::format;
use crate::components::notice::Empty;
use crate::types::models::Provider;

/// `/providers`
#[component]
pub fn Providers() -> impl IntoView {
    let api = use_api();
    deferred(async move {
        let providers = match api.providers().await {
            Ok(providers) => providers,
            Err(error) => return failed(error),
        };
        let available = providers.iter().filter(|provider| provider.is_available).count();
        let body = if providers.is_empty() {
            view! {
                <Empty title="No providers yet.">
                    <p>"They come with the catalog: "<code>"patchbay catalog import"</code>" reads one."</p>
                </Empty>
            }
            .into_any()
        } else {
            let rows =
                providers.iter().map(|provider| view! { <ProviderRow provider=provider.clone()/> }).collect_view();
            view! {
                <div class="table-scroll" tabindex="0" role="region" aria-label="Providers">
                    <table class="table table-cards">
                        <caption class="visually-hidden">"Providers of the catalog"</caption>
                        <thead>
                            <tr>
                                <th scope="col">"Provider"</th>
                                <th scope="col">"Here"</th>
                                <th scope="col" class="number">"Models"</th>
                                <th scope="col">"Seat"</th>
                                <th scope="col">"Read more"</th>
                            </tr>
                        </thead>
                        <tbody>{rows}</tbody>
                    </table>
                </div>
            }
            .into_any()
        };
        view! {
            <PageTitle text="Providers"/>
            <section class="page">
                <div class="page-head">
                    <h1>"Providers"</h1>
                    <p class="count">{format!("{available} of {} connected", providers.len())}</p>
                </div>
                <p class="lead">"A provider is connected when this server has a credential for it. The others are listed with their prices, to compare."</p>
                {body}
            </section>
        }
        .into_any()
    })
}

#[component]
fn ProviderRow(provider: Provider) -> impl IntoView {
    let state = if provider.is_available { ("Connected", Tone::Good) } else { ("No credential", Tone::Plain) };
    let links = [
        ("Privacy", provider.privacy_policy_url),
        ("Terms", provider.terms_of_service_url),
        ("Status", provider.status_page_url),
    ];
    let name = format::plain(&provider.name);
    let links = links
        .into_iter()
        .filter_map(|(text, url)| {
            Some((text, url.filter(|url| url.starts_with("https://") || url.starts_with("http://"))?))
        })
        .map(|(text, url)| {
            let label = format!("{text}, {name}");
            view! { <a href=url rel="noopener noreferrer" target="_blank" aria-label=label>{text}</a> " " }
        })
        .collect_view();
    view! {
        <tr>
            <th scope="row" data-label="Provider">
                <a href=format!("/providers/{}", encode(&provider.slug))>{name}</a>
                {provider.is_simulated.then(|| view! { " " <SimulatedBadge/> })}
            </th>
            <td data-label="Here"><Badge text=state.0 tone=state.1/></td>
            <td class="number" data-label="Models">{provider.model_count}</td>
            <td data-label="Seat">{provider.headquarters.unwrap_or_else(|| "–".to_owned())}</td>
            <td data-label="Read more" class="link-list">{links}</td>
        </tr>
    }
}
