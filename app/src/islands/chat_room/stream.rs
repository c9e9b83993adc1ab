//! Reads an answer as it arrives and puts it on the screen, a frame at a time.

use serde_json::Value;
use web_sys::AbortSignal;

use super::column::{Column, Turn};
#[cfg(feature = "hydrate")]
use crate::types::Money;
#[cfg(feature = "hydrate")]
use crate::types::chats::{Facts, Source, ToolCall, ToolStep};

/// Fills `turn` until the answer ends, fails or is stopped. True when it called tools, which have
/// answered, so that it goes on from there.
#[cfg(feature = "hydrate")]
pub async fn answer(column: Column, turn: &Turn, body: &Value, abort: &AbortSignal, round: usize) -> bool {
    use leptos::prelude::*;

    use crate::api::use_api;
    use crate::islands::browser::now_ms;
    use crate::types::chats::Problem;

    let begun = now_ms();
    turn.kept.update(|kept| {
        kept.problem = None;
        kept.facts.is_stopped = false;
        if round == 0 {
            kept.facts.first_token_ms = None;
        }
    });
    // All rounds are one answer: one time and one bill.
    let before = if round == 0 { Facts::default() } else { turn.kept.with_untracked(|kept| kept.facts.clone()) };
    let started = begun - before.total_ms.map_or(0.0, |ms| f64::from(i32::try_from(ms).unwrap_or(i32::MAX)));
    let outcome = read(column, turn, use_api().chat(body, abort).await, started, &before).await;
    let mut is_unfinished = false;
    turn.kept.update(|kept| {
        kept.facts.total_ms = Some(whole(now_ms() - started));
        if abort.aborted() {
            kept.facts.is_stopped = true;
            return;
        }
        match outcome {
            Ok(None) => {}
            Ok(Some(mut step)) => {
                for call in &mut step.calls {
                    call.result = super::tools::run(call);
                }
                step.content = std::mem::take(&mut kept.content);
                kept.steps.push(step);
                is_unfinished = true;
            }
            Err(error) => kept.problem = Some(Problem { status: error.status, message: error.message }),
        }
    });
    is_unfinished
}

/// The server renders the empty room only.
#[cfg(not(feature = "hydrate"))]
#[expect(clippy::unused_async, reason = "the same shape as in the browser")]
pub async fn answer(_: Column, _: &Turn, _: &Value, _: &AbortSignal, _: usize) -> bool {
    false
}

#[cfg(feature = "hydrate")]
async fn read(
    column: Column,
    turn: &Turn,
    chunks: crate::api::ApiResult<crate::api::ChatStream>,
    started: f64,
    before: &Facts,
) -> crate::api::ApiResult<Option<ToolStep>> {
    use futures::StreamExt as _;
    use leptos::prelude::*;

    use crate::api::ApiError;
    use crate::islands::browser::now_ms;

    /// Between two repaints, ms: Markdown is rendered anew each time.
    const FRAME: f64 = 60.0;

    let mut chunks = chunks?;
    // What has arrived but is not on the screen yet.
    let mut kept = turn.kept.get_untracked();
    let length = kept.content.len() + kept.reasoning.len();
    let mut step = ToolStep::default();
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
        gather(&chunk, &mut step, &mut kept.sources);
        kept.content.push_str(chunk.content());
        kept.reasoning.push_str(chunk.reasoning());
        if let Some(reason) = chunk.finish_reason() {
            kept.facts.finish_reason = Some(reason.to_owned());
        }
        kept.facts.id = chunk.id.or(kept.facts.id);
        kept.facts.model = chunk.model.or(kept.facts.model);
        kept.facts.provider = chunk.provider.or(kept.facts.provider);
        if let Some(usage) = chunk.usage {
            kept.facts.prompt_tokens = Some(before.prompt_tokens.unwrap_or(0) + usage.prompt_tokens);
            kept.facts.completion_tokens = Some(before.completion_tokens.unwrap_or(0) + usage.completion_tokens);
            kept.facts.cost = usage.cost.map(|cost| cost.plus(before.cost.unwrap_or(Money::ZERO))).or(before.cost);
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
    let is_empty = kept.content.len() + kept.reasoning.len() == length && step.calls.is_empty();
    turn.kept.set(kept);
    column.progress.notify();
    match failure {
        Some(error) => Err(error),
        None if is_empty => Err(ApiError::unreachable("the answer had no text")),
        None => Ok((!step.calls.is_empty()).then_some(step)),
    }
}

/// The tools a chunk calls, the thoughts behind that, and the pages it names.
#[cfg(feature = "hydrate")]
fn gather(chunk: &crate::api::ChatChunk, step: &mut ToolStep, sources: &mut Vec<Source>) {
    for choice in &chunk.choices {
        for part in &choice.delta.tool_calls {
            if step.calls.len() <= part.index && part.index < 64 {
                step.calls.resize(part.index + 1, ToolCall::default());
            }
            let Some(call) = step.calls.get_mut(part.index) else { continue };
            call.id.push_str(part.id.as_deref().unwrap_or_default());
            call.name.push_str(part.function.name.as_deref().unwrap_or_default());
            call.arguments.push_str(part.function.arguments.as_deref().unwrap_or_default());
        }
        step.details.extend(choice.delta.reasoning_details.iter().cloned());
        for note in &choice.delta.annotations {
            if note.url_citation.is_web() && !sources.contains(&note.url_citation) {
                sources.push(note.url_citation.clone());
            }
        }
    }
}

#[cfg(feature = "hydrate")]
#[expect(clippy::cast_possible_truncation, clippy::as_conversions, reason = "milliseconds of one answer")]
const fn whole(ms: f64) -> i64 {
    ms as i64
}
