//! For what a provider reports beside its answer: an odd count must not cost the
//! caller the answer.

use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer};
use serde_json::Value;
use serde_json::value::RawValue;

/// A value of a form that is not known is read as absent.
pub(super) fn or_absent<'de, D: Deserializer<'de>, T: DeserializeOwned>(
    deserializer: D,
) -> Result<Option<T>, D::Error> {
    let value = Option::<Value>::deserialize(deserializer)?;
    Ok(value.and_then(|value| serde_json::from_value(value).ok()))
}

/// The same for values that borrow from the text they stand in.
pub(super) fn own_or_absent<'de, D: Deserializer<'de>, T: Deserialize<'de>>(
    deserializer: D,
) -> Result<Option<T>, D::Error> {
    let raw = Option::<&'de RawValue>::deserialize(deserializer)?;
    Ok(raw.and_then(|raw| serde_json::from_str(raw.get()).ok()))
}

/// The same for counts, which may be written as `12.0`; negative ones are absent.
pub(super) fn counts_or_absent<'de, D: Deserializer<'de>, T: DeserializeOwned>(
    deserializer: D,
) -> Result<Option<T>, D::Error> {
    let value = Option::<Value>::deserialize(deserializer)?.map(with_whole_counts);
    Ok(value.and_then(|value| serde_json::from_value(value).ok()))
}

/// Counts in text that is read on its own.
pub(super) fn counts<T: DeserializeOwned>(json: &str) -> Option<T> {
    let value: Value = serde_json::from_str(json).ok()?;
    serde_json::from_value(with_whole_counts(value)).ok()
}

fn with_whole_counts(value: Value) -> Value {
    match value {
        Value::Number(number) => match number.as_f64() {
            Some(float) if number.is_f64() && float >= 0.0 && float.fract() == 0.0 => {
                // Written without its fraction it is a whole number, if it is not too large.
                format!("{float:.0}").parse::<u64>().map_or(Value::Null, Value::from)
            }
            Some(float) if float < 0.0 => Value::Null,
            _ => Value::Number(number),
        },
        Value::Array(items) => items.into_iter().map(with_whole_counts).collect(),
        Value::Object(fields) => {
            Value::Object(fields.into_iter().map(|(name, value)| (name, with_whole_counts(value))).collect())
        }
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use crate::dialects::{Delta, Dialect, Quirks, Usage};

    /// The counts of an answer with this usage, and how much else it holds.
    fn read(dialect: Dialect, body: &Value) -> (Usage, usize) {
        let deltas = dialect.upstream().decode_whole(&Quirks::default(), body.to_string().as_bytes()).unwrap();
        let mut usage = Usage::default();
        for delta in &deltas {
            if let Delta::Usage(newer) = delta {
                usage.merge(newer);
            }
        }
        (usage, deltas.iter().filter(|delta| matches!(delta, Delta::Text { .. })).count())
    }

    use super::Value;

    fn bodies(usage: &Value) -> Vec<(Dialect, Value)> {
        vec![
            (
                Dialect::OpenaiChat,
                json!({ "choices": [{ "index": 0, "message": { "role": "assistant", "content": "a" },
                    "finish_reason": "stop" }], "usage": usage }),
            ),
            (
                Dialect::AnthropicMessages,
                json!({ "content": [{ "type": "text", "text": "a" }], "stop_reason": "end_turn", "usage": usage }),
            ),
            (
                Dialect::Gemini,
                json!({ "candidates": [{ "content": { "parts": [{ "text": "a", "thought": null }] },
                    "finishReason": "STOP" }], "usageMetadata": usage }),
            ),
            (
                Dialect::OpenaiResponses,
                json!({ "status": "completed", "usage": usage, "output": [{ "type": "message",
                    "content": [{ "type": "output_text", "text": "a" }] }] }),
            ),
            (
                Dialect::BedrockConverse,
                json!({ "output": { "message": { "content": [{ "text": "a" }] } }, "stopReason": "end_turn",
                    "usage": usage }),
            ),
            (
                Dialect::CohereV2,
                json!({ "message": { "content": [{ "type": "text", "text": "a" }] }, "finish_reason": "COMPLETE",
                    "usage": usage }),
            ),
        ]
    }

    #[test]
    fn usage_nobody_understands_does_not_cost_the_answer() {
        for usage in [
            json!("none"),
            json!([]),
            json!(null),
            json!({ "input_tokens": {}, "inputTokens": "x",
            "promptTokenCount": [1], "prompt_tokens": "y", "tokens": 3 }),
        ] {
            for (dialect, body) in bodies(&usage) {
                assert_eq!(read(dialect, &body), (Usage::default(), 1), "{dialect:?}: {usage}");
            }
        }
    }

    #[test]
    fn odd_fields_beside_the_answer_do_not_cost_it() {
        let body = json!({ "id": 7, "model": ["m"], "x_groq": "x", "choices": [{ "index": 0, "finish_reason": "stop",
            "native_finish_reason": 3, "message": { "content": "a", "refusal": false, "annotations": {},
            "images": "none", "reasoning_details": "r", "tool_calls": [
                { "id": 5, "type": "function", "function": { "name": "f", "arguments": "{}" } }] } }] });
        let deltas = Dialect::OpenaiChat.upstream().decode_whole(&Quirks::default(), body.to_string().as_bytes());
        let deltas = deltas.unwrap();
        assert!(deltas.iter().any(|delta| matches!(delta, Delta::Text { text, .. } if text == "a")));
        assert!(deltas.iter().any(|delta| matches!(delta, Delta::ToolCall { name: Some(name), .. } if name == "f")));
    }

    #[test]
    fn counts_may_be_written_with_a_fraction_and_are_never_negative() {
        let usage = json!({ "input_tokens": 7.0, "inputTokens": 7.0, "promptTokenCount": 7.0, "prompt_tokens": 7.0,
            "tokens": { "input_tokens": 7.0, "output_tokens": -1 }, "output_tokens": -1, "outputTokens": -1,
            "candidatesTokenCount": -1, "completion_tokens": -1 });
        for (dialect, body) in bodies(&usage) {
            let (usage, _) = read(dialect, &body);
            assert_eq!((usage.prompt_tokens, usage.completion_tokens), (Some(7), None), "{dialect:?}");
        }
    }
}
