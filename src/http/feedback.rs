//! What people say was wrong with single requests.

use std::sync::Arc;

use app::types::Envelope;
use app::types::activity::{Feedback, FeedbackKept, GiveFeedback};
use app::types::error::ErrorBody;
use axum::Json;
use axum::extract::State;
use utoipa::OpenApi;

use super::accounting::{GenerationQuery, visible_generation};
use super::caller::Caller;
use super::input::{Body, Query};
use crate::App;
use crate::accounts::new_id;
use crate::clock::{MS_PER_HOUR, rfc3339};
use crate::error::{Error, Result};
use crate::store::feedback::FeedbackRow;

/// The longest comment, characters.
const MOST_CHARACTERS: usize = 1_000;
/// Remarks of an organization in an hour.
const HOURLY: i64 = 200;

/// The part of the API's description that is about feedback.
#[derive(OpenApi)]
#[openapi(paths(give_feedback, list_feedback))]
pub struct Description;

/// Says what was wrong with a request.
///
/// # Errors
/// 400 naming the field, 404 for a request of nobody or of another organization, 429 when
/// an organization says too much.
#[utoipa::path(post, path = "/generation/feedback", tag = "accounting", request_body = GiveFeedback,
    responses((status = 200, body = Envelope<FeedbackKept>), (status = 400, body = ErrorBody),
        (status = 401, body = ErrorBody), (status = 404, body = ErrorBody), (status = 429, body = ErrorBody)))]
pub async fn give_feedback(
    State(app): State<Arc<App>>,
    caller: Caller,
    Body(wish): Body<GiveFeedback>,
) -> Result<Json<Envelope<FeedbackKept>>> {
    let generation_id = wish.generation_id.trim();
    if generation_id.is_empty() {
        return Err(Error::bad_request("generation_id", "generation_id is missing: send the id of an answer, gen-…"));
    }
    let comment = wish.comment.as_deref().unwrap_or_default().trim();
    if comment.chars().count() > MOST_CHARACTERS {
        let message = format!("comment must have at most {MOST_CHARACTERS} characters");
        return Err(Error::bad_request("comment", message));
    }
    let generation = visible_generation(&app, &caller, generation_id).await?;
    let now = app.clock.now_ms();
    let organization_id = caller.organization_id();
    if app.store.count_feedback(organization_id, now - MS_PER_HOUR).await? >= HOURLY {
        let message = format!("{HOURLY} remarks an hour are kept; come back later");
        let limit = u64::try_from(HOURLY).unwrap_or(0);
        return Err(Error::TooManyRequests { message, retry_after_s: 3_600, limit });
    }
    let row = FeedbackRow {
        id: new_id(now),
        generation_id: generation.id,
        organization_id: organization_id.to_owned(),
        user_id: caller.user_id().unwrap_or_default().to_owned(),
        category: wish.category.as_str().to_owned(),
        comment: comment.to_owned(),
        created_at: now,
    };
    app.store.insert_feedback(&row).await?;
    tracing::info!(
        generation.id = %row.generation_id,
        endpoint.id = %generation.endpoint_id,
        category = %row.category,
        "Somebody found something wrong with an answer"
    );
    Ok(Json(Envelope { data: FeedbackKept { success: true } }))
}

/// Lists what was said of a request (ours).
///
/// # Errors
/// 400 without an id, 404 for a request of nobody or of another organization.
#[utoipa::path(get, path = "/generation/feedback", tag = "accounting", params(("id" = String, Query)),
    responses((status = 200, body = Envelope<Vec<Feedback>>), (status = 400, body = ErrorBody),
        (status = 401, body = ErrorBody), (status = 404, body = ErrorBody)))]
pub async fn list_feedback(
    State(app): State<Arc<App>>,
    caller: Caller,
    Query(query): Query<GenerationQuery>,
) -> Result<Json<Envelope<Vec<Feedback>>>> {
    let generation = visible_generation(&app, &caller, &query.checked_id()?).await?;
    let rows = app.store.feedback(caller.organization_id(), &generation.id).await?;
    let data = rows.into_iter().filter_map(|row| {
        Some(Feedback {
            category: row.category.parse().ok()?,
            comment: row.comment,
            created_at: rfc3339(row.created_at),
        })
    });
    Ok(Json(Envelope { data: data.collect() }))
}
