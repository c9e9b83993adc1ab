//! Users, organizations, members and workspaces.

use sqlx::{AnyConnection, FromRow};

use super::own_keys::revise;
use super::{Store, observability};

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
    /// When the address was shown to be theirs, epoch ms.
    pub verified_at: Option<i64>,
    /// May not sign in.
    pub suspended_at: Option<i64>,
    /// Runs this server.
    pub is_operator: i64,
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

macro_rules! user_columns {
    () => {
        "id, email, name, password_hash, created_at, verified_at, suspended_at, is_operator"
    };
}

/// What of a person's can be counted and added to by one statement after the other: others wait.
///
/// # Errors
/// Any database error.
pub async fn take_turn(connection: &mut AnyConnection, user_id: &str) -> sqlx::Result<()> {
    sqlx::query("UPDATE users SET id = id WHERE id = $1").bind(user_id).execute(connection).await.map(|_| ())
}

impl Store {
    /// Opens an account in one transaction.
    ///
    /// # Errors
    /// A unique violation when the e-mail address is taken (see [`super::is_duplicate`]).
    pub async fn create_account(&self, account: &NewAccount) -> sqlx::Result<()> {
        let now = account.user.created_at;
        let mut tx = self.begin_write().await?;
        sqlx::query(
            "INSERT INTO users (id, email, name, password_hash, created_at, verified_at) VALUES ($1, $2, $3, $4, $5, $6)",
        )
            .bind(account.user.id.as_str())
            .bind(account.user.email.as_str())
            .bind(account.user.name.as_str())
            .bind(account.user.password_hash.as_str())
            .bind(now)
            .bind(account.user.verified_at)
            .execute(&mut *tx)
            .await?;
        sqlx::query(
            "INSERT INTO organizations (id, name, is_demo, created_at, is_personal) VALUES ($1, $2, $3, $4, 1)",
        )
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
            "INSERT INTO workspaces (id, organization_id, name, slug, created_at, is_default) \
             VALUES ($1, $2, 'Default', 'default', $3, 1)",
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
        sqlx::query_as(concat!("SELECT ", user_columns!(), " FROM users WHERE email = $1"))
            .bind(email)
            .fetch_optional(self.pool())
            .await
    }

    /// Somebody who may use the account: neither deleted nor suspended.
    ///
    /// # Errors
    /// Any database error.
    pub async fn user(&self, id: &str) -> sqlx::Result<Option<UserRow>> {
        sqlx::query_as(concat!(
            "SELECT ",
            user_columns!(),
            " FROM users WHERE id = $1 AND deleted_at IS NULL AND suspended_at IS NULL"
        ))
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
             WHERE m.user_id = $1 AND o.deleted_at IS NULL AND w.deleted_at IS NULL \
             ORDER BY m.created_at, o.id, w.is_default DESC, w.created_at, w.id LIMIT 1",
        )
        .bind(user_id)
        .fetch_optional(self.pool())
        .await
    }

    /// A user's place in one organization, if he has any, in this workspace if he may
    /// use it, else in the default one.
    ///
    /// # Errors
    /// Any database error.
    pub async fn membership(
        &self,
        user_id: &str,
        organization_id: &str,
        workspace_id: &str,
    ) -> sqlx::Result<Option<MembershipRow>> {
        sqlx::query_as(
            "SELECT o.id AS organization_id, o.name AS organization_name, w.id AS workspace_id, m.role AS role \
             FROM members m JOIN organizations o ON o.id = m.organization_id \
             JOIN workspaces w ON w.organization_id = o.id \
             WHERE m.user_id = $1 AND o.id = $2 AND o.deleted_at IS NULL AND w.deleted_at IS NULL \
             AND (w.is_default = 1 OR (w.id = $3 AND (m.role IN ('owner', 'admin') OR EXISTS \
             (SELECT 1 FROM workspace_members x WHERE x.workspace_id = w.id AND x.user_id = $1)))) \
             ORDER BY w.is_default, w.created_at LIMIT 1",
        )
        .bind(user_id)
        .bind(organization_id)
        .bind(workspace_id)
        .fetch_optional(self.pool())
        .await
    }

    /// # Errors
    /// Any database error.
    pub async fn set_password(&self, user_id: &str, password_hash: &str) -> sqlx::Result<()> {
        sqlx::query("UPDATE users SET password_hash = $2 WHERE id = $1")
            .bind(user_id)
            .bind(password_hash)
            .execute(self.pool())
            .await
            .map(|_| ())
    }

    /// # Errors
    /// Any database error.
    pub async fn set_user_name(&self, user_id: &str, name: &str) -> sqlx::Result<()> {
        sqlx::query("UPDATE users SET name = $2 WHERE id = $1")
            .bind(user_id)
            .bind(name)
            .execute(self.pool())
            .await
            .map(|_| ())
    }

    /// How a person has numbers and days written; empty where that was not said.
    ///
    /// # Errors
    /// Any database error.
    pub async fn formats(&self, user_id: &str) -> sqlx::Result<String> {
        let formats: Option<String> = sqlx::query_scalar("SELECT formats FROM users WHERE id = $1")
            .bind(user_id)
            .fetch_optional(self.pool())
            .await?;
        Ok(formats.unwrap_or_default())
    }

    /// # Errors
    /// Any database error.
    pub async fn set_formats(&self, user_id: &str, formats: &str) -> sqlx::Result<()> {
        sqlx::query("UPDATE users SET formats = $2 WHERE id = $1")
            .bind(user_id)
            .bind(formats)
            .execute(self.pool())
            .await
            .map(|_| ())
    }

    /// # Errors
    /// Any database error.
    pub async fn set_verified(&self, user_id: &str, now: i64) -> sqlx::Result<()> {
        sqlx::query("UPDATE users SET verified_at = $2 WHERE id = $1 AND verified_at IS NULL")
            .bind(user_id)
            .bind(now)
            .execute(self.pool())
            .await
            .map(|_| ())
    }

    /// Keeps the digest of a link's secret. Older links of the purpose stop working.
    ///
    /// # Errors
    /// Any database error.
    pub async fn insert_link(
        &self,
        token_hash: &str,
        purpose: &str,
        user_id: &str,
        now: i64,
        expires_at: i64,
    ) -> sqlx::Result<()> {
        let mut tx = self.begin_write().await?;
        sqlx::query("DELETE FROM link_tokens WHERE (user_id = $1 AND purpose = $2) OR expires_at < $3")
            .bind(user_id)
            .bind(purpose)
            .bind(now)
            .execute(&mut *tx)
            .await?;
        sqlx::query(
            "INSERT INTO link_tokens (token_hash, purpose, user_id, created_at, expires_at) VALUES ($1, $2, $3, $4, $5)",
        )
        .bind(token_hash)
        .bind(purpose)
        .bind(user_id)
        .bind(now)
        .bind(expires_at)
        .execute(&mut *tx)
        .await?;
        tx.commit().await
    }

    /// Uses a link once. `None` when it is wrong, used or too old.
    ///
    /// # Errors
    /// Any database error.
    pub async fn use_link(&self, token_hash: &str, purpose: &str, now: i64) -> sqlx::Result<Option<String>> {
        sqlx::query_scalar(
            "UPDATE link_tokens SET used_at = $3 WHERE token_hash = $1 AND purpose = $2 AND used_at IS NULL \
             AND expires_at > $3 RETURNING user_id",
        )
        .bind(token_hash)
        .bind(purpose)
        .bind(now)
        .fetch_optional(self.pool())
        .await
    }

    /// Ends an account: the person can no longer sign in, his memberships, sessions and
    /// keys end, and what names him is removed. What was paid stays in the books.
    ///
    /// # Errors
    /// Any database error.
    pub async fn delete_user(&self, user_id: &str, now: i64) -> sqlx::Result<()> {
        let mut tx = self.begin_write().await?;
        for statement in [
            "UPDATE api_keys SET deleted_at = $2, updated_at = $2 WHERE creator_user_id = $1 AND deleted_at IS NULL",
            "UPDATE observability_destinations SET deleted_at = $2, config = '' WHERE organization_id IN \
             (SELECT o.id FROM organizations o JOIN members m ON m.organization_id = o.id \
             WHERE m.user_id = $1 AND o.is_personal = 1)",
            "UPDATE organizations SET deleted_at = $2 WHERE is_personal = 1 AND id IN \
             (SELECT organization_id FROM members WHERE user_id = $1)",
            "UPDATE users SET email = 'deleted:' || id, name = 'Deleted user', password_hash = '', deleted_at = $2 \
             WHERE id = $1",
        ] {
            sqlx::query(statement).bind(user_id).bind(now).execute(&mut *tx).await?;
        }
        for statement in [
            "DELETE FROM prompt_logs WHERE user_id = $1 OR organization_id IN (SELECT o.id FROM organizations o \
             JOIN members m ON m.organization_id = o.id WHERE m.user_id = $1 AND o.is_personal = 1)",
            "DELETE FROM workspace_members WHERE user_id = $1",
            "DELETE FROM members WHERE user_id = $1",
            "DELETE FROM sessions WHERE user_id = $1",
            "DELETE FROM link_tokens WHERE user_id = $1",
            "DELETE FROM identities WHERE user_id = $1",
            "DELETE FROM recovery_codes WHERE user_id = $1",
            "DELETE FROM authenticators WHERE user_id = $1",
            "DELETE FROM passkeys WHERE user_id = $1",
            "DELETE FROM notification_choices WHERE user_id = $1",
            "DELETE FROM chat_files WHERE user_id = $1",
            "DELETE FROM chats WHERE user_id = $1",
            "DELETE FROM chat_folders WHERE user_id = $1",
        ] {
            sqlx::query(statement).bind(user_id).execute(&mut *tx).await?;
        }
        revise(&mut tx, observability::TOPIC).await?;
        tx.commit().await
    }

    /// How many users there are.
    ///
    /// # Errors
    /// Any database error.
    pub async fn count_users(&self) -> sqlx::Result<i64> {
        sqlx::query_scalar("SELECT COUNT(*) FROM users").fetch_one(self.pool()).await
    }
}
