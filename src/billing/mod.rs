//! Money: the ledger, buying credit, refunds, automatic purchases, receipts.

pub mod audit;
pub mod coinbase;
pub mod ledger;
pub mod letters;
pub mod payments;
pub mod pdf;
pub mod purchase;
pub mod receipt;
pub mod refund;
pub mod statements;
pub mod stripe;
pub mod top_up;
