//! API keys, as their owners see them.

use serde::{Deserialize, Serialize};

use super::Money;

/// How often a key's limit starts anew (UTC; weeks start on Monday).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[cfg_attr(feature = "ssr", derive(utoipa::ToSchema))]
pub enum LimitReset {
    Daily,
    Weekly,
    Monthly,
}

impl LimitReset {
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Daily => "daily",
            Self::Weekly => "weekly",
            Self::Monthly => "monthly",
        }
    }
}

impl std::str::FromStr for LimitReset {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        match text {
            "daily" => Ok(Self::Daily),
            "weekly" => Ok(Self::Weekly),
            "monthly" => Ok(Self::Monthly),
            _ => Err(()),
        }
    }
}

/// One of `GET /api/v1/keys`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ssr", derive(utoipa::ToSchema))]
pub struct Key {
    /// SHA-256 of the key in hex: names the key in URLs, never authenticates.
    pub hash: String,
    pub name: String,
    /// The masked key: `sk-or-v1-abc…xyz`.
    pub label: String,
    pub disabled: bool,
    pub limit: Option<Money>,
    pub limit_remaining: Option<Money>,
    pub limit_reset: Option<LimitReset>,
    pub include_byok_in_limit: bool,
    pub usage: Money,
    pub usage_daily: Money,
    pub usage_weekly: Money,
    pub usage_monthly: Money,
    pub byok_usage: Money,
    pub byok_usage_daily: Money,
    pub byok_usage_weekly: Money,
    pub byok_usage_monthly: Money,
    /// RFC 3339.
    pub created_at: String,
    pub updated_at: Option<String>,
    pub expires_at: Option<String>,
    pub last_used_at: Option<String>,
    pub creator_user_id: Option<String>,
    pub workspace_id: String,
    pub external_user: Option<String>,
    /// Ours: a management key manages keys and cannot run inference.
    #[serde(default)]
    pub is_management_key: bool,
    /// Ours: `author/slug` or `author/*`; empty allows all models.
    #[serde(default)]
    pub allowed_models: Vec<String>,
    /// Ours: provider slugs; empty allows all.
    #[serde(default)]
    pub allowed_providers: Vec<String>,
    /// Ours: CIDR networks; empty allows all.
    #[serde(default)]
    pub allowed_networks: Vec<String>,
}

/// `POST /api/v1/keys`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ssr", derive(utoipa::ToSchema))]
pub struct CreateKey {
    pub name: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limit: Option<Money>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limit_reset: Option<LimitReset>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub include_byok_in_limit: Option<bool>,
    /// RFC 3339.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<String>,
    /// Ours: make a management key. Only a signed-in person may.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub is_management_key: Option<bool>,
    /// The workspace's id or slug; the caller's own where none is named.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub workspace_id: Option<String>,
    /// A member the key is made for. Only who manages all keys may name another.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub creator_user_id: Option<String>,
    /// Ours: see [`Key`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub allowed_models: Option<Vec<String>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub allowed_providers: Option<Vec<String>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub allowed_networks: Option<Vec<String>>,
}

/// The answer to [`CreateKey`]: the only time the key itself is shown.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ssr", derive(utoipa::ToSchema))]
pub struct CreatedKey {
    pub data: Key,
    pub key: String,
}

/// `PATCH /api/v1/keys/{hash}`. An absent field stays as it is; `null` clears it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ssr", derive(utoipa::ToSchema))]
pub struct UpdateKey {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub disabled: Option<bool>,
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "present")]
    pub limit: Option<Option<Money>>,
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "present")]
    pub limit_reset: Option<Option<LimitReset>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub include_byok_in_limit: Option<bool>,
    /// Ours: see [`Key`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub allowed_models: Option<Vec<String>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub allowed_providers: Option<Vec<String>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub allowed_networks: Option<Vec<String>>,
}

/// Tells a `null` (`Some(None)`) from an absent field (`None`).
#[expect(clippy::option_option, reason = "the two absences mean different things")]
pub(super) fn present<'de, D, T>(deserializer: D) -> Result<Option<Option<T>>, D::Error>
where
    D: serde::Deserializer<'de>,
    T: Deserialize<'de>,
{
    Option::<T>::deserialize(deserializer).map(Some)
}

/// `DELETE /api/v1/keys/{hash}`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ssr", derive(utoipa::ToSchema))]
pub struct Deleted {
    pub deleted: bool,
}

/// `GET /api/v1/key` (alias `/auth/key`), inside `data`: the calling key.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ssr", derive(utoipa::ToSchema))]
#[expect(clippy::struct_excessive_bools, reason = "the original's fields")]
pub struct CurrentKey {
    pub label: String,
    pub limit: Option<Money>,
    pub limit_remaining: Option<Money>,
    pub limit_reset: Option<LimitReset>,
    pub include_byok_in_limit: bool,
    pub usage: Money,
    pub usage_daily: Money,
    pub usage_weekly: Money,
    pub usage_monthly: Money,
    pub byok_usage: Money,
    pub byok_usage_daily: Money,
    pub byok_usage_weekly: Money,
    pub byok_usage_monthly: Money,
    pub is_free_tier: bool,
    pub is_management_key: bool,
    pub is_provisioning_key: bool,
    pub creator_user_id: Option<String>,
    pub organization_id: Option<String>,
    pub workspace_id: Option<String>,
    pub expires_at: Option<String>,
    pub rate_limit: RateLimit,
    pub allowed_data_regions: Vec<String>,
    pub free_model_daily_requests: FreeRequests,
    /// Budgets of the workspace and the member, the broadest first.
    pub budgets: Vec<KeyBudget>,
    /// The one with the least left.
    pub effective_budget: Option<KeyBudget>,
}

/// A budget that a key is subject to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ssr", derive(utoipa::ToSchema))]
pub struct KeyBudget {
    pub name: String,
    pub limit: Money,
    pub limit_remaining: Money,
    pub limit_reset: Option<LimitReset>,
    pub usage: Money,
}

/// Deprecated in the original, still required by its SDKs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ssr", derive(utoipa::ToSchema))]
pub struct RateLimit {
    pub interval: String,
    pub note: String,
    /// -1: no fixed number.
    pub requests: i64,
}

/// How many requests to free models are left today.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ssr", derive(utoipa::ToSchema))]
pub struct FreeRequests {
    pub limit: i64,
    pub remaining: i64,
    pub used: i64,
}
