//! What was asked of models, one row a request.

use std::sync::{Arc, LazyLock};

use sqlx::AnyConnection;
use sqlx::FromRow;

use super::Store;
use super::bulk::Bulk;

/// One request to a model. Columns are described in the migration.
#[derive(Clone, Debug, Default, PartialEq, Eq, FromRow)]
pub struct GenerationRow {
    pub id: String,
    pub node_id: String,
    pub seq: i64,
    pub created_at: i64,
    pub organization_id: String,
    pub workspace_id: String,
    pub key_id: String,
    pub user_id: String,
    pub requested_model: String,
    pub model_id: String,
    pub endpoint_id: String,
    pub provider_slug: String,
    pub provider_name: String,
    pub is_simulated: i64,
    pub price_id: String,
    pub app_url: String,
    pub app_title: String,
    pub api_type: String,
    pub is_streamed: i64,
    pub is_cancelled: i64,
    pub is_estimated: i64,
    pub prompt_tokens: i64,
    pub completion_tokens: i64,
    pub reasoning_tokens: i64,
    pub cached_tokens: i64,
    pub cache_write_tokens: i64,
    pub cache_write_1h_tokens: i64,
    pub cost_nanos: i64,
    pub upstream_cost_nanos: i64,
    pub finish_reason: Option<String>,
    pub native_finish_reason: Option<String>,
    pub latency_ms: Option<i64>,
    pub generation_ms: Option<i64>,
    /// JSON array of `ProviderResponse`.
    pub attempts: String,
    pub status: i64,
    pub error: Option<String>,
    pub upstream_id: Option<String>,
    pub user_agent: Option<String>,
    pub session_id: Option<String>,
    pub external_user: Option<String>,
    /// JSON of `Routing`, or empty.
    pub routing: String,
    /// The own key that paid the provider, or empty.
    pub own_key_id: String,
    /// JSON of billed quantities without a column, or empty.
    pub other_usage: String,
    /// Hundredths of a per cent of the list price that were let off.
    pub discount_basis_points: i64,
    /// What was asked for, or empty.
    pub task: String,
    /// The language of the question, or empty.
    pub language: String,
    /// What it was about, or empty.
    pub category: String,
    /// Images in the question.
    pub prompt_images: i64,
    /// Images, pieces of audio and videos in the question.
    pub prompt_media: i64,
}

macro_rules! columns {
    () => {
        "id, node_id, seq, created_at, organization_id, workspace_id, key_id, user_id, requested_model, model_id, \
         endpoint_id, provider_slug, provider_name, is_simulated, price_id, app_url, app_title, api_type, is_streamed, \
         is_cancelled, is_estimated, prompt_tokens, completion_tokens, reasoning_tokens, cached_tokens, \
         cache_write_tokens, cache_write_1h_tokens, cost_nanos, upstream_cost_nanos, finish_reason, \
         native_finish_reason, latency_ms, generation_ms, attempts, status, error, upstream_id, user_agent, session_id, external_user, \
         routing, own_key_id, other_usage, discount_basis_points, task, language, category, \
         prompt_images, prompt_media"
    };
}

/// A request as the ledger writes it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Posted {
    /// Its number on the node.
    pub seq: i64,
    /// What was charged, nano-USD.
    pub cost_nanos: i64,
    /// The rest of it; its own number and charge do not count.
    pub row: Arc<GenerationRow>,
}

/// Writes one row on SQLite.
pub(super) const INSERT_ONE: &str = concat!(
    "INSERT INTO generations (",
    columns!(),
    ") VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, \
     ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
);

static INSERT: LazyLock<Bulk> =
    LazyLock::new(|| Bulk::insert(concat!("INSERT INTO generations (", columns!(), ")"), 49, ""));

/// Writes rows inside the caller's transaction.
///
/// # Errors
/// Any database error.
pub async fn insert_many(connection: &mut AnyConnection, rows: &[Posted]) -> sqlx::Result<()> {
    INSERT
        .execute(connection, rows, |query, Posted { seq, cost_nanos, row }| {
            query
                .bind(row.id.as_str())
                .bind(row.node_id.as_str())
                .bind(*seq)
                .bind(row.created_at)
                .bind(row.organization_id.as_str())
                .bind(row.workspace_id.as_str())
                .bind(row.key_id.as_str())
                .bind(row.user_id.as_str())
                .bind(row.requested_model.as_str())
                .bind(row.model_id.as_str())
                .bind(row.endpoint_id.as_str())
                .bind(row.provider_slug.as_str())
                .bind(row.provider_name.as_str())
                .bind(row.is_simulated)
                .bind(row.price_id.as_str())
                .bind(row.app_url.as_str())
                .bind(row.app_title.as_str())
                .bind(row.api_type.as_str())
                .bind(row.is_streamed)
                .bind(row.is_cancelled)
                .bind(row.is_estimated)
                .bind(row.prompt_tokens)
                .bind(row.completion_tokens)
                .bind(row.reasoning_tokens)
                .bind(row.cached_tokens)
                .bind(row.cache_write_tokens)
                .bind(row.cache_write_1h_tokens)
                .bind(*cost_nanos)
                .bind(row.upstream_cost_nanos)
                .bind(row.finish_reason.as_deref())
                .bind(row.native_finish_reason.as_deref())
                .bind(row.latency_ms)
                .bind(row.generation_ms)
                .bind(row.attempts.as_str())
                .bind(row.status)
                .bind(row.error.as_deref())
                .bind(row.upstream_id.as_deref())
                .bind(row.user_agent.as_deref())
                .bind(row.session_id.as_deref())
                .bind(row.external_user.as_deref())
                .bind(row.routing.as_str())
                .bind(row.own_key_id.as_str())
                .bind(row.other_usage.as_str())
                .bind(row.discount_basis_points)
                .bind(row.task.as_str())
                .bind(row.language.as_str())
                .bind(row.category.as_str())
                .bind(row.prompt_images)
                .bind(row.prompt_media)
        })
        .await
}

impl Store {
    /// One generation of an organization.
    ///
    /// # Errors
    /// Any database error.
    pub async fn generation(&self, organization_id: &str, id: &str) -> sqlx::Result<Option<GenerationRow>> {
        sqlx::query_as(concat!("SELECT ", columns!(), " FROM generations WHERE id = $1 AND organization_id = $2"))
            .bind(id)
            .bind(organization_id)
            .fetch_optional(self.pool())
            .await
    }

    /// The newest generations of an organization, older than `before_ms`/`before_id` when given.
    ///
    /// # Errors
    /// Any database error.
    pub async fn generations(
        &self,
        organization_id: &str,
        user_id: &str,
        before: Option<(i64, &str)>,
        limit: i64,
    ) -> sqlx::Result<Vec<GenerationRow>> {
        let (before_ms, before_id) = before.unwrap_or((i64::MAX, ""));
        sqlx::query_as(concat!(
            "SELECT ",
            columns!(),
            " FROM generations WHERE organization_id = $1 AND (created_at < $2 OR (created_at = $2 AND id < $3)) \
             AND ($5 = '' OR user_id = $5) ORDER BY created_at DESC, id DESC LIMIT $4"
        ))
        .bind(organization_id)
        .bind(before_ms)
        .bind(before_id)
        .bind(limit)
        .bind(user_id)
        .fetch_all(self.pool())
        .await
    }

    /// Generations with a price version after this one, in the order of their ids.
    ///
    /// # Errors
    /// Any database error.
    pub async fn priced_generations(&self, after: &str, limit: i64) -> sqlx::Result<Vec<GenerationRow>> {
        sqlx::query_as(concat!(
            "SELECT ",
            columns!(),
            " FROM generations WHERE price_id <> '' AND id > $1 ORDER BY id LIMIT $2"
        ))
        .bind(after)
        .bind(limit)
        .fetch_all(self.pool())
        .await
    }

    /// The highest `seq` a node has written, 0 when none.
    ///
    /// # Errors
    /// Any database error.
    pub async fn last_seq(&self, node_id: &str) -> sqlx::Result<i64> {
        sqlx::query_scalar("SELECT CAST(COALESCE(MAX(seq), 0) AS BIGINT) FROM generations WHERE node_id = $1")
            .bind(node_id)
            .fetch_one(self.pool())
            .await
    }
}
