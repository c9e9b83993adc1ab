//! What was used, asked in one's own words.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// `POST /api/v1/analytics/query`.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "ssr", derive(utoipa::ToSchema))]
pub struct AnalyticsQuery {
    /// Names of metrics; `GET /analytics/meta` lists them.
    pub metrics: Vec<String>,
    /// What to add up by, at most two.
    #[serde(default)]
    pub dimensions: Vec<String>,
    /// All of them hold, at most 20.
    #[serde(default)]
    pub filters: Vec<AnalyticsFilter>,
    /// `hour`, `day`, `week` or `month`; without it, the whole range is one period.
    #[serde(default)]
    pub granularity: Option<String>,
    /// Rows of each combination of dimensions at most.
    #[serde(default)]
    pub group_limit: Option<i64>,
    /// Rows at most: 1,000 unless said, 10,000 at most.
    #[serde(default)]
    pub limit: Option<i64>,
    #[serde(default)]
    pub order_by: Option<AnalyticsOrder>,
    /// The last 30 days unless said; in UTC.
    #[serde(default)]
    pub time_range: Option<AnalyticsRange>,
    /// Refused: there are no classifiers of one's own here, only the dimensions `task` and `language`.
    #[serde(default)]
    #[cfg_attr(feature = "ssr", schema(value_type = Option<Object>))]
    pub classifier_dimensions: Option<Value>,
    /// Refused: there are no classifiers of one's own here, only the dimensions `task` and `language`.
    #[serde(default)]
    #[cfg_attr(feature = "ssr", schema(value_type = Option<Object>))]
    pub classifier_filters: Option<Value>,
}

/// A condition on a dimension.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "ssr", derive(utoipa::ToSchema))]
pub struct AnalyticsFilter {
    pub field: String,
    /// `eq`, `neq`, `in` or `not_in`.
    pub operator: String,
    /// A text, or a list of texts for `in` and `not_in`: ids, not labels.
    #[cfg_attr(feature = "ssr", schema(value_type = Object))]
    pub value: Value,
    /// With `in` and `not_in`: rows without a value as well.
    #[serde(default)]
    pub include_unset: bool,
}

/// How rows are sorted.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "ssr", derive(utoipa::ToSchema))]
pub struct AnalyticsOrder {
    /// A metric or dimension of the query, `request_count`, or `date`.
    pub field: String,
    /// `asc` or `desc`.
    pub direction: String,
}

/// RFC 3339; the end is excluded.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "ssr", derive(utoipa::ToSchema))]
pub struct AnalyticsRange {
    pub start: String,
    pub end: String,
}

/// The answer to a query.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "ssr", derive(utoipa::ToSchema))]
pub struct Analytics {
    /// A field for the period (`date__day`), for every dimension and for every metric.
    #[cfg_attr(feature = "ssr", schema(value_type = Vec<Object>))]
    pub data: Vec<Map<String, Value>>,
    pub metadata: AnalyticsFacts,
    /// What was understood otherwise than it was said.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub warnings: Vec<String>,
}

/// About an answer.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "ssr", derive(utoipa::ToSchema))]
pub struct AnalyticsFacts {
    pub query_time_ms: i64,
    pub row_count: usize,
    /// There are more rows than the limits allow.
    pub truncated: bool,
}

/// `GET /api/v1/analytics/meta`: what a query may name.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "ssr", derive(utoipa::ToSchema))]
pub struct AnalyticsMeta {
    pub metrics: Vec<AnalyticsMetric>,
    pub dimensions: Vec<AnalyticsName>,
    pub operators: Vec<AnalyticsOperator>,
    pub granularities: Vec<AnalyticsName>,
}

/// A metric.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "ssr", derive(utoipa::ToSchema))]
pub struct AnalyticsMetric {
    pub name: String,
    pub display_label: String,
    /// A share, which is never added up.
    pub is_rate: bool,
    /// `number`, `currency` or `percent`, which is 0 to 1.
    pub display_format: String,
}

/// A dimension or a granularity.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "ssr", derive(utoipa::ToSchema))]
pub struct AnalyticsName {
    pub name: String,
    pub display_label: String,
}

/// An operator of filters.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "ssr", derive(utoipa::ToSchema))]
pub struct AnalyticsOperator {
    pub name: String,
    /// `scalar` or `array`.
    pub value_type: String,
}
