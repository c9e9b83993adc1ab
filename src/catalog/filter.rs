//! Search, filters and order of the list of models.

use std::cmp::Reverse;
use std::sync::Arc;

use app::types::Price;
use serde::Deserialize;

use super::{Catalog, Endpoint, Model, category};
use crate::error::{Error, Result};

/// The query of `GET /api/v1/models`; empty values count as absent. Prices are US
/// dollars per million tokens; lists are separated by commas.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct ModelsQuery {
    pub q: Option<String>,
    pub category: Option<String>,
    pub supported_parameters: Option<String>,
    pub input_modalities: Option<String>,
    pub output_modalities: Option<String>,
    pub sort: Option<String>,
    pub context: Option<String>,
    pub min_price: Option<String>,
    pub max_price: Option<String>,
    pub min_output_price: Option<String>,
    pub max_output_price: Option<String>,
    pub arch: Option<String>,
    pub model_authors: Option<String>,
    pub providers: Option<String>,
    pub zdr: Option<String>,
    pub min_age_days: Option<String>,
    pub max_age_days: Option<String>,
    pub offset: Option<String>,
    pub limit: Option<String>,
    /// The answer is a feed, newest first unless `sort` says otherwise.
    pub use_rss: Option<String>,
    /// The feed leads to the chat room instead of the model's page.
    pub use_rss_chat_links: Option<String>,
}

impl ModelsQuery {
    /// A feed is asked for.
    ///
    /// # Errors
    /// 400 when it is neither true nor false.
    pub fn is_feed(&self) -> Result<bool> {
        Ok(flag("use_rss", self.use_rss.as_ref())?.unwrap_or(false))
    }

    /// Its links lead to the chat room.
    ///
    /// # Errors
    /// 400 when it is neither true nor false.
    pub fn has_chat_links(&self) -> Result<bool> {
        Ok(flag("use_rss_chat_links", self.use_rss_chat_links.as_ref())?.unwrap_or(false))
    }
}

/// A statistic of an endpoint, where there is one.
pub type Measure<'a> = Box<dyn Fn(&Endpoint) -> Option<f64> + Send + Sync + 'a>;

/// Whether a model belongs to a category.
pub type Use<'a> = Box<dyn Fn(&str, &Model) -> bool + Send + Sync + 'a>;

/// Tokens of a model by its id, within a category where one is named.
pub type Popularity<'a> = Box<dyn Fn(Option<&str>, &str) -> i64 + Send + Sync + 'a>;

/// What the list depends on besides the catalog.
pub struct Context<'a> {
    /// Requests can be sent to the endpoint now.
    pub is_available: Box<dyn Fn(&Endpoint) -> bool + Send + Sync + 'a>,
    /// The model belongs to the category.
    pub is_used_for: Use<'a>,
    /// Tokens of the last days by model id, within a category where one is named.
    pub popularity: Popularity<'a>,
    /// Seconds to the first token.
    pub latency: Measure<'a>,
    /// Tokens per second.
    pub throughput: Measure<'a>,
    pub now_ms: i64,
}

/// The values of `sort`.
pub const SORTS: [&str; 12] = [
    "most-popular",
    "top-weekly",
    "newest",
    "pricing-low-to-high",
    "pricing-high-to-low",
    "context-high-to-low",
    "throughput-high-to-low",
    "latency-low-to-high",
    "intelligence-high-to-low",
    "coding-high-to-low",
    "agentic-high-to-low",
    "design-arena-elo-high-to-low",
];

/// The published results that some of them go by, by how their names begin; where a list of
/// models brings none, the order is that of the catalog.
const SCORES: [(&str, &str); 4] = [
    ("intelligence-high-to-low", "Artificial Analysis Intelligence Index"),
    ("coding-high-to-low", "Artificial Analysis Coding Index"),
    ("agentic-high-to-low", "Artificial Analysis Agentic Index"),
    ("design-arena-elo-high-to-low", "Design Arena"),
];

const DEFAULT_LIMIT: usize = 500;
const MS_PER_DAY: i64 = 86_400_000;

/// One page of the models that fit, and where it stands.
#[derive(Debug)]
pub struct Page<'a> {
    pub models: Vec<&'a Arc<Model>>,
    /// How many fit, on all pages.
    pub total: usize,
    /// The offset of the next page.
    pub next_offset: Option<usize>,
}

/// The models that fit, in order.
///
/// # Errors
/// 400 naming the field, what is wrong with it and what it takes.
pub fn list<'a>(catalog: &'a Catalog, query: &ModelsQuery, context: &Context<'_>) -> Result<Page<'a>> {
    let filter = Filter::read(query)?;
    let order = said(query.sort.as_ref()).unwrap_or("most-popular");
    if !SORTS.contains(&order) {
        return Err(Error::bad_request("sort", format!("sort cannot be `{order}`; it takes {}", SORTS.join(", "))));
    }
    let mut models: Vec<&Arc<Model>> =
        catalog.models.values().filter(|model| model.is_listed() && filter.fits(catalog, model, context)).collect();
    sort(&mut models, order, filter.category.as_deref(), context);
    let total = models.len();
    let offset = whole("offset", query.offset.as_ref(), 0, usize::MAX)?;
    let limit = whole("limit", query.limit.as_ref(), 1, 1_000)?;
    if offset.is_none() && limit.is_none() {
        return Ok(Page { models, total, next_offset: None });
    }
    let (offset, limit) = (offset.unwrap_or(0), limit.unwrap_or(DEFAULT_LIMIT));
    let end = offset.saturating_add(limit);
    let models = models.into_iter().skip(offset).take(limit).collect();
    Ok(Page { models, total, next_offset: (end < total).then_some(end) })
}

fn sort(models: &mut [&Arc<Model>], order: &str, category: Option<&str>, context: &Context<'_>) {
    let available = |model: &Model| model.endpoints.iter().any(|endpoint| (context.is_available)(endpoint));
    let best = |model: &Model, value: &dyn Fn(&Endpoint) -> Option<f64>, take: fn(f64, f64) -> f64| {
        model.endpoints.iter().filter_map(|endpoint| value(endpoint)).reduce(take)
    };
    // Sorting is stable over the catalog's own order, newest first.
    match order {
        "pricing-low-to-high" => models.sort_by_cached_key(|model| price(model)),
        "pricing-high-to-low" => models.sort_by_cached_key(|model| Reverse(price(model))),
        "context-high-to-low" => models.sort_by_key(|model| Reverse(model.context_length)),
        "throughput-high-to-low" => models.sort_by(|a, b| {
            let [a, b] = [a, b].map(|model| best(model, &context.throughput, f64::max).unwrap_or(-1.0));
            b.total_cmp(&a)
        }),
        "latency-low-to-high" => models.sort_by(|a, b| {
            let [a, b] = [a, b].map(|model| best(model, &context.latency, f64::min).unwrap_or(f64::INFINITY));
            a.total_cmp(&b)
        }),
        "newest" => {}
        _ if let Some((_, name)) = SCORES.iter().find(|(sort, _)| *sort == order) => models.sort_by(|a, b| {
            let [a, b] = [a, b].map(|model| score(model, name).unwrap_or(f64::NEG_INFINITY));
            b.total_cmp(&a)
        }),
        _ => models.sort_by_cached_key(|model| (Reverse((context.popularity)(category, &model.id)), !available(model))),
    }
}

/// The best of a model's results under a name.
fn score(model: &Model, name: &str) -> Option<f64> {
    let results = model.benchmarks.iter().filter(|result| result.name.starts_with(name));
    results.map(|result| result.score).reduce(f64::max)
}

/// Three input tokens to one of output, in pico-dollars.
fn price(model: &Model) -> i128 {
    let prices = model.list_prices();
    prices.map_or(0, |prices| i128::from(prices.prompt.0) * 3 + i128::from(prices.completion.0))
}

/// A query, read.
struct Filter {
    words: Vec<String>,
    category: Option<String>,
    parameters: Vec<String>,
    inputs: Vec<String>,
    /// `None` is every kind.
    outputs: Option<Vec<String>>,
    context: Option<i64>,
    prompt: (Option<Price>, Option<Price>),
    completion: (Option<Price>, Option<Price>),
    tokenizers: Vec<String>,
    authors: Vec<String>,
    providers: Vec<String>,
    zdr: Option<bool>,
    age_days: (Option<i64>, Option<i64>),
}

const INPUTS: [&str; 5] = ["text", "image", "file", "audio", "video"];
const OUTPUTS: [&str; 9] =
    ["text", "image", "embeddings", "audio", "video", "rerank", "speech", "transcription", "all"];

impl Filter {
    fn read(query: &ModelsQuery) -> Result<Self> {
        let outputs = match said(query.output_modalities.as_ref()) {
            None => Some(vec!["text".to_owned()]),
            Some("all") => None,
            Some(_) => Some(modalities("output_modalities", query.output_modalities.as_ref(), &OUTPUTS)?),
        };
        let days = |name, value| Ok::<_, Error>(whole(name, value, 0, 100_000)?.and_then(|n| i64::try_from(n).ok()));
        Ok(Self {
            words: said(query.q.as_ref())
                .map(|q| q.to_lowercase().split_whitespace().map(str::to_owned).collect())
                .unwrap_or_default(),
            category: said(query.category.as_ref())
                .map(|name| category::read(name).map(|_| name.to_owned()))
                .transpose()?,
            parameters: items(query.supported_parameters.as_ref()),
            inputs: modalities("input_modalities", query.input_modalities.as_ref(), &INPUTS)?,
            outputs,
            context: whole("context", query.context.as_ref(), 1, usize::MAX)?.and_then(|n| i64::try_from(n).ok()),
            prompt: (dollars("min_price", query.min_price.as_ref())?, dollars("max_price", query.max_price.as_ref())?),
            completion: (
                dollars("min_output_price", query.min_output_price.as_ref())?,
                dollars("max_output_price", query.max_output_price.as_ref())?,
            ),
            tokenizers: items(query.arch.as_ref()),
            authors: items(query.model_authors.as_ref()),
            providers: items(query.providers.as_ref()),
            zdr: flag("zdr", query.zdr.as_ref())?,
            age_days: (
                days("min_age_days", query.min_age_days.as_ref())?,
                days("max_age_days", query.max_age_days.as_ref())?,
            ),
        })
    }

    fn fits(&self, catalog: &Catalog, model: &Model, context: &Context<'_>) -> bool {
        let architecture = &model.architecture;
        let prices = model.list_prices();
        let is_between = |value: Option<Price>, (low, high): (Option<Price>, Option<Price>)| {
            low.is_none_or(|low| value.is_some_and(|value| value >= low))
                && high.is_none_or(|high| value.is_some_and(|value| value <= high))
        };
        let age = context.now_ms.div_euclid(MS_PER_DAY).saturating_sub(model.created.div_euclid(86_400));
        self.matches(model)
            && self.category.as_ref().is_none_or(|category| (context.is_used_for)(category, model))
            && has_all(&model.supported_parameters, &self.parameters)
            && has_all(&architecture.input_modalities, &self.inputs)
            && self
                .outputs
                .as_ref()
                .is_none_or(|wanted| wanted.iter().any(|w| architecture.output_modalities.contains(w)))
            && self.context.is_none_or(|least| model.context_length.is_some_and(|length| length >= least))
            && is_between(prices.map(|prices| prices.prompt), self.prompt)
            && is_between(prices.map(|prices| prices.completion), self.completion)
            && is_among(&self.tokenizers, architecture.tokenizer.as_deref())
            && is_among(&self.authors, Some(&model.author))
            && self.age_days.0.is_none_or(|least| age >= least)
            && self.age_days.1.is_none_or(|most| age <= most)
            && (self.providers.is_empty() || model.endpoints.iter().any(|endpoint| self.is_by(catalog, endpoint)))
            && self.zdr.is_none_or(|wanted| model.endpoints.iter().any(|e| e.is_zero_retention()) == wanted)
    }

    /// Every word is in the name, an id or the description.
    fn matches(&self, model: &Model) -> bool {
        if self.words.is_empty() {
            return true;
        }
        let description = model.description.as_deref().unwrap_or_default();
        let text = [&model.id, &model.name, &model.canonical_slug, description].join(" ").to_lowercase();
        self.words.iter().all(|word| text.contains(word))
    }

    fn is_by(&self, catalog: &Catalog, endpoint: &Endpoint) -> bool {
        let name = catalog.provider(&endpoint.provider_slug).map(|provider| provider.name.as_str());
        is_among(&self.providers, Some(&endpoint.provider_slug)) || is_among(&self.providers, name)
    }
}

fn has_all(present: &[String], wanted: &[String]) -> bool {
    wanted.iter().all(|name| present.contains(name))
}

/// An empty list takes everything.
fn is_among(list: &[String], value: Option<&str>) -> bool {
    list.is_empty() || value.is_some_and(|value| list.iter().any(|item| item.eq_ignore_ascii_case(value)))
}

fn said(value: Option<&String>) -> Option<&str> {
    value.map(|text| text.trim()).filter(|text| !text.is_empty())
}

fn items(value: Option<&String>) -> Vec<String> {
    let parts = said(value).unwrap_or_default().split(',').map(str::trim);
    parts.filter(|part| !part.is_empty()).map(str::to_owned).collect()
}

fn modalities(field: &str, value: Option<&String>, known: &[&str]) -> Result<Vec<String>> {
    let wanted = items(value);
    match wanted.iter().find(|item| !known.contains(&item.as_str())) {
        None => Ok(wanted),
        Some(odd) => Err(Error::bad_request(
            field,
            format!("{field} cannot be `{odd}`; it takes a list of {}", known.join(", ")),
        )),
    }
}

fn whole(field: &str, value: Option<&String>, least: usize, most: usize) -> Result<Option<usize>> {
    let Some(text) = said(value) else { return Ok(None) };
    match text.parse::<usize>() {
        Ok(number) if (least..=most).contains(&number) => Ok(Some(number)),
        _ => {
            let range = if most == usize::MAX { format!("{least} or more") } else { format!("{least} to {most}") };
            Err(Error::bad_request(field, format!("{field} must be a whole number, {range}; it is `{text}`")))
        }
    }
}

fn dollars(field: &str, value: Option<&String>) -> Result<Option<Price>> {
    let Some(text) = said(value) else { return Ok(None) };
    let wrong = || {
        let message = format!("{field} must be US dollars per million tokens, such as 0.5; it is `{text}`");
        Error::bad_request(field, message)
    };
    // Pico-dollars per token are micro-dollars per million.
    let price: Price = text.parse().map_err(|_| wrong())?;
    if price < Price::ZERO { Err(wrong()) } else { Ok(Some(Price(price.0 / 1_000_000))) }
}

fn flag(field: &str, value: Option<&String>) -> Result<Option<bool>> {
    match said(value) {
        None => Ok(None),
        Some("true" | "1") => Ok(Some(true)),
        Some("false" | "0") => Ok(Some(false)),
        Some(text) => Err(Error::bad_request(field, format!("{field} must be true or false; it is `{text}`"))),
    }
}

#[cfg(test)]
mod tests {
    use app::types::statistics::Benchmark;

    use super::*;
    use crate::catalog::import::plan;
    use crate::catalog::seed;
    use crate::store::catalog::CatalogRows;

    fn catalog() -> Catalog {
        let (changes, _) = plan(&CatalogRows::default(), seed::built_in(), 1);
        Catalog::from_rows(&changes.upserts)
    }

    fn context() -> Context<'static> {
        Context {
            is_available: Box::new(|endpoint| endpoint.provider_slug == "anthropic"),
            is_used_for: Box::new(|category, model| category::read(category).unwrap().fits(model)),
            popularity: Box::new(|category, id| {
                i64::from(id == if category.is_some() { "qwen/qwen3-coder" } else { "openai/o3" })
            }),
            latency: Box::new(|endpoint| (endpoint.provider_slug == "groq").then_some(0.2)),
            throughput: Box::new(|endpoint| (endpoint.provider_slug == "cerebras").then_some(900.0)),
            now_ms: 1_790_000_000_000,
        }
    }

    /// The ids that `query`, written as in a URL, finds.
    fn ids(query: &str) -> Vec<String> {
        let query: ModelsQuery = serde_json::from_value(pairs(query)).unwrap();
        let catalog = catalog();
        list(&catalog, &query, &context()).unwrap().models.iter().map(|model| model.id.clone()).collect()
    }

    fn pairs(query: &str) -> serde_json::Value {
        url::form_urlencoded::parse(query.as_bytes())
            .map(|(name, value)| (name.into_owned(), value.into_owned()))
            .collect()
    }

    fn complaint(query: &str) -> String {
        let query: ModelsQuery = serde_json::from_value(pairs(query)).unwrap();
        list(&catalog(), &query, &context()).unwrap_err().to_string()
    }

    #[test]
    fn the_most_used_come_first_then_what_can_be_called() {
        let all = ids("");
        assert_eq!(all[0], "openai/o3");
        assert!(all[1].starts_with("anthropic/"), "{}", all[1]);
        assert_eq!(ids("sort="), all, "an empty value counts as absent");
    }

    #[test]
    fn filters_narrow_the_list() {
        assert!(ids("q=CLAUDE+opus").iter().all(|id| id.contains("claude-opus")));
        assert!(
            ids("model_authors=qwen,deepseek").iter().all(|id| id.starts_with("qwen/") || id.starts_with("deepseek/"))
        );
        assert!(ids("providers=Cerebras").contains(&"openai/gpt-oss-120b".to_owned()));
        assert!(!ids("input_modalities=image").contains(&"openai/gpt-oss-120b".to_owned()));
        assert!(!ids("supported_parameters=tools,reasoning").contains(&"openai/gpt-4o".to_owned()));
        assert!(ids("context=1000000").len() < ids("").len());
        assert!(ids("max_price=0.1").contains(&"openai/gpt-oss-20b".to_owned()));
        assert!(!ids("max_price=0.1").contains(&"openai/gpt-5.5".to_owned()));
        assert!(ids("zdr=true").contains(&"openai/gpt-oss-120b".to_owned()));
        assert!(!ids("zdr=true").contains(&"openai/gpt-5.5".to_owned()));
        assert_eq!(ids("category=programming")[0], "qwen/qwen3-coder", "what is used most for it");
        assert!(!ids("category=legal").contains(&"qwen/qwen3-coder".to_owned()));
        assert_eq!(ids("output_modalities=video"), Vec::<String>::new());
    }

    #[test]
    fn every_sort_there_is_orders_by_what_it_says() {
        let catalog = catalog();
        let price = |id: &String| price(catalog.model(id).unwrap());
        assert!(ids("sort=pricing-low-to-high").is_sorted_by_key(price));
        assert!(ids("sort=pricing-high-to-low").is_sorted_by_key(|id| Reverse(price(id))));
        let context = |id: &String| Reverse(catalog.model(id).unwrap().context_length);
        assert!(ids("sort=context-high-to-low").is_sorted_by_key(context));
        assert!(ids("sort=newest").is_sorted_by_key(|id| Reverse(catalog.model(id).unwrap().created)));
        let serves =
            |id: &String, slug: &str| catalog.model(id).unwrap().endpoints.iter().any(|e| e.provider_slug == slug);
        assert!(serves(&ids("sort=latency-low-to-high")[0], "groq"));
        assert!(serves(&ids("sort=throughput-high-to-low")[0], "cerebras"));
        for sort in SORTS {
            assert_eq!(ids(&format!("sort={sort}")).len(), ids("").len());
        }
    }

    #[test]
    fn published_results_order_models_and_those_without_come_last() {
        let result = |name: &str, score| Benchmark { name: name.to_owned(), score, ..Benchmark::default() };
        let model = |id: &str, benchmarks| Arc::new(Model { id: id.to_owned(), benchmarks, ..Model::default() });
        let models = [
            model("untried", vec![result("Artificial Analysis Coding Agent Index", 99.0)]),
            model("good", vec![result("Artificial Analysis Coding Index", 31.5)]),
            model("best", vec![result("SciCode", 3.0), result("Artificial Analysis Coding Index", 60.0)]),
        ];
        let mut sorted: Vec<&Arc<Model>> = models.iter().collect();
        sort(&mut sorted, "coding-high-to-low", None, &context());
        assert_eq!(sorted.iter().map(|model| model.id.as_str()).collect::<Vec<_>>(), ["best", "good", "untried"]);
    }

    #[test]
    fn pages_follow_each_other_without_a_gap() {
        let whole = ids("");
        let query = |offset: usize| ModelsQuery {
            offset: Some(offset.to_string()),
            limit: Some("7".to_owned()),
            ..ModelsQuery::default()
        };
        let (catalog, mut seen, mut next) = (catalog(), Vec::new(), Some(0));
        while let Some(offset) = next {
            let page = list(&catalog, &query(offset), &context()).unwrap();
            assert_eq!(page.total, whole.len());
            seen.extend(page.models.iter().map(|model| model.id.clone()));
            next = page.next_offset;
        }
        assert_eq!(seen, whole);
    }

    #[test]
    fn a_bad_value_is_answered_with_the_field_and_what_it_takes() {
        assert!(complaint("sort=best").contains("pricing-low-to-high"));
        assert!(complaint("sort=oldest").contains("it takes most-popular"));
        assert!(complaint("category=cooking").contains("programming"));
        assert!(complaint("output_modalities=smell").contains("image"));
        assert_eq!(complaint("limit=0"), "limit must be a whole number, 1 to 1000; it is `0`");
        assert!(complaint("max_price=cheap").contains("US dollars per million"));
        assert!(complaint("zdr=maybe").contains("true or false"));
    }
}
