//! Credit, invoices, freezing and promo codes, from the command line.

use std::io::Write as _;

use anyhow::{Context as _, bail, ensure};
use app::types::Money;
use patchbay::accounts::new_id;
use patchbay::billing::ledger::{Ledger, credit_account};
use patchbay::clock::{Clock, MS_PER_DAY, rfc3339};
use patchbay::config::Config;
use patchbay::store::Store;
use patchbay::store::billing::PromoCode;
use patchbay::store::grants::GrantRequest;

use super::people::organization_of;
use super::{CreditCommand, open};

/// Books an invoice, freezes or thaws.
pub(super) async fn credit(config: &Config, command: CreditCommand) -> anyhow::Result<()> {
    let store = open(config).await?;
    let (email, kind, amount, reason) = match command {
        CreditCommand::Grant { email, amount, reason } => (email, "grant", amount, reason),
        CreditCommand::Invoice { email, amount, reason } => (email, "invoice", amount, reason),
        CreditCommand::Freeze { email, reason } => (email, "freeze", Money::ZERO, reason),
        CreditCommand::Thaw { email, reason } => (email, "thaw", Money::ZERO, reason),
    };
    let organization_id = organization_of(&store, &email).await?;
    let said = match kind {
        "freeze" => format!("Froze the organization of {email}"),
        "thaw" => format!("Thawed the organization of {email}"),
        _ if amount.0 <= 0 => bail!("the amount must be more than 0 US dollars"),
        "invoice" => format!("Credited {}", amount.dollars()),
        _ => format!("Granted {}", amount.dollars()),
    };
    request(&store, &organization_id, kind, amount, &reason, &said).await
}

/// Leaves a request for the process that owns the ledger, or does it when none runs.
pub(super) async fn request(
    store: &Store,
    organization_id: &str,
    kind: &str,
    amount: Money,
    reason: &str,
    said: &str,
) -> anyhow::Result<()> {
    let clock = Clock::system();
    let now = clock.now_ms();
    let request = GrantRequest {
        id: new_id(now),
        organization_id: organization_id.to_owned(),
        kind: kind.to_owned(),
        amount_nanos: amount.0,
        reason: reason.to_owned(),
        created_at: now,
    };
    store.request_grant(&request).await?;
    if let Ok(_ownership) = store.own() {
        let (ledger, writer) = Ledger::start(store.clone(), clock, new_id(now)).await?;
        ledger.book_grant_requests().await?;
        let balance = ledger.balance(&credit_account(organization_id)).await?;
        writer.finish().await;
        say!("{said}; {} is available.", balance.available.dollars());
    } else {
        say!("{said}; the running server books it within a second.");
    }
    Ok(())
}

/// Makes every total of usage again from the requests.
pub(super) async fn rebuild(config: &Config) -> anyhow::Result<()> {
    let store = open(config).await?;
    store.forget_totals().await?;
    let mut requests = 0;
    loop {
        match store.fold_generations().await? {
            0 => break,
            folded => requests += folded,
        }
    }
    say!("Added up {requests} requests; a running server adds the rest within a second.");
    Ok(())
}

/// Makes a promo code.
pub(super) async fn create_promo(
    config: &Config,
    code: &str,
    amount: Money,
    uses: u32,
    days: Option<u32>,
    reason: &str,
) -> anyhow::Result<()> {
    ensure!(amount.0 > 0, "the amount must be more than 0 US dollars");
    ensure!(uses > 0, "a code must be usable at least once");
    let code = code.trim().to_uppercase();
    let is_plain = |letter: char| letter.is_ascii_alphanumeric() || letter == '-';
    ensure!((4..=40).contains(&code.len()) && code.chars().all(is_plain), "a code has 4 to 40 letters, digits or -");
    let now = Clock::system().now_ms();
    let row = PromoCode {
        code,
        amount_nanos: amount.0,
        uses_left: i64::from(uses),
        expires_at: days.map(|days| now + i64::from(days) * MS_PER_DAY),
        reason: reason.to_owned(),
        created_at: now,
    };
    open(config).await?.insert_promo_code(&row).await.with_context(|| format!("{} cannot be made", row.code))?;
    say!("{} gives {} to {uses} organizations.", row.code, amount.dollars());
    Ok(())
}

/// Prints the promo codes.
pub(super) async fn list_promos(config: &Config) -> anyhow::Result<()> {
    for row in open(config).await?.promo_codes().await? {
        let until = row.expires_at.map_or_else(|| "for ever".to_owned(), |at| format!("until {}", rfc3339(at)));
        say!(
            "{:<20} {:>10}  {} left, {until}  {}",
            row.code,
            Money(row.amount_nanos).dollars(),
            row.uses_left,
            row.reason
        );
    }
    Ok(())
}
