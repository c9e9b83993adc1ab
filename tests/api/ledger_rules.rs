//! Rules of the ledger that only show at its edges: what is written of a charge, what
//! is counted while an account is overdrawn, whose holds are given back.

use app::types::Money;
use patchbay::billing::ledger::{HoldError, Leg, Payer, Stake, TransferOutcome, WORLD, credit_account};
use patchbay::store::generations::GenerationRow;

use crate::ledger::{Books, generation};
use crate::on_both_databases;
use crate::support::Database;

const ORG: &str = "acme";
const TTL_MS: i64 = 60_000;

fn payer() -> Payer {
    Payer { account_id: credit_account(ORG), ..Payer::default() }
}

fn counting_in(key: &str) -> Payer {
    Payer { key_id: key.to_owned(), ..payer() }
}

/// Takes this much out of the organization, also where it is not there.
async fn take_back(books: &Books, id: &str, amount: i64) {
    let leg = Leg {
        id: id.to_owned(),
        kind: "dispute",
        debit: credit_account(ORG),
        credit: WORLD.to_owned(),
        amount: Money(amount),
        promotional: Money::ZERO,
        description: String::new(),
    };
    assert_eq!(books.ledger.book(&[leg], true).await, Some(TransferOutcome::Created));
}

on_both_databases! {
    async fn a_request_that_cost_nothing_is_posted_all_the_same(database: Database) {
        let books = Books::open(&database).await;
        let hold = books.ledger.hold("g1", &payer(), Money(0), TTL_MS).await.unwrap();
        assert_eq!(hold.settle(Money(0), generation("g1")).await, Some(Money(0)));
        let account = books.store.balance(&credit_account(ORG)).await.unwrap().unwrap();
        assert_eq!(account.floor_nanos, Some(0), "an account begins with the right to nothing below zero");
        let store = books.close().await;
        let posted = store.transfer("g1").await.unwrap().unwrap();
        assert_eq!((posted.kind.as_str(), posted.amount_nanos, posted.hold_nanos), ("post", 0, 0));
    }
}

/// Waits until every hold is old enough, and written.
async fn written(books: &Books) -> Vec<i64> {
    books.clock.set(books.clock.now_ms() + 10_000);
    loop {
        let holds = books.store.holds().await.unwrap();
        if !holds.is_empty() {
            return holds.iter().map(|hold| hold.amount_nanos).collect();
        }
        tokio::task::yield_now().await;
    }
}

on_both_databases! {
    async fn a_hold_that_was_written_leaves_a_void_when_it_is_dropped(database: Database) {
        let books = Books::with_credit(&database, 1_000).await;
        let mut dropped = books.ledger.hold("g1", &payer(), Money(300), TTL_MS).await.unwrap();
        dropped.extend(Money(50)).await.unwrap();
        assert_eq!(written(&books).await, [350]);
        drop(dropped);
        let store = books.close().await;
        let void = store.transfer("g1").await.unwrap().unwrap();
        assert_eq!((void.kind.as_str(), void.amount_nanos, void.hold_nanos), ("void", 0, 350));
    }
}

on_both_databases! {
    async fn a_hold_that_grows_at_its_very_end_is_given_back_whole(database: Database) {
        let books = Books::with_credit(&database, 1_000).await;
        let payer = counting_in("k1");
        let mut hold = books.ledger.hold("g1", &payer, Money(100), TTL_MS).await.unwrap();
        assert_eq!(written(&books).await, [100]);
        hold.extend(Money(50)).await.unwrap();
        assert_eq!(hold.settle(Money(120), generation("g1")).await, Some(Money(120)));
        let account = books.store.balance(&credit_account(ORG)).await.unwrap().unwrap();
        assert_eq!((account.held_nanos, books.available().await), (0, 880));
        assert_eq!(books.store.key_usage("k1").await.unwrap().unwrap().held_nanos, 0);
        books.close().await;
    }
}

on_both_databases! {
    async fn what_a_dropped_hold_took_of_a_keys_limit_is_free_again(database: Database) {
        let books = Books::with_credit(&database, 1_000).await;
        let limited = Payer { limit: Some(Money(100)), ..counting_in("k1") };
        drop(books.ledger.hold("g1", &limited, Money(70), TTL_MS).await.unwrap());
        // The next operation is answered after the voided hold was taken in.
        books.ledger.grant("later", ORG, Money(1), "").await.unwrap();
        let all = books.ledger.hold("g2", &limited, Money(100), TTL_MS).await.unwrap();
        let more = books.ledger.hold("g3", &limited, Money(1), TTL_MS).await.err();
        assert_eq!(more, Some(HoldError::KeyLimit { remaining: Money(0) }));
        all.settle(Money(30), generation("g2")).await.unwrap();
        let rest = books.ledger.hold("g4", &limited, Money(70), TTL_MS).await.unwrap();
        rest.settle(Money(70), generation("g4")).await.unwrap();
        books.close().await;
    }
}

on_both_databases! {
    async fn a_hold_that_grows_after_it_was_written_is_given_back_whole(database: Database) {
        let books = Books::with_credit(&database, 1_000).await;
        let payer = counting_in("k1");
        let mut hold = books.ledger.hold("g1", &payer, Money(100), TTL_MS).await.unwrap();
        assert_eq!(written(&books).await, [100]);
        hold.extend(Money(50)).await.unwrap();
        // A transaction of its own for what was asked until here.
        books.ledger.grant("between", ORG, Money(0), "").await.unwrap();
        assert_eq!(books.store.holds().await.unwrap()[0].amount_nanos, 150);
        assert_eq!(hold.settle(Money(120), generation("g1")).await, Some(Money(120)));
        let account = books.store.balance(&credit_account(ORG)).await.unwrap().unwrap();
        assert_eq!((account.held_nanos, books.available().await), (0, 880));
        assert_eq!(books.store.key_usage("k1").await.unwrap().unwrap().held_nanos, 0);
        books.close().await;
    }
}

#[tokio::test]
async fn a_fresh_hold_costs_no_write_where_one_process_decides() {
    let database = Database::sqlite();
    let books = Books::with_credit(&database, 1_000).await;
    let hold = books.ledger.hold("g1", &payer(), Money(300), TTL_MS).await.unwrap();
    books.ledger.grant("between", ORG, Money(0), "").await.unwrap();
    assert_eq!(books.store.holds().await.unwrap(), []);
    hold.settle(Money(10), generation("g1")).await.unwrap();
    books.close().await;
}

#[tokio::test]
async fn what_the_database_refuses_for_good_spoils_nothing_else() {
    let database = Database::sqlite();
    let books = Books::with_credit(&database, 1_000).await;
    let refusal = "CREATE TRIGGER refuse_one BEFORE INSERT ON generations WHEN NEW.id = 'spoiled' \
                   BEGIN SELECT RAISE(ABORT, 'not this one'); END";
    sqlx::query(refusal).execute(books.store.pool()).await.unwrap();
    let limited = Payer { limit: Some(Money(500)), ..counting_in("k1") };
    let spoiled = books.ledger.hold("spoiled", &limited, Money(300), TTL_MS).await.unwrap();
    let sound = books.ledger.hold("sound", &payer(), Money(200), TTL_MS).await.unwrap();
    let (lost, charged) =
        tokio::join!(spoiled.settle(Money(300), generation("spoiled")), sound.settle(Money(150), generation("sound")));
    assert_eq!((lost, charged), (None, Some(Money(150))));
    assert_eq!(books.available().await, 850, "what was set aside for it is free again");
    let again = books.ledger.hold("again", &limited, Money(500), TTL_MS).await.unwrap();
    again.settle(Money(1), generation("again")).await.unwrap();
    books.close().await;
}

#[tokio::test]
async fn what_is_being_taken_out_cannot_be_held() {
    let database = Database::sqlite();
    let books = Books::with_credit(&database, 0).await;
    books.ledger.invoice("paid", ORG, Money(10), "").await.unwrap();
    let (payer, own) = (payer(), credit_account(ORG));
    // The first is decided when it is asked for, before anything is written.
    let (taken, held) = tokio::join!(
        books.ledger.transfer("refund", "refund", &own, WORLD, Money(10), ""),
        books.ledger.hold("g1", &payer, Money(1), TTL_MS),
    );
    assert_eq!(taken, Some(TransferOutcome::Created));
    assert_eq!(held.err(), Some(HoldError::Insufficient { available: Money(0) }));
    assert_eq!(books.available().await, 0);
    books.close().await;
}

#[tokio::test]
async fn a_hold_that_was_never_written_leaves_nothing() {
    let database = Database::sqlite();
    let books = Books::with_credit(&database, 1_000).await;
    drop(books.ledger.hold("g1", &payer(), Money(300), TTL_MS).await.unwrap());
    let store = books.close().await;
    assert_eq!(store.transfer("g1").await.unwrap(), None);
}

on_both_databases! {
    async fn while_an_account_is_overdrawn_the_holds_of_others_come_first(database: Database) {
        let books = Books::with_credit(&database, 100).await;
        let first = books.ledger.hold("g1", &payer(), Money(60), TTL_MS).await.unwrap();
        let second = books.ledger.hold("g2", &payer(), Money(40), TTL_MS).await.unwrap();
        take_back(&books, "dispute", 80).await;
        assert_eq!(books.available().await, -80);
        let account = books.store.balance(&credit_account(ORG)).await.unwrap().unwrap();
        assert_eq!(account.floor_nanos, None, "what is held already may go below zero");
        assert_eq!(second.settle(Money(40), generation("g2")).await, Some(Money(0)), "60 of 20 are held");
        assert_eq!(first.settle(Money(60), generation("g1")).await, Some(Money(20)), "what is left");
        assert_eq!(books.available().await, 0);
        let store = books.close().await;
        let loss = store.balance("platform:overrun_loss").await.unwrap().unwrap();
        assert_eq!(loss.debited_nanos, 80);
    }
}

on_both_databases! {
    async fn an_overdrawn_account_pays_what_it_owes_first_and_is_then_kept_above_zero_again(database: Database) {
        let books = Books::with_credit(&database, 0).await;
        books.ledger.invoice("paid", ORG, Money(10), "").await.unwrap();
        take_back(&books, "dispute", 30).await;
        let store = books.store.clone();
        let floor = async || store.balance(&credit_account(ORG)).await.unwrap().unwrap().floor_nanos;
        assert_eq!((books.available().await, floor().await), (-20, None));
        assert!(books.ledger.hold("g1", &payer(), Money(0), TTL_MS).await.is_err(), "not even what is free");
        books.ledger.invoice("some", ORG, Money(19), "").await.unwrap();
        assert_eq!((books.available().await, floor().await), (-1, None));
        books.ledger.invoice("all", ORG, Money(1), "").await.unwrap();
        assert_eq!((books.available().await, floor().await), (0, Some(0)));
        books.close().await;
    }
}

on_both_databases! {
    async fn the_past_is_charged_at_its_own_time_under_its_own_number(database: Database) {
        let books = Books::with_credit(&database, 1_000).await;
        let past = |n: i64| GenerationRow {
            seq: 70 + n,
            node_id: "elsewhere".to_owned(),
            cost_nanos: 100 * n,
            created_at: 1_600_000_000_000 + n,
            ..generation(&format!("old-{n}"))
        };
        books.ledger.import(vec![past(1), past(2)]).await.unwrap();
        assert_eq!(books.available().await, 700);
        let too_much = GenerationRow { cost_nanos: 701, ..past(3) };
        assert_eq!(books.ledger.import(vec![too_much]).await, None, "it would not be covered");
        assert_eq!(books.available().await, 700);
        let now = books.ledger.hold("new", &payer(), Money(1), TTL_MS).await.unwrap();
        now.settle(Money(1), generation("new")).await.unwrap();
        let today = books.clock.now_ms();
        let store = books.close().await;
        let row = store.generation(ORG, "old-2").await.unwrap().unwrap();
        assert_eq!((row.cost_nanos, row.seq, row.created_at), (200, 72, 1_600_000_000_002));
        assert_eq!(store.transfer("old-2").await.unwrap().unwrap().created_at, 1_600_000_000_002);
        assert_eq!(store.transfer("new").await.unwrap().unwrap().created_at, today);
        assert_eq!(store.generation(ORG, "new").await.unwrap().unwrap().seq, 1, "this node's numbers are its own");
    }
}

on_both_databases! {
    async fn an_id_between_other_accounts_is_another_wish(database: Database) {
        let books = Books::with_credit(&database, 0).await;
        books.ledger.invoice("paid", ORG, Money(100), "").await.unwrap();
        let own = credit_account(ORG);
        let move_to = async |id: &str, debit: &str, credit: &str, amount| {
            books.ledger.transfer(id, "correction", debit, credit, Money(amount), "").await.unwrap()
        };
        assert_eq!(move_to("a", &own, WORLD, 5).await, TransferOutcome::Created);
        assert_eq!(move_to("a", &own, WORLD, 5).await, TransferOutcome::Exists);
        assert_eq!(move_to("a", &own, "org:other:credit", 5).await, TransferOutcome::Conflict);
        assert_eq!(move_to("a", "org:other:credit", WORLD, 5).await, TransferOutcome::Conflict);
        // The same of a refusal.
        assert_eq!(move_to("b", &own, WORLD, 96).await, TransferOutcome::Insufficient);
        assert_eq!(move_to("b", &own, "org:other:credit", 96).await, TransferOutcome::Conflict);
        assert_eq!(books.available().await, 95);
        books.close().await;
    }
}

on_both_databases! {
    async fn a_refusal_moves_no_gift_either(database: Database) {
        let books = Books::with_credit(&database, 40).await;
        let leg = |id: &str, amount, promotional| Leg {
            id: id.to_owned(),
            kind: "correction",
            debit: credit_account(ORG),
            credit: WORLD.to_owned(),
            amount: Money(amount),
            promotional: Money(promotional),
            description: String::new(),
        };
        let refused = books.ledger.book(&[leg("a", 41, 40)], false).await;
        assert_eq!(refused, Some(TransferOutcome::Insufficient));
        let balance = books.ledger.balance(&credit_account(ORG)).await.unwrap();
        assert_eq!((balance.available, balance.promotional), (Money(40), Money(40)));
        assert_eq!(books.ledger.book(&[leg("b", 30, 30)], false).await, Some(TransferOutcome::Created));
        let balance = books.ledger.balance(&credit_account(ORG)).await.unwrap();
        assert_eq!((balance.available, balance.promotional), (Money(10), Money(10)));
        let store = books.close().await;
        let refused = store.transfer("a").await.unwrap().unwrap();
        assert_eq!((refused.kind.as_str(), refused.description.as_str()), ("refused", "correction"));
        assert_eq!((refused.amount_nanos, refused.hold_nanos, refused.promo_nanos), (0, 41, 0));
    }
}

on_both_databases! {
    async fn several_keys_are_looked_up_at_once(database: Database) {
        let books = Books::with_credit(&database, 1_000).await;
        for (key, cost) in [("k1", 10), ("k2", 20)] {
            let hold = books.ledger.hold(&format!("g-{key}"), &counting_in(key), Money(cost), TTL_MS).await.unwrap();
            hold.settle(Money(cost), generation(&format!("g-{key}"))).await.unwrap();
        }
        let keys = ["k1", "k2", "never"].map(str::to_owned);
        let usages = books.ledger.key_usages(&keys).await.unwrap();
        let totals = keys.clone().map(|key| usages[&key].total);
        assert_eq!(totals, [Stake::from(Money(10)), Money(20).into(), Money(0).into()]);
        assert_eq!((usages["k1"].last_used_at, usages["never"].last_used_at), (Some(books.clock.now_ms()), None));
        books.close().await;
    }
}

on_both_databases! {
    async fn what_is_left_is_known_without_asking_where_one_process_decides(database: Database) {
        let is_file = database.url.starts_with("sqlite");
        let books = Books::with_credit(&database, 1_000).await;
        let hold = books.ledger.hold("g1", &payer(), Money(300), TTL_MS).await.unwrap();
        let known = books.ledger.known_available(&credit_account(ORG));
        assert_eq!(known, is_file.then_some(Money(700)));
        hold.settle(Money(1), generation("g1")).await.unwrap();
        books.close().await;
    }
}

on_both_databases! {
    async fn a_restart_forgets_neither_who_is_frozen_nor_who_is_not(database: Database) {
        let books = Books::with_credit(&database, 1_000).await;
        assert_eq!(books.ledger.grant("theirs", "other", Money(1_000), "").await, Some(TransferOutcome::Created));
        books.ledger.freeze("other", true).await.unwrap();
        books.close().await;
        let books = Books::open(&database).await;
        let theirs = Payer { account_id: credit_account("other"), ..Payer::default() };
        let refused = books.ledger.hold("g1", &theirs, Money(1), TTL_MS).await;
        assert!(matches!(refused, Err(HoldError::Frozen)));
        let hold = books.ledger.hold("g2", &payer(), Money(1), TTL_MS).await.unwrap();
        hold.settle(Money(1), generation("g2")).await.unwrap();
        books.close().await;
    }
}

on_both_databases! {
    async fn what_customers_paid_comes_from_the_way_they_paid_by(database: Database) {
        let books = Books::with_credit(&database, 0).await;
        books.ledger.invoice("2026-7", ORG, Money(500), "by bank").await.unwrap();
        let store = books.close().await;
        let paid = store.transfer("invoice:2026-7").await.unwrap().unwrap();
        assert_eq!((paid.debit_account_id.as_str(), paid.kind.as_str()), ("platform:cash:invoice", "invoice"));
        assert_eq!(store.balance("platform:cash:invoice").await.unwrap().unwrap().debited_nanos, 500);
    }
}

#[tokio::test]
async fn only_the_holds_of_a_silent_node_and_those_that_ran_out_are_given_back() {
    let database = Database::postgres().await;
    let books = Books::with_credit(&database, 1_000).await;
    let other = Books::open_at(&database, books.clock.clone(), "node-2").await;
    let start = books.clock.now_ms();
    let long = books.ledger.hold("long", &payer(), Money(300), 3_600_000).await.unwrap();
    let short = books.ledger.hold("short", &payer(), Money(200), 30_000).await.unwrap();
    assert_eq!(other.ledger.reap().await.unwrap(), 0, "both are alive");

    books.clock.set(start + 30_000 + 59_000);
    assert_eq!(books.ledger.reap().await.unwrap(), 0, "this node says that it lives");
    assert_eq!(other.ledger.reap().await.unwrap(), 0, "a hold that ran out has a minute more");
    books.clock.set(start + 30_000 + 61_000);
    assert_eq!(other.ledger.reap().await.unwrap(), 1);
    assert_eq!(other.available().await, 700, "the one that ran out");

    books.clock.set(start + 30_000 + 59_000 + 59_000);
    assert_eq!(other.ledger.reap().await.unwrap(), 0, "it was heard of 59 s ago");
    books.clock.set(start + 30_000 + 59_000 + 61_000);
    assert_eq!(other.ledger.reap().await.unwrap(), 1);
    assert_eq!(other.available().await, 1_000);

    // Its work is charged when it comes back.
    assert_eq!(long.settle(Money(250), generation("long")).await, Some(Money(250)));
    drop(short);
    assert_eq!(books.available().await, 750);
    other.close().await;
    books.close().await;
}
