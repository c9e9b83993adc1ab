//! Folders of people's conversations, and the files that belong to those. The conversations
//! themselves are in [`super::chats`].

use sqlx::FromRow;

use super::Store;
use super::accounts::take_turn;

/// A folder.
#[derive(Clone, Debug, Default, PartialEq, Eq, FromRow)]
pub struct FolderRow {
    pub id: String,
    pub user_id: String,
    pub name: String,
    pub created_at: i64,
}

/// A file of a conversation.
#[derive(Clone, Debug, Default, PartialEq, Eq, FromRow)]
pub struct ChatFileRow {
    pub chat_id: String,
    pub id: String,
    pub user_id: String,
    pub name: String,
    pub kind: String,
    /// `data:image/png;base64,…`
    pub content: String,
    pub size_bytes: i64,
    pub created_at: i64,
}

/// What came of a new folder.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NewFolder {
    Made,
    /// One of its owner's has this name.
    Known,
    TooMany,
}

impl Store {
    /// The folders of a person, by name.
    ///
    /// # Errors
    /// Any database error.
    pub async fn chat_folders(&self, user_id: &str) -> sqlx::Result<Vec<FolderRow>> {
        sqlx::query_as("SELECT * FROM chat_folders WHERE user_id = $1 ORDER BY LOWER(name), id")
            .bind(user_id)
            .fetch_all(self.pool())
            .await
    }

    /// A folder of a person.
    ///
    /// # Errors
    /// Any database error.
    pub async fn chat_folder(&self, user_id: &str, id: &str) -> sqlx::Result<Option<FolderRow>> {
        sqlx::query_as("SELECT * FROM chat_folders WHERE id = $1 AND user_id = $2")
            .bind(id)
            .bind(user_id)
            .fetch_optional(self.pool())
            .await
    }

    /// Makes a folder, unless its owner has this many or one of its name.
    ///
    /// # Errors
    /// Any database error.
    pub async fn insert_chat_folder(&self, row: &FolderRow, most: i64) -> sqlx::Result<NewFolder> {
        let mut tx = self.begin_write().await?;
        take_turn(&mut tx, &row.user_id).await?;
        let done = sqlx::query(
            "INSERT INTO chat_folders (id, user_id, name, created_at) SELECT $1, $2, $3, $4 \
             WHERE (SELECT COUNT(*) FROM chat_folders WHERE user_id = $2) < $5",
        )
        .bind(&row.id)
        .bind(&row.user_id)
        .bind(&row.name)
        .bind(row.created_at)
        .bind(most)
        .execute(&mut *tx)
        .await;
        match done {
            Err(error) if super::is_duplicate(&error) => Ok(NewFolder::Known),
            Err(error) => Err(error),
            Ok(done) => {
                tx.commit().await?;
                Ok(if done.rows_affected() == 1 { NewFolder::Made } else { NewFolder::TooMany })
            }
        }
    }

    /// Calls a folder something else; false when another has that name.
    ///
    /// # Errors
    /// Any database error.
    pub async fn rename_chat_folder(&self, row: &FolderRow) -> sqlx::Result<bool> {
        let done = sqlx::query("UPDATE chat_folders SET name = $3 WHERE id = $1 AND user_id = $2")
            .bind(&row.id)
            .bind(&row.user_id)
            .bind(&row.name)
            .execute(self.pool())
            .await;
        match done {
            Err(error) if super::is_duplicate(&error) => Ok(false),
            done => done.map(|_| true),
        }
    }

    /// Forgets a folder; its conversations stay, in no folder. False when there is none.
    ///
    /// # Errors
    /// Any database error.
    pub async fn delete_chat_folder(&self, user_id: &str, id: &str) -> sqlx::Result<bool> {
        let mut tx = self.begin_write().await?;
        sqlx::query("UPDATE chats SET folder_id = NULL WHERE folder_id = $1 AND user_id = $2")
            .bind(id)
            .bind(user_id)
            .execute(&mut *tx)
            .await?;
        let done = sqlx::query("DELETE FROM chat_folders WHERE id = $1 AND user_id = $2")
            .bind(id)
            .bind(user_id)
            .execute(&mut *tx)
            .await?;
        tx.commit().await?;
        Ok(done.rows_affected() > 0)
    }

    /// A file of a conversation.
    ///
    /// # Errors
    /// Any database error.
    pub async fn chat_file(&self, user_id: &str, chat_id: &str, id: &str) -> sqlx::Result<Option<ChatFileRow>> {
        sqlx::query_as("SELECT * FROM chat_files WHERE chat_id = $1 AND id = $2 AND user_id = $3")
            .bind(chat_id)
            .bind(id)
            .bind(user_id)
            .fetch_optional(self.pool())
            .await
    }

    /// Bytes of the files of a conversation, and of all of a person's.
    ///
    /// # Errors
    /// Any database error.
    pub async fn chat_file_bytes(&self, user_id: &str, chat_id: &str) -> sqlx::Result<(i64, i64)> {
        sqlx::query_as(
            "SELECT CAST(COALESCE(SUM(CASE WHEN chat_id = $2 THEN size_bytes ELSE 0 END), 0) AS BIGINT), \
             CAST(COALESCE(SUM(size_bytes), 0) AS BIGINT) FROM chat_files WHERE user_id = $1",
        )
        .bind(user_id)
        .bind(chat_id)
        .fetch_one(self.pool())
        .await
    }

    /// Whether a conversation has this file.
    ///
    /// # Errors
    /// Any database error.
    pub async fn has_chat_file(&self, user_id: &str, chat_id: &str, id: &str) -> sqlx::Result<bool> {
        let found: Option<i64> =
            sqlx::query_scalar("SELECT size_bytes FROM chat_files WHERE chat_id = $1 AND id = $2 AND user_id = $3")
                .bind(chat_id)
                .bind(id)
                .bind(user_id)
                .fetch_optional(self.pool())
                .await?;
        Ok(found.is_some())
    }

    /// Keeps a file. False when it is kept already, and stays as it is, or when the files of the
    /// conversation or of its owner would be more than so many bytes.
    ///
    /// # Errors
    /// Any database error.
    pub async fn insert_chat_file(&self, row: &ChatFileRow, (of_chat, of_all): (i64, i64)) -> sqlx::Result<bool> {
        let mut tx = self.begin_write().await?;
        take_turn(&mut tx, &row.user_id).await?;
        let done = sqlx::query(
            "INSERT INTO chat_files (chat_id, id, user_id, name, kind, content, size_bytes, created_at) \
             SELECT $1, $2, $3, $4, $5, $6, $7, $8 WHERE \
             (SELECT COALESCE(SUM(size_bytes), 0) FROM chat_files WHERE chat_id = $1 AND user_id = $3) + $7 <= $9 AND \
             (SELECT COALESCE(SUM(size_bytes), 0) FROM chat_files WHERE user_id = $3) + $7 <= $10 \
             ON CONFLICT (chat_id, id) DO NOTHING",
        )
        .bind(&row.chat_id)
        .bind(&row.id)
        .bind(&row.user_id)
        .bind(&row.name)
        .bind(&row.kind)
        .bind(&row.content)
        .bind(row.size_bytes)
        .bind(row.created_at)
        .bind(of_chat)
        .bind(of_all)
        .execute(&mut *tx)
        .await?;
        tx.commit().await?;
        Ok(done.rows_affected() == 1)
    }

    /// Forgets the files of a conversation that are not among `wanted`.
    ///
    /// # Errors
    /// Any database error.
    pub async fn delete_other_chat_files(&self, chat_id: &str, wanted: &[&str]) -> sqlx::Result<()> {
        let kept: Vec<String> = sqlx::query_scalar("SELECT id FROM chat_files WHERE chat_id = $1")
            .bind(chat_id)
            .fetch_all(self.pool())
            .await?;
        for id in kept.iter().filter(|id| !wanted.contains(&id.as_str())) {
            sqlx::query("DELETE FROM chat_files WHERE chat_id = $1 AND id = $2")
                .bind(chat_id)
                .bind(id)
                .execute(self.pool())
                .await?;
        }
        Ok(())
    }
}
