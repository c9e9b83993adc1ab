//! Organizations, their members, invitations, workspaces and what was done in them.

use serde::{Deserialize, Serialize};

use super::Money;
use super::keys::present;
use super::roles::Role;

/// One of `GET /api/v1/organizations` (ours): where the person belongs.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ssr", derive(utoipa::ToSchema))]
pub struct Organization {
    pub id: String,
    pub name: String,
    pub role: Role,
    /// Of one person; nobody can be invited.
    pub is_personal: bool,
    /// The session acts in it.
    pub is_current: bool,
    /// CIDR networks its keys and people may come from; empty allows all.
    pub allowed_networks: Vec<String>,
    /// Its requests are labelled with what they ask for and in which language, for the public rankings.
    #[serde(default)]
    pub labels_prompts: bool,
}

/// `POST /api/v1/organizations`.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "ssr", derive(utoipa::ToSchema))]
pub struct CreateOrganization {
    pub name: String,
}

/// `PATCH /api/v1/organization`.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
#[cfg_attr(feature = "ssr", derive(utoipa::ToSchema))]
pub struct UpdateOrganization {
    pub name: Option<String>,
    pub allowed_networks: Option<Vec<String>>,
    pub labels_prompts: Option<bool>,
}

/// `POST /api/v1/organizations/switch`.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "ssr", derive(utoipa::ToSchema))]
pub struct SwitchOrganization {
    pub organization_id: String,
    #[serde(default)]
    pub workspace_id: Option<String>,
}

/// One of `GET /api/v1/organization/members`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ssr", derive(utoipa::ToSchema))]
pub struct OrganizationMember {
    pub id: String,
    pub first_name: Option<String>,
    pub last_name: Option<String>,
    pub email: String,
    /// `org:admin` or `org:member`, the original's two roles.
    pub role: String,
    /// Ours: the exact role.
    pub organization_role: Role,
    /// Ours: what the member may spend in a UTC month.
    pub monthly_limit: Option<Money>,
    /// Ours: what was spent in this UTC month.
    pub usage_monthly: Money,
    /// RFC 3339.
    pub joined_at: String,
}

/// A page of a list that says how long it is.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ssr", derive(utoipa::ToSchema))]
pub struct Counted<T> {
    pub data: Vec<T>,
    pub total_count: i64,
}

/// `PATCH /api/v1/organization/members/{id}`. An absent field stays as it is.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
#[cfg_attr(feature = "ssr", derive(utoipa::ToSchema))]
pub struct UpdateMember {
    pub role: Option<Role>,
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "present")]
    pub monthly_limit: Option<Option<Money>>,
}

/// An invitation under way.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ssr", derive(utoipa::ToSchema))]
pub struct Invitation {
    pub id: String,
    pub email: String,
    pub role: Role,
    /// RFC 3339.
    pub created_at: String,
    pub expires_at: String,
}

/// `POST /api/v1/organization/invitations`.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "ssr", derive(utoipa::ToSchema))]
pub struct CreateInvitation {
    pub email: String,
    pub role: Role,
}

/// The answer to [`CreateInvitation`]: the only time the link is shown.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ssr", derive(utoipa::ToSchema))]
pub struct CreatedInvitation {
    pub data: Invitation,
    pub link: String,
    /// A letter with the link is on its way.
    pub is_mailed: bool,
}

/// What the holder of an invitation's link may know.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ssr", derive(utoipa::ToSchema))]
pub struct InvitationView {
    pub organization_name: String,
    pub email: String,
    pub role: Role,
    /// Somebody has an account with this address already.
    pub has_account: bool,
}

/// A secret of a link, sent back.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "ssr", derive(utoipa::ToSchema))]
pub struct LinkToken {
    pub token: String,
}

/// One line of the audit log.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ssr", derive(utoipa::ToSchema))]
pub struct AuditEvent {
    pub id: String,
    /// RFC 3339.
    pub created_at: String,
    /// `user`, `key` or `system`.
    pub actor_kind: String,
    pub actor_id: String,
    pub actor_name: String,
    /// Such as `member.invite` or `key.create`.
    pub action: String,
    pub target: String,
    pub detail: String,
    pub address: String,
    pub user_agent: String,
}

/// One of `GET /api/v1/workspaces`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "ssr", derive(utoipa::ToSchema))]
#[expect(clippy::struct_excessive_bools, reason = "the original's fields")]
pub struct Workspace {
    pub id: String,
    /// The workspace's own guardrail has the workspace's id.
    pub default_guardrail_id: String,
    pub name: String,
    pub slug: String,
    pub description: Option<String>,
    pub default_text_model: Option<String>,
    pub default_image_model: Option<String>,
    pub default_provider_sort: Option<String>,
    pub include_byok_in_budgets: bool,
    pub is_observability_io_logging_enabled: bool,
    pub is_observability_broadcast_enabled: bool,
    pub is_data_discount_logging_enabled: bool,
    pub io_logging_sampling_rate: f64,
    pub io_logging_api_key_ids: Option<Vec<i64>>,
    pub created_at: String,
    pub updated_at: Option<String>,
    pub created_by: Option<String>,
    /// Ours: where keys and chats go that name none; it cannot be deleted.
    pub is_default: bool,
    /// Ours: the keys of `io_logging_api_key_ids` by their hashes.
    #[serde(default)]
    pub io_logging_api_key_hashes: Option<Vec<String>>,
    /// Ours: days after which what is kept is deleted.
    #[serde(default)]
    pub io_logging_retention_days: i64,
    /// Ours: what this server offers.
    #[serde(default)]
    pub io_logging_terms: IoLoggingTerms,
}

/// What a server offers to those who have prompts and answers kept.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "ssr", derive(utoipa::ToSchema))]
pub struct IoLoggingTerms {
    /// The server has a key to encrypt with.
    pub is_available: bool,
    pub most_days: i64,
    /// What is let off of the list price when the operator may use the text, per cent; 0 is nothing.
    pub discount_percent: f64,
}

/// `POST /api/v1/workspaces` and `PATCH /api/v1/workspaces/{id}`. An absent field
/// stays as it is; `null` clears it.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
#[cfg_attr(feature = "ssr", derive(utoipa::ToSchema))]
pub struct WorkspaceWish {
    pub name: Option<String>,
    pub slug: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "present")]
    pub description: Option<Option<String>>,
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "present")]
    pub default_text_model: Option<Option<String>>,
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "present")]
    pub default_image_model: Option<Option<String>>,
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "present")]
    pub default_provider_sort: Option<Option<String>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub is_observability_io_logging_enabled: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub is_observability_broadcast_enabled: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub is_data_discount_logging_enabled: Option<bool>,
    /// 0.0001 to 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub io_logging_sampling_rate: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "present")]
    pub io_logging_api_key_ids: Option<Option<Vec<i64>>>,
    /// Ours: the same keys by their hashes.
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "present")]
    pub io_logging_api_key_hashes: Option<Option<Vec<String>>>,
    /// Ours: days after which what is kept is deleted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub io_logging_retention_days: Option<i64>,
}

/// What a workspace may spend in a period.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ssr", derive(utoipa::ToSchema))]
pub struct WorkspaceBudget {
    pub id: String,
    pub workspace_id: String,
    pub limit_usd: Money,
    /// `daily`, `weekly`, `monthly`, or null for the whole lifetime.
    pub reset_interval: Option<String>,
    pub created_at: String,
    pub updated_at: String,
    /// Ours: what was spent in the period so far.
    pub used_usd: Money,
}

/// `GET /api/v1/workspaces/{id}/budgets`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ssr", derive(utoipa::ToSchema))]
pub struct WorkspaceBudgets {
    pub data: Vec<WorkspaceBudget>,
    pub include_byok_in_budgets: bool,
}

/// `PUT /api/v1/workspaces/{id}/budgets/{interval}`.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "ssr", derive(utoipa::ToSchema))]
pub struct BudgetWish {
    pub limit_usd: Money,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub include_byok_in_budgets: Option<bool>,
}

/// One of `GET /api/v1/workspaces/{id}/members`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ssr", derive(utoipa::ToSchema))]
pub struct WorkspaceMember {
    pub id: String,
    pub workspace_id: String,
    pub user_id: String,
    /// `admin` or `member`.
    pub role: String,
    pub created_at: String,
}

/// `POST /api/v1/workspaces/{id}/members/add` and `…/remove`.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "ssr", derive(utoipa::ToSchema))]
pub struct UserIds {
    pub user_ids: Vec<String>,
}

/// How many members were taken out of a workspace.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ssr", derive(utoipa::ToSchema))]
pub struct RemovedMembers {
    pub removed_count: u64,
}
