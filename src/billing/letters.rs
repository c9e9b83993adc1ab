//! Letters about money, each once per occasion.

use app::types::Money;
use app::types::keys::LimitReset;

use crate::App;
use crate::clock::Windows;
use crate::store::letters::Letter;
use crate::store::purchases::PurchaseRow;

/// Shares of a key's limit that are told, per cent, highest first.
const SHARES: [i64; 2] = [100, 80];

async fn send(app: &App, organization_id: &str, occasion: &str, subject: &str, text: &str) -> sqlx::Result<()> {
    for (number, to) in app.store.billing_addresses(organization_id).await?.into_iter().enumerate() {
        let letter = Letter { to, subject: subject.to_owned(), text: text.to_owned() };
        app.mail.post_once(&format!("{occasion}/{number}"), &letter).await?;
    }
    Ok(())
}

/// Credit was bought.
///
/// # Errors
/// Any database error.
pub async fn receipt(app: &App, purchase: &PurchaseRow) -> sqlx::Result<()> {
    let (credit, fee) = (Money(purchase.credit_nanos), Money(purchase.fee_nanos));
    let site = app.config.public_url();
    let how = if purchase.is_automatic == 1 { "bought automatically" } else { "bought" };
    let text = format!(
        "{} of credit was {how}.\n\nCredit          {}\nProcessing fee  {}\nPaid            {}\n\n\
         The receipt: {site}/credits/receipt?id={}\nYour credit: {site}/credits\n",
        credit.dollars_short(),
        credit.dollars_short(),
        fee.dollars_short(),
        credit.plus(fee).dollars_short(),
        purchase.id
    );
    let subject = format!("Receipt for {} of credit", credit.dollars_short());
    send(app, &purchase.organization_id, &format!("receipt/{}", purchase.id), &subject, &text).await
}

/// A saved card could not be charged.
///
/// # Errors
/// Any database error.
pub async fn top_up_failed(app: &App, purchase: &PurchaseRow, problem: &str, goes_on: bool) -> sqlx::Result<()> {
    let next = if goes_on { "It will be tried again." } else { "Automatic purchases are switched off now." };
    let text = format!(
        "Your saved card could not be charged for {} of credit: {problem}\n\n{next}\n\n\
         Buy credit yourself, confirm the payment or use another card: {}/credits\n",
        Money(purchase.credit_nanos).dollars_short(),
        app.config.public_url()
    );
    let occasion = format!("top-up-failed/{}", purchase.id);
    send(app, &purchase.organization_id, &occasion, "Credit could not be bought automatically", &text).await
}

/// Tells everybody whose balance has become low, once until it is well again.
///
/// # Errors
/// Any database error.
pub async fn tell_low_balances(app: &App) -> sqlx::Result<()> {
    let low = app.config.billing.low_balance;
    for (organization_id, available, was_told) in app.store.low_and_told(low.0).await? {
        let is_low = available < low.0;
        if is_low == was_told {
            continue;
        }
        let now = app.clock.now_ms();
        if !app.store.note_low_balance(&organization_id, if is_low { now } else { 0 }).await? || !is_low {
            continue;
        }
        let text = format!(
            "{} of credit is left. Requests are refused when nothing is.\n\nAdd credit, or have it bought \
             automatically: {}/credits\n",
            Money(available.max(0)).dollars_short(),
            app.config.public_url()
        );
        let occasion = format!("low-balance/{organization_id}/{now}");
        send(app, &organization_id, &occasion, "Your credit is running low", &text).await?;
    }
    Ok(())
}

/// Tells the owners of keys that have used 80 or 100 per cent of their limits.
///
/// # Errors
/// Any database error.
pub async fn tell_key_limits(app: &App) -> sqlx::Result<()> {
    let windows = Windows::at(app.clock.now_ms());
    for key in app.store.limited_keys().await? {
        let limit = key.limit_nanos;
        let reset: Option<LimitReset> = key.limit_reset.as_deref().and_then(|name| name.parse().ok());
        let used = app.ledger.key_usage(&key.id).await?.in_window(reset).counted(key.include_byok_in_limit != 0);
        let percent = i128::from(used.0) * 100 / i128::from(limit);
        let Some(share) = SHARES.into_iter().find(|share| percent >= i128::from(*share)) else { continue };
        let window = match reset {
            None => 0,
            Some(LimitReset::Daily) => windows.day,
            Some(LimitReset::Weekly) => windows.week,
            Some(LimitReset::Monthly) => windows.month,
        };
        let text = format!(
            "The key \"{}\" has used {} of its limit of {}.{}\n\nIts settings: {}/keys\n",
            key.name,
            used.dollars_short(),
            Money(limit).dollars_short(),
            if share == 100 { " Its requests are refused now." } else { "" },
            app.config.public_url()
        );
        let subject = format!("A key has used {share} % of its limit");
        let occasion = format!("key-limit/{}/{limit}/{window}/{share}", key.id);
        send(app, &key.organization_id, &occasion, &subject, &text).await?;
    }
    Ok(())
}
