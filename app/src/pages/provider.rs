//! One provider: its policies, how it is doing, what it serves.

use leptos::prelude::*;
use leptos_router::hooks::use_params_map;

use super::{failed, not_found};
use crate::api::{BoardQuery, ModelQuery, Period, encode, use_api};
use crate::components::badge::{Badge, SimulatedBadge, Tone};
use crate::components::board::BoardChart;
use crate::components::deferred::deferred;
use crate::components::format;
use crate::components::line_chart::UptimeBars;
use crate::components::price::per_million;
use crate::components::title::PageTitle;
use crate::types::models::{Model, Provider};
use crate::types::statistics::ProviderHealth;

/// Models shown; the catalog has them all.
const MODELS: u32 = 20;

/// `/providers/{slug}`
#[component]
pub fn ProviderPage() -> impl IntoView {
    let api = use_api();
    let slug = use_params_map().get_untracked().get("slug").unwrap_or_default();
    deferred(async move {
        let models = ModelQuery {
            providers: slug.clone(),
            output_modalities: "all".to_owned(),
            limit: MODELS,
            ..ModelQuery::default()
        };
        let (providers, models, status) = futures::join!(api.providers(), api.models(&models), api.status());
        let provider = match providers {
            Ok(list) => list.into_iter().find(|provider| provider.slug == slug),
            Err(error) => return failed(error),
        };
        let Some(provider) = provider else {
            super::set_status(404);
            return not_found::NotFound().into_any();
        };
        let traffic = BoardQuery { provider: provider.name.clone(), period: Period::Month, ..BoardQuery::default() };
        let board = api.board(&traffic).await.unwrap_or_default();
        let health = status.ok().and_then(|status| status.providers.into_iter().find(|own| own.name == provider.name));
        let models = models.map(|list| list.data).unwrap_or_default();
        let state = if provider.is_available { ("Connected", Tone::Good) } else { ("No credential", Tone::Plain) };
        let name = format::plain(&provider.name);
        let all = format!("/models?providers={}", encode(&provider.slug));
        view! {
            <PageTitle text=name.clone()/>
            <section class="page">
                <p class="eyebrow"><a href="/providers">"Providers"</a></p>
                <div class="page-head">
                    <h1>{name}{provider.is_simulated.then(|| view! { " " <SimulatedBadge/> })}</h1>
                    <Badge text=state.0 tone=state.1/>
                </div>
                <Facts provider=provider.clone() health/>
                {(!board.rows.is_empty()).then(|| view! {
                    <h2>"Tokens by model, last 30 days"</h2>
                    <BoardChart board is_by_week=false/>
                })}
                <h2>"Models it serves"</h2>
                <Models models/>
                <p><a href=all>{format!("All {} offers", provider.model_count)}</a></p>
            </section>
        }
        .into_any()
    })
}

#[component]
fn Facts(provider: Provider, health: Option<ProviderHealth>) -> impl IntoView {
    let links = [
        ("Privacy policy", provider.privacy_policy_url.clone()),
        ("Terms", provider.terms_of_service_url.clone()),
        ("Status page", provider.status_page_url.clone()),
    ];
    let links = links
        .into_iter()
        .filter_map(|(text, url)| {
            let url = url.filter(|url| url.starts_with("https://") || url.starts_with("http://"))?;
            Some(view! { <li><a href=url rel="noopener noreferrer" target="_blank">{text}</a></li> })
        })
        .collect_view();
    let uptime = health.as_ref().and_then(|health| health.uptime).map_or_else(|| "–".to_owned(), format::uptime);
    let requests = health.as_ref().map_or_else(|| "0".to_owned(), |health| format::compact(health.requests));
    let bars = health.map(
        |health| view! { <UptimeBars name=format!("Uptime of {}", format::plain(&health.name)) values=health.hourly/> },
    );
    let places = if provider.datacenters.is_empty() { "not known".to_owned() } else { provider.datacenters.join(", ") };
    view! {
        <dl class="facts-grid">
            <div class="fact"><dt>"Offers"</dt><dd>{provider.model_count}</dd></div>
            <div class="fact"><dt>"Uptime, 72 hours"</dt><dd>{uptime}{bars}</dd></div>
            <div class="fact"><dt>"Requests, 72 hours"</dt><dd>{requests}</dd></div>
            <div class="fact"><dt>"Seat"</dt><dd>{provider.headquarters.unwrap_or_else(|| "not known".to_owned())}</dd></div>
            <div class="fact"><dt>"Data centres"</dt><dd>{format::plain(&places)}</dd></div>
            <div class="fact"><dt>"Read more"</dt><dd><ul class="plain-list">{links}</ul></dd></div>
        </dl>
    }
}

#[component]
fn Models(models: Vec<Model>) -> impl IntoView {
    let rows = models
        .into_iter()
        .map(|model| {
            view! {
                <tr>
                    <th scope="row" data-label="Model"><a href=format!("/models/{}", model.id)>{format::plain(&model.name)}</a><code>{model.id.clone()}</code></th>
                    <td class="number" data-label="From, input / M">{per_million(model.pricing.prompt)}</td>
                    <td class="number" data-label="From, output / M">{per_million(model.pricing.completion)}</td>
                    <td class="number" data-label="Context">{model.context_length.map_or_else(|| "–".to_owned(), format::compact)}</td>
                </tr>
            }
        })
        .collect_view();
    view! {
        <div class="table-scroll" tabindex="0" role="region" aria-label="Models">
            <table class="table table-cards">
                <caption class="visually-hidden">"Models of this provider, with the lowest prices of any provider"</caption>
                <thead><tr>
                    <th scope="col">"Model"</th><th scope="col" class="number">"From, input / M"</th>
                    <th scope="col" class="number">"From, output / M"</th><th scope="col" class="number">"Context"</th>
                </tr></thead>
                <tbody>{rows}</tbody>
            </table>
        </div>
    }
}
