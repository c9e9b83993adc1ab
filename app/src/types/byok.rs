//! Provider credentials of organizations: bring your own key.

use serde::{Deserialize, Serialize};

/// One of `GET /api/v1/byok`. The credential itself is never shown again.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ssr", derive(utoipa::ToSchema))]
#[expect(clippy::struct_excessive_bools, reason = "the original's fields")]
pub struct OwnKey {
    pub id: String,
    /// The provider's slug.
    pub provider: String,
    pub name: Option<String>,
    /// The masked credential.
    pub label: String,
    pub disabled: bool,
    /// Tried after the shared capacity, not before.
    pub is_fallback: bool,
    /// The shared capacity of this provider is not used, for any model.
    pub is_byok_only: bool,
    /// The shared capacity of this provider is not used for the models this key serves.
    pub is_required: bool,
    /// The owner says whether his account at the provider keeps nothing; `null`: as the provider does.
    pub declared_zdr: Option<bool>,
    /// Where the owner says his account processes requests: `global`, `europe` or `us`.
    pub declared_region: Option<String>,
    /// Ascending.
    pub sort_order: i64,
    /// Model ids; `null` is all.
    pub allowed_models: Option<Vec<String>>,
    /// SHA-256 of API keys, hex; `null` is all.
    pub allowed_api_key_hashes: Option<Vec<String>>,
    pub allowed_user_ids: Option<Vec<String>>,
    pub workspace_id: Option<String>,
    /// RFC 3339.
    pub created_at: String,
}

/// `GET /api/v1/byok`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ssr", derive(utoipa::ToSchema))]
pub struct OwnKeyList {
    pub data: Vec<OwnKey>,
    pub total_count: u64,
}

/// `POST /api/v1/byok/{id}/test` (ours), inside `data`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ssr", derive(utoipa::ToSchema))]
pub struct OwnKeyTest {
    /// `null`: this kind of credential shows only with the first request whether it works.
    pub is_accepted: Option<bool>,
    /// What the provider said, in a sentence.
    pub message: String,
}
