//! Requests of this API, and answers as its readers get them.

use app::types::Money;
use serde_json::{Value, json};

use super::*;
use crate::dialects::inference::{Part, ResponseFormat, Role, ToolChoice};
use crate::dialects::{Usage, reasoning};

fn read(body: &Value) -> Inference {
    parse(body.to_string().as_bytes()).unwrap()
}

fn refused(body: &Value) -> crate::dialects::BadField {
    parse(body.to_string().as_bytes()).unwrap_err()
}

fn with(name: &str, value: Value) -> Value {
    let mut body = json!({ "model": "a/b", "input": "hi" });
    body[name] = value;
    body
}

fn heading() -> Heading {
    Heading { id: "gen-1-abc".into(), created: 7, model: "a/b".into(), provider: "P".into(), ..Heading::default() }
}

fn report() -> UsageReport {
    let usage =
        Usage { prompt_tokens: Some(3), completion_tokens: Some(2), reasoning_tokens: Some(1), ..Usage::default() };
    UsageReport { usage, cost: Money(1_500), ..UsageReport::default() }
}

fn text(text: &str) -> Delta {
    Delta::Text { choice: 0, text: text.to_owned() }
}

fn call(index: u32, id: Option<&str>, name: Option<&str>, arguments: &str) -> Delta {
    let (id, name) = (id.map(str::to_owned), name.map(str::to_owned));
    Delta::ToolCall { choice: 0, index, id, name, arguments: arguments.to_owned() }
}

fn end(reason: FinishReason) -> Delta {
    Delta::Finish { choice: 0, reason, native: None }
}

/// The events of a stream, each with its name.
fn events(out: &[u8]) -> Vec<(String, Value)> {
    let stream = std::str::from_utf8(out).unwrap();
    let events: Vec<(String, Value)> = stream
        .split_terminator("\n\n")
        .map(|event| {
            let (name, data) = event.split_once('\n').unwrap();
            let data: Value = serde_json::from_str(data.strip_prefix("data: ").unwrap()).unwrap();
            (name.strip_prefix("event: ").unwrap().to_owned(), data)
        })
        .collect();
    for (number, (name, event)) in events.iter().enumerate() {
        assert_eq!(event["type"], json!(name));
        assert_eq!(event["sequence_number"], json!(number));
    }
    events
}

fn stream(responses: &Responses, deltas: &[Delta]) -> Vec<(String, Value)> {
    let (mut writer, mut out) = (responses.writer(&heading()), Vec::new());
    for delta in deltas {
        writer.write(delta, &mut out);
    }
    writer.finish(&report(), &mut out);
    events(&out)
}

fn whole(responses: &Responses, deltas: &[Delta]) -> Value {
    let mut answer = Answer::ordered();
    for delta in deltas {
        answer.add(delta.clone());
    }
    serde_json::from_slice(&responses.whole(&heading(), &answer, &report())).unwrap()
}

fn names(events: &[(String, Value)]) -> Vec<&str> {
    events.iter().map(|(name, _)| name.trim_start_matches("response.")).collect()
}

#[test]
fn items_of_one_turn_become_one_message() {
    let inference = read(&json!({
        "model": "a/b",
        "instructions": "Be brief.",
        "input": [
            { "role": "user", "content": [
                { "type": "input_text", "text": "Look:" },
                { "type": "input_image", "image_url": "https://e.example/a.png", "detail": "low" },
                { "type": "input_file", "filename": "a.pdf", "file_data": "data:application/pdf;base64,AA==" },
                { "type": "input_audio", "input_audio": { "data": "AA==", "format": "wav" } },
            ] },
            { "type": "reasoning", "id": "rs_1", "summary": [{ "type": "summary_text", "text": "Hm." }],
              "encrypted_content": "gAAA" },
            { "type": "message", "id": "msg_1", "role": "assistant", "status": "completed",
              "content": [{ "type": "output_text", "text": "One moment.", "annotations": [] }] },
            { "type": "function_call", "id": "fc_1", "call_id": "call_a", "name": "f", "arguments": "{\"n\":1}" },
            { "type": "function_call", "call_id": "call_b", "name": "g", "arguments": "{}" },
            { "type": "function_call_output", "call_id": "call_a", "output": "1" },
            { "type": "function_call_output", "call_id": "call_b", "output": [{ "type": "input_text", "text": "2" }] },
            { "role": "user", "content": "And?" },
        ],
    }));
    let roles: Vec<Role> = inference.messages.iter().map(|message| message.role).collect();
    assert_eq!(roles, [Role::System, Role::User, Role::Assistant, Role::Tool, Role::Tool, Role::User]);
    assert_eq!(inference.messages[1].content.len(), 4);
    let turn = &inference.messages[2];
    assert_eq!(turn.content, [Part::text("One moment.")]);
    assert_eq!(turn.tool_calls.iter().map(|call| call.id.as_str()).collect::<Vec<_>>(), ["call_a", "call_b"]);
    assert_eq!(turn.reasoning_details.len(), 2);
    assert_eq!(turn.reasoning_details[1]["data"], "gAAA");
    assert_eq!(inference.messages[4].tool_call_id.as_deref(), Some("call_b"));
}

#[test]
fn flat_tools_choices_and_formats_are_understood() {
    let inference = read(&json!({
        "model": "a/b", "input": "hi", "max_output_tokens": 9, "stream": true,
        "include": ["message.output_text.logprobs"], "top_logprobs": 2,
        "reasoning": { "effort": "high", "summary": "auto" },
        "tools": [
            { "type": "function", "name": "f", "parameters": { "type": "object" }, "strict": true },
            { "type": "web_search" },
        ],
        "tool_choice": { "type": "function", "name": "f" },
        "text": { "format": { "type": "json_schema", "name": "n", "schema": { "type": "object" }, "strict": true } },
    }));
    assert!(inference.is_streamed);
    assert_eq!(inference.sampling.max_tokens, Some(9));
    assert_eq!((inference.sampling.logprobs, inference.sampling.top_logprobs), (Some(true), Some(2)));
    assert_eq!(inference.reasoning.unwrap().effort.as_deref(), Some("high"));
    assert_eq!(inference.tools[0].strict, Some(true));
    assert!(inference.tools[1].other.is_some());
    assert_eq!(inference.tool_choice, Some(ToolChoice::Function("f".into())));
    assert!(matches!(inference.response_format, Some(ResponseFormat::JsonSchema { strict: Some(true), .. })));
}

#[test]
fn allowed_tools_leave_the_others_out() {
    let tools = json!([{ "type": "function", "name": "f" }, { "type": "function", "name": "g" }]);
    let mut body = with("tools", tools);
    body["tool_choice"] =
        json!({ "type": "allowed_tools", "mode": "required", "tools": [{ "type": "function", "name": "g" }] });
    let inference = read(&body);
    assert_eq!(inference.tools.iter().map(|tool| tool.name.as_str()).collect::<Vec<_>>(), ["g"]);
    assert_eq!(inference.tool_choice, Some(ToolChoice::Required));
}

#[test]
fn what_would_need_a_stored_response_is_refused() {
    for (name, value) in [
        ("store", json!(true)),
        ("background", json!(true)),
        ("previous_response_id", json!("resp_1")),
        ("conversation", json!("conv_1")),
        ("prompt", json!({ "id": "pmpt_1" })),
    ] {
        assert_eq!(refused(&with(name, value)).field, name);
    }
    read(&with("store", json!(false)));
    assert_eq!(refused(&with("input", json!([{ "type": "item_reference", "id": "x" }]))).field, "input[0].type");
}

#[test]
fn mistakes_are_named_where_they_are() {
    for (name, value, field) in [
        ("input", json!([{ "role": "user", "content": [{ "type": "input_text" }] }]), "input[0].content[0].text"),
        ("input", json!([{ "type": "function_call", "name": "f" }]), "input[0].call_id"),
        ("input", json!([{ "role": "boss", "content": "x" }]), "input[0].role"),
        ("input", json!([]), "input"),
        ("tools", json!([{ "type": "function" }]), "tools[0].name"),
        ("tool_choice", json!("perhaps"), "tool_choice"),
        ("reasoning", json!({ "effort": "heroic" }), "reasoning.effort"),
        ("text", json!({ "format": { "type": "json_schema" } }), "text.format.schema"),
        ("temperature", json!("hot"), "temperature"),
    ] {
        assert_eq!(refused(&with(name, value)).field, field);
    }
}

#[test]
fn a_text_stream_has_every_event_in_order() {
    let events = stream(&Responses::default(), &[text("Hel"), text("lo"), end(FinishReason::Stop)]);
    assert_eq!(
        names(&events),
        [
            "created",
            "in_progress",
            "output_item.added",
            "content_part.added",
            "output_text.delta",
            "output_text.delta",
            "output_text.done",
            "content_part.done",
            "output_item.done",
            "completed",
        ]
    );
    let delta = &events[4].1;
    assert_eq!((&delta["delta"], &delta["logprobs"]), (&json!("Hel"), &json!([])));
    assert_eq!((&delta["output_index"], &delta["content_index"]), (&json!(0), &json!(0)));
    let id = &events[2].1["item"]["id"];
    assert!(events[3..9].iter().all(|(name, event)| event["item_id"] == *id || name.ends_with("item.done")));
    let response = &events[9].1["response"];
    assert_eq!(response["id"], "gen-1-abc");
    assert_eq!(response["output"][0]["content"][0]["text"], "Hello");
    assert_eq!(response["usage"]["input_tokens"], 3);
    assert_eq!(response["usage"]["output_tokens_details"]["reasoning_tokens"], 1);
    assert_eq!(response["usage"]["cost"].to_string(), "1.5e-6");
    assert!(response["completed_at"].is_i64());
}

#[test]
fn calls_reasoning_and_text_are_items_in_their_order() {
    let detail = reasoning::text_detail("Hm", reasoning::ANTHROPIC, 0);
    let signed = reasoning::signature_detail("sig", reasoning::ANTHROPIC, 0);
    let deltas = [
        Delta::ReasoningDetail { choice: 0, detail },
        Delta::ReasoningDetail { choice: 0, detail: signed },
        text("First."),
        call(0, Some("call_1"), Some("f"), ""),
        call(0, None, None, "{\"a\":"),
        call(0, None, None, "1}"),
        call(1, None, Some("g"), ""),
        end(FinishReason::ToolCalls),
    ];
    let events = stream(&Responses::default(), &deltas);
    let response = &events.last().unwrap().1["response"];
    let kinds: Vec<&str> =
        response["output"].as_array().unwrap().iter().map(|item| item["type"].as_str().unwrap()).collect();
    assert_eq!(kinds, ["reasoning", "message", "function_call", "function_call"]);
    assert_eq!(response["output"][0]["content"][0]["text"], "Hm");
    assert_eq!(response["output"][0]["signature"], "sig");
    assert_eq!(response["output"][2]["call_id"], "call_1");
    assert_eq!(response["output"][2]["arguments"], "{\"a\":1}");
    assert_eq!(response["output"][3]["arguments"], "{}");
    let order = names(&events);
    let place = |name: &str| order.iter().position(|own| *own == name).unwrap();
    assert!(place("reasoning_text.delta") < place("reasoning_text.done"));
    assert!(place("reasoning_text.done") < place("output_text.delta"));
    assert!(place("function_call_arguments.delta") < place("function_call_arguments.done"));
    let done = &events[place("function_call_arguments.done")].1;
    assert!(done["item_id"].as_str().unwrap().starts_with("fc_"));
    let mut once = whole(&Responses::default(), &deltas);
    once["completed_at"] = response["completed_at"].clone();
    assert_eq!(once, *response, "in one piece it is the same");
}

#[test]
fn interleaved_calls_keep_their_arguments() {
    let deltas = [
        call(0, Some("a"), Some("f"), "{\"x\""),
        call(1, Some("b"), Some("g"), "{\"y\""),
        call(0, None, None, ":1}"),
        call(1, None, None, ":2}"),
    ];
    let output = whole(&Responses::default(), &deltas)["output"].clone();
    assert_eq!(output[0]["arguments"], "{\"x\":1}");
    assert_eq!(output[1]["arguments"], "{\"y\":2}");
}

#[test]
fn a_cut_answer_is_incomplete_and_says_why() {
    for (reason, word) in [(FinishReason::Length, "max_output_tokens"), (FinishReason::ContentFilter, "content_filter")]
    {
        let events = stream(&Responses::default(), &[text("Hel"), end(reason)]);
        let (name, event) = events.last().unwrap();
        assert_eq!(name, "response.incomplete");
        assert_eq!(event["response"]["incomplete_details"]["reason"], word);
        assert_eq!(event["response"]["output"][0]["status"], "incomplete");
    }
}

#[test]
fn a_broken_stream_ends_as_a_failed_response() {
    let (mut writer, mut out) = (Responses::default().writer(&heading()), Vec::new());
    writer.write(&text("Hel"), &mut out);
    let failure = Failure {
        code: 429,
        message: "slow down".into(),
        error_type: "rate_limit_exceeded",
        provider_code: None,
        raw: None,
    };
    writer.fail(&failure, Some(&report()), &mut out);
    let events = events(&out);
    let (name, event) = events.last().unwrap();
    assert_eq!(name, "response.failed");
    assert_eq!(event["response"]["status"], "failed");
    assert_eq!(event["response"]["error"], json!({ "code": "rate_limit_exceeded", "message": "slow down" }));
    assert_eq!(event["response"]["output"][0]["content"][0]["text"], "Hel");
    assert!(event.get("error").is_none());
}

#[test]
fn probabilities_stand_beside_their_words() {
    let inference = read(&with("include", json!(["message.output_text.logprobs"])));
    let responses = Responses::of(&inference, Clock::fixed(9_000));
    let tokens = json!({ "content": [{ "token": "Hel", "logprob": -0.5, "bytes": [72], "top_logprobs": [] }] });
    let deltas = [text("Hel"), Delta::Logprobs { choice: 0, logprobs: tokens.clone() }, text("lo")];
    let events = stream(&responses, &deltas);
    let spoken: Vec<&Value> =
        events.iter().filter(|(name, _)| name == "response.output_text.delta").map(|(_, event)| event).collect();
    assert_eq!((&spoken[0]["delta"], &spoken[0]["logprobs"]), (&json!("Hel"), &tokens["content"]));
    assert_eq!((&spoken[1]["delta"], &spoken[1]["logprobs"]), (&json!("lo"), &json!([])));
    let response = &events.last().unwrap().1["response"];
    assert_eq!(response["output"][0]["content"][0]["logprobs"], tokens["content"]);
    assert_eq!(response["completed_at"], 9);
}

#[test]
fn refusals_citations_and_pictures_have_their_own_events() {
    let citation = json!({ "type": "url_citation", "url_citation":
        { "url": "https://e.example", "title": "E", "start_index": 0, "end_index": 2 } });
    let image = json!({ "type": "image_url", "image_url": { "url": "data:image/webp;base64,AAAA" } });
    let deltas = [
        text("See"),
        Delta::Annotation { choice: 0, annotation: citation },
        Delta::Refusal { choice: 0, text: "No.".into() },
        Delta::Image { choice: 0, image },
    ];
    let events = stream(&Responses::default(), &deltas);
    let order = names(&events);
    for name in ["output_text.annotation.added", "refusal.delta", "refusal.done", "image_generation_call.completed"] {
        assert!(order.contains(&name), "{name}");
    }
    let output = &events.last().unwrap().1["response"]["output"];
    assert_eq!(output[0]["content"][0]["annotations"][0]["url"], "https://e.example");
    assert_eq!(output[0]["content"][1]["refusal"], "No.");
    assert_eq!((&output[1]["result"], &output[1]["output_format"]), (&json!("AAAA"), &json!("webp")));
}

#[test]
fn an_answer_repeats_what_was_asked() {
    let mut body = with("metadata", json!({ "k": "v" }));
    body["tools"] = json!([{ "type": "function", "name": "f" }]);
    body["text"] = json!({ "verbosity": "low" });
    body["instructions"] = json!("Be brief.");
    let answer = whole(&Responses::of(&read(&body), Clock::fixed(9_000)), &[text("hi")]);
    assert_eq!(answer["metadata"], json!({ "k": "v" }));
    assert_eq!(answer["instructions"], "Be brief.");
    assert_eq!(answer["tools"][0]["parameters"], Value::Null);
    assert_eq!(answer["text"], json!({ "verbosity": "low", "format": { "type": "text" } }));
    for name in ["error", "incomplete_details", "temperature", "top_p", "presence_penalty", "frequency_penalty"] {
        assert_eq!(answer.get(name), Some(&Value::Null), "{name}");
    }
    assert_eq!((&answer["status"], &answer["store"]), (&json!("completed"), &json!(false)));
}
