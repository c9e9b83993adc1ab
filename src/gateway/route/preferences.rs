//! The `provider` object of a request, understood.

use app::types::Price;
use serde_json::Value;

use crate::catalog::Tier;
use crate::dialects::Inference;
use crate::dialects::inference::ProviderPreferences;
use crate::error::{Error, Result};
use crate::gateway::wish::Wish;

/// The `provider` object with its values understood.
pub(super) struct Preferences<'a> {
    pub(super) raw: &'a ProviderPreferences,
    pub(super) allow_fallbacks: bool,
    pub(super) sort: Option<Sort>,
    /// The endpoints of all models asked for are ordered together.
    pub(super) is_across_models: bool,
    /// Tokens per second the endpoints should reach.
    pub(super) throughput: Wish,
    /// Seconds to the first token the endpoints should not pass.
    pub(super) latency: Wish,
    pub(super) max_prompt: Option<Price>,
    pub(super) max_completion: Option<Price>,
    pub(super) max_request: Option<Price>,
    pub(super) max_image: Option<Price>,
    pub(super) max_audio: Option<Price>,
    /// The service tier asked for.
    pub(super) tier: Option<Tier>,
}

/// What the endpoints are ordered by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sort {
    Price,
    Throughput,
    Latency,
    /// Those that make proper tool calls, the quickest first.
    Exacto,
    /// The longest context window.
    Context,
}

impl<'a> Preferences<'a> {
    pub(super) fn read(inference: &'a Inference) -> Result<Self> {
        let raw = &inference.provider;
        let name = match &raw.sort {
            None | Some(Value::Null) => None,
            Some(Value::String(name)) => Some(name.as_str()),
            Some(Value::Object(object)) => object.get("by").and_then(Value::as_str),
            Some(_) => {
                return Err(Error::bad_request("provider.sort", "provider.sort must be a name or an object with `by`"));
            }
        };
        let sort = match name {
            None => None,
            Some("price") => Some(Sort::Price),
            Some("throughput") => Some(Sort::Throughput),
            Some("exacto") => Some(Sort::Exacto),
            Some("latency") => Some(Sort::Latency),
            Some(other) => {
                return Err(Error::bad_request(
                    "provider.sort",
                    format!("provider.sort `{other}` is unknown; use price, throughput, latency or exacto"),
                ));
            }
        };
        let is_across_models = match raw.sort.as_ref().and_then(|sort| sort.get("partition")) {
            None | Some(Value::Null) => false,
            Some(Value::String(partition)) if partition == "none" => true,
            Some(Value::String(partition)) if partition == "model" => false,
            Some(_) => {
                let field = "provider.sort.partition";
                return Err(Error::bad_request(field, format!("{field} must be `model` or `none`")));
            }
        };
        let limits = raw.max_price.as_ref();
        Ok(Self {
            raw,
            allow_fallbacks: raw.allow_fallbacks.unwrap_or(true),
            sort,
            is_across_models,
            throughput: Wish::read("provider.preferred_min_throughput", raw.preferred_min_throughput.as_ref())?,
            latency: Wish::read("provider.preferred_max_latency", raw.preferred_max_latency.as_ref())?,
            max_prompt: per_million("prompt", limits.and_then(|max| max.prompt.as_ref()))?,
            max_completion: per_million("completion", limits.and_then(|max| max.completion.as_ref()))?,
            max_request: max_price("request", limits.and_then(|max| max.request.as_ref()))?,
            max_image: max_price("image", limits.and_then(|max| max.image.as_ref()))?,
            max_audio: max_price("audio", limits.and_then(|max| max.audio.as_ref()))?,
            tier: tier(inference)?,
        })
    }
}

/// The tier asked for by `service_tier`, or in Anthropic's word `speed`.
fn tier(inference: &Inference) -> Result<Option<Tier>> {
    for name in ["service_tier", "speed"] {
        let Some(asked) = inference.field(name) else { continue };
        let word = asked.as_str().unwrap_or_default();
        if let Some(tier) = Tier::read(word) {
            return Ok(Some(tier));
        }
        if !matches!(word, "auto" | "default" | "scale" | "standard" | "standard_only") {
            let message = format!("{name} must be auto, default, flex or priority, not {asked}");
            return Err(Error::bad_request(name, message));
        }
    }
    Ok(None)
}

fn max_price(field: &str, value: Option<&Value>) -> Result<Option<Price>> {
    let text = match value {
        None | Some(Value::Null) => return Ok(None),
        Some(Value::String(text)) => text.clone(),
        Some(other) => other.to_string(),
    };
    text.parse().map(Some).map_err(|error| {
        let field = format!("provider.max_price.{field}");
        Error::bad_request(field.clone(), format!("{field} is {error}; give US dollars as a number or decimal string"))
    })
}

/// USD per million tokens → the price of one.
fn per_million(field: &str, value: Option<&Value>) -> Result<Option<Price>> {
    Ok(max_price(field, value)?.map(|price| Price(price.0 / 1_000_000)))
}
