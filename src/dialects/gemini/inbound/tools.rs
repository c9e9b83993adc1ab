//! Tools, the choice among them, and Google's schemas.

use serde_json::{Map, Value, json};

use crate::dialects::BadField;
use crate::dialects::inference::{Tool, ToolChoice};
use crate::dialects::read::Object;

/// Words of a schema that are numbers, which Google's clients may write as text.
const NUMBERS: [&str; 6] = ["minItems", "maxItems", "minLength", "maxLength", "minProperties", "maxProperties"];

pub(super) fn parse(fields: Object<'_>) -> Result<(Vec<Tool>, Option<ToolChoice>), BadField> {
    let mut tools = Vec::new();
    let single;
    let list = match fields.get("tools") {
        Some(value @ Value::Object(_)) => {
            single = [value.clone()];
            &single[..]
        }
        _ => fields.list("tools")?,
    };
    for (index, value) in list.iter().enumerate() {
        tool(value, &mut tools).map_err(|error| error.within(&format!("tools[{index}]")))?;
    }
    let choice = choice(fields, &mut tools).map_err(|error| error.within("toolConfig.functionCallingConfig"))?;
    Ok((tools, choice))
}

fn tool(value: &Value, out: &mut Vec<Tool>) -> Result<(), BadField> {
    let fields = Object::of(value, "functionDeclarations")?;
    for (index, value) in fields.list("functionDeclarations")?.iter().enumerate() {
        let within = |error: BadField| error.within(&format!("functionDeclarations[{index}]"));
        let function = Object::of(value, "name").map_err(within)?;
        let schema = function.get("parametersJsonSchema").cloned();
        out.push(Tool {
            name: function.required_text("name").map_err(within)?.to_owned(),
            description: function.text("description").map_err(within)?.map(str::to_owned),
            parameters: schema.or_else(|| function.get("parameters").map(json_schema)),
            ..Tool::default()
        });
    }
    // Tools that Google runs itself reach only Google.
    for (name, value) in fields.0 {
        if !matches!(name.as_str(), "functionDeclarations" | "function_declarations") && !value.is_null() {
            out.push(Tool { name: name.clone(), other: Some(json!({ name: value })), ..Tool::default() });
        }
    }
    Ok(())
}

fn choice(fields: Object<'_>, tools: &mut Vec<Tool>) -> Result<Option<ToolChoice>, BadField> {
    let config = fields.object("toolConfig")?.map(|config| config.object("functionCallingConfig")).transpose()?;
    let Some(config) = config.flatten() else { return Ok(None) };
    let allowed = config.texts("allowedFunctionNames")?;
    let mode = config.text("mode")?.map(str::to_uppercase);
    Ok(match mode.as_deref() {
        Some("NONE") => Some(ToolChoice::None),
        Some("AUTO" | "VALIDATED") => Some(ToolChoice::Auto),
        Some("ANY") => match allowed.as_slice() {
            [] => Some(ToolChoice::Required),
            [name] => Some(ToolChoice::Function(name.clone())),
            names => {
                // Elsewhere a choice among some is said by offering only those.
                tools.retain(|tool| names.contains(&tool.name));
                Some(ToolChoice::Required)
            }
        },
        Some("MODE_UNSPECIFIED") | None => None,
        Some(_) => return Err(BadField::new("mode", "must be one of AUTO, ANY, NONE, VALIDATED")),
    })
}

/// Google's dialect of OpenAPI schemas as JSON Schema: types in small letters,
/// `nullable` as a type, numbers as numbers.
pub(super) fn json_schema(schema: &Value) -> Value {
    let Value::Object(fields) = schema else { return schema.clone() };
    let is_nullable = fields.get("nullable") == Some(&Value::Bool(true));
    let mut out = Map::with_capacity(fields.len());
    for (name, value) in fields {
        let value = match (name.as_str(), value) {
            ("nullable", Value::Bool(_)) => continue,
            ("propertyOrdering" | "property_ordering", Value::Array(_)) => continue,
            ("type", Value::String(kind)) => {
                let kind = kind.to_ascii_lowercase();
                if is_nullable { json!([kind, "null"]) } else { json!(kind) }
            }
            ("properties", Value::Object(properties)) => properties
                .iter()
                .map(|(name, schema)| (name.clone(), json_schema(schema)))
                .collect::<Map<_, _>>()
                .into(),
            ("items" | "additionalProperties", schema @ Value::Object(_)) => json_schema(schema),
            ("anyOf" | "any_of", Value::Array(schemas)) => schemas.iter().map(json_schema).collect(),
            (name, Value::String(text)) if NUMBERS.contains(&name) => {
                text.parse::<u64>().map_or_else(|_| value.clone(), Value::from)
            }
            _ => value.clone(),
        };
        out.insert(if name == "any_of" { "anyOf".to_owned() } else { name.clone() }, value);
    }
    out.into()
}
