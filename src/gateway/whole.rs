//! Answers that come in one piece.

use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use tokio::sync::oneshot;
use tokio::time::timeout;

use super::attempt::{Reader, too_slow};
use super::relay::report_of;
use super::settle::{Outcome, Settled};
use super::tokenizers::Vocabulary;
use super::web::Made;
use super::{Run, estimate, hold, route::Candidate, sticky};
use crate::dialects::answer::{Answer, Heading, Tally};
use crate::dialects::{Delta, Fault, FaultKind, FinishReason};
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
pub(super) async fn drive(mut run: Box<Run>, reply: oneshot::Sender<Result<Bytes>>) {
    let app = Arc::clone(&run.app);
    let gathered = tokio::select! {
        gathered = gather(&mut run) => gathered,
        () = app.cut.cancelled() => Err(stopped()),
    };
    let (candidate, gathering) = match gathered {
        Ok(gathered) => gathered,
        Err(fault) => {
            // Nothing was delivered, so nothing is charged.
            Box::pin(run.settle_failure(&fault)).await;
            run.ticket = None;
            let _ = reply.send(Err(run.failure(fault)));
            run.keep(None).await;
            return;
        }
    };
    let heading = run.heading(&candidate);
    let Gathering { mut answer, tally, mut outcome, .. } = gathering;
    for source in run.search.iter().flat_map(Made::annotations) {
        answer.add(source);
    }
    outcome.generation_ms = Some(since_ms(run.started));
    outcome.take(tally, &run.job.inference.tools);
    let body = run.settle(&candidate, &outcome).await.map(|settled| {
        run.note_success(&candidate, &outcome, &settled);
        Bytes::from(run.job.inbound.whole(&heading, &answer, &report_of(&settled)))
    });
    // Free before the caller can ask again.
    run.ticket = None;
    // The caller may have left; the charge stands.
    let _ = reply.send(body);
    run.keep(Some(&answer)).await;
}

/// The server stops before anything of the answer was delivered.
pub(super) fn stopped() -> Fault {
    Fault::new(FaultKind::Unavailable, "this server is being stopped")
}

/// The whole answer of the first endpoint that gives one.
async fn gather(run: &mut Run) -> Result<(Candidate, Gathering), Fault> {
    loop {
        let (candidate, begun) = run.first_success().await?;
        let mut gathering = Gathering::new(run, &candidate);
        let gathered = match begun {
            Begun::Whole(deltas) => {
                gathering.take(run, deltas);
                Ok(())
            }
            Begun::Streaming { reader, deltas, has_more } => {
                gathering.follow(run, &candidate, reader, deltas, has_more).await
            }
        };
        let Err(fault) = gathered else { return Ok((candidate, gathering)) };
        run.note_failure(&candidate, &fault);
        if !run.is_another_left(&fault) {
            return Err(fault);
        }
    }
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
            tally: run.tally(candidate),
            outcome: Outcome { status: 200, latency_ms: Some(since_ms(run.started)), ..Outcome::default() },
            hides_reasoning: run.hides_reasoning(),
        }
    }

    fn take(&mut self, run: &mut Run, deltas: Vec<Delta>) {
        for delta in deltas {
            self.tally.note(&delta);
            if let Some(search) = &mut run.search {
                search.note(&delta);
            }
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
        mut reader: Box<Reader>,
        mut deltas: Vec<Delta>,
        mut has_more: bool,
    ) -> Result<(), Fault> {
        let idle = run.idle(candidate);
        loop {
            self.take(run, std::mem::take(&mut deltas));
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
                self.take(run, vec![Delta::Finish { choice: 0, reason: FinishReason::Length, native }]);
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

    /// How long the request may take, ms.
    pub(super) fn most_ms(&self) -> u64 {
        let timeouts = &self.app.config.timeouts;
        if self.is_streamed { timeouts.total_ms } else { timeouts.whole_ms }
    }

    /// When the whole request must be over.
    pub(super) fn deadline(&self) -> Instant {
        self.started + Duration::from_millis(self.most_ms())
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
        self.app.health.failed(candidate.record_id(), now, fault.kind, fault.retry_after_ms);
        tracing::info!(
            generation.id = %self.id,
            endpoint.id = %candidate.endpoint.id,
            fault.kind = ?fault.kind,
            fault.status = fault.status,
            "An attempt failed"
        );
    }

    /// What is to be known of an answer of this candidate.
    pub(super) fn tally(&self, candidate: &Candidate) -> Tally {
        let inference = &self.job.inference;
        // What a tool that is no function does with its calls is not ours to judge.
        let is_watching = !inference.tools.is_empty() && inference.tools.iter().all(|tool| tool.other.is_none());
        Tally::keeping(Vocabulary::of(&candidate.model.id).is_some()).watching_calls(is_watching)
    }

    pub(super) fn note_success(&self, candidate: &Candidate, outcome: &Outcome, settled: &Settled) {
        let ms = |value: Option<i64>| value.and_then(|ms| i32::try_from(ms).ok()).map_or(0.0, f64::from);
        if let Some((conversation, is_named)) = self.conversation
            && sticky::pays(&candidate.endpoint)
            && (is_named || settled.usage.cached_tokens.unwrap_or(0) > 0)
        {
            self.app.sticky.put(conversation, candidate.record_id(), self.app.clock.now_ms());
        }
        if let Some(is_sound) = outcome.has_sound_calls {
            self.app.health.called(&candidate.endpoint.id, self.app.clock.now_ms(), is_sound);
        }
        let latency_ms = self.tried.last().map(|tried| tried.latency_ms);
        self.app.health.succeeded(
            candidate.record_id(),
            self.app.clock.now_ms(),
            ms(latency_ms),
            settled.usage.completion_tokens.unwrap_or(0),
            ms(outcome.generation_ms),
        );
    }
}

/// Whole ms since a moment.
pub(super) fn since_ms(moment: Instant) -> i64 {
    i64::try_from(moment.elapsed().as_millis()).unwrap_or(i64::MAX)
}
