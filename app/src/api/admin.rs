//! The operators' area.

use super::{Api, ApiResult, encode};
use crate::types::admin::{
    AdminEndpoint, AdminOrganization, AdminOrganizationDetail, AdminOverview, AdminProvider, AdminUser, Announcement,
    FeatureFlag,
};
use crate::types::organizations::AuditEvent;

impl Api {
    /// The figures of the whole server.
    pub async fn admin_overview(&self) -> ApiResult<AdminOverview> {
        self.get("/api/v1/admin").await
    }

    /// The providers with the state of their credentials.
    pub async fn admin_providers(&self) -> ApiResult<Vec<AdminProvider>> {
        self.get("/api/v1/admin/providers").await
    }

    /// Offers, hidden ones too; 50 from `offset`.
    pub async fn admin_endpoints(&self, query: &str, edited: bool, offset: u32) -> ApiResult<Vec<AdminEndpoint>> {
        self.get(&format!("/api/v1/admin/endpoints?query={}&edited={edited}&offset={offset}", encode(query))).await
    }

    /// Users by a part of their address; 50 from `offset`.
    pub async fn admin_users(&self, query: &str, offset: u32) -> ApiResult<Vec<AdminUser>> {
        self.get(&format!("/api/v1/admin/users?query={}&offset={offset}", encode(query))).await
    }

    /// Organizations by a part of their name; 50 from `offset`.
    pub async fn admin_organizations(&self, query: &str, offset: u32) -> ApiResult<Vec<AdminOrganization>> {
        self.get(&format!("/api/v1/admin/organizations?query={}&offset={offset}", encode(query))).await
    }

    /// One organization with members and purchases.
    pub async fn admin_organization(&self, id: &str) -> ApiResult<AdminOrganizationDetail> {
        self.get(&format!("/api/v1/admin/organizations/{}", encode(id))).await
    }

    /// What is told everybody, and was.
    pub async fn admin_announcements(&self) -> ApiResult<Vec<Announcement>> {
        self.get("/api/v1/admin/announcements").await
    }

    /// What can be switched.
    pub async fn admin_flags(&self) -> ApiResult<Vec<FeatureFlag>> {
        self.get("/api/v1/admin/flags").await
    }

    /// What operators did; `query` begins with `?`.
    pub async fn admin_log(&self, query: &str) -> ApiResult<Vec<AuditEvent>> {
        self.get(&format!("/api/v1/admin/log{query}")).await
    }
}
