//! Holds, settlements and credit: the rules about money.
//!
//! A request holds credit before anything is sent, and its hold resolves exactly
//! once: settled with what the request cost, or voided. On SQLite this process
//! owns the balances: a hold is decided in memory at once, and a settlement is
//! acknowledged after its commit. On PostgreSQL both are decided inside the
//! transaction that holds the row locks. The invariants (I1–I20) and what proves
//! them are listed in `docs/ledger.md`.

mod adopt;
mod apply;
mod find;
mod limits;
mod live;
mod recovery;
pub mod seal;
mod transfer;
mod writer;

use std::collections::HashMap;
use std::sync::Arc;

use app::types::Money;
use parking_lot::Mutex;
use tokio::sync::{mpsc, oneshot};

use crate::clock::{Clock, Windows};
use crate::store::generations::GenerationRow;
use crate::store::ledger::{HoldRow, TransferRow};
use crate::store::native::WriteError;
use crate::store::{Backend, Store};

pub use adopt::adopt;
pub(crate) use limits::counters;
pub use limits::{Budget, KeyUsage, Payer, Stake};
pub use transfer::Leg;
pub use writer::WriterTask;

/// What customers paid us for inference.
pub const REVENUE: &str = "platform:usage_revenue";
/// What requests cost beyond their holds and the balance.
pub const OVERRUN_LOSS: &str = "platform:overrun_loss";
/// Where granted credit comes from.
pub const WORLD: &str = "world";
/// Fees on bought credit.
pub const FEE_REVENUE: &str = "platform:fee_revenue";
/// What customers get back of a dispute beyond what they had bought.
pub const DISPUTE_LOSS: &str = "platform:dispute_loss";
/// Fees on requests with customers' own keys.
pub const BYOK_REVENUE: &str = "platform:byok_revenue";

/// The kind of a transfer that was refused for lack of funds. It moves nothing and keeps its id (I6).
pub const REFUSED: &str = "refused";

/// What came in and went out by one way of paying.
#[must_use]
pub fn cash_account(method: &str) -> String {
    format!("platform:cash:{method}")
}

/// The account of an organization's credit.
#[must_use]
pub fn credit_account(organization_id: &str) -> String {
    format!("org:{organization_id}:credit")
}

/// Why no hold was given.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HoldError {
    /// The account has only this much left.
    Insufficient { available: Money },
    /// The key's limit leaves only this much in its window.
    KeyLimit { remaining: Money },
    /// The budget at this place in [`Payer::budgets`] leaves only this much.
    Budget { index: usize, remaining: Money },
    /// The account is frozen while a payment is in dispute.
    Frozen,
    /// The ledger does not answer.
    Unavailable,
}

/// How a transfer by id ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TransferOutcome {
    Created,
    /// The same transfer had been made before; nothing happened now (I5).
    Exists,
    /// Another transfer has this id (I5).
    Conflict,
    /// The debited account may not go below its floor, or might not when this was
    /// first asked for (I6).
    Insufficient,
}

/// What an account holds and moved so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Balance {
    pub credited: Money,
    pub debited: Money,
    pub held: Money,
    pub available: Money,
    /// What of it nobody paid for.
    pub promotional: Money,
    pub is_frozen: bool,
}

/// What the writer is asked to do. Replies are sent after the commit.
pub(crate) enum Op {
    Hold(HoldOp),
    Grow {
        id: String,
        account_id: String,
        key_id: String,
        payer: Payer,
        /// What was held before.
        from: Stake,
        by: Stake,
        reply: Option<HoldReply>,
    },
    Settle(Box<SettleOp>),
    /// Rows that are booked together or not at all.
    Transfer {
        rows: Vec<TransferRow>,
        is_forced: bool,
        /// Memory has no funds for it.
        is_refused: bool,
        /// Taken out in memory already, by account.
        taken: Vec<(String, i64)>,
        reply: oneshot::Sender<Option<TransferOutcome>>,
    },
    Freeze {
        account_id: String,
        is_frozen: bool,
        reply: oneshot::Sender<()>,
    },
}

pub(crate) type HoldReply = oneshot::Sender<Result<(), HoldError>>;

pub(crate) struct HoldOp {
    pub row: HoldRow,
    pub payer: Payer,
    /// `None`: decided in memory already.
    pub reply: Option<HoldReply>,
}

pub(crate) struct SettleOp {
    pub id: String,
    pub account_id: String,
    pub key_id: String,
    pub held: Stake,
    /// At most what is held when decided in memory; anything when decided in the transaction.
    pub charge: i64,
    /// Beyond hold and balance; decided in memory.
    pub overrun: i64,
    /// What the provider bills to an own key.
    pub own: i64,
    pub generation: Option<Arc<GenerationRow>>,
    pub reply: Option<oneshot::Sender<Money>>,
}

/// The ledger. Cheap to clone.
#[derive(Clone)]
pub struct Ledger {
    inner: Arc<Inner>,
}

struct Inner {
    store: Store,
    clock: Clock,
    node_id: String,
    /// Balances decided in memory; `None` where the database decides.
    live: Option<Arc<Mutex<live::Live>>>,
    ops: mpsc::UnboundedSender<Op>,
}

impl Ledger {
    /// Loads the balances, resolves what an earlier process left behind, and
    /// returns the ledger with the task that writes it (spawned already).
    ///
    /// # Errors
    /// Any database error.
    pub async fn start(store: Store, clock: Clock, node_id: String) -> Result<(Self, WriterTask), WriteError> {
        let owns = store.backend() == Backend::Sqlite;
        store.heartbeat(&node_id, clock.now_ms()).await?;
        adopt(&store, clock.now_ms()).await?;
        if owns {
            // One process owns the file: every hold found is of a process that is gone.
            recovery::void_holds(&store, &store.holds().await?, &node_id, clock.now_ms()).await?;
        }
        let (ops, inbox) = mpsc::unbounded_channel();
        let (live, durable) = if owns {
            let (balances, key_usage, _) = store.load_ledger().await?;
            let live = live::Live::load(&balances, &key_usage);
            (Some(Arc::new(Mutex::new(live))), Some(apply::Accounts::load(balances, key_usage)))
        } else {
            (None, None)
        };
        let writer = writer::Writer::new(store.clone(), clock.clone(), &node_id, live.clone(), durable).await?;
        let task = writer.spawn(inbox);
        Ok((Self { inner: Arc::new(Inner { store, clock, node_id, live, ops }) }, task))
    }

    /// Sets credit aside under the generation's id. `ttl_ms` bounds how long the
    /// hold outlives a lost process.
    ///
    /// # Errors
    /// [`HoldError`] when balance or key limit do not cover it; nothing is held then.
    pub async fn hold(
        &self,
        id: &str,
        payer: &Payer,
        amount: impl Into<Stake>,
        ttl_ms: i64,
    ) -> Result<Hold, HoldError> {
        let amount = amount.into().at_least_zero();
        let now = self.inner.clock.now_ms();
        let row = HoldRow {
            id: id.to_owned(),
            account_id: payer.account_id.clone(),
            key_id: payer.key_id.clone(),
            amount_nanos: amount.credit.0,
            own_nanos: amount.own.0,
            node_id: self.inner.node_id.clone(),
            created_at: now,
            expires_at: now.saturating_add(ttl_ms),
        };
        // A caller who leaves while this waits drops it, and with it what was held.
        let mut hold =
            Hold { ledger: self.clone(), id: id.to_owned(), payer: payer.clone(), amount, is_resolved: true };
        if let Some(live) = &self.inner.live {
            live.lock().hold(payer, amount, now)?;
            hold.is_resolved = false;
            self.send(Op::Hold(HoldOp { row, payer: payer.clone(), reply: None }))?;
        } else {
            let (reply, answer) = oneshot::channel();
            self.send(Op::Hold(HoldOp { row, payer: payer.clone(), reply: Some(reply) }))?;
            hold.is_resolved = false;
            if let Err(refusal) = answer.await.unwrap_or(Err(HoldError::Unavailable)) {
                hold.is_resolved = true;
                return Err(refusal);
            }
        }
        Ok(hold)
    }

    /// Charges requests of the past as they stand, each under its own id and time:
    /// for traffic that was made up or comes from elsewhere. `None` when the ledger
    /// does not answer.
    pub async fn import(&self, rows: Vec<GenerationRow>) -> Option<()> {
        let mut answers = Vec::with_capacity(rows.len());
        for row in rows {
            let payer = Payer { account_id: credit_account(&row.organization_id), ..Payer::default() };
            let hold = self.hold(&row.id, &payer, Money(row.cost_nanos), 60_000).await.ok()?;
            answers.push(hold.settle_past(row));
        }
        for answer in answers {
            answer?.await.ok()?;
        }
        Some(())
    }

    /// What an account holds. In-memory decisions are in it at once.
    ///
    /// # Errors
    /// Any database error.
    pub async fn balance(&self, account_id: &str) -> sqlx::Result<Balance> {
        let row = self.inner.store.balance(account_id).await?.unwrap_or_default();
        let mut balance = Balance {
            credited: Money(row.credited_nanos),
            debited: Money(row.debited_nanos),
            held: Money(row.held_nanos),
            available: Money(row.available()),
            promotional: Money(row.promo_nanos.max(0)),
            is_frozen: row.is_frozen != 0,
        };
        if let Some(live) = &self.inner.live {
            balance.available = Money(live.lock().available(account_id));
            balance.held = balance.credited.minus(balance.debited).minus(balance.available);
        }
        Ok(balance)
    }

    /// What may be spent, where that is known without asking the database.
    #[must_use]
    pub fn known_available(&self, account_id: &str) -> Option<Money> {
        self.inner.live.as_ref().map(|live| Money(live.lock().available(account_id)))
    }

    /// What a key has spent.
    ///
    /// # Errors
    /// Any database error.
    pub async fn key_usage(&self, key_id: &str) -> sqlx::Result<KeyUsage> {
        let row = self.inner.store.key_usage(key_id).await?.unwrap_or_default();
        Ok(KeyUsage::of(&row, Windows::at(self.inner.clock.now_ms())))
    }

    /// What each of these keys has spent.
    ///
    /// # Errors
    /// Any database error.
    pub async fn key_usages(&self, key_ids: &[String]) -> sqlx::Result<HashMap<String, KeyUsage>> {
        let mut out = HashMap::new();
        for key_id in key_ids {
            out.insert(key_id.clone(), self.key_usage(key_id).await?);
        }
        Ok(out)
    }

    /// Voids holds that ran out or whose node fell silent; for deployments of several nodes.
    ///
    /// # Errors
    /// Any database error.
    pub async fn reap(&self) -> sqlx::Result<usize> {
        let now = self.inner.clock.now_ms();
        self.inner.store.heartbeat(&self.inner.node_id, now).await?;
        if self.inner.live.is_some() {
            return Ok(0);
        }
        let dangling = self.inner.store.dangling_holds(now - 60_000, now - 60_000).await?;
        recovery::void_holds(&self.inner.store, &dangling, &self.inner.node_id, now).await?;
        Ok(dangling.len())
    }

    fn send(&self, op: Op) -> Result<(), HoldError> {
        self.inner.ops.send(op).map_err(|_| HoldError::Unavailable)
    }
}

/// Credit set aside for one request. Dropped without being settled, it is voided.
pub struct Hold {
    ledger: Ledger,
    id: String,
    payer: Payer,
    amount: Stake,
    is_resolved: bool,
}

impl Hold {
    #[must_use]
    pub const fn amount(&self) -> Money {
        self.amount.credit
    }

    /// Sets more aside.
    ///
    /// # Errors
    /// [`HoldError`] when it is not covered; the hold stays as it was.
    pub async fn extend(&mut self, by: impl Into<Stake>) -> Result<(), HoldError> {
        let by = by.into().at_least_zero();
        let inner = &self.ledger.inner;
        let op = |reply| Op::Grow {
            id: self.id.clone(),
            account_id: self.payer.account_id.clone(),
            key_id: self.payer.key_id.clone(),
            payer: self.payer.clone(),
            from: self.amount,
            by,
            reply,
        };
        if let Some(live) = &inner.live {
            live.lock().hold(&self.payer, by, inner.clock.now_ms())?;
            self.ledger.send(op(None))?;
        } else {
            let (reply, answer) = oneshot::channel();
            self.ledger.send(op(Some(reply)))?;
            answer.await.map_err(|_| HoldError::Unavailable)??;
        }
        self.amount = self.amount.plus(by);
        Ok(())
    }

    /// Charges what the request cost and records it, in one transaction. What goes
    /// beyond hold and balance is our loss. Returns, once it is durable, what was
    /// charged; `None` when the ledger is gone.
    pub async fn settle(mut self, cost: impl Into<Stake>, generation: impl Into<Arc<GenerationRow>>) -> Option<Money> {
        let answer = self.resolve(cost.into().at_least_zero(), Some(generation.into()));
        answer?.await.ok()
    }

    /// Settles a request that happened earlier, with the node and number it had.
    fn settle_past(mut self, generation: GenerationRow) -> Option<oneshot::Receiver<Money>> {
        self.resolve(Money(generation.cost_nanos).into(), Some(Arc::new(generation)))
    }

    fn resolve(&mut self, cost: Stake, generation: Option<Arc<GenerationRow>>) -> Option<oneshot::Receiver<Money>> {
        self.is_resolved = true;
        let (mut charge, mut overrun) = (cost.credit.0, 0);
        if let Some(live) = &self.ledger.inner.live {
            if cost.credit > self.amount.credit {
                let extra = live.lock().take(&self.payer, cost.credit.minus(self.amount.credit).0);
                self.amount.credit = self.amount.credit.plus(Money(extra));
            }
            charge = cost.credit.min(self.amount.credit).0;
            overrun = cost.credit.0 - charge;
        }
        let (reply, answer) = oneshot::channel();
        let op = Op::Settle(Box::new(SettleOp {
            id: self.id.clone(),
            account_id: std::mem::take(&mut self.payer.account_id),
            key_id: std::mem::take(&mut self.payer.key_id),
            held: self.amount,
            charge,
            overrun,
            own: cost.own.0,
            reply: generation.is_some().then_some(reply),
            generation,
        }));
        self.ledger.inner.ops.send(op).ok().map(|()| answer)
    }
}

impl Drop for Hold {
    fn drop(&mut self) {
        if !self.is_resolved {
            self.resolve(Stake::default(), None);
        }
    }
}
