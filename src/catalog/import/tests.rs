//! Both formats, odd entries, either order, and the real lists where they are at hand.

use std::time::Instant;

use app::types::Price;
use serde_json::json;

use super::*;
use crate::catalog::Catalog;
use crate::dialects::Dialect::{AnthropicMessages, OpenaiChat};
use crate::store::Store;
use crate::store::catalog::CatalogRows;

fn offers(models: &Value) -> Value {
    json!({ "acme": { "id": "acme", "name": "Acme", "npm": "@ai-sdk/openai-compatible",
                      "api": "https://api.acme.example/v1/", "env": ["ACME_API_KEY"], "models": models } })
}

fn offer(id: &str, input: &Value) -> Value {
    json!({ "id": id, "name": "A model", "cost": { "input": input, "output": 2.5 },
            "limit": { "context": 128_000, "output": 8192 },
            "modalities": { "input": ["text", "pdf"], "output": ["text"] },
            "release_date": "2025-03-31", "tool_call": true, "reasoning": false, "structured_output": true })
}

fn listed(id: &str, prompt: &str) -> Value {
    json!({ "id": id, "canonical_slug": format!("{id}-20250929"), "name": "Listed", "created": 1_700_000_000,
            "description": "A listed model.", "context_length": 200_000,
            "architecture": { "modality": "text->text", "input_modalities": ["text"], "output_modalities": ["text"],
                              "tokenizer": "Claude", "instruct_type": null },
            "pricing": { "prompt": prompt, "completion": "0.000015" },
            "top_provider": { "context_length": 200_000, "max_completion_tokens": 64_000, "is_moderated": false },
            "supported_parameters": ["tools"] })
}

fn bytes(value: &Value) -> Vec<u8> {
    value.to_string().into_bytes()
}

async fn import(store: &Store, list: &[u8], now_ms: i64) -> Report {
    let existing = store.load_catalog().await.expect("loads");
    let (changes, report) = plan(&existing, read(list).expect("reads"), now_ms);
    store.apply_catalog(&changes).await.expect("applies");
    report
}

async fn rows_without_price_times(store: &Store) -> CatalogRows {
    let mut rows = store.load_catalog().await.expect("loads");
    for price in &mut rows.prices {
        price.valid_from = 0;
        price.id = price.endpoint_id.clone();
    }
    for endpoint in &mut rows.endpoints {
        endpoint.price_id = endpoint.price_id.as_ref().map(|_| endpoint.id.clone());
    }
    rows
}

#[test]
fn prices_per_million_are_read_digit_by_digit() {
    let list =
        offers(&json!({ "m": offer("m", &json!(0.1)), "n": offer("n", &json!(1e-2)), "o": offer("o", &json!(15)) }));
    let import = read(&bytes(&list)).unwrap();
    let prompts: Vec<_> = import.offers.iter().filter_map(|offer| offer.prices.as_ref()).map(|p| p.prompt).collect();
    assert_eq!(prompts, [Price(100_000), Price(10_000), Price(15_000_000)]);
    assert_eq!(import.offers[0].prices.as_ref().map(|p| p.completion), Some(Price(2_500_000)));
    assert_eq!(import.offers[0].endpoint.input_modalities, ["text", "file"]);
    assert!(import.offers[0].endpoint.supports("structured_outputs"));
}

#[test]
fn published_results_come_along_and_odd_ones_do_not() {
    let mut model = offer("acme/m", &json!(1));
    model["benchmarks"] = json!([{ "name": "Quiz", "score": 71.5, "metric": "pass@1", "source": "https://acme.example" },
        { "name": "No score" }, { "name": "Bare", "score": 3 }, "odd"]);
    let import = read(&bytes(&offers(&json!({ "m": model })))).unwrap();
    let results = &import.offers[0].facts.as_ref().unwrap().benchmarks;
    let told: Vec<_> =
        results.iter().map(|result| (result.name.as_str(), result.score, result.metric.as_deref())).collect();
    assert_eq!(told, [("Quiz", 71.5, Some("pass@1")), ("Bare", 3.0, None)]);
}

#[test]
fn odd_entries_are_named_and_left_out_and_the_rest_is_taken() {
    let nameless = json!({ "id": "nameless", "cost": { "input": 1, "output": 1 } });
    let mut long = offer("long", &json!(1));
    long["limit"]["context"] = json!("many");
    let list = offers(&json!({
        "good": offer("good", &json!(1)), "text-price": offer("text-price", &json!("1.0")),
        "negative": offer("negative", &json!(-1)), "nameless": nameless, "null": null, "long": long,
        "twice": offer("good", &json!(3)), "dear": offer("dear", &json!(1e30)),
    }));
    let import = read(&bytes(&list)).unwrap();
    let skipped: Vec<_> = import.skipped.iter().map(|s| (s.entry.as_str(), s.reason.as_str())).collect();
    assert_eq!(import.offers.len(), 1);
    assert_eq!(
        skipped,
        [
            ("acme/text-price", "input: \"1.0\" is not a number"),
            ("acme/negative", "input: -1e-6 is negative; what varies from request to request cannot be charged"),
            ("acme/nameless", "name: missing"),
            ("acme/null", "not an object"),
            ("acme/long", "context: \"many\" is not a whole number"),
            ("acme/twice", "id: good is listed twice"),
            ("acme/dear", "input: 1e24: outside the range of amounts"),
        ]
    );
}

#[test]
fn a_model_list_with_odd_entries_is_read_too() {
    let mut numeric = listed("acme/numeric", "1");
    numeric["pricing"]["prompt"] = json!(0.1);
    let mut half = listed("acme/half", "1");
    half["created"] = json!(1.5);
    let list = json!({ "data": [
        listed("acme/good", "0.000003"), listed("acme/auto", "-1"), listed("acme/good", "0"), numeric, half, 7,
    ] });
    let import = read(&bytes(&list)).unwrap();
    assert_eq!(import.models.len(), 1);
    let entries: Vec<_> = import.skipped.iter().map(|s| s.entry.as_str()).collect();
    assert_eq!(entries, ["acme/auto", "acme/good", "acme/numeric", "acme/half", "entry 6"]);
}

#[test]
fn what_is_no_list_is_refused_with_a_remedy() {
    assert!(matches!(read(b"<html>"), Err(ImportError::NotJson(_))));
    let unknown = read(b"{\"hello\": 1}").unwrap_err().to_string();
    assert!(unknown.contains("expected models.dev's api.json"), "{unknown}");
}

#[tokio::test]
async fn an_unknown_price_is_never_free() {
    let (store, _folder) = Store::for_test().await;
    let mut unpriced = offer("gpt-9", &json!(1));
    unpriced["cost"] = Value::Null;
    let report = import(&store, &bytes(&offers(&json!({ "gpt-9": unpriced }))), 1).await;
    assert_eq!(report.unpriced_endpoints, 1);
    let catalog = Catalog::from_rows(&store.load_catalog().await.unwrap());
    assert_eq!(catalog.model("openai/gpt-9").map(|model| model.endpoints.len()), Some(0));
}

#[tokio::test]
async fn a_price_change_adds_a_version_and_the_second_import_changes_nothing() {
    let (store, _folder) = Store::for_test().await;
    let list = |price: f64| bytes(&offers(&json!({ "gpt-9": offer("gpt-9", &json!(price)) })));
    let first = import(&store, &list(1.0), 1_000).await;
    assert_eq!((first.endpoints.added, first.prices.added, first.models.added), (1, 1, 1));

    let again = import(&store, &list(1.0), 2_000).await;
    assert_eq!((again.endpoints.unchanged, again.prices.unchanged, again.models.unchanged), (1, 1, 1));
    assert_eq!(again.endpoints.changed + again.prices.changed + again.models.changed, 0);

    let dearer = import(&store, &list(3.0), 3_000).await;
    assert_eq!((dearer.prices.changed, dearer.endpoints.changed), (1, 1));
    let history = store.price_history("acme:gpt-9").await.unwrap();
    let versions: Vec<_> = history.iter().map(|row| (row.valid_from, row.prompt)).collect();
    assert_eq!(versions, [(1_000, 1_000_000), (3_000, 3_000_000)]);
    let catalog = Catalog::from_rows(&store.load_catalog().await.unwrap());
    assert_eq!(catalog.endpoint("acme:gpt-9").map(|e| e.prices.prompt), Some(Price(3_000_000)));
}

#[tokio::test]
async fn an_offer_that_left_the_list_is_withdrawn_and_may_come_back() {
    let (store, _folder) = Store::for_test().await;
    let both = offers(&json!({ "gpt-8": offer("gpt-8", &json!(1)), "gpt-9": offer("gpt-9", &json!(1)) }));
    let one = offers(&json!({ "gpt-9": offer("gpt-9", &json!(1)) }));
    import(&store, &bytes(&both), 1).await;
    assert_eq!(import(&store, &bytes(&one), 2).await.withdrawn_endpoints, 1);
    assert!(Catalog::from_rows(&store.load_catalog().await.unwrap()).model("openai/gpt-8").is_none());
    import(&store, &bytes(&both), 3).await;
    assert!(Catalog::from_rows(&store.load_catalog().await.unwrap()).endpoint("acme:gpt-8").is_some());
}

#[tokio::test]
async fn either_order_ends_in_the_same_catalog_under_the_preferred_names() {
    let offers = bytes(&offers(&json!({
        "anthropic.claude-sonnet-4-5-20250929-v1:0": offer("anthropic.claude-sonnet-4-5-20250929-v1:0", &json!(3)),
        "gpt-5.4-mini-2026-03-17": offer("gpt-5.4-mini-2026-03-17", &json!(1)),
    })));
    let mut mini = listed("openai/gpt-5.4-mini", "0.000001");
    mini["canonical_slug"] = json!("openai/gpt-5.4-mini-20260317");
    let list = bytes(&json!({ "data": [listed("anthropic/claude-sonnet-4.5", "0.000003"), mini] }));
    let mut ends = Vec::new();
    for order in [[&offers, &list], [&list, &offers]] {
        let (store, _folder) = Store::for_test().await;
        for (now, part) in (1..).zip(order) {
            import(&store, part, now).await;
        }
        let catalog = Catalog::from_rows(&store.load_catalog().await.unwrap());
        for (id, count) in [("anthropic/claude-sonnet-4.5", 2), ("openai/gpt-5.4-mini", 2)] {
            assert_eq!(catalog.model(id).map(|model| model.endpoints.len()), Some(count), "{id}");
        }
        ends.push(catalog.models.keys().cloned().collect::<Vec<_>>());
    }
    assert_eq!(ends[0], ends[1]);
}

#[tokio::test]
async fn an_offer_in_another_protocol_belongs_to_a_provider_beside() {
    let mut claude = offer("claude-opus-4-6", &json!(5));
    claude["provider"] = json!({ "npm": "@ai-sdk/anthropic" });
    let import =
        read(&bytes(&offers(&json!({ "claude-opus-4-6": claude, "gpt-9": offer("gpt-9", &json!(1)) })))).unwrap();
    let slugs: Vec<_> = import.providers.iter().map(|provider| (provider.slug.as_str(), provider.dialect)).collect();
    assert_eq!(slugs, [("acme", Some(OpenaiChat)), ("acme-anthropic", Some(AnthropicMessages))]);
    assert_eq!(import.providers[0].base_url, "https://api.acme.example/v1");
}

/// The lists this was made for, where they are at hand.
fn reference(name: &str) -> Option<Vec<u8>> {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/reference").join(name);
    let file = std::fs::read(&path).ok();
    if file.is_none() {
        eprintln!("SKIPPED: {} is not there", path.display());
    }
    file
}

#[tokio::test]
async fn the_real_lists_load_whole_in_either_order_and_a_second_time_change_nothing() {
    let (Some(offers), Some(list)) = (reference("models-dev.json"), reference("openrouter-models.json")) else {
        return;
    };
    let mut ends = Vec::new();
    for order in [[&offers, &list], [&list, &offers]] {
        let (store, _folder) = Store::for_test().await;
        for (now, part) in (1..).zip(order) {
            let start = Instant::now();
            let report = import(&store, part, now).await;
            eprintln!(
                "{} in {:?}: models {:?}, endpoints {:?}",
                report.format,
                start.elapsed(),
                report.models,
                report.endpoints
            );
            let entries = report.endpoints.added + report.endpoints.changed + report.endpoints.unchanged;
            assert!(entries + report.skipped.len() >= if report.format == "models.dev" { 5_276 } else { 364 });
            assert!(report.skipped.len() < 20, "{:?}", report.skipped);
        }
        for (now, part) in (3..).zip(order) {
            let report = import(&store, part, now).await;
            let written = [report.providers, report.models, report.endpoints, report.prices];
            assert!(written.iter().all(|tally| tally.added + tally.changed == 0), "{report:?}");
        }
        let rows = rows_without_price_times(&store).await;
        let catalog = Catalog::from_rows(&rows);
        eprintln!("{} models, {} callable offers", catalog.models.len(), catalog.endpoint_count());
        let sonnet = catalog.model("anthropic/claude-sonnet-4.5").unwrap();
        assert!(sonnet.endpoints.len() > 20, "{} providers offer it", sonnet.endpoints.len());
        ends.push(rows);
    }
    let owners = |rows: &CatalogRows| -> Vec<(String, String)> {
        rows.endpoints.iter().map(|row| (row.id.clone(), row.model_id.clone())).collect()
    };
    let (one, other) = (owners(&ends[0]), owners(&ends[1]));
    let differing: Vec<_> = one.iter().zip(&other).filter(|(a, b)| a != b).take(10).collect();
    assert!(differing.is_empty() && one.len() == other.len(), "{differing:?}");
}

#[tokio::test]
async fn the_built_in_names_survive_the_real_lists() {
    let (Some(offers), Some(list)) = (reference("models-dev.json"), reference("openrouter-models.json")) else {
        return;
    };
    let (store, _folder) = Store::for_test().await;
    let built_in = || crate::catalog::seed::built_in();
    let seed = plan(&CatalogRows::default(), built_in(), 1).0;
    store.apply_catalog(&seed).await.unwrap();
    import(&store, &offers, 2).await;
    import(&store, &list, 3).await;
    let again = plan(&store.load_catalog().await.unwrap(), built_in(), 4);
    assert!(again.0.is_empty(), "{:?}", again.1);
    let catalog = Catalog::from_rows(&store.load_catalog().await.unwrap());
    for model in built_in().models {
        // The lists have few models that make vectors or rankings.
        let least = if model.architecture.output_modalities.iter().any(|kind| kind == "text") { 2 } else { 1 };
        assert!(catalog.model(&model.id).is_some_and(|found| found.endpoints.len() >= least), "{}", model.id);
    }
}

#[tokio::test]
async fn embedding_and_rerank_models_of_both_lists_can_be_served_as_such() {
    let offers = json!({ "voyage": { "name": "Voyage AI", "npm": "@ai-sdk/openai-compatible", "api": "https://v.example/v1", "env": ["V"],
        "models": {
            "voyage-3.5": { "id": "voyage-3.5", "name": "Voyage 3.5", "cost": { "input": 0.06, "output": 0 }, "limit": { "context": 32000, "output": 0 } },
            "rerank-2.5": { "id": "rerank-2.5", "name": "Rerank 2.5", "cost": { "input": 0.05, "output": 0 }, "limit": { "context": 32000, "output": 0 } },
        } } });
    let list = json!({ "data": [{ "id": "openai/text-embedding-3-small", "name": "OpenAI: Text Embedding 3 Small", "created": 1,
        "context_length": 8192, "architecture": { "modality": "text->embeddings", "input_modalities": ["text"], "output_modalities": ["embeddings"] },
        "pricing": { "prompt": "0.00000002", "completion": "0" }, "supported_parameters": [] }] });
    let (store, _folder) = Store::for_test().await;
    for (bytes, now) in [(offers.to_string(), 1), (list.to_string(), 2)] {
        import(&store, bytes.as_bytes(), now).await;
    }
    let catalog = Catalog::from_rows(&store.load_catalog().await.unwrap());
    for (upstream, kind) in
        [("voyage-3.5", "embeddings"), ("rerank-2.5", "rerank"), ("text-embedding-3-small", "embeddings")]
    {
        let endpoint = catalog
            .models
            .values()
            .flat_map(|model| &model.endpoints)
            .find(|endpoint| endpoint.upstream_model.ends_with(upstream))
            .unwrap_or_else(|| panic!("{upstream} has no endpoint"));
        assert_eq!(endpoint.output_modalities, [kind]);
        let model = catalog.model(&endpoint.model_id).unwrap();
        assert_eq!(model.architecture.output_modalities, [kind]);
        assert!(catalog.provider(&endpoint.provider_slug).is_some_and(|provider| provider.is_callable()));
    }
}
