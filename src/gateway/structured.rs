//! An answer that has to fit a schema, from an endpoint nobody can hold to one.
//! It is read whole, checked, repaired once, and only then delivered.

use tokio::time::timeout_at;

use super::attempt::Reader;
use super::route::Candidate;
use super::whole::Begun;
use super::{Run, attempt, estimate};
use crate::dialects::answer::Tally;
use crate::dialects::structured::{self, Checked};
use crate::dialects::{Delta, Fault, FaultKind, FinishReason, Inference, Usage};

/// The endpoint has to be asked for the schema in words.
pub(super) fn is_needed(candidate: &Candidate, inference: &Inference) -> bool {
    let endpoint = &candidate.endpoint;
    structured::schema_of(inference).is_some()
        && !endpoint.supported_parameters.is_empty()
        && !endpoint.supports("structured_outputs")
}

impl Run {
    /// One attempt whose answer is checked.
    ///
    /// # Errors
    /// [`Fault`] of the attempt, or when the model does not keep to the schema even
    /// when told what is wrong.
    pub(super) async fn begin_structured(&mut self, candidate: &Candidate) -> Result<Begun, Fault> {
        let inference = &self.job.inference;
        let Some(schema) = structured::schema_of(inference).cloned() else { return Err(attempt::too_slow()) };
        let request = structured::prompted(inference, candidate.endpoint.supports("response_format"));
        let mut tally = Tally::default();
        let first = self.whole_answer(candidate, &request, &mut tally).await?;
        let used = tally.usage;
        let (answer, complaint) = match structured::check(&schema, first) {
            Checked::Fit(deltas) => return Ok(Begun::Whole(deltas)),
            Checked::Unfit { answer, complaint } => (answer, complaint),
        };
        let unfit = |complaint: &str| {
            let message = format!("the model's answer does not fit the schema: {complaint}");
            Fault::new(FaultKind::Unavailable, message)
        };
        let prompt = self.prompt_estimate.saturating_add(estimate::output_tokens(tally.characters));
        let cost = candidate.at_most(prompt, 0, request.wants_hour_cache());
        let is_covered = match self.hold.as_mut() {
            Some(hold) => hold.extend(cost).await.is_ok(),
            None => false,
        };
        if !is_covered {
            return Err(unfit(&complaint));
        }
        // Two answers may be twice as long as one.
        self.most_tokens = self.most_tokens.saturating_mul(2);
        let repair = structured::repair(&request, &answer, &complaint);
        tally.usage = Usage::default();
        let second = self.whole_answer(candidate, &repair, &mut tally).await?;
        let total = structured::both(&used, &tally.usage);
        match structured::check(&schema, second) {
            Checked::Fit(mut deltas) => {
                deltas.push(Delta::Usage(total));
                Ok(Begun::Whole(deltas))
            }
            Checked::Unfit { complaint, .. } => Err(unfit(&complaint)),
        }
    }

    /// The whole answer, held for step by step. Where the credit ends, it ends with
    /// finish reason `length`.
    async fn whole_answer(
        &mut self,
        candidate: &Candidate,
        inference: &Inference,
        tally: &mut Tally,
    ) -> Result<Vec<Delta>, Fault> {
        let deadline = self.deadline();
        let response = attempt::open(&self.app, candidate, inference, deadline).await?;
        let mut reader = Reader::new(&self.app, candidate, response)?;
        let mut deltas = Vec::new();
        loop {
            let before = deltas.len();
            let next = timeout_at(deadline.into(), reader.next(&mut deltas)).await;
            let has_more = next.unwrap_or_else(|_| Err(attempt::too_slow()))?;
            deltas.iter().skip(before).for_each(|delta| tally.note(delta));
            if !has_more {
                return Ok(deltas);
            }
            if !self.cover(candidate, tally.characters).await {
                let native = Some("insufficient_credits".to_owned());
                deltas.push(Delta::Finish { choice: 0, reason: FinishReason::Length, native });
                return Ok(deltas);
            }
        }
    }
}
