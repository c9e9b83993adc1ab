//! Settings of the keys that secrets are kept with.

use std::fmt;

use serde::{Deserialize, Serialize};

/// The operator's keys, base64 of 32 bytes each.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Secrets {
    /// Empty: on SQLite a key is made and kept beside the database file.
    pub key: String,
    /// Separated by commas.
    pub old_keys: String,
}

impl fmt::Debug for Secrets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let shown = |text: &str| if text.is_empty() { "" } else { "set" };
        f.debug_struct("Secrets").field("key", &shown(&self.key)).field("old_keys", &shown(&self.old_keys)).finish()
    }
}
