//! The answers as the caller gets them: vectors in OpenAI's list, results in the
//! original's. Neither is ever streamed.

use std::sync::Arc;

use app::types::error::ErrorBody;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Value, json};

use super::{Document, Found};
use crate::dialects::Delta;
use crate::dialects::answer::{Answer, Failure, Heading, Inbound, UsageReport, Writer, append_json};

/// The list of vectors.
#[derive(Clone, Copy, Debug, Default)]
pub struct EmbeddingsBody {
    /// As base64 of little-endian floats, as OpenAI's SDKs ask for.
    pub is_base64: bool,
}

/// The documents in order.
#[derive(Clone, Debug, Default)]
pub struct RerankBody {
    pub(super) documents: Arc<Vec<Document>>,
}

impl Inbound for EmbeddingsBody {
    fn writer(&self, _: &Heading) -> Box<dyn Writer> {
        Box::new(Never)
    }

    fn whole(&self, heading: &Heading, answer: &Answer, report: &UsageReport) -> Vec<u8> {
        let vectors = match &answer.found {
            Some(Found::Vectors(vectors)) => vectors.as_slice(),
            _ => &[],
        };
        let data: Vec<Value> = vectors
            .iter()
            .enumerate()
            .map(|(index, vector)| {
                let embedding = if self.is_base64 { Value::from(base64(vector)) } else { json!(vector) };
                json!({ "object": "embedding", "index": index, "embedding": embedding })
            })
            .collect();
        let tokens = report.usage.prompt_tokens.unwrap_or(0);
        let mut out = Vec::new();
        let body = json!({
            "id": heading.id,
            "object": "list",
            "model": heading.model,
            "provider": heading.provider,
            "data": data,
            "usage": {
                "prompt_tokens": tokens,
                "total_tokens": tokens,
                "cost": report.cost,
                "is_byok": report.is_byok,
            },
        });
        append_json(&mut out, &body);
        out
    }

    fn error(&self, error: &ErrorBody) -> Value {
        serde_json::to_value(error).unwrap_or_default()
    }
}

/// Little-endian 32-bit floats.
fn base64(vector: &[f64]) -> String {
    let bytes: Vec<u8> = vector.iter().flat_map(|number| single(*number).to_le_bytes()).collect();
    STANDARD.encode(bytes)
}

#[expect(clippy::as_conversions, clippy::cast_possible_truncation, reason = "vectors are 32-bit at their source")]
fn single(number: f64) -> f32 {
    number as f32
}

impl Inbound for RerankBody {
    fn writer(&self, _: &Heading) -> Box<dyn Writer> {
        Box::new(Never)
    }

    fn whole(&self, heading: &Heading, answer: &Answer, report: &UsageReport) -> Vec<u8> {
        let order = match &answer.found {
            Some(Found::Order(order)) => order.as_slice(),
            _ => &[],
        };
        let results: Vec<Value> = order
            .iter()
            .map(
                |(index, score)| json!({ "index": index, "relevance_score": score, "document": self.document(*index) }),
            )
            .collect();
        let mut usage = json!({ "total_tokens": report.usage.prompt_tokens.unwrap_or(0), "cost": report.cost });
        if let Some(searches) = report.usage.searches {
            usage["search_units"] = json!(searches);
        }
        let mut out = Vec::new();
        let body = json!({
            "id": heading.id,
            "model": heading.model,
            "provider": heading.provider,
            "results": results,
            "usage": usage,
        });
        append_json(&mut out, &body);
        out
    }

    fn error(&self, error: &ErrorBody) -> Value {
        serde_json::to_value(error).unwrap_or_default()
    }
}

impl RerankBody {
    fn document(&self, index: u64) -> Map<String, Value> {
        let document = usize::try_from(index).ok().and_then(|index| self.documents.get(index));
        let Some(Document { text, image }) = document else { return Map::new() };
        let fields = [("text", text), ("image", image)];
        fields.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value.as_deref()?.into()))).collect()
    }
}

/// Nothing here is streamed: the requests have no such field.
struct Never;

impl Writer for Never {
    fn write(&mut self, _: &Delta, _: &mut Vec<u8>) {}

    fn finish(&mut self, _: &UsageReport, _: &mut Vec<u8>) {}

    fn fail(&mut self, _: &Failure, _: Option<&UsageReport>, _: &mut Vec<u8>) {}
}
