//! The order in which endpoints are tried.

use rand::RngExt as _;
use rand::seq::IteratorRandom as _;

use super::preferences::{Preferences, Sort};
use super::{Candidate, is_named};
use crate::App;
use crate::catalog::{Endpoint, Tier};
use crate::dialects::Inference;

/// Endpoints whose tool calls are unsound more often than this come after the others.
const MOST_UNSOUND: f64 = 0.05;
/// So many requests sorted by a statistic come to one that gathers it where it is missing.
const ONE_TRIAL_IN: u32 = 20;

/// The order of one model's endpoints.
///
/// `variant` is the order the model's name asks for; the request's own wins.
pub(super) fn order(
    app: &App,
    inference: &Inference,
    preferences: &Preferences<'_>,
    variant: Option<Sort>,
    mut rest: Vec<Candidate>,
) -> Vec<Candidate> {
    let now = app.clock.now_ms();
    rest.sort_by_key(|candidate| blended(&candidate.endpoint));
    let mut out = Vec::with_capacity(rest.len());
    for slug in preferences.raw.order.iter().flatten() {
        let (named, others): (Vec<_>, Vec<_>) = rest.into_iter().partition(|candidate| is_named(candidate, slug));
        out.extend(named);
        rest = others;
    }
    let has_order = !out.is_empty();
    // Who waits to save money wants the cheapest of those who let him.
    let by_tier = (preferences.tier == Some(Tier::Flex)).then_some(Sort::Price);
    let sort = preferences.sort.or(variant).or(by_tier);
    match sort {
        Some(Sort::Price) => {}
        Some(Sort::Latency) => {
            sort_by_statistic(&mut rest, |endpoint| app.health.median_latency(&endpoint.id, now));
        }
        Some(Sort::Throughput) => {
            sort_by_statistic(&mut rest, |endpoint| app.health.median_throughput(&endpoint.id, now).map(|t| -t));
        }
        Some(Sort::Exacto) => {
            sort_by_statistic(&mut rest, |endpoint| app.health.median_throughput(&endpoint.id, now).map(|t| -t));
            rest.sort_by(|a, b| {
                let unsound = |candidate: &Candidate| unsound_calls(app, &candidate.endpoint, now);
                unsound(a).total_cmp(&unsound(b))
            });
            rest.sort_by_key(|candidate| !["tools", "tool_choice"].iter().all(|p| candidate.endpoint.supports(p)));
        }
        Some(Sort::Context) => {
            rest.sort_by_key(|candidate| std::cmp::Reverse(candidate.endpoint.context_length.unwrap_or(i64::MAX)));
        }
        None if has_order => {}
        None => draw_first(app, inference, &mut rest, now),
    }
    // Endpoints that miss a wish go back, and those in an outage last, each in their order.
    if preferences.throughput.is_some() || preferences.latency.is_some() {
        rest.sort_by_key(|candidate| {
            let statistics = app.health.statistics(&candidate.endpoint.id, now);
            preferences.throughput.is_missed(statistics.throughput_5m, |value, wish| value < wish)
                || preferences.latency.is_missed(statistics.latency_5m, |value, wish| value > wish)
        });
    }
    if sort.is_none() {
        rest.sort_by_key(|candidate| app.health.is_down(candidate.record_id(), now));
    }
    if let Some(tier) = preferences.tier {
        rest.sort_by_key(|candidate| candidate.endpoint.tier() != Some(tier));
    }
    out.extend(rest);
    // Own credentials come before everything the caller asked for, or after it.
    out.sort_by_key(|candidate| match &candidate.own {
        Some(own) if !own.key.is_fallback => 0,
        None => 1,
        Some(_) => 2,
    });
    out
}

/// Ascending; what has no statistic comes after what has. One request of a few goes to
/// one of those first, or the quickest would never be found out.
fn sort_by_statistic(rest: &mut Vec<Candidate>, statistic: impl Fn(&Endpoint) -> Option<f64>) {
    let mut known: Vec<(f64, Candidate)> =
        rest.drain(..).map(|candidate| (statistic(&candidate.endpoint).unwrap_or(f64::INFINITY), candidate)).collect();
    known.sort_by(|(a, _), (b, _)| a.total_cmp(b));
    let unknown = known.iter().filter(|(value, _)| value.is_infinite()).count();
    let is_trial = unknown > 0 && unknown < known.len() && rand::rng().random_range(0..ONE_TRIAL_IN) == 0;
    if is_trial {
        let place = known.len() - 1 - rand::rng().random_range(0..unknown);
        let tried = known.remove(place);
        known.insert(0, tried);
    }
    rest.extend(known.into_iter().map(|(_, candidate)| candidate));
}

/// Moves one healthy endpoint to the front, drawn by weight 1/price². Endpoints
/// that know all parameters in use are preferred where there are any.
fn draw_first(app: &App, inference: &Inference, rest: &mut Vec<Candidate>, now: i64) {
    if rest.len() < 2 {
        return;
    }
    let fits = fitting(app, inference, now);
    rest.sort_by_key(|candidate| !fits(candidate));
    let weights = weights(app, inference, rest, now);
    let total: f64 = weights.iter().sum();
    if total <= 0.0 {
        return;
    }
    let mut point = rand::rng().random_range(0.0..total);
    let drawn = weights.iter().position(|weight| {
        point -= weight;
        point < 0.0
    });
    if let Some(drawn) = drawn {
        let first = rest.remove(less_busy(app, rest, &weights, drawn, now));
        rest.insert(0, first);
    }
}

/// The one that was drawn, or another at the same price that has less to do: of two
/// choices the better one, by requests under way times the usual time to the first token.
fn less_busy(app: &App, rest: &[Candidate], weights: &[f64], drawn: usize, now: i64) -> usize {
    let load = |index: usize| {
        let id = rest.get(index).map_or("", |candidate| candidate.record_id());
        let usual = app.health.median_latency(id, now);
        (f64::from(app.health.load(id).0), usual)
    };
    let price = |index: usize| rest.get(index).map(|candidate| blended(&candidate.endpoint));
    let is_equal = |index: &usize| {
        *index != drawn && price(*index) == price(drawn) && weights.get(*index).is_some_and(|weight| *weight > 0.0)
    };
    let Some(other) = (0..rest.len()).filter(is_equal).choose(&mut rand::rng()) else { return drawn };
    let ((own, own_usual), (others, others_usual)) = (load(drawn), load(other));
    // While nothing is under way the draw alone decides.
    let (own_time, others_time) = own_usual.zip(others_usual).unwrap_or((1.0, 1.0));
    if own > 0.0 && (others + 1.0) * others_time < (own + 1.0) * own_time { other } else { drawn }
}

/// Tells which endpoints are preferred: those that know all parameters in use and, where
/// tools are used, do not call them wrongly too often.
fn fitting(app: &App, inference: &Inference, now: i64) -> impl Fn(&Candidate) -> bool {
    let wanted = wanted(inference);
    move |candidate| {
        let endpoint = &candidate.endpoint;
        let calls_well = || unsound_calls(app, endpoint, now) <= MOST_UNSOUND;
        wanted.iter().all(|parameter| endpoint.supports(parameter)) && (!wanted.contains(&"tools") || calls_well())
    }
}

/// The share of answers with tool calls that could not be carried out: an unknown tool,
/// or arguments that are no JSON. Nothing where too few are known.
fn unsound_calls(app: &App, endpoint: &Endpoint, now: i64) -> f64 {
    app.health.statistics(&endpoint.id, now).tool_calls.map_or(0.0, |sound| 1.0 - sound)
}

/// Parameters in use that an endpoint is preferred for, even where it need not know all.
fn wanted(inference: &Inference) -> Vec<&'static str> {
    let wishes = [
        ("tools", !inference.tools.is_empty()),
        ("response_format", inference.wants_json()),
        ("structured_outputs", inference.wants_schema()),
    ];
    let is_used = |(name, is_used): (&'static str, bool)| (is_used && inference.retrieval.is_none()).then_some(name);
    wishes.into_iter().filter_map(is_used).collect()
}

/// The weight of each in the draw: 1/price² of those that fit best and are up.
fn weights(app: &App, inference: &Inference, rest: &[Candidate], now: i64) -> Vec<f64> {
    let fits = fitting(app, inference, now);
    let best = rest.iter().any(&fits);
    rest.iter()
        .map(|candidate| {
            let is_up = !app.health.is_down(candidate.record_id(), now);
            let share = app.health.share(candidate.record_id(), now);
            if fits(candidate) == best && is_up { weight(&candidate.endpoint) * share } else { 0.0 }
        })
        .collect()
}

/// The chance of each of one model's endpoints to be drawn first, 0 to 1, where
/// nothing else decides the order.
#[must_use]
pub fn shares(app: &App, inference: &Inference, candidates: &[Candidate]) -> Vec<f64> {
    let weights = weights(app, inference, candidates, app.clock.now_ms());
    let total: f64 = weights.iter().sum();
    weights.into_iter().map(|weight| if total > 0.0 { weight / total } else { 0.0 }).collect()
}

/// Three prompt tokens to one of the answer, pico-USD.
#[must_use]
pub fn blended(endpoint: &Endpoint) -> i128 {
    i128::from(endpoint.prices.prompt.0) * 3
        + i128::from(endpoint.prices.completion.0)
        + i128::from(endpoint.prices.request.0)
}

#[expect(clippy::as_conversions, clippy::cast_precision_loss, reason = "a weight needs no exact price")]
fn weight(endpoint: &Endpoint) -> f64 {
    // A free endpoint gets the weight of a very cheap one, not an infinite one.
    let price = blended(endpoint).max(1_000) as f64;
    1.0 / (price * price)
}
