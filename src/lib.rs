//! Patchbay: an open, self-hosted AI model marketplace.

pub mod catalog;
pub mod dialects;
