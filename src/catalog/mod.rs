//! What can be asked for: models, the endpoints that serve them, the providers
//! behind these. A [`Catalog`] is an immutable snapshot, replaced whole, so that
//! a request never reads the database to find its way.

pub mod category;
pub mod configured;
pub mod filter;
pub mod import;
pub mod known;
pub mod local;
pub mod prices;
pub mod rows;
pub mod seed;
pub mod tier;
pub mod uses;

pub use crate::providers::credentials::Auth;
pub use prices::{Cost, LongContextTier, Prices};
pub use tier::Tier;

use std::collections::BTreeMap;
use std::sync::Arc;

use app::types::models::{Architecture, DataPolicy};
use app::types::statistics::Benchmark;
use foldhash::{HashMap, HashSet};
use indexmap::IndexMap;

use crate::dialects::{Dialect, Quirks};
use crate::providers::credentials::Sought;

/// An immutable snapshot of everything on offer.
#[derive(Clone, Debug, Default)]
pub struct Catalog {
    /// By `Model::id`, newest first.
    pub models: IndexMap<String, Arc<Model>, foldhash::fast::RandomState>,
    /// By `Provider::slug`.
    pub providers: BTreeMap<String, Arc<Provider>>,
    /// Canonical slugs and other names → model id.
    names: HashMap<String, String>,
    endpoints: HashMap<String, Arc<Endpoint>>,
}

impl Catalog {
    /// A snapshot of these. Models come newest first, endpoints of a model cheapest first.
    #[must_use]
    pub fn new(providers: Vec<Provider>, mut models: Vec<Model>) -> Self {
        models.sort_by(|a, b| b.created.cmp(&a.created).then_with(|| a.id.cmp(&b.id)));
        let mut catalog = Self {
            providers: providers.into_iter().map(|p| (p.slug.clone(), Arc::new(p))).collect(),
            ..Self::default()
        };
        for mut model in models {
            model.endpoints.sort_by(|a, b| a.list_order().cmp(&b.list_order()));
            for endpoint in &model.endpoints {
                catalog.endpoints.insert(endpoint.id.clone(), Arc::clone(endpoint));
            }
            catalog.models.insert(model.id.clone(), Arc::new(model));
        }
        for model in catalog.models.values() {
            for name in std::iter::once(&model.canonical_slug).chain(&model.aliases) {
                // The newest model keeps a name that two claim.
                catalog.names.entry(name.clone()).or_insert_with(|| model.id.clone());
            }
        }
        catalog
    }

    /// Only what real providers offer: outside demo mode nobody answers for the others.
    #[must_use]
    pub fn without_simulated(self) -> Self {
        if !self.endpoints.values().any(|endpoint| endpoint.is_simulated) {
            return self;
        }
        let providers = self.providers.values().filter(|p| !p.is_simulated).map(|p| Provider::clone(p)).collect();
        let models = self.models.values().map(|model| Model {
            endpoints: model.endpoints.iter().filter(|endpoint| !endpoint.is_simulated).cloned().collect(),
            ..Model::clone(model)
        });
        Self::new(providers, models.collect())
    }

    /// This snapshot and what was found on this machine.
    #[must_use]
    pub fn with(self, local: &local::Local) -> Self {
        if local.models.is_empty() {
            return self;
        }
        let own = |shared: &Arc<Provider>| Provider::clone(shared);
        let providers = self.providers.values().map(own).chain(local.providers.iter().cloned()).collect();
        let models =
            self.models.values().map(|model| Model::clone(model)).chain(local.models.iter().cloned()).collect();
        Self::new(providers, models)
    }

    /// This snapshot with the endpoints that can be asked before the others of their model: lists show the
    /// first one's prices. Of the others, those that ask no money come last: most of them belong to a
    /// subscription, and say nothing about what the model costs.
    #[must_use]
    pub fn led_by(mut self, can_ask: impl Fn(&Provider) -> bool) -> Self {
        let ready: HashSet<&str> = self.providers.values().filter(|p| can_ask(p)).map(|p| p.slug.as_str()).collect();
        for model in self.models.values_mut() {
            Arc::make_mut(model).endpoints.sort_by_cached_key(|endpoint| {
                let is_ready = ready.contains(endpoint.provider_slug.as_str());
                (!is_ready, !is_ready && endpoint.prices.is_free())
            });
        }
        self
    }

    /// The model of this id, canonical slug or other known name. A variant suffix
    /// (`:free`) is part of an id.
    #[must_use]
    pub fn model(&self, name: &str) -> Option<&Arc<Model>> {
        self.models.get(name).or_else(|| self.names.get(name).and_then(|id| self.models.get(id)))
    }

    /// The model a client of its maker's own API means: by its name here, without
    /// the author, or by the maker's name for it, with a date or without.
    #[must_use]
    pub fn native_model(&self, author: &str, name: &str) -> Option<&Arc<Model>> {
        if let Some(model) = self.model(name) {
            return Some(model);
        }
        if name.contains('/') {
            return None;
        }
        let undated = name.rsplit_once('-').filter(|(_, date)| {
            *date == "latest" || (date.len() == 8 && date.bytes().all(|byte| byte.is_ascii_digit()))
        });
        let names = [Some(name), undated.map(|(undated, _)| undated)];
        names.into_iter().flatten().find_map(|name| {
            let is_meant = |model: &&Arc<Model>| {
                let is_its_makers = model.id.split('/').next() == Some(author);
                is_its_makers && model.endpoints.iter().any(|endpoint| endpoint.upstream_model == name)
            };
            // Variants such as `:free` share the maker's name: the plain one is meant.
            let known = || self.models.values().filter(is_meant).min_by_key(|model| model.id.len());
            self.model(&format!("{author}/{name}")).or_else(known)
        })
    }

    #[must_use]
    pub fn provider(&self, slug: &str) -> Option<&Arc<Provider>> {
        self.providers.get(slug)
    }

    /// The endpoint of this id.
    #[must_use]
    pub fn endpoint(&self, id: &str) -> Option<&Arc<Endpoint>> {
        self.endpoints.get(id)
    }

    #[must_use]
    pub fn endpoint_count(&self) -> usize {
        self.endpoints.len()
    }
}

/// A model, whoever serves it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Model {
    /// `author/slug`, with the variant where there is one: `author/slug:free`.
    pub id: String,
    /// The dated, permanent name.
    pub canonical_slug: String,
    /// Other names a caller may use.
    pub aliases: Vec<String>,
    /// `Author: Name`.
    pub name: String,
    /// Slug of the author.
    pub author: String,
    /// Epoch seconds.
    pub created: i64,
    pub description: Option<String>,
    /// Tokens.
    pub context_length: Option<i64>,
    pub architecture: Architecture,
    /// In the vocabulary of `app::types::models::Model::supported_parameters`.
    pub supported_parameters: Vec<String>,
    /// Preset sampling values, as the API shows them.
    pub default_parameters: Option<serde_json::Value>,
    pub hugging_face_id: Option<String>,
    /// `2025-03` or `2025-03-31`.
    pub knowledge_cutoff: Option<String>,
    /// Published results.
    pub benchmarks: Vec<Benchmark>,
    /// The day it goes away, `2026-12-31`.
    pub expiration_date: Option<String>,
    /// Those that can be asked first, of them the cheapest.
    pub endpoints: Vec<Arc<Endpoint>>,
    /// List prices, for a model nobody here serves.
    pub reference_prices: Option<Prices>,
}

impl Model {
    /// Belongs in lists: somebody serves it, or its price is known.
    #[must_use]
    pub fn is_listed(&self) -> bool {
        self.list_prices().is_some()
    }

    /// The prices to show: of the first endpoint, else the list prices.
    #[must_use]
    pub fn list_prices(&self) -> Option<&Prices> {
        self.endpoints.first().map(|endpoint| &endpoint.prices).or(self.reference_prices.as_ref())
    }

    /// Every endpoint is a simulated provider.
    #[must_use]
    pub fn is_simulated(&self) -> bool {
        !self.endpoints.is_empty() && self.endpoints.iter().all(|endpoint| endpoint.is_simulated)
    }
}

/// One provider's offer of a model.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Endpoint {
    /// Stable: `provider:upstream-model`.
    pub id: String,
    pub model_id: String,
    pub provider_slug: String,
    /// The provider's own name of the model.
    pub upstream_model: String,
    /// The provider's slug, with a variant or service tier where there is one: `deepinfra/fp8`, `openai/priority`.
    pub tag: String,
    pub prices: Prices,
    /// Id of the price version in force.
    pub price_id: String,
    /// Tokens, prompt and answer together.
    pub context_length: Option<i64>,
    pub max_output_tokens: Option<i64>,
    pub max_prompt_tokens: Option<i64>,
    /// `fp8`, `int4`, …; `None` is unknown.
    pub quantization: Option<String>,
    pub supported_parameters: Vec<String>,
    pub input_modalities: Vec<String>,
    pub output_modalities: Vec<String>,
    pub policy: DataPolicy,
    /// Answers come from a program that makes them up.
    pub is_simulated: bool,
}

impl Endpoint {
    /// Whether the endpoint understands this parameter.
    #[must_use]
    pub fn supports(&self, parameter: &str) -> bool {
        self.supported_parameters.iter().any(|known| known == parameter)
    }

    /// Keeps prompts no longer than the answer takes, and trains on none.
    #[must_use]
    pub fn is_zero_retention(&self) -> bool {
        self.policy.retains_prompts == Some(false) && self.policy.trains_on_prompts == Some(false)
    }

    /// Offers of a service tier come last: the list price is the ordinary one.
    fn list_order(&self) -> (bool, i128, &str) {
        // Three prompt tokens to one of the answer is the usual blend of list prices.
        let price = i128::from(self.prices.prompt.0) * 3 + i128::from(self.prices.completion.0);
        (self.tier().is_some(), price, &self.id)
    }
}

/// A company, or a program on this machine, that answers requests.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Provider {
    pub slug: String,
    pub name: String,
    /// `None`: it speaks a protocol this server does not.
    pub dialect: Option<Dialect>,
    /// Without a trailing slash; `UpstreamRequest::path` is appended. May hold
    /// `${NAME}`, set by the operator, `{model}`, and a query of its own.
    pub base_url: String,
    /// Names of environment variables that may hold its key, best first.
    pub env: Vec<String>,
    pub auth: Auth,
    pub quirks: Quirks,
    /// What it does with prompts unless an endpoint says otherwise.
    pub policy: DataPolicy,
    pub privacy_policy_url: Option<String>,
    pub terms_of_service_url: Option<String>,
    pub status_page_url: Option<String>,
    /// Country code.
    pub headquarters: Option<String>,
    /// Country codes.
    pub datacenters: Vec<String>,
    /// Closing the connection stops the work and the bill.
    pub supports_cancel: bool,
    pub is_simulated: bool,
}

impl Provider {
    /// A request can be put into words it understands and sent to an address. Whether
    /// each `${NAME}` in it is set is for the credentials to know.
    #[must_use]
    pub fn is_callable(&self) -> bool {
        self.dialect.is_some() && !self.base_url.is_empty()
    }

    /// Where its credential is looked for.
    #[must_use]
    pub fn sought(&self) -> Sought<'_> {
        Sought { slug: &self.slug, env: &self.env, auth: &self.auth, base_url: &self.base_url }
    }
}

#[cfg(test)]
mod tests {
    use app::types::Price;

    use super::*;

    fn model(id: &str, created: i64, aliases: &[&str]) -> Model {
        Model {
            id: id.to_owned(),
            canonical_slug: format!("{id}-2026"),
            aliases: aliases.iter().map(|&alias| alias.to_owned()).collect(),
            created,
            ..Model::default()
        }
    }

    #[test]
    fn a_model_answers_to_its_id_its_dated_name_and_its_aliases() {
        let catalog = Catalog::new(vec![], vec![model("acme/one", 1, &["one"]), model("acme/one:free", 2, &[])]);
        for name in ["acme/one", "acme/one-2026", "one"] {
            assert_eq!(catalog.model(name).map(|m| m.id.as_str()), Some("acme/one"), "{name}");
        }
        assert_eq!(catalog.model("acme/one:free").map(|m| m.id.as_str()), Some("acme/one:free"));
        assert!(catalog.model("acme/two").is_none());
    }

    #[test]
    fn an_alias_never_hides_a_model_of_that_id() {
        let catalog = Catalog::new(vec![], vec![model("acme/one", 1, &[]), model("acme/two", 9, &["acme/one"])]);
        assert_eq!(catalog.model("acme/one").map(|m| m.id.as_str()), Some("acme/one"));
    }

    #[test]
    fn the_cheapest_endpoint_comes_first() {
        let endpoint = |id: &str, prompt| {
            let prices = Prices { prompt: Price(prompt), ..Prices::default() };
            Arc::new(Endpoint { id: id.to_owned(), prices, ..Endpoint::default() })
        };
        let mut one = model("acme/one", 1, &[]);
        one.endpoints = vec![endpoint("dear", 9), endpoint("cheap", 1)];
        let catalog = Catalog::new(vec![], vec![one]);
        let order: Vec<_> = catalog.models["acme/one"].endpoints.iter().map(|e| e.id.as_str()).collect();
        assert_eq!(order, ["cheap", "dear"]);
        assert!(catalog.endpoint("dear").is_some());
    }

    #[test]
    fn what_nobody_here_can_ask_does_not_make_a_model_free() {
        let endpoint = |provider: &str, prompt| {
            let prices = Prices { prompt: Price(prompt), ..Prices::default() };
            let (id, provider_slug) = (provider.to_owned(), provider.to_owned());
            Arc::new(Endpoint { id, provider_slug, prices, ..Endpoint::default() })
        };
        let provider = |slug: &str| Provider { slug: slug.to_owned(), ..Provider::default() };
        let mut one = model("acme/one", 1, &[]);
        one.endpoints = vec![endpoint("maker", 9), endpoint("plan", 0), endpoint("reseller", 5)];
        let providers = ["maker", "plan", "reseller"].map(provider).to_vec();
        let order = |ready: &[&str]| {
            let catalog =
                Catalog::new(providers.clone(), vec![one.clone()]).led_by(|p| ready.contains(&p.slug.as_str()));
            let order: Vec<_> = catalog.models["acme/one"].endpoints.iter().map(|e| e.id.clone()).collect();
            order.join(" ")
        };
        assert_eq!(order(&[]), "reseller maker plan");
        assert_eq!(order(&["maker"]), "maker reseller plan");
        assert_eq!(order(&["maker", "plan"]), "plan maker reseller", "whoever has the subscription pays nothing more");
    }
}
