//! Endpoint after endpoint until an answer begins.
//!
//! Until its first content an answer may come from anywhere, so every failure that
//! is not the caller's moves on silently. Endpoints in an outage or full are passed
//! over while another is left.

use std::sync::Arc;
use std::time::{Duration, Instant};

use futures::{StreamExt as _, TryStreamExt as _, stream};
use rand::RngExt as _;
use tokio::time::{sleep, timeout_at};

use super::attempt::{self, Reader, Tried, too_slow};
use super::health::Refusal;
use super::hedge::Attempted;
use super::whole::{Begun, since_ms};
use super::{Run, route::Candidate, structured};
use crate::App;
use crate::dialects::inference::Reasoning;
use crate::dialects::retrieval::{self, Retrieval};
use crate::dialects::{Delta, Fault, FaultKind, Inference};

impl Run {
    /// Tries endpoint after endpoint until an answer begins, those left of an earlier
    /// call only.
    ///
    /// # Errors
    /// The last [`Fault`] when none did; `self.tried` has all of them.
    pub(super) async fn first_success(&mut self) -> Result<(Candidate, Begun), Fault> {
        let mut last = None;
        while let Some(candidate) = self.next_candidate().await {
            let (candidate, result) = self.attempt(candidate).await;
            match result {
                Ok(begun) => return Ok((candidate, begun)),
                Err(fault) => {
                    if fault.kind == FaultKind::ContextLength {
                        self.pass_over_shorter(&candidate);
                    }
                    let may_go_on = fault.kind.is_retriable() || fault.kind == FaultKind::ContextLength;
                    let is_final = !may_go_on || Instant::now() >= self.deadline();
                    let fault = last.insert(fault);
                    if is_final {
                        break;
                    }
                    if let Some(wait) = self.second_chance(&candidate, fault) {
                        sleep(wait).await;
                    }
                }
            }
        }
        Err(last.unwrap_or_else(|| {
            let message = "every endpoint of this model has as many requests under way as it carries";
            let mut fault = Fault::new(FaultKind::Overloaded, message);
            fault.retry_after_ms = Some(rand::rng().random_range(1_000..=3_000));
            fault
        }))
    }

    /// What did not fit one endpoint is not tried where there is no more room.
    fn pass_over_shorter(&mut self, candidate: &Candidate) {
        let Some(window) = candidate.endpoint.context_length else { return };
        for (index, other) in self.candidates.iter().enumerate() {
            if !self.taken.contains(&index) && other.endpoint.context_length.is_some_and(|own| own <= window) {
                self.taken.push(index);
            }
        }
    }

    /// One attempt, noted; another endpoint may have been quicker. What few requests come to has its
    /// room on the heap, so that the others do not carry it.
    async fn attempt(&mut self, candidate: Candidate) -> Attempted {
        if let Some(after) = self.hedge_after(&candidate) {
            return Box::pin(self.hedged(&candidate, after)).await;
        }
        let deadline = self.attempt_deadline(&candidate);
        let began = Instant::now();
        let result = if structured::is_needed(&candidate, &self.job.inference) {
            Box::pin(self.begin_structured(&candidate)).await
        } else {
            begin(&self.app, &candidate, &self.job.inference, deadline).await
        };
        self.note_attempt(&candidate, began, &result);
        (candidate, result)
    }

    /// Notes an attempt and, when it failed, also in the endpoint's record.
    pub(super) fn note_attempt(&mut self, candidate: &Candidate, began: Instant, result: &Result<Begun, Fault>) {
        self.tried.push(Tried {
            endpoint_id: candidate.endpoint.id.clone(),
            provider_name: candidate.provider.name.clone(),
            model_id: candidate.model.id.clone(),
            status: result.as_ref().map_or_else(|fault| fault.status, |_| Some(200)),
            latency_ms: since_ms(began),
            is_byok: candidate.own.is_some(),
            fault: result.as_ref().err().cloned(),
        });
        if let Err(fault) = result {
            self.note_failure(candidate, fault);
        }
    }

    /// The next endpoint that may be tried, with a place at it.
    pub(super) async fn next_candidate(&mut self) -> Option<Candidate> {
        self.ticket = None;
        if self.tried.len() >= self.most_attempts {
            return None;
        }
        let give_up = Instant::now() + Duration::from_millis(self.app.config.resilience.queue_ms);
        loop {
            let (is_full, least_bad) = match self.free_candidate() {
                Ok(candidate) => return Some(candidate),
                Err(refused) => refused,
            };
            if !self.tried.is_empty() {
                return None;
            }
            // Nothing else is left: what is in an outage gets one attempt.
            if let Some(index) = least_bad {
                let candidate = self.candidates.get(index)?.clone();
                let now = self.app.clock.now_ms();
                let (endpoint, provider) = (candidate.record_id(), &candidate.provider.slug);
                if let Ok(ticket) = self.app.health.enter_anyway(endpoint, provider, now) {
                    self.taken.push(index);
                    self.ticket = Some(ticket);
                    return Some(candidate);
                }
            }
            if !is_full || timeout_at(give_up.into(), self.app.health.room()).await.is_err() {
                return None;
            }
        }
    }

    /// The first endpoint in order that was not tried and may be; else whether one
    /// was full, and the one in an outage that will be checked first.
    pub(super) fn free_candidate(&mut self) -> Result<Candidate, (bool, Option<usize>)> {
        let now = self.app.clock.now_ms();
        let (mut is_full, mut least_bad) = (false, None);
        for (index, candidate) in self.candidates.iter().enumerate() {
            if self.taken.contains(&index) {
                continue;
            }
            let provider = &candidate.provider;
            let is_second = self.tried.iter().any(|tried| tried.provider_name == provider.name);
            match self.app.health.enter(candidate.record_id(), &provider.slug, is_second, now) {
                Ok(ticket) => {
                    self.taken.push(index);
                    self.ticket = Some(ticket);
                    return Ok(candidate.clone());
                }
                Err(Refusal::Full) => is_full = true,
                Err(Refusal::Open { until_ms }) => {
                    if least_bad.is_none_or(|(least, _)| until_ms < least) {
                        least_bad = Some((until_ms, index));
                    }
                }
                Err(Refusal::NoBudget) => {}
            }
        }
        Err((is_full, least_bad.map(|(_, index)| index)))
    }

    /// How long to wait before the only endpoint there is gets a second try; `None`
    /// where another is left, or where it would not help.
    fn second_chance(&mut self, candidate: &Candidate, fault: &Fault) -> Option<Duration> {
        let is_passing = matches!(fault.kind, FaultKind::Unavailable | FaultKind::Overloaded | FaultKind::RateLimited);
        if self.candidates.len() > 1 || self.tried.len() > 1 || !is_passing {
            return None;
        }
        let settings = &self.app.config.resilience;
        let wait_ms = match fault.retry_after_ms {
            Some(wait) if wait > settings.patience_ms => return None,
            Some(wait) => wait,
            None if fault.kind == FaultKind::RateLimited => return None,
            None => rand::rng().random_range(0..=settings.back_off_ms),
        };
        let wait = Duration::from_millis(wait_ms);
        if Instant::now() + wait >= self.deadline() {
            return None;
        }
        tracing::debug!(generation.id = %self.id, endpoint.id = %candidate.endpoint.id, wait_ms, "Trying once more");
        self.taken.clear();
        Some(wait)
    }

    /// When the attempt's first token must be there; for an answer in one piece, all of it.
    pub(super) fn attempt_deadline(&self, candidate: &Candidate) -> Instant {
        let timeouts = &self.app.config.timeouts;
        let is_last = self.is_last();
        let factor = self.patience(candidate);
        if !self.job.inference.is_streamed {
            let wait = Duration::from_millis(timeouts.last_first_token_ms.saturating_mul(factor));
            return if is_last { self.deadline() } else { (Instant::now() + wait).min(self.deadline()) };
        }
        let usual = self.app.health.slow_first_token_ms(&candidate.endpoint.id, self.app.clock.now_ms());
        let wait_ms = match usual {
            _ if is_last => timeouts.last_first_token_ms,
            Some(slow) => whole_ms(slow * 3.0)
                .clamp(timeouts.first_token_least_ms.min(timeouts.first_token_most_ms), timeouts.first_token_most_ms),
            // A long prompt takes its time: 1 s for 10,000 tokens.
            None => timeouts.first_token_ms.saturating_add(self.prompt_estimate / 10).min(timeouts.first_token_most_ms),
        };
        (Instant::now() + Duration::from_millis(wait_ms.saturating_mul(factor))).min(self.deadline())
    }

    /// Nobody else could be tried after this attempt.
    fn is_last(&self) -> bool {
        let now = self.app.clock.now_ms();
        let others = self.candidates.iter().enumerate().filter(|(index, _)| !self.taken.contains(index));
        self.tried.len() + 1 >= self.most_attempts
            || !others.map(|(_, other)| other).any(|other| !self.app.health.is_open(other.record_id(), now))
    }

    /// How much longer than others this endpoint may take: some think before they speak.
    pub(super) fn patience(&self, candidate: &Candidate) -> u64 {
        let is_off = self.job.inference.reasoning.as_ref().is_some_and(|wish: &Reasoning| !wish.is_on());
        if candidate.endpoint.supports("reasoning") && !is_off { self.app.config.timeouts.reasoning_factor } else { 1 }
    }

    /// How long the stream of this endpoint may be silent.
    pub(super) fn idle(&self, candidate: &Candidate) -> Duration {
        Duration::from_millis(self.app.config.timeouts.idle_ms.saturating_mul(self.patience(candidate)))
    }

    /// An answer that had begun broke, and nothing of it was delivered: whether
    /// another endpoint may be asked for all of it.
    pub(super) fn is_another_left(&mut self, fault: &Fault) -> bool {
        if let Some(tried) = self.tried.last_mut() {
            (tried.status, tried.fault) = (fault.status.or(tried.status), Some(fault.clone()));
        }
        let has_other = self.taken.len() < self.candidates.len() && self.tried.len() < self.most_attempts;
        fault.kind.is_retriable() && has_other && Instant::now() < self.deadline()
    }
}

/// One attempt, up to the first content or the whole answer.
pub(super) async fn begin(
    app: &App,
    candidate: &Candidate,
    inference: &Inference,
    deadline: Instant,
) -> Result<Begun, Fault> {
    let parts = attempt::one_by_one(candidate, inference);
    if !parts.is_empty() {
        return Box::pin(one_by_one(app, candidate, inference, parts, deadline)).await;
    }
    let response = attempt::open(app, candidate, inference, deadline).await?;
    if !inference.is_streamed {
        return Ok(Begun::Whole(attempt::read_whole(app, candidate, inference, response, deadline).await?));
    }
    let mut reader = Box::new(Reader::new(app, candidate, response)?);
    let mut deltas = Vec::new();
    loop {
        let next = timeout_at(deadline.into(), reader.next(&mut deltas)).await;
        let has_more = next.unwrap_or_else(|_| Err(too_slow()))?;
        if !has_more || deltas.iter().any(Delta::is_content) {
            return Ok(Begun::Streaming { reader, deltas, has_more });
        }
    }
}

/// Requests of one answer that are under way at once.
const AT_ONCE: usize = 8;

/// One attempt in several requests, where the model takes one text in each.
async fn one_by_one(
    app: &App,
    candidate: &Candidate,
    inference: &Inference,
    parts: Vec<Retrieval>,
    deadline: Instant,
) -> Result<Begun, Fault> {
    let ask = async |part: Retrieval| {
        let part = Inference { retrieval: Some(Arc::new(part)), ..inference.clone() };
        let response = attempt::open(app, candidate, &part, deadline).await?;
        attempt::read_whole(app, candidate, &part, response, deadline).await
    };
    let answers: Vec<Vec<Delta>> = stream::iter(parts).map(ask).buffered(AT_ONCE).try_collect().await?;
    Ok(Begun::Whole(retrieval::together(answers)))
}

#[expect(clippy::as_conversions, clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "clamped")]
pub(super) const fn whole_ms(ms: f64) -> u64 {
    ms.clamp(0.0, 86_400_000.0) as u64
}
