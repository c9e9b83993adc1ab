//! Blind comparisons: two answers, one vote, and the ratings that follow.

use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;

use app::types::Envelope;
use app::types::chats::{CastVote, CountedVote, ModelChoice, Rating, Ratings};
use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use rand::seq::SliceRandom as _;

use super::caller::Caller;
use super::input::Body;
use super::models::{can_call, model_on_wire};
use crate::App;
use crate::accounts::new_id;
use crate::clock::MS_PER_HOUR;
use crate::error::{Error, Result};
use crate::flags::Flag;
use crate::rankings::ratings::{Duel, strengths, weights};
use crate::store::chats::VoteRow;
use crate::store::generations::GenerationRow;

/// Votes of a person in an hour.
const HOURLY: i64 = 60;
/// Answers older than this were read elsewhere, ms.
const FRESH_MS: i64 = MS_PER_HOUR;
/// Votes the ratings are made of.
const NEWEST: i64 = 200_000;
/// Models a pair is drawn from.
const FIELD: usize = 24;

/// `GET /api/v1/votes/pair` (ours): two models to compare without knowing which is which.
///
/// # Errors
/// 403 for a key, 404 when fewer than two models can be asked.
pub async fn draw_pair(State(app): State<Arc<App>>, caller: Caller) -> Result<Json<Envelope<Vec<ModelChoice>>>> {
    voter(&app, &caller)?;
    let catalog = app.catalog();
    let popularity = app.popularity();
    let mut field: Vec<_> = catalog
        .models
        .values()
        .filter(|model| {
            let writes = model.architecture.output_modalities.iter().any(|kind| kind == "text");
            writes && model.endpoints.iter().any(|endpoint| can_call(&app, &catalog, endpoint))
        })
        .collect();
    field.sort_by_key(|model| std::cmp::Reverse(popularity.get(&model.id).copied().unwrap_or(0)));
    field.truncate(FIELD);
    field.shuffle(&mut rand::rng());
    field.truncate(2);
    if field.len() < 2 {
        return Err(Error::not_found("A comparison needs two models that can be asked; connect another provider."));
    }
    Ok(Json(Envelope { data: field.into_iter().map(|model| ModelChoice::from(&model_on_wire(model))).collect() }))
}

fn voter<'a>(app: &App, caller: &'a Caller) -> Result<&'a str> {
    if !app.flags.is_on(Flag::BlindVotes) {
        return Err(Error::Forbidden("The operator of this server has switched blind comparisons off.".to_owned()));
    }
    match caller {
        Caller::Person { user, .. } => Ok(&user.id),
        Caller::Key(_) => Err(Error::Forbidden("People vote, keys do not: sign in on the site.".to_owned())),
    }
}

/// `POST /api/v1/votes` (ours): counts a vote and tells who the two were.
///
/// # Errors
/// 400 naming what is wrong, 403 for a key, 404 for answers that are not the voter's own.
pub async fn cast_vote(
    State(app): State<Arc<App>>,
    caller: Caller,
    Body(vote): Body<CastVote>,
) -> Result<(StatusCode, Json<Envelope<CountedVote>>)> {
    let user_id = voter(&app, &caller)?.to_owned();
    if !["a", "b", "tie", "neither"].contains(&vote.outcome.as_str()) {
        return Err(Error::bad_request("outcome", "outcome must be a, b, tie or neither"));
    }
    let now = app.clock.now_ms();
    let a = answer(&app, &caller, &user_id, "generation_a", &vote.generation_a, now).await?;
    let b = answer(&app, &caller, &user_id, "generation_b", &vote.generation_b, now).await?;
    if a.model_id == b.model_id {
        return Err(Error::bad_request("generation_b", "generation_b is an answer of the same model as generation_a"));
    }
    if app.store.count_votes(&user_id, now - MS_PER_HOUR).await? >= HOURLY {
        let message = format!("{HOURLY} votes an hour are counted; come back later");
        let limit = u64::try_from(HOURLY).unwrap_or(0);
        return Err(Error::TooManyRequests { message, retry_after_s: 3_600, limit });
    }
    let row = VoteRow {
        id: new_id(now),
        user_id,
        generation_a: a.id,
        generation_b: b.id,
        model_a: a.model_id,
        model_b: b.model_id,
        tokens_a: a.completion_tokens,
        tokens_b: b.completion_tokens,
        outcome: vote.outcome,
        is_simulated: a.is_simulated.max(b.is_simulated),
        created_at: now,
    };
    if !app.store.insert_vote(&row).await? {
        return Err(Error::bad_request("generation_a", "One of these answers was compared before; ask anew"));
    }
    Ok((StatusCode::CREATED, Json(Envelope { data: CountedVote { model_a: row.model_a, model_b: row.model_b } })))
}

/// A whole, fresh answer from the chat room to this person.
async fn answer(app: &App, caller: &Caller, user_id: &str, field: &str, id: &str, now: i64) -> Result<GenerationRow> {
    let row = app.store.generation(caller.organization_id(), id).await?.filter(|row| row.user_id == user_id);
    let row = row.ok_or_else(|| Error::not_found(format!("{field} is no answer to you.")))?;
    if row.status != 200 || row.is_cancelled != 0 || !row.key_id.is_empty() {
        return Err(Error::bad_request(field, format!("{field} must be a whole answer from the chat room")));
    }
    if now - row.created_at > FRESH_MS {
        return Err(Error::bad_request(field, format!("{field} is over an hour old; ask anew")));
    }
    Ok(row)
}

/// `GET /api/v1/ratings` (ours, public): models by how often people prefer their answers.
///
/// # Errors
/// Any database error.
pub async fn show_ratings(State(app): State<Arc<App>>) -> Result<Json<Envelope<Ratings>>> {
    let mut votes = app.store.votes(NEWEST).await?;
    // The first vote of a person on a pair is the one that counts wholly.
    votes.reverse();
    let mut places: BTreeMap<&str, usize> = BTreeMap::new();
    for id in votes.iter().flat_map(|vote| [vote.model_a.as_str(), vote.model_b.as_str()]) {
        places.entry(id).or_default();
    }
    for (place, index) in places.values_mut().zip(0..) {
        *place = index;
    }
    let pairs: Vec<_> = votes.iter().map(|v| (v.user_id.as_str(), v.model_a.as_str(), v.model_b.as_str())).collect();
    let duels: Vec<Duel> = votes
        .iter()
        .zip(weights(&pairs))
        .filter_map(|(vote, weight)| {
            let (a, b) = (*places.get(vote.model_a.as_str())?, *places.get(vote.model_b.as_str())?);
            let [long, short] = [vote.tokens_a, vote.tokens_b].map(app::components::format::approximate);
            let length = if long + short > 0.0 { (long - short) / (long + short) } else { 0.0 };
            Some(Duel { a, b, score: score(&vote.outcome), weight, length })
        })
        .collect();
    let (plain, free) = (strengths(places.len(), &duels, false), strengths(places.len(), &duels, true));
    let catalog = app.catalog();
    let mut models: Vec<Rating> = places
        .iter()
        .filter_map(|(id, place)| {
            let (strength, free) = (plain.get(*place)?, free.get(*place)?);
            let (mut count, mut won) = (0_u32, 0.0);
            for duel in duels.iter().filter(|duel| duel.a == *place || duel.b == *place) {
                count += 1;
                won += if duel.a == *place { duel.score } else { 1.0 - duel.score };
            }
            Some(Rating {
                id: (*id).to_owned(),
                name: catalog.model(id).map_or_else(|| (*id).to_owned(), |model| model.name.clone()),
                rating: strength.rating.round(),
                low: (strength.rating - strength.margin).round(),
                high: (strength.rating + strength.margin).round(),
                rating_without_length: free.rating.round(),
                votes: u64::from(count),
                win_rate: (won / f64::from(count.max(1)) * 1_000.0).round() / 10.0,
            })
        })
        .collect();
    models.sort_by(|a, b| b.rating.total_cmp(&a.rating).then_with(|| a.id.cmp(&b.id)));
    let voters: HashSet<&str> = votes.iter().map(|vote| vote.user_id.as_str()).collect();
    let count = |number: usize| u64::try_from(number).unwrap_or(u64::MAX);
    let has_simulated = votes.iter().any(|vote| vote.is_simulated != 0);
    let data = Ratings { models, votes: count(votes.len()), voters: count(voters.len()), has_simulated };
    Ok(Json(Envelope { data }))
}

fn score(outcome: &str) -> f64 {
    match outcome {
        "a" => 1.0,
        "b" => 0.0,
        _ => 0.5,
    }
}
