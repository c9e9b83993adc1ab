//! Requests as callers send them.

use super::*;
use crate::dialects::inference::{Part, ResponseFormat, Role, ToolChoice};

fn parsed(body: &str) -> Inference {
    parse(body.as_bytes()).unwrap()
}

fn refused(extra: &str) -> BadField {
    let body = format!(r#"{{"model":"m","messages":[{{"role":"user","content":"hi"}}],{extra}}}"#);
    parse(body.as_bytes()).unwrap_err()
}

fn refused_message(message: &str) -> BadField {
    parse(format!(r#"{{"model":"m","messages":[{{"role":"user","content":"a"}},{message}]}}"#).as_bytes()).unwrap_err()
}

#[test]
fn a_full_request_is_understood_and_kept() {
    let inference = parsed(
        r#"{"model":"a/b","models":["a/b","c/d"],"stream":true,"temperature":0.5,"max_tokens":100.0,"stop":"END",
        "reasoning":{"effort":"high","exclude":true},"reasoning_effort":"high","seed":-7,"user":"u","x_custom":{"a": 1},
        "provider":{"order":["p"],"max_price":{"prompt":"1"},"unknown":1},"parallel_tool_calls":false,
        "tools":[{"type":"function","function":{"name":"f","parameters":{"type":"object"}},"cache_control":{"type":"ephemeral"}},
                 {"type":"web_search"}],
        "tool_choice":{"type":"function","function":{"name":"f"}},
        "response_format":{"type":"json_schema","json_schema":{"name":"n","schema":{"type":"object"},"strict":true}},
        "messages":[{"role":"developer","content":"be brief"},
          {"role":"user","content":[{"type":"text","text":"see","cache_control":{"type":"ephemeral"}},
            {"type":"image_url","image_url":{"url":"data:image/png;base64,AA","detail":"low"}},
            {"type":"file","file":{"filename":"a.pdf","file_data":"https://x/a.pdf"}},
            {"type":"input_audio","input_audio":{"data":"AA","format":"wav"}},{"type":"hologram","h":1}]},
          {"role":"assistant","content":null,"reasoning":"hm","reasoning_details":[{"type":"reasoning.text"}],
            "tool_calls":[{"id":"c1","type":"function","function":{"name":"f","arguments":"{}"}}]},
          {"role":"tool","tool_call_id":"c1","content":"42"}]}"#,
    );
    assert_eq!(inference.models, ["a/b", "c/d"]);
    assert!(inference.is_streamed);
    assert_eq!(inference.max_tokens(), Some(100));
    assert_eq!(inference.sampling.stop, ["END"]);
    assert_eq!(inference.sampling.seed, Some(-7));
    assert_eq!(inference.tool_choice, Some(ToolChoice::Function("f".into())));
    assert!(matches!(inference.response_format, Some(ResponseFormat::JsonSchema { strict: Some(true), .. })));
    assert_eq!(inference.provider.order.as_deref(), Some(&["p".to_owned()][..]));
    assert_eq!(inference.messages[0].role, Role::Developer);
    assert_eq!(inference.messages[1].content.len(), 5);
    assert!(matches!(inference.messages[1].content[4], Part::Other(_)));
    assert_eq!(inference.messages[2].tool_calls[0].name, "f");
    assert_eq!(inference.messages[2].reasoning.as_deref(), Some("hm"));
    assert_eq!(inference.messages[3].tool_call_id.as_deref(), Some("c1"));
    assert!(inference.tools[1].other.is_some());
    assert_eq!(inference.raw["x_custom"].get(), r#"{"a": 1}"#);
}

#[test]
fn nulls_count_as_absent() {
    let inference = parsed(
        r#"{"model":"m","temperature":null,"stop":null,"tools":null,"provider":null,"reasoning":null,"stream":null,
        "messages":[{"role":"assistant","content":null,"tool_calls":null,"refusal":null,"reasoning_details":null},{"role":"user","content":""}]}"#,
    );
    assert!(inference.reasoning.is_none());
    assert!(inference.messages[1].content.is_empty());
}

#[test]
fn models_alone_suffice_and_presets_are_text() {
    let inference = parsed(r#"{"models":["m@preset/x","m@preset/x"],"messages":[{"role":"user","content":"a"}]}"#);
    assert_eq!(inference.models, ["m@preset/x"]);
    let missing = parse(br#"{"messages":[{"role":"user","content":"a"}]}"#).unwrap_err();
    assert_eq!(missing.field, "model");
}

#[test]
fn every_refusal_names_the_field_and_the_remedy() {
    for (extra, field) in [
        (r#""temperature":3"#, "temperature"),
        (r#""temperature":"hot""#, "temperature"),
        (r#""max_tokens":0"#, "max_tokens"),
        (r#""max_tokens":1.5"#, "max_tokens"),
        (r#""n":0"#, "n"),
        (r#""stop":[1]"#, "stop"),
        (r#""stream":"yes""#, "stream"),
        (r#""functions":[]"#, "functions"),
        (r#""tool_choice":"any""#, "tool_choice"),
        (r#""tools":[{"type":"function","function":{"name":"no spaces"}}]"#, "tools[0].function.name"),
        (r#""tools":[{"type":"openrouter:web_search"}]"#, "tools[0].type"),
        (r#""response_format":{"type":"json_schema"}"#, "response_format.json_schema"),
        (r#""reasoning":{"effort":"low"},"reasoning_effort":"high""#, "reasoning_effort"),
        (r#""reasoning_effort":"extreme""#, "reasoning_effort"),
        (r#""provider":{"order":"p"}"#, "provider"),
    ] {
        let error = refused(extra);
        assert_eq!(error.field, field, "{extra}");
        assert!(error.message.starts_with(field), "{}", error.message);
    }
    for (message, field) in [
        (r#"{"role":"robot","content":"a"}"#, "messages[1].role"),
        (r#"{"content":"a"}"#, "messages[1].role"),
        (r#"{"role":"user","content":null}"#, "messages[1].content"),
        (r#"{"role":"tool","content":"a"}"#, "messages[1].tool_call_id"),
        (r#"{"role":"user","content":[{"type":"image_url","image_url":{}}]}"#, "messages[1].content[0].image_url"),
        (r#"{"role":"user","content":[{"text":"a"}]}"#, "messages[1].content[0].type"),
        (r#"{"role":"assistant","tool_calls":[{"function":{"name":"f"}}]}"#, "messages[1].tool_calls[0].id"),
        ("7", "messages[1].role"),
    ] {
        assert_eq!(refused_message(message).field, field, "{message}");
    }
    let robot = refused_message(r#"{"role":"robot","content":"a"}"#);
    assert_eq!(robot.message, "messages[1].role must be one of system, developer, user, assistant, tool");
}

#[test]
fn a_body_that_is_no_object_is_refused_at_any_depth() {
    for body in ["", "[]", "{", "null", "{\"model\":\"m\",}"] {
        assert_eq!(parse(body.as_bytes()).unwrap_err().field, "body", "{body}");
    }
    let deep = format!(r#"{{"model":"m","messages":{}{}}}"#, "[".repeat(100_000), "]".repeat(100_000));
    assert!(parse(deep.as_bytes()).is_err());
}

#[test]
fn the_older_reasoning_switch_still_works() {
    let body = r#"{"model":"m","include_reasoning":false,"messages":[{"role":"user","content":"a"}]}"#;
    assert_eq!(parsed(body).reasoning.and_then(|reasoning| reasoning.exclude), Some(true));
}
