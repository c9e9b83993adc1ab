//! A stream that broke off, completed by another endpoint, for callers who ask for it.
//!
//! Off unless asked for: two endpoints of one model need not say the same.

use std::time::Instant;

use serde_json::json;

use super::failover::begin;
use super::whole::Begun;
use super::{Run, route::Candidate};
use crate::dialects::continuation::{self, Joint};
use crate::dialects::{Fault, FaultKind};

/// Attempts a broken stream is given beside the usual ones.
const EXTRA_ATTEMPTS: usize = 2;

impl Run {
    /// An answer that goes on behind `delivered`, of the next endpoint that gives one.
    /// `None` when none does; the stream is over then.
    pub(super) async fn resume(
        &mut self,
        broken: &Candidate,
        fault: &Fault,
        delivered: &str,
    ) -> Option<(Candidate, Begun, Joint)> {
        if !fault.kind.is_retriable() || Instant::now() >= self.deadline() {
            return None;
        }
        if self.resumed.is_none() {
            self.most_attempts = self.tried.len().saturating_add(EXTRA_ATTEMPTS);
        }
        if let Some(tried) = self.tried.last_mut() {
            tried.fault = Some(fault.clone());
        }
        let mut may_repeat = true;
        loop {
            let Some(candidate) = self.next_candidate().await else {
                // Nobody else is left: the same endpoint may have recovered.
                if !std::mem::replace(&mut may_repeat, false) || self.candidates.len() > 1 {
                    return None;
                }
                self.taken.clear();
                continue;
            };
            if let Some((begun, joint, technique)) = self.go_on(&candidate, delivered).await {
                if self.resumed.is_none() {
                    self.note_failure(broken, fault);
                }
                self.resumed = Some(json!({
                    "technique": technique,
                    "from": broken.provider.name,
                    "by": candidate.provider.name,
                    "after_characters": delivered.chars().count(),
                    "cause": fault.message,
                }));
                return Some((candidate, begun, joint));
            }
        }
    }

    /// One endpoint's attempt at the rest: with a prefill where it takes one, else,
    /// and where it does not after all, with the same question.
    async fn go_on(&mut self, candidate: &Candidate, delivered: &str) -> Option<(Begun, Joint, &'static str)> {
        let dialect = candidate.provider.dialect?;
        let takes_prefill =
            continuation::goes_on(dialect, &candidate.provider.quirks, &candidate.endpoint.upstream_model);
        let deadline = self.attempt_deadline(candidate);
        if takes_prefill && !delivered.trim().is_empty() {
            let began = Instant::now();
            let rest = continuation::prefilled(&self.job.inference, delivered);
            let result = begin(&self.app, candidate, &rest, deadline).await;
            self.note_attempt(candidate, began, &result);
            match result {
                Ok(begun) => return Some((begun, Joint::behind_prefill(delivered), "prefill")),
                Err(fault) if matches!(fault.kind, FaultKind::InvalidRequest | FaultKind::Untranslatable) => {}
                Err(_) => return None,
            }
        }
        let began = Instant::now();
        let result = begin(&self.app, candidate, &self.job.inference, deadline).await;
        self.note_attempt(candidate, began, &result);
        result.ok().map(|begun| (begun, Joint::behind_repetition(delivered), "repetition"))
    }
}
