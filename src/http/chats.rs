//! Conversations people keep on the server, and the links under which others read them.

use std::sync::Arc;

use app::types::Envelope;
use app::types::chats::{ChangeChat, Chat, ChatDocument, ChatSummary, SaveChat};
use app::types::keys::Deleted;
use axum::Json;
use axum::extract::{Path, Request, State};
use axum::http::StatusCode;
use serde::Deserialize;

use super::caller::Caller;
use super::input::{Body, Query, read_json};
use crate::App;
use crate::accounts::new_id;
use crate::clock::rfc3339;
use crate::error::{Error, Result};
use crate::store::chats::ChatRow;

/// Conversations a person may keep.
const MOST: i64 = 1_000;
/// The largest conversation, bytes of JSON.
const LARGEST: usize = 2 << 20;
/// A request with it: its title and folder come on top.
const LARGEST_BODY: u64 = (2 << 20) + 4096;
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
pub(super) fn person(caller: &Caller) -> Result<&str> {
    match caller {
        Caller::Person { user, .. } => Ok(&user.id),
        Caller::Key(_) => Err(Error::Forbidden(
            "Conversations belong to people: sign in on the site. A key cannot read them.".to_owned(),
        )),
    }
}

pub(super) fn no_such_chat() -> Error {
    Error::not_found("No conversation of yours has this id.")
}

pub(super) fn no_such_link() -> Error {
    Error::not_found("This link leads nowhere, or was taken back.")
}

fn summary(row: ChatRow) -> ChatSummary {
    let updated_at = rfc3339(row.updated_at);
    ChatSummary { id: row.id, title: row.title, updated_at, share_id: row.share_id, folder_id: row.folder_id }
}

fn whole(row: ChatRow) -> Result<Chat> {
    let document = serde_json::from_str(&row.document).map_err(|error| Error::Internal(error.to_string()))?;
    let shares_images = row.shares_images != 0;
    let ChatSummary { id, title, updated_at, share_id, folder_id } = summary(row);
    Ok(Chat { id, title, updated_at, share_id, folder_id, shares_images, document })
}

/// Title and JSON of what is to be kept.
fn read(wish: &SaveChat) -> Result<(String, String)> {
    if wish.document.columns.is_empty() || wish.document.columns.len() > COLUMNS {
        return Err(Error::bad_request("document.columns", format!("document.columns must be 1 to {COLUMNS} columns")));
    }
    if wish.document.files().any(|file| !file.data.is_empty()) {
        let message = "document must not contain the data of files; keep each with PUT /api/v1/chats/{id}/files/{file}";
        return Err(Error::bad_request("document", message));
    }
    let title = wish.title.as_deref().and_then(titled).unwrap_or_else(|| wish.document.title());
    let document = serde_json::to_string::<ChatDocument>(&wish.document).map_err(|e| Error::Internal(e.to_string()))?;
    if document.len() > LARGEST {
        return Err(Error::TooLarge { limit_bytes: u64::try_from(LARGEST).unwrap_or(u64::MAX) });
    }
    Ok((title, document))
}

/// A title as it is kept, unless it is empty.
fn titled(title: &str) -> Option<String> {
    let title: String = title.trim().chars().take(LONGEST_TITLE).collect();
    (!title.is_empty()).then_some(title)
}

/// The folder that is meant; empty for none.
async fn folder(app: &App, user_id: &str, id: Option<String>) -> Result<Option<String>> {
    let Some(id) = id.filter(|id| !id.is_empty()) else { return Ok(None) };
    let found = app.store.chat_folder(user_id, &id).await?;
    let none =
        || Error::bad_request("folder_id", "folder_id: no folder of yours has this id; GET /api/v1/chat-folders");
    found.map(|row| Some(row.id)).ok_or_else(none)
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
    request: Request,
) -> Result<(StatusCode, Json<Envelope<Chat>>)> {
    let user_id = person(&caller)?.to_owned();
    let wish: SaveChat = read_json(request, LARGEST_BODY).await?;
    let (title, document) = read(&wish)?;
    let folder_id = folder(&app, &user_id, wish.folder_id).await?;
    if app.store.count_chats(&user_id).await? >= MOST {
        let message = format!(
            "You keep {MOST} conversations, as many as there can be. Delete some, or keep this one on your device."
        );
        return Err(Error::bad_request("document", message));
    }
    let now = app.clock.now_ms();
    let (id, share_id) = (new_id(now), None);
    let (created_at, updated_at, shares_images) = (now, now, 0);
    let row = ChatRow { id, user_id, title, document, share_id, folder_id, shares_images, created_at, updated_at };
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
    request: Request,
) -> Result<Json<Envelope<Chat>>> {
    let mut row = app.store.chat(person(&caller)?, &id).await?.ok_or_else(no_such_chat)?;
    let wish: SaveChat = read_json(request, LARGEST_BODY).await?;
    let (title, document) = read(&wish)?;
    if wish.title.is_some() {
        row.title = title;
    }
    row.document = document;
    row.updated_at = app.clock.now_ms();
    let answer = save(&app, row).await?;
    // What no question has any more is nobody's.
    let files: Vec<&str> = wish.document.files().map(|file| file.id.as_str()).collect();
    app.store.delete_other_chat_files(&id, &files).await?;
    Ok(answer)
}

/// `PATCH /api/v1/chats/{id}` (ours): another title or folder.
///
/// # Errors
/// 400 naming the field, 403 for a key, 404 for one of nobody or of another person.
pub async fn change_chat(
    State(app): State<Arc<App>>,
    caller: Caller,
    Path(id): Path<String>,
    Body(change): Body<ChangeChat>,
) -> Result<Json<Envelope<ChatSummary>>> {
    let user_id = person(&caller)?;
    let mut row = app.store.chat(user_id, &id).await?.ok_or_else(no_such_chat)?;
    if let Some(title) = change.title {
        row.title = titled(&title).ok_or_else(|| Error::bad_request("title", "title must not be empty"))?;
    }
    if change.folder_id.is_some() {
        row.folder_id = folder(&app, user_id, change.folder_id).await?;
    }
    if !app.store.update_chat(&row).await? {
        return Err(no_such_chat());
    }
    Ok(Json(Envelope { data: summary(row) }))
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

/// Query of `POST /chats/{id}/share`.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct ShareQuery {
    /// Who has the link is to see images, too.
    pub images: bool,
}

/// `POST /api/v1/chats/{id}/share` (ours): makes a link under which anybody may read it, as it is and becomes.
/// Of its files only the names are shown, with `images=true` images, too.
///
/// # Errors
/// 403 for a key, 404 for one of nobody or of another person.
pub async fn share_chat(
    State(app): State<Arc<App>>,
    caller: Caller,
    Path(id): Path<String>,
    Query(query): Query<ShareQuery>,
) -> Result<Json<Envelope<Chat>>> {
    use base64::Engine as _;
    let mut row = app.store.chat(person(&caller)?, &id).await?.ok_or_else(no_such_chat)?;
    if row.share_id.is_none() {
        // Nobody guesses 144 bits.
        row.share_id = Some(base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(rand::random::<[u8; 18]>()));
    }
    row.shares_images = i64::from(query.images);
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
    row.shares_images = 0;
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
    let chat = whole(app.store.shared_chat(&share_id).await?.ok_or_else(no_such_link)?)?;
    // The owner's id of it, and where he put it, is nobody else's business.
    Ok(Json(Envelope { data: Chat { id: String::new(), folder_id: None, ..chat } }))
}
