//! Settings of the gateway: limits, times, protection of providers and callers.

use app::types::Money;
use serde::{Deserialize, Serialize};

/// Sizes, in bytes and requests.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Limits {
    pub inference_body_bytes: u64,
    pub body_bytes: u64,
    /// Levels of a large body of JSON, members of one of its objects, elements of one of its arrays.
    pub json_depth: usize,
    pub json_keys: u32,
    pub json_items: u32,
    pub in_flight: u32,
    /// Of memory; 0: what the machine or the container has.
    pub memory_bytes: u64,
    /// Addresses and networks (CIDR), separated by commas.
    pub trusted_proxies: String,
}

/// Times in ms. Source of the defaults: the resilience table of the design.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Timeouts {
    pub connect_ms: u64,
    pub first_token_least_ms: u64,
    pub first_token_ms: u64,
    pub first_token_most_ms: u64,
    pub last_first_token_ms: u64,
    pub idle_ms: u64,
    /// Models that think before they speak get so many times the other times.
    pub reasoning_factor: u64,
    pub total_ms: u64,
    /// Of a request whose answer is not streamed.
    pub whole_ms: u64,
    /// Until a charge is durable.
    pub settle_ms: u64,
    pub drain_ms: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Routing {
    pub attempts: u32,
}

/// What protects providers from this server, and its callers from them.
/// Source of the defaults: the resilience table of the design.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Resilience {
    pub failures_in_a_row: u32,
    pub success_percent: u32,
    pub ratio_requests: u32,
    pub ratio_window_ms: u32,
    /// Exact counts the window is made of.
    pub ratio_pieces: u32,
    pub open_ms: u32,
    pub open_most_ms: u32,
    pub slow_start_ms: u32,
    pub slow_start_percent: u32,
    pub retry_percent: u32,
    pub retries_per_second: u32,
    /// First tries are forgotten after this, so that a quiet night saves nothing up.
    pub retry_window_ms: u32,
    pub concurrency: u32,
    pub concurrency_least: u32,
    pub concurrency_most: u32,
    pub queue_ms: u64,
    pub back_off_ms: u64,
    pub patience_ms: u64,
    pub retry_after_most_ms: u64,
    /// Failures in a row after which an endpoint is tried after the others.
    pub outage_failures: u32,
    pub outage_ms: u32,
    /// Requests of a hundred that may be sent to a second endpoint while the first is slow.
    pub hedge_percent: u32,
}

impl Default for Resilience {
    fn default() -> Self {
        Self {
            failures_in_a_row: 5,
            success_percent: 80,
            ratio_requests: 20,
            ratio_window_ms: 30_000,
            ratio_pieces: 10,
            open_ms: 5_000,
            open_most_ms: 300_000,
            slow_start_ms: 30_000,
            slow_start_percent: 10,
            retry_percent: 20,
            retries_per_second: 10,
            retry_window_ms: 10_000,
            concurrency: 512,
            concurrency_least: 3,
            concurrency_most: 4_096,
            queue_ms: 100,
            back_off_ms: 50,
            patience_ms: 5_000,
            retry_after_most_ms: 300_000,
            outage_failures: 3,
            outage_ms: 30_000,
            hedge_percent: 0,
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Holds {
    /// Output tokens.
    pub step_tokens: u64,
    /// Per cent.
    pub prompt_margin_percent: u64,
}

/// Requests a caller may send; 0 is no limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct RateLimits {
    pub address_per_minute: u32,
    pub key_per_minute: u32,
    pub organization_per_minute: u32,
    /// Of an organization to one model.
    pub model_per_minute: u32,
    /// Of an organization to `:free` models.
    pub free_per_minute: u32,
    pub free_per_day: u32,
    /// Once $10 of credit was bought.
    pub free_per_day_after_purchase: u32,
}

/// Files that requests point to by URL, fetched for providers that take none.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct MediaSettings {
    pub max_bytes: u64,
    pub timeout_ms: u64,
    pub redirects: u32,
    pub allow_private_networks: bool,
}

impl Default for MediaSettings {
    fn default() -> Self {
        Self { max_bytes: 20 << 20, timeout_ms: 15_000, redirects: 3, allow_private_networks: false }
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            inference_body_bytes: 32 << 20,
            body_bytes: 1 << 20,
            json_depth: 64,
            json_keys: 10_000,
            json_items: 100_000,
            in_flight: 8_192,
            memory_bytes: 0,
            trusted_proxies: String::new(),
        }
    }
}

impl Default for RateLimits {
    fn default() -> Self {
        Self {
            address_per_minute: 0,
            key_per_minute: 0,
            organization_per_minute: 0,
            model_per_minute: 0,
            free_per_minute: 20,
            free_per_day: 50,
            free_per_day_after_purchase: 1_000,
        }
    }
}

impl Default for Timeouts {
    fn default() -> Self {
        Self {
            connect_ms: 5_000,
            first_token_least_ms: 8_000,
            first_token_ms: 10_000,
            first_token_most_ms: 30_000,
            last_first_token_ms: 120_000,
            idle_ms: 20_000,
            reasoning_factor: 3,
            total_ms: 900_000,
            whole_ms: 600_000,
            settle_ms: 10_000,
            drain_ms: 120_000,
        }
    }
}

impl Default for Routing {
    fn default() -> Self {
        Self { attempts: 3 }
    }
}

impl Default for Holds {
    fn default() -> Self {
        Self { step_tokens: 1_024, prompt_margin_percent: 15 }
    }
}

/// What requests with a provider key of the organization's own cost.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct OwnKeySettings {
    /// Per cent of the list price.
    pub fee_percent: u32,
    /// USD of list price a month.
    #[serde(with = "super::dollars")]
    pub free_per_month: Money,
}

impl Default for OwnKeySettings {
    fn default() -> Self {
        Self { fee_percent: 5, free_per_month: Money::from_dollars(25_000) }
    }
}
