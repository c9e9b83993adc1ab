//! The server as its users meet it: over sockets, on both databases.
#![expect(
    clippy::unwrap_used,
    clippy::as_conversions,
    clippy::needless_pass_by_value,
    reason = "a test may panic; its numbers are small"
)]

mod support;

mod accounts;
mod analytics;
mod attacks;
mod byok;
mod catalog;
mod chat;
mod chats;
mod choice;
mod coins;
mod commands;
mod conformance;
mod counting;
mod crash;
mod failover;
mod flags;
mod formats;
mod gemini;
mod guardrails;
mod hedging;
mod identity;
mod invariants;
mod isolation;
mod keys;
mod ledger;
mod ledger_model;
mod ledger_rules;
mod limits;
mod lost_commits;
mod matrix;
mod messages;
mod money;
mod observability;
mod openapi;
mod operators;
mod organizations;
mod overload;
mod overspend;
mod page_totals;
mod passkeys;
mod payment_steps;
mod power_cut;
mod presets;
mod prompt_logs;
mod purchases;
mod refunds;
mod replay;
mod responses;
mod retrieval;
mod routing;
mod scenarios;
mod second_factor;
mod security;
mod statements;
mod statistics;
mod structured;
mod telemetry;
mod tiers;
mod upstreams;
mod web_search;
