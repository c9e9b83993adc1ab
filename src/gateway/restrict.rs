//! What key and workspace restrict a request to: models, providers, the default order.

use serde_json::Value;

use crate::accounts::policy::Policy;
use crate::dialects::Inference;
use crate::error::{Error, Result};
use crate::gateway::route::Candidate;

/// Narrows what may be planned. A wish of the request's own can only narrow further.
pub fn narrow(policy: &Policy, inference: &mut Inference) {
    if inference.provider.sort.is_none()
        && let Some(sort) = &policy.default_sort
    {
        inference.provider.sort = Some(Value::String(sort.clone()));
    }
    let names_none = inference.provider.only.as_ref().is_none_or(Vec::is_empty);
    if names_none && !policy.providers.is_empty() {
        inference.provider.only = Some(policy.providers.clone());
    }
    // Of several models asked for, those allowed remain; names are resolved later.
    if inference.models.iter().any(|name| policy.allows_model(name)) {
        inference.models.retain(|name| policy.allows_model(name));
    }
}

/// Drops what the policy does not allow, whatever name led there.
///
/// # Errors
/// 403 that names the lists when nothing is left.
pub fn check(policy: &Policy, candidates: &mut Vec<Candidate>) -> Result<()> {
    if policy.models.is_empty() && policy.providers.is_empty() {
        return Ok(());
    }
    let wanted = candidates.first().map(|candidate| candidate.model.id.clone()).unwrap_or_default();
    candidates.retain(|candidate| {
        policy.allows_model(&candidate.model.id) && policy.allows_provider(&candidate.provider.slug)
    });
    if !candidates.is_empty() {
        return Ok(());
    }
    let mut lists = Vec::new();
    if !policy.models.is_empty() {
        lists.push(format!("models {}", policy.models.join(", ")));
    }
    if !policy.providers.is_empty() {
        lists.push(format!("providers {}", policy.providers.join(", ")));
    }
    Err(Error::Forbidden(format!(
        "This key may not use `{wanted}`: it is restricted to the {}. Ask for one of these, or change the key's lists.",
        lists.join(" and the ")
    )))
}
