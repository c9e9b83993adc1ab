//! Price the usage, settle the hold and record the generation, in one transaction.

use std::sync::Arc;
use std::time::Duration;

use app::types::Money;
use app::types::activity::ProviderResponse;

use tokio::time::timeout;

use super::Run;
use super::attempt::Tried;
use super::estimate;
use super::labels::Labels;
use super::rerate;
use super::route::Candidate;
use super::tokenizers::Counter;
use super::web;
use crate::billing::ledger::Stake;
use crate::catalog::{Cost, Endpoint, Tier};
use crate::dialects::answer::Tally;
use crate::dialects::inference::{Inference, Part, Tool};
use crate::dialects::{Fault, FinishReason, Usage};
use crate::error::Error;
use crate::store::generations::GenerationRow;

/// How a request went.
#[derive(Default)]
pub(super) struct Outcome {
    pub usage: Usage,
    /// Characters of the answer, reasoning and tool arguments included.
    pub output_characters: u64,
    /// The first of them, where a tokenizer may have to count them.
    pub output_words: String,
    pub finish: Option<FinishReason>,
    pub native_finish: Option<String>,
    pub upstream_id: Option<String>,
    /// The provider's word for the service tier that served.
    pub service_tier: Option<String>,
    /// ms from the request to the first token.
    pub latency_ms: Option<i64>,
    /// ms from the first to the last token.
    pub generation_ms: Option<i64>,
    /// Whether its tool calls can be carried out; `None` where there are none.
    pub has_sound_calls: Option<bool>,
    pub is_cancelled: bool,
    pub status: u16,
    pub error: Option<String>,
}

impl Outcome {
    /// Takes over what the answer itself said.
    pub(super) fn take(&mut self, tally: Tally, tools: &[Tool]) {
        self.has_sound_calls = tally.has_sound_calls(tools);
        if let Some((reason, native)) = tally.ending() {
            self.finish = Some(reason);
            self.native_finish = native.map(str::to_owned);
        }
        self.usage = tally.usage;
        self.output_characters = tally.characters;
        self.output_words = tally.words.unwrap_or_default();
        self.upstream_id = tally.upstream_id;
        self.service_tier = tally.service_tier;
    }
}

/// What was charged, for the usage the caller sees.
pub(super) struct Settled {
    pub usage: Usage,
    /// At the list price.
    pub cost: Cost,
    pub charged: Money,
    pub is_byok: bool,
    /// The search this server made on the web.
    pub search: Money,
}

impl Run {
    /// Settles an answer of `candidate`. Returns once the charge is durable.
    ///
    /// # Errors
    /// [`Error::Internal`] when the ledger is gone; the answer must not be completed then.
    pub(super) async fn settle(&mut self, candidate: &Candidate, outcome: &Outcome) -> Result<Settled, Error> {
        let (usage, is_estimated) = self.billable(candidate, outcome);
        let is_charged = outcome.error.is_none() && !is_empty(outcome, &usage);
        let served = served_by(candidate, outcome);
        let cost = if is_charged { served.prices.cost(&usage) } else { Cost::default() };
        // With a credential of its own the organization has paid the provider already.
        let own = candidate.own.as_ref();
        let search = self.search.as_ref().filter(|_| is_charged).map_or(Money::ZERO, |search| search.price);
        let let_off = self.keeping.as_ref().filter(|_| own.is_none()).map_or(0, |keeping| keeping.let_off);
        let list = rerate::discounted(cost.total, let_off.into());
        let charge = own.map_or(list, |_| {
            let organization_id = &self.job.requester.organization_id;
            self.app.own_keys.charge(organization_id, cost.total, self.app.clock.now_ms())
        });
        let charge = charge.plus(search);
        let mut row = self.row(outcome, &usage);
        row.discount_basis_points = if is_charged { let_off.into() } else { 0 };
        row.is_estimated = i64::from(is_estimated);
        row.model_id.clone_from(&candidate.model.id);
        row.endpoint_id.clone_from(&served.id);
        row.provider_slug.clone_from(&candidate.provider.slug);
        row.provider_name.clone_from(&candidate.provider.name);
        row.is_simulated = i64::from(served.is_simulated || candidate.provider.is_simulated);
        row.price_id.clone_from(&served.price_id);
        let searched = rerate::searched(&row);
        // What was not charged did not count in the month's free part either.
        // A search of ours is not billed to a key of the organization's own.
        row.upstream_cost_nanos = own.map_or_else(|| served.prices.cost(&usage).total.plus(searched), |_| cost.total).0;
        row.own_key_id = own.map(|own| own.key.id.clone()).unwrap_or_default();
        let own_cost = own.map_or(Money::ZERO, |_| cost.total);
        self.observe(&row, charge);
        let row = Arc::new(row);
        let kept = self.keeping.as_ref().map(|_| Arc::clone(&row));
        let gone = || Error::Internal("the ledger does not answer".to_owned());
        let settling = self.hold.take().ok_or_else(gone)?.settle(Stake { credit: charge, own: own_cost }, row);
        // The charge stays queued when the database is slow; the answer must not look complete then.
        let patience = Duration::from_millis(self.app.config.timeouts.settle_ms);
        let charged = timeout(patience, settling).await.ok().flatten().ok_or_else(gone)?;
        if let (Some(keeping), Some(row)) = (&mut self.keeping, kept) {
            keeping.row = Some(GenerationRow { cost_nanos: charged.0, ..GenerationRow::clone(&row) });
        }
        Ok(Settled { usage, cost, charged, is_byok: own.is_some(), search })
    }

    /// Records a request that no endpoint answered. It costs nothing.
    pub(super) async fn settle_failure(&mut self, fault: &Fault) {
        let outcome = Outcome { status: fault.kind.status(), error: Some(fault.message.clone()), ..Outcome::default() };
        let mut row = self.row(&outcome, &Usage::default());
        if let Some(candidate) = self.candidates.first() {
            row.model_id.clone_from(&candidate.model.id);
        }
        if let Some(last) = self.tried.last() {
            row.provider_name.clone_from(&last.provider_name);
            row.endpoint_id.clone_from(&last.endpoint_id);
        }
        self.observe(&row, Money::ZERO);
        if let Some(keeping) = &mut self.keeping {
            keeping.row = Some(row.clone());
        }
        if let Some(hold) = self.hold.take() {
            hold.settle(Money::ZERO, row).await;
        }
    }

    /// What the provider said it used, or an estimate where it said nothing or nonsense.
    fn billable(&self, candidate: &Candidate, outcome: &Outcome) -> (Usage, bool) {
        let mut usage = outcome.usage;
        let ceiling = |limit: Option<i64>| limit.and_then(|l| u64::try_from(l).ok()).unwrap_or(0);
        let context = ceiling(candidate.endpoint.context_length).max(ceiling(candidate.endpoint.max_output_tokens));
        // Providers round and count hidden tokens; ten times the window is no count.
        // Many texts of that length may come in one request for vectors.
        let has_window = context > 0 && self.job.inference.retrieval.is_none();
        let is_absurd = |tokens: u64| has_window && tokens > context.saturating_mul(10);
        let mut is_estimated = false;
        if usage.prompt_tokens.is_none_or(is_absurd) {
            let counter = Counter::quick(&candidate.model.id);
            usage.prompt_tokens = Some(estimate::prompt_tokens(&self.job.inference, counter));
            (usage.cached_tokens, usage.prompt_audio_tokens) = (None, None);
            (usage.cache_write_tokens, usage.cache_write_1h_tokens) = (None, None);
            is_estimated = true;
        }
        if usage.completion_tokens.is_none_or(is_absurd) || (outcome.is_cancelled && usage.completion_tokens == Some(0))
        {
            usage.completion_tokens =
                Some(estimate::answer_tokens(&candidate.model.id, &outcome.output_words, outcome.output_characters));
            (usage.reasoning_tokens, usage.completion_audio_tokens) = (None, None);
            is_estimated = true;
        }
        (usage, is_estimated)
    }

    fn row(&self, outcome: &Outcome, usage: &Usage) -> GenerationRow {
        let job = &self.job;
        let count = |tokens: Option<u64>| i64::try_from(tokens.unwrap_or(0)).unwrap_or(i64::MAX);
        let labels = if job.requester.policy.labels { Labels::of(&job.inference) } else { Labels::default() };
        let (prompt_images, prompt_media) = media(&job.inference);
        GenerationRow {
            prompt_images,
            prompt_media,
            task: labels.task.to_owned(),
            category: labels.category.to_owned(),
            language: labels.language.to_owned(),
            id: self.id.clone(),
            node_id: self.app.node_id.clone(),
            created_at: self.created_at,
            organization_id: job.requester.organization_id.clone(),
            workspace_id: job.requester.workspace_id.clone(),
            key_id: job.requester.key.as_ref().map(|key| key.id.clone()).unwrap_or_default(),
            user_id: job.requester.user_id.clone().unwrap_or_default(),
            requested_model: job.inference.models.first().cloned().unwrap_or_default(),
            app_url: job.attribution.app_url.clone(),
            app_title: job.attribution.app_title.clone(),
            api_type: job.api_type.to_owned(),
            is_streamed: i64::from(self.is_streamed),
            is_cancelled: i64::from(outcome.is_cancelled),
            prompt_tokens: count(usage.prompt_tokens),
            completion_tokens: count(usage.completion_tokens),
            reasoning_tokens: count(usage.reasoning_tokens),
            cached_tokens: count(usage.cached_tokens),
            cache_write_tokens: count(usage.cache_write_tokens),
            cache_write_1h_tokens: count(usage.cache_write_1h_tokens),
            finish_reason: outcome.finish.map(|reason| reason.as_str().to_owned()),
            native_finish_reason: outcome.native_finish.clone(),
            latency_ms: outcome.latency_ms,
            generation_ms: outcome.generation_ms,
            attempts: attempts_json(&self.tried),
            status: i64::from(outcome.status),
            error: outcome.error.clone(),
            upstream_id: outcome.upstream_id.clone(),
            user_agent: job.attribution.user_agent.clone(),
            session_id: job.inference.session_id.clone().or_else(|| job.attribution.session_id.clone()),
            external_user: job.inference.user.clone(),
            routing: self.routing.clone(),
            other_usage: rerate::other_usage(usage, self.search.as_ref().map(web::Made::record)),
            ..GenerationRow::default()
        }
    }

    /// The error the caller gets when every attempt failed.
    pub(super) fn failure(&self, fault: Fault) -> Error {
        if self.app.cut.is_cancelled() {
            return Error::Stopped;
        }
        let provider_name = self.tried.last().map(|tried| tried.provider_name.clone()).unwrap_or_default();
        let earlier = self.tried.len().saturating_sub(1);
        let previous = self.tried.iter().take(earlier).map(Tried::as_previous_error).collect();
        let routed = self.job.attribution.wants_metadata.then(|| Box::new(self.metadata(None)));
        Error::Upstream { fault: Box::new(fault), provider_name, previous, routed }
    }
}

/// How many images a question brings, and how many pieces of media of any kind.
fn media(inference: &Inference) -> (i64, i64) {
    let (mut images, mut media) = (0, 0);
    for part in inference.messages.iter().flat_map(|message| &message.content) {
        let is_image = matches!(part, Part::Image { .. });
        images += i64::from(is_image);
        media += i64::from(is_image || matches!(part, Part::Audio { .. } | Part::Video { .. }));
    }
    (images, media)
}

/// The offer whose prices hold: a provider that had no room in the tier serves, and
/// bills, at its ordinary one.
fn served_by(candidate: &Candidate, outcome: &Outcome) -> Arc<Endpoint> {
    let asked = &candidate.endpoint;
    let is_downgraded = || outcome.service_tier.as_deref().is_some_and(|tier| Tier::read(tier).is_none());
    if asked.tier().is_none() || !is_downgraded() {
        return Arc::clone(asked);
    }
    let mut others = candidate.model.endpoints.iter();
    let ordinary = others.find(|other| {
        other.tier().is_none()
            && other.provider_slug == asked.provider_slug
            && other.upstream_model == asked.upstream_model
    });
    Arc::clone(ordinary.unwrap_or(asked))
}

/// Zero-completion insurance: nothing came and nothing says it was meant to end,
/// or it ended in an error.
fn is_empty(outcome: &Outcome, usage: &Usage) -> bool {
    outcome.finish == Some(FinishReason::Error)
        || (outcome.output_characters == 0 && usage.completion_tokens.unwrap_or(0) == 0 && outcome.finish.is_none())
}

fn attempts_json(tried: &[Tried]) -> String {
    let responses: Vec<ProviderResponse> = tried
        .iter()
        .map(|tried| ProviderResponse {
            endpoint_id: Some(tried.endpoint_id.clone()),
            provider_name: Some(tried.provider_name.clone()),
            model_permaslug: Some(tried.model_id.clone()),
            status: tried.status,
            latency: Some(tried.latency_ms),
            is_byok: tried.is_byok,
        })
        .collect();
    serde_json::to_string(&responses).unwrap_or_else(|_| "[]".to_owned())
}
