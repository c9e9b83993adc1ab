//! Whatever step of a payment is cut off, the next delivery of its events finishes it:
//! credit, fee, card and receipt once each.

use app::types::Money;
use serde_json::Value;

use crate::on_both_databases;
use crate::support::payments::{PAYS, Till, fees};
use crate::support::{Database, TestApp};

/// What a payment writes, in order: the ledger, the card, the receipt, the purchase.
const STEPS: [(&str, &str); 5] = [
    ("INSERT", "transfers"),
    ("INSERT", "seals"),
    ("INSERT", "billing_profiles"),
    ("INSERT", "letters"),
    ("UPDATE", "purchases"),
];

async fn run(app: &TestApp, text: String) {
    sqlx::raw_sql(sqlx::AssertSqlSafe(text)).execute(app.app.store.pool()).await.unwrap();
}

/// From now on a step is cut off.
async fn cut(app: &TestApp, action: &str, table: &str) {
    let text = if app.database.url.starts_with("sqlite") {
        format!("CREATE TRIGGER cut BEFORE {action} ON {table} BEGIN SELECT RAISE(ABORT, 'cut off'); END")
    } else {
        format!(
            "CREATE FUNCTION cut() RETURNS trigger LANGUAGE plpgsql AS \
             $$ BEGIN RAISE EXCEPTION 'cut off' USING ERRCODE = 'check_violation'; END $$; \
             CREATE TRIGGER cut BEFORE {action} ON {table} FOR EACH ROW EXECUTE FUNCTION cut()"
        )
    };
    run(app, text).await;
}

async fn mend(app: &TestApp, table: &str) {
    let text = if app.database.url.starts_with("sqlite") {
        "DROP TRIGGER cut".to_owned()
    } else {
        format!("DROP TRIGGER cut ON {table}; DROP FUNCTION cut()")
    };
    run(app, text).await;
}

async fn deliver(app: &TestApp, till: &Till, events: &[Value]) -> Vec<u16> {
    let mut statuses = Vec::new();
    for event in events {
        statuses.push(till.deliver(app, event).await);
    }
    statuses
}

on_both_databases! {
    async fn a_payment_cut_off_at_any_step_is_finished_once(database: Database) {
        let mut database = database;
        for (number, (action, table)) in (1..).zip(STEPS) {
            let till = Till::open().await;
            let app = TestApp::start_with(database, &[], |config| till.configure(config)).await;
            let member = app.member(Money::ZERO).await;
            let organization = member.account.organization_id.clone();
            let (purchase, session) = till.begin(&member.management_key().await, 20, true).await;
            till.service.pay(&session, PAYS).unwrap();
            let events = till.service.take_events();
            // The customer that is made with the session is a step before the payment.
            run(&app, format!("DELETE FROM billing_profiles WHERE organization_id = '{organization}'")).await;
            cut(&app, action, table).await;
            let statuses = deliver(&app, &till, &events).await;
            assert!(statuses.iter().any(|status| *status >= 500), "{table}: {statuses:?}");
            assert_ne!(app.app.store.purchase(&purchase).await.unwrap().unwrap().state, "paid", "{table}");
            mend(&app, table).await;
            database = app.finish().await;

            let app = TestApp::start_with(database, &[], |config| till.configure(config)).await;
            for _ in 0..2 {
                assert!(deliver(&app, &till, &events).await.iter().all(|status| *status == 200), "{table}");
            }
            let store = &app.app.store;
            let balance = app.app.ledger.balance(&format!("org:{organization}:credit")).await.unwrap();
            assert_eq!((balance.credited, balance.available), (Money::from_dollars(20), Money::from_dollars(20)), "{table}");
            assert_eq!(fees(&app).await, Money::from_cents(110 * number), "{table}");
            let row = store.purchase(&purchase).await.unwrap().unwrap();
            assert_eq!((row.state.as_str(), row.credit_nanos), ("paid", Money::from_dollars(20).0), "{table}");
            assert!(!store.billing_profile(&organization).await.unwrap().card_id.is_empty(), "{table}");
            let receipts: i64 = sqlx::query_scalar("SELECT COUNT(*) FROM letters WHERE id LIKE $1")
                .bind(format!("receipt/{purchase}/%"))
                .fetch_one(store.pool())
                .await
                .unwrap();
            assert_eq!(receipts, 1, "{table}");
            database = app.finish().await;
        }
    }
}
