//! The description of organizations, workspaces, people's accounts and keys for apps.
#![expect(dead_code, reason = "the functions exist for their descriptions")]

use app::types::Envelope;
use app::types::account::{
    DeleteAccount, Email, NewPassword, OpenSession, PasswordReset, Profile, Said, UpdateProfile,
};
use app::types::error::ErrorBody;
use app::types::keys::Deleted;
use app::types::organizations::{
    AuditEvent, BudgetWish, Counted, CreateInvitation, CreateOrganization, CreatedInvitation, Invitation,
    InvitationView, LinkToken, Organization, OrganizationMember, RemovedMembers, SwitchOrganization, UpdateMember,
    UpdateOrganization, UserIds, Workspace, WorkspaceBudget, WorkspaceBudgets, WorkspaceMember, WorkspaceWish,
};
use app::types::pkce::{AuthCode, AuthKey, CreateCode, ExchangeCode};
use utoipa::OpenApi;

#[derive(OpenApi)]
#[openapi(
    paths(
        exchange_code, create_code, list_organizations, create_organization, switch_organization,
        show_organization, update_organization, delete_organization, list_members, update_member, remove_member,
        list_invitations, create_invitation, revoke_invitation, list_audit, show_invitation, accept_invitation,
        list_workspaces, create_workspace, show_workspace, update_workspace, delete_workspace, list_budgets,
        show_budget, put_budget, delete_budget, list_workspace_members, add_workspace_members,
        remove_workspace_members, show_account, update_account, change_password, ask_reset, finish_reset,
        ask_verification, finish_verification, list_sessions, end_session, export_account, delete_account
    ),
    tags(
        (name = "organization", description = "Organizations, their members, invitations and audit log"),
        (name = "workspaces", description = "Workspaces with budgets, defaults and members"),
        (name = "account", description = "The signed-in person's own account; keys cannot use it"),
    )
)]
pub(super) struct People;

/// Exchanges an app's code for a key, once.
#[utoipa::path(post, path = "/auth/keys", tag = "keys", security(()),
    request_body = ExchangeCode,
    responses((status = 200, body = AuthKey), (status = 400, body = ErrorBody), (status = 403, body = ErrorBody)))]
fn exchange_code() {}

/// Makes a code that an app exchanges for a key.
#[utoipa::path(post, path = "/auth/keys/code", tag = "keys",
    request_body = CreateCode,
    responses((status = 200, body = Envelope<AuthCode>), (status = 400, body = ErrorBody), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody),
        (status = 404, body = ErrorBody)))]
fn create_code() {}

/// Lists the organizations of the signed-in person.
#[utoipa::path(get, path = "/organizations", tag = "organization",
    responses((status = 200, body = Envelope<Vec<Organization>>), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody)))]
fn list_organizations() {}

/// Opens an organization; the session goes there.
#[utoipa::path(post, path = "/organizations", tag = "organization",
    request_body = CreateOrganization,
    responses((status = 201, body = Envelope<Organization>), (status = 400, body = ErrorBody), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody)))]
fn create_organization() {}

/// Lets the session act in another organization.
#[utoipa::path(post, path = "/organizations/switch", tag = "organization",
    request_body = SwitchOrganization,
    responses((status = 200, body = Envelope<Organization>), (status = 400, body = ErrorBody), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody), (status = 404, body = ErrorBody)))]
fn switch_organization() {}

/// Shows the caller's organization.
#[utoipa::path(get, path = "/organization", tag = "organization",
    responses((status = 200, body = Envelope<Organization>), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody)))]
fn show_organization() {}

/// Renames the organization or restricts its networks.
#[utoipa::path(patch, path = "/organization", tag = "organization",
    request_body = UpdateOrganization,
    responses((status = 200, body = Envelope<Organization>), (status = 400, body = ErrorBody), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody)))]
fn update_organization() {}

/// Ends the organization; its keys stop at once.
#[utoipa::path(delete, path = "/organization", tag = "organization",
    responses((status = 200, body = Deleted), (status = 400, body = ErrorBody), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody)))]
fn delete_organization() {}

/// Lists the members.
#[utoipa::path(get, path = "/organization/members", tag = "organization",
    params(("offset" = Option<i64>, Query), ("limit" = Option<i64>, Query)),
    responses((status = 200, body = Counted<OrganizationMember>), (status = 400, body = ErrorBody), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody)))]
fn list_members() {}

/// Changes a member's role or monthly limit.
#[utoipa::path(patch, path = "/organization/members/{id}", tag = "organization",
    params(("id" = String, Path)),
    request_body = UpdateMember,
    responses((status = 200, body = Envelope<OrganizationMember>), (status = 400, body = ErrorBody), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody), (status = 404, body = ErrorBody)))]
fn update_member() {}

/// Removes a member, or leaves; the keys he made are switched off.
#[utoipa::path(delete, path = "/organization/members/{id}", tag = "organization",
    params(("id" = String, Path)),
    responses((status = 200, body = Deleted), (status = 400, body = ErrorBody), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody), (status = 404, body = ErrorBody)))]
fn remove_member() {}

/// Lists invitations without an answer.
#[utoipa::path(get, path = "/organization/invitations", tag = "organization",
    responses((status = 200, body = Envelope<Vec<Invitation>>), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody)))]
fn list_invitations() {}

/// Invites somebody by a link, which only this answer shows.
#[utoipa::path(post, path = "/organization/invitations", tag = "organization",
    request_body = CreateInvitation,
    responses((status = 201, body = CreatedInvitation), (status = 400, body = ErrorBody), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody)))]
fn create_invitation() {}

/// Withdraws an invitation.
#[utoipa::path(delete, path = "/organization/invitations/{id}", tag = "organization",
    params(("id" = String, Path)),
    responses((status = 200, body = Deleted), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody), (status = 404, body = ErrorBody)))]
fn revoke_invitation() {}

/// Lists what was done, newest first; `format=csv` exports it.
#[utoipa::path(get, path = "/organization/audit-log", tag = "organization",
    params(("action" = Option<String>, Query), ("actor" = Option<String>, Query), ("from" = Option<String>, Query), ("to" = Option<String>, Query), ("before" = Option<String>, Query), ("limit" = Option<i64>, Query), ("format" = Option<String>, Query)),
    responses((status = 200, body = Envelope<Vec<AuditEvent>>), (status = 400, body = ErrorBody), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody)))]
fn list_audit() {}

/// Shows what the holder of a link is invited to.
#[utoipa::path(post, path = "/invitations/show", tag = "organization", security(()),
    request_body = LinkToken,
    responses((status = 200, body = Envelope<InvitationView>), (status = 400, body = ErrorBody), (status = 404, body = ErrorBody)))]
fn show_invitation() {}

/// Accepts an invitation as the signed-in person.
#[utoipa::path(post, path = "/invitations/accept", tag = "organization",
    request_body = LinkToken,
    responses((status = 200, body = Envelope<Organization>), (status = 400, body = ErrorBody), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody), (status = 404, body = ErrorBody)))]
fn accept_invitation() {}

/// Lists the workspaces.
#[utoipa::path(get, path = "/workspaces", tag = "workspaces",
    params(("offset" = Option<i64>, Query), ("limit" = Option<i64>, Query)),
    responses((status = 200, body = Counted<Workspace>), (status = 400, body = ErrorBody), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody)))]
fn list_workspaces() {}

/// Opens a workspace.
#[utoipa::path(post, path = "/workspaces", tag = "workspaces",
    request_body = WorkspaceWish,
    responses((status = 201, body = Envelope<Workspace>), (status = 400, body = ErrorBody), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody)))]
fn create_workspace() {}

/// Shows a workspace by id or slug.
#[utoipa::path(get, path = "/workspaces/{id}", tag = "workspaces",
    params(("id" = String, Path)),
    responses((status = 200, body = Envelope<Workspace>), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody), (status = 404, body = ErrorBody)))]
fn show_workspace() {}

/// Changes a workspace.
#[utoipa::path(patch, path = "/workspaces/{id}", tag = "workspaces",
    params(("id" = String, Path)),
    request_body = WorkspaceWish,
    responses((status = 200, body = Envelope<Workspace>), (status = 400, body = ErrorBody), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody), (status = 404, body = ErrorBody)))]
fn update_workspace() {}

/// Deletes a workspace; its keys stop at once.
#[utoipa::path(delete, path = "/workspaces/{id}", tag = "workspaces",
    params(("id" = String, Path)),
    responses((status = 200, body = Deleted), (status = 400, body = ErrorBody), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody), (status = 404, body = ErrorBody)))]
fn delete_workspace() {}

/// Lists a workspace's budgets.
#[utoipa::path(get, path = "/workspaces/{id}/budgets", tag = "workspaces",
    params(("id" = String, Path)),
    responses((status = 200, body = WorkspaceBudgets), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody), (status = 404, body = ErrorBody)))]
fn list_budgets() {}

/// Shows a budget: daily, weekly, monthly or lifetime.
#[utoipa::path(get, path = "/workspaces/{id}/budgets/{interval}", tag = "workspaces",
    params(("id" = String, Path), ("interval" = String, Path)),
    responses((status = 200, body = Envelope<WorkspaceBudget>), (status = 400, body = ErrorBody), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody), (status = 404, body = ErrorBody)))]
fn show_budget() {}

/// Sets a budget; it holds at once.
#[utoipa::path(put, path = "/workspaces/{id}/budgets/{interval}", tag = "workspaces",
    params(("id" = String, Path), ("interval" = String, Path)),
    request_body = BudgetWish,
    responses((status = 200, body = Envelope<WorkspaceBudget>), (status = 400, body = ErrorBody), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody), (status = 404, body = ErrorBody)))]
fn put_budget() {}

/// Removes a budget.
#[utoipa::path(delete, path = "/workspaces/{id}/budgets/{interval}", tag = "workspaces",
    params(("id" = String, Path), ("interval" = String, Path)),
    responses((status = 200, body = Deleted), (status = 400, body = ErrorBody), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody), (status = 404, body = ErrorBody)))]
fn delete_budget() {}

/// Lists who belongs to a workspace.
#[utoipa::path(get, path = "/workspaces/{id}/members", tag = "workspaces",
    params(("id" = String, Path), ("offset" = Option<i64>, Query), ("limit" = Option<i64>, Query)),
    responses((status = 200, body = Counted<WorkspaceMember>), (status = 400, body = ErrorBody), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody), (status = 404, body = ErrorBody)))]
fn list_workspace_members() {}

/// Adds members of the organization to a workspace.
#[utoipa::path(post, path = "/workspaces/{id}/members/add", tag = "workspaces",
    params(("id" = String, Path)),
    request_body = UserIds,
    responses((status = 200, body = Object), (status = 400, body = ErrorBody), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody), (status = 404, body = ErrorBody)))]
fn add_workspace_members() {}

/// Takes members out of a workspace.
#[utoipa::path(post, path = "/workspaces/{id}/members/remove", tag = "workspaces",
    params(("id" = String, Path)),
    request_body = UserIds,
    responses((status = 200, body = RemovedMembers), (status = 400, body = ErrorBody), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody), (status = 404, body = ErrorBody)))]
fn remove_workspace_members() {}

/// Shows the signed-in person.
#[utoipa::path(get, path = "/account", tag = "account",
    responses((status = 200, body = Envelope<Profile>), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody)))]
fn show_account() {}

/// Changes the person's name, or how numbers and days are written for them.
#[utoipa::path(patch, path = "/account", tag = "account",
    request_body = UpdateProfile,
    responses((status = 200, body = Envelope<Profile>), (status = 400, body = ErrorBody), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody)))]
fn update_account() {}

/// Changes the password and ends every other session.
#[utoipa::path(post, path = "/account/password", tag = "account",
    request_body = NewPassword,
    responses((status = 200, body = Envelope<Said>), (status = 400, body = ErrorBody), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody), (status = 429, body = ErrorBody)))]
fn change_password() {}

/// Sends a link to a new password; the same answer for every address.
#[utoipa::path(post, path = "/account/password-reset", tag = "account", security(()),
    request_body = Email,
    responses((status = 200, body = Envelope<Said>), (status = 400, body = ErrorBody), (status = 429, body = ErrorBody)))]
fn ask_reset() {}

/// Sets a new password with the link's secret.
#[utoipa::path(post, path = "/account/password-reset/finish", tag = "account", security(()),
    request_body = PasswordReset,
    responses((status = 200, body = Envelope<Said>), (status = 400, body = ErrorBody)))]
fn finish_reset() {}

/// Sends the link that confirms the address again.
#[utoipa::path(post, path = "/account/verification", tag = "account",
    responses((status = 200, body = Envelope<Said>), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody), (status = 429, body = ErrorBody)))]
fn ask_verification() {}

/// Confirms an address with the link's secret.
#[utoipa::path(post, path = "/account/verification/finish", tag = "account", security(()),
    request_body = LinkToken,
    responses((status = 200, body = Envelope<Said>), (status = 400, body = ErrorBody)))]
fn finish_verification() {}

/// Lists where the person is signed in.
#[utoipa::path(get, path = "/account/sessions", tag = "account",
    responses((status = 200, body = Envelope<Vec<OpenSession>>), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody)))]
fn list_sessions() {}

/// Signs a session out; `others` means all but the calling one.
#[utoipa::path(delete, path = "/account/sessions/{id}", tag = "account",
    params(("id" = String, Path)),
    responses((status = 200, body = Deleted), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody), (status = 404, body = ErrorBody)))]
fn end_session() {}

/// Exports everything stored about the person.
#[utoipa::path(get, path = "/account/export", tag = "account",
    responses((status = 200, body = Object), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody)))]
fn export_account() {}

/// Ends the account and its personal organization.
#[utoipa::path(post, path = "/account/delete", tag = "account",
    request_body = DeleteAccount,
    responses((status = 200, body = Deleted), (status = 400, body = ErrorBody), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody), (status = 429, body = ErrorBody)))]
fn delete_account() {}
