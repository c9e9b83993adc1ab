//! A request that came in Gemini's own protocol: its fields go out as they came
//! in, except those the gateway keeps to itself.

use std::borrow::Cow;

use indexmap::IndexMap;
use serde_json::Value;
use serde_json::value::{RawValue, to_raw_value};

use super::contents::NO_SIGNATURE;
use super::untranslatable;
use crate::dialects::inference::{Inference, Native};
use crate::dialects::{Target, Untranslatable, WebSearch, reasoning};

/// Fields that are meant for the gateway, not for the provider. The last two
/// change the provider's bill in ways no price of the catalog covers.
const GATEWAY_FIELDS: [&str; 12] = [
    "model",
    "models",
    "provider",
    "plugins",
    "route",
    "transforms",
    "session_id",
    "trace",
    "user",
    "debug",
    "serviceTier",
    "service_tier",
];

/// `needs_signatures` says that the model refuses calls without one.
pub(super) fn body(
    target: &Target<'_>,
    inference: &Inference,
    native: &Native,
    needs_signatures: bool,
) -> Result<Vec<u8>, Untranslatable> {
    let mut fields: IndexMap<&str, Cow<'_, RawValue>> = IndexMap::with_capacity(native.fields.len());
    for (name, value) in &native.fields {
        let is_dropped = target.quirks.drops.iter().any(|dropped| dropped == name);
        if !is_dropped && !GATEWAY_FIELDS.contains(&name.as_str()) && value.get() != "null" {
            fields.insert(name, Cow::Borrowed(&**value));
        }
    }
    if let Some(raw) = native.fields.get("contents")
        && let Some(contents) = signed(raw, needs_signatures)?
    {
        let raw = to_raw_value(&contents).map_err(|error| untranslatable("contents", error))?;
        fields.insert("contents", Cow::Owned(raw));
    }
    if inference.web_search.is_some() {
        let raw =
            tools(native).and_then(|tools| to_raw_value(&tools)).map_err(|error| untranslatable("tools", error))?;
        fields.insert("tools", Cow::Owned(raw));
    }
    serde_json::to_vec(&fields).map_err(|error| untranslatable("body", error))
}

/// The caller's tools, and the search if it is not among them.
fn tools(native: &Native) -> serde_json::Result<Vec<Value>> {
    let own = native.fields.get("tools").map(|raw| &**raw);
    let mut tools: Vec<Value> = own.map(|raw| serde_json::from_str(raw.get())).transpose()?.unwrap_or_default();
    if !tools.iter().any(|tool| tool.get("googleSearch").or_else(|| tool.get("google_search")).is_some()) {
        tools.push(WebSearch::as_gemini_tool());
    }
    Ok(tools)
}

/// The contents without other companies' signatures, and with the documented
/// stand-in where a call has none. `None` when they can stay as they are.
fn signed(raw: &RawValue, needs_signatures: bool) -> Result<Option<Value>, Untranslatable> {
    let text = raw.get();
    let has_calls = text.contains("\"functionCall\"") || text.contains("\"function_call\"");
    let has_signatures = text.contains("\"thoughtSignature\"") || text.contains("\"thought_signature\"");
    let may_change = has_signatures || (needs_signatures && has_calls);
    if !may_change {
        return Ok(None);
    }
    let mut contents: Value = serde_json::from_str(text).map_err(|error| untranslatable("contents", error))?;
    let mut is_changed = false;
    for content in contents.as_array_mut().into_iter().flatten() {
        let Some(parts) = content.get_mut("parts").and_then(Value::as_array_mut) else { continue };
        let before = parts.len();
        for part in parts.iter_mut().filter_map(Value::as_object_mut) {
            is_changed |= disown(part);
        }
        // A part that held nothing but the signature.
        parts.retain(|part| part != &serde_json::json!({ "text": "" }));
        is_changed |= parts.len() != before;
        if needs_signatures {
            is_changed |= excuse(parts);
        }
    }
    Ok(is_changed.then_some(contents))
}

/// Takes another company's signature off a part.
fn disown(part: &mut serde_json::Map<String, Value>) -> bool {
    let is_foreign = |name: &&str| {
        let signature = part.get(*name).and_then(Value::as_str);
        signature.is_some_and(|signature| reasoning::unwrapped(signature).is_some())
    };
    let Some(name) = ["thoughtSignature", "thought_signature"].into_iter().find(is_foreign) else { return false };
    part.shift_remove(name);
    true
}

/// Signs the first call of a turn if nobody has.
fn excuse(parts: &mut [Value]) -> bool {
    let is_call = |part: &&mut Value| part.get("functionCall").or_else(|| part.get("function_call")).is_some();
    let Some(Value::Object(call)) = parts.iter_mut().find(is_call) else { return false };
    if call.contains_key("thoughtSignature") || call.contains_key("thought_signature") {
        return false;
    }
    call.insert("thoughtSignature".to_owned(), Value::from(NO_SIGNATURE));
    true
}
