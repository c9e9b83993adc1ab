//! The server as its users meet it: over sockets, on both databases.
#![expect(
    clippy::unwrap_used,
    clippy::as_conversions,
    clippy::needless_pass_by_value,
    reason = "a test may panic; its numbers are small"
)]

mod support;

mod accounts;
mod catalog;
mod chat;
mod commands;
mod crash;
mod failover;
mod keys;
mod ledger;
mod money;
mod openapi;
mod replay;
mod upstreams;
