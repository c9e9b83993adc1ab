//! Real answers with one value replaced by something strange: they may be
//! refused, but nothing may panic.

use app::types::sse::ServerSentEvent;
use serde_json::{Value, json};

use super::{recordings, upstream};
use crate::dialects::chat_completions::parse::parse;
use crate::dialects::{Quirks, Upstream, gemini, messages};

/// The paths of all values in `value`, as JSON pointers.
fn paths(value: &Value, here: &str, found: &mut Vec<String>) {
    found.push(here.to_owned());
    match value {
        Value::Object(fields) => {
            for (key, value) in fields {
                paths(value, &format!("{here}/{}", key.replace('~', "~0").replace('/', "~1")), found);
            }
        }
        Value::Array(items) => {
            for (index, value) in items.iter().enumerate() {
                paths(value, &format!("{here}/{index}"), found);
            }
        }
        _ => {}
    }
}

/// `value` with each of its parts replaced in turn.
fn variations(value: &Value) -> Vec<Value> {
    let mut found = Vec::new();
    paths(value, "", &mut found);
    let strange = [json!(null), json!(-1), json!(1e300), json!(""), json!("x"), json!([]), json!([[1]]), json!({})];
    let vary = |path: &String| {
        strange
            .iter()
            .map(|strange| {
                let mut varied = value.clone();
                *varied.pointer_mut(path).unwrap() = strange.clone();
                varied
            })
            .collect::<Vec<_>>()
    };
    found.iter().flat_map(vary).collect()
}

/// Decodes the events of a stream with one of them varied; at most a few
/// events are tried per stream, since most are alike.
fn vary_stream(upstream: &dyn Upstream, events: &[Value]) {
    let step = (events.len() / 4).max(1);
    for (place, event) in events.iter().enumerate().step_by(step) {
        for varied in variations(event) {
            let (mut decoder, mut out) = (upstream.decoder(&Quirks::default()), Vec::new());
            for (index, event) in events.iter().enumerate() {
                let data = if index == place { varied.to_string() } else { event.to_string() };
                if decoder.event(&ServerSentEvent { name: String::new(), data }, &mut out).is_err() {
                    break;
                }
            }
            let _ = decoder.finish("", &mut out);
        }
    }
}

#[test]
fn strange_values_never_panic() {
    for recording in recordings() {
        let (upstream, response) = (upstream(&recording), &recording["response"]);
        if let Some(stream) = response["body_text"].as_str().filter(|stream| stream.len() < 9_000) {
            let data = |line: &str| serde_json::from_str(line.strip_prefix("data:")?).ok();
            let events: Vec<Value> = stream.lines().filter_map(data).collect();
            vary_stream(upstream, &events);
        } else if response["body"].is_object() {
            for varied in variations(&response["body"]) {
                let body = varied.to_string();
                let _ = upstream.decode_whole(&Quirks::default(), body.as_bytes());
                let _ = upstream.decode_error(400, &|_| None, body.as_bytes());
            }
        }
    }
}

#[test]
fn strange_requests_are_refused_by_name_or_accepted() {
    for recording in recordings().iter().filter(|recording| recording["protocol"] == "openai-chat") {
        let body = &recording["request"]["body"];
        if body.to_string().len() > 4_000 {
            continue;
        }
        for varied in variations(body) {
            if let Err(error) = parse(varied.to_string().as_bytes()) {
                assert!(!error.field.is_empty() && error.message.len() > error.field.len(), "{error:?}");
            }
        }
    }
}

#[test]
fn strange_requests_in_other_protocols_are_refused_by_name_or_accepted() {
    for recording in recordings() {
        let body = &recording["request"]["body"];
        if body.to_string().len() > 3_000 {
            continue;
        }
        for varied in variations(body) {
            let text = varied.to_string();
            let parsed = match recording["protocol"].as_str() {
                Some("anthropic-messages") => messages::inbound::parse(text.as_bytes(), None),
                Some("gemini") => gemini::inbound::parse(text.as_bytes(), "m", true),
                _ => continue,
            };
            if let Err(error) = parsed {
                assert!(!error.field.is_empty() && error.message.len() > error.field.len(), "{error:?}");
            }
        }
    }
}
