//! How much credit a request sets aside: the prompt and a step of output, never
//! the model's whole ceiling.

use app::types::Money;
use app::types::keys::LimitReset;

use crate::App;
use crate::billing::ledger::{Hold, HoldError, Payer, Stake};
use crate::catalog::Prices;
use crate::dialects::{Inference, Usage};
use crate::error::{Error, Result};
use crate::gateway::route::Candidate;
use crate::gateway::web;

/// With less output than this a paid answer is not worth starting.
const LEAST_OUTPUT_TOKENS: u64 = 256;

/// What a request costs beside its output.
#[derive(Clone, Copy, Debug)]
pub struct Ask {
    pub prompt_estimate: u64,
    /// A search on the web that this server makes for it.
    pub search: Money,
}

/// What a request begins with.
pub struct First {
    pub hold: Hold,
    /// Output tokens the hold covers.
    pub tokens: u64,
    /// The hold covers the longest answer there can be. Where it does not, an answer
    /// in one piece is read as a stream too, so that it stops where the credit ends.
    pub covers_all: bool,
}

/// Holds for the first step, or for the whole of an answer in one piece where that
/// is a small part of the balance.
///
/// # Errors
/// 402 that says how much would fit, or 403 naming the key's limit.
pub async fn first(
    app: &App,
    id: &str,
    payer: &Payer,
    inference: &Inference,
    candidates: &[Candidate],
    ask: Ask,
) -> Result<First> {
    let settings = app.config.holds;
    let prompt = ask.prompt_estimate + ask.prompt_estimate * settings.prompt_margin_percent / 100;
    let ttl = i64::try_from(app.config.timeouts.total_ms).unwrap_or(i64::MAX / 2).saturating_add(60_000);
    let most = most_tokens(inference, candidates);
    let more = more_searches(inference, candidates).plus(ask.search);
    let hour = inference.wants_hour_cache();
    let step = first_step(inference, candidates, settings.step_tokens).min(most);
    let mut steps = Vec::with_capacity(3);
    if !inference.is_streamed {
        // A ceiling the caller set is held as it is; one of the model only where it does not hurt.
        let cost = dearest(candidates, prompt, most, hour).plus(more.into());
        let is_small =
            || app.ledger.known_available(&payer.account_id).is_some_and(|left| cost.credit.0 <= left.0 / 20);
        if inference.max_tokens().is_some() || is_small() {
            steps.push(most);
        }
    }
    steps.extend([step, step.min(LEAST_OUTPUT_TOKENS)]);
    steps.dedup();
    let mut last = HoldError::Unavailable;
    for tokens in steps {
        match app.ledger.hold(id, payer, dearest(candidates, prompt, tokens, hour).plus(more.into()), ttl).await {
            Ok(hold) => return Ok(First { hold, tokens, covers_all: tokens >= most }),
            Err(error @ (HoldError::Insufficient { .. } | HoldError::KeyLimit { .. } | HoldError::Budget { .. })) => {
                last = error;
            }
            Err(HoldError::Unavailable) => return Err(Error::Busy { retry_after_s: 1 }),
            Err(HoldError::Frozen) => return Err(frozen()),
        }
    }
    Err(refusal(last, payer, candidates, prompt, step, hour))
}

/// What the next step of output costs at this endpoint.
#[must_use]
pub fn step_cost(candidate: &Candidate, prompt_tokens: u64, from: u64, to: u64) -> Stake {
    // What the prompt costs is the same on both sides.
    candidate.at_most(prompt_tokens, to, false).minus(candidate.at_most(prompt_tokens, from, false))
}

/// The most output tokens there can be, of all choices together.
#[must_use]
pub fn most_tokens(inference: &Inference, candidates: &[Candidate]) -> u64 {
    let ceiling = candidates.iter().filter_map(|candidate| candidate.endpoint.max_output_tokens).max();
    let ceiling = ceiling.and_then(|tokens| u64::try_from(tokens).ok()).filter(|tokens| *tokens > 0);
    let each = inference.max_tokens().unwrap_or(u64::MAX).min(ceiling.unwrap_or(u64::MAX));
    each.saturating_mul(inference.sampling.n.unwrap_or(1).max(1))
}

/// A model that thinks may use much before it says anything, and what it thinks is
/// often not shown: its first step is longer.
fn first_step(inference: &Inference, candidates: &[Candidate], step: u64) -> u64 {
    let is_off = inference.reasoning.as_ref().is_some_and(|reasoning| !reasoning.is_on());
    let thinks = !is_off && candidates.iter().any(|candidate| candidate.endpoint.supports("reasoning"));
    step.saturating_mul(if thinks { 4 } else { 1 })
}

/// The most credit any of them costs, and beside it what makes up the most that credit and
/// own key cost together. `hour` says that parts of the prompt may be cached for an hour.
fn dearest(candidates: &[Candidate], prompt_tokens: u64, output_tokens: u64, hour: bool) -> Stake {
    let costs = candidates.iter().map(|candidate| candidate.at_most(prompt_tokens, output_tokens, hour));
    let (credit, both) = costs.fold((Money::ZERO, Money::ZERO), |(credit, both), cost| {
        (credit.max(cost.credit), both.max(cost.counted(true)))
    });
    Stake { credit, own: both.minus(credit) }
}

/// What the searches of a ranking cost beyond the first, and those a model may make on the web.
fn more_searches(inference: &Inference, candidates: &[Candidate]) -> Money {
    if let Some(wish) = &inference.web_search {
        return web::most(wish, candidates, !inference.tools.is_empty());
    }
    let more = inference.retrieval.as_ref().map_or(0, |wish| wish.searches().saturating_sub(1));
    let price = candidates
        .iter()
        .filter(|own| own.own.is_none())
        .map(|candidate| candidate.endpoint.prices.request)
        .max()
        .unwrap_or_default();
    let usage = Usage { searches: Some(more), ..Usage::default() };
    Prices { request: price, ..Prices::default() }.cost(&usage).total
}

fn frozen() -> Error {
    Error::Forbidden(
        "This organization is frozen because a payment was disputed. Write to the operator of this server.".to_owned(),
    )
}

fn refusal(why: HoldError, payer: &Payer, candidates: &[Candidate], prompt: u64, wanted: u64, hour: bool) -> Error {
    let mut includes_byok = false;
    let (left, whose) = match why {
        HoldError::Insufficient { available } => (available, None),
        HoldError::KeyLimit { remaining } => {
            includes_byok = payer.includes_byok;
            (remaining, Some(("This key's limit", "or raise the limit on the keys page".to_owned())))
        }
        HoldError::Budget { index, remaining } => {
            let budget = payer.budgets.get(index);
            includes_byok = budget.is_some_and(|budget| budget.includes_byok);
            let until = match budget.and_then(|budget| budget.reset) {
                Some(LimitReset::Daily) => "wait until it starts anew at 00:00 UTC, ",
                Some(LimitReset::Weekly) => "wait until it starts anew on Monday at 00:00 UTC, ",
                Some(LimitReset::Monthly) => "wait until it starts anew on the first of the month at 00:00 UTC, ",
                None => "",
            };
            let name = budget.map_or("A budget", |budget| &budget.name);
            (remaining, Some((name, format!("{until}or ask an admin to raise it"))))
        }
        HoldError::Unavailable => return Error::Busy { retry_after_s: 1 },
        HoldError::Frozen => return frozen(),
    };
    let cost = |tokens| dearest(candidates, prompt, tokens, hour).counted(includes_byok);
    let needed = cost(wanted.min(LEAST_OUTPUT_TOKENS));
    let fit = tokens_that_fit(left, cost);
    let remedy = if fit == 0 {
        "not even the prompt fits".to_owned()
    } else {
        format!("about {fit} output tokens would fit: lower max_tokens to that")
    };
    if let Some((name, way_out)) = whose {
        let counted = if includes_byok { " (your own provider keys count)" } else { "" };
        return Error::Forbidden(format!(
            "{name} leaves {}, and the request needs {}{counted}; {remedy}, {way_out}.",
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
fn tokens_that_fit(left: Money, cost: impl Fn(u64) -> Money) -> u64 {
    let (mut low, mut high) = (0_u64, 1_000_000_u64);
    if cost(1) > left {
        return 0;
    }
    while low < high {
        let middle = low + (high - low).div_ceil(2);
        if cost(middle) <= left { low = middle } else { high = middle - 1 }
    }
    low
}
