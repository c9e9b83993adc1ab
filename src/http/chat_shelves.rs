//! Folders of people's conversations, and the files kept with those. The conversations are in [`super::chats`].

use std::sync::Arc;

use app::types::Envelope;
use app::types::chats::{Attachment, Folder, NameFolder};
use app::types::keys::Deleted;
use axum::Json;
use axum::extract::{Path, Request, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::caller::Caller;
use super::chats::{no_such_chat, no_such_link, person};
use super::input::{Body, read_json};
use crate::App;
use crate::accounts::new_id;
use crate::error::{Error, Result};
use crate::store::chat_shelves::{ChatFileRow, FolderRow, NewFolder};

/// Folders a person may have.
const FOLDERS: i64 = 200;
const LONGEST_NAME: usize = 80;
/// The largest file, bytes.
const FILE: i64 = 8 << 20;
/// A request with it: Base64 makes four bytes of three, and the names come on top.
const FILE_BODY: u64 = (8 << 20) / 3 * 4 + 8192;
/// The files of one conversation, bytes.
const CHAT_FILES: i64 = 32 << 20;
/// All files of a person, bytes.
const ALL_FILES: i64 = 256 << 20;

fn shown(row: FolderRow) -> Folder {
    Folder { id: row.id, name: row.name }
}

fn no_such_folder() -> Error {
    Error::not_found("No folder of yours has this id.")
}

fn name_of(wish: &NameFolder) -> Result<String> {
    let name = wish.name.trim();
    if name.is_empty() || name.chars().count() > LONGEST_NAME {
        return Err(Error::bad_request("name", format!("name must have 1 to {LONGEST_NAME} letters")));
    }
    Ok(name.to_owned())
}

fn known(name: &str) -> Error {
    Error::bad_request("name", format!("name: you have a folder called {name} already"))
}

/// `GET /api/v1/chat-folders` (ours)
///
/// # Errors
/// 401 without a caller, 403 for a key.
pub async fn list_folders(State(app): State<Arc<App>>, caller: Caller) -> Result<Json<Envelope<Vec<Folder>>>> {
    let rows = app.store.chat_folders(person(&caller)?).await?;
    Ok(Json(Envelope { data: rows.into_iter().map(shown).collect() }))
}

/// `POST /api/v1/chat-folders` (ours)
///
/// # Errors
/// 400 naming the field, 403 for a key.
pub async fn create_folder(
    State(app): State<Arc<App>>,
    caller: Caller,
    Body(wish): Body<NameFolder>,
) -> Result<(StatusCode, Json<Envelope<Folder>>)> {
    let user_id = person(&caller)?.to_owned();
    let name = name_of(&wish)?;
    let now = app.clock.now_ms();
    let row = FolderRow { id: new_id(now), user_id, name, created_at: now };
    match app.store.insert_chat_folder(&row, FOLDERS).await? {
        NewFolder::Made => Ok((StatusCode::CREATED, Json(Envelope { data: shown(row) }))),
        NewFolder::Known => Err(known(&row.name)),
        NewFolder::TooMany => {
            Err(Error::bad_request("name", format!("You have {FOLDERS} folders, as many as there can be.")))
        }
    }
}

/// `PATCH /api/v1/chat-folders/{id}` (ours)
///
/// # Errors
/// 400 naming the field, 403 for a key, 404 for one of nobody or of another person.
pub async fn rename_folder(
    State(app): State<Arc<App>>,
    caller: Caller,
    Path(id): Path<String>,
    Body(wish): Body<NameFolder>,
) -> Result<Json<Envelope<Folder>>> {
    let row = app.store.chat_folder(person(&caller)?, &id).await?.ok_or_else(no_such_folder)?;
    let row = FolderRow { name: name_of(&wish)?, ..row };
    if !app.store.rename_chat_folder(&row).await? {
        return Err(known(&row.name));
    }
    Ok(Json(Envelope { data: shown(row) }))
}

/// `DELETE /api/v1/chat-folders/{id}` (ours): its conversations stay, in no folder.
///
/// # Errors
/// 403 for a key, 404 for one of nobody or of another person.
pub async fn delete_folder(
    State(app): State<Arc<App>>,
    caller: Caller,
    Path(id): Path<String>,
) -> Result<Json<Deleted>> {
    if !app.store.delete_chat_folder(person(&caller)?, &id).await? {
        return Err(no_such_folder());
    }
    Ok(Json(Deleted { deleted: true }))
}

/// `GET /api/v1/chats/{id}/files/{file}` (ours)
///
/// # Errors
/// 403 for a key, 404 for one of nobody or of another person.
pub async fn show_file(
    State(app): State<Arc<App>>,
    caller: Caller,
    Path((chat, file)): Path<(String, String)>,
) -> Result<Json<Envelope<Attachment>>> {
    let row = app.store.chat_file(person(&caller)?, &chat, &file).await?;
    let row = row.ok_or_else(|| Error::not_found("No conversation of yours has such a file."))?;
    Ok(Json(Envelope { data: Attachment { id: row.id, name: row.name, kind: row.kind, data: row.content } }))
}

/// `PUT /api/v1/chats/{id}/files/{file}` (ours): keeps a file until no question of the conversation has it.
///
/// # Errors
/// 400 naming the field, 403 for a key, 404 for a conversation of nobody or of another person, 413 for a large one.
pub async fn keep_file(
    State(app): State<Arc<App>>,
    caller: Caller,
    Path((chat, file)): Path<(String, String)>,
    request: Request,
) -> Result<Json<Envelope<Attachment>>> {
    let user_id = person(&caller)?.to_owned();
    let chat = app.store.chat(&user_id, &chat).await?.ok_or_else(no_such_chat)?;
    let is_plain = |letter: char| letter.is_ascii_alphanumeric() || letter == '-';
    if file.len() > 64 || !file.chars().all(is_plain) {
        return Err(Error::bad_request("file", "The file's id must be at most 64 letters, digits and hyphens"));
    }
    let wish: Attachment = read_json(request, FILE_BODY).await?;
    let size_bytes = size(&wish)?;
    // What is kept already is not sent again, however full it is.
    if !app.store.has_chat_file(&user_id, &chat.id, &file).await? {
        let created_at = app.clock.now_ms();
        let (name, kind, content) = (wish.name.clone(), wish.kind.clone(), wish.data);
        let id = file.clone();
        let row = ChatFileRow { chat_id: chat.id, id, user_id, name, kind, content, size_bytes, created_at };
        if !app.store.insert_chat_file(&row, (CHAT_FILES, ALL_FILES)).await? {
            check_room(&app, &row).await?;
        }
    }
    Ok(Json(Envelope { data: Attachment { id: file, name: wish.name, kind: wish.kind, data: String::new() } }))
}

/// Images that a page may show.
const IMAGES: [&str; 4] = ["image/png", "image/jpeg", "image/webp", "image/gif"];

/// `GET /api/v1/shared/{share_id}/files/{file}` (ours, public): an image of a conversation whose owner lets
/// everybody with the link see them.
///
/// # Errors
/// 404 when the link leads nowhere, or no longer, and for any other file.
pub async fn show_shared_image(
    State(app): State<Arc<App>>,
    Path((share_id, file)): Path<(String, String)>,
) -> Result<Response> {
    let chat = app.store.shared_chat(&share_id).await?.filter(|chat| chat.shares_images != 0);
    let chat = chat.ok_or_else(no_such_link)?;
    let row = app.store.chat_file(&chat.user_id, &chat.id, &file).await?;
    let none = || Error::not_found("There is no image here.");
    let row = row.ok_or_else(none)?;
    let kind = IMAGES.into_iter().find(|kind| *kind == row.kind).ok_or_else(none)?;
    let bytes = row.content.split_once(";base64,").and_then(|(_, text)| STANDARD.decode(text).ok());
    let headers = [
        (header::CONTENT_TYPE, kind),
        // Once the link is taken back nobody sees it again.
        (header::CACHE_CONTROL, "no-store"),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::CONTENT_SECURITY_POLICY, "default-src 'none'; sandbox"),
    ];
    Ok((headers, bytes.ok_or_else(none)?).into_response())
}

/// Why a file was not kept; nothing is wrong when it was by another request meanwhile.
async fn check_room(app: &App, row: &ChatFileRow) -> Result<()> {
    if app.store.has_chat_file(&row.user_id, &row.chat_id, &row.id).await? {
        return Ok(());
    }
    let (of_chat, _) = app.store.chat_file_bytes(&row.user_id, &row.chat_id).await?;
    let (whose, limit) = if of_chat.saturating_add(row.size_bytes) > CHAT_FILES {
        ("the files of a conversation", CHAT_FILES)
    } else {
        ("all files that you keep", ALL_FILES)
    };
    let message = format!("data: {whose} may take {} MB, and there is no room for this one", limit >> 20);
    Err(Error::bad_request("data", message))
}

/// Bytes of a file whose data are what they claim.
fn size(file: &Attachment) -> Result<i64> {
    if file.name.is_empty() || file.name.chars().count() > 255 {
        return Err(Error::bad_request("name", "name must have 1 to 255 letters"));
    }
    let prefix = format!("data:{};base64,", file.kind);
    let bytes = file.data.strip_prefix(&prefix).filter(|_| file.kind.contains('/') && file.kind.len() <= 100);
    let bytes = bytes.and_then(|text| STANDARD.decode(text).ok());
    let bytes = bytes.ok_or_else(|| {
        Error::bad_request("data", "data must be `data:`, the file's kind, `;base64,` and the bytes in Base64")
    })?;
    let size = i64::try_from(bytes.len()).unwrap_or(i64::MAX);
    if size > FILE {
        return Err(Error::TooLarge { limit_bytes: FILE.unsigned_abs() });
    }
    Ok(size)
}
