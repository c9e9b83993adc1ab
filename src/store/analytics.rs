//! An organization's hours, days and requests, added up by what a query says.

use std::fmt::Write as _;

use sqlx::FromRow;

use super::Store;

/// What rows are told apart by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dimension {
    Model,
    Provider,
    Key,
    App,
    User,
    Workspace,
    Task,
    Language,
}

impl Dimension {
    /// Whether only single requests know it: totals do not.
    #[must_use]
    pub const fn is_detail(self) -> bool {
        matches!(self, Self::Task | Self::Language)
    }

    /// Its column; the name goes into the statement, so it is one of these.
    const fn column(self) -> &'static str {
        match self {
            Self::Model => "model_id",
            Self::Provider => "provider_name",
            Self::Key => "key_id",
            Self::App => "app_url",
            Self::User => "user_id",
            Self::Workspace => "workspace_id",
            Self::Task => "task",
            Self::Language => "language",
        }
    }
}

/// Rows whose dimension is one of these values, or none of them.
#[derive(Clone, Debug)]
pub struct Among {
    pub dimension: Dimension,
    pub values: Vec<String>,
    pub is_negated: bool,
}

/// Whose usage, when, and how it is grouped.
#[derive(Clone, Debug)]
pub struct AnalyticsScope<'a> {
    pub organization_id: &'a str,
    /// Only what keys of this user did; empty for everybody's.
    pub user_id: &'a str,
    /// Hours, else days.
    pub is_hourly: bool,
    /// Single requests are read, not totals.
    pub is_detailed: bool,
    /// A row for each hour or day.
    pub is_by_period: bool,
    /// Hours or days since the epoch, the last one excluded.
    pub from: i64,
    pub to: i64,
    pub dimensions: [Option<Dimension>; 2],
    pub filters: &'a [Among],
    /// Rows at most.
    pub most: i64,
}

/// Sums of a group.
#[derive(Clone, Debug, Default, PartialEq, Eq, FromRow)]
pub struct AnalyticsRow {
    /// Zero where the whole range is one.
    pub period: i64,
    pub first: String,
    pub second: String,
    /// The newest title of an app, where there is one.
    pub title: String,
    pub requests: i64,
    pub failures: i64,
    pub prompt_tokens: i64,
    pub completion_tokens: i64,
    pub reasoning_tokens: i64,
    pub cached_tokens: i64,
    pub cost_nanos: i64,
    pub own_cost_nanos: i64,
}

/// Requests with the columns of totals.
const REQUESTS: &str = "(SELECT created_at, organization_id, key_id, model_id, provider_name, app_url, app_title, task, \
     language, 1 AS requests, CASE WHEN error IS NULL THEN 0 ELSE 1 END AS failures, prompt_tokens, completion_tokens, \
     reasoning_tokens, cached_tokens, cost_nanos, \
     CASE WHEN own_key_id <> '' AND error IS NULL THEN upstream_cost_nanos ELSE 0 END AS own_cost_nanos \
     FROM generations)";

/// The statement; values are bound in the order organization, from, to, user, most, and the filters'.
fn statement(scope: &AnalyticsScope<'_>) -> String {
    let (spans, span) = match (scope.is_detailed, scope.is_hourly) {
        (false, true) => ("usage_hourly", "u.hour"),
        (false, false) => ("usage_daily", "u.day"),
        (true, true) => (REQUESTS, "u.created_at / 3600000"),
        (true, false) => (REQUESTS, "u.created_at / 86400000"),
    };
    // So that the index over the moments is used.
    let bounds = match (scope.is_detailed, scope.is_hourly) {
        (false, _) => format!("{span} >= $2 AND {span} < $3"),
        (true, true) => "u.created_at >= $2 * 3600000 AND u.created_at < $3 * 3600000".to_owned(),
        (true, false) => "u.created_at >= $2 * 86400000 AND u.created_at < $3 * 86400000".to_owned(),
    };
    let shown = if scope.is_by_period { "span" } else { "CAST(0 AS BIGINT)" };
    let column = |dimension: Option<Dimension>| dimension.map_or("CAST('' AS TEXT)", Dimension::column);
    let [first, second] = scope.dimensions.map(column);
    let mut conditions = String::new();
    let mut next = 6;
    for filter in scope.filters {
        let places: Vec<String> = (next..next + filter.values.len()).map(|place| format!("${place}")).collect();
        next += filter.values.len();
        let not = if filter.is_negated { "NOT " } else { "" };
        let _ = write!(conditions, " AND {} {not}IN ({})", filter.dimension.column(), places.join(", "));
    }
    format!(
        "SELECT {shown} AS period, {first} AS first, {second} AS second, MAX(app_title) AS title, \
         CAST(SUM(requests) AS BIGINT) AS requests, CAST(SUM(failures) AS BIGINT) AS failures, \
         CAST(SUM(prompt_tokens) AS BIGINT) AS prompt_tokens, CAST(SUM(completion_tokens) AS BIGINT) AS completion_tokens, \
         CAST(SUM(reasoning_tokens) AS BIGINT) AS reasoning_tokens, CAST(SUM(cached_tokens) AS BIGINT) AS cached_tokens, \
         CAST(SUM(cost_nanos) AS BIGINT) AS cost_nanos, CAST(SUM(own_cost_nanos) AS BIGINT) AS own_cost_nanos FROM \
         (SELECT u.*, {span} AS span, COALESCE(k.creator_user_id, '') AS user_id, COALESCE(k.workspace_id, w.id, '') AS workspace_id \
         FROM {spans} u LEFT JOIN api_keys k ON k.id = u.key_id \
         LEFT JOIN workspaces w ON w.organization_id = u.organization_id AND w.is_default = 1 \
         WHERE u.organization_id = $1 AND {bounds}) AS spans \
         WHERE ($4 = '' OR user_id = $4){conditions} GROUP BY 1, 2, 3 ORDER BY 1, 2, 3 LIMIT $5"
    )
}

impl Store {
    /// The sums of every group, in the order of periods and names.
    ///
    /// # Errors
    /// Any database error.
    pub async fn analytics(&self, scope: &AnalyticsScope<'_>) -> sqlx::Result<Vec<AnalyticsRow>> {
        let mut query = sqlx::query_as(sqlx::AssertSqlSafe(statement(scope)))
            .bind(scope.organization_id)
            .bind(scope.from)
            .bind(scope.to)
            .bind(scope.user_id)
            .bind(scope.most);
        for value in scope.filters.iter().flat_map(|filter| &filter.values) {
            query = query.bind(value.as_str());
        }
        query.fetch_all(self.pool()).await
    }
}
