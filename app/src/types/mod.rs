//! The words both sides speak: every JSON body the API serves and the pages read.
//!
//! Nothing here does I/O. Required-and-nullable fields are `Option` and always
//! present; optional fields are skipped when empty, because the official SDKs
//! reject an explicit `null` there.

pub mod account;
pub mod activity;
pub mod admin;
pub mod analytics;
pub mod byok;
pub mod chats;
pub mod credits;
pub mod error;
pub mod guardrails;
pub mod keys;
pub mod labels;
pub mod locale;
pub mod models;
pub mod money;
pub mod observability;
pub mod organizations;
pub mod pkce;
pub mod presets;
pub mod rankings;
pub mod roles;
pub mod session;
pub mod sse;
pub mod statistics;
pub mod tasks;

pub use money::{Money, Price};

use serde::{Deserialize, Serialize};

/// The envelope nearly every answer of the API comes in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ssr", derive(utoipa::ToSchema))]
pub struct Envelope<T> {
    pub data: T,
}
