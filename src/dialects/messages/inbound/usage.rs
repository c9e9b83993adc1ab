//! Usage in Anthropic's accounting, and what it cost.

use serde_json::{Map, Value, json};

use crate::dialects::Usage;
use crate::dialects::answer::UsageReport;

/// Token counts: the input is what the cache neither read nor wrote. `own` is
/// what Anthropic itself said, for what we do not count, `tier` the provider's word
/// for the service tier.
pub(super) fn counts(usage: &Usage, own: Option<&Value>, tier: Option<&str>) -> Map<String, Value> {
    let prompt = usage.prompt_tokens.unwrap_or(0);
    // The parts never exceed the whole, whatever a provider says.
    let cached = usage.cached_tokens.map(|cached| cached.min(prompt));
    let rest = prompt.saturating_sub(cached.unwrap_or(0));
    let written = usage.cache_write_tokens.map(|written| written.min(rest));
    let input = rest.saturating_sub(written.unwrap_or(0));
    let mut fields = Map::new();
    let known = [
        ("input_tokens", json!(input)),
        ("cache_creation_input_tokens", json!(written.unwrap_or(0))),
        ("cache_read_input_tokens", json!(cached.unwrap_or(0))),
        ("output_tokens", json!(usage.completion_tokens.unwrap_or(0))),
        ("output_tokens_details", json!(usage.reasoning_tokens.map(|tokens| json!({ "thinking_tokens": tokens })))),
        ("cache_creation", json!(written.filter(|written| *written > 0).map(|written| cache_creation(usage, written)))),
        (
            "server_tool_use",
            json!(
                usage
                    .web_search_requests
                    .map(|requests| { json!({ "web_search_requests": requests, "web_fetch_requests": 0 }) })
            ),
        ),
        ("service_tier", json!(tier.filter(|tier| !matches!(*tier, "default" | "auto")).unwrap_or("standard"))),
        ("inference_geo", Value::Null),
    ];
    for (name, value) in known {
        fields.insert(name.to_owned(), value);
    }
    for (name, value) in own.and_then(Value::as_object).into_iter().flatten() {
        let is_counted = matches!(
            name.as_str(),
            "input_tokens" | "output_tokens" | "cache_creation_input_tokens" | "cache_read_input_tokens"
        );
        if !is_counted && !value.is_null() {
            fields.insert(name.clone(), value.clone());
        }
    }
    fields
}

fn cache_creation(usage: &Usage, written: u64) -> Value {
    let hour = usage.cache_write_1h_tokens.unwrap_or(0).min(written);
    json!({ "ephemeral_5m_input_tokens": written.saturating_sub(hour), "ephemeral_1h_input_tokens": hour })
}

/// The final usage: counts and the original's cost fields.
pub(super) fn report(report: &UsageReport, own: Option<&Value>, tier: Option<&str>) -> Map<String, Value> {
    let mut fields = counts(&report.usage, own, tier);
    fields.insert("cost".to_owned(), json!(report.cost));
    fields.insert("is_byok".to_owned(), json!(report.is_byok));
    let details = json!({
        "upstream_inference_cost": report.upstream_inference_cost,
        "upstream_inference_prompt_cost": report.prompt_cost,
        "upstream_inference_completions_cost": report.completion_cost,
    });
    fields.insert("cost_details".to_owned(), details);
    fields
}
