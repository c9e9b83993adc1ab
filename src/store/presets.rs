//! Named, versioned request settings.

use sqlx::FromRow;

use super::Store;

/// A preset without its versions. Columns are described in the migration.
#[derive(Clone, Debug, Default, PartialEq, Eq, FromRow)]
pub struct PresetRow {
    pub id: String,
    pub organization_id: String,
    pub workspace_id: String,
    pub slug: String,
    pub name: String,
    pub description: Option<String>,
    pub status: String,
    pub designated_version: i64,
    pub creator_user_id: Option<String>,
    pub created_at: i64,
    pub updated_at: i64,
    pub status_updated_at: Option<i64>,
}

/// One version of a preset.
#[derive(Clone, Debug, Default, PartialEq, Eq, FromRow)]
pub struct PresetVersionRow {
    pub id: String,
    pub preset_id: String,
    pub version: i64,
    pub creator_id: String,
    pub system_prompt: Option<String>,
    pub config: String,
    pub created_at: i64,
}

const COLUMNS: &str = "id, organization_id, workspace_id, slug, name, description, status, designated_version, \
     creator_user_id, created_at, updated_at, status_updated_at";
const VERSION_COLUMNS: &str = "id, preset_id, version, creator_id, system_prompt, config, created_at";

impl Store {
    /// The presets of a workspace, the latest changed first.
    ///
    /// # Errors
    /// Any database error.
    pub async fn presets(&self, organization_id: &str, workspace_id: &str) -> sqlx::Result<Vec<PresetRow>> {
        let text = format!(
            "SELECT {COLUMNS} FROM presets WHERE organization_id = $1 AND workspace_id = $2 \
             ORDER BY updated_at DESC, id DESC"
        );
        sqlx::query_as(sqlx::AssertSqlSafe(text)).bind(organization_id).bind(workspace_id).fetch_all(self.pool()).await
    }

    /// One preset of a workspace.
    ///
    /// # Errors
    /// Any database error.
    pub async fn preset(
        &self,
        organization_id: &str,
        workspace_id: &str,
        slug: &str,
    ) -> sqlx::Result<Option<PresetRow>> {
        let text =
            format!("SELECT {COLUMNS} FROM presets WHERE organization_id = $1 AND workspace_id = $2 AND slug = $3");
        let query = sqlx::query_as(sqlx::AssertSqlSafe(text)).bind(organization_id).bind(workspace_id).bind(slug);
        query.fetch_optional(self.pool()).await
    }

    /// The versions of a preset, oldest first.
    ///
    /// # Errors
    /// Any database error.
    pub async fn preset_versions(&self, preset_id: &str) -> sqlx::Result<Vec<PresetVersionRow>> {
        let text = format!("SELECT {VERSION_COLUMNS} FROM preset_versions WHERE preset_id = $1 ORDER BY version");
        sqlx::query_as(sqlx::AssertSqlSafe(text)).bind(preset_id).fetch_all(self.pool()).await
    }

    /// One version of a preset.
    ///
    /// # Errors
    /// Any database error.
    pub async fn preset_version(&self, preset_id: &str, version: i64) -> sqlx::Result<Option<PresetVersionRow>> {
        let text = format!("SELECT {VERSION_COLUMNS} FROM preset_versions WHERE preset_id = $1 AND version = $2");
        let query = sqlx::query_as(sqlx::AssertSqlSafe(text)).bind(preset_id).bind(version);
        query.fetch_optional(self.pool()).await
    }

    /// Adds a version to a preset, which is made when there is none of this slug, and
    /// makes it the one in use. The version's number and preset are filled in.
    ///
    /// # Errors
    /// Any database error; a preset made by another at the same moment is one.
    pub async fn add_preset_version(
        &self,
        wanted: PresetRow,
        mut version: PresetVersionRow,
    ) -> sqlx::Result<(PresetRow, PresetVersionRow)> {
        let mut transaction = self.begin_write().await?;
        let text = format!("SELECT {COLUMNS} FROM presets WHERE workspace_id = $1 AND slug = $2");
        let existing: Option<PresetRow> = sqlx::query_as(sqlx::AssertSqlSafe(text))
            .bind(&wanted.workspace_id)
            .bind(&wanted.slug)
            .fetch_optional(&mut *transaction)
            .await?;
        let is_new = existing.is_none();
        let mut preset = existing.unwrap_or_else(|| wanted.clone());
        let last: i64 = sqlx::query_scalar(
            "SELECT CAST(COALESCE(MAX(version), 0) AS BIGINT) FROM preset_versions WHERE preset_id = $1",
        )
        .bind(&preset.id)
        .fetch_one(&mut *transaction)
        .await?;
        version.version = last + 1;
        version.preset_id.clone_from(&preset.id);
        preset.designated_version = version.version;
        preset.updated_at = wanted.updated_at;
        if is_new {
            let text =
                format!("INSERT INTO presets ({COLUMNS}) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)");
            bind_preset(sqlx::query(sqlx::AssertSqlSafe(text)), &preset).execute(&mut *transaction).await?;
        } else {
            sqlx::query("UPDATE presets SET designated_version = $1, updated_at = $2 WHERE id = $3")
                .bind(preset.designated_version)
                .bind(preset.updated_at)
                .bind(&preset.id)
                .execute(&mut *transaction)
                .await?;
        }
        let text = format!("INSERT INTO preset_versions ({VERSION_COLUMNS}) VALUES ($1, $2, $3, $4, $5, $6, $7)");
        sqlx::query(sqlx::AssertSqlSafe(text))
            .bind(&version.id)
            .bind(&version.preset_id)
            .bind(version.version)
            .bind(&version.creator_id)
            .bind(version.system_prompt.as_deref())
            .bind(&version.config)
            .bind(version.created_at)
            .execute(&mut *transaction)
            .await?;
        transaction.commit().await?;
        Ok((preset, version))
    }

    /// Writes what can change of a preset.
    ///
    /// # Errors
    /// Any database error.
    pub async fn update_preset(&self, row: &PresetRow) -> sqlx::Result<()> {
        sqlx::query(
            "UPDATE presets SET name = $1, description = $2, status = $3, designated_version = $4, updated_at = $5, \
             status_updated_at = $6 WHERE id = $7",
        )
        .bind(&row.name)
        .bind(row.description.as_deref())
        .bind(&row.status)
        .bind(row.designated_version)
        .bind(row.updated_at)
        .bind(row.status_updated_at)
        .bind(&row.id)
        .execute(self.pool())
        .await
        .map(|_| ())
    }

    /// Forgets a preset and its versions.
    ///
    /// # Errors
    /// Any database error.
    pub async fn delete_preset(&self, id: &str) -> sqlx::Result<()> {
        let mut transaction = self.begin_write().await?;
        sqlx::query("DELETE FROM preset_versions WHERE preset_id = $1").bind(id).execute(&mut *transaction).await?;
        sqlx::query("DELETE FROM presets WHERE id = $1").bind(id).execute(&mut *transaction).await?;
        transaction.commit().await
    }
}

type Query<'q> = sqlx::query::Query<'q, sqlx::Any, sqlx::any::AnyArguments>;

fn bind_preset<'q>(query: Query<'q>, row: &'q PresetRow) -> Query<'q> {
    query
        .bind(&row.id)
        .bind(&row.organization_id)
        .bind(&row.workspace_id)
        .bind(&row.slug)
        .bind(&row.name)
        .bind(row.description.as_deref())
        .bind(&row.status)
        .bind(row.designated_version)
        .bind(row.creator_user_id.as_deref())
        .bind(row.created_at)
        .bind(row.updated_at)
        .bind(row.status_updated_at)
}
