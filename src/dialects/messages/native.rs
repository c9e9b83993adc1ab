//! A request that came in Anthropic's own protocol: its fields go out as they
//! came in, except those the gateway keeps to itself.

use std::borrow::Cow;

use indexmap::IndexMap;
use serde_json::Value;
use serde_json::value::{RawValue, to_raw_value};

use super::{request, untranslatable};
use crate::dialects::inference::{Inference, Native};
use crate::dialects::web_search::with_tool;
use crate::dialects::{Target, Untranslatable, reasoning};

/// Fields that are meant for the gateway, not for the provider. The last three
/// change the provider's bill in ways no price of the catalog covers.
const GATEWAY_FIELDS: [&str; 14] = [
    "models",
    "fallbacks",
    "provider",
    "plugins",
    "route",
    "transforms",
    "session_id",
    "trace",
    "user",
    "debug",
    "stop_server_tools_when",
    "service_tier",
    "speed",
    "inference_geo",
];

pub(super) fn body(target: &Target<'_>, inference: &Inference, native: &Native) -> Result<Vec<u8>, Untranslatable> {
    let raw = |value: Value| to_raw_value(&value).map(Cow::Owned).map_err(|error| untranslatable("body", error));
    let mut fields: IndexMap<&str, Cow<'_, RawValue>> = IndexMap::with_capacity(native.fields.len());
    fields.insert("model", raw(Value::from(target.model))?);
    fields.insert("max_tokens", raw(Value::from(request::max_tokens(target, inference)))?);
    for (name, value) in &native.fields {
        let name = name.as_str();
        let is_ours = fields.contains_key(name) || name == "stream" || GATEWAY_FIELDS.contains(&name);
        if is_ours || value.get() == "null" || target.quirks.drops.iter().any(|dropped| dropped == name) {
            continue;
        }
        fields.insert(name, Cow::Borrowed(&**value));
    }
    if let Some(turns) = native.fields.get("messages").map(|raw| without_foreign_thinking(raw)).transpose()?.flatten() {
        let is_fixed = native.fields.get("thinking").is_some_and(|raw| raw.get().contains("budget_tokens"));
        if is_fixed && is_loop(&turns) {
            fields.shift_remove("thinking");
        }
        fields.insert("messages", raw(Value::from(turns))?);
    }
    if let Some(search) = &inference.web_search {
        let own = native.fields.get("tools").map(|raw| &**raw);
        let tools = with_tool(own, search.as_anthropic_tool()).map_err(|error| untranslatable("tools", error))?;
        fields.insert("tools", raw(Value::from(tools))?);
    }
    if let Some(user) = inference.user.as_ref().filter(|_| !native.fields.contains_key("metadata")) {
        fields.insert("metadata", raw(serde_json::json!({ "user_id": user }))?);
    }
    if inference.is_streamed {
        fields.insert("stream", raw(Value::from(true))?);
    }
    serde_json::to_vec(&fields).map_err(|error| untranslatable("body", error))
}

/// The turns as they came, without the thinking of other companies' models:
/// Anthropic refuses what it has not signed. `None` when there is none.
fn without_foreign_thinking(raw: &RawValue) -> Result<Option<Vec<Value>>, Untranslatable> {
    if !raw.get().contains("thinking\"") {
        return Ok(None);
    }
    let mut turns: Vec<Value> = serde_json::from_str(raw.get()).map_err(|error| untranslatable("messages", error))?;
    let mut is_changed = false;
    for turn in &mut turns {
        let Some(blocks) = turn.get_mut("content").and_then(Value::as_array_mut) else { continue };
        let before = blocks.len();
        blocks.retain(|block| !is_foreign(block));
        is_changed |= blocks.len() != before;
    }
    turns.retain(|turn| turn.get("content").and_then(Value::as_array).is_none_or(|blocks| !blocks.is_empty()));
    Ok(is_changed.then_some(turns))
}

fn is_foreign(block: &Value) -> bool {
    let text = |key: &str| block.get(key).and_then(Value::as_str).unwrap_or_default();
    match text("type") {
        "thinking" => text("signature").is_empty(),
        "redacted_thinking" => reasoning::unwrapped(text("data")).is_some(),
        _ => false,
    }
}

/// The last turn answers tools: the older models refuse to think on in a loop
/// whose thinking is not there.
fn is_loop(turns: &[Value]) -> bool {
    let blocks = turns.last().and_then(|turn| turn.get("content")?.as_array());
    blocks.is_some_and(|blocks| blocks.iter().any(|block| block.get("type").is_some_and(|kind| kind == "tool_result")))
}
