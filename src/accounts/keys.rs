//! API keys: made once, stored as a digest, found in memory.

use std::sync::Arc;

use app::types::Money;
use app::types::keys::LimitReset;
use foldhash::HashMap;
use parking_lot::RwLock;
use rand::Rng as _;
use sha2::{Digest as _, Sha256};

use super::policy::Policy;
use crate::store::Store;
use crate::store::keys::KeyRow;
use crate::store::workspaces::PolicyRows;

/// What every key begins with; the original's clients look for it.
pub const PREFIX: &str = "sk-or-v1-";
/// No key is longer; longer text is refused before it is hashed.
pub const MAX_LENGTH: usize = 256;

/// A key just made. The text is shown once and stored nowhere.
pub struct FreshKey {
    pub text: String,
    pub hash: String,
    pub label: String,
}

/// Makes a key of 256 random bits.
#[must_use]
pub fn generate() -> FreshKey {
    let mut random = [0_u8; 32];
    rand::rng().fill_bytes(&mut random);
    let text = format!("{PREFIX}{}", hex(&random));
    let (head, tail) = (&text[..PREFIX.len() + 3], &text[text.len() - 3..]);
    FreshKey { hash: hash(&text), label: format!("{head}...{tail}"), text }
}

/// SHA-256 in hex. A plain digest suffices for 256 random bits (ASVS 6.5.2).
#[must_use]
pub fn hash(key: &str) -> String {
    hex(&Sha256::digest(key.as_bytes()))
}

pub(crate) fn hex(bytes: &[u8]) -> String {
    let digit = |value: u8| b"0123456789abcdef".get(usize::from(value)).copied().map_or('0', char::from);
    let mut text = String::with_capacity(bytes.len() * 2);
    for byte in bytes {
        text.push(digit(byte >> 4));
        text.push(digit(byte & 15));
    }
    text
}

/// A key as the request path needs it.
#[derive(Clone, Debug)]
#[expect(clippy::struct_excessive_bools, reason = "each is a switch of its own")]
pub struct KeyRecord {
    pub id: String,
    /// SHA-256 of the key, hex.
    pub hash: String,
    pub name: String,
    pub label: String,
    pub organization_id: String,
    pub workspace_id: String,
    pub creator_user_id: Option<String>,
    pub is_management: bool,
    pub is_disabled: bool,
    /// Who made it is suspended.
    pub is_suspended: bool,
    pub limit: Option<Money>,
    pub limit_reset: Option<LimitReset>,
    pub include_byok_in_limit: bool,
    /// Epoch ms.
    pub expires_at: Option<i64>,
    /// What key, workspace and organization restrict it to.
    pub policy: Arc<Policy>,
}

impl KeyRecord {
    fn new(row: KeyRow, rows: PolicyRows) -> Self {
        let is_suspended = rows.is_suspended;
        let policy = Policy::of(&row.organization_id, row.creator_user_id.as_deref(), rows);
        Self {
            policy: Arc::new(policy.and(&row.allowed_networks, &row.allowed_models, &row.allowed_providers)),
            id: row.id,
            hash: row.hash,
            name: row.name,
            label: row.label,
            organization_id: row.organization_id,
            workspace_id: row.workspace_id,
            creator_user_id: row.creator_user_id,
            is_management: row.is_management != 0,
            is_disabled: row.is_disabled != 0,
            is_suspended,
            limit: row.limit_nanos.map(Money),
            limit_reset: row.limit_reset.and_then(|reset| reset.parse().ok()),
            include_byok_in_limit: row.include_byok_in_limit != 0,
            expires_at: row.expires_at,
        }
    }
}

/// The keys in use, by digest. Changes of this process are seen at once, those
/// of other nodes when [`KeyRing::refresh`] runs, every second.
pub struct KeyRing {
    store: Store,
    known: RwLock<Known>,
}

#[derive(Default)]
struct Known {
    records: HashMap<String, Arc<KeyRecord>>,
    /// Counts what was forgotten: a record read before a change must not be kept after it.
    changes: u64,
}

impl KeyRing {
    #[must_use]
    pub fn new(store: Store) -> Self {
        Self { store, known: RwLock::default() }
    }

    /// The key with this text.
    ///
    /// # Errors
    /// Any database error; only a key not seen before is looked up there.
    pub async fn find(&self, key: &str) -> sqlx::Result<Option<Arc<KeyRecord>>> {
        if key.len() > MAX_LENGTH || !key.starts_with(PREFIX) {
            return Ok(None);
        }
        let digest = hash(key);
        let changes = {
            let known = self.known.read();
            if let Some(record) = known.records.get(&digest) {
                return Ok(Some(Arc::clone(record)));
            }
            known.changes
        };
        Box::pin(self.read(digest, changes)).await
    }

    /// A key not seen before; `changes` is how many there had been when it was looked for.
    async fn read(&self, digest: String, changes: u64) -> sqlx::Result<Option<Arc<KeyRecord>>> {
        let Some(row) = self.store.key_by_hash(&digest).await? else { return Ok(None) };
        let user_id = row.creator_user_id.as_deref();
        let rows = self.store.policy(&row.organization_id, &row.workspace_id, user_id).await?;
        let record = Arc::new(KeyRecord::new(row, rows));
        let mut known = self.known.write();
        if known.changes == changes {
            known.records.insert(digest, Arc::clone(&record));
        }
        Ok(Some(record))
    }

    /// Forgets a key that changed.
    pub fn forget(&self, hash: &str) {
        let mut known = self.known.write();
        known.records.remove(hash);
        known.changes += 1;
    }

    /// Forgets the keys of an organization, because what they are restricted to
    /// changed. Other nodes follow within a second.
    ///
    /// # Errors
    /// Any database error.
    pub async fn forget_organization(&self, organization_id: &str, now_ms: i64) -> sqlx::Result<()> {
        for hash in self.store.touch_keys(organization_id, now_ms).await? {
            self.forget(&hash);
        }
        Ok(())
    }

    /// Forgets the keys a person made, because he was suspended or restored. Other nodes
    /// follow within a second.
    ///
    /// # Errors
    /// Any database error.
    pub async fn forget_maker(&self, user_id: &str, now_ms: i64) -> sqlx::Result<()> {
        for hash in self.store.touch_keys_of_maker(user_id, now_ms).await? {
            self.forget(&hash);
        }
        Ok(())
    }

    /// Forgets every key that changed at or after `since` (epoch ms) on any node.
    ///
    /// # Errors
    /// Any database error.
    pub async fn refresh(&self, since: i64) -> sqlx::Result<()> {
        for hash in self.store.keys_changed_since(since).await? {
            self.forget(&hash);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_long_random_and_only_its_digest_is_kept() {
        let (one, two) = (generate(), generate());
        assert_ne!(one.text, two.text);
        assert!(one.text.starts_with("sk-or-v1-") && one.text.len() == 9 + 64);
        assert_eq!(one.hash, hash(&one.text));
        assert!(!one.label.contains(&one.text[12..60]));
    }
}
