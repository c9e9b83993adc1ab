//! Accounts, their keys and their credit, from the command line.

use std::io::Write as _;

use anyhow::{Context as _, bail};
use app::types::Money;
use patchbay::accounts::users::Users;
use patchbay::accounts::{keys, new_id};
use patchbay::clock::Clock;
use patchbay::config::Config;
use patchbay::store::Store;
use patchbay::store::keys::KeyRow;
use patchbay::store::operators::PLATFORM;
use patchbay::store::organizations::AuditRow;

use super::open;

pub(super) async fn create_user(
    config: &Config,
    email: &str,
    password: &str,
    name: &str,
    credit: Option<Money>,
) -> anyhow::Result<()> {
    let store = open(config).await?;
    let users = Users::new(store.clone(), Clock::system())
        .without_stolen(&config.breached_passwords)
        .map_err(anyhow::Error::msg)?;
    let account =
        users.sign_up(name, email, password, false).await.map_err(|error| match error.to_string().as_str() {
            "taken" => anyhow::anyhow!("{email} has an account already"),
            "weak_password" => anyhow::anyhow!("choose a longer or less common password (at least 8 characters)"),
            "bad_email" => anyhow::anyhow!("{email} is no e-mail address"),
            other => anyhow::anyhow!("{other}"),
        })?;
    say!("Opened an account for {email}: organization {}", account.organization_id);
    match credit.filter(|credit| credit.0 > 0) {
        Some(credit) => grant(&store, &account.organization_id, credit, "Starting credit").await,
        None => Ok(()),
    }
}

pub(super) async fn organization_of(store: &Store, email: &str) -> anyhow::Result<String> {
    if !email.contains('@') {
        store.organization(email).await?.with_context(|| format!("no organization has the id {email}"))?;
        return Ok(email.to_owned());
    }
    let user = store.user_by_email(&email.trim().to_lowercase()).await?;
    let user = user.with_context(|| format!("nobody has an account as {email}"))?;
    let membership = store.first_membership(&user.id).await?;
    Ok(membership.with_context(|| format!("{email} belongs to no organization"))?.organization_id)
}

pub(super) async fn create_key(
    config: &Config,
    email: &str,
    name: &str,
    limit: Option<Money>,
    is_management: bool,
) -> anyhow::Result<()> {
    let store = open(config).await?;
    let user = store.user_by_email(&email.trim().to_lowercase()).await?;
    let user = user.with_context(|| format!("nobody has an account as {email}; see `patchbay user create`"))?;
    let membership = store.first_membership(&user.id).await?.context("this user belongs to no organization")?;
    let now = Clock::system().now_ms();
    let fresh = keys::generate();
    let row = KeyRow {
        id: new_id(now),
        hash: fresh.hash,
        label: fresh.label,
        name: name.to_owned(),
        organization_id: membership.organization_id,
        workspace_id: membership.workspace_id,
        creator_user_id: Some(user.id),
        is_management: i64::from(is_management),
        limit_nanos: limit.map(|limit| limit.0),
        created_at: now,
        updated_at: now,
        ..KeyRow::default()
    };
    store.insert_key(&row).await?;
    say!("{}", fresh.text);
    Ok(())
}

/// Makes a person an operator, or no longer one.
pub(super) async fn set_operator(config: &Config, email: &str, is_operator: bool) -> anyhow::Result<()> {
    let store = open(config).await?;
    let user = store.user_by_email(&email.trim().to_lowercase()).await?;
    let user = user.with_context(|| format!("nobody has an account as {email}"))?;
    store.set_operator(&user.id, is_operator).await?;
    let (action, said) = if is_operator {
        ("operator.make", "runs this server now: see /admin")
    } else {
        ("operator.revoke", "no longer runs this server")
    };
    note_platform(&store, action, &user.email, "").await?;
    say!("{email} {said}");
    Ok(())
}

/// A line in the operators' log for what was done here.
pub(super) async fn note_platform(store: &Store, action: &str, target: &str, detail: &str) -> anyhow::Result<()> {
    note(store, PLATFORM, action, target, detail).await
}

/// A line in an audit log for what was done here.
async fn note(store: &Store, organization_id: &str, action: &str, target: &str, detail: &str) -> anyhow::Result<()> {
    let now = Clock::system().now_ms();
    let row = AuditRow {
        id: new_id(now),
        organization_id: organization_id.to_owned(),
        created_at: now,
        actor_kind: "operator".to_owned(),
        actor_name: "command line".to_owned(),
        action: action.to_owned(),
        target: target.to_owned(),
        detail: detail.to_owned(),
        ..AuditRow::default()
    };
    Ok(store.insert_audit(&row).await?)
}

/// Lets a person who lost app and recovery codes sign in by password alone again.
pub(super) async fn end_second_factor(config: &Config, email: &str) -> anyhow::Result<()> {
    let store = open(config).await?;
    let user = store.user_by_email(&email.trim().to_lowercase()).await?;
    let user = user.with_context(|| format!("nobody has an account as {email}"))?;
    anyhow::ensure!(store.delete_authenticator(&user.id).await?, "{email} signs in without a second step already");
    store.end_other_sessions(&user.id, "").await?;
    note_platform(&store, "second-factor.off", &user.email, "").await?;
    if let Some(own) = store.first_membership(&user.id).await? {
        note(&store, &own.organization_id, "second-factor.off", &user.email, "").await?;
    }
    say!("{email} signs in by password alone, and every session is signed out");
    Ok(())
}

/// Gives credit.
pub(super) async fn grant(store: &Store, organization_id: &str, amount: Money, reason: &str) -> anyhow::Result<()> {
    if amount.0 <= 0 {
        bail!("the amount must be more than 0 US dollars");
    }
    let said = format!("Granted {}", amount.dollars());
    super::money::request(store, organization_id, "grant", amount, reason, &said).await
}
