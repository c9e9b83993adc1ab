//! Model and preferences → endpoints in the order to try.
//!
//! Hard constraints remove candidates, and what removed them is told when none is
//! left. The default order draws the first by weight 1/price² among endpoints
//! without a recent outage and keeps the rest as fallbacks, cheapest first.

mod exclude;
mod order;
mod preferences;

use std::collections::BTreeSet;
use std::sync::Arc;

pub use self::exclude::Excluded;
use self::exclude::{Needs, exclude, nothing_left};
use self::order::order;
pub use self::order::{blended, shares};
use self::preferences::Preferences;
pub use self::preferences::Sort;
use crate::App;
use crate::accounts::guardrails::Guard;
use crate::billing::ledger::Stake;
use crate::catalog::{Endpoint, Model, Provider};
use crate::dialects::Inference;
use crate::error::{Error, Result};
use crate::gateway::Requester;
use crate::gateway::auto;
use crate::gateway::byok::{Fee, Own, OwnKey};
use crate::gateway::guard;
use crate::gateway::named::{self, Named, Strategy};

/// An endpoint that may be tried.
#[derive(Clone, Debug)]
pub struct Candidate {
    pub model: Arc<Model>,
    pub endpoint: Arc<Endpoint>,
    pub provider: Arc<Provider>,
    /// How the name that was asked for led here.
    pub strategy: Strategy,
    /// The organization's own credential; `None` is the operator's.
    pub own: Option<Own>,
}

impl Candidate {
    /// What its health is noted under.
    #[must_use]
    pub fn record_id(&self) -> &str {
        self.own.as_ref().map_or(&self.endpoint.id, |own| &own.record_id)
    }

    /// Nothing of the request is kept: of an own account its owner says so.
    #[must_use]
    pub fn is_zero_retention(&self) -> bool {
        let declared = self.own.as_ref().and_then(|own| own.key.declared_zdr);
        declared.unwrap_or_else(|| self.endpoint.is_zero_retention())
    }

    /// The most that so many tokens cost the caller, and his own key. `hour` says that
    /// parts of the prompt may be cached for an hour.
    #[must_use]
    pub fn at_most(&self, prompt_tokens: u64, output_tokens: u64, hour: bool) -> Stake {
        let list = self.endpoint.prices.at_most(prompt_tokens, output_tokens, hour);
        self.own.as_ref().map_or(list.into(), |own| Stake { credit: own.fee.of(list), own: list })
    }
}

/// What holds for a caller beside what the request says.
#[derive(Clone, Debug, Default)]
pub struct Terms {
    /// Provider credentials of the organization, in order.
    pub own: Vec<Arc<OwnKey>>,
    pub fee: Fee,
    /// Guardrails that hold for the request.
    pub guards: Vec<Arc<Guard>>,
}

impl Terms {
    /// The terms of a requester as they are now.
    #[must_use]
    pub fn of(app: &App, requester: &Requester) -> Self {
        let own = app.own_keys.of(requester);
        let fee = if own.is_empty() {
            Fee::default()
        } else {
            app.own_keys.fee(&requester.organization_id, app.clock.now_ms())
        };
        Self { own, fee, guards: guard::of(app, requester) }
    }

    /// Whether a guardrail keeps a request from this endpoint, and what for.
    pub(super) fn guarded(&self, candidate: &Candidate) -> Option<Excluded> {
        let (model, endpoint, provider) = (&candidate.model, &candidate.endpoint, &candidate.provider);
        let author = model.id.split('/').next().unwrap_or_default();
        let trains = endpoint.policy.trains_on_prompts != Some(false);
        self.guards.iter().find_map(|guard| {
            let checks = [
                (!guard.allows_model(&[&model.id, &model.canonical_slug]), Excluded::GuardrailModels),
                (
                    !guard.allows_provider(&[&provider.slug, &provider.name, &endpoint.tag]),
                    Excluded::GuardrailProviders,
                ),
                (guard.wants_zero_retention(author) && !candidate.is_zero_retention(), Excluded::GuardrailRetention),
                (trains && !guard.allows_training(endpoint.prices.is_free()), Excluded::GuardrailTraining),
            ];
            checks.into_iter().find_map(|(is_out, why)| is_out.then_some(why))
        })
    }

    /// The ways to an endpoint: with the organization's own credentials, and with the
    /// operator's unless it is not to be used.
    fn ways(&self, shared: Candidate) -> Vec<Candidate> {
        let fits = |key: &&Arc<OwnKey>| key.provider_slug == shared.provider.slug && key.serves(&shared.model.id);
        let own = self.own.iter().filter(fits).map(|key| {
            let record_id = format!("{}#{}", shared.endpoint.id, key.id);
            let own = Own { key: Arc::clone(key), record_id, fee: self.fee };
            Candidate { own: Some(own), ..shared.clone() }
        });
        let mut ways: Vec<Candidate> = own.collect();
        ways.push(shared);
        ways
    }

    /// The operator's account is not to be used at this provider.
    pub(super) fn is_only_own(&self, candidate: &Candidate) -> bool {
        let mut own = self.own.iter().filter(|key| key.provider_slug == candidate.provider.slug);
        candidate.own.is_none() && own.any(|key| key.is_only || (key.is_required && key.serves(&candidate.model.id)))
    }
}

/// An endpoint that was looked at and not taken.
#[derive(Clone, Debug)]
pub struct Refused {
    pub candidate: Candidate,
    pub why: Excluded,
}

/// What a request may be served by.
#[derive(Clone, Debug, Default)]
pub struct Plan {
    /// In the order to try.
    pub candidates: Vec<Candidate>,
    /// What hard constraints removed.
    pub refused: Vec<Refused>,
    /// How a router model (`openrouter/auto`) came to its choice.
    pub pipeline: Vec<serde_json::Value>,
}

/// The endpoints to try, in order. One that a conversation sticks to comes first.
///
/// # Errors
/// 400 for an unknown model or a malformed preference, 404 when nothing is left,
/// saying what removed the candidates.
pub fn plan(
    app: &App,
    terms: &Terms,
    inference: &Inference,
    prompt_tokens: u64,
    conversation: Option<u64>,
) -> Result<Plan> {
    let Survey { mut plan, known, wrong } = survey(app, terms, inference, prompt_tokens)?;
    if let Some(wrong) = wrong.filter(|_| plan.candidates.is_empty() && plan.refused.is_empty()) {
        return Err(wrong);
    }
    if plan.candidates.is_empty() {
        return Err(nothing_left(inference, known, &plan.refused));
    }
    let now = app.clock.now_ms();
    if let Some(endpoint_id) = conversation.and_then(|conversation| app.sticky.get(conversation, now))
        && inference.provider.order.is_none()
        && !app.health.is_down(&endpoint_id, now)
        && let Some(place) = plan.candidates.iter().position(|candidate| candidate.record_id() == endpoint_id)
        // An own credential that comes first stays first.
        && (plan.candidates.iter().take(place).all(|before| before.own.is_none()))
    {
        let sticky = plan.candidates.remove(place);
        plan.candidates.insert(0, sticky);
    }
    Ok(plan)
}

/// Everything that was looked at.
pub struct Survey {
    pub plan: Plan,
    /// How many models were found by their names.
    pub known: usize,
    /// The refusal of a model that does something else.
    pub wrong: Option<Error>,
}

/// Looks at every endpoint of the models asked for.
///
/// # Errors
/// 400 for a malformed preference.
pub fn survey(app: &App, terms: &Terms, inference: &Inference, prompt_tokens: u64) -> Result<Survey> {
    let catalog = app.catalog();
    let preferences = Preferences::read(inference)?;
    let needs = Needs::of(app, inference, prompt_tokens);
    let (mut plan, mut known, mut wrong) = (Plan::default(), 0, None);
    let mut all = Vec::new();
    let mut models = Vec::new();
    for name in &inference.models {
        if name == auto::NAME {
            let choice = auto::choose(app, &catalog, inference, prompt_tokens)?;
            plan.pipeline.push(choice.stage);
            models.extend(choice.models);
        } else {
            models.extend(named::named(&catalog, name, inference));
        }
    }
    for Named { model, sort, strategy, admits } in models {
        known += 1;
        if let Some(other) = other_kind(&model, inference) {
            wrong = Some(other);
            continue;
        }
        let mut candidates = Vec::new();
        for endpoint in &model.endpoints {
            let Some(provider) = catalog.provider(&endpoint.provider_slug) else { continue };
            let (endpoint, provider) = (Arc::clone(endpoint), Arc::clone(provider));
            let shared = Candidate { model: Arc::clone(&model), endpoint, provider, strategy, own: None };
            for candidate in terms.ways(shared) {
                match exclude(app, terms, inference, &preferences, &candidate, &needs, admits) {
                    Some(why) => plan.refused.push(Refused { candidate, why }),
                    None => candidates.push(candidate),
                }
            }
        }
        if preferences.is_across_models {
            all.extend(candidates);
        } else {
            plan.candidates.extend(order(app, inference, &preferences, sort, candidates));
        }
    }
    plan.candidates.extend(order(app, inference, &preferences, None, all));
    if preferences.allow_fallbacks {
        // Distinct endpoints only: a fallback model may share one.
        let mut seen = BTreeSet::new();
        plan.candidates.retain(|candidate| seen.insert(candidate.record_id().to_owned()));
    } else {
        plan.candidates.truncate(1);
    }
    Ok(Survey { plan, known, wrong })
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

/// The base slug names all variants and regions, but no service tier; a full one only itself.
fn is_named(candidate: &Candidate, slug: &str) -> bool {
    let slug = slug.trim();
    let (provider, tag) = (&candidate.provider, candidate.endpoint.tag.as_str());
    let is_base = slug.eq_ignore_ascii_case(&provider.slug) || slug.eq_ignore_ascii_case(&provider.name);
    slug.eq_ignore_ascii_case(tag) || (is_base && candidate.endpoint.tier().is_none())
}
