//! What the public may know of generations: how endpoints did, and how much of what was asked.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use app::types::activity::ProviderResponse;
use sqlx::{AnyConnection, FromRow};

use super::bulk::Bulk;
use super::page_totals::{BoardSums, BoardTotals};

/// Generations that count alike.
#[expect(clippy::struct_field_names, reason = "the names of the columns")]
#[derive(Clone, Debug, Default, FromRow)]
struct Answers {
    /// Hours since the epoch.
    hour: i64,
    model_id: String,
    endpoint_id: String,
    provider_name: String,
    app_url: String,
    app_title: String,
    is_simulated: i64,
    is_cancelled: i64,
    status: i64,
    has_called_tools: i64,
    has_images: i64,
    /// The name of the range the prompt's length falls into.
    length: String,
    latency_ms: Option<i64>,
    /// Tokens in ten seconds, of answers long enough to tell.
    throughput: Option<i64>,
    /// What was asked for; empty where nobody looked.
    task: String,
    /// Of the question.
    language: String,
    /// What it was about; empty where nothing told.
    category: String,
    /// The attempts, where there were several; otherwise nothing.
    attempts: String,
    answers: i64,
    prompt_tokens: i64,
    completion_tokens: i64,
}

impl Answers {
    /// The labels with their dimensions.
    const fn labels(&self) -> [(&'static str, &String); 3] {
        [("task", &self.task), ("language", &self.language), ("category", &self.category)]
    }
}

/// The database counts what is alike: each row that changes threads costs more than the counting.
/// An answer of fewer than eight tokens says little about speed. It is grouped first by what differs
/// most, the speed: sorting then seldom compares more.
const NEW: &str = "SELECT created_at / 3600000 AS hour, model_id, endpoint_id, provider_name, app_url, app_title, \
     is_simulated, is_cancelled, status, CASE WHEN finish_reason = 'tool_calls' THEN 1 ELSE 0 END AS has_called_tools, \
     CASE WHEN prompt_images > 0 THEN 1 ELSE 0 END AS has_images, \
     CASE WHEN prompt_tokens < 1000 THEN '1K' WHEN prompt_tokens < 10000 THEN '10K' \
     WHEN prompt_tokens < 100000 THEN '100K' WHEN prompt_tokens < 1000000 THEN '1M' ELSE '10M' END AS length, \
     latency_ms, CASE WHEN generation_ms > 0 AND completion_tokens >= 8 \
     THEN completion_tokens * 10000 / generation_ms END AS throughput, \
     task, language, category, CASE WHEN attempts LIKE '%}%{%' THEN attempts ELSE '' END AS attempts, COUNT(*) AS answers, \
     CAST(SUM(prompt_tokens) AS BIGINT) AS prompt_tokens, \
     CAST(SUM(completion_tokens) AS BIGINT) AS completion_tokens \
     FROM generations WHERE node_id = $1 AND seq > $2 AND seq <= $3 \
     GROUP BY 13, 14, 2, 3, 5, 1, 4, 6, 7, 8, 9, 10, 11, 12, 15, 16, 17, 18";

static ADD_ENDPOINTS: LazyLock<Bulk> = LazyLock::new(|| {
    Bulk::insert(
        "INSERT INTO endpoint_hourly (hour, model_id, endpoint_id, provider_name, requests, failures)",
        6,
        "ON CONFLICT (hour, model_id, endpoint_id) DO UPDATE SET \
         requests = endpoint_hourly.requests + excluded.requests, \
         failures = endpoint_hourly.failures + excluded.failures",
    )
});
static ADD_SPEEDS: LazyLock<Bulk> = LazyLock::new(|| {
    Bulk::insert(
        "INSERT INTO speed_hourly (model_id, hour, endpoint_id, measure, bucket, answers)",
        6,
        "ON CONFLICT (model_id, hour, endpoint_id, measure, bucket) DO UPDATE SET \
         answers = speed_hourly.answers + excluded.answers",
    )
});
static ADD_PUBLIC: LazyLock<Bulk> = LazyLock::new(|| {
    Bulk::insert(
        "INSERT INTO public_daily (dimension, day, model_id, name, title, is_simulated, requests, prompt_tokens, \
         completion_tokens)",
        9,
        "ON CONFLICT (dimension, day, model_id, name) DO UPDATE SET \
         requests = public_daily.requests + excluded.requests, \
         prompt_tokens = public_daily.prompt_tokens + excluded.prompt_tokens, \
         completion_tokens = public_daily.completion_tokens + excluded.completion_tokens, title = excluded.title",
    )
});

/// How much wider each bucket is than the one before.
const GROWTH: f64 = 1.2;

/// The bucket of a speed.
#[expect(clippy::cast_possible_truncation, clippy::as_conversions, reason = "a logarithm is small")]
#[must_use]
pub fn bucket(value: i64) -> i64 {
    (app::components::format::approximate(value.max(1)).ln() / GROWTH.ln()).floor() as i64
}

/// The speed in the middle of a bucket.
#[must_use]
pub fn middle(bucket: i64) -> f64 {
    GROWTH.powf(app::components::format::approximate(bucket) + 0.5)
}

/// Hour, model, endpoint → provider, requests, failures.
type Endpoints = BTreeMap<(i64, String, String), (String, i64, i64)>;
/// Model, hour, endpoint, measure, bucket → answers.
type Speeds = BTreeMap<(String, i64, String, &'static str, i64), i64>;
/// Dimension, day, model, name → totals.
type Public = BTreeMap<(&'static str, i64, String, String), Totals>;

#[derive(Default)]
struct Totals {
    title: String,
    is_simulated: i64,
    requests: i64,
    prompt_tokens: i64,
    completion_tokens: i64,
}

/// Adds the generations of a node after `from` up to `to`. Rows are written in sorted
/// order, so that two nodes cannot wait for each other.
pub(super) async fn add(connection: &mut AnyConnection, node_id: &str, from: i64, to: i64) -> sqlx::Result<()> {
    let answers: Vec<Answers> =
        sqlx::query_as(NEW).bind(node_id).bind(from).bind(to).fetch_all(&mut *connection).await?;
    let (mut endpoints, mut speeds, mut public) = (Endpoints::new(), Speeds::new(), Public::new());
    let mut boards = BoardSums::default();
    for answer in &answers {
        count_endpoints(&mut endpoints, answer);
        count_speed(&mut speeds, answer);
        count_public(&mut public, answer);
        count_boards(&mut boards, answer);
    }
    boards.add(connection).await?;
    let rows: Vec<_> = endpoints.into_iter().collect();
    ADD_ENDPOINTS
        .execute(connection, &rows, |query, ((hour, model, endpoint), (provider, requests, failures))| {
            query.bind(*hour).bind(model).bind(endpoint).bind(provider).bind(*requests).bind(*failures)
        })
        .await?;
    let rows: Vec<_> = speeds.into_iter().collect();
    ADD_SPEEDS
        .execute(connection, &rows, |query, ((model, hour, endpoint, measure, bucket), answers)| {
            query.bind(model).bind(*hour).bind(endpoint).bind(*measure).bind(*bucket).bind(*answers)
        })
        .await?;
    let rows: Vec<_> = public.into_iter().collect();
    ADD_PUBLIC
        .execute(connection, &rows, |query, ((dimension, day, model, name), totals)| {
            query
                .bind(*dimension)
                .bind(*day)
                .bind(model)
                .bind(name)
                .bind(&totals.title)
                .bind(totals.is_simulated)
                .bind(totals.requests)
                .bind(totals.prompt_tokens)
                .bind(totals.completion_tokens)
        })
        .await
}

fn count_endpoints(endpoints: &mut Endpoints, row: &Answers) {
    let mut count = |endpoint: &str, provider: &str, is_failed: bool| {
        if endpoint.is_empty() {
            return;
        }
        let key = (row.hour, row.model_id.clone(), endpoint.to_owned());
        let entry = endpoints.entry(key).or_insert_with(|| (provider.to_owned(), 0, 0));
        entry.1 += row.answers;
        entry.2 += if is_failed { row.answers } else { 0 };
    };
    count(&row.endpoint_id, &row.provider_name, is_fault(row.status) && row.is_cancelled == 0);
    if row.attempts.is_empty() {
        return;
    }
    // The attempts before the last, which another endpoint made good.
    let tried: Vec<ProviderResponse> = serde_json::from_str(&row.attempts).unwrap_or_default();
    for attempt in tried.iter().rev().skip(1) {
        let endpoint = attempt.endpoint_id.as_deref().unwrap_or_default();
        let is_same_model = attempt.model_permaslug.as_deref().is_none_or(|model| model == row.model_id);
        if is_same_model {
            let failed = attempt.status.is_none_or(|status| is_fault(i64::from(status)));
            count(endpoint, attempt.provider_name.as_deref().unwrap_or_default(), failed);
        }
    }
}

/// The endpoint is to blame, not who asked.
const fn is_fault(status: i64) -> bool {
    status >= 500 || status == 429 || status == 408
}

fn count_speed(speeds: &mut Speeds, row: &Answers) {
    if row.status != 200 || row.endpoint_id.is_empty() {
        return;
    }
    let mut count = |measure, value| {
        let key = (row.model_id.clone(), row.hour, row.endpoint_id.clone(), measure, bucket(value));
        *speeds.entry(key).or_default() += row.answers;
    };
    if let Some(latency) = row.latency_ms.filter(|ms| *ms > 0) {
        count("latency", latency);
    }
    if let Some(throughput) = row.throughput {
        count("throughput", throughput);
    }
}

fn count_public(public: &mut Public, row: &Answers) {
    let day = row.hour.div_euclid(24);
    let mut count = |dimension, name: &str, title: &str| {
        let totals = public.entry((dimension, day, row.model_id.clone(), name.to_owned())).or_default();
        title.clone_into(&mut totals.title);
        totals.is_simulated = totals.is_simulated.max(row.is_simulated);
        totals.requests += row.answers;
        totals.prompt_tokens += row.prompt_tokens;
        totals.completion_tokens += row.completion_tokens;
    };
    count("model", "", "");
    count("length", &row.length, "");
    if !row.provider_name.is_empty() {
        count("provider", &row.provider_name, "");
    }
    if !row.app_url.is_empty() {
        count("app", &row.app_url, &row.app_title);
    }
    if row.has_called_tools != 0 {
        count("tools", "", "");
    }
    if row.has_images != 0 {
        count("images", "", "");
    }
    for (dimension, name) in row.labels() {
        if !name.is_empty() {
            count(dimension, name, "");
        }
    }
}

fn count_boards(boards: &mut BoardSums, row: &Answers) {
    let day = row.hour.div_euclid(24);
    let named = |title: &str| BoardTotals {
        title: title.to_owned(),
        tokens: row.prompt_tokens + row.completion_tokens,
        requests: row.answers,
        is_simulated: row.is_simulated,
        ..BoardTotals::default()
    };
    boards.count("model", day, &row.model_id, &named(""));
    let author = row.model_id.split_once('/').map_or(row.model_id.as_str(), |(author, _)| author);
    boards.count("author", day, author, &named(""));
    if !row.provider_name.is_empty() {
        boards.count("provider", day, &row.provider_name, &named(""));
    }
    if !row.app_url.is_empty() {
        boards.count("app", day, &row.app_url, &named(&row.app_title));
    }
    for (dimension, name) in row.labels() {
        if !name.is_empty() {
            boards.count(dimension, day, name, &named(""));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bucket_tells_its_speeds_to_a_tenth() {
        for value in [1_i64, 7, 180, 1_900, 61_000, 9_999_999] {
            let exact = app::components::format::approximate(value);
            let told = middle(bucket(value));
            assert!((told / exact - 1.0).abs() < 0.1, "{value} is told as {told}");
        }
    }

    #[test]
    fn a_failure_that_another_endpoint_made_good_counts_where_it_happened() {
        let attempts = r#"[{"endpoint_id":"one:a","provider_name":"One","model_permaslug":"m","status":503,"latency":3,"is_byok":false},
            {"endpoint_id":"two:a","provider_name":"Two","model_permaslug":"m","status":200,"latency":9,"is_byok":false}]"#;
        let row = Answers {
            model_id: "m".to_owned(),
            endpoint_id: "two:a".to_owned(),
            provider_name: "Two".to_owned(),
            status: 200,
            attempts: attempts.to_owned(),
            answers: 1,
            ..Answers::default()
        };
        let mut endpoints = Endpoints::new();
        count_endpoints(&mut endpoints, &row);
        let counted: Vec<_> = endpoints.values().cloned().collect();
        assert_eq!(counted, [("One".to_owned(), 1, 1), ("Two".to_owned(), 1, 0)]);
    }
}
