//! Between the flat rows of the database and the records of the snapshot.

use std::collections::HashMap;
use std::sync::Arc;

use app::types::Price;
use app::types::models::DataPolicy;
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::{Catalog, Endpoint, Model, Prices, Provider};
use crate::store::Store;
use crate::store::catalog::{CatalogRows, EndpointRow, ModelRow, PriceRow, ProviderRow};

impl Catalog {
    /// The snapshot of what the database holds now.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn load(store: &Store) -> sqlx::Result<Self> {
        Ok(Self::from_rows(&store.load_offered_catalog().await?))
    }

    /// The snapshot of what the database holds. An offer without a price is left
    /// out, since nothing may be sent to it; so is a model that only such or
    /// withdrawn offers ever named. A damaged row is logged and left out.
    #[must_use]
    pub fn from_rows(rows: &CatalogRows) -> Self {
        let prices: HashMap<&str, &PriceRow> = rows.prices.iter().map(|row| (row.id.as_str(), row)).collect();
        let mut endpoints: HashMap<&str, Vec<Arc<Endpoint>>> = HashMap::new();
        for row in rows.endpoints.iter().filter(|row| row.is_offered == 1) {
            let offers = endpoints.entry(row.model_id.as_str()).or_default();
            let Some(price) = row.price_id.as_deref().and_then(|id| prices.get(id)) else { continue };
            if let Some(endpoint) = logged("endpoint", &row.id, endpoint(row, price)) {
                offers.push(Arc::new(endpoint));
            }
        }
        let providers = rows.providers.iter().filter_map(|row| logged("provider", &row.slug, provider(row)));
        let models = rows.models.iter().filter_map(|row| {
            let offers = endpoints.remove(row.id.as_str());
            if offers.is_none() && row.reference_prices.is_none() {
                return None;
            }
            let mut model = logged("model", &row.id, model(row))?;
            model.endpoints = offers.unwrap_or_default();
            Some(model)
        });
        Self::new(providers.collect(), models.collect())
    }
}

fn logged<T>(kind: &str, id: &str, read: serde_json::Result<T>) -> Option<T> {
    read.inspect_err(|error| tracing::error!(kind, id, %error, "Left a damaged row out of the catalog")).ok()
}

/// # Errors
/// When a JSON column is damaged.
pub fn provider(row: &ProviderRow) -> serde_json::Result<Provider> {
    Ok(Provider {
        slug: row.slug.clone(),
        name: row.name.clone(),
        dialect: row.dialect.as_deref().and_then(|name| name.parse().ok()),
        base_url: row.base_url.clone(),
        env: serde_json::from_str(&row.env)?,
        auth: serde_json::from_str(&row.auth)?,
        quirks: serde_json::from_str(&row.quirks)?,
        policy: policy(row.trains_on_prompts, row.retains_prompts),
        privacy_policy_url: row.privacy_policy_url.clone(),
        terms_of_service_url: row.terms_of_service_url.clone(),
        status_page_url: row.status_page_url.clone(),
        headquarters: row.headquarters.clone(),
        datacenters: serde_json::from_str(&row.datacenters)?,
        supports_cancel: row.supports_cancel == 1,
        is_simulated: row.is_simulated == 1,
    })
}

#[must_use]
pub fn provider_row(provider: &Provider, source: i64) -> ProviderRow {
    ProviderRow {
        slug: provider.slug.clone(),
        name: provider.name.clone(),
        dialect: provider.dialect.map(|dialect| dialect.as_str().to_owned()),
        base_url: provider.base_url.clone(),
        env: json(&provider.env),
        auth: json(&provider.auth),
        quirks: json(&provider.quirks),
        trains_on_prompts: provider.policy.trains_on_prompts.map(i64::from),
        retains_prompts: provider.policy.retains_prompts.map(i64::from),
        privacy_policy_url: provider.privacy_policy_url.clone(),
        terms_of_service_url: provider.terms_of_service_url.clone(),
        status_page_url: provider.status_page_url.clone(),
        headquarters: provider.headquarters.clone(),
        datacenters: json(&provider.datacenters),
        supports_cancel: provider.supports_cancel.into(),
        is_simulated: provider.is_simulated.into(),
        source,
    }
}

/// Without its endpoints.
///
/// # Errors
/// When a JSON column is damaged.
pub fn model(row: &ModelRow) -> serde_json::Result<Model> {
    Ok(Model {
        id: row.id.clone(),
        canonical_slug: row.canonical_slug.clone(),
        aliases: serde_json::from_str(&row.aliases)?,
        name: row.name.clone(),
        author: row.author.clone(),
        created: row.created,
        description: row.description.clone(),
        context_length: row.context_length,
        architecture: serde_json::from_str(&row.architecture)?,
        supported_parameters: serde_json::from_str(&row.supported_parameters)?,
        default_parameters: optional(row.default_parameters.as_deref())?,
        hugging_face_id: row.hugging_face_id.clone(),
        knowledge_cutoff: row.knowledge_cutoff.clone(),
        benchmarks: optional(row.benchmarks.as_deref())?.unwrap_or_default(),
        expiration_date: row.expiration_date.clone(),
        endpoints: Vec::new(),
        reference_prices: optional(row.reference_prices.as_deref())?,
    })
}

#[must_use]
pub fn model_row(model: &Model, source: i64) -> ModelRow {
    ModelRow {
        id: model.id.clone(),
        canonical_slug: model.canonical_slug.clone(),
        aliases: json(&model.aliases),
        name: model.name.clone(),
        author: model.author.clone(),
        created: model.created,
        description: model.description.clone(),
        context_length: model.context_length,
        architecture: json(&model.architecture),
        supported_parameters: json(&model.supported_parameters),
        default_parameters: model.default_parameters.as_ref().map(json),
        hugging_face_id: model.hugging_face_id.clone(),
        knowledge_cutoff: model.knowledge_cutoff.clone(),
        benchmarks: (!model.benchmarks.is_empty()).then(|| json(&model.benchmarks)),
        expiration_date: model.expiration_date.clone(),
        reference_prices: model.reference_prices.as_ref().map(json),
        source,
    }
}

/// # Errors
/// When a JSON column is damaged.
pub fn endpoint(row: &EndpointRow, price: &PriceRow) -> serde_json::Result<Endpoint> {
    Ok(Endpoint {
        id: row.id.clone(),
        model_id: row.model_id.clone(),
        provider_slug: row.provider_slug.clone(),
        upstream_model: row.upstream_model.clone(),
        tag: row.tag.clone(),
        prices: prices(price)?,
        price_id: price.id.clone(),
        context_length: row.context_length,
        max_output_tokens: row.max_output_tokens,
        max_prompt_tokens: row.max_prompt_tokens,
        quantization: row.quantization.clone(),
        supported_parameters: serde_json::from_str(&row.supported_parameters)?,
        input_modalities: serde_json::from_str(&row.input_modalities)?,
        output_modalities: serde_json::from_str(&row.output_modalities)?,
        policy: policy(row.trains_on_prompts, row.retains_prompts),
        is_simulated: row.is_simulated == 1,
    })
}

/// `price_id` is kept only where it is not empty.
#[must_use]
pub fn endpoint_row(endpoint: &Endpoint, source: i64) -> EndpointRow {
    EndpointRow {
        id: endpoint.id.clone(),
        model_id: endpoint.model_id.clone(),
        provider_slug: endpoint.provider_slug.clone(),
        upstream_model: endpoint.upstream_model.clone(),
        tag: endpoint.tag.clone(),
        price_id: (!endpoint.price_id.is_empty()).then(|| endpoint.price_id.clone()),
        context_length: endpoint.context_length,
        max_output_tokens: endpoint.max_output_tokens,
        max_prompt_tokens: endpoint.max_prompt_tokens,
        quantization: endpoint.quantization.clone(),
        supported_parameters: json(&endpoint.supported_parameters),
        input_modalities: json(&endpoint.input_modalities),
        output_modalities: json(&endpoint.output_modalities),
        trains_on_prompts: endpoint.policy.trains_on_prompts.map(i64::from),
        retains_prompts: endpoint.policy.retains_prompts.map(i64::from),
        is_simulated: endpoint.is_simulated.into(),
        is_offered: 1,
        source,
    }
}

/// # Errors
/// When the tiers are damaged.
pub fn prices(row: &PriceRow) -> serde_json::Result<Prices> {
    Ok(Prices {
        prompt: Price(row.prompt),
        completion: Price(row.completion),
        request: Price(row.request),
        image: Price(row.image),
        audio: row.audio.map(Price),
        audio_output: row.audio_output.map(Price),
        internal_reasoning: row.internal_reasoning.map(Price),
        input_cache_read: row.input_cache_read.map(Price),
        input_cache_write: row.input_cache_write.map(Price),
        input_cache_write_1h: row.input_cache_write_1h.map(Price),
        web_search: Price(row.web_search),
        tiers: serde_json::from_str(&row.tiers)?,
    })
}

/// The version of `endpoint_id`'s prices that begins at `valid_from` (epoch ms).
#[must_use]
pub fn price_row(endpoint_id: &str, valid_from: i64, prices: &Prices) -> PriceRow {
    PriceRow {
        id: format!("{endpoint_id}@{valid_from}"),
        endpoint_id: endpoint_id.to_owned(),
        valid_from,
        prompt: prices.prompt.0,
        completion: prices.completion.0,
        request: prices.request.0,
        image: prices.image.0,
        audio: prices.audio.map(|price| price.0),
        audio_output: prices.audio_output.map(|price| price.0),
        internal_reasoning: prices.internal_reasoning.map(|price| price.0),
        input_cache_read: prices.input_cache_read.map(|price| price.0),
        input_cache_write: prices.input_cache_write.map(|price| price.0),
        input_cache_write_1h: prices.input_cache_write_1h.map(|price| price.0),
        web_search: prices.web_search.0,
        tiers: json(&prices.tiers),
    }
}

fn policy(trains: Option<i64>, retains: Option<i64>) -> DataPolicy {
    DataPolicy { trains_on_prompts: trains.map(|flag| flag == 1), retains_prompts: retains.map(|flag| flag == 1) }
}

fn json<T: Serialize>(value: &T) -> String {
    serde_json::to_string(value).expect("records of text, numbers and lists are always JSON")
}

fn optional<T: DeserializeOwned>(text: Option<&str>) -> serde_json::Result<Option<T>> {
    text.map(serde_json::from_str).transpose()
}
