//! Tools, the choice among them, and the form of the answer.

use serde::Deserialize;
use serde_json::Value;
use serde_json::value::RawValue;

use super::fields::{Fields, read};
use crate::dialects::BadField;
use crate::dialects::inference::{ResponseFormat, Tool, ToolChoice};

/// Characters a tool's name may have, as the original's API description says.
const NAME_LIMIT: usize = 64;
/// Tools that the original's gateway runs itself.
const GATEWAY_TOOL: &str = "openrouter:";

#[derive(Deserialize)]
struct WireTool {
    #[serde(rename = "type")]
    kind: Option<String>,
    function: Option<WireFunction>,
    cache_control: Option<Value>,
}

#[derive(Deserialize)]
struct WireFunction {
    name: Option<String>,
    description: Option<String>,
    parameters: Option<Value>,
    strict: Option<bool>,
}

#[derive(Deserialize)]
struct WireFormat {
    #[serde(rename = "type")]
    kind: String,
    json_schema: Option<WireSchema>,
}

#[derive(Deserialize)]
struct WireSchema {
    name: Option<String>,
    schema: Option<Value>,
    strict: Option<bool>,
}

pub(super) fn parse(fields: &Fields<'_>) -> Result<Vec<Tool>, BadField> {
    let items: Vec<&RawValue> = fields.typed("tools", "must be an array of tools")?.unwrap_or_default();
    let parse_one = |(index, raw)| tool(raw).map_err(|error| error.within(&format!("tools[{index}]")));
    items.into_iter().enumerate().map(parse_one).collect()
}

fn tool(raw: &RawValue) -> Result<Tool, BadField> {
    let wire: WireTool =
        serde_json::from_str(raw.get()).map_err(|error| BadField::new("function", format!("is malformed: {error}")))?;
    match (wire.kind.as_deref(), wire.function) {
        (Some("function") | None, Some(function)) => {
            let name = function.name.unwrap_or_default();
            if !is_name(&name) {
                let remedy = format!("must be 1 to {NAME_LIMIT} letters, digits, _, -, . or :");
                return Err(BadField::new("function.name", remedy));
            }
            if function.parameters.as_ref().is_some_and(|schema| !schema.is_object() && !schema.is_null()) {
                return Err(BadField::new("function.parameters", "must be a JSON Schema object"));
            }
            Ok(Tool {
                name,
                description: function.description,
                parameters: function.parameters.filter(Value::is_object),
                strict: function.strict,
                cache_control: wire.cache_control,
                other: None,
            })
        }
        (Some("function") | None, None) => {
            Err(BadField::new("function", "is required: {name, description, parameters}"))
        }
        (Some(kind), _) if kind.starts_with(GATEWAY_TOOL) => {
            Err(BadField::new("type", format!("`{kind}` is not offered here: use \"function\"")))
        }
        (Some(kind), _) => {
            Ok(Tool { name: kind.to_owned(), other: Some(read(raw, "type", "is not readable")?), ..Tool::default() })
        }
    }
}

fn is_name(name: &str) -> bool {
    let is_allowed = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.' | b':');
    (1..=NAME_LIMIT).contains(&name.len()) && name.bytes().all(is_allowed)
}

pub(super) fn choice(fields: &Fields<'_>) -> Result<Option<ToolChoice>, BadField> {
    let Some(raw) = fields.get("tool_choice") else { return Ok(None) };
    let remedy = || {
        let forms = "must be \"auto\", \"none\", \"required\" or {\"type\":\"function\",\"function\":{\"name\":…}}";
        BadField::new("tool_choice", forms)
    };
    Ok(Some(match raw.get() {
        "\"auto\"" => ToolChoice::Auto,
        "\"none\"" => ToolChoice::None,
        "\"required\"" => ToolChoice::Required,
        object => {
            let wire: WireTool = serde_json::from_str(object).map_err(|_| remedy())?;
            let is_function = wire.kind.is_none_or(|kind| kind == "function");
            let name = wire.function.filter(|_| is_function).and_then(|function| function.name);
            ToolChoice::Function(name.ok_or_else(remedy)?)
        }
    }))
}

pub(super) fn response_format(fields: &Fields<'_>) -> Result<Option<ResponseFormat>, BadField> {
    let Some(raw) = fields.get("response_format") else { return Ok(None) };
    let wire: WireFormat = serde_json::from_str(raw.get())
        .map_err(|error| BadField::new("response_format", format!("must be an object with a type: {error}")))?;
    Ok(Some(match wire.kind.as_str() {
        "text" => ResponseFormat::Text,
        "json_object" => ResponseFormat::JsonObject,
        "json_schema" => {
            let schema = wire
                .json_schema
                .ok_or_else(|| BadField::new("response_format.json_schema", "is required: {name, schema, strict}"))?;
            let is_object = schema.schema.as_ref().is_some_and(Value::is_object);
            ResponseFormat::JsonSchema {
                name: schema.name.unwrap_or_else(|| "response".to_owned()),
                schema: schema.schema.filter(|_| is_object).ok_or_else(|| {
                    BadField::new("response_format.json_schema.schema", "must be a JSON Schema object")
                })?,
                strict: schema.strict,
            }
        }
        _ => ResponseFormat::Other(read(raw, "response_format", "must be an object")?),
    }))
}
