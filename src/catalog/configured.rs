//! Providers that are known from the settings alone: an address, a protocol and
//! the models it serves.

use std::collections::BTreeMap;

use app::types::models::DataPolicy;

use super::local::{Local, ModelEntry, model};
use super::{Auth, Catalog, Model, Provider, known};
use crate::config::ProviderSettings;
use crate::dialects::{Dialect, Quirks};

/// What the settings add to the catalog's providers. A provider with `models` is
/// offered as it stands, free of charge: its operator is this server's own.
#[must_use]
pub fn configured(settings: &BTreeMap<String, ProviderSettings>, stored: &Catalog) -> Local {
    let mut found = Local::default();
    for (slug, own) in settings {
        if own.models.is_empty() || own.enabled == Some(false) {
            continue;
        }
        let listed = stored.provider(slug).map(|provider| Provider::clone(provider));
        let provider = listed.or_else(|| known::provider(slug).cloned()).or_else(|| new(slug, own));
        let Some(provider) = provider else {
            tracing::warn!(provider = slug, "A provider with models needs a base_url and a dialect that is spoken");
            continue;
        };
        let entries = own.models.iter().map(|id| ModelEntry { id: id.clone(), created: 0 });
        found.models.extend(entries.map(|entry| {
            let mut model = model(slug, &provider.name, &entry, provider.policy);
            model.description = Some(format!("Served by {}, as the operator of this server set it up.", provider.name));
            model
        }));
        if stored.provider(slug).is_none() {
            found.providers.push(provider);
        }
    }
    found
}

/// The catalog with what the settings say of how its providers deviate.
#[must_use]
pub fn with_quirks(settings: &BTreeMap<String, ProviderSettings>, catalog: Catalog) -> Catalog {
    if settings.values().all(|own| own.quirks.is_none()) {
        return catalog;
    }
    let providers = catalog.providers.values().map(|provider| {
        let mut provider = Provider::clone(provider);
        if let Some(table) = settings.get(&provider.slug).and_then(|own| own.quirks.as_ref()) {
            match merged(&provider.quirks, table) {
                Ok(quirks) => provider.quirks = quirks,
                Err(cause) => {
                    tracing::warn!(provider = provider.slug, cause, "The quirks of a provider cannot be read");
                }
            }
        }
        provider
    });
    let models = catalog.models.values().map(|model| Model::clone(model)).collect();
    Catalog::new(providers.collect(), models)
}

/// What is set of the quirks, over what is known.
fn merged(known: &Quirks, set: &toml::Table) -> Result<Quirks, String> {
    let mut table = toml::Table::try_from(known).map_err(|error| error.to_string())?;
    table.extend(set.clone());
    table.try_into().map_err(|error: toml::de::Error| error.message().to_owned())
}

fn new(slug: &str, own: &ProviderSettings) -> Option<Provider> {
    let dialect = match own.dialect.as_deref() {
        Some(name) => name.parse().ok()?,
        None => Dialect::OpenaiChat,
    };
    let quirks = match own.quirks.clone().map(toml::Table::try_into::<Quirks>) {
        Some(Ok(quirks)) => quirks,
        Some(Err(error)) => {
            tracing::warn!(provider = slug, cause = error.message(), "The quirks of a provider cannot be read");
            return None;
        }
        None => Quirks { no_developer_role: dialect == Dialect::OpenaiChat, ..Quirks::default() },
    };
    let auth = match (dialect, own.api_key.is_some()) {
        (Dialect::BedrockConverse | Dialect::BedrockAnthropic, _) => Auth::SigV4,
        (Dialect::VertexAnthropic, _) => Auth::ServiceAccount,
        (_, false) => Auth::None,
        (Dialect::AnthropicMessages, true) => Auth::Header("x-api-key".to_owned()),
        (Dialect::Gemini, true) => Auth::Header("x-goog-api-key".to_owned()),
        (_, true) => Auth::Bearer,
    };
    Some(Provider {
        slug: slug.to_owned(),
        name: slug.to_owned(),
        dialect: Some(dialect),
        base_url: own.base_url.as_deref()?.trim_end_matches('/').to_owned(),
        auth,
        quirks,
        policy: DataPolicy { trains_on_prompts: Some(false), retains_prompts: Some(false) },
        supports_cancel: true,
        ..Provider::default()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_and_a_list_of_models_are_enough_for_a_provider() {
        let own = ProviderSettings {
            base_url: Some("http://10.0.0.5:8000/v1/".to_owned()),
            models: vec!["org/qwen3-32b".to_owned()],
            ..ProviderSettings::default()
        };
        let settings = BTreeMap::from([("my-server".to_owned(), own)]);
        let catalog = Catalog::default();
        let found = configured(&settings, &catalog);
        let catalog = catalog.with(&found);
        let model = catalog.model("my-server/qwen3-32b").unwrap();
        assert_eq!(model.endpoints[0].upstream_model, "org/qwen3-32b");
        let provider = catalog.provider("my-server").unwrap();
        assert_eq!((provider.base_url.as_str(), &provider.auth), ("http://10.0.0.5:8000/v1", &Auth::None));
        assert!(provider.is_callable());
    }
}
