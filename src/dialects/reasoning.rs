//! `reasoning_details`: how opaque reasoning survives a client that speaks OpenAI.
//!
//! Entries are JSON objects as the original shapes them; the formats name whose
//! signature they carry, so that none is ever shown to the wrong provider.

use base64::Engine as _;
use base64::alphabet::{STANDARD, URL_SAFE};
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use serde_json::{Map, Value, json};

use super::inference::{Message, Reasoning};
use super::{Dialect, Quirks};

/// Signed by Anthropic; valid for Claude wherever it is hosted.
pub const ANTHROPIC: &str = "anthropic-claude-v1";
/// Signed by Google.
pub const GEMINI: &str = "google-gemini-v1";
/// Words without a signature.
pub const UNKNOWN: &str = "unknown";

/// The next words of the reasoning text number `index`.
#[must_use]
pub fn text_detail(text: &str, format: &str, index: u32) -> Value {
    json!({ "type": "reasoning.text", "text": text, "format": format, "index": index })
}

/// The signature that closes the reasoning text number `index`.
#[must_use]
pub fn signature_detail(signature: &str, format: &str, index: u32) -> Value {
    json!({ "type": "reasoning.text", "signature": signature, "format": format, "index": index })
}

/// Reasoning only its provider can read. `id` is the tool call it belongs to.
#[must_use]
pub fn encrypted_detail(data: &str, format: &str, index: u32, id: Option<&str>) -> Value {
    let mut detail = json!({ "type": "reasoning.encrypted", "data": data, "format": format, "index": index });
    if let (Some(id), Some(fields)) = (id, detail.as_object_mut()) {
        fields.insert("id".to_owned(), Value::from(id));
    }
    detail
}

/// What a person can read in an entry.
#[must_use]
pub fn words(detail: &Value) -> Option<&str> {
    let key = match detail.get("type")?.as_str()? {
        "reasoning.text" => "text",
        "reasoning.summary" => "summary",
        _ => return None,
    };
    detail.get(key)?.as_str().filter(|words| !words.is_empty())
}

/// Appends `detail` to `details`, joining it with the last entry when both are
/// pieces of one text.
pub fn append(details: &mut Vec<Value>, detail: Value) {
    if let Some(last) = details.last_mut()
        && continues(last, &detail)
        && let (Some(old), Value::Object(new)) = (last.as_object_mut(), &detail)
    {
        join(old, new);
        return;
    }
    details.push(detail);
}

fn continues(last: &Value, next: &Value) -> bool {
    let same = |key: &str| last.get(key) == next.get(key);
    let kind = next.get("type").and_then(Value::as_str);
    let is_text = matches!(kind, Some("reasoning.text" | "reasoning.summary"));
    let is_signed = last.get("signature").is_some_and(Value::is_string);
    let has_words = words(next).is_some();
    // `part` tells the paragraphs of a summary apart.
    let is_same = ["type", "index", "format", "part"].into_iter().all(same);
    is_text && is_same && !(is_signed && has_words)
}

fn join(old: &mut Map<String, Value>, new: &Map<String, Value>) {
    for (key, value) in new {
        match (old.get_mut(key), value) {
            (Some(Value::String(before)), Value::String(more)) if key == "text" || key == "summary" => {
                before.push_str(more);
            }
            (Some(before), _) if before.is_null() => *before = value.clone(),
            (None, _) if !value.is_null() => {
                old.insert(key.clone(), value.clone());
            }
            _ => {}
        }
    }
}

/// Marks an entry in the place of another protocol's opaque reasoning.
const WRAPPED: &[u8] = b"patchbay:";

/// `detail` as a string for a protocol that has a place for opaque reasoning
/// only of its own provider; its clients send it back unchanged.
pub(super) fn wrapped(detail: &Value) -> String {
    let text = [WRAPPED, detail.to_string().as_bytes()].concat();
    base64::engine::general_purpose::STANDARD.encode(text)
}

/// The entry in a string that [`wrapped`] made. Some clients write it in the
/// other alphabet of base64, or without padding.
pub(super) fn unwrapped(text: &str) -> Option<Value> {
    let config = GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent);
    let bytes =
        [STANDARD, URL_SAFE].iter().find_map(|alphabet| GeneralPurpose::new(alphabet, config).decode(text).ok())?;
    serde_json::from_slice(bytes.strip_prefix(WRAPPED)?).ok()
}

/// The entries of an earlier turn in `format`, pieces joined. Signed entries
/// without a format count: some clients lose that field.
pub(super) fn replayable(message: &Message, format: &str) -> Vec<Value> {
    let mut details = Vec::new();
    for detail in &message.reasoning_details {
        let said = detail.get("format").and_then(Value::as_str).unwrap_or(UNKNOWN);
        if said == format || (said == UNKNOWN && format == ANTHROPIC && detail.get("signature").is_some()) {
            append(&mut details, detail.clone());
        }
    }
    details
}

/// Whether a provider of `dialect` takes opaque reasoning in `format` back.
#[must_use]
pub fn is_read_by(format: &str, dialect: Dialect, quirks: &Quirks, upstream_model: &str) -> bool {
    match dialect {
        Dialect::AnthropicMessages | Dialect::BedrockAnthropic | Dialect::VertexAnthropic => format == ANTHROPIC,
        Dialect::BedrockConverse if upstream_model.contains("claude") => format == ANTHROPIC,
        Dialect::BedrockConverse => format == super::converse::OPAQUE,
        Dialect::Gemini => format == GEMINI,
        Dialect::OpenaiResponses => format == super::responses::format(quirks),
        Dialect::CohereV2 => format == super::cohere::FORMAT,
        // A router passes it on to whoever it belongs to.
        Dialect::OpenaiChat => quirks.keeps_reasoning_object,
        Dialect::Ollama => false,
    }
}

/// The tokens to think with that `reasoning` asks for, out of `max_tokens`.
pub(super) fn budget(reasoning: &Reasoning, max_tokens: u64) -> u64 {
    if let Some(tokens) = reasoning.max_tokens {
        return tokens;
    }
    // The shares are the original's.
    let percent = match reasoning.effort.as_deref() {
        Some("max" | "xhigh") => 95,
        Some("high") => 80,
        Some("low") => 20,
        Some("minimal") => 10,
        _ => 50,
    };
    max_tokens.saturating_mul(percent) / 100
}

/// The effort that comes nearest to what `reasoning` asks for.
pub(super) fn effort(reasoning: &Reasoning, max_tokens: Option<u64>) -> &str {
    if let Some(effort) = reasoning.effort.as_deref() {
        return effort;
    }
    let (Some(budget), Some(limit)) = (reasoning.max_tokens, max_tokens) else { return "medium" };
    match budget.saturating_mul(100) / limit.max(1) {
        0..15 => "minimal",
        15..35 => "low",
        35..65 => "medium",
        65..90 => "high",
        _ => "xhigh",
    }
}

/// Thinking was explicitly refused.
pub(super) fn is_off(reasoning: &Reasoning) -> bool {
    reasoning.enabled == Some(false) || (reasoning.enabled.is_none() && reasoning.effort.as_deref() == Some("none"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_of_one_text_become_one_entry_and_the_next_text_another() {
        let mut details = Vec::new();
        append(&mut details, text_detail("Let me ", ANTHROPIC, 0));
        append(&mut details, text_detail("think.", ANTHROPIC, 0));
        append(&mut details, signature_detail("sig", ANTHROPIC, 0));
        append(&mut details, encrypted_detail("blob", ANTHROPIC, 1, None));
        append(&mut details, text_detail("More.", ANTHROPIC, 2));
        assert_eq!(details.len(), 3);
        assert_eq!(details[0]["text"], "Let me think.");
        assert_eq!(details[0]["signature"], "sig");
        assert_eq!(words(&details[1]), None);
        assert_eq!(words(&details[2]), Some("More."));
    }

    #[test]
    fn a_wrapped_entry_survives_both_alphabets() {
        let detail = encrypted_detail("??>>~~", GEMINI, 3, Some("call_1"));
        let text = wrapped(&detail);
        assert_eq!(unwrapped(&text), Some(detail.clone()));
        let other = text.replace('+', "-").replace('/', "_");
        assert_eq!(unwrapped(other.trim_end_matches('=')), Some(detail));
        assert_eq!(unwrapped("c2ltdWxhdGVk"), None);
    }

    #[test]
    fn foreign_signatures_are_not_replayed() {
        let message = Message {
            reasoning_details: vec![encrypted_detail("g", GEMINI, 0, None), signature_detail("a", ANTHROPIC, 1)],
            ..Message::default()
        };
        assert_eq!(replayable(&message, GEMINI).len(), 1);
        assert_eq!(replayable(&message, ANTHROPIC)[0]["signature"], "a");
    }
}
