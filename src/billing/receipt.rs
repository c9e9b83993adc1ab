//! Receipts and monthly statements as PDF, and the purchase history as CSV.

use std::fmt::Write as _;

use app::types::Money;

use super::pdf::Pdf;
use crate::clock::rfc3339;
use crate::config::BillingSettings;
use crate::store::billing::BillingProfile;
use crate::store::ledger::TransferRow;
use crate::store::purchases::PurchaseRow;

/// The column of the right-hand address, points from the margin.
const RIGHT: i32 = 260;

fn day(ms: i64) -> String {
    rfc3339(ms).chars().take(10).collect()
}

/// Who sells and who buys, side by side.
fn parties(pdf: &mut Pdf, settings: &BillingSettings, profile: &BillingProfile, organization: &str) {
    let lines = |name: &str, address: &str, tax_id: &str| {
        let mut lines = vec![name.to_owned()];
        lines.extend(address.replace("\\n", "\n").lines().map(str::to_owned));
        if !tax_id.is_empty() {
            lines.push(format!("Tax id {tax_id}"));
        }
        lines.retain(|line| !line.trim().is_empty());
        lines
    };
    let seller = if settings.company_name.is_empty() { "Patchbay" } else { &settings.company_name };
    let from = lines(seller, &settings.company_address, &settings.company_tax_id);
    let buyer = if profile.name.is_empty() { organization } else { &profile.name };
    let to = lines(buyer, &profile.address, &profile.tax_id);
    pdf.line(9, true, &[(0, "From"), (RIGHT, "To")]);
    for number in 0..from.len().max(to.len()) {
        let at = |side: &[String]| side.get(number).cloned().unwrap_or_default();
        pdf.line(10, false, &[(0, &at(&from)), (RIGHT, &at(&to))]);
    }
    pdf.space(14);
}

/// The receipt of a paid purchase.
#[must_use]
pub fn receipt(
    settings: &BillingSettings,
    profile: &BillingProfile,
    organization: &str,
    purchase: &PurchaseRow,
) -> Vec<u8> {
    let mut pdf = Pdf::default();
    let (credit, fee) = (Money(purchase.credit_nanos), Money(purchase.fee_nanos));
    pdf.line(20, true, &[(0, "Receipt")]);
    if settings.is_simulated {
        pdf.line(10, true, &[(0, "SIMULATED: no money was moved.")]);
    }
    pdf.space(8);
    pdf.line(10, false, &[(0, "Number"), (90, &purchase.id)]);
    pdf.line(10, false, &[(0, "Paid on"), (90, &day(purchase.paid_at.unwrap_or(purchase.created_at)))]);
    if let Some(payment_id) = &purchase.payment_id {
        pdf.line(10, false, &[(0, "Payment"), (90, payment_id)]);
    }
    pdf.space(14);
    parties(&mut pdf, settings, profile, organization);
    pdf.rule();
    pdf.line(11, true, &[(0, "Description"), (-1, "US dollars")]);
    pdf.rule();
    pdf.line(11, false, &[(0, "Prepaid credit"), (-1, &credit.dollars_short())]);
    pdf.line(11, false, &[(0, "Processing fee"), (-1, &fee.dollars_short())]);
    pdf.rule();
    pdf.line(12, true, &[(0, "Paid"), (-1, &credit.plus(fee).dollars_short())]);
    if purchase.refunded_nanos > 0 {
        let back = Money(-purchase.refunded_nanos);
        pdf.line(11, false, &[(0, "Paid back"), (-1, &back.dollars_short())]);
    }
    pdf.finish(&format!("Receipt {}", purchase.id))
}

/// What moved an organization's balance in a month.
#[must_use]
pub fn statement(
    settings: &BillingSettings,
    profile: &BillingProfile,
    organization: &str,
    month: &str,
    account: &str,
    moved: &[TransferRow],
    before: Money,
) -> Vec<u8> {
    let mut pdf = Pdf::default();
    pdf.line(20, true, &[(0, &format!("Statement {month}"))]);
    if settings.is_simulated {
        pdf.line(10, true, &[(0, "SIMULATED: no money was moved.")]);
    }
    pdf.space(8);
    parties(&mut pdf, settings, profile, organization);
    pdf.rule();
    pdf.line(10, true, &[(0, "Day"), (80, "What"), (-1, "US dollars")]);
    pdf.rule();
    pdf.line(10, false, &[(0, ""), (80, "Balance before"), (-1, &before.dollars_short())]);
    let mut balance = before;
    let mut charges: std::collections::BTreeMap<String, (Money, u64)> = std::collections::BTreeMap::new();
    for row in moved {
        let amount = Money(if row.credit_account_id == account { row.amount_nanos } else { -row.amount_nanos });
        balance = balance.plus(amount);
        if row.kind == "post" {
            let sum = charges.entry(row.description.clone()).or_default();
            *sum = (sum.0.plus(amount), sum.1 + 1);
        } else {
            pdf.line(10, false, &[(0, &day(row.created_at)), (80, &row.description), (-1, &amount.dollars_short())]);
        }
    }
    for (model, (sum, count)) in charges {
        pdf.line(
            10,
            false,
            &[(0, "in all"), (80, &format!("{count} requests to {model}")), (-1, &sum.dollars_short())],
        );
    }
    pdf.rule();
    pdf.line(11, true, &[(0, ""), (80, "Balance after"), (-1, &balance.dollars_short())]);
    pdf.finish(&format!("Statement {month}"))
}

/// Purchases as a table for spreadsheets, amounts in US dollars.
#[must_use]
pub fn csv(purchases: &[PurchaseRow]) -> String {
    let mut out = String::from("id,created_at,paid_at,state,method,automatic,credit,fee,total,refunded,payment_id\r\n");
    for row in purchases {
        let (credit, fee) = (Money(row.credit_nanos), Money(row.fee_nanos));
        let _ = write!(
            out,
            "{},{},{},{},{},{},{credit},{fee},{},{},{}\r\n",
            cell(&row.id),
            rfc3339(row.created_at),
            row.paid_at.map(rfc3339).unwrap_or_default(),
            cell(&row.state),
            cell(&row.method),
            row.is_automatic == 1,
            credit.plus(fee),
            Money(row.refunded_nanos),
            cell(row.payment_id.as_deref().unwrap_or_default())
        );
    }
    out
}

/// A cell no spreadsheet takes for a formula (ASVS 1.2.10).
fn cell(text: &str) -> String {
    let guard = if text.starts_with(['=', '+', '-', '@', '\t', '\r']) { "'" } else { "" };
    format!("\"{guard}{}\"", text.replace('"', "\"\""))
}
