//! Embeddings and rankings: OpenAI's `/v1/embeddings`, the usual `/v1/rerank`,
//! Gemini's `batchEmbedContents`. Vectors are made of the words of a text, so
//! that texts which share words are near each other.

use axum::extract::State;
use axum::http::{HeaderMap, Uri};
use axum::response::Response;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use super::Simulator;
use super::answer::{Answer, Ask, Turn};
use super::chat::{Chat, list};
use super::fault::Fault;
use super::gemini::Gemini;
use super::reply::{JsonBody, Protocol};

/// Components of a vector when nobody asks for another number.
const DIMENSIONS: u64 = 256;
/// More than any real model has.
const MOST_DIMENSIONS: u64 = 4_096;

/// An answer that is ready, in the words of a protocol.
struct Ready<'a> {
    body: Value,
    protocol: &'a dyn Protocol,
}

impl Protocol for Ready<'_> {
    fn whole(&self, _: &Ask, _: &Answer) -> Value {
        self.body.clone()
    }

    fn frames(&self, _: &Ask, _: &Answer) -> Vec<String> {
        Vec::new()
    }

    fn closing_frames(&self) -> usize {
        0
    }

    fn error(&self, status: u16, kind: &str, message: &str) -> Value {
        self.protocol.error(status, kind, message)
    }

    fn error_frame(&self, error: &Value) -> String {
        self.protocol.error_frame(error)
    }
}

pub async fn embed(
    State(simulator): State<Simulator>,
    uri: Uri,
    headers: HeaderMap,
    JsonBody(body): JsonBody,
) -> Response {
    let texts: Vec<String> = match body.get("input") {
        Some(Value::String(text)) => vec![text.clone()],
        Some(Value::Array(items)) => items.iter().map(words_of).collect(),
        _ => Vec::new(),
    };
    let dimensions = body.get("dimensions").and_then(Value::as_u64);
    let is_base64 = body.get("encoding_format").is_some_and(|format| format == "base64");
    let data: Vec<Value> = texts
        .iter()
        .enumerate()
        .map(|(index, text)| {
            let vector = vector(text, dimensions);
            let bytes: Vec<u8> = vector.iter().flat_map(|number| number.to_le_bytes()).collect();
            let embedding = if is_base64 { json!(STANDARD.encode(bytes)) } else { json!(vector) };
            json!({ "object": "embedding", "index": index, "embedding": embedding })
        })
        .collect();
    let tokens: usize = texts.iter().map(|text| tokens(text)).sum();
    let answer = json!({
        "object": "list",
        "data": data,
        "model": body.get("model"),
        "usage": { "prompt_tokens": tokens, "total_tokens": tokens },
    });
    let protocol = Ready { body: answer, protocol: &Chat { wants_usage: false } };
    answered(&simulator, &uri, &headers, model_of(&body), texts, body, &protocol).await
}

pub async fn rerank(
    State(simulator): State<Simulator>,
    uri: Uri,
    headers: HeaderMap,
    JsonBody(body): JsonBody,
) -> Response {
    let query = body.get("query").and_then(Value::as_str).unwrap_or_default();
    let texts: Vec<String> = list(&body, "documents").iter().map(words_of).collect();
    let wanted = vector(query, None);
    let near = |text: &String| -> f32 { vector(text, None).iter().zip(&wanted).map(|(a, b)| a * b).sum() };
    let mut scores: Vec<(usize, f32)> = texts.iter().map(|text| near(text).clamp(0.0, 1.0)).enumerate().collect();
    scores.sort_by(|(_, a), (_, b)| b.total_cmp(a));
    let most = body.get("top_n").and_then(Value::as_u64).and_then(|most| usize::try_from(most).ok());
    scores.truncate(most.unwrap_or(usize::MAX));
    let results: Vec<Value> =
        scores.iter().map(|(index, score)| json!({ "index": index, "relevance_score": score })).collect();
    let tokens: usize = texts.iter().map(|text| tokens(text).saturating_add(tokens(query))).sum();
    let answer = json!({ "results": results, "model": body.get("model"), "usage": { "total_tokens": tokens } });
    let protocol = Ready { body: answer, protocol: &Chat { wants_usage: false } };
    answered(&simulator, &uri, &headers, model_of(&body), texts, body, &protocol).await
}

/// `POST /v1beta/models/{model}:batchEmbedContents`
pub async fn embed_batch(simulator: &Simulator, uri: &Uri, headers: &HeaderMap, model: &str, body: Value) -> Response {
    let requests = list(&body, "requests");
    let texts: Vec<String> = requests.iter().map(|request| words_of(&request["content"])).collect();
    let embeddings: Vec<Value> = requests
        .iter()
        .zip(&texts)
        .map(|(request, text)| {
            let dimensions = request.get("outputDimensionality").and_then(Value::as_u64);
            json!({ "values": vector(text, dimensions) })
        })
        .collect();
    let tokens: usize = texts.iter().map(|text| tokens(text)).sum();
    let answer = json!({ "embeddings": embeddings, "usageMetadata": { "promptTokenCount": tokens } });
    let protocol = Ready { body: answer, protocol: &Gemini };
    answered(simulator, uri, headers, model.to_owned(), texts, body, &protocol).await
}

async fn answered(
    simulator: &Simulator,
    uri: &Uri,
    headers: &HeaderMap,
    model: String,
    texts: Vec<String>,
    body: Value,
    protocol: &Ready<'_>,
) -> Response {
    let is_valid = !model.is_empty() && !texts.is_empty();
    let turns = vec![Turn { text: texts.join("\n"), ..Turn::default() }];
    let ask = Ask { model, turns, ..Ask::default() };
    let fault = simulator.admit(uri, headers, &ask, body);
    let fault = if is_valid { fault } else { Some(Fault::Status { code: 400, retry_after_s: None }) };
    simulator.reply(protocol, &ask, fault).await
}

fn model_of(body: &Value) -> String {
    body.get("model").and_then(Value::as_str).unwrap_or_default().to_owned()
}

/// All words of an input, whatever form it has.
fn words_of(input: &Value) -> String {
    match input {
        Value::String(text) => text.clone(),
        Value::Array(items) => items.iter().map(words_of).collect::<Vec<_>>().join(" "),
        Value::Object(fields) => {
            let texts = ["text", "content", "parts"].iter().filter_map(|name| fields.get(*name));
            texts.map(words_of).collect::<Vec<_>>().join(" ")
        }
        other => other.to_string(),
    }
}

fn tokens(text: &str) -> usize {
    text.split_whitespace().count().max(1)
}

/// Each word adds to one component; the length of the vector is one.
fn vector(text: &str, dimensions: Option<u64>) -> Vec<f32> {
    let size = usize::try_from(dimensions.unwrap_or(DIMENSIONS).clamp(1, MOST_DIMENSIONS)).unwrap_or(1);
    let mut vector = vec![0.0_f32; size];
    let lower = text.to_lowercase();
    for word in lower.split(|letter: char| !letter.is_alphanumeric()).filter(|word| !word.is_empty()) {
        // FNV-1a.
        let hash = word
            .bytes()
            .fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3));
        let place = usize::try_from(hash % u64::try_from(size).unwrap_or(1)).unwrap_or(0);
        if let Some(component) = vector.get_mut(place) {
            *component += 1.0;
        }
    }
    let length = vector.iter().map(|number| number * number).sum::<f32>().sqrt();
    if length > 0.0 {
        for number in &mut vector {
            *number /= length;
        }
    }
    vector
}
