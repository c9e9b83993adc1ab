//! Reasoning items: how `reasoning_details` travel as items of this API, and back.

use std::borrow::Cow;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Map, Value, json};

use crate::dialects::reasoning;

/// Encrypted by OpenAI, for this API only.
pub(super) const FORMAT: &str = "openai-responses-v1";

/// Opens an `encrypted_content` that holds whole entries of another provider:
/// many clients keep of an item only its summary and this field.
const ENVELOPE: &str = "details.v1.";

/// The format the item's `encrypted_content` has by itself: any provider of this API.
fn is_of_this_api(format: &str) -> bool {
    format.ends_with("-responses-v1")
}

pub(super) fn format_of(detail: &Value) -> &str {
    detail.get("format").and_then(Value::as_str).unwrap_or(reasoning::UNKNOWN)
}

/// What tells the item an entry belongs to from the next item: entries of this
/// API name it, others count.
pub(super) fn key_of(detail: &Value) -> String {
    let text = |key: &str| detail.get(key).and_then(Value::as_str);
    match text("id").filter(|_| is_of_this_api(format_of(detail))) {
        Some(id) => id.to_owned(),
        None => format!("{}/{}", format_of(detail), detail.get("index").unwrap_or(&Value::Null)),
    }
}

/// A finished reasoning item: `id`, then what its `details` say.
pub(super) fn item(id: &str, status: &str, details: &[Value]) -> Value {
    let words = |kind: &str, part: &str| -> Vec<Value> {
        let of_kind = details.iter().filter(|detail| detail.get("type").is_some_and(|own| own == kind));
        of_kind.filter_map(reasoning::words).map(|text| json!({ "type": part, "text": text })).collect()
    };
    let summary = words("reasoning.summary", "summary_text");
    let content = words("reasoning.text", "reasoning_text");
    let mut item = json!({ "type": "reasoning", "id": id, "status": status, "summary": summary });
    let Some(fields) = item.as_object_mut() else { return item };
    if !content.is_empty() {
        fields.insert("content".to_owned(), Value::from(content));
    }
    if let Some(first) = details.first() {
        fields.insert("format".to_owned(), Value::from(format_of(first)));
    }
    if let Some(signature) = details.iter().find_map(|detail| detail.get("signature").filter(|own| own.is_string())) {
        fields.insert("signature".to_owned(), signature.clone());
    }
    if let Some(opaque) = encrypted_content(details) {
        fields.insert("encrypted_content".to_owned(), Value::from(opaque));
    }
    item
}

/// What only the provider can read of these entries.
fn encrypted_content(details: &[Value]) -> Option<String> {
    let is_opaque = |detail: &&Value| detail.get("data").is_some() || detail.get("signature").is_some();
    let opaque = details.iter().find(is_opaque)?;
    if is_of_this_api(format_of(opaque)) {
        return opaque.get("data")?.as_str().map(str::to_owned);
    }
    let json = serde_json::to_vec(details).ok()?;
    Some(format!("{ENVELOPE}{}", URL_SAFE_NO_PAD.encode(json)))
}

/// The entries a reasoning item the caller sends back stands for.
pub(super) fn details(item: &Map<String, Value>, index: u32) -> Vec<Value> {
    let text = |key: &str| item.get(key).and_then(Value::as_str).filter(|text| !text.is_empty());
    let opaque = text("encrypted_content");
    if let Some(details) = opaque.and_then(opened) {
        return details;
    }
    let format = text("format").unwrap_or(if opaque.is_some() { FORMAT } else { reasoning::UNKNOWN });
    let mut details = Vec::new();
    let mut add = |mut detail: Value| {
        if let (Some(id), Some(fields)) = (text("id"), detail.as_object_mut()) {
            fields.insert("id".to_owned(), Value::from(id));
        }
        details.push(detail);
    };
    for words in texts(item, "summary") {
        add(json!({ "type": "reasoning.summary", "summary": words, "format": format, "index": index }));
    }
    let words: Vec<_> = texts(item, "content").collect();
    if !words.is_empty() {
        add(reasoning::text_detail(&words.join("\n\n"), format, index));
    }
    if let Some(signature) = text("signature") {
        add(reasoning::signature_detail(signature, format, index));
    }
    if let Some(data) = opaque {
        add(reasoning::encrypted_detail(data, format, index, None));
    }
    let mut joined = Vec::with_capacity(details.len());
    for detail in details {
        // Parts of a summary stay apart; words and their signature are one entry.
        if detail.get("summary").is_some() { joined.push(detail) } else { reasoning::append(&mut joined, detail) }
    }
    joined
}

fn texts<'a>(item: &'a Map<String, Value>, key: &str) -> impl Iterator<Item = &'a str> {
    item.get(key).and_then(Value::as_array).into_iter().flatten().filter_map(|part| part.get("text")?.as_str())
}

fn opened(opaque: &str) -> Option<Vec<Value>> {
    let bytes = URL_SAFE_NO_PAD.decode(opaque.strip_prefix(ENVELOPE)?).ok()?;
    serde_json::from_slice(&bytes).ok()
}

/// The items that carry `details` back to a provider of this API whose entries
/// are in `format`. An item the provider cannot verify is left out whole.
pub(super) fn replayed(details: &[Value], format: &str) -> Vec<Value> {
    let mut groups: Vec<(Cow<'_, str>, Vec<&Value>)> = Vec::new();
    for detail in details.iter().filter(|detail| format_of(detail) == format) {
        let key = key_of(detail);
        match groups.iter_mut().find(|(known, _)| *known == key) {
            Some((_, group)) => group.push(detail),
            None => groups.push((Cow::Owned(key), vec![detail])),
        }
    }
    groups.into_iter().filter_map(|(_, group)| replayed_item(&group)).collect()
}

fn replayed_item(details: &[&Value]) -> Option<Value> {
    let text = |key: &str| details.iter().find_map(|detail| detail.get(key)?.as_str());
    let data = text("data")?;
    let summary: Vec<Value> = details
        .iter()
        .filter_map(|detail| detail.get("summary")?.as_str())
        .map(|words| json!({ "type": "summary_text", "text": words }))
        .collect();
    let mut item = json!({ "type": "reasoning", "summary": summary, "encrypted_content": data });
    if let (Some(id), Some(fields)) = (text("id"), item.as_object_mut()) {
        fields.insert("id".to_owned(), Value::from(id));
    }
    Some(item)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sent_back(item: &Value) -> Vec<Value> {
        details(item.as_object().unwrap(), 0)
    }

    #[test]
    fn signed_words_survive_a_client_that_keeps_only_the_encrypted_content() {
        let mut entry = reasoning::text_detail("Let me think.", reasoning::ANTHROPIC, 0);
        entry["signature"] = Value::from("sig");
        let mut item = item("rs_1", "completed", std::slice::from_ref(&entry));
        assert_eq!(item["content"][0]["text"], "Let me think.");
        assert_eq!(item["signature"], "sig");
        assert_eq!(sent_back(&item), [entry.clone()]);
        for lost in ["content", "format", "signature", "status"] {
            item.as_object_mut().unwrap().remove(lost);
        }
        assert_eq!(sent_back(&item), [entry]);
    }

    #[test]
    fn openais_own_items_keep_their_id_and_their_bytes() {
        let summary =
            json!({ "type": "reasoning.summary", "summary": "Hm.", "format": FORMAT, "index": 0, "id": "rs_9" });
        let sealed = reasoning::encrypted_detail("gAAA", FORMAT, 0, Some("rs_9"));
        let entries = vec![summary, sealed];
        let item = item("rs_9", "completed", &entries);
        assert_eq!(item["encrypted_content"], "gAAA");
        assert_eq!(sent_back(&item), entries);
        let again = replayed(&entries, FORMAT);
        assert_eq!(
            again,
            [json!({
                "type": "reasoning",
                "id": "rs_9",
                "summary": [{ "type": "summary_text", "text": "Hm." }],
                "encrypted_content": "gAAA",
            })]
        );
    }

    #[test]
    fn foreign_reasoning_is_not_shown_to_a_provider_of_this_api() {
        let entries = [reasoning::encrypted_detail("x", reasoning::GEMINI, 0, None)];
        assert!(replayed(&entries, FORMAT).is_empty());
        let unsealed = [json!({ "type": "reasoning.summary", "summary": "Hm.", "format": FORMAT, "id": "rs_1" })];
        assert!(replayed(&unsealed, FORMAT).is_empty());
    }
}
