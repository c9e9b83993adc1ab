//! The balance and what moved it.

use serde::{Deserialize, Serialize};

use super::Money;

/// `GET /api/v1/credits`, inside `data`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ssr", derive(utoipa::ToSchema))]
pub struct Credits {
    /// Everything ever credited.
    pub total_credits: Money,
    /// Everything ever charged.
    pub total_usage: Money,
    /// Ours: set aside for requests under way.
    pub held: Money,
    /// Ours: what a new request may spend.
    pub available: Money,
}

/// `GET /api/v1/ledger` (ours), one of `data`, newest first.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ssr", derive(utoipa::ToSchema))]
pub struct LedgerEntry {
    pub id: String,
    /// `grant`, `post`, `purchase`, `refund`, `correction`.
    pub kind: String,
    /// Positive adds to the balance.
    pub amount: Money,
    /// What a person would call it: the model of a charge, the reason of a grant.
    pub description: String,
    /// RFC 3339.
    pub created_at: String,
}
