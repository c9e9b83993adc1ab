//! The catalog: importing it on both databases, and what the API says of it.

use std::path::Path;
use std::time::Instant;

use patchbay::catalog::{Catalog, import, seed};
use patchbay::store::Store;
use serde_json::Value;

use crate::on_both_databases;
use crate::support::{Database, TestApp, Upstream, read};

async fn apply(store: &Store, list: import::Import, now_ms: i64) -> import::Report {
    let (changes, report) = import::plan(&store.load_catalog().await.unwrap(), list, now_ms);
    store.apply_catalog(&changes).await.unwrap();
    report
}

fn changes(report: &import::Report) -> usize {
    let tallies = [report.providers, report.models, report.endpoints, report.prices];
    tallies.iter().map(|tally| tally.added + tally.changed).sum()
}

on_both_databases! {
    async fn the_built_in_catalog_is_written_once(database: Database) {
        let store = Store::open(&database.url).await.unwrap();
        store.migrate().await.unwrap();
        assert!(changes(&apply(&store, seed::built_in(), 1).await) > 100);
        assert_eq!(changes(&apply(&store, seed::built_in(), 2).await), 0);
        let catalog = Catalog::load(&store).await.unwrap();
        let endpoint = catalog.endpoint("openai:gpt-5.4").unwrap();
        assert_eq!(endpoint.prices.prompt.to_string(), "0.0000025");
        assert_eq!(store.price_history("openai:gpt-5.4").await.unwrap().len(), 1);
    }
}

on_both_databases! {
    async fn the_real_lists_are_imported_whole(database: Database) {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/reference");
        let files = ["models-dev.json", "openrouter-models.json"].map(|name| std::fs::read(folder.join(name)));
        let [Ok(offers), Ok(list)] = files else {
            eprintln!("SKIPPED: the real lists are not in {}", folder.display());
            return;
        };
        let store = Store::open(&database.url).await.unwrap();
        store.migrate().await.unwrap();
        apply(&store, seed::built_in(), 1).await;
        for (bytes, entries) in [(&offers, 5_276), (&list, 364)] {
            let start = Instant::now();
            let report = apply(&store, import::read(bytes).unwrap(), 2).await;
            eprintln!("{} imported in {:?}", report.format, start.elapsed());
            let tally = report.endpoints;
            assert!(tally.added + tally.changed + tally.unchanged + report.skipped.len() >= entries, "{report:?}");
        }
        let again = apply(&store, import::read(&offers).unwrap(), 3).await;
        assert_eq!(changes(&again), 0, "{again:?}");
        let catalog = Catalog::load(&store).await.unwrap();
        assert!(catalog.model("anthropic/claude-sonnet-4.5").unwrap().endpoints.len() > 20);
    }
}

/// Asserts that every key is there, null or not.
fn has_keys(value: &Value, keys: &[&str]) {
    for key in keys {
        assert!(value.get(key).is_some(), "{key} is missing in {value}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn models_endpoints_and_providers_have_every_field_the_clients_require() {
    let upstream = Upstream::start("one").await;
    let app = TestApp::start(Database::sqlite(), &[&upstream]).await;
    apply(&app.app.store, seed::built_in(), 1).await;
    app.app.reload_catalog().await.unwrap();

    let (status, list) = read(app.get("/api/v1/models").await).await;
    assert_eq!(status, 200);
    has_keys(&list, &["data", "total_count", "links"]);
    assert_eq!(list["links"]["next"], Value::Null);
    for model in list["data"].as_array().unwrap() {
        has_keys(
            model,
            &[
                "id",
                "canonical_slug",
                "name",
                "created",
                "context_length",
                "architecture",
                "pricing",
                "top_provider",
                "per_request_limits",
                "supported_parameters",
                "supported_voices",
                "default_parameters",
                "links",
            ],
        );
        assert!(model["created"].is_i64() && model["pricing"]["prompt"].is_string());
        assert_ne!(model.get("description"), Some(&Value::Null), "optional fields are left out, never null");
        has_keys(&model["architecture"], &["modality", "input_modalities", "output_modalities"]);
    }
    let (_, one) = read(app.get("/api/v1/models/meta-llama/llama-3.3-70b-instruct/endpoints").await).await;
    let endpoints = one["data"]["endpoints"].as_array().unwrap();
    assert!(endpoints.len() > 1);
    for endpoint in endpoints {
        has_keys(
            endpoint,
            &[
                "name",
                "model_id",
                "model_name",
                "context_length",
                "pricing",
                "provider_name",
                "tag",
                "quantization",
                "max_completion_tokens",
                "max_prompt_tokens",
                "supported_parameters",
                "supports_implicit_caching",
                "uptime_last_30m",
                "uptime_last_5m",
                "uptime_last_1d",
                "latency_last_30m",
                "throughput_last_30m",
                "supports_tool_choice",
                "native_tools",
                "service_tier",
                "supports_diarization",
                "status",
            ],
        );
        assert!(endpoint["context_length"].is_i64());
    }
    let (_, providers) = read(app.get("/api/v1/providers").await).await;
    let providers = providers["data"].as_array().unwrap();
    assert!(providers.len() > 10);
    for provider in providers {
        has_keys(provider, &["name", "slug", "privacy_policy_url"]);
    }
    assert_eq!(providers[0]["slug"], "one", "those that can be called come first");
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn pages_of_the_list_link_to_the_next_and_keep_the_query() {
    let app = TestApp::start(Database::sqlite(), &[]).await;
    apply(&app.app.store, seed::built_in(), 1).await;
    app.app.reload_catalog().await.unwrap();
    let (_, count) = read(app.get("/api/v1/models/count?supported_parameters=tools").await).await;
    let total = count["data"]["count"].as_u64().unwrap();
    let mut next = Some("/api/v1/models?supported_parameters=tools&limit=10&sort=newest".to_owned());
    let mut seen = Vec::new();
    while let Some(path) = next {
        let (_, page) = read(app.get(&path).await).await;
        assert_eq!(page["total_count"].as_u64(), Some(total));
        seen.extend(page["data"].as_array().unwrap().iter().map(|model| model["id"].to_string()));
        next = page["links"]["next"].as_str().map(str::to_owned);
    }
    let mut unique = seen.clone();
    unique.sort();
    unique.dedup();
    assert_eq!((seen.len() as u64, unique.len()), (total, seen.len()));

    let (status, error) = read(app.get("/api/v1/models?sort=best").await).await;
    assert_eq!((status, error["error"]["code"].as_u64()), (400, Some(400)));
    let message = error["error"]["message"].as_str().unwrap();
    assert!(message.contains("sort") && message.contains("pricing-low-to-high"), "{message}");
    let (status, error) = read(app.get("/api/v1/models/acme/nothing/endpoints").await).await;
    assert_eq!((status, error["error"]["code"].as_u64()), (404, Some(404)));
    app.finish().await;
}
