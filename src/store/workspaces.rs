//! Workspaces, their members and budgets, and what of them restricts a request.

use sqlx::FromRow;

use super::own_keys::revise;
use super::{Store, observability};

/// A workspace. Times are epoch ms.
#[derive(Clone, Debug, Default, PartialEq, Eq, FromRow)]
pub struct WorkspaceRow {
    pub id: String,
    pub organization_id: String,
    pub name: String,
    pub slug: String,
    pub description: Option<String>,
    pub default_text_model: Option<String>,
    pub default_image_model: Option<String>,
    pub default_provider_sort: Option<String>,
    pub include_byok_in_budgets: i64,
    pub is_default: i64,
    pub created_by: Option<String>,
    pub created_at: i64,
    pub updated_at: Option<i64>,
    /// Prompts and answers are kept.
    pub logs_io: i64,
    /// How many of ten thousand requests.
    pub io_per_myriad: i64,
    /// JSON array, or every key.
    pub io_key_hashes: Option<String>,
    /// 0 is the server's usual number.
    pub io_retention_days: i64,
    pub shares_io: i64,
    pub broadcasts: i64,
}

/// What a workspace may spend in a period.
#[derive(Clone, Debug, PartialEq, Eq, FromRow)]
pub struct BudgetRow {
    pub id: String,
    pub workspace_id: String,
    /// `daily`, `weekly`, `monthly` or `lifetime`.
    pub period: String,
    pub limit_nanos: i64,
    pub created_at: i64,
    pub updated_at: i64,
}

/// A person in a workspace.
#[derive(Clone, Debug, PartialEq, Eq, FromRow)]
pub struct WorkspaceMemberRow {
    pub id: String,
    pub workspace_id: String,
    pub user_id: String,
    pub role: String,
    pub created_at: i64,
}

/// What organization, workspace and membership restrict a request to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "each is a switch of its own")]
pub struct PolicyRows {
    pub workspace_id: String,
    pub workspace_name: String,
    pub allowed_networks: String,
    pub default_text_model: Option<String>,
    pub default_provider_sort: Option<String>,
    pub member_limit: Option<i64>,
    /// Period and limit.
    pub budgets: Vec<(String, i64)>,
    pub logs_io: bool,
    pub io_per_myriad: i64,
    pub io_key_hashes: Option<String>,
    pub io_retention_days: i64,
    pub shares_io: bool,
    pub broadcasts: bool,
    /// The organization lets its requests be labelled.
    pub labels_prompts: bool,
    /// What providers bill to own keys counts in the budgets.
    pub includes_byok: bool,
    /// The person is suspended.
    pub is_suspended: bool,
}

/// What one row says of [`PolicyRows`].
#[derive(FromRow)]
struct PolicyRow {
    allowed_networks: String,
    name: String,
    default_text_model: Option<String>,
    default_provider_sort: Option<String>,
    logs_io: i64,
    io_per_myriad: i64,
    io_key_hashes: Option<String>,
    io_retention_days: i64,
    shares_io: i64,
    broadcasts: i64,
    labels_prompts: i64,
    include_byok_in_budgets: i64,
    member_limit: Option<i64>,
    suspended_at: Option<i64>,
}

macro_rules! columns {
    () => {
        "id, organization_id, name, slug, description, default_text_model, default_image_model, \
         default_provider_sort, include_byok_in_budgets, is_default, created_by, created_at, updated_at, \
         logs_io, io_per_myriad, io_key_hashes, io_retention_days, shares_io, broadcasts"
    };
}

impl Store {
    /// The restrictions of a request in this workspace by this person.
    ///
    /// # Errors
    /// Any database error.
    pub async fn policy(
        &self,
        organization_id: &str,
        workspace_id: &str,
        user_id: Option<&str>,
    ) -> sqlx::Result<PolicyRows> {
        let row: Option<PolicyRow> = sqlx::query_as(
            "SELECT o.allowed_networks, o.labels_prompts, w.name, w.default_text_model, w.default_provider_sort, w.logs_io, \
             w.io_per_myriad, w.io_key_hashes, w.io_retention_days, w.shares_io, w.broadcasts, w.include_byok_in_budgets, \
             (SELECT m.monthly_limit_nanos FROM members m WHERE m.organization_id = o.id AND m.user_id = $3) \
             AS member_limit, (SELECT u.suspended_at FROM users u WHERE u.id = $3) AS suspended_at FROM workspaces w JOIN organizations o ON o.id = w.organization_id \
             WHERE w.id = $1 AND o.id = $2",
        )
        .bind(workspace_id)
        .bind(organization_id)
        .bind(user_id.unwrap_or_default())
        .fetch_optional(self.pool())
        .await?;
        let Some(row) = row else { return Ok(PolicyRows::default()) };
        let budgets = sqlx::query_as("SELECT period, limit_nanos FROM workspace_budgets WHERE workspace_id = $1")
            .bind(workspace_id)
            .fetch_all(self.pool())
            .await?;
        Ok(PolicyRows {
            workspace_id: workspace_id.to_owned(),
            workspace_name: row.name,
            allowed_networks: row.allowed_networks,
            default_text_model: row.default_text_model,
            default_provider_sort: row.default_provider_sort,
            member_limit: row.member_limit,
            budgets,
            logs_io: row.logs_io != 0,
            io_per_myriad: row.io_per_myriad,
            io_key_hashes: row.io_key_hashes,
            io_retention_days: row.io_retention_days,
            shares_io: row.shares_io != 0,
            broadcasts: row.broadcasts != 0,
            labels_prompts: row.labels_prompts != 0,
            includes_byok: row.include_byok_in_budgets != 0,
            is_suspended: row.suspended_at.is_some(),
        })
    }

    /// The workspaces of an organization, the default one first.
    ///
    /// # Errors
    /// Any database error.
    pub async fn workspaces(&self, organization_id: &str) -> sqlx::Result<Vec<WorkspaceRow>> {
        sqlx::query_as(concat!(
            "SELECT ",
            columns!(),
            " FROM workspaces WHERE organization_id = $1 AND deleted_at IS NULL ORDER BY is_default DESC, created_at, id"
        ))
        .bind(organization_id)
        .fetch_all(self.pool())
        .await
    }

    /// The workspaces a person may use: the default one and those he was added to.
    ///
    /// # Errors
    /// Any database error.
    pub async fn workspaces_of_user(&self, organization_id: &str, user_id: &str) -> sqlx::Result<Vec<String>> {
        sqlx::query_scalar(
            "SELECT id FROM workspaces WHERE organization_id = $1 AND deleted_at IS NULL AND (is_default = 1 OR \
             id IN (SELECT workspace_id FROM workspace_members WHERE user_id = $2))",
        )
        .bind(organization_id)
        .bind(user_id)
        .fetch_all(self.pool())
        .await
    }

    /// # Errors
    /// A unique violation when the slug is taken.
    pub async fn insert_workspace(&self, row: &WorkspaceRow) -> sqlx::Result<()> {
        sqlx::query(concat!(
            "INSERT INTO workspaces (",
            columns!(),
            ") VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19)"
        ))
        .bind(row.id.as_str())
        .bind(row.organization_id.as_str())
        .bind(row.name.as_str())
        .bind(row.slug.as_str())
        .bind(row.description.as_deref())
        .bind(row.default_text_model.as_deref())
        .bind(row.default_image_model.as_deref())
        .bind(row.default_provider_sort.as_deref())
        .bind(row.include_byok_in_budgets)
        .bind(row.is_default)
        .bind(row.created_by.as_deref())
        .bind(row.created_at)
        .bind(row.updated_at)
        .bind(row.logs_io)
        .bind(row.io_per_myriad)
        .bind(row.io_key_hashes.as_deref())
        .bind(row.io_retention_days)
        .bind(row.shares_io)
        .bind(row.broadcasts)
        .execute(self.pool())
        .await
        .map(|_| ())
    }

    /// # Errors
    /// A unique violation when the slug is taken.
    pub async fn update_workspace(&self, row: &WorkspaceRow) -> sqlx::Result<()> {
        sqlx::query(
            "UPDATE workspaces SET name = $3, slug = $4, description = $5, default_text_model = $6, \
             default_image_model = $7, default_provider_sort = $8, include_byok_in_budgets = $9, updated_at = $10, \
             logs_io = $11, io_per_myriad = $12, io_key_hashes = $13, io_retention_days = $14, shares_io = $15, \
             broadcasts = $16 \
             WHERE id = $1 AND organization_id = $2",
        )
        .bind(row.id.as_str())
        .bind(row.organization_id.as_str())
        .bind(row.name.as_str())
        .bind(row.slug.as_str())
        .bind(row.description.as_deref())
        .bind(row.default_text_model.as_deref())
        .bind(row.default_image_model.as_deref())
        .bind(row.default_provider_sort.as_deref())
        .bind(row.include_byok_in_budgets)
        .bind(row.updated_at)
        .bind(row.logs_io)
        .bind(row.io_per_myriad)
        .bind(row.io_key_hashes.as_deref())
        .bind(row.io_retention_days)
        .bind(row.shares_io)
        .bind(row.broadcasts)
        .execute(self.pool())
        .await
        .map(|_| ())
    }

    /// Ends a workspace and its keys. Its slug is free again.
    ///
    /// # Errors
    /// Any database error.
    pub async fn delete_workspace(&self, organization_id: &str, id: &str, now: i64) -> sqlx::Result<()> {
        let mut tx = self.begin_write().await?;
        for statement in [
            "UPDATE workspaces SET deleted_at = $3, slug = id WHERE id = $2 AND organization_id = $1",
            "UPDATE observability_destinations SET deleted_at = $3, config = '' \
             WHERE workspace_id = $2 AND organization_id = $1",
            "UPDATE api_keys SET deleted_at = $3, updated_at = $3 \
             WHERE workspace_id = $2 AND organization_id = $1 AND deleted_at IS NULL",
        ] {
            sqlx::query(statement).bind(organization_id).bind(id).bind(now).execute(&mut *tx).await?;
        }
        for statement in [
            "DELETE FROM prompt_logs WHERE organization_id = $1 AND workspace_id = $2",
            "DELETE FROM observability_outbox WHERE destination_id IN (SELECT id FROM observability_destinations \
             WHERE organization_id = $1 AND workspace_id = $2)",
        ] {
            sqlx::query(statement).bind(organization_id).bind(id).execute(&mut *tx).await?;
        }
        revise(&mut tx, observability::TOPIC).await?;
        tx.commit().await
    }

    /// # Errors
    /// Any database error.
    pub async fn budgets(&self, workspace_id: &str) -> sqlx::Result<Vec<BudgetRow>> {
        sqlx::query_as(
            "SELECT id, workspace_id, period, limit_nanos, created_at, updated_at FROM workspace_budgets \
             WHERE workspace_id = $1 ORDER BY limit_nanos, period",
        )
        .bind(workspace_id)
        .fetch_all(self.pool())
        .await
    }

    /// Sets a budget, new or not.
    ///
    /// # Errors
    /// Any database error.
    pub async fn put_budget(&self, row: &BudgetRow) -> sqlx::Result<()> {
        sqlx::query(
            "INSERT INTO workspace_budgets (id, workspace_id, period, limit_nanos, created_at, updated_at) \
             VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (workspace_id, period) \
             DO UPDATE SET limit_nanos = excluded.limit_nanos, updated_at = excluded.updated_at",
        )
        .bind(row.id.as_str())
        .bind(row.workspace_id.as_str())
        .bind(row.period.as_str())
        .bind(row.limit_nanos)
        .bind(row.created_at)
        .bind(row.updated_at)
        .execute(self.pool())
        .await
        .map(|_| ())
    }

    /// False when there was none.
    ///
    /// # Errors
    /// Any database error.
    pub async fn delete_budget(&self, workspace_id: &str, period: &str) -> sqlx::Result<bool> {
        sqlx::query("DELETE FROM workspace_budgets WHERE workspace_id = $1 AND period = $2")
            .bind(workspace_id)
            .bind(period)
            .execute(self.pool())
            .await
            .map(|done| done.rows_affected() == 1)
    }

    /// # Errors
    /// Any database error.
    pub async fn workspace_members(&self, workspace_id: &str) -> sqlx::Result<Vec<WorkspaceMemberRow>> {
        sqlx::query_as(
            "SELECT id, workspace_id, user_id, role, created_at FROM workspace_members \
             WHERE workspace_id = $1 ORDER BY created_at, user_id",
        )
        .bind(workspace_id)
        .fetch_all(self.pool())
        .await
    }

    /// Adds a person who may be in it already.
    ///
    /// # Errors
    /// Any database error.
    pub async fn add_workspace_member(&self, row: &WorkspaceMemberRow) -> sqlx::Result<()> {
        sqlx::query(
            "INSERT INTO workspace_members (id, workspace_id, user_id, role, created_at) VALUES ($1, $2, $3, $4, $5) \
             ON CONFLICT (workspace_id, user_id) DO UPDATE SET role = excluded.role",
        )
        .bind(row.id.as_str())
        .bind(row.workspace_id.as_str())
        .bind(row.user_id.as_str())
        .bind(row.role.as_str())
        .bind(row.created_at)
        .execute(self.pool())
        .await
        .map(|_| ())
    }

    /// False when he was not in it.
    ///
    /// # Errors
    /// Any database error.
    pub async fn remove_workspace_member(&self, workspace_id: &str, user_id: &str) -> sqlx::Result<bool> {
        sqlx::query("DELETE FROM workspace_members WHERE workspace_id = $1 AND user_id = $2")
            .bind(workspace_id)
            .bind(user_id)
            .execute(self.pool())
            .await
            .map(|done| done.rows_affected() == 1)
    }
}
