//! What operators of this server see and do.

use serde::{Deserialize, Serialize};

use super::Money;

/// `GET /api/v1/admin` (ours).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ssr", derive(utoipa::ToSchema))]
pub struct AdminOverview {
    pub users: i64,
    pub organizations: i64,
    pub models: usize,
    pub endpoints: usize,
    pub providers: usize,
    /// Credit of all organizations together that is not spent.
    pub owed: Money,
    /// The last twelve UTC months, newest first.
    pub months: Vec<AdminMonth>,
}

/// What came and went in a UTC month.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ssr", derive(utoipa::ToSchema))]
pub struct AdminMonth {
    /// `2026-11`.
    pub month: String,
    /// Credit sold by card and coins.
    pub sold: Money,
    /// Fees on it.
    pub fees: Money,
    /// Credit paid by invoice.
    pub invoiced: Money,
    /// What went back to payers: refunds and disputes.
    pub returned: Money,
    /// Credit given away.
    pub granted: Money,
    /// What requests were charged.
    pub usage: Money,
    /// Fees on requests with customers' own keys, within `usage`.
    pub own_key_fees: Money,
    /// What requests cost beyond their holds.
    pub lost: Money,
}

/// One of `GET /api/v1/admin/providers`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "ssr", derive(utoipa::ToSchema))]
pub struct AdminProvider {
    pub slug: String,
    pub name: String,
    /// The protocol it speaks; `null` when this server does not speak it.
    pub dialect: Option<String>,
    pub base_url: String,
    /// `set`, `missing`, `not needed` or `switched off`.
    pub credential: String,
    /// Environment variables that would set it.
    pub variables: Vec<String>,
    pub is_simulated: bool,
    pub endpoints: usize,
    /// Endpoints that failed and are left alone for now.
    pub resting: usize,
    /// Per cent of the attempts of the last half hour that succeeded.
    pub uptime: Option<f64>,
}

/// `POST /api/v1/admin/providers/{slug}/check`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ssr", derive(utoipa::ToSchema))]
pub struct ProviderCheck {
    pub works: bool,
    pub message: String,
}

/// One of `GET /api/v1/admin/endpoints`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ssr", derive(utoipa::ToSchema))]
pub struct AdminEndpoint {
    pub id: String,
    pub model_id: String,
    pub provider_slug: String,
    pub upstream_model: String,
    /// The list it came from still has it.
    pub is_listed: bool,
    /// Operators took it out of the catalog.
    pub is_hidden: bool,
    /// `price` is the operators' own.
    pub has_own_price: bool,
    /// In force; `null` while nobody knows it, and then nothing is sent there.
    pub price: Option<TokenPrices>,
    pub list_price: Option<TokenPrices>,
}

/// US dollars per million tokens.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ssr", derive(utoipa::ToSchema))]
pub struct TokenPrices {
    pub prompt: Money,
    pub completion: Money,
    pub cache_read: Option<Money>,
    pub cache_write: Option<Money>,
}

/// `POST /api/v1/admin/endpoints/edit`. What is left out stays.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[cfg_attr(feature = "ssr", derive(utoipa::ToSchema))]
pub struct EditEndpoint {
    pub endpoint_id: String,
    pub hidden: Option<bool>,
    /// US dollars per million tokens; with any of these the price has a new version.
    pub prompt: Option<Money>,
    pub completion: Option<Money>,
    pub cache_read: Option<Money>,
    pub cache_write: Option<Money>,
    /// Goes back to the list's price.
    pub use_list_price: bool,
}

/// `POST /api/v1/admin/catalog/import`.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "ssr", derive(utoipa::ToSchema))]
pub struct ImportCatalog {
    /// Of models.dev's JSON or an answer of `GET /api/v1/models`.
    pub url: String,
}

/// One of `GET /api/v1/admin/users`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ssr", derive(utoipa::ToSchema))]
pub struct AdminUser {
    pub id: String,
    pub email: String,
    pub name: String,
    /// RFC 3339.
    pub created_at: String,
    pub is_verified: bool,
    pub has_second_factor: bool,
    pub is_operator: bool,
    /// RFC 3339; may not sign in since then.
    pub suspended_at: Option<String>,
    /// How many the person belongs to.
    pub organizations: i64,
}

/// One of `GET /api/v1/admin/organizations`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ssr", derive(utoipa::ToSchema))]
pub struct AdminOrganization {
    pub id: String,
    pub name: String,
    pub is_personal: bool,
    /// RFC 3339.
    pub created_at: String,
    pub members: i64,
    /// Credit that is not spent.
    pub left: Money,
    /// Every request is refused.
    pub is_frozen: bool,
}

/// `GET /api/v1/admin/organizations/{id}`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ssr", derive(utoipa::ToSchema))]
pub struct AdminOrganizationDetail {
    pub organization: AdminOrganization,
    /// What of the credit nobody paid for.
    pub promotional: Money,
    pub members: Vec<AdminMember>,
    /// The last ones, newest first.
    pub purchases: Vec<AdminPurchase>,
    /// For the next credit given: sent along, it is booked once however often it is sent.
    pub request_id: String,
}

/// Who belongs to an organization.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ssr", derive(utoipa::ToSchema))]
pub struct AdminMember {
    pub user_id: String,
    pub email: String,
    pub role: String,
}

/// A purchase, as operators see it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ssr", derive(utoipa::ToSchema))]
pub struct AdminPurchase {
    pub id: String,
    /// RFC 3339.
    pub created_at: String,
    pub method: String,
    pub state: String,
    pub credit: Money,
    pub fee: Money,
    pub refunded: Money,
    /// What would be paid back now.
    pub refundable: Money,
}

/// `POST /api/v1/admin/organizations/{id}/credit`.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
#[cfg_attr(feature = "ssr", derive(utoipa::ToSchema))]
pub struct GiveCredit {
    /// US dollars, more than 0.
    pub amount: Money,
    /// What the books say about it.
    pub reason: String,
    /// Paid by other means, such as a bank transfer: counts as bought, not as a gift.
    pub is_invoice: bool,
    /// Sent twice, it is booked once.
    pub request_id: Option<String>,
}

/// A deed of an operator and why.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
#[cfg_attr(feature = "ssr", derive(utoipa::ToSchema))]
pub struct Reason {
    pub reason: String,
}

/// What operators tell everybody, on every page.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ssr", derive(utoipa::ToSchema))]
pub struct Announcement {
    pub id: String,
    pub text: String,
    pub is_warning: bool,
    /// RFC 3339.
    pub created_at: String,
    /// RFC 3339; `null` until it is taken back.
    pub ends_at: Option<String>,
}

/// A feature that operators switch.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ssr", derive(utoipa::ToSchema))]
pub struct FeatureFlag {
    pub name: String,
    /// What is possible while it is on.
    pub about: String,
    pub is_on: bool,
    /// Whether it is on where no operator said otherwise.
    pub is_on_by_default: bool,
    /// RFC 3339; `null` where no operator said anything.
    pub changed_at: Option<String>,
}

/// `PATCH /api/v1/admin/flags/{name}`.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
#[cfg_attr(feature = "ssr", derive(utoipa::ToSchema))]
pub struct SetFlag {
    /// `on`, `off` or `default`: as the settings have it.
    pub state: String,
}

/// `POST /api/v1/admin/announcements`.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
#[cfg_attr(feature = "ssr", derive(utoipa::ToSchema))]
pub struct CreateAnnouncement {
    /// At most 500 characters.
    pub text: String,
    pub is_warning: bool,
    /// RFC 3339, or a day.
    pub ends_at: Option<String>,
}
