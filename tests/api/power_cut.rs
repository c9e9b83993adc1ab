//! A power cut loses nothing that was acknowledged (I8).
//!
//! What is on the disk after one: all that was flushed, and of what came later any
//! part. Every acknowledged charge notes how long the log was by then; copies of the
//! log are cut off anywhere behind that, and must open with the charge in them.
//! `make power-cuts` runs it for longer.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use app::types::Money;
use futures::future::join_all;
use parking_lot::Mutex;
use patchbay::billing::ledger::{Ledger, Payer, credit_account};
use patchbay::clock::Clock;
use rand::RngExt as _;

use crate::ledger::{Books, generation};
use crate::support::{Database, asked_for};

const ORG: &str = "acme";

/// The length of the log when a charge was acknowledged, and the charge.
type Acknowledged = Arc<Mutex<Vec<(u64, String)>>>;

fn file_of(database: &Database) -> PathBuf {
    PathBuf::from(database.url.strip_prefix("sqlite:").unwrap())
}

fn log_of(file: &Path) -> PathBuf {
    PathBuf::from(format!("{}-wal", file.display()))
}

async fn spend(ledger: Ledger, log: PathBuf, number: u32, acknowledged: Acknowledged) {
    let payer = Payer { account_id: credit_account(ORG), key_id: format!("key-{number}"), ..Payer::default() };
    for step in 0..4 {
        let id = format!("g-{number}-{step}");
        let hold = ledger.hold(&id, &payer, Money(50), 60_000).await.unwrap();
        if step == 3 && number.is_multiple_of(2) {
            // Still under way when the power fails.
            std::mem::forget(hold);
            return;
        }
        assert_eq!(hold.settle(Money(40), generation(&id)).await, Some(Money(40)));
        let length = std::fs::metadata(&log).unwrap().len();
        acknowledged.lock().push((length, id));
    }
}

/// Spends, then looks at `cuts` ways in which the power may have failed meanwhile.
async fn cut(cuts: u32) {
    let database = Database::sqlite();
    let file = file_of(&database);
    let log = log_of(&file);
    let books = Books::open_at(&database, Clock::system(), "node-1").await;
    books.ledger.grant("start", ORG, Money(1_000_000), "").await.unwrap();
    sqlx::query("PRAGMA wal_checkpoint(TRUNCATE)").execute(books.store.pool()).await.unwrap();
    let before = std::fs::read(&file).unwrap();

    let acknowledged = Acknowledged::default();
    let spenders = (0..24).map(|number| spend(books.ledger.clone(), log.clone(), number, Arc::clone(&acknowledged)));
    join_all(spenders).await;
    let written = std::fs::read(&log).unwrap();
    assert!(std::fs::read(&file).unwrap() == before, "everything that was written is in the log");
    let acknowledged = acknowledged.lock().clone();
    for number in 0..cuts {
        let at = rand::rng().random_range(0..=written.len());
        // Half of them right where an acknowledgement was given.
        let (mark, _) = acknowledged[rand::rng().random_range(0..acknowledged.len())];
        let at = if number % 2 == 0 { at } else { usize::try_from(mark).unwrap() };
        let rest = written.len() - at;
        let tail: Vec<u8> = match number % 3 {
            0 => Vec::new(),
            1 => vec![0; rest],
            _ => (0..rest).map(|_| rand::rng().random()).collect(),
        };
        let log = [&written[..at], &tail].concat();
        look(&before, &log, at, &acknowledged).await;
    }
    drop(books);
}

/// Opens what is left after the cut.
async fn look(before: &[u8], log: &[u8], at: usize, acknowledged: &[(u64, String)]) {
    let database = Database::sqlite();
    let file = file_of(&database);
    std::fs::write(&file, before).unwrap();
    std::fs::write(log_of(&file), log).unwrap();
    let books = Books::open_at(&database, Clock::system(), "node-2").await;
    let durable = acknowledged.iter().filter(|(length, _)| usize::try_from(*length).unwrap() <= at);
    for (_, id) in durable {
        let row = books.store.generation(ORG, id).await.unwrap();
        assert_eq!(row.map(|row| row.cost_nanos), Some(40), "{id} was acknowledged, cut at {at}");
        let post = books.store.transfer(id).await.unwrap();
        assert_eq!(post.map(|post| (post.kind, post.amount_nanos)), Some(("post".to_owned(), 40)));
    }
    // Adds up, and holds nothing.
    books.close().await.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_acknowledged_survives_a_power_cut() {
    cut(12).await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "the long form: make power-cuts"]
async fn what_was_acknowledged_survives_five_hundred_power_cuts() {
    const OF_ONE_LOG: u32 = 20;
    let cuts = asked_for("CUTS", 500);
    for _ in 0..cuts.div_ceil(OF_ONE_LOG) {
        cut(OF_ONE_LOG).await;
    }
    println!("{cuts} power cuts: every acknowledged charge is there and everything adds up");
}
