//! Reads an answer as it arrives and puts it on the screen, a frame at a time.

use web_sys::AbortSignal;

use super::room::{Room, Turn};
use crate::api::ChatMessage;

/// Fills `turn` until the answer ends, fails or is stopped.
#[cfg(feature = "hydrate")]
pub async fn answer(room: Room, turn: &Turn, model: &str, messages: &[ChatMessage], abort: &AbortSignal) {
    use leptos::prelude::*;

    use crate::api::use_api;
    use crate::islands::browser::now_ms;

    let started = now_ms();
    let outcome = read(room, turn, use_api().chat(model, messages, abort).await, started).await;
    turn.kept.update(|kept| {
        kept.facts.total_ms = Some(whole(now_ms() - started));
        if abort.aborted() {
            kept.facts.is_stopped = true;
        } else if let Err(error) = outcome {
            kept.problem = Some(error.into());
        }
    });
}

/// The server renders the empty room only.
#[cfg(not(feature = "hydrate"))]
#[expect(clippy::unused_async, reason = "the same shape as in the browser")]
pub async fn answer(_: Room, _: &Turn, _: &str, _: &[ChatMessage], _: &AbortSignal) {}

#[cfg(feature = "hydrate")]
async fn read(
    room: Room,
    turn: &Turn,
    chunks: crate::api::ApiResult<crate::api::ChatStream>,
    started: f64,
) -> crate::api::ApiResult<()> {
    use futures::StreamExt as _;
    use leptos::prelude::*;

    use crate::api::ApiError;
    use crate::islands::browser::now_ms;

    /// Between two repaints, ms: Markdown is rendered anew each time.
    const FRAME: f64 = 40.0;

    let mut chunks = chunks?;
    // What has arrived but is not on the screen yet.
    let mut kept = turn.kept.get_untracked();
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
        if now_ms() - painted > FRAME {
            painted = now_ms();
            turn.kept.set(kept.clone());
            room.progress.notify();
        }
    }
    let is_empty = kept.content.is_empty() && kept.reasoning.is_empty();
    turn.kept.set(kept);
    room.progress.notify();
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
