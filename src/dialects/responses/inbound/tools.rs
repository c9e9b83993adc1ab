//! Tools, the choice among them, and the form of the answer. All flat here.

use serde_json::Value;

use crate::dialects::BadField;
use crate::dialects::inference::{ResponseFormat, Tool, ToolChoice};
use crate::dialects::read::Object;

/// Characters a tool's name may have, as the original's API description says.
const NAME_LIMIT: usize = 64;
/// Tools that the original's gateway runs itself.
const GATEWAY_TOOL: &str = "openrouter:";

/// The tools the model may use, and whether it must.
pub(super) fn parse(fields: Object<'_>) -> Result<(Vec<Tool>, Option<ToolChoice>), BadField> {
    let parse_one = |(index, value)| tool(value).map_err(|error: BadField| error.within(&format!("tools[{index}]")));
    let mut tools: Vec<Tool> = fields.list("tools")?.iter().enumerate().map(parse_one).collect::<Result<_, _>>()?;
    let choice = fields.get("tool_choice").map(|value| choice(value, &mut tools)).transpose()?;
    Ok((tools, choice))
}

fn tool(value: &Value) -> Result<Tool, BadField> {
    let fields =
        value.as_object().map(Object).ok_or_else(|| BadField::new("type", "is required: a tool is an object"))?;
    match fields.text("type")?.unwrap_or("function") {
        "function" => {
            // Chat completions has the same fields one object deeper.
            let own = fields.object("function")?.unwrap_or(fields);
            let name = own.text("name")?.unwrap_or_default().to_owned();
            if !is_name(&name) {
                let remedy = format!("must be 1 to {NAME_LIMIT} letters, digits, _, -, . or :");
                return Err(BadField::new("name", remedy));
            }
            let parameters = own.get("parameters");
            if parameters.is_some_and(|schema| !schema.is_object()) {
                return Err(BadField::new("parameters", "must be a JSON Schema object"));
            }
            Ok(Tool {
                name,
                description: own.text("description")?.map(str::to_owned),
                parameters: parameters.cloned(),
                strict: own.boolean("strict")?,
                cache_control: fields.get("cache_control").cloned(),
                other: None,
            })
        }
        kind if kind.starts_with(GATEWAY_TOOL) => {
            Err(BadField::new("type", format!("`{kind}` is not offered here: use \"function\"")))
        }
        kind => Ok(Tool { name: kind.to_owned(), other: Some(value.clone()), ..Tool::default() }),
    }
}

fn is_name(name: &str) -> bool {
    let is_allowed = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.' | b':');
    (1..=NAME_LIMIT).contains(&name.len()) && name.bytes().all(is_allowed)
}

fn choice(value: &Value, tools: &mut Vec<Tool>) -> Result<ToolChoice, BadField> {
    let remedy = || {
        let forms = "must be \"auto\", \"none\", \"required\" or {\"type\":\"function\",\"name\":…}";
        BadField::new("tool_choice", forms)
    };
    let word = |word: &str| match word {
        "auto" => Some(ToolChoice::Auto),
        "none" => Some(ToolChoice::None),
        "required" => Some(ToolChoice::Required),
        _ => None,
    };
    if let Some(text) = value.as_str() {
        return word(text).ok_or_else(remedy);
    }
    let fields = value.as_object().map(Object).ok_or_else(remedy)?;
    match fields.text("type")?.unwrap_or_default() {
        "function" => {
            let inner = fields.object("function")?.unwrap_or(fields);
            inner.text("name")?.map(|name| ToolChoice::Function(name.to_owned())).ok_or_else(remedy)
        }
        "allowed_tools" => {
            let allowed: Vec<&str> =
                fields.list("tools")?.iter().filter_map(|tool| tool.get("name")?.as_str()).collect();
            // Tools that are no functions are told apart by their type only.
            tools.retain(|tool| tool.other.is_some() || allowed.contains(&tool.name.as_str()));
            word(fields.text("mode")?.unwrap_or("auto")).ok_or_else(remedy)
        }
        "" => Err(remedy()),
        // The name of a tool that is no function: only a provider of this API has it.
        _ => Ok(ToolChoice::Required),
    }
}

/// `text.format`.
pub(super) fn response_format(fields: Object<'_>) -> Result<Option<ResponseFormat>, BadField> {
    let Some(text) = fields.object("text")? else { return Ok(None) };
    let Some(value) = text.get("format") else { return Ok(None) };
    let within = |error: BadField| error.within("text.format");
    let format = Object::of(value, "text.format")?;
    Ok(Some(match format.required_text("type").map_err(within)? {
        "text" => ResponseFormat::Text,
        "json_object" => ResponseFormat::JsonObject,
        "json_schema" => {
            let schema = format.get("schema").filter(|schema| schema.is_object());
            ResponseFormat::JsonSchema {
                name: format.text("name").map_err(within)?.unwrap_or("response").to_owned(),
                schema: schema
                    .cloned()
                    .ok_or_else(|| within(BadField::new("schema", "must be a JSON Schema object")))?,
                strict: format.boolean("strict").map_err(within)?,
            }
        }
        _ => ResponseFormat::Other(value.clone()),
    }))
}
