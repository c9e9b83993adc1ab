//! The tools that models may call in the room. They run on the reader's own device.

use serde_json::{Value, json};

#[cfg(any(feature = "hydrate", test))]
use super::calculator::calculate;
#[cfg(any(feature = "hydrate", test))]
use crate::types::chats::ToolCall;

/// How often one answer may call tools before it must be content with what it knows.
pub const ROUNDS: usize = 6;

/// The tools as a request names them.
pub fn offered() -> Value {
    let tool = |name: &str, description: &str, field: &str, meaning: &str, required: &[&str]| {
        let parameters = json!({ "type": "object", "required": required,
            "properties": { field: { "type": "string", "description": meaning } } });
        json!({ "type": "function", "function": { "name": name, "description": description, "parameters": parameters } })
    };
    json!([
        tool(
            "calculate",
            "Computes a formula of numbers exactly as written.",
            "formula",
            "Numbers, + - * / % ^, brackets, pi, e, and sqrt, abs, round, floor, ceil, exp, ln, log, log2, sin, cos, tan",
            &["formula"],
        ),
        tool(
            "current_time",
            "Tells the present date and time.",
            "time_zone",
            "IANA name such as Europe/Berlin; without it, the reader's own",
            &[],
        ),
    ])
}

/// What a tool answers.
#[cfg(any(feature = "hydrate", test))]
pub fn run(call: &ToolCall) -> String {
    let arguments: Value = serde_json::from_slice(call.arguments.as_bytes()).unwrap_or_default();
    let argument = |name: &str| arguments.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
    match call.name.as_str() {
        "calculate" => calculate(&argument("formula")).unwrap_or_else(|error| format!("Error: {error}.")),
        "current_time" => {
            time(&argument("time_zone")).unwrap_or_else(|| "Error: no time zone has this name.".to_owned())
        }
        other => format!("Error: there is no tool called {other}."),
    }
}

/// The present time there; `None` for a place the browser does not know.
#[cfg(any(feature = "hydrate", test))]
fn time(zone: &str) -> Option<String> {
    use wasm_bindgen::{JsCast as _, JsValue};

    let now = js_sys::Date::new_0();
    let wishes = js_sys::Object::new();
    let set = |name: &str, value: &str| js_sys::Reflect::set(&wishes, &name.into(), &value.into()).ok();
    set("dateStyle", "full")?;
    set("timeStyle", "long")?;
    if !zone.is_empty() {
        set("timeZone", zone)?;
    }
    // The binding would let the browser's complaint about a wrong zone end the program.
    let write: js_sys::Function = js_sys::Reflect::get(&now, &"toLocaleString".into()).ok()?.dyn_into().ok()?;
    let local = write.call2(&now, &JsValue::from_str("en-GB"), &wishes).ok()?.as_string()?;
    Some(format!("{local} ({} UTC)", String::from(now.to_iso_string())))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_call_gets_an_answer_even_a_wrong_one() {
        let run = |name: &str, arguments: &str| {
            run(&ToolCall { name: name.into(), arguments: arguments.into(), ..ToolCall::default() })
        };
        assert_eq!(run("calculate", r#"{"formula":"6*7"}"#), "42");
        assert!(run("calculate", "{").starts_with("Error: "));
        assert_eq!(run("launch", "{}"), "Error: there is no tool called launch.");
        let names: Vec<String> = offered()
            .as_array()
            .into_iter()
            .flatten()
            .filter_map(|tool| tool["function"]["name"].as_str().map(str::to_owned))
            .collect();
        assert_eq!(names, ["calculate", "current_time"]);
    }
}
