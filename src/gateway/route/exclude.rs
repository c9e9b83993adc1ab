//! Hard constraints: what an endpoint is not taken for, and what to relax.

use std::collections::BTreeSet;

use app::types::Price;
use serde_json::{Value, json};

use super::preferences::Preferences;
use super::{Candidate, Refused, Terms, is_named};
use crate::App;
use crate::catalog::Tier;
use crate::dialects::{Inference, WebSearch};
use crate::error::Error;
use crate::gateway::{named, web};

/// Why an endpoint was not taken, in the original's vocabulary (`excluded_by`)
/// with ours where it has no word.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Excluded {
    AllowedProviders,
    ContextLength,
    Distillation,
    GuardrailModels,
    GuardrailProviders,
    GuardrailRetention,
    GuardrailTraining,
    InputModality,
    MaxOutput,
    MaxPrice,
    NoCredential,
    OwnKeyOnly,
    Quantization,
    RequireParameters,
    ServiceTier,
    Tools,
    Training,
    WebSearch,
    ZeroRetention,
}

impl Excluded {
    /// In the vocabulary of `availability.excluded_by`.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::AllowedProviders => "allowed_providers",
            Self::ContextLength => "context_length",
            Self::Distillation => "data_policy:distillation",
            Self::GuardrailModels => "guardrail:models",
            Self::GuardrailProviders => "guardrail:providers",
            Self::GuardrailRetention => "guardrail:zdr",
            Self::GuardrailTraining => "guardrail:training",
            Self::InputModality => "input_modalities",
            Self::MaxOutput => "max_tokens",
            Self::MaxPrice => "max_price",
            Self::NoCredential => "no_credential",
            Self::OwnKeyOnly => "own_key_only",
            Self::Quantization => "quantization",
            Self::RequireParameters => "require_parameters",
            Self::ServiceTier => "service_tier",
            Self::Tools => "tools",
            Self::Training => "data_policy:training",
            Self::WebSearch => "web_search",
            Self::ZeroRetention => "data_policy:zdr",
        }
    }

    /// What the caller could do about it.
    #[must_use]
    pub const fn remedy(self) -> &'static str {
        match self {
            Self::AllowedProviders => "relax provider.only, provider.ignore or provider.order",
            Self::ContextLength => "shorten the prompt or choose a model with a longer context",
            Self::Distillation => "drop provider.enforce_distillable_text or choose a model with open weights",
            Self::GuardrailModels => "choose a model your guardrail allows",
            Self::GuardrailProviders => "ask an admin to allow more providers in your guardrail",
            Self::GuardrailRetention => {
                "choose a model that a provider serves without keeping data, as your guardrail demands"
            }
            Self::GuardrailTraining => {
                "choose a model that a provider serves without training on data, as your guardrail demands"
            }
            Self::InputModality => "choose a model that takes this kind of input",
            Self::MaxOutput => "lower max_tokens",
            Self::MaxPrice => "raise provider.max_price",
            Self::NoCredential => "ask the operator of this server to configure the provider's key, or add your own",
            Self::OwnKeyOnly => "allow shared capacity beside your own key for this provider",
            Self::Quantization => "allow more provider.quantizations",
            Self::RequireParameters => "drop unsupported parameters or provider.require_parameters",
            Self::ServiceTier => "ask for another service_tier or name the tier's endpoint in provider.only",
            Self::Tools => "choose a model that supports tools",
            Self::Training => "allow data collection (provider.data_collection)",
            Self::WebSearch => {
                "choose a model whose provider searches the web, or ask the operator for a search engine (web_search)"
            }
            Self::ZeroRetention => "allow providers that keep data (provider.zdr)",
        }
    }
}

/// What a request needs of an endpoint, worked out once for all of them.
pub(super) struct Needs {
    prompt_tokens: u64,
    in_use: Vec<&'static str>,
    media: Vec<&'static str>,
    /// Only who searches the web by himself can serve.
    native_search: Option<WebSearch>,
}

impl Needs {
    pub(super) fn of(app: &App, inference: &Inference, prompt_tokens: u64) -> Self {
        let search = inference.web_search.as_ref();
        let native_search = search.filter(|wish| web::needs_native(&app.config.web_search, wish)).cloned();
        Self { prompt_tokens, in_use: inference.parameters_in_use(), media: named::media(inference), native_search }
    }
}

pub(super) fn exclude(
    app: &App,
    terms: &Terms,
    inference: &Inference,
    preferences: &Preferences<'_>,
    candidate: &Candidate,
    needs: &Needs,
    admits: Option<Tier>,
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
    let in_use = &needs.in_use;
    // What nobody said takes text alone may take more.
    let takes_all = || {
        let takes = |kind: &&str| endpoint.input_modalities.iter().any(|own| own == kind);
        endpoint.input_modalities.is_empty() || needs.media.iter().all(takes)
    };
    // Each text of a retrieval has the window for itself.
    let is_too_long = inference.retrieval.is_none()
        && endpoint.context_length.is_some_and(|length| {
            // The estimate may be off by a third; the provider has the last word.
            u64::try_from(length).is_ok_and(|length| needs.prompt_tokens * 3 / 4 > length)
        });
    let asks_too_much = inference
        .max_tokens()
        .zip(endpoint.max_output_tokens)
        .is_some_and(|(asked, most)| u64::try_from(most).is_ok_and(|most| most > 0 && asked > most));
    let cannot_search =
        needs.native_search.as_ref().is_some_and(|wish| !web::searches(candidate, wish, !inference.tools.is_empty()));
    let checks = [
        (!can_call(app, candidate), Excluded::NoCredential),
        (terms.is_only_own(candidate), Excluded::OwnKeyOnly),
        (raw.only.as_ref().is_some_and(|only| !only.is_empty()) && !names(&raw.only), Excluded::AllowedProviders),
        (names(&raw.ignore), Excluded::AllowedProviders),
        (!preferences.allow_fallbacks && raw.order.is_some() && !names(&raw.order), Excluded::AllowedProviders),
        (!has_quantization, Excluded::Quantization),
        (too_dear(preferences.max_prompt, endpoint.prices.prompt), Excluded::MaxPrice),
        (too_dear(preferences.max_completion, endpoint.prices.completion), Excluded::MaxPrice),
        (too_dear(preferences.max_request, endpoint.prices.request), Excluded::MaxPrice),
        (too_dear(preferences.max_image, endpoint.prices.image), Excluded::MaxPrice),
        (too_dear(preferences.max_audio, endpoint.prices.audio.unwrap_or_default()), Excluded::MaxPrice),
        (!fits_tier(preferences, candidate, admits), Excluded::ServiceTier),
        (
            raw.data_collection.as_deref() == Some("deny") && endpoint.policy.trains_on_prompts != Some(false),
            Excluded::Training,
        ),
        (raw.zdr == Some(true) && !candidate.is_zero_retention(), Excluded::ZeroRetention),
        // Who publishes the weights lets others learn from the answers; of the rest nobody says so.
        (
            raw.enforce_distillable_text == Some(true) && candidate.model.hugging_face_id.is_none(),
            Excluded::Distillation,
        ),
        (in_use.contains(&"tools") && !endpoint.supports("tools"), Excluded::Tools),
        (
            raw.require_parameters == Some(true) && !in_use.iter().all(|parameter| endpoint.supports(parameter)),
            Excluded::RequireParameters,
        ),
        (!takes_all(), Excluded::InputModality),
        (cannot_search, Excluded::WebSearch),
        (is_too_long, Excluded::ContextLength),
        (asks_too_much, Excluded::MaxOutput),
    ];
    checks.into_iter().find_map(|(is_out, why)| is_out.then_some(why)).or_else(|| terms.guarded(candidate))
}

/// An offer of a service tier serves those who ask for the tier or name it; who asks for
/// `flex` is not served at the ordinary price.
fn fits_tier(preferences: &Preferences<'_>, candidate: &Candidate, admits: Option<Tier>) -> bool {
    let (raw, tag) = (preferences.raw, candidate.endpoint.tag.as_str());
    let is_listed = || raw.only.iter().chain(&raw.order).flatten().any(|slug| slug.trim().eq_ignore_ascii_case(tag));
    match (preferences.tier, candidate.endpoint.tier()) {
        (Some(Tier::Flex), own) => own == Some(Tier::Flex),
        (_, None) => true,
        (wanted, own) => wanted == own || admits == own || is_listed(),
    }
}

/// Whether the provider can be asked with this credential.
fn can_call(app: &App, candidate: &Candidate) -> bool {
    match &candidate.own {
        None => app.can_call(&candidate.provider),
        // An address the operator did not complete is complete with the own credential.
        Some(_) => candidate.provider.is_callable() && !app.credentials().is_switched_off(&candidate.provider.slug),
    }
}

fn is_quantization(wanted: &str, own: &str) -> bool {
    wanted == own || matches!((wanted, own), ("fp4", "mxfp4" | "nvfp4") | ("fp8", "mxfp8"))
}

/// Candidates named in `availability` at the most.
const MOST_NAMED: usize = 50;

/// The refusal when nothing is left: what removed whom, and what to relax.
pub(super) fn nothing_left(inference: &Inference, known: usize, refused: &[Refused]) -> Error {
    let models = inference.models.join("`, `");
    if known == 0 {
        return Error::UnknownModel {
            model: models.clone(),
            message: format!("No model is called `{models}`. GET /api/v1/models lists the models of this server."),
        };
    }
    let reasons: BTreeSet<Excluded> = refused.iter().map(|refused| refused.why).collect();
    let words: Vec<&str> = reasons.iter().map(|why| why.word()).collect();
    let remedies: Vec<&str> = reasons.iter().map(|why| why.remedy()).collect();
    let message = if refused.is_empty() {
        format!("No provider on this server offers `{models}`.")
    } else {
        format!(
            "No endpoint of `{models}` fits this request: excluded by {}. To get an answer, {}.",
            words.join(", "),
            remedies.join(", or ")
        )
    };
    let privacy = [
        Excluded::Training,
        Excluded::ZeroRetention,
        Excluded::Distillation,
        Excluded::GuardrailRetention,
        Excluded::GuardrailTraining,
    ];
    let code = match () {
        () if refused.is_empty() => "no_endpoints",
        () if reasons.iter().all(|why| privacy.contains(why)) => "privacy_restricted",
        () => "constraint_filtered",
    };
    let providers: BTreeSet<&str> = refused.iter().map(|refused| refused.candidate.provider.name.as_str()).collect();
    let candidates: Vec<Value> = refused
        .iter()
        .take(MOST_NAMED)
        .map(|Refused { candidate, why }| {
            json!({
                "model": candidate.model.id,
                "provider": candidate.provider.name,
                "endpoint": candidate.endpoint.tag,
                "excluded_by": why.word(),
                "relax": why.remedy(),
            })
        })
        .collect();
    Error::NothingRoutable {
        message,
        availability: json!({
            "code": code,
            "retryable": false,
            "requested_models": inference.models,
            "excluded_by": words,
            "affected_providers": providers,
            "candidates": candidates,
            "docs_url": "/docs",
        }),
    }
}
