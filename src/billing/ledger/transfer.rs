//! Movements that are no charge: purchases, grants, refunds, disputes, corrections.

use app::types::Money;
use tokio::sync::oneshot;

use super::apply::floor_of;
use super::{Ledger, Op, TransferOutcome, WORLD, credit_account};
use crate::store::ledger::TransferRow;

/// One movement, from the debited account to the credited one.
#[derive(Clone, Debug)]
pub struct Leg {
    /// Books it once for ever.
    pub id: String,
    pub kind: &'static str,
    pub debit: String,
    pub credit: String,
    pub amount: Money,
    /// What of it is promotional credit.
    pub promotional: Money,
    pub description: String,
}

impl Ledger {
    /// Books legs together or not at all, once: the id of the first names them all.
    /// What `is_forced` may take an organization below zero. Ids that were refused for
    /// lack of funds stay refused, whatever comes in later: ask again under new ones.
    ///
    /// # Errors
    /// `None` when the ledger does not answer; ask again with the same ids.
    pub async fn book(&self, legs: &[Leg], is_forced: bool) -> Option<TransferOutcome> {
        let now = self.inner.clock.now_ms();
        let row = |leg: &Leg| TransferRow {
            id: leg.id.clone(),
            kind: leg.kind.to_owned(),
            debit_account_id: leg.debit.clone(),
            credit_account_id: leg.credit.clone(),
            amount_nanos: leg.amount.0.max(0),
            hold_nanos: 0,
            promo_nanos: leg.promotional.0,
            description: leg.description.clone(),
            created_at: now,
        };
        let rows: Vec<TransferRow> = legs.iter().map(row).collect();
        // What memory refuses goes to the writer, too: it knows what was booked before, and remembers (I6).
        let taken = self.withdraw(&rows, is_forced);
        let is_refused = taken.is_none();
        let taken = taken.unwrap_or_default();
        let (reply, answer) = oneshot::channel();
        self.inner.ops.send(Op::Transfer { rows, is_forced, is_refused, taken, reply }).ok()?;
        answer.await.ok().flatten()
    }

    /// Takes what will be debited out of what new requests may hold, where memory decides.
    fn withdraw(&self, rows: &[TransferRow], is_forced: bool) -> Option<Vec<(String, i64)>> {
        let mut taken: Vec<(String, i64)> = Vec::new();
        let Some(live) = &self.inner.live else { return Some(taken) };
        let mut live = live.lock();
        for row in rows.iter().filter(|row| floor_of(&row.debit_account_id).is_some()) {
            if !live.withdraw(&row.debit_account_id, row.amount_nanos, is_forced) {
                for (account_id, amount) in &taken {
                    live.release(account_id, *amount);
                }
                return None;
            }
            taken.push((row.debit_account_id.clone(), row.amount_nanos));
        }
        Some(taken)
    }

    /// Stops every new request of an organization, or lets them again. `None` when the
    /// ledger does not answer.
    pub async fn freeze(&self, organization_id: &str, is_frozen: bool) -> Option<()> {
        let account_id = credit_account(organization_id);
        if let Some(live) = &self.inner.live {
            live.lock().freeze(&account_id, is_frozen);
        }
        let (reply, answer) = oneshot::channel();
        self.inner.ops.send(Op::Freeze { account_id, is_frozen, reply }).ok()?;
        answer.await.ok()
    }

    /// Moves money between two accounts, once per id.
    ///
    /// # Errors
    /// `None` when the ledger does not answer; ask again with the same id.
    pub async fn transfer(
        &self,
        id: &str,
        kind: &'static str,
        debit_account_id: &str,
        credit_account_id: &str,
        amount: Money,
        description: &str,
    ) -> Option<TransferOutcome> {
        let leg = Leg {
            id: id.to_owned(),
            kind,
            debit: debit_account_id.to_owned(),
            credit: credit_account_id.to_owned(),
            amount,
            promotional: Money::ZERO,
            description: description.to_owned(),
        };
        self.book(&[leg], false).await
    }

    /// Gives an organization credit that nobody paid for: it is spent first and never refunded.
    ///
    /// # Errors
    /// `None` when the ledger does not answer; ask again with the same id.
    pub async fn grant(&self, id: &str, organization_id: &str, amount: Money, why: &str) -> Option<TransferOutcome> {
        let leg = Leg {
            id: format!("grant:{id}"),
            kind: "grant",
            debit: WORLD.to_owned(),
            credit: credit_account(organization_id),
            amount,
            promotional: amount,
            description: why.to_owned(),
        };
        self.book(&[leg], false).await
    }

    /// Books what was asked for from the command line, each once, however often this
    /// runs, and writes it into the organization's audit log.
    ///
    /// # Errors
    /// Any database error; what is left is booked the next time.
    pub async fn book_grant_requests(&self) -> sqlx::Result<()> {
        for request in self.inner.store.grant_requests().await? {
            let amount = Money(request.amount_nanos);
            let booked = match request.kind.as_str() {
                kind @ ("freeze" | "thaw") => {
                    let is_frozen = kind == "freeze";
                    let at = is_frozen.then(|| self.inner.clock.now_ms());
                    self.inner.store.set_frozen(&request.organization_id, at).await?;
                    self.freeze(&request.organization_id, is_frozen).await.is_some()
                }
                "invoice" => {
                    self.invoice(&request.id, &request.organization_id, amount, &request.reason).await.is_some()
                }
                _ => self.grant(&request.id, &request.organization_id, amount, &request.reason).await.is_some(),
            };
            if booked {
                self.inner.store.note_operator_deed(&request, self.inner.clock.now_ms()).await?;
                self.inner.store.delete_grant_request(&request.id).await?;
            }
        }
        Ok(())
    }

    /// Credits what a customer paid the operator by other means, such as a bank transfer.
    ///
    /// # Errors
    /// `None` when the ledger does not answer; ask again with the same id.
    pub async fn invoice(&self, id: &str, organization_id: &str, amount: Money, why: &str) -> Option<TransferOutcome> {
        let (cash, credit) = (super::cash_account("invoice"), credit_account(organization_id));
        self.transfer(&format!("invoice:{id}"), "invoice", &cash, &credit, amount, why).await
    }
}
