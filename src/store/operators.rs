//! What operators see of people, organizations and money, and what they change.

use sqlx::FromRow;

use super::Store;

/// What stands for this server where an audit log names an organization.
pub const PLATFORM: &str = "platform";

/// A user, as operators find him.
#[derive(Clone, Debug, PartialEq, Eq, FromRow)]
pub struct PersonRow {
    pub id: String,
    pub email: String,
    pub name: String,
    pub created_at: i64,
    pub verified_at: Option<i64>,
    pub suspended_at: Option<i64>,
    pub is_operator: i64,
    pub has_second_factor: i64,
    pub organizations: i64,
}

/// An organization, as operators find it.
#[derive(Clone, Debug, PartialEq, Eq, FromRow)]
pub struct HouseRow {
    pub id: String,
    pub name: String,
    pub is_personal: i64,
    pub created_at: i64,
    pub members: i64,
    /// What was credited and not spent, as stored.
    pub left_nanos: i64,
    pub is_frozen: i64,
}

/// What moved on a UTC day by transfers of one kind.
#[derive(Clone, Debug, PartialEq, Eq, FromRow)]
pub struct DayMoneyRow {
    /// Days since the epoch.
    pub day: i64,
    pub kind: String,
    pub amount_nanos: i64,
}

/// How much there is of everything.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, FromRow)]
pub struct CountsRow {
    pub users: i64,
    pub organizations: i64,
    /// What is owed to all organizations together.
    pub owed_nanos: i64,
}

/// A text within a LIKE pattern.
pub(super) fn contains(text: &str) -> String {
    let text = text.trim().to_lowercase();
    let escaped = text.replace('!', "!!").replace('%', "!%").replace('_', "!_");
    format!("%{escaped}%")
}

impl Store {
    /// Users whose address or name contains a text, newest first.
    ///
    /// # Errors
    /// Any database error.
    pub async fn find_users(&self, text: &str, limit: i64, offset: i64) -> sqlx::Result<Vec<PersonRow>> {
        sqlx::query_as(
            "SELECT u.id, u.email, u.name, u.created_at, u.verified_at, u.suspended_at, u.is_operator, \
             (SELECT COUNT(*) FROM authenticators a WHERE a.user_id = u.id AND a.confirmed_at IS NOT NULL) \
             AS has_second_factor, \
             (SELECT COUNT(*) FROM members m WHERE m.user_id = u.id) AS organizations \
             FROM users u WHERE u.deleted_at IS NULL \
             AND (u.email LIKE $1 ESCAPE '!' OR LOWER(u.name) LIKE $1 ESCAPE '!' OR u.id = $2) \
             ORDER BY u.created_at DESC, u.id LIMIT $3 OFFSET $4",
        )
        .bind(contains(text))
        .bind(text.trim())
        .bind(limit)
        .bind(offset)
        .fetch_all(self.pool())
        .await
    }

    /// Organizations whose name, id or member's address contains a text, newest first.
    ///
    /// # Errors
    /// Any database error.
    pub async fn find_organizations(&self, text: &str, limit: i64, offset: i64) -> sqlx::Result<Vec<HouseRow>> {
        sqlx::query_as(
            "SELECT o.id, o.name, o.is_personal, o.created_at, \
             (SELECT COUNT(*) FROM members m WHERE m.organization_id = o.id) AS members, \
             COALESCE(b.credited_nanos - b.debited_nanos, 0) AS left_nanos, COALESCE(b.is_frozen, 0) AS is_frozen \
             FROM organizations o LEFT JOIN balances b ON b.account_id = 'org:' || o.id || ':credit' \
             WHERE o.deleted_at IS NULL AND (LOWER(o.name) LIKE $1 ESCAPE '!' OR o.id = $2 OR EXISTS \
             (SELECT 1 FROM members m JOIN users u ON u.id = m.user_id \
             WHERE m.organization_id = o.id AND u.email LIKE $1 ESCAPE '!')) \
             ORDER BY o.created_at DESC, o.id LIMIT $3 OFFSET $4",
        )
        .bind(contains(text))
        .bind(text.trim())
        .bind(limit)
        .bind(offset)
        .fetch_all(self.pool())
        .await
    }

    /// Suspends a user (and signs him out everywhere) or lets him in again. False when
    /// there is no such user.
    ///
    /// # Errors
    /// Any database error.
    pub async fn set_suspended(&self, user_id: &str, suspended_at: Option<i64>) -> sqlx::Result<bool> {
        let mut tx = self.begin_write().await?;
        let done = sqlx::query("UPDATE users SET suspended_at = $2 WHERE id = $1 AND deleted_at IS NULL")
            .bind(user_id)
            .bind(suspended_at)
            .execute(&mut *tx)
            .await?;
        if suspended_at.is_some() {
            sqlx::query("DELETE FROM sessions WHERE user_id = $1").bind(user_id).execute(&mut *tx).await?;
        }
        tx.commit().await?;
        Ok(done.rows_affected() == 1)
    }

    /// Notes that an operator froze an organization, or lets it go on.
    ///
    /// # Errors
    /// Any database error.
    pub async fn set_frozen(&self, organization_id: &str, frozen_at: Option<i64>) -> sqlx::Result<()> {
        sqlx::query("UPDATE organizations SET frozen_at = $2 WHERE id = $1")
            .bind(organization_id)
            .bind(frozen_at)
            .execute(self.pool())
            .await
            .map(|_| ())
    }

    /// Whether an operator froze an organization.
    ///
    /// # Errors
    /// Any database error.
    pub async fn is_frozen_by_operator(&self, organization_id: &str) -> sqlx::Result<bool> {
        let found: i64 =
            sqlx::query_scalar("SELECT COUNT(*) FROM organizations WHERE id = $1 AND frozen_at IS NOT NULL")
                .bind(organization_id)
                .fetch_one(self.pool())
                .await?;
        Ok(found > 0)
    }

    /// Makes a user an operator, or no longer one.
    ///
    /// # Errors
    /// Any database error.
    pub async fn set_operator(&self, user_id: &str, is_operator: bool) -> sqlx::Result<()> {
        sqlx::query("UPDATE users SET is_operator = $2 WHERE id = $1")
            .bind(user_id)
            .bind(i64::from(is_operator))
            .execute(self.pool())
            .await
            .map(|_| ())
    }

    /// # Errors
    /// Any database error.
    pub async fn platform_counts(&self) -> sqlx::Result<CountsRow> {
        sqlx::query_as(
            "SELECT (SELECT COUNT(*) FROM users WHERE deleted_at IS NULL) AS users, \
             (SELECT COUNT(*) FROM organizations WHERE deleted_at IS NULL) AS organizations, \
             (SELECT CAST(COALESCE(SUM(credited_nanos - debited_nanos), 0) AS BIGINT) FROM balances \
             WHERE account_id LIKE 'org:%:credit') AS owed_nanos",
        )
        .fetch_one(self.pool())
        .await
    }

    /// What came and went by day and kind since a moment. Charges for requests are read
    /// from the roll-ups, as `usage`.
    ///
    /// # Errors
    /// Any database error.
    pub async fn money_by_day(&self, since_ms: i64) -> sqlx::Result<Vec<DayMoneyRow>> {
        let mut rows: Vec<DayMoneyRow> = sqlx::query_as(
            "SELECT created_at / 86400000 AS day, kind, CAST(SUM(amount_nanos) AS BIGINT) AS amount_nanos \
             FROM transfers WHERE created_at >= $1 AND (debit_account_id IN ('platform:cash:card', \
             'platform:cash:crypto', 'platform:cash:invoice', 'world', 'platform:overrun_loss') \
             OR credit_account_id IN ('platform:cash:card', 'platform:cash:crypto', 'platform:byok_revenue')) \
             GROUP BY created_at / 86400000, kind",
        )
        .bind(since_ms)
        .fetch_all(self.pool())
        .await?;
        let usage: Vec<DayMoneyRow> = sqlx::query_as(
            "SELECT day, 'usage' AS kind, CAST(SUM(cost_nanos) AS BIGINT) AS amount_nanos FROM usage_daily \
             WHERE day >= $1 GROUP BY day",
        )
        .bind(since_ms.div_euclid(86_400_000))
        .fetch_all(self.pool())
        .await?;
        rows.extend(usage);
        Ok(rows)
    }
}
