//! The catalog as the API shows it: models, their endpoints, the providers.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use app::types::Envelope;
use app::types::models::{
    Endpoint as WireEndpoint, Model as WireModel, ModelCount, ModelEndpoints, ModelLinks, ModelList, PageLinks,
    Pricing, Provider as WireProvider, ToolChoiceSupport, TopProvider,
};
use axum::Json;
use axum::extract::{OriginalUri, Path, State};
use serde_json::json;

use super::input::Query;
use crate::App;
use crate::catalog::filter::{self, ModelsQuery};
use crate::catalog::uses::Uses;
use crate::catalog::{Catalog, Endpoint, Model, Prices};
use crate::error::{Error, Result};
use crate::gateway::health::Statistics;

/// `GET /api/v1/models` (public).
///
/// # Errors
/// 400 naming the field and what it takes.
pub async fn list_models(
    State(app): State<Arc<App>>,
    OriginalUri(uri): OriginalUri,
    Query(query): Query<ModelsQuery>,
) -> Result<Json<ModelList>> {
    let catalog = app.catalog();
    let (popularity, uses) = (app.popularity(), app.uses());
    let page = filter::list(&catalog, &query, &context(&app, &catalog, &popularity, &uses))?;
    let next = page.next_offset.map(|offset| next_link(uri.path(), uri.query().unwrap_or_default(), offset));
    let data = page.models.iter().map(|model| model_on_wire(model)).collect();
    let total_count = u64::try_from(page.total).unwrap_or(u64::MAX);
    Ok(Json(ModelList { data, total_count, links: PageLinks { next } }))
}

/// `GET /api/v1/models/count` (public): how many models that query finds.
///
/// # Errors
/// 400 naming the field and what it takes.
pub async fn count_models(
    State(app): State<Arc<App>>,
    Query(query): Query<ModelsQuery>,
) -> Result<Json<Envelope<ModelCount>>> {
    let catalog = app.catalog();
    let page = filter::list(&catalog, &query, &context(&app, &catalog, &HashMap::new(), &app.uses()))?;
    Ok(Json(Envelope { data: ModelCount { count: u64::try_from(page.total).unwrap_or(u64::MAX) } }))
}

/// `GET /api/v1/model/{author}/{slug}` (public).
///
/// # Errors
/// 404 when no model has that name.
pub async fn show_model(
    State(app): State<Arc<App>>,
    Path((author, slug)): Path<(String, String)>,
) -> Result<Json<Envelope<WireModel>>> {
    let catalog = app.catalog();
    Ok(Json(Envelope { data: model_on_wire(find(&catalog, &author, &slug)?) }))
}

/// `GET /api/v1/models/{author}/{slug}/endpoints` (public).
///
/// # Errors
/// 404 when no model has that name.
pub async fn list_endpoints(
    State(app): State<Arc<App>>,
    Path((author, slug)): Path<(String, String)>,
) -> Result<Json<Envelope<ModelEndpoints>>> {
    let catalog = app.catalog();
    let model = find(&catalog, &author, &slug)?;
    let now_ms = app.clock.now_ms();
    let endpoints = model.endpoints.iter().map(|endpoint| {
        let condition = Condition {
            statistics: app.health.statistics(&endpoint.id, now_ms),
            is_down: app.health.is_down(&endpoint.id, now_ms),
            is_available: can_call(&app, &catalog, endpoint),
        };
        endpoint_on_wire(&catalog, model, endpoint, &condition)
    });
    let data = ModelEndpoints {
        id: model.id.clone(),
        name: model.name.clone(),
        created: model.created,
        description: model.description.clone().unwrap_or_default(),
        architecture: model.architecture.clone(),
        endpoints: endpoints.collect(),
    };
    Ok(Json(Envelope { data }))
}

/// `GET /api/v1/providers` (public).
pub async fn list_providers(State(app): State<Arc<App>>) -> Json<Envelope<Vec<WireProvider>>> {
    Json(Envelope { data: providers_on_wire(&app.catalog(), &|provider| app.can_call(provider)) })
}

pub(super) fn find<'a>(catalog: &'a Catalog, author: &str, slug: &str) -> Result<&'a Arc<Model>> {
    let id = format!("{author}/{slug}");
    catalog.model(&id).ok_or_else(|| {
        Error::not_found(format!("No model is called `{id}`. GET /api/v1/models?output_modalities=all lists them all."))
    })
}

pub(super) fn can_call(app: &App, catalog: &Catalog, endpoint: &Endpoint) -> bool {
    catalog.provider(&endpoint.provider_slug).is_some_and(|provider| app.can_call(provider))
}

/// What the list depends on, as it is now.
pub(super) fn context<'a>(
    app: &'a App,
    catalog: &'a Catalog,
    popularity: &'a HashMap<String, i64>,
    uses: &'a Uses,
) -> filter::Context<'a> {
    let now_ms = app.clock.now_ms();
    filter::Context {
        is_available: Box::new(move |endpoint| can_call(app, catalog, endpoint)),
        is_used_for: Box::new(move |category, model| uses.has(category, model)),
        popularity: Box::new(move |category, id| {
            let within = category.and_then(|category| uses.tokens(category, id));
            within.unwrap_or_else(|| popularity.get(id).copied().unwrap_or(0))
        }),
        latency: Box::new(move |endpoint| app.health.median_latency(&endpoint.id, now_ms)),
        throughput: Box::new(move |endpoint| app.health.median_throughput(&endpoint.id, now_ms)),
        now_ms,
    }
}

/// The same query from `offset` on.
fn next_link(path: &str, query: &str, offset: usize) -> String {
    let others = url::form_urlencoded::parse(query.as_bytes()).filter(|(name, _)| name != "offset");
    let mut next = url::form_urlencoded::Serializer::new(String::new());
    next.extend_pairs(others).append_pair("offset", &offset.to_string());
    format!("{path}?{}", next.finish())
}

/// A model as lists show it.
#[must_use]
pub fn model_on_wire(model: &Model) -> WireModel {
    let top = model.endpoints.first();
    WireModel {
        id: model.id.clone(),
        canonical_slug: model.canonical_slug.clone(),
        hugging_face_id: model.hugging_face_id.clone(),
        name: model.name.clone(),
        created: model.created,
        description: model.description.clone(),
        context_length: model.context_length,
        architecture: model.architecture.clone(),
        pricing: model.list_prices().map_or_else(Pricing::default, Prices::to_wire),
        top_provider: TopProvider {
            context_length: top.and_then(|endpoint| endpoint.context_length).or(model.context_length),
            max_completion_tokens: top.and_then(|endpoint| endpoint.max_output_tokens),
            is_moderated: false,
        },
        per_request_limits: None,
        supported_parameters: model.supported_parameters.clone(),
        supported_voices: None,
        default_parameters: model.default_parameters.clone(),
        knowledge_cutoff: model.knowledge_cutoff.clone(),
        expiration_date: model.expiration_date.clone(),
        links: ModelLinks { details: format!("/api/v1/models/{}/endpoints", model.canonical_slug) },
        endpoint_count: u32::try_from(model.endpoints.len()).unwrap_or(u32::MAX),
        is_simulated: model.is_simulated(),
    }
}

/// How an endpoint is doing.
#[derive(Clone, Copy, Debug, Default)]
pub struct Condition {
    pub statistics: Statistics,
    /// It failed again and again just now.
    pub is_down: bool,
    /// This server can send requests to it.
    pub is_available: bool,
}

/// An endpoint as the list of a model's endpoints shows it.
#[must_use]
pub fn endpoint_on_wire(catalog: &Catalog, model: &Model, endpoint: &Endpoint, now: &Condition) -> WireEndpoint {
    let provider = catalog.provider(&endpoint.provider_slug);
    let provider_name = provider.map_or_else(|| endpoint.provider_slug.clone(), |provider| provider.name.clone());
    let chooses = endpoint.supports("tool_choice");
    WireEndpoint {
        name: format!("{provider_name} | {}", model.id),
        model_id: model.id.clone(),
        model_name: model.name.clone(),
        context_length: endpoint.context_length.or(model.context_length).unwrap_or(0),
        pricing: endpoint.prices.to_wire(),
        provider_name,
        tag: endpoint.tag.clone(),
        quantization: endpoint.quantization.clone(),
        max_completion_tokens: endpoint.max_output_tokens,
        max_prompt_tokens: endpoint.max_prompt_tokens,
        supported_parameters: endpoint.supported_parameters.clone(),
        status: status(now),
        uptime_last_5m: now.statistics.uptime_5m,
        uptime_last_30m: now.statistics.uptime_30m,
        uptime_last_1d: now.statistics.uptime_1d,
        supports_implicit_caching: endpoint.prices.input_cache_read.is_some()
            && endpoint.prices.input_cache_write.is_none(),
        latency_last_30m: now.statistics.latency,
        latency_last_5m: now.statistics.latency_5m,
        throughput_last_5m: now.statistics.throughput_5m,
        throughput_last_30m: now.statistics.throughput,
        supports_tool_choice: ToolChoiceSupport { auto: chooses, none: chooses, required: chooses, function: chooses },
        native_tools: json!({}),
        service_tier: endpoint.tier().map(|tier| tier.as_str().to_owned()),
        supports_diarization: false,
        is_simulated: endpoint.is_simulated,
        is_available: now.is_available,
        data_policy: endpoint.policy,
    }
}

/// 0 is normal, -1 degraded (under 95 % of the last half hour), -2 poor (under
/// 80 %), -5 failing right now.
fn status(now: &Condition) -> i32 {
    match now.statistics.uptime_30m {
        _ if now.is_down => -5,
        Some(uptime) if uptime < 80.0 => -2,
        Some(uptime) if uptime < 95.0 => -1,
        _ => 0,
    }
}

/// Providers by name, those that serve something.
#[must_use]
pub fn providers_on_wire(
    catalog: &Catalog,
    is_available: &dyn Fn(&crate::catalog::Provider) -> bool,
) -> Vec<WireProvider> {
    let mut counts: BTreeMap<&str, u32> = BTreeMap::new();
    for endpoint in catalog.models.values().flat_map(|model| &model.endpoints) {
        *counts.entry(endpoint.provider_slug.as_str()).or_default() += 1;
    }
    let mut providers: Vec<WireProvider> = catalog
        .providers
        .values()
        .map(|provider| WireProvider {
            name: provider.name.clone(),
            slug: provider.slug.clone(),
            privacy_policy_url: provider.privacy_policy_url.clone(),
            terms_of_service_url: provider.terms_of_service_url.clone(),
            status_page_url: provider.status_page_url.clone(),
            headquarters: provider.headquarters.clone(),
            datacenters: provider.datacenters.clone(),
            is_available: is_available(provider),
            is_simulated: provider.is_simulated,
            model_count: counts.get(provider.slug.as_str()).copied().unwrap_or(0),
        })
        .filter(|provider| provider.model_count > 0)
        .collect();
    providers.sort_by_cached_key(|provider| (!provider.is_available, provider.name.to_lowercase()));
    providers
}
