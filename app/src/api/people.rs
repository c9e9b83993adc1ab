//! Organizations, workspaces and the person's own account.

use http::Method;

use super::{Api, ApiResult, encode};
use crate::types::Envelope;
use crate::types::account::{Identity, Notifications, OpenSession, Passkey, Profile, SecondFactor};
use crate::types::byok::{OwnKey, OwnKeyList};
use crate::types::guardrails::{Guardrail, GuardrailList};
use crate::types::observability::{Destination, DestinationList};
use crate::types::organizations::{
    AuditEvent, Counted, Invitation, InvitationView, LinkToken, Organization, OrganizationMember, Workspace,
    WorkspaceBudgets, WorkspaceMember,
};
use crate::types::presets::{Preset, PresetList};

impl Api {
    /// The organization the session acts in.
    pub async fn organization(&self) -> ApiResult<Organization> {
        self.get("/api/v1/organization").await
    }

    /// Its members, at most 100 from `offset`.
    pub async fn members(&self, offset: i64) -> ApiResult<Counted<OrganizationMember>> {
        self.whole(&format!("/api/v1/organization/members?limit=100&offset={offset}")).await
    }

    /// Which letters the person gets.
    pub async fn notifications(&self) -> ApiResult<Notifications> {
        self.get("/api/v1/account/notifications").await
    }

    /// Invitations without an answer.
    pub async fn invitations(&self) -> ApiResult<Vec<Invitation>> {
        self.get("/api/v1/organization/invitations").await
    }

    /// What the holder of a link is invited to.
    pub async fn invitation(&self, token: &str) -> ApiResult<InvitationView> {
        let link = LinkToken { token: token.to_owned() };
        let answer: Envelope<InvitationView> = self.call(Method::POST, "/api/v1/invitations/show", Some(&link)).await?;
        Ok(answer.data)
    }

    /// Lines of the audit log; `query` begins with `?` or is empty.
    pub async fn audit(&self, query: &str) -> ApiResult<Vec<AuditEvent>> {
        self.get(&format!("/api/v1/organization/audit-log{query}")).await
    }

    /// The workspaces the person may see.
    pub async fn workspaces(&self) -> ApiResult<Counted<Workspace>> {
        self.whole("/api/v1/workspaces?limit=100").await
    }

    /// One workspace by id or slug.
    pub async fn workspace(&self, id: &str) -> ApiResult<Workspace> {
        self.get(&format!("/api/v1/workspaces/{}", encode(id))).await
    }

    /// Its budgets with what was spent.
    pub async fn budgets(&self, id: &str) -> ApiResult<WorkspaceBudgets> {
        self.whole(&format!("/api/v1/workspaces/{}/budgets", encode(id))).await
    }

    /// Who belongs to it.
    pub async fn workspace_members(&self, id: &str) -> ApiResult<Counted<WorkspaceMember>> {
        self.whole(&format!("/api/v1/workspaces/{}/members?limit=100", encode(id))).await
    }

    /// The workspace's provider keys.
    pub async fn own_keys(&self, workspace: &str) -> ApiResult<Vec<OwnKey>> {
        let path = format!("/api/v1/byok?limit=100&workspace_id={}", encode(workspace));
        self.whole::<OwnKeyList>(&path).await.map(|list| list.data)
    }

    /// The organization's guardrails.
    pub async fn guardrails(&self) -> ApiResult<Vec<Guardrail>> {
        self.whole::<GuardrailList>("/api/v1/guardrails?limit=100").await.map(|list| list.data)
    }

    /// Where events of the workspace's requests go.
    pub async fn destinations(&self) -> ApiResult<Vec<Destination>> {
        self.whole::<DestinationList>("/api/v1/observability/destinations?limit=100").await.map(|list| list.data)
    }

    /// The workspace's presets.
    pub async fn presets(&self, workspace: &str) -> ApiResult<Vec<Preset>> {
        let path = format!("/api/v1/presets?limit=100&workspace_id={}", encode(workspace));
        self.whole::<PresetList>(&path).await.map(|list| list.data)
    }

    /// The person's own account.
    pub async fn account(&self) -> ApiResult<Profile> {
        self.get("/api/v1/account").await
    }

    /// Whether signing in asks for a code.
    pub async fn second_factor(&self) -> ApiResult<SecondFactor> {
        self.get("/api/v1/account/second-factor").await
    }

    /// The person's passkeys.
    pub async fn passkeys(&self) -> ApiResult<Vec<Passkey>> {
        self.get("/api/v1/account/passkeys").await
    }

    /// Accounts elsewhere that open the person's own.
    pub async fn identities(&self) -> ApiResult<Vec<Identity>> {
        self.get("/api/v1/account/identities").await
    }

    /// Where the person is signed in.
    pub async fn sessions(&self) -> ApiResult<Vec<OpenSession>> {
        self.get("/api/v1/account/sessions").await
    }

    async fn whole<T: serde::de::DeserializeOwned>(&self, path: &str) -> ApiResult<T> {
        self.call(Method::GET, path, None::<&()>).await
    }
}
