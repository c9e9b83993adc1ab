//! The description of buying credit.
#![expect(dead_code, reason = "the functions exist for their descriptions")]

use app::types::Envelope;
use app::types::credits::{Billing, CreatePurchase, Purchase, PurchaseId, RedeemPromo, Redeemed, UpdateBilling};
use app::types::error::ErrorBody;
use utoipa::OpenApi;

/// What is added to the whole description.
#[derive(OpenApi)]
#[openapi(
    paths(
        show_billing, update_billing, list_purchases, create_purchase, export_purchases, show_receipt, show_statement,
        create_refund, redeem_promo, create_coinbase_charge
    ),
    tags((name = "billing", description = "Buying credit; needs a management key or a signed-in person"))
)]
pub struct MoneyDescription;

/// Shows what can be bought at which fee, and how the organization pays.
#[utoipa::path(get, path = "/billing", tag = "billing",
    responses((status = 200, body = Envelope<Billing>), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody)))]
fn show_billing() {}

/// Sets automatic purchases and what receipts name, or forgets the saved card.
#[utoipa::path(patch, path = "/billing", tag = "billing", request_body = UpdateBilling,
    responses((status = 200, body = Envelope<Billing>), (status = 400, body = ErrorBody),
        (status = 401, body = ErrorBody), (status = 403, body = ErrorBody)))]
fn update_billing() {}

/// Lists purchases, newest first.
#[utoipa::path(get, path = "/credits/purchases", tag = "billing", params(("limit" = Option<u32>, Query)),
    responses((status = 200, body = Envelope<Vec<Purchase>>), (status = 400, body = ErrorBody),
        (status = 401, body = ErrorBody), (status = 403, body = ErrorBody)))]
fn list_purchases() {}

/// Opens a checkout page; `checkout_url` says where. Credit is there once it is paid.
#[utoipa::path(post, path = "/credits/purchases", tag = "billing", request_body = CreatePurchase,
    responses((status = 201, body = Envelope<Purchase>), (status = 400, body = ErrorBody),
        (status = 401, body = ErrorBody), (status = 403, body = ErrorBody),
        (status = 429, description = "Too many purchases were begun and not paid", body = ErrorBody),
        (status = 503, description = "The payment service does not answer", body = ErrorBody)))]
fn create_purchase() {}

/// Exports all purchases as CSV.
#[utoipa::path(get, path = "/credits/purchases.csv", tag = "billing",
    responses((status = 200, description = "CSV", body = String, content_type = "text/csv"),
        (status = 401, body = ErrorBody), (status = 403, body = ErrorBody)))]
fn export_purchases() {}

/// Gives the receipt of a paid purchase as PDF.
#[utoipa::path(get, path = "/credits/receipt", tag = "billing", params(("id" = String, Query)),
    responses((status = 200, description = "PDF", body = Vec<u8>, content_type = "application/pdf"),
        (status = 400, body = ErrorBody), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody),
        (status = 404, body = ErrorBody)))]
fn show_receipt() {}

/// Gives the statement of a month as PDF.
#[utoipa::path(get, path = "/credits/statement", tag = "billing",
    params(("month" = String, Query, description = "YYYY-MM")),
    responses((status = 200, description = "PDF", body = Vec<u8>, content_type = "application/pdf"),
        (status = 400, body = ErrorBody), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody)))]
fn show_statement() {}

/// Pays back the unused credit of a young purchase; its fee is kept.
#[utoipa::path(post, path = "/credits/refund", tag = "billing", request_body = PurchaseId,
    responses((status = 200, body = Envelope<Purchase>), (status = 400, body = ErrorBody),
        (status = 401, body = ErrorBody), (status = 403, body = ErrorBody), (status = 404, body = ErrorBody),
        (status = 503, description = "The payment service does not answer; asking again is safe", body = ErrorBody)))]
fn create_refund() {}

/// Gives the credit of a promo code, once per organization.
#[utoipa::path(post, path = "/credits/promo", tag = "billing", request_body = RedeemPromo,
    responses((status = 200, body = Envelope<Redeemed>), (status = 400, body = ErrorBody),
        (status = 401, body = ErrorBody), (status = 403, body = ErrorBody)))]
fn redeem_promo() {}

/// Gone, as in the original: buy credit through `/credits/purchases`.
#[utoipa::path(post, path = "/credits/coinbase", tag = "billing",
    responses((status = 410, description = "Always", body = ErrorBody)))]
fn create_coinbase_charge() {}
