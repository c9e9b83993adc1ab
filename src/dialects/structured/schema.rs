//! Whether a JSON value fits a JSON Schema: the words that structured outputs use.
//! Words not known here are passed over, as the standard asks of validators.

use std::cell::Cell;

use serde_json::{Map, Value};

/// `$ref`s are followed no deeper, so that a schema of itself ends.
const DEPTH: usize = 64;
/// Comparisons of a part with a schema in one check. A schema that refers to itself
/// from two places would take 2^64; what is not looked at any more counts as fit.
const STEPS: u32 = 200_000;

/// What is wrong with `value`, with the place; `None` when it fits.
pub(super) fn complaint(schema: &Value, value: &Value) -> Option<String> {
    Check { root: schema, steps: Cell::new(STEPS) }.value(schema, value, "the answer", DEPTH).err()
}

struct Check<'a> {
    root: &'a Value,
    /// How many are left.
    steps: Cell<u32>,
}

type Outcome = Result<(), String>;

impl Check<'_> {
    fn value(&self, schema: &Value, value: &Value, place: &str, depth: usize) -> Outcome {
        let steps = self.steps.get();
        self.steps.set(steps.saturating_sub(1));
        let fields = match schema {
            _ if steps == 0 => return Ok(()),
            Value::Bool(false) => return Err(format!("{place} must not be there")),
            Value::Object(fields) if depth > 0 => fields,
            _ => return Ok(()),
        };
        let depth = depth.saturating_sub(1);
        if let Some(target) = fields.get("$ref").and_then(Value::as_str) {
            let pointer = target.strip_prefix('#').unwrap_or(target);
            if let Some(schema) = self.root.pointer(pointer) {
                self.value(schema, value, place, depth)?;
            }
        }
        kind(fields, value, place)?;
        if fields.get("const").is_some_and(|only| only != value) {
            return Err(format!("{place} must be {}", fields.get("const").unwrap_or(&Value::Null)));
        }
        if let Some(allowed) = fields.get("enum").and_then(Value::as_array)
            && !allowed.contains(value)
        {
            return Err(format!("{place} must be one of {}", Value::from(allowed.clone())));
        }
        self.combinations(fields, value, place, depth)?;
        match value {
            Value::Object(object) => self.object(fields, object, place, depth),
            Value::Array(items) => self.array(fields, items, place, depth),
            Value::String(text) => {
                let length = u64::try_from(text.chars().count()).unwrap_or(u64::MAX);
                within(fields, ("minLength", "maxLength"), length, &format!("the length of {place}"))
            }
            Value::Number(_) => number(fields, value, place),
            _ => Ok(()),
        }
    }

    fn combinations(&self, fields: &Map<String, Value>, value: &Value, place: &str, depth: usize) -> Outcome {
        let list = |name: &str| fields.get(name).and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
        for schema in list("allOf") {
            self.value(schema, value, place, depth)?;
        }
        for name in ["anyOf", "oneOf"] {
            let schemas = list(name);
            let outcomes: Vec<Outcome> = schemas.iter().map(|schema| self.value(schema, value, place, depth)).collect();
            if !schemas.is_empty() && outcomes.iter().all(Result::is_err) {
                let first = outcomes.into_iter().find_map(Result::err).unwrap_or_default();
                return Err(format!("{place} fits none of {name}: {first}"));
            }
        }
        Ok(())
    }

    fn object(&self, fields: &Map<String, Value>, object: &Map<String, Value>, place: &str, depth: usize) -> Outcome {
        let required = fields.get("required").and_then(Value::as_array).into_iter().flatten();
        if let Some(missing) = required.filter_map(Value::as_str).find(|name| !object.contains_key(*name)) {
            return Err(format!("{place} lacks the property `{missing}`"));
        }
        let properties = fields.get("properties").and_then(Value::as_object);
        for (name, value) in object {
            let here = format!("{place}.{name}");
            match properties.and_then(|properties| properties.get(name)) {
                Some(schema) => self.value(schema, value, &here, depth)?,
                None => match fields.get("additionalProperties") {
                    Some(Value::Bool(false)) if !fields.contains_key("patternProperties") => {
                        return Err(format!("{place} must not have the property `{name}`"));
                    }
                    Some(schema @ Value::Object(_)) => self.value(schema, value, &here, depth)?,
                    _ => {}
                },
            }
        }
        Ok(())
    }

    fn array(&self, fields: &Map<String, Value>, items: &[Value], place: &str, depth: usize) -> Outcome {
        let length = u64::try_from(items.len()).unwrap_or(u64::MAX);
        within(fields, ("minItems", "maxItems"), length, &format!("the number of items of {place}"))?;
        let first = fields.get("prefixItems").and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
        for (index, item) in items.iter().enumerate() {
            if let Some(schema) = first.get(index).or_else(|| fields.get("items")) {
                self.value(schema, item, &format!("{place}[{index}]"), depth)?;
            }
        }
        Ok(())
    }
}

fn kind(fields: &Map<String, Value>, value: &Value, place: &str) -> Outcome {
    let is = |kind: &str| match kind {
        "object" => value.is_object(),
        "array" => value.is_array(),
        "string" => value.is_string(),
        "boolean" => value.is_boolean(),
        "null" => value.is_null(),
        "number" => value.is_number(),
        // `1.0` is an integer, too.
        "integer" => value.is_i64() || value.is_u64() || value.as_f64().is_some_and(|number| number.fract() == 0.0),
        _ => true,
    };
    let fits = match fields.get("type") {
        Some(Value::String(kind)) => is(kind),
        Some(Value::Array(kinds)) => kinds.iter().filter_map(Value::as_str).any(is),
        _ => true,
    };
    if fits { Ok(()) } else { Err(format!("{place} must be of type {}", fields.get("type").unwrap_or(&Value::Null))) }
}

fn number(fields: &Map<String, Value>, value: &Value, place: &str) -> Outcome {
    let Some(number) = value.as_f64() else { return Ok(()) };
    let limit = |name: &str| fields.get(name).and_then(Value::as_f64);
    let is_low = limit("minimum").is_some_and(|least| number < least)
        || limit("exclusiveMinimum").is_some_and(|least| number <= least);
    let is_high = limit("maximum").is_some_and(|most| number > most)
        || limit("exclusiveMaximum").is_some_and(|most| number >= most);
    if is_low || is_high { Err(format!("{place} is out of range")) } else { Ok(()) }
}

fn within(fields: &Map<String, Value>, names: (&str, &str), count: u64, what: &str) -> Outcome {
    let limit = |name: &str| fields.get(name).and_then(Value::as_u64);
    let fits = limit(names.0).is_none_or(|least| count >= least) && limit(names.1).is_none_or(|most| count <= most);
    if fits { Ok(()) } else { Err(format!("{what} is out of range")) }
}
