//! One inference, start to finish: admit, choose endpoints, hold credit, attempt,
//! relay, settle. The work runs in a task of its own, so a caller who leaves
//! cannot cancel a charge; the HTTP body only receives.

pub mod attempt;
pub mod auto;
pub mod broadcast;
pub mod byok;
pub mod estimate;
pub mod explain;
mod failover;
pub mod frames;
pub mod guard;
pub mod health;
mod hedge;
mod hold;
pub mod keep;
pub mod labels;
pub mod limits;
mod media;
pub mod memory;
mod metadata;
pub mod named;
mod observe;
mod pin;
pub mod probe;
mod relay;
pub mod rerate;
pub mod restrict;
mod resume;
pub mod route;
mod settle;
mod shedding;
pub mod sticky;
mod structured;
pub mod tokenizers;
pub mod web;
mod whole;
mod wish;

use std::sync::Arc;
use std::time::{Duration, Instant};

use app::types::Money;
use bytes::Bytes;
use serde_json::Value;
use tokio::sync::oneshot::error::TryRecvError;
use tokio::sync::{OwnedSemaphorePermit, oneshot};

use crate::App;
use crate::accounts::keys::KeyRecord;
use crate::accounts::new_id;
use crate::accounts::policy::{self, Cap, Policy};
use crate::billing::ledger::{Budget, Hold, Payer, credit_account};
use crate::dialects::Inference;
use crate::dialects::answer::Inbound;
use crate::error::{Error, Result};
use crate::gateway::attempt::Tried;
use crate::gateway::health::Ticket;
use crate::gateway::hold::Ask;
use crate::gateway::keep::Keeping;
use crate::gateway::route::{Candidate, Terms};
use crate::gateway::tokenizers::Counter;

/// Who asks, and so who pays.
#[derive(Clone, Debug)]
pub struct Requester {
    pub organization_id: String,
    pub workspace_id: String,
    /// `None` for a signed-in person in the chatroom.
    pub key: Option<Arc<KeyRecord>>,
    pub user_id: Option<String>,
    /// Networks, models, providers and budgets the request is restricted to.
    pub policy: Arc<Policy>,
}

impl Requester {
    /// What the request counts in: its key, workspace and member.
    fn counters(&self) -> String {
        let mut counters = self.key.as_ref().map(|key| key.id.clone()).unwrap_or_default();
        if !self.workspace_id.is_empty() {
            counters.push(' ');
            counters.push_str(&policy::workspace_counter(&self.workspace_id));
        }
        if let Some(user_id) = &self.user_id {
            counters.push(' ');
            counters.push_str(&policy::member_counter(&self.organization_id, user_id));
        }
        counters
    }

    fn payer(&self) -> Payer {
        Payer {
            account_id: credit_account(&self.organization_id),
            key_id: self.counters(),
            budgets: self.policy.caps.iter().map(budget).collect(),
            limit: self.key.as_ref().and_then(|key| key.limit),
            limit_reset: self.key.as_ref().and_then(|key| key.limit_reset),
            includes_byok: self.key.as_ref().is_some_and(|key| key.include_byok_in_limit),
        }
    }
}

fn budget(cap: &Cap) -> Budget {
    Budget {
        counter: cap.counter.clone(),
        name: cap.name.clone(),
        limit: cap.limit,
        reset: cap.reset,
        includes_byok: cap.includes_byok,
    }
}

/// The app a request came from, as it says itself.
#[derive(Clone, Debug, Default)]
pub struct Attribution {
    /// Origin of `HTTP-Referer`.
    pub app_url: String,
    /// `X-OpenRouter-Title` or `X-Title`.
    pub app_title: String,
    pub user_agent: Option<String>,
    pub session_id: Option<String>,
    /// `X-OpenRouter-Metadata: enabled`: the answer tells how it was routed.
    pub wants_metadata: bool,
    /// `X-Stream-Resume: enabled`: a stream that breaks off is completed elsewhere.
    pub wants_resume: bool,
}

/// Everything about a request that was admitted.
pub struct Job {
    pub requester: Requester,
    pub attribution: Attribution,
    pub inference: Inference,
    /// How the answer will look.
    pub inbound: Arc<dyn Inbound>,
    /// `chat_completions`, as `/generation` shows it.
    pub api_type: &'static str,
}

/// The answer, or the way it will come.
pub enum Reply {
    Whole {
        id: String,
        body: Bytes,
    },
    /// Whole server-sent events.
    Stream {
        id: String,
        frames: frames::Receiver,
        /// Nothing has come yet, and nothing did for `streams.head_ms`.
        is_late: bool,
    },
}

/// One request under way.
struct Run {
    app: Arc<App>,
    job: Box<Job>,
    id: String,
    /// Epoch ms.
    created_at: i64,
    started: Instant,
    candidates: Vec<Candidate>,
    prompt_estimate: u64,
    /// The caller asked for a stream. The provider may be asked for one all the same.
    is_streamed: bool,
    /// Output tokens there can be at the most.
    most_tokens: u64,
    hold: Option<Hold>,
    /// Output tokens the hold covers.
    held_tokens: u64,
    /// The hold cannot grow any more.
    is_exhausted: bool,
    tried: Vec<Tried>,
    /// What it leaves behind beside its figures.
    keeping: Option<Box<Keeping>>,
    /// How a router model came to its choice, for the metadata.
    pipeline: Vec<Value>,
    /// Why these candidates, as it is stored.
    routing: String,
    /// What the conversation is known by, and whether its caller named it.
    conversation: Option<(u64, bool)>,
    /// Attempts there may be in all.
    most_attempts: usize,
    /// How a stream that broke off went on, for the metadata.
    resumed: Option<Value>,
    /// What this server searched on the web for it.
    search: Option<web::Made>,
    /// Candidates that had their attempt, by position.
    taken: Vec<usize>,
    /// The place at the endpoint being asked.
    ticket: Option<Ticket>,
    _permit: OwnedSemaphorePermit,
}

/// Serves one inference: the steps below, in this order, and no others.
///
/// # Errors
/// [`Error`] when the request is refused or every attempt failed before the
/// answer began. Later failures are in the stream.
pub async fn serve(app: &Arc<App>, mut job: Box<Job>) -> Result<Reply> {
    let permit = shedding::admit(app, &job).await?;
    app.rate_limits.admit(&job.requester).await?;
    named::apply_variants(&app.catalog(), &mut job.inference)?;
    restrict::narrow(&job.requester.policy, &mut job.inference);
    // By ratio: a tokenizer would take longer than all the rest, and the hold has its margin.
    let mut prompt_estimate = estimate::prompt_tokens(&job.inference, Counter::RATIO);
    let conversation = sticky::conversation(&job);
    let terms = Terms::of(app, &job.requester);
    let stages = guard::filter(&terms.guards, &mut job.inference)?;
    let mut plan = route::plan(app, &terms, &job.inference, prompt_estimate, conversation.map(|(key, _)| key))?;
    restrict::check(&job.requester.policy, &mut plan.candidates)?;
    pin::prefer_issuer(app, &mut plan.candidates, &job.inference);
    let search = web::plan(&app.config.web_search, &mut job.inference, &mut plan)?;
    prompt_estimate = prompt_estimate.saturating_add(search.as_ref().map_or(0, web::Planned::tokens));
    let routing = explain::stored(app, &job.inference, &plan);
    let route::Plan { mut candidates, mut pipeline, .. } = plan;
    pipeline.extend(stages);
    if let Some(first) = candidates.first() {
        app.rate_limits.admit_model(&job.requester.organization_id, &first.model.id).await?;
    }
    if candidates.first().is_some_and(|candidate| candidate.model.id.ends_with(":free")) {
        app.rate_limits.admit_free(app, &job.requester.organization_id).await?;
    }
    let created_at = app.clock.now_ms();
    let id = format!("gen-{}-{}", created_at / 1_000, new_id(created_at));
    let mut payer = job.requester.payer();
    let caps = guard::caps(app, &job.requester);
    if !caps.is_empty() {
        payer.budgets = payer.budgets.iter().cloned().chain(caps.iter().map(budget)).collect();
    }
    let ask = Ask {
        prompt_estimate,
        search: search.as_ref().map_or(Money::ZERO, |search| search.price(&app.config.web_search)),
    };
    let first = match hold::first(app, &id, &payer, &job.inference, &candidates, ask).await {
        // What the organization pays the provider itself may still fit.
        Err(Error::InsufficientCredits(_) | Error::Forbidden(_)) if candidates.iter().any(|way| way.own.is_some()) => {
            candidates.retain(|way| way.own.is_some());
            Box::pin(hold::first(app, &id, &payer, &job.inference, &candidates, ask)).await?
        }
        first => first?,
    };
    let keeping = Keeping::of(app, &job, &id, &candidates, &terms.guards);
    let search = match &search {
        Some(planned) => Box::pin(web::Made::make(app, planned, &mut job.inference)).await?,
        None => None,
    };
    pipeline.extend(search.as_ref().map(web::Made::stage));
    let is_streamed = job.inference.is_streamed;
    job.inference.is_streamed |= !first.covers_all || is_better_streamed(app, &job.inference, &candidates);
    let most_tokens = hold::most_tokens(&job.inference, &candidates);
    let run = Box::new(Run {
        app: Arc::clone(app),
        job,
        id: id.clone(),
        created_at,
        started: Instant::now(),
        candidates,
        prompt_estimate,
        is_streamed,
        most_tokens,
        hold: Some(first.hold),
        held_tokens: first.tokens,
        is_exhausted: false,
        tried: Vec::new(),
        keeping,
        pipeline,
        routing,
        conversation,
        most_attempts: usize::try_from(app.config.routing.attempts).unwrap_or(1),
        resumed: None,
        search,
        taken: Vec::new(),
        ticket: None,
        _permit: permit,
    });
    if is_streamed { stream(app, run, id).await } else { whole(app, run, id).await }
}

/// Whether an answer wanted in one piece is read as a stream: so it shows early that
/// an endpoint is silent or has broken off, while another can still be asked.
fn is_better_streamed(app: &App, inference: &Inference, candidates: &[Candidate]) -> bool {
    // Speech is encoded otherwise in streams.
    let is_speech = inference.modalities.iter().any(|modality| modality == "audio");
    candidates.len() > 1 && app.config.routing.attempts > 1 && inference.retrieval.is_none() && !is_speech
}

async fn stream(app: &Arc<App>, run: Box<Run>, id: String) -> Result<Reply> {
    let (head, mut began) = oneshot::channel();
    let (sender, frames) = frames::channel(&app.config.streams);
    let head_wait = Duration::from_millis(app.config.streams.head_ms);
    app.requests.spawn(Box::pin(relay::drive(run, head, sender)));
    let (outcome, is_late) = if let Ok(outcome) = tokio::time::timeout(head_wait, &mut began).await {
        (outcome.map_err(|_| TryRecvError::Closed), false)
    } else {
        // From here on a failure is a frame of the stream, unless it came this very moment.
        began.close();
        (began.try_recv(), true)
    };
    match outcome {
        Ok(Err(error)) => Err(error),
        Ok(Ok(())) | Err(TryRecvError::Empty) => Ok(Reply::Stream { id, frames, is_late }),
        Err(TryRecvError::Closed) if !frames.is_over() => Ok(Reply::Stream { id, frames, is_late }),
        Err(TryRecvError::Closed) => Err(Error::Internal("the request's task ended without an answer".to_owned())),
    }
}

async fn whole(app: &Arc<App>, run: Box<Run>, id: String) -> Result<Reply> {
    let (reply, answer) = oneshot::channel();
    // On the heap before it is moved about.
    app.requests.spawn(Box::pin(whole::drive(run, reply)));
    match answer.await {
        Ok(Ok(body)) => Ok(Reply::Whole { id, body }),
        Ok(Err(error)) => Err(error),
        Err(_) => Err(Error::Internal("the request's task ended without an answer".to_owned())),
    }
}
