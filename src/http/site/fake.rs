//! An API with canned answers, for rendering pages in tests. The cookie `sid=member` is a person's.

use axum::body::Body;
use axum::extract::{Path, Query};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use axum::routing::{get, patch, post};
use axum::{Json, Router};
use serde_json::{Value, json};

/// A name that tries to become markup, and to turn the line around.
pub const HOSTILE: &str = "</title><script>alert('x')</script>\u{202E}";

type Params = Query<std::collections::HashMap<String, String>>;

/// The routes the pages read.
pub fn api() -> Router {
    super::fake_people::api()
        .merge(super::fake_admin::api())
        .route("/api/v1/session", get(session))
        .route("/api/v1/models", get(models))
        .route("/api/v1/models/facets", get(facets))
        .route("/api/v1/model/{author}/{slug}", get(one_model))
        .route("/api/v1/models/{author}/{slug}/endpoints", get(endpoints))
        .route("/api/v1/models/{author}/{slug}/statistics", get(statistics))
        .route(
            "/api/v1/providers",
            get(|| async { Json(json!({"data": [provider("Alpha", true), provider("Beta", false)]})) }),
        )
        .route("/api/v1/rankings", get(rankings))
        .route("/api/v1/rankings/speed", get(speed))
        .route("/api/v1/ratings", get(ratings))
        .route("/api/v1/openapi.json", get(crate::http::openapi::show_openapi))
        .route("/api/v1/shared/{id}", get(shared))
        .route("/api/v1/status", get(status))
        .route("/api/v1/usage", get(|headers: HeaderMap| async move { member(&headers, usage()) }))
        .route("/api/v1/generations", get(|headers: HeaderMap| async move { member(&headers, generations()) }))
        .route("/api/v1/generation", get(generation))
        .route("/api/v1/generation/feedback", get(|headers: HeaderMap| async move { member(&headers, feedback()) }))
        .route(
            "/api/v1/credits",
            get(|headers: HeaderMap| async move {
                member(&headers, json!({"total_credits": 25, "total_usage": 1.25, "held": 0.05, "available": 23.70}))
            }),
        )
        .route("/api/v1/billing", get(|headers: HeaderMap| async move { member(&headers, billing()) }))
        .route("/api/v1/credits/purchases", get(|headers: HeaderMap| async move { member(&headers, json!([])) }))
        .route("/api/v1/ledger", get(|headers: HeaderMap| async move { member(&headers, ledger()) }))
        .route(
            "/api/v1/keys",
            get(|headers: HeaderMap| async move { member(&headers, json!([key("CI", false), key(HOSTILE, true)])) })
                .post(create_key),
        )
        .route("/api/v1/keys/{hash}", patch(update_key).delete(|| async { Json(json!({"deleted": true})) }))
        .route("/api/v1/chat/completions", post(chat))
}

pub(super) fn is_member(headers: &HeaderMap) -> bool {
    let has_cookie = headers.get(header::COOKIE).is_some_and(|cookie| cookie.to_str().unwrap().contains("sid=member"));
    has_cookie && headers.get("sec-fetch-site").is_some_and(|site| site == "same-origin")
}

pub(super) fn member(headers: &HeaderMap, data: impl serde::Serialize) -> Response {
    if is_member(headers) {
        return Json(json!({ "data": data })).into_response();
    }
    failure(StatusCode::UNAUTHORIZED, "Missing or invalid API key")
}

pub(super) fn failure(status: StatusCode, message: &str) -> Response {
    (status, Json(json!({"error": {"code": status.as_u16(), "message": message}}))).into_response()
}

async fn session(headers: HeaderMap) -> Json<Value> {
    let user = is_member(&headers).then(|| {
        json!({"id": "u1", "email": "ada@example.com", "name": "Ada", "organization_id": "o1",
            "organization_name": "Analytical Engines", "available": 23.70, "role": "owner", "workspace_id": "w1", "is_operator": true})
    });
    let announcements = [super::fake_admin::announcement()];
    Json(json!({"data": {"user": user, "is_demo": true, "allows_sign_up": true, "has_chat_room": true,
        "has_blind_votes": true, "base_url": "http://127.0.0.1:3000",
        "identity_providers": [{"slug": "google", "name": HOSTILE}], "announcements": announcements}}))
}

fn model(number: usize) -> Value {
    let name = if number == 1 { HOSTILE.to_owned() } else { format!("Model {number}") };
    json!({
        "id": format!("acme/model-{number}"), "canonical_slug": format!("acme/model-{number}"), "name": format!("Acme: {name}"),
        "created": 1_795_000_000 - 86_400 * i64::try_from(number).unwrap(),
        "description": "A **calm** model.\n\n<img src=x onerror=alert(1)> [site](https://example.com) [bad](javascript:alert(1))",
        "context_length": 131_072,
        "architecture": {"modality": "text+image->text", "input_modalities": ["text", "image"], "output_modalities": ["text"], "tokenizer": "Other", "instruct_type": null},
        "pricing": {"prompt": if number == 3 { "0" } else { "0.0000025" }, "completion": if number == 3 { "0" } else { "0.00001" }, "input_cache_read": "0.00000025"},
        "top_provider": {"context_length": 131_072, "max_completion_tokens": 16_384, "is_moderated": false},
        "per_request_limits": null, "supported_parameters": ["tools", "temperature", "reasoning", "seed"], "supported_voices": null, "default_parameters": null,
        "links": {"details": ""}, "endpoint_count": 3, "is_simulated": true
    })
}

async fn models(Query(params): Params) -> Json<Value> {
    let number = |name: &str, default: usize| params.get(name).and_then(|text| text.parse().ok()).unwrap_or(default);
    let found: Vec<Value> = match params.get("q").map(String::as_str) {
        Some("nothing") => Vec::new(),
        _ => (0..120).map(model).collect(),
    };
    let page: Vec<&Value> = found.iter().skip(number("offset", 0)).take(number("limit", 500)).collect();
    Json(json!({"data": page, "total_count": found.len(), "links": {"next": null}}))
}

async fn facets() -> Json<Value> {
    let facet = |value: &str, count: u32| json!({"value": value, "name": value, "count": count});
    let parameters: Vec<Value> = (0..12).map(|n| facet(&format!("parameter-{n}"), 12 - n)).collect();
    Json(
        json!({"data": {"authors": [facet("acme", 90), facet(HOSTILE, 30)], "providers": [facet("alpha", 80), facet("beta", 40)],
        "supported_parameters": parameters, "input_modalities": [facet("text", 120), facet("image", 60)],
        "output_modalities": [facet("text", 120), facet("image", 4)], "categories": [facet("programming", 44)], "free": 7, "zdr": 21}}),
    )
}

async fn one_model(Path((author, slug)): Path<(String, String)>) -> Response {
    match slug.strip_prefix("model-").and_then(|number| number.parse().ok()) {
        Some(number) if author == "acme" => Json(json!({"data": model(number)})).into_response(),
        _ => failure(StatusCode::NOT_FOUND, "No model has this name"),
    }
}

async fn endpoints(Path((author, slug)): Path<(String, String)>) -> Json<Value> {
    let endpoint = |name: &str, is_available: bool, trains: Option<bool>| {
        json!({
            "name": format!("{name} | {author}/{slug}"), "model_id": format!("{author}/{slug}"), "model_name": "Model", "context_length": 131_072,
            "pricing": {"prompt": "0.0000025", "completion": "0.00001"}, "provider_name": name, "tag": name.to_lowercase(),
            "quantization": "fp8", "max_completion_tokens": 16_384, "max_prompt_tokens": null, "supported_parameters": ["tools"],
            "status": 0, "uptime_last_5m": 99.9, "uptime_last_30m": 99.9, "uptime_last_1d": 99.95, "supports_implicit_caching": false,
            "latency_last_30m": {"p50": 0.42, "p75": 0.6, "p90": 0.9, "p99": 2.0}, "throughput_last_30m": {"p50": 88.0, "p75": 80.0, "p90": 60.0, "p99": 30.0},
            "supports_tool_choice": {"auto": true, "none": true, "required": true, "function": true}, "native_tools": {}, "service_tier": null,
            "supports_diarization": false, "is_simulated": true, "is_available": is_available,
            "data_policy": {"trains_on_prompts": trains, "retains_prompts": null}
        })
    };
    let endpoints = [
        endpoint("Simulated Alpha", true, Some(false)),
        endpoint("Simulated Beta", false, Some(true)),
        endpoint(HOSTILE, true, None),
    ];
    Json(
        json!({"data": {"id": format!("{author}/{slug}"), "name": "Model", "created": 1_795_000_000, "description": "", "architecture": model(0)["architecture"], "endpoints": endpoints}}),
    )
}

async fn statistics() -> Json<Value> {
    let slots: Vec<String> =
        (0..28).map(|slot| format!("2026-11-{:02}T{:02}:00:00.000Z", 14 + slot / 4, slot % 4 * 6)).collect();
    let percentiles: Vec<Value> = (0..28_u32)
        .map(|slot| {
            if slot == 5 {
                Value::Null
            } else {
                json!({"p50": 0.4, "p75": 0.5, "p90": 0.9, "p99": f64::from(slot) / 10.0 + 1.0})
            }
        })
        .collect();
    let days: Vec<String> =
        (0..30).map(|day| app::components::format::day_of_epoch(1_795_000_000 - 86_400 * (29 - day))).collect();
    let points: Vec<f64> = (0..28_u32).map(|slot| f64::from(slot % 5) + 0.5).collect();
    let uptime: Vec<Option<f64>> = (0..72)
        .map(|hour| match hour {
            10 => None,
            20 => Some(50.0),
            30 => Some(97.0),
            _ => Some(100.0),
        })
        .collect();
    let tokens: Vec<u32> = (0..30).map(|day| day * 1_000).collect();
    Json(json!({"data": {"slots": slots, "latency": percentiles, "throughput": percentiles,
        "endpoints": [{"tag": "simulated alpha", "provider_name": "Simulated Alpha", "latency": points, "throughput": points, "uptime": uptime}],
        "days": days, "daily_prompt_tokens": tokens, "daily_completion_tokens": tokens, "daily_requests": tokens,
        "benchmarks": [{"name": "SWE-Bench Verified", "score": 78.9, "metric": "resolved", "source": "https://example.com/report"}],
        "apps": [{"url": "https://foxglove.example", "title": "Foxglove", "tokens": 1_200_000, "requests": 40}, {"url": "data:x", "title": HOSTILE, "tokens": 9, "requests": 1}],
        "prices": [{"tag": "alpha", "provider_name": "Simulated Alpha", "from": "1970-01-01", "prompt": "0.000003", "completion": "0.00001"},
            {"tag": "alpha", "provider_name": "Simulated Alpha", "from": "2026-11-02", "prompt": "0.0000025", "completion": "0.00001"}],
        "has_simulated": true}}))
}

fn provider(name: &str, is_available: bool) -> Value {
    json!({"name": name, "slug": name.to_lowercase(), "privacy_policy_url": "https://example.com/privacy", "terms_of_service_url": "javascript:alert(1)",
        "status_page_url": null, "headquarters": "IS", "datacenters": [], "is_available": is_available, "is_simulated": true, "model_count": 12})
}

async fn rankings(Query(params): Params) -> Json<Value> {
    let count: u32 = match params.get("period").map(String::as_str) {
        Some("day") => 1,
        Some("month") => 30,
        Some("year") => 365,
        _ => 7,
    };
    let days: Vec<String> = (0..count)
        .map(|day| app::components::format::day_of_epoch(1_795_000_000 - 86_400 * i64::from(count - 1 - day)))
        .collect();
    let rows: Vec<Value> = (0..14_u32)
        .map(|row| {
            let daily: Vec<i64> = (0..count).map(|day| i64::from((20 - row) * 1_000_000 + (day * 7919 + row * 104_729) % 9_000_000)).collect();
            let name = if row == 1 { format!("Acme: {HOSTILE}") } else { format!("Acme: Model {row}") };
            json!({"rank": row + 1, "id": format!("acme/model-{row}"), "name": name, "tokens": daily.iter().sum::<i64>(),
                "requests": 12_345 - i64::from(row), "share": 14.0 - f64::from(row), "change": if row == 3 { None } else { Some(8.5 - f64::from(row)) }, "daily_tokens": daily})
        })
        .collect();
    Json(json!({"data": {"days": days, "rows": rows, "total_tokens": 1_234_567_890_i64, "has_simulated": true,
        "title": params.get("app").filter(|url| url.contains("foxglove")).map(|_| "Foxglove"),
        "categories": params.get("app").map(|_| vec!["cli-agent", "cooking"]).unwrap_or_default()}}))
}

async fn ratings() -> Json<Value> {
    let rating = |id: &str, rating: f64| {
        json!({"id": id, "name": HOSTILE, "rating": rating, "low": rating - 40.0, "high": rating + 40.0,
        "rating_without_length": rating - 5.0, "votes": 80, "win_rate": 61.5})
    };
    Json(
        json!({"data": {"models": [rating("acme/model-1", 1_080.0), rating("acme/model-2", 920.0)], "votes": 80, "voters": 9, "has_simulated": true}}),
    )
}

async fn shared() -> Json<Value> {
    Json(
        json!({"data": {"id": "", "title": HOSTILE, "updated_at": "2026-11-20T14:03:59Z", "share_id": "s", "document": {"columns": [
        {"model": {"id": "a/b", "name": HOSTILE}, "turns": [{"is_answer": false, "content": HOSTILE},
            {"is_answer": true, "content": "**Bold** <script>alert(1)</script> ![x](https://evil.example/x.png)", "reasoning": "Let me think."}]}]}}}),
    )
}

async fn speed() -> Json<Value> {
    let percentiles = json!({"p50": 0.4, "p75": 0.5, "p90": 0.9, "p99": 1.5});
    Json(
        json!({"data": [{"id": "acme/model-1", "name": format!("Acme: {HOSTILE}"), "answers": 40, "latency": percentiles, "throughput": {"p50": 140.0, "p75": 100.0, "p90": 90.0, "p99": 10.0}}]}),
    )
}

async fn status() -> Json<Value> {
    let hourly: Vec<Option<f64>> = (0..72).map(|hour| if hour == 9 { Some(40.0) } else { Some(100.0) }).collect();
    Json(
        json!({"data": {"hours": [], "providers": [{"name": "Alpha", "slug": "alpha", "requests": 12_000, "uptime": 99.2, "hourly": hourly, "is_down": true}],
        "incidents": [{"provider_name": HOSTILE, "from": "2026-11-20T14:00:00Z", "to": null, "requests": 40, "failures": 24}]}}),
    )
}

fn usage() -> Value {
    let days: Vec<String> =
        (0..30).map(|day| app::components::format::day_of_epoch(1_795_000_000 - 86_400 * (29 - day))).collect();
    let series: Vec<Value> = ["acme/model-0", "acme/model-1", "other"]
        .iter()
        .zip(1_u32..)
        .map(|(name, row)| {
            let cost: Vec<f64> = (0..30_u32).map(|day| f64::from((day * 37 * row) % 11) / 100.0).collect();
            let tokens: Vec<u32> = (0..30_u32).map(|day| (day * 3701 * row) % 90_001).collect();
            json!({"name": name, "cost": cost, "tokens": tokens, "requests": tokens.iter().map(|tokens| tokens / 900).collect::<Vec<_>>()})
        })
        .collect();
    json!({"days": days, "series": series, "total_cost": 4.2, "total_requests": 812, "total_tokens": 1_834_000})
}

fn generations() -> Value {
    let one = |number: u32, error: Option<&str>| {
        json!({"id": format!("gen-{number}"), "created_at": "2026-11-20T14:03:59.123Z", "model": "acme/model-0", "provider_name": "Simulated Alpha", "is_simulated": true,
            "app_title": HOSTILE, "key_name": "CI", "prompt_tokens": 1_200, "completion_tokens": 340, "cost": 0.006_4, "latency_ms": 420, "generation_ms": 3_900,
            "finish_reason": if error.is_some() { None } else { Some("stop") }, "is_streamed": true, "attempts": 1, "error": error})
    };
    json!([one(3, None), one(2, Some("Upstream failed")), one(1, None)])
}

fn feedback() -> Value {
    json!([{ "category": "latency", "comment": "It took a minute.", "created_at": "2026-11-20T14:05:00Z" }])
}

async fn generation(headers: HeaderMap, Query(params): Params) -> Response {
    if params.get("id").is_none_or(|id| !id.starts_with("gen-")) {
        return failure(StatusCode::NOT_FOUND, "No generation has this id");
    }
    let names = [
        "app_id",
        "upstream_inference_cost",
        "moderation_latency",
        "native_tokens_completion_images",
        "num_media_prompt",
        "num_input_audio_prompt",
        "num_media_completion",
        "num_search_results",
        "num_fetches",
        "native_finish_reason",
        "router",
        "user_agent",
        "http_referer",
        "service_tier",
        "session_id",
        "request_id",
        "web_search_engine",
        "preset_id",
        "response_cache_source_id",
    ];
    let mut data = json!({"id": params["id"], "upstream_id": "up-1", "total_cost": 0.0064, "cache_discount": null, "created_at": "2026-11-20T14:03:59Z", "model": "acme/model-0",
        "streamed": true, "cancelled": false, "provider_name": "Simulated Beta", "latency": 420, "generation_time": 3_900, "finish_reason": "stop", "tokens_prompt": 1_200,
        "tokens_completion": 340, "native_tokens_prompt": 1_210, "native_tokens_completion": 344, "native_tokens_reasoning": 0, "native_tokens_cached": 1_000, "origin": "",
        "usage": 0.0064, "is_byok": false, "external_user": HOSTILE, "api_type": "completions", "data_region": "global", "workspace_id": "w1", "routing": { "candidates": [{ "model": "a/b", "provider": "Simulated Beta", "tag": "beta", "is_taken": true, "score": 0.75, "reason": "drawn by weight 1/price²" }, { "model": "a/b", "provider": "Simulated Gamma", "tag": "gamma", "is_taken": false, "reason": "max_price" }] }, "provider_responses": [
            {"endpoint_id": null, "provider_name": "Simulated Alpha", "model_permaslug": "acme/model-0", "status": 503, "latency": 12, "is_byok": false},
            {"endpoint_id": null, "provider_name": "Simulated Beta", "model_permaslug": "acme/model-0", "status": 200, "latency": 420, "is_byok": false}]});
    for name in names {
        data[name] = Value::Null;
    }
    member(&headers, data)
}

fn billing() -> Value {
    json!({
        "methods": [{ "method": "card", "fee": { "basis_points": 550, "least": 0.8 } }], "least": 5, "most": 25000,
        "refund_hours": 24, "low_balance": 1, "is_simulated": false, "is_paused": false, "may_buy": true, "is_frozen": false,
        "promotional": 0, "card": null, "top_up": { "enabled": false, "threshold": 0, "amount": 0 },
        "top_up_problem": null, "receipt": { "name": "", "address": "", "tax_id": "" }
    })
}

fn ledger() -> Value {
    json!([
        {"id": "t2", "kind": "post", "amount": -0.0064, "description": HOSTILE, "created_at": "2026-11-20T14:03:59Z"},
        {"id": "t1", "kind": "grant", "amount": 25, "description": "Welcome", "created_at": "2026-11-01T08:00:00Z"}
    ])
}

fn key(name: &str, disabled: bool) -> Value {
    json!({"hash": format!("hash-of-{}", name.len()), "name": name, "label": "sk-or-v1-abc…xyz", "disabled": disabled, "limit": 10, "limit_remaining": 8.75, "limit_reset": "monthly",
        "include_byok_in_limit": false, "usage": 1.25, "usage_daily": 0, "usage_weekly": 0, "usage_monthly": 1.25, "byok_usage": 0.5, "byok_usage_daily": 0,
        "byok_usage_weekly": 0, "byok_usage_monthly": 0.5, "created_at": "2026-11-01T08:00:00Z", "updated_at": null, "expires_at": null, "last_used_at": "2026-11-20T14:03:59Z",
        "creator_user_id": "u1", "workspace_id": "w1", "external_user": null})
}

async fn create_key(Json(wish): Json<Value>) -> Response {
    let made = key(wish["name"].as_str().unwrap_or_default(), false);
    (StatusCode::CREATED, Json(json!({"data": made, "key": "sk-or-v1-0123456789abcdef"}))).into_response()
}

async fn update_key(Json(change): Json<Value>) -> Response {
    Json(json!({"data": key("CI", change["disabled"] == true)})).into_response()
}

/// A streamed answer that uses most of Markdown and ends with its usage.
async fn chat(Json(body): Json<Value>) -> Response {
    let asked =
        body["messages"].as_array().and_then(|all| all.last()).map(|last| last["content"].clone()).unwrap_or_default();
    if asked == "fail" {
        return failure(StatusCode::PAYMENT_REQUIRED, "This request needs more credits than the account has left");
    }
    let text = "Here is **bold**, a table and code:\n\n| a | b |\n|:--|--:|\n| 1 | 2 |\n\n```rust\nlet answer = \"42\"; // yes\n```\n\n<script>alert(1)</script>";
    let mut chunks: Vec<Value> = vec![
        json!({"id": "gen-9", "provider": "Simulated Alpha", "model": "acme/model-0", "choices": [{"delta": {"role": "assistant", "content": "", "reasoning": "Let me think."}}]}),
    ];
    chunks.extend(
        text.as_bytes()
            .chunks(7)
            .map(|part| json!({"id": "gen-9", "choices": [{"delta": {"content": String::from_utf8_lossy(part)}}]})),
    );
    chunks.push(json!({"id": "gen-9", "choices": [{"delta": {"content": ""}, "finish_reason": "stop"}]}));
    chunks.push(json!({"id": "gen-9", "choices": [], "usage": {"prompt_tokens": 12, "completion_tokens": 48, "total_tokens": 60, "cost": 0.00051}}));
    let events: Vec<String> =
        chunks.iter().map(|chunk| format!("data: {chunk}\n\n")).chain(["data: [DONE]\n\n".to_owned()]).collect();
    let body = futures::stream::iter(events.into_iter().map(Ok::<_, std::convert::Infallible>));
    ([(header::CONTENT_TYPE, "text/event-stream")], Body::from_stream(body)).into_response()
}
