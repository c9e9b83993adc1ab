//! Reads an answer as it arrives and puts it on the screen, a frame at a time.

use serde_json::Value;
use web_sys::AbortSignal;

use super::column::{Column, Turn};

/// Fills `turn` until the answer ends, fails or is stopped.
#[cfg(feature = "hydrate")]
pub async fn answer(column: Column, turn: &Turn, body: &Value, abort: &AbortSignal) {
    use leptos::prelude::*;

    use crate::api::use_api;
    use crate::islands::browser::now_ms;
    use crate::types::chats::Problem;

    let started = now_ms();
    turn.kept.update(|kept| {
        kept.problem = None;
        kept.facts.is_stopped = false;
        kept.facts.first_token_ms = None;
    });
    let outcome = read(column, turn, use_api().chat(body, abort).await, started).await;
    turn.kept.update(|kept| {
        kept.facts.total_ms = Some(whole(now_ms() - started));
        if abort.aborted() {
            kept.facts.is_stopped = true;
        } else if let Err(error) = outcome {
            kept.problem = Some(Problem { status: error.status, message: error.message });
        }
    });
}

/// The server renders the empty room only.
#[cfg(not(feature = "hydrate"))]
#[expect(clippy::unused_async, reason = "the same shape as in the browser")]
pub async fn answer(_: Column, _: &Turn, _: &Value, _: &AbortSignal) {}

#[cfg(feature = "hydrate")]
async fn read(
    column: Column,
    turn: &Turn,
    chunks: crate::api::ApiResult<crate::api::ChatStream>,
    started: f64,
) -> crate::api::ApiResult<()> {
    use futures::StreamExt as _;
    use leptos::prelude::*;

    use crate::api::ApiError;
    use crate::islands::browser::now_ms;

    /// Between two repaints, ms: Markdown is rendered anew each time.
    const FRAME: f64 = 60.0;

    let mut chunks = chunks?;
    // What has arrived but is not on the screen yet.
    let mut kept = turn.kept.get_untracked();
    let before = kept.content.len() + kept.reasoning.len();
    let mut painted = 0.0;
    let mut failure = None;
    while let Some(chunk) = chunks.next().await {
        let chunk = match chunk {
            Ok(chunk) => chunk,
            Err(error) => {
                failure = Some(error);
                break;
            }
        };
        if kept.facts.first_token_ms.is_none() && !(chunk.content().is_empty() && chunk.reasoning().is_empty()) {
            kept.facts.first_token_ms = Some(whole(now_ms() - started));
        }
        kept.content.push_str(chunk.content());
        kept.reasoning.push_str(chunk.reasoning());
        if let Some(reason) = chunk.finish_reason() {
            kept.facts.finish_reason = Some(reason.to_owned());
        }
        kept.facts.id = chunk.id.or(kept.facts.id);
        kept.facts.model = chunk.model.or(kept.facts.model);
        kept.facts.provider = chunk.provider.or(kept.facts.provider);
        if let Some(usage) = chunk.usage {
            kept.facts.prompt_tokens = Some(usage.prompt_tokens);
            kept.facts.completion_tokens = Some(usage.completion_tokens);
            kept.facts.cost = usage.cost;
        }
        if let Some(error) = chunk.error {
            failure = Some(ApiError { status: error.code, message: error.message });
        }
        // The longer the answer, the rarer it is rendered: a frame never takes most of the time.
        let pause = FRAME.max(f64::from(u32::try_from(kept.content.len() / 200).unwrap_or(u32::MAX)).min(400.0));
        if now_ms() - painted > pause {
            painted = now_ms();
            kept.facts.total_ms = Some(whole(painted - started));
            turn.kept.set(kept.clone());
            column.progress.notify();
        }
    }
    let is_empty = kept.content.len() + kept.reasoning.len() == before;
    turn.kept.set(kept);
    column.progress.notify();
    match failure {
        Some(error) => Err(error),
        None if is_empty => Err(ApiError::unreachable("the answer had no text")),
        None => Ok(()),
    }
}

#[cfg(feature = "hydrate")]
#[expect(clippy::cast_possible_truncation, clippy::as_conversions, reason = "milliseconds of one answer")]
const fn whole(ms: f64) -> i64 {
    ms as i64
}
