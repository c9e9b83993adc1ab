//! Vectors and rankings, through each protocol.

use serde_json::{Value, json};

use super::*;
use crate::dialects::FaultKind;
use crate::dialects::answer::{Answer, Heading, Inbound, UsageReport};

fn embed(inputs: &[&str]) -> Retrieval {
    let inputs = inputs.iter().map(|text| Input::Text((*text).to_owned())).collect();
    Retrieval::Embed(Embed { inputs, dimensions: Some(2), input_type: Some("query".into()), ..Embed::default() })
}

fn rerank(documents: usize) -> Retrieval {
    let documents = (0..documents).map(|n| Document { text: Some(format!("document {n}")), image: None }).collect();
    Retrieval::Rerank(Rerank { query: "which".into(), documents, top_n: Some(2) })
}

fn asked(dialect: Dialect, quirks: &Quirks, wish: &Retrieval) -> (String, Value) {
    let target = Target { model: "m", max_output_tokens: None, quirks };
    let request = encode(dialect, &target, wish).unwrap();
    (request.path, serde_json::from_slice(&request.body).unwrap())
}

fn speaking(retrieval: Protocol) -> Quirks {
    Quirks { retrieval, ..Quirks::default() }
}

fn found(protocol: Protocol, wish: &Retrieval, answer: &Value) -> (Found, Usage) {
    let deltas = decode(Dialect::OpenaiChat, &speaking(protocol), wish, answer.to_string().as_bytes()).unwrap();
    let mut usage = Usage::default();
    let mut found = None;
    for delta in deltas {
        match delta {
            Delta::Usage(counts) => usage = counts,
            Delta::Found(own) => found = Some(own),
            _ => {}
        }
    }
    (found.unwrap(), usage)
}

#[test]
fn vertex_predicts_and_counts_for_each_text() {
    let (wish, quirks) = (embed(&["a", "b"]), speaking(Protocol::Vertex));
    let (path, body) = asked(Dialect::Gemini, &quirks, &wish);
    assert_eq!(path, "/models/m:predict");
    let instances =
        json!([{ "content": "a", "task_type": "RETRIEVAL_QUERY" }, { "content": "b", "task_type": "RETRIEVAL_QUERY" }]);
    assert_eq!(body["instances"], instances);
    assert_eq!(body["parameters"], json!({ "autoTruncate": false, "outputDimensionality": 2 }));
    let one = |x: f64, tokens: u64| json!({ "embeddings": { "values": [x, 1.0], "statistics": { "token_count": tokens, "truncated": false } } });
    let answer = json!({ "predictions": [one(0.5, 3), one(0.25, 4)] });
    let (found, usage) = found(Protocol::Vertex, &wish, &answer);
    assert_eq!((found, usage.prompt_tokens), (Found::Vectors(vec![vec![0.5, 1.0], vec![0.25, 1.0]]), Some(7)));
}

#[test]
fn models_that_take_one_text_are_asked_for_each_and_answer_as_one() {
    let (wish, bedrock, vertex) = (embed(&["a", "b"]), speaking(Protocol::Bedrock), speaking(Protocol::Vertex));
    let parts = |model, quirks| one_by_one(Dialect::Gemini, &Target { model, max_output_tokens: None, quirks }, &wish);
    assert_eq!(parts("amazon.titan-embed-text-v2:0", &bedrock), [embed(&["a"]), embed(&["b"])]);
    assert_eq!(parts("gemini-embedding-001", &vertex), [embed(&["a"]), embed(&["b"])]);
    assert_eq!(parts("cohere.embed-v4:0", &bedrock), []);
    assert_eq!(parts("text-embedding-005", &vertex), []);
    let answer = |x: f64, tokens| {
        vec![
            Delta::Start { upstream_id: None, model: None },
            Delta::Usage(counted(tokens)),
            Delta::Found(Found::Vectors(vec![vec![x]])),
        ]
    };
    let merged = together(vec![answer(1.0, Some(2)), answer(2.0, Some(3))]);
    assert!(merged.contains(&Delta::Found(Found::Vectors(vec![vec![1.0], vec![2.0]]))));
    let usage = Usage { prompt_tokens: Some(5), completion_tokens: Some(0), ..Usage::default() };
    assert!(merged.contains(&Delta::Usage(usage)), "{merged:?}");
    let unsaid = together(vec![answer(1.0, Some(2)), answer(2.0, None)]);
    assert!(unsaid.contains(&Delta::Usage(Usage { prompt_tokens: None, ..usage })), "{unsaid:?}");
}

#[test]
fn texts_are_asked_for_in_each_protocols_words() {
    let (wish, plain) = (embed(&["a", "b"]), Quirks::default());
    let (path, body) = asked(Dialect::OpenaiChat, &plain, &wish);
    assert_eq!(path, "/embeddings");
    assert_eq!(body, json!({ "model": "m", "input": ["a", "b"], "dimensions": 2, "input_type": "query" }));

    let (path, body) = asked(Dialect::Gemini, &plain, &wish);
    assert_eq!(path, "/models/m:batchEmbedContents");
    assert_eq!(
        body["requests"][1],
        json!({
            "model": "models/m",
            "content": { "parts": [{ "text": "b" }] },
            "taskType": "RETRIEVAL_QUERY",
            "outputDimensionality": 2,
        })
    );

    let (path, body) = asked(Dialect::OpenaiChat, &speaking(Protocol::Cohere), &wish);
    assert_eq!(path, "/embed");
    assert_eq!(
        body,
        json!({
            "model": "m",
            "input_type": "search_query",
            "embedding_types": ["float"],
            "texts": ["a", "b"],
            "output_dimension": 2,
        })
    );

    let (path, body) = asked(Dialect::OpenaiChat, &speaking(Protocol::Ollama), &wish);
    assert_eq!((path.as_str(), &body["input"]), ("/embed", &json!(["a", "b"])));
    assert!(
        encode(Dialect::AnthropicMessages, &Target { model: "m", max_output_tokens: None, quirks: &plain }, &wish)
            .is_err()
    );
}

#[test]
fn native_addresses_are_found_beside_the_compatible_ones() {
    let address = |protocol, base: &str| base_url(Dialect::OpenaiChat, &speaking(protocol), base).into_owned();
    assert_eq!(address(Protocol::Cohere, "https://api.cohere.ai/compatibility/v1"), "https://api.cohere.ai/v2");
    assert_eq!(address(Protocol::Cohere, "https://api.cohere.com/v2"), "https://api.cohere.com/v2");
    assert_eq!(address(Protocol::Ollama, "http://127.0.0.1:11434/v1"), "http://127.0.0.1:11434/api");
    assert_eq!(address(Protocol::Usual, "https://api.openai.com/v1"), "https://api.openai.com/v1");
}

#[test]
fn a_provider_that_counts_tokens_differently_gets_none_and_another_is_tried() {
    let wish = Retrieval::Embed(Embed { inputs: vec![Input::Tokens(vec![1, 2])], ..Embed::default() });
    assert_eq!(asked(Dialect::OpenaiChat, &Quirks::default(), &wish).1["input"], json!([[1, 2]]));
    for protocol in [Protocol::Cohere, Protocol::Gemini, Protocol::Ollama] {
        let quirks = speaking(protocol);
        let target = Target { model: "m", max_output_tokens: None, quirks: &quirks };
        assert_eq!(encode(Dialect::OpenaiChat, &target, &wish).unwrap_err().field, "input[0]");
    }
}

#[test]
fn vectors_come_in_the_order_of_the_inputs_as_numbers_or_base64() {
    let wish = embed(&["a", "b"]);
    let mut bytes = 0.1_f32.to_le_bytes().to_vec();
    bytes.extend((-2.5_f32).to_le_bytes());
    let base64 = base64::Engine::encode(&base64::engine::general_purpose::STANDARD, bytes);
    let answer = json!({
        "data": [{ "index": 1, "embedding": base64 }, { "index": 0, "embedding": [1, 0.25] }],
        "usage": { "prompt_tokens": 7, "total_tokens": 7 },
    });
    let (vectors, usage) = found(Protocol::Openai, &wish, &answer);
    assert_eq!(vectors, Found::Vectors(vec![vec![1.0, 0.25], vec![0.1, -2.5]]));
    assert_eq!((usage.prompt_tokens, usage.completion_tokens), (Some(7), Some(0)));
}

#[test]
fn an_answer_that_does_not_fit_is_no_answer() {
    let decoded = |wish: &Retrieval, body: &Value| {
        decode(Dialect::OpenaiChat, &Quirks::default(), wish, body.to_string().as_bytes()).unwrap_err().kind
    };
    let one = json!({ "data": [{ "index": 0, "embedding": [1] }] });
    assert_eq!(decoded(&embed(&["a", "b"]), &one), FaultKind::Unavailable);
    let beyond = json!({ "results": [{ "index": 9, "relevance_score": 1 }] });
    assert_eq!(decoded(&rerank(3), &beyond), FaultKind::Unavailable);
    let error = json!({ "error": { "message": "Rate limit reached", "code": "rate_limit_exceeded" } });
    assert_eq!(decoded(&rerank(3), &error), FaultKind::RateLimited);
}

#[test]
fn rankings_of_cohere_voyage_and_others_mean_the_same() {
    let wish = rerank(250);
    let (path, body) = asked(Dialect::OpenaiChat, &Quirks::default(), &wish);
    assert_eq!((path.as_str(), &body["top_n"], &body["documents"][1]), ("/rerank", &json!(2), &json!("document 1")));
    let order = Found::Order(vec![(7, 0.9), (2, 0.1)]);
    let cohere = json!({
        "results": [{ "index": 7, "relevance_score": 0.9 }, { "index": 2, "relevance_score": 0.1 }],
        "meta": { "billed_units": { "search_units": 3 } },
    });
    let (own, usage) = found(Protocol::Cohere, &wish, &cohere);
    assert_eq!((&own, usage.searches, usage.prompt_tokens), (&order, Some(3), Some(0)));
    let voyage = json!({
        "data": [{ "index": 2, "relevance_score": 0.1 }, { "index": 7, "relevance_score": 0.9 }],
        "usage": { "total_tokens": 40 },
    });
    let (own, usage) = found(Protocol::Usual, &wish, &voyage);
    assert_eq!((&own, usage.searches, usage.prompt_tokens), (&order, Some(3), Some(40)));
}

fn body(inbound: &dyn Inbound, found: Found) -> Value {
    let mut answer = Answer::default();
    answer.add(Delta::Found(found));
    serde_json::from_slice(&inbound.whole(&Heading::default(), &answer, &UsageReport::default())).unwrap()
}

#[test]
fn callers_get_the_encoding_they_asked_for() {
    let request = |format: &str| json!({ "model": "a/b", "input": "x", "encoding_format": format }).to_string();
    let vectors = Found::Vectors(vec![vec![0.5, -1.0]]);
    let (inference, floats) = parse_embeddings(request("float").as_bytes()).unwrap();
    assert!(matches!(inference.retrieval.as_deref(), Some(Retrieval::Embed(_))));
    assert_eq!(body(&floats, vectors.clone())["data"][0]["embedding"], json!([0.5, -1.0]));
    let (_, base64) = parse_embeddings(request("base64").as_bytes()).unwrap();
    assert_eq!(body(&base64, vectors)["data"][0]["embedding"], "AAAAPwAAgL8=");
    assert_eq!(parse_embeddings(request("int8").as_bytes()).unwrap_err().field, "encoding_format");
}

#[test]
fn inputs_of_every_form_are_read_and_mistakes_are_named() {
    let read = |input: Value| {
        parse_embeddings(json!({ "model": "a/b", "input": input }).to_string().as_bytes()).map(|(inference, _)| {
            match inference.retrieval.as_deref() {
                Some(Retrieval::Embed(embed)) => embed.inputs.len(),
                _ => 0,
            }
        })
    };
    assert_eq!(read(json!("x")), Ok(1));
    assert_eq!(read(json!(["x", "y"])), Ok(2));
    assert_eq!(read(json!([1, 2, 3])), Ok(1));
    assert_eq!(read(json!([[1], [2, 3]])), Ok(2));
    let parts = json!([{ "content": [
        { "type": "text", "text": "x" },
        { "type": "image_url", "image_url": { "url": "https://e.example/a.png" } },
    ] }]);
    assert_eq!(read(parts), Ok(1));
    assert_eq!(read(json!(["x", ""])).unwrap_err().field, "input[1]");
    assert_eq!(read(json!([])).unwrap_err().field, "input");
    assert_eq!(read(json!([{ "content": [{ "type": "smell" }] }])).unwrap_err().field, "input[0].content[0].type");
}

#[test]
fn a_ranking_repeats_the_documents_it_ranks() {
    let request = json!({
        "model": "a/b", "query": "q", "top_n": 1,
        "documents": ["first", { "text": "second", "image": "https://e.example/a.png" }],
    });
    let (inference, ranking) = parse_rerank(request.to_string().as_bytes()).unwrap();
    assert_eq!(inference.messages.len(), 2);
    let results = body(&ranking, Found::Order(vec![(1, 0.75)]))["results"].clone();
    let document = json!({ "text": "second", "image": "https://e.example/a.png" });
    assert_eq!(results, json!([{ "index": 1, "relevance_score": 0.75, "document": document }]));
    let none = json!({ "model": "a/b", "query": "q", "documents": [] });
    assert_eq!(parse_rerank(none.to_string().as_bytes()).unwrap_err().field, "documents");
}

#[test]
fn bedrock_is_asked_in_each_makers_words_with_the_model_in_the_address() {
    let quirks = Quirks::default();
    let ask = |model: &str, wish: &Retrieval| {
        let target = Target { model, max_output_tokens: None, quirks: &quirks };
        let request = encode(Dialect::BedrockConverse, &target, wish)?;
        Ok::<_, Untranslatable>((request.path, serde_json::from_slice::<Value>(&request.body).unwrap()))
    };
    let inputs = |texts: &[&str]| texts.iter().map(|text| Input::Text((*text).to_owned())).collect();
    let one = Retrieval::Embed(Embed { inputs: inputs(&["a"]), ..Embed::default() });
    let two = Retrieval::Embed(Embed { inputs: inputs(&["a", "b"]), ..Embed::default() });
    let (path, body) = ask("amazon.titan-embed-text-v2:0", &one).unwrap();
    assert_eq!((path.as_str(), body), ("/model/amazon.titan-embed-text-v2%3A0/invoke", json!({ "inputText": "a" })));
    assert_eq!(ask("amazon.titan-embed-text-v2:0", &two).unwrap_err().field, "input");
    let (_, body) = ask("cohere.embed-multilingual-v3", &two).unwrap();
    assert_eq!((&body["texts"], body.get("model")), (&json!(["a", "b"]), None));
    let answer = json!({ "embeddings": { "float": [[1.0], [2.0]] } }).to_string();
    assert!(decode(Dialect::BedrockConverse, &quirks, &two, answer.as_bytes()).is_ok());
    let document = Document { text: Some("d".to_owned()), image: None };
    let order = Retrieval::Rerank(Rerank { query: "q".into(), documents: vec![document], top_n: Some(1) });
    let (path, body) = ask("cohere.rerank-v3-5:0", &order).unwrap();
    assert_eq!((path.as_str(), &body["api_version"]), ("/model/cohere.rerank-v3-5%3A0/invoke", &json!(2)));
}
