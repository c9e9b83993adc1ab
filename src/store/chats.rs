//! Conversations people keep, and their votes.

use sqlx::FromRow;

use super::Store;

/// A conversation.
#[derive(Clone, Debug, Default, PartialEq, Eq, FromRow)]
pub struct ChatRow {
    pub id: String,
    pub user_id: String,
    pub title: String,
    /// JSON of `ChatDocument`.
    pub document: String,
    pub share_id: Option<String>,
    pub folder_id: Option<String>,
    pub shares_images: i64,
    pub created_at: i64,
    pub updated_at: i64,
}

/// A vote.
#[derive(Clone, Debug, Default, PartialEq, Eq, FromRow)]
pub struct VoteRow {
    pub id: String,
    pub user_id: String,
    pub generation_a: String,
    pub generation_b: String,
    pub model_a: String,
    pub model_b: String,
    pub tokens_a: i64,
    pub tokens_b: i64,
    pub outcome: String,
    pub is_simulated: i64,
    pub created_at: i64,
}

impl Store {
    /// The newest conversations of a person whose text or folder has `words`; without their documents.
    ///
    /// # Errors
    /// Any database error.
    pub async fn chats_of(&self, user_id: &str, words: &str, limit: i64) -> sqlx::Result<Vec<ChatRow>> {
        sqlx::query_as(
            "SELECT id, user_id, title, '' AS document, share_id, folder_id, shares_images, created_at, updated_at FROM chats \
             WHERE user_id = $1 AND ($2 = '' OR LOWER(title) LIKE $2 ESCAPE '!' OR LOWER(document) LIKE $2 ESCAPE '!' \
             OR folder_id IN (SELECT id FROM chat_folders WHERE user_id = $1 AND LOWER(name) LIKE $2 ESCAPE '!')) \
             ORDER BY updated_at DESC, id DESC LIMIT $3",
        )
        .bind(user_id)
        .bind(like(words))
        .bind(limit)
        .fetch_all(self.pool())
        .await
    }

    /// How many conversations a person keeps.
    ///
    /// # Errors
    /// Any database error.
    pub async fn count_chats(&self, user_id: &str) -> sqlx::Result<i64> {
        sqlx::query_scalar("SELECT COUNT(*) FROM chats WHERE user_id = $1").bind(user_id).fetch_one(self.pool()).await
    }

    /// A conversation of a person.
    ///
    /// # Errors
    /// Any database error.
    pub async fn chat(&self, user_id: &str, id: &str) -> sqlx::Result<Option<ChatRow>> {
        sqlx::query_as("SELECT * FROM chats WHERE id = $1 AND user_id = $2")
            .bind(id)
            .bind(user_id)
            .fetch_optional(self.pool())
            .await
    }

    /// The conversation behind a link.
    ///
    /// # Errors
    /// Any database error.
    pub async fn shared_chat(&self, share_id: &str) -> sqlx::Result<Option<ChatRow>> {
        sqlx::query_as("SELECT * FROM chats WHERE share_id = $1").bind(share_id).fetch_optional(self.pool()).await
    }

    /// Keeps a new conversation.
    ///
    /// # Errors
    /// Any database error.
    pub async fn insert_chat(&self, row: &ChatRow) -> sqlx::Result<()> {
        sqlx::query(
            "INSERT INTO chats (id, user_id, title, document, share_id, folder_id, created_at, updated_at) \
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
        )
        .bind(&row.id)
        .bind(&row.user_id)
        .bind(&row.title)
        .bind(&row.document)
        .bind(&row.share_id)
        .bind(&row.folder_id)
        .bind(row.created_at)
        .bind(row.updated_at)
        .execute(self.pool())
        .await
        .map(|_| ())
    }

    /// Replaces a conversation; false when there is none.
    ///
    /// # Errors
    /// Any database error.
    pub async fn update_chat(&self, row: &ChatRow) -> sqlx::Result<bool> {
        let done = sqlx::query(
            "UPDATE chats SET title = $3, document = $4, share_id = $5, folder_id = $6, updated_at = $7, shares_images = $8 \
             WHERE id = $1 AND user_id = $2",
        )
        .bind(&row.id)
        .bind(&row.user_id)
        .bind(&row.title)
        .bind(&row.document)
        .bind(&row.share_id)
        .bind(&row.folder_id)
        .bind(row.updated_at)
        .bind(row.shares_images)
        .execute(self.pool())
        .await?;
        Ok(done.rows_affected() > 0)
    }

    /// Forgets a conversation and its files; false when there is none.
    ///
    /// # Errors
    /// Any database error.
    pub async fn delete_chat(&self, user_id: &str, id: &str) -> sqlx::Result<bool> {
        let mut tx = self.begin_write().await?;
        sqlx::query("DELETE FROM chat_files WHERE chat_id = $1 AND user_id = $2")
            .bind(id)
            .bind(user_id)
            .execute(&mut *tx)
            .await?;
        let done = sqlx::query("DELETE FROM chats WHERE id = $1 AND user_id = $2")
            .bind(id)
            .bind(user_id)
            .execute(&mut *tx)
            .await?;
        tx.commit().await?;
        Ok(done.rows_affected() > 0)
    }

    /// Counts a vote; false when one of its answers was compared before.
    ///
    /// # Errors
    /// Any database error.
    pub async fn insert_vote(&self, row: &VoteRow) -> sqlx::Result<bool> {
        let done = sqlx::query(
            "INSERT INTO votes (id, user_id, generation_a, generation_b, model_a, model_b, tokens_a, tokens_b, outcome, \
             is_simulated, created_at) SELECT $1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11 WHERE NOT EXISTS ( \
             SELECT 1 FROM votes WHERE generation_a IN ($3, $4) OR generation_b IN ($3, $4)) ON CONFLICT DO NOTHING",
        )
        .bind(&row.id)
        .bind(&row.user_id)
        .bind(&row.generation_a)
        .bind(&row.generation_b)
        .bind(&row.model_a)
        .bind(&row.model_b)
        .bind(row.tokens_a)
        .bind(row.tokens_b)
        .bind(&row.outcome)
        .bind(row.is_simulated)
        .bind(row.created_at)
        .execute(self.pool())
        .await?;
        Ok(done.rows_affected() > 0)
    }

    /// Votes of a person since a time.
    ///
    /// # Errors
    /// Any database error.
    pub async fn count_votes(&self, user_id: &str, since_ms: i64) -> sqlx::Result<i64> {
        sqlx::query_scalar("SELECT COUNT(*) FROM votes WHERE user_id = $1 AND created_at >= $2")
            .bind(user_id)
            .bind(since_ms)
            .fetch_one(self.pool())
            .await
    }

    /// The newest votes.
    ///
    /// # Errors
    /// Any database error.
    pub async fn votes(&self, limit: i64) -> sqlx::Result<Vec<VoteRow>> {
        sqlx::query_as("SELECT * FROM votes ORDER BY created_at DESC, id DESC LIMIT $1")
            .bind(limit)
            .fetch_all(self.pool())
            .await
    }
}

/// The pattern that finds `words` anywhere, or nothing.
fn like(words: &str) -> String {
    let words = words.trim().to_lowercase();
    if words.is_empty() {
        return words;
    }
    format!("%{}%", words.replace('!', "!!").replace('%', "!%").replace('_', "!_"))
}
