//! Presets: named, versioned request settings.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// One of `GET /api/v1/presets`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "ssr", derive(utoipa::ToSchema))]
pub struct Preset {
    pub id: String,
    pub slug: String,
    pub name: String,
    pub description: Option<String>,
    /// `active`, `disabled` or `archived`.
    pub status: String,
    pub creator_user_id: Option<String>,
    pub workspace_id: Option<String>,
    pub designated_version_id: Option<String>,
    /// RFC 3339, as are the other times.
    pub created_at: String,
    pub updated_at: String,
    pub status_updated_at: Option<String>,
}

/// A version of a preset; it never changes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "ssr", derive(utoipa::ToSchema))]
pub struct PresetVersion {
    pub id: String,
    pub preset_id: String,
    pub creator_id: String,
    pub version: i64,
    pub system_prompt: Option<String>,
    /// Fields of a chat completion request.
    #[cfg_attr(feature = "ssr", schema(value_type = Object))]
    pub config: Map<String, Value>,
    pub created_at: String,
    pub updated_at: String,
}

/// `GET /api/v1/presets/{slug}`, inside `data`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "ssr", derive(utoipa::ToSchema))]
pub struct PresetWithVersion {
    #[serde(flatten)]
    pub preset: Preset,
    pub designated_version: Option<PresetVersion>,
}

/// `GET /api/v1/presets`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "ssr", derive(utoipa::ToSchema))]
pub struct PresetList {
    pub data: Vec<Preset>,
    pub total_count: u64,
}

/// `GET /api/v1/presets/{slug}/versions`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "ssr", derive(utoipa::ToSchema))]
pub struct PresetVersionList {
    pub data: Vec<PresetVersion>,
    pub total_count: u64,
}
