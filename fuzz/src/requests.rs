//! Clients' requests: read, translated for every provider, answered with an error.

use std::sync::Arc;

use app::types::error::{ErrorBody, ErrorDetail};
use patchbay::clock::Clock;
use patchbay::dialects::answer::Inbound;
use patchbay::dialects::{BadField, Dialect, Inference, Quirks, Target, structured};
use patchbay::dialects::{chat_completions, completions, gemini, messages, responses, retrieval};
use patchbay::gateway::estimate;
use patchbay::gateway::tokenizers::Counter;

use crate::must_be_json;

/// The providers' protocols, each with a model of its own.
const TARGETS: [(Dialect, &str); 11] = [
    (Dialect::OpenaiChat, "gpt-5"),
    (Dialect::OpenaiChat, "mistral-large"),
    (Dialect::OpenaiResponses, "gpt-5"),
    (Dialect::AnthropicMessages, "claude-sonnet-4-5"),
    (Dialect::AnthropicMessages, "claude-opus-4-8"),
    (Dialect::Gemini, "gemini-3-pro-preview"),
    (Dialect::BedrockConverse, "us.anthropic.claude-sonnet-4-5-20250929-v1:0"),
    (Dialect::BedrockAnthropic, "us.anthropic.claude-sonnet-4-5-20250929-v1:0"),
    (Dialect::VertexAnthropic, "claude-sonnet-4-5@20250929"),
    (Dialect::CohereV2, "command-a-03-2025"),
    (Dialect::Ollama, "qwen3"),
];

/// Every quirk that changes what is sent.
fn quirks() -> Quirks {
    Quirks {
        max_completion_tokens: true,
        no_stream_options: true,
        drops: vec!["seed".to_owned()],
        renames: vec![("top_k".to_owned(), "k".to_owned())],
        drops_message_fields: vec!["refusal".to_owned()],
        short_tool_ids: true,
        tool_choice_any: true,
        no_developer_role: true,
        wants_reasoning_content: true,
        marks_prefill: true,
        wants_thinking_parts: true,
        json_object_schema: true,
        ..Quirks::default()
    }
}

fn check(read: Result<(Inference, Arc<dyn Inbound>), BadField>) {
    let (inference, inbound) = match read {
        Ok(asked) => asked,
        Err(bad) => {
            assert!(!bad.field.is_empty() && !bad.message.is_empty(), "{bad:?}");
            return;
        }
    };
    assert!(!inference.models.is_empty());
    let _ = estimate::prompt_tokens(&inference, Counter::RATIO);
    let _ = inference.parameters_in_use();
    translate(&inference);
    if structured::schema_of(&inference).is_some() {
        let prompted = structured::prompted(&inference, true);
        translate(&structured::repair(&prompted, "x", "it is no JSON"));
    }
    let detail = ErrorDetail { code: 400, message: "A message".to_owned(), metadata: None, availability: None };
    let error = ErrorBody { error: detail };
    must_be_json(inbound.error(&error).to_string().as_bytes(), "an error");
}

fn translate(inference: &Inference) {
    let (plain, odd) = (Quirks::default(), quirks());
    for (dialect, model) in TARGETS {
        for quirks in [&plain, &odd] {
            let target = Target { model, max_output_tokens: Some(8_192), quirks };
            let request = match &inference.retrieval {
                Some(wish) => retrieval::encode(dialect, &target, wish),
                None => dialect.upstream().encode(&target, inference),
            };
            match request {
                Ok(request) => must_be_json(&request.body, dialect.as_str()),
                Err(error) => assert!(!error.field.is_empty(), "{error}"),
            }
        }
    }
}

fn shared(inbound: impl Inbound + 'static) -> Arc<dyn Inbound> {
    Arc::new(inbound)
}

pub fn chat_completions(data: &[u8]) {
    let read = chat_completions::parse::parse(data);
    check(read.map(|inference| (inference, shared(chat_completions::encode::ChatCompletions))));
}

pub fn completions(data: &[u8]) {
    check(completions::parse(data).map(|(inference, inbound)| (inference, shared(inbound))));
}

pub fn messages(data: &[u8]) {
    let read = messages::inbound::parse(data, None);
    check(read.map(|inference| {
        let inbound = shared(messages::inbound::Messages::of(&inference));
        (inference, inbound)
    }));
}

pub fn responses(data: &[u8]) {
    let read = responses::inbound::parse(data);
    check(read.map(|inference| {
        let inbound = shared(responses::inbound::Responses::of(&inference, Clock::default()));
        (inference, inbound)
    }));
}

pub fn gemini(data: &[u8]) {
    for is_streamed in [false, true] {
        let read = gemini::inbound::parse(data, "google/gemini-3-pro-preview", is_streamed);
        check(read.map(|inference| {
            let inbound = shared(gemini::inbound::Gemini::of(&inference, is_streamed));
            (inference, inbound)
        }));
    }
}

pub fn embeddings(data: &[u8]) {
    check(retrieval::parse_embeddings(data).map(|(inference, inbound)| (inference, shared(inbound))));
}

pub fn rerank(data: &[u8]) {
    check(retrieval::parse_rerank(data).map(|(inference, inbound)| (inference, shared(inbound))));
}
