//! Conversations kept on the server, their folders and their files.

use http::Method;

use super::{Api, ApiResult, encode};
use crate::types::Envelope;
use crate::types::chats::{Attachment, ChangeChat, Chat, ChatSummary, Folder, NameFolder, SaveChat};
use crate::types::keys::Deleted;

impl Api {
    /// The newest conversations kept on the server, or those with these words.
    pub async fn chats(&self, words: &str) -> ApiResult<Vec<ChatSummary>> {
        self.get(&format!("/api/v1/chats?q={}", encode(words))).await
    }

    /// A conversation.
    pub async fn chat_kept(&self, id: &str) -> ApiResult<Chat> {
        self.get(&format!("/api/v1/chats/{}", encode(id))).await
    }

    /// Keeps a conversation; the `id` is that of one kept before.
    pub async fn keep_chat(&self, id: Option<&str>, chat: &SaveChat) -> ApiResult<Chat> {
        let (method, path) = match id {
            Some(id) => (Method::PUT, format!("/api/v1/chats/{}", encode(id))),
            None => (Method::POST, "/api/v1/chats".to_owned()),
        };
        self.call::<_, Envelope<Chat>>(method, &path, Some(chat)).await.map(|envelope| envelope.data)
    }

    /// Renames or moves a conversation.
    pub async fn change_chat(&self, id: &str, change: &ChangeChat) -> ApiResult<()> {
        let path = format!("/api/v1/chats/{}", encode(id));
        self.call::<_, Envelope<ChatSummary>>(Method::PATCH, &path, Some(change)).await.map(|_| ())
    }

    /// Forgets a conversation.
    pub async fn delete_chat(&self, id: &str) -> ApiResult<Deleted> {
        self.call(Method::DELETE, &format!("/api/v1/chats/{}", encode(id)), None::<&()>).await
    }

    /// Makes the link to a conversation, or takes it back. Images are shown only if that is said.
    pub async fn share_chat(&self, id: &str, is_shared: bool, has_images: bool) -> ApiResult<Chat> {
        let method = if is_shared { Method::POST } else { Method::DELETE };
        let path = format!("/api/v1/chats/{}/share{}", encode(id), if has_images { "?images=true" } else { "" });
        self.call::<(), Envelope<Chat>>(method, &path, None).await.map(|envelope| envelope.data)
    }

    /// The conversation behind a link.
    pub async fn shared_chat(&self, share_id: &str) -> ApiResult<Chat> {
        self.get(&format!("/api/v1/shared/{}", encode(share_id))).await
    }

    /// A file of a conversation.
    pub async fn chat_file(&self, chat: &str, file: &str) -> ApiResult<Attachment> {
        self.get(&format!("/api/v1/chats/{}/files/{}", encode(chat), encode(file))).await
    }

    /// Keeps a file with its conversation.
    pub async fn keep_chat_file(&self, chat: &str, file: &Attachment) -> ApiResult<()> {
        let path = format!("/api/v1/chats/{}/files/{}", encode(chat), encode(&file.id));
        self.call::<_, Envelope<Attachment>>(Method::PUT, &path, Some(file)).await.map(|_| ())
    }

    /// The folders of one's conversations.
    pub async fn chat_folders(&self) -> ApiResult<Vec<Folder>> {
        self.get("/api/v1/chat-folders").await
    }

    /// Makes a folder, or renames the one with this id.
    pub async fn keep_chat_folder(&self, id: Option<&str>, name: &str) -> ApiResult<Folder> {
        let (method, path) = match id {
            Some(id) => (Method::PATCH, format!("/api/v1/chat-folders/{}", encode(id))),
            None => (Method::POST, "/api/v1/chat-folders".to_owned()),
        };
        let named = NameFolder { name: name.to_owned() };
        self.call::<_, Envelope<Folder>>(method, &path, Some(&named)).await.map(|envelope| envelope.data)
    }

    /// Forgets a folder; its conversations stay.
    pub async fn delete_chat_folder(&self, id: &str) -> ApiResult<()> {
        let path = format!("/api/v1/chat-folders/{}", encode(id));
        self.call::<(), Deleted>(Method::DELETE, &path, None).await.map(|_| ())
    }
}
