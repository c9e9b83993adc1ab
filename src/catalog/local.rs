//! Inference servers on this machine, found on their usual loopback ports and
//! offered free of charge.

use std::sync::Arc;
use std::time::Duration;

use app::types::models::{Architecture, DataPolicy};
use serde::Deserialize;

use super::import::names;
use super::{Auth, Endpoint, Model, Prices, Provider};
use crate::dialects::retrieval::Protocol;
use crate::dialects::{Dialect, Quirks};
use crate::providers::client::Upstreams;

/// Slug, name and port of the servers looked for. All speak OpenAI chat under `/v1`.
const USUAL: [(&str, &str, u16); 4] = [
    ("ollama", "Ollama", 11_434),
    ("lm-studio", "LM Studio", 1_234),
    ("llama-cpp", "llama.cpp", 8_080),
    ("vllm", "vLLM", 8_000),
];
/// The price version of what costs nothing and is not stored.
pub const FREE: &str = "free";
/// A server on this machine answers at once or is not there.
const WAIT: Duration = Duration::from_millis(400);

/// What was found.
#[derive(Clone, Debug, Default)]
pub struct Local {
    pub providers: Vec<Provider>,
    pub models: Vec<Model>,
}

#[derive(Deserialize)]
struct ModelList {
    data: Vec<ModelEntry>,
}

#[derive(Deserialize)]
pub(super) struct ModelEntry {
    pub(super) id: String,
    #[serde(default)]
    pub(super) created: i64,
}

impl Local {
    /// Asks the usual ports for their models.
    pub async fn find(upstreams: &Upstreams) -> Self {
        let mut found = Self::default();
        for (slug, name, port) in USUAL {
            found.ask(upstreams, slug, name, &format!("http://127.0.0.1:{port}/v1")).await;
        }
        found
    }

    /// Adds the models of one server, if there is one at `base_url`.
    pub async fn ask(&mut self, upstreams: &Upstreams, slug: &str, name: &str, base_url: &str) {
        let Some(body) = upstreams.probe(&format!("{base_url}/models"), WAIT).await else { return };
        let Ok(list) = serde_json::from_slice::<ModelList>(&body) else { return };
        if list.data.is_empty() {
            return;
        }
        // Through its compatible address Ollama cuts long prompts without a word.
        let (dialect, base_url) = match base_url.strip_suffix("/v1") {
            Some(origin) if slug == "ollama" => (Dialect::Ollama, format!("{origin}/api")),
            _ => (Dialect::OpenaiChat, base_url.to_owned()),
        };
        tracing::info!(provider = slug, models = list.data.len(), "Found a local inference server");
        let policy = DataPolicy { trains_on_prompts: Some(false), retains_prompts: Some(false) };
        self.providers.push(Provider {
            slug: slug.to_owned(),
            name: format!("{name} (this machine)"),
            dialect: Some(dialect),
            base_url,
            auth: Auth::None,
            quirks: Quirks {
                no_developer_role: true,
                // Its own address also shortens vectors.
                retrieval: if slug == "ollama" { Protocol::Ollama } else { Protocol::Usual },
                ..Quirks::default()
            },
            policy,
            supports_cancel: true,
            ..Provider::default()
        });
        self.models.extend(list.data.iter().map(|entry| model(slug, name, entry, policy)));
    }
}

pub(super) fn model(slug: &str, server: &str, entry: &ModelEntry, policy: DataPolicy) -> Model {
    let parameters = [
        "tools",
        "tool_choice",
        "response_format",
        "structured_outputs",
        "temperature",
        "top_p",
        "max_tokens",
        "stop",
        "seed",
    ];
    let supported_parameters: Vec<String> = parameters.into_iter().map(str::to_owned).collect();
    let text = vec!["text".to_owned()];
    let output = vec![names::output_of(&entry.id).unwrap_or("text").to_owned()];
    // A model file may be named by its path.
    let short = entry.id.rsplit('/').next().unwrap_or(&entry.id);
    let id = format!("{slug}/{}", short.replace(char::is_whitespace, "-"));
    let endpoint = Endpoint {
        id: format!("{slug}:{}", entry.id),
        model_id: id.clone(),
        provider_slug: slug.to_owned(),
        upstream_model: entry.id.clone(),
        tag: slug.to_owned(),
        prices: Prices::default(),
        price_id: FREE.to_owned(),
        supported_parameters: supported_parameters.clone(),
        // Nobody says whether it sees or hears: empty is unknown.
        input_modalities: Vec::new(),
        output_modalities: output.clone(),
        policy,
        ..Endpoint::default()
    };
    Model {
        canonical_slug: id.clone(),
        name: format!("{server}: {short}"),
        author: slug.to_owned(),
        created: entry.created,
        description: Some(format!("Served by {server} on this machine, free of charge.")),
        architecture: Architecture {
            modality: Some(format!("text->{}", output.join("+"))),
            input_modalities: text,
            output_modalities: output,
            ..Architecture::default()
        },
        supported_parameters,
        endpoints: vec![Arc::new(endpoint)],
        id,
        ..Model::default()
    }
}
