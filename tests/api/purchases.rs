//! Buying credit: what is paid is credited, once, whatever happens on the way.

use app::types::Money;
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;
use reqwest::Method;
use serde_json::{Value, json};

use crate::on_both_databases;
use crate::support::payments::{PAYS, Till, fees};
use crate::support::{Database, Member, TestApp, asked_for, read};

async fn start(database: Database, till: &Till) -> TestApp {
    TestApp::start_with(database, &[], |config| till.configure(config)).await
}

async fn subjects(app: &TestApp) -> Vec<String> {
    sqlx::query_scalar("SELECT subject FROM letters ORDER BY created_at, id")
        .fetch_all(app.app.store.pool())
        .await
        .unwrap()
}

on_both_databases! {
    async fn twenty_dollars_cost_a_dollar_and_ten_and_come_with_a_receipt(database: Database) {
        let till = Till::open().await;
        let app = TestApp::start_with(database, &[], |config| {
            till.configure(config);
            "Harbour Models Ltd".clone_into(&mut config.billing.company_name);
            "GB 123".clone_into(&mut config.billing.company_tax_id);
        }).await;
        let member = app.member(Money::ZERO).await;
        let manager = member.management_key().await;
        let (_, billing) = read(manager.get("/api/v1/billing").await).await;
        assert_eq!(billing["data"]["methods"], json!([{ "method": "card", "fee": { "basis_points": 550, "least": 0.8 } }]));

        let (purchase, session) = till.begin(&manager, 20, false).await;
        let (_, list) = read(manager.get("/api/v1/credits/purchases").await).await;
        let row = &list["data"][0];
        assert_eq!((row["fee"].to_string(), row["total"].to_string(), &row["state"]), ("1.1".into(), "21.1".into(), &json!("pending")));
        let receipt = format!("/api/v1/credits/receipt?id={purchase}");
        assert_eq!(manager.get(&receipt).await.status(), 400, "nothing is paid yet");
        let page = till.client.get(format!("{}/pay/{session}", till.options.page_url)).send().await.unwrap();
        let page = page.text().await.unwrap();
        assert!(page.contains("$20.00") && page.contains("$1.10") && page.contains("$21.10"), "{page}");

        till.service.pay(&session, PAYS).unwrap();
        till.deliver_all(&app).await;
        assert_eq!(member.available().await, Money::from_dollars(20));
        assert_eq!(fees(&app).await, Money::from_cents(110));
        let bytes = manager.get(&receipt).await.bytes().await.unwrap();
        let pdf = String::from_utf8_lossy(&bytes).into_owned();
        for text in ["%PDF-1.4", "Harbour Models Ltd", "GB 123", "$20.00", "$1.10", "$21.10", &purchase] {
            assert!(pdf.contains(text), "{text} in {pdf}");
        }
        let csv = manager.get("/api/v1/credits/purchases.csv").await.text().await.unwrap();
        assert!(csv.lines().nth(1).unwrap().contains(",20,1.1,21.1,0,"), "{csv}");
        assert_eq!(subjects(&app).await, ["Receipt for $20.00 of credit"]);
        let month = &row["created_at"].as_str().unwrap()[..7];
        let statement = manager.get(&format!("/api/v1/credits/statement?month={month}")).await.bytes().await.unwrap();
        assert!(String::from_utf8_lossy(&statement).contains("Credit bought by card"));
        app.finish().await;
    }
}

on_both_databases! {
    async fn who_returns_before_the_event_has_his_credit_already(database: Database) {
        let till = Till::open().await;
        let app = start(database, &till).await;
        let member = app.member(Money::ZERO).await;
        let (_, session) = till.begin(&member.management_key().await, 50, false).await;
        let back = format!("/credits/return?session_id={session}");
        let response = app.get(&back).await;
        assert_eq!(response.headers()["location"], "/credits?result=pending");
        till.service.pay(&session, PAYS).unwrap();
        for _ in 0..2 {
            assert_eq!(app.get(&back).await.headers()["location"], "/credits?result=bought");
        }
        assert_eq!(member.available().await, Money::from_dollars(50));
        till.deliver_all(&app).await;
        assert_eq!(member.available().await, Money::from_dollars(50));
        assert_eq!(app.get("/credits/return?session_id=cs_nobody").await.headers()["location"], "/credits?result=unknown");
        app.finish().await;
    }
}

on_both_databases! {
    async fn a_payment_whose_purchase_is_lost_is_taken_over_from_its_note(database: Database) {
        let till = Till::open().await;
        let app = start(database, &till).await;
        let member = app.member(Money::ZERO).await;
        let (purchase, session) = till.begin(&member.management_key().await, 30, false).await;
        sqlx::query("DELETE FROM purchases WHERE id = $1").bind(&purchase).execute(app.app.store.pool()).await.unwrap();
        till.service.pay(&session, PAYS).unwrap();
        till.deliver_all(&app).await;
        assert_eq!((member.available().await, fees(&app).await), (Money::from_dollars(30), Money::from_cents(165)));

        // Money nobody here asked for: the event must come again until somebody looks.
        let form = "customer=cus_x&success_url=http://a&line_items[0][price_data][product_data][name]=x\
                    &line_items[0][price_data][unit_amount]=900&line_items[0][quantity]=1";
        let request = till.client.post(format!("{}/v1/checkout/sessions", till.options.base_url)).bearer_auth("sk_test");
        let foreign: Value = serde_json::from_str(&request.body(form).send().await.unwrap().text().await.unwrap()).unwrap();
        till.service.pay(foreign["id"].as_str().unwrap(), PAYS).unwrap();
        let events = till.service.take_events();
        let completed = events.iter().find(|event| event["type"] == "checkout.session.completed").unwrap();
        assert_eq!(till.deliver(&app, completed).await, 500);
        app.finish().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn no_forged_event_is_believed() {
    let till = Till::open().await;
    let app = start(Database::sqlite(), &till).await;
    let member = app.member(Money::ZERO).await;
    let (_, session) = till.begin(&member.management_key().await, 20, false).await;
    till.service.pay(&session, PAYS).unwrap();
    let event = till.service.take_events().pop().unwrap();
    let body = event.to_string();
    let sign = |secret: &str, ago: i64| {
        let now_s = app.app.clock.now_ms() / 1_000 - ago;
        patchbay::billing::stripe::signature::sign(body.as_bytes(), secret, now_s)
    };
    let right = sign("whsec_test", 0);
    let forged = [
        String::new(),
        "t=1,v1=".to_owned(),
        sign("whsec_other", 0),
        sign("", 0),
        sign("whsec_test", 400),
        sign("whsec_test", -400),
        right.replace("v1=", "v0="),
        format!("{},{right}", right.split(',').next().unwrap()),
    ];
    let post = async |header: &str, body: &str| {
        let request = app.request(Method::POST, "/webhooks/stripe").header("stripe-signature", header);
        request.body(body.to_owned()).send().await.unwrap().status().as_u16()
    };
    for header in &forged {
        assert_eq!(post(header, &body).await, 400, "{header}");
    }
    assert_eq!(post(&right, &body.replace("evt_sim", "evt_mis")).await, 400);
    assert_eq!(member.available().await, Money::ZERO);
    assert_eq!(post(&right, &body).await, 200);
    assert_eq!(member.available().await, Money::from_dollars(20));
    app.finish().await;
}

/// What happened to one payment, and every delivery of its events in some order.
async fn run_sequence(app: &TestApp, till: &Till, member: &Member<'_>, plan: &Plan) {
    let manager = member.management_key().await;
    let before = member.balance().await;
    let (purchase, session) = till.begin(&manager, plan.dollars, false).await;
    till.service.pay(&session, PAYS).unwrap();
    let mut events = till.service.take_events();
    let payment = events.iter().find(|event| event["type"] == "payment_intent.succeeded").unwrap();
    let payment = payment["data"]["object"]["id"].as_str().unwrap().to_owned();
    if plan.is_refunded {
        till.service.refund(&payment, plan.dollars * 100).unwrap();
        events.extend(till.service.take_events());
    }
    let mut statuses = Vec::new();
    for step in &plan.order {
        if *step % 7 == 0 {
            app.get(&format!("/credits/return?session_id={session}")).await;
        } else if *step % 11 == 0 {
            let (first, second) = (&events[*step % events.len()], &events[(*step / 3) % events.len()]);
            let (one, other) = tokio::join!(till.deliver(app, first), till.deliver(app, second));
            statuses.extend([one, other]);
        } else {
            statuses.push(till.deliver(app, &events[*step % events.len()]).await);
        }
    }
    // Whatever was lost before comes at last.
    for event in &events {
        let mut status = till.deliver(app, event).await;
        for _ in 0..5 {
            // No connection: the service tries again.
            if status == 0 {
                status = till.deliver(app, event).await;
            }
        }
        assert_eq!(status, 200, "{plan:?}");
    }
    assert!(statuses.iter().all(|status| [0, 200].contains(status)), "{plan:?}: {statuses:?}");
    let after = member.balance().await;
    let paid = Money::from_dollars(plan.dollars);
    assert_eq!(after.credited.minus(before.credited), paid, "{plan:?}");
    let back = if plan.is_refunded { paid } else { Money::ZERO };
    assert_eq!(after.debited.minus(before.debited), back, "{plan:?}");
    let row = app.app.store.purchase(&purchase).await.unwrap().unwrap();
    assert_eq!((row.state.as_str(), row.refunded_nanos), ("paid", back.0), "{plan:?}");
}

#[derive(Clone, Debug)]
struct Plan {
    dollars: i64,
    is_refunded: bool,
    order: Vec<usize>,
}

fn plans() -> impl Strategy<Value = Plan> {
    (5..200_i64, any::<bool>(), prop::collection::vec(0..1_000_usize, 0..14))
        .prop_map(|(dollars, is_refunded, order)| Plan { dollars, is_refunded, order })
}

/// Sequences `from..to` of those the seed makes.
async fn run_sequences(database: Database, from: u32, to: u32) {
    let till = Till::open().await;
    let app = TestApp::start_with(database, &[], |config| {
        till.configure(config);
        config.billing.purchases_per_hour = u32::MAX;
    })
    .await;
    let mut runner = TestRunner::deterministic();
    let mut member = None;
    for number in 0..to {
        let plan = plans().new_tree(&mut runner).unwrap().current();
        if number < from {
            continue;
        }
        if number % 500 == 0 || member.is_none() {
            member = Some(app.member(Money::ZERO).await);
        }
        run_sequence(&app, &till, member.as_ref().unwrap(), &plan).await;
    }
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn in_any_order_and_number_events_credit_what_was_paid_once() {
    run_sequences(Database::sqlite(), 0, 400).await;
    run_sequences(Database::postgres().await, 400, 500).await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "the long form: make payment-sequences"]
async fn fifty_thousand_sequences_credit_what_was_paid_once() {
    const ON_ONE_DATABASE: u32 = 2_500;
    let sequences = asked_for("SEQUENCES", 50_000);
    let mut from = asked_for("FIRST", 0);
    while from < sequences {
        let to = sequences.min(from + ON_ONE_DATABASE);
        // Every tenth database is PostgreSQL.
        let database = if from / ON_ONE_DATABASE % 10 == 9 { Database::postgres().await } else { Database::sqlite() };
        run_sequences(database, from, to).await;
        println!("{to} sequences: what was paid is credited once");
        from = to;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn wishes_that_cannot_be_met_are_refused_with_the_remedy() {
    let till = Till::open().await;
    let app = start(Database::sqlite(), &till).await;
    let member = app.member(Money::ZERO).await;
    let (key, manager) = (member.key().await, member.management_key().await);
    let path = "/api/v1/credits/purchases";
    for (body, field) in [
        (json!({ "amount": 4.99 }), "amount"),
        (json!({ "amount": 25_000.01 }), "amount"),
        (json!({ "amount": "20.001" }), "amount"),
        (json!({ "amount": 20, "method": "crypto" }), "method"),
        (json!({ "amount": 20, "colour": "red" }), "body"),
        (json!({}), "body"),
    ] {
        let (status, answer) = read(manager.send(Method::POST, path, &body).await).await;
        assert_eq!((status, &answer["error"]["metadata"]["field"]), (400, &json!(field)), "{body}: {answer}");
    }
    assert_eq!(key.send(Method::POST, path, &json!({ "amount": 20 })).await.status(), 403);
    for _ in 0..10 {
        till.begin(&manager, 5, false).await;
    }
    assert_eq!(manager.send(Method::POST, path, &json!({ "amount": 20 })).await.status(), 429);
    let other = app.member(Money::ZERO).await;
    let (purchase, _) = till.begin(&other.management_key().await, 5, false).await;
    assert_eq!(manager.get(&format!("/api/v1/credits/receipt?id={purchase}")).await.status(), 404);
    let refund = manager.send(Method::POST, "/api/v1/credits/refund", &json!({ "id": purchase })).await;
    assert_eq!(refund.status(), 404, "another organization's purchase");
    assert_eq!(manager.send(Method::POST, "/api/v1/credits/coinbase", &json!({})).await.status(), 410);
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_payment_service_nothing_is_sold() {
    let app = TestApp::start(Database::sqlite(), &[]).await;
    let manager = app.member(Money::ZERO).await.management_key().await;
    let (status, answer) =
        read(manager.send(Method::POST, "/api/v1/credits/purchases", &json!({ "amount": 20 })).await).await;
    assert_eq!(status, 400);
    assert!(answer["error"]["message"].as_str().unwrap().contains("sells no credit"), "{answer}");
    assert_eq!(app.request(Method::POST, "/webhooks/stripe").body("{}").send().await.unwrap().status(), 404);
    app.finish().await;
}
