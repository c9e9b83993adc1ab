//! Guardrails: what requests may ask, of whom, and for how much.

use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::value::RawValue;

use super::Money;
use super::keys::LimitReset;

/// What is done with a request that matches a filter.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[cfg_attr(feature = "ssr", derive(utoipa::ToSchema))]
pub enum FilterAction {
    /// The words are replaced before anybody is asked.
    Redact,
    /// The request is refused.
    Block,
    /// It is noted in the answer's metadata.
    Flag,
}

/// A pattern of the organization's own.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ssr", derive(utoipa::ToSchema))]
pub struct ContentFilter {
    /// A regular expression without look-around and back-references: it is matched in linear time.
    pub pattern: String,
    pub action: FilterAction,
    /// Stands for what was redacted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub label: Option<String>,
}

/// A pattern this server knows.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ssr", derive(utoipa::ToSchema))]
pub struct BuiltinFilter {
    /// `email`, `phone`, `ssn`, `credit-card`, `ip-address`, `person-name`, `address` or `regex-prompt-injection`.
    pub slug: String,
    pub action: FilterAction,
    /// Given by the server.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub label: Option<String>,
    /// `user_only` or `all_messages`, for `regex-prompt-injection`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scan_scope: Option<String>,
}

/// What a guardrail demands. `null` demands nothing.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
#[cfg_attr(feature = "ssr", derive(utoipa::ToSchema))]
pub struct Rules {
    /// The most each key or member may spend in the interval.
    pub limit_usd: Option<Money>,
    pub reset_interval: Option<LimitReset>,
    pub include_byok_in_budgets: bool,
    pub allowed_models: Option<Vec<String>>,
    pub ignored_models: Option<Vec<String>>,
    pub allowed_providers: Option<Vec<String>>,
    pub ignored_providers: Option<Vec<String>>,
    /// Stands in for those of the authors below that are not given.
    pub enforce_zdr: Option<bool>,
    pub enforce_zdr_anthropic: Option<bool>,
    pub enforce_zdr_google: Option<bool>,
    pub enforce_zdr_openai: Option<bool>,
    pub enforce_zdr_xai: Option<bool>,
    pub enforce_zdr_other: Option<bool>,
    pub enable_free_model_publication: Option<bool>,
    pub enable_free_model_training: Option<bool>,
    pub enable_paid_model_training: Option<bool>,
    pub content_filters: Option<Vec<ContentFilter>>,
    pub content_filter_builtins: Option<Vec<BuiltinFilter>>,
}

/// One of `GET /api/v1/guardrails`.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[cfg_attr(feature = "ssr", derive(utoipa::ToSchema))]
pub struct Guardrail {
    pub id: String,
    pub name: String,
    pub description: Option<String>,
    pub workspace_id: Option<String>,
    /// Ours: it holds for all traffic of its workspace.
    pub is_default: bool,
    /// RFC 3339.
    pub created_at: String,
    pub updated_at: Option<String>,
    #[serde(flatten)]
    pub rules: Rules,
}

impl<'de> Deserialize<'de> for Guardrail {
    /// In two steps: amounts are read exactly as written, which a flattened part cannot be.
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        struct Head {
            id: String,
            name: String,
            description: Option<String>,
            workspace_id: Option<String>,
            #[serde(default)]
            is_default: bool,
            created_at: String,
            updated_at: Option<String>,
        }
        let raw = Box::<RawValue>::deserialize(deserializer)?;
        let head: Head = serde_json::from_str(raw.get()).map_err(D::Error::custom)?;
        let rules = serde_json::from_str(raw.get()).map_err(D::Error::custom)?;
        let Head { id, name, description, workspace_id, is_default, created_at, updated_at } = head;
        Ok(Self { id, name, description, workspace_id, is_default, created_at, updated_at, rules })
    }
}

/// `GET /api/v1/guardrails`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "ssr", derive(utoipa::ToSchema))]
pub struct GuardrailList {
    pub data: Vec<Guardrail>,
    pub total_count: u64,
}

/// That a guardrail holds for a key.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ssr", derive(utoipa::ToSchema))]
pub struct KeyAssignment {
    pub id: String,
    pub guardrail_id: String,
    pub key_hash: String,
    pub key_label: String,
    pub key_name: String,
    pub assigned_by: Option<String>,
    pub created_at: String,
}

/// That a guardrail holds for a member.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ssr", derive(utoipa::ToSchema))]
pub struct MemberAssignment {
    pub id: String,
    pub guardrail_id: String,
    pub organization_id: String,
    pub user_id: String,
    pub assigned_by: Option<String>,
    pub created_at: String,
}

/// A list of assignments.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ssr", derive(utoipa::ToSchema))]
pub struct AssignmentList<T> {
    pub data: Vec<T>,
    pub total_count: u64,
}
