//! Patchbay's web pages and the wire types both sides share.

pub mod types;
