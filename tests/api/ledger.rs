//! The rules of the ledger, one by one, on both databases.

use std::sync::Arc;

use app::types::Money;
use app::types::keys::LimitReset;
use patchbay::billing::audit;
use patchbay::billing::ledger::{HoldError, Ledger, Payer, Stake, TransferOutcome, WriterTask, credit_account};
use patchbay::clock::{Clock, parse_rfc3339};
use patchbay::store::Store;
use patchbay::store::generations::GenerationRow;
use patchbay::store::rollups::DailyScope;

use crate::on_both_databases;
use crate::support::Database;

const ORG: &str = "acme";
const TTL_MS: i64 = 60_000;

pub struct Books {
    pub store: Store,
    pub clock: Clock,
    pub ledger: Ledger,
    pub writer: WriterTask,
    pub ownership: Option<std::fs::File>,
}

impl Books {
    pub async fn open(database: &Database) -> Self {
        Self::open_at(database, Clock::fixed(parse_rfc3339("2026-11-21T12:00:00Z").unwrap()), "node-1").await
    }

    pub async fn open_at(database: &Database, clock: Clock, node: &str) -> Self {
        let store = Store::open(&database.url).await.unwrap();
        store.migrate().await.unwrap();
        let ownership = store.own().unwrap();
        let (ledger, writer) = Ledger::start(store.clone(), clock.clone(), node.to_owned()).await.unwrap();
        Self { store, clock, ledger, writer, ownership }
    }

    pub async fn with_credit(database: &Database, nanos: i64) -> Self {
        let books = Self::open(database).await;
        assert_eq!(books.ledger.grant("start", ORG, Money(nanos), "").await, Some(TransferOutcome::Created));
        books
    }

    pub async fn available(&self) -> i64 {
        self.ledger.balance(&credit_account(ORG)).await.unwrap().available.0
    }

    /// Writes what is queued, checks the books, and returns the store.
    pub async fn close(self) -> Store {
        self.writer.finish().await;
        assert_eq!(audit::differences(&self.store).await.unwrap(), Vec::<String>::new());
        assert_eq!(self.store.holds().await.unwrap(), []);
        self.store
    }
}

fn payer() -> Payer {
    Payer { account_id: credit_account(ORG), ..Payer::default() }
}

pub fn generation(id: &str) -> GenerationRow {
    GenerationRow {
        id: id.to_owned(),
        node_id: "node-1".to_owned(),
        organization_id: ORG.to_owned(),
        attempts: "[]".to_owned(),
        ..GenerationRow::default()
    }
}

on_both_databases! {
    async fn a_hold_sets_credit_aside_until_it_is_settled_or_dropped(database: Database) {
        let books = Books::with_credit(&database, 1_000).await;
        let hold = books.ledger.hold("g1", &payer(), Money(400), TTL_MS).await.unwrap();
        assert_eq!(books.available().await, 600);
        let too_much = books.ledger.hold("g2", &payer(), Money(601), TTL_MS).await.err();
        assert_eq!(too_much, Some(HoldError::Insufficient { available: Money(600) }));

        assert_eq!(hold.settle(Money(150), generation("g1")).await, Some(Money(150)));
        assert_eq!(books.available().await, 850);
        drop(books.ledger.hold("g3", &payer(), Money(850), TTL_MS).await.unwrap());
        // The next operation is answered after the voided hold was taken in.
        books.ledger.grant("later", ORG, Money(1), "").await.unwrap();
        assert_eq!(books.available().await, 851);

        let store = books.close().await;
        let row = store.generation(ORG, "g1").await.unwrap().unwrap();
        assert_eq!((row.cost_nanos, row.seq), (150, 1));
    }
}

on_both_databases! {
    async fn what_goes_beyond_hold_and_balance_is_our_loss(database: Database) {
        let books = Books::with_credit(&database, 100).await;
        let hold = books.ledger.hold("g1", &payer(), Money(60), TTL_MS).await.unwrap();
        assert_eq!(hold.settle(Money(130), generation("g1")).await, Some(Money(100)));
        assert_eq!(books.available().await, 0);
        let store = books.close().await;
        let loss = store.balance("platform:overrun_loss").await.unwrap().unwrap();
        assert_eq!(loss.debited_nanos, 30);
    }
}

on_both_databases! {
    async fn a_hold_that_grows_stays_within_the_balance(database: Database) {
        let books = Books::with_credit(&database, 100).await;
        let mut hold = books.ledger.hold("g1", &payer(), Money(40), TTL_MS).await.unwrap();
        hold.extend(Money(40)).await.unwrap();
        assert_eq!(hold.extend(Money(40)).await, Err(HoldError::Insufficient { available: Money(20) }));
        assert_eq!(hold.amount(), Money(80));
        assert_eq!(hold.settle(Money(75), generation("g1")).await, Some(Money(75)));
        assert_eq!(books.available().await, 25);
        books.close().await;
    }
}

on_both_databases! {
    async fn the_same_transfer_twice_happens_once_and_another_under_its_id_never(database: Database) {
        let books = Books::with_credit(&database, 0).await;
        let grant = |id: &'static str, nanos| {
            let ledger = books.ledger.clone();
            async move { ledger.grant(id, ORG, Money(nanos), "gift").await.unwrap() }
        };
        assert_eq!(grant("a", 5).await, TransferOutcome::Created);
        let (one, two, three) = tokio::join!(grant("b", 7), grant("b", 7), grant("b", 7));
        let created = [one, two, three].iter().filter(|o| **o == TransferOutcome::Created).count();
        assert_eq!(created, 1, "{one:?} {two:?} {three:?}");
        assert_eq!(grant("a", 5).await, TransferOutcome::Exists);
        assert_eq!(grant("a", 6).await, TransferOutcome::Conflict);
        let own = credit_account(ORG);
        let out = books.ledger.transfer("x", "correction", &own, "world", Money(13), "").await;
        assert_eq!(out, Some(TransferOutcome::Insufficient));
        assert_eq!(books.available().await, 12);
        books.close().await;
    }
}

on_both_databases! {
    async fn parallel_holds_never_exceed_the_balance(database: Database) {
        let books = Books::with_credit(&database, 1_000).await;
        let ledger = Arc::new(books.ledger.clone());
        let tasks: Vec<_> = (0..200)
            .map(|n| {
                let ledger = Arc::clone(&ledger);
                tokio::spawn(async move { ledger.hold(&format!("g{n}"), &payer(), Money(30), TTL_MS).await.ok() })
            })
            .collect();
        let mut holds = Vec::new();
        for task in tasks {
            holds.extend(task.await.unwrap());
        }
        assert_eq!(holds.len(), 33, "exactly as many as fit");
        assert_eq!(books.available().await, 10);
        for (n, hold) in holds.into_iter().enumerate() {
            let row = generation(&format!("g-settled-{n}"));
            assert_eq!(hold.settle(Money(30), row).await, Some(Money(30)));
        }
        assert_eq!(books.available().await, 10);
        drop(ledger);
        books.close().await;
    }
}

on_both_databases! {
    async fn a_keys_limit_holds_in_its_window_and_starts_anew_with_the_next(database: Database) {
        let books = Books::with_credit(&database, 10_000).await;
        let limited = Payer {
            key_id: "k1".to_owned(),
            limit: Some(Money(100)),
            limit_reset: Some(LimitReset::Daily),
            ..payer()
        };
        let first = books.ledger.hold("g1", &limited, Money(70), TTL_MS).await.unwrap();
        let second = books.ledger.hold("g2", &limited, Money(40), TTL_MS).await.err();
        assert_eq!(second, Some(HoldError::KeyLimit { remaining: Money(30) }));
        first.settle(Money(60), generation("g1")).await.unwrap();
        assert_eq!(books.ledger.key_usage("k1").await.unwrap().daily.credit, Money(60));
        let third = books.ledger.hold("g3", &limited, Money(41), TTL_MS).await.err();
        assert_eq!(third, Some(HoldError::KeyLimit { remaining: Money(40) }));

        books.clock.set(parse_rfc3339("2026-11-22T00:00:00Z").unwrap());
        let tomorrow = books.ledger.hold("g4", &limited, Money(100), TTL_MS).await.unwrap();
        tomorrow.settle(Money(100), generation("g4")).await.unwrap();
        let usage = books.ledger.key_usage("k1").await.unwrap();
        assert_eq!((usage.total, usage.daily, usage.weekly), (Money(160).into(), Money(100).into(), Money(160).into()));
        books.close().await;
    }
}

on_both_databases! {
    async fn what_own_keys_cost_counts_only_in_the_limits_that_include_it(database: Database) {
        let books = Books::with_credit(&database, 100).await;
        let without = Payer { key_id: "k1".to_owned(), limit: Some(Money(50)), ..payer() };
        let with = Payer { includes_byok: true, ..without.clone() };
        let stake = |credit, own| Stake { credit: Money(credit), own: Money(own) };
        let mut first = books.ledger.hold("g1", &with, stake(1, 20), TTL_MS).await.unwrap();
        first.extend(stake(0, 9)).await.unwrap();
        let refused = Some(HoldError::KeyLimit { remaining: Money(20) });
        assert_eq!(books.ledger.hold("g2", &with, stake(1, 20), TTL_MS).await.err(), refused, "30 are held");
        assert_eq!(first.extend(stake(0, 21)).await.err(), refused);
        let free = books.ledger.hold("g3", &without, stake(1, 1_000), TTL_MS).await.unwrap();
        assert_eq!(books.available().await, 98, "own keys take nothing of the balance");
        assert_eq!(free.settle(stake(0, 0), generation("g3")).await, Some(Money(0)));
        first.settle(stake(1, 24), generation("g1")).await.unwrap();
        assert_eq!(books.ledger.key_usage("k1").await.unwrap().daily, stake(1, 24));
        let refused = Some(HoldError::KeyLimit { remaining: Money(25) });
        assert_eq!(books.ledger.hold("g4", &with, stake(0, 26), TTL_MS).await.err(), refused);
        books.clock.set(parse_rfc3339("2026-11-22T00:00:00Z").unwrap());
        let usage = books.ledger.key_usage("k1").await.unwrap();
        assert_eq!((usage.daily, usage.monthly), (Stake::default(), stake(1, 24)));
        books.close().await;
    }
}

on_both_databases! {
    async fn a_restart_keeps_every_charge_and_frees_every_hold(database: Database) {
        let books = Books::with_credit(&database, 1_000).await;
        let settled = books.ledger.hold("g1", &payer(), Money(100), TTL_MS).await.unwrap();
        settled.settle(Money(80), generation("g1")).await.unwrap();
        let key = Payer { key_id: "k1".to_owned(), ..payer() };
        let stake = Stake { credit: Money(300), own: Money(7) };
        let mut lost = books.ledger.hold("g2", &key, stake, TTL_MS).await.unwrap();
        lost.extend(Stake { credit: Money(50), own: Money(4) }).await.unwrap();
        // Old enough to have been written.
        books.clock.set(books.clock.now_ms() + 10_000);
        while books.store.holds().await.unwrap().is_empty() {
            tokio::task::yield_now().await;
        }
        // The process dies: nobody resolves the hold.
        std::mem::forget(lost);
        let Books { store, clock, writer, ownership, .. } = books;
        writer.finish().await;
        drop(ownership);
        store.close().await;

        clock.set(clock.now_ms() + 10 * TTL_MS);
        let again = Books::open_at(&database, clock, "node-2").await;
        again.ledger.reap().await.unwrap();
        assert_eq!(again.available().await, 920);
        let usage = again.store.key_usage("k1").await.unwrap().unwrap();
        assert_eq!((usage.held_nanos, usage.own_held_nanos), (0, 0));
        again.close().await;
    }
}

on_both_databases! {
    async fn a_caller_who_leaves_while_his_hold_is_decided_leaves_nothing_held(database: Database) {
        let books = Books::with_credit(&database, 1_000).await;
        for n in 0..40 {
            let id = format!("g{n}");
            let payer = payer();
            let waiting = books.ledger.hold(&id, &payer, Money(10), TTL_MS);
            drop(tokio::time::timeout(std::time::Duration::ZERO, waiting).await);
            let mut hold = books.ledger.hold(&format!("h{n}"), &payer, Money(5), TTL_MS).await.unwrap();
            drop(tokio::time::timeout(std::time::Duration::ZERO, hold.extend(Money(7))).await);
            drop(hold);
        }
        // Each is answered after what was queued before it.
        for n in 0..3 {
            books.ledger.grant(&format!("later-{n}"), ORG, Money(0), "").await.unwrap();
        }
        assert_eq!(books.available().await, 1_000);
        books.close().await;
    }
}

on_both_databases! {
    async fn transfers_can_be_neither_changed_nor_deleted(database: Database) {
        let books = Books::with_credit(&database, 5).await;
        for text in ["UPDATE transfers SET amount_nanos = 6", "DELETE FROM transfers"] {
            assert!(sqlx::query(text).execute(books.store.pool()).await.is_err(), "{text}");
        }
        assert_eq!(books.available().await, 5);
        books.close().await;
    }
}

on_both_databases! {
    async fn a_balance_that_was_tampered_with_is_found(database: Database) {
        let books = Books::with_credit(&database, 5).await;
        books.writer.finish().await;
        sqlx::query("UPDATE balances SET credited_nanos = credited_nanos + 1 WHERE account_id = 'org:acme:credit'")
            .execute(books.store.pool())
            .await
            .unwrap();
        let found = audit::differences(&books.store).await.unwrap();
        assert!(found.iter().any(|line| line.starts_with("org:acme:credit: credits")), "{found:?}");
    }
}

on_both_databases! {
    async fn a_transfer_that_was_tampered_with_breaks_the_chain(database: Database) {
        let books = Books::with_credit(&database, 5).await;
        books.ledger.grant("second", ORG, Money(7), "").await.unwrap();
        books.writer.finish().await;
        assert_eq!(audit::differences(&books.store).await.unwrap(), Vec::<String>::new());
        let drop_guard = if database.url.starts_with("sqlite") {
            "DROP TRIGGER transfers_are_final_update"
        } else {
            "DROP TRIGGER transfers_are_final ON transfers"
        };
        sqlx::query(drop_guard).execute(books.store.pool()).await.unwrap();
        sqlx::query("UPDATE transfers SET description = 'forged' WHERE id = 'grant:second'")
            .execute(books.store.pool())
            .await
            .unwrap();
        let found = audit::differences(&books.store).await.unwrap();
        assert!(found.iter().any(|line| line.contains("one of them was changed")), "{found:?}");
    }
}

on_both_databases! {
    async fn generations_are_folded_exactly_once(database: Database) {
        let books = Books::with_credit(&database, 1_000_000).await;
        let mut spent = 0;
        for n in 0..40 {
            let id = format!("g{n}");
            let mut row = generation(&id);
            row.model_id = format!("acme/m{}", n % 3);
            row.created_at = books.clock.now_ms();
            row.prompt_tokens = 10;
            row.completion_tokens = n;
            let hold = books.ledger.hold(&id, &payer(), Money(100), TTL_MS).await.unwrap();
            hold.settle(Money(n), row).await.unwrap();
            spent += n;
            if n % 7 == 0 {
                // Two jobs at once, as on two nodes.
                let (a, b) = tokio::join!(books.store.fold_generations(), books.store.fold_generations());
                let _ = (a, b);
            }
        }
        while books.store.fold_generations().await.unwrap() > 0 {}
        let day = books.clock.now_ms() / 86_400_000;
        let rows = books.store.daily_usage(&DailyScope { organization_id: ORG, from: day, to: day + 1, ..DailyScope::default() }).await.unwrap();
        let sum = |f: fn(&patchbay::store::rollups::UsageRow) -> i64| rows.iter().map(f).sum::<i64>();
        assert_eq!(sum(|row| row.requests), 40);
        assert_eq!(sum(|row| row.cost_nanos), spent);
        assert_eq!(sum(|row| row.prompt_tokens), 400);
        assert_eq!(rows.len(), 3);
        books.close().await;
    }
}

on_both_databases! {
    async fn what_was_refused_for_lack_of_funds_stays_refused(database: Database) {
        let books = Books::with_credit(&database, 10).await;
        books.ledger.invoice("first", ORG, Money(5), "").await.unwrap();
        let take = async |id: &str, amount| {
            let own = credit_account(ORG);
            books.ledger.transfer(id, "correction", &own, "world", Money(amount), "").await.unwrap()
        };
        assert_eq!(take("x", 6).await, TransferOutcome::Insufficient, "ten of the fifteen are a gift");
        books.ledger.invoice("second", ORG, Money(100), "").await.unwrap();
        assert_eq!(take("x", 6).await, TransferOutcome::Insufficient, "funds that come later change nothing");
        assert_eq!(take("x", 7).await, TransferOutcome::Conflict);
        assert_eq!(take("y", 6).await, TransferOutcome::Created, "under an id of its own it is another wish");
        assert_eq!(take("y", 6).await, TransferOutcome::Exists);
        assert_eq!(books.available().await, 109);
        let moved = books.store.transfers_of(&credit_account(ORG), 10).await.unwrap();
        assert!(moved.iter().all(|row| row.kind != "refused"), "what did not happen is in no history: {moved:?}");
        let store = books.close().await;
        store.close().await;
    }
}

on_both_databases! {
    async fn two_refunds_at_once_take_no_gift(database: Database) {
        let books = Books::with_credit(&database, 15).await;
        books.ledger.invoice("paid", ORG, Money(10), "").await.unwrap();
        let take = |id: &'static str| {
            let (ledger, own) = (books.ledger.clone(), credit_account(ORG));
            async move { ledger.transfer(id, "refund", &own, "world", Money(10), "").await.unwrap() }
        };
        let (one, other) = tokio::join!(take("a"), take("b"));
        let created = [one, other].into_iter().filter(|outcome| *outcome == TransferOutcome::Created).count();
        assert_eq!((created, books.available().await), (1, 15));
        books.close().await;
    }
}
