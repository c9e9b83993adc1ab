//! The description of the API: conversations and votes. See [`super::openapi`].
#![expect(dead_code, reason = "the functions exist for their descriptions")]

use app::types::Envelope;
use app::types::chats::{
    Attachment, CastVote, ChangeChat, Chat, ChatSummary, CountedVote, Folder, Formulas, ModelChoice, NameFolder,
    Ratings, SaveChat,
};
use app::types::error::ErrorBody;
use app::types::keys::Deleted;
use utoipa::OpenApi;

#[derive(OpenApi)]
#[openapi(
    paths(list_chats, create_chat, show_chat, update_chat, change_chat, delete_chat, show_file, keep_file,
        list_folders, create_folder, rename_folder, delete_folder, share_chat, unshare_chat, show_shared_chat, show_shared_image,
        set_math, draw_pair, cast_vote, show_ratings),
    tags((name = "chats", description = "Conversations people keep, and votes on blind comparisons; for signed-in people"))
)]
pub(super) struct Description;

/// Lists the newest conversations, or those with the words of `q` in their text or folder.
#[utoipa::path(get, path = "/chats", tag = "chats", params(("q" = Option<String>, Query)),
    responses((status = 200, body = Envelope<Vec<ChatSummary>>), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody)))]
fn list_chats() {}

/// Keeps a conversation.
#[utoipa::path(post, path = "/chats", tag = "chats", request_body = SaveChat,
    responses((status = 201, body = Envelope<Chat>), (status = 400, body = ErrorBody), (status = 401, body = ErrorBody),
        (status = 403, body = ErrorBody), (status = 413, body = ErrorBody)))]
fn create_chat() {}

/// Shows a conversation.
#[utoipa::path(get, path = "/chats/{id}", tag = "chats", params(("id" = String, Path)),
    responses((status = 200, body = Envelope<Chat>), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody),
        (status = 404, body = ErrorBody)))]
fn show_chat() {}

/// Replaces a conversation; without a title it keeps its own.
#[utoipa::path(put, path = "/chats/{id}", tag = "chats", params(("id" = String, Path)), request_body = SaveChat,
    responses((status = 200, body = Envelope<Chat>), (status = 400, body = ErrorBody), (status = 401, body = ErrorBody),
        (status = 403, body = ErrorBody), (status = 404, body = ErrorBody), (status = 413, body = ErrorBody)))]
fn update_chat() {}

/// Renames a conversation, or moves it to a folder; an empty `folder_id` takes it out of its folder.
#[utoipa::path(patch, path = "/chats/{id}", tag = "chats", params(("id" = String, Path)), request_body = ChangeChat,
    responses((status = 200, body = Envelope<ChatSummary>), (status = 400, body = ErrorBody),
        (status = 401, body = ErrorBody), (status = 403, body = ErrorBody), (status = 404, body = ErrorBody)))]
fn change_chat() {}

/// Shows a file of a conversation.
#[utoipa::path(get, path = "/chats/{id}/files/{file}", tag = "chats",
    params(("id" = String, Path), ("file" = String, Path)),
    responses((status = 200, body = Envelope<Attachment>), (status = 401, body = ErrorBody),
        (status = 403, body = ErrorBody), (status = 404, body = ErrorBody)))]
fn show_file() {}

/// Keeps a file, at most 8 MB, until no question of the conversation names its id any more. A conversation may have
/// 32 MB of them, a person 256 MB.
#[utoipa::path(put, path = "/chats/{id}/files/{file}", tag = "chats",
    params(("id" = String, Path), ("file" = String, Path)), request_body = Attachment,
    responses((status = 200, body = Envelope<Attachment>), (status = 400, body = ErrorBody),
        (status = 401, body = ErrorBody), (status = 403, body = ErrorBody), (status = 404, body = ErrorBody),
        (status = 413, body = ErrorBody)))]
fn keep_file() {}

/// Lists the folders of conversations.
#[utoipa::path(get, path = "/chat-folders", tag = "chats",
    responses((status = 200, body = Envelope<Vec<Folder>>), (status = 401, body = ErrorBody),
        (status = 403, body = ErrorBody)))]
fn list_folders() {}

/// Makes a folder for conversations.
#[utoipa::path(post, path = "/chat-folders", tag = "chats", request_body = NameFolder,
    responses((status = 201, body = Envelope<Folder>), (status = 400, body = ErrorBody), (status = 401, body = ErrorBody),
        (status = 403, body = ErrorBody)))]
fn create_folder() {}

/// Renames a folder.
#[utoipa::path(patch, path = "/chat-folders/{id}", tag = "chats", params(("id" = String, Path)),
    request_body = NameFolder,
    responses((status = 200, body = Envelope<Folder>), (status = 400, body = ErrorBody), (status = 401, body = ErrorBody),
        (status = 403, body = ErrorBody), (status = 404, body = ErrorBody)))]
fn rename_folder() {}

/// Forgets a folder; its conversations stay, in no folder.
#[utoipa::path(delete, path = "/chat-folders/{id}", tag = "chats", params(("id" = String, Path)),
    responses((status = 200, body = Deleted), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody),
        (status = 404, body = ErrorBody)))]
fn delete_folder() {}

/// Forgets a conversation.
#[utoipa::path(delete, path = "/chats/{id}", tag = "chats", params(("id" = String, Path)),
    responses((status = 200, body = Deleted), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody),
        (status = 404, body = ErrorBody)))]
fn delete_chat() {}

/// Makes a link under which anybody may read a conversation.
///
/// Of its files the names are shown; with `images=true` images, too.
#[utoipa::path(post, path = "/chats/{id}/share", tag = "chats",
    params(("id" = String, Path), ("images" = Option<bool>, Query)),
    responses((status = 200, body = Envelope<Chat>), (status = 400, body = ErrorBody), (status = 401, body = ErrorBody),
        (status = 403, body = ErrorBody), (status = 404, body = ErrorBody)))]
fn share_chat() {}

/// Takes that link back.
#[utoipa::path(delete, path = "/chats/{id}/share", tag = "chats", params(("id" = String, Path)),
    responses((status = 200, body = Envelope<Chat>), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody),
        (status = 404, body = ErrorBody)))]
fn unshare_chat() {}

/// Shows the conversation behind a link.
#[utoipa::path(get, path = "/shared/{share_id}", tag = "chats", params(("share_id" = String, Path)), security(()),
    responses((status = 200, body = Envelope<Chat>), (status = 404, body = ErrorBody)))]
fn show_shared_chat() {}

/// Shows an image of a shared conversation, where its owner wants that.
#[utoipa::path(get, path = "/shared/{share_id}/files/{file}", tag = "chats",
    params(("share_id" = String, Path), ("file" = String, Path)), security(()),
    responses((status = 200, description = "The image", body = Vec<u8>, content_type = "image/png"),
        (status = 404, body = ErrorBody)))]
fn show_shared_image() {}

/// Sets formulas of TeX as MathML; null stands for one that is not understood.
#[utoipa::path(post, path = "/math", tag = "chats", request_body = Formulas,
    responses((status = 200, body = Envelope<Vec<Option<String>>>), (status = 400, body = ErrorBody),
        (status = 401, body = ErrorBody)))]
fn set_math() {}

/// Draws two models to compare without knowing which is which.
#[utoipa::path(get, path = "/votes/pair", tag = "chats",
    responses((status = 200, body = Envelope<Vec<ModelChoice>>), (status = 401, body = ErrorBody),
        (status = 403, body = ErrorBody), (status = 404, body = ErrorBody)))]
fn draw_pair() {}

/// Says which of two answers to the same question is better, and learns who gave them.
#[utoipa::path(post, path = "/votes", tag = "chats", request_body = CastVote,
    responses((status = 201, body = Envelope<CountedVote>), (status = 400, body = ErrorBody), (status = 401, body = ErrorBody),
        (status = 403, body = ErrorBody), (status = 404, body = ErrorBody), (status = 429, body = ErrorBody)))]
fn cast_vote() {}

/// Shows how often models are preferred: Bradley-Terry ratings with 95 % confidence intervals.
#[utoipa::path(get, path = "/ratings", tag = "rankings", security(()),
    responses((status = 200, body = Envelope<Ratings>)))]
fn show_ratings() {}
