//! Schemas without the provider's help.

use super::*;
use crate::dialects::chat_completions::parse::parse;

fn schema() -> Value {
    json!({ "type": "object", "required": ["n", "kind"], "additionalProperties": false,
        "properties": { "n": { "type": "integer", "minimum": 1 }, "kind": { "enum": ["a", "b"] },
            "more": { "$ref": "#/$defs/list" } },
        "$defs": { "list": { "type": ["array", "null"], "items": { "$ref": "#" }, "maxItems": 2 } } })
}

fn answer(text: &str) -> Vec<Delta> {
    let text = Delta::Text { choice: 0, text: text.to_owned() };
    vec![text, Delta::Finish { choice: 0, reason: FinishReason::Stop, native: None }]
}

fn complaint(text: &str) -> Option<String> {
    match check(&schema(), answer(text)) {
        Checked::Fit(_) => None,
        Checked::Unfit { complaint, .. } => Some(complaint),
    }
}

#[test]
fn an_answer_that_fits_is_delivered_without_its_fence() {
    let json = r#"{"n": 1, "kind": "a", "more": [{"n": 2.0, "kind": "b", "more": null}]}"#;
    for text in [json.to_owned(), format!("```json\n{json}\n```"), format!("\n{json}  ")] {
        assert_eq!(check(&schema(), answer(&text)), Checked::Fit(answer(json)), "{text}");
    }
}

#[test]
fn what_is_wrong_is_told_with_its_place() {
    for (text, wanted) in [
        ("sure!", "no JSON"),
        (r#"{"n": 1}"#, "lacks the property `kind`"),
        (r#"{"n": 0, "kind": "a"}"#, "the answer.n is out of range"),
        (r#"{"n": "1", "kind": "a"}"#, "the answer.n must be of type \"integer\""),
        (r#"{"n": 1, "kind": "c"}"#, "the answer.kind must be one of"),
        (r#"{"n": 1, "kind": "a", "x": 1}"#, "must not have the property `x`"),
        (r#"{"n": 1, "kind": "a", "more": [{"n": 2}]}"#, "the answer.more[0] lacks the property `kind`"),
        ("[]", "the answer must be of type \"object\""),
    ] {
        let complaint = complaint(text).unwrap_or_default();
        assert!(complaint.contains(wanted), "{text}: {complaint}");
    }
}

#[test]
fn calls_refusals_and_cut_answers_are_let_through() {
    let call = Delta::ToolCall { choice: 0, index: 0, id: None, name: None, arguments: String::new() };
    assert!(matches!(check(&schema(), vec![call]), Checked::Fit(_)));
    let cut = vec![Delta::Finish { choice: 0, reason: FinishReason::Length, native: None }];
    assert!(matches!(check(&schema(), cut), Checked::Fit(_)));
}

#[test]
fn the_schema_moves_into_the_instructions_and_everything_else_stays() {
    let body = json!({ "model": "m", "stream": true, "x_custom": { "a": 1.0 },
        "messages": [{ "role": "system", "content": "s" }, { "role": "user", "content": "u", "x_own": true }],
        "response_format": { "type": "json_schema", "json_schema": { "name": "n", "schema": schema() } } });
    let inference = parse(body.to_string().as_bytes()).unwrap();
    let prompted = prompted(&inference, false);
    assert!(prompted.response_format.is_none() && !prompted.raw.contains_key("response_format"));
    assert_eq!(prompted.raw["x_custom"].get(), r#"{"a":1.0}"#);
    let again = repair(&prompted, "{}", "the answer lacks the property `n`");
    let raw: Value = serde_json::from_str(again.raw["messages"].get()).unwrap();
    let roles: Vec<&str> = raw.as_array().unwrap().iter().map(|message| message["role"].as_str().unwrap()).collect();
    assert_eq!(roles, ["system", "system", "user", "assistant", "user"]);
    assert_eq!(again.messages.len(), 5);
    assert!(raw[1]["content"].as_str().unwrap().contains(&schema().to_string()));
    assert_eq!(raw[2]["x_own"], json!(true));
    assert!(raw[4]["content"].as_str().unwrap().contains("lacks the property"));
}

#[test]
fn a_schema_that_refers_to_itself_twice_is_checked_in_no_time() {
    let schema = json!({ "anyOf": [{ "$ref": "#" }, { "allOf": [{ "$ref": "#" }, { "$ref": "#" }] }] });
    let answer = vec![Delta::Text { choice: 0, text: "{}".to_owned() }];
    assert!(matches!(check(&schema, answer), Checked::Fit(_)));
}
