//! The part of the canned API that is about operators.

use app::types::admin::{
    AdminEndpoint, AdminMember, AdminMonth, AdminOrganization, AdminOrganizationDetail, AdminOverview, AdminProvider,
    AdminPurchase, AdminUser, Announcement, FeatureFlag, TokenPrices,
};
use app::types::money::Money;
use axum::Router;
use axum::http::HeaderMap;
use axum::routing::get;

use super::fake::{HOSTILE, member};
use super::fake_people::event;

const DAY: &str = "2026-11-20T14:03:00Z";

/// The routes the pages read.
pub fn api() -> Router {
    Router::new()
        .route("/api/v1/admin", get(|headers: HeaderMap| async move { member(&headers, overview()) }))
        .route("/api/v1/admin/providers", get(|headers: HeaderMap| async move { member(&headers, [provider()]) }))
        .route("/api/v1/admin/endpoints", get(|headers: HeaderMap| async move { member(&headers, [endpoint()]) }))
        .route("/api/v1/admin/users", get(|headers: HeaderMap| async move { member(&headers, [user()]) }))
        .route(
            "/api/v1/admin/organizations",
            get(|headers: HeaderMap| async move { member(&headers, [organization()]) }),
        )
        .route("/api/v1/admin/organizations/{id}", get(|headers: HeaderMap| async move { member(&headers, detail()) }))
        .route(
            "/api/v1/admin/announcements",
            get(|headers: HeaderMap| async move { member(&headers, [announcement()]) }),
        )
        .route("/api/v1/admin/flags", get(|headers: HeaderMap| async move { member(&headers, [flag()]) }))
        .route("/api/v1/admin/log", get(|headers: HeaderMap| async move { member(&headers, [event()]) }))
}

fn overview() -> AdminOverview {
    let month = AdminMonth { month: "2026-11".to_owned(), sold: Money::from_dollars(40), ..AdminMonth::default() };
    AdminOverview { users: 3, organizations: 4, months: vec![month], ..AdminOverview::default() }
}

fn flag() -> FeatureFlag {
    FeatureFlag {
        name: HOSTILE.to_owned(),
        about: HOSTILE.to_owned(),
        is_on: true,
        is_on_by_default: false,
        changed_at: Some(DAY.to_owned()),
    }
}

fn provider() -> AdminProvider {
    AdminProvider {
        slug: "alpha".to_owned(),
        name: HOSTILE.to_owned(),
        credential: "missing".to_owned(),
        variables: vec!["ALPHA_API_KEY".to_owned()],
        uptime: Some(99.5),
        resting: 1,
        ..AdminProvider::default()
    }
}

fn endpoint() -> AdminEndpoint {
    let price =
        TokenPrices { prompt: Money::from_dollars(1), completion: Money::from_dollars(2), ..TokenPrices::default() };
    AdminEndpoint {
        id: "alpha:m".to_owned(),
        model_id: HOSTILE.to_owned(),
        provider_slug: "alpha".to_owned(),
        upstream_model: HOSTILE.to_owned(),
        is_hidden: true,
        has_own_price: true,
        price: Some(price.clone()),
        list_price: Some(price),
        ..AdminEndpoint::default()
    }
}

fn user() -> AdminUser {
    AdminUser {
        id: "u1".to_owned(),
        email: "ada@example.com".to_owned(),
        name: HOSTILE.to_owned(),
        created_at: DAY.to_owned(),
        suspended_at: Some(DAY.to_owned()),
        organizations: 2,
        ..AdminUser::default()
    }
}

fn organization() -> AdminOrganization {
    AdminOrganization {
        id: "o1".to_owned(),
        name: HOSTILE.to_owned(),
        created_at: DAY.to_owned(),
        members: 2,
        is_frozen: true,
        ..AdminOrganization::default()
    }
}

fn detail() -> AdminOrganizationDetail {
    AdminOrganizationDetail {
        organization: organization(),
        members: vec![AdminMember {
            user_id: "u1".to_owned(),
            email: "ada@example.com".to_owned(),
            role: "owner".to_owned(),
        }],
        purchases: vec![AdminPurchase {
            id: "p1".to_owned(),
            created_at: DAY.to_owned(),
            method: "card".to_owned(),
            state: "paid".to_owned(),
            refundable: Money::from_dollars(3),
            ..AdminPurchase::default()
        }],
        ..AdminOrganizationDetail::default()
    }
}

/// What every page says.
pub fn announcement() -> Announcement {
    Announcement {
        id: "a1".to_owned(),
        text: HOSTILE.to_owned(),
        created_at: DAY.to_owned(),
        ..Announcement::default()
    }
}
