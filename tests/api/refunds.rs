//! Money that goes back, automatic purchases, promo codes and frozen organizations.

use app::types::Money;
use patchbay::billing::{letters, top_up};
use patchbay::store::billing::PromoCode;
use reqwest::Method;
use serde_json::json;

use crate::on_both_databases;
use crate::support::payments::{DECLINED_LATER, PAYS, Till, WANTS_ITS_HOLDER_LATER, fees};
use crate::support::person::Person;
use crate::support::{Database, KeyHolder, TestApp, Upstream, read};

async fn start(database: Database, till: &Till, upstreams: &[&Upstream]) -> TestApp {
    TestApp::start_with(database, upstreams, |config| till.configure(config)).await
}

async fn refund(manager: &KeyHolder<'_>, purchase: &str) -> (u16, serde_json::Value) {
    read(manager.send(Method::POST, "/api/v1/credits/refund", &json!({ "id": purchase })).await).await
}

on_both_databases! {
    async fn unused_credit_is_paid_back_but_no_fee_and_no_gift(database: Database) {
        let till = Till::open().await;
        let upstream = Upstream::with_prices("dear", "0", "100").await;
        upstream.always(crate::support::Script::Answer { words: vec!["yes".into()], prompt_tokens: 10, completion_tokens: 100 });
        let app = start(database, &till, &[&upstream]).await;
        // A cent is a gift; a request costs a cent.
        let member = app.member(Money::from_cents(2)).await;
        let (key, manager) = (member.key().await, member.management_key().await);
        let (purchase, _) = till.buy(&app, &manager, 20).await;
        for _ in 0..3 {
            assert_eq!(key.ask(json!({ "max_tokens": 100 })).await.status(), 200);
        }
        let balance = member.balance().await;
        assert_eq!((balance.available, balance.promotional), (Money::from_cents(1_999), Money::ZERO), "the gift went first");
        let gift = member.account.organization_id.clone();
        app.app.ledger.grant("more", &gift, Money::from_dollars(3), "a gift").await.unwrap();
        let (status, answer) = refund(&manager, &purchase).await;
        assert_eq!((status, answer["data"]["refunded"].to_string()), (200, "19.99".to_owned()), "{answer}");
        assert_eq!(member.available().await, Money::from_dollars(3));
        assert_eq!(fees(&app).await, Money::from_cents(110), "the fee is kept");
        till.deliver_all(&app).await;
        assert_eq!(member.available().await, Money::from_dollars(3), "the event about it changes nothing");
        assert_eq!(refund(&manager, &purchase).await.0, 400, "there is nothing left");
        app.finish().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn after_a_day_credit_is_not_paid_back() {
    let till = Till::open().await;
    let app = start(Database::sqlite(), &till, &[]).await;
    let member = app.member(Money::ZERO).await;
    let manager = member.management_key().await;
    let (purchase, _) = till.buy(&app, &manager, 20).await;
    let yesterday = app.app.clock.now_ms() - 25 * 3_600_000;
    sqlx::query("UPDATE purchases SET paid_at = $1").bind(yesterday).execute(app.app.store.pool()).await.unwrap();
    let (status, answer) = refund(&manager, &purchase).await;
    assert_eq!(status, 400);
    assert!(answer["error"]["message"].as_str().unwrap().contains("24 hours"), "{answer}");
    app.finish().await;
}

on_both_databases! {
    async fn a_refund_of_the_operator_may_leave_less_than_nothing(database: Database) {
        let till = Till::open().await;
        let upstream = Upstream::with_prices("dear", "0", "100").await;
        upstream.always(crate::support::Script::Answer { words: vec!["yes".into()], prompt_tokens: 10, completion_tokens: 100 });
        let app = start(database, &till, &[&upstream]).await;
        let member = app.member(Money::ZERO).await;
        let (key, manager) = (member.key().await, member.management_key().await);
        let (purchase, payment) = till.buy(&app, &manager, 10).await;
        assert_eq!(key.ask(json!({ "max_tokens": 100 })).await.status(), 200);
        // Everything, the fee of 80 cents too.
        till.service.refund(&payment, 1_080).unwrap();
        till.deliver_all(&app).await;
        assert_eq!(member.available().await, Money::from_cents(-1));
        assert_eq!(fees(&app).await, Money::ZERO);
        assert_eq!(key.ask(json!({ "max_tokens": 100 })).await.status(), 402);
        let (_, list) = read(manager.get("/api/v1/credits/purchases").await).await;
        assert_eq!(list["data"][0]["refunded"].to_string(), "10", "{list}");
        assert_eq!(refund(&manager, &purchase).await.0, 400);
        till.buy(&app, &manager, 5).await;
        assert_eq!(member.available().await, Money::from_cents(499));
        assert_eq!(key.ask(json!({ "max_tokens": 100 })).await.status(), 200);
        app.finish().await;
    }
}

on_both_databases! {
    async fn a_dispute_freezes_the_organization_until_it_is_won(database: Database) {
        let till = Till::open().await;
        let upstream = Upstream::with_prices("dear", "0", "100").await;
        let app = start(database, &till, &[&upstream]).await;
        let member = app.member(Money::from_dollars(50)).await;
        let (key, manager) = (member.key().await, member.management_key().await);
        let (purchase, payment) = till.buy(&app, &manager, 20).await;
        till.service.dispute(&payment, "needs_response").unwrap();
        let opened = till.service.take_events();
        for event in opened.iter().chain(&opened) {
            assert_eq!(till.deliver(&app, event).await, 200);
        }
        assert_eq!(member.available().await, Money::from_dollars(50), "what was bought is gone, once");
        let (status, answer) = read(key.ask(json!({ "max_tokens": 100 })).await).await;
        assert_eq!(status, 403);
        assert!(answer["error"]["message"].as_str().unwrap().contains("frozen"), "{answer}");
        let (_, billing) = read(manager.get("/api/v1/billing").await).await;
        assert_eq!(billing["data"]["is_frozen"], json!(true));
        assert_eq!(manager.send(Method::POST, "/api/v1/credits/purchases", &json!({ "amount": 20 })).await.status(), 403);
        assert_eq!(refund(&manager, &purchase).await.0, 400);

        till.service.dispute(&payment, "won").unwrap();
        till.deliver_all(&app).await;
        for event in &opened {
            assert_eq!(till.deliver(&app, event).await, 200, "late news of its beginning");
        }
        assert_eq!(member.available().await, Money::from_dollars(70));
        assert_eq!(key.ask(json!({ "max_tokens": 100 })).await.status(), 200);
        app.finish().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_won_dispute_does_not_undo_what_an_operator_decided() {
    let till = Till::open().await;
    let upstream = Upstream::with_prices("dear", "0", "100").await;
    let app = start(Database::sqlite(), &till, &[&upstream]).await;
    let member = app.member(Money::from_dollars(50)).await;
    let (key, manager) = (member.key().await, member.management_key().await);
    let (_, payment) = till.buy(&app, &manager, 20).await;
    till.service.dispute(&payment, "needs_response").unwrap();
    till.deliver_all(&app).await;
    let olga = Person::operator(&app).await;
    let path = format!("/api/v1/admin/organizations/{}", member.account.organization_id);
    let because = json!({ "reason": "Looks stolen" });
    assert_eq!(olga.call(Method::POST, &format!("{path}/freeze"), because.clone()).await.0, 200);
    till.service.dispute(&payment, "won").unwrap();
    till.deliver_all(&app).await;
    assert_eq!(member.available().await, Money::from_dollars(70), "the money is back");
    assert_eq!(key.ask(json!({ "max_tokens": 100 })).await.status(), 403, "and still frozen");
    assert_eq!(olga.call(Method::POST, &format!("{path}/thaw"), because).await.0, 200);
    assert_eq!(key.ask(json!({ "max_tokens": 100 })).await.status(), 200);
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn money_and_guardrails_ask_for_a_fresh_password() {
    let till = Till::open().await;
    let app = start(Database::sqlite(), &till, &[]).await;
    let ann = Person::new(&app, "ann@example.org").await;
    let calls = [
        (Method::POST, "/api/v1/credits/purchases", json!({ "amount": 20 })),
        (Method::PATCH, "/api/v1/billing", json!({ "statements_to": "" })),
        (Method::POST, "/api/v1/credits/refund", json!({ "id": "x" })),
        (Method::POST, "/api/v1/guardrails", json!({ "name": "rail" })),
    ];
    for (method, path, body) in &calls {
        let (status, answer) = ann.call(method.clone(), path, body.clone()).await;
        assert_ne!(status, 403, "{path}: the password was just given: {answer}");
    }
    sqlx::query("UPDATE sessions SET data = REPLACE(data, '\"proved_at\":', '\"proved_at\":0,\"then\":')")
        .execute(app.app.store.pool())
        .await
        .unwrap();
    for (method, path, body) in &calls {
        let (status, answer) = ann.call(method.clone(), path, body.clone()).await;
        let kind = &answer["error"]["metadata"]["error_type"];
        assert_eq!((status, kind), (403, &json!("confirmation_required")), "{path}: {answer}");
    }
    let page = ann.form("/credits/purchase", &[("amount", "20")]).await;
    assert_eq!(page.headers()["location"], "/confirm?next=/credits");
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lost_dispute_leaves_it_frozen_until_the_operator_thaws_it() {
    let till = Till::open().await;
    let upstream = Upstream::with_prices("dear", "0", "100").await;
    let app = start(Database::sqlite(), &till, &[&upstream]).await;
    let member = app.member(Money::from_dollars(5)).await;
    let (key, manager) = (member.key().await, member.management_key().await);
    let (_, payment) = till.buy(&app, &manager, 20).await;
    till.service.dispute(&payment, "lost").unwrap();
    till.deliver_all(&app).await;
    assert_eq!(key.ask(json!({ "max_tokens": 100 })).await.status(), 403);
    let database = app.finish().await;
    let app = TestApp::start_with(database, &[&upstream], |config| till.configure(config)).await;
    let ledger = &app.app.ledger;
    let organization = key_owner(&app).await;
    assert!(ledger.balance(&format!("org:{organization}:credit")).await.unwrap().is_frozen, "a restart keeps it");
    ledger.freeze(&organization, false).await.unwrap();
    assert!(!ledger.balance(&format!("org:{organization}:credit")).await.unwrap().is_frozen);
    app.finish().await;
}

async fn key_owner(app: &TestApp) -> String {
    sqlx::query_scalar("SELECT organization_id FROM disputes").fetch_one(app.app.store.pool()).await.unwrap()
}

on_both_databases! {
    async fn a_saved_card_is_charged_when_little_is_left_and_only_once_each_time(database: Database) {
        let till = Till::open().await;
        let app = start(database, &till, &[]).await;
        let member = app.member(Money::from_dollars(1)).await;
        let manager = member.management_key().await;
        let top_up = json!({ "top_up": { "enabled": true, "threshold": 30, "amount": 10 } });
        let path = "/api/v1/billing";
        assert_eq!(manager.send(Method::PATCH, path, &top_up).await.status(), 400, "there is no card yet");
        let (_, session) = till.begin(&manager, 5, true).await;
        till.service.pay(&session, PAYS).unwrap();
        till.deliver_all(&app).await;
        let (status, answer) = read(manager.send(Method::PATCH, path, &top_up).await).await;
        assert_eq!((status, &answer["data"]["card"]), (200, &json!("Visa •••• 4242")));
        for round in 1..=4 {
            let (one, other) = tokio::join!(top_up::buy_due(&app.app), top_up::buy_due(&app.app));
            one.and(other).unwrap();
            // One of two at once buys. Where the first was done before the other looked, both
            // may, as long as little is left; nothing is ever paid twice.
            let bought = i64::try_from(till.service.paid().len()).unwrap() - 1;
            assert!(bought >= round.min(3), "round {round}");
            assert_eq!(member.available().await, Money::from_dollars(6 + 10 * bought), "round {round}");
        }
        till.deliver_all(&app).await;
        assert_eq!(member.available().await, Money::from_dollars(36));
        assert_eq!(till.service.paid().len(), 4);
        let (_, list) = read(manager.get("/api/v1/credits/purchases").await).await;
        assert_eq!((&list["data"][0]["is_automatic"], list["data"][0]["fee"].to_string()), (&json!(true), "0.8".to_owned()));
        let forget = manager.send(Method::PATCH, path, &json!({ "forget_card": true })).await;
        let (_, answer) = read(forget).await;
        assert_eq!((&answer["data"]["card"], &answer["data"]["top_up"]["enabled"]), (&json!(null), &json!(false)));
        app.finish().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_card_that_is_refused_is_tried_less_and_less_and_its_owner_is_told() {
    for (card, tries, word) in [(WANTS_ITS_HOLDER_LATER, 1, "confirmation"), (DECLINED_LATER, 3, "declined")] {
        let till = Till::open().await;
        let app = start(Database::sqlite(), &till, &[]).await;
        let member = app.member(Money::ZERO).await;
        let manager = member.management_key().await;
        let (_, session) = till.begin(&manager, 5, true).await;
        till.service.pay(&session, card).unwrap();
        till.deliver_all(&app).await;
        let top_up = json!({ "top_up": { "enabled": true, "threshold": 30, "amount": 10 } });
        assert_eq!(manager.send(Method::PATCH, "/api/v1/billing", &top_up).await.status(), 200);
        let mut waits = Vec::new();
        for _ in 0..5 {
            top_up::buy_due(&app.app).await.unwrap();
            top_up::buy_due(&app.app).await.unwrap();
            let profile = app.app.store.billing_profile(&member.account.organization_id).await.unwrap();
            waits.push((profile.next_try_at - app.app.clock.now_ms() + 30_000) / 3_600_000);
            sqlx::query("UPDATE billing_profiles SET next_try_at = 0").execute(app.app.store.pool()).await.unwrap();
        }
        assert_eq!(waits[..tries], [1, 6, 24][..tries]);
        assert_eq!(member.available().await, Money::from_dollars(5));
        let failed: Vec<String> = sqlx::query_scalar("SELECT text FROM letters WHERE subject LIKE '%automatically%'")
            .fetch_all(app.app.store.pool())
            .await
            .unwrap();
        assert_eq!(failed.len(), tries, "{failed:?}");
        assert!(failed[0].contains(word) && failed[0].contains("/credits"), "{failed:?}");
        let (_, billing) = read(manager.get("/api/v1/billing").await).await;
        assert_eq!(billing["data"]["top_up"]["enabled"], json!(false));
        assert!(billing["data"]["top_up_problem"].as_str().unwrap().contains(word));
        app.finish().await;
    }
}

on_both_databases! {
    async fn a_promo_code_gives_each_organization_its_credit_once(database: Database) {
        let app = TestApp::start(database, &[]).await;
        let code = PromoCode { code: "HELLO-2".to_owned(), amount_nanos: Money::from_dollars(2).0, uses_left: 2, ..PromoCode::default() };
        app.app.store.insert_promo_code(&code).await.unwrap();
        let mut answers = Vec::new();
        for _ in 0..3 {
            let member = app.member(Money::ZERO).await;
            let manager = member.management_key().await;
            let body = json!({ "code": " hello-2 " });
            let redeem = || manager.send(Method::POST, "/api/v1/credits/promo", &body);
            let (one, other) = tokio::join!(redeem(), redeem());
            let mut statuses = [one.status().as_u16(), other.status().as_u16()];
            statuses.sort_unstable();
            answers.push((statuses, member.balance().await.promotional));
        }
        let used = ([200, 400], Money::from_dollars(2));
        assert_eq!(answers, [used, used, ([400, 400], Money::ZERO)]);
        app.finish().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn low_balances_and_keys_near_their_limits_are_told_once() {
    let upstream = Upstream::with_prices("dear", "0", "100").await;
    upstream.always(crate::support::Script::Answer {
        words: vec!["yes".into()],
        prompt_tokens: 10,
        completion_tokens: 100,
    });
    let app = TestApp::start(Database::sqlite(), &[&upstream]).await;
    let member = app.member(Money::from_cents(102)).await;
    let key = member.key_with(|row| row.limit_nanos = Some(Money::from_cents(5).0)).await;
    let tell = async || {
        for _ in 0..2 {
            letters::tell_low_balances(&app.app).await.unwrap();
            letters::tell_key_limits(&app.app).await.unwrap();
        }
        let subjects: Vec<String> = sqlx::query_scalar("SELECT subject FROM letters ORDER BY subject")
            .fetch_all(app.app.store.pool())
            .await
            .unwrap();
        subjects
    };
    assert_eq!(tell().await, [""; 0]);
    for _ in 0..4 {
        assert_eq!(key.ask(json!({ "max_tokens": 100 })).await.status(), 200);
    }
    assert_eq!(tell().await, ["A key has used 80 % of its limit", "Your credit is running low"]);
    assert_eq!(key.ask(json!({ "max_tokens": 100 })).await.status(), 200);
    assert_eq!(tell().await.len(), 3, "and at 100 %");
    let organization = member.account.organization_id.clone();
    app.app.ledger.grant("more", &organization, Money::from_dollars(5), "more").await.unwrap();
    assert_eq!(tell().await.len(), 3, "well again");
    app.finish().await;
}

on_both_databases! {
    async fn letters_go_to_those_who_want_them_and_low_is_what_the_organization_says(database: Database) {
        let upstream = Upstream::start("one").await;
        let app = TestApp::start(database, &[&upstream]).await;
        let (ann, bob) = (Person::new(&app, "ann@example.org").await, Person::new(&app, "bob@example.org").await);
        let at = "/api/v1/account/notifications";
        let (_, choices) = ann.get(at).await;
        assert_eq!(choices["data"], json!({ "receipts": true, "low_balance": true, "key_limits": true, "announcements": false }));
        for wrong in [json!({ "security": false }), json!({ "receipts": "no" })] {
            assert_eq!(ann.call(Method::PATCH, at, wrong).await.0, 400);
        }
        let organization = async |person: &Person<'_>| {
            let (_, organization) = person.get("/api/v1/organization").await;
            organization["data"]["id"].as_str().unwrap().to_owned()
        };
        for (person, cents) in [(&ann, 300), (&bob, 300)] {
            let id = organization(person).await;
            app.app.ledger.grant(&id, &id, Money::from_cents(cents), "a start").await.unwrap();
        }
        let told = async || {
            letters::tell_low_balances(&app.app).await.unwrap();
            let all: Vec<(String, String)> = sqlx::query_as("SELECT recipient, subject FROM letters ORDER BY recipient, id")
                .fetch_all(app.app.store.pool())
                .await
                .unwrap();
            all.into_iter().filter(|(_, subject)| subject.contains("low") || subject.contains("announcement")).map(|(to, _)| to).collect::<Vec<_>>()
        };
        assert_eq!(told().await, [""; 0], "three dollars are not low for the server");
        for person in [&ann, &bob] {
            assert_eq!(person.call(Method::PATCH, "/api/v1/billing", json!({ "low_balance": -1 })).await.0, 400);
            let (status, billing) = person.call(Method::PATCH, "/api/v1/billing", json!({ "low_balance": 5 })).await;
            assert_eq!((status, &billing["data"]["low_balance"]), (200, &json!(5)), "{billing}");
        }
        let (status, choices) = bob.call(Method::PATCH, at, json!({ "low_balance": false, "announcements": true })).await;
        assert_eq!((status, &choices["data"]["receipts"], &choices["data"]["low_balance"]), (200, &json!(true), &json!(false)));
        assert_eq!(told().await, ["ann@example.org"], "bob wants none");
        let row = patchbay::store::announcements::AnnouncementRow {
            id: "a1".into(), text: "Maintenance on Sunday".into(), is_warning: 0, created_at: 1, ends_at: None,
        };
        letters::announce(&app.app, &row).await.unwrap();
        letters::announce(&app.app, &row).await.unwrap();
        assert_eq!(told().await, ["ann@example.org", "bob@example.org"], "once, to the one who asked for it");
        let (_, billing) = ann.call(Method::PATCH, "/api/v1/billing", json!({ "low_balance": null })).await;
        assert_eq!(billing["data"]["low_balance"], json!(1), "the server's again");
        app.finish().await;
    }
}
