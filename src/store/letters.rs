//! E-mail that waits to be sent, and what became of it.

use super::Store;

/// One e-mail in plain text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Letter {
    /// One address.
    pub to: String,
    pub subject: String,
    pub text: String,
}

/// A letter whose turn it is.
#[derive(Clone, Debug, sqlx::FromRow)]
pub struct WaitingLetter {
    pub id: String,
    pub recipient: String,
    pub subject: String,
    pub text: String,
    /// Tries before this one.
    pub attempts: i64,
    /// Epoch ms.
    pub next_attempt_at: i64,
}

impl Store {
    /// Queues a letter. A second one under the same id is forgotten; false says so.
    ///
    /// # Errors
    /// Any database error.
    pub async fn post_letter(&self, id: &str, letter: &Letter, now_ms: i64) -> sqlx::Result<bool> {
        sqlx::query(
            "INSERT INTO letters (id, recipient, subject, text, created_at, next_attempt_at) \
             VALUES ($1, $2, $3, $4, $5, $5) ON CONFLICT (id) DO NOTHING",
        )
        .bind(id)
        .bind(&letter.to)
        .bind(&letter.subject)
        .bind(&letter.text)
        .bind(now_ms)
        .execute(self.pool())
        .await
        .map(|done| done.rows_affected() == 1)
    }

    /// Letters that were not sent yet and are not given up, oldest first.
    ///
    /// # Errors
    /// Any database error.
    pub async fn waiting_letters(&self, due_ms: i64, most: i64) -> sqlx::Result<Vec<WaitingLetter>> {
        sqlx::query_as(
            "SELECT id, recipient, subject, text, attempts, next_attempt_at FROM letters \
             WHERE sent_at IS NULL AND next_attempt_at <= $1 ORDER BY next_attempt_at, id LIMIT $2",
        )
        .bind(due_ms)
        .bind(most)
        .fetch_all(self.pool())
        .await
    }

    /// Takes a letter for this node until `until_ms`. False when another node was quicker.
    ///
    /// # Errors
    /// Any database error.
    pub async fn take_letter(&self, letter: &WaitingLetter, until_ms: i64) -> sqlx::Result<bool> {
        sqlx::query(
            "UPDATE letters SET attempts = attempts + 1, next_attempt_at = $1 \
             WHERE id = $2 AND next_attempt_at = $3 AND sent_at IS NULL",
        )
        .bind(until_ms)
        .bind(&letter.id)
        .bind(letter.next_attempt_at)
        .execute(self.pool())
        .await
        .map(|done| done.rows_affected() == 1)
    }

    /// Notes that a letter was sent, and forgets what it said.
    ///
    /// # Errors
    /// Any database error.
    pub async fn letter_was_sent(&self, id: &str, now_ms: i64) -> sqlx::Result<()> {
        sqlx::query("UPDATE letters SET sent_at = $1, text = '', failure = NULL WHERE id = $2")
            .bind(now_ms)
            .bind(id)
            .execute(self.pool())
            .await
            .map(|_| ())
    }

    /// Notes why a letter was not sent, and when it is tried again.
    ///
    /// # Errors
    /// Any database error.
    pub async fn letter_failed(&self, id: &str, failure: &str, again_ms: i64) -> sqlx::Result<()> {
        sqlx::query("UPDATE letters SET failure = $1, next_attempt_at = $2 WHERE id = $3")
            .bind(failure)
            .bind(again_ms)
            .bind(id)
            .execute(self.pool())
            .await
            .map(|_| ())
    }

    /// Forgets letters written before a time. Returns how many.
    ///
    /// # Errors
    /// Any database error.
    pub async fn forget_letters(&self, before_ms: i64) -> sqlx::Result<u64> {
        sqlx::query("DELETE FROM letters WHERE created_at < $1")
            .bind(before_ms)
            .execute(self.pool())
            .await
            .map(|done| done.rows_affected())
    }
}
