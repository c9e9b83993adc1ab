//! Conversations people keep on the server, and the links under which others read them.

use std::sync::Arc;

use app::types::Envelope;
use app::types::chats::{Chat, ChatDocument, ChatSummary, SaveChat};
use app::types::keys::Deleted;
use axum::Json;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use serde::Deserialize;

use super::caller::Caller;
use super::input::{Body, Query};
use crate::App;
use crate::accounts::new_id;
use crate::clock::rfc3339;
use crate::error::{Error, Result};
use crate::store::chats::ChatRow;

/// Conversations a person may keep.
const MOST: i64 = 1_000;
/// The largest conversation, bytes of JSON.
const LARGEST: usize = 2 << 20;
/// Conversations of a list.
const LIST: i64 = 200;
const COLUMNS: usize = 6;
const LONGEST_TITLE: usize = 120;

/// Query of `GET /chats`.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct ChatsQuery {
    pub q: String,
}

/// The person whose conversations these are.
fn person(caller: &Caller) -> Result<&str> {
    match caller {
        Caller::Person { user, .. } => Ok(&user.id),
        Caller::Key(_) => Err(Error::Forbidden(
            "Conversations belong to people: sign in on the site. A key cannot read them.".to_owned(),
        )),
    }
}

fn no_such_chat() -> Error {
    Error::not_found("No conversation of yours has this id.")
}

fn summary(row: ChatRow) -> ChatSummary {
    ChatSummary { id: row.id, title: row.title, updated_at: rfc3339(row.updated_at), share_id: row.share_id }
}

fn whole(row: ChatRow) -> Result<Chat> {
    let document = serde_json::from_str(&row.document).map_err(|error| Error::Internal(error.to_string()))?;
    let ChatSummary { id, title, updated_at, share_id } = summary(row);
    Ok(Chat { id, title, updated_at, share_id, document })
}

/// Title and JSON of what is to be kept.
fn read(wish: SaveChat) -> Result<(String, String)> {
    if wish.document.columns.is_empty() || wish.document.columns.len() > COLUMNS {
        return Err(Error::bad_request("document.columns", format!("document.columns must be 1 to {COLUMNS} columns")));
    }
    let title = wish.title.map(|title| title.trim().to_owned()).filter(|title| !title.is_empty());
    let title = title.unwrap_or_else(|| wish.document.title()).chars().take(LONGEST_TITLE).collect();
    let document = serde_json::to_string::<ChatDocument>(&wish.document).map_err(|e| Error::Internal(e.to_string()))?;
    if document.len() > LARGEST {
        return Err(Error::TooLarge { limit_bytes: u64::try_from(LARGEST).unwrap_or(u64::MAX) });
    }
    Ok((title, document))
}

/// `GET /api/v1/chats` (ours): the newest conversations, or those with these words.
///
/// # Errors
/// 401 without a caller, 403 for a key.
pub async fn list_chats(
    State(app): State<Arc<App>>,
    caller: Caller,
    Query(query): Query<ChatsQuery>,
) -> Result<Json<Envelope<Vec<ChatSummary>>>> {
    let rows = app.store.chats_of(person(&caller)?, &query.q, LIST).await?;
    Ok(Json(Envelope { data: rows.into_iter().map(summary).collect() }))
}

/// `POST /api/v1/chats` (ours)
///
/// # Errors
/// 400 naming the field, 403 for a key, 413 for a conversation that is too long.
pub async fn create_chat(
    State(app): State<Arc<App>>,
    caller: Caller,
    Body(wish): Body<SaveChat>,
) -> Result<(StatusCode, Json<Envelope<Chat>>)> {
    let user_id = person(&caller)?.to_owned();
    let (title, document) = read(wish)?;
    if app.store.count_chats(&user_id).await? >= MOST {
        let message = format!(
            "You keep {MOST} conversations, as many as there can be. Delete some, or keep this one on your device."
        );
        return Err(Error::bad_request("document", message));
    }
    let now = app.clock.now_ms();
    let row = ChatRow { id: new_id(now), user_id, title, document, share_id: None, created_at: now, updated_at: now };
    app.store.insert_chat(&row).await?;
    Ok((StatusCode::CREATED, Json(Envelope { data: whole(row)? })))
}

/// `GET /api/v1/chats/{id}` (ours)
///
/// # Errors
/// 403 for a key, 404 for one of nobody or of another person.
pub async fn show_chat(
    State(app): State<Arc<App>>,
    caller: Caller,
    Path(id): Path<String>,
) -> Result<Json<Envelope<Chat>>> {
    let row = app.store.chat(person(&caller)?, &id).await?.ok_or_else(no_such_chat)?;
    Ok(Json(Envelope { data: whole(row)? }))
}

/// `PUT /api/v1/chats/{id}` (ours)
///
/// # Errors
/// As [`create_chat`] and [`show_chat`].
pub async fn update_chat(
    State(app): State<Arc<App>>,
    caller: Caller,
    Path(id): Path<String>,
    Body(wish): Body<SaveChat>,
) -> Result<Json<Envelope<Chat>>> {
    let mut row = app.store.chat(person(&caller)?, &id).await?.ok_or_else(no_such_chat)?;
    let is_named = wish.title.is_some();
    let (title, document) = read(wish)?;
    if is_named {
        row.title = title;
    }
    row.document = document;
    row.updated_at = app.clock.now_ms();
    save(&app, row).await
}

async fn save(app: &App, row: ChatRow) -> Result<Json<Envelope<Chat>>> {
    if !app.store.update_chat(&row).await? {
        return Err(no_such_chat());
    }
    Ok(Json(Envelope { data: whole(row)? }))
}

/// `DELETE /api/v1/chats/{id}` (ours)
///
/// # Errors
/// 403 for a key, 404 for one of nobody or of another person.
pub async fn delete_chat(State(app): State<Arc<App>>, caller: Caller, Path(id): Path<String>) -> Result<Json<Deleted>> {
    if !app.store.delete_chat(person(&caller)?, &id).await? {
        return Err(no_such_chat());
    }
    Ok(Json(Deleted { deleted: true }))
}

/// `POST /api/v1/chats/{id}/share` (ours): makes a link under which anybody may read it, as it is and becomes.
///
/// # Errors
/// 403 for a key, 404 for one of nobody or of another person.
pub async fn share_chat(
    State(app): State<Arc<App>>,
    caller: Caller,
    Path(id): Path<String>,
) -> Result<Json<Envelope<Chat>>> {
    use base64::Engine as _;
    let mut row = app.store.chat(person(&caller)?, &id).await?.ok_or_else(no_such_chat)?;
    if row.share_id.is_none() {
        // Nobody guesses 144 bits.
        row.share_id = Some(base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(rand::random::<[u8; 18]>()));
    }
    save(&app, row).await
}

/// `DELETE /api/v1/chats/{id}/share` (ours): the link leads nowhere from now on.
///
/// # Errors
/// 403 for a key, 404 for one of nobody or of another person.
pub async fn unshare_chat(
    State(app): State<Arc<App>>,
    caller: Caller,
    Path(id): Path<String>,
) -> Result<Json<Envelope<Chat>>> {
    let mut row = app.store.chat(person(&caller)?, &id).await?.ok_or_else(no_such_chat)?;
    row.share_id = None;
    save(&app, row).await
}

/// `GET /api/v1/shared/{share_id}` (ours, public)
///
/// # Errors
/// 404 when the link leads nowhere, or no longer.
pub async fn show_shared_chat(
    State(app): State<Arc<App>>,
    Path(share_id): Path<String>,
) -> Result<Json<Envelope<Chat>>> {
    let row = app.store.shared_chat(&share_id).await?;
    let row = row.ok_or_else(|| Error::not_found("This link leads nowhere, or was taken back."))?;
    let chat = whole(row)?;
    // The owner's id of it is nobody else's business.
    Ok(Json(Envelope { data: Chat { id: String::new(), ..chat } }))
}
