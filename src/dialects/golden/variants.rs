//! Recorded answers as another server of the same protocol might have written
//! them: other line ends, further fields, another order. They mean the same.

use serde_json::{Map, Value, json};

use super::digest::{Outcome, Said, of_deltas};
use super::{id, recordings, responses, streamed, translated, upstream};
use crate::dialects::{Dialect, Quirks, Upstream};

/// What belongs to the answer itself, where a further field is a further argument.
const CONTENT: [&str; 3] = ["input", "args", "arguments"];

/// `value` with a field nobody knows in every object, at either end.
fn enriched(value: &Value, is_first: bool) -> Value {
    match value {
        Value::Object(fields) => {
            let strange = ("x_new".to_owned(), json!({ "a": [1, null], "type": "new" }));
            let known = fields.iter().map(|(name, value)| {
                let is_content = CONTENT.contains(&name.as_str()) && !value.is_array();
                (name.clone(), if is_content { value.clone() } else { enriched(value, is_first) })
            });
            if is_first {
                std::iter::once(strange).chain(known).collect()
            } else {
                known.chain(std::iter::once(strange)).collect()
            }
        }
        Value::Array(items) => items.iter().map(|item| enriched(item, is_first)).collect(),
        other => other.clone(),
    }
}

/// `value` with the fields of every object the other way round.
fn reversed(value: &Value) -> Value {
    match value {
        Value::Object(fields) => Value::Object(
            fields.iter().rev().map(|(name, value)| (name.clone(), reversed(value))).collect::<Map<_, _>>(),
        ),
        Value::Array(items) => items.iter().map(reversed).collect(),
        other => other.clone(),
    }
}

/// The stream with every `data:` line's JSON changed.
fn rewritten(stream: &str, is_events: bool, change: impl Fn(&Value) -> Value) -> String {
    let line = |line: &str| {
        let data = if is_events { line.strip_prefix("data:") } else { Some(line) };
        match data.and_then(|data| serde_json::from_str::<Value>(data).ok()) {
            Some(value) => format!("{}{}", if is_events { "data: " } else { "" }, change(&value)),
            None => line.to_owned(),
        }
    };
    stream.split('\n').map(|text| line(text.trim_end_matches('\r'))).collect::<Vec<_>>().join("\n")
}

/// Every recording with its reader and what that makes of it.
fn all() -> impl Iterator<Item = (Value, &'static dyn Upstream, Outcome)> {
    let chats = recordings().into_iter().map(|recording| {
        let outcome = translated(&recording);
        (recording.clone(), upstream(&recording), outcome)
    });
    let others = responses::exchanges().into_iter().map(|exchange| {
        let outcome = responses::decoded(&exchange);
        (exchange, Dialect::OpenaiResponses.upstream(), outcome)
    });
    chats.chain(others)
}

/// Said without counts: they are compared elsewhere.
fn meaning(said: Said) -> Said {
    Said { usage: [None; 4], ..said }
}

#[test]
fn streams_written_in_another_way_mean_the_same() {
    let mut count = 0;
    for (recording, upstream, (expected, fault)) in all() {
        let Some(stream) = recording["response"]["body_text"].as_str().filter(|_| recording["streaming"] == true)
        else {
            continue;
        };
        let is_events = recording["protocol"] != "ollama-native";
        let expected = (of_deltas(&expected), fault.map(|fault| fault.kind));
        let plain = stream.replace("\r\n", "\n");
        let mut variants = vec![
            ("other line ends", plain.replace('\n', "\r\n")),
            ("a new field behind", rewritten(&plain, is_events, |value| enriched(value, false))),
            ("a new field in front", rewritten(&plain, is_events, |value| enriched(value, true))),
            ("another order", rewritten(&plain, is_events, reversed)),
            ("no end of the last line", plain.trim_end().to_owned()),
        ];
        if is_events {
            variants.push(("comments", plain.replace("\n\n", "\n\n: still here\n\n:\n")));
            variants.push(("no space", plain.replace("\ndata: ", "\ndata:")));
            variants.push(("padding", plain.replace("\n\n", "  \n\n")));
            variants.push(("ids", plain.replace("\ndata: ", "\nid: 7\nretry: 10\ndata: ")));
            // Only Cohere's and Anthropic's events have names, and their data say the same.
            let unnamed = plain.lines().filter(|line| !line.starts_with("event:"));
            variants.push(("no names", unnamed.collect::<Vec<_>>().join("\n") + "\n\n"));
            variants.push(("no terminator", plain.replace("data: [DONE]", "")));
        }
        for (what, variant) in variants {
            let (deltas, fault) = streamed(upstream, &[variant.as_bytes()]);
            let said = (of_deltas(&deltas), fault.map(|fault| fault.kind));
            assert_eq!(
                (meaning(said.0), said.1),
                (meaning(expected.0.clone()), expected.1),
                "{}: {what}",
                id(&recording)
            );
            count += 1;
        }
    }
    eprintln!("{count} variants");
}

#[test]
fn whole_answers_written_in_another_way_mean_the_same() {
    let mut count = 0;
    for (recording, upstream, (expected, fault)) in all() {
        let (body, status) = (&recording["response"]["body"], &recording["response"]["status"]);
        if !body.is_object() || status != 200 || recording["streaming"] == true {
            continue;
        }
        assert_eq!(fault, None, "{}", id(&recording));
        let expected = meaning(of_deltas(&expected));
        let variants = [
            ("a new field behind", enriched(body, false).to_string()),
            ("a new field in front", enriched(body, true).to_string()),
            ("another order", reversed(body).to_string()),
            ("blank lines in front", format!("\n\n \r\n{body}\n")),
            ("spread over lines", serde_json::to_string_pretty(body).unwrap()),
        ];
        for (what, variant) in variants {
            let deltas = upstream.decode_whole(&Quirks::default(), variant.as_bytes());
            let deltas = deltas.unwrap_or_else(|fault| panic!("{}: {what}: {fault:?}", id(&recording)));
            assert_eq!(meaning(of_deltas(&deltas)), expected, "{}: {what}", id(&recording));
            count += 1;
        }
    }
    eprintln!("{count} variants");
}

#[test]
fn an_answer_without_usage_is_an_answer_all_the_same() {
    for (recording, upstream, (expected, _)) in all() {
        let (body, status) = (&recording["response"]["body"], &recording["response"]["status"]);
        if !body.is_object() || status != 200 || recording["streaming"] == true {
            continue;
        }
        let mut bare = body.clone();
        for name in ["usage", "usageMetadata", "prompt_eval_count", "eval_count"] {
            bare.as_object_mut().unwrap().shift_remove(name);
        }
        let deltas = upstream.decode_whole(&Quirks::default(), bare.to_string().as_bytes()).unwrap();
        assert_eq!(meaning(of_deltas(&deltas)), meaning(of_deltas(&expected)), "{}", id(&recording));
    }
}
