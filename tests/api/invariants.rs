//! Invariants of money that have no other place; the list of all is in `docs/ledger.md`.

use app::types::Money;
use patchbay::billing::audit;
use patchbay::billing::ledger::{Ledger, Payer, TransferOutcome, credit_account};
use patchbay::catalog::import;
use patchbay::clock::{Clock, parse_rfc3339};
use patchbay::gateway::rerate;
use patchbay::store::Store;
use patchbay::store::grants::GrantRequest;
use patchbay::store::organizations::AuditFilter;
use serde_json::{Value, json};

use crate::ledger::{Books, generation};
use crate::on_both_databases;
use crate::support::{Database, Script, TestApp, Upstream, asked_for, read};

const ORG: &str = "acme";

async fn run(store: &Store, text: &'static str) {
    sqlx::raw_sql(text).execute(store.pool()).await.unwrap();
}

on_both_databases! {
    async fn a_price_changed_during_an_answer_counts_from_the_next_one(database: Database) {
        let upstream = Upstream::with_prices("one", "1", "2").await;
        upstream.always(Script::Answer { words: vec!["yes".into()], prompt_tokens: 1_000, completion_tokens: 1_000 });
        let app = TestApp::start(database, &[&upstream]).await;
        let member = app.member(Money::from_dollars(1)).await;
        let key = member.key().await;
        upstream.hold_back();
        let question = json!({ "max_tokens": 1_000 });
        let asked = key.ask(question.clone());
        let dearer = async {
            while upstream.count() == 0 {
                tokio::task::yield_now().await;
            }
            let mut provider = upstream.as_models_dev();
            provider["models"]["acme/one"]["cost"] = json!({ "input": 100, "output": 200 });
            let list: Value = [("one".to_owned(), provider)].into_iter().collect::<serde_json::Map<_, _>>().into();
            let list = import::read(list.to_string().as_bytes()).unwrap();
            let store = &app.app.store;
            let (changes, _) = import::plan(&store.load_catalog().await.unwrap(), list, app.app.clock.now_ms());
            store.apply_catalog(&changes).await.unwrap();
            app.app.reload_catalog().await.unwrap();
            upstream.release();
        };
        let (answer, ()) = tokio::join!(asked, dearer);
        let (status, body) = read(answer).await;
        assert_eq!((status, body["usage"]["cost"].to_string()), (200, "0.003".to_owned()), "{body}");
        let (_, body) = read(key.ask(question).await).await;
        assert_eq!(body["usage"]["cost"].to_string(), "0.3", "{body}");
        app.finish().await;
    }
}

on_both_databases! {
    async fn a_charge_that_does_not_follow_from_its_quantities_is_found(database: Database) {
        let upstream = Upstream::start("one").await;
        let app = TestApp::start(database, &[&upstream]).await;
        let member = app.member(Money::from_dollars(1)).await;
        assert_eq!(member.key().await.ask(json!({})).await.status(), 200);
        assert_eq!(rerate::differences(&app.app.store).await.unwrap(), Vec::<String>::new());
        run(&app.app.store, "UPDATE generations SET prompt_tokens = prompt_tokens + 1").await;
        assert_eq!(rerate::differences(&app.app.store).await.unwrap().len(), 1);
        run(&app.app.store, "UPDATE generations SET prompt_tokens = prompt_tokens - 1").await;
        app.finish().await;
    }
}

on_both_databases! {
    async fn only_the_attempt_that_answered_is_charged(database: Database) {
        let (broken, whole) = (Upstream::with_prices("broken", "1", "1").await, Upstream::with_prices("whole", "3", "3").await);
        broken.always(Script::fail(503, "down"));
        let app = TestApp::start(database, &[&broken, &whole]).await;
        let member = app.member(Money::from_dollars(1)).await;
        let key = member.key().await;
        for _ in 0..3 {
            assert_eq!(key.ask(json!({ "provider": { "sort": "price" } })).await.status(), 200);
        }
        whole.always(Script::fail(503, "down"));
        assert!(key.ask(json!({})).await.status().as_u16() >= 500);
        let posts: Vec<(String, i64)> = sqlx::query_as("SELECT id, amount_nanos FROM transfers WHERE kind = 'post' AND amount_nanos > 0")
            .fetch_all(app.app.store.pool())
            .await
            .unwrap();
        assert_eq!(posts.len(), 3);
        for (id, amount) in posts {
            let row = app.app.store.generation(&member.account.organization_id, &id).await.unwrap().unwrap();
            assert_eq!((row.provider_name.as_str(), row.status, amount), ("Provider whole", 200, 39_000), "13 tokens at 3 USD");
        }
        app.finish().await;
    }
}

on_both_databases! {
    async fn totals_that_were_lost_are_made_again_from_the_requests(database: Database) {
        let upstream = Upstream::start("one").await.offering(&["acme/one", "acme/two"]);
        let app = TestApp::start(database, &[&upstream]).await;
        let member = app.member(Money::from_dollars(1)).await;
        let (key, manager) = (member.key().await, member.management_key().await);
        for model in ["acme/one", "acme/two", "acme/one"] {
            assert_eq!(key.ask(json!({ "model": model })).await.status(), 200);
        }
        let fold = async || while app.app.store.fold_generations().await.unwrap() > 0 {};
        fold().await;
        let before = read(manager.get("/api/v1/usage?days=1").await).await;
        assert_eq!(before.1["data"]["total_requests"], json!(3), "{}", before.1);
        run(&app.app.store, "DELETE FROM usage_daily; DELETE FROM activity_daily").await;
        assert_ne!(read(manager.get("/api/v1/usage?days=1").await).await, before);
        app.app.store.forget_totals().await.unwrap();
        fold().await;
        assert_eq!(read(manager.get("/api/v1/usage?days=1").await).await, before);
        app.finish().await;
    }
}

/// A hold that ran out is voided by one node while another settles it.
async fn race(rounds: u32) {
    let database = Database::postgres().await;
    let clock = Clock::fixed(parse_rfc3339("2026-11-21T12:00:00Z").unwrap());
    let books = Books::open_at(&database, clock.clone(), "node-1").await;
    let (other, writer) = Ledger::start(books.store.clone(), clock.clone(), "node-2".to_owned()).await.unwrap();
    books.ledger.grant("start", ORG, Money(10 * i64::from(rounds)), "").await.unwrap();
    let payer = Payer { account_id: credit_account(ORG), ..Payer::default() };
    for round in 0..rounds {
        let id = format!("g{round}");
        let hold = books.ledger.hold(&id, &payer, Money(10), 1_000).await.unwrap();
        clock.set(clock.now_ms() + 120_000);
        // Both are alive.
        let (charged, voided) = tokio::join!(hold.settle(Money(7), generation(&id)), async {
            let _ = books.store.heartbeat("node-1", clock.now_ms()).await;
            other.reap().await
        });
        assert_eq!(charged, Some(Money(7)), "round {round}");
        // Who came too late for the locks may have been refused; nothing is lost by it.
        let _ = voided;
    }
    writer.finish().await;
    assert_eq!(books.ledger.balance(&credit_account(ORG)).await.unwrap().available, Money(3 * i64::from(rounds)));
    let charges: i64 = sqlx::query_scalar("SELECT COUNT(*) FROM transfers WHERE kind = 'post'")
        .fetch_one(books.store.pool())
        .await
        .unwrap();
    assert_eq!(charges, i64::from(rounds));
    books.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hold_that_is_settled_and_voided_at_once_is_charged_once() {
    race(40).await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "the long form: make resolve-races"]
async fn ten_thousand_holds_settled_and_voided_at_once_are_charged_once() {
    let rounds = asked_for("ROUNDS", 10_000);
    race(rounds).await;
    println!("{rounds} holds were settled and voided at once: each was charged once");
}

on_both_databases! {
    async fn transfers_older_than_the_chains_are_taken_into_one_and_later_strangers_are_not(database: Database) {
        let clock = Clock::fixed(parse_rfc3339("2026-11-21T12:00:00Z").unwrap());
        let books = Books::open_at(&database, clock.clone(), "node-1").await;
        for number in 0..700 {
            let granted = books.ledger.grant(&number.to_string(), ORG, Money(1), "").await;
            assert_eq!(granted, Some(TransferOutcome::Created));
        }
        let (store, ownership) = (books.store, books.ownership);
        books.writer.finish().await;
        drop(ownership);
        // As it was before there were chains.
        run(&store, "DELETE FROM seals; DELETE FROM chain_starts").await;
        assert_eq!(audit::differences(&store).await.unwrap().len(), 1);
        store.close().await;
        let books = Books::open_at(&database, clock.clone(), "node-2").await;
        let links = books.store.seals_after("before-the-chains", 0, 10).await.unwrap();
        let ids: Vec<&str> = links.iter().flat_map(|link| link.transfer_ids.lines()).collect();
        assert_eq!((links.len(), ids.len()), (2, 700));
        assert!(ids.is_sorted(), "in the order they were written");
        books.ledger.grant("new", ORG, Money(1), "").await.unwrap();
        let (store, ownership) = (books.store, books.ownership);
        books.writer.finish().await;
        drop(ownership);
        assert_eq!(audit::differences(&store).await.unwrap(), Vec::<String>::new());

        run(&store, "INSERT INTO transfers (id, kind, debit_account_id, credit_account_id, amount_nanos, description, created_at) \
             VALUES ('forged', 'grant', 'a', 'b', 0, '', 0)").await;
        store.close().await;
        let books = Books::open_at(&database, clock, "node-3").await;
        let found = audit::differences(&books.store).await.unwrap();
        assert!(found.iter().any(|line| line.contains("but the chains hold")), "{found:?}");
    }
}

on_both_databases! {
    async fn what_an_operator_does_is_in_the_organizations_audit_log_once(database: Database) {
        let app = TestApp::start(database, &[]).await;
        let member = app.member(Money::ZERO).await;
        let organization = member.account.organization_id.clone();
        for (number, kind) in ["grant", "invoice", "freeze", "thaw"].into_iter().enumerate() {
            let request = GrantRequest {
                id: format!("r{number}"),
                organization_id: organization.clone(),
                kind: kind.to_owned(),
                amount_nanos: Money::from_dollars(3).0,
                reason: "as agreed".to_owned(),
                created_at: i64::try_from(number).unwrap(),
            };
            app.app.store.request_grant(&request).await.unwrap();
            app.app.ledger.book_grant_requests().await.unwrap();
            // The process died before it had forgotten the request.
            app.app.store.request_grant(&request).await.unwrap();
            app.app.ledger.book_grant_requests().await.unwrap();
        }
        assert_eq!(member.available().await, Money::from_dollars(6));
        let filter = AuditFilter { to: i64::MAX, limit: 10, ..AuditFilter::default() };
        let mut lines: Vec<_> = app.app.store.audit(&organization, &filter).await.unwrap();
        lines.retain(|line| line.actor_kind == "operator");
        let said: Vec<(&str, &str)> = lines.iter().map(|line| (line.action.as_str(), line.detail.as_str())).collect();
        let money = "$3.00: as agreed";
        let (grant, invoice) = (("credit.grant", money), ("credit.invoice", money));
        let expected = [("organization.thaw", "as agreed"), ("organization.freeze", "as agreed"), invoice, grant];
        assert_eq!(said, expected);
        app.finish().await;
    }
}
