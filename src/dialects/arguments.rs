//! Tool arguments between the dialects that write them as JSON text and those
//! that write them as an object.

use std::borrow::Cow;

use serde_json::value::RawValue;

/// `arguments` as a JSON object, keys and numbers untouched. Models write empty
/// text, broken JSON and JSON inside a string; none of it may fail a request.
pub(super) fn object(arguments: &str) -> Box<RawValue> {
    let mut text = Cow::Borrowed(arguments.trim());
    for _ in 0..2 {
        if text.starts_with('{')
            && let Ok(raw) = RawValue::from_string(text.clone().into_owned())
        {
            return raw;
        }
        match serde_json::from_str::<String>(&text) {
            Ok(inner) => text = Cow::Owned(inner.trim().to_owned()),
            Err(_) => break,
        }
    }
    if text.is_empty() { wrapped("{}".to_owned()) } else { wrapped(serde_json::json!({ "input": text }).to_string()) }
}

/// `text` as a JSON object: as it is if it is one, else under `key`.
pub(super) fn object_or_wrapped(text: &str, key: &str) -> Box<RawValue> {
    let trimmed = text.trim();
    if trimmed.starts_with('{')
        && let Ok(raw) = RawValue::from_string(trimmed.to_owned())
    {
        return raw;
    }
    wrapped(serde_json::json!({ key: text }).to_string())
}

/// The JSON text of arguments that came as text, as an object, or not at all.
pub(super) fn text(raw: &RawValue) -> String {
    match raw.get() {
        "null" => String::new(),
        quoted if quoted.starts_with('"') => serde_json::from_str(quoted).unwrap_or_default(),
        other => other.to_owned(),
    }
}

fn wrapped(json: String) -> Box<RawValue> {
    RawValue::from_string(json).unwrap_or_else(|_| RawValue::NULL.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arguments_become_an_object_whatever_the_model_wrote() {
        assert_eq!(object("").get(), "{}");
        assert_eq!(object("{\"b\":7006652.0,\"a\":1}").get(), "{\"b\":7006652.0,\"a\":1}");
        assert_eq!(object("\"{\\\"a\\\":1}\"").get(), "{\"a\":1}");
        assert_eq!(object("{broken").get(), "{\"input\":\"{broken\"}");
        assert_eq!(object("\"\"").get(), "{}");
    }

    #[test]
    fn results_are_wrapped_unless_they_are_objects() {
        assert_eq!(object_or_wrapped("{\"a\": 1}", "result").get(), "{\"a\": 1}");
        assert_eq!(object_or_wrapped("sunny", "result").get(), "{\"result\":\"sunny\"}");
    }
}
