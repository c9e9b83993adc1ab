//! A second endpoint asked at the same time, where the first is slower to begin than it
//! nearly always is, for operators who switch that on. Whoever begins first answers.
//!
//! The one that lost is told to stop, which costs the operator what it has done until
//! then and the caller nothing; so only providers that honour it are asked, never with an
//! organization's own credential, and only for a small share of requests.
//! Source of the rule: the resilience table of the design.

use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::time::timeout;

use super::attempt::Tried;
use super::failover::{begin, whole_ms};
use super::health::Ticket;
use super::whole::{Begun, since_ms};
use super::{Run, route::Candidate, structured};
use crate::App;
use crate::dialects::{Fault, Inference};

/// Whose attempt it was in the end, and how it went.
pub(super) type Attempted = (Candidate, Result<Begun, Fault>);

/// An endpoint being asked.
struct Contender {
    candidate: Candidate,
    began: Instant,
    /// Its place at the endpoint.
    ticket: Option<Ticket>,
}

impl Run {
    /// How long this endpoint's first token is waited for alone; `None` where no other
    /// is asked beside it.
    pub(super) fn hedge_after(&self, candidate: &Candidate) -> Option<Duration> {
        if self.app.config.resilience.hedge_percent == 0 || !may_lose(candidate, &self.job.inference) {
            return None;
        }
        let now_ms = self.app.clock.now_ms();
        self.app.health.count_for_hedging(now_ms);
        let usual = self.app.health.slow_first_token_ms(&candidate.endpoint.id, now_ms)?;
        Some(Duration::from_millis(whole_ms(usual).max(1)))
    }

    /// One attempt, beside which another is begun when no first token came `after` so long.
    pub(super) async fn hedged(&mut self, candidate: &Candidate, after: Duration) -> Attempted {
        let deadline = self.attempt_deadline(candidate);
        let app = Arc::clone(&self.app);
        // Two attempts read it while this run chooses and notes.
        let inference = std::mem::take(&mut self.job.inference);
        let attempted = self.race(&app, &inference, candidate, after, deadline).await;
        self.job.inference = inference;
        attempted
    }

    async fn race(
        &mut self,
        app: &App,
        inference: &Inference,
        candidate: &Candidate,
        after: Duration,
        deadline: Instant,
    ) -> Attempted {
        let first = Contender { candidate: candidate.clone(), began: Instant::now(), ticket: self.ticket.take() };
        let mut first_answer = Box::pin(begin(app, candidate, inference, deadline));
        let early = timeout(after, &mut first_answer).await;
        let other = if early.is_err() { self.other_than(candidate, inference) } else { None };
        let Some(second) = other else {
            let result = match early {
                Ok(result) => result,
                Err(_) => first_answer.await,
            };
            return self.decided(first, result);
        };
        tracing::debug!(generation.id = %self.id, endpoint.id = %second.candidate.endpoint.id, "Asking another beside");
        let other = second.candidate.clone();
        let mut second_answer = Box::pin(begin(app, &other, inference, deadline));
        let (is_first, result) = tokio::select! {
            result = &mut first_answer => (true, result),
            result = &mut second_answer => (false, result),
        };
        let (done, open) = if is_first { (first, second) } else { (second, first) };
        if result.is_ok() {
            // Dropping its connection tells the other to stop.
            self.note_lost(&open);
            return self.decided(done, result);
        }
        self.note_attempt(&done.candidate, done.began, &result);
        drop(done);
        let result = if is_first { second_answer.await } else { first_answer.await };
        self.decided(open, result)
    }

    /// The next endpoint, at another provider, if this server may ask two at once now.
    fn other_than(&mut self, candidate: &Candidate, inference: &Inference) -> Option<Contender> {
        if self.tried.len().saturating_add(2) > self.most_attempts || !self.app.health.may_hedge() {
            return None;
        }
        let taken = self.taken.len();
        let other = self.free_candidate().ok()?;
        let ticket = self.ticket.take();
        if !may_lose(&other, inference) || other.provider.slug == candidate.provider.slug {
            self.taken.truncate(taken);
            return None;
        }
        Some(Contender { candidate: other, began: Instant::now(), ticket })
    }

    fn decided(&mut self, contender: Contender, result: Result<Begun, Fault>) -> Attempted {
        self.ticket = contender.ticket;
        self.note_attempt(&contender.candidate, contender.began, &result);
        (contender.candidate, result)
    }

    /// Notes who was asked beside and did not begin in time. That is no failure.
    fn note_lost(&mut self, contender: &Contender) {
        self.tried.push(Tried {
            endpoint_id: contender.candidate.endpoint.id.clone(),
            provider_name: contender.candidate.provider.name.clone(),
            model_id: contender.candidate.model.id.clone(),
            status: None,
            latency_ms: since_ms(contender.began),
            is_byok: false,
            fault: None,
        });
    }
}

/// Whether an attempt there may be begun in vain.
fn may_lose(candidate: &Candidate, inference: &Inference) -> bool {
    inference.is_streamed
        && candidate.own.is_none()
        && candidate.provider.supports_cancel
        && !structured::is_needed(candidate, inference)
}
