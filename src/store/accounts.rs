//! Users, organizations, members and workspaces.

use sqlx::FromRow;

use super::Store;

/// A person who can sign in.
#[derive(Clone, Debug, PartialEq, Eq, FromRow)]
pub struct UserRow {
    pub id: String,
    /// Lower case.
    pub email: String,
    pub name: String,
    /// PHC string of argon2id.
    pub password_hash: String,
    pub created_at: i64,
}

/// Where a user belongs: the organization that pays and its first workspace.
#[derive(Clone, Debug, PartialEq, Eq, FromRow)]
pub struct MembershipRow {
    pub organization_id: String,
    pub organization_name: String,
    pub workspace_id: String,
    pub role: String,
}

/// A new account: user, personal organization and default workspace at once.
#[derive(Clone, Debug)]
pub struct NewAccount {
    pub user: UserRow,
    pub organization_id: String,
    pub organization_name: String,
    pub workspace_id: String,
    pub is_demo: bool,
}

impl Store {
    /// Opens an account in one transaction.
    ///
    /// # Errors
    /// A unique violation when the e-mail address is taken (see [`super::is_duplicate`]).
    pub async fn create_account(&self, account: &NewAccount) -> sqlx::Result<()> {
        let now = account.user.created_at;
        let mut tx = self.begin_write().await?;
        sqlx::query("INSERT INTO users (id, email, name, password_hash, created_at) VALUES ($1, $2, $3, $4, $5)")
            .bind(account.user.id.as_str())
            .bind(account.user.email.as_str())
            .bind(account.user.name.as_str())
            .bind(account.user.password_hash.as_str())
            .bind(now)
            .execute(&mut *tx)
            .await?;
        sqlx::query("INSERT INTO organizations (id, name, is_demo, created_at) VALUES ($1, $2, $3, $4)")
            .bind(account.organization_id.as_str())
            .bind(account.organization_name.as_str())
            .bind(i64::from(account.is_demo))
            .bind(now)
            .execute(&mut *tx)
            .await?;
        sqlx::query("INSERT INTO members (organization_id, user_id, role, created_at) VALUES ($1, $2, 'owner', $3)")
            .bind(account.organization_id.as_str())
            .bind(account.user.id.as_str())
            .bind(now)
            .execute(&mut *tx)
            .await?;
        sqlx::query(
            "INSERT INTO workspaces (id, organization_id, name, slug, created_at) VALUES ($1, $2, 'Default', 'default', $3)",
        )
        .bind(account.workspace_id.as_str())
        .bind(account.organization_id.as_str())
        .bind(now)
        .execute(&mut *tx)
        .await?;
        tx.commit().await
    }

    /// # Errors
    /// Any database error.
    pub async fn user_by_email(&self, email: &str) -> sqlx::Result<Option<UserRow>> {
        sqlx::query_as("SELECT id, email, name, password_hash, created_at FROM users WHERE email = $1")
            .bind(email)
            .fetch_optional(self.pool())
            .await
    }

    /// # Errors
    /// Any database error.
    pub async fn user(&self, id: &str) -> sqlx::Result<Option<UserRow>> {
        sqlx::query_as("SELECT id, email, name, password_hash, created_at FROM users WHERE id = $1")
            .bind(id)
            .fetch_optional(self.pool())
            .await
    }

    /// The organization a user joined first.
    ///
    /// # Errors
    /// Any database error.
    pub async fn first_membership(&self, user_id: &str) -> sqlx::Result<Option<MembershipRow>> {
        sqlx::query_as(
            "SELECT o.id AS organization_id, o.name AS organization_name, w.id AS workspace_id, m.role AS role \
             FROM members m JOIN organizations o ON o.id = m.organization_id \
             JOIN workspaces w ON w.organization_id = o.id \
             WHERE m.user_id = $1 ORDER BY m.created_at, o.id, w.created_at, w.id LIMIT 1",
        )
        .bind(user_id)
        .fetch_optional(self.pool())
        .await
    }

    /// How many users there are.
    ///
    /// # Errors
    /// Any database error.
    pub async fn count_users(&self) -> sqlx::Result<i64> {
        sqlx::query_scalar("SELECT COUNT(*) FROM users").fetch_one(self.pool()).await
    }
}
