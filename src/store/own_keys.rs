//! Provider credentials of organizations, sealed, and the revisions that tell nodes
//! what to read again.

use sqlx::{AnyConnection, FromRow};

use super::Store;

/// One credential. Columns are described in the migration.
#[derive(Clone, Debug, PartialEq, Eq, FromRow)]
pub struct OwnKeyRow {
    pub id: String,
    pub organization_id: String,
    pub workspace_id: String,
    pub provider_slug: String,
    pub name: Option<String>,
    pub label: String,
    pub secret: String,
    pub is_disabled: i64,
    pub is_fallback: i64,
    pub is_only: i64,
    pub is_required: i64,
    pub declared_zdr: Option<i64>,
    pub declared_region: Option<String>,
    pub sort_order: i64,
    /// JSON arrays.
    pub allowed_models: Option<String>,
    pub allowed_keys: Option<String>,
    pub allowed_users: Option<String>,
    pub created_by: Option<String>,
    pub created_at: i64,
    pub updated_at: i64,
}

const COLUMNS: &str = "id, organization_id, workspace_id, provider_slug, name, label, secret, is_disabled, is_fallback, \
     is_only, sort_order, allowed_models, allowed_keys, allowed_users, created_by, created_at, updated_at, \
     is_required, declared_zdr, declared_region";

/// The topic of own keys.
pub const TOPIC: &str = "own_keys";

/// Makes nodes read a topic again.
pub(super) async fn revise(connection: &mut AnyConnection, topic: &str) -> sqlx::Result<()> {
    sqlx::query(
        "INSERT INTO revisions (topic, revision) VALUES ($1, 1) \
         ON CONFLICT (topic) DO UPDATE SET revision = revisions.revision + 1",
    )
    .bind(topic)
    .execute(connection)
    .await
    .map(|_| ())
}

impl Store {
    /// The revisions of all topics that ever changed.
    ///
    /// # Errors
    /// Any database error.
    pub async fn revisions(&self) -> sqlx::Result<Vec<(String, i64)>> {
        sqlx::query_as("SELECT topic, revision FROM revisions").fetch_all(self.pool()).await
    }

    /// Every credential of everybody, in the order of their use.
    ///
    /// # Errors
    /// Any database error.
    pub async fn all_own_keys(&self) -> sqlx::Result<Vec<OwnKeyRow>> {
        let text = format!("SELECT {COLUMNS} FROM own_keys ORDER BY organization_id, sort_order, created_at, id");
        sqlx::query_as(sqlx::AssertSqlSafe(text)).fetch_all(self.pool()).await
    }

    /// The credentials of a workspace.
    ///
    /// # Errors
    /// Any database error.
    pub async fn own_keys(&self, organization_id: &str, workspace_id: Option<&str>) -> sqlx::Result<Vec<OwnKeyRow>> {
        let text = format!(
            "SELECT {COLUMNS} FROM own_keys WHERE organization_id = $1 AND ($2 = '' OR workspace_id = $2) \
             ORDER BY sort_order, created_at, id"
        );
        sqlx::query_as(sqlx::AssertSqlSafe(text))
            .bind(organization_id)
            .bind(workspace_id.unwrap_or_default())
            .fetch_all(self.pool())
            .await
    }

    /// Writes a new credential or all that can change of an old one.
    ///
    /// # Errors
    /// Any database error.
    pub async fn put_own_key(&self, row: &OwnKeyRow) -> sqlx::Result<()> {
        let text = format!(
            "INSERT INTO own_keys ({COLUMNS}) \
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20) \
             ON CONFLICT (id) DO UPDATE SET name = excluded.name, label = excluded.label, secret = excluded.secret, \
             is_disabled = excluded.is_disabled, is_fallback = excluded.is_fallback, is_only = excluded.is_only, \
             sort_order = excluded.sort_order, allowed_models = excluded.allowed_models, \
             allowed_keys = excluded.allowed_keys, allowed_users = excluded.allowed_users, \
             updated_at = excluded.updated_at, is_required = excluded.is_required, \
             declared_zdr = excluded.declared_zdr, declared_region = excluded.declared_region"
        );
        let mut transaction = self.begin_write().await?;
        sqlx::query(sqlx::AssertSqlSafe(text))
            .bind(&row.id)
            .bind(&row.organization_id)
            .bind(&row.workspace_id)
            .bind(&row.provider_slug)
            .bind(row.name.as_deref())
            .bind(&row.label)
            .bind(&row.secret)
            .bind(row.is_disabled)
            .bind(row.is_fallback)
            .bind(row.is_only)
            .bind(row.sort_order)
            .bind(row.allowed_models.as_deref())
            .bind(row.allowed_keys.as_deref())
            .bind(row.allowed_users.as_deref())
            .bind(row.created_by.as_deref())
            .bind(row.created_at)
            .bind(row.updated_at)
            .bind(row.is_required)
            .bind(row.declared_zdr)
            .bind(row.declared_region.as_deref())
            .execute(&mut *transaction)
            .await?;
        revise(&mut transaction, TOPIC).await?;
        transaction.commit().await
    }

    /// Forgets a credential of an organization. False when there was none.
    ///
    /// # Errors
    /// Any database error.
    pub async fn delete_own_key(&self, organization_id: &str, id: &str) -> sqlx::Result<bool> {
        let mut transaction = self.begin_write().await?;
        let done = sqlx::query("DELETE FROM own_keys WHERE organization_id = $1 AND id = $2")
            .bind(organization_id)
            .bind(id)
            .execute(&mut *transaction)
            .await?;
        revise(&mut transaction, TOPIC).await?;
        transaction.commit().await?;
        Ok(done.rows_affected() == 1)
    }

    /// What requests with own keys would have cost since a time, by organization, nano-USD.
    ///
    /// # Errors
    /// Any database error.
    pub async fn own_key_usage(&self, since_ms: i64) -> sqlx::Result<Vec<(String, i64)>> {
        sqlx::query_as(
            "SELECT organization_id, CAST(SUM(upstream_cost_nanos) AS BIGINT) FROM generations \
             WHERE created_at >= $1 AND own_key_id <> '' AND error IS NULL GROUP BY organization_id",
        )
        .bind(since_ms)
        .fetch_all(self.pool())
        .await
    }
}
