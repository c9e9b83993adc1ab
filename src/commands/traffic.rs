//! A database full of invented requests, to measure pages on.

use std::io::Write as _;

use anyhow::{Context as _, ensure};
use clap::Args;
use patchbay::accounts::keys;
use patchbay::clock::{Clock, MS_PER_DAY};
use patchbay::config::Config;
use patchbay::store::Store;
use patchbay::store::accounts::MembershipRow;
use patchbay::store::keys::KeyRow;
use patchbay::store::traffic::{KEYS, Traffic};

use super::open;

#[derive(Args)]
pub(super) struct TrafficArguments {
    /// Whose organization made three in ten of the requests.
    #[arg(long)]
    email: String,
    #[arg(long, default_value_t = 10_000_000)]
    rows: i64,
    /// Days up to yesterday the requests are spread over.
    #[arg(long, default_value_t = 365)]
    days: i64,
}

/// Only a database without requests is filled: what is invented could not be told
/// from what was really asked any more, and belongs to no books.
pub(super) async fn fill(config: &Config, arguments: &TrafficArguments) -> anyhow::Result<()> {
    let TrafficArguments { email, rows, days } = arguments;
    ensure!((1..=3_650).contains(days) && *rows >= *days, "there must be 1 to 3650 days, and a request for each");
    let store = open(config).await?;
    ensure!(!store.has_generations().await?, "this database holds requests already; give an empty one as database_url");
    let user = store.user_by_email(&email.trim().to_lowercase()).await?;
    let user = user.with_context(|| format!("nobody has an account as {email}; see `patchbay user create`"))?;
    let home = store.first_membership(&user.id).await?.context("this user belongs to no organization")?;
    make_keys(&store, &user.id, &home).await?;
    let today = Clock::system().now_ms().div_euclid(MS_PER_DAY);
    for index in 0..*days {
        let first = rows * index / days + 1;
        let traffic = Traffic {
            organization_id: &home.organization_id,
            workspace_id: &home.workspace_id,
            user_id: &user.id,
            day: today - days + index,
            first,
            rows: rows * (index + 1) / days + 1 - first,
        };
        store.invent_day(&traffic).await?;
        if (index + 1) % 30 == 0 {
            say!("{} of {days} days", index + 1);
        }
    }
    store.analyze().await?;
    say!("{rows} requests of {days} days and their totals");
    Ok(())
}

/// The keys that the organization's own requests are said to have come by; nobody knows their text.
async fn make_keys(store: &Store, user_id: &str, home: &MembershipRow) -> anyhow::Result<()> {
    let now = Clock::system().now_ms();
    for number in 0..KEYS {
        let fresh = keys::generate();
        let row = KeyRow {
            id: format!("{}-key-{number}", home.organization_id),
            hash: fresh.hash,
            label: fresh.label,
            name: format!("Invented {number}"),
            organization_id: home.organization_id.clone(),
            workspace_id: home.workspace_id.clone(),
            creator_user_id: Some(user_id.to_owned()),
            created_at: now,
            updated_at: now,
            ..KeyRow::default()
        };
        store.insert_key(&row).await?;
    }
    Ok(())
}
