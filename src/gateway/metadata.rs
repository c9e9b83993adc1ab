//! `openrouter_metadata`: how a request was routed, for callers who ask.
//! Source of the shape: `OpenRouterMetadata` of the original's API description.

use serde_json::{Value, json};

use super::Run;
use super::route::Candidate;

impl Run {
    /// How this request was routed; `served` is the endpoint that answered.
    pub(super) fn metadata(&self, served: Option<&Candidate>) -> Value {
        let is_served = |candidate: &Candidate| served.is_some_and(|own| own.record_id() == candidate.record_id());
        let available: Vec<Value> = self
            .candidates
            .iter()
            .map(|candidate| {
                json!({
                    "provider": candidate.provider.name,
                    "model": candidate.model.id,
                    "selected": is_served(candidate),
                })
            })
            .collect();
        let attempts: Vec<Value> = self
            .tried
            .iter()
            .map(|tried| json!({ "provider": tried.provider_name, "model": tried.model_id, "status": tried.status.unwrap_or(0) }))
            .collect();
        let requested = self.job.inference.models.first();
        let is_fallback =
            served.zip(self.candidates.first()).is_some_and(|(own, first)| own.model.id != first.model.id);
        let strategy = if is_fallback { "fallback" } else { served.map_or("direct", |own| own.strategy.word()) };
        let selected = served.map_or("none", |own| own.provider.name.as_str());
        let mut metadata = json!({
            "requested": requested,
            "strategy": strategy,
            // One server is one region.
            "region": null,
            "summary": format!("available={}, selected={selected}", available.len()),
            "attempt": self.tried.len().max(1),
            "is_byok": served.is_some_and(|own| own.own.is_some()),
            "endpoints": { "total": available.len(), "available": available },
            "attempts": attempts,
        });
        if let (false, Some(fields)) = (self.pipeline.is_empty(), metadata.as_object_mut()) {
            fields.insert("pipeline".to_owned(), Value::Array(self.pipeline.clone()));
        }
        if let (Some(resumed), Some(fields)) = (&self.resumed, metadata.as_object_mut()) {
            fields.insert("resumed".to_owned(), resumed.clone());
        }
        metadata
    }
}
