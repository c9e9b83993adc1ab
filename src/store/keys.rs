//! API keys.

use sqlx::FromRow;

use super::Store;

/// A key as it is stored. Times are epoch ms, amounts nano-USD.
#[derive(Clone, Debug, Default, PartialEq, Eq, FromRow)]
pub struct KeyRow {
    pub id: String,
    /// SHA-256 of the key, hex.
    pub hash: String,
    /// Masked key.
    pub label: String,
    pub name: String,
    pub organization_id: String,
    pub workspace_id: String,
    pub creator_user_id: Option<String>,
    pub is_management: i64,
    pub is_disabled: i64,
    pub limit_nanos: Option<i64>,
    pub limit_reset: Option<String>,
    pub include_byok_in_limit: i64,
    pub expires_at: Option<i64>,
    pub created_at: i64,
    pub updated_at: i64,
    pub deleted_at: Option<i64>,
    /// Lists separated by spaces; empty allows all.
    pub allowed_models: String,
    pub allowed_providers: String,
    pub allowed_networks: String,
}

/// Which keys of an organization to list; empty texts do not restrict.
#[derive(Clone, Debug, Default)]
pub struct KeyScope {
    pub workspace_id: String,
    pub creator_user_id: String,
    pub hides_disabled: bool,
}

macro_rules! columns {
    () => {
        "id, hash, label, name, organization_id, workspace_id, creator_user_id, is_management, is_disabled, \
         limit_nanos, limit_reset, include_byok_in_limit, expires_at, created_at, updated_at, deleted_at, \
         allowed_models, allowed_providers, allowed_networks"
    };
}

impl Store {
    /// # Errors
    /// Any database error.
    pub async fn insert_key(&self, key: &KeyRow) -> sqlx::Result<()> {
        sqlx::query(concat!(
            "INSERT INTO api_keys (",
            columns!(),
            ") VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19)"
        ))
        .bind(key.id.as_str())
        .bind(key.hash.as_str())
        .bind(key.label.as_str())
        .bind(key.name.as_str())
        .bind(key.organization_id.as_str())
        .bind(key.workspace_id.as_str())
        .bind(key.creator_user_id.as_deref())
        .bind(key.is_management)
        .bind(key.is_disabled)
        .bind(key.limit_nanos)
        .bind(key.limit_reset.as_deref())
        .bind(key.include_byok_in_limit)
        .bind(key.expires_at)
        .bind(key.created_at)
        .bind(key.updated_at)
        .bind(key.deleted_at)
        .bind(key.allowed_models.as_str())
        .bind(key.allowed_providers.as_str())
        .bind(key.allowed_networks.as_str())
        .execute(self.pool())
        .await
        .map(|_| ())
    }

    /// A key that was not deleted, by its hash.
    ///
    /// # Errors
    /// Any database error.
    pub async fn key_by_hash(&self, hash: &str) -> sqlx::Result<Option<KeyRow>> {
        sqlx::query_as(concat!("SELECT ", columns!(), " FROM api_keys WHERE hash = $1 AND deleted_at IS NULL"))
            .bind(hash)
            .fetch_optional(self.pool())
            .await
    }

    /// An organization's keys, newest first.
    ///
    /// # Errors
    /// Any database error.
    pub async fn keys_of(
        &self,
        organization_id: &str,
        scope: &KeyScope,
        limit: i64,
        offset: i64,
    ) -> sqlx::Result<Vec<KeyRow>> {
        sqlx::query_as(concat!(
            "SELECT ",
            columns!(),
            " FROM api_keys WHERE organization_id = $1 AND deleted_at IS NULL \
             AND ($4 = '' OR workspace_id = $4) AND ($5 = '' OR creator_user_id = $5) \
             AND ($6 = 0 OR is_disabled = 0) ORDER BY created_at DESC, id DESC LIMIT $2 OFFSET $3"
        ))
        .bind(organization_id)
        .bind(limit)
        .bind(offset)
        .bind(scope.workspace_id.as_str())
        .bind(scope.creator_user_id.as_str())
        .bind(i64::from(scope.hides_disabled))
        .fetch_all(self.pool())
        .await
    }

    /// Stores what can change of a key. False when there is no such key.
    ///
    /// # Errors
    /// Any database error.
    pub async fn update_key(&self, key: &KeyRow) -> sqlx::Result<bool> {
        sqlx::query(
            "UPDATE api_keys SET name = $3, is_disabled = $4, limit_nanos = $5, limit_reset = $6, \
             include_byok_in_limit = $7, updated_at = $8, deleted_at = $9, allowed_models = $10, \
             allowed_providers = $11, allowed_networks = $12 \
             WHERE id = $1 AND organization_id = $2 AND deleted_at IS NULL",
        )
        .bind(key.id.as_str())
        .bind(key.organization_id.as_str())
        .bind(key.name.as_str())
        .bind(key.is_disabled)
        .bind(key.limit_nanos)
        .bind(key.limit_reset.as_deref())
        .bind(key.include_byok_in_limit)
        .bind(key.updated_at)
        .bind(key.deleted_at)
        .bind(key.allowed_models.as_str())
        .bind(key.allowed_providers.as_str())
        .bind(key.allowed_networks.as_str())
        .execute(self.pool())
        .await
        .map(|done| done.rows_affected() == 1)
    }

    /// Hashes of the keys that changed at or after `since` (epoch ms), deleted ones included.
    ///
    /// # Errors
    /// Any database error.
    pub async fn keys_changed_since(&self, since: i64) -> sqlx::Result<Vec<String>> {
        sqlx::query_scalar("SELECT hash FROM api_keys WHERE updated_at >= $1 OR touched_at >= $1")
            .bind(since)
            .fetch_all(self.pool())
            .await
    }

    /// Makes every node read an organization's keys again, because something they
    /// depend on changed. Returns their hashes.
    ///
    /// # Errors
    /// Any database error.
    pub async fn touch_keys(&self, organization_id: &str, now: i64) -> sqlx::Result<Vec<String>> {
        sqlx::query_scalar("UPDATE api_keys SET touched_at = $2 WHERE organization_id = $1 RETURNING hash")
            .bind(organization_id)
            .bind(now)
            .fetch_all(self.pool())
            .await
    }

    /// The same for the keys a person made, in whichever organization.
    ///
    /// # Errors
    /// Any database error.
    pub async fn touch_keys_of_maker(&self, user_id: &str, now: i64) -> sqlx::Result<Vec<String>> {
        sqlx::query_scalar("UPDATE api_keys SET touched_at = $2 WHERE creator_user_id = $1 RETURNING hash")
            .bind(user_id)
            .bind(now)
            .fetch_all(self.pool())
            .await
    }

    /// Names of the keys of an organization, deleted ones included, by id.
    ///
    /// # Errors
    /// Any database error.
    pub async fn key_names(&self, organization_id: &str) -> sqlx::Result<Vec<(String, String)>> {
        sqlx::query_as("SELECT id, name FROM api_keys WHERE organization_id = $1")
            .bind(organization_id)
            .fetch_all(self.pool())
            .await
    }
    /// Who made each key of an organization, deleted ones included: the name of its maker, by the key's id.
    ///
    /// # Errors
    /// Any database error.
    pub async fn key_makers(&self, organization_id: &str) -> sqlx::Result<Vec<(String, String)>> {
        sqlx::query_as(
            "SELECT k.id, CASE WHEN u.name = '' THEN u.email ELSE u.name END FROM api_keys k \
             JOIN users u ON u.id = k.creator_user_id WHERE k.organization_id = $1",
        )
        .bind(organization_id)
        .fetch_all(self.pool())
        .await
    }
}
