//! What is kept encrypted, from the command line.

use std::io::Write as _;

use anyhow::Context as _;
use patchbay::accounts::second_factor;
use patchbay::clock::{Clock, rfc3339};
use patchbay::config::Config;
use patchbay::gateway::byok::place;
use patchbay::gateway::{broadcast, keep};
use patchbay::store::Store;
use patchbay::vault::Vault;

use super::open;

/// Rows read at once.
const CHUNK: i64 = 500;

/// Wraps every kept secret anew under the current key.
pub(super) async fn rotate(config: &Config) -> anyhow::Result<()> {
    let store = open(config).await?;
    let vault = patchbay::vault(config, &store)?;
    let mut count = Count::default();
    for mut row in store.all_own_keys().await? {
        let place = place(&row.organization_id, &row.id);
        let rewrapped = vault.rewrap(&row.secret, &place).with_context(|| format!("the credential {}", row.id))?;
        let Some(secret) = count.changed(rewrapped) else { continue };
        row.secret = secret;
        store.put_own_key(&row).await?;
    }
    for row in store.all_authenticators().await? {
        let place = second_factor::place(&row.user_id);
        let rewrapped = vault.rewrap(&row.secret, &place).with_context(|| format!("the codes of {}", row.user_id))?;
        let Some(secret) = count.changed(rewrapped) else { continue };
        store.rewrap_authenticator(&row.user_id, &row.secret, &secret).await?;
    }
    for mut row in store.destinations("", "").await? {
        let place = broadcast::place(&row.organization_id, &row.id);
        let rewrapped = vault.rewrap(&row.config, &place).with_context(|| format!("the destination {}", row.id))?;
        let Some(config) = count.changed(rewrapped) else { continue };
        row.config = config;
        store.put_destination(&row).await?;
    }
    rotate_texts(&store, &vault, &mut count).await?;
    let Count { all, changed } = count;
    say!("{changed} of {all} secrets were wrapped anew; all of them need only the current secrets.key.");
    Ok(())
}

/// Secrets seen, and those that were wrapped anew.
#[derive(Default)]
struct Count {
    all: u64,
    changed: u64,
}

impl Count {
    fn changed(&mut self, rewrapped: Option<String>) -> Option<String> {
        self.all += 1;
        self.changed += u64::from(rewrapped.is_some());
        rewrapped
    }
}

/// Prompts and events on their way, of which there may be many.
async fn rotate_texts(store: &Store, vault: &Vault, count: &mut Count) -> anyhow::Result<()> {
    let mut after = String::new();
    loop {
        let rows = store.all_events(&after, CHUNK).await?;
        let Some(last) = rows.last() else { break };
        after.clone_from(&last.id);
        for row in &rows {
            let place = broadcast::event_place(&row.organization_id, &row.id);
            let rewrapped = vault.rewrap(&row.sealed, &place).with_context(|| format!("the event {}", row.id))?;
            let Some(sealed) = count.changed(rewrapped) else { continue };
            store.rewrap_event(&row.id, &sealed).await?;
        }
    }
    let mut after = String::new();
    loop {
        let rows = store.all_prompt_logs(&after, false, CHUNK).await?;
        let Some(last) = rows.last() else { return Ok(()) };
        after.clone_from(&last.generation_id);
        for row in &rows {
            let place = keep::place(&row.organization_id, &row.generation_id);
            let rewrapped = vault.rewrap(&row.sealed, &place);
            let rewrapped = rewrapped.with_context(|| format!("the text of {}", row.generation_id))?;
            let Some(sealed) = count.changed(rewrapped) else { continue };
            store.rewrap_prompt_log(&row.generation_id, &row.sealed, &sealed).await?;
        }
    }
}

/// Prints what its owners let the operator use, a line of JSON for each request. Who
/// asked is not said.
pub(super) async fn print_prompts(config: &Config) -> anyhow::Result<()> {
    let store = open(config).await?;
    let vault = patchbay::vault(config, &store)?;
    let now = Clock::system().now_ms();
    let mut after = String::new();
    loop {
        let rows = store.all_prompt_logs(&after, true, CHUNK).await?;
        let Some(last) = rows.last() else { return Ok(()) };
        after.clone_from(&last.generation_id);
        for row in rows.iter().filter(|row| row.expires_at > now) {
            let text = vault.open(&row.sealed, &keep::place(&row.organization_id, &row.generation_id));
            let text = text.with_context(|| format!("the text of {}", row.generation_id))?;
            let content: serde_json::Value = serde_json::from_str(&text)?;
            say!("{}", serde_json::json!({ "created_at": rfc3339(row.created_at), "content": content }));
        }
    }
}
