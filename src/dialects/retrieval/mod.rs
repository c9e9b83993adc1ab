//! What search needs of a model: vectors of texts (embeddings), and documents in
//! the order of their relevance (rerank). Several protocols, one request and one
//! answer; as everywhere here, without I/O.

mod answer;
mod bedrock;
mod cohere;
mod gemini;
mod ollama;
mod openai;
mod parse;
mod vertex;

pub use answer::{EmbeddingsBody, RerankBody};
pub use parse::{parse_embeddings, parse_rerank};

use std::borrow::Cow;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::inference::Part;
use super::text::lossy;
use super::{Delta, Dialect, Fault, FinishReason, Quirks, Target, Untranslatable, UpstreamRequest, Usage};

/// A request for vectors or for an order.
#[derive(Clone, Debug, PartialEq)]
pub enum Retrieval {
    Embed(Embed),
    Rerank(Rerank),
}

/// Vectors, one of each input.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Embed {
    pub inputs: Vec<Input>,
    /// Components of each vector, fewer than the model's own.
    pub dimensions: Option<u64>,
    /// What the vectors are for: `search_query`, `search_document`, …
    pub input_type: Option<String>,
    pub user: Option<String>,
    /// The caller wants the vectors as base64 of little-endian floats.
    pub is_base64: bool,
}

#[derive(Clone, Debug, PartialEq)]
pub enum Input {
    Text(String),
    /// Numbers of tokens; they mean something to one model only.
    Tokens(Vec<u64>),
    Parts(Vec<Part>),
}

/// Documents by their relevance to a query.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Rerank {
    pub query: String,
    pub documents: Vec<Document>,
    /// The most results wanted.
    pub top_n: Option<u64>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Document {
    pub text: Option<String>,
    /// A URL or data URL.
    pub image: Option<String>,
}

/// What a provider found.
#[derive(Clone, Debug, PartialEq)]
pub enum Found {
    /// In the order of the inputs.
    Vectors(Vec<Vec<f64>>),
    /// Index of the document and its relevance, most relevant first.
    Order(Vec<(u64, f64)>),
}

/// The protocol a provider speaks for these requests.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Protocol {
    /// The one that goes with the provider's dialect.
    #[default]
    Usual,
    /// `/embeddings` as OpenAI has it, `/rerank` as Jina, Voyage and Together have it.
    Openai,
    /// Cohere's second version.
    Cohere,
    /// Gemini's `batchEmbedContents`.
    Gemini,
    /// Ollama's own `/api/embed`.
    Ollama,
    /// Amazon Bedrock's InvokeModel.
    Bedrock,
    /// Google Vertex's `predict`.
    Vertex,
}

/// Documents one search covers where searches are what is paid for.
/// Source: Cohere's pricing page.
const DOCUMENTS_PER_SEARCH: usize = 100;

impl Retrieval {
    /// Name of the output modality a model must have.
    #[must_use]
    pub const fn modality(&self) -> &'static str {
        match self {
            Self::Embed(_) => "embeddings",
            Self::Rerank(_) => "rerank",
        }
    }

    /// How many times a price per request is due.
    #[must_use]
    pub fn searches(&self) -> u64 {
        match self {
            Self::Embed(_) => 1,
            Self::Rerank(rerank) => {
                u64::try_from(rerank.documents.len().div_ceil(DOCUMENTS_PER_SEARCH).max(1)).unwrap_or(u64::MAX)
            }
        }
    }
}

/// A wish for each text, where the model takes one in a request and several are asked
/// for. Empty where one request does.
#[must_use]
pub fn one_by_one(dialect: Dialect, target: &Target<'_>, wish: &Retrieval) -> Vec<Retrieval> {
    let Retrieval::Embed(embed) = wish else { return Vec::new() };
    let takes_one = match protocol(dialect, target.quirks) {
        Some(Protocol::Bedrock) => bedrock::takes_one(target.model),
        Some(Protocol::Vertex) => vertex::takes_one(target.model),
        _ => false,
    };
    if !takes_one || embed.inputs.len() < 2 {
        return Vec::new();
    }
    let each = embed.inputs.iter().map(|input| Embed { inputs: vec![input.clone()], ..embed.clone() });
    each.map(Retrieval::Embed).collect()
}

/// One answer of those to [`one_by_one`], in their order.
#[must_use]
pub fn together(answers: Vec<Vec<Delta>>) -> Vec<Delta> {
    let (mut vectors, mut tokens, mut out) = (Vec::new(), Some(0_u64), Vec::new());
    for delta in answers.into_iter().flatten() {
        match delta {
            Delta::Found(Found::Vectors(own)) => vectors.extend(own),
            // What one of them does not say, nobody knows of all.
            Delta::Usage(usage) => tokens = tokens.zip(usage.prompt_tokens).map(|(all, own)| all.saturating_add(own)),
            Delta::Start { .. } if out.is_empty() => out.push(delta),
            _ => {}
        }
    }
    out.extend([
        Delta::Usage(Usage { prompt_tokens: tokens, completion_tokens: Some(0), ..Usage::default() }),
        Delta::Found(Found::Vectors(vectors)),
        Delta::Finish { choice: 0, reason: FinishReason::Stop, native: None },
    ]);
    out
}

fn protocol(dialect: Dialect, quirks: &Quirks) -> Option<Protocol> {
    match (quirks.retrieval, dialect) {
        (Protocol::Usual, Dialect::OpenaiChat | Dialect::OpenaiResponses) => Some(Protocol::Openai),
        (Protocol::Usual, Dialect::Gemini) => Some(Protocol::Gemini),
        (Protocol::Usual, Dialect::BedrockConverse | Dialect::BedrockAnthropic) => Some(Protocol::Bedrock),
        (Protocol::Usual, Dialect::AnthropicMessages | Dialect::VertexAnthropic) => None,
        (own, _) => Some(own),
    }
}

/// The address below which the protocol's paths are; chats may live elsewhere.
#[must_use]
pub fn base_url<'a>(dialect: Dialect, quirks: &Quirks, base_url: &'a str) -> Cow<'a, str> {
    match protocol(dialect, quirks) {
        Some(Protocol::Cohere) => {
            let root = ["/compatibility/v1", "/v2", "/v1"].iter().find_map(|path| base_url.strip_suffix(path));
            Cow::Owned(format!("{}/v2", root.unwrap_or(base_url)))
        }
        Some(Protocol::Ollama) => {
            let root = ["/api", "/v1"].iter().find_map(|path| base_url.strip_suffix(path));
            Cow::Owned(format!("{}/api", root.unwrap_or(base_url)))
        }
        _ => Cow::Borrowed(base_url),
    }
}

/// The HTTP request that asks `target` for `wish`.
///
/// # Errors
/// [`Untranslatable`] when the protocol has no words for it.
pub fn encode(dialect: Dialect, target: &Target<'_>, wish: &Retrieval) -> Result<UpstreamRequest, Untranslatable> {
    let nothing = || untranslatable(wish.modality(), "this provider's protocol has none");
    let (path, body) = match (protocol(dialect, target.quirks).ok_or_else(nothing)?, wish) {
        (Protocol::Cohere, Retrieval::Embed(embed)) => ("/embed".to_owned(), cohere::embed(target.model, embed)?),
        (Protocol::Gemini, Retrieval::Embed(embed)) => gemini::embed(target.model, embed)?,
        (Protocol::Ollama, Retrieval::Embed(embed)) => ("/embed".to_owned(), ollama::embed(target.model, embed)?),
        (Protocol::Vertex, Retrieval::Embed(embed)) => vertex::embed(target.model, embed)?,
        (Protocol::Bedrock, Retrieval::Embed(embed)) => {
            (bedrock::path(target.model), bedrock::embed(target.model, embed)?)
        }
        (Protocol::Bedrock, Retrieval::Rerank(rerank)) => {
            (bedrock::path(target.model), bedrock::rerank(target.model, rerank)?)
        }
        (_, Retrieval::Embed(embed)) => ("/embeddings".to_owned(), openai::embed(target.model, embed)?),
        (Protocol::Gemini | Protocol::Ollama | Protocol::Vertex, Retrieval::Rerank(_)) => return Err(nothing()),
        (Protocol::Cohere, Retrieval::Rerank(rerank)) => ("/rerank".to_owned(), cohere::rerank(target.model, rerank)?),
        (_, Retrieval::Rerank(rerank)) => ("/rerank".to_owned(), openai::rerank(target.model, rerank)),
    };
    let Value::Object(mut fields) = body else { return Err(untranslatable("body", "is no object")) };
    for name in &target.quirks.drops {
        fields.remove(name);
    }
    for (from, to) in &target.quirks.renames {
        if let Some(value) = fields.remove(from) {
            fields.insert(to.clone(), value);
        }
    }
    let body = serde_json::to_vec(&fields).map_err(|error| untranslatable("body", error))?;
    Ok(UpstreamRequest { path, headers: Vec::new(), body: body.into() })
}

/// What an answer with a 2xx status says: where it came from, what was found, what was used.
///
/// # Errors
/// [`Fault`] when the body is no answer: malformed, an error in disguise, or not
/// one vector for each input.
pub fn decode(dialect: Dialect, quirks: &Quirks, wish: &Retrieval, body: &[u8]) -> Result<Vec<Delta>, Fault> {
    let text = lossy(body);
    let nonsense =
        |what: &str| super::complaint::in_band(&text).unwrap_or_else(|| super::complaint::nonsense(what, &text));
    let answer: Value =
        serde_json::from_str(text.trim()).map_err(|_| nonsense("The provider's answer cannot be read"))?;
    let (found, mut usage) = match (protocol(dialect, quirks).unwrap_or_default(), wish) {
        (Protocol::Cohere, Retrieval::Embed(_)) => cohere::vectors(&answer),
        (Protocol::Gemini, Retrieval::Embed(_)) => gemini::vectors(&answer),
        (Protocol::Ollama, Retrieval::Embed(_)) => ollama::vectors(&answer),
        (Protocol::Bedrock, Retrieval::Embed(_)) => bedrock::vectors(&answer),
        (Protocol::Vertex, Retrieval::Embed(_)) => vertex::vectors(&answer),
        (_, Retrieval::Embed(_)) => openai::vectors(&answer),
        (_, Retrieval::Rerank(_)) => openai::order(&answer),
    }
    .ok_or_else(|| nonsense("The provider's answer holds no result"))?;
    let is_fit = match (&found, wish) {
        (Found::Vectors(vectors), Retrieval::Embed(embed)) => vectors.len() == embed.inputs.len(),
        (Found::Order(order), Retrieval::Rerank(rerank)) => {
            order.iter().all(|(index, _)| usize::try_from(*index).is_ok_and(|index| index < rerank.documents.len()))
        }
        _ => false,
    };
    if !is_fit {
        return Err(nonsense("The provider's answer does not fit what was asked"));
    }
    usage.completion_tokens = Some(0);
    if matches!(wish, Retrieval::Rerank(_)) {
        usage.searches.get_or_insert(wish.searches());
    }
    let text = |key: &str| answer.get(key).and_then(Value::as_str).map(str::to_owned);
    Ok(vec![
        Delta::Start { upstream_id: text("id"), model: text("model") },
        Delta::Usage(usage),
        Delta::Found(found),
        Delta::Finish { choice: 0, reason: FinishReason::Stop, native: None },
    ])
}

fn untranslatable(field: impl Into<String>, reason: impl std::fmt::Display) -> Untranslatable {
    Untranslatable { field: field.into(), reason: reason.to_string() }
}

/// The only text of an input, for protocols that know nothing else.
fn text_of(input: &Input, index: usize) -> Result<&str, Untranslatable> {
    match input {
        Input::Text(text) => Ok(text),
        Input::Parts(parts) => match parts.as_slice() {
            [Part::Text { text, .. }] => Ok(text),
            _ => Err(untranslatable(format!("input[{index}]"), "this provider takes one text for each vector")),
        },
        Input::Tokens(_) => {
            Err(untranslatable(format!("input[{index}]"), "token numbers mean something else to this provider"))
        }
    }
}

fn texts(embed: &Embed) -> Result<Vec<&str>, Untranslatable> {
    embed.inputs.iter().enumerate().map(|(index, input)| text_of(input, index)).collect()
}

fn numbers(list: &Value) -> Option<Vec<f64>> {
    list.as_array()?.iter().map(Value::as_f64).collect()
}

fn counted(prompt_tokens: Option<u64>) -> Usage {
    Usage { prompt_tokens, ..Usage::default() }
}

#[cfg(test)]
mod tests;
