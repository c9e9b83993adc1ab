//! What guardrails demand of a request before it is routed: filters over its words.
//! Their lists and policies are hard constraints of the route.

use std::sync::Arc;

use app::types::guardrails::FilterAction;
use serde_json::value::{RawValue, to_raw_value};
use serde_json::{Value, json};

use super::Requester;
use crate::App;
use crate::accounts::filters::Filter;
use crate::accounts::guardrails::Guard;
use crate::dialects::Inference;
use crate::dialects::inference::{Part, Role};
use crate::error::{Error, Result};

/// Fields of any client API that hold what a model is told.
const SPOKEN: [&str; 10] = [
    "messages",
    "prompt",
    "input",
    "instructions",
    "system",
    "contents",
    "systemInstruction",
    "system_instruction",
    "documents",
    "query",
];
/// Keys of text within them. What stands under others names things, or is a file.
const TEXTS: [&str; 6] = ["content", "text", "arguments", "output", "parts", "input"];

/// The guardrails that hold for a request.
#[must_use]
pub fn of(app: &App, requester: &Requester) -> Vec<Arc<Guard>> {
    let hash = requester.key.as_ref().map(|key| key.hash.as_str());
    app.guardrails.of(&requester.organization_id, &requester.workspace_id, hash, requester.user_id.as_deref())
}

/// Refuses or redacts what the filters find. Returns what was done, for the metadata.
///
/// # Errors
/// 403 naming the guardrail and the filters that block.
pub fn filter(guards: &[Arc<Guard>], inference: &mut Inference) -> Result<Vec<Value>> {
    let mut stages = Vec::new();
    for guard in guards.iter().filter(|guard| !guard.filters.is_empty()) {
        let found: Vec<Filter> = guard.filters.iter().filter(|filter| finds(filter, inference)).cloned().collect();
        let named = |action: FilterAction| -> Vec<String> {
            found.iter().filter(|filter| filter.action == action).map(|filter| filter.name.clone()).collect()
        };
        let blocked = named(FilterAction::Block);
        if !blocked.is_empty() {
            return Err(refusal(guard, "does not let it pass", blocked));
        }
        let redacted = named(FilterAction::Redact);
        if !redacted.is_empty() {
            if inference.retrieval.is_some() {
                return Err(refusal(
                    guard,
                    "would have to redact it, which vectors and rankings cannot be made of",
                    redacted,
                ));
            }
            redact(inference, &found);
        }
        let flagged = named(FilterAction::Flag);
        if redacted.len() + flagged.len() > 0 {
            stages.push(json!({
                "type": "guardrail",
                "name": "content-filter",
                "guardrail_id": guard.id,
                "guardrail_scope": "request",
                "summary": format!("{} redacted, {} flagged", redacted.len(), flagged.len()),
                "data": { "redacted": redacted, "flagged": flagged },
            }));
        }
    }
    Ok(stages)
}

fn refusal(guard: &Guard, what: &str, patterns: Vec<String>) -> Error {
    let message = format!(
        "The guardrail \"{}\" {what}: the request matches {}. Leave that out, or ask an admin to change the guardrail.",
        guard.name,
        patterns.join(", ")
    );
    Error::Guardrail { message, patterns }
}

fn finds(filter: &Filter, inference: &Inference) -> bool {
    let is_read = |role: Role| !filter.is_user_only || role == Role::User;
    inference.messages.iter().filter(|message| is_read(message.role)).any(|message| {
        let says = |part: &Part| matches!(part, Part::Text { text, .. } if filter.finds(text));
        message.content.iter().any(says) || message.tool_calls.iter().any(|call| filter.finds(&call.arguments))
    })
}

fn redact(inference: &mut Inference, found: &[Filter]) {
    let filters: Vec<&Filter> = found.iter().filter(|filter| filter.action == FilterAction::Redact).collect();
    let replace = |text: &mut String| {
        for filter in &filters {
            let redacted = filter.redacted(text).into_owned();
            *text = redacted;
        }
    };
    for message in &mut inference.messages {
        for part in &mut message.content {
            if let Part::Text { text, .. } = part {
                replace(text);
            }
        }
        for call in &mut message.tool_calls {
            replace(&mut call.arguments);
        }
    }
    // The same in the body as it came, which a provider of that API gets.
    let native = inference.native.as_mut().map(|native| &mut native.fields);
    for fields in [Some(&mut inference.raw), native].into_iter().flatten() {
        for name in SPOKEN {
            if let Some(field) = fields.get_mut(name) {
                redact_raw(field, &replace);
            }
        }
    }
}

fn redact_raw(field: &mut Box<RawValue>, replace: &impl Fn(&mut String)) {
    let Ok(mut value) = serde_json::from_str::<Value>(field.get()) else { return };
    walk(&mut value, true, replace);
    if let Ok(raw) = to_raw_value(&value) {
        *field = raw;
    }
}

fn walk(value: &mut Value, is_text: bool, replace: &impl Fn(&mut String)) {
    match value {
        Value::String(text) if is_text => replace(text),
        Value::Array(items) => items.iter_mut().for_each(|item| walk(item, is_text, replace)),
        Value::Object(fields) => {
            for (name, value) in fields {
                walk(value, TEXTS.contains(&name.as_str()), replace);
            }
        }
        _ => {}
    }
}
