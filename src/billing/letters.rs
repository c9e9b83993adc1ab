//! Letters about money and announcements, each once per occasion, to those who want them.

use app::types::Money;
use app::types::keys::LimitReset;

use crate::App;
use crate::clock::Windows;
use crate::store::announcements::AnnouncementRow;
use crate::store::letters::Letter;
use crate::store::notifications::Topic;
use crate::store::purchases::PurchaseRow;

/// Shares of a key's limit that are told, per cent, highest first.
const SHARES: [i64; 2] = [100, 80];

/// Sends a letter to those of an organization who look after its money and want letters of this topic.
async fn send(
    app: &App,
    topic: Topic,
    organization_id: &str,
    occasion: &str,
    subject: &str,
    text: &str,
) -> sqlx::Result<()> {
    let choice = match topic {
        Topic::Payment => String::new(),
        _ => format!("\nWhich letters you get: {}/settings/notifications\n", app.config.public_url()),
    };
    for (number, to) in app.store.billing_addresses(organization_id, topic).await? {
        let letter = Letter { to, subject: subject.to_owned(), text: format!("{text}{choice}") };
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
    send(app, Topic::Receipts, &purchase.organization_id, &format!("receipt/{}", purchase.id), &subject, &text).await
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
    send(app, Topic::Payment, &purchase.organization_id, &occasion, "Credit could not be bought automatically", &text)
        .await
}

/// Tells everybody whose balance has become low, once until it is well again.
///
/// # Errors
/// Any database error.
pub async fn tell_low_balances(app: &App) -> sqlx::Result<()> {
    for row in app.store.low_and_told(app.config.billing.low_balance.0).await? {
        let is_low = row.available_nanos < row.low_nanos;
        if is_low == (row.told_at > 0) {
            continue;
        }
        let now = app.clock.now_ms();
        let organization_id = row.organization_id;
        if !app.store.note_low_balance(&organization_id, if is_low { now } else { 0 }).await? || !is_low {
            continue;
        }
        let text = format!(
            "{} of credit is left. Requests are refused when nothing is.\n\nAdd credit, or have it bought \
             automatically: {}/credits\n",
            Money(row.available_nanos.max(0)).dollars_short(),
            app.config.public_url()
        );
        let occasion = format!("low-balance/{organization_id}/{now}");
        send(app, Topic::LowBalance, &organization_id, &occasion, "Your credit is running low", &text).await?;
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
        send(app, Topic::KeyLimits, &key.organization_id, &occasion, &subject, &text).await?;
    }
    Ok(())
}

/// An announcement goes to everybody who asked for them by e-mail.
///
/// # Errors
/// Any database error.
pub async fn announce(app: &App, announcement: &AnnouncementRow) -> sqlx::Result<()> {
    let site = app.config.public_url();
    for (user_id, to) in app.store.announcement_addresses().await? {
        let text = format!("{}\n\n{site}\n\nWhich letters you get: {site}/settings/notifications\n", announcement.text);
        let letter = Letter { to, subject: "An announcement".to_owned(), text };
        app.mail.post_once(&format!("announcement/{}/{user_id}", announcement.id), &letter).await?;
    }
    Ok(())
}
