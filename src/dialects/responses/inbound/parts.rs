//! The parts of a message or of a function's output.

use serde_json::Value;

use crate::dialects::BadField;
use crate::dialects::inference::Part;
use crate::dialects::read::Object;

/// What a message says.
#[derive(Default)]
pub(super) struct Said {
    pub(super) parts: Vec<Part>,
    pub(super) refusal: Option<String>,
}

/// A string, an array of parts, or nothing. `name` is the field.
pub(super) fn parse(content: Option<&Value>, name: &str) -> Result<Said, BadField> {
    let mut said = Said::default();
    match content {
        None => {}
        Some(Value::String(text)) if text.is_empty() => {}
        Some(Value::String(text)) => said.parts.push(Part::text(text.as_str())),
        Some(Value::Array(parts)) => {
            for (index, own) in parts.iter().enumerate() {
                part(own, &mut said).map_err(|error| error.within(&format!("{name}[{index}]")))?;
            }
        }
        Some(_) => return Err(BadField::new(name, "must be a string or an array of parts")),
    }
    Ok(said)
}

fn part(value: &Value, said: &mut Said) -> Result<(), BadField> {
    let remedy = "is required: input_text, input_image, input_file, input_audio, …";
    let fields = value.as_object().map(Object).ok_or_else(|| BadField::new("type", remedy))?;
    let cache_control = fields.get("cache_control").cloned();
    let part = match fields.text("type")?.ok_or_else(|| BadField::new("type", remedy))? {
        "input_text" | "output_text" | "text" | "summary_text" => {
            let text = fields.text("text")?.ok_or_else(|| BadField::new("text", "is required on a text part"))?;
            Part::Text { text: text.to_owned(), cache_control }
        }
        "refusal" => {
            let text = fields.text("refusal")?.ok_or_else(|| BadField::new("refusal", "is required on a refusal"))?;
            said.refusal.get_or_insert_default().push_str(text);
            return Ok(());
        }
        "input_image" | "image_url" => image(fields, cache_control)?,
        "input_file" | "file" => file(fields, cache_control)?,
        "input_audio" => {
            let audio = fields.object("input_audio")?.unwrap_or(fields);
            let within = |error: BadField| error.within("input_audio");
            Part::Audio {
                data: audio.required_text("data").map_err(within)?.to_owned(),
                format: audio.required_text("format").map_err(within)?.to_owned(),
            }
        }
        "input_video" => Part::Video { url: address(fields, "video_url")?.0 },
        _ => Part::Other(value.clone()),
    };
    said.parts.push(part);
    Ok(())
}

/// An image stored elsewhere can only be fetched by who stores it.
fn image(fields: Object<'_>, cache_control: Option<Value>) -> Result<Part, BadField> {
    if fields.get("image_url").is_none() && fields.get("file_id").is_some() {
        return Ok(Part::Other(Value::Object(fields.0.clone())));
    }
    let (url, inner) = address(fields, "image_url")?;
    let detail = fields.text("detail")?.map(str::to_owned).or(inner);
    Ok(Part::Image { url, detail, cache_control })
}

fn file(fields: Object<'_>, cache_control: Option<Value>) -> Result<Part, BadField> {
    // In chat completions the fields are one object deeper.
    let fields = fields.object("file").unwrap_or(None).unwrap_or(fields);
    let text = |name: &str| Ok::<_, BadField>(fields.text(name)?.filter(|text| !text.is_empty()).map(str::to_owned));
    let (name, file_id) = (text("filename")?, text("file_id")?);
    let data = text("file_data")?.or(text("file_url")?);
    if data.is_none() && file_id.is_none() {
        return Err(BadField::new("file_data", "is required: a data URL, or a file_url or file_id instead"));
    }
    Ok(Part::File { name, data, file_id, cache_control })
}

/// A URL, or `{url, detail}` as in chat completions.
fn address(fields: Object<'_>, name: &str) -> Result<(String, Option<String>), BadField> {
    let remedy = "is required: a URL (http, https or data:)";
    match fields.get(name) {
        Some(Value::String(url)) if !url.is_empty() => Ok((url.clone(), None)),
        Some(value @ Value::Object(_)) => {
            let object = Object::of(value, name)?;
            let url = object.required_text("url").map_err(|error| error.within(name))?;
            Ok((url.to_owned(), object.text("detail")?.map(str::to_owned)))
        }
        _ => Err(BadField::new(name, remedy)),
    }
}
