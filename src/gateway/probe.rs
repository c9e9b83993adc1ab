//! Cheap checks of endpoints that were in an outage, before anybody is sent there.

use std::collections::BTreeMap;
use std::sync::Arc;

use futures::future::join_all;

use crate::App;
use crate::catalog::{Endpoint, Provider};

/// Checks every endpoint whose outage should be over, one request for each provider:
/// whoever serves its list of models is worth one caller's try.
pub async fn check_due(app: &App) {
    let due = app.health.due(app.clock.now_ms());
    if due.is_empty() {
        return;
    }
    let catalog = app.catalog();
    let mut providers: BTreeMap<&str, (&Arc<Provider>, Vec<&Endpoint>)> = BTreeMap::new();
    let mut unknown: Vec<&String> = due.iter().collect();
    for endpoint in catalog.models.values().flat_map(|model| &model.endpoints) {
        if !due.contains(&endpoint.id) {
            continue;
        }
        if let Some(provider) = catalog.provider(&endpoint.provider_slug) {
            unknown.retain(|id| **id != endpoint.id);
            providers.entry(&provider.slug).or_insert_with(|| (provider, Vec::new())).1.push(endpoint);
        }
    }
    join_all(providers.into_values().map(|(provider, endpoints)| async move {
        let is_alive = is_alive(app, provider).await;
        for endpoint in endpoints {
            app.health.checked(&endpoint.id, is_alive, app.clock.now_ms());
            tracing::info!(endpoint.id = %endpoint.id, is_alive, "Checked an endpoint after its outage");
        }
    }))
    .await;
    for id in unknown {
        // It left the catalog, and may come back.
        app.health.checked(id, true, app.clock.now_ms());
    }
}

/// Whether a provider answers sensibly. That it has no such list, or wants another
/// kind of credential for it, is an answer, too.
async fn is_alive(app: &App, provider: &Provider) -> bool {
    let credentials = app.credentials();
    let base_url = credentials.base_url(&provider.slug).unwrap_or(&provider.base_url);
    let header = credentials.key(&provider.slug).and_then(|key| provider.auth.header(key));
    matches!(app.upstreams.check(base_url, header).await, Ok(status) if status < 500 && status != 429)
}
