//! What comes in: every route on one screen.

pub mod account;
pub mod accounting;
pub mod address;
pub mod admin;
pub mod analytics;
pub mod audit;
pub mod byok;
pub mod caller;
pub mod chat_shelves;
pub mod chats;
pub mod coinbase_events;
pub mod completions;
pub mod credit_forms;
pub mod facets;
pub mod feed;
pub mod feedback;
pub mod forms;
mod front;
pub mod gemini;
pub mod guardrails;
pub mod identity;
pub mod inference;
pub mod input;
pub mod keys;
pub mod listing;
pub mod math;
pub mod members;
pub mod messages;
pub mod models;
mod notifications;
pub mod observability;
pub mod observe;
pub mod openapi;
mod openapi_chats;
mod openapi_money;
mod openapi_people;
mod openapi_rankings;
pub mod organizations;
mod passkey_forms;
pub mod passkeys;
pub mod pkce;
pub mod place;
pub mod presets;
pub mod prompt_logs;
pub mod purchases;
pub mod rankings;
pub mod responses;
pub mod retrieval;
pub mod route;
pub mod second_factor;
pub mod server;
mod shape;
pub mod sign_in;
pub mod site;
pub mod statistics;
pub mod stripe_events;
pub mod usage;
pub mod votes;
pub mod workspace_settings;
pub mod workspaces;

use std::sync::Arc;

use axum::Router;
use axum::extract::{Request, State};
use axum::http::{HeaderValue, Method, StatusCode, header};
use axum::middleware::from_fn_with_state;
use axum::response::{IntoResponse as _, Response};
use axum::routing::{any, delete, get, patch, post};
use tower_http::catch_panic::CatchPanicLayer;
use tower_http::compression::CompressionLayer;
use tower_http::cors::{Any, CorsLayer};
use tower_http::set_header::SetResponseHeaderLayer;
use tower_sessions::cookie::SameSite;
use tower_sessions::{Expiry, SessionManagerLayer};

use crate::App;
use crate::accounts::sessions::Sessions;
use crate::billing::coinbase;
use crate::billing::payments::SIMULATED_PATH;
use crate::billing::stripe::WEBHOOK_PATH;
use crate::error::{Error, Result};
pub use front::Front;

/// Everything this server answers: the API, the forms and the site over it.
pub fn router(app: &Arc<App>) -> Front {
    let api = api(app);
    let mut counted = api.clone();
    if app.rate_limits.counts_addresses() {
        counted = counted.layer(from_fn_with_state(Arc::clone(app), address::limit));
    }
    if let Some(simulated) = &app.payments.simulated {
        counted = counted.nest_service(SIMULATED_PATH, simulated.router());
    }
    let origins = app.config.billing.checkout_origins();
    let mut all = counted.merge(site::router(api, &origins));
    if app.telemetry.is_on() {
        all = all.layer(from_fn_with_state(Arc::clone(app), observe::watch));
    }
    let all = all.layer(no_sniff()).layer(CatchPanicLayer::custom(answer_panic));
    Front::new(app, all)
}

fn no_sniff() -> SetResponseHeaderLayer<HeaderValue> {
    SetResponseHeaderLayer::if_not_present(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"))
}

fn answer_panic(_: Box<dyn std::any::Any + Send>) -> Response {
    Error::Internal("a handler panicked".to_owned()).into_response()
}

fn cors() -> CorsLayer {
    CorsLayer::new().allow_origin(Any).allow_headers(Any).allow_methods(Any).expose_headers(Any)
}

/// The API and the forms, with what authenticates a caller: pages call this router in process.
fn api(app: &Arc<App>) -> Router {
    let cors = cors();
    let paid = Router::new()
        .route("/chat/completions", post(inference::chat_completions))
        .route("/completions", post(completions::complete))
        .route("/embeddings", post(retrieval::embed))
        .route("/rerank", post(retrieval::rerank))
        .route("/route", post(route::explain_route))
        .route("/responses", post(responses::create_response))
        .route("/messages", post(messages::create_message))
        .route("/messages/count_tokens", post(messages::count_message_tokens));
    let gemini_api = Router::new()
        .route("/api/v1beta/models", get(listing::list_google_models))
        .route("/api/v1beta/models/{*call}", get(listing::show_google_model).post(gemini::call_model));
    let reading = Router::new()
        .route("/key", get(keys::show_current_key))
        .route("/auth/key", get(keys::show_current_key))
        .route("/keys", get(keys::list_keys).post(keys::create_key))
        .route("/keys/{hash}", get(keys::show_key).patch(keys::update_key).delete(keys::delete_key))
        .merge(people())
        .merge(watching())
        .merge(admin::routes())
        .route("/byok", get(byok::list_own_keys).post(byok::create_own_key))
        .route("/byok/{id}", get(byok::show_own_key).patch(byok::update_own_key).delete(byok::delete_own_key))
        .route("/byok/{id}/test", post(byok::test_own_key))
        .route("/guardrails", get(guardrails::list_guardrails).post(guardrails::create_guardrail))
        .route(
            "/guardrails/{id}",
            get(guardrails::show_guardrail).patch(guardrails::update_guardrail).delete(guardrails::delete_guardrail),
        )
        .route("/guardrails/assignments/keys", get(guardrails::assignments::list_key_assignments))
        .route("/guardrails/assignments/members", get(guardrails::assignments::list_member_assignments))
        .route(
            "/guardrails/{id}/assignments/keys",
            get(guardrails::assignments::list_assigned_keys).post(guardrails::assignments::assign_keys),
        )
        .route("/guardrails/{id}/assignments/keys/remove", post(guardrails::assignments::unassign_keys))
        .route(
            "/guardrails/{id}/assignments/members",
            get(guardrails::assignments::list_assigned_members).post(guardrails::assignments::assign_members),
        )
        .route("/guardrails/{id}/assignments/members/remove", post(guardrails::assignments::unassign_members))
        .route("/presets", get(presets::list_presets))
        .route(
            "/presets/{slug}",
            get(presets::show_preset).patch(presets::update_preset).delete(presets::delete_preset),
        )
        .route("/presets/{slug}/versions", get(presets::list_preset_versions))
        .route("/presets/{slug}/versions/{version}", get(presets::show_preset_version))
        .route("/presets/{slug}/chat/completions", post(presets::keep_chat_preset))
        .route("/presets/{slug}/messages", post(presets::keep_messages_preset))
        .route("/presets/{slug}/responses", post(presets::keep_responses_preset))
        .route("/credits", get(accounting::show_credits))
        .route("/credits/purchases", get(purchases::list_purchases).post(purchases::create_purchase))
        .route("/credits/purchases.csv", get(purchases::export_purchases))
        .route("/credits/receipt", get(purchases::show_receipt))
        .route("/credits/statement", get(purchases::show_statement))
        .route("/credits/refund", post(purchases::create_refund))
        .route("/credits/promo", post(purchases::redeem_promo))
        .route("/credits/coinbase", post(purchases::create_coinbase_charge))
        .route("/billing", get(purchases::show_billing).patch(purchases::update_billing))
        .route("/ledger", get(accounting::list_ledger))
        .route("/activity", get(accounting::list_activity))
        .route("/analytics/meta", get(analytics::show_analytics_meta))
        .route("/analytics/query", post(analytics::query_analytics))
        .route("/usage", get(usage::show_usage))
        .route("/usage.csv", get(usage::show_usage_csv))
        .route("/generation", get(accounting::show_generation))
        .route("/generation/content", get(prompt_logs::show_content))
        .route("/generation/feedback", get(feedback::list_feedback).post(feedback::give_feedback))
        .route("/generations", get(accounting::list_generations))
        .route("/session", get(sign_in::show_session))
        .route("/openapi.json", get(openapi::show_openapi))
        .merge(public())
        .layer(CompressionLayer::new());
    let calls = Router::new()
        .nest("/api/v1", paid.merge(reading).layer(cors.clone()))
        .merge(gemini_api.layer(cors))
        .route("/api/{*rest}", any(no_such_endpoint))
        .route("/healthz", get(show_health))
        .route("/readyz", get(show_readiness))
        .merge(entrances())
        .route("/credits/purchase", post(credit_forms::purchase))
        .route("/credits/return", get(credit_forms::return_from_payment))
        .route("/credits/refund", post(credit_forms::refund))
        .route("/credits/promo", post(credit_forms::promo))
        .route("/credits/top-up", post(credit_forms::top_up))
        .route("/credits/receipt-address", post(credit_forms::receipt_address))
        .route("/credits/forget-card", post(credit_forms::forget_card))
        .route("/credits/receipt", get(purchases::show_receipt))
        .route("/credits/statement", get(purchases::show_statement))
        .route("/credits/purchases.csv", get(purchases::export_purchases))
        .route(WEBHOOK_PATH, post(stripe_events::receive_event))
        .route(coinbase::WEBHOOK_PATH, post(coinbase_events::receive_event))
        .method_not_allowed_fallback(wrong_method)
        .layer(session_layer(app))
        .with_state(Arc::clone(app));
    // Forms call what is above as the visitor, and leave their outcome in his session.
    let forms = forms::router(calls.clone()).layer(session_layer(app));
    calls.merge(forms)
}

/// Forms by which people come in and prove who they are.
fn entrances() -> Router<Arc<App>> {
    Router::new()
        .route("/sign-in", post(sign_in::sign_in))
        .route("/sign-in/code", post(sign_in::give_code))
        .route("/sign-in/passkey", post(passkey_forms::finish))
        .route("/sign-in/passkey/begin", post(passkey_forms::begin))
        .route("/sign-in/with/{provider}", get(identity::start))
        .route("/sign-in/with/{provider}/callback", get(identity::finish))
        .route("/sign-up", post(sign_in::sign_up))
        .route("/sign-out", post(sign_in::sign_out))
        .route("/confirm", post(sign_in::confirm))
        .route("/auth/approve", post(pkce::approve))
}

/// Where events of requests go.
fn watching() -> Router<Arc<App>> {
    Router::new()
        .route(
            "/observability/destinations",
            get(observability::list_destinations).post(observability::create_destination),
        )
        .route(
            "/observability/destinations/{id}",
            get(observability::show_destination)
                .patch(observability::update_destination)
                .delete(observability::delete_destination),
        )
        .route("/observability/destinations/{id}/test", post(observability::test_destination))
}

/// Organizations, workspaces and people's own accounts.
fn people() -> Router<Arc<App>> {
    let budgets = get(workspaces::show_budget).put(workspaces::put_budget).delete(workspaces::delete_budget);
    let workspace =
        get(workspaces::show_workspace).patch(workspaces::update_workspace).delete(workspaces::delete_workspace);
    Router::new()
        .route("/auth/keys", post(pkce::exchange_code))
        .route("/auth/keys/code", post(pkce::create_code))
        .route("/organizations", get(organizations::list_organizations).post(organizations::create_organization))
        .route("/organizations/switch", post(organizations::switch_organization))
        .route(
            "/organization",
            get(organizations::show_organization)
                .patch(organizations::update_organization)
                .delete(organizations::delete_organization),
        )
        .route("/organization/members", get(members::list_members))
        .route("/organization/members/{id}", patch(members::update_member).delete(members::remove_member))
        .route("/organization/invitations", get(members::list_invitations).post(members::create_invitation))
        .route("/organization/invitations/{id}", delete(members::revoke_invitation))
        .route("/organization/audit-log", get(audit::list_audit))
        .route("/invitations/show", post(members::show_invitation))
        .route("/invitations/accept", post(members::accept_invitation))
        .route("/workspaces", get(workspaces::list_workspaces).post(workspaces::create_workspace))
        .route("/workspaces/{id}", workspace)
        .route("/workspaces/{id}/budgets", get(workspaces::list_budgets))
        .route("/workspaces/{id}/budgets/{interval}", budgets)
        .route("/workspaces/{id}/prompts", delete(prompt_logs::delete_content))
        .route("/workspaces/{id}/members", get(workspaces::list_workspace_members))
        .route("/workspaces/{id}/members/add", post(workspaces::add_workspace_members))
        .route("/workspaces/{id}/members/remove", post(workspaces::remove_workspace_members))
        .route("/account", get(account::show_account).patch(account::update_account))
        .route(
            "/account/notifications",
            get(notifications::show_notifications).patch(notifications::update_notifications),
        )
        .route("/account/password", post(account::change_password))
        .route("/account/password-reset", post(account::ask_reset))
        .route("/account/password-reset/finish", post(account::finish_reset))
        .route("/account/verification", post(account::ask_verification))
        .route("/account/verification/finish", post(account::finish_verification))
        .route("/account/sessions", get(account::list_sessions))
        .route("/account/sessions/{id}", delete(account::end_session))
        .route(
            "/account/second-factor",
            get(second_factor::show_second_factor).post(second_factor::begin_second_factor),
        )
        .route("/account/second-factor/confirm", post(second_factor::confirm_second_factor))
        .route("/account/second-factor/recovery-codes", post(second_factor::replace_recovery_codes))
        .route("/account/second-factor/off", post(second_factor::end_second_factor))
        .route("/account/passkeys", get(passkeys::list_passkeys).post(passkeys::create_passkey))
        .route("/account/passkeys/begin", post(passkeys::begin_passkey))
        .route("/account/passkeys/{id}", patch(passkeys::rename_passkey).delete(passkeys::delete_passkey))
        .route("/account/identities", get(identity::list_identities))
        .route("/account/identities/{provider}", delete(identity::delete_identity))
        .route("/account/export", get(account::export_account))
        .route("/account/delete", post(account::delete_account))
}

/// The catalog, what the traffic says, and conversations: what pages for everybody are made of.
fn public() -> Router<Arc<App>> {
    Router::new()
        .route("/models", get(listing::list_models))
        .route("/models/count", get(models::count_models))
        .route("/models/facets", get(facets::show_facets))
        .route("/models/{id}", get(listing::show_model).post(gemini::call_model))
        .route("/models/{author}/{slug}", get(listing::show_model_by_author).post(gemini::call_model_by_author))
        .route("/models/{author}/{slug}/endpoints", get(models::list_endpoints))
        .route("/models/{author}/{slug}/statistics", get(statistics::show_statistics))
        .route("/status", get(statistics::show_status))
        .route("/model/{author}/{slug}", get(models::show_model))
        .route("/embeddings/models", get(retrieval::list_embedding_models))
        .route("/providers", get(models::list_providers))
        .route("/chats", get(chats::list_chats).post(chats::create_chat))
        .route(
            "/chats/{id}",
            get(chats::show_chat).put(chats::update_chat).patch(chats::change_chat).delete(chats::delete_chat),
        )
        .route("/chats/{id}/files/{file}", get(chat_shelves::show_file).put(chat_shelves::keep_file))
        .route("/chat-folders", get(chat_shelves::list_folders).post(chat_shelves::create_folder))
        .route("/chat-folders/{id}", patch(chat_shelves::rename_folder).delete(chat_shelves::delete_folder))
        .route("/chats/{id}/share", post(chats::share_chat).delete(chats::unshare_chat))
        .route("/shared/{share_id}", get(chats::show_shared_chat))
        .route("/shared/{share_id}/files/{file}", get(chat_shelves::show_shared_image))
        .route("/math", post(math::set_math))
        .route("/votes", post(votes::cast_vote))
        .route("/votes/pair", get(votes::draw_pair))
        .route("/ratings", get(votes::show_ratings))
        .route("/rankings", get(rankings::show_rankings))
        .route("/rankings.csv", get(rankings::show_rankings_csv))
        .route("/rankings.svg", get(rankings::show_rankings_svg))
        .route("/rankings/speed", get(rankings::show_speed_board))
        .route("/datasets/rankings-daily", get(rankings::datasets::show_rankings_daily))
        .route("/datasets/app-rankings", get(rankings::datasets::show_app_rankings))
        .route("/classifications/task", get(rankings::tasks::show_tasks))
}

fn session_layer(app: &Arc<App>) -> SessionManagerLayer<Sessions> {
    let is_secure = app.config.public_url().starts_with("https:");
    SessionManagerLayer::new(Sessions::new(app.store.clone(), app.clock.clone()))
        .with_name(if is_secure { "__Host-sid" } else { "sid" })
        .with_secure(is_secure)
        .with_path("/")
        // Lax: a link from a mail or a payment page finds the person still signed in.
        .with_same_site(SameSite::Lax)
        .with_expiry(Expiry::OnInactivity(time::Duration::days(14)))
}

async fn no_such_endpoint(request: Request) -> Error {
    Error::not_found(format!(
        "There is no {} {}. GET /api/v1/openapi.json describes this API.",
        request.method(),
        request.uri().path()
    ))
}

async fn wrong_method(method: Method, request: Request) -> Error {
    Error::MethodNotAllowed(format!("{} does not take {method}", request.uri().path()))
}

/// The process runs.
async fn show_health() -> StatusCode {
    StatusCode::NO_CONTENT
}

/// The process can serve: the database answers and no shutdown has begun.
async fn show_readiness(State(app): State<Arc<App>>) -> Result<Response> {
    if app.leaving.is_cancelled() || app.shutdown.is_cancelled() {
        return Err(Error::Busy { retry_after_s: 5 });
    }
    app.store.ping().await?;
    Ok(StatusCode::NO_CONTENT.into_response())
}
