//! The answer of an OpenRouter-compatible `GET /api/v1/models`: decimal strings, US dollars per unit.

use std::collections::HashSet;

use app::types::Price;
use app::types::models::Architecture;
use serde_json::Value;

use super::fields::{self, Fields};
use super::names::Name;
use super::{Import, Offer, Skipped, Source};
use crate::catalog::{Endpoint, Model, Prices, known};

/// The provider that serves such a list.
const PROVIDER: &str = "openrouter";

pub fn read(list: Vec<Value>) -> Import {
    let mut import = Import {
        source: Source::ModelList,
        providers: known::provider(PROVIDER).cloned().into_iter().collect(),
        models: vec![],
        offers: vec![],
        skipped: vec![],
    };
    let mut seen = HashSet::new();
    for (position, value) in list.into_iter().enumerate() {
        let id = value.get("id").and_then(Value::as_str).map(str::to_owned);
        let entry = id.clone().unwrap_or_else(|| format!("entry {}", position.saturating_add(1)));
        let read = value.as_object().ok_or_else(|| "not an object".to_owned()).and_then(|fields| {
            let id = id.ok_or("id: missing")?;
            if !seen.insert(id.clone()) {
                return Err("id: listed twice".to_owned());
            }
            entry_of(&id, fields)
        });
        match read {
            Ok((model, offer)) => {
                import.models.push(model);
                import.offers.push(offer);
            }
            Err(reason) => import.skipped.push(Skipped { entry, reason }),
        }
    }
    import
}

fn entry_of(id: &str, fields: &Fields) -> Result<(Model, Offer), String> {
    let (author, _) = id.split_once('/').ok_or("id: not of the form author/slug")?;
    let pricing = fields::object(fields, "pricing")?.ok_or("pricing: missing")?;
    let prices = prices(pricing)?;
    let architecture: Architecture = fields::get(fields, "architecture").map_or_else(
        || {
            Ok(Architecture {
                modality: None,
                input_modalities: text(),
                output_modalities: text(),
                ..Default::default()
            })
        },
        |value| serde_json::from_value(value.clone()).map_err(|error| format!("architecture: {error}")),
    )?;
    let context_length = fields::tokens(fields, "context_length")?;
    let supported_parameters = fields::texts(fields, "supported_parameters")?.unwrap_or_default();
    let top = fields::object(fields, "top_provider")?;
    let max_output_tokens = top.map(|top| fields::tokens(top, "max_completion_tokens")).transpose()?.flatten();
    let name = Name::read(id, PROVIDER);
    let endpoint = Endpoint {
        id: format!("{PROVIDER}:{id}"),
        provider_slug: PROVIDER.to_owned(),
        upstream_model: id.to_owned(),
        tag: PROVIDER.to_owned(),
        context_length,
        max_output_tokens,
        quantization: name.quantization,
        supported_parameters: supported_parameters.clone(),
        input_modalities: architecture.input_modalities.clone(),
        output_modalities: architecture.output_modalities.clone(),
        policy: known::provider(PROVIDER).map(|provider| provider.policy).unwrap_or_default(),
        ..Endpoint::default()
    };
    let model = Model {
        id: id.to_owned(),
        canonical_slug: fields::text(fields, "canonical_slug")?.unwrap_or_else(|| id.to_owned()),
        name: fields::required_text(fields, "name")?,
        author: author.to_owned(),
        created: fields::count(fields, "created")?.ok_or("created: missing")?,
        description: fields::text(fields, "description")?,
        context_length,
        architecture,
        supported_parameters,
        default_parameters: fields::object(fields, "default_parameters")?.map(|value| Value::Object(value.clone())),
        hugging_face_id: fields::text(fields, "hugging_face_id")?,
        knowledge_cutoff: fields::text(fields, "knowledge_cutoff")?,
        expiration_date: fields::text(fields, "expiration_date")?,
        reference_prices: Some(prices.clone()),
        ..Model::default()
    };
    Ok((model, Offer { endpoint, prices: Some(prices), model_id: Some(id.to_owned()), facts: None }))
}

fn text() -> Vec<String> {
    vec!["text".to_owned()]
}

fn prices(pricing: &Fields) -> Result<Prices, String> {
    let price = |name: &str| -> Result<Option<Price>, String> {
        fields::per_unit(pricing, name).map_err(|reason| format!("pricing.{reason}"))
    };
    Ok(Prices {
        prompt: price("prompt")?.ok_or("pricing.prompt: missing")?,
        completion: price("completion")?.ok_or("pricing.completion: missing")?,
        request: price("request")?.unwrap_or_default(),
        image: price("image")?.unwrap_or_default(),
        audio: price("audio")?,
        audio_output: price("audio_output")?,
        internal_reasoning: price("internal_reasoning")?,
        input_cache_read: price("input_cache_read")?,
        input_cache_write: price("input_cache_write")?,
        input_cache_write_1h: price("input_cache_write_1h")?,
        web_search: price("web_search")?.unwrap_or_default(),
        tiers: Vec::new(),
    })
}
