//! The server as its users meet it: over sockets, on both databases.
#![expect(
    clippy::unwrap_used,
    clippy::as_conversions,
    clippy::cast_possible_wrap,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    clippy::needless_pass_by_value,
    clippy::unreadable_literal,
    reason = "a test may panic; its numbers are small"
)]

mod support;

mod accounts;
mod catalog;
mod chat;
mod crash;
mod failover;
mod keys;
mod ledger;
mod money;
mod openapi;
