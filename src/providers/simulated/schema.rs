//! A value that fits a JSON Schema, with words from the question where they fit.

use serde_json::{Map, Number, Value, json};

/// How deep a recursive schema is followed.
const DEPTH: usize = 8;

/// The value for `schema`; `question` lends its names.
pub fn value(schema: &Value, question: &str) -> Value {
    Maker { root: schema, question }.make(schema, "", DEPTH)
}

struct Maker<'a> {
    root: &'a Value,
    question: &'a str,
}

impl Maker<'_> {
    fn make(&self, schema: &Value, name: &str, depth: usize) -> Value {
        if depth == 0 {
            return Value::Null;
        }
        if let Some(constant) = schema.get("const") {
            return constant.clone();
        }
        if let Some(choices) = schema.get("enum").and_then(Value::as_array) {
            return self.choose(choices);
        }
        if let Some(target) = schema.get("$ref").and_then(Value::as_str) {
            let pointer = target.trim_start_matches('#');
            return self.root.pointer(pointer).map_or(Value::Null, |schema| self.make(schema, name, depth - 1));
        }
        for combined in ["anyOf", "oneOf"] {
            if let Some(options) = schema.get(combined).and_then(Value::as_array) {
                let is_null = |option: &&Value| option.get("type").and_then(Value::as_str) == Some("null");
                let option = options.iter().find(|option| !is_null(option)).or(options.first());
                return option.map_or(Value::Null, |option| self.make(option, name, depth - 1));
            }
        }
        if let Some(parts) = schema.get("allOf").and_then(Value::as_array) {
            return self.make(&merged(schema, parts), name, depth - 1);
        }
        match kind(schema) {
            "object" => self.object(schema, depth),
            "array" => self.array(schema, name, depth),
            "integer" => number(schema, true),
            "number" => number(schema, false),
            "boolean" => Value::Bool(true),
            "null" => Value::Null,
            _ => Value::String(self.text(schema, name)),
        }
    }

    /// The choice that the question names, else the first.
    fn choose(&self, choices: &[Value]) -> Value {
        let question = self.question.to_lowercase();
        let named = choices.iter().find(|choice| choice.as_str().is_some_and(|c| question.contains(&c.to_lowercase())));
        named.or(choices.first()).cloned().unwrap_or(Value::Null)
    }

    fn object(&self, schema: &Value, depth: usize) -> Value {
        let empty = Map::new();
        let properties = schema.get("properties").and_then(Value::as_object).unwrap_or(&empty);
        let required: Vec<&str> =
            schema.get("required").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str).collect();
        let mut out = Map::new();
        for (name, schema) in properties {
            // Deep down only what must be there, so that a recursive schema ends.
            if depth > DEPTH / 2 || required.contains(&name.as_str()) {
                out.insert(name.clone(), self.make(schema, name, depth - 1));
            }
        }
        Value::Object(out)
    }

    fn array(&self, schema: &Value, name: &str, depth: usize) -> Value {
        let limit = |key: &str| schema.get(key).and_then(Value::as_u64);
        let count = limit("minItems").unwrap_or(1).max(1).min(limit("maxItems").unwrap_or(u64::MAX)).min(16);
        let items = schema.get("items").cloned().unwrap_or_else(|| json!({ "type": "string" }));
        (0..count).map(|_| self.make(&items, name, depth - 1)).collect()
    }

    fn text(&self, schema: &Value, name: &str) -> String {
        let formatted = match schema.get("format").and_then(Value::as_str) {
            Some("date") => Some("2026-01-15"),
            Some("date-time") => Some("2026-01-15T12:00:00Z"),
            Some("time") => Some("12:00:00Z"),
            Some("email") => Some("someone@example.com"),
            Some("uri" | "url") => Some("https://example.com/"),
            Some("uuid") => Some("00000000-0000-4000-8000-000000000000"),
            Some("ipv4") => Some("192.0.2.1"),
            _ => None,
        };
        if let Some(text) = formatted {
            return text.to_owned();
        }
        let places = ["city", "location", "place", "country", "name", "town"];
        let mut text = if places.iter().any(|place| name.to_lowercase().contains(place)) {
            self.proper_name().unwrap_or_else(|| "Simulated".to_owned())
        } else if name.is_empty() {
            "simulated".to_owned()
        } else {
            format!("simulated {name}")
        };
        let limit = |key: &str| schema.get(key).and_then(Value::as_u64).and_then(|n| usize::try_from(n).ok());
        while limit("minLength").is_some_and(|least| text.chars().count() < least.min(4_096)) {
            text.push('x');
        }
        limit("maxLength").map_or(text.clone(), |most| text.chars().take(most).collect())
    }

    /// The last capitalised word of the question that does not begin it.
    fn proper_name(&self) -> Option<String> {
        let words = self.question.split_whitespace().skip(1);
        let names = words.filter(|word| word.starts_with(char::is_uppercase) && word.len() > 2);
        names.last().map(|word| word.trim_matches(|letter: char| !letter.is_alphanumeric()).to_owned())
    }
}

fn kind(schema: &Value) -> &str {
    match schema.get("type") {
        Some(Value::String(kind)) => kind,
        Some(Value::Array(kinds)) => {
            kinds.iter().filter_map(Value::as_str).find(|kind| *kind != "null").unwrap_or("null")
        }
        _ if schema.get("properties").is_some() => "object",
        _ if schema.get("items").is_some() => "array",
        _ => "string",
    }
}

fn merged(schema: &Value, parts: &[Value]) -> Value {
    let mut out = schema.clone();
    if let Some(fields) = out.as_object_mut() {
        fields.remove("allOf");
        for (key, value) in parts.iter().filter_map(Value::as_object).flatten() {
            match (fields.get_mut(key), value) {
                (Some(Value::Object(old)), Value::Object(new)) => old.extend(new.clone()),
                (Some(Value::Array(old)), Value::Array(new)) => old.extend(new.clone()),
                _ => {
                    fields.insert(key.clone(), value.clone());
                }
            }
        }
    }
    out
}

fn number(schema: &Value, is_whole: bool) -> Value {
    let bound = |key: &str| schema.get(key).and_then(Value::as_f64);
    let least = bound("minimum").or_else(|| bound("exclusiveMinimum").map(|least| least + 1.0));
    let most = bound("maximum").or_else(|| bound("exclusiveMaximum").map(|most| most - 1.0));
    let mut number = match (least, most) {
        (Some(least), _) if least > 7.0 => least,
        (_, Some(most)) if most < 7.0 => most,
        _ => 7.0,
    };
    if let Some(step) = bound("multipleOf").filter(|step| *step > 0.0) {
        number = (number / step).ceil() * step;
    }
    if is_whole {
        // A whole number of any size is written without its fraction.
        let digits = format!("{:.0}", number.ceil());
        return digits.parse::<i64>().map_or(Value::Null, Value::from);
    }
    Number::from_f64(number).map_or(Value::Null, Value::Number)
}
