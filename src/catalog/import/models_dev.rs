//! models.dev's `api.json`: providers, each with its offers; US dollars per million tokens.

use std::collections::{BTreeMap, HashSet};

use app::types::Price;
use app::types::models::Architecture;
use app::types::statistics::Benchmark;
use serde::Deserialize as _;
use serde_json::{Map, Value};

use super::fields::{self, Fields};
use super::names::Name;
use super::{Import, Offer, Skipped, Source};
use crate::catalog::{Auth, Endpoint, LongContextTier, Model, Prices, Provider, Tier, known};
use crate::dialects::{Dialect, Quirks};

pub fn read(list: Map<String, Value>) -> Import {
    let mut import =
        Import { source: Source::ModelsDev, providers: vec![], models: vec![], offers: vec![], skipped: vec![] };
    for (slug, value) in list {
        if let Err(reason) = read_provider(&slug, &value, &mut import) {
            import.skipped.push(Skipped { entry: slug, reason });
        }
    }
    import
}

fn read_provider(slug: &str, value: &Value, import: &mut Import) -> Result<(), String> {
    let fields = value.as_object().ok_or("not an object")?;
    let provider = provider(slug, fields)?;
    let models = fields::object(fields, "models")?.ok_or("models: missing")?;
    let mut variants: BTreeMap<String, Provider> = BTreeMap::new();
    let mut seen = HashSet::new();
    for (id, value) in models {
        let offer = value.as_object().ok_or_else(|| "not an object".to_owned()).and_then(|fields| {
            let upstream = fields::text(fields, "id")?.unwrap_or_else(|| id.clone());
            if !seen.insert(upstream.clone()) {
                return Err(format!("id: {upstream} is listed twice"));
            }
            let serving = serving_provider(&provider, fields, &mut variants)?;
            read_offer(&upstream, fields, &serving).map(|offer| (offer, serving.dialect))
        });
        match offer {
            Ok((offer, dialect)) => {
                let tiers = value.as_object().map(|fields| tiers(fields, &offer, dialect));
                import.offers.extend(tiers.into_iter().flatten());
                import.offers.push(offer);
            }
            Err(reason) => import.skipped.push(Skipped { entry: format!("{slug}/{id}"), reason }),
        }
    }
    import.providers.push(provider);
    import.providers.extend(variants.into_values());
    Ok(())
}

fn provider(slug: &str, fields: &Fields) -> Result<Provider, String> {
    let name = fields::required_text(fields, "name")?;
    let env = fields::texts(fields, "env")?.unwrap_or_default();
    if let Some(known) = known::models_dev_provider(slug) {
        let more = env.into_iter().filter(|name| !known.env.contains(name)).collect::<Vec<_>>();
        return Ok(Provider { env: [known.env.clone(), more].concat(), ..known.clone() });
    }
    let npm = fields::text(fields, "npm")?.unwrap_or_default();
    let api = fields::text(fields, "api")?.unwrap_or_default();
    let dialect = dialect(&npm, None);
    Ok(Provider {
        slug: slug.to_ascii_lowercase(),
        name,
        dialect,
        base_url: base_url(&api),
        env,
        auth: auth(dialect),
        quirks: quirks(dialect),
        ..Provider::default()
    })
}

/// Some offers of a provider speak another protocol at another address; these
/// become a provider beside it, `slug-anthropic`.
fn serving_provider(
    provider: &Provider,
    fields: &Fields,
    variants: &mut BTreeMap<String, Provider>,
) -> Result<Provider, String> {
    let Some(over) = fields::object(fields, "provider")? else { return Ok(provider.clone()) };
    let npm = fields::text(over, "npm")?;
    let shape = fields::text(over, "shape")?;
    let dialect = match (&npm, &shape) {
        (None, None) => provider.dialect,
        (npm, shape) => dialect(npm.as_deref().unwrap_or("@ai-sdk/openai-compatible"), shape.as_deref()),
    };
    let api = fields::text(over, "api")?.map_or_else(|| provider.base_url.clone(), |api| base_url(&api));
    if dialect == provider.dialect && api == provider.base_url {
        return Ok(provider.clone());
    }
    let kind = match dialect {
        Some(Dialect::OpenaiChat) => "openai",
        Some(Dialect::AnthropicMessages) => "anthropic",
        Some(Dialect::Gemini) => "gemini",
        Some(Dialect::OpenaiResponses) => "responses",
        Some(other) => other.as_str(),
        None => "other",
    };
    let mut slug = format!("{}-{kind}", provider.slug);
    if variants.get(&slug).is_some_and(|other| other.base_url != api) {
        let host = api.trim_start_matches("https://").split('/').next().unwrap_or_default().replace(['.', '$'], "-");
        slug = format!("{slug}-{}", host.replace(['{', '}', '_'], "").to_ascii_lowercase());
    }
    let variant = variants.entry(slug.clone()).or_insert_with(|| Provider {
        slug,
        dialect,
        base_url: api,
        auth: auth(dialect),
        quirks: quirks(dialect),
        ..provider.clone()
    });
    Ok(variant.clone())
}

/// The protocol that a client package speaks, where this server speaks it too.
fn dialect(npm: &str, shape: Option<&str>) -> Option<Dialect> {
    match npm {
        "@ai-sdk/anthropic" => Some(Dialect::AnthropicMessages),
        "@ai-sdk/google" => Some(Dialect::Gemini),
        "@ai-sdk/openai-compatible" | "@ai-sdk/openai" | "@openrouter/ai-sdk-provider"
            if shape.is_none_or(|shape| shape == "completions") =>
        {
            Some(Dialect::OpenaiChat)
        }
        "@ai-sdk/openai-compatible" | "@ai-sdk/openai" if shape == Some("responses") => Some(Dialect::OpenaiResponses),
        _ => None,
    }
}

fn auth(dialect: Option<Dialect>) -> Auth {
    match dialect {
        Some(Dialect::AnthropicMessages) => Auth::Header("x-api-key".to_owned()),
        Some(Dialect::Gemini) => Auth::Header("x-goog-api-key".to_owned()),
        Some(_) | None => Auth::Bearer,
    }
}

/// `system` is understood by every server, `developer` only by some.
fn quirks(dialect: Option<Dialect>) -> Quirks {
    Quirks { no_developer_role: dialect == Some(Dialect::OpenaiChat), ..Quirks::default() }
}

fn base_url(api: &str) -> String {
    api.trim_end_matches('/').trim_end_matches("/chat/completions").to_owned()
}

fn read_offer(upstream: &str, fields: &Fields, provider: &Provider) -> Result<Offer, String> {
    if upstream.is_empty() {
        return Err("id: missing".to_owned());
    }
    let title = fields::required_text(fields, "name")?;
    let prices = fields::object(fields, "cost")?.map(prices).transpose()?.flatten();
    let empty = Map::new();
    let limit = fields::object(fields, "limit")?.unwrap_or(&empty);
    let name = Name::read(upstream, &provider.slug);
    let architecture = architecture(upstream, fields)?;
    let writes_text = architecture.output_modalities.iter().any(|kind| kind == "text");
    let prices = prices.map(|prices| known::with_search(prices, &provider.slug, writes_text));
    let context_length = fields::tokens(limit, "context")?;
    let tag = name.quantization.as_ref().map_or_else(|| provider.slug.clone(), |q| format!("{}/{q}", provider.slug));
    let supported_parameters = parameters(fields, provider.dialect)?;
    let released = fields::text(fields, "release_date")?.as_deref().map_or(0, epoch_seconds);
    let author = name.author.clone();
    let facts = Model {
        name: format!("{}: {title}", super::families::title(&author)),
        author,
        created: released,
        context_length,
        architecture: architecture.clone(),
        supported_parameters: supported_parameters.clone(),
        hugging_face_id: hugging_face(fields),
        knowledge_cutoff: fields::text(fields, "knowledge")?,
        benchmarks: benchmarks(fields),
        ..Model::default()
    };
    let endpoint = Endpoint {
        id: format!("{}:{upstream}", provider.slug),
        provider_slug: provider.slug.clone(),
        upstream_model: upstream.to_owned(),
        tag,
        context_length,
        max_output_tokens: fields::tokens(limit, "output")?,
        max_prompt_tokens: fields::tokens(limit, "input")?,
        quantization: name.quantization,
        supported_parameters,
        input_modalities: architecture.input_modalities,
        output_modalities: architecture.output_modalities,
        policy: provider.policy,
        ..Endpoint::default()
    };
    Ok(Offer { endpoint, prices, model_id: None, facts: Some(facts) })
}

/// Published results; one that is not understood is left out, not the model.
fn benchmarks(fields: &Fields) -> Vec<Benchmark> {
    let listed = fields::get(fields, "benchmarks").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    listed
        .iter()
        .filter_map(|result| Benchmark::deserialize(result).ok())
        .filter(|result| result.score.is_finite())
        .collect()
}

/// The service tiers of an offer, with prices of their own: the list calls them modes and
/// says what a request has to carry. One this server cannot ask for is left out.
fn tiers(fields: &Fields, offer: &Offer, dialect: Option<Dialect>) -> Vec<Offer> {
    let modes = || fields.get("experimental")?.get("modes")?.as_object();
    let known = |mode: &Value| {
        let body = mode.get("provider")?.get("body")?;
        let word = ["service_tier", "speed"].iter().find_map(|name| body.get(*name)?.as_str())?;
        let tier = Tier::read(word).filter(|tier| dialect.is_some_and(|dialect| tier.is_known_to(dialect)))?;
        let prices = prices(mode.get("cost")?.as_object()?).ok()??;
        let mut endpoint = offer.endpoint.clone();
        endpoint.id = format!("{}/{}", endpoint.id, tier.as_str());
        endpoint.tag = format!("{}/{}", endpoint.provider_slug, tier.as_str());
        Some(Offer { endpoint, prices: Some(prices), model_id: None, facts: None })
    };
    modes().into_iter().flat_map(Map::values).filter_map(known).collect()
}

fn prices(cost: &Fields) -> Result<Option<Prices>, String> {
    let (Some(prompt), Some(completion)) = (fields::per_million(cost, "input")?, fields::per_million(cost, "output")?)
    else {
        return Ok(None);
    };
    // The list itself has three spellings of these.
    let first = |names: [&str; 3]| -> Result<Option<Price>, String> {
        names
            .iter()
            .map(|name| fields::per_million(cost, name))
            .find(|found| !matches!(found, Ok(None)))
            .unwrap_or(Ok(None))
    };
    let mut tiers = Vec::new();
    for tier in fields::get(cost, "tiers").and_then(Value::as_array).into_iter().flatten() {
        let tier = tier.as_object().ok_or("cost.tiers: not an object")?;
        let size = fields::object(tier, "tier")?.map(|size| fields::count(size, "size")).transpose()?.flatten();
        let above = size.and_then(|size| u64::try_from(size).ok()).ok_or("cost.tiers: no size")?;
        tiers.push(LongContextTier {
            above_prompt_tokens: above,
            prompt: fields::per_million(tier, "input")?.unwrap_or(prompt),
            completion: fields::per_million(tier, "output")?.unwrap_or(completion),
            input_cache_read: fields::per_million(tier, "cache_read")?,
            input_cache_write: fields::per_million(tier, "cache_write")?,
            input_cache_write_1h: fields::per_million(tier, "cache_write_1h")?,
        });
    }
    tiers.sort_by_key(|tier| tier.above_prompt_tokens);
    Ok(Some(Prices {
        prompt,
        completion,
        request: fields::dollars(cost, "request")?.unwrap_or_default(),
        image: Price::ZERO,
        audio: fields::per_million(cost, "input_audio")?,
        audio_output: fields::per_million(cost, "output_audio")?,
        internal_reasoning: fields::per_million(cost, "reasoning")?,
        input_cache_read: first(["cache_read", "cache_input", "cached_input"])?,
        input_cache_write: first(["cache_write", "cached_write", "cache_write_5m"])?,
        input_cache_write_1h: fields::per_million(cost, "cache_write_1h")?,
        web_search: fields::dollars(cost, "web_search")?.unwrap_or_default(),
        tiers,
    }))
}

fn architecture(upstream: &str, fields: &Fields) -> Result<Architecture, String> {
    let empty = Map::new();
    let modalities = fields::object(fields, "modalities")?.unwrap_or(&empty);
    let read = |name: &str| -> Result<Vec<String>, String> {
        let mut list = fields::texts(modalities, name)?.unwrap_or_else(|| vec!["text".to_owned()]);
        for modality in &mut list {
            if modality == "pdf" {
                "file".clone_into(modality);
            }
        }
        Ok(list)
    };
    let (input, mut output) = (read("input")?, read("output")?);
    // The list calls everything that is not sound or picture "text".
    if let Some(kind) = super::names::output_of(upstream) {
        output = vec![kind.to_owned()];
    }
    let modality = format!("{}->{}", input.join("+"), output.join("+"));
    Ok(Architecture {
        modality: Some(modality),
        input_modalities: input,
        output_modalities: output,
        tokenizer: None,
        instruct_type: None,
    })
}

fn parameters(fields: &Fields, dialect: Option<Dialect>) -> Result<Vec<String>, String> {
    let mut names = vec!["max_tokens", "stop"];
    if fields::flag(fields, "temperature")? != Some(false) {
        names.extend(["temperature", "top_p"]);
        names.extend::<&[&str]>(match dialect {
            Some(Dialect::Gemini) => &["top_k", "seed", "frequency_penalty", "presence_penalty"],
            Some(Dialect::OpenaiResponses) => &[],
            Some(
                Dialect::AnthropicMessages
                | Dialect::BedrockConverse
                | Dialect::BedrockAnthropic
                | Dialect::VertexAnthropic,
            ) => &["top_k"],
            Some(Dialect::CohereV2) => &["top_k", "seed", "frequency_penalty", "presence_penalty", "logprobs"],
            Some(Dialect::Ollama) => {
                &["top_k", "min_p", "seed", "frequency_penalty", "presence_penalty", "repetition_penalty"]
            }
            Some(_) | None => &["seed", "frequency_penalty", "presence_penalty"],
        });
    }
    if fields::flag(fields, "tool_call")? == Some(true) {
        names.extend(["tools", "tool_choice"]);
    }
    if fields::flag(fields, "structured_output")? == Some(true) {
        names.extend(["structured_outputs", "response_format"]);
    }
    if fields::flag(fields, "reasoning")? == Some(true) {
        names.extend(["reasoning", "include_reasoning"]);
    }
    names.sort_unstable();
    Ok(names.into_iter().map(str::to_owned).collect())
}

fn hugging_face(fields: &Fields) -> Option<String> {
    let links = fields.get("weights")?.as_array()?;
    let mut urls = links.iter().filter_map(|link| link.get("url")?.as_str());
    urls.find_map(|url| url.strip_prefix("https://huggingface.co/")).map(str::to_owned)
}

/// The start of a day (`2025-03-31`), month or year in UTC; 0 for anything else.
fn epoch_seconds(date: &str) -> i64 {
    let padded = match date.len() {
        4 => format!("{date}-01-01"),
        7 => format!("{date}-01"),
        _ => date.to_owned(),
    };
    let day = chrono::NaiveDate::parse_from_str(&padded, "%Y-%m-%d").ok();
    day.and_then(|day| day.and_hms_opt(0, 0, 0)).map_or(0, |midnight| midnight.and_utc().timestamp())
}
