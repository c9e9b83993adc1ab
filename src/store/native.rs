//! The ledger's own way into an SQLite file: whole batches, on a thread of its own.
//!
//! Through the pool every statement changes threads and every value is copied
//! twice, which cost a fifth of all the time a request takes. This writes what
//! `ledger::write_batch` writes, in the same order.

use std::path::Path;
use std::thread::JoinHandle;

use rusqlite::{Connection, ErrorCode, ToSql, Transaction, TransactionBehavior, params};
use tokio::sync::oneshot;

use super::SQLITE_PRAGMAS;
use super::generations::{self, Posted};
use super::ledger::LedgerBatch;

/// Why a batch was not written.
#[derive(Debug, thiserror::Error)]
pub enum WriteError {
    #[error(transparent)]
    Pool(#[from] sqlx::Error),
    #[error(transparent)]
    Native(#[from] rusqlite::Error),
    #[error("the ledger's thread is gone")]
    Gone,
}

impl WriteError {
    /// The database was reached and will never take this: a rule of the tables is
    /// broken. A lock, a full disk or a fail-over passes.
    #[must_use]
    pub fn is_refusal(&self) -> bool {
        match self {
            Self::Pool(error) => {
                error.as_database_error().is_some_and(|error| !matches!(error.kind(), sqlx::error::ErrorKind::Other))
            }
            Self::Native(error) => error.sqlite_error_code() == Some(ErrorCode::ConstraintViolation),
            Self::Gone => false,
        }
    }
}

struct Job {
    batch: LedgerBatch,
    reply: oneshot::Sender<rusqlite::Result<()>>,
}

/// The thread and its connection. Ends, after what it was given, when dropped.
#[derive(Debug)]
pub struct NativeWriter {
    jobs: Option<std::sync::mpsc::Sender<Job>>,
    thread: Option<JoinHandle<()>>,
}

impl NativeWriter {
    /// # Errors
    /// When the file cannot be opened or the thread not be started.
    pub fn open(file: &Path) -> Result<Self, WriteError> {
        let mut connection = Connection::open(file)?;
        connection.execute_batch(SQLITE_PRAGMAS)?;
        connection.set_prepared_statement_cache_capacity(32);
        let (jobs, inbox) = std::sync::mpsc::channel::<Job>();
        let run = move || {
            while let Ok(Job { batch, reply }) = inbox.recv() {
                let result = write(&mut connection, &batch);
                // Whoever asked may have given up; what is committed stays.
                let _ = reply.send(result);
            }
        };
        let thread = std::thread::Builder::new().name("ledger".to_owned()).spawn(run).map_err(|_| WriteError::Gone)?;
        Ok(Self { jobs: Some(jobs), thread: Some(thread) })
    }

    /// Writes a batch in a transaction of its own. Durable when this returns.
    ///
    /// # Errors
    /// [`WriteError`]; nothing was written then, unless the answer to the commit was lost.
    pub async fn write(&self, batch: LedgerBatch) -> Result<(), WriteError> {
        let (reply, answer) = oneshot::channel();
        let jobs = self.jobs.as_ref().ok_or(WriteError::Gone)?;
        jobs.send(Job { batch, reply }).map_err(|_| WriteError::Gone)?;
        Ok(answer.await.map_err(|_| WriteError::Gone)??)
    }
}

impl Drop for NativeWriter {
    fn drop(&mut self) {
        self.jobs = None;
        if let Some(thread) = self.thread.take() {
            // A panic there has been reported by the reply that never came.
            let _ = thread.join();
        }
    }
}

fn write(connection: &mut Connection, batch: &LedgerBatch) -> rusqlite::Result<()> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    write_batch(&transaction, batch)?;
    transaction.commit()
}

fn write_batch(connection: &Transaction<'_>, batch: &LedgerBatch) -> rusqlite::Result<()> {
    each(
        connection,
        "INSERT INTO transfers (id, kind, debit_account_id, credit_account_id, amount_nanos, hold_nanos, \
         promo_nanos, description, created_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
        &batch.transfers,
        |run, row| {
            run(params![
                row.id,
                row.kind,
                row.debit_account_id,
                row.credit_account_id,
                row.amount_nanos,
                row.hold_nanos,
                row.promo_nanos,
                row.description,
                row.created_at
            ])
        },
    )?;
    each(
        connection,
        "INSERT INTO seals (node_id, number, previous, digest, transfer_ids, created_at) VALUES (?, ?, ?, ?, ?, ?)",
        batch.seal.as_slice(),
        |run, row| run(params![row.node_id, row.number, row.previous, row.digest, row.transfer_ids, row.created_at]),
    )?;
    each(
        connection,
        "INSERT INTO holds (id, account_id, key_id, amount_nanos, own_nanos, node_id, created_at, expires_at) \
         VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        &batch.new_holds,
        |run, row| {
            run(params![
                row.id,
                row.account_id,
                row.key_id,
                row.amount_nanos,
                row.own_nanos,
                row.node_id,
                row.created_at,
                row.expires_at
            ])
        },
    )?;
    each(
        connection,
        "UPDATE holds SET amount_nanos = amount_nanos + ?, own_nanos = own_nanos + ? WHERE id = ?",
        &batch.grown_holds,
        |run, grown| run(params![grown.amount_nanos, grown.own_nanos, grown.id]),
    )?;
    each(connection, "DELETE FROM holds WHERE id = ?", &batch.resolved_holds, |run, id| run(params![id]))?;
    each(
        connection,
        "INSERT INTO balances (account_id, credited_nanos, debited_nanos, held_nanos, floor_nanos, promo_nanos, \
         is_frozen) VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT (account_id) DO UPDATE SET credited_nanos = excluded.credited_nanos, \
         debited_nanos = excluded.debited_nanos, held_nanos = excluded.held_nanos, floor_nanos = excluded.floor_nanos, \
         promo_nanos = excluded.promo_nanos, is_frozen = excluded.is_frozen",
        &batch.balances,
        |run, row| {
            run(params![
                row.account_id,
                row.credited_nanos,
                row.debited_nanos,
                row.held_nanos,
                row.floor_nanos,
                row.promo_nanos,
                row.is_frozen
            ])
        },
    )?;
    write_key_usage(connection, batch)?;
    each(connection, generations::INSERT_ONE, &batch.generations, write_generation)
}

fn write_key_usage(connection: &Transaction<'_>, batch: &LedgerBatch) -> rusqlite::Result<()> {
    each(
        connection,
        "INSERT INTO key_usage (key_id, held_nanos, total_nanos, day, day_nanos, week, week_nanos, month, \
         month_nanos, last_used_at, own_held_nanos, own_total_nanos, own_day_nanos, own_week_nanos, own_month_nanos) \
         VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (key_id) DO UPDATE SET \
         held_nanos = excluded.held_nanos, total_nanos = excluded.total_nanos, day = excluded.day, \
         day_nanos = excluded.day_nanos, week = excluded.week, week_nanos = excluded.week_nanos, \
         month = excluded.month, month_nanos = excluded.month_nanos, last_used_at = excluded.last_used_at, \
         own_held_nanos = excluded.own_held_nanos, own_total_nanos = excluded.own_total_nanos, \
         own_day_nanos = excluded.own_day_nanos, own_week_nanos = excluded.own_week_nanos, \
         own_month_nanos = excluded.own_month_nanos",
        &batch.key_usage,
        |run, row| {
            run(params![
                row.key_id,
                row.held_nanos,
                row.total_nanos,
                row.day,
                row.day_nanos,
                row.week,
                row.week_nanos,
                row.month,
                row.month_nanos,
                row.last_used_at,
                row.own_held_nanos,
                row.own_total_nanos,
                row.own_day_nanos,
                row.own_week_nanos,
                row.own_month_nanos
            ])
        },
    )
}

/// Runs one statement, prepared once, for each row.
fn each<T>(
    connection: &Transaction<'_>,
    text: &'static str,
    rows: &[T],
    bind: impl Fn(&mut dyn FnMut(&[&dyn ToSql]) -> rusqlite::Result<usize>, &T) -> rusqlite::Result<usize>,
) -> rusqlite::Result<()> {
    if rows.is_empty() {
        return Ok(());
    }
    let mut statement = connection.prepare_cached(text)?;
    for row in rows {
        bind(&mut |values| statement.execute(values), row)?;
    }
    Ok(())
}

fn write_generation(
    run: &mut dyn FnMut(&[&dyn ToSql]) -> rusqlite::Result<usize>,
    Posted { seq, cost_nanos, row }: &Posted,
) -> rusqlite::Result<usize> {
    run(params![
        row.id,
        row.node_id,
        seq,
        row.created_at,
        row.organization_id,
        row.workspace_id,
        row.key_id,
        row.user_id,
        row.requested_model,
        row.model_id,
        row.endpoint_id,
        row.provider_slug,
        row.provider_name,
        row.is_simulated,
        row.price_id,
        row.app_url,
        row.app_title,
        row.api_type,
        row.is_streamed,
        row.is_cancelled,
        row.is_estimated,
        row.prompt_tokens,
        row.completion_tokens,
        row.reasoning_tokens,
        row.cached_tokens,
        row.cache_write_tokens,
        row.cache_write_1h_tokens,
        cost_nanos,
        row.upstream_cost_nanos,
        row.finish_reason,
        row.native_finish_reason,
        row.latency_ms,
        row.generation_ms,
        row.attempts,
        row.status,
        row.error,
        row.upstream_id,
        row.user_agent,
        row.session_id,
        row.external_user,
        row.routing,
        row.own_key_id,
        row.other_usage,
        row.discount_basis_points,
        row.task,
        row.language,
        row.category,
        row.prompt_images,
        row.prompt_media
    ])
}
