//! Tools and the choice among them.

use serde_json::Value;

use crate::dialects::BadField;
use crate::dialects::inference::{Tool, ToolChoice};
use crate::dialects::read::Object;

/// Tools that the original's gateway runs itself.
const GATEWAY_TOOL: &str = "openrouter:";

pub(super) fn parse(fields: Object<'_>) -> Result<Vec<Tool>, BadField> {
    let parse_one = |(index, value)| tool(value).map_err(|error| error.within(&format!("tools[{index}]")));
    fields.list("tools")?.iter().enumerate().map(parse_one).collect()
}

fn tool(value: &Value) -> Result<Tool, BadField> {
    let fields = Object::of(value, "name")?;
    let kind = fields.text("type")?;
    if let Some(kind) = kind.filter(|kind| kind.starts_with(GATEWAY_TOOL)) {
        return Err(BadField::new("type", format!("`{kind}` is not offered here: use a tool with an input_schema")));
    }
    // Tools that Anthropic runs or knows by heart reach only Anthropic.
    if let Some(kind) = kind.filter(|kind| *kind != "custom") {
        let name = fields.text("name")?.unwrap_or(kind).to_owned();
        return Ok(Tool { name, other: Some(value.clone()), ..Tool::default() });
    }
    let schema = fields.get("input_schema");
    if schema.is_some_and(|schema| !schema.is_object()) {
        return Err(BadField::new("input_schema", "must be a JSON Schema object"));
    }
    Ok(Tool {
        name: fields.required_text("name")?.to_owned(),
        description: fields.text("description")?.map(str::to_owned),
        parameters: schema.cloned(),
        strict: fields.boolean("strict")?,
        cache_control: fields.get("cache_control").cloned(),
        other: None,
    })
}

/// The choice, and whether several calls may come at once.
pub(super) fn choice(fields: Object<'_>) -> Result<(Option<ToolChoice>, Option<bool>), BadField> {
    let Some(choice) = fields.object("tool_choice")? else { return Ok((None, None)) };
    let within = |error: BadField| error.within("tool_choice");
    let is_single = choice.boolean("disable_parallel_tool_use").map_err(within)?;
    let wish = match choice.required_text("type").map_err(within)? {
        "auto" => ToolChoice::Auto,
        "any" => ToolChoice::Required,
        "none" => ToolChoice::None,
        "tool" => ToolChoice::Function(choice.required_text("name").map_err(within)?.to_owned()),
        _ => return Err(BadField::new("tool_choice.type", "must be one of auto, any, tool, none")),
    };
    Ok((Some(wish), is_single.map(|is_single| !is_single)))
}
