//! Which letters people want, and to whom one goes.

use sqlx::FromRow;

use super::Store;

/// What a person wants to be told by e-mail. Each is 0 or 1.
#[derive(Clone, Debug, PartialEq, Eq, FromRow)]
pub struct NotificationChoices {
    pub receipts: i64,
    pub low_balance: i64,
    pub key_limits: i64,
    pub announcements: i64,
}

impl Default for NotificationChoices {
    fn default() -> Self {
        Self { receipts: 1, low_balance: 1, key_limits: 1, announcements: 0 }
    }
}

/// What a letter is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Topic {
    /// Nobody can switch it off.
    Payment,
    Receipts,
    LowBalance,
    KeyLimits,
}

impl Topic {
    fn is_wanted(self, choices: &NotificationChoices) -> bool {
        match self {
            Self::Payment => true,
            Self::Receipts => choices.receipts == 1,
            Self::LowBalance => choices.low_balance == 1,
            Self::KeyLimits => choices.key_limits == 1,
        }
    }
}

/// One who may get a letter about money.
#[derive(FromRow)]
struct Addressee {
    email: String,
    #[sqlx(flatten)]
    choices: NotificationChoices,
}

impl Store {
    /// What a person chose.
    ///
    /// # Errors
    /// Any database error.
    pub async fn notification_choices(&self, user_id: &str) -> sqlx::Result<NotificationChoices> {
        sqlx::query_as(
            "SELECT receipts, low_balance, key_limits, announcements FROM notification_choices WHERE user_id = $1",
        )
        .bind(user_id)
        .fetch_optional(self.pool())
        .await
        .map(Option::unwrap_or_default)
    }

    /// Keeps what a person chose.
    ///
    /// # Errors
    /// Any database error.
    pub async fn set_notification_choices(
        &self,
        user_id: &str,
        choices: &NotificationChoices,
        now: i64,
    ) -> sqlx::Result<()> {
        sqlx::query(
            "INSERT INTO notification_choices (user_id, receipts, low_balance, key_limits, announcements, updated_at) \
             VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (user_id) DO UPDATE SET receipts = excluded.receipts, \
             low_balance = excluded.low_balance, key_limits = excluded.key_limits, \
             announcements = excluded.announcements, updated_at = excluded.updated_at",
        )
        .bind(user_id)
        .bind(choices.receipts)
        .bind(choices.low_balance)
        .bind(choices.key_limits)
        .bind(choices.announcements)
        .bind(now)
        .execute(self.pool())
        .await
        .map(|_| ())
    }

    /// Who looks after an organization's money and wants letters about `topic`: a number that stays his
    /// whatever the others choose, and his address.
    ///
    /// # Errors
    /// Any database error.
    pub async fn billing_addresses(&self, organization_id: &str, topic: Topic) -> sqlx::Result<Vec<(usize, String)>> {
        let all: Vec<Addressee> = sqlx::query_as(
            "SELECT u.email AS email, COALESCE(c.receipts, 1) AS receipts, COALESCE(c.low_balance, 1) AS low_balance, \
             COALESCE(c.key_limits, 1) AS key_limits, COALESCE(c.announcements, 0) AS announcements \
             FROM members m JOIN users u ON u.id = m.user_id LEFT JOIN notification_choices c ON c.user_id = u.id \
             WHERE m.organization_id = $1 AND m.role IN ('owner', 'admin', 'billing') ORDER BY m.created_at, u.id",
        )
        .bind(organization_id)
        .fetch_all(self.pool())
        .await?;
        let wanted = all.into_iter().enumerate().filter(|(_, one)| topic.is_wanted(&one.choices));
        Ok(wanted.map(|(number, one)| (number, one.email)).collect())
    }

    /// Everybody who wants announcements by e-mail: id and address.
    ///
    /// # Errors
    /// Any database error.
    pub async fn announcement_addresses(&self) -> sqlx::Result<Vec<(String, String)>> {
        sqlx::query_as(
            "SELECT u.id, u.email FROM notification_choices c JOIN users u ON u.id = c.user_id \
             WHERE c.announcements = 1 AND u.deleted_at IS NULL ORDER BY u.id",
        )
        .fetch_all(self.pool())
        .await
    }
}
