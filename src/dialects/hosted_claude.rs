//! Anthropic Messages at other people's: the same words in Amazon's and Google's
//! envelopes. The model stands in the address and the version in the body.

use app::types::sse::ServerSentEvent;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;
use serde_json::json;
use serde_json::value::{RawValue, to_raw_value};

use super::inference::RawFields;
use super::messages::Messages;
use super::text::path_segment;
use super::{
    Decoder, Delta, Fault, Framing, Inference, MediaKind, Quirks, Target, Untranslatable, Upstream, UpstreamRequest,
    complaint,
};

/// Who hosts Claude.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HostedClaude {
    /// InvokeModel, for a base URL such as `https://bedrock-runtime.us-east-1.amazonaws.com`.
    Bedrock,
    /// For a base URL that ends in `/publishers/anthropic`.
    Vertex,
}

impl HostedClaude {
    const fn version(self) -> &'static str {
        match self {
            Self::Bedrock => "bedrock-2023-05-31",
            Self::Vertex => "vertex-2023-10-16",
        }
    }

    fn path(self, model: &str, is_streamed: bool) -> String {
        match self {
            Self::Bedrock => {
                let method = if is_streamed { "invoke-with-response-stream" } else { "invoke" };
                format!("/model/{}/{method}", path_segment(model))
            }
            Self::Vertex => {
                let method = if is_streamed { "streamRawPredict" } else { "rawPredict" };
                format!("/models/{model}:{method}")
            }
        }
    }
}

impl Upstream for HostedClaude {
    fn encode(&self, target: &Target<'_>, inference: &Inference) -> Result<UpstreamRequest, Untranslatable> {
        let plain = Messages.encode(target, inference)?;
        let unwritable = |error: serde_json::Error| Untranslatable { field: "body".into(), reason: error.to_string() };
        let mut fields: RawFields = serde_json::from_slice(&plain.body).map_err(unwritable)?;
        fields.shift_remove("model");
        if let Some(mark) = fields.shift_remove("cache_control") {
            mark_last(&mut fields, &mark);
        }
        if *self == Self::Bedrock {
            // The address says whether it is a stream.
            fields.shift_remove("stream");
        }
        let mut set = |name: &str, value: &serde_json::Value| {
            let value = to_raw_value(value).map_err(unwritable)?;
            fields.insert(name.to_owned(), value);
            Ok(())
        };
        set("anthropic_version", &self.version().into())?;
        let mut headers = Vec::new();
        for (name, value) in plain.headers {
            match (name, self) {
                ("anthropic-version", _) => {}
                ("anthropic-beta", Self::Bedrock) => {
                    let betas: Vec<&str> = value.split(',').map(str::trim).collect();
                    set("anthropic_beta", &betas.into())?;
                }
                _ => headers.push((name, value)),
            }
        }
        let body = serde_json::to_vec(&fields).map_err(unwritable)?;
        Ok(UpstreamRequest { path: self.path(target.model, inference.is_streamed), headers, body: body.into() })
    }

    fn framing(&self) -> Framing {
        match self {
            Self::Bedrock => Framing::AwsEventStream,
            Self::Vertex => Framing::ServerSentEvents,
        }
    }

    fn takes_url(&self, _: MediaKind, _: &str) -> bool {
        false
    }

    fn decoder(&self, quirks: &Quirks) -> Box<dyn Decoder> {
        let inner = Messages.decoder(quirks);
        match self {
            Self::Bedrock => Box::new(ChunkDecoder { inner }),
            Self::Vertex => inner,
        }
    }

    fn decode_whole(&self, quirks: &Quirks, body: &[u8]) -> Result<Vec<Delta>, Fault> {
        Messages.decode_whole(quirks, body)
    }

    fn decode_error(&self, status: u16, headers: &dyn Fn(&str) -> Option<String>, body: &[u8]) -> Fault {
        complaint::from_response(status, headers, body)
    }
}

/// The most marks of the prompt cache in one request.
const MOST_MARKS: usize = 4;

/// Only Anthropic itself places a mark where it belongs; here it goes onto the last
/// block. Everything else stays as it is written.
fn mark_last(fields: &mut RawFields, mark: &RawValue) {
    let marks: usize = fields.values().map(|value| value.get().matches("\"cache_control\"").count()).sum();
    if marks < MOST_MARKS && mark.get() != "null" {
        let messages = fields.get("messages").and_then(|messages| marked_messages(messages, mark));
        if let Some(messages) = messages.and_then(|messages| to_raw_value(&messages).ok()) {
            fields.insert("messages".to_owned(), messages);
        }
    }
}

fn marked_messages(messages: &RawValue, mark: &RawValue) -> Option<Vec<Box<RawValue>>> {
    let mut messages: Vec<Box<RawValue>> = serde_json::from_str(messages.get()).ok()?;
    let last = messages.last_mut()?;
    let mut message: RawFields = serde_json::from_str(last.get()).ok()?;
    let content = message.get_mut("content")?;
    let mut blocks: Vec<Box<RawValue>> = if let Ok(blocks) = serde_json::from_str(content.get()) {
        blocks
    } else {
        let text: String = serde_json::from_str(content.get()).ok()?;
        vec![to_raw_value(&json!({ "type": "text", "text": text })).ok()?]
    };
    // Thinking cannot be marked, nor can what is empty.
    let (place, mut block) = blocks.iter().enumerate().rev().find_map(|(place, block)| {
        let block: RawFields = serde_json::from_str(block.get()).ok()?;
        let kind = block.get("type")?.get().trim_matches('"');
        let is_empty = block.get("text").is_some_and(|text| text.get() == "\"\"");
        (!kind.ends_with("thinking") && !is_empty).then_some((place, block))
    })?;
    block.entry("cache_control".to_owned()).or_insert_with(|| mark.to_owned());
    *blocks.get_mut(place)? = to_raw_value(&block).ok()?;
    *content = to_raw_value(&blocks).ok()?;
    *last = to_raw_value(&message).ok()?;
    Some(messages)
}

/// Takes Anthropic's events out of Amazon's.
struct ChunkDecoder {
    inner: Box<dyn Decoder>,
}

#[derive(Deserialize)]
struct Chunk {
    bytes: String,
}

impl Decoder for ChunkDecoder {
    fn event(&mut self, event: &ServerSentEvent, out: &mut Vec<Delta>) -> Result<(), Fault> {
        match event.name.as_str() {
            "exception" => Err(complaint::in_band(&event.data)
                .unwrap_or_else(|| complaint::nonsense("The provider reported a failure", &event.data))),
            "chunk" => {
                let unreadable = || complaint::nonsense("The provider sent an event that cannot be read", &event.data);
                let chunk: Chunk = serde_json::from_str(&event.data).map_err(|_| unreadable())?;
                let bytes = STANDARD.decode(chunk.bytes).map_err(|_| unreadable())?;
                let data = String::from_utf8_lossy(&bytes).into_owned();
                self.inner.event(&ServerSentEvent { name: String::new(), data }, out)
            }
            _ => Ok(()),
        }
    }

    fn finish(&mut self, stray: &str, out: &mut Vec<Delta>) -> Result<(), Fault> {
        self.inner.finish(stray, out)
    }

    fn is_done(&self) -> bool {
        self.inner.is_done()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;
    use crate::dialects::chat_completions::parse::parse;

    fn encoded(host: HostedClaude, is_streamed: bool) -> (UpstreamRequest, Value) {
        let body = json!({ "model": "m", "stream": is_streamed, "messages": [{ "role": "user", "content": "hi" }] });
        let quirks = Quirks::default();
        let model = "anthropic.claude-sonnet-4-5-20250929-v1:0";
        let target = Target { model, max_output_tokens: Some(64_000), quirks: &quirks };
        let request = host.encode(&target, &parse(body.to_string().as_bytes()).unwrap()).unwrap();
        let body = serde_json::from_slice(&request.body).unwrap();
        (request, body)
    }

    #[test]
    fn a_mark_for_everything_is_placed_where_anthropic_would_place_it() {
        let mark = json!({ "type": "ephemeral" });
        let sent = |messages: &Value| {
            let body = json!({ "model": "m", "cache_control": mark, "messages": messages });
            let quirks = Quirks::default();
            let target = Target { model: "claude-sonnet-4-5", max_output_tokens: Some(64_000), quirks: &quirks };
            let inference = parse(body.to_string().as_bytes()).unwrap();
            let request = HostedClaude::Vertex.encode(&target, &inference).unwrap();
            serde_json::from_slice::<Value>(&request.body).unwrap()
        };
        let body = sent(&json!([{ "role": "user", "content": "hi" }]));
        assert!(body.get("cache_control").is_none());
        let block = &body["messages"][0]["content"][0];
        assert_eq!((&block["text"], &block["cache_control"]), (&json!("hi"), &mark));

        let call = json!({ "id": "c", "type": "function", "function": { "name": "f", "arguments": "{\"n\":1.50}" } });
        let body = sent(&json!([
            { "role": "user", "content": "hi" },
            { "role": "assistant", "content": null, "tool_calls": [call] },
            { "role": "tool", "tool_call_id": "c", "content": "ok" },
        ]));
        assert_eq!(body["messages"][2]["content"][0]["cache_control"], mark);
        assert!(body["messages"][0].to_string().find("cache_control").is_none());

        let own = json!({ "type": "text", "text": "x", "cache_control": mark });
        let body = sent(&json!([{ "role": "user", "content": [own, own, own, own, { "type": "text", "text": "y" }] }]));
        assert_eq!(body.to_string().matches("cache_control").count(), 4, "a fifth would be refused");
    }

    #[test]
    fn the_model_moves_into_the_address_and_the_version_into_the_body() {
        let (request, body) = encoded(HostedClaude::Bedrock, true);
        assert_eq!(request.path, "/model/anthropic.claude-sonnet-4-5-20250929-v1%3A0/invoke-with-response-stream");
        assert!(request.headers.is_empty());
        assert_eq!(body["anthropic_version"], "bedrock-2023-05-31");
        assert!(body.get("model").is_none() && body.get("stream").is_none());

        let (request, body) = encoded(HostedClaude::Vertex, true);
        assert_eq!(request.path, "/models/anthropic.claude-sonnet-4-5-20250929-v1:0:streamRawPredict");
        assert_eq!((&body["anthropic_version"], &body["stream"]), (&json!("vertex-2023-10-16"), &json!(true)));
        assert!(encoded(HostedClaude::Vertex, false).0.path.ends_with(":rawPredict"));
    }
}
