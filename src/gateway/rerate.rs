//! Works every charge out again from what is stored: quantities and price version.

use std::collections::HashMap;

use app::types::Money;
use serde::{Deserialize, Serialize};

use crate::catalog::Prices;
use crate::catalog::local::FREE;
use crate::catalog::rows::prices;
use crate::dialects::Usage;
use crate::store::Store;
use crate::store::generations::GenerationRow;

/// Rows read at once.
const CHUNK: i64 = 1_000;

/// Billed quantities that have no column of their own.
#[derive(Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
struct Other {
    #[serde(skip_serializing_if = "Option::is_none")]
    prompt_audio_tokens: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    completion_audio_tokens: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    web_search_requests: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    searches: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    billed_prompt_tokens: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    billed_completion_tokens: Option<u64>,
    /// The search this server made on the web.
    #[serde(skip_serializing_if = "Option::is_none")]
    web_search: Option<WebSearchRecord>,
}

/// A search this server made on the web for a request.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct WebSearchRecord {
    pub engine: String,
    pub results: u64,
    /// What it cost at the price of its time, nano-USD.
    pub nanos: i64,
}

/// The quantities of `usage` that have no column, and the search, as JSON, or nothing.
#[must_use]
pub fn other_usage(usage: &Usage, web_search: Option<WebSearchRecord>) -> String {
    let other = Other {
        prompt_audio_tokens: usage.prompt_audio_tokens,
        completion_audio_tokens: usage.completion_audio_tokens,
        web_search_requests: usage.web_search_requests,
        searches: usage.searches,
        billed_prompt_tokens: usage.billed_prompt_tokens,
        billed_completion_tokens: usage.billed_completion_tokens,
        web_search,
    };
    if other == Other::default() { String::new() } else { serde_json::to_string(&other).unwrap_or_default() }
}

/// The search this server made for a request.
#[must_use]
pub fn search_of(row: &GenerationRow) -> Option<WebSearchRecord> {
    serde_json::from_str::<Other>(&row.other_usage).ok()?.web_search
}

/// What it cost.
#[must_use]
pub fn searched(row: &GenerationRow) -> Money {
    if row.other_usage.is_empty() {
        Money::ZERO
    } else {
        search_of(row).map_or(Money::ZERO, |search| Money(search.nanos))
    }
}

fn usage_of(row: &GenerationRow) -> Usage {
    let count = |tokens: i64| u64::try_from(tokens).ok();
    let other: Other = serde_json::from_str(&row.other_usage).unwrap_or_default();
    Usage {
        prompt_tokens: count(row.prompt_tokens),
        completion_tokens: count(row.completion_tokens),
        cached_tokens: count(row.cached_tokens),
        cache_write_tokens: count(row.cache_write_tokens)
            .filter(|tokens| *tokens > 0 || row.cache_write_1h_tokens == 0),
        cache_write_1h_tokens: count(row.cache_write_1h_tokens),
        reasoning_tokens: count(row.reasoning_tokens),
        prompt_audio_tokens: other.prompt_audio_tokens,
        completion_audio_tokens: other.completion_audio_tokens,
        web_search_requests: other.web_search_requests,
        searches: other.searches,
        billed_prompt_tokens: other.billed_prompt_tokens,
        billed_completion_tokens: other.billed_completion_tokens,
    }
}

/// A list price less so many hundredths of a per cent, rounded up to a nano-dollar.
#[must_use]
pub fn discounted(list: Money, basis_points: i64) -> Money {
    let off = i128::from(list.0) * i128::from(basis_points.clamp(0, 10_000)) / 10_000;
    Money(list.0.saturating_sub(i64::try_from(off).unwrap_or(0)))
}

/// A sentence for each request whose list price or charge is not what its quantities
/// and its price version make.
///
/// # Errors
/// Any database error.
pub async fn differences(store: &Store) -> sqlx::Result<Vec<String>> {
    let mut versions: HashMap<String, Prices> = store
        .price_versions()
        .await?
        .iter()
        .filter_map(|row| prices(row).ok().map(|prices| (row.id.clone(), prices)))
        .collect();
    // Models of the settings and of servers on this machine cost nothing and are not stored.
    versions.insert(FREE.to_owned(), Prices::default());
    let overruns: HashMap<String, i64> = store.overruns().await?.into_iter().collect();
    let mut found = Vec::new();
    let mut after = String::new();
    loop {
        let rows = store.priced_generations(&after, CHUNK).await?;
        let Some(last) = rows.last() else { return Ok(found) };
        after.clone_from(&last.id);
        for row in &rows {
            let Some(prices) = versions.get(&row.price_id) else {
                found.push(format!("{}: its price version {} is gone", row.id, row.price_id));
                continue;
            };
            found.extend(difference(row, prices.cost(&usage_of(row)).total.plus(searched(row)), &overruns));
        }
    }
}

fn difference(row: &GenerationRow, list: Money, overruns: &HashMap<String, i64>) -> Option<String> {
    let overrun = overruns.get(&row.id).copied().unwrap_or(0);
    let charged = Money(row.cost_nanos.saturating_add(overrun));
    // What failed and what gave nothing is free.
    if charged.is_zero() && (row.error.is_some() || row.finish_reason.as_deref().is_none_or(|it| it == "error")) {
        return None;
    }
    let stored = Money(row.upstream_cost_nanos);
    let search = searched(row);
    // A search of ours is not billed to a key of the organization's own; older rows have it.
    let is_listed = stored == list || (!row.own_key_id.is_empty() && stored == list.minus(search));
    if !is_listed {
        return Some(format!("{}: listed at {stored} USD, but its quantities make {list} USD", row.id));
    }
    // Nothing is let off of a search.
    let price = discounted(list.minus(search), row.discount_basis_points).plus(search);
    // With a key of its own the organization pays a fee that depends on the month.
    let is_right = if row.own_key_id.is_empty() { charged == price } else { charged <= price };
    (!is_right).then(|| format!("{}: charged {charged} USD, but its quantities make {price} USD", row.id))
}
