//! Attempts in order until one begins; and answers that come in one piece.

use std::time::{Duration, Instant};

use bytes::Bytes;
use tokio::sync::oneshot;
use tokio::time::{timeout, timeout_at};

use super::attempt::{self, Reader, Tried, too_slow};
use super::relay::report_of;
use super::settle::{Outcome, Settled};
use super::tokenizers::Vocabulary;
use super::{Run, estimate, hold, route::Candidate, structured};
use crate::App;
use crate::dialects::answer::{Answer, Heading, Tally};
use crate::dialects::{Delta, Fault, FaultKind, FinishReason, Inference};
use crate::error::Result;

/// An answer that has begun.
pub(super) enum Begun {
    /// The first content is among `deltas`.
    Streaming {
        reader: Box<Reader>,
        deltas: Vec<Delta>,
        has_more: bool,
    },
    Whole(Vec<Delta>),
}

/// Runs one request whose answer comes in one piece. It is completed and charged
/// also when the caller has left.
pub(super) async fn drive(mut run: Run, reply: oneshot::Sender<Result<Bytes>>) {
    let (candidate, begun) = match run.first_success().await {
        Ok(success) => success,
        Err(fault) => {
            run.settle_failure(&fault).await;
            let _ = reply.send(Err(run.failure(fault)));
            return;
        }
    };
    let heading = run.heading(&candidate);
    let mut gathering = Gathering::new(&run, &candidate);
    let gathered = match begun {
        Begun::Whole(deltas) => {
            gathering.take(deltas);
            Ok(())
        }
        Begun::Streaming { reader, deltas, has_more } => {
            gathering.follow(&mut run, &candidate, *reader, deltas, has_more).await
        }
    };
    if let Err(fault) = gathered {
        // Nothing was delivered, so nothing is charged.
        run.note_failure(&candidate, &fault);
        run.settle_failure(&fault).await;
        let _ = reply.send(Err(run.failure(fault)));
        return;
    }
    let Gathering { answer, tally, mut outcome, .. } = gathering;
    outcome.generation_ms = Some(since_ms(run.started));
    outcome.take(tally);
    let answer = run.settle(&candidate, &outcome).await.map(|settled| {
        run.note_success(&candidate, &outcome, &settled);
        Bytes::from(run.job.inbound.whole(&heading, &answer, &report_of(&settled)))
    });
    // The caller may have left; the charge stands.
    let _ = reply.send(answer);
}

/// An answer being put together.
struct Gathering {
    answer: Answer,
    tally: Tally,
    outcome: Outcome,
    hides_reasoning: bool,
}

impl Gathering {
    fn new(run: &Run, candidate: &Candidate) -> Self {
        Self {
            answer: if run.job.inbound.wants_order() { Answer::ordered() } else { Answer::default() },
            tally: Tally::keeping(Vocabulary::of(&candidate.model.id).is_some()),
            outcome: Outcome { status: 200, latency_ms: Some(since_ms(run.started)), ..Outcome::default() },
            hides_reasoning: run.hides_reasoning(),
        }
    }

    fn take(&mut self, deltas: Vec<Delta>) {
        for delta in deltas {
            self.tally.note(&delta);
            if !(self.hides_reasoning && delta.is_reasoning()) {
                self.answer.add(delta);
            }
        }
    }

    /// Reads an answer as a stream, holding for it step by step. Where the credit or
    /// the time ends, it ends with finish reason `length`.
    async fn follow(
        &mut self,
        run: &mut Run,
        candidate: &Candidate,
        mut reader: Reader,
        mut deltas: Vec<Delta>,
        mut has_more: bool,
    ) -> Result<(), Fault> {
        let idle = Duration::from_millis(run.app.config.timeouts.idle_ms);
        loop {
            self.take(std::mem::take(&mut deltas));
            if !has_more {
                return Ok(());
            }
            let left = run.deadline().saturating_duration_since(Instant::now());
            let stopped_by = if left.is_zero() {
                Some("timeout")
            } else if run.cover(candidate, self.tally.characters).await {
                None
            } else {
                Some("insufficient_credits")
            };
            if let Some(native) = stopped_by {
                let native = Some(native.to_owned());
                self.take(vec![Delta::Finish { choice: 0, reason: FinishReason::Length, native }]);
                return Ok(());
            }
            let next = timeout(idle.min(left), reader.next(&mut deltas)).await;
            has_more = match next {
                Ok(next) => next?,
                Err(_) if Instant::now() >= run.deadline() => true,
                Err(_) => return Err(too_slow()),
            };
        }
    }
}

impl Run {
    /// Holds for the next step when three quarters of the last are used up by
    /// `characters` of output. False when the balance does not cover it.
    pub(super) async fn cover(&mut self, candidate: &Candidate, characters: u64) -> bool {
        let used = estimate::output_tokens(characters);
        if used < self.held_tokens - self.held_tokens / 4 || self.held_tokens >= self.most_tokens {
            return true;
        }
        let next = self.held_tokens.saturating_add(self.app.config.holds.step_tokens).min(self.most_tokens);
        let cost = hold::step_cost(candidate, self.prompt_estimate, self.held_tokens, next);
        let Some(hold) = self.hold.as_mut() else { return false };
        if self.is_exhausted || hold.extend(cost).await.is_err() {
            self.is_exhausted = true;
            // What is held already may still be used up.
            return used < self.held_tokens;
        }
        self.held_tokens = next;
        true
    }

    /// The caller asked not to see the thinking.
    pub(super) fn hides_reasoning(&self) -> bool {
        self.job.inference.reasoning.as_ref().and_then(|reasoning| reasoning.exclude) == Some(true)
    }

    /// When the whole request must be over.
    pub(super) fn deadline(&self) -> Instant {
        self.started + Duration::from_millis(self.app.config.timeouts.total_ms)
    }

    /// Tries endpoint after endpoint until an answer begins.
    ///
    /// # Errors
    /// The last [`Fault`] when none did; `self.tried` has all of them.
    pub(super) async fn first_success(&mut self) -> Result<(Candidate, Begun), Fault> {
        let most = usize::try_from(self.app.config.routing.attempts).unwrap_or(1);
        let candidates: Vec<Candidate> = self.candidates.iter().take(most).cloned().collect();
        let mut last = Fault::new(FaultKind::Unavailable, "no endpoint was tried");
        for (position, candidate) in candidates.iter().enumerate() {
            let is_last = position + 1 == candidates.len();
            let deadline = self.attempt_deadline(is_last);
            let began = Instant::now();
            let result = if structured::is_needed(candidate, &self.job.inference) {
                self.begin_structured(candidate).await
            } else {
                begin(&self.app, candidate, &self.job.inference, deadline).await
            };
            let latency_ms = since_ms(began);
            let status = match &result {
                Ok(_) => Some(200),
                Err(fault) => fault.status,
            };
            self.tried.push(Tried {
                endpoint_id: candidate.endpoint.id.clone(),
                provider_name: candidate.provider.name.clone(),
                model_id: candidate.model.id.clone(),
                status,
                latency_ms,
                fault: result.as_ref().err().cloned(),
            });
            match result {
                Ok(begun) => return Ok((candidate.clone(), begun)),
                Err(fault) => {
                    self.note_failure(candidate, &fault);
                    let is_final = !fault.kind.is_retriable() || Instant::now() >= self.deadline();
                    last = fault;
                    if is_final {
                        break;
                    }
                }
            }
        }
        Err(last)
    }

    fn attempt_deadline(&self, is_last: bool) -> Instant {
        if self.job.inference.is_streamed {
            return attempt::first_token_deadline(&self.app, is_last, self.deadline());
        }
        // An answer in one piece comes with its last token, not with its first.
        let wait = Duration::from_millis(self.app.config.timeouts.last_first_token_ms);
        if is_last { self.deadline() } else { (Instant::now() + wait).min(self.deadline()) }
    }

    pub(super) fn heading(&self, candidate: &Candidate) -> Heading {
        Heading {
            id: self.id.clone(),
            created: self.created_at / 1_000,
            model: candidate.model.id.clone(),
            provider: candidate.provider.name.clone(),
            metadata: self.job.attribution.wants_metadata.then(|| self.metadata(Some(candidate))),
        }
    }

    pub(super) fn note_failure(&self, candidate: &Candidate, fault: &Fault) {
        let now = self.app.clock.now_ms();
        self.app.health.failed(&candidate.endpoint.id, now, fault.kind, fault.retry_after_ms);
        tracing::info!(
            generation.id = %self.id,
            endpoint.id = %candidate.endpoint.id,
            fault.kind = ?fault.kind,
            fault.status = fault.status,
            "An attempt failed"
        );
    }

    pub(super) fn note_success(&self, candidate: &Candidate, outcome: &Outcome, settled: &Settled) {
        let ms = |value: Option<i64>| value.and_then(|ms| i32::try_from(ms).ok()).map_or(0.0, f64::from);
        let latency_ms = self.tried.last().map(|tried| tried.latency_ms);
        self.app.health.succeeded(
            &candidate.endpoint.id,
            self.app.clock.now_ms(),
            ms(latency_ms),
            settled.usage.completion_tokens.unwrap_or(0),
            ms(outcome.generation_ms),
        );
    }
}

/// One attempt, up to the first content or the whole answer.
async fn begin(app: &App, candidate: &Candidate, inference: &Inference, deadline: Instant) -> Result<Begun, Fault> {
    let response = attempt::open(app, candidate, inference, deadline).await?;
    if !inference.is_streamed {
        return Ok(Begun::Whole(attempt::read_whole(candidate, inference, response, deadline).await?));
    }
    let mut reader = Box::new(Reader::new(candidate, response)?);
    let mut deltas = Vec::new();
    loop {
        let next = timeout_at(deadline.into(), reader.next(&mut deltas)).await;
        let has_more = next.unwrap_or_else(|_| Err(too_slow()))?;
        if !has_more || deltas.iter().any(Delta::is_content) {
            return Ok(Begun::Streaming { reader, deltas, has_more });
        }
    }
}

/// Whole ms since a moment.
pub(super) fn since_ms(moment: Instant) -> i64 {
    i64::try_from(moment.elapsed().as_millis()).unwrap_or(i64::MAX)
}
