//! What the offers of a model say about it, for models no list describes.

use std::collections::{BTreeMap, BTreeSet};

use super::Offer;
use crate::catalog::Model;

/// One model per `endpoint.model_id`. `offers` come best first: who comes first
/// is believed; what it does not say is taken from the others.
pub fn models(offers: &[Offer]) -> BTreeMap<String, Model> {
    let mut models: BTreeMap<String, Model> = BTreeMap::new();
    let mut parameters: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for offer in offers {
        let Some(facts) = &offer.facts else { continue };
        let id = &offer.endpoint.model_id;
        let supported = parameters.entry(id).or_default();
        supported.extend(facts.supported_parameters.iter().map(String::as_str));
        models.entry(id.clone()).and_modify(|model| fill(model, facts)).or_insert_with(|| Model {
            id: id.clone(),
            canonical_slug: id.clone(),
            author: id.split('/').next().unwrap_or(id).to_owned(),
            ..facts.clone()
        });
    }
    for (id, model) in &mut models {
        if let Some(supported) = parameters.get(id.as_str()) {
            model.supported_parameters = supported.iter().map(|&name| name.to_owned()).collect();
        }
    }
    models
}

fn fill(model: &mut Model, facts: &Model) {
    if model.created == 0 {
        model.created = facts.created;
    }
    model.context_length = model.context_length.or(facts.context_length);
    if model.hugging_face_id.is_none() {
        model.hugging_face_id.clone_from(&facts.hugging_face_id);
    }
    if model.knowledge_cutoff.is_none() {
        model.knowledge_cutoff.clone_from(&facts.knowledge_cutoff);
    }
    // Several providers of a model tell the same results.
    for result in &facts.benchmarks {
        if !model.benchmarks.iter().any(|known| known.name == result.name && known.metric == result.metric) {
            model.benchmarks.push(result.clone());
        }
    }
}
