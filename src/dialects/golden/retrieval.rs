//! Recorded embeddings: what was asked for is asked the same way, and every vector arrives.

use std::path::Path;

use serde_json::{Value, json};

use crate::dialects::inference::Part;
use crate::dialects::retrieval::{Embed, Found, Input, Protocol, Retrieval, decode, encode};
use crate::dialects::{Delta, Dialect, Quirks, Target};

/// Recording, protocol, and its first number.
const RECORDED: [(&str, Protocol, f64); 4] = [
    ("bedrock/bedrock-invoke-embeddings-json-embeddings-62aca", Protocol::Bedrock, -0.120_866_075_158_119_2),
    ("cohere/cohere-v2-embed-json-embeddings-3117b", Protocol::Cohere, -0.017_963_495),
    ("gemini/gemini-embeddings-json-embeddings-3ead5", Protocol::Gemini, -0.004_177_954),
    ("mistral/mistral-openai-embeddings-json-embeddings-6ab85", Protocol::Openai, -0.045_410_156_25),
];

fn wish(protocol: Protocol) -> Embed {
    let text = |text: &str| Input::Text(text.to_owned());
    match protocol {
        Protocol::Cohere => {
            Embed { inputs: vec![text("Hello, world!")], input_type: Some("search_query".into()), ..Embed::default() }
        }
        Protocol::Gemini => {
            let url = "data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAIAAAACCAIAAAD91JpzAAAAFklEQVR4nGP8z8DAwMDAxMDAwMDAAAANHQEDasKb6QAAAABJRU5ErkJggg==";
            let image = Part::Image { url: url.into(), detail: None, cache_control: None };
            let inputs = vec![Input::Parts(vec![Part::text("The Ruby logo"), image])];
            Embed { inputs, dimensions: Some(768), ..Embed::default() }
        }
        Protocol::Bedrock => {
            Embed { inputs: vec![text("Test embedding dimensions")], dimensions: Some(256), ..Embed::default() }
        }
        _ => Embed { inputs: vec![text("Ruby is great")], ..Embed::default() },
    }
}

/// Without what is absent, and in one spelling of two that Google takes.
fn plain(value: &Value) -> Value {
    match value {
        Value::Object(fields) => fields
            .iter()
            .filter(|(name, value)| !value.is_null() && !["truncate", "normalize"].contains(&name.as_str()))
            .map(|(name, value)| {
                (name.replace("inline_data", "inlineData").replace("mime_type", "mimeType"), plain(value))
            })
            .collect(),
        Value::Array(items) => items.iter().map(plain).collect(),
        other => other.clone(),
    }
}

#[test]
fn recorded_embeddings_are_asked_for_and_understood() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/recordings");
    if !folder.exists() {
        eprintln!("SKIPPED: no recordings in {}", folder.display());
        return;
    }
    for (name, protocol, first) in RECORDED {
        let text = std::fs::read(folder.join(format!("{name}.json"))).unwrap();
        let recording: Value = serde_json::from_slice(&text).unwrap();
        let quirks = Quirks { retrieval: protocol, ..Quirks::default() };
        let (wish, model) = (Retrieval::Embed(wish(protocol)), recording["model"].as_str().unwrap());
        let target = Target { model, max_output_tokens: None, quirks: &quirks };
        let request = encode(Dialect::OpenaiChat, &target, &wish).unwrap();
        let path = recording["request"]["path"].as_str().unwrap();
        assert!(path.ends_with(&request.path), "{path} / {}", request.path);
        let body: Value = serde_json::from_slice(&request.body).unwrap();
        assert_eq!(body, plain(&recording["request"]["body"]), "{name}");

        let answer = recording["response"]["body"].to_string();
        let deltas = decode(Dialect::OpenaiChat, &quirks, &wish, answer.as_bytes()).unwrap();
        let Some(Delta::Found(Found::Vectors(vectors))) = deltas.iter().find(|d| matches!(d, Delta::Found(_))) else {
            panic!("{name}: no vectors");
        };
        assert_eq!(vectors.len(), 1);
        assert_eq!(vectors[0].first().copied().map(f64::to_bits), Some(first.to_bits()), "{name}");
        let usage = deltas.iter().find_map(|delta| match delta {
            Delta::Usage(usage) => usage.prompt_tokens,
            _ => None,
        });
        let counted = ["/usage/prompt_tokens", "/usageMetadata/promptTokenCount", "/meta/billed_units/input_tokens"];
        let mut counted = counted.into_iter().chain(["/inputTextTokenCount"]);
        let response = &recording["response"]["body"];
        assert_eq!(json!(usage), *counted.find_map(|place| response.pointer(place)).unwrap(), "{name}");
    }
}
