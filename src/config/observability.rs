//! Settings of what is kept of prompts and answers, and of what is sent to
//! observability destinations.

use serde::{Deserialize, Serialize};

use super::MediaSettings;

/// What workspaces may have kept of their prompts and answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct PromptLogSettings {
    /// Requests whose text the operator may use cost less.
    pub discount: bool,
    pub discount_basis_points: u32,
    pub usual_days: u32,
    pub most_days: u32,
    /// Of one request, prompt and answer together.
    pub most_bytes: u64,
}

/// How events are sent to destinations.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ObservabilitySettings {
    /// Destinations of one type in a workspace.
    pub per_type: u32,
    /// Events waiting for one destination.
    pub waiting: u32,
    pub attempts: u32,
    pub timeout_ms: u64,
    pub allow_private_networks: bool,
}

impl Default for PromptLogSettings {
    fn default() -> Self {
        Self { discount: false, discount_basis_points: 100, usual_days: 90, most_days: 365, most_bytes: 1 << 20 }
    }
}

impl PromptLogSettings {
    /// What is let off of the list price, in hundredths of a per cent.
    #[must_use]
    pub const fn let_off(&self) -> u32 {
        if self.discount { self.discount_basis_points } else { 0 }
    }

    /// The place and the cause of what cannot work.
    pub(super) fn wrong(&self) -> Option<(&'static str, &'static str)> {
        if self.discount_basis_points > 10_000 {
            return Some(("prompt_logs.discount_basis_points", "must be at most 10000"));
        }
        if self.usual_days == 0 || self.most_days < self.usual_days {
            return Some(("prompt_logs.usual_days", "must be at least 1 and no more than prompt_logs.most_days"));
        }
        None
    }
}

impl ObservabilitySettings {
    /// The same limits for the client that callers' addresses are asked with.
    #[must_use]
    pub fn as_media(&self) -> MediaSettings {
        MediaSettings {
            timeout_ms: self.timeout_ms,
            allow_private_networks: self.allow_private_networks,
            ..MediaSettings::default()
        }
    }
}

impl Default for ObservabilitySettings {
    fn default() -> Self {
        Self { per_type: 5, waiting: 10_000, attempts: 10, timeout_ms: 10_000, allow_private_networks: false }
    }
}
