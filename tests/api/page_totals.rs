//! Totals that pages read, and the traffic they are measured with.

use app::types::Money;
use patchbay::store::traffic::Traffic;
use serde_json::json;
use sqlx::Executor as _;

use crate::on_both_databases;
use crate::support::{Database, Script, TestApp, Upstream, read};

/// Every row of every table of totals, as text.
const TOTALS: [&str; 6] = [
    "SELECT hour || ' ' || organization_id || ' ' || key_id || ' ' || endpoint_id || ' ' || app_url || app_title || ' ' || \
     requests || ' ' || failures || ' ' || prompt_tokens || ' ' || cached_tokens || ' ' || cost_nanos FROM usage_hourly",
    "SELECT day || ' ' || organization_id || ' ' || key_id || ' ' || endpoint_id || ' ' || app_url || ' ' || requests || ' ' || \
     cost_nanos FROM usage_daily",
    "SELECT hour || ' ' || endpoint_id || ' ' || provider_name || ' ' || requests || ' ' || failures FROM endpoint_hourly",
    "SELECT hour || ' ' || endpoint_id || ' ' || measure || ' ' || bucket || ' ' || answers FROM speed_hourly",
    "SELECT dimension || ' ' || day || ' ' || model_id || ' ' || name || ' ' || title || ' ' || requests || ' ' || \
     completion_tokens FROM public_daily UNION ALL SELECT dimension || ' ' || day || ' ' || name || ' ' || title || ' ' || \
     is_simulated || ' ' || requests || ' ' || tokens FROM board_daily",
    "SELECT organization_id || ' ' || key_id || ' ' || dimension || ' ' || day || ' ' || name || ' ' || requests || ' ' || \
     tokens || ' ' || cost_nanos FROM activity_daily",
];

async fn totals(app: &TestApp) -> Vec<String> {
    let mut rows = Vec::new();
    for text in TOTALS {
        let more: Vec<String> = sqlx::query_scalar(text).fetch_all(app.app.store.pool()).await.unwrap();
        assert!(!more.is_empty(), "{text}");
        rows.extend(more);
    }
    rows.sort();
    rows
}

on_both_databases! {
    async fn invented_totals_are_what_folding_makes_of_the_same_requests(database: Database) {
        let upstream = Upstream::start("one").await.offering(&["acme/one", "acme/two", "other/three"]);
        let app = TestApp::start(database, &[&upstream]).await;
        let store = &app.app.store;
        assert!(!store.has_generations().await.unwrap());
        for (day, first) in [(20_700, 1), (20_701, 401)] {
            let traffic =
                Traffic { organization_id: "org", workspace_id: "w", user_id: "u", day, first, rows: 400 };
            store.invent_day(&traffic).await.unwrap();
        }
        let invented = totals(&app).await;
        let mut tx = store.begin_write().await.unwrap();
        for table in ["usage_hourly", "usage_daily", "endpoint_hourly", "speed_hourly", "public_daily", "board_daily", "activity_daily", "rollup_watermarks"] {
            tx.execute(sqlx::AssertSqlSafe(format!("DELETE FROM {table}"))).await.unwrap();
        }
        tx.commit().await.unwrap();
        while store.fold_generations().await.unwrap() > 0 {}
        let folded = totals(&app).await;
        let differs = invented.iter().zip(&folded).find(|(a, b)| a != b);
        assert_eq!((differs, invented.len()), (None, folded.len()));
        // They belong to no books, which are looked through at the end.
        store.pool().execute("DELETE FROM generations").await.unwrap();
        app.finish().await;
    }
}

on_both_databases! {
    async fn activity_is_shown_by_member_and_from_minutes_to_months(database: Database) {
        let upstream = Upstream::with_prices("exact", "1", "1").await;
        upstream.always(Script::Answer { words: vec!["a".into()], prompt_tokens: 70, completion_tokens: 30 });
        let app = TestApp::start(database, &[&upstream]).await;
        let member = app.member(Money::from_dollars(1)).await;
        let (key, manager) = (member.key().await, member.management_key().await);
        key.stream(json!({})).await;
        key.stream(json!({})).await;
        while app.app.store.fold_generations().await.unwrap() > 0 {}
        let mut names = Vec::new();
        for (window, periods) in [
            ("granularity=minute&hours=1", 60),
            ("granularity=hour&days=1", 24),
            ("granularity=day&days=7", 7),
            ("granularity=month&days=366", 13),
        ] {
            let (status, usage) = read(manager.get(&format!("/api/v1/usage?by=member&{window}")).await).await;
            assert_eq!(status, 200, "{usage}");
            let data = &usage["data"];
            assert!(data["days"].as_array().unwrap().len().abs_diff(periods) <= 1, "{window}: {data}");
            assert_eq!((&data["total_requests"], &data["total_tokens"]), (&json!(2), &json!(200)), "{window}: {data}");
            assert_eq!(data["total_cost"].to_string(), "0.0002", "{window}");
            let sum: i64 = data["series"][0]["requests"].as_array().unwrap().iter().map(|n| n.as_i64().unwrap()).sum();
            assert_eq!(sum, 2, "{window}: {data}");
            names.push(data["series"][0]["name"].as_str().unwrap().to_owned());
        }
        names.dedup();
        assert_eq!(names.len(), 1, "{names:?}");
        assert_ne!(names[0], "Former member");
        for wrong in ["granularity=minute&days=1", "granularity=minute&hours=7", "granularity=day&hours=2", "by=nobody"] {
            assert_eq!(manager.get(&format!("/api/v1/usage?{wrong}")).await.status(), 400, "{wrong}");
        }
        app.finish().await;
    }
}
