//! The part of the canned API that is about organizations, workspaces and accounts.

use app::types::Envelope;
use app::types::account::{Identity, Notifications, OpenSession, Passkey, Profile, SecondFactor, SecondFactorSetup};
use app::types::money::Money;
use app::types::organizations::{
    AuditEvent, Counted, Invitation, InvitationView, IoLoggingTerms, Organization, OrganizationMember, Workspace,
    WorkspaceBudget, WorkspaceBudgets, WorkspaceMember,
};
use app::types::roles::Role;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse as _, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use serde::Serialize;
use serde_json::{Value, json};

use super::fake::{HOSTILE, failure, is_member, member};

const DAY: &str = "2026-11-20T14:03:00Z";

/// The routes the pages read.
pub fn api() -> Router {
    Router::new()
        .route("/api/v1/organization", get(|headers: HeaderMap| async move { member(&headers, organization()) }))
        .route("/api/v1/organization/members", get(|headers: HeaderMap| async move { whole(&headers, members()) }))
        .route(
            "/api/v1/organization/invitations",
            get(|headers: HeaderMap| async move { member(&headers, [invitation()]) }),
        )
        .route("/api/v1/organization/audit-log", get(|headers: HeaderMap| async move { member(&headers, [event()]) }))
        .route("/api/v1/invitations/show", post(|| async { Json(Envelope { data: view() }) }))
        .route("/api/v1/workspaces", get(|headers: HeaderMap| async move { whole(&headers, counted(workspace())) }))
        .route("/api/v1/workspaces/{id}", get(|headers: HeaderMap| async move { member(&headers, workspace()) }))
        .route("/api/v1/workspaces/{id}/budgets", get(|headers: HeaderMap| async move { whole(&headers, budgets()) }))
        .route(
            "/api/v1/workspaces/{id}/members",
            get(|headers: HeaderMap| async move { whole(&headers, counted(workspace_member())) }),
        )
        .route("/api/v1/generation/content", get(|headers: HeaderMap| async move { member(&headers, content()) }))
        .route("/api/v1/byok", get(|headers: HeaderMap| async move { whole(&headers, own_keys()) }))
        .route("/api/v1/guardrails", get(|headers: HeaderMap| async move { whole(&headers, guardrails()) }))
        .route(
            "/api/v1/observability/destinations",
            get(|headers: HeaderMap| async move { whole(&headers, destinations()) }),
        )
        .route("/api/v1/presets", get(|headers: HeaderMap| async move { whole(&headers, presets()) }))
        .route("/api/v1/account", get(|headers: HeaderMap| async move { member(&headers, profile()) }))
        .route(
            "/api/v1/account/second-factor",
            get(|headers: HeaderMap| async move { member(&headers, second_factor()) }),
        )
        .route(
            "/api/v1/account/notifications",
            get(|headers: HeaderMap| async move { member(&headers, notifications()) }),
        )
        .route("/api/v1/account/passkeys", get(|headers: HeaderMap| async move { member(&headers, [passkey()]) }))
        .route("/api/v1/account/identities", get(|headers: HeaderMap| async move { member(&headers, [identity()]) }))
        .route("/api/v1/account/sessions", get(|headers: HeaderMap| async move { member(&headers, [session()]) }))
}

/// An answer that is no envelope.
fn whole(headers: &HeaderMap, body: impl Serialize) -> Response {
    if is_member(headers) {
        return Json(body).into_response();
    }
    failure(StatusCode::UNAUTHORIZED, "Missing or invalid API key")
}

fn identity() -> Identity {
    Identity {
        provider: "google".to_owned(),
        name: HOSTILE.to_owned(),
        email: "ada@example.com".to_owned(),
        since: DAY.to_owned(),
    }
}

fn passkey() -> Passkey {
    Passkey {
        id: "p1".to_owned(),
        name: HOSTILE.to_owned(),
        created_at: DAY.to_owned(),
        last_used_at: Some(DAY.to_owned()),
        is_synced: true,
    }
}

fn second_factor() -> SecondFactor {
    SecondFactor {
        setup: Some(SecondFactorSetup {
            secret: "GEZDGNBVGY3TQOJQ".to_owned(),
            uri: "otpauth://totp/Patchbay:ada%40example.com?secret=GEZDGNBVGY3TQOJQ&issuer=Patchbay".to_owned(),
            qr_size: 9,
            qr_path: "M4,4h1v1h-1z".to_owned(),
        }),
        ..SecondFactor::default()
    }
}

fn counted<T>(one: T) -> Counted<T> {
    Counted { data: vec![one], total_count: 1 }
}

fn organization() -> Organization {
    Organization {
        id: "o1".to_owned(),
        name: format!("Analytical Engines {HOSTILE}"),
        role: Role::Owner,
        is_current: true,
        allowed_networks: vec!["10.0.0.0/8".to_owned()],
        ..Organization::default()
    }
}

fn members() -> Counted<OrganizationMember> {
    counted(OrganizationMember {
        id: "u1".to_owned(),
        first_name: Some(HOSTILE.to_owned()),
        email: "ada@example.com".to_owned(),
        role: "org:admin".to_owned(),
        organization_role: Role::Owner,
        monthly_limit: Some(Money::from_dollars(9)),
        joined_at: DAY.to_owned(),
        ..OrganizationMember::default()
    })
}

fn invitation() -> Invitation {
    Invitation {
        id: "i1".to_owned(),
        email: "bob@example.com".to_owned(),
        role: Role::Member,
        created_at: DAY.to_owned(),
        expires_at: DAY.to_owned(),
    }
}

fn view() -> InvitationView {
    InvitationView {
        organization_name: HOSTILE.to_owned(),
        email: "ada@example.com".to_owned(),
        role: Role::Member,
        has_account: true,
    }
}

/// A line of an audit log.
pub fn event() -> AuditEvent {
    AuditEvent {
        id: "e1".to_owned(),
        created_at: DAY.to_owned(),
        actor_kind: "user".to_owned(),
        actor_id: "u1".to_owned(),
        actor_name: HOSTILE.to_owned(),
        action: "key.create".to_owned(),
        target: HOSTILE.to_owned(),
        address: "192.0.2.7".to_owned(),
        user_agent: HOSTILE.to_owned(),
        ..AuditEvent::default()
    }
}

fn workspace() -> Workspace {
    Workspace {
        id: "w1".to_owned(),
        name: HOSTILE.to_owned(),
        slug: "default".to_owned(),
        description: Some(HOSTILE.to_owned()),
        created_at: DAY.to_owned(),
        is_default: true,
        io_logging_terms: IoLoggingTerms { is_available: true, most_days: 365, discount_percent: 1.0 },
        ..Workspace::default()
    }
}

fn content() -> Value {
    json!({
        "input": { "messages": [{ "role": "user", "content": HOSTILE }] },
        "output": { "completion": HOSTILE, "reasoning": null },
        "error": null,
    })
}

fn notifications() -> Notifications {
    Notifications { receipts: true, low_balance: true, key_limits: false, announcements: false }
}

fn budgets() -> WorkspaceBudgets {
    let budget = WorkspaceBudget {
        id: "b1".to_owned(),
        workspace_id: "w1".to_owned(),
        limit_usd: Money::from_dollars(5),
        reset_interval: Some("daily".to_owned()),
        created_at: DAY.to_owned(),
        updated_at: DAY.to_owned(),
        used_usd: Money::from_dollars(1),
    };
    WorkspaceBudgets { data: vec![budget], include_byok_in_budgets: false }
}

fn workspace_member() -> WorkspaceMember {
    WorkspaceMember {
        id: "m1".to_owned(),
        workspace_id: "w1".to_owned(),
        user_id: "u1".to_owned(),
        role: "admin".to_owned(),
        created_at: DAY.to_owned(),
    }
}

fn profile() -> Profile {
    Profile {
        id: "u1".to_owned(),
        name: HOSTILE.to_owned(),
        email: "ada@example.com".to_owned(),
        created_at: DAY.to_owned(),
        ..Profile::default()
    }
}

fn session() -> OpenSession {
    OpenSession {
        id: "s1".to_owned(),
        opened_at: DAY.to_owned(),
        expires_at: DAY.to_owned(),
        address: "192.0.2.7".to_owned(),
        user_agent: HOSTILE.to_owned(),
        is_current: true,
    }
}

fn own_keys() -> Value {
    json!({ "total_count": 1, "data": [{
        "id": "k1", "provider": "alpha", "name": HOSTILE, "label": "sk-a…wxyz", "disabled": false, "is_fallback": true,
        "is_byok_only": false, "is_required": false, "declared_zdr": null, "declared_region": null, "sort_order": 0, "allowed_models": null, "allowed_api_key_hashes": null,
        "allowed_user_ids": null, "workspace_id": "w1", "created_at": DAY }] })
}

fn guardrails() -> Value {
    json!({ "total_count": 1, "data": [{
        "id": "g1", "name": HOSTILE, "description": HOSTILE, "workspace_id": "w1", "is_default": true,
        "created_at": DAY, "updated_at": DAY, "allowed_providers": [HOSTILE], "limit_usd": 5,
        "reset_interval": "daily" }] })
}

fn destinations() -> Value {
    json!({ "total_count": 1, "data": [{
        "id": "d1", "name": HOSTILE, "type": "webhook", "workspace_id": "w1", "enabled": true, "privacy_mode": false,
        "config": { "url": HOSTILE }, "sampling_rate": 0.5, "api_key_hashes": null, "filter_rules": null,
        "broadcast_generation_cost": true, "broadcast_generation_identity": false,
        "broadcast_generation_request_context": true, "created_at": DAY, "updated_at": DAY,
        "delivery": { "waiting": 1, "sent": 2, "lost": 3, "last_sent_at": DAY, "last_error": HOSTILE,
            "last_error_at": DAY } }] })
}

fn presets() -> Value {
    json!({ "total_count": 1, "data": [{
        "id": "p1", "slug": "terse", "name": HOSTILE, "description": null, "status": "active",
        "creator_user_id": null, "workspace_id": "w1", "designated_version_id": "v1", "created_at": DAY,
        "updated_at": DAY, "status_updated_at": null }] })
}
