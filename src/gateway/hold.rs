//! How much credit a request sets aside: the prompt and a step of output, never
//! the model's whole ceiling.

use app::types::Money;

use crate::App;
use crate::billing::ledger::{Hold, HoldError, Payer};
use crate::dialects::Inference;
use crate::error::{Error, Result};
use crate::gateway::route::Candidate;

/// With less output than this a paid answer is not worth starting.
const LEAST_OUTPUT_TOKENS: u64 = 256;

/// Holds for the first step. Returns the hold and the output tokens it covers.
///
/// # Errors
/// 402 that says how much would fit, or 403 naming the key's limit.
pub async fn first(
    app: &App,
    id: &str,
    payer: &Payer,
    inference: &Inference,
    candidates: &[Candidate],
    prompt_estimate: u64,
) -> Result<(Hold, u64)> {
    let settings = app.config.holds;
    let prompt = prompt_estimate + prompt_estimate * settings.prompt_margin_percent / 100;
    let wanted = wanted_tokens(inference, candidates, settings.step_tokens);
    let ttl = i64::try_from(app.config.timeouts.total_ms).unwrap_or(i64::MAX / 2).saturating_add(60_000);
    let mut steps = vec![wanted];
    if wanted > LEAST_OUTPUT_TOKENS {
        steps.push(LEAST_OUTPUT_TOKENS);
    }
    let mut last = HoldError::Unavailable;
    for tokens in steps {
        match app.ledger.hold(id, payer, dearest(candidates, prompt, tokens), ttl).await {
            Ok(hold) => return Ok((hold, tokens)),
            Err(error @ (HoldError::Insufficient { .. } | HoldError::KeyLimit { .. })) => last = error,
            Err(HoldError::Unavailable) => return Err(Error::Busy { retry_after_s: 1 }),
        }
    }
    Err(refusal(last, candidates, prompt, wanted))
}

/// What the next step of output costs at this endpoint.
#[must_use]
pub fn step_cost(candidate: &Candidate, prompt_tokens: u64, from: u64, to: u64) -> Money {
    let prices = &candidate.endpoint.prices;
    prices.at_most(prompt_tokens, to).minus(prices.at_most(prompt_tokens, from))
}

/// A streamed answer is held for step by step; a whole one comes at once.
fn wanted_tokens(inference: &Inference, candidates: &[Candidate], step: u64) -> u64 {
    let ceiling = candidates.iter().filter_map(|candidate| candidate.endpoint.max_output_tokens).max();
    let ceiling = ceiling.and_then(|tokens| u64::try_from(tokens).ok()).unwrap_or(u64::MAX);
    let first = if inference.is_streamed { step } else { step.saturating_mul(4) };
    match inference.max_tokens() {
        Some(max) if !inference.is_streamed => max.min(ceiling),
        Some(max) => max.min(first),
        None => first.min(ceiling),
    }
}

fn dearest(candidates: &[Candidate], prompt_tokens: u64, output_tokens: u64) -> Money {
    candidates
        .iter()
        .map(|candidate| candidate.endpoint.prices.at_most(prompt_tokens, output_tokens))
        .max()
        .unwrap_or(Money::ZERO)
}

fn refusal(why: HoldError, candidates: &[Candidate], prompt: u64, wanted: u64) -> Error {
    let (left, whose) = match why {
        HoldError::Insufficient { available } => (available, None),
        HoldError::KeyLimit { remaining } => (remaining, Some(())),
        HoldError::Unavailable => return Error::Busy { retry_after_s: 1 },
    };
    let needed = dearest(candidates, prompt, wanted.min(LEAST_OUTPUT_TOKENS));
    let fit = tokens_that_fit(candidates, prompt, left);
    let remedy = if fit == 0 {
        "not even the prompt fits".to_owned()
    } else {
        format!("about {fit} output tokens would fit: lower max_tokens to that")
    };
    if whose.is_some() {
        return Error::Forbidden(format!(
            "This key's limit leaves {}, and the request needs {}; {remedy}, or raise the limit on the keys page.",
            left.dollars(),
            needed.dollars()
        ));
    }
    Error::InsufficientCredits(format!(
        "This request needs {} and {} is available; {remedy}, choose a cheaper model, or add credit on the credits page.",
        needed.dollars(),
        left.dollars()
    ))
}

/// The most output tokens that fit into `left`, by halving.
fn tokens_that_fit(candidates: &[Candidate], prompt: u64, left: Money) -> u64 {
    let (mut low, mut high) = (0_u64, 1_000_000_u64);
    if dearest(candidates, prompt, 1) > left {
        return 0;
    }
    while low < high {
        let middle = low + (high - low).div_ceil(2);
        if dearest(candidates, prompt, middle) <= left { low = middle } else { high = middle - 1 }
    }
    low
}
