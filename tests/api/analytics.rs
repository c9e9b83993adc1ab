//! Questions about what was used, answered to their asker only.

use app::types::Money;
use patchbay::clock::MS_PER_HOUR;
use reqwest::Method;
use serde_json::{Value, json};

use crate::on_both_databases;
use crate::support::{Database, KeyHolder, Script, TestApp, Upstream, read};

async fn ask(key: &KeyHolder<'_>, query: Value) -> Value {
    let (status, answer) = read(key.send(Method::POST, "/api/v1/analytics/query", &query).await).await;
    assert_eq!(status, 200, "{query}: {answer}");
    answer["data"].clone()
}

async fn refused(key: &KeyHolder<'_>, query: Value, word: &str) {
    let (status, answer) = read(key.send(Method::POST, "/api/v1/analytics/query", &query).await).await;
    assert_eq!(status, 400, "{query}: {answer}");
    assert!(answer["error"]["message"].as_str().unwrap().contains(word), "{query}: {answer}");
}

on_both_databases! {
    async fn tasks_and_languages_are_told_of_single_requests(database: Database) {
        let upstream = Upstream::start("alpha").await;
        upstream.always(Script::words(&["Yes."]));
        let app = TestApp::start(database, &[&upstream]).await;
        let member = app.member(Money::from_dollars(5)).await;
        let manager = member.management_key().await;
        let key = member.key().await;
        let asked = async |key: &KeyHolder<'_>, text: &str| {
            let (status, answer) = read(key.ask(json!({ "messages": [{ "role": "user", "content": text }] })).await).await;
            assert_eq!(status, 200, "{answer}");
        };
        asked(&key, "A SQL query in postgres: select users without orders").await;
        asked(&key, "A SQL query in postgres: select orders without users").await;
        asked(&key, "Wie geht es dir und was machst du heute?").await;
        asked(&app.member(Money::from_dollars(5)).await.key().await, "Wie geht es dir und was machst du?").await;
        let off = manager.send(Method::PATCH, "/api/v1/organization", &json!({ "labels_prompts": false })).await;
        assert_eq!(off.status(), 200);
        asked(&key, "Wie geht es dir und was machst du morgen?").await;

        let tasks = ask(&manager, json!({ "metrics": ["request_count", "error_rate"], "dimensions": ["task"],
            "order_by": { "field": "request_count", "direction": "desc" } })).await;
        let row = |task: Value, count: i64| json!({ "task": task, "request_count": count, "error_rate": 0.0 });
        let rows = tasks["data"].as_array().unwrap();
        assert_eq!(rows.len(), 3, "{tasks}");
        for expected in [row(json!("code:sql"), 2), row(json!("general:conversation"), 1), row(Value::Null, 1)] {
            assert!(rows.contains(&expected), "{expected} of {tasks}");
        }
        for granularity in ["hour", "day", "month"] {
            let german = ask(&manager, json!({ "metrics": ["request_count", "total_usage"], "dimensions": ["model", "language"],
                "granularity": granularity, "filters": [{ "field": "language", "operator": "eq", "value": "de" }] })).await;
            assert_eq!(german["data"].as_array().unwrap().len(), 1, "{german}");
            assert_eq!(german["data"][0]["language"], "de", "{german}");
            assert!(german["data"][0]["total_usage"].as_f64().unwrap() > 0.0, "{german}");
        }
        let other = ask(&manager, json!({ "metrics": ["request_count"],
            "filters": [{ "field": "task", "operator": "not_in", "value": ["code:sql"], "include_unset": true }] })).await;
        assert_eq!(other["data"][0]["request_count"], 2, "{other}");
        let long = json!({ "start": "2026-01-01T00:00:00Z", "end": "2026-11-01T00:00:00Z" });
        refused(&manager, json!({ "metrics": ["request_count"], "dimensions": ["task"], "time_range": long }), "31 days").await;
        app.finish().await;
    }
}

on_both_databases! {
    async fn what_was_used_adds_up_however_it_is_asked(database: Database) {
        let upstream = Upstream::start("alpha").await;
        upstream.always(Script::words(&["One ", "two."]));
        let app = TestApp::start(database, &[&upstream]).await;
        let member = app.member(Money::from_dollars(5)).await;
        let manager = member.management_key().await;
        let (one, two) = (member.key_with(|row| "one".clone_into(&mut row.name)).await, member.key_with(|row| "two".clone_into(&mut row.name)).await);
        let mut cost = 0.0;
        for key in [&one, &two, &two] {
            let (status, answer) = read(key.ask(json!({})).await).await;
            assert_eq!(status, 200, "{answer}");
            cost += answer["usage"]["cost"].as_f64().unwrap();
        }
        let stranger = app.member(Money::from_dollars(5)).await;
        assert_eq!(stranger.key().await.ask(json!({})).await.status(), 200);
        // One of them was asked an hour and a half before the others.
        let hour = app.app.clock.now_ms() - 3 * MS_PER_HOUR / 2;
        sqlx::query("UPDATE generations SET created_at = $1 WHERE key_id IN (SELECT id FROM api_keys WHERE name = 'one')")
            .bind(hour).execute(app.app.store.pool()).await.unwrap();
        app.app.store.fold_generations().await.unwrap();

        let all = ask(&manager, json!({ "metrics": ["request_count", "total_usage", "error_rate", "tokens_total"] })).await;
        assert_eq!(all["data"].as_array().unwrap().len(), 1, "{all}");
        assert_eq!((&all["data"][0]["request_count"], &all["data"][0]["error_rate"]), (&json!(3), &json!(0.0)), "{all}");
        assert!((all["data"][0]["total_usage"].as_f64().unwrap() - cost).abs() < 1e-9, "{all}");

        let keys = ask(&manager, json!({ "metrics": ["request_count"], "dimensions": ["api_key_id", "model"],
            "order_by": { "field": "request_count", "direction": "desc" } })).await;
        let expected = json!([{ "api_key_id": "two", "model": "acme/one", "request_count": 2 },
            { "api_key_id": "one", "model": "acme/one", "request_count": 1 }]);
        assert_eq!(keys["data"], expected);
        let hours = ask(&manager, json!({ "metrics": ["request_count"], "granularity": "hour" })).await;
        let counts: Vec<i64> = hours["data"].as_array().unwrap().iter().map(|row| row["request_count"].as_i64().unwrap()).collect();
        assert_eq!(counts, [1, 2], "{hours}");
        for granularity in ["day", "week", "month"] {
            let answer = ask(&manager, json!({ "metrics": ["request_count"], "granularity": granularity })).await;
            let sum: i64 = answer["data"].as_array().unwrap().iter().map(|row| row["request_count"].as_i64().unwrap()).sum();
            assert_eq!(sum, 3, "{answer}");
        }

        let only = |operator: &str, value: Value| json!({ "metrics": ["request_count"],
            "filters": [{ "field": "api_key_id", "operator": operator, "value": value }] });
        let count = |answer: &Value| answer["data"][0]["request_count"].clone();
        assert_eq!(count(&ask(&manager, only("eq", json!(one.hash))).await), 1);
        assert_eq!(count(&ask(&manager, only("neq", json!(one.hash))).await), 2);
        assert_eq!(count(&ask(&manager, only("in", json!([one.hash, two.hash]))).await), 3);
        assert_eq!(count(&ask(&manager, only("not_in", json!([two.hash]))).await), 1);
        let nobodys = ask(&manager, only("eq", json!("0".repeat(64)))).await;
        assert_eq!(nobodys["data"], json!([]));
        assert!(nobodys["warnings"][0].as_str().unwrap().contains("no key of yours"), "{nobodys}");
        let few = ask(&manager, json!({ "metrics": ["request_count"], "dimensions": ["api_key_id"], "limit": 1 })).await;
        assert_eq!((&few["metadata"]["row_count"], &few["metadata"]["truncated"]), (&json!(1), &json!(true)), "{few}");

        refused(&manager, json!({ "metrics": [] }), "metrics").await;
        refused(&manager, json!({ "metrics": ["request_count"], "dimensions": ["weather"] }), "no dimension").await;
        refused(&manager, json!({ "metrics": ["request_count"], "granularity": "minute" }), "granularity").await;
        refused(&manager, only("gt", json!("a")), "operator").await;
        refused(&manager, only("in", json!([])), "value").await;
        let backwards = json!({ "start": "2026-11-21T00:00:00Z", "end": "2026-11-20T00:00:00Z" });
        refused(&manager, json!({ "metrics": ["request_count"], "time_range": backwards }), "before it ends").await;
        let long = json!({ "start": "2020-01-01T00:00:00Z", "end": "2026-11-20T00:00:00Z" });
        refused(&manager, json!({ "metrics": ["request_count"], "time_range": long }), "366").await;
        refused(&manager, json!({ "metrics": ["request_count"], "classifier_filters": {} }), "`task` and `language`").await;
        app.finish().await;
    }
}
