//! How a request would be routed, without sending it anywhere.

use app::types::activity::{Routing, RoutingCandidate};
use serde_json::{Value, json};

use super::tokenizers::Counter;
use super::{estimate, pin, route};
use crate::App;
use crate::dialects::Inference;
use crate::error::{Error, Result};
use crate::gateway::named::Strategy;
use crate::gateway::route::{Candidate, Plan, Refused, Survey, Terms};

/// Every endpoint that was looked at: those to try in their order, each with its price,
/// its figures and its chance to be first; and those left out, each with the reason.
///
/// # Errors
/// 400 for an unknown model or a malformed preference.
pub fn explain(app: &App, terms: &Terms, inference: &Inference) -> Result<Value> {
    let prompt_tokens = estimate::prompt_tokens(inference, Counter::RATIO);
    let Survey { mut plan, known, wrong } = route::survey(app, terms, inference, prompt_tokens)?;
    pin::prefer_issuer(app, &mut plan.candidates, inference);
    if let Some(wrong) = wrong.filter(|_| plan.candidates.is_empty() && plan.refused.is_empty()) {
        return Err(wrong);
    }
    if known == 0 {
        let models = inference.models.join("`, `");
        let message = format!("No model is called `{models}`. GET /api/v1/models lists the models of this server.");
        return Err(Error::UnknownModel { model: models, message });
    }
    let attempts = usize::try_from(app.config.routing.attempts).unwrap_or(1);
    let candidates: Vec<Value> = plan
        .candidates
        .iter()
        .enumerate()
        .map(|(place, candidate)| {
            let mut shown = described(app, candidate);
            shown["position"] = json!(place + 1);
            shown["first_choice_probability"] = json!(probability(app, inference, &plan.candidates, candidate));
            shown["is_attempted"] = json!(place < attempts);
            shown["reason"] = json!(reason(&shown, place, attempts));
            shown
        })
        .collect();
    let excluded: Vec<Value> = plan
        .refused
        .iter()
        .map(|Refused { candidate, why }| {
            let mut shown = described(app, candidate);
            shown["excluded_by"] = json!(why.word());
            shown["reason"] = json!(format!("left out; to have it, {}", why.remedy()));
            shown
        })
        .collect();
    Ok(json!({
        "requested_models": inference.models,
        "prompt_tokens_estimate": prompt_tokens,
        "attempts": attempts,
        "pipeline": plan.pipeline,
        "candidates": candidates,
        "excluded": excluded,
    }))
}

/// Candidates stored with a generation at the most.
const STORED: usize = 40;

/// The short of it, stored with each generation: JSON of [`Routing`].
#[must_use]
pub fn stored(app: &App, inference: &Inference, plan: &Plan) -> String {
    let now = app.clock.now_ms();
    let shares = route::shares(app, inference, &plan.candidates);
    let is_drawn = inference.provider.sort.is_none() && inference.provider.order.is_none();
    let tried = plan.candidates.iter().zip(shares).zip(0_usize..).map(|((candidate, share), place)| {
        let is_down = app.health.is_down(candidate.record_id(), now);
        let reason = match (place, is_down) {
            (0, _) if candidate.own.is_some() => "first: the organization's own credential",
            (0, _) if candidate.strategy == Strategy::Auto => "first of the models chosen for the task",
            (0, _) if is_drawn => "first: drawn by weight 1/price², or kept by its conversation",
            (0, _) => "first in the order asked for",
            (_, true) => "behind the others: it failed lately",
            _ => "a fallback, should those before it fail",
        };
        let score = Some(share).filter(|share| is_drawn && *share > 0.0);
        entry(candidate, true, score, reason.to_owned())
    });
    let left_out = plan
        .refused
        .iter()
        .map(|Refused { candidate, why }| entry(candidate, false, None, format!("{}: {}", why.word(), why.remedy())));
    let router = plan.pipeline.first().and_then(|stage| stage["summary"].as_str()).map(str::to_owned);
    let routing = Routing { router, candidates: tried.chain(left_out).take(STORED).collect() };
    serde_json::to_string(&routing).unwrap_or_default()
}

fn entry(candidate: &Candidate, is_taken: bool, score: Option<f64>, reason: String) -> RoutingCandidate {
    RoutingCandidate {
        model: candidate.model.id.clone(),
        provider: candidate.provider.name.clone(),
        tag: candidate.endpoint.tag.clone(),
        is_taken,
        score,
        reason,
    }
}

fn described(app: &App, candidate: &Candidate) -> Value {
    let (endpoint, now) = (&candidate.endpoint, app.clock.now_ms());
    let figures = app.health.statistics(&endpoint.id, now);
    let (in_flight, limit) = app.health.load(&endpoint.id);
    let state = if app.health.is_open(&endpoint.id, now) {
        "left_alone"
    } else if app.health.is_down(&endpoint.id, now) {
        "recent_outage"
    } else if app.health.share(&endpoint.id, now) < 1.0 {
        "coming_back"
    } else {
        "up"
    };
    json!({
        "model": candidate.model.id,
        "provider": candidate.provider.name,
        "endpoint": endpoint.tag,
        "endpoint_id": endpoint.id,
        "strategy": candidate.strategy.word(),
        "is_byok": candidate.own.is_some(),
        "price_per_million": {
            "prompt": endpoint.prices.prompt.per_million(),
            "completion": endpoint.prices.completion.per_million(),
        },
        "latency_last_30m": figures.latency,
        "throughput_last_30m": figures.throughput,
        "uptime_last_30m": figures.uptime_30m,
        "sound_tool_calls_last_1d": figures.tool_calls,
        "state": state,
        "in_flight": in_flight,
        "concurrency_limit": limit.floor(),
    })
}

/// The chance to be drawn first among the endpoints of its model.
fn probability(app: &App, inference: &Inference, all: &[Candidate], candidate: &Candidate) -> Option<f64> {
    let decided = &inference.provider;
    if decided.order.is_some() || decided.sort.is_some() || inference.models.first()?.contains(':') {
        return None;
    }
    let own: Vec<Candidate> = all.iter().filter(|other| other.model.id == candidate.model.id).cloned().collect();
    let place = own.iter().position(|other| other.endpoint.id == candidate.endpoint.id)?;
    route::shares(app, inference, &own).get(place).map(|share| (share * 10_000.0).round() / 10_000.0)
}

fn reason(shown: &Value, place: usize, attempts: usize) -> &'static str {
    match (place, shown["state"].as_str()) {
        (0, Some("left_alone")) => "nothing better is left, although it failed again and again",
        (0, _) => "tried first",
        (_, Some("left_alone")) => "passed over while it is left alone after failures",
        (_, Some("recent_outage")) => "behind the others: it failed within the last 30 seconds",
        (place, _) if place < attempts => "a fallback, should those before it fail",
        _ => "beyond the number of attempts",
    }
}
