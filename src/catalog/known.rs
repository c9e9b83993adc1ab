//! Providers whose address and habits are known without asking.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use app::types::Price;
use app::types::models::DataPolicy;
use serde::Deserialize;

use super::{Auth, Prices, Provider};
use crate::dialects::{Dialect, Quirks};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    provider: Vec<Entry>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    slug: String,
    models_dev: Option<String>,
    name: String,
    #[serde(default)]
    dialect: Dialect,
    base_url: String,
    env: Vec<String>,
    auth: Option<String>,
    #[serde(default)]
    cancel: bool,
    trains: Option<bool>,
    retains: Option<bool>,
    privacy: Option<String>,
    terms: Option<String>,
    status: Option<String>,
    headquarters: Option<String>,
    web_search: Option<String>,
    #[serde(default)]
    datacenters: Vec<String>,
    #[serde(default)]
    quirks: Quirks,
}

struct Known {
    by_slug: BTreeMap<String, Provider>,
    by_models_dev: BTreeMap<String, String>,
    /// USD for one search, of providers that search the web by themselves.
    searches: BTreeMap<String, Price>,
}

static KNOWN: LazyLock<Known> = LazyLock::new(|| {
    let file: File = toml::from_str(include_str!("providers.toml")).expect("a test reads this file");
    let mut known = Known { by_slug: BTreeMap::new(), by_models_dev: BTreeMap::new(), searches: BTreeMap::new() };
    for entry in file.provider {
        known.by_models_dev.insert(entry.models_dev.unwrap_or_else(|| entry.slug.clone()), entry.slug.clone());
        if let Some(price) = entry.web_search {
            known.searches.insert(entry.slug.clone(), price.parse().expect("a test reads this file"));
        }
        let provider = Provider {
            name: entry.name,
            dialect: Some(entry.dialect),
            base_url: entry.base_url,
            env: entry.env,
            auth: entry.auth.as_deref().map_or(Auth::Bearer, auth),
            quirks: entry.quirks,
            policy: DataPolicy { trains_on_prompts: entry.trains, retains_prompts: entry.retains },
            privacy_policy_url: entry.privacy,
            terms_of_service_url: entry.terms,
            status_page_url: entry.status,
            headquarters: entry.headquarters,
            datacenters: entry.datacenters,
            supports_cancel: entry.cancel,
            is_simulated: false,
            slug: entry.slug.clone(),
        };
        known.by_slug.insert(entry.slug, provider);
    }
    known
});

/// The scheme's name, or that of the header for the key.
fn auth(text: &str) -> Auth {
    match text {
        "sigv4" => Auth::SigV4,
        "service-account" => Auth::ServiceAccount,
        "none" => Auth::None,
        name => name
            .strip_prefix("query:")
            .map_or_else(|| Auth::Header(name.to_owned()), |name| Auth::Query(name.to_owned())),
    }
}

/// The known provider of this slug.
#[must_use]
pub fn provider(slug: &str) -> Option<&'static Provider> {
    KNOWN.by_slug.get(slug)
}

/// These prices with what the provider takes for a search on the web, where a list does
/// not say it and the model writes text.
#[must_use]
pub fn with_search(prices: Prices, slug: &str, writes_text: bool) -> Prices {
    match KNOWN.searches.get(slug) {
        Some(price) if writes_text && prices.web_search.is_zero() => Prices { web_search: *price, ..prices },
        _ => prices,
    }
}

/// The known provider that models.dev lists under this slug.
#[must_use]
pub fn models_dev_provider(slug: &str) -> Option<&'static Provider> {
    provider(KNOWN.by_models_dev.get(slug)?)
}

/// All of them, by slug.
pub fn providers() -> impl Iterator<Item = &'static Provider> {
    KNOWN.by_slug.values()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_known_provider_can_be_called_and_says_where_its_key_is() {
        assert!(providers().count() > 20);
        for provider in providers() {
            assert!(provider.is_callable(), "{}", provider.slug);
            assert!(
                provider.base_url.starts_with("https://") && !provider.base_url.ends_with('/'),
                "{}",
                provider.slug
            );
            assert!(!provider.env.is_empty(), "{}", provider.slug);
        }
        assert_eq!(models_dev_provider("togetherai").map(|p| p.slug.as_str()), Some("together"));
        assert_eq!(provider("anthropic").map(|p| p.auth.clone()), Some(Auth::Header("x-api-key".into())));
    }
}
