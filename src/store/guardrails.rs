//! Guardrails and for whom they hold.

use sqlx::FromRow;

use super::Store;
use super::own_keys::revise;

/// One guardrail. Columns are described in the migration.
#[derive(Clone, Debug, Default, PartialEq, Eq, FromRow)]
pub struct GuardrailRow {
    pub id: String,
    pub organization_id: String,
    pub workspace_id: String,
    pub name: String,
    pub description: Option<String>,
    pub is_default: i64,
    pub rules: String,
    pub created_at: i64,
    pub updated_at: i64,
}

/// That a guardrail holds for a key or a member.
#[derive(Clone, Debug, Default, PartialEq, Eq, FromRow)]
pub struct AssignmentRow {
    pub id: String,
    pub organization_id: String,
    pub guardrail_id: String,
    /// `key` or `member`.
    pub kind: String,
    pub subject: String,
    pub assigned_by: Option<String>,
    pub created_at: i64,
}

/// The topic of guardrails.
pub const TOPIC: &str = "guardrails";

const COLUMNS: &str = "id, organization_id, workspace_id, name, description, is_default, rules, created_at, updated_at";
const ASSIGNMENT_COLUMNS: &str = "id, organization_id, guardrail_id, kind, subject, assigned_by, created_at";

impl Store {
    /// Every guardrail of everybody, or of one organization.
    ///
    /// # Errors
    /// Any database error.
    pub async fn guardrails(&self, organization_id: Option<&str>) -> sqlx::Result<Vec<GuardrailRow>> {
        let text = format!(
            "SELECT {COLUMNS} FROM guardrails WHERE $1 = '' OR organization_id = $1 ORDER BY created_at DESC, id DESC"
        );
        let query = sqlx::query_as(sqlx::AssertSqlSafe(text)).bind(organization_id.unwrap_or_default());
        query.fetch_all(self.pool()).await
    }

    /// Every assignment of everybody, or of one organization, newest first.
    ///
    /// # Errors
    /// Any database error.
    pub async fn guardrail_assignments(&self, organization_id: Option<&str>) -> sqlx::Result<Vec<AssignmentRow>> {
        let text = format!(
            "SELECT {ASSIGNMENT_COLUMNS} FROM guardrail_assignments WHERE $1 = '' OR organization_id = $1 \
             ORDER BY created_at DESC, id DESC"
        );
        let query = sqlx::query_as(sqlx::AssertSqlSafe(text)).bind(organization_id.unwrap_or_default());
        query.fetch_all(self.pool()).await
    }

    /// Writes a new guardrail or all that can change of an old one. A new default takes
    /// the place of the workspace's old one.
    ///
    /// # Errors
    /// Any database error.
    pub async fn put_guardrail(&self, row: &GuardrailRow) -> sqlx::Result<()> {
        let mut transaction = self.begin_write().await?;
        if row.is_default != 0 {
            sqlx::query("UPDATE guardrails SET is_default = 0 WHERE workspace_id = $1 AND organization_id = $2")
                .bind(&row.workspace_id)
                .bind(&row.organization_id)
                .execute(&mut *transaction)
                .await?;
        }
        let text = format!(
            "INSERT INTO guardrails ({COLUMNS}) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9) \
             ON CONFLICT (id) DO UPDATE SET name = excluded.name, description = excluded.description, \
             is_default = excluded.is_default, rules = excluded.rules, updated_at = excluded.updated_at"
        );
        sqlx::query(sqlx::AssertSqlSafe(text))
            .bind(&row.id)
            .bind(&row.organization_id)
            .bind(&row.workspace_id)
            .bind(&row.name)
            .bind(row.description.as_deref())
            .bind(row.is_default)
            .bind(&row.rules)
            .bind(row.created_at)
            .bind(row.updated_at)
            .execute(&mut *transaction)
            .await?;
        revise(&mut transaction, TOPIC).await?;
        transaction.commit().await
    }

    /// Forgets a guardrail and its assignments.
    ///
    /// # Errors
    /// Any database error.
    pub async fn delete_guardrail(&self, id: &str) -> sqlx::Result<()> {
        let mut transaction = self.begin_write().await?;
        for text in
            ["DELETE FROM guardrail_assignments WHERE guardrail_id = $1", "DELETE FROM guardrails WHERE id = $1"]
        {
            sqlx::query(text).bind(id).execute(&mut *transaction).await?;
        }
        revise(&mut transaction, TOPIC).await?;
        transaction.commit().await
    }

    /// Makes a guardrail hold for these; one that held before no longer does.
    ///
    /// # Errors
    /// Any database error; nothing is assigned then.
    pub async fn assign_guardrail(&self, rows: &[AssignmentRow]) -> sqlx::Result<()> {
        let mut transaction = self.begin_write().await?;
        let text = format!(
            "INSERT INTO guardrail_assignments ({ASSIGNMENT_COLUMNS}) VALUES ($1, $2, $3, $4, $5, $6, $7) \
             ON CONFLICT (organization_id, kind, subject) DO UPDATE SET guardrail_id = excluded.guardrail_id, \
             assigned_by = excluded.assigned_by, created_at = excluded.created_at"
        );
        for row in rows {
            sqlx::query(sqlx::AssertSqlSafe(text.clone()))
                .bind(&row.id)
                .bind(&row.organization_id)
                .bind(&row.guardrail_id)
                .bind(&row.kind)
                .bind(&row.subject)
                .bind(row.assigned_by.as_deref())
                .bind(row.created_at)
                .execute(&mut *transaction)
                .await?;
        }
        revise(&mut transaction, TOPIC).await?;
        transaction.commit().await
    }

    /// Whether a user belongs to an organization.
    ///
    /// # Errors
    /// Any database error.
    pub async fn is_member(&self, organization_id: &str, user_id: &str) -> sqlx::Result<bool> {
        let text = "SELECT COUNT(*) FROM members WHERE organization_id = $1 AND user_id = $2";
        let count: i64 = sqlx::query_scalar(text).bind(organization_id).bind(user_id).fetch_one(self.pool()).await?;
        Ok(count > 0)
    }

    /// Ends assignments. Returns how many there were.
    ///
    /// # Errors
    /// Any database error; nothing has ended then.
    pub async fn unassign_guardrail(&self, guardrail_id: &str, kind: &str, subjects: &[String]) -> sqlx::Result<u64> {
        let mut transaction = self.begin_write().await?;
        let mut ended = 0;
        for subject in subjects {
            let text = "DELETE FROM guardrail_assignments WHERE guardrail_id = $1 AND kind = $2 AND subject = $3";
            let done = sqlx::query(text).bind(guardrail_id).bind(kind).bind(subject).execute(&mut *transaction).await?;
            ended += done.rows_affected();
        }
        revise(&mut transaction, TOPIC).await?;
        transaction.commit().await?;
        Ok(ended)
    }
}
