//! What is kept of a request beside its figures: its text, where the workspace
//! wants that, and events for its observability destinations. Both are written after
//! the answer went out, and encrypted.

pub mod text;

use std::sync::Arc;

use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use super::attempt::Tried;
use super::broadcast::event::Event;
use super::broadcast::{self, Destination};
use super::route::Candidate;
use super::{Job, Run};
use crate::App;
use crate::accounts::guardrails::Guard;
use crate::accounts::policy::Logging;
use crate::clock::MS_PER_DAY;
use crate::dialects::answer::Answer;
use crate::dialects::{Delta, Inference};
use crate::store::generations::GenerationRow;
use crate::store::prompt_logs::PromptLogRow;

/// Where a kept text is bound to, for its encryption.
#[must_use]
pub fn place(organization_id: &str, generation_id: &str) -> String {
    format!("prompt_logs/{organization_id}/{generation_id}")
}

/// What one request leaves behind.
pub(super) struct Keeping {
    log: Option<Log>,
    destinations: Vec<Arc<Destination>>,
    /// The caller or a guardrail wants no words to be kept.
    is_silent: bool,
    /// What is let off of the list price, in hundredths of a per cent.
    pub let_off: u32,
    /// The row of the request, once it is settled.
    pub row: Option<GenerationRow>,
}

/// How the text is kept.
struct Log {
    lasts_ms: i64,
    is_shared: bool,
}

impl Keeping {
    /// What this request is to leave behind; `None` is the usual.
    pub fn of(app: &App, job: &Job, id: &str, candidates: &[Candidate], guards: &[Arc<Guard>]) -> Option<Box<Self>> {
        let policy = &job.requester.policy;
        let log = policy.logging.as_ref().and_then(|logging| log(app, logging, job, id, candidates, guards));
        let destinations = app.destinations.of(job, id);
        if log.is_none() && destinations.is_empty() {
            return None;
        }
        let is_shared = log.as_ref().is_some_and(|log| log.is_shared);
        let let_off = if is_shared { app.config.prompt_logs.let_off() } else { 0 };
        let is_silent = forbids(&job.inference, candidates, guards);
        Some(Box::new(Self { log, destinations, is_silent, let_off, row: None }))
    }
}

fn log(
    app: &App,
    logging: &Logging,
    job: &Job,
    id: &str,
    candidates: &[Candidate],
    guards: &[Arc<Guard>],
) -> Option<Log> {
    let hash = job.requester.key.as_ref().map(|key| key.hash.as_str());
    let is_wanted =
        logging.key_hashes.as_ref().is_none_or(|own| hash.is_some_and(|hash| own.iter().any(|it| it == hash)));
    let session = job.inference.session_id.as_deref().or(job.attribution.session_id.as_deref());
    if !is_wanted || forbids(&job.inference, candidates, guards) || !is_drawn(session.unwrap_or(id), logging.per_myriad)
    {
        return None;
    }
    let days = if logging.days > 0 { logging.days } else { i64::from(app.config.prompt_logs.usual_days) };
    // What may not be learned from is not shown to the operator.
    let may_share = guards.iter().all(|guard| guard.allows_training(true) && guard.allows_training(false));
    Some(Log { lasts_ms: days.saturating_mul(MS_PER_DAY), is_shared: logging.is_shared && may_share })
}

/// Whether the caller or a guardrail wants nothing to be kept.
pub(super) fn forbids(inference: &Inference, candidates: &[Candidate], guards: &[Arc<Guard>]) -> bool {
    let wishes = &inference.provider;
    let author = |candidate: &Candidate| candidate.model.id.split('/').next().unwrap_or_default().to_owned();
    wishes.zdr == Some(true)
        || wishes.data_collection.as_deref() == Some("deny")
        || guards.iter().any(|guard| candidates.iter().any(|own| guard.wants_zero_retention(&author(own))))
}

/// Whether a request is among so many of ten thousand. Those of one session are drawn together.
#[must_use]
pub fn is_drawn(session: &str, per_myriad: u32) -> bool {
    let digest = Sha256::digest(session.as_bytes());
    let number = digest.iter().take(8).fold(0_u64, |number, byte| (number << 8) | u64::from(*byte));
    number % 10_000 < u64::from(per_myriad)
}

/// The text of a streamed answer, as far as there is room for it.
pub(super) struct Recording {
    pub answer: Answer,
    room: usize,
}

impl Recording {
    pub fn new(app: &App) -> Self {
        Self {
            answer: Answer::default(),
            room: usize::try_from(app.config.prompt_logs.most_bytes).unwrap_or(usize::MAX),
        }
    }

    pub fn add(&mut self, delta: &Delta) {
        let length = match delta {
            Delta::Text { text, .. } | Delta::Reasoning { text, .. } | Delta::Refusal { text, .. } => text.len(),
            Delta::ToolCall { arguments, .. } => arguments.len(),
            // The words in it are all that is kept.
            Delta::ReasoningDetail { detail, .. } => crate::dialects::reasoning::words(detail).map_or(0, str::len),
            Delta::Finish { .. } => 0,
            _ => return,
        };
        if length <= self.room {
            self.room -= length;
            self.answer.add(delta.clone());
        } else {
            self.room = 0;
        }
    }
}

impl Run {
    /// Keeps what is to be kept of this request. Called when the caller has his answer.
    pub(super) async fn keep(&mut self, answer: Option<&Answer>) {
        let Some(keeping) = self.keeping.take() else { return };
        // Seldom: on the heap, so that other requests do not carry its room.
        Box::pin(self.keep_in(keeping, answer)).await;
    }

    async fn keep_in(&mut self, mut keeping: Box<Keeping>, answer: Option<&Answer>) {
        let Some(row) = keeping.row.take() else { return };
        let room = usize::try_from(self.app.config.prompt_logs.most_bytes).unwrap_or(usize::MAX);
        let input = text::input(&self.job.inference, room / 2);
        let output = text::output(answer, room - room / 2);
        if let Some(log) = keeping.log.take() {
            let error = error(&row, &self.tried);
            let content = json!({ "input": &input, "output": &output, "error": error });
            if let Err(error) = store(&self.app, &log, &row, &content).await {
                tracing::error!(generation.id = %self.id, error, "The text of a request could not be kept");
            }
        }
        if !keeping.destinations.is_empty() {
            let (silence, is_silent) = (Value::Null, keeping.is_silent);
            let trace = self.job.inference.field("trace");
            let event = Event {
                row: &row,
                key: self.job.requester.key.as_deref(),
                input: if is_silent { &silence } else { &input },
                output: if is_silent { &silence } else { &output },
                trace: trace.as_ref().and_then(Value::as_object),
            };
            broadcast::post(&self.app, &keeping.destinations, &event).await;
        }
    }
}

async fn store(app: &App, log: &Log, row: &GenerationRow, content: &Value) -> Result<(), String> {
    let place = place(&row.organization_id, &row.id);
    let kept = PromptLogRow {
        is_shared: i64::from(log.is_shared),
        sealed: app.vault.seal(&content.to_string(), &place).map_err(|error| error.to_string())?,
        created_at: row.created_at,
        expires_at: row.created_at.saturating_add(log.lasts_ms),
        generation_id: row.id.clone(),
        organization_id: row.organization_id.clone(),
        workspace_id: row.workspace_id.clone(),
        user_id: row.user_id.clone(),
    };
    app.store.insert_prompt_log(&kept).await.map_err(|error| error.to_string())
}

/// What went wrong, as the original shows it; null when nothing did.
fn error(row: &GenerationRow, tried: &[Tried]) -> Value {
    let Some(message) = &row.error else { return Value::Null };
    let raw = |tried: &Tried| tried.fault.as_ref().and_then(|fault| fault.raw.clone());
    let failed: Vec<&Tried> = tried.iter().filter(|tried| tried.fault.is_some()).collect();
    let earlier = failed.len().saturating_sub(1);
    let previous: Vec<Value> = failed
        .iter()
        .take(earlier)
        .map(|tried| {
            json!({
                "code": tried.status.unwrap_or(0),
                "message": tried.fault.as_ref().map_or("", |fault| fault.message.as_str()),
                "provider_name": tried.provider_name,
                "raw": raw(tried),
            })
        })
        .collect();
    json!({
        "status": row.status,
        "message": message,
        "provider_name": Some(&row.provider_name).filter(|name| !name.is_empty()),
        "raw": failed.last().and_then(|tried| raw(tried)),
        "previous_errors": previous,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sampling_takes_about_the_part_that_was_asked_for_and_a_session_as_a_whole() {
        let drawn = |per_myriad| (0..2_000).filter(|number| is_drawn(&format!("gen-{number}"), per_myriad)).count();
        assert_eq!((drawn(0), drawn(10_000)), (0, 2_000));
        let tenth = drawn(1_000);
        assert!((140..260).contains(&tenth), "{tenth} of 2,000");
        assert_eq!(is_drawn("session", 5_000), is_drawn("session", 5_000));
    }
}
