//! Money: the ledger and the rules about it.

pub mod ledger;
