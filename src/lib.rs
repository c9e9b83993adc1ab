//! Patchbay: an open, self-hosted AI model marketplace.
//!
//! Imports point down the floors: `http` (4) → `gateway`, `billing`, `accounts`,
//! `catalog`, `rankings`, `jobs` (3) → `dialects`, `providers`, `store` (2) →
//! `app::types`, `clock`, `config`, `error` (1).

pub mod accounts;
pub mod billing;
pub mod catalog;
pub mod clock;
pub mod config;
pub mod dialects;
pub mod error;
pub mod http;
pub mod providers;
pub mod store;
pub mod telemetry;
