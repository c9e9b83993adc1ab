//! Organizations, who belongs to them, invitations, and the audit log.

use sqlx::FromRow;

use super::own_keys::revise;
use super::{Store, observability};

/// An organization as one of its members sees it.
#[derive(Clone, Debug, PartialEq, Eq, FromRow)]
pub struct OrganizationRow {
    pub id: String,
    pub name: String,
    pub is_personal: i64,
    pub allowed_networks: String,
    pub labels_prompts: i64,
    pub role: String,
}

/// A member with what the list shows of him.
#[derive(Clone, Debug, PartialEq, Eq, FromRow)]
pub struct MemberRow {
    pub user_id: String,
    pub name: String,
    pub email: String,
    pub role: String,
    pub monthly_limit_nanos: Option<i64>,
    pub created_at: i64,
}

/// An invitation. Times are epoch ms.
#[derive(Clone, Debug, Default, PartialEq, Eq, FromRow)]
pub struct InvitationRow {
    pub id: String,
    pub organization_id: String,
    pub email: String,
    pub role: String,
    pub token_hash: String,
    pub invited_by: String,
    pub created_at: i64,
    pub expires_at: i64,
}

/// One line of the audit log.
#[derive(Clone, Debug, Default, PartialEq, Eq, FromRow)]
pub struct AuditRow {
    pub id: String,
    pub organization_id: String,
    pub created_at: i64,
    pub actor_kind: String,
    pub actor_id: String,
    pub actor_name: String,
    pub action: String,
    pub target: String,
    pub detail: String,
    pub address: String,
    pub user_agent: String,
}

/// Which lines of the audit log to show.
#[derive(Clone, Debug, Default)]
pub struct AuditFilter {
    /// The start of the action, such as `member.`; empty for all.
    pub action: String,
    /// An actor's id; empty for all.
    pub actor: String,
    /// Epoch ms.
    pub from: i64,
    pub to: i64,
    /// Lines older than this one; empty for the newest.
    pub before: String,
    pub limit: i64,
}

macro_rules! audit_columns {
    () => {
        "id, organization_id, created_at, actor_kind, actor_id, actor_name, action, target, detail, address, user_agent"
    };
}

impl Store {
    /// The organizations a person belongs to, his own first.
    ///
    /// # Errors
    /// Any database error.
    pub async fn organizations_of(&self, user_id: &str) -> sqlx::Result<Vec<OrganizationRow>> {
        sqlx::query_as(
            "SELECT o.id, o.name, o.is_personal, o.allowed_networks, o.labels_prompts, m.role FROM members m \
             JOIN organizations o ON o.id = m.organization_id \
             WHERE m.user_id = $1 AND o.deleted_at IS NULL ORDER BY m.created_at, o.id",
        )
        .bind(user_id)
        .fetch_all(self.pool())
        .await
    }

    /// Name, whether it is personal, and networks.
    ///
    /// # Errors
    /// Any database error.
    pub async fn organization(&self, id: &str) -> sqlx::Result<Option<(String, i64, String)>> {
        sqlx::query_as(
            "SELECT name, is_personal, allowed_networks FROM organizations WHERE id = $1 AND deleted_at IS NULL",
        )
        .bind(id)
        .fetch_optional(self.pool())
        .await
    }

    /// Opens an organization with its default workspace and its owner.
    ///
    /// # Errors
    /// Any database error.
    pub async fn create_organization(
        &self,
        id: &str,
        name: &str,
        workspace_id: &str,
        owner_id: &str,
        now: i64,
    ) -> sqlx::Result<()> {
        let mut tx = self.begin_write().await?;
        sqlx::query("INSERT INTO organizations (id, name, is_demo, created_at) VALUES ($1, $2, 0, $3)")
            .bind(id)
            .bind(name)
            .bind(now)
            .execute(&mut *tx)
            .await?;
        sqlx::query("INSERT INTO members (organization_id, user_id, role, created_at) VALUES ($1, $2, 'owner', $3)")
            .bind(id)
            .bind(owner_id)
            .bind(now)
            .execute(&mut *tx)
            .await?;
        sqlx::query(
            "INSERT INTO workspaces (id, organization_id, name, slug, is_default, created_by, created_at) \
             VALUES ($1, $2, 'Default', 'default', 1, $3, $4)",
        )
        .bind(workspace_id)
        .bind(id)
        .bind(owner_id)
        .bind(now)
        .execute(&mut *tx)
        .await?;
        tx.commit().await
    }

    /// Whether the requests of an organization are labelled.
    ///
    /// # Errors
    /// Any database error.
    pub async fn labels_prompts(&self, id: &str) -> sqlx::Result<bool> {
        let labels: Option<i64> = sqlx::query_scalar("SELECT labels_prompts FROM organizations WHERE id = $1")
            .bind(id)
            .fetch_optional(self.pool())
            .await?;
        Ok(labels.is_some_and(|labels| labels != 0))
    }

    /// # Errors
    /// Any database error.
    pub async fn update_organization(&self, id: &str, name: &str, networks: &str, labels: bool) -> sqlx::Result<()> {
        sqlx::query("UPDATE organizations SET name = $2, allowed_networks = $3, labels_prompts = $4 WHERE id = $1")
            .bind(id)
            .bind(name)
            .bind(networks)
            .bind(i64::from(labels))
            .execute(self.pool())
            .await
            .map(|_| ())
    }

    /// Ends an organization: nobody reaches it any more, and its keys stop.
    ///
    /// # Errors
    /// Any database error.
    pub async fn delete_organization(&self, id: &str, now: i64) -> sqlx::Result<()> {
        let mut tx = self.begin_write().await?;
        for statement in [
            "UPDATE organizations SET deleted_at = $2 WHERE id = $1",
            "UPDATE api_keys SET deleted_at = $2, updated_at = $2 WHERE organization_id = $1 AND deleted_at IS NULL",
            "UPDATE invitations SET revoked_at = $2 WHERE organization_id = $1 AND revoked_at IS NULL",
        ] {
            sqlx::query(statement).bind(id).bind(now).execute(&mut *tx).await?;
        }
        sqlx::query("DELETE FROM prompt_logs WHERE organization_id = $1").bind(id).execute(&mut *tx).await?;
        for statement in [
            "UPDATE observability_destinations SET deleted_at = $2, config = '' WHERE organization_id = $1",
            "DELETE FROM observability_outbox WHERE organization_id = $1 AND created_at <= $2",
        ] {
            sqlx::query(statement).bind(id).bind(now).execute(&mut *tx).await?;
        }
        revise(&mut tx, observability::TOPIC).await?;
        tx.commit().await
    }

    /// # Errors
    /// Any database error.
    pub async fn members(&self, organization_id: &str) -> sqlx::Result<Vec<MemberRow>> {
        sqlx::query_as(
            "SELECT m.user_id, u.name, u.email, m.role, m.monthly_limit_nanos, m.created_at \
             FROM members m JOIN users u ON u.id = m.user_id WHERE m.organization_id = $1 \
             ORDER BY m.created_at, m.user_id",
        )
        .bind(organization_id)
        .fetch_all(self.pool())
        .await
    }

    /// Stores role and limit of a member, unless that would leave no owner. False then.
    ///
    /// # Errors
    /// Any database error.
    pub async fn update_member(
        &self,
        organization_id: &str,
        user_id: &str,
        role: &str,
        monthly_limit_nanos: Option<i64>,
    ) -> sqlx::Result<bool> {
        let mut tx = self.begin_write().await?;
        self.lock_organization(&mut tx, organization_id).await?;
        let done = sqlx::query(
            "UPDATE members SET role = $3, monthly_limit_nanos = $4 WHERE organization_id = $1 AND user_id = $2 \
             AND ($3 = 'owner' OR EXISTS (SELECT 1 FROM members o WHERE o.organization_id = $1 \
             AND o.role = 'owner' AND o.user_id <> $2))",
        )
        .bind(organization_id)
        .bind(user_id)
        .bind(role)
        .bind(monthly_limit_nanos)
        .execute(&mut *tx)
        .await?;
        tx.commit().await?;
        Ok(done.rows_affected() == 1)
    }

    /// Takes a person out of an organization and its workspaces and switches off the
    /// keys he made. False when he is its last owner.
    ///
    /// # Errors
    /// Any database error.
    pub async fn remove_member(&self, organization_id: &str, user_id: &str, now: i64) -> sqlx::Result<bool> {
        let mut tx = self.begin_write().await?;
        self.lock_organization(&mut tx, organization_id).await?;
        let done = sqlx::query(
            "DELETE FROM members WHERE organization_id = $1 AND user_id = $2 AND EXISTS \
             (SELECT 1 FROM members o WHERE o.organization_id = $1 AND o.role = 'owner' AND o.user_id <> $2)",
        )
        .bind(organization_id)
        .bind(user_id)
        .execute(&mut *tx)
        .await?;
        if done.rows_affected() == 0 {
            return Ok(false);
        }
        sqlx::query(
            "DELETE FROM workspace_members WHERE user_id = $2 AND workspace_id IN \
             (SELECT id FROM workspaces WHERE organization_id = $1)",
        )
        .bind(organization_id)
        .bind(user_id)
        .execute(&mut *tx)
        .await?;
        sqlx::query(
            "UPDATE api_keys SET is_disabled = 1, updated_at = $3 \
             WHERE organization_id = $1 AND creator_user_id = $2 AND deleted_at IS NULL",
        )
        .bind(organization_id)
        .bind(user_id)
        .bind(now)
        .execute(&mut *tx)
        .await?;
        tx.commit().await?;
        Ok(true)
    }

    /// Two changes of owners at once must see each other.
    async fn lock_organization(&self, tx: &mut sqlx::Transaction<'static, sqlx::Any>, id: &str) -> sqlx::Result<()> {
        sqlx::query("UPDATE organizations SET name = name WHERE id = $1").bind(id).execute(&mut **tx).await.map(|_| ())
    }

    /// # Errors
    /// Any database error.
    pub async fn insert_invitation(&self, row: &InvitationRow) -> sqlx::Result<()> {
        sqlx::query(
            "INSERT INTO invitations (id, organization_id, email, role, token_hash, invited_by, created_at, expires_at) \
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
        )
        .bind(row.id.as_str())
        .bind(row.organization_id.as_str())
        .bind(row.email.as_str())
        .bind(row.role.as_str())
        .bind(row.token_hash.as_str())
        .bind(row.invited_by.as_str())
        .bind(row.created_at)
        .bind(row.expires_at)
        .execute(self.pool())
        .await
        .map(|_| ())
    }

    /// Invitations that wait for an answer.
    ///
    /// # Errors
    /// Any database error.
    pub async fn invitations(&self, organization_id: &str, now: i64) -> sqlx::Result<Vec<InvitationRow>> {
        sqlx::query_as(
            "SELECT id, organization_id, email, role, token_hash, invited_by, created_at, expires_at FROM invitations \
             WHERE organization_id = $1 AND accepted_at IS NULL AND revoked_at IS NULL AND expires_at > $2 \
             ORDER BY created_at DESC, id",
        )
        .bind(organization_id)
        .bind(now)
        .fetch_all(self.pool())
        .await
    }

    /// The open invitation a link's secret stands for.
    ///
    /// # Errors
    /// Any database error.
    pub async fn invitation_by_hash(&self, token_hash: &str, now: i64) -> sqlx::Result<Option<InvitationRow>> {
        sqlx::query_as(
            "SELECT i.id, i.organization_id, i.email, i.role, i.token_hash, i.invited_by, i.created_at, i.expires_at \
             FROM invitations i JOIN organizations o ON o.id = i.organization_id \
             WHERE i.token_hash = $1 AND i.accepted_at IS NULL AND i.revoked_at IS NULL AND i.expires_at > $2 \
             AND o.deleted_at IS NULL",
        )
        .bind(token_hash)
        .bind(now)
        .fetch_optional(self.pool())
        .await
    }

    /// False when there is no open one.
    ///
    /// # Errors
    /// Any database error.
    pub async fn revoke_invitation(&self, organization_id: &str, id: &str, now: i64) -> sqlx::Result<bool> {
        sqlx::query(
            "UPDATE invitations SET revoked_at = $3 WHERE id = $1 AND organization_id = $2 \
             AND accepted_at IS NULL AND revoked_at IS NULL",
        )
        .bind(id)
        .bind(organization_id)
        .bind(now)
        .execute(self.pool())
        .await
        .map(|done| done.rows_affected() == 1)
    }

    /// Makes the person a member and ends the invitation, once. False when somebody
    /// was quicker.
    ///
    /// # Errors
    /// Any database error.
    pub async fn accept_invitation(&self, row: &InvitationRow, user_id: &str, now: i64) -> sqlx::Result<bool> {
        let mut tx = self.begin_write().await?;
        let done = sqlx::query(
            "UPDATE invitations SET accepted_at = $2 WHERE id = $1 AND accepted_at IS NULL AND revoked_at IS NULL",
        )
        .bind(row.id.as_str())
        .bind(now)
        .execute(&mut *tx)
        .await?;
        if done.rows_affected() == 0 {
            return Ok(false);
        }
        sqlx::query(
            "INSERT INTO members (organization_id, user_id, role, created_at) VALUES ($1, $2, $3, $4) \
             ON CONFLICT (organization_id, user_id) DO NOTHING",
        )
        .bind(row.organization_id.as_str())
        .bind(user_id)
        .bind(row.role.as_str())
        .bind(now)
        .execute(&mut *tx)
        .await?;
        tx.commit().await?;
        Ok(true)
    }

    /// Adds a line to the audit log.
    ///
    /// # Errors
    /// Any database error.
    pub async fn insert_audit(&self, row: &AuditRow) -> sqlx::Result<()> {
        sqlx::query(concat!(
            "INSERT INTO audit_events (",
            audit_columns!(),
            ") VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)"
        ))
        .bind(row.id.as_str())
        .bind(row.organization_id.as_str())
        .bind(row.created_at)
        .bind(row.actor_kind.as_str())
        .bind(row.actor_id.as_str())
        .bind(row.actor_name.as_str())
        .bind(row.action.as_str())
        .bind(row.target.as_str())
        .bind(row.detail.as_str())
        .bind(row.address.as_str())
        .bind(row.user_agent.as_str())
        .execute(self.pool())
        .await
        .map(|_| ())
    }

    /// Lines of the audit log, newest first. Ids grow with time.
    ///
    /// # Errors
    /// Any database error.
    pub async fn audit(&self, organization_id: &str, filter: &AuditFilter) -> sqlx::Result<Vec<AuditRow>> {
        sqlx::query_as(concat!(
            "SELECT ",
            audit_columns!(),
            " FROM audit_events WHERE organization_id = $1 AND ($2 = '' OR action LIKE $2 || '%') \
             AND ($3 = '' OR actor_id = $3) AND created_at >= $4 AND created_at < $5 AND ($6 = '' OR id < $6) \
             ORDER BY id DESC LIMIT $7"
        ))
        .bind(organization_id)
        .bind(filter.action.as_str())
        .bind(filter.actor.as_str())
        .bind(filter.from)
        .bind(filter.to)
        .bind(filter.before.as_str())
        .bind(filter.limit)
        .fetch_all(self.pool())
        .await
    }
}
