//! Tells those who watch this server how a request went.

use app::types::Money;

use super::Run;
use crate::store::generations::GenerationRow;
use crate::telemetry::{Answer, Attempt};

impl Run {
    /// Counts and traces a request that is over.
    pub(super) fn observe(&self, row: &GenerationRow, charge: Money) {
        if !self.app.telemetry.is_on() {
            return;
        }
        let attempts: Vec<Attempt> = self
            .tried
            .iter()
            .map(|tried| Attempt {
                provider: tried.provider_name.clone(),
                endpoint_id: tried.endpoint_id.clone(),
                status: tried.status,
                took_ms: tried.latency_ms,
            })
            .collect();
        self.app.telemetry.note(&Answer {
            generation_id: &row.id,
            api: &row.api_type,
            model: &row.model_id,
            provider: &row.provider_name,
            began_at: row.created_at,
            first_token_ms: row.latency_ms,
            total_ms: i64::try_from(self.started.elapsed().as_millis()).unwrap_or(i64::MAX),
            status: row.status,
            is_cancelled: row.is_cancelled == 1,
            error: row.error.as_deref(),
            prompt_tokens: row.prompt_tokens,
            completion_tokens: row.completion_tokens,
            reasoning_tokens: row.reasoning_tokens,
            cached_tokens: row.cached_tokens,
            charged_nanos: charge.0,
            attempts: &attempts,
        });
    }
}
