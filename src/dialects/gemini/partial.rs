//! Function arguments that arrive in pieces: a path and the next part of its value.

use serde::Deserialize;
use serde_json::{Map, Value};

use crate::dialects::lenient::or_absent;

/// One piece of `partialArgs`.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Piece {
    json_path: String,
    string_value: Option<String>,
    number_value: Option<serde_json::Number>,
    bool_value: Option<bool>,
    #[serde(default, deserialize_with = "or_absent")]
    will_continue: Option<bool>,
}

/// The arguments of one call, as far as they have come.
#[derive(Debug, Default)]
pub(super) struct Assembly {
    root: Map<String, Value>,
    /// The path whose text goes on with the next piece.
    open: Option<String>,
    /// Places in lists that were made.
    places: usize,
}

#[derive(Debug, PartialEq)]
enum Step {
    Key(String),
    Index(usize),
}

/// Longer lists than this are no arguments but a mistake.
const INDEX_LIMIT: usize = 10_000;
/// So many places of all lists together.
const PLACES_LIMIT: usize = 100_000;
/// Deeper values could not even be written and dropped without running out of stack.
const DEPTH_LIMIT: usize = 100;

impl Assembly {
    pub(super) fn add(&mut self, piece: Piece) {
        let continues = self.open.as_deref() == Some(piece.json_path.as_str());
        let value = match (piece.string_value, piece.number_value, piece.bool_value) {
            (Some(text), ..) => Value::String(text),
            (None, Some(number), _) => Value::Number(number),
            (None, None, Some(flag)) => Value::Bool(flag),
            (None, None, None) => Value::Null,
        };
        if let Some(slot) = self.slot(&steps(&piece.json_path)) {
            match (slot, value) {
                (Value::String(before), Value::String(more)) if continues => before.push_str(&more),
                (slot, value) => *slot = value,
            }
        }
        self.open = piece.will_continue.unwrap_or(false).then_some(piece.json_path);
    }

    pub(super) fn into_json(self) -> String {
        Value::Object(self.root).to_string()
    }

    /// Where the value at `path` stands, made on the way.
    fn slot(&mut self, path: &[Step]) -> Option<&mut Value> {
        let (first, rest) = path.split_first()?;
        let Step::Key(key) = first else { return None };
        let mut slot = self.root.entry(key.clone()).or_insert(Value::Null);
        for step in rest {
            slot = match step {
                Step::Key(key) => {
                    if !slot.is_object() {
                        *slot = Value::Object(Map::new());
                    }
                    slot.as_object_mut()?.entry(key.clone()).or_insert(Value::Null)
                }
                Step::Index(index) => {
                    if !slot.is_array() {
                        *slot = Value::Array(Vec::new());
                    }
                    let items = slot.as_array_mut()?;
                    if items.len() <= *index {
                        self.places = self.places.saturating_add(index.saturating_add(1).saturating_sub(items.len()));
                        if self.places > PLACES_LIMIT {
                            return None;
                        }
                        items.resize(index.saturating_add(1), Value::Null);
                    }
                    items.get_mut(*index)?
                }
            };
        }
        Some(slot)
    }
}

/// The steps of `$.a['b c'][0]`; none when the path cannot be read.
fn steps(path: &str) -> Vec<Step> {
    let mut steps = Vec::new();
    let mut rest = path.strip_prefix('$').unwrap_or(path);
    while !rest.is_empty() {
        if steps.len() >= DEPTH_LIMIT {
            return Vec::new();
        }
        let (step, after) = if let Some(inside) = rest.strip_prefix('[') {
            let Some((inside, after)) = inside.split_once(']') else { return Vec::new() };
            let quoted = inside.trim_matches(['\'', '"']);
            match inside.parse::<usize>() {
                Ok(index) if index < INDEX_LIMIT => (Step::Index(index), after),
                Ok(_) => return Vec::new(),
                Err(_) => (Step::Key(quoted.to_owned()), after),
            }
        } else {
            let name = rest.strip_prefix('.').unwrap_or(rest);
            let end = name.find(['.', '[']).unwrap_or(name.len());
            let Some((key, after)) = name.split_at_checked(end).filter(|(key, _)| !key.is_empty()) else {
                return Vec::new();
            };
            (Step::Key(key.to_owned()), after)
        };
        steps.push(step);
        rest = after;
    }
    steps
}

#[cfg(test)]
mod tests {
    use super::*;

    fn assembled(pieces: &[&str]) -> String {
        let mut assembly = Assembly::default();
        for piece in pieces {
            assembly.add(serde_json::from_str(piece).unwrap());
        }
        assembly.into_json()
    }

    #[test]
    fn text_goes_on_while_its_path_does() {
        let json = assembled(&[
            r#"{"jsonPath":"$.city","stringValue":"San ","willContinue":true}"#,
            r#"{"jsonPath":"$.city","stringValue":"Francisco"}"#,
            r#"{"jsonPath":"$.days[1].n","numberValue":2.50}"#,
            r#"{"jsonPath":"$['odd key']","boolValue":true}"#,
            r#"{"jsonPath":"$.nothing","nullValue":"NULL_VALUE"}"#,
        ]);
        assert_eq!(json, r#"{"city":"San Francisco","days":[null,{"n":2.5}],"odd key":true,"nothing":null}"#);
    }

    #[test]
    fn arguments_made_to_break_the_server_are_left_out() {
        let deep = format!(r#"{{"jsonPath":"${}","stringValue":"x"}}"#, ".a".repeat(1 << 20));
        assert_eq!(assembled(&[&deep]), "{}");
        let wide: Vec<String> = (0..50).map(|n| format!(r#"{{"jsonPath":"$.a{n}[9999]","numberValue":1}}"#)).collect();
        let wide: Vec<&str> = wide.iter().map(String::as_str).collect();
        assert!(assembled(&wide).len() < 1 << 20);
    }

    #[test]
    fn nonsense_paths_are_left_out() {
        assert_eq!(
            assembled(&[
                r#"{"jsonPath":"$[0]","stringValue":"x"}"#,
                r#"{"jsonPath":"$.a[99999999]","stringValue":"x"}"#
            ]),
            "{}"
        );
        assert_eq!(assembled(&[]), "{}");
    }
}
