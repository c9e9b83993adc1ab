//! What comes in.

pub mod site;
