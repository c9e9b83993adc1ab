//! Monthly statements by e-mail, for organizations that asked for them.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use app::types::Money;

use super::ledger::credit_account;
use crate::App;
use crate::clock::{Windows, month_bounds, month_name};
use crate::store::billing::BillingProfile;
use crate::store::letters::Letter;

/// Posts the statement of the month that is over to everybody who wants it, once.
///
/// # Errors
/// Any database error; what is left is posted the next time.
pub async fn send_due(app: &App) -> sqlx::Result<()> {
    let month = Windows::at(app.clock.now_ms()).month;
    for profile in app.store.due_statements(month).await? {
        let name = month_name(month - 1);
        let letter = letter(app, &profile, &name).await?;
        app.mail.post_once(&format!("statement/{}/{name}", profile.organization_id), &letter).await?;
        app.store.note_statement(&profile.organization_id, month).await?;
    }
    Ok(())
}

async fn letter(app: &App, profile: &BillingProfile, month: &str) -> sqlx::Result<Letter> {
    let (from, to) = month_bounds(month).unwrap_or_default();
    let account = credit_account(&profile.organization_id);
    let before = Money(app.store.balance_at(&account, from).await?);
    let (mut after, mut requests) = (before, 0_u64);
    let mut sums: BTreeMap<&'static str, Money> = BTreeMap::new();
    for row in app.store.transfers_between(&account, from, to).await? {
        let amount = Money(if row.credit_account_id == account { row.amount_nanos } else { -row.amount_nanos });
        after = after.plus(amount);
        requests += u64::from(row.kind == "post");
        let sum = sums.entry(name_of(&row.kind)).or_default();
        *sum = sum.plus(amount);
    }
    let organization = app.store.organization_name(&profile.organization_id).await?.unwrap_or_default();
    let mut text = format!("{organization}, {month}\n\n{:<24}{:>14}\n", "Balance before", before.dollars_short());
    for (name, sum) in sums {
        let _ = writeln!(text, "{name:<24}{:>14}", sum.dollars_short());
    }
    let _ = writeln!(text, "{:<24}{:>14}", "Balance after", after.dollars_short());
    let site = app.config.public_url();
    let _ = write!(
        text,
        "\n{requests} requests were charged. Line by line, as a PDF: {site}/credits/statement?month={month}\n\n\
         These statements are switched off on the credits page: {site}/credits\n"
    );
    Ok(Letter { to: profile.statements_to.clone(), subject: format!("Statement {month}"), text })
}

/// What kinds of movements are called on a statement.
fn name_of(kind: &str) -> &'static str {
    match kind {
        "post" => "Requests",
        "purchase" => "Credit bought",
        "invoice" => "Invoices paid",
        "grant" => "Credit given",
        "refund" | "refund_failed" => "Paid back",
        "dispute" | "dispute_won" => "Disputed payments",
        _ => "Corrections",
    }
}
