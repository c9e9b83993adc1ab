//! A query, read and checked.

use app::types::analytics::{AnalyticsFilter, AnalyticsQuery};
use serde_json::Value;

use super::table::{METRICS, Metric};
use crate::App;
use crate::clock::{MS_PER_DAY, MS_PER_HOUR, parse_rfc3339};
use crate::error::{Error, Result};
use crate::store::analytics::{Among, Dimension};

/// Dimensions by name, with their labels.
pub const DIMENSIONS: [(&str, &str, Dimension); 8] = [
    ("model", "Model", Dimension::Model),
    ("provider", "Provider", Dimension::Provider),
    ("api_key_id", "API key", Dimension::Key),
    ("app", "App", Dimension::App),
    ("user", "Member", Dimension::User),
    ("workspace", "Workspace", Dimension::Workspace),
    ("task", "Task", Dimension::Task),
    ("language", "Language", Dimension::Language),
];

/// Lengths of periods, with their labels.
pub const GRANULARITIES: [(&str, &str); 4] = [("hour", "Hour"), ("day", "Day"), ("week", "Week"), ("month", "Month")];

/// The longest time that is read by the hour or from single requests, and at all.
const MOST_DAYS_BY_HOUR: i64 = 31;
const MOST_DAYS: i64 = 366;
/// Values of all filters together.
const MOST_VALUES: usize = 500;

/// By what rows are sorted.
#[derive(Clone, Copy, Debug)]
pub enum Order {
    Date,
    Metric(&'static Metric),
    Dimension(usize),
}

/// What is asked for.
pub struct Question {
    pub metrics: Vec<&'static Metric>,
    pub dimensions: [Option<(&'static str, Dimension)>; 2],
    pub filters: Vec<Among>,
    pub granularity: Option<&'static str>,
    pub is_hourly: bool,
    /// Single requests are read, not totals.
    pub is_detailed: bool,
    pub from: i64,
    pub to: i64,
    pub order: Order,
    pub is_descending: bool,
    pub limit: usize,
    pub group_limit: usize,
    pub warnings: Vec<String>,
}

fn named(names: impl Iterator<Item = &'static str>) -> String {
    names.collect::<Vec<_>>().join(", ")
}

fn dimension(field: &str, name: &str) -> Result<(&'static str, Dimension)> {
    let found = DIMENSIONS.iter().find(|(own, _, _)| *own == name);
    found.map(|(name, _, dimension)| (*name, *dimension)).ok_or_else(|| {
        let all = named(DIMENSIONS.iter().map(|(name, _, _)| *name));
        Error::bad_request(field, format!("{field}: `{name}` is no dimension here; there are {all}"))
    })
}

fn metric(field: &str, name: &str) -> Result<&'static Metric> {
    METRICS.iter().find(|metric| metric.name == name).ok_or_else(|| {
        let all = named(METRICS.iter().map(|metric| metric.name));
        Error::bad_request(field, format!("{field}: `{name}` is no metric here; there are {all}"))
    })
}

fn limit(field: &str, value: Option<i64>, usual: usize) -> Result<usize> {
    let limit = value.map_or(Some(usual), |value| usize::try_from(value).ok());
    limit
        .filter(|limit| (1..=10_000).contains(limit))
        .ok_or_else(|| Error::bad_request(field, format!("{field} must be 1 to 10000")))
}

impl Question {
    /// # Errors
    /// 400 naming the field.
    pub async fn read(app: &App, organization_id: &str, query: &AnalyticsQuery) -> Result<Self> {
        for (field, value) in
            [("classifier_dimensions", &query.classifier_dimensions), ("classifier_filters", &query.classifier_filters)]
        {
            if value.is_some() {
                let message = format!(
                    "{field}: this server has no classifiers of your own. What it tells of a request itself are the \
                     dimensions `task` and `language`; ask for those in `dimensions` and `filters`."
                );
                return Err(Error::bad_request(field, message));
            }
        }
        if query.metrics.is_empty() || query.metrics.len() > METRICS.len() {
            return Err(Error::bad_request("metrics", format!("metrics must name 1 to {} metrics", METRICS.len())));
        }
        let metrics = query.metrics.iter().map(|name| metric("metrics", name)).collect::<Result<Vec<_>>>()?;
        if query.dimensions.len() > 2 {
            return Err(Error::bad_request("dimensions", "dimensions must be at most two"));
        }
        let mut dimensions = [None, None];
        for (place, name) in dimensions.iter_mut().zip(&query.dimensions) {
            *place = Some(dimension("dimensions", name)?);
        }
        let mut warnings = Vec::new();
        let filters = filters(app, organization_id, &query.filters, &mut warnings).await?;
        let granularity = query.granularity.as_deref().map(granularity).transpose()?;
        let named = dimensions.iter().flatten().map(|(_, dimension)| *dimension);
        let is_detailed = named.chain(filters.iter().map(|filter| filter.dimension)).any(Dimension::is_detail);
        let (is_hourly, from, to) = range(query, granularity, is_detailed, app.clock.now_ms(), &mut warnings)?;
        let (order, is_descending) = order(query, granularity, &dimensions)?;
        let limit = limit("limit", query.limit, 1_000)?;
        let group_limit = self::limit("group_limit", query.group_limit, 10_000)?;
        let question = Self {
            metrics,
            dimensions,
            filters,
            granularity,
            is_hourly,
            is_detailed,
            from,
            to,
            order,
            is_descending,
            limit,
            group_limit,
            warnings,
        };
        Ok(question)
    }
}

fn granularity(name: &str) -> Result<&'static str> {
    let found = GRANULARITIES.iter().map(|(own, _)| *own).find(|own| *own == name);
    found.ok_or_else(|| {
        let message = format!("granularity must be {}", named(GRANULARITIES.iter().map(|(name, _)| *name)));
        Error::bad_request("granularity", message)
    })
}

/// Whether hours are read, and the first and last of hours or days.
fn range(
    query: &AnalyticsQuery,
    granularity: Option<&str>,
    is_detailed: bool,
    now: i64,
    warnings: &mut Vec<String>,
) -> Result<(bool, i64, i64)> {
    let (start, end) = match &query.time_range {
        None => ((now.div_euclid(MS_PER_DAY) - 29) * MS_PER_DAY, (now.div_euclid(MS_PER_DAY) + 1) * MS_PER_DAY),
        Some(range) => {
            let read = |field: &str, text: &str| {
                let message = format!("{field} must be a moment such as 2026-11-21T00:00:00Z");
                parse_rfc3339(text).ok_or_else(|| Error::bad_request(field, message))
            };
            (read("time_range.start", &range.start)?, read("time_range.end", &range.end)?)
        }
    };
    if start >= end {
        return Err(Error::bad_request("time_range", "time_range: it must begin before it ends"));
    }
    let is_in_days = start % MS_PER_DAY == 0 && end % MS_PER_DAY == 0;
    let is_short = end - start <= MOST_DAYS_BY_HOUR * MS_PER_DAY;
    let is_hourly = granularity == Some("hour") || (!is_in_days && is_short);
    let most = if is_hourly || is_detailed { MOST_DAYS_BY_HOUR } else { MOST_DAYS };
    if end - start > most * MS_PER_DAY {
        let message = format!(
            "time_range may have {MOST_DAYS_BY_HOUR} days by the hour, by task or by language, and {MOST_DAYS} otherwise"
        );
        return Err(Error::bad_request("time_range", message));
    }
    let (ms, what) = if is_hourly { (MS_PER_HOUR, "hours") } else { (MS_PER_DAY, "days") };
    if start % ms != 0 || end % ms != 0 {
        warnings.push(format!("time_range was widened to whole {what} (UTC)"));
    }
    Ok((is_hourly, start.div_euclid(ms), (end + ms - 1).div_euclid(ms)))
}

fn order(
    query: &AnalyticsQuery,
    granularity: Option<&str>,
    dimensions: &[Option<(&'static str, Dimension)>; 2],
) -> Result<(Order, bool)> {
    let Some(wish) = &query.order_by else {
        let requests = metric("metrics", "request_count")?;
        return Ok(if granularity.is_some() { (Order::Date, false) } else { (Order::Metric(requests), true) });
    };
    let is_descending = match wish.direction.as_str() {
        "asc" => false,
        "desc" => true,
        _ => return Err(Error::bad_request("order_by.direction", "order_by.direction must be asc or desc")),
    };
    let place = dimensions.iter().position(|one| one.is_some_and(|(name, _)| name == wish.field));
    let is_asked = wish.field == "request_count" || query.metrics.contains(&wish.field);
    let order = match (wish.field.as_str(), place) {
        ("date", _) => Order::Date,
        (_, Some(place)) => Order::Dimension(place),
        (name, None) if is_asked => Order::Metric(metric("order_by.field", name)?),
        _ => {
            let message = "order_by.field must be a metric or dimension of the query, request_count or date";
            return Err(Error::bad_request("order_by.field", message));
        }
    };
    Ok((order, is_descending))
}

async fn filters(
    app: &App,
    organization_id: &str,
    wishes: &[AnalyticsFilter],
    warnings: &mut Vec<String>,
) -> Result<Vec<Among>> {
    if wishes.len() > 20 {
        return Err(Error::bad_request("filters", "filters must be at most 20"));
    }
    let mut filters = Vec::with_capacity(wishes.len());
    for wish in wishes {
        let (_, dimension) = dimension("filters.field", &wish.field)?;
        let (is_list, is_negated) = match wish.operator.as_str() {
            "eq" => (false, false),
            "neq" => (false, true),
            "in" => (true, false),
            "not_in" => (true, true),
            _ => {
                let message = "filters.operator must be eq, neq, in or not_in: dimensions have no order";
                return Err(Error::bad_request("filters.operator", message));
            }
        };
        let mut values = texts(&wish.value, is_list)?;
        if dimension == Dimension::Key {
            for value in &mut values {
                resolve(app, organization_id, value, warnings).await?;
            }
        }
        // Rows without a value are kept by `in` with the empty one, and by `not_in` without it.
        if is_list && wish.include_unset != is_negated {
            values.push(String::new());
        }
        filters.push(Among { dimension, values, is_negated });
    }
    if filters.iter().map(|filter| filter.values.len()).sum::<usize>() > MOST_VALUES {
        return Err(Error::bad_request("filters", format!("filters may have {MOST_VALUES} values together")));
    }
    Ok(filters)
}

/// A key's hash becomes its id.
async fn resolve(app: &App, organization_id: &str, value: &mut String, warnings: &mut Vec<String>) -> Result<()> {
    if value.len() != 64 {
        return Ok(());
    }
    match app.store.key_by_hash(value).await?.filter(|key| key.organization_id == organization_id) {
        Some(key) => *value = key.id,
        None => warnings.push(format!("api_key_id: no key of yours has the hash {value}")),
    }
    Ok(())
}

fn texts(value: &Value, is_list: bool) -> Result<Vec<String>> {
    let text = |value: &Value| match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    };
    let values = match value {
        Value::Array(list) if is_list && !list.is_empty() => list.iter().map(text).collect(),
        one if !is_list => text(one).map(|one| vec![one]),
        _ => None,
    };
    let what = if is_list { "a list of texts" } else { "a text" };
    values
        .ok_or_else(|| Error::bad_request("filters.value", format!("filters.value must be {what} with this operator")))
}
