//! Deltas to the caller while counting tokens; the last frame waits for the ledger.

use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use tokio::sync::mpsc::error::TrySendError;
use tokio::sync::{OwnedSemaphorePermit, oneshot};
use tokio::time::timeout;

use super::attempt::{Reader, too_slow};
use super::keep::Recording;
use super::settle::{Outcome, Settled};
use super::web::Made;
use super::whole::{Begun, since_ms, stopped};
use super::{Run, estimate, frames};
use crate::dialects::answer::{Failure, Tally, UsageReport, Writer};
use crate::dialects::continuation::Joint;
use crate::dialects::{Delta, Fault, FaultKind, FinishReason, Usage};
use crate::error::{Error, Result};
use crate::flags::Flag;
use crate::gateway::route::Candidate;

/// What the loop over the stream keeps.
struct Relay {
    frames: frames::Sender,
    write_stall: Duration,
    writer: Box<dyn Writer>,
    tally: Tally,
    hides_reasoning: bool,
    buffer: Vec<u8>,
    outcome: Outcome,
    is_gone: bool,
    /// The place among the answers nobody reads, and until when this one is followed.
    unread: Option<(OwnedSemaphorePermit, Instant)>,
    /// The text delivered so far, while another endpoint could go on from it.
    delivered: Option<String>,
    /// The answer, where it is kept.
    recording: Option<Recording>,
}

/// How the stream ended.
enum End {
    Complete,
    /// The caller left and the provider was told to stop.
    Cancelled,
    Broken(Fault),
    /// The balance does not cover another step.
    OutOfCredit,
    /// The request took longer than this server lets any take.
    OutOfTime,
    /// The server stops, and the time it lets requests end is over.
    Stopped,
}

/// Runs one streamed request to its end, whether or not anybody still reads.
pub(super) async fn drive(mut run: Box<Run>, head: oneshot::Sender<Result<()>>, frames: frames::Sender) {
    let app = Arc::clone(&run.app);
    let begun = tokio::select! {
        begun = run.first_success() => begun,
        () = app.cut.cancelled() => Err(stopped()),
    };
    let (candidate, begun) = match begun {
        Ok(success) => success,
        Err(fault) => return Box::pin(fail(run, fault, head, frames)).await,
    };
    // Nobody waits for the head any more when the first token took long; the stream is open then.
    let _ = head.send(Ok(()));
    let mut relay = Relay {
        frames,
        write_stall: Duration::from_millis(run.app.config.streams.write_stall_ms),
        writer: run.job.inbound.writer(&run.heading(&candidate)),
        tally: run.tally(&candidate),
        hides_reasoning: run.hides_reasoning(),
        buffer: Vec::with_capacity(1_024),
        outcome: Outcome { status: 200, latency_ms: Some(since_ms(run.started)), ..Outcome::default() },
        is_gone: false,
        unread: None,
        delivered: (run.app.flags.is_on(Flag::StreamResume)
            && (run.job.inference.resumes || run.job.attribution.wants_resume))
            .then(String::new),
        recording: run.keeping.is_some().then(|| Recording::new(&run.app)),
    };
    let first_token = Instant::now();
    let mut candidate = candidate;
    let mut end = relay.follow(&mut run, &candidate, begun, None).await;
    while let End::Broken(fault) = end {
        let Some((next, begun, joint)) = Box::pin(relay.resume(&mut run, &candidate, &fault)).await else {
            end = End::Broken(fault);
            break;
        };
        end = relay.follow(&mut run, &next, begun, Some(joint)).await;
        candidate = next;
    }
    relay.outcome.generation_ms = Some(since_ms(first_token));
    relay.outcome.take(std::mem::take(&mut relay.tally), &run.job.inference.tools);
    relay.end(run, &candidate, end).await;
}

/// Every attempt failed before the first token.
async fn fail(mut run: Box<Run>, fault: Fault, head: oneshot::Sender<Result<()>>, frames: frames::Sender) {
    let error = run.failure(fault.clone());
    run.settle_failure(&fault).await;
    run.ticket = None;
    if let Err(Err(error)) = head.send(Err(error)) {
        // The head went out already: the failure is a frame of the stream.
        let mut buffer = Vec::new();
        let heading = run.candidates.first().map(|candidate| run.heading(candidate)).unwrap_or_default();
        run.job.inbound.writer(&heading).fail(&failure_of(&error), None, &mut buffer);
        let _ = frames.send(buffer.into()).await;
    }
    drop(frames);
    run.keep(None).await;
}

impl Relay {
    /// Relays one endpoint's answer to its end. A `joint` fits it to what was
    /// delivered before.
    async fn follow(&mut self, run: &mut Run, candidate: &Candidate, begun: Begun, mut joint: Option<Joint>) -> End {
        match begun {
            Begun::Streaming { reader, deltas, has_more } => {
                self.run(run, candidate, reader, (deltas, has_more), joint).await
            }
            Begun::Whole(deltas) => match fitted(joint.as_mut(), deltas) {
                Ok(deltas) => {
                    self.take(run, deltas);
                    End::Complete
                }
                Err(fault) => End::Broken(fault),
            },
        }
    }

    async fn run(
        &mut self,
        run: &mut Run,
        candidate: &Candidate,
        mut reader: Box<Reader>,
        (mut deltas, mut has_more): (Vec<Delta>, bool),
        mut joint: Option<Joint>,
    ) -> End {
        let idle = run.idle(candidate);
        let deadline = run.deadline();
        loop {
            match fitted(joint.as_mut(), std::mem::take(&mut deltas)) {
                Ok(deltas) => self.take(run, deltas),
                Err(fault) => return End::Broken(fault),
            }
            self.flush().await;
            if !has_more {
                return End::Complete;
            }
            if self.is_gone && (candidate.provider.supports_cancel || !self.is_followed(run)) {
                return End::Cancelled;
            }
            if !self.is_gone && !run.cover(candidate, self.tally.characters).await {
                return End::OutOfCredit;
            }
            let until = self.unread.as_ref().map_or(deadline, |(_, until)| deadline.min(*until));
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return if self.is_gone { End::Cancelled } else { End::OutOfTime };
            }
            let next = tokio::select! {
                biased;
                next = timeout(idle.min(left), reader.next(&mut deltas)) => next,
                () = self.frames.closed(), if !self.is_gone => {
                    self.is_gone = true;
                    continue;
                }
                () = run.app.cut.cancelled() => return End::Stopped,
            };
            has_more = match next.unwrap_or_else(|_| Err(too_slow())) {
                Ok(has_more) => has_more,
                Err(_) if self.is_gone => return End::Cancelled,
                Err(_) if Instant::now() >= until => return End::OutOfTime,
                Err(fault) => {
                    // What came before the failure is delivered.
                    if let Ok(deltas) = fitted(joint.as_mut(), std::mem::take(&mut deltas)) {
                        self.take(run, deltas);
                    }
                    return End::Broken(fault);
                }
            };
        }
    }

    /// Whether an answer nobody reads is still followed, for a provider that bills all
    /// of it and does not hear that it should stop.
    fn is_followed(&mut self, run: &Run) -> bool {
        if self.unread.is_none() {
            let until = Instant::now() + Duration::from_millis(run.app.config.streams.unread_ms);
            self.unread = Arc::clone(&run.app.unread).try_acquire_owned().ok().map(|place| (place, until));
        }
        self.unread.is_some()
    }

    fn take(&mut self, run: &mut Run, deltas: Vec<Delta>) {
        for delta in deltas {
            self.tally.note(&delta);
            if let Some(search) = &mut run.search {
                search.note(&delta);
            }
            self.keep(&delta);
            if !(self.hides_reasoning && delta.is_reasoning()) {
                if let Some(recording) = &mut self.recording {
                    recording.add(&delta);
                }
                self.writer.write(&delta, &mut self.buffer);
            }
        }
    }

    /// Keeps the text an endpoint could go on from; after anything else none can.
    fn keep(&mut self, delta: &Delta) {
        let Some(delivered) = &mut self.delivered else { return };
        match delta {
            Delta::Text { choice: 0, text } => delivered.push_str(text),
            delta if delta.is_content() && !delta.is_reasoning() => self.delivered = None,
            _ => {}
        }
    }

    /// Another endpoint's answer that goes on where this one broke off.
    async fn resume(
        &mut self,
        run: &mut Run,
        candidate: &Candidate,
        fault: &Fault,
    ) -> Option<(Candidate, Begun, Joint)> {
        let delivered = self.delivered.as_deref().filter(|_| !self.is_gone)?;
        let resumed = run.resume(candidate, fault, delivered).await?;
        // What the first one used is not charged.
        self.tally.usage = Usage::default();
        self.writer.resumed(run.metadata(Some(&resumed.0)));
        Some(resumed)
    }

    /// Sends what is written. A caller who left or takes nothing is noted.
    async fn flush(&mut self) {
        if self.buffer.is_empty() {
            return;
        }
        let frame = Bytes::from(std::mem::replace(&mut self.buffer, Vec::with_capacity(512)));
        if self.is_gone {
            return;
        }
        // Nearly always there is room; only a full channel needs the clock.
        self.is_gone = match self.frames.try_send(frame) {
            Ok(()) => false,
            Err(TrySendError::Closed(_)) => true,
            Err(TrySendError::Full(frame)) => {
                !timeout(self.write_stall, self.frames.send(frame)).await.unwrap_or(false)
            }
        };
    }

    /// Settles, and only then lets the last frame go.
    async fn end(mut self, mut run: Box<Run>, candidate: &Candidate, end: End) {
        let failure = match end {
            End::Complete => None,
            End::Cancelled => {
                self.outcome.is_cancelled = true;
                None
            }
            End::Broken(fault) => {
                // An answer that differs from another's is no failure.
                if run.resumed.is_none() {
                    run.note_failure(candidate, &fault);
                }
                self.outcome.error = Some(fault.message.clone());
                self.outcome.finish = Some(FinishReason::Error);
                self.outcome.status = fault.kind.status();
                Some(failure_of(&run.failure(fault)))
            }
            End::OutOfTime => {
                self.outcome.finish = Some(FinishReason::Length);
                self.outcome.native_finish = Some("timeout".to_owned());
                Some(failure_of(&Error::OutOfTime { limit_s: run.most_ms() / 1_000 }))
            }
            End::Stopped => {
                self.outcome.finish = Some(FinishReason::Length);
                self.outcome.native_finish = Some("server_stopped".to_owned());
                Some(failure_of(&Error::Stopped))
            }
            End::OutOfCredit => {
                let tokens = estimate::output_tokens(self.outcome.output_characters);
                self.outcome.finish = Some(FinishReason::Length);
                self.outcome.native_finish = Some("insufficient_credits".to_owned());
                Some(failure_of(&Error::InsufficientCredits(format!(
                    "The credit or the key's limit ran out after about {tokens} output tokens. \
                     What was delivered is charged; add credit or raise the limit to go on."
                ))))
            }
        };
        match run.settle(candidate, &self.outcome).await {
            Ok(settled) => {
                if failure.is_none() && !self.outcome.is_cancelled {
                    run.note_success(candidate, &self.outcome, &settled);
                }
                let report = report_of(&settled);
                if failure.is_none() {
                    for source in run.search.iter().flat_map(Made::annotations) {
                        self.writer.write(&source, &mut self.buffer);
                    }
                }
                match &failure {
                    None => self.writer.finish(&report, &mut self.buffer),
                    Some(failure) => self.writer.fail(failure, Some(&report), &mut self.buffer),
                }
            }
            Err(error) => {
                // Without a durable charge the answer must not look complete.
                tracing::error!(generation.id = %run.id, %error, "A request could not be settled");
                self.writer.fail(&failure_of(&error), None, &mut self.buffer);
            }
        }
        // The place is free before the caller, who has not got the end yet, can ask again.
        run.ticket = None;
        self.flush().await;
        // The caller has his answer; the stream ends here.
        let recording = self.recording.take();
        drop(self);
        run.keep(recording.as_ref().map(|recording| &recording.answer)).await;
    }
}

/// The deltas that are new behind what was delivered.
fn fitted(joint: Option<&mut Joint>, deltas: Vec<Delta>) -> Result<Vec<Delta>, Fault> {
    let Some(joint) = joint else { return Ok(deltas) };
    joint.take(deltas).map_err(|_| {
        Fault::new(FaultKind::Unavailable, "the answer broke off, and no endpoint gave the same one again")
    })
}

/// The usage object of a settled answer.
pub(super) const fn report_of(settled: &Settled) -> UsageReport {
    UsageReport {
        usage: settled.usage,
        cost: settled.charged,
        prompt_cost: settled.cost.prompt,
        completion_cost: settled.cost.completion,
        is_byok: settled.is_byok,
        search: settled.search,
        upstream_inference_cost: if settled.is_byok { Some(settled.cost.total) } else { None },
    }
}

/// An error as a frame of the stream.
pub(super) fn failure_of(error: &Error) -> Failure {
    let (provider_code, raw) = match error {
        Error::Upstream { fault, .. } => (fault.code.clone(), fault.raw.clone()),
        _ => (None, None),
    };
    Failure {
        code: error.status().as_u16(),
        message: error.public_message(),
        error_type: error.error_type(),
        provider_code,
        raw,
    }
}
