//! What operators tell everybody.

use sqlx::FromRow;

use super::Store;
use super::own_keys::revise;

/// One announcement. Times are epoch ms.
#[derive(Clone, Debug, PartialEq, Eq, FromRow)]
pub struct AnnouncementRow {
    pub id: String,
    pub text: String,
    pub is_warning: i64,
    pub created_at: i64,
    /// `None`: until it is taken back.
    pub ends_at: Option<i64>,
}

/// The topic of announcements.
pub const TOPIC: &str = "announcements";

impl Store {
    /// Every announcement, newest first.
    ///
    /// # Errors
    /// Any database error.
    pub async fn announcements(&self) -> sqlx::Result<Vec<AnnouncementRow>> {
        sqlx::query_as("SELECT id, text, is_warning, created_at, ends_at FROM announcements ORDER BY id DESC LIMIT 50")
            .fetch_all(self.pool())
            .await
    }

    /// # Errors
    /// Any database error.
    pub async fn insert_announcement(&self, row: &AnnouncementRow) -> sqlx::Result<()> {
        let mut tx = self.begin_write().await?;
        sqlx::query(
            "INSERT INTO announcements (id, text, is_warning, created_at, ends_at) VALUES ($1, $2, $3, $4, $5)",
        )
        .bind(row.id.as_str())
        .bind(row.text.as_str())
        .bind(row.is_warning)
        .bind(row.created_at)
        .bind(row.ends_at)
        .execute(&mut *tx)
        .await?;
        revise(&mut tx, TOPIC).await?;
        tx.commit().await
    }

    /// False when there was none.
    ///
    /// # Errors
    /// Any database error.
    pub async fn delete_announcement(&self, id: &str) -> sqlx::Result<bool> {
        let mut tx = self.begin_write().await?;
        let done = sqlx::query("DELETE FROM announcements WHERE id = $1").bind(id).execute(&mut *tx).await?;
        revise(&mut tx, TOPIC).await?;
        tx.commit().await?;
        Ok(done.rows_affected() == 1)
    }
}
