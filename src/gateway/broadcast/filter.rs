//! Rules on which events a destination gets.

use app::types::observability::{FilterGroup, FilterRule, FilterRules};
use regex::{Regex, RegexBuilder};
use serde_json::Value;

use super::event::Event;

/// What rules can be about.
const FIELDS: [&str; 12] = [
    "model",
    "provider",
    "session_id",
    "user_id",
    "api_key_name",
    "finish_reason",
    "input",
    "output",
    "total_cost",
    "total_tokens",
    "prompt_tokens",
    "completion_tokens",
];
const OPERATORS: [&str; 13] = [
    "equals",
    "not_equals",
    "contains",
    "not_contains",
    "regex",
    "starts_with",
    "ends_with",
    "gt",
    "lt",
    "gte",
    "lte",
    "exists",
    "not_exists",
];
/// Rules of one destination.
const MOST_RULES: usize = 50;
/// What a pattern may take once compiled, bytes.
const MOST_COMPILED: usize = 1 << 20;

/// Rules, ready to be asked.
#[derive(Clone, Debug, Default)]
pub struct Filter {
    groups: Vec<Group>,
}

#[derive(Clone, Debug)]
struct Group {
    is_any: bool,
    rules: Vec<Rule>,
}

#[derive(Clone, Debug)]
struct Rule {
    field: String,
    operator: String,
    value: Operand,
}

#[derive(Clone, Debug)]
enum Operand {
    None,
    Text(String),
    Number(f64),
    Pattern(Regex),
}

impl Filter {
    /// # Errors
    /// A sentence naming the rule that cannot work.
    pub fn new(rules: Option<&FilterRules>) -> Result<Self, String> {
        let Some(rules) = rules.filter(|rules| rules.enabled) else { return Ok(Self::default()) };
        if rules.groups.iter().map(|group| group.rules.len()).sum::<usize>() > MOST_RULES {
            return Err(format!("filter_rules may have {MOST_RULES} rules"));
        }
        Ok(Self { groups: rules.groups.iter().map(group).collect::<Result<_, _>>()? })
    }

    /// Whether every group lets an event pass.
    #[must_use]
    pub fn passes(&self, event: &Event<'_>) -> bool {
        self.groups.iter().filter(|group| !group.rules.is_empty()).all(|group| {
            let mut rules = group.rules.iter();
            if group.is_any { rules.any(|rule| rule.holds(event)) } else { rules.all(|rule| rule.holds(event)) }
        })
    }
}

fn group(group: &FilterGroup) -> Result<Group, String> {
    let is_any = match group.logic.as_str() {
        "and" => false,
        "or" => true,
        other => return Err(format!("filter_rules: logic `{other}` must be and or or")),
    };
    Ok(Group { is_any, rules: group.rules.iter().map(rule).collect::<Result<_, _>>()? })
}

fn rule(rule: &FilterRule) -> Result<Rule, String> {
    let (field, operator) = (rule.field.as_str(), rule.operator.as_str());
    if !FIELDS.contains(&field) {
        return Err(format!("filter_rules: field `{field}` must be one of {}", FIELDS.join(", ")));
    }
    if !OPERATORS.contains(&operator) {
        return Err(format!("filter_rules: operator `{operator}` must be one of {}", OPERATORS.join(", ")));
    }
    let text = match &rule.value {
        Some(Value::String(text)) => Some(text.clone()),
        Some(Value::Number(number)) => Some(number.to_string()),
        None | Some(Value::Null) => None,
        Some(_) => return Err(format!("filter_rules: the value of {field} {operator} must be text or a number")),
    };
    let missing = || format!("filter_rules: {field} {operator} needs a value");
    let value = match operator {
        "exists" | "not_exists" => Operand::None,
        "gt" | "lt" | "gte" | "lte" => {
            let number = text.ok_or_else(missing)?.parse().ok();
            Operand::Number(number.ok_or_else(|| format!("filter_rules: {field} {operator} needs a number"))?)
        }
        "regex" => {
            let text = text.ok_or_else(missing)?;
            let built = RegexBuilder::new(&text).size_limit(MOST_COMPILED).dfa_size_limit(MOST_COMPILED).build();
            Operand::Pattern(built.map_err(|_| format!("filter_rules: `{text}` is no pattern this server takes"))?)
        }
        _ => Operand::Text(text.ok_or_else(missing)?),
    };
    Ok(Rule { field: field.to_owned(), operator: operator.to_owned(), value })
}

impl Rule {
    fn holds(&self, event: &Event<'_>) -> bool {
        let own = event.field(&self.field);
        let text = own.as_deref().unwrap_or_default();
        let as_number = |test: fn(&f64, &f64) -> bool, other: &f64| {
            own.as_deref().and_then(|own| own.parse::<f64>().ok()).is_some_and(|own| test(&own, other))
        };
        match (&self.value, self.operator.as_str()) {
            (Operand::None, "exists") => own.is_some(),
            (Operand::None, _) => own.is_none(),
            (Operand::Pattern(pattern), _) => pattern.is_match(text),
            (Operand::Number(other), "gt") => as_number(f64::gt, other),
            (Operand::Number(other), "lt") => as_number(f64::lt, other),
            (Operand::Number(other), "gte") => as_number(f64::ge, other),
            (Operand::Number(other), _) => as_number(f64::le, other),
            (Operand::Text(other), "equals") => text == other,
            (Operand::Text(other), "not_equals") => text != other,
            (Operand::Text(other), "contains") => text.contains(other),
            (Operand::Text(other), "not_contains") => !text.contains(other),
            (Operand::Text(other), "starts_with") => text.starts_with(other),
            (Operand::Text(other), _) => text.ends_with(other),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::store::generations::GenerationRow;

    #[test]
    fn groups_and_rules_decide_as_they_say() {
        let row = GenerationRow {
            model_id: "acme/one".to_owned(),
            prompt_tokens: 10,
            completion_tokens: 3,
            cost_nanos: 2_000_000,
            ..GenerationRow::default()
        };
        let event = Event::test(&row);
        let passes = |rules: Value| {
            let rules: FilterRules = serde_json::from_value(rules).unwrap();
            Filter::new(Some(&rules)).unwrap().passes(&event)
        };
        let one = |field: &str, operator: &str, value: Value| {
            passes(json!({ "groups": [{ "rules": [{ "field": field, "operator": operator, "value": value }] }] }))
        };
        assert!(one("model", "equals", json!("acme/one")) && !one("model", "not_equals", json!("acme/one")));
        assert!(one("model", "starts_with", json!("acme/")) && one("model", "regex", json!("^acme/(one|two)$")));
        assert!(one("total_tokens", "gte", json!(13)) && !one("total_tokens", "gt", json!(13)));
        assert!(one("total_cost", "lt", json!(0.0021)) && one("session_id", "not_exists", Value::Null));
        let other = json!({ "field": "model", "operator": "contains", "value": "zzz" });
        let right = json!({ "field": "model", "operator": "ends_with", "value": "one" });
        assert!(passes(json!({ "groups": [{ "logic": "or", "rules": [other, right] }] })));
        assert!(!passes(json!({ "groups": [{ "logic": "and", "rules": [other, right] }] })));
        assert!(passes(json!({ "enabled": false, "groups": [{ "rules": [other] }] })));
        for rule in [
            json!({ "field": "x", "operator": "equals", "value": "y" }),
            json!({ "field": "model", "operator": "regex", "value": "(" }),
            json!({ "field": "model", "operator": "gt", "value": "many" }),
            json!({ "field": "model", "operator": "equals" }),
        ] {
            let rules: FilterRules = serde_json::from_value(json!({ "groups": [{ "rules": [rule] }] })).unwrap();
            assert!(Filter::new(Some(&rules)).unwrap_err().contains("filter_rules"), "{rules:?}");
        }
    }
}
