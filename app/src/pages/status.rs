//! How the providers are doing, and what went wrong lately.

use leptos::prelude::*;

use super::failed;
use crate::api::{encode, use_api};
use crate::components::badge::{Badge, Tone};
use crate::components::deferred::deferred;
use crate::components::format;
use crate::components::line_chart::UptimeBars;
use crate::components::notice::Empty;
use crate::components::title::PageTitle;
use crate::types::statistics::{Incident, ProviderHealth, Status};

/// `/status`
#[component]
pub fn StatusPage() -> impl IntoView {
    let api = use_api();
    deferred(async move {
        let status = match api.status().await {
            Ok(status) => status,
            Err(error) => return failed(error),
        };
        let Status { providers, incidents, .. } = status;
        let down = providers.iter().filter(|provider| provider.is_down).count();
        let open = incidents.iter().filter(|incident| incident.to.is_none()).count();
        let (said, tone) = match (down, open) {
            (0, 0) => ("Everything answers.", Tone::Good),
            (0, _) => ("Some providers answer badly; requests go to the others.", Tone::Caution),
            _ => ("Some endpoints are being left alone; requests go to the others.", Tone::Caution),
        };
        let body = if providers.is_empty() {
            view! { <Empty title="Nothing was asked in 72 hours."><p>"Uptime is measured on real requests."</p></Empty> }.into_any()
        } else {
            let rows = providers.into_iter().map(|provider| view! { <ProviderRow provider/> }).collect_view();
            view! { <ul class="status-list">{rows}</ul> }.into_any()
        };
        let incidents = if incidents.is_empty() {
            view! { <p class="section-note">"None in the last 72 hours."</p> }.into_any()
        } else {
            let rows = incidents.into_iter().map(|incident| view! { <IncidentRow incident/> }).collect_view();
            view! { <ol class="status-list">{rows}</ol> }.into_any()
        };
        view! {
            <PageTitle text="Status"/>
            <section class="page page-text">
                <div class="page-head"><h1>"Status"</h1><Badge text=said tone/></div>
                <p class="section-note">"Each bar is an hour: the share of requests a provider answered. An hour with more than a fifth of failures is an incident."</p>
                <h2>"Providers, last 72 hours"</h2>
                {body}
                <h2>"Incidents"</h2>
                {incidents}
            </section>
        }
        .into_any()
    })
}

#[component]
fn ProviderRow(provider: ProviderHealth) -> impl IntoView {
    let name = format::plain(&provider.name);
    let shown = if provider.slug.is_empty() {
        name.clone().into_any()
    } else {
        view! { <a href=format!("/providers/{}", encode(&provider.slug))>{name.clone()}</a> }.into_any()
    };
    let uptime = provider.uptime.map_or_else(|| "–".to_owned(), format::uptime);
    view! {
        <li class="status-row">
            <strong>{shown}{provider.is_down.then(|| view! { " " <Badge text="Left alone now" tone=Tone::Bad/> })}</strong>
            <UptimeBars name values=provider.hourly/>
            <span class="status-value">{uptime}</span>
            <span class="status-value">{format!("{} requests", format::compact(provider.requests))}</span>
        </li>
    }
}

#[component]
fn IncidentRow(incident: Incident) -> impl IntoView {
    let until = incident.to.as_deref().map_or_else(|| "now".to_owned(), format::moment_short);
    let share =
        format!("{} of {} requests failed", format::grouped(incident.failures), format::grouped(incident.requests));
    view! {
        <li class="status-row">
            <strong>{format::plain(&incident.provider_name)}</strong>
            <span>{format!("{} – {until}", format::moment_short(&incident.from))}</span>
            <span class="status-value">{share}</span>
            {incident.to.is_none().then(|| view! { <Badge text="Goes on" tone=Tone::Bad/> })}
        </li>
    }
}
