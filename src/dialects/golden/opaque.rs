//! Signed reasoning of real answers, carried through a client that speaks OpenAI.

use serde_json::{Value, json};

use super::{id, recordings, translated, upstream};
use crate::dialects::answer::{Answer, Heading, Inbound as _, UsageReport};
use crate::dialects::chat_completions::encode::ChatCompletions;
use crate::dialects::chat_completions::parse::parse;
use crate::dialects::{Quirks, Target};

/// Every signature in the JSON of a provider's answer.
fn signatures(value: &Value, found: &mut Vec<String>) {
    match value {
        Value::Object(fields) => {
            for (key, value) in fields {
                if matches!(key.as_str(), "signature" | "thoughtSignature")
                    && let Some(signature) = value.as_str().filter(|signature| !signature.is_empty())
                {
                    found.push(signature.to_owned());
                }
                signatures(value, found);
            }
        }
        Value::Array(items) => items.iter().for_each(|item| signatures(item, found)),
        _ => {}
    }
}

#[test]
fn signatures_survive_a_client_that_speaks_openai() {
    let mut count = 0;
    for recording in recordings().iter().filter(|recording| recording["streaming"] != true) {
        let mut wanted = Vec::new();
        signatures(&recording["response"]["body"], &mut wanted);
        let (deltas, fault) = translated(recording);
        if wanted.is_empty() || fault.is_some() || recording["protocol"] == "openai-chat" {
            continue;
        }
        let mut gathered = Answer::default();
        for delta in deltas {
            gathered.add(delta);
        }
        let heading = Heading { id: "gen-golden".into(), ..Heading::default() };
        let answer: Value =
            serde_json::from_slice(&ChatCompletions.whole(&heading, &gathered, &UsageReport::default())).unwrap();
        let message = &answer["choices"][0]["message"];
        let mut messages = vec![json!({"role": "user", "content": "a"}), message.clone()];
        for call in message["tool_calls"].as_array().into_iter().flatten() {
            messages.push(json!({"role": "tool", "tool_call_id": call["id"], "content": "b"}));
        }
        let body = json!({ "model": "m", "messages": messages, "reasoning": { "effort": "high" } });
        let inference = parse(body.to_string().as_bytes()).unwrap();
        let model = recording["model"].as_str().unwrap();
        let target = Target { model, max_output_tokens: Some(8192), quirks: &Quirks::default() };
        let request = upstream(recording).encode(&target, &inference).unwrap();
        let mut sent = Vec::new();
        signatures(&serde_json::from_slice(&request.body).unwrap(), &mut sent);
        assert_eq!(sent, wanted, "{}", id(recording));
        count += 1;
    }
    eprintln!("{count} signed answers");
}
