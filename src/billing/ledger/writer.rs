//! The one task that writes the ledger: takes all that waits into one transaction.

use std::sync::Arc;
use std::time::Duration;

use app::types::Money;
use foldhash::HashMap;
use parking_lot::Mutex;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use super::apply::{Accounts, Working, needs_unwritten, repeated};
use super::find::{existing, ids_to_look_up, lock, stored_amounts};
use super::live::Live;
use super::seal;
use super::{HoldError, HoldOp, Op, SettleOp, Stake, TransferOutcome, counters};
use crate::clock::Clock;
use crate::store::Store;
use crate::store::ledger::{self, GrownHold, HoldRow, LedgerBatch, SealRow, TransferRow};
use crate::store::native::{NativeWriter, WriteError};

/// The most operations of one transaction.
const MAX_BATCH: usize = 512;
/// A hold that resolves sooner is never written: should the process die before,
/// its request died with it and there is nothing to remember.
const HOLD_WRITE_AFTER_MS: i64 = 1_000;
/// Refusals of the database after which the operations of a batch are tried one by one.
const BATCH_TRIES: u32 = 2;
/// Refusals after which a single operation is given up.
const SINGLE_TRIES: u32 = 5;
/// With so many requests under way a commit waits for more of them to end: one
/// flush of the disk serves all that wait for it.
const GATHER_FROM: usize = 8;
/// The longest a commit waits so.
const GATHER_FOR: Duration = Duration::from_millis(1);
/// The first pause between tries of a batch that could not be committed; each is twice the last.
const FIRST_BACKOFF: Duration = Duration::from_millis(20);
/// The longest pause between tries of a batch that could not be committed.
const MAX_BACKOFF: Duration = Duration::from_secs(1);

/// The running writer.
pub struct WriterTask {
    stop: CancellationToken,
    handle: JoinHandle<()>,
}

impl WriterTask {
    /// Writes everything sent so far, then ends. Later operations are not answered.
    pub async fn finish(self) {
        self.stop.cancel();
        if self.handle.await.is_err() {
            tracing::error!("The ledger writer panicked");
        }
    }
}

pub(super) struct Writer {
    store: Store,
    clock: Clock,
    node_id: String,
    live: Option<Arc<Mutex<Live>>>,
    /// Committed rows, where this process owns them.
    durable: Option<Accounts>,
    /// The way to the file, where there is one.
    native: Option<NativeWriter>,
    /// Decided in memory, not written yet.
    pending: HashMap<String, HoldRow>,
    /// Amounts of the holds of ours that are written.
    stored: HashMap<String, Stake>,
    seq: i64,
    /// The last link of this node's chain.
    seal: SealRow,
}

enum Outcome {
    Held(Result<(), HoldError>),
    Charged(Money),
    Transferred(TransferOutcome),
    Frozen,
}

struct Committed {
    outcomes: Vec<Outcome>,
    seq: i64,
    seal: Option<SealRow>,
}

impl Writer {
    pub async fn new(
        store: Store,
        clock: Clock,
        node_id: &str,
        live: Option<Arc<Mutex<Live>>>,
        durable: Option<Accounts>,
    ) -> Result<Self, WriteError> {
        let seq = store.last_seq(node_id).await?;
        let seal = store.last_seal(node_id).await?;
        Ok(Self {
            native: store.native_writer()?,
            store,
            clock,
            node_id: node_id.to_owned(),
            live,
            durable,
            pending: HashMap::default(),
            stored: HashMap::default(),
            seq,
            seal,
        })
    }

    pub fn spawn(mut self, mut inbox: mpsc::UnboundedReceiver<Op>) -> WriterTask {
        let stop = CancellationToken::new();
        let stopped = stop.clone();
        let handle = tokio::spawn(async move {
            let mut tick = tokio::time::interval(Duration::from_millis(250));
            tick.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
            let mut ops = Vec::with_capacity(MAX_BATCH);
            let mut is_stopping = false;
            loop {
                let mut is_last = false;
                tokio::select! {
                    biased;
                    count = inbox.recv_many(&mut ops, MAX_BATCH) => is_last = count == 0,
                    () = stopped.cancelled(), if !is_stopping => {
                        is_stopping = true;
                        inbox.close();
                    }
                    _ = tick.tick(), if !self.pending.is_empty() => {}
                }
                let ops = self.absorb(std::mem::take(&mut ops));
                let ops = self.gather(ops, &mut inbox).await;
                self.run(ops).await;
                if is_last {
                    break;
                }
            }
        });
        WriterTask { stop, handle }
    }

    /// Waits a moment for more, while fewer requests want to end than are under way.
    async fn gather(&mut self, mut ops: Vec<Op>, inbox: &mut mpsc::UnboundedReceiver<Op>) -> Vec<Op> {
        if ops.is_empty() || self.pending.len() < GATHER_FROM {
            return ops;
        }
        let until = tokio::time::Instant::now() + GATHER_FOR;
        while ops.len() < self.pending.len().min(MAX_BATCH) {
            let mut more = Vec::new();
            let room = MAX_BATCH - ops.len();
            match tokio::time::timeout_at(until, inbox.recv_many(&mut more, room)).await {
                Ok(0) | Err(_) => break,
                Ok(_) => ops.extend(self.absorb(more)),
            }
        }
        ops
    }

    /// Commits a batch and answers whoever waits.
    async fn run(&mut self, ops: Vec<Op>) {
        let due = self.due_holds();
        if ops.is_empty() && due.is_empty() {
            return;
        }
        if let Some(committed) = self.persist(&ops, &due, BATCH_TRIES).await {
            self.conclude(ops, committed, due);
            return;
        }
        // One operation spoils the batch: each is written by itself, and only that one is given up.
        for op in ops {
            let op = [op];
            match self.persist(&op, &[], SINGLE_TRIES).await {
                Some(committed) => self.conclude(op.into(), committed, Vec::new()),
                None => self.give_up(op),
            }
        }
    }

    /// Commits, however often it takes while the database cannot be reached. `None`
    /// when it was reached and refused `tries` times.
    async fn persist(&mut self, ops: &[Op], due: &[HoldRow], tries: u32) -> Option<Committed> {
        let mut backoff = FIRST_BACKOFF;
        let mut refusals = 0;
        loop {
            match self.commit(ops, due, backoff > FIRST_BACKOFF).await {
                Ok(committed) => return Some(committed),
                Err(error) => {
                    tracing::error!(%error, ops = ops.len(), "The ledger could not commit; trying again");
                    refusals += u32::from(error.is_refusal());
                }
            }
            if refusals >= tries {
                return None;
            }
            // The commit may have happened although its answer was lost: look before writing again (I10).
            tokio::time::sleep(backoff).await;
            backoff = (backoff * 2).min(MAX_BACKOFF);
            while let Err(error) = self.reload().await {
                tracing::error!(%error, "The ledger could not be read; trying again");
                tokio::time::sleep(backoff).await;
            }
        }
    }

    fn conclude(&mut self, ops: Vec<Op>, committed: Committed, due: Vec<HoldRow>) {
        self.seq = committed.seq;
        if let Some(seal) = committed.seal {
            self.seal = seal;
        }
        for hold in due {
            self.pending.remove(&hold.id);
            self.stored.insert(hold.id.clone(), hold.stake());
        }
        for (op, outcome) in ops.into_iter().zip(committed.outcomes) {
            self.answer(op, outcome);
        }
    }

    /// The database refuses an operation for good. Whoever waits gets no answer, and
    /// what was set aside is free again.
    fn give_up(&self, [op]: [Op; 1]) {
        if let (Op::Transfer { taken, .. }, Some(live)) = (&op, &self.live) {
            let mut live = live.lock();
            for (account_id, amount) in taken {
                live.release(account_id, *amount);
            }
        }
        if let Op::Settle(op) = op {
            tracing::error!(generation.id = %op.id, charge_nanos = op.charge, "A charge cannot be written and is lost");
            if let Some(live) = &self.live {
                let mut live = live.lock();
                live.release(&op.account_id, op.held.credit.0);
                live.release_key(&op.key_id, op.held);
            }
        }
    }

    /// Keeps holds that memory decided out of the transaction until they are old enough.
    fn absorb(&mut self, ops: Vec<Op>) -> Vec<Op> {
        let mut rest = Vec::with_capacity(ops.len());
        for op in ops {
            match op {
                Op::Hold(HoldOp { row, reply: None, .. }) => {
                    self.pending.insert(row.id.clone(), row);
                }
                Op::Grow { id, by, reply: None, .. } if self.pending.contains_key(&id) => {
                    if let Some(row) = self.pending.get_mut(&id) {
                        row.grow(by);
                    }
                }
                // Nothing was written of it and nothing is charged: it never happened.
                Op::Settle(op)
                    if self.pending.contains_key(&op.id)
                        && op.generation.is_none()
                        && op.charge == 0
                        && op.overrun == 0
                        && op.own == 0 =>
                {
                    self.pending.remove(&op.id);
                    if let Some(live) = &self.live {
                        let mut live = live.lock();
                        live.release(&op.account_id, op.held.credit.0);
                        live.release_key(&op.key_id, op.held);
                    }
                }
                op => {
                    if let Op::Settle(settle) = &op {
                        self.pending.remove(&settle.id);
                    }
                    rest.push(op);
                }
            }
        }
        rest
    }

    fn due_holds(&self) -> Vec<HoldRow> {
        let cutoff = self.clock.now_ms() - HOLD_WRITE_AFTER_MS;
        self.pending.values().filter(|row| row.created_at <= cutoff).cloned().collect()
    }

    async fn commit(&mut self, ops: &[Op], due: &[HoldRow], is_retry: bool) -> Result<Committed, WriteError> {
        match (self.durable.take(), &self.native) {
            (Some(mut durable), Some(native)) => {
                let committed = self.commit_owned(native, &mut durable, ops, due, is_retry).await;
                self.durable = Some(durable);
                committed
            }
            (durable, _) => {
                self.durable = durable;
                self.commit_shared(ops, due, is_retry).await
            }
        }
    }

    /// Where this process owns the balances: they are in memory, and what changed is written in one go.
    async fn commit_owned(
        &self,
        native: &NativeWriter,
        durable: &mut Accounts,
        ops: &[Op],
        due: &[HoldRow],
        is_retry: bool,
    ) -> Result<Committed, WriteError> {
        let mut turn = self.store.write_turn().await?;
        let existing = existing(&mut turn, &ids_to_look_up(ops, is_retry)).await?;
        let unwritten = if needs_unwritten(durable, ops) { self.unwritten(due) } else { HashMap::default() };
        let mut working = Working::new(durable, self.clock.now_ms()).with_unwritten(unwritten);
        let found = Found { existing: &existing, stored: &self.stored };
        let mut committed = self.apply_all(&mut working, ops, due, &found);
        let batch = self.sealed(working.finish(), &mut committed);
        native.write(batch).await?;
        let (balances, keys) = (std::mem::take(&mut working.balances), std::mem::take(&mut working.keys));
        durable.balances.extend(balances);
        durable.keys.extend(keys);
        Ok(committed)
    }

    /// Where other nodes write, too: under the locks of every row that is touched.
    async fn commit_shared(&self, ops: &[Op], due: &[HoldRow], is_retry: bool) -> Result<Committed, WriteError> {
        let mut tx = self.store.begin_write().await?;
        if ops.iter().all(|op| matches!(op, Op::Hold(_) | Op::Grow { .. })) {
            // The log is flushed in order, so a durable settlement implies its hold.
            ledger::commit_lazily(&mut tx).await?;
        }
        let locked = lock(&mut tx, ops).await?;
        let existing = existing(&mut tx, &ids_to_look_up(ops, true)).await?;
        let stored = stored_amounts(&mut tx, ops, is_retry).await?;
        let mut working = Working::new(&locked, self.clock.now_ms());
        let mut committed = self.apply_all(&mut working, ops, due, &Found { existing: &existing, stored: &stored });
        let batch = self.sealed(working.finish(), &mut committed);
        ledger::write_batch(&mut tx, &batch).await?;
        tx.commit().await?;
        Ok(committed)
    }

    fn apply_all(&self, working: &mut Working<'_>, ops: &[Op], due: &[HoldRow], found: &Found<'_>) -> Committed {
        for row in due {
            working.hold(row.clone());
        }
        let mut seq = self.seq;
        let outcomes = ops.iter().map(|op| apply(working, op, found, &mut seq)).collect();
        Committed { outcomes, seq, seal: None }
    }

    /// The batch with the next link of the chain over its transfers.
    fn sealed(&self, mut batch: LedgerBatch, committed: &mut Committed) -> LedgerBatch {
        batch.seal = seal::next(&self.seal, &batch.transfers, self.clock.now_ms());
        committed.seal.clone_from(&batch.seal);
        batch
    }

    /// By account, the holds that neither this transaction nor one before it writes.
    fn unwritten(&self, due: &[HoldRow]) -> HashMap<String, i64> {
        let mut sums: HashMap<String, i64> = HashMap::default();
        for row in self.pending.values().filter(|row| due.iter().all(|due| due.id != row.id)) {
            let sum = sums.entry(row.account_id.clone()).or_default();
            *sum = sum.saturating_add(row.amount_nanos);
        }
        sums
    }

    fn answer(&mut self, op: Op, outcome: Outcome) {
        match (op, outcome) {
            (
                Op::Hold(HoldOp { reply: Some(reply), .. }) | Op::Grow { reply: Some(reply), .. },
                Outcome::Held(held),
            ) => {
                // A caller who left gives back what was held by dropping his `Hold`.
                let _ = reply.send(held);
            }
            (Op::Grow { id, by, reply: None, .. }, _) => {
                if let Some(stored) = self.stored.get_mut(&id) {
                    *stored = stored.plus(by);
                }
            }
            (Op::Settle(op), Outcome::Charged(charged)) => {
                self.stored.remove(&op.id);
                if let (Some(live), Some(durable)) = (&self.live, &self.durable) {
                    let mut live = live.lock();
                    live.release(&op.account_id, op.held.credit.minus(charged).0);
                    for counter in counters(&op.key_id) {
                        match durable.keys.get(counter) {
                            Some(usage) => live.settle_key(usage, op.held),
                            None => live.release_key(counter, op.held),
                        }
                    }
                }
                if let Some(reply) = op.reply {
                    let _ = reply.send(charged);
                }
            }
            (Op::Transfer { rows, taken, reply, .. }, Outcome::Transferred(outcome)) => {
                if let Some(live) = &self.live {
                    let mut live = live.lock();
                    if outcome == TransferOutcome::Created {
                        for row in &rows {
                            live.release(&row.credit_account_id, row.amount_nanos);
                            live.release(&row.debit_account_id, -row.amount_nanos);
                        }
                    }
                    // Either it was booked just now, or it never will be.
                    for (account_id, amount) in taken {
                        live.release(&account_id, amount);
                    }
                }
                let _ = reply.send(Some(outcome));
            }
            (Op::Freeze { reply, .. }, _) => {
                let _ = reply.send(());
            }
            _ => {}
        }
    }

    /// Reads what is committed after a commit whose outcome is unknown.
    async fn reload(&mut self) -> sqlx::Result<()> {
        self.seq = self.store.last_seq(&self.node_id).await?;
        self.seal = self.store.last_seal(&self.node_id).await?;
        if self.durable.is_some() {
            let (balances, keys, holds) = self.store.load_ledger().await?;
            self.durable = Some(Accounts::load(balances, keys));
            self.stored = holds.into_iter().map(|row| (row.id.clone(), row.stake())).collect();
            let stored = &self.stored;
            self.pending.retain(|id, _| !stored.contains_key(id));
        }
        Ok(())
    }
}

/// What was in the database before this transaction.
struct Found<'a> {
    /// Transfers by id.
    existing: &'a HashMap<String, TransferRow>,
    /// Amounts of holds by id.
    stored: &'a HashMap<String, Stake>,
}

fn apply(working: &mut Working<'_>, op: &Op, found: &Found<'_>, seq: &mut i64) -> Outcome {
    match op {
        // Written by a commit whose answer was lost (I10).
        Op::Hold(HoldOp { row, reply: Some(_), .. }) if found.stored.contains_key(&row.id) => Outcome::Held(Ok(())),
        Op::Grow { id, from, by, reply: Some(_), .. } if found.stored.get(id) == Some(&from.plus(*by)) => {
            Outcome::Held(Ok(()))
        }
        Op::Hold(HoldOp { row, payer, reply }) => {
            let decision = if reply.is_some() { working.decide(payer, row.stake()) } else { Ok(()) };
            if decision.is_ok() {
                working.hold(row.clone());
            }
            Outcome::Held(decision)
        }
        Op::Grow { id, account_id, key_id, payer, by, reply, .. } => {
            let decision = if reply.is_some() { working.decide(payer, *by) } else { Ok(()) };
            if decision.is_ok() {
                working.reserve(account_id, key_id, *by);
                working.batch.grown_holds.push(GrownHold::of(id, *by));
            }
            Outcome::Held(decision)
        }
        Op::Settle(op) => apply_settle(working, op, found, seq),
        Op::Transfer { rows, is_forced, is_refused, .. } => {
            let earlier = |row: &TransferRow| found.existing.get(&row.id).or(working.written(&row.id)).cloned();
            let known: Vec<Option<TransferRow>> = rows.iter().map(earlier).collect();
            if known.iter().any(Option::is_some) {
                return Outcome::Transferred(repeated(rows, &known));
            }
            let outcome = if *is_refused { TransferOutcome::Insufficient } else { working.transfer(rows, *is_forced) };
            if outcome == TransferOutcome::Insufficient {
                working.refuse(rows);
            }
            Outcome::Transferred(outcome)
        }
        Op::Freeze { account_id, is_frozen, .. } => {
            working.freeze(account_id, *is_frozen);
            Outcome::Frozen
        }
    }
}

fn apply_settle(working: &mut Working<'_>, op: &SettleOp, found: &Found<'_>, seq: &mut i64) -> Outcome {
    let late = format!("{}:late", op.id);
    let stored = working.held(&op.id, found.stored.get(&op.id).copied());
    let (id, stored) = match found.existing.get(&op.id) {
        None => (op.id.as_str(), stored),
        // Its hold ran out while this node was cut off: what was delivered is still charged.
        Some(earlier) if earlier.kind == "void" && !found.existing.contains_key(&late) => (late.as_str(), None),
        Some(earlier) => return Outcome::Charged(Money(earlier.amount_nanos)),
    };
    // A request of the past keeps its own number.
    *seq += i64::from(op.generation.as_ref().is_some_and(|row| row.seq == 0));
    Outcome::Charged(working.settle(op, id, stored, *seq))
}
