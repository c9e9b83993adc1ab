//! Model and preferences → endpoints in the order to try.
//!
//! Hard constraints remove candidates, and what removed them is told when none is
//! left. The default order draws the first by weight 1/price² among endpoints
//! without a recent outage and keeps the rest as fallbacks, cheapest first.

use std::collections::BTreeSet;
use std::sync::Arc;

use app::types::Price;
use rand::RngExt as _;
use serde_json::{Value, json};

use crate::App;
use crate::catalog::{Endpoint, Model, Provider};
use crate::dialects::Inference;
use crate::dialects::inference::ProviderPreferences;
use crate::error::{Error, Result};
use crate::gateway::named::{Named, Strategy, named};
use crate::gateway::wish::Wish;

/// What the callers' wishes for speed are held against, ms.
const WISH_WINDOW_MS: i64 = 300_000;

/// So many requests sorted by a statistic come to one that gathers it where it is missing.
const ONE_TRIAL_IN: u32 = 20;

/// An endpoint that may be tried.
#[derive(Clone, Debug)]
pub struct Candidate {
    pub model: Arc<Model>,
    pub endpoint: Arc<Endpoint>,
    pub provider: Arc<Provider>,
    /// How the name that was asked for led here.
    pub strategy: Strategy,
}

/// Why an endpoint was not taken, in the original's vocabulary (`excluded_by`)
/// with ours where it has no word.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Excluded {
    AllowedProviders,
    ContextLength,
    MaxOutput,
    MaxPrice,
    NoCredential,
    Quantization,
    RequireParameters,
    Tools,
    Training,
    ZeroRetention,
}

impl Excluded {
    const fn word(self) -> &'static str {
        match self {
            Self::AllowedProviders => "allowed_providers",
            Self::ContextLength => "context_length",
            Self::MaxOutput => "max_tokens",
            Self::MaxPrice => "max_price",
            Self::NoCredential => "no_credential",
            Self::Quantization => "quantization",
            Self::RequireParameters => "require_parameters",
            Self::Tools => "tools",
            Self::Training => "data_policy:training",
            Self::ZeroRetention => "data_policy:zdr",
        }
    }

    const fn remedy(self) -> &'static str {
        match self {
            Self::AllowedProviders => "relax provider.only, provider.ignore or provider.order",
            Self::ContextLength => "shorten the prompt or choose a model with a longer context",
            Self::MaxOutput => "lower max_tokens",
            Self::MaxPrice => "raise provider.max_price",
            Self::NoCredential => "ask the operator of this server to configure the provider's key",
            Self::Quantization => "allow more provider.quantizations",
            Self::RequireParameters => "drop unsupported parameters or provider.require_parameters",
            Self::Tools => "choose a model that supports tools",
            Self::Training => "allow data collection (provider.data_collection)",
            Self::ZeroRetention => "allow providers that keep data (provider.zdr)",
        }
    }
}

/// The endpoints to try, in order.
///
/// # Errors
/// 400 for an unknown model or a malformed preference, 404 when nothing is left,
/// saying what removed the candidates.
pub fn plan(app: &App, inference: &Inference, prompt_tokens: u64) -> Result<Vec<Candidate>> {
    let catalog = app.catalog();
    let preferences = Preferences::read(&inference.provider)?;
    let mut excluded = BTreeSet::new();
    let mut plan = Vec::new();
    let mut known = 0;
    let mut wrong = None;
    let mut all = Vec::new();
    for Named { model, sort, strategy } in inference.models.iter().flat_map(|name| named(&catalog, name, inference)) {
        known += 1;
        if let Some(other) = other_kind(&model, inference) {
            wrong = Some(other);
            continue;
        }
        let mut candidates = Vec::new();
        for endpoint in &model.endpoints {
            let Some(provider) = catalog.provider(&endpoint.provider_slug) else { continue };
            let (endpoint, provider) = (Arc::clone(endpoint), Arc::clone(provider));
            let candidate = Candidate { model: Arc::clone(&model), endpoint, provider, strategy };
            match exclude(app, inference, &preferences, &candidate, prompt_tokens) {
                Some(why) => {
                    excluded.insert(why);
                }
                None => candidates.push(candidate),
            }
        }
        if preferences.is_across_models {
            all.extend(candidates);
        } else {
            plan.extend(order(app, inference, &preferences, sort, candidates));
        }
    }
    plan.extend(order(app, inference, &preferences, None, all));
    if preferences.allow_fallbacks {
        // Distinct endpoints only: a fallback model may share one.
        let mut seen = BTreeSet::new();
        plan.retain(|candidate| seen.insert(candidate.endpoint.id.clone()));
    } else {
        plan.truncate(1);
    }
    if let Some(wrong) = wrong.filter(|_| plan.is_empty() && excluded.is_empty()) {
        return Err(wrong);
    }
    if plan.is_empty() {
        return Err(nothing_left(inference, known, &excluded));
    }
    Ok(plan)
}

/// The refusal of a model that does something else than was asked.
fn other_kind(model: &Model, inference: &Inference) -> Option<Error> {
    let makes = |kind: &str| model.architecture.output_modalities.iter().any(|own| own == kind);
    let (id, wanted) = (&model.id, inference.retrieval.as_ref().map_or("text", |wish| wish.modality()));
    let message = match wanted {
        kind if makes(kind) => return None,
        "text" if makes("embeddings") => format!("`{id}` makes embeddings: use POST /api/v1/embeddings."),
        "text" if makes("rerank") => format!("`{id}` ranks documents: use POST /api/v1/rerank."),
        "text" => return None,
        "rerank" => {
            format!("`{id}` does not rank documents. GET /api/v1/models?output_modalities=rerank lists who does.")
        }
        _ => format!("`{id}` makes no embeddings. GET /api/v1/embeddings/models lists the models that do."),
    };
    Some(Error::bad_request("model", message))
}

/// The `provider` object with its values understood.
struct Preferences<'a> {
    raw: &'a ProviderPreferences,
    allow_fallbacks: bool,
    sort: Option<Sort>,
    /// The endpoints of all models asked for are ordered together.
    is_across_models: bool,
    /// Tokens per second the endpoints should reach.
    throughput: Wish,
    /// Seconds to the first token the endpoints should not pass.
    latency: Wish,
    max_prompt: Option<Price>,
    max_completion: Option<Price>,
    max_request: Option<Price>,
}

/// What the endpoints are ordered by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sort {
    Price,
    Throughput,
    Latency,
    /// Those that make proper tool calls, the quickest first.
    Exacto,
}

impl<'a> Preferences<'a> {
    fn read(raw: &'a ProviderPreferences) -> Result<Self> {
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
        })
    }
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

fn exclude(
    app: &App,
    inference: &Inference,
    preferences: &Preferences<'_>,
    candidate: &Candidate,
    prompt_tokens: u64,
) -> Option<Excluded> {
    let (endpoint, raw) = (&candidate.endpoint, preferences.raw);
    let names = |list: &Option<Vec<String>>| {
        list.as_ref().is_some_and(|list| list.iter().any(|slug| is_named(candidate, slug)))
    };
    let too_dear = |limit: Option<Price>, price: Price| limit.is_some_and(|limit| price > limit);
    let has_quantization = raw.quantizations.as_ref().is_none_or(|list| {
        let own = endpoint.quantization.as_deref().unwrap_or("unknown");
        list.is_empty() || list.iter().any(|wanted| is_quantization(wanted, own))
    });
    let in_use = inference.parameters_in_use();
    // Each text of a retrieval has the window for itself.
    let is_too_long = inference.retrieval.is_none()
        && endpoint.context_length.is_some_and(|length| {
            // The estimate may be off by a third; the provider has the last word.
            u64::try_from(length).is_ok_and(|length| prompt_tokens * 3 / 4 > length)
        });
    let asks_too_much = inference
        .max_tokens()
        .zip(endpoint.max_output_tokens)
        .is_some_and(|(asked, most)| u64::try_from(most).is_ok_and(|most| most > 0 && asked > most));
    let checks = [
        (!app.can_call(&candidate.provider), Excluded::NoCredential),
        (raw.only.as_ref().is_some_and(|only| !only.is_empty()) && !names(&raw.only), Excluded::AllowedProviders),
        (names(&raw.ignore), Excluded::AllowedProviders),
        (!preferences.allow_fallbacks && raw.order.is_some() && !names(&raw.order), Excluded::AllowedProviders),
        (!has_quantization, Excluded::Quantization),
        (too_dear(preferences.max_prompt, endpoint.prices.prompt), Excluded::MaxPrice),
        (too_dear(preferences.max_completion, endpoint.prices.completion), Excluded::MaxPrice),
        (too_dear(preferences.max_request, endpoint.prices.request), Excluded::MaxPrice),
        (
            raw.data_collection.as_deref() == Some("deny") && endpoint.policy.trains_on_prompts != Some(false),
            Excluded::Training,
        ),
        (raw.zdr == Some(true) && !endpoint.is_zero_retention(), Excluded::ZeroRetention),
        (in_use.contains(&"tools") && !endpoint.supports("tools"), Excluded::Tools),
        (
            raw.require_parameters == Some(true) && !in_use.iter().all(|parameter| endpoint.supports(parameter)),
            Excluded::RequireParameters,
        ),
        (is_too_long, Excluded::ContextLength),
        (asks_too_much, Excluded::MaxOutput),
    ];
    checks.into_iter().find_map(|(is_out, why)| is_out.then_some(why))
}

/// The base slug names all variants and regions; a full one only itself.
fn is_named(candidate: &Candidate, slug: &str) -> bool {
    let slug = slug.trim();
    let (provider, tag) = (&candidate.provider, candidate.endpoint.tag.as_str());
    slug.eq_ignore_ascii_case(tag)
        || slug.eq_ignore_ascii_case(&provider.slug)
        || slug.eq_ignore_ascii_case(&provider.name)
}

fn is_quantization(wanted: &str, own: &str) -> bool {
    wanted == own || matches!((wanted, own), ("fp4", "mxfp4" | "nvfp4") | ("fp8", "mxfp8"))
}

/// The order of one model's endpoints.
///
/// `variant` is the order the model's name asks for; the request's own wins.
fn order(
    app: &App,
    inference: &Inference,
    preferences: &Preferences<'_>,
    variant: Option<Sort>,
    mut rest: Vec<Candidate>,
) -> Vec<Candidate> {
    let now = app.clock.now_ms();
    rest.sort_by_key(|candidate| blended(&candidate.endpoint));
    let mut out = Vec::with_capacity(rest.len());
    for slug in preferences.raw.order.iter().flatten() {
        let (named, others): (Vec<_>, Vec<_>) = rest.into_iter().partition(|candidate| is_named(candidate, slug));
        out.extend(named);
        rest = others;
    }
    let has_order = !out.is_empty();
    let sort = preferences.sort.or(variant);
    match sort {
        Some(Sort::Price) => {}
        Some(Sort::Latency) => {
            sort_by_statistic(&mut rest, |endpoint| app.health.median_latency(&endpoint.id, now));
        }
        Some(Sort::Throughput) => {
            sort_by_statistic(&mut rest, |endpoint| app.health.median_throughput(&endpoint.id, now).map(|t| -t));
        }
        Some(Sort::Exacto) => {
            sort_by_statistic(&mut rest, |endpoint| app.health.median_throughput(&endpoint.id, now).map(|t| -t));
            rest.sort_by_key(|candidate| !["tools", "tool_choice"].iter().all(|p| candidate.endpoint.supports(p)));
        }
        None if has_order => {}
        None => draw_first(app, inference, &mut rest, now),
    }
    // Endpoints that miss a wish go back, and those in an outage last, each in their order.
    if preferences.throughput.is_some() || preferences.latency.is_some() {
        rest.sort_by_key(|candidate| {
            let statistics = app.health.statistics_of(&candidate.endpoint.id, now, WISH_WINDOW_MS);
            preferences.throughput.is_missed(statistics.throughput, |value, wish| value < wish)
                || preferences.latency.is_missed(statistics.latency, |value, wish| value > wish)
        });
    }
    if sort.is_none() {
        rest.sort_by_key(|candidate| app.health.is_down(&candidate.endpoint.id, now));
    }
    out.extend(rest);
    out
}

/// Ascending; what has no statistic comes after what has. One request of a few goes to
/// one of those first, or the quickest would never be found out.
fn sort_by_statistic(rest: &mut Vec<Candidate>, statistic: impl Fn(&Endpoint) -> Option<f64>) {
    let mut known: Vec<(f64, Candidate)> =
        rest.drain(..).map(|candidate| (statistic(&candidate.endpoint).unwrap_or(f64::INFINITY), candidate)).collect();
    known.sort_by(|(a, _), (b, _)| a.total_cmp(b));
    let unknown = known.iter().filter(|(value, _)| value.is_infinite()).count();
    let is_trial = unknown > 0 && unknown < known.len() && rand::rng().random_range(0..ONE_TRIAL_IN) == 0;
    if is_trial {
        let place = known.len() - 1 - rand::rng().random_range(0..unknown);
        let tried = known.remove(place);
        known.insert(0, tried);
    }
    rest.extend(known.into_iter().map(|(_, candidate)| candidate));
}

/// Moves one healthy endpoint to the front, drawn by weight 1/price². Endpoints
/// that know all parameters in use are preferred where there are any.
fn draw_first(app: &App, inference: &Inference, rest: &mut Vec<Candidate>, now: i64) {
    let in_use = inference.parameters_in_use();
    let wanted: Vec<&str> =
        in_use.into_iter().filter(|p| matches!(*p, "tools" | "response_format" | "structured_outputs")).collect();
    rest.sort_by_key(|candidate| !wanted.iter().all(|parameter| candidate.endpoint.supports(parameter)));
    let best = rest.first().map(|c| wanted.iter().all(|parameter| c.endpoint.supports(parameter)));
    let weights: Vec<f64> = rest
        .iter()
        .map(|candidate| {
            let is_fit = Some(wanted.iter().all(|parameter| candidate.endpoint.supports(parameter))) == best;
            let is_up = !app.health.is_down(&candidate.endpoint.id, now);
            if is_fit && is_up {
                weight(&candidate.endpoint) * app.health.share(&candidate.endpoint.id, now)
            } else {
                0.0
            }
        })
        .collect();
    let total: f64 = weights.iter().sum();
    if total <= 0.0 {
        return;
    }
    let mut point = rand::rng().random_range(0.0..total);
    for (index, weight) in weights.into_iter().enumerate() {
        point -= weight;
        if point < 0.0 {
            let drawn = rest.remove(index);
            rest.insert(0, drawn);
            return;
        }
    }
}

/// Three prompt tokens to one of the answer, pico-USD.
fn blended(endpoint: &Endpoint) -> i128 {
    i128::from(endpoint.prices.prompt.0) * 3
        + i128::from(endpoint.prices.completion.0)
        + i128::from(endpoint.prices.request.0)
}

#[expect(clippy::as_conversions, clippy::cast_precision_loss, reason = "a weight needs no exact price")]
fn weight(endpoint: &Endpoint) -> f64 {
    // A free endpoint gets the weight of a very cheap one, not an infinite one.
    let price = blended(endpoint).max(1_000) as f64;
    1.0 / (price * price)
}

fn nothing_left(inference: &Inference, known: usize, excluded: &BTreeSet<Excluded>) -> Error {
    let models = inference.models.join("`, `");
    if known == 0 {
        return Error::UnknownModel {
            model: models.clone(),
            message: format!("No model is called `{models}`. GET /api/v1/models lists the models of this server."),
        };
    }
    let words: Vec<&str> = excluded.iter().map(|why| why.word()).collect();
    let remedies: Vec<&str> = excluded.iter().map(|why| why.remedy()).collect();
    let message = if excluded.is_empty() {
        format!("No provider on this server offers `{models}`.")
    } else {
        format!(
            "No endpoint of `{models}` fits this request: excluded by {}. To get an answer, {}.",
            words.join(", "),
            remedies.join(", or ")
        )
    };
    let code = if excluded.is_empty() { "no_endpoints" } else { "constraint_filtered" };
    Error::NothingRoutable {
        message,
        availability: json!({
            "code": code,
            "retryable": false,
            "requested_models": inference.models,
            "excluded_by": words,
            "docs_url": "/docs",
        }),
    }
}
