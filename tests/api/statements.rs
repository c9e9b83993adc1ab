//! Monthly statements by e-mail.

use app::types::Money;
use patchbay::billing::statements;
use patchbay::clock::{MS_PER_DAY, Windows, month_bounds, month_name};
use patchbay::store::generations::GenerationRow;
use reqwest::Method;
use serde_json::{Value, json};

use crate::on_both_databases;
use crate::support::person::Person;
use crate::support::{Database, KeyHolder, TestApp, read};

async fn send_to(manager: &KeyHolder<'_>, to: &str) -> (u16, Value) {
    read(manager.send(Method::PATCH, "/api/v1/billing", &json!({ "statements_to": to })).await).await
}

async fn letters(app: &TestApp) -> Vec<(String, String, String)> {
    statements::send_due(&app.app).await.unwrap();
    statements::send_due(&app.app).await.unwrap();
    sqlx::query_as("SELECT recipient, subject, text FROM letters WHERE subject LIKE 'Statement%'")
        .fetch_all(app.app.store.pool())
        .await
        .unwrap()
}

on_both_databases! {
    async fn a_month_that_is_over_is_told_once_to_who_asked_for_it(database: Database) {
        let app = TestApp::start(database, &[]).await;
        let member = app.member(Money::from_dollars(5)).await;
        let manager = member.management_key().await;
        let month = Windows::at(app.app.clock.now_ms()).month;
        let last = month_name(month - 1);
        let rows = (1..=2).map(|number| GenerationRow {
            id: format!("g{number}"),
            node_id: "earlier".to_owned(),
            seq: number,
            organization_id: member.account.organization_id.clone(),
            created_at: month_bounds(&last).unwrap().0 + MS_PER_DAY,
            cost_nanos: Money::from_cents(125).0,
            is_simulated: 1,
            attempts: "[]".to_owned(),
            ..GenerationRow::default()
        });
        app.app.ledger.import(rows.collect()).await.unwrap();
        let late = "UPDATE billing_profiles SET statement_month = statement_month - 1";

        assert_eq!(letters(&app).await, []);
        let (status, answer) = send_to(&manager, "no address").await;
        assert_eq!((status, &answer["error"]["metadata"]["field"]), (400, &json!("statements_to")), "{answer}");
        let (status, answer) = send_to(&manager, "books@example.org").await;
        assert_eq!((status, &answer["data"]["statements_to"]), (200, &json!("books@example.org")), "{answer}");
        assert_eq!(letters(&app).await, [], "this month is not over");

        sqlx::raw_sql(late).execute(app.app.store.pool()).await.unwrap();
        let told = letters(&app).await;
        assert_eq!(told.len(), 1, "{told:?}");
        let (to, subject, text) = &told[0];
        assert_eq!((to.as_str(), subject), ("books@example.org", &format!("Statement {last}")));
        for line in ["Balance before", "$0.00", "Requests", "-$2.50", "2 requests were charged", &format!("month={last}")] {
            assert!(text.contains(line), "{line} in {text}");
        }
        let (_, answer) = send_to(&manager, "").await;
        assert_eq!(answer["data"]["statements_to"], json!(null));
        sqlx::raw_sql(late).execute(app.app.store.pool()).await.unwrap();
        assert_eq!(letters(&app).await.len(), 1, "switched off");
        let ann = Person::sign_in(&app, &member.account.user.email).await;
        let fields = [("name", "Ann"), ("address", ""), ("tax_id", ""), ("statements_to", "ann@example.org")];
        let saved = ann.form("/credits/receipt-address", &fields).await;
        assert_eq!(saved.headers()["location"], "/credits?result=saved");
        let (_, answer) = ann.get("/api/v1/billing").await;
        assert_eq!(answer["data"]["statements_to"], json!("ann@example.org"));
        app.finish().await;
    }
}
