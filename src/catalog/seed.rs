//! The models a fresh installation starts with, from `seed.toml`, and the
//! simulated offers that are added to them in demo mode.

use std::collections::BTreeSet;

use app::types::Price;
use app::types::models::{Architecture, DataPolicy};
use serde::Deserialize;

use super::import::{Import, Offer, Source};
use super::{Auth, Endpoint, LongContextTier, Model, Prices, Provider, known};
use crate::dialects::{Dialect, Quirks};

#[derive(Deserialize)]
struct File {
    model: Vec<Entry>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    id: String,
    name: String,
    /// Epoch seconds.
    created: i64,
    description: String,
    context: i64,
    canonical_slug: Option<String>,
    hugging_face: Option<String>,
    knowledge: Option<String>,
    tokenizer: Option<String>,
    input: Vec<String>,
    output: Vec<String>,
    parameters: Vec<String>,
    offers: Vec<OfferEntry>,
}

/// Prices are US dollars per million tokens.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct OfferEntry {
    provider: String,
    model: String,
    prompt: String,
    completion: String,
    /// US dollars per request, or per search of a ranking.
    request: Option<String>,
    cache_read: Option<String>,
    cache_write: Option<String>,
    audio: Option<String>,
    context: i64,
    max_output: Option<i64>,
    input: Option<Vec<String>>,
    above: Option<u64>,
    above_prompt: Option<String>,
    above_completion: Option<String>,
    above_cache_read: Option<String>,
    above_cache_write: Option<String>,
}

/// The built-in catalog, to be imported at every start: it never overwrites what
/// another source said.
///
/// # Panics
/// Never: a test reads the file.
#[must_use]
pub fn built_in() -> Import {
    let file: File = toml::from_str(include_str!("seed.toml")).expect("a test reads this file");
    let mut import =
        Import { source: Source::BuiltIn, providers: vec![], models: vec![], offers: vec![], skipped: vec![] };
    let mut providers = BTreeSet::new();
    for entry in file.model {
        let model = model(&entry);
        for offer in &entry.offers {
            providers.insert(offer.provider.clone());
            import.offers.push(read_offer(&model, offer));
        }
        import.models.push(model);
    }
    import.providers = providers.iter().filter_map(|slug| known::provider(slug)).cloned().collect();
    import
}

fn model(entry: &Entry) -> Model {
    Model {
        id: entry.id.clone(),
        canonical_slug: entry.canonical_slug.clone().unwrap_or_else(|| entry.id.clone()),
        name: entry.name.clone(),
        author: entry.id.split('/').next().unwrap_or(&entry.id).to_owned(),
        created: entry.created,
        description: Some(entry.description.clone()),
        context_length: Some(entry.context),
        architecture: Architecture {
            modality: Some(format!("{}->{}", entry.input.join("+"), entry.output.join("+"))),
            input_modalities: entry.input.clone(),
            output_modalities: entry.output.clone(),
            tokenizer: entry.tokenizer.clone(),
            instruct_type: None,
        },
        supported_parameters: entry.parameters.clone(),
        hugging_face_id: entry.hugging_face.clone(),
        knowledge_cutoff: entry.knowledge.clone(),
        ..Model::default()
    }
}

fn read_offer(model: &Model, offer: &OfferEntry) -> Offer {
    let name = super::import::names::Name::read(&offer.model, &offer.provider);
    let tag = name.quantization.as_ref().map_or_else(|| offer.provider.clone(), |q| format!("{}/{q}", offer.provider));
    let endpoint = Endpoint {
        id: format!("{}:{}", offer.provider, offer.model),
        provider_slug: offer.provider.clone(),
        upstream_model: offer.model.clone(),
        tag,
        context_length: Some(offer.context),
        max_output_tokens: offer.max_output,
        quantization: name.quantization,
        supported_parameters: model.supported_parameters.clone(),
        input_modalities: offer.input.clone().unwrap_or_else(|| model.architecture.input_modalities.clone()),
        output_modalities: model.architecture.output_modalities.clone(),
        policy: known::provider(&offer.provider).map(|provider| provider.policy).unwrap_or_default(),
        ..Endpoint::default()
    };
    let tiers = offer.above.map(|above_prompt_tokens| LongContextTier {
        above_prompt_tokens,
        prompt: per_million(offer.above_prompt.as_ref().unwrap_or(&offer.prompt)),
        completion: per_million(offer.above_completion.as_ref().unwrap_or(&offer.completion)),
        input_cache_read: offer.above_cache_read.as_ref().map(per_million),
        input_cache_write: offer.above_cache_write.as_ref().map(per_million),
        input_cache_write_1h: None,
    });
    let prices = Prices {
        prompt: per_million(&offer.prompt),
        completion: per_million(&offer.completion),
        request: offer
            .request
            .as_ref()
            .map(|price| price.parse().expect("a test reads every price"))
            .unwrap_or_default(),
        audio: offer.audio.as_ref().map(per_million),
        input_cache_read: offer.cache_read.as_ref().map(per_million),
        input_cache_write: offer.cache_write.as_ref().map(per_million),
        tiers: tiers.into_iter().collect(),
        ..Prices::default()
    };
    let writes_text = model.architecture.output_modalities.iter().any(|kind| kind == "text");
    let prices = known::with_search(prices, &offer.provider, writes_text);
    Offer { endpoint, prices: Some(prices), model_id: Some(model.id.clone()), facts: None }
}

fn per_million(dollars: impl AsRef<str>) -> Price {
    format!("{}e-6", dollars.as_ref()).parse().expect("a test reads every price")
}

/// The three simulated providers: slug, name, protocol, path of the API below its
/// server's address.
pub const SIMULATED: [(&str, &str, Dialect, &str); 3] = [
    ("simulated-alpha", "Alpha (simulated)", Dialect::OpenaiChat, "/v1"),
    ("simulated-beta", "Beta (simulated)", Dialect::AnthropicMessages, "/v1"),
    ("simulated-gamma", "Gamma (simulated)", Dialect::Gemini, "/v1beta"),
];

/// Models that get simulated offers in the demo, and the providers (of
/// [`SIMULATED`]) that make them, with the price in percent of the list price.
const DEMO: [(&str, &[(usize, i64)]); 17] = [
    ("openai/gpt-5.5", &[(0, 100)]),
    ("openai/gpt-5.4", &[(0, 100), (1, 110)]),
    ("openai/gpt-5.4-mini", &[(0, 100)]),
    ("anthropic/claude-opus-4.8", &[(1, 100)]),
    ("anthropic/claude-sonnet-5", &[(1, 100), (0, 105)]),
    ("anthropic/claude-haiku-4.5", &[(1, 100)]),
    ("google/gemini-3.5-flash", &[(2, 100)]),
    ("google/gemini-2.5-pro", &[(2, 100), (0, 120)]),
    ("x-ai/grok-4.3", &[(0, 100)]),
    ("deepseek/deepseek-v4-pro", &[(0, 100), (1, 95), (2, 110)]),
    ("moonshotai/kimi-k2.6", &[(0, 100), (1, 90)]),
    ("qwen/qwen3-coder", &[(0, 80), (2, 100)]),
    ("meta-llama/llama-3.3-70b-instruct", &[(0, 70), (1, 100), (2, 90)]),
    ("mistralai/mistral-large-2512", &[(0, 100)]),
    ("openai/text-embedding-3-small", &[(0, 100)]),
    ("google/gemini-embedding-001", &[(2, 100)]),
    ("cohere/rerank-v3.5", &[(0, 100)]),
];

/// Simulated providers at `origins` (`http://127.0.0.1:4000`, in the order of
/// [`SIMULATED`]) and their offers of well-known models. They are told apart by
/// provider name and `is_simulated`. Import it after [`built_in`].
#[must_use]
pub fn demo(origins: &[String; 3]) -> Import {
    let known = built_in();
    let mut import =
        Import { source: Source::BuiltIn, providers: vec![], models: vec![], offers: vec![], skipped: vec![] };
    let policy = DataPolicy { trains_on_prompts: Some(false), retains_prompts: Some(false) };
    for ((slug, name, dialect, path), origin) in SIMULATED.iter().zip(origins) {
        import.providers.push(Provider {
            slug: (*slug).to_owned(),
            name: (*name).to_owned(),
            dialect: Some(*dialect),
            base_url: format!("{origin}{path}"),
            auth: Auth::None,
            quirks: Quirks::default(),
            policy,
            supports_cancel: true,
            is_simulated: true,
            ..Provider::default()
        });
    }
    for (model_id, makers) in DEMO {
        let listed = known.offers.iter().find(|offer| offer.model_id.as_deref() == Some(model_id));
        let Some(listed) = listed else { continue };
        for (maker, percent) in makers {
            let Some((slug, ..)) = SIMULATED.get(*maker) else { continue };
            let upstream = model_id.rsplit('/').next().unwrap_or(model_id);
            let endpoint = Endpoint {
                id: format!("{slug}:{upstream}"),
                provider_slug: (*slug).to_owned(),
                upstream_model: upstream.to_owned(),
                tag: (*slug).to_owned(),
                policy,
                is_simulated: true,
                quantization: None,
                ..listed.endpoint.clone()
            };
            import.offers.push(Offer {
                endpoint,
                prices: listed.prices.as_ref().map(|prices| at_percent(prices, *percent)),
                model_id: Some(model_id.to_owned()),
                facts: None,
            });
        }
    }
    import
}

fn at_percent(prices: &Prices, percent: i64) -> Prices {
    let scaled = |price: Price| Price(price.0.saturating_mul(percent) / 100);
    Prices {
        prompt: scaled(prices.prompt),
        completion: scaled(prices.completion),
        request: scaled(prices.request),
        input_cache_read: prices.input_cache_read.map(scaled),
        input_cache_write: prices.input_cache_write.map(scaled),
        input_cache_write_1h: prices.input_cache_write_1h.map(scaled),
        ..Prices::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalog::Catalog;
    use crate::catalog::import::plan;
    use crate::store::Store;

    #[test]
    fn the_built_in_catalog_is_complete_and_priced() {
        let import = built_in();
        assert!(import.models.len() >= 40 && import.providers.len() >= 12);
        for offer in &import.offers {
            let name = &offer.endpoint.id;
            assert!(known::provider(&offer.endpoint.provider_slug).is_some(), "{name}");
            let prices = offer.prices.as_ref().unwrap();
            assert!(prices.prompt >= Price::ZERO && prices.request >= Price::ZERO, "{name}");
            let writes = offer.endpoint.output_modalities.iter().any(|kind| kind == "text");
            assert!(!writes || prices.completion >= prices.prompt, "{name}");
        }
        let gpt = import.offers.iter().find(|offer| offer.endpoint.id == "openai:gpt-5.4").unwrap();
        let prices = gpt.prices.as_ref().unwrap();
        assert_eq!((prices.prompt, prices.completion), (Price(2_500_000), Price(15_000_000)));
    }

    #[tokio::test]
    async fn a_fresh_start_has_models_and_a_demo_adds_labelled_offers_to_them() {
        let (store, _folder) = Store::for_test().await;
        let origins = [1, 2, 3].map(|port| format!("http://127.0.0.1:{port}"));
        for import in [built_in(), demo(&origins), built_in(), demo(&origins)] {
            let (changes, _) = plan(&store.load_catalog().await.unwrap(), import, 1);
            store.apply_catalog(&changes).await.unwrap();
        }
        let catalog = Catalog::load(&store).await.unwrap();
        assert_eq!(catalog.models.len(), built_in().models.len());
        let llama = catalog.model("meta-llama/llama-3.3-70b-instruct").unwrap();
        let simulated: Vec<_> = llama.endpoints.iter().filter(|endpoint| endpoint.is_simulated).collect();
        assert_eq!(simulated.len(), 3);
        for endpoint in simulated {
            let provider = catalog.provider(&endpoint.provider_slug).unwrap();
            assert!(provider.name.contains("(simulated)") && provider.is_callable());
        }
        assert!(DEMO.iter().all(|(id, _)| catalog.models.contains_key(*id)));
    }
}
