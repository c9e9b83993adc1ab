//! Settings of e-mail.

use std::fmt;

use serde::{Deserialize, Serialize};

/// How letters leave.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct MailSettings {
    /// `smtps://user:password@host` or `smtp://…?tls=required`. Empty: letters become files in `folder`.
    pub smtp_url: String,
    pub from: String,
    pub folder: String,
}

impl Default for MailSettings {
    fn default() -> Self {
        Self {
            smtp_url: String::new(),
            from: "Patchbay <patchbay@localhost>".to_owned(),
            folder: "data/mail".to_owned(),
        }
    }
}

impl fmt::Debug for MailSettings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MailSettings")
            .field("smtp_url", &if self.smtp_url.is_empty() { "" } else { "set" })
            .field("from", &self.from)
            .field("folder", &self.folder)
            .finish()
    }
}
