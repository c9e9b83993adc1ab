//! Prompts in, texts out.

use serde_json::{Value, json};

use super::*;
use crate::dialects::FinishReason;
use crate::dialects::inference::{Part, Role};

fn asked(body: &Value) -> (crate::dialects::Inference, Completions) {
    parse(body.to_string().as_bytes()).unwrap()
}

fn refused(body: &Value) -> String {
    parse(body.to_string().as_bytes()).unwrap_err().message
}

fn heading() -> Heading {
    Heading { id: "gen-1".into(), created: 7, model: "a/b".into(), provider: "P".into(), ..Heading::default() }
}

fn deltas() -> Vec<Delta> {
    let logprobs = json!({ "content": [
        { "token": "Hel", "logprob": -0.5, "top_logprobs": [{ "token": "Hel", "logprob": -0.5 }] },
        { "token": "lo", "logprob": -1.5, "top_logprobs": [] },
    ] });
    vec![
        Delta::Text { choice: 0, text: "Hello".into() },
        Delta::Logprobs { choice: 0, logprobs },
        Delta::Finish { choice: 0, reason: FinishReason::Length, native: Some("max_tokens".into()) },
    ]
}

#[test]
fn a_prompt_is_a_users_message_and_other_fields_stay() {
    for prompt in [json!("Once"), json!(["Once"])] {
        let (inference, _) = asked(&json!({
            "model": "a/b", "prompt": prompt, "max_tokens": 5, "logprobs": 3, "stop": "\n", "best_of": 1,
            "logit_bias": { "50256": -100 },
        }));
        assert_eq!(inference.messages.len(), 1);
        assert_eq!(inference.messages[0].role, Role::User);
        assert_eq!(inference.messages[0].content, [Part::text("Once")]);
        assert_eq!((inference.sampling.logprobs, inference.sampling.top_logprobs), (Some(true), Some(3)));
        assert_eq!(inference.sampling.stop, ["\n"]);
        assert!(inference.raw.contains_key("logit_bias"));
        assert!(!inference.raw.contains_key("prompt") && !inference.raw.contains_key("best_of"));
    }
}

#[test]
fn what_chat_models_cannot_do_is_refused_by_name() {
    let with = |name: &str, value: Value| {
        let mut body = json!({ "model": "a/b", "prompt": "x" });
        body[name] = value;
        refused(&body)
    };
    assert!(with("suffix", json!("end")).starts_with("suffix is not supported"));
    assert!(with("best_of", json!(3)).starts_with("best_of must equal n"));
    assert!(with("prompt", json!(["a", "b"])).starts_with("prompt must be one prompt"));
    assert!(with("prompt", json!([1, 2])).starts_with("prompt must be text"));
    assert!(with("prompt", Value::Null).starts_with("prompt is required"));
    assert!(with("logprobs", json!(21)).starts_with("logprobs must be"));
}

#[test]
fn a_text_begins_with_the_prompt_where_the_caller_wants_it() {
    let (_, completions) = asked(&json!({ "model": "a/b", "prompt": "Say: ", "echo": true }));
    let mut answer = Answer::default();
    for delta in deltas() {
        answer.add(delta);
    }
    let body: Value = serde_json::from_slice(&completions.whole(&heading(), &answer, &UsageReport::default())).unwrap();
    let choice = &body["choices"][0];
    assert_eq!(body["object"], "text_completion");
    assert_eq!(choice["text"], "Say: Hello");
    assert_eq!(choice["finish_reason"], "length");
    assert_eq!(choice["native_finish_reason"], "max_tokens");
    assert_eq!(choice["logprobs"]["tokens"], json!(["Hel", "lo"]));
    assert_eq!(choice["logprobs"]["token_logprobs"], json!([-0.5, -1.5]));
    assert_eq!(choice["logprobs"]["top_logprobs"][0], json!({ "Hel": -0.5 }));
    assert_eq!(choice["logprobs"]["text_offset"], json!([5, 8]));
}

#[test]
fn a_stream_says_the_same_and_ends_with_its_cost() {
    let (_, completions) = asked(&json!({ "model": "a/b", "prompt": "Say: ", "echo": true }));
    let (mut writer, mut out) = (completions.writer(&heading()), Vec::new());
    for delta in deltas() {
        writer.write(&delta, &mut out);
    }
    writer.finish(&UsageReport::default(), &mut out);
    let stream = String::from_utf8(out).unwrap();
    let events = stream.strip_suffix("data: [DONE]\n\n").unwrap().split_terminator("\n\n");
    let chunks: Vec<Value> =
        events.map(|event| serde_json::from_str(event.strip_prefix("data: ").unwrap()).unwrap()).collect();
    let text: String = chunks.iter().filter_map(|chunk| chunk["choices"][0]["text"].as_str()).collect();
    assert_eq!(text, "Say: Hello");
    assert_eq!(chunks[1]["choices"][0]["logprobs"]["text_offset"], json!([5, 8]));
    assert_eq!(chunks[2]["choices"][0]["finish_reason"], "length");
    assert_eq!(chunks[3]["choices"], json!([]));
    assert!(chunks[3]["usage"]["cost"].is_number());
}
