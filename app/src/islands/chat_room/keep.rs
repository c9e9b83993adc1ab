//! Keeping a conversation with its files, and putting it away.

use leptos::prelude::*;
use leptos::task::spawn_local;

use super::room::{Gone, Place, Room};
use super::{files, shelf};
use crate::api::{ApiError, encode, use_api};
use crate::islands::browser::delete_on_leave;
use crate::islands::toast::TIME;
use crate::types::chats::{Attachment, ChatDocument, SaveChat};

/// What is being written, and what is written already.
#[derive(Clone, Debug, Default)]
pub struct Keeping {
    is_busy: bool,
    /// Something was said meanwhile.
    is_stale: bool,
    /// Files that are where they belong, as `chat/file`.
    files: Vec<String>,
}

impl Room {
    /// Writes the conversation to where it is kept. Blind comparisons are not.
    pub fn keep(self) {
        if self.is_blind.get_untracked() || untrack(|| self.is_empty()) {
            return;
        }
        // One after the other: else the first two would make two conversations of one.
        if self.writing.with_value(|writing| writing.is_busy) {
            self.writing.update_value(|writing| writing.is_stale = true);
            return;
        }
        self.writing.update_value(|writing| writing.is_busy = true);
        spawn_local(async move {
            loop {
                self.writing.update_value(|writing| writing.is_stale = false);
                if let Err(message) = self.write().await {
                    self.told.set(Some(message));
                }
                if !self.writing.with_value(|writing| writing.is_stale) {
                    break;
                }
            }
            self.writing.update_value(|writing| writing.is_busy = false);
        });
    }

    async fn write(self) -> Result<(), String> {
        let (document, files) = apart(self.document());
        let first = self.columns.get_untracked().first().map(|column| column.number);
        let is_same = || self.columns.get_untracked().first().map(|column| column.number) == first;
        let id = self.id.get_untracked();
        if self.place.get_untracked() == Place::Device {
            let id = id.filter(|id| shelf::is_device_id(id)).unwrap_or_else(shelf::new_device_id);
            let full = "This device has no room for more conversations. Delete some, or keep them on the server.";
            shelf::put(&id, &document).then_some(()).ok_or(full)?;
            self.id.set(Some(id.clone()));
            self.shelved.notify();
            for file in self.unkept(&id, files) {
                let is_kept = files::put(&id, &file.id, &file.data).await;
                is_kept.then_some(()).ok_or_else(|| format!("This device has no room for {}.", file.name))?;
                self.remember(&id, &file);
            }
            return Ok(());
        }
        let id = id.filter(|id| !shelf::is_device_id(id));
        let wish = SaveChat { document, ..SaveChat::default() };
        let said = |error: ApiError| format!("Not kept: {}", error.message);
        let chat = use_api().keep_chat(id.as_deref(), &wish).await.map_err(said)?;
        // Another conversation may be on the screen by now.
        if is_same() {
            self.id.set(Some(chat.id.clone()));
            self.share_id.set(chat.share_id);
        }
        self.shelved.notify();
        for file in self.unkept(&chat.id, files) {
            use_api().keep_chat_file(&chat.id, &file).await.map_err(said)?;
            self.remember(&chat.id, &file);
        }
        Ok(())
    }

    fn unkept(self, chat: &str, files: Vec<Attachment>) -> Vec<Attachment> {
        let is_new = |file: &Attachment| {
            let name = format!("{chat}/{}", file.id);
            !self.writing.with_value(|writing| writing.files.contains(&name))
        };
        files.into_iter().filter(is_new).collect()
    }

    fn remember(self, chat: &str, file: &Attachment) {
        self.writing.update_value(|writing| writing.files.push(format!("{chat}/{}", file.id)));
    }

    /// Brings the files of a kept conversation to its questions.
    pub fn fetch_files(self, chat: String) {
        let (document, _) = apart(self.document());
        let mut wanted: Vec<Attachment> = Vec::new();
        for file in document.files() {
            if !file.id.is_empty() && !wanted.contains(file) {
                wanted.push(file.clone());
            }
        }
        spawn_local(async move {
            for file in wanted {
                let data = if shelf::is_device_id(&chat) {
                    files::get(&chat, &file.id).await
                } else {
                    use_api().chat_file(&chat, &file.id).await.ok().map(|file| file.data)
                };
                if self.id.get_untracked().as_ref() != Some(&chat) {
                    return;
                }
                if let Some(data) = data {
                    self.remember(&chat, &file);
                    self.put_data(&file.id, &data);
                }
            }
        });
    }

    fn put_data(self, id: &str, data: &str) {
        for column in self.columns.get_untracked() {
            for turn in column.turns.get_untracked() {
                let is_here = turn.kept.with_untracked(|kept| kept.attachments.iter().any(|file| file.id == id));
                if is_here {
                    turn.kept.update(|kept| {
                        for file in kept.attachments.iter_mut().filter(|file| file.id == id) {
                            data.clone_into(&mut file.data);
                        }
                    });
                }
            }
            column.progress.notify();
        }
    }

    /// Takes a conversation out of sight at once. It is deleted when the time to take that back is over.
    pub fn put_away(self, gone: Gone) {
        self.delete_gone();
        if self.id.get_untracked().as_ref() == Some(&gone.id) {
            self.start_anew();
        }
        self.gone.set(Some(gone.clone()));
        self.shelved.notify();
        set_timeout(
            move || {
                if self.gone.try_get_untracked().flatten().as_ref() == Some(&gone) {
                    self.delete_gone();
                }
            },
            TIME,
        );
    }

    /// Deletes what was put away before the page is gone.
    pub fn leave(self) {
        let Some(gone) = self.gone.try_update(Option::take).flatten() else { return };
        if shelf::is_device_id(&gone.id) {
            shelf::remove(&gone.id);
        } else {
            delete_on_leave(&format!("/api/v1/chats/{}", encode(&gone.id)));
        }
    }

    /// Shows it again.
    pub fn take_back(self) {
        self.gone.set(None);
        self.shelved.notify();
    }

    /// Deletes what was put away.
    fn delete_gone(self) {
        let Some(gone) = self.gone.get_untracked() else { return };
        self.gone.set(None);
        if shelf::is_device_id(&gone.id) {
            shelf::remove(&gone.id);
            self.shelved.notify();
            return;
        }
        spawn_local(async move {
            if let Err(error) = use_api().delete_chat(&gone.id).await {
                self.told.set(Some(format!("Not deleted: {}", error.message)));
            }
            self.shelved.notify();
        });
    }
}

/// A document without the data of its files, and each file once with them.
fn apart(mut document: ChatDocument) -> (ChatDocument, Vec<Attachment>) {
    let mut files: Vec<Attachment> = Vec::new();
    for file in document.files_mut() {
        let data = std::mem::take(&mut file.data);
        if !data.is_empty() && files.iter().all(|known| known.id != file.id) {
            files.push(Attachment { data, ..file.clone() });
        }
    }
    (document, files)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::types::chats::{ChatColumn, Kept};

    #[test]
    fn a_file_asked_of_two_models_is_kept_once() {
        let file = Attachment { id: "f".into(), name: "a".into(), kind: "image/png".into(), data: "data:x".into() };
        let turn = Kept { attachments: vec![file.clone()], ..Kept::default() };
        let column = ChatColumn { turns: vec![turn], ..ChatColumn::default() };
        let (document, files) = apart(ChatDocument { columns: vec![column.clone(), column] });
        assert_eq!(files, [file]);
        assert!(document.files().count() == 2 && document.files().all(|file| file.data.is_empty()));
    }
}
